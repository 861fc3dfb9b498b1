//! Runs: starting them, looking at them, and what people do with them.

use axum::Extension;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use huiyin_engine::Submission;
use huiyin_engine::state::{FinishedRun, Run, SMALL_RESULT, State as PartitionState};
use huiyin_flow::Phase;
use huiyin_journal::Payload;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::body::Json;
use crate::caller::{self, Caller};
use crate::problem::Problem;
use crate::state::App;

/// Longest id that an asker may choose, in bytes.
const MAX_ID: usize = 128;

/// Runs listed unless told otherwise.
const LISTED: usize = 100;

/// A run to start.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Start {
    workflow: String,
    unit: Option<String>,
    #[serde(default, deserialize_with = "huiyin_json::value")]
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
    headers: HeaderMap,
    Json(mut start): Json<Start>,
) -> Result<Response, Problem> {
    if let Some(id) = &start.id {
        check_id(id)?;
    } else if let Some(key) = caller::key(&headers)? {
        // Under the same key the same run.
        start.id = Some(format!("key-{}", huiyin_engine::once::command_name(&caller.actor, &key)));
    }
    caller.within(&app, start.unit.as_deref())?;
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
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    /// `running`, `suspended`, `waiting`, `quarantined`, `completed`, `faulted`, `cancelled`.
    status: Option<String>,
    /// `namespace/name`, or the name alone.
    workflow: Option<String>,
    unit: Option<String>,
    limit: Option<usize>,
}

/// Every status that a run can have.
const STATUSES: [&str; 7] = ["running", "suspended", "waiting", "quarantined", "completed", "faulted", "cancelled"];

