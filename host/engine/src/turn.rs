//! Turns of runs: interpreting, expressions and pure plugin calls, until a run has
//! to wait or the turn's budget is spent; and filters of triggers. All of it may be
//! done on any thread, and twice: it must never reach outside, nor change anything
//! but what it gives back.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use huiyin_flow::{Command, Env, ErrorKind, Event, FlowError};
use huiyin_partition::canary::{Canaries, Made};
use huiyin_partition::deployed::Deployed;
use huiyin_partition::partition::{
    FirstTurn, Input, JudgeJob, Judged, StartRun, TurnDone, TurnJob, record_of_start, start_event,
};
use huiyin_partition::value_limits::{TURN, ValueLimits};
use huiyin_records::record::{self, result_digest};
use huiyin_registry::calls::{PluginFault, pure_call};
use huiyin_registry::house::House;
use jiff::Timestamp;
use serde_json::Value;

use crate::inline_budget::{self, InlineBudget};

/// Events published after which a turn ends: whether more may be is then asked anew.
const PUBLISHED: usize = 128;

/// What one turn may use.
#[derive(Debug, Clone, Copy)]
pub struct Budget<'h> {
    /// A turn ends after this long, so that its record is written and others have their turn.
    /// None in a simulation, where a turn must not depend on the machine's clock.
    pub time: Option<Duration>,
    /// A turn ends after this many facts, so that its record stays small.
    pub facts: usize,
    /// Interpreter steps at a stretch, between two looks at the clock.
    pub stretch: u32,
    /// The turn may not hold its thread up, and is given up where it would.
    pub hurry: Option<&'h InlineBudget>,
}

impl<'h> Budget<'h> {
    /// That of a turn on the thread of whoever asked.
    pub fn inline(budget: &'h InlineBudget) -> Budget<'h> {
        let (time, stretch) = (Some(inline_budget::STRETCH), inline_budget::STEPS);
        Budget { time, stretch, hurry: Some(budget), ..Budget::default() }
    }
}

impl Default for Budget<'_> {
    fn default() -> Self {
        Budget { time: Some(Duration::from_millis(20)), facts: 512, stretch: 128, hurry: None }
    }
}

/// Takes the first turn of a run that no partition knows yet.
pub fn first_turn(
    start: &mut StartRun,
    deployed: &Arc<Deployed>,
    now: Timestamp,
    random: u64,
    payload: ValueLimits,
    house: &House,
    budget: Budget<'_>,
) -> FirstTurn {
    let event = start_event(&start.run, &start.input, deployed.unit.as_deref(), &start.trigger, now);
    let job = TurnJob {
        run: start.run.clone(),
        turn: 0,
        deployed: Arc::clone(deployed),
        flow: Arc::default(),
        inputs: vec![Input::Event(event)],
        canaries: None,
        now,
        random,
        payload,
        // It was asked for at the door.
        crowded: None,
    };
    let mut done = Box::new(take_turn_within(job, house, budget));
    let record = record_of_start(start, &mut done, payload);
    FirstTurn { now, done, record, guard: None }
}

/// Takes one turn: everything a run can do before it has to wait.
pub fn take_turn(job: TurnJob, house: &House) -> TurnDone {
    take_turn_within(job, house, Budget::default())
}

/// The same, with another budget than the usual one.
pub fn take_turn_within(job: TurnJob, house: &House, budget: Budget<'_>) -> TurnDone {
    let run = job.run.clone();
    let number = job.turn;
    let flow = Arc::clone(&job.flow);
    // A panic in the interpreter is our own mistake: it costs this run its
    // turn, and no other run anything (rule 11).
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| turn(job, house, budget))) {
        Ok(done) => done,
        Err(_) => TurnDone {
            run,
            turn: number,
            flow,
            facts: Vec::new(),
            commands: Vec::new(),
            consumed: 0,
            told: None,
            rest: Vec::new(),
            faults: Vec::new(),
            made: Vec::new(),
            failed: Some("the interpreter failed; this is a fault of Huiyin, please report it".to_owned()),
        },
    }
}

/// Evaluates the filters of triggers for an event. One that fails, or takes
/// longer than expressions may, is not answered by it.
pub fn judge(job: JudgeJob, house: &House) -> Judged {
    let JudgeJob { id, event, deployed } = job;
    let judge = |of: &huiyin_partition::deployed::Deployed| {
        let answered = std::panic::AssertUnwindSafe(|| of.judge(&event, &*house.evaluator));
        (of.id.clone(), std::panic::catch_unwind(answered).unwrap_or_default())
    };
    Judged { id, answers: deployed.iter().map(|of| judge(of)).collect() }
}

