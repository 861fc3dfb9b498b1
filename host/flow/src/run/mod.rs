//! The interpreter. Sans I/O: events come in, facts and commands go out. It
//! must never change a state but by applying a fact, so that what is journaled
//! and what is remembered cannot differ.

mod errors;
mod events;
mod extend;
mod flow;
mod listen;
mod reopen;
mod request;
mod scope;
mod tasks;

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::apply::{apply_weighed, doomed};
use crate::error::{ErrorKind, FlowError};
use crate::expr::Evaluator;
use crate::fact::{Alarm, CallId, Caught, Fact, FrameId, SubId, TimerId, present};
use crate::model::{Definition, EventFilter, FunctionRef};
use crate::request::{Request, WorkflowRef};
use crate::size::{brought, too_heavy};
use crate::state::{FrameKind, Outcome, Phase, RunState, Stage};
pub(crate) use flow::list;
pub(crate) use reopen::plan as reopening;

/// What happens to a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "e", rename_all = "lowercase")]
pub enum Event {
    /// It begins.
    Start {
        /// Its id, unique in the house.
        run_id: String,
        /// Its raw input.
        input: Value,
        /// Unit, trigger and the like; shown as `$runtime.metadata`.
        context: Value,
    },
    /// A call gave its result. One that is not awaited is ignored.
    Result {
        /// Which call.
        call: CallId,
        /// Value or error.
        outcome: Result<Value, FlowError>,
    },
    /// A timer is due. One that is not awaited is ignored.
    Timer {
        /// Which timer.
        timer: TimerId,
    },
    /// A CloudEvent, as a JSON object. One that nobody listens for is ignored.
    Event {
        /// The event.
        event: Value,
    },
    /// End it.
    Cancel {
        /// Why.
        reason: String,
    },
    /// Hold it: what comes in is kept, nothing goes on.
    Suspend,
    /// Let it go on.
    Resume,
    /// Set a run that has ended to work again: a person's decision. One that
    /// cannot be is ignored; ask [`RunState::can_reopen`] first for the reason.
    Reopen {
        /// JSON Pointer of the task to go on with; none for the one that failed.
        task: Option<String>,
        /// The raw input of that task, if it is to be another.
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        input: Option<Value>,
        /// Who.
        actor: String,
        /// Why.
        reason: String,
    },
    /// Go on after a turn that said there is more.
    Continue,
}

/// What the interpreter wants done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "c", rename_all = "lowercase")]
pub enum Command {
    /// Call a function of the catalog; answer with [`Event::Result`].
    Call {
        /// The call.
        call: CallId,
        /// The task that calls.
        task: Arc<str>,
        /// What to call, unless the slot is rebound.
        function: Arc<FunctionRef>,
        /// The slot it goes through.
        slot: Option<Arc<str>>,
        /// Its input.
        with: Arc<Value>,
        /// Attempt of the nearest `try`, from 1.
        attempt: u32,
    },
    /// Send a request of the workflow's own; answer with [`Event::Result`].
    Request {
        /// The call.
        call: CallId,
        /// The task that asks.
        task: Arc<str>,
        /// What is asked for.
        request: Arc<Request>,
        /// Attempt of the nearest `try`, from 1.
        attempt: u32,
    },
    /// Run another workflow; answer with [`Event::Result`]: at its end with its
    /// output or error, or, where `wait` is false, as soon as it will run.
    Run {
        /// The call.
        call: CallId,
        /// The task that runs it.
        task: Arc<str>,
        /// Which workflow.
        workflow: Arc<WorkflowRef>,
        /// Its input.
        with: Arc<Value>,
        /// Whether its end is awaited.
        wait: bool,
        /// Attempt of the nearest `try`, from 1.
        attempt: u32,
    },
    /// The result is no longer wanted.
    CancelCall {
        /// The call.
        call: CallId,
    },
    /// Answer with [`Event::Timer`] when due.
    SetTimer {
        /// The timer.
        timer: TimerId,
        /// When.
        due: Timestamp,
    },
    /// The timer is no longer wanted.
    CancelTimer {
        /// The timer.
        timer: TimerId,
    },
    /// Publish this CloudEvent.
    Publish {
        /// The event.
        event: Arc<Value>,
    },
    /// Hand on events that match any of the filters with [`Event::Event`].
    Subscribe {
        /// The subscription.
        subscription: SubId,
        /// Literal attributes; the run itself tests the computed ones.
        filters: Vec<EventFilter>,
    },
    /// No more events are wanted.
    Unsubscribe {
        /// The subscription.
        subscription: SubId,
    },
    /// The run is over.
    Finished {
        /// How.
        outcome: Outcome,
    },
}

