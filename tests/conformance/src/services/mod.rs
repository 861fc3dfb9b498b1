//! Stand-ins for what workflows call, on loopback, over TLS with certificates
//! made on the spot: the two public services that the specification's kit
//! names, and one of our own whose answers each scenario sets.

mod petstore;
mod tls;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::{Body, Bytes};
use axum::http::{Method, Request, Response, StatusCode, header};
use base64::Engine as _;
use huiyin_engine::shell::Clock as _;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::clock::VirtualClock;

/// The kit's pet shop.
pub const PETSTORE: &str = "petstore.swagger.io";
/// The kit's mirror of requests.
pub const HTTPBIN: &str = "httpbin.org";
/// Our own service.
pub const SERVICE: &str = "service.example";

/// An answer that a scenario set.
#[derive(Clone)]
pub struct Answer {
    /// To which method.
    pub method: String,
    /// And which path.
    pub path: String,
    /// The status.
    pub status: u16,
    /// The body.
    pub body: Option<Value>,
    /// The connection breaks within the answer.
    pub cut: bool,
    /// Until when it is given, by the clock; none for ever.
    pub until: Option<(Arc<VirtualClock>, Timestamp)>,
}

/// A request that came to our own service.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// The method.
    pub method: String,
    /// The path with its query.
    pub path: String,
    /// `Idempotency-Key`, if it had one.
    pub key: Option<String>,
    /// `Authorization`, if it had one.
    pub authorization: Option<String>,
    /// The body.
    pub body: Bytes,
}

#[derive(Default)]
struct Talk {
    answers: Vec<Answer>,
    asked: Vec<Asked>,
}

/// The stand-ins, at one address.
pub struct Services {
    /// Where they listen.
    pub address: SocketAddr,
    /// The certificate that vouches for them, PEM.
    pub root: String,
    talks: Arc<Mutex<HashMap<u64, Talk>>>,
}

impl Services {
    /// Starts them on a thread of their own.
    ///
    /// # Errors
    /// When no port or certificate can be had.
    pub fn start() -> Result<Services, String> {
        let talks: Arc<Mutex<HashMap<u64, Talk>>> = Arc::default();
        let heard = Arc::clone(&talks);
        let (address, root) = tls::serve(&[PETSTORE, HTTPBIN, SERVICE], move |request| {
            let heard = Arc::clone(&heard);
            async move { answer(&heard, request).await }
        })?;
        Ok(Services { address, root, talks })
    }

    /// Sets an answer for one scenario; the latest that applies is given.
    pub fn set(&self, world: u64, answer: Answer) {
        lock(&self.talks).entry(world).or_default().answers.push(answer);
    }

    /// What one scenario's workflows asked, in order.
    pub fn asked(&self, world: u64) -> Vec<Asked> {
        lock(&self.talks).get(&world).map(|talk| talk.asked.clone()).unwrap_or_default()
    }

    /// The scenario is over.
    pub fn forget(&self, world: u64) {
        lock(&self.talks).remove(&world);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn answer(talks: &Mutex<HashMap<u64, Talk>>, request: Request<Body>) -> Response<Body> {
    let host = request.headers().get(header::HOST).and_then(|h| h.to_str().ok()).unwrap_or_default().to_owned();
    let name = host.split(':').next().unwrap_or_default();
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, 1 << 20).await else {
        return plain(StatusCode::PAYLOAD_TOO_LARGE, None);
    };
    let path = parts.uri.path_and_query().map_or("/", |p| p.as_str()).to_owned();
    match name {
        PETSTORE => {
            let (status, body) = petstore::answer(&parts.method, &path);
            plain(status, body.as_ref())
        }
        HTTPBIN => httpbin(&parts.method, &path, parts.headers.get(header::AUTHORIZATION)),
        SERVICE => {
            let text = |name: &str| Some(parts.headers.get(name)?.to_str().ok()?.to_owned());
            let asked = Asked {
                method: parts.method.to_string(),
                path,
                key: text("idempotency-key"),
                authorization: text("authorization"),
                body,
            };
            ours(&mut lock(talks), asked)
        }
        _ => plain(StatusCode::MISDIRECTED_REQUEST, None),
    }
}

/// `GET /basic-auth/<user>/<password>`: 200 to who gives just these (RFC 7617).
fn httpbin(method: &Method, path: &str, authorization: Option<&header::HeaderValue>) -> Response<Body> {
    let parts: Vec<&str> = path.split('/').collect();
    let ["", "basic-auth", user, password] = parts.as_slice() else {
        return plain(StatusCode::NOT_FOUND, None);
    };
    let wanted = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
    let given = authorization.and_then(|a| a.to_str().ok()).and_then(|a| a.strip_prefix("Basic "));
    if method == Method::GET && given == Some(wanted.as_str()) {
        return plain(StatusCode::OK, Some(&json!({"authenticated": true, "user": user})));
    }
    let mut refusal = plain(StatusCode::UNAUTHORIZED, None);
    refusal.headers_mut().insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Basic realm=\"here\""));
    refusal
}

/// Paths begin with the scenario's number, so that scenarios do not hear each other.
fn ours(talks: &mut HashMap<u64, Talk>, mut asked: Asked) -> Response<Body> {
    let Some((world, path)) = asked.path.trim_start_matches('/').split_once('/') else {
        return plain(StatusCode::NOT_FOUND, None);
    };
    let Some(talk) = world.parse::<u64>().ok().and_then(|world| talks.get_mut(&world)) else {
        return plain(StatusCode::NOT_FOUND, None);
    };
    asked.path = format!("/{path}");
    let bare = asked.path.split('?').next().unwrap_or_default().to_owned();
    let over = |answer: &Answer| answer.until.as_ref().is_some_and(|(clock, until)| clock.now() >= *until);
    let applies = |a: &&Answer| a.method == asked.method && a.path == bare && !over(a);
    let given = talk.answers.iter().rev().find(applies).cloned();
    talk.asked.push(asked);
    match given {
        Some(answer) if answer.cut => {
            let parts = [Ok(Bytes::from_static(b"{")), Err(std::io::Error::other("cut off"))];
            Response::new(Body::from_stream(futures::stream::iter(parts)))
        }
        Some(answer) => {
            plain(StatusCode::from_u16(answer.status).unwrap_or(StatusCode::NOT_FOUND), answer.body.as_ref())
        }
        None => plain(StatusCode::NOT_FOUND, None),
    }
}

fn plain(status: StatusCode, body: Option<&Value>) -> Response<Body> {
    let mut response = Response::new(match body {
        Some(body) => Body::from(body.to_string()),
        None => Body::empty(),
    });
    *response.status_mut() = status;
    if body.is_some() {
        response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    }
    response
}
