//! The sandbox of Huiyin: runs plugins (WebAssembly components) so that the
//! worst of them is harmless, the good ones are fast, and the pure ones give
//! the same answer on any machine.
//!
//! **Invariant:** a plugin reaches what it asked for, was granted and the unit may have, and nothing else.
//!
//! A package is one component with its manifest inside ([`Sandbox::load`]).
//! A call gets a fresh instance, limits ([`Limits`]) and nothing else, unless
//! the manifest asks for it and a [`Grant`] gives it. Pure packages are called
//! on the caller's thread ([`Sandbox::call_pure`]); the others on a Tokio
//! runtime ([`Sandbox::call`]).
//!
//! This crate knows nothing of workflows, cases or the journal: what a call
//! may have done outside ([`Effect`]) and what state it wants kept
//! ([`KvWrite`]) travel back to the caller, who journals them.

#[doc(hidden)]
pub mod bare;
mod cache;
mod compile;
mod effect;
pub mod egress;
mod engine;
mod error;
pub mod grant;
mod host;
mod invoke;
mod json;
mod limits;
mod manifest;
mod operation;
pub mod package;
mod precompiled;
mod sandbox;
pub mod signed;
mod types;
mod usage;
mod warm;
mod weight;

pub use compile::{ChildCompiler, CompileLimits, Compiler, serve_child};
pub use effect::Called;
pub use egress::stand_in::{Answered, Asked, Instead, StandIn};
pub use engine::PoolConfig;
pub use error::{CallError, Effect, PackageError, SandboxError};
pub use grant::{Denial, Denier, Grant, HttpGrant, LogBudget, SecretGrant, SecretPlace};
pub use host::{HostAccess, KvWrite, LogLine, LogSink, NoSecrets, SecretSource, SecretValue, Severity};
pub use limits::{LimitHit, LimitName, Limits};
pub use manifest::{CONTRACT, Capability, Kind, Manifest, SECTION, SecretRequest};
pub use operation::{ContractError, Operation, Output};
pub use package::Package;
pub use sandbox::{Sandbox, SandboxConfig};
pub use types::{Context, Document, Factor, Field, Item, Level, Message, Outcome, Page, PluginError, Receipt, Verdict};
pub use usage::Usage;
pub use warm::WarmInstance;
