//! Reading compiled code back: the one unsafe act of this crate.
//!
//! wasmtime runs what it reads here as machine code. So this function takes
//! only [`Verified`] bytes. Two places make those: [`crate::cache`], after
//! checking a keyed hash, and [`crate::compile`], of what the host's own
//! compiler said through a pipe that nobody else holds.

use wasmtime::Engine;
use wasmtime::component::Component;

/// Compiled code that this host wrote itself, as its keyed hash proves.
pub(crate) struct Verified<'a>(&'a [u8]);

impl<'a> Verified<'a> {
    /// Only to be called after the keyed hash over `bytes` has been checked.
    pub(crate) fn after_check(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Only to be called for what a compiler child of this host has just answered.
    pub(crate) fn own_child(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }
}

/// The component behind verified bytes; none when another engine made them.
#[allow(unsafe_code)]
pub(crate) fn read(engine: &Engine, code: &Verified<'_>) -> Option<Component> {
    // SAFETY: `deserialize` demands bytes that `Component::serialize` made and
    // nobody changed. Either they come straight from `precompile_component`
    // in a child that this host started, through a pipe that only the two
    // hold; or they carry an HMAC-SHA-256 under a random key that only this
    // host's user can read, and only `Cache::put` computes it, over such
    // bytes. Bytes of another engine version or configuration are found by
    // wasmtime's own header check and refused.
    unsafe { Component::deserialize(engine, code.0) }.ok()
}
