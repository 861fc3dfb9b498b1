//! What anybody could say without a classifier: the measure for one. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::figures::Names;

/// Pairs of characters that a label is told by, at the most.
const WORDS: usize = 10;

/// A baseline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Kind {
    /// Says of every item what is commonest.
    Majority,
    /// Says a label where one of the ten pairs of characters occurs that alone tell it best in the part that is not held out.
    Keyword,
}

/// A text and what is expected of it.
pub(super) struct Sample<'a> {
    pub(super) text: &'a str,
    pub(super) names: &'a Names,
}

/// A baseline that has learnt.
#[derive(Debug)]
pub(super) enum Learnt {
    Majority(Names),
    /// By label, its pairs of characters; and what is said where none occurs.
    Keyword(BTreeMap<String, Vec<String>>, Names),
}

impl Learnt {
    /// `never` is what is said for want of anything better, and no matter of words: the level `none`.
    pub(super) fn from(kind: Kind, samples: &[Sample<'_>], never: Option<&str>) -> Learnt {
        match kind {
            Kind::Majority => Learnt::Majority(majority(samples)),
            Kind::Keyword => {
                let labels: BTreeSet<&String> = samples.iter().flat_map(|sample| sample.names).collect();
                let words = labels.into_iter().filter(|label| Some(label.as_str()) != never);
                let words = words.map(|label| (label.clone(), telling(samples, label))).collect();
                Learnt::Keyword(words, never.map(str::to_owned).into_iter().collect())
            }
        }
    }

    /// What it says of a text.
    pub(super) fn says(&self, text: &str) -> Names {
        match self {
            Learnt::Majority(names) => names.clone(),
            Learnt::Keyword(words, never) => {
                let pairs = pairs(text);
                let said: Names = words
                    .iter()
                    .filter(|(_, words)| words.iter().any(|word| pairs.contains(word)))
                    .map(|(label, _)| label.clone())
                    .collect();
                if said.is_empty() { never.clone() } else { said }
            }
        }
    }
}

/// The commonest set of names; of equals the first by its letters.
fn majority(samples: &[Sample<'_>]) -> Names {
    let mut counts: BTreeMap<&Names, u64> = BTreeMap::new();
    for sample in samples {
        *counts.entry(sample.names).or_default() += 1;
    }
    let most = counts.values().max().copied().unwrap_or(0);
    counts.into_iter().find(|(_, count)| *count == most).map(|(names, _)| names.clone()).unwrap_or_default()
}

/// The pairs of characters that tell a label best, each alone: by F1, at least twice and at least half the time right.
fn telling(samples: &[Sample<'_>], label: &str) -> Vec<String> {
    let mut found: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    let mut expected = 0;
    for sample in samples {
        let is = sample.names.contains(label);
        expected += u64::from(is);
        for pair in pairs(sample.text) {
            let (right, all) = found.entry(pair).or_default();
            *right += u64::from(is);
            *all += 1;
        }
    }
    // F1 is 2 right / (all + expected): compared crosswise, so that nothing is rounded.
    let mut good: Vec<_> = found.into_iter().filter(|(_, (right, all))| *right >= 2 && 2 * right >= *all).collect();
    good.sort_by(|(a, (right_a, all_a)), (b, (right_b, all_b))| {
        (right_b * (all_a + expected)).cmp(&(right_a * (all_b + expected))).then_with(|| a.cmp(b))
    });
    good.into_iter().take(WORDS).map(|(pair, _)| pair).collect()
}

/// Each two letters or digits that stand together.
fn pairs(text: &str) -> BTreeSet<String> {
    let characters: Vec<char> = text.chars().flat_map(char::to_lowercase).collect();
    characters
        .windows(2)
        .filter(|pair| pair.iter().all(|c| c.is_alphanumeric()))
        .map(|pair| pair.iter().collect())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learnt(kind: Kind, samples: &[(&str, &str)], never: Option<&str>) -> Learnt {
        let names: Vec<Names> =
            samples.iter().map(|(_, names)| names.split_whitespace().map(str::to_owned).collect()).collect();
        let samples: Vec<_> = samples.iter().zip(&names).map(|((text, _), names)| Sample { text, names }).collect();
        Learnt::from(kind, &samples, never)
    }

    fn said(learnt: &Learnt, text: &str) -> Vec<String> {
        learnt.says(text).into_iter().collect()
    }

    const SAMPLES: [(&str, &str); 6] = [
        ("网传某地山火", "谣言"),
        ("网传水库决口", "谣言"),
        ("林场起火", "火情"),
        ("后山起火了", "火情"),
        ("今日天气", ""),
        ("植树节", ""),
    ];

    #[test]
    fn the_majority_is_said_of_everything() {
        let baseline = learnt(Kind::Majority, &[("a", "火情"), ("b", "火情 谣言"), ("c", "火情")], None);
        assert_eq!(said(&baseline, "随便"), ["火情"]);
        assert!(said(&learnt(Kind::Majority, &SAMPLES, None), "起火").is_empty(), "of equals the first");
        assert!(said(&learnt(Kind::Majority, &[], None), "起火").is_empty());
    }

    #[test]
    fn a_label_is_told_by_its_own_pairs() {
        let baseline = learnt(Kind::Keyword, &SAMPLES, None);
        assert_eq!(said(&baseline, "网传林场起火"), ["火情", "谣言"]);
        assert!(said(&baseline, "水库决口").is_empty(), "seen once");
        assert!(said(&baseline, "今日天气").is_empty());
        let levels =
            learnt(Kind::Keyword, &[("起火", "II"), ("起火", "II"), ("晴天", "none"), ("晴天", "none")], Some("none"));
        assert_eq!((said(&levels, "又起火"), said(&levels, "晴天")), (vec!["II".to_owned()], vec!["none".to_owned()]));
    }
}
