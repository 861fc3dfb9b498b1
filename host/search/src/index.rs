//! The index itself: for each piece and each pair of neighbours the documents that have it, as compressed bitmaps.
//!
//! The bitmaps say which documents may hold a query; whether one does says its text, which the caller has.

use std::collections::HashMap;
use std::fmt;

use roaring::RoaringBitmap;

use crate::cut::{Piece, pieces};
use crate::query::Query;

/// What is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Its name: putting another of the same name takes its place.
    pub id: String,
    /// Its kind, a word of the caller's.
    pub kind: &'static str,
    /// The units that it concerns.
    pub units: Vec<String>,
    /// Its time, in microseconds since 1970: the latest come first.
    pub at: i64,
}

/// Where a hit stands among all: the latest first, and of one time by what follows from its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    at: i64,
    tie: u64,
}

impl Ord for Place {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (other.at, self.tie).cmp(&(self.at, other.tie))
    }
}

impl PartialOrd for Place {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:x}", self.at, self.tie)
    }
}

impl std::str::FromStr for Place {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (at, tie) = text.split_once('.').ok_or(())?;
        let tie = u64::from_str_radix(tie, 16).map_err(|_| ())?;
        at.parse().map(|at| Self { at, tie }).map_err(|_| ())
    }
}

/// What is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'w> {
    /// The terms.
    pub query: &'w Query,
    /// Only what concerns one of these units; none for all.
    pub units: Option<&'w [String]>,
    /// Only of this kind.
    pub kind: Option<&'w str>,
    /// Not before, in microseconds.
    pub from: Option<i64>,
    /// Before, in microseconds.
    pub before: Option<i64>,
    /// Only what comes after this place.
    pub after: Option<Place>,
}

/// A document that may be a hit: it has every piece and every pair of the query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate<'i> {
    /// The document's name.
    pub id: &'i str,
    /// Its place: what comes after it is asked for with [`Wanted::after`].
    pub place: Place,
}

/// A document as it is kept, with the words by which it is taken out again.
#[derive(Debug)]
struct Slot {
    document: Document,
    place: Place,
    words: Box<[u32]>,
}

/// The index. What is put and removed counts at once.
#[derive(Debug, Default)]
pub struct Index {
    /// By number; a number that is free is used again.
    slots: Vec<Option<Slot>>,
    free: Vec<u32>,
    numbers: HashMap<String, u32>,
    /// Pieces and pairs, by their number.
    words: HashMap<Box<str>, u32>,
    /// The documents that have each word.
    having: Vec<RoaringBitmap>,
}

impl Index {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a document in, with its texts.
    pub fn put<'p>(&mut self, document: Document, passages: impl IntoIterator<Item = &'p str>) {
        self.remove(&document.id);
        let mut words: Vec<u32> = Vec::new();
        for passage in passages {
            for word in of_text(&pieces(passage)) {
                words.push(self.word(&word));
            }
        }
        words.sort_unstable();
        words.dedup();
        let number = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
        });
        for word in &words {
            if let Some(having) = self.having.get_mut(*word as usize) {
                having.insert(number);
            }
        }
        self.numbers.insert(document.id.clone(), number);
        let place = Place { at: document.at, tie: tie(&document.id) };
        if let Some(slot) = self.slots.get_mut(number as usize) {
            *slot = Some(Slot { document, place, words: words.into_boxed_slice() });
        }
    }

    /// Takes a document out.
    pub fn remove(&mut self, id: &str) {
        let Some(number) = self.numbers.remove(id) else { return };
        let slot = self.slots.get_mut(number as usize).and_then(Option::take);
        for word in slot.iter().flat_map(|slot| &slot.words) {
            if let Some(having) = self.having.get_mut(*word as usize) {
                having.remove(number);
            }
        }
        self.free.push(number);
    }

    /// How many documents there are.
    pub fn documents(&self) -> usize {
        self.numbers.len()
    }

    /// The documents that may be hits, the latest first. Whether one is, says [`Query::stands_in`] of its texts.
    pub fn candidates(&self, wanted: Wanted<'_>) -> Vec<Candidate<'_>> {
        let Some(numbers) = self.having_all(wanted.query) else { return Vec::new() };
        let fits = |slot: &&Slot| {
            let document = &slot.document;
            wanted.kind.is_none_or(|kind| kind == document.kind)
                && wanted.from.is_none_or(|from| document.at >= from)
                && wanted.before.is_none_or(|before| document.at < before)
                && wanted.after.is_none_or(|after| slot.place > after)
                && wanted.units.is_none_or(|units| document.units.iter().any(|unit| units.contains(unit)))
        };
        let slots = numbers.iter().filter_map(|number| self.slots.get(number as usize)?.as_ref());
        let mut found: Vec<Candidate<'_>> =
            slots.filter(fits).map(|slot| Candidate { id: &slot.document.id, place: slot.place }).collect();
        found.sort_unstable_by_key(|candidate| candidate.place);
        found
    }

    /// The documents that have every word of every term; none where a word is not known at all.
    fn having_all(&self, query: &Query) -> Option<RoaringBitmap> {
        let mut all = Vec::new();
        for term in &query.terms {
            for word in of_term(term) {
                all.push(self.having.get(*self.words.get(word.as_str())? as usize)?);
            }
        }
        // The rarest first, so that little is left soon.
        all.sort_by_key(|having| having.len());
        let (first, rest) = all.split_first()?;
        let mut left = (*first).clone();
        for having in rest {
            left &= *having;
        }
        Some(left)
    }

    fn word(&mut self, word: &str) -> u32 {
        if let Some(number) = self.words.get(word) {
            return *number;
        }
        let number = u32::try_from(self.having.len()).unwrap_or(u32::MAX);
        self.words.insert(word.into(), number);
        self.having.push(RoaringBitmap::new());
        number
    }
}

fn neighbours(one: &Piece, next: &Piece) -> bool {
    one.single && next.single && next.place == one.place + 1
}

/// Every piece, and every pair of neighbours.
fn of_text(cut: &[Piece]) -> Vec<String> {
    let pairs = cut.windows(2).filter_map(|two| match two {
        [one, next] if neighbours(one, next) => Some([one.text.as_str(), next.text.as_str()].concat()),
        _ => None,
    });
    pairs.chain(cut.iter().map(|piece| piece.text.clone())).collect()
}

/// Every pair of a term, and every piece that is in none: a pair says more than its two pieces.
fn of_term(term: &[Piece]) -> Vec<String> {
    let mut words = Vec::new();
    for (at, piece) in term.iter().enumerate() {
        let next = term.get(at + 1).filter(|next| neighbours(piece, next));
        let before = at.checked_sub(1).and_then(|at| term.get(at)).is_some_and(|before| neighbours(before, piece));
        match next {
            Some(next) => words.push([piece.text.as_str(), next.text.as_str()].concat()),
            None if !before => words.push(piece.text.clone()),
            None => {}
        }
    }
    words
}

/// The same for a name on every machine and at every start (FNV-1a).
fn tie(id: &str) -> u64 {
    id.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}
