//! The facts of watching. Like all facts they are stored for ever.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{ChannelKind, Colour, DutySlot, Gauge, LabelEntry, Patrol, Seen, Share, Slot, Warning};
use crate::actor::Actor;
use crate::event::DeskEvent;
use crate::fact::Fact;
use crate::policy::Recipient;

/// Somebody who is told, and by which clause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Whom.
    #[serde(flatten)]
    pub to: Recipient,
    /// The clause that asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clause: Option<String>,
}

/// What a rule counted of a subject.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Counted {
    /// The rule.
    pub rule: String,
    /// What of: a unit, a region or a topic.
    pub subject: String,
    /// How it is counted.
    pub gauge: Gauge,
    /// The step since 1970.
    pub step: i64,
    /// Items.
    pub items: u32,
    /// The highest score.
    pub score: f64,
}

/// One decided fact of watching.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
#[allow(missing_docs)] // the fields are named after what they hold; `at` is when it was decided, `by` by whom
pub enum WatchFact {
    /// A source is watched from now on, or otherwise than before.
    #[serde(rename = "huiyin.source.watched.v1")]
    SourceWatched {
        unit: String,
        source: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        channel: Option<ChannelKind>,
        /// Seconds of silence after which it is down.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expected: Option<i64>,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        pushed: bool,
        at: Timestamp,
    },
    /// Nothing is expected of a source any more.
    #[serde(rename = "huiyin.source.unwatched.v1")]
    SourceUnwatched { unit: String, source: String, at: Timestamp },
    /// A source is down (clause 3.1e).
    #[serde(rename = "huiyin.source.down.v1")]
    SourceDown {
        unit: String,
        source: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        channel: Option<ChannelKind>,
        since: Timestamp,
        reason: String,
        at: Timestamp,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        notify: Vec<Told>,
    },
    /// It was heard again: the gap.
    #[serde(rename = "huiyin.source.up.v1")]
    SourceUp {
        unit: String,
        source: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        channel: Option<ChannelKind>,
        from: Timestamp,
        to: Timestamp,
        reason: String,
        at: Timestamp,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        notify: Vec<Told>,
    },
    /// Slots and patrols were made from the roster (clause 3.1b).
    #[serde(rename = "huiyin.duty.planned.v1")]
    DutyPlanned {
        unit: String,
        /// What they were made from: a digest of the rules.
        basis: String,
        /// Planned up to here.
        until: Timestamp,
        slots: Vec<DutySlot>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        patrols: Vec<Patrol>,
        /// What was planned to begin from then on is dropped first.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        drop_from: Option<Timestamp>,
        at: Timestamp,
    },
    /// A unit has a roster of its own, or the pack's again.
    #[serde(rename = "huiyin.duty.roster-set.v1")]
    RosterSet {
        unit: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        slots: Option<Vec<Slot>>,
        reason: String,
        by: Actor,
        at: Timestamp,
    },
    /// Other people hold a slot (换班).
    #[serde(rename = "huiyin.duty.swapped.v1")]
    DutySwapped { unit: String, slot: String, people: Vec<String>, reason: String, by: Actor, at: Timestamp },
    /// Nobody holds a slot that is about to begin.
    #[serde(rename = "huiyin.duty.unstaffed.v1")]
    DutyUnstaffed {
        unit: String,
        slot: String,
        starts: Timestamp,
        ends: Timestamp,
        at: Timestamp,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        notify: Vec<Told>,
    },
    /// Somebody came on duty (签到).
    #[serde(rename = "huiyin.duty.checked-in.v1")]
    DutyCheckedIn {
        unit: String,
        slot: String,
        person: String,
        /// After the time allowed for it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        late: bool,
        at: Timestamp,
    },
    /// Nobody did in time.
    #[serde(rename = "huiyin.duty.missed.v1")]
    DutyMissed {
        unit: String,
        slot: String,
        people: Vec<String>,
        starts: Timestamp,
        at: Timestamp,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        notify: Vec<Told>,
    },
    /// A patrol was made (巡查).
    #[serde(rename = "huiyin.patrol.done.v1")]
    PatrolDone {
        unit: String,
        patrol: String,
        seen: Vec<Seen>,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        late: bool,
        by: Actor,
        at: Timestamp,
    },
    /// A patrol was not made in time.
    #[serde(rename = "huiyin.patrol.missed.v1")]
    PatrolMissed {
        unit: String,
        patrol: String,
        name: String,
        due: Timestamp,
        at: Timestamp,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        notify: Vec<Told>,
    },
    /// A person gave a label, or took it away (clause 3.1c).
    #[serde(rename = "huiyin.label.set.v1")]
    LabelSet {
        unit: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        source: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        item: Option<Uuid>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        case: Option<String>,
        entry: LabelEntry,
    },
    /// Items were counted for the rules of warnings (clause 3.2b).
    #[serde(rename = "huiyin.warning.measured.v1")]
    Measured { unit: String, cells: Vec<Counted>, at: Timestamp },
    /// A warning was raised.
    #[serde(rename = "huiyin.warning.raised.v1")]
    WarningRaised {
        warning: Box<Warning>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        notify: Vec<Told>,
    },
    /// A warning rose, fell, or ended, where there is no colour.
    #[serde(rename = "huiyin.warning.moved.v1")]
    WarningMoved {
        unit: String,
        warning: String,
        name: String,
        from: Colour,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        colour: Option<Colour>,
        value: f64,
        at: Timestamp,
        /// New times for a warning that rose.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        acknowledge_by: Option<Timestamp>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        feedback_by: Option<Timestamp>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        notify: Vec<Told>,
    },
    /// Somebody took notice of it (clause 3.2f).
    #[serde(rename = "huiyin.warning.acknowledged.v1")]
    WarningAcknowledged {
        unit: String,
        warning: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        late: bool,
        by: Actor,
        at: Timestamp,
    },
    /// What was done about it.
    #[serde(rename = "huiyin.warning.fed-back.v1")]
    WarningFedBack {
        unit: String,
        warning: String,
        text: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        case: Option<String>,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        late: bool,
        by: Actor,
        at: Timestamp,
    },
    /// It was not acknowledged, or not answered, in time.
    #[serde(rename = "huiyin.warning.late.v1")]
    WarningLate {
        unit: String,
        warning: String,
        name: String,
        colour: Colour,
        /// `acknowledgement` or `feedback`.
        what: String,
        due: Timestamp,
        at: Timestamp,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        notify: Vec<Told>,
    },
    /// An item or a case is shared with another unit (clause 3.1f).
    #[serde(rename = "huiyin.share.granted.v1")]
    ShareGranted {
        unit: String,
        share: Share,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        notify: Vec<Told>,
    },
    /// The other unit read it.
    #[serde(rename = "huiyin.share.read.v1")]
    ShareRead {
        unit: String,
        share: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        case: Option<String>,
        /// The unit in whose name it was read.
        reader: String,
        by: Actor,
        at: Timestamp,
    },
    /// It is shared no more.
    #[serde(rename = "huiyin.share.revoked.v1")]
    ShareRevoked {
        unit: String,
        share: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        case: Option<String>,
        reason: String,
        by: Actor,
        at: Timestamp,
    },
}

