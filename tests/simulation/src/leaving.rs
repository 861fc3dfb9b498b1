//! What a partition's rule lets go: each step is taken, and nothing leaves
//! without being held against what the disk really has (rules 2 and 3).

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use huiyin_engine::commit::Step;
use huiyin_engine::partition::{EffectDone, EffectOutcome, Message, Refusal, Work};
use huiyin_journal::{Draft, Journal as _};

use crate::host::FOLDER;
use crate::sim::{Answer, Flight, Sim};

impl Sim {
    /// Does what a partition's rule says is to be done.
    pub(crate) fn take(&mut self, at: usize, steps: Vec<Step>) -> Result<(), String> {
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
                Step::Canary(job) => self.send(Flight::Watch(at, job)),
                Step::Release { work, last_index } => self.release(at, work, last_index)?,
            }
        }
        if appended && self.random.chance(1, 12) {
            self.sample(at)?;
        }
        Ok(())
    }

    /// Remembers which record says what, to be compared with what leaves.
    pub(crate) fn note(&mut self, partition: u32, expected: u64, drafts: &[Draft]) {
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
    pub(crate) fn sample(&mut self, at: usize) -> Result<(), String> {
        let Some(part) = self.part(at) else { return Ok(()) };
        let snapshot =
            huiyin_engine::snapshot_writer::snapshot(part.commit.core().state()).map_err(|e| e.to_string())?;
        self.samples.insert((at as u32, snapshot.seq), snapshot.digest);
        Ok(())
    }

    /// Something leaves the partition: rule 2 is held against what the disk
    /// itself would still have after a power cut at this moment.
    pub(crate) fn release(&mut self, at: usize, work: Work, last_index: Option<u64>) -> Result<(), String> {
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
            Work::Failing(failing) => self.slots.fails(at, *failing),
            // A disk in memory has always space, so nothing waits for it.
            Work::Hurry { .. } | Work::Turn(_) | Work::Judge(_) | Work::Canary(_) => {}
        }
        Ok(())
    }

    /// A try is no longer wanted. What has not left yet is stopped, sometimes
    /// in time; what is outside comes back with its result.
    pub(crate) fn stop_effect(&mut self, at: usize, run: String, call: huiyin_flow::CallId, attempt: u32) {
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
            self.send(Flight::Deliver(at, Message::Effect(EffectDone { run, call, attempt, outcome, fault: None })));
        }
    }

    /// An event is passed on to every other partition; once all have it, its own hears of it.
    pub(crate) fn relay(&mut self, at: usize, id: &str, event: &Arc<serde_json::Value>) {
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

    pub(crate) fn must_be_durable(&self, place: Option<(u32, u64)>, what: &str, name: &str) -> Result<(), String> {
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
    pub(crate) fn look(&mut self) -> Result<(), String> {
        let synced = self.disk.synced();
        if synced != self.looked {
            self.looked = synced;
            self.durable.look(&self.disk.durable(), Path::new(FOLDER)).map_err(|e| e.to_string())?;
        }
        Ok(())
    }
}
