//! Asking a running host over its API.

use std::path::{Path, PathBuf};
use std::time::Duration;

use huiyin_engine::actor_in_headers;
use huiyin_server::{ACTOR_HEADER, KEY_HEADER, TOKEN_FILE, TOKEN_PREFIX, Token};
use serde_json::Value;

use crate::folders::{DATA, HostFile};
use crate::output::Failure;

/// The longest wait for an answer.
const PATIENCE: Duration = Duration::from_mins(1);

/// The largest answer that is read, in bytes.
const MAX_ANSWER: u64 = 256 << 20;

/// Rows that are asked for at once.
const PAGE: usize = 1_000;

/// In whose name it is asked unless told otherwise.
const ADMIN: &str = "admin:admin";

/// The longest token, in bytes.
const MAX_TOKEN: u64 = 256;

/// Which host, and in whose name.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct HostArgs {
    /// The data folder of the host: says where it listens, and holds the token.
    #[arg(long, value_name = "DIR", default_value = DATA)]
    pub(crate) data: PathBuf,
    /// The host's URL, where the data folder does not say it.
    #[arg(long, value_name = "URL")]
    host: Option<String>,
    /// The file with the token, where it is not in the data folder: the host's own, or one of `huiyin token create`,
    /// which acts as its person.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// In whose name: a person's id of the policy pack, or `admin:NAME` for an admin of the host.
    #[arg(long = "as", value_name = "PERSON", default_value = ADMIN)]
    acting: String,
}

impl HostArgs {
    /// Whether a URL was given.
    pub(crate) fn named(&self) -> bool {
        self.host.is_some()
    }
}

/// A host that answers.
#[derive(Clone)]
pub(crate) struct Client {
    agent: ureq::Agent,
    base: String,
    token: String,
    /// Named to the host; none for whom a token of their own stands.
    actor: Option<String>,
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(PATIENCE)).build().new_agent()
}

/// The API token of a file, if it has one.
fn api_token(file: &Path) -> Option<String> {
    let bytes = huiyin_files::read_private(file, MAX_TOKEN).ok()??;
    let text = std::str::from_utf8(&bytes).ok()?.trim();
    text.starts_with(TOKEN_PREFIX).then(|| text.to_owned())
}

impl Client {
    /// Finds the host that the arguments name.
    ///
    /// # Errors
    /// When no host is known, or its token cannot be read.
    pub(crate) fn of(args: &HostArgs) -> Result<Client, Failure> {
        let base = match &args.host {
            Some(url) => url.clone(),
            None => HostFile::read(&args.data).map(|host| host.url).ok_or_else(|| {
                let data = args.data.display();
                Failure::unreachable(format_args!(
                    "no host runs in {data}; start one with `huiyin serve --data {data}`, or name one with --host"
                ))
            })?,
        };
        let file = args.token_file.clone().unwrap_or_else(|| args.data.join(TOKEN_FILE));
        let agent = agent();
        let base = base.trim_end_matches('/').to_owned();
        if let Some(token) = api_token(&file) {
            // It stands for its person; another is named only where the asker says so, and the host refuses that.
            let actor = (args.acting != ADMIN).then(|| actor(&args.acting));
            return Ok(Client { agent, base, token, actor });
        }
        let token = Token::load(&file).map_err(Failure::unreachable)?;
        Ok(Client { agent, base, token: token.reveal().to_owned(), actor: Some(actor(&args.acting)) })
    }

    /// The host that runs in a data folder.
    ///
    /// # Errors
    /// As [`Client::of`].
    pub(crate) fn in_folder(data: &Path) -> Result<Client, Failure> {
        let (data, acting) = (data.to_owned(), ADMIN.to_owned());
        Client::of(&HostArgs { data, host: None, token_file: None, acting })
    }

    /// The same host, in a person's name.
    pub(crate) fn acting(&self, person: &str) -> Client {
        Client { actor: Some(actor(person)), ..self.clone() }
    }

    /// Asks for something.
    pub(crate) fn get(&self, path: &str) -> Result<Value, Failure> {
        let request = self.agent.get(format!("{}{path}", self.base));
        self.answer(self.signed(request).call())
    }

    /// Asks for a list, page after page; gives the last page with all rows.
    pub(crate) fn list(&self, path: &str, member: &str) -> Result<Value, Failure> {
        let first = format!("{path}{}limit={PAGE}", if path.contains('?') { '&' } else { '?' });
        let (mut rows, mut page) = (Vec::new(), self.get(&first)?);
        loop {
            if let Some(more) = page[member].as_array_mut() {
                rows.append(more);
            }
            let Some(cursor) = page["next"].as_str() else { break };
            page = self.get(&format!("{first}&cursor={cursor}"))?;
        }
        page[member] = Value::Array(rows);
        if let Some(page) = page.as_object_mut() {
            page.shift_remove("next");
        }
        Ok(page)
    }

