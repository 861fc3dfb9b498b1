//! Calls that reach outside: the state of one such call, and the call itself.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use wasmtime::component::{HasSelf, Linker, ResourceTable};
use wasmtime::{Engine, Store, UpdateDeadline};
use wasmtime_wasi::clocks::{WasiClocksCtx, WasiClocksCtxView, WasiClocksView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};
use wasmtime_wasi_io::IoView;

use crate::egress::pace::Asker;
use crate::egress::{Egress, Refusal, Traffic};
use crate::error::{CallError, Effect};
use crate::grant::{Denial, Effective, Grant};
use crate::host::clocks::Stopped;
use crate::host::kv::Kv;
use crate::host::log::Log;
use crate::host::secrets::SecretBox;
use crate::host::spool::Spooled;
use crate::host::{HostAccess, KvWrite, LogLine, SecretSource, wit};
use crate::invoke;
use crate::limits::{LimitHit, LimitName, Limits, Meter};
use crate::operation::{Operation, Output};
use crate::package::{Code, Package};
use crate::sandbox::{HANDLES, Sandbox, busy, check_call, finish};
use crate::types::{Context, PluginError};
use crate::usage::Usage;

/// Everything one call has with the host.
pub(crate) struct Guest {
    meter: Meter,
    table: ResourceTable,
    http: WasiHttpCtx,
    clocks: WasiClocksCtx,
    pub(crate) stopped: Stopped,
    egress: Egress,
    pub(crate) effective: Arc<Effective>,
    pub(crate) traffic: Arc<Traffic>,
    pub(crate) secret_box: Arc<SecretBox>,
    pub(crate) secret_source: Arc<dyn SecretSource>,
    pub(crate) log: Log,
    pub(crate) kv: Kv,
    pub(crate) spooled: Spooled,
    pub(crate) keep_out: Arc<[PathBuf]>,
}

impl IoView for Guest {
    fn table(&mut self) -> &mut ResourceTable {
        &mut self.table
    }
}

impl WasiClocksView for Guest {
    fn clocks(&mut self) -> WasiClocksCtxView<'_> {
        WasiClocksCtxView { ctx: &mut self.clocks, table: &mut self.table }
    }
}

impl WasiHttpView for Guest {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.egress, table: &mut self.table, ctx: &mut self.http }
    }
}

/// Exactly what [`crate::package::allowed_imports`] names, and nothing more.
pub(crate) fn linker(engine: &Engine) -> wasmtime::Result<Linker<Guest>> {
    use wasmtime_wasi::p2::bindings::clocks::{monotonic_clock, wall_clock};
    let mut linker = Linker::new(engine);
    wit::huiyin::plugin::log::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)?;
    wit::huiyin::plugin::secrets::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)?;
    wit::huiyin::plugin::kv::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)?;
    wit::huiyin::plugin::spool::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)?;
    wasmtime_wasi_io::add_to_linker_async(&mut linker)?;
    monotonic_clock::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)?;
    wall_clock::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    short_methods(&mut linker)?;
    Ok(linker)
}

/// The longest name of an HTTP method, in bytes; the longest registered one
/// (IANA, `UPDATEREDIRECTREF`) has 17.
const METHOD_BYTES: usize = 32;

/// The largest set of header fields a guest may build, in bytes of names and
/// values: servers refuse more than 8 to 16 KiB.
const FIELDS_BYTES: usize = 32 << 10;

/// A request keeps its method as text until it is sent, of any length; a
/// thousand requests that are never sent would hold gigabytes of the host.
fn short_methods(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    use wasmtime_wasi_http::p2::bindings::http::types::{HostOutgoingRequest, Method, OutgoingRequest};
    linker.allow_shadowing(true);
    linker.instance("wasi:http/types@0.2.12")?.func_wrap(
        "[method]outgoing-request.set-method",
        |mut store: wasmtime::StoreContextMut<'_, Guest>,
         (request, method): (wasmtime::component::Resource<OutgoingRequest>, Method)| {
            if matches!(&method, Method::Other(name) if name.len() > METHOD_BYTES) {
                return Ok((Err(()),));
            }
            Ok((store.data_mut().http().set_method(request, method)?,))
        },
    )?;
    linker.allow_shadowing(false);
    Ok(())
}

