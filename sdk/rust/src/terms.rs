//! Finding many Chinese terms in one pass over a text. Pure; all terms go into
//! one Aho-Corasick automaton, built once a call.
//!
//! ```
//! use huiyin_sdk::terms::Terms;
//!
//! let mut terms = Terms::default();
//! let fire = terms.add("山火").unwrap();
//! let felling = terms.add("盗伐").unwrap();
//! let matcher = terms.build().unwrap();
//! let hits = matcher.find("网传某地发生山 火");
//! assert!(hits.contains(fire) && !hits.contains(felling));
//! ```

use std::collections::BTreeMap;

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
    ///
    /// # Errors
    /// Says why the terms make no automaton: there are too many.
    pub fn build(self) -> Result<Matcher, String> {
        // The form that is built soonest: each call builds anew, and most calls
        // read one item. A prefilter costs more than it saves there.
        let automaton = AhoCorasick::builder()
            .kind(Some(AhoCorasickKind::NoncontiguousNFA))
            .dense_depth(1)
            .prefilter(false)
            .build(&self.sought)
            .map_err(|why| format!("the terms make no automaton: {why}"))?;
        Ok(Matcher { automaton, shown: self.shown })
    }
}

/// All terms, ready to be found.
#[derive(Debug)]
pub struct Matcher {
    automaton: AhoCorasick,
    shown: Vec<String>,
}

impl Matcher {
    /// The term as it was written; empty for a number that is none of ours.
    pub fn term(&self, number: usize) -> &str {
        self.shown.get(number).map_or("", String::as_str)
    }

    /// Reads the text once, as [`fold`] makes it.
    pub fn find(&self, text: &str) -> Hits {
        let mut hits = Hits(vec![0; self.shown.len().div_ceil(64)]);
        for found in self.automaton.find_overlapping_iter(&fold(text)) {
            let number = found.pattern().as_usize();
            hits.0[number / 64] |= 1 << (number % 64);
        }
        hits
    }
}

/// Which terms occur, a bit each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hits(Vec<u64>);

impl Hits {
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
    use super::fold;

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
