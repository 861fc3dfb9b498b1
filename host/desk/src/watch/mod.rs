//! Watching (监测): whether the sources live, who is on duty, which labels an
//! item has, which warnings stand, and what is shared with whom.
//!
//! All of it belongs to a unit and lives where the unit lives. One file a
//! subject; what each keeps is a function of the facts ([`WatchFact`]), and
//! what time brings about is decided by `tick`, never while a fact is applied.

mod channel;
mod coverage;
mod duty;
mod fact;
mod functions;
mod heartbeat;
mod labelling;
mod meter;
mod roster;
mod share;
mod view;
mod warning;

use std::sync::Arc;

use imbl::{OrdMap, OrdSet};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use channel::ChannelKind;
pub use coverage::{coverage_page, merged as merged_coverage};
pub use duty::{CheckIn, DutySlot, Patrol, Seen, Swap};
pub use fact::{Told, WatchFact};
pub(crate) use functions::FUNCTIONS;
pub(crate) use heartbeat::Beat;
pub use heartbeat::{Down, Gap, Hour, MAX_GAPS, MAX_HOURS, Source};
pub use meter::{Cell, Gauge, Measure, Meter};
pub use roster::{Day, Slot, TimeOfDay};
pub use share::{Scope, Share, ShareRead};
pub use view::{item_page, patrol_list, roster_page, shared_list, source_list, warning_list};
pub use warning::{Colour, Feedback, Step, Warning, WarningEntry};

use self::duty::Duty;
use crate::fact::ItemReceived;
pub use crate::label::{Label, LabelEntry, Labels};

/// The most warnings, shares of one unit that are kept; what is over longest goes first.
const MAX_KEPT: usize = 2_000;
/// The most sources that send without being configured; items of more are not counted by source.
const MAX_SENDERS: usize = 2_000;
/// The most subjects that rules count; the quietest goes first.
const MAX_METERS: usize = 10_000;

/// What the desk knows of watching. A copy costs next to nothing.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Watch {
    /// The units that live here; every unit where none is named.
    #[serde(default)]
    homes: OrdSet<String>,
    /// By `<unit>/<source>`.
    #[serde(default)]
    sources: OrdMap<String, Arc<Source>>,
    /// By unit.
    #[serde(default)]
    duties: OrdMap<String, Arc<Duty>>,
    /// By rule, unit and subject.
    #[serde(default)]
    meters: OrdMap<String, Arc<Meter>>,
    /// By id.
    #[serde(default)]
    warnings: OrdMap<String, Arc<Warning>>,
    /// By id.
    #[serde(default)]
    shares: OrdMap<String, Arc<Share>>,
    /// Warnings and shares of each unit or case so far: their ids count on.
    #[serde(default)]
    counted: OrdMap<String, u64>,
    /// When which of all these wants to be ticked.
    #[serde(default)]
    wakes: OrdSet<(Timestamp, Key)>,
}

/// What wants to be ticked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Key {
    Source(String),
    Duty(String),
    Warning(String),
}

/// The name of a meter, and of what a warning is about.
pub(crate) fn meter_key(rule: &str, unit: &str, subject: &str) -> String {
    format!("{rule}|{unit}|{subject}")
}

impl Watch {
    /// A unit lives here.
    pub fn place(&mut self, unit: &str) {
        self.homes.insert(unit.to_owned());
    }

    pub(crate) fn is_home(&self, unit: &str) -> bool {
        self.homes.is_empty() || self.homes.contains(unit)
    }

    /// All sources, by `<unit>/<name>`.
    pub fn sources(&self) -> impl Iterator<Item = &Source> {
        self.sources.values().map(Arc::as_ref)
    }

    /// A source by `<unit>/<name>`.
    pub fn source(&self, id: &str) -> Option<&Source> {
        self.sources.get(id).map(Arc::as_ref)
    }

    pub(crate) fn duty(&self, unit: &str) -> Option<&Arc<Duty>> {
        self.duties.get(unit)
    }

