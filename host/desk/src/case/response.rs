//! Responses (回应): what is said back in public, who checked, approved and
//! co-signed exactly that, and where it stands.

use std::collections::BTreeSet;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::departure::Departure;
use super::{Case, ConcernAnswer, Confirmation, PartState, Proposal, TaskKind, Voided};
use crate::actor::Actor;
use crate::text::Name;

/// The most responses of a case.
pub const MAX_RESPONSES: usize = 100;
/// The most steps of a response that are listed; older ones stay in the journal.
const MAX_HISTORY: usize = 200;

/// The kind of a response, with what that kind has of its own (clause 3.5f). In JSON, `kind` names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Form {
    /// 网上发布.
    Online {
        /// The headline.
        title: String,
    },
    /// 专家解读.
    Expert {
        /// The headline.
        title: String,
        /// Who explains.
        expert: String,
        /// What the expert is, and where: post and institution.
        position: String,
    },
    /// 新闻发布会.
    PressConference {
        /// What it is about.
        title: String,
        /// Where it is held.
        venue: String,
        /// When.
        #[schemars(with = "String", extend("format" = "date-time"))]
        held_at: Timestamp,
        /// Who speaks.
        speakers: Vec<String>,
    },
    /// 媒体专访.
    Interview {
        /// The newspaper, station or site.
        outlet: String,
        /// Who asks.
        interviewer: String,
        /// Who answers, with post.
        interviewee: String,
    },
}

impl Form {
    /// As JSON has it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Online { .. } => "online",
            Self::Expert { .. } => "expert",
            Self::PressConference { .. } => "press-conference",
            Self::Interview { .. } => "interview",
        }
    }

    /// The name people read.
    pub fn zh(&self) -> &'static str {
        match self {
            Self::Online { .. } => "网上发布",
            Self::Expert { .. } => "专家解读",
            Self::PressConference { .. } => "新闻发布会",
            Self::Interview { .. } => "媒体专访",
        }
    }

    /// When it is held, of a press conference.
    pub fn held_at(&self) -> Option<Timestamp> {
        match self {
            Self::PressConference { held_at, .. } => Some(*held_at),
            _ => None,
        }
    }

    /// The headline, or the outlet of an interview.
    pub fn title(&self) -> &str {
        match self {
            Self::Online { title } | Self::Expert { title, .. } | Self::PressConference { title, .. } => title,
            Self::Interview { outlet, .. } => outlet,
        }
    }
}

/// What is to be published: all that its hash covers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// The unit that speaks.
    pub unit: String,
    /// Its kind, with what that kind has of its own.
    pub form: Form,
    /// The text.
    pub text: String,
    /// What it says of each concern.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<ConcernAnswer>,
    /// The askers that it answers; empty: everybody.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub askers: Vec<String>,
    /// Further units that co-sign.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub touches: Vec<String>,
    /// The response that it corrects, and what was wrong (clause 6d).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrects: Option<Corrects>,
}

/// What a correction corrects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Corrects {
    /// The response's id.
    pub response: String,
    /// What was wrong.
    pub reason: String,
}

/// A draft, as it is recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResponseDraft {
    /// `r1`, `r2`, … within the case.
    pub id: String,
    /// From 1; each change is one more.
    pub version: u32,
    /// What is to be published.
    pub content: Content,
    /// What everybody names who checks, approves, signs or publishes it: a keyed hash of case, id and content.
    pub hash: String,
    /// The SHA-256 of the text in UTF-8 without blanks, in hex: what a channel has to show.
    pub text_hash: String,
    /// Who wrote it.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
}

/// The disclosure and secrecy check (保密审查, clause 3.5b).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecrecyCheck {
    /// Whether it may be made public.
    pub passed: bool,
    /// On what that rests.
    pub basis: String,
    /// The person's id.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// A unit's word on the text (会签, clause 3.5d).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cosign {
    /// The unit.
    pub unit: String,
    /// Whether it agrees.
    pub agree: bool,
    /// Why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The person's id.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// The approval of a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approved {
    /// Who sent it to the approver.
    pub submitted_by: String,
    /// The version of the line that it was held against.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// Where it departs from that line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub departures: Vec<Departure>,
    /// Why it may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub departure_reason: Option<String>,
    /// The approver's id.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// A channel where a response has to stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwedChannel {
    /// As the pack names it.
    pub id: String,
    /// For people.
    pub name: Name,
    /// Whether the response has to stand there.
    pub required: bool,
}

