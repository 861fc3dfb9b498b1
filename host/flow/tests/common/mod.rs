//! A tiny deterministic world around the interpreter: virtual clock, scripted
//! call results, scripted events. After every turn it checks the law that the
//! facts alone rebuild the state.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    clippy::needless_pass_by_value,
    clippy::format_collect
)] // each test file uses its own part

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use huiyin_flow::{
    CallId, Catalog, Command, Definition, Diagnostic, Env, ErrorKind, Evaluator, Event, ExprError, Fact, FlowError,
    FunctionInfo, FunctionKind, Outcome, RunState, Severity, TimerId, Turn, advance, apply, decide, lifecycle,
    outstanding,
};
use jiff::Timestamp;
use serde_json::{Value, json};

pub struct Jq;

impl Evaluator for Jq {
    fn compile(&self, program: &str, vars: &[&str]) -> Result<(), ExprError> {
        huiyin_plugin_jq::compile(program, vars).map_err(|e| ExprError::new(e.0))
    }

    fn eval(&self, program: &str, input: &Value, vars: &[(&str, &Value)]) -> Result<Value, ExprError> {
        huiyin_plugin_jq::evaluate(program, input, vars).map_err(|e| ExprError::new(e.0))
    }
}

/// `echo`, `fail`, `slow`, `never`, `flaky` and one with a schema, `open-case`.
pub struct Shelf;

impl Catalog for Shelf {
    fn resolve(&self, name: &str, version: Option<&str>) -> Option<FunctionInfo> {
        if version.is_some_and(|v| v != "1.0.0") {
            return None;
        }
        let plugin = |input_schema| {
            Some(FunctionInfo { kind: FunctionKind::Plugin { kind: "step".into() }, input_schema, output_schema: None })
        };
        match name {
            "echo" | "fail" | "slow" | "never" | "flaky" | "broken" => plugin(None),
            "open-case" => Some(FunctionInfo {
                kind: FunctionKind::Core,
                input_schema: Some(json!({
                    "type": "object",
                    "required": ["item", "level"],
                    "properties": {"item": {}, "level": {"enum": ["I", "II", "III", "IV"]}, "note": {"type": "string"}},
                    "additionalProperties": false
                })),
                output_schema: None,
            }),
            _ => None,
        }
    }

    fn names(&self) -> Vec<String> {
        ["echo", "fail", "slow", "never", "flaky", "open-case"].map(String::from).to_vec()
    }
}

pub fn parse(text: &str, file: &str) -> Result<Definition, Vec<Diagnostic>> {
    Definition::parse(text, file, &Shelf, &Jq)
}

/// A workflow around the given top-level properties, in JSON.
pub fn workflow(body: Value) -> Value {
    let mut all = json!({"document": {"dsl": "1.0.3", "namespace": "test", "name": "example", "version": "1.0.0"}});
    for (key, value) in body.as_object().unwrap() {
        all[key] = value.clone();
    }
    all
}

pub fn define(body: Value) -> Definition {
    let text = serde_json::to_string_pretty(&workflow(body)).unwrap();
    parse(&text, "test.json")
        .unwrap_or_else(|list| panic!("{}", list.iter().map(|d| format!("{d}\n")).collect::<String>()))
}

pub fn errors(body: Value) -> Vec<Diagnostic> {
    let text = serde_json::to_string_pretty(&workflow(body)).unwrap();
    match parse(&text, "test.json") {
        Ok(_) => panic!("the workflow was accepted:\n{text}"),
        Err(list) => list.into_iter().filter(|d| d.severity == Severity::Error).collect(),
    }
}

pub fn start_time() -> Timestamp {
    "2026-03-01T08:00:00Z".parse().unwrap()
}

/// One run and the world around it.
#[derive(Clone)]
pub struct Sim {
    pub def: Definition,
    pub state: RunState,
    pub now: Timestamp,
    /// All facts, with the time of their turn.
    pub facts: Vec<(Timestamp, Fact)>,
    pub published: Vec<Value>,
    pub calls: VecDeque<Command>,
    pub timers: BTreeMap<TimerId, Timestamp>,
    pub subscribed: usize,
    /// Events to deliver, one whenever nothing else can happen.
    pub events: Vec<Value>,
    pub delivered: usize,
    pub finished: Option<Outcome>,
    pub max_steps: u32,
    pub turns: usize,
    /// Calls of `broken` give their input instead of an error.
    pub mended: bool,
    /// All lifecycle events.
    pub told: Vec<Value>,
}

