//! The weighing itself. Only additions, multiplications and divisions of
//! doubles, so that every machine gets the same figures.

use huiyin_sdk::terms::{Hits, Matcher, Terms};
use huiyin_sdk::{Error, Factor, Item, Level, Verdict};

use crate::config::{Config, Cue, Outlet, Topic, Word};
use crate::count::count;
use crate::defaults;

pub(crate) struct Scorer<'a> {
    config: &'a Config,
    matcher: Matcher<'a>,
    topics: Vec<Sought<'a>>,
    /// The words of all topics that are a matter by themselves.
    alone: Hits,
    labels: Vec<(&'a Cue, Vec<usize>)>,
    outlets: Vec<(&'a Outlet, Vec<usize>)>,
}

/// A topic with the numbers of its words.
struct Sought<'a> {
    topic: &'a Topic,
    words: Vec<usize>,
    unless: Vec<usize>,
    despite: Vec<usize>,
    staged: Vec<usize>,
}

/// A part of the score with its reason; the reason is empty at 0.
struct Part {
    score: f64,
    reason: String,
}

impl<'a> Scorer<'a> {
    pub(crate) fn new(config: &'a Config) -> Result<Self, Error> {
        config.check()?;
        let mut terms = Terms::default();
        let mut topics = Vec::new();
        for (list, all) in [("topics", &config.content.topics), ("moreTopics", &config.content.more_topics)] {
            for (n, topic) in all.iter().enumerate() {
                let at = |part: &str| format!("/content/{list}/{n}/{part}");
                let words = numbers(&mut terms, &topic.words, || at("words"), true)?;
                let unless = numbers(&mut terms, &topic.unless, || at("unless"), false)?;
                let despite = numbers(&mut terms, &topic.despite, || at("despite"), false)?;
                let staged = numbers(&mut terms, &topic.staged, || at("staged"), false)?;
                topics.push(Sought { topic, words, unless, despite, staged });
            }
        }
        if topics.is_empty() {
            let why = "at /content/topics: there is no topic; leave it out for the defaults";
            return Err(Error::InvalidConfig(why.to_owned()));
        }
        let mut labels = Vec::new();
        for (n, cue) in config.content.labels.iter().enumerate() {
            let at = || format!("/content/labels/{n}/words");
            labels.push((cue, numbers(&mut terms, &cue.words, at, true)?));
        }
        let mut outlets = Vec::new();
        for (n, outlet) in config.media.outlets.iter().enumerate() {
            let at = || format!("/media/outlets/{n}/words");
            outlets.push((outlet, numbers(&mut terms, &outlet.words, at, true)?));
        }
        let matcher = terms.build();
        let alone = topics.iter().filter(|sought| sought.topic.alone).flat_map(|sought| &sought.words).copied();
        let alone = matcher.hits_of(&alone.collect::<Vec<_>>());
        Ok(Self { config, matcher, topics, alone, labels, outlets })
    }

    pub(crate) fn judge(&self, item: &Item) -> Verdict {
        let hits = self.matcher.find(&item.title).union(&self.matcher.find(&item.body));
        if !hits.meet(&self.alone) {
            return Verdict::default(); // most items have no word of the duty
        }
        let (content, at_least) = self.content(&hits);
        if content.score <= 0.0 {
            return Verdict::default(); // however loud, it is no matter of this duty
        }
        let public = self.public(item);
        let media = self.media(item, &hits);

        let weights = self.config.weights;
        let sum = weights.content + weights.public + weights.media;
        let score =
            (content.score * weights.content + public.score * weights.public + media.score * weights.media) / sum;
        let reached = self.config.levels.of(score);

        let mut reasons = Vec::new();
        for part in [&content, &public, &media] {
            if !part.reason.is_empty() {
                reasons.push(part.reason.clone());
            }
        }
        reasons.push(format!(
            "合计{score:.2}：内容{:.2}×{}+公众反应{:.2}×{}+媒体介入{:.2}×{}，{}",
            content.score,
            share(weights.content, sum),
            public.score,
            share(weights.public, sum),
            media.score,
            share(weights.media, sum),
            match reached {
                Some((level, line)) => format!("达到{}级线{line:.2}", roman(level)),
                None => format!("未达到Ⅳ级线{:.2}", self.config.levels.iv),
            }
        ));
        let mut level = reached.map(|(level, _)| level);
        if let Some((least, topic)) = at_least
            && Some(least) > level
        {
            level = Some(least);
            reasons.push(format!("涉及“{}”，至少定为{}级", topic.name, roman(least)));
        }
        let factor = |name: &str, part: &Part| Factor { name: name.to_owned(), score: part.score };
        Verdict {
            level,
            score,
            factors: vec![factor("content", &content), factor("public", &public), factor("media", &media)],
            labels: self.labels(&hits),
            reasons,
        }
    }

