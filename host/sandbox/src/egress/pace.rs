//! How many requests a plugin, a workflow and a unit may have under way, and
//! how fast they may follow each other. A request over that waits its turn, as
//! long as its call has time; otherwise it is refused with the seconds to wait.
//!
//! Whoever asks first goes first. Nothing here knows what is asked for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::traffic::Paced;

/// A bound on requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Requests under way at once, until their answers are read; 0 for no bound.
    pub concurrent: u32,
    /// Requests a second in the long run; 0 for no bound.
    pub per_second: u32,
    /// How many of them may come at once after a rest.
    pub burst: u32,
}

impl Pace {
    /// For one plugin or workflow, unless told.
    pub const PLUGIN: Self = Self { concurrent: 32, per_second: 100, burst: 200 };
    /// For all plugins and workflows of one unit together, unless told.
    pub const UNIT: Self = Self { concurrent: 64, per_second: 200, burst: 400 };
}

/// Who sends a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asker {
    /// The plugin's name, or the workflow's `namespace/name`.
    pub name: String,
    /// The unit on whose behalf; empty for none.
    pub unit: String,
}

/// A token bucket, kept as the time at which it would be full (the generic
/// cell rate algorithm, ITU-T I.371 annex A). Pure: the time comes in.
#[derive(Debug)]
struct Bucket {
    interval: Duration,
    slack: Duration,
    full_at: Option<Instant>,
}

impl Bucket {
    fn new(pace: Pace) -> Option<Self> {
        let interval = Duration::from_secs(1).checked_div(pace.per_second)?;
        Some(Self { interval, slack: interval.saturating_mul(pace.burst.saturating_sub(1)), full_at: None })
    }

    /// Takes the next place in the queue and says how long to wait for it; or,
    /// where that is longer than `patience`, takes none and says how long.
    fn take(&mut self, now: Instant, patience: Duration) -> Result<Duration, Duration> {
        let full_at = self.full_at.map_or(now, |at| at.max(now));
        let wait = full_at.saturating_duration_since(now).saturating_sub(self.slack);
        if wait > patience {
            return Err(wait);
        }
        self.full_at = Some(full_at + self.interval);
        Ok(wait)
    }

    fn rested(&self, now: Instant) -> bool {
        self.full_at.is_none_or(|at| at <= now)
    }
}

#[derive(Debug)]
struct Gate {
    places: Option<Arc<Semaphore>>,
    bucket: Option<Mutex<Bucket>>,
}

impl Gate {
    fn new(pace: Pace) -> Self {
        let places = (pace.concurrent > 0).then(|| Arc::new(Semaphore::new(pace.concurrent as usize)));
        Self { places, bucket: Bucket::new(pace).map(Mutex::new) }
    }

    fn idle(&self, concurrent: u32, now: Instant) -> bool {
        self.places.as_ref().is_none_or(|places| places.available_permits() == concurrent as usize)
            && self
                .bucket
                .as_ref()
                .is_none_or(|bucket| bucket.lock().unwrap_or_else(PoisonError::into_inner).rested(now))
    }
}

/// Held while a request is under way.
#[derive(Debug, Default)]
pub(super) struct Turn {
    _places: Vec<OwnedSemaphorePermit>,
}

/// Gates remembered before idle ones are let go.
const KEPT: usize = 1_024;

/// The gates of a host.
#[derive(Debug)]
pub(super) struct Paces {
    plugin: Pace,
    unit: Pace,
    gates: Mutex<HashMap<(bool, String), Arc<Gate>>>,
}

impl Paces {
    pub(super) fn new(plugin: Pace, unit: Pace) -> Self {
        Self { plugin, unit, gates: Mutex::default() }
    }

