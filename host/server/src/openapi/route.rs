//! A route, with everything that is said of it.

use axum::handler::Handler;
use axum::http::Method;
use axum::routing::MethodRouter;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::Value;

use crate::paging::{Order, Paged};

/// Who may ask for a route; within which units, is decided beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Right {
    /// Anybody who reaches the host.
    Public,
    /// Who has signed in, or bears a token: it changes nothing.
    Read,
    /// The same, where it may do something, too: what, says the table of acts.
    Act,
    /// An admin of the host.
    Admin,
}

impl Right {
    /// As the document names it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Right::Public => "public",
            Right::Read => "read",
            Right::Act => "act",
            Right::Admin => "admin",
        }
    }
}

/// Makes a schema; what it refers to goes into the generator.
pub(crate) type Describe = fn(&mut SchemaGenerator) -> Schema;

/// What a request has for a body.
pub(crate) enum Body {
    /// JSON of this schema.
    Json(Describe),
    /// A command of the desk: one of all of them.
    Command,
    /// CloudEvents, in the three modes of their HTTP binding.
    Events,
    /// A package.
    Package,
}

/// What an answer has for a body.
pub(crate) enum Answer {
    /// JSON of this schema.
    Json(fn() -> Value),
    /// Text of a media type.
    Text(&'static str),
    Nothing,
}

/// A method of a path: who may ask for it, what it does, takes and gives, and who carries it out.
pub(crate) struct Route<S> {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) right: Right,
    pub(crate) tag: &'static str,
    pub(crate) zh: &'static str,
    pub(crate) en: &'static str,
    pub(crate) query: Option<Describe>,
    pub(crate) body: Option<Body>,
    pub(crate) answers: Vec<(u16, Answer)>,
    /// Takes an idempotency key.
    pub(crate) keyed: bool,
    /// Takes the version of what it changes.
    pub(crate) matched: bool,
    /// Gives the version of what it reads; whether it answers 304 to who knows it.
    pub(crate) tagged: Option<bool>,
    /// Gives its rows page by page.
    pub(crate) paged: Option<Paged>,
    pub(crate) handler: MethodRouter<S>,
}

/// What handlers work with.
pub(crate) trait State: Clone + Send + Sync + 'static {}

impl<S: Clone + Send + Sync + 'static> State for S {}

fn route<S>(method: Method, path: &'static str, right: Right, handler: MethodRouter<S>) -> Route<S> {
    Route {
        method,
        path,
        right,
        tag: "",
        zh: "",
        en: "",
        query: None,
        body: None,
        answers: Vec::new(),
        keyed: false,
        matched: false,
        tagged: None,
        paged: None,
        handler,
    }
}

pub(crate) fn get<S: State, T: 'static>(path: &'static str, right: Right, handler: impl Handler<T, S>) -> Route<S> {
    route(Method::GET, path, right, axum::routing::get(handler))
}

pub(crate) fn post<S: State, T: 'static>(path: &'static str, right: Right, handler: impl Handler<T, S>) -> Route<S> {
    route(Method::POST, path, right, axum::routing::post(handler))
}

pub(crate) fn delete<S: State, T: 'static>(path: &'static str, right: Right, handler: impl Handler<T, S>) -> Route<S> {
    route(Method::DELETE, path, right, axum::routing::delete(handler))
}

impl<S> Route<S> {
    /// What it does, in both languages.
    pub(crate) fn said(self, zh: &'static str, en: &'static str) -> Route<S> {
        Route { zh, en, ..self }
    }

    /// The fields of its query.
    pub(crate) fn query<T: JsonSchema>(self) -> Route<S> {
        Route { query: Some(T::json_schema), ..self }
    }

    /// JSON for a body.
    pub(crate) fn json<T: JsonSchema>(self) -> Route<S> {
        self.body(Body::Json(T::json_schema))
    }

    pub(crate) fn body(self, body: Body) -> Route<S> {
        Route { body: Some(body), ..self }
    }

    /// JSON as an answer.
    pub(crate) fn gives(self, status: u16, shape: fn() -> Value) -> Route<S> {
        self.answers(status, Answer::Json(shape))
    }

    /// An answer without a body.
    pub(crate) fn done(self, status: u16) -> Route<S> {
        self.answers(status, Answer::Nothing)
    }

    pub(crate) fn answers(mut self, status: u16, answer: Answer) -> Route<S> {
        self.answers.push((status, answer));
        self
    }

    /// It acts once under an idempotency key.
    pub(crate) fn keyed(self) -> Route<S> {
        Route { keyed: true, ..self }
    }

    /// It changes what the asker has read, and nothing newer (`if-match`).
    pub(crate) fn matched(self) -> Route<S> {
        Route { matched: true, ..self }
    }

    /// Its answer has a tag; who knows it is told so (304).
    pub(crate) fn tagged(self) -> Route<S> {
        Route { tagged: Some(true), ..self }.done(304)
    }

    /// The same of what is told anew each time, as it says how long something has still to go.
    pub(crate) fn versioned(self) -> Route<S> {
        Route { tagged: Some(false), ..self }
    }

    /// Its rows are those of this member, in this order, and may be asked for page by page.
    pub(crate) fn paged(self, member: &'static str, order: &'static [&'static str]) -> Route<S> {
        Route { paged: Some(Paged { member, order: Order::By(order), own_limit: false }), ..self }
    }

    /// The same of cases.
    pub(crate) fn paged_by_due(self, member: &'static str) -> Route<S> {
        Route { paged: Some(Paged { member, order: Order::Due, own_limit: false }), ..self }
    }

    /// The same of a list that has a limit by itself.
    pub(crate) fn paged_beyond(self, member: &'static str, order: &'static [&'static str]) -> Route<S> {
        Route { paged: Some(Paged { member, order: Order::By(order), own_limit: true }), ..self }
    }

    /// The names between braces in its path.
    pub(crate) fn places(&self) -> impl Iterator<Item = &'static str> {
        self.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
    }

    /// Its name in the document: `get-cases-number`.
    pub(crate) fn name(&self) -> String {
        let path = self.path.strip_prefix("/v1").unwrap_or(self.path);
        let words = path.split(['/', '.']).map(|part| part.trim_matches(['{', '}'])).filter(|part| !part.is_empty());
        let mut name = self.method.as_str().to_ascii_lowercase();
        words.for_each(|word| {
            name.push('-');
            name.push_str(word);
        });
        name
    }
}
