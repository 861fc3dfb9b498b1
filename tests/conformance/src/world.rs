//! A scenario's world: a host, its store, its clock, what surrounds it; and
//! the doing of steps. After a crash a step that was not acknowledged is asked
//! for again, with the same id, as a careful client would.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use huiyin_engine::config::{HostConfig, SecretConfig, WorkflowConfig};
use huiyin_engine::house::House;
use huiyin_engine::shell::Clock as _;
use huiyin_engine::state::{FinishedRun, State};
use huiyin_engine::{Engine, Options, Refusal, StartError, Submission};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::clock::VirtualClock;
use crate::feature::Scenario;
use crate::rest;
use crate::services::{Answer, HTTPBIN, PETSTORE, SERVICE, Services};
use crate::step::{Act, Step};
use crate::store::{Crash, Store};
use crate::{checks, project};

/// The longest wait for a host to come to rest.
const PATIENCE: Duration = Duration::from_secs(30);

/// How far time goes at once where schedules may fire in between.
const HOP: SignedDuration = SignedDuration::from_secs(10);

/// The tag of scenarios in which a crash may leave open whether something
/// happened that may not happen twice.
const PERSON: &str = "a-person-may-have-to-look";

/// The file of the certificate that vouches for the stand-ins.
const ROOT: &str = "stand-ins.pem";

/// What all scenarios of a process share.
pub struct Rig {
    /// The stand-ins.
    pub services: Services,
    /// The sandbox, once the first host has made it.
    house: OnceLock<Arc<House>>,
    starting: Mutex<()>,
    worlds: AtomicU64,
    bundle: Vec<Vec<u8>>,
}

impl Rig {
    /// Starts the stand-ins and reads the plugins.
    ///
    /// # Errors
    /// What is not there.
    pub fn new() -> Result<Rig, String> {
        let plugin = |name: &str| {
            let file = project(&format!("build/plugins/{name}-0.1.0.wasm"));
            std::fs::read(&file)
                .map_err(|e| format!("{}: {e}; run `make plugins`, then this test again", file.display()))
        };
        Ok(Rig {
            services: Services::start()?,
            house: OnceLock::new(),
            starting: Mutex::new(()),
            worlds: AtomicU64::new(1),
            bundle: ["jq", "tally"].into_iter().map(plugin).collect::<Result<_, _>>()?,
        })
    }
}

/// How a scenario is to be run.
#[derive(Debug, Clone, Copy)]
pub struct Mode {
    /// Where the host crashes, if it does.
    pub crash: Option<Crash>,
    /// Segment files on the disk instead of a journal in memory.
    pub on_disk: bool,
}

/// A host alive.
struct Alive {
    runtime: tokio::runtime::Runtime,
    engine: Engine,
}

/// A scenario's world.
pub struct World {
    pub(crate) rig: Arc<Rig>,
    pub(crate) number: u64,
    pub(crate) store: Store,
    pub(crate) clock: Arc<VirtualClock>,
    folder: TempDir,
    config: HostConfig,
    alive: Option<Alive>,
    input: Value,
    /// The workflow that the scenario is about.
    subject: Option<String>,
    /// All of them, `namespace/name`.
    names: Vec<String>,
    /// The latest run that was executed by a step, with its workflow.
    pub(crate) run: Option<(String, String)>,
    runs: usize,
    /// Some workflow starts by the clock.
    scheduled: bool,
    /// Crashes so far.
    pub(crate) crashes: u32,
}

/// How a scenario went.
#[derive(Debug, PartialEq)]
pub struct Outcome {
    /// Every run that ended, and those that did not: workflow, state, result.
    pub runs: Vec<(String, String, Value)>,
    /// Requests that the service got, with what may not be repeated first: how often each.
    pub asked: Vec<(String, usize)>,
    /// Appends that the journal took.
    pub appends: u64,
    /// Whether the crash came.
    pub crashed: bool,
    /// Whether it came where only a person can know what happened.
    pub person: bool,
}

/// Does a scenario.
///
/// # Errors
/// The first step that could not be done or did not hold, with its place.
pub fn run(rig: &Arc<Rig>, scenario: &Scenario, mode: Mode) -> Result<Outcome, String> {
    let mut world = World::new(rig, mode)?;
    let mut done = Ok(());
    for (place, step) in &scenario.steps {
        done = world.step(step).map_err(|why| format!("{place}\n    {why}"));
        if done.is_err() {
            break;
        }
    }
    if done.is_err() && scenario.has(PERSON) && world.crashes > 0 && checks::needs_person(&mut world).is_ok() {
        let outcome = world.outcome().map(|outcome| Outcome { person: true, ..outcome });
        world.kill();
        rig.services.forget(world.number);
        return outcome;
    }
    let outcome = done.and_then(|()| world.outcome()).map_err(|why| format!("{why}\n{}", world.account()));
    world.kill();
    rig.services.forget(world.number);
    outcome
}

