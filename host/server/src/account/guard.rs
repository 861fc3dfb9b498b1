//! The cookie of a session, and the check against requests that another site
//! makes a browser send.

use axum::extract::Request;
use axum::http::{HeaderMap, Method, header};

use super::session::Standing;
use super::signing::{SignIn, Whence};
use super::trail::Deed;
use crate::caller::{self, Caller};
use crate::connections::Peer;
use crate::names::ACTOR_HEADER;
use crate::problem::Problem;

/// The header that the console sends with everything it does. A form of another site cannot set it, and its scripts may
/// not: the host answers no preflight.
pub(crate) const CONSOLE_HEADER: &str = "huiyin-console";

/// The header of a request that is no person's doing, such as a list that keeps itself up to date. It keeps no session
/// alive.
pub(crate) const BACKGROUND_HEADER: &str = "huiyin-background";

/// The only paths for somebody who has to change a first password.
const OWN: &str = "/v1/session";

/// Longest text of a proxy that is put on record.
const MAX_FORWARDED: usize = 100;

/// Who asks by a session.
///
/// # Errors
/// When there is none, when the request may be forged, or names somebody else.
pub(crate) fn asks(sign_in: &SignIn, request: &Request) -> Result<Caller, Problem> {
    let headers = request.headers();
    let Some(standing) = standing(sign_in, headers) else {
        return Err(Problem::unauthorized(
            "sign in, or send `authorization: Bearer <token>` with the token of the data folder's file `api-token`",
        ));
    };
    let refuse = |problem: Problem, why: &str| {
        sign_in.note(Deed::Forged, &standing.account, None, &whence(request), Some(why));
        problem
    };
    check_site(request.method(), headers).map_err(|problem| refuse(problem, "from another site"))?;
    let is_own = |named: &axum::http::HeaderValue| caller::actor(named.as_bytes()).as_ref() == Some(&standing.actor);
    if !headers.get_all(ACTOR_HEADER).iter().all(is_own) {
        let said = format!(
            "you are signed in as {}, and act as nobody else; leave the header `{ACTOR_HEADER}` out",
            standing.actor
        );
        return Err(refuse(Problem::forbidden(said), "in another's name"));
    }
    let path = request.uri().path();
    if standing.must_change && path != OWN && !path.starts_with("/v1/session/") && path != "/v1/sessions" {
        return Err(Problem::change_password());
    }
    Ok(Caller { actor: standing.actor.clone(), session: Some(standing), ..Caller::default() })
}

/// The session of a request, if it has one.
pub(super) fn standing(sign_in: &SignIn, headers: &HeaderMap) -> Option<Standing> {
    let token = token(sign_in, headers)?;
    sign_in.find(&token, !headers.contains_key(BACKGROUND_HEADER))
}

/// The token that a browser sent. Two cookies of the name are none: one of them was planted.
pub(super) fn token(sign_in: &SignIn, headers: &HeaderMap) -> Option<String> {
    let name = sign_in.cookie(is_secure(headers));
    let mut found = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(key, _)| *key == name)
        .map(|(_, value)| value.to_owned());
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

/// Refuses what another site may have made a browser send: a changing request has the console's own header; and where
/// the browser says from where it comes (Fetch Metadata, or `Origin`), that is this host.
pub(super) fn check_site(method: &Method, headers: &HeaderMap) -> Result<(), Problem> {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let forged = || Problem::forbidden("this request comes from another site, or from a page that is not the console");
    let changes = !matches!(*method, Method::GET | Method::HEAD);
    match text("sec-fetch-site") {
        Some("same-origin") => {}
        Some("none") if !changes => {}
        Some(_) => return Err(forged()),
        None => {
            if let Some(origin) = text("origin") {
                let authority = origin.split_once("://").map(|(_, authority)| authority);
                if authority.is_none() || authority != text("host") {
                    return Err(forged());
                }
            }
        }
    }
    if changes && !headers.contains_key(CONSOLE_HEADER) {
        return Err(Problem::forbidden(format_args!(
            "send the header `{CONSOLE_HEADER}: 1` with what changes something by a session"
        )));
    }
    Ok(())
}

/// Whether the browser speaks TLS, with the host or with a proxy that is believed ([`crate::proxies`]).
pub(super) fn is_secure(headers: &HeaderMap) -> bool {
    headers.get("x-forwarded-proto").is_some_and(|proto| proto.as_bytes().eq_ignore_ascii_case(b"https"))
}

/// Where a request comes from.
pub(crate) fn whence(request: &Request) -> Whence {
    whence_of(request.extensions().get::<Peer>(), request.headers())
}

/// The same of its parts.
pub(super) fn whence_of(peer: Option<&Peer>, headers: &HeaderMap) -> Whence {
    let forwarded = headers.get("x-forwarded-for").and_then(|value| value.to_str().ok());
    Whence {
        address: peer.map(|peer| peer.address.to_string()),
        forwarded: forwarded.map(|text| text.chars().take(MAX_FORWARDED).collect()),
    }
}

/// The cookie that gives a browser its session; it lasts as long as the browser is open.
pub(super) fn cookie(sign_in: &SignIn, headers: &HeaderMap, token: &str) -> String {
    let secure = is_secure(headers);
    let more = if secure { "; Secure" } else { "" };
    format!("{}={token}; Path=/; HttpOnly; SameSite=Strict{more}", sign_in.cookie(secure))
}

/// The cookie that takes it away.
pub(super) fn no_cookie(sign_in: &SignIn, headers: &HeaderMap) -> String {
    format!("{}; Max-Age=0", cookie(sign_in, headers, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(method: &Method, given: &[(&'static str, &str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in given {
            headers.append(*name, value.parse().unwrap());
        }
        check_site(method, &headers).is_ok()
    }

    #[test]
    fn only_the_console_of_this_host_changes_anything() {
        const OWN: (&str, &str) = (CONSOLE_HEADER, "1");
        let host = ("host", "127.0.0.1:7575");
        assert!(check(&Method::POST, &[OWN, host, ("origin", "http://127.0.0.1:7575")]));
        assert!(check(&Method::POST, &[OWN, host, ("sec-fetch-site", "same-origin")]));
        assert!(check(&Method::POST, &[OWN, host]));
        assert!(check(&Method::GET, &[host]) && check(&Method::GET, &[host, ("sec-fetch-site", "none")]));
        for wrong in [
            &[host][..],
            &[host, ("sec-fetch-site", "same-origin")],
            &[OWN, host, ("sec-fetch-site", "cross-site")],
            // Another port of this machine is the same site, and yet another origin.
            &[OWN, host, ("sec-fetch-site", "same-site")],
            &[OWN, host, ("sec-fetch-site", "none")],
            &[OWN, host, ("origin", "http://127.0.0.1:7576")],
            &[OWN, host, ("origin", "https://evil.example")],
            &[OWN, host, ("origin", "null")],
        ] {
            assert!(!check(&Method::POST, wrong) && !check(&Method::DELETE, wrong), "{wrong:?}");
        }
        for wrong in [&[host, ("sec-fetch-site", "cross-site")][..], &[host, ("origin", "https://evil.example")]] {
            assert!(!check(&Method::GET, wrong), "{wrong:?}");
        }
    }
}
