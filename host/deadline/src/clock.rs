//! A running deadline 时限.
//!
//! The functions here decide and return facts; [`Clock::apply`] takes facts in and decides nothing. The present
//! moment is always handed in. The promises (design §3 rule 5):
//!
//! - A due time that passes unsatisfied gives exactly one [`ClockFact::Breached`], however often or late
//!   [`tick`] is called and however often the clock is rebuilt from its facts; it reports its true lateness.
//! - A clock that starts late is *born breached*: [`start`] returns its start and its breach together.
//! - What is done at the due time is on time; the breach comes with the first instant after it.
//! - Each warning is given at most once for one due time, and none is given after the breach.
//! - A clock whose rule does not allow pauses cannot be paused.
//! - There is more time at most once, and only before the due time ([`extend`]).
//! - Newer figures or a newer calendar reach a clock only by [`recompute`], which leaves a breach as it is.
//!
//! What follows a due time that nears or passes, and up whom it climbs, is a [`ladder`].
//!
//! A breach that was reported stays in the history for good, even when a correction lifts it.

mod fact;
pub mod ladder;
mod rule;
mod state;

use jiff::{SignedDuration, Timestamp};

pub use fact::{Armed, ClockFact};
pub use rule::{Anchor, ClockRule, PauseKind, Revised, RuleError, Warning, WarningError};
pub use state::{Breach, Clock, Correction, Extension, Pause, ReplayError, Satisfied, Warned};

use crate::allowance::Allowance;
use crate::calendar::Calendar;
use crate::due::{DeadlineError, Due, due, working_days, working_days_left};
use crate::office;

/// Timers count in milliseconds: the first instant that is late, as far as a timer can tell.
const GRAIN: SignedDuration = SignedDuration::from_millis(1);

/// Something that cannot be done to a clock.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClockError {
    /// The rule itself is wrong.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// The due time cannot be computed.
    #[error(transparent)]
    Deadline(#[from] DeadlineError),
    /// A calendar other than the rule's was handed in.
    #[error(
        "clock \"{clock}\" counts by calendar \"{wanted}\", but \"{given}\" was given; load the calendar the rule names"
    )]
    WrongCalendar {
        /// The clock.
        clock: String,
        /// The calendar's id in the rule.
        wanted: String,
        /// The id of what was handed in.
        given: String,
    },
    /// The rule does not allow pauses.
    #[error("clock \"{clock}\" cannot be paused: its rule \"{rule}\" ({source_text}) is not pausable")]
    Unpausable {
        /// The clock.
        clock: String,
        /// Its rule.
        rule: String,
        /// The text the rule comes from.
        source_text: String,
    },
    /// The clock rests already.
    #[error("clock \"{clock}\" was satisfied at {at}; a clock at rest does not change any more")]
    AlreadySatisfied {
        /// The clock.
        clock: String,
        /// When.
        at: Timestamp,
    },
    /// Too late to pause.
    #[error("clock \"{clock}\" was due at {due}; a clock cannot be paused after its due time")]
    PastDue {
        /// The clock.
        clock: String,
        /// Its due time.
        due: Timestamp,
    },
    /// It stands still already.
    #[error("clock \"{clock}\" is paused since {since}; resume it first")]
    AlreadyPaused {
        /// The clock.
        clock: String,
        /// Since when.
        since: Timestamp,
    },
    /// It does not stand still.
    #[error("clock \"{clock}\" is not paused, so it cannot be resumed")]
    NotPaused {
        /// The clock.
        clock: String,
    },
    /// A time before one that has been recorded.
    #[error("{at} lies before {after}, which clock \"{clock}\" has recorded already; give a later time")]
    OutOfOrder {
        /// The clock.
        clock: String,
        /// What was given.
        at: Timestamp,
        /// What is known.
        after: Timestamp,
    },
    /// There was more time already.
    #[error("clock \"{clock}\" was extended at {at} already; there is more time only once")]
    AlreadyExtended {
        /// The clock.
        clock: String,
        /// When.
        at: Timestamp,
    },
    /// Too late for more time.
    #[error("clock \"{clock}\" was due at {due}; there is more time only before the due time")]
    TooLate {
        /// The clock.
        clock: String,
        /// Its due time.
        due: Timestamp,
    },
    /// Time of another kind than the clock's.
    #[error("clock \"{clock}\" counts {own}, and {given} is of another kind; give both in the same kind")]
    OtherKind {
        /// The clock.
        clock: String,
        /// Its own allowance.
        own: Allowance,
        /// What was given.
        given: Allowance,
    },
    /// A correction or a pause without a reason.
    #[error("clock \"{clock}\" changes only for a stated reason; say why")]
    NoReason {
        /// The clock.
        clock: String,
    },
}

