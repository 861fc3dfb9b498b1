//! Escalation ladders: who else is told as a due time nears or passes, rung after rung.
//!
//! A rung is reached at an offset of the clock's due time and is raised once, however late that is noticed. From then
//! on it is repeated until somebody acknowledges it. If nobody does within its time, it climbs: it is raised again one
//! unit further up, until there is nobody above. A clock at rest raises nothing more, and one that is paused waits.
//! Whoever is told, and how far up there is to climb, is known elsewhere.
//!
//! As with clocks, [`due`] decides, and what was raised is kept by whoever applies the facts. Where a due time moves to
//! later than a rung was raised at, the rung is raised again at its new time, and the old one is chased no more.

use std::fmt;
use std::str::FromStr;

use jiff::fmt::temporal::SpanParser;
use jiff::{SignedDuration, SpanRelativeTo, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Clock, GRAIN, Warning, reached};
use crate::allowance::iso;

/// The most rungs of a ladder.
pub const MAX_RUNGS: usize = 10;
/// The most times that a rung is repeated, all in all.
pub const MAX_REPEATS: u32 = 20;
/// The shortest time after which a rung is repeated, or climbs.
pub const SHORTEST: SignedDuration = SignedDuration::from_mins(1);

/// A moment seen from a clock's due time. In JSON and text: `"-PT10M"` before it, `"PT0S"` with it, `"PT30M"` after it,
/// or `"80%"` of the time from anchor to due has gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Offset {
    /// This much of the time has gone, in percent, 1 to 99.
    Share(u8),
    /// This long after the due time; before it where it is negative.
    Due(SignedDuration),
}

/// A text that is no offset.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is no moment of a clock: write \"-PT10M\" for before the due time, \"PT0S\" for the due time, \"PT30M\" for \
     after it, or a share of the time from \"1%\" to \"99%\""
)]
pub struct OffsetError(pub String);

impl Offset {
    /// The moment for a clock that runs from `anchor` to `due`. What comes with or after the due time comes with the
    /// first instant that is late; what comes before it, never before the anchor.
    pub fn at(&self, anchor: Timestamp, due: Timestamp) -> Timestamp {
        match self {
            Self::Share(percent) => Warning::Percent(*percent).at(anchor, due),
            Self::Due(after) if after.is_negative() => due.checked_add(*after).unwrap_or(anchor).max(anchor),
            Self::Due(after) => due.checked_add(*after).and_then(|at| at.checked_add(GRAIN)).unwrap_or(Timestamp::MAX),
        }
    }
}

impl FromStr for Offset {
    type Err = OffsetError;

    fn from_str(text: &str) -> Result<Self, OffsetError> {
        let wrong = || OffsetError(text.to_owned());
        if text.ends_with('%') {
            return match text.parse() {
                Ok(Warning::Percent(percent)) => Ok(Self::Share(percent)),
                _ => Err(wrong()),
            };
        }
        let (sign, rest) = match text.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, text),
        };
        if !rest.starts_with('P') {
            return Err(wrong());
        }
        let span = SpanParser::new().parse_span(rest).map_err(|_| wrong())?;
        if span.get_years() != 0 || span.get_months() != 0 {
            return Err(wrong());
        }
        let length = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| wrong())?;
        Ok(Self::Due(if sign < 0 { -length } else { length }))
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Share(percent) => write!(f, "{percent}%"),
            Self::Due(after) => write!(f, "{after}"),
        }
    }
}

impl TryFrom<String> for Offset {
    type Error = OffsetError;
    fn try_from(text: String) -> Result<Self, OffsetError> {
        text.parse()
    }
}

impl From<Offset> for String {
    fn from(offset: Offset) -> Self {
        offset.to_string()
    }
}

/// When a rung is raised, repeated, and climbs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timing {
    /// When it is raised.
    pub after: Offset,
    /// How long it waits for an acknowledgement before it climbs; for ever where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "optional")]
    pub acknowledge_within: Option<SignedDuration>,
    /// After how long it is told again while nobody has acknowledged it.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "optional")]
    pub repeat: Option<SignedDuration>,
}

mod optional {
    use jiff::SignedDuration;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Length(#[serde(with = "super::iso")] SignedDuration);

    #[allow(clippy::ref_option)] // the shape serde asks for
    pub(super) fn serialize<S: Serializer>(value: &Option<SignedDuration>, to: S) -> Result<S::Ok, S::Error> {
        value.map(Length).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SignedDuration>, D::Error> {
        Ok(Option::<Length>::deserialize(from)?.map(|length| length.0))
    }
}

/// A rung that was raised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Raised {
    /// Which, from 0.
    pub rung: u32,
    /// When it was to be raised.
    #[serde(with = "crate::stamp")]
    pub due_at: Timestamp,
    /// When it was.
    #[serde(with = "crate::stamp")]
    pub at: Timestamp,
    /// How often it was repeated since.
    #[serde(default)]
    pub repeats: u32,
    /// How many units it has climbed.
    #[serde(default)]
    pub climbed: u32,
    /// When it is repeated next.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "crate::stamp::option")]
    pub repeat_at: Option<Timestamp>,
    /// When it climbs, unless it is acknowledged.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "crate::stamp::option")]
    pub climb_at: Option<Timestamp>,
    /// When it was acknowledged.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "crate::stamp::option")]
    pub acknowledged: Option<Timestamp>,
}

/// What happens on a ladder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// A rung is raised.
    Raised,
    /// Those who were told are told again.
    Repeated,
    /// Nobody acknowledged it in time: it goes to the fallback, and one unit further up.
    Climbed,
}

