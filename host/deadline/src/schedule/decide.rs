//! Which times of a schedule start a run now, which wait, which are missed, and when to look again.
//!
//! A pure function of the schedule, its policy, what is known of it and the present moment. Applied steps are told
//! back in [`Standing`]; asking again at the same moment then gives nothing new. That is what makes a restart in the
//! middle harmless: each time is decided about exactly once.

use jiff::{SignedDuration, Timestamp};

use super::{CatchUp, Overlap, Policy, Schedule};

/// A time is late when it is longer ago than this, or when the next one has come too. Where times are put off, it
/// counts from when a time fires, and one that was held up by those before it is not late for that.
pub const LATE: SignedDuration = SignedDuration::from_secs(60);

/// Missed times are counted up to this many.
pub const COUNTED: usize = 1_000;

/// How far ahead of the clock a time may lie that was decided about, and still count: a clock is set by so much
/// when it is only kept right.
pub const AHEAD: SignedDuration = SignedDuration::from_secs(60);

/// What is known of a schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// When it came into force, or went on after a pause: no time up to this is looked at.
    pub since: Timestamp,
    /// The last time that was decided about.
    pub due: Option<Timestamp>,
    /// When a run of it last ended.
    pub ended: Option<Timestamp>,
    /// The times that wait for the run before them to end, the earliest first.
    pub waiting: Vec<Timestamp>,
    /// Runs of it that are under way.
    pub running: usize,
}

impl Standing {
    /// A schedule that has just come into force.
    pub fn new(since: Timestamp) -> Self {
        Self { since, due: None, ended: None, waiting: Vec::new(), running: 0 }
    }

    /// The latest time that cannot be true, because it lies further ahead than [`AHEAD`]: the clock had leapt ahead
    /// and was set back. Until that time has come a schedule would be silent; so it does not count, and the schedule
    /// begins anew at the present moment.
    pub fn leapt(&self, now: Timestamp) -> Option<Timestamp> {
        let far = now.checked_add(AHEAD).unwrap_or(Timestamp::MAX);
        [Some(self.since), self.due, self.ended].into_iter().flatten().filter(|at| *at > far).max()
    }

    fn decided(&self) -> Timestamp {
        self.due.map_or(self.since, |due| due.max(self.since))
    }
}

/// One thing to do, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Start a run.
    Start {
        /// The time it stands for.
        due: Timestamp,
        /// That time had waited.
        waited: bool,
        /// Cancel the runs that are under way.
        replaces: bool,
    },
    /// Let a time wait.
    Queue {
        /// Which.
        due: Timestamp,
    },
    /// Say that times were missed.
    Miss(Miss),
}

/// Times, one after the other, for which no run is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Miss {
    /// The earliest.
    pub first: Timestamp,
    /// The latest.
    pub last: Timestamp,
    /// How many.
    pub count: u32,
    /// There were more than were counted.
    pub more: bool,
    /// Why.
    pub why: Why,
}

/// Why a time was missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It passed while nobody was there, and is not made up for.
    Late,
    /// The run before was still under way.
    Overlap,
    /// As many waited as may.
    QueueFull,
}

impl Why {
    /// As a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Late => "late",
            Self::Overlap => "overlap",
            Self::QueueFull => "queue-full",
        }
    }
}

/// What a schedule asks for at a moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// To be done now, in order.
    pub steps: Vec<Step>,
    /// When to ask again, unless a run ends before.
    pub wake: Option<Timestamp>,
}

/// A time to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Upcoming {
    /// The time.
    pub due: Timestamp,
    /// When it fires: the time put off by the jitter.
    pub at: Timestamp,
}

/// Decides. `seed` names the schedule; see [`Policy::delay`].
pub fn decide(schedule: &Schedule, policy: &Policy, seed: &str, standing: &Standing, now: Timestamp) -> Plan {
    let mut turn = Turn { policy, running: standing.running, waiting: standing.waiting.len(), steps: Vec::new() };
    if turn.running == 0
        && let Some(due) = standing.waiting.first()
    {
        turn.waiting -= 1;
        turn.start(*due, true);
    }
    let mut decided = standing.decided();
    if matches!(schedule, Schedule::After { .. }) {
        // It has no times of its own that could be missed: a late one is simply started.
        let next = after(schedule, standing).map(|due| (due, policy.at(seed, due)));
        let wake = match next {
            Some((due, at)) if at <= now && turn.running == 0 => {
                turn.start(due, false);
                None
            }
            Some((_, at)) => Some(at),
            None => None,
        };
        return Plan { steps: turn.steps, wake };
    }
    let until = ripe(schedule, policy, seed, decided, now);
    if let Some(newest) = schedule.latest(decided, until) {
        let chosen = chosen(schedule, policy, seed, decided, newest, now);
        turn.late(schedule, decided, chosen.first().copied(), newest);
        turn.overlap(&chosen);
        decided = newest;
    }
    let wake = schedule.next(decided).map(|due| policy.at(seed, due));
    Plan { steps: turn.steps, wake }
}

/// The next `count` times, as far as can be known: none of [`Schedule::After`] while a run is under way.
pub fn upcoming(
    schedule: &Schedule,
    policy: &Policy,
    seed: &str,
    standing: &Standing,
    now: Timestamp,
    count: usize,
) -> Vec<Upcoming> {
    let shown = |due: Timestamp| Upcoming { due, at: policy.at(seed, due).max(now) };
    if matches!(schedule, Schedule::After { .. }) {
        return after(schedule, standing).map(shown).into_iter().take(count).collect();
    }
    let ripe = ripe(schedule, policy, seed, standing.decided(), now).max(standing.decided());
    std::iter::successors(schedule.next(ripe), |due| schedule.next(*due)).take(count).map(shown).collect()
}