/// Starts a clock. `now` is when it is started, which may be long after `anchor_at`; what is overdue by then is
/// returned at once.
pub fn start(
    rule: &ClockRule,
    id: &str,
    subject: &str,
    anchor_at: Timestamp,
    now: Timestamp,
    calendar: &Calendar,
) -> Result<Vec<ClockFact>, ClockError> {
    rule.check()?;
    check_calendar(id, &rule.calendar, calendar)?;
    let due = due(anchor_at, &rule.allowance, calendar, rule.zone.time_zone())?;
    let warnings = rule.warnings.iter().map(|warning| Armed {
        warning: *warning,
        at: warn_at(*warning, anchor_at, due, rule.allowance, calendar, rule.zone.time_zone()),
    });
    let started = ClockFact::Started {
        clock: id.to_owned(),
        rule: rule.id.clone(),
        subject: subject.to_owned(),
        source: rule.source.clone(),
        anchor: rule.anchor,
        anchor_at,
        allowance: rule.allowance,
        calendar: rule.calendar.clone(),
        zone: rule.zone.clone(),
        pausable: rule.pausable,
        due,
        warnings: sorted(warnings),
        at: now,
    };
    let overdue = Clock::started(&started).map(|clock| tick(&clock, now)).unwrap_or_default();
    Ok(std::iter::once(started).chain(overdue).collect())
}

/// What the passing of time has brought about by `now`. Once its facts are applied, the same call returns nothing.
pub fn tick(clock: &Clock, now: Timestamp) -> Vec<ClockFact> {
    if clock.satisfied.is_some() || clock.breached.is_some() {
        return Vec::new();
    }
    let reached = reached(clock, now);
    if reached > clock.due.at {
        return vec![breach(clock, now)];
    }
    let due_warnings = clock.warnings.iter().filter(|armed| armed.at <= reached);
    due_warnings
        .map(|armed| ClockFact::Warned {
            clock: clock.id.clone(),
            warning: armed.warning,
            warn_at: armed.at,
            due_at: clock.due.at,
            fired_at: now,
        })
        .collect()
}

/// When [`tick`] next has something to say; none while the clock rests or stands still.
pub fn next_wake(clock: &Clock) -> Option<Timestamp> {
    if clock.satisfied.is_some() || clock.breached.is_some() {
        return None;
    }
    let late = clock.due.at.checked_add(GRAIN).ok();
    let wake = clock.warnings.iter().map(|armed| armed.at).chain(late).min()?;
    match clock.paused_since() {
        Some(since) if wake > since => None,
        _ => Some(wake),
    }
}

/// What the clock waited for was done at `at`, by `by`. If that was late and no tick has noticed yet, the breach
/// comes with it.
pub fn satisfy(clock: &Clock, at: Timestamp, by: &str) -> Result<Vec<ClockFact>, ClockError> {
    check_running(clock)?;
    let on_time = reached(clock, at) <= clock.due.at;
    let mut facts = Vec::new();
    if !on_time && clock.breached.is_none() {
        facts.push(breach(clock, at));
    }
    facts.push(ClockFact::Satisfied { clock: clock.id.clone(), at, by: by.to_owned(), on_time });
    Ok(facts)
}

/// Whether a clock that is late at `now` would come to rest on time, were it believed that what it waited for was
/// done at `at`. Such a claim needs more than a word.
pub fn would_excuse(clock: &Clock, at: Timestamp, now: Timestamp) -> bool {
    clock.satisfied.is_none() && reached(clock, at) <= clock.due.at && clock.due.at < reached(clock, now)
}

