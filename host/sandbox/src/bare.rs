//! The measure for [`crate::Sandbox::call_pure`]: the same engine and the same
//! component with nothing of ours around it. Only for the benchmark.

use wasmtime::component::{Component, ComponentExportIndex, InstancePre, Linker};
use wasmtime::{Engine, Store};

use crate::invoke;
use crate::operation::Operation;
use crate::package::inspect;
use crate::sandbox::Sandbox;
use crate::types::Context;

/// A component ready to be instantiated, without limits, checks or gates.
pub struct Bare {
    engine: Engine,
    pre: InstancePre<()>,
    export: ComponentExportIndex,
}

impl Sandbox {
    /// For the benchmark.
    #[doc(hidden)]
    pub fn bare(&self, package: &[u8]) -> Option<Bare> {
        Bare::new(self.shared.engines.pure.clone(), package)
    }
}

impl Bare {
    /// In an engine of its own, in the fastest settings known and without any guard.
    pub fn plain(package: &[u8]) -> Option<Bare> {
        Bare::new(crate::engine::plain().ok()?, package)
    }

    fn new(engine: Engine, package: &[u8]) -> Option<Bare> {
        let shape = inspect(package).ok()?;
        let component = Component::from_binary(&engine, package).ok()?;
        let interface = component.get_export_index(None, &shape.interface)?;
        let export = component.get_export_index(Some(&interface), shape.kind.function())?;
        let pre = Linker::new(&engine).instantiate_pre(&component).ok()?;
        Some(Bare { engine, pre, export })
    }

    /// One fresh instance and one call.
    pub fn run(&self, context: &Context, operation: &Operation) -> Option<()> {
        let mut store = Store::new(&self.engine, ());
        store.set_epoch_deadline(1_000_000);
        if store.get_fuel().is_ok() {
            store.set_fuel(u64::MAX).ok()?;
        }
        let instance = self.pre.instantiate(&mut store).ok()?;
        let raw = invoke::call(&mut store, &instance, &self.export, context, operation);
        raw.ok()?.ok().map(drop)
    }
}
