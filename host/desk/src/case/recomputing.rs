//! Counting running clocks anew: by a newer calendar, where a due time was provisional, and by a newer pack, where an
//! admin asks for it. A breach stays as it is, and so does a clock at rest.

use huiyin_deadline::clock::{self, Revised};
use serde_json::json;

use crate::decide::{Output, Work};
use crate::error::DeskError;
use crate::fact::Fact;

impl Work<'_> {
    /// Every clock whose due time a notice could still move is counted by the calendar in force.
    pub(crate) fn recompute_provisional(&mut self) -> Result<u64, DeskError> {
        let mut moved = 0;
        for number in self.desk.running() {
            let case = self.case(&number)?;
            for entry in case.clocks.iter().filter(|entry| entry.clock.due.provisional) {
                let Ok(calendar) = self.calendar(&entry.clock.calendar) else { continue };
                let (by, now) = (self.actor().to_string(), self.now());
                let reason = "the calendar of a year that was provisional was published";
                let facts = clock::recompute(&entry.clock, None, reason, &by, now, &calendar);
                for fact in facts.unwrap_or_default() {
                    moved += 1;
                    self.moved(&number, fact)?;
                }
            }
        }
        Ok(moved)
    }

    /// `RecomputeClocks`: open cases follow the pack in force from now on, and so do their running clocks.
    pub(crate) fn recompute_clocks(&mut self, reason: &str) -> Output {
        let pack = self.policy()?;
        let name = format!("{}:{}", pack.name, pack.version);
        let (mut cases, mut moved) = (Vec::new(), 0_u64);
        for number in self.desk.open_numbers() {
            let case = self.case(&number)?;
            if case.pack != name {
                self.push(Fact::CasePackChanged {
                    head: case.head(),
                    from: case.pack.clone(),
                    to: name.clone(),
                    by: self.actor().clone(),
                    at: self.now(),
                });
            }
            for entry in &case.clocks {
                // A rule that the new pack leaves out, or whose figure it does not know, holds on for what runs.
                let Some(rule) = pack.clock(&entry.clock.rule, &case.unit) else { continue };
                let Some(allowance) = rule.allowance else { continue };
                // A task may have a tighter time of its own, and keeps it.
                let own = entry.satisfied_by == crate::policy::SatisfiedBy::Feedback;
                let allowance = if own && allowance.within(&entry.clock.allowance) != Some(true) {
                    entry.clock.allowance
                } else {
                    allowance
                };
                let revised = Revised {
                    allowance,
                    calendar: rule.calendar.clone(),
                    warnings: rule.warnings.clone(),
                    pausable: rule.pausable,
                    source: rule.basis.source.clone(),
                };
                let calendar = self.calendar(&rule.calendar)?;
                let by = self.actor().to_string();
                let facts = clock::recompute(&entry.clock, Some(&revised), reason, &by, self.now(), &calendar);
                let facts = facts.map_err(super::clocks::refused)?;
                let runs = entry.clock.satisfied.is_none() && entry.clock.breached.is_none();
                if runs && rule.escalation != entry.ladder {
                    let (head, clock, ladder) = (case.head(), entry.clock.id.clone(), rule.escalation.clone());
                    self.push(Fact::LadderChanged { head, clock, ladder, at: self.now() });
                }
                if !facts.is_empty() {
                    moved += 1;
                    cases.push(number.clone());
                }
                for fact in facts {
                    self.moved(&number, fact)?;
                }
            }
            self.start_clocks_of_level(&number)?;
        }
        cases.dedup();
        Ok(json!({ "policy": pack.name, "version": pack.version, "clocks": moved, "cases": cases }))
    }
}
