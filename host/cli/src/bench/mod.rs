//! Measuring: each figure beside its limit, both taken in the same run on the
//! same machine, because figures from different days say nothing together.

mod bare;
mod disk;
mod durable;
mod fairness;
mod process;
mod pure;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use huiyin_engine::config::{HostConfig, WorkflowConfig};
use huiyin_engine::{Engine, Options};
use rustix::fs::{IFlags, ioctl_getflags, ioctl_setflags};
use serde::Serialize;

use crate::bundle::bundle;
use crate::output::Failure;

/// How long one measurement runs.
const WINDOW: Duration = Duration::from_secs(4);

/// One figure and its limit.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Row {
    /// What was measured.
    pub(crate) name: String,
    /// How much.
    pub(crate) value: f64,
    /// In what.
    pub(crate) unit: &'static str,
    /// What it is held against.
    pub(crate) limit: f64,
    /// In what.
    pub(crate) limit_unit: String,
    /// `value` by `limit`.
    pub(crate) ratio: f64,
}

impl Row {
    fn new(name: &str, value: f64, unit: &'static str, limit: f64, limit_unit: &str) -> Row {
        Row {
            name: name.to_owned(),
            value,
            unit,
            limit,
            limit_unit: limit_unit.to_owned(),
            ratio: if limit > 0.0 { value / limit } else { 0.0 },
        }
    }
}

/// A measurement: its names, and what takes it.
type Measure = fn(&Path) -> Result<Vec<Row>, Failure>;

/// All measurements, in the order in which they are taken.
const ALL: &[(&[&str], Measure)] = &[
    (&["steps-3", "steps-3-syncs"], |folder| durable::steps(folder, 3)),
    (&["steps-40", "steps-40-syncs"], |folder| durable::steps(folder, 40)),
    (&["run-40"], |folder| durable::tasks(folder, "run-40", &durable::sequence(40), 40, 1)),
    (&["run-1000"], |folder| durable::tasks(folder, "run-1000", &durable::sequence(1_000), 1_000, 1)),
    (&["runs-50x40"], |folder| durable::tasks(folder, "runs-50x40", &durable::sequence(40), 40, 50)),
    (&["fork-1000"], |folder| durable::tasks(folder, "fork-1000", &durable::fork(1_000), 1_000, 1)),
    (&["submit-1-p50", "submit-1-p99"], |folder| durable::latency(folder, 1)),
    (&["submit-16-p50", "submit-16-p99"], |folder| durable::latency(folder, 16)),
    (&["submit-64-p50", "submit-64-p99"], |folder| durable::latency(folder, 64)),
    (&["fairness-p50", "fairness-p99"], fairness::beside_a_flood),
    (&["flood-starts-p99", "flood-events-p99", "flood-items-p99"], fairness::beside_shapes),
    (&["disk-per-step"], durable::disk),
    (&["start", "resident"], process::start),
    (&["call-step"], pure::step),
    (&["call-classify"], pure::classify_one),
    (&["call-report"], pure::report),
    (&["classify-keyword"], pure::keyword),
    (&["classify-risk-level"], pure::risk_level),
];

/// The names that `--only` takes.
pub(crate) fn names() -> Vec<&'static str> {
    ALL.iter().flat_map(|(names, _)| names.iter().copied()).collect()
}

/// Takes the measurements whose names are asked for; all unless any is.
pub(crate) fn measure(
    folder: &Path,
    only: &[String],
    mut each: impl FnMut(&Row) -> Result<(), Failure>,
) -> Result<Vec<Row>, Failure> {
    if let Some(odd) = only.iter().find(|name| !names().contains(&name.as_str())) {
        return Err(Failure::invalid(format_args!("there is no row `{odd}`; there are {}", names().join(", "))));
    }
    let mut rows = Vec::new();
    for (names, measure) in ALL {
        if !only.is_empty() && !only.iter().any(|name| names.contains(&name.as_str())) {
            continue;
        }
        for row in measure(folder)? {
            if only.is_empty() || only.contains(&row.name) {
                each(&row)?;
                rows.push(row);
            }
        }
    }
    Ok(rows)
}

/// A component that the program carries.
fn component(name: &str) -> Result<&'static [u8], Failure> {
    bundle()
        .iter()
        .find(|(file, _)| file.starts_with(name))
        .map(|(_, bytes)| *bytes)
        .ok_or_else(|| Failure::failed(crate::bundle::EMPTY))
}

/// A folder to work in, and the one that goes away with its owner.
struct Scratch(PathBuf, PathBuf);

/// Before each row: the disk may still be at work on what the one before it removed.
const REST: Duration = Duration::from_secs(6);

impl Scratch {
    fn new(parent: &Path) -> Result<Scratch, Failure> {
        std::thread::sleep(REST);
        let id = uuid::Uuid::new_v4().simple().to_string();
        let outer = parent.join(format!(".huiyin-bench-{id}"));
        let scratch = Scratch(outer.join(id), outer);
        let make = || {
            std::fs::create_dir_all(&scratch.1)?;
            // An ext4 without a journal of its own gives no inode out again within minutes, and looks at each of
            // those to find another: where a row's files were removed, a file takes ten times as long to make. Below
            // such a folder each has a part of the disk to itself, by its name. Other file systems refuse it, and
            // need no such thing.
            let folder = std::fs::File::open(&scratch.1)?;
            let _ = ioctl_getflags(&folder).and_then(|flags| ioctl_setflags(&folder, flags | IFlags::TOPDIR));
            std::fs::create_dir(&scratch.0)
        };
        make().map_err(|e| Failure::invalid(format_args!("{}: {e}", scratch.1.display())))?;
        Ok(scratch)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.1);
    }
}

/// A host with one workflow, of these tasks.
async fn engine(folder: &Path, tasks: &serde_json::Value) -> Result<Arc<Engine>, Failure> {
    let workflow = serde_json::json!({
        "document": {"dsl": "1.0.3", "namespace": "bench", "name": "steps", "version": "1.0.0"},
        "do": tasks,
    });
    let file = folder.join("steps.json");
    std::fs::write(&file, workflow.to_string()).map_err(Failure::unreachable)?;
    let config = HostConfig {
        workflows: vec![WorkflowConfig { file: "steps.json".into(), units: Vec::new() }],
        ..HostConfig::default()
    };
    let options = Options {
        data: Some(folder.join("data")),
        config,
        base: folder.to_owned(),
        bundle: vec![component("tally")?.to_vec(), component("jq")?.to_vec()],
        // Compiled once for all the measurements.
        cache: Some(std::env::temp_dir().join("huiyin-bench-cache")),
        ..Options::in_memory()
    };
    Engine::start(options).await.map(Arc::new).map_err(Failure::failed)
}
