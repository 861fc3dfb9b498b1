//! Lines in the host's log, under the plugin's log budget. Not for pure kinds.
//! Natively they go to the test's captured output.

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// For whoever debugs the plugin.
    Debug,
    /// What happened.
    Info,
    /// Odd, and dealt with.
    Warn,
    /// Wrong, and not dealt with.
    Error,
}

/// Writes one line.
pub fn write(severity: Severity, message: &str) {
    imp::write(severity, message);
}

/// Writes one line of severity debug.
pub fn debug(message: &str) {
    write(Severity::Debug, message);
}

/// Writes one line of severity info.
pub fn info(message: &str) {
    write(Severity::Info, message);
}

/// Writes one line of severity warn.
pub fn warn(message: &str) {
    write(Severity::Warn, message);
}

/// Writes one line of severity error.
pub fn error(message: &str) {
    write(Severity::Error, message);
}

#[cfg(target_family = "wasm")]
mod imp {
    use super::Severity;
    use crate::bindings::host::huiyin::plugin::log as host;

    pub(super) fn write(severity: Severity, message: &str) {
        let severity = match severity {
            Severity::Debug => host::Severity::Debug,
            Severity::Info => host::Severity::Info,
            Severity::Warn => host::Severity::Warn,
            Severity::Error => host::Severity::Error,
        };
        host::write(severity, message);
    }
}

#[cfg(not(target_family = "wasm"))]
mod imp {
    use super::Severity;

    pub(super) fn write(severity: Severity, message: &str) {
        crate::testing::with(|fakes| fakes.log.push((severity, message.to_owned())));
    }
}
