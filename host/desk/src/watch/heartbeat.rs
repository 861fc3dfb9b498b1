//! Heartbeats of sources (clause 3.1e): a source that was not read when it was
//! expected is down, one that was never read is down, and the time in between
//! is a gap that stays on record.

use std::collections::BTreeMap;

use imbl::OrdMap;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::ChannelKind;

/// The most gaps of one source that are kept.
pub const MAX_GAPS: usize = 200;
/// For how many hours counts are kept: 35 days.
pub const MAX_HOURS: usize = 35 * 24;

/// What is known of a source of a unit.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Source {
    /// The unit that watches it.
    pub unit: String,
    /// Its name within the unit.
    pub source: String,
    /// Its kind, where it names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<ChannelKind>,
    /// It is down when nothing was heard for so many seconds; none where nothing is expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<i64>,
    /// It sends, and is not read.
    #[serde(default)]
    pub pushed: bool,
    /// Since when something is expected of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watched: Option<Timestamp>,
    /// When it was last read without a fault, or last sent something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_ok: Option<Timestamp>,
    /// When it last brought an item that was new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_item: Option<Timestamp>,
    /// Why the last reading failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Set while it is down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub down: Option<Down>,
    /// When it was down, oldest first; at most [`MAX_GAPS`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<Gap>,
    /// By the hour since 1970 (UTC); at most [`MAX_HOURS`].
    #[serde(default)]
    pub hours: OrdMap<i64, Hour>,
}

/// A source is down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Down {
    /// Since when nothing was heard.
    pub since: Timestamp,
    /// When that was noticed.
    pub noticed: Timestamp,
    /// Why, as far as it is known.
    pub reason: String,
}

/// A time for which a source was down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// Since when nothing was heard.
    pub from: Timestamp,
    /// When it was heard again.
    pub to: Timestamp,
    /// Why.
    pub reason: String,
}

/// What one hour brought.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Hour {
    /// Readings without a fault, or deliveries.
    #[serde(default)]
    pub reads: u32,
    /// New items, by the kind of channel that they name, else the source's; `other` for none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub items: BTreeMap<String, u32>,
    /// The latest that an item was observed after it had been published, in seconds.
    #[serde(default)]
    pub late: i64,
}

/// The hour that a moment lies in, since 1970.
pub(crate) fn hour_of(at: Timestamp) -> i64 {
    at.as_second().div_euclid(3_600)
}

/// What the passing of time says of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Beat {
    Down { since: Timestamp, reason: String },
    Up { gap: Gap },
}

impl Source {
    /// `<unit>/<source>`.
    pub fn id(&self) -> String {
        format!("{}/{}", self.unit, self.source)
    }

    /// From when on silence counts.
    fn basis(&self) -> Option<Timestamp> {
        self.watched.map(|watched| self.last_ok.map_or(watched, |ok| ok.max(watched)))
    }

    /// The moment at which it is down unless it is heard before.
    fn overdue_at(&self) -> Option<Timestamp> {
        let expected = SignedDuration::from_secs(self.expected?);
        self.basis()?.checked_add(expected).ok()
    }

    pub(crate) fn next_wake(&self) -> Option<Timestamp> {
        match &self.down {
            None => self.overdue_at(),
            Some(down) => self.last_ok.filter(|ok| *ok >= down.noticed),
        }
    }

    /// What has come about by `now`; nothing once that is applied.
    pub(crate) fn beat(&self, now: Timestamp) -> Option<Beat> {
        if self.next_wake()? > now {
            return None;
        }
        match &self.down {
            Some(down) => {
                Some(Beat::Up { gap: Gap { from: down.since, to: self.last_ok?, reason: down.reason.clone() } })
            }
            None => {
                let since = self.basis()?;
                let reason = match (&self.error, self.last_ok) {
                    (Some(error), _) => error.clone(),
                    (None, None) => "it was never heard".to_owned(),
                    (None, Some(_)) => "nothing was heard of it, and no reading failed".to_owned(),
                };
                Some(Beat::Down { since, reason })
            }
        }
    }

    /// Live: heard, and not down. One that was never heard is down.
    pub fn is_live(&self) -> bool {
        self.down.is_none() && self.last_ok.is_some() && (self.watched.is_some() || self.pushed)
    }

    /// `ok`, `down`, `never-seen`, or `unwatched` for one that is no longer configured.
    pub fn state(&self) -> &'static str {
        match (self.watched.is_some() || self.pushed, &self.down, self.last_ok) {
            (false, ..) => "unwatched",
            (true, _, None) => "never-seen",
            (true, Some(_), _) => "down",
            (true, None, Some(_)) => "ok",
        }
    }

    /// All gaps, the one that lasts still among them, with no end.
    pub fn all_gaps(&self) -> impl Iterator<Item = (Timestamp, Option<Timestamp>, &str)> {
        let past = self.gaps.iter().map(|gap| (gap.from, Some(gap.to), gap.reason.as_str()));
        past.chain(self.down.iter().map(|down| (down.since, None, down.reason.as_str())))
    }

    /// Whether it was heard in the hour, or nothing was missing then.
    pub(crate) fn live_in(&self, hour: i64) -> bool {
        let at = |hour: i64| Timestamp::from_second(hour.saturating_mul(3_600)).unwrap_or(Timestamp::MAX);
        let (from, to) = (at(hour), at(hour + 1));
        if self.hours.get(&hour).is_some_and(|hour| hour.reads > 0) {
            return true;
        }
        let Some(since) = self.watched.or(self.last_ok) else { return false };
        let seen_before = self.last_ok.is_some() && since < to;
        seen_before && !self.all_gaps().any(|(a, b, _)| a < to && b.is_none_or(|b| b > from))
    }

    pub(crate) fn heard(&mut self, at: Timestamp) {
        self.last_ok = self.last_ok.max(Some(at));
        self.error = None;
        self.hour(at).reads += 1;
    }

    pub(crate) fn brought(&mut self, channel: Option<ChannelKind>, at: Timestamp, late: i64) {
        self.last_item = self.last_item.max(Some(at));
        let kind = channel.or(self.channel).map_or("other", ChannelKind::name).to_owned();
        let hour = self.hour(at);
        *hour.items.entry(kind).or_default() += 1;
        hour.late = hour.late.max(late);
    }

    fn hour(&mut self, at: Timestamp) -> &mut Hour {
        let hour = hour_of(at);
        if !self.hours.contains_key(&hour) && self.hours.len() >= MAX_HOURS {
            self.hours =
                std::mem::take(&mut self.hours).into_iter().filter(|(h, _)| *h > hour - MAX_HOURS as i64).collect();
            while self.hours.len() >= MAX_HOURS {
                let Some(first) = self.hours.keys().next().copied() else { break };
                self.hours.remove(&first);
            }
        }
        self.hours.entry(hour).or_default()
    }

    pub(crate) fn came_back(&mut self, gap: &Gap) {
        self.down = None;
        if self.gaps.len() >= MAX_GAPS {
            self.gaps.remove(0);
        }
        self.gaps.push(gap.clone());
    }
}
