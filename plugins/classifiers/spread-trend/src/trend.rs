//! A topic's level: taking what was observed, and holding its rate against the lines.

use huiyin_sdk::{BTreeMap, Factor, Item, Level, Verdict, count};

use crate::config::Config;
use crate::heat::growth;
use crate::state::{Followed, Topic};

const MINUTE: u64 = 60_000;
const HOUR: f64 = 3_600_000.0;

/// The most observations of an item that are kept within the windows.
const POINTS: usize = 24;

/// An item that was taken.
pub(crate) struct Seen {
    pub(crate) key: String,
    /// How late it came, where it is older than the window.
    late: Option<u64>,
    /// It claims to be of a time that is yet to come.
    ahead: bool,
    /// Its counts are not followed: there are too many of its topic.
    unfollowed: bool,
}

/// What is said of a topic.
pub(crate) struct Judged {
    level: Option<Level>,
    score: f64,
    labels: Vec<String>,
    reasons: Vec<String>,
}

/// Puts an item's counts where they belong by their own time.
pub(crate) fn take(config: &Config, topics: &mut BTreeMap<String, Topic>, item: &Item, now: u64) -> Seen {
    let field = |name: &String| item.fields.get(name).map(|text| text.trim()).filter(|text| !text.is_empty());
    let key = match config.topic_fields.iter().find_map(field) {
        Some(topic) => topic.to_owned(),
        None if item.source.is_empty() => item.id.clone(),
        None => format!("{}/{}", item.source, item.id),
    };
    let told = if item.observed == 0 { now } else { item.observed };
    let at = told.min(now);
    let published = item.published.filter(|&time| time <= at);
    let topic = topics.entry(key.clone()).or_insert_with(|| Topic {
        key: key.clone(),
        level: None,
        since: 0,
        others: Vec::new(),
        items: Vec::new(),
    });
    let counts = ["reads", "comments", "shares", "likes"]
        .map(|name| item.fields.get(name).and_then(|text| count(text)).unwrap_or(0).min(1_000_000_000_000));
    let point = [at, counts[0], counts[1], counts[2], counts[3]];
    let id = hash(&item.source, &item.id);
    let late = now.saturating_sub(at);
    let mut seen = Seen {
        key,
        late: (late > config.window_minutes * MINUTE).then_some(late),
        ahead: told > now,
        unfollowed: false,
    };
    if let Some(followed) = topic.items.iter_mut().find(|followed| followed.id == id) {
        followed.published = followed.published.or(published);
        insert(followed, point);
    } else if topic.items.len() < config.keep_items {
        topic.items.push(Followed { id, published, points: vec![point] });
    } else {
        seen.unfollowed = true;
        let begun = published.unwrap_or(at);
        topic.others.insert(topic.others.partition_point(|&other| other <= begun), begun);
        if topic.others.len() > config.keep_items {
            topic.others.remove(0);
        }
    }
    prune(config, topic, now);
    seen
}

/// In the order of the times; of one time the greater counts.
fn insert(item: &mut Followed, point: [u64; 5]) {
    let place = item.points.partition_point(|other| other[0] < point[0]);
    match item.points.get_mut(place) {
        Some(same) if same[0] == point[0] => {
            for (one, other) in same.iter_mut().zip(point) {
                *one = other.max(*one);
            }
        }
        _ => item.points.insert(place, point),
    }
}

/// Of what lies before both windows, the last observation of an item is enough.
fn prune(config: &Config, topic: &mut Topic, now: u64) {
    let limit = now.saturating_sub(3 * config.window_minutes * MINUTE);
    let gone = now.saturating_sub(config.keep_hours * 60 * MINUTE);
    for item in &mut topic.items {
        let before = item.points.partition_point(|point| point[0] < limit);
        if before > 1 {
            // None is taken back: what is kept has the greatest of what goes.
            let gone: Vec<[u64; 5]> = item.points.drain(..before - 1).collect();
            if let Some(first) = item.points.first_mut() {
                for point in gone {
                    for (one, other) in first.iter_mut().zip(point).skip(1) {
                        *one = other.max(*one);
                    }
                }
            }
        }
        while item.points.len() > POINTS {
            // Every second of the older half: an even growth loses nothing by it.
            item.points.remove(item.points.len() / 4);
        }
    }
    topic.items.retain(|item| item.points.last().is_some_and(|point| point[0] >= gone));
    topic.others.retain(|&at| at >= gone);
}

