//! From a workflow's arguments to a plugin call and back to a result or an
//! error of the DSL.

use std::borrow::Cow;
use std::sync::Arc;

use huiyin_flow::{ErrorKind, FlowError};
use huiyin_records::record::Pin;
use huiyin_sandbox::{CallError, Context, ContractError, Effect, LimitName, Operation, Package, PluginError};
use jiff::Timestamp;
use serde_json::Value;

use crate::house::House;

/// The argument that carries a call's own configuration.
pub const CONFIG: &str = "config";

/// Splits a call's arguments into configuration and input. A binding's
/// configuration takes the place of the call's own.
pub fn split<'a>(with: &'a Value, pinned: &'a Value) -> (Cow<'a, Value>, Cow<'a, Value>) {
    let (own, input) = match with {
        Value::Object(map) if map.contains_key(CONFIG) => {
            let mut input = map.clone();
            let own = input.shift_remove(CONFIG);
            (own.map(Cow::Owned), Cow::Owned(Value::Object(input)))
        }
        _ => (None, Cow::Borrowed(with)),
    };
    let config = match own {
        _ if !pinned.is_null() => Cow::Borrowed(pinned),
        Some(own) => own,
        None => Cow::Owned(Value::Object(serde_json::Map::new())),
    };
    (config, input)
}

/// The context of a call.
pub fn context(unit: &str, attempt: u32, key: &str, now: Timestamp) -> Context {
    Context {
        call_id: key.to_owned(),
        attempt,
        unit: unit.to_owned(),
        now: u64::try_from(now.as_millisecond()).unwrap_or_default(),
        idempotency_key: key.to_owned(),
    }
}

/// The plugin operation that a workflow's arguments mean.
///
/// # Errors
/// When the arguments are not what the plugin's kind takes.
pub fn operation(package: &Package, pin: &Pin, with: &Value) -> Result<Operation, ContractError> {
    let (config, input) = split(with, &pin.config);
    Operation::from_json(package.manifest.kind, &config, &input)
}

/// A call that failed.
#[derive(Debug, Clone)]
pub struct PluginFault {
    /// As the DSL sees it.
    pub error: Box<FlowError>,
    /// By the plugin's own fault; see [`own_fault`].
    pub own: bool,
    /// In one word, as it is recorded; see [`fault`].
    pub word: String,
}

impl From<FlowError> for PluginFault {
    fn from(error: FlowError) -> PluginFault {
        PluginFault { error: Box::new(error), own: false, word: "host".to_owned() }
    }
}

/// Whether a call failed by the plugin's own fault: a trap, a limit it ran
/// into, an answer that the contract does not allow. Not its considered
/// answers, and not what it was given or denied.
pub fn own_fault(error: &CallError) -> bool {
    match error {
        CallError::Limit { hit, .. } => !given(hit.limit),
        CallError::Trap { .. } | CallError::BadOutput { .. } => true,
        CallError::Plugin(_)
        | CallError::Paced { .. }
        | CallError::Denied { .. }
        | CallError::Misuse { .. }
        | CallError::Stopped { .. }
        | CallError::Host { .. } => false,
    }
}

/// Whether a limit is passed by what a call is given: its input, or what the
/// other side of a request does.
fn given(limit: LimitName) -> bool {
    matches!(
        limit,
        LimitName::InputBytes
            | LimitName::HeaderBytes
            | LimitName::DecodeRatio
            | LimitName::ConnectMs
            | LimitName::FirstByteMs
            | LimitName::IdleMs
            | LimitName::RequestMs
    )
}

