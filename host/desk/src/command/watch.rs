//! What may be asked about watching: rosters and patrols, labels, warnings,
//! and what is shared.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::authority::Act;
use crate::watch::{ChannelKind, Label, Scope, Seen, Slot};

/// A command about watching. In JSON, `command` names it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub enum WatchCommand {
    /// The host says what it reads, and duty is planned. Only the engine asks for it, when it begins.
    BeginWatch(BeginWatch),
    /// Core function.
    SetRoster(SetRoster),
    /// Core function.
    SwapDuty(SwapDuty),
    /// Core function.
    CheckIn(CheckIn),
    /// Core function.
    FinishPatrol(FinishPatrol),
    /// Core function.
    SetLabel(SetLabel),
    /// Core function.
    AcknowledgeWarning(AcknowledgeWarning),
    /// Core function.
    FeedBackWarning(FeedBackWarning),
    /// Core function.
    Share(ShareMatter),
    /// Core function.
    RevokeShare(RevokeShare),
    /// Core function.
    ReadShared(ReadShared),
}

impl WatchCommand {
    /// The kind of act.
    pub(crate) fn act(&self) -> Act {
        match self {
            Self::BeginWatch(_) => Act::BeginWatch,
            Self::SetRoster(_) => Act::SetRoster,
            Self::SwapDuty(_) => Act::SwapDuty,
            Self::CheckIn(_) => Act::CheckIn,
            Self::FinishPatrol(_) => Act::FinishPatrol,
            Self::SetLabel(_) => Act::SetLabel,
            Self::AcknowledgeWarning(_) => Act::AcknowledgeWarning,
            Self::FeedBackWarning(_) => Act::FeedBackWarning,
            Self::Share(_) => Act::Share,
            Self::RevokeShare(_) => Act::RevokeShare,
            Self::ReadShared(_) => Act::ReadShared,
        }
    }

    /// The case that it is about.
    pub fn case(&self) -> Option<&str> {
        match self {
            Self::SetLabel(input) => input.case.as_deref(),
            Self::Share(input) => input.case.as_deref(),
            _ => None,
        }
    }

    /// The item that it is about.
    pub fn item(&self) -> Option<&Uuid> {
        match self {
            Self::SetLabel(input) => input.item.as_ref(),
            Self::Share(input) => input.item.as_ref(),
            _ => None,
        }
    }

    /// The unit whose matter it is, where it names one or something of one.
    pub fn unit(&self) -> Option<&str> {
        match self {
            Self::SetRoster(input) => input.unit.as_deref(),
            Self::SwapDuty(input) => input.unit.as_deref(),
            Self::CheckIn(input) => input.unit.as_deref(),
            Self::FinishPatrol(input) => input.patrol.split('.').next(),
            Self::AcknowledgeWarning(input) => input.warning.split('.').next(),
            Self::FeedBackWarning(input) => input.warning.split('.').next(),
            _ => None,
        }
    }

    /// The share that it is about.
    pub fn share(&self) -> Option<&str> {
        match self {
            Self::RevokeShare(input) => Some(&input.share),
            Self::ReadShared(input) => Some(&input.share),
            _ => None,
        }
    }
}

/// The sources that the host reads for the units of one partition.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BeginWatch {
    /// All of them: others are watched no more.
    pub sources: Vec<ReadSource>,
}

/// A source that the host reads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadSource {
    /// The unit that watches it.
    pub unit: String,
    /// Its name within the unit.
    pub source: String,
    /// Its kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<ChannelKind>,
    /// Seconds of silence after which it is down.
    pub expected: i64,
}

/// Gives a unit a roster of its own, in the place of the pack's (值班表, clause 3.1b). Slots that
/// have begun stay as they are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetRoster {
    /// The unit; the acting one's where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The slots; none: the pack's roster holds again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slots: Option<Vec<Slot>>,
    /// Why.
    pub reason: String,
}

/// Gives a slot to other people (换班).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SwapDuty {
    /// The unit; the acting one's where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The slot on its day, `day@2026-03-01`.
    pub slot: String,
    /// Who holds it from now on.
    pub people: Vec<String>,
    /// Why.
    pub reason: String,
}

/// A person comes on duty (签到): at most an hour before the slot begins.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckIn {
    /// The unit; the acting one's where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The slot on its day; the one that the person holds now where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<String>,
}

/// Puts a patrol on record (巡查), with what was seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FinishPatrol {
    /// The patrol, as the list has it.
    pub patrol: String,
    /// What was seen; that nothing was, where it was nothing.
    pub seen: Vec<Seen>,
}

/// Gives one of the four labels to an item or a case, or takes it away (clause 3.1c). A person's word
/// counts before any machine's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetLabel {
    /// The item. Either this or `case` is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "uuid"))]
    pub item: Option<Uuid>,
    /// The case, by number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<String>,
    /// Which.
    pub label: Label,
    /// True to take it away.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub remove: bool,
    /// Why.
    pub reason: String,
    /// What it rests on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
}

/// Takes notice of a warning (clause 3.2f).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AcknowledgeWarning {
    /// The warning, as the list has it.
    pub warning: String,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Says what was done about a warning (clause 3.2f).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FeedBackWarning {
    /// The warning, as the list has it.
    pub warning: String,
    /// What was found or done.
    pub text: String,
    /// The number of the case that was opened for it.
    #[serde(default, rename = "case", skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
}

/// Shares an item or a case with another unit (clause 3.1f).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShareMatter {
    /// The item. Either this or `case` is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "uuid"))]
    pub item: Option<Uuid>,
    /// The case, by number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<String>,
    /// The unit, a partner too.
    pub to: String,
    /// How much of it.
    #[serde(default)]
    pub scope: Scope,
    /// Why.
    pub reason: String,
    /// Until when; thirty days from now unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub until: Option<Timestamp>,
}

/// Takes back what is shared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokeShare {
    /// The share, as the list has it.
    pub share: String,
    /// Why.
    pub reason: String,
}

/// Reads what another unit shares; the reading is on record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadShared {
    /// The share, as the list has it.
    pub share: String,
}
