//! What can be configured, and its checks. `{}` is a whole configuration: each
//! part that is left out has the default of a forestry bureau.

use std::borrow::Cow;
use std::collections::BTreeMap;

use huiyin_sdk::{Error, Level};
use schemars::JsonSchema;
use serde::Deserialize;

/// A word of the configuration; the defaults lie in the program and are not copied.
pub type Word = Cow<'static, str>;

/// The whole assessment.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Config {
    /// 舆情内容.
    pub content: Content,
    /// 公众反应.
    pub public: Public,
    /// 媒体介入程度.
    pub media: Media,
    /// How much each of the three counts.
    pub weights: Weights,
    /// From which score on each level is reached.
    pub levels: Levels,
}

/// What the text is about.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Content {
    /// Replaces the default topics.
    pub topics: Vec<Topic>,
    /// Adds to the topics.
    pub more_topics: Vec<Topic>,
    /// Replaces the default cues of 疑虑, 误解, 歪曲, 谣言.
    pub labels: Vec<Cue>,
}

/// A matter, known by its words. What people say in more than one way (烧了 of a hill, 烧了 of a
/// dish) takes two lists, `words` and `with`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Topic {
    /// Shown in the reasons.
    pub name: String,
    /// One of these is in the title or body.
    #[schemars(length(min = 1))]
    pub words: Vec<Word>,
    /// And, where there are any, one of these with it: both in the title, or both in one sentence
    /// of the body or the title.
    #[serde(default)]
    pub with: Vec<Word>,
    /// And none of these.
    #[serde(default)]
    pub unless: Vec<Word>,
    /// With one of these it counts in spite of `unless`: a fire that broke out during a drill.
    #[serde(default)]
    pub despite: Vec<Word>,
    /// Words that say that harm in the text is played. Where this list has words and none is in the text,
    /// the topic counts in spite of `unless` beside a topic with `alone: false` and `atLeast` (people hurt).
    #[serde(default)]
    pub staged: Vec<Word>,
    /// 0.0 to 1.0. Several topics add up as 1 − (1 − a)(1 − b)…; of those with the same name, the
    /// heaviest counts.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub weight: f64,
    /// False for what aggravates (deaths, rumours) but is no matter of the
    /// duty by itself: it counts beside another topic only.
    #[serde(default = "yes")]
    pub alone: bool,
    /// The least level where the topic counts, whatever the sum.
    #[serde(default)]
    pub at_least: Option<Level>,
}

fn yes() -> bool {
    true
}

/// A label, known by its words; set only where a topic counts.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Cue {
    /// Such as 谣言.
    pub label: String,
    /// One of these is in the title or body.
    #[schemars(length(min = 1))]
    pub words: Vec<Word>,
}

/// How the public reacts. The figure that reaches highest counts.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Public {
    /// Of the field `reads`.
    pub reads: Steps,
    /// Of the field `comments`.
    pub comments: Steps,
    /// Of the field `shares`.
    pub shares: Steps,
    /// Of the field `likes`.
    pub likes: Steps,
}

/// Four rising counts; reaching them scores 0.25, 0.5, 0.75 and 1.0.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
pub struct Steps(pub [u64; 4]);

/// Who carries it. The channel or outlet that weighs most counts.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Media {
    /// By the field `channel`; these replace the defaults of the same name.
    pub channels: BTreeMap<String, Channel>,
    /// Replaces the default outlets.
    pub outlets: Vec<Outlet>,
}

/// What a channel weighs, 0.0 to 1.0.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
pub struct Channel(#[schemars(range(min = 0.0, max = 1.0))] pub f64);

/// Media known by words in the title, body or the field `outlet`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Outlet {
    /// Shown in the reasons.
    pub name: String,
    /// One of these names it.
    #[schemars(length(min = 1))]
    pub words: Vec<Word>,
    /// 0.0 to 1.0.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub weight: f64,
}

/// Shares of the three standards; only their proportion matters.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Weights {
    /// 舆情内容.
    pub content: f64,
    /// 公众反应.
    pub public: f64,
    /// 媒体介入程度.
    pub media: f64,
}

/// The least score of each level, falling from I to IV.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Levels {
    /// Ⅰ 特别重大.
    #[serde(rename = "I")]
    pub i: f64,
    /// Ⅱ 重大.
    #[serde(rename = "II")]
    pub ii: f64,
    /// Ⅲ 较大.
    #[serde(rename = "III")]
    pub iii: f64,
    /// Ⅳ 一般.
    #[serde(rename = "IV")]
    pub iv: f64,
}

impl Levels {
    /// The level that a score reaches, and its line.
    pub(crate) fn of(&self, score: f64) -> Option<(Level, f64)> {
        [(Level::I, self.i), (Level::II, self.ii), (Level::III, self.iii), (Level::IV, self.iv)]
            .into_iter()
            .find(|&(_, line)| score >= line)
    }
}

fn wrong(pointer: &str, why: &str) -> Error {
    Error::InvalidConfig(format!("at {pointer}: {why}"))
}

fn unit(pointer: impl Fn() -> String, value: f64) -> Result<(), Error> {
    if (0.0..=1.0).contains(&value) {
        return Ok(());
    }
    Err(wrong(&pointer(), &format!("{value} is not from 0.0 to 1.0")))
}

impl Config {
    /// What the types cannot say.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let lists = [("topics", &self.content.topics), ("moreTopics", &self.content.more_topics)];
        for (list, topics) in lists {
            for (n, topic) in topics.iter().enumerate() {
                unit(|| format!("/content/{list}/{n}/weight"), topic.weight)?;
            }
        }
        for (name, channel) in &self.media.channels {
            unit(|| format!("/media/channels/{name}"), channel.0)?;
        }
        for (n, outlet) in self.media.outlets.iter().enumerate() {
            unit(|| format!("/media/outlets/{n}/weight"), outlet.weight)?;
        }
        for (name, steps) in [
            ("reads", self.public.reads),
            ("comments", self.public.comments),
            ("shares", self.public.shares),
            ("likes", self.public.likes),
        ] {
            if steps.0[0] == 0 || !steps.0.is_sorted() {
                let why = "the four counts must rise and be above 0";
                return Err(wrong(&format!("/public/{name}"), why));
            }
        }
        let weights = [self.weights.content, self.weights.public, self.weights.media];
        if weights.iter().any(|w| !(0.0..=1000.0).contains(w)) || weights[0] == 0.0 {
            let why = "weights are from 0 to 1000, and that of the content is above 0";
            return Err(wrong("/weights", why));
        }
        let Levels { i, ii, iii, iv } = self.levels;
        if !(1.0 >= i && i > ii && ii > iii && iii > iv && iv > 0.0) {
            let why = "the lines must fall from I to IV, between 1.0 and 0.0";
            return Err(wrong("/levels", why));
        }
        Ok(())
    }
}
