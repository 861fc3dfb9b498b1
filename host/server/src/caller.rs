//! Who asks: the bearer of the host's token, in the name of a person or as an
//! admin of the host; the bearer of an API token, in its person's; or somebody
//! who has signed in, as themselves alone.
//!
//! Whoever holds the token is believed to be whom the header `huiyin-actor`
//! names. Who comes by a session is whom the account says
//! ([`crate::account::guard`]). What that person may do says the policy pack
//! ([`huiyin_desk::permit`]).

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::Response;
use huiyin_desk::Reach;
use jiff::Timestamp;
use percent_encoding::percent_decode;

use crate::access;
use crate::account::{Standing, TokenScope, Whence, guard};
use crate::connections::{Known, Peer};
use crate::names::{ACTOR_HEADER, KEY_HEADER};
use crate::openapi::Right;
use crate::problem::Problem;
use crate::state::App;

/// Who the bearer is when nobody is named.
const ADMIN: &str = "admin:admin";

/// Longest actor, in bytes as a record's header has it: percent-encoded where it is not ASCII.
pub(crate) const MAX_ACTOR: usize = 128;

/// Who asks.
#[derive(Debug, Clone, Default)]
pub(crate) struct Caller {
    /// `person:<id>` or `admin:<name>`.
    pub(crate) actor: String,
    /// The session that they come by; none for the bearer of a token.
    pub(crate) session: Option<Standing>,
    /// The API token that they bear.
    pub(crate) token: Option<Bearing>,
    /// Within which units they read and act; none where the whole host is theirs.
    pub(crate) reach: Option<Arc<Reach>>,
    /// Where they ask from, for the record.
    pub(crate) whence: Whence,
    /// What they ask for, for the record.
    pub(crate) asked: String,
}

/// The API token of a request.
#[derive(Debug, Clone)]
pub(crate) struct Bearing {
    pub(crate) id: String,
    pub(crate) unit: String,
    pub(crate) scope: TokenScope,
}

/// Longest path that is put on record, in characters.
const MAX_ASKED: usize = 120;

/// Lets pass whoever bears a token or has signed in, and has the right that the route asks for.
pub(crate) async fn check(
    State((app, right)): State<(App, Right)>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let mut caller = if request.headers().contains_key(header::AUTHORIZATION) {
        identify(&request, &app)?
    } else {
        guard::asks(&app.sign_in, &request)?
    };
    caller.whence = guard::whence(&request);
    caller.asked = format!("{} {}", request.method(), request.uri().path()).chars().take(MAX_ASKED).collect();
    if let Some((unit, true)) = app.engine.home_of(&caller.actor) {
        let (method, uri) = (request.method(), request.uri());
        if !open_to_partner(method.as_str(), uri.path(), uri.query(), &unit) {
            return Err(Problem::refused(format_args!(
                "`{}` belongs to the partner unit `{unit}`, which sees what is shared with it and its own tasks only (clause 6c); ask for /v1/shared?unit={unit} or /v1/tasks?unit={unit}",
                caller.actor
            )));
        }
    }
    if caller.session.is_some() || caller.token.is_some() {
        let narrowed = caller.token.as_ref().map(|token| token.unit.as_str());
        caller.reach = access::reach(&app, &caller.actor, narrowed);
    }
    access::check(&app, &caller, right, &request)?;
    if let Some(known) = request.extensions().get::<Known>() {
        known.is();
    }
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}

/// What people of partner units may ask for (clause 6c): commands in their own unit's name, their
/// tasks, and what is shared with them. Nothing else.
fn open_to_partner(method: &str, path: &str, query: Option<&str>, unit: &str) -> bool {
    let own = query.is_some_and(|query| {
        let mut units = query.split('&').filter_map(|pair| pair.strip_prefix("unit="));
        // Given once, so that nothing else can be meant.
        units.next() == Some(unit) && units.next().is_none()
    });
    match (method, path) {
        ("POST", path) if path.starts_with("/v1/units/") => path == format!("/v1/units/{unit}/commands"),
        ("GET", "/v1/shared" | "/v1/tasks") => own,
        // Their own signing in and out.
        (_, "/v1/session" | "/v1/sessions") => true,
        (_, path) if path.starts_with("/v1/session/") => true,
        _ => false,
    }
}

/// Who bears a token: the host's own, in the name of whom the header says; or an API token, in its person's.
fn identify(request: &Request, app: &App) -> Result<Caller, Problem> {
    let headers = request.headers();
    let offered = headers.get(header::AUTHORIZATION).and_then(|offered| offered.to_str().ok()).and_then(|text| {
        let (scheme, token) = text.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_start())
    });
    let own = offered.is_some_and(|token| app.token.is(token));
    let named = named(headers)?;
    if own {
        let peer = request.extensions().get::<Peer>();
        let here = |peer: &Peer| peer.client.is_some_and(|client| client.to_canonical().is_loopback());
        if peer.is_some_and(|peer| !here(peer)) {
            return Err(Problem::unauthorized(
                "the host's own token holds on its own machine only, and not through a proxy; make one for elsewhere with `huiyin token create`",
            ));
        }
        return Ok(Caller { actor: named.unwrap_or_else(|| ADMIN.to_owned()), ..Caller::default() });
    }
    let known = offered.zip(app.sign_in.tokens.as_ref());
    let Some((id, token)) = known.and_then(|(offered, tokens)| tokens.find(offered, Timestamp::now())) else {
        return Err(Problem::unauthorized(
            "that is no token of this host, or it has ended; the host's own is in the data folder's file `api-token`, others are made with `huiyin token create`",
        ));
    };
    let bearing = Bearing { id, unit: token.unit, scope: token.scope };
    let actor = format!("person:{}", token.person);
    let caller = Caller { actor, token: Some(bearing), whence: guard::whence(request), ..Caller::default() };
    if named.is_some_and(|named| named != caller.actor) {
        let why = format!(
            "this token is of `{}` and acts as nobody else; leave the header `{ACTOR_HEADER}` out",
            caller.actor
        );
        return Err(caller.refuse(app, &why));
    }
    Ok(caller)
}

