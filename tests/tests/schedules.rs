//! Schedules on real hosts with a clock that is set by hand: runs that overlap,
//! times that passed while the host was down, pauses, restarts in the middle.

// Clippy's settings for tests do not reach helper functions of integration tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::sync::Arc;

use huiyin_engine::partition::PauseCommand;
use huiyin_engine::record::Entry;
use huiyin_engine::shell::Clock as _;
use huiyin_engine::state::Run;
use huiyin_engine::{Engine, Refusal};
use huiyin_tests::house::{House, SetClock, ended, plugin, until};
use huiyin_tests::log;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// What a stopped host's journal says of schedules, in order.
fn said(data: &Path) -> Vec<Entry> {
    let all = log::entries(data).unwrap().into_iter();
    all.filter(|entry| entry.kind().starts_with("huiyin.schedule.")).collect()
}

/// A host with one hourly workflow.
struct Hourly {
    house: House,
    clock: Arc<SetClock>,
    began: Timestamp,
}

/// How long a slow run takes: one of the first hour ends ten minutes before the fourth.
const WORK: &str = "PT170M";

impl Hourly {
    fn new(policy: &Value, work: &Value) -> Hourly {
        let mut house = House::with(&[]).unwrap();
        let clock = SetClock::now_standing();
        house.clock = Some(clock.clone());
        let rest = json!({"schedule": {"every": {"hours": 1}}, "do": work});
        house.workflow("hourly", &[], &rest).unwrap();
        let mut hourly = Hourly { house, began: clock.now(), clock };
        hourly.policy(policy);
        hourly
    }

    fn slow(policy: &Value) -> Hourly {
        Hourly::new(policy, &json!([{"work": {"wait": WORK}}]))
    }

    /// Writes what the workflow says of its schedule.
    fn policy(&mut self, policy: &Value) {
        let file = self.house.folder.path().join("hourly.json");
        let mut text: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        text["document"]["metadata"] = json!({"huiyin": policy});
        std::fs::write(&file, text.to_string()).unwrap();
    }

    async fn start(&self) -> Engine {
        self.house.on_disk().await.unwrap()
    }

    fn forward(&self, minutes: i64) {
        self.clock.forward(SignedDuration::from_mins(minutes));
    }

    /// Hours since the beginning.
    fn hour(&self, at: Timestamp) -> i64 {
        at.duration_since(self.began).as_hours()
    }

    /// The hours that runs stand for, as their triggers say.
    fn due(&self, trigger: &str) -> i64 {
        self.hour(trigger.strip_prefix("schedule:").unwrap().parse().unwrap())
    }

    /// Hours whose runs are under way: past their first turn, so that moving
    /// the clock no longer moves the beginning of their work.
    async fn running(&self, engine: &Engine) -> Vec<i64> {
        let begun = |r: &Run| (r.trigger.clone(), r.input.is_none());
        let all = engine.look_all(move |s, _| s.runs.values().map(begun).collect::<Vec<_>>()).await.unwrap();
        let all: Vec<(String, bool)> = all.into_iter().flatten().collect();
        // One that has yet to begin is neither under way nor over.
        let mut hours: Vec<i64> =
            all.iter().map(|(trigger, begun)| if *begun { self.due(trigger) } else { -1 }).collect();
        hours.sort_unstable();
        hours
    }

    async fn wait_for(&self, engine: &Engine, hours: &[i64]) {
        let seen = std::sync::Mutex::new(Vec::new());
        let found = until("those runs", async || {
            let running = self.running(engine).await;
            seen.lock().unwrap().clone_from(&running);
            Ok((running == hours).then_some(()))
        });
        if let Err(error) = found.await {
            panic!("{error}: {hours:?}; there were {:?}", seen.lock().unwrap());
        }
    }

    /// Waits until it is decided what becomes of an hour.
    async fn decided(&self, engine: &Engine, hour: i64) {
        until("the hour", async || {
            let rows = engine.schedules(1).await.map_err(|e| e.to_string())?;
            Ok((rows[0].last.map(|due| self.hour(due)) == Some(hour)).then_some(()))
        })
        .await
        .unwrap();
    }

