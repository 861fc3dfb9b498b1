//! `kill -9` of a process that writes, again and again: everything it was told is durable is there.
//!
//! This binary starts itself with `work` as the process to be killed. On the lossy disk the kill
//! loses every unsynced byte, and tears some groups, as a power cut would; on the real disk it
//! shows that recovery takes what a killed process leaves. A third kind of worker does not sync,
//! and must be caught.
#![allow(clippy::expect_used, clippy::panic)]

mod common;

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use common::{Result, draft, payload, text};
use huiyin_journal::faults::{LossyDisk, LossyOptions, PlantedBug};
use huiyin_journal::{Journal, JournalError, Options, SegmentJournal};

const PARTITIONS: u32 = 3;

fn options(kind: &str, seed: u64) -> Options {
    let small = Options { segment_bytes: 16 << 10, ..Options::default() };
    if kind == "real" {
        return small;
    }
    let planted = (kind == "no-sync").then_some(PlantedBug::NoSync);
    let disk = LossyDisk::new(LossyOptions { tear: Some(seed), sync_delay: Duration::from_micros(seed % 7 * 300) });
    Options { disk: Arc::new(disk), planted, ..small }
}

fn size_of(seq: u64) -> usize {
    50 + (seq as usize * 131) % 1500
}

/// Appends for ever and says on stdout what is durable: `partition seq`.
async fn work(dir: &Path, kind: &str, seed: u64) -> Result<(), JournalError> {
    let journal = Arc::new(SegmentJournal::open(dir, options(kind, seed))?);
    let tasks: Vec<_> = (0..PARTITIONS)
        .map(|partition| {
            let journal = journal.clone();
            tokio::spawn(async move {
                let mut seq = journal.last_seq(partition);
                loop {
                    let key = format!("case:{partition}-{}", seq / 4);
                    let record = draft(&key, payload(partition, seq, size_of(seq)));
                    seq = journal.append(partition, seq, vec![record]).await?.last_seq;
                    let mut out = std::io::stdout().lock();
                    if writeln!(out, "{partition} {seq}").and_then(|()| out.flush()).is_err() {
                        return Ok::<(), JournalError>(());
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("the task ends")?;
    }
    Ok(())
}

/// Lets a worker run until it acknowledged some records, kills it, and returns what it had said.
fn run_and_kill(dir: &Path, kind: &str, seed: u64, told: &mut BTreeMap<u32, u64>) -> Result {
    let mut child = Command::new(std::env::current_exe()?)
        .args(["work", &dir.display().to_string(), kind, &seed.to_string()])
        .stdout(Stdio::piped())
        .spawn()?;
    let mut lines = BufReader::new(child.stdout.take().ok_or("no output")?).lines();
    let mut note = |line: &str| {
        let (partition, seq) = line.split_once(' ').expect("two numbers");
        told.insert(partition.parse().expect("a number"), seq.parse().expect("a number"));
    };
    for _ in 0..40 + seed * 7 {
        note(&lines.next().ok_or("the worker ended by itself")??);
    }
    child.kill()?;
    // What it said before it died counts too; a line cut short does not.
    let rest: Vec<String> = lines.collect::<Result<_, _>>()?;
    for line in rest.iter().take(rest.len().saturating_sub(1)) {
        note(line);
    }
    child.wait()?;
    Ok(())
}

/// Whether everything the workers were told is there, and nothing else than they wrote.
fn complete(dir: &Path, kind: &str, seed: u64, told: &BTreeMap<u32, u64>) -> Result<bool> {
    let kind = if kind == "no-sync" { "lossy" } else { kind };
    let journal = SegmentJournal::open(dir, options(kind, seed))?;
    for (&partition, &seq) in told {
        let records: Vec<_> = journal.read(partition, 1)?.collect::<Result<_, _>>()?;
        for (n, record) in (0..).zip(&records) {
            assert_eq!(text(record), payload(partition, n, size_of(n)), "record {partition}/{n}");
        }
        if (records.len() as u64) < seq {
            return Ok(false);
        }
    }
    Ok(true)
}

fn main() -> Result {
    let args: Vec<String> = std::env::args().collect();
    if let [_, role, dir, kind, seed] = &args[..]
        && role == "work"
    {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build()?;
        return Ok(runtime.block_on(work(Path::new(dir), kind, seed.parse()?))?);
    }
    // Test runners ask what there is before they run it.
    if args.iter().any(|arg| arg == "--list") {
        if !args.iter().any(|arg| arg == "--ignored") {
            println!("kill_nine_loses_nothing_acknowledged: test");
        }
        return Ok(());
    }
    for kind in ["real", "lossy"] {
        let (dir, mut told) = (tempfile::tempdir()?, BTreeMap::new());
        for seed in 0..8 {
            run_and_kill(dir.path(), kind, seed, &mut told)?;
            assert!(
                complete(dir.path(), kind, seed + 100, &told)?,
                "{kind}, seed {seed}: acknowledged records are lost"
            );
        }
        assert!(told.values().sum::<u64>() > 300, "{kind}: the workers should have written more");
        println!("{kind}: {told:?} survived");
    }
    let (dir, mut told) = (tempfile::tempdir()?, BTreeMap::new());
    run_and_kill(dir.path(), "no-sync", 1, &mut told)?;
    // Either records are missing, or a later segment outlived an earlier one and opening says so.
    let survived = complete(dir.path(), "no-sync", 1, &told);
    assert!(!matches!(survived, Ok(true)), "a writer that does not sync was not caught");
    println!("no-sync: caught");
    Ok(())
}
