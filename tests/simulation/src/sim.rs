//! One simulated host from its first start to its last record: the scheduler,
//! the clock, the faults. What must hold at every moment is checked here as it
//! happens; what must hold at the end, in [`crate::judge`].

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use huiyin_engine::canary::CanaryJob;
use huiyin_engine::canary_comparison::watch;
use huiyin_engine::partition::{
    EffectDone, EffectJob, EffectOutcome, JudgeJob, Message, PollJob, Refusal, Snapshot, TurnJob,
};
use huiyin_engine::start::Definitions;
use huiyin_engine::state::{FinishedRun, State};
use huiyin_engine::turn::{Budget, judge, take_turn_within};
use huiyin_journal::Journal as _;
use huiyin_journal::faults::{Durable, seed_randomness};
use jiff::{SignedDuration, Timestamp};

use crate::client::Client;
use crate::decrees::{Decrees, Done};
use crate::disk::SimDisk;
use crate::host::{Host, Setup, Views, outcome};
use crate::random::Random;
use crate::slots::Slots;
use crate::trace::Trace;
use crate::workload::{SLOT, Workload};
use crate::world::World;

/// How long it stays quiet at the end at least, in milliseconds: longer than
/// the clock of one hour, so that all of them are due.
pub(crate) const QUIET: i64 = 2 * 3_600_000;
/// After so long without faults everything that can end must have ended.
const PATIENCE: i64 = 14 * 3_600_000;
/// Steps with faults at the most.
const MOST_STEPS: u64 = 4_000;
/// Steps in all, so that a simulation which goes on for ever is found out.
const ENDLESS: u64 = 400_000;

/// Something under way.
#[allow(clippy::large_enum_variant)] // a few of them are alive at a time
pub(crate) enum Flight {
    /// A worker has a turn to take.
    Turn(usize, Box<TurnJob>),
    /// A worker has filters of triggers to evaluate.
    Judge(usize, JudgeJob),
    /// A worker has a call to make with a canary.
    Watch(usize, Box<CanaryJob>),
    /// A request is on its way to the world.
    Effect(usize, Box<EffectJob>),
    /// A collector is on its way to its source.
    Poll(usize, Box<PollJob>),
    /// A result is on its way to its partition.
    Deliver(usize, Message),
    /// A state is being written out.
    Snap(usize, Box<State>),
    /// A snapshot is being kept.
    Keep(usize, Snapshot),
}

