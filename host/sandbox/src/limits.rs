//! What one call may use, and the bookkeeping that stops it there.
//!
//! Every limit has a default, a ceiling, and a name under which errors speak
//! of it. Nothing here decides what a plugin may reach: see [`crate::grant`].

use serde::{Deserialize, Serialize};
use wasmtime::ResourceLimiter;

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

/// The limits of one call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Wall time, in milliseconds.
    pub wall_ms: u64,
    /// All linear memories of the instance together, in bytes.
    pub memory_bytes: u64,
    /// All tables of the instance together, in elements.
    pub table_elements: u64,
    /// Core instances inside the component.
    pub instances: u64,
    /// What the host passes in, in bytes.
    pub input_bytes: u64,
    /// What the guest passes to the host in one crossing (its result, or one
    /// call of a host function), in bytes as the host has to hold them.
    pub output_bytes: u64,
    /// Text written to the log, in bytes.
    pub log_bytes: u64,
    /// Lines written to the log.
    pub log_lines: u64,
    /// HTTP requests tried.
    pub http_requests: u64,
    /// Bodies of all requests together, in bytes.
    pub request_bytes: u64,
    /// Bodies of all responses together, in bytes.
    pub response_bytes: u64,
    /// Files it tries to write into the spool.
    pub spool_files: u64,
    /// What is in them together, in bytes.
    pub spool_bytes: u64,
    /// Bytes of a response's head.
    pub header_bytes: u64,
    /// Header fields of a response.
    pub headers: u64,
    /// How many times larger than what came over the wire a response may
    /// become when it is decompressed; the first 1 MiB is free.
    pub decode_ratio: u64,
    /// Until a connection stands (name, TCP, proxy, TLS), in milliseconds.
    pub connect_ms: u64,
    /// From there until the head of the response, in milliseconds.
    pub first_byte_ms: u64,
    /// Silence between two pieces of a response, in milliseconds.
    pub idle_ms: u64,
    /// One request from its beginning to the end of its response, in milliseconds.
    pub request_ms: u64,
    /// Wasm instructions, roughly; only where the sandbox was made with fuel.
    pub fuel: Option<u64>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            wall_ms: 10_000,
            memory_bytes: 64 * MIB,
            table_elements: 20_000,
            instances: 64,
            input_bytes: 16 * MIB,
            output_bytes: 16 * MIB,
            log_bytes: 64 * KIB,
            log_lines: 200,
            http_requests: 32,
            request_bytes: 16 * MIB,
            response_bytes: 32 * MIB,
            spool_files: 100,
            spool_bytes: 64 * MIB,
            header_bytes: 64 * KIB,
            headers: 100,
            decode_ratio: 100,
            connect_ms: 10_000,
            first_byte_ms: 60_000,
            idle_ms: 60_000,
            request_ms: 120_000,
            fuel: None,
        }
    }
}

impl Limits {
    /// The most that may be asked of any sandbox.
    pub fn ceiling() -> Self {
        Self {
            wall_ms: 600_000,
            memory_bytes: 1024 * MIB,
            table_elements: 1_000_000,
            instances: 512,
            input_bytes: 256 * MIB,
            output_bytes: 256 * MIB,
            log_bytes: 4 * MIB,
            log_lines: 10_000,
            http_requests: 1_000,
            request_bytes: 256 * MIB,
            response_bytes: 256 * MIB,
            spool_files: 10_000,
            spool_bytes: 1024 * MIB,
            header_bytes: MIB,
            headers: 1_000,
            decode_ratio: 1_000,
            connect_ms: 60_000,
            first_byte_ms: 600_000,
            idle_ms: 600_000,
            request_ms: 600_000,
            fuel: None,
        }
    }

