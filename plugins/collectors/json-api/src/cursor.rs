//! Where the reading of an API stands: the page, and marks of the entries
//! that were handed over.

use huiyin_sdk::known::Known;
use serde::{Deserialize, Serialize};

/// How many entries are remembered. Beyond it the oldest are forgotten: they
/// may be handed over again, and the host knows them by their ids.
const REMEMBERED: usize = 2000;

#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Cursor {
    /// The page to read next.
    #[serde(default)]
    pub(crate) at: Position,
    /// Pages read in this sweep of a newest-first list.
    #[serde(default)]
    pub(crate) pages: u32,
    /// How many of the marks are from before this sweep; none between two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) base: Option<usize>,
    /// Pages without news in a row, in this sweep.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) idle: u32,
    /// For an oldest-first list: the last page that had entries, where `at`
    /// is the one behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) back: Option<Position>,
    /// That page may have had room when it was read: it is looked at once more
    /// when there is one behind it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) loose: bool,
    /// Where to go on after that look back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ahead: Option<Box<Ahead>>,
    /// The mark of the first entry of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) head: Option<String>,
    /// The list is gone through again, since its place was lost.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) again: bool,
    /// The most entries that a page had.
    #[serde(default)]
    pub(crate) most: u64,
    /// The first page that had so many, and whether another had as many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) most_at: Option<Position>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) confirmed: bool,
    /// Tries of a page that the server failed to give.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) tries: u32,
    /// Marks of the tokens that were followed in this sweep.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) tokens: Vec<String>,
    /// The latest last.
    #[serde(default)]
    pub(crate) done: Known,
}

/// A place in an oldest-first list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ahead {
    pub(crate) at: Position,
    pub(crate) back: Option<Position>,
    pub(crate) head: Option<String>,
    pub(crate) loose: bool,
    /// How many entries the page there had.
    pub(crate) count: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// Which page.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Position {
    #[default]
    First,
    /// What the last answer named.
    Token(String),
    /// The page's number, or how many entries to skip.
    Number(u64),
}

impl Position {
    pub(crate) fn number(&self, first: u64) -> u64 {
        match self {
            Self::Number(number) => *number,
            Self::First | Self::Token(_) => first,
        }
    }
}

impl Cursor {
    /// A cursor that cannot be read is one from elsewhere: the list is read
    /// from its start, and the host drops what it has already.
    pub(crate) fn read(text: Option<&str>) -> Self {
        text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }

    pub(crate) fn write(&self) -> String {
        serde_json::json!(self).to_string()
    }

    pub(crate) fn forget(&mut self) {
        let over = self.done.forget(REMEMBERED);
        self.base = self.base.map(|base| base.saturating_sub(over));
    }

    /// A sweep is over; the next begins at the first page.
    pub(crate) fn rest(&mut self) {
        (self.at, self.pages, self.base, self.idle, self.tries) = (Position::First, 0, None, 0, 0);
        (self.head, self.again, self.back, self.ahead, self.loose) = (None, false, None, None, false);
        self.tokens.clear();
    }
}
