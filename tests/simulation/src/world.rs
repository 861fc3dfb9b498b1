//! The world outside the host: what plugins do there, and what can be found
//! there. It outlives every incarnation of the host, and it is the witness of
//! rule 3: it sees each try that really reached it.

use std::collections::BTreeMap;

use huiyin_desk::{Level, Verdict};
use huiyin_engine::item_conversion::collected;
use huiyin_engine::partition::{EffectJob, EffectOutcome, EffectRequest, PageDone, PollError, PollJob, ReadPage};
use huiyin_flow::{ErrorKind, FlowError, Request};
use huiyin_sandbox::Item;
use serde_json::{Value, json};

use crate::plugins::ONCE;
use crate::random::Random;
use crate::workload::Post;

/// What was done under one key.
#[derive(Debug)]
struct Done {
    label: String,
    times: u32,
    outcome: Result<Value, FlowError>,
}

/// What the world knows.
#[derive(Debug, Default)]
pub(crate) struct World {
    done: BTreeMap<String, Done>,
    /// The keys under which each labelled thing was tried, in their order.
    keys: BTreeMap<String, Vec<String>>,
    /// The posts of each source.
    posts: BTreeMap<String, Vec<Post>>,
}

impl World {
    /// A world with these posts in a source.
    pub(crate) fn post(&mut self, source: &str, posts: Vec<Post>) {
        self.posts.insert(source.to_owned(), posts);
    }

    /// A try reaches the world. What comes of it depends on the call's own
    /// label and on how often it was tried before under other keys, never on
    /// when it comes.
    ///
    /// # Errors
    /// When it should never have come: rule 3 is broken.
    pub(crate) fn reached(&mut self, job: &EffectJob) -> Result<EffectOutcome, String> {
        let (label, fails, once) = match &job.errand {
            EffectRequest::Plugin { pin, with } => (with.get("label"), with.get("fails"), pin.plugin.starts_with(ONCE)),
            EffectRequest::Core { name, .. } => {
                return Err(format!("no workflow of the simulation reaches another partition, and {name} did"));
            }
            EffectRequest::Request { request, .. } => match &**request {
                Request::Http(asked) => (asked.query.get("label"), asked.query.get("fails"), asked.method == "POST"),
                Request::OpenApi(_) => return Err("no workflow of the simulation reads such a document".to_owned()),
            },
        };
        let label = label.and_then(Value::as_str).unwrap_or_default().to_owned();
        let fails = fails.and_then(Value::as_u64).unwrap_or(0);
        let key = job.idempotency_key.clone();
        if let Some(done) = self.done.get_mut(&key) {
            done.times += 1;
            if once {
                return Err(format!("`{label}` must not be repeated, and was tried {} times", done.times));
            }
            if done.label != label {
                return Err(format!("the key {key} was used for `{}` and for `{label}`", done.label));
            }
            return Ok(EffectOutcome::Settled(done.outcome.clone(), Vec::new()));
        }
        let keys = self.keys.entry(label.clone()).or_default();
        if let Some(before) = keys.last()
            && self.done.get(before).is_some_and(|done| done.outcome.is_ok())
        {
            return Err(format!("`{label}` was done under the key {before}, and again under {key}"));
        }
        let tries = keys.len() as u64;
        keys.push(key.clone());
        let outcome = if tries < fails {
            Err(FlowError::new(ErrorKind::Communication, format!("{label}: not now")).with_status(503))
        } else {
            Ok(json!({"n": label.bytes().map(u64::from).sum::<u64>() % 100}))
        };
        self.done.insert(key, Done { label, times: 1, outcome: outcome.clone() });
        Ok(EffectOutcome::Settled(outcome, Vec::new()))
    }

    /// How many tries reached the world.
    pub(crate) fn tries(&self) -> u64 {
        self.done.values().map(|done| u64::from(done.times)).sum()
    }

    /// The keys under which something was tried.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &String> {
        self.done.keys()
    }

    /// How many posts could be found in a source by now.
    pub(crate) fn posted(&self, source: &str, now: i64) -> impl Iterator<Item = &Post> {
        self.posts.get(source).into_iter().flatten().filter(move |post| post.at <= now)
    }

    /// A collector reads a source. Pages may overlap: the item that was last
    /// is sometimes there again.
    pub(crate) fn read(&self, job: &PollJob, now: i64, host_now: jiff::Timestamp, random: &mut Random) -> PageDone {
        let done = |outcome| PageDone { source: job.source.id.clone(), poll: job.poll, outcome };
        if random.chance(1, 10) {
            let retry_after = random.chance(1, 3).then(|| random.below(120) as u32);
            return done(Err(PollError { message: "the source does not answer".to_owned(), retry_after }));
        }
        let from: usize = job.cursor.as_deref().and_then(|cursor| cursor.parse().ok()).unwrap_or(0);
        let again = usize::from(from > 0 && random.chance(1, 3));
        let there: Vec<&Post> = self.posted(&job.source.id, now).collect();
        let to = there.len().min(from + (job.limit as usize).min(1 + random.place(4)));
        let page = there.get(from - again..to).unwrap_or_default();
        let millis = |time: jiff::Timestamp| u64::try_from(time.as_millisecond()).unwrap_or_default();
        let observed = millis(job.now);
        let items = page
            .iter()
            .map(|post| Item {
                id: post.id.clone(),
                source: job.source.name.clone(),
                url: None,
                title: format!("post {}", post.id),
                body: String::new(),
                published: Some(millis(host_now).saturating_sub((now - post.at + post.old) as u64)),
                observed,
                fields: Vec::new(),
            })
            .map(|item| collected(item, job.source.channel.as_deref()))
            .collect();
        let floors = page.iter().map(|post| Ok(verdict(post.grave))).collect();
        let (cursor, more) = (Some(to.to_string()), to < there.len());
        done(Ok(ReadPage { items, cursor, more, floors, judged: None, kv: Vec::new() }))
    }
}

fn verdict(grave: bool) -> Verdict {
    Verdict {
        level: grave.then_some(Level::II),
        score: if grave { 0.8 } else { 0.1 },
        factors: BTreeMap::new(),
        labels: Vec::new(),
        reasons: Vec::new(),
    }
}
