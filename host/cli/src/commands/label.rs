//! `huiyin label`: the four labels of items and cases (疑虑、误解、歪曲、谣言).

use clap::{Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::roster::act;
use crate::client::{Client, HostArgs, segment};
use crate::output::{Failure, Output, print, print_json};
use crate::people::{Reader, word};
use crate::rows::{rows, texts};
use crate::text::{table, typed};

/// Labels of items and cases: doubt, misunderstanding, distortion, rumour (疑虑、误解、歪曲、谣言)
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

/// One of the four.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Label {
    /// 疑虑
    Doubt,
    /// 误解
    Misunderstanding,
    /// 歪曲
    Distortion,
    /// 谣言
    Rumour,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Matter {
    /// The case's number.
    #[arg(long, value_name = "CASE")]
    case: Option<String>,
    /// The item.
    #[arg(long, value_name = "ITEM")]
    item: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the labels that hold, and everything that was said of them
    #[command(after_help = "Example:\n  huiyin label show --case 99992106400200_20260301100000_1")]
    Show {
        #[command(flatten)]
        matter: Matter,
        #[command(flatten)]
        host: HostArgs,
    },
    /// Give a label, or take it away; your word counts before any classifier's
    #[command(
        after_help = "Example:\n  huiyin label set rumour --case 99992106400200_20260301100000_1 --reason '经核实不实' --as xu-ming\n  huiyin label set rumour --item 0193f2a4-0000-7000-8000-000000000001 --remove --reason '经核实属实' --as xu-ming"
    )]
    Set {
        /// Which.
        #[arg(value_enum)]
        label: Label,
        #[command(flatten)]
        matter: Matter,
        /// Take it away.
        #[arg(long)]
        remove: bool,
        /// Why.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// What it rests on; may be given several times.
        #[arg(long, value_name = "TEXT")]
        evidence: Vec<String>,
        #[command(flatten)]
        host: HostArgs,
    },
}

pub(crate) fn run(args: &Args, output: Output) -> Result<(), Failure> {
    match &args.command {
        Command::Show { matter, host } => {
            let found = find(&Client::of(host)?, matter)?;
            if output == Output::Json {
                return print_json(&json!({"labels": found["labels"], "label_history": found["label_history"]}));
            }
            let reader = Reader::of(&found);
            let held: Vec<String> = rows(&found, "labels").map(|label| word(label, "label_zh")).collect();
            print(format_args!("{}\n", if held.is_empty() { "无标签".to_owned() } else { held.join("、") }))?;
            let lines: Vec<Vec<String>> = rows(&found, "label_history")
                .map(|entry| {
                    let why = entry.get("reason").and_then(Value::as_str).map(crate::text::plain);
                    vec![
                        word(entry, "label"),
                        if entry["on"] == true { "是" } else { "否" }.to_owned(),
                        reader.actor(&word(entry, "by")),
                        reader.time(entry.get("at")),
                        why.unwrap_or_else(|| texts(entry, "evidence").join(";")),
                    ]
                })
                .collect();
            print(table(&["标签 LABEL", "有无 ON", "谁 BY", "何时 AT", "依据 WHY"], &lines))
        }
        Command::Set { label, matter, remove, reason, evidence, host } => {
            let client = Client::of(host)?;
            let found = find(&client, matter)?;
            let unit = found.get("unit").and_then(Value::as_str).unwrap_or_default();
            let label = typed(label);
            let command = json!({
                "command": "set-label", "case": matter.case, "item": matter.item, "label": label, "remove": remove,
                "reason": reason, "evidence": evidence,
            });
            act(&client, unit, &command, output, |done| {
                let held = texts(done, "labels");
                if held.is_empty() { "无标签".to_owned() } else { held.join(", ") }
            })
        }
    }
}

fn find(client: &Client, matter: &Matter) -> Result<Value, Failure> {
    match (&matter.case, &matter.item) {
        (Some(case), _) => client.get(&format!("/v1/cases/{}", segment(case))),
        (None, Some(item)) => client.get(&format!("/v1/items/{}", segment(item))),
        (None, None) => Err(Failure::invalid("name a case or an item")),
    }
}
