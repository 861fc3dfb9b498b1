//! What one text feels, word by word: each word with its negations and degrees.

use huiyin_sdk::terms::fold;

use crate::lexicon::{Lexicon, Sense};

/// A word that feels, with what stands before it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Felt {
    /// As it stands in the text: 并不 太 满意.
    pub(crate) words: String,
    /// Good above 0, bad below.
    pub(crate) value: f64,
}

/// Characters between a negation or degree and its word, at the most.
const REACH: usize = 6;
/// What a negation leaves: 不坏 is less good than 好.
const TURNED: f64 = -0.8;
/// 不太好 is little bad, not very.
const SOFTENED: f64 = -0.5;
/// What stands before and after 但是 weighs this much.
const BEFORE_BUT: f64 = 0.6;
const AFTER_BUT: f64 = 1.3;
/// A clause that ends so weighs this much.
const SHOUTED: f64 = 1.2;

/// Where the next word that feels begins to be looked for.
#[derive(Default)]
struct Before {
    /// Where the first negation or degree stands, in bytes.
    from: Option<usize>,
    /// Characters since the last one.
    since: usize,
    negations: u32,
    /// A degree came after a negation: 不太.
    degree_after: bool,
    degree: f64,
}

impl Before {
    fn none() -> Self {
        Self { degree: 1.0, ..Self::default() }
    }
}

fn ends_clause(c: char) -> bool {
    matches!(c, ',' | '，' | '。' | '.' | ';' | '；' | '!' | '！' | '?' | '？' | '、' | '\n' | ':' | '…' | '~')
}

fn ends_sentence(c: char) -> bool {
    matches!(c, '。' | '!' | '！' | '?' | '？' | '\n' | ';' | '；')
}

/// What a text feels, in its order.
pub(crate) fn feel(lexicon: &Lexicon, text: &str) -> Vec<Felt> {
    // White space is where clauses part where nothing else does it; folding would lose it.
    let text = text.replace(['\n', '\r'], "。");
    let text = fold(&text);
    let mut all: Vec<Felt> = Vec::new();
    let mut before = Before::none();
    // Where this sentence, this clause and what follows 但是 begin in `all`.
    let (mut sentence, mut clause) = (0, 0);
    let (mut after_but, mut rhetoric) = (false, false);
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        if ends_clause(c) {
            if matches!(c, '!' | '！') {
                all[clause..].iter_mut().for_each(|one| one.value *= SHOUTED);
            }
            before = Before::none();
            rhetoric = false;
            clause = all.len();
            if ends_sentence(c) {
                (sentence, after_but) = (all.len(), false);
            }
            at += c.len_utf8();
            continue;
        }
        let Some((word, sense)) = lexicon.first(&text[at..]) else {
            at += c.len_utf8();
            before.since += 1;
            if before.from.is_some() && before.since > REACH {
                before = Before::none();
            }
            continue;
        };
        match sense {
            Sense::Plain => before.since += word.chars().count(),
            Sense::But => {
                all[sentence..].iter_mut().for_each(|one| one.value *= BEFORE_BUT);
                (after_but, before) = (true, Before::none());
            }
            Sense::Rhetoric => rhetoric = true,
            Sense::Negates => {
                before.from.get_or_insert(at);
                before.negations += 1;
                before.since = 0;
            }
            Sense::Degree(factor) => {
                before.from.get_or_insert(at);
                before.degree *= factor;
                before.degree_after |= before.negations > 0;
                before.since = 0;
            }
            Sense::Feels(weight) => {
                // 难道不满意, 谁不喜欢: the negation is one in form only.
                let turned_back = rhetoric && (before.negations > 0 || word.starts_with('不'));
                let negations = before.negations + u32::from(turned_back);
                let turned = match (negations % 2, before.degree_after) {
                    (0, _) => before.degree,
                    // 不太满意, 没有很好: the degree is what is denied.
                    (_, true) => SOFTENED,
                    (_, false) => TURNED * before.degree,
                };
                let value = weight * turned * if after_but { AFTER_BUT } else { 1.0 };
                let from = before.from.unwrap_or(at);
                all.push(Felt { words: text[from..at + word.len()].to_owned(), value });
                before = Before::none();
            }
        }
        at += word.len();
    }
    all
}
