//! The world around a run under test: its calls, its events, its clock. The
//! interpreter is the real one; here is what the engine would do, without any
//! of it leaving. Time passes only when nothing else can happen.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use huiyin_engine::calls::pure_call;
use huiyin_engine::catalog::RegistryCatalog;
use huiyin_engine::house::House;
use huiyin_engine::record::Pin;
use huiyin_flow::{
    CallId, Catalog, Command, Definition, Env, Event, Fact, FlowError, FunctionInfo, FunctionKind, Outcome, Request,
    RunState, SubId, TimerId, advance,
};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::compare::shown;
use super::file::{Answers, Case, Stub, TestFile};

/// Turns after which a run is taken to go on for ever.
const MAX_TURNS: usize = 100_000;
/// When runs start unless told.
const START: &str = "2026-01-01T00:00:00Z";

/// What came of a run.
pub(super) struct Story {
    pub(super) outcome: Option<Outcome>,
    /// Pointers of the tasks that ran, in order.
    pub(super) path: Vec<String>,
    pub(super) calls: Vec<MadeCall>,
    pub(super) published: Vec<Value>,
    pub(super) context: Value,
    pub(super) started: Timestamp,
    pub(super) ended: Timestamp,
    /// What it waits at, if it does.
    pub(super) waiting: Vec<String>,
    /// Why the case cannot be judged.
    pub(super) fault: Option<String>,
}

/// A call as the run made it.
#[derive(Debug, Clone, Default)]
pub(super) struct MadeCall {
    pub(super) task: String,
    pub(super) slot: Option<String>,
    /// `name:version`.
    pub(super) function: Option<String>,
    /// Method and URI.
    pub(super) http: Option<(String, String)>,
    /// The operation.
    pub(super) openapi: Option<String>,
    /// `namespace/name`.
    pub(super) workflow: Option<String>,
    pub(super) with: Value,
}

impl MadeCall {
    /// In words.
    pub(super) fn words(&self) -> String {
        match (&self.slot, &self.function, &self.http, &self.openapi, &self.workflow) {
            (Some(slot), ..) => format!("slot {slot}"),
            (_, Some(function), ..) => format!("function {function}"),
            (_, _, Some((method, uri)), ..) => format!("http {method} {uri}"),
            (_, _, _, Some(operation), _) => format!("openapi {operation}"),
            (.., Some(workflow)) => format!("workflow {workflow}"),
            _ => format!("task {}", self.task),
        }
    }

    /// The stub that would answer it.
    fn stub(&self) -> Value {
        let mut stub = Map::new();
        let mut put = |name: &str, value: Option<Value>| {
            if let (true, Some(value)) = (stub.is_empty(), value) {
                stub.insert(name.to_owned(), value);
            }
        };
        put("slot", self.slot.as_ref().map(|s| json!(s)));
        put("function", self.function.as_ref().map(|f| json!(f)));
        put("http", self.http.as_ref().map(|(method, uri)| json!({"method": method, "uri": uri})));
        put("openapi", self.openapi.as_ref().map(|o| json!(o)));
        put("workflow", self.workflow.as_ref().map(|w| json!(w)));
        put("task", Some(json!(self.task)));
        stub.insert("answer".to_owned(), json!({"output": {}}));
        Value::Object(stub)
    }
}

/// Something that is due.
enum Due {
    Timer(TimerId),
    Answer(CallId, Result<Value, FlowError>),
    Arrival(Value),
    Cancel(String),
}

pub(super) struct World<'w> {
    definition: &'w Definition,
    case: &'w Case,
    /// The case's own, then the file's; and how many answers of each were given.
    stubs: Vec<(&'w Stub, usize)>,
    house: &'w House,
    /// Pointers of the tasks that take no time.
    instant: BTreeSet<String>,
    state: RunState,
    now: Timestamp,
    random: u64,
    agenda: BTreeMap<(Timestamp, u64), Due>,
    next: u64,
    /// Events that come as soon as the run listens.
    arriving: VecDeque<Value>,
    listening: BTreeSet<SubId>,
    story: Story,
}

