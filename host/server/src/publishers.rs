//! Publishers: whose plugins are trusted, and changing it.

use axum::Extension;
use axum::extract::State;
use huiyin_engine::Refusal;
use huiyin_engine::packages::Word;
use huiyin_engine::publishers::TrustReport;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::api::App;
use crate::body::Json;
use crate::caller::Caller;
use crate::plugins::say_why;
use crate::problem::Problem;

pub(crate) async fn list(State(app): State<App>) -> Result<axum::Json<Value>, Problem> {
    Ok(axum::Json(json!({"publishers": app.engine.publishers().await?})))
}

/// Whose key is trusted, and by whom.
#[derive(Deserialize)]
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
    whole(async move {
        let word = Word { actor: &caller.actor, reason: &reason };
        app.engine.trust_publisher(&key, &units, word).await
    })
    .await
}

/// Carries a change out to its end, also where the asker goes away meanwhile:
/// what is on record must come into force.
async fn whole(
    change: impl Future<Output = Result<TrustReport, Refusal>> + Send + 'static,
) -> Result<axum::Json<TrustReport>, Problem> {
    let done = tokio::spawn(change).await.map_err(|error| Refusal::Store(error.to_string()))?;
    Ok(axum::Json(done?))
}

/// Whose key is trusted no more.
#[derive(Deserialize)]
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
    whole(async move {
        let word = Word { actor: &caller.actor, reason: &reason };
        app.engine.distrust_publisher(&key, word).await
    })
    .await
}
