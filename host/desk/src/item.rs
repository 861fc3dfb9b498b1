//! Items (舆情信息): what a collector observed, how the desk knows it again,
//! and when it happened.
//!
//! The full text of an item lives in the journal only. The desk keeps hashes
//! for ever-growing numbers of items and a short record of the recent ones.

use std::collections::BTreeMap;

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::Sha256;
use uuid::Uuid;

use crate::command::Intake;
use crate::label::Labels;
use crate::level::Level;
use crate::text::{clip, says_something};
use crate::verdict::{Assessment, Verdict};

/// The most bytes of an item's id.
pub const MAX_ID: usize = 1_024;
/// The most bytes of an item's title.
pub const MAX_TITLE: usize = 4 * 1_024;
/// The most bytes of an item's body.
pub const MAX_BODY: usize = 256 * 1_024;
/// The most bytes of an item's address.
pub const MAX_URL: usize = 8 * 1_024;
/// The most fields of an item.
pub const MAX_FIELDS: usize = 64;
/// The most bytes of one field, name and value together.
pub const MAX_FIELD: usize = 8 * 1_024;
/// The most items of one `Receive`.
pub const MAX_PAGE: usize = 1_000;

/// One observed post, article, message or call, as the plugin contract has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// Stable within its source.
    pub id: String,
    /// The source that observed it.
    pub source: String,
    /// Where it can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Its title; may be empty.
    pub title: String,
    /// Its text; may be empty.
    pub body: String,
    /// When the author published it, as the source says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub published: Option<Timestamp>,
    /// When it was observed.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub observed: Timestamp,
    /// Further facts, such as `channel`, `reads`, `author-hash`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, String>,
}

/// The field that names what was cut from an item, and how long it was.
pub const CUT: &str = "cut";
/// The field of an item that corrects another of its source: the id of the first.
pub(crate) const CORRECTS: &str = "corrects";

/// Fields that verdicts and cases are made with: they stay where an item has too many.
const KEPT_FIELDS: [&str; 10] =
    ["asker", "author-hash", CORRECTS, "channel", "outlet", "reads", "comments", "shares", "likes", "lang"];

impl Item {
    /// Cuts what is longer than the desk keeps, and names in the field [`CUT`] what was cut and how
    /// long it was: a long post is judged like any other. Of a text its beginning and its end stay.
    /// An item within the limits is left as it is, so cutting it again changes nothing.
    pub fn cut(&mut self) {
        let mut cut = Vec::new();
        for (what, text, most) in [("title", &mut self.title, MAX_TITLE), ("body", &mut self.body, MAX_BODY)] {
            if text.len() > most {
                cut.push(format!("{what} of {} bytes", text.len()));
                *text = ends(text, most);
            }
        }
        if let Some(url) = self.url.as_mut().filter(|url| url.len() > MAX_URL) {
            cut.push(format!("url of {} bytes", url.len()));
            *url = front(url, MAX_URL).to_owned();
        }
        for (name, value) in self.fields.iter_mut().filter(|(name, value)| name.len() + value.len() > MAX_FIELD) {
            cut.push(format!("field `{}` of {} bytes", clip(name, 40), value.len()));
            *value = front(value, MAX_FIELD.saturating_sub(name.len())).to_owned();
        }
        // A name that leaves no room for a value is no field.
        self.fields.retain(|name, _| name.len() < MAX_FIELD);
        let room = MAX_FIELDS - usize::from(!cut.is_empty() && !self.fields.contains_key(CUT));
        if self.fields.len() > room {
            let room = MAX_FIELDS - 1;
            cut.push(format!("{} fields", self.fields.len()));
            let names: Vec<String> = self.fields.keys().cloned().collect();
            let (first, rest): (Vec<_>, Vec<_>) =
                names.into_iter().filter(|name| name != CUT).partition(|name| KEPT_FIELDS.contains(&name.as_str()));
            for name in first.into_iter().chain(rest).skip(room) {
                self.fields.remove(&name);
            }
        }
        if !cut.is_empty() {
            self.fields.insert(CUT.to_owned(), clip(&cut.join(", "), 1_000));
        }
    }

    /// The value of a field.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }

    /// Rule 5: what comes from outside is not believed. An item happened when
    /// it was published or when it was observed, whichever is earlier.
    pub fn occurred_at(&self) -> Timestamp {
        self.published.map_or(self.observed, |published| published.min(self.observed))
    }

