//! The four labels (clause 3.1c): machines give them with their evidence, a
//! person overrides with a reason, and nothing of it is lost.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::actor::Actor;
use crate::text::clip;
use crate::verdict::Assessment;

/// The most entries of one item or case; a person's are the last to go.
const MAX_ENTRIES: usize = 60;
/// The most reasons of a machine that are kept as evidence.
const MAX_EVIDENCE: usize = 4;

/// One of the four labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Label {
    /// 疑虑.
    Doubt,
    /// 误解.
    Misunderstanding,
    /// 歪曲.
    Distortion,
    /// 谣言.
    Rumour,
}

impl Label {
    /// All four, in the order of the regulation.
    pub const ALL: [Self; 4] = [Self::Doubt, Self::Misunderstanding, Self::Distortion, Self::Rumour];

    /// The name used in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Doubt => "doubt",
            Self::Misunderstanding => "misunderstanding",
            Self::Distortion => "distortion",
            Self::Rumour => "rumour",
        }
    }

    /// The name people read.
    pub fn zh(self) -> &'static str {
        match self {
            Self::Doubt => "疑虑",
            Self::Misunderstanding => "误解",
            Self::Distortion => "歪曲",
            Self::Rumour => "谣言",
        }
    }

    /// A label by either name, as classifiers give it.
    pub fn of(text: &str) -> Option<Self> {
        let text = text.trim();
        let named = Self::ALL.into_iter().find(|label| label.name() == text || label.zh() == text);
        named.or_else(|| (text == "rumor").then_some(Self::Rumour))
    }
}

/// What somebody said about one label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelEntry {
    /// Which.
    pub label: Label,
    /// True where it holds, false where a person took it away.
    pub on: bool,
    /// Why, in a person's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What it rests on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
    /// The classifier, where one said it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classifier: Option<String>,
    /// Who.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
}

/// Everything that was said about the labels of an item or a case, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Labels(Vec<LabelEntry>);

impl Labels {
    /// True where nothing was said.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn of(assessment: &Assessment) -> Self {
        let mut labels = Self::default();
        labels.assessed(assessment);
        labels
    }

    /// The history.
    pub fn history(&self) -> &[LabelEntry] {
        &self.0
    }

    /// The word that counts on a label: a person's last one, else the machines' last one.
    pub fn word(&self, label: Label) -> Option<&LabelEntry> {
        let of = |person: bool| {
            self.0.iter().rev().find(move |entry| entry.label == label && entry.by.person().is_some() == person)
        };
        of(true).or_else(|| of(false))
    }

    /// The labels that hold.
    pub fn held(&self) -> Vec<Label> {
        Label::ALL.into_iter().filter(|label| self.word(*label).is_some_and(|entry| entry.on)).collect()
    }

    pub(crate) fn add(&mut self, entry: LabelEntry) {
        // A machine that says the same again says nothing new.
        let told = self.0.iter().rev().find(|known| known.label == entry.label && known.classifier == entry.classifier);
        if entry.by.person().is_none() && told.is_some_and(|known| known.on == entry.on && known.by == entry.by) {
            return;
        }
        if self.0.len() >= MAX_ENTRIES {
            let spare = self.0.iter().position(|known| known.by.person().is_none());
            self.0.remove(spare.unwrap_or(0));
        }
        self.0.push(entry);
    }

    /// The labels that an assessment gives, with its reasons as evidence.
    pub(crate) fn assessed(&mut self, assessment: &Assessment) {
        for label in assessment.verdict.labels.iter().filter_map(|text| Label::of(text)) {
            let reasons = assessment.verdict.reasons.iter();
            // Reasons that name the label speak of it; without any all of them are its evidence.
            let named: Vec<String> = reasons.clone().filter(|why| why.contains(label.zh())).cloned().collect();
            let evidence = if named.is_empty() { reasons.cloned().collect() } else { named };
            self.add(LabelEntry {
                label,
                on: true,
                reason: assessment.by.person().map(|_| clip(&assessment.verdict.reasons.join(";"), 500)),
                evidence: evidence.into_iter().take(MAX_EVIDENCE).collect(),
                classifier: assessment.classifier.clone(),
                by: assessment.by.clone(),
                at: assessment.at,
            });
        }
    }

    /// As people and programs read them.
    pub(crate) fn view(&self) -> Value {
        let held = self.held().into_iter().filter_map(|label| {
            let word = self.word(label)?;
            Some(json!({
                "label": label, "label_zh": label.zh(), "by": word.by, "at": word.at, "reason": word.reason,
                "evidence": word.evidence, "classifier": word.classifier, "by_person": word.by.person().is_some(),
            }))
        });
        held.collect()
    }
}
