//! Workflows that a person brings into force, or withdraws, while the host
//! runs. New runs get the new one; running runs keep theirs.

use jiff::Timestamp;
use serde_json::json;

use super::{About, Core, Deploy, Refusal, Wake, unfit};
use crate::record::{Entry, WorkflowWithdrawn, unit_key};

impl Core {
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
            let subject = format!("workflow/{}/{}", deployed.name, deployed.version);
            let (unit, key) = (entry.unit.clone(), unit_key(entry.unit.as_deref()));
            let entry = Entry::WorkflowDeployed(entry);
            let about = About { subject: &subject, actor: &actor, unit: unit.as_deref(), key: &key };
            match unfit(about).map_or_else(|| self.encoded(&entry), Err) {
                Ok(payload) => ready.push((entry, payload, subject, unit, key, deployed)),
                Err(why) => {
                    let message = format!("`{}` {why}", deployed.name);
                    self.tell(reply, Err(Refusal::Invalid { pointer: "/workflows".to_owned(), message }));
                    return;
                }
            }
        }
        self.record_bindings(bindings, now);
        for (entry, payload, subject, unit, key, deployed) in ready {
            let replaced: Vec<String> = self
                .state
                .deployments
                .iter()
                .filter(|(_, d)| d.active && d.name == deployed.name && d.unit == unit)
                .map(|(id, _)| id.clone())
                .collect();
            let about = About { subject: &subject, actor: &actor, unit: unit.as_deref(), key: &key };
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

    fn withdraw(&mut self, id: &str, actor: &str, now: Timestamp) {
        let Some((name, unit)) =
            self.state.deployments.get(id).filter(|d| d.active).map(|d| (d.name.clone(), d.unit.clone()))
        else {
            return;
        };
        let (subject, key) = (format!("workflow/{name}"), unit_key(unit.as_deref()));
        let entry = Entry::WorkflowWithdrawn(WorkflowWithdrawn { deployment: id.to_owned() });
        self.record(&entry, About { subject: &subject, actor, unit: unit.as_deref(), key: &key }, now);
        self.wakes.clear(&Wake::Schedule(id.to_owned()));
        let data = json!({"workflow": name, "by": actor});
        self.show("huiyin.workflow.withdrawn.v1", &subject, unit.as_deref(), data, now);
    }
}
