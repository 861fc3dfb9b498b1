//! `huiyin line`: the one line of a case (口径).

use std::fmt::Write as _;

use clap::Subcommand;
use serde_json::{Value, json};

use super::response::{command, waits};
use crate::client::{Client, HostArgs, segment};
use crate::output::{Failure, Output, note, print, print_json};
use crate::people::{Reader, word};
use crate::rows::{rows, texts};

/// The line of a case: what everybody says of the matter (口径)
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Set the line; another person approves it
    #[command(
        after_help = "Example:\n  huiyin line set 99992106400200_20260301100000_1 --text '火已扑灭,原因正在调查' --require '无人员伤亡' --forbid '人为纵火' --figure 过火面积=12公顷 --as tang-xue"
    )]
    Set {
        /// The case's number.
        case: String,
        /// What is said, in words.
        #[arg(long, value_name = "TEXT")]
        text: String,
        /// A statement that every text has; may be given several times.
        #[arg(long, value_name = "TEXT")]
        require: Vec<String>,
        /// A claim that no text makes; may be given several times.
        #[arg(long, value_name = "TEXT")]
        forbid: Vec<String>,
        /// A figure that no text gives otherwise, such as 过火面积=12公顷; may be given several times.
        #[arg(long, value_name = "NAME=VALUE", value_parser = of_figure)]
        figure: Vec<(String, String)>,
        #[command(flatten)]
        host: HostArgs,
    },
    /// Show every version of the line, the one that holds last
    #[command(after_help = "Example:\n  huiyin line show 99992106400200_20260301100000_1")]
    Show {
        /// The case's number.
        case: String,
        #[command(flatten)]
        host: HostArgs,
    },
}

/// `过火面积=12公顷`.
fn of_figure(text: &str) -> Result<(String, String), String> {
    let (name, value) =
        text.split_once('=').ok_or("write what the figure is of, `=`, and its value: 过火面积=12公顷")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

pub(crate) fn run(args: &Args, output: Output) -> Result<(), Failure> {
    match &args.command {
        Command::Set { case, text, require, forbid, figure, host } => {
            let figures: Vec<Value> =
                figure.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
            let fields = json!({"text": text, "required": require, "forbidden": forbid, "figures": figures});
            let done = command(&Client::of(host)?, "set-line", case, fields, None)?;
            if output == Output::Json {
                return print_json(&done);
            }
            let waits = waits(&done).unwrap_or_default();
            print(format_args!("{} 口径第{}版\n{waits}", word(&done, "case"), word(&done, "version")))
        }
        Command::Show { case, host } => {
            let whole = Client::of(host)?.get(&format!("/v1/cases/{}", segment(case)))?;
            if output == Output::Json {
                return print_json(&json!({"case": case, "lines": whole.get("lines")}));
            }
            let reader = Reader::of(&whole);
            let all: Vec<String> = rows(&whole, "lines").map(|line| said(line, &reader)).collect();
            if all.is_empty() {
                note("没有口径 (no line)");
            }
            print(all.concat())
        }
    }
}

/// A version of the line as people read it.
pub(crate) fn said(line: &Value, reader: &Reader) -> String {
    let current = if line.get("current").and_then(Value::as_bool) == Some(true) { "(现行)" } else { "" };
    let approved = line.get("approved").unwrap_or(&Value::Null);
    let by = reader.actor(approved.get("by").and_then(Value::as_str).unwrap_or_default());
    let mut out = format!(
        "第{}版{current}  {}  审批 {by}  {}\n",
        word(line, "version"),
        word(line, "text"),
        reader.time(approved.get("at"))
    );
    for (name, zh) in [("required", "必须表述"), ("forbidden", "禁用表述")] {
        let all = texts(line, name);
        if !all.is_empty() {
            let _ = writeln!(out, "  {zh}:{}", all.join("、"));
        }
    }
    let figures: Vec<String> =
        rows(line, "figures").map(|figure| format!("{} {}", word(figure, "name"), word(figure, "value"))).collect();
    if !figures.is_empty() {
        let _ = writeln!(out, "  数字:{}", figures.join("、"));
    }
    out
}