/// What a turn brings. Its facts belong together: journal them as one record.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    /// To be journaled, in order.
    pub facts: Vec<Fact>,
    /// To be done once the facts are durable.
    pub commands: Vec<Command>,
    /// The budget ran out: journal, then give [`Event::Continue`].
    pub more: bool,
    /// About how many bytes of values the facts bring.
    #[serde(default)]
    pub bytes: u64,
}

/// What a turn may know of the world.
#[derive(Clone, Copy)]
pub struct Env<'e> {
    /// The journaled time of the turn.
    pub now: Timestamp,
    /// A journaled random number, for jitter.
    pub random: u64,
    /// The jq engine.
    pub evaluator: &'e dyn Evaluator,
    /// Steps after which a turn must yield.
    pub max_steps: u32,
    /// Bytes of new values, about, after which it must, too.
    pub max_bytes: u64,
    /// The most that one value may take, in bytes of JSON.
    pub max_value: u64,
    /// The most that a run's whole state may; see [`RunState::weight`].
    pub max_state: u64,
    /// Why no event may be published now: an `emit` fails with it, status 429. None while one may.
    pub crowded: Option<&'e str>,
}

impl<'e> Env<'e> {
    /// With the usual budget.
    pub fn new(now: Timestamp, random: u64, evaluator: &'e dyn Evaluator) -> Self {
        Self {
            now,
            random,
            evaluator,
            max_steps: 10_000,
            max_bytes: 4 << 20,
            max_value: 16 << 20,
            max_state: 256 << 20,
            crowded: None,
        }
    }
}

/// Decides what `event` means for a run, without changing `state`.
pub fn decide(def: &Definition, state: &RunState, event: Event, env: &Env<'_>) -> Turn {
    advance(def, &mut state.clone(), event, env)
}

/// Decides what `event` means for a run and applies it at once. The facts of
/// the turn are exactly those that were applied, in that order.
pub fn advance(def: &Definition, state: &mut RunState, event: Event, env: &Env<'_>) -> Turn {
    let mut machine = Machine {
        def,
        state,
        env,
        facts: Vec::new(),
        commands: Vec::new(),
        open: HashMap::new(),
        more: false,
        bytes: 0,
        fired: None,
        answered: None,
    };
    machine.event(event);
    if !machine.facts.is_empty() {
        machine.weigh(None);
    }
    machine.go();
    let commands = machine.commands.into_iter().flatten().collect();
    Turn { facts: machine.facts, commands, more: machine.more, bytes: machine.bytes }
}

/// What must be armed again after a reload: calls without result, timers,
/// subscriptions. Calls that may have been tried are the caller's to judge.
pub fn outstanding(state: &RunState) -> Vec<Command> {
    let mut commands = Vec::new();
    if let Some(alarm) = state.alarm {
        commands.push(Command::SetTimer { timer: alarm.timer, due: alarm.due });
    }
    for (id, frame) in state.frames.iter() {
        frame.open(id, &mut commands);
    }
    commands
}

/// What can be asked for and taken back.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Asked {
    Timer(TimerId),
    Call(CallId),
    Events(SubId),
}

impl Asked {
    fn by(command: &Command) -> Option<Self> {
        match command {
            Command::SetTimer { timer, .. } => Some(Self::Timer(*timer)),
            Command::Call { call, .. } | Command::Request { call, .. } | Command::Run { call, .. } => {
                Some(Self::Call(*call))
            }
            Command::Subscribe { subscription, .. } => Some(Self::Events(*subscription)),
            _ => None,
        }
    }

