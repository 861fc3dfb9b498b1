//! What an officer does with a case by hand: opens it, routes it, adds to it, corrects it.

use clap::{Subcommand, ValueEnum};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::client::{Client, HostArgs, segment};
use crate::output::{Failure, Output, print_json};
use crate::text::typed;

#[derive(Debug, Subcommand)]
pub(super) enum Act {
    /// Open a case by hand, for who called, wrote or came (受理): its number is the receipt
    #[command(
        after_help = "Example:\n  huiyin case open --unit qingfeng --title '后山采石扰民' --level III --asker '来电人甲' --concern '何时停工' --as xu-ming"
    )]
    Open(Open),
    /// Give a case its lead unit: by name, or by the duty that decides it (属地管理、谁主管谁负责)
    #[command(
        after_help = "Example:\n  huiyin case route 99992106400200_20260301100000_1 --duty '野生动物救护' --reason '谁主管、谁负责' --as he-ping"
    )]
    Route {
        /// The case's number.
        number: String,
        /// The unit.
        #[arg(long, value_name = "UNIT", required_unless_present = "duty", conflicts_with = "duty")]
        to: Option<String>,
        /// A duty as the pack lists it, or a part of its words.
        #[arg(long, value_name = "TEXT")]
        duty: Option<String>,
        /// A region code, where several units have the duty.
        #[arg(long, value_name = "CODE", requires = "duty")]
        region: Option<String>,
        /// Why.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        #[command(flatten)]
        host: HostArgs,
    },
    /// Add what is asked (诉求点)
    #[command(
        after_help = "Example:\n  huiyin case concern 99992106400200_20260301100000_1 --text '有无伤亡' --as xu-ming"
    )]
    Concern {
        /// The case's number.
        number: String,
        /// What is asked.
        #[arg(long, value_name = "TEXT")]
        text: String,
        #[command(flatten)]
        host: HostArgs,
    },
    /// Set the level, up or down, with a reason
    #[command(
        after_help = "Example:\n  huiyin case level 99992106400200_20260301100000_1 --to III --reason '核实无伤亡' --as gao-yuan"
    )]
    Level {
        /// The case's number.
        number: String,
        /// The new level.
        #[arg(long, value_enum)]
        to: Grave,
        /// Why.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        #[command(flatten)]
        host: HostArgs,
    },
    /// Correct when it happened; later only by the unit above, or by two persons
    #[command(
        after_help = "Example:\n  huiyin case occurred 99992106400200_20260301100000_1 --at 2026-03-01T09:40:00+08:00 --reason '瞭望塔记录为准' --as gao-yuan"
    )]
    Occurred {
        /// The case's number.
        number: String,
        /// When it happened, RFC 3339.
        #[arg(long, value_name = "TIME")]
        at: Timestamp,
        /// Why.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        #[command(flatten)]
        host: HostArgs,
    },
    /// Record when it was verified, handled or published (核实、处置、发布)
    #[command(
        after_help = "Example:\n  huiyin case time 99992106400200_20260301100000_1 verified --at 2026-03-01T10:20:00+08:00 --as xu-ming"
    )]
    Time {
        /// The case's number.
        number: String,
        /// Which.
        #[arg(value_enum)]
        milestone: Milestone,
        /// When it was, RFC 3339; now unless given.
        #[arg(long, value_name = "TIME")]
        at: Option<Timestamp>,
        /// Why it is corrected, where it was recorded before.
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        /// Where one can see it.
        #[arg(long, value_name = "TEXT")]
        evidence: Option<String>,
        #[command(flatten)]
        host: HostArgs,
    },
    /// Record that somebody was spoken to offline (线下沟通)
    #[command(
        after_help = "Example:\n  huiyin case contact 99992106400200_20260301100000_1 --with '村民代表' --channel visit --text '已入户说明' --as xu-ming"
    )]
    Contact {
        /// The case's number.
        number: String,
        /// With whom.
        #[arg(long, value_name = "TEXT")]
        with: String,
        /// How: phone, visit, meeting, …
        #[arg(long, value_name = "NAME")]
        channel: String,
        /// What was said.
        #[arg(long, value_name = "TEXT")]
        text: String,
        /// When, RFC 3339; now unless given.
        #[arg(long, value_name = "TIME")]
        at: Option<Timestamp>,
        #[command(flatten)]
        host: HostArgs,
    },
    /// Tie what happens offline to the case, or say how it ended (网上问题,网下解决)
    #[command(
        after_help = "Example:\n  huiyin case event 99992106400200_20260301100000_1 --event e1 --outcome '已散去,签订协议' --as xu-ming"
    )]
    Event {
        /// The case's number.
        number: String,
        /// The event, to say how it ended; a new one where none is given.
        #[arg(long, value_name = "ID")]
        event: Option<String>,
        /// What happens.
        #[arg(long, value_name = "TEXT", required_unless_present = "event")]
        text: Option<String>,
        /// How it ended.
        #[arg(long, value_name = "TEXT")]
        outcome: Option<String>,
        #[command(flatten)]
        host: HostArgs,
    },
    /// Assess it in words: nature, trend, risks, how to handle it, and whether to answer (研判)
    #[command(
        after_help = "Example:\n  huiyin case assess 99992106400200_20260301100000_1 --nature '谣言' --trend '转发上升' --risk '群众恐慌' --opinion '两小时内发布权威信息' --value respond --reason '涉及人身安全' --as xu-ming\n\nWhere the pack has it approved, nothing is handled, published or answered before."
    )]
    Assess(Assess),
    /// Merge another case on the same matter into this one (并案): its askers and concerns are still owed an answer
    #[command(
        after_help = "Example:\n  huiyin case merge 99992106400200_20260301100000_1 --from 99992106400200_20260301113000_1 --reason '同一火点' --as xu-ming"
    )]
    Merge {
        /// The number of the case that goes on.
        number: String,
        /// The number of the case that is merged into it.
        #[arg(long, value_name = "CASE")]
        from: String,
        /// Why they are one matter.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        #[command(flatten)]
        host: HostArgs,
    },
    /// Give some askers and concerns a case of their own (拆案)
    #[command(
        after_help = "Example:\n  huiyin case split 99992106400200_20260301100000_1 --title '补偿标准' --asker '来电人乙' --concern c2 --reason '另一事项' --as xu-ming"
    )]
    Split {
        /// The case's number.
        number: String,
        /// What the new case is about.
        #[arg(long, value_name = "TEXT")]
        title: String,
        /// An asker that goes; once for each.
        #[arg(long, value_name = "ASKER", required = true)]
        asker: Vec<String>,
        /// A concern that goes; once for each.
        #[arg(long, value_name = "ID")]
        concern: Vec<String>,
        /// An item that goes; once for each.
        #[arg(long, value_name = "ITEM")]
        item: Vec<String>,
        /// Why it is a matter of its own.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        #[command(flatten)]
        host: HostArgs,
    },
    /// Tie a case to another that it cannot be merged with (关联)
    #[command(
        after_help = "Example:\n  huiyin case link 99992106400200_20260301100000_1 --other 99992206400300_20260301100500_1 --reason '同一水系' --as xu-ming"
    )]
    Link {
        /// The case's number.
        number: String,
        /// The other case's number.
        #[arg(long, value_name = "CASE")]
        other: String,
        /// How they belong together.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        #[command(flatten)]
        host: HostArgs,
    },
    /// Say who may read a case (知悉范围); more people only by two persons
    #[command(
        after_help = "Example:\n  huiyin case confidentiality 99992106400200_20260301100000_1 --to secret --reason '涉及个人隐私' --as gao-yuan"
    )]
    Confidentiality {
        /// The case's number.
        number: String,
        /// Who may read it from now on.
        #[arg(long, value_enum)]
        to: Readers,
        /// Why.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        #[command(flatten)]
        host: HostArgs,
    },
    /// Propose not to answer, with a reason (不予回应); another person approves it
    #[command(
        name = "no-response",
        after_help = "Example:\n  huiyin case no-response 99992106400200_20260301100000_1 --reason '同一事项已答复' --as xu-ming"
    )]
    NoResponse {
        /// The case's number.
        number: String,
        /// Why.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        #[command(flatten)]
        host: HostArgs,
    },
}

