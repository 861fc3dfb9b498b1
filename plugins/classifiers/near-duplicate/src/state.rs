//! What is known of earlier items: JSON, so that an officer can read it.

use huiyin_sdk::Error;
use serde::{Deserialize, Serialize};

/// The only form so far.
const FORM: u32 = 1;

/// All that is kept between calls.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct State {
    /// Which form of state this is.
    pub(crate) form: u32,
    /// How many texts were dropped for want of room, ever.
    pub(crate) dropped: u64,
    /// The clusters, by the order in which they began.
    pub(crate) clusters: Vec<Cluster>,
    /// The texts, by the order in which they came.
    pub(crate) texts: Vec<Wording>,
}

/// Items that say one thing.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cluster {
    /// The first item's id.
    pub(crate) id: String,
    /// And its source.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) source: String,
    /// How many items so far.
    pub(crate) items: u64,
    /// When the last of them was observed, in milliseconds since the Unix epoch.
    pub(crate) last: u64,
}

/// One way in which it is said.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wording {
    /// The number of its cluster.
    pub(crate) cluster: usize,
    /// The characters that are compared.
    pub(crate) text: String,
    /// When it was last said.
    pub(crate) last: u64,
}

impl Cluster {
    /// The most that it takes in the state.
    pub(crate) fn bytes(&self) -> usize {
        quoted(&self.id) + quoted(&self.source) + 88
    }
}

impl Wording {
    /// The most that it takes in the state.
    pub(crate) fn bytes(&self) -> usize {
        quoted(&self.text) + 64
    }
}

/// How long a text is in JSON, without its quotes.
fn quoted(text: &str) -> usize {
    text.bytes().map(|b| if b < b' ' { 6 } else { 1 + usize::from(matches!(b, b'"' | b'\\')) }).sum()
}

/// Reads the state of the call before. Nothing is begun anew in silence: what cannot be read is refused.
pub(crate) fn read(bytes: Option<&[u8]>) -> Result<State, Error> {
    let Some(bytes) = bytes else { return Ok(State { form: FORM, ..State::default() }) };
    let wrong = |why: String| {
        Error::InvalidInput(format!("the state is none of near-duplicate: {why}; call it without one to begin anew"))
    };
    let state: State = serde_json::from_slice(bytes).map_err(|why| wrong(why.to_string()))?;
    if state.form != FORM {
        return Err(wrong(format!("its form is {}, and only {FORM} is known", state.form)));
    }
    if let Some(text) = state.texts.iter().find(|text| text.cluster >= state.clusters.len()) {
        return Err(wrong(format!("a text names cluster {} of {}", text.cluster, state.clusters.len())));
    }
    Ok(state)
}

pub(crate) fn write(state: &State) -> Vec<u8> {
    // Texts and numbers alone cannot fail to be written.
    serde_json::to_vec(state).unwrap_or_default()
}
