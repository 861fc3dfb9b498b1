//! Tasks: all twelve kinds, and where the flow goes after them.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use super::document::RESERVED;
use super::read::{Obj, Reader, Sees};
use super::{Catch, Task, TaskId, TaskKind, Then};
use crate::diagnostic::did_you_mean;
use crate::expr::Template;
use crate::source::{Data, Node, join};

/// Properties of every task.
const BASE: [&str; 7] = ["if", "input", "output", "export", "timeout", "then", "metadata"];
/// The property that makes the kind, and its companions.
const KINDS: [(&str, &[&str]); 12] = [
    ("call", &["with"]),
    ("for", &["while", "do"]),
    ("do", &[]),
    ("emit", &[]),
    ("fork", &[]),
    ("listen", &["foreach"]),
    ("raise", &[]),
    ("run", &[]),
    ("set", &[]),
    ("switch", &[]),
    ("try", &["catch"]),
    ("wait", &[]),
];
/// Lists within lists within lists.
const MAX_TASKS: usize = 20_000;

/// A list's names, for `then`.
pub(super) type Names = HashMap<String, u32>;

impl<'r> Reader<'r> {
    pub(super) fn task_list(&mut self, node: &'r Node, pointer: &str) -> Vec<TaskId> {
        let Some(items) = self.list(node, pointer) else { return Vec::new() };
        if items.is_empty() {
            self.problems.error(pointer, node.at, "the list of tasks is empty");
        }
        let mut names: Names = HashMap::new();
        let mut entries = Vec::with_capacity(items.len());
        for (i, item) in items.iter().enumerate() {
            let place = join(pointer, &i.to_string());
            let Some(entry) = self.object(item, &place) else { continue };
            let [field] = entry.fields else {
                let hint = "each task is an item of its own: `- name: {…}`";
                self.problems.error_hint(
                    &place,
                    item.at,
                    format!("must hold exactly one task, but holds {}", entry.fields.len()),
                    Some(hint.to_owned()),
                );
                continue;
            };
            let index = u32::try_from(i).unwrap_or(u32::MAX);
            if names.insert(field.name.clone(), index).is_some() {
                self.problems.error(
                    &entry.below(&field.name),
                    field.at,
                    format!("the list already has a task `{}`", field.name),
                );
            }
            if ["continue", "exit", "end"].contains(&field.name.as_str()) {
                self.problems.error(
                    &entry.below(&field.name),
                    field.at,
                    format!("`{}` is a directive and cannot name a task", field.name),
                );
            }
            entries.push((field, entry.below(&field.name)));
        }
        let complete = entries.len() == items.len();
        let ids: Vec<Option<TaskId>> =
            entries.into_iter().map(|(field, place)| self.task(&field.name, &field.value, &place, &names)).collect();
        // Positions must be those of the text; a list with a fault is never run.
        if complete { ids.into_iter().collect::<Option<Vec<_>>>().unwrap_or_default() } else { Vec::new() }
    }

