//! When something that repeats is due: sources by their schedule alone,
//! workflows by their schedule and its policy.

use huiyin_deadline::schedule::{Interval, Policy, Schedule};
use huiyin_deadline::{Zone, cron::Cron};
use huiyin_flow::Definition;
use jiff::Timestamp;

use crate::extension::{self, Fault};

/// A source's schedule as the engine follows it.
#[derive(Debug, Clone)]
pub struct Timetable(pub Schedule);

impl Timetable {
    /// The next time after it last fired, or after it came into force. `after`
    /// counts from the end of the last reading: none while one is under way.
    pub fn next(&self, fired: Option<Timestamp>, since: Timestamp, ended: Option<Timestamp>) -> Option<Timestamp> {
        match (&self.0, fired) {
            (Schedule::After { .. }, Some(fired)) => ended.filter(|end| *end >= fired).and_then(|end| self.0.next(end)),
            (schedule, fired) => schedule.next(fired.unwrap_or(since)),
        }
    }
}

/// A workflow's schedule.
#[derive(Debug, Clone)]
pub struct Planned {
    /// Its times.
    pub schedule: Schedule,
    /// The zone it is shown in.
    pub zone: Zone,
    /// What it does when times and runs get in each other's way.
    pub policy: Policy,
}

/// Reads a workflow's schedule by the clock.
pub(crate) fn planned(definition: &Definition, since: Timestamp) -> Result<Option<Planned>, Fault> {
    let fault = |pointer: &str, message: String| Fault { pointer: pointer.to_owned(), message };
    let extension = extension::read(definition).map_err(|mut faults| faults.remove(0))?;
    let interval = |name: &str, text: &str| {
        text.parse::<Interval>().map_err(|error| fault(&format!("/schedule/{name}"), error.to_string()))
    };
    let schedule = match definition.schedule() {
        Some(huiyin_flow::Schedule::Cron(expr)) => {
            let cron = Cron::parse(expr).map_err(|error| fault("/schedule/cron", error.to_string()))?;
            Schedule::Cron { cron, zone: extension.zone.clone() }
        }
        Some(huiyin_flow::Schedule::Every(every)) => {
            let every = interval("every", every)?;
            if extension.policy.jitter.is_some_and(|jitter| jitter > every.duration()) {
                let message = "is longer than `schedule.every`: times would overtake each other".to_owned();
                return Err(fault("/document/metadata/huiyin/jitter", message));
            }
            Schedule::Every { every, anchor: since }
        }
        Some(huiyin_flow::Schedule::After(after)) => Schedule::After { after: interval("after", after)? },
        Some(huiyin_flow::Schedule::On(_)) | None => return Ok(None),
    };
    Ok(Some(Planned { schedule, zone: extension.zone, policy: extension.policy }))
}
