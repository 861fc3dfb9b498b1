//! Authentication policies (dsl-reference.md, "Authentication"): read strictly,
//! computed when the call is made. Must never see a secret's value: `$secrets`
//! gives placeholders, and `use: <secret>` stays a name.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::read::{Obj, Reader, Sees};
use super::uri::{Form, UriSpec};
use crate::diagnostic::did_you_mean;
use crate::error::{ErrorKind, FlowError};
use crate::expr::{Evaluator, Template, Variables, wrapped};
use crate::request::Authentication;
use crate::source::{Node, join};

/// The schemes, as the DSL names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    Basic,
    Bearer,
    Digest,
    OAuth2,
    Oidc,
}

const SCHEMES: [(&str, Scheme); 5] = [
    ("basic", Scheme::Basic),
    ("bearer", Scheme::Bearer),
    ("digest", Scheme::Digest),
    ("oauth2", Scheme::OAuth2),
    ("oidc", Scheme::Oidc),
];

/// What stands for the parameter in `$authorization`: it is never a value.
const PARAMETER: &str = "{{huiyin:authorization}}";

impl Scheme {
    fn name(self) -> &'static str {
        SCHEMES.iter().find(|(_, scheme)| *scheme == self).map_or("", |(name, _)| name)
    }

    /// `$authorization` (dsl.md, "Authorization Descriptor"): the scheme as HTTP names it.
    pub(crate) fn descriptor(self) -> Value {
        let scheme = match self {
            Self::Basic => "Basic",
            Self::Digest => "Digest",
            Self::Bearer | Self::OAuth2 | Self::Oidc => "Bearer",
        };
        serde_json::json!({"scheme": scheme, "parameter": PARAMETER})
    }
}

/// A policy, to be computed.
#[derive(Debug, Clone)]
pub(crate) struct AuthSpec {
    pub(crate) scheme: Scheme,
    how: How,
}

#[derive(Debug, Clone)]
enum How {
    /// Its properties, as they are written.
    Inline {
        properties: Template,
        /// Those that are URI templates: where they stand, and what.
        uris: Vec<(Vec<&'static str>, UriSpec)>,
    },
    /// The fields of a secret.
    Secret(String),
}

impl AuthSpec {
    /// The secret whose fields it is.
    pub(crate) fn secret(&self) -> Option<&str> {
        match &self.how {
            How::Secret(name) => Some(name),
            How::Inline { .. } => None,
        }
    }

