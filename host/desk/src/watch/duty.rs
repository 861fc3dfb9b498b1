//! Duty and patrols (专人和力量、巡查; clause 3.1b): slots and patrols are made
//! from the roster some days ahead and kept on record as they were; a slot that
//! nobody holds, a check-in and a patrol that did not come are noticed once.

use std::sync::Arc;

use imbl::OrdMap;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp, ToSpan};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::roster::{self, Held, Slot};
use super::{Told, WatchFact};
use crate::actor::Actor;
use crate::command::{CheckIn as CheckInCommand, FinishPatrol, SetRoster, SwapDuty};
use crate::decide::{Output, Work, said};
use crate::error::DeskError;
use crate::item::Digest;
use crate::policy::{DutyRule, Occasion, PolicyPack};

/// For how many days from the present one slots are made.
const DAYS_AHEAD: i32 = 4;
/// How long slots and patrols are kept.
const KEPT: SignedDuration = SignedDuration::from_hours(35 * 24);
/// How long before a slot begins its people may check in.
const EARLY: SignedDuration = SignedDuration::from_hours(1);
/// The most slots of a roster that a person sets.
pub(crate) const MAX_SLOTS: usize = 500;

/// Later than anything that is planned: the year 9000.
const NEVER: Timestamp = Timestamp::constant(221_845_392_000, 0);

/// Somebody came on duty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckIn {
    /// The person's id.
    pub person: String,
    /// When.
    pub at: Timestamp,
    /// After the time allowed for it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub late: bool,
}

/// Other people took a slot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Swap {
    /// Who had it.
    pub from: Vec<String>,
    /// Who has it.
    pub to: Vec<String>,
    /// Why.
    pub reason: String,
    /// Who swapped it.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
}

/// A slot on one day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DutySlot {
    /// `<slot>@<date>`, once in the unit.
    pub id: String,
    /// When it begins.
    pub starts: Timestamp,
    /// When it ends.
    pub ends: Timestamp,
    /// Who holds it.
    pub people: Vec<String>,
    /// When it alerts if nobody does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alert_at: Option<Timestamp>,
    /// By when somebody has to be there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check_by: Option<Timestamp>,
    /// When it alerted because nobody held it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alerted: Option<Timestamp>,
    /// When nobody had come in time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missed: Option<Timestamp>,
    /// Who came.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checked_in: Vec<CheckIn>,
    /// Who passed it on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub swaps: Vec<Swap>,
}

impl DutySlot {
    fn next_wake(&self) -> Option<Timestamp> {
        if self.people.is_empty() {
            return self.alert_at.filter(|_| self.alerted.is_none());
        }
        self.check_by.filter(|_| self.checked_in.is_empty() && self.missed.is_none())
    }
}

/// What was seen on a patrol.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    /// In words.
    pub text: String,
    /// Where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The item that was made of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "uuid"))]
    pub item: Option<Uuid>,
}

/// A patrol on one day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Patrol {
    /// `<unit>.<patrol>@<date>T<time>`.
    pub id: String,
    /// How people call it.
    pub name: String,
    /// What to look at.
    pub look: Vec<String>,
    /// When it begins.
    pub at: Timestamp,
    /// By when it is made.
    pub due: Timestamp,
    /// When it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<Timestamp>,
    /// By whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Actor>,
    /// What was seen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seen: Vec<Seen>,
    /// When it had not been made in time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missed: Option<Timestamp>,
}

impl Patrol {
    /// `planned`, `due`, `done`, `done-late`, `missed`.
    pub fn state(&self, now: Timestamp) -> &'static str {
        match (self.done, self.missed) {
            (Some(_), Some(_)) => "done-late",
            (Some(_), None) => "done",
            (None, Some(_)) => "missed",
            (None, None) if now < self.at => "planned",
            (None, None) => "due",
        }
    }
}

/// The duty of a unit.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Duty {
    /// The roster that a person set in the place of the pack's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) own: Option<Vec<Slot>>,
    /// What the plan was made from.
    #[serde(default)]
    pub(crate) basis: String,
    /// Planned up to here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) until: Option<Timestamp>,
    #[serde(default)]
    pub(crate) slots: OrdMap<String, Arc<DutySlot>>,
    #[serde(default)]
    pub(crate) patrols: OrdMap<String, Arc<Patrol>>,
}

