//! Reporter `flash-report`: the 快报, first of the staged reports (clause 5a:
//! 快报事实、慎报原因、详报措施、后报结果). It states facts, each with the items
//! that show it (clause 1b), and refuses a cause, measures and a result, which
//! belong to later stages. Pure.

mod cause;
mod data;
mod forms;

use huiyin_sdk::time::UtcOffset;
use huiyin_sdk::{About, Context, Document, Error, Reporter};
use schemars::JsonSchema;
use serde::Deserialize;

pub use data::{Data, Fact};

/// How the report looks and who stands behind it.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Config {
    /// Who issues it, where the data does not say (签发).
    pub issuer: Option<String>,
    /// To whom it goes, where the data does not say (报送).
    pub report_to: Vec<String>,
    /// The local time that the report is written in.
    pub utc_offset: UtcOffset,
    /// Which forms to render.
    pub forms: Forms,
    /// Further phrases that state a cause and are refused in facts, whatever their width, script and spacing.
    pub cause_phrases: Vec<String>,
}

/// Which forms to render.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Forms {
    /// Markdown and HTML.
    #[default]
    Both,
    /// Markdown only.
    Markdown,
    /// HTML only.
    Html,
}

/// The plugin.
#[derive(Debug)]
pub struct FlashReport;

impl Reporter for FlashReport {
    type Config = Config;
    type Data = Data;

    fn about() -> About {
        About::new(
            "flash-report",
            env!("CARGO_PKG_VERSION"),
            "Writes the flash report of a case as Markdown and HTML; refuses a cause.",
        )
        .idempotent()
    }

    fn render(ctx: &Context, config: Config, data: Data) -> Result<Vec<Document>, Error> {
        let report = data::check(&config, data, ctx.now)?;
        let name = format!("flash-report-{}", file_name(&report.case));
        let document = |media_type: &str, extension: &str, text: String| Document {
            media_type: format!("{media_type}; charset=utf-8"),
            filename: format!("{name}.{extension}"),
            bytes: text.into_bytes(),
        };
        let mut documents = Vec::new();
        if config.forms != Forms::Html {
            documents.push(document("text/markdown", "md", forms::markdown(&report)));
        }
        if config.forms != Forms::Markdown {
            documents.push(document("text/html", "html", forms::html(&report)));
        }
        Ok(documents)
    }
}

huiyin_sdk::export!(reporter: FlashReport);

/// The case number as part of a file name.
fn file_name(case: &str) -> String {
    case.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '-' }).take(100).collect()
}
