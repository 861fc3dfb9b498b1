//! Reporter `{{name}}`: writes a short report as Markdown.

use huiyin_sdk::{About, Context, Document, Error, Reporter};
use schemars::JsonSchema;
use serde::Deserialize;

/// The configuration. Its JSON Schema and these comments go into the manifest.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Who signs.
    pub office: String,
}

/// What the report is made from.
#[derive(Debug, Deserialize)]
pub struct Data {
    /// Its title.
    pub title: String,
    /// Its paragraphs.
    pub paragraphs: Vec<String>,
}

/// The plugin.
#[derive(Debug)]
pub struct {{Type}};

impl Reporter for {{Type}} {
    type Config = Config;
    type Data = Data;

    fn about() -> About {
        About::new("{{name}}", env!("CARGO_PKG_VERSION"), "Writes a short report as Markdown.").idempotent()
    }

    fn render(_: &Context, config: Config, data: Data) -> Result<Vec<Document>, Error> {
        if data.paragraphs.is_empty() {
            return Err(Error::InvalidInput("at /paragraphs: a report says something".to_owned()));
        }
        let text = format!("# {}\n\n{}\n\n{}\n", data.title, data.paragraphs.join("\n\n"), config.office);
        Ok(vec![Document {
            media_type: "text/markdown; charset=utf-8".to_owned(),
            filename: "report.md".to_owned(),
            bytes: text.into_bytes(),
        }])
    }
}

huiyin_sdk::export!(reporter: {{Type}});
