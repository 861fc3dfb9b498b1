//! Calls: functions of the catalog and of `use.functions`, the DSL's own
//! protocols, and other workflows.

use std::sync::Arc;

use serde_json::Value;

use super::auth::AuthSpec;
use super::read::{Obj, Reader, Sees};
use super::uri::{Form, UriSpec};
use super::{Target, TaskKind};
use crate::expr::{Template, wrapped};
use crate::request::{ResponseForm, WorkflowRef};
use crate::source::{Data, Node};

/// Calls of the DSL itself that are not done.
pub(super) const NOT_YET: [&str; 4] = ["grpc", "asyncapi", "a2a", "mcp"];

/// A request of a workflow's own, to be computed.
#[derive(Debug)]
pub(crate) struct RequestSpec {
    pub(crate) what: RequestKind,
    pub(crate) output: ResponseForm,
    pub(crate) redirect: bool,
    /// Who asks.
    pub(crate) authentication: Option<AuthSpec>,
}

#[derive(Debug)]
pub(crate) enum RequestKind {
    Http {
        method: Template,
        uri: UriSpec,
        headers: Option<Template>,
        query: Option<Template>,
        body: Option<Template>,
    },
    OpenApi {
        document: UriSpec,
        /// Who asks for the document.
        document_authentication: Option<AuthSpec>,
        operation: Template,
        parameters: Option<Template>,
    },
}

impl<'r> Reader<'r> {
    pub(super) fn call(&mut self, node: &'r Node, pointer: &str, body: &Obj<'r>) -> Option<TaskKind> {
        let call = self.text(node, pointer)?;
        let with_place = body.below("with");
        let with_node = body.get("with");
        if matches!(call, "http" | "openapi") {
            let Some(with) = self.required(body, "with") else { return None };
            let spec = if call == "http" { self.http(with, &with_place) } else { self.openapi(with, &with_place) };
            return spec.map(|spec| TaskKind::Request(Box::new(spec)));
        }
        if NOT_YET.contains(&call) {
            self.not_yet(pointer, node, call);
            return None;
        }
        let with = match with_node {
            None => None,
            Some(n) => {
                self.object(n, &with_place)?;
                Some(self.template(n, &with_place, Sees::Task)?)
            }
        };
        let at = with_node.map_or(node.at, |n| n.at);
        if let Some(index) = self.inline.iter().position(|function| *function.name == *call) {
            self.used_slots.insert(call.to_owned());
            self.called.push((self.within.clone(), index));
            return Some(TaskKind::Call { target: Target::Inline(index), with });
        }
        if self.slot_names.contains(call) {
            self.used_slots.insert(call.to_owned());
            let index = self.slots.iter().position(|slot| *slot.name == *call)?;
            let slot = self.slots.get(index)?;
            // Without a body of its own, the slot hands the caller's arguments on.
            if slot.with.is_none()
                && let Some(with) = &with
            {
                let info = slot.info.clone();
                self.check_arguments(with, &info, &with_place, at, call);
            }
            return Some(TaskKind::Call { target: Target::Slot(index), with });
        }
        let (function, info) = self.catalog_function(call, node, pointer)?;
        if let Some(with) = &with {
            self.check_arguments(with, &info, &with_place, at, call);
        }
        Some(TaskKind::Call { target: Target::Function(function), with })
    }

    /// Says that a protocol is not spoken.
    pub(super) fn not_yet(&mut self, pointer: &str, node: &Node, call: &str) {
        self.problems.error_hint(
            pointer,
            node.at,
            format!("`call: {call}` is not supported yet"),
            Some("call it over HTTP with `call: http`, or write a plugin for it".to_owned()),
        );
    }

