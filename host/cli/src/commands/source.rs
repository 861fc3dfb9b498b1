//! `huiyin source`: what a running host watches.

use clap::Subcommand;
use serde_json::Value;

use crate::client::{Client, HostArgs};
use crate::output::{Failure, Output, print, print_json};
use crate::text::{plain, table};

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
    let text =
        |source: &Value, name: &str| source.get(name).and_then(Value::as_str).map_or_else(|| "-".to_owned(), plain);
    let rows: Vec<Vec<String>> = answer
        .get("sources")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|source| {
            let items = source.get("items").and_then(Value::as_u64).unwrap_or_default().to_string();
            vec![text(source, "source"), text(source, "state"), items, text(source, "last_ok"), text(source, "error")]
        })
        .collect();
    print(table(&["SOURCE", "STATE", "ITEMS", "LAST READ", "ERROR"], &rows))
}
