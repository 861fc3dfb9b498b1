//! The only way out: HTTP requests of plugins, and those that the host makes
//! for a workflow ([`request`]).
//!
//! The threat: a plugin written by anyone, on a host inside a government
//! network, that wants to reach that network, the cloud's metadata, or a place
//! nobody granted; by odd spellings, by names that resolve inward, by
//! redirects, by headers. So, in this order: the exact place is parsed
//! strictly; the grant is asked; secrets are put in only for their own places;
//! its turn comes; the name is resolved and every address checked; the
//! connection goes to a checked address. Redirects are answers like any other:
//! the guest may follow one by a new request, which is checked anew. Answers
//! are decompressed within bounds, and secrets taken out of them. No cookies.

pub mod address;
mod decode;
mod names;
pub mod pace;
mod place;
pub mod proxy;
pub mod request;
mod scrub;
mod smtp;
pub mod stand_in;
mod traffic;
pub mod way;
mod wire;

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{self, HeaderName};
use http::{HeaderValue, Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use wasmtime_wasi_http::{Error, ForbiddenHeaderFilter, RequestOptions, WasiHttpHooks};

use crate::grant::{Denial, Effective, HttpAsk, Origin, Scheme};
use crate::host::secrets::SecretBox;

use self::pace::Asker;
pub(crate) use self::scrub::Scrubber;
pub use self::traffic::Paced;
pub(crate) use self::traffic::{Refusal, Traffic};
pub(crate) use self::way::Way;
use self::wire::Outgoing;

type Body = UnsyncBoxBody<Bytes, Error>;
type Driver = Box<dyn Future<Output = Result<(), Error>> + Send>;

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
    pub(crate) asker: Arc<Asker>,
    /// Asked before the network.
    pub(crate) stand_in: Option<Arc<dyn stand_in::StandIn>>,
}

impl WasiHttpHooks for Egress {
    fn forbidden_header_filter(&mut self) -> ForbiddenHeaderFilter {
        Arc::new(is_forbidden)
    }

    fn is_supported_scheme(&mut self, scheme: &http::uri::Scheme) -> bool {
        Scheme::parse(scheme.as_str()).is_some()
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
        let asker = self.asker.clone();
        let stand_in = self.stand_in.clone();
        Box::new(async move {
            let (request, origin) = admit(request, &effective, &traffic, &secrets)?;
            let request = place::body(request, &origin, &effective, &traffic, &secrets).await?;
            // Whatever this call holds may come back, also what another of its requests sent.
            let scrubber = secrets.scrubber();
            let options = options.unwrap_or_default();
            if let Some(stand_in) = stand_in {
                let names = secrets.names();
                let there = async |request, origin| {
                    go(request, origin, options, scrubber, &effective, &way, &asker, traffic.clone()).await
                };
                return stand_in::send(&*stand_in, request, origin, &names, &traffic, there).await;
            }
            go(request, origin, options, scrubber, &effective, &way, &asker, traffic).await
        })
    }

    fn p2_error_from_hyper(
        &mut self,
        _error: &hyper::Error,
    ) -> wasmtime_wasi_http::p2::bindings::http::types::ErrorCode {
        wasmtime_wasi_http::p2::bindings::http::types::ErrorCode::HttpProtocolError
    }
}

/// The rest of the way of an admitted request.
#[allow(clippy::too_many_arguments)] // the parts of one request, gathered once
async fn go(
    request: Request<Body>,
    origin: Origin,
    options: RequestOptions,
    scrubber: Option<Arc<Scrubber>>,
    effective: &Effective,
    way: &Way,
    asker: &Asker,
    traffic: Arc<Traffic>,
) -> Result<(Response<Body>, Driver), Error> {
    let turn = way.paces.turn(asker, traffic.deadline).await.map_err(|paced| {
        traffic.refuse(Refusal::Paced(paced));
        Error::ConnectionLimitReached
    })?;
    wire::send(Outgoing { request, origin, options, scrubber, turn }, effective, way, traffic).await
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
    let scheme = uri.scheme_str().and_then(Scheme::parse).ok_or(Error::HttpProtocolError)?;
    let authority = uri.authority().map_or("", http::uri::Authority::as_str);
    let origin = Origin::from_authority(scheme, authority).map_err(|error| {
        traffic.denied(Denial::by_host(format!("a request to `{}`", crate::error::shown(authority)), error.to_string()))
    })?;
    let ask = HttpAsk {
        origin: origin.clone(),
        method: request.method().as_str().to_owned(),
        path: match uri.path() {
            "" => "/".to_owned(),
            path => path.to_owned(),
        },
    };
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
    // So are the codings, because the host undoes them. A part of a body cannot be undone.
    let codings = if request.headers().contains_key(header::RANGE) { "identity" } else { decode::ACCEPTED };
    request.headers_mut().insert(header::ACCEPT_ENCODING, HeaderValue::from_static(codings));
    let path = place::path_and_query(request.uri(), &origin, effective, traffic, secrets)?;
    *request.uri_mut() = path.parse().map_err(|_| Error::HttpRequestUriInvalid)?;
    let counted = traffic.clone();
    Ok((request.map(|body| wire::count_request(body, counted)), origin))
}
