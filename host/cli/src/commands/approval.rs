//! `huiyin approval`: what waits for approvals (审批), and who acts for whom (代理).

use clap::Subcommand;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::client::{Client, HostArgs, encoded, segment};
use crate::output::{Failure, Output, note, print, print_json};
use crate::people::{Reader, word};
use crate::rows::rows;
use crate::text::{fit, plain, table};

/// Approvals of a running host: what waits, for whom, and who acts for whom (审批、代理)
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List what waits for approvals, what runs out first before the others
    #[command(after_help = "Example:\n  huiyin approval list --person gao-yuan")]
    List {
        /// Only of this unit's cases, and what one of its people may approve.
        #[arg(long, value_name = "UNIT")]
        unit: Option<String>,
        /// Only what this person may approve now, in their own right or for who lent it to them.
        #[arg(long, value_name = "PERSON")]
        person: Option<String>,
        #[command(flatten)]
        host: HostArgs,
    },
    /// Take the next step of exactly what waits under a hash
    #[command(
        after_help = "Example:\n  huiyin approval approve 99992106400200_20260301100000_1 1f3a0c --as gao-yuan\n\nNobody approves a text that they had a hand in, and nobody takes two steps."
    )]
    Approve {
        /// The case's number.
        case: String,
        /// The hash of what is approved.
        hash: String,
        #[command(flatten)]
        host: HostArgs,
    },
    /// Decline what waits under a hash, or withdraw what you asked for
    #[command(
        after_help = "Example:\n  huiyin approval decline 99992106400200_20260301100000_1 1f3a0c --reason '依据不足' --as gao-yuan"
    )]
    Decline {
        /// The case's number.
        case: String,
        /// The hash of what is declined.
        hash: String,
        /// Why.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        #[command(flatten)]
        host: HostArgs,
    },
    /// Hand your approvals to another person of your unit for a time (代理)
    #[command(
        after_help = "Example:\n  huiyin approval delegate --unit qingfeng --to tang-xue --until 2026-03-08T00:00:00+08:00 --reason '外出培训' --as gao-yuan"
    )]
    Delegate {
        /// Your unit, which keeps it.
        #[arg(long, value_name = "UNIT")]
        unit: String,
        /// Who acts for you.
        #[arg(long, value_name = "PERSON")]
        to: String,
        /// From when, RFC 3339; now unless given.
        #[arg(long, value_name = "TIME")]
        starts: Option<Timestamp>,
        /// Until when, RFC 3339.
        #[arg(long, value_name = "TIME")]
        until: Timestamp,
        /// Why.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        #[command(flatten)]
        host: HostArgs,
    },
    /// End a delegation before its time
    #[command(after_help = "Example:\n  huiyin approval revoke g1 --unit qingfeng --reason '提前返岗' --as gao-yuan")]
    Revoke {
        /// The delegation's id, such as g1.
        delegation: String,
        /// The unit that keeps it.
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
        Command::List { unit, person, host } => list(&Client::of(host)?, unit.as_deref(), person.as_deref(), output),
        Command::Approve { case, hash, host } => {
            let command = json!({"command": "approve", "case": case, "hash": hash});
            super::case::act(&Client::of(host)?, case, &command, output)
        }
        Command::Decline { case, hash, reason, host } => {
            let command = json!({"command": "decline", "case": case, "hash": hash, "reason": reason});
            super::case::act(&Client::of(host)?, case, &command, output)
        }
        Command::Delegate { unit, to, starts, until, reason, host } => {
            let mut command = json!({"command": "delegate", "to": to, "until": until, "reason": reason});
            if let Some(starts) = starts {
                command["starts"] = json!(starts);
            }
            of_unit(&Client::of(host)?, unit, &command, output)
        }
        Command::Revoke { delegation, unit, reason, host } => {
            let command = json!({"command": "revoke-delegation", "delegation": delegation, "reason": reason});
            of_unit(&Client::of(host)?, unit, &command, output)
        }
    }
}

fn of_unit(client: &Client, unit: &str, command: &Value, output: Output) -> Result<(), Failure> {
    let done = client.post(&format!("/v1/units/{}/commands", segment(unit)), command)?;
    if output == Output::Json {
        return print_json(&done);
    }
    print(format_args!("{}\n", delegation(&done, &Reader::of(&done))))
}

fn list(client: &Client, unit: Option<&str>, person: Option<&str>, output: Output) -> Result<(), Failure> {
    let mut query: Vec<String> = Vec::new();
    for (name, value) in [("unit", unit), ("person", person)] {
        query.extend(value.map(|value| format!("{name}={}", encoded(value.as_bytes()))));
    }
    let answer = client.get(&format!("/v1/approvals?{}", query.join("&")))?;
    if output == Output::Json {
        return print_json(&answer);
    }
    let reader = Reader::of(&answer);
    let lines: Vec<Vec<String>> = rows(&answer, "approvals")
        .map(|row| {
            let who: Vec<String> =
                rows(row, "waits_for").filter_map(Value::as_str).map(|id| reader.actor(id)).collect();
            let author = row.get("author").and_then(Value::as_str).unwrap_or_default();
            vec![
                word(row, "case"),
                word(row, "act_zh"),
                word(row, "hash"),
                reader.actor(author),
                reader.time(row.get("expires_at")),
                fit(&who.join("、"), 60),
                fit(&word(row, "title"), 40),
            ]
        })
        .collect();
    if lines.is_empty() {
        note("没有待审批事项 (nothing waits for an approval)");
    }
    let head = ["办件 CASE", "事项 ACT", "哈希 HASH", "提出人 AUTHOR", "失效 EXPIRES", "待谁 WAITS FOR", "标题 TITLE"];
    print(table(&head, &lines))?;
    let lent: Vec<String> = rows(&answer, "delegations").map(|row| delegation(row, &reader)).collect();
    if lent.is_empty() { Ok(()) } else { print(format_args!("\n代理 DELEGATIONS\n  {}\n", lent.join("\n  "))) }
}

fn delegation(row: &Value, reader: &Reader) -> String {
    let of = |name: &str| reader.actor(row.get(name).and_then(Value::as_str).unwrap_or_default());
    let state = match row.get("state").and_then(Value::as_str).unwrap_or_default() {
        "holds" => "生效中".to_owned(),
        "planned" => "未到期".to_owned(),
        "over" => "已到期".to_owned(),
        "revoked" => "已撤销".to_owned(),
        other => plain(other),
    };
    format!(
        "{}  {} → {}  {} 至 {}  {state}  {}",
        word(row, "delegation"),
        of("from"),
        of("to"),
        reader.time(row.get("starts")),
        reader.time(row.get("until")),
        word(row, "reason")
    )
}
