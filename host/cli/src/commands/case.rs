//! `huiyin case`: the cases of a running host.

use clap::Subcommand;
use serde_json::{Value, json};

use crate::client::{Client, HostArgs, segment};
use crate::output::{Failure, Output, note, print, print_json};
use crate::people::{self, Reader, colour, word};
use crate::text::{plain, table};

mod acts;
mod calendar;
mod clocks;
mod page;

use self::page::page;

/// Cases of a running host
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the cases by what is due: breached clocks first, then the nearest due
    #[command(after_help = "Example:\n  huiyin case list --data huiyin-data")]
    List {
        #[command(flatten)]
        host: HostArgs,
    },
    /// Show one case
    #[command(after_help = "Example:\n  huiyin case show 530500-20240301-0001")]
    Show {
        /// The case's number.
        number: String,
        #[command(flatten)]
        host: HostArgs,
    },
    /// Record an answer that was delivered to those who asked
    #[command(
        after_help = "Example:\n  huiyin case answer 530500-20240301-0001 --text '现场已核实，无明火。' --channel phone --asker a1 --as xu-ming"
    )]
    Answer(Answer),
    /// Send the flash report upward: a draft as it is, or facts of your own
    #[command(
        after_help = "Example:\n  huiyin case report 530500-20240301-0001 --draft 1f3a… --as li-min\n\nThe drafts of a case, each with its hash, stand in `huiyin case show`. A draft stops no clock; what is sent does. The other stages are sent by `huiyin report submit`."
    )]
    Report(Report),
    /// Confirm, as a second person, exactly what waits under a hash
    #[command(
        after_help = "Example:\n  huiyin case approve 530500-20240301-0001 1f3a… --as wang-fang\n\nWhat waits, each with its hash, stands in `huiyin case show`. Nobody approves what they asked for themselves."
    )]
    Approve {
        /// The case's number.
        number: String,
        /// The hash of what is approved.
        hash: String,
        #[command(flatten)]
        host: HostArgs,
    },
    /// Decline what waits under a hash, or withdraw what you asked for
    #[command(
        after_help = "Example:\n  huiyin case decline 530500-20240301-0001 1f3a… --reason '无通话记录' --as wang-fang"
    )]
    Decline {
        /// The case's number.
        number: String,
        /// The hash of what is declined.
        hash: String,
        /// Why.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        #[command(flatten)]
        host: HostArgs,
    },
    #[command(flatten)]
    Act(acts::Act),
    /// Write the running clocks of a unit as to-dos for calendar programs (iCalendar, RFC 5545)
    #[command(after_help = "Example:\n  huiyin case calendar --unit qingfeng --out qingfeng.ics --as xu-ming")]
    Calendar(calendar::Args),
    #[command(flatten)]
    Clocks(clocks::OfClocks),
    /// Close a case; refused while anybody waits for an answer
    #[command(after_help = "Example:\n  huiyin case close 530500-20240301-0001 --as xu-ming")]
    Close {
        /// The case's number.
        number: String,
        /// A note for the file.
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
        #[command(flatten)]
        host: HostArgs,
    },
}

#[derive(Debug, clap::Args)]
struct Answer {
    /// The case's number.
    number: String,
    /// What was said.
    #[arg(long, value_name = "TEXT")]
    text: String,
    /// By which channel, such as phone or website.
    #[arg(long, value_name = "NAME")]
    channel: String,
    /// Whom it reached, by the case's name for them; nobody named: everybody, in public.
    #[arg(long, value_name = "ASKER")]
    asker: Vec<String>,
    /// What it says of a concern, such as c1='3月1日起停工'; once for each.
    #[arg(long, value_name = "ID=TEXT", value_parser = of_concern)]
    concern: Vec<(String, String)>,
    /// Why a concern is not answered, such as c2='标准由县政府公布'; once for each.
    #[arg(long, value_name = "ID=WHY", value_parser = of_concern)]
    declined: Vec<(String, String)>,
    /// What proves that it was delivered.
    #[arg(long, value_name = "TEXT")]
    proof: Option<String>,
    /// When it was delivered, RFC 3339; now unless given.
    #[arg(long, value_name = "TIME")]
    delivered_at: Option<jiff::Timestamp>,
    #[command(flatten)]
    host: HostArgs,
}

#[derive(Debug, clap::Args)]
struct Report {
    /// The case's number.
    number: String,
    /// The hash of the draft that is sent as it is.
    #[arg(long, value_name = "HASH", required_unless_present_any = ["fact", "observed"], conflicts_with_all = ["fact", "observed", "evidence"])]
    draft: Option<String>,
    /// What is known; once for each fact. It rests on --evidence.
    #[arg(long, value_name = "TEXT", requires = "evidence")]
    fact: Vec<String>,
    /// What you saw or heard yourself; once for each fact.
    #[arg(long, value_name = "TEXT")]
    observed: Vec<String>,
    /// What the facts rest on: an item's id, a task with feedback (t1), an event (e1), or what was recorded (v1).
    #[arg(long, value_name = "ID", requires = "fact")]
    evidence: Vec<String>,
    #[command(flatten)]
    host: HostArgs,
}

