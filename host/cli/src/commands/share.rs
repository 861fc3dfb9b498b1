//! `huiyin share`: items and cases shown to other units (共享).

use clap::{Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::roster::act;
use crate::client::{Client, HostArgs, encoded, segment};
use crate::output::{Failure, Output, note, print, print_json};
use crate::people::{Reader, word};
use crate::rows::rows;
use crate::text::{table, typed};

/// What units share with each other on a running host (共享)
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

/// How much is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Scope {
    /// What it is about, its level and its state.
    Summary,
    /// Everything.
    Whole,
}

#[derive(Debug, clap::Args)]
struct Grant {
    /// The unit that may read it; a partner, too.
    #[arg(long, value_name = "UNIT")]
    to: String,
    /// How much of it.
    #[arg(long, value_enum, default_value = "summary")]
    scope: Scope,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Until when, RFC 3339; thirty days from now unless given.
    #[arg(long, value_name = "TIME")]
    until: Option<jiff::Timestamp>,
    #[command(flatten)]
    host: HostArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Share a case with another unit
    #[command(
        after_help = "Example:\n  huiyin share case 99992106400200_20260301100000_1 --to emergency --reason '联合处置' --as xu-ming"
    )]
    Case {
        /// The case's number.
        number: String,
        #[command(flatten)]
        grant: Grant,
    },
    /// Share an item with another unit
    #[command(
        after_help = "Example:\n  huiyin share item 0193f2a4-0000-7000-8000-000000000001 --to cuihu --reason '属地核实' --as xu-ming"
    )]
    Item {
        /// The item.
        item: String,
        #[command(flatten)]
        grant: Grant,
    },
    /// List what is shared by or with a unit
    #[command(after_help = "Example:\n  huiyin share list --unit emergency --as qiu-lan")]
    List {
        /// The unit.
        #[arg(long, value_name = "UNIT")]
        unit: Option<String>,
        /// Also what is over.
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        host: HostArgs,
    },
    /// Read what another unit shares; it goes on record
    #[command(
        after_help = "Example:\n  huiyin share read 99992106400200_20260301100000_1.s1 --unit emergency --as qiu-lan"
    )]
    Read {
        /// The share, as the list has it.
        share: String,
        /// In the name of which unit.
        #[arg(long, value_name = "UNIT")]
        unit: String,
        #[command(flatten)]
        host: HostArgs,
    },
    /// Take back what is shared
    #[command(
        after_help = "Example:\n  huiyin share revoke 99992106400200_20260301100000_1.s1 --unit qingfeng --reason '处置完毕' --as xu-ming"
    )]
    Revoke {
        /// The share, as the list has it.
        share: String,
        /// The unit whose matter it is.
        #[arg(long, value_name = "UNIT")]
        unit: String,
        /// Why.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        #[command(flatten)]
        host: HostArgs,
    },
}

pub(crate) fn run(args: &Args, output: Output) -> Result<(), Failure> {
    match &args.command {
        Command::Case { number, grant } => {
            give(&format!("/v1/cases/{}", segment(number)), ("case", number), grant, output)
        }
        Command::Item { item, grant } => give(&format!("/v1/items/{}", segment(item)), ("item", item), grant, output),
        Command::List { unit, all, host } => list(&Client::of(host)?, unit.as_deref(), *all, output),
        Command::Read { share, unit, host } => {
            let command = json!({"command": "read-shared", "share": share});
            let done = Client::of(host)?.post(&format!("/v1/units/{}/commands", segment(unit)), &command)?;
            print_json(&done)
        }
        Command::Revoke { share, unit, reason, host } => {
            let command = json!({"command": "revoke-share", "share": share, "reason": reason});
            act(&Client::of(host)?, unit, &command, output, |done| format!("{} 已收回", word(done, "share")))
        }
    }
}

fn give(path: &str, what: (&str, &str), grant: &Grant, output: Output) -> Result<(), Failure> {
    let client = Client::of(&grant.host)?;
    let found = client.get(path)?;
    let unit = found.get("unit").and_then(Value::as_str).unwrap_or_default();
    let scope = typed(&grant.scope);
    let mut command =
        json!({"command": "share", "to": grant.to, "scope": scope, "reason": grant.reason, "until": grant.until});
    command[what.0] = json!(what.1);
    act(&client, unit, &command, output, |done| format!("{} → {}", word(done, "share"), word(done, "to")))
}

fn list(client: &Client, unit: Option<&str>, all: bool, output: Output) -> Result<(), Failure> {
    let unit = unit.map_or_else(String::new, |unit| format!("&unit={}", encoded(unit.as_bytes())));
    let answer = client.get(&format!("/v1/shared?all={all}{unit}"))?;
    if output == Output::Json {
        return print_json(&answer);
    }
    let reader = Reader::of(&answer);
    let lines: Vec<Vec<String>> = rows(&answer, "shared")
        .map(|share| {
            vec![
                word(share, "share"),
                reader.unit(&word(share, "unit")),
                reader.unit(&word(share, "to")),
                word(share, "scope"),
                word(share, "state"),
                reader.time(share.get("until")),
                word(share, "read_count"),
                word(share, "reason"),
            ]
        })
        .collect();
    if lines.is_empty() {
        note("没有共享 (nothing is shared)");
    }
    let head = ["共享 SHARE", "来自 FROM", "给 TO", "范围 SCOPE", "状态 STATE", "止 UNTIL", "阅 READ", "理由 REASON"];
    print(table(&head, &lines))
}