impl World {
    fn new(rig: &Arc<Rig>, mode: Mode) -> Result<World, String> {
        let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
        let store = if mode.on_disk {
            Store::on_disk(folder.path().join("journal"), mode.crash).map_err(|e| e.to_string())?
        } else {
            Store::in_memory(mode.crash)
        };
        Ok(World {
            rig: Arc::clone(rig),
            number: rig.worlds.fetch_add(1, Ordering::Relaxed),
            store,
            clock: Arc::new(VirtualClock::new()),
            folder,
            config: HostConfig { partitions: Some(1), ..HostConfig::default() },
            alive: None,
            input: Value::Object(serde_json::Map::new()),
            subject: None,
            names: Vec::new(),
            run: None,
            runs: 0,
            scheduled: false,
            crashes: 0,
        })
    }

    fn step(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::Workflow(text) => self.workflow(text),
            Step::Input(input) => {
                self.input = input.clone();
                Ok(())
            }
            Step::ClockAt(at) => {
                self.clock.set(*at);
                Ok(())
            }
            Step::Secret { name, value } => self.secret(name, value),
            Step::Answer { method, path, status, body, cut, lasting } => {
                let until = match lasting {
                    Some(long) => Some(self.clock.now().checked_add(*long).map_err(|e| e.to_string())?),
                    None => None,
                };
                let answer = Answer {
                    method: method.clone(),
                    path: path.clone(),
                    status: *status,
                    body: body.clone(),
                    cut: *cut,
                    until: until.map(|until| (Arc::clone(&self.clock), until)),
                };
                self.rig.services.set(self.number, answer);
                Ok(())
            }
            Step::Partitions(count) => {
                self.config.partitions = Some(*count);
                Ok(())
            }
            Step::Sink(path) => {
                let method = "POST".to_owned();
                let uri = format!("https://service.example/{}{path}", self.number);
                let thanks = Answer { method, path: path.clone(), status: 202, body: None, cut: false, until: None };
                self.rig.services.set(self.number, thanks);
                let sink = json!({"name": path.trim_matches('/'), "uri": uri});
                self.config.lifecycle.sinks.push(serde_json::from_value(sink).map_err(|e| e.to_string())?);
                Ok(())
            }
            Step::Execute(name) => {
                let workflow = name.clone().or_else(|| self.subject.clone()).ok_or("no workflow was defined")?;
                self.execute(&workflow)
            }
            Step::Pass(by) => self.pass(*by),
            Step::Event(event) => self.event(event),
            Step::Restart { asked, down } => {
                self.settle()?;
                self.end(*asked)?;
                let now = self.clock.now();
                self.clock.set(now.checked_add(*down).map_err(|e| e.to_string())?);
                self.settle()
            }
            Step::Person(act) => self.person(act),
            Step::Check(check) => {
                self.settle()?;
                checks::check(self, check)
            }
        }
    }

    fn workflow(&mut self, text: &str) -> Result<(), String> {
        // The service hears each scenario under a path of its own.
        let text = text.replace("https://service.example/", &format!("https://service.example/{}/", self.number));
        let json = text.trim_start().starts_with('{');
        let file = format!("workflow-{}.{}", self.config.workflows.len(), if json { "json" } else { "yaml" });
        let read = huiyin_flow::read_value(&text, &file).map_err(|found| joined(&found))?;
        let part = |name: &str| read["document"][name].as_str().unwrap_or_default().to_owned();
        let name = format!("{}/{}", part("namespace"), part("name"));
        self.subject.get_or_insert(name.clone());
        self.names.push(name);
        self.scheduled |= ["cron", "every", "after"].iter().any(|kind| read["schedule"].get(kind).is_some());
        self.deploy(&file, &text)
    }

    fn deploy(&mut self, file: &str, text: &str) -> Result<(), String> {
        let file = self.folder.path().join(file);
        std::fs::write(&file, text).map_err(|e| format!("{}: {e}", file.display()))?;
        self.config.workflows.push(WorkflowConfig { file, units: Vec::new() });
        Ok(())
    }

    fn secret(&mut self, name: &str, value: &str) -> Result<(), String> {
        use std::os::unix::fs::PermissionsExt as _;
        let file = PathBuf::from(format!("secret-{name}"));
        let path = self.folder.path().join(&file);
        std::fs::write(&path, value).map_err(|e| e.to_string())?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).map_err(|e| e.to_string())?;
        self.config.secrets.insert(name.to_owned(), SecretConfig { file });
        Ok(())
    }

    // Hosts.

    /// What is configured, and what every workflow is granted: the stand-ins,
    /// and the scenario's secrets for our own service.
    fn configured(&self) -> Result<HostConfig, String> {
        let address = self.rig.services.address;
        let place = |name: &str| format!("https://{name}");
        let places: Vec<Value> =
            [PETSTORE, HTTPBIN, SERVICE].iter().map(|name| json!({"origin": place(name), "methods": []})).collect();
        let secrets: Vec<Value> = self
            .config
            .secrets
            .keys()
            .map(|name| json!({"name": name, "hosts": [place(SERVICE), place(HTTPBIN)]}))
            .collect();
        let grant = json!({"http": places, "secrets": secrets});
        let grants: Vec<Value> =
            self.names.iter().map(|name| json!({"workflow": name, "grant": grant.clone()})).collect();
        let resolve: serde_json::Map<String, Value> =
            [PETSTORE, HTTPBIN, SERVICE].iter().map(|name| ((*name).to_owned(), address.to_string().into())).collect();
        let root = self.folder.path().join(ROOT);
        std::fs::write(&root, &self.rig.services.root).map_err(|e| format!("{}: {e}", root.display()))?;
        Ok(HostConfig {
            grants: serde_json::from_value(Value::Array(grants)).map_err(|e| e.to_string())?,
            egress: serde_json::from_value(json!({"resolve": resolve, "roots": [ROOT]})).map_err(|e| e.to_string())?,
            ..self.config.clone()
        })
    }

    fn options(&self, config: HostConfig) -> Options {
        Options {
            config,
            base: self.folder.path().to_owned(),
            bundle: self.rig.bundle.clone(),
            cache: Some(std::env::temp_dir().join("huiyin-conformance-code")),
            store: Some(self.store.lend()),
            house: self.rig.house.get().cloned(),
            clock: Some(Arc::clone(&self.clock) as _),
            workers: Some(1),
            ..Options::in_memory()
        }
    }

    fn start(&mut self) -> Result<(), String> {
        let first = self.rig.house.get().is_none();
        let rig = Arc::clone(&self.rig);
        let config = self.configured()?;
        let _one = first.then(|| rig.starting.lock().unwrap_or_else(PoisonError::into_inner));
        loop {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
            match runtime.block_on(Engine::start(self.options(config.clone()))) {
                Ok(engine) => {
                    self.rig.house.get_or_init(|| Arc::clone(engine.house()));
                    self.alive = Some(Alive { runtime, engine });
                    return Ok(());
                }
                Err(StartError::Journal(_)) if self.store.crashed() => {
                    runtime.shutdown_background();
                    self.crashes += 1;
                    self.store.reopen().map_err(|e| e.to_string())?;
                }
                Err(error) => return Err(format!("the host does not start: {error}")),
            }
        }
    }

    /// Nothing of the host goes on after this.
    fn kill(&mut self) {
        if let Some(Alive { runtime, engine }) = self.alive.take() {
            runtime.shutdown_background();
            drop(engine);
        }
    }

    fn end(&mut self, asked: bool) -> Result<(), String> {
        if asked && let Some(Alive { runtime, engine }) = &self.alive {
            let stopped = runtime.block_on(engine.stop());
            if !self.store.crashed() {
                stopped?;
            }
        }
        self.kill();
        self.store.reopen_if_crashed().map_err(|e| e.to_string())
    }

    /// Asks the host; where the crash came in between, asks the next one again.
    fn ask<T>(
        &mut self,
        mut question: impl AsyncFnMut(&Engine) -> Result<T, Refusal>,
    ) -> Result<Result<T, Refusal>, String> {
        loop {
            if self.alive.is_none() {
                self.start()?;
            }
            let Some(Alive { runtime, engine }) = &self.alive else { return Err("no host".to_owned()) };
            let answer = runtime.block_on(async {
                tokio::select! {
                    answer = question(engine) => Some(answer),
                    () = tokio::time::sleep(PATIENCE) => None,
                }
            });
            if self.store.crashed() {
                self.kill();
                self.crashes += 1;
                self.store.reopen().map_err(|e| e.to_string())?;
                // An answer that came before the crash counts.
                if let Some(Ok(answer)) = answer {
                    return Ok(Ok(answer));
                }
                continue;
            }
            return match answer {
                Some(answer) => Ok(answer),
                None => Err(format!("the host did not answer within {PATIENCE:?}")),
            };
        }
    }

    /// Looks at every partition of the host.
    pub(crate) fn look<T: Send + 'static>(
        &mut self,
        look: impl Fn(&State, Timestamp) -> T + Send + Sync + Clone + 'static,
    ) -> Result<Vec<T>, String> {
        self.ask(async |engine| engine.look_all(look.clone()).await)?.map_err(|refusal| refusal.to_string())
    }

    /// The first that any partition gives.
    pub(crate) fn find<T: Send + 'static>(
        &mut self,
        look: impl Fn(&State, Timestamp) -> Option<T> + Send + Sync + Clone + 'static,
    ) -> Result<Option<T>, String> {
        Ok(self.look(look)?.into_iter().flatten().next())
    }

    /// Waits until nothing goes on but waiting, and whoever is to know has been told.
    pub(crate) fn settle(&mut self) -> Result<(), String> {
        let began = Instant::now();
        // What is due fires after the first look, and is seen by the second.
        self.look(|_, _| ())?;
        let mut calm = 0;
        loop {
            let why = self.find(rest::restless)?.or_else(|| self.untold());
            calm = if why.is_none() { calm + 1 } else { 0 };
            if calm == 2 {
                return Ok(());
            }
            if let Some(why) = why {
                if began.elapsed() > PATIENCE {
                    return Err(format!("the host does not come to rest: {why}"));
                }
                self.breathe(Duration::from_millis(1));
            }
        }
    }

    /// The sink that has yet to be told something, or to put its place on record:
    /// it does both beside everything else, so a crash may come while it does.
    /// Its place is asked for before the next look, which comes back once that is durable.
    fn untold(&self) -> Option<String> {
        let mut sinks = self.alive.iter().flat_map(|alive| alive.engine.sinks());
        let slow = sinks.find(|sink| sink.behind > 0)?;
        let error = slow.error.map_or_else(String::new, |error| format!(": {error}"));
        Some(format!("the sink {} is {} records behind{error}", slow.sink, slow.behind))
    }

    fn breathe(&self, long: Duration) {
        if let Some(alive) = &self.alive {
            alive.runtime.block_on(async move { tokio::time::sleep(long).await });
        }
    }

    // Steps.

    fn execute(&mut self, workflow: &str) -> Result<(), String> {
        self.runs += 1;
        let run = format!("run-{}", self.runs);
        self.run = Some((run.clone(), workflow.to_owned()));
        let input = self.input.clone();
        self.submit(workflow, &run, &input)?;
        self.settle()
    }

    fn submit(&mut self, workflow: &str, run: &str, input: &Value) -> Result<(), String> {
        self.ask(async |engine| {
            let submission = Submission {
                workflow: workflow.to_owned(),
                unit: None,
                input: input.clone(),
                actor: "person:scenario".to_owned(),
                run: Some(run.to_owned()),
            };
            engine.submit(submission).await
        })?
        .map(drop)
        .map_err(|refusal| refusal.to_string())
    }

    fn event(&mut self, event: &Value) -> Result<(), String> {
        let Some(attributes) = event.as_object() else { return Err("an event is an object".to_owned()) };
        let mut event = attributes.clone();
        event.entry("specversion").or_insert_with(|| Value::from("1.0"));
        let event = Value::Object(event);
        self.ask(async |engine| engine.event(None, event.clone()).await)?.map_err(|refusal| refusal.to_string())?;
        self.settle()
    }

    fn pass(&mut self, by: SignedDuration) -> Result<(), String> {
        let target = self.clock.now().checked_add(by).map_err(|e| e.to_string())?;
        self.settle()?;
        loop {
            let now = self.clock.now();
            if now >= target {
                return Ok(());
            }
            let due = self.look(rest::next_timer)?.into_iter().flatten().min();
            let hop = self.scheduled.then(|| now.checked_add(HOP).ok()).flatten();
            let next = [due, hop, Some(target)].into_iter().flatten().min().unwrap_or(target);
            self.clock.set(next.min(target));
            self.settle()?;
        }
    }

    fn person(&mut self, act: &Act) -> Result<(), String> {
        let (run, _) = self.run.clone().ok_or("no run was executed")?;
        let (why, who) = ("the scenario says so", "person:scenario");
        let crashes = self.crashes;
        let done = match act {
            Act::Cancel => self.ask(async |engine| engine.cancel(&run, why, who).await)?,
            Act::Suspend => self.ask(async |engine| engine.suspend(&run, why, who).await)?,
            Act::Resume => self.ask(async |engine| engine.resume(&run, why, who).await)?,
            Act::Resolve(gave) => self.ask(async |engine| engine.resolve(&run, None, gave.clone(), why, who).await)?,
            Act::Retry => self.ask(async |engine| engine.retry(&run, why, who).await)?,
            Act::RestartFrom(task, input) => {
                self.ask(async |engine| engine.restart(&run, task, input.clone(), why, who).await)?
            }
        };
        match done {
            // Who asks again after a crash may find that it was done.
            Err(Refusal::NotFound(_) | Refusal::Refused(_)) if self.crashes > crashes => {}
            Err(refusal) => return Err(refusal.to_string()),
            Ok(()) => {}
        }
        self.settle()
    }

    // What is left.

    /// The latest run's end, if it has ended.
    pub(crate) fn ended(&mut self) -> Result<Option<Arc<FinishedRun>>, String> {
        let (run, _) = self.run.clone().ok_or("no run was executed")?;
        self.find(move |state, _| state.ended(&run).cloned())
    }

    /// The runs of a workflow that have ended, in order.
    pub(crate) fn ended_of(&mut self, workflow: &str) -> Result<Vec<Arc<FinishedRun>>, String> {
        let workflow = workflow.to_owned();
        let ended = self.look(move |state, _| {
            let of = |f: &&Arc<FinishedRun>| name_of(state, &f.deployment).is_some_and(|name| same(&name, &workflow));
            state.finished.iter().filter(of).cloned().collect::<Vec<_>>()
        })?;
        let mut ended: Vec<Arc<FinishedRun>> = ended.into_iter().flatten().collect();
        ended.sort_by_key(|run| run.ended);
        Ok(ended)
    }

    fn outcome(&mut self) -> Result<Outcome, String> {
        self.settle()?;
        let runs = self.look(|state, _| {
            let ended = state
                .finished
                .iter()
                .map(|f| (name_of(state, &f.deployment).unwrap_or_default(), f.status.clone(), f.result.clone()));
            let open = state.runs.values().map(|run| {
                let unknown = run.effects.values().any(|e| e.unknown.is_some());
                let stand = if unknown || run.quarantined.is_some() {
                    "needs a person".to_owned()
                } else {
                    format!("{:?}", run.flow.phase())
                };
                let tasks: Vec<Value> = run.flow.active().iter().map(|task| Value::from(&*task.task)).collect();
                (name_of(state, &run.deployment).unwrap_or_default(), stand, Value::Array(tasks))
            });
            ended.chain(open).collect::<Vec<_>>()
        })?;
        let mut runs: Vec<_> = runs.into_iter().flatten().collect();
        runs.sort_by_key(|(name, stand, result)| (name.clone(), stand.clone(), result.to_string()));
        let mut asked = std::collections::BTreeMap::<String, usize>::new();
        // What is told to sinks is told at least once; which events, is another check.
        let sinks: Vec<String> = self.config.lifecycle.sinks.iter().map(|sink| format!("/{}", sink.name)).collect();
        for request in self.rig.services.asked(self.number).iter().filter(|asked| !sinks.contains(&asked.path)) {
            let body = String::from_utf8_lossy(&request.body);
            *asked.entry(format!("{} {} {body}", request.method, request.path)).or_default() += 1;
        }
        Ok(Outcome {
            runs,
            asked: asked.into_iter().collect(),
            appends: self.store.appends(),
            crashed: self.crashes > 0,
            person: false,
        })
    }

    /// What happened, for who must find out why a scenario failed.
    fn account(&self) -> String {
        let mut text = String::from("the journal:\n");
        let Ok(records) = self.store.journal().read_all(0) else { return text };
        for record in records.flatten() {
            let payload = match &record.payload {
                huiyin_journal::Payload::Open(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                huiyin_journal::Payload::Redacted => "redacted".to_owned(),
            };
            if record.kind != "huiyin.workflow.deployed.v1" {
                let short: String = payload.chars().take(600).collect();
                text.push_str(&format!("  {} {} {short}\n", record.header.id, record.kind));
            }
        }
        for request in self.rig.services.asked(self.number) {
            text.push_str(&format!("asked: {} {}\n", request.method, request.path));
        }
        text
    }
}

/// A workflow by its whole name or the last part of it.
fn same(name: &str, wanted: &str) -> bool {
    name == wanted || name.rsplit('/').next() == Some(wanted)
}

fn name_of(state: &State, deployment: &str) -> Option<String> {
    Some(state.deployments.get(deployment)?.name.clone())
}

fn joined(found: &[huiyin_flow::Diagnostic]) -> String {
    found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
