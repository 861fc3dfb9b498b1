//! What a partition's shell holds back while the disk has too little space
//! ([`crate::space`]): turns of runs, calls that reach outside, readings of
//! sources. What is held has not begun, so a crash loses nothing of it.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::space::Space;
use huiyin_flow::{CallId, Event};
use huiyin_partition::partition::{EffectDone, EffectOutcome, Input, TurnJob, Work};

/// Something that waits for space.
pub enum Waiting {
    /// A turn of a run.
    Turn(Box<TurnJob>),
    /// A call or a reading, with the last record that it needs.
    Leaving(Work, Option<u64>),
}

/// All that waits, in the order of coming.
#[derive(Default)]
pub struct Held(Mutex<VecDeque<Waiting>>);

impl Held {
    fn all(&self) -> MutexGuard<'_, VecDeque<Waiting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The turn, if it is to be taken now. One that ends or holds its run is.
    pub(crate) fn turn(&self, job: Box<TurnJob>, space: &Space) -> Option<Box<TurnJob>> {
        let ends = |input: &Input| matches!(input, Input::Event(Event::Cancel { .. } | Event::Suspend));
        if job.inputs.iter().any(ends) || !space.short() {
            return Some(job);
        }
        self.all().push_back(Waiting::Turn(job));
        None
    }

    /// The work, if it is to be done now.
    pub(crate) fn leaving(&self, work: Work, last_index: Option<u64>, space: &Space) -> Option<Work> {
        if !matches!(work, Work::Effect(_) | Work::Poll(_)) || !space.short() {
            return Some(work);
        }
        self.all().push_back(Waiting::Leaving(work, last_index));
        None
    }

    /// A call that is stopped before it began: what is told of it.
    pub(crate) fn stop(&self, run: &str, call: CallId, attempt: u32) -> Option<EffectDone> {
        let mut all = self.all();
        let found = all.iter().position(|waiting| {
            matches!(waiting, Waiting::Leaving(Work::Effect(job), _)
                if job.run == run && job.call == call && job.attempt == attempt)
        })?;
        all.remove(found);
        let outcome = EffectOutcome::Stopped { begun: false };
        Some(EffectDone { run: run.to_owned(), call, attempt, outcome, fault: None })
    }

    /// The turn of a run that waits, if one does.
    pub(crate) fn hurry(&self, run: &str) -> Option<Box<TurnJob>> {
        let mut all = self.all();
        let found = all.iter().position(|waiting| matches!(waiting, Waiting::Turn(job) if job.run == run))?;
        match all.remove(found) {
            Some(Waiting::Turn(job)) => Some(job),
            _ => None,
        }
    }

    /// Everything, where there is space again.
    pub(crate) fn let_go(&self, space: &Space) -> VecDeque<Waiting> {
        let mut all = self.all();
        if all.is_empty() || space.short() { VecDeque::new() } else { std::mem::take(&mut *all) }
    }
}
