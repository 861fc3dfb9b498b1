//! The limit of steps: the same component called in a loop on every core, in
//! the same engine settings, with nothing around it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use huiyin_sandbox::{Context, Operation, Sandbox, SandboxConfig};

use crate::output::Failure;

/// Calls a second, all cores together.
pub(super) fn calls_a_second(component: &[u8], window: Duration) -> Result<f64, Failure> {
    let sandbox = Sandbox::new(SandboxConfig::default()).map_err(Failure::failed)?;
    let operation = Operation::Run { config: "{}".to_owned(), input: r#"{"numbers":[41,1]}"#.to_owned() };
    let context = Context {
        call_id: "bench".to_owned(),
        attempt: 1,
        unit: String::new(),
        now: 0,
        idempotency_key: "bench".to_owned(),
    };
    let bare = sandbox.bare(component).ok_or_else(|| Failure::failed("the component cannot be called"))?;
    let (stop, calls) = (AtomicBool::new(false), AtomicU64::new(0));
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut mine = 0;
                while !stop.load(Ordering::Relaxed) {
                    if bare.run(&context, &operation).is_none() {
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
    Ok(calls.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64())
}
