//! `log`: lines of a plugin, under a budget. What is over the budget is
//! counted and dropped; a talkative plugin is no reason to fail a call.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::wit::huiyin::plugin::log as wit;
use crate::effect::Guest;
use crate::grant::LogBudget;

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// For the plugin's author.
    Debug,
    /// Worth knowing.
    Info,
    /// Worth a look.
    Warn,
    /// Something failed.
    Error,
}

/// One line of a plugin's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// How much it matters.
    pub severity: Severity,
    /// The text as the plugin wrote it: not to be trusted, nor shown raw.
    pub message: String,
}

/// Takes log lines while the call runs.
pub trait LogSink: Send + Sync {
    /// One line of the call `call_id`.
    fn line(&self, call_id: &str, line: &LogLine);
}

/// The log of one call.
pub(crate) struct Log {
    call_id: String,
    sink: Option<Arc<dyn LogSink>>,
    lines: Vec<LogLine>,
    dropped: u64,
    bytes_left: u64,
    lines_left: u64,
}

impl Log {
    pub(crate) fn new(call_id: &str, sink: Option<Arc<dyn LogSink>>, budget: LogBudget) -> Self {
        Self {
            call_id: call_id.to_owned(),
            sink,
            lines: Vec::new(),
            dropped: 0,
            bytes_left: budget.bytes,
            lines_left: budget.lines,
        }
    }

    fn write(&mut self, severity: Severity, message: String) {
        let size = message.len() as u64;
        if self.lines_left == 0 || size > self.bytes_left {
            self.dropped += 1;
            return;
        }
        self.lines_left -= 1;
        self.bytes_left -= size;
        let line = LogLine { severity, message };
        if let Some(sink) = &self.sink {
            sink.line(&self.call_id, &line);
        }
        self.lines.push(line);
    }

    /// The lines, and how many were dropped.
    pub(crate) fn take(&mut self) -> (Vec<LogLine>, u64) {
        (std::mem::take(&mut self.lines), self.dropped)
    }
}

impl wit::Host for Guest {
    fn write(&mut self, severity: wit::Severity, message: String) {
        let severity = match severity {
            wit::Severity::Debug => Severity::Debug,
            wit::Severity::Info => Severity::Info,
            wit::Severity::Warn => Severity::Warn,
            wit::Severity::Error => Severity::Error,
        };
        self.log.write(severity, message);
    }
}
