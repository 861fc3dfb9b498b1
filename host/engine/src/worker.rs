//! Workers: threads on which turns of runs are taken ([`crate::turn`]), so that a
//! partition's loop never waits for one, and a run of pure steps needs one
//! hand-over in all; or none, where the turn is so brief that whoever asked for
//! the run takes it ([`crate::inline_turns`]).

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender};
use huiyin_registry::house::House;

use crate::seats::{Answer, Seat};
use huiyin_fairness::{FairQueue, Ticket, micros};

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
/// ones. Whose job is next is decided among the units ([`huiyin_fairness`]), and no
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
    jobs: FairQueue<(), Job>,
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