    pub(crate) fn duties(&self) -> impl Iterator<Item = (&String, &Arc<Duty>)> {
        self.duties.iter()
    }

    /// Who is on duty for a unit at a moment.
    pub fn on_duty(&self, unit: &str, at: Timestamp) -> Vec<String> {
        self.duties.get(unit).map(|duty| duty.on_duty(at)).unwrap_or_default()
    }

    pub(crate) fn meter(&self, key: &str) -> Option<&Meter> {
        self.meters.get(key).map(Arc::as_ref)
    }

    /// All warnings that are kept, by id.
    pub fn warnings(&self) -> impl Iterator<Item = &Warning> {
        self.warnings.values().map(Arc::as_ref)
    }

    /// A warning by its id.
    pub fn warning(&self, id: &str) -> Option<&Warning> {
        self.warnings.get(id).map(Arc::as_ref)
    }

    /// All shares that are kept.
    pub fn shares(&self) -> impl Iterator<Item = &Share> {
        self.shares.values().map(Arc::as_ref)
    }

    /// A share by its id.
    pub fn share(&self, id: &str) -> Option<&Share> {
        self.shares.get(id).map(Arc::as_ref)
    }

    /// The next number of a warning of a unit, or of a share of a unit's items or of a case.
    pub(crate) fn next_number(&self, unit: &str) -> u64 {
        self.counted.get(unit).copied().unwrap_or_default() + 1
    }

    pub(crate) fn next_wake(&self) -> Option<Timestamp> {
        self.wakes.get_min().map(|(at, _)| *at)
    }

    pub(crate) fn awake(&self, now: Timestamp) -> Vec<Key> {
        self.wakes.iter().take_while(|(at, _)| *at <= now).map(|(_, key)| key.clone()).collect()
    }

    /// A source was read without a fault.
    pub fn source_read(&mut self, id: &str, at: Timestamp) {
        self.with_source(id, |source| source.heard(at));
    }

    /// Reading a source failed.
    pub fn source_failed(&mut self, id: &str, error: &str) {
        self.with_source(id, |source| source.error = Some(crate::text::clip(error, 200)));
    }

    /// An item came in.
    pub(crate) fn received(&mut self, received: &ItemReceived) {
        let id = format!("{}/{}", received.unit, received.item.source);
        let channel = received.item.field("channel").and_then(ChannelKind::of);
        let late = received.item.observed.duration_since(received.occurred_at).as_secs().max(0);
        if !self.sources.contains_key(&id) && self.sources.len() >= MAX_SENDERS {
            return;
        }
        let configured = self.sources.get(&id).is_some_and(|source| !source.pushed && source.watched.is_some());
        self.with_source(&id, |source| {
            if !configured {
                // Nobody reads it, so it sends; its kind is what its items say.
                source.pushed = true;
                source.channel = source.channel.or(channel);
                source.heard(received.at);
            }
            source.brought(channel, received.at, late);
        });
    }

    fn with_source(&mut self, id: &str, change: impl FnOnce(&mut Source)) {
        let key = Key::Source(id.to_owned());
        let before = self.wake_of(&key);
        let (unit, source) = id.split_once('/').unwrap_or((id, ""));
        let new = || Arc::new(Source { unit: unit.to_owned(), source: source.to_owned(), ..Source::default() });
        change(Arc::make_mut(self.sources.entry(id.to_owned()).or_insert_with(new)));
        self.rewake(key, before);
    }

    fn with_duty(&mut self, unit: &str, change: impl FnOnce(&mut Duty) -> bool) -> bool {
        let key = Key::Duty(unit.to_owned());
        let before = self.wake_of(&key);
        let done = change(Arc::make_mut(self.duties.entry(unit.to_owned()).or_default()));
        self.rewake(key, before);
        done
    }

    fn with_warning(&mut self, id: &str, change: impl FnOnce(&mut Warning)) -> bool {
        let key = Key::Warning(id.to_owned());
        let before = self.wake_of(&key);
        let Some(warning) = self.warnings.get_mut(id) else { return false };
        change(Arc::make_mut(warning));
        self.settle_fall(id);
        self.rewake(key, before);
        true
    }

