//! Schedules: what is due next, pausing, going on.

use axum::Extension;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use huiyin_engine::partition::PauseCommand;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::body::Json;
use crate::caller::Caller;
use crate::problem::Problem;
use crate::state::App;

/// Times shown of each schedule unless told otherwise.
const SHOWN: usize = 5;

/// The most times of each.
const MOST: usize = 1_000;

/// The longest reason, in bytes.
const MAX_REASON: usize = 2_000;

/// How much to show.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    next: Option<usize>,
}

pub(crate) async fn list(
    State(app): State<App>,
    which: Result<Query<Which>, QueryRejection>,
    Extension(caller): Extension<Caller>,
) -> Result<axum::Json<Value>, Problem> {
    let Query(which) = which?;
    let count = which.next.unwrap_or(SHOWN);
    if count > MOST {
        return Err(Problem::invalid(format_args!("`next` is at most {MOST}")));
    }
    let mut schedules = app.engine.schedules(count).await?;
    schedules.retain(|row| caller.knows(row.unit.as_deref()));
    Ok(axum::Json(json!({"now": app.engine.now(), "schedules": schedules})))
}

/// Which schedule, and why.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Word {
    workflow: String,
    unit: Option<String>,
    reason: String,
}

pub(crate) async fn pause(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Json(word): Json<Word>,
) -> Result<StatusCode, Problem> {
    say(&app, caller, word, true).await
}

pub(crate) async fn resume(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Json(word): Json<Word>,
) -> Result<StatusCode, Problem> {
    say(&app, caller, word, false).await
}

async fn say(app: &App, caller: Caller, word: Word, pause: bool) -> Result<StatusCode, Problem> {
    let Word { workflow, unit, reason } = word;
    if reason.trim().is_empty() || reason.len() > MAX_REASON {
        let deed = if pause { "is paused" } else { "goes on" };
        return Err(Problem::invalid_at("/reason", format_args!("say why it {deed}, in at most {MAX_REASON} bytes")));
    }
    caller.within(app, unit.as_deref())?;
    app.engine.pause_schedule(PauseCommand { workflow, unit, pause, reason, actor: caller.actor }).await?;
    Ok(StatusCode::NO_CONTENT)
}
