//! The figures as people and as programs read them.

use std::collections::BTreeSet;

use clap::ValueEnum as _;
use serde_json::{Map, Value, json};

use super::figures::{Counts, Figures};
use super::{Evaluated, Matter, baseline};
use crate::text::{plain, table};

/// The most names of which a whole matrix is shown; of more, the commonest confusions.
const MATRIX: usize = 16;
/// Confusions and refusals that are shown.
const SOME: usize = 10;

/// As text: tables.
pub(super) fn text(all: &Evaluated) -> String {
    let part = match all.held_out {
        Some((share, seed)) => format!("{} of {} items, the held-out {share} by seed {seed}", all.judged, all.all),
        None => format!("{} items", all.all),
    };
    let mut out = format!("{}:{}  {part}\n", all.name, all.version);
    if let Some(matter) = &all.labels {
        out.push_str(&one(matter, "label", all.baseline));
    }
    if let Some(matter) = &all.levels {
        out.push_str(&one(matter, "level", all.baseline));
        out.push_str(&format!("  levels too low {}, too high {}\n", all.too_low, all.too_high));
    }
    if !all.refused.is_empty() {
        out.push_str(&format!("\nno verdict on {} items:\n", all.refused.len()));
        for (line, why) in all.refused.iter().take(SOME) {
            out.push_str(&format!("  line {line}: {}\n", plain(why)));
        }
    }
    out
}

fn one(matter: &Matter, what: &str, kind: baseline::Kind) -> String {
    let figure = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.3}"));
    let beside = said(kind);
    let head = [what, "items", "precision", "recall", "F1", &format!("{beside} precision"), "recall", "F1"];
    let mut rows = Vec::new();
    let mut row = |name: &str, items: String, ours: [Option<f64>; 3], theirs: [Option<f64>; 3]| {
        let mut cells = vec![plain(name), items];
        cells.extend(ours.into_iter().chain(theirs).map(figure));
        rows.push(cells);
    };
    let three = |counts: Counts| [counts.precision(), counts.recall(), counts.f1()];
    for name in names(matter) {
        let of = |figures: &Figures| figures.labels.get(name).copied().unwrap_or_default();
        let (ours, theirs) = (of(&matter.ours), of(&matter.baseline));
        row(name, ours.expected().max(theirs.expected()).to_string(), three(ours), three(theirs));
    }
    let means = |figures: &Figures| {
        let means = figures.macro_mean();
        [Some(means.precision), Some(means.recall), Some(means.f1)]
    };
    row("macro", String::new(), means(&matter.ours), means(&matter.baseline));
    row("micro", String::new(), three(matter.ours.micro()), three(matter.baseline.micro()));
    let mut out = format!("\n{}", table(&head, &rows));
    out.push_str(&format!(
        "  just as expected {:.3} ({} of {}), {beside} {:.3}\n\n",
        matter.ours.accuracy(),
        matter.ours.exact,
        matter.ours.items,
        matter.baseline.accuracy()
    ));
    out.push_str(&confusion(&matter.ours, what));
    out
}

/// Expected by row, said by column.
fn confusion(figures: &Figures, what: &str) -> String {
    let shown = |name: &Option<String>| name.as_deref().map_or("(none)".to_owned(), plain);
    let mut names: Vec<Option<String>> = figures.labels.keys().cloned().map(Some).collect();
    if figures.confusion.keys().any(|(expected, said)| expected.is_none() || said.is_none()) {
        names.push(None);
    }
    if names.len() > MATRIX {
        let mut most: Vec<_> = figures.confusion.iter().filter(|((expected, said), _)| expected != said).collect();
        most.sort_by(|a, b| b.1.cmp(a.1).then_with(|| a.0.cmp(b.0)));
        let rows: Vec<_> = most
            .into_iter()
            .take(SOME)
            .map(|((expected, said), count)| vec![shown(expected), shown(said), count.to_string()])
            .collect();
        return table(&[&format!("{what} expected"), "said instead", "times"], &rows);
    }
    let heads: Vec<String> = std::iter::once("expected \\ said".to_owned()).chain(names.iter().map(shown)).collect();
    let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
    let rows: Vec<Vec<String>> = names
        .iter()
        .map(|expected| {
            let count = |said: &Option<String>| {
                figures.confusion.get(&(expected.clone(), said.clone())).copied().unwrap_or(0).to_string()
            };
            std::iter::once(shown(expected)).chain(names.iter().map(count)).collect()
        })
        .collect();
    table(&heads, &rows)
}

/// All names of both.
fn names(matter: &Matter) -> BTreeSet<&String> {
    matter.ours.labels.keys().chain(matter.baseline.labels.keys()).collect()
}

fn said(kind: baseline::Kind) -> String {
    kind.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

/// As data. Shares are from 0 to 1; null where there is nothing to divide by.
pub(super) fn value(all: &Evaluated) -> Value {
    let matter = |matter: &Option<Matter>| {
        matter.as_ref().map_or(Value::Null, |matter| {
            let mut value = figures(&matter.ours);
            value["baseline"] = figures(&matter.baseline);
            value
        })
    };
    let mut levels = matter(&all.levels);
    if !levels.is_null() {
        levels["too_low"] = json!(all.too_low);
        levels["too_high"] = json!(all.too_high);
    }
    json!({
        "plugin": format!("{}:{}", all.name, all.version),
        "digest": format!("sha256:{}", all.digest),
        "items": all.all,
        "judged": all.judged,
        "holdout": all.held_out.map(|(share, seed)| json!({"share": share, "seed": seed})),
        "baseline": said(all.baseline),
        "labels": matter(&all.labels),
        "levels": levels,
        "refused": all.refused.iter().map(|(line, why)| json!({"line": line, "why": why})).collect::<Vec<_>>(),
    })
}

fn figures(figures: &Figures) -> Value {
    let shares = |counts: Counts| {
        json!({
            "precision": counts.precision(),
            "recall": counts.recall(),
            "f1": counts.f1(),
            "expected": counts.expected(),
            "hits": counts.hits,
            "false_alarms": counts.false_alarms,
            "missed": counts.missed,
            "rightly_silent": counts.rightly_silent,
        })
    };
    let of: Map<String, Value> = figures.labels.iter().map(|(name, &counts)| (name.clone(), shares(counts))).collect();
    let means = figures.macro_mean();
    let confusion: Vec<_> = figures
        .confusion
        .iter()
        .map(|((expected, said), count)| json!({"expected": expected, "said": said, "items": count}))
        .collect();
    json!({
        "items": figures.items,
        "exact": figures.exact,
        "accuracy": figures.accuracy(),
        "of": of,
        "macro": {"precision": means.precision, "recall": means.recall, "f1": means.f1},
        "micro": shares(figures.micro()),
        "confusion": confusion,
    })
}