/// The word that a text goes out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// Where it is to stand, as the pack and what it corrects say.
    pub channels: Vec<OwedChannel>,
    /// The person's id.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// Proof that a response stands on a channel (clause 3.5e).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// The channel.
    pub channel: String,
    /// Where it can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The digest of a file that shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// The hash of the text that stands there.
    pub text_hash: String,
    /// Whether that is the response's own.
    pub same: bool,
    /// When it was published.
    pub time: Timestamp,
    /// The second person, where the time lies before a due time that had passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed: Option<Confirmation>,
}

/// A step of a response.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case")]
pub enum ResponseStep {
    /// 保密审查.
    Checked(SecrecyCheck),
    /// 送审: it waits for the approver, and the units that co-sign are asked.
    Submitted {
        /// The units that have not signed yet.
        cosigners: Vec<String>,
    },
    /// 审批.
    Approved(Box<Approved>),
    /// 会签.
    Cosigned(Cosign),
    /// 签发.
    Released(Release),
    /// 发布: it stands on a channel.
    Published(Box<Proof>),
}

/// A step, with the text that it is about, who took it and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResponseEntry {
    /// What happened.
    #[serde(flatten)]
    pub step: ResponseStep,
    /// The hash of the text.
    pub hash: String,
    /// Who did it.
    pub actor: Actor,
    /// When it was recorded.
    pub recorded: Timestamp,
}

/// A response of a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Response {
    /// The draft as it stands.
    #[serde(flatten)]
    pub draft: ResponseDraft,
    /// The ids of everybody who wrote it or changed it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub authors: BTreeSet<String>,
    /// The last check of this text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<SecrecyCheck>,
    /// The approval of this text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved: Option<Approved>,
    /// Each unit's last word on this text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cosigns: Vec<Cosign>,
    /// The word that it goes out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub released: Option<Release>,
    /// The last proof of each channel.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proofs: Vec<Proof>,
    /// When it first stood somewhere as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<Timestamp>,
    /// What became of it, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<ResponseEntry>,
}

impl Response {
    /// The id of the case's clock that watches its channels.
    pub fn clock(&self) -> String {
        format!("channels.{}", self.draft.id)
    }

    /// A channel's proof, if there is one.
    pub fn proof(&self, channel: &str) -> Option<&Proof> {
        self.proofs.iter().find(|proof| proof.channel == channel)
    }

    /// The channels where it has to stand and does not, or not as it is; none before it is released.
    pub fn missing(&self) -> impl Iterator<Item = &OwedChannel> {
        let owed = self.released.iter().flat_map(|release| &release.channels).filter(|channel| channel.required);
        owed.filter(|channel| !self.proof(&channel.id).is_some_and(|proof| proof.same))
    }

    /// Its parts by name, as they are held against the line.
    pub(super) fn parts(content: &Content) -> Vec<(&str, &str)> {
        let answers = content.answers.iter().filter_map(|answer| {
            Some((answer.concern.as_str(), answer.text.as_deref().or(answer.declined.as_deref())?))
        });
        [("title", content.form.title()), ("text", content.text.as_str())].into_iter().chain(answers).collect()
    }

    fn take(&mut self, entry: &ResponseEntry) -> bool {
        if entry.hash != self.draft.hash {
            return false;
        }
        match &entry.step {
            ResponseStep::Checked(check) => self.check = Some(check.clone()),
            ResponseStep::Submitted { .. } => {}
            ResponseStep::Approved(approved) => self.approved = Some((**approved).clone()),
            ResponseStep::Cosigned(sign) => {
                self.cosigns.retain(|known| known.unit != sign.unit);
                self.cosigns.push(sign.clone());
            }
            ResponseStep::Released(release) => self.released = Some(release.clone()),
            ResponseStep::Published(proof) => {
                self.proofs.retain(|known| known.channel != proof.channel);
                self.proofs.push((**proof).clone());
                if proof.same {
                    self.published = Some(self.published.map_or(proof.time, |first| first.min(proof.time)));
                }
            }
        }
        self.remember(entry);
        true
    }