    pub(crate) fn eval(
        &self,
        input: &Arc<Value>,
        scope: &dyn Variables,
        evaluator: &dyn Evaluator,
    ) -> Result<Authentication, FlowError> {
        let (properties, uris) = match &self.how {
            How::Secret(name) => {
                return Ok(Authentication::Secret { kind: self.scheme.name().to_owned(), name: name.clone() });
            }
            How::Inline { properties, uris } => (properties, uris),
        };
        let wrong = |what: String| FlowError::new(ErrorKind::Expression, what);
        let value = properties.eval(input, scope, evaluator).map_err(|e| wrong(e.message))?;
        let Value::Object(mut properties) = Value::clone(&value) else {
            return Err(wrong("an authentication must be an object".to_owned()));
        };
        for (path, uri) in uris {
            let text = Value::String(uri.eval(input, scope, evaluator)?);
            let mut at = properties.get_mut(*path.first().unwrap_or(&""));
            for name in path.iter().skip(1) {
                at = at.and_then(|v| v.get_mut(*name));
            }
            if let Some(at) = at {
                *at = text;
            }
        }
        texts(&properties, self.scheme.name())?;
        let mut text = |name: &str| match properties.get_mut(name).map(Value::take) {
            Some(Value::String(text)) => Ok(text),
            _ => Err(wrong(format!("`{}.{name}` must be a text", self.scheme.name()))),
        };
        Ok(match self.scheme {
            Scheme::Basic => Authentication::Basic { username: text("username")?, password: text("password")? },
            Scheme::Digest => Authentication::Digest { username: text("username")?, password: text("password")? },
            Scheme::Bearer => Authentication::Bearer { token: text("token")? },
            Scheme::OAuth2 => Authentication::OAuth2 { properties },
            Scheme::Oidc => Authentication::Oidc { properties },
        })
    }
}

/// Every leaf is a text or a list of texts, also where it was computed.
fn texts(properties: &Map<String, Value>, at: &str) -> Result<(), FlowError> {
    for (name, value) in properties {
        let good = match value {
            Value::String(_) => true,
            Value::Array(items) => items.iter().all(Value::is_string),
            Value::Object(below) => {
                texts(below, &format!("{at}.{name}"))?;
                true
            }
            _ => false,
        };
        if !good {
            return Err(FlowError::new(
                ErrorKind::Expression,
                format!("`{at}.{name}` must be a text or a list of texts"),
            ));
        }
    }
    Ok(())
}

const GRANTS: [&str; 5] = [
    "authorization_code",
    "client_credentials",
    "password",
    "refresh_token",
    "urn:ietf:params:oauth:grant-type:token-exchange",
];
const CLIENT_METHODS: [&str; 5] =
    ["client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "none"];
const ENCODINGS: [&str; 2] = ["application/x-www-form-urlencoded", "application/json"];
const OIDC: [&str; 11] = [
    "authority", "grant", "client", "request", "issuers", "scopes", "audiences", "username", "password", "subject",
    "actor",
];

impl<'r> Reader<'r> {
    /// An inline policy, or the name of one of `use.authentications`.
    pub(super) fn authentication(&mut self, node: &'r Node, pointer: &str) -> Option<AuthSpec> {
        if let Some(name) = node.as_str() {
            return self.named_authentication(name, node, pointer);
        }
        let body = self.object(node, pointer)?;
        if let Some(name) = body.get("use") {
            self.only(&body, &["use"]);
            let place = body.below("use");
            let text = self.text(name, &place)?;
            return self.named_authentication(text, name, &place);
        }
        self.authentication_body(node, pointer)
    }

    fn named_authentication(&mut self, name: &str, node: &'r Node, pointer: &str) -> Option<AuthSpec> {
        let entries = self.reusable.authentications;
        let (entry, place) = self.reusable_entry(entries, "authentications", name, node, pointer)?;
        self.authentication_body(entry, &place)
    }

    /// A policy itself: exactly one scheme.
    pub(super) fn authentication_body(&mut self, node: &'r Node, pointer: &str) -> Option<AuthSpec> {
        let body = self.strict(node, pointer, &SCHEMES.map(|(name, _)| name))?;
        let given: Vec<_> = SCHEMES.iter().filter(|(name, _)| body.get(name).is_some()).collect();
        let [(name, scheme)] = given.as_slice() else {
            // An unknown property has been told already.
            if given.len() > 1 || body.fields.is_empty() {
                self.problems.error(
                    pointer,
                    node.at,
                    format!("must give exactly one of {}", SCHEMES.map(|(n, _)| n).join(", ")),
                );
            }
            return None;
        };
        let (name, scheme) = (*name, *scheme);
        let node = body.get(name)?;
        let place = body.below(name);
        let inner = self.object(node, &place)?;
        if let Some(secret) = inner.get("use") {
            self.only(&inner, &["use"]);
            let at = inner.below("use");
            let text = self.text(secret, &at)?;
            self.declared_secret(text, secret, &at);
            return Some(AuthSpec { scheme, how: How::Secret(text.to_owned()) });
        }
        let mut uris = Vec::new();
        let required: &[&str] = match scheme {
            Scheme::Basic | Scheme::Digest => &["username", "password"],
            Scheme::Bearer => &["token"],
            Scheme::OAuth2 | Scheme::Oidc => &["authority", "grant"],
        };
        match scheme {
            Scheme::OAuth2 | Scheme::Oidc => self.oauth(&inner, scheme, &mut uris)?,
            _ => {
                self.only(&inner, required);
                for field in inner.fields {
                    self.text(&field.value, &inner.below(&field.name))?;
                }
            }
        }
        let mut complete = true;
        for name in required {
            complete &= self.required(&inner, name).is_some();
        }
        let properties = self.template(node, &place, Sees::Task)?;
        complete.then_some(AuthSpec { scheme, how: How::Inline { properties, uris } })
    }

    pub(super) fn declared_secret(&mut self, name: &str, node: &Node, pointer: &str) {
        if !self.secrets.contains_key(name) {
            let known: Vec<String> = self.secrets.keys().cloned().collect();
            let hint = did_you_mean(name, known.iter().map(String::as_str))
                .or_else(|| Some("a secret that is used must be named in `use.secrets`".to_owned()));
            self.problems.error_hint(
                pointer,
                node.at,
                format!("the secret `{name}` is not declared in `use.secrets`"),
                hint,
            );
        }
    }

    fn oauth(
        &mut self,
        body: &Obj<'r>,
        scheme: Scheme,
        uris: &mut Vec<(Vec<&'static str>, UriSpec)>,
    ) -> Option<()> {
        let mut known = OIDC.to_vec();
        if scheme == Scheme::OAuth2 {
            known.push("endpoints");
        }
        self.only(body, &known);
        let mut good = true;
        if let Some(node) = body.get("authority") {
            match self.uri(node, &body.below("authority"), Form::Absolute) {
                Some(uri) => uris.push((vec!["authority"], uri)),
                None => good = false,
            }
        }
        if let Some(node) = body.get("endpoints")
            && scheme == Scheme::OAuth2
        {
            const ENDPOINTS: [&str; 3] = ["token", "revocation", "introspection"];
            let endpoints = self.strict(node, &body.below("endpoints"), &ENDPOINTS)?;
            for name in ENDPOINTS {
                let Some(node) = endpoints.get(name) else { continue };
                match self.uri(node, &endpoints.below(name), Form::Any) {
                    Some(uri) => uris.push((vec!["endpoints", name], uri)),
                    None => good = false,
                }
            }
        }
        self.one_of(body, "grant", &GRANTS);
        let mut method = Some("client_secret_post");
        let client = match body.get("client") {
            Some(node) => {
                self.strict(node, &body.below("client"), &["id", "secret", "assertion", "authentication"])
            }
            None => None,
        };
        if let Some(client) = &client {
            for field in client.fields {
                good &= self.text(&field.value, &client.below(&field.name)).is_some();
            }
            if client.get("authentication").is_some() {
                method = self.one_of(client, "authentication", &CLIENT_METHODS);
            }
        }
        // A method that is computed is known when the call is made only.
        let has = |name: &str| client.as_ref().is_some_and(|client| client.get(name).is_some());
        if method.is_some_and(|m| m != "none") && !has("id") {
            self.problems.error_hint(
                &body.pointer,
                body.at,
                "`client.id` is missing",
                Some("or say `client.authentication: none`".to_owned()),
            );
            good = false;
        }
        if method == Some("private_key_jwt") && !has("assertion") {
            self.problems.error(&body.pointer, body.at, "`private_key_jwt` needs `client.assertion`");
            good = false;
        }
        if let Some(node) = body.get("request")
            && let Some(request) = self.strict(node, &body.below("request"), &["encoding"])
        {
            self.one_of(&request, "encoding", &ENCODINGS);
        }
        for name in ["issuers", "scopes", "audiences"] {
            let Some(node) = body.get(name) else { continue };
            let place = body.below(name);
            let Some(items) = self.list(node, &place) else {
                good = false;
                continue;
            };
            for (i, item) in items.iter().enumerate() {
                good &= self.text(item, &join(&place, &i.to_string())).is_some();
            }
        }
        for name in ["username", "password"] {
            good &= body.get(name).is_none() || self.field_text(body, name).is_some();
        }
        for name in ["subject", "actor"] {
            let Some(node) = body.get(name) else { continue };
            let token = self.strict(node, &body.below(name), &["token", "type"])?;
            for part in ["token", "type"] {
                good &= self.required(&token, part).is_some() && self.field_text(&token, part).is_some();
            }
        }
        good.then_some(())
    }

    /// One of some words, or an expression that gives one.
    pub(super) fn one_of(&mut self, body: &Obj<'r>, name: &str, words: &[&'static str]) -> Option<&'static str> {
        let text = self.field_text(body, name)?;
        if wrapped(text).is_some() {
            return None;
        }
        let word = words.iter().find(|word| **word == text).copied();
        if word.is_none() {
            let at = body.get(name).map_or(body.at, |n| n.at);
            let hint = did_you_mean(text, words.iter().copied()).or_else(|| Some(format!("one of {}", words.join(", "))));
            self.problems.error_hint(&body.below(name), at, format!("unknown `{name}`: `{text}`"), hint);
        }
        word
    }
}