/// What the clock had waited for was done at another time than it was satisfied with: later means late, if it is
/// after the due time. An earlier time changes nothing.
pub fn correct_satisfied(clock: &Clock, at: Timestamp, by: &str, now: Timestamp) -> Vec<ClockFact> {
    let Some(satisfied) = clock.satisfied.as_ref().filter(|satisfied| satisfied.at < at) else { return Vec::new() };
    let on_time = satisfied.on_time && at <= clock.due.at;
    let mut facts = Vec::new();
    if !on_time && clock.breached.is_none() {
        facts.push(late_after_all(clock, clock.due, at, now));
    }
    facts.push(ClockFact::Satisfied { clock: clock.id.clone(), at, by: by.to_owned(), on_time });
    facts
}

/// Corrects the moment the clock counts from. The due time is computed anew (times the clock stood still are
/// given back again); if that has passed already, the breach comes with it; if a reported breach is undone by
/// it, the breach moves to the history. Warnings whose new time is still to come are armed again. Of a clock at
/// rest it is judged anew whether it came to rest in time.
pub fn reanchor(
    clock: &Clock,
    anchor_at: Timestamp,
    reason: &str,
    by: &str,
    now: Timestamp,
    calendar: &Calendar,
) -> Result<Vec<ClockFact>, ClockError> {
    check_reason(clock, reason)?;
    check_calendar(&clock.id, &clock.calendar, calendar)?;
    reckon(clock, clock, anchor_at, None, reason, by, now, calendar)
}

/// Counts the due time anew by a newer calendar, and by newer figures where `revised` gives them. Nothing comes of it
/// where nothing changes, where the clock rests, and where it was breached: a breach that time has brought by `now`
/// is put on record first, by the figures that held. A due time that was provisional is settled by it.
pub fn recompute(
    clock: &Clock,
    revised: Option<&Revised>,
    reason: &str,
    by: &str,
    now: Timestamp,
    calendar: &Calendar,
) -> Result<Vec<ClockFact>, ClockError> {
    check_reason(clock, reason)?;
    if clock.satisfied.is_some() || clock.breached.is_some() {
        return Ok(Vec::new());
    }
    let overdue = tick(clock, now);
    if overdue.iter().any(|fact| matches!(fact, ClockFact::Breached { .. })) {
        return Ok(overdue);
    }
    let mut next = clock.clone();
    if let Some(new) = revised {
        if let Some(extension) = &clock.extension
            && new.allowance.and(&extension.allowance).is_none()
        {
            let (clock, own, given) = (clock.id.clone(), extension.allowance, new.allowance);
            return Err(ClockError::OtherKind { clock, own, given });
        }
        next.allowance = new.allowance;
        next.calendar.clone_from(&new.calendar);
        next.plan.clone_from(&new.warnings);
        next.pausable = new.pausable;
        next.source.clone_from(&new.source);
    }
    check_calendar(&clock.id, &next.calendar, calendar)?;
    let facts = reckon(clock, &next, clock.anchor_at, revised, reason, by, now, calendar)?;
    let changes = |fact: &ClockFact| match fact {
        ClockFact::Rescheduled { due, .. } => *due != clock.due || next != *clock,
        _ => true,
    };
    Ok(if facts.iter().any(changes) { facts } else { Vec::new() })
}

/// The due time of a clock by the figures of `next`, from another anchor.
#[allow(clippy::too_many_arguments)] // the parts of one fact, each used once
fn reckon(
    clock: &Clock,
    next: &Clock,
    anchor_at: Timestamp,
    revised: Option<&Revised>,
    reason: &str,
    by: &str,
    now: Timestamp,
    calendar: &Calendar,
) -> Result<Vec<ClockFact>, ClockError> {
    let zone = clock.zone.time_zone();
    let base = due(anchor_at, &next.total(), calendar, zone)?;
    let mut new = base;
    for (from, to) in stood_still(clock, anchor_at) {
        if from <= new.at {
            new = carry(next, new, from, to, calendar)?;
        }
    }
    let end = clock.satisfied.as_ref().map_or(reached(clock, now), |satisfied| satisfied.at);
    let warnings = planned(next, anchor_at, base, new, calendar)?
        .into_iter()
        .filter(|_| clock.satisfied.is_none())
        .filter(|armed| armed.at > now || clock.warned.iter().all(|warned| warned.warning != armed.warning));
    let rescheduled = ClockFact::Rescheduled {
        clock: clock.id.clone(),
        old_anchor_at: clock.anchor_at,
        anchor_at,
        old_due: clock.due,
        due: new,
        warnings: warnings.collect(),
        breach_lifted: clock.breached.is_some() && end <= new.at,
        reason: reason.to_owned(),
        by: by.to_owned(),
        at: now,
        revised: revised.cloned(),
    };
    let overdue = followed_by(clock, &rescheduled, now);
    let mut facts: Vec<ClockFact> = std::iter::once(rescheduled).chain(overdue).collect();
    if let Some(satisfied) = &clock.satisfied {
        let on_time = satisfied.at <= new.at;
        if !on_time && clock.breached.is_none() {
            facts.push(late_after_all(clock, new, satisfied.at, now));
        }
        if on_time != satisfied.on_time {
            facts.push(ClockFact::Satisfied {
                clock: clock.id.clone(),
                at: satisfied.at,
                by: satisfied.by.clone(),
                on_time,
            });
        }
    }
    Ok(facts)
}

