//! The opinion risk of a decision (重大决策舆情风险评估, clause 3.2d), before it is
//! issued: 舆情跟踪、抽样调查、重点走访、会商分析, a level and a contingency plan.
//!
//! The gate stays shut until all of these are there and exactly they were
//! approved, by people who wrote none of them. Whatever is changed shuts it.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::approving::{Proposal, stale};
use super::{Case, Kind};
use crate::actor::Actor;
use crate::command::{OpenGate, RecordRisk};
use crate::decide::{Output, Work, said};
use crate::error::DeskError;
use crate::fact::Fact;

/// A part of the assessment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RiskPart {
    /// 舆情跟踪.
    Tracking,
    /// 抽样调查.
    Survey,
    /// 重点走访.
    Visits,
    /// 会商分析.
    Consultation,
    /// 风险等级.
    Level,
    /// 处置预案.
    Plan,
}

impl RiskPart {
    /// All; the gate needs each.
    pub const ALL: [Self; 6] =
        [Self::Tracking, Self::Survey, Self::Visits, Self::Consultation, Self::Level, Self::Plan];

    /// The name used in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tracking => "tracking",
            Self::Survey => "survey",
            Self::Visits => "visits",
            Self::Consultation => "consultation",
            Self::Level => "level",
            Self::Plan => "plan",
        }
    }

    /// The name people read.
    pub fn zh(self) -> &'static str {
        match self {
            Self::Tracking => "舆情跟踪",
            Self::Survey => "抽样调查",
            Self::Visits => "重点走访",
            Self::Consultation => "会商分析",
            Self::Level => "风险等级",
            Self::Plan => "处置预案",
        }
    }

    /// One of the four sections of evidence.
    fn is_section(self) -> bool {
        !matches!(self, Self::Level | Self::Plan)
    }
}

/// How high the risk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RiskLevel {
    /// 高风险.
    High,
    /// 中风险.
    Medium,
    /// 低风险.
    Low,
}

impl RiskLevel {
    /// The name people read.
    pub fn zh(self) -> &'static str {
        match self {
            Self::High => "高风险",
            Self::Medium => "中风险",
            Self::Low => "低风险",
        }
    }
}

/// One part, as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RiskEntry {
    /// Which.
    pub part: RiskPart,
    /// What was found; the reason of the level; the plan.
    pub text: String,
    /// What it rests on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
    /// The level, where that is the part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<RiskLevel>,
    /// Who recorded it.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
}

/// The open gate: the decision may be issued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gate {
    /// The approval that opened it.
    pub approval: String,
    /// Who asked for it.
    pub author: String,
    /// When it was opened.
    pub at: Timestamp,
}

/// The risk assessment of a case of that kind.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Risk {
    /// Its parts, in the order of [`RiskPart::ALL`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<RiskEntry>,
    /// Whether the decision may be issued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<Gate>,
}

impl Risk {
    /// Nothing was recorded yet.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.gate.is_none()
    }

    /// The parts that are not there yet.
    pub fn missing(&self) -> impl Iterator<Item = RiskPart> {
        RiskPart::ALL.into_iter().filter(|part| !self.entries.iter().any(|entry| entry.part == *part))
    }
}

impl Case {
    /// Takes a part in: it takes the place of the one before, and shuts the gate.
    pub(super) fn add_risk(&mut self, entry: &RiskEntry) {
        self.risk.entries.retain(|known| known.part != entry.part);
        self.risk.entries.push(entry.clone());
        self.risk.entries.sort_by_key(|known| known.part);
        self.risk.gate = None;
        self.void_decision(entry.at);
    }
}

