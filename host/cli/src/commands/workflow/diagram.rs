//! `huiyin workflow diagram`: a workflow as a picture.

use std::path::PathBuf;

use huiyin_engine::catalog::RegistryCatalog;
use huiyin_flow::Definition;
use serde_json::json;

use super::MAX_WORKFLOW;
use super::excerpt::{Style, finding};
use super::house::HouseArgs;
use crate::output::{Failure, Output, note, print, print_json, read_text, shown};

/// Draw a workflow as a Mermaid flowchart or an SVG picture
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  huiyin workflow diagram workflows/assess.json --format svg > assess.svg")]
pub(super) struct Args {
    /// The workflow document, JSON or YAML; - for stdin.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The form of the picture.
    #[arg(long, value_enum, default_value_t, value_name = "FORM")]
    format: Format,
    #[command(flatten)]
    house: HouseArgs,
}

/// The form of a picture.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Text for Mermaid, as Markdown viewers draw it.
    #[default]
    Mermaid,
    /// A picture of its own.
    Svg,
}

pub(super) fn run(args: &Args, output: Output) -> Result<(), Failure> {
    let (name, text) = (shown(&args.file), read_text(&args.file, MAX_WORKFLOW)?);
    let house = args.house.open()?;
    let definition = Definition::parse(&text, &name, &RegistryCatalog(&house), &*house.evaluator).map_err(|found| {
        for diagnostic in &found {
            note(finding(diagnostic, &text, Style { excerpt: false, colour: false }).trim_end());
        }
        Failure::quiet(2)
    })?;
    let (format, picture) = match args.format {
        Format::Mermaid => ("mermaid", huiyin_flow::mermaid(&definition)),
        Format::Svg => ("svg", huiyin_flow::svg(&definition)),
    };
    match output {
        Output::Text => print(picture),
        Output::Json => print_json(&json!({"file": name, "format": format, "picture": picture})),
    }
}
