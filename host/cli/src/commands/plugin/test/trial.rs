//! One case, run.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use huiyin_sandbox::{
    CallError, Called, Capability, Context, Grant, HostAccess, KvWrite, Limits, Operation, Package, PluginError,
    Sandbox, SecretGrant, SecretPlace, SecretValue, Usage,
};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::run::Secrets;
use super::case::{Case, ExpectedError};
use super::difference::difference;
use super::network::Network;
use crate::host::runtime;
use crate::output::Failure;

/// The call's time where a case says none: 2026-01-01T00:00:00Z.
const NOW: u64 = 1_767_225_600_000;

/// Threads that repeat a pure call.
const THREADS: u32 = 4;

/// What the command was asked for.
pub(super) struct Wishes {
    pub(super) repeat: u32,
    pub(super) record: bool,
    pub(super) grant: Option<Grant>,
    pub(super) secrets: BTreeMap<String, SecretValue>,
}

/// Why a case failed.
pub(super) struct Problem {
    pub(super) text: String,
    /// Another expectation would do.
    pub(super) of_expectation: bool,
}

/// A call that gave no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) kind: &'static str,
    pub(super) message: String,
}

/// What became of a case.
pub(super) struct Trial {
    pub(super) name: String,
    pub(super) output: Result<Value, Refused>,
    pub(super) usage: Usage,
    /// The answer as JSON, in bytes.
    pub(super) output_bytes: u64,
    pub(super) problems: Vec<Problem>,
    pub(super) log: Vec<String>,
    /// Requests that the case has no answer to.
    pub(super) asked_in_vain: Vec<String>,
    /// The exchanges with the network, as they stand in a case.
    pub(super) recorded: Option<Value>,
    /// How often it was called.
    pub(super) repeated: u32,
    /// An answer of a later call that was another one.
    pub(super) unsteady: Option<Result<Value, Refused>>,
    kv: BTreeMap<String, Option<String>>,
    files: BTreeMap<String, String>,
}

/// Runs a case.
///
/// # Errors
/// When the case does not fit the plugin: it is the case that is wrong then.
pub(super) fn run(sandbox: &Sandbox, package: &Package, case: &Case, wishes: &Wishes) -> Result<Trial, Failure> {
    let says = &case.says;
    let wrong = |why: &dyn std::fmt::Display| Failure::invalid(format_args!("{}: {why}", case.file.display()));
    let kind = package.manifest.kind;
    let operation = Operation::from_json(kind, &says.config, &says.input)
        .map_err(|error| wrong(&format_args!("the input does not fit a {kind}: {error}")))?;
    let now = says.now.map(Timestamp::as_millisecond).map_or(Ok(NOW), u64::try_from);
    let context = Context {
        call_id: format!("test-{}", case.name),
        attempt: 1,
        unit: says.unit.clone(),
        now: now.map_err(|_| wrong(&"at /now: the time lies before 1970"))?,
        idempotency_key: format!("test-{}", case.name),
    };
    let spool = std::env::temp_dir().join(format!("huiyin-test-{}-{}", std::process::id(), next()));
    let grant = match (&wishes.grant, &says.grant) {
        (Some(grant), _) => grant.clone(),
        (None, Some(grant)) => {
            Grant::from_json(&grant.to_string()).map_err(|error| wrong(&format_args!("at /grant: {error}")))?
        }
        (None, None) => all_that_is_asked_for(package, &spool),
    };
    if grant.spool.is_some() {
        std::fs::create_dir_all(&spool)
            .map_err(|error| Failure::failed(format_args!("{}: {error}", spool.display())))?;
    }
    let limits = Limits::default();
    let mut usage = Usage::default();
    let network = Arc::new(Network::new(&says.http, wishes.record));
    let called = if package.pure {
        let output = sandbox.call_pure_measured(package, &context, &operation, &limits, &mut usage);
        output.map(|output| (output.to_json(), Vec::new(), Vec::new()))
    } else {
        let mut secrets: BTreeMap<String, SecretValue> =
            says.secrets.iter().map(|(name, value)| (name.clone(), value.clone().into_bytes().into())).collect();
        secrets.extend(wishes.secrets.clone());
        let kv = says.kv.iter().map(|(key, value)| (key.clone(), value.clone().into_bytes())).collect();
        let access = HostAccess {
            secrets: Arc::new(Secrets(secrets)),
            kv: Arc::new(kv),
            stand_in: Some(network.clone()),
            ..HostAccess::default()
        };
        let call = sandbox.call_measured(package, &context, &operation, &grant, &access, &limits, &mut usage);
        runtime()?.block_on(call).map(|Called { output, kv_writes, log, .. }| (output.to_json(), kv_writes, log))
    };
    let files = files_in(&spool);
    let _ = std::fs::remove_dir_all(&spool);
    let (output, kv_writes, log) = match called {
        Ok((output, kv_writes, log)) => (Ok(output), kv_writes, log),
        Err(error) => (Err(refused(&error)), Vec::new(), Vec::new()),
    };
    let mut trial = Trial {
        name: case.name.clone(),
        output_bytes: output.as_ref().map_or(0, |output| output.to_string().len() as u64),
        output,
        usage,
        problems: Vec::new(),
        log: log.iter().map(|line| format!("{:?} {}", line.severity, line.message)).collect(),
        asked_in_vain: network.in_vain(),
        recorded: network.recorded().filter(|_| !package.pure),
        repeated: 1,
        unsteady: None,
        kv: kv_writes.iter().map(written).collect(),
        files,
    };
    if package.pure && wishes.repeat > 1 {
        trial.repeated = wishes.repeat;
        let again = || {
            let called = sandbox.call_pure(package, &context, &operation, &limits);
            called.map(|output| output.to_json()).map_err(|error| refused(&error))
        };
        trial.unsteady = repeat(&again, &trial.output, wishes.repeat - 1);
    }
    trial.judge(case, &network);
    Ok(trial)
}