pub(crate) async fn list(
    State(app): State<App>,
    which: Result<Query<Which>, QueryRejection>,
    Extension(caller): Extension<Caller>,
) -> Result<axum::Json<Value>, Problem> {
    let Query(which) = which?;
    let limit = which.limit.unwrap_or(LISTED);
    if let Some(status) = which.status.as_ref().filter(|s| !STATUSES.contains(&s.as_str())) {
        let known = STATUSES.join(", ");
        return Err(Problem::invalid(format_args!(
            "`{}` is no status of a run; there are {known}",
            status.escape_debug()
        )));
    }
    let found = app
        .engine
        .look_all(move |state, _| {
            // What is not wanted is not written out.
            let wanted = |deployment: &str, status: &str| {
                let of = state.deployments.get(deployment);
                let name = of.map(|of| of.name.as_str()).unwrap_or_default();
                let unit = of.and_then(|of| of.unit.as_deref());
                which.workflow.as_ref().is_none_or(|wanted| name == wanted || name.rsplit('/').next() == Some(wanted))
                    && which.status.as_ref().is_none_or(|wanted| status == wanted)
                    && which.unit.as_ref().is_none_or(|wanted| unit == Some(wanted))
                    && caller.sees(unit)
            };
            let ended = state.finished.iter().rev().chain(state.failed.iter().rev());
            let ended = ended.filter(|run| wanted(&run.deployment, &run.status)).map(|run| listed(run, state));
            let under_way = state.runs.iter().rev().filter(|(_, run)| wanted(&run.deployment, status_of(run)));
            let under_way = under_way.map(|(id, run)| running(id, run, state));
            under_way.chain(ended).take(limit).collect::<Vec<_>>()
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
    Extension(caller): Extension<Caller>,
) -> Result<axum::Json<Value>, Problem> {
    let Path(id) = id?;
    within(&app, &caller, &id).await?;
    let wanted = id.clone();
    let found = app
        .engine
        .look_all(move |state, _| {
            let ended = || state.ended(&wanted).map(|run| listed(run, state));
            state.runs.get(&wanted).map(|run| running(&wanted, run, state)).or_else(ended)
        })
        .await?;
    match found.into_iter().flatten().next() {
        Some(mut run) if run["large"] == true => {
            let result = if run["status"] == "completed" { "output" } else { "error" };
            run[result] = app.engine.result_of(&id).await?;
            Ok(axum::Json(run))
        }
        Some(run) => Ok(axum::Json(run)),
        None => Err(Problem::not_found(format_args!("there is no run {id}, or it ended long ago"))),
    }
}

/// A run's records, decoded, with the document that it runs.
pub(crate) async fn records(
    State(app): State<App>,
    id: Result<Path<String>, PathRejection>,
    Extension(caller): Extension<Caller>,
) -> Result<axum::Json<Value>, Problem> {
    let Path(id) = id?;
    within(&app, &caller, &id).await?;
    let records = app.engine.records_of(&id).await?;
    let wanted = id.clone();
    let document = app.engine.look_all(move |state, _| {
        let deployment = state.runs.get(&wanted).map(|run| &run.deployment);
        let deployment = deployment.or_else(|| state.ended(&wanted).map(|run| &run.deployment))?;
        state.deployments.get(deployment).map(|d| (d.name.clone(), d.text.to_string()))
    });
    let document = document.await?.into_iter().flatten().next();
    let told: Vec<Value> = records
        .iter()
        .map(|record| {
            let header = &record.header;
            let data = match &record.payload {
                Payload::Open(bytes) => huiyin_json::depth::read(bytes).unwrap_or_default(),
                Payload::Redacted => Value::Null,
            };
            json!({
                "id": header.id,
                "index": record.index,
                "type": record.kind,
                "time": header.time,
                "actor": huiyin_engine::actor_from_headers(&header.actor),
                "redacted": record.payload == Payload::Redacted,
                "data": data,
            })
        })
        .collect();
    let (name, text) = document.map_or((None, None), |(name, text)| (Some(name), Some(text)));
    Ok(axum::Json(json!({"run": id, "workflow": name, "document": text, "records": told})))
}

/// Checks that a run is of the asker's units; one that there is not, is left to who looks for it.
async fn within(app: &App, caller: &Caller, id: &str) -> Result<(), Problem> {
    if caller.reach.is_none() {
        return Ok(());
    }
    let wanted = id.to_owned();
    let look = move |state: &PartitionState, _| {
        let deployment = state.runs.get(&wanted).map(|run| &run.deployment);
        let deployment = deployment.or_else(|| state.ended(&wanted).map(|run| &run.deployment))?;
        Some(state.deployments.get(deployment).and_then(|of| of.unit.clone()))
    };
    match app.engine.look_all(look).await?.into_iter().flatten().next() {
        Some(unit) => caller.within(app, unit.as_deref()),
        None => Ok(()),
    }
}

/// Why something is done with a run.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Why {
    reason: String,
}

pub(crate) async fn cancel(
    State(app): State<App>,
    id: Result<Path<String>, PathRejection>,
    Extension(caller): Extension<Caller>,
    Json(why): Json<Why>,
) -> Result<StatusCode, Problem> {
    let Path(id) = id?;
    within(&app, &caller, &id).await?;
    app.engine.cancel(&id, &why.reason, &caller.actor).await?;
    Ok(StatusCode::ACCEPTED)
}

pub(crate) async fn suspend(
    State(app): State<App>,
    id: Result<Path<String>, PathRejection>,
    Extension(caller): Extension<Caller>,
    Json(why): Json<Why>,
) -> Result<StatusCode, Problem> {
    let Path(id) = id?;
    within(&app, &caller, &id).await?;
    app.engine.suspend(&id, &why.reason, &caller.actor).await?;
    Ok(StatusCode::ACCEPTED)
}

pub(crate) async fn resume(
    State(app): State<App>,
    id: Result<Path<String>, PathRejection>,
    Extension(caller): Extension<Caller>,
    Json(why): Json<Why>,
) -> Result<StatusCode, Problem> {
    let Path(id) = id?;
    within(&app, &caller, &id).await?;
    app.engine.resume(&id, &why.reason, &caller.actor).await?;
    Ok(StatusCode::ACCEPTED)
}

pub(crate) async fn retry(
    State(app): State<App>,
    id: Result<Path<String>, PathRejection>,
    Extension(caller): Extension<Caller>,
    Json(why): Json<Why>,
) -> Result<StatusCode, Problem> {
    let Path(id) = id?;
    within(&app, &caller, &id).await?;
    app.engine.retry(&id, &why.reason, &caller.actor).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Where a run goes on, and with what.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Restart {
    /// JSON pointer of the task.
    task: String,
    /// Its raw input; what it had before unless given.
    #[serde(default, deserialize_with = "given")]
    input: Option<Value>,
    reason: String,
}

/// `null` is an input, too.
fn given<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Value>, D::Error> {
    huiyin_json::value(from).map(Some)
}

pub(crate) async fn restart(
    State(app): State<App>,
    id: Result<Path<String>, PathRejection>,
    Extension(caller): Extension<Caller>,
    Json(restart): Json<Restart>,
) -> Result<StatusCode, Problem> {
    let Path(id) = id?;
    within(&app, &caller, &id).await?;
    app.engine.restart(&id, &restart.task, restart.input, &restart.reason, &caller.actor).await?;
    Ok(StatusCode::ACCEPTED)
}

/// What became of an effect.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Resolve {
    happened: bool,
    /// What it gave, if it happened.
    #[serde(default, deserialize_with = "huiyin_json::value")]
    output: Value,
    /// Which call, where there are several.
    call: Option<u64>,
    reason: String,
}

pub(crate) async fn resolve(
    State(app): State<App>,
    id: Result<Path<String>, PathRejection>,
    Extension(caller): Extension<Caller>,
    Json(resolve): Json<Resolve>,
) -> Result<StatusCode, Problem> {
    let Path(id) = id?;
    within(&app, &caller, &id).await?;
    if !resolve.happened && !resolve.output.is_null() {
        return Err(Problem::invalid_at("/output", "what did not happen gave nothing; leave `output` out"));
    }
    let happened = resolve.happened.then_some(resolve.output);
    app.engine.resolve(&id, resolve.call, happened, &resolve.reason, &caller.actor).await?;
    Ok(StatusCode::ACCEPTED)
}

/// The status of a run that has not ended.
fn status_of(run: &Run) -> &'static str {
    if run.quarantined.is_some() {
        "quarantined"
    } else if run.effects.values().any(|effect| effect.unknown.is_some()) {
        // For a person: nobody knows whether something happened.
        "waiting"
    } else if run.flow.phase() == Phase::Suspended {
        "suspended"
    } else {
        "running"
    }
}

