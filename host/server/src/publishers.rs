//! Publishers: whose plugins are trusted, and changing it.

use axum::Extension;
use axum::extract::State;
use huiyin_engine::packages::Word;
use huiyin_engine::publishers::TrustReport;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::body::Json;
use crate::caller::Caller;
use crate::plugins::{say_why, whole};
use crate::problem::Problem;
use crate::state::App;

pub(crate) async fn list(State(app): State<App>) -> Result<axum::Json<Value>, Problem> {
    Ok(axum::Json(json!({"publishers": app.engine.publishers().await?})))
}

/// Whose key is trusted, and by whom.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Trusting {
    key: String,
    units: Vec<String>,
    reason: String,
}

pub(crate) async fn trust(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Json(Trusting { key, units, reason }): Json<Trusting>,
) -> Result<axum::Json<TrustReport>, Problem> {
    say_why("/reason", &reason)?;
    let change = async move {
        let word = Word { actor: &caller.actor, reason: &reason };
        app.engine.trust_publisher(&key, &units, word).await
    };
    Ok(axum::Json(whole(change).await?))
}

/// Whose key is trusted no more.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Distrusting {
    key: String,
    reason: String,
}

pub(crate) async fn distrust(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Json(Distrusting { key, reason }): Json<Distrusting>,
) -> Result<axum::Json<TrustReport>, Problem> {
    say_why("/reason", &reason)?;
    let change = async move {
        let word = Word { actor: &caller.actor, reason: &reason };
        app.engine.distrust_publisher(&key, word).await
    };
    Ok(axum::Json(whole(change).await?))
}
