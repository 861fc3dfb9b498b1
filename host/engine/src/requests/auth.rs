//! Who asks: `basic`, `bearer`, `digest`, `oauth2`, `oidc` and secrets that
//! hold their properties (dsl-reference.md, "Authentication").

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use huiyin_flow::{Authentication, ErrorKind, FlowError};
use huiyin_sandbox::egress::request::{Answer, Ask, RequestError, Requester};
use huiyin_sandbox::grant::Origin;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::digest::Challenge;
use super::oauth::Properties;
use super::{Behalf, Fault, Requests};

/// Why nobody can ask.
pub(super) enum Refused {
    /// The request for it, or the request itself, failed.
    Request(RequestError),
    /// The task's error.
    Flow(FlowError),
}

impl From<RequestError> for Refused {
    fn from(error: RequestError) -> Refused {
        Refused::Request(error)
    }
}

impl From<FlowError> for Refused {
    fn from(error: FlowError) -> Refused {
        Refused::Flow(error)
    }
}

impl Refused {
    /// As the fault of the request that wanted to be sent.
    pub(super) fn fault(&self, wrong: &impl Fn(&RequestError) -> Fault) -> Fault {
        match self {
            Refused::Request(error) => wrong(error),
            Refused::Flow(error) => Fault::Error(error.clone()),
        }
    }
}

/// Who asks, with the secrets in their places.
pub(super) enum Credentials {
    Basic(Zeroizing<String>, Zeroizing<String>),
    Bearer(Zeroizing<String>),
    Digest(Zeroizing<String>, Zeroizing<String>),
    Token(Box<Properties>),
}

impl Credentials {
    /// Reads who asks at `home`.
    pub(super) async fn new(
        authentication: &Authentication,
        requests: &Requests,
        requester: &Requester,
        home: &Origin,
        behalf: &Behalf,
    ) -> Result<Credentials, Refused> {
        Ok(match authentication {
            Authentication::Basic { username, password } => {
                Credentials::Basic(requester.fill(username, home)?, requester.fill(password, home)?)
            }
            Authentication::Bearer { token } => Credentials::Bearer(requester.fill(token, home)?),
            Authentication::Digest { username, password } => {
                Credentials::Digest(requester.fill(username, home)?, requester.fill(password, home)?)
            }
            Authentication::OAuth2 { properties } => {
                Credentials::Token(Box::new(Properties::new(properties, None, false, requests, behalf).await?))
            }
            Authentication::Oidc { properties } => {
                Credentials::Token(Box::new(Properties::new(properties, None, true, requests, behalf).await?))
            }
            Authentication::Secret { kind, name } => from_secret(kind, name, requests, requester, home, behalf).await?,
        })
    }

    /// Sends a request with them.
    pub(super) async fn send(
        &mut self,
        mut ask: Ask,
        requests: &Requests,
        requester: &Requester,
        behalf: &Behalf,
    ) -> Result<Answer, Refused> {
        ask.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("authorization"));
        match self {
            Credentials::Basic(user, password) => {
                let pair = Zeroizing::new(format!("{}:{}", user.as_str(), password.as_str()));
                let encoded = Zeroizing::new(STANDARD.encode(pair.as_bytes()));
                requester.hide(&encoded, "***");
                ask.headers.push(("authorization".to_owned(), format!("Basic {}", encoded.as_str())));
                Ok(requester.send(&ask).await?)
            }
            Credentials::Bearer(token) => {
                ask.headers.push(("authorization".to_owned(), format!("Bearer {}", token.as_str())));
                Ok(requester.send(&ask).await?)
            }
            Credentials::Digest(user, password) => {
                let answer = requester.send(&ask).await?;
                if answer.status != 401 {
                    return Ok(answer);
                }
                let offered: Vec<String> = answer
                    .headers
                    .iter()
                    .filter(|(name, _)| name == "www-authenticate")
                    .map(|(_, value)| String::from_utf8_lossy(value).into_owned())
                    .collect();
                let Some(challenge) = Challenge::among(&offered) else { return Ok(answer) };
                let path = path_of(&ask.uri);
                let nonce = uuid::Uuid::new_v4().simple().to_string();
                let value = challenge.answer(user, password, &ask.method, path, &nonce);
                ask.headers.push(("authorization".to_owned(), value));
                Ok(requester.send(&ask).await?)
            }
            Credentials::Token(properties) => {
                let token = requests.tokens.of(properties, requests, behalf).await?;
                requester.hide(&token, "***");
                let mut first = ask.clone();
                first.headers.push(("authorization".to_owned(), format!("Bearer {}", token.as_str())));
                let answer = requester.send(&first).await?;
                if answer.status != 401 || !requests.tokens.forget(properties) {
                    return Ok(answer);
                }
                // The token was an old one, and the other side no longer takes it.
                let token = requests.tokens.of(properties, requests, behalf).await?;
                requester.hide(&token, "***");
                ask.headers.push(("authorization".to_owned(), format!("Bearer {}", token.as_str())));
                Ok(requester.send(&ask).await?)
            }
        }
    }
}

/// The path and query of a URL, as a request line has it.
fn path_of(uri: &str) -> &str {
    let rest = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    rest.find('/').map_or("/", |at| &rest[at..])
}

/// The fields of a secret that is a JSON object.
async fn from_secret(
    kind: &str,
    name: &str,
    requests: &Requests,
    requester: &Requester,
    home: &Origin,
    behalf: &Behalf,
) -> Result<Credentials, Refused> {
    let wrong = |why: String| FlowError::new(ErrorKind::Configuration, format!("the secret `{name}` {why}"));
    if matches!(kind, "oauth2" | "oidc") {
        // It goes to the authority that it names itself; that place must be granted.
        let value = behalf.secrets.secret(name).ok_or_else(|| wrong("has no value on this host".to_owned()))?;
        let text = std::str::from_utf8(value.expose()).map_err(|_| wrong("is no text".to_owned()))?;
        let fields = fields(text).ok_or_else(|| wrong("is no JSON object".to_owned()))?;
        hide(&Value::Object(fields.clone()), name, requester);
        let properties = Properties::new(&fields, Some(name), kind == "oidc", requests, behalf).await?;
        return Ok(Credentials::Token(Box::new(properties)));
    }
    let text = requester.secret(name, home)?;
    let fields = fields(&text).ok_or_else(|| wrong("is no JSON object".to_owned()))?;
    hide(&Value::Object(fields.clone()), name, requester);
    let field = |field: &str| {
        fields
            .get(field)
            .and_then(Value::as_str)
            .map(|text| Zeroizing::new(text.to_owned()))
            .ok_or_else(|| wrong(format!("has no text `{field}`, which `{kind}` needs")))
    };
    Ok(match kind {
        "basic" => Credentials::Basic(field("username")?, field("password")?),
        "bearer" => Credentials::Bearer(field("token")?),
        "digest" => Credentials::Digest(field("username")?, field("password")?),
        other => return Err(wrong(format!("is to be used as `{other}`, which is no way to authenticate")).into()),
    })
}

fn fields(text: &str) -> Option<Map<String, Value>> {
    serde_json::from_str(text).ok()
}

/// Every text in a secret is one.
pub(super) fn hide(value: &Value, name: &str, requester: &Requester) {
    match value {
        Value::String(text) => requester.hide(text, &format!("{{{{huiyin:secret:{name}}}}}")),
        Value::Array(items) => items.iter().for_each(|item| hide(item, name, requester)),
        Value::Object(fields) => fields.values().for_each(|value| hide(value, name, requester)),
        _ => {}
    }
}