#[derive(Debug, clap::Args)]
pub(super) struct Assess {
    /// The case's number.
    number: String,
    /// 性质
    #[arg(long, value_name = "TEXT")]
    nature: String,
    /// 舆情走势
    #[arg(long, value_name = "TEXT")]
    trend: String,
    /// 可能出现的风险; once for each.
    #[arg(long, value_name = "TEXT", required = true)]
    risk: Vec<String>,
    /// 预控处置意见
    #[arg(long, value_name = "TEXT")]
    opinion: String,
    /// 回应价值
    #[arg(long, value_enum)]
    value: Worth,
    /// Why that value.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    host: HostArgs,
}

/// Whether a matter is to be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Worth {
    /// 应予回应
    Respond,
    /// 跟踪关注
    Watch,
    /// 不予回应
    NoResponse,
}

#[derive(Debug, clap::Args)]
pub(super) struct Open {
    /// The unit that leads it, or that keeps it until it is routed.
    #[arg(long, value_name = "UNIT")]
    unit: String,
    /// What it is about.
    #[arg(long, value_name = "TEXT")]
    title: String,
    /// How grave it is.
    #[arg(long, value_enum)]
    level: Grave,
    /// Who raised it and is owed an answer; who opens it where nobody is named.
    #[arg(long, value_name = "NAME")]
    asker: Option<String>,
    /// What is asked; once for each.
    #[arg(long, value_name = "TEXT")]
    concern: Vec<String>,
    /// When it happened, RFC 3339; now unless given.
    #[arg(long, value_name = "TIME")]
    occurred_at: Option<Timestamp>,
    /// It is not known yet which unit leads it.
    #[arg(long)]
    unrouted: bool,
    #[command(flatten)]
    host: HostArgs,
}

