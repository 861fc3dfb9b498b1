//! `huiyin disclosure`: what units publish of their own accord (主动发布).

use clap::{Subcommand, ValueEnum};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::response::without_null;
use crate::client::{Client, HostArgs, encoded, segment};
use crate::output::{Failure, Output, note, print, print_json};
use crate::people::{Reader, word};
use crate::rows::rows;
use crate::text::{fit, table, typed};

/// What units publish without being asked for (主动发布)
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List what is owed or waits for its check, the first due first
    #[command(after_help = "Example:\n  huiyin disclosure list --unit qingfeng")]
    List {
        /// Only those of this unit.
        #[arg(long, value_name = "UNIT")]
        unit: Option<String>,
        /// Also those that are published and checked.
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        host: HostArgs,
    },
    /// Put a matter on a unit's list; its clock starts
    #[command(
        after_help = "Example:\n  huiyin disclosure open --unit qingfeng --kind social-concern --title '老鹰岩山火处置情况' --as xu-ming"
    )]
    Open {
        /// The unit that owes it.
        #[arg(long, value_name = "UNIT")]
        unit: String,
        /// Which of the four kinds.
        #[arg(long, value_enum)]
        kind: Matter,
        /// What is to be published.
        #[arg(long, value_name = "TEXT")]
        title: String,
        /// The case that it comes from, by number.
        #[arg(long, value_name = "NUMBER")]
        case: Option<String>,
        /// When the matter arose, RFC 3339; now unless given.
        #[arg(long, value_name = "TIME")]
        arose_at: Option<Timestamp>,
        #[command(flatten)]
        host: HostArgs,
    },
    /// Record that it was published
    #[command(
        after_help = "Example:\n  huiyin disclosure publish qingfeng-d1 --text '火已扑灭。' --channel website --proof https://gov.example.cn/2 --as xu-ming"
    )]
    Publish {
        /// The entry's id.
        disclosure: String,
        /// The text that is published.
        #[arg(long, value_name = "TEXT")]
        text: String,
        /// On which channel.
        #[arg(long, value_name = "NAME")]
        channel: String,
        /// Where it can be read, or what shows it.
        #[arg(long, value_name = "TEXT")]
        proof: String,
        #[command(flatten)]
        host: HostArgs,
    },
    /// Say whether it is complete, objective and accurate: somebody who did not publish it
    #[command(
        after_help = "Example:\n  huiyin disclosure check qingfeng-d1 --as gao-yuan\n  huiyin disclosure check qingfeng-d1 --inaccurate --note '面积有误' --as gao-yuan"
    )]
    Check {
        /// The entry's id.
        disclosure: String,
        /// It is not complete (不全面).
        #[arg(long)]
        incomplete: bool,
        /// It is not objective (不客观).
        #[arg(long)]
        biased: bool,
        /// It is not accurate (不准确).
        #[arg(long)]
        inaccurate: bool,
        /// What is missing or wrong.
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
        #[command(flatten)]
        host: HostArgs,
    },
}

/// The four kinds of matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Matter {
    /// 涉及公共利益、公众权益
    PublicInterest,
    /// 需要广泛知晓
    WideKnowledge,
    /// 社会关切
    SocialConcern,
    /// 法律和国家规定需要公开
    Statutory,
}

pub(crate) fn run(args: &Args, output: Output) -> Result<(), Failure> {
    match &args.command {
        Command::List { unit, all, host } => list(&Client::of(host)?, unit.as_deref(), *all, output),
        Command::Open { unit, kind, title, case, arose_at, host } => {
            let kind = typed(kind);
            let command = json!({
                "command": "open-disclosure", "unit": unit, "kind": kind, "title": title, "case": case,
                "arose_at": arose_at,
            });
            act(&Client::of(host)?, unit, command, output)
        }
        Command::Publish { disclosure, text, channel, proof, host } => {
            let command = json!({
                "command": "publish-disclosure", "disclosure": disclosure, "text": text, "channel": channel,
                "proof": proof,
            });
            act(&Client::of(host)?, of(disclosure), command, output)
        }
        Command::Check { disclosure, incomplete, biased, inaccurate, note, host } => {
            let checks = json!({"complete": !incomplete, "objective": !biased, "accurate": !inaccurate});
            let command =
                json!({"command": "check-disclosure", "disclosure": disclosure, "checks": checks, "note": note});
            act(&Client::of(host)?, of(disclosure), command, output)
        }
    }
}

/// The unit of an entry: its id begins with it.
fn of(disclosure: &str) -> &str {
    disclosure.rsplit_once("-d").map_or(disclosure, |(unit, _)| unit)
}

fn act(client: &Client, unit: &str, command: Value, output: Output) -> Result<(), Failure> {
    let done = client.post(&format!("/v1/units/{}/commands", segment(unit)), &without_null(command))?;
    if output == Output::Json {
        return print_json(&done);
    }
    print(format_args!("{}  {}  {}\n", word(&done, "disclosure"), word(&done, "state_zh"), word(&done, "title")))
}

fn list(client: &Client, unit: Option<&str>, all: bool, output: Output) -> Result<(), Failure> {
    let unit = unit.map_or_else(String::new, |unit| format!("&unit={}", encoded(unit.as_bytes())));
    let answer = client.get(&format!("/v1/disclosures?all={all}{unit}"))?;
    if output == Output::Json {
        return print_json(&answer);
    }
    let reader = Reader::of(&answer);
    let lines: Vec<Vec<String>> = rows(&answer, "disclosures")
        .map(|row| {
            let timely = match row.get("timely").and_then(Value::as_bool) {
                Some(true) => "及时",
                Some(false) => "超时",
                None => "-",
            };
            vec![
                word(row, "disclosure"),
                word(row, "kind_zh"),
                word(row, "state_zh"),
                reader.time(row.get("due_at")),
                timely.to_owned(),
                fit(&word(row, "title"), 60),
            ]
        })
        .collect();
    if lines.is_empty() {
        note("没有待发布的事项 (nothing is owed)");
    }
    print(table(&["事项 ENTRY", "类别 KIND", "状态 STATE", "截止 DUE", "及时 TIMELY", "标题 TITLE"], &lines))
}
