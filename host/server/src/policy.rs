//! Policy packs: which were in force, and bringing one into force while the host runs.

use axum::Extension;
use axum::extract::State;
use huiyin_engine::policy::NewPolicy;
use serde::Deserialize;
use serde_json::Value;

use crate::body::Json;
use crate::caller::Caller;
use crate::plugins::whole;
use crate::problem::Problem;
use crate::state::App;

/// A pack as text, so that what is wrong with it is told by line and column.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Deploying {
    text: String,
    #[serde(default)]
    file: Option<String>,
    #[serde(default)]
    recompute: Option<String>,
    #[serde(default)]
    dry_run: bool,
}

pub(crate) async fn deploy(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Json(Deploying { text, file, recompute, dry_run }): Json<Deploying>,
) -> Result<axum::Json<Value>, Problem> {
    let file = file.unwrap_or_else(|| "policy.json".to_owned());
    let new = NewPolicy { text, file, recompute, dry_run };
    let change = async move { app.engine.deploy_policy(new, &caller.actor).await };
    Ok(axum::Json(whole(change).await?))
}

pub(crate) async fn versions(State(app): State<App>) -> Result<axum::Json<Value>, Problem> {
    Ok(axum::Json(app.engine.policy_versions().await?))
}

pub(crate) async fn schema() -> Result<axum::Json<Value>, Problem> {
    Ok(axum::Json(huiyin_desk::policy::schema()))
}
