//! Workflows that start by the clock: `schedule.cron`, `every`, `after`. What
//! becomes of each time is decided in `huiyin-deadline`; here it is put on
//! record and done.

use huiyin_deadline::schedule::{self, Miss, Schedule, Standing, Step, Why};
use huiyin_records::record::{
    Entry, ScheduleFired, ScheduleMissed, SchedulePaused, ScheduleQueued, ScheduleResumed, ScheduleSetBack, unit_key,
};
use huiyin_records::state::{State, schedule_name};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{PartitionCore, RecordMeta, Refusal, Reply, StartRun, Wake};
use crate::deployed::Deployed;

/// A person's word on a schedule.
pub struct PauseCommand {
    /// The workflow, `namespace/name`.
    pub workflow: String,
    /// The unit it serves.
    pub unit: Option<String>,
    /// To pause it, or to let it go on.
    pub pause: bool,
    /// Why.
    pub reason: String,
    /// Who.
    pub actor: String,
}

/// What begins the trigger of a run that a schedule started.
const TRIGGER: &str = "schedule";

/// What is known of a deployment's schedule.
pub fn standing(state: &State, id: &str) -> Option<Standing> {
    let deployment = state.deployments.get(id)?;
    let fired = state.schedules.get(id).cloned().unwrap_or_default();
    Some(Standing {
        since: fired.since.unwrap_or(deployment.since),
        due: fired.due,
        ended: fired.ended,
        waiting: fired.waiting,
        running: scheduled_runs(state, &deployment.name, deployment.unit.as_deref()).len(),
    })
}

/// The runs that a workflow's schedule started, whatever its version, and that nothing has replaced.
pub fn scheduled_runs(state: &State, name: &str, unit: Option<&str>) -> Vec<String> {
    let same = |id: &str| state.deployments.get(id).is_some_and(|d| d.name == name && d.unit.as_deref() == unit);
    let runs = state
        .runs
        .iter()
        .filter(|(id, run)| run.trigger.starts_with(TRIGGER) && !state.replaced.contains(*id) && same(&run.deployment));
    runs.map(|(id, _)| id.clone()).collect()
}

impl PartitionCore {
    pub(super) fn resume_schedules(&mut self, now: Timestamp) {
        for run in self.state.replaced.clone() {
            self.cancel_replaced(&run, now);
        }
        self.plan_schedules(now);
    }

    /// Follows every schedule in force.
    pub(super) fn plan_schedules(&mut self, now: Timestamp) {
        let ids: Vec<String> =
            self.state.deployments.iter().filter(|(_, d)| d.active).map(|(id, _)| id.clone()).collect();
        for id in ids {
            self.follow_schedule(&id, now);
        }
    }

    /// Does what a deployment's schedule asks for now, and sets the wake for
    /// its next time.
    pub(super) fn follow_schedule(&mut self, id: &str, now: Timestamp) {
        let Some(deployed) = self.deployed.get(id).cloned() else { return };
        let Some(planned) = &deployed.schedule else { return };
        let unit = deployed.unit.as_deref();
        let active = self.state.deployments.get(id).is_some_and(|d| d.active);
        if !active || !self.at_home(unit) || self.state.paused.contains_key(&schedule_name(unit, &deployed.name)) {
            self.wakes.clear(&Wake::Schedule(id.to_owned()));
            return;
        }
        let Some(mut known) = standing(&self.state, id) else { return };
        if let Some(from) = known.leapt(now) {
            self.set_back(&deployed, from, now);
            let Some(anew) = standing(&self.state, id) else { return };
            known = anew;
        }
        let standing = known;
        let schedule = match &planned.schedule {
            // It came into force while the clock was ahead.
            Schedule::Every { every, anchor } if *anchor > now => {
                &Schedule::Every { every: *every, anchor: standing.since.min(*anchor) }
            }
            other => other,
        };
        let plan = schedule::decide(schedule, &planned.policy, id, &standing, now);
        let mut late = 0;
        for step in plan.steps {
            match step {
                Step::Miss(miss) => {
                    if miss.why == Why::Late {
                        late = miss.count;
                    }
                    self.miss(&deployed, &miss, now);
                }
                Step::Queue { due } => {
                    let entry = Entry::ScheduleQueued(ScheduleQueued { deployment: id.to_owned(), due });
                    self.schedule_record(&deployed, &entry, Self::ENGINE, now);
                    let data = json!({"workflow": deployed.name, "due": due.to_string()});
                    self.show("huiyin.schedule.queued.v1", &subject(&deployed.name), unit, data, now);
                }
                Step::Start { due, waited, replaces } => {
                    self.fire(&deployed, due, waited, replaces, std::mem::take(&mut late), now);
                }
            }
        }
        match plan.wake {
            Some(at) => self.wakes.set(Wake::Schedule(id.to_owned()), at),
            None => self.wakes.clear(&Wake::Schedule(id.to_owned())),
        }
    }

    /// The clock had leapt ahead: what the schedule came to by then no longer counts, and people are told so once.
    fn set_back(&mut self, deployed: &Deployed, from: Timestamp, now: Timestamp) {
        tracing::warn!(
            workflow = deployed.name,
            unit = deployed.unit,
            "the clock had leapt ahead to {from} and is at {now} again; the schedule goes on from here"
        );
        let entry = Entry::ScheduleSetBack(ScheduleSetBack { deployment: deployed.id.clone(), from, to: now });
        self.schedule_record(deployed, &entry, Self::ENGINE, now);
        let data = json!({"workflow": deployed.name, "from": from.to_string(), "to": now.to_string()});
        self.show(entry.kind(), &subject(&deployed.name), deployed.unit.as_deref(), data, now);
    }

