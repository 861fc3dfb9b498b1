//! The network of a case: what is written down, and nothing else; or the real one, written down.

use std::sync::{Mutex, PoisonError};

use huiyin_sandbox::{Answered, Asked, Instead, StandIn};
use serde_json::{Map, Value, json};

use super::case::{Exchange, body_of, bytes_of};

/// Longer bodies are cut where they are shown, in characters.
const SHOWN: usize = 400;

/// The network of one call.
pub(super) struct Network {
    record: bool,
    state: Mutex<State>,
}

struct State {
    left: Vec<Exchange>,
    in_vain: Vec<String>,
    seen: Vec<(Asked, Answered)>,
}

impl Network {
    pub(super) fn new(exchanges: &[Exchange], record: bool) -> Self {
        let left = exchanges.to_vec();
        Self { record, state: Mutex::new(State { left, in_vain: Vec::new(), seen: Vec::new() }) }
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Requests that nothing answered, as they were made.
    pub(super) fn in_vain(&self) -> Vec<String> {
        self.with(|state| state.in_vain.clone())
    }

    /// Exchanges that nobody asked for.
    pub(super) fn left(&self) -> Vec<String> {
        if self.record {
            return Vec::new();
        }
        self.with(|state| state.left.iter().map(|one| format!("{} {}", one.request.method, one.request.url)).collect())
    }

    /// What was recorded, as it stands in a case; none where the network answered nothing.
    pub(super) fn recorded(&self) -> Option<Value> {
        self.with(|state| (!state.seen.is_empty()).then(|| state.seen.iter().map(exchange).collect()))
    }
}

impl StandIn for Network {
    fn instead(&self, asked: &Asked) -> Instead {
        if self.record {
            return Instead::Network;
        }
        self.with(|state| {
            let Some(at) = state.left.iter().position(|one| fits(one, asked)) else {
                state.in_vain.push(shown(asked));
                return Instead::Nobody("the case has no answer to this request".to_owned());
            };
            let exchange = state.left.remove(at);
            match (exchange.response, exchange.refused) {
                (Some(response), _) => Instead::Answer(Answered {
                    status: response.status,
                    headers: response.headers.into_iter().collect(),
                    // They were looked at when the case was read.
                    body: response.body.as_ref().map(bytes_of).and_then(Result::ok).unwrap_or_default(),
                }),
                (None, why) => Instead::Nobody(why.unwrap_or_default()),
            }
        })
    }

    fn seen(&self, asked: Asked, answered: Answered) {
        self.with(|state| state.seen.push((asked, answered)));
    }
}

/// Whether all that an exchange says of its request is so.
fn fits(exchange: &Exchange, asked: &Asked) -> bool {
    let request = &exchange.request;
    let header = |(name, value): (&String, &String)| {
        asked.headers.iter().any(|(own, is)| own.eq_ignore_ascii_case(name) && is == value)
    };
    let body = |body: &Value| match body {
        Value::String(_) => bytes_of(body).is_ok_and(|bytes| bytes == asked.body),
        Value::Object(map) if map.len() == 1 && map.contains_key("base64") => {
            bytes_of(body).is_ok_and(|bytes| bytes == asked.body)
        }
        json => serde_json::from_slice::<Value>(&asked.body).is_ok_and(|is| is == *json),
    };
    request.method == asked.method
        && request.url == asked.url
        && request.headers.iter().all(header)
        && request.body.as_ref().is_none_or(body)
}

/// A request as a case would have it.
fn shown(asked: &Asked) -> String {
    let text = request(asked).to_string();
    match text.char_indices().nth(SHOWN) {
        None => text,
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

fn request(asked: &Asked) -> Value {
    let mut form = json!({"method": asked.method, "url": asked.url});
    put(&mut form, &asked.headers, &asked.body);
    form
}

fn exchange((asked, answered): &(Asked, Answered)) -> Value {
    let mut response = json!({"status": answered.status});
    put(&mut response, &answered.headers, &answered.body);
    json!({"request": request(asked), "response": response})
}

fn put(form: &mut Value, headers: &[(String, String)], body: &[u8]) {
    let Value::Object(form) = form else { return };
    if !headers.is_empty() {
        let headers: Map<String, Value> = headers.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        form.insert("headers".to_owned(), Value::Object(headers));
    }
    if !body.is_empty() {
        form.insert("body".to_owned(), body_of(body));
    }
}
