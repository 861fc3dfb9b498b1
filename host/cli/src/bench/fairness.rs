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

/// What a flood is made of.
#[derive(Clone, Copy)]
enum Shape {
    /// Runs that start themselves twice and wait for neither.
    Starts,
    /// Events that start a run which publishes two more.
    Events,
    /// Items, a hundred at a time, that the floor judges.
    Items,
}

/// The same beside floods that feed themselves, and one of items: p99 beside each, held against p99 alone.
pub(super) fn beside_shapes(folder: &Path) -> Result<Vec<Row>, Failure> {
    let shapes =
        [("flood-starts-p99", Shape::Starts), ("flood-events-p99", Shape::Events), ("flood-items-p99", Shape::Items)];
    shapes.into_iter().map(|(name, shape)| beside(folder, name, shape)).collect()
}

fn beside(folder: &Path, name: &str, shape: Shape) -> Result<Row, Failure> {
    let scratch = Scratch::new(folder)?;
    runtime()?.block_on(async {
        let engine = Arc::new(house(&scratch.0).await?);
        let alone = quiet(&engine).await?;
        let stop = Arc::new(AtomicBool::new(false));
        let flood = tokio::spawn(pour(Arc::clone(&engine), shape, Arc::clone(&stop)));
        // Until the flood stands.
        tokio::time::sleep(Duration::from_secs(2)).await;
        let beside = quiet(&engine).await?;
        stop.store(true, Ordering::Relaxed);
        flood.await.map_err(Failure::failed)?.map_err(Failure::failed)?;
        engine.stop().await.map_err(Failure::failed)?;
        let millis = |times: &[Duration]| at(times, 0.99).as_secs_f64() * 1e3;
        Ok(Row::new(name, millis(&beside), "ms", millis(&alone), "ms, p99 alone"))
    })
}

/// Begins a flood, keeps it up until told to stop, and dries it up.
async fn pour(engine: Arc<Engine>, shape: Shape, stop: Arc<AtomicBool>) -> Result<(), Refusal> {
    let stopped = || stop.load(Ordering::Relaxed);
    let pause = || tokio::time::sleep(Duration::from_millis(20));
    match shape {
        Shape::Starts => drop(engine.submit(named(NOISY, "twins", Value::Null)).await?),
        Shape::Events => {
            let event = json!({"specversion": "1.0", "id": "1", "source": "/bench", "type": ECHO});
            engine.event(Some(NOISY), event).await?;
        }
        Shape::Items => {
            let lanes = (0..8).map(async |lane: usize| {
                let mut page = 0;
                while !stopped() {
                    let items = (0..100).map(|n| item(format!("{lane}-{page}-{n}"))).collect();
                    match engine.receive(NOISY, "push", items, "admin:bench").await {
                        Ok(_) => page += 1,
                        Err(Refusal::Busy) => pause().await,
                        Err(refusal) => return Err(refusal),
                    }
                }
                Ok(())
            });
            return futures::future::try_join_all(lanes).await.map(drop);
        }
    }
    while !stopped() {
        pause().await;
    }
    let name = if matches!(shape, Shape::Starts) { "bench/twins" } else { "bench/echo" };
    engine.withdraw(name, Some(NOISY), "admin:bench").await
}

/// The type of the events that bring themselves about.
const ECHO: &str = "org.example.echo.v1";

fn item(id: String) -> huiyin_desk::Item {
    huiyin_desk::Item {
        id,
        source: "push".to_owned(),
        url: None,
        title: "菜市场门口的路灯坏了三天".to_owned(),
        body: "希望有关部门尽快修好,晚上走路不方便。".to_owned(),
        published: None,
        observed: jiff::Timestamp::now(),
        fields: std::collections::BTreeMap::new(),
    }
}

fn named(unit: &str, workflow: &str, input: Value) -> Submission {
    let (workflow, unit) = (workflow.to_owned(), Some(unit.to_owned()));
    Submission { workflow, unit, input, actor: "person:bench".to_owned(), run: None }
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
    let document = |name: &str| json!({"dsl": "1.0.3", "namespace": "bench", "name": name, "version": "1.0.0"});
    let start =
        json!({"run": {"workflow": {"namespace": "bench", "name": "twins", "version": "latest"}, "await": false}});
    let emit = json!({"emit": {"event": {"with": {"type": ECHO, "source": "/bench"}}}});
    let on = json!({"on": {"one": {"with": {"type": ECHO}}}});
    let workflows = [
        ("steps.json", "*", json!({"document": document("steps"), "do": durable::sequence(3)})),
        ("twins.json", NOISY, json!({"document": document("twins"), "do": [{"one": start}, {"two": start}]})),
        (
            "echo.json",
            NOISY,
            json!({"document": document("echo"), "schedule": on, "do": [{"one": emit}, {"two": emit}]}),
        ),
    ];
    for (file, _, workflow) in &workflows {
        std::fs::write(folder.join(file), workflow.to_string()).map_err(Failure::unreachable)?;
    }
    std::fs::write(folder.join("policy.json"), crate::demo::POLICY).map_err(Failure::unreachable)?;
    let config = HostConfig {
        policy: Some("policy.json".into()),
        workflows: workflows
            .iter()
            .map(|(file, unit, _)| WorkflowConfig { file: file.into(), units: vec![(*unit).to_owned()] })
            .collect(),
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