    /// When an open warning may fall, as far as is known now.
    fn settle_fall(&mut self, id: &str) {
        let Some(warning) = self.warnings.get(id) else { return };
        let falls = warning.bar().map(|bar| {
            let key = meter_key(&warning.rule, &warning.unit, &warning.subject);
            match self.meters.get(&key).filter(|meter| meter.gauge == warning.gauge) {
                Some(meter) => meter.falls_at(bar, warning.changed_at),
                None => Meter::new(warning.gauge).falls_at(bar, warning.changed_at),
            }
        });
        if warning.falls_at != falls
            && let Some(warning) = self.warnings.get_mut(id)
        {
            Arc::make_mut(warning).falls_at = falls;
        }
    }

    fn wake_of(&self, key: &Key) -> Option<Timestamp> {
        match key {
            Key::Source(id) => self.sources.get(id)?.next_wake(),
            Key::Duty(unit) => self.duties.get(unit)?.next_wake(),
            Key::Warning(id) => self.warnings.get(id)?.next_wake(),
        }
    }

    fn rewake(&mut self, key: Key, before: Option<Timestamp>) {
        let after = self.wake_of(&key);
        if before == after {
            return;
        }
        if let Some(at) = before {
            self.wakes.remove(&(at, key.clone()));
        }
        if let Some(at) = after {
            self.wakes.insert((at, key));
        }
    }

    /// Takes a fact in; false if it found nothing to apply to.
    pub(crate) fn apply(&mut self, fact: &WatchFact) -> bool {
        match fact {
            WatchFact::SourceWatched { unit, source, channel, expected, pushed, at } => {
                self.with_source(&format!("{unit}/{source}"), |known| {
                    known.channel = *channel;
                    known.expected = *expected;
                    known.pushed = *pushed;
                    known.watched = known.watched.or(Some(*at));
                });
            }
            WatchFact::SourceUnwatched { unit, source, .. } => {
                self.with_source(&format!("{unit}/{source}"), |known| {
                    (known.watched, known.expected, known.down, known.pushed) = (None, None, None, false);
                });
            }
            WatchFact::SourceDown { unit, source, since, reason, at, .. } => {
                let down = Down { since: *since, noticed: *at, reason: reason.clone() };
                self.with_source(&format!("{unit}/{source}"), |known| known.down = Some(down));
            }
            WatchFact::SourceUp { unit, source, from, to, reason, .. } => {
                let gap = Gap { from: *from, to: *to, reason: reason.clone() };
                self.with_source(&format!("{unit}/{source}"), |known| known.came_back(&gap));
            }
            WatchFact::DutyPlanned { unit, .. }
            | WatchFact::RosterSet { unit, .. }
            | WatchFact::DutySwapped { unit, .. }
            | WatchFact::DutyUnstaffed { unit, .. }
            | WatchFact::DutyCheckedIn { unit, .. }
            | WatchFact::DutyMissed { unit, .. }
            | WatchFact::PatrolDone { unit, .. }
            | WatchFact::PatrolMissed { unit, .. } => return self.with_duty(unit, |duty| duty.apply(fact)),
            WatchFact::Measured { unit, cells, at } => {
                for cell in cells {
                    let key = meter_key(&cell.rule, unit, &cell.subject);
                    let meter = self.meters.entry(key).or_insert_with(|| Arc::new(Meter::new(cell.gauge)));
                    let meter = Arc::make_mut(meter);
                    if meter.gauge != cell.gauge {
                        // The pack measures otherwise now: what was counted cannot be compared.
                        *meter = Meter::new(cell.gauge);
                    }
                    meter.add(cell.step, Cell { items: cell.items, score: cell.score }, *at);
                    let open = self.open_warning(&cell.rule, unit, &cell.subject).map(|open| open.id.clone());
                    if let Some(id) = open {
                        let value = self
                            .meters
                            .get(&meter_key(&cell.rule, unit, &cell.subject))
                            .map_or(0.0, |meter| meter.value(*at));
                        self.with_warning(&id, |warning| warning.value = value);
                    }
                }
                self.forget_meters(*at);
            }
            WatchFact::WarningRaised { warning, .. } => {
                self.counted.insert(warning.unit.clone(), self.next_number(&warning.unit));
                self.warnings.insert(warning.id.clone(), Arc::new((**warning).clone()));
                self.settle_fall(&warning.id);
                self.rewake(Key::Warning(warning.id.clone()), None);
                self.forget_warnings(&warning.unit);
            }
            WatchFact::WarningMoved { warning, .. }
            | WatchFact::WarningAcknowledged { warning, .. }
            | WatchFact::WarningFedBack { warning, .. }
            | WatchFact::WarningLate { warning, .. } => {
                return self.with_warning(warning, |known| known.apply(fact));
            }
            WatchFact::ShareGranted { unit, share, .. } => {
                let counted = share.case.as_ref().unwrap_or(unit);
                self.counted.insert(counted.clone(), self.next_number(counted));
                self.shares.insert(share.id.clone(), Arc::new(share.clone()));
                self.forget_shares(unit, share.at);
            }
            WatchFact::ShareRead { share, .. } | WatchFact::ShareRevoked { share, .. } => {
                let Some(known) = self.shares.get_mut(share) else { return false };
                Arc::make_mut(known).apply(fact);
            }
            // Of an item or a case: the desk itself takes it in.
            WatchFact::LabelSet { .. } => return false,
        }
        true
    }

