//! Reporter `answer-letter`: the 答复函 to whoever asked. It answers each concern or says why not (clause 1c), and each
//! answer rests on evidence (clause 1b). Without an approval it says on its face that it is a draft. Pure.

use huiyin_sdk::reports::{
    Block, Forms, Head, Paper, Signature, Statement, documents, file_name, filled, given, instant, statement, wrong,
};
use huiyin_sdk::time::UtcOffset;
use huiyin_sdk::{About, Context, Document, Error, Reporter};
use schemars::JsonSchema;
use serde::Deserialize;

/// How it looks and who stands behind it.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Config {
    /// What stands in red above it (发文机关标志); the unit's name unless given.
    pub organ: Option<String>,
    /// How the asker is addressed, where the data gives no name; 来信人 unless given.
    pub salutation: Option<String>,
    /// Whom to ask further: an office and how to reach it.
    pub contact: Option<String>,
    /// The local time that it is written in.
    pub utc_offset: UtcOffset,
    /// Which forms to render.
    #[serde(default = "Forms::all")]
    pub forms: Forms,
}

/// An answer as `draft-response` takes it, with the case's concerns. Members not named here are ignored.
#[derive(Debug, Deserialize)]
pub struct Data {
    /// The case number.
    #[serde(alias = "number")]
    pub case: String,
    /// What was asked.
    pub title: String,
    /// The unit that answers.
    pub unit_name: String,
    /// Its number as it stands on paper (发文字号).
    #[serde(default)]
    pub number_zh: Option<String>,
    /// How the asker is addressed. Nothing else is told of them.
    #[serde(default)]
    pub salutation: Option<String>,
    /// When it was asked, RFC 3339.
    #[serde(default)]
    pub asked_at: Option<String>,
    /// The concerns of the case.
    #[serde(default)]
    pub concerns: Vec<Concern>,
    /// What is said as a whole.
    pub text: String,
    /// What is said of each concern.
    #[serde(default)]
    pub answers: Vec<Answer>,
    /// What the answer rests on.
    #[serde(default)]
    pub evidence: Vec<String>,
    /// The approval of exactly this text.
    #[serde(default)]
    pub approval: Option<String>,
    /// What goes along.
    #[serde(default)]
    pub attachments: Vec<String>,
}

/// A concern (诉求点).
#[derive(Debug, Deserialize)]
pub struct Concern {
    /// Its id.
    pub id: String,
    /// What is asked.
    pub text: String,
}

/// What is said of a concern: an answer, or why there is none.
#[derive(Debug, Deserialize)]
pub struct Answer {
    /// The concern's id.
    pub concern: String,
    /// The answer.
    #[serde(default)]
    pub text: Option<String>,
    /// Why it is not answered.
    #[serde(default)]
    pub declined: Option<String>,
    /// What it rests on; that of the whole answer unless given.
    #[serde(default)]
    pub evidence: Vec<String>,
}

/// The plugin.
#[derive(Debug)]
pub struct AnswerLetter;

impl Reporter for AnswerLetter {
    type Config = Config;
    type Data = Data;

    fn about() -> About {
        About::new(
            "answer-letter",
            env!("CARGO_PKG_VERSION"),
            "Writes the letter that answers whoever asked, concern by concern.",
        )
        .idempotent()
    }

    fn render(ctx: &Context, config: Config, data: Data) -> Result<Vec<Document>, Error> {
        let case = filled("/case", &data.case)?;
        let title = filled("/title", &data.title)?;
        let unit = filled("/unit_name", &data.unit_name)?;
        let asked = data.asked_at.as_deref().map(|text| instant("/asked_at", text)).transpose()?;
        if asked.is_some_and(|asked| asked > ctx.now) {
            return Err(wrong("/asked_at", "it was asked after it is answered (clause 1a)"));
        }
        let day = |at: u64| {
            let shown = config.utc_offset.show_chinese(at);
            shown.split_inclusive('日').next().unwrap_or_default().to_owned()
        };
        let when = asked.map(|at| format!("于{}", day(at))).unwrap_or_default();
        let mut blocks = vec![
            Block::note(format!("您{when}反映的“{title}”（受理编号{case}）收悉。现答复如下：")),
            Block::Paragraph(statement("", &data.text, &data.evidence)?),
        ];
        let answers = answers(&data)?;
        if !answers.is_empty() {
            blocks.push(Block::List(answers));
        }
        let contact = given(config.contact.as_deref());
        let contact = contact.map(|contact| format!("如有疑问，请联系{contact}。")).unwrap_or_default();
        blocks.push(Block::note(format!("感谢您对我们工作的关心和监督。{contact}")));
        let salutation = given(data.salutation.as_deref()).or(given(config.salutation.as_deref())).unwrap_or("来信人");
        let approved = given(data.approval.as_deref());
        let paper = Paper {
            kind: if approved.is_some() { "答复函" } else { "答复函（送审稿）" }.to_owned(),
            title: title.to_owned(),
            formal: Some(format!("关于“{title}”的答复函")),
            head: Head::Document {
                organ: given(config.organ.as_deref()).unwrap_or(unit).to_owned(),
                number: given(data.number_zh.as_deref()).map(str::to_owned),
                signer: None,
            },
            marks: if approved.is_some() { Vec::new() } else { vec!["送审稿".to_owned()] },
            to: vec![salutation.to_owned()],
            blocks,
            attachments: data.attachments,
            closing: vec![unit.to_owned(), day(ctx.now)],
            signature: Some(Signature { unit: unit.to_owned(), date: day(ctx.now) }),
            copies: Vec::new(),
            made: ctx.now,
        };
        documents(&paper, config.forms, &format!("answer-letter-{}", file_name(case)))
    }
}

/// What is said of each concern, in the order of the concerns: none is left out (clause 1c).
fn answers(data: &Data) -> Result<Vec<Statement>, Error> {
    for (n, answer) in data.answers.iter().enumerate() {
        let pointer = format!("/answers/{n}/concern");
        if !data.concerns.iter().any(|concern| concern.id == answer.concern) {
            return Err(wrong(&pointer, &format!("the case has no concern `{}`", answer.concern)));
        }
        if data.answers[..n].iter().any(|before| before.concern == answer.concern) {
            return Err(wrong(&pointer, &format!("`{}` is answered already", answer.concern)));
        }
    }
    let mut out = Vec::new();
    for concern in &data.concerns {
        let Some((n, answer)) = data.answers.iter().enumerate().find(|(_, answer)| answer.concern == concern.id) else {
            let why = format!("nothing is said of `{}`: {} (clause 1c, 紧扣群众关切)", concern.id, concern.text.trim());
            return Err(wrong("/answers", &why));
        };
        let pointer = format!("/answers/{n}");
        let concern = concern.text.trim();
        out.push(match (given(answer.text.as_deref()), given(answer.declined.as_deref())) {
            (Some(text), None) => {
                let evidence = if answer.evidence.is_empty() { &data.evidence } else { &answer.evidence };
                statement(&pointer, &format!("关于“{concern}”：{text}"), evidence)?
            }
            (None, Some(why)) => Statement::new(format!("关于“{concern}”：不予答复。理由：{why}"), &answer.evidence),
            _ => return Err(wrong(&pointer, "one of `text` and `declined` is given (clause 1c)")),
        });
    }
    Ok(out)
}

huiyin_sdk::export!(reporter: AnswerLetter);
