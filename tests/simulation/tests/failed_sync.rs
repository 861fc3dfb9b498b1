//! What a sync that failed leaves in the system's cache must not be taken for
//! durable by the next start. Found by the simulation.

#![allow(clippy::unwrap_used)] // clippy's settings for tests do not reach helpers

use std::sync::Arc;

use huiyin_journal::{Draft, Journal as _, Options, SegmentJournal};
use huiyin_simulation::disk::{Cut, SimDisk, Trouble};
use huiyin_simulation::host::{FOLDER, outcome};
use huiyin_simulation::random::Random;

fn draft(key: &str) -> Draft {
    Draft {
        kind: "huiyin.test.happened.v1".into(),
        subject: "case/1".into(),
        time: "2026-03-01T08:00:00Z".parse().unwrap(),
        actor: "system:engine".into(),
        unit: None,
        causation: None,
        key: key.into(),
        payload: vec![b'x'; 2_000],
    }
}

#[test]
fn what_a_start_takes_for_durable_is_durable() {
    for seed in 0..40 {
        let disk = SimDisk::new(Random::new(seed));
        let options = || Options { disk: Arc::new(disk.clone()), segment_bytes: 4_096, ..Options::default() };
        let (journal, mut stepper) = SegmentJournal::open_stepped(FOLDER, options()).unwrap();
        // A new key each time, so that the ring is written too.
        let mut first = journal.append(0, 0, vec![draft("case:1")]);
        assert!(stepper.step() && outcome(&mut first).unwrap().is_ok());
        disk.set_trouble(Some(Trouble::SyncFailsAndForgets));
        let mut second = journal.append(0, 1, vec![draft("case:2")]);
        assert!(!stepper.step() && outcome(&mut second).unwrap().is_err());
        drop((journal, stepper));
        // The process starts again; the machine has not stopped.
        let (journal, mut stepper) = SegmentJournal::open_stepped(FOLDER, options()).unwrap();
        let (found, last) = (journal.size(), journal.last_seq(0));
        let mut third = journal.append(0, last, vec![draft("case:3")]);
        assert!(stepper.step() && outcome(&mut third).unwrap().is_ok());
        drop((journal, stepper));
        disk.cut_power(Cut::Clean);
        let (journal, _stepper) = SegmentJournal::open_stepped(FOLDER, options()).unwrap();
        assert_eq!(journal.size(), found + 1, "seed {seed}");
        assert!(journal.read_all(0).unwrap().all(|record| record.is_ok()), "seed {seed}");
    }
}
