//! The limit of steps: the same component called in a loop on every core, in
//! the same engine settings, with nothing around it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use huiyin_sandbox::{Context, Operation, Sandbox, SandboxConfig, bare};

use crate::output::Failure;

/// The loop, ready to go round.
pub(super) struct Bare {
    call: bare::Bare,
    context: Context,
    operation: Operation,
}

impl Bare {
    pub(super) fn new(component: &[u8]) -> Result<Bare, Failure> {
        let sandbox = Sandbox::new(SandboxConfig::default()).map_err(Failure::failed)?;
        let call = sandbox.bare(component).ok_or_else(|| Failure::failed("the component cannot be called"))?;
        let context = Context {
            call_id: "bench".to_owned(),
            attempt: 1,
            unit: String::new(),
            now: 0,
            idempotency_key: "bench".to_owned(),
        };
        let operation = Operation::Run { config: "{}".to_owned(), input: r#"{"numbers":[41,1]}"#.to_owned() };
        Ok(Bare { call, context, operation })
    }

    /// Calls a second in a window, all cores together.
    pub(super) fn calls_a_second(&self, window: Duration) -> f64 {
        let (stop, calls) = (AtomicBool::new(false), AtomicU64::new(0));
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let began = Instant::now();
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    let mut mine = 0;
                    while !stop.load(Ordering::Relaxed) {
                        if self.call.run(&self.context, &self.operation).is_none() {
                            break;
                        }
                        mine += 1;
                    }
                    calls.fetch_add(mine, Ordering::Relaxed);
                });
            }
            std::thread::sleep(window);
            stop.store(true, Ordering::Relaxed);
        });
        calls.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64()
    }
}
