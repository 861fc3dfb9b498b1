//! The staged reports of a case (clause 5a: 快报事实、慎报原因、详报措施、后报结果): what they are made from, the same for
//! each stage, and what all stages have in common. What a stage may say, its reporter says.

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::{
    Block, Forms, Head, Paper, Signature, Statement, cause, elapsed, file_name, filled, given, instant, statement,
    wrong,
};
use crate::time::UtcOffset;
use crate::{Document, Error, Level};

/// How the report looks and who stands behind it.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Settings {
    /// Who issues it, where the data does not say (签发).
    pub issuer: Option<String>,
    /// To whom it goes, where the data does not say (报送).
    pub report_to: Vec<String>,
    /// Who gets a copy (抄送).
    pub copies: Vec<String>,
    /// What stands in red above the printed form (发文机关标志); the responsible unit's name unless given.
    pub organ: Option<String>,
    /// 密级 and 紧急程度, above the printed form, such as `特急`.
    pub marks: Vec<String>,
    /// The local time that the report is written in.
    pub utc_offset: UtcOffset,
    /// Which forms to render; a flash report is Markdown and HTML unless given, the others all.
    pub forms: Option<Forms>,
    /// Further phrases that state a cause and are refused in facts, whatever their width, script and spacing.
    pub cause_phrases: Vec<String>,
}

/// The data of one report; the names are those of the desk's core functions,
/// so that the output of `open-case` fits as it is, and so do a draft and a
/// report of the case. Fields not named here are ignored.
#[derive(Debug, Deserialize)]
pub struct Data {
    /// Which stage: `flash`, `follow-up`, `detailed` or `final`.
    #[serde(default)]
    pub stage: Option<String>,
    /// Which of its stage, from 1.
    #[serde(default)]
    pub seq: Option<u32>,
    /// Its number as it stands on paper (发文字号): `续报〔2026〕3号`.
    #[serde(default)]
    pub number_zh: Option<String>,
    /// The case number (编号).
    #[serde(alias = "number")]
    pub case: String,
    /// The level (等级).
    pub level: Level,
    /// What it is about (标题).
    pub title: String,
    /// When it happened (事发时间), RFC 3339.
    pub occurred_at: String,
    /// When it was discovered (发现时间), RFC 3339.
    #[serde(default)]
    pub discovered_at: Option<String>,
    /// When it is reported (报告时间), RFC 3339; the time of the call unless given.
    #[serde(default)]
    pub reported_at: Option<String>,
    /// The responsible unit (责任单位); `unit_name` where it is not given.
    #[serde(default)]
    pub lead_unit: Option<String>,
    /// The name of the case's unit, as core functions and events have it.
    #[serde(default)]
    pub unit_name: Option<String>,
    /// Where it happened.
    #[serde(default)]
    pub place: Option<String>,
    /// Who issues the report (签发).
    #[serde(default)]
    pub issuer: Option<String>,
    /// To whom it goes (报送).
    #[serde(default)]
    pub report_to: Vec<String>,
    /// What is known.
    pub facts: Vec<Fact>,
    /// The evidence of each fact, in their order, where the facts are texts: as drafts and reports of a case have it.
    #[serde(default)]
    pub evidence: Vec<Vec<String>>,
    /// 原因.
    #[serde(default, alias = "causes", alias = "原因")]
    pub cause: Value,
    /// What the cause rests on.
    #[serde(default)]
    pub cause_evidence: Vec<String>,
    /// 措施.
    #[serde(default, alias = "措施")]
    pub measures: Value,
    /// What the measures rest on; all that shows the facts, unless given.
    #[serde(default)]
    pub measures_evidence: Vec<String>,
    /// 结果.
    #[serde(default, alias = "结果")]
    pub result: Value,
    /// What the result rests on; all that shows the facts, unless given.
    #[serde(default)]
    pub result_evidence: Vec<String>,
    /// The evidence of the case, as its page lists it.
    #[serde(default)]
    pub records: Vec<Record>,
}

/// One statement of fact: in JSON an object, or its text alone.
#[derive(Debug, Clone)]
pub struct Fact {
    /// The statement.
    pub text: String,
    /// The ids of the items that show it (clause 1b): at least one.
    pub evidence: Vec<String>,
}

/// A piece of evidence of a case.
#[derive(Debug, Clone, Deserialize)]
pub struct Record {
    /// `v1`, `v2`, … within the case.
    pub id: String,
    /// `observation`, `document`, `media` or `investigation`.
    #[serde(default)]
    pub kind: String,
}

#[derive(Deserialize)]
#[serde(rename = "Fact")]
struct Written {
    text: String,
    #[serde(default)]
    evidence: Vec<String>,
}

