//! `huiyin log`: daily logs (舆情日志), special reports (舆情专报), digests (clauses 3.2e, 6a).

use clap::{Subcommand, ValueEnum};
use jiff::civil::Date;
use serde_json::{Value, json};

use crate::client::{Client, HostArgs, encoded, segment};
use crate::output::{Failure, Output, note, print, print_json};
use crate::people::{Reader, word};
use crate::rows::rows;
use crate::text::{fit, plain, table};

/// Daily logs, special reports and digests (舆情日志、舆情专报)
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List them, the latest first, with the days that have no daily log
    #[command(after_help = "Example:\n  huiyin log list --unit qingfeng --kind daily")]
    List {
        /// One unit only.
        #[arg(long, value_name = "UNIT")]
        unit: Option<String>,
        /// One kind only.
        #[arg(long, value_enum)]
        kind: Option<Kind>,
        #[command(flatten)]
        host: HostArgs,
    },
    /// Show the logs of a day
    #[command(after_help = "Example:\n  huiyin log show --unit qingfeng --day 2026-03-01")]
    Show {
        /// One unit only.
        #[arg(long, value_name = "UNIT")]
        unit: Option<String>,
        /// The day.
        #[arg(long, value_name = "DAY")]
        day: Date,
        #[command(flatten)]
        host: HostArgs,
    },
    /// What a period looks like: counts, what is due, how a log of it begins
    #[command(after_help = "Example:\n  huiyin log figures --unit qingfeng --from 2026-03-01 --to 2026-03-31")]
    Figures {
        /// This unit and those below it; all unless given.
        #[arg(long, value_name = "UNIT")]
        unit: Option<String>,
        /// The first day.
        #[arg(long, value_name = "DAY")]
        from: Date,
        /// The last day.
        #[arg(long, value_name = "DAY")]
        to: Date,
        #[command(flatten)]
        host: HostArgs,
    },
    /// Write one down: a daily log or a digest with the figures of its days, a special report as a draft
    #[command(
        after_help = "Examples:\n  huiyin log record --unit qingfeng --kind daily --to 2026-03-01 --as xu-ming\n  huiyin log record --unit qingfeng --kind digest --from 2026-03-01 --to 2026-03-31 --as xu-ming\n  huiyin log record --unit qingfeng --kind special --to 2026-03-01 --section 概况='…' --section 传播='…' --section 观点='…' --section 研判='…' --section 建议='…' --as xu-ming\n\nA special report has its number once another person issues it: `huiyin log issue`."
    )]
    Record(Record),
    /// Issue a special report that somebody else wrote
    #[command(after_help = "Example:\n  huiyin log issue special-1 1f3a0c --unit qingfeng --as gao-yuan")]
    Issue {
        /// Its id.
        log: String,
        /// The hash of exactly what is issued.
        hash: String,
        /// The unit.
        #[arg(long, value_name = "UNIT")]
        unit: String,
        #[command(flatten)]
        host: HostArgs,
    },
}

#[derive(Debug, clap::Args)]
struct Record {
    /// The unit.
    #[arg(long, value_name = "UNIT")]
    unit: String,
    /// Which.
    #[arg(long, value_enum)]
    kind: Kind,
    /// The first day; the last one unless given.
    #[arg(long, value_name = "DAY")]
    from: Option<Date>,
    /// The last day.
    #[arg(long, value_name = "DAY")]
    to: Date,
    /// Its title.
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// The case that a special report is about.
    #[arg(long, value_name = "CASE")]
    case: Option<String>,
    /// A section, such as 研判='趋于平稳'; once for each, in order. 概况 and 传播 of a daily log or a digest are written
    /// by the host where they are not given.
    #[arg(long, value_name = "NAME=TEXT", value_parser = section)]
    section: Vec<(String, String)>,
    /// Why it is written anew.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    host: HostArgs,
}

/// Which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// 舆情日志
    Daily,
    /// 舆情专报
    Special,
    /// 舆情摘报
    Digest,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Daily => "daily",
            Kind::Special => "special",
            Kind::Digest => "digest",
        }
    }
}

/// `研判=TEXT`.
fn section(text: &str) -> Result<(String, String), String> {
    let (name, said) = text.split_once('=').ok_or("write the heading, `=`, and the text: 研判=…")?;
    Ok((name.trim().to_owned(), said.to_owned()))
}

pub(crate) fn run(args: &Args, output: Output) -> Result<(), Failure> {
    match &args.command {
        Command::List { unit, kind, host } => {
            let unit = unit.as_ref().map_or_else(String::new, |unit| format!("&unit={}", encoded(unit.as_bytes())));
            let kind = kind.map_or_else(String::new, |kind| format!("&kind={}", kind.name()));
            list(
                &Client::of(host)?.get(&format!("/v1/logs?{}", format!("{unit}{kind}").trim_start_matches('&')))?,
                output,
            )
        }
        Command::Show { unit, day, host } => {
            let unit = unit.as_ref().map_or_else(String::new, |unit| format!("&unit={}", encoded(unit.as_bytes())));
            let answer = Client::of(host)?.get(&format!("/v1/logs?day={day}{unit}"))?;
            show(&answer, *day, output)
        }
        Command::Figures { unit, from, to, host } => {
            let read = read(&Client::of(host)?, unit.as_deref(), *from, *to, &[])?;
            if output == Output::Json {
                return print_json(&read);
            }
            rows(&read, "sections").try_for_each(|section| print(format_args!("{}\n", written(section))))
        }
        Command::Record(given) => record(given, output),
        Command::Issue { log, hash, unit, host } => {
            let command = json!({"command": "issue-log", "log": log, "hash": hash});
            let client = Client::of(host)?;
            let logs = client.get(&format!("/v1/logs?kind=special&unit={}", encoded(unit.as_bytes())))?;
            let mine: Vec<&Value> =
                rows(&logs, "logs").filter(|row| row.get("id").and_then(Value::as_str) == Some(log)).collect();
            let command = crate::hashes::whole(&command, &json!(mine))?;
            let done = client.post(&format!("/v1/units/{}/commands", segment(unit)), &command)?;
            told(&done, output)
        }
    }
}

