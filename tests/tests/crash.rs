//! `kill -9` at random moments under load: no item lost, none taken twice,
//! every due clock fired once, every acknowledged command there. Run on the
//! real disk, and on one that loses and tears what was not synced; and once
//! with the sync left out, to show that the count would notice.
//!
//! `HUIYIN_CRASH_SEED` repeats a run, `HUIYIN_CRASH_KILLS` changes its length.

// Clippy's settings for tests do not reach helper functions of integration tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use huiyin_tests::bureau::Bureau;
use huiyin_tests::host::{Client, Start};
use huiyin_tests::log::{Account, account};
use jiff::{SignedDuration, Timestamp};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::json;

/// The program over a disk of the test's choice.
const PROGRAM: &str = env!("CARGO_BIN_EXE_huiyin-faulty");

/// A post that the sample pack's floor puts at level Ⅰ or Ⅱ.
const GRAVE: &str = "青枫县老鹰岩突发山火,浓烟滚滚火势蔓延,村民转移";

#[derive(Clone, Copy, PartialEq)]
enum Disk {
    Real,
    Lossy,
    LossyWithoutSync,
}

/// Commands that the host said yes to.
#[derive(Default)]
struct Acknowledged {
    runs: Mutex<Vec<String>>,
}

struct Outcome {
    wrong: Vec<String>,
    summary: String,
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

fn crash(disk: Disk, kills: u32) -> Outcome {
    let seed = number("HUIYIN_CRASH_SEED").unwrap_or_else(|| rand::rng().random());
    println!("seed {seed} (HUIYIN_CRASH_SEED={seed} repeats the moments)");
    let mut random = StdRng::seed_from_u64(seed);
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let bureau = Arc::new(Bureau::open().unwrap());
    let config = bureau.configure(folder.path()).unwrap();
    let client: Arc<Mutex<Option<Client>>> = Arc::default();
    let acknowledged = Arc::new(Acknowledged::default());
    let done = Arc::new(AtomicBool::new(false));
    let poster = post(&bureau, &done, random.random());
    let askers: Vec<_> = (0..2).map(|n| ask(n, &client, &acknowledged, &done)).collect();
    let mut wrong = Vec::new();
    for kill in 0..kills {
        let host = match start(disk, seed ^ u64::from(kill), &config, &data) {
            Ok(host) => host,
            Err(error) => {
                wrong.push(format!("start {kill}: {error}"));
                break;
            }
        };
        *client.lock().unwrap() = Some(host.client());
        std::thread::sleep(Duration::from_millis(random.random_range(20..700)));
        if let Err(error) = host.kill() {
            wrong.push(format!("kill {kill}: {error}"));
            break;
        }
        *client.lock().unwrap() = None;
    }
    done.store(true, Ordering::Relaxed);
    poster.join().unwrap();
    for asker in askers {
        asker.join().unwrap();
    }
    if wrong.is_empty() {
        wrong = settle(disk, &config, &data, &bureau);
    }
    let ended = Timestamp::now();
    let account = match account(&data) {
        Ok(account) => account,
        Err(error) => {
            wrong.push(format!("the log does not read: {error}"));
            return Outcome { wrong, summary: String::new() };
        }
    };
    judge(&account, &bureau, &acknowledged, ended, &mut wrong);
    if let Err(error) = audit(&data) {
        wrong.push(error);
    }
    let summary = format!(
        "{kills} kills: {} records, {} of {} items, {} cases, {} clocks, {} breaches, {} runs, {} acknowledged, {} notifications",
        account.records,
        account.items.len(),
        bureau.posted().len(),
        account.cases.len(),
        account.clocks.len(),
        account.breaches.len(),
        account.runs.len(),
        acknowledged.runs.lock().unwrap().len(),
        bureau.received().len(),
    );
    Outcome { wrong, summary }
}

fn start(disk: Disk, tear: u64, config: &Path, data: &Path) -> Result<huiyin_tests::host::Host, String> {
    let mut env = Vec::new();
    if disk != Disk::Real {
        env.push(("HUIYIN_FAULTY_DATA", data.display().to_string()));
        env.push(("HUIYIN_FAULTY_TEAR", tear.to_string()));
    }
    if disk == Disk::LossyWithoutSync {
        env.push(("HUIYIN_FAULTY_NO_SYNC", "1".to_owned()));
    }
    Start { program: Path::new(PROGRAM), config, data, env }.go()
}

/// The world goes on while hosts come and go: noise, and matters whose hour
/// is nearly or already over.
fn post(bureau: &Arc<Bureau>, done: &Arc<AtomicBool>, seed: u64) -> std::thread::JoinHandle<()> {
    let (bureau, done) = (Arc::clone(bureau), Arc::clone(done));
    std::thread::spawn(move || {
        let mut random = StdRng::seed_from_u64(seed);
        while !done.load(Ordering::Relaxed) {
            match random.random_range(0..20) {
                // Due within seconds of being taken in.
                0 => drop(bureau.post(GRAVE, SignedDuration::from_secs(3_600 - random.random_range(1..20)), 2_380_000)),
                // Born breached.
                1 => drop(bureau.post(GRAVE, SignedDuration::from_hours(3), 2_380_000)),
                _ => drop(bureau.post("周末去森林公园散步,天气很好", SignedDuration::from_mins(5), 10)),
            }
            std::thread::sleep(Duration::from_millis(random.random_range(20..120)));
        }
    })
}

/// Somebody starts runs all the time and keeps what the host said yes to.
fn ask(
    asker: u32,
    client: &Arc<Mutex<Option<Client>>>,
    yes: &Arc<Acknowledged>,
    done: &Arc<AtomicBool>,
) -> std::thread::JoinHandle<()> {
    let (client, yes, done) = (Arc::clone(client), Arc::clone(yes), Arc::clone(done));
    std::thread::spawn(move || {
        let mut n = 0;
        while !done.load(Ordering::Relaxed) {
            let Some(client) = client.lock().unwrap().clone() else {
                std::thread::sleep(Duration::from_millis(5));
                continue;
            };
            n += 1;
            let id = format!("asker{asker}-{n:06}");
            let body = json!({"workflow": "count", "id": id, "input": {"n": n}, "wait": n % 2 == 0});
            match client.post("/v1/runs", &body) {
                Ok((200 | 202, answer)) => {
                    if n % 2 == 0 {
                        // What it answers is what three steps give.
                        assert_eq!(
                            answer.pointer("/output/sum").or_else(|| answer.pointer("/result/sum")),
                            Some(&json!(n + 3)),
                            "{answer}"
                        );
                    }
                    yes.runs.lock().unwrap().push(id);
                }
                Ok((status, answer)) => assert!(matches!(status, 429 | 503), "{status}: {answer}"),
                // Killed while it was answering: nobody knows.
                Err(_) => std::thread::sleep(Duration::from_millis(5)),
            }
        }
    })
}

/// A last host takes in what is left and stops cleanly.
fn settle(disk: Disk, config: &Path, data: &Path, bureau: &Bureau) -> Vec<String> {
    let host = match start(disk, 0, config, data) {
        Ok(host) => host,
        Err(error) => return vec![format!("last start: {error}")],
    };
    let client = host.client();
    let began = Instant::now();
    // Every clock that was about to be due is due after this; then the notifications go out.
    let enough = Duration::from_secs(26);
    let most = Duration::from_secs(90);
    loop {
        std::thread::sleep(Duration::from_millis(300));
        let quiet = client
            .get("/v1/runs?status=running")
            .is_ok_and(|(_, runs)| runs.get("runs").and_then(|r| r.as_array()).is_some_and(Vec::is_empty));
        let read = client.get("/v1/sources").is_ok_and(|(_, sources)| {
            let list = sources.get("sources").and_then(|s| s.as_array()).cloned().unwrap_or_default();
            let items: u64 = list.iter().filter_map(|s| s.get("items")?.as_u64()).sum();
            items >= bureau.posted().len() as u64
        });
        if began.elapsed() > enough && quiet && read || began.elapsed() > most {
            break;
        }
    }
    host.stop().err().into_iter().collect()
}

fn judge(account: &Account, bureau: &Bureau, acknowledged: &Acknowledged, ended: Timestamp, wrong: &mut Vec<String>) {
    let posted = bureau.posted();
    let missing: Vec<_> = posted.iter().filter(|id| !account.items.contains_key(*id)).collect();
    if !missing.is_empty() {
        wrong.push(format!("{} items lost: {:?}", missing.len(), &missing[..missing.len().min(10)]));
    }
    let twice: Vec<_> = account.items.iter().filter(|(_, times)| **times != 1).collect();
    if !twice.is_empty() {
        wrong.push(format!("items taken twice: {twice:?}"));
    }
    let doubled: Vec<_> = account.opened_for.iter().filter(|(_, times)| **times != 1).collect();
    if !doubled.is_empty() {
        wrong.push(format!("cases opened twice for one item: {doubled:?}"));
    }
    // A core function that a run called is carried out once, also when the host
    // is killed between the decision and the run's taking it in.
    let told_twice: Vec<_> = account.told.iter().filter(|(_, times)| **times != 1).collect();
    if !told_twice.is_empty() {
        wrong.push(format!("deliveries recorded twice: {told_twice:?}"));
    }
    let reported_twice: Vec<_> = account.reports.iter().filter(|(_, times)| **times != 1).collect();
    if !reported_twice.is_empty() {
        wrong.push(format!("reports drafted twice: {reported_twice:?}"));
    }
    if account.told.is_empty() {
        wrong.push("nothing was at stake: no delivery was ever recorded".to_owned());
    }
    for (clock, due) in &account.clocks {
        let fired = account.breaches.get(clock).copied().unwrap_or(0);
        // Two seconds: a breach at the very end may not have been written.
        let over = due.checked_add(SignedDuration::from_secs(2)).is_ok_and(|over| over < ended);
        let expected = over && !account.satisfied.contains(clock);
        if fired > 1 || (expected && fired != 1) {
            wrong.push(format!("clock {clock}, due {due}, fired {fired} times"));
        }
    }
    if account.early > 0 {
        wrong.push(format!("{} clocks fired before they were due", account.early));
    }
    if account.clocks.is_empty() || account.breaches.is_empty() {
        wrong.push("nothing was at stake: no clock was ever due".to_owned());
    }
    let acknowledged = acknowledged.runs.lock().unwrap();
    let lost: Vec<_> = acknowledged.iter().filter(|run| !account.runs.contains_key(*run)).collect();
    if !lost.is_empty() {
        wrong.push(format!("{} acknowledged runs lost: {:?}", lost.len(), &lost[..lost.len().min(10)]));
    }
    if acknowledged.is_empty() {
        wrong.push("nothing was at stake: no command was ever acknowledged".to_owned());
    }
    let again: Vec<_> = account.runs.iter().filter(|(_, times)| **times != 1).collect();
    if !again.is_empty() {
        wrong.push(format!("runs started twice: {again:?}"));
    }
    // Nothing left that the log does not know of (rule 2).
    let unknown: Vec<_> = bureau.received().into_keys().filter(|key| !account.effects.contains_key(key)).collect();
    if !unknown.is_empty() {
        wrong.push(format!(
            "{} notifications that the log knows nothing of: {:?}",
            unknown.len(),
            &unknown[..unknown.len().min(5)]
        ));
    }
    if bureau.unsigned() > 0 {
        wrong.push(format!("{} notifications without a valid signature", bureau.unsigned()));
    }
}

fn audit(data: &Path) -> Result<(), String> {
    let done =
        Command::new(PROGRAM).args(["audit", "verify", "--data"]).arg(data).output().map_err(|e| e.to_string())?;
    if done.status.success() {
        return Ok(());
    }
    Err(format!("audit verify: {}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr)))
}

fn kills(usual: u32) -> u32 {
    number("HUIYIN_CRASH_KILLS").and_then(|n| u32::try_from(n).ok()).unwrap_or(usual)
}

#[test]
fn nothing_is_lost_at_fifty_kills() {
    let outcome = crash(Disk::Real, kills(50));
    println!("{}", outcome.summary);
    assert!(outcome.wrong.is_empty(), "{}\n{}", outcome.summary, outcome.wrong.join("\n"));
}

#[test]
fn nothing_is_lost_at_fifty_power_cuts() {
    let outcome = crash(Disk::Lossy, kills(50));
    println!("{}", outcome.summary);
    assert!(outcome.wrong.is_empty(), "{}\n{}", outcome.summary, outcome.wrong.join("\n"));
}

#[test]
fn a_missing_sync_is_noticed() {
    let outcome = crash(Disk::LossyWithoutSync, 8);
    println!("{}\n{}", outcome.summary, outcome.wrong.join("\n"));
    assert!(
        outcome.wrong.iter().any(|wrong| wrong.contains("acknowledged runs lost")),
        "the sync was left out and nothing was noticed: {}",
        outcome.summary
    );
}
