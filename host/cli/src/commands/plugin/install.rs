//! `huiyin plugin install`: a package into a data folder, after every check.

use std::path::PathBuf;

use huiyin_sandbox::{Sandbox, SandboxConfig};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::inspect::MAX_PACKAGE;
use crate::folders::write_whole;
use crate::output::{Failure, Output, print, print_json, read_bytes, shown};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The package.
    file: PathBuf,
    /// The data folder of the host.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
}

pub(super) fn run(args: &Args, output: Output) -> Result<(), Failure> {
    let bytes = read_bytes(&args.file, MAX_PACKAGE)?;
    let sandbox = Sandbox::new(SandboxConfig::small()).map_err(Failure::unreachable)?;
    let package =
        sandbox.load(&bytes).map_err(|error| Failure::invalid(format_args!("{}: {error}", shown(&args.file))))?;
    let name = format!("{}:{}", package.manifest.name, package.manifest.version);
    let folder = args.data.join("plugins");
    let target = folder.join(format!("{}-{}.wasm", package.manifest.name, package.manifest.version));
    let state = match std::fs::read(&target) {
        Ok(there) if there == bytes => "already installed",
        Ok(there) => {
            let old = hex::encode(Sha256::digest(&there));
            return Err(Failure::invalid(format_args!(
                "{name} is already installed with other content (sha256:{old}); a published version never changes, raise its version"
            )));
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let written = std::fs::create_dir_all(&folder).and_then(|()| write_whole(&target, &bytes));
            written.map_err(|error| Failure::unreachable(format_args!("{}: {error}", target.display())))?;
            "installed"
        }
        Err(error) => return Err(Failure::unreachable(format_args!("{}: {error}", target.display()))),
    };
    match output {
        Output::Text => print(format_args!("{name}  {state}  sha256:{}\n", package.digest)),
        Output::Json => print_json(&json!({"plugin": name, "state": state, "digest": package.digest, "file": target})),
    }
}
