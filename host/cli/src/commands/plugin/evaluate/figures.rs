//! Precision, recall, F1 and what was taken for what, from what was expected of items and what was said of them. Pure.

use std::collections::{BTreeMap, BTreeSet};

/// Some names of labels, or one level.
pub(super) type Names = BTreeSet<String>;

/// Of one label: items on which it was rightly said, wrongly said, missed, rightly not said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) hits: u64,
    pub(super) false_alarms: u64,
    pub(super) missed: u64,
    pub(super) rightly_silent: u64,
}

impl Counts {
    /// Of the items on which it was said, the share on which it was expected; none where it was never said.
    pub(super) fn precision(self) -> Option<f64> {
        ratio(self.hits, self.hits + self.false_alarms)
    }

    /// Of the items on which it was expected, the share on which it was said; none where it was never expected.
    pub(super) fn recall(self) -> Option<f64> {
        ratio(self.hits, self.hits + self.missed)
    }

    /// 2 hits / (2 hits + false alarms + missed), which is the harmonic mean of the two; none where the label
    /// was neither said nor expected.
    pub(super) fn f1(self) -> Option<f64> {
        ratio(2 * self.hits, 2 * self.hits + self.false_alarms + self.missed)
    }

    /// The items on which it was expected.
    pub(super) fn expected(self) -> u64 {
        self.hits + self.missed
    }
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// The mean over all labels, each counting the same; what has no value counts as 0.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Means {
    pub(super) precision: f64,
    pub(super) recall: f64,
    pub(super) f1: f64,
}

/// What came out over all items.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Figures {
    pub(super) items: u64,
    /// Items on which just what was expected was said.
    pub(super) exact: u64,
    /// By label.
    pub(super) labels: BTreeMap<String, Counts>,
    /// By what was expected and what was said in its place: how often. None is no label.
    pub(super) confusion: BTreeMap<(Option<String>, Option<String>), u64>,
}

