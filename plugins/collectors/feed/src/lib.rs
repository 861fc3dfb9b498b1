//! Collector `feed`: RSS 0.9x, 1.0 and 2.0, Atom, and JSON Feed, in whatever
//! character set they come.
//!
//! The parsing stands on `quick-xml` and not on `feed-rs`, which does not
//! build for `wasm32-unknown-unknown` (its ids need a source of randomness).
//!
//! Must never fetch anything but the configured URL.

mod cursor;
mod json;
mod xml;

use huiyin_sdk::http::{self, Request, Response};
use huiyin_sdk::known::{Candidate, mark};
use huiyin_sdk::time::{Times, Unread, UtcOffset};
use huiyin_sdk::{About, BTreeMap, Collector, Context, Error, Item, Page, charset, log, text};
use schemars::JsonSchema;
use serde::Deserialize;

use cursor::Cursor;

/// What to read.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Config {
    /// The feed's address, http or https.
    pub url: String,
    /// The channel kind that the items are filed under, such as `portal` or `weibo`.
    #[serde(default)]
    pub channel: Option<String>,
    /// How long to wait for the server, in seconds: 1 to 300.
    #[serde(default = "thirty")]
    #[schemars(range(min = 1, max = 300))]
    pub timeout_seconds: u32,
    /// What holds for times without a zone.
    #[serde(default)]
    pub utc_offset: UtcOffset,
    /// What the zone `CST` means: China's time, unless the feed is of North
    /// America (`-06:00`).
    #[serde(default)]
    pub cst: UtcOffset,
}

fn thirty() -> u32 {
    30
}

/// A text as the feed has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Text {
    /// As it stands.
    Plain(String),
    /// To be read as HTML.
    Html(String),
}

impl Default for Text {
    fn default() -> Self {
        Self::Plain(String::new())
    }
}

impl Text {
    pub(crate) fn raw(&self) -> &str {
        match self {
            Self::Plain(text) | Self::Html(text) => text,
        }
    }

    fn read(&self) -> String {
        match self {
            Self::Plain(text) => text::squeeze(text),
            Self::Html(markup) => text::plain(markup),
        }
    }
}

/// One entry of a feed, before it is an item. `url` is absolute or empty;
/// times stand in the order in which they are believed.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) id: String,
    pub(crate) url: String,
    pub(crate) title: Text,
    pub(crate) summary: Text,
    pub(crate) content: Text,
    pub(crate) published: Vec<String>,
    pub(crate) updated: Vec<String>,
    /// Further fields: `comments`, `reads`, `likes`, `media`.
    pub(crate) more: BTreeMap<&'static str, String>,
}

/// What could be read of a document, and what stopped the reading, if anything.
#[derive(Debug, Default)]
pub(crate) struct Parsed {
    pub(crate) entries: Vec<Entry>,
    pub(crate) fault: Option<String>,
}

/// The plugin.
#[derive(Debug)]
pub struct Feed;

impl Collector for Feed {
    type Config = Config;

    fn about() -> About {
        About::new("feed", env!("CARGO_PKG_VERSION"), "Reads RSS, Atom and JSON Feed in any character set.")
            .http("http://*:*", &["GET"], "/")
            .http("https://*:*", &["GET"], "/")
            .idempotent()
    }

    fn collect(ctx: &Context, config: Config, cursor: Option<String>, limit: u32) -> Result<Page, Error> {
        http::check_timeout(config.timeout_seconds)?;
        let cursor = Cursor::read(cursor.as_deref());
        let response = fetch(&config, &cursor, ctx.now)?;
        if response.status == 304 {
            return Ok(Page::default());
        }
        let parsed = parse(&charset::decode(&response.body, response.header("content-type")).text, &config.url);
        if let Some(fault) = &parsed.fault {
            if parsed.entries.is_empty() {
                return Err(Error::Transient(format!("{} is no readable feed: {fault}", config.url)));
            }
            log::warn(&format!(
                "{} is damaged after {} entries, which are taken: {fault}",
                config.url,
                parsed.entries.len()
            ));
        }
        Ok(page(&config, &response, &parsed, cursor, limit, ctx.now))
    }
}

huiyin_sdk::export!(collector: Feed);

