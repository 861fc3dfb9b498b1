//! Sending one event to one sink, by the plugins' way out: exactly the place
//! that the configuration names is granted, and nothing else.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use huiyin_registry::house::House;
use huiyin_sandbox::egress::pace::Asker;
use huiyin_sandbox::egress::request::{Ask, origin_of};
use huiyin_sandbox::{Grant, Limits, SecretSource};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::config::SinkConfig;

/// The longest wait for an answer, in milliseconds.
const WALL_MS: u64 = 15_000;

/// The first pause after a failure, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(60));

/// How often an event is offered that the sink says is no good.
const REJECTED: u32 = 5;

/// Where lifecycle events go.
#[derive(Clone)]
pub struct Sink {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub uri: String,
    /// What the types of its events begin with; empty for all.
    pub types: Vec<String>,
    /// Only of this unit's workflows.
    pub unit: Option<String>,
    /// How old an event may become before it is given up.
    pub retry_for: SignedDuration,
    bearer: Option<String>,
    hmac: Option<String>,
    grant: Arc<Grant>,
    secrets: Arc<dyn SecretSource>,
    house: Arc<House>,
}

/// Why an event was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// The sink did not answer, or not well.
    Down(String),
    /// The sink says that this event is no good.
    Rejected(u16),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Down(why) => f.write_str(why),
            Self::Rejected(status) => write!(f, "it was rejected with status {status}"),
        }
    }
}

/// How often one event has failed, and how long to wait now.
#[derive(Default)]
pub(super) struct Tries {
    failed: u32,
    rejected: u32,
}

impl Tries {
    /// Counts a failure; true when the event is given up.
    pub(super) fn enough(&mut self, failure: &Failure) -> bool {
        self.failed += 1;
        self.rejected += u32::from(matches!(failure, Failure::Rejected(_)));
        self.rejected >= REJECTED
    }

    /// Twice as long each time, up to a bound.
    pub(super) fn pause(&self) -> Duration {
        let (first, longest) = PAUSES;
        first.saturating_mul(1 << self.failed.saturating_sub(1).min(16)).min(longest)
    }
}

impl Sink {
    /// A sink as it is configured.
    ///
    /// # Errors
    /// What is wrong, with a pointer below the sink.
    pub(crate) fn read(
        config: &SinkConfig,
        secrets: &Arc<dyn SecretSource>,
        house: &Arc<House>,
    ) -> Result<Sink, String> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if config.name.is_empty() || config.name.len() > 64 || !config.name.chars().all(plain) {
            return Err(format!("/name: `{}` is no name; write 1 to 64 letters, digits or -_. of ASCII", config.name));
        }
        let url = url::Url::parse(&config.uri).map_err(|error| format!("/uri: {error}"))?;
        let origin = origin_of(url.as_str()).map_err(|error| format!("/uri: {error}"))?.to_string();
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err("/uri: holds a user, a password or a fragment; leave it out".to_owned());
        }
        let mut granted = Vec::new();
        for (key, name) in [("bearer", &config.bearer), ("hmac", &config.hmac)] {
            let Some(name) = name else { continue };
            if secrets.secret(name).is_none() {
                return Err(format!("/{key}: there is no secret `{name}`; name its file under `secrets`"));
            }
            granted.push(json!({"name": name, "hosts": [origin]}));
        }
        let retry_for = match &config.retry_for {
            None => super::RETRY_FOR,
            Some(text) => huiyin_deadline::allowance::parse_duration(text).map_err(|e| format!("/retryFor: {e}"))?,
        };
        let grant = json!({
            "http": [{"origin": origin, "methods": ["POST"], "path_prefix": url.path()}],
            "secrets": granted,
            "allow_addresses": config.allow_addresses,
        });
        let grant = Grant::from_json(&grant.to_string()).map_err(|error| format!("/uri: {error}"))?;
        Ok(Sink {
            name: config.name.clone(),
            uri: url.to_string(),
            types: config.types.clone(),
            unit: config.unit.clone(),
            retry_for,
            bearer: config.bearer.clone(),
            hmac: config.hmac.clone(),
            grant: Arc::new(grant),
            secrets: Arc::clone(secrets),
            house: Arc::clone(house),
        })
    }

    /// Sends an event in structured content mode.
    pub(super) async fn send(&self, event: &Value, now: Timestamp) -> Result<(), Failure> {
        let body = event.to_string().into_bytes();
        let mut headers = vec![("content-type".to_owned(), "application/cloudevents+json; charset=utf-8".to_owned())];
        if let Some(name) = &self.bearer {
            headers.push(("authorization".to_owned(), format!("Bearer {{{{huiyin:secret:{name}}}}}")));
        }
        if let Some(name) = &self.hmac {
            headers.push(("huiyin-signature".to_owned(), self.signature(name, &body, now)?));
        }
        let limits = Limits { wall_ms: WALL_MS, ..self.house.tuning().default().clone() };
        let requester = self
            .house
            .sandbox
            // No name: a sink is the admin's own, and one event follows another.
            .requester(Asker::default(), &self.grant, None, Arc::clone(&self.secrets), &limits);
        let ask = Ask { method: "POST".to_owned(), uri: self.uri.clone(), headers, body };
        let answer = requester.send(&ask).await.map_err(|error| Failure::Down(error.to_string()))?;
        match answer.status {
            200..300 => Ok(()),
            status @ (400 | 413 | 415 | 422) => Err(Failure::Rejected(status)),
            status => Err(Failure::Down(format!("it answered with status {status}"))),
        }
    }

    /// `t=<seconds>,v1=<hex>`: HMAC-SHA-256 over `<seconds>.<body>`, as plugins sign.
    fn signature(&self, name: &str, body: &[u8], now: Timestamp) -> Result<String, Failure> {
        let missing = || Failure::Down(format!("the secret `{name}` has no value"));
        let secret = self.secrets.secret(name).ok_or_else(missing)?;
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose()).map_err(|_| missing())?;
        let seconds = now.as_second();
        mac.update(format!("{seconds}.").as_bytes());
        mac.update(body);
        Ok(format!("t={seconds},v1={}", hex::encode(mac.finalize().into_bytes())))
    }
}
