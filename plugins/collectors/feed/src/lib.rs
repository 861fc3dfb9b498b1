//! Collector `feed`: RSS 0.9x, 1.0 and 2.0, Atom, and JSON Feed, in whatever
//! character set they come.
//!
//! The parsing stands on `quick-xml` and not on `feed-rs`, which does not
//! build for `wasm32-unknown-unknown` (its ids need a source of randomness).
//!
//! Must never fetch anything but the configured URL.

mod charset;
mod cursor;
mod json;
mod xml;

use huiyin_sdk::http::{Request, Response};
use huiyin_sdk::time::{self, UtcOffset};
use huiyin_sdk::{About, Collector, Context, Error, Item, Page, log, text};
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
}

fn thirty() -> u32 {
    30
}

/// One entry of a feed, before it is an item.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) id: String,
    pub(crate) url: String,
    pub(crate) title: String,
    pub(crate) summary: String,
    pub(crate) content: String,
    pub(crate) published: String,
    pub(crate) updated: String,
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

    fn collect(_: &Context, config: Config, cursor: Option<String>, limit: u32) -> Result<Page, Error> {
        if !(1..=300).contains(&config.timeout_seconds) {
            return Err(Error::InvalidConfig(format!(
                "at /timeoutSeconds: {} is not from 1 to 300",
                config.timeout_seconds
            )));
        }
        let cursor = Cursor::read(cursor.as_deref());
        let response = fetch(&config, &cursor)?;
        if response.status == 304 {
            return Ok(Page::default());
        }
        let parsed = parse(&charset::decode(&response.body, response.header("content-type")));
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
        Ok(page(&config, &response, &parsed, &cursor, limit))
    }
}

huiyin_sdk::export!(collector: Feed);

fn fetch(config: &Config, cursor: &Cursor) -> Result<Response, Error> {
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
        429 | 503 => Err(match response.retry_after() {
            Some(seconds) => Error::RateLimited(seconds),
            None if response.status == 429 => Error::RateLimited(60),
            None => Error::Transient(failed),
        }),
        408 | 500..=599 => Err(Error::Transient(failed)),
        _ => Err(Error::InvalidConfig(failed)),
    }
}

fn parse(text: &str) -> Parsed {
    if text.trim_start().starts_with('{') { json::parse(text) } else { xml::parse(text) }
}

/// The entries that were not handed over yet, the oldest first (feeds list
/// the newest first), at most `limit` of them.
fn page(config: &Config, response: &Response, parsed: &Parsed, cursor: &Cursor, limit: u32) -> Page {
    let whole = parsed.fault.is_none();
    let mut items: Vec<Item> = parsed.entries.iter().filter_map(|entry| item(config, entry)).collect();
    items.reverse();

    let mut done = Vec::new();
    let mut taken = Vec::new();
    let mut left = false;
    for item in items {
        let mark = cursor::mark(&item.id);
        if done.contains(&mark) {
            continue; // the same entry twice in one document
        }
        if cursor.done.contains(&mark) {
            done.push(mark);
        } else if taken.len() < limit as usize {
            done.push(mark);
            taken.push(item);
        } else {
            left = true;
        }
    }
    // Only a document that was read to its end may be skipped next time.
    let settled = whole && !left;
    let header = |name: &str| response.header(name).filter(|_| settled).map(str::to_owned);
    let next = Cursor { etag: header("etag"), modified: header("last-modified"), done };
    Page { items: taken, cursor: Some(next.write()), more: left }
}

/// None for an entry that says nothing.
fn item(config: &Config, entry: &Entry) -> Option<Item> {
    let title = text::plain(&entry.title);
    let body = text::plain(if entry.content.is_empty() { &entry.summary } else { &entry.content });
    if title.is_empty() && body.is_empty() {
        return None;
    }
    let url = text::absolute(&entry.url, &config.url);
    let published =
        time::parse(&entry.published, config.utc_offset).or_else(|| time::parse(&entry.updated, config.utc_offset));
    let id = [entry.id.trim(), url.as_deref().unwrap_or_default()]
        .into_iter()
        .find(|id| !id.is_empty())
        .map_or_else(|| format!("content:{}", cursor::mark(&format!("{title}\n{body}"))), str::to_owned);
    let fields = config.channel.iter().map(|kind| ("channel".to_owned(), kind.clone())).collect();
    Some(Item { id, url, title, body, published, fields, ..Item::default() })
}
