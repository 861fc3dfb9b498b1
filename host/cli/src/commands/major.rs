//! `huiyin major`: major matters (重大政务舆情).

use clap::Subcommand;
use serde_json::{Value, json};

use super::response::{command, waits};
use crate::client::{Client, HostArgs, segment};
use crate::output::{Failure, Output, note, print, print_json};
use crate::people::{Reader, word};
use crate::rows::rows;

/// Major matters of a running host: one commander, one plan, one line (重大政务舆情)
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Declare a case a major matter: notice, report and verification start together
    #[command(
        after_help = "Example:\n  huiyin major declare 99992106400200_20260301100000_1 --reason '火势逼近村庄' --as xu-ming"
    )]
    Declare {
        /// The case's number.
        case: String,
        /// Why.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// The unit that verifies; the lead unit unless given.
        #[arg(long, value_name = "UNIT")]
        verify: Option<String>,
        #[command(flatten)]
        host: HostArgs,
    },
    /// Say that you have read the notice (确认收到): whom it went to, nobody else
    #[command(after_help = "Example:\n  huiyin major ack 99992106400200_20260301100000_1 --as gao-yuan")]
    Ack {
        /// The case's number.
        case: String,
        #[command(flatten)]
        host: HostArgs,
    },
    /// Appoint the one commander (统一指挥)
    #[command(
        after_help = "Example:\n  huiyin major commander 99992106400200_20260301100000_1 gao-yuan --as lin-guodong"
    )]
    Commander {
        /// The case's number.
        case: String,
        /// The person's id.
        person: String,
        /// Why, where another person commanded before.
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        #[command(flatten)]
        host: HostArgs,
    },
    /// Set the one plan (统一方案); another person approves it, the commander is one of the two
    #[command(
        after_help = "Example:\n  huiyin major plan 99992106400200_20260301100000_1 --text '统一调度,统一发布' --as xu-ming"
    )]
    Plan {
        /// The case's number.
        case: String,
        /// The plan.
        #[arg(long, value_name = "TEXT")]
        text: String,
        #[command(flatten)]
        host: HostArgs,
    },
    /// Let another unit publish on the matter: the commander does
    #[command(
        after_help = "Example:\n  huiyin major release 99992106400200_20260301100000_1 --unit cuihu --reason '现场情况由其发布' --as gao-yuan"
    )]
    Release {
        /// The case's number.
        case: String,
        /// The unit.
        #[arg(long, value_name = "UNIT")]
        unit: String,
        /// Why.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        #[command(flatten)]
        host: HostArgs,
    },
    /// End the procedure, once the matter is reported and verified
    #[command(
        after_help = "Example:\n  huiyin major end 99992106400200_20260301100000_1 --reason '火已扑灭,舆情平息' --as gao-yuan"
    )]
    End {
        /// The case's number.
        case: String,
        /// Why.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        #[command(flatten)]
        host: HostArgs,
    },
    /// Show who was told and has read it, who commands, the plan
    #[command(after_help = "Example:\n  huiyin major show 99992106400200_20260301100000_1")]
    Show {
        /// The case's number.
        case: String,
        #[command(flatten)]
        host: HostArgs,
    },
}

pub(crate) fn run(args: &Args, output: Output) -> Result<(), Failure> {
    let (host, case, name, fields) = match &args.command {
        Command::Declare { case, reason, verify, host } => {
            (host, case, "declare-major", json!({"reason": reason, "verify": verify}))
        }
        Command::Ack { case, host } => (host, case, "acknowledge-notice", json!({})),
        Command::Commander { case, person, reason, host } => {
            (host, case, "appoint-commander", json!({"person": person, "reason": reason}))
        }
        Command::Plan { case, text, host } => (host, case, "set-plan", json!({"text": text})),
        Command::Release { case, unit, reason, host } => {
            (host, case, "release-publishing", json!({"unit": unit, "reason": reason}))
        }
        Command::End { case, reason, host } => (host, case, "end-major", json!({"reason": reason})),
        Command::Show { case, host } => return show(&Client::of(host)?, case, output),
    };
    let client = Client::of(host)?;
    let done = command(&client, name, case, fields, None)?;
    if output == Output::Json {
        return print_json(&done);
    }
    match waits(&done) {
        Some(waits) => print(waits),
        None => show(&client, case, output),
    }
}

fn show(client: &Client, case: &str, output: Output) -> Result<(), Failure> {
    let whole = client.get(&format!("/v1/cases/{}", segment(case)))?;
    let major = whole.get("major").unwrap_or(&Value::Null);
    if output == Output::Json {
        return print_json(&json!({"case": case, "major": major}));
    }
    if major.is_null() {
        note("不是重大舆情 (not declared a major matter)");
        return Ok(());
    }
    print(lines(major, &Reader::of(&whole)).join("\n") + "\n")
}

/// A major matter as people read it.
pub(crate) fn lines(major: &Value, reader: &Reader) -> Vec<String> {
    let open = major.get("open").and_then(Value::as_bool) == Some(true);
    let actor = |value: &Value, name: &str| reader.actor(value.get(name).and_then(Value::as_str).unwrap_or_default());
    let mut all = vec![format!(
        "{}  自 {}  {}  {}",
        if open { "重大舆情处置程序已启动" } else { "重大舆情处置程序已结束" },
        reader.time(major.get("since")),
        actor(major, "by"),
        word(major, "reason")
    )];
    for notice in rows(major, "notices") {
        let to = notice.get("to").unwrap_or(&Value::Null);
        let read = match notice.get("acknowledged_at").filter(|at| !at.is_null()) {
            Some(at) => format!("{} 已确认", reader.time(Some(at))),
            None if notice.get("breached_at").is_some_and(|at| !at.is_null()) => "逾期未确认".to_owned(),
            None => format!("待确认,截止 {}", reader.time(notice.get("due_at"))),
        };
        let sent =
            if notice.get("delivered").and_then(Value::as_bool) == Some(true) { "已送达" } else { "待送达" };
        let instead = notice.get("instead_of").filter(|of| !of.is_null());
        let instead = instead.map_or_else(String::new, |_| format!("(递补 {})", word(notice, "instead_of")));
        all.push(format!("通知 {}  {}{instead}  {sent}  {read}", word(notice, "notice"), word(to, "name")));
    }
    all.push(format!("报告任务 {}  核查任务 {}", word(major, "report_task"), word(major, "verification_task")));
    match major.get("commander").and_then(Value::as_str) {
        Some(person) => all.push(format!("指挥 {}", reader.actor(person))),
        None => all.push("指挥 未指定".to_owned()),
    }
    if let Some(plan) = major.get("plan").filter(|plan| !plan.is_null()) {
        all.push(format!("方案 第{}版  {}", word(plan, "version"), word(plan, "text")));
    }
    for released in rows(major, "released") {
        let unit = reader.unit(released.get("unit").and_then(Value::as_str).unwrap_or_default());
        all.push(format!("准予发布 {unit}  {}", word(released, "reason")));
    }
    if let Some(ended) = major.get("ended").filter(|ended| !ended.is_null()) {
        all.push(format!("结束 {}  {}  {}", reader.time(ended.get("at")), actor(ended, "by"), word(ended, "reason")));
    }
    all
}
