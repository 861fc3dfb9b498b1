//! `huiyin schedule`: what a running host starts by the clock.

use clap::Subcommand;
use serde_json::{Value, json};

use crate::client::{Client, HostArgs};
use crate::output::{Failure, Output, note, print, print_json};
use crate::rows::{rows, text};
use crate::text::{plain, table};

/// Schedules of a running host
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the schedules, when each is due next, and how it stands
    #[command(after_help = "Example:\n  huiyin schedule list --data huiyin-data")]
    List {
        #[command(flatten)]
        host: HostArgs,
    },
    /// The next times of all schedules or of one, the earliest first
    #[command(after_help = "Example:\n  huiyin schedule next daily-report --unit 530500 -n 5")]
    Next {
        /// The workflow; all unless given
        workflow: Option<String>,
        /// The unit that it serves
        #[arg(long, value_name = "CODE")]
        unit: Option<String>,
        /// How many
        #[arg(short = 'n', long = "count", value_name = "COUNT", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=1000))]
        count: u16,
        #[command(flatten)]
        host: HostArgs,
    },
    /// Let a schedule start nothing until it is resumed, whatever version of the workflow is deployed
    #[command(
        after_help = "Example:\n  huiyin schedule pause daily-report --unit 530500 --reason \"the source is being moved\""
    )]
    Pause {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        host: HostArgs,
    },
    /// Let a paused schedule go on; what was due meanwhile is not made up for
    #[command(
        after_help = "Example:\n  huiyin schedule resume daily-report --unit 530500 --reason \"the source is back\""
    )]
    Resume {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        host: HostArgs,
    },
}

/// Which schedule, and why.
#[derive(Debug, clap::Args)]
struct Which {
    /// The workflow, `namespace/name`, or the name alone where only one has it
    workflow: String,
    /// The unit that it serves
    #[arg(long, value_name = "CODE")]
    unit: Option<String>,
    /// Why; it goes on record
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

pub(crate) fn run(args: &Args, output: Output) -> Result<(), Failure> {
    match &args.command {
        Command::List { host } => list(&Client::of(host)?, output),
        Command::Next { workflow, unit, count, host } => {
            next(&Client::of(host)?, workflow.as_deref(), unit.as_deref(), *count, output)
        }
        Command::Pause { which, host } => say(&Client::of(host)?, which, "pause"),
        Command::Resume { which, host } => say(&Client::of(host)?, which, "resume"),
    }
}

fn list(client: &Client, output: Output) -> Result<(), Failure> {
    let answer = client.get("/v1/schedules?next=1")?;
    if output == Output::Json {
        return print_json(&answer);
    }
    let row = |schedule: &Value| {
        let next = schedule.pointer("/next/0/local").and_then(Value::as_str).map_or_else(|| "-".to_owned(), plain);
        let state = match schedule.get("paused") {
            Some(pause @ Value::Object(_)) => format!("paused by {}: {}", text(pause, "actor"), text(pause, "reason")),
            _ => schedule.get("note").and_then(Value::as_str).map_or_else(|| "ok".to_owned(), plain),
        };
        let policy = format!("{}, {}", text(schedule, "overlap"), text(schedule, "catch_up"));
        vec![text(schedule, "workflow"), text(schedule, "unit"), text(schedule, "times"), policy, next, state]
    };
    let all: Vec<Vec<String>> = rows(&answer, "schedules").map(row).collect();
    print(table(&["WORKFLOW", "UNIT", "TIMES", "OVERLAP, CATCH-UP", "NEXT", "STATE"], &all))
}

fn next(
    client: &Client,
    workflow: Option<&str>,
    unit: Option<&str>,
    count: u16,
    output: Output,
) -> Result<(), Failure> {
    let answer = client.get(&format!("/v1/schedules?next={count}"))?;
    let wanted = |schedule: &Value| {
        let name = schedule.get("workflow").and_then(Value::as_str).unwrap_or_default();
        workflow.is_none_or(|w| w == name || name.rsplit('/').next() == Some(w))
            && unit.is_none_or(|u| schedule.get("unit").and_then(Value::as_str) == Some(u))
    };
    let found: Vec<Value> = rows(&answer, "schedules").filter(|schedule| wanted(schedule)).cloned().collect();
    if found.is_empty()
        && let Some(workflow) = workflow
    {
        let whom = unit.map_or_else(String::new, |unit| format!(" for unit {unit}"));
        return Err(Failure::invalid(format_args!("no workflow `{workflow}` has a schedule by the clock{whom}")));
    }
    let mut times = Vec::new();
    for schedule in &found {
        for next in schedule.get("next").and_then(Value::as_array).into_iter().flatten() {
            times.push(json!({
                "at": next.get("at"),
                "local": next.get("local"),
                "due": next.get("due"),
                "timezone": schedule.get("timezone"),
                "workflow": schedule.get("workflow"),
                "unit": schedule.get("unit"),
            }));
        }
        if let Some(remark) = schedule.get("note").and_then(Value::as_str) {
            note(format_args!("{}: {}", text(schedule, "workflow"), plain(remark)));
        }
    }
    let moment =
        |value: &Value| value.get("at").and_then(Value::as_str).and_then(|at| at.parse::<jiff::Timestamp>().ok());
    times.sort_by_key(moment);
    times.truncate(usize::from(count));
    if output == Output::Json {
        return print_json(&json!({"times": times}));
    }
    let line =
        |next: &Value| vec![text(next, "local"), text(next, "timezone"), text(next, "workflow"), text(next, "unit")];
    print(table(&["TIME", "ZONE", "WORKFLOW", "UNIT"], &times.iter().map(line).collect::<Vec<_>>()))
}

fn say(client: &Client, which: &Which, deed: &str) -> Result<(), Failure> {
    let body = json!({"workflow": which.workflow, "unit": which.unit, "reason": which.reason});
    client.post(&format!("/v1/schedules/{deed}"), &body).map(drop)
}
