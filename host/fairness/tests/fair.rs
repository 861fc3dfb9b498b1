//! The laws of fair queueing: nothing is lost, nobody idles while something
//! waits, each unit's own jobs keep their order, and no unit that waits falls
//! behind another by more than what single jobs cost.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, VecDeque};

use huiyin_fairness::FairQueue;
use proptest::prelude::*;

const UNITS: [&str; 4] = ["a", "b", "c", "d"];

#[derive(Debug, Clone)]
enum Do {
    /// A job of a unit that will cost so much.
    Push(usize, u64),
    /// The server takes the next one.
    Serve,
}

fn doings() -> impl Strategy<Value = Vec<Do>> {
    let push = (0..UNITS.len(), 1..2_000_u64).prop_map(|(unit, cost)| Do::Push(unit, cost));
    prop::collection::vec(prop_oneof![push, Just(Do::Serve)], 1..400)
}

proptest! {
    #[test]
    fn nothing_is_lost_nothing_idles_and_a_units_own_order_stands(doings in doings()) {
        let mut fair: FairQueue<(), (usize, u64)> = FairQueue::default();
        let mut waiting: BTreeMap<usize, VecDeque<u64>> = BTreeMap::new();
        for (n, doing) in (0_u64..).zip(doings) {
            match doing {
                Do::Push(unit, cost) => {
                    // The job's number stands for itself.
                    fair.push(UNITS[unit], (), (unit, n));
                    waiting.entry(unit).or_default().push_back(n);
                    let _ = cost;
                }
                Do::Serve => {
                    let left: usize = waiting.values().map(VecDeque::len).sum();
                    prop_assert_eq!(fair.waiting(), left);
                    match fair.pop(|_, ()| true) {
                        None => prop_assert_eq!(left, 0, "it idled while something waited"),
                        Some(((unit, job), ticket)) => {
                            prop_assert_eq!(waiting.get_mut(&unit).and_then(VecDeque::pop_front), Some(job));
                            fair.done(ticket, n);
                        }
                    }
                }
            }
        }
        for (unit, jobs) in &waiting {
            prop_assert_eq!(fair.waiting_of(UNITS[*unit]), jobs.len());
        }
    }

    /// Two units that both always have something waiting: between any two
    /// moments, what they were served differs by no more than two of the dearest jobs.
    #[test]
    fn units_that_wait_are_served_alike(costs in prop::collection::vec((0..2_usize, 1..5_000_u64), 50..400)) {
        let mut fair: FairQueue<(), u64> = FairQueue::default();
        let (mut dearest, mut served, mut least, mut most) = (0_i64, [0_i64; 2], 0_i64, 0_i64);
        for (unit, cost) in &costs {
            fair.push(UNITS[*unit], (), *cost);
            dearest = dearest.max(*cost as i64);
        }
        while fair.waiting_of("a") > 0 && fair.waiting_of("b") > 0 {
            let before = [fair.waiting_of("a"), fair.waiting_of("b")];
            let (cost, ticket) = fair.pop(|_, ()| true).unwrap();
            served[usize::from(fair.waiting_of("a") == before[0])] += cost as i64;
            fair.done(ticket, cost);
            let gap = served[0] - served[1];
            (least, most) = (least.min(gap), most.max(gap));
            prop_assert!(most - least <= 2 * dearest, "{} apart, the dearest job costs {}", most - least, dearest);
        }
    }

    /// However many jobs a unit floods the queue with, and whatever each of
    /// them costs, one that comes in later waits for at most a few of them.
    #[test]
    fn a_flood_costs_a_newcomer_its_share_and_no_more(
        flood in 1..2_000_usize, cost in 1..10_000_u64, head_start in 0..500_usize, others in 1..3_usize,
    ) {
        let mut fair: FairQueue<(), usize> = FairQueue::default();
        for at in 0..flood * others {
            fair.push(UNITS[1 + at % others], (), 1);
        }
        for _ in 0..head_start {
            if let Some((_, ticket)) = fair.pop(|_, ()| true) {
                fair.done(ticket, cost);
            }
        }
        fair.push("a", (), 0);
        let mut before = 0;
        while let Some((unit, ticket)) = fair.pop(|_, ()| true) {
            fair.done(ticket, cost);
            if unit == 0 {
                break;
            }
            before += 1;
        }
        prop_assert!(before <= 2 * others, "{before} jobs of {others} flooding units were served first");
    }

    /// What may not run now is passed over, not waited for.
    #[test]
    fn a_class_that_must_wait_holds_up_no_other(jobs in prop::collection::vec((0..UNITS.len(), 0..3_u8), 1..100), shut in 0..3_u8) {
        let mut fair: FairQueue<u8, u8> = FairQueue::default();
        for (unit, class) in &jobs {
            fair.push(UNITS[*unit], *class, *class);
        }
        let mut served = 0;
        while let Some((class, ticket)) = fair.pop(|_, class| *class != shut) {
            prop_assert_ne!(class, shut);
            fair.done(ticket, 1);
            served += 1;
        }
        prop_assert_eq!(served, jobs.iter().filter(|(_, class)| *class != shut).count());
        prop_assert_eq!(fair.waiting(), jobs.len() - served);
        while let Some((_, ticket)) = fair.pop(|_, _| true) {
            fair.done(ticket, 1);
            served += 1;
        }
        prop_assert_eq!(served, jobs.len());
    }
}

#[test]
fn a_unit_at_its_bound_waits_and_the_others_do_not() {
    let mut fair: FairQueue<(), &str> = FairQueue::default();
    for _ in 0..3 {
        fair.push("a", (), "a");
    }
    fair.push("b", (), "b");
    let may = |running: usize, (): &()| running < 2;
    let mut out = Vec::new();
    while let Some(taken) = fair.pop(may) {
        out.push(taken);
    }
    let mut order: Vec<&str> = out.iter().map(|(job, _)| *job).collect();
    order.sort_unstable();
    assert_eq!((order.as_slice(), fair.waiting()), (&["a", "a", "b"][..], 1));
    for (_, ticket) in out {
        fair.done(ticket, 10);
    }
    assert_eq!(fair.pop(may).map(|(job, _)| job), Some("a"));
}
