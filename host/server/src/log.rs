//! The verifiable log: its latest checkpoint, its key, proofs.

use std::sync::Arc;

use axum::Extension;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use huiyin_audit::AuditError;
use huiyin_engine::ledger::Ledger;
use serde::Deserialize;
use serde_json::Value;

use crate::caller::Caller;
use crate::problem::Problem;
use crate::state::App;

/// The latest signed checkpoint, a C2SP signed note.
pub(crate) async fn checkpoint(State(app): State<App>) -> Result<Response, Problem> {
    match ledger(&app)?.latest() {
        Some(signed) => Ok(text(signed.note.to_string())),
        None => Err(Problem::not_found(
            "no checkpoint has been signed yet; there is one within a second of the first record",
        )),
    }
}

/// The key that verifies checkpoints, as a C2SP vkey.
pub(crate) async fn key(State(app): State<App>) -> Result<Response, Problem> {
    Ok(text(ledger(&app)?.verifier() + "\n"))
}

/// A self-contained proof that the record of an index is in the log.
pub(crate) async fn proof(
    State(app): State<App>,
    index: Result<Path<u64>, PathRejection>,
    Extension(caller): Extension<Caller>,
) -> Result<axum::Json<Value>, Problem> {
    let Path(index) = index?;
    readable(&app, &caller, index).await?;
    prove(&app, index).await
}

/// A record by its id.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    record: String,
}

/// The same, by the record's id.
pub(crate) async fn proof_of(
    State(app): State<App>,
    which: Result<Query<Which>, QueryRejection>,
    Extension(caller): Extension<Caller>,
) -> Result<axum::Json<Value>, Problem> {
    let Query(which) = which?;
    let id = which
        .record
        .split_once('/')
        .and_then(|(partition, seq)| Some((partition.parse::<u32>().ok()?, seq.parse::<u64>().ok()?)));
    let Some((partition, seq)) = id else { return Err(Problem::invalid("`record` is PARTITION/SEQ, as in 0/17")) };
    let journal = Arc::clone(app.engine.journal());
    let found = tokio::task::spawn_blocking(move || journal.read(partition, seq)?.next().transpose())
        .await
        .map_err(|_| Problem::internal("the record could not be read"))?;
    match found.map_err(Problem::unavailable)? {
        Some(record) if record.header.seq == seq => {
            caller.within(&app, record.header.unit.as_deref())?;
            prove(&app, record.index).await
        }
        _ => Err(Problem::not_found(format_args!("there is no record {partition}/{seq}"))),
    }
}

/// A proof names the record's unit, actor and subject: it is for who may read these.
async fn readable(app: &App, caller: &Caller, index: u64) -> Result<(), Problem> {
    if caller.reach.is_some() && index < app.engine.journal().size() {
        crate::records::found(app, caller, index).await?;
    }
    Ok(())
}

async fn prove(app: &App, index: u64) -> Result<axum::Json<Value>, Problem> {
    let ledger = Arc::clone(ledger(app)?);
    let proved = tokio::task::spawn_blocking(move || ledger.prove(index))
        .await
        .map_err(|_| Problem::internal("the proof could not be made"))?;
    match proved {
        Ok(proof) => Ok(axum::Json(proof.to_json())),
        Err(AuditError::NotSigned { index, signed }) => {
            Err(Problem::not_found(format_args!("there is no record {index}; the log has {signed}")))
        }
        Err(error) => Err(Problem::unavailable(error)),
    }
}

fn ledger(app: &App) -> Result<&Arc<Ledger>, Problem> {
    app.engine.ledger().ok_or_else(|| Problem::not_found("this host is in memory only and keeps no log"))
}

fn text(body: String) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], body).into_response()
}