    /// These limits, none of them above `most`.
    #[must_use]
    pub fn at_most(&self, most: &Limits) -> Self {
        Self {
            wall_ms: self.wall_ms.min(most.wall_ms),
            memory_bytes: self.memory_bytes.min(most.memory_bytes),
            table_elements: self.table_elements.min(most.table_elements),
            instances: self.instances.min(most.instances),
            input_bytes: self.input_bytes.min(most.input_bytes),
            output_bytes: self.output_bytes.min(most.output_bytes),
            log_bytes: self.log_bytes.min(most.log_bytes),
            log_lines: self.log_lines.min(most.log_lines),
            http_requests: self.http_requests.min(most.http_requests),
            request_bytes: self.request_bytes.min(most.request_bytes),
            response_bytes: self.response_bytes.min(most.response_bytes),
            spool_files: self.spool_files.min(most.spool_files),
            spool_bytes: self.spool_bytes.min(most.spool_bytes),
            header_bytes: self.header_bytes.min(most.header_bytes),
            headers: self.headers.min(most.headers),
            decode_ratio: self.decode_ratio.min(most.decode_ratio),
            connect_ms: self.connect_ms.min(most.connect_ms),
            first_byte_ms: self.first_byte_ms.min(most.first_byte_ms),
            idle_ms: self.idle_ms.min(most.idle_ms),
            request_ms: self.request_ms.min(most.request_ms),
            fuel: match (self.fuel, most.fuel) {
                (Some(mine), Some(cap)) => Some(mine.min(cap)),
                (mine, cap) => mine.or(cap),
            },
        }
    }
}

/// The name of a limit, as errors and the journal speak of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitName {
    /// [`Limits::wall_ms`]
    WallMs,
    /// [`Limits::memory_bytes`]
    MemoryBytes,
    /// [`Limits::table_elements`]
    TableElements,
    /// [`Limits::instances`]
    Instances,
    /// The guest's stack: set for the whole sandbox.
    StackBytes,
    /// [`Limits::input_bytes`]
    InputBytes,
    /// [`Limits::output_bytes`]
    OutputBytes,
    /// [`Limits::http_requests`]
    HttpRequests,
    /// [`Limits::request_bytes`]
    RequestBytes,
    /// [`Limits::response_bytes`]
    ResponseBytes,
    /// [`Limits::spool_files`]
    SpoolFiles,
    /// [`Limits::spool_bytes`]
    SpoolBytes,
    /// [`Limits::header_bytes`], or [`Limits::headers`].
    HeaderBytes,
    /// [`Limits::decode_ratio`]
    DecodeRatio,
    /// [`Limits::connect_ms`]
    ConnectMs,
    /// [`Limits::first_byte_ms`]
    FirstByteMs,
    /// [`Limits::idle_ms`]
    IdleMs,
    /// [`Limits::request_ms`]
    RequestMs,
    /// [`Limits::fuel`]
    Fuel,
    /// Live handles to host resources: fixed.
    Handles,
}

impl LimitName {
    /// The key under which the limit is set.
    pub fn key(self) -> &'static str {
        match self {
            Self::WallMs => "wall_ms",
            Self::MemoryBytes => "memory_bytes",
            Self::TableElements => "table_elements",
            Self::Instances => "instances",
            Self::StackBytes => "stack_bytes",
            Self::InputBytes => "input_bytes",
            Self::OutputBytes => "output_bytes",
            Self::HttpRequests => "http_requests",
            Self::RequestBytes => "request_bytes",
            Self::ResponseBytes => "response_bytes",
            Self::SpoolFiles => "spool_files",
            Self::SpoolBytes => "spool_bytes",
            Self::HeaderBytes => "header_bytes",
            Self::DecodeRatio => "decode_ratio",
            Self::ConnectMs => "connect_ms",
            Self::FirstByteMs => "first_byte_ms",
            Self::IdleMs => "idle_ms",
            Self::RequestMs => "request_ms",
            Self::Fuel => "fuel",
            Self::Handles => "handles",
        }
    }

    /// Whether it is a bound on time.
    pub fn is_time(self) -> bool {
        matches!(self, Self::WallMs | Self::ConnectMs | Self::FirstByteMs | Self::IdleMs | Self::RequestMs)
    }

    /// How to raise it, as a sentence for people.
    fn advice(self) -> String {
        let ceiling = Limits::ceiling();
        let most = match self {
            Self::WallMs => ceiling.wall_ms,
            Self::MemoryBytes => ceiling.memory_bytes,
            Self::TableElements => ceiling.table_elements,
            Self::Instances => ceiling.instances,
            Self::InputBytes => ceiling.input_bytes,
            Self::OutputBytes => ceiling.output_bytes,
            Self::HttpRequests => ceiling.http_requests,
            Self::RequestBytes => ceiling.request_bytes,
            Self::ResponseBytes => ceiling.response_bytes,
            Self::SpoolFiles => ceiling.spool_files,
            Self::SpoolBytes => ceiling.spool_bytes,
            Self::HeaderBytes => ceiling.header_bytes,
            Self::DecodeRatio => ceiling.decode_ratio,
            Self::ConnectMs => ceiling.connect_ms,
            Self::FirstByteMs => ceiling.first_byte_ms,
            Self::IdleMs => ceiling.idle_ms,
            Self::RequestMs => ceiling.request_ms,
            Self::StackBytes => {
                return "it is set for the whole host as `stack_bytes` of the sandbox".to_owned();
            }
            Self::Fuel => return "raise `limits.fuel`".to_owned(),
            Self::Handles => return "it is fixed".to_owned(),
        };
        format!("raise `limits.{}` (at most {most})", self.key())
    }
}