/// Another number each time.
fn next() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// What the manifest asks for, all of it; the folder for the spool is one of the test's own.
fn all_that_is_asked_for(package: &Package, spool: &Path) -> Grant {
    let mut grant = Grant::default();
    let mut secrets = Vec::new();
    for capability in &package.manifest.capabilities {
        match capability {
            Capability::Http(http) => grant.http.push(http.clone()),
            Capability::Secret(secret) => secrets.push(secret.name.clone()),
            Capability::Spool => grant.spool = Some(spool.to_owned()),
            Capability::Kv(bytes) => grant.kv_bytes = *bytes,
        }
    }
    let hosts: Vec<_> = grant.http.iter().map(|http| http.origin().clone()).collect();
    let also = vec![SecretPlace::Query, SecretPlace::Body];
    grant.secrets =
        secrets.into_iter().map(|name| SecretGrant { name, hosts: hosts.clone(), also: also.clone() }).collect();
    grant
}

/// Calls again, on threads; an answer that is another than the first one.
fn repeat(
    call: &(dyn Fn() -> Result<Value, Refused> + Sync),
    first: &Result<Value, Refused>,
    times: u32,
) -> Option<Result<Value, Refused>> {
    let left = AtomicU32::new(times);
    let other = Mutex::new(None);
    let take = || left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok();
    std::thread::scope(|scope| {
        for _ in 0..THREADS.min(times) {
            scope.spawn(|| {
                while take() {
                    let again = call();
                    if again != *first {
                        *other.lock().unwrap_or_else(PoisonError::into_inner) = Some(again);
                        return;
                    }
                }
            });
        }
    });
    other.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// The files below a folder, as texts.
fn files_in(folder: &Path) -> BTreeMap<String, String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let bytes = std::fs::read(entry.path()).ok()?;
            Some((entry.file_name().to_string_lossy().into_owned(), String::from_utf8_lossy(&bytes).into_owned()))
        })
        .collect()
}

fn written(write: &KvWrite) -> (String, Option<String>) {
    let value = write.value.as_ref().map(|value| String::from_utf8_lossy(value).into_owned());
    (write.key.clone(), value)
}

fn refused(error: &CallError) -> Refused {
    let kind = match error {
        CallError::Plugin(PluginError::Transient(_)) => "transient",
        CallError::Plugin(PluginError::RateLimited(_)) => "rate_limited",
        CallError::Plugin(PluginError::InvalidInput(_)) => "invalid_input",
        CallError::Plugin(PluginError::InvalidConfig(_)) => "invalid_config",
        CallError::Plugin(PluginError::Unknown(_)) => "unknown",
        CallError::Limit { .. } => "limit",
        CallError::Trap { .. } => "trap",
        CallError::BadOutput { .. } => "bad_output",
        CallError::Paced { .. } => "paced",
        CallError::Denied { .. } => "denied",
        CallError::Misuse { .. } => "misuse",
        CallError::Stopped { .. } => "stopped",
        CallError::Host { .. } => "host",
    };
    Refused { kind, message: error.to_string() }
}

fn said(output: &Result<Value, Refused>) -> String {
    match output {
        Ok(value) => value.to_string(),
        Err(error) => format!("the error {}: {}", error.kind, error.message),
    }
}

