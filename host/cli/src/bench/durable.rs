//! Runs of a real host on a real disk, each acknowledged when its end is durable.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use huiyin_engine::{Engine, Refusal, Submission};
use serde_json::{Value, json};

use super::bare::Bare;
use super::{Row, Scratch, WINDOW, component, disk, engine};
use crate::host::runtime;
use crate::output::Failure;

/// Runs under way when throughput is measured.
const IN_FLIGHT: usize = 256;

/// A figure and its limit are taken in turns: what the machine does by itself
/// from one second to the next then meets both.
const TURNS: u32 = 8;

/// Time before each turn, for pools and caches.
const WARM_UP: Duration = Duration::from_millis(100);

fn submission(n: u64) -> Submission {
    Submission {
        workflow: "steps".to_owned(),
        unit: None,
        input: json!({"n": n}),
        actor: "admin:bench".to_owned(),
        run: None,
    }
}

/// So many calls of the same component, one after the other, each with the sum of the last.
pub(super) fn sequence(steps: usize) -> Value {
    let step = |at: usize| {
        let first = if at == 0 { "${ .n }" } else { "${ .sum }" };
        json!({format!("step{at}"): {"call": "tally:0.1.0@default", "with": {"numbers": [first, 1]}}})
    };
    (0..steps).map(step).collect()
}

/// So many branches at once, a call in each.
pub(super) fn fork(branches: usize) -> Value {
    let branch = |at: usize| json!({format!("branch{at}"): {"call": "tally:0.1.0@default", "with": {"numbers": ["${ .n }", at]}}});
    json!([{"all": {"fork": {"branches": (0..branches).map(branch).collect::<Vec<_>>()}}}])
}

/// Durable tasks a second of runs with so many tasks each, so many runs at a
/// time; every run is acknowledged when its end is on the disk.
pub(super) fn tasks(
    folder: &Path,
    name: &str,
    workflow: &Value,
    tasks: usize,
    in_flight: usize,
) -> Result<Vec<Row>, Failure> {
    let scratch = Scratch::new(folder)?;
    let bare = Bare::new(component("tally")?)?;
    let (limits, times) = in_turns(&scratch.0, workflow, in_flight, |window| Ok(bare.calls_a_second(window)))?;
    // By the runs' own times: few of the long ones end within the window.
    let spent: f64 = times.iter().map(Duration::as_secs_f64).sum();
    if times.is_empty() {
        return Err(Failure::failed(format_args!("{name}: no run ended in time")));
    }
    let rate = (times.len() * tasks * in_flight) as f64 / spent;
    Ok(vec![Row::new(name, rate, "durable tasks/s", mean(&limits), "bare wasmtime calls/s, all cores")])
}

/// Durable steps a second, beside the bare loop and the disk.
pub(super) fn steps(folder: &Path, steps: usize) -> Result<Vec<Row>, Failure> {
    let scratch = Scratch::new(folder)?;
    let bare = Bare::new(component("tally")?)?;
    let sync = median(disk::syncs(&scratch.0)?);
    let (limits, times) = in_turns(&scratch.0, &sequence(steps), IN_FLIGHT, |window| Ok(bare.calls_a_second(window)))?;
    let rate = times.len() as f64 * steps as f64 / WINDOW.as_secs_f64();
    Ok(vec![
        Row::new(&format!("steps-{steps}"), rate, "durable steps/s", mean(&limits), "bare wasmtime calls/s, all cores"),
        Row::new(&format!("steps-{steps}-syncs"), rate, "durable steps/s", 1.0 / sync.as_secs_f64(), "fdatasync/s"),
    ])
}

/// Submit to durable result of a run of three steps, beside the disk's sync.
pub(super) fn latency(folder: &Path, in_flight: usize) -> Result<Vec<Row>, Failure> {
    let scratch = Scratch::new(folder)?;
    let (syncs, mut times) = in_turns(&scratch.0, &sequence(3), in_flight, |_| disk::syncs(&scratch.0))?;
    let sync = median(syncs.into_iter().flatten().collect());
    times.sort_unstable();
    let at = |share: f64| times.get(((times.len() - 1) as f64 * share) as usize).map_or(0.0, |t| t.as_secs_f64() * 1e3);
    let limit = sync.as_secs_f64() * 1e3;
    Ok(vec![
        Row::new(&format!("submit-{in_flight}-p50"), at(0.5), "ms", limit, "ms, median fdatasync"),
        Row::new(&format!("submit-{in_flight}-p99"), at(0.99), "ms", limit, "ms, median fdatasync"),
    ])
}