    /// The warning of a rule about a subject that has not ended.
    pub(crate) fn open_warning(&self, rule: &str, unit: &str, subject: &str) -> Option<&Arc<Warning>> {
        self.last_warning(rule, unit, subject).filter(|warning| warning.ended_at.is_none())
    }

    /// The latest warning of a rule about a subject.
    pub(crate) fn last_warning(&self, rule: &str, unit: &str, subject: &str) -> Option<&Arc<Warning>> {
        let same = |warning: &&Arc<Warning>| warning.rule == rule && warning.unit == unit && warning.subject == subject;
        self.warnings.values().filter(same).max_by_key(|warning| (warning.raised_at, warning.ended_at.is_none()))
    }

    /// Drops what counts nothing any more, and, where there are too many still, what was quiet longest.
    fn forget_meters(&mut self, now: Timestamp) {
        if self.meters.len() <= MAX_METERS {
            return;
        }
        let last = |meter: &Meter| meter.cells.keys().next_back().map_or(0, |step| step * meter.gauge.width());
        let live = |meter: &Meter| now.as_second() - last(meter) <= meter.gauge.keep();
        self.meters = std::mem::take(&mut self.meters).into_iter().filter(|(_, meter)| live(meter)).collect();
        while self.meters.len() > MAX_METERS {
            let quietest = self.meters.iter().min_by_key(|(_, meter)| last(meter)).map(|(key, _)| key.clone());
            self.meters.remove(&quietest.unwrap_or_default());
        }
    }

    fn forget_warnings(&mut self, unit: &str) {
        let over: Vec<_> = self.warnings.values().filter(|w| w.unit == unit && w.is_over()).cloned().collect();
        if over.len() > MAX_KEPT {
            let oldest = over.iter().min_by_key(|warning| warning.raised_at).map(|warning| warning.id.clone());
            self.warnings.remove(&oldest.unwrap_or_default());
        }
    }

    fn forget_shares(&mut self, unit: &str, now: Timestamp) {
        let over: Vec<_> = self.shares.values().filter(|s| s.unit == unit && !s.holds(now)).cloned().collect();
        if over.len() > MAX_KEPT {
            let oldest = over.iter().min_by_key(|share| share.at).map(|share| share.id.clone());
            self.shares.remove(&oldest.unwrap_or_default());
        }
    }
}
