//! From the markers of a text to its labels.

use std::collections::BTreeSet;

use huiyin_sdk::terms::{Hits, Matcher, Terms, fold};
use huiyin_sdk::{BTreeMap, Error, Factor, Item, Level, Verdict};

use crate::defaults::{ASKED, DENIAL, DISTORTION, DOUBT, MISREADING, PLAIN, RUMOUR, Weighed};
use crate::{Config, Label};

/// A label is said from this score on.
const AT_LEAST: f64 = 0.4;
/// Where an authority denies, a marker weighs this part of itself: the text tells of the rumour.
const DENIED: f64 = 0.3;
/// Numbers that rumours carry are read, but alone say nothing: this weighs a text that shouts (！！).
const SHOUTS: f64 = 0.15;
/// The words that one reason names, at the most.
const NAMED: usize = 6;

struct Rule {
    label: Label,
    at_least: f64,
    level: Option<Level>,
    /// By number of a term, its weight.
    weights: BTreeMap<usize, f64>,
}

/// All markers, ready to be looked for.
pub(crate) struct Markers<'a> {
    matcher: Matcher<'a>,
    rules: Vec<Rule>,
    denial: Vec<usize>,
    asked: Vec<usize>,
    about: Vec<usize>,
    plain: Vec<String>,
}

fn builtin(label: Label) -> &'static [Weighed] {
    match label {
        Label::Doubt => DOUBT,
        Label::Misreading => MISREADING,
        Label::Distortion => DISTORTION,
        Label::Rumour => RUMOUR,
    }
}

fn wrong(pointer: &str, why: &str) -> Error {
    Error::InvalidConfig(format!("at {pointer}: {why}"))
}