/// Takes the limit, and the times of runs under a host's load, in turns.
fn in_turns<T>(
    folder: &Path,
    workflow: &Value,
    in_flight: usize,
    limit: impl Fn(Duration) -> Result<T, Failure>,
) -> Result<(Vec<T>, Vec<Duration>), Failure> {
    runtime()?.block_on(async {
        let engine = engine(folder, workflow).await?;
        let (mut limits, mut times) = (Vec::new(), Vec::new());
        for _ in 0..TURNS {
            limits.push(limit(WINDOW / TURNS)?);
            times.extend(load(&engine, in_flight, WINDOW / TURNS).await?);
        }
        engine.stop().await.map_err(Failure::failed)?;
        Ok((limits, times))
    })
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// Bytes of disk a step, of runs of three, beside the bytes of the step's own input and output.
pub(super) fn disk(folder: &Path) -> Result<Vec<Row>, Failure> {
    const RUNS: u64 = 20_000;
    let scratch = Scratch::new(folder)?;
    runtime()?.block_on(async {
        let engine = engine(&scratch.0, &sequence(3)).await?;
        let next = Arc::new(AtomicU64::new(0));
        let tasks: Vec<_> = (0..IN_FLIGHT)
            .map(|_| {
                let (engine, next) = (Arc::clone(&engine), Arc::clone(&next));
                tokio::spawn(async move {
                    while next.fetch_add(1, Ordering::Relaxed) < RUNS {
                        engine.run(submission(1)).await?;
                    }
                    Ok::<_, Refusal>(())
                })
            })
            .collect();
        for task in tasks {
            task.await.map_err(Failure::failed)?.map_err(Failure::failed)?;
        }
        engine.stop().await.map_err(Failure::failed)
    })?;
    let used = written(&scratch.0.join("data").join("journal").join("segments"))?;
    // {"numbers":[41,1]} in, {"count":2,"sum":42} out.
    Ok(vec![Row::new(
        "disk-per-step",
        used as f64 / (RUNS * 3) as f64,
        "bytes",
        38.0,
        "bytes, input and output of the step",
    )])
}

/// Bytes that hold anything: segments get their size in advance.
fn written(folder: &Path) -> Result<u64, Failure> {
    let read = || -> std::io::Result<u64> {
        let mut sum = 0;
        for entry in std::fs::read_dir(folder)? {
            let bytes = std::fs::read(entry?.path())?;
            sum += bytes.iter().rposition(|b| *b != 0).map_or(0, |last| last as u64 + 1);
        }
        Ok(sum)
    };
    read().map_err(|e| Failure::failed(format_args!("{}: {e}", folder.display())))
}

/// Keeps so many runs under way; the time of each that ended within the window.
async fn load(engine: &Arc<Engine>, in_flight: usize, window: Duration) -> Result<Vec<Duration>, Failure> {
    let (count, stop) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let tasks: Vec<_> = (0..in_flight)
        .map(|n| {
            let (engine, count, stop) = (Arc::clone(engine), Arc::clone(&count), Arc::clone(&stop));
            tokio::spawn(async move {
                let mut times = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    let began = Instant::now();
                    let run = engine.run(submission(n as u64)).await?;
                    let counted = count.load(Ordering::Relaxed) && !stop.load(Ordering::Relaxed);
                    if run.status != "completed" {
                        return Err(Refusal::Refused(run.result.to_string()));
                    }
                    if counted {
                        times.push(began.elapsed());
                    }
                }
                Ok(times)
            })
        })
        .collect();
    tokio::time::sleep(WARM_UP).await;
    count.store(true, Ordering::Relaxed);
    tokio::time::sleep(window).await;
    stop.store(true, Ordering::Relaxed);
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await.map_err(Failure::failed)?.map_err(Failure::failed)?);
    }
    Ok(all)
}
