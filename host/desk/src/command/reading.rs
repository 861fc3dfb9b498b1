//! What may be asked about the desk as a whole: reading it, and what is written down of it.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::case::Kind;
use crate::log::{LogKind, Section};

/// Reads the desk of a unit and of all below it: open cases, what is due, counts of a period, lateness, the hotline.
/// Changes nothing. Titles of secret cases are left out.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadDesk {
    /// The unit; the asking one where none is given. Only that and those below it are within reach.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The first day of the period, by the pack's zone; `to` where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date"))]
    pub from: Option<Date>,
    /// The last day of the period, this included; today where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date"))]
    pub to: Option<Date>,
    /// The kinds of cases; all where none is given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<Kind>,
    /// How many rows `open` and `due` have at most; 50 unless given, at most 500. The counts count all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// Writes down a daily log (舆情日志), a special report (舆情专报) or a digest for the leadership (clauses 3.2e, 6a). A
/// daily log has its issue number at once, also on a day with nothing; a special report is a draft until another
/// person issues it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordLog {
    /// Which.
    pub kind: LogKind,
    /// The unit; the asking one where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The first day it tells of; `to` where none is given. A daily log has one day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date"))]
    pub from: Option<Date>,
    /// The last day it tells of.
    #[schemars(with = "String", extend("format" = "date"))]
    pub to: Date,
    /// Its title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The case that a special report is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<String>,
    /// What it says. A special report has 概况, 传播, 观点, 研判 and 建议, each once and in this order.
    pub sections: Vec<Section>,
    /// The figures it rests on, as `read-desk` gives them; at most 64 KiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub figures: Option<Value>,
    /// Why it is written anew, where it is written already: a person's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A person issues a special report that somebody else wrote (clause 6b): it has its issue number from then on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IssueLog {
    /// The unit; the asking one where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Its id.
    pub log: String,
    /// The hash of exactly what is issued.
    pub hash: String,
}
