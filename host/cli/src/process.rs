//! What the host's own process keeps to itself: it holds secrets, so neither a
//! core dump nor another process of the same user may see its memory.

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

/// No core dumps, and no looking into this process (`prctl(2)`,
/// `PR_SET_DUMPABLE`). A system that refuses is no reason not to serve, but is
/// worth a word.
pub(crate) fn keep_private() {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    if let Err(error) = setrlimit(Resource::Core, none) {
        tracing::warn!("core dumps cannot be switched off: {error}");
    }
    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        tracing::warn!("this process cannot be shut off from others: {error}");
    }
}
