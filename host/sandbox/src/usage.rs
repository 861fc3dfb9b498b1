//! What one call used, for whoever wants to know how near the limits it came.

use std::time::Duration;

/// What one call used. Of a call that failed it is what was used until then.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Usage {
    /// Wasm instructions, roughly; only where the sandbox was made with fuel. The same on every machine.
    pub fuel: Option<u64>,
    /// From the making of the instance to its answer.
    pub wall: Duration,
    /// The most that all linear memories of the instance took together, in bytes.
    pub memory_bytes: u64,
    /// What was passed in, in bytes.
    pub input_bytes: u64,
    /// HTTP requests tried.
    pub http_requests: u64,
    /// Bodies of all requests together, in bytes.
    pub request_bytes: u64,
    /// Bodies of all responses together, in bytes as they came.
    pub response_bytes: u64,
}
