//! The growing delay after wrong passwords.
//!
//! It is kept by the name that is tried, whether there is such an account or
//! not, so that it tells nobody which accounts there are. It never locks
//! anybody out for good: that would be a way to shut out an officer on duty.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use lru::LruCache;

/// Wrong passwords that cost nothing.
const FREE: u32 = 5;

/// The delay after the first one that costs; it doubles with each.
const FIRST: Duration = Duration::from_secs(15);

/// The longest delay.
const LONGEST: Duration = Duration::from_mins(15);

/// After so long without a try it is all forgotten.
const FORGET: Duration = Duration::from_hours(24);

/// Names that are no account and are remembered; the longest ago gives way.
const STRANGERS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(4_095);

#[derive(Debug, Clone, Copy)]
struct Tries {
    wrong: u32,
    last: Instant,
}

impl Tries {
    fn until(&self) -> Option<Instant> {
        let over = self.wrong.checked_sub(FREE)?;
        let delay = FIRST.saturating_mul(1_u32.checked_shl(over).unwrap_or(u32::MAX)).min(LONGEST);
        Some(self.last + delay)
    }
}

/// What is known of wrong passwords.
#[derive(Debug)]
pub(super) struct Delays {
    /// Of accounts: never forgotten for others.
    known: HashMap<String, Tries>,
    strangers: LruCache<String, Tries>,
}

impl Default for Delays {
    fn default() -> Delays {
        Delays { known: HashMap::new(), strangers: LruCache::new(STRANGERS) }
    }
}

impl Delays {
    /// How long this name has to wait now; none where it may try.
    pub(super) fn left(&mut self, name: &str, now: Instant) -> Option<Duration> {
        let tries = self.known.get(name).or_else(|| self.strangers.peek(name))?;
        if now.saturating_duration_since(tries.last) > FORGET {
            self.known.remove(name);
            self.strangers.pop(name);
            return None;
        }
        tries.until()?.checked_duration_since(now).filter(|left| !left.is_zero())
    }

    /// A wrong password. Gives the delay that begins, if one does.
    pub(super) fn wrong(&mut self, name: &str, is_account: bool, now: Instant) -> Option<Duration> {
        let before = self.known.get(name).or_else(|| self.strangers.peek(name)).map_or(0, |tries| tries.wrong);
        let tries = Tries { wrong: before.saturating_add(1), last: now };
        if is_account {
            self.strangers.pop(name);
            self.known.insert(name.to_owned(), tries);
        } else {
            self.strangers.put(name.to_owned(), tries);
        }
        tries.until()?.checked_duration_since(now)
    }

    /// The right one: all is forgotten.
    pub(super) fn right(&mut self, name: &str) {
        self.known.remove(name);
        self.strangers.pop(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delay_begins_after_five_and_doubles_up_to_a_quarter_of_an_hour() {
        for is_account in [true, false] {
            let (mut delays, mut now) = (Delays::default(), Instant::now());
            let mut seen = Vec::new();
            for _ in 0..13 {
                assert_eq!(delays.left("xu-ming", now), None);
                let delay = delays.wrong("xu-ming", is_account, now);
                seen.push(delay.map_or(0, |delay| delay.as_secs()));
                if let Some(delay) = delay {
                    assert_eq!(delays.left("xu-ming", now), Some(delay));
                    assert_eq!(delays.left("gao-yuan", now), None, "others do not wait");
                    now += delay;
                }
            }
            assert_eq!(seen, [0, 0, 0, 0, 15, 30, 60, 120, 240, 480, 900, 900, 900]);
            delays.right("xu-ming");
            assert_eq!(delays.wrong("xu-ming", is_account, now), None, "the right one forgets");
        }
    }

    #[test]
    fn a_day_without_a_try_forgets_and_strangers_push_no_account_out() {
        let (mut delays, now) = (Delays::default(), Instant::now());
        for _ in 0..20 {
            delays.wrong("xu-ming", true, now);
        }
        for stranger in 0..10_000 {
            delays.wrong(&stranger.to_string(), false, now);
        }
        assert!(delays.left("xu-ming", now).is_some() && delays.strangers.len() == STRANGERS.get());
        assert_eq!(delays.left("xu-ming", now + FORGET + Duration::from_secs(1)), None);
        assert_eq!(delays.wrong("xu-ming", true, now + FORGET + Duration::from_secs(2)), None);
    }
}
