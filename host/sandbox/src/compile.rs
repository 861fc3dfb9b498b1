//! Compiling: Cranelift meets a stranger's bytes in a child process only, with
//! limits on processor time, memory and files, without the host's environment.
//!
//! The child is the host's own program again ([`serve_child`]), so that both
//! have the same compiler. What goes in and out are pipes; what comes out is
//! run as machine code by the host, so nobody but the child may write into
//! that pipe. Nothing here is ever retried without the limits.

mod child;
mod parent;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use wasmtime::Engine;
use wasmtime::component::Component;

pub use self::child::serve_child;
use crate::engine::{compiling, fits_a_slot};
use crate::error::PackageError;
use crate::precompiled::{self, Verified};

/// Where packages are compiled.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Compiler {
    /// In this process, without limits of time and memory: for tests, benches
    /// and embedders that trust their packages. The `huiyin` program never does.
    #[default]
    InProcess,
    /// In a child process with limits.
    Child(ChildCompiler),
}

/// How the child is started and held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChildCompiler {
    /// The program that calls [`serve_child`] when it is started with `args`.
    pub program: PathBuf,
    /// What makes it do so.
    pub args: Vec<OsString>,
    /// What it may use.
    pub limits: CompileLimits,
}

/// What compiling one package may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompileLimits {
    /// Processor time of all its threads together, in seconds.
    pub cpu_seconds: u64,
    /// Time on the wall.
    pub wall: Duration,
    /// Address space, in bytes: what it can ever have in memory.
    pub memory_bytes: u64,
    /// Compiled code, in bytes.
    pub output_bytes: u64,
}

impl Default for CompileLimits {
    fn default() -> Self {
        Self { cpu_seconds: 120, wall: Duration::from_mins(5), memory_bytes: 4 << 30, output_bytes: 1 << 30 }
    }
}

/// What the child is told before the component's bytes: one line of JSON.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Request {
    cpu_seconds: u64,
    memory_bytes: u64,
    /// The settings of the engine that will run the code.
    pure: bool,
    stack_bytes: usize,
    fuel: bool,
    /// What that engine says of its compatibility.
    engine: String,
    /// Bytes that follow.
    size: u64,
}

/// The engine for which something is compiled.
pub(crate) struct For<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) pure: bool,
    pub(crate) stack_bytes: usize,
    pub(crate) fuel: bool,
}

impl For<'_> {
    /// An engine that has no slots which a component must fit into.
    fn without_pools(&self) -> Option<Engine> {
        compiling(self.stack_bytes, self.fuel, self.pure).ok()
    }
}

/// What a component that no pool takes has too much of.
fn too_much(alone: Option<&Component>) -> Option<PackageError> {
    fits_a_slot(alone?).err()
}

/// The first byte of the child's answer: compiled code follows.
const COMPILED: u8 = 0;
/// The component is at fault; why follows.
const INVALID: u8 = 1;
/// The child cannot compile at all; why follows.
const UNABLE: u8 = 2;

impl Compiler {
    /// Compiles a component for an engine; gives its code for the cache, too.
    pub(crate) fn compile(&self, target: &For<'_>, bytes: &[u8]) -> Result<(Component, Vec<u8>), PackageError> {
        match self {
            Self::InProcess => {
                let component = Component::from_binary(target.engine, bytes).map_err(|error| {
                    let alone = target.without_pools().and_then(|engine| Component::from_binary(&engine, bytes).ok());
                    too_much(alone.as_ref()).unwrap_or_else(|| refused(&error))
                })?;
                let code = component.serialize().map_err(|error| PackageError::Host(error.to_string()))?;
                Ok((component, code))
            }
            Self::Child(child) => {
                let code = child.compile(target, bytes)?;
                let component = precompiled::read(target.engine, &Verified::own_child(&code)).ok_or_else(|| {
                    let engine = target.without_pools();
                    let alone = engine.and_then(|engine| precompiled::read(&engine, &Verified::own_child(&code)));
                    too_much(alone.as_ref()).unwrap_or_else(|| {
                        PackageError::Host("the compiler's answer is not for this engine".to_owned())
                    })
                })?;
                Ok((component, code))
            }
        }
    }
}

/// Cranelift's or the validator's word on a component.
fn refused(error: &wasmtime::Error) -> PackageError {
    PackageError::Invalid(crate::error::plain(&error.root_cause().to_string()))
}

/// What an engine says of the code that it can run.
pub(crate) fn compatibility(engine: &Engine) -> String {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}