    pub(super) fn task(&mut self, name: &str, node: &'r Node, pointer: &str, names: &Names) -> Option<TaskId> {
        let body = self.object(node, pointer)?;
        let given: Vec<&(&str, &[&str])> = KINDS.iter().filter(|(kind, _)| body.get(kind).is_some()).collect();
        let (kind, companions) = match given.as_slice() {
            [one] => **one,
            [(first, companions), (other, _)] if companions.contains(other) => (*first, *companions),
            [] => {
                let hint = body
                    .fields
                    .iter()
                    .filter(|f| !BASE.contains(&f.name.as_str()))
                    .find_map(|f| did_you_mean(&f.name, KINDS.iter().map(|(k, _)| *k)))
                    .or_else(|| Some(format!("a task has one of {}", KINDS.map(|(k, _)| k).join(", "))));
                let at = body.fields.first().map_or(node.at, |f| f.at);
                self.problems.error_hint(pointer, at, format!("the task `{name}` does nothing known"), hint);
                return None;
            }
            several => {
                let kinds: Vec<&str> = several.iter().map(|(k, _)| *k).collect();
                self.problems.error(
                    pointer,
                    node.at,
                    format!("the task `{name}` is of several kinds: {}", kinds.join(", ")),
                );
                return None;
            }
        };
        let mut known = BASE.to_vec();
        known.push(kind);
        known.extend(companions);
        self.only(&body, &known);
        // A place in order of writing, before what is within.
        let id = self.tasks.len();
        if id >= MAX_TASKS {
            self.problems.error(pointer, node.at, format!("more than {MAX_TASKS} tasks"));
            return None;
        }
        self.tasks.push(Task {
            name: name.into(),
            pointer: pointer.into(),
            definition: Arc::new(node.to_value()),
            condition: None,
            data: super::DataFlow::default(),
            timeout: None,
            then: Then::Continue,
            kind: TaskKind::Do { list: Vec::new() },
            own: [id],
            extensions: Vec::new(),
        });
        let condition = body.get("if").and_then(|n| self.expression(n, &body.below("if"), Sees::Raw));
        let data = self.data_flow(&body, Sees::Raw, Sees::Task, Some(Sees::Export));
        let timeout = self.timeout(&body, Sees::Task);
        let then = body.get("then").map_or(Some(Then::Continue), |n| self.then(n, &body.below("then"), names));
        if let Some(metadata) = body.get("metadata") {
            self.object(metadata, &body.below("metadata"));
        }
        let kind = self.kind(kind, &body, names);
        let (kind, then) = (kind?, then?);
        let task = self.tasks.get_mut(id)?;
        task.condition = condition;
        task.data = data;
        task.timeout = timeout;
        task.then = then;
        task.kind = kind;
        Some(id)
    }

    fn then(&mut self, node: &'r Node, pointer: &str, names: &Names) -> Option<Then> {
        match self.text(node, pointer)? {
            "continue" => Some(Then::Continue),
            "exit" => Some(Then::Exit),
            "end" => Some(Then::End),
            name => match names.get(name) {
                Some(index) => Some(Then::Go(*index)),
                None => {
                    let known = names.keys().map(String::as_str).chain(["continue", "exit", "end"]);
                    let hint = did_you_mean(name, known)
                        .or_else(|| Some("`then` reaches tasks of the same list only".to_owned()));
                    self.problems.error_hint(pointer, node.at, format!("there is no task `{name}` in this list"), hint);
                    None
                }
            },
        }
    }

    fn kind(&mut self, kind: &str, body: &Obj<'r>, names: &Names) -> Option<TaskKind> {
        let node = body.get(kind)?;
        let pointer = body.below(kind);
        match kind {
            "call" => self.call(node, &pointer, body),
            "do" => Some(TaskKind::Do { list: self.task_list(node, &pointer) }),
            "emit" => self.emitted(node, &pointer).map(|event| TaskKind::Emit { event }),
            "for" => self.for_each(node, &pointer, body),
            "fork" => self.fork(node, &pointer),
            "listen" => self.listen(node, &pointer, body),
            "raise" => self.raise(node, &pointer),
            "run" => self.run(node, &pointer),
            "set" => match &node.data {
                Data::Object(fields) if !fields.is_empty() => {
                    self.template(node, &pointer, Sees::Task).map(|value| TaskKind::Set { value })
                }
                Data::String(_) => {
                    self.expression(node, &pointer, Sees::Task).map(|p| TaskKind::Set { value: Template::Expr(p) })
                }
                _ => {
                    self.problems.error(&pointer, node.at, "must be an object with something in it, or an expression");
                    None
                }
            },
            "switch" => self.switch(node, &pointer, names),
            "try" => self.attempt(node, &pointer, body),
            _ => self.duration(node, &pointer, Sees::Task).map(|duration| TaskKind::Wait { duration }),
        }
    }

