//! Workers: threads that take runs' turns. Interpreting, expressions and pure
//! plugin calls all happen here, so that the partition's loop never waits for
//! any of them, and a run of pure steps needs one hand-over in all.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender};
use huiyin_flow::{Command, Env, ErrorKind, Event, FlowError};
use serde_json::Value;

use crate::calls::pure_call;
use crate::house::House;
use crate::partition::{Input, TurnDone, TurnJob};

/// A turn ends after this long, so that its record is written and others have their turn.
const TURN_TIME: Duration = Duration::from_millis(20);

/// A turn ends after this many facts, so that its record stays small.
const TURN_FACTS: usize = 512;

/// Interpreter steps at a stretch, between two looks at the clock.
const STRETCH: u32 = 128;

type Job = Box<dyn FnOnce(&House) + Send>;

/// The pool.
pub struct Workers {
    jobs: Option<Sender<Job>>,
    threads: Vec<std::thread::JoinHandle<()>>,
}

impl Workers {
    /// Starts the threads.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn start(house: &Arc<House>, threads: usize) -> std::io::Result<Workers> {
        let (jobs, inbox) = crossbeam_channel::unbounded::<Job>();
        let threads = (0..threads.max(1))
            .map(|n| {
                let inbox: Receiver<Job> = inbox.clone();
                let house = Arc::clone(house);
                std::thread::Builder::new().name(format!("worker-{n}")).spawn(move || {
                    while let Ok(job) = inbox.recv() {
                        job(&house);
                    }
                })
            })
            .collect::<std::io::Result<Vec<_>>>()?;
        Ok(Workers { jobs: Some(jobs), threads })
    }

    /// Hands a job to the next free thread.
    pub fn run(&self, job: impl FnOnce(&House) + Send + 'static) {
        if let Some(jobs) = &self.jobs {
            // Fails only when every thread is gone, which is when the host stops.
            let _ = jobs.send(Box::new(job));
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.jobs = None;
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// Takes one turn: everything a run can do before it has to wait.
pub fn take_turn(job: TurnJob, house: &House) -> TurnDone {
    let run = job.run.clone();
    let flow = Arc::clone(&job.flow);
    // A panic in the interpreter is our own mistake: it costs this run its
    // turn, and no other run anything (rule 11).
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| turn(job, house))) {
        Ok(done) => done,
        Err(_) => TurnDone {
            run,
            flow,
            facts: Vec::new(),
            commands: Vec::new(),
            consumed: 0,
            rest: Vec::new(),
            failed: Some("the interpreter failed; this is a fault of Huiyin, please report it".to_owned()),
        },
    }
}

fn turn(job: TurnJob, house: &House) -> TurnDone {
    let TurnJob { run, deployed, flow, inputs, now, random } = job;
    let mut flow = Arc::unwrap_or_clone(flow);
    let mut inputs: VecDeque<Input> = inputs.into();
    let mut facts = Vec::new();
    let mut commands = Vec::new();
    let mut consumed = 0;
    let began = Instant::now();
    let mut env = Env { now, random, evaluator: &*house.evaluator, max_steps: STRETCH };
    while facts.len() < TURN_FACTS && began.elapsed() < TURN_TIME {
        let event = match inputs.pop_front() {
            None => break,
            Some(Input::Event(event)) => event,
            Some(Input::Call(command)) => match make(&deployed, &run, &command, now, house) {
                Some(event) => event,
                None => continue,
            },
        };
        if matches!(event, Event::Event { .. }) {
            consumed += 1;
        }
        let turn = huiyin_flow::advance(&deployed.definition, &mut flow, event, &env);
        env.random = env.random.rotate_left(17) ^ 0x9e37_79b9_7f4a_7c15;
        facts.extend(turn.facts);
        for command in turn.commands {
            match &command {
                Command::Call { slot, function, .. } if deployed.pure(slot.as_deref(), function) => inputs.push_back(Input::Call(command)),
                _ => commands.push(command),
            }
        }
        if turn.more {
            inputs.push_back(Input::Event(Event::Continue));
        }
    }
    TurnDone { run, flow: Arc::new(flow), facts, commands, consumed, rest: inputs.into(), failed: None }
}

/// Makes a pure call and gives its result as an event.
fn make(deployed: &crate::deployment::Deployed, run: &str, command: &Command, now: jiff::Timestamp, house: &House) -> Option<Event> {
    let Command::Call { call, slot, function, with, .. } = command else { return None };
    let outcome: Result<Value, FlowError> = match deployed.target(slot.as_deref(), function) {
        crate::deployment::Target::Plugin(pin) => {
            pure_call(house, &pin, with, deployed.unit.as_deref().unwrap_or_default(), &format!("{run}-{call}"), now)
        }
        _ => Err(FlowError::new(ErrorKind::Configuration, format!("`{}` is not a pure plugin", function.name))),
    };
    Some(Event::Result { call: *call, outcome })
}
