//! `huiyin hotline`: calls on the government hotline (政务热线 96128, clause 4b).

use std::path::PathBuf;

use clap::Subcommand;
use jiff::civil::Date;
use serde_json::{Value, json};

use crate::client::{Client, HostArgs, encoded, segment};
use crate::commands::message::zone;
use crate::output::{Failure, Output, note, print, print_json};
use crate::people::{Reader, word};
use crate::rows::rows;
use crate::sheet::{Columns, Field, Rejects, Row, Table, Way, feed, moment};
use crate::text::{fit, table};

/// Calls on the government hotline (政务热线 96128)
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Take a file of call records in
    #[command(
        after_help = "Example:\n  huiyin hotline import 话单.csv --unit qingfeng --as xu-ming\n\nFiles are CSV (UTF-8 or GB18030), .xlsx or .jsonl. Columns are known by their headers, such as 来电时间, 号码, 接听, 内容, 答复, 回拨; others are named in a file for --columns: {\"columns\": {\"at\": \"呼入时刻\"}}. Rows that are refused go to a file of their own, with line and reason, and the exit code is 1; the others are taken in. The same file sent again takes nothing twice. Of a number only a keyed hash and the last digits are kept."
    )]
    Import(Import),
    /// How many calls were taken (接听率), by unit
    #[command(after_help = "Example:\n  huiyin hotline rate --from 2026-03-01 --to 2026-03-31")]
    Rate {
        /// The first day.
        #[arg(long, value_name = "DAY")]
        from: Date,
        /// The last day.
        #[arg(long, value_name = "DAY")]
        to: Date,
        /// One unit only.
        #[arg(long, value_name = "UNIT")]
        unit: Option<String>,
        #[command(flatten)]
        host: HostArgs,
    },
    /// List who waits to be called back (回拨), the first due first
    #[command(after_help = "Example:\n  huiyin hotline callbacks --unit qingfeng")]
    Callbacks {
        /// One unit only.
        #[arg(long, value_name = "UNIT")]
        unit: Option<String>,
        #[command(flatten)]
        host: HostArgs,
    },
    /// Record that somebody was called back, or that it was tried
    #[command(
        after_help = "Examples:\n  huiyin hotline callback 99992106400200_20260301100000_1 --text '已说明采伐证办理流程' --as xu-ming\n  huiyin hotline callback 99992106400200_20260301100000_1 --unreached --text '无人接听' --as xu-ming\n  huiyin hotline callback 99992106400200_20260301100000_1 --text '问补偿标准,待查' --asks '补偿标准' --as xu-ming"
    )]
    Callback {
        /// The case of the missed call.
        number: String,
        /// What was said, or why nobody was reached.
        #[arg(long, value_name = "TEXT")]
        text: String,
        /// Nobody took the call.
        #[arg(long)]
        unreached: bool,
        /// What the caller wants to know, where it is not answered yet.
        #[arg(long, value_name = "TEXT", conflicts_with = "unreached")]
        asks: Option<String>,
        #[command(flatten)]
        host: HostArgs,
    },
}

#[derive(Debug, clap::Args)]
struct Import {
    /// The file.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The unit whose hotline it is.
    #[arg(long, value_name = "UNIT")]
    unit: String,
    /// Where the records come from.
    #[arg(long, value_name = "NAME", default_value = "96128")]
    source: String,
    /// A JSON file that names columns by their headers.
    #[arg(long, value_name = "FILE")]
    columns: Option<PathBuf>,
    /// Where refused rows go; beside the file, as FILE.rejects.csv, unless given.
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    #[command(flatten)]
    host: HostArgs,
}

/// The columns of a file of call records.
const FIELDS: &[Field] = &[
    Field { name: "id", headers: &["编号", "流水号", "通话编号", "工单号", "话单号"], needed: false },
    Field {
        name: "at", headers: &["来电时间", "呼入时间", "通话时间", "开始时间", "时间"], needed: true
    },
    Field {
        name: "phone", headers: &["号码", "来电号码", "主叫号码", "电话", "联系电话"], needed: true
    },
    Field {
        name: "answered",
        headers: &["接听", "是否接听", "接通", "是否接通", "接听状态", "通话状态"],
        needed: true,
    },
    Field { name: "content", headers: &["内容", "来电内容", "咨询内容", "诉求内容"], needed: false },
    Field { name: "reply", headers: &["答复", "答复内容", "回复", "处理结果"], needed: false },
    Field { name: "callback", headers: &["回拨", "回拨时间", "是否回拨", "回电时间"], needed: false },
    Field { name: "asker", headers: &["姓名", "来电人", "联系人"], needed: false },
    Field { name: "duty", headers: &["职责", "业务类别", "事项类别"], needed: false },
    Field { name: "region", headers: &["区划", "区划代码", "地区代码"], needed: false },
];

