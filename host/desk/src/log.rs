//! What a unit writes down of its desk: the daily log (舆情日志), special reports (舆情专报), digests for the leadership
//! (clauses 3.2e, 6a). Numbered by unit and year; a day without its log shows.

use std::sync::Arc;

use imbl::OrdMap;
use jiff::Timestamp;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::actor::Actor;
use crate::case::Confirmation;
use crate::command::{IssueLog, RecordLog};
use crate::decide::{Output, Work, said};
use crate::desk::Desk;
use crate::error::DeskError;
use crate::fact::Fact;
use crate::text::clip;

/// The sections of a special report.
const SPECIAL: [&str; 5] = ["概况", "传播", "观点", "研判", "建议"];
/// The most sections of a log.
const MAX_SECTIONS: usize = 20;
/// The most bytes of its figures, as JSON.
const MAX_FIGURES: usize = 64 << 10;
/// The most logs that a unit keeps in memory; older ones stay in the journal.
const MAX_KEPT: usize = 1_000;

/// Which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LogKind {
    /// 舆情日志: one a day.
    Daily,
    /// 舆情专报: about one matter.
    Special,
    /// 领导专阅: of a period.
    Digest,
}

impl LogKind {
    /// As JSON has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Daily => "daily",
            Self::Special => "special",
            Self::Digest => "digest",
        }
    }

    /// The name people read.
    pub fn zh(self) -> &'static str {
        match self {
            Self::Daily => "舆情日志",
            Self::Special => "舆情专报",
            Self::Digest => "舆情摘报",
        }
    }
}

/// A section of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// Its heading.
    pub name: String,
    /// What it says.
    pub text: String,
}

/// A log, a special report or a digest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Log {
    /// `daily-2026-03-01`, `digest-2026-03-01-2026-03-31`, `special-1`, … within the unit.
    pub id: String,
    /// Which.
    pub kind: LogKind,
    /// The first day it tells of.
    pub from: Date,
    /// The last day it tells of.
    pub to: Date,
    /// Its number within unit, kind and year; none until a special report is issued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issue: Option<u32>,
    /// Its title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The case it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<String>,
    /// What it says.
    pub sections: Vec<Section>,
    /// The figures it rests on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub figures: Option<Value>,
    /// What whoever issues it names: a keyed hash of unit and content.
    pub hash: String,
    /// How often it was written; 1 at first.
    pub revision: u32,
    /// Why it was written anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who wrote it.
    pub by: Actor,
    /// Everybody who wrote an earlier text of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authors: Vec<Actor>,
    /// When.
    pub at: Timestamp,
    /// Who issued it, and when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued: Option<Confirmation>,
}

/// The logs of a unit.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Logs {
    kept: OrdMap<String, Arc<Log>>,
    /// The last issue number of each kind and year, `daily-2026`.
    issues: OrdMap<String, u32>,
    /// How many special reports were ever begun.
    specials: u32,
}

impl Logs {
    /// Takes a log in.
    pub(crate) fn record(&mut self, log: &Log) {
        if log.kind == LogKind::Special && !self.kept.contains_key(&log.id) {
            self.specials += 1;
        }
        self.number(log.kind, log.to, log.issue);
        self.kept.insert(log.id.clone(), Arc::new(log.clone()));
        if self.kept.len() > MAX_KEPT
            && let Some(oldest) = self.kept.values().min_by_key(|log| log.at).map(|log| log.id.clone())
        {
            self.kept.remove(&oldest);
        }
    }

    /// A special report was issued; false where it is not here.
    pub(crate) fn issue(&mut self, id: &str, issue: u32, by: &Confirmation) -> bool {
        let Some(log) = self.kept.get_mut(id) else { return false };
        let log = Arc::make_mut(log);
        log.issue = Some(issue);
        log.issued = Some(by.clone());
        let (kind, to) = (log.kind, log.to);
        self.number(kind, to, Some(issue));
        true
    }

    fn number(&mut self, kind: LogKind, day: Date, issue: Option<u32>) {
        if let Some(issue) = issue {
            let last = self.issues.entry(series(kind, day)).or_default();
            *last = issue.max(*last);
        }
    }

    fn next(&self, kind: LogKind, day: Date) -> u32 {
        self.issues.get(&series(kind, day)).copied().unwrap_or(0) + 1
    }
}

/// What is numbered together.
fn series(kind: LogKind, day: Date) -> String {
    format!("{}-{}", kind.name(), day.year())
}