impl Duty {
    pub(crate) fn on_duty(&self, at: Timestamp) -> Vec<String> {
        let now = self.slots.values().filter(|slot| slot.starts <= at && at < slot.ends);
        let mut people: Vec<String> = now.flat_map(|slot| slot.people.iter().cloned()).collect();
        people.sort();
        people.dedup();
        people
    }

    /// When the next days are planned: while three are still ahead.
    fn plan_at(&self) -> Option<Timestamp> {
        self.until?.checked_sub(SignedDuration::from_hours(24 * i64::from(DAYS_AHEAD - 1))).ok()
    }

    pub(crate) fn next_wake(&self) -> Option<Timestamp> {
        let slots = self.slots.values().filter_map(|slot| slot.next_wake());
        let patrols = self.patrols.values().filter(|p| p.done.is_none() && p.missed.is_none()).map(|p| p.due);
        slots.chain(patrols).chain(self.plan_at()).min()
    }

    pub(super) fn apply(&mut self, fact: &WatchFact) -> bool {
        let slot = |slots: &mut OrdMap<String, Arc<DutySlot>>, id: &str, change: &mut dyn FnMut(&mut DutySlot)| {
            slots.get_mut(id).map(|slot| change(Arc::make_mut(slot))).is_some()
        };
        match fact {
            WatchFact::DutyPlanned { basis, until, slots, patrols, drop_from, at, .. } => {
                let kept = at.checked_sub(KEPT).unwrap_or(Timestamp::MIN);
                let stays =
                    |starts: Timestamp, ends: Timestamp| ends >= kept && drop_from.is_none_or(|from| starts < from);
                let slots_before = std::mem::take(&mut self.slots).into_iter();
                self.slots = slots_before.filter(|(_, slot)| stays(slot.starts, slot.ends)).collect();
                let patrols_before = std::mem::take(&mut self.patrols).into_iter();
                self.patrols = patrols_before.filter(|(_, patrol)| stays(patrol.at, patrol.due)).collect();
                for slot in slots {
                    self.slots.entry(slot.id.clone()).or_insert_with(|| Arc::new(slot.clone()));
                }
                for patrol in patrols {
                    self.patrols.entry(patrol.id.clone()).or_insert_with(|| Arc::new(patrol.clone()));
                }
                self.basis.clone_from(basis);
                self.until = Some(*until);
                true
            }
            WatchFact::RosterSet { slots, .. } => {
                self.own.clone_from(slots);
                true
            }
            WatchFact::DutySwapped { slot: id, people, reason, by, at, .. } => slot(&mut self.slots, id, &mut |slot| {
                let from = std::mem::replace(&mut slot.people, people.clone());
                let swap = Swap { from, to: people.clone(), reason: reason.clone(), by: by.clone(), at: *at };
                slot.swaps.push(swap);
            }),
            WatchFact::DutyUnstaffed { slot: id, at, .. } => {
                slot(&mut self.slots, id, &mut |slot| slot.alerted = Some(*at))
            }
            WatchFact::DutyMissed { slot: id, at, .. } => {
                slot(&mut self.slots, id, &mut |slot| slot.missed = Some(*at))
            }
            WatchFact::DutyCheckedIn { slot: id, person, late, at, .. } => slot(&mut self.slots, id, &mut |slot| {
                slot.checked_in.push(CheckIn { person: person.clone(), at: *at, late: *late });
            }),
            WatchFact::PatrolDone { patrol, seen, by, at, .. } => {
                let Some(known) = self.patrols.get_mut(patrol) else { return false };
                let known = Arc::make_mut(known);
                (known.done, known.by) = (Some(*at), Some(by.clone()));
                known.seen.clone_from(seen);
                true
            }
            WatchFact::PatrolMissed { patrol, at, .. } => {
                let Some(known) = self.patrols.get_mut(patrol) else { return false };
                Arc::make_mut(known).missed = Some(*at);
                true
            }
            _ => false,
        }
    }
}

/// The roster of a unit as it holds: its own, or the pack's.
fn slots_of<'d>(duty: Option<&'d Arc<Duty>>, rule: Option<&'d DutyRule>) -> &'d [Slot] {
    let own = duty.and_then(|duty| duty.own.as_deref());
    own.or_else(|| rule.map(|rule| rule.slots.as_slice())).unwrap_or_default()
}

