//! Calls on the hotline (政务热线 96128, clause 4b): how many came, how many were taken, and who has to be called back.
//!
//! A call that was taken and answered is counted and no more. One that asks something has a case of kind hotline under
//! the answer clock, one that nobody took has a case under the callback clock. Of a number only a keyed hash and its
//! last digits are kept.

use std::collections::BTreeMap;

use imbl::{OrdMap, OrdSet};
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::case::{CameIn, Kind, Phone};
use crate::command::{Call, ImportCalls, Intake};
use crate::decide::{Output, Work};
use crate::desk::Desk;
use crate::error::DeskError;
use crate::fact::Fact;
use crate::item::Digest;
use crate::text::clip;

/// The most calls of one page.
pub const MAX_CALLS: usize = 1_000;
/// The most calls of a unit that the desk knows one by one; the days of the oldest are closed beyond that.
const MAX_SEEN: usize = 1_000_000;
/// How far the clock of a call centre may run ahead.
const AHEAD: SignedDuration = SignedDuration::from_mins(10);

/// A call, as the journal keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallEntry {
    /// What it is known by.
    pub identity: Digest,
    /// When it came.
    pub at: Timestamp,
    /// The day in the pack's zone.
    pub day: Date,
    /// The phone.
    pub phone: Phone,
    /// Whether somebody took it.
    pub answered: bool,
    /// Whether it was called back, as the records say.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub called_back: bool,
    /// When, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub called_back_at: Option<Timestamp>,
    /// Whether something was asked that is to be answered.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub asks: bool,
}

/// The calls of a unit on one day.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CallDay {
    /// How many came.
    pub total: u64,
    /// How many were taken.
    pub answered: u64,
    /// How many of the others were called back, as the records say.
    pub called_back: u64,
    /// How many ask something that is to be answered.
    pub asked: u64,
    /// The calls themselves; none once the day is closed.
    seen: OrdSet<Digest>,
    /// Whether the day is closed: no call of it is taken in any more, since it could be there already.
    #[serde(default)]
    closed: bool,
}

/// The calls of every unit, by day.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Calls(OrdMap<String, OrdMap<Date, CallDay>>);

impl Calls {
    /// Takes calls in; what came before `closed` is closed.
    pub(crate) fn apply(&mut self, unit: &str, calls: &[CallEntry], closed: Option<Date>) {
        let days = self.0.entry(unit.to_owned()).or_default();
        for call in calls {
            let day = days.entry(call.day).or_default();
            day.total += 1;
            day.answered += u64::from(call.answered);
            day.called_back += u64::from(call.called_back);
            day.asked += u64::from(call.asks);
            day.seen.insert(call.identity);
        }
        if let Some(bound) = closed {
            let old: Vec<Date> = days.iter().take_while(|(day, _)| **day < bound).map(|(day, _)| *day).collect();
            for day in old {
                if let Some(day) = days.get_mut(&day).filter(|day| !day.closed) {
                    day.seen = OrdSet::new();
                    day.closed = true;
                }
            }
        }
    }

    fn day(&self, unit: &str, day: Date) -> Option<&CallDay> {
        self.0.get(unit)?.get(&day)
    }

    /// A day is closed once it, or a later one, was.
    fn is_closed(&self, unit: &str, day: Date) -> bool {
        let days = self.0.get(unit).into_iter().flat_map(|days| days.range(day..));
        days.into_iter().any(|(_, day)| day.closed)
    }

    /// Before which day calls are no longer known one by one, once there are more than `most`.
    fn bound(&self, unit: &str, most: usize) -> Option<Date> {
        let days = self.0.get(unit)?;
        let mut count: usize = days.values().map(|day| day.seen.len()).sum();
        if count <= most {
            return None;
        }
        let mut bound = None;
        for (date, day) in days {
            if count <= most - most / 10 {
                break;
            }
            count -= day.seen.len();
            bound = date.tomorrow().ok();
        }
        bound
    }

    /// The sums of the days from one to another, both included, by unit.
    pub(crate) fn sums(&self, from: Date, to: Date) -> BTreeMap<&str, CallDay> {
        let mut sums: BTreeMap<&str, CallDay> = BTreeMap::new();
        for (unit, days) in &self.0 {
            for (_, day) in days.range(from..=to) {
                let sum = sums.entry(unit.as_str()).or_default();
                sum.total += day.total;
                sum.answered += day.answered;
                sum.called_back += day.called_back;
                sum.asked += day.asked;
            }
        }
        sums
    }
}