/// A step that is due, and what stands of the rung once it is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Next {
    /// What happens.
    pub step: Step,
    /// The rung after it.
    pub raised: Raised,
}

/// The steps that are due by `now`, each once however late. `top` is how many units there are to climb. Once these are
/// taken in, the same call gives none.
pub fn due(ladder: &[Timing], raised: &[Raised], clock: &Clock, top: u32, now: Timestamp) -> Vec<Next> {
    if clock.satisfied.is_some() || clock.paused_since().is_some() {
        return Vec::new();
    }
    let mut next = Vec::new();
    for (rung, timing) in (0u32..).zip(ladder) {
        let due_at = timing.after.at(clock.anchor_at, clock.due.at);
        let Some(live) = live(raised, rung, due_at) else {
            if due_at <= reached(clock, now) {
                next.push(Next { step: Step::Raised, raised: first(rung, timing, due_at, now) });
            }
            continue;
        };
        if live.acknowledged.is_some() {
            continue;
        }
        if live.climb_at.is_some_and(|at| at <= now) {
            let climbed = live.climbed + 1;
            let climb_at = (climbed < top).then(|| later(now, timing.acknowledge_within)).flatten();
            let repeat_at = repeat(timing, live.repeats, now);
            next.push(Next { step: Step::Climbed, raised: Raised { climbed, repeat_at, climb_at, ..*live } });
        } else if live.repeat_at.is_some_and(|at| at <= now) {
            let repeats = live.repeats + 1;
            let repeat_at = repeat(timing, repeats, now);
            next.push(Next { step: Step::Repeated, raised: Raised { repeats, repeat_at, ..*live } });
        }
    }
    next
}

/// When [`due`] next has something to say.
pub fn next_wake(ladder: &[Timing], raised: &[Raised], clock: &Clock) -> Option<Timestamp> {
    if clock.satisfied.is_some() || clock.paused_since().is_some() {
        return None;
    }
    let wakes = (0u32..).zip(ladder).filter_map(|(rung, timing)| {
        let due_at = timing.after.at(clock.anchor_at, clock.due.at);
        match live(raised, rung, due_at) {
            None => Some(due_at),
            Some(live) if live.acknowledged.is_some() => None,
            Some(live) => live.climb_at.into_iter().chain(live.repeat_at).min(),
        }
    });
    wakes.min()
}

/// What stands of a rung, unless its due time has moved to later than it was raised at.
pub fn live(raised: &[Raised], rung: u32, due_at: Timestamp) -> Option<&Raised> {
    raised.iter().rev().find(|raised| raised.rung == rung && due_at <= raised.at.max(raised.due_at))
}

fn first(rung: u32, timing: &Timing, due_at: Timestamp, now: Timestamp) -> Raised {
    Raised {
        rung,
        due_at,
        at: now,
        repeats: 0,
        climbed: 0,
        repeat_at: repeat(timing, 0, now),
        climb_at: later(now, timing.acknowledge_within),
        acknowledged: None,
    }
}

fn repeat(timing: &Timing, repeats: u32, now: Timestamp) -> Option<Timestamp> {
    if repeats < MAX_REPEATS { later(now, timing.repeat) } else { None }
}

fn later(now: Timestamp, length: Option<SignedDuration>) -> Option<Timestamp> {
    now.checked_add(length?.max(SHORTEST)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_read_and_shown_alike() {
        for text in ["80%", "-PT10M", "PT0S", "PT30M", "PT24H"] {
            assert_eq!(text.parse::<Offset>().unwrap().to_string(), text);
        }
        for text in ["", "0%", "100%", "10M", "--PT1M", "P1M", "soon", "+PT1M"] {
            let error = text.parse::<Offset>().unwrap_err().to_string();
            assert!(error.contains("-PT10M"), "{text}: {error}");
        }
    }

    #[test]
    fn what_comes_with_the_due_time_comes_when_it_has_passed() {
        let anchor: Timestamp = "2024-01-01T00:00:00Z".parse().unwrap();
        let due: Timestamp = "2024-01-01T01:00:00Z".parse().unwrap();
        let at = |text: &str| text.parse::<Offset>().unwrap().at(anchor, due).to_string();
        assert_eq!(at("PT0S"), "2024-01-01T01:00:00.001Z");
        assert_eq!(at("PT30M"), "2024-01-01T01:30:00.001Z");
        assert_eq!(at("-PT10M"), "2024-01-01T00:50:00Z");
        assert_eq!(at("-PT2H"), "2024-01-01T00:00:00Z");
        assert_eq!(at("50%"), "2024-01-01T00:30:00Z");
    }
}
