//! The only way out: HTTP requests of plugins, and those that the host makes
//! for a workflow ([`request`]).
//!
//! The threat: a plugin written by anyone, on a host inside a government
//! network, that wants to reach that network, the cloud's metadata, or a place
//! nobody granted; by odd spellings, by names that resolve inward, by
//! redirects, by headers. So, in this order: the exact place is parsed
//! strictly; the grant is asked; secrets are put in only for their own places;
//! the name is resolved and every address checked; the connection goes to a
//! checked address. Redirects are answers like any other: the guest may follow
//! one by a new request, which is checked anew. No proxy, no cookies, no
//! decompression.

pub mod address;
pub mod request;
pub mod way;
mod wire;

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderName};
use http::{HeaderValue, Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use wasmtime_wasi_http::{Error, ForbiddenHeaderFilter, RequestOptions, WasiHttpHooks};

use crate::error::Effect;
use crate::grant::{Denial, Effective, Host, HttpAsk, Origin, Scheme};
use crate::host::secrets::SecretBox;
use crate::limits::{LimitHit, LimitName, Limits};

pub(crate) use self::way::Way;

type Body = UnsyncBoxBody<Bytes, Error>;
type Driver = Box<dyn Future<Output = Result<(), Error>> + Send>;

/// How long a connection (TLS included) may take to stand.
const CONNECT: Duration = Duration::from_secs(10);

/// What stood in the way of a request, kept for the call's error.
#[derive(Debug, Clone)]
pub(crate) enum Refusal {
    Denied(Denial),
    Limit(LimitHit),
}

/// What one call has done outside; shared with the tasks of its requests.
#[derive(Debug)]
pub(crate) struct Traffic {
    /// Bytes have gone out, or a file was written.
    touched: AtomicBool,
    requests: AtomicU64,
    request_bytes: AtomicU64,
    response_bytes: AtomicU64,
    refusals: Mutex<Vec<Refusal>>,
    limits: Limits,
}

/// Kept of one call; a hostile guest may collect millions.
const KEPT_REFUSALS: usize = 16;

impl Traffic {
    pub(crate) fn new(limits: &Limits) -> Arc<Self> {
        Arc::new(Self {
            touched: AtomicBool::new(false),
            requests: AtomicU64::new(0),
            request_bytes: AtomicU64::new(0),
            response_bytes: AtomicU64::new(0),
            refusals: Mutex::new(Vec::new()),
            limits: limits.clone(),
        })
    }

    pub(crate) fn touch(&self) {
        self.touched.store(true, Ordering::Release);
    }

    pub(crate) fn effect(&self) -> Effect {
        if self.touched.load(Ordering::Acquire) { Effect::Unknown } else { Effect::NotDone }
    }

    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    pub(crate) fn refuse(&self, refusal: Refusal) {
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        if refusals.len() < KEPT_REFUSALS {
            refusals.push(refusal);
        }
    }

    pub(crate) fn refusals(&self) -> Vec<Refusal> {
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn denied(&self, denial: Denial) -> Error {
        self.refuse(Refusal::Denied(denial));
        Error::HttpRequestDenied
    }

    fn over(&self, limit: LimitName, allowed: u64, used: u64) {
        self.refuse(Refusal::Limit(LimitHit { limit, allowed, used: Some(used) }));
    }

    /// Counts one more request; an error when there are too many.
    fn count_request(&self) -> Result<(), Error> {
        let used = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        let allowed = self.limits.http_requests;
        if used > allowed {
            self.over(LimitName::HttpRequests, allowed, used);
            return Err(Error::HttpRequestDenied);
        }
        Ok(())
    }

    fn count_request_bytes(&self, more: u64) -> Result<(), Error> {
        let used = self.request_bytes.fetch_add(more, Ordering::Relaxed) + more;
        let allowed = self.limits.request_bytes;
        if used > allowed {
            self.over(LimitName::RequestBytes, allowed, used);
            return Err(Error::HttpRequestBodySize(Some(allowed)));
        }
        Ok(())
    }

    fn count_response_bytes(&self, more: u64) -> Result<(), Error> {
        let used = self.response_bytes.fetch_add(more, Ordering::Relaxed) + more;
        let allowed = self.limits.response_bytes;
        if used > allowed {
            self.over(LimitName::ResponseBytes, allowed, used);
            return Err(Error::HttpResponseBodySize(Some(allowed)));
        }
        Ok(())
    }
}

/// Headers that belong to the connection or to the host (RFC 9110 §7.6.1).
fn is_forbidden(name: &HeaderName) -> bool {
    const MORE: [HeaderName; 5] = [header::TE, header::TRAILER, header::EXPECT, header::FORWARDED, header::VIA];
    wasmtime_wasi_http::DEFAULT_FORBIDDEN_HEADERS.contains(name)
        || MORE.contains(name)
        || name.as_str().starts_with("proxy-")
        || name.as_str().starts_with("x-forwarded-")
}

/// The hooks of one call.
pub(crate) struct Egress {
    pub(crate) effective: Arc<Effective>,
    pub(crate) traffic: Arc<Traffic>,
    pub(crate) secrets: Arc<SecretBox>,
    pub(crate) way: Arc<Way>,
}

impl WasiHttpHooks for Egress {
    fn forbidden_header_filter(&mut self) -> ForbiddenHeaderFilter {
        Arc::new(is_forbidden)
    }

    /// What a guest may have lying in a body that nobody reads; with a thousand
    /// handles the usual megabyte would be a gigabyte of the host's memory.
    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        64 << 10
    }

    fn send_request(
        &mut self,
        request: Request<Body>,
        options: Option<RequestOptions>,
        _done: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Result<(Response<Body>, Driver), Error>> + Send> {
        let effective = self.effective.clone();
        let traffic = self.traffic.clone();
        let secrets = self.secrets.clone();
        let way = self.way.clone();
        Box::new(async move {
            let (request, origin) = admit(request, &effective, &traffic, &secrets)?;
            let addresses = resolve(&origin, &effective, &traffic, &way).await?;
            wire::send(request, &origin, &addresses, options, way.tls.clone(), traffic).await
        })
    }

    fn p2_error_from_hyper(
        &mut self,
        _error: &hyper::Error,
    ) -> wasmtime_wasi_http::p2::bindings::http::types::ErrorCode {
        wasmtime_wasi_http::p2::bindings::http::types::ErrorCode::HttpProtocolError
    }
}

/// Everything that is decided before a name is looked up.
fn admit(
    mut request: Request<Body>,
    effective: &Effective,
    traffic: &Arc<Traffic>,
    secrets: &SecretBox,
) -> Result<(Request<Body>, Origin), Error> {
    traffic.count_request()?;
    let uri = request.uri();
    let scheme = match uri.scheme_str() {
        Some("http") => Scheme::Http,
        Some("https") => Scheme::Https,
        _ => return Err(Error::HttpProtocolError),
    };
    let authority = uri.authority().map_or("", http::uri::Authority::as_str);
    let origin = Origin::from_authority(scheme, authority).map_err(|error| {
        traffic.denied(Denial {
            what: format!("a request to `{}`", crate::error::shown(authority)),
            why: error.to_string(),
            grant_to_add: None,
        })
    })?;
    let ask = HttpAsk {
        origin: origin.clone(),
        method: request.method().as_str().to_owned(),
        path: match uri.path() {
            "" => "/".to_owned(),
            path => path.to_owned(),
        },
    };
    if matches!(ask.method.as_str(), "CONNECT" | "TRACE") {
        return Err(traffic.denied(Denial {
            what: format!("{} {}", ask.method, ask.origin),
            why: "the host sends no CONNECT and no TRACE".to_owned(),
            grant_to_add: None,
        }));
    }
    effective.http(&ask).map_err(|denial| traffic.denied(denial))?;
    let mut holders = HashSet::new();
    for value in request.headers_mut().values_mut() {
        let Some(filled) = secrets.fill(value.as_bytes(), &mut holders) else {
            continue;
        };
        *value = HeaderValue::from_bytes(&filled).map_err(|_| Error::HttpProtocolError)?;
        value.set_sensitive(true);
    }
    for name in holders {
        effective.secret_to(&name, &origin).map_err(|denial| traffic.denied(denial))?;
    }
    // The Host header is the host's to say: exactly the checked place.
    let place = origin.to_string();
    let host = place.split_once("://").map_or("", |(_, host)| host);
    let host = HeaderValue::from_str(host).map_err(|_| Error::HttpRequestUriInvalid)?;
    request.headers_mut().insert(header::HOST, host);
    let path = request.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    *request.uri_mut() = path.parse().map_err(|_| Error::HttpRequestUriInvalid)?;
    let counted = traffic.clone();
    Ok((request.map(|body| wire::count_request(body, counted)), origin))
}

/// The addresses of the place, all of them checked.
async fn resolve(
    origin: &Origin,
    effective: &Effective,
    traffic: &Traffic,
    way: &Way,
) -> Result<Vec<SocketAddr>, Error> {
    if let Host::Name(name) = &origin.host
        && let Some(address) = way.mapped(name, origin.port)
    {
        return Ok(vec![address]);
    }
    let addresses: Vec<SocketAddr> = match &origin.host {
        Host::Address(address) => vec![SocketAddr::new(*address, origin.port)],
        Host::Name(name) => tokio::time::timeout(CONNECT, tokio::net::lookup_host((name.as_str(), origin.port)))
            .await
            .map_err(|_| Error::DnsTimeout)?
            .map_err(|_| Error::DnsError { rcode: None, info_code: None })?
            .collect(),
    };
    if addresses.is_empty() {
        return Err(Error::DnsError { rcode: None, info_code: None });
    }
    for address in &addresses {
        let ip: IpAddr = address.ip();
        if let Err((_, why)) = address::check(ip, effective.allow_addresses()) {
            let width = if ip.is_ipv4() { 32 } else { 128 };
            traffic.refuse(Refusal::Denied(Denial {
                what: format!("connecting to {origin} at {ip}"),
                why: format!("the address is not public ({why})"),
                grant_to_add: Some(serde_json::json!({"allow_addresses": [format!("{ip}/{width}")]}).to_string()),
            }));
            return Err(Error::DestinationIpProhibited);
        }
    }
    Ok(addresses)
}
