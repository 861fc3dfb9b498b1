//! A person's assessment of a case (研判, clauses 3.2g and 3.2c): 性质、走势、风险
//! and the handling opinion (预控处置意见), which goes to those who approve it
//! before anything is done (按程序报审后处置).

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Case;
use super::approving::Proposal;
use crate::command::AssessCase;
use crate::decide::{Output, Work, said};
use crate::error::DeskError;
use crate::fact::Fact;
use crate::policy::{ResponseValue, SatisfiedBy};

/// The most risks of an assessment.
const MAX_RISKS: usize = 20;
/// The most assessments by persons that a case keeps; older ones stay in the journal.
pub const MAX_JUDGEMENTS: usize = 50;

/// Whether a matter is to be answered (回应价值, clause 3.2c).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Worth {
    /// 应予回应.
    Respond,
    /// 跟踪关注: answered where somebody asks.
    Watch,
    /// 不予回应. It closes no case: that is decided, with a reason and a second person, by `propose-no-response`.
    NoResponse,
}

impl Worth {
    /// The name people read.
    pub fn zh(self) -> &'static str {
        match self {
            Self::Respond => "应予回应",
            Self::Watch => "跟踪关注",
            Self::NoResponse => "不予回应",
        }
    }

    /// What it asks of the case. Until a no-response is approved, whoever asks is owed an answer.
    pub(super) fn asks(self) -> ResponseValue {
        match self {
            Self::Respond => ResponseValue::Respond,
            Self::Watch | Self::NoResponse => ResponseValue::Watch,
        }
    }
}

/// What is said of a case: what is approved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JudgementText {
    /// 性质.
    pub nature: String,
    /// 舆情走势.
    pub trend: String,
    /// 可能出现的风险.
    pub risks: Vec<String>,
    /// 预控处置意见.
    pub opinion: String,
    /// 回应价值.
    pub value: Worth,
    /// Why that value.
    pub reason: String,
}

/// A person's assessment, in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judgement {
    /// What is said.
    #[serde(flatten)]
    pub text: JudgementText,
    /// The author's id.
    pub author: String,
    /// The approval by which it came into force, where the pack asks for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<String>,
    /// When it came into force.
    pub at: Timestamp,
}

impl Work<'_> {
    /// `assess-case`.
    pub(crate) fn assess_case(&mut self, input: &AssessCase) -> Output {
        let case = self.open(&input.case)?;
        let author = self.person("assess a case in words", "3.2g")?;
        if input.risks.is_empty() || input.risks.len() > MAX_RISKS {
            let message = format!("{} risks; an assessment has 1 to {MAX_RISKS}", input.risks.len());
            return Err(DeskError::new("out-of-range", message)
                .at("/risks")
                .clause("3.2g")
                .hint("say what may come of it; where nothing may, say why"));
        }
        let risk = |(i, text): (usize, &String)| said(text, 1_000, &format!("/risks/{i}"), "the risk");
        let of = |text: &str, most: usize, pointer: &str, what: &str| {
            said(text, most, pointer, what).map_err(|error| error.clause("3.2g"))
        };
        let text = JudgementText {
            nature: of(&input.nature, 100, "/nature", "the nature")?,
            trend: of(&input.trend, 2_000, "/trend", "the trend")?,
            risks: input.risks.iter().enumerate().map(risk).collect::<Result<_, _>>()?,
            opinion: of(&input.opinion, 5_000, "/opinion", "the handling opinion")?,
            value: input.value,
            reason: said(&input.reason, 1_000, "/reason", "the reason").map_err(|error| error.clause("3.2c"))?,
        };
        let mut output = json!({ "case": case.number, "value": text.value, "in_force": true });
        if self.chain_for("assessment", &case).is_some() {
            output["in_force"] = json!(false);
            output["pending"] = self.propose(&case, author, Proposal::Assessment(Box::new(text)))?;
        } else {
            self.take_judgement(&case.number, &text, &author, None)?;
        }
        output["state"] = json!(self.case(&case.number)?.state);
        Ok(output)
    }

    /// An assessment that comes into force.
    pub(super) fn take_judgement(
        &mut self,
        number: &str,
        text: &JudgementText,
        author: &str,
        approval: Option<String>,
    ) -> Result<(), DeskError> {
        let (case, at) = (self.open(number)?, self.now());
        let judgement = Judgement { text: text.clone(), author: author.to_owned(), approval, at };
        self.push(Fact::CaseJudged { head: case.head(), judgement: Box::new(judgement) });
        self.satisfy_all(number, SatisfiedBy::Assessment, at)?;
        self.advance(number)
    }

    /// Clause 3.2g: where the pack has the handling opinion approved, nothing is handled, published or
    /// answered before.
    pub(crate) fn may_handle(&self, case: &Case) -> Result<(), DeskError> {
        let approved = case.judgements.iter().any(|judgement| judgement.approval.is_some());
        if approved || self.chain_for("assessment", case).is_none() {
            return Ok(());
        }
        let waiting = case.approvals.iter().find(|a| a.is_pending() && matches!(a.proposal, Proposal::Assessment(_)));
        let (why, hint) = match waiting {
            Some(approval) => {
                ("its handling opinion waits for approval", format!("have it approved: `approve` {}", approval.hash))
            }
            None => ("nobody has assessed how it is to be handled", "assess it first: `assess-case`".to_owned()),
        };
        Err(DeskError::new("unassessed", format!("case {} is not handled yet: {why}", case.number))
            .at("/case")
            .clause("3.2g")
            .hint(hint))
    }
}
