//! How long a quiet unit waits beside another unit's flood, held against how
//! long it waits alone, in the same host.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use huiyin_engine::config::{HostConfig, WorkflowConfig};
use huiyin_engine::{Engine, Options, Refusal, Submission};
use serde_json::{Value, json};

use super::{Row, Scratch, WINDOW, component, durable};
use crate::host::runtime;
use crate::output::Failure;

/// Runs of the flood under way.
const FLOOD: usize = 256;

/// The unit that floods, and the one that does not.
const NOISY: &str = "cuihu";
const QUIET: &str = "qingfeng";

/// Latency of one unit's runs of three steps, one at a time: alone, and beside a flood of another's.
pub(super) fn beside_a_flood(folder: &Path) -> Result<Vec<Row>, Failure> {
    let scratch = Scratch::new(folder)?;
    runtime()?.block_on(async {
        let engine = Arc::new(house(&scratch.0).await?);
        let alone = quiet(&engine).await?;
        let stop = Arc::new(AtomicBool::new(false));
        let flood: Vec<_> = (0..FLOOD)
            .map(|n| {
                let (engine, stop) = (Arc::clone(&engine), Arc::clone(&stop));
                tokio::spawn(async move {
                    while !stop.load(Ordering::Relaxed) {
                        engine.run(submission(NOISY, n)).await?;
                    }
                    Ok::<_, Refusal>(())
                })
            })
            .collect();
        // Until the flood stands.
        tokio::time::sleep(Duration::from_millis(500)).await;
        let beside = quiet(&engine).await?;
        stop.store(true, Ordering::Relaxed);
        for task in flood {
            task.await.map_err(Failure::failed)?.map_err(Failure::failed)?;
        }
        engine.stop().await.map_err(Failure::failed)?;
        let row = |name: &str, share: f64, words: &str| {
            let millis = |times: &[Duration]| at(times, share).as_secs_f64() * 1e3;
            Row::new(name, millis(&beside), "ms", millis(&alone), words)
        };
        Ok(vec![row("fairness-p50", 0.5, "ms, p50 alone"), row("fairness-p99", 0.99, "ms, p99 alone")])
    })
}

fn submission(unit: &str, n: usize) -> Submission {
    let (workflow, unit, input) = ("steps".to_owned(), Some(unit.to_owned()), json!({"n": n}));
    Submission { workflow, unit, input, actor: "admin:bench".to_owned(), run: None }
}

/// The times of the quiet unit's runs, sorted.
async fn quiet(engine: &Engine) -> Result<Vec<Duration>, Failure> {
    let (mut times, began) = (Vec::new(), Instant::now());
    while began.elapsed() < WINDOW || times.is_empty() {
        let asked = Instant::now();
        let run = engine.run(submission(QUIET, times.len())).await.map_err(Failure::failed)?;
        if run.status != "completed" {
            return Err(Failure::failed(&run.result));
        }
        times.push(asked.elapsed());
    }
    times.sort_unstable();
    Ok(times)
}

fn at(times: &[Duration], share: f64) -> Duration {
    times.get(((times.len().saturating_sub(1)) as f64 * share) as usize).copied().unwrap_or_default()
}

/// A host with the sample bureau's units, each with runs of three steps.
async fn house(folder: &Path) -> Result<Engine, Failure> {
    let workflow: Value = json!({
        "document": {"dsl": "1.0.3", "namespace": "bench", "name": "steps", "version": "1.0.0"},
        "do": durable::sequence(3),
    });
    std::fs::write(folder.join("steps.json"), workflow.to_string()).map_err(Failure::unreachable)?;
    std::fs::write(folder.join("policy.json"), crate::demo::POLICY).map_err(Failure::unreachable)?;
    let config = HostConfig {
        policy: Some("policy.json".into()),
        workflows: vec![WorkflowConfig { file: "steps.json".into(), units: vec!["*".to_owned()] }],
        // Both units share one loop and one journal.
        partitions: Some(1),
        ..HostConfig::default()
    };
    let options = Options {
        data: Some(folder.join("data")),
        config,
        base: folder.to_owned(),
        bundle: vec![component("tally")?.to_vec(), component("jq")?.to_vec(), component("risk-level")?.to_vec()],
        // Compiled once for all the measurements.
        cache: Some(std::env::temp_dir().join("huiyin-bench-cache")),
        ..Options::in_memory()
    };
    Engine::start(options).await.map_err(Failure::failed)
}
