//! The fence around sled: no panic and no error of it gets past without being noticed, and a
//! store that ever failed is never asked again.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

use crate::ViewsError;

/// Runs one call into sled.
///
/// This is the one place in the house where a panic is caught: sled 0.34.7 panics on damaged
/// files, in open and in reads. Unwinding may leave its inner state broken; that is why every
/// failure here makes the caller give the whole store up instead of going on with it.
pub(crate) fn fenced<T>(call: impl FnOnce() -> Result<T, sled::Error>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(e)) => Err(format!("the store failed: {e}")),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
            Err(format!("the store panicked: {text}"))
        }
    }
}

/// Remembers the first fault.
#[derive(Debug, Default)]
pub(crate) struct Health(Mutex<Option<String>>);

impl Health {
    pub(crate) fn check(&self) -> Result<(), ViewsError> {
        match &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(why) => Err(ViewsError::Faulty { why: why.clone() }),
            None => Ok(()),
        }
    }

    pub(crate) fn fail(&self, why: String) -> ViewsError {
        tracing::error!(why, "the views can no longer be trusted");
        let mut first = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ViewsError::Faulty { why: first.get_or_insert(why).clone() }
    }

    /// Runs one call into sled, unless an earlier one failed.
    pub(crate) fn run<T>(&self, call: impl FnOnce() -> Result<T, sled::Error>) -> Result<T, ViewsError> {
        self.check()?;
        fenced(call).map_err(|why| self.fail(why))
    }
}