/// The actor that the header names.
fn named(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut named = headers.get_all(ACTOR_HEADER).iter();
    match (named.next(), named.next()) {
        (None, _) => Ok(None),
        (Some(named), None) => actor(named.as_bytes()).map(Some).ok_or_else(|| {
            Problem::invalid(format_args!(
                "the header `{ACTOR_HEADER}` must be `person:<id>` or `admin:<name>`, UTF-8 as it is or percent-encoded, \
                 without spaces and control characters, at most {MAX_ACTOR} bytes percent-encoded"
            ))
        }),
        (Some(_), Some(_)) => {
            Err(Problem::invalid(format_args!("the header `{ACTOR_HEADER}` is given twice; one acts at a time")))
        }
    }
}

/// Reads the header's value: percent-encoding is undone, what is written raw is taken as UTF-8.
pub(crate) fn actor(value: &[u8]) -> Option<String> {
    let text = percent_decode(value).decode_utf8().ok()?;
    let name = text.strip_prefix("person:").or_else(|| text.strip_prefix("admin:"))?;
    let plain = |c: char| !c.is_whitespace() && !c.is_control();
    (!name.is_empty() && name.chars().all(plain) && huiyin_engine::actor_in_headers(&text).len() <= MAX_ACTOR)
        .then(|| text.into_owned())
}

/// Longest key, in bytes.
const MAX_KEY: usize = 255;

/// The key of a request, if it has one.
///
/// # Errors
/// When it is none, or given twice.
pub(crate) fn key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut given = headers.get_all(KEY_HEADER).iter();
    let (Some(first), second) = (given.next(), given.next()) else { return Ok(None) };
    let text = first.to_str().ok().map(str::trim);
    let text = text.map(|text| text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(text));
    let plain = |text: &&str| {
        let graphic = |b: u8| (b == b' ' || b.is_ascii_graphic()) && b != b'"' && b != b'\\';
        !text.is_empty() && text.len() <= MAX_KEY && text.bytes().all(graphic)
    };
    match (text.filter(plain), second) {
        (Some(text), None) => Ok(Some(text.to_owned())),
        _ => Err(Problem::invalid(format_args!(
            "the header `{KEY_HEADER}` is given once, with 1 to {MAX_KEY} printable ASCII characters in quotes, without quotes and backslashes in it"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_with_quotes_or_without() {
        let of = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(KEY_HEADER, value.parse().unwrap());
            }
            key(&headers).map_err(|problem| problem.code().as_u16())
        };
        assert_eq!(of(&[]), Ok(None));
        assert_eq!(of(&["\"8e03-97\""]), Ok(Some("8e03-97".to_owned())));
        assert_eq!(of(&["8e03-97"]), Ok(Some("8e03-97".to_owned())));
        for wrong in [&[""][..], &["\"\""], &["a", "a"], &["a\"b"], &["许"]] {
            assert_eq!(of(wrong), Err(400), "{wrong:?}");
        }
    }

    #[test]
    fn a_partner_asks_for_what_is_its_own() {
        let may = |method, path, query| open_to_partner(method, path, query, "emergency");
        assert!(may("POST", "/v1/units/emergency/commands", None));
        assert!(may("GET", "/v1/shared", Some("unit=emergency&all=true")));
        assert!(may("GET", "/v1/tasks", Some("unit=emergency")));
        for (method, path, query) in [
            ("GET", "/v1/cases", None),
            ("GET", "/v1/cases/1", None),
            ("GET", "/v1/tasks", None),
            ("GET", "/v1/tasks", Some("unit=linhai")),
            ("GET", "/v1/tasks", Some("unit=emergency&unit=linhai")),
            ("GET", "/v1/activity", None),
            ("POST", "/v1/units/linhai/commands", None),
            ("POST", "/v1/units/emergency/items", None),
            ("POST", "/v1/units/emergency%2f../linhai/commands", None),
        ] {
            assert!(!may(method, path, query), "{method} {path} {query:?}");
        }
    }

    #[test]
    fn a_name_is_read_raw_or_percent_encoded() {
        assert_eq!(actor("person:许明".as_bytes()).as_deref(), Some("person:许明"));
        assert_eq!(actor(b"person:%E8%AE%B8%e6%98%8e").as_deref(), Some("person:许明"));
        assert_eq!(actor(b"admin:wang").as_deref(), Some("admin:wang"));
        for wrong in [
            &b"person:"[..],
            b"person: ",
            b"system:engine",
            b"li-min",
            b"person:a b",
            b"person:%0A",
            b"person:%FF",
            b"person:\xff",
        ] {
            assert_eq!(actor(wrong), None, "{wrong:?}");
        }
        assert!(actor(format!("person:{}", "许".repeat(13)).as_bytes()).is_some());
        assert!(actor(format!("person:{}", "许".repeat(14)).as_bytes()).is_none());
    }
}
