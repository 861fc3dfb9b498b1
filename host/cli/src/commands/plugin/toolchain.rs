//! The toolchain for plugins: what the project's own script says. It is part
//! of the program, so that an installed huiyin builds plugins, too.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use serde::Deserialize;

use crate::folders::user_cache;
use crate::output::Failure;

const SCRIPT: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/wasm-toolchain"));

/// How cargo builds for `wasm32-unknown-unknown` on this machine.
#[derive(Debug, Deserialize)]
pub(super) struct Toolchain {
    /// `rustup` or `debian`.
    pub(super) how: String,
    /// Set for cargo.
    pub(super) env: BTreeMap<String, String>,
    /// Added to cargo's arguments.
    pub(super) args: Vec<String>,
}

/// Asks the script, which may take its time at the first call: what it says meanwhile is on stderr.
pub(super) fn find() -> Result<Toolchain, Failure> {
    let folder = std::env::temp_dir().join(format!("huiyin-toolchain-{}", std::process::id()));
    let script = folder.join("wasm-toolchain");
    let cannot = |error: std::io::Error| Failure::failed(format_args!("{}: {error}", folder.display()));
    std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&script, SCRIPT)).map_err(cannot)?;
    let mut command = Command::new("bash");
    command.arg(&script).arg("--json").stderr(Stdio::inherit());
    if let (None, Some(cache)) = (std::env::var_os("HUIYIN_BUILD_DIR"), user_cache()) {
        command.env("HUIYIN_BUILD_DIR", cache);
    }
    let ran = command.output();
    let _ = std::fs::remove_dir_all(&folder);
    let ran = ran.map_err(|error| Failure::failed(format_args!("bash: {error}")))?;
    if !ran.status.success() {
        return Err(Failure::failed("no toolchain builds plugins on this machine; what is missing is said above"));
    }
    serde_json::from_slice(&ran.stdout)
        .map_err(|error| Failure::failed(format_args!("the toolchain script gave no JSON: {error}")))
}