pub(crate) fn run(args: &Args, output: Output) -> Result<(), Failure> {
    match &args.command {
        Command::Import(import) => self::import(import, output),
        Command::Rate { from, to, unit, host } => rate(&Client::of(host)?, *from, *to, unit.as_deref(), output),
        Command::Callbacks { unit, host } => callbacks(&Client::of(host)?, unit.as_deref(), output),
        Command::Callback { number, text, unreached, asks, host } => {
            let mut command =
                json!({"command": "record-callback", "case": number, "reached": !unreached, "text": text});
            if let Some(asks) = asks {
                command["asks"] = json!(asks);
            }
            let client = Client::of(host)?;
            let case = client.get(&format!("/v1/cases/{}", segment(number)))?;
            let unit = case.get("unit").and_then(Value::as_str).unwrap_or_default();
            let done = client.post(&format!("/v1/units/{}/commands", segment(unit)), &command)?;
            if output == Output::Json {
                return print_json(&done);
            }
            let waits = done.get("waits").and_then(Value::as_bool) == Some(true);
            print(format_args!("{number}  {}\n", if waits { "待回拨" } else { "已回拨" }))
        }
    }
}

fn import(given: &Import, output: Output) -> Result<(), Failure> {
    let client = Client::of(&given.host)?;
    let zone = zone(&client)?;
    let table = Table::open(&given.file, &Columns::of(FIELDS, given.columns.as_deref())?)?;
    let mut rejects = Rejects::to(given.rejects.as_deref(), &given.file);
    let way = Way {
        path: format!("/v1/units/{}/calls", segment(&given.unit)),
        member: "calls",
        more: json!({"source": given.source}),
        row: &|row| call(row, &zone),
        each: false,
    };
    let fed = feed(&client, table, &way, &mut rejects)?;
    let opened = fed.sums.get("opened").copied().unwrap_or(0);
    if output == Output::Json {
        print_json(&json!({
            "taken": fed.taken, "seen": fed.seen, "refused": fed.refused, "opened": opened,
            "rejects": (fed.refused > 0).then(|| rejects.path().display().to_string()),
        }))?;
    } else {
        print(format_args!(
            "收话单 {} 条,已有 {} 条,未收 {} 行,立案 {opened} 件 (taken, there before, refused, cases)\n",
            fed.taken, fed.seen, fed.refused
        ))?;
    }
    if fed.refused > 0 { Err(Failure::quiet(1)) } else { Ok(()) }
}

fn call(row: &Row, zone: &jiff::tz::TimeZone) -> Result<Value, String> {
    let need = |field: &str, zh: &str| row.get(field).ok_or_else(|| format!("{zh} is missing"));
    let mut call = json!({
        "at": moment(need("at", "来电时间 (at)")?, zone)?,
        "phone": need("phone", "号码 (phone)")?,
        "answered": yes(need("answered", "接听 (answered)")?)?,
    });
    if call["phone"].as_str().is_some_and(|phone| phone.chars().filter(char::is_ascii_digit).count() < 3) {
        return Err("号码 (phone) has fewer than three digits".to_owned());
    }
    for name in ["id", "content", "reply", "asker", "duty", "region"] {
        if let Some(value) = row.get(name) {
            call[name] = json!(value);
        }
    }
    if let Some(back) = row.get("callback") {
        match yes(back) {
            Ok(called) => call["called_back"] = json!(called),
            Err(_) => {
                let why = format!("`{}` in 回拨 (callback) is neither a time nor 是 or 否", crate::text::plain(back));
                call["called_back_at"] = json!(moment(back, zone).map_err(|_| why)?);
            }
        }
    }
    Ok(call)
}

