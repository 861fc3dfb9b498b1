//! Labelled items (JSON Lines): on each line an item, and beside it what a classifier is to say of it.
#![allow(clippy::option_option, reason = "no level is another expectation than none at all of the level")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use huiyin_sandbox::{Item, Level};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::output::{Failure, read_text, shown};

/// The largest file of labelled items, in bytes.
const MAX_DATA: u64 = 256 << 20;
/// Lines that are named before the rest is only counted.
const NAMED: usize = 20;

/// An item and what is expected of it.
#[derive(Debug)]
pub(super) struct Labelled {
    /// Where it stands in the file, from 1.
    pub(super) line: usize,
    pub(super) item: Item,
    /// None where nothing is expected of the labels.
    pub(super) labels: Option<BTreeSet<String>>,
    /// None where nothing is expected of the level; `Some(None)` where none is to be given.
    pub(super) level: Option<Option<Level>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expect {
    #[serde(default, deserialize_with = "given")]
    level: Option<Option<Level>>,
    #[serde(default)]
    labels: Option<Vec<String>>,
}

/// A member that is there, though it be null.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<Level>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// Reads a file of labelled items, or stdin for `-`.
///
/// # Errors
/// With every bad line (the first twenty by name), or where there is no line at all; exit code 2.
pub(super) fn read(file: &Path) -> Result<Vec<Labelled>, Failure> {
    let text = read_text(file, MAX_DATA)?;
    let name = shown(file);
    let (mut all, mut bad) = (Vec::new(), Vec::new());
    let mut ids: BTreeMap<String, usize> = BTreeMap::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        match one(line, index + 1) {
            Err((None, why)) => bad.push(format!("{name}:{}: {why}", index + 1)),
            Err((Some(column), why)) => bad.push(format!("{name}:{}:{column}: {why}", index + 1)),
            Ok(labelled) => match ids.insert(labelled.item.id.clone(), index + 1) {
                Some(before) => bad.push(format!(
                    "{name}:{}: the id `{}` is that of line {before}; an item counts once",
                    index + 1,
                    labelled.item.id
                )),
                None => all.push(labelled),
            },
        }
    }
    if bad.is_empty() && all.is_empty() {
        bad.push(format!(
            "{name}: there is no labelled item; write one a line, such as {{\"id\": \"1\", \"title\": \"…\", \"expect\": {{\"labels\": [\"谣言\"]}}}}"
        ));
    }
    if bad.is_empty() {
        return Ok(all);
    }
    let more = bad.len().saturating_sub(NAMED);
    bad.truncate(NAMED);
    if more > 0 {
        bad.push(format!("{name}: {more} more lines are wrong"));
    }
    Err(Failure::invalid(bad.join("\n")))
}

/// One line; or its column, where that is known, and what is wrong.
fn one(line: &str, number: usize) -> Result<Labelled, (Option<usize>, String)> {
    let wrong = |why: String| (None, why);
    let value = huiyin_json::parse(line.as_bytes()).map_err(|error| {
        let words = error.to_string();
        let what = words.rfind(" at line ").map_or(words.as_str(), |at| &words[..at]);
        (Some(error.column().max(1)), what.to_owned())
    })?;
    let Value::Object(mut item) = value else {
        return Err(wrong("it is no JSON object; write an item with `expect`".to_owned()));
    };
    let Some(expect) = item.shift_remove("expect") else {
        return Err(wrong("there is no `expect`; write {\"labels\": […]}, {\"level\": …} or both".to_owned()));
    };
    let Expect { level, labels } = of(expect).map_err(|why| wrong(format!("at /expect{why}")))?;
    if level.is_none() && labels.is_none() {
        return Err(wrong("at /expect: it says neither `level` nor `labels`".to_owned()));
    }
    let labels: Option<BTreeSet<String>> = labels.map(|labels| labels.into_iter().collect());
    if labels.as_ref().is_some_and(|labels| labels.contains("")) {
        return Err(wrong("at /expect/labels: a label is empty".to_owned()));
    }
    item.entry("id").or_insert_with(|| json!(format!("line-{number}")));
    let item: Item = of(Value::Object(item)).map_err(|why| wrong(format!("at {why}")))?;
    Ok(Labelled { line: number, item, labels, level })
}

