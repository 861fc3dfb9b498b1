//! `huiyin message`: messages that citizens send to a unit (网民留言, clause 4c).

use std::path::PathBuf;

use clap::Subcommand;
use huiyin_deadline::Zone;
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::client::{Client, HostArgs, encoded, segment};
use crate::output::{Failure, Output, note, print, print_json};
use crate::people::{Reader, word};
use crate::rows::rows;
use crate::sheet::{Columns, Field, Rejects, Row, Table, Way, feed, moment};
use crate::text::{fit, table};

/// Messages that citizens send to a unit (网民留言)
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Take a message in, or a file of them: each has a case, and a receipt for the asker, at once
    #[command(
        after_help = "Examples:\n  huiyin message receive --unit qingfeng --text '后山采石何时停工?' --asker '李女士' --as xu-ming\n  huiyin message receive --unit qingfeng --file 留言.csv --source 省留言板 --as xu-ming\n\nFiles are CSV (UTF-8 or GB18030), .xlsx or .jsonl. Columns are known by their headers, such as 标题, 内容, 姓名, 电话, 留言时间; others are named in a file for --columns: {\"columns\": {\"text\": \"来信正文\"}}. Rows that are refused go to a file of their own, with line and reason; the same file sent again takes nothing twice."
    )]
    Receive(Box<Receive>),
    /// List open messages, the first due first
    #[command(after_help = "Example:\n  huiyin message list --unit qingfeng")]
    List {
        /// Only those that this unit leads.
        #[arg(long, value_name = "UNIT")]
        unit: Option<String>,
        /// Also those that are closed.
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        host: HostArgs,
    },
    /// Take a message on (受理)
    #[command(after_help = "Example:\n  huiyin message accept 99992106400200_20260301100000_1 --as xu-ming")]
    Accept {
        /// The case's number.
        number: String,
        /// A note for the file.
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
        #[command(flatten)]
        host: HostArgs,
    },
    /// Ask for more time (延期), once, with a reason; another person approves it
    #[command(
        after_help = "Example:\n  huiyin message extend 99992106400200_20260301100000_1 --clock message-47 --reason '须现场勘验' --as xu-ming\n\nIt names the hash that the second person gives to `huiyin case approve`."
    )]
    Extend {
        /// The case's number.
        number: String,
        /// The clock, as `huiyin case show` names it.
        #[arg(long, value_name = "CLOCK")]
        clock: String,
        /// Why the time is not enough.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        #[command(flatten)]
        host: HostArgs,
    },
    /// How the messages of a period were dealt with, by unit: accepted and answered late or not (办理时限)
    #[command(after_help = "Example:\n  huiyin message late --from 2026-03-01 --to 2026-03-31")]
    Late {
        /// The first day on which they came in.
        #[arg(long, value_name = "DAY")]
        from: jiff::civil::Date,
        /// The last day.
        #[arg(long, value_name = "DAY")]
        to: jiff::civil::Date,
        /// This unit and those below it; all unless given.
        #[arg(long, value_name = "UNIT")]
        unit: Option<String>,
        #[command(flatten)]
        host: HostArgs,
    },
    /// Print the receipt of a message again (回执)
    #[command(after_help = "Example:\n  huiyin message receipt 99992106400200_20260301100000_1")]
    Receipt {
        /// The case's number.
        number: String,
        #[command(flatten)]
        host: HostArgs,
    },
}