impl Work<'_> {
    /// The unit that is named, or that asks.
    pub(crate) fn asking(&self, unit: Option<&str>) -> Result<String, DeskError> {
        let policy = self.policy()?;
        let unit = unit.or(self.scope()).or_else(|| policy.root().map(|root| root.code.as_str()));
        let unit = unit.unwrap_or_default().to_owned();
        if policy.unit(&unit).is_none() {
            return Err(DeskError::new("not-found", format!("the policy pack has no unit `{unit}`")).at("/unit"));
        }
        self.within(&unit, "/unit")?;
        Ok(unit)
    }

    /// `record-log`.
    pub(crate) fn record_log(&mut self, input: &RecordLog) -> Output {
        let unit = self.asking(input.unit.as_deref())?;
        let policy = self.policy()?;
        let today = policy.time_zone.time_zone().to_datetime(self.now()).date();
        let from = input.from.unwrap_or(input.to);
        let order = |message: String| Err(DeskError::new("order", message).at("/to").clause("3.2e"));
        if input.to > today {
            return order(format!("nobody can tell of {}: it is {today} now", input.to));
        }
        if from > input.to || (input.kind == LogKind::Daily && from != input.to) {
            return order(format!("a {} of {from} to {}", input.kind.name(), input.to));
        }
        let sections = sections(input)?;
        if let Some(figures) = &input.figures
            && figures.to_string().len() > MAX_FIGURES
        {
            let message = format!("the figures take more than {MAX_FIGURES} bytes");
            return Err(DeskError::new("too-long", message).at("/figures"));
        }
        let case = input.case.as_deref().map(|number| self.case(number).map(|case| case.number.clone())).transpose()?;
        let title = input.title.as_deref().map(|text| said(text, 200, "/title", "the title")).transpose()?;
        let text = serde_json::to_vec(&(input.kind, from, input.to, &title, &case, &sections, &input.figures))
            .map_err(|error| DeskError::new("invalid-input", format!("this cannot be kept: {error}")))?;
        let hash = self.hash(&[b"log", unit.as_bytes(), &text]);
        let logs = self.desk.logs(&unit);
        let id = match input.kind {
            LogKind::Daily => format!("daily-{}", input.to),
            LogKind::Digest => format!("digest-{from}-{}", input.to),
            LogKind::Special => {
                // Written again, it is the same; a new text on the same matter takes the place of one not issued yet.
                let same = logs.kept.values().find(|log| {
                    log.kind == LogKind::Special
                        && (log.hash == hash || (log.issued.is_none() && case.is_some() && log.case == case))
                });
                same.map_or_else(|| format!("special-{}", logs.specials + 1), |log| log.id.clone())
            }
        };
        let before = logs.kept.get(&id).cloned();
        if let Some(before) = &before {
            if before.hash == hash {
                return Ok(answer(&unit, before));
            }
            let draft = before.kind == LogKind::Special && before.issued.is_none();
            if !draft && (input.reason.is_none() || self.actor().person().is_none()) {
                let message = format!("the {} of {} is written already, as {}", input.kind.name(), input.to, before.id);
                return Err(DeskError::new("recorded", message)
                    .at("/reason")
                    .clause("3.2e")
                    .hint("a person writes it anew, with a `reason`; the number stays"));
            }
        }
        let reason = input.reason.as_deref().map(|text| said(text, 1_000, "/reason", "the reason")).transpose()?;
        let issue = match (&before, input.kind) {
            // An issued report that is written anew is issued anew.
            (Some(before), LogKind::Special) => before.issue.filter(|_| before.issued.is_none()),
            (Some(before), _) => before.issue,
            (None, LogKind::Special) => None,
            (None, kind) => Some(logs.next(kind, input.to)),
        };
        let mut authors = before.as_ref().map(|before| before.authors.clone()).unwrap_or_default();
        authors.extend(before.as_ref().map(|before| before.by.clone()));
        authors.dedup();
        let log = Log {
            id,
            kind: input.kind,
            from,
            to: input.to,
            issue,
            title,
            case,
            sections,
            figures: input.figures.clone(),
            hash,
            revision: before.map_or(1, |before| before.revision + 1),
            reason,
            by: self.actor().clone(),
            authors,
            at: self.now(),
            issued: None,
        };
        let output = answer(&unit, &log);
        self.push(Fact::LogRecorded { unit, log: Box::new(log) });
        Ok(output)
    }

    /// `issue-log`.
    pub(crate) fn issue_log(&mut self, input: &IssueLog) -> Output {
        let unit = self.asking(input.unit.as_deref())?;
        let by = self.person("issue a special report", "6b")?;
        let logs = self.desk.logs(&unit);
        let Some(log) = logs.kept.get(&input.log).cloned() else {
            return Err(DeskError::new("not-found", format!("unit `{unit}` has no log `{}`", clip(&input.log, 100)))
                .at("/log")
                .hint("`huiyin log list` shows them"));
        };
        if log.kind != LogKind::Special {
            let message = format!("a {} has its number already", log.kind.name());
            return Err(DeskError::new("unchanged", message).at("/log"));
        }
        if log.hash != input.hash {
            return Err(DeskError::new("changed", "it has another text by now")
                .at("/hash")
                .clause("rule 9")
                .hint(format!("read it again; its hash is {}", log.hash)));
        }
        if log.issued.is_some() {
            return Err(DeskError::new("unchanged", "it is issued already").at("/log"));
        }
        let wrote = |actor: &Actor| actor.person() == Some(by.as_str());
        if wrote(&log.by) || log.authors.iter().any(wrote) {
            return Err(DeskError::new("own-text", format!("`{by}` wrote this, so somebody else has to issue it"))
                .clause("rule 9"));
        }
        let issue = log.issue.unwrap_or_else(|| logs.next(log.kind, log.to));
        let issued = Confirmation { by, at: self.now() };
        self.push(Fact::LogIssued { unit: unit.clone(), log: log.id.clone(), issue, issued });
        let log = self.desk.logs(&unit).kept.get(&input.log).cloned().unwrap_or(log);
        Ok(answer(&unit, &log))
    }
}