    fn back(self) -> Command {
        match self {
            Self::Timer(timer) => Command::CancelTimer { timer },
            Self::Call(call) => Command::CancelCall { call },
            Self::Events(subscription) => Command::Unsubscribe { subscription },
        }
    }
}

pub(crate) struct Machine<'m> {
    def: &'m Definition,
    state: &'m mut RunState,
    env: &'m Env<'m>,
    facts: Vec<Fact>,
    /// What to do; a place is empty where it was taken back in this very turn.
    commands: Vec<Option<Command>>,
    /// Where among the commands something was asked for.
    open: HashMap<Asked, usize>,
    more: bool,
    /// About how many bytes of values the facts bring.
    bytes: u64,
    /// The timer that brought this turn about: there is nothing to cancel.
    fired: Option<TimerId>,
    /// The call that did.
    answered: Option<CallId>,
}

impl Machine<'_> {
    fn event(&mut self, event: Event) {
        match (self.state.phase, event) {
            (Phase::New, Event::Start { run_id, input, context }) => self.start(&run_id, input, context),
            (Phase::Running | Phase::Suspended, Event::Cancel { reason }) => {
                self.emit(Fact::Cancelled { reason: reason.into() })
            }
            (Phase::Running, Event::Suspend) => self.emit(Fact::Suspended),
            (Phase::Suspended, Event::Resume) => {
                let held = self.state.held.clone();
                self.emit(Fact::Resumed);
                for event in held {
                    self.outside(event);
                }
            }
            (Phase::Completed | Phase::Faulted | Phase::Cancelled, Event::Reopen { task, input, actor, reason }) => {
                self.reopen(task.as_deref(), input, &actor, &reason)
            }
            (Phase::Running, event) => self.outside(event),
            (Phase::Suspended, event @ (Event::Result { .. } | Event::Timer { .. } | Event::Event { .. }))
                if self.awaited(&event) && !self.state.held.contains(&event) =>
            {
                self.emit(Fact::Held { event: Box::new(event) });
            }
            _ => {}
        }
    }

    /// Ends a run that holds more than it may. No `try` catches that: what it
    /// holds would still be there. `at` is the task that went on, and where it stands.
    fn weigh(&mut self, at: Option<(Arc<str>, Option<FrameId>)>) {
        if !matches!(self.state.phase, Phase::Running | Phase::Suspended) {
            return;
        }
        let Some(bytes) = self.state.heavier_than(self.env.max_state) else { return };
        let (task, frame) = match self.facts.last() {
            Some(Fact::Ran { task, frame, .. }) => (Arc::clone(task), Some(*frame)),
            Some(Fact::Entered { task, parent, .. }) => (Arc::clone(task), Some(*parent)),
            _ => at.unwrap_or_default(),
        };
        let error = too_heavy(bytes, self.env.max_state).at(&task);
        self.emit(Fact::Faulted { error: Arc::new(error), frame });
    }

    fn outside(&mut self, event: Event) {
        match event {
            Event::Result { call, outcome } => self.result(call, outcome),
            Event::Timer { timer } => self.timer(timer),
            Event::Event { event } => self.heard(&event),
            _ => {}
        }
    }

    /// Works through what is ready, within the budget.
    fn go(&mut self) {
        for _ in 0..self.env.max_steps.max(1) {
            if self.state.phase != Phase::Running {
                return;
            }
            if self.bytes > self.env.max_bytes {
                break;
            }
            let Some(id) = self.state.ready.first().copied() else { return };
            let at = self.state.frames.get(&id).map(|frame| (Arc::clone(&frame.task), frame.parent));
            self.step(id);
            self.weigh(at);
        }
        self.more = self.state.runnable();
    }

    /// Applies a fact, keeps it, and says what it asks to be done or undone.
    fn emit(&mut self, fact: Fact) {
        for id in doomed(self.state, &fact) {
            self.close(id);
        }
        let listener = match &fact {
            Fact::Heard { frame, .. } | Fact::Iterated { frame, .. } => Some(*frame).filter(|id| self.hears(*id)),
            _ => None,
        };
        match &fact {
            Fact::Caught { frame, .. } => self.close_attempt(*frame),
            Fact::Completed { .. } | Fact::Faulted { .. } | Fact::Cancelled { .. } => {
                let alarm = self.state.alarm;
                self.disarm(alarm);
            }
            _ => {}
        }
        let brought = brought(&fact);
        if apply_weighed(self.state, &fact, brought).is_err() {
            // Facts are made from this very state; one that does not fit is a
            // fault of this crate, and is neither kept nor acted upon.
            debug_assert!(false, "a fact of our own does not fit: {fact:?}");
            return;
        }
        if let Some(id) = listener.filter(|id| !self.hears(*id)) {
            self.retract(Asked::Events(SubId(id.0)));
        }
        match &fact {
            Fact::Entered { frame, .. } => {
                let mut open = Vec::new();
                if let Some(entered) = self.state.frames.get(frame) {
                    entered.open(*frame, &mut open);
                }
                for command in open {
                    self.ask(command);
                }
            }
            Fact::Reopened { .. } => {
                for command in outstanding(self.state) {
                    self.ask(command);
                }
            }
            Fact::Prepared { alarm, .. }
            | Fact::Retried { alarm, .. }
            | Fact::Caught { how: Caught::Retry { alarm }, .. } => {
                if let Some(alarm) = alarm {
                    self.ask(Command::SetTimer { timer: alarm.timer, due: alarm.due });
                }
            }
            Fact::Ran { event: Some(event), .. } => self.ask(Command::Publish { event: Arc::clone(event) }),
            Fact::Completed { .. } | Fact::Faulted { .. } | Fact::Cancelled { .. } => {
                if let Some(outcome) = self.state.outcome.clone() {
                    self.ask(Command::Finished { outcome });
                }
            }
            _ => {}
        }
        self.bytes += brought;
        self.facts.push(fact);
    }

    /// Whether this is a `listen` that wants more events.
    fn hears(&self, id: FrameId) -> bool {
        self.state.frames.get(&id).is_some_and(|frame| matches!(&frame.kind, FrameKind::Listen(l) if !l.over))
    }

    fn ask(&mut self, command: Command) {
        if let Some(asked) = Asked::by(&command) {
            self.open.insert(asked, self.commands.len());
        }
        self.commands.push(Some(command));
    }

    fn disarm(&mut self, alarm: Option<Alarm>) {
        if let Some(alarm) = alarm
            && self.fired != Some(alarm.timer)
        {
            self.retract(Asked::Timer(alarm.timer));
        }
    }

    /// Undoes what a frame has open.
    fn close(&mut self, id: FrameId) {
        let mut open = Vec::new();
        if let Some(frame) = self.state.frames.get(&id) {
            frame.open(id, &mut open);
        }
        for asked in open.iter().filter_map(Asked::by) {
            match asked {
                Asked::Timer(timer) if self.fired == Some(timer) => {}
                Asked::Call(call) if self.answered == Some(call) => {}
                asked => self.retract(asked),
            }
        }
    }

    /// What was asked for in this very turn is simply not asked for.
    fn retract(&mut self, asked: Asked) {
        match self.open.remove(&asked).and_then(|at| self.commands.get_mut(at)) {
            Some(place) => *place = None,
            None => self.commands.push(Some(asked.back())),
        }
    }

    fn close_attempt(&mut self, id: FrameId) {
        let alarm = self.state.frames.get(&id).and_then(|frame| match &frame.kind {
            FrameKind::Try { stage: Stage::Trying { alarm }, .. } => *alarm,
            _ => None,
        });
        self.disarm(alarm);
    }

    fn fail(&mut self, kind: ErrorKind, detail: impl Into<String>, instance: &str) {
        let error = FlowError::new(kind, detail).at(instance);
        self.emit(Fact::Faulted { error: Arc::new(error), frame: None });
    }
}
