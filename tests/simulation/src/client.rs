//! The people outside: they ask, ask again when they hear nothing, and
//! remember every yes they were given. A yes must hold for ever.

use std::sync::{Arc, PoisonError};

use huiyin_engine::partition::{Delivered, Message, Order, OrderKind, Reply, StartRun};
use huiyin_engine::state::{FinishedRun, State};
use huiyin_engine::turn::{Budget, first_turn};
use huiyin_engine::value_limits::ValueLimits;
use huiyin_flow::Phase;
use serde_json::json;

use crate::host::deployment;
use crate::sim::{Answer, Flight, Sim};
use crate::workload::{PEOPLE, PING, UNITS, Workload};

/// What became of one wish.
#[derive(Debug)]
struct Asked {
    run: String,
    at: i64,
    accepted: bool,
    ended: Option<Arc<FinishedRun>>,
    cancel_at: Option<i64>,
    stopped: bool,
}

/// Everybody who asks.
#[derive(Debug)]
pub(crate) struct Client {
    /// When somebody does something next.
    pub(crate) next: i64,
    wishes: Vec<Asked>,
    /// Concerns that were taken in: unit, case, text.
    concerns: Vec<(usize, String, String)>,
    said: u64,
}

impl Client {
    pub(crate) fn new(workload: &Workload) -> Client {
        let wishes = workload
            .wishes
            .iter()
            .map(|wish| Asked {
                run: wish.run.clone(),
                at: wish.at,
                accepted: false,
                ended: None,
                cancel_at: wish.cancel_after.map(|after| wish.at + after),
                stopped: false,
            })
            .collect();
        Client { next: 0, wishes, concerns: Vec::new(), said: 0 }
    }

    pub(crate) fn satisfied(&self) -> bool {
        self.wishes.iter().all(|asked| asked.accepted)
    }

    pub(crate) fn unsatisfied(&self) -> String {
        let waiting: Vec<&str> = self.wishes.iter().filter(|a| !a.accepted).map(|a| a.run.as_str()).collect();
        format!("wishes without an answer {waiting:?}")
    }

    fn wish(&mut self, run: &str) -> Option<&mut Asked> {
        self.wishes.iter_mut().find(|asked| asked.run == run)
    }

    /// Somebody was told something.
    pub(crate) fn hear(&mut self, answer: Answer, now: i64) -> Result<(), String> {
        match answer {
            Answer::Accepted(run, Ok(id)) => {
                if id != run {
                    return Err(format!("{run} was asked for, {id} was accepted"));
                }
                if let Some(asked) = self.wish(&run) {
                    asked.accepted = true;
                }
            }
            Answer::Finished(run, Ok(end)) => {
                if let Some(asked) = self.wish(&run) {
                    asked.accepted = true;
                    if let Some(before) = asked.ended.as_ref().filter(|b| b.result != end.result) {
                        return Err(format!("{run} ended twice: {} and {}", before.result, end.result));
                    }
                    asked.ended = Some(end);
                }
            }
            Answer::Accepted(run, Err(huiyin_engine::Refusal::Store(_))) => {
                if let Some(asked) = self.wish(&run) {
                    asked.at = now + 5_000;
                }
            }
            Answer::Accepted(run, Err(refusal)) => return Err(format!("{run} was refused: {refusal}")),
            Answer::Cancelled(run, Ok(())) => {
                if let Some(asked) = self.wish(&run) {
                    asked.stopped = true;
                }
            }
            Answer::Concern(unit, case, text, Ok(_)) => self.concerns.push((unit, case, text)),
            Answer::Finished(..)
            | Answer::Cancelled(..)
            | Answer::Concern(..)
            | Answer::Relayed(..)
            | Answer::Decree(..)
            | Answer::Slot(..)
            | Answer::Other(..) => {}
        }
        Ok(())
    }