    /// A new variable for expressions within; `default` if it is not named.
    pub(super) fn variable(&mut self, body: &Obj<'r>, name: &str, default: &str) -> Option<String> {
        let Some(node) = body.get(name) else { return Some(default.to_owned()) };
        let pointer = body.below(name);
        let text = self.text(node, &pointer)?;
        let good = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !good {
            self.problems.error(&pointer, node.at, format!("`{text}` cannot name a variable: letters, digits and `_`"));
            return None;
        }
        if RESERVED.contains(&text) {
            self.problems.error(&pointer, node.at, format!("`{text}` already is a variable of every expression"));
            return None;
        }
        Some(text.to_owned())
    }

    fn for_each(&mut self, node: &'r Node, pointer: &str, body: &Obj<'r>) -> Option<TaskKind> {
        let head = self.strict(node, pointer, &["each", "in", "at"]);
        let list_node = self.required(body, "do");
        let Some(head) = head else {
            list_node.map(|n| self.task_list(n, &body.below("do")));
            return None;
        };
        let each = self.variable(&head, "each", "item");
        let at = self.variable(&head, "at", "index");
        let items = self.required(&head, "in").and_then(|n| self.expression(n, &head.below("in"), Sees::Task));
        let (each, at) = (each?, at?);
        if each == at {
            self.problems.error(pointer, node.at, format!("`each` and `at` are both `{each}`"));
        }
        self.scope.push(each.clone());
        self.scope.push(at.clone());
        let condition = body.get("while").map(|n| self.expression(n, &body.below("while"), Sees::Task));
        let list = list_node.map(|n| self.task_list(n, &body.below("do")));
        self.scope.truncate(self.scope.len().saturating_sub(2));
        let condition = match condition {
            None => None,
            Some(program) => Some(program?),
        };
        Some(TaskKind::For { each: each.into(), at: at.into(), items: items?, condition, list: list? })
    }

    fn fork(&mut self, node: &'r Node, pointer: &str) -> Option<TaskKind> {
        let body = self.strict(node, pointer, &["branches", "compete"])?;
        let compete = body.get("compete").is_some_and(|n| self.boolean(n, &body.below("compete")).unwrap_or(false));
        let branches = self.required(&body, "branches")?;
        let first = self.tasks.len();
        let list = self.task_list(branches, &body.below("branches"));
        for id in &list {
            if let Some(task) = self.tasks.get(*id)
                && matches!(task.then, Then::Go(_))
            {
                let place = format!("{}/then", task.pointer);
                self.problems.error(
                    &place,
                    branches.at,
                    "a branch cannot go on to another branch: they run at the same time",
                );
            }
        }
        (self.tasks.len() > first).then_some(TaskKind::Fork { branches: list, compete })
    }

    fn raise(&mut self, node: &'r Node, pointer: &str) -> Option<TaskKind> {
        let body = self.strict(node, pointer, &["error"])?;
        let node = self.required(&body, "error")?;
        let place = body.below("error");
        if let Some(name) = node.as_str() {
            let (entry, place) = self.reusable_entry(self.reusable.errors, "errors", name, node, &place)?;
            return self.error_body(entry, &place).map(|error| TaskKind::Raise { error });
        }
        self.error_body(node, &place).map(|error| TaskKind::Raise { error })
    }

    pub(super) fn error_body(&mut self, node: &'r Node, pointer: &str) -> Option<Template> {
        let body = self.strict(node, pointer, &["type", "status", "instance", "title", "detail"])?;
        for name in ["type", "title", "detail", "instance"] {
            self.field_text(&body, name);
        }
        self.required(&body, "type");
        if let Some(status) = self.required(&body, "status") {
            let place = body.below("status");
            if status.as_str().and_then(crate::expr::wrapped).is_none() {
                let number = self.whole(status, &place)?;
                if !(100..=599).contains(&number) {
                    self.problems.error(&place, status.at, format!("`{number}` is no HTTP status (100 to 599)"));
                }
            }
        }
        self.template(node, pointer, Sees::Task)
    }