fn turn(job: TurnJob, house: &House, budget: Budget<'_>) -> TurnDone {
    let TurnJob { run, turn: number, deployed, flow, inputs, canaries, now, random, payload, crowded } = job;
    let mut beside = Beside { canaries, ..Beside::default() };
    let mut flow = Arc::unwrap_or_clone(flow);
    let first = matches!(inputs.first(), Some(Input::Event(Event::Start { .. })));
    // Calls that an earlier turn decided: their time is not that of their task.
    let mut earlier = inputs.len();
    let mut inputs: VecDeque<Input> = inputs.into();
    let mut facts = Vec::new();
    let mut commands = Vec::new();
    let mut consumed = 0;
    let began = Instant::now();
    let mut bytes = 0;
    let mut env = Env {
        now,
        random,
        evaluator: budget.hurry.map_or(&*house.evaluator, |hurry| hurry),
        max_steps: budget.stretch,
        max_bytes: TURN,
        max_value: payload.value,
        max_state: payload.state,
        crowded: crowded.as_deref(),
    };
    let mut published = 0;
    while facts.len() < budget.facts
        && published < PUBLISHED
        && bytes <= TURN
        && budget.time.is_none_or(|most| began.elapsed() < most)
        && !budget.hurry.is_some_and(InlineBudget::gave_up)
    {
        let event = match inputs.pop_front() {
            None => break,
            Some(Input::Event(event)) => event,
            Some(Input::Call(command)) => {
                match make(&deployed, &run, &command, now, house, budget.hurry, &mut beside) {
                    Some((event, mut told)) => {
                        told.now = (earlier > 0).then(|| u64::try_from(now.as_millisecond()).unwrap_or_default());
                        let calls = beside.told.get_or_insert_default();
                        if told.now.is_some() || told.result.is_some() || told.failed.is_some() {
                            calls.push(told);
                        }
                        event
                    }
                    None => continue,
                }
            }
        };
        earlier = earlier.saturating_sub(1);
        if matches!(event, Event::Event { .. }) {
            consumed += 1;
        }
        let turn = huiyin_flow::advance(&deployed.definition, &mut flow, event, &env);
        env.random = env.random.rotate_left(17) ^ 0x9e37_79b9_7f4a_7c15;
        facts.extend(turn.facts);
        bytes += turn.bytes;
        for command in turn.commands {
            published += usize::from(matches!(command, Command::Publish { .. }));
            match &command {
                Command::Call { slot, function, .. } if deployed.pure(slot.as_deref(), function) => {
                    inputs.push_back(Input::Call(command))
                }
                _ => commands.push(command),
            }
        }
        if turn.more {
            inputs.push_back(Input::Event(Event::Continue));
        }
    }
    if first {
        deployed.first_turns.took(began.elapsed());
    }
    let Beside { faults, made, told, .. } = beside;
    let (flow, rest) = (Arc::new(flow), inputs.into());
    TurnDone { run, turn: number, flow, facts, commands, consumed, told, rest, faults, made, failed: None }
}

/// What a turn learns beside its own business.
#[derive(Default)]
struct Beside {
    canaries: Option<Arc<Canaries>>,
    /// Plugins that failed by their own fault: which function, and how.
    faults: Vec<(String, String)>,
    /// Calls that a canary is to make, too.
    made: Vec<Made>,
    /// What the facts leave open of the pure calls it made.
    told: Option<Vec<record::CallTrace>>,
}

/// Makes a pure call and gives its result as an event, and what the facts will
/// not say of it.
fn make(
    deployed: &huiyin_partition::deployed::Deployed,
    run: &str,
    command: &Command,
    now: jiff::Timestamp,
    house: &House,
    hurry: Option<&InlineBudget>,
    beside: &mut Beside,
) -> Option<(Event, record::CallTrace)> {
    let Command::Call { call, task, slot, function, with, .. } = command else { return None };
    let outcome: Result<Value, PluginFault> = match deployed.pure_pin(slot.as_deref(), function) {
        Some(pin) => {
            let (unit, key) = (deployed.unit.as_deref().unwrap_or_default(), format!("{run}-{call}"));
            pure_call(house, pin, with, unit, &key, now, hurry.is_some())
        }
        None => {
            Err(FlowError::new(ErrorKind::Configuration, format!("`{}` is not a pure plugin", function.name)).into())
        }
    };
    let mut told = record::CallTrace { call: call.0, now: None, result: None, failed: None };
    let outcome = match outcome {
        Ok(value) => {
            told.result = (!deployed.definition.gives_result(task)).then(|| result_digest(&value));
            Ok(value)
        }
        Err(fault) => {
            if let Some(hurry) = hurry {
                hurry.call_failed();
            }
            told.failed = Some(fault.word);
            if fault.own {
                let how = fault.error.detail.clone().unwrap_or_default();
                beside.faults.push((huiyin_partition::deployed::key(slot.as_deref(), function), how));
            }
            Err(*fault.error)
        }
    };
    if let (Some(canaries), Some(slot)) = (&beside.canaries, slot)
        && canaries.contains_key(&**slot)
    {
        let (slot, with) = (slot.to_string(), Arc::clone(with));
        beside.made.push(Made { slot, call: *call, with, outcome: outcome.clone() });
    }
    Some((Event::Result { call: *call, outcome }, told))
}
