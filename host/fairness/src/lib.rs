//! Fair queueing among units, without clock, thread or I/O: who waits with
//! what goes in, whose turn it is comes out. A flood of one unit's jobs costs
//! that unit's own place in the order, and nobody else's.
//!
//! **Invariant:** nothing that waits is lost, and no unit that waits falls behind another by more than what single jobs
//! cost.
//!
//! Each unit has a lane with a tag: what it has been served so far, in
//! microseconds of measured cost. The lane with the lowest tag is next (start
//! time fair queueing, Goyal, Vin and Cheng, SIGCOMM 1996). A lane that was
//! empty joins at the present tag, so that nobody saves up turns. What a job
//! will cost is not known when it is handed out: the lane is charged what its
//! jobs cost lately, and put right once the job is done.
//!
//! Nothing here may know what a job is, or drop one.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// What a lane is charged for its first job, in microseconds.
const FIRST: u64 = 100;

/// Jobs that wait, by the unit for which they are. `C` tells jobs of one unit
/// apart that may have to wait for different things: of each class the oldest
/// is first. There is one lane for every unit that ever had a job: the units
/// of a policy pack.
#[derive(Debug)]
pub struct FairQueue<C, J> {
    names: HashMap<Arc<str>, usize>,
    lanes: Vec<Lane<C, J>>,
    /// The lanes with jobs, by tag.
    order: BTreeSet<(u64, usize)>,
    /// The tag at which the latest job was handed out.
    clock: u64,
    jobs: usize,
    arrivals: u64,
}

#[derive(Debug)]
struct Lane<C, J> {
    unit: Arc<str>,
    tag: u64,
    /// What a job costs by the latest that ended.
    usual: u64,
    jobs: usize,
    running: usize,
    classes: Vec<(C, VecDeque<(u64, J)>)>,
}

/// A job that was handed out; [`FairQueue::done`] takes it back.
#[derive(Debug)]
#[must_use = "the unit must be charged for what was handed out"]
pub struct Ticket {
    lane: usize,
    charged: u64,
}

/// A time in microseconds, in which costs are counted.
pub fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

impl<C, J> Default for FairQueue<C, J> {
    fn default() -> FairQueue<C, J> {
        FairQueue { names: HashMap::new(), lanes: Vec::new(), order: BTreeSet::new(), clock: 0, jobs: 0, arrivals: 0 }
    }
}

impl<C: Eq, J> FairQueue<C, J> {
    /// A job that waits for its turn.
    pub fn push(&mut self, unit: &str, class: C, job: J) {
        let at = match self.names.get(unit) {
            Some(at) => *at,
            None => {
                let at = self.lanes.len();
                let (unit, classes): (Arc<str>, _) = (unit.into(), Vec::new());
                self.names.insert(Arc::clone(&unit), at);
                self.lanes.push(Lane { unit, tag: self.clock, usual: FIRST, jobs: 0, running: 0, classes });
                at
            }
        };
        let Some(lane) = self.lanes.get_mut(at) else { return };
        if lane.jobs == 0 {
            lane.tag = lane.tag.max(self.clock);
            self.order.insert((lane.tag, at));
        }
        lane.jobs += 1;
        self.jobs += 1;
        self.arrivals += 1;
        let arrival = self.arrivals;
        match lane.classes.iter_mut().find(|(known, _)| *known == class) {
            Some((_, jobs)) => jobs.push_back((arrival, job)),
            None => lane.classes.push((class, VecDeque::from([(arrival, job)]))),
        }
    }

    /// The next job whose class `may` run now; `may` is told how many jobs of
    /// the unit are out. None if nothing waits that may.
    pub fn pop(&mut self, may: impl Fn(usize, &C) -> bool) -> Option<(J, Ticket)> {
        self.pop_of(|_, running, class| may(running, class))
    }

    /// The same, with a `may` that is told whose job it is.
    pub fn pop_of(&mut self, may: impl Fn(&Arc<str>, usize, &C) -> bool) -> Option<(J, Ticket)> {
        let (at, class) = self.order.iter().find_map(|&(_, at)| {
            let lane = self.lanes.get(at)?;
            let first = |(n, (class, jobs)): (usize, &(C, VecDeque<(u64, J)>))| {
                let (arrival, _) = jobs.front()?;
                may(&lane.unit, lane.running, class).then_some((*arrival, n))
            };
            let (_, class) = lane.classes.iter().enumerate().filter_map(first).min()?;
            Some((at, class))
        })?;
        let lane = self.lanes.get_mut(at)?;
        let (_, jobs) = lane.classes.get_mut(class)?;
        let (_, job) = jobs.pop_front()?;
        if jobs.is_empty() && lane.classes.len() > 1 {
            lane.classes.swap_remove(class);
        }
        self.order.remove(&(lane.tag, at));
        // Of lanes that were passed over the tag is lower: time does not go back to it.
        self.clock = self.clock.max(lane.tag);
        let charged = lane.usual;
        lane.tag = lane.tag.saturating_add(charged);
        lane.jobs -= 1;
        lane.running += 1;
        self.jobs -= 1;
        if lane.jobs > 0 {
            self.order.insert((lane.tag, at));
        }
        Some((job, Ticket { lane: at, charged }))
    }

    /// A job ended that was handed out, and cost so many microseconds.
    pub fn done(&mut self, ticket: Ticket, cost: u64) {
        let Ticket { lane: at, charged } = ticket;
        let Some(lane) = self.lanes.get_mut(at) else { return };
        lane.running = lane.running.saturating_sub(1);
        lane.usual = (lane.usual.saturating_mul(7).saturating_add(cost) / 8).max(1);
        let tag = lane.tag.saturating_sub(charged).saturating_add(cost.max(1));
        if lane.jobs > 0 && tag != lane.tag {
            self.order.remove(&(lane.tag, at));
            self.order.insert((tag, at));
        }
        lane.tag = tag;
    }

    /// How many jobs wait.
    pub fn waiting(&self) -> usize {
        self.jobs
    }

    /// How many of a unit's jobs wait.
    pub fn waiting_of(&self, unit: &str) -> usize {
        self.names.get(unit).and_then(|at| self.lanes.get(*at)).map_or(0, |lane| lane.jobs)
    }
}