    /// Topics that count, joined as independent chances; and the gravest
    /// least level among them.
    fn content(&self, hits: &Hits) -> (Part, Option<(Level, &'a Topic)>) {
        let met: Vec<_> = self
            .topics
            .iter()
            .filter(|sought| !self.put_aside(sought, hits))
            .filter_map(|sought| Some((sought.topic, first(hits, &sought.words)?)))
            .collect();
        if !met.iter().any(|(topic, _)| topic.alone) {
            return (Part { score: 0.0, reason: String::new() }, None);
        }
        let rest = met.iter().fold(1.0, |rest, (topic, _)| rest * (1.0 - topic.weight));
        let named: Vec<_> = met
            .iter()
            .map(|(topic, word)| format!("{}（“{}”，{:.2}）", topic.name, self.matcher.term(*word), topic.weight))
            .collect();
        let mut least: Option<(Level, &'a Topic)> = None;
        for (topic, _) in met {
            if let Some(level) = topic.at_least
                && least.is_none_or(|(there, _)| level > there)
            {
                least = Some((level, topic));
            }
        }
        let score = 1.0 - rest;
        (Part { score, reason: format!("内容{score:.2}：{}", named.join("、")) }, least)
    }

    /// Whether a topic does not count though its words are there: a drill is no fire. Where something
    /// really happened during one, it does count: words of `despite` say so, or harm of a least level
    /// that nothing of `staged` says was played.
    fn put_aside(&self, sought: &Sought<'_>, hits: &Hits) -> bool {
        if first(hits, &sought.unless).is_none() || first(hits, &sought.despite).is_some() {
            return false;
        }
        let harm = |other: &Sought<'_>| {
            !other.topic.alone && other.topic.at_least.is_some() && first(hits, &other.words).is_some()
        };
        sought.staged.is_empty() || first(hits, &sought.staged).is_some() || !self.topics.iter().any(harm)
    }

    fn public(&self, item: &Item) -> Part {
        let public = &self.config.public;
        let mut best = Part { score: 0.0, reason: String::new() };
        for (field, name, steps) in [
            ("reads", "阅读", public.reads),
            ("comments", "评论", public.comments),
            ("shares", "转发", public.shares),
            ("likes", "点赞", public.likes),
        ] {
            let Some(count) = item.fields.get(field).and_then(|text| count(text)) else { continue };
            let reached = steps.0.iter().take_while(|&&step| count >= step).count();
            let score = [0.0, 0.25, 0.5, 0.75, 1.0][reached];
            if score > best.score {
                let reason = format!("公众反应{score:.2}：{name}{count}，达到{}", steps.0[reached - 1]);
                best = Part { score, reason };
            }
        }
        best
    }

    fn media(&self, item: &Item, hits: &Hits) -> Part {
        let mut best = Part { score: 0.0, reason: String::new() };
        let mut take = |score: f64, what: String| {
            if score > best.score {
                best = Part { score, reason: format!("媒体介入{score:.2}：{what}") };
            }
        };
        if let Some(name) = item.fields.get("channel")
            && let Some(channel) = self.config.media.channels.get(name).copied().or_else(|| defaults::channel(name))
        {
            take(channel.0, format!("渠道{name}"));
        }
        let hits = match item.fields.get("outlet") {
            Some(outlet) => hits.union(&self.matcher.find(outlet)),
            None => hits.clone(),
        };
        for (outlet, words) in &self.outlets {
            if let Some(word) = first(&hits, words) {
                take(outlet.weight, format!("{}（“{}”）", outlet.name, self.matcher.term(word)));
            }
        }
        best
    }

    fn labels(&self, hits: &Hits) -> Vec<String> {
        let mut labels = Vec::new();
        for (cue, words) in &self.labels {
            if first(hits, words).is_some() && !labels.contains(&cue.label) {
                labels.push(cue.label.clone());
            }
        }
        labels
    }
}

fn numbers<'a>(
    terms: &mut Terms<'a>,
    words: &'a [Word],
    at: impl Fn() -> String,
    some: bool,
) -> Result<Vec<usize>, Error> {
    if some && words.is_empty() {
        return Err(Error::InvalidConfig(format!("at {}: the list of words is empty", at())));
    }
    words
        .iter()
        .enumerate()
        .map(|(n, word)| {
            terms.add(word).ok_or_else(|| {
                Error::InvalidConfig(format!("at {}/{n}: the word is empty; it would match everything", at()))
            })
        })
        .collect()
}

fn first(hits: &Hits, words: &[usize]) -> Option<usize> {
    words.iter().copied().find(|&word| hits.contains(word))
}

fn share(weight: f64, sum: f64) -> String {
    format!("{:.2}", weight / sum)
}

fn roman(level: Level) -> &'static str {
    match level {
        Level::I => "Ⅰ",
        Level::II => "Ⅱ",
        Level::III => "Ⅲ",
        Level::IV => "Ⅳ",
    }
}
