//! Workflows: what is in force, the documents, deploying, and the JSON Schema for editors.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use axum::Extension;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use huiyin_engine::catalog::RegistryCatalog;
use huiyin_engine::deploy::{DeployError, WorkflowText};
use huiyin_engine::house::House;
use huiyin_engine::record::Pin;
use huiyin_engine::state::State as PartitionState;
use huiyin_flow::Catalog as _;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::body::Json;
use crate::caller::Caller;
use crate::problem::Problem;
use crate::state::App;

/// Longest name of a file, in bytes.
const MAX_FILE: usize = 1_024;

/// One deployment, put together from the partitions that have it.
struct Row {
    id: String,
    name: String,
    unit: Option<String>,
    text: Arc<str>,
    since: Timestamp,
    active: bool,
    by: Option<String>,
    running: usize,
    pins: Vec<Pin>,
}

impl Row {
    fn version(&self) -> String {
        huiyin_flow::relations(&self.text, &self.name).map(|known| known.own.version).unwrap_or_default()
    }

    /// With why calls of it are refused, where they are, by plugin.
    fn show(&self, house: &House) -> Value {
        let why = |pin: &Pin| Some((pin.plugin.clone(), house.may(pin, self.unit.as_deref()).err()?));
        let withheld: BTreeMap<String, String> = self.pins.iter().filter_map(why).collect();
        json!({
            "name": self.name,
            "version": self.version(),
            "unit": self.unit,
            "since": self.since,
            "active": self.active,
            "by": self.by,
            "deployment": self.id,
            "running": self.running,
            "withheld": withheld,
        })
    }
}

/// Every deployment that takes new runs or that running runs still need.
async fn rows(app: &App) -> Result<Vec<Row>, Problem> {
    let found = app
        .engine
        .look_all(|state: &PartitionState, _| {
            let mut running: HashMap<&str, usize> = HashMap::new();
            for run in state.runs.values() {
                *running.entry(&run.deployment).or_default() += 1;
            }
            let row = |(id, d): (&String, &huiyin_engine::state::Deployment)| Row {
                id: id.clone(),
                name: d.name.clone(),
                unit: d.unit.clone(),
                text: Arc::clone(&d.text),
                since: d.since,
                active: d.active,
                by: d.by.clone(),
                running: running.get(id.as_str()).copied().unwrap_or_default(),
                pins: d.pins.values().cloned().collect(),
            };
            state.deployments.iter().map(row).filter(|row| row.active || row.running > 0).collect::<Vec<_>>()
        })
        .await?;
    let mut all: BTreeMap<String, Row> = BTreeMap::new();
    for row in found.into_iter().flatten() {
        match all.get_mut(&row.id) {
            None => drop(all.insert(row.id.clone(), row)),
            Some(known) => {
                known.running += row.running;
                known.active |= row.active;
                known.since = known.since.min(row.since);
            }
        }
    }
    let mut rows: Vec<Row> = all.into_values().collect();
    // What takes new runs first, then the latest.
    rows.sort_by(|a, b| (&a.name, &a.unit, b.active, b.since).cmp(&(&b.name, &b.unit, a.active, a.since)));
    Ok(rows)
}

pub(crate) async fn list(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
) -> Result<axum::Json<Value>, Problem> {
    let known = rows(&app).await?;
    let known = known.iter().filter(|row| caller.knows(row.unit.as_deref()));
    let rows: Vec<Value> = known.map(|row| row.show(app.engine.house())).collect();
    Ok(axum::Json(json!({"workflows": rows})))
}

/// Which of the deployments of a name.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    unit: Option<String>,
    version: Option<String>,
}

