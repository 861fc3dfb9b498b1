//! `huiyin canary`: a plugin tried beside a slot's own, on the same input.

use clap::Subcommand;
use serde_json::Value;

use super::binding::{PluginWord, SlotArgs, SlotWord};
use crate::client::{Client, HostArgs};
use crate::output::{Failure, Output, print, print_json};
use crate::rows::{rows, text};
use crate::text::{plain, table};

/// Plugins tried beside the ones that count, on a running host
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Call a pure plugin beside a slot's own and record where they differ; what it says counts for nothing
    #[command(
        after_help = "Example:\n  huiyin canary start assess classify keyword:0.2.0 --unit qingfeng --reason \"before it counts\""
    )]
    Start(PluginWord),
    /// Show what a canary has come to, and the latest items of which it says something else
    #[command(after_help = "Example:\n  huiyin canary show assess classify --unit qingfeng -n 20")]
    Show {
        #[command(flatten)]
        slot: SlotArgs,
        /// How many items
        #[arg(short = 'n', long = "count", value_name = "COUNT", default_value_t = 20, value_parser = clap::value_parser!(u16).range(0..=10_000))]
        count: u16,
        #[command(flatten)]
        host: HostArgs,
    },
    /// Let a canary take the slot: new runs get it at once
    #[command(
        after_help = "Example:\n  huiyin canary promote assess classify --unit qingfeng --reason \"no difference in a week\""
    )]
    Promote(SlotWord),
    /// End a canary
    #[command(
        after_help = "Example:\n  huiyin canary drop assess classify --unit qingfeng --reason \"it misses fires\""
    )]
    Drop(SlotWord),
}

pub(crate) fn run(args: &Args, output: Output) -> Result<(), Failure> {
    match &args.command {
        Command::Start(word) => word.say("/v1/canaries", output),
        Command::Show { slot, count, host } => show(&Client::of(host)?, slot, *count, output),
        Command::Promote(word) => word.say("/v1/canaries/promote", output),
        Command::Drop(word) => word.say("/v1/canaries/drop", output),
    }
}

fn show(client: &Client, slot: &SlotArgs, count: u16, output: Output) -> Result<(), Failure> {
    let answer = client.get(&format!("/v1/canaries/differences?{}&limit={count}", slot.query()))?;
    if output == Output::Json {
        return print_json(&answer);
    }
    let binding = answer.get("binding").cloned().unwrap_or_default();
    let canary = binding.get("canary").cloned().unwrap_or_default();
    let number = |name: &str| canary.get(name).and_then(Value::as_u64).unwrap_or_default();
    print(format_args!(
        "{} beside {} since {}, by {}: {}\n",
        text(&canary, "plugin"),
        text(&binding, "plugin"),
        text(&canary, "since"),
        text(&canary, "by"),
        text(&canary, "reason")
    ))?;
    print(format_args!(
        "{} calls, {} items, {} of them differ; {} calls not compared\n",
        number("calls"),
        number("items"),
        number("differing"),
        number("skipped")
    ))?;
    let row = |differing: &Value| {
        let said = |who: &str| differing.get(who).map_or_else(|| "-".to_owned(), said);
        vec![text(differing, "time"), text(differing, "run"), text(differing, "item"), said("was"), said("would")]
    };
    let all: Vec<Vec<String>> = rows(&answer, "differences").map(row).collect();
    if all.is_empty() { Ok(()) } else { print(table(&["TIME", "RUN", "ITEM", "COUNTS", "CANARY"], &all)) }
}

/// What a plugin says of an item, in a few words.
fn said(said: &Value) -> String {
    if let Some(error) = said.get("error").and_then(Value::as_str) {
        return format!("failed: {}", plain(error));
    }
    if let Some(output) = said.get("output").and_then(Value::as_str) {
        return output.chars().take(12).collect();
    }
    let level = said.get("level").and_then(Value::as_str).unwrap_or("no level");
    let score = said.get("score").and_then(Value::as_f64).map_or_else(String::new, |score| format!(" {score:.3}"));
    let labels: Vec<&str> = rows(said, "labels").filter_map(Value::as_str).collect();
    let labels = if labels.is_empty() { String::new() } else { format!(" [{}]", labels.join(", ")) };
    plain(&format!("{level}{score}{labels}"))
}
