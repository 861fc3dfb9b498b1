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
//! A call often reads one short item, and a call is all that an instance lives
//! for: an automaton of a few hundred terms would take longer to build than
//! the item to read. So short texts are looked up place by place in the sorted
//! terms; once a call has read [`MUCH`] bytes, the terms become one
//! Aho-Corasick automaton. Both find the same.

use std::cell::{Cell, OnceCell};
use std::collections::BTreeMap;
use std::ops::Bound;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

/// The distinct terms of a configuration, as they are written and as they are
/// looked for.
#[derive(Debug, Default)]
pub struct Terms {
    shown: Vec<String>,
    sought: Vec<String>,
    numbers: BTreeMap<String, usize>,
}

impl Terms {
    /// Gives the term's number; the same term again has the same. None for a term without a character to look for.
    pub fn add(&mut self, term: &str) -> Option<usize> {
        let sought = fold(term);
        if sought.is_empty() {
            return None;
        }
        if let Some(&number) = self.numbers.get(&sought) {
            return Some(number);
        }
        let number = self.sought.len();
        self.numbers.insert(sought.clone(), number);
        self.sought.push(sought);
        self.shown.push(term.trim().to_owned());
        Some(number)
    }

    /// Makes the matcher.
    pub fn build(self) -> Matcher {
        Matcher { terms: self, read: Cell::new(0), automaton: OnceCell::new() }
    }
}

/// Text read by one matcher, in bytes, from which on an automaton pays.
const MUCH: usize = 4_096;

/// All terms, ready to be found.
#[derive(Debug)]
pub struct Matcher {
    terms: Terms,
    read: Cell<usize>,
    /// None where the terms make none: then they are looked up as before.
    automaton: OnceCell<Option<AhoCorasick>>,
}

impl Matcher {
    /// The term as it was written; empty for a number that is none of ours.
    pub fn term(&self, number: usize) -> &str {
        self.terms.shown.get(number).map_or("", String::as_str)
    }

    /// Reads the text once, as [`fold`] makes it.
    pub fn find(&self, text: &str) -> Hits {
        let mut hits = Hits(vec![0; self.terms.shown.len().div_ceil(64)]);
        if text.is_empty() {
            return hits;
        }
        let text = fold(text);
        self.read.set(self.read.get().saturating_add(text.len()));
        match self.automaton() {
            Some(automaton) => {
                for found in automaton.find_overlapping_iter(&text) {
                    hits.set(found.pattern().as_usize());
                }
            }
            None => self.look_up(&text, &mut hits),
        }
        hits
    }

    fn automaton(&self) -> Option<&AhoCorasick> {
        if self.read.get() < MUCH {
            return None;
        }
        let build = || {
            AhoCorasick::builder()
                .kind(Some(AhoCorasickKind::ContiguousNFA))
                .prefilter(false)
                .build(&self.terms.sought)
                .ok()
        };
        self.automaton.get_or_init(build).as_ref()
    }

    /// At each place, the terms that begin with its character.
    fn look_up(&self, text: &str, hits: &mut Hits) {
        for (at, c) in text.char_indices() {
            let (first, rest) = (&text[at..at + c.len_utf8()], &text[at..]);
            let from = (Bound::Included(first), Bound::Unbounded);
            for (term, &number) in self.terms.numbers.range::<str, _>(from) {
                if !term.starts_with(first) {
                    break;
                }
                if rest.starts_with(term.as_str()) {
                    hits.set(number);
                }
            }
        }
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

    /// What occurs in either of two texts read by the same matcher.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(a, b)| a | b).collect())
    }
}

/// The form in which text is compared: full-width ASCII made plain, letters
/// A–Z made small, white space and invisible characters dropped beside
/// characters that are not ASCII (a trick to slip past keywords: 谣 言), and
/// single elsewhere.
pub fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut gap = false;
    let mut last_ascii = false;
    for c in text.chars() {
        let c = match c {
            '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xff01 + 0x21).unwrap_or(c).to_ascii_lowercase(),
            '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{00ad}' => continue,
            c if c.is_whitespace() => {
                gap = true;
                continue;
            }
            c => c.to_ascii_lowercase(),
        };
        if gap && last_ascii && c.is_ascii() {
            out.push(' ');
        }
        gap = false;
        last_ascii = c.is_ascii();
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{MUCH, Terms, fold};

    #[test]
    fn looked_up_and_by_automaton_the_same_terms_are_found() {
        let words = ["山火", "山", "火", "火烧山", "forest fire", "fire", "ＡＢＣ", "林火蔓延", "🔥", "é"];
        let texts = [
            "网传某地山 火蔓延，林火蔓延到火烧山",
            "Forest  FIRE near abc",
            "没有",
            "",
            "火",
            "🔥é山",
            "山山火火烧山",
            "fir e",
        ];
        let mut terms = Terms::default();
        let numbers: Vec<_> = words.iter().map(|word| terms.add(word).unwrap()).collect();
        let matcher = terms.build();
        let short: Vec<_> = texts.iter().map(|text| matcher.find(text)).collect();
        assert!(matcher.automaton().is_none());
        matcher.find(&"长".repeat(MUCH));
        assert!(matcher.automaton().is_some());
        for (text, short) in texts.iter().zip(short) {
            assert_eq!(matcher.find(text), short, "{text}");
            for (word, number) in words.iter().zip(&numbers) {
                assert_eq!(short.contains(*number), fold(text).contains(&fold(word)), "{word} in {text}");
            }
        }
    }

    #[test]
    fn what_reads_alike_compares_alike() {
        for (text, folded) in [
            ("谣 言", "谣言"),
            ("谣\u{200b}言", "谣言"),
            ("ＡＢＣ", "abc"),
            ("Forest  Fire", "forest fire"),
            (" 火 fire ", "火fire"),
            ("", ""),
        ] {
            assert_eq!(fold(text), folded, "{text}");
        }
    }
}
