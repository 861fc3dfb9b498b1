//! What statements rest on (clause 1b): the case's items, the feedback on its
//! tasks, what happened offline, and what somebody recorded as evidence.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::Case;
use crate::actor::Actor;
use crate::command::RecordEvidence;
use crate::decide::{Output, Work, said};
use crate::error::DeskError;
use crate::fact::Fact;
use crate::text::clip;

/// The most pieces of evidence that are recorded for a case.
pub const MAX_EVIDENCE: usize = 500;
/// The most that one statement refers to.
const MAX_REFERENCES: usize = 20;

/// What kind of evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EvidenceKind {
    /// 本人观察: what the person who records it saw or heard.
    Observation,
    /// 文书材料.
    Document,
    /// 影像资料: a picture, a film, a recording.
    Media,
    /// 调查结论: what an investigation found. A cause rests on one (clause 5a).
    Investigation,
}

impl EvidenceKind {
    /// The name people read.
    pub fn zh(self) -> &'static str {
        match self {
            Self::Observation => "本人观察",
            Self::Document => "文书材料",
            Self::Media => "影像资料",
            Self::Investigation => "调查结论",
        }
    }
}

/// A piece of evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// `v1`, `v2`, … within the case.
    pub id: String,
    /// What kind.
    pub kind: EvidenceKind,
    /// What it shows.
    pub text: String,
    /// Where one can see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Who recorded it.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
}

impl Work<'_> {
    /// `record-evidence`.
    pub(crate) fn record_evidence(&mut self, input: &RecordEvidence) -> Output {
        let case = self.open(&input.case)?;
        let text = said(&input.text, 2_000, "/text", "what it shows")?;
        let reference = input.reference.as_deref();
        let reference = reference.map(|text| said(text, 1_000, "/reference", "the reference")).transpose()?;
        match input.kind {
            EvidenceKind::Observation => {
                self.person("say what they saw", "1b")?;
            }
            EvidenceKind::Investigation => {
                self.person("record what an investigation found", "5a")?;
                if reference.is_none() {
                    return Err(DeskError::new(
                        "empty",
                        "`reference` is missing: where the investigation's result can be seen",
                    )
                    .at("/reference")
                    .clause("5a"));
                }
            }
            EvidenceKind::Document | EvidenceKind::Media => {}
        }
        let id = self.keep_evidence(&case, input.kind, text, reference)?;
        Ok(json!({ "case": case.number, "evidence": id, "kind": input.kind }))
    }

    /// Keeps a piece of evidence; the same by the same actor is kept once.
    pub(super) fn keep_evidence(
        &mut self,
        case: &Case,
        kind: EvidenceKind,
        text: String,
        reference: Option<String>,
    ) -> Result<String, DeskError> {
        let same = case.evidence.iter().find(|known| {
            known.kind == kind && known.text == text && known.reference == reference && known.by == *self.actor()
        });
        if let Some(same) = same {
            return Ok(same.id.clone());
        }
        if case.evidence.len() >= MAX_EVIDENCE {
            return Err(DeskError::new(
                "too-many",
                format!("case {} has {MAX_EVIDENCE} of these already", case.number),
            )
            .at("/case"));
        }
        let id = format!("v{}", case.evidence.len() + 1);
        let evidence = Evidence { id: id.clone(), kind, text, reference, by: self.actor().clone(), at: self.now() };
        self.push(Fact::EvidenceRecorded { head: case.head(), evidence });
        Ok(id)
    }

    /// Checks that a statement's references are evidence of the case; each once, an item by its id.
    pub(super) fn references(&self, case: &Case, given: &[String], pointer: &str) -> Result<Vec<String>, DeskError> {
        if given.len() > MAX_REFERENCES {
            let message = format!("{} references; at most {MAX_REFERENCES}", given.len());
            return Err(DeskError::new("too-many", message).at(pointer));
        }
        let mut found = Vec::new();
        for (i, id) in given.iter().enumerate() {
            let known = self.is_evidence(case, id).map_err(|why| {
                DeskError::new("no-evidence", why).at(format!("{pointer}/{i}")).clause("1b").hint(
                    "name an item of the case by its id, a task with feedback (`t1`), an offline event (`e1`), or \
                     what `record-evidence` gave (`v1`)",
                )
            })?;
            if !found.contains(&known) {
                found.push(known);
            }
        }
        Ok(found)
    }

    /// The reference in its one form, if it is evidence; else why it is none.
    fn is_evidence(&self, case: &Case, id: &str) -> Result<String, String> {
        let id = id.trim();
        if let Ok(item) = Uuid::try_parse(id) {
            let here = self.desk.case_of_item(&item) == Some(case.number.as_str());
            let listed = here || case.items.iter().any(|known| known.item == item);
            return if listed { Ok(item.to_string()) } else { Err(format!("case {} has no item {item}", case.number)) };
        }
        if let Some(task) = case.tasks.iter().find(|task| task.id == id) {
            let answered = task.parts.iter().any(|part| part.feedback.is_some());
            return if answered { Ok(id.to_owned()) } else { Err(format!("task {id} has no feedback yet")) };
        }
        let recorded = case.evidence.iter().any(|known| known.id == id);
        if recorded || case.offline.iter().any(|event| event.id == id) {
            return Ok(id.to_owned());
        }
        Err(format!("case {} has no evidence `{}`", case.number, clip(id, 100)))
    }

    /// Whether one of these is the result of an investigation.
    pub(super) fn investigated(case: &Case, references: &[String]) -> bool {
        let of = |id: &String| case.evidence.iter().find(|known| known.id == *id);
        references.iter().filter_map(of).any(|evidence| evidence.kind == EvidenceKind::Investigation)
    }
}
