//! What has happened to a clock. Facts are decided and self-contained: whoever applies them computes nothing,
//! so they outlive every version of the rules and of this code.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::rule::{Anchor, PauseKind, Revised, Warning};
use crate::allowance::{Allowance, iso};
use crate::due::Due;
use crate::zone::Zone;

/// A warning and the instant it is set for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Armed {
    /// The warning, as the rule has it.
    pub warning: Warning,
    /// When it is to be given.
    #[serde(with = "crate::stamp")]
    pub at: Timestamp,
}

/// One thing that happened to one clock. In JSON the field `fact` names which.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "snake_case", deny_unknown_fields)]
pub enum ClockFact {
    /// The clock runs.
    Started {
        /// The clock's id.
        clock: String,
        /// The rule it follows.
        rule: String,
        /// What it is about, usually `case/<number>`.
        subject: String,
        /// The text the figure comes from.
        source: String,
        /// From which moment of the case it counts.
        anchor: Anchor,
        /// That moment.
        #[serde(with = "crate::stamp")]
        anchor_at: Timestamp,
        /// How long there is.
        allowance: Allowance,
        /// The calendar's id.
        calendar: String,
        /// The zone whose days are counted.
        zone: Zone,
        /// Whether it may be paused.
        pausable: bool,
        /// When it ends.
        due: Due,
        /// The warnings to give, in order of time.
        warnings: Vec<Armed>,
        /// When it was started.
        #[serde(with = "crate::stamp")]
        at: Timestamp,
    },
    /// A warning was given.
    Warned {
        /// The clock's id.
        clock: String,
        /// Which warning.
        warning: Warning,
        /// When it was to be given.
        #[serde(with = "crate::stamp")]
        warn_at: Timestamp,
        /// The due time it warned of.
        #[serde(with = "crate::stamp")]
        due_at: Timestamp,
        /// When it was given.
        #[serde(with = "crate::stamp")]
        fired_at: Timestamp,
    },
    /// The due time passed unsatisfied.
    Breached {
        /// The clock's id.
        clock: String,
        /// The due time that passed.
        #[serde(with = "crate::stamp")]
        due_at: Timestamp,
        /// When that was noticed.
        #[serde(with = "crate::stamp")]
        fired_at: Timestamp,
        /// How late that is, more than zero: `fired_at` − `due_at`, or, of a clock at rest that a correction found to
        /// be late, when it was satisfied − `due_at`.
        #[serde(with = "iso")]
        lateness: SignedDuration,
    },
    /// What the clock waited for was done. The clock rests.
    Satisfied {
        /// The clock's id.
        clock: String,
        /// When it was done.
        #[serde(with = "crate::stamp")]
        at: Timestamp,
        /// What or who did it.
        by: String,
        /// Whether it was done by the due time.
        on_time: bool,
    },
    /// The anchor was corrected, and with it the due time.
    Rescheduled {
        /// The clock's id.
        clock: String,
        /// The anchor before.
        #[serde(with = "crate::stamp")]
        old_anchor_at: Timestamp,
        /// The anchor now.
        #[serde(with = "crate::stamp")]
        anchor_at: Timestamp,
        /// The due time before.
        old_due: Due,
        /// The due time now.
        due: Due,
        /// The warnings still to give.
        warnings: Vec<Armed>,
        /// Whether a breach that was reported is undone: the new due time is still to come. It stays in the history.
        breach_lifted: bool,
        /// Why.
        reason: String,
        /// Who corrected it.
        by: String,
        /// When.
        #[serde(with = "crate::stamp")]
        at: Timestamp,
        /// The figures it follows from now on, where these changed too.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        revised: Option<Revised>,
    },
    /// The clock stands still.
    Paused {
        /// The clock's id.
        clock: String,
        /// From when.
        #[serde(with = "crate::stamp")]
        at: Timestamp,
        /// Why.
        reason: String,
        /// Who paused it.
        by: String,
        /// What kind of pause it is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kind: Option<PauseKind>,
        /// Who approved it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        approved_by: Option<String>,
    },
    /// The clock runs again, with the rest it had.
    Resumed {
        /// The clock's id.
        clock: String,
        /// From when.
        #[serde(with = "crate::stamp")]
        at: Timestamp,
        /// The due time now.
        due: Due,
        /// The warnings still to give.
        warnings: Vec<Armed>,
        /// Who resumed it.
        by: String,
    },
    /// There is more time, once.
    Extended {
        /// The clock's id.
        clock: String,
        /// How much more.
        allowance: Allowance,
        /// The due time before.
        old_due: Due,
        /// The due time now.
        due: Due,
        /// The warnings still to give.
        warnings: Vec<Armed>,
        /// Why.
        reason: String,
        /// Who asked for it.
        by: String,
        /// Who approved it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        approved_by: Option<String>,
        /// When.
        #[serde(with = "crate::stamp")]
        at: Timestamp,
    },
}

impl ClockFact {
    /// The clock it happened to.
    pub fn clock(&self) -> &str {
        match self {
            Self::Started { clock, .. }
            | Self::Warned { clock, .. }
            | Self::Breached { clock, .. }
            | Self::Satisfied { clock, .. }
            | Self::Rescheduled { clock, .. }
            | Self::Paused { clock, .. }
            | Self::Resumed { clock, .. }
            | Self::Extended { clock, .. } => clock,
        }
    }
}
