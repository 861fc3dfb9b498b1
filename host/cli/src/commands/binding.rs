//! `huiyin binding`: what slots stand for on a running host, and changing it.

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::{Value, json};

use crate::client::{Client, HostArgs, segment};
use crate::output::{Failure, Output, note, print, print_json, read_json};
use crate::rows::{rows, text};
use crate::text::table;

/// The largest configuration of a plugin, in bytes.
const MAX_CONFIG: u64 = 1 << 20;

/// What the slots of workflows stand for, on a running host
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List every slot, what new runs get in it, who says so, and what was set aside
    #[command(after_help = "Example:\n  huiyin binding list --unit qingfeng")]
    List {
        /// Only of this workflow
        #[arg(long, value_name = "NAME")]
        workflow: Option<String>,
        /// Only of this unit
        #[arg(long, value_name = "CODE")]
        unit: Option<String>,
        #[command(flatten)]
        host: HostArgs,
    },
    /// Bind a slot to a plugin: new runs get it at once, running runs keep theirs
    #[command(
        after_help = "Example:\n  huiyin binding set assess classify keyword:0.2.0 --unit qingfeng --reason \"knows the new place names\""
    )]
    Set(PluginWord),
    /// Hand a slot back to what the configuration says
    #[command(
        after_help = "Example:\n  huiyin binding reset assess classify --unit qingfeng --reason \"tried enough\""
    )]
    Reset(SlotWord),
    /// Let a slot have its own plugin again that was set aside after faults
    #[command(
        after_help = "Example:\n  huiyin binding lift assess classify --unit qingfeng --reason \"the list of words is mended\""
    )]
    Lift(SlotWord),
}

/// Which slot.
#[derive(Debug, clap::Args)]
pub(crate) struct SlotArgs {
    /// The workflow, `namespace/name`, or the name alone where only one has it
    workflow: String,
    /// The slot: an entry of the workflow's `use.functions`
    slot: String,
    /// The unit that it serves; `*` for all of them
    #[arg(long, value_name = "CODE")]
    unit: Option<String>,
}

/// A word on a slot of a running host, and why.
#[derive(Debug, clap::Args)]
pub(crate) struct SlotWord {
    #[command(flatten)]
    slot: SlotArgs,
    /// Why; it goes on record
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    host: HostArgs,
}

/// The same about a plugin.
#[derive(Debug, clap::Args)]
pub(crate) struct PluginWord {
    // Its arguments stand before the plugin's.
    #[command(flatten)]
    word: SlotWord,
    /// The plugin, `name:version`; it must be installed
    plugin: String,
    /// SHA-256 of the component, hex, to be sure of the exact bytes
    #[arg(long, value_name = "SHA256")]
    digest: Option<String>,
    /// A file with the plugin's configuration; unless given another version of the same plugin keeps the slot's
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl SlotArgs {
    /// As it stands in a query.
    pub(crate) fn query(&self) -> String {
        let unit = self.unit.as_ref().map_or_else(String::new, |unit| format!("&unit={}", segment(unit)));
        format!("workflow={}&slot={}{unit}", segment(&self.workflow), segment(&self.slot))
    }
}

impl SlotWord {
    fn body(&self) -> Value {
        let SlotArgs { workflow, slot, unit } = &self.slot;
        json!({"workflow": workflow, "slot": slot, "unit": unit, "reason": self.reason})
    }

    /// Says it to the host, and what new runs get from now on.
    ///
    /// # Errors
    /// The host's refusal.
    pub(crate) fn say(&self, path: &str, output: Output) -> Result<(), Failure> {
        tell(&Client::of(&self.host)?.post(path, &self.body())?, output)
    }
}

impl PluginWord {
    /// The same.
    ///
    /// # Errors
    /// The host's refusal; also when the configuration cannot be read.
    pub(crate) fn say(&self, path: &str, output: Output) -> Result<(), Failure> {
        let mut body = self.word.body();
        body["plugin"] = json!(self.plugin);
        body["digest"] = json!(self.digest);
        if let Some(file) = &self.config {
            body["config"] = read_json(file, MAX_CONFIG)?;
        }
        tell(&Client::of(&self.word.host)?.post(path, &body)?, output)
    }
}

pub(crate) fn run(args: &Args, output: Output) -> Result<(), Failure> {
    match &args.command {
        Command::List { workflow, unit, host } => {
            list(&Client::of(host)?, workflow.as_deref(), unit.as_deref(), output)
        }
        Command::Set(word) => word.say("/v1/bindings", output),
        Command::Reset(word) => word.say("/v1/bindings", output),
        Command::Lift(word) => word.say("/v1/bindings/lift", output),
    }
}

/// What new runs get from now on, a slot a line.
fn tell(answer: &Value, output: Output) -> Result<(), Failure> {
    if output == Output::Json {
        return print_json(answer);
    }
    let row = |bound: &Value| {
        let changed = bound.get("changed").and_then(Value::as_bool) == Some(true);
        let state = if changed { "new runs get it" } else { "as before" };
        vec![text(bound, "workflow"), text(bound, "unit"), text(bound, "slot"), text(bound, "plugin"), state.to_owned()]
    };
    let all: Vec<Vec<String>> = rows(answer, "bindings").map(row).collect();
    print(table(&["WORKFLOW", "UNIT", "SLOT", "PLUGIN", "STATE"], &all))
}

fn list(client: &Client, workflow: Option<&str>, unit: Option<&str>, output: Output) -> Result<(), Failure> {
    let mut query = Vec::new();
    query.extend(workflow.map(|workflow| format!("workflow={}", segment(workflow))));
    query.extend(unit.map(|unit| format!("unit={}", segment(unit))));
    let answer = client.get(&format!("/v1/bindings?{}", query.join("&")))?;
    if output == Output::Json {
        return print_json(&answer);
    }
    let row = |bound: &Value| {
        let from = match (text(bound, "from").as_str(), bound.get("chosen")) {
            ("person", Some(chosen)) => format!("{}: {}", text(chosen, "by"), text(chosen, "reason")),
            (from, _) => from.to_owned(),
        };
        let canary = bound.get("canary").map_or_else(|| "-".to_owned(), |canary| text(canary, "plugin"));
        vec![text(bound, "workflow"), text(bound, "unit"), text(bound, "slot"), text(bound, "plugin"), from, canary]
    };
    for bound in rows(&answer, "bindings") {
        let place = format!("{} {} {}", text(bound, "workflow"), text(bound, "unit"), text(bound, "slot"));
        if bound.get("withheld").is_some() {
            note(format_args!("{place}: its calls are refused: {}", text(bound, "withheld")));
        }
        for aside in rows(bound, "quarantined") {
            let instead = match text(aside, "to").as_str() {
                "-" => "nothing else is bound, so it goes on failing".to_owned(),
                to => format!("new runs get {to} ({})", text(aside, "whose")),
            };
            let faults = aside.get("faults").and_then(Value::as_u64).unwrap_or_default();
            let (plugin, last) = (text(aside, "plugin"), text(aside, "last"));
            note(format_args!("{place}: {plugin} failed {faults} times, {instead}; the last time: {last}"));
        }
    }
    let all: Vec<Vec<String>> = rows(&answer, "bindings").map(row).collect();
    print(table(&["WORKFLOW", "UNIT", "SLOT", "PLUGIN", "FROM", "CANARY"], &all))
}
