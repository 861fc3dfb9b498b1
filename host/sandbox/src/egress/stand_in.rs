//! Answers of the caller's in the place of the network: a plugin is tested with what its author wrote
//! down or recorded. All that is decided before a name is looked up holds as ever; pace, names, addresses
//! and TLS are the network's.

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use wasmtime_wasi_http::Error;

use super::{Body, Driver, Refusal, Scrubber, Traffic};
use crate::grant::Origin;

/// An admitted request. `{{huiyin:secret:NAME}}` stands in the place of each secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// In upper case.
    pub method: String,
    /// Whole: scheme, place, path and query, in which secrets stand as above.
    pub url: String,
    /// Those of the plugin, with lower-case names, sorted by name; `host`, `accept-encoding` and `content-length` are the host's.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Vec<u8>,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// 100 to 999.
    pub status: u16,
    /// With lower-case names.
    pub headers: Vec<(String, String)>,
    /// The whole body, in no content coding.
    pub body: Vec<u8>,
}

/// What becomes of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Instead {
    /// This answer.
    Answer(Answered),
    /// No connection, for this reason: nothing was sent.
    Nobody(String),
    /// The network is asked; [`StandIn::seen`] hears the answer.
    Network,
}

/// Stands in for the network.
pub trait StandIn: Send + Sync {
    /// What becomes of this request.
    fn instead(&self, asked: &Asked) -> Instead;

    /// What the network answered, without secrets.
    fn seen(&self, asked: Asked, answered: Answered);
}

/// Sends a request by the stand-in's word; `there` is the network.
pub(super) async fn send(
    stand_in: &dyn StandIn,
    request: Request<Body>,
    origin: Origin,
    names: &Scrubber,
    traffic: &Traffic,
    there: impl AsyncFnOnce(Request<Body>, Origin) -> Result<(Response<Body>, Driver), Error>,
) -> Result<(Response<Body>, Driver), Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let own = |name: &HeaderName| [header::HOST, header::ACCEPT_ENCODING, header::CONTENT_LENGTH].contains(name);
    let asked = Asked {
        method: head.method.as_str().to_owned(),
        url: String::from_utf8_lossy(&names.scrub(format!("{origin}{}", head.uri).as_bytes())).into_owned(),
        headers: texts(&head.headers, names, own),
        body: names.scrub(&body),
    };
    let answered = match stand_in.instead(&asked) {
        Instead::Answer(answered) => {
            traffic.touch();
            traffic.count_response_bytes(answered.body.len() as u64)?;
            answered
        }
        Instead::Nobody(why) => {
            traffic.refuse(Refusal::Way(why));
            return Err(Error::Connect(std::io::ErrorKind::ConnectionRefused.into()));
        }
        Instead::Network => {
            let (response, driver) = there(Request::from_parts(head, whole(body)), origin).await?;
            let (head, body) = response.into_parts();
            let mut collecting = Box::pin(body.collect());
            let mut driver = Box::into_pin(driver);
            let body = tokio::select! {
                biased;
                body = &mut collecting => body?,
                // The connection has ended; what it brought may still wait to be read.
                _ = &mut driver => collecting.await?,
            };
            let body = body.to_bytes();
            let of_the_wire = |name: &HeaderName| *name == header::CONTENT_LENGTH || *name == header::CONNECTION;
            stand_in.seen(
                asked,
                Answered {
                    status: head.status.as_u16(),
                    headers: texts(&head.headers, names, of_the_wire),
                    body: names.scrub(&body),
                },
            );
            return Ok((Response::from_parts(head, whole(body)), Box::new(std::future::ready(Ok(())))));
        }
    };
    let mut response = Response::new(whole(answered.body.into()));
    *response.status_mut() = http::StatusCode::from_u16(answered.status).map_err(|_| Error::HttpProtocolError)?;
    for (name, value) in &answered.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| Error::HttpProtocolError)?;
        let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| Error::HttpProtocolError)?;
        response.headers_mut().append(name, value);
    }
    Ok((response, Box::new(std::future::ready(Ok(())))))
}

fn whole(body: Bytes) -> Body {
    Full::new(body).map_err(|never| match never {}).boxed_unsync()
}

/// Header fields as texts, without secrets and without those that are `left` out.
fn texts(headers: &HeaderMap, names: &Scrubber, left: impl Fn(&HeaderName) -> bool) -> Vec<(String, String)> {
    let mut texts: Vec<(String, String)> = headers
        .iter()
        .filter(|(name, _)| !left(name))
        .map(|(name, value)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(&names.scrub(value.as_bytes())).into_owned())
        })
        .collect();
    texts.sort();
    texts
}
