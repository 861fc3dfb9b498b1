//! `huiyin warning`: warnings (预警), their acknowledgement and feedback.

use clap::Subcommand;
use serde_json::{Value, json};

use super::roster::act;
use crate::client::{Client, HostArgs, encoded};
use crate::output::{Failure, Output, note, print, print_json};
use crate::people::{Reader, word};
use crate::rows::rows;
use crate::text::table;

/// Warnings of a running host (预警)
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the warnings that are open or still owe something
    #[command(after_help = "Example:\n  huiyin warning list --unit qingfeng")]
    List {
        /// Only this unit's.
        #[arg(long, value_name = "UNIT")]
        unit: Option<String>,
        /// Also those that are over.
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        host: HostArgs,
    },
    /// Take notice of a warning (签收)
    #[command(after_help = "Example:\n  huiyin warning ack qingfeng.w1 --note '已知悉' --as xu-ming")]
    Ack {
        /// The warning, as the list has it.
        warning: String,
        /// For people.
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
        #[command(flatten)]
        host: HostArgs,
    },
    /// Say what was found or done (反馈)
    #[command(after_help = "Example:\n  huiyin warning feedback qingfeng.w1 --text '已派人核查,未见明火' --as xu-ming")]
    Feedback {
        /// The warning, as the list has it.
        warning: String,
        /// What was found or done.
        #[arg(long, value_name = "TEXT")]
        text: String,
        /// The case that was opened for it.
        #[arg(long, value_name = "CASE")]
        case: Option<String>,
        #[command(flatten)]
        host: HostArgs,
    },
}

pub(crate) fn run(args: &Args, output: Output) -> Result<(), Failure> {
    let late = |done: &Value| if done["late"] == true { "(超时)" } else { "" };
    match &args.command {
        Command::List { unit, all, host } => list(&Client::of(host)?, unit.as_deref(), *all, output),
        Command::Ack { warning, note, host } => {
            let command = json!({"command": "acknowledge-warning", "warning": warning, "note": note});
            act(&Client::of(host)?, unit_of(warning), &command, output, |done| {
                format!("{} 已签收{}", word(done, "warning"), late(done))
            })
        }
        Command::Feedback { warning, text, case, host } => {
            let command = json!({"command": "feed-back-warning", "warning": warning, "text": text, "case": case});
            act(&Client::of(host)?, unit_of(warning), &command, output, |done| {
                format!("{} 已反馈{}", word(done, "warning"), late(done))
            })
        }
    }
}

/// The unit of a warning: its id begins with it.
fn unit_of(warning: &str) -> &str {
    warning.split('.').next().unwrap_or_default()
}

fn list(client: &Client, unit: Option<&str>, all: bool, output: Output) -> Result<(), Failure> {
    let unit = unit.map_or_else(String::new, |unit| format!("&unit={}", encoded(unit.as_bytes())));
    let answer = client.get(&format!("/v1/warnings?all={all}{unit}"))?;
    if output == Output::Json {
        return print_json(&answer);
    }
    let reader = Reader::of(&answer);
    let owes = |warning: &Value, done: &str, by: &str| {
        if warning.get(done).is_some_and(|done| !done.is_null()) {
            return "已办".to_owned();
        }
        let missed = rows(warning, "late").any(|late| late.get("due") == warning.get(by));
        format!("{}{}", reader.time(warning.get(by)), if missed { " 超时" } else { "" })
    };
    let lines: Vec<Vec<String>> = rows(&answer, "warnings")
        .map(|warning| {
            let state = if warning["open"] == true { "" } else { "(已解除)" };
            vec![
                word(warning, "warning"),
                format!("{}{state}", word(warning, "colour_zh")),
                word(warning, "name"),
                word(warning, "subject"),
                word(warning, "value"),
                reader.time(warning.get("raised_at")),
                owes(warning, "acknowledged", "acknowledge_by"),
                owes(warning, "feedback", "feedback_by"),
            ]
        })
        .collect();
    if lines.is_empty() {
        note("没有预警 (no warning)");
    }
    let head = [
        "预警 WARNING",
        "等级 COLOUR",
        "规则 RULE",
        "对象 SUBJECT",
        "值 VALUE",
        "发出 RAISED",
        "签收 ACK BY",
        "反馈 FEEDBACK BY",
    ];
    print(table(&head, &lines))
}