    /// Why the desk does not take this item, or none.
    pub fn fault(&self) -> Option<String> {
        if self.id.is_empty() {
            return Some("the item has no id".to_owned());
        }
        if !says_something(&self.title) && !says_something(&self.body) {
            return Some("the item has neither title nor body".to_owned());
        }
        let sizes = [
            ("id", self.id.len(), MAX_ID),
            ("title", self.title.len(), MAX_TITLE),
            ("body", self.body.len(), MAX_BODY),
            ("url", self.url.as_ref().map_or(0, String::len), MAX_URL),
        ];
        for (what, size, most) in sizes {
            if size > most {
                return Some(format!("the {what} has {size} bytes; at most {most} are taken"));
            }
        }
        if self.fields.len() > MAX_FIELDS {
            return Some(format!("{} fields; at most {MAX_FIELDS} are taken", self.fields.len()));
        }
        let long = self.fields.iter().find(|(name, value)| name.len() + value.len() > MAX_FIELD);
        long.map(|(name, _)| format!("the field `{}` is longer than {MAX_FIELD} bytes", clip(name, 40)))
    }
}

/// The longest beginning of a text that takes at most so many bytes.
fn front(text: &str, most: usize) -> &str {
    text.get(..text.floor_char_boundary(most)).unwrap_or_default()
}

/// Three quarters of what a text may take from its beginning, and the rest from its end.
fn ends(text: &str, most: usize) -> String {
    const BETWEEN: &str = "\n…\n";
    let tail = most / 4;
    let front = front(text, most - tail - BETWEEN.len());
    let end = text.get(text.ceil_char_boundary(text.len() - tail)..).unwrap_or_default();
    [front, BETWEEN, end].concat()
}

/// An item as the engine hands it in: with the verdict of the pinned floor
/// (rule 7), or why the floor could not judge it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceivedItem {
    /// What the collector brought.
    pub item: Item,
    /// What the floor says of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub floor: Option<Verdict>,
    /// Why there is no verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub floor_error: Option<String>,
    /// What came with it, where somebody sent it to the unit itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intake: Option<Intake>,
}

/// 128 bits that tell texts apart, keyed so that nobody without the host's
/// key can confirm a guess of the text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 16]);

impl Digest {
    /// HMAC-SHA-256 over length-prefixed parts, cut to 128 bits.
    pub fn of(key: &[u8; 32], parts: &[&[u8]]) -> Self {
        // HMAC pads a short key with zeros to its block of 64 bytes.
        let mut block = [0; 64];
        block[..32].copy_from_slice(key);
        let mut mac = Hmac::<Sha256>::new(&block.into());
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        let full = mac.finalize().into_bytes();
        let mut short = [0; 16];
        short.copy_from_slice(&full[..16]);
        Self(short)
    }

    /// What an item is known by within its unit: its source and id.
    pub fn of_identity(key: &[u8; 32], unit: &str, source: &str, id: &str) -> Self {
        Self::of(key, &[b"identity", unit.as_bytes(), source.as_bytes(), id.as_bytes()])
    }

    /// What an item is known by. One without an id is known by its text.
    pub(crate) fn of_item(key: &[u8; 32], unit: &str, source: &str, item: &Item) -> Self {
        if item.id.is_empty() {
            let parts = [b"nameless", unit.as_bytes(), source.as_bytes(), item.title.as_bytes(), item.body.as_bytes()];
            return Self::of(key, &parts);
        }
        Self::of_identity(key, unit, source, &item.id)
    }

    /// What an item is known by that was refused: another text under the same id is looked at anew.
    pub(crate) fn of_refused(key: &[u8; 32], unit: &str, source: &str, item: &Item) -> Self {
        let (identity, text) = (Self::of_item(key, unit, source, item), Self::of_content(key, unit, item));
        Self::of(key, &[b"refused", &identity.0, &text.0])
    }

    /// What an item's text is known by within its unit. Runs of white space
    /// count as one blank, so that a repost with other line breaks is known again.
    pub fn of_content(key: &[u8; 32], unit: &str, item: &Item) -> Self {
        let title = squeeze(&item.title);
        let body = squeeze(&item.body);
        Self::of(key, &[b"content", unit.as_bytes(), title.as_bytes(), body.as_bytes()])
    }
}

fn squeeze(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

impl std::fmt::Debug for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(self.0))
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let mut bytes = [0; 16];
        hex::decode_to_slice(&text, &mut bytes)
            .map_err(|e| serde::de::Error::custom(format!("not a digest of 32 hex digits: {e}")))?;
        Ok(Self(bytes))
    }
}

/// How many characters of a title the desk keeps.
pub(crate) const TITLE_CHARS: usize = 80;
/// How many characters of a text the desk keeps, for people who look at the case.
pub(crate) const TEXT_CHARS: usize = 200;

/// What the desk keeps of a recent item, until it is forgotten.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ItemRecord {
    /// The desk's own name for it.
    pub item: Uuid,
    /// The unit that watches the source.
    pub unit: String,
    /// The source.
    pub source: String,
    /// Its beginning.
    pub title: String,
    /// The beginning of its text, where it has one beside its title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Where it can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The channel it was observed in: the field `channel`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// Who raised it, as far as it is known: the field `asker`, else `author-hash`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asker: Option<String>,
    /// Rule 5.
    pub occurred_at: Timestamp,
    /// When it was observed.
    pub observed: Timestamp,
    /// The first item with the same text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duplicate_of: Option<Uuid>,
    /// The item of the same source that it corrects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrects: Option<Uuid>,
    /// What it is known by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Digest>,
    /// Why the floor said nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub floor_error: Option<String>,
    /// What was said of it, the floor's verdict first; at most eight.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assessments: Vec<Assessment>,
    /// What was said of its labels (clause 3.1c).
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
}