    fn remember(&mut self, entry: &ResponseEntry) {
        if self.history.len() >= MAX_HISTORY {
            self.history.remove(0);
        }
        self.history.push(entry.clone());
    }
}

impl Case {
    /// A response by its id.
    pub fn response(&self, id: &str) -> Option<&Response> {
        self.responses.iter().find(|response| response.draft.id == id)
    }

    /// The response that corrects another one and was released, or is on its way.
    pub fn correction_of(&self, id: &str) -> Option<&Response> {
        let corrects = |response: &&Response| {
            response.draft.content.corrects.as_ref().is_some_and(|corrects| corrects.response == id)
        };
        self.responses.iter().find(corrects)
    }

    /// Whether a unit handles the matter: it took a task of that kind on (clause 3.5c).
    pub fn handles(&self, unit: &str) -> bool {
        self.parts_of_handling().any(|part| part.unit == unit && part.state != PartState::Assigned)
    }

    fn parts_of_handling(&self) -> impl Iterator<Item = &super::Part> {
        self.tasks
            .iter()
            .filter(|task| task.kind == TaskKind::Handle && task.withdrawn.is_none())
            .flat_map(|task| &task.parts)
            .filter(|part| part.state != PartState::Returned)
    }

    /// The units that co-sign a response (clause 3.5d): those that its author names and all that handle the case,
    /// without the one that speaks and the lead unit, whose people approve it.
    pub fn cosigners(&self, response: &Response) -> BTreeSet<String> {
        let content = &response.draft.content;
        let named = content.touches.iter().cloned();
        let handling = self.parts_of_handling().map(|part| part.unit.clone());
        named.chain(handling).filter(|unit| *unit != content.unit && *unit != self.unit).collect()
    }

    /// Those of them that have not agreed to the text as it is.
    pub fn unsigned(&self, response: &Response) -> Vec<String> {
        let agreed = |unit: &String| response.cosigns.iter().any(|sign| sign.unit == *unit && sign.agree);
        self.cosigners(response).into_iter().filter(|unit| !agreed(unit)).collect()
    }

    /// Takes a draft in: what was said of the text before counts no more.
    pub(super) fn put_draft(&mut self, draft: &ResponseDraft) {
        for approval in self.approvals.iter_mut().filter(|approval| approval.is_pending()) {
            if matches!(&approval.proposal, Proposal::Response(of) if of.response == draft.id && of.hash != draft.hash)
            {
                approval.voided =
                    Some(Voided { reason: "another text took its place".to_owned(), by: None, at: draft.at });
            }
        }
        let author = draft.by.person().map(str::to_owned);
        match self.responses.iter_mut().find(|response| response.draft.id == draft.id) {
            Some(known) => {
                known.draft = draft.clone();
                known.authors.extend(author);
                (known.check, known.approved) = (None, None);
                known.cosigns.clear();
            }
            None => self.responses.push(Response {
                draft: draft.clone(),
                authors: author.into_iter().collect(),
                check: None,
                approved: None,
                cosigns: Vec::new(),
                released: None,
                proofs: Vec::new(),
                published: None,
                history: Vec::new(),
            }),
        }
    }

    /// Takes a step in; false if there is no such response, or it has another text.
    pub(super) fn step_response(&mut self, id: &str, entry: &ResponseEntry) -> bool {
        let Some(response) = self.responses.iter_mut().find(|response| response.draft.id == id) else { return false };
        if !response.take(entry) {
            return false;
        }
        if let ResponseStep::Published(proof) = &entry.step
            && proof.same
            && self.times.published.is_none()
        {
            self.times.published = Some(proof.time);
            self.known.published = Some(if proof.confirmed.is_some() { proof.time } else { entry.recorded });
        }
        true
    }
}
