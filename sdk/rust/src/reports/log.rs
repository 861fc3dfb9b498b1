//! What a unit writes down of its desk, as bulletins: 舆情日志, 舆情专报, 舆情摘报 (clauses 3.2e, 6a). The data is what
//! `record-log` takes and answers, or the log as its page and its events have it.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{Block, Date, Forms, Head, Paper, Statement, date, filled, given, wrong};
use crate::time::UtcOffset;
use crate::{BTreeMap, Error};

/// How it looks and who stands behind it.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Settings {
    /// What stands in red above it (报头); 舆情日志, 舆情专报 or 舆情摘报 unless given.
    pub name: Option<String>,
    /// Who makes it; the unit's name unless given.
    pub organ: Option<String>,
    /// Who issues it, where the data does not say (签发).
    pub issuer: Option<String>,
    /// Who gets it (报送), at its foot.
    pub copies: Vec<String>,
    /// 密级 and 紧急程度, above the printed form.
    pub marks: Vec<String>,
    /// The local time that it is written in.
    pub utc_offset: UtcOffset,
    /// Which forms to render.
    #[serde(default = "Forms::all")]
    pub forms: Forms,
    /// The names of units by code, for tables of figures.
    pub unit_names: BTreeMap<String, String>,
}

/// A log. Members not named here are ignored.
#[derive(Debug, Deserialize)]
pub struct Data {
    /// `daily`, `special` or `digest`.
    #[serde(default)]
    pub kind: Option<String>,
    /// The unit's code.
    #[serde(default)]
    pub unit: Option<String>,
    /// The unit's name.
    #[serde(default)]
    pub unit_name: Option<String>,
    /// Its id within the unit, as its page has it.
    #[serde(default)]
    pub id: Option<String>,
    /// The same, as `record-log` answers it.
    #[serde(default)]
    pub log: Option<String>,
    /// The first day it tells of.
    #[serde(default)]
    pub from: Option<String>,
    /// The last day it tells of.
    pub to: String,
    /// Its number of the year.
    #[serde(default)]
    pub issue: Option<u32>,
    /// Its title.
    #[serde(default)]
    pub title: Option<String>,
    /// The case it is about.
    #[serde(default)]
    pub case: Option<String>,
    /// What it says.
    #[serde(default)]
    pub sections: Vec<Section>,
    /// The figures it rests on, as `read-desk` gives them.
    #[serde(default)]
    pub figures: Value,
    /// What is due, as `read-desk` gives it.
    #[serde(default)]
    pub due: Vec<Due>,
    /// The hash of its text.
    #[serde(default)]
    pub hash: Option<String>,
    /// How often it was written.
    #[serde(default)]
    pub revision: Option<u32>,
    /// True, or who issued it and when, once it is issued.
    #[serde(default)]
    pub issued: Value,
    /// Who issues it, by name.
    #[serde(default)]
    pub issuer: Option<String>,
}

/// A section.
#[derive(Debug, Clone, Deserialize)]
pub struct Section {
    /// Its heading.
    pub name: String,
    /// What it says.
    pub text: String,
    /// What it rests on; the log itself, or its case, unless given.
    #[serde(default)]
    pub evidence: Vec<String>,
}

/// Something due.
#[derive(Debug, Clone, Deserialize)]
pub struct Due {
    /// The case.
    pub case: String,
    /// The case's title.
    #[serde(default)]
    pub title: String,
    /// The clock's name.
    #[serde(default)]
    pub name: Value,
    /// When, RFC 3339.
    pub due_at: String,
    /// It is missed.
    #[serde(default)]
    pub breached: bool,
    /// It stands still.
    #[serde(default)]
    pub paused: bool,
}

impl Data {
    /// The days it tells of.
    ///
    /// # Errors
    /// Where one is no day, or they are out of order.
    pub fn days(&self) -> Result<(Date, Date), Error> {
        let to = date("/to", &self.to)?;
        let from = self.from.as_deref().map(|text| date("/from", text)).transpose()?.unwrap_or(to);
        if from > to {
            return Err(wrong("/from", &format!("{from} lies after {to}")));
        }
        Ok((from, to))
    }

    /// What it is known by: its id, with the hash of its text.
    ///
    /// # Errors
    /// Where it has no id: then it is not recorded, and nothing shows what it says.
    pub fn reference(&self) -> Result<String, Error> {
        let id = given(self.id.as_deref()).or(given(self.log.as_deref()));
        let id = id.ok_or_else(|| wrong("/log", "it has no id; record it with `record-log` first (clause 3.2e)"))?;
        let unit = given(self.unit.as_deref()).map(|unit| format!("{unit}/")).unwrap_or_default();
        Ok(match given(self.hash.as_deref()) {
            Some(hash) => format!("{unit}{id}#{hash}"),
            None => format!("{unit}{id}"),
        })
    }

    /// Whether it is issued.
    pub fn is_issued(&self) -> bool {
        match &self.issued {
            Value::Bool(issued) => *issued,
            Value::Object(_) => true,
            _ => false,
        }
    }

