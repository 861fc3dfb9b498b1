//! One simulated host from its first start to its last record: the scheduler,
//! the clock, the faults. What must hold at every moment is checked here as it
//! happens; what must hold at the end, in [`crate::judge`].

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use huiyin_engine::commit::Step;
use huiyin_engine::partition::{
    EffectDone, EffectJob, EffectOutcome, JudgeJob, Message, PollJob, Refusal, Snapshot, TurnJob, Work,
};
use huiyin_engine::record::Entry;
use huiyin_engine::start::Definitions;
use huiyin_engine::state::{FinishedRun, State};
use huiyin_engine::worker::{Budget, judge, take_turn_within};
use huiyin_journal::faults::{Durable, seed_randomness};
use huiyin_journal::{Draft, Journal as _};
use jiff::{SignedDuration, Timestamp};

use crate::client::Client;
use crate::disk::{Cut, SimDisk, Trouble};
use crate::host::{FOLDER, Found, Host, NoStart, Setup, Views, outcome};
use crate::random::Random;
use crate::trace::Trace;
use crate::workload::Workload;
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
pub(crate) enum Flight {
    /// A worker has a turn to take.
    Turn(usize, Box<TurnJob>),
    /// A worker has filters of triggers to evaluate.
    Judge(usize, JudgeJob),
    /// A request is on its way to the world.
    Effect(usize, Box<EffectJob>),
    /// A collector is on its way to its source.
    Poll(usize, PollJob),
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
    Finished(String, Result<FinishedRun, Refusal>),
    /// A run was stopped.
    Cancelled(String, Result<(), Refusal>),
    /// A concern was added to a case.
    Concern(usize, String, String, Result<serde_json::Value, Refusal>),
    /// Every other partition has an event.
    Relayed(usize, String),
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
}