impl Work<'_> {
    /// `record-risk`.
    pub(crate) fn record_risk(&mut self, input: &RecordRisk) -> Output {
        let case = self.risky(&input.case)?;
        let text = said(&input.text, 5_000, "/text", input.part.zh())?;
        let evidence = self.references(&case, &input.evidence, "/evidence")?;
        if input.part.is_section() && evidence.is_empty() {
            return Err(DeskError::new("no-evidence", format!("{} refers to no evidence", input.part.name()))
                .at("/evidence")
                .clause("3.2d")
                .hint("record what was gathered (`record-evidence`), and name it in `evidence`"));
        }
        if (input.part == RiskPart::Level) != input.level.is_some() {
            let why = match input.level {
                Some(_) => "the level is a part of its own",
                None => "`level` is missing: high, medium or low",
            };
            return Err(DeskError::new("invalid-input", why).at("/level").clause("3.2d"));
        }
        let same = case.risk.entries.iter().any(|known| {
            known.part == input.part && known.text == text && known.evidence == evidence && known.level == input.level
        });
        if !same {
            let (by, at) = (self.actor().clone(), self.now());
            let entry = RiskEntry { part: input.part, text, evidence, level: input.level, by, at };
            self.push(Fact::RiskRecorded { head: case.head(), entry });
        }
        let case = self.case(&input.case)?;
        Ok(
            json!({ "case": case.number, "part": input.part, "missing": missing(&case), "gate_open": case.risk.gate.is_some() }),
        )
    }

    /// `open-gate`.
    pub(crate) fn open_gate(&mut self, input: &OpenGate) -> Output {
        let case = self.risky(&input.case)?;
        let author = self.person("ask that a decision be issued", "3.2d")?;
        let missing: Vec<&str> = case.risk.missing().map(RiskPart::name).collect();
        if !missing.is_empty() {
            return Err(DeskError::new("shut", format!("the gate stays shut: {} missing", missing.join(", ")))
                .at("/case")
                .clause("3.2d")
                .hint("record each part: `record-risk`"));
        }
        let mut output = json!({ "case": case.number, "gate_open": case.risk.gate.is_some() });
        if case.risk.gate.is_none() {
            // Whoever recorded a part is an author of what is approved.
            let others: Vec<String> =
                case.risk.entries.iter().filter_map(|entry| entry.by.person()).map(str::to_owned).collect();
            let rule = self.chain_for("decision", &case);
            let (chain, lasts) = rule.map(|rule| (rule.chain.clone(), rule.lasts())).unwrap_or_default();
            let proposal = Proposal::Decision { entries: case.risk.entries.clone() };
            output["pending"] = self.propose_by(&case, author, &others, proposal, chain, lasts)?;
        }
        Ok(output)
    }

    /// The gate is opened on exactly what was approved.
    pub(super) fn take_decision(
        &mut self,
        number: &str,
        entries: &[RiskEntry],
        author: &str,
        approval: &str,
    ) -> Result<(), DeskError> {
        let case = self.risky(number)?;
        if case.risk.entries != entries {
            return Err(stale(format!("the risk assessment of case {number} has changed since")));
        }
        let gate = Gate { approval: approval.to_owned(), author: author.to_owned(), at: self.now() };
        self.push(Fact::GateOpened { head: case.head(), gate });
        Ok(())
    }

    fn risky(&self, number: &str) -> Result<std::sync::Arc<Case>, DeskError> {
        let case = self.open(number)?;
        if case.kind == Kind::DecisionRisk {
            return Ok(case);
        }
        Err(DeskError::new("wrong-kind", format!("case {number} is not about the risk of a decision"))
            .at("/case")
            .clause("3.2d")
            .hint("open one of that kind: `open-case` with `kind` \"decision-risk\""))
    }
}

fn missing(case: &Case) -> Vec<&'static str> {
    case.risk.missing().map(RiskPart::name).collect()
}

/// The assessment as people read it; none for other kinds of cases.
pub(crate) fn view(case: &Case) -> Value {
    if case.kind != Kind::DecisionRisk {
        return Value::Null;
    }
    let parts: Vec<Value> = case
        .risk
        .entries
        .iter()
        .map(|entry| {
            let mut part = json!(entry);
            part["part_zh"] = json!(entry.part.zh());
            part["level_zh"] = json!(entry.level.map(RiskLevel::zh));
            part
        })
        .collect();
    json!({ "parts": parts, "missing": missing(case), "gate_open": case.risk.gate.is_some(), "gate": case.risk.gate })
}
