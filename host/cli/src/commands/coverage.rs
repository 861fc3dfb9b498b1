//! `huiyin coverage`: which channels are watched, hour by hour (全覆盖、全天候).

use serde_json::Value;

use crate::client::{Client, HostArgs, encoded};
use crate::output::{Failure, Output, print, print_json};
use crate::people::{Reader, word};
use crate::rows::rows;
use crate::text::table;

/// Show which of the seven kinds of channel each unit watches, and the hours of a day
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  huiyin coverage --unit qingfeng --day 2026-03-01\n\nOf each hour: how many items came; × where no source of the kind lived."
)]
pub(crate) struct Args {
    /// Only this unit.
    #[arg(long, value_name = "UNIT")]
    unit: Option<String>,
    /// The day, by the pack's time zone; today unless given.
    #[arg(long, value_name = "DATE")]
    day: Option<String>,
    #[command(flatten)]
    host: HostArgs,
}

pub(crate) fn run(args: &Args, output: Output) -> Result<(), Failure> {
    let mut query = Vec::new();
    for (name, value) in [("unit", &args.unit), ("day", &args.day)] {
        if let Some(value) = value {
            query.push(format!("{name}={}", encoded(value.as_bytes())));
        }
    }
    let answer = Client::of(&args.host)?.get(&format!("/v1/coverage?{}", query.join("&")))?;
    if output == Output::Json {
        return print_json(&answer);
    }
    let reader = Reader::of(&answer);
    print(format_args!("{}\n", word(&answer, "day")))?;
    for unit in rows(&answer, "units") {
        print(format_args!("\n{}({})\n", word(unit, "unit_name"), word(unit, "unit")))?;
        let lines: Vec<Vec<String>> = rows(unit, "channels")
            .map(|channel| {
                let reason = channel.get("reason").and_then(Value::as_str).unwrap_or_default();
                vec![
                    word(channel, "channel_zh"),
                    word(channel, "state_zh"),
                    rows(channel, "hours").map(hour).collect::<Vec<_>>().join(" "),
                    crate::text::plain(reason),
                ]
            })
            .collect();
        print(table(&["渠道 CHANNEL", "状态 STATE", "各小时 BY HOUR", "说明 REASON"], &lines))?;
        for gap in rows(unit, "gaps") {
            let (from, to) = (reader.time(gap.get("from")), reader.time(gap.get("to")));
            print(format_args!("中断 {} {from} 至 {to}: {}\n", word(gap, "source"), word(gap, "reason")))?;
        }
    }
    Ok(())
}

/// One hour of a channel.
fn hour(hour: &Value) -> String {
    let items = hour.get("items").and_then(Value::as_u64).unwrap_or_default();
    match (items, hour.get("live").and_then(Value::as_bool)) {
        (1.., _) => items.to_string(),
        (0, Some(true)) => "0".to_owned(),
        (0, Some(false)) => "×".to_owned(),
        (0, None) => "·".to_owned(),
    }
}
