//! Processes, as the system has them. What the host's own keeps to itself: it holds
//! secrets, so neither a core dump nor another process of the same user may see its memory.

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

/// Bytes of memory that the system notes for a process under `field` (`proc(5)`,
/// `/proc/PID/status`: `VmRSS`, `VmData`); none where it does not say.
pub(crate) fn memory(pid: u32, field: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let size = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    size.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}
