//! `huiyin plugin inspect`: what a package is.

use std::path::PathBuf;

use huiyin_engine::trust::claimed;
use huiyin_sandbox::Capability;
use serde_json::json;

use super::component::imports;
use crate::host::sandbox;
use crate::output::{Failure, Output, print, print_json, read_bytes, shown};
use crate::text::plain;

/// The largest package, in bytes.
pub(super) const MAX_PACKAGE: u64 = 256 << 20;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The package.
    file: PathBuf,
}

pub(super) fn run(args: &Args, output: Output) -> Result<(), Failure> {
    let bytes = read_bytes(&args.file, MAX_PACKAGE)?;
    let sandbox = sandbox()?;
    let file = shown(&args.file);
    let package = sandbox.load(&bytes).map_err(|error| Failure::invalid(format_args!("{file}: {error}")))?;
    let imports = imports(&bytes)?;
    // Claimed only: whom to trust is a host's choice.
    let signers = claimed(&bytes).map_err(|error| Failure::invalid(format_args!("{file}: {error}")))?;
    let manifest = &package.manifest;
    if output == Output::Json {
        return print_json(&json!({
            "file": file,
            "digest": package.digest,
            "size": package.size,
            "pure": package.pure,
            "signed_by": signers,
            "imports": imports,
            "manifest": manifest,
        }));
    }
    let mut text = format!(
        "{}:{}  {}\n{}\ndigest      sha256:{}\nsize        {} bytes\npure        {}\nidempotent  {}\n",
        manifest.name,
        manifest.version,
        manifest.kind,
        plain(&manifest.summary),
        package.digest,
        package.size,
        if package.pure { "yes" } else { "no" },
        if manifest.idempotent { "yes" } else { "no" },
    );
    for signer in &signers {
        text.push_str(&format!("signed by   {} (not verified)\n", plain(signer)));
    }
    for import in imports {
        text.push_str(&format!("imports     {import}\n"));
    }
    for capability in &manifest.capabilities {
        let asked = match capability {
            Capability::Http(http) => format!("http {}", serde_json::to_string(http).unwrap_or_default()),
            Capability::Secret(secret) => format!("secret {}: {}", secret.name, plain(&secret.purpose)),
            Capability::Spool => "spool".to_owned(),
            Capability::Kv(bytes) => format!("kv {bytes} bytes"),
        };
        text.push_str(&format!("asks for    {asked}\n"));
    }
    let schema = serde_json::to_string_pretty(&manifest.config_schema).map_err(Failure::failed)?;
    text.push_str(&format!("configuration schema:\n{schema}\n"));
    print(text)
}
