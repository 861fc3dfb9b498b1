//! Responding: drafted, checked for secrecy, held against the line, co-signed,
//! approved, released (clauses 2b, 3.5b, 3.5c, 3.5d, 3.5f, 5d). Whoever does
//! one of these names the hash of exactly the text; any edit voids them all.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::answering::check_concern;
use super::approving::Proposal;
use super::commanding::not_frozen;
use super::departure::{Departure, departures};
use super::response::{
    Approved, Content, Corrects, Cosign, Form, MAX_RESPONSES, OwedChannel, Release, Response, ResponseDraft,
    ResponseEntry, ResponseStep, SecrecyCheck,
};
use super::{Case, ConcernAnswer, Confirmation, Notification};
use crate::command::{CheckResponse, CorrectResponse, CosignResponse, DraftResponse, PublishResponse, SubmitResponse};
use crate::decide::{Output, Work, said};
use crate::error::DeskError;
use crate::fact::Fact;
use crate::policy::{Occasion, SatisfiedBy};

/// The most characters of a response.
const MAX_TEXT: usize = 20_000;
/// The most units that a draft names, and speakers of a press conference.
const MAX_NAMED: usize = 20;

/// A response that waits for its approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResponseProposal {
    /// The response's id.
    pub response: String,
    /// The hash of the text.
    pub hash: String,
    /// Where it departs from the line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub departures: Vec<Departure>,
    /// Why it may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub departure_reason: Option<String>,
}

