//! Daily logs, special reports and digests (clauses 3.2e, 6a).

use axum::Extension;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use huiyin_desk::LogKind;
use serde_json::{Value, json};

use crate::caller::Caller;
use crate::problem::Problem;
use crate::readers;
use crate::state::App;

/// Which logs.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    unit: Option<String>,
    kind: Option<LogKind>,
    /// One day's, by its last day.
    #[schemars(with = "Option<String>", extend("format" = "date"))]
    day: Option<jiff::civil::Date>,
}

/// The logs, the latest first, and the days that have none.
pub(crate) async fn list(
    State(app): State<App>,
    which: Result<Query<Which>, QueryRejection>,
    Extension(caller): Extension<Caller>,
) -> Result<axum::Json<Value>, Problem> {
    let Query(Which { unit, kind, day }) = which?;
    if let Some(unit) = &unit {
        app.engine.partition_of(unit)?;
    }
    let look =
        move |state: &huiyin_engine::state::State, now| huiyin_desk::log_list(&state.desk, unit.as_deref(), kind, now);
    let mut logs: Vec<Value> = app.engine.look_all(look).await?.into_iter().flatten().collect();
    if let Some(day) = day.map(|day| day.to_string()) {
        logs.retain(|log| log["to"] == *day);
    }
    readers::within(&mut logs, &caller);
    logs.sort_by_cached_key(|log| std::cmp::Reverse(log["to"].as_str().unwrap_or_default().to_owned()));
    let page = json!({"now": app.engine.now(), "logs": logs});
    Ok(axum::Json(app.engine.look(0, move |state, _| huiyin_desk::with_names(&state.desk, page)).await?))
}
