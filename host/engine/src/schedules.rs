//! Schedules as people see and steer them.

use std::sync::Arc;

use huiyin_deadline::schedule::{CatchUp, Overlap, Schedule, upcoming};
use huiyin_desk::Act;
use huiyin_partition::deployed::Deployed;
use huiyin_partition::partition::{Message, PauseCommand, Refusal, scheduled_runs, standing};
use huiyin_records::state::{Pause, State, schedule_name};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::engine::Engine;

/// One schedule and what is known of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ScheduleRow {
    /// The workflow, `namespace/name`.
    pub workflow: String,
    /// Its version.
    pub version: String,
    /// The unit it serves.
    pub unit: Option<String>,
    /// `cron 0 8 * * *`, `every 15m`, `after 5m`.
    pub times: String,
    /// The zone it is read and shown in.
    pub timezone: String,
    /// `allow`, `skip`, `queue 10`, `replace`.
    pub overlap: String,
    /// `none`, `last`, `all 24h 100`.
    pub catch_up: String,
    /// Who paused it, and why.
    pub paused: Option<Pause>,
    /// The last time that was decided about.
    pub last: Option<Timestamp>,
    /// Its runs under way.
    pub running: Vec<String>,
    /// Times that wait for a run to end.
    pub waiting: Vec<Timestamp>,
    /// The next times; none while it is paused, or while it waits for the end of a run to count from.
    pub next: Vec<Next>,
    /// What may change about them.
    pub note: Option<String>,
}

/// A time to come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Next {
    /// When it fires.
    pub at: Timestamp,
    /// The same in the schedule's zone, RFC 3339.
    pub local: String,
    /// When it is due; fires later where there is a jitter.
    pub due: Timestamp,
}

impl Engine {
    /// Every schedule by the clock, by workflow and unit, each with its next
    /// `count` times.
    ///
    /// # Errors
    /// [`Refusal`]
    pub async fn schedules(&self, count: usize) -> Result<Vec<ScheduleRow>, Refusal> {
        let mut rows = Vec::new();
        for (at, partition) in self.partitions.iter().enumerate() {
            let scheduled = partition.scheduled();
            let look = move |state: &State, now| scheduled.iter().filter_map(|d| row(d, state, now, count)).collect();
            let found: Vec<ScheduleRow> = self.look(at, look).await?;
            rows.extend(found);
        }
        rows.sort_by(|a, b| (&a.workflow, &a.unit).cmp(&(&b.workflow, &b.unit)));
        Ok(rows)
    }

    /// Pauses a schedule, or lets it go on. It stays so whatever version of the
    /// workflow is deployed.
    ///
    /// # Errors
    /// [`Refusal`]
    pub async fn pause_schedule(&self, command: PauseCommand) -> Result<(), Refusal> {
        self.permit(&command.actor, Act::PauseSchedule, command.unit.as_deref())?;
        let of = |d: &Arc<Deployed>| {
            let named = d.name == command.workflow || d.name.rsplit('/').next() == Some(&command.workflow);
            (named && d.unit == command.unit).then(|| d.name.clone())
        };
        let all = self.partitions.iter().enumerate();
        let found: Vec<(usize, String)> = all
            .flat_map(|(at, p)| p.scheduled().iter().filter_map(of).map(|name| (at, name)).collect::<Vec<_>>())
            .collect();
        match found.as_slice() {
            [] => {
                let whom = command.unit.as_ref().map_or_else(String::new, |unit| format!(" for unit {unit}"));
                let workflow = command.workflow;
                Err(Refusal::NotFound(format!(
                    "no workflow `{workflow}` with a schedule by the clock is deployed{whom}"
                )))
            }
            [(at, name)] => {
                let command = PauseCommand { workflow: name.clone(), ..command };
                self.ask(*at, |reply| Message::Pause(command, reply)).await
            }
            several => {
                let names: Vec<&str> = several.iter().map(|(_, name)| name.as_str()).collect();
                let message = format!("may be any of {}; give namespace/name", names.join(", "));
                Err(Refusal::Invalid { pointer: "/workflow".to_owned(), message })
            }
        }
    }
}

fn row(deployed: &Deployed, state: &State, now: Timestamp, count: usize) -> Option<ScheduleRow> {
    let planned = deployed.schedule.as_ref()?;
    let standing = standing(state, &deployed.id)?;
    let unit = deployed.unit.as_deref();
    let paused = state.paused.get(&schedule_name(unit, &deployed.name)).cloned();
    let running = scheduled_runs(state, &deployed.name, unit);
    let (schedule, policy) = (&planned.schedule, &planned.policy);
    let next = match &paused {
        Some(_) => Vec::new(),
        None => upcoming(schedule, policy, &deployed.id, &standing, now, count),
    };
    let note = if paused.is_some() {
        Some("paused; what comes due meanwhile is not made up for".to_owned())
    } else if running.is_empty() {
        None
    } else {
        match (schedule, policy.overlap) {
            (Schedule::After { .. }, _) => Some("counts from the end of the run under way".to_owned()),
            (_, Overlap::Skip) => Some("missed as long as the run under way has not ended".to_owned()),
            (_, Overlap::Queue { .. }) => Some("waits as long as the run under way has not ended".to_owned()),
            (_, Overlap::Replace) => Some("cancels the run under way".to_owned()),
            (_, Overlap::Allow) => None,
        }
    };
    let zone = planned.zone.time_zone();
    let shown =
        |next: huiyin_deadline::schedule::Upcoming| Next { at: next.at, local: local(next.at, zone), due: next.due };
    Some(ScheduleRow {
        workflow: deployed.name.clone(),
        version: deployed.version.clone(),
        unit: deployed.unit.clone(),
        times: match schedule {
            Schedule::Cron { cron, .. } => format!("cron {}", cron.as_str()),
            Schedule::Every { every, .. } => format!("every {:#}", every.duration()),
            Schedule::After { after } => format!("after {:#}", after.duration()),
        },
        timezone: planned.zone.name().to_owned(),
        overlap: match policy.overlap {
            Overlap::Allow => "allow".to_owned(),
            Overlap::Skip => "skip".to_owned(),
            Overlap::Queue { limit } => format!("queue {limit}"),
            Overlap::Replace => "replace".to_owned(),
        },
        catch_up: match policy.catch_up {
            CatchUp::None => "none".to_owned(),
            CatchUp::Last { within: None } => "last".to_owned(),
            CatchUp::Last { within: Some(within) } => format!("last {within:#}"),
            CatchUp::All { within, limit } => format!("all {within:#} {limit}"),
        },
        paused,
        last: standing.due,
        running,
        waiting: standing.waiting,
        next: next.into_iter().map(shown).collect(),
        note,
    })
}

/// A moment in a zone, RFC 3339 with its offset there.
fn local(at: Timestamp, zone: &TimeZone) -> String {
    at.display_with_offset(zone.to_offset(at)).to_string()
}