impl Figures {
    /// From pairs of what was expected and what was said.
    pub(super) fn of<'a>(pairs: impl IntoIterator<Item = (&'a Names, &'a Names)>) -> Figures {
        let mut figures = Figures::default();
        for (expected, said) in pairs {
            figures.items += 1;
            figures.exact += u64::from(expected == said);
            for label in expected.union(said) {
                let counts = figures.labels.entry(label.clone()).or_default();
                match (expected.contains(label), said.contains(label)) {
                    (true, true) => counts.hits += 1,
                    (true, false) => counts.missed += 1,
                    _ => counts.false_alarms += 1,
                }
            }
            figures.confuse(expected, said);
        }
        for counts in figures.labels.values_mut() {
            counts.rightly_silent = figures.items - counts.hits - counts.missed - counts.false_alarms;
        }
        figures
    }

    /// What is in both stands on the diagonal. Each that was missed is held against each that was said in its
    /// place, or against none. With one label an item this is the usual matrix.
    fn confuse(&mut self, expected: &Names, said: &Names) {
        let some = |names: Vec<&String>| -> Vec<Option<String>> {
            if names.is_empty() { vec![None] } else { names.into_iter().cloned().map(Some).collect() }
        };
        for both in expected.intersection(said) {
            *self.confusion.entry((Some(both.clone()), Some(both.clone()))).or_default() += 1;
        }
        let missed: Vec<_> = expected.difference(said).collect();
        let instead: Vec<_> = said.difference(expected).collect();
        if missed.is_empty() && instead.is_empty() && !expected.is_empty() {
            return;
        }
        for missed in &some(missed) {
            for instead in &some(instead.clone()) {
                *self.confusion.entry((missed.clone(), instead.clone())).or_default() += 1;
            }
        }
    }

    /// All labels taken together.
    pub(super) fn micro(&self) -> Counts {
        self.labels.values().fold(Counts::default(), |sum, one| Counts {
            hits: sum.hits + one.hits,
            false_alarms: sum.false_alarms + one.false_alarms,
            missed: sum.missed + one.missed,
            rightly_silent: sum.rightly_silent + one.rightly_silent,
        })
    }

    /// The mean of the labels.
    pub(super) fn macro_mean(&self) -> Means {
        let mean = |value: fn(Counts) -> Option<f64>| {
            if self.labels.is_empty() {
                return 0.0;
            }
            self.labels.values().map(|&counts| value(counts).unwrap_or(0.0)).sum::<f64>() / self.labels.len() as f64
        };
        Means { precision: mean(Counts::precision), recall: mean(Counts::recall), f1: mean(Counts::f1) }
    }

    /// The share of the items on which just what was expected was said.
    pub(super) fn accuracy(&self) -> f64 {
        ratio(self.exact, self.items).unwrap_or(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Names {
        text.split_whitespace().map(str::to_owned).collect()
    }

    fn figures(pairs: &[(&str, &str)]) -> Figures {
        let pairs: Vec<_> = pairs.iter().map(|(expected, said)| (names(expected), names(said))).collect();
        Figures::of(pairs.iter().map(|(expected, said)| (expected, said)))
    }

    fn near(a: Option<f64>, b: f64) {
        assert!(a.is_some_and(|a| (a - b).abs() < 1e-12), "{a:?} and not {b}");
    }

    #[test]
    fn one_label_an_item_gives_the_textbook_figures() {
        // Expected by rows: 火 3 (2 right, 1 as 水), 水 2 (1 right, 1 as 火), 虫 1 (as 火).
        let all = figures(&[("火", "火"), ("火", "火"), ("火", "水"), ("水", "水"), ("水", "火"), ("虫", "火")]);
        let fire = all.labels["火"];
        assert_eq!(fire, Counts { hits: 2, false_alarms: 2, missed: 1, rightly_silent: 1 });
        near(fire.precision(), 0.5);
        near(fire.recall(), 2.0 / 3.0);
        near(fire.f1(), 4.0 / 7.0);
        let pest = all.labels["虫"];
        assert_eq!((pest.precision(), pest.recall(), pest.f1(), pest.expected()), (None, Some(0.0), Some(0.0), 1));
        // Micro precision, recall and accuracy are one where each item has one label.
        near(all.micro().precision(), 0.5);
        near(all.micro().recall(), 0.5);
        near(Some(all.accuracy()), 0.5);
        let means = all.macro_mean();
        near(Some(means.precision), (0.5 + 0.5 + 0.0) / 3.0);
        near(Some(means.recall), (2.0 / 3.0 + 0.5 + 0.0) / 3.0);
        near(Some(means.f1), (4.0 / 7.0 + 0.5 + 0.0) / 3.0);
        let taken = |expected: &str, said: &str| {
            all.confusion.get(&(Some(expected.to_owned()), Some(said.to_owned()))).copied().unwrap_or(0)
        };
        assert_eq!((taken("火", "火"), taken("火", "水"), taken("水", "火"), taken("虫", "火")), (2, 1, 1, 1));
        assert_eq!(all.confusion.values().sum::<u64>(), all.items);
    }

    #[test]
    fn several_labels_or_none_are_counted_each_by_itself() {
        let all = figures(&[("疑虑 谣言", "谣言"), ("", ""), ("", "谣言"), ("疑虑", "歪曲 谣言"), ("谣言", "谣言")]);
        assert_eq!(all.labels["谣言"], Counts { hits: 2, false_alarms: 2, missed: 0, rightly_silent: 1 });
        assert_eq!(all.labels["疑虑"], Counts { hits: 0, false_alarms: 0, missed: 2, rightly_silent: 3 });
        assert_eq!((all.items, all.exact), (5, 2));
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let wanted = [
            ("", "", 1),
            ("", "谣言", 1),
            ("疑虑", "", 1),
            ("疑虑", "歪曲", 1),
            ("疑虑", "谣言", 1),
            ("谣言", "谣言", 2),
        ];
        let wanted: BTreeMap<_, _> = wanted.map(|(expected, said, n)| ((some(expected), some(said)), n)).into();
        assert_eq!(all.confusion, wanted);
    }

    #[test]
    fn of_nothing_nothing_is_divided() {
        let none = figures(&[]);
        assert_eq!((none.accuracy(), none.macro_mean(), none.micro().f1()), (0.0, Means::default(), None));
        let silent = figures(&[("", "")]);
        assert_eq!((silent.accuracy(), silent.micro().precision()), (1.0, None));
    }
}
