//! Workers: threads that take runs' turns. Interpreting, expressions and pure
//! plugin calls all happen here, so that the partition's loop never waits for
//! any of them, and a run of pure steps needs one hand-over in all.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender};
use huiyin_flow::{Command, Env, ErrorKind, Event, FlowError};
use jiff::Timestamp;
use serde_json::Value;

use crate::calls::{PluginFault, pure_call};
use crate::canary::{Canaries, Made};
use crate::deployment::Deployed;
use crate::fair::{Fair, Ticket, micros};
use crate::house::House;
use crate::partition::{FirstTurn, Input, JudgeJob, Judged, StartRun, TurnDone, TurnJob, record_of_start, start_event};
use crate::payload::{Payload, TURN};
use crate::record::{self, sum};
use crate::seats::{Answer, Seat};

/// What one turn may use.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// A turn ends after this long, so that its record is written and others have their turn.
    /// None in a simulation, where a turn must not depend on the machine's clock.
    pub time: Option<Duration>,
    /// A turn ends after this many facts, so that its record stays small.
    pub facts: usize,
    /// Interpreter steps at a stretch, between two looks at the clock.
    pub stretch: u32,
}

impl Default for Budget {
    fn default() -> Budget {
        Budget { time: Some(Duration::from_millis(20)), facts: 512, stretch: 128 }
    }
}

enum Job {
    /// Tells whom it concerns by itself.
    Usual(Box<dyn FnOnce(&House) + Send>),
    /// Known to be over at once: its answer may wait for those of some others.
    Quick(Box<dyn FnOnce(&House) -> Answer + Send>),
}

/// Answers are held while so many jobs wait: with fewer, holding them up costs
/// the runs more time than is saved.
const CROWD: usize = 32;

/// Answers that a worker holds then at most. Each one sent by itself would wake
/// the partition's loop for one run, and the journal for one record.
const TOGETHER: usize = 8;

/// How often jobs are looked at.
const LOOK: Duration = Duration::from_millis(5);

/// How much workers stand back behind the partitions' loops and the journal,
/// in steps of `nice`: what is nearly done goes out first.
pub(crate) const NICE: i32 = 5;

/// The pool. As many jobs run at once as there are cores, not counting slow
/// ones. Whose job is next is decided among the units ([`crate::fair`]), and no
/// unit ever sits in all the seats.
pub struct Workers {
    queue: Arc<Queue>,
    threads: Vec<std::thread::JoinHandle<()>>,
}

/// What waits for the workers: the jobs in their order, and a token for each.
struct Queue {
    waiting: Mutex<Waiting>,
    tokens: Sender<()>,
    /// The host stops: what waits is still done.
    stop: AtomicBool,
    /// Seats that one unit may sit in.
    per_unit: usize,
}

enum Next {
    Job(Job, Ticket),
    /// What waits is of units that sit in as many seats as they may.
    Later,
    /// Nothing comes any more.
    End,
}

#[derive(Default)]
struct Waiting {
    jobs: Fair<(), Job>,
    /// Tokens that were taken while no job might run.
    owed: usize,
}

impl Queue {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, unit: &str, job: Job) {
        self.waiting().jobs.push(unit, (), job);
        self.token();
    }

    fn token(&self) {
        // Fails only when every thread is gone, which is when the host stops.
        let _ = self.tokens.send(());
    }

    /// The job for a token that was taken.
    fn next(&self) -> Next {
        let mut waiting = self.waiting();
        match waiting.jobs.pop(|running, ()| running < self.per_unit) {
            Some((job, ticket)) => Next::Job(job, ticket),
            None if waiting.jobs.waiting() == 0 && self.stop.load(Ordering::Acquire) => Next::End,
            None => {
                waiting.owed += 1;
                Next::Later
            }
        }
    }

    fn done(&self, ticket: Ticket, cost: u64) {
        let mut waiting = self.waiting();
        waiting.jobs.done(ticket, cost);
        let owed = waiting.owed > 0;
        if owed {
            waiting.owed -= 1;
        }
        drop(waiting);
        if owed {
            self.token();
        }
    }
}