impl WatchFact {
    /// The unit it concerns.
    pub fn unit(&self) -> &str {
        match self {
            Self::WarningRaised { warning, .. } => &warning.unit,
            Self::SourceWatched { unit, .. }
            | Self::SourceUnwatched { unit, .. }
            | Self::SourceDown { unit, .. }
            | Self::SourceUp { unit, .. }
            | Self::DutyPlanned { unit, .. }
            | Self::RosterSet { unit, .. }
            | Self::DutySwapped { unit, .. }
            | Self::DutyUnstaffed { unit, .. }
            | Self::DutyCheckedIn { unit, .. }
            | Self::DutyMissed { unit, .. }
            | Self::PatrolDone { unit, .. }
            | Self::PatrolMissed { unit, .. }
            | Self::LabelSet { unit, .. }
            | Self::Measured { unit, .. }
            | Self::WarningMoved { unit, .. }
            | Self::WarningAcknowledged { unit, .. }
            | Self::WarningFedBack { unit, .. }
            | Self::WarningLate { unit, .. }
            | Self::ShareGranted { unit, .. }
            | Self::ShareRead { unit, .. }
            | Self::ShareRevoked { unit, .. } => unit,
        }
    }

    /// The case under whose data key it belongs.
    pub fn case(&self) -> Option<&str> {
        match self {
            Self::LabelSet { case, .. } | Self::ShareRead { case, .. } | Self::ShareRevoked { case, .. } => {
                case.as_deref()
            }
            Self::ShareGranted { share, .. } => share.case.as_deref(),
            _ => None,
        }
    }

