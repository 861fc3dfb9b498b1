//! Errors of the sandbox, and what each says about the outside world.
//!
//! No message holds an address, a path of the host or a secret.

use crate::egress::Paced;
use crate::grant::Denial;
use crate::limits::{HostShort, LimitHit, LimitName};
use crate::types::PluginError;

/// Whether a failed call may have done something outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Nothing left the host: the call may be repeated.
    NotDone,
    /// Bytes went out or a file was written: only an idempotent operation may
    /// be repeated, any other waits for a person (rule 3 of the design).
    Unknown,
}

/// The sandbox cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The Wasm engine refuses the configuration.
    #[error("the sandbox cannot start: {0}")]
    Engine(String),
    /// The folder for compiled code cannot be used.
    #[error("the cache folder cannot be used: {0}; give another or make it writable")]
    Cache(std::io::Error),
    /// The timer thread cannot be started.
    #[error("the sandbox's timer thread cannot be started: {0}")]
    Ticker(std::io::Error),
}

/// A package is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PackageError {
    /// Larger than the host takes.
    #[error("the package has {size} bytes, the host takes {allowed}; make it smaller, or raise `packages.maxBytes`")]
    TooLarge {
        /// Its size.
        size: u64,
        /// The most that is taken.
        allowed: u64,
    },
    /// Not WebAssembly.
    #[error("this is not a WebAssembly file: it does not begin with the bytes 00 61 73 6d")]
    NotWasm,
    /// A core module.
    #[error("this is a core module, not a component; make a package of it with `huiyin plugin build`")]
    CoreModule,
    /// Broken WebAssembly.
    #[error("the component is not valid: {0}")]
    Invalid(String),
    /// It does not speak the contract.
    #[error("the component does not export `huiyin:plugin/info`; build it with the SDK for huiyin:plugin@{expected}")]
    NoInfo {
        /// The contract the host speaks.
        expected: &'static str,
    },
    /// It speaks another version of the contract.
    #[error(
        "the component speaks `{found}`, this host speaks huiyin:plugin@{expected}; build it with the matching SDK"
    )]
    ContractVersion {
        /// What was found.
        found: String,
        /// The contract the host speaks.
        expected: &'static str,
    },
    /// No kind, or more than one.
    #[error("a plugin exports exactly one of collector, classifier, reporter, notifier, step; this one exports {}", list(.found))]
    Kinds {
        /// The kinds it exports.
        found: Vec<String>,
    },
    /// It wants what its kind may not have.
    #[error("a {kind} may not import {}; {}", pulled(.imports), import_hint(.kind, .allowed))]
    Imports {
        /// The plugin's kind.
        kind: String,
        /// All of the imports that it may not have.
        imports: Vec<String>,
        /// What this kind may import.
        allowed: Vec<String>,
    },
    /// An export differs from the contract.
    #[error("the component differs from the contract: {0}")]
    Contract(String),
    /// The manifest section is missing.
    #[error(
        "the component has no `huiyin:manifest` section, so it is no package yet; make one of it with `huiyin plugin package COMPONENT.wasm --out DIR`"
    )]
    NoManifest,
    /// The manifest section cannot be read.
    #[error("the package's `huiyin:manifest` section is not a manifest: {0}")]
    BadManifest(String),
    /// The section and the component say different things.
    #[error(
        "the package's manifest says {field} = {section}, the component itself says {component}; rebuild the package"
    )]
    ManifestDiffers {
        /// The first field that differs.
        field: String,
        /// What the section says.
        section: String,
        /// What `describe` says.
        component: String,
    },
    /// `describe` failed.
    #[error("the component cannot describe itself: {0}")]
    Describe(String),
    /// A core module cannot be made into a component.
    #[error("the module cannot be made into a component: {0}")]
    Componentize(String),
    /// More of something than the host compiles.
    #[error("the component has {found} {what}, the host takes {allowed}; make it smaller")]
    TooMuch {
        /// Of what.
        what: &'static str,
        /// How much.
        found: u64,
        /// The most that is taken.
        allowed: u64,
    },
    /// Compiling took too long.
    #[error(
        "compiling the component takes more than {seconds} s of {of}; make it smaller, or raise `packages.{setting}`"
    )]
    CompileTime {
        /// The limit.
        seconds: u64,
        /// Of which time.
        of: &'static str,
        /// The setting that raises it.
        setting: &'static str,
    },
    /// Compiling took too much memory.
    #[error(
        "compiling the component takes more than {bytes} bytes of memory; make it smaller, or raise `packages.compileMemoryBytes`"
    )]
    CompileMemory {
        /// The limit.
        bytes: u64,
    },
    /// The compiler broke on it.
    #[error("the compiler broke on the component ({0}); nothing of it was run, please report it")]
    CompilerBroke(String),
    /// The signature cannot be read.
    #[error("the package's `huiyin:signature` section is not acceptable: {0}")]
    Signature(String),
    /// Something of the host's own failed.
    #[error("the host cannot load the package: {0}")]
    Host(String),
}

