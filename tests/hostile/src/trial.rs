//! Trying a case: one call and its end judged, honest calls beside it, and
//! its repeats with an eye on the process's memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use huiyin_sandbox::egress::pace::Pace;
use huiyin_sandbox::{
    CallError, Called, Effect, HostAccess, LimitName, Limits, Operation, Output, Package, PoolConfig, Sandbox,
    SandboxConfig, SecretSource, SecretValue,
};

use crate::case::{Case, Expect, SECRET, proper};
use crate::honest::{Honest, context};
use crate::memory::resident_kib;
use crate::names;
use crate::servers::Server;

/// Has one secret, `token`.
pub struct OneSecret;

impl SecretSource for OneSecret {
    fn secret(&self, name: &str) -> Option<SecretValue> {
        (name == "token").then(|| SecretValue::from(SECRET.as_bytes().to_vec()))
    }
}

/// Honest calls at once beside every hostile one.
pub const HONEST: usize = 100;

/// Hostile calls at once.
const HOSTILE: usize = 4;

/// Wall time of `describe` and calls while packages are looked at, in milliseconds.
const LOOK_MS: u64 = 300;

/// What a case is tried with.
pub struct Trial<'a> {
    case: &'a Case,
    sandbox: Sandbox,
    bytes: Vec<u8>,
    server: Option<Server>,
    calls: AtomicUsize,
    folder: tempfile::TempDir,
    limits: Limits,
}

/// What came of one try.
#[derive(Debug)]
pub enum End {
    /// The package was refused.
    Refused(String),
    /// The call failed.
    Failed(CallError),
    /// The call succeeded.
    Done(Box<Called>),
}

impl<'a> Trial<'a> {
    /// Makes the package, the sandbox and the server of the case.
    ///
    /// # Errors
    /// When one of them cannot be made: a mistake in the tests.
    pub fn new(case: &'a Case, instances: u32, tick: Duration) -> Result<Self, String> {
        let bytes = (case.package)().map_err(|error| format!("{}: {error}", case.name))?;
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let mut config =
            SandboxConfig { tick, cache_dir: Some(folder.path().join("code")), ..SandboxConfig::default() };
        config.pool = PoolConfig { instances, ..PoolConfig::default() };
        if matches!(case.expect, Expect::Refused(_)) {
            // Those that hang when they are looked at would do so for seconds.
            config.most.wall_ms = LOOK_MS;
        }
        // Thousands of repeats a second are no plugin's pace.
        config.egress.per_plugin = Pace { concurrent: 0, per_second: 0, burst: 0 };
        config.egress.per_unit = config.egress.per_plugin;
        let server = case.server.map(Server::start).transpose()?;
        if case.names {
            config.egress.dns = vec![names::serve()?.address];
        }
        let sandbox = Sandbox::new(config).map_err(|error| error.to_string())?;
        let limits = case.limits.clone();
        Ok(Self { case, sandbox, bytes, server, calls: AtomicUsize::new(0), folder, limits })
    }

    fn load(&self) -> Result<Arc<Package>, String> {
        self.sandbox.load(&self.bytes).map_err(|error| error.to_string())
    }

    async fn call(&self, package: &Package) -> End {
        let spool = self.folder.path().join("spool");
        let mut grant = self.case.grant.clone();
        if grant.spool.is_some() {
            // A folder of this try's own.
            let _ = std::fs::create_dir_all(&spool);
            grant.spool = Some(spool);
        }
        let host = HostAccess { secrets: Arc::new(OneSecret), ..HostAccess::default() };
        let input = self.case.input_of(self.calls.fetch_add(1, Ordering::Relaxed), self.server.as_ref());
        let operation = match crate::cases::operation(package.manifest.kind, &input) {
            Ok(operation) => operation,
            Err(why) => return End::Refused(why),
        };
        match self.sandbox.call(package, &context(), &operation, &grant, &host, &self.limits).await {
            Ok(called) => End::Done(Box::new(called)),
            Err(error) => End::Failed(error),
        }
    }

    /// Loads and calls it once.
    pub async fn once(&self) -> End {
        match self.load() {
            Err(why) => End::Refused(why),
            Ok(package) => self.call(&package).await,
        }
    }

