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
use crate::text::{plain, table};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    host: HostArgs,
}

pub(super) fn run(args: &Args, output: Output) -> Result<(), Failure> {
    let answer = if args.host.named() || runs_in(&args.host.data) {
        Client::of(&args.host)?.get("/v1/plugins")?
    } else {
        let trust = trust_of(&args.host.data, None)?;
        let files = installed(&args.host.data)?;
        let rows: Result<Vec<Value>, Failure> =
            files.iter().map(|file| Ok(at_rest(&shown(file), &read_bytes(file, MAX_PACKAGE)?, &trust))).collect();
        note("no host runs there: what its data folder holds, without grants and uses");
        json!({"plugins": rows?})
    };
    if output == Output::Json {
        return print_json(&answer);
    }
    let rows: Vec<Vec<String>> =
        answer.get("plugins").and_then(Value::as_array).into_iter().flatten().map(row).collect();
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
    let text = |name: &str| plugin.get(name).and_then(Value::as_str).map_or_else(|| "-".to_owned(), plain);
    let list = |name: &str| -> Vec<String> {
        let all = plugin.get(name).and_then(Value::as_array).into_iter().flatten();
        all.filter_map(Value::as_str).map(plain).collect()
    };
    let or_dash = |all: Vec<String>| if all.is_empty() { "-".to_owned() } else { all.join(", ") };
    let grants = plugin.get("grants").and_then(Value::as_array).into_iter().flatten();
    let grants: Vec<String> = grants
        .filter_map(|grant| grant.get("unit").and_then(Value::as_str))
        .map(|unit| format!("@{}", plain(unit)))
        .collect();
    let digest: String = text("digest").chars().take(12).collect();
    let used = list("used_by");
    let state = match plugin.get("withheld").and_then(Value::as_str) {
        Some(why) => format!("withheld: {}", plain(why)),
        None if used.is_empty() => "unused".to_owned(),
        None => format!("used by {}", used.join(", ")),
    };
    vec![text("plugin"), text("kind"), digest, text("origin"), or_dash(list("publishers")), or_dash(grants), state]
}
