//! Free space on the disk of the data folder. The last of it is kept for what
//! must not stop: clocks that come due, and people's acts on their cases. When
//! only that is left, nothing more comes in, and runs, calls and sources wait,
//! so that no unit's run and no flood fills the disk and stops the host. They
//! go on by themselves once there is space.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use huiyin_partition::partition::Refusal;

/// What is kept unless told: so many bytes, or a twentieth of a small disk.
const KEPT: u64 = 512 << 20;

/// How long a look at the disk counts.
const LOOK: Duration = Duration::from_millis(50);

/// How much is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Left {
    /// Less than a quarter of what is kept: clocks alone.
    Least,
    /// Less than what is kept: clocks and people.
    Little,
    /// Enough for everything.
    Enough,
}

/// Looks at the disk.
pub struct Space {
    /// None for a host in memory, which has no disk.
    folder: Option<PathBuf>,
    /// Bytes to keep, as configured.
    told: Option<u64>,
    seen: Mutex<Option<(Instant, Left)>>,
}

impl Space {
    /// The disk of this data folder, with what `limits.reserveBytes` says.
    pub fn new(folder: Option<PathBuf>, told: Option<u64>) -> Space {
        Space { folder, told, seen: Mutex::new(None) }
    }

    /// How much is left, as of a moment ago.
    pub fn left(&self) -> Left {
        let Some(folder) = &self.folder else { return Left::Enough };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, left)) = *seen
            && at.elapsed() < LOOK
        {
            return left;
        }
        // Where the system does not tell, the disk itself will.
        let Ok(disk) = rustix::fs::statvfs(folder) else { return Left::Enough };
        let (free, all) = (disk.f_bavail.saturating_mul(disk.f_frsize), disk.f_blocks.saturating_mul(disk.f_frsize));
        let left = judge(free, self.told.unwrap_or(KEPT.min(all / 20)));
        let before = seen.map_or(Left::Enough, |(_, left)| left);
        if left < before {
            tracing::error!(free, ?left, "the disk is nearly full: only what must not stop goes on; free some space");
        } else if left > before {
            tracing::info!(free, ?left, "there is space on the disk again");
        }
        *seen = Some((Instant::now(), left));
        left
    }

    /// Whether runs, calls and sources have to wait.
    pub(crate) fn short(&self) -> bool {
        self.left() < Left::Enough
    }

    /// Refuses what would take of the last that is kept.
    ///
    /// # Errors
    /// [`Refusal::NoSpace`] where less is left.
    pub(crate) fn at_least(&self, wanted: Left) -> Result<(), Refusal> {
        if self.left() >= wanted { Ok(()) } else { Err(Refusal::NoSpace) }
    }
}

fn judge(free: u64, kept: u64) -> Left {
    if free < kept / 4 {
        Left::Least
    } else if free < kept {
        Left::Little
    } else {
        Left::Enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_judged_in_two_steps() {
        for (free, kept, left) in [
            (0, 0, Left::Enough),
            (100, 100, Left::Enough),
            (99, 100, Left::Little),
            (25, 100, Left::Little),
            (24, 100, Left::Least),
            (0, 100, Left::Least),
            (u64::MAX, u64::MAX, Left::Enough),
        ] {
            assert_eq!(judge(free, kept), left, "{free} of {kept}");
        }
    }

    #[test]
    fn a_host_in_memory_has_always_enough() {
        assert_eq!(Space::new(None, Some(u64::MAX)).left(), Left::Enough);
    }
}