fn running(id: &str, run: &Run, state: &PartitionState) -> Value {
    let waiting: Vec<Value> = run
        .effects
        .iter()
        .map(|(call, effect)| {
            json!({
                "call": call, "plugin": effect.plugin, "target": effect.target, "attempt": effect.attempt,
                "unknown": effect.unknown, "run": effect.child,
            })
        })
        .collect();
    json!({
        "run": id,
        "workflow": state.deployments.get(&run.deployment).map(|d| &d.name),
        "unit": state.deployments.get(&run.deployment).and_then(|d| d.unit.as_ref()),
        "deployment": run.deployment,
        "status": status_of(run),
        "trigger": run.trigger,
        "parent": run.parent.as_ref().map(|parent| &parent.run),
        "started": run.started,
        "active": run.flow.active(),
        "effects": waiting,
        "quarantined": run.quarantined,
        "doubtful": run.doubtful,
    })
}

/// A run that has ended, without a large result: that is told of one run only, and read from the log.
fn listed(run: &FinishedRun, state: &PartitionState) -> Value {
    if run.forgotten || huiyin_flow::more_than(&run.result, SMALL_RESULT).is_some() {
        let mut value = finished(&run.without_result(), Some(state));
        value["large"] = true.into();
        return value;
    }
    finished(run, Some(state))
}

fn finished(run: &FinishedRun, state: Option<&PartitionState>) -> Value {
    let deployment = state.and_then(|state| state.deployments.get(&run.deployment));
    let result = if run.status == "completed" { "output" } else { "error" };
    let mut value = json!({
        "run": run.run,
        "deployment": run.deployment,
        "status": run.status,
        "trigger": run.trigger,
        "parent": run.parent.as_ref().map(|parent| &parent.run),
        "started": run.started,
        "ended": run.ended,
        "reopenable": run.flow.is_some(),
        result: run.result,
    });
    if let (Some(deployment), Value::Object(map)) = (deployment, &mut value) {
        map.insert("workflow".to_owned(), deployment.name.clone().into());
        map.insert("unit".to_owned(), deployment.unit.clone().into());
    }
    value
}
