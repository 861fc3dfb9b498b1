//! Where a feed's reading stands: the validators of the last whole answer and
//! marks of the entries that were handed over and are still in the feed.

use huiyin_sdk::known::Known;
use serde::{Deserialize, Serialize};

#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Cursor {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) etag: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) modified: Option<String>,
    #[serde(default)]
    pub(crate) done: Known,
}

impl Cursor {
    /// A cursor that cannot be read is one from elsewhere: the feed is read
    /// from its start, and the host drops what it has already.
    pub(crate) fn read(text: Option<&str>) -> Self {
        text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }

    pub(crate) fn write(&self) -> String {
        serde_json::json!(self).to_string()
    }
}
