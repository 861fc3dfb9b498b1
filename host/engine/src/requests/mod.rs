//! Requests of a workflow's own: `call: http` and `call: openapi`, under the
//! workflow's grant and by the same way out as plugins (rule 6).
//!
//! | module | for |
//! |---|---|
//! | [`http`] | one request: its URL, body, redirects |
//! | [`answer`] | from an answer to a task's output, or its error |
//! | [`auth`], [`digest`], [`oauth`] | who asks |
//! | [`openapi`] | from an operation of an OpenAPI document to a request |
//!
//! Nothing here is journaled by itself, and no secret's value leaves it but on
//! the wire: placeholders come in, and what comes back has been scrubbed.

mod answer;
mod auth;
mod digest;
mod http;
mod oauth;
pub mod openapi;
mod yaml;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use huiyin_flow::{ErrorKind, FlowError, Happened, HttpRequest, OpenApiRequest, ResponseForm};
use huiyin_partition::request_words::{described, repeatable};
use huiyin_registry::house::House;
use huiyin_sandbox::egress::pace::Asker;
use huiyin_sandbox::egress::request::{RequestError, Requester};
use huiyin_sandbox::{Denier, Effect, Grant, Limits, SecretSource};
use serde_json::{Value, json};

use self::oauth::Tokens;

/// How long a fetched OpenAPI document is believed.
const DOCUMENT_AGE: Duration = Duration::from_mins(5);

/// Documents remembered at once.
const DOCUMENTS: usize = 32;

/// The largest OpenAPI document, in bytes.
const MAX_DOCUMENT: u64 = 8 << 20;

/// Makes workflows' requests.
pub struct Requests {
    house: Arc<House>,
    documents: Mutex<HashMap<String, (Instant, Arc<Value>)>>,
    tokens: Tokens,
}

/// On whose behalf a request is made, and how it is told apart from others.
pub struct Behalf {
    /// `namespace/name:version`.
    pub workflow: String,
    /// The unit; empty for none.
    pub unit: String,
    /// What the workflow may reach.
    pub grant: Arc<Grant>,
    /// What the unit's policy allows at most; none where it sets no cap.
    pub cap: Option<Arc<Grant>>,
    /// Where secrets come from.
    pub secrets: Arc<dyn SecretSource>,
    /// The same on every try of this effect.
    pub idempotency_key: String,
}

impl Behalf {
    /// The workflow without its version.
    fn name(&self) -> &str {
        self.workflow.split(':').next().unwrap_or(&self.workflow)
    }
}

/// Why a request gave no result.
#[derive(Debug)]
pub enum Fault {
    /// The task's error; repeating the request is the workflow's own affair.
    Error(FlowError),
    /// Nobody knows whether it happened (rule 3).
    Unknown(String),
}

impl From<FlowError> for Fault {
    fn from(error: FlowError) -> Fault {
        Fault::Error(error)
    }
}

impl Requests {
    /// With nothing remembered.
    pub fn new(house: Arc<House>) -> Requests {
        Requests { house, documents: Mutex::default(), tokens: Tokens::default() }
    }

    fn requester(&self, behalf: &Behalf, limits: &Limits) -> Requester {
        let asker = Asker { name: behalf.name().to_owned(), unit: behalf.unit.clone() };
        let secrets = Arc::clone(&behalf.secrets);
        self.house.sandbox.requester(asker, &behalf.grant, behalf.cap.as_deref(), secrets, limits)
    }

    /// Sends what `call: http` asks for, and gives the task's output.
    ///
    /// # Errors
    /// [`Fault`]
    pub async fn send(&self, asked: &HttpRequest, behalf: &Behalf, requester: &Requester) -> Result<Value, Fault> {
        let answer = http::exchange(self, asked, behalf, requester).await?;
        answer::output(&answer, asked.output, asked.redirect, requester).map_err(|error| {
            // It was done, and only its answer is of no use: no `retry` does it again (rule 3).
            let done = (200..300).contains(&answer.status) && !repeatable(&asked.method);
            let bytes = Some(answer.body.len() as u64);
            Fault::Error(if done { error.although(Happened { bytes, head: String::new() }) } else { error })
        })
    }

    /// What a request may use, ready to be made; its wall time begins now.
    pub fn begin(&self, behalf: &Behalf) -> Requester {
        self.requester(behalf, &self.house.limits("", &behalf.unit))
    }

    /// Finds the operation that `call: openapi` names, and gives the request
    /// it stands for. Fetches the document unless it did so lately.
    ///
    /// # Errors
    /// The task's error: nothing but the document was asked for.
    pub async fn resolve(&self, asked: &OpenApiRequest, behalf: &Behalf) -> Result<HttpRequest, FlowError> {
        let document = self.document(asked, behalf).await?;
        openapi::request(&document, asked).map_err(|why| FlowError::new(ErrorKind::Configuration, why))
    }

