//! What can be configured, and its checks.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use huiyin_sdk::intake::Intake;
use huiyin_sdk::time::{Times, UtcOffset};
use huiyin_sdk::{Error, http};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::cursor::Position;

/// What to read and how to understand it. Places are JSON Pointers, such as
/// `/data/list`; the empty one is the whole.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Config {
    /// The address, http or https, with its fixed parameters.
    pub url: String,
    /// The channel kind that the items are filed under, such as `portal` or `weibo`.
    #[serde(default)]
    pub channel: Option<String>,
    /// Fields that every item gets, such as `outlet`.
    #[serde(default)]
    pub set: BTreeMap<String, String>,
    /// Which items come in as matters; none unless given.
    #[serde(default)]
    pub intake: Option<Intake>,
    /// Further request headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// How long to wait for the server, in seconds: 1 to 300.
    #[serde(default = "thirty")]
    #[schemars(range(min = 1, max = 300))]
    pub timeout_seconds: u32,
    /// Where the list of entries is.
    #[serde(default)]
    pub items: String,
    /// Where the parts of an entry are, seen from the entry.
    pub fields: Fields,
    /// How times are written.
    #[serde(default)]
    pub times: TimeFormat,
    /// What holds for times without a zone.
    #[serde(default)]
    pub utc_offset: UtcOffset,
    /// What the zone `CST` means: China's time, unless the source is of North
    /// America (`-06:00`).
    #[serde(default)]
    pub cst: UtcOffset,
    /// What titles are: text as it stands, or HTML.
    #[serde(default)]
    pub title_format: TextFormat,
    /// What bodies are.
    #[serde(default = "html")]
    pub body_format: TextFormat,
    /// How to get at further pages; there is only one unless given.
    #[serde(default)]
    pub paging: Option<Paging>,
    /// How the list is sorted.
    #[serde(default)]
    pub order: Order,
    /// How many pages of a newest-first list are read at most until one
    /// brings nothing new.
    #[serde(default = "ten")]
    #[schemars(range(min = 1))]
    pub max_pages: u32,
}

fn thirty() -> u32 {
    30
}

fn ten() -> u32 {
    10
}

fn html() -> TextFormat {
    TextFormat::Html
}

/// What a text is.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum TextFormat {
    /// Text, in which `<` and `&` are characters like others.
    #[default]
    Plain,
    /// HTML, of which the text is taken.
    Html,
}

/// Where the parts of an entry are.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fields {
    /// The id, text or number; the address or the text serves unless given.
    #[serde(default)]
    pub id: Option<String>,
    /// The title, plain text unless `titleFormat` says otherwise.
    #[serde(default)]
    pub title: Option<String>,
    /// The text, HTML unless `bodyFormat` says otherwise.
    #[serde(default)]
    pub body: Option<String>,
    /// The address.
    #[serde(default)]
    pub url: Option<String>,
    /// When it was published.
    #[serde(default)]
    pub published: Option<String>,
    /// When it was last changed, as the source writes it: an entry that is
    /// known is handed over again, as a correction, where this and its text
    /// differ (a new title alone is one too).
    #[serde(default)]
    pub updated: Option<String>,
    /// Further facts by name, such as `reads`, `comments`, `shares`, `likes`.
    #[serde(default)]
    pub more: BTreeMap<String, String>,
}

/// How times are written.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum TimeFormat {
    /// As the table of the plugin author's guide has it: numbers of 8, 12 and
    /// 14 digits are dates, of 10 seconds since 1970, of 13 milliseconds.
    #[default]
    Auto,
    /// Seconds since 1970.
    EpochSeconds,
    /// Milliseconds since 1970.
    EpochMilliseconds,
}