/// Gives the clock more time, once: counted on from the due time it has. Warnings whose new time is still to come are
/// armed again.
pub fn extend(
    clock: &Clock,
    more: Allowance,
    reason: &str,
    by: &str,
    approved_by: Option<&str>,
    now: Timestamp,
    calendar: &Calendar,
) -> Result<Vec<ClockFact>, ClockError> {
    check_running(clock)?;
    check_reason(clock, reason)?;
    check_calendar(&clock.id, &clock.calendar, calendar)?;
    if let Some(extension) = &clock.extension {
        return Err(ClockError::AlreadyExtended { clock: clock.id.clone(), at: extension.at });
    }
    if clock.breached.is_some() || reached(clock, now) > clock.due.at {
        return Err(ClockError::TooLate { clock: clock.id.clone(), due: clock.due.at });
    }
    if let Some(since) = clock.paused_since() {
        return Err(ClockError::AlreadyPaused { clock: clock.id.clone(), since });
    }
    let mut next = clock.clone();
    let total = clock.allowance.and(&more);
    next.allowance =
        total.ok_or_else(|| ClockError::OtherKind { clock: clock.id.clone(), own: clock.allowance, given: more })?;
    let zone = clock.zone.time_zone();
    let out_of_range = || DeadlineError::OutOfRange { start: clock.due.at, allowance: more };
    let end = match more {
        Allowance::WorkingDays(days) => {
            // The last day that was counted is the one whose end the due time is.
            let last = clock.due.at.checked_sub(SignedDuration::from_nanos(1)).unwrap_or(clock.due.at);
            working_days(zone.to_datetime(last).date(), u32::from(days), calendar, zone).ok_or_else(out_of_range)?
        }
        more => due(clock.due.at, &more, calendar, zone)?,
    };
    let end = Due { at: end.at, provisional: end.provisional || clock.due.provisional };
    let base = due(clock.anchor_at, &next.allowance, calendar, zone)?;
    let warnings = planned(&next, clock.anchor_at, base, end, calendar)?
        .into_iter()
        .filter(|armed| armed.at > now || clock.warned.iter().all(|warned| warned.warning != armed.warning));
    Ok(vec![ClockFact::Extended {
        clock: clock.id.clone(),
        allowance: more,
        old_due: clock.due,
        due: end,
        warnings: warnings.collect(),
        reason: reason.to_owned(),
        by: by.to_owned(),
        approved_by: approved_by.map(str::to_owned),
        at: now,
    }])
}

/// Lets the clock stand still from `at`.
pub fn pause(clock: &Clock, at: Timestamp, reason: &str, by: &str) -> Result<Vec<ClockFact>, ClockError> {
    pause_as(clock, at, reason, by, None, None)
}

