//! How runs end, what is kept of them then, and how one is set to work again.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use huiyin_flow::{FlowError, Outcome, RunState, json_bytes};
use jiff::Timestamp;
use serde_json::Value;

use super::{
    ApplyError, EffectState, Ended, FAILED_KEPT, FINISHED_KEPT, FinishedRun, REOPENABLE_BYTES, Run, SMALL_RESULT, State,
};
use crate::record::{Parent, RunReopened};

impl State {
    /// A run that has ended, if it is still known.
    pub fn ended(&self, run: &str) -> Option<&Arc<FinishedRun>> {
        self.finished.find(run).or_else(|| self.failed.find(run))
    }

    /// The call of the run above stands for the one below, until that has ended.
    pub(super) fn child_started(&mut self, parent: &Parent, child: &str, deployment: &str) {
        let name = self.deployments.get(deployment).map_or_else(String::new, |d| format!("workflow {}", d.name));
        let Some(above) = self.runs.get_mut(&parent.run) else { return };
        let effect = EffectState {
            child: Some(child.to_owned()),
            settled: (!parent.wait).then(|| Ok(serde_json::json!({"run": child}))),
            ..EffectState::of(1, name)
        };
        above.effects.insert(parent.call.clone(), effect);
    }

    /// Puts a run that had ended back among those that run.
    pub(super) fn reopen(&mut self, x: &RunReopened) -> Result<(), ApplyError> {
        let gone = || ApplyError(format!("run {} has not ended, or is no longer known", x.run));
        let known = |list: &Ended| list.iter().rposition(|f| f.run == x.run && f.flow.is_some());
        let ended = match (known(&self.finished), known(&self.failed)) {
            (Some(at), _) => self.finished.remove(at),
            (None, Some(at)) => self.failed.remove(at),
            (None, None) => None,
        };
        let ended = Arc::unwrap_or_clone(ended.ok_or_else(gone)?);
        self.remembered = self.remembered.saturating_sub(ended.weight);
        self.runs.insert(
            ended.run,
            Run {
                deployment: ended.deployment,
                trigger: ended.trigger,
                key: ended.key,
                started: ended.started,
                input: None,
                flow: ended.flow.ok_or_else(gone)?,
                inbox: VecDeque::new(),
                effects: BTreeMap::new(),
                quarantined: None,
                doubtful: None,
                // The run above has had its answer, and waits no more.
                parent: ended.parent.map(|parent| Parent { wait: false, ..parent }),
                reopened: Some(x.clone()),
                first: ended.first,
            },
        );
        Ok(())
    }

    /// Puts in place what the interpreter already applied on a worker: the
    /// same as applying the turn's facts, without doing it twice.
    pub fn put_turn(&mut self, run: &str, flow: Arc<RunState>, consumed: u32, time: Timestamp) {
        if let Some(r) = self.runs.get_mut(run) {
            r.flow = flow;
            r.take_in(consumed);
        }
        self.after_turn(run, time);
    }

    /// A turn of a run is in place: what it waited for goes, and the run where it has ended.
    pub fn after_turn(&mut self, id: &str, time: Timestamp) {
        let Some(run) = self.runs.get_mut(id) else { return };
        run.input = None;
        run.reopened = None;
        let flow = Arc::clone(&run.flow);
        let awaited = |call: &str| call.parse().is_ok_and(|call| flow.pending(huiyin_flow::CallId(call)).is_some());
        run.effects.retain(|call, _| awaited(call));
        let Some(outcome) = flow.outcome() else { return };
        let (status, result) = ended(outcome);
        let Some(run) = self.runs.remove(id) else { return };
        self.replaced.remove(id);
        self.schedule_ended(&run.deployment, time);
        if let Some(parent) = run.parent.as_ref().filter(|p| p.wait) {
            self.child_ended(parent, id, outcome);
        }
        let weight = flow.footprint();
        self.remembered = self.remembered.saturating_add(weight);
        self.finished.push_back(Arc::new(FinishedRun {
            run: id.to_owned(),
            deployment: run.deployment,
            started: run.started,
            ended: time,
            status: status.to_owned(),
            result,
            trigger: run.trigger,
            key: run.key,
            parent: run.parent,
            first: run.first,
            last: self.seq + 1,
            flow: Some(flow),
            weight,
            forgotten: false,
        }));
        self.forget_finished();
    }

    /// The call of the run above has its result.
    fn child_ended(&mut self, parent: &Parent, child: &str, outcome: &Outcome) {
        let Some(effect) = self.runs.get_mut(&parent.run).and_then(|run| run.effects.get_mut(&parent.call)) else {
            return;
        };
        if effect.child.as_deref() != Some(child) {
            return;
        }
        effect.settled = Some(match outcome {
            Outcome::Completed(output) => Ok(Value::clone(output)),
            Outcome::Faulted(error) => {
                let detail = error.detail.as_deref().unwrap_or_default();
                let detail = format!("{detail} (run {child} of {}, at {})", effect.plugin, error.instance);
                // Where it happened below is no place in the workflow above.
                Err(FlowError { detail: Some(detail), instance: String::new(), ..FlowError::clone(error) })
            }
            Outcome::Cancelled(reason) => Err(FlowError::new(
                huiyin_flow::ErrorKind::Runtime,
                format!("run {child} of {} was cancelled: {reason}", effect.plugin),
            )),
        });
    }

    /// Keeps what is known of finished runs within its bounds.
    fn forget_finished(&mut self) {
        while self.finished.len() > FINISHED_KEPT {
            let Some(oldest) = self.finished.pop_front() else { break };
            if oldest.status == "completed" {
                self.remembered = self.remembered.saturating_sub(oldest.weight);
            } else {
                self.failed.push_back(oldest);
            }
        }
        while self.failed.len() > FAILED_KEPT {
            let Some(oldest) = self.failed.pop_front() else { break };
            self.remembered = self.remembered.saturating_sub(oldest.weight);
        }
        if self.remembered <= REOPENABLE_BYTES {
            return;
        }
        for run in self.failed.iter_mut().chain(self.finished.iter_mut()).filter(|f| f.flow.is_some()) {
            self.remembered = self.remembered.saturating_sub(run.weight);
            if run.weight > SMALL_RESULT && json_bytes(&run.result) > SMALL_RESULT {
                // Others may share it: it is not copied only to be dropped.
                *run = Arc::new(FinishedRun { forgotten: true, ..run.without_result() });
            }
            let run = Arc::make_mut(run);
            (run.flow, run.weight) = (None, 0);
            if self.remembered <= REOPENABLE_BYTES {
                break;
            }
        }
    }
}

/// How a run ended, as a word and what it gave.
fn ended(outcome: &Outcome) -> (&'static str, Value) {
    match outcome {
        Outcome::Completed(output) => ("completed", Value::clone(output)),
        Outcome::Faulted(error) => ("faulted", serde_json::to_value(error).unwrap_or_default()),
        Outcome::Cancelled(reason) => ("cancelled", Value::from(&**reason)),
    }
}
