//! The figures and words of a forestry bureau, used where the configuration
//! is silent. They are this project's own proposal and make no claim to come
//! from any regulation.

use std::borrow::Cow;
use std::collections::BTreeMap;

use huiyin_sdk::Level;

use crate::config::{Channel, Content, Cue, Levels, Media, Outlet, Public, Steps, Topic, Weights, Word};
use crate::words as w;

fn words(list: &[&'static str]) -> Vec<Word> {
    list.iter().map(|&word| Cow::Borrowed(word)).collect()
}

fn topic(name: &str, weight: f64, list: &[&'static str]) -> Topic {
    Topic {
        name: name.to_owned(),
        words: words(list),
        with: Vec::new(),
        unless: Vec::new(),
        despite: Vec::new(),
        staged: Vec::new(),
        weight,
        alone: true,
        at_least: None,
    }
}

/// A topic that counts where one word of the first list stands beside one of the second.
fn beside(name: &str, weight: f64, list: &[&'static str], with: &[&'static str]) -> Topic {
    Topic { with: words(with), ..topic(name, weight, list) }
}

fn at_least(level: Level, topic: Topic) -> Topic {
    Topic { at_least: Some(level), ..topic }
}

/// Counts beside another topic only.
fn aggravates(topic: Topic) -> Topic {
    Topic { alone: false, ..topic }
}

/// Fires and people in danger: the matters that cannot wait.
fn dangers() -> Vec<Topic> {
    let fire = "森林草原火情";
    let no_drill =
        |topic| Topic { unless: words(w::DRILL), despite: words(w::REAL), staged: words(w::STAGED), ..topic };
    vec![
        no_drill(at_least(Level::III, topic(fire, 0.8, w::FIRE))),
        no_drill(at_least(Level::III, beside(fire, 0.8, w::BURNS, w::LAND))),
        no_drill(at_least(Level::II, beside("山林遇险", 0.7, w::LOST, w::LAND))),
        no_drill(at_least(Level::III, topic("滑坡山洪", 0.7, w::SLIDE))),
        at_least(Level::III, beside("野生动物伤人", 0.7, w::ATTACKS, w::ANIMALS)),
        at_least(Level::III, beside("中毒", 0.6, w::ILL, w::ILL_OF)),
        at_least(Level::III, beside("污染", 0.6, w::POLLUTION, w::POLLUTED)),
        at_least(Level::III, beside("冲突与上访", 0.6, w::CLASH, w::CLASH_OVER)),
        at_least(Level::III, beside("隐瞒", 0.6, w::HUSHED, w::LAND)),
        at_least(Level::III, beside("隐瞒", 0.6, w::HUSHED, w::OF_FIRE)),
    ]
}

/// The other matters of the duty.
fn duties() -> Vec<Topic> {
    let (felling, wild, rights) = ("毁林盗伐", "野生动植物", "自然保护地与林权");
    vec![
        at_least(Level::IV, topic(felling, 0.6, w::FELLING)),
        at_least(Level::IV, beside(felling, 0.6, w::FELLED, w::TREES)),
        at_least(Level::III, beside(felling, 0.7, w::GRAVE_FELLING, w::FELLED)),
        at_least(Level::III, beside(felling, 0.7, w::LAID_BARE, w::TREES)),
        at_least(Level::IV, topic(wild, 0.5, w::WILD)),
        at_least(Level::IV, beside(wild, 0.5, w::TAKEN, w::WILDLIFE)),
        at_least(Level::III, beside("野生动物被害", 0.7, w::POACHED, w::ANIMALS)),
        at_least(Level::IV, topic("林业有害生物", 0.4, w::PESTS)),
        at_least(Level::IV, topic(rights, 0.4, w::LAND_RIGHTS)),
        at_least(Level::IV, beside(rights, 0.4, w::DISPUTE, w::LAND_OF)),
        at_least(Level::IV, beside("干部作风", 0.4, w::COMPLAINT, w::AUTHORITY)),
    ]
}

/// What makes any of them worse, and is none by itself.
fn aggravations() -> Vec<Topic> {
    vec![
        aggravates(at_least(Level::II, topic("人员伤亡", 0.7, w::LOST))),
        aggravates(topic("失控蔓延", 0.5, w::SPREADS)),
        aggravates(topic("谣言与隐瞒", 0.4, w::RUMOUR)),
        aggravates(topic("公职人员", 0.4, w::OFFICIALS)),
    ]
}

impl Default for Content {
    fn default() -> Self {
        let topics = [dangers(), duties(), aggravations()].concat();
        let cue = |label: &str, list: &[&'static str]| Cue { label: label.to_owned(), words: words(list) };
        Self {
            topics,
            more_topics: Vec::new(),
            labels: vec![
                cue(
                    "疑虑",
                    &[
                        "质疑",
                        "为什么",
                        "为何",
                        "是不是",
                        "会不会",
                        "有没有",
                        "能不能",
                        "担心",
                        "真的吗",
                        "是真的",
                        "怎么回事",
                        "求证",
                        "?",
                    ],
                ),
                cue("误解", &["误解", "误以为", "误会", "误读", "误传", "以为是"]),
                cue("歪曲", &["歪曲", "断章取义", "恶意剪辑", "移花接木", "张冠李戴", "旧图", "摆拍", "抹黑"]),
                cue("谣言", &["谣言", "造谣", "传谣", "网传", "不实信息", "虚假信息", "听说", "内部消息"]),
            ],
        }
    }
}

impl Default for Public {
    fn default() -> Self {
        Self {
            reads: Steps([10_000, 100_000, 1_000_000, 10_000_000]),
            comments: Steps([100, 1_000, 5_000, 20_000]),
            shares: Steps([100, 1_000, 5_000, 20_000]),
            likes: Steps([1_000, 10_000, 50_000, 200_000]),
        }
    }
}

/// The seven channel kinds of clause 3.1a, and finer ones.
pub(crate) fn channel(name: &str) -> Option<Channel> {
    let weight = match name {
        "hotline" => 0.1,
        "inquiry" | "comment" => 0.2,
        "forum" => 0.3,
        "wechat" => 0.4,
        "portal" | "weibo" | "short-video" => 0.5,
        "press" => 0.7,
        "tv" => 0.8,
        _ => return None,
    };
    Some(Channel(weight))
}

impl Default for Media {
    fn default() -> Self {
        let outlet = |name: &str, weight: f64, list: &[&'static str]| Outlet {
            name: name.to_owned(),
            words: words(list),
            weight,
        };
        Self {
            channels: BTreeMap::new(),
            outlets: vec![
                outlet(
                    "中央媒体",
                    1.0,
                    &["新华社", "新华网", "人民日报", "人民网", "央视", "中央电视台", "中新网", "中国新闻网"],
                ),
                outlet(
                    "有影响的媒体",
                    0.8,
                    &["澎湃新闻", "新京报", "财新", "南方周末", "界面新闻", "红星新闻", "极目新闻"],
                ),
                outlet("地方媒体", 0.6, &["日报", "晚报", "都市报", "广播电视台", "卫视"]),
            ],
        }
    }
}

impl Default for Weights {
    fn default() -> Self {
        Self { content: 0.5, public: 0.3, media: 0.2 }
    }
}

impl Default for Levels {
    fn default() -> Self {
        Self { i: 0.8, ii: 0.6, iii: 0.4, iv: 0.2 }
    }
}
