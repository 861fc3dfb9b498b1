//! A host within the test's own process: its configuration in a folder that
//! goes away, built plugins or hostile ones, and a clock that can be set.

use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use huiyin_engine::config::{HostConfig, WorkflowConfig};
use huiyin_engine::shell::Clock;
use huiyin_engine::state::FinishedRun;
use huiyin_engine::{Engine, Options, Submission};
use huiyin_flow::FlowError;
use huiyin_journal::Journal;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The longest wait for something that must happen.
const PATIENCE: Duration = Duration::from_secs(60);

/// A plugin as `make plugins` built it.
///
/// # Errors
/// When it is not there, and what to do.
pub fn plugin(name: &str) -> Result<Vec<u8>, String> {
    let folder = crate::project("build/plugins");
    let file = folder.join(format!("{name}-0.1.0.wasm"));
    std::fs::read(&file).map_err(|e| format!("{}: {e}; run `make plugins`, then this test again", file.display()))
}

/// Where compiled code is kept between tests of one build.
pub fn code_cache() -> PathBuf {
    crate::host::program("huiyin-tests-code")
}

/// A host's folder and what it is started with.
pub struct House {
    /// Goes away with this.
    pub folder: TempDir,
    /// What is configured.
    pub config: HostConfig,
    /// The components.
    pub plugins: Vec<Vec<u8>>,
    /// Limits of a call.
    pub limits: Option<huiyin_sandbox::Limits>,
    /// The clock; the system's unless set.
    pub clock: Option<Arc<SetClock>>,
}

impl House {
    /// A house with the plugins named, and two partitions.
    ///
    /// # Errors
    /// When a plugin is not built.
    pub fn with(plugins: &[&str]) -> Result<House, String> {
        Ok(House {
            folder: tempfile::tempdir().map_err(|e| e.to_string())?,
            config: HostConfig { partitions: Some(2), ..HostConfig::default() },
            plugins: plugins.iter().map(|name| plugin(name)).collect::<Result<_, _>>()?,
            limits: None,
            clock: None,
        })
    }

    /// Writes a workflow `tests/<name>` of these tasks into the folder and deploys it.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn workflow(&mut self, name: &str, units: &[&str], rest: &Value) -> Result<(), String> {
        let mut text = json!({"document": {"dsl": "1.0.3", "namespace": "tests", "name": name, "version": "1.0.0"}});
        if let (Some(text), Some(rest)) = (text.as_object_mut(), rest.as_object()) {
            text.extend(rest.clone());
        }
        let file = self.folder.path().join(format!("{name}.json"));
        std::fs::write(&file, text.to_string()).map_err(|e| format!("{}: {e}", file.display()))?;
        self.config.workflows.push(WorkflowConfig { file, units: units.iter().map(|u| (*u).to_owned()).collect() });
        Ok(())
    }

    /// The three steps that an honest run takes; give it `{"n": …}`.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn honest(&mut self) -> Result<(), String> {
        let add = |first: &str| json!({"call": "tally:0.1.0@default", "with": {"numbers": [first, 1]}});
        self.workflow(
            "honest",
            &[],
            &json!({"do": [{"first": add("${ .n }")}, {"second": add("${ .sum }")}, {"third": add("${ .sum }")}]}),
        )
    }

    /// The host's data folder.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Starts a host that forgets.
    ///
    /// # Errors
    /// Why it did not start.
    pub async fn in_memory(&self) -> Result<Engine, String> {
        Engine::start(Options { data: None, ..self.options() }).await.map_err(|e| e.to_string())
    }

    /// Starts a host on the folder.
    ///
    /// # Errors
    /// Why it did not start.
    pub async fn on_disk(&self) -> Result<Engine, String> {
        self.on_disk_at(&self.data()).await
    }

    /// Starts a host on another data folder.
    ///
    /// # Errors
    /// Why it did not start.
    pub async fn on_disk_at(&self, data: &Path) -> Result<Engine, String> {
        Engine::start(Options { data: Some(data.to_owned()), ..self.options() }).await.map_err(|e| e.to_string())
    }

    /// Starts a host on a log that outlives it.
    ///
    /// # Errors
    /// Why it did not start.
    pub async fn on(&self, log: Arc<dyn Journal>) -> Result<Engine, String> {
        Engine::start(Options { data: None, store: Some(log), ..self.options() }).await.map_err(|e| e.to_string())
    }

    fn options(&self) -> Options {
        Options {
            config: self.config.clone(),
            base: self.folder.path().to_owned(),
            bundle: self.plugins.clone(),
            cache: Some(code_cache()),
            clock: self.clock.clone().map(|c| c as Arc<dyn Clock>),
            limits: self.limits.clone(),
            ..Options::in_memory()
        }
    }
}

