//! `huiyin risk`: the opinion risk of a decision before it is issued (重大决策舆情风险评估).

use clap::{Subcommand, ValueEnum};
use serde_json::{Value, json};

use crate::client::{Client, HostArgs, segment};
use crate::output::{Failure, Output, print, print_json};
use crate::people::{Reader, word};
use crate::rows::{or_dash, rows, texts};
use crate::text::typed;

/// The opinion risk of a decision: four sections of evidence, a level, a plan, and the gate (决策风险评估)
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Open a case about a decision that is to be issued
    #[command(
        after_help = "Example:\n  huiyin risk open --unit qingfeng --title '调整采伐限额' --level III --as xu-ming"
    )]
    Open {
        /// The unit that prepares it.
        #[arg(long, value_name = "UNIT")]
        unit: String,
        /// What is decided.
        #[arg(long, value_name = "TEXT")]
        title: String,
        /// How grave a matter it is: I to IV.
        #[arg(long, value_name = "LEVEL", default_value = "III", value_parser = ["I", "II", "III", "IV"])]
        level: String,
        #[command(flatten)]
        host: HostArgs,
    },
    /// Record one part; recorded again, it takes the place of the one before and shuts the gate
    #[command(
        after_help = "Example:\n  huiyin risk record 99992106400200_20260301100000_1 survey --text '抽样 120 户,九成支持' --evidence v1 --as xu-ming"
    )]
    Record {
        /// The case's number.
        case: String,
        /// Which part.
        #[arg(value_enum)]
        part: Part,
        /// What was found; the reason of the level; the plan.
        #[arg(long, value_name = "TEXT")]
        text: String,
        /// What it rests on: evidence of the case, such as v1.
        #[arg(long, value_name = "ID")]
        evidence: Vec<String>,
        /// How high the risk is; with the part `level`.
        #[arg(long, value_enum)]
        level: Option<Height>,
        #[command(flatten)]
        host: HostArgs,
    },
    /// Ask that the decision may be issued
    #[command(after_help = "Example:\n  huiyin risk gate 99992106400200_20260301100000_1 --as xu-ming")]
    Gate {
        /// The case's number.
        case: String,
        #[command(flatten)]
        host: HostArgs,
    },
    /// Show what is there and what is missing
    #[command(after_help = "Example:\n  huiyin risk show 99992106400200_20260301100000_1")]
    Show {
        /// The case's number.
        case: String,
        #[command(flatten)]
        host: HostArgs,
    },
}

/// A part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// 舆情跟踪
    Tracking,
    /// 抽样调查
    Survey,
    /// 重点走访
    Visits,
    /// 会商分析
    Consultation,
    /// 风险等级
    Level,
    /// 处置预案
    Plan,
}

/// How high a risk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Height {
    /// 高风险
    High,
    /// 中风险
    Medium,
    /// 低风险
    Low,
}

pub(crate) fn run(args: &Args, output: Output) -> Result<(), Failure> {
    match &args.command {
        Command::Open { unit, title, level, host } => {
            let command = json!({
                "command": "open-case", "kind": "decision-risk", "unit": unit, "title": title, "level": level,
            });
            let client = Client::of(host)?;
            let done = client.post(&format!("/v1/units/{}/commands", segment(unit)), &command)?;
            if output == Output::Json {
                return print_json(&done);
            }
            show(&client, done.get("case").and_then(Value::as_str).unwrap_or_default(), output)
        }
        Command::Record { case, part, text, evidence, level, host } => {
            let mut command = json!({
                "command": "record-risk", "case": case, "part": typed(part), "text": text, "evidence": evidence,
            });
            if let Some(level) = level {
                command["level"] = typed(level).into();
            }
            act(&Client::of(host)?, case, &command, output)
        }
        Command::Gate { case, host } => {
            act(&Client::of(host)?, case, &json!({"command": "open-gate", "case": case}), output)
        }
        Command::Show { case, host } => show(&Client::of(host)?, case, output),
    }
}

fn act(client: &Client, case: &str, command: &Value, output: Output) -> Result<(), Failure> {
    let page = client.get(&format!("/v1/cases/{}", segment(case)))?;
    let unit = page.get("unit").and_then(Value::as_str).unwrap_or_default();
    let done = client.post(&format!("/v1/units/{}/commands", segment(unit)), command)?;
    if output == Output::Json {
        return print_json(&done);
    }
    show(client, case, output)
}

fn show(client: &Client, case: &str, output: Output) -> Result<(), Failure> {
    let page = client.get(&format!("/v1/cases/{}", segment(case)))?;
    let Some(risk) = page.get("risk").filter(|risk| !risk.is_null()) else {
        return Err(Failure::invalid(format!("case {case} is not about the risk of a decision")));
    };
    if output == Output::Json {
        return print_json(risk);
    }
    let reader = Reader::of(&page);
    let open = risk.get("gate_open").and_then(Value::as_bool) == Some(true);
    let mut lines = vec![
        format!("{}  {}", word(&page, "number"), word(&page, "title")),
        if open {
            "决策可以出台 (the gate is open)".to_owned()
        } else {
            "决策不得出台 (the gate is shut)".to_owned()
        },
    ];
    for part in rows(risk, "parts") {
        let level = part.get("level_zh").and_then(Value::as_str).unwrap_or_default();
        let by = reader.actor(part.get("by").and_then(Value::as_str).unwrap_or_default());
        let evidence = or_dash(texts(part, "evidence"));
        lines.push(format!("  {}  {level}{}  〔依据 {evidence}〕  {by}", word(part, "part_zh"), word(part, "text")));
    }
    let missing = texts(risk, "missing");
    if !missing.is_empty() {
        lines.push(format!("  缺 missing: {}", missing.join(", ")));
    }
    for approval in rows(&page, "approvals").filter(|one| one.get("state").and_then(Value::as_str) == Some("pending")) {
        lines.push(format!("  待审批  {}  {}", word(approval, "act_zh"), word(approval, "hash")));
    }
    print(format_args!("{}\n", lines.join("\n")))
}
