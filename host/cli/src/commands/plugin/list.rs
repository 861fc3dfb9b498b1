//! `huiyin plugin list`: the plugins of a running host, or of a data folder at rest.

use huiyin_engine::trust::{Trust, claimed};
use huiyin_sandbox::package::peek;
use huiyin_sandbox::signed::split;
use serde_json::{Value, json};

use super::inspect::MAX_PACKAGE;
use crate::client::{Client, HostArgs, runs_in};
use crate::commands::workflow::installed;
use crate::host::trust_of;
use crate::output::{Failure, Output, note, print, print_json, read_bytes, shown};
use crate::rows::{or_dash, rows, text, texts};
use crate::text::{plain, table};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    host: HostArgs,
    /// Only this plugin, `name` or `name:version`.
    plugin: Option<String>,
    /// Also what its calls may reach and use, by unit, and where it was set aside
    #[arg(long, short)]
    long: bool,
}

pub(super) fn run(args: &Args, output: Output) -> Result<(), Failure> {
    let mut answer = if args.host.named() || runs_in(&args.host.data) {
        Client::of(&args.host)?.get("/v1/plugins")?
    } else {
        let trust = trust_of(&args.host.data, None)?;
        let files = installed(&args.host.data)?;
        let rows: Result<Vec<Value>, Failure> =
            files.iter().map(|file| Ok(at_rest(&shown(file), &read_bytes(file, MAX_PACKAGE)?, &trust))).collect();
        note("no host runs there: what its data folder holds, without grants and uses");
        json!({"plugins": rows?})
    };
    if let (Some(wanted), Some(all)) = (&args.plugin, answer.get_mut("plugins").and_then(Value::as_array_mut)) {
        let is = |name: &str| name == wanted || name.split(':').next() == Some(wanted);
        all.retain(|plugin| plugin.get("plugin").and_then(Value::as_str).is_some_and(is));
        if all.is_empty() {
            return Err(Failure::invalid(format!("there is no plugin {wanted}; see `huiyin plugin list`")));
        }
    }
    if output == Output::Json {
        return print_json(&answer);
    }
    if args.long {
        return print(rows(&answer, "plugins").map(at_length).collect::<String>());
    }
    let rows: Vec<Vec<String>> = rows(&answer, "plugins").map(row).collect();
    print(table(&["PLUGIN", "KIND", "DIGEST", "FROM", "SIGNED BY", "GRANTS", "STATE"], &rows))
}

/// What a file says of itself, and whether it would be taken; nothing of it is run.
fn at_rest(file: &str, bytes: &[u8], trust: &Trust) -> Value {
    let withheld = trust.judge(bytes).err().map(|error| error.to_string());
    let publishers = claimed(bytes).unwrap_or_default();
    match (peek(bytes), split(bytes)) {
        (Ok(manifest), Ok(parts)) => json!({
            "plugin": format!("{}:{}", manifest.name, manifest.version),
            "origin": "installed",
            "kind": manifest.kind,
            "digest": parts.digest(),
            "size": parts.content.len(),
            "publishers": publishers,
            "withheld": withheld,
        }),
        (Err(error), _) | (_, Err(error)) => {
            json!({"plugin": file, "origin": "installed", "withheld": error.to_string()})
        }
    }
}

fn row(plugin: &Value) -> Vec<String> {
    let grants: Vec<String> = rows(plugin, "grants").map(|grant| format!("@{}", text(grant, "unit"))).collect();
    let digest: String = text(plugin, "digest").chars().take(12).collect();
    vec![
        text(plugin, "plugin"),
        text(plugin, "kind"),
        digest,
        text(plugin, "origin"),
        or_dash(texts(plugin, "publishers")),
        or_dash(grants),
        state(plugin),
    ]
}

fn state(plugin: &Value) -> String {
    if let Some(why) = plugin.get("withheld").and_then(Value::as_str) {
        return format!("withheld: {}", plain(why));
    }
    let used = texts(plugin, "used_by");
    let used = if used.is_empty() { "unused".to_owned() } else { format!("used by {}", used.join(", ")) };
    let aside: Vec<String> = rows(plugin, "set_aside").map(slot).collect();
    if aside.is_empty() { used } else { format!("set aside in {}; {used}", aside.join(", ")) }
}

fn slot(aside: &Value) -> String {
    let unit = aside.get("unit").and_then(Value::as_str).map_or_else(String::new, |unit| format!("@{}", plain(unit)));
    format!("{}/{}{unit}", text(aside, "workflow"), text(aside, "slot"))
}

/// Everything about one plugin, for whom it does not fit into a row.
fn at_length(plugin: &Value) -> String {
    let mut lines = vec![format!("{} ({}): {}", text(plugin, "plugin"), text(plugin, "kind"), state(plugin))];
    for aside in rows(plugin, "set_aside") {
        let faults = aside.get("faults").and_then(Value::as_u64).unwrap_or_default();
        let instead = match text(aside, "to").as_str() {
            "-" => "nothing else is bound".to_owned(),
            to => format!("new runs get {to} ({})", text(aside, "whose")),
        };
        lines.push(format!(
            "  set aside in {} after {faults} faults: {instead}; the last: {}",
            slot(aside),
            text(aside, "last")
        ));
    }
    for effective in rows(plugin, "effective") {
        let units = texts(effective, "units").join(", ");
        let compact = |name: &str| effective.get(name).map(Value::to_string).unwrap_or_default();
        lines.push(format!("  for {units}"));
        lines.push(format!("    may reach  {}", plain(&compact("grant"))));
        lines.push(format!("    limits     {}", plain(&compact("limits"))));
    }
    lines.push(String::new());
    lines.join("\n")
}
