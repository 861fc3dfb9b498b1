//! Requests that the host makes itself, for a workflow's own `call: http`:
//! the same way out as a plugin's, under the workflow's grant. There is one
//! client in this host, and this is its other door.
//!
//! Secrets come as placeholders, `{{huiyin:secret:NAME}}`. Their values are
//! put in here, for granted places only, and taken out again of whatever comes
//! back. Redirects are answers; whoever follows one asks anew.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use http_body_util::{BodyExt as _, Full};
use zeroize::Zeroizing;

use super::pace::Asker;
use super::{Body, Paced, Refusal, Scrubber, Traffic, Way, admit, go, is_forbidden};
use crate::error::Effect;
use crate::grant::{Denial, Effective, Grant, Origin, Scheme, SecretPlace};
use crate::host::SecretSource;
use crate::host::secrets::SecretBox;
use crate::limits::{LimitHit, LimitName, Limits};
use crate::sandbox::Sandbox;

/// How a placeholder begins and ends; between them stands the secret's name.
const OPEN: &str = "{{huiyin:secret:";
const CLOSE: &str = "}}";

/// The largest URL, in bytes.
const MAX_URI: usize = 16 << 10;

/// Why a request brought no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// It is not allowed.
    #[error("{denial}")]
    Denied {
        /// What was asked for, and the grant to add.
        denial: Box<Denial>,
        /// What may have happened outside.
        effect: Effect,
    },
    /// A limit was reached.
    #[error("{hit}")]
    Limit {
        /// Which, and how to raise it.
        hit: LimitHit,
        /// What may have happened outside.
        effect: Effect,
    },
    /// Too many at once, or too fast.
    #[error("{paced}")]
    Paced {
        /// What holds it back, and for how long.
        paced: Paced,
        /// What may have happened outside.
        effect: Effect,
    },
    /// It is no request that can be sent.
    #[error("{0}")]
    Invalid(String),
    /// The other side, or the way there, failed.
    #[error("{why}")]
    Failed {
        /// What is known.
        why: String,
        /// What may have happened outside.
        effect: Effect,
    },
}

impl RequestError {
    /// What may have happened outside, for rule 3 of the design.
    pub fn outcome(&self) -> Effect {
        match self {
            Self::Denied { effect, .. }
            | Self::Limit { effect, .. }
            | Self::Paced { effect, .. }
            | Self::Failed { effect, .. } => *effect,
            Self::Invalid(_) => Effect::NotDone,
        }
    }
}

/// One request.
#[derive(Debug, Clone, Default)]
pub struct Ask {
    /// In upper case.
    pub method: String,
    /// `http://…` or `https://…`, as a URL parser writes it.
    pub uri: String,
    /// Names and values; values may hold placeholders.
    pub headers: Vec<(String, String)>,
    /// The body, as it is sent.
    pub body: Vec<u8>,
}

/// Its answer, with every secret taken out that went with the request.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Names in lower case and values, in order.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: Vec<u8>,
}

/// The requests of one call: one grant, one set of limits for them all.
pub struct Requester {
    effective: Effective,
    traffic: Arc<Traffic>,
    way: Arc<Way>,
    secrets: Arc<dyn SecretSource>,
    /// What must not be seen in an answer, and what stands there instead.
    used: Mutex<Arc<Scrubber>>,
    asker: Asker,
    deadline: Instant,
    limits: Limits,
}

impl Sandbox {
    /// Gets ready to make the requests of one call of a workflow, within what
    /// `grant` and the unit's `cap` allow. The wall time of `limits` begins now.
    pub fn requester(
        &self,
        asker: Asker,
        grant: &Grant,
        cap: Option<&Grant>,
        secrets: Arc<dyn SecretSource>,
        limits: &Limits,
    ) -> Requester {
        let limits = limits.at_most(&self.shared.config.most);
        let deadline = Instant::now() + Duration::from_millis(limits.wall_ms);
        Requester {
            effective: Effective::of_workflow(grant, cap),
            traffic: Traffic::new(&limits, deadline),
            way: self.shared.way.clone(),
            secrets,
            used: Mutex::default(),
            asker,
            deadline,
            limits,
        }
    }
}

/// Whether a text holds a placeholder.
pub fn has_placeholder(text: &str) -> bool {
    text.contains(OPEN)
}

/// The origin of a URL.
///
/// # Errors
/// When it is none that can be asked.
pub fn origin_of(uri: &str) -> Result<Origin, RequestError> {
    let invalid = |why: String| RequestError::Invalid(why);
    let uri: http::Uri = uri.parse().map_err(|_| invalid(format!("`{}` is no URL", uri.escape_debug())))?;
    let scheme = match uri.scheme_str() {
        Some("http") => Scheme::Http,
        Some("https") => Scheme::Https,
        _ => return Err(invalid("a URL begins with https:// or http://".to_owned())),
    };
    let authority = uri.authority().map_or("", http::uri::Authority::as_str);
    Origin::from_authority(scheme, authority).map_err(|error| invalid(error.to_string()))
}

impl Requester {
    /// What may have happened outside up to now.
    pub fn effect(&self) -> Effect {
        self.traffic.effect()
    }

