//! `huiyin plugin train`: a model from a unit's own labelled items. Native, not in the sandbox, and repeatable.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use huiyin_plugin_topic::{Example, train};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::labelled::{self, Holdout};
use crate::folders::write_whole;
use crate::output::{Failure, Output, print, print_json, shown};
use crate::text::{plain, table};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The classifier that the model is for.
    #[arg(value_enum)]
    classifier: Classifier,
    /// Labelled items, JSON Lines or - for stdin: an item a line, with "expect": {"labels": […]}; [] for one that is of no topic.
    #[arg(long, value_name = "FILE|-")]
    data: PathBuf,
    /// Where the model goes.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Also write a configuration that carries the model, for `huiyin binding set … --config`.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Learn only these labels; items that have none of them are learnt as having none.
    #[arg(long, value_name = "LABEL")]
    label: Vec<String>,
    #[command(flatten)]
    holdout: Holdout,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Classifier {
    /// The unit's own topics.
    Topic,
}

pub(super) fn run(args: &Args, output: Output) -> Result<(), Failure> {
    let Classifier::Topic = args.classifier;
    let (mut learnt, held) = args.holdout.part(labelled::read(&args.data)?, &args.data)?;
    learnt.retain(|one| one.labels.is_some());
    let topics: Vec<BTreeSet<String>> = learnt
        .iter()
        .map(|one| {
            let mut labels = one.labels.clone().unwrap_or_default();
            labels.retain(|label| args.label.is_empty() || args.label.contains(label));
            labels
        })
        .collect();
    let examples: Vec<_> = learnt
        .iter()
        .zip(&topics)
        .map(|(one, topics)| Example { title: &one.item.title, body: &one.item.body, topics })
        .collect();
    let model = train(&examples).map_err(|why| Failure::invalid(format_args!("{}: {why}", shown(&args.data))))?;
    let cannot = |file: &PathBuf| {
        let file = file.display().to_string();
        move |error: std::io::Error| Failure::failed(format_args!("{file}: {error}"))
    };
    write_whole(&args.out, &model).map_err(cannot(&args.out))?;
    if let Some(file) = &args.config {
        let config = json!({"model": STANDARD.encode(&model)});
        write_whole(file, format!("{config}\n").as_bytes()).map_err(cannot(file))?;
    }
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for topic in topics.iter().flatten() {
        *counts.entry(topic).or_default() += 1;
    }
    let digest = hex::encode(Sha256::digest(&model));
    match output {
        Output::Text => {
            let rows: Vec<_> = counts.iter().map(|(topic, items)| vec![plain(topic), items.to_string()]).collect();
            print(format_args!(
                "{}  {} bytes  sha256:{digest}\nlearnt from {} items, {} held out\n\n{}",
                args.out.display(),
                model.len(),
                examples.len(),
                held.len(),
                table(&["topic", "items"], &rows)
            ))
        }
        Output::Json => print_json(&json!({
            "model": args.out.display().to_string(),
            "bytes": model.len(),
            "digest": format!("sha256:{digest}"),
            "items": examples.len(),
            "held_out": held.len(),
            "topics": counts,
        })),
    }
}
