//! `huiyin roster` and `huiyin patrol`: duty (值班) and patrols (巡查).

use clap::Subcommand;
use serde_json::{Value, json};

use crate::client::{Client, HostArgs, encoded, segment};
use crate::output::{Failure, Output, note, print, print_json, read_json};
use crate::people::{Reader, word};
use crate::rows::{rows, texts};
use crate::text::{fit, table};

/// The largest roster that is read, in bytes.
const MAX_ROSTER: u64 = 1 << 20;

/// Duty rosters of a running host (值班表)
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show who is on duty, and the slots around now
    #[command(after_help = "Example:\n  huiyin roster show --unit qingfeng")]
    Show {
        /// Only this unit's.
        #[arg(long, value_name = "UNIT")]
        unit: Option<String>,
        /// For how many days back and ahead.
        #[arg(long, value_name = "N", default_value = "2")]
        days: u8,
        #[command(flatten)]
        host: HostArgs,
    },
    /// Give a unit a roster of its own in the place of the pack's, or the pack's again
    #[command(
        after_help = "Example:\n  huiyin roster set --unit qingfeng --file roster.json --reason '国庆值班' --as gao-yuan\n\nThe file is a list of slots: [{\"id\": \"day\", \"days\": [\"mon\"], \"from\": \"08:00\", \"to\": \"20:00\", \"people\": [\"xu-ming\"]}]"
    )]
    Set {
        /// The unit.
        #[arg(long, value_name = "UNIT")]
        unit: String,
        /// A JSON file with a list of slots.
        #[arg(long, value_name = "FILE", required_unless_present = "pack")]
        file: Option<std::path::PathBuf>,
        /// The pack's roster holds again.
        #[arg(long, conflicts_with = "file")]
        pack: bool,
        /// Why.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        #[command(flatten)]
        host: HostArgs,
    },
    /// Give a slot to other people (换班)
    #[command(
        after_help = "Example:\n  huiyin roster swap night@2026-03-02 --unit qingfeng --people gao-yuan --reason '代班' --as gao-yuan"
    )]
    Swap {
        /// The slot on its day, as `huiyin roster show` has it.
        slot: String,
        /// The unit.
        #[arg(long, value_name = "UNIT")]
        unit: String,
        /// Who holds it from now on; may be given several times.
        #[arg(long, value_name = "PERSON", required = true)]
        people: Vec<String>,
        /// Why.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        #[command(flatten)]
        host: HostArgs,
    },
    /// Come on duty (签到)
    #[command(after_help = "Example:\n  huiyin roster check-in --unit qingfeng --as xu-ming")]
    CheckIn {
        /// The unit.
        #[arg(long, value_name = "UNIT")]
        unit: String,
        /// The slot on its day; the one that you hold now unless given.
        #[arg(long, value_name = "SLOT")]
        slot: Option<String>,
        #[command(flatten)]
        host: HostArgs,
    },
}

pub(crate) fn run(args: &Args, output: Output) -> Result<(), Failure> {
    match &args.command {
        Command::Show { unit, days, host } => show(&Client::of(host)?, unit.as_deref(), *days, output),
        Command::Set { unit, file, pack: _, reason, host } => {
            let slots = match file {
                Some(file) => Some(read_json(file, MAX_ROSTER)?),
                None => None,
            };
            let command = json!({"command": "set-roster", "unit": unit, "slots": slots, "reason": reason});
            act(&Client::of(host)?, unit, &command, output, |done| {
                format!("{} {}", word(done, "unit"), if done["own"] == true { "本单位值班表" } else { "制度包值班表" })
            })
        }
        Command::Swap { slot, unit, people, reason, host } => {
            let command =
                json!({"command": "swap-duty", "unit": unit, "slot": slot, "people": people, "reason": reason});
            act(&Client::of(host)?, unit, &command, output, |done| {
                format!("{} {}", word(done, "slot"), texts(done, "people").join(", "))
            })
        }
        Command::CheckIn { unit, slot, host } => {
            let command = json!({"command": "check-in", "unit": unit, "slot": slot});
            act(&Client::of(host)?, unit, &command, output, |done| {
                format!("{} {}", word(done, "slot"), if done["late"] == true { "迟到签到" } else { "已签到" })
            })
        }
    }
}

/// A person acts in the name of a unit; what comes of it in a line.
pub(super) fn act(
    client: &Client,
    unit: &str,
    command: &Value,
    output: Output,
    line: impl FnOnce(&Value) -> String,
) -> Result<(), Failure> {
    let done = client.post(&format!("/v1/units/{}/commands", segment(unit)), command)?;
    match output {
        Output::Json => print_json(&done),
        Output::Text => print(format_args!("{}\n", line(&done))),
    }
}