impl Work<'_> {
    /// Makes the slots and patrols of the coming days, where the roster has any or has changed.
    pub(crate) fn plan_duty(&mut self, unit: &str) -> Result<(), DeskError> {
        let policy = self.policy()?;
        let rule = policy.duty_of(unit);
        let duty = self.desk.watch.duty(unit).cloned();
        let slots = slots_of(duty.as_ref(), rule).to_vec();
        if duty.is_none() && rule.is_none() {
            return Ok(());
        }
        let zone = policy.time_zone.time_zone().clone();
        let basis = basis(&policy, unit, &slots);
        let now = self.now();
        // A little ahead, so that a day of 23 hours does not come before its plan.
        let today = roster::date_of(now.checked_add(SignedDuration::from_hours(2)).unwrap_or(now), &zone);
        let after = |days: i32| today.checked_add(days.days()).ok();
        let (Some(earliest), Some(last)) = (after(-2), after(DAYS_AHEAD)) else { return Ok(()) };
        let midnight =
            |date: Date| zone.to_ambiguous_timestamp(date.to_datetime(jiff::civil::Time::midnight())).compatible().ok();
        // Where there is nothing to plan there is no day on which to plan it.
        let idle = slots.is_empty() && rule.is_none();
        let Some(until) = (if idle { Some(NEVER) } else { midnight(last) }) else { return Ok(()) };
        let same = duty.as_ref().is_some_and(|duty| duty.basis == basis);
        let planned = duty.as_ref().and_then(|duty| duty.until);
        if same && planned.is_some_and(|planned| planned >= until) {
            return Ok(());
        }
        // What was not planned yet; all that has not begun where the roster has changed.
        let first = planned.filter(|_| same).map_or(earliest, |planned| roster::date_of(planned, &zone));
        let drop_from = (!same && planned.is_some()).then_some(now);
        let before = |id: &str| duty.as_ref().and_then(|duty| duty.slots.get(id));
        let made: Vec<DutySlot> = roster::held(&slots, first, last, &zone)
            .iter()
            .filter(|held| held.ends > now)
            .map(|held| self.slot(&policy, rule, unit, held, before(&occasion(held))))
            .collect();
        let patrols = rule.map(|rule| patrols(rule, unit, first, last, &zone, now)).unwrap_or_default();
        self.watched(WatchFact::DutyPlanned {
            unit: unit.to_owned(),
            basis,
            until,
            slots: made,
            patrols,
            drop_from,
            at: now,
        });
        Ok(())
    }

    fn slot(
        &self,
        policy: &PolicyPack,
        rule: Option<&DutyRule>,
        unit: &str,
        held: &Held<'_>,
        before: Option<&Arc<DutySlot>>,
    ) -> DutySlot {
        // Who is no longer there does not hold a slot.
        let there = |id: &&String| policy.answers_for(id, unit);
        let before = before.filter(|slot| slot.starts == held.starts);
        let swapped = before.and_then(|slot| slot.swaps.last()).map(|swap| &swap.to);
        let people: Vec<String> = swapped.unwrap_or(&held.slot.people).iter().filter(there).cloned().collect();
        let begun = held.starts < self.now();
        let earlier = |by: SignedDuration| held.starts.checked_sub(by).ok();
        DutySlot {
            id: occasion(held),
            starts: held.starts,
            ends: held.ends,
            people,
            alert_at: rule.map_or(Some(held.starts), |rule| earlier(SignedDuration::from_secs(rule.alert_before))),
            check_by: rule
                .and_then(|rule| rule.check_in)
                .filter(|_| !begun)
                .and_then(|within| held.starts.checked_add(SignedDuration::from_secs(within)).ok()),
            alerted: before.and_then(|slot| slot.alerted),
            missed: before.and_then(|slot| slot.missed),
            checked_in: before.map(|slot| slot.checked_in.clone()).unwrap_or_default(),
            swaps: before.map(|slot| slot.swaps.clone()).unwrap_or_default(),
        }
    }

    /// What time has brought about in a unit's duty.
    pub(crate) fn tick_duty(&mut self, unit: &str) -> Result<(), DeskError> {
        let now = self.now();
        let Some(duty) = self.desk.watch.duty(unit).cloned() else { return Ok(()) };
        for slot in duty.slots.values().filter(|slot| slot.next_wake().is_some_and(|at| at <= now)) {
            if slot.people.is_empty() {
                let notify = self.told(Occasion::DutyUnstaffed, None, unit);
                self.watched(WatchFact::DutyUnstaffed {
                    unit: unit.to_owned(),
                    slot: slot.id.clone(),
                    starts: slot.starts,
                    ends: slot.ends,
                    at: now,
                    notify,
                });
            } else {
                let mut notify = self.told(Occasion::DutyMissed, None, unit);
                let policy = self.policy()?;
                if let Some(rule) = policy.duty_of(unit) {
                    for target in &rule.fallback {
                        for to in policy.resolve(target, unit) {
                            if notify.iter().all(|told| told.to.id != to.id) {
                                notify.push(Told { to, clause: rule.basis.clause.clone() });
                            }
                        }
                    }
                }
                self.watched(WatchFact::DutyMissed {
                    unit: unit.to_owned(),
                    slot: slot.id.clone(),
                    people: slot.people.clone(),
                    starts: slot.starts,
                    at: now,
                    notify,
                });
            }
        }
        let open = |patrol: &&Arc<Patrol>| patrol.done.is_none() && patrol.missed.is_none() && patrol.due <= now;
        for patrol in duty.patrols.values().filter(open) {
            let notify = self.told(Occasion::PatrolMissed, None, unit);
            self.watched(WatchFact::PatrolMissed {
                unit: unit.to_owned(),
                patrol: patrol.id.clone(),
                name: patrol.name.clone(),
                due: patrol.due,
                at: now,
                notify,
            });
        }
        self.plan_duty(unit)
    }

    /// `set-roster`.
    pub(crate) fn set_roster(&mut self, input: &SetRoster) -> Output {
        let unit = self.watched_unit(input.unit.as_deref(), "/unit")?;
        let reason = said(&input.reason, 1_000, "/reason", "the reason")?;
        if let Some(slots) = &input.slots {
            if slots.len() > MAX_SLOTS {
                return Err(DeskError::new("too-many", format!("a roster has at most {MAX_SLOTS} slots")).at("/slots"));
            }
            for (i, slot) in slots.iter().enumerate() {
                let at = |key: &str| format!("/slots/{i}/{key}");
                let id = said(&slot.id, 64, &at("id"), "the slot's id")?;
                if id.contains(['@', '/', '|']) || slots.iter().take(i).any(|other| other.id == slot.id) {
                    return Err(DeskError::new("invalid-input", format!("`{id}` is no id of a slot of its own"))
                        .at(at("id"))
                        .hint("give each slot an id once, without @, / and |"));
                }
                if slot.date.is_some() && !slot.days.is_empty() {
                    return Err(DeskError::new("ambiguous", "a slot is held on a date or on days of the week")
                        .at(at("days"))
                        .hint("leave one of the two out"));
                }
                self.all_of_unit(&slot.people, &unit, &at("people"))?;
            }
        }
        self.watched(WatchFact::RosterSet {
            unit: unit.clone(),
            slots: input.slots.clone(),
            reason,
            by: self.actor().clone(),
            at: self.now(),
        });
        self.plan_duty(&unit)?;
        self.tick_duty(&unit)?;
        Ok(json!({ "unit": unit, "slots": input.slots.as_ref().map_or(0, Vec::len), "own": input.slots.is_some() }))
    }

    /// `swap-duty`.
    pub(crate) fn swap_duty(&mut self, input: &SwapDuty) -> Output {
        let unit = self.watched_unit(input.unit.as_deref(), "/unit")?;
        let reason = said(&input.reason, 1_000, "/reason", "the reason")?;
        let slot = self.duty_slot(&unit, &input.slot)?;
        if slot.ends <= self.now() {
            return Err(DeskError::new("order", format!("slot {} is over", slot.id)).at("/slot").clause("3.1b"));
        }
        if input.people.is_empty() {
            return Err(DeskError::new("empty", "nobody would hold the slot")
                .at("/people")
                .clause("3.1b")
                .hint("name those who take it"));
        }
        self.all_of_unit(&input.people, &unit, "/people")?;
        let mut people = input.people.clone();
        people.sort();
        people.dedup();
        self.watched(WatchFact::DutySwapped {
            unit: unit.clone(),
            slot: slot.id.clone(),
            people: people.clone(),
            reason,
            by: self.actor().clone(),
            at: self.now(),
        });
        Ok(json!({ "unit": unit, "slot": slot.id, "people": people }))
    }

    /// `check-in`.
    pub(crate) fn check_in(&mut self, input: &CheckInCommand) -> Output {
        let unit = self.watched_unit(input.unit.as_deref(), "/unit")?;
        let person = self.person("check in", "3.1b")?;
        let now = self.now();
        let slots: Vec<Arc<DutySlot>> =
            self.desk.watch.duty(&unit).map(|duty| duty.slots.values().cloned().collect()).unwrap_or_default();
        let opens = |slot: &DutySlot| slot.starts.checked_sub(EARLY).unwrap_or(slot.starts);
        let mine = slots.iter().filter(|slot| {
            slot.people.contains(&person)
                && opens(slot) <= now
                && now < slot.ends
                && input.slot.as_ref().is_none_or(|id| *id == slot.id)
        });
        // Of two that touch, the one that is not checked in yet.
        let slot = mine.min_by_key(|slot| (slot.checked_in.iter().any(|c| c.person == person), slot.starts));
        let Some(slot) = slot else {
            let next =
                slots.iter().filter(|slot| slot.people.contains(&person) && slot.starts > now).min_by_key(|s| s.starts);
            let hint = next.map_or_else(
                || "`huiyin roster show` shows who is; `huiyin roster swap` gives a slot to somebody else".to_owned(),
                |next| format!("the next slot is {}, from {}", next.id, next.starts),
            );
            return Err(DeskError::new("not-on-duty", format!("`{person}` is not on duty for unit `{unit}` now"))
                .clause("3.1b")
                .hint(hint));
        };
        let late = slot.check_by.is_some_and(|by| now > by);
        if slot.checked_in.iter().all(|checked| checked.person != person) {
            self.watched(WatchFact::DutyCheckedIn {
                unit: unit.clone(),
                slot: slot.id.clone(),
                person: person.clone(),
                late,
                at: now,
            });
        }
        Ok(json!({ "unit": unit, "slot": slot.id, "person": person, "late": late, "ends": slot.ends }))
    }

    /// `finish-patrol`.
    pub(crate) fn finish_patrol(&mut self, input: &FinishPatrol) -> Output {
        let unit = input.patrol.split('.').next().unwrap_or_default().to_owned();
        let patrol = self.desk.watch.duty(&unit).and_then(|duty| duty.patrols.get(&input.patrol)).cloned();
        let Some(patrol) = patrol else {
            return Err(DeskError::new(
                "not-found",
                format!("there is no patrol {}", crate::text::clip(&input.patrol, 100)),
            )
            .at("/patrol")
            .hint("`huiyin patrol list` shows them"));
        };
        self.within(&unit, "/patrol")?;
        if patrol.done.is_some() {
            return Err(DeskError::new("unchanged", format!("patrol {} is on record already", patrol.id)).at("/patrol"));
        }
        let now = self.now();
        if now < patrol.at {
            return Err(DeskError::new("order", format!("patrol {} begins at {}", patrol.id, patrol.at))
                .at("/patrol")
                .clause("3.1b"));
        }
        if input.seen.is_empty() || input.seen.len() > 100 {
            return Err(DeskError::new("empty", "what was seen is 1 to 100 entries")
                .at("/seen")
                .clause("3.1b")
                .hint("say so, too, where nothing was to be seen"));
        }
        let mut seen = Vec::new();
        for (i, one) in input.seen.iter().enumerate() {
            let text = said(&one.text, 1_000, &format!("/seen/{i}/text"), "what was seen")?;
            if let Some(item) = &one.item {
                self.record(item)?;
            }
            let url = one.url.as_ref().map(|url| crate::text::clip(url, 500));
            seen.push(Seen { text, url, item: one.item });
        }
        let late = now > patrol.due;
        self.watched(WatchFact::PatrolDone {
            unit: unit.clone(),
            patrol: patrol.id.clone(),
            seen,
            late,
            by: self.actor().clone(),
            at: now,
        });
        Ok(json!({ "unit": unit, "patrol": patrol.id, "late": late }))
    }

    /// The unit that a command names, else the acting one's.
    pub(crate) fn watched_unit(&self, named: Option<&str>, pointer: &str) -> Result<String, DeskError> {
        let unit = named.or_else(|| self.scope()).map(str::to_owned);
        let unit = unit.ok_or_else(|| DeskError::new("empty", "the unit is missing").at(pointer))?;
        if self.policy()?.unit(&unit).is_none_or(crate::unit::Unit::is_partner) {
            return Err(DeskError::new(
                "not-found",
                format!("the policy pack has no unit `{unit}` with a duty of its own"),
            )
            .at(pointer));
        }
        self.within(&unit, pointer)?;
        Ok(unit)
    }

    fn duty_slot(&self, unit: &str, id: &str) -> Result<Arc<DutySlot>, DeskError> {
        self.desk.watch.duty(unit).and_then(|duty| duty.slots.get(id)).cloned().ok_or_else(|| {
            DeskError::new("not-found", format!("unit `{unit}` has no slot `{}`", crate::text::clip(id, 100)))
                .at("/slot")
                .hint("`huiyin roster show` shows the slots of the coming days")
        })
    }

    fn all_of_unit(&self, people: &[String], unit: &str, pointer: &str) -> Result<(), DeskError> {
        let policy = self.policy()?;
        match people.iter().enumerate().find(|(_, id)| !policy.answers_for(id, unit)) {
            None => Ok(()),
            Some((i, id)) => Err(DeskError::new(
                "not-found",
                format!("neither unit `{unit}` nor one above it names a person `{}`", crate::text::clip(id, 100)),
            )
            .at(format!("{pointer}/{i}"))
            .hint("duty is held by people of the policy pack")),
        }
    }
}