impl Workers {
    /// Starts the threads; `at_once` jobs that are not slow run at once.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn start(house: &Arc<House>, at_once: usize) -> std::io::Result<Workers> {
        let at_once = at_once.max(1);
        let (tokens, inbox) = crossbeam_channel::unbounded::<()>();
        let (places, free) = crossbeam_channel::unbounded::<()>();
        for _ in 0..at_once {
            // The channel is unbounded and both ends are held here.
            let _ = places.send(());
        }
        let began = Instant::now();
        let seats: Arc<[Seat]> = (0..seats(at_once)).map(|_| Seat::default()).collect();
        let queue = Arc::new(Queue {
            waiting: Mutex::default(),
            tokens,
            stop: AtomicBool::new(false),
            per_unit: seats.len() - at_once,
        });
        let mut threads = Vec::with_capacity(seats.len() + 1);
        for at in 0..seats.len() {
            let worker = Worker {
                house: Arc::clone(house),
                seats: Arc::clone(&seats),
                at,
                queue: Arc::clone(&queue),
                inbox: inbox.clone(),
                places: places.clone(),
                free: free.clone(),
                began,
            };
            threads.push(std::thread::Builder::new().name(format!("worker-{at}")).spawn(move || worker.work())?);
        }
        let watched = Arc::clone(&queue);
        threads.push(std::thread::Builder::new().name("worker-watch".to_owned()).spawn(move || {
            while !watched.stop.load(Ordering::Relaxed) {
                std::thread::sleep(LOOK);
                // The places of jobs that have become slow go to others.
                let now = micros(began.elapsed());
                for _ in seats.iter().filter(|seat| seat.slow(now)) {
                    let _ = places.send(());
                }
            }
        })?);
        Ok(Workers { queue, threads })
    }

    /// Hands a job of a unit (empty for one that is no unit's) to a thread
    /// when it is the unit's turn.
    pub fn run(&self, unit: &str, job: impl FnOnce(&House) + Send + 'static) {
        self.queue.push(unit, Job::Usual(Box::new(job)));
    }

    /// The same for a job that is known to be over at once. Where many wait, its
    /// answer is sent with those of the next seven such jobs at the latest; where
    /// those have become slow, that holds it up for a tenth of a second at most.
    pub(crate) fn run_quick(&self, unit: &str, job: impl FnOnce(&House) -> Answer + Send + 'static) {
        self.queue.push(unit, Job::Quick(Box::new(job)));
    }

    /// The same for somebody who waits for what it gives; none where the host
    /// stops, or the job failed by our own fault.
    pub async fn ask<T: Send + 'static>(
        &self,
        unit: &str,
        job: impl FnOnce(&House) -> T + Send + 'static,
    ) -> Option<T> {
        let (tell, told) = tokio::sync::oneshot::channel();
        self.run(unit, move |house| {
            if let Ok(given) = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| job(house))) {
                let _ = tell.send(given);
            }
        });
        told.await.ok()
    }

    /// How many jobs wait: of a unit, and in all.
    pub fn waiting(&self, unit: &str) -> (usize, usize) {
        let waiting = self.queue.waiting();
        (waiting.jobs.waiting_of(unit), waiting.jobs.waiting())
    }
}

/// Threads for so many jobs at once: slow ones give their places on, and sit on.
pub fn seats(at_once: usize) -> usize {
    at_once.max(1) * 4 + 4
}

struct Worker {
    house: Arc<House>,
    seats: Arc<[Seat]>,
    at: usize,
    queue: Arc<Queue>,
    /// A token for each job that waits.
    inbox: Receiver<()>,
    places: Sender<()>,
    free: Receiver<()>,
    began: Instant,
}

