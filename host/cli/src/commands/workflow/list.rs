//! `huiyin workflow list` and `show`: what is in force on a running host.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::client::{Client, HostArgs, segment};
use crate::output::{Failure, Output, note, print, print_json};
use crate::text::{plain, table};

/// Columns of a digest that tell deployments apart.
const DIGEST: usize = 12;

/// List the workflows of a running host: in force, or still needed by running runs
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  huiyin workflow list --data huiyin-data")]
pub(super) struct ListArgs {
    #[command(flatten)]
    host: HostArgs,
}

/// Print a workflow's document as it is in force on a running host
#[derive(Debug, clap::Args)]
#[command(
    disable_version_flag = true,
    after_help = "Example:\n  huiyin workflow show huiyin/assess --unit qingfeng > assess.json"
)]
pub(super) struct ShowArgs {
    /// The workflow, `namespace/name`.
    #[arg(value_name = "NAME")]
    name: String,
    /// The unit that it serves, where it differs from unit to unit.
    #[arg(long, value_name = "CODE")]
    unit: Option<String>,
    /// A version that runs still need, where it is not the one in force.
    #[arg(long, value_name = "VERSION")]
    version: Option<String>,
    #[command(flatten)]
    host: HostArgs,
}

pub(super) fn list(args: &ListArgs, output: Output) -> Result<(), Failure> {
    let answer = Client::of(&args.host)?.get("/v1/workflows")?;
    if output == Output::Json {
        return print_json(&answer);
    }
    let text = |row: &Value, name: &str| row.get(name).and_then(Value::as_str).map_or_else(|| "-".to_owned(), plain);
    let rows: Vec<Vec<String>> = answer
        .get("workflows")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|row| {
            let active = row.get("active").and_then(Value::as_bool) == Some(true);
            let by = row.get("by").and_then(Value::as_str).map_or_else(|| "configuration".to_owned(), plain);
            let running = row.get("running").and_then(Value::as_u64).unwrap_or_default().to_string();
            let digest: String = text(row, "deployment").chars().take(DIGEST).collect();
            let mut state = if active { "in force" } else { "ending" }.to_owned();
            if row.get("withheld").and_then(Value::as_object).is_some_and(|withheld| !withheld.is_empty()) {
                state.push_str(", calls refused");
            }
            vec![
                text(row, "name"),
                text(row, "version"),
                text(row, "unit"),
                state,
                running,
                text(row, "since"),
                by,
                digest,
            ]
        })
        .collect();
    print(table(&["NAME", "VERSION", "UNIT", "STATE", "RUNNING", "SINCE", "BY", "DIGEST"], &rows))?;
    // The same of many units is said once.
    let mut said = BTreeSet::new();
    let withheld = answer.get("workflows").and_then(Value::as_array).into_iter().flatten();
    for why in withheld.filter_map(|row| row.get("withheld")?.as_object()).flat_map(|withheld| withheld.values()) {
        said.extend(why.as_str().map(plain));
    }
    said.iter().for_each(note);
    Ok(())
}

pub(super) fn show(args: &ShowArgs, output: Output) -> Result<(), Failure> {
    let path = path(&args.name)?;
    let mut query = Vec::new();
    for (key, value) in [("unit", &args.unit), ("version", &args.version)] {
        if let Some(value) = value {
            query.push(format!("{key}={}", segment(value)));
        }
    }
    let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
    let answer = Client::of(&args.host)?.get(&format!("{path}{query}"))?;
    match output {
        Output::Json => print_json(&answer),
        Output::Text => {
            let text = answer.get("text").and_then(Value::as_str).unwrap_or_default();
            print(format_args!("{}\n", text.trim_end()))
        }
    }
}

/// The path of a workflow by its `namespace/name`.
pub(super) fn path(name: &str) -> Result<String, Failure> {
    match name.split_once('/') {
        Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() => {
            Ok(format!("/v1/workflows/{}/{}", segment(namespace), segment(name)))
        }
        _ => Err(Failure::invalid(format_args!(
            "`{name}` is no workflow's name; write `namespace/name`, as `huiyin workflow list` has it"
        ))),
    }
}
