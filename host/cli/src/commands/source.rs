//! `huiyin source`: what a running host watches.

use clap::Subcommand;
use serde_json::{Value, json};

use crate::client::{Client, HostArgs};
use crate::output::{Failure, Output, print, print_json};
use crate::rows::{rows, text};
use crate::text::table;

/// Sources of a running host
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the sources, how they do, and what they brought
    #[command(after_help = "Example:\n  huiyin source list --data huiyin-data")]
    List {
        #[command(flatten)]
        host: HostArgs,
    },
    /// List when sources were down, from when to when and why
    #[command(after_help = "Example:\n  huiyin source gaps --unit qingfeng")]
    Gaps {
        /// Only this unit's.
        #[arg(long, value_name = "CODE")]
        unit: Option<String>,
        #[command(flatten)]
        host: HostArgs,
    },
    /// Set a source's cursor back to its beginning, or to where it once was; what is known is not taken in twice
    #[command(
        after_help = "Example:\n  huiyin source rewind board --unit qingfeng --reason \"the board lost its order\""
    )]
    Rewind {
        /// The source's name within its unit
        source: String,
        /// The unit that watches it
        #[arg(long, value_name = "CODE")]
        unit: String,
        /// A cursor of one of its earlier pages; the beginning unless given
        #[arg(long, value_name = "TEXT")]
        cursor: Option<String>,
        /// Why; it goes on record
        #[arg(long, value_name = "TEXT")]
        reason: String,
        #[command(flatten)]
        host: HostArgs,
    },
}

pub(crate) fn run(args: &Args, output: Output) -> Result<(), Failure> {
    match &args.command {
        Command::List { host } => list(host, output),
        Command::Gaps { unit, host } => gaps(host, unit.as_deref(), output),
        Command::Rewind { source, unit, cursor, reason, host } => {
            let body = json!({"source": source, "unit": unit, "cursor": cursor, "reason": reason});
            Client::of(host)?.post("/v1/sources/rewind", &body).map(drop)
        }
    }
}

fn list(host: &HostArgs, output: Output) -> Result<(), Failure> {
    let answer = Client::of(host)?.get("/v1/sources")?;
    if output == Output::Json {
        return print_json(&answer);
    }
    let rows: Vec<Vec<String>> = rows(&answer, "sources")
        .map(|source| {
            let count = |name: &str| source.get(name).and_then(Value::as_u64).unwrap_or_default().to_string();
            let (items, known) = (count("items"), count("known"));
            vec![
                text(source, "source"),
                text(source, "channel_zh"),
                text(source, "state"),
                text(source, "heartbeat"),
                items,
                known,
                text(source, "last_ok"),
                text(source, "error"),
            ]
        })
        .collect();
    print(table(&["SOURCE", "CHANNEL", "STATE", "HEARTBEAT", "ITEMS", "KNOWN", "LAST READ", "ERROR"], &rows))
}

fn gaps(host: &HostArgs, unit: Option<&str>, output: Output) -> Result<(), Failure> {
    let answer = Client::of(host)?.get("/v1/sources")?;
    let mine = rows(&answer, "sources").filter(|source| unit.is_none_or(|unit| source["unit"] == unit));
    let all: Vec<Value> = mine
        .flat_map(|source| {
            rows(source, "gaps").map(|gap| {
                let mut row = gap.clone();
                row["source"] = source["source"].clone();
                row
            })
        })
        .collect();
    if output == Output::Json {
        return print_json(&json!({"gaps": all}));
    }
    let rows: Vec<Vec<String>> = all
        .iter()
        .map(|gap| vec![text(gap, "source"), text(gap, "from"), text(gap, "to"), text(gap, "reason")])
        .collect();
    print(table(&["SOURCE", "FROM", "TO", "WHY"], &rows))
}
