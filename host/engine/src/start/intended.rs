//! A deployment that a crash cut off is carried out to its end, before anything else happens.

use huiyin_journal::Journal;
use huiyin_records::record::{DeploymentCompleted, DeploymentPart, Entry, WorkflowWithdrawn};
use huiyin_records::state::State;
use jiff::Timestamp;

use super::StartError;
use super::force::write_all;

/// Writes what is left of a deployment that is on record as intended and not as completed.
///
/// # Errors
/// When the journal fails, or is not one that such a deployment can be carried out on.
pub async fn complete_intended(loaded: &mut [State], journal: &dyn Journal, now: Timestamp) -> Result<(), StartError> {
    let Some(intended) = loaded.first().and_then(|home| home.intended.clone()) else { return Ok(()) };
    let broken = |why: String| StartError::Config(vec![format!("the intended deployment {}: {why}", intended.id)]);
    let partitions = loaded.len();
    for DeploymentPart { partition, workflows, withdrawn } in &intended.parts {
        let state = loaded
            .get_mut(*partition as usize)
            .ok_or_else(|| broken(format!("it concerns partition {partition}, the host has {partitions}")))?;
        let active = |id: &str| state.deployments.get(id).is_some_and(|d| d.active);
        let mut entries = Vec::new();
        for workflow in workflows.iter().filter(|workflow| !active(&workflow.deployment)) {
            let entry = intended
                .deployed(workflow)
                .ok_or_else(|| broken(format!("the document of `{}` is not in its record", workflow.name)))?;
            let subject = format!("workflow/{}/{}", workflow.name, workflow.version);
            entries.push((Entry::WorkflowDeployed(entry), subject, workflow.unit.clone()));
        }
        for id in withdrawn.iter().filter(|id| active(id)) {
            let Some(deployment) = state.deployments.get(id) else { continue };
            let (subject, unit) = (format!("workflow/{}", deployment.name), deployment.unit.clone());
            entries.push((Entry::WorkflowWithdrawn(WorkflowWithdrawn { deployment: id.clone() }), subject, unit));
        }
        tracing::info!(deployment = intended.id, partition, records = entries.len(), "a deployment is carried on");
        write_all(state, *partition, &intended.actor, entries, journal, now).await?;
    }
    let Some(home) = loaded.first_mut() else { return Ok(()) };
    let completed = Entry::DeploymentCompleted(DeploymentCompleted { id: intended.id.clone() });
    let entries = vec![(completed, format!("deployment/{}", intended.id), None)];
    write_all(home, 0, &intended.actor, entries, journal, now).await
}