impl Counts {
    /// Adds another's.
    pub fn add(&mut self, more: &Counts) {
        self.steps += more.steps;
        self.crashes += more.crashes;
        self.clock_steps += more.clock_steps;
        self.tries += more.tries;
        self.records += more.records;
        self.ended += more.ended;
        self.waiting += more.waiting;
        self.breaches += more.breaches;
        self.snapshots += more.snapshots;
        self.repeated += more.repeated;
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
    pub(crate) host: Option<Host>,
    pub(crate) counts: Counts,
    pub(crate) answers: Arc<Mutex<Vec<Answer>>>,
    /// Milliseconds since the beginning.
    pub(crate) now: i64,
    /// How much the host's clock is ahead, in milliseconds.
    skew: i64,
    faults: bool,
    quiet_since: Option<i64>,
    views: Views,
    definitions: Definitions,
    flights: Vec<(i64, Flight)>,
    /// Partitions that may have news of an append.
    news: Vec<bool>,
    durable: Durable,
    /// How much was synced when `durable` was looked at.
    looked: u64,
    /// Where the intention of each try lies: partition and sequence number.
    intended: HashMap<(String, String, u32), (u32, u64)>,
    polled: HashMap<(String, u64), (u32, u64)>,
    /// A digest of each leaf that the journal called durable.
    leaves: Vec<u64>,
    /// Digests of states of the partitions, by the last record in them.
    samples: BTreeMap<(u32, u64), String>,
}

impl Sim {
    pub(crate) fn new(seed: u64, setup: Setup, workload: Workload, world: World, faults: bool, keep: bool) -> Sim {
        let random = Random::new(seed);
        seed_randomness(Some(random.part(1).next()));
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
                if self.now >= since + QUIET && self.at_rest()? {
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
                let budget =
                    Budget { time: None, facts: 1 + self.random.place(64), stretch: 1 + self.random.below(64) as u32 };
                self.trace.say(format_args!("{now} turn {} of {}", job.turn % 1000, job.run));
                let done = take_turn_within(*job, &self.setup.house, budget);
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
            Flight::Effect(part, job) => self.reach(part, &job)?,
            Flight::Poll(part, job) => {
                let host_now = self.host_now();
                let page = self.world.read(&job, now, host_now, &mut self.random);
                let count = page.outcome.as_ref().map_or(0, |read| read.page.items.len());
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
                let snapshot = Snapshot::of(&state).map_err(|e| format!("a snapshot does not encode: {e}"))?;
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
            EffectOutcome::Settled(Err(_), _) => "not done",
            EffectOutcome::Unknown(_) => "unknown",
            EffectOutcome::Found(_) | EffectOutcome::Stopped { .. } => "neither",
        };
        self.trace.say(format_args!("{now} effect {} try {}: {word}", job.idempotency_key, job.attempt));
        let done = EffectDone { run: job.run.clone(), call: job.call, attempt: job.attempt, outcome };
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

    /// Does what a partition's rule says is to be done.
    fn take(&mut self, at: usize, steps: Vec<Step>) -> Result<(), String> {
        let mut appended = false;
        for step in steps {
            match step {
                Step::Snapshot(state) => self.send(Flight::Snap(at, state)),
                Step::Append { expected, drafts } => {
                    appended = true;
                    self.note(at as u32, expected, &drafts);
                    let Some(host) = &mut self.host else { return Ok(()) };
                    let append = host.journal.append(at as u32, expected, drafts);
                    if let Some(part) = host.parts.get_mut(at) {
                        part.pending.push_back(append);
                    }
                    self.news[at] = true;
                }
                Step::Turn(job) => self.send(Flight::Turn(at, job)),
                Step::Judge(job) => self.send(Flight::Judge(at, job)),
                Step::Release { work, last_index } => self.release(at, work, last_index)?,
            }
        }
        if appended && self.random.chance(1, 12) {
            self.sample(at)?;
        }
        Ok(())
    }

    /// Remembers which record says what, to be compared with what leaves.
    fn note(&mut self, partition: u32, expected: u64, drafts: &[Draft]) {
        for (seq, draft) in (expected + 1..).zip(drafts) {
            self.trace.say(format_args!("{} {partition}/{seq} {} {}", self.now, draft.kind, draft.subject));
            self.trace.bytes(&draft.payload);
            match draft.kind.as_str() {
                "huiyin.effect.intended.v1" => {
                    if let Ok(x) = serde_json::from_slice::<huiyin_engine::record::EffectIntended>(&draft.payload) {
                        self.intended.insert((x.run, x.call, x.attempt), (partition, seq));
                    }
                }
                "huiyin.source.polled.v1" => {
                    if let Ok(x) = serde_json::from_slice::<huiyin_engine::record::SourcePolled>(&draft.payload) {
                        self.polled.insert((x.source, x.poll), (partition, seq));
                    }
                }
                _ => {}
            }
        }
    }

    /// Keeps a digest of what a partition knows, to be compared with what a
    /// reload makes of the same records.
    fn sample(&mut self, at: usize) -> Result<(), String> {
        let Some(part) = self.part(at) else { return Ok(()) };
        let snapshot = Snapshot::of(part.commit.core().state()).map_err(|e| e.to_string())?;
        self.samples.insert((at as u32, snapshot.seq), snapshot.digest);
        Ok(())
    }

    /// Something leaves the partition: rule 2 is held against what the disk
    /// itself would still have after a power cut at this moment.
    fn release(&mut self, at: usize, work: Work, last_index: Option<u64>) -> Result<(), String> {
        self.look()?;
        let size = self.durable.size();
        if let Some(last) = last_index.filter(|last| *last >= size) {
            return Err(format!("rule 2: something leaves that needs record {last} of the tree; {size} are durable"));
        }
        match work {
            Work::Effect(job) => {
                let name = (job.run.clone(), job.call.to_string(), job.attempt);
                self.must_be_durable(self.intended.get(&name).copied(), "effect", &job.idempotency_key)?;
                self.send(Flight::Effect(at, job));
            }
            Work::Poll(job) => {
                let name = (job.source.id.clone(), job.poll);
                self.must_be_durable(self.polled.get(&name).copied(), "reading", &name.0)?;
                self.send(Flight::Poll(at, job));
            }
            Work::Tell(tell) => tell(Ok(())),
            Work::Keep(snapshot) => self.send(Flight::Keep(at, snapshot)),
            Work::Show(activity) => {
                self.trace.say(format_args!("{} shown: {} {}", self.now, activity.kind, activity.subject));
            }
            Work::Stop { run, call, attempt } => self.stop_effect(at, run, call, attempt),
            Work::Relay { id, event } => self.relay(at, &id, &event),
            Work::Turn(_) | Work::Judge(_) => {}
        }
        Ok(())
    }

    /// A try is no longer wanted. What has not left yet is stopped, sometimes
    /// in time; what is outside comes back with its result.
    fn stop_effect(&mut self, at: usize, run: String, call: huiyin_flow::CallId, attempt: u32) {
        let found = self.flights.iter().position(|(_, flight)| {
            matches!(flight, Flight::Effect(part, job)
                if *part == at && job.run == run && job.call == call && job.attempt == attempt)
        });
        if let Some(found) = found
            && self.random.chance(2, 3)
        {
            self.flights.swap_remove(found);
            let outcome = EffectOutcome::Stopped { begun: self.random.chance(1, 3) };
            self.trace.say(format_args!("{} stopped: {run} {call} try {attempt}", self.now));
            self.send(Flight::Deliver(at, Message::Effect(EffectDone { run, call, attempt, outcome })));
        }
    }

    /// An event is passed on to every other partition; once all have it, its own hears of it.
    fn relay(&mut self, at: usize, id: &str, event: &Arc<serde_json::Value>) {
        let left = Arc::new(AtomicUsize::new(self.news.len()));
        let counted = move |answers: &Arc<Mutex<Vec<Answer>>>, id: &str, left: &AtomicUsize| {
            if left.fetch_sub(1, Ordering::Relaxed) == 1 {
                answers.lock().unwrap_or_else(PoisonError::into_inner).push(Answer::Relayed(at, id.to_owned()));
            }
        };
        for peer in (0..self.news.len()).filter(|peer| *peer != at) {
            let (answers, left, name) = (Arc::clone(&self.answers), Arc::clone(&left), id.to_owned());
            let reply = Box::new(move |said: Result<_, Refusal>| {
                if said.is_ok() {
                    counted(&answers, &name, &left);
                }
            });
            let event = serde_json::Value::clone(event);
            let relayed = Some(format!("relay:{at}:{id}"));
            self.send(Flight::Deliver(peer, Message::Event { unit: None, event, relayed, reply }));
        }
        counted(&self.answers, id, &left);
    }

    fn must_be_durable(&self, place: Option<(u32, u64)>, what: &str, name: &str) -> Result<(), String> {
        match place {
            None => Err(format!("rule 3: the {what} {name} leaves, and no record intends it")),
            Some((partition, seq)) if self.durable.last_seq(partition) < seq => Err(format!(
                "rule 2: the {what} {name} leaves; its intention is record {partition}/{seq}, durable is {}",
                self.durable.last_seq(partition)
            )),
            Some(_) => Ok(()),
        }
    }

    /// Looks at what the disk really has.
    fn look(&mut self) -> Result<(), String> {
        let synced = self.disk.synced();
        if synced != self.looked {
            self.looked = synced;
            self.durable.look(&self.disk.durable(), Path::new(FOLDER)).map_err(|e| e.to_string())?;
        }
        Ok(())
    }

    fn cut(&mut self) -> Cut {
        if self.random.chance(1, 2) { Cut::Clean } else { Cut::Torn }
    }

    fn fault(&mut self) -> Result<(), String> {
        match self.random.below(16) {
            0 | 1 => self.crash(None),
            2 | 3 => self.crash(Some(Cut::Clean)),
            4 | 5 => self.crash(Some(Cut::Torn)),
            6..=8 => {
                let left = self.random.below(8);
                self.trouble(Trouble::PowerGoes(left))
            }
            9 => self.trouble(Trouble::SyncFails),
            10 => self.trouble(Trouble::SyncFailsAndForgets),
            11 => self.trouble(Trouble::NoSpace),
            _ => {
                let step = match self.random.below(3) {
                    0 => self.random.between(-5_400_000, 5_400_000),
                    _ => self.random.between(-60_000, 60_000),
                };
                self.skew += step;
                self.counts.clock_steps += 1;
                self.trace.say(format_args!("{} the clock is set by {step} ms", self.now));
                Ok(())
            }
        }
    }

    #[allow(clippy::unnecessary_wraps)] // one shape for every kind of fault
    fn trouble(&mut self, trouble: Trouble) -> Result<(), String> {
        self.trace.say(format_args!("{} the disk: {trouble:?}", self.now));
        self.disk.set_trouble(Some(trouble));
        Ok(())
    }

    /// The host ends here; with a cut the machine does. Then it starts again.
    fn crash(&mut self, cut: Option<Cut>) -> Result<(), String> {
        self.counts.crashes += 1;
        self.trace.say(format_args!("{} crash, {cut:?}", self.now));
        self.remember_leaves()?;
        self.host = None;
        self.disk.set_trouble(None);
        if let Some(cut) = cut {
            self.disk.cut_power(cut);
        }
        // What is outside goes on; some of what was on its way back comes late.
        let flights = std::mem::take(&mut self.flights);
        for (at, flight) in flights {
            let stays = match &flight {
                Flight::Effect(..) | Flight::Poll(..) => self.random.chance(2, 3),
                Flight::Deliver(_, Message::Effect(_) | Message::Page(_)) => self.random.chance(1, 3),
                Flight::Deliver(_, Message::Turn(_)) => self.random.chance(1, 8),
                _ => false,
            };
            if stays {
                self.counts.repeated += 1;
                self.flights.push((at, flight));
            }
        }
        self.boot()
    }

    fn remember_leaves(&mut self) -> Result<(), String> {
        let Some(host) = &self.host else { return Ok(()) };
        let size = host.journal.size();
        while (self.leaves.len() as u64) < size {
            let from = self.leaves.len() as u64;
            let more = host.journal.leaves(from, 4_096).map_err(|e| format!("the leaves do not read: {e}"))?;
            if more.is_empty() {
                return Err(format!("the journal has {size} records and gives no leaf {from}"));
            }
            self.leaves.extend(more.iter().map(|leaf| digest(leaf)));
        }
        Ok(())
    }

    fn boot(&mut self) -> Result<(), String> {
        loop {
            if self.faults && self.quiet_since.is_none() && self.random.chance(1, 6) {
                let left = self.random.below(14);
                self.disk.set_trouble(Some(Trouble::PowerGoes(left)));
            }
            let views = self.views.found(self.setup.partitions, &mut self.random);
            match self.try_boot(&views)? {
                Some(host) => {
                    self.host = Some(host);
                    break;
                }
                None => {
                    self.counts.crashes += 1;
                    self.trace.say(format_args!("{} the power went during the start", self.now));
                    let cut = self.cut();
                    self.disk.cut_power(cut);
                }
            }
        }
        let now = self.host_now();
        for at in 0..self.setup.partitions as usize {
            let Some(part) = self.part(at) else { continue };
            let steps = part.commit.resume(now);
            self.take(at, steps)?;
        }
        Ok(())
    }

    /// A start; none if the power went meanwhile.
    fn try_boot(&mut self, views: &[Option<Snapshot>]) -> Result<Option<Host>, String> {
        let found = match Found::open(&self.setup, &self.disk, views) {
            Ok(found) => found,
            Err(NoStart::PowerOff) => return Ok(None),
            Err(NoStart::Broken(why)) => return Err(why),
        };
        // What was in the cache is durable once the journal has opened: it syncs what it found.
        self.durable = Durable::default();
        self.looked = u64::MAX;
        self.counts.snapshots += found.loaded.iter().filter(|(_, snapshot)| *snapshot > 0).count() as u64;
        self.check_found(&found)?;
        let now = self.host_now();
        match found.assemble(&self.setup, &mut self.definitions, &self.disk, &mut self.random, now) {
            Ok(host) => {
                self.trace.say(format_args!("{} started with {} records", self.now, host.journal.size()));
                Ok(Some(host))
            }
            Err(NoStart::PowerOff) => Ok(None),
            Err(NoStart::Broken(why)) => Err(why),
        }
    }

    /// Holds what a start has found against everything that was promised.
    fn check_found(&mut self, found: &Found) -> Result<(), String> {
        let journal = found.journal();
        let leaves = journal.leaves(0, usize::MAX).map_err(|e| format!("the leaves do not read: {e}"))?;
        if leaves.len() < self.leaves.len() {
            return Err(format!("{} records were called durable, {} are there", self.leaves.len(), leaves.len()));
        }
        for (at, (leaf, known)) in leaves.iter().zip(&self.leaves).enumerate() {
            if digest(leaf) != *known {
                return Err(format!("record {at} of the tree was called durable, and is another one now"));
            }
        }
        for (partition, (state, snapshot)) in (0u32..).zip(&found.loaded) {
            let replayed = self.replay(journal, partition)?;
            let loaded = Snapshot::of(state).map_err(|e| e.to_string())?;
            if replayed != loaded.digest {
                return Err(format!(
                    "partition {partition} loaded from its snapshot at {snapshot} differs from all its records at {}",
                    state.seq
                ));
            }
            // What was decided and is not there was never durable; it never happened.
            self.samples.retain(|(of, seq), _| *of != partition || *seq <= state.seq);
        }
        self.client.check(found.loaded.iter().map(|(state, _)| state))
    }

    /// A partition's digest from its records alone, held on the way against
    /// what the living partition knew after the same records.
    fn replay(&self, journal: &huiyin_journal::SegmentJournal, partition: u32) -> Result<String, String> {
        let mut state = State::default();
        for record in journal.read(partition, 1).map_err(|e| e.to_string())? {
            let record = record.map_err(|e| format!("a record does not read: {e}"))?;
            let entry: Option<Entry> = huiyin_engine::record::decode(&record).map_err(|e| e.to_string())?;
            if let Some(entry) = entry {
                state
                    .apply(&entry, record.header.time)
                    .map_err(|e| format!("record {} does not apply: {e}", record.header.id))?;
            }
            state.seq = record.header.seq;
            if let Some(known) = self.samples.get(&(partition, state.seq)) {
                let snapshot = Snapshot::of(&state).map_err(|e| e.to_string())?;
                if snapshot.digest != *known {
                    return Err(format!(
                        "partition {partition} knew something at record {} that its records do not say",
                        state.seq
                    ));
                }
            }
        }
        Snapshot::of(&state).map(|snapshot| snapshot.digest).map_err(|e| e.to_string())
    }

    /// Takes in what people outside were told.
    fn hear(&mut self) -> Result<(), String> {
        let answers = std::mem::take(&mut *self.answers.lock().unwrap_or_else(PoisonError::into_inner));
        for answer in answers {
            self.trace.say(format_args!("{} answer: {}", self.now, answer));
            match answer {
                Answer::Relayed(part, id) => self.send(Flight::Deliver(part, Message::Relayed { id })),
                answer => self.client.hear(answer, self.now)?,
            }
        }
        Ok(())
    }

    /// Whether nothing is under way any more but what repeats for ever.
    fn at_rest(&mut self) -> Result<bool, String> {
        let Some(host) = &self.host else { return Ok(false) };
        let idle = self.flights.is_empty()
            && !host.stepper.waiting()
            && host.parts.iter().all(|part| {
                part.inbox.is_empty() && part.pending.is_empty() && !part.commit.pending() && !part.commit.backlog()
            });
        Ok(idle && self.client.satisfied() && self.open_runs().is_empty())
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
                !clock && !crate::judge::waits_for_a_person(run)
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
            Answer::Other(what, ok) => write!(f, "{what}: {ok}"),
        }
    }
}

fn digest(leaf: &[u8]) -> u64 {
    let mut trace = Trace::new(false);
    trace.bytes(leaf);
    trace.digest()
}