    /// Asks for something that is text and no JSON.
    pub(crate) fn text(&self, path: &str) -> Result<String, Failure> {
        let request = self.agent.get(format!("{}{path}", self.base));
        let answer = self.signed(request).call();
        match answer {
            Ok(mut answer) if answer.status().is_success() => {
                let read = answer.body_mut().with_config().limit(MAX_ANSWER).read_to_string();
                read.map_err(|error| Failure::unreachable(format_args!("the host at {}: {error}", self.base)))
            }
            // What went wrong is told in JSON, as everywhere.
            other => self.answer(other).and(Err(Failure::unreachable("the host gave no answer"))),
        }
    }

    /// Sends something.
    pub(crate) fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.try_post(path, body)?.map_err(|(_, failure)| failure)
    }

    /// Sends bytes of a media type.
    pub(crate) fn post_bytes(&self, path: &str, kind: &str, body: &[u8]) -> Result<Value, Failure> {
        // What the host refuses by its head alone is not sent, and so its word on it is heard.
        let request = self
            .agent
            .post(format!("{}{path}", self.base))
            .header("content-type", kind)
            .header("expect", "100-continue");
        self.answer(self.signed(request).send(body))
    }

    /// Sends something that may be refused: then with the host's own word on it.
    pub(crate) fn try_post(&self, path: &str, body: &Value) -> Result<Result<Value, (Value, Failure)>, Failure> {
        // What is sent twice on its way acts once.
        let key = format!("\"{}\"", uuid::Uuid::new_v4());
        let request = self
            .agent
            .post(format!("{}{path}", self.base))
            .header("content-type", "application/json")
            .header(KEY_HEADER, key);
        self.read(self.signed(request).send(body.to_string()))
    }

    /// With the token, and who asks.
    fn signed<T>(&self, request: ureq::RequestBuilder<T>) -> ureq::RequestBuilder<T> {
        let request = request.header("authorization", format!("Bearer {}", self.token));
        match &self.actor {
            Some(actor) => request.header(ACTOR_HEADER, &*actor_in_headers(actor)),
            None => request,
        }
    }

    fn answer(&self, answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<Value, Failure> {
        self.read(answer)?.map_err(|(_, failure)| failure)
    }

    fn read(
        &self,
        answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Result<Result<Value, (Value, Failure)>, Failure> {
        let cannot = |error: ureq::Error| {
            Failure::unreachable(format_args!("the host at {} cannot be reached: {error}", self.base))
        };
        let mut answer = answer.map_err(cannot)?;
        let status = answer.status();
        let text = answer.body_mut().with_config().limit(MAX_ANSWER).read_to_string().map_err(cannot)?;
        let value = if text.is_empty() { Ok(Value::Null) } else { huiyin_json::depth::read::<Value>(text.as_bytes()) };
        if status.is_success() {
            return value.map(Ok).map_err(|error| {
                Failure::unreachable(format_args!("the host at {} gave no JSON: {error}", self.base))
            });
        }
        let problem = value.unwrap_or_default();
        let detail =
            problem.get("detail").and_then(Value::as_str).unwrap_or(status.canonical_reason().unwrap_or("it failed"));
        let place = problem
            .get("pointer")
            .and_then(Value::as_str)
            .filter(|p| !p.is_empty() && !detail.contains(*p))
            .map(|p| format!(" (at {p})"))
            .unwrap_or_default();
        let words = format!("{}{}", crate::text::plain(detail), crate::text::plain(&place));
        let failure = match status.as_u16() {
            400 | 404 | 405 | 413 | 415 => Failure::invalid(words),
            409 => Failure::failed(words),
            _ => Failure::unreachable(words),
        };
        Ok(Err((problem, failure)))
    }
}

/// The actor that a name on the command line stands for.
fn actor(name: &str) -> String {
    if name.starts_with("admin:") || name.starts_with("person:") { name.to_owned() } else { format!("person:{name}") }
}

/// A piece of a path as it stands in a URL.
pub(crate) fn segment(text: &str) -> String {
    encoded(text.as_bytes())
}

/// Bytes percent-encoded (RFC 3986 §2.1): only what is unreserved stays as it is.
pub(crate) fn encoded(bytes: &[u8]) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~');
    bytes.iter().copied().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

/// Whether a host runs in this folder and can be asked.
pub(crate) fn runs_in(data: &Path) -> bool {
    HostFile::read(data).is_some_and(|host| {
        let agent = ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(2))).build().new_agent();
        agent.get(format!("{}/healthz", host.url)).call().is_ok()
    })
}