/// A level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Grave {
    /// Ⅰ 特别重大
    #[value(name = "I")]
    I,
    /// Ⅱ 重大
    #[value(name = "II")]
    Ii,
    /// Ⅲ 较大
    #[value(name = "III")]
    Iii,
    /// Ⅳ 一般
    #[value(name = "IV")]
    Iv,
}

/// Who may read a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Readers {
    /// 公开: everybody whom the pack names
    Public,
    /// 内部: the lead unit, those above it, and those that have a part in it
    Internal,
    /// 秘密: of those, the roles that the pack names
    Secret,
}

/// A time of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Milestone {
    /// 核实
    Verified,
    /// 处置
    Handled,
    /// 发布
    Published,
}

/// A command of these fields; those that were not given are left out.
pub(super) fn command(name: &str, number: &str, fields: Value) -> Value {
    let mut command = Map::from_iter([("command".to_owned(), json!(name)), ("case".to_owned(), json!(number))]);
    if let Value::Object(fields) = fields {
        command.extend(fields.into_iter().filter(|(_, value)| !value.is_null()));
    }
    Value::Object(command)
}

pub(super) fn run(act: &Act, output: Output) -> Result<(), Failure> {
    let (host, number, command) = match act {
        Act::Open(open) => return self::open(open, output),
        Act::Route { number, to, duty, region, reason, host } => {
            let fields = json!({"to": to, "duty": duty, "region": region, "reason": reason});
            (host, number, command("route-case", number, fields))
        }
        Act::Concern { number, text, host } => (host, number, command("add-concern", number, json!({"text": text}))),
        Act::Level { number, to, reason, host } => {
            (host, number, command("set-level", number, json!({"level": typed(to), "reason": reason})))
        }
        Act::Occurred { number, at, reason, host } => {
            (host, number, command("correct-occurred-at", number, json!({"occurred_at": at, "reason": reason})))
        }
        Act::Time { number, milestone, at, reason, evidence, host } => {
            let fields = json!({"milestone": typed(milestone), "time": at, "reason": reason, "evidence": evidence});
            (host, number, command("record-time", number, fields))
        }
        Act::Contact { number, with, channel, text, at, host } => {
            let fields = json!({"with": with, "channel": channel, "text": text, "time": at});
            (host, number, command("record-contact", number, fields))
        }
        Act::Event { number, event, text, outcome, host } => {
            let fields = json!({"event": event, "text": text, "outcome": outcome});
            (host, number, command("record-offline-event", number, fields))
        }
        Act::Assess(assess) => {
            let fields = json!({
                "nature": assess.nature, "trend": assess.trend, "risks": assess.risk, "opinion": assess.opinion,
                "value": typed(&assess.value), "reason": assess.reason,
            });
            (&assess.host, &assess.number, command("assess-case", &assess.number, fields))
        }
        Act::Merge { number, from, reason, host } => {
            (host, number, command("merge-cases", number, json!({"from": from, "reason": reason})))
        }
        Act::Split { number, title, asker, concern, item, reason, host } => {
            let fields = json!({"title": title, "askers": asker, "concerns": concern, "items": item, "reason": reason});
            (host, number, command("split-case", number, fields))
        }
        Act::Link { number, other, reason, host } => {
            (host, number, command("link-cases", number, json!({"other": other, "reason": reason})))
        }
        Act::Confidentiality { number, to, reason, host } => {
            let fields = json!({"to": typed(to), "reason": reason});
            (host, number, command("set-confidentiality", number, fields))
        }
        Act::NoResponse { number, reason, host } => {
            (host, number, command("propose-no-response", number, json!({"reason": reason})))
        }
    };
    super::act(&Client::of(host)?, number, &command, output)
}

fn open(open: &Open, output: Output) -> Result<(), Failure> {
    let mut command = json!({
        "command": "open-case", "unit": open.unit, "title": open.title, "level": typed(&open.level),
        "concerns": open.concern,
    });
    if open.unrouted {
        command["unrouted"] = json!(true);
    }
    if let Some(asker) = &open.asker {
        command["asker"] = json!(asker);
    }
    if let Some(at) = &open.occurred_at {
        command["occurred_at"] = json!(at);
    }
    let client = Client::of(&open.host)?;
    let done = client.post(&format!("/v1/units/{}/commands", segment(&open.unit)), &command)?;
    if output == Output::Json {
        return print_json(&done);
    }
    super::show(&client, done.get("case").and_then(Value::as_str).unwrap_or_default(), output)
}