impl Work<'_> {
    /// `draft-response`.
    pub(crate) fn draft_response(&mut self, input: &DraftResponse) -> Output {
        let case = self.spoken_of(&input.case)?;
        let known = match &input.response {
            Some(id) => Some(response(&case, id)?),
            None => None,
        };
        let unit = input.unit.as_deref().or(known.map(|known| known.draft.content.unit.as_str()));
        let content = Content {
            unit: self.voice(&case, unit)?,
            form: form(&input.form)?,
            text: said(&input.text, MAX_TEXT, "/text", "the text")?,
            answers: input.answers.clone(),
            askers: input.askers.clone(),
            touches: input.touches.clone(),
            corrects: known.and_then(|known| known.draft.content.corrects.clone()),
        };
        if let Some(known) = known.filter(|known| known.released.is_some()) {
            return Err(DeskError::new("released", format!("response {} went out already", known.draft.id))
                .at("/response")
                .clause("6d")
                .hint("a text that is published is corrected, not changed: `correct-response`"));
        }
        self.put_content(&case, known.map(|known| &known.draft), content)
    }

    /// `correct-response`.
    pub(crate) fn correct_response(&mut self, input: &CorrectResponse) -> Output {
        let case = self.spoken_of(&input.case)?;
        let first = response(&case, &input.response)?;
        let reason = said(&input.reason, 1_000, "/reason", "what was wrong")?;
        let content = &first.draft.content;
        self.voice(&case, Some(&content.unit))?;
        if first.proofs.is_empty() {
            return Err(DeskError::new("order", format!("response {} stands nowhere yet", first.draft.id))
                .at("/response")
                .clause("6d")
                .hint("change the draft: `draft-response` with `response`; what is released is corrected once it is published"));
        }
        if let Some(other) = case.correction_of(&first.draft.id) {
            return Err(DeskError::new("corrected", format!("response {} corrects it already", other.draft.id))
                .at("/response")
                .clause("6d")
                .hint(if other.released.is_some() { "correct that one" } else { "change that draft" }));
        }
        let kept = |given: &[ConcernAnswer]| if given.is_empty() { content.answers.clone() } else { given.to_vec() };
        let corrected = Content {
            unit: content.unit.clone(),
            form: form(input.form.as_ref().unwrap_or(&content.form))?,
            text: said(&input.text, MAX_TEXT, "/text", "the text")?,
            answers: kept(&input.answers),
            askers: content.askers.clone(),
            touches: if input.touches.is_empty() { content.touches.clone() } else { input.touches.clone() },
            corrects: Some(Corrects { response: first.draft.id.clone(), reason }),
        };
        self.put_content(&case, None, corrected)
    }

    fn put_content(&mut self, case: &Arc<Case>, known: Option<&ResponseDraft>, content: Content) -> Output {
        self.check_content(case, &content)?;
        if known.is_none() && case.responses.len() >= MAX_RESPONSES {
            return Err(DeskError::new("too-many", format!("a case has at most {MAX_RESPONSES} responses")).at("/case"));
        }
        let id = known.map_or_else(|| format!("r{}", case.responses.len() + 1), |known| known.id.clone());
        let bytes = serde_json::to_vec(&content)
            .map_err(|error| DeskError::new("invalid-input", format!("this cannot be kept: {error}")))?;
        let hash = self.hash(&[b"response", case.number.as_bytes(), id.as_bytes(), &bytes]);
        if known.is_none_or(|known| known.hash != hash) {
            let draft = ResponseDraft {
                id: id.clone(),
                version: known.map_or(1, |known| known.version.saturating_add(1)),
                text_hash: text_hash(&content.text),
                content,
                hash,
                by: self.actor().clone(),
                at: self.now(),
            };
            self.push(Fact::ResponseDrafted { head: case.head(), draft: Box::new(draft) });
        }
        self.response_output(&case.number, &id)
    }

    /// What a draft names is there.
    fn check_content(&self, case: &Case, content: &Content) -> Result<(), DeskError> {
        let now = self.now();
        for (i, answer) in content.answers.iter().enumerate() {
            check_concern(case, answer, now, now, &format!("/answers/{i}"))?;
            if content.answers.iter().take(i).any(|before| before.concern == answer.concern) {
                return Err(DeskError::new("twice", format!("concern `{}` is answered twice", answer.concern))
                    .at(format!("/answers/{i}/concern")));
            }
        }
        for (i, id) in content.askers.iter().enumerate() {
            if !case.askers.iter().any(|asker| asker.id == *id) {
                return Err(DeskError::new("not-found", format!("case {} has no such asker", case.number))
                    .at(format!("/askers/{i}"))
                    .hint("`huiyin case show` lists them; leave `askers` empty to answer everybody"));
            }
        }
        if content.touches.len() > MAX_NAMED {
            return Err(DeskError::new("too-many", format!("at most {MAX_NAMED} units")).at("/touches"));
        }
        let policy = self.policy()?;
        for (i, unit) in content.touches.iter().enumerate() {
            if policy.unit(unit).is_none() {
                return Err(DeskError::new("not-found", format!("the policy pack has no unit `{unit}`"))
                    .at(format!("/touches/{i}"))
                    .clause("3.5d"));
            }
        }
        Ok(())
    }

    /// `check-response`.
    pub(crate) fn check_response(&mut self, input: &CheckResponse) -> Output {
        let (case, response) = self.of_hash(&input.case, &input.hash)?;
        let by = self.second_eye(&response, "check a text for secrecy", "3.5b")?;
        self.voice(&case, Some(&response.draft.content.unit))?;
        not_released(&response)?;
        let basis = said(&input.basis, 2_000, "/basis", "on what the check rests")?;
        let check = SecrecyCheck { passed: input.passed, basis, by, at: self.now() };
        self.respond(&case, &response, ResponseStep::Checked(check), Vec::new())
    }

    /// `submit-response`.
    pub(crate) fn submit_response(&mut self, input: &SubmitResponse) -> Output {
        let (case, response) = self.of_hash(&input.case, &input.hash)?;
        let author = self.person("send a text to the approver", "6b")?;
        self.voice(&case, Some(&response.draft.content.unit))?;
        if response.approved.is_some() {
            return Err(DeskError::new("unchanged", "this text is approved already").at("/hash"));
        }
        let departures = held_against(&case, &response.draft.content);
        let reason = match &input.departure_reason {
            Some(reason) if !departures.is_empty() => {
                Some(said(reason, 1_000, "/departure_reason", "why the text departs from the line")?)
            }
            _ => None,
        };
        if !departures.is_empty() && reason.is_none() {
            let all: Vec<String> = departures.iter().map(ToString::to_string).collect();
            return Err(DeskError::new("departs", format!("the text departs from the line: {}", all.join("; ")))
                .at("/hash")
                .clause("2b")
                .hint("change the text, or say why it has to depart: `departure_reason`"));
        }
        let proposal = ResponseProposal {
            response: response.draft.id.clone(),
            hash: response.draft.hash.clone(),
            departures,
            departure_reason: reason,
        };
        // Whoever had a hand in the text approves none of it (rule 9).
        let authors: Vec<String> = response.authors.iter().cloned().collect();
        let rule = self.chain_for("response", &case);
        let (chain, lasts) = rule.map(|rule| (rule.chain.clone(), rule.lasts())).unwrap_or_default();
        let pending = self.propose_by(&case, author, &authors, Proposal::Response(proposal), chain, lasts)?;
        let cosigners = case.unsigned(&response);
        let case = self.held(&case.number)?;
        let notify = self.tell(&case, Occasion::CosignRequested, cosigners.iter().map(String::as_str));
        let mut output = self.respond(&case, &response, ResponseStep::Submitted { cosigners }, notify)?;
        output["pending"] = pending;
        Ok(output)
    }

    /// A response that was approved.
    pub(super) fn take_response(
        &mut self,
        case: &Case,
        of: &ResponseProposal,
        author: &str,
        confirmed: &Confirmation,
    ) -> Result<(), DeskError> {
        let (case, response) = self.of_hash(&case.number, &of.hash)?;
        if response.authors.contains(&confirmed.by) {
            return Err(own_text(&confirmed.by));
        }
        if held_against(&case, &response.draft.content) != of.departures {
            return Err(DeskError::new("changed", "the case has another line by now")
                .at("/hash")
                .clause("2b")
                .hint("decline this, and send the text to the approver again: `submit-response`"));
        }
        let approved = Approved {
            submitted_by: author.to_owned(),
            line: case.line().map(|line| line.version),
            departures: of.departures.clone(),
            departure_reason: of.departure_reason.clone(),
            by: confirmed.by.clone(),
            at: confirmed.at,
        };
        self.respond(&case, &response, ResponseStep::Approved(Box::new(approved)), Vec::new()).map(drop)
    }

    /// `cosign-response`.
    pub(crate) fn cosign_response(&mut self, input: &CosignResponse) -> Output {
        let (case, response) = self.of_hash(&input.case, &input.hash)?;
        let by = self.second_eye(&response, "sign for a unit", "3.5d")?;
        not_released(&response)?;
        let cosigners = case.cosigners(&response);
        let unit = input.unit.as_deref().or(self.scope()).unwrap_or_default().to_owned();
        if !cosigners.contains(&unit) {
            let asked: Vec<&str> = cosigners.iter().map(String::as_str).collect();
            return Err(DeskError::new("not-asked", format!("unit `{unit}` is not asked to co-sign this"))
                .at("/unit")
                .clause("3.5d")
                .hint(if asked.is_empty() {
                    "nobody is: the draft names units under `touches`".to_owned()
                } else {
                    format!("asked are: {}", asked.join(", "))
                }));
        }
        self.within(&unit, "/unit")?;
        let reason = match (&input.reason, input.agree) {
            (Some(reason), _) => Some(said(reason, 1_000, "/reason", "the reason")?),
            (None, true) => None,
            (None, false) => {
                return Err(DeskError::new("empty", "a unit that refuses says why")
                    .at("/reason")
                    .clause("3.5d")
                    .hint("give a `reason`"));
            }
        };
        let sign = Cosign { unit, agree: input.agree, reason, by, at: self.now() };
        self.respond(&case, &response, ResponseStep::Cosigned(sign), Vec::new())
    }

    /// `publish-response`.
    pub(crate) fn publish_response(&mut self, input: &PublishResponse) -> Output {
        let (case, response) = self.of_hash(&input.case, &input.hash)?;
        let by = self.person("release a text for publication", "3.5b")?;
        let content = &response.draft.content;
        self.voice(&case, Some(&content.unit))?;
        not_released(&response)?;
        not_frozen(&case, &content.unit)?;
        ready(&case, &response)?;
        let channels = self.channels(&case, content)?;
        let release = Release { channels, by, at: self.now() };
        self.respond(&case, &response, ResponseStep::Released(release), Vec::new())?;
        self.unscoped(|work| {
            work.start_watch(&case.number, SatisfiedBy::Channels, &response.clock())?;
            work.see_to_channels(&case.number, &response.draft.id)
        })?;
        self.response_output(&case.number, &response.draft.id)
    }

    /// Where a text has to stand: the pack's channels, and where what it corrects stands.
    fn channels(&self, case: &Case, content: &Content) -> Result<Vec<OwedChannel>, DeskError> {
        let policy = self.policy()?;
        let mut channels: Vec<OwedChannel> = policy
            .publishing
            .iter()
            .flat_map(|publishing| &publishing.channels)
            .map(|channel| OwedChannel {
                id: channel.id.clone(),
                name: channel.name.clone(),
                required: channel.required,
            })
            .collect();
        let corrected = content.corrects.as_ref().and_then(|corrects| case.response(&corrects.response));
        for proof in corrected.iter().flat_map(|first| &first.proofs) {
            match channels.iter_mut().find(|channel| channel.id == proof.channel) {
                Some(channel) => channel.required = true,
                None => channels.push(OwedChannel {
                    id: proof.channel.clone(),
                    name: crate::text::Name { zh: proof.channel.clone(), en: None },
                    required: true,
                }),
            }
        }
        Ok(channels)
    }

    /// A case on which a unit may speak that does not lead it.
    pub(super) fn spoken_of(&self, number: &str) -> Result<Arc<Case>, DeskError> {
        let case = self.held(number)?;
        if case.is_open() {
            return Ok(case);
        }
        Err(DeskError::new("closed", format!("case {number} is closed"))
            .at("/case")
            .hint("open a new case on the matter"))
    }

    /// A case and its response whose text has this hash.
    pub(super) fn of_hash(&self, number: &str, hash: &str) -> Result<(Arc<Case>, Response), DeskError> {
        let case = self.spoken_of(number)?;
        if let Some(found) = case.responses.iter().find(|response| response.draft.hash == hash) {
            let found = found.clone();
            return Ok((case, found));
        }
        let all: Vec<String> =
            case.responses.iter().map(|response| format!("{} ({})", response.draft.hash, response.draft.id)).collect();
        Err(DeskError::new("changed", "no response has this text: it was changed, or never drafted")
            .at("/hash")
            .clause("rule 9")
            .hint(if all.is_empty() {
                "draft one first: `draft-response`".to_owned()
            } else {
                format!("read it again; there are: {}", all.join(", "))
            }))
    }

    /// The unit that speaks on a case (谁主管谁发声、谁处置谁发声, clause 3.5c).
    pub(super) fn voice(&self, case: &Case, unit: Option<&str>) -> Result<String, DeskError> {
        let acting = self.scope().unwrap_or(&case.unit);
        let above = self.policy()?.line(&case.unit).any(|up| up.code == acting);
        let unit = unit.unwrap_or(if above { &case.unit } else { acting });
        if unit != case.unit && !case.handles(unit) {
            return Err(DeskError::new(
                "not-your-voice",
                format!("unit `{unit}` neither leads case {} nor handles it", case.number),
            )
            .at("/unit")
            .clause("3.5c")
            .hint(format!(
                "unit `{}` leads it; one with an accepted task of kind `handle` may speak, too",
                case.unit
            )));
        }
        self.within(unit, "/unit")?;
        Ok(unit.to_owned())
    }

    /// A named person who did not write the text.
    fn second_eye(&self, response: &Response, what: &str, clause: &'static str) -> Result<String, DeskError> {
        let by = self.person(what, clause)?;
        if response.authors.contains(&by) { Err(own_text(&by)) } else { Ok(by) }
    }

    /// Records a step of a response.
    pub(super) fn respond(
        &mut self,
        case: &Case,
        response: &Response,
        step: ResponseStep,
        notify: Vec<Notification>,
    ) -> Output {
        let entry = ResponseEntry {
            step,
            hash: response.draft.hash.clone(),
            actor: self.actor().clone(),
            recorded: self.now(),
        };
        let id = response.draft.id.clone();
        self.push(Fact::ResponseMoved { head: case.head(), response: id.clone(), entry: Box::new(entry), notify });
        self.response_output(&case.number, &id)
    }

    pub(super) fn response_output(&self, number: &str, id: &str) -> Output {
        let case = self.held(number)?;
        let view = super::saying::view(&case, response(&case, id)?);
        let covered = |concern: &&str| {
            case.response(id).is_some_and(|of| of.draft.content.answers.iter().any(|said| said.concern == **concern))
        };
        let open: Vec<&str> =
            super::answering::open_concerns(&case).into_iter().filter(|concern| !covered(concern)).collect();
        Ok(json!({
            "case": number,
            "response": id,
            "hash": view["hash"],
            "text_hash": view["text_hash"],
            "state": view["state"],
            "departures": view["departures"],
            "unsigned": view["unsigned"],
            "missing": view["missing"],
            "open_concerns": open,
        }))
    }
}

