//! Inputs of a person's assessment (研判), and of the risk of a decision.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::case::{RiskLevel, RiskPart, Worth};

/// A person assesses a case (clauses 3.2g, 3.2c): its nature, where it goes, what may come of it, how it is to be
/// handled, and whether it is to be answered. Where the pack asks for it, this waits for approvals, and the case is not
/// handled, published or answered before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AssessCase {
    /// The case, by number.
    pub case: String,
    /// 性质.
    pub nature: String,
    /// 舆情走势: where it goes.
    pub trend: String,
    /// 可能出现的风险: what may come of it; at least one, or why there is none.
    pub risks: Vec<String>,
    /// 预控处置意见: how it is to be handled.
    pub opinion: String,
    /// 回应价值: whether it is to be answered (clause 3.2c).
    pub value: Worth,
    /// Why it is to be answered, watched or not answered.
    pub reason: String,
}

/// Records one part of the risk assessment of a decision (clause 3.2d): one of the four sections of evidence, the level,
/// or the contingency plan. Recorded again, it takes the place of what was there, and shuts the gate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordRisk {
    /// The case, by number; its kind is `decision-risk`.
    pub case: String,
    /// Which part.
    pub part: RiskPart,
    /// What was found; the reason of the level; the plan.
    pub text: String,
    /// What it rests on: evidence of the case. Each of the four sections needs some.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
    /// How high the risk is; only with the part `level`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<RiskLevel>,
}

/// Asks that the decision may be issued (clause 3.2d). Refused while a part is missing; else it waits for approvals, and
/// with the last one the gate is open.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenGate {
    /// The case, by number.
    pub case: String,
}
