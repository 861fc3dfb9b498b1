//! Collector `weibo-hot`: lists of hot searches (微博热搜), as the service's own
//! JSON has them and as archives keep them.
//!
//! A subject is known by its words, whatever its address says. A later look
//! hands it over again, as a correction of itself, where its rank or its heat
//! has moved by as much as the configuration asks: spread is judged by that.

use std::collections::BTreeMap;

use huiyin_sdk::http::{self, Request};
use huiyin_sdk::intake::Intake;
use huiyin_sdk::known::mark;
use huiyin_sdk::poll::{self, Version};
use huiyin_sdk::{About, Collector, Context, Error, Item, Page, charset, log, text};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How many subjects are remembered.
const REMEMBERED: usize = 2_000;
/// Where lists stand in the documents that are known.
const PLACES: &[&str] = &["", "/data/realtime", "/data/band_list", "/data/list", "/realtime", "/list"];

/// Which list to read.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Config {
    /// The address of the list's JSON.
    pub url: String,
    /// Further request headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Words of which a subject must have one, such as the county's names; all
    /// are handed over unless given.
    #[serde(default)]
    #[schemars(example = serde_json::json!(["临海", "青枫", "林草"]))]
    pub words: Vec<String>,
    /// By how many places a subject must rise or fall to be handed over again; 0 for never.
    #[serde(default = "ten")]
    pub rank_step: u32,
    /// By what percentage its heat must grow to be handed over again; 0 for never.
    #[serde(default = "fifty")]
    pub heat_percent: u32,
    /// Whether entries that the service calls advertisements are left out.
    #[serde(default = "yes")]
    pub without_advertisements: bool,
    /// Which subjects come in as matters; none unless given.
    #[serde(default)]
    pub intake: Option<Intake>,
    /// How long to wait for the server, in seconds: 1 to 300.
    #[serde(default = "thirty")]
    #[schemars(range(min = 1, max = 300))]
    pub timeout_seconds: u32,
}

fn ten() -> u32 {
    10
}

fn fifty() -> u32 {
    50
}

fn yes() -> bool {
    true
}

fn thirty() -> u32 {
    30
}

/// A subject on the list.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Subject {
    words: String,
    url: Option<String>,
    rank: u32,
    heat: Option<u64>,
    label: Option<String>,
    note: Option<String>,
}

/// What was handed over of a subject last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Seen {
    mark: String,
    rank: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    heat: Option<u64>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Cursor {
    version: Version,
    /// The latest last.
    seen: Vec<Seen>,
}

/// The plugin.
#[derive(Debug)]
pub struct WeiboHot;

impl Collector for WeiboHot {
    type Config = Config;

    fn about() -> About {
        About::new("weibo-hot", env!("CARGO_PKG_VERSION"), "Reads lists of hot searches of Weibo, and how they move.")
            .http("http://*:*", &["GET"], "/")
            .http("https://*:*", &["GET"], "/")
            .idempotent()
    }

    fn collect(ctx: &Context, config: Config, cursor: Option<String>, limit: u32) -> Result<Page, Error> {
        http::check_timeout(config.timeout_seconds)?;
        if config.words.iter().any(|word| word.trim().is_empty()) {
            return Err(Error::InvalidConfig("at /words: a word is empty, and would be in every subject".to_owned()));
        }
        let mut cursor: Cursor = cursor.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        let mut request = Request::get(&config.url)
            .timeout(config.timeout_seconds)
            .header("accept", "application/json")
            .header("user-agent", concat!("Huiyin-weibo-hot/", env!("CARGO_PKG_VERSION")));
        for (name, value) in &config.headers {
            request = request.header(name, value);
        }
        let Some(response) = poll::get(&cursor.version.ask(request), ctx.now)? else { return Ok(Page::default()) };
        let document = charset::decode(&response.body, response.header("content-type")).text;
        let subjects = subjects(&config, &document)
            .map_err(|why| Error::Transient(format!("{} is broken: {why}: {}", config.url, quote(&document))))?;
        let count = subjects.len();
        let (mut items, mut known, mut left) = (Vec::new(), 0, false);
        for subject in subjects {
            if !config.words.is_empty() && !config.words.iter().any(|word| subject.words.contains(word.trim())) {
                continue;
            }
            let mark = mark(&subject.words);
            let before = cursor.seen.iter().position(|seen| seen.mark == mark);
            if before.is_some_and(|at| !moved(&config, &cursor.seen[at], &subject)) {
                known += 1;
                continue;
            }
            if items.len() >= limit as usize {
                left = true;
                break;
            }
            let again = before.map(|at| cursor.seen.remove(at));
            cursor.seen.push(Seen { mark, rank: subject.rank, heat: subject.heat });
            items.push(item(&config, subject, again.as_ref(), ctx.now));
        }
        log::info(&format!("{count} subjects: {} new or moved, {known} known and passed over", items.len()));
        let over = cursor.seen.len().saturating_sub(REMEMBERED);
        cursor.seen.drain(..over);
        cursor.version = if left { Version::default() } else { Version::of(&response) };
        // Texts and numbers only: it cannot fail.
        Ok(Page { items, cursor: serde_json::to_string(&cursor).ok(), more: left })
    }
}