    fn http(&mut self, node: &'r Node, pointer: &str) -> Option<RequestSpec> {
        const KNOWN: [&str; 7] = ["method", "endpoint", "headers", "body", "query", "output", "redirect"];
        let with = self.strict(node, pointer, &KNOWN)?;
        let method = self.required(&with, "method").and_then(|n| self.method(n, &with.below("method")));
        let endpoint = self.required(&with, "endpoint").and_then(|n| self.endpoint(n, &with.below("endpoint")));
        let mut good = true;
        let mut map = |reader: &mut Self, name: &str| {
            let node = with.get(name)?;
            let read = reader.map_or_expression(node, &with.below(name));
            good &= read.is_some();
            read
        };
        let headers = map(self, "headers");
        let query = map(self, "query");
        let body = match with.get("body") {
            Some(node) => {
                let read = self.template(node, &with.below("body"), Sees::Task);
                good &= read.is_some();
                read
            }
            None => None,
        };
        let output = self.response_form(&with)?;
        let redirect = self.redirect(&with)?;
        let (uri, authentication) = endpoint?;
        let method = method?;
        good.then_some(RequestSpec {
            what: RequestKind::Http { method, uri, headers, query, body },
            output,
            redirect,
            authentication,
        })
    }

    fn openapi(&mut self, node: &'r Node, pointer: &str) -> Option<RequestSpec> {
        const KNOWN: [&str; 6] = ["document", "operationId", "parameters", "authentication", "output", "redirect"];
        let with = self.strict(node, pointer, &KNOWN)?;
        let document = self.required(&with, "document").and_then(|n| self.resource(n, &with.below("document")));
        let operation = match self.required(&with, "operationId") {
            Some(node) => {
                let place = with.below("operationId");
                if self.text(node, &place).is_some_and(str::is_empty) {
                    self.problems.error(&place, node.at, "must name an operation");
                }
                self.template(node, &place, Sees::Task)
            }
            None => None,
        };
        let mut good = true;
        let parameters = with.get("parameters").and_then(|node| {
            let read = self.map_or_expression(node, &with.below("parameters"));
            good &= read.is_some();
            read
        });
        let authentication = with.get("authentication").and_then(|node| {
            let read = self.authentication(node, &with.below("authentication"));
            good &= read.is_some();
            read
        });
        let output = self.response_form(&with)?;
        let redirect = self.redirect(&with)?;
        let (document, document_authentication) = document?;
        let operation = operation?;
        good.then_some(RequestSpec {
            what: RequestKind::OpenApi { document, document_authentication, operation, parameters },
            output,
            redirect,
            authentication,
        })
    }

    fn method(&mut self, node: &'r Node, pointer: &str) -> Option<Template> {
        let text = self.text(node, pointer)?;
        if wrapped(text).is_none() && !is_token(text) {
            self.problems.error(pointer, node.at, format!("`{}` is no HTTP method", super::read::clipped(text)));
            return None;
        }
        if wrapped(text).is_some() {
            return self.expression(node, pointer, Sees::Task).map(Template::Expr);
        }
        Some(Template::Literal(Arc::new(Value::String(text.to_owned()))))
    }

    /// A URI, or an object with `uri` and `authentication`.
    fn endpoint(&mut self, node: &'r Node, pointer: &str) -> Option<(UriSpec, Option<AuthSpec>)> {
        if !matches!(node.data, Data::Object(_)) {
            return self.uri(node, pointer, Form::Absolute).map(|uri| (uri, None));
        }
        let body = self.strict(node, pointer, &["uri", "authentication"])?;
        let uri = self.required(&body, "uri").and_then(|n| self.uri(n, &body.below("uri"), Form::Absolute));
        let authentication = match body.get("authentication") {
            Some(node) => Some(self.authentication(node, &body.below("authentication"))?),
            None => None,
        };
        Some((uri?, authentication))
    }

    /// An external resource: an endpoint, perhaps with a name.
    fn resource(&mut self, node: &'r Node, pointer: &str) -> Option<(UriSpec, Option<AuthSpec>)> {
        let body = self.strict(node, pointer, &["name", "endpoint"])?;
        self.field_text(&body, "name");
        let endpoint = self.required(&body, "endpoint")?;
        self.endpoint(endpoint, &body.below("endpoint"))
    }

    fn map_or_expression(&mut self, node: &'r Node, pointer: &str) -> Option<Template> {
        match &node.data {
            Data::Object(_) => self.template(node, pointer, Sees::Task),
            Data::String(text) if self.loose || wrapped(text).is_some() => {
                self.expression(node, pointer, Sees::Task).map(Template::Expr)
            }
            _ => {
                self.problems.error(
                    pointer,
                    node.at,
                    format!("must be an object or an expression, but is {}", node.kind()),
                );
                None
            }
        }
    }

