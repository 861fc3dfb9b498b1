//! What a schedule does when its times and its runs get in each other's way: runs that overlap, times that passed
//! while nobody was there, many schedules at one moment.

use jiff::{SignedDuration, Timestamp};

/// The rules of one schedule beside its times.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// When a time comes while a run is still under way.
    pub overlap: Overlap,
    /// When times have passed.
    pub catch_up: CatchUp,
    /// Each time is put off by less than this, by an amount that depends on the schedule and the time alone.
    pub jitter: Option<SignedDuration>,
}

/// What a time does that comes while a run of its schedule is still under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overlap {
    /// It starts another beside it.
    #[default]
    Allow,
    /// It is missed.
    Skip,
    /// It waits until the one before has ended.
    Queue {
        /// How many may wait; further ones are missed.
        limit: usize,
    },
    /// It starts, and what is under way is cancelled.
    Replace,
}

/// Which of the times that have passed are made up for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CatchUp {
    /// None.
    None,
    /// The latest, in the place of them all.
    Last {
        /// Unless it is longer ago than this.
        within: Option<SignedDuration>,
    },
    /// All of them, the earliest first.
    All {
        /// But for those longer ago than this.
        within: SignedDuration,
        /// The latest so many.
        limit: usize,
    },
}

impl Default for CatchUp {
    fn default() -> Self {
        Self::Last { within: None }
    }
}

impl Overlap {
    /// How many times wait at most unless told otherwise.
    pub const QUEUED: usize = 10;
    /// The most that can be asked for.
    pub const MOST_QUEUED: usize = 1_000;
}

impl CatchUp {
    /// How far back [`CatchUp::All`] goes unless told otherwise.
    pub const WITHIN: SignedDuration = SignedDuration::from_hours(24);
    /// How many times [`CatchUp::All`] makes up for unless told otherwise.
    pub const LIMIT: usize = 100;
    /// The most that can be asked for.
    pub const MOST: usize = 1_000;
}

impl Policy {
    /// The longest jitter.
    pub const MOST_JITTER: SignedDuration = SignedDuration::from_hours(24);

    /// How much a time is put off. It depends on nothing but its arguments, so that a restart and a replay agree.
    pub fn delay(&self, seed: &str, due: Timestamp) -> SignedDuration {
        let Some(jitter) = self.jitter else { return SignedDuration::ZERO };
        let range = u64::try_from(jitter.as_millis()).unwrap_or(u64::MAX).max(1);
        let millis = scatter(seed, due) % range;
        SignedDuration::from_millis(i64::try_from(millis).unwrap_or(0))
    }

    /// When a time fires.
    pub fn at(&self, seed: &str, due: Timestamp) -> Timestamp {
        due.checked_add(self.delay(seed, due)).unwrap_or(Timestamp::MAX)
    }
}

/// An evenly scattered number: FNV-1a over both, then the finish of `SplitMix64`. Never to be changed: running
/// schedules would fire at other times.
fn scatter(seed: &str, due: Timestamp) -> u64 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    let bytes = seed.bytes().chain(due.as_nanosecond().to_be_bytes());
    let hash = bytes.fold(OFFSET, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME));
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scatter_never_changes() {
        // Worked out once; another value would move every schedule with a jitter.
        let due = Timestamp::UNIX_EPOCH;
        let policy = Policy { jitter: Some(SignedDuration::from_hours(1)), ..Policy::default() };
        assert_eq!(policy.delay("a", due), policy.delay("a", due));
        assert_eq!(scatter("", due), scatter("", due));
        let spread: std::collections::BTreeSet<_> = (0..1_000)
            .map(|n| policy.delay("a", Timestamp::from_second(n * 3_600).unwrap_or(due)).as_secs() / 360)
            .collect();
        assert_eq!(spread.len(), 10, "every tenth of the hour is met");
    }
}