impl Sim {
    pub fn new(def: &Definition) -> Self {
        Self {
            def: def.clone(),
            state: RunState::new(),
            now: start_time(),
            facts: Vec::new(),
            published: Vec::new(),
            calls: VecDeque::new(),
            timers: BTreeMap::new(),
            subscribed: 0,
            events: Vec::new(),
            delivered: 0,
            finished: None,
            max_steps: 10_000,
            turns: 0,
            mended: false,
            told: Vec::new(),
        }
    }

    pub fn start(&mut self, input: Value) {
        self.give(Event::Start { run_id: "r1".into(), input, context: json!({"unit": "u1"}) });
    }

    pub fn give(&mut self, event: Event) -> Turn {
        let evaluator = Jq;
        let env = Env { max_steps: self.max_steps, ..Env::new(self.now, 7, &evaluator) };
        let before = self.state.clone();
        let decided = decide(&self.def, &before, event.clone(), &env);
        let turn = advance(&self.def, &mut self.state, event, &env);
        assert_eq!(decided, turn, "decide and advance agree");
        self.told.extend(lifecycle(&self.def, &before, &turn.facts, self.now));
        let mut rebuilt = before;
        for fact in &turn.facts {
            let text = serde_json::to_string(fact).unwrap();
            let read: Fact = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"));
            assert_eq!(&read, fact, "a fact survives its JSON");
            apply(&mut rebuilt, &read).unwrap();
        }
        assert_eq!(rebuilt, self.state, "the facts rebuild the state");
        let text = serde_json::to_string(&self.state).unwrap();
        assert_eq!(serde_json::from_str::<RunState>(&text).unwrap(), self.state, "the state survives its JSON");
        if let Some(most) = self.state.weight_at_most() {
            assert!(most >= self.state.weight(), "what a state may weigh is never less than what it does");
        }
        self.facts.extend(turn.facts.iter().map(|fact| (self.now, fact.clone())));
        self.obey(turn.commands.clone());
        self.turns += 1;
        turn
    }

    pub fn obey(&mut self, commands: Vec<Command>) {
        for command in commands {
            match command {
                Command::Call { .. } | Command::Request { .. } | Command::Run { .. } => self.calls.push_back(command),
                Command::CancelCall { call } => {
                    let before = self.calls.len();
                    self.calls.retain(|c| id_of(c) != call);
                    assert_eq!(self.calls.len() + 1, before, "only open calls are cancelled");
                }
                Command::SetTimer { timer, due } => {
                    assert_eq!(self.timers.insert(timer, due), None, "timers are set once")
                }
                Command::CancelTimer { timer } => {
                    assert!(self.timers.remove(&timer).is_some(), "only open timers are cancelled")
                }
                Command::Publish { event } => self.published.push((*event).clone()),
                Command::Subscribe { .. } => self.subscribed += 1,
                Command::Unsubscribe { .. } => self.subscribed -= 1,
                Command::Finished { outcome } => assert_eq!(self.finished.replace(outcome), None, "a run ends once"),
            }
        }
    }

    /// One thing that can happen; false if nothing can.
    pub fn happen(&mut self) -> bool {
        if self.finished.is_some() {
            return false;
        }
        if self.state.runnable() {
            self.give(Event::Continue);
            return true;
        }
        let answer = self.calls.iter().position(|c| reply(c, self.mended).is_some());
        if let Some(command) = answer.and_then(|i| self.calls.remove(i)) {
            let outcome = reply(&command, self.mended).unwrap();
            self.give(Event::Result { call: id_of(&command), outcome });
            return true;
        }
        if let Some(event) = self.events.get(self.delivered).cloned()
            && self.subscribed > 0
        {
            self.delivered += 1;
            self.give(Event::Event { event });
            return true;
        }
        let first = self.timers.iter().min_by_key(|(id, due)| (**due, **id)).map(|(id, due)| (*id, *due));
        if let Some((timer, due)) = first {
            self.timers.remove(&timer);
            self.now = self.now.max(due);
            self.give(Event::Timer { timer });
            return true;
        }
        false
    }

    /// The types and tasks of the lifecycle events, without what is common to all.
    pub fn life(&self) -> Vec<String> {
        let short = |e: &Value| {
            let kind = e["type"].as_str().unwrap().strip_prefix("io.serverlessworkflow.").unwrap();
            let kind = kind.strip_suffix(".v1").unwrap();
            e["data"]["task"].as_str().map_or(kind.to_owned(), |task| format!("{kind} {task}"))
        };
        self.told.iter().map(short).filter(|kind| !kind.ends_with("status-changed")).collect()
    }

    pub fn go(&mut self) -> Option<Outcome> {
        for _ in 0..100_000 {
            if !self.happen() {
                return self.finished.clone();
            }
        }
        panic!("the run goes on for ever");
    }

