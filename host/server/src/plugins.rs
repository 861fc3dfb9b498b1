//! Plugins: what is installed, installing, granting, revoking, removing.

use std::path::PathBuf;
use std::sync::Arc;

use axum::Extension;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, Request, State};
use axum::http::{StatusCode, header};
use huiyin_engine::Refusal;
use huiyin_engine::packages::{InstallReport, Word};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

use crate::body::{Json, Parts};
use crate::caller::Caller;
use crate::problem::Problem;
use crate::state::App;

/// Packages that may be sent at once; beyond it one is told to wait.
pub(crate) const UPLOADS: usize = 4;

/// The longest reason, in bytes.
const MAX_REASON: usize = 2_000;

/// The media type of a package.
const WASM: &str = "application/wasm";

pub(crate) async fn list(State(app): State<App>) -> Result<axum::Json<Value>, Problem> {
    Ok(axum::Json(json!({"plugins": app.engine.plugins().await?})))
}

/// Why something is done, where the body is something else.
#[derive(Deserialize, schemars::JsonSchema)]
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
    let _place = Arc::clone(&app.uploads).try_acquire_owned().map_err(|_| Problem::from(Refusal::Busy))?;
    let most = usize::try_from(app.engine.house().sandbox.max_package_bytes()).unwrap_or(usize::MAX);
    let file = received(request, most, app.engine.data_folder()).await?;
    let app = app.clone();
    let change = async move {
        let word = Word { actor: &caller.actor, reason: &reason };
        app.engine.install_plugin_from(file, word).await
    };
    let report = whole(change).await?;
    let status = if report.changed { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, axum::Json(report)))
}

/// A package, written to a file without a name as it comes: it is in memory only while it is installed.
async fn received(request: Request, most: usize, folder: Option<PathBuf>) -> Result<std::fs::File, Problem> {
    let kept = |error: std::io::Error| Problem::unavailable(format_args!("the package could not be kept: {error}"));
    let fresh = move || match folder {
        Some(folder) => tempfile::tempfile_in(folder),
        None => tempfile::tempfile(),
    };
    let file = tokio::task::spawn_blocking(fresh).await.map_err(Problem::internal)?.map_err(kept)?;
    let mut file = tokio::fs::File::from_std(file);
    let mut parts = Parts::of(request, most, Problem::package_too_large)?;
    while let Some(part) = parts.next().await? {
        file.write_all(&part).await.map_err(kept)?;
    }
    file.flush().await.map_err(kept)?;
    Ok(file.into_std().await)
}

/// Why a plugin is removed.
#[derive(Deserialize, schemars::JsonSchema)]
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
#[derive(Deserialize, schemars::JsonSchema)]
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
#[derive(Deserialize, schemars::JsonSchema)]
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
