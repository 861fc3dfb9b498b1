//! The reader that walks a text's tree: strict objects, typed fields, expressions.
//! Must never skip a key it does not know.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::uses::{Extension, Inline};
use super::{Catalog, Slot, Task};
use crate::diagnostic::{Pos, Problems, did_you_mean};
use crate::expr::{Evaluator, Program, Template, wrapped};
use crate::source::{Data, Field, Node, join};

/// Reads one workflow.
pub(super) struct Reader<'r> {
    pub(super) catalog: &'r dyn Catalog,
    pub(super) evaluator: &'r dyn Evaluator,
    pub(super) problems: &'r mut Problems,
    /// Whose days, months and years durations mean.
    pub(super) zone: jiff::tz::TimeZone,
    /// `evaluate.mode: loose`.
    pub(super) loose: bool,
    /// Names of `for` and `catch` variables at this point.
    pub(super) scope: Vec<String>,
    pub(super) tasks: Vec<Task>,
    pub(super) slots: Vec<Slot>,
    /// Functions that are tasks.
    pub(super) inline: Vec<Inline>,
    /// The function being read, an index of `inline`.
    pub(super) within: Option<usize>,
    /// Which function is called within which.
    pub(super) called: Vec<(Option<usize>, usize)>,
    pub(super) extensions: Vec<Extension>,
    /// The declared secrets and their placeholders.
    pub(super) secrets: Map<String, Value>,
    /// Entries of `use.functions`, good or bad, so that a bad one is reported once.
    pub(super) slot_names: BTreeSet<String>,
    pub(super) used_slots: BTreeSet<String>,
    pub(super) reusable: Reusable<'r>,
}

/// The entries of `use.authentications`, `errors`, `retries`, `timeouts`.
#[derive(Default, Clone, Copy)]
pub(super) struct Reusable<'r> {
    pub(super) authentications: Option<Fields<'r>>,
    pub(super) errors: Option<Fields<'r>>,
    pub(super) retries: Option<Fields<'r>>,
    pub(super) timeouts: Option<Fields<'r>>,
}

pub(super) type Fields<'n> = &'n [Field];

/// Which variables an expression sees (dsl.md, "Runtime expression arguments").
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sees {
    /// Workflow `input.from`.
    WorkflowInput,
    /// Workflow `output.as`.
    WorkflowOutput,
    /// Task `if` and `input.from`.
    Raw,
    /// Task definition, `output.as`.
    Task,
    /// Task `export.as`.
    Export,
    /// The body of a slot.
    Slot,
    /// `schedule.on`: there is no run yet.
    Nothing,
}

impl Sees {
    fn names(self) -> &'static [&'static str] {
        match self {
            Self::WorkflowInput => &["secrets", "workflow", "runtime"],
            Self::WorkflowOutput => &["context", "secrets", "workflow", "runtime"],
            Self::Raw => &["context", "secrets", "task", "workflow", "runtime"],
            Self::Slot => &["context", "input", "secrets", "task", "workflow", "runtime"],
            Self::Task => &["context", "input", "secrets", "task", "workflow", "runtime", "authorization"],
            Self::Export => &["context", "input", "output", "secrets", "task", "workflow", "runtime", "authorization"],
            Self::Nothing => &[],
        }
    }
}

/// An object being read, with its place.
#[derive(Clone)]
pub(super) struct Obj<'n> {
    pub(super) fields: Fields<'n>,
    pub(super) pointer: String,
    pub(super) at: Pos,
}

impl<'n> Obj<'n> {
    pub(super) fn get(&self, name: &str) -> Option<&'n Node> {
        self.fields.iter().find(|f| f.name == name).map(|f| &f.value)
    }

    pub(super) fn below(&self, name: &str) -> String {
        join(&self.pointer, name)
    }
}

