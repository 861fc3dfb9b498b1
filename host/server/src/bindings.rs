//! Bindings: what slots stand for, changed by people; canaries beside them.

use axum::Extension;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use huiyin_engine::Refusal;
use huiyin_engine::rebind::{PluginWord, Rebound, SlotWord};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::body::Json;
use crate::caller::Caller;
use crate::problem::Problem;
use crate::state::App;

/// Differences shown unless told otherwise.
const SHOWN: usize = 100;

/// The most of them.
const MOST: usize = 10_000;

/// Which slots to show.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    workflow: Option<String>,
    unit: Option<String>,
}

pub(crate) async fn list(
    State(app): State<App>,
    which: Result<Query<Which>, QueryRejection>,
    Extension(caller): Extension<Caller>,
) -> Result<axum::Json<Value>, Problem> {
    let Query(which) = which?;
    let mut rows = app.engine.bindings().await?;
    rows.retain(|row| caller.knows(row.of.unit.as_deref()));
    rows.retain(|row| {
        which.workflow.as_ref().is_none_or(|w| row.of.workflow == *w || row.of.workflow.rsplit('/').next() == Some(w))
            && which.unit.as_ref().is_none_or(|unit| row.of.unit.as_ref() == Some(unit))
    });
    Ok(axum::Json(json!({"bindings": rows})))
}

/// Which slot, and why.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Word {
    workflow: String,
    unit: Option<String>,
    slot: String,
    reason: String,
}

impl Word {
    fn by(self, app: &App, caller: Caller) -> Result<SlotWord, Problem> {
        let Word { workflow, unit, slot, reason } = self;
        caller.within(app, unit.as_deref())?;
        Ok(SlotWord { workflow, unit, slot, reason, actor: caller.actor })
    }
}

/// The same with a plugin.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Bind {
    workflow: String,
    unit: Option<String>,
    slot: String,
    reason: String,
    /// None hands the slot back to the configuration.
    plugin: Option<String>,
    digest: Option<String>,
    #[serde(default, deserialize_with = "huiyin_json::option")]
    config: Option<Value>,
}

impl Bind {
    fn parts(self) -> (Word, Option<PluginWord>) {
        let Bind { workflow, unit, slot, reason, plugin, digest, config } = self;
        let plugin = plugin.map(|plugin| PluginWord { plugin, digest, config });
        (Word { workflow, unit, slot, reason }, plugin)
    }
}

fn answer(result: Result<Vec<Rebound>, Refusal>) -> Result<axum::Json<Value>, Problem> {
    Ok(axum::Json(json!({"bindings": result?})))
}

pub(crate) async fn bind(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Json(bind): Json<Bind>,
) -> Result<axum::Json<Value>, Problem> {
    let (word, plugin) = bind.parts();
    answer(app.engine.bind(word.by(&app, caller)?, plugin).await)
}

pub(crate) async fn lift(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Json(word): Json<Word>,
) -> Result<axum::Json<Value>, Problem> {
    answer(app.engine.lift(word.by(&app, caller)?).await)
}

pub(crate) async fn start_canary(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Json(bind): Json<Bind>,
) -> Result<axum::Json<Value>, Problem> {
    let (word, plugin) = bind.parts();
    let plugin = plugin.ok_or_else(|| Problem::invalid_at("/plugin", "say which plugin, name:version"))?;
    answer(app.engine.start_canary(word.by(&app, caller)?, plugin).await)
}

pub(crate) async fn promote_canary(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Json(word): Json<Word>,
) -> Result<axum::Json<Value>, Problem> {
    answer(app.engine.end_canary(word.by(&app, caller)?, true).await)
}

pub(crate) async fn drop_canary(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Json(word): Json<Word>,
) -> Result<axum::Json<Value>, Problem> {
    answer(app.engine.end_canary(word.by(&app, caller)?, false).await)
}

/// Of which canary, and how much.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Of {
    workflow: String,
    unit: Option<String>,
    slot: String,
    limit: Option<usize>,
}

/// Where a canary differs, item by item.
pub(crate) async fn differences(
    State(app): State<App>,
    of: Result<Query<Of>, QueryRejection>,
    Extension(caller): Extension<Caller>,
) -> Result<axum::Json<Value>, Problem> {
    let Query(Of { workflow, unit, slot, limit }) = of?;
    let most = limit.unwrap_or(SHOWN);
    if most > MOST {
        return Err(Problem::invalid(format_args!("`limit` is at most {MOST}")));
    }
    // Without a unit it is the whole host's, and what a canary differs in is what comes in everywhere.
    caller.within(&app, unit.as_deref())?;
    let row = app.engine.bindings().await?.into_iter().find(|row| {
        let named = row.of.workflow == workflow || row.of.workflow.rsplit('/').next() == Some(&workflow);
        named && row.of.unit == unit && row.of.slot == slot
    });
    let Some(row) = row else {
        return Err(Problem::not_found(format_args!(
            "no workflow `{workflow}` with a slot `{slot}` is in force for that unit"
        )));
    };
    let differences = app.engine.canary_differences(&row.of, most).await?;
    Ok(axum::Json(json!({"binding": row, "differences": differences})))
}
