//! What a `call` of the DSL's own protocols asks for: computed when the task
//! is entered, and journaled in that form.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::Machine;
use super::flow::expression;
use super::scope::Point;
use super::tasks::kind_of;
use crate::error::{ErrorKind, FlowError};
use crate::expr::Template;
use crate::model::{AuthSpec, RequestKind, RequestSpec, absolute, is_token};
use crate::request::{Authentication, HttpRequest, OpenApiRequest, Request};

impl Machine<'_> {
    pub(super) fn request(
        &self,
        spec: &RequestSpec,
        input: &Arc<Value>,
        point: &Point<'_>,
    ) -> Result<Request, FlowError> {
        let evaluator = self.env.evaluator;
        let eval = |template: &Template| template.eval(input, point, evaluator).map_err(|e| expression(&e));
        let known = |auth: &Option<AuthSpec>| -> Result<Option<Authentication>, FlowError> {
            auth.as_ref().map(|auth| auth.eval(input, point, evaluator)).transpose()
        };
        let map = |template: &Option<Template>, what: &str| -> Result<Map<String, Value>, FlowError> {
            match template.as_ref().map(eval).transpose()?.as_deref() {
                None | Some(Value::Null) => Ok(Map::new()),
                Some(Value::Object(map)) => Ok(map.clone()),
                Some(other) => Err(wrong(format!("`{what}` must be an object, but is {}", kind_of(other)))),
            }
        };
        let authentication = known(&spec.authentication)?;
        Ok(match &spec.what {
            RequestKind::Http { method, uri, headers, query, body } => {
                let uri = uri.eval(input, point, evaluator)?;
                absolute(&uri).map_err(unfit)?;
                let method = match &*eval(method)? {
                    Value::String(method) if is_token(method) => method.to_ascii_uppercase(),
                    other => return Err(unfit(format!("{other} is no HTTP method"))),
                };
                Request::Http(HttpRequest {
                    method,
                    uri,
                    headers: header_fields(map(headers, "headers")?)?,
                    query: query_fields(map(query, "query")?)?,
                    body: body.as_ref().map(eval).transpose()?.map(Arc::unwrap_or_clone).filter(|b| !b.is_null()),
                    output: spec.output,
                    redirect: spec.redirect,
                    authentication,
                })
            }
            RequestKind::OpenApi { document, document_authentication, operation, parameters } => {
                let document = document.eval(input, point, evaluator)?;
                absolute(&document).map_err(unfit)?;
                let operation = eval(operation)?;
                let Some(operation_id) = operation.as_str().filter(|id| !id.is_empty()) else {
                    return Err(wrong(format!("`operationId` must be a text, but is {}", kind_of(&operation))));
                };
                Request::OpenApi(OpenApiRequest {
                    document,
                    document_authentication: known(document_authentication)?,
                    operation_id: operation_id.to_owned(),
                    parameters: map(parameters, "parameters")?,
                    output: spec.output,
                    redirect: spec.redirect,
                    authentication,
                })
            }
        })
    }
}

fn wrong(detail: String) -> FlowError {
    FlowError::new(ErrorKind::Expression, detail)
}

fn unfit(detail: String) -> FlowError {
    FlowError::new(ErrorKind::Validation, detail)
}

/// Texts; what is null is left out. A line break would smuggle in another field.
fn header_fields(fields: Map<String, Value>) -> Result<Map<String, Value>, FlowError> {
    let mut headers = Map::with_capacity(fields.len());
    for (name, value) in fields {
        if !is_token(&name) {
            return Err(unfit(format!("`{}` is no name of a header", name.escape_debug())));
        }
        let text = match value {
            Value::Null => continue,
            Value::String(text) => text,
            value @ (Value::Number(_) | Value::Bool(_)) => value.to_string(),
            other => return Err(wrong(format!("the header `{name}` must be a text, but is {}", kind_of(&other)))),
        };
        if text.chars().any(|c| c.is_control() && c != '\t') {
            return Err(unfit(format!("the header `{name}` holds a control character")));
        }
        headers.insert(name, Value::String(text));
    }
    Ok(headers)
}

/// Texts, numbers and booleans, and lists of them; what is null is left out.
fn query_fields(fields: Map<String, Value>) -> Result<Map<String, Value>, FlowError> {
    let plain = |value: &Value| matches!(value, Value::String(_) | Value::Number(_) | Value::Bool(_));
    let mut query = Map::with_capacity(fields.len());
    for (name, value) in fields {
        match &value {
            Value::Null => continue,
            Value::Array(items) if items.iter().all(plain) => {}
            value if plain(value) => {}
            other => {
                return Err(wrong(format!(
                    "the query parameter `{name}` must be a text, a number, a boolean or a list of them, but is {}",
                    kind_of(other)
                )));
            }
        }
        query.insert(name, value);
    }
    Ok(query)
}
