//! Workflows that start by the clock: `schedule.cron`, `every`, `after`.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{About, Core, StartRun, Wake};
use crate::record::{Entry, ScheduleFired, unit_key};

/// The most missed times that are counted one by one after a long downtime.
const MISSED_COUNTED: usize = 10_000;

impl Core {
    pub(super) fn resume_schedules(&mut self, now: Timestamp) {
        let ids: Vec<String> =
            self.state.deployments.iter().filter(|(_, d)| d.active).map(|(id, _)| id.clone()).collect();
        for id in ids {
            self.plan_schedule(&id, now);
        }
    }

    /// Sets the wake for a deployment's next time. A time missed while the
    /// host was down is due at once: one run for all that were missed.
    pub(super) fn plan_schedule(&mut self, id: &str, now: Timestamp) {
        let Some(deployed) = self.deployed.get(id) else { return };
        let Some(schedule) = &deployed.schedule else { return };
        let since = self.state.deployments.get(id).map_or(now, |d| d.since);
        let fired = self.state.schedules.get(id).cloned().unwrap_or_default();
        if let Some(next) = schedule.next(fired.due, since, fired.ended) {
            self.wakes.set(Wake::Schedule(id.to_owned()), next.max(now));
        }
    }

    pub(super) fn fire_schedule(&mut self, id: &str, now: Timestamp) {
        let Some(deployed) = self.deployed.get(id).cloned() else { return };
        let Some(schedule) = &deployed.schedule else { return };
        if self.state.deployments.get(id).is_none_or(|d| !d.active) {
            return;
        }
        let since = self.state.deployments.get(id).map_or(now, |d| d.since);
        let last = self.state.schedules.get(id).and_then(|f| f.due).unwrap_or(since);
        let missed = schedule.missed(last, now, MISSED_COUNTED);
        // Too many to count: one firing stands for them all.
        let due = if missed.more { now } else { missed.fires.last().copied().unwrap_or(now) };
        let unit = deployed.unit.clone();
        let key = unit_key(unit.as_deref());
        let entry = Entry::ScheduleFired(ScheduleFired {
            deployment: id.to_owned(),
            due,
            missed: missed.fires.len().saturating_sub(1) as u32,
        });
        let subject = format!("workflow/{}", deployed.name);
        self.record(&entry, About { subject: &subject, actor: Self::ENGINE, unit: unit.as_deref(), key: &key }, now);
        let run = self.dice.uuid(now).to_string();
        self.show(
            "huiyin.schedule.fired.v1",
            &subject,
            unit.as_deref(),
            json!({"due": due.to_string(), "run": run}),
            now,
        );
        self.start(
            StartRun {
                deployment: id.to_owned(),
                run,
                trigger: "schedule".to_owned(),
                key,
                input: Value::Null,
                actor: Self::ENGINE.to_owned(),
                accepted: None,
                finished: None,
            },
            now,
        );
        self.plan_schedule(id, now);
    }
}