huiyin_sdk::export!(collector: WeiboHot);

/// The subjects of a list, each once, the highest first.
fn subjects(config: &Config, document: &str) -> Result<Vec<Subject>, String> {
    let document = huiyin_sdk::parse_json_mended(document)?;
    let list = PLACES.iter().find_map(|place| document.pointer(place).and_then(Value::as_array));
    let list = list.ok_or("it has no list of hot searches where one is known to stand")?;
    let mut found: Vec<Subject> = Vec::new();
    let mut advertisements = 0;
    for (at, entry) in list.iter().enumerate() {
        if config.without_advertisements && truth(entry, "is_ad") {
            advertisements += 1;
            continue;
        }
        let at = u32::try_from(at + 1).unwrap_or(u32::MAX) - advertisements;
        if let Some(subject) = subject(entry, at, &config.url)
            && !found.iter().any(|there| there.words == subject.words)
        {
            found.push(subject);
        }
    }
    if found.is_empty() { Err("its list has no subject".to_owned()) } else { Ok(found) }
}

fn subject(entry: &Value, at: u32, base: &str) -> Option<Subject> {
    let get = |name: &str| match entry.get(name) {
        Some(Value::String(text)) => Some(text::squeeze(text)).filter(|text| !text.is_empty()),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    let words = ["word", "title", "note"].into_iter().find_map(get)?;
    let words = words.trim_matches('#').trim().to_owned();
    let number = |name: &str| get(name).and_then(|text| text.parse::<u64>().ok());
    let url = ["url", "scheme"].into_iter().find_map(get);
    // Archives keep the rank in the address alone; their own order is none.
    let told = url.as_deref().and_then(|url| parameter(url, "band_rank")).and_then(|rank| rank.parse().ok());
    let rank = ["realpos", "band_rank"].into_iter().find_map(number).and_then(|rank| u32::try_from(rank).ok());
    let base = if base.contains("weibo.c") { base } else { "https://s.weibo.com/" };
    let url = match url.and_then(|url| text::absolute(&url, base)).filter(|url| url.contains("q=")) {
        Some(url) => steady(&url),
        None => text::absolute(&format!("/weibo?q=%23{}%23", escaped(&words)), "https://s.weibo.com/"),
    };
    Some(Subject {
        url,
        rank: rank.or(told).filter(|rank| *rank > 0).unwrap_or(at),
        heat: ["num", "raw_hot", "hot"].into_iter().find_map(number),
        label: ["label_name", "icon_desc"].into_iter().find_map(get),
        note: get("note").map(|note| note.trim_matches('#').to_owned()).filter(|note| *note != words),
        words,
    })
}

fn truth(entry: &Value, name: &str) -> bool {
    matches!(entry.get(name), Some(Value::Bool(true))) || entry.get(name).and_then(Value::as_u64).is_some_and(|n| n > 0)
}

fn parameter<'a>(url: &'a str, name: &str) -> Option<&'a str> {
    let (_, query) = url.split_once('?')?;
    query.split('&').find_map(|pair| pair.split_once('=').filter(|(key, _)| *key == name).map(|(_, value)| value))
}

/// The address with nothing but what is searched: rank and time change in it.
fn steady(url: &str) -> Option<String> {
    let (path, _) = url.split_once('?')?;
    parameter(url, "q").map(|query| format!("{path}?q={query}"))
}

fn escaped(words: &str) -> String {
    words
        .bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// Whether it has risen, fallen or grown by as much as is asked for.
fn moved(config: &Config, before: &Seen, now: &Subject) -> bool {
    let rank = config.rank_step > 0 && before.rank.abs_diff(now.rank) >= config.rank_step;
    let heat = match (before.heat, now.heat) {
        (Some(before), Some(now)) if config.heat_percent > 0 => {
            u128::from(now) * 100 >= u128::from(before) * u128::from(100 + config.heat_percent) && now > before
        }
        _ => false,
    };
    rank || heat
}

fn item(config: &Config, subject: Subject, before: Option<&Seen>, now: u64) -> Item {
    let id = format!("weibo-hot:{}", mark(&subject.words));
    let mut fields =
        BTreeMap::from([("channel".to_owned(), "microblog".to_owned()), ("rank".to_owned(), subject.rank.to_string())]);
    let more = [
        ("reads", subject.heat.map(|heat| heat.to_string())),
        ("label", subject.label),
        ("corrects", before.map(|_| id.clone())),
        ("rank-before", before.map(|seen| seen.rank.to_string())),
        ("reads-before", before.and_then(|seen| seen.heat).map(|heat| heat.to_string())),
    ];
    for (name, value) in more {
        if let Some(value) = value {
            fields.insert(name.to_owned(), value);
        }
    }
    if let Some(intake) = &config.intake {
        intake.mark(&mut fields);
    }
    let id = if before.is_some() { format!("{id}#{now}") } else { id };
    Item {
        id,
        url: subject.url,
        title: subject.words,
        body: subject.note.unwrap_or_default(),
        fields,
        ..Item::default()
    }
}

/// What a server says of its own fault stands in its answer.
fn quote(text: &str) -> String {
    text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).take(160).collect()
}
