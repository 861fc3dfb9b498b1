//! The words, ready to be looked up: at each place of a text the longest counts.

use huiyin_sdk::terms::fold;
use huiyin_sdk::{BTreeMap, HashMap};

use crate::tables::{BAD, BUT, DEGREE, GOOD, NEGATION, PLAIN, RHETORIC};

/// What a word does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Sense {
    /// It feels: good above 0, bad below.
    Feels(f64),
    /// It turns what follows.
    Negates,
    /// It makes what follows stronger or weaker.
    Degree(f64),
    /// What follows counts more than what went before.
    But,
    /// It turns a negation into an assertion: 难道不, 谁不.
    Rhetoric,
    /// It says nothing, and hides shorter words within it: 不错 hides 错.
    Plain,
}

/// All words by their folded text.
#[derive(Debug)]
pub(crate) struct Lexicon {
    words: HashMap<String, Sense>,
    /// The longest word, in characters.
    longest: usize,
}

impl Lexicon {
    /// The built-in words, and the unit's own in their place.
    pub(crate) fn new(own: &BTreeMap<String, f64>) -> Self {
        let mut words = HashMap::default();
        let mut add = |list: &str, sense: Sense| {
            for word in list.split_whitespace() {
                words.insert(word.to_owned(), sense);
            }
        };
        for (weight, list) in GOOD {
            add(list, Sense::Feels(*weight));
        }
        for (weight, list) in BAD {
            add(list, Sense::Feels(-weight));
        }
        for (factor, list) in DEGREE {
            add(list, Sense::Degree(*factor));
        }
        add(NEGATION, Sense::Negates);
        add(BUT, Sense::But);
        add(RHETORIC, Sense::Rhetoric);
        add(PLAIN, Sense::Plain);
        for (word, weight) in own {
            let sense = if *weight == 0.0 { Sense::Plain } else { Sense::Feels(*weight) };
            words.insert(fold(word).into_owned(), sense);
        }
        let longest = words.keys().map(|word| word.chars().count()).max().unwrap_or(0);
        Self { words, longest }
    }

    /// The longest word at the beginning of a text, and what it does.
    pub(crate) fn first<'t>(&self, text: &'t str) -> Option<(&'t str, Sense)> {
        let ends: Vec<usize> =
            text.char_indices().skip(1).map(|(at, _)| at).chain([text.len()]).take(self.longest).collect();
        ends.into_iter().rev().find_map(|end| {
            let word = text.get(..end)?;
            self.words.get(word).map(|sense| (word, *sense))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_is_in_one_list_and_in_the_form_that_texts_are_read_in() {
        let lists = GOOD.iter().chain(BAD).chain(DEGREE).map(|(_, list)| *list);
        let mut seen = BTreeMap::new();
        for (number, list) in lists.chain([NEGATION, BUT, RHETORIC, PLAIN]).enumerate() {
            for word in list.split_whitespace() {
                assert_eq!(fold(word), word);
                assert_eq!(seen.insert(word, number), None, "{word} is there twice");
            }
        }
        assert!(seen.len() > 900, "{}", seen.len());
    }

    #[test]
    fn the_longest_word_counts() {
        let lexicon = Lexicon::new(&BTreeMap::from([("秃头山".to_owned(), -2.0), ("美丽".to_owned(), 0.0)]));
        assert_eq!(lexicon.first("不错的"), Some(("不错", Sense::Feels(1.5))));
        assert_eq!(lexicon.first("不远"), Some(("不", Sense::Negates)));
        assert_eq!(lexicon.first("秃头山上"), Some(("秃头山", Sense::Feels(-2.0))));
        assert_eq!(lexicon.first("美丽"), Some(("美丽", Sense::Plain)));
        assert_eq!((lexicon.first("天"), lexicon.first("")), (None, None));
    }
}
