//! What becomes of a report that was sent (clause 3.3): who signed for it, in
//! which series it is numbered, and which reports went another way.

use serde_json::json;

use super::report::{Bypass, Receipt, ReportNumber, Stage};
use crate::command::{RecordBypass, RecordReceipt};
use crate::decide::{Output, Work, said};
use crate::error::DeskError;
use crate::fact::Fact;
use crate::text::clip;

/// The most reports of a case that went another way.
const MAX_BYPASSES: usize = 100;

impl Work<'_> {
    /// `record-receipt`.
    pub(crate) fn record_receipt(&mut self, input: &RecordReceipt) -> Output {
        // Also of a closed case: a receipt comes when it comes.
        let case = self.case(&input.case)?;
        let Some(report) = case.report(&input.report) else {
            let known: Vec<String> = (1..=case.reports.len()).map(|n| format!("r{n}")).collect();
            return Err(DeskError::new(
                "not-found",
                format!("case {} has no report `{}`", case.number, clip(&input.report, 50)),
            )
            .at("/report")
            .hint(format!("it has: {}", known.join(", "))));
        };
        if !report.to.iter().any(|to| to.unit == input.addressee) {
            let known: Vec<&str> = report.to.iter().map(|to| to.unit.as_str()).collect();
            return Err(DeskError::new(
                "not-found",
                format!("{} did not go to `{}`", input.report, clip(&input.addressee, 100)),
            )
            .at("/addressee")
            .clause("3.3")
            .hint(format!("it went to: {}", known.join(", "))));
        }
        let now = self.now();
        let time = input.time.unwrap_or(now);
        if time < report.at || time > now {
            let why = format!("nobody signed at {time} for what was sent at {}; it is {now} now", report.at);
            return Err(DeskError::new("order", why).at("/time").clause("1a").hint("correct the time"));
        }
        let by = match (&input.by, self.actor().person()) {
            (Some(name), _) => said(name, 100, "/by", "who signed")?,
            (None, Some(person)) => {
                let there = self.policy()?.unit(&input.addressee).is_some_and(|unit| unit.person(person).is_some());
                if !there {
                    return Err(DeskError::new(
                        "empty",
                        format!("`{person}` is not of `{}`: who signed there?", input.addressee),
                    )
                    .at("/by")
                    .clause("3.3")
                    .hint("give the name of who signed: `by`"));
                }
                person.to_owned()
            }
            (None, None) => {
                return Err(DeskError::new("empty", "`by` is missing: who signed").at("/by").clause("3.3"));
            }
        };
        let known = report.receipts.iter().find(|receipt| receipt.addressee == input.addressee);
        if known.is_none() {
            let receipt =
                Receipt { addressee: input.addressee.clone(), by, time, recorded_by: self.actor().clone(), at: now };
            self.push(Fact::ReportReceipted { head: case.head(), report: input.report.clone(), receipt });
            if case.is_open() {
                self.stop_receipt_clock(&case.number, &input.report)?;
            }
        }
        let case = self.case(&input.case)?;
        let report = case.report(&input.report);
        let receipt = report.and_then(|r| r.receipts.iter().find(|receipt| receipt.addressee == input.addressee));
        let unsigned = report.map(|report| report.unsigned().map(|to| to.unit.clone()).collect::<Vec<_>>());
        Ok(json!({
            "case": input.case, "report": input.report, "addressee": input.addressee,
            "by": receipt.map(|receipt| &receipt.by), "time": receipt.map(|receipt| receipt.time),
            "unsigned": unsigned.unwrap_or_default(),
        }))
    }

    /// `record-bypass`.
    pub(crate) fn record_bypass(&mut self, input: &RecordBypass) -> Output {
        let case = self.case(&input.case)?;
        let now = self.now();
        let time = input.time.unwrap_or(now);
        if time > now {
            let why = format!("nothing was sent at {time}: it is {now} now");
            return Err(DeskError::new("order", why).at("/time").clause("1a"));
        }
        if case.bypasses.len() >= MAX_BYPASSES {
            let message = format!("case {} has {MAX_BYPASSES} of these already", case.number);
            return Err(DeskError::new("too-many", message).at("/case"));
        }
        let bypass = Bypass {
            id: format!("b{}", case.bypasses.len() + 1),
            from: said(&input.from, 100, "/from", "who sent it")?,
            to: said(&input.to, 200, "/to", "to whom it was sent")?,
            channel: said(&input.channel, 100, "/channel", "the way it went")?,
            text: said(&input.text, 2_000, "/text", "what was told")?,
            time,
            by: self.actor().clone(),
            at: now,
        };
        let id = bypass.id.clone();
        self.push(Fact::ReportBypassed { head: case.head(), bypass });
        Ok(json!({ "case": input.case, "bypass": id, "time": time }))
    }

    /// The next number of a unit's series this year. A unit's reports may be sent from several partitions
    /// (a case stays where it was opened, whoever leads it by now), so their numbers count, too.
    pub(super) fn next_number(&self, unit: &str, series: Stage) -> Result<ReportNumber, DeskError> {
        let year = self.policy()?.time_zone.time_zone().to_datetime(self.now()).year();
        let key = ReportNumber::series(unit, year, series);
        let here = self.desk.last_number(&key);
        let no = here.max(self.elsewhere().numbers.get(&key).copied().unwrap_or_default()).saturating_add(1);
        Ok(ReportNumber { unit: unit.to_owned(), year, series, no })
    }
}
