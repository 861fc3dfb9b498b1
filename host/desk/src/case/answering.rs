//! Answering (回应): what was said back, to whom, and about which concern
//! (clauses 1c, 1i); and the times people record (clause 1a).

use jiff::Timestamp;
use serde_json::json;

use super::{Answer, Case, ConcernAnswer, Milestone, OTHERS};
use crate::command::{RecordAnswer, RecordTime};
use crate::decide::{Output, Work, said};
use crate::error::DeskError;
use crate::fact::Fact;
use crate::policy::SatisfiedBy;
use crate::text::clip;

impl Work<'_> {
    /// `record-answer`.
    pub(crate) fn record_answer(&mut self, input: &RecordAnswer) -> Output {
        let case = self.open(&input.case)?;
        for (i, id) in input.askers.iter().enumerate() {
            let pointer = format!("/askers/{i}");
            if !case.askers.iter().any(|asker| asker.id == *id) {
                return Err(DeskError::new(
                    "not-found",
                    format!("case {} has no asker `{}`", case.number, clip(id, 100)),
                )
                .at(pointer));
            }
            if id == OTHERS {
                return Err(DeskError::new("ambiguous", "these askers are not listed one by one")
                    .at(pointer)
                    .hint("answer in public: leave `askers` empty"));
            }
        }
        for (i, said) in input.concerns.iter().enumerate() {
            check_concern(&case, said, &format!("/concerns/{i}"))?;
        }
        let delivered_at = input.delivered_at.unwrap_or(self.now());
        self.in_order(&case, delivered_at, "/delivered_at", "the answer was delivered")?;
        let public = input.askers.is_empty();
        let answer = Answer {
            askers: input.askers.clone(),
            public,
            text: said(&input.text, 20_000, "/text", "the answer's text")?,
            channel: said(&input.channel, 100, "/channel", "the channel")?,
            proof: input.proof.as_deref().map(|text| said(text, 2_000, "/proof", "the proof")).transpose()?,
            concerns: input.concerns.clone(),
            delivered_at,
            by: self.actor().clone(),
            at: self.now(),
        };
        self.push(Fact::AnswerRecorded { head: case.head(), answer });
        if public {
            self.satisfy_all(&input.case, SatisfiedBy::Publication, delivered_at)?;
        }
        self.advance(&input.case)?;
        let case = self.case(&input.case)?;
        if case.everyone_answered() && case.every_concern_settled() {
            let last = case.times.answered.unwrap_or(delivered_at);
            self.satisfy_all(&input.case, SatisfiedBy::Answer, last)?;
        }
        Ok(json!({
            "case": input.case,
            "state": case.state,
            "unanswered": unanswered(&case),
            "open_concerns": open_concerns(&case),
        }))
    }

    /// `record-time`.
    pub(crate) fn record_time(&mut self, input: &RecordTime) -> Output {
        let case = self.open(&input.case)?;
        let time = input.time.unwrap_or(self.now());
        let what = match input.milestone {
            Milestone::Verified => "the matter was verified",
            Milestone::Handled => "the matter was handled",
            Milestone::Published => "the answer was published",
        };
        self.in_order(&case, time, "/time", what)?;
        let times = &case.times;
        let wrong = match input.milestone {
            Milestone::Verified => times.handled.filter(|handled| time > *handled).map(|at| ("handled", at)),
            Milestone::Handled => times.verified.filter(|verified| time < *verified).map(|at| ("verified", at)),
            Milestone::Published => None,
        };
        if let Some((other, at)) = wrong {
            return Err(DeskError::new("order", format!("{what} at {time}, and yet it was {other} at {at}"))
                .at("/time")
                .clause("1a")
                .hint("what is handled was verified before"));
        }
        let fact = Fact::TimeRecorded {
            head: case.head(),
            milestone: input.milestone,
            time,
            by: self.actor().clone(),
            at: self.now(),
        };
        self.push(fact);
        if input.milestone == Milestone::Published {
            self.satisfy_all(&input.case, SatisfiedBy::Publication, time)?;
        }
        Ok(json!({ "case": input.case, "milestone": input.milestone, "time": time }))
    }

    /// Clause 1a: nothing is done about a matter before it is discovered, nor in the future.
    fn in_order(&self, case: &Case, time: Timestamp, pointer: &str, what: &str) -> Result<(), DeskError> {
        let (discovered, now) = (case.times.discovered, self.now());
        let why = if time < discovered {
            format!("{what} at {time}, and yet the matter was discovered at {discovered}")
        } else if time > now {
            format!("{what} at {time}, and yet it is {now} now")
        } else {
            return Ok(());
        };
        Err(DeskError::new("order", why).at(pointer).clause("1a").hint("correct the time"))
    }
}

fn check_concern(case: &Case, answer: &ConcernAnswer, pointer: &str) -> Result<(), DeskError> {
    if !case.concerns.iter().any(|concern| concern.id == answer.concern) {
        let ids: Vec<&str> = case.concerns.iter().map(|concern| concern.id.as_str()).collect();
        return Err(DeskError::new(
            "not-found",
            format!("case {} has no concern `{}`", case.number, clip(&answer.concern, 50)),
        )
        .at(format!("{pointer}/concern"))
        .hint(format!("it has: {}", ids.join(", "))));
    }
    match (&answer.text, &answer.declined) {
        (Some(text), None) => said(text, 5_000, &format!("{pointer}/text"), "the answer to the concern").map(drop),
        (None, Some(why)) => {
            said(why, 5_000, &format!("{pointer}/declined"), "why the concern is not answered").map(drop)
        }
        _ => Err(DeskError::new("ambiguous", "a concern is answered, or it is said why not")
            .at(pointer)
            .clause("1c")
            .hint("give exactly one of `text` and `declined`")),
    }
}

/// The askers that wait.
pub(super) fn unanswered(case: &Case) -> Vec<&str> {
    case.askers.iter().filter(|asker| asker.answered.is_none()).map(|asker| asker.id.as_str()).collect()
}

/// The concerns that nobody has spoken to.
pub(super) fn open_concerns(case: &Case) -> Vec<&str> {
    case.concerns.iter().filter(|concern| !concern.settled).map(|concern| concern.id.as_str()).collect()
}
