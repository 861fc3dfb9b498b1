//! `use`: what a workflow defines once and uses where it likes. Functions are
//! slots (one call of the default catalog, which a unit may rebind) or tasks
//! written in place; extensions stand around other tasks.

use std::sync::Arc;

use serde_json::Value;

use super::call::NOT_YET;
use super::parts::SchemaCheck;
use super::read::{Obj, Reader, Reusable, Sees};
use super::{Slot, Task, TaskId};
use crate::diagnostic::did_you_mean;
use crate::expr::Program;
use crate::source::{Data, Field, Node, join};

const USE: [&str; 8] =
    ["authentications", "errors", "extensions", "functions", "retries", "secrets", "timeouts", "catalogs"];
/// What an extension may extend (dsl-reference.md, "Extension").
const EXTEND: [&str; 12] =
    ["call", "composite", "emit", "for", "listen", "raise", "run", "set", "switch", "try", "wait", "all"];

/// A function that is a task written in `use.functions`.
#[derive(Debug)]
pub(crate) struct Inline {
    pub(crate) name: Arc<str>,
    /// The task, alone in its list; empty while it is not read.
    pub(crate) list: Vec<TaskId>,
}

/// Tasks around other tasks.
#[derive(Debug)]
pub(crate) struct Extension {
    /// Its place in the workflow.
    pub(crate) pointer: Arc<str>,
    /// What it extends.
    extend: String,
    pub(crate) when: Option<Program>,
    pub(crate) before: Vec<TaskId>,
    pub(crate) after: Vec<TaskId>,
}

impl Extension {
    /// Whether it extends tasks of this kind.
    pub(crate) fn covers(&self, task: &Task) -> bool {
        match self.extend.as_str() {
            "all" => true,
            "composite" => matches!(task.kind.name(), "do" | "fork"),
            kind => kind == task.kind.name(),
        }
    }
}

impl<'r> Reader<'r> {
    /// Reads `use`.
    pub(super) fn reusables(&mut self, node: &'r Node) {
        let Some(body) = self.strict(node, "/use", &USE) else { return };
        if let Some(node) = body.get("catalogs") {
            self.refused(
                &body.below("catalogs"),
                node.at,
                "a remote catalog",
                "install the functions as plugins and call them `name:version@default`",
            );
        }
        // Names first: whatever is read later may use them.
        if let Some(node) = body.get("secrets")
            && let Some(items) = self.list(node, "/use/secrets")
        {
            for (i, item) in items.iter().enumerate() {
                if let Some(name) = self.text(item, &join("/use/secrets", &i.to_string())) {
                    let placeholder = Value::String(format!("{{{{huiyin:secret:{name}}}}}"));
                    self.secrets.insert(name.to_owned(), placeholder);
                }
            }
        }
        let mut entries =
            |name: &str| body.get(name).and_then(|node| self.object(node, &body.below(name))).map(|o| o.fields);
        let reusable = Reusable {
            authentications: entries("authentications"),
            errors: entries("errors"),
            retries: entries("retries"),
            timeouts: entries("timeouts"),
        };
        let functions = entries("functions").unwrap_or_default();
        self.reusable = reusable;
        let Reusable { authentications, errors, retries, timeouts } = reusable;
        for field in authentications.unwrap_or_default() {
            self.authentication_body(&field.value, &join("/use/authentications", &field.name));
        }
        for field in errors.unwrap_or_default() {
            self.error_body(&field.value, &join("/use/errors", &field.name));
        }
        for field in retries.unwrap_or_default() {
            self.retry_body(&field.value, &join("/use/retries", &field.name));
        }
        for field in timeouts.unwrap_or_default() {
            self.timeout_body(&field.value, &join("/use/timeouts", &field.name), Sees::Task);
        }
        self.functions(functions);
        if let Some(node) = body.get("extensions") {
            self.extensions(node, "/use/extensions");
        }
    }

    fn functions(&mut self, fields: &'r [Field]) {
        let names: Vec<&str> = fields.iter().map(|f| f.name.as_str()).collect();
        let mut bodies = Vec::new();
        for field in fields {
            let place = join("/use/functions", &field.name);
            if matches!(field.name.as_str(), "http" | "openapi") || NOT_YET.contains(&field.name.as_str()) {
                self.problems.error(&place, field.at, format!("`{}` is a call of the language itself", field.name));
            }
            if is_slot(&field.value, &names) {
                self.slot_names.insert(field.name.clone());
                if let Some(slot) = self.slot(&field.name, &field.value, &place) {
                    self.slots.push(slot);
                }
            } else {
                bodies.push((self.inline.len(), field, place));
                self.inline.push(Inline { name: field.name.as_str().into(), list: Vec::new() });
            }
        }
        for (index, field, place) in bodies {
            self.within = Some(index);
            let task = self.task(&field.name, &field.value, &place, &super::tasks::Names::new());
            self.within = None;
            if let (Some(task), Some(function)) = (task, self.inline.get_mut(index)) {
                function.list = vec![task];
            }
        }
        self.no_circles(fields);
    }