impl<'w> World<'w> {
    pub(super) fn new(definition: &'w Definition, case: &'w Case, common: &'w [Stub], house: &'w House) -> Self {
        let now = case.now.or_else(|| START.parse().ok()).unwrap_or(Timestamp::UNIX_EPOCH);
        let story = Story {
            outcome: None,
            path: Vec::new(),
            calls: Vec::new(),
            published: Vec::new(),
            context: Value::Null,
            started: now,
            ended: now,
            waiting: Vec::new(),
            fault: None,
        };
        World {
            definition,
            case,
            stubs: case.calls.iter().chain(common).map(|stub| (stub, 0)).collect(),
            house,
            instant: definition
                .tasks()
                .filter(|(_, kind)| ["raise", "set", "switch", "emit"].contains(kind))
                .map(|(pointer, _)| pointer.to_owned())
                .collect(),
            state: RunState::new(),
            now,
            random: case.random.unwrap_or(1),
            agenda: BTreeMap::new(),
            next: 0,
            arriving: VecDeque::new(),
            listening: BTreeSet::new(),
            story,
        }
    }

    /// Lives the run through, to its end or until nothing can happen any more.
    pub(super) fn live(mut self) -> Story {
        for (at, arrival) in self.case.events.iter().enumerate() {
            let event = filled(&arrival.event, at);
            match arrival.after {
                Some(after) => self.put(after.after(self.now), Due::Arrival(event)),
                None => self.arriving.push_back(event),
            }
        }
        if let Some(cancel) = &self.case.cancel {
            let reason = cancel.reason.clone().unwrap_or_else(|| "the test cancels it".to_owned());
            self.put(cancel.after.after(self.now), Due::Cancel(reason));
        }
        self.give(Event::Start {
            run_id: "00000000-0000-7000-8000-000000000000".to_owned(),
            input: self.case.input.clone(),
            context: json!({"unit": self.case.unit, "trigger": "test", "startedAt": self.now.to_string()}),
        });
        let mut turns = 0;
        while self.story.outcome.is_none() && self.story.fault.is_none() && self.happen() {
            turns += 1;
            if turns > MAX_TURNS {
                let tasks: Vec<String> = self.story.path.iter().rev().take(5).rev().map(|p| name_of(p)).collect();
                let fault = format!("the run goes on for ever; lately: {}", tasks.join(", "));
                self.story.fault = Some(fault);
            }
        }
        self.story.ended = self.now;
        self.story.context = self.state.context().clone();
        if self.story.outcome.is_none() {
            self.story.waiting = self.state.active().iter().map(|task| task.task.to_string()).collect();
        }
        self.story
    }

    fn put(&mut self, at: Timestamp, due: Due) {
        self.next += 1;
        self.agenda.insert((at, self.next), due);
    }

    /// The next thing that can happen; false if nothing can.
    fn happen(&mut self) -> bool {
        if self.state.runnable() {
            self.give(Event::Continue);
            return true;
        }
        let first = self.agenda.first_key_value().map(|((at, _), _)| *at);
        // What is due now comes before what comes as soon as the run listens.
        if first.is_none_or(|at| at > self.now)
            && !self.listening.is_empty()
            && let Some(event) = self.arriving.pop_front()
        {
            self.give(Event::Event { event });
            return true;
        }
        let Some(((at, _), due)) = self.agenda.pop_first() else { return false };
        self.now = self.now.max(at);
        self.give(match due {
            Due::Timer(timer) => Event::Timer { timer },
            Due::Answer(call, outcome) => Event::Result { call, outcome },
            Due::Arrival(event) => Event::Event { event },
            Due::Cancel(reason) => Event::Cancel { reason },
        });
        true
    }

