//! Reporter `statistics`: the figures of one or several periods, as `read-desk` gives them, by unit, channel, label,
//! level and kind (clauses 3.1g, 4b, 4c, 6a): XLSX for spreadsheets, CSV for programs, charts as SVG. Every row says
//! which reading it comes from. Pure.

mod chart;
mod csv;
mod reading;
mod tables;
mod xlsx;

use huiyin_sdk::reports::{file_name, wrong};
use huiyin_sdk::serde_json::Value;
use huiyin_sdk::{About, BTreeMap, Context, Document, Error, Reporter};
use schemars::JsonSchema;
use serde::Deserialize;

/// How the figures are shown.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Config {
    /// The title; 舆情统计 unless given.
    pub title: Option<String>,
    /// Which forms to render.
    #[serde(default = "all")]
    pub forms: Vec<Form>,
    /// The names of units by code.
    pub unit_names: BTreeMap<String, String>,
    /// The names of channels by code, such as `weibo`.
    pub channel_names: BTreeMap<String, String>,
}

/// A form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Form {
    /// A workbook, a sheet for each table.
    Xlsx,
    /// One table, a figure a row: UTF-8 with a byte-order mark.
    Csv,
    /// Charts.
    Svg,
}

fn all() -> Vec<Form> {
    vec![Form::Xlsx, Form::Csv, Form::Svg]
}

/// The plugin.
#[derive(Debug)]
pub struct Statistics;

impl Reporter for Statistics {
    type Config = Config;
    /// What `read-desk` answers, or `{"periods": […]}` with several of them.
    type Data = Value;

    fn about() -> About {
        About::new(
            "statistics",
            env!("CARGO_PKG_VERSION"),
            "Writes the figures of periods and units as XLSX, CSV and SVG charts.",
        )
        .idempotent()
    }

    fn render(_: &Context, config: Config, data: Value) -> Result<Vec<Document>, Error> {
        let readings = reading::readings(&data)?;
        let title = config.title.as_deref().unwrap_or("舆情统计");
        let tables = tables::tables(&readings, &config);
        let (Some(first), Some(last)) = (readings.first(), readings.last()) else {
            return Err(wrong("/periods", "there is no period"));
        };
        let name = format!("statistics-{}-{}-{}", file_name(&first.unit), first.from, last.to);
        let mut documents = Vec::new();
        for form in &config.forms {
            match form {
                Form::Xlsx => documents.push(Document {
                    media_type: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet".to_owned(),
                    filename: format!("{name}.xlsx"),
                    bytes: xlsx::workbook(title, &tables)?,
                }),
                Form::Csv => documents.push(Document {
                    media_type: "text/csv; charset=utf-8".to_owned(),
                    filename: format!("{name}.csv"),
                    bytes: csv::file(&tables).into_bytes(),
                }),
                Form::Svg => {
                    documents.extend(chart::charts(title, &readings, &config).into_iter().map(|(part, svg)| Document {
                        media_type: "image/svg+xml".to_owned(),
                        filename: format!("{name}-{part}.svg"),
                        bytes: svg.into_bytes(),
                    }))
                }
            }
        }
        Ok(documents)
    }
}

huiyin_sdk::export!(reporter: Statistics);