impl<'a> Markers<'a> {
    pub(crate) fn new(config: &'a Config) -> Result<Self, Error> {
        let mut terms = Terms::default();
        let mut rules = Vec::new();
        for label in Label::ALL {
            let at = format!("/labels/{}", label.name());
            let own = config.labels.get(&label);
            let without: BTreeSet<_> =
                own.into_iter().flat_map(|own| &own.without).map(|word| fold(word).into_owned()).collect();
            let known: BTreeSet<_> =
                builtin(label).iter().flat_map(|(_, words)| *words).map(|word| fold(word).into_owned()).collect();
            if let Some(strange) = without.iter().find(|word| !known.contains(*word)) {
                return Err(wrong(&format!("{at}/without"), &format!("`{strange}` is no built-in word of this label")));
            }
            let mut weights = BTreeMap::new();
            for (weight, words) in builtin(label) {
                for word in words.iter().filter(|word| !without.contains(&*fold(word))) {
                    weights.extend(terms.add(word).map(|number| (number, *weight)));
                }
            }
            for (word, &weight) in own.into_iter().flat_map(|own| &own.words) {
                if !(0.0..=1.0).contains(&weight) {
                    return Err(wrong(&format!("{at}/words/{word}"), "the weight is not from 0.0 to 1.0"));
                }
                let number = terms.add(word).ok_or_else(|| wrong(&format!("{at}/words"), "a word is empty"))?;
                weights.insert(number, weight);
            }
            let at_least = own.and_then(|own| own.at_least).unwrap_or(AT_LEAST);
            if !(0.0..=1.0).contains(&at_least) {
                return Err(wrong(&format!("{at}/atLeast"), "it is not from 0.0 to 1.0"));
            }
            rules.push(Rule { label, at_least, level: own.and_then(|own| own.level), weights });
        }
        let all = |words: &[&'static str], terms: &mut Terms<'a>| -> Vec<usize> {
            words.iter().filter_map(|word| terms.add(word)).collect()
        };
        let mut denial = all(DENIAL, &mut terms);
        let asked = all(ASKED, &mut terms);
        for (at, word) in config.denials.iter().enumerate() {
            denial.push(terms.add(word).ok_or_else(|| wrong(&format!("/denials/{at}"), "the word is empty"))?);
        }
        let mut about = Vec::new();
        for (at, word) in config.about.iter().enumerate() {
            about.push(terms.add(word).ok_or_else(|| wrong(&format!("/about/{at}"), "the word is empty"))?);
        }
        let plain = PLAIN.iter().map(|phrase| fold(phrase).into_owned()).collect();
        Ok(Self { matcher: terms.build(), rules, denial, asked, about, plain })
    }

    pub(crate) fn judge(&self, item: &Item) -> Verdict {
        let mut verdict = Verdict::default();
        let text = fold(&format!("{}\n{}", item.title, item.body)).into_owned();
        let has = |numbers: &[usize], hits: &Hits| numbers.iter().any(|number| hits.contains(*number));
        let whole = self.matcher.find(&text);
        if !self.about.is_empty() && !has(&self.about, &whole) {
            return verdict;
        }
        // Set phrases are cut out: 民间传说 is no 传说.
        let mut read = text.clone();
        for phrase in &self.plain {
            if read.contains(phrase.as_str()) {
                read = read.replace(phrase.as_str(), "。");
            }
        }
        let hits = if read == text { whole } else { self.matcher.find(&read) };
        if hits.is_empty() {
            return verdict;
        }
        let asked = self.words(&hits, &self.asked);
        let denied = if asked.is_empty() { self.words(&hits, &self.denial) } else { Vec::new() };
        let shouts = text.matches(['!', '！']).count() >= 2;
        for rule in &self.rules {
            let found: Vec<(usize, f64)> =
                rule.weights.iter().filter(|(number, _)| hits.contains(**number)).map(|(n, w)| (*n, *w)).collect();
            let mut found = self.outermost(found);
            // Whoever asks for a denial doubts.
            if rule.label == Label::Doubt && !asked.is_empty() {
                found.extend(self.asked.iter().filter(|number| hits.contains(**number)).take(1).map(|n| (*n, 0.5)));
            }
            if found.is_empty() {
                continue;
            }
            let part = if denied.is_empty() { 1.0 } else { DENIED };
            let mut silent: f64 = found.iter().map(|(_, weight)| 1.0 - weight * part).product();
            if shouts && rule.label == Label::Rumour && denied.is_empty() {
                silent *= 1.0 - SHOUTS;
            }
            let score = (1.0 - silent).clamp(0.0, 1.0);
            verdict.factors.push(Factor { name: rule.label.name().to_owned(), score });
            if score < rule.at_least {
                continue;
            }
            let mut words: Vec<_> =
                found.iter().map(|(number, weight)| (self.matcher.term(*number), *weight)).collect();
            words.sort_by(|a, b| b.1.total_cmp(&a.1));
            words.dedup_by(|a, b| a.0 == b.0);
            words.truncate(NAMED);
            let words: Vec<_> = words.into_iter().map(|(word, _)| word).collect();
            verdict.level = verdict.level.max(rule.level);
            verdict.score = verdict.score.max(score);
            verdict.labels.push(rule.label.name().to_owned());
            verdict.reasons.push(format!("{}（{score:.2}）：“{}”", rule.label.name(), words.join("”“")));
        }
        if !denied.is_empty() && !verdict.factors.is_empty() {
            verdict.reasons.push(format!("文中有官方核查、辟谣的话“{}”，各项只计三成", denied.join("”“")));
        }
        verdict
    }

    /// Those of the terms that occur, as they are written, each once.
    fn words(&self, hits: &Hits, numbers: &[usize]) -> Vec<&str> {
        let mut told = BTreeSet::new();
        numbers
            .iter()
            .filter(|number| hits.contains(**number) && told.insert(self.matcher.sought(**number)))
            .map(|number| self.matcher.term(*number))
            .take(NAMED)
            .collect()
    }

    /// Without what lies within a longer one that was found, too: 都在传 within 群里都在传 counts once.
    fn outermost(&self, found: Vec<(usize, f64)>) -> Vec<(usize, f64)> {
        let mut told = BTreeSet::new();
        let longer = |word: &str| {
            found.iter().any(|(other, _)| {
                let other = self.matcher.sought(*other);
                other.len() > word.len() && other.contains(word)
            })
        };
        found
            .iter()
            .filter(|(number, _)| {
                let word = self.matcher.sought(*number);
                !longer(word) && told.insert(word.to_owned())
            })
            .copied()
            .collect()
    }
}
