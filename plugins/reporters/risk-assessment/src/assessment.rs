//! The assessment: its six parts, and whether the decision may be issued.

use huiyin_sdk::reports::{Block, Statement, filled, statement, wrong};
use huiyin_sdk::{BTreeMap, Error};
use serde::Deserialize;

/// The four sections of evidence, the level and the plan, by their names in JSON and for people.
const PARTS: [(&str, &str); 6] = [
    ("tracking", "舆情跟踪"),
    ("survey", "抽样调查"),
    ("visits", "重点走访"),
    ("consultation", "会商分析"),
    ("level", "风险等级"),
    ("plan", "处置预案"),
];

/// The assessment, as the page of the case has it.
#[derive(Debug, Deserialize)]
pub struct Risk {
    /// Its parts.
    pub parts: Vec<Part>,
    /// Whether the decision may be issued.
    #[serde(default)]
    pub gate_open: bool,
    /// What opened the gate.
    #[serde(default)]
    pub gate: Option<Gate>,
}

/// One part.
#[derive(Debug, Clone, Deserialize)]
pub struct Part {
    /// `tracking`, `survey`, `visits`, `consultation`, `level` or `plan`.
    pub part: String,
    /// What was found; the reason of the level; the plan.
    pub text: String,
    /// What it rests on.
    #[serde(default)]
    pub evidence: Vec<String>,
    /// `high`, `medium` or `low`, where the part is the level.
    #[serde(default)]
    pub level: Option<String>,
}

/// The open gate.
#[derive(Debug, Deserialize)]
pub struct Gate {
    /// The approval that opened it.
    pub approval: String,
}

/// A piece of evidence of the case.
#[derive(Debug, Deserialize)]
pub struct Record {
    /// `v1`, `v2`, … within the case.
    pub id: String,
}

/// Names of units, by code.
#[derive(Debug, Default, Deserialize)]
pub struct Names {
    /// Of units.
    #[serde(default)]
    pub units: BTreeMap<String, String>,
}

pub(crate) fn blocks(risk: &Risk, records: &[Record]) -> Result<Vec<Block>, Error> {
    for (n, part) in risk.parts.iter().enumerate() {
        let pointer = format!("/risk/parts/{n}");
        if !PARTS.iter().any(|(name, _)| *name == part.part) {
            let names = PARTS.map(|(name, _)| name).join(", ");
            return Err(wrong(&format!("{pointer}/part"), &format!("{:?} is none of {names}", part.part)));
        }
        if risk.parts[..n].iter().any(|before| before.part == part.part) {
            return Err(wrong(&format!("{pointer}/part"), &format!("`{}` is there already", part.part)));
        }
        let unknown = part.evidence.iter().find(|id| !records.is_empty() && !records.iter().any(|r| r.id == **id));
        if let Some(id) = unknown {
            return Err(wrong(&format!("{pointer}/evidence"), &format!("the case has no evidence `{id}`")));
        }
    }
    let missing: Vec<&str> =
        PARTS.iter().filter(|(name, _)| !risk.parts.iter().any(|part| part.part == *name)).map(|(_, zh)| *zh).collect();
    if !missing.is_empty() {
        let why = format!("{} missing: an assessment has all six parts (clause 3.2d)", missing.join("、"));
        return Err(wrong("/risk/parts", &why));
    }
    let mut blocks = Vec::new();
    let mut shown: Vec<String> = Vec::new();
    for (name, zh) in PARTS {
        let Some((n, part)) = risk.parts.iter().enumerate().find(|(_, part)| part.part == name) else { continue };
        let pointer = format!("/risk/parts/{n}");
        let said = match name {
            // They rest on the sections, unless they name something of their own.
            "level" | "plan" => {
                let mut text = filled(&format!("{pointer}/text"), &part.text)?.to_owned();
                if name == "level" {
                    text = format!("{}：{text}", level(&pointer, part.level.as_deref())?);
                }
                let own = part.evidence.iter().any(|id| !id.trim().is_empty());
                Statement::new(text, if own { &part.evidence } else { &shown })
            }
            _ => statement(&pointer, &part.text, &part.evidence)?,
        };
        for id in said.ids() {
            if !shown.iter().any(|there| there == id) {
                shown.push(id.to_owned());
            }
        }
        blocks.push(Block::Heading(zh.to_owned()));
        blocks.push(Block::Paragraph(said));
    }
    blocks.push(Block::Heading("结论".to_owned()));
    blocks.push(Block::Paragraph(match &risk.gate {
        Some(gate) if risk.gate_open => {
            Statement::new("评估已按程序批准，决策可以出台。", std::slice::from_ref(&gate.approval))
        }
        _ => Statement::new("评估尚未批准，决策不得出台。", &shown),
    }));
    Ok(blocks)
}

fn level(pointer: &str, level: Option<&str>) -> Result<&'static str, Error> {
    match level {
        Some("high") => Ok("高风险"),
        Some("medium") => Ok("中风险"),
        Some("low") => Ok("低风险"),
        _ => Err(wrong(&format!("{pointer}/level"), "the level is `high`, `medium` or `low` (clause 3.2d)")),
    }
}