fn sections(input: &RecordLog) -> Result<Vec<Section>, DeskError> {
    if input.sections.is_empty() || input.sections.len() > MAX_SECTIONS {
        let message = format!("{} sections; 1 to {MAX_SECTIONS} are taken", input.sections.len());
        return Err(DeskError::new("out-of-range", message).at("/sections").clause("3.2e"));
    }
    let names: Vec<&str> = input.sections.iter().map(|section| section.name.trim()).collect();
    if input.kind == LogKind::Special && names != SPECIAL {
        return Err(DeskError::new("sections", format!("the sections are {}", names.join("、")))
            .at("/sections")
            .clause("3.2e")
            .hint(format!("a special report has {}", SPECIAL.join("、"))));
    }
    let section = |(at, section): (usize, &Section)| {
        Ok(Section {
            name: said(&section.name, 50, &format!("/sections/{at}/name"), "the heading")?,
            text: said(&section.text, 10_000, &format!("/sections/{at}/text"), "the section's text")?,
        })
    };
    input.sections.iter().enumerate().map(section).collect()
}

fn answer(unit: &str, log: &Log) -> Value {
    json!({
        "unit": unit, "log": log.id, "kind": log.kind, "issue": log.issue, "issue_zh": issue_zh(log),
        "hash": log.hash, "revision": log.revision, "issued": log.kind != LogKind::Special || log.issued.is_some(),
    })
}

/// `2026年第35期`.
fn issue_zh(log: &Log) -> Option<String> {
    log.issue.map(|issue| format!("{}年第{issue}期", log.to.year()))
}

fn page(unit: &str, log: &Log) -> Value {
    let mut page = json!(log);
    page["unit"] = json!(unit);
    page["kind_zh"] = json!(log.kind.zh());
    page["issue_zh"] = json!(issue_zh(log));
    page
}

/// The logs of one unit, or of all, the latest first; and the days between the first daily log of a unit and yesterday
/// that have none, as `{unit, kind: "daily", to, missing: true}`.
pub fn log_list(desk: &Desk, unit: Option<&str>, kind: Option<LogKind>, now: Timestamp) -> Vec<Value> {
    let Some(pack) = desk.policy() else { return Vec::new() };
    let today = pack.time_zone.time_zone().to_datetime(now).date();
    let mut rows = Vec::new();
    for (code, logs) in desk.all_logs().filter(|(code, _)| unit.is_none_or(|unit| unit == *code)) {
        let wanted = |log: &&Arc<Log>| kind.is_none_or(|kind| log.kind == kind);
        rows.extend(logs.kept.values().filter(wanted).map(|log| page(code, log)));
        let mut days: Vec<Date> =
            logs.kept.values().filter(|log| log.kind == LogKind::Daily).map(|log| log.to).collect();
        days.sort_unstable();
        if let Some(first) = days.first().filter(|_| kind.is_none_or(|kind| kind == LogKind::Daily)) {
            let gaps = first.series(jiff::Span::new().days(1)).take_while(|day| *day < today).take(MAX_KEPT);
            let gaps = gaps.filter(|day| days.binary_search(day).is_err());
            rows.extend(
                gaps.map(
                    |day| json!({"unit": code, "kind": "daily", "kind_zh": "舆情日志", "to": day, "missing": true}),
                ),
            );
        }
    }
    rows.sort_by_cached_key(|row| {
        let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
        (std::cmp::Reverse(text("to")), text("unit"), text("kind"), text("id"))
    });
    rows
}

/// The daily log of a unit on a day.
pub fn daily_log(desk: &Desk, unit: &str, day: Date) -> Option<Value> {
    desk.logs(unit).kept.get(&format!("daily-{day}")).map(|log| page(unit, log))
}