/// Calls a pure plugin, on this thread; one that must not be held up calls `briefly`.
///
/// # Errors
/// As the DSL sees them, and whether the plugin is to blame.
pub fn pure_call(
    house: &House,
    pin: &Pin,
    with: &Value,
    unit: &str,
    key: &str,
    now: Timestamp,
    briefly: bool,
) -> Result<Value, PluginFault> {
    let before =
        |error: FlowError, word: &str| PluginFault { error: Box::new(error), own: false, word: word.to_owned() };
    let package = component(house, pin, unit).map_err(|error| before(error, "not-installed"))?;
    let operation = operation(&package, pin, with).map_err(|e| before(invalid(&e), "arguments"))?;
    let (context, mut limits) = (context(unit, 1, key, now), house.limits(&pin.plugin, unit));
    let answer = if briefly {
        crate::limits::narrow(limits.to_mut());
        house.sandbox.call_pure_briefly(&package, &context, &operation, &limits)
    } else {
        house.sandbox.call_pure(&package, &context, &operation, &limits)
    };
    match answer {
        Ok(output) => Ok(output.into_json()),
        Err(error) => Err(PluginFault {
            error: Box::new(flow_error(house, &error, pin, unit)),
            own: own_fault(&error),
            word: fault(&error),
        }),
    }
}

/// A failed call in one word, as it is recorded: `limit:<name>` for a limit,
/// `plugin` for an error of the plugin's own, `trap`, `output`, `host`.
pub fn fault(error: &CallError) -> String {
    match error {
        CallError::Limit { hit, .. } => format!("limit:{}", hit.limit.key()),
        CallError::Plugin(_) => "plugin".to_owned(),
        CallError::Trap { .. } => "trap".to_owned(),
        CallError::BadOutput { .. } => "output".to_owned(),
        _ => "host".to_owned(),
    }
}

/// The component of a pin, as far as it may be called on behalf of a unit
/// (empty: of none) now, whoever could use it when it was pinned (rule 6).
///
/// # Errors
/// When it is not there, or not to be used.
pub fn component(house: &House, pin: &Pin, unit: &str) -> Result<Arc<Package>, FlowError> {
    let unit = Some(unit).filter(|unit| !unit.is_empty());
    if let Some(package) = house.package_for(&pin.digest, unit) {
        return Ok(package);
    }
    house.may(pin, unit).map_err(|why| FlowError::new(ErrorKind::Authorization, why))?;
    let (plugin, digest) = (&pin.plugin, short(&pin.digest));
    let why = format!("{plugin} ({digest}) is not installed; install it with `huiyin plugin install`");
    Err(FlowError::new(ErrorKind::Configuration, why))
}

fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}

/// The error when arguments do not fit.
pub fn invalid(error: &ContractError) -> FlowError {
    FlowError::new(ErrorKind::Validation, error.to_string())
}

/// What went wrong, for people: with the key of the configuration where it was a limit.
pub fn words(house: &House, error: &CallError, plugin: &str, unit: &str) -> String {
    let advice = match error {
        CallError::Limit { hit, .. } => house.tuning().advice(hit.limit, plugin, unit).map(|advice| (hit, advice)),
        _ => None,
    };
    match advice {
        Some((hit, advice)) => format!("{plugin}: {}; {advice}", hit.said()),
        None => format!("{plugin}: {error}"),
    }
}

/// A failed call as an error of the DSL. Only for calls that surely did nothing.
pub fn flow_error(house: &House, error: &CallError, pin: &Pin, unit: &str) -> FlowError {
    let detail = words(house, error, &pin.plugin, unit);
    match error {
        CallError::Plugin(PluginError::Transient(_)) => {
            FlowError::new(ErrorKind::Communication, detail).with_status(503)
        }
        CallError::Plugin(PluginError::RateLimited(_)) | CallError::Paced { .. } => {
            FlowError::new(ErrorKind::Communication, detail).with_status(429)
        }
        CallError::Plugin(PluginError::InvalidInput(_)) | CallError::Misuse { .. } => {
            FlowError::new(ErrorKind::Validation, detail)
        }
        CallError::Plugin(PluginError::InvalidConfig(_)) => FlowError::new(ErrorKind::Configuration, detail),
        CallError::Denied { .. } => FlowError::new(ErrorKind::Authorization, detail),
        CallError::Limit { hit, .. } if hit.limit.is_time() => FlowError::new(ErrorKind::Timeout, detail),
        _ => FlowError::new(ErrorKind::Runtime, detail),
    }
}

/// Whether nobody can know what a failed call did (rule 3).
pub fn unknown(error: &CallError) -> bool {
    error.outcome() == Effect::Unknown
}
