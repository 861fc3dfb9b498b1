//! What a first turn may use on the thread of whoever asked ([`crate::inline_turns`]): it is given up
//! at the first sign that it may take its time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use huiyin_flow::{Evaluator, ExprError};
use serde_json::Value;

/// Interpreting ends after this long: what is left of the turn is a worker's.
pub(crate) const STRETCH: Duration = Duration::from_millis(1);

/// Steps of the interpreter between two looks at the clock.
pub(crate) const STEPS: u32 = 8;

/// What a turn learns that may not hold its thread up. It stands in for the evaluator, which may take a second.
#[derive(Debug, Default)]
pub struct InlineBudget {
    gave_up: AtomicBool,
    /// For a call, which may have taken its time.
    called: AtomicBool,
}

impl InlineBudget {
    /// Whether it was given up for a call.
    pub(crate) fn called(&self) -> bool {
        self.called.load(Ordering::Relaxed)
    }

    /// A call failed, perhaps only for want of time.
    pub(crate) fn call_failed(&self) {
        self.called.store(true, Ordering::Relaxed);
        self.gave_up.store(true, Ordering::Relaxed);
    }

    /// Whether it was given up: what came of it is nothing.
    pub(crate) fn gave_up(&self) -> bool {
        self.gave_up.load(Ordering::Relaxed)
    }

    fn refuse<T>(&self) -> Result<T, ExprError> {
        self.gave_up.store(true, Ordering::Relaxed);
        Err(ExprError::new("this takes its time"))
    }
}

impl Evaluator for InlineBudget {
    fn compile(&self, _program: &str, _vars: &[&str]) -> Result<(), ExprError> {
        self.refuse()
    }

    fn eval(&self, _program: &str, _input: &Value, _vars: &[(&str, &Value)]) -> Result<Value, ExprError> {
        self.refuse()
    }
}