/// Where a topic stands now, and the level that holds.
pub(crate) fn judge(config: &Config, topic: &mut Topic, now: u64) -> Judged {
    let window = config.window_minutes * MINUTE;
    let (middle, begin) = (now.saturating_sub(window), now.saturating_sub(2 * window));
    let last = growth(topic, &config.weights, middle, now);
    let before = growth(topic, &config.weights, begin, middle);
    let hours = window as f64 / HOUR;
    let (rate, earlier) = (last.heat / hours, before.heat / hours);
    let acceleration = (rate - earlier) / hours;
    let mut reasons = vec![format!(
        "话题“{}”：近{}分钟热度每小时{rate:.0}（新增{}条），此前同长时段{earlier:.0}，每小时{}{:.0}",
        topic.key,
        config.window_minutes,
        last.items,
        if acceleration < 0.0 { "减速" } else { "加速" },
        acceleration.abs(),
    )];
    let surging = rate >= config.up.iv && earlier > 0.0 && rate >= earlier * config.surge;
    let reached = config.up.reached(rate, 1.0);
    let mut wanted = reached;
    if let Some(level) = reached {
        reasons.push(format!("达到{}级上线{:.0}", roman(level), config.up.of(level)));
    }
    if surging {
        let raised = match reached {
            None | Some(Level::IV) => Level::III,
            Some(Level::III) => Level::II,
            Some(Level::II | Level::I) => Level::I,
        };
        if wanted < Some(raised) {
            wanted = Some(raised);
            reasons.push(format!("升至此前的{:.1}倍（不少于{}倍），提高一级", rate / earlier, config.surge));
        }
    }
    hold(config, topic, wanted, rate, now, &mut reasons);
    let mut labels = Vec::new();
    // Within a tenth it is as it was.
    if rate > earlier * 1.1 {
        labels.push("spread-rising".to_owned());
    } else if rate < earlier * 0.9 {
        labels.push("spread-falling".to_owned());
    }
    if surging {
        labels.push("spread-surging".to_owned());
    }
    Judged { level: topic.level, score: score(config, rate), labels, reasons }
}

/// Up at once; down only below the lower line, and not before the least stay is over.
fn hold(config: &Config, topic: &mut Topic, wanted: Option<Level>, rate: f64, now: u64, reasons: &mut Vec<String>) {
    if wanted > topic.level {
        (topic.level, topic.since) = (wanted, now);
        return;
    }
    let Some(level) = topic.level else { return };
    if wanted == Some(level) {
        return;
    }
    let lower = config.up.reached(rate, config.down).max(wanted);
    if lower >= Some(level) {
        let line = config.up.of(level) * config.down;
        reasons.push(format!("未低于{}级下线{line:.0}，保持{}级", roman(level), roman(level)));
        return;
    }
    let stayed = now.saturating_sub(topic.since) / MINUTE;
    if stayed < config.stay_minutes {
        reasons.push(format!("在{}级才{stayed}分钟，不足{}分钟，保持", roman(level), config.stay_minutes));
        return;
    }
    reasons.push(match lower {
        Some(lower) => format!("低于{}级下线，降为{}级", roman(level), roman(lower)),
        None => format!("低于{}级下线，解除", roman(level)),
    });
    (topic.level, topic.since) = (lower, now);
}

/// A quarter for each line, evenly between them.
fn score(config: &Config, rate: f64) -> f64 {
    let lines = [0.0, config.up.iv, config.up.iii, config.up.ii, config.up.i];
    let mut score = 0.0;
    for pair in lines.windows(2) {
        score += ((rate - pair[0]) / (pair[1] - pair[0])).clamp(0.0, 1.0) / 4.0;
    }
    score
}

pub(crate) fn verdict(seen: &Seen, judged: Option<&Judged>) -> Verdict {
    let Some(judged) = judged else { return Verdict::default() };
    let mut reasons = judged.reasons.clone();
    if let Some(late) = seen.late {
        reasons.push(format!("本条为{}分钟前的观测，按其自身时间计入", late / MINUTE));
    }
    if seen.ahead {
        reasons.push("本条的观测时间晚于现在，按现在计".to_owned());
    }
    if seen.unfollowed {
        reasons.push("本话题的信息过多，本条只计条数，不计其阅读评论等".to_owned());
    }
    Verdict {
        level: judged.level,
        score: judged.score,
        factors: vec![Factor { name: "rate".to_owned(), score: judged.score }],
        labels: judged.labels.clone(),
        reasons,
    }
}

fn roman(level: Level) -> &'static str {
    match level {
        Level::I => "Ⅰ",
        Level::II => "Ⅱ",
        Level::III => "Ⅲ",
        Level::IV => "Ⅳ",
    }
}

/// FNV-1a over source and id.
fn hash(source: &str, id: &str) -> u64 {
    let bytes = source.bytes().chain([0xff]).chain(id.bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