/// A typed value; or where it is wrong (RFC 6901), and why.
fn of<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, String> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let mut pointer = String::new();
        for segment in error.path() {
            use serde_path_to_error::Segment;
            match segment {
                Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
                Segment::Map { key } | Segment::Enum { variant: key } => {
                    pointer.push_str(&format!("/{}", key.replace('~', "~0").replace('/', "~1")));
                }
                Segment::Unknown => {}
            }
        }
        format!("{pointer}: {}", error.into_inner())
    })
}

/// Which part of the items is held out, to be judged and not learnt from.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(super) struct Holdout {
    /// Hold out this share of the items, such as 0.2: it is judged, and the rest is learnt from. Which side an item is on depends on its text and the seed alone.
    #[arg(long, value_name = "SHARE", value_parser = share)]
    holdout: Option<f64>,
    /// Another seed holds out another part.
    #[arg(long, value_name = "N", default_value_t = 1, requires = "holdout")]
    seed: u64,
}

fn share(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|share| *share > 0.0 && *share < 1.0)
        .ok_or_else(|| "write a share between 0 and 1, such as 0.2".to_owned())
}

impl Holdout {
    /// The share and the seed, where a part is held out.
    pub(super) fn given(self) -> Option<(f64, u64)> {
        self.holdout.map(|share| (share, self.seed))
    }

    /// What is learnt from, and what is held out. Equal texts are on one side, and more lines move no other.
    ///
    /// # Errors
    /// When one side would be empty.
    pub(super) fn part(self, all: Vec<Labelled>, file: &Path) -> Result<(Vec<Labelled>, Vec<Labelled>), Failure> {
        let Some(share) = self.holdout else { return Ok((all, Vec::new())) };
        let (held, rest): (Vec<_>, Vec<_>) = all.into_iter().partition(|one| side(&one.item, self.seed) < share);
        if held.is_empty() || rest.is_empty() {
            return Err(Failure::invalid(format_args!(
                "{}: of {} items {} are held out, and one side is empty; take another share, or more items",
                shown(file),
                held.len() + rest.len(),
                held.len()
            )));
        }
        Ok((rest, held))
    }
}

