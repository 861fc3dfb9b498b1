//! Processes, as the system has them. What the host's own keeps to itself: it holds
//! secrets, so neither a core dump nor another process of the same user may see its memory.

use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};

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

/// Open files that a host asks for at most: more than it ever needs.
const FILES: u64 = 65_536;

/// Raises the limit of open files (`RLIMIT_NOFILE`) as far as the process may by itself; gives what it is then.
pub(crate) fn raise_file_limit() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let (current, most) = (limit.current.unwrap_or(FILES), limit.maximum.unwrap_or(FILES).min(FILES));
    if current >= most {
        return current;
    }
    match setrlimit(Resource::Nofile, Rlimit { current: Some(most), maximum: limit.maximum }) {
        Ok(()) => most,
        Err(error) => {
            tracing::warn!("the limit of open files stays at {current}: {error}");
            current
        }
    }
}

/// Bytes of memory that the system notes for a process under `field` (`proc(5)`,
/// `/proc/PID/status`: `VmRSS`, `VmData`); none where it does not say.
pub(crate) fn memory(pid: u32, field: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let size = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    size.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}
