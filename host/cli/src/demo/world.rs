//! What the demo's sources have published so far: a function of the time
//! since it was first started, so that nothing changes when it is restarted.

use std::path::{Path, PathBuf};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::output::Failure;

/// The project's own sample: an invented forestry bureau.
const SAMPLE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../workflows/demo/items.json"));

/// A few real titles appear every so often.
const EVERY: SignedDuration = SignedDuration::from_secs(4);
const AT_ONCE: usize = 2;

/// How much of a day its list is spread over: the last hours bring nothing, so that a day's log has all of it.
const PUBLISHING: SignedDuration = SignedDuration::from_hours(22);

/// Items that the RSS feed shows.
const FEED: usize = 60;

#[derive(Deserialize)]
struct Sample {
    items: Vec<SampleItem>,
}

#[derive(Deserialize)]
struct SampleItem {
    id: String,
    unit: String,
    source: String,
    published_minutes: i64,
    title: String,
    #[serde(default)]
    body: String,
    #[serde(default)]
    fields: Map<String, Value>,
}

/// A real title.
#[derive(Deserialize)]
pub(super) struct Title {
    url: String,
    pub(super) title: String,
}

/// One published item.
#[derive(Clone)]
pub(super) struct Post {
    pub(super) id: String,
    pub(super) unit: String,
    pub(super) press: bool,
    pub(super) published: Timestamp,
    pub(super) appears: Timestamp,
    pub(super) title: String,
    pub(super) body: String,
    pub(super) url: String,
    fields: Map<String, Value>,
}

impl Post {
    /// As the forum's JSON has it.
    pub(super) fn json(&self) -> Value {
        let mut post = json!({"id": self.id, "title": self.title, "body": self.body, "url": self.url, "published": self.published});
        if let Value::Object(map) = &mut post {
            map.extend(self.fields.clone());
        }
        post
    }
}

/// Everything that will ever be published, in the order in which it appears.
pub(super) struct World {
    posts: Vec<Post>,
    real: usize,
}

impl World {
    /// The sample, and the titles of a folder of daily lists where one is given.
    pub(super) fn load(feed: Option<&Path>, began: Timestamp) -> Result<World, Failure> {
        let sample: Sample = serde_json::from_str(SAMPLE)
            .map_err(|error| Failure::failed(format_args!("the demo's sample: {error}")))?;
        let mut posts: Vec<Post> = sample.items.into_iter().map(|item| own(item, began)).collect();
        let titles = feed.map(titles).transpose()?.unwrap_or_default();
        let real = titles.len();
        let boards: Vec<String> = posts.iter().filter(|post| !post.press).map(|post| post.unit.clone()).collect();
        for (at, title) in titles.into_iter().enumerate() {
            let step = i32::try_from(at / AT_ONCE + 1).unwrap_or(i32::MAX);
            let appears =
                EVERY.checked_mul(step).and_then(|wait| began.checked_add(wait).ok()).unwrap_or(Timestamp::MAX);
            let press = at % 3 == 0;
            let unit = if press {
                "linhai".to_owned()
            } else {
                boards.get(at % boards.len().max(1)).cloned().unwrap_or_default()
            };
            posts.push(Post {
                id: format!("hot-{at}"),
                unit,
                press,
                published: appears,
                appears,
                title: title.title,
                body: String::new(),
                url: format!("https://s.weibo.com{}", title.url),
                fields: Map::from_iter([("channel".to_owned(), json!("weibo"))]),
            });
        }
        posts.sort_by_key(|post| post.appears);
        Ok(World { posts, real })
    }

    /// A world in which nothing is published by itself.
    pub(super) fn nothing() -> World {
        World { posts: Vec::new(), real: 0 }
    }