/// What somebody outside is told.
pub(crate) enum Answer {
    /// A run will run.
    Accepted(String, Result<String, Refusal>),
    /// A run has ended.
    Finished(String, Result<Arc<FinishedRun>, Refusal>),
    /// A run was stopped.
    Cancelled(String, Result<(), Refusal>),
    /// A concern was added to a case.
    Concern(usize, String, String, Result<serde_json::Value, Refusal>),
    /// Every other partition has an event.
    Relayed(usize, String),
    /// A step of a person's deployment.
    Decree(u64, Done, Result<(), Refusal>),
    /// A change of a slot.
    Slot(u64, Result<(), Refusal>),
    /// Something that need not be remembered.
    Other(&'static str, bool),
}

/// What was seen, for people and for the judge.
#[derive(Debug, Default, Clone)]
pub struct Counts {
    /// Steps of the scheduler.
    pub steps: u64,
    /// Times that the host ended without being asked to.
    pub crashes: u64,
    /// Times that the clock was set.
    pub clock_steps: u64,
    /// Tries that reached the world.
    pub tries: u64,
    /// Records in the log.
    pub records: u64,
    /// Blobs that they name.
    pub blobs: u64,
    /// Runs that ended.
    pub ended: u64,
    /// Runs that wait for a person, rightly.
    pub waiting: u64,
    /// Clocks that were breached.
    pub breaches: u64,
    /// Loads that began with a snapshot.
    pub snapshots: u64,
    /// Results told twice or too late.
    pub repeated: u64,
    /// Times that the configuration was another at a start.
    pub editions: u64,
    /// Deployments by persons that were carried out.
    pub deployed: u64,
    /// Those that a start had to carry on.
    pub carried_on: u64,
    /// Changes of slots by persons.
    pub rebound: u64,
    /// Plugins of slots that were set aside.
    pub set_aside: u64,
    /// Calls that canaries made.
    pub watched: u64,
}

impl Counts {
    /// Adds another's.
    pub fn add(&mut self, more: &Counts) {
        self.steps += more.steps;
        self.crashes += more.crashes;
        self.clock_steps += more.clock_steps;
        self.tries += more.tries;
        self.records += more.records;
        self.blobs += more.blobs;
        self.ended += more.ended;
        self.waiting += more.waiting;
        self.breaches += more.breaches;
        self.snapshots += more.snapshots;
        self.repeated += more.repeated;
        self.editions += more.editions;
        self.deployed += more.deployed;
        self.carried_on += more.carried_on;
        self.rebound += more.rebound;
        self.set_aside += more.set_aside;
        self.watched += more.watched;
    }
}

/// One simulated host and the world around it.
pub(crate) struct Sim {
    pub(crate) random: Random,
    pub(crate) trace: Trace,
    pub(crate) disk: SimDisk,
    pub(crate) world: World,
    pub(crate) setup: Setup,
    pub(crate) workload: Workload,
    pub(crate) client: Client,
    pub(crate) decrees: Decrees,
    pub(crate) slots: Slots,
    pub(crate) host: Option<Host>,
    pub(crate) counts: Counts,
    pub(crate) answers: Arc<Mutex<Vec<Answer>>>,
    /// Milliseconds since the beginning.
    pub(crate) now: i64,
    /// How much the host's clock is ahead, in milliseconds.
    pub(crate) skew: i64,
    pub(crate) faults: bool,
    pub(crate) quiet_since: Option<i64>,
    pub(crate) views: Views,
    pub(crate) definitions: Definitions,
    pub(crate) flights: Vec<(i64, Flight)>,
    /// Partitions that may have news of an append.
    pub(crate) news: Vec<bool>,
    pub(crate) durable: Durable,
    /// How much was synced when `durable` was looked at.
    pub(crate) looked: u64,
    /// Where the intention of each try lies: partition and sequence number.
    pub(crate) intended: HashMap<(String, String, u32), (u32, u64)>,
    pub(crate) polled: HashMap<(String, u64), (u32, u64)>,
    /// A digest of each leaf that the journal called durable.
    pub(crate) leaves: Vec<u64>,
    /// Digests of states of the partitions, by the last record in them.
    pub(crate) samples: BTreeMap<(u32, u64), String>,
}

impl Sim {
    pub(crate) fn new(seed: u64, setup: Setup, workload: Workload, world: World, faults: bool, keep: bool) -> Sim {
        let random = Random::new(seed);
        seed_randomness(Some(random.part(1).draw()));
        let client = Client::new(&workload);
        Sim {
            disk: SimDisk::new(random.part(2)),
            random: random.part(3),
            trace: Trace::new(keep),
            world,
            news: vec![false; workload.partitions as usize],
            setup,
            workload,
            client,
            decrees: Decrees::default(),
            slots: Slots::default(),
            host: None,
            counts: Counts::default(),
            answers: Arc::default(),
            now: 0,
            skew: 0,
            faults,
            quiet_since: None,
            views: Views::default(),
            definitions: Definitions::default(),
            flights: Vec::new(),
            durable: Durable::default(),
            looked: 0,
            intended: HashMap::new(),
            polled: HashMap::new(),
            leaves: Vec::new(),
            samples: BTreeMap::new(),
        }
    }

    /// The host's clock.
    pub(crate) fn host_now(&self) -> Timestamp {
        let base: i64 = 1_772_409_600_000; // 2026-03-02T00:00:00Z
        Timestamp::from_millisecond(base + self.now + self.skew).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// Whether the time of faults is over.
    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet_since.is_some()
    }

    /// From the first start until everything that can end has ended.
    pub(crate) fn live(&mut self) -> Result<(), String> {
        self.boot()?;
        loop {
            if self.quiet_since.is_none() && (self.now >= self.workload.horizon || self.counts.steps > MOST_STEPS) {
                self.quiet_since = Some(self.now);
                self.disk.set_trouble(None);
                self.now = self.now.max(self.workload.horizon);
                self.trace.say(format_args!("{} no more faults", self.now));
            }
            if let Some(since) = self.quiet_since {
                if self.now >= since + QUIET && self.at_rest() {
                    return Ok(());
                }
                if self.now > since + PATIENCE {
                    return Err(format!("after {PATIENCE} ms without faults not all is done: {}", self.undone()));
                }
            }
            self.counts.steps += 1;
            if self.counts.steps > ENDLESS {
                return Err(format!("it goes on for ever: {}", self.undone()));
            }
            self.step()?;
            self.hear()?;
        }
    }

