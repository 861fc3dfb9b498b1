//! Plugins: what is installed, installing, granting, revoking, removing.

use axum::Extension;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, Request, State};
use axum::http::{StatusCode, header};
use huiyin_engine::Refusal;
use huiyin_engine::packages::{InstallReport, Word};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::api::App;
use crate::body::{Json, bytes_within};
use crate::caller::Caller;
use crate::problem::Problem;

/// The largest package that is read, in bytes; the host's own limit may be lower.
const MAX_PACKAGE_BYTES: usize = 256 << 20;

/// The longest reason, in bytes.
const MAX_REASON: usize = 2_000;

/// The media type of a package.
const WASM: &str = "application/wasm";

pub(crate) async fn list(State(app): State<App>) -> Result<axum::Json<Value>, Problem> {
    Ok(axum::Json(json!({"plugins": app.engine.plugins().await?})))
}

/// Why something is done, where the body is something else.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Why {
    reason: String,
}

pub(crate) async fn install(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    why: Result<Query<Why>, QueryRejection>,
    request: Request,
) -> Result<(StatusCode, axum::Json<InstallReport>), Problem> {
    let Query(Why { reason }) = why?;
    say_why("reason", &reason)?;
    let kind = request.headers().get(header::CONTENT_TYPE).map(|kind| kind.as_bytes().to_vec()).unwrap_or_default();
    if kind != WASM.as_bytes() {
        return Err(Problem::no_package(String::from_utf8_lossy(&kind)));
    }
    let bytes = bytes_within(request, MAX_PACKAGE_BYTES).await?;
    let change = async move {
        let word = Word { actor: &caller.actor, reason: &reason };
        app.engine.install_plugin(bytes.to_vec(), word).await
    };
    let report = whole(change).await?;
    let status = if report.changed { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, axum::Json(report)))
}

/// Why a plugin is removed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Removal {
    reason: String,
}

pub(crate) async fn remove(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    plugin: Result<Path<String>, PathRejection>,
    Json(Removal { reason }): Json<Removal>,
) -> Result<StatusCode, Problem> {
    let Path(plugin) = plugin?;
    say_why("/reason", &reason)?;
    let change = async move {
        let word = Word { actor: &caller.actor, reason: &reason };
        app.engine.remove_plugin(&plugin, word).await
    };
    whole(change).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a plugin may reach.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Granting {
    unit: String,
    #[serde(deserialize_with = "huiyin_json::value")]
    grant: Value,
    reason: String,
}

pub(crate) async fn grant(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    plugin: Result<Path<String>, PathRejection>,
    Json(Granting { unit, grant, reason }): Json<Granting>,
) -> Result<StatusCode, Problem> {
    let Path(plugin) = plugin?;
    say_why("/reason", &reason)?;
    let change = async move {
        let word = Word { actor: &caller.actor, reason: &reason };
        app.engine.grant_plugin(&plugin, &unit, &grant, word).await
    };
    whole(change).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Which grant is taken back.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Revoking {
    unit: String,
    reason: String,
}

pub(crate) async fn revoke(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    plugin: Result<Path<String>, PathRejection>,
    Json(Revoking { unit, reason }): Json<Revoking>,
) -> Result<StatusCode, Problem> {
    let Path(plugin) = plugin?;
    say_why("/reason", &reason)?;
    let change = async move {
        let word = Word { actor: &caller.actor, reason: &reason };
        app.engine.revoke_plugin(&plugin, &unit, word).await
    };
    whole(change).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Carries a change out to its end, also where the asker goes away meanwhile:
/// what is on record must come into force.
pub(crate) async fn whole<T: Send + 'static>(
    change: impl Future<Output = Result<T, Refusal>> + Send + 'static,
) -> Result<T, Refusal> {
    tokio::spawn(change).await.map_err(|error| Refusal::Store(error.to_string()))?
}

pub(crate) fn say_why(pointer: &str, reason: &str) -> Result<(), Problem> {
    if reason.trim().is_empty() || reason.len() > MAX_REASON {
        return Err(Problem::invalid_at(pointer, format_args!("say why, in at most {MAX_REASON} bytes")));
    }
    Ok(())
}