fn show(client: &Client, unit: Option<&str>, days: u8, output: Output) -> Result<(), Failure> {
    let unit = unit.map_or_else(String::new, |unit| format!("&unit={}", encoded(unit.as_bytes())));
    let answer = client.get(&format!("/v1/roster?days={days}{unit}"))?;
    if output == Output::Json {
        return print_json(&answer);
    }
    if rows(&answer, "units").next().is_none() {
        note("没有值班表 (no roster; add `duty` to the policy pack, or `huiyin roster set`)");
    }
    for page in rows(&answer, "units") {
        let reader = Reader::of(page);
        let names = |row: &Value, key: &str| {
            let names: Vec<String> = texts(row, key).iter().map(|id| reader.actor(id)).collect();
            if names.is_empty() { "无人".to_owned() } else { names.join("、") }
        };
        print(format_args!("{}  当前在班 {}\n", reader.unit(&word(page, "unit")), names(page, "on_duty")))?;
        let lines: Vec<Vec<String>> = rows(page, "slots")
            .map(|slot| {
                vec![
                    word(slot, "slot"),
                    reader.time(slot.get("starts")),
                    reader.time(slot.get("ends")),
                    names(slot, "people"),
                    word(slot, "state_zh"),
                ]
            })
            .collect();
        print(table(&["班次 SLOT", "起 FROM", "止 TO", "人员 PEOPLE", "状态 STATE"], &lines))?;
        for hole in rows(page, "holes") {
            let (from, to) = (reader.time(hole.get("from")), reader.time(hole.get("to")));
            print(format_args!("空班 {from} 至 {to}\n"))?;
        }
    }
    Ok(())
}

/// Patrols of a running host (巡查)
#[derive(Debug, clap::Args)]
pub(crate) struct PatrolArgs {
    #[command(subcommand)]
    command: PatrolCommand,
}

#[derive(Debug, Subcommand)]
enum PatrolCommand {
    /// List the patrols of today, and those that were missed
    #[command(after_help = "Example:\n  huiyin patrol list --unit qingfeng")]
    List {
        /// Only this unit's.
        #[arg(long, value_name = "UNIT")]
        unit: Option<String>,
        /// All that are kept, thirty-five days.
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        host: HostArgs,
    },
    /// Put a patrol on record, with what was seen
    #[command(
        after_help = "Example:\n  huiyin patrol done qingfeng.round@2026-03-01T15:00 --seen '论坛无异常' --as xu-ming\n  huiyin patrol done qingfeng.round@2026-03-01T15:00 --seen '论坛有人反映冒烟' --url http://bbs.example/1 --item --as xu-ming"
    )]
    Done {
        /// The patrol, as the list has it.
        patrol: String,
        /// What was seen; may be given several times.
        #[arg(long, value_name = "TEXT", required = true)]
        seen: Vec<String>,
        /// Where the first was seen.
        #[arg(long, value_name = "URL")]
        url: Option<String>,
        /// Make an item of each: it is judged like any other.
        #[arg(long)]
        item: bool,
        #[command(flatten)]
        host: HostArgs,
    },
}

pub(crate) fn patrol(args: &PatrolArgs, output: Output) -> Result<(), Failure> {
    match &args.command {
        PatrolCommand::List { unit, all, host } => patrols(&Client::of(host)?, unit.as_deref(), *all, output),
        PatrolCommand::Done { patrol, seen, url, item, host } => {
            let client = Client::of(host)?;
            let unit = patrol.split('.').next().unwrap_or_default().to_owned();
            let mut entries: Vec<Value> = seen.iter().map(|text| json!({"text": text})).collect();
            if let (Some(first), Some(url)) = (entries.first_mut(), url) {
                first["url"] = json!(url);
            }
            if *item {
                let items: Vec<Value> = entries
                    .iter()
                    .enumerate()
                    .map(|(at, seen)| {
                        json!({"id": format!("{patrol}#{at}"), "title": seen["text"], "url": seen["url"], "fields": {"patrol": patrol}})
                    })
                    .collect();
                let path = format!("/v1/units/{}/items", segment(&unit));
                let taken = client.post(&path, &json!({"source": "patrol", "items": items}))?;
                for (entry, taken) in entries.iter_mut().zip(rows(&taken, "items")) {
                    if let Some(id) = taken.get("item").filter(|id| id.is_string()) {
                        entry["item"] = id.clone();
                    }
                }
            }
            let command = json!({"command": "finish-patrol", "patrol": patrol, "seen": entries});
            act(&client, &unit, &command, output, |done| {
                format!("{} {}", word(done, "patrol"), if done["late"] == true { "补巡" } else { "已巡查" })
            })
        }
    }
}

fn patrols(client: &Client, unit: Option<&str>, all: bool, output: Output) -> Result<(), Failure> {
    let unit = unit.map_or_else(String::new, |unit| format!("&unit={}", encoded(unit.as_bytes())));
    let answer = client.get(&format!("/v1/patrols?all={all}{unit}"))?;
    if output == Output::Json {
        return print_json(&answer);
    }
    let reader = Reader::of(&answer);
    let lines: Vec<Vec<String>> = rows(&answer, "patrols")
        .map(|patrol| {
            let people: Vec<String> = texts(patrol, "people").iter().map(|id| reader.actor(id)).collect();
            vec![
                word(patrol, "patrol"),
                reader.time(patrol.get("due")),
                people.join("、"),
                word(patrol, "state_zh"),
                fit(&texts(patrol, "look").join("、"), 50),
            ]
        })
        .collect();
    if lines.is_empty() {
        note("没有巡查任务 (no patrol)");
    }
    print(table(&["巡查 PATROL", "截止 DUE", "人员 PEOPLE", "状态 STATE", "内容 LOOK AT"], &lines))
}