pub(crate) async fn show(
    State(app): State<App>,
    path: Result<Path<(String, String)>, PathRejection>,
    which: Result<Query<Which>, QueryRejection>,
    Extension(caller): Extension<Caller>,
) -> Result<axum::Json<Value>, Problem> {
    let (Path((namespace, name)), Query(which)) = (path?, which?);
    let name = format!("{namespace}/{name}");
    let mut rows = rows(&app).await?;
    rows.retain(|row| {
        row.name == name
            && caller.knows(row.unit.as_deref())
            && which.unit.as_ref().is_none_or(|unit| row.unit.as_ref() == Some(unit))
            && which.version.as_ref().is_none_or(|version| row.version() == *version)
    });
    // Without a version, the one that new runs get.
    if which.version.is_none() && rows.iter().any(|row| row.active) {
        rows.retain(|row| row.active);
    }
    let Some(first) = rows.first() else {
        return Err(Problem::not_found(format_args!("no such workflow `{name}` is in force; see GET /v1/workflows")));
    };
    if rows.iter().any(|row| row.text != first.text) {
        let units: Vec<&str> = rows.iter().map(|row| row.unit.as_deref().unwrap_or("-")).collect();
        let units = units.join(", ");
        return Err(Problem::invalid(format_args!("`{name}` differs from unit to unit ({units}); give `unit`")));
    }
    let deployments: Vec<Value> = rows.iter().map(|row| row.show(app.engine.house())).collect();
    Ok(axum::Json(json!({"name": name, "version": first.version(), "text": &*first.text, "deployments": deployments})))
}

/// Workflows to deploy.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Deploy {
    workflows: Vec<Document>,
    /// The units that they serve, `*` for all; none to be run by name.
    #[serde(default)]
    units: Vec<String>,
}

#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Document {
    /// What the asker calls it, for the findings.
    #[serde(default = "unnamed")]
    file: String,
    text: String,
}

fn unnamed() -> String {
    "workflow".to_owned()
}

pub(crate) async fn deploy(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Json(deploy): Json<Deploy>,
) -> Result<axum::Json<Value>, Problem> {
    if deploy.units.is_empty() {
        caller.within(&app, None)?;
    }
    for unit in &deploy.units {
        caller.within(&app, Some(unit))?;
    }
    let mut texts = Vec::with_capacity(deploy.workflows.len());
    for (at, document) in deploy.workflows.into_iter().enumerate() {
        if document.file.is_empty() || document.file.len() > MAX_FILE {
            return Err(Problem::invalid_at(
                format!("/workflows/{at}/file"),
                format_args!("a file's name has 1 to {MAX_FILE} bytes"),
            ));
        }
        texts.push(WorkflowText { file: document.file, text: document.text });
    }
    match app.engine.deploy(texts, &deploy.units, &caller.actor).await {
        Ok(report) => Ok(axum::Json(serde_json::to_value(report).map_err(Problem::internal)?)),
        Err(DeployError::Invalid(diagnostics)) => Err(Problem::diagnosed(diagnostics)),
        Err(DeployError::Refusal(refusal)) => Err(refusal.into()),
    }
}

/// Which workflow to withdraw.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Withdraw {
    unit: Option<String>,
}

pub(crate) async fn withdraw(
    State(app): State<App>,
    path: Result<Path<(String, String)>, PathRejection>,
    Extension(caller): Extension<Caller>,
    Json(withdraw): Json<Withdraw>,
) -> Result<StatusCode, Problem> {
    let Path((namespace, name)) = path?;
    caller.within(&app, withdraw.unit.as_deref())?;
    app.engine.withdraw(&format!("{namespace}/{name}"), withdraw.unit.as_deref(), &caller.actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The JSON Schema of workflows, with the functions of this house.
pub(crate) async fn schema(State(app): State<App>) -> Response {
    let catalog = RegistryCatalog(app.engine.house());
    let functions: Vec<_> = catalog
        .names()
        .into_iter()
        .filter_map(|full| {
            let (name, version) = full.split_once(':')?;
            let info = catalog.resolve(name, Some(version))?;
            Some((full.clone(), info))
        })
        .collect();
    let schema = huiyin_flow::workflow_schema(&functions, Some(&huiyin_engine::extension::schema())).to_string();
    ([(header::CONTENT_TYPE, "application/schema+json")], schema).into_response()
}
