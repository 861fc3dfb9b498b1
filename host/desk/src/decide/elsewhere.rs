//! What other partitions know and a decision needs. A desk holds the units of
//! one partition; a person of a unit above, whose delegations are kept
//! elsewhere, may act here. Whoever asks the desk gathers this beforehand.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Work;
use crate::command::Command;
use crate::delegation::Delegation;
use crate::desk::Desk;

/// What is known in other partitions.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Elsewhere {
    /// Delegations that hold.
    pub delegations: Vec<Delegation>,
    /// The last number of each series of reports, by unit, year and series.
    #[serde(default)]
    pub numbers: BTreeMap<String, u32>,
}

impl Elsewhere {
    /// Takes in what one more partition knows.
    pub fn join(&mut self, other: Self) {
        self.delegations.extend(other.delegations);
        for (series, no) in other.numbers {
            let last = self.numbers.entry(series).or_default();
            *last = no.max(*last);
        }
    }
}

impl Desk {
    /// What a decision in another partition may need of this one.
    pub fn elsewhere(&self, now: Timestamp) -> Elsewhere {
        Elsewhere {
            delegations: self.delegations().filter(|delegation| delegation.holds(now)).cloned().collect(),
            numbers: self.numbers().iter().map(|(series, no)| (series.clone(), *no)).collect(),
        }
    }
}

impl Command {
    /// Whether it may need what other partitions know ([`Elsewhere`]).
    pub fn needs_elsewhere(&self) -> bool {
        // Whatever is approved, or may wait for that.
        matches!(
            self,
            Self::Approve { .. }
                | Self::ApproveNoResponse { .. }
                | Self::Decline { .. }
                | Self::ProposeNoResponse { .. }
                | Self::SetLevel { .. }
                | Self::CorrectOccurredAt { .. }
                | Self::RecordAnswer(_)
                | Self::RecordTime(_)
                | Self::SubmitReport(_)
                | Self::AssessCase(_)
                | Self::OpenGate(_)
        )
    }

    /// Whether it may take the next number of a series of reports. Such commands are carried out one after
    /// another, so that no number is given twice.
    pub fn may_number(&self) -> bool {
        matches!(self, Self::Approve { .. } | Self::ApproveNoResponse { .. } | Self::SubmitReport(_))
    }
}

impl Work<'_> {
    pub(crate) fn elsewhere(&self) -> &Elsewhere {
        &self.elsewhere
    }

    /// Every delegation that holds now, wherever it is kept.
    pub(crate) fn delegations(&self) -> Vec<Delegation> {
        let now = self.now();
        let mut known: Vec<Delegation> = self.desk.delegations().filter(|d| d.holds(now)).cloned().collect();
        for other in self.elsewhere.delegations.iter().filter(|delegation| delegation.holds(now)) {
            if !known.iter().any(|d| (&d.unit, &d.id) == (&other.unit, &other.id)) {
                known.push(other.clone());
            }
        }
        known
    }
}