fn list(found: &[String]) -> String {
    if found.is_empty() { "none of them".to_owned() } else { found.join(", ") }
}

/// The refused imports, each with what usually pulls it in, where that is known.
fn pulled(imports: &[String]) -> String {
    let mut out = String::new();
    let mut last = None;
    for (at, import) in imports.iter().enumerate() {
        let by = puller(import);
        if at > 0 {
            out.push_str(if by == last { ", " } else { "; nor " });
        }
        out.push_str(&format!("`{import}`"));
        let ends = imports.get(at + 1).is_none_or(|next| puller(next) != by);
        if let Some(by) = by.filter(|_| ends) {
            out.push_str(&format!(" ({by})"));
        }
        last = by;
    }
    out
}

/// What usually pulls an import in.
fn puller(import: &str) -> Option<&'static str> {
    const STD: &str = "the standard library of a wasi target pulls it in: in Rust build for wasm32-unknown-unknown, \
        with componentize-js use `--disable all`, with componentize-py `--stub-wasi`";
    const PULLERS: [(&str, &str); 8] = [
        ("wasi:cli/", STD),
        ("wasi:filesystem/", STD),
        ("wasi:sockets/", STD),
        (
            "wasi:random/",
            "random numbers or maps with random seeds pull it in; a plugin has none: with componentize-js use `--disable random`",
        ),
        ("wasi:clocks/", "a clock pulls it in; use the context's `now`, and with componentize-js `--disable clocks`"),
        ("wasi:http/", "`fetch` or an HTTP client pulls it in; with componentize-js use `--disable http`"),
        ("wasi:io/", "streams of the standard library pull it in, as the imports beside it do"),
        ("huiyin:plugin/", "the world that it was built for has it; build for the world of its kind"),
    ];
    PULLERS.iter().find(|(name, _)| import.starts_with(name)).map(|(_, by)| *by)
}

fn import_hint(kind: &str, allowed: &[String]) -> String {
    if allowed.is_empty() {
        format!("a {kind} is pure and imports nothing (use the context's `now` for the time)")
    } else {
        format!("it may import {}", allowed.join(", "))
    }
}

/// A call gave no result.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CallError {
    /// The plugin's own answer.
    #[error("{0}")]
    Plugin(#[source] PluginError),
    /// A limit was reached.
    #[error("{hit}")]
    Limit {
        /// Which, and how to raise it.
        hit: LimitHit,
        /// What may have happened outside.
        effect: Effect,
    },
    /// The plugin broke.
    #[error("the plugin stopped with a fault: {reason}")]
    Trap {
        /// What kind of fault.
        reason: String,
        /// What may have happened outside.
        effect: Effect,
    },
    /// The plugin answered with something the contract does not allow.
    #[error("the plugin's answer is not acceptable: {why}")]
    BadOutput {
        /// What is wrong.
        why: String,
        /// What may have happened outside.
        effect: Effect,
    },
    /// It asked too much at once, or too fast, and failed.
    #[error("{paced}")]
    Paced {
        /// What holds it back, and for how long.
        paced: Paced,
        /// What may have happened outside.
        effect: Effect,
    },
    /// The plugin reached for something it was not granted, and failed.
    #[error("{denial}")]
    Denied {
        /// What it asked for, and the grant to add.
        denial: Box<Denial>,
        /// What may have happened outside.
        effect: Effect,
    },
    /// The call does not fit the package.
    #[error("the call does not fit the plugin: {why}")]
    Misuse {
        /// What is wrong.
        why: String,
    },
    /// The caller asked for its end.
    #[error("the call was stopped before it was done")]
    Stopped {
        /// What may have happened outside.
        effect: Effect,
    },
    /// Something of the host's own failed.
    #[error("the host could not make the call: {why}")]
    Host {
        /// What failed.
        why: String,
        /// What may have happened outside.
        effect: Effect,
    },
}