    /// A secret's value for a place, as text; also taken out of later answers.
    ///
    /// # Errors
    /// When it is not granted for that place, has no value, or is no text.
    pub fn secret(&self, name: &str, origin: &Origin) -> Result<Zeroizing<String>, RequestError> {
        self.effective.secret_to(name, origin).map_err(|denial| self.denied(denial))?;
        self.value(name)
    }

    /// The text with its placeholders filled, for the head of a request to a place.
    ///
    /// # Errors
    /// As [`Requester::secret`].
    pub fn fill(&self, text: &str, origin: &Origin) -> Result<Zeroizing<String>, RequestError> {
        filled(text, |name| self.secret(name, origin))
    }

    /// The same for another part of the request, which its grant must name.
    ///
    /// # Errors
    /// As [`Requester::secret`], and when the part is not granted.
    pub fn fill_in(&self, text: &str, origin: &Origin, place: SecretPlace) -> Result<Zeroizing<String>, RequestError> {
        filled(text, |name| {
            self.effective.secret_in(name, origin, place).map_err(|denial| self.denied(denial))?;
            self.value(name)
        })
    }

    /// From now on this is taken out of answers, in all its common spellings,
    /// and `instead` stands there.
    pub fn hide(&self, value: &str, instead: &str) {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::make_mut(&mut used).add(value.as_bytes(), instead);
    }

