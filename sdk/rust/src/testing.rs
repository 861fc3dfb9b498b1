//! For tests: the host's side in memory, per thread, and calls that go the
//! way a host's do, through the contract's JSON texts.

use std::cell::RefCell;

use crate::log::Severity;
use crate::{
    BTreeMap, Classifier, Collector, Context, Document, Error, Item, Manifest, Message, Notifier, Outcome, Page,
    Receipt, Reporter, Step, dispatch,
};

#[derive(Default)]
pub(crate) struct Fakes {
    pub(crate) log: Vec<(Severity, String)>,
    pub(crate) secrets: BTreeMap<String, Vec<u8>>,
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    pub(crate) kv: BTreeMap<String, Vec<u8>>,
}

thread_local! {
    static FAKES: RefCell<Fakes> = RefCell::default();
}

pub(crate) fn with<T>(act: impl FnOnce(&mut Fakes) -> T) -> T {
    FAKES.with(|fakes| act(&mut fakes.borrow_mut()))
}

/// Empties everything: log, secrets, files, kv. (Each test's thread starts empty.)
pub fn reset() {
    with(|fakes| *fakes = Fakes::default());
}

/// Provides a secret.
pub fn secret(name: &str, value: &[u8]) {
    with(|fakes| fakes.secrets.insert(name.to_owned(), value.to_owned()));
}

/// The log so far.
pub fn log() -> Vec<(Severity, String)> {
    with(|fakes| fakes.log.clone())
}

/// The files in the spool.
pub fn files() -> BTreeMap<String, Vec<u8>> {
    with(|fakes| fakes.files.clone())
}

/// The first example in JSON of a README, to be held against the plugin's configuration.
///
/// # Panics
/// When there is none.
#[allow(clippy::expect_used, reason = "it serves tests alone")]
pub fn example_of(readme: &str) -> &str {
    let from = readme.find("```json\n").expect("an example in JSON") + "```json\n".len();
    let end = readme[from..].find("```").expect("its end");
    &readme[from..from + end]
}

/// A context of unit `530000`, first try, at `now` (milliseconds since the Unix epoch).
pub fn context(now: u64) -> Context {
    Context {
        call_id: "call-1".to_owned(),
        attempt: 1,
        unit: "530000".to_owned(),
        now,
        idempotency_key: "effect-1".to_owned(),
    }
}

/// Calls a collector as a host does.
pub fn collect<T: Collector>(ctx: &Context, config: &str, cursor: Option<String>, limit: u32) -> Result<Page, Error> {
    dispatch::collect::<T>(ctx, config, cursor, limit)
}

/// Calls a classifier as a host does, without model or state.
pub fn classify<T: Classifier>(ctx: &Context, config: &str, items: Vec<Item>) -> Result<Outcome, Error> {
    dispatch::classify::<T>(ctx, config, &[], None, items)
}

/// Calls a classifier as a host does, with its model (empty for none) and the state of the call before.
pub fn classify_with<T: Classifier>(
    ctx: &Context,
    config: &str,
    model: &[u8],
    state: Option<Vec<u8>>,
    items: Vec<Item>,
) -> Result<Outcome, Error> {
    dispatch::classify::<T>(ctx, config, model, state, items)
}

/// Calls a reporter as a host does.
pub fn render<T: Reporter>(ctx: &Context, config: &str, data: &str) -> Result<Vec<Document>, Error> {
    dispatch::render::<T>(ctx, config, data)
}

/// Calls a notifier as a host does.
pub fn deliver<T: Notifier>(ctx: &Context, config: &str, message: Message) -> Result<Receipt, Error> {
    dispatch::deliver::<T>(ctx, config, message)
}

/// Calls a step as a host does.
pub fn run<T: Step>(ctx: &Context, config: &str, input: &str) -> Result<String, Error> {
    dispatch::run::<T>(ctx, config, input)
}

/// A collector's manifest.
pub fn collector_manifest<T: Collector>() -> Manifest {
    dispatch::collector_manifest::<T>()
}

/// A classifier's manifest.
pub fn classifier_manifest<T: Classifier>() -> Manifest {
    dispatch::classifier_manifest::<T>()
}

/// A reporter's manifest.
pub fn reporter_manifest<T: Reporter>() -> Manifest {
    dispatch::reporter_manifest::<T>()
}

/// A notifier's manifest.
pub fn notifier_manifest<T: Notifier>() -> Manifest {
    dispatch::notifier_manifest::<T>()
}

/// A step's manifest.
pub fn step_manifest<T: Step>() -> Manifest {
    dispatch::step_manifest::<T>()
}