/// The same, for a pause of some kind that somebody approved.
pub fn pause_as(
    clock: &Clock,
    at: Timestamp,
    reason: &str,
    by: &str,
    kind: Option<PauseKind>,
    approved_by: Option<&str>,
) -> Result<Vec<ClockFact>, ClockError> {
    if !clock.pausable {
        return Err(ClockError::Unpausable {
            clock: clock.id.clone(),
            rule: clock.rule.clone(),
            source_text: clock.source.clone(),
        });
    }
    check_running(clock)?;
    check_reason(clock, reason)?;
    if let Some(since) = clock.paused_since() {
        return Err(ClockError::AlreadyPaused { clock: clock.id.clone(), since });
    }
    let known = clock.pauses.last().and_then(|pause| pause.to).unwrap_or(clock.started_at);
    if at < known {
        return Err(ClockError::OutOfOrder { clock: clock.id.clone(), at, after: known });
    }
    if clock.breached.is_some() || at > clock.due.at {
        return Err(ClockError::PastDue { clock: clock.id.clone(), due: clock.due.at });
    }
    Ok(vec![ClockFact::Paused {
        clock: clock.id.clone(),
        at,
        reason: reason.to_owned(),
        by: by.to_owned(),
        kind,
        approved_by: approved_by.map(str::to_owned),
    }])
}

/// Lets the clock run again from `at` with the rest it had: of elapsed time, to the nanosecond; of working days,
/// the whole ones after the day of the pause, counted from the day after `at` (without any left, the day itself, or the
/// next working day where it is off or its hours are over); of working time, what was left of it.
pub fn resume(clock: &Clock, at: Timestamp, by: &str, calendar: &Calendar) -> Result<Vec<ClockFact>, ClockError> {
    check_running(clock)?;
    check_calendar(&clock.id, &clock.calendar, calendar)?;
    let since = clock.paused_since().ok_or_else(|| ClockError::NotPaused { clock: clock.id.clone() })?;
    if at < since {
        return Err(ClockError::OutOfOrder { clock: clock.id.clone(), at, after: since });
    }
    // A correction made during the pause may have put the due time before it: then there is no rest to give.
    let due = if since <= clock.due.at {
        carry(clock, clock.due, since.max(clock.anchor_at), at, calendar)?
    } else {
        clock.due
    };
    let moved = due.at.duration_since(clock.due.at);
    let from = since.max(clock.anchor_at);
    let mut warnings = Vec::with_capacity(clock.warnings.len());
    for armed in &clock.warnings {
        let warn_at = match clock.allowance {
            _ if armed.at <= since => armed.at,
            Allowance::WorkingMinutes(_) => {
                carry(clock, Due { at: armed.at, provisional: false }, from, at, calendar)?.at.min(due.at)
            }
            _ => armed.at.checked_add(moved).unwrap_or(due.at),
        };
        warnings.push(Armed { warning: armed.warning, at: warn_at });
    }
    let resumed = ClockFact::Resumed { clock: clock.id.clone(), at, due, warnings, by: by.to_owned() };
    let overdue = followed_by(clock, &resumed, at);
    Ok(std::iter::once(resumed).chain(overdue).collect())
}

/// The due time after a pause from `from` to `to`.
fn carry(clock: &Clock, old: Due, from: Timestamp, to: Timestamp, calendar: &Calendar) -> Result<Due, ClockError> {
    if to <= from {
        return Ok(old); // The whole pause lies before the anchor.
    }
    let out_of_range = || DeadlineError::OutOfRange { start: to, allowance: clock.allowance };
    match clock.allowance {
        Allowance::Elapsed(_) => {
            let at = old.at.checked_add(to.duration_since(from)).map_err(|_| out_of_range())?;
            Ok(Due { at, ..old })
        }
        Allowance::WorkingDays(_) => {
            let zone = clock.zone.time_zone();
            let left = working_days_left(zone.to_datetime(from).date(), old.at, calendar, zone);
            let counted =
                |days| working_days(zone.to_datetime(to).date(), days, calendar, zone).ok_or_else(out_of_range);
            let mut due = counted(left)?;
            if due.at <= to {
                // The hours of that day are over: the rest is the next one's.
                due = counted(left + 1)?;
            }
            // The rest was counted up to the old due time, so it is no more certain than that was.
            Ok(Due { at: due.at.max(old.at), provisional: due.provisional || old.provisional })
        }
        Allowance::WorkingMinutes(_) => {
            let zone = clock.zone.time_zone();
            let left = office::between(from, old.at, calendar, zone);
            let due = office::advance(to, left, calendar, zone).ok_or_else(out_of_range)?;
            Ok(Due { at: due.at.max(old.at), provisional: due.provisional || old.provisional })
        }
    }
}

/// How far the clock itself has come by `now`: it does not move while it is paused.
fn reached(clock: &Clock, now: Timestamp) -> Timestamp {
    clock.paused_since().map_or(now, |since| now.min(since))
}