/// The next time of a schedule that counts from the end of its runs.
fn after(schedule: &Schedule, standing: &Standing) -> Option<Timestamp> {
    if standing.running > 0 || !standing.waiting.is_empty() {
        return None;
    }
    schedule.next(standing.ended.map_or(standing.decided(), |ended| ended.max(standing.decided())))
}

/// The moment up to which all times have fired, each put off by its jitter. They fire in their order: one that is
/// put off holds up those behind it.
fn ripe(schedule: &Schedule, policy: &Policy, seed: &str, decided: Timestamp, now: Timestamp) -> Timestamp {
    let Some(jitter) = policy.jitter else { return now };
    let from = now.checked_sub(jitter).unwrap_or(Timestamp::MIN).max(decided);
    let unripe = std::iter::successors(schedule.next(from), |due| schedule.next(*due))
        .take_while(|due| *due <= now)
        .find(|due| policy.at(seed, *due) > now);
    unripe.map_or(now, before)
}

/// Which of the times after `decided`, up to and including `newest`, shall have a run: the latest few of them.
fn chosen(
    schedule: &Schedule,
    policy: &Policy,
    seed: &str,
    decided: Timestamp,
    newest: Timestamp,
    now: Timestamp,
) -> Vec<Timestamp> {
    let ago = |due: Timestamp| now.duration_since(due);
    let on_time = on_time(schedule, policy, seed, decided, newest, now);
    let (within, limit) = match policy.catch_up {
        CatchUp::None => (SignedDuration::ZERO, 1),
        CatchUp::Last { within } => (within.unwrap_or(SignedDuration::MAX), 1),
        CatchUp::All { within, limit } => (within, limit.max(1)),
    };
    let mut chosen = Vec::new();
    let mut next = Some(newest);
    while let Some(due) = next
        && (on_time.is_some_and(|first| due >= first) || (chosen.len() < limit && ago(due) <= within))
    {
        chosen.push(due);
        next = schedule.latest(decided, before(due));
    }
    chosen.reverse();
    chosen
}

/// The earliest time that is not late, of those after `decided` up to and including `newest`.
fn on_time(
    schedule: &Schedule,
    policy: &Policy,
    seed: &str,
    decided: Timestamp,
    newest: Timestamp,
    now: Timestamp,
) -> Option<Timestamp> {
    let recent = |due: &Timestamp| now.duration_since(policy.at(seed, *due)) <= LATE;
    let Some(jitter) = policy.jitter else { return Some(newest).filter(recent) };
    // They fire in their order, so those behind one that fires now fire now. What is further back fired long ago.
    let far = jitter.saturating_add(LATE);
    let from = now.checked_sub(far).unwrap_or(Timestamp::MIN).max(decided);
    std::iter::successors(schedule.next(from), |due| schedule.next(*due)).take_while(|due| *due <= newest).find(recent)
}

fn before(at: Timestamp) -> Timestamp {
    at.checked_sub(SignedDuration::from_nanos(1)).unwrap_or(Timestamp::MIN)
}

struct Turn<'p> {
    policy: &'p Policy,
    running: usize,
    waiting: usize,
    steps: Vec<Step>,
}

impl Turn<'_> {
    fn start(&mut self, due: Timestamp, waited: bool) {
        let replaces = !waited && self.policy.overlap == Overlap::Replace && self.running > 0;
        self.running += 1;
        self.steps.push(Step::Start { due, waited, replaces });
    }

    /// The times after `decided` and before the first that has a run.
    fn late(&mut self, schedule: &Schedule, decided: Timestamp, first: Option<Timestamp>, newest: Timestamp) {
        let until = first.map_or(newest, before);
        let (Some(from), Some(last)) = (schedule.next(decided), schedule.latest(decided, until)) else { return };
        let counted = schedule.missed(decided, until, COUNTED);
        let count = counted.fires.len() as u32;
        self.steps.push(Step::Miss(Miss { first: from, last, count, more: counted.more, why: Why::Late }));
    }

    fn overlap(&mut self, chosen: &[Timestamp]) {
        let newest = chosen.last().copied();
        for due in chosen.iter().copied() {
            let free = self.running == 0 && self.waiting == 0;
            match self.policy.overlap {
                Overlap::Allow => self.start(due, false),
                // Of several at once only the newest would be left.
                Overlap::Replace if Some(due) == newest => self.start(due, false),
                Overlap::Skip | Overlap::Queue { .. } if free => self.start(due, false),
                Overlap::Queue { limit } if self.waiting < limit => {
                    self.waiting += 1;
                    self.steps.push(Step::Queue { due });
                }
                Overlap::Queue { .. } => self.miss(due, Why::QueueFull),
                Overlap::Skip | Overlap::Replace => self.miss(due, Why::Overlap),
            }
        }
    }

    fn miss(&mut self, due: Timestamp, why: Why) {
        match self.steps.last_mut() {
            Some(Step::Miss(miss)) if miss.why == why => {
                miss.last = due;
                miss.count += 1;
            }
            _ => self.steps.push(Step::Miss(Miss { first: due, last: due, count: 1, more: false, why })),
        }
    }
}
