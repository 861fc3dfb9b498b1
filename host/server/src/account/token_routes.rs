//! The paths under `/v1/tokens`: an admin's.

use axum::Extension;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::tokens::{NewToken, TokenScope, Tokens, TokensError};
use super::trail::Deed;
use crate::access;
use crate::body::Json;
use crate::caller::Caller;
use crate::problem::Problem;
use crate::state::App;

/// Days that a token holds unless told otherwise.
const DAYS: u64 = 30;

/// Whose token, where it holds, what it may, and for how long.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// The person's id in the policy pack.
    person: String,
    /// Within this unit and those below it.
    unit: String,
    scope: TokenScope,
    /// 30 unless told, at most 366.
    days: Option<u64>,
}

/// As [`super::routes`] has it: the tokens are the host admin's.
fn admin(caller: &Caller) -> Result<(), Problem> {
    if caller.actor.starts_with("admin:") {
        return Ok(());
    }
    Err(Problem::forbidden("tokens are the host admin's"))
}

pub(crate) async fn list(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
) -> Result<axum::Json<Value>, Problem> {
    admin(&caller)?;
    let all = with(&app, Tokens::all).await?;
    let now = Timestamp::now();
    let rows = all.iter().map(|(id, token)| {
        json!({
            "id": id, "person": token.person, "unit": token.unit, "scope": token.scope, "by": token.by,
            "added": token.added, "expires": token.expires, "over": token.expires <= now,
        })
    });
    Ok(axum::Json(json!({"now": now, "tokens": rows.collect::<Vec<_>>()})))
}

pub(crate) async fn create(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Json(wanted): Json<Wanted>,
) -> Result<Response, Problem> {
    admin(&caller)?;
    let Wanted { person, unit, scope, days } = wanted;
    if let Some(reach) = access::reach(&app, &format!("person:{person}"), Some(&unit))
        && !reach.has(&unit)
    {
        let said = format!(
            "no person `{}` of the policy pack acts for `{}`: a unit is the person's own, or one below it",
            person.escape_debug(),
            unit.escape_debug()
        );
        return Err(Problem::invalid_at("/unit", said));
    }
    let new = NewToken { person, unit, scope, days: days.unwrap_or(DAYS), by: caller.actor.clone() };
    let (id, token, kept) = with(&app, move |tokens| tokens.create(new)).await?;
    let detail = format!("token {id} within {}", kept.unit);
    app.sign_in.note(Deed::TokenMade, &kept.person, Some(&caller.actor), &caller.whence, Some(&detail));
    let answer = json!({
        "token": token, "id": id, "person": kept.person, "unit": kept.unit, "scope": kept.scope,
        "expires": kept.expires,
    });
    Ok((StatusCode::CREATED, [(header::CACHE_CONTROL, "no-store")], axum::Json(answer)).into_response())
}

pub(crate) async fn revoke(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    id: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, Problem> {
    admin(&caller)?;
    let Path(id) = id?;
    let asked = id.clone();
    let kept = with(&app, move |tokens| tokens.revoke(&asked)).await?;
    let detail = format!("token {id}");
    app.sign_in.note(Deed::TokenRevoked, &kept.person, Some(&caller.actor), &caller.whence, Some(&detail));
    Ok(StatusCode::NO_CONTENT)
}

/// Works on the tokens, off the runtime's threads.
async fn with<T: Send + 'static>(
    app: &App,
    work: impl FnOnce(&Tokens) -> Result<T, TokensError> + Send + 'static,
) -> Result<T, Problem> {
    let sign_in = std::sync::Arc::clone(&app.sign_in);
    let done = tokio::task::spawn_blocking(move || sign_in.tokens.as_ref().map(work));
    match done.await.map_err(Problem::internal)? {
        None => Err(Problem::not_found("a host in memory keeps no tokens")),
        Some(done) => done.map_err(|error| match error {
            TokensError::Missing(_) => Problem::not_found(error),
            TokensError::Many => Problem::refused(error),
            TokensError::Nameless => Problem::invalid_at("/person", error),
            TokensError::Days => Problem::invalid_at("/days", error),
            TokensError::Random | TokensError::File { .. } => Problem::unavailable(error),
        }),
    }
}
