//! Reading compiled code back: the one unsafe act of this crate.
//!
//! wasmtime runs what it reads here as machine code. So this function takes
//! only [`Verified`] bytes, and only [`crate::cache`] makes those, after
//! checking a keyed hash over them.

use wasmtime::Engine;
use wasmtime::component::Component;

/// Compiled code that this host wrote itself, as its keyed hash proves.
pub(crate) struct Verified<'a>(&'a [u8]);

impl<'a> Verified<'a> {
    /// Only to be called after the keyed hash over `bytes` has been checked.
    pub(crate) fn after_check(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }
}

/// The component behind verified bytes; none when another engine made them.
#[allow(unsafe_code)]
pub(crate) fn read(engine: &Engine, code: &Verified<'_>) -> Option<Component> {
    // SAFETY: `deserialize` demands bytes that `Component::serialize` made and
    // nobody changed. They carry an HMAC-SHA-256 under a random key that only
    // this host's user can read, and only `Cache::put` computes it, over what
    // `serialize` gave it. Bytes of another engine version or configuration
    // are found by wasmtime's own header check and refused.
    unsafe { Component::deserialize(engine, code.0) }.ok()
}
