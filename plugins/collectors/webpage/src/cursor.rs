//! Where the reading of a site stands.

use std::collections::BTreeMap;

use huiyin_sdk::known::Known;
use huiyin_sdk::poll::Version;
use serde::{Deserialize, Serialize};

use crate::robots::Rules;

/// How many entries are remembered. Beyond it the oldest are forgotten: they
/// may be handed over again, and the host knows them by their ids.
const REMEMBERED: usize = 2_000;

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Cursor {
    /// The list's page to read next; the first unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) at: Option<String>,
    /// Pages behind it in this sweep.
    pub(crate) page: u32,
    /// How many of the marks are from before this sweep; none between two.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) base: Option<usize>,
    /// The mark of the first entry of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) head: Option<String>,
    /// Of the first page, once all that it led to was read.
    pub(crate) version: Version,
    /// Of the first page of this sweep.
    pub(crate) reading: Version,
    /// What selectors have found before: where they find nothing now, the site has changed.
    pub(crate) found: Found,
    /// How often in a row a page of the site had no text at its place.
    pub(crate) astray: u32,
    /// Tries of pages that the server failed to give, by the mark of the address.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) tries: BTreeMap<String, u32>,
    /// What each site's robots.txt says, and when it was read.
    pub(crate) robots: BTreeMap<String, Rules>,
    /// Where a robots.txt asks for a pause: until when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pause: Option<u64>,
    /// The latest last.
    pub(crate) done: Known,
}

#[derive(Debug, Default, Clone, Copy, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Found {
    pub(crate) entries: bool,
    pub(crate) dates: bool,
    pub(crate) bodies: bool,
}

impl Cursor {
    /// A cursor that cannot be read is one from elsewhere: the list is read
    /// from its start, and the host drops what it has already.
    pub(crate) fn read(text: Option<&str>) -> Self {
        text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }

    pub(crate) fn write(&mut self) -> String {
        let gone = self.done.forget(REMEMBERED);
        self.base = self.base.map(|base| base.saturating_sub(gone));
        // Maps and texts only: it cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The sweep is over; the next one begins at the first page.
    pub(crate) fn rest(&mut self) {
        (self.at, self.page, self.base, self.head) = (None, 0, None, None);
        self.version = std::mem::take(&mut self.reading);
    }
}