/// What a call gave, with everything that belongs to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Called {
    /// The answer.
    pub output: Output,
    /// To be committed with the answer, or not at all.
    pub kv_writes: Vec<KvWrite>,
    /// What it logged.
    pub log: Vec<LogLine>,
    /// Lines over its log budget.
    pub log_dropped: u64,
    /// HTTP requests it tried.
    pub http_requests: u64,
    /// What it was denied, although it succeeded.
    pub denials: Vec<Denial>,
}

impl Sandbox {
    /// Calls a package that reaches outside, in a fresh instance. `grant` is
    /// what the admin granted; the manifest and the unit's cap
    /// ([`HostAccess::cap`]) are asked beside it.
    ///
    /// Needs a Tokio runtime with time and I/O. Dropping the future ends the
    /// call. A pure package runs on the calling thread.
    pub async fn call(
        &self,
        package: &Package,
        context: &Context,
        operation: &Operation,
        grant: &Grant,
        host: &HostAccess,
        limits: &Limits,
    ) -> Result<Called, CallError> {
        self.call_measured(package, context, operation, grant, host, limits, &mut Usage::default()).await
    }

    /// The same; says what it used.
    #[allow(clippy::too_many_arguments)] // those of a call, and one more
    pub async fn call_measured(
        &self,
        package: &Package,
        context: &Context,
        operation: &Operation,
        grant: &Grant,
        host: &HostAccess,
        limits: &Limits,
        usage: &mut Usage,
    ) -> Result<Called, CallError> {
        let Code::Effect { pre, export } = &package.code else {
            let output = self.call_pure_measured(package, context, operation, limits, usage)?;
            return Ok(Called {
                output,
                kv_writes: Vec::new(),
                log: Vec::new(),
                log_dropped: 0,
                http_requests: 0,
                denials: Vec::new(),
            });
        };
        let limits = limits.at_most(&self.shared.config.most);
        check_call(package.manifest.kind, operation, &limits)?;
        grant.check().map_err(|error| CallError::Misuse { why: error.to_string() })?;
        let wall = Duration::from_millis(limits.wall_ms);
        let deadline = Instant::now() + wall;
        let gate = self.shared.effect_gate.clone();
        let place = tokio::select! {
            place = tokio::time::timeout(wall, gate.acquire_owned()) => place,
            () = host.stop.cancelled() => return Err(CallError::Stopped { effect: Effect::NotDone }),
        };
        let Ok(Ok(_place)) = place else {
            return Err(busy());
        };

        let traffic = Traffic::new(&limits, deadline);
        let mut store = self.guest_store(package, context, grant, host, &limits, &traffic, deadline);
        let bounds = self.bounds(&limits);
        let started = Instant::now();
        let running = async {
            let instance = pre.instantiate_async(&mut store).await?;
            invoke::call_async(&mut store, &instance, export, context, operation).await
        };
        let raw = tokio::select! {
            raw = tokio::time::timeout_at(deadline.into(), running) => Some(raw),
            () = host.stop.cancelled() => None,
        };
        *usage = Usage {
            fuel: store.get_fuel().ok().map(|left| u64::MAX - left),
            wall: started.elapsed(),
            memory_bytes: store.data().meter.memory_used(),
            input_bytes: operation.size(),
            http_requests: traffic.requests(),
            request_bytes: traffic.request_bytes(),
            response_bytes: traffic.response_bytes(),
        };
        let result = match raw {
            None => Err(CallError::Stopped { effect: Effect::NotDone }),
            Some(Ok(raw)) => finish(raw, operation, &bounds),
            Some(Err(_)) => Err(CallError::Limit {
                hit: LimitHit { limit: LimitName::WallMs, allowed: limits.wall_ms, used: None },
                effect: Effect::NotDone,
            }),
        };
        let refusals = traffic.refusals();
        let output = match result {
            Ok(output) => output,
            Err(error) => return Err(explain(error, refusals, traffic.effect())),
        };
        let guest = store.data_mut();
        let (log, log_dropped) = guest.log.take();
        Ok(Called {
            output,
            kv_writes: guest.kv.take(guest.effective.kv().unwrap_or_default(), traffic.effect() == Effect::NotDone),
            log,
            log_dropped,
            http_requests: traffic.requests(),
            denials: refusals
                .into_iter()
                .filter_map(|refusal| match refusal {
                    Refusal::Denied(denial) => Some(denial),
                    _ => None,
                })
                .collect(),
        })
    }

