//! Laws of clocks under any order of ticks, restarts, corrections and pauses.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

use huiyin_deadline::Calendar;
use huiyin_deadline::clock::{self, Clock, ClockFact, ClockRule};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use serde_json::json;

const ANCHOR: i64 = 1_709_287_200; // 2024-03-01T10:00:00Z

fn cn() -> &'static Calendar {
    Calendar::builtin("cn").unwrap()
}

fn second(offset: i64) -> Timestamp {
    Timestamp::from_second(ANCHOR + offset).unwrap()
}

fn rule(working_days: bool) -> ClockRule {
    let allowance = if working_days { "2wd" } else { "PT1H" };
    serde_json::from_value(json!({
        "id": "r", "allowance": allowance, "anchor": "occurred_at",
        "warnings": ["50%", "PT10M", "90%"], "pausable": true, "source": "test"
    }))
    .unwrap()
}

#[derive(Clone, Debug)]
enum Step {
    Tick(i64),
    Restart,
    Snapshot,
    Satisfy(i64),
    Reanchor(i64, i64),
    Pause(i64),
    Resume(i64),
}

fn time() -> impl Strategy<Value = i64> {
    prop_oneof![-100i64..7_300, Just(3_600), Just(3_601), Just(1_800), -10_000i64..1_000_000]
}

fn quiet_step() -> impl Strategy<Value = Step> {
    prop_oneof![6 => time().prop_map(Step::Tick), 1 => Just(Step::Restart), 1 => Just(Step::Snapshot)]
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => quiet_step(),
        1 => time().prop_map(Step::Satisfy),
        2 => (time(), time()).prop_map(|(a, b)| Step::Reanchor(a, b)),
        2 => time().prop_map(Step::Pause),
        2 => time().prop_map(Step::Resume),
    ]
}

/// Takes the steps, checking at each what must hold at every moment; refused steps change nothing.
fn run(working_days: bool, started: i64, steps: &[Step]) -> (Vec<ClockFact>, Clock) {
    let mut facts = clock::start(&rule(working_days), "k", "case/1", second(0), second(started), cn()).unwrap();
    let mut state = Clock::replay(&facts).unwrap();
    for step in steps {
        let new = match *step {
            Step::Tick(now) => clock::tick(&state, second(now)),
            Step::Satisfy(now) => clock::satisfy(&state, second(now), "x").unwrap_or_default(),
            Step::Reanchor(anchor, now) => {
                clock::reanchor(&state, second(anchor), "why", "p", second(now), cn()).unwrap_or_default()
            }
            Step::Pause(now) => clock::pause(&state, second(now), "why", "p").unwrap_or_default(),
            Step::Resume(now) => clock::resume(&state, second(now), "p", cn()).unwrap_or_default(),
            Step::Restart => {
                state = Clock::replay(&facts).unwrap();
                Vec::new()
            }
            Step::Snapshot => {
                let text = serde_json::to_string(&state).unwrap();
                state = serde_json::from_str(&text).unwrap();
                Vec::new()
            }
        };
        for fact in &new {
            state.apply(fact).unwrap();
        }
        facts.extend(new);
        if let Step::Tick(now) = *step {
            assert!(clock::tick(&state, second(now)).is_empty(), "tick is idempotent");
        }
    }
    assert_eq!(Clock::replay(&facts).unwrap(), state, "facts replay to the same state");
    (facts, state)
}

fn breaches(facts: &[ClockFact]) -> Vec<(Timestamp, Timestamp, SignedDuration)> {
    let breach = |fact: &ClockFact| match fact {
        ClockFact::Breached { due_at, fired_at, lateness, .. } => Some((*due_at, *fired_at, *lateness)),
        _ => None,
    };
    facts.iter().filter_map(breach).collect()
}

proptest! {
    /// Only ticks and restarts, then satisfied or not: one breach iff it was not satisfied by its due time.
    #[test]
    fn exactly_one_breach_iff_not_satisfied_by_the_due_time(
        working_days: bool,
        started in -100i64..7_000,
        mut times in prop::collection::vec(time(), 0..20),
        restarts in prop::collection::vec(any::<bool>(), 20),
        satisfied in prop::option::of(time()),
    ) {
        let end = times.iter().copied().chain([started]).max().unwrap_or(started);
        times.sort_unstable();
        let before = |limit: i64| times.iter().copied().filter(move |time| (started..=limit).contains(time));
        let satisfied = satisfied.map(|time| time.max(started));
        let mut steps = Vec::new();
        for (time, restart) in before(satisfied.unwrap_or(i64::MAX)).zip(&restarts) {
            steps.push(Step::Tick(time));
            if *restart {
                steps.push(Step::Restart);
            }
        }
        let seen = steps.iter().filter_map(|step| if let Step::Tick(time) = step { Some(*time) } else { None }).max();
        steps.extend(satisfied.map(Step::Satisfy));
        steps.push(Step::Tick(end));
        let (facts, state) = run(working_days, started, &steps);

        let late = match satisfied {
            Some(time) => second(time) > state.due.at,
            None => second(seen.unwrap_or(started).max(end)) > state.due.at,
        };
        let breaches = breaches(&facts);
        prop_assert_eq!(breaches.len(), usize::from(late));
        for (due_at, fired_at, lateness) in breaches {
            prop_assert_eq!(due_at, state.due.at);
            prop_assert_eq!(lateness, fired_at.duration_since(due_at));
            prop_assert!(lateness.is_positive());
        }
        if let Some(satisfied) = state.satisfied {
            prop_assert_eq!(satisfied.on_time, !late);
        }
    }

    /// Ticks at any times in any order: at most one breach, each warning at most once and never after the breach.
    #[test]
    fn disordered_ticks_repeat_nothing(working_days: bool, started in time(), steps in prop::collection::vec(quiet_step(), 0..40)) {
        let (facts, state) = run(working_days, started, &steps);
        prop_assert!(breaches(&facts).len() <= 1);
        let mut given: Vec<_> = state.warned.iter().map(|warned| warned.warning).collect();
        given.sort_unstable();
        let count = given.len();
        given.dedup();
        prop_assert_eq!(given.len(), count);
        let mut breached = false;
        for fact in &facts {
            let warned = matches!(fact, ClockFact::Warned { .. });
            prop_assert!(!(breached && warned));
            breached |= matches!(fact, ClockFact::Breached { .. });
        }
    }

    /// Everything mixed: whatever happens, what stands agrees with the facts, and nothing panics.
    #[test]
    fn anything_at_all(working_days: bool, started in time(), steps in prop::collection::vec(any_step(), 0..40)) {
        let (facts, state) = run(working_days, started, &steps);
        let standing = usize::from(state.breached.is_some());
        prop_assert_eq!(breaches(&facts).len(), standing + state.lifted.len());
        for fact in &facts {
            let text = serde_json::to_string(fact).unwrap();
            prop_assert_eq!(&serde_json::from_str::<ClockFact>(&text).unwrap(), fact);
        }
        // A clock that still has something to say says it when it is woken, and not a moment before.
        if let Some(wake) = clock::next_wake(&state) {
            prop_assert!(!clock::tick(&state, wake).is_empty());
            let before = wake.checked_sub(SignedDuration::from_millis(1)).unwrap();
            prop_assert!(clock::tick(&state, before).is_empty());
        }
    }
}
