//! `huiyin plugin publishers | trust | distrust`: whose plugins a running host
//! takes, and changing it. It goes on record with who and why.

use serde_json::{Value, json};

use crate::client::{Client, HostArgs};
use crate::output::{Failure, Output, note, print, print_json};
use crate::rows::{or_dash, rows, text, texts};
use crate::text::{plain, table};

#[derive(Debug, clap::Args)]
pub(super) struct List {
    #[command(flatten)]
    host: HostArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct Trust {
    /// The public key, `name+hash+base64`, as `huiyin plugin keygen` printed it.
    key: String,
    /// A unit that trusts it, by code; * for all. May be given again.
    #[arg(long = "unit", value_name = "CODE", default_value = "*")]
    units: Vec<String>,
    #[command(flatten)]
    why: Why,
}

#[derive(Debug, clap::Args)]
pub(super) struct Distrust {
    /// The public key, or its name where one of that name is trusted.
    key: String,
    #[command(flatten)]
    why: Why,
}

#[derive(Debug, clap::Args)]
struct Why {
    /// Why; it goes on record.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    host: HostArgs,
}

pub(super) fn publishers(args: &List, output: Output) -> Result<(), Failure> {
    let answer = Client::of(&args.host)?.get("/v1/publishers")?;
    if output == Output::Json {
        return print_json(&answer);
    }
    let row = |publisher: &Value| {
        let units = texts(publisher, "units");
        let units = if units.is_empty() { "nobody any more".to_owned() } else { units.join(", ") };
        let from = match publisher.get("by").and_then(Value::as_str) {
            Some(by) => format!("{}: {}", plain(by), text(publisher, "reason")),
            None => "configuration".to_owned(),
        };
        vec![text(publisher, "name"), units, from, text(publisher, "key")]
    };
    let all: Vec<Vec<String>> = rows(&answer, "publishers").map(row).collect();
    print(table(&["PUBLISHER", "TRUSTED BY", "FROM", "KEY"], &all))
}

pub(super) fn trust(args: &Trust, output: Output) -> Result<(), Failure> {
    let body = json!({"key": args.key, "units": args.units, "reason": args.why.reason});
    tell(&Client::of(&args.why.host)?.post("/v1/publishers/trust", &body)?, output)
}

pub(super) fn distrust(args: &Distrust, output: Output) -> Result<(), Failure> {
    let body = json!({"key": args.key, "reason": args.why.reason});
    tell(&Client::of(&args.why.host)?.post("/v1/publishers/distrust", &body)?, output)
}

/// What changed for the plugins that are there.
fn tell(answer: &Value, output: Output) -> Result<(), Failure> {
    if output == Output::Json {
        return print_json(answer);
    }
    for plugin in texts(answer, "restored") {
        print(format_args!("{plugin} may be used again\n"))?;
    }
    for withheld in rows(answer, "withheld") {
        print(format_args!(
            "{} is withheld; it was used by {}\n",
            text(withheld, "plugin"),
            or_dash(texts(withheld, "used_by"))
        ))?;
        note(text(withheld, "why"));
    }
    for refused in rows(answer, "refused") {
        print(format_args!(
            "{} may not be used any more by {}\n",
            text(refused, "plugin"),
            or_dash(texts(refused, "used_by"))
        ))?;
        note(text(refused, "why"));
    }
    Ok(())
}