impl<'de> Deserialize<'de> for Fact {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Fact;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a text, or an object with `text` and `evidence`")
            }

            fn visit_str<E>(self, text: &str) -> Result<Fact, E> {
                Ok(Fact { text: text.to_owned(), evidence: Vec::new() })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Fact, A::Error> {
                let Written { text, evidence } = Written::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Fact { text, evidence })
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// What all stages have in common, checked.
#[derive(Debug)]
pub struct Common {
    case: String,
    title: String,
    organ: String,
    number: Option<String>,
    unit: String,
    issuer: String,
    to: Vec<String>,
    rows: Vec<(String, String)>,
    facts: Vec<Statement>,
    reported: u64,
}

impl Common {
    /// Checks what all stages have in common: who issues it, the order of the times (clause 1a), and that each fact
    /// has its evidence (clause 1b) and states no cause (clause 5a). `now`: milliseconds since the Unix epoch.
    ///
    /// # Errors
    /// Names the place and the clause.
    pub fn check(settings: &Settings, data: &Data, now: u64) -> Result<Self, Error> {
        let case = filled("/case", &data.case)?.to_owned();
        let title = filled("/title", &data.title)?.to_owned();
        let unit = given(data.lead_unit.as_deref()).or(given(data.unit_name.as_deref()));
        let unit = unit.ok_or_else(|| wrong("/lead_unit", "it is empty"))?.to_owned();
        let issuer = given(data.issuer.as_deref()).or(given(settings.issuer.as_deref())).ok_or_else(|| {
            wrong("/issuer", "nobody issues the report; name the issuer here or in the configuration")
        })?;
        let facts = facts(data, &settings.cause_phrases)?;

        let occurred = instant("/occurred_at", &data.occurred_at)?;
        let discovered = data.discovered_at.as_deref().map(|text| instant("/discovered_at", text)).transpose()?;
        let reported = match &data.reported_at {
            Some(text) => instant("/reported_at", text)?,
            None => now,
        };
        if discovered.is_some_and(|discovered| discovered < occurred) {
            return Err(wrong("/discovered_at", "it was discovered before it occurred (clause 1a)"));
        }
        if reported < discovered.unwrap_or(occurred) {
            return Err(wrong("/reported_at", "it is reported before it was discovered or occurred (clause 1a)"));
        }

        let show = |at: u64| settings.utc_offset.show_chinese(at);
        let mut rows =
            vec![("编号", case.clone()), ("等级", level(data.level).to_owned()), ("事发时间", show(occurred))];
        rows.extend(given(data.place.as_deref()).map(|place| ("事发地点", place.to_owned())));
        rows.extend(discovered.map(|at| ("发现时间", show(at))));
        rows.push(("报告时间", show(reported)));
        rows.push(("事发至报告", elapsed(reported - occurred)));
        rows.push(("责任单位", unit.clone()));
        let to = if data.report_to.is_empty() { &settings.report_to } else { &data.report_to };
        Ok(Self {
            case,
            title,
            organ: given(settings.organ.as_deref()).unwrap_or(&unit).to_owned(),
            number: given(data.number_zh.as_deref()).map(str::to_owned),
            unit,
            issuer: issuer.to_owned(),
            to: to.clone(),
            rows: rows.into_iter().map(|(label, value)| (label.to_owned(), value)).collect(),
            facts,
            reported,
        })
    }

    /// What shows the facts, each once.
    pub fn evidence(&self) -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        for id in self.facts.iter().flat_map(Statement::ids) {
            if !all.iter().any(|there| there == id) {
                all.push(id.to_owned());
            }
        }
        all
    }

    /// The report in its forms: the facts, then `more`, then `note`.
    ///
    /// # Errors
    /// Where it cannot be packed.
    pub fn documents(
        self,
        settings: &Settings,
        kind: &str,
        name: &str,
        more: Vec<Block>,
        note: Option<&str>,
        forms: Forms,
    ) -> Result<Vec<Document>, Error> {
        let name = format!("{name}-{}", file_name(&self.case));
        let mut blocks = vec![Block::Rows(self.rows), Block::Heading("基本事实".to_owned()), Block::List(self.facts)];
        blocks.extend(more);
        blocks.extend(note.map(Block::note));
        let shown = settings.utc_offset.show_chinese(self.reported);
        let day = shown.split_inclusive('日').next().unwrap_or_default().to_owned();
        let paper = Paper {
            kind: kind.to_owned(),
            formal: Some(format!("关于{}的{kind}", self.title)),
            title: self.title,
            head: Head::Document { organ: self.organ, number: self.number, signer: Some(self.issuer.clone()) },
            marks: settings.marks.clone(),
            to: self.to,
            blocks,
            attachments: Vec::new(),
            closing: vec![format!("签发：{}", self.issuer), shown],
            signature: Some(Signature { unit: self.unit, date: day }),
            copies: settings.copies.clone(),
            made: self.reported,
        };
        super::documents(&paper, forms, &name)
    }
}

fn facts(data: &Data, more_phrases: &[String]) -> Result<Vec<Statement>, Error> {
    if data.facts.is_empty() {
        return Err(wrong("/facts", "there is no fact to report; state at least one"));
    }
    if data.evidence.len() > data.facts.len() {
        return Err(wrong("/evidence", "it names the evidence of more facts than there are"));
    }
    let mut out = Vec::new();
    for (n, fact) in data.facts.iter().enumerate() {
        let evidence =
            if fact.evidence.is_empty() { data.evidence.get(n).map_or(&[][..], Vec::as_slice) } else { &fact.evidence };
        let said = statement(&format!("/facts/{n}"), &fact.text, evidence)?;
        if let Some(phrase) = cause::stated(&fact.text, more_phrases) {
            let why = format!("“{phrase}” states a cause (clause 5a, 慎报原因); say what is known, not why");
            return Err(wrong(&format!("/facts/{n}/text"), &why));
        }
        out.push(said);
    }
    Ok(out)
}

/// A level as reports show it.
pub fn level(level: Level) -> &'static str {
    match level {
        Level::I => "Ⅰ级 特别重大（红）",
        Level::II => "Ⅱ级 重大（橙）",
        Level::III => "Ⅲ级 较大（黄）",
        Level::IV => "Ⅳ级 一般（蓝）",
    }
}
