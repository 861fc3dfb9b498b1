//! Tokens of OAuth 2.0 (RFC 6749, token exchange RFC 8693) and OpenID Connect:
//! asked for under the same grant as the request they are for, kept in memory
//! until they run out, never journaled.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use huiyin_flow::{ErrorKind, FlowError};
use huiyin_sandbox::Limits;
use huiyin_sandbox::egress::request::{self, Answer, Ask, Requester};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::auth::{Refused, hide};
use super::http::{form, text_of};
use super::{Behalf, Requests, described, surely};

/// A token is not used in its last seconds.
const MARGIN: Duration = Duration::from_secs(30);

/// How long a token is kept whose life is not told.
const UNTOLD: Duration = Duration::from_mins(1);

/// Tokens kept at once.
const KEPT: usize = 1_024;

/// The largest answer of a token endpoint, in bytes.
const MAX_ANSWER: u64 = 1 << 20;

/// Where the configuration of an OpenID provider is (OpenID Connect Discovery 1.0 §4).
const DISCOVERY: &str = "/.well-known/openid-configuration";

/// Tokens by what they were asked for with.
#[derive(Default)]
pub(super) struct Tokens {
    kept: Mutex<HashMap<[u8; 32], Token>>,
}

struct Token {
    value: Zeroizing<String>,
    refresh: Option<Zeroizing<String>>,
    until: Instant,
}

/// What a token is asked for with.
pub(super) struct Properties {
    fields: Map<String, Value>,
    endpoint: String,
    /// The secret that the fields come from, if they do.
    secret: Option<String>,
    key: [u8; 32],
}

fn wrong(why: impl Into<String>) -> FlowError {
    FlowError::new(ErrorKind::Configuration, why)
}

fn refused(why: impl Into<String>) -> FlowError {
    FlowError::new(ErrorKind::Authentication, why)
}

impl Properties {
    /// Checks the properties and finds the token endpoint; `oidc`: at the authority.
    pub(super) async fn new(
        fields: &Map<String, Value>,
        secret: Option<&str>,
        oidc: bool,
        requests: &Requests,
        behalf: &Behalf,
    ) -> Result<Properties, Refused> {
        let scheme = if oidc { "oidc" } else { "oauth2" };
        let authority = text(fields, "/authority").ok_or_else(|| wrong(format!("`{scheme}` needs an `authority`")))?;
        let authority = authority.trim_end_matches('/');
        if request::has_placeholder(authority) {
            return Err(wrong("the `authority` holds a secret; a secret goes to a place, it cannot name one").into());
        }
        let endpoint = if oidc {
            discovered(authority, fields, requests, behalf).await?
        } else {
            let path = text(fields, "/endpoints/token").unwrap_or("/oauth2/token");
            if path.contains("://") { path.to_owned() } else { format!("{authority}/{}", path.trim_start_matches('/')) }
        };
        let whose = json!([behalf.workflow, behalf.unit, endpoint, secret, fields]).to_string();
        let key = Sha256::digest(whose.as_bytes()).into();
        Ok(Properties { fields: fields.clone(), endpoint, secret: secret.map(str::to_owned), key })
    }
}

fn text<'a>(fields: &'a Map<String, Value>, pointer: &str) -> Option<&'a str> {
    let mut parts = pointer.split('/').skip(1);
    let mut at = fields.get(parts.next()?)?;
    for part in parts {
        at = at.get(part)?;
    }
    at.as_str().filter(|text| !text.is_empty())
}