    fn step(&mut self) -> Result<(), String> {
        if self.faults && self.quiet_since.is_none() && self.random.chance(1, 120) {
            self.fault()?;
        }
        let host_now = self.host_now();
        let Some(host) = &self.host else { return Err("there is no host".to_owned()) };
        // What can happen next, each with its weight.
        let mut can: Vec<(u64, Next)> = Vec::new();
        let ready = self.flights.iter().filter(|(at, _)| *at <= self.now).count();
        if ready > 0 {
            can.push((6, Next::Fly(self.random.place(ready))));
        }
        for (at, part) in host.parts.iter().enumerate() {
            let room = part.commit.room();
            if room && (!part.inbox.is_empty() || part.commit.backlog()) {
                can.push((5, Next::TakeIn(at)));
            }
            if room && part.commit.next_wake().is_some_and(|wake| wake <= host_now) {
                can.push((3, Next::Tick(at)));
            }
            if self.news.get(at) == Some(&true) && !part.pending.is_empty() {
                can.push((4, Next::Settle(at)));
            }
        }
        if host.stepper.waiting() {
            can.push((3, Next::Write));
        }
        if self.client.next <= self.now {
            can.push((2, Next::Client));
        }
        let total: u64 = can.iter().map(|(weight, _)| weight).sum();
        if total == 0 {
            self.jump();
            return Ok(());
        }
        if self.random.chance(1, 30) {
            self.now += self.random.between(1, 2_000);
        }
        let mut chosen = self.random.below(total);
        let next = can.into_iter().find_map(|(weight, next)| {
            if chosen < weight {
                return Some(next);
            }
            chosen -= weight;
            None
        });
        match next {
            Some(Next::Fly(nth)) => self.fly(nth),
            Some(Next::TakeIn(part)) => self.take_in(part),
            Some(Next::Tick(part)) => self.tick(part),
            Some(Next::Settle(part)) => self.settle(part),
            Some(Next::Write) => self.write(),
            Some(Next::Client) => self.client_acts(),
            None => Ok(()),
        }
    }

    /// Nothing can happen now: time passes until something can.
    fn jump(&mut self) {
        let skewed = self.host_now();
        let wakes = self.host.iter().flat_map(|host| &host.parts).filter_map(|part| part.commit.next_wake());
        let wakes = wakes.map(|wake| {
            let left = wake.duration_since(skewed);
            // Up to the millisecond after it.
            self.now + i64::try_from(left.as_millis()).unwrap_or(i64::MAX / 4).max(0) + 1
        });
        let next = wakes.chain(self.flights.iter().map(|(at, _)| *at)).chain([self.client.next]).min();
        // Not past the moment when the faults end.
        let most = if self.quiet_since.is_none() { self.workload.horizon } else { self.now + 600_000 };
        self.now = next.unwrap_or(most).min(most.max(self.now + 1)).max(self.now + 1);
    }

    fn delay(&mut self) -> i64 {
        match self.random.below(20) {
            0 if self.faults => self.random.between(10_000, 120_000),
            1..=6 => self.random.between(1, 1_500),
            7..=12 => self.random.between(1, 40),
            _ => 0,
        }
    }

    pub(crate) fn send(&mut self, flight: Flight) {
        let at = self.now + self.delay();
        self.flights.push((at, flight));
    }