impl Worker {
    fn work(self) {
        // Where the system does not allow it, the order of things is a little less good.
        let _ = rustix::process::setpriority_process(None, NICE);
        let Some(seat) = self.seats.get(self.at) else { return };
        while self.free.recv().is_ok() {
            // The place is kept from job to job: passing it on each time would wake another thread
            // for every job.
            loop {
                let token = self.inbox.try_recv().or_else(|_| {
                    seat.send();
                    self.inbox.recv()
                });
                let next = token.map_or(Next::End, |()| self.queue.next());
                let (job, ticket) = match next {
                    Next::Job(job, ticket) => (job, ticket),
                    Next::Later => continue,
                    Next::End => {
                        seat.send();
                        // The next one in line shall see it too.
                        let _ = self.places.send(());
                        self.queue.token();
                        return;
                    }
                };
                let started = micros(self.began.elapsed()).max(1);
                seat.begin(started);
                match job {
                    Job::Usual(job) => {
                        seat.send();
                        job(&self.house);
                    }
                    Job::Quick(job) => {
                        let answer = job(&self.house);
                        seat.hold(answer, if self.inbox.len() < CROWD { 1 } else { TOGETHER });
                    }
                }
                let kept = seat.end();
                self.queue.done(ticket, micros(self.began.elapsed()).saturating_sub(started));
                if !kept {
                    // It took so long that another has the place.
                    seat.send();
                    break;
                }
            }
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.queue.stop.store(true, Ordering::Release);
        self.queue.token();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// Takes the first turn of a run that no partition knows yet.
pub fn first_turn(
    start: &mut StartRun,
    deployed: &Arc<Deployed>,
    now: Timestamp,
    random: u64,
    payload: Payload,
    house: &House,
    budget: Budget,
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
    };
    let mut done = Box::new(take_turn_within(job, house, budget));
    let record = record_of_start(start, &mut done, payload);
    FirstTurn { now, done, record, place: None }
}

/// Takes one turn: everything a run can do before it has to wait.
pub fn take_turn(job: TurnJob, house: &House) -> TurnDone {
    take_turn_within(job, house, Budget::default())
}

/// The same, with another budget than the usual one.
pub fn take_turn_within(job: TurnJob, house: &House, budget: Budget) -> TurnDone {
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
    let judge = |of: &crate::deployment::Deployed| {
        let answered = std::panic::AssertUnwindSafe(|| of.judge(&event, &*house.evaluator));
        (of.id.clone(), std::panic::catch_unwind(answered).unwrap_or_default())
    };
    Judged { id, answers: deployed.iter().map(|of| judge(of)).collect() }
}

fn turn(job: TurnJob, house: &House, budget: Budget) -> TurnDone {
    let TurnJob { run, turn: number, deployed, flow, inputs, canaries, now, random, payload } = job;
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
        evaluator: &*house.evaluator,
        max_steps: budget.stretch,
        max_bytes: TURN,
        max_value: payload.value,
        max_state: payload.state,
    };
    while facts.len() < budget.facts && bytes <= TURN && budget.time.is_none_or(|most| began.elapsed() < most) {
        let event = match inputs.pop_front() {
            None => break,
            Some(Input::Event(event)) => event,
            Some(Input::Call(command)) => match make(&deployed, &run, &command, now, house, &mut beside) {
                Some((event, mut told)) => {
                    told.now = (earlier > 0).then(|| u64::try_from(now.as_millisecond()).unwrap_or_default());
                    let calls = beside.told.get_or_insert_default();
                    if told.now.is_some() || told.result.is_some() || told.failed.is_some() {
                        calls.push(told);
                    }
                    event
                }
                None => continue,
            },
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
        deployed.took(began.elapsed());
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
    told: Option<Vec<record::Made>>,
}

/// Makes a pure call and gives its result as an event, and what the facts will
/// not say of it.
fn make(
    deployed: &crate::deployment::Deployed,
    run: &str,
    command: &Command,
    now: jiff::Timestamp,
    house: &House,
    beside: &mut Beside,
) -> Option<(Event, record::Made)> {
    let Command::Call { call, task, slot, function, with, .. } = command else { return None };
    let outcome: Result<Value, PluginFault> = match deployed.pure_pin(slot.as_deref(), function) {
        Some(pin) => {
            pure_call(house, pin, with, deployed.unit.as_deref().unwrap_or_default(), &format!("{run}-{call}"), now)
        }
        None => {
            Err(FlowError::new(ErrorKind::Configuration, format!("`{}` is not a pure plugin", function.name)).into())
        }
    };
    let mut told = record::Made { call: call.0, now: None, result: None, failed: None };
    let outcome = match outcome {
        Ok(value) => {
            told.result = (!deployed.definition.gives_result(task)).then(|| sum(&value));
            Ok(value)
        }
        Err(fault) => {
            told.failed = Some(fault.word);
            if fault.own {
                let how = fault.error.detail.clone().unwrap_or_default();
                beside.faults.push((crate::deployment::key(slot.as_deref(), function), how));
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