    #[allow(clippy::too_many_arguments)] // the parts of one call, gathered once
    fn guest_store(
        &self,
        package: &Package,
        context: &Context,
        grant: &Grant,
        host: &HostAccess,
        limits: &Limits,
        traffic: &Arc<Traffic>,
        deadline: Instant,
    ) -> Store<Guest> {
        let effective = Arc::new(Effective::new(&package.manifest, grant, host.cap.as_deref()));
        let secret_box = Arc::new(SecretBox::default());
        let mut http = WasiHttpCtx::new();
        http.set_field_size_limit(FIELDS_BYTES);
        let mut table = ResourceTable::new();
        table.set_max_capacity(HANDLES);
        let guest = Guest {
            meter: Meter::new(limits),
            table,
            http,
            clocks: WasiClocksCtx::default(),
            stopped: (!effective.clocks()).then_some(context.now),
            egress: Egress {
                effective: effective.clone(),
                traffic: traffic.clone(),
                secrets: secret_box.clone(),
                way: self.shared.way.clone(),
                asker: Arc::new(Asker { name: package.manifest.name.clone(), unit: context.unit.clone() }),
                stand_in: host.stand_in.clone(),
            },
            traffic: traffic.clone(),
            secret_box,
            secret_source: host.secrets.clone(),
            log: Log::new(&context.call_id, host.log.clone(), effective.log(limits)),
            kv: Kv::new(host.kv.clone()),
            spooled: Spooled::new(limits),
            keep_out: self.shared.config.keep_out.clone(),
            effective,
        };
        let mut store = Store::new(&self.shared.engines.effect, guest);
        store.limiter(|guest| &mut guest.meter);
        if self.shared.config.fuel {
            // It is counted, not bounded: the time of such a call is.
            let _ = store.set_fuel(u64::MAX);
        }
        store.set_hostcall_fuel(usize::try_from(limits.output_bytes).unwrap_or(usize::MAX));
        store.set_max_component_handles(HANDLES);
        // Every tick the guest gives way to the runtime, so that one busy
        // guest does not hold a thread, until its time is up.
        let allowed = limits.wall_ms;
        store.epoch_deadline_callback(move |_| {
            if Instant::now() >= deadline {
                return Err(wasmtime::Error::new(LimitHit { limit: LimitName::WallMs, allowed, used: None }));
            }
            Ok(UpdateDeadline::Yield(1))
        });
        store.set_epoch_deadline(1);
        store
    }
}

/// The error the caller gets: where the plugin failed after the host had
/// refused it something, the refusal is the reason worth telling.
fn explain(error: CallError, refusals: Vec<Refusal>, effect: Effect) -> CallError {
    let own_limit = matches!(error, CallError::Limit { .. } | CallError::Misuse { .. } | CallError::Stopped { .. });
    if own_limit {
        return error.with_effect(effect);
    }
    // What the plugin says of its input or configuration, no other time would change.
    let own_fault = matches!(error, CallError::Plugin(PluginError::InvalidInput(_) | PluginError::InvalidConfig(_)));
    let mut late = None;
    for refusal in refusals {
        match refusal {
            Refusal::Denied(denial) => return CallError::Denied { denial: Box::new(denial), effect },
            Refusal::Limit(hit) => return CallError::Limit { hit, effect },
            Refusal::Paced(paced) if !own_fault => return CallError::Paced { paced, effect },
            Refusal::Paced(_) => {}
            Refusal::Late(hit) => late = late.or(Some(Ok(hit))),
            Refusal::Way(why) => late = late.or(Some(Err(why))),
        }
    }
    // A plugin may have coped with these: what it says of its own work holds.
    match (late, error) {
        (Some(late), CallError::Plugin(own)) => {
            CallError::Plugin(own.with_hint(&late.map_or_else(|why| why, |hit| hit.to_string())))
        }
        (Some(Ok(hit)), _) => CallError::Limit { hit, effect },
        (Some(Err(why)), CallError::Host { .. } | CallError::Trap { .. }) => CallError::Host { why, effect },
        (_, error) => error.with_effect(effect),
    }
}
