//! Effects: plugin calls and requests that reach outside, tried only once the records that
//! caused them are durable (rule 2), each outcome told apart into done, surely
//! not done, and unknown (rule 3).

use std::collections::{BTreeMap, HashMap};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use futures::FutureExt as _;
use huiyin_desk::Command;
use huiyin_flow::{CallId, Request};
use huiyin_partition::partition::{
    EffectDone, EffectJob, EffectOutcome, EffectRequest, Floor, Judgement, PageDone, PollError, PollJob, ReadPage,
    refusal, told,
};
use huiyin_partition::request_words::{described, repeatable};
use huiyin_partition::value_limits::ValueLimits;
use huiyin_records::record::Pin;
use huiyin_registry::baseline::baseline_verdicts;
use huiyin_registry::calls;
use huiyin_registry::grants::Grants;
use huiyin_registry::house::House;
use huiyin_registry::item_conversion::{collected, kv_writes, original};
use huiyin_sandbox::{CallError, Effect, HostAccess, Item, Operation, Output, PluginError, SecretSource};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::admission::{Admission, Gate, Place};
use crate::requests::{Behalf, Fault, Requests};
use crate::worker::{NICE, Workers};
use crate::{acting, reading};

/// Makes effectful calls, on threads of its own: a guest that is busy gives way
/// to other guests, and the partitions' loops never wait for any of them.
pub struct Effects {
    house: Arc<House>,
    grants: Arc<Grants>,
    requests: Requests,
    payload: ValueLimits,
    gate: Arc<Gate>,
    workers: Arc<Workers>,
    /// None only while this is being dropped.
    threads: Option<tokio::runtime::Runtime>,
    /// The partitions, whose desks are read.
    peers: OnceLock<crate::reading::Peers>,
    /// What stops each effect in hand.
    in_hand: Mutex<HashMap<(String, CallId, u32), CancellationToken>>,
}

