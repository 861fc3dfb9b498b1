//! Answering (回应): what was said back, to whom, and about which concern
//! (clauses 1c, 1i); and the times people record (clause 1a).

use huiyin_deadline::clock::{self, Anchor};
use jiff::Timestamp;
use serde_json::json;

use super::approving::Proposal;
use super::{Answer, Case, CaseClock, ConcernAnswer, Confirmation, Milestone, OTHERS};
use crate::actor::Actor;
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
        self.may_handle(&case)?;
        let answer = self.answer(&case, input, self.actor().clone(), None)?;
        let waited: &[SatisfiedBy] =
            if answer.public { &[SatisfiedBy::Answer, SatisfiedBy::Publication] } else { &[SatisfiedBy::Answer] };
        let pending = match self.late_evidence(&case, waited, answer.delivered_at) {
            Some(entry) => {
                let author = self.claims(entry, answer.delivered_at, answer.proof.is_some(), "/proof")?;
                let claim = RecordAnswer { delivered_at: Some(answer.delivered_at), ..input.clone() };
                Some(self.propose(&case, author, Proposal::Answer(claim))?)
            }
            None => {
                self.put_answer(&case, answer)?;
                None
            }
        };
        let case = self.case(&input.case)?;
        let mut output = json!({
            "case": input.case,
            "state": case.state,
            "unanswered": unanswered(&case),
            "open_concerns": open_concerns(&case),
        });
        if let Some(pending) = pending {
            output["pending"] = pending;
        }
        Ok(output)
    }

    /// An answer that a second person confirmed.
    pub(super) fn take_answer(
        &mut self,
        input: &RecordAnswer,
        author: &str,
        confirmed: Confirmation,
    ) -> Result<(), DeskError> {
        let case = self.open(&input.case)?;
        let answer = self.answer(&case, input, Actor::Person(author.to_owned()), Some(confirmed))?;
        self.put_answer(&case, answer)
    }

    pub(super) fn answer(
        &self,
        case: &Case,
        input: &RecordAnswer,
        by: Actor,
        confirmed: Option<Confirmation>,
    ) -> Result<Answer, DeskError> {
        let delivered_at = input.delivered_at.unwrap_or(self.now());
        self.in_order(case, delivered_at, "/delivered_at", "the answer was delivered")?;
        for (i, id) in input.askers.iter().enumerate() {
            let pointer = format!("/askers/{i}");
            let Some(asker) = case.askers.iter().find(|asker| asker.id == *id) else {
                return Err(DeskError::new(
                    "not-found",
                    format!("case {} has no asker `{}`", case.number, clip(id, 100)),
                )
                .at(pointer));
            };
            if let Some(asked) = asker.asked.map(|at| self.by_now(at)).filter(|asked| *asked > delivered_at) {
                let why = format!("the answer was delivered at {delivered_at}, and yet it was asked at {asked}");
                return Err(DeskError::new("order", why).at(pointer).clause("1a").hint("answer what they asked"));
            }
            if id == OTHERS {
                return Err(DeskError::new("ambiguous", "these askers are not listed one by one")
                    .at(pointer)
                    .hint("answer in public: leave `askers` empty"));
            }
        }
        for (i, said) in input.concerns.iter().enumerate() {
            check_concern(case, said, delivered_at, self.now(), &format!("/concerns/{i}"))?;
        }
        Ok(Answer {
            askers: input.askers.clone(),
            public: input.askers.is_empty(),
            text: said(&input.text, 20_000, "/text", "the answer's text")?,
            channel: said(&input.channel, 100, "/channel", "the channel")?,
            proof: input.proof.as_deref().map(|text| said(text, 2_000, "/proof", "the proof")).transpose()?,
            concerns: input.concerns.clone(),
            delivered_at,
            by,
            at: self.now(),
            confirmed,
        })
    }

    pub(super) fn put_answer(&mut self, case: &Case, answer: Answer) -> Result<(), DeskError> {
        let (number, public, delivered_at) = (&case.number, answer.public, answer.delivered_at);
        self.push(Fact::AnswerRecorded { head: case.head(), answer });
        if public {
            self.satisfy_all(number, SatisfiedBy::Publication, delivered_at)?;
        }
        self.advance(number)?;
        let case = self.case(number)?;
        if case.is_answered() {
            self.satisfy_all(number, SatisfiedBy::Answer, case.times.answered.unwrap_or(delivered_at))?;
        }
        Ok(())
    }

    /// The first clock that is late by now and would be on time, were it
    /// believed that what it waits for was done at `at`.
    pub(super) fn late_evidence<'c>(
        &self,
        case: &'c Case,
        waited: &[SatisfiedBy],
        at: Timestamp,
    ) -> Option<&'c CaseClock> {
        let now = self.now();
        case.clocks
            .iter()
            .find(|entry| waited.contains(&entry.satisfied_by) && clock::would_excuse(&entry.clock, at, now))
    }

    /// Evidence that came after the due time is a named person's, with proof,
    /// and waits for a second person (rule 9). Gives the person.
    pub(super) fn claims(
        &self,
        entry: &CaseClock,
        at: Timestamp,
        proven: bool,
        pointer: &str,
    ) -> Result<String, DeskError> {
        if !proven {
            return Err(DeskError::new(
                "no-proof",
                format!(
                    "clock `{}` was due at {}, and only now it is said that this was done at {at}",
                    entry.clock.id, entry.clock.due.at
                ),
            )
            .at(pointer)
            .clause("rule 9")
            .hint(
                "name the proof, which another person then confirms; or leave the time out: it is done now, and late",
            ));
        }
        self.person("bring evidence after a due time", "rule 9")
    }

    /// `record-time`.
    pub(crate) fn record_time(&mut self, input: &RecordTime) -> Output {
        let case = self.open(&input.case)?;
        let time = input.time.unwrap_or(self.now());
        self.check_time(&case, input, time)?;
        if input.milestone != Milestone::Verified {
            self.may_handle(&case)?;
        }
        if case.times.of(input.milestone).is_some() {
            self.person("correct a time that is recorded", "1a")?;
        }
        let waited = [waits_for(input.milestone)];
        let mut output = json!({ "case": input.case, "milestone": input.milestone, "time": time });
        if let Some(entry) = self.late_evidence(&case, &waited, time) {
            let author = self.claims(entry, time, input.evidence.is_some(), "/evidence")?;
            let claim = RecordTime { time: Some(time), ..input.clone() };
            output["pending"] = self.propose(&case, author, Proposal::Time(claim))?;
        } else {
            self.put_time(&case, input, time, self.actor().clone(), None)?;
        }
        Ok(output)
    }

    /// A time that a second person confirmed.
    pub(super) fn take_time(
        &mut self,
        input: &RecordTime,
        author: &str,
        confirmed: Confirmation,
    ) -> Result<(), DeskError> {
        let case = self.open(&input.case)?;
        let time = input.time.unwrap_or(self.now());
        self.check_time(&case, input, time)?;
        self.put_time(&case, input, time, Actor::Person(author.to_owned()), Some(confirmed))
    }

    fn put_time(
        &mut self,
        case: &Case,
        input: &RecordTime,
        time: Timestamp,
        by: Actor,
        confirmed: Option<Confirmation>,
    ) -> Result<(), DeskError> {
        let from = case.times.of(input.milestone);
        let clipped = |text: &Option<String>| text.as_deref().map(|text| text.trim().to_owned());
        self.push(Fact::TimeRecorded {
            head: case.head(),
            milestone: input.milestone,
            time,
            by,
            at: self.now(),
            from,
            reason: from.and_then(|_| clipped(&input.reason)),
            evidence: clipped(&input.evidence),
            confirmed,
        });
        let what = waits_for(input.milestone);
        self.satisfy_all(&case.number, what, time)?;
        self.correct_satisfied(&case.number, what, from, time)?;
        match from {
            // Clocks that count from it move with it.
            Some(_) => {
                let anchor = match input.milestone {
                    Milestone::Verified => Anchor::VerifiedAt,
                    Milestone::Handled => Anchor::HandledAt,
                    Milestone::Published => Anchor::PublishedAt,
                };
                let reason = input.reason.as_deref().unwrap_or("the time was corrected");
                self.reanchor_all(&case.number, anchor, time, reason)
            }
            None => self.start_waiting(&case.number),
        }
    }

    fn check_time(&self, case: &Case, input: &RecordTime, time: Timestamp) -> Result<(), DeskError> {
        let what = match input.milestone {
            Milestone::Verified => "the matter was verified",
            Milestone::Handled => "the matter was handled",
            Milestone::Published => "the answer was published",
        };
        self.in_order(case, time, "/time", what)?;
        let times = &case.times;
        for (text, pointer, name) in
            [(&input.reason, "/reason", "the reason"), (&input.evidence, "/evidence", "the evidence")]
        {
            text.as_deref().map(|text| said(text, 2_000, pointer, name)).transpose()?;
        }
        if let Some(before) = times.of(input.milestone) {
            if before == time {
                return Err(
                    DeskError::new("unchanged", format!("it is recorded already: {what} at {before}")).at("/time")
                );
            }
            if input.reason.is_none() {
                return Err(DeskError::new("recorded", format!("it is recorded already: {what} at {before}"))
                    .at("/reason")
                    .clause("1a")
                    .hint("a correction says why: give a `reason`"));
            }
        } else if input.milestone == Milestone::Handled && times.verified.is_none() {
            return Err(DeskError::new("order", "what is handled was verified before, and nothing was")
                .at("/milestone")
                .clause("1a")
                .hint("record `verified` first"));
        }
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
        Ok(())
    }

    /// A time on record that still lies ahead was written while the machine's clock had leapt ahead. By
    /// now it has been, or the matter could not be acted on until then.
    fn by_now(&self, recorded: Timestamp) -> Timestamp {
        recorded.min(self.now())
    }

    /// Clause 1a: nothing is done about a matter before it is discovered, nor in the future.
    fn in_order(&self, case: &Case, time: Timestamp, pointer: &str, what: &str) -> Result<(), DeskError> {
        let (discovered, now) = (self.by_now(case.times.discovered), self.now());
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

/// The clocks that wait for a time of the case (clause 1a).
fn waits_for(milestone: Milestone) -> SatisfiedBy {
    match milestone {
        Milestone::Verified => SatisfiedBy::Verification,
        Milestone::Handled => SatisfiedBy::Handling,
        Milestone::Published => SatisfiedBy::Publication,
    }
}

pub(super) fn check_concern(
    case: &Case,
    answer: &ConcernAnswer,
    delivered_at: Timestamp,
    now: Timestamp,
    pointer: &str,
) -> Result<(), DeskError> {
    let Some(concern) = case.concerns.iter().find(|concern| concern.id == answer.concern) else {
        let ids: Vec<&str> = case.concerns.iter().map(|concern| concern.id.as_str()).collect();
        return Err(DeskError::new(
            "not-found",
            format!("case {} has no concern `{}`", case.number, clip(&answer.concern, 50)),
        )
        .at(format!("{pointer}/concern"))
        .hint(format!("it has: {}", ids.join(", "))));
    };
    if let Some(added) = concern.added.map(|at| at.min(now)).filter(|added| *added > delivered_at) {
        let why = format!("the answer was delivered at {delivered_at}, and yet the concern came up at {added}");
        return Err(DeskError::new("order", why).at(format!("{pointer}/concern")).clause("1a").hint("answer it anew"));
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