    fn fire(&mut self, deployed: &Deployed, due: Timestamp, waited: bool, replaces: bool, missed: u32, now: Timestamp) {
        let unit = deployed.unit.as_deref();
        let run = self.ids.uuid(now).to_string();
        let replaces = if replaces { scheduled_runs(&self.state, &deployed.name, unit) } else { Vec::new() };
        let entry = Entry::ScheduleFired(ScheduleFired {
            deployment: deployed.id.clone(),
            due,
            missed,
            run: run.clone(),
            waited,
            replaces: replaces.clone(),
        });
        if !self.schedule_record(deployed, &entry, Self::ENGINE, now) {
            return;
        }
        let data = json!({"workflow": deployed.name, "due": due.to_string(), "run": run, "replaces": replaces});
        self.show("huiyin.schedule.fired.v1", &subject(&deployed.name), unit, data, now);
        for old in replaces {
            self.cancel_replaced(&old, now);
        }
        self.start(
            StartRun {
                deployment: deployed.id.clone(),
                run,
                trigger: format!("{TRIGGER}:{due}"),
                key: unit_key(unit),
                input: Value::Null,
                actor: Self::ENGINE.to_owned(),
                asked: None,
                accepted: None,
                finished: None,
                first: None,
            },
            now,
        );
    }

    /// A missed time is an event: on record, shown, and told to whoever listens.
    fn miss(&mut self, deployed: &Deployed, miss: &Miss, now: Timestamp) {
        let entry = Entry::ScheduleMissed(ScheduleMissed {
            deployment: deployed.id.clone(),
            first: miss.first,
            last: miss.last,
            count: miss.count,
            more: miss.more,
            why: miss.why.word().to_owned(),
        });
        self.schedule_record(deployed, &entry, Self::ENGINE, now);
        let data = json!({
            "workflow": deployed.name,
            "version": deployed.version,
            "unit": deployed.unit,
            "first": miss.first.to_string(),
            "last": miss.last.to_string(),
            "count": miss.count,
            "more": miss.more,
            "why": miss.why.word(),
        });
        self.announce(deployed.unit.as_deref(), "huiyin.schedule.missed.v1", &subject(&deployed.name), &data, now);
    }

    /// Cancels a run that another took the place of. It stays on record as such
    /// until it has ended, so that a crash cannot spare it.
    fn cancel_replaced(&mut self, run: &str, now: Timestamp) {
        self.end_run(run, format!("its schedule started the next run ({})", Self::ENGINE), now);
    }

    /// A run has ended: what waited for that may start.
    pub(super) fn schedule_run_ended(&mut self, deployment: &str, now: Timestamp) {
        let Some(deployed) = self.deployed.get(deployment).filter(|d| d.schedule.is_some()) else { return };
        let (name, unit) = (deployed.name.clone(), deployed.unit.clone());
        // The version in force, which need not be the one that ran.
        let current = self
            .state
            .deployments
            .iter()
            .find(|(_, d)| d.active && d.name == name && d.unit == unit)
            .map(|(id, _)| id.clone());
        if let Some(id) = current {
            self.follow_schedule(&id, now);
        }
    }

    /// A person pauses a schedule, or lets it go on.
    pub(super) fn pause_schedule(&mut self, command: PauseCommand, reply: Reply<()>, now: Timestamp) {
        let PauseCommand { workflow, unit, pause, reason, actor } = command;
        let found = self.state.deployments.iter().find(|(_, d)| d.active && d.name == workflow && d.unit == unit);
        let Some(deployed) = found.and_then(|(id, _)| self.deployed.get(id)).cloned() else {
            self.tell(reply, Err(Refusal::NotFound(format!("no workflow `{workflow}` is deployed here"))));
            return;
        };
        let paused = self.state.paused.get(&schedule_name(unit.as_deref(), &workflow));
        let refusal = match (&deployed.schedule, paused, pause) {
            (None, ..) => Some(format!("`{workflow}` has no schedule by the clock")),
            (_, Some(by), true) => {
                Some(format!("it is paused already, since {} by {}: {}", by.at, by.actor, by.reason))
            }
            (_, None, false) => Some("it is not paused".to_owned()),
            _ => None,
        };
        if let Some(why) = refusal {
            self.tell(reply, Err(Refusal::Refused(why)));
            return;
        }
        let data = json!({"workflow": workflow, "actor": actor, "reason": reason});
        let entry = if pause {
            Entry::SchedulePaused(SchedulePaused { workflow, unit: unit.clone(), actor: actor.clone(), reason })
        } else {
            Entry::ScheduleResumed(ScheduleResumed { workflow, unit: unit.clone(), actor: actor.clone(), reason })
        };
        if !self.schedule_record(&deployed, &entry, &actor, now) {
            let message =
                "who acts must be printable ASCII without spaces, and the reason of a record's size".to_owned();
            self.tell(reply, Err(Refusal::Invalid { pointer: "/reason".to_owned(), message }));
            return;
        }
        self.show(entry.kind(), &subject(&deployed.name), unit.as_deref(), data, now);
        self.tell(reply, Ok(()));
        self.follow_schedule(&deployed.id, now);
    }

    fn schedule_record(&mut self, deployed: &Deployed, entry: &Entry, actor: &str, now: Timestamp) -> bool {
        let unit = deployed.unit.as_deref();
        let (subject, key) = (subject(&deployed.name), unit_key(unit));
        self.record(entry, RecordMeta { subject: &subject, actor, unit, key: &key }, now)
    }
}

fn subject(workflow: &str) -> String {
    format!("workflow/{workflow}")
}