    /// The world after a crash that left `count` facts.
    pub fn after_crash(&self, count: usize) -> Self {
        let mut sim = Self::new(&self.def);
        sim.events.clone_from(&self.events);
        sim.max_steps = self.max_steps;
        sim.mended = self.mended;
        for (at, fact) in &self.facts[..count] {
            apply(&mut sim.state, fact).unwrap();
            sim.now = *at;
            sim.published.extend(fact.publishes().map(|e| (**e).clone()));
            sim.facts.push((*at, fact.clone()));
            sim.delivered += usize::from(matches!(fact, Fact::Heard { .. }));
        }
        if let Some(outcome) = sim.state.outcome() {
            sim.finished = Some(outcome.clone());
        }
        sim.obey(outstanding(&sim.state));
        sim
    }
}

fn id_of(command: &Command) -> CallId {
    match command {
        Command::Call { call, .. } | Command::Request { call, .. } | Command::Run { call, .. } => *call,
        other => panic!("not a call: {other:?}"),
    }
}

/// What the world answers to a call; `None`: nothing, ever. A request is
/// answered with itself, a workflow with its input.
fn reply(command: &Command, mended: bool) -> Option<Result<Value, FlowError>> {
    let (function, with, attempt) = match command {
        Command::Call { function, with, attempt, .. } => (function, with, attempt),
        Command::Request { request, .. } => return Some(Ok(serde_json::to_value(&**request).unwrap())),
        Command::Run { workflow, with, .. } if workflow.name == "fails" => {
            let mut error = FlowError::new(ErrorKind::Validation, format!("no good: {with}"));
            error.instance = "/do/7/x".into();
            return Some(Err(error));
        }
        Command::Run { with, .. } => return Some(Ok(json!({"ran": **with}))),
        _ => return None,
    };
    Some(match function.name.as_str() {
        "never" => return None,
        "fail" => Err(FlowError::new(ErrorKind::Communication, "no answer").with_status(503)),
        "broken" if !mended => Err(FlowError::new(ErrorKind::Communication, "broken")),
        // Fails until the attempt that `with.good` names.
        "flaky" if u64::from(*attempt) < with["good"].as_u64().unwrap_or(2) => {
            Err(FlowError::new(ErrorKind::Communication, format!("attempt {attempt}")))
        }
        _ => Ok((**with).clone()),
    })
}

/// Runs to the end, then again after a crash at every fact: the end is the same.
pub fn run(def: &Definition, input: Value) -> Sim {
    run_with(def, input, Vec::new())
}

pub fn run_with(def: &Definition, input: Value, events: Vec<Value>) -> Sim {
    let mut sim = Sim::new(def);
    sim.events = events;
    sim.start(input);
    sim.go();
    assert!(
        sim.finished.is_none() || (sim.timers.is_empty() && sim.calls.is_empty() && sim.subscribed == 0),
        "nothing is left open: {:?} {:?} {}",
        sim.timers,
        sim.calls,
        sim.subscribed
    );
    for count in 1..=sim.facts.len() {
        let mut again = sim.after_crash(count);
        again.go();
        assert_eq!(again.finished, sim.finished, "crash after fact {count}: {:?}", sim.facts[count - 1]);
        assert_eq!(again.published, sim.published, "crash after fact {count}");
    }
    sim
}

pub fn output(sim: &Sim) -> &Value {
    match &sim.finished {
        Some(Outcome::Completed(output)) => output,
        other => panic!("the run did not complete: {other:?}"),
    }
}

pub fn error(sim: &Sim) -> &FlowError {
    match &sim.finished {
        Some(Outcome::Faulted(error)) => error,
        other => panic!("the run did not fault: {other:?}"),
    }
}

/// The pointers of the tasks that ran, in order.
pub fn path(sim: &Sim) -> Vec<Arc<str>> {
    sim.facts
        .iter()
        .filter_map(|(_, fact)| match fact {
            Fact::Ran { task, skipped: false, .. } | Fact::Entered { task, .. } => Some(task.clone()),
            _ => None,
        })
        .collect()
}

/// Every workflow that the project carries: name and text.
pub fn house_workflows() -> Vec<(String, String)> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut found = Vec::new();
    for folder in ["workflows", "tests/fixtures"] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap().flatten() {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            if path.extension().is_some_and(|e| e == "json") && !name.ends_with(".test.json") {
                found.push((name, std::fs::read_to_string(path).unwrap()));
            }
        }
    }
    found.sort();
    assert!(found.len() >= 4, "{found:?}");
    found
}