impl Effects {
    /// An executor.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn new(
        house: Arc<House>,
        grants: Arc<Grants>,
        workers: Arc<Workers>,
        admission: Admission,
        payload: ValueLimits,
    ) -> std::io::Result<Effects> {
        let requests = Requests::new(Arc::clone(&house));
        let threads = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(std::thread::available_parallelism().map_or(2, std::num::NonZero::get))
            .thread_name("effects")
            .on_thread_start(|| {
                // Where the system does not allow it, the order of things is a little less good.
                let _ = rustix::process::setpriority_process(None, NICE);
            })
            .enable_all()
            .build()?;
        let gate = Gate::new(admission);
        Ok(Effects {
            house,
            grants,
            requests,
            payload,
            gate,
            workers,
            threads: Some(threads),
            peers: OnceLock::new(),
            in_hand: Mutex::default(),
        })
    }

    /// Whose turn it is to call.
    pub fn gate(&self) -> &Arc<Gate> {
        &self.gate
    }

    /// Lets something run on the executor's threads.
    pub fn spawn(&self, trying: impl Future<Output = ()> + Send + 'static) {
        if let Some(threads) = &self.threads {
            threads.spawn(trying);
        }
    }

    fn access(&self, unit: &str, kv: &Arc<BTreeMap<String, Vec<u8>>>, stop: CancellationToken) -> HostAccess {
        let secrets = Arc::clone(&self.grants.secrets) as Arc<dyn SecretSource>;
        HostAccess { secrets, kv: Arc::clone(kv), log: None, cap: self.grants.cap(unit), stop, stand_in: None }
    }

    /// Stops an effect in hand: its outcome then says whether it had begun. One
    /// that is not in hand has ended, and told its outcome.
    pub fn stop(&self, run: &str, call: CallId, attempt: u32) {
        let in_hand = self.in_hand.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(stop) = in_hand.get(&(run.to_owned(), call, attempt)) {
            stop.cancel();
        }
    }

    /// Tries one effect of a run. A panic on the way is our own fault, and then
    /// nobody knows what happened.
    /// It is in hand, and can be stopped, from the moment of this call.
    pub fn effect_or_unknown(self: Arc<Self>, job: EffectJob) -> impl Future<Output = EffectDone> + Send {
        let (run, call, attempt) = (job.run.clone(), job.call, job.attempt);
        let key = (run.clone(), call, attempt);
        let stop = CancellationToken::new();
        self.in_hand.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone(), stop.clone());
        async move {
            let (outcome, fault) = AssertUnwindSafe(self.effect(job, stop)).catch_unwind().await.unwrap_or_else(|_| {
                let why = "the host failed while it was being tried; please report it";
                (EffectOutcome::Unknown(why.to_owned()), None)
            });
            self.in_hand.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
            EffectDone { run, call, attempt, outcome, fault }
        }
    }

    /// Reads a source. A panic on the way is our own fault; the cursor stays.
    pub async fn poll_or_error(&self, job: PollJob) -> PageDone {
        let (source, poll) = (job.source.id.clone(), job.poll);
        AssertUnwindSafe(self.poll(job)).catch_unwind().await.unwrap_or_else(|_| PageDone {
            source,
            poll,
            outcome: Err(PollError {
                message: "the host failed while reading it; please report it".to_owned(),
                retry_after: None,
            }),
        })
    }

    /// What came of it; and how the plugin failed, where it did by its own fault.
    async fn effect(&self, job: EffectJob, stop: CancellationToken) -> (EffectOutcome, Option<String>) {
        let of = match &job.errand {
            EffectRequest::Plugin { pin, .. } => pin.plugin.as_str(),
            EffectRequest::Request { workflow, .. } => workflow.as_str(),
            EffectRequest::Core { name, .. } => name.as_str(),
        };
        let _place: Option<Place> = tokio::select! {
            place = self.gate.enter(&job.unit, of) => place,
            () = stop.cancelled() => return (EffectOutcome::Stopped { begun: false }, None),
        };
        match &job.errand {
            EffectRequest::Plugin { pin, with } => self.plugin(&job, pin, with, stop).await,
            EffectRequest::Core { name, with } => (self.core(&job, name, with, stop).await, None),
            EffectRequest::Request { request, workflow } => (self.request(&job, request, workflow, &stop).await, None),
        }
    }

    /// A core function over partitions: reading, or an act on what lives in another. Both may be tried again: an act
    /// carries its key, and the desk that has seen it gives its first answer.
    async fn core(&self, job: &EffectJob, name: &str, with: &Value, stop: CancellationToken) -> EffectOutcome {
        let peers = self.peers.get().and_then(|peers| peers.get());
        let Some(peers) = peers else { return EffectOutcome::Stopped { begun: false } };
        let called = async {
            match huiyin_desk::core_command(name, with) {
                Ok(Command::ReadDesk(input)) => {
                    reading::read(peers, &input, Some(job.unit.as_str()).filter(|unit| !unit.is_empty())).await
                }
                Ok(command) => acting::act(peers, job, command).await,
                Err(error) => Some(Err(refusal(&error))),
            }
        };
        tokio::select! {
            called = called => match called {
                Some(Ok(value)) => EffectOutcome::Settled(self.payload.result(name, value, true), Vec::new()),
                Some(Err(refusal)) => EffectOutcome::Settled(Err(told(&refusal)), Vec::new()),
                None => EffectOutcome::Stopped { begun: true },
            },
            () = stop.cancelled() => EffectOutcome::Stopped { begun: true },
        }
    }

    /// The partitions, once they are there.
    pub(crate) fn meet(&self, peers: crate::reading::Peers) {
        let _ = self.peers.set(peers);
    }

    async fn plugin(
        &self,
        job: &EffectJob,
        pin: &Pin,
        with: &Value,
        stop: CancellationToken,
    ) -> (EffectOutcome, Option<String>) {
        let package = match calls::component(&self.house, pin, &job.unit) {
            Ok(package) => package,
            Err(error) => return (EffectOutcome::Refused(error), None),
        };
        let operation = match calls::operation(&package, pin, with) {
            Ok(operation) => operation,
            Err(error) => return (EffectOutcome::Settled(Err(calls::invalid(&error)), Vec::new()), None),
        };
        let context = calls::context(&job.unit, job.attempt, &job.idempotency_key, job.now);
        let grant = self.grants.of(&pin.plugin, &job.unit);
        let limits = self.house.limits(&pin.plugin, &job.unit);
        let access = self.access(&job.unit, &job.kv, stop);
        let calling = self.house.sandbox.call(&package, &context, &operation, &grant, &access, &limits);
        let called = off_the_loop(&package, calling).await;
        let blame = called.as_ref().err().filter(|error| calls::own_fault(error));
        let fault = blame.map(|error| calls::words(&self.house, error, &pin.plugin, &job.unit));
        let outcome = match called {
            Ok(done) => {
                let harmless = package.manifest.idempotent;
                let result = self.payload.result(&pin.plugin, done.output.into_json(), harmless);
                EffectOutcome::Settled(result, kv_writes(done.kv_writes))
            }
            Err(CallError::Stopped { effect }) => EffectOutcome::Stopped { begun: effect == Effect::Unknown },
            Err(error) if calls::unknown(&error) => {
                EffectOutcome::Unknown(calls::words(&self.house, &error, &pin.plugin, &job.unit))
            }
            Err(error) => {
                let denied = matches!(error, CallError::Denied { .. });
                let error = calls::flow_error(&self.house, &error, pin, &job.unit);
                if denied { EffectOutcome::Refused(error) } else { EffectOutcome::Settled(Err(error), Vec::new()) }
            }
        };
        (outcome, fault)
    }

    async fn request(
        &self,
        job: &EffectJob,
        request: &Request,
        workflow: &str,
        stop: &CancellationToken,
    ) -> EffectOutcome {
        let behalf = Behalf {
            workflow: workflow.to_owned(),
            unit: job.unit.clone(),
            grant: self.grants.of_workflow(workflow, &job.unit),
            cap: self.grants.cap(&job.unit),
            secrets: Arc::clone(&self.grants.secrets) as Arc<dyn SecretSource>,
            idempotency_key: job.idempotency_key.clone(),
        };
        match request {
            // The operation first: only then is it known what will be asked.
            Request::OpenApi(asked) => tokio::select! {
                found = self.requests.resolve(asked, &behalf) => match found {
                    Ok(request) => EffectOutcome::Found(Box::new(request)),
                    Err(error) => EffectOutcome::Settled(Err(error), Vec::new()),
                },
                () = stop.cancelled() => EffectOutcome::Stopped { begun: false },
            },
            Request::Http(asked) => {
                let requester = self.requests.begin(&behalf);
                tokio::select! {
                    done = self.requests.send(asked, &behalf, &requester) => match done {
                        Ok(value) => {
                            let what = described(&asked.method, &asked.uri);
                            let result = self.payload.result(&what, value, repeatable(&asked.method));
                            EffectOutcome::Settled(result, Vec::new())
                        }
                        Err(Fault::Error(error)) => EffectOutcome::Settled(Err(error), Vec::new()),
                        Err(Fault::Unknown(why)) => EffectOutcome::Unknown(why),
                    },
                    () = stop.cancelled() => {
                        EffectOutcome::Stopped { begun: requester.effect() == Effect::Unknown }
                    }
                }
            }
        }
    }

    /// Reads a source and lets the floor judge what came.
    pub async fn poll(&self, job: PollJob) -> PageDone {
        let source = Arc::clone(&job.source);
        let _place = self.gate.enter(&source.unit, &source.collector.plugin).await;
        let outcome = self.read(&job).await;
        PageDone { source: source.id.clone(), poll: job.poll, outcome }
    }

    async fn read(&self, job: &PollJob) -> Result<ReadPage, PollError> {
        let source = &job.source;
        let package = calls::component(&self.house, &source.collector, &source.unit)
            .map_err(|error| PollError { message: error.detail.unwrap_or_default(), retry_after: None })?;
        let key = format!("{}-{}", source.id, job.poll);
        let context = calls::context(&source.unit, 1, &key, job.now);
        let operation =
            Operation::Collect { config: source.config.to_string(), cursor: job.cursor.clone(), limit: job.limit };
        let access = self.access(&source.unit, &job.kv, CancellationToken::new());
        let limits = self.house.limits(&source.collector.plugin, &source.unit);
        let grant = self.grants.of(&source.collector.plugin, &source.unit);
        let calling = self.house.sandbox.call(&package, &context, &operation, &grant, &access, &limits);
        let called = off_the_loop(&package, calling)
            .await
            .map_err(|e| poll_error(&self.house, &e, &source.collector.plugin, &source.unit))?;
        let Output::Page(page) = called.output else {
            return Err(PollError {
                message: format!("{} is not a collector", source.collector.plugin),
                retry_after: None,
            });
        };
        let observed = u64::try_from(job.now.as_millisecond()).unwrap_or_default();
        let (mut fresh, mut items, mut originals) = (Vec::new(), Vec::new(), Vec::new());
        for (at, mut item) in page.items.into_iter().enumerate() {
            item.source.clone_from(&source.name);
            item.observed = observed;
            let taken = collected(item, source.channel.as_deref());
            if !job.desk.met(&job.content_key, &source.unit, &source.name, &taken) {
                fresh.push(at);
            }
            originals.push(original(&taken));
            items.push(taken);
        }
        let (floors, judged) = judge(&self.workers, &originals, fresh, &source.unit, &key, job.now).await;
        let kv = kv_writes(called.kv_writes);
        Ok(ReadPage { items, cursor: page.cursor, more: page.more, floors, judged, kv })
    }
}

