//! Sources: how they do, and setting one back.

use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use huiyin_engine::partition::RewindCommand;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::body::Json;
use crate::caller::Caller;
use crate::problem::Problem;
use crate::readers;
use crate::state::App;

/// The longest reason, in bytes.
const MAX_REASON: usize = 2_000;

/// The longest cursor, in bytes.
const MAX_CURSOR: usize = 1 << 20;

pub(crate) async fn list(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
) -> Result<axum::Json<Value>, Problem> {
    let found = app
        .engine
        .look_all(|state, _| {
            let row = |(id, source): (&String, &huiyin_engine::state::Source)| {
                json!({
                    "source": id,
                    "unit": id.split('/').next(),
                    "state": if source.error.is_some() { "failing" } else if source.idles() { "idling" } else if source.last_ok.is_some() { "ok" } else { "new" },
                    "items": source.items,
                    "known": source.known,
                    "polls": source.polls,
                    "last_due": source.last_due,
                    "last_ok": source.last_ok,
                    "last_item": source.last_item,
                    "failures": source.failures,
                    "error": source.error,
                    "not_before": source.not_before,
                })
            };
            let mut rows: Vec<Value> = state.sources.iter().map(row).collect();
            // How each lives (clause 3.1e), and those that send and are not read.
            let mut new = Vec::new();
            for live in huiyin_desk::watch::source_list(&state.desk) {
                let known = rows.iter().position(|row| row["source"] == live["source"]);
                match (known.and_then(|at| rows.get_mut(at)).and_then(Value::as_object_mut), live) {
                    (Some(row), Value::Object(live)) => row.extend(live),
                    (_, mut live) => {
                        live["state"] = live["heartbeat"].clone();
                        new.push(live);
                    }
                }
            }
            rows.extend(new);
            rows
        })
        .await?;
    let mut sources: Vec<Value> = found.into_iter().flatten().collect();
    readers::within(&mut sources, &caller);
    sources.sort_by(|a, b| a["source"].as_str().cmp(&b["source"].as_str()));
    Ok(axum::Json(json!({"sources": sources})))
}

/// Which source, to where, and why.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rewind {
    source: String,
    unit: String,
    cursor: Option<String>,
    reason: String,
}

pub(crate) async fn rewind(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Json(rewind): Json<Rewind>,
) -> Result<StatusCode, Problem> {
    let Rewind { source, unit, cursor, reason } = rewind;
    if reason.trim().is_empty() || reason.len() > MAX_REASON {
        return Err(Problem::invalid_at(
            "/reason",
            format_args!("say why it is set back, in at most {MAX_REASON} bytes"),
        ));
    }
    if cursor.as_ref().is_some_and(|cursor| cursor.len() > MAX_CURSOR) {
        return Err(Problem::invalid_at("/cursor", format_args!("a cursor has at most {MAX_CURSOR} bytes")));
    }
    caller.within(&app, Some(&unit))?;
    app.engine.rewind_source(RewindCommand { source, unit, cursor, reason, actor: caller.actor }).await?;
    Ok(StatusCode::NO_CONTENT)
}
