//! Inputs about reports (报送) and the evidence they rest on.

use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::de::{self, MapAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Deserializer, Serialize};

use crate::case::{DocumentRef, EvidenceKind, Stage};

/// A fact of a report: a text, or a text with the evidence that it rests on (clause 1b).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Statement {
    /// Only the text. It can be drafted so, not sent.
    Text(String),
    /// With what it rests on.
    Grounded(Grounded),
}

/// A fact and what it rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Grounded {
    /// The fact.
    pub text: String,
    /// Evidence of the case: an item's id, a task with feedback (`t1`), an offline event (`e1`), or what was recorded
    /// (`v1`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
    /// True where the person who says it saw or heard it themselves: that is recorded as evidence in their name.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub observed: bool,
}

impl From<&str> for Statement {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

// Not derived: an untagged enum says of a slip of the pen only that nothing fits.
impl<'de> Deserialize<'de> for Statement {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Statement;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, or an object with `text` and `evidence`")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Statement, E> {
                Ok(Statement::Text(text.to_owned()))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Statement, A::Error> {
                Grounded::deserialize(MapAccessDeserializer::new(map)).map(Statement::Grounded)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// Drafts a report. A draft satisfies nothing: a person reads it and sends it (clauses 3.2g, 6b).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DraftReport {
    /// The case, by number.
    pub case: String,
    /// Which stage: `flash` first, then `follow-up` as often as needed, `detailed`, and `final` last (clause 5a).
    pub stage: Stage,
    /// What is known, a fact each, with its evidence.
    pub facts: Vec<Statement>,
    /// Never in a flash report. Needs evidence of an investigation, and the approval of the unit above (clause 5a).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// What the cause rests on; an investigation's result is among it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cause_evidence: Vec<String>,
    /// From the detailed report on, which needs them (clause 5a).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measures: Option<String>,
    /// Only in the final report, which needs it (clause 5a).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// Its printed forms.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub documents: Vec<DocumentRef>,
}

/// A person submits a report upward: a draft as it is, or facts of their own. It is sent once the pack's chain of
/// approvals is through, at once where it has none. The flash report stops the clock of clause 5e when it is sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SubmitReport {
    /// The case, by number.
    pub case: String,
    /// Which stage: `flash` first, then `follow-up` as often as needed, `detailed`, and `final` last (clause 5a).
    pub stage: Stage,
    /// The hash of the draft that is sent as it is; then nothing else is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draft: Option<String>,
    /// What is known, a fact each, with its evidence (clause 1b).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<Statement>,
    /// Never in a flash report. Needs evidence of an investigation, and the approval of the unit above (clause 5a).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// What the cause rests on; an investigation's result is among it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cause_evidence: Vec<String>,
    /// From the detailed report on, which needs them (clause 5a).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measures: Option<String>,
    /// Only in the final report, which needs it (clause 5a).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// Its printed forms.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub documents: Vec<DocumentRef>,
}

/// Records a piece of evidence that facts of reports rest on (clause 1b).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordEvidence {
    /// The case, by number.
    pub case: String,
    /// What kind. `observation` and `investigation` are a person's; the latter needs a `reference`.
    pub kind: EvidenceKind,
    /// What it shows.
    pub text: String,
    /// Where one can see it: an address, or the number of a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
}

/// Records that an addressee signed for a report (签收, clause 3.3).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordReceipt {
    /// The case, by number.
    pub case: String,
    /// The report: `r1`, `r2`, … within the case.
    pub report: String,
    /// Who signed: the code of the unit, or `superior` for the authority above the root.
    pub addressee: String,
    /// The name of who signed there; the acting person, unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// When they signed; now, unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub time: Option<Timestamp>,
}

/// Records that a report on the matter went another way than by the unit's one channel (clause 3.3).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordBypass {
    /// The case, by number.
    pub case: String,
    /// Who sent it.
    pub from: String,
    /// To whom.
    pub to: String,
    /// By which way, such as phone or a chat group.
    pub channel: String,
    /// What was told, and why it went this way as far as that is known.
    pub text: String,
    /// When it was sent; now, unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub time: Option<Timestamp>,
}