/// A number from 0 to 1 that is as good as drawn, and the same each time.
fn side(item: &Item, seed: u64) -> f64 {
    let mut hash = Sha256::new();
    hash.update(seed.to_be_bytes());
    hash.update(item.title.trim());
    hash.update([0]);
    hash.update(item.body.trim());
    let digest = hash.finalize();
    let first = digest.iter().take(4).fold(0_u32, |number, byte| (number << 8) | u32::from(*byte));
    f64::from(first) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_lines(lines: &str) -> Result<Vec<Labelled>, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), lines).unwrap();
        let name = file.path().display().to_string();
        read(file.path()).map_err(|failure| failure.message().replace(&name, "FILE"))
    }

    #[test]
    fn a_line_is_an_item_and_what_is_expected_of_it() {
        let all = read_lines(" \n\n");
        assert!(all.unwrap_err().contains("no labelled item"));
        let all = read_lines(concat!(
            r#"{"id": "a", "title": "网传起火", "fields": {"reads": 3}, "expect": {"labels": ["谣言", "谣言"]}}"#,
            "\n\n",
            r#"{"body": "晴", "expect": {"level": null, "labels": []}}"#,
            "\r\n",
            r#"{"body": "火", "expect": {"level": "II"}}"#,
        ))
        .unwrap();
        assert_eq!(all.iter().map(|one| one.line).collect::<Vec<_>>(), [1, 3, 4]);
        assert_eq!(all[0].labels, Some(BTreeSet::from(["谣言".to_owned()])));
        assert_eq!((all[0].level, all[1].level, all[2].level), (None, Some(None), Some(Some(Level::II))));
        assert_eq!((all[1].item.id.as_str(), all[2].labels.as_ref()), ("line-3", None));
    }

    #[test]
    fn every_bad_line_is_named_with_its_place() {
        let said = read_lines(concat!(
            "{\"id\": \"a\", }\n",
            "[]\n",
            "{\"id\": \"a\"}\n",
            "{\"id\": \"a\", \"expect\": {}}\n",
            "{\"id\": \"a\", \"expect\": {\"level\": \"V\"}}\n",
            "{\"id\": \"a\", \"expect\": {\"label\": []}}\n",
            "{\"id\": \"a\", \"expect\": {\"labels\": [1]}}\n",
            "{\"id\": \"a\", \"expect\": {\"labels\": [\"\"]}}\n",
            "{\"id\": \"a\", \"titel\": \"\", \"expect\": {\"labels\": []}}\n",
            "{\"id\": \"b\", \"published\": \"soon\", \"expect\": {\"labels\": []}}\n",
            "{\"id\": \"c\", \"expect\": {\"labels\": []}}\n",
            "{\"id\": \"c\", \"expect\": {\"labels\": []}}\n",
        ))
        .unwrap_err();
        let lines: Vec<_> = said.lines().collect();
        let wanted = [
            "FILE:1:13: ",
            "FILE:2: it is no JSON object",
            "FILE:3: there is no `expect`",
            "FILE:4: at /expect: it says neither",
            "FILE:5: at /expect/level: ",
            "FILE:6: at /expect",
            "FILE:7: at /expect/labels/0: ",
            "FILE:8: at /expect/labels: a label is empty",
            "FILE:9: at ",
            "FILE:10: at /published: ",
            "FILE:12: the id `c` is that of line 11",
        ];
        assert_eq!(lines.len(), wanted.len(), "{said}");
        for (line, wanted) in lines.iter().zip(wanted) {
            assert!(line.starts_with(wanted), "{line}\nand not {wanted}");
        }
    }

    #[test]
    fn of_many_bad_lines_the_rest_is_counted() {
        let said = read_lines(&"{}\n".repeat(25)).unwrap_err();
        assert_eq!(said.lines().count(), 21);
        assert!(said.ends_with("5 more lines are wrong"), "{said}");
    }

    #[test]
    fn what_is_held_out_depends_on_text_and_seed_alone() {
        let data = |from: usize| {
            let lines: String =
                (from..600).map(|n| format!("{{\"title\": \"消息{n}\", \"expect\": {{\"labels\": []}}}}\n")).collect();
            read_lines(&lines).unwrap()
        };
        let held = |from: usize, share: f64, seed: u64| -> BTreeSet<String> {
            let holdout = Holdout { holdout: Some(share), seed };
            let (rest, held) = holdout.part(data(from), Path::new("FILE")).unwrap();
            assert_eq!(rest.len() + held.len(), 600 - from);
            held.into_iter().map(|one| one.item.title).collect()
        };
        let whole = held(0, 0.2, 7);
        assert!((90..150).contains(&whole.len()), "{}", whole.len());
        assert_eq!(held(0, 0.2, 7), whole);
        assert_ne!(held(0, 0.2, 8), whole);
        assert!(held(0, 0.5, 7).is_superset(&whole));
        assert!(held(300, 0.2, 7).is_subset(&whole), "fewer lines, the same sides");
        let holdout = Holdout { holdout: Some(0.000_001), seed: 1 };
        assert_eq!(
            holdout.part(data(590), Path::new("FILE")).unwrap_err(),
            Failure::invalid(
                "FILE: of 10 items 0 are held out, and one side is empty; take another share, or more items"
            )
        );
    }
}
