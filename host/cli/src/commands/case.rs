//! `huiyin case`: the cases of a running host.

use clap::Subcommand;
use serde_json::{Value, json};

use crate::client::{Client, HostArgs, segment};
use crate::output::{Failure, Output, print, print_json};
use crate::text::{plain, span, table};

/// Cases of a running host
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the cases: open ones first, the gravest first
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
    /// What proves that it was delivered.
    #[arg(long, value_name = "TEXT")]
    proof: Option<String>,
    /// When it was delivered, RFC 3339; now unless given.
    #[arg(long, value_name = "TIME")]
    delivered_at: Option<jiff::Timestamp>,
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
            if let Some(proof) = &answer.proof {
                command["proof"] = json!(proof);
            }
            if let Some(at) = &answer.delivered_at {
                command["delivered_at"] = json!(at);
            }
            act(&Client::of(&answer.host)?, &answer.number, &command, output)
        }
        Command::Close { number, note, host } => {
            let mut command = json!({"command": "close-case", "case": number});
            if let Some(note) = note {
                command["note"] = json!(note);
            }
            act(&Client::of(host)?, number, &command, output)
        }
    }
}

fn list(client: &Client, output: Output) -> Result<(), Failure> {
    let answer = client.get("/v1/cases")?;
    if output == Output::Json {
        return print_json(&answer);
    }
    let rows: Vec<Vec<String>> = answer.get("cases").and_then(Value::as_array).into_iter().flatten().map(row).collect();
    print(table(&["CASE", "LEVEL", "STATE", "CLOCK", "ITEMS", "OWED", "TITLE"], &rows))
}

fn row(case: &Value) -> Vec<String> {
    let number = |name: &str| case.get(name).and_then(Value::as_u64).unwrap_or_default().to_string();
    vec![
        word(case, "number"),
        format!("{} {}", word(case, "level"), word(case, "colour")),
        word(case, "state"),
        case.get("clock").filter(|clock| !clock.is_null()).map_or_else(|| "-".to_owned(), clock),
        number("items"),
        number("owed"),
        word(case, "title"),
    ]
}

/// What a clock shows: what is left, or how late it is.
fn clock(clock: &Value) -> String {
    let left = clock.get("remaining_seconds").and_then(Value::as_i64);
    match (word(clock, "state").as_str(), left) {
        (state @ ("running" | "paused" | "breached"), Some(left)) => {
            let sign = if left < 0 { "late " } else { "" };
            let state = if state == "paused" { " paused" } else { "" };
            format!("{sign}{}{state}", span(left))
        }
        (state, _) => state.to_owned(),
    }
}

fn show(client: &Client, number: &str, output: Output) -> Result<(), Failure> {
    let case = client.get(&format!("/v1/cases/{}", segment(number)))?;
    if output == Output::Json {
        return print_json(&case);
    }
    print(page(&case))
}

fn page(case: &Value) -> String {
    use std::fmt::Write as _;
    let mut out = String::new();
    let list = |name: &str| case.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    // Writing to a string cannot fail.
    let _ = writeln!(
        out,
        "{}  {} {} {}  {}",
        word(case, "number"),
        word(case, "level"),
        word(case, "level_zh"),
        word(case, "colour"),
        word(case, "state_zh")
    );
    let _ = writeln!(out, "{}", word(case, "title"));
    if let Some(times) = case.get("times") {
        let _ = writeln!(
            out,
            "occurred {}  discovered {}  opened {}",
            word(times, "occurred"),
            word(times, "discovered"),
            word(times, "opened")
        );
    }
    for entry in list("clocks") {
        let name =
            entry.get("name").map(|name| name.as_str().map_or_else(|| word(name, "zh"), plain)).unwrap_or_default();
        let provisional =
            if entry.get("provisional").and_then(Value::as_bool) == Some(true) { " (provisional)" } else { "" };
        let _ = writeln!(
            out,
            "clock   {}  due {}{provisional}  {} {name}",
            word(&entry, "clock"),
            word(&entry, "due_at"),
            clock(&entry)
        );
    }
    for item in list("items") {
        let _ = writeln!(out, "item    {}  {}  {}", word(&item, "source"), word(&item, "title"), word(&item, "url"));
    }
    for asker in list("askers") {
        let _ = writeln!(out, "asker   {}  answered {}", word(&asker, "id"), word(&asker, "answered"));
    }
    for assessment in list("assessments") {
        let reasons = assessment.pointer("/verdict/reasons").and_then(Value::as_array).cloned().unwrap_or_default();
        let reasons: Vec<String> = reasons.iter().filter_map(Value::as_str).map(plain).collect();
        let level = assessment.get("verdict").map(|v| word(v, "level")).unwrap_or_default();
        let _ = writeln!(out, "assessed {level}  {}", reasons.join("; "));
    }
    for told in list("notified") {
        let who = told
            .get("to")
            .map(|to| format!("{} ({}, {})", word(to, "name"), word(to, "role"), word(to, "unit")))
            .unwrap_or_default();
        let done = if told.get("delivered").and_then(Value::as_bool) == Some(true) { "told" } else { "owed" };
        let _ = writeln!(out, "{done}    {who}  {}  since {}", word(&told, "on"), word(&told, "owed_since"));
    }
    for answer in list("answers") {
        let _ = writeln!(
            out,
            "answer  {}  by {}  {}",
            word(&answer, "delivered_at"),
            word(&answer, "channel"),
            word(&answer, "text")
        );
    }
    out
}

/// Carries a command out for the unit that leads the case.
fn act(client: &Client, number: &str, command: &Value, output: Output) -> Result<(), Failure> {
    let case = client.get(&format!("/v1/cases/{}", segment(number)))?;
    let unit = case.get("unit").and_then(Value::as_str).unwrap_or_default();
    let done = client.post(&format!("/v1/units/{}/commands", segment(unit)), command)?;
    if output == Output::Json {
        return print_json(&done);
    }
    show(client, number, output)
}

fn word(value: &Value, name: &str) -> String {
    match value.get(name) {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => plain(text),
        Some(other) => plain(&other.to_string()),
    }
}
