//! `huiyin deadline`: when an allowance of the regulation ends.

use std::borrow::Cow;
use std::path::Path;

use clap::Subcommand;
use huiyin_deadline::calendar::BUILTIN;
use huiyin_deadline::{Allowance, Calendar, Zone};
use serde_json::json;

use crate::output::{Failure, Output, print, print_json, read_text};
use crate::times::{in_zone, read_time};

/// The largest calendar file that is read, in bytes.
const MAX_CALENDAR_BYTES: u64 = 4 << 20;

/// Due times
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print when an allowance ends, and `provisional` where a calendar notice still to come may move it.
    #[command(
        after_help = "Example:\n  huiyin deadline due --start 2024-09-30T16:00:00+08:00 --allow 2wd --calendar cn"
    )]
    Due(Due),
}

#[derive(Debug, clap::Args)]
struct Due {
    /// When it starts: RFC 3339, or a date and time in the zone.
    #[arg(long, value_name = "TIME")]
    start: String,
    /// How long: elapsed time as ISO 8601 (PT1H), working days (2wd), or office hours of the calendar (8wh, 90wm).
    #[arg(long, value_name = "PT1H|2wd|8wh")]
    allow: Allowance,
    /// The working days: a built-in calendar's name, or a file.
    #[arg(long, value_name = "cn|FILE", default_value = "cn")]
    calendar: String,
    /// The zone in which days begin and end.
    #[arg(long, value_name = "ZONE", default_value_t)]
    tz: Zone,
}

pub(crate) fn run(args: &Args, output: Output) -> Result<(), Failure> {
    let Command::Due(args) = &args.command;
    let start = read_time("--start", &args.start, &args.tz)?;
    let calendar = calendar(&args.calendar)?;
    let due = huiyin_deadline::due(start, &args.allow, &calendar, args.tz.time_zone()).map_err(Failure::invalid)?;
    let at = in_zone(due.at, &args.tz);
    match output {
        Output::Text if due.provisional => print(format_args!("{at} provisional\n")),
        Output::Text => print(format_args!("{at}\n")),
        Output::Json => print_json(&json!({"due": at, "provisional": due.provisional})),
    }
}

fn calendar(name: &str) -> Result<Cow<'static, Calendar>, Failure> {
    if BUILTIN.contains(&name) {
        return Calendar::builtin(name).map(Cow::Borrowed).map_err(Failure::invalid);
    }
    let path = Path::new(name);
    if !path.exists() {
        return Err(Failure::invalid(format_args!(
            "--calendar: `{name}` is neither a file nor a built-in calendar ({})",
            BUILTIN.join(", ")
        )));
    }
    let text = read_text(path, MAX_CALENDAR_BYTES)?;
    Calendar::from_json(&text).map(Cow::Owned).map_err(|error| Failure::invalid(format_args!("{name}: {error}")))
}
