//! `huiyin run list|show|cancel|suspend|resume|retry|restart`: the runs of a
//! running host.

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::{Value, json};

use super::replay;
use crate::client::{Client, HostArgs, segment};
use crate::output::{Failure, Output, note, print, print_json, read_json};
use crate::text::{fit, plain, table};

/// The largest input or output that is handed over, in bytes.
const MAX_VALUE: u64 = 64 << 20;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the runs of a running host, the latest first
    #[command(after_help = "Example:\n  huiyin run list --status faulted --workflow notify")]
    List(List),
    /// Show one run: where it stands, what it waits for, how it ended
    #[command(
        after_help = "Example:\n  huiyin run show 0198f3c2-7c1e-7b1a-9c55-3f2f6f0f8a11 --replay\n\n--replay steps through the run's records: on a terminal a step for each Enter (q ends), in a pipe all at once."
    )]
    Show(Show),
    /// End a run; what it has in hand is stopped
    #[command(after_help = "Example:\n  huiyin run cancel RUN --reason 'entered twice' --as xu-ming")]
    Cancel(Act),
    /// Hold a run: what comes is kept, nothing goes on
    #[command(after_help = "Example:\n  huiyin run suspend RUN --reason 'the receiver is being repaired'")]
    Suspend(Act),
    /// Let a suspended run go on
    #[command(after_help = "Example:\n  huiyin run resume RUN --reason 'the receiver is back'")]
    Resume(Act),
    /// Let a run go on that failed or was set aside, from the task that failed
    #[command(
        after_help = "Examples:\n  huiyin run retry RUN --reason 'the server is back'\n  huiyin run retry RUN --happened answer.json --reason 'seen in the receiver'\\''s list'\n  huiyin run retry RUN --not-happened --reason 'the receiver has nothing of it'\n\nTasks that are done are not repeated. Where nobody knows whether a call happened, look first, then say it."
    )]
    Retry(Retry),
    /// Let a run that has ended go on from a task of your choice
    #[command(
        after_help = "Example:\n  huiyin run restart RUN --task /do/2/notify --input edited.json --reason 'wrong address'"
    )]
    Restart(Restart),
}

