//! `huiyin cron`: when a cron expression is due.

use clap::Subcommand;
use huiyin_deadline::Zone;
use huiyin_deadline::cron::Cron;
use jiff::Timestamp;
use serde_json::json;

use crate::output::{Failure, Output, note, print, print_json};
use crate::times::{in_zone, read_time};

/// The largest number of times that is listed.
const MOST: u32 = 100_000;

/// Cron expressions
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print the next times of a cron expression, one RFC 3339 time a line.
    #[command(
        after_help = "Example:\n  huiyin cron next '0 8 * * 1-5' --tz Asia/Shanghai --after 2024-03-01T00:00:00+08:00 -n 3"
    )]
    Next(Next),
}

#[derive(Debug, clap::Args)]
struct Next {
    /// Five fields: minute, hour, day of month, month, day of week (0 and 7 are Sunday).
    expr: Cron,
    /// The time zone in which the fields are read.
    #[arg(long, value_name = "ZONE", default_value_t)]
    tz: Zone,
    /// Times after this one: RFC 3339, or a date and time in the zone; now unless given.
    #[arg(long, value_name = "TIME")]
    after: Option<String>,
    /// How many times to print.
    #[arg(short, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST)))]
    n: u32,
}

pub(crate) fn run(args: &Args, output: Output) -> Result<(), Failure> {
    let Command::Next(next) = &args.command;
    let mut at = match &next.after {
        Some(text) => read_time("--after", text, &next.tz)?,
        None => Timestamp::now(),
    };
    let mut times = Vec::new();
    while times.len() < next.n as usize {
        let Some(time) = next.expr.next_after(at, next.tz.time_zone()) else { break };
        times.push(in_zone(time, &next.tz));
        at = time;
    }
    if times.is_empty() {
        return Err(Failure::failed(format_args!("`{}` has no time after {at} up to the year 2100", next.expr)));
    }
    if times.len() < next.n as usize {
        note(format_args!("huiyin: `{}` has no more times up to the year 2100", next.expr));
    }
    match output {
        Output::Text => print(times.join("\n") + "\n"),
        Output::Json => {
            print_json(&json!({"expression": next.expr.as_str(), "timezone": next.tz.name(), "times": times}))
        }
    }
}