    async fn document(&self, asked: &OpenApiRequest, behalf: &Behalf) -> Result<Arc<Value>, FlowError> {
        let key = json!([asked.document, asked.document_authentication, behalf.workflow, behalf.unit]).to_string();
        {
            let mut known = self.documents.lock().unwrap_or_else(PoisonError::into_inner);
            known.retain(|_, (since, _)| since.elapsed() < DOCUMENT_AGE);
            if let Some((_, document)) = known.get(&key) {
                return Ok(Arc::clone(document));
            }
        }
        let mut headers = serde_json::Map::new();
        headers.insert("accept".to_owned(), "application/json, application/yaml, */*;q=0.5".into());
        let fetch = HttpRequest {
            method: "GET".to_owned(),
            uri: asked.document.clone(),
            headers,
            query: serde_json::Map::new(),
            body: None,
            output: ResponseForm::Raw,
            redirect: true,
            authentication: asked.document_authentication.clone(),
        };
        let limits = Limits { response_bytes: MAX_DOCUMENT, ..self.house.limits("", &behalf.unit).into_owned() };
        let requester = self.requester(behalf, &limits);
        let failed = |fault: Fault| match fault {
            Fault::Error(error) => error,
            Fault::Unknown(why) => FlowError::new(ErrorKind::Communication, why),
        };
        let answer = http::exchange(self, &fetch, behalf, &requester).await.map_err(failed)?;
        let what = described("GET", &asked.document);
        answer::accepted(&answer, true, &requester)?;
        let document = openapi::read(&answer.body)
            .map_err(|why| FlowError::new(ErrorKind::Configuration, format!("{what}: {why}")))?;
        let document = Arc::new(document);
        let mut known = self.documents.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= DOCUMENTS
            && let Some(oldest) = known.iter().min_by_key(|(_, (since, _))| *since).map(|(key, _)| key.clone())
        {
            known.remove(&oldest);
        }
        known.insert(key, (Instant::now(), Arc::clone(&document)));
        Ok(document)
    }
}

/// A failed request as the workflow sees it. `what` is the request in words.
fn fault(error: &RequestError, what: &str, repeatable: bool, behalf: &Behalf) -> Fault {
    if let RequestError::Limit { hit, .. } = error
        && hit.limit == huiyin_sandbox::LimitName::ResponseBytes
        && !repeatable
    {
        // It was answered: it happened, and no `retry` does it again (rule 3).
        let error = FlowError::new(ErrorKind::Runtime, format!("{what}: {error}")).with_status(413);
        return Fault::Error(error.although(Happened { bytes: hit.used, head: String::new() }));
    }
    if error.outcome() == Effect::Unknown && !repeatable && !matches!(error, RequestError::Denied { .. }) {
        return Fault::Unknown(format!("{what}: {error}"));
    }
    Fault::Error(surely(error, what, behalf))
}

/// The same where it surely did no harm.
fn surely(error: &RequestError, what: &str, behalf: &Behalf) -> FlowError {
    match error {
        RequestError::Denied { denial, .. } => {
            let mut text = format!("{what}: {} was denied: {}", denial.what, denial.why);
            if let Some(grant) = denial.grant_to_add.as_ref().and_then(|g| serde_json::from_str::<Value>(g).ok()) {
                if denial.by == Denier::Unit {
                    text.push_str(&format!(
                        "; to allow it, the policy of the unit {} adds to its cap: {grant}",
                        behalf.unit
                    ));
                } else {
                    let mut entry = json!({"workflow": behalf.name(), "grant": grant});
                    if !behalf.unit.is_empty() {
                        entry["unit"] = json!(behalf.unit);
                    }
                    text.push_str(&format!("; to allow it, an admin adds to `grants` of the configuration: {entry}"));
                }
            }
            FlowError::new(ErrorKind::Authorization, text)
        }
        RequestError::Limit { hit, .. } if hit.limit.is_time() => {
            FlowError::new(ErrorKind::Timeout, format!("{what}: {error}"))
        }
        RequestError::Invalid(_) => FlowError::new(ErrorKind::Configuration, format!("{what}: {error}")),
        RequestError::Paced { .. } => {
            FlowError::new(ErrorKind::Communication, format!("{what}: {error}")).with_status(429)
        }
        RequestError::Limit { .. } | RequestError::Failed { .. } => {
            FlowError::new(ErrorKind::Communication, format!("{what}: {error}"))
        }
    }
}
