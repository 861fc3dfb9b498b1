//! `huiyin task`: work that units hand to each other (转办).

use clap::{Subcommand, ValueEnum};
use serde_json::{Value, json};

use crate::client::{Client, HostArgs, encoded, segment};
use crate::output::{Failure, Output, note, print, print_json};
use crate::people::{Reader, word};
use crate::rows::rows;
use crate::text::{fit, table, typed};

/// Tasks of a running host: work that units hand to each other (转办)
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List open tasks, the first due first
    #[command(after_help = "Example:\n  huiyin task list --unit cuihu")]
    List {
        /// Only those that this unit has a part in, or handed over.
        #[arg(long, value_name = "UNIT")]
        unit: Option<String>,
        /// Also those that are over.
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        host: HostArgs,
    },
    /// Hand work to a unit (转办), to several (联合办理), or order it (督办)
    #[command(
        after_help = "Example:\n  huiyin task assign 99992106400200_20260301100000_1 --kind verify --to cuihu --text '请核实火点' --as gao-yuan"
    )]
    Assign(Assign),
    /// Take a task on (受理)
    #[command(
        after_help = "Example:\n  huiyin task accept 99992106400200_20260301100000_1 t1 --unit cuihu --as bai-ling"
    )]
    Accept {
        #[command(flatten)]
        part: Part,
    },
    /// Pass a unit's part on to another unit (转办)
    #[command(
        after_help = "Example:\n  huiyin task transfer 99992106400200_20260301100000_1 t1 --unit cuihu --to forest-fire --reason '属火情调度' --as bai-ling"
    )]
    Transfer {
        #[command(flatten)]
        part: Part,
        /// The unit that gets it.
        #[arg(long, value_name = "UNIT")]
        to: String,
        /// Why.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Give a unit's part back (退单), with a reason
    #[command(
        after_help = "Example:\n  huiyin task return 99992106400200_20260301100000_1 t1 --unit cuihu --reason '不属保护区范围' --as bai-ling"
    )]
    Return {
        #[command(flatten)]
        part: Part,
        /// Why.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Say what was done or found (反馈)
    #[command(
        after_help = "Example:\n  huiyin task feedback 99992106400200_20260301100000_1 t1 --unit cuihu --text '火点属实' --evidence '照片 3 张' --as bai-ling"
    )]
    Feedback {
        #[command(flatten)]
        part: Part,
        /// What was done or found.
        #[arg(long, value_name = "TEXT")]
        text: String,
        /// Where one can see it.
        #[arg(long, value_name = "TEXT")]
        evidence: Vec<String>,
    },
    /// Take a task back that was handed over
    #[command(
        after_help = "Example:\n  huiyin task withdraw 99992106400200_20260301100000_1 t1 --unit qingfeng --reason '已另行核实' --as gao-yuan"
    )]
    Withdraw {
        #[command(flatten)]
        part: Part,
        /// Why.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
}

/// What a task asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum TaskKind {
    /// 承办
    Handle,
    /// 核实
    Verify,
    /// 督办: the principal's
    Supervise,
    /// 源头治理
    RootCause,
    /// 源头防范
    Prevention,
}

#[derive(Debug, clap::Args)]
struct Assign {
    /// The case's number.
    case: String,
    /// What it asks for.
    #[arg(long, value_enum, default_value = "handle")]
    kind: TaskKind,
    /// The unit that leads it.
    #[arg(long, value_name = "UNIT")]
    to: String,
    /// A unit that has a part in it as well; may be given several times.
    #[arg(long, value_name = "UNIT")]
    with: Vec<String>,
    /// In words.
    #[arg(long, value_name = "TEXT")]
    text: String,
    /// How long it may take, such as PT4H or 2wd; at most what the pack says.
    #[arg(long, value_name = "ALLOWANCE")]
    allow: Option<String>,
    #[command(flatten)]
    host: HostArgs,
}