/// A response by its id.
pub(super) fn response<'c>(case: &'c Case, id: &str) -> Result<&'c Response, DeskError> {
    case.response(id).ok_or_else(|| {
        let ids: Vec<&str> = case.responses.iter().map(|response| response.draft.id.as_str()).collect();
        DeskError::new("not-found", format!("case {} has no response `{id}`", case.number))
            .at("/response")
            .hint(format!("it has: {}", ids.join(", ")))
    })
}

/// Where a text departs from the line that holds.
pub(super) fn held_against(case: &Case, content: &Content) -> Vec<Departure> {
    case.line().map_or_else(Vec::new, |line| departures(line, &Response::parts(content)))
}

/// The SHA-256 of a text without blanks, in hex.
pub(super) fn text_hash(text: &str) -> String {
    let bare: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    hex::encode(Sha256::digest(bare.as_bytes()))
}

fn own_text(by: &str) -> DeskError {
    DeskError::new("own-text", format!("`{by}` wrote this, so somebody else has to")).clause("rule 9")
}

fn not_released(response: &Response) -> Result<(), DeskError> {
    match &response.released {
        None => Ok(()),
        Some(release) => {
            Err(DeskError::new("released", format!("response {} went out at {}", response.draft.id, release.at))
                .at("/hash")
                .hint("record where it stands: `record-publication`; or correct it: `correct-response`"))
        }
    }
}

