//! Why a host does not start, in words.

use std::path::Path;

use huiyin_desk::Problem;
use huiyin_flow::Diagnostic;
use huiyin_journal::JournalError;
use huiyin_records::record::DecodeError;
use huiyin_records::state::ApplyError;
use huiyin_registry::house::InstallError;
use huiyin_registry::trust::TrustError;
use huiyin_sandbox::{PackageError, SandboxError};

/// Why a host could not be started. Nothing was changed, unless it is the
/// store itself that failed.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store cannot be opened or read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The log was altered, or cannot be kept.
    #[error(transparent)]
    Audit(#[from] huiyin_audit::AuditError),
    /// A record cannot be read.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// A record does not follow from those before it.
    #[error("record {id}: {error}; the journal was written by a newer version, or altered")]
    Apply {
        /// The record's id.
        id: String,
        /// Why.
        error: ApplyError,
    },
    /// The sandbox cannot be set up.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// A component is refused.
    #[error("{file}: {error}")]
    Package {
        /// The file, or the component's place in the program.
        file: String,
        /// Why.
        error: PackageError,
    },
    /// A component is not what its publisher signed, or nobody signed it who is trusted.
    #[error("{file}: {error}")]
    Untrusted {
        /// The file, or the component's place in the program.
        file: String,
        /// Why.
        error: TrustError,
    },
    /// The folder of the views cannot be made.
    #[error(transparent)]
    Views(#[from] huiyin_views::ViewsError),
    /// A component is installed twice with different content.
    #[error(transparent)]
    Install(#[from] InstallError),
    /// The policy pack is refused.
    #[error("the policy pack is refused:\n{}", lines(.0))]
    Policy(Vec<Problem>),
    /// A workflow is refused.
    #[error("the workflow is refused:\n{}", lines(.0))]
    Workflow(Vec<Diagnostic>),
    /// The configuration asks for something that cannot be.
    #[error("{}", .0.join("\n"))]
    Config(Vec<String>),
    /// A file cannot be read or written.
    #[error("{path}: {error}")]
    Io {
        /// The file.
        path: String,
        /// What the system said.
        error: std::io::Error,
    },
}

impl StartError {
    /// True when the input is at fault (exit code 2), not the store.
    pub fn is_input(&self) -> bool {
        matches!(
            self,
            StartError::Package { .. }
                | StartError::Untrusted { .. }
                | StartError::Install(_)
                | StartError::Policy(_)
                | StartError::Workflow(_)
                | StartError::Config(_)
                | StartError::Io { .. }
        )
    }
}

pub(super) fn lines<T: std::fmt::Display>(all: &[T]) -> String {
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

pub(super) fn io_error(path: &Path, error: std::io::Error) -> StartError {
    StartError::Io { path: path.display().to_string(), error }
}
