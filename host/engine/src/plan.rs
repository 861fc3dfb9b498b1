//! A deployment that was checked, carried out. One that takes several records,
//! perhaps in several partitions, is first put on record as a whole: whatever
//! crash comes in between, the next start does the rest of it
//! ([`crate::start::complete_intended`]), so it is never in force by half.

use std::collections::BTreeMap;
use std::sync::Arc;

use huiyin_partition::deployed::Deployed;
use huiyin_partition::partition::{Deploy, Message, Refusal, deployable};
use huiyin_partition::value_limits::ValueLimits;
use huiyin_records::record::{
    DeploymentCompleted, DeploymentIntended, DeploymentPart, Entry, WorkflowDeployed, WorkflowIntended,
};
use huiyin_records::state::text_digest;

use crate::partition_handle::PartitionHandle;

/// What is to be done, by partition.
#[derive(Default)]
pub(crate) struct Plan {
    /// Who wants it.
    pub(crate) actor: String,
    /// What each partition has to do.
    pub(crate) parts: BTreeMap<usize, Part>,
}

/// What one partition has to do.
#[derive(Default)]
pub struct Part {
    /// To bring into force, each ready to run.
    pub workflows: Vec<(WorkflowDeployed, Arc<Deployed>)>,
    /// Deployments to withdraw.
    pub withdrawn: Vec<String>,
}

impl Plan {
    /// Carries it out. What readers see of the host changes once all of it is on record.
    ///
    /// # Errors
    /// [`Refusal`]; nothing has happened then, unless it says that the rest follows at the next start.
    pub(crate) async fn carry_out(self, partitions: &[Arc<PartitionHandle>], most: ValueLimits) -> Result<(), Refusal> {
        let home = partitions.first().ok_or_else(Refusal::stopped)?;
        let actor = self.actor.clone();
        let intended = intended(uuid::Uuid::now_v7().to_string(), &actor, &self.parts);
        if let Some(intended) = &intended {
            // No partition may have a reason to refuse its part once all of it is promised.
            for (entry, deployed) in self.parts.values().flat_map(|part| &part.workflows) {
                deployable(entry.clone(), &deployed.version, &actor, most)?;
            }
            let entry = Box::new(Entry::DeploymentIntended(intended.clone()));
            home.ask(|reply| Message::Deployment(entry, actor.clone(), reply)).await?;
        }
        let id = intended.map(|intended| intended.id);
        match self.put(partitions).await {
            Err(Refusal::Store(why)) if id.is_some() => {
                let why =
                    format!("{why}; the deployment is on record, and what is left of it follows at the next start");
                return Err(Refusal::Store(why));
            }
            put => put?,
        }
        if let Some(id) = id {
            let entry = Box::new(Entry::DeploymentCompleted(DeploymentCompleted { id }));
            home.ask(|reply| Message::Deployment(entry, actor, reply)).await?;
        }
        Ok(())
    }

    async fn put(self, partitions: &[Arc<PartitionHandle>]) -> Result<(), Refusal> {
        let actor = self.actor;
        let mut asked = Vec::with_capacity(self.parts.len());
        let mut seen = Vec::with_capacity(self.parts.len());
        for (at, Part { workflows, withdrawn }) in self.parts {
            let partition = partitions.get(at).ok_or_else(Refusal::stopped)?;
            let new: Vec<Arc<Deployed>> = workflows.iter().map(|(_, deployed)| Arc::clone(deployed)).collect();
            seen.push((at, partition, new, withdrawn.clone()));
            let (actor, bindings) = (actor.clone(), Vec::new());
            asked.push(partition.ask(|reply| Message::Deploy(Deploy { workflows, withdrawn, bindings, actor, reply })));
        }
        for done in futures::future::join_all(asked).await {
            done?;
        }
        for (at, partition, new, withdrawn) in seen {
            partition.no_longer_has(&withdrawn);
            partition.now_has(&new, at);
        }
        Ok(())
    }
}

/// The promise of a deployment; none where one record is all of it, which is there or is not.
pub fn intended(id: String, actor: &str, parts: &BTreeMap<usize, Part>) -> Option<DeploymentIntended> {
    let records: usize = parts.values().map(|part| part.workflows.len() + part.withdrawn.len()).sum();
    if records < 2 {
        return None;
    }
    let mut texts = BTreeMap::new();
    let mut planned = |(entry, deployed): &(WorkflowDeployed, Arc<Deployed>)| {
        let text = text_digest(&entry.text);
        texts.entry(text.clone()).or_insert_with(|| entry.text.clone());
        WorkflowIntended {
            deployment: entry.deployment.clone(),
            name: entry.name.clone(),
            version: deployed.version.clone(),
            unit: entry.unit.clone(),
            text,
            pins: entry.pins.clone(),
            keeps_schedule: entry.keeps_schedule,
        }
    };
    let parts = parts
        .iter()
        .map(|(at, part)| DeploymentPart {
            partition: u32::try_from(*at).unwrap_or(u32::MAX),
            workflows: part.workflows.iter().map(&mut planned).collect(),
            withdrawn: part.withdrawn.clone(),
        })
        .collect();
    Some(DeploymentIntended { id, actor: actor.to_owned(), texts, parts })
}
