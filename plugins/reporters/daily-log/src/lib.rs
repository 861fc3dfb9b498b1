//! Reporter `daily-log`: the 舆情日志 of a day (clause 3.2e), also of a day with nothing: that nothing came in is said
//! only where the figures show it. Pure.

use huiyin_sdk::reports::log::{Data, Section, Settings, figures};
use huiyin_sdk::reports::{documents, file_name, given, wrong};
use huiyin_sdk::serde_json::Value;
use huiyin_sdk::{About, Context, Document, Error, Reporter};

/// The plugin.
#[derive(Debug)]
pub struct DailyLog;

impl Reporter for DailyLog {
    type Config = Settings;
    type Data = Data;

    fn about() -> About {
        About::new("daily-log", env!("CARGO_PKG_VERSION"), "Writes the log of a day, also of a day with nothing.")
            .idempotent()
    }

    fn render(ctx: &Context, config: Settings, mut data: Data) -> Result<Vec<Document>, Error> {
        if data.kind.as_deref().is_some_and(|kind| kind != "daily") {
            return Err(wrong("/kind", "this reporter writes daily logs; `special-report` writes the others"));
        }
        let (from, to) = data.days()?;
        if from != to {
            return Err(wrong("/from", "a daily log tells of one day (clause 3.2e)"));
        }
        let issue = data.issue.ok_or_else(|| wrong("/issue", "a daily log has a number; `record-log` answers it"))?;
        let reference = data.reference()?;
        if data.sections.is_empty() {
            data.sections = vec![nothing(&data.figures)?];
        }
        let mut issue = format!("{}年第{issue}期", to.year());
        if data.revision.is_some_and(|revision| revision > 1) {
            issue.push_str("（更正）");
        }
        let title = given(data.title.as_deref()).map_or_else(|| format!("{}舆情日志", to.zh()), str::to_owned);
        let mut paper = data.paper(&config, "舆情日志", format!("（{issue}）"), title, ctx.now)?;
        paper.blocks = data.blocks(&reference)?;
        paper.blocks.extend(data.due_blocks(config.utc_offset)?);
        paper.blocks.extend(figures(&data.figures, &config.unit_names));
        let unit = data.unit.as_deref().map(|unit| format!("-{}", file_name(unit))).unwrap_or_default();
        documents(&paper, config.forms, &format!("daily-log{unit}-{to}"))
    }
}

/// That nothing came in, where the figures show it: a day of which nothing is known is another thing.
fn nothing(figures: &Value) -> Result<Section, Error> {
    let count = |pointer: &str| figures.pointer(pointer).and_then(Value::as_u64);
    let new = ["/items", "/cases/opened", "/cases/closed", "/cases/breaches"].map(count);
    let text = match new {
        [Some(0), Some(0), Some(0), Some(0)] if count("/hotline/total").unwrap_or(0) == 0 => {
            "本日无新增信息、办件和来电。"
        }
        [Some(_), Some(_), Some(_), Some(_)] => {
            return Err(wrong("/sections", "the figures show that something came in; say what (clause 3.2e)"));
        }
        _ => {
            let why =
                "neither sections nor figures: a day of which nothing is known is no day with nothing (clause 3.2e)";
            return Err(wrong("/sections", why));
        }
    };
    Ok(Section { name: "概况".to_owned(), text: text.to_owned(), evidence: Vec::new() })
}

huiyin_sdk::export!(reporter: DailyLog);