/// Yes or no, as call centres write it.
fn yes(text: &str) -> Result<bool, String> {
    const YES: [&str; 15] = [
        "是",
        "已接",
        "接通",
        "已接通",
        "接听",
        "已接听",
        "成功",
        "应答",
        "已应答",
        "已回拨",
        "1",
        "true",
        "yes",
        "y",
        "√",
    ];
    const NO: [&str; 18] = [
        "否",
        "未接",
        "未接通",
        "未接听",
        "漏接",
        "无人接听",
        "呼损",
        "放弃",
        "已放弃",
        "振铃放弃",
        "未应答",
        "占线",
        "未回拨",
        "0",
        "false",
        "no",
        "n",
        "×",
    ];
    let word = text.trim().to_lowercase();
    match (YES.contains(&word.as_str()), NO.contains(&word.as_str())) {
        (true, _) => Ok(true),
        (_, true) => Ok(false),
        _ => Err(format!("`{}` says neither 是 nor 否", crate::text::plain(text))),
    }
}

fn rate(client: &Client, from: Date, to: Date, unit: Option<&str>, output: Output) -> Result<(), Failure> {
    let unit = unit.map_or_else(String::new, |unit| format!("&unit={}", encoded(unit.as_bytes())));
    let answer = client.get(&format!("/v1/hotline?from={from}&to={to}{unit}"))?;
    if output == Output::Json {
        return print_json(&answer);
    }
    let reader = Reader::of(&answer);
    let line = |name: String, row: &Value| {
        let count = |member: &str| row.get(member).and_then(Value::as_u64).unwrap_or(0).to_string();
        let rate = row.get("rate").and_then(Value::as_f64);
        let rate = rate.map_or_else(|| "-".to_owned(), |rate| format!("{:.1}%", rate * 100.0));
        vec![name, count("total"), count("answered"), rate, count("missed"), count("called_back")]
    };
    let mut lines: Vec<Vec<String>> = rows(&answer, "units")
        .map(|row| line(reader.unit(row.get("unit").and_then(Value::as_str).unwrap_or("")), row))
        .collect();
    lines.push(line("合计 ALL".to_owned(), answer.get("all").unwrap_or(&Value::Null)));
    let head = ["单位 UNIT", "来电 CALLS", "接听 TAKEN", "接听率 RATE", "未接 MISSED", "已回拨 CALLED BACK"];
    print(table(&head, &lines))?;
    match answer.pointer("/target/answer_rate").and_then(Value::as_f64) {
        Some(target) => {
            let met = answer.pointer("/target/met").and_then(Value::as_bool);
            let word = match met {
                Some(true) => "达标 (met)",
                Some(false) => "未达标 (not met)",
                None => "无来电 (no calls)",
            };
            note(format_args!("目标 (target) {:.1}%: {word}", target * 100.0));
        }
        None => note("制度包未填写接听率目标 (the policy pack sets no target)"),
    }
    Ok(())
}

fn callbacks(client: &Client, unit: Option<&str>, output: Output) -> Result<(), Failure> {
    let unit = unit.map_or_else(String::new, |unit| format!("&unit={}", encoded(unit.as_bytes())));
    let answer = client.list(&format!("/v1/cases?kind=hotline{unit}"), "cases")?;
    let waits = |case: &&Value| case.get("waits_callback").and_then(Value::as_bool) == Some(true);
    if output == Output::Json {
        return print_json(&json!({"cases": rows(&answer, "cases").filter(waits).collect::<Vec<_>>()}));
    }
    let lines: Vec<Vec<String>> = rows(&answer, "cases")
        .filter(waits)
        .map(|case| {
            let clock = case.get("clock").filter(|clock| !clock.is_null());
            vec![
                word(case, "number"),
                Reader::of(case).time(case.get("occurred_at")),
                clock.map_or_else(|| "-".to_owned(), crate::people::clock),
                clock.map_or_else(|| "-".to_owned(), |clock| Reader::of(case).time(clock.get("due_at"))),
                fit(&word(case, "title"), 60),
            ]
        })
        .collect();
    if lines.is_empty() {
        note("没有待回拨的来电 (nobody waits to be called back)");
    }
    print(table(&["办件 CASE", "来电 CALLED", "时限 CLOCK", "截止 DUE", "标题 TITLE"], &lines))
}