/// A limit was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitHit {
    /// Which.
    pub limit: LimitName,
    /// Where it stands.
    pub allowed: u64,
    /// How much was asked, where that is known.
    pub used: Option<u64>,
}

impl LimitHit {
    /// What happened, without the advice how to raise it: a caller that has
    /// limits of its own knows better where.
    pub fn said(&self) -> String {
        let of = format!("the limit `{}` of {}", self.limit.key(), self.allowed);
        match self.used {
            Some(used) => format!("{of} was passed ({used})"),
            None => format!("{of} was reached"),
        }
    }
}

impl std::fmt::Display for LimitHit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}; {}", self.said(), self.limit.advice())
    }
}

impl std::error::Error for LimitHit {}

/// The host could not give what the limits allow. It ends the call: answering
/// −1 would let the plugin's result depend on the host's load (rule 10).
#[derive(Debug, thiserror::Error)]
#[error("the host could not give the plugin the {0} that its limits allow")]
pub(crate) struct HostShort(&'static str);

/// Counts memory and tables of one store and stops their growth at the limit.
///
/// Growth over the limit ends the call instead of answering −1, so that the
/// error names the limit and not the guest's way of failing.
#[derive(Debug)]
pub(crate) struct Meter {
    memory_limit: u64,
    memory_used: u64,
    table_limit: u64,
    table_used: u64,
    instances: u64,
}

impl Meter {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            memory_limit: limits.memory_bytes,
            memory_used: 0,
            table_limit: limits.table_elements,
            table_used: 0,
            instances: limits.instances,
        }
    }

    /// Takes the limits of the next call; what is already held stays counted.
    pub(crate) fn renew(&mut self, limits: &Limits) {
        self.memory_limit = limits.memory_bytes;
        self.table_limit = limits.table_elements;
        self.instances = limits.instances;
    }

    /// Bytes of linear memory held now.
    pub(crate) fn memory_used(&self) -> u64 {
        self.memory_used
    }
}

impl ResourceLimiter for Meter {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let total = self.memory_used.saturating_add((desired as u64).saturating_sub(current as u64));
        if total > self.memory_limit {
            return Err(wasmtime::Error::new(LimitHit {
                limit: LimitName::MemoryBytes,
                allowed: self.memory_limit,
                used: Some(total),
            }));
        }
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        self.memory_used = total;
        Ok(true)
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let total = self.table_used.saturating_add((desired as u64).saturating_sub(current as u64));
        if total > self.table_limit {
            return Err(wasmtime::Error::new(LimitHit {
                limit: LimitName::TableElements,
                allowed: self.table_limit,
                used: Some(total),
            }));
        }
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        self.table_used = total;
        Ok(true)
    }

    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        // Beyond what any memory of its type can be: the same −1 everywhere.
        if error.to_string().contains("memory type's limits") {
            return Ok(());
        }
        Err(wasmtime::Error::new(HostShort("memory")))
    }

    fn table_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        Err(wasmtime::Error::new(HostShort("table")))
    }

    fn instances(&self) -> usize {
        usize::try_from(self.instances).unwrap_or(usize::MAX)
    }
}
