//! Laws of deciding about a schedule's times: each exactly once, none lost that the policy keeps, in order, and the
//! same again after a restart; also on the days when clocks change.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

use std::collections::BTreeMap;

use huiyin_deadline::schedule::{CatchUp, LATE, Overlap, Policy, Schedule, Standing, Step, Why, decide, upcoming};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use serde_json::json;

fn schedule(value: serde_json::Value) -> Schedule {
    serde_json::from_value(value).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A host that follows a schedule, as the engine does: what is decided is put on record and told back.
struct Host {
    schedule: Schedule,
    policy: Policy,
    standing: Standing,
    now: Timestamp,
    started: Vec<Timestamp>,
    queued: Vec<Timestamp>,
    missed: Vec<(Timestamp, Timestamp, u32, Why)>,
    /// Times that were missed in spans too long to count.
    uncounted: bool,
    most_running: usize,
}

impl Host {
    fn new(schedule: Schedule, policy: Policy, since: Timestamp) -> Host {
        Host {
            schedule,
            policy,
            standing: Standing::new(since),
            now: since,
            started: Vec::new(),
            queued: Vec::new(),
            missed: Vec::new(),
            uncounted: false,
            most_running: 0,
        }
    }

    fn look(&mut self) -> Option<Timestamp> {
        let plan = decide(&self.schedule, &self.policy, "seed", &self.standing, self.now);
        let again = decide(&self.schedule, &self.policy, "seed", &self.standing, self.now);
        assert_eq!(plan, again, "the same is decided after a crash before anything was kept");
        for step in &plan.steps {
            let decided = match step {
                Step::Start { due, waited, replaces } => {
                    if *replaces {
                        self.standing.running = 0;
                    }
                    self.standing.running += 1;
                    self.started.push(*due);
                    if *waited {
                        assert_eq!(self.standing.waiting.remove(0), *due);
                    }
                    *due
                }
                Step::Queue { due } => {
                    self.queued.push(*due);
                    self.standing.waiting.push(*due);
                    *due
                }
                Step::Miss(miss) => {
                    assert!(miss.first <= miss.last && miss.count > 0);
                    self.uncounted |= miss.more;
                    self.missed.push((miss.first, miss.last, miss.count, miss.why));
                    miss.last
                }
            };
            self.standing.due = self.standing.due.max(Some(decided));
            if self.policy.overlap != Overlap::Allow {
                self.most_running = self.most_running.max(self.standing.running);
            }
        }
        let after = decide(&self.schedule, &self.policy, "seed", &self.standing, self.now);
        assert_eq!(after.steps, [], "decided about twice");
        if !matches!(self.schedule, Schedule::After { .. }) {
            assert_eq!(after.wake, plan.wake);
        }
        if let Some(wake) = after.wake {
            assert!(wake > self.now, "it would be woken for nothing");
        }
        after.wake
    }

    fn end_a_run(&mut self) {
        if self.standing.running > 0 {
            self.standing.running -= 1;
            self.standing.ended = Some(self.now);
        }
    }

    /// Every time since the beginning has exactly one fate.
    fn account(&self) {
        let mut fates: BTreeMap<Timestamp, u32> = BTreeMap::new();
        for due in self.started.iter().filter(|due| !self.queued.contains(due)).chain(&self.queued) {
            *fates.entry(*due).or_default() += 1;
        }
        assert!(fates.values().all(|times| *times == 1), "a time came twice: {fates:?}");
        let of_queue: Vec<_> = self.started.iter().filter(|due| self.queued.contains(due)).collect();
        assert_eq!(of_queue.len() + self.standing.waiting.len(), self.queued.len(), "a queued time was lost");
        assert!(self.started.is_sorted() || self.queued.is_sorted());
        if matches!(self.schedule, Schedule::After { .. }) || self.uncounted {
            return;
        }
        let since = self.standing.since;
        let all = self.schedule.missed(since, self.standing.due.unwrap_or(since), 1_000_000).fires;
        let missed: u32 = self.missed.iter().map(|(_, _, count, _)| count).sum();
        assert_eq!(fates.len() + missed as usize, all.len(), "a time was lost, or made up");
        for (first, last, count, _) in &self.missed {
            let span = all.iter().filter(|due| *due >= first && *due <= last).count();
            assert_eq!(span, *count as usize);
            assert!(fates.keys().all(|due| due < first || due > last), "missed and started");
        }
    }
}

fn schedules() -> impl Strategy<Value = (Schedule, Timestamp)> {
    let cron = prop_oneof![
        Just("*/7 * * * *"),
        Just("0 * * * *"),
        Just("30 2 * * *"),
        Just("0 8 * * 1-5"),
        Just("15,45 1-3 * * *")
    ];
    let zone = prop_oneof![Just("Asia/Shanghai"), Just("Europe/Berlin"), Just("America/New_York"), Just("UTC")];
    // A little before clocks change, in either direction.
    let since = prop_oneof![
        Just("2026-03-28T20:00:00Z"),
        Just("2026-10-24T20:00:00Z"),
        Just("2026-11-01T00:00:00Z"),
        Just("2026-06-01T03:00:30Z")
    ];
    prop_oneof![
        (cron, zone, since.clone()).prop_map(|(c, z, s)| (schedule(json!({"cron": c, "zone": z})), at(s))),
        (1_i64..10_000, since.clone())
            .prop_map(|(n, s)| (schedule(json!({"every": format!("PT{n}S"), "anchor": s})), at(s))),
        (1_i64..10_000, since).prop_map(|(n, s)| (schedule(json!({"after": format!("PT{n}S")})), at(s))),
    ]
}

fn policies() -> impl Strategy<Value = Policy> {
    let overlap = prop_oneof![
        Just(Overlap::Allow),
        Just(Overlap::Skip),
        (1_usize..4).prop_map(|limit| Overlap::Queue { limit }),
        Just(Overlap::Replace)
    ];
    let hours = |n: i64| SignedDuration::from_mins(n * 20);
    let catch_up = prop_oneof![
        Just(CatchUp::None),
        proptest::option::of(1_i64..40).prop_map(move |n| CatchUp::Last { within: n.map(hours) }),
        (1_i64..40, 1_usize..30).prop_map(move |(n, limit)| CatchUp::All { within: hours(n), limit })
    ];
    let jitter = proptest::option::of((1_i64..3_000).prop_map(SignedDuration::from_secs));
    (overlap, catch_up, jitter).prop_map(|(overlap, catch_up, jitter)| Policy { overlap, catch_up, jitter })
}

#[derive(Debug, Clone)]
enum Deed {
    /// The host sleeps until it is woken.
    Wake,
    /// So many seconds pass without anybody looking.
    Away(i64),
    EndRun,
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    proptest::collection::vec(
        prop_oneof![4 => Just(Deed::Wake), 2 => (1_i64..200_000).prop_map(Deed::Away), 3 => Just(Deed::EndRun)],
        1..40,
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn each_time_has_one_fate((schedule, since) in schedules(), policy in policies(), deeds in deeds()) {
        let mut host = Host::new(schedule, policy.clone(), since);
        let mut wake = host.look();
        for deed in deeds {
            match deed {
                Deed::Wake => {
                    let Some(to) = wake else { continue };
                    host.now = to;
                    let before = (host.started.len(), host.queued.len(), host.missed.len());
                    wake = host.look();
                    prop_assert_ne!(before, (host.started.len(), host.queued.len(), host.missed.len()), "woken for nothing");
                }
                Deed::Away(seconds) => {
                    host.now = host.now.checked_add(SignedDuration::from_secs(seconds)).unwrap();
                    wake = host.look();
                }
                Deed::EndRun => {
                    host.end_a_run();
                    wake = host.look();
                }
            }
            host.account();
            if matches!(policy.overlap, Overlap::Skip | Overlap::Queue { .. }) {
                prop_assert!(host.most_running <= 1, "two at once");
            }
            if let Overlap::Queue { limit } = policy.overlap {
                prop_assert!(host.standing.waiting.len() <= limit);
            }
        }
        // What is made up for is what the policy says: never more than it keeps.
        if policy.catch_up == CatchUp::None {
            prop_assert!(host.missed.iter().all(|(first, ..)| *first > since));
        }
    }

    #[test]
    fn a_host_that_is_there_misses_nothing((schedule, since) in schedules(), jitter in proptest::option::of(1_i64..3_000)) {
        let policy = Policy {
            overlap: Overlap::Allow,
            catch_up: CatchUp::None,
            jitter: jitter.map(SignedDuration::from_secs),
        };
        let mut host = Host::new(schedule, policy, since);
        let mut wake = host.look();
        for _ in 0..50 {
            let Some(to) = wake else { break };
            host.now = to;
            wake = host.look();
            if wake.is_none() {
                host.end_a_run();
                wake = host.look();
            }
        }
        prop_assert_eq!(&host.missed, &[]);
        prop_assert!(host.started.len() >= 50, "{}", host.started.len());
        host.account();
    }

    #[test]
    fn all_within_the_window_are_made_up_for(
        (schedule, since) in schedules(), away in 120_i64..400_000, within in 1_i64..200, limit in 1_usize..50,
    ) {
        prop_assume!(!matches!(schedule, Schedule::After { .. }));
        let within = SignedDuration::from_mins(within * 10);
        let policy = Policy { catch_up: CatchUp::All { within, limit }, ..Policy::default() };
        let mut host = Host::new(schedule.clone(), policy, since);
        host.look();
        host.now = since.checked_add(SignedDuration::from_secs(away)).unwrap();
        host.look();
        let all = schedule.missed(since, host.now, 1_000_000).fires;
        let now = host.now;
        let mut kept: Vec<Timestamp> = all.iter().copied().filter(|due| now.duration_since(*due) <= within).collect();
        kept.drain(..kept.len().saturating_sub(limit));
        if kept.is_empty() {
            kept.extend(all.last().copied().filter(|due| now.duration_since(*due) <= LATE));
        }
        prop_assert_eq!(&host.started, &kept);
        host.account();
    }

    #[test]
    fn the_latest_is_the_last_of_all((schedule, since) in schedules(), span in 0_i64..300_000) {
        prop_assume!(!matches!(schedule, Schedule::After { .. }));
        let to = since.checked_add(SignedDuration::from_secs(span)).unwrap();
        let all = schedule.missed(since, to, 1_000_000).fires;
        prop_assert_eq!(schedule.latest(since, to), all.last().copied());
    }

    #[test]
    fn what_is_announced_comes((schedule, since) in schedules(), jitter in proptest::option::of(1_i64..600)) {
        let policy = Policy { jitter: jitter.map(SignedDuration::from_secs), ..Policy::default() };
        let mut host = Host::new(schedule, policy, since);
        let announced = upcoming(&host.schedule, &host.policy, "seed", &host.standing, since, 5);
        let mut wake = host.look();
        while host.started.len() < announced.len() {
            host.now = wake.unwrap();
            wake = host.look();
        }
        let due: Vec<Timestamp> = announced.iter().map(|next| next.due).collect();
        prop_assert_eq!(&host.started[..due.len()], &due[..]);
    }
}

#[test]
fn one_for_all_that_were_missed_unless_told_otherwise() {
    let hourly = schedule(json!({"every": "PT1H", "anchor": "2026-01-01T00:00:00Z"}));
    let mut host = Host::new(hourly, Policy::default(), at("2026-01-01T00:00:00Z"));
    host.now = at("2026-01-01T05:30:00Z");
    host.look();
    assert_eq!(host.started, [at("2026-01-01T05:00:00Z")]);
    let missed = (at("2026-01-01T01:00:00Z"), at("2026-01-01T04:00:00Z"), 4, Why::Late);
    assert_eq!(host.missed, [missed]);
}

#[test]
fn a_jitter_longer_than_the_distance_makes_no_time_late() {
    let minutely = schedule(json!({"every": "PT1M", "anchor": "2026-01-01T00:00:00Z"}));
    let policy = Policy { jitter: Some(SignedDuration::from_mins(30)), ..Policy::default() };
    let mut host = Host::new(minutely, policy, at("2026-01-01T00:00:00Z"));
    let mut wake = host.look();
    while host.started.len() < 500 {
        host.now = wake.unwrap();
        wake = host.look();
    }
    assert_eq!(host.missed, []);
    // Away for two hours, the latest of those that fired meanwhile stands for the others.
    host.now = host.now.checked_add(SignedDuration::from_hours(2)).unwrap();
    let before = host.started.len();
    host.look();
    let missed: u32 = host.missed.iter().map(|(_, _, count, _)| count).sum();
    assert!((60..180).contains(&missed) && host.started.len() - before < 30, "{missed}, {}", host.started.len());
}

#[test]
fn years_of_seconds_are_made_up_for_in_a_moment() {
    let often = schedule(json!({"every": "PT0.001S", "anchor": "2020-01-01T00:00:00Z"}));
    let policy =
        Policy { catch_up: CatchUp::All { within: SignedDuration::from_hours(1), limit: 3 }, ..Policy::default() };
    let mut host = Host::new(often, policy, at("2020-01-01T00:00:00Z"));
    host.now = at("2026-01-01T00:00:00Z");
    // Two hundred thousand million times one by one would take hours.
    host.look();
    assert_eq!(host.started.len(), 3);
    assert!(host.uncounted);
}