/// A unit's part of a task.
#[derive(Debug, clap::Args)]
struct Part {
    /// The case's number.
    case: String,
    /// The task's id, such as t1.
    task: String,
    /// In the name of which unit.
    #[arg(long, value_name = "UNIT")]
    unit: String,
    #[command(flatten)]
    host: HostArgs,
}

pub(crate) fn run(args: &Args, output: Output) -> Result<(), Failure> {
    match &args.command {
        Command::List { unit, all, host } => list(&Client::of(host)?, unit.as_deref(), *all, output),
        Command::Assign(assign) => {
            let kind = typed(&assign.kind);
            let command = json!({
                "command": "assign-task", "case": assign.case, "kind": kind, "to": assign.to, "with": assign.with,
                "text": assign.text, "allow": assign.allow,
            });
            let client = Client::of(&assign.host)?;
            let case = client.get(&format!("/v1/cases/{}", segment(&assign.case)))?;
            let unit = case.get("unit").and_then(Value::as_str).unwrap_or_default();
            act(&client, unit, &command, output)
        }
        Command::Accept { part } => step(part, "accept-task", json!({}), output),
        Command::Transfer { part, to, reason } => {
            step(part, "transfer-task", json!({"to": to, "reason": reason}), output)
        }
        Command::Return { part, reason } => step(part, "return-task", json!({"reason": reason}), output),
        Command::Feedback { part, text, evidence } => {
            step(part, "feed-back-task", json!({"text": text, "evidence": evidence}), output)
        }
        Command::Withdraw { part, reason } => step(part, "withdraw-task", json!({"reason": reason}), output),
    }
}

fn step(part: &Part, name: &str, mut command: Value, output: Output) -> Result<(), Failure> {
    command["command"] = json!(name);
    command["case"] = json!(part.case);
    command["task"] = json!(part.task);
    act(&Client::of(&part.host)?, &part.unit, &command, output)
}

fn act(client: &Client, unit: &str, command: &Value, output: Output) -> Result<(), Failure> {
    let done = client.post(&format!("/v1/units/{}/commands", segment(unit)), command)?;
    if output == Output::Json {
        return print_json(&done);
    }
    let line = format!("{} {} {}", word(&done, "case"), word(&done, "task"), word(&done, "kind_zh"));
    print(format_args!("{line}  {}\n", parts(&done, &Reader::of(&done))))
}

fn list(client: &Client, unit: Option<&str>, all: bool, output: Output) -> Result<(), Failure> {
    let unit = unit.map_or_else(String::new, |unit| format!("&unit={}", encoded(unit.as_bytes())));
    let answer = client.get(&format!("/v1/tasks?all={all}{unit}"))?;
    if output == Output::Json {
        return print_json(&answer);
    }
    let reader = Reader::of(&answer);
    let lines: Vec<Vec<String>> = rows(&answer, "tasks")
        .map(|task| {
            let late = if task.get("breached_at").is_some_and(|at| !at.is_null()) { " 超时" } else { "" };
            vec![
                word(task, "case"),
                word(task, "task"),
                word(task, "kind_zh"),
                format!("{}{late}", reader.time(task.get("due_at"))),
                parts(task, &reader),
                fit(&word(task, "text"), 40),
            ]
        })
        .collect();
    if lines.is_empty() {
        note("没有待办转办单 (no open task)");
    }
    print(table(&["办件 CASE", "单号 TASK", "类别 KIND", "截止 DUE", "承办 WITH", "内容 TEXT"], &lines))
}

/// Who has it, and how far each has come.
fn parts(task: &Value, reader: &Reader) -> String {
    let parts = rows(task, "parts").map(|part| {
        let unit = part.get("unit").and_then(Value::as_str).unwrap_or_default();
        format!("{} {}", reader.unit(unit), word(part, "state_zh"))
    });
    parts.collect::<Vec<_>>().join("; ")
}
