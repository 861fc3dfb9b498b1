//! `huiyin plugin install`: a package into a running host, or into a data
//! folder at rest, after every check.

use std::path::{Path, PathBuf};

use huiyin_engine::packages::{file_name, keep};
use huiyin_sandbox::signed::split;
use serde_json::{Value, json};

use super::inspect::MAX_PACKAGE;
use crate::client::{Client, HostArgs, runs_in, segment};
use crate::host::{sandbox, trust_of};
use crate::output::{Failure, Output, print, print_json, read_bytes, shown};
use crate::text::plain;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The package.
    file: PathBuf,
    /// Why; it goes on record where a host runs.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// At rest: the configuration that says whom to trust; the data folder's huiyin.json unless given.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    host: HostArgs,
}

pub(super) fn run(args: &Args, output: Output) -> Result<(), Failure> {
    let bytes = read_bytes(&args.file, MAX_PACKAGE)?;
    let report = if args.host.named() || runs_in(&args.host.data) {
        let reason =
            args.reason.as_ref().ok_or_else(|| Failure::invalid("a host runs there: say why with --reason"))?;
        let path = format!("/v1/plugins?reason={}", segment(reason));
        Client::of(&args.host)?.post_bytes(&path, "application/wasm", &bytes)?
    } else {
        at_rest(args, &bytes)?
    };
    if output == Output::Json {
        return print_json(&report);
    }
    let text = |name: &str| report.get(name).and_then(Value::as_str).map_or_else(String::new, plain);
    let state = if report.get("changed") == Some(&Value::Bool(true)) { "installed" } else { "already installed" };
    print(format_args!("{}  {state}  sha256:{}\n", text("plugin"), text("digest")))
}

/// Into the folder of a host that does not run; the host puts it on record when it starts.
fn at_rest(args: &Args, bytes: &[u8]) -> Result<Value, Failure> {
    let wrong = |error: &dyn std::fmt::Display| Failure::invalid(format_args!("{}: {error}", shown(&args.file)));
    let trust = trust_of(&args.host.data, args.config.as_deref())?;
    let judged = trust.judge(bytes).map_err(|error| wrong(&error))?;
    let package = sandbox()?.load(bytes).map_err(|error| wrong(&error))?;
    let plugin = format!("{}:{}", package.manifest.name, package.manifest.version);
    let target = args.host.data.join("plugins").join(file_name(&plugin));
    let changed = match digest_there(&target)? {
        Some(there) if there == package.digest => false,
        Some(there) => {
            return Err(Failure::invalid(format_args!(
                "{plugin} is already installed with other content (sha256:{there}); a published version never changes, raise its version"
            )));
        }
        None => {
            keep(&target, bytes)
                .map_err(|error| Failure::unreachable(format_args!("{}: {error}", target.display())))?;
            true
        }
    };
    Ok(json!({
        "plugin": plugin,
        "digest": package.digest,
        "kind": package.manifest.kind,
        "publishers": judged.publishers,
        "units": judged.units.codes().collect::<Vec<_>>(),
        "changed": changed,
    }))
}

fn digest_there(file: &Path) -> Result<Option<String>, Failure> {
    match std::fs::read(file) {
        Ok(there) => Ok(Some(split(&there).map_or_else(|_| "unreadable".to_owned(), |parts| parts.digest()))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::unreachable(format_args!("{}: {error}", file.display()))),
    }
}