impl Work<'_> {
    /// Takes call records in: each once, whatever file it comes in.
    pub(crate) fn import_calls(&mut self, input: &ImportCalls) -> Output {
        let policy = self.policy()?;
        if policy.unit(&input.unit).is_none() {
            return Err(
                DeskError::new("not-found", format!("the policy pack has no unit `{}`", input.unit)).at("/unit")
            );
        }
        if input.calls.len() > MAX_CALLS {
            let message = format!("{} calls in one page; at most {MAX_CALLS}", input.calls.len());
            return Err(DeskError::new("too-large", message).at("/calls").hint("send fewer at once"));
        }
        let zone = policy.time_zone.time_zone();
        let (mut entries, mut each) = (Vec::new(), Vec::with_capacity(input.calls.len()));
        let mut fresh: Vec<(usize, CallEntry)> = Vec::new();
        let mut here: std::collections::BTreeSet<Digest> = std::collections::BTreeSet::new();
        for (at, call) in input.calls.iter().enumerate() {
            let day = zone.to_datetime(call.at).date();
            match self.call(input, call, day) {
                Err(reason) => each.push(json!({ "outcome": "refused", "reason": reason })),
                Ok(entry) => {
                    let known =
                        self.desk.calls().day(&input.unit, day).is_some_and(|d| d.seen.contains(&entry.identity));
                    if known || !here.insert(entry.identity) {
                        let case = self.desk.came_in(&entry.identity);
                        each.push(json!({ "outcome": "seen", "case": case }));
                        continue;
                    }
                    each.push(json!({ "outcome": "taken" }));
                    fresh.push((at, entry.clone()));
                    entries.push(entry);
                }
            }
        }
        let (taken, refused) = (entries.len(), each.iter().filter(|said| said["outcome"] == "refused").count());
        if !entries.is_empty() {
            let at = self.now();
            let closed_before = self.desk.calls().bound(&input.unit, MAX_SEEN);
            let (unit, source) = (input.unit.clone(), clip(&input.source, 100));
            self.push(Fact::CallsRecorded { unit, source, calls: entries, closed_before, at });
        }
        let mut opened = Vec::new();
        for (at, entry) in fresh {
            let Some(call) = input.calls.get(at) else { continue };
            let (case, joined) = self.case_of_call(input, call, &entry)?;
            if let (Some(case), Some(said)) = (&case, each.get_mut(at)) {
                said["case"] = json!(case);
            }
            opened.extend(case.filter(|_| !joined));
        }
        let seen = each.len() - taken - refused;
        Ok(json!({ "taken": taken, "seen": seen, "refused": refused, "opened": opened, "items": each }))
    }

    /// A call as the journal keeps it, or why it is not taken in.
    fn call(&self, input: &ImportCalls, call: &Call, day: Date) -> Result<CallEntry, String> {
        let Some(phone) = Phone::of(self.content_key(), &call.phone) else {
            return Err("the number has fewer than three digits".to_owned());
        };
        let latest = self.now().checked_add(AHEAD).unwrap_or(self.now());
        if call.at > latest {
            return Err(format!("the call came at {}, and it is {} now", call.at, self.now()));
        }
        if let Some(back) = call.called_back_at
            && (back < call.at || back > latest)
        {
            return Err(format!("it was called back at {back}, and it came at {}", call.at));
        }
        if self.desk.calls().is_closed(&input.unit, day) {
            return Err(format!("the calls of {day} are closed: nobody can say any more which are there already"));
        }
        if let Some(said) = &call.said
            && let Some(fault) = said.item.fault()
        {
            return Err(fault);
        }
        let unit = input.unit.as_bytes();
        let identity = match call.id.as_deref().map(str::trim).filter(|id| !id.is_empty()) {
            Some(id) => Digest::of(self.content_key(), &[b"call", unit, b"id", id.as_bytes()]),
            None => {
                let at = call.at.as_millisecond().to_be_bytes();
                Digest::of(self.content_key(), &[b"call", unit, b"at", &at, format!("{:?}", phone.hash).as_bytes()])
            }
        };
        let missed = !call.answered;
        let called_back = missed && (call.called_back || call.called_back_at.is_some());
        Ok(CallEntry {
            identity,
            at: call.at,
            day,
            phone,
            answered: call.answered,
            called_back,
            called_back_at: call.called_back_at.filter(|_| called_back),
            asks: call.said.is_some() && !call.replied,
        })
    }

    /// The case of a call, where it has one, and whether it was open before: for what it asks, or to call back.
    fn case_of_call(
        &mut self,
        input: &ImportCalls,
        call: &Call,
        entry: &CallEntry,
    ) -> Result<(Option<String>, bool), DeskError> {
        let missed = !entry.answered && !entry.called_back;
        let intake = Intake {
            kind: Kind::Hotline,
            duty: call.duty.clone(),
            region: call.region.clone(),
            missed,
            ..Intake::default()
        };
        let came_in = CameIn {
            identity: entry.identity,
            source: clip(&input.source, 100),
            reference: call.id.as_deref().map(|id| clip(id.trim(), 200)).unwrap_or_default(),
            phone: Some(entry.phone.clone()),
            missed,
            unrouted: None,
        };
        let asker = call.asker.as_deref().map(str::trim).filter(|name| !name.is_empty());
        let asker = asker.map_or_else(|| entry.phone.asker(), |name| clip(name, 100));
        if let Some(said) = &call.said {
            let number = self.take_said(&input.unit, said, entry.asks, &intake, came_in, asker)?;
            return Ok((number, false));
        }
        if !missed {
            return Ok((None, false));
        }
        // Whoever tries again and again waits for one call.
        if let Some(open) = self.desk.waiting_caller(&input.unit, &entry.phone.hash) {
            return Ok((Some(open), true));
        }
        self.missed_call(&input.unit, &intake, came_in, entry, asker).map(|number| (Some(number), false))
    }
}

/// How many calls came and were taken (接听率), by unit, on the days from one to another, both included.
pub fn call_rate(desk: &Desk, from: Date, to: Date) -> Vec<Value> {
    let sums = desk.calls().sums(from, to);
    let row = |(unit, sum): (&str, CallDay)| {
        json!({
            "unit": unit, "total": sum.total, "answered": sum.answered, "missed": sum.total - sum.answered,
            "called_back": sum.called_back, "asked": sum.asked,
        })
    };
    sums.into_iter().map(row).collect()
}