    /// Several hostile calls at once with honest ones beside them, and one
    /// more honest one after; all must end as they should.
    ///
    /// # Errors
    /// What did not.
    pub async fn beside_honest_calls(self: Arc<Self>) -> Result<(), String>
    where
        'a: 'static,
    {
        let honest = Honest::new(&self.sandbox)?;
        let mut hostile = tokio::task::JoinSet::new();
        for _ in 0..HOSTILE {
            let trial = self.clone();
            let runtime = tokio::runtime::Handle::current();
            // A pure call holds its thread: not one of the runtime's own.
            hostile.spawn_blocking(move || {
                let end = runtime.block_on(trial.once());
                trial.judge(&end)
            });
        }
        honest.calls(&self.sandbox, HONEST).await.map_err(|error| format!("an honest call was harmed: {error}"))?;
        while let Some(ended) = hostile.join_next().await {
            ended.map_err(|error| format!("a panic: {error}"))??;
        }
        honest.calls(&self.sandbox, 2).await.map_err(|error| format!("afterwards an honest call failed: {error}"))?;
        self.nobody_reached()
    }

    /// Repeats it; gives the growth of the process's memory in KiB.
    ///
    /// # Errors
    /// When one of the repeats does not end as it should.
    pub async fn repeats(&mut self, count: usize) -> Result<i64, String> {
        tiny(self.case, &mut self.limits);
        let package = if matches!(self.case.expect, Expect::Refused(_)) {
            None
        } else {
            Some(self.load().map_err(|why| format!("refused: {why}"))?)
        };
        let mut before = 0;
        let warm = (count / 5).clamp(50, 1_000);
        for number in 0..warm + count {
            let end = match &package {
                Some(package) => self.call(package).await,
                None => self.once().await,
            };
            self.judge(&end).map_err(|error| format!("repeat {number}: {error}"))?;
            // A call that never waits leaves the runtime no time to clear up
            // after the requests that it gave up.
            tokio::task::yield_now().await;
            if number + 1 == warm {
                before = resident_kib()?;
            }
        }
        self.nobody_reached()?;
        Ok(resident_kib()? as i64 - before as i64)
    }

    /// Whether it ended as it must.
    ///
    /// # Errors
    /// How it ended instead.
    pub fn judge(&self, end: &End) -> Result<(), String> {
        let name = self.case.name;
        let said = match end {
            End::Refused(why) => why.clone(),
            End::Failed(error) => error.to_string(),
            End::Done(_) => String::new(),
        };
        proper(&said).map_err(|why| format!("{name}: {why}"))?;
        let kind = match (&self.case.expect, end) {
            (Expect::Limit(limit), End::Failed(error)) => error.limit() == Some(*limit),
            (Expect::Fault(_), End::Failed(CallError::Trap { .. }))
            | (Expect::BadAnswer(_), End::Failed(CallError::BadOutput { .. }))
            | (Expect::Denied(_), End::Failed(CallError::Denied { effect: Effect::NotDone, .. }))
            | (Expect::DeniedAfter(_), End::Failed(CallError::Denied { effect: Effect::Unknown, .. }))
            | (Expect::Told(_), End::Failed(CallError::Plugin(_)))
            | (Expect::Refused(_), End::Refused(_)) => true,
            (Expect::Harmless(_, check), End::Done(called)) => return check(called),
            _ => false,
        };
        if kind && self.case.expect.named_in(&said) {
            Ok(())
        } else {
            Err(format!("{name}: expected {}, but it ended so: {end:?} ({said})", self.case.expect.words()))
        }
    }

    /// For plugins that are to reach nobody.
    fn nobody_reached(&self) -> Result<(), String> {
        match &self.server {
            Some(server) if matches!(self.case.expect, Expect::Denied(_)) && server.asked() > 0 => {
                Err(format!("{}: {} connections were made", self.case.name, server.asked()))
            }
            _ => Ok(()),
        }
    }
}

/// The limits of repeats: as small as the case bears, so that ten thousand of
/// them end. The limit that stops it is the same.
fn tiny(case: &Case, limits: &mut Limits) {
    if matches!(case.expect, Expect::Limit(LimitName::WallMs)) {
        limits.wall_ms = 1;
    }
    if matches!(case.expect, Expect::Limit(LimitName::MemoryBytes)) {
        limits.memory_bytes = limits.memory_bytes.min(1 << 20);
    }
    if matches!(case.expect, Expect::Limit(LimitName::OutputBytes)) {
        limits.output_bytes = limits.output_bytes.min(256 << 10);
    }
}

/// The step's answer.
///
/// # Errors
/// When it is another kind's.
pub fn json_of(called: &Called) -> Result<&serde_json::Value, String> {
    match &called.output {
        Output::Json(value) => Ok(value),
        other => Err(format!("not a step's answer: {other:?}")),
    }
}

/// A step's operation.
pub fn run(input: &str) -> Operation {
    Operation::Run { config: "{}".into(), input: input.into() }
}
