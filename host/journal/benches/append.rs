//! Appends with 16 concurrent appenders of 300-byte payloads, on the disk that holds the target
//! folder; prints records and syncs a second, and bytes on disk per record, beside criterion's times.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use huiyin_journal::faults::FaultDisk;
use huiyin_journal::{Draft, Journal, JournalError, Options, RealDisk, SegmentJournal};

const APPENDERS: u32 = 16;

/// A turn of a run, as the engine might write it.
fn draft(task: u32, n: u64, keys: u64) -> Draft {
    let run = format!(
        "0197{task:04x}-1b2c-7d3e-8f90-{:012x}",
        n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 16
    );
    let mut payload = format!(
        r#"{{"facts":[{{"task":"/do/2/classify","output":{{"level":"III","score":0.{},"labels":["traffic","complaint"]}}}},{{"timer":"t-{n}","due":"2026-03-01T09:{:02}:00Z"}}],"run":"{run}","item":"#,
        n * 7919 % 10_000,
        n % 60
    );
    payload.push('"');
    let mut word = n + 1;
    while payload.len() < 298 {
        word = word.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        payload.push(char::from(b'a' + (word >> 33) as u8 % 26));
    }
    payload.push_str("\"}");
    Draft {
        kind: "huiyin.run.turn.v1".into(),
        subject: format!("run/{run}"),
        time: jiff::Timestamp::now(),
        actor: "system:engine".into(),
        unit: Some(format!("1101{task:02}")),
        causation: (n > 0).then(|| format!("{task}/{n}")),
        key: format!("case:{task}-{}", n / keys),
        payload: payload.into_bytes(),
    }
}

/// Every appender waits for its record before it makes the next.
async fn run(journal: &Arc<SegmentJournal>, each: u64, keys: u64) -> Result<(), JournalError> {
    let tasks: Vec<_> = (0..APPENDERS)
        .map(|task| {
            let journal = journal.clone();
            tokio::spawn(async move {
                let mut seq = journal.last_seq(task);
                for _ in 0..each {
                    seq = journal
                        .append(task, seq, vec![draft(task, seq, keys)])
                        .await?
                        .last_seq;
                }
                Ok(())
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap_or_else(|e| {
            Err(JournalError::Poisoned {
                cause: e.to_string(),
            })
        })?;
    }
    Ok(())
}

fn size_of(dir: &Path) -> u64 {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    entries.map(|e| e.metadata().map_or(0, |m| m.len())).sum()
}

fn report(
    runtime: &tokio::runtime::Runtime,
    name: &str,
    keys: u64,
) -> Result<(), Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let disk = FaultDisk::new(Arc::new(RealDisk));
    let options = Options {
        disk: Arc::new(disk.clone()),
        segment_bytes: 1 << 20,
        ..Options::default()
    };
    let journal = Arc::new(SegmentJournal::open(dir.path(), options)?);
    disk.set(None);
    let started = Instant::now();
    runtime.block_on(run(&journal, 4000, keys))?;
    let took = started.elapsed();
    let (records, syncs) = (journal.size(), disk.syncs());
    // The last segment is only partly used.
    let segments = dir.path().join("segments");
    let files = std::fs::read_dir(&segments)?.count() as u64;
    let used = size_of(&segments) - (1 << 20);
    let per = used as f64 / (records as f64 * (files - 1) as f64 / (files as f64 - 0.5));
    println!(
        "{name}: {:.0} records/s, {:.0} syncs/s, {:.1} records a sync, about {per:.0} bytes a record",
        records as f64 / took.as_secs_f64(),
        syncs as f64 / took.as_secs_f64(),
        records as f64 / syncs as f64,
    );
    Ok(())
}

fn append(criterion: &mut Criterion) {
    let Ok(runtime) = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
    else {
        return;
    };
    for (name, keys) in [
        ("keys kept", u64::MAX),
        ("a new key every 20 records", 20),
        ("a new key every record", 1),
    ] {
        if let Err(e) = report(&runtime, name, keys) {
            println!("{name}: {e}");
        }
    }
    let Ok(dir) = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")) else {
        return;
    };
    let Ok(journal) = SegmentJournal::open(dir.path(), Options::default()).map(Arc::new) else {
        return;
    };
    let mut group = criterion.benchmark_group("append");
    group
        .throughput(Throughput::Elements(u64::from(APPENDERS) * 50))
        .measurement_time(Duration::from_secs(5));
    group.bench_function("16 appenders, 300 bytes", |b| {
        b.iter(|| runtime.block_on(run(&journal, 50, u64::MAX)));
    });
    group.finish();
}

criterion_group!(benches, append);
criterion_main!(benches);
