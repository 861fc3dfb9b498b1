//! The demo's outside world: sources as RSS and as paged JSON, and an inbox
//! for notifications, on this machine only.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{DefaultBodyLimit, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use huiyin_engine::shell::Clock;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedSender;

use super::world::World;

/// The largest notification, in bytes.
const MAX_BODY: usize = 8 << 20;

/// The most posts of a page.
const MAX_PAGE: usize = 200;

/// A notification that arrived.
pub(super) struct Told {
    /// What it says.
    pub(super) subject: String,
    /// What it is about: its first words, up to the colon.
    pub(super) about: String,
    /// Whom it is for.
    pub(super) people: Vec<String>,
}

#[derive(Clone)]
struct Outside {
    world: Arc<World>,
    clock: Arc<dyn Clock>,
    tell: UnboundedSender<Told>,
    /// Idempotency keys seen: a receiver counts a repeated one once.
    seen: Arc<Mutex<HashSet<String>>>,
}

/// The server's paths; what is published goes by the host's clock.
pub(super) fn router(world: Arc<World>, clock: Arc<dyn Clock>, tell: UnboundedSender<Told>) -> Router {
    Router::new()
        .route("/press.rss", get(press))
        .route("/posts", get(posts))
        .route("/inbox", post(inbox))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(Outside { world, clock, tell, seen: Arc::default() })
}

async fn press(State(outside): State<Outside>) -> Response {
    let mut rss = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<rss version=\"2.0\"><channel><title>林海新闻</title><link>https://linhai.example/</link><description>demo</description>\n",
    );
    for post in outside.world.press(outside.clock.now()) {
        rss.push_str(&format!(
            "<item><guid isPermaLink=\"false\">{}</guid><title>{}</title><link>{}</link><description>{}</description><pubDate>{}</pubDate></item>\n",
            escaped(&post.id),
            escaped(&post.title),
            escaped(&post.url),
            escaped(&post.body),
            jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_string(&post.published).unwrap_or_default(),
        ));
    }
    rss.push_str("</channel></rss>\n");
    ([(header::CONTENT_TYPE, "application/rss+xml; charset=utf-8")], rss).into_response()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[derive(Deserialize)]
struct Page {
    unit: String,
    #[serde(default)]
    skip: usize,
    take: Option<usize>,
}

async fn posts(State(outside): State<Outside>, Query(page): Query<Page>) -> axum::Json<Value> {
    let take = page.take.unwrap_or(MAX_PAGE).min(MAX_PAGE);
    axum::Json(json!({"posts": outside.world.board(&page.unit, outside.clock.now(), page.skip, take)}))
}

async fn inbox(State(outside): State<Outside>, axum::Json(message): axum::Json<Value>) -> axum::Json<Value> {
    let text = |name: &str| message.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let id = text("id");
    let first = outside.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone());
    if first {
        let people = message
            .get("recipients")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect();
        // Nobody listens only while the demo ends.
        let _ = outside.tell.send(Told { subject: text("subject"), about: first_words(&text("text")), people });
    }
    axum::Json(json!({"id": id}))
}

/// `时限将至` of `时限将至:山火…`.
fn first_words(text: &str) -> String {
    text.split([':', ':', '\n']).next().unwrap_or_default().to_owned()
}