    fn fly(&mut self, nth: usize) -> Result<(), String> {
        let now = self.now;
        let found = self.flights.iter().enumerate().filter(|(_, (at, _))| *at <= now).nth(nth).map(|(at, _)| at);
        let Some(at) = found else { return Ok(()) };
        let (_, flight) = self.flights.swap_remove(at);
        match flight {
            Flight::Turn(part, job) => {
                let budget = Budget {
                    time: None,
                    facts: 1 + self.random.place(64),
                    stretch: 1 + self.random.below(64) as u32,
                    hurry: None,
                };
                self.trace.say(format_args!("{now} turn {} of {}", job.turn % 1000, job.run));
                let slotted = job.deployed.is_slot(SLOT);
                let mut done = take_turn_within(*job, &self.setup.house, budget);
                if slotted && self.faults && !self.is_quiet() && self.random.chance(1, 60) {
                    // So often that it is set aside; what the turn gave stays, so that runs end as they would.
                    done.faults = vec![(SLOT.to_owned(), "it broke".to_owned()); 5];
                }
                if self.faults && self.random.chance(1, 20) {
                    self.counts.repeated += 1;
                    self.send(Flight::Deliver(part, Message::Turn(Box::new(done.clone()))));
                }
                self.send(Flight::Deliver(part, Message::Turn(Box::new(done))));
            }
            Flight::Judge(part, job) => {
                let judged = judge(job, &self.setup.house);
                self.trace.say(format_args!("{now} filters of an event are evaluated"));
                self.send(Flight::Deliver(part, Message::Judged(judged)));
            }
            Flight::Watch(part, job) => {
                self.trace.say(format_args!("{now} canary beside {}", job.run));
                self.counts.watched += 1;
                let watched = watch(*job, &self.setup.house);
                self.send(Flight::Deliver(part, Message::Watched(Box::new(watched))));
            }
            Flight::Effect(part, job) => self.reach(part, &job)?,
            Flight::Poll(part, job) => {
                let host_now = self.host_now();
                let page = self.world.read(&job, now, host_now, &mut self.random);
                let count = page.outcome.as_ref().map_or(0, |read| read.items.len());
                self.trace.say(format_args!("{now} read {} {}: {count} items", page.source, page.poll));
                if self.faults && self.random.chance(1, 10) {
                    self.counts.repeated += 1;
                    self.send(Flight::Deliver(part, Message::Page(page.clone())));
                }
                self.send(Flight::Deliver(part, Message::Page(page)));
            }
            Flight::Deliver(part, message) => {
                if let Some(part) = self.part(part) {
                    part.inbox.push_back(message);
                }
            }
            Flight::Snap(part, state) => {
                let snapshot = huiyin_engine::snapshot_writer::snapshot(&state)
                    .map_err(|e| format!("a snapshot does not encode: {e}"))?;
                self.send(Flight::Deliver(part, Message::Snapshot(snapshot)));
            }
            Flight::Keep(part, snapshot) => {
                self.trace.say(format_args!("{now} snapshot of {part} at {}", snapshot.seq));
                self.views.keep(part as u32, snapshot);
            }
        }
        Ok(())
    }

    /// A request reaches the world, or is lost on the way; and its answer.
    fn reach(&mut self, part: usize, job: &EffectJob) -> Result<(), String> {
        let now = self.now;
        let lost = self.faults && self.quiet_since.is_none() && self.random.chance(1, 25);
        let mut outcome = EffectOutcome::Unknown("the connection was lost".to_owned());
        if !lost {
            outcome = self.world.reached(job).map_err(|why| format!("rule 3: {why}"))?;
        }
        if self.faults && self.quiet_since.is_none() && self.random.chance(1, 25) {
            outcome = EffectOutcome::Unknown("no answer came in time".to_owned());
        }
        let word = match &outcome {
            EffectOutcome::Settled(Ok(_), _) => "done",
            EffectOutcome::Settled(Err(_), _) | EffectOutcome::Refused(_) => "not done",
            EffectOutcome::Unknown(_) => "unknown",
            EffectOutcome::Found(_) | EffectOutcome::Stopped { .. } => "neither",
        };
        self.trace.say(format_args!("{now} effect {} try {}: {word}", job.idempotency_key, job.attempt));
        let done = EffectDone { run: job.run.clone(), call: job.call, attempt: job.attempt, outcome, fault: None };
        if self.faults && self.random.chance(1, 10) {
            self.counts.repeated += 1;
            self.send(Flight::Deliver(part, Message::Effect(done.clone())));
        }
        self.send(Flight::Deliver(part, Message::Effect(done)));
        Ok(())
    }

    pub(crate) fn part(&mut self, at: usize) -> Option<&mut crate::host::Part> {
        self.host.as_mut()?.parts.get_mut(at)
    }

    fn take_in(&mut self, at: usize) -> Result<(), String> {
        let now = self.host_now();
        let most = 1 + self.random.place(8);
        let Some(part) = self.part(at) else { return Ok(()) };
        let count = part.inbox.len().min(most);
        let messages: Vec<Message> = part.inbox.drain(..count).collect();
        part.commit.receive(messages);
        let steps = part.commit.take_in(now);
        self.trace.say(format_args!("{} partition {at} takes in {count}", self.now));
        self.take(at, steps)
    }

    fn tick(&mut self, at: usize) -> Result<(), String> {
        let now = self.host_now();
        let Some(part) = self.part(at) else { return Ok(()) };
        let steps = part.commit.tick(now);
        self.trace.say(format_args!("{} partition {at} wakes", self.now));
        self.take(at, steps)
    }

    /// The journal's writer takes a turn.
    fn write(&mut self) -> Result<(), String> {
        let Some(host) = &mut self.host else { return Ok(()) };
        let done = host.stepper.step();
        self.trace.say(format_args!("{} written: {done}, {}", self.now, host.journal.size()));
        self.news.iter_mut().for_each(|news| *news = true);
        if self.disk.is_off() {
            let cut = self.cut();
            return self.crash(Some(cut));
        }
        Ok(())
    }

