//! The desk: cases, and what people do with them.

use axum::Extension;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use huiyin_desk::Command;
use serde_json::{Value, json};

use crate::api::App;
use crate::body::Json;
use crate::caller::Caller;
use crate::problem::Problem;

pub(crate) async fn cases(State(app): State<App>) -> Result<axum::Json<Value>, Problem> {
    let found = app.engine.look_all(|state, now| huiyin_desk::case_list(&state.desk, now)).await?;
    let mut cases: Vec<Value> = found.into_iter().flatten().collect();
    by_urgency(&mut cases);
    Ok(axum::Json(json!({"now": app.engine.now(), "cases": cases})))
}

/// Puts rows of several partitions into one order: open cases first, the
/// gravest first, the newest first.
pub fn by_urgency(rows: &mut [Value]) {
    const LEVELS: [&str; 4] = ["I", "II", "III", "IV"];
    let text = |row: &Value, name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    rows.sort_by_cached_key(|row| {
        let level = text(row, "level");
        let rank = LEVELS.iter().position(|name| *name == level).unwrap_or(LEVELS.len());
        let opened: Option<jiff::Timestamp> = text(row, "opened_at").parse().ok();
        (text(row, "state") == "closed", rank, std::cmp::Reverse(opened), text(row, "number"))
    });
}

pub(crate) async fn case(
    State(app): State<App>,
    number: Result<Path<String>, PathRejection>,
) -> Result<axum::Json<Value>, Problem> {
    let Path(number) = number?;
    let wanted = number.clone();
    let found = app
        .engine
        .look_all(move |state, now| state.desk.case(&wanted).map(|case| huiyin_desk::case_summary(case, now)))
        .await?;
    match found.into_iter().flatten().next() {
        Some(case) => Ok(axum::Json(case)),
        None => Err(Problem::not_found(format_args!("there is no case {number}; `huiyin case list` shows them"))),
    }
}

/// Carries out a person's command: `{"command": "close-case", …}` with the
/// fields of that command.
pub(crate) async fn command(
    State(app): State<App>,
    unit: Result<Path<String>, PathRejection>,
    Extension(caller): Extension<Caller>,
    Json(command): Json<Command>,
) -> Result<axum::Json<Value>, Problem> {
    let Path(unit) = unit?;
    let output = app.engine.desk(&unit, &caller.actor, command).await?;
    Ok(axum::Json(output))
}