    /// The source under whose data key it belongs.
    pub fn source(&self) -> Option<&str> {
        match self {
            Self::SourceWatched { source, .. }
            | Self::SourceUnwatched { source, .. }
            | Self::SourceDown { source, .. }
            | Self::SourceUp { source, .. } => Some(source),
            Self::LabelSet { source, .. } => source.as_deref(),
            _ => None,
        }
    }

    /// The event that it makes, if it makes one.
    pub(crate) fn event(&self) -> Option<DeskEvent> {
        let (kind, notify): (&'static str, &[Told]) = match self {
            Self::SourceWatched { .. }
            | Self::SourceUnwatched { .. }
            | Self::DutyPlanned { .. }
            | Self::Measured { .. } => return None,
            Self::SourceDown { notify, .. } => ("huiyin.source.down.v1", notify),
            Self::SourceUp { notify, .. } => ("huiyin.source.up.v1", notify),
            Self::RosterSet { .. } => ("huiyin.duty.roster-set.v1", &[]),
            Self::DutySwapped { .. } => ("huiyin.duty.swapped.v1", &[]),
            Self::DutyUnstaffed { notify, .. } => ("huiyin.duty.unstaffed.v1", notify),
            Self::DutyCheckedIn { .. } => ("huiyin.duty.checked-in.v1", &[]),
            Self::DutyMissed { notify, .. } => ("huiyin.duty.missed.v1", notify),
            Self::PatrolDone { .. } => ("huiyin.patrol.done.v1", &[]),
            Self::PatrolMissed { notify, .. } => ("huiyin.patrol.missed.v1", notify),
            Self::LabelSet { .. } => ("huiyin.label.set.v1", &[]),
            Self::WarningRaised { notify, .. } => ("huiyin.warning.raised.v1", notify),
            Self::WarningMoved { from, colour, notify, .. } => match colour {
                Some(colour) if colour > from => ("huiyin.warning.raised.v1", notify),
                Some(_) => ("huiyin.warning.lowered.v1", notify),
                None => ("huiyin.warning.ended.v1", notify),
            },
            Self::WarningAcknowledged { .. } => ("huiyin.warning.acknowledged.v1", &[]),
            Self::WarningFedBack { .. } => ("huiyin.warning.fed-back.v1", &[]),
            Self::WarningLate { notify, .. } => ("huiyin.warning.late.v1", notify),
            Self::ShareGranted { notify, .. } => ("huiyin.share.granted.v1", notify),
            Self::ShareRead { .. } => ("huiyin.share.read.v1", &[]),
            Self::ShareRevoked { .. } => ("huiyin.share.revoked.v1", &[]),
        };
        let mut data = match self {
            Self::WarningRaised { warning, .. } => warning.view(),
            other => serde_json::to_value(other).unwrap_or_default(),
        };
        if let Self::WarningMoved { colour: Some(colour), .. } | Self::WarningLate { colour, .. } = self {
            data["colour_zh"] = json!(colour.zh());
        }
        if let Value::Object(map) = &mut data {
            map.shift_remove("type");
            map.insert("unit".to_owned(), json!(self.unit()));
            map.insert("notify".to_owned(), notify.iter().map(told).collect());
        }
        let fact = Fact::Watch(Box::new(self.clone()));
        Some(DeskEvent { kind, subject: fact.subject(), unit: self.unit().to_owned(), data })
    }
}

fn told(told: &Told) -> Value {
    let Recipient { id, name, unit, role } = &told.to;
    json!({ "to": id, "name": name, "unit": unit, "role": role, "clause": told.clause })
}