/// What a kind of response has of its own, trimmed.
fn form(given: &Form) -> Result<Form, DeskError> {
    let text = |text: &str, name: &str, what: &str| said(text, 200, &format!("/form/{name}"), what);
    Ok(match given {
        Form::Online { title } => Form::Online { title: text(title, "title", "the headline")? },
        Form::Expert { title, expert, position } => Form::Expert {
            title: text(title, "title", "the headline")?,
            expert: text(expert, "expert", "the expert")?,
            position: text(position, "position", "the expert's position")?,
        },
        Form::PressConference { title, venue, held_at, speakers } => {
            if speakers.is_empty() || speakers.len() > MAX_NAMED {
                return Err(DeskError::new("out-of-range", format!("{} speakers; 1 to {MAX_NAMED}", speakers.len()))
                    .at("/form/speakers")
                    .clause("3.5f"));
            }
            Form::PressConference {
                title: text(title, "title", "what it is about")?,
                venue: text(venue, "venue", "the place")?,
                held_at: *held_at,
                speakers: speakers
                    .iter()
                    .enumerate()
                    .map(|(i, one)| text(one, &format!("speakers/{i}"), "the speaker"))
                    .collect::<Result<_, _>>()?,
            }
        }
        Form::Interview { outlet, interviewer, interviewee } => Form::Interview {
            outlet: text(outlet, "outlet", "the outlet")?,
            interviewer: text(interviewer, "interviewer", "who asks")?,
            interviewee: text(interviewee, "interviewee", "who answers")?,
        },
    })
}