    /// Days of real titles, which one forum of a unit publishes: each day's list spread over its day, in its order. What
    /// has the same title is the same post, whatever its day.
    pub(super) fn days(unit: &str, days: &[(Date, Vec<Title>)], zone: &TimeZone) -> Result<World, Failure> {
        let mut posts = Vec::new();
        for (date, titles) in days {
            let begins = zone.to_timestamp(date.at(0, 0, 0, 0)).map_err(Failure::invalid)?;
            let step = PUBLISHING.as_millis() / i128::try_from(titles.len().max(1)).unwrap_or(i128::MAX);
            for (at, title) in titles.iter().enumerate() {
                let after = i64::try_from(step * i128::try_from(at).unwrap_or_default()).unwrap_or_default();
                let appears = begins.checked_add(SignedDuration::from_millis(after)).unwrap_or(begins);
                posts.push(Post {
                    id: title.title.clone(),
                    unit: unit.to_owned(),
                    press: false,
                    published: appears,
                    appears,
                    title: title.title.clone(),
                    body: String::new(),
                    url: format!("https://s.weibo.com{}", title.url),
                    fields: Map::from_iter([("channel".to_owned(), json!("weibo"))]),
                });
            }
        }
        posts.sort_by_key(|post| post.appears);
        let real = posts.len();
        Ok(World { posts, real })
    }

    /// What it holds, for people.
    pub(super) fn about(&self) -> String {
        format!("{} invented items and {} real titles", self.posts.len() - self.real, self.real)
    }

    /// How many posts there are.
    pub(super) fn count(&self) -> usize {
        self.posts.len()
    }

    /// On how many days something appears.
    pub(super) fn days_told(&self, zone: &TimeZone) -> usize {
        self.posts
            .iter()
            .map(|post| zone.to_datetime(post.appears).date())
            .collect::<std::collections::BTreeSet<_>>()
            .len()
    }

    /// A unit's forum so far, the oldest first.
    pub(super) fn board(&self, unit: &str, now: Timestamp, skip: usize, take: usize) -> Vec<Value> {
        self.out(now).filter(|post| !post.press && post.unit == unit).skip(skip).take(take).map(Post::json).collect()
    }

    /// The press so far, the newest first.
    pub(super) fn press(&self, now: Timestamp) -> Vec<&Post> {
        let mut all: Vec<&Post> = self.out(now).filter(|post| post.press).collect();
        all.reverse();
        all.truncate(FEED);
        all
    }

    fn out(&self, now: Timestamp) -> impl Iterator<Item = &Post> {
        self.posts.iter().take_while(move |post| post.appears <= now)
    }
}

fn own(item: SampleItem, began: Timestamp) -> Post {
    let published = began.checked_add(SignedDuration::from_mins(item.published_minutes)).unwrap_or(began);
    Post {
        url: format!("https://linhai.example/{}", item.id),
        id: item.id,
        unit: item.unit,
        press: item.source == "press",
        published,
        // What was published before the demo began is there from its beginning.
        appears: published.max(began),
        title: item.title,
        body: item.body,
        fields: item.fields,
    }
}

/// Every title of a folder's daily lists once, day by day.
fn titles(folder: &Path) -> Result<Vec<Title>, Failure> {
    let mut seen = std::collections::HashSet::new();
    let all = lists(folder)?.into_iter().flat_map(|(_, day)| day);
    Ok(all.filter(|title| seen.insert(title.title.clone())).collect())
}

/// A folder's daily lists `[{url, title}]`, in the order of their files' names.
pub(super) fn lists(folder: &Path) -> Result<Vec<(PathBuf, Vec<Title>)>, Failure> {
    let cannot = |path: &Path, error: &dyn std::fmt::Display| {
        Failure::invalid(format_args!("--feed-dir: {}: {error}", path.display()))
    };
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .map_err(|error| cannot(folder, &error))?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "json"))
        .collect();
    files.sort();
    let read = |file: PathBuf| {
        let text = std::fs::read_to_string(&file).map_err(|error| cannot(&file, &error))?;
        let mut day: Vec<Title> = serde_json::from_str(&text).map_err(|error| cannot(&file, &error))?;
        day.retain(|title| !title.title.trim().is_empty());
        Ok((file, day))
    };
    files.into_iter().map(read).collect()
}
