//! The five typed calls, once for both engines.

use wasmtime::component::{ComponentExportIndex, Instance};
use wasmtime::{AsContextMut, Store};

use crate::operation::{Operation, Raw};
use crate::types::{Context, Document, Item, Message, Outcome, Page, PluginError, Receipt, wire};

type Collect<'a> = (&'a Context, &'a str, Option<&'a str>, u32);
type Classify<'a> = (&'a Context, &'a str, &'a [u8], Option<&'a [u8]>, &'a [Item]);
type Texts<'a> = (&'a Context, &'a str, &'a str);
type Deliver<'a> = (&'a Context, &'a str, &'a Message);
type Answer<T> = (Result<T, PluginError>,);

/// Whether the function behind `export` has the type the contract gives it.
pub(crate) fn check_type(
    mut store: impl AsContextMut,
    instance: &Instance,
    export: &ComponentExportIndex,
    kind: crate::Kind,
) -> wasmtime::Result<()> {
    use crate::Kind;
    let store = store.as_context_mut();
    match kind {
        Kind::Collector => instance.get_typed_func::<Collect, Answer<Page>>(store, export).map(drop),
        Kind::Classifier => instance.get_typed_func::<Classify, Answer<Outcome>>(store, export).map(drop),
        Kind::Reporter => instance.get_typed_func::<Texts, Answer<Vec<Document>>>(store, export).map(drop),
        Kind::Notifier => instance.get_typed_func::<Deliver, Answer<Receipt>>(store, export).map(drop),
        Kind::Step => instance.get_typed_func::<Texts, Answer<String>>(store, export).map(drop),
    }
}

/// Calls `describe`.
pub(crate) fn describe(
    mut store: impl AsContextMut,
    instance: &Instance,
    export: &ComponentExportIndex,
) -> wasmtime::Result<wire::Manifest> {
    let mut store = store.as_context_mut();
    let describe = instance.get_typed_func::<(), (wire::Manifest,)>(&mut store, export)?;
    Ok(describe.call(&mut store, ())?.0)
}

macro_rules! calls {
    ($store:ident, $instance:ident, $export:ident, $context:ident, $operation:ident, $call:ident $(, $wait:tt)?) => {{
        macro_rules! one {
            ($params:ty, $result:ty, $args:expr, $raw:path) => {{
                let function = $instance
                    .get_typed_func::<$params, Answer<$result>>(&mut *$store, $export)?;
                function.$call(&mut *$store, $args)$(.$wait)??.0.map($raw)
            }};
        }
        Ok(match $operation {
            Operation::Collect { config, cursor, limit } => one!(
                Collect, Page,
                ($context, config.as_str(), cursor.as_deref(), *limit), Raw::Page
            ),
            Operation::Classify { config, model, state, items } => one!(
                Classify, Outcome,
                ($context, config.as_str(), &**model, state.as_deref(), items.as_slice()), Raw::Outcome
            ),
            Operation::Render { config, data } => one!(
                Texts, Vec<Document>,
                ($context, config.as_str(), data.as_str()), Raw::Documents
            ),
            Operation::Deliver { config, message } => one!(
                Deliver, Receipt,
                ($context, config.as_str(), message), Raw::Receipt
            ),
            Operation::Run { config, input } => one!(
                Texts, String,
                ($context, config.as_str(), input.as_str()), Raw::Text
            ),
        })
    }};
}

/// Calls the operation's function on this thread.
pub(crate) fn call<T: 'static>(
    store: &mut Store<T>,
    instance: &Instance,
    export: &ComponentExportIndex,
    context: &Context,
    operation: &Operation,
) -> wasmtime::Result<Result<Raw, PluginError>> {
    calls!(store, instance, export, context, operation, call)
}

/// Calls the operation's function; host functions may wait.
pub(crate) async fn call_async<T: Send + 'static>(
    store: &mut Store<T>,
    instance: &Instance,
    export: &ComponentExportIndex,
    context: &Context,
    operation: &Operation,
) -> wasmtime::Result<Result<Raw, PluginError>> {
    calls!(store, instance, export, context, operation, call_async, await)
}
