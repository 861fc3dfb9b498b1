//! The interpreter. Sans I/O: events come in, facts and commands go out. It
//! must never change a state but by applying a fact, so that what is journaled
//! and what is remembered cannot differ.

mod errors;
mod events;
mod flow;
mod scope;
mod tasks;

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::apply::{apply, doomed};
use crate::error::{ErrorKind, FlowError};
use crate::expr::Evaluator;
use crate::fact::{Alarm, CallId, Caught, Fact, FrameId, SubId, TimerId};
use crate::model::{Definition, EventFilter, FunctionRef};
use crate::request::{Request, WorkflowRef};
use crate::state::{Outcome, Phase, RunState, Stage};

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
}

impl<'e> Env<'e> {
    /// With the usual budget.
    pub fn new(now: Timestamp, random: u64, evaluator: &'e dyn Evaluator) -> Self {
        Self { now, random, evaluator, max_steps: 10_000 }
    }
}

/// Decides what `event` means for a run, without changing `state`.
pub fn decide(def: &Definition, state: &RunState, event: Event, env: &Env<'_>) -> Turn {
    advance(def, &mut state.clone(), event, env)
}

/// Decides what `event` means for a run and applies it at once. The facts of
/// the turn are exactly those that were applied, in that order.
pub fn advance(def: &Definition, state: &mut RunState, event: Event, env: &Env<'_>) -> Turn {
    let mut machine = Machine { def, state, env, turn: Turn::default(), fired: None, answered: None };
    machine.event(event);
    machine.go();
    machine.turn
}

/// What must be armed again after a reload: calls without result, timers,
/// subscriptions. Calls that may have been tried are the caller's to judge.
pub fn outstanding(state: &RunState) -> Vec<Command> {
    let mut commands = Vec::new();
    if let Some(alarm) = state.alarm {
        commands.push(Command::SetTimer { timer: alarm.timer, due: alarm.due });
    }
    for (id, frame) in &state.frames {
        frame.open(*id, &mut commands);
    }
    commands
}

pub(crate) struct Machine<'m> {
    def: &'m Definition,
    state: &'m mut RunState,
    env: &'m Env<'m>,
    turn: Turn,
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
            (Phase::Running, event) => self.outside(event),
            (Phase::Suspended, event @ (Event::Result { .. } | Event::Timer { .. } | Event::Event { .. }))
                if self.awaited(&event) && !self.state.held.contains(&event) =>
            {
                self.emit(Fact::Held { event: Box::new(event) });
            }
            _ => {}
        }
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
            let Some(id) = self.state.ready.first().copied() else { return };
            self.step(id);
        }
        self.turn.more = self.state.runnable();
    }

    /// Applies a fact, keeps it, and says what it asks to be done or undone.
    fn emit(&mut self, fact: Fact) {
        for id in doomed(self.state, &fact) {
            self.close(id);
        }
        match &fact {
            Fact::Caught { frame, .. } => self.close_attempt(*frame),
            Fact::Completed { .. } | Fact::Faulted { .. } | Fact::Cancelled { .. } => {
                let alarm = self.state.alarm;
                self.disarm(alarm);
            }
            _ => {}
        }
        if apply(self.state, &fact).is_err() {
            // Facts are made from this very state; one that does not fit is a
            // fault of this crate, and is neither kept nor acted upon.
            debug_assert!(false, "a fact of our own does not fit: {fact:?}");
            return;
        }
        match &fact {
            Fact::Entered { frame, .. } => {
                if let Some(entered) = self.state.frames.get(frame) {
                    entered.open(*frame, &mut self.turn.commands);
                }
            }
            Fact::Prepared { alarm, .. }
            | Fact::Retried { alarm, .. }
            | Fact::Caught { how: Caught::Retry { alarm }, .. } => self.arm(*alarm),
            Fact::Ran { event: Some(event), .. } => {
                self.turn.commands.push(Command::Publish { event: Arc::clone(event) })
            }
            Fact::Completed { .. } | Fact::Faulted { .. } | Fact::Cancelled { .. } => {
                if let Some(outcome) = &self.state.outcome {
                    self.turn.commands.push(Command::Finished { outcome: outcome.clone() });
                }
            }
            _ => {}
        }
        self.turn.facts.push(fact);
    }

    fn arm(&mut self, alarm: Option<Alarm>) {
        self.turn.commands.extend(alarm.map(|alarm| Command::SetTimer { timer: alarm.timer, due: alarm.due }));
    }

    fn disarm(&mut self, alarm: Option<Alarm>) {
        if let Some(alarm) = alarm
            && self.fired != Some(alarm.timer)
        {
            self.retract(Command::CancelTimer { timer: alarm.timer });
        }
    }

    /// Undoes what a frame has open.
    fn close(&mut self, id: FrameId) {
        let mut open = Vec::new();
        if let Some(frame) = self.state.frames.get(&id) {
            frame.open(id, &mut open);
        }
        for command in open {
            match command {
                Command::SetTimer { timer, due } => self.disarm(Some(Alarm { timer, due })),
                Command::Call { call, .. } | Command::Request { call, .. } | Command::Run { call, .. }
                    if self.answered != Some(call) =>
                {
                    self.retract(Command::CancelCall { call })
                }
                Command::Subscribe { subscription, .. } => self.retract(Command::Unsubscribe { subscription }),
                _ => {}
            }
        }
    }

    /// What was asked for in this very turn is simply not asked for.
    fn retract(&mut self, cancel: Command) {
        let before = self.turn.commands.len();
        self.turn.commands.retain(|command| match (command, &cancel) {
            (Command::SetTimer { timer: a, .. }, Command::CancelTimer { timer: b }) => a != b,
            (
                Command::Call { call: a, .. } | Command::Request { call: a, .. } | Command::Run { call: a, .. },
                Command::CancelCall { call: b },
            ) => a != b,
            (Command::Subscribe { subscription: a, .. }, Command::Unsubscribe { subscription: b }) => a != b,
            _ => true,
        });
        if self.turn.commands.len() == before {
            self.turn.commands.push(cancel);
        }
    }

    fn close_attempt(&mut self, id: FrameId) {
        let alarm = self.state.frames.get(&id).and_then(|frame| match &frame.kind {
            crate::state::FrameKind::Try { stage: Stage::Trying { alarm }, .. } => *alarm,
            _ => None,
        });
        self.disarm(alarm);
    }

    fn fail(&mut self, kind: ErrorKind, detail: impl Into<String>, instance: &str) {
        let error = FlowError::new(kind, detail).at(instance);
        self.emit(Fact::Faulted { error: Arc::new(error) });
    }
}