/// How to get at further pages.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "by", deny_unknown_fields)]
pub enum Paging {
    /// Each answer says what to ask for next.
    Cursor {
        /// The parameter that takes it.
        parameter: String,
        /// Where it is in the answer; absent, null, empty, 0 or -1 on the last page.
        next: String,
    },
    /// Pages are numbered.
    Page {
        /// The parameter that takes the number.
        parameter: String,
        /// The number of the first page.
        #[serde(default = "one")]
        first: u64,
        /// How many entries to ask for.
        #[serde(default)]
        size: Option<Size>,
    },
    /// Entries are counted.
    Offset {
        /// The parameter that takes the number of entries to skip.
        parameter: String,
        /// How many entries to ask for.
        #[serde(default)]
        size: Option<Size>,
    },
}

fn one() -> u64 {
    1
}

/// How many entries to ask for. Servers give fewer, so it is no sign of the last page.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Size {
    /// The parameter that takes it.
    pub parameter: String,
    /// The number.
    #[schemars(range(min = 1))]
    pub value: u64,
}

/// How the list is sorted.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Order {
    /// New entries come first.
    #[default]
    NewestFirst,
    /// New entries come last.
    OldestFirst,
}

impl Config {
    /// How its times are read at `now`, in milliseconds since the Unix epoch.
    pub(crate) fn times(&self, now: u64) -> Times {
        Times { offset: self.utc_offset, cst: self.cst, now: Some(now) }
    }

    /// What the types cannot say.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let wrong = |place: &str, why: String| Error::InvalidConfig(format!("at {place}: {why}"));
        http::check_timeout(self.timeout_seconds)?;
        if self.max_pages == 0 {
            return Err(wrong("/maxPages", "at least one page must be read".to_owned()));
        }
        let fields = &self.fields;
        if fields.title.is_none() && fields.body.is_none() {
            return Err(wrong("/fields", "neither title nor body is mapped".to_owned()));
        }
        let mut pointers = vec![("/items".to_owned(), &self.items)];
        for (name, pointer) in [
            ("id", &fields.id),
            ("title", &fields.title),
            ("body", &fields.body),
            ("url", &fields.url),
            ("published", &fields.published),
            ("updated", &fields.updated),
        ] {
            pointers.extend(pointer.iter().map(|pointer| (format!("/fields/{name}"), pointer)));
        }
        for (name, pointer) in &fields.more {
            pointers.push((format!("/fields/more/{name}"), pointer));
        }
        if let Some(Paging::Cursor { next, .. }) = &self.paging {
            pointers.push(("/paging/next".to_owned(), next));
        }
        for (place, pointer) in pointers {
            if !pointer.is_empty() && !pointer.starts_with('/') {
                return Err(wrong(&place, format!("{pointer:?} is no JSON Pointer; write /{pointer}")));
            }
        }
        let size = match &self.paging {
            Some(Paging::Page { size, .. } | Paging::Offset { size, .. }) => size.as_ref(),
            _ => None,
        };
        if size.is_some_and(|size| size.value == 0) {
            return Err(wrong("/paging/size/value", "a page has at least one entry".to_owned()));
        }
        Ok(())
    }

    /// The address of a page.
    pub(crate) fn address(&self, at: &Position) -> String {
        let mut address = self.url.split('#').next().unwrap_or_default().to_owned();
        let mut add = |name: &str, value: &str| {
            address.push(if address.contains('?') { '&' } else { '?' });
            encode(&mut address, name);
            address.push('=');
            encode(&mut address, value);
        };
        match &self.paging {
            None => {}
            Some(Paging::Cursor { parameter, .. }) => {
                if let Position::Token(token) = at {
                    add(parameter, token);
                }
            }
            Some(Paging::Page { parameter, first, size }) => {
                add(parameter, &at.number(*first).to_string());
                if let Some(size) = size {
                    add(&size.parameter, &size.value.to_string());
                }
            }
            Some(Paging::Offset { parameter, size }) => {
                add(parameter, &at.number(0).to_string());
                if let Some(size) = size {
                    add(&size.parameter, &size.value.to_string());
                }
            }
        }
        address
    }
}

/// Percent-encoding of all but the unreserved characters (RFC 3986 §2.3).
fn encode(out: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
}
