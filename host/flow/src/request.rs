//! What a `call` of the DSL's own protocols asks for, evaluated: the form in
//! which it is journaled and handed to whoever sends it. Secrets stand in it as
//! placeholders only. Must never hold an expression, nor send anything.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A request of a workflow's own (dsl-reference.md, "Call").
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "lowercase")]
pub enum Request {
    /// `call: http`.
    Http(HttpRequest),
    /// `call: openapi`.
    OpenApi(OpenApiRequest),
}

/// What `call: http` asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HttpRequest {
    /// The method, upper case.
    pub method: String,
    /// The absolute URI; its templates are expanded.
    pub uri: String,
    /// Headers, name to text.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub headers: Map<String, Value>,
    /// Query parameters, name to value, added to those of the URI; a list gives its name several times.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub query: Map<String, Value>,
    /// The body; a text is sent as it is, anything else as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    /// What of the answer is the result.
    #[serde(default)]
    pub output: ResponseForm,
    /// Whether redirects are followed; without, an answer 300–399 is an error.
    #[serde(default)]
    pub redirect: bool,
    /// Who asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authentication: Option<Authentication>,
}

/// What `call: openapi` asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OpenApiRequest {
    /// Where the OpenAPI document is, absolute.
    pub document: String,
    /// Who asks for the document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document_authentication: Option<Authentication>,
    /// The operation.
    pub operation_id: String,
    /// Its parameters by name; the body stands under `body`.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub parameters: Map<String, Value>,
    /// What of the answer is the result.
    #[serde(default)]
    pub output: ResponseForm,
    /// Whether redirects are followed.
    #[serde(default)]
    pub redirect: bool,
    /// Who asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authentication: Option<Authentication>,
}

/// What of an answer is the result of a call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ResponseForm {
    /// The body in base64.
    Raw,
    /// The body; JSON is parsed.
    #[default]
    Content,
    /// An object with `request`, `statusCode`, `headers`, `content`.
    Response,
}

/// Who asks (dsl-reference.md, "Authentication"). Texts may hold placeholders
/// of secrets; whoever sends the request puts their values in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "scheme", rename_all = "lowercase")]
pub enum Authentication {
    /// RFC 7617.
    Basic {
        /// User.
        username: String,
        /// Password.
        password: String,
    },
    /// RFC 6750.
    Bearer {
        /// The token.
        token: String,
    },
    /// RFC 7616.
    Digest {
        /// User.
        username: String,
        /// Password.
        password: String,
    },
    /// RFC 6749: a token is asked for first. The properties as the DSL names
    /// them (`authority`, `endpoints`, `grant`, `client`, `scopes`, …), evaluated.
    OAuth2 {
        /// The properties.
        properties: Map<String, Value>,
    },
    /// OpenID Connect: the same, its endpoints discovered at the authority.
    Oidc {
        /// The properties.
        properties: Map<String, Value>,
    },
    /// The properties are the fields of this secret, a JSON object
    /// (`authentication.<scheme>.use`).
    Secret {
        /// `basic`, `bearer`, `digest`, `oauth2` or `oidc`.
        kind: String,
        /// The secret's name.
        name: String,
    },
}

/// Another workflow, by its document (dsl-reference.md, "Workflow Process").
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct WorkflowRef {
    /// `document.namespace`.
    pub namespace: String,
    /// `document.name`.
    pub name: String,
    /// `document.version`, or `latest`.
    pub version: String,
}
