//! What a flash report is made from, and what it refuses.

use huiyin_sdk::time::{self, UtcOffset};
use huiyin_sdk::{Error, Level};
use serde::Deserialize;
use serde_json::Value;

use crate::{Config, cause};

/// The data of one report; the names are those of the desk's core functions,
/// so that the output of `open-case` fits as it is. Fields not named here are
/// ignored.
#[derive(Debug, Deserialize)]
pub struct Data {
    /// The case number (编号).
    #[serde(alias = "number")]
    pub case: String,
    /// The level (等级).
    pub level: Level,
    /// What it is about (标题).
    pub title: String,
    /// When it happened (事发时间), RFC 3339.
    pub occurred_at: String,
    /// When it was discovered (发现时间), RFC 3339.
    #[serde(default)]
    pub discovered_at: Option<String>,
    /// When it is reported (报告时间), RFC 3339; the time of the call unless given.
    #[serde(default)]
    pub reported_at: Option<String>,
    /// The responsible unit (责任单位).
    pub lead_unit: String,
    /// Where it happened.
    #[serde(default)]
    pub place: Option<String>,
    /// Who issues the report (签发).
    #[serde(default)]
    pub issuer: Option<String>,
    /// To whom it goes (报送).
    #[serde(default)]
    pub report_to: Vec<String>,
    /// What is known.
    pub facts: Vec<Fact>,
    /// Refused here (慎报原因).
    #[serde(default, alias = "causes", alias = "原因")]
    pub cause: Value,
    /// Refused here: 详报措施.
    #[serde(default, alias = "措施")]
    pub measures: Value,
    /// Refused here: 后报结果.
    #[serde(default, alias = "结果")]
    pub result: Value,
}

/// One statement of fact.
#[derive(Debug, Deserialize)]
pub struct Fact {
    /// The statement.
    pub text: String,
    /// The ids of the items that show it (clause 1b): at least one.
    #[serde(default)]
    pub evidence: Vec<String>,
}

/// A report that may be written.
pub(crate) struct Report {
    pub(crate) case: String,
    pub(crate) title: String,
    /// Label and value, in the order of the page.
    pub(crate) rows: Vec<(&'static str, String)>,
    pub(crate) facts: Vec<Fact>,
    pub(crate) issuer: String,
    pub(crate) reported: String,
}

fn wrong(pointer: &str, why: &str) -> Error {
    Error::InvalidInput(format!("at {pointer}: {why}"))
}

/// Checks the clauses and puts the page together. `now`: milliseconds since
/// the Unix epoch.
pub(crate) fn check(config: &Config, data: Data, now: u64) -> Result<Report, Error> {
    for (pointer, value, why) in [
        ("/cause", &data.cause, "a flash report states no cause (clause 5a, 慎报原因); leave it to a later report"),
        (
            "/measures",
            &data.measures,
            "measures belong to the detailed report (clause 5a, 详报措施); what was done already is a fact",
        ),
        ("/result", &data.result, "the result is reported last (clause 5a, 后报结果); leave it to the final report"),
    ] {
        if !says_nothing(value) {
            return Err(wrong(pointer, why));
        }
    }
    for (pointer, text) in [("/case", &data.case), ("/title", &data.title), ("/lead_unit", &data.lead_unit)] {
        if text.trim().is_empty() {
            return Err(wrong(pointer, "it is empty"));
        }
    }
    let issuer =
        data.issuer.or_else(|| config.issuer.clone()).filter(|issuer| !issuer.trim().is_empty()).ok_or_else(|| {
            wrong("/issuer", "nobody issues the report; name the issuer here or in the configuration")
        })?;
    facts(&data.facts, &config.cause_phrases)?;

    let occurred = instant("/occurred_at", &data.occurred_at)?;
    let discovered = data.discovered_at.as_deref().map(|text| instant("/discovered_at", text)).transpose()?;
    let reported = match &data.reported_at {
        Some(text) => instant("/reported_at", text)?,
        None => now,
    };
    if discovered.is_some_and(|discovered| discovered < occurred) {
        return Err(wrong("/discovered_at", "it was discovered before it occurred (clause 1a)"));
    }
    if reported < discovered.unwrap_or(occurred) {
        return Err(wrong("/reported_at", "it is reported before it was discovered or occurred (clause 1a)"));
    }

    let show = |at: u64| config.utc_offset.show_chinese(at);
    let mut rows =
        vec![("编号", data.case.clone()), ("等级", level(data.level).to_owned()), ("事发时间", show(occurred))];
    rows.extend(data.place.filter(|p| !p.trim().is_empty()).map(|place| ("事发地点", place)));
    rows.extend(discovered.map(|at| ("发现时间", show(at))));
    rows.push(("报告时间", show(reported)));
    rows.push(("事发至报告", elapsed(reported - occurred)));
    rows.push(("责任单位", data.lead_unit));
    let report_to = if data.report_to.is_empty() { config.report_to.clone() } else { data.report_to };
    if !report_to.is_empty() {
        rows.push(("报送", report_to.join("、")));
    }
    Ok(Report { case: data.case, title: data.title, rows, facts: data.facts, issuer, reported: show(reported) })
}

fn facts(facts: &[Fact], more_phrases: &[String]) -> Result<(), Error> {
    if facts.is_empty() {
        return Err(wrong("/facts", "there is no fact to report; state at least one"));
    }
    for (n, fact) in facts.iter().enumerate() {
        if fact.text.trim().is_empty() {
            return Err(wrong(&format!("/facts/{n}/text"), "it is empty"));
        }
        if fact.evidence.iter().all(|id| id.trim().is_empty()) {
            let why = "no evidence; name the items that show this fact (clause 1b, 尊重客观事实)";
            return Err(wrong(&format!("/facts/{n}/evidence"), why));
        }
        if let Some(phrase) = cause::stated(&fact.text, more_phrases) {
            let why = format!("“{phrase}” states a cause (clause 5a, 慎报原因); say what is known, not why");
            return Err(wrong(&format!("/facts/{n}/text"), &why));
        }
    }
    Ok(())
}

fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(list) => list.iter().all(says_nothing),
        Value::Object(map) => map.values().all(says_nothing),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

fn instant(pointer: &str, text: &str) -> Result<u64, Error> {
    time::parse(text, UtcOffset::default()).ok_or_else(|| {
        wrong(pointer, &format!("{text:?} is no time since 1990; write RFC 3339, such as 2024-03-01T08:30:00+08:00"))
    })
}

fn level(level: Level) -> &'static str {
    match level {
        Level::I => "Ⅰ级 特别重大（红）",
        Level::II => "Ⅱ级 重大（橙）",
        Level::III => "Ⅲ级 较大（黄）",
        Level::IV => "Ⅳ级 一般（蓝）",
    }
}

fn elapsed(milliseconds: u64) -> String {
    let minutes = milliseconds / 60_000;
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes}分钟"),
        (hours, minutes) => format!("{hours}小时{minutes}分钟"),
    }
}
