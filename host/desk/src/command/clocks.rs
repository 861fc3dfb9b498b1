//! What may be asked about clocks that run: pauses, escalations.

use huiyin_deadline::clock::PauseKind as Kind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What kind of pause it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PauseKind {
    /// 征求意见: others are consulted.
    Consulting,
    /// 等待补正: whoever asked has to say more first.
    Supplement,
    /// As the reason says.
    Other,
}

impl From<PauseKind> for Kind {
    fn from(kind: PauseKind) -> Self {
        match kind {
            PauseKind::Consulting => Self::Consulting,
            PauseKind::Supplement => Self::Supplement,
            PauseKind::Other => Self::Other,
        }
    }
}

/// Lets a clock stand still, where its rule allows it; a second person confirms it, and it stands from then on. The
/// clock of the flash report never does (clause 5e).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PauseClock {
    /// The case, by number.
    pub case: String,
    /// The clock's id.
    pub clock: String,
    /// What kind of pause it is.
    pub kind: PauseKind,
    /// Why.
    pub reason: String,
}

/// Lets a paused clock run again, with the rest it had.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResumeClock {
    /// The case, by number.
    pub case: String,
    /// The clock's id.
    pub clock: String,
}

/// Says that an escalation was heard: it is not repeated and does not climb any more. The clock itself runs on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AcknowledgeEscalation {
    /// The case, by number.
    pub case: String,
    /// The clock's id.
    pub clock: String,
    /// What is done about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}