fn occasion(held: &Held<'_>) -> String {
    format!("{}@{}", held.slot.id, held.date)
}

/// What a plan is made from: another roster, other people or other rules give another one.
fn basis(policy: &PolicyPack, unit: &str, slots: &[Slot]) -> String {
    let people: Vec<&str> = policy.line(unit).flat_map(|unit| &unit.people).map(|person| person.id.as_str()).collect();
    let text = json!([slots, policy.duty_of(unit), people, policy.time_zone.name()]).to_string();
    format!("{:?}", Digest::of(&[0; 32], &[text.as_bytes()]))
}

fn patrols(
    rule: &DutyRule,
    unit: &str,
    first: Date,
    last: Date,
    zone: &jiff::tz::TimeZone,
    now: Timestamp,
) -> Vec<Patrol> {
    let mut all = Vec::new();
    for patrol in &rule.patrols {
        let mut date = first;
        while date < last {
            for time in &patrol.at {
                let Some(at) = roster::moment(date, *time, zone) else { continue };
                let Ok(due) = at.checked_add(SignedDuration::from_secs(patrol.within)) else { continue };
                // What was over before the roster was known cannot have been missed.
                if due > now {
                    all.push(Patrol {
                        id: format!("{unit}.{}@{date}T{time}", patrol.id),
                        name: patrol.name.zh.clone(),
                        look: patrol.look.clone(),
                        at,
                        due,
                        done: None,
                        by: None,
                        seen: Vec::new(),
                        missed: None,
                    });
                }
            }
            let Ok(next) = date.checked_add(1.day()) else { break };
            date = next;
        }
    }
    all
}

/// A slot as people and programs read it.
pub(crate) fn slot_view(slot: &DutySlot, now: Timestamp) -> Value {
    let state = match (slot.people.is_empty(), slot.checked_in.is_empty(), slot.missed.is_some()) {
        (true, ..) => ("unstaffed", "无人值班"),
        (_, false, true) => ("checked-in-late", "迟到签到"),
        (_, false, false) => ("checked-in", "已签到"),
        (_, true, true) => ("missed", "未签到"),
        (_, true, false) if slot.starts > now => ("planned", "待值"),
        (_, true, false) => ("on-duty", "在值"),
    };
    json!({
        "slot": slot.id, "starts": slot.starts, "ends": slot.ends, "people": slot.people,
        "now": slot.starts <= now && now < slot.ends,
        "state": state.0, "state_zh": state.1,
        "check_by": slot.check_by, "alerted": slot.alerted, "missed": slot.missed,
        "checked_in": slot.checked_in, "swaps": slot.swaps,
    })
}