    fn response_form(&mut self, with: &Obj<'r>) -> Option<ResponseForm> {
        if with.get("output").is_none() {
            return Some(ResponseForm::Content);
        }
        match self.field_text(with, "output")? {
            "raw" => Some(ResponseForm::Raw),
            "content" => Some(ResponseForm::Content),
            "response" => Some(ResponseForm::Response),
            other => {
                let at = with.get("output").map_or(with.at, |n| n.at);
                self.problems.error_hint(
                    &with.below("output"),
                    at,
                    format!("unknown form of output: `{other}`"),
                    Some("raw, content or response".to_owned()),
                );
                None
            }
        }
    }

    fn redirect(&mut self, with: &Obj<'r>) -> Option<bool> {
        with.get("redirect").map_or(Some(false), |n| self.boolean(n, &with.below("redirect")))
    }

    /// `run`: another workflow.
    pub(super) fn run(&mut self, node: &'r Node, pointer: &str) -> Option<TaskKind> {
        let body = self.strict(node, pointer, &["workflow", "script", "shell", "container", "await", "return"])?;
        let given: Vec<_> = body
            .fields
            .iter()
            .filter(|f| matches!(f.name.as_str(), "workflow" | "script" | "shell" | "container"))
            .collect();
        let [field] = given.as_slice() else {
            let hint = "`run: {workflow: {namespace, name, version}}`".to_owned();
            self.problems.error_hint(pointer, node.at, "must give exactly one thing to run", Some(hint));
            return None;
        };
        let place = body.below(&field.name);
        let wait = match body.get("await") {
            Some(node) => self.boolean(node, &body.below("await"))?,
            None => true,
        };
        if field.name != "workflow" {
            self.refused(
                &place,
                field.at,
                &format!("`run: {}`", field.name),
                "write it as a plugin and call it `name:version@default`",
            );
            return None;
        }
        let returns = self.returns(&body)?;
        let (workflow, input) = self.subflow(&field.value, &place)?;
        Some(TaskKind::Run { workflow: Arc::new(workflow), input, wait, returns })
    }

    /// What of a workflow is the output: all of it, or nothing.
    fn returns(&mut self, body: &Obj<'r>) -> Option<bool> {
        if body.get("return").is_none() {
            return Some(true);
        }
        match self.field_text(body, "return")? {
            "stdout" => Some(true),
            "none" => Some(false),
            other => {
                let at = body.get("return").map_or(body.at, |n| n.at);
                let message = if matches!(other, "stderr" | "code" | "all") {
                    format!("a workflow has no `{other}`: it is no process")
                } else {
                    format!("unknown `return`: `{other}`")
                };
                let hint = "`stdout` (the workflow's output, as by default) or `none`".to_owned();
                self.problems.error_hint(&body.below("return"), at, message, Some(hint));
                None
            }
        }
    }

    fn subflow(&mut self, node: &'r Node, pointer: &str) -> Option<(WorkflowRef, Option<Template>)> {
        let body = self.strict(node, pointer, &["namespace", "name", "version", "input"])?;
        let mut good = true;
        let mut field = |reader: &mut Self, name: &str, required: bool| -> Option<String> {
            let node = if required { reader.required(&body, name) } else { body.get(name) };
            let Some(node) = node else {
                good &= !required;
                return None;
            };
            let place = body.below(name);
            let text = reader.text(node, &place);
            let fits = text.is_some_and(|t| {
                if name == "version" { t == "latest" || super::document::is_version(t) } else { super::document::is_label(t) }
            });
            if let (Some(text), false) = (text, fits) {
                let what = if name == "version" { "a semantic version or `latest`" } else { "the name of a workflow" };
                reader.problems.error(&place, node.at, format!("`{}` is not {what}", super::read::clipped(text)));
            }
            good &= fits;
            text.map(str::to_owned)
        };
        let namespace = field(self, "namespace", true);
        let name = field(self, "name", true);
        let version = field(self, "version", false).unwrap_or_else(|| "latest".to_owned());
        let input = match body.get("input") {
            Some(node) => Some(self.template(node, &body.below("input"), Sees::Task)?),
            None => None,
        };
        if !good {
            return None;
        }
        Some((WorkflowRef { namespace: namespace?, name: name?, version }, input))
    }
}

/// A token of RFC 9110.
pub(crate) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}
