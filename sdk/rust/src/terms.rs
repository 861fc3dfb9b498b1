//! Finding many Chinese terms in one pass over a text. Pure.
//!
//! ```
//! use huiyin_sdk::terms::Terms;
//!
//! let mut terms = Terms::default();
//! let fire = terms.add("山火").unwrap();
//! let felling = terms.add("盗伐").unwrap();
//! let matcher = terms.build();
//! let hits = matcher.find("网传某地发生山 火");
//! assert!(hits.contains(fire) && !hits.contains(felling));
//! ```
//!
//! An instance lives for one call, so what it builds is built anew each time:
//! an automaton of a few hundred terms takes longer to make than a thousand
//! titles take to read. So a text is looked through character by character, and
//! only terms that seem to begin with it are compared. Where many begin alike
//! that would be slow: once a call has made more comparisons than an automaton
//! costs, the terms become one (by Aho-Corasick). Both find the same.

use std::borrow::Cow;
use std::cell::{Cell, OnceCell};

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use crate::BTreeSet;

mod condition;
mod fold;

pub use condition::{Condition, Group, Test};
pub use fold::fold;

/// The terms of a configuration, as they are written and as they are looked for.
#[derive(Debug, Default)]
pub struct Terms<'a> {
    /// By number, as it is written.
    shown: Vec<&'a str>,
    /// By number, what is looked for.
    sought: Vec<Cow<'a, str>>,
}

impl<'a> Terms<'a> {
    /// Gives the term's number; each time another one, though the same term was there before: to find
    /// that out would take longer than it saves. None for a term without a character to look for.
    pub fn add(&mut self, term: &'a str) -> Option<usize> {
        let sought = fold(term);
        if sought.is_empty() {
            return None;
        }
        self.shown.push(term.trim());
        self.sought.push(sought);
        Some(self.sought.len() - 1)
    }

    /// Makes the matcher.
    pub fn build(self) -> Matcher<'a> {
        let Terms { shown, sought } = self;
        let mut first = [NONE; PLACES];
        let mut next = vec![NONE; sought.len()];
        let mut bytes = 0_usize;
        for (number, term) in sought.iter().enumerate() {
            let Some(c) = term.chars().next() else { continue };
            next[number] = std::mem::replace(&mut first[place(c)], number);
            bytes += term.len();
        }
        let credit = Cell::new(bytes.saturating_mul(WORTH));
        Matcher { shown, sought, first, next, credit, automaton: OnceCell::new() }
    }
}

/// Places by which terms are told apart at a glance: most characters of a text
/// lie at one where no term begins.
const PLACES: usize = 1_024;

/// No number of a term.
const NONE: usize = usize::MAX;

/// A character's place.
fn place(c: char) -> usize {
    c as usize % PLACES
}

/// Comparisons that cost as much as an automaton, for each byte of the terms.
const WORTH: usize = 8;

/// All terms, ready to be found.
#[derive(Debug)]
pub struct Matcher<'a> {
    /// By number, as it is written.
    shown: Vec<&'a str>,
    /// By number, what is looked for.
    sought: Vec<Cow<'a, str>>,
    /// At the place of its first character, a term's number.
    first: [usize; PLACES],
    /// By number, the next term at the same place.
    next: Vec<usize>,
    /// Comparisons that are left until an automaton pays.
    credit: Cell<usize>,
    /// None where the terms make none: then they are looked up as before.
    automaton: OnceCell<Option<AhoCorasick>>,
}

impl<'a> Matcher<'a> {
    /// The term as it was written; empty for a number that is none of ours.
    pub fn term(&self, number: usize) -> &'a str {
        self.shown.get(number).copied().unwrap_or_default()
    }

    /// What is looked for: the same for terms that are one, though written in two ways.
    pub fn sought(&self, number: usize) -> &str {
        self.sought.get(number).map_or("", |term| term)
    }

    /// Reads the text once, as [`fold`] makes it.
    pub fn find(&self, text: &str) -> Hits {
        let mut hits = self.hits_of(&[]);
        if text.is_empty() {
            return hits;
        }
        let text = fold(text);
        match self.automaton() {
            Some(automaton) => {
                for found in automaton.find_overlapping_iter(&*text) {
                    hits.set(found.pattern().as_usize());
                }
            }
            None => self.look_up(&text, &mut hits),
        }
        hits
    }

    /// The terms as they were written, each matter once: what was written in two ways is told as it was first.
    pub fn told(&self, terms: &BTreeSet<usize>) -> Vec<&'a str> {
        let mut told = BTreeSet::new();
        terms.iter().filter(|&&term| told.insert(self.sought(term))).map(|&term| self.term(term)).collect()
    }

    /// As if just these terms occurred: to be held against what does ([`Hits::meet`]).
    pub fn hits_of(&self, terms: &[usize]) -> Hits {
        let mut hits = Hits(vec![0; self.shown.len().div_ceil(64)]);
        for &term in terms {
            hits.set(term);
        }
        hits
    }

    fn automaton(&self) -> Option<&AhoCorasick> {
        if self.credit.get() > 0 {
            return None;
        }
        let build = || {
            AhoCorasick::builder()
                .kind(Some(AhoCorasickKind::ContiguousNFA))
                .prefilter(false)
                .build(self.sought.iter().map(|term| &**term))
                .ok()
        };
        self.automaton.get_or_init(build).as_ref()
    }

    /// At each character, the terms that begin at its place.
    fn look_up(&self, text: &str, hits: &mut Hits) {
        let mut credit = self.credit.get();
        for (at, c) in text.char_indices() {
            let mut number = self.first[place(c)];
            while number != NONE {
                if text[at..].starts_with(&*self.sought[number]) {
                    hits.set(number);
                }
                credit = credit.saturating_sub(1);
                number = self.next[number];
            }
        }
        self.credit.set(credit);
    }
}