impl Trial {
    fn problem(&mut self, text: impl std::fmt::Display) {
        self.problems.push(Problem { text: text.to_string(), of_expectation: false });
    }

    fn unexpected(&mut self, text: impl std::fmt::Display) {
        self.problems.push(Problem { text: text.to_string(), of_expectation: true });
    }

    fn judge(&mut self, case: &Case, network: &Network) {
        let says = &case.says;
        for request in self.asked_in_vain.clone() {
            self.problem(format_args!(
                "nothing in `http` answers this request; write an answer for it, or take it from the network with --record:\n  {request}"
            ));
        }
        for request in network.left() {
            self.problem(format_args!("the request was never made that `http` has an answer to: {request}"));
        }
        if let Some(other) = self.unsteady.clone() {
            let differs = match (&self.output, &other) {
                (Ok(first), Ok(other)) => difference(first, other),
                _ => String::new(),
            };
            self.problem(format_args!(
                "the same call gave two answers; a pure plugin's answer depends on nothing but its input, its configuration and `ctx.now`:\n  once  {}\n  then  {}\n{differs}",
                said(&self.output),
                said(&other)
            ));
        }
        match (&says.expect, &says.expect_error, &self.output) {
            (Some(expected), _, Ok(got)) => {
                let differs = difference(expected, got);
                if !differs.is_empty() {
                    self.unexpected(differs);
                }
            }
            (None, Some(expected), Err(error)) => {
                if let Some(why) = other_error(expected, error) {
                    self.unexpected(why);
                }
            }
            (Some(_), _, Err(_)) => self.unexpected(format_args!("expected an answer, got {}", said(&self.output))),
            (None, Some(expected), Ok(_)) => {
                self.unexpected(format_args!("expected the error {}, got {}", expected.kind, said(&self.output)));
            }
            (None, None, _) => self.unexpected(format_args!(
                "it says neither `expect` nor `expect_error`; --update writes what came out: {}",
                said(&self.output)
            )),
        }
        if let Some(expected) = &says.expect_kv {
            let differs = difference(&json!(expected), &json!(self.kv));
            if !differs.is_empty() {
                self.unexpected(format_args!("in its own state (kv): {differs}"));
            }
        }
        if let Some(expected) = &says.expect_files {
            let differs = difference(&json!(expected), &json!(self.files));
            if !differs.is_empty() {
                self.unexpected(format_args!("in the spool: {differs}"));
            }
        }
        self.within_budget(case);
    }

    fn within_budget(&mut self, case: &Case) {
        let budget = &case.says.budget;
        let time = u64::try_from(self.usage.wall.as_millis()).unwrap_or(u64::MAX);
        let used = [
            ("fuel", self.usage.fuel, budget.fuel),
            ("time_ms", Some(time), budget.time_ms),
            ("memory_bytes", Some(self.usage.memory_bytes), budget.memory_bytes),
        ];
        for (name, used, most) in used {
            if let (Some(used), Some(most)) = (used, most)
                && used > most
            {
                self.problem(format_args!("over its budget: {name} {used}, at most {most}"));
            }
        }
    }

    /// What a case has to say so that it passes.
    pub(super) fn as_expected(&self) -> Vec<(&'static str, Option<Value>)> {
        let some = |is: bool, value: Value| is.then_some(value);
        vec![
            ("expect", self.output.as_ref().ok().cloned()),
            (
                "expect_error",
                self.output.as_ref().err().map(|error| json!({"kind": error.kind, "contains": error.message})),
            ),
            ("expect_kv", some(!self.kv.is_empty(), json!(self.kv))),
            ("expect_files", some(!self.files.is_empty(), json!(self.files))),
        ]
    }
}

fn other_error(expected: &ExpectedError, got: &Refused) -> Option<String> {
    if expected.kind != got.kind {
        return Some(format!("expected the error {}, got {}: {}", expected.kind, got.kind, got.message));
    }
    (!got.message.contains(&expected.contains))
        .then(|| format!("expected a message with `{}`, got `{}`", expected.contains, got.message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_hundred_calls_one_other_answer_is_found() {
        let calls = AtomicU32::new(0);
        let steady = || Ok(json!({"level": "II"}));
        let counted = || {
            let call = calls.fetch_add(1, Ordering::Relaxed);
            if call == 57 { Ok(json!({"level": "III"})) } else { steady() }
        };
        assert_eq!(repeat(&counted, &steady(), 99), Some(Ok(json!({"level": "III"}))));
        calls.store(58, Ordering::Relaxed);
        assert_eq!(repeat(&counted, &steady(), 99), None);
        assert_eq!(calls.into_inner(), 157, "each was made");
    }
}