#[derive(Debug, clap::Args)]
struct Receive {
    /// The unit that took it in.
    #[arg(long, value_name = "UNIT")]
    unit: String,
    /// What it says.
    #[arg(long, value_name = "TEXT", required_unless_present = "file")]
    text: Option<String>,
    /// Its title; the beginning of the text where none is given.
    #[arg(long, value_name = "TEXT", conflicts_with = "file")]
    title: Option<String>,
    /// Who asks, as they call themselves.
    #[arg(long, value_name = "NAME", conflicts_with = "file")]
    asker: Option<String>,
    /// Their phone: only a keyed hash and its last digits are kept.
    #[arg(long, value_name = "NUMBER", conflicts_with = "file")]
    phone: Option<String>,
    /// What is asked; once for each.
    #[arg(long, value_name = "TEXT", conflicts_with = "file")]
    concern: Vec<String>,
    /// The duty that says which unit answers, as the pack lists it or a part of its words.
    #[arg(long, value_name = "TEXT", conflicts_with = "file")]
    duty: Option<String>,
    /// A region code, where several units have the duty.
    #[arg(long, value_name = "CODE", conflicts_with = "file")]
    region: Option<String>,
    /// Its id where it was written: the same comes in once.
    #[arg(long, value_name = "ID", conflicts_with = "file")]
    id: Option<String>,
    /// When it was written, RFC 3339; now unless given.
    #[arg(long, value_name = "TIME", conflicts_with = "file")]
    asked_at: Option<Timestamp>,
    /// A file of messages.
    #[arg(long, value_name = "FILE", conflicts_with = "text")]
    file: Option<PathBuf>,
    /// Where they were written.
    #[arg(long, value_name = "NAME", default_value = "form")]
    source: String,
    /// A JSON file that names columns by their headers.
    #[arg(long, value_name = "FILE", requires = "file")]
    columns: Option<PathBuf>,
    /// Where refused rows go; beside the file, as FILE.rejects.csv, unless given.
    #[arg(long, value_name = "FILE", requires = "file")]
    rejects: Option<PathBuf>,
    #[command(flatten)]
    host: HostArgs,
}

/// The columns of a file of messages.
const FIELDS: &[Field] = &[
    Field { name: "id", headers: &["编号", "留言编号", "信件编号", "流水号", "工单号"], needed: false },
    Field { name: "title", headers: &["标题", "主题", "留言标题"], needed: false },
    Field { name: "text", headers: &["内容", "正文", "留言内容", "诉求内容"], needed: true },
    Field { name: "asker", headers: &["姓名", "留言人", "网民", "昵称", "联系人"], needed: false },
    Field { name: "phone", headers: &["电话", "联系电话", "手机", "手机号", "号码"], needed: false },
    Field { name: "asked_at", headers: &["时间", "留言时间", "提交时间", "来信时间"], needed: false },
    Field { name: "url", headers: &["网址", "链接"], needed: false },
    Field { name: "channel", headers: &["渠道", "来源"], needed: false },
    Field { name: "concerns", headers: &["诉求", "诉求点"], needed: false },
    Field { name: "duty", headers: &["职责", "业务类别", "事项类别"], needed: false },
    Field { name: "region", headers: &["区划", "区划代码", "地区代码"], needed: false },
];

pub(crate) fn run(args: &Args, output: Output) -> Result<(), Failure> {
    match &args.command {
        Command::Receive(receive) => match &receive.file {
            Some(_) => import(receive, output),
            None => one(receive, output),
        },
        Command::List { unit, all, host } => list(&Client::of(host)?, unit.as_deref(), *all, output),
        Command::Accept { number, note, host } => {
            let command = json!({"command": "accept-case", "case": number, "note": note});
            let done = act(&Client::of(host)?, number, &command)?;
            said(&done, output)
        }
        Command::Extend { number, clock, reason, host } => {
            let command = json!({"command": "extend-clock", "case": number, "clock": clock, "reason": reason});
            let done = act(&Client::of(host)?, number, &command)?;
            if output == Output::Json {
                return print_json(&done);
            }
            let hash = done.pointer("/pending/hash").and_then(Value::as_str).unwrap_or_default();
            note(format_args!(
                "待第二人审批 (a second person approves it): `huiyin case approve {number} {hash} --as PERSON`"
            ));
            print(format_args!("{hash}\n"))
        }
        Command::Late { from, to, unit, host } => late(&Client::of(host)?, *from, *to, unit.as_deref(), output),
        Command::Receipt { number, host } => {
            let case = Client::of(host)?.get(&format!("/v1/cases/{}", segment(number)))?;
            let receipt = case.get("receipt").cloned().unwrap_or_default();
            if output == Output::Json {
                return print_json(&receipt);
            }
            print(format_args!("{}\n", word(&receipt, "text")))
        }
    }
}

