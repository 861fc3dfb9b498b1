//! Where a response stands (clause 3.5e), and how soon it stood there (clause 4a).

use serde_json::json;

use super::approving::Proposal;
use super::commanding::not_frozen;
use super::responding::text_hash;
use super::response::{Proof, Response, ResponseStep};
use super::{Case, Confirmation};
use crate::actor::Actor;
use crate::command::{RecordAnswer, RecordPublication};
use crate::decide::{Output, Work, said};
use crate::error::DeskError;
use crate::policy::SatisfiedBy;

/// The most channels of which a response has a proof.
const MAX_PROOFS: usize = 50;

impl Work<'_> {
    /// `record-publication`.
    pub(crate) fn record_publication(&mut self, input: &RecordPublication) -> Output {
        let (case, response) = self.of_hash(&input.case, &input.hash)?;
        let proof = self.proof(&case, &response, input, None)?;
        let waited = [SatisfiedBy::Answer, SatisfiedBy::Publication, SatisfiedBy::Channels];
        if proof.same
            && let Some(entry) = self.late_evidence(&case, &waited, proof.time)
        {
            let author = self.claims(entry, proof.time, true, "/time")?;
            let claim = RecordPublication { time: Some(proof.time), ..input.clone() };
            let pending = self.propose(&case, author, Proposal::Publication(claim))?;
            let mut output = self.response_output(&case.number, &response.draft.id)?;
            output["pending"] = pending;
            return Ok(output);
        }
        self.put_proof(&case, &response, proof, None)?;
        self.response_output(&case.number, &response.draft.id)
    }

    /// A publication that a second person confirmed.
    pub(super) fn take_publication(
        &mut self,
        input: &RecordPublication,
        author: &str,
        confirmed: Confirmation,
    ) -> Result<(), DeskError> {
        let (case, response) = self.of_hash(&input.case, &input.hash)?;
        // Who approves is of the lead unit, whichever unit speaks.
        self.unscoped(|work| {
            let proof = work.proof(&case, &response, input, Some(confirmed))?;
            work.put_proof(&case, &response, proof, Some(author))
        })
    }

    fn proof(
        &self,
        case: &Case,
        response: &Response,
        input: &RecordPublication,
        confirmed: Option<Confirmation>,
    ) -> Result<Proof, DeskError> {
        let content = &response.draft.content;
        // The unit that speaks brings the proof, or the lead unit does; that it may speak was seen when it was released.
        self.within(&content.unit, "/hash").or_else(|error| self.within(&case.unit, "/hash").map_err(|_| error))?;
        let Some(release) = &response.released else {
            return Err(DeskError::new("order", format!("response {} is not released", response.draft.id))
                .at("/hash")
                .clause("3.5b")
                .hint("release it: `publish-response`"));
        };
        let channel = said(&input.channel, 100, "/channel", "the channel")?;
        if !release.channels.is_empty() && release.channels.iter().all(|known| known.id != channel) {
            let ids: Vec<&str> = release.channels.iter().map(|known| known.id.as_str()).collect();
            return Err(DeskError::new("not-found", format!("the policy pack has no channel `{channel}`"))
                .at("/channel")
                .clause("3.5e")
                .hint(format!("it has: {}", ids.join(", "))));
        }
        let (now, time) = (self.now(), input.time.unwrap_or(self.now()));
        if time > now || time < release.at.min(now) {
            let why = format!("it was released at {}, and it is {now} now: it was not published at {time}", release.at);
            return Err(DeskError::new("order", why).at("/time").clause("1a").hint("correct the time"));
        }
        // What stood there before the freeze stands there.
        if case.silences(&content.unit).is_some_and(|major| time >= major.declared.at) {
            not_frozen(case, &content.unit)?;
        }
        let url = input.url.as_deref().map(|url| said(url, 2_000, "/url", "the address")).transpose()?;
        let digest = input.digest.as_deref().map(|digest| sha256(digest, "/digest")).transpose()?;
        if url.is_none() && digest.is_none() {
            return Err(DeskError::new("no-proof", "a publication has a proof").at("/url").clause("3.5e").hint(
                "give the address where it can be read, `url`, or the SHA-256 of a file that shows it, `digest`",
            ));
        }
        let shown = match (&input.text, &input.text_hash) {
            (Some(text), None) => text_hash(&said(text, 50_000, "/text", "the text")?),
            (None, Some(hash)) => sha256(hash, "/text_hash")?,
            _ => {
                return Err(DeskError::new("ambiguous", "what stands on the channel is given once")
                    .at("/text")
                    .clause("3.5e")
                    .hint("give the `text` as it stands there, or its `text_hash`"));
            }
        };
        let same = shown == response.draft.text_hash;
        if let Some(known) = response.proof(&channel).filter(|known| known.same && same) {
            return Err(
                DeskError::new("unchanged", format!("it stands on `{channel}` since {}", known.time)).at("/channel")
            );
        }
        if response.proof(&channel).is_none() && response.proofs.len() >= MAX_PROOFS {
            return Err(DeskError::new("too-many", format!("at most {MAX_PROOFS} channels")).at("/channel"));
        }
        Ok(Proof { channel, url, digest, text_hash: shown, same, time, confirmed })
    }

    fn put_proof(
        &mut self,
        case: &Case,
        response: &Response,
        proof: Proof,
        author: Option<&str>,
    ) -> Result<(), DeskError> {
        let first = proof.same && response.published.is_none();
        self.respond(case, response, ResponseStep::Published(Box::new(proof.clone())), Vec::new())?;
        self.unscoped(|work| {
            if first {
                work.satisfy_all(&case.number, SatisfiedBy::Publication, proof.time)?;
                work.answer_by(&case.number, response, &proof, author)?;
            }
            work.see_to_channels(&case.number, &response.draft.id)
        })
    }

    /// The first channel with the text answers everybody and every concern that the response names.
    fn answer_by(
        &mut self,
        number: &str,
        response: &Response,
        proof: &Proof,
        author: Option<&str>,
    ) -> Result<(), DeskError> {
        let (case, content) = (self.held(number)?, &response.draft.content);
        // What came up after the publication waits for another answer.
        let before = |at: Option<jiff::Timestamp>| at.is_none_or(|at| at <= proof.time);
        let asked = |id: &&String| case.askers.iter().any(|asker| asker.id == **id && before(asker.asked));
        let askers: Vec<String> = content.askers.iter().filter(asked).cloned().collect();
        if askers.is_empty() && !content.askers.is_empty() {
            return Ok(());
        }
        let raised = |said: &&super::ConcernAnswer| {
            case.concerns.iter().any(|concern| concern.id == said.concern && before(concern.added))
        };
        let input = RecordAnswer {
            case: number.to_owned(),
            askers,
            text: content.text.clone(),
            channel: proof.channel.clone(),
            proof: proof.url.clone().or_else(|| proof.digest.clone()),
            concerns: content.answers.iter().filter(raised).cloned().collect(),
            delivered_at: Some(proof.time),
        };
        let by = author.map_or_else(|| self.actor().clone(), |id| Actor::Person(id.to_owned()));
        let answer = self.answer(&case, &input, by, proof.confirmed.clone())?;
        self.put_answer(&case, answer)
    }

    /// The clock of a response's channels rests once it stands on each that is required, as it is.
    pub(super) fn see_to_channels(&mut self, number: &str, id: &str) -> Result<(), DeskError> {
        let case = self.held(number)?;
        let Some(response) = case.response(id) else { return Ok(()) };
        if response.missing().next().is_some() {
            return Ok(());
        }
        let required = response.released.iter().flat_map(|release| &release.channels).filter(|owed| owed.required);
        let last = required.filter_map(|owed| response.proof(&owed.id)).map(|proof| proof.time).max();
        let clock = response.clock();
        if case.clocks.iter().any(|entry| entry.clock.id == clock && entry.clock.satisfied.is_none()) {
            self.stop(number, &clock, last.unwrap_or(self.now()))?;
        }
        Ok(())
    }
}

fn sha256(text: &str, pointer: &str) -> Result<String, DeskError> {
    let text = text.trim().trim_start_matches("sha256:").to_ascii_lowercase();
    if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(text);
    }
    Err(DeskError::new("invalid-input", "this is no SHA-256: 64 hexadecimal digits").at(pointer))
}

/// How soon a response was published (clause 4a), in seconds.
pub(super) fn latency(case: &Case, response: &Response) -> serde_json::Value {
    let published = response.published;
    let since = |from: jiff::Timestamp| published.map(|at| at.duration_since(from).as_secs());
    json!({
        "approved_to_published_seconds": response.approved.as_ref().and_then(|approved| since(approved.at)),
        "released_to_published_seconds": response.released.as_ref().and_then(|release| since(release.at)),
        "occurred_to_published_seconds": since(case.times.occurred),
    })
}
