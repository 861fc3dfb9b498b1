//! A person gives a label, or takes it away (clause 3.1c).

use serde_json::json;

use super::{LabelEntry, WatchFact};
use crate::command::SetLabel;
use crate::decide::{Output, Work, said};
use crate::error::DeskError;
use crate::fact::Fact;

impl Work<'_> {
    /// `set-label`.
    pub(crate) fn set_label(&mut self, input: &SetLabel) -> Output {
        self.person("set a label", "3.1c")?;
        let reason = said(&input.reason, 500, "/reason", "the reason")?;
        if input.evidence.len() > 20 {
            return Err(DeskError::new("too-many", "at most 20 pieces of evidence").at("/evidence"));
        }
        let evidence = input.evidence.iter().enumerate();
        let evidence = evidence
            .map(|(i, text)| said(text, 500, &format!("/evidence/{i}"), "the evidence"))
            .collect::<Result<Vec<_>, _>>()?;
        let (unit, source, before) = match (&input.item, &input.case) {
            (Some(item), None) => {
                let record = self.record(item)?;
                (record.unit.clone(), Some(record.source.clone()), record.labels.held())
            }
            (None, Some(number)) => {
                let case = self.open(number)?;
                (case.unit.clone(), None, case.labels.held())
            }
            _ => {
                return Err(DeskError::new("ambiguous", "a label is of one item or of one case")
                    .hint("give exactly one of `item` and `case`"));
            }
        };
        let on = !input.remove;
        let entry = LabelEntry {
            label: input.label,
            on,
            reason: Some(reason),
            evidence,
            classifier: None,
            by: self.actor().clone(),
            at: self.now(),
        };
        let case = input.case.clone();
        self.watched(WatchFact::LabelSet { unit, source, item: input.item, case: case.clone(), entry });
        let held = match (&input.item, &case) {
            (Some(item), _) => self.record(item)?.labels.held(),
            (_, Some(number)) => self.case(number)?.labels.held(),
            _ => before.clone(),
        };
        Ok(json!({ "item": input.item, "case": case, "before": before, "labels": held }))
    }

    /// Decides a fact of watching, and takes it in.
    pub(crate) fn watched(&mut self, fact: WatchFact) {
        self.push(Fact::Watch(Box::new(fact)));
    }
}