/// What `read-desk` says of a period, in the name of a unit; of the whole house where none is named.
pub(super) fn read(
    client: &Client,
    unit: Option<&str>,
    from: Date,
    to: Date,
    kinds: &[&str],
) -> Result<Value, Failure> {
    let unit = match unit {
        Some(unit) => unit.to_owned(),
        None => {
            let policy = client.get("/v1/policy")?;
            let units = policy.pointer("/pack/units").and_then(Value::as_array).cloned().unwrap_or_default();
            let root = units.iter().find(|unit| unit.get("parent").is_none_or(Value::is_null));
            root.and_then(|unit| unit.get("code")?.as_str().map(str::to_owned)).unwrap_or_default()
        }
    };
    let command = json!({"command": "read-desk", "unit": unit, "from": from, "to": to, "kinds": kinds});
    client.post(&format!("/v1/units/{}/commands", segment(&unit)), &command)
}

fn record(given: &Record, output: Output) -> Result<(), Failure> {
    let client = Client::of(&given.host)?;
    let mut sections: Vec<Value> =
        given.section.iter().map(|(name, text)| json!({"name": name, "text": text})).collect();
    let mut command = json!({"command": "record-log", "kind": given.kind.name(), "to": given.to});
    if given.kind != Kind::Special {
        let read = read(&client, Some(&given.unit), given.from.unwrap_or(given.to), given.to, &[])?;
        let named = |name: &str| given.section.iter().any(|(own, _)| own == name);
        let mut own: Vec<Value> =
            rows(&read, "sections").filter(|section| !named(&word(section, "name"))).cloned().collect();
        own.append(&mut sections);
        sections = own;
        command["figures"] = figures(&read);
    }
    command["sections"] = json!(sections);
    let more = [("title", &given.title), ("case", &given.case), ("reason", &given.reason)];
    for (name, value) in more.into_iter().filter_map(|(name, value)| Some((name, value.as_ref()?))) {
        command[name] = json!(value);
    }
    if let Some(from) = given.from {
        command["from"] = json!(from);
    }
    let done = client.post(&format!("/v1/units/{}/commands", segment(&given.unit)), &command)?;
    told(&done, output)
}

/// The counts of a reading, without its rows.
fn figures(read: &Value) -> Value {
    let mut figures = read.clone();
    if let Some(members) = figures.as_object_mut() {
        members.retain(|name, _| !matches!(name.as_str(), "open" | "due" | "sections"));
    }
    figures
}

fn told(done: &Value, output: Output) -> Result<(), Failure> {
    if output == Output::Json {
        return print_json(done);
    }
    if done.get("issued").and_then(Value::as_bool) == Some(false) {
        let (log, hash) = (word(done, "log"), word(done, "hash"));
        note("待第二人签发 (a second person issues it):");
        return print(format_args!("{log} {hash}\n"));
    }
    print(format_args!("{}  {}\n", word(done, "log"), word(done, "issue_zh")))
}

fn list(answer: &Value, output: Output) -> Result<(), Failure> {
    if output == Output::Json {
        return print_json(answer);
    }
    let reader = Reader::of(answer);
    let lines: Vec<Vec<String>> = rows(answer, "logs")
        .map(|log| {
            let unit = log.get("unit").and_then(Value::as_str).unwrap_or_default();
            let missing = log.get("missing").and_then(Value::as_bool) == Some(true);
            let issue = if missing { "缺 (missing)".to_owned() } else { word(log, "issue_zh") };
            let first = rows(log, "sections").next().map(|section| word(section, "text")).unwrap_or_default();
            vec![word(log, "to"), reader.unit(unit), word(log, "kind_zh"), issue, word(log, "id"), fit(&first, 60)]
        })
        .collect();
    if lines.is_empty() {
        note("还没有日志 (no log yet)");
    }
    print(table(&["日期 DAY", "单位 UNIT", "种类 KIND", "期号 ISSUE", "编号 ID", "概况 WHAT"], &lines))
}

fn show(answer: &Value, day: Date, output: Output) -> Result<(), Failure> {
    if output == Output::Json {
        return print_json(answer);
    }
    let reader = Reader::of(answer);
    let mut any = false;
    for log in rows(answer, "logs") {
        any = true;
        let unit = reader.unit(log.get("unit").and_then(Value::as_str).unwrap_or_default());
        if log.get("missing").and_then(Value::as_bool) == Some(true) {
            print(format_args!("{unit} {day} 缺日志 (no log was written)\n"))?;
            continue;
        }
        print(format_args!("{unit} {} {}\n", word(log, "kind_zh"), word(log, "issue_zh")))?;
        if let Some(title) = log.get("title").and_then(Value::as_str) {
            print(format_args!("{}\n", plain(title)))?;
        }
        rows(log, "sections").try_for_each(|section| print(format_args!("{}\n", written(section))))?;
    }
    if any { Ok(()) } else { Err(Failure::failed(format_args!("{day} 没有日志 (no log of that day)"))) }
}

fn written(section: &Value) -> String {
    format!("【{}】{}", word(section, "name"), word(section, "text"))
}
