//! How a command answers: results on stdout, words for people on stderr, and
//! the exit code.
//!
//! | code | means |
//! |---|---|
//! | 0 | done |
//! | 1 | the thing itself failed: a faulted run, a proof that does not hold |
//! | 2 | wrong usage, or input that is not valid |
//! | 3 | the host or the store is out of reach |

use std::fmt::Display;
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::Path;
use std::process::ExitCode;

use serde::Serialize;

/// The form of the results on stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(crate) enum Output {
    /// For people, and for simple scripts: one thing a line.
    #[default]
    Text,
    /// One JSON value.
    Json,
}

/// Why a command ends without success: its exit code and what to tell people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    /// The thing itself failed.
    pub(crate) fn failed(message: impl Display) -> Failure {
        Failure { code: 1, message: message.to_string() }
    }

    /// The usage or the input is wrong.
    pub(crate) fn invalid(message: impl Display) -> Failure {
        Failure { code: 2, message: message.to_string() }
    }

    /// The host or the store is out of reach.
    pub(crate) fn unreachable(message: impl Display) -> Failure {
        Failure { code: 3, message: message.to_string() }
    }

    /// Everything has been said already: only the exit code is left.
    pub(crate) fn quiet(code: u8) -> Failure {
        Failure { code, message: String::new() }
    }

    /// What to tell people.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Tells people on stderr, and gives the exit code.
    pub(crate) fn report(&self) -> ExitCode {
        if !self.message.is_empty() {
            note(format_args!("huiyin: {}", self.message));
        }
        ExitCode::from(self.code)
    }
}

/// Writes text to stdout. A reader who has gone away (`| head`) wants no more.
///
/// # Errors
/// When stdout cannot be written, with exit code 1.
pub(crate) fn print(text: impl Display) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match write!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(Failure::quiet(0)),
        Err(error) => Err(Failure::failed(format_args!("stdout: {error}"))),
        Ok(()) => Ok(()),
    }
}

/// Writes one JSON value to stdout, indented, with a line end.
///
/// # Errors
/// When stdout cannot be written.
pub(crate) fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| Failure::failed(format_args!("the result is not JSON: {error}")))?;
    print(format_args!("{text}\n"))
}

/// Writes a line for people to stderr. Nobody may be there to read it.
pub(crate) fn note(line: impl Display) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// Reads a file's text, or stdin's for `-`, at most `limit` bytes.
///
/// # Errors
/// When it cannot be read, is too large or is not UTF-8, with exit code 2.
pub(crate) fn read_text(path: &Path, limit: u64) -> Result<String, Failure> {
    let bytes = read_bytes(path, limit)?;
    String::from_utf8(bytes).map_err(|error| {
        let (line, column) = place(error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default());
        Failure::invalid(format_args!("{}:{line}:{column}: not UTF-8 text; save it as UTF-8", shown(path)))
    })
}

/// Line and column, from 1, of what follows `before`.
fn place(before: &[u8]) -> (usize, usize) {
    let start = before.iter().rposition(|b| *b == b'\n').map_or(0, |n| n + 1);
    let line = before.iter().filter(|b| **b == b'\n').count() + 1;
    (line, String::from_utf8_lossy(&before[start..]).chars().count() + 1)
}

/// Reads a file, or stdin for `-`, at most `limit` bytes.
///
/// # Errors
/// When it cannot be read or is too large, with exit code 2.
pub(crate) fn read_bytes(path: &Path, limit: u64) -> Result<Vec<u8>, Failure> {
    let cannot = |error: std::io::Error| Failure::invalid(format_args!("{}: {error}", shown(path)));
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        std::io::stdin().lock().take(limit + 1).read_to_end(&mut bytes).map_err(cannot)?;
    } else {
        std::fs::File::open(path).map_err(cannot)?.take(limit + 1).read_to_end(&mut bytes).map_err(cannot)?;
    }
    if bytes.len() as u64 > limit {
        return Err(Failure::invalid(format_args!("{}: larger than {limit} bytes", shown(path))));
    }
    Ok(bytes)
}

/// Reads a JSON value from a file, or from stdin for `-`.
///
/// # Errors
/// When it cannot be read, is not JSON, or has a key twice in an object; with the line and the column.
pub(crate) fn read_json(path: &Path, limit: u64) -> Result<serde_json::Value, Failure> {
    let text = read_text(path, limit)?;
    huiyin_json::parse(text.as_bytes()).map_err(|error| {
        let words = error.to_string();
        let what = words.rfind(" at line ").map_or(words.as_str(), |at| &words[..at]);
        Failure::invalid(format_args!("{}:{}:{}: {what}", shown(path), error.line(), error.column().max(1)))
    })
}

/// A path as people know it.
pub(crate) fn shown(path: &Path) -> String {
    if path == Path::new("-") { "stdin".to_owned() } else { path.display().to_string() }
}
