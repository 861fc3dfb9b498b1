//! Packages of any bytes: loaded, and called where they are taken.

use std::sync::LazyLock;

use huiyin_sandbox::{Grant, HostAccess, Limits, Sandbox, SandboxConfig};

use crate::case::{Case, Expect};
use crate::honest::context;

static SANDBOX: LazyLock<Option<Sandbox>> = LazyLock::new(|| {
    let most = Limits { wall_ms: 200, memory_bytes: 16 << 20, output_bytes: 1 << 20, ..Limits::default() };
    Sandbox::new(SandboxConfig { most, max_package_bytes: 8 << 20, ..SandboxConfig::small() }).ok()
});

/// Refused with a reason, or taken and called within its limits.
pub fn fuzz_package(bytes: &[u8]) {
    let Some(sandbox) = SANDBOX.as_ref() else { unreachable!("no sandbox can be made here") };
    let package = match sandbox.load(bytes) {
        Ok(package) => package,
        Err(refusal) => {
            assert!(refusal.to_string().len() > 10, "{refusal:?} says no reason");
            return;
        }
    };
    let Ok(operation) = crate::cases::operation(package.manifest.kind, "1") else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let Ok(runtime) = runtime else { return };
    let host = HostAccess::default();
    let (context, grant, limits) = (context(), Grant::default(), Limits::default());
    let began = std::time::Instant::now();
    let ended = runtime.block_on(sandbox.call(&package, &context, &operation, &grant, &host, &limits));
    if let Err(error) = ended {
        assert!(error.to_string().len() > 10, "{error:?} says no reason");
    }
    // Far over the wall time of 200 ms, however busy the machine.
    assert!(began.elapsed().as_secs() < 20, "the call went on for {:?}", began.elapsed());
}

/// Some of the smallest hostile plugins.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let small = |case: &Case| {
        let bytes = (case.package)().ok()?;
        let waits = matches!(case.expect, Expect::Limit(huiyin_sandbox::LimitName::WallMs));
        (bytes.len() < 16_000 && !waits).then_some(bytes)
    };
    crate::cases::all().iter().step_by(4).filter_map(small).collect()
}
