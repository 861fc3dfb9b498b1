//! Who asks: the bearer of the admin token, in the name of a person.
//!
//! Until sessions exist, whoever holds the token is believed to be the person
//! whom the header `huiyin-actor` names; without the token nobody is anybody.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::api::App;
use crate::problem::Problem;

/// The header that names the person: `person:<name>`, UTF-8.
pub const ACTOR_HEADER: &str = "huiyin-actor";

/// Who the bearer is when nobody is named.
const ADMIN: &str = "person:admin";

/// Longest name, in bytes.
const MAX_ACTOR: usize = 128;

/// Who asks.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// `person:<name>`.
    pub(crate) actor: String,
}

/// Lets pass whoever bears the token.
pub(crate) async fn check(State(app): State<App>, mut request: Request, next: Next) -> Result<Response, Problem> {
    let caller = identify(request.headers(), &app)?;
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}

fn identify(headers: &HeaderMap, app: &App) -> Result<Caller, Problem> {
    let offered = headers.get(header::AUTHORIZATION).ok_or_else(|| {
        Problem::unauthorized(
            "send `authorization: Bearer <token>`; the token is in the data folder's file `api-token`",
        )
    })?;
    let token = offered.to_str().ok().and_then(|text| {
        let (scheme, token) = text.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_start())
    });
    if !token.is_some_and(|token| app.token.is(token)) {
        return Err(Problem::unauthorized(
            "that is not this host's token; it is in the data folder's file `api-token`",
        ));
    }
    let Some(named) = headers.get(ACTOR_HEADER) else { return Ok(Caller { actor: ADMIN.to_owned() }) };
    let actor = std::str::from_utf8(named.as_bytes()).ok().filter(|text| {
        text.len() <= MAX_ACTOR
            && text
                .strip_prefix("person:")
                .is_some_and(|name| !name.trim().is_empty() && !name.chars().any(char::is_control))
    });
    match actor {
        Some(actor) => Ok(Caller { actor: actor.to_owned() }),
        None => Err(Problem::invalid(format_args!(
            "the header `{ACTOR_HEADER}` must be `person:<name>` of at most {MAX_ACTOR} bytes of UTF-8"
        ))),
    }
}