    /// A function that calls itself, by whatever way round, would never end.
    fn no_circles(&mut self, fields: &'r [Field]) {
        for index in 0..self.inline.len() {
            let mut reached = vec![false; self.inline.len()];
            let mut next = vec![index];
            let mut circle = false;
            while let Some(at) = next.pop() {
                for (_, callee) in self.called.iter().filter(|(within, _)| *within == Some(at)) {
                    circle |= *callee == index;
                    if !std::mem::replace(&mut reached[*callee], true) {
                        next.push(*callee);
                    }
                }
            }
            if circle && let Some(function) = self.inline.get(index) {
                let name = function.name.to_string();
                let at = fields.iter().find(|f| f.name == name).map_or_else(Default::default, |f| f.at);
                self.problems.error(
                    &join("/use/functions", &name),
                    at,
                    format!("the function `{name}` calls itself: it would never end"),
                );
            }
        }
    }

    /// A slot: exactly one catalog call, and what documents it.
    fn slot(&mut self, name: &str, node: &'r Node, pointer: &str) -> Option<Slot> {
        let body = self.object(node, pointer)?;
        self.only(&body, &["call", "with", "input", "output", "metadata"]);
        let call = self.field_text(&body, "call")?;
        let call_node = body.get("call")?;
        let (function, info) = self.catalog_function(call, call_node, &body.below("call"))?;
        let with = body.get("with").and_then(|n| {
            self.object(n, &body.below("with"))?;
            self.template(n, &body.below("with"), Sees::Slot)
        });
        if let Some(with) = &with {
            let at = body.get("with").map_or(node.at, |n| n.at);
            self.check_arguments(with, &info, &body.below("with"), at, call);
        }
        let mut checks: [Option<SchemaCheck>; 2] = [None, None];
        for (check, name) in checks.iter_mut().zip(["input", "output"]) {
            if let Some(node) = body.get(name)
                && let Some(part) = self.strict(node, &body.below(name), &["schema"])
            {
                *check = self.schema(&part);
            }
        }
        let [input, output] = checks;
        Some(Slot {
            name: name.into(),
            function,
            info,
            metadata: self.map_value(&body, "metadata"),
            with,
            input,
            output,
        })
    }

    fn extensions(&mut self, node: &'r Node, pointer: &str) {
        let Some(items) = self.list(node, pointer) else { return };
        for (i, item) in items.iter().enumerate() {
            let place = join(pointer, &i.to_string());
            let Some(entry) = self.object(item, &place) else { continue };
            let [field] = entry.fields else {
                let hint = "each extension is an item of its own: `- name: {…}`";
                self.problems.error_hint(
                    &place,
                    item.at,
                    format!("must hold exactly one extension, but holds {}", entry.fields.len()),
                    Some(hint.to_owned()),
                );
                continue;
            };
            let place = entry.below(&field.name);
            let Some(body) = self.strict(&field.value, &place, &["extend", "when", "before", "after"]) else {
                continue;
            };
            self.required(&body, "extend");
            let extend = self.word(&body, "extend", &EXTEND);
            let when = body.get("when").map(|n| self.expression(n, &body.below("when"), Sees::Raw));
            let mut list = |name: &str| {
                body.get(name).map(|n| self.task_list(n, &body.below(name))).unwrap_or_default()
            };
            let (before, after) = (list("before"), list("after"));
            let (Some(extend), Some(when)) = (extend, when.map_or(Some(None), |when| when.map(Some))) else { continue };
            if body.get("before").is_none() && body.get("after").is_none() {
                self.problems.warn(&place, field.at, "the extension does nothing: it has neither `before` nor `after`", None);
            }
            self.extensions.push(Extension { pointer: place.into(), extend: extend.to_owned(), when, before, after });
        }
    }

    /// One of some words, literally.
    pub(super) fn word(&mut self, body: &Obj<'r>, name: &str, words: &[&'static str]) -> Option<&'static str> {
        let text = self.field_text(body, name)?;
        let word = words.iter().find(|word| **word == text).copied();
        if word.is_none() {
            let at = body.get(name).map_or(body.at, |n| n.at);
            let hint = did_you_mean(text, words.iter().copied()).or_else(|| Some(format!("one of {}", words.join(", "))));
            self.problems.error_hint(&body.below(name), at, format!("unknown `{name}`: `{text}`"), hint);
        }
        word
    }

    pub(super) fn unused_functions(&mut self, top: &Obj<'_>) {
        let Some(Data::Object(uses)) = top.get("use").map(|n| &n.data) else { return };
        let Some(Data::Object(functions)) = uses.iter().find(|f| f.name == "functions").map(|f| &f.value.data) else {
            return;
        };
        for field in functions {
            if !self.used_slots.contains(&field.name) {
                self.problems.warn(
                    &join("/use/functions", &field.name),
                    field.at,
                    format!("the function `{}` is never called", field.name),
                    None,
                );
            }
        }
    }
}

/// A call of anything but the DSL's protocols and the workflow's other functions.
fn is_slot(node: &Node, names: &[&str]) -> bool {
    let Data::Object(fields) = &node.data else { return false };
    fields.iter().find(|f| f.name == "call").is_some_and(|call| {
        call.value
            .as_str()
            .is_none_or(|c| !matches!(c, "http" | "openapi") && !NOT_YET.contains(&c) && !names.contains(&c))
    })
}