fn fetch(config: &Config, cursor: &Cursor, now: u64) -> Result<Response, Error> {
    let mut request = Request::get(&config.url)
        .timeout(config.timeout_seconds)
        .header(
            "accept",
            "application/rss+xml, application/atom+xml, application/feed+json, application/xml;q=0.9, */*;q=0.5",
        )
        .header("user-agent", concat!("Huiyin-feed/", env!("CARGO_PKG_VERSION")));
    if let Some(etag) = &cursor.etag {
        request = request.header("if-none-match", etag);
    }
    if let Some(modified) = &cursor.modified {
        request = request.header("if-modified-since", modified);
    }
    let response = request.send().map_err(huiyin_sdk::http::Error::of_safe_request)?;
    let failed = format!("{} answered {}", config.url, response.status);
    match response.status {
        200 | 304 => Ok(response),
        300..=399 => Err(Error::InvalidConfig(format!(
            "{failed}: the feed has moved{}; write the new address in /url",
            response.header("location").map(|to| format!(" to {to}")).unwrap_or_default()
        ))),
        429 | 503 => Err(match response.retry_after(now) {
            Some(seconds) => Error::RateLimited(seconds),
            None if response.status == 429 => Error::RateLimited(60),
            None => Error::Transient(failed),
        }),
        408 | 500..=599 => Err(Error::Transient(failed)),
        _ => Err(Error::InvalidConfig(failed)),
    }
}

fn parse(text: &str, base: &str) -> Parsed {
    if text.trim_start().starts_with('{') { json::parse(text, base) } else { xml::parse(text, base) }
}

/// The entries that were not handed over yet, the oldest first (feeds list
/// the newest first), at most `limit` of them.
fn page(config: &Config, response: &Response, parsed: &Parsed, mut cursor: Cursor, limit: u32, now: u64) -> Page {
    let whole = parsed.fault.is_none();
    let times = Times { offset: config.utc_offset, cst: config.cst, now: Some(now) };
    let mut unread = Unread::default();
    let mut entries: Vec<Candidate> =
        parsed.entries.iter().filter_map(|entry| item(config, entry, &times, &mut unread)).collect();
    entries.reverse();

    let silent = parsed.entries.len() - entries.len();
    if silent > 0 {
        log::warn(&format!(
            "{silent} of {} entries have neither title nor text, and are left out",
            parsed.entries.len()
        ));
    }
    let sorted = cursor.done.sort(entries, limit as usize, 0);
    if let Some(line) = unread.line().filter(|_| !sorted.items.is_empty()) {
        log::warn(&line);
    }
    sorted.log();
    // Only a document that was read to its end may be skipped next time, and
    // only then is gone what is not in it.
    let settled = whole && !sorted.left;
    let done = if whole {
        sorted.marks
    } else {
        cursor.done.add(sorted.marks);
        cursor.done
    };
    let header = |name: &str| response.header(name).filter(|_| settled).map(str::to_owned);
    let next = Cursor { etag: header("etag"), modified: header("last-modified"), done };
    Page { items: sorted.items, cursor: Some(next.write()), more: sorted.left }
}

/// None for an entry that says nothing.
fn item(config: &Config, entry: &Entry, times: &Times, unread: &mut Unread) -> Option<Candidate> {
    let title = entry.title.read();
    let body = [&entry.content, &entry.summary].into_iter().map(Text::read).find(|text| !text.is_empty());
    let body = body.unwrap_or_default();
    if title.is_empty() && body.is_empty() {
        return None;
    }
    let mut dates = entry.published.iter().chain(&entry.updated);
    let published = dates.find_map(|text| {
        let read = times.read(text);
        if read.is_none() {
            unread.note(text);
        }
        read
    });
    let url = (!entry.url.is_empty()).then(|| entry.url.clone());
    let id = [entry.id.trim(), &entry.url]
        .into_iter()
        .find(|id| !id.is_empty())
        .map_or_else(|| format!("content:{}", mark(&format!("{title}\n{body}"))), str::to_owned);
    let changed = entry.updated.first().or(entry.published.first()).cloned().unwrap_or_default();
    let more = entry.more.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
    let fields = more.chain(config.channel.iter().map(|kind| ("channel".to_owned(), kind.clone()))).collect();
    let item = Item { id, url, title, body, published, fields, ..Item::default() };
    Some(Candidate { item, changed })
}