    fn give(&mut self, event: Event) {
        let env = Env::new(self.now, self.random, &*self.house.evaluator);
        self.random = self.random.rotate_left(17) ^ 0x9e37_79b9_7f4a_7c15;
        let turn = advance(self.definition, &mut self.state, event, &env);
        for fact in &turn.facts {
            match fact {
                Fact::Ran { task, skipped: false, .. } | Fact::Entered { task, .. } => {
                    self.story.path.push(task.to_string());
                }
                // A task that takes no time and fails leaves nothing but its error.
                Fact::Caught { error, .. } | Fact::Faulted { error, .. } if self.instant.contains(&error.instance) => {
                    self.story.path.push(error.instance.clone());
                }
                _ => {}
            }
        }
        for command in turn.commands {
            self.obey(command);
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Call { call, task, function, slot, with, .. } => {
                let made = MadeCall {
                    task: task.to_string(),
                    slot: slot.map(|slot| slot.to_string()),
                    function: Some(format!("{}:{}", function.name, function.version)),
                    with: Value::clone(&with),
                    ..MadeCall::default()
                };
                self.answer(call, made);
            }
            Command::Request { call, task, request, .. } => {
                let with = serde_json::to_value(&*request).unwrap_or_default();
                let (http, openapi) = match &*request {
                    Request::Http(http) => (Some((http.method.clone(), http.uri.clone())), None),
                    Request::OpenApi(openapi) => (None, Some(openapi.operation_id.clone())),
                };
                self.answer(call, MadeCall { task: task.to_string(), http, openapi, with, ..MadeCall::default() });
            }
            Command::Run { call, task, workflow, with, .. } => {
                let workflow = Some(format!("{}/{}", workflow.namespace, workflow.name));
                let with = Value::clone(&with);
                self.answer(call, MadeCall { task: task.to_string(), workflow, with, ..MadeCall::default() });
            }
            Command::CancelCall { call } => {
                self.agenda.retain(|_, due| !matches!(due, Due::Answer(of, _) if *of == call));
            }
            Command::SetTimer { timer, due } => self.put(due, Due::Timer(timer)),
            Command::CancelTimer { timer } => {
                self.agenda.retain(|_, due| !matches!(due, Due::Timer(of) if *of == timer));
            }
            Command::Publish { event } => {
                let event = Value::clone(&event);
                self.story.published.push(event.clone());
                let reserved =
                    event.get("type").and_then(Value::as_str).is_some_and(|kind| kind.starts_with("huiyin."));
                // The host hands a run's events to whoever listens, the run itself included.
                if !reserved {
                    self.put(self.now, Due::Arrival(event));
                }
            }
            Command::Subscribe { subscription, .. } => drop(self.listening.insert(subscription)),
            Command::Unsubscribe { subscription } => drop(self.listening.remove(&subscription)),
            Command::Finished { outcome } => self.story.outcome = Some(outcome),
        }
    }

    /// What a call gets: the first stub that takes it and has an answer left,
    /// or a pure plugin's own.
    fn answer(&mut self, call: CallId, made: MadeCall) {
        let mut spent = None;
        let found = self.stubs.iter_mut().find_map(|(stub, given)| {
            if !stub.which.takes(&made) {
                return None;
            }
            let answers = match &stub.answers {
                Answers::Each(all) if *given >= all.len() => {
                    spent = Some(*given);
                    return None;
                }
                answers => answers,
            };
            *given += 1;
            Some((answers, *given - 1))
        });
        let answer = match found {
            Some((Answers::Always(answer), _)) => answer,
            Some((Answers::Each(all), at)) => match all.get(at) {
                Some(answer) => answer,
                None => return,
            },
            Some((Answers::Real(config), _)) => {
                self.really(call, made, config);
                return;
            }
            None => {
                self.unanswered(call, made, spent);
                return;
            }
        };
        self.story.calls.push(made);
        if let Some(outcome) = answer.outcome.clone() {
            let at = answer.after.map_or(self.now, |after| after.after(self.now));
            self.put(at, Due::Answer(call, outcome));
        }
    }

