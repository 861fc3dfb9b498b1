//! The stage of a story: the running host, its people, who act through its API, and its clock.

use std::sync::Arc;
use std::time::{Duration, Instant};

use huiyin_engine::shell::Clock as _;
use huiyin_engine::{Activity, Engine};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::runtime::Handle;
use tokio::sync::broadcast::error::TryRecvError;
use tokio::sync::{broadcast, mpsc};
use tokio_util::sync::CancellationToken;

use super::clock::StoryClock;
use super::telling::{Line, Telling};
use crate::client::{Client, segment};
use crate::demo::local::Told;
use crate::output::Failure;

/// The longest wait for what the host does in answer to an act, of the machine's own time.
const PATIENCE: Duration = Duration::from_mins(1);

/// How often it is looked whether the host is at rest, and whether there is something to tell.
const LOOK: Duration = Duration::from_millis(5);
const TELL: Duration = Duration::from_millis(200);

/// Why a story ends before its end.
pub(super) enum Halt {
    /// Somebody asked for it.
    Asked,
    /// It does not go on.
    Failed(Failure),
}

impl From<Failure> for Halt {
    fn from(failure: Failure) -> Halt {
        Halt::Failed(failure)
    }
}

/// See the module. Used on a thread of its own: it waits.
pub(super) struct Stage {
    pub(super) engine: Arc<Engine>,
    pub(super) runtime: Handle,
    pub(super) clock: Arc<StoryClock>,
    pub(super) client: Client,
    pub(super) activity: broadcast::Receiver<Activity>,
    pub(super) told: mpsc::UnboundedReceiver<Told>,
    pub(super) telling: Telling,
    pub(super) began: Timestamp,
    pub(super) stop: CancellationToken,
    /// Of what the host does by itself only this is told; all unless given.
    pub(super) only: Option<&'static str>,
}

impl Stage {
    /// The moment of a minute of the story.
    pub(super) fn moment(&self, minute: i64) -> Timestamp {
        self.began.checked_add(SignedDuration::from_mins(minute)).unwrap_or(Timestamp::MAX)
    }

    /// Lets the story come to a minute, at its speed.
    pub(super) fn until(&mut self, minute: i64) -> Result<(), Halt> {
        let to = self.moment(minute);
        self.clock.go();
        while let Some(left) = self.clock.takes(to) {
            self.tell();
            if left.is_zero() {
                return self.stopped();
            }
            std::thread::sleep(left.min(TELL));
            self.stopped()?;
        }
        self.forward(to)
    }

    /// Leaps over hours in which nothing is played. Whatever is due on the way happens at its time.
    pub(super) fn leap(&mut self, minute: i64) -> Result<(), Halt> {
        let to = self.moment(minute);
        self.clock.stand();
        self.telling.leap(to);
        self.forward(to)
    }

    /// Leaps without a word.
    pub(super) fn forward(&mut self, to: Timestamp) -> Result<(), Halt> {
        loop {
            self.settle()?;
            self.tell();
            if self.clock.forward(to) {
                break;
            }
        }
        self.settle()?;
        self.tell();
        Ok(())
    }

    /// Waits until the host is at rest: nothing runs that does not wait for a moment or for somebody.
    pub(super) fn settle(&mut self) -> Result<(), Halt> {
        let end = Instant::now() + PATIENCE;
        let mut quiet = 0;
        // Twice in a row: what one partition sends to another is under way in between.
        while quiet < 2 {
            self.stopped()?;
            let busy = self.runtime.block_on(self.engine.look_all(|state, _| {
                let at_work = |run: &huiyin_engine::state::Run| {
                    let active = run.flow.active();
                    let waits = |kind: &str| matches!(kind, "listen" | "wait");
                    let called = active.iter().any(|task| task.kind == "call" && task.due.is_none());
                    called || !active.iter().any(|task| waits(task.kind) || task.due.is_some())
                };
                state.runs.values().any(at_work)
            }));
            let busy = busy.map_err(|refusal| Failure::unreachable(refusal.to_string()))?.contains(&true);
            quiet = if busy { 0 } else { quiet + 1 };
            if Instant::now() > end {
                return Err(Failure::failed("the host was not at rest for a minute").into());
            }
            if quiet < 2 {
                std::thread::sleep(LOOK);
            }
        }
        Ok(())
    }

    /// A person does something in the name of a unit; what the command answers.
    pub(super) fn act(&mut self, unit: &str, person: &str, command: &Value) -> Result<Value, Halt> {
        let path = format!("/v1/units/{}/commands", segment(unit));
        self.post(&path, person, command)
    }

    /// A person sends something; what the API answers.
    pub(super) fn post(&mut self, path: &str, person: &str, body: &Value) -> Result<Value, Halt> {
        self.stopped()?;
        let done = self.client.acting(person).post(path, body);
        done.map_err(|failure| Failure::failed(format_args!("{person}: {}", failure.message())).into())
    }

    /// A person tries something that the desk refuses; the refusal. The story stops where it is not refused.
    pub(super) fn refused(&mut self, unit: &str, person: &str, command: &Value) -> Result<String, Halt> {
        self.stopped()?;
        let path = format!("/v1/units/{}/commands", segment(unit));
        match self.client.acting(person).try_post(&path, command)? {
            Ok(done) => Err(Failure::failed(format_args!("{command} of {person} was taken: {done}")).into()),
            Err((_, failure)) => Ok(failure.message().to_owned()),
        }
    }

    /// Reads something.
    pub(super) fn get(&self, path: &str) -> Result<Value, Halt> {
        Ok(self.client.get(path)?)
    }

    /// Tells what a person did, and then what the host did after it.
    pub(super) fn say(&mut self, clause: &str, zh: impl Into<String>, en: impl Into<String>) -> Result<(), Halt> {
        self.telling.say(self.clock.now(), &Line::new(clause, zh, en));
        self.settle()?;
        self.tell();
        Ok(())
    }

    /// Tells what has happened in the host since.
    fn tell(&mut self) {
        let mut last = self.clock.now();
        loop {
            match self.activity.try_recv() {
                Ok(activity) => {
                    last = activity.time;
                    let told = self.only.is_none_or(|only| activity.kind == only);
                    if let Some(line) = self.telling.of_activity(&activity).filter(|_| told) {
                        self.telling.say(activity.time, &line);
                    }
                }
                Err(TryRecvError::Lagged(_)) => {}
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        let mut told = Vec::new();
        while let Ok(notice) = self.told.try_recv() {
            told.push(notice);
        }
        for line in self.telling.of_notices(&told) {
            self.telling.say(last, &line);
        }
    }

    fn stopped(&self) -> Result<(), Halt> {
        if self.stop.is_cancelled() { Err(Halt::Asked) } else { Ok(()) }
    }
}
