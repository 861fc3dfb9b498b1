//! Reporter `risk-assessment`: the 舆情风险评估报告 of a decision (clause 3.2d): 舆情跟踪, 抽样调查, 重点走访 and 会商分析,
//! each with its evidence, the level, the contingency plan, and whether the decision may be issued. Pure.

mod assessment;

use huiyin_sdk::reports::{Block, Forms, Head, Paper, Signature, documents, file_name, filled, given, wrong};
use huiyin_sdk::time::UtcOffset;
use huiyin_sdk::{About, Context, Document, Error, Reporter};
use schemars::JsonSchema;
use serde::Deserialize;

pub use assessment::{Gate, Names, Part, Record, Risk};

/// How it looks and who stands behind it.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Config {
    /// What stands in red above it (发文机关标志); the unit's name unless given.
    pub organ: Option<String>,
    /// Who issues it (签发).
    pub issuer: Option<String>,
    /// To whom it goes (主送).
    pub report_to: Vec<String>,
    /// Who gets a copy (抄送).
    pub copies: Vec<String>,
    /// 密级 and 紧急程度, above the printed form.
    pub marks: Vec<String>,
    /// The local time that it is written in.
    pub utc_offset: UtcOffset,
    /// Which forms to render.
    #[serde(default = "Forms::all")]
    pub forms: Forms,
}

/// A case of the kind `decision-risk`, as its page has it. Members not named here are ignored.
#[derive(Debug, Deserialize)]
pub struct Data {
    /// The case number.
    #[serde(alias = "case")]
    pub number: String,
    /// The decision.
    pub title: String,
    /// The unit's code.
    #[serde(default)]
    pub unit: Option<String>,
    /// The unit's name; else from `names`, else its code.
    #[serde(default)]
    pub unit_name: Option<String>,
    /// The assessment.
    pub risk: Risk,
    /// The evidence of the case.
    #[serde(default)]
    pub evidence: Vec<Record>,
    /// The names of units, as the page has them.
    #[serde(default)]
    pub names: Names,
}

/// The plugin.
#[derive(Debug)]
pub struct RiskAssessment;

impl Reporter for RiskAssessment {
    type Config = Config;
    type Data = Data;

    fn about() -> About {
        About::new(
            "risk-assessment",
            env!("CARGO_PKG_VERSION"),
            "Writes the opinion-risk assessment of a decision: four sections with evidence, level and plan.",
        )
        .idempotent()
    }

    fn render(ctx: &Context, config: Config, data: Data) -> Result<Vec<Document>, Error> {
        let number = filled("/number", &data.number)?;
        let title = filled("/title", &data.title)?;
        let named = data.unit.as_ref().and_then(|unit| data.names.units.get(unit)).map(String::as_str);
        let unit = given(data.unit_name.as_deref()).or(given(named)).or(given(data.unit.as_deref()));
        let unit = unit.ok_or_else(|| wrong("/unit_name", "it is empty"))?;
        let shown = config.utc_offset.show_chinese(ctx.now);
        let mut blocks = vec![Block::Rows(
            [("编号", number), ("决策事项", title), ("评估单位", unit)]
                .map(|(label, value)| (label.to_owned(), value.to_owned()))
                .to_vec(),
        )];
        blocks.extend(assessment::blocks(&data.risk, &data.evidence)?);
        let paper = Paper {
            kind: "舆情风险评估报告".to_owned(),
            title: title.to_owned(),
            formal: Some(format!("关于{title}的舆情风险评估报告")),
            head: Head::Document {
                organ: given(config.organ.as_deref()).unwrap_or(unit).to_owned(),
                number: None,
                signer: given(config.issuer.as_deref()).map(str::to_owned),
            },
            marks: config.marks,
            to: config.report_to,
            blocks,
            attachments: Vec::new(),
            closing: [unit, &shown].map(str::to_owned).to_vec(),
            signature: Some(Signature {
                unit: unit.to_owned(),
                date: shown.split_inclusive('日').next().unwrap_or_default().to_owned(),
            }),
            copies: config.copies,
            made: ctx.now,
        };
        documents(&paper, config.forms, &format!("risk-assessment-{}", file_name(number)))
    }
}

huiyin_sdk::export!(reporter: RiskAssessment);
