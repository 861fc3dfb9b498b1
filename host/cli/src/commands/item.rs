//! `huiyin item`: items that wait for a person.

use clap::{Subcommand, ValueEnum};
use serde_json::{Value, json};

use crate::client::{Client, HostArgs, encoded, segment};
use crate::output::{Failure, Output, note, print, print_json};
use crate::people::{Reader, word};
use crate::rows::rows;
use crate::text::{fit, table};

/// Items of a running host that wait for a person
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the items that the floor could not judge and nobody has assessed yet
    #[command(after_help = "Example:\n  huiyin item list --unjudged --data huiyin-data")]
    List {
        /// Those that the floor could not judge; the only list there is.
        #[arg(long, required = true)]
        unjudged: bool,
        /// Only those of this unit.
        #[arg(long, value_name = "UNIT")]
        unit: Option<String>,
        #[command(flatten)]
        host: HostArgs,
    },
    /// Say how grave an item is: it is off the list then
    #[command(
        after_help = "Example:\n  huiyin item assess 0193f2a4-0000-7000-8000-000000000001 --level III --reason '林区冒烟,待核实' --as li-min"
    )]
    Assess {
        /// The item, as the list shows it.
        item: String,
        /// Its level; `none` where it is no matter of the duty.
        #[arg(long, value_enum)]
        level: Grave,
        /// Why.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        #[command(flatten)]
        host: HostArgs,
    },
}

/// A level, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Grave {
    /// Ⅰ 特别重大
    #[value(name = "I")]
    I,
    /// Ⅱ 重大
    #[value(name = "II")]
    Ii,
    /// Ⅲ 较大
    #[value(name = "III")]
    Iii,
    /// Ⅳ 一般
    #[value(name = "IV")]
    Iv,
    /// 不属本单位职责
    #[value(name = "none")]
    None,
}

impl Grave {
    /// The level's name in JSON, and the score that stands for it.
    fn verdict(self) -> (Option<&'static str>, f64) {
        match self {
            Grave::I => (Some("I"), 1.0),
            Grave::Ii => (Some("II"), 0.75),
            Grave::Iii => (Some("III"), 0.5),
            Grave::Iv => (Some("IV"), 0.25),
            Grave::None => (None, 0.0),
        }
    }
}

pub(crate) fn run(args: &Args, output: Output) -> Result<(), Failure> {
    match &args.command {
        Command::List { unjudged: _, unit, host } => list(&Client::of(host)?, unit.as_deref(), output),
        Command::Assess { item, level, reason, host } => assess(&Client::of(host)?, item, *level, reason, output),
    }
}

fn waiting(client: &Client, unit: Option<&str>) -> Result<Value, Failure> {
    let unit = unit.map_or_else(String::new, |unit| format!("&unit={}", encoded(unit.as_bytes())));
    client.get(&format!("/v1/items?unjudged=true{unit}"))
}

fn list(client: &Client, unit: Option<&str>, output: Output) -> Result<(), Failure> {
    let answer = waiting(client, unit)?;
    if output == Output::Json {
        return print_json(&answer);
    }
    let lines: Vec<Vec<String>> = rows(&answer, "items")
        .map(|item| {
            let unit = item.pointer("/unit_name/zh").and_then(Value::as_str).map(crate::text::plain);
            vec![
                word(item, "item"),
                unit.unwrap_or_else(|| word(item, "unit")),
                word(item, "source"),
                Reader::of(item).time(item.get("observed")),
                fit(&word(item, "title"), 40),
                fit(&word(item, "reason"), 60),
            ]
        })
        .collect();
    if lines.is_empty() {
        note("没有待人工研判的信息 (no item waits for a person)");
    }
    print(table(&["信息 ITEM", "单位 UNIT", "信源 SOURCE", "发现 SEEN", "标题 TITLE", "原因 REASON"], &lines))
}

fn assess(client: &Client, item: &str, level: Grave, reason: &str, output: Output) -> Result<(), Failure> {
    let answer = waiting(client, None)?;
    let Some(found) = rows(&answer, "items").find(|row| row.get("item").and_then(Value::as_str) == Some(item)) else {
        let why = format!("no item {item} waits for a person; `huiyin item list --unjudged` shows those that do");
        return Err(Failure::invalid(why));
    };
    let unit = found.get("unit").and_then(Value::as_str).unwrap_or_default();
    let (level, score) = level.verdict();
    let command = json!({
        "command": "record-assessment",
        "item": item,
        "verdict": {"level": level, "score": score, "reasons": [reason]},
    });
    let done = client.post(&format!("/v1/units/{}/commands", segment(unit)), &command)?;
    if output == Output::Json {
        return print_json(&done);
    }
    print(format_args!("{item}: {}\n", level.unwrap_or("none")))
}