/// Which terms occur, a bit each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hits(Vec<u64>);

impl Hits {
    fn set(&mut self, term: usize) {
        if let Some(bits) = self.0.get_mut(term / 64) {
            *bits |= 1 << (term % 64);
        }
    }

    /// Whether the term of that number occurs.
    pub fn contains(&self, term: usize) -> bool {
        self.0.get(term / 64).is_some_and(|bits| bits & (1 << (term % 64)) != 0)
    }

    /// Whether no term occurs.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|&bits| bits == 0)
    }

    /// Whether some term is in both, of the same matcher.
    pub fn meet(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).any(|(a, b)| a & b != 0)
    }

    /// What occurs in either of two texts read by the same matcher.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(a, b)| a | b).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::{Hits, Matcher, Terms, fold};

    /// What is found by looking up, and by the automaton.
    fn both(matcher: &Matcher<'_>, text: &str) -> [Hits; 2] {
        assert!(matcher.automaton().is_none());
        let looked_up = matcher.find(text);
        let credit = matcher.credit.replace(0);
        assert!(matcher.automaton().is_some());
        let by_automaton = matcher.find(text);
        matcher.credit.set(credit);
        [looked_up, by_automaton]
    }

    #[test]
    fn looked_up_and_by_automaton_the_same_terms_are_found() {
        // 山, q and U+0471 have one place.
        let words =
            ["山火", "山", "火", "火烧山", "forest fire", "fire", "ＡＢＣ", "林火蔓延", "🔥", "é", "q", "\u{471}"];
        let texts = [
            "网传某地山 火蔓延，林火蔓延到火烧山",
            "Forest  FIRE near abc",
            "没有",
            "",
            "火",
            "🔥é山",
            "山山火火烧山",
            "fir e",
            "\u{471}",
            "Q",
            "\u{871}",
        ];
        let mut terms = Terms::default();
        let numbers: Vec<_> = words.iter().map(|word| terms.add(word).unwrap()).collect();
        let matcher = terms.build();
        for text in texts {
            let [looked_up, by_automaton] = both(&matcher, text);
            assert_eq!(looked_up, by_automaton, "{text}");
            for (word, number) in words.iter().zip(&numbers) {
                assert_eq!(looked_up.contains(*number), fold(text).contains(&*fold(word)), "{word} in {text}");
            }
        }
    }

    #[test]
    fn where_many_terms_begin_alike_they_become_an_automaton() {
        let mut terms = Terms::default();
        let words: Vec<_> = (0..500).map(|n| format!("林{n:03}")).collect();
        let numbers: Vec<_> = words.iter().map(|word| terms.add(word).unwrap()).collect();
        let matcher = terms.build();
        let text = format!("{}林042", "林".repeat(1_000));
        let first = matcher.find(&text);
        assert!(matcher.automaton().is_some());
        assert_eq!(matcher.find(&text), first);
        assert_eq!(first, matcher.hits_of(&[numbers[42]]));
    }

    #[test]
    fn hits_are_compared_with_hits() {
        let mut terms = Terms::default();
        let (fire, felling) = (terms.add("山火").unwrap(), terms.add("盗伐").unwrap());
        let again = terms.add("山 火").unwrap();
        let matcher = terms.build();
        assert_eq!((matcher.sought(fire), matcher.sought(again), matcher.sought(9)), ("山火", "山火", ""));
        assert_eq!((matcher.term(fire), matcher.term(again), matcher.term(9)), ("山火", "山 火", ""));
        let hits = matcher.find("山火");
        assert!(!hits.is_empty() && matcher.find("没有").is_empty());
        assert!(hits.meet(&matcher.hits_of(&[fire, felling])) && !hits.meet(&matcher.hits_of(&[felling])));
        assert_eq!(hits.union(&matcher.find("盗伐")), matcher.hits_of(&[fire, felling, again]));
    }
}
