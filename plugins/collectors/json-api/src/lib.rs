//! Collector `json-api`: paged JSON over HTTP, mapped to items by JSON
//! Pointers (RFC 6901).
//!
//! A newest-first list (the usual kind) is read from its first page until a
//! page brings nothing new; an oldest-first list is read on from where the
//! last call stopped. Must never fetch anything but the configured address,
//! with its paging parameter.

mod config;
mod cursor;
mod map;

use huiyin_sdk::http::{Request, Response};
use huiyin_sdk::{About, Collector, Context, Error, Item, Page, log};
use serde_json::Value;

pub use config::{Config, Fields, Order, Paging, Size, TimeFormat};
use cursor::{Cursor, Position};

/// The plugin.
#[derive(Debug)]
pub struct JsonApi;

impl Collector for JsonApi {
    type Config = Config;

    fn about() -> About {
        About::new("json-api", env!("CARGO_PKG_VERSION"), "Reads paged JSON and maps it to items by JSON Pointers.")
            .http("http://*:*", &["GET"], "/")
            .http("https://*:*", &["GET"], "/")
            .idempotent()
    }

    fn collect(_: &Context, config: Config, cursor: Option<String>, limit: u32) -> Result<Page, Error> {
        config.check()?;
        let cursor = Cursor::read(cursor.as_deref());
        let document = fetch(&config, &cursor.at)?;
        let Some(list) = document.pointer(&config.items).and_then(Value::as_array) else {
            return Err(Error::Transient(format!(
                "{} answered JSON without a list at {:?}; if it always does, mend /items",
                config.url, config.items
            )));
        };
        Ok(page(&config, cursor, &document, list, limit))
    }
}

huiyin_sdk::export!(collector: JsonApi);

fn fetch(config: &Config, at: &Position) -> Result<Value, Error> {
    let mut request = Request::get(&config.address(at))
        .timeout(config.timeout_seconds)
        .header("accept", "application/json")
        .header("user-agent", concat!("Huiyin-json-api/", env!("CARGO_PKG_VERSION")));
    for (name, value) in &config.headers {
        request = request.header(name, value);
    }
    let response = request.send().map_err(huiyin_sdk::http::Error::of_safe_request)?;
    accept(config, &response)?;
    let body = response.body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&response.body);
    serde_json::from_slice(body).map_err(|why| Error::Transient(format!("{} answered no JSON: {why}", config.url)))
}

fn accept(config: &Config, response: &Response) -> Result<(), Error> {
    let failed = format!("{} answered {}", config.url, response.status);
    Err(match response.status {
        200..=299 => return Ok(()),
        429 | 503 => match response.retry_after() {
            Some(seconds) => Error::RateLimited(seconds),
            None if response.status == 429 => Error::RateLimited(60),
            None => Error::Transient(failed),
        },
        408 | 500..=599 => Error::Transient(failed),
        300..=399 => {
            Error::InvalidConfig(format!("{failed}; redirects are not followed, write the final address in /url"))
        }
        _ => Error::InvalidConfig(failed),
    })
}

fn page(config: &Config, mut cursor: Cursor, document: &Value, list: &[Value], limit: u32) -> Page {
    let mut items: Vec<Item> = Vec::new();
    let (mut odd, mut known, mut left) = (0, 0, false);
    for value in list {
        let Some(item) = map::item(config, value) else {
            odd += 1;
            continue;
        };
        let mark = cursor::mark(&item.id);
        if cursor.done.contains(&mark) {
            known += 1;
        } else if items.len() < limit as usize {
            cursor.done.push(mark);
            items.push(item);
        } else {
            left = true;
        }
    }
    if odd > 0 {
        log::warn(&format!("{odd} of {} entries have neither title nor body", list.len()));
    }
    cursor.forget();
    if left {
        // The same page once more, for the rest of it.
        return Page { items, cursor: Some(cursor.write()), more: true };
    }

    let next = next(config, &cursor.at, document, list.len());
    let more = match config.order {
        Order::OldestFirst => match next {
            Some(next) => {
                cursor.at = next;
                true
            }
            None => false, // stay, and look here again next time
        },
        Order::NewestFirst => {
            cursor.pages += 1;
            let news = known + odd < list.len();
            match next {
                Some(next) if news && cursor.pages < config.max_pages => {
                    cursor.at = next;
                    true
                }
                next => {
                    if next.is_some() && news {
                        log::warn(&format!(
                            "stopped after {} pages that were all new: older entries may be missed; collect more often or raise maxPages",
                            cursor.pages
                        ));
                    }
                    (cursor.at, cursor.pages) = (Position::First, 0);
                    false
                }
            }
        }
    };
    Page { items, cursor: Some(cursor.write()), more }
}

/// The page after this one; none where this is the last.
fn next(config: &Config, at: &Position, document: &Value, count: usize) -> Option<Position> {
    let full = |size: &Option<Size>| size.as_ref().is_none_or(|size| count as u64 >= size.value);
    match config.paging.as_ref()? {
        Paging::Cursor { next, .. } => match document.pointer(next)? {
            Value::String(text) if !text.is_empty() => Some(Position::Token(text.clone())),
            Value::Number(number) => Some(Position::Token(number.to_string())),
            _ => None,
        }
        .filter(|next| next != at),
        Paging::Page { first, size, .. } => (count > 0 && full(size)).then(|| Position::Number(at.number(*first) + 1)),
        Paging::Offset { size, .. } => (count > 0 && full(size)).then(|| Position::Number(at.number(0) + count as u64)),
    }
}
