//! Appends with 16 concurrent appenders of 300-byte payloads, on the disk that holds the target
//! folder; prints records and syncs a second, and bytes on disk per record,
//! beside criterion's times; smaller payloads, a lone appender and many keys for comparison.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use huiyin_journal::faults::FaultDisk;
use huiyin_journal::{Draft, Journal, JournalError, Options, RealDisk, SegmentJournal};

/// What is appended.
#[derive(Debug, Clone, Copy)]
struct Load {
    appenders: u32,
    records_per_key: u64,
    payload: usize,
}

/// A turn of a run, as the engine might write it.
fn draft(task: u32, n: u64, load: Load) -> Draft {
    let run = format!("0197{task:04x}-1b2c-7d3e-8f90-{:012x}", n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 16);
    let mut payload = format!(
        r#"{{"facts":[{{"task":"/do/2/classify","output":{{"level":"III","score":0.{}}}}}],"item":"#,
        n * 7919 % 10_000,
    );
    payload.push('"');
    let mut word = n + 1;
    while payload.len() + 2 < load.payload {
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
        key: format!("case:{task}-{}", n / load.records_per_key),
        payload: payload.into_bytes(),
    }
}

/// Every appender waits for its record before it makes the next.
async fn run(journal: &Arc<SegmentJournal>, each: u64, load: Load) -> Result<(), JournalError> {
    let tasks: Vec<_> = (0..load.appenders)
        .map(|task| {
            let journal = journal.clone();
            tokio::spawn(async move {
                let mut seq = journal.last_seq(task);
                for _ in 0..each {
                    seq = journal.append(task, seq, vec![draft(task, seq, load)]).await?.last_seq;
                }
                Ok(())
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap_or_else(|e| Err(JournalError::Poisoned { cause: e.to_string() }))?;
    }
    Ok(())
}

/// Bytes in use in a file or folder: without the zeros reserved at the end of each file.
fn used(path: &Path) -> u64 {
    if path.is_dir() {
        return std::fs::read_dir(path).into_iter().flatten().flatten().map(|e| used(&e.path())).sum();
    }
    let bytes = std::fs::read(path).unwrap_or_default();
    bytes.iter().rposition(|&b| b != 0).map_or(0, |last| last as u64 + 1)
}

fn report(
    runtime: &tokio::runtime::Runtime,
    name: &str,
    load: Load,
    each: u64,
) -> Result<(), Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let disk = FaultDisk::new(Arc::new(RealDisk));
    let options = Options { disk: Arc::new(disk.clone()), ..Options::default() };
    let journal = Arc::new(SegmentJournal::open(dir.path(), options)?);
    disk.set(None);
    let started = Instant::now();
    runtime.block_on(run(&journal, each, load))?;
    let took = started.elapsed();
    let (records, syncs) = (journal.size(), disk.syncs());
    let per = |folder: &str| used(&dir.path().join(folder)) as f64 / records as f64;
    println!(
        "{name}: {:.0} records/s, {:.0} syncs/s, {:.1} records a sync; a record takes {:.0} bytes in segments, {:.0} in the key ring",
        records as f64 / took.as_secs_f64(),
        syncs as f64 / took.as_secs_f64(),
        records as f64 / syncs as f64,
        per("segments"),
        per("keys/ring"),
    );
    drop(journal);
    let started = Instant::now();
    let journal = SegmentJournal::open(dir.path(), Options::default())?;
    let opened = started.elapsed();
    let started = Instant::now();
    let read = journal.read_all(0)?.try_fold(0_u64, |n, record| record.map(|_| n + 1))?;
    println!("    opened in {opened:.0?}, {read} records read in {:.0?}", started.elapsed());
    Ok(())
}

fn append(criterion: &mut Criterion) {
    let Ok(runtime) = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build() else {
        return;
    };
    let load = |appenders, records_per_key, payload| Load { appenders, records_per_key, payload };
    for (name, load, each) in [
        ("16 appenders, 300 bytes", load(16, u64::MAX, 300), 4000),
        ("16 appenders, 300 bytes, a new key every 20 records", load(16, 20, 300), 2000),
        ("16 appenders, 300 bytes, a new key every record", load(16, 1, 300), 1000),
        ("16 appenders, 120 bytes", load(16, u64::MAX, 120), 2000),
        ("1 appender, 300 bytes", load(1, u64::MAX, 300), 4000),
        ("1 appender, 120 bytes", load(1, u64::MAX, 120), 4000),
    ] {
        if let Err(e) = report(&runtime, name, load, each) {
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
    group.throughput(Throughput::Elements(16 * 50)).measurement_time(Duration::from_secs(5));
    group.bench_function("16 appenders, 300 bytes", |b| {
        b.iter(|| runtime.block_on(run(&journal, 50, load(16, u64::MAX, 300))));
    });
    group.finish();
}

criterion_group!(benches, append);
criterion_main!(benches);
