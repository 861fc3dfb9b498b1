//! `huiyin source`: what a running host watches.

use clap::Subcommand;
use serde_json::Value;

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
}

pub(crate) fn run(args: &Args, output: Output) -> Result<(), Failure> {
    let Command::List { host } = &args.command;
    let answer = Client::of(host)?.get("/v1/sources")?;
    if output == Output::Json {
        return print_json(&answer);
    }
    let rows: Vec<Vec<String>> = rows(&answer, "sources")
        .map(|source| {
            let items = source.get("items").and_then(Value::as_u64).unwrap_or_default().to_string();
            vec![text(source, "source"), text(source, "state"), items, text(source, "last_ok"), text(source, "error")]
        })
        .collect();
    print(table(&["SOURCE", "STATE", "ITEMS", "LAST READ", "ERROR"], &rows))
}