pub(crate) fn run(args: &Args, output: Output) -> Result<(), Failure> {
    match &args.command {
        Command::List { host } => list(&Client::of(host)?, output),
        Command::Show { number, host } => show(&Client::of(host)?, number, output),
        Command::Answer(answer) => {
            let mut command = json!({
                "command": "record-answer",
                "case": answer.number,
                "askers": answer.asker,
                "text": answer.text,
                "channel": answer.channel,
            });
            let said = answer.concern.iter().map(|(id, text)| json!({"concern": id, "text": text}));
            let declined = answer.declined.iter().map(|(id, why)| json!({"concern": id, "declined": why}));
            let concerns: Vec<Value> = said.chain(declined).collect();
            if !concerns.is_empty() {
                command["concerns"] = json!(concerns);
            }
            if let Some(proof) = &answer.proof {
                command["proof"] = json!(proof);
            }
            if let Some(at) = &answer.delivered_at {
                command["delivered_at"] = json!(at);
            }
            act(&Client::of(&answer.host)?, &answer.number, &command, output)
        }
        Command::Report(report) => {
            let mut command = json!({"command": "submit-report", "case": report.number, "stage": "flash"});
            match &report.draft {
                Some(draft) => command["draft"] = json!(draft),
                None => {
                    let told = report.fact.iter().map(|fact| json!({"text": fact, "evidence": report.evidence}));
                    let seen = report.observed.iter().map(|fact| json!({"text": fact, "observed": true}));
                    command["facts"] = Value::Array(told.chain(seen).collect());
                }
            }
            act(&Client::of(&report.host)?, &report.number, &command, output)
        }
        Command::Approve { number, hash, host } => {
            let command = json!({"command": "approve", "case": number, "hash": hash});
            act(&Client::of(host)?, number, &command, output)
        }
        Command::Decline { number, hash, reason, host } => {
            let command = json!({"command": "decline", "case": number, "hash": hash, "reason": reason});
            act(&Client::of(host)?, number, &command, output)
        }
        Command::Act(act) => acts::run(act, output),
        Command::Calendar(args) => calendar::run(args),
        Command::Clocks(act) => clocks::run(act, output),
        Command::Close { number, note, host } => {
            let mut command = json!({"command": "close-case", "case": number});
            if let Some(note) = note {
                command["note"] = json!(note);
            }
            act(&Client::of(host)?, number, &command, output)
        }
    }
}

/// `c1=TEXT`.
fn of_concern(text: &str) -> Result<(String, String), String> {
    let (id, said) = text.split_once('=').ok_or("write the concern's id, `=`, and what is said of it: c1=…")?;
    Ok((id.trim().to_owned(), said.to_owned()))
}

fn list(client: &Client, output: Output) -> Result<(), Failure> {
    let answer = client.list("/v1/cases", "cases")?;
    if output == Output::Json {
        return print_json(&answer);
    }
    let rows: Vec<Vec<String>> = answer.get("cases").and_then(Value::as_array).into_iter().flatten().map(row).collect();
    let head = [
        "办件 CASE",
        "等级 LEVEL",
        "状态 STATE",
        "时限 CLOCK",
        "截止 DUE",
        "单位 UNIT",
        "信息 ITEMS",
        "待告知 OWED",
        "标题 TITLE",
    ];
    print(table(&head, &rows))?;
    match answer.get("unjudged").and_then(Value::as_u64) {
        Some(waiting) if waiting > 0 => {
            note(format_args!(
                "{waiting} 条信息系统未能研判,需人工处理 (the floor could not judge them): `huiyin item list --unjudged`"
            ));
        }
        _ => {}
    }
    Ok(())
}

fn row(case: &Value) -> Vec<String> {
    let number = |name: &str| case.get(name).and_then(Value::as_u64).unwrap_or_default().to_string();
    let clock = case.get("clock").filter(|clock| !clock.is_null());
    let unit = case.pointer("/unit_name/zh").and_then(Value::as_str).map(plain);
    vec![
        word(case, "number"),
        format!("{}({})", word(case, "level_zh"), colour(&word(case, "colour"))),
        word(case, "state_zh"),
        clock.map_or_else(|| "-".to_owned(), people::clock),
        clock.map_or_else(|| "-".to_owned(), |clock| Reader::of(case).time(clock.get("due_at"))),
        unit.unwrap_or_else(|| word(case, "unit")),
        number("items"),
        number("owed"),
        word(case, "title"),
    ]
}

fn show(client: &Client, number: &str, output: Output) -> Result<(), Failure> {
    let case = client.get(&format!("/v1/cases/{}", segment(number)))?;
    if output == Output::Json {
        return print_json(&case);
    }
    print(page(&case))
}

/// Carries a command out for the unit that leads the case.
pub(super) fn act(client: &Client, number: &str, command: &Value, output: Output) -> Result<(), Failure> {
    let case = client.get(&format!("/v1/cases/{}", segment(number)))?;
    let unit = case.get("unit").and_then(Value::as_str).unwrap_or_default();
    let command = crate::hashes::whole(command, &case)?;
    let done = client.post(&format!("/v1/units/{}/commands", segment(unit)), &command)?;
    if output == Output::Json {
        return print_json(&done);
    }
    show(client, number, output)
}