/// How many assessments of one item are kept.
const MAX_ASSESSMENTS: usize = 8;

impl ItemRecord {
    /// Rule 7: the highest of the unit's own assessments and the floor's.
    pub fn level(&self) -> Option<Level> {
        self.assessments.iter().filter_map(|assessment| assessment.verdict.level).max()
    }

    /// How long after it was published it was observed, in seconds (clause 3.1e).
    pub fn late_seconds(&self) -> i64 {
        self.observed.duration_since(self.occurred_at).as_secs().max(0)
    }

    /// Takes in an assessment. When there are too many, the oldest that is
    /// neither the floor's nor the gravest goes.
    pub(crate) fn assess(&mut self, assessment: Assessment) {
        self.labels.assessed(&assessment);
        self.assessments.push(assessment);
        if self.assessments.len() > MAX_ASSESSMENTS {
            let top = self.level();
            let spare = self.assessments.iter().position(|a| !a.floor && a.verdict.level < top);
            self.assessments.remove(spare.unwrap_or(1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(title: &str, body: &str) -> Item {
        Item {
            id: "1".to_owned(),
            source: "board".to_owned(),
            url: None,
            title: title.to_owned(),
            body: body.to_owned(),
            published: None,
            observed: "2026-03-01T02:00:00Z".parse().unwrap(),
            fields: BTreeMap::new(),
        }
    }

    #[test]
    fn an_item_happened_when_published_but_never_after_it_was_observed() {
        let mut it = item("t", "b");
        assert_eq!(it.occurred_at(), it.observed);
        it.published = Some("2026-03-01T01:00:00Z".parse().unwrap());
        assert_eq!(Some(it.occurred_at()), it.published);
        it.published = Some("2026-03-01T03:00:00Z".parse().unwrap());
        assert_eq!(it.occurred_at(), it.observed);
    }

    #[test]
    fn the_content_digest_ignores_line_breaks_but_not_words_or_unit() {
        let key = [7; 32];
        let one = Digest::of_content(&key, "u", &item("山火", "浓烟 很大"));
        assert_eq!(one, Digest::of_content(&key, "u", &item(" 山火\n", "浓烟\n\n很大 ")));
        assert_ne!(one, Digest::of_content(&key, "u", &item("山火", "浓烟很大")));
        assert_ne!(one, Digest::of_content(&key, "v", &item("山火", "浓烟 很大")));
        assert_ne!(one, Digest::of_content(&[8; 32], "u", &item("山火", "浓烟 很大")));
        // The border between title and body counts.
        assert_ne!(one, Digest::of_content(&key, "u", &item("山火 浓烟", "很大")));
    }

    #[test]
    fn host_07_what_is_too_long_is_cut_and_named() {
        let mut long = item(&"题".repeat(MAX_TITLE), &format!("{}后山起火", "长".repeat(MAX_BODY)));
        long.url = Some(format!("https://a.cn/{}", "x".repeat(MAX_URL)));
        long.fields = (0..80).map(|n| (format!("f{n:02}"), "v".to_owned())).collect();
        long.fields.insert("reads".to_owned(), "9".repeat(MAX_FIELD));
        long.fields.insert("x".repeat(MAX_FIELD), "v".to_owned());
        assert!(long.fault().is_some());
        long.cut();
        assert_eq!(long.fault(), None);
        assert!(long.body.starts_with("长长") && long.body.ends_with("后山起火"), "both ends are kept");
        assert!(long.title.len() <= MAX_TITLE && long.title.contains('…'));
        assert_eq!(long.fields.len(), MAX_FIELDS);
        assert!(long.fields.contains_key("reads"), "what verdicts are made with stays");
        let named = long.field(CUT).unwrap();
        for said in ["title of 12288 bytes, body of 786444 bytes, url of ", "field `reads` of 8192 bytes", "81 fields"]
        {
            assert!(named.contains(said), "{named}");
        }
        let once = long.clone();
        long.cut();
        assert_eq!(long, once);
        let mut short = item("t", "b");
        short.cut();
        assert_eq!(short, item("t", "b"));
    }

    #[test]
    fn what_is_too_large_or_empty_is_named() {
        assert_eq!(item("t", "").fault(), None);
        assert!(item(" ", "\n").fault().unwrap().contains("neither title nor body"));
        let long = item("t", &"x".repeat(MAX_BODY + 1));
        assert_eq!(long.fault().unwrap(), "the body has 262145 bytes; at most 262144 are taken");
        let mut it = item("t", "b");
        it.id.clear();
        assert_eq!(it.fault().unwrap(), "the item has no id");
    }
}