/// The token endpoint that the authority publishes.
async fn discovered(
    authority: &str,
    fields: &Map<String, Value>,
    requests: &Requests,
    behalf: &Behalf,
) -> Result<String, Refused> {
    let uri = if authority.ends_with(DISCOVERY) { authority.to_owned() } else { format!("{authority}{DISCOVERY}") };
    let key = json!(["oidc", uri, behalf.workflow, behalf.unit]).to_string();
    let remembered = {
        let documents = requests.documents.lock().unwrap_or_else(PoisonError::into_inner);
        documents.get(&key).filter(|(since, _)| since.elapsed() < super::DOCUMENT_AGE).map(|(_, d)| d.clone())
    };
    let document = match remembered {
        Some(document) => document,
        None => {
            let requester = requester(requests, behalf);
            let ask = Ask {
                method: "GET".to_owned(),
                uri: uri.clone(),
                headers: vec![("accept".to_owned(), "application/json".to_owned())],
                body: Vec::new(),
            };
            let answer = asked(&requester, &ask, behalf).await?;
            let document = std::sync::Arc::new(json_of(&answer, &ask, &requester)?);
            let mut documents = requests.documents.lock().unwrap_or_else(PoisonError::into_inner);
            if documents.len() < super::DOCUMENTS {
                documents.insert(key, (Instant::now(), std::sync::Arc::clone(&document)));
            }
            document
        }
    };
    let issuer = document.get("issuer").and_then(Value::as_str).unwrap_or_default();
    let issuers = list(fields.get("issuers"));
    if !issuers.is_empty() && !issuers.iter().any(|i| i == issuer) {
        return Err(
            refused(format!("{}: its issuer `{issuer}` is not one of `issuers`", described("GET", &uri))).into()
        );
    }
    let endpoint = document.get("token_endpoint").and_then(Value::as_str);
    Ok(endpoint.ok_or_else(|| refused(format!("{} names no `token_endpoint`", described("GET", &uri))))?.to_owned())
}

fn list(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::Array(items)) => items.iter().map(text_of).collect(),
        Some(Value::Null) | None => Vec::new(),
        Some(other) => vec![text_of(other)],
    }
}

fn requester(requests: &Requests, behalf: &Behalf) -> Requester {
    let limits = Limits { response_bytes: MAX_ANSWER, ..requests.house.limits("", &behalf.unit).into_owned() };
    requests.requester(behalf, &limits)
}

/// Whatever went wrong here, the request that wanted a token was not begun.
async fn asked(requester: &Requester, ask: &Ask, behalf: &Behalf) -> Result<Answer, Refused> {
    let what = described(&ask.method, &ask.uri);
    requester.send(ask).await.map_err(|error| surely(&error, &what, behalf).into())
}

fn json_of(answer: &Answer, ask: &Ask, requester: &Requester) -> Result<Value, Refused> {
    let what = described(&ask.method, &ask.uri);
    let value: Option<Value> = serde_json::from_slice(&answer.body).ok();
    if !(200..300).contains(&answer.status) {
        // RFC 6749 §5.2 says why in these two.
        let said = |name: &str| value.as_ref().and_then(|v| v.get(name)).and_then(Value::as_str).map(str::to_owned);
        let why = [said("error"), said("error_description")].into_iter().flatten().collect::<Vec<_>>().join(": ");
        let why: String = requester.scrub(&why).chars().take(300).collect();
        return Err(refused(format!(
            "{what} answered {}{}{why}",
            answer.status,
            if why.is_empty() { "" } else { ": " }
        ))
        .into());
    }
    Ok(value.ok_or_else(|| refused(format!("{what} answered with no JSON")))?)
}

impl Tokens {
    /// A token that is still good, or a new one.
    pub(super) async fn of(
        &self,
        properties: &Properties,
        requests: &Requests,
        behalf: &Behalf,
    ) -> Result<Zeroizing<String>, Refused> {
        let refresh = {
            let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            match kept.get(&properties.key) {
                Some(token) if token.until > Instant::now() => return Ok(token.value.clone()),
                Some(token) => token.refresh.clone(),
                None => None,
            }
        };
        let token = match refresh {
            // A refresh token may have run out, too: then it is asked for anew.
            Some(refresh) => match ask_for(properties, Some(&refresh), requests, behalf).await {
                Ok(token) => token,
                Err(_) => ask_for(properties, None, requests, behalf).await?,
            },
            None => ask_for(properties, None, requests, behalf).await?,
        };
        let value = token.value.clone();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT {
            kept.retain(|_, token| token.until > Instant::now());
        }
        if kept.len() < KEPT {
            kept.insert(properties.key, token);
        }
        Ok(value)
    }

