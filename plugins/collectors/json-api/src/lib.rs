//! Collector `json-api`: paged JSON over HTTP, mapped to items by JSON
//! Pointers (RFC 6901).
//!
//! A newest-first list (the usual kind) is read from its first page until a
//! page brings nothing new; an oldest-first list is read on from where the
//! last call stopped. Must never fetch anything but the configured address,
//! with its paging parameter.

mod config;
mod cursor;
mod fetch;
mod map;
mod sweep;

use huiyin_sdk::{About, Collector, Context, Error, Page, log};

pub use config::{Config, Fields, Order, Paging, Size, TextFormat, TimeFormat};
use cursor::{Cursor, Position};
use fetch::Answer;

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

    fn collect(ctx: &Context, config: Config, cursor: Option<String>, limit: u32) -> Result<Page, Error> {
        config.check()?;
        let cursor = Cursor::read(cursor.as_deref());
        let first = cursor.at == Position::First;
        match fetch::fetch(&config, &cursor.at, ctx.now)? {
            Answer::List(document, list) => {
                let times = config.times(ctx.now);
                Ok(sweep::page(&config, cursor, &document, &list, limit, &times))
            }
            Answer::Refused(error) | Answer::Failed(error) | Answer::NoList(error) if first => Err(error),
            Answer::Failed(error) if cursor.tries < 1 => {
                log::warn(&format!("{error}; asked for once more before it is taken for the end of the list"));
                Ok(sweep::tried(cursor))
            }
            Answer::Refused(error) | Answer::Failed(error) | Answer::NoList(error) => {
                log::info(&format!("{error}; beyond the first page this is taken for the end of the list"));
                Ok(sweep::end(&config, cursor))
            }
        }
    }
}

huiyin_sdk::export!(collector: JsonApi);
