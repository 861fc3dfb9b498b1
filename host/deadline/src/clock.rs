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
//!
//! A breach that was reported stays in the history for good, even when a correction lifts it.

mod fact;
mod rule;
mod state;

use jiff::{SignedDuration, Timestamp};

pub use fact::{Armed, ClockFact};
pub use rule::{Anchor, ClockRule, RuleError, Warning, WarningError};
pub use state::{Breach, Clock, Correction, Pause, ReplayError, Satisfied, Warned};

use crate::allowance::Allowance;
use crate::calendar::Calendar;
use crate::due::{DeadlineError, Due, due, working_days, working_days_left};

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
        warnings: arm(rule.warnings.iter().copied(), anchor_at, due.at),
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
///
/// With the same anchor and a newer calendar, this settles a provisional due time once the year is published.
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
    let mut new = due(anchor_at, &clock.allowance, calendar, clock.zone.time_zone())?;
    for pause in &clock.pauses {
        if let Some(to) = pause.to.filter(|to| *to > anchor_at)
            && pause.from < new.at
        {
            new = carry(clock, new, pause.from.max(anchor_at), to, calendar)?;
        }
    }
    let end = clock.satisfied.as_ref().map_or(reached(clock, now), |satisfied| satisfied.at);
    let warnings = arm(clock.plan.iter().copied(), anchor_at, new.at)
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

/// Lets the clock stand still from `at`.
pub fn pause(clock: &Clock, at: Timestamp, reason: &str, by: &str) -> Result<Vec<ClockFact>, ClockError> {
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
    Ok(vec![ClockFact::Paused { clock: clock.id.clone(), at, reason: reason.to_owned(), by: by.to_owned() }])
}

/// Lets the clock run again from `at` with the rest it had: of elapsed time, to the nanosecond; of working days,
/// the whole ones after the day of the pause, counted from the day after `at`.
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
    let warnings = clock.warnings.iter().map(|armed| Armed {
        warning: armed.warning,
        at: if armed.at <= since { armed.at } else { armed.at.checked_add(moved).unwrap_or(due.at) },
    });
    let resumed =
        ClockFact::Resumed { clock: clock.id.clone(), at, due, warnings: warnings.collect(), by: by.to_owned() };
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
            let due = working_days(zone.to_datetime(to).date(), left, calendar, zone).ok_or_else(out_of_range)?;
            // The rest was counted up to the old due time, so it is no more certain than that was.
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

fn arm(warnings: impl Iterator<Item = Warning>, anchor: Timestamp, due: Timestamp) -> Vec<Armed> {
    let mut armed: Vec<Armed> = warnings.map(|warning| Armed { warning, at: warning.at(anchor, due) }).collect();
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
