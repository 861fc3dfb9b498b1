//! The weighing itself. Only additions, multiplications and divisions of
//! doubles, so that every machine gets the same figures.

use std::cell::OnceCell;

use huiyin_sdk::terms::{Hits, Matcher, Terms};
use huiyin_sdk::{Error, Factor, Item, Level, Verdict, count};

use crate::config::{Config, Cue, Outlet, Topic, Word};
use crate::defaults;

pub(crate) struct Scorer<'a> {
    config: &'a Config,
    matcher: Matcher<'a>,
    topics: Vec<Known<'a>>,
    /// The words of all topics that are a matter by themselves.
    alone: Hits,
    labels: Vec<(&'a Cue, Vec<usize>)>,
    outlets: Vec<(&'a Outlet, Vec<usize>)>,
}

/// A body of at most so many bytes, some sixty characters, is read as one passage.
const ONE_PASSAGE: usize = 200;

/// A topic with the numbers of its terms.
struct Known<'a> {
    topic: &'a Topic,
    words: Vec<usize>,
    with: Vec<usize>,
    unless: Vec<usize>,
    despite: Vec<usize>,
    staged: Vec<usize>,
}

/// A topic that counts, and by which terms.
struct Met<'a> {
    topic: &'a Topic,
    word: usize,
    with: Option<usize>,
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
                let with = numbers(&mut terms, &topic.with, || at("with"), false)?;
                let unless = numbers(&mut terms, &topic.unless, || at("unless"), false)?;
                let despite = numbers(&mut terms, &topic.despite, || at("despite"), false)?;
                let staged = numbers(&mut terms, &topic.staged, || at("staged"), false)?;
                topics.push(Known { topic, words, with, unless, despite, staged });
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
        let alone = topics.iter().filter(|known| known.topic.alone).flat_map(|known| &known.words).copied();
        let alone = matcher.hits_of(&alone.collect::<Vec<_>>());
        Ok(Self { config, matcher, topics, alone, labels, outlets })
    }

    pub(crate) fn judge(&self, item: &Item) -> Verdict {
        let hits = self.matcher.find(&item.title).union(&self.matcher.find(&item.body));
        if !hits.meet(&self.alone) {
            return Verdict::default(); // most items have no word of the duty
        }
        let (content, at_least) = self.content(item, &hits);
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
    fn content(&self, item: &Item, hits: &Hits) -> (Part, Option<(Level, &'a Topic)>) {
        let passages = OnceCell::new();
        let met: Vec<_> = self.topics.iter().filter_map(|known| self.met(known, item, hits, &passages)).collect();
        if !met.iter().any(|met| met.topic.alone) {
            return (Part { score: 0.0, reason: String::new() }, None);
        }
        let mut least: Option<(Level, &'a Topic)> = None;
        for Met { topic, .. } in &met {
            if let Some(level) = topic.at_least
                && least.is_none_or(|(there, _)| level > there)
            {
                least = Some((level, topic));
            }
        }
        // The same matter said in two ways is one matter.
        let mut once: Vec<Met<'a>> = Vec::with_capacity(met.len());
        for one in met {
            match once.iter_mut().find(|there| there.topic.name == one.topic.name) {
                Some(there) if there.topic.weight < one.topic.weight => *there = one,
                Some(_) => {}
                None => once.push(one),
            }
        }
        let rest = once.iter().fold(1.0, |rest, met| rest * (1.0 - met.topic.weight));
        let named: Vec<_> = once
            .iter()
            .map(|Met { topic, word, with }| {
                let with = with.map(|with| format!("+“{}”", self.matcher.term(with))).unwrap_or_default();
                format!("{}（“{}”{with}，{:.2}）", topic.name, self.matcher.term(*word), topic.weight)
            })
            .collect();
        let score = 1.0 - rest;
        (Part { score, reason: format!("内容{score:.2}：{}", named.join("、")) }, least)
    }

    /// Whether a topic does not count though its words are there: a drill is no fire. Where something
    /// really happened during one, it does count: words of `despite` say so, or harm of a least level
    /// that nothing of `staged` says was played.
    fn put_aside(&self, known: &Known<'_>, hits: &Hits) -> bool {
        if first(hits, &known.unless).is_none() || first(hits, &known.despite).is_some() {
            return false;
        }
        let harm = |other: &Known<'_>| {
            !other.topic.alone && other.topic.at_least.is_some() && first(hits, &other.words).is_some()
        };
        known.staged.is_empty() || first(hits, &known.staged).is_some() || !self.topics.iter().any(harm)
    }

    /// Whether a topic counts. Two lists have to meet within a passage, so that a long article
    /// about a hill that mentions a kitchen fire is none about a fire on a hill.
    fn met(&self, known: &Known<'a>, item: &Item, hits: &Hits, passages: &OnceCell<Vec<Hits>>) -> Option<Met<'a>> {
        let Known { topic, words, with, .. } = known;
        if self.put_aside(known, hits) {
            return None;
        }
        let word = first(hits, words)?;
        if with.is_empty() {
            return Some(Met { topic, word, with: None });
        }
        let both = |hits: &Hits| Some(Met { topic, word: first(hits, words)?, with: Some(first(hits, with)?) });
        let met = both(hits)?;
        if item.body.len() <= ONE_PASSAGE {
            return Some(met);
        }
        passages.get_or_init(|| self.passages(item)).iter().find_map(both)
    }

    /// What occurs in each sentence of the body, or in the title.
    fn passages(&self, item: &Item) -> Vec<Hits> {
        let title = self.matcher.find(&item.title);
        let sentences = item.body.split(['。', '！', '？', '!', '?', '\n', '；', ';']);
        let mut passages: Vec<_> = sentences
            .map(|sentence| self.matcher.find(sentence))
            .filter(|hits| !hits.is_empty())
            .map(|hits| hits.union(&title))
            .collect();
        passages.push(title);
        passages
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
