//! A full-text index over what units keep, for people who look for a word: cases, items.
//!
//! Chinese has no blanks between words, and a dictionary does not know the name of a hamlet. So the index knows
//! no words of Chinese: it has every character and every pair of neighbours, and a query of several characters asks for
//! its pairs. What is looked for is found wherever it stands, and nothing else is.
//! Other scripts are cut into words. Full and half width, upper and lower case, accents are the same.
//!
//! The index lives in memory, and keeps no text: which documents may hold a query say compressed bitmaps (roaring), and
//! the caller, who has the texts, says which of these do. It is derived: whoever fills it may throw it away and fill it anew.
//! It must never learn what a case is, or who may read one.
//!
//! **Invariant:** no document in which every term of a query stands is missing among the query's candidates.

mod cut;
mod index;
mod query;
mod snippet;

pub use index::{Candidate, Document, Index, Place, Wanted};
pub use query::{MAX_CHARS, MAX_TERMS, Query, QueryError};
pub use snippet::{Fragment, snippet};
