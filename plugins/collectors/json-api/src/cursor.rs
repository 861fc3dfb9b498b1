//! Where the reading of an API stands: the page, and marks of the entries
//! that were handed over.

use serde::{Deserialize, Serialize};

/// How many entries are remembered. Beyond it the oldest are forgotten: they
/// may be handed over again, and the host knows them by their ids.
const REMEMBERED: usize = 2000;

#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Cursor {
    #[serde(default)]
    pub(crate) at: Position,
    /// Pages read in this sweep of a newest-first list.
    #[serde(default)]
    pub(crate) pages: u32,
    /// The latest last.
    #[serde(default)]
    pub(crate) done: Vec<String>,
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
        let over = self.done.len().saturating_sub(REMEMBERED);
        self.done.drain(..over);
    }
}

/// FNV-1a, 64 bits, in hexadecimal: the same for ever, whatever the compiler.
pub(crate) fn mark(id: &str) -> String {
    let hash = id
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    format!("{hash:016x}")
}
