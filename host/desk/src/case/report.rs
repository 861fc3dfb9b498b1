//! What a report (报送) is: its stage, what it says and rests on, and who has it.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Case;
use crate::actor::Actor;

/// The stage of a report: 快报事实、慎报原因、详报措施、后报结果 (clause 5a).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// 快报: the facts, soon.
    Flash,
    /// 续报: what became known since.
    FollowUp,
    /// 详报: what is done about it.
    Detailed,
    /// 终报: how it ended.
    Final,
}

impl Stage {
    /// All, in order.
    pub const ALL: [Self; 4] = [Self::Flash, Self::FollowUp, Self::Detailed, Self::Final];

    /// The name used in JSON; the series in which such reports are numbered.
    pub fn name(self) -> &'static str {
        match self {
            Self::Flash => "flash",
            Self::FollowUp => "follow-up",
            Self::Detailed => "detailed",
            Self::Final => "final",
        }
    }

    /// The name people read.
    pub fn zh(self) -> &'static str {
        match self {
            Self::Flash => "快报",
            Self::FollowUp => "续报",
            Self::Detailed => "详报",
            Self::Final => "终报",
        }
    }
}

/// A document that goes with a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DocumentRef {
    /// Its file name.
    pub filename: String,
    /// Its media type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
}

/// What a report says beside its facts, and what they rest on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Stated {
    /// The evidence of each fact, in their order (clause 1b). Reports of before have none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Vec<String>>,
    /// 原因.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// What the cause rests on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cause_evidence: Vec<String>,
    /// 措施.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measures: Option<String>,
    /// 结果.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
}

/// The text of a report: what is approved, and then sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportText {
    /// Which stage.
    pub stage: Stage,
    /// What is known.
    pub facts: Vec<String>,
    /// Its printed forms.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub documents: Vec<DocumentRef>,
    /// The rest.
    #[serde(flatten)]
    pub stated: Stated,
}

/// A report that waits for its approvals.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReportProposal {
    /// What it says.
    #[serde(flatten)]
    pub text: ReportText,
    /// The hash of the draft that is sent as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draft: Option<String>,
    /// The person who sends it.
    pub sender: String,
}

/// A report that waits for a person to send it (clauses 3.2g, 6b).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportDraft {
    /// `d1`, `d2`, … within the case.
    pub id: String,
    /// Which stage.
    pub stage: Stage,
    /// What is known.
    pub facts: Vec<String>,
    /// Its printed forms.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub documents: Vec<DocumentRef>,
    /// The rest.
    #[serde(flatten)]
    pub stated: Stated,
    /// What the sender must name: a keyed hash of case and content.
    pub hash: String,
    /// Who drafted it.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
}

impl ReportDraft {
    /// What it says.
    pub fn text(&self) -> ReportText {
        ReportText {
            stage: self.stage,
            facts: self.facts.clone(),
            documents: self.documents.clone(),
            stated: self.stated.clone(),
        }
    }
}

/// The number of a report: within its unit, its year and its series, from 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportNumber {
    /// The unit that sends it.
    pub unit: String,
    /// The year, in the zone of the pack.
    pub year: i16,
    /// The series: the stage.
    pub series: Stage,
    /// The number.
    pub no: u32,
}

impl ReportNumber {
    /// How the desk counts them.
    pub(crate) fn series(unit: &str, year: i16, series: Stage) -> String {
        format!("{unit}/{year}/{}", series.name())
    }

    /// As it stands on the paper.
    pub fn zh(&self) -> String {
        format!("{}〔{}〕{}号", self.series.zh(), self.year, self.no)
    }
}

/// Somebody whom a report goes to (clause 3.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Addressee {
    /// The unit's code; `superior` for the authority above the root. One receipt for each.
    pub unit: String,
    /// The people or the authority there, as notifiers know them.
    pub to: Vec<String>,
}

/// 签收: who signed for a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The addressee's unit.
    pub addressee: String,
    /// Who signed there.
    pub by: String,
    /// When they signed.
    pub time: Timestamp,
    /// Who recorded it.
    pub recorded_by: Actor,
    /// When it was recorded.
    pub at: Timestamp,
}

/// How late a report was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Late {
    /// The clock.
    pub clock: String,
    /// When it was due.
    pub due_at: Timestamp,
    /// By how much it was missed.
    pub late_seconds: i64,
}

/// A report that was submitted upward (报送).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Which stage.
    pub stage: Stage,
    /// From 1 within the case and stage.
    pub seq: u32,
    /// What is known.
    pub facts: Vec<String>,
    /// Its printed forms.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub documents: Vec<DocumentRef>,
    /// The rest.
    #[serde(flatten)]
    pub stated: Stated,
    /// Its number in the unit's series of the year; reports of before have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<ReportNumber>,
    /// The office through which it went: the unit's one channel (clause 3.3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub office: Option<String>,
    /// Whom it went to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<Addressee>,
    /// Given where it was sent after its due time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late: Option<Late>,
    /// Who signed for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub receipts: Vec<Receipt>,
    /// The approval that sent it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<String>,
    /// The hash of the draft that was sent as it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draft: Option<String>,
    /// Who submitted it.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
}

impl Report {
    /// The addressees whose receipt is missing.
    pub fn unsigned(&self) -> impl Iterator<Item = &Addressee> {
        self.to.iter().filter(|to| !self.receipts.iter().any(|receipt| receipt.addressee == to.unit))
    }
}

/// A report that went another way than by the unit's one channel (clause 3.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bypass {
    /// `b1`, `b2`, … within the case.
    pub id: String,
    /// Who sent it.
    pub from: String,
    /// To whom.
    pub to: String,
    /// By which way.
    pub channel: String,
    /// What was told, and why this way.
    pub text: String,
    /// When it was sent.
    pub time: Timestamp,
    /// Who recorded it.
    pub by: Actor,
    /// When it was recorded.
    pub at: Timestamp,
}

impl Case {
    /// A report by its name within the case: `r1`, `r2`, …, in the order of sending.
    pub fn report(&self, id: &str) -> Option<&Report> {
        let at = id.strip_prefix('r')?.parse::<usize>().ok()?.checked_sub(1)?;
        self.reports.get(at)
    }
}

/// A report as people read it.
pub(crate) fn view(at: usize, report: &Report) -> Value {
    let mut view = json!(report);
    view["id"] = json!(format!("r{}", at + 1));
    view["stage_zh"] = json!(report.stage.zh());
    view["number_zh"] = json!(report.number.as_ref().map(ReportNumber::zh));
    view["unsigned"] = json!(report.unsigned().map(|to| to.unit.as_str()).collect::<Vec<_>>());
    view
}
