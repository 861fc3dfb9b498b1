//! What the desk says when it refuses.

use std::fmt;

/// A refusal: what is wrong, by which clause or rule, and how to mend it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeskError {
    /// A word that programs can rely on, such as `not-found`.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// How to mend it; may be empty.
    pub hint: String,
    /// The clause (`5a`) or rule of the house (`rule 9`) it rests on.
    pub clause: Option<&'static str>,
    /// JSON pointer into the input, where one value is at fault.
    pub pointer: Option<String>,
}

impl DeskError {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: String::new(), clause: None, pointer: None }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    pub(crate) fn clause(mut self, clause: &'static str) -> Self {
        self.clause = Some(clause);
        self
    }

    pub(crate) fn at(mut self, pointer: impl Into<String>) -> Self {
        self.pointer = Some(pointer.into());
        self
    }
}

impl fmt::Display for DeskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match self.clause {
            Some(rule) if rule.starts_with("rule") => write!(f, " ({rule})")?,
            Some(clause) => write!(f, " (clause {clause})")?,
            None => {}
        }
        if let Some(pointer) = &self.pointer {
            write!(f, " (at {pointer})")?;
        }
        if !self.hint.is_empty() {
            write!(f, "; {}", self.hint)?;
        }
        Ok(())
    }
}

impl std::error::Error for DeskError {}
