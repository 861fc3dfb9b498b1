//! What kind of matter a case is. Each kind has its own files for what is special about it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What kind of matter it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Public opinion (舆情).
    #[default]
    Opinion,
    /// A message of a citizen (网民留言, clause 4c).
    Message,
    /// A call on the hotline (热线, clause 4b).
    Hotline,
    /// The opinion risk of a decision, before it is issued (重大决策舆情风险评估, clause 3.2d).
    DecisionRisk,
}

impl Kind {
    /// The name people read.
    pub fn zh(self) -> &'static str {
        match self {
            Self::Opinion => "舆情",
            Self::Message => "网民留言",
            Self::Hotline => "热线",
            Self::DecisionRisk => "决策风险",
        }
    }
}
