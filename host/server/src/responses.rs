//! Responses, and what units publish of their own accord.

use axum::Extension;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use serde_json::{Value, json};

use crate::caller::Caller;
use crate::problem::Problem;
use crate::readers;
use crate::state::App;

/// Whose, and whether also those that are over.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    unit: Option<String>,
    #[serde(default)]
    all: bool,
}

/// Responses under way, the first due first: those that a unit speaks in or is asked to co-sign.
pub(crate) async fn responses(
    State(app): State<App>,
    which: Result<Query<Which>, QueryRejection>,
    Extension(caller): Extension<Caller>,
) -> Result<axum::Json<Value>, Problem> {
    let Query(Which { unit, all }) = which?;
    if let Some(unit) = &unit {
        app.engine.partition_of(unit)?;
    }
    let look =
        move |state: &huiyin_engine::state::State, _| huiyin_desk::response_list(&state.desk, unit.as_deref(), all);
    let mut found = app.engine.look_all(look).await?.into_iter().flatten().collect();
    readers::leave_out(&mut found, "case", &readers::hidden(&app, &caller).await?);
    page(&app, "responses", by_due(found, "response")).await
}

/// What units owe the public, the first due first.
pub(crate) async fn disclosures(
    State(app): State<App>,
    which: Result<Query<Which>, QueryRejection>,
    Extension(caller): Extension<Caller>,
) -> Result<axum::Json<Value>, Problem> {
    let Query(Which { unit, all }) = which?;
    if let Some(unit) = &unit {
        app.engine.partition_of(unit)?;
    }
    let look =
        move |state: &huiyin_engine::state::State, _| huiyin_desk::disclosure_list(&state.desk, unit.as_deref(), all);
    let mut found = app.engine.look_all(look).await?.into_iter().flatten().collect();
    readers::within(&mut found, &caller);
    page(&app, "disclosures", by_due(found, "disclosure")).await
}

/// The first due first, then what has no due time.
fn by_due(mut rows: Vec<Value>, name: &str) -> Vec<Value> {
    let due = |row: &Value| row["due_at"].as_str().and_then(|at| at.parse::<jiff::Timestamp>().ok());
    rows.sort_by_cached_key(|row| (due(row).is_none(), due(row), row["case"].to_string(), row[name].to_string()));
    rows
}

async fn page(app: &App, name: &str, rows: Vec<Value>) -> Result<axum::Json<Value>, Problem> {
    let page = json!({"now": app.engine.now(), name: rows});
    Ok(axum::Json(app.engine.look(0, move |state, _| huiyin_desk::with_names(&state.desk, page)).await?))
}