/// Everything that a text needs before it goes out, on exactly this text.
fn ready(case: &Case, response: &Response) -> Result<(), DeskError> {
    let missing =
        |code, why: String, clause, hint: &str| Err(DeskError::new(code, why).at("/hash").clause(clause).hint(hint));
    match &response.check {
        Some(check) if check.passed => {}
        Some(check) => {
            return missing(
                "secret",
                format!("it did not pass the secrecy check: {}", check.basis),
                "3.5b",
                "change the text, and have it checked again",
            );
        }
        None => {
            return missing(
                "unchecked",
                "nobody has checked this text for secrecy".to_owned(),
                "3.5b",
                "have it checked: `check-response`",
            );
        }
    }
    let Some(approved) = &response.approved else {
        return missing(
            "unapproved",
            "this text is not approved".to_owned(),
            "6b",
            "send it to the approver: `submit-response`",
        );
    };
    if let Some(refused) = response.cosigns.iter().find(|sign| !sign.agree) {
        let why = refused.reason.as_deref().unwrap_or_default();
        return missing(
            "refused",
            format!("unit `{}` refuses to co-sign: {why}", refused.unit),
            "3.5d",
            "agree on a text with that unit, and change the draft",
        );
    }
    let unsigned = case.unsigned(response);
    if !unsigned.is_empty() {
        return missing(
            "unsigned",
            format!("not co-signed by {}", unsigned.join(", ")),
            "3.5d",
            "each of them signs this text: `cosign-response`; silence is no consent",
        );
    }
    if case.line().is_none() && case.major().is_some() {
        return missing(
            "no-line",
            "the matter is a major one, and has no line yet".to_owned(),
            "5d",
            "set one and have it approved: `set-line`",
        );
    }
    if held_against(case, &response.draft.content) != approved.departures {
        return missing(
            "changed",
            "the case has another line than when this text was approved".to_owned(),
            "2b",
            "change the text, and have it approved again",
        );
    }
    Ok(())
}