    /// Holds what a start has found against every yes that was given.
    pub(crate) fn check<'s>(&self, states: impl Iterator<Item = &'s State> + Clone) -> Result<(), String> {
        for asked in &self.wishes {
            let running = states.clone().any(|state| state.runs.contains_key(&asked.run));
            let ended = states.clone().find_map(|state| state.finished.iter().find(|end| end.run == asked.run));
            if asked.accepted && !running && ended.is_none() {
                return Err(format!("run {} was accepted, and is not there", asked.run));
            }
            if asked.stopped && running {
                return Err(format!("run {} was stopped, and runs", asked.run));
            }
            if let Some(told) = &asked.ended
                && ended.is_none_or(|end| end.result != told.result || end.status != told.status)
            {
                return Err(format!("the end of run {} was told as {told:?}, and is {ended:?}", asked.run));
            }
        }
        for (_, case, text) in &self.concerns {
            let there = states
                .clone()
                .filter_map(|state| state.desk.case(case))
                .any(|case| case.concerns.iter().any(|concern| concern.text == *text));
            if !there {
                return Err(format!("the concern `{text}` of case {case} was taken in, and is not there"));
            }
        }
        Ok(())
    }
}

impl Sim {
    pub(crate) fn reply<T: Send + 'static>(
        &self,
        answer: impl FnOnce(Result<T, huiyin_engine::Refusal>) -> Answer + Send + 'static,
    ) -> Reply<T> {
        let answers = Arc::clone(&self.answers);
        Box::new(move |said| answers.lock().unwrap_or_else(PoisonError::into_inner).push(answer(said)))
    }

    /// Somebody outside does something.
    pub(crate) fn client_acts(&mut self) -> Result<(), String> {
        let now = self.now;
        self.client.next = now + self.random.between(500, 60_000);
        let due: Vec<usize> = self
            .client
            .wishes
            .iter()
            .enumerate()
            .filter(|(_, asked)| !asked.accepted && asked.at <= now)
            .map(|(at, _)| at)
            .collect();
        for at in due {
            self.client.wishes[at].at = now + self.random.between(20_000, 90_000);
            self.submit(at, true)?;
            if self.random.chance(1, 4) {
                self.submit(at, false)?;
            }
        }
        let known = self.client.wishes.len();
        let again = self.random.place(known.max(1));
        if self.client.wishes.get(again).is_some_and(|asked| asked.accepted) && self.random.chance(1, 6) {
            self.submit(again, false)?;
        }
        let cancels: Vec<usize> =
            (0..known).filter(|at| self.client.wishes[*at].cancel_at.is_some_and(|when| when <= now)).collect();
        for at in cancels {
            self.client.wishes[at].cancel_at = None;
            let run = self.client.wishes[at].run.clone();
            let name = run.clone();
            let reply = self.reply(move |said| Answer::Cancelled(name, said));
            if let Some(part) = self.home(&run) {
                let (reason, actor) = ("no longer wanted".to_owned(), PEOPLE[0].to_owned());
                let order = Order { run, kind: OrderKind::Cancel, actor, reason, reply };
                self.send(Flight::Deliver(part, Message::Order(order)));
            }
        }
        self.hold();
        self.decree()?;
        self.rebind()?;
        self.ping();
        if self.random.chance(1, 5) {
            self.concern();
        }
        if self.random.chance(1, 10) {
            let part = self.random.place(self.setup.partitions as usize);
            let answers = Arc::clone(&self.answers);
            let query = Box::new(move |state: &State, _now| {
                let seen = state.seq > 0;
                Box::new(move || {
                    answers.lock().unwrap_or_else(PoisonError::into_inner).push(Answer::Other("looked", seen));
                }) as Box<dyn FnOnce() + Send>
            });
            self.send(Flight::Deliver(part, Message::Query(query)));
        }
        Ok(())
    }

    /// Where a run lives, if it runs.
    fn home(&self, run: &str) -> Option<usize> {
        let parts = &self.host.as_ref()?.parts;
        parts.iter().position(|part| part.commit.core().state().runs.contains_key(run))
    }

    /// Asks for a run: either to know that it will run, or to know its end.
    fn submit(&mut self, at: usize, accepted: bool) -> Result<(), String> {
        let wish = self.workload.wishes[at].clone();
        let workflow = self.workload.workflows[wish.workflow].name.clone();
        let unit = UNITS[wish.unit];
        let Some(host) = &self.host else { return Ok(()) };
        let (part, deployment) =
            deployment(host, &workflow, unit).ok_or_else(|| format!("{workflow} is not deployed for {unit}"))?;
        let name = wish.run.clone();
        let mut start = StartRun {
            deployment,
            run: wish.run,
            trigger: "person".to_owned(),
            key: format!("unit:{unit}"),
            input: wish.input,
            actor: PEOPLE[wish.unit].to_owned(),
            asked: None,
            accepted: None,
            finished: None,
            first: None,
        };
        if accepted {
            start.accepted = Some(self.reply(move |said| Answer::Accepted(name, said)));
        } else {
            // As the host does it: most of them with their first turn taken ahead.
            let deployed =
                host.parts.get(part).and_then(|part| part.commit.core().deployed(&start.deployment)).cloned();
            if let Some(deployed) = deployed.filter(|_| self.random.chance(2, 3)) {
                let budget = Budget {
                    time: None,
                    facts: 1 + self.random.place(64),
                    stretch: 1 + self.random.below(64) as u32,
                    hurry: None,
                };
                let (random, payload) = (self.random.draw(), ValueLimits::default());
                start.first = Some(first_turn(
                    &mut start,
                    &deployed,
                    self.host_now(),
                    random,
                    payload,
                    &self.setup.house,
                    budget,
                ));
            }
            start.finished = Some(self.reply(move |said: Result<Arc<FinishedRun>, _>| Answer::Finished(name, said)));
        }
        self.send(Flight::Deliver(part, Message::Start(start)));
        Ok(())
    }

    /// Somebody holds a run; whatever is held is let go again, sooner or later.
    fn hold(&mut self) {
        let mut orders = Vec::new();
        for (at, part) in self.host.iter().flat_map(|host| &host.parts).enumerate() {
            for (id, run) in &part.commit.core().state().runs {
                if run.flow.phase() == Phase::Suspended {
                    orders.push((at, id.clone(), OrderKind::Resume, 2));
                } else if !self.is_quiet() && self.client.wishes.iter().any(|asked| asked.run == *id) {
                    orders.push((at, id.clone(), OrderKind::Suspend, 60));
                }
            }
        }
        for (part, run, kind, seldom) in orders {
            if self.random.chance(1, seldom) {
                let reply = self.reply(|said: Result<(), _>| Answer::Other("held or let go", said.is_ok()));
                let (actor, reason) = (PEOPLE[1].to_owned(), "to look at it".to_owned());
                self.send(Flight::Deliver(part, Message::Order(Order { run, kind, actor, reason, reply })));
            }
        }
    }

    /// Whoever listens is spoken to, sooner or later.
    fn ping(&mut self) {
        let mut listening = Vec::new();
        for (at, part) in self.host.iter().flat_map(|host| &host.parts).enumerate() {
            let state = part.commit.core().state();
            for (id, run) in &state.runs {
                let listens = |c: &huiyin_flow::Command| matches!(c, huiyin_flow::Command::Subscribe { .. });
                let unit = state.deployments.get(&run.deployment).and_then(|d| d.unit.clone());
                if huiyin_flow::outstanding(&run.flow).iter().any(listens) {
                    listening.push((at, id.clone(), unit));
                }
            }
        }
        for (part, run, unit) in listening {
            if self.random.chance(1, 2) {
                self.client.said += 1;
                let event = json!({
                    "specversion": "1.0", "id": format!("ping-{}", self.client.said), "source": "/world",
                    "type": PING, "subject": run, "data": {"n": 7}
                });
                let reply = self.reply(|said: Result<Delivered, _>| Answer::Other("pinged", said.is_ok()));
                self.send(Flight::Deliver(part, Message::Event { unit, event, relayed: None, reply }));
            }
        }
    }

    /// Somebody adds a concern to an open case.
    fn concern(&mut self) {
        let Some(host) = &self.host else { return };
        let mut cases = Vec::new();
        for (at, part) in host.parts.iter().enumerate() {
            for case in part.commit.core().state().desk.cases() {
                if let Some(unit) = UNITS.iter().position(|unit| *unit == case.unit) {
                    cases.push((at, unit, case.number.clone()));
                }
            }
        }
        if cases.is_empty() {
            return;
        }
        let (part, unit, case) = cases.swap_remove(self.random.place(cases.len()));
        self.client.said += 1;
        let text = format!("concern {}", self.client.said);
        let command = huiyin_desk::Command::AddConcern { case: case.clone(), text: text.clone() };
        let reply = self.reply(move |said| Answer::Concern(unit, case, text, said));
        let message = Message::Desk {
            unit: UNITS[unit].to_owned(),
            actor: PEOPLE[unit].to_owned(),
            command: Box::new(command),
            judged: None,
            elsewhere: Box::default(),
            once: None,
            expected: None,
            reply,
        };
        self.send(Flight::Deliver(part, message));
    }
}