    /// A call that no stub answers: a pure plugin is called for real.
    fn unanswered(&mut self, call: CallId, made: MadeCall, spent: Option<usize>) {
        let pure = made.function.as_ref().and_then(|f| self.house.find(f)).is_some_and(|(_, package)| package.pure);
        if pure && spent.is_none() {
            self.really(call, made, &Value::Null);
            return;
        }
        let why = match spent {
            Some(1) => "its stub's one answer was given already".to_owned(),
            Some(n) => format!("its stub's {n} answers were given already"),
            None => "no stub in `calls` takes it".to_owned(),
        };
        self.story.fault = Some(format!(
            "the call of `{}` has no answer: {why}\n  {} with {}\n  add to `calls`: {}",
            name_of(&made.task),
            made.words(),
            shown(&made.with),
            made.stub()
        ));
    }

    fn really(&mut self, call: CallId, made: MadeCall, config: &Value) {
        let found = made.function.as_ref().and_then(|f| self.house.find(f));
        let Some((pin, _)) = found.filter(|(_, package)| package.pure) else {
            let fault = format!(
                "the call of `{}` cannot be made for real: {} is no pure plugin that is carried or named with --plugin",
                name_of(&made.task),
                made.words()
            );
            self.story.fault = Some(fault);
            return;
        };
        let pin = Pin { config: config.clone(), ..pin };
        let unit = self.case.unit.as_deref().unwrap_or_default();
        let outcome = pure_call(self.house, &pin, &made.with, unit, &format!("test-{call}"), self.now, false);
        self.story.calls.push(made);
        self.put(self.now, Due::Answer(call, outcome.map_err(|fault| *fault.error)));
    }
}

/// An event with what every CloudEvent has.
fn filled(event: &Map<String, Value>, at: usize) -> Value {
    let mut event = event.clone();
    for (name, value) in
        [("specversion", "1.0".to_owned()), ("id", format!("event-{at}")), ("source", "/test".to_owned())]
    {
        event.entry(name).or_insert_with(|| Value::String(value));
    }
    Value::Object(event)
}

/// A task's name, by its pointer.
pub(super) fn name_of(pointer: &str) -> String {
    pointer.rsplit('/').next().unwrap_or_default().replace("~1", "/").replace("~0", "~")
}

/// The house's catalog, and what the file stubs beside it: a workflow can be
/// tested before its plugins are there.
pub(super) struct TestCatalog<'h> {
    house: &'h House,
    stubbed: BTreeSet<String>,
}

impl<'h> TestCatalog<'h> {
    pub(super) fn new(house: &'h House, file: &TestFile, workflow: &str) -> Self {
        let document: Value = serde_json::from_str(workflow).unwrap_or_default();
        let mut stubbed = BTreeSet::new();
        for stub in file.calls.iter().chain(file.cases.iter().flat_map(|case| &case.calls)) {
            stubbed.extend(stub.which.function.clone());
            if let Some(slot) = &stub.which.slot {
                let call = document.pointer("/use/functions").and_then(|f| f.get(slot)).and_then(|f| f.get("call"));
                let call = call.and_then(Value::as_str).and_then(|call| call.strip_suffix("@default"));
                stubbed.extend(call.map(str::to_owned));
            }
        }
        TestCatalog { house, stubbed }
    }
}

impl Catalog for TestCatalog<'_> {
    fn resolve(&self, name: &str, version: Option<&str>) -> Option<FunctionInfo> {
        RegistryCatalog(self.house).resolve(name, version).or_else(|| {
            let full = version.map(|version| format!("{name}:{version}"));
            let known = self.stubbed.contains(name) || full.is_some_and(|full| self.stubbed.contains(&full));
            known.then(|| FunctionInfo {
                kind: FunctionKind::Plugin { kind: "step".to_owned() },
                input_schema: None,
                output_schema: None,
            })
        })
    }

    fn names(&self) -> Vec<String> {
        RegistryCatalog(self.house).names()
    }
}