    /// Each section under its heading, resting on `shown` where it names nothing itself.
    ///
    /// # Errors
    /// Where a heading or a text is blank.
    pub fn blocks(&self, shown: &str) -> Result<Vec<Block>, Error> {
        let mut blocks = Vec::new();
        for (n, section) in self.sections.iter().enumerate() {
            let name = filled(&format!("/sections/{n}/name"), &section.name)?;
            let text = filled(&format!("/sections/{n}/text"), &section.text)?;
            let mut statement = Statement::new(text, &section.evidence);
            if statement.ids().next().is_none() {
                statement.evidence = vec![shown.to_owned()];
            }
            blocks.push(Block::Heading(name.to_owned()));
            blocks.push(Block::Paragraph(statement));
        }
        Ok(blocks)
    }

    /// The table of what is due, if anything is.
    ///
    /// # Errors
    /// Where a time is none.
    pub fn due_blocks(&self, offset: UtcOffset) -> Result<Vec<Block>, Error> {
        if self.due.is_empty() {
            return Ok(Vec::new());
        }
        let mut rows = Vec::new();
        for (n, due) in self.due.iter().enumerate() {
            let at = super::instant(&format!("/due/{n}/due_at"), &due.due_at)?;
            let name = due.name.get("zh").unwrap_or(&due.name).as_str().unwrap_or_default();
            let state = match (due.breached, due.paused) {
                (true, _) => "超时",
                (false, true) => "暂停",
                (false, false) => "在办",
            };
            rows.push(
                [due.case.clone(), due.title.clone(), name.to_owned(), offset.show_chinese(at), state.to_owned()]
                    .to_vec(),
            );
        }
        let head = ["办件", "标题", "时限", "截止", "状态"].map(str::to_owned).to_vec();
        Ok(vec![Block::Heading("到期事项".to_owned()), Block::Table { head, rows }])
    }

    /// The paper around what it says. `kind` is its name, `issue` what stands beneath.
    ///
    /// # Errors
    /// Where the unit has no name.
    pub fn paper(
        &self,
        settings: &Settings,
        kind: &str,
        issue: String,
        title: String,
        now: u64,
    ) -> Result<Paper, Error> {
        let (_, to) = self.days()?;
        let organ = given(settings.organ.as_deref()).or(given(self.unit_name.as_deref()));
        let organ = organ.or(given(self.unit.as_deref())).ok_or_else(|| wrong("/unit_name", "it is empty"))?;
        let issuer = given(self.issuer.as_deref()).or(given(settings.issuer.as_deref()));
        let mut closing: Vec<String> = issuer.map(|issuer| format!("签发：{issuer}")).into_iter().collect();
        closing.push(settings.utc_offset.show_chinese(now));
        Ok(Paper {
            kind: kind.to_owned(),
            title,
            formal: None,
            head: Head::Bulletin {
                name: given(settings.name.as_deref()).unwrap_or(kind).to_owned(),
                issue: Some(issue),
                organ: organ.to_owned(),
                date: to.zh(),
            },
            marks: settings.marks.clone(),
            to: Vec::new(),
            blocks: Vec::new(),
            attachments: Vec::new(),
            closing,
            signature: None,
            copies: settings.copies.clone(),
            made: now,
        })
    }
}

/// The tables of a period's figures, as `read-desk` gives them: all in all, and by unit where there are several.
pub fn figures(figures: &Value, names: &BTreeMap<String, String>) -> Vec<Block> {
    let count = |of: &Value, name: &str| of.get(name).and_then(Value::as_u64);
    let mut rows: Vec<(String, String)> = Vec::new();
    let mut row = |label: &str, value: Option<String>| rows.extend(value.map(|value| (label.to_owned(), value)));
    let whole = |value: Option<u64>, unit: &str| value.map(|value| format!("{value}{unit}"));
    let percent = |value: Option<&Value>| value.and_then(Value::as_f64).map(|rate| format!("{:.1}%", rate * 100.0));
    let cases = figures.get("cases").unwrap_or(&Value::Null);
    row("收到信息", whole(count(figures, "items"), "条"));
    for (label, name) in [("新立案", "opened"), ("办结", "closed"), ("在办", "open"), ("其中超时", "overdue")]
    {
        row(label, whole(count(cases, name), "件"));
    }
    row("新发生超时", whole(count(cases, "breaches"), "次"));
    row("时限按时完成率", percent(figures.get("on_time_rate")));
    if let Some(hotline) = figures.get("hotline").filter(|hotline| count(hotline, "total").is_some_and(|n| n > 0)) {
        row("热线来电", whole(count(hotline, "total"), "个"));
        row("热线接听率", percent(hotline.get("answer_rate")));
    }
    if rows.is_empty() {
        return Vec::new();
    }
    let mut blocks = vec![Block::Heading("数据".to_owned()), Block::Rows(rows)];
    if let Some(units) = figures.get("by_unit").and_then(Value::as_object).filter(|units| units.len() > 1) {
        let number = |of: &Value, name: &str| count(of, name).unwrap_or(0).to_string();
        let rows = units.iter().map(|(code, of)| {
            let mut cells = vec![names.get(code).unwrap_or(code).clone()];
            cells.extend(["opened", "closed", "open", "overdue"].map(|name| number(of, name)));
            cells
        });
        let head = ["单位", "新立案", "办结", "在办", "超时"].map(str::to_owned).to_vec();
        blocks.push(Block::Table { head, rows: rows.collect() });
    }
    blocks
}
