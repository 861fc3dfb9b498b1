//! Collector `{{name}}`: reads a board that answers with pages of JSON.

use huiyin_sdk::{About, Collector, Context, Error, Item, Page, http, parse_json};
use schemars::JsonSchema;
use serde::Deserialize;

/// The configuration. Its JSON Schema and these comments go into the manifest.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The first page.
    pub url: String,
}

/// What the board answers.
#[derive(Debug, Deserialize)]
struct Board {
    posts: Vec<Post>,
    /// The next page; none on the last one.
    next: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Post {
    id: String,
    title: String,
    text: String,
    url: Option<String>,
}

/// The plugin.
#[derive(Debug)]
pub struct {{Type}};

impl Collector for {{Type}} {
    type Config = Config;

    fn about() -> About {
        About::new("{{name}}", env!("CARGO_PKG_VERSION"), "Reads a board that answers with pages of JSON.")
            .http("https://board.example.cn", &["GET"], "/")
            .idempotent()
    }

    fn collect(_: &Context, config: Config, cursor: Option<String>, _limit: u32) -> Result<Page, Error> {
        let url = cursor.unwrap_or(config.url);
        let answer = http::Request::get(&url).send().map_err(http::Error::of_safe_request)?;
        if answer.status != 200 {
            return Err(Error::Transient(format!("{url} answered {}", answer.status)));
        }
        let text = String::from_utf8_lossy(&answer.body);
        let board: Board = parse_json(&text).map_err(|why| Error::Transient(format!("{url}: {why}")))?;
        let items = board.posts.into_iter().map(|post| Item {
            id: post.id,
            title: post.title,
            body: post.text,
            url: post.url,
            ..Item::default()
        });
        Ok(Page { items: items.collect(), more: board.next.is_some(), cursor: board.next })
    }
}

huiyin_sdk::export!(collector: {{Type}});