fn act(client: &Client, number: &str, command: &Value) -> Result<Value, Failure> {
    let case = client.get(&format!("/v1/cases/{}", segment(number)))?;
    let unit = case.get("unit").and_then(Value::as_str).unwrap_or_default();
    client.post(&format!("/v1/units/{}/commands", segment(unit)), command)
}

/// The receipt in an answer.
fn said(answer: &Value, output: Output) -> Result<(), Failure> {
    if output == Output::Json {
        return print_json(answer);
    }
    let receipt = answer.get("receipt").cloned().unwrap_or_default();
    print(format_args!("{}\n", word(&receipt, "text")))
}

fn one(given: &Receive, output: Output) -> Result<(), Failure> {
    let client = Client::of(&given.host)?;
    let mut message =
        json!({"text": given.text, "title": given.title.clone().unwrap_or_default(), "concerns": given.concern});
    let more = [
        ("id", &given.id),
        ("asker", &given.asker),
        ("phone", &given.phone),
        ("duty", &given.duty),
        ("region", &given.region),
    ];
    for (name, value) in more.into_iter().filter_map(|(name, value)| Some((name, value.as_ref()?))) {
        message[name] = json!(value);
    }
    if let Some(at) = given.asked_at {
        message["asked_at"] = json!(at);
    }
    let body = json!({"source": given.source, "messages": [message]});
    let answer = client.post(&format!("/v1/units/{}/messages", segment(&given.unit)), &body)?;
    let first = rows(&answer, "items").next().cloned().unwrap_or_default();
    if word(&first, "outcome") == "refused" {
        return Err(Failure::invalid(word(&first, "reason")));
    }
    said(&first, output)
}

fn import(given: &Receive, output: Output) -> Result<(), Failure> {
    let Some(file) = &given.file else { return Ok(()) };
    let client = Client::of(&given.host)?;
    let zone = zone(&client)?;
    let table = Table::open(file, &Columns::of(FIELDS, given.columns.as_deref())?)?;
    let mut rejects = Rejects::to(given.rejects.as_deref(), file);
    let way = Way {
        path: format!("/v1/units/{}/messages", segment(&given.unit)),
        member: "messages",
        more: json!({"source": given.source}),
        row: &|row| message(row, &zone),
        each: true,
    };
    let fed = feed(&client, table, &way, &mut rejects)?;
    if output == Output::Json {
        print_json(&json!({
            "taken": fed.taken, "seen": fed.seen, "refused": fed.refused, "items": fed.each,
            "rejects": (fed.refused > 0).then(|| rejects.path().display().to_string()),
        }))?;
    } else {
        for receipt in fed.each.iter().filter_map(|said| said.get("receipt")) {
            print(format_args!("{}  {}\n", word(receipt, "number"), word(receipt, "text")))?;
        }
        note(format_args!(
            "收件 {} 件,已有 {} 件,未收 {} 行 (taken, there before, refused)",
            fed.taken, fed.seen, fed.refused
        ));
    }
    if fed.refused > 0 { Err(Failure::quiet(1)) } else { Ok(()) }
}

/// The zone of the host's pack, by whose clock tables are written.
pub(super) fn zone(client: &Client) -> Result<jiff::tz::TimeZone, Failure> {
    let policy = client.get("/v1/policy")?;
    let name = policy.pointer("/pack/time_zone").and_then(Value::as_str).unwrap_or("Asia/Shanghai");
    let zone = Zone::named(name).map_err(|error| Failure::unreachable(format_args!("{error}")))?;
    Ok(zone.time_zone().clone())
}

