//! What was observed: JSON, so that an officer can read it.

use huiyin_sdk::{BTreeMap, Error, Level};
use serde::{Deserialize, Serialize};

use crate::config::Config;

/// The only form so far.
const FORM: u32 = 1;

/// All that is kept between calls.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct State {
    pub(crate) form: u32,
    /// The latest time of a call, in milliseconds since the Unix epoch, as all times here.
    pub(crate) at: u64,
    /// How many topics were dropped for want of room, ever.
    pub(crate) dropped: u64,
    pub(crate) topics: Vec<Topic>,
}

/// What is followed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Topic {
    pub(crate) key: String,
    /// The level that holds, and since when.
    pub(crate) level: Option<Level>,
    pub(crate) since: u64,
    /// When items of it were first seen that are not followed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) others: Vec<u64>,
    pub(crate) items: Vec<Followed>,
}

/// An item and its counts over time.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Followed {
    /// A hash of its source and id.
    pub(crate) id: u64,
    /// When it was published: it had no counts then. None where it is not told: then the first counts are where it begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) published: Option<u64>,
    /// Time, readings, comments, sharings, likes; by time.
    pub(crate) points: Vec<[u64; 5]>,
}

impl Topic {
    /// When it was last observed.
    pub(crate) fn last(&self) -> u64 {
        let items = self.items.iter().filter_map(|item| item.points.last()).map(|point| point[0]);
        items.chain(self.others.iter().copied()).max().unwrap_or(0)
    }

    /// The most that it takes in the state.
    fn bytes(&self) -> usize {
        let key: usize =
            self.key.bytes().map(|b| if b < b' ' { 6 } else { 1 + usize::from(matches!(b, b'"' | b'\\')) }).sum();
        let digits = |n: u64| n.checked_ilog10().map_or(1, |log| log as usize + 1);
        let point = |point: &[u64; 5]| point.iter().map(|&n| digits(n) + 1).sum::<usize>() + 2;
        let items = self.items.iter().map(|item| 72 + item.points.iter().map(point).sum::<usize>());
        key + 96 + self.others.len() * 21 + items.sum::<usize>()
    }
}

/// Reads the state of the call before. Nothing is begun anew in silence: what cannot be read is refused.
pub(crate) fn read(bytes: Option<&[u8]>) -> Result<State, Error> {
    let Some(bytes) = bytes else { return Ok(State { form: FORM, ..State::default() }) };
    let wrong = |why: String| {
        Error::InvalidInput(format!("the state is none of spread-trend: {why}; call it without one to begin anew"))
    };
    let state: State = serde_json::from_slice(bytes).map_err(|why| wrong(why.to_string()))?;
    if state.form != FORM {
        return Err(wrong(format!("its form is {}, and only {FORM} is known", state.form)));
    }
    Ok(state)
}

pub(crate) fn write(state: &State) -> Vec<u8> {
    // Texts and numbers alone cannot fail to be written.
    serde_json::to_vec(state).unwrap_or_default()
}

/// Forgets what is over, and drops the longest unheard of where there is no room; how many.
pub(crate) fn bound(config: &Config, topics: &mut BTreeMap<String, Topic>, now: u64) -> Option<u64> {
    let limit = now.saturating_sub(config.keep_hours * 3_600_000);
    topics.retain(|_, topic| topic.last() >= limit);
    let mut order: Vec<(u64, usize, String)> =
        topics.iter().map(|(key, topic)| (topic.last(), topic.bytes(), key.clone())).collect();
    order.sort_by(|a, b| b.0.cmp(&a.0).then(a.2.cmp(&b.2)));
    let (mut left, mut room, mut lost) = (config.keep_topics, config.keep_bytes.saturating_sub(96), 0);
    for (_, bytes, key) in order {
        if left == 0 || room < bytes {
            left = 0; // what is older goes too, though it be smaller
            topics.remove(&key);
            lost += 1;
        } else {
            left -= 1;
            room -= bytes;
        }
    }
    (lost > 0).then_some(lost)
}
