//! JSON with expressions in it, such as the body of `set` or `with`.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Evaluator, ExprError, Program, Variables};

/// JSON in which some texts are expressions.
#[derive(Debug, Clone)]
pub(crate) enum Template {
    /// No expression within.
    Literal(Arc<Value>),
    /// An expression.
    Expr(Program),
    /// Fields, at least one with an expression within.
    Object(Vec<(String, Template)>),
    /// Items, at least one with an expression within.
    Array(Vec<Template>),
}

impl Template {
    pub(crate) fn eval(
        &self,
        input: &Arc<Value>,
        scope: &dyn Variables,
        evaluator: &dyn Evaluator,
    ) -> Result<Arc<Value>, ExprError> {
        match self {
            Self::Literal(value) => Ok(Arc::clone(value)),
            Self::Expr(program) => program.eval(input, scope, evaluator),
            Self::Object(_) | Self::Array(_) => self.build(input, scope, evaluator).map(Arc::new),
        }
    }

    fn build(&self, input: &Arc<Value>, scope: &dyn Variables, evaluator: &dyn Evaluator) -> Result<Value, ExprError> {
        Ok(match self {
            Self::Literal(value) => (**value).clone(),
            Self::Expr(program) => Arc::unwrap_or_clone(program.eval(input, scope, evaluator)?),
            Self::Object(fields) => {
                let mut map = Map::with_capacity(fields.len());
                for (name, field) in fields {
                    map.insert(name.clone(), field.build(input, scope, evaluator)?);
                }
                Value::Object(map)
            }
            Self::Array(items) => {
                Value::Array(items.iter().map(|item| item.build(input, scope, evaluator)).collect::<Result<_, _>>()?)
            }
        })
    }

    /// The value, if no expression is within.
    pub(crate) fn literal(&self) -> Option<&Arc<Value>> {
        match self {
            Self::Literal(value) => Some(value),
            _ => None,
        }
    }
}
