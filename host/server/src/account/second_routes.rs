//! The paths under `/v1/session/second`: one's own second factor.

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use super::guard;
use super::routes::{begun, begun_with, denied, described, own, refused};
use super::signing::Denied;
use super::trail::Deed;
use crate::body::Json;
use crate::caller::Caller;
use crate::connections::Peer;
use crate::problem::Problem;
use crate::state::App;

#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Begin {
    /// One's own, once more.
    password: String,
}

/// Offers a secret.
pub(crate) async fn offer(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    Json(begin): Json<Begin>,
) -> Result<Response, Problem> {
    let name = own(&caller)?.account.clone();
    let whence = guard::whence_of(peer.as_deref(), &headers);
    let account = app.sign_in.prove(&name, &begin.password, &whence).await.map_err(at_password)?;
    if account.second.is_some() {
        return Err(Problem::refused("there is a second factor already; remove it first, with a code of it"));
    }
    let (secret, uri) =
        app.sign_in.offer_second(&name).ok_or_else(|| Problem::unavailable("the system gives no random bytes"))?;
    let answer = axum::Json(json!({ "secret": secret, "uri": uri }));
    Ok(([(header::CACHE_CONTROL, "no-store")], answer).into_response())
}

#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Confirm {
    /// Six digits of the phone that has the secret.
    code: String,
}

/// The phone has the secret: from now on it is asked for.
pub(crate) async fn confirm(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    Json(confirm): Json<Confirm>,
) -> Result<Response, Problem> {
    let name = own(&caller)?.account.clone();
    let whence = guard::whence_of(peer.as_deref(), &headers);
    let none = || Problem::refused("no secret waits to be confirmed, or it was told too long ago; begin anew");
    let fresh = app.sign_in.offered_second(&name).ok_or_else(none)?;
    let confirmed = fresh.confirmed(&confirm.code, Timestamp::now()).map_err(Problem::unavailable)?;
    let Some((second, recovery)) = confirmed else {
        app.sign_in.put_back_second(&name, fresh);
        return Err(Problem::invalid_at(
            "/code",
            "this is not the code that the secret gives now; is the phone's clock right?",
        ));
    };
    let set = app.sign_in.store({
        let name = name.clone();
        move |accounts| accounts.set_second(&name, &fresh, second)
    });
    let account = set.await.map_err(|error| refused(error, "/code"))?;
    app.sign_in.note(Deed::SecondSet, &name, None, &whence, None);
    // All sessions are over that began without it; this browser gets a new one.
    let old = guard::token(&app.sign_in, &headers);
    let token = app.sign_in.begin(&name, &account, old.as_deref(), &whence).map_err(denied)?;
    let standing =
        app.sign_in.find(&token, true).ok_or_else(|| Problem::unauthorized("the session is over already"))?;
    let answer = json!({ "session": described(&app, &standing).await?, "recovery": recovery });
    Ok(begun_with(&app, &headers, &token, answer))
}

#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Remove {
    /// One's own, once more.
    password: String,
    /// Six digits, or a recovery code.
    code: String,
}

/// One's own second factor is asked for no longer.
pub(crate) async fn remove(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    Json(remove): Json<Remove>,
) -> Result<Response, Problem> {
    let name = own(&caller)?.account.clone();
    let whence = guard::whence_of(peer.as_deref(), &headers);
    let account = app.sign_in.prove(&name, &remove.password, &whence).await.map_err(at_password)?;
    if account.second.is_none() {
        return Err(Problem::refused("there is no second factor"));
    }
    app.sign_in.prove_code(&name, &account, &remove.code, &whence).await.map_err(|why| match why {
        Denied::WrongCode => Problem::invalid_at("/code", "this is not the code, or it has counted already"),
        other => denied(other),
    })?;
    let removed = app.sign_in.store({
        let name = name.clone();
        move |accounts| accounts.remove_second(&name)
    });
    let account = removed.await.map_err(|error| refused(error, "/code"))?;
    app.sign_in.note(Deed::SecondRemoved, &name, None, &whence, None);
    let old = guard::token(&app.sign_in, &headers);
    let token = app.sign_in.begin(&name, &account, old.as_deref(), &whence).map_err(denied)?;
    begun(&app, &headers, &token).await
}

fn at_password(why: Denied) -> Problem {
    match why {
        Denied::Wrong => Problem::invalid_at("/password", "this is not your password"),
        other => denied(other),
    }
}
