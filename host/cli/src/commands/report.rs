//! `huiyin report`: reports upward (报送), what they rest on, and who signed for them.

use clap::{Subcommand, ValueEnum};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::client::{Client, HostArgs, encoded, segment};
use crate::output::{Failure, Output, note, print, print_json};
use crate::people::{Reader, word};
use crate::rows::{or_dash, rows, texts};
use crate::text::{fit, table, typed};

/// Reports upward: 快报、续报、详报、终报, their evidence and their receipts (报送)
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Draft a report for somebody to send
    #[command(
        after_help = "Example:\n  huiyin report draft 99992106400200_20260301100000_1 --stage flash --fact '14时发现烟柱' --evidence 1=v1 --as xu-ming"
    )]
    Draft(Text),
    /// Submit a report: it is sent once its approvals are there, at once where it needs none
    #[command(
        after_help = "Examples:\n  huiyin report submit 99992106400200_20260301100000_1 --stage flash --observed '14时在瞭望塔看到烟柱' --as xu-ming\n  huiyin report submit 99992106400200_20260301100000_1 --stage flash --draft 1f3a0c --as gao-yuan\n\nEvery fact rests on evidence: an item of the case, a task's feedback (t1), an offline event (e1), or what was recorded (v1); what you saw yourself is given with --observed."
    )]
    Submit(Submit),
    /// Record a piece of evidence that facts may rest on
    #[command(
        after_help = "Example:\n  huiyin report evidence 99992106400200_20260301100000_1 --kind document --text '瞭望塔值班记录' --reference '记 17 号' --as xu-ming"
    )]
    Evidence {
        /// The case's number.
        case: String,
        /// What kind.
        #[arg(long, value_enum)]
        kind: Kind,
        /// What it shows.
        #[arg(long, value_name = "TEXT")]
        text: String,
        /// Where one can see it; needed for an investigation.
        #[arg(long, value_name = "TEXT")]
        reference: Option<String>,
        #[command(flatten)]
        host: HostArgs,
    },
    /// List reports, the newest first, and those that went another way
    #[command(after_help = "Example:\n  huiyin report list --unit linhai --unsigned")]
    List {
        /// Only of this unit's cases, and those that went to it.
        #[arg(long, value_name = "UNIT")]
        unit: Option<String>,
        /// Only those that somebody has not signed for.
        #[arg(long)]
        unsigned: bool,
        #[command(flatten)]
        host: HostArgs,
    },
    /// Show a report
    #[command(after_help = "Example:\n  huiyin report show 99992106400200_20260301100000_1 r1")]
    Show {
        /// The case's number.
        case: String,
        /// The report, such as r1.
        report: String,
        #[command(flatten)]
        host: HostArgs,
    },
    /// Record that an addressee signed for a report (签收)
    #[command(
        after_help = "Example:\n  huiyin report receipt 99992106400200_20260301100000_1 r1 --unit linhai --as he-ping"
    )]
    Receipt {
        /// The case's number.
        case: String,
        /// The report, such as r1.
        report: String,
        /// Who signed: the code of the unit, or `superior`.
        #[arg(long, value_name = "UNIT")]
        unit: String,
        /// The name of who signed; who records it, where they are of that unit.
        #[arg(long, value_name = "NAME")]
        by: Option<String>,
        /// When, RFC 3339; now unless given.
        #[arg(long, value_name = "TIME")]
        at: Option<Timestamp>,
        #[command(flatten)]
        host: HostArgs,
    },
    /// Record that a report went another way than by the one channel
    #[command(
        after_help = "Example:\n  huiyin report bypass 99992106400200_20260301100000_1 --from '某村委会' --to '市应急局' --channel '微信群' --text '越级发火情照片' --as xu-ming"
    )]
    Bypass {
        /// The case's number.
        case: String,
        /// Who sent it.
        #[arg(long, value_name = "NAME")]
        from: String,
        /// To whom.
        #[arg(long, value_name = "NAME")]
        to: String,
        /// By which way.
        #[arg(long, value_name = "NAME")]
        channel: String,
        /// What was told, and why this way.
        #[arg(long, value_name = "TEXT")]
        text: String,
        /// When, RFC 3339; now unless given.
        #[arg(long, value_name = "TIME")]
        at: Option<Timestamp>,
        #[command(flatten)]
        host: HostArgs,
    },
}

/// A stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Stage {
    /// 快报: the facts
    Flash,
    /// 续报: what became known since
    FollowUp,
    /// 详报: the measures
    Detailed,
    /// 终报: the result
    Final,
}

/// A kind of evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// 本人观察
    Observation,
    /// 文书材料
    Document,
    /// 影像资料
    Media,
    /// 调查结论
    Investigation,
}

