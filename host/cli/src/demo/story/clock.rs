//! The clock of a story: it goes a number of times faster than the machine's, or stands until it is put forward.
//!
//! What waits for a moment tells the clock which ([`Clock::sleep`]). So a story that leaps over a night can stop at
//! every moment on its way at which something is due, and nothing is late by the leap.

use std::fmt;
use std::str::FromStr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use huiyin_engine::shell::Clock;
use jiff::{SignedDuration, Timestamp};

/// The quickest clock that goes by itself: an hour a second.
const QUICKEST: f64 = 3_600.0;

/// How fast a story is played.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Speed {
    /// So many times as fast as the machine's clock.
    Times(f64),
    /// From moment to moment, as quickly as the host takes them.
    Max,
}

impl FromStr for Speed {
    type Err = String;

    fn from_str(text: &str) -> Result<Speed, String> {
        if text == "max" {
            return Ok(Speed::Max);
        }
        let times = text.parse::<f64>().ok().filter(|times| (1.0..=QUICKEST).contains(times));
        times.map(Speed::Times).ok_or_else(|| {
            format!("it is a number from 1 to {QUICKEST}, or `max` to go from one moment to the next without waiting")
        })
    }
}

impl fmt::Display for Speed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Speed::Times(times) => write!(f, "{times}×"),
            Speed::Max => f.write_str("max"),
        }
    }
}

struct Hands {
    /// What it showed when it was last set going or put forward.
    mark: Timestamp,
    /// Since when it goes; none while it stands.
    since: Option<Instant>,
    /// The next moment that anybody waits for, as told since it was last put forward.
    next: Option<Timestamp>,
}

/// See the module.
pub(super) struct StoryClock {
    hands: Mutex<Hands>,
    speed: Speed,
}

impl StoryClock {
    /// It stands at a moment.
    pub(super) fn standing(at: Timestamp, speed: Speed) -> StoryClock {
        StoryClock { hands: Mutex::new(Hands { mark: at, since: None, next: None }), speed }
    }

    /// Lets it go, where it goes by itself at all.
    pub(super) fn go(&self) {
        let mut hands = self.hands();
        if let (Speed::Times(_), None) = (self.speed, hands.since) {
            hands.since = Some(Instant::now());
        }
    }

    /// Stops it where it is.
    pub(super) fn stand(&self) {
        let mut hands = self.hands();
        hands.mark = self.shown(&hands);
        hands.since = None;
    }

    /// How long the machine takes until it shows a moment; none where it does not go by itself.
    pub(super) fn takes(&self, until: Timestamp) -> Option<Duration> {
        let hands = self.hands();
        hands.since.map(|_| self.real(until.duration_since(self.shown(&hands))))
    }

    /// Puts a standing clock forward: to the next moment that somebody waits for, at the latest to this one. Whether
    /// it has come there.
    pub(super) fn forward(&self, to: Timestamp) -> bool {
        let mut hands = self.hands();
        let next = hands.next.take().filter(|next| *next > hands.mark).unwrap_or(to).min(to);
        hands.mark = hands.mark.max(next);
        hands.mark >= to
    }

    fn hands(&self) -> MutexGuard<'_, Hands> {
        self.hands.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shown(&self, hands: &Hands) -> Timestamp {
        let (Some(since), Speed::Times(times)) = (hands.since, self.speed) else { return hands.mark };
        let gone = SignedDuration::try_from(since.elapsed().mul_f64(times)).unwrap_or(SignedDuration::MAX);
        hands.mark.checked_add(gone).unwrap_or(Timestamp::MAX)
    }

    fn real(&self, left: SignedDuration) -> Duration {
        let left = Duration::try_from(left).unwrap_or(Duration::ZERO);
        match self.speed {
            Speed::Times(times) => left.div_f64(times),
            Speed::Max => left,
        }
    }
}

impl Clock for StoryClock {
    fn now(&self) -> Timestamp {
        let hands = self.hands();
        self.shown(&hands)
    }

    fn sleep(&self, until: Timestamp) -> Duration {
        let mut hands = self.hands();
        let now = self.shown(&hands);
        if until > now {
            hands.next = Some(hands.next.map_or(until, |next| next.min(until)));
        }
        self.real(until.duration_since(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minute)
    }

    #[test]
    fn a_standing_clock_stops_at_every_moment_that_somebody_waits_for() {
        let clock = StoryClock::standing(at(0), Speed::Max);
        clock.go();
        assert_eq!(clock.sleep(at(30)), Duration::from_mins(30));
        clock.sleep(at(10));
        assert!(!clock.forward(at(20)));
        assert_eq!(clock.now(), at(10));
        // Who waited for it waits for it no more; what others wait for they say again.
        clock.sleep(at(30));
        assert!(clock.forward(at(20)));
        assert_eq!(clock.now(), at(20));
        clock.sleep(at(15));
        assert!(clock.forward(at(20)), "it never goes back");
        assert_eq!((clock.now(), clock.takes(at(30))), (at(20), None));
    }

    #[test]
    fn a_clock_that_goes_is_so_many_times_as_fast_and_says_how_long_that_takes() {
        let clock = StoryClock::standing(at(0), Speed::Times(3_600.0));
        assert_eq!(clock.sleep(at(60)), Duration::from_secs(1));
        clock.go();
        std::thread::sleep(Duration::from_millis(20));
        let seen = clock.now();
        assert!(seen > at(1), "{seen}");
        clock.stand();
        let stood = clock.now();
        std::thread::sleep(Duration::from_millis(5));
        assert_eq!(clock.now(), stood);
    }

    #[test]
    fn what_is_no_speed_is_refused_in_words() {
        assert_eq!("60".parse(), Ok(Speed::Times(60.0)));
        assert_eq!("max".parse(), Ok(Speed::Max));
        for wrong in ["0", "-1", "NaN", "inf", "1e9", "", "60x"] {
            assert!(wrong.parse::<Speed>().unwrap_err().contains("from 1 to 3600"), "{wrong}");
        }
    }
}
