//! Assessing (研判): machines and people say how grave a matter is. Machines
//! only raise; a named person lowers, with a reason (rule 7).

use serde_json::json;
use uuid::Uuid;

use super::Case;
use super::approving::Proposal;
use crate::actor::Actor;
use crate::command::RecordAssessment;
use crate::decide::{Output, Work, said};
use crate::error::DeskError;
use crate::fact::Fact;
use crate::level::Level;
use crate::policy::{Occasion, SatisfiedBy};
use crate::text::clip;
use crate::verdict::Assessment;

impl Work<'_> {
    /// `record-assessment`.
    pub(crate) fn record_assessment(&mut self, input: &RecordAssessment) -> Output {
        let (unit, source, number) = match (&input.item, &input.case) {
            (Some(item), None) => {
                let record = self.record(item)?;
                let number = self.desk.case_of_item(item).map(str::to_owned);
                (record.unit.clone(), Some(record.source.clone()), number)
            }
            (None, Some(number)) => (self.open(number)?.unit.clone(), None, Some(number.clone())),
            _ => {
                return Err(DeskError::new("ambiguous", "an assessment is of one item or of one case")
                    .hint("give exactly one of `item` and `case`"));
            }
        };
        if !in_range(input.verdict.score) {
            return Err(DeskError::new("out-of-range", "a score lies between 0 and 1")
                .at("/verdict/score")
                .clause("3.2a"));
        }
        if let Some((name, _)) = input.verdict.factors.iter().find(|(_, score)| !in_range(**score)) {
            return Err(DeskError::new("out-of-range", "a score lies between 0 and 1")
                .at(format!("/verdict/factors/{}", clip(name, 100)))
                .clause("3.2a"));
        }
        let assessment = Assessment {
            verdict: input.verdict.bounded(),
            floor: false,
            classifier: input.classifier.as_ref().map(|name| clip(name, 100)),
            by: self.actor().clone(),
            at: self.now(),
        };
        // A closed case does not change; the item still does.
        let number = number.filter(|number| self.desk.case(number).is_some_and(Case::is_open));
        self.push(Fact::ItemAssessed { unit, source, item: input.item, case: number.clone(), assessment });
        if let (Some(number), Some(level)) = (&number, input.verdict.level) {
            let person = self.actor().person().is_some().then(|| self.actor().clone());
            self.raise(number, level, input.item, "assessed as graver", person)?;
        }
        if let Some(number) = &number {
            self.satisfy_all(number, SatisfiedBy::Assessment, self.now())?;
            self.advance(number)?;
        }
        let of_item = input.item.and_then(|item| self.desk.item(&item)).and_then(|record| record.level());
        let of_case = number.as_ref().and_then(|number| self.desk.case(number)).map(|case| case.level);
        Ok(json!({ "item": input.item, "case": number, "level": of_case.or(of_item), "item_level": of_item }))
    }

    /// Raises a case to a level, if that is graver: the act of the person who
    /// says so, or else the desk's own, whoever brought in what it follows
    /// from. What a person had before them when they set the level does not
    /// raise it again by itself.
    pub(crate) fn raise(
        &mut self,
        number: &str,
        to: Level,
        item: Option<Uuid>,
        why: &str,
        person: Option<Actor>,
    ) -> Result<(), DeskError> {
        let case = self.case(number)?;
        let set_by_person = case.level_changes.iter().any(|change| change.by.person().is_some());
        let settled = set_by_person && item.is_none_or(|item| self.is_settled(&case, &item));
        if to <= case.level || (settled && person.is_none()) {
            return Ok(());
        }
        self.change_level(number, to, why, person.unwrap_or_else(|| Actor::System("desk".to_owned())))
    }

    /// Whether a person had this item, or the same text, before them.
    fn is_settled(&self, case: &Case, item: &Uuid) -> bool {
        let original = |item: &Uuid| self.desk.item(item).and_then(|record| record.duplicate_of).unwrap_or(*item);
        let text = original(item);
        case.settled_items.iter().any(|known| known == item || original(known) == text)
    }

    /// `SetLevel`.
    pub(crate) fn set_level(&mut self, number: &str, to: Level, reason: &str) -> Output {
        let case = self.open(number)?;
        let reason = said(reason, 1_000, "/reason", "the reason")?;
        if to == case.level {
            return Err(DeskError::new("unchanged", format!("case {number} has level {to} already")).at("/level"));
        }
        // Where the pack asks for it, a lower level waits for other people (rule 7, clause 6b).
        if to < case.level && self.chain_for("lower-level", &case).is_some() {
            let author = self.person("lower the level of a case", "rule 7")?;
            let pending = self.propose(&case, author, Proposal::LowerLevel { from: case.level, to, reason })?;
            return Ok(json!({ "case": number, "level": case.level, "pending": pending }));
        }
        self.change_level(number, to, &reason, self.actor().clone())?;
        Ok(json!({ "case": number, "level": to }))
    }

    /// A lower level that was approved: it is its author's.
    pub(super) fn take_level(&mut self, number: &str, to: Level, reason: &str, author: &str) -> Result<(), DeskError> {
        self.change_level(number, to, reason, Actor::Person(author.to_owned()))
    }

    pub(super) fn change_level(&mut self, number: &str, to: Level, reason: &str, by: Actor) -> Result<(), DeskError> {
        let (case, policy) = (self.case(number)?, self.policy()?);
        let notify = if to > case.level {
            self.owed(Occasion::CaseOpened, to, &case.unit, None, Some(&case))
        } else {
            Vec::new()
        };
        let mut head = case.head();
        head.level = to;
        let fact = Fact::LevelChanged {
            head,
            from: case.level,
            response_value: policy.response_value(to),
            reason: reason.to_owned(),
            by,
            at: self.now(),
            notify,
        };
        self.push(fact);
        // A clock that runs goes on, also when the level falls.
        self.start_clocks_of_level(number)
    }
}

fn in_range(score: f64) -> bool {
    (0.0..=1.0).contains(&score)
}