#[derive(Debug, clap::Args)]
struct Text {
    /// The case's number.
    case: String,
    /// Which stage.
    #[arg(long, value_enum)]
    stage: Stage,
    /// What is known; once for each fact.
    #[arg(long, value_name = "TEXT")]
    fact: Vec<String>,
    /// What you saw or heard yourself; once for each fact.
    #[arg(long, value_name = "TEXT")]
    observed: Vec<String>,
    /// What a fact rests on: its place among --fact, from 1, and the evidence, such as 1=v1; without a place, all of them.
    #[arg(long, value_name = "[N=]ID", value_parser = of_fact)]
    evidence: Vec<(Option<usize>, String)>,
    /// The cause; needs an investigation among --cause-evidence.
    #[arg(long, value_name = "TEXT", requires = "cause_evidence")]
    cause: Option<String>,
    /// What the cause rests on.
    #[arg(long, value_name = "ID", requires = "cause")]
    cause_evidence: Vec<String>,
    /// The measures, from the detailed report on.
    #[arg(long, value_name = "TEXT")]
    measures: Option<String>,
    /// The result, in the final report.
    #[arg(long, value_name = "TEXT")]
    result: Option<String>,
    #[command(flatten)]
    host: HostArgs,
}

#[derive(Debug, clap::Args)]
struct Submit {
    /// The hash of the draft that is sent as it is.
    #[arg(long, value_name = "HASH", conflicts_with_all = ["fact", "observed", "evidence", "cause", "measures", "result"])]
    draft: Option<String>,
    #[command(flatten)]
    text: Text,
}

/// `1=v1`, or `v1` for every fact.
fn of_fact(text: &str) -> Result<(Option<usize>, String), String> {
    match text.split_once('=') {
        None => Ok((None, text.trim().to_owned())),
        Some((place, id)) => match place.trim().parse::<usize>() {
            Ok(place) if place > 0 => Ok((Some(place), id.trim().to_owned())),
            _ => Err("write the fact's place from 1, `=`, and the evidence: 1=v1".to_owned()),
        },
    }
}

/// The facts with what they rest on.
fn facts(text: &Text) -> Result<Vec<Value>, Failure> {
    if let Some((Some(place), _)) = text.evidence.iter().find(|(place, _)| place.is_some_and(|p| p > text.fact.len())) {
        return Err(Failure::invalid(format!("--evidence {place}=…: there are {} --fact", text.fact.len())));
    }
    let told = text.fact.iter().enumerate().map(|(i, fact)| {
        let of = text.evidence.iter().filter(|(place, _)| place.is_none_or(|place| place == i + 1));
        json!({"text": fact, "evidence": of.map(|(_, id)| id).collect::<Vec<_>>()})
    });
    Ok(told.chain(text.observed.iter().map(|fact| json!({"text": fact, "observed": true}))).collect())
}

/// A command of these fields; those that were not given are left out.
fn command(name: &str, case: &str, fields: Value) -> Value {
    let mut command = Map::from_iter([("command".to_owned(), json!(name)), ("case".to_owned(), json!(case))]);
    if let Value::Object(fields) = fields {
        command.extend(fields.into_iter().filter(|(_, value)| !value.is_null()));
    }
    Value::Object(command)
}

fn worded(name: &str, text: &Text) -> Result<Value, Failure> {
    let facts = facts(text)?;
    if facts.is_empty() {
        return Err(Failure::invalid("a report has at least one fact: --fact, or --observed".to_owned()));
    }
    let causes = (!text.cause_evidence.is_empty()).then_some(&text.cause_evidence);
    let fields = json!({
        "stage": typed(&text.stage), "facts": facts, "cause": text.cause, "cause_evidence": causes,
        "measures": text.measures, "result": text.result,
    });
    Ok(command(name, &text.case, fields))
}

pub(crate) fn run(args: &Args, output: Output) -> Result<(), Failure> {
    let (host, case, command) = match &args.command {
        Command::List { unit, unsigned, host } => {
            return list(&Client::of(host)?, unit.as_deref(), *unsigned, output);
        }
        Command::Show { case, report, host } => return show(&Client::of(host)?, case, report, output),
        Command::Draft(text) => (&text.host, &text.case, worded("draft-report", text)?),
        Command::Submit(submit) => {
            let text = &submit.text;
            let given = match &submit.draft {
                Some(hash) => command("submit-report", &text.case, json!({"stage": typed(&text.stage), "draft": hash})),
                None => worded("submit-report", text)?,
            };
            (&text.host, &text.case, given)
        }
        Command::Evidence { case, kind, text, reference, host } => {
            let fields = json!({"kind": typed(kind), "text": text, "reference": reference});
            (host, case, command("record-evidence", case, fields))
        }
        Command::Receipt { case, report, unit, by, at, host } => {
            let fields = json!({"report": report, "addressee": unit, "by": by, "time": at});
            (host, case, command("record-receipt", case, fields))
        }
        Command::Bypass { case, from, to, channel, text, at, host } => {
            let fields = json!({"from": from, "to": to, "channel": channel, "text": text, "time": at});
            (host, case, command("record-bypass", case, fields))
        }
    };
    super::case::act(&Client::of(host)?, case, &command, output)
}

