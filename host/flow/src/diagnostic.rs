//! Findings about a workflow text: each with its place, its reason and how to
//! mend it. Must never stop at the first one.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How grave a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The workflow is refused.
    Error,
    /// The workflow is accepted; the author should look.
    Warning,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// Whether the workflow is refused for it.
    pub severity: Severity,
    /// JSON Pointer (RFC 6901) of the property; empty for the whole document.
    pub pointer: String,
    /// The file as the caller named it.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// How to mend it, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{}:{}:{}: {kind}: {}", self.file, self.line, self.column, self.message)?;
        if !self.pointer.is_empty() {
            write!(f, " (at {})", self.pointer)?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "; {hint}")?;
        }
        Ok(())
    }
}

/// A place in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Pos {
    /// From 1.
    pub(crate) line: usize,
    /// From 1, in characters.
    pub(crate) column: usize,
}

/// The findings so far.
pub(crate) struct Problems {
    file: String,
    pub(crate) list: Vec<Diagnostic>,
}

/// Findings beyond this many say nothing new.
const MAX_FINDINGS: usize = 200;

impl Problems {
    pub(crate) fn new(file: &str) -> Self {
        Self { file: file.to_owned(), list: Vec::new() }
    }

    pub(crate) fn error(&mut self, pointer: &str, at: Pos, message: impl Into<String>) {
        self.push(Severity::Error, pointer, at, message.into(), None);
    }

    pub(crate) fn error_hint(&mut self, pointer: &str, at: Pos, message: impl Into<String>, hint: Option<String>) {
        self.push(Severity::Error, pointer, at, message.into(), hint);
    }

    pub(crate) fn warn(&mut self, pointer: &str, at: Pos, message: impl Into<String>, hint: Option<String>) {
        self.push(Severity::Warning, pointer, at, message.into(), hint);
    }

    fn push(&mut self, severity: Severity, pointer: &str, at: Pos, message: String, hint: Option<String>) {
        let finding = Diagnostic {
            severity,
            pointer: pointer.to_owned(),
            file: self.file.clone(),
            line: at.line.max(1),
            column: at.column.max(1),
            message,
            hint,
        };
        // A reusable part is read wherever it is used; its faults are told once.
        if self.list.len() < MAX_FINDINGS && !self.list.contains(&finding) {
            self.list.push(finding);
        }
    }

    pub(crate) fn has_errors(&self) -> bool {
        self.list.iter().any(|d| d.severity == Severity::Error)
    }
}

/// The nearest of `known` to `word`, as a hint.
pub(crate) fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let lower = word.to_lowercase();
    known
        .into_iter()
        .map(|k| (strsim::damerau_levenshtein(&lower, &k.to_lowercase()), k))
        .filter(|(distance, k)| *distance <= 1 + k.chars().count() / 4)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, k)| format!("did you mean `{k}`?"))
}