/// A component that imports nothing runs on the caller's thread to its end,
/// so that the executor's other calls go on elsewhere meanwhile.
async fn off_the_loop<T>(package: &huiyin_sandbox::Package, calling: impl Future<Output = T>) -> T {
    if package.pure {
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(calling))
    } else {
        calling.await
    }
}

impl Drop for Effects {
    fn drop(&mut self) {
        if let Some(threads) = self.threads.take() {
            // What is in hand ends as in a crash: its outcome is unknown.
            threads.shutdown_background();
        }
    }
}

/// The floor's verdicts on the original items (rule 7), by a worker when it is the unit's turn. Only
/// those at `fresh` are judged: the desk has the others already.
pub(crate) async fn judge(
    workers: &Workers,
    items: &[Item],
    fresh: Vec<usize>,
    unit: &str,
    key: &str,
    now: jiff::Timestamp,
) -> (Vec<Floor>, Option<Box<Judgement>>) {
    let mut floors: Vec<Floor> = vec![Err("it was known when it was read".to_owned()); items.len()];
    if fresh.is_empty() {
        return (floors, None);
    }
    let wanted: Vec<Item> = fresh.iter().filter_map(|at| items.get(*at)).cloned().collect();
    let (whose, key, count) = (unit.to_owned(), key.to_owned(), wanted.len());
    let judged = workers.ask(unit, move |house| baseline_verdicts(house, wanted, &whose, &key, now)).await;
    let (given, mut judgement) =
        judged.unwrap_or_else(|| (vec![Err("the floor's classifier could not be run".to_owned()); count], None));
    for (at, floor) in fresh.iter().zip(given) {
        if let Some(place) = floors.get_mut(*at) {
            *place = floor;
        }
    }
    if let Some(judgement) = &mut judgement {
        judgement.which = fresh;
    }
    (floors, judgement)
}

fn poll_error(house: &House, error: &CallError, plugin: &str, unit: &str) -> PollError {
    let retry_after = match error {
        CallError::Plugin(PluginError::RateLimited(seconds)) => Some(*seconds),
        CallError::Paced { paced, .. } => Some(paced.seconds),
        _ => None,
    };
    PollError { message: calls::words(house, error, plugin, unit), retry_after }
}