impl<'r> Reader<'r> {
    pub(super) fn object(&mut self, node: &'r Node, pointer: &str) -> Option<Obj<'r>> {
        match &node.data {
            Data::Object(fields) => Some(Obj { fields, pointer: pointer.to_owned(), at: node.at }),
            _ => {
                self.problems.error(pointer, node.at, format!("must be an object, but is {}", node.kind()));
                None
            }
        }
    }

    /// An object with no other keys than `known`.
    pub(super) fn strict(&mut self, node: &'r Node, pointer: &str, known: &[&str]) -> Option<Obj<'r>> {
        let object = self.object(node, pointer)?;
        self.only(&object, known);
        Some(object)
    }

    pub(super) fn only(&mut self, object: &Obj<'_>, known: &[&str]) {
        for field in object.fields {
            if !known.contains(&field.name.as_str()) {
                let hint = did_you_mean(&field.name, known.iter().copied())
                    .or_else(|| Some(format!("known here: {}", known.join(", "))));
                self.problems.error_hint(
                    &object.below(&field.name),
                    field.at,
                    format!("unknown property `{}`", field.name),
                    hint,
                );
            }
        }
    }

    pub(super) fn list(&mut self, node: &'r Node, pointer: &str) -> Option<&'r [Node]> {
        match &node.data {
            Data::Array(items) => Some(items),
            _ => {
                self.problems.error(pointer, node.at, format!("must be a list, but is {}", node.kind()));
                None
            }
        }
    }

    pub(super) fn text(&mut self, node: &'r Node, pointer: &str) -> Option<&'r str> {
        let text = node.as_str();
        if text.is_none() {
            self.problems.error(pointer, node.at, format!("must be a text, but is {}", node.kind()));
        }
        text
    }

    pub(super) fn field_text(&mut self, object: &Obj<'r>, name: &str) -> Option<&'r str> {
        let node = object.get(name)?;
        self.text(node, &object.below(name))
    }

    pub(super) fn required(&mut self, object: &Obj<'r>, name: &str) -> Option<&'r Node> {
        let node = object.get(name);
        if node.is_none() {
            self.problems.error(&object.pointer, object.at, format!("`{name}` is missing"));
        }
        node
    }

    pub(super) fn boolean(&mut self, node: &'r Node, pointer: &str) -> Option<bool> {
        match &node.data {
            Data::Bool(b) => Some(*b),
            _ => {
                self.problems.error(pointer, node.at, format!("must be true or false, but is {}", node.kind()));
                None
            }
        }
    }

    pub(super) fn whole(&mut self, node: &'r Node, pointer: &str) -> Option<u64> {
        let number = match &node.data {
            // `1.0` is a whole number, as JSON Schema has it.
            Data::Number(n) => n.as_u64().or_else(|| {
                let n = n.as_f64().filter(|n| n.fract() == 0.0 && (0.0..=9e15).contains(n))?;
                Some(n as u64)
            }),
            _ => None,
        };
        if number.is_none() {
            self.problems.error(pointer, node.at, "must be a whole number, 0 or more");
        }
        number
    }

    /// An expression, in `${ }` or bare, where the DSL wants nothing but one.
    pub(super) fn expression(&mut self, node: &'r Node, pointer: &str, sees: Sees) -> Option<Program> {
        let text = self.text(node, pointer)?;
        self.program(wrapped(text).unwrap_or(text), node, pointer, sees)
    }

    fn program(&mut self, source: &str, node: &Node, pointer: &str, sees: Sees) -> Option<Program> {
        for name in secrets_of(source) {
            self.declared_secret(name, node, pointer);
        }
        let result = Program::compile(source, &self.names(sees), self.evaluator);
        match result {
            Ok(program) => Some(program),
            Err(error) => {
                self.problems.error_hint(
                    pointer,
                    node.at,
                    format!("the expression `{}` does not compile: {error}", clipped(source.trim())),
                    self.hint_for(source, sees),
                );
                None
            }
        }
    }

    fn names(&self, sees: Sees) -> Vec<&str> {
        let mut names = sees.names().to_vec();
        if !matches!(sees, Sees::Slot | Sees::Nothing) {
            names.extend(self.scope.iter().map(String::as_str));
        }
        names
    }

    fn hint_for(&self, source: &str, sees: Sees) -> Option<String> {
        let names: Vec<String> = self.names(sees).iter().map(|n| format!("${n}")).collect();
        source.contains('$').then(|| {
            if names.is_empty() {
                "no variables are known here".to_owned()
            } else {
                format!("variables known here: {}", names.join(", "))
            }
        })
    }

    /// JSON with `${ … }` texts in it.
    pub(super) fn template(&mut self, node: &'r Node, pointer: &str, sees: Sees) -> Option<Template> {
        match &node.data {
            Data::String(text) => {
                if let Some(source) = wrapped(text) {
                    return self.program(source, node, pointer, sees).map(Template::Expr);
                }
                if self.loose
                    && let Ok(program) = Program::compile(text, &self.names(sees), self.evaluator)
                {
                    return Some(Template::Expr(program.loosely()));
                }
                if text.contains("${") {
                    self.problems.warn(
                        pointer,
                        node.at,
                        "`${` stands within a text, so it is taken literally",
                        Some("make the whole text one expression: `${ \"Hello \\(.name)\" }`".to_owned()),
                    );
                }
                Some(Template::Literal(Arc::new(Value::String(text.clone()))))
            }
            Data::Object(fields) => {
                let mut parts = Vec::with_capacity(fields.len());
                let mut whole = true;
                for field in fields {
                    match self.template(&field.value, &join(pointer, &field.name), sees) {
                        Some(part) => parts.push((field.name.clone(), part)),
                        None => whole = false,
                    }
                }
                if parts.iter().all(|(_, part)| part.literal().is_some()) && whole {
                    return Some(Template::Literal(Arc::new(node.to_value())));
                }
                whole.then_some(Template::Object(parts))
            }
            Data::Array(items) => {
                let parts: Vec<Option<Template>> = items
                    .iter()
                    .enumerate()
                    .map(|(i, item)| self.template(item, &join(pointer, &i.to_string()), sees))
                    .collect();
                let parts: Vec<Template> = parts.into_iter().collect::<Option<_>>()?;
                if parts.iter().all(|part| part.literal().is_some()) {
                    return Some(Template::Literal(Arc::new(node.to_value())));
                }
                Some(Template::Array(parts))
            }
            Data::Null | Data::Bool(_) | Data::Number(_) => Some(Template::Literal(Arc::new(node.to_value()))),
        }
    }

    /// `from` and `as`: a text is an expression, an object a template.
    pub(super) fn transformation(&mut self, node: &'r Node, pointer: &str, sees: Sees) -> Option<Template> {
        match &node.data {
            Data::String(_) => self.expression(node, pointer, sees).map(Template::Expr),
            Data::Object(_) => self.template(node, pointer, sees),
            _ => {
                self.problems.error(
                    pointer,
                    node.at,
                    format!("must be an expression or an object, but is {}", node.kind()),
                );
                None
            }
        }
    }

    /// Says that a part of the DSL will not be done (rule 6: no ambient authority).
    pub(super) fn refused(&mut self, pointer: &str, at: Pos, what: &str, instead: &str) {
        self.problems.error_hint(
            pointer,
            at,
            format!("{what} is refused: it would reach past what was granted (rule 6)"),
            Some(instead.to_owned()),
        );
    }
}

/// The names of secrets that a program mentions as `$secrets.name` or `$secrets["name"]`.
fn secrets_of(source: &str) -> impl Iterator<Item = &str> {
    source.split("$secrets").skip(1).filter_map(|rest| {
        if let Some(rest) = rest.strip_prefix(".\"").or_else(|| rest.strip_prefix("[\"")) {
            return rest.split_once('"').map(|(name, _)| name);
        }
        let rest = rest.strip_prefix('.')?;
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        rest.get(..end).filter(|name| !name.is_empty())
    })
}

pub(super) fn clipped(text: &str) -> String {
    if text.chars().count() <= 80 {
        text.to_owned()
    } else {
        let mut short: String = text.chars().take(80).collect();
        short.push('…');
        short
    }
}