    /// A partition hears how its earliest append went.
    fn settle(&mut self, at: usize) -> Result<(), String> {
        let Some(part) = self.part(at) else { return Ok(()) };
        let Some(outcome) = part.pending.front_mut().and_then(outcome) else {
            self.news[at] = false;
            return Ok(());
        };
        part.pending.pop_front();
        let ok = outcome.is_ok();
        let steps = part.commit.appended(outcome);
        self.trace.say(format_args!("{} partition {at} hears of an append: {ok}", self.now));
        match steps {
            Ok(steps) => self.take(at, steps),
            Err(error) => {
                // The live host stops here, and is started again.
                self.trace.say(format_args!("{} the host stops: {error}", self.now));
                self.crash(None)
            }
        }
    }

    /// Takes in what people outside were told.
    fn hear(&mut self) -> Result<(), String> {
        let answers = std::mem::take(&mut *self.answers.lock().unwrap_or_else(PoisonError::into_inner));
        for answer in answers {
            self.trace.say(format_args!("{} answer: {}", self.now, answer));
            match answer {
                Answer::Relayed(part, id) => self.send(Flight::Deliver(part, Message::Relayed { id })),
                Answer::Decree(number, done, said) => self.decreed(number, done, &said)?,
                Answer::Slot(number, said) => self.rebound(number, &said)?,
                answer => self.client.hear(answer, self.now)?,
            }
        }
        Ok(())
    }

    /// Whether nothing is under way any more but what repeats for ever.
    fn at_rest(&self) -> bool {
        let Some(host) = &self.host else { return false };
        let idle = self.flights.is_empty()
            && !host.stepper.waiting()
            && host.parts.iter().all(|part| {
                part.inbox.is_empty() && part.pending.is_empty() && !part.commit.pending() && !part.commit.backlog()
            });
        idle && self.client.satisfied() && self.decrees.at_rest() && self.slots.at_rest() && self.open_runs().is_empty()
    }

    /// Runs that have yet to end, by our own account: all but those that wait
    /// for a person and those that start by the clock again and again.
    fn open_runs(&self) -> Vec<String> {
        let states = self.host.iter().flat_map(|host| &host.parts).map(|part| part.commit.core().state());
        states
            .flat_map(|state| state.runs.iter().map(move |(id, run)| (state, id, run)))
            .filter(|(state, _, run)| {
                let clock = state
                    .deployments
                    .get(&run.deployment)
                    .is_some_and(|d| d.name.ends_with(crate::workload::BY_THE_CLOCK));
                !clock && !crate::judge::stuck(state, run)
            })
            .map(|(_, id, _)| id.clone())
            .collect()
    }

    fn undone(&self) -> String {
        let flights = self.flights.len();
        format!("runs {:?}, {}, {flights} things under way", self.open_runs(), self.client.unsatisfied())
    }

    /// Stops the host as it is asked to: everything durable, the journal closed.
    pub(crate) fn stop(&mut self) -> Result<Vec<State>, String> {
        let Some(host) = self.host.take() else { return Err("there is no host".to_owned()) };
        let states = host.parts.into_iter().map(|part| part.commit.into_core().state().clone()).collect();
        host.stepper.close();
        Ok(states)
    }

    /// The latest time on the host's clock at which everything due has fired.
    pub(crate) fn judged_until(&self) -> Timestamp {
        self.host_now().checked_sub(SignedDuration::from_secs(2)).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

/// What can happen next.
enum Next {
    Fly(usize),
    TakeIn(usize),
    Tick(usize),
    Settle(usize),
    Write,
    Client,
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Answer::Accepted(run, said) => write!(f, "{run} accepted: {}", said.is_ok()),
            Answer::Finished(run, said) => write!(f, "{run} ended: {:?}", said.as_ref().map(|end| &end.status)),
            Answer::Cancelled(run, said) => write!(f, "{run} stopped: {said:?}"),
            Answer::Concern(_, case, _, said) => write!(f, "a concern of {case}: {said:?}"),
            Answer::Relayed(part, id) => write!(f, "{part} passed {id} on"),
            Answer::Decree(number, done, said) => write!(f, "decree {number}: {done:?} {}", said.is_ok()),
            Answer::Slot(number, said) => write!(f, "slot {number}: {}", said.is_ok()),
            Answer::Other(what, ok) => write!(f, "{what}: {ok}"),
        }
    }
}