/// A run to start, on behalf of nobody.
pub fn submission(workflow: &str, input: Value) -> Submission {
    Submission { workflow: workflow.to_owned(), unit: None, input, actor: "admin:test".to_owned(), run: None }
}

/// The same, with an id of the asker's choice.
pub fn named(workflow: &str, run: &str, input: Value) -> Submission {
    Submission { run: Some(run.to_owned()), ..submission(workflow, input) }
}

/// A running or finished run by its id.
///
/// # Errors
/// When the host does not answer.
pub async fn finished(engine: &Engine, run: &str) -> Result<Option<Arc<FinishedRun>>, String> {
    let run = run.to_owned();
    let found = engine.look_all(move |state, _| state.finished.iter().find(|f| f.run == run).cloned()).await;
    Ok(found.map_err(|e| e.to_string())?.into_iter().flatten().next())
}

/// Every run that has ended and is still known, each partition's in the order of their ends.
///
/// # Errors
/// When the host does not answer.
pub async fn ended(engine: &Engine) -> Result<Vec<Arc<FinishedRun>>, String> {
    let all = engine.look_all(|state, _| state.finished.iter().cloned().collect::<Vec<_>>()).await;
    Ok(all.map_err(|e| e.to_string())?.into_iter().flatten().collect())
}

/// The error that a run ended with.
///
/// # Errors
/// When it ended otherwise.
pub fn fault(run: &Arc<FinishedRun>) -> Result<FlowError, String> {
    if run.status != "faulted" {
        return Err(format!("the run is {}: {}", run.status, run.result));
    }
    serde_json::from_value(run.result.clone()).map_err(|e| e.to_string())
}

/// Waits for a run's end.
///
/// # Errors
/// When it does not come.
pub async fn end_of(engine: &Engine, run: &str) -> Result<Arc<FinishedRun>, String> {
    until(&format!("the end of run {run}"), async || finished(engine, run).await).await
}

/// Waits until a run has such a task at work: being accepted and having come
/// that far are two things.
///
/// # Errors
/// When it does not come to it.
pub async fn comes_to(engine: &Engine, run: &str, kind: &'static str) -> Result<(), String> {
    until(&format!("run {run} to come to {kind}"), async || {
        let id = run.to_owned();
        let found = engine.look_all(move |state, _| {
            state.runs.get(&id).is_some_and(|run| run.flow.active().iter().any(|task| task.kind == kind))
        });
        Ok(found.await.map_err(|e| e.to_string())?.contains(&true).then_some(()))
    })
    .await
}

/// Asks again and again until there is an answer.
///
/// # Errors
/// When none comes for long, or asking fails.
pub async fn until<T>(what: &str, mut ask: impl AsyncFnMut() -> Result<Option<T>, String>) -> Result<T, String> {
    let began = Instant::now();
    loop {
        if let Some(answer) = ask().await? {
            return Ok(answer);
        }
        if began.elapsed() > PATIENCE {
            return Err(format!("waited {PATIENCE:?} in vain for {what}"));
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Keeps honest runs going, `count` of them in flight at any time: each that
/// ends makes room for the next, until asked to end (and at least `least` in
/// all); gives how many there were. Each must complete with what three steps give.
///
/// # Errors
/// The first that did not.
pub async fn honest_runs(engine: &Engine, least: u64, count: u64, end: impl FnMut() -> bool) -> Result<u64, String> {
    let (started, end) = (Cell::new(0), RefCell::new(end));
    let lane = async || {
        loop {
            let n = started.get();
            if n >= least && (end.borrow_mut())() {
                return Ok::<_, String>(());
            }
            started.set(n + 1);
            let run = engine.run(submission("honest", json!({"n": n}))).await.map_err(|e| e.to_string())?;
            if run.status != "completed" || run.result.get("sum") != Some(&json!(n + 3)) {
                return Err(format!("honest run {n} {}: {}", run.status, run.result));
            }
        }
    };
    futures::future::try_join_all((0..count).map(|_| lane())).await?;
    Ok(started.get())
}

/// A clock that stands still until it is set.
pub struct SetClock(AtomicI64);

impl SetClock {
    /// It stands at the present minute.
    pub fn now_standing() -> Arc<SetClock> {
        Arc::new(SetClock(AtomicI64::new(Timestamp::now().as_millisecond() / 60_000 * 60_000)))
    }

    /// Puts it forward.
    pub fn forward(&self, by: SignedDuration) {
        self.0.fetch_add(i64::try_from(by.as_millis()).unwrap_or_default(), Ordering::SeqCst);
    }
}

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.0.load(Ordering::SeqCst)).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

/// Copies a folder with all that is in it.
///
/// # Errors
/// When it cannot be read or written.
pub fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