fn followed_by(clock: &Clock, fact: &ClockFact, now: Timestamp) -> Vec<ClockFact> {
    let mut next = clock.clone();
    match next.apply(fact) {
        Ok(()) => tick(&next, now),
        Err(_) => Vec::new(), // Never: the fact was made for this clock.
    }
}

fn breach(clock: &Clock, at: Timestamp) -> ClockFact {
    ClockFact::Breached {
        clock: clock.id.clone(),
        due_at: clock.due.at,
        fired_at: at,
        lateness: at.duration_since(clock.due.at),
    }
}

/// The breach of a clock at rest that was late after all, as it becomes known at `now`.
fn late_after_all(clock: &Clock, due: Due, done: Timestamp, now: Timestamp) -> ClockFact {
    ClockFact::Breached {
        clock: clock.id.clone(),
        due_at: due.at,
        fired_at: now,
        lateness: done.duration_since(due.at),
    }
}

/// The times after `anchor_at` during which the clock stood still and that are over.
fn stood_still(clock: &Clock, anchor_at: Timestamp) -> impl Iterator<Item = (Timestamp, Timestamp)> {
    let over = clock.pauses.iter().filter_map(|pause| Some((pause.from, pause.to?)));
    over.filter(move |(_, to)| *to > anchor_at).map(move |(from, to)| (from.max(anchor_at), to))
}

/// Every warning of a clock that is due at `end`: without any pause it would be at `base`.
fn planned(
    clock: &Clock,
    anchor_at: Timestamp,
    base: Due,
    end: Due,
    calendar: &Calendar,
) -> Result<Vec<Armed>, ClockError> {
    let mut armed = Vec::with_capacity(clock.plan.len());
    for warning in &clock.plan {
        let working = matches!(clock.allowance, Allowance::WorkingMinutes(_));
        let by = if working { base } else { end };
        let mut at = warn_at(*warning, anchor_at, by, clock.total(), calendar, clock.zone.time_zone());
        if working {
            for (from, to) in stood_still(clock, anchor_at).filter(|(from, _)| *from < base.at) {
                if from < at {
                    at = carry(clock, Due { at, provisional: false }, from, to, calendar)?.at;
                }
            }
        }
        armed.push(Armed { warning: *warning, at: at.min(end.at) });
    }
    Ok(sorted(armed.into_iter()))
}

/// When a warning is to be given. Of working time, shares and times before the due time are working time too.
fn warn_at(
    warning: Warning,
    anchor: Timestamp,
    due: Due,
    allowance: Allowance,
    calendar: &Calendar,
    zone: &jiff::tz::TimeZone,
) -> Timestamp {
    let Allowance::WorkingMinutes(minutes) = allowance else { return warning.at(anchor, due.at) };
    let whole = SignedDuration::from_mins(i64::from(minutes));
    let gone = match warning {
        Warning::Percent(percent) => SignedDuration::from_secs(i64::from(minutes) * 60 * i64::from(percent) / 100),
        Warning::Before(before) => whole.saturating_sub(before).max(SignedDuration::ZERO),
    };
    office::advance(anchor, gone, calendar, zone).map_or(due.at, |reached| reached.at.min(due.at))
}

fn sorted(armed: impl Iterator<Item = Armed>) -> Vec<Armed> {
    let mut armed: Vec<Armed> = armed.collect();
    armed.sort_by_key(|armed| armed.at);
    armed
}

fn check_running(clock: &Clock) -> Result<(), ClockError> {
    match &clock.satisfied {
        Some(satisfied) => Err(ClockError::AlreadySatisfied { clock: clock.id.clone(), at: satisfied.at }),
        None => Ok(()),
    }
}

fn check_reason(clock: &Clock, reason: &str) -> Result<(), ClockError> {
    if reason.trim().is_empty() { Err(ClockError::NoReason { clock: clock.id.clone() }) } else { Ok(()) }
}

fn check_calendar(clock: &str, wanted: &str, calendar: &Calendar) -> Result<(), ClockError> {
    if calendar.id() == wanted {
        Ok(())
    } else {
        Err(ClockError::WrongCalendar {
            clock: clock.to_owned(),
            wanted: wanted.to_owned(),
            given: calendar.id().to_owned(),
        })
    }
}