fn list(client: &Client, unit: Option<&str>, unsigned: bool, output: Output) -> Result<(), Failure> {
    let unit = unit.map_or_else(String::new, |unit| format!("&unit={}", encoded(unit.as_bytes())));
    let answer = client.get(&format!("/v1/reports?unsigned={unsigned}{unit}"))?;
    if output == Output::Json {
        return print_json(&answer);
    }
    let reader = Reader::of(&answer);
    let lines: Vec<Vec<String>> = rows(&answer, "reports")
        .map(|row| {
            let late = if row.get("late").is_some_and(|late| !late.is_null()) { "迟报" } else { "" };
            vec![
                word(row, "case"),
                word(row, "id"),
                word(row, "stage_zh"),
                word(row, "number_zh"),
                format!("{} {late}", reader.time(row.get("at"))).trim_end().to_owned(),
                reader.unit(row.get("unit").and_then(Value::as_str).unwrap_or_default()),
                or_dash(texts(row, "unsigned").iter().map(|unit| reader.unit(unit)).collect()),
                fit(&word(row, "title"), 40),
            ]
        })
        .collect();
    if lines.is_empty() {
        note("没有报送 (no report)");
    }
    let head = [
        "办件 CASE",
        "报 REPORT",
        "阶段 STAGE",
        "文号 NUMBER",
        "报出 SENT",
        "单位 UNIT",
        "未签收 UNSIGNED",
        "标题 TITLE",
    ];
    print(table(&head, &lines))?;
    let ways: Vec<String> = rows(&answer, "bypasses")
        .map(|row| {
            let at = reader.time(row.get("time"));
            format!(
                "{}  {at}  {} → {}  经 {}  {}",
                word(row, "case"),
                word(row, "from"),
                word(row, "to"),
                word(row, "channel"),
                fit(&word(row, "text"), 60)
            )
        })
        .collect();
    if ways.is_empty() {
        Ok(())
    } else {
        print(format_args!("\n未走归口渠道 BYPASSES\n  {}\n", ways.join("\n  ")))
    }
}

fn show(client: &Client, case: &str, report: &str, output: Output) -> Result<(), Failure> {
    let page = client.get(&format!("/v1/cases/{}", segment(case)))?;
    let found = rows(&page, "reports").find(|row| row.get("id").and_then(Value::as_str) == Some(report));
    let Some(found) = found else {
        let known: Vec<String> = rows(&page, "reports").map(|row| word(row, "id")).collect();
        return Err(Failure::invalid(format!("case {case} has no report {report}; it has: {}", or_dash(known))));
    };
    if output == Output::Json {
        return print_json(found);
    }
    let reader = Reader::of(&page);
    let mut lines = vec![
        format!("{}  {}  {}", word(found, "stage_zh"), word(found, "number_zh"), word(&page, "title")),
        format!(
            "报出 {}  {}",
            reader.time(found.get("at")),
            reader.actor(found.get("by").and_then(Value::as_str).unwrap_or_default())
        ),
        format!("经 {}", word(found, "office")),
    ];
    if let Some(late) = found.get("late").filter(|late| !late.is_null()) {
        lines.push(format!("迟报:应于 {} 前报出", reader.time(late.get("due_at"))));
    }
    let evidence: Vec<Vec<String>> = found
        .get("evidence")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|ids| ids.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect())
        .collect();
    for (i, fact) in texts(found, "facts").iter().enumerate() {
        lines.push(format!("  {}. {fact}  〔依据 {}〕", i + 1, or_dash(evidence.get(i).cloned().unwrap_or_default())));
    }
    for (name, zh) in [("cause", "原因"), ("measures", "措施"), ("result", "结果")] {
        if found.get(name).is_some_and(|text| !text.is_null()) {
            lines.push(format!("{zh}:{}", word(found, name)));
        }
    }
    for receipt in rows(found, "receipts") {
        let unit = reader.unit(receipt.get("addressee").and_then(Value::as_str).unwrap_or_default());
        lines.push(format!("签收  {unit}  {}  {}", word(receipt, "by"), reader.time(receipt.get("time"))));
    }
    for unit in texts(found, "unsigned") {
        lines.push(format!("未签收  {}", reader.unit(&unit)));
    }
    print(format_args!("{}\n", lines.join("\n")))
}