#[derive(Debug, clap::Args)]
pub(crate) struct List {
    /// running, suspended, waiting, quarantined, completed, faulted or cancelled.
    #[arg(long, value_name = "STATUS")]
    status: Option<String>,
    /// namespace/name, or the name alone.
    #[arg(long, value_name = "NAME")]
    workflow: Option<String>,
    /// The unit's code.
    #[arg(long, value_name = "CODE")]
    unit: Option<String>,
    /// How many at most.
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
    #[command(flatten)]
    host: HostArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Show {
    /// The run's id.
    run: String,
    /// Step through everything that happened in it.
    #[arg(long)]
    replay: bool,
    #[command(flatten)]
    host: HostArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Act {
    /// The run's id.
    run: String,
    /// Why; it is kept in the log with your name.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    host: HostArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Retry {
    #[command(flatten)]
    act: Act,
    /// The call in doubt happened, and this JSON file is what it gave.
    #[arg(long, value_name = "FILE|-", conflicts_with = "not_happened")]
    happened: Option<PathBuf>,
    /// The call in doubt surely did not happen; it is tried again.
    #[arg(long)]
    not_happened: bool,
    /// Which call, where there are several in doubt.
    #[arg(long, value_name = "N")]
    call: Option<u64>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Restart {
    #[command(flatten)]
    act: Act,
    /// JSON pointer of the task to go on with.
    #[arg(long, value_name = "POINTER")]
    task: String,
    /// Its input: a JSON file, or - for stdin; what it had before unless given.
    #[arg(long, value_name = "FILE|-")]
    input: Option<PathBuf>,
}

pub(super) fn run(command: &Command, output: Output) -> Result<(), Failure> {
    match command {
        Command::List(args) => list(args, output),
        Command::Show(args) => show(args, output),
        Command::Cancel(act) => post(act, "cancel", json!({}), output),
        Command::Suspend(act) => post(act, "suspend", json!({}), output),
        Command::Resume(act) => post(act, "resume", json!({}), output),
        Command::Retry(args) => {
            let mut body = json!({});
            if let Some(call) = args.call {
                body["call"] = json!(call);
            }
            match (&args.happened, args.not_happened) {
                (Some(file), _) => {
                    body["happened"] = json!(true);
                    body["output"] = read_json(file, MAX_VALUE)?;
                    post(&args.act, "resolve", body, output)
                }
                (None, true) => {
                    body["happened"] = json!(false);
                    post(&args.act, "resolve", body, output)
                }
                (None, false) if args.call.is_some() => {
                    Err(Failure::invalid("--call goes with --happened or --not-happened"))
                }
                (None, false) => post(&args.act, "retry", json!({}), output),
            }
        }
        Command::Restart(args) => {
            let mut body = json!({"task": args.task});
            if let Some(file) = &args.input {
                body["input"] = read_json(file, MAX_VALUE)?;
            }
            post(&args.act, "restart", body, output)
        }
    }
}

/// Does it, and shows the run as it then is.
fn post(act: &Act, what: &str, mut body: Value, output: Output) -> Result<(), Failure> {
    let client = Client::of(&act.host)?;
    body["reason"] = json!(act.reason);
    client.post(&format!("/v1/runs/{}/{what}", segment(&act.run)), &body)?;
    let run = client.get(&format!("/v1/runs/{}", segment(&act.run)))?;
    match output {
        Output::Json => print_json(&run),
        Output::Text => {
            note(format_args!("{}: {}", act.run, word(&run, "status")));
            Ok(())
        }
    }
}

fn list(args: &List, output: Output) -> Result<(), Failure> {
    let mut path = format!("/v1/runs?limit={}", args.limit);
    for (name, value) in [("status", &args.status), ("workflow", &args.workflow), ("unit", &args.unit)] {
        if let Some(value) = value {
            path.push_str(&format!("&{name}={}", segment(value)));
        }
    }
    let answer = Client::of(&args.host)?.get(&path)?;
    if output == Output::Json {
        return print_json(&answer);
    }
    let runs = answer.get("runs").and_then(Value::as_array).into_iter().flatten();
    let rows: Vec<Vec<String>> = runs
        .map(|run| {
            let why = run.pointer("/error/detail").or_else(|| run.get("quarantined")).and_then(Value::as_str);
            let doing =
                run.pointer("/active").and_then(Value::as_array).and_then(|a| a.last()).map(|t| word(t, "task"));
            let what = why.map(|text| fit(&plain(text), 60)).or(doing).unwrap_or_default();
            vec![
                word(run, "run"),
                word(run, "status"),
                word(run, "workflow"),
                word(run, "unit"),
                word(run, "started"),
                what,
            ]
        })
        .collect();
    print(table(&["RUN", "STATUS", "WORKFLOW", "UNIT", "STARTED", "AT"], &rows))
}

fn show(args: &Show, output: Output) -> Result<(), Failure> {
    let client = Client::of(&args.host)?;
    let path = format!("/v1/runs/{}", segment(&args.run));
    if args.replay {
        let records = client.get(&format!("{path}/records"))?;
        return if output == Output::Json { print_json(&records) } else { replay::show(&records) };
    }
    let run = client.get(&path)?;
    if output == Output::Json {
        return print_json(&run);
    }
    print(described(&run))
}

/// A run in words.
fn described(run: &Value) -> String {
    let mut out = String::new();
    let mut line = |name: &str, text: String| out.push_str(&format!("{name:<10}{text}\n"));
    for name in ["run", "status", "workflow", "unit", "trigger", "parent", "started", "ended"] {
        if run.get(name).is_some_and(|value| !value.is_null()) {
            line(name, word(run, name));
        }
    }
    if let Some(why) = run.get("quarantined").and_then(Value::as_str) {
        line("set aside", plain(why));
    }
    for task in run.get("active").and_then(Value::as_array).into_iter().flatten() {
        let mut text = format!("{} {} since {}", word(task, "kind"), word(task, "task"), word(task, "since"));
        for (name, said) in [("round", "round"), ("attempt", "attempt"), ("due", "until")] {
            if task.get(name).is_some_and(|value| !value.is_null()) {
                text.push_str(&format!(", {said} {}", word(task, name)));
            }
        }
        line("at", text);
    }
    for effect in run.get("effects").and_then(Value::as_array).into_iter().flatten() {
        let what = if effect.get("target").is_some_and(|t| !t.is_null()) {
            word(effect, "target")
        } else {
            word(effect, "plugin")
        };
        let state = match effect.get("unknown").and_then(Value::as_str) {
            Some(why) => format!("may have happened: {}", plain(why)),
            None if effect.get("run").is_some_and(|r| !r.is_null()) => format!("run {}", word(effect, "run")),
            None => format!("attempt {}", word(effect, "attempt")),
        };
        line("effect", format!("call {} {what}: {state}", word(effect, "call")));
    }
    if let Some(error) = run.get("error") {
        let detail = error.get("detail").and_then(Value::as_str).map_or_else(|| plain(&error.to_string()), plain);
        line("error", format!("{} ({})", detail, word(error, "status")));
        if error.get("instance").is_some() {
            line("where", word(error, "instance"));
        }
    }
    if let Some(result) = run.get("output") {
        line("output", plain(&result.to_string()));
    }
    out
}

/// A field as one word for a line.
pub(super) fn word(value: &Value, name: &str) -> String {
    match value.get(name) {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => plain(text),
        Some(other) => plain(&other.to_string()),
    }
}