impl CallError {
    /// What may have happened outside, for rule 3 of the design.
    pub fn outcome(&self) -> Effect {
        match self {
            Self::Plugin(PluginError::Unknown(_)) => Effect::Unknown,
            Self::Plugin(_) | Self::Misuse { .. } => Effect::NotDone,
            Self::Limit { effect, .. }
            | Self::Trap { effect, .. }
            | Self::BadOutput { effect, .. }
            | Self::Paced { effect, .. }
            | Self::Denied { effect, .. }
            | Self::Stopped { effect }
            | Self::Host { effect, .. } => *effect,
        }
    }

    /// The limit that was reached, if that is the reason.
    pub fn limit(&self) -> Option<LimitName> {
        match self {
            Self::Limit { hit, .. } => Some(hit.limit),
            _ => None,
        }
    }

    /// Puts the state of the outside world into an error made without it.
    pub(crate) fn with_effect(mut self, now: Effect) -> Self {
        match &mut self {
            Self::Limit { effect, .. }
            | Self::Trap { effect, .. }
            | Self::BadOutput { effect, .. }
            | Self::Paced { effect, .. }
            | Self::Denied { effect, .. }
            | Self::Stopped { effect }
            | Self::Host { effect, .. } => *effect = now,
            Self::Plugin(_) | Self::Misuse { .. } => {}
        }
        self
    }
}

/// What is fixed about the sandbox that errors have to name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) wall_ms: u64,
    pub(crate) stack_bytes: u64,
    pub(crate) output_bytes: u64,
    pub(crate) instances: u64,
    pub(crate) fuel: u64,
    pub(crate) handles: u64,
}

/// Turns wasmtime's error into ours, with no address or path in it.
pub(crate) fn from_wasmtime(error: &wasmtime::Error, bounds: &Bounds) -> CallError {
    let effect = Effect::NotDone;
    let limit = |limit, allowed| CallError::Limit { hit: LimitHit { limit, allowed, used: None }, effect };
    if let Some(hit) = error.downcast_ref::<LimitHit>() {
        return CallError::Limit { hit: *hit, effect };
    }
    if let Some(short) = error.downcast_ref::<HostShort>() {
        return CallError::Host { why: short.to_string(), effect };
    }
    if error.is::<wasmtime::PoolConcurrencyLimitError>() {
        return CallError::Host {
            why: "all instance slots are in use; make the pool larger or call less at once".to_owned(),
            effect,
        };
    }
    match error.downcast_ref::<wasmtime::Trap>() {
        Some(wasmtime::Trap::Interrupt) => return limit(LimitName::WallMs, bounds.wall_ms),
        Some(wasmtime::Trap::StackOverflow) => {
            return limit(LimitName::StackBytes, bounds.stack_bytes);
        }
        Some(wasmtime::Trap::OutOfFuel) => return limit(LimitName::Fuel, bounds.fuel),
        Some(trap) => {
            return CallError::Trap { reason: trap.to_string(), effect };
        }
        None => {}
    }
    let cause = error.root_cause().to_string();
    // wasmtime has no types for these; tests hold the words.
    if cause.contains("fuel allocated for hostcalls has been exhausted") {
        return limit(LimitName::OutputBytes, bounds.output_bytes);
    }
    if cause.contains("instance count too high") {
        return limit(LimitName::Instances, bounds.instances);
    }
    if cause.contains("too many component handles")
        || cause.contains("handle limit exceeded")
        || cause.contains("resource table has no free")
    {
        return limit(LimitName::Handles, bounds.handles);
    }
    CallError::Trap { reason: plain(&cause), effect }
}

/// The longest piece of somebody else's text in an error of ours, in characters.
const SHOWN: usize = 300;

/// The first line, without anything that looks like an address.
pub(crate) fn plain(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    cut(&line.split(' ').map(|word| if word.contains("0x") { "…" } else { word }).collect::<Vec<_>>().join(" "))
}

/// A text of whatever length, as an error can hold it; `…` says that there was more.
pub(crate) fn cut(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// The same with everything escaped that is not plainly visible.
pub(crate) fn shown(text: &str) -> String {
    cut(&text.chars().take(SHOWN + 1).flat_map(char::escape_debug).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_others_are_cut_and_escaped() {
        assert_eq!(shown("a\u{1b}[31m"), "a\\u{1b}[31m");
        assert_eq!(shown(&"火".repeat(1_000_000)).chars().count(), SHOWN + 1);
        assert_eq!(plain("at 0xdeadbeef\nmore"), "at …");
        assert!(plain(&"x".repeat(1_000_000)).ends_with('…'));
    }
}
