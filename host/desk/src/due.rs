//! The clocks that run for a unit, for calendars and to-do lists.

use jiff::Timestamp;

use crate::actor::Actor;
use crate::case::{Case, CaseClock, Confidentiality, State};
use crate::desk::Desk;
use crate::level::Level;

/// A clock that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningClock {
    /// The case's number.
    pub case: String,
    /// What the case is about; of a secret one only that it is secret.
    pub title: String,
    /// The clock's id within the case.
    pub clock: String,
    /// How people call it, in Chinese.
    pub name: String,
    /// The lead unit of the case.
    pub unit: String,
    /// Its level.
    pub level: Level,
    /// How far the case has come.
    pub state: State,
    /// Who may read it.
    pub confidentiality: Confidentiality,
    /// The text the figure comes from, and the clause.
    pub basis: String,
    /// From when it counts.
    pub anchor_at: Timestamp,
    /// When it was started.
    pub started_at: Timestamp,
    /// When it ends; none while it stands still.
    pub due_at: Option<Timestamp>,
    /// The calendar of that year is not published yet.
    pub provisional: bool,
    /// It has been missed.
    pub breached: bool,
    /// When it warns, earliest first, the warnings that were given among them.
    pub warnings: Vec<Timestamp>,
}

/// The clocks that run in the open cases that a unit leads, and of the tasks that it has a part in, as far as somebody
/// may read them; the first due first, those that stand still last.
pub fn running_clocks(desk: &Desk, unit: &str, reader: &Actor) -> Vec<RunningClock> {
    let pack = desk.policy().map(|pack| &**pack);
    let mut all: Vec<RunningClock> = desk
        .cases()
        .filter(|case| case.is_open() && case.may_be_read_by(reader, pack))
        .flat_map(|case| case.clocks.iter().map(move |entry| (case, entry)))
        .filter(|(case, entry)| entry.clock.satisfied.is_none() && concerns(case, entry, unit))
        .map(|(case, entry)| running(case, entry))
        .collect();
    all.sort_by(|a, b| {
        (a.due_at.is_none(), a.due_at, &a.case, &a.clock).cmp(&(b.due_at.is_none(), b.due_at, &b.case, &b.clock))
    });
    all
}

fn concerns(case: &Case, entry: &CaseClock, unit: &str) -> bool {
    let part =
        || case.tasks.iter().any(|task| task.clock() == entry.clock.id && task.parts.iter().any(|p| p.unit == unit));
    case.unit == unit || part()
}

fn running(case: &Case, entry: &CaseClock) -> RunningClock {
    let clock = &entry.clock;
    let mut warnings: Vec<Timestamp> =
        clock.warned.iter().map(|warned| warned.warn_at).chain(clock.warnings.iter().map(|armed| armed.at)).collect();
    warnings.sort_unstable();
    warnings.dedup();
    let clause = entry.clause.as_ref().map_or_else(String::new, |clause| format!("({clause})"));
    let secret = case.confidentiality == Confidentiality::Secret;
    RunningClock {
        case: case.number.clone(),
        title: if secret { "(涉密)".to_owned() } else { case.title.clone() },
        clock: clock.id.clone(),
        name: entry.name.zh.clone(),
        unit: case.unit.clone(),
        level: case.level,
        state: case.state,
        confidentiality: case.confidentiality,
        basis: format!("{}{clause}", clock.source),
        anchor_at: clock.anchor_at,
        started_at: clock.started_at,
        due_at: clock.paused_since().is_none().then_some(clock.due.at),
        provisional: clock.due.provisional,
        breached: clock.breached.is_some(),
        warnings,
    }
}
