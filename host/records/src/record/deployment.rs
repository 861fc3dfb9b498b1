//! Records about workflows in force, and about deployments that take several of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A workflow came into force in this partition, with all it is pinned to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorkflowDeployed {
    /// SHA-256 over text, unit and pins, hex: the deployment's name.
    pub deployment: String,
    /// The workflow's `namespace/name`.
    pub name: String,
    /// The unit it serves; none for a workflow that is only run by name.
    pub unit: Option<String>,
    /// The workflow document, as deployed.
    pub text: String,
    /// What each function of the workflow is pinned to.
    pub pins: BTreeMap<String, Pin>,
    /// True when it takes the place of the unit's earlier deployment of the
    /// same workflow name. Running runs keep theirs.
    pub replaces: bool,
    /// Who deployed it, `person:…`; none where the configuration asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The replaced deployment's schedule is this one's too: what is known of
    /// it goes on, so that no time is lost between the two.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keeps_schedule: bool,
}

/// A workflow is no longer configured, or a person withdrew it: it takes no new runs. Running runs keep it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorkflowWithdrawn {
    /// The deployment.
    pub deployment: String,
}

/// What one function of a deployed workflow stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pin {
    /// The plugin's name and version, `risk-level:0.1.0`.
    pub plugin: String,
    /// SHA-256 of the component, hex.
    pub digest: String,
    /// The binding's configuration; `null` leaves the call's own.
    pub config: Value,
}

/// A person's deployment that takes several records was decided: all of it,
/// in whichever partition, comes into force or is withdrawn. In the first
/// partition, before any of those records; what a crash leaves of it undone
/// is done at the next start, before anything else.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeploymentIntended {
    /// Its id, a UUIDv7.
    pub id: String,
    /// Who, `person:…`.
    pub actor: String,
    /// The workflow documents, each once, by their SHA-256 in hex.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub texts: BTreeMap<String, String>,
    /// What is to be done in each partition that it concerns.
    pub parts: Vec<DeploymentPart>,
}

/// What a deployment does in one partition.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct DeploymentPart {
    /// The partition.
    pub partition: u32,
    /// What comes into force.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub workflows: Vec<WorkflowIntended>,
    /// The deployments that are withdrawn.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub withdrawn: Vec<String>,
}

/// A workflow that is to come into force; see [`WorkflowDeployed`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorkflowIntended {
    /// The deployment's name.
    pub deployment: String,
    /// The workflow's `namespace/name`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The unit it serves.
    pub unit: Option<String>,
    /// The SHA-256 of its document, hex.
    pub text: String,
    /// What each function of the workflow is pinned to.
    pub pins: BTreeMap<String, Pin>,
    /// The replaced deployment's schedule is this one's too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keeps_schedule: bool,
}

impl DeploymentIntended {
    /// What is recorded about a workflow of it once it is in force; none
    /// where its document is not among the texts.
    pub fn deployed(&self, workflow: &WorkflowIntended) -> Option<WorkflowDeployed> {
        Some(WorkflowDeployed {
            deployment: workflow.deployment.clone(),
            name: workflow.name.clone(),
            unit: workflow.unit.clone(),
            text: self.texts.get(&workflow.text)?.clone(),
            pins: workflow.pins.clone(),
            replaces: true,
            by: Some(self.actor.clone()),
            keeps_schedule: workflow.keeps_schedule,
        })
    }
}

/// All that a deployment intended is on record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeploymentCompleted {
    /// Its id.
    pub id: String,
}