    /// Forgets a token that was not taken; false if there is none to forget.
    pub(super) fn forget(&self, properties: &Properties) -> bool {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.remove(&properties.key).is_some()
    }
}

async fn ask_for(
    properties: &Properties,
    refresh: Option<&str>,
    requests: &Requests,
    behalf: &Behalf,
) -> Result<Token, Refused> {
    let requester = requester(requests, behalf);
    let endpoint = &properties.endpoint;
    let what = described("POST", endpoint);
    let origin = request::origin_of(endpoint).map_err(|e| surely(&e, &what, behalf))?;
    if let Some(name) = &properties.secret {
        // Granted for the place that the secret itself names?
        requester.secret(name, &origin).map_err(|e| surely(&e, &what, behalf))?;
        hide(&Value::Object(properties.fields.clone()), name, &requester);
    }
    let mut headers = vec![("accept".to_owned(), "application/json".to_owned())];
    let fields = grant(properties, refresh, &mut headers)?;
    let mut filled = Map::new();
    for (name, value) in fields {
        let texts = list(Some(&value));
        let texts: Result<Vec<Value>, _> =
            texts.iter().map(|t| requester.fill(t, &origin).map(|filled| Value::String(filled.to_string()))).collect();
        filled.insert(name, Value::Array(texts.map_err(|e| surely(&e, &what, behalf))?));
    }
    let body = if text(&properties.fields, "/request/encoding") == Some("application/json") {
        headers.push(("content-type".to_owned(), "application/json".to_owned()));
        let single = |value: Value| match value {
            Value::Array(mut items) if items.len() == 1 => items.remove(0),
            other => other,
        };
        Value::Object(filled.into_iter().map(|(name, value)| (name, single(value))).collect()).to_string()
    } else {
        headers.push(("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()));
        form(&filled)
    };
    for (name, value) in &mut headers {
        if name == "authorization"
            && let Some((id, secret)) = value.split_once('\n')
        {
            let id = requester.fill(id, &origin).map_err(|e| surely(&e, &what, behalf))?;
            let secret = requester.fill(secret, &origin).map_err(|e| surely(&e, &what, behalf))?;
            let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            let pair = STANDARD.encode(format!("{}:{}", encode(&id), encode(&secret)));
            requester.hide(&pair, "***");
            *value = format!("Basic {pair}");
        }
    }
    let ask = Ask { method: "POST".to_owned(), uri: endpoint.clone(), headers, body: body.into_bytes() };
    let answer = asked(&requester, &ask, behalf).await?;
    let answer = json_of(&answer, &ask, &requester)?;
    let field = |name: &str| answer.get(name).and_then(Value::as_str).filter(|t| !t.is_empty());
    let value = field("access_token").ok_or_else(|| refused(format!("{what} gave no `access_token`")))?;
    if let Some(kind) = field("token_type").filter(|kind| !kind.eq_ignore_ascii_case("bearer") && *kind != "N_A") {
        return Err(refused(format!(
            "{what} gave a token of type `{}`; only bearer tokens can be used",
            kind.escape_debug()
        ))
        .into());
    }
    issued(value, &properties.fields, &what)?;
    let life = answer.get("expires_in").and_then(Value::as_u64).map_or(UNTOLD, Duration::from_secs);
    Ok(Token {
        value: Zeroizing::new(value.to_owned()),
        refresh: field("refresh_token").map(|t| Zeroizing::new(t.to_owned())),
        until: Instant::now() + life.min(Duration::from_hours(24)).saturating_sub(MARGIN),
    })
}

/// The fields of a token request. The credentials of `client_secret_basic` are
/// left in `authorization`, on two lines, to be filled and encoded.
fn grant(
    properties: &Properties,
    refresh: Option<&str>,
    headers: &mut Vec<(String, String)>,
) -> Result<Map<String, Value>, FlowError> {
    let fields = &properties.fields;
    let need = |pointer: &str| {
        let name = pointer.trim_start_matches('/').replace('/', ".");
        text(fields, pointer).map(str::to_owned).ok_or_else(|| wrong(format!("this OAuth 2.0 grant needs `{name}`")))
    };
    let mut body = Map::new();
    let mut put = |name: &str, value: Value| {
        body.insert(name.to_owned(), value);
    };
    let kind = text(fields, "/grant").unwrap_or("client_credentials");
    match (refresh, kind) {
        (Some(token), _) => {
            put("grant_type", json!("refresh_token"));
            put("refresh_token", json!(token));
        }
        (None, "client_credentials") => put("grant_type", json!("client_credentials")),
        (None, "password") => {
            put("grant_type", json!("password"));
            put("username", json!(need("/username")?));
            put("password", json!(need("/password")?));
        }
        (None, "refresh_token") => {
            put("grant_type", json!("refresh_token"));
            put("refresh_token", json!(need("/subject/token")?));
        }
        (None, kind @ "urn:ietf:params:oauth:grant-type:token-exchange") => {
            put("grant_type", json!(kind));
            put("subject_token", json!(need("/subject/token")?));
            put("subject_token_type", json!(need("/subject/type")?));
            if text(fields, "/actor/token").is_some() {
                put("actor_token", json!(need("/actor/token")?));
                put("actor_token_type", json!(need("/actor/type")?));
            }
        }
        (None, "authorization_code") => {
            return Err(wrong("the grant `authorization_code` needs a person at a browser; use `client_credentials`"));
        }
        (None, other) => return Err(wrong(format!("`{}` is no grant of OAuth 2.0", other.escape_debug()))),
    }
    let scopes = list(fields.get("scopes"));
    if !scopes.is_empty() {
        put("scope", json!(scopes.join(" ")));
    }
    let audiences = list(fields.get("audiences"));
    if !audiences.is_empty() {
        put("audience", json!(audiences));
    }
    match text(fields, "/client/authentication").unwrap_or("client_secret_post") {
        "client_secret_post" => {
            if text(fields, "/client/id").is_some() {
                put("client_id", json!(need("/client/id")?));
            }
            if text(fields, "/client/secret").is_some() {
                put("client_secret", json!(need("/client/secret")?));
            }
        }
        "client_secret_basic" => {
            headers.push(("authorization".to_owned(), format!("{}\n{}", need("/client/id")?, need("/client/secret")?)));
        }
        "none" => {
            if text(fields, "/client/id").is_some() {
                put("client_id", json!(need("/client/id")?));
            }
        }
        "private_key_jwt" | "client_secret_jwt" => {
            put("client_id", json!(need("/client/id")?));
            put("client_assertion_type", json!("urn:ietf:params:oauth:client-assertion-type:jwt-bearer"));
            put("client_assertion", json!(need("/client/assertion")?));
        }
        other => return Err(wrong(format!("`{}` is no way for a client to authenticate", other.escape_debug()))),
    }
    Ok(body)
}

/// Where issuers are named, a token must say that it is of one of them.
fn issued(token: &str, fields: &Map<String, Value>, what: &str) -> Result<(), FlowError> {
    let issuers = list(fields.get("issuers"));
    if issuers.is_empty() {
        return Ok(());
    }
    let claims = token.split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok());
    let claims: Option<Value> = claims.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let issuer = claims.as_ref().and_then(|c| c.get("iss")).and_then(Value::as_str);
    match issuer {
        Some(issuer) if issuers.iter().any(|i| i == issuer) => Ok(()),
        Some(issuer) => Err(refused(format!(
            "{what} gave a token of the issuer `{}`, which is not one of `issuers`",
            issuer.escape_debug()
        ))),
        None => Err(refused(format!("{what} gave a token that does not say its issuer, and `issuers` are named"))),
    }
}
