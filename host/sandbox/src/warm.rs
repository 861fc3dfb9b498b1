//! An instance kept between calls. Only for components of the house: state of
//! one call can reach the next, so a stranger's plugin never runs like this.

use std::time::Duration;

use wasmtime::component::{ComponentExportIndex, InstancePre};

use crate::error::{CallError, from_wasmtime};
use crate::invoke;
use crate::limits::{Limits, Meter};
use crate::manifest::Kind;
use crate::operation::{Operation, Output};
use crate::sandbox::{Living, Sandbox, busy, check_call, finish};
use crate::types::Context;

/// Calls after which the instance is replaced, as a matter of hygiene.
const CALLS: u64 = 100_000;
/// Memory above which it is replaced after a call.
const MEMORY_BYTES: u64 = 16 << 20;

/// One instance, reused until it fails, grows too large or has served long.
pub struct WarmInstance {
    sandbox: Sandbox,
    pre: InstancePre<Meter>,
    export: ComponentExportIndex,
    kind: Kind,
    living: Option<Living>,
    calls: u64,
    /// How many instances there have been.
    made: u64,
}

impl WarmInstance {
    pub(crate) fn new(sandbox: Sandbox, pre: InstancePre<Meter>, export: ComponentExportIndex, kind: Kind) -> Self {
        Self { sandbox, pre, export, kind, living: None, calls: 0, made: 0 }
    }

    /// How many instances this has used so far.
    pub fn instances(&self) -> u64 {
        self.made
    }

    /// Calls the function. After a fault or a limit, the next call finds a
    /// fresh instance.
    pub fn call(&mut self, context: &Context, operation: &Operation, limits: &Limits) -> Result<Output, CallError> {
        let limits = limits.at_most(&self.sandbox.shared.config.most);
        check_call(self.kind, operation, &limits)?;
        let bounds = self.sandbox.bounds(&limits);
        let fail = |error: &wasmtime::Error| from_wasmtime(error, &bounds);
        let (mut store, instance) = if let Some((mut store, instance)) = self.living.take() {
            store.data_mut().renew(&limits);
            self.sandbox.arm(&mut store, &limits).map_err(|error| fail(&error))?;
            (store, instance)
        } else {
            let engine = &self.sandbox.shared.engines.pure;
            // It only waits here: a warm instance keeps its slot without
            // counting against the gate of short calls.
            let gate = &self.sandbox.shared.pure_gate;
            let Some(_place) = gate.enter(Duration::from_millis(limits.wall_ms)) else {
                return Err(busy());
            };
            let mut store = self.sandbox.store(engine, &limits).map_err(|error| fail(&error))?;
            let instance = self.pre.instantiate(&mut store).map_err(|error| fail(&error))?;
            self.calls = 0;
            self.made += 1;
            (store, instance)
        };
        let raw = invoke::call(&mut store, &instance, &self.export, context, operation);
        self.calls += 1;
        let sound = raw.is_ok();
        if sound && self.calls < CALLS && store.data().memory_used() <= MEMORY_BYTES {
            self.living = Some((store, instance));
        }
        finish(raw, operation, &bounds)
    }
}