    async fn started(engine: &Engine) -> u64 {
        engine.look_all(|s, _| s.started).await.unwrap().into_iter().sum()
    }

    /// Fired hours and missed hours (first, last, why), as on record.
    fn record(&self) -> (Vec<i64>, Vec<(i64, i64, String)>) {
        let (mut fired, mut missed) = (Vec::new(), Vec::new());
        for entry in said(&self.house.data()) {
            match entry {
                Entry::ScheduleFired(x) => fired.push(self.hour(x.due)),
                Entry::ScheduleMissed(x) => missed.push((self.hour(x.first), self.hour(x.last), x.why)),
                _ => {}
            }
        }
        (fired, missed)
    }
}

async fn stop(engine: Engine) {
    engine.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn host_11_a_clock_that_leapt_ahead_and_came_back_silences_no_schedule() {
    const DAY: i64 = 24 * 60;
    let mut house = House::with(&[]).unwrap();
    let clock = SetClock::now_standing();
    house.clock = Some(clock.clone());
    let work = json!([{"work": {"set": {"done": true}}}]);
    for (name, schedule) in [
        ("every", json!({"every": {"hours": 1}})),
        ("cron", json!({"cron": "30 * * * *"})),
        ("after", json!({"after": {"minutes": 50}})),
    ] {
        house.workflow(name, &[], &json!({"schedule": schedule, "do": work})).unwrap();
    }
    let mut engine = house.on_disk().await.unwrap();
    let runs = async |engine: &Engine| {
        let mut counts = [0; 3];
        for run in ended(engine).await.unwrap() {
            let name = engine.workflows().into_iter().find(|w| w.deployment == run.deployment).unwrap().name;
            let at = ["tests/every", "tests/cron", "tests/after"].iter().position(|known| *known == name).unwrap();
            counts[at] += 1;
        }
        counts
    };
    let each_fires = async |engine: &Engine, times: u32| {
        for _ in 0..times {
            let before = runs(engine).await;
            clock.forward(SignedDuration::from_mins(60));
            until("each schedule to fire", async || {
                let now = runs(engine).await;
                Ok(now.iter().zip(before).all(|(now, before)| *now > before).then_some(()))
            })
            .await
            .unwrap();
        }
    };
    each_fires(&engine, 2).await;
    // A day ahead: all three fire there. And back.
    clock.forward(SignedDuration::from_mins(DAY));
    let before = runs(&engine).await;
    until("each to fire a day ahead", async || {
        let now = runs(&engine).await;
        Ok(now.iter().zip(before).all(|(now, before)| *now > before).then_some(()))
    })
    .await
    .unwrap();
    clock.forward(SignedDuration::from_mins(-DAY));
    let set_back = || said(&house.data()).into_iter().filter(|e| matches!(e, Entry::ScheduleSetBack(_))).count();
    until("it to be noticed", async || {
        let rows = engine.schedules(1).await.map_err(|e| e.to_string())?;
        let now = clock.now();
        Ok(rows.iter().all(|row| row.last.is_none_or(|last| last <= now)).then_some(()))
    })
    .await
    .unwrap();
    each_fires(&engine, 3).await;
    stop(engine).await;
    assert_eq!(set_back(), 3, "it is said once of each");
    // What was said is enough for the next start.
    engine = house.on_disk().await.unwrap();
    each_fires(&engine, 1).await;
    stop(engine).await;
    assert_eq!(set_back(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn host_11_a_host_that_stopped_while_the_clock_was_ahead_goes_on_at_the_right_time() {
    let hourly = Hourly::new(&json!({}), &json!([{"work": {"set": {"done": true}}}]));
    let first = hourly.start().await;
    hourly.forward(24 * 60);
    hourly.decided(&first, 24).await;
    stop(first).await;
    hourly.forward(-23 * 60);
    let second = hourly.start().await;
    let before = Hourly::started(&second).await;
    hourly.forward(60);
    until("the next hour", async || Ok((Hourly::started(&second).await > before).then_some(()))).await.unwrap();
    stop(second).await;
    assert_eq!(hourly.record().0, [24, 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn host_11_a_clock_before_1970_is_refused_and_nothing_is_made() {
    let mut house = House::with(&[]).unwrap();
    let clock = SetClock::now_standing();
    house.clock = Some(clock.clone());
    clock.forward(SignedDuration::from_hours(-24 * 365 * 60));
    let Err(error) = house.on_disk().await else { panic!("the host started in the sixties") };
    assert!(error.contains("before 1970"), "{error}");
    assert!(!house.data().join("journal").exists());
    clock.forward(SignedDuration::from_hours(24 * 365 * 60));
    house.on_disk().await.unwrap().stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_overlap_where_that_is_allowed() {
    let hourly = Hourly::slow(&json!({"overlap": "allow"}));
    let first = hourly.start().await;
    for hour in 1..=2 {
        hourly.forward(60);
        hourly.wait_for(&first, &(1..=hour).collect::<Vec<_>>()).await;
    }
    stop(first).await;
    let second = hourly.start().await;
    hourly.forward(60);
    hourly.wait_for(&second, &[1, 2, 3]).await;
    stop(second).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_is_skipped_while_a_run_is_under_way_also_across_a_restart() {
    let hourly = Hourly::slow(&json!({"overlap": "skip"}));
    let first = hourly.start().await;
    hourly.forward(60);
    hourly.wait_for(&first, &[1]).await;
    stop(first).await;
    let second = hourly.start().await;
    let mut shown = second.activity();
    hourly.forward(60);
    // It is an event: shown, once it is on record.
    let missed = tokio::time::timeout(std::time::Duration::from_secs(60), async {
        loop {
            let activity = shown.recv().await.unwrap();
            if activity.kind == "huiyin.schedule.missed.v1" {
                return activity;
            }
        }
    });
    assert_eq!(missed.await.unwrap().data["why"], "overlap");
    hourly.forward(60);
    hourly.decided(&second, 3).await;
    // The run of the first hour ends after the third; the fourth has its own.
    hourly.forward(55);
    hourly.wait_for(&second, &[]).await;
    hourly.forward(5);
    hourly.wait_for(&second, &[4]).await;
    assert_eq!(Hourly::started(&second).await, 2);
    stop(second).await;
    let (fired, missed) = hourly.record();
    assert_eq!(fired, [1, 4]);
    assert_eq!(missed, [(2, 2, "overlap".to_owned()), (3, 3, "overlap".to_owned())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn times_wait_their_turn_across_a_restart_and_those_too_many_are_missed() {
    let hourly = Hourly::slow(&json!({"overlap": {"policy": "queue", "limit": 1}}));
    let first = hourly.start().await;
    hourly.forward(60);
    hourly.wait_for(&first, &[1]).await;
    hourly.forward(60);
    let waiting = async |engine: &Engine| {
        let rows = engine.schedules(3).await.unwrap();
        rows[0].waiting.iter().map(|due| hourly.hour(*due)).collect::<Vec<_>>()
    };
    until("the second hour in the queue", async || Ok((waiting(&first).await == [2]).then_some(()))).await.unwrap();
    stop(first).await;
    let second = hourly.start().await;
    assert_eq!(waiting(&second).await, [2]);
    hourly.forward(60);
    hourly.decided(&second, 3).await;
    assert_eq!(waiting(&second).await, [2], "one may wait");
    // The first run ends: the second's turn has come.
    hourly.forward(55);
    hourly.wait_for(&second, &[2]).await;
    stop(second).await;
    let (fired, missed) = hourly.record();
    assert_eq!(fired, [1, 2]);
    assert_eq!(missed, [(3, 3, "queue-full".to_owned())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_run_replaces_the_one_under_way() {
    let hourly = Hourly::slow(&json!({"overlap": "replace"}));
    let first = hourly.start().await;
    hourly.forward(60);
    hourly.wait_for(&first, &[1]).await;
    stop(first).await;
    let second = hourly.start().await;
    hourly.forward(60);
    hourly.wait_for(&second, &[2]).await;
    let ended = ended(&second).await.unwrap();
    assert_eq!(ended.len(), 1);
    assert_eq!(ended[0].status, "cancelled");
    assert!(ended[0].result.to_string().contains("its schedule started the next run"), "{}", ended[0].result);
    stop(second).await;
    let third = hourly.start().await;
    hourly.wait_for(&third, &[2]).await;
    stop(third).await;
}

/// Down for five hours and a half after the first run; gives fired and missed hours.
async fn down_for_hours(policy: &Value) -> (Vec<i64>, Vec<(i64, i64, String)>) {
    let hourly = Hourly::new(policy, &json!([{"say": {"set": {"tick": true}}}]));
    let first = hourly.start().await;
    hourly.forward(60);
    until("the first hour", async || Ok((ended(&first).await?.len() == 1).then_some(()))).await.unwrap();
    stop(first).await;
    hourly.forward(330);
    let second = hourly.start().await;
    hourly.decided(&second, 6).await;
    hourly.wait_for(&second, &[]).await;
    stop(second).await;
    // A second start finds nothing more to do.
    let third = hourly.start().await;
    let started = Hourly::started(&third).await;
    stop(third).await;
    let (fired, missed) = hourly.record();
    assert_eq!(fired.len() as u64, started);
    (fired, missed)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_missed_is_made_up_for_as_the_policy_says() {
    let late = |first, last| (first, last, "late".to_owned());
    for (policy, fired, missed) in [
        (json!({}), vec![1, 6], vec![late(2, 5)]),
        (json!({"catchUp": "none"}), vec![1], vec![late(2, 6)]),
        (json!({"catchUp": "last"}), vec![1, 6], vec![late(2, 5)]),
        (json!({"catchUp": {"policy": "last", "within": "PT20M"}}), vec![1], vec![late(2, 6)]),
        (json!({"catchUp": "all"}), vec![1, 2, 3, 4, 5, 6], vec![]),
        (json!({"catchUp": {"policy": "all", "within": "PT3H"}}), vec![1, 4, 5, 6], vec![late(2, 3)]),
        (json!({"catchUp": {"policy": "all", "limit": 2}}), vec![1, 5, 6], vec![late(2, 4)]),
    ] {
        assert_eq!(Box::pin(down_for_hours(&policy)).await, (fired, missed), "{policy}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missed_time_wakes_who_listens_for_it() {
    let mut hourly = Hourly::new(&json!({"catchUp": "none"}), &json!([{"say": {"set": {"tick": true}}}]));
    hourly.house.plugins.push(plugin("jq").unwrap());
    let missed = json!({"with": {"type": "huiyin.schedule.missed.v1", "subject": "workflow/tests/hourly"}});
    let watch = json!({"schedule": {"on": {"one": missed}}, "do": [{"keep": {"set": {"seen": "${ .[0].data }"}}}]});
    hourly.house.workflow("watch", &[], &watch).unwrap();
    let first = hourly.start().await;
    stop(first).await;
    hourly.forward(150);
    let second = hourly.start().await;
    let seen = until("the watcher's run", async || Ok(ended(&second).await?.into_iter().next())).await.unwrap();
    assert_eq!(seen.result["seen"]["count"], 2, "{}", seen.result);
    assert_eq!(seen.result["seen"]["workflow"], "tests/hourly");
    stop(second).await;
}

fn word(pause: bool, reason: &str) -> PauseCommand {
    PauseCommand {
        workflow: "hourly".to_owned(),
        unit: None,
        pause,
        reason: reason.to_owned(),
        actor: "admin:test".to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_outlives_restarts_and_new_versions() {
    let mut hourly = Hourly::new(&json!({"catchUp": "all"}), &json!([{"say": {"set": {"tick": true}}}]));
    let first = hourly.start().await;
    first.pause_schedule(word(true, "the source moves")).await.unwrap();
    assert!(matches!(first.pause_schedule(word(true, "again")).await, Err(Refusal::Refused(_))));
    hourly.forward(125);
    stop(first).await;
    // Another version of the same workflow.
    hourly.policy(&json!({"catchUp": "all", "overlap": "skip"}));
    let second = hourly.start().await;
    hourly.forward(60);
    let rows = second.schedules(3).await.unwrap();
    let pause = rows[0].paused.clone().unwrap();
    assert_eq!((pause.actor.as_str(), pause.reason.as_str()), ("admin:test", "the source moves"));
    assert_eq!((rows[0].next.len(), rows[0].overlap.as_str()), (0, "skip"));
    assert_eq!(Hourly::started(&second).await, 0);
    second.pause_schedule(word(false, "it has moved")).await.unwrap();
    assert!(matches!(second.pause_schedule(word(false, "again")).await, Err(Refusal::Refused(_))));
    let rows = second.schedules(3).await.unwrap();
    // The times are still those of the first version: it is the same schedule.
    let next: Vec<i64> = rows[0].next.iter().map(|next| hourly.hour(next.due)).collect();
    assert_eq!(next, [4, 5, 6]);
    hourly.forward(60);
    until("the next hour", async || Ok((Hourly::started(&second).await == 1).then_some(()))).await.unwrap();
    stop(second).await;
    let (fired, missed) = hourly.record();
    assert_eq!((fired, missed), (vec![4], vec![]), "nothing is made up for that a person paused");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workflow_that_serves_no_unit_fires_once_and_not_in_every_partition() {
    let hourly = Hourly::new(&json!({"jitter": "PT10M"}), &json!([{"say": {"set": {"tick": true}}}]));
    let engine = hourly.start().await;
    assert!(engine.partition_count() > 1);
    let rows = engine.schedules(4).await.unwrap();
    assert_eq!(rows.len(), 1);
    for next in &rows[0].next {
        let put_off = next.at.duration_since(next.due);
        assert!(!put_off.is_negative() && put_off < SignedDuration::from_mins(10), "{put_off}");
    }
    hourly.forward(71);
    until("the first hour", async || Ok((Hourly::started(&engine).await == 1).then_some(()))).await.unwrap();
    hourly.forward(30);
    // Nothing more by the next look.
    tokio::time::sleep(std::time::Duration::from_millis(1_200)).await;
    assert_eq!(Hourly::started(&engine).await, 1);
    stop(engine).await;
    let again = hourly.start().await;
    assert_eq!(again.schedules(3).await.unwrap()[0].next, rows[0].next[1..4], "the jitter is the same after a restart");
    stop(again).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_values_are_refused_before_anything_comes_into_force() {
    for (policy, pointer, word) in [
        (json!({"overlap": "skipp"}), "/overlap", "allow, skip, queue, replace"),
        (json!({"overlap": {"policy": "queue", "limit": 0}}), "/overlap/limit", "from 1 to"),
        (json!({"overlap": {"policy": "skip", "limit": 3}}), "/overlap/limit", "does not belong here"),
        (json!({"catchUp": {"policy": "all", "within": "P1M"}}), "/catchUp/within", "no fixed length"),
        (json!({"catchUp": 3}), "/catchUp", "none, last, all"),
        (json!({"jitter": "PT2H"}), "/jitter", "longer than `schedule.every`"),
        (json!({"jitter": "P2D"}), "/jitter", "longer than a day"),
        (json!({"timezone": "Asia/Shangai"}), "/timezone", "no time zone"),
    ] {
        let hourly = Hourly::slow(&policy);
        let error = hourly.house.on_disk().await.err().unwrap();
        let place = format!("/document/metadata/huiyin{pointer}");
        assert!(error.contains(&place) && error.contains(word) && error.contains("hourly.json:1:"), "{error}");
    }
}
