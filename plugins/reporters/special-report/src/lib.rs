//! Reporter `special-report`: the 舆情专报 about one matter, with its number once it is issued, and the 舆情摘报 of a
//! period for the leadership (clauses 3.2e, 6a). A special report has 概况, 传播, 观点, 研判 and 建议, each with what
//! it rests on (clause 1b). What is not issued says so on its face. Pure.

use huiyin_sdk::reports::log::{Data, Settings, figures};
use huiyin_sdk::reports::{documents, file_name, given, wrong};
use huiyin_sdk::{About, Context, Document, Error, Reporter};

/// The sections of a special report, in their order.
const SECTIONS: [&str; 5] = ["概况", "传播", "观点", "研判", "建议"];

/// The plugin.
#[derive(Debug)]
pub struct SpecialReport;

impl Reporter for SpecialReport {
    type Config = Settings;
    type Data = Data;

    fn about() -> About {
        About::new(
            "special-report",
            env!("CARGO_PKG_VERSION"),
            "Writes a special report about one matter, or the digest of a period for the leadership.",
        )
        .idempotent()
    }

    fn render(ctx: &Context, config: Settings, data: Data) -> Result<Vec<Document>, Error> {
        match data.kind.as_deref() {
            Some("special") => special(ctx, &config, &data),
            Some("digest") => digest(ctx, &config, &data),
            Some("daily") => Err(wrong("/kind", "daily logs are written by `daily-log`")),
            _ => Err(wrong("/kind", "which it is has to be said: `special` or `digest`")),
        }
    }
}

fn special(ctx: &Context, config: &Settings, data: &Data) -> Result<Vec<Document>, Error> {
    let names: Vec<&str> = data.sections.iter().map(|section| section.name.trim()).collect();
    if names != SECTIONS {
        let why = format!("a special report has {}, each once and in this order (clause 3.2e)", SECTIONS.join("、"));
        return Err(wrong("/sections", &why));
    }
    let title = given(data.title.as_deref()).ok_or_else(|| wrong("/title", "a special report has a title"))?;
    let reference = data.reference()?;
    let case = given(data.case.as_deref());
    let shown = case.unwrap_or_default();
    if let Some(n) = data.sections.iter().position(|section| section.evidence.iter().all(|id| id.trim().is_empty()))
        && case.is_none()
    {
        let why = "no evidence, and no case that it is about (clause 1b, 尊重客观事实)";
        return Err(wrong(&format!("/sections/{n}/evidence"), why));
    }
    let (_, to) = data.days()?;
    let (issue, name) = match (data.is_issued(), data.issue) {
        (true, Some(issue)) => (format!("（{}年第{issue}期）", to.year()), format!("{}-{issue}", to.year())),
        (true, None) => return Err(wrong("/issue", "it is issued, so it has a number; `issue-log` answers it")),
        (false, _) => {
            ("（草稿，尚未签发）".to_owned(), file_name(data.id.as_deref().or(data.log.as_deref()).unwrap_or("draft")))
        }
    };
    let mut paper = data.paper(config, "舆情专报", issue, title.to_owned(), ctx.now)?;
    paper.blocks = data.blocks(shown)?;
    if let Some(case) = case {
        paper.closing.insert(0, format!("办件：{case}"));
    }
    paper.closing.insert(0, format!("专报：{reference}"));
    paper.blocks.extend(figures(&data.figures, &config.unit_names));
    documents(&paper, config.forms, &format!("special-report-{name}"))
}

fn digest(ctx: &Context, config: &Settings, data: &Data) -> Result<Vec<Document>, Error> {
    if data.sections.is_empty() {
        return Err(wrong("/sections", "a digest says something; give at least one section (clause 6a)"));
    }
    let (from, to) = data.days()?;
    let reference = data.reference()?;
    let issue = data.issue.ok_or_else(|| wrong("/issue", "a digest has a number; `record-log` answers it"))?;
    let period = if from == to { to.zh() } else { format!("{}至{}", from.zh(), to.zh()) };
    let title = given(data.title.as_deref()).map_or_else(|| format!("{period}舆情摘报"), str::to_owned);
    let issue_zh = format!("（{}年第{issue}期）", to.year());
    let mut paper = data.paper(config, "舆情摘报", issue_zh, title, ctx.now)?;
    paper.blocks = data.blocks(&reference)?;
    paper.blocks.extend(data.due_blocks(config.utc_offset)?);
    paper.blocks.extend(figures(&data.figures, &config.unit_names));
    documents(&paper, config.forms, &format!("digest-{}-{issue}", to.year()))
}

huiyin_sdk::export!(reporter: SpecialReport);
