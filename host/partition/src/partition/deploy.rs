//! Workflows that a person brings into force, or withdraws, while the host
//! runs. New runs get the new one; running runs keep theirs.

use std::sync::Arc;

use huiyin_records::record::{Entry, WorkflowDeployed, WorkflowWithdrawn, unit_key};
use jiff::Timestamp;
use serde_json::json;

use super::{Deploy, PartitionCore, RecordMeta, Refusal, Reply, Wake, encoded, unfit};
use crate::deployed::Deployed;
use crate::value_limits::ValueLimits;

/// What a workflow is written down as, once it is known to fit: payload, subject and data key.
///
/// # Errors
/// Why no record can hold it.
pub fn deployable(
    entry: WorkflowDeployed,
    version: &str,
    actor: &str,
    most: ValueLimits,
) -> Result<(Entry, Vec<u8>, String, String), Refusal> {
    let subject = format!("workflow/{}/{version}", entry.name);
    let (name, unit, key) = (entry.name.clone(), entry.unit.clone(), unit_key(entry.unit.as_deref()));
    let about = RecordMeta { subject: &subject, actor, unit: unit.as_deref(), key: &key };
    let entry = Entry::WorkflowDeployed(entry);
    match unfit(about).map_or_else(|| encoded(&entry, most), Err) {
        Ok(payload) => Ok((entry, payload, subject, key)),
        Err(why) => Err(Refusal::Invalid { pointer: "/workflows".to_owned(), message: format!("`{name}` {why}") }),
    }
}

impl PartitionCore {
    /// Records that a deployment of several records is to be carried out, or was.
    pub(super) fn deployment_word(&mut self, entry: &Entry, actor: &str, reply: Reply<()>, now: Timestamp) {
        let done = self.deployment_recorded(entry, actor, now);
        self.tell(reply, done);
    }

    fn deployment_recorded(&mut self, entry: &Entry, actor: &str, now: Timestamp) -> Result<(), Refusal> {
        let id = match entry {
            Entry::DeploymentIntended(x) => &x.id,
            Entry::DeploymentCompleted(x) => &x.id,
            other => return Err(Refusal::Store(format!("`{}` is no word on a deployment", other.kind()))),
        };
        let invalid = |why| Refusal::Invalid { pointer: "/workflows".to_owned(), message: format!("together {why}") };
        let subject = format!("deployment/{id}");
        let about = RecordMeta { subject: &subject, actor, unit: None, key: "host" };
        if let Some(why) = unfit(about) {
            return Err(invalid(why));
        }
        let payload = self.encoded(entry).map_err(invalid)?;
        if self.write(entry, payload, about, now) {
            Ok(())
        } else {
            Err(Refusal::Store("the record could not be made".to_owned()))
        }
    }

    pub(super) fn deploy(&mut self, deploy: Deploy, now: Timestamp) {
        let Deploy { workflows, withdrawn, bindings, actor, reply } = deploy;
        let bindings = match self.bindings_ready(bindings) {
            Ok(Some(ready)) => ready,
            Ok(None) => return self.tell(reply, Ok(())),
            Err(refusal) => return self.tell(reply, Err(refusal)),
        };
        let mut ready = Vec::with_capacity(workflows.len());
        // All is written out before any of it is written down.
        for (entry, deployed) in workflows {
            if self.state.deployments.get(&entry.deployment).is_some_and(|d| d.active) {
                continue;
            }
            match deployable(entry, &deployed.version, &actor, self.payload) {
                Ok((entry, payload, subject, key)) => ready.push((entry, payload, subject, key, deployed)),
                Err(refusal) => return self.tell(reply, Err(refusal)),
            }
        }
        self.record_bindings(bindings, now);
        for (entry, payload, subject, key, deployed) in ready {
            let unit = deployed.unit.clone();
            let replaced: Vec<String> = self
                .state
                .deployments
                .iter()
                .filter(|(_, d)| d.active && d.name == deployed.name && d.unit == unit)
                .map(|(id, _)| id.clone())
                .collect();
            let about = RecordMeta { subject: &subject, actor: &actor, unit: unit.as_deref(), key: &key };
            if !self.write(&entry, payload, about, now) {
                continue;
            }
            let id = deployed.id.clone();
            self.successors.remove(&id);
            for old in replaced {
                self.wakes.clear(&Wake::Schedule(old.clone()));
                self.successors.insert(old, id.clone());
            }
            let data = json!({"workflow": deployed.name, "version": deployed.version, "by": actor});
            self.deployed.insert(id.clone(), deployed);
            self.follow_schedule(&id, now);
            self.show("huiyin.workflow.deployed.v1", &subject, unit.as_deref(), data, now);
        }
        for id in withdrawn {
            self.withdraw(&id, &actor, now);
        }
        // What no run needs and no run gets is forgotten, as the state forgets it.
        let state = &self.state;
        self.deployed.retain(|id, _| state.deployments.contains_key(id));
        self.see_canaries();
        self.tell(reply, Ok(()));
    }

    /// Takes in workflows that were put together anew, or could not be before.
    pub(super) fn restored(&mut self, all: Vec<Arc<Deployed>>, reply: Reply<()>, now: Timestamp) {
        for deployed in all {
            let id = deployed.id.clone();
            if self.state.deployments.contains_key(&id) && self.deployed.insert(id.clone(), deployed).is_none() {
                self.follow_schedule(&id, now);
            }
        }
        self.tell(reply, Ok(()));
    }

    fn withdraw(&mut self, id: &str, actor: &str, now: Timestamp) {
        let Some((name, unit)) =
            self.state.deployments.get(id).filter(|d| d.active).map(|d| (d.name.clone(), d.unit.clone()))
        else {
            return;
        };
        let (subject, key) = (format!("workflow/{name}"), unit_key(unit.as_deref()));
        let entry = Entry::WorkflowWithdrawn(WorkflowWithdrawn { deployment: id.to_owned() });
        self.record(&entry, RecordMeta { subject: &subject, actor, unit: unit.as_deref(), key: &key }, now);
        self.wakes.clear(&Wake::Schedule(id.to_owned()));
        let data = json!({"workflow": name, "by": actor});
        self.show("huiyin.workflow.withdrawn.v1", &subject, unit.as_deref(), data, now);
    }
}