    fn switch(&mut self, node: &'r Node, pointer: &str, names: &Names) -> Option<TaskKind> {
        let items = self.list(node, pointer)?;
        if items.is_empty() {
            self.problems.error(pointer, node.at, "must have at least one case");
        }
        let mut cases = Vec::with_capacity(items.len());
        let mut defaults = 0usize;
        for (i, item) in items.iter().enumerate() {
            let place = join(pointer, &i.to_string());
            let Some(entry) = self.object(item, &place) else { continue };
            let [field] = entry.fields else {
                self.problems.error(
                    &place,
                    item.at,
                    format!("must hold exactly one case, but holds {}", entry.fields.len()),
                );
                continue;
            };
            let Some(case) = self.strict(&field.value, &entry.below(&field.name), &["when", "then"]) else { continue };
            let when = case.get("when").map(|n| self.expression(n, &case.below("when"), Sees::Task));
            let then = self.required(&case, "then").and_then(|n| self.then(n, &case.below("then"), names));
            if defaults > 0 {
                self.problems.warn(&case.pointer, field.at, "never reached: a case without `when` comes before", None);
            }
            defaults += usize::from(when.is_none());
            let when = match when {
                None => None,
                Some(Some(program)) => Some(program),
                Some(None) => continue,
            };
            cases.extend(then.map(|then| (when, then)));
        }
        Some(TaskKind::Switch { cases })
    }

    fn attempt(&mut self, node: &'r Node, pointer: &str, body: &Obj<'r>) -> Option<TaskKind> {
        let list = self.task_list(node, pointer);
        let catch_node = self.required(body, "catch")?;
        let place = body.below("catch");
        let clause = self.strict(catch_node, &place, &["errors", "as", "when", "exceptWhen", "retry", "do"])?;
        let mut catch = Catch::default();
        if let Some(node) = clause.get("errors")
            && let Some(errors) = self.strict(node, &clause.below("errors"), &["with"])
            && let Some(node) = errors.get("with")
            && let Some(with) =
                self.strict(node, &errors.below("with"), &["type", "status", "instance", "title", "detail", "details"])
        {
            if with.fields.is_empty() {
                self.problems.error(&with.pointer, with.at, "must give at least one property");
            }
            for field in with.fields {
                let below = with.below(&field.name);
                if field.name == "status" {
                    self.whole(&field.value, &below);
                } else {
                    self.text(&field.value, &below);
                }
                let name = if field.name == "details" { "detail" } else { &field.name };
                catch.with.push((name.to_owned(), field.value.to_value()));
            }
        }
        let name = self.variable(&clause, "as", "error")?;
        self.scope.push(name.clone());
        catch.name = name.into();
        catch.when = clause.get("when").and_then(|n| self.expression(n, &clause.below("when"), Sees::Task));
        catch.except_when =
            clause.get("exceptWhen").and_then(|n| self.expression(n, &clause.below("exceptWhen"), Sees::Task));
        catch.retry = clause.get("retry").and_then(|n| self.retry(n, &clause.below("retry")));
        catch.handler = clause.get("do").map(|n| self.task_list(n, &clause.below("do")));
        self.scope.pop();
        Some(TaskKind::Try { list, catch: Box::new(catch) })
    }
}

/// The matching of `catch.errors.with`.
impl Catch {
    pub(crate) fn filter(&self, error: &Value) -> bool {
        self.with.iter().all(|(name, wanted)| {
            let actual = error.get(name).unwrap_or(&Value::Null);
            match (name.as_str(), wanted.as_str(), actual.as_str()) {
                ("type", Some(wanted), Some(actual)) => crate::error::same_type(wanted, actual),
                _ => wanted == actual,
            }
        })
    }
}
