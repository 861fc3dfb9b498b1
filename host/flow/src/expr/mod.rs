//! Runtime expressions: found and compiled when the workflow is parsed,
//! evaluated natively where they are plain, by the [`Evaluator`] otherwise.
//! Must never decide anything by itself: an error goes back to the task.

mod growth;
mod native;
mod template;

use std::sync::Arc;

use serde_json::Value;

use crate::size::about;
use native::Native;
pub(crate) use template::Template;

/// The jq engine behind the expressions. It must be a function of its
/// arguments alone: no clock, no environment, no further inputs.
pub trait Evaluator: Send + Sync {
    /// Checks that `program` compiles with the variables `vars` (names without `$`).
    fn compile(&self, program: &str, vars: &[&str]) -> Result<(), ExprError>;
    /// The first output of `program` for `input`; `null` if it has none.
    fn eval(&self, program: &str, input: &Value, vars: &[(&str, &Value)]) -> Result<Value, ExprError>;
}

/// Why an expression is refused or gave no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ExprError {
    /// What went wrong, in one line.
    pub message: String,
}

impl ExprError {
    /// An error with this message.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}

/// Where the values of variables come from.
pub(crate) trait Variables {
    /// `definition` tells whether the (large) definition is asked for too.
    fn variable(&self, name: &str, definition: bool) -> Arc<Value>;
}

/// So many copies of a value of any size are made without asking how large it is.
const FEW: u64 = 16;

/// Bytes, about, that more of them may take together.
const ROOM: u64 = 16 << 20;

/// A compiled expression.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    source: Box<str>,
    /// The variables it mentions, of those in scope.
    vars: Vec<Box<str>>,
    native: Option<Native>,
    /// Copies of what it is given that its native evaluation may make at once.
    copies: u64,
    /// Loose mode: a failure gives the text itself.
    loose: bool,
    /// Mentions the `definition` of a descriptor, or may.
    definition: bool,
}

impl Program {
    /// Compiles a bare program (without `${ }`), with the names in `scope` as variables.
    pub(crate) fn compile(source: &str, scope: &[&str], evaluator: &dyn Evaluator) -> Result<Self, ExprError> {
        let source = source.trim();
        if source.is_empty() {
            return Err(ExprError::new("the expression is empty"));
        }
        let mut vars: Vec<&str> = mentioned(source).filter(|name| scope.contains(name)).collect();
        vars.sort_unstable();
        vars.dedup();
        evaluator.compile(source, &vars)?;
        let native = Native::parse(source, &vars);
        let (native, copies) = native.and_then(|native| native.copies().map(|copies| (native, copies))).unzip();
        Ok(Self {
            definition: vars.iter().any(|v| matches!(*v, "workflow" | "task")) && asks_definition(source),
            source: source.into(),
            vars: vars.into_iter().map(Box::from).collect(),
            native,
            copies: copies.unwrap_or_default(),
            loose: false,
        })
    }

    pub(crate) fn loosely(mut self) -> Self {
        self.loose = true;
        self
    }

    pub(crate) fn source(&self) -> &str {
        &self.source
    }

    /// Whether it holds, where it plainly always or never does.
    pub(crate) fn constant(&self) -> Option<bool> {
        match &self.native {
            Some(Native::Literal(value)) => Some(truthy(value)),
            _ => None,
        }
    }

    /// Evaluates on `input`. Plain `.` and `$name` share, all else is new.
    pub(crate) fn eval(
        &self,
        input: &Arc<Value>,
        scope: &dyn Variables,
        evaluator: &dyn Evaluator,
    ) -> Result<Arc<Value>, ExprError> {
        if let Some(Native::Dot) = self.native {
            return Ok(Arc::clone(input));
        }
        let values: Vec<Arc<Value>> = self.vars.iter().map(|name| scope.variable(name, self.definition)).collect();
        if let Some(native) = &self.native {
            if let (Native::Var(index), Some(value)) = (native, values.first()) {
                return Ok(Arc::clone(values.get(*index).unwrap_or(value)));
            }
            if self.small_enough(input, &values)
                && let Some(value) = native.eval(input, &values)
            {
                return Ok(Arc::new(value.into_owned()));
            }
        }
        let named: Vec<(&str, &Value)> =
            self.vars.iter().map(AsRef::as_ref).zip(values.iter().map(AsRef::as_ref)).collect();
        match evaluator.eval(&self.source, input, &named) {
            Ok(value) => Ok(Arc::new(value)),
            Err(_) if self.loose => Ok(Arc::new(Value::String(self.source.to_string()))),
            Err(error) => Err(error),
        }
    }

    /// Whether native evaluation surely takes little room; where it may not, jq has limits.
    fn small_enough(&self, input: &Value, values: &[Arc<Value>]) -> bool {
        self.copies <= FEW
            || !values.iter().map(AsRef::as_ref).chain([input]).any(|value| about(value) > ROOM / self.copies)
    }

    /// As a condition: everything but `false` and `null` holds, as in jq.
    pub(crate) fn holds(
        &self,
        input: &Arc<Value>,
        scope: &dyn Variables,
        evaluator: &dyn Evaluator,
    ) -> Result<bool, ExprError> {
        if self.vars.is_empty()
            && let Some(native) = &self.native
            && self.small_enough(input, &[])
            && let Some(value) = native.eval(input, &[])
        {
            return Ok(truthy(&value));
        }
        Ok(truthy(&*self.eval(input, scope, evaluator)?))
    }
}

pub(crate) fn truthy(value: &Value) -> bool {
    !matches!(value, Value::Null | Value::Bool(false))
}

/// The program within `${ … }`, if the whole text is one.
pub(crate) fn wrapped(text: &str) -> Option<&str> {
    text.trim().strip_prefix("${")?.strip_suffix('}')
}

/// The names after `$` anywhere in the program: perhaps a few too many, never too few.
fn mentioned(source: &str) -> impl Iterator<Item = &str> {
    source.split('$').skip(1).filter_map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        rest.get(..end).filter(|name| !name.is_empty())
    })
}

/// Whether `$workflow` or `$task` is used other than as `.field` with a small field.
fn asks_definition(source: &str) -> bool {
    source.match_indices('$').any(|(at, _)| {
        let rest = source.get(at + 1..).unwrap_or_default();
        let Some(after) = rest.strip_prefix("workflow").or_else(|| rest.strip_prefix("task")) else {
            return false;
        };
        !["id", "input", "startedAt", "name", "reference", "output"].iter().any(|field| {
            after
                .strip_prefix('.')
                .and_then(|a| a.strip_prefix(field))
                .is_some_and(|a| !a.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_'))
        })
    })
}
