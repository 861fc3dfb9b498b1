//! Runs: starting, looking, cancelling.

use axum::Extension;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use huiyin_engine::Submission;
use huiyin_engine::state::{FinishedRun, Run, State as PartitionState};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::api::App;
use crate::body::Json;
use crate::caller::Caller;
use crate::problem::Problem;

/// Longest id that an asker may choose, in bytes.
const MAX_ID: usize = 128;

/// Runs listed unless told otherwise.
const LISTED: usize = 100;

/// A run to start.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Start {
    workflow: String,
    unit: Option<String>,
    #[serde(default)]
    input: Value,
    /// Chosen by the asker, so that asking again starts no second one.
    id: Option<String>,
    /// Answer when the run has ended.
    #[serde(default)]
    wait: bool,
}

pub(crate) async fn start(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Json(start): Json<Start>,
) -> Result<Response, Problem> {
    if let Some(id) = &start.id {
        check_id(id)?;
    }
    let submission = Submission {
        workflow: start.workflow,
        unit: start.unit,
        input: start.input,
        actor: caller.actor,
        run: start.id,
    };
    if start.wait {
        let run = app.engine.run(submission).await?;
        return Ok(axum::Json(finished(&run, None)).into_response());
    }
    let id = app.engine.submit(submission).await?;
    let place = format!("/v1/runs/{id}");
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, place)], axum::Json(json!({"run": id}))).into_response())
}

fn check_id(id: &str) -> Result<(), Problem> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    if id.is_empty() || id.len() > MAX_ID || !id.chars().all(plain) {
        return Err(Problem::invalid_at("/id", format_args!("an id has 1 to {MAX_ID} letters, digits or -_.:")));
    }
    Ok(())
}

/// Which runs to list.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    /// `running`, `completed`, `faulted`, `cancelled`.
    status: Option<String>,
    limit: Option<usize>,
}

pub(crate) async fn list(
    State(app): State<App>,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<axum::Json<Value>, Problem> {
    let Query(which) = which?;
    let limit = which.limit.unwrap_or(LISTED);
    let status = which.status;
    let found = app
        .engine
        .look_all(move |state, _| {
            let wanted =
                |run: &Value| status.as_ref().is_none_or(|s| run.get("status").and_then(Value::as_str) == Some(s));
            let ended = state.finished.iter().rev().map(|run| finished(run, Some(state)));
            let under_way = state.runs.iter().rev().map(|(id, run)| running(id, run, state));
            under_way.chain(ended).filter(wanted).take(limit).collect::<Vec<_>>()
        })
        .await?;
    let mut runs: Vec<Value> = found.into_iter().flatten().collect();
    // The latest first; times are RFC 3339 in UTC of one length but for their fractions, which sort all the same.
    runs.sort_by(|a, b| b["started"].as_str().cmp(&a["started"].as_str()));
    runs.truncate(limit);
    Ok(axum::Json(json!({"runs": runs})))
}

pub(crate) async fn show(
    State(app): State<App>,
    id: Result<Path<String>, PathRejection>,
) -> Result<axum::Json<Value>, Problem> {
    let Path(id) = id?;
    let wanted = id.clone();
    let found = app
        .engine
        .look_all(move |state, _| {
            let ended =
                || state.finished.iter().rev().find(|run| run.run == wanted).map(|run| finished(run, Some(state)));
            state.runs.get(&wanted).map(|run| running(&wanted, run, state)).or_else(ended)
        })
        .await?;
    match found.into_iter().flatten().next() {
        Some(run) => Ok(axum::Json(run)),
        None => Err(Problem::not_found(format_args!("there is no run {id}, or it ended long ago"))),
    }
}

/// Why a run is stopped.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cancel {
    reason: String,
}

pub(crate) async fn cancel(
    State(app): State<App>,
    id: Result<Path<String>, PathRejection>,
    Extension(caller): Extension<Caller>,
    Json(cancel): Json<Cancel>,
) -> Result<StatusCode, Problem> {
    let Path(id) = id?;
    if cancel.reason.trim().is_empty() {
        return Err(Problem::invalid_at("/reason", "say why the run is cancelled"));
    }
    app.engine.cancel(&id, &cancel.reason, &caller.actor).await?;
    Ok(StatusCode::ACCEPTED)
}

fn running(id: &str, run: &Run, state: &PartitionState) -> Value {
    let waiting: Vec<Value> = run
        .effects
        .iter()
        .map(|(call, effect)| json!({"call": call, "plugin": effect.plugin, "attempt": effect.attempt, "unknown": effect.unknown}))
        .collect();
    let status = if run.quarantined.is_some() { "quarantined" } else { "running" };
    json!({
        "run": id,
        "workflow": state.deployments.get(&run.deployment).map(|d| &d.name),
        "unit": state.deployments.get(&run.deployment).and_then(|d| d.unit.as_ref()),
        "deployment": run.deployment,
        "status": status,
        "trigger": run.trigger,
        "started": run.started,
        "effects": waiting,
        "quarantined": run.quarantined,
    })
}

fn finished(run: &FinishedRun, state: Option<&PartitionState>) -> Value {
    let deployment = state.and_then(|state| state.deployments.get(&run.deployment));
    let result = if run.status == "completed" { "output" } else { "error" };
    let mut value = json!({
        "run": run.run,
        "deployment": run.deployment,
        "status": run.status,
        "started": run.started,
        "ended": run.ended,
        result: run.result,
    });
    if let (Some(deployment), Value::Object(map)) = (deployment, &mut value) {
        map.insert("workflow".to_owned(), deployment.name.clone().into());
        map.insert("unit".to_owned(), deployment.unit.clone().into());
    }
    value
}
