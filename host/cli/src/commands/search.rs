//! `huiyin search`: looking for words in cases and items.

use clap::ValueEnum;
use jiff::civil::Date;
use serde_json::Value;

use crate::client::{Client, HostArgs, encoded};
use crate::output::{Failure, Output, note, print, print_json};
use crate::people::{Reader, word};
use crate::rows::rows;
use crate::text::{fit, plain, table, typed};

/// Look for words in the cases and items of a running host (检索), the latest first
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  huiyin search 翠湖 --as xu-ming\n  huiyin search '\"5G 基站\" 停水' --unit qingfeng --kind case --from 2026-03-01 --output json"
)]
pub(crate) struct Args {
    /// What is looked for: terms apart by blanks, all of which have to be found; quotes hold a term with blanks together.
    #[arg(value_name = "TEXT")]
    text: String,
    /// Within this unit and all below it; the person's own unit unless given.
    #[arg(long, value_name = "UNIT")]
    unit: Option<String>,
    /// Only these.
    #[arg(long, value_enum)]
    kind: Option<Kind>,
    /// From this day on: a case by when it was opened, an item by when it was observed.
    #[arg(long, value_name = "DATE")]
    from: Option<Date>,
    /// To the end of this day.
    #[arg(long, value_name = "DATE")]
    to: Option<Date>,
    /// At most so many, 1 to 100.
    #[arg(long, value_name = "N")]
    limit: Option<u32>,
    /// Go on after the last page: what it had as `next`.
    #[arg(long, value_name = "PLACE")]
    after: Option<String>,
    #[command(flatten)]
    host: HostArgs,
}

/// Cases or items.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// 办件
    Case,
    /// 舆情信息
    Item,
}

pub(crate) fn run(args: &Args, output: Output) -> Result<(), Failure> {
    let kind = args.kind.as_ref().map(typed);
    let named = [
        ("unit", args.unit.clone()),
        ("kind", kind),
        ("from", args.from.map(|day| day.to_string())),
        ("to", args.to.map(|day| day.to_string())),
        ("limit", args.limit.map(|limit| limit.to_string())),
        ("after", args.after.clone()),
    ];
    let mut path = format!("/v1/search?q={}", encoded(args.text.as_bytes()));
    for (name, value) in named {
        if let Some(value) = value {
            path.push_str(&format!("&{name}={}", encoded(value.as_bytes())));
        }
    }
    let answer = Client::of(&args.host)?.get(&path)?;
    if output == Output::Json {
        return print_json(&answer);
    }
    let reader = Reader::of(&answer);
    let lines: Vec<Vec<String>> = rows(&answer, "hits").map(|hit| line(hit, &reader)).collect();
    if lines.is_empty() {
        note("没有找到 (nothing is found)");
    }
    let head = ["时间 TIME", "编号 NUMBER", "单位 UNIT", "等级 LEVEL", "状态 STATE", "标题 TITLE", "出处 FOUND"];
    print(table(&head, &lines))?;
    if let Some(next) = answer.get("next").and_then(Value::as_str) {
        note(format_args!("还有更多:加 --after {} (there is more)", plain(next)));
    }
    Ok(())
}

fn line(hit: &Value, reader: &Reader) -> Vec<String> {
    let case = word(hit, "kind") == "case";
    vec![
        reader.time(hit.get("at")),
        word(hit, if case { "number" } else { "item" }),
        reader.unit(&word(hit, "unit")),
        word(hit, "level_zh"),
        if case { word(hit, "state_zh") } else { "信息".to_owned() },
        fit(&word(hit, "title"), 40),
        format!("{}:{}", word(hit, "found_in_zh"), snippet(hit)),
    ]
}

/// What was found stands in 【】.
fn snippet(hit: &Value) -> String {
    let parts = rows(hit, "snippet").map(|part| {
        let text = part.get("text").and_then(Value::as_str).map(plain).unwrap_or_default();
        if part.get("hit") == Some(&Value::Bool(true)) { format!("【{text}】") } else { text }
    });
    parts.collect()
}