    /// Waits for a turn, at most until `deadline`.
    pub(super) async fn turn(&self, asker: &Asker, deadline: Instant) -> Result<Turn, Paced> {
        let mut places = Vec::new();
        let mut doors = Vec::new();
        if !asker.name.is_empty() {
            doors.push((false, &asker.name, self.plugin, "perPlugin"));
        }
        if !asker.unit.is_empty() {
            doors.push((true, &asker.unit, self.unit, "perUnit"));
        }
        for (is_unit, name, pace, key) in doors {
            let gate = self.gate(is_unit, name, pace);
            let name = name.escape_debug();
            let whose = if is_unit { format!("the unit `{name}`") } else { format!("`{name}`") };
            if let Some(bucket) = &gate.bucket {
                let patience = patience(deadline);
                let wait = bucket.lock().unwrap_or_else(PoisonError::into_inner).take(Instant::now(), patience);
                match wait {
                    Ok(wait) if wait.is_zero() => {}
                    Ok(wait) => tokio::time::sleep(wait).await,
                    Err(wait) => {
                        return Err(Paced {
                            what: format!(
                                "the requests of {} follow each other faster than `egress.{key}.perSecond` of {} allows",
                                whose, pace.per_second
                            ),
                            seconds: u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1),
                        });
                    }
                }
            }
            if let Some(free) = &gate.places {
                let free = Arc::clone(free).acquire_owned();
                match tokio::time::timeout(patience(deadline), free).await {
                    Ok(Ok(place)) => places.push(place),
                    _ => {
                        return Err(Paced {
                            what: format!(
                                "{} has as many requests under way as `egress.{key}.concurrent` of {} allows",
                                whose, pace.concurrent
                            ),
                            seconds: 1,
                        });
                    }
                }
            }
        }
        Ok(Turn { _places: places })
    }

    fn gate(&self, is_unit: bool, name: &str, pace: Pace) -> Arc<Gate> {
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (is_unit, name.to_owned());
        if let Some(gate) = gates.get(&key) {
            return Arc::clone(gate);
        }
        if gates.len() >= KEPT {
            let now = Instant::now();
            let (plugin, unit) = (self.plugin.concurrent, self.unit.concurrent);
            gates.retain(|(is_unit, _), gate| {
                Arc::strong_count(gate) > 1 || !gate.idle(if *is_unit { unit } else { plugin }, now)
            });
        }
        let gate = Arc::new(Gate::new(pace));
        gates.insert(key, Arc::clone(&gate));
        gate
    }
}

/// Nine tenths of the time that is left: the refusal should come before the
/// end of the call does.
fn patience(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now()).mul_f64(0.9)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// In no stretch of time do more pass than the burst and the rate allow.
        #[test]
        fn no_more_pass_than_allowed(
            per_second in 1_u32..50, burst in 1_u32..20, gaps in prop::collection::vec(0_u64..400, 1..120),
        ) {
            let mut bucket = Bucket::new(Pace { concurrent: 0, per_second, burst }).unwrap();
            let start = Instant::now();
            let mut now = start;
            let mut passed = Vec::new();
            for gap in gaps {
                now += Duration::from_millis(gap);
                if let Ok(wait) = bucket.take(now, Duration::from_secs(1)) {
                    prop_assert!(wait <= Duration::from_secs(1));
                    passed.push(now + wait);
                }
            }
            prop_assert!(passed.is_sorted(), "whoever asks first goes first");
            for (at, first) in passed.iter().enumerate() {
                for (count, last) in passed[at..].iter().enumerate() {
                    let allowed = f64::from(burst) + (*last - *first).as_secs_f64() * f64::from(per_second);
                    prop_assert!((count + 1) as f64 <= allowed + 1e-3, "{} in {:?}", count + 1, *last - *first);
                }
            }
        }

        /// A refusal takes no place, and waiting as long as it says is enough.
        #[test]
        fn waiting_as_long_as_told_is_enough(per_second in 1_u32..50, burst in 1_u32..20, asked in 1_usize..60) {
            let mut bucket = Bucket::new(Pace { concurrent: 0, per_second, burst }).unwrap();
            let now = Instant::now();
            for _ in 0..asked {
                if let Err(wait) = bucket.take(now, Duration::ZERO) {
                    prop_assert_eq!(bucket.take(now, Duration::ZERO), Err(wait));
                    prop_assert_eq!(bucket.take(now + wait, Duration::ZERO), Ok(Duration::ZERO));
                    break;
                }
            }
        }
    }

    #[tokio::test]
    async fn idle_gates_are_let_go_and_held_ones_are_not() {
        let paces = Paces::new(Pace { concurrent: 1, per_second: 0, burst: 0 }, Pace::UNIT);
        let soon = || Instant::now() + Duration::from_millis(50);
        let held = Asker { name: "held".to_owned(), unit: String::new() };
        let turn = paces.turn(&held, soon()).await.unwrap();
        for at in 0..2 * KEPT {
            paces.turn(&Asker { name: at.to_string(), unit: String::new() }, soon()).await.unwrap();
        }
        assert!(paces.gates.lock().unwrap().len() <= KEPT + 1);
        let paced = paces.turn(&held, soon()).await.unwrap_err();
        assert!(paced.what.contains("egress.perPlugin.concurrent"), "{paced}");
        drop(turn);
        paces.turn(&held, soon()).await.unwrap();
    }
}
