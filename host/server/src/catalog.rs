//! What the host is and has: its health, what it holds.

use axum::extract::State;
use futures::FutureExt as _;
use serde_json::{Value, json};

use crate::problem::Problem;
use crate::state::App;

/// Whether the host can do its work; the only path that needs no token, so it says nothing else.
pub(crate) async fn health(State(app): State<App>) -> Result<axum::Json<Value>, Problem> {
    if app.engine.failed().now_or_never().is_some() {
        return Err(Problem::unavailable("the store has failed; see the host's log"));
    }
    Ok(axum::Json(json!({"status": "ok"})))
}

pub(crate) async fn host(State(app): State<App>) -> Result<axum::Json<Value>, Problem> {
    let engine = &app.engine;
    let found = engine
        .look_all(|state, _| {
            let missed = state.desk.cases().map(|case| case.missed.len()).sum();
            (state.runs.len(), state.started, state.desk.cases().count(), state.desk.known_items(), missed)
        })
        .await?;
    let sum = |pick: fn(&(usize, u64, usize, usize, usize)) -> u64| found.iter().map(pick).sum::<u64>();
    let checkpoint = engine.ledger().and_then(|ledger| ledger.latest()).map(|c| c.checkpoint.size);
    Ok(axum::Json(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "now": engine.now(),
        "units": engine.units(),
        "partitions": engine.partition_count(),
        "records": engine.journal().size(),
        "checkpoint": checkpoint,
        "runs": {"running": sum(|f| f.0 as u64), "started": sum(|f| f.1)},
        "cases": sum(|f| f.2 as u64),
        "items": sum(|f| f.3 as u64),
        "escalations_missed": sum(|f| f.4 as u64),
    })))
}

/// How the receivers of lifecycle events do.
pub(crate) async fn lifecycle(State(app): State<App>) -> axum::Json<Value> {
    axum::Json(json!({"records": app.engine.journal().size(), "sinks": app.engine.sinks()}))
}
