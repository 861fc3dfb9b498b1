//! Runs that run other workflows. The run below lives in the same partition;
//! its id follows from the run and the call above, so that no crash can start
//! two; its result is part of the state above from the moment it ends.

use huiyin_flow::{CallId, ErrorKind, Event, FlowError, WorkflowRef};
use huiyin_records::record::{Entry, Parent, RunStarted};
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{Input, PartitionCore, RecordMeta};

/// Runs that may stand one below the other.
pub(super) const MAX_DEPTH: u32 = 32;

/// The id of the run that a call starts.
fn child_id(run: &str, call: CallId) -> String {
    let digest = Sha256::digest(format!("{run}\n{call}"));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid().to_string()
}

impl PartitionCore {
    /// Starts the run of another workflow.
    #[allow(clippy::too_many_arguments)] // the fields of one command
    pub(super) fn run_workflow(
        &mut self,
        run: &str,
        call: CallId,
        workflow: &WorkflowRef,
        with: &Value,
        wait: bool,
        follow: &mut Vec<Input>,
        now: Timestamp,
    ) {
        match self.start_child(run, call, workflow, with, wait, now) {
            Ok(child) if wait => tracing::debug!(run, child, "a workflow runs another"),
            Ok(child) => follow.push(Input::Event(Event::Result { call, outcome: Ok(json!({"run": child})) })),
            Err(error) => follow.push(Input::Event(Event::Result { call, outcome: Err(error) })),
        }
    }

    fn start_child(
        &mut self,
        run: &str,
        call: CallId,
        workflow: &WorkflowRef,
        with: &Value,
        wait: bool,
        now: Timestamp,
    ) -> Result<String, FlowError> {
        let wrong = |why: String| FlowError::new(ErrorKind::Configuration, why);
        let Some(above) = self.state.runs.get(run) else { return Err(wrong("its run has ended".to_owned())) };
        let depth = above.parent.as_ref().map_or(1, |p| p.depth + 1);
        if depth > MAX_DEPTH {
            let why = format!("workflows run one another more than {MAX_DEPTH} deep; does one of them run itself?");
            return Err(FlowError::new(ErrorKind::Runtime, why));
        }
        let unit = self.unit_of(run);
        let deployment = self.find_workflow(unit.as_deref(), workflow).map_err(wrong)?;
        let key = above.key.clone();
        let child = child_id(run, call);
        let (name, below) = match self.deployed.get(&deployment) {
            Some(deployed) => (deployed.name.clone(), deployed.unit.clone()),
            None => return Err(wrong(format!("`{}/{}` is not loaded", workflow.namespace, workflow.name))),
        };
        if let Some(why) = self.crowded(below.as_deref(), now) {
            return Err(FlowError::new(ErrorKind::Runtime, why).with_status(429));
        }
        if self.state.runs.contains_key(&child) || self.state.ended(&child).is_some() {
            return Err(wrong(format!("the id {child} of the run to be started is taken by another")));
        }
        let entry = Entry::RunStarted(RunStarted {
            run: child.clone(),
            deployment,
            trigger: format!("run:{run}"),
            key: key.clone(),
            input: with.clone(),
            parent: Some(Parent { run: run.to_owned(), call: call.to_string(), depth, wait }),
            asked: None,
            turn: None,
        });
        let payload = self
            .encoded(&entry)
            .map_err(|why| FlowError::new(ErrorKind::Validation, format!("the input of `{name}` {why}")))?;
        let subject = format!("run/{child}");
        let actor = format!("run:{run}");
        let about = RecordMeta { subject: &subject, actor: &actor, unit: below.as_deref(), key: &key };
        if !self.write(&entry, payload, about, now) {
            return Err(wrong(format!("`{name}` could not be started")));
        }
        self.count_run(&child);
        self.begin(&child, now);
        Ok(child)
    }

    /// The deployment in force that a reference means: the unit's own before one that serves none.
    fn find_workflow(&self, unit: Option<&str>, workflow: &WorkflowRef) -> Result<String, String> {
        let name = format!("{}/{}", workflow.namespace, workflow.name);
        let mut named: Vec<_> = self
            .state
            .deployments
            .iter()
            .filter(|(_, d)| d.active && d.name == name && (d.unit.is_none() || d.unit.as_deref() == unit))
            .filter_map(|(id, d)| Some((d.unit.is_none(), id, &self.deployed.get(id)?.version)))
            .collect();
        named.sort();
        let whom = unit.map_or_else(String::new, |unit| format!(" for unit {unit}"));
        if named.is_empty() {
            return Err(format!("no workflow `{name}` is deployed{whom}"));
        }
        let wanted = |version: &str| workflow.version == "latest" || workflow.version == version;
        named.iter().find(|(_, _, version)| wanted(version)).map(|(_, id, _)| (*id).clone()).ok_or_else(|| {
            let versions: Vec<&str> = named.iter().map(|(_, _, version)| version.as_str()).collect();
            format!("`{name}` is deployed{whom} in version {}, not {}", versions.join(", "), workflow.version)
        })
    }

    /// The run below has ended; its result is in the state above already.
    pub(super) fn child_ended(&mut self, parent: &Parent, child: &str, now: Timestamp) {
        let effect = self.state.runs.get(&parent.run).and_then(|run| run.effects.get(&parent.call));
        let Some(effect) = effect.filter(|e| e.child.as_deref() == Some(child)) else { return };
        let (Some(outcome), Ok(call)) = (effect.settled.clone(), parent.call.parse()) else { return };
        self.happen(&parent.run, Event::Result { call: CallId(call), outcome }, now);
    }

    /// The run above no longer waits for it.
    pub(super) fn end_child(&mut self, child: &str, run: &str, now: Timestamp) {
        if self.state.runs.contains_key(child) {
            self.end_run(child, format!("run {run} no longer waits for it"), now);
        }
    }

    /// After a reload: runs that nobody waits for any more, because the host
    /// stopped just when the run above gave them up.
    pub(super) fn end_orphans(&mut self, now: Timestamp) {
        let orphans: Vec<(String, String)> = self
            .state
            .runs
            .iter()
            .filter_map(|(id, run)| {
                let parent = run.parent.as_ref().filter(|p| p.wait)?;
                let waits = self
                    .state
                    .runs
                    .get(&parent.run)
                    .and_then(|above| above.effects.get(&parent.call))
                    .is_some_and(|effect| effect.child.as_deref() == Some(id));
                (!waits).then(|| (id.clone(), parent.run.clone()))
            })
            .collect();
        for (child, run) in orphans {
            self.end_child(&child, &run, now);
        }
    }
}