fn message(row: &Row, zone: &jiff::tz::TimeZone) -> Result<Value, String> {
    let text = row.get("text").ok_or("the message says nothing")?;
    let mut message = json!({"text": text, "title": row.get("title").unwrap_or_default()});
    for name in ["asker", "phone", "url", "channel", "duty", "region"] {
        if let Some(value) = row.get(name) {
            message[name] = json!(value);
        }
    }
    if let Some(at) = row.get("asked_at") {
        message["asked_at"] = json!(moment(at, zone)?);
    }
    if let Some(concerns) = row.get("concerns") {
        let each = concerns.split(['\n', ';', ';']).map(str::trim).filter(|concern| !concern.is_empty());
        message["concerns"] = json!(each.collect::<Vec<_>>());
    }
    // The same file sent again takes nothing twice: where a row has no id, what it says is its id.
    message["id"] = match row.get("id") {
        Some(id) => json!(id),
        None => json!(format!("sha256:{}", hex::encode(Sha256::digest(message.to_string())))),
    };
    Ok(message)
}

fn late(
    client: &Client,
    from: jiff::civil::Date,
    to: jiff::civil::Date,
    unit: Option<&str>,
    output: Output,
) -> Result<(), Failure> {
    let read = super::log::read(client, unit, from, to, &["message"])?;
    let messages = read.get("messages").cloned().unwrap_or_default();
    if output == Output::Json {
        return print_json(&json!({"from": from, "to": to, "units": messages}));
    }
    let lines: Vec<Vec<String>> = messages
        .as_object()
        .into_iter()
        .flatten()
        .map(|(unit, row)| {
            let count = |name: &str| row.get(name).and_then(Value::as_u64).unwrap_or(0).to_string();
            let names = ["received", "accepted", "accepted_late", "answered", "answered_late", "overdue", "extended"];
            std::iter::once(crate::text::plain(unit)).chain(names.into_iter().map(count)).collect()
        })
        .collect();
    if lines.is_empty() {
        note("这段时间没有留言 (no message in that time)");
    }
    let head = [
        "单位 UNIT",
        "收到 RECEIVED",
        "受理 ACCEPTED",
        "超时受理 LATE",
        "答复 ANSWERED",
        "超时答复 LATE",
        "超时未答 OVERDUE",
        "延期 EXTENDED",
    ];
    print(table(&head, &lines))
}

fn list(client: &Client, unit: Option<&str>, all: bool, output: Output) -> Result<(), Failure> {
    let unit = unit.map_or_else(String::new, |unit| format!("&unit={}", encoded(unit.as_bytes())));
    let answer = client.list(&format!("/v1/cases?kind=message{unit}"), "cases")?;
    let open = |case: &&Value| all || case.get("state").and_then(Value::as_str) != Some("closed");
    if output == Output::Json {
        return print_json(&json!({"cases": rows(&answer, "cases").filter(open).collect::<Vec<_>>()}));
    }
    let lines: Vec<Vec<String>> = rows(&answer, "cases")
        .filter(open)
        .map(|case| {
            let clock = case.get("clock").filter(|clock| !clock.is_null());
            let name = case.pointer("/unit_name/zh").and_then(Value::as_str).map(crate::text::plain);
            vec![
                word(case, "number"),
                word(case, "state_zh"),
                if case.get("accepted_at").is_some_and(|at| !at.is_null()) { "已受理" } else { "待受理" }.to_owned(),
                clock.map_or_else(|| "-".to_owned(), crate::people::clock),
                clock.map_or_else(|| "-".to_owned(), |clock| Reader::of(case).time(clock.get("due_at"))),
                name.unwrap_or_else(|| word(case, "unit")),
                fit(&word(case, "title"), 60),
            ]
        })
        .collect();
    if lines.is_empty() {
        note("没有待办留言 (no open message)");
    }
    let head = ["办件 CASE", "状态 STATE", "受理 ACCEPTED", "时限 CLOCK", "截止 DUE", "单位 UNIT", "标题 TITLE"];
    print(table(&head, &lines))
}
