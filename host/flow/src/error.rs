//! Errors of a run: problem details (RFC 7807) with the DSL's standard types.
//! Both families of type URIs are understood and compare equal.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The DSL's standard error types (dsl-reference, "Standard Error Types").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ErrorKind {
    /// Wrong or missing settings; status 400.
    Configuration,
    /// Data that breaks its schema; status 400.
    Validation,
    /// An expression that cannot be evaluated; status 400.
    Expression,
    /// Not known who asks; status 401.
    Authentication,
    /// Known, but not allowed; status 403.
    Authorization,
    /// Took too long; status 408.
    Timeout,
    /// The other side failed; status 500.
    Communication,
    /// Everything else that goes wrong while running; status 500.
    Runtime,
}

impl ErrorKind {
    /// The standard type URI.
    pub fn uri(self) -> &'static str {
        match self {
            Self::Configuration => "https://serverlessworkflow.io/spec/1.0.0/errors/configuration",
            Self::Validation => "https://serverlessworkflow.io/spec/1.0.0/errors/validation",
            Self::Expression => "https://serverlessworkflow.io/spec/1.0.0/errors/expression",
            Self::Authentication => "https://serverlessworkflow.io/spec/1.0.0/errors/authentication",
            Self::Authorization => "https://serverlessworkflow.io/spec/1.0.0/errors/authorization",
            Self::Timeout => "https://serverlessworkflow.io/spec/1.0.0/errors/timeout",
            Self::Communication => "https://serverlessworkflow.io/spec/1.0.0/errors/communication",
            Self::Runtime => "https://serverlessworkflow.io/spec/1.0.0/errors/runtime",
        }
    }

    /// The default status.
    pub fn status(self) -> u16 {
        match self {
            Self::Configuration | Self::Validation | Self::Expression => 400,
            Self::Authentication => 401,
            Self::Authorization => 403,
            Self::Timeout => 408,
            Self::Communication | Self::Runtime => 500,
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Configuration => "Configuration Error",
            Self::Validation => "Validation Error",
            Self::Expression => "Expression Error",
            Self::Authentication => "Authentication Error",
            Self::Authorization => "Authorization Error",
            Self::Timeout => "Timeout",
            Self::Communication => "Communication Error",
            Self::Runtime => "Runtime Error",
        }
    }
}

/// An error of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowError {
    /// URI of the type.
    #[serde(rename = "type")]
    pub kind: String,
    /// HTTP-like status.
    pub status: u16,
    /// Short summary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What happened here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// JSON Pointer of the task it comes from; empty until the run knows it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub instance: String,
    /// The call did what it was to do, and only its result could not be taken:
    /// no `retry` does it a second time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub happened: Option<Box<Happened>>,
}

/// What is known of a result that could not be taken.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Happened {
    /// How many bytes it has as JSON, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// How it begins, as JSON text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub head: String,
}

impl FlowError {
    /// An error of a standard type with its default status.
    pub fn new(kind: ErrorKind, detail: impl Into<String>) -> Self {
        Self {
            kind: kind.uri().to_owned(),
            status: kind.status(),
            title: Some(kind.title().to_owned()),
            detail: Some(detail.into()),
            instance: String::new(),
            happened: None,
        }
    }

    /// The same error of a call that did its work all the same.
    #[must_use]
    pub fn although(mut self, happened: Happened) -> Self {
        self.happened = Some(Box::new(happened));
        self
    }

    /// The same error with another status.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// Whether it is of the standard type `kind`, in either family of URIs.
    pub fn is(&self, kind: ErrorKind) -> bool {
        same_type(&self.kind, kind.uri())
    }

    pub(crate) fn at(mut self, instance: &str) -> Self {
        if self.instance.is_empty() {
            instance.clone_into(&mut self.instance);
        }
        self
    }

    pub(crate) fn to_value(&self) -> Value {
        serde_json::to_value(self).unwrap_or(Value::Null)
    }
}

impl std::fmt::Display for FlowError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.title.as_deref().unwrap_or(&self.kind), self.status)?;
        if let Some(detail) = &self.detail {
            write!(f, ": {detail}")?;
        }
        if !self.instance.is_empty() {
            write!(f, " at {}", self.instance)?;
        }
        Ok(())
    }
}

impl std::error::Error for FlowError {}

/// Whether two type URIs name the same type: the standard ones do in both
/// families and in the spellings that the specification itself uses.
pub fn same_type(a: &str, b: &str) -> bool {
    a == b || canonical(a) == canonical(b)
}

fn canonical(uri: &str) -> Cow<'_, str> {
    let rest = uri.strip_prefix("https://").or_else(|| uri.strip_prefix("http://"));
    let Some((host, path)) = rest.and_then(|r| r.split_once('/')) else {
        return Cow::Borrowed(uri);
    };
    if !matches!(host.strip_prefix("www.").unwrap_or(host), "serverlessworkflow.io" | "open-workflow-specification.org")
    {
        return Cow::Borrowed(uri);
    }
    let parts: Vec<&str> = path.trim_end_matches('/').split('/').collect();
    match parts.as_slice() {
        ["spec", _, "errors", name] | ["dsl", "errors", "types", name] | ["errors", "types", name] => {
            Cow::Owned(format!("standard:{name}"))
        }
        _ => Cow::Owned(format!("standard-host:{path}")),
    }
}