    /// A text without what must not be seen.
    pub fn scrub(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.scrub_bytes(text.as_bytes())).into_owned()
    }

    /// Bytes without what must not be seen.
    pub fn scrub_bytes(&self, bytes: &[u8]) -> Vec<u8> {
        self.scrubber().scrub(bytes)
    }

    fn scrubber(&self) -> Arc<Scrubber> {
        Arc::clone(&self.used.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn value(&self, name: &str) -> Result<Zeroizing<String>, RequestError> {
        let value = self.secrets.secret(name).ok_or_else(|| {
            RequestError::Invalid(format!(
                "the secret `{}` is granted but has no value on this host",
                name.escape_debug()
            ))
        })?;
        let text = std::str::from_utf8(value.expose())
            .map_err(|_| RequestError::Invalid(format!("the secret `{}` is no text", name.escape_debug())))?;
        self.hide(text, &format!("{OPEN}{name}{CLOSE}"));
        Ok(Zeroizing::new(text.to_owned()))
    }

    fn denied(&self, denial: Denial) -> RequestError {
        RequestError::Denied { denial: Box::new(denial), effect: self.effect() }
    }

    /// Sends one request and reads its whole answer.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn send(&self, ask: &Ask) -> Result<Answer, RequestError> {
        let origin = origin_of(&ask.uri)?;
        let request = self.request(ask, &origin)?;
        let refused = self.traffic.refusals().len();
        match tokio::time::timeout_at(self.deadline.into(), self.exchange(request)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(self.explain(&error, refused)),
            Err(_) => Err(RequestError::Limit {
                hit: LimitHit { limit: LimitName::WallMs, allowed: self.limits.wall_ms, used: None },
                effect: self.effect(),
            }),
        }
    }

    fn request(&self, ask: &Ask, origin: &Origin) -> Result<http::Request<Body>, RequestError> {
        let invalid = |why: String| RequestError::Invalid(why);
        if ask.uri.len() > MAX_URI {
            return Err(invalid(format!("the URL has {} bytes, {MAX_URI} are allowed", ask.uri.len())));
        }
        let body = Full::new(Bytes::copy_from_slice(&ask.body)).map_err(|never| match never {}).boxed_unsync();
        let mut request = http::Request::new(body);
        *request.method_mut() = http::Method::from_bytes(ask.method.as_bytes())
            .ok()
            .filter(|_| !ask.method.bytes().any(|b| b.is_ascii_lowercase()))
            .ok_or_else(|| invalid(format!("`{}` is no HTTP method", ask.method.escape_debug())))?;
        // The query may hold placeholders; braces cannot stand in a URL as they are.
        let uri = self.fill_uri(&ask.uri, origin)?;
        *request.uri_mut() = uri.parse().map_err(|_| invalid("the URL holds what no URL may hold".to_owned()))?;
        for (name, value) in &ask.headers {
            let shown = name.escape_debug();
            let header = HeaderName::from_bytes(name.as_bytes())
                .map_err(|_| invalid(format!("`{shown}` is no name of a header")))?;
            if is_forbidden(&header) || header == http::header::CONTENT_LENGTH {
                return Err(invalid(format!("the header `{shown}` is the host's own to set; leave it out")));
            }
            let secret = has_placeholder(value);
            let filled = if secret { self.fill(value, origin)? } else { Zeroizing::new(value.clone()) };
            let mut value = HeaderValue::from_bytes(filled.as_bytes())
                .map_err(|_| invalid(format!("the value of the header `{shown}` holds what no header may hold")))?;
            value.set_sensitive(secret);
            request.headers_mut().append(header, value);
        }
        Ok(request)
    }

    /// A URL parser has written the placeholder's braces as `%7B%7B`, in the query.
    fn fill_uri(&self, uri: &str, origin: &Origin) -> Result<Zeroizing<String>, RequestError> {
        const WRITTEN: [&str; 2] = ["%7B%7Bhuiyin%3Asecret%3A", "%7B%7Bhuiyin:secret:"];
        let plain = uri.split('?').next().unwrap_or(uri);
        if has_placeholder(plain) || WRITTEN.iter().any(|w| plain.contains(w)) {
            return Err(RequestError::Invalid(
                "a secret stands in the path of a URL; put it into a header, or into the query with a grant for it"
                    .to_owned(),
            ));
        }
        let mut text = uri.to_owned();
        for written in WRITTEN {
            while let Some(at) = text.find(written) {
                let end = text[at..].find("%7D%7D").ok_or_else(|| {
                    RequestError::Invalid("a secret's placeholder in the query is cut short".to_owned())
                })?;
                let name = text[at + written.len()..at + end].to_owned();
                text.replace_range(at..at + end + "%7D%7D".len(), &format!("{OPEN}{name}{CLOSE}"));
            }
        }
        if !has_placeholder(&text) {
            return Ok(Zeroizing::new(text));
        }
        filled(&text, |name| {
            self.effective.secret_in(name, origin, SecretPlace::Query).map_err(|denial| self.denied(denial))?;
            let value = self.value(name)?;
            let encoded = Zeroizing::new(encode(&value));
            self.hide(&encoded, &format!("{OPEN}{name}{CLOSE}"));
            Ok(encoded)
        })
    }

    async fn exchange(&self, request: http::Request<Body>) -> Result<Answer, wasmtime_wasi_http::Error> {
        let (request, origin) = admit(request, &self.effective, &self.traffic, &SecretBox::default())?;
        let scrubber = Some(self.scrubber()).filter(|scrubber| !scrubber.is_empty());
        let options = wasmtime_wasi_http::RequestOptions::default();
        let traffic = self.traffic.clone();
        let sent = go(request, origin, options, scrubber, &self.effective, &self.way, &self.asker, traffic).await?;
        let (response, driver) = sent;
        let (head, body) = response.into_parts();
        let mut collecting = Box::pin(body.collect());
        let mut driver = Box::into_pin(driver);
        let whole = tokio::select! {
            biased;
            whole = &mut collecting => whole?,
            // The connection has ended; what it brought may still wait to be read.
            _ = &mut driver => collecting.await?,
        };
        let headers = head.headers.iter().map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()));
        Ok(Answer { status: head.status.as_u16(), headers: headers.collect(), body: whole.to_bytes().to_vec() })
    }

    /// Where the host itself refused something, that is the reason worth telling.
    fn explain(&self, error: &wasmtime_wasi_http::Error, before: usize) -> RequestError {
        use wasmtime_wasi_http::Error as E;
        let effect = self.effect();
        match self.traffic.refusals().into_iter().nth(before) {
            Some(Refusal::Denied(denial)) => return RequestError::Denied { denial: Box::new(denial), effect },
            Some(Refusal::Limit(hit) | Refusal::Late(hit)) => return RequestError::Limit { hit, effect },
            Some(Refusal::Paced(paced)) => return RequestError::Paced { paced, effect },
            Some(Refusal::Way(why)) => return RequestError::Failed { why, effect },
            None => {}
        }
        let why = match error {
            E::DnsTimeout => "the name was not resolved in time".to_owned(),
            E::DnsError { .. } => "the name cannot be resolved".to_owned(),
            E::Connect(error) => format!("no connection: {}", error.kind()),
            E::ConnectionTimeout => "no connection in time".to_owned(),
            E::ConnectionReadTimeout => "no answer in time".to_owned(),
            E::TlsCertificateError => {
                "the server's certificate is not trusted; an admin adds its authority to `egress.roots`".to_owned()
            }
            E::DestinationUnavailable => "no TLS connection".to_owned(),
            E::HttpResponseContentCoding(_) => {
                "the answer is not in the coding that its content-encoding names".to_owned()
            }
            other => self.scrub(&crate::error::plain(&other.to_string())),
        };
        RequestError::Failed { why, effect }
    }
}

/// The text with what `value` gives for each placeholder in its place.
fn filled(
    text: &str,
    value: impl Fn(&str) -> Result<Zeroizing<String>, RequestError>,
) -> Result<Zeroizing<String>, RequestError> {
    let mut filled = Zeroizing::new(String::with_capacity(text.len() * 2));
    let mut rest = text;
    while let Some(at) = rest.find(OPEN) {
        let (before, after) = rest.split_at(at);
        filled.push_str(before);
        let after = &after[OPEN.len()..];
        let Some(end) = after.find(CLOSE) else {
            return Err(RequestError::Invalid("a secret's placeholder is cut short".to_owned()));
        };
        filled.push_str(&value(&after[..end])?);
        rest = &after[end + CLOSE.len()..];
    }
    filled.push_str(rest);
    Ok(filled)
}

/// Percent-encodes all but the unreserved characters (RFC 3986 §2.3).
fn encode(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~');
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}
