//! `huiyin plugin publish | pull`: packages to and from an OCI registry.

use std::path::PathBuf;

use huiyin_engine::packages::file_name;
use huiyin_engine::trust::claimed;
use huiyin_sandbox::package::peek;
use huiyin_sandbox::signed::split;
use oci_client::Reference;
use serde_json::json;

use super::component::{exports, imports};
use super::inspect::MAX_PACKAGE;
use crate::folders::write_whole;
use crate::host::{runtime, sandbox};
use crate::output::{Failure, Output, print, print_json, read_bytes, shown};
use crate::registry::{Artifact, Registry, RegistryArgs, digest, reference};

/// The largest package that is pulled unless told, in bytes.
const USUAL_MOST: u64 = 64 << 20;

#[derive(Debug, clap::Args)]
pub(super) struct Publish {
    /// The package.
    file: PathBuf,
    /// Where to: registry/repository:tag.
    #[arg(value_name = "REF", value_parser = reference)]
    reference: Reference,
    #[command(flatten)]
    registry: RegistryArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct Pull {
    /// Where from: registry/repository:tag, or registry/repository@sha256:…
    #[arg(value_name = "REF", value_parser = reference)]
    reference: Reference,
    /// The manifest's digest, as `publish` told it: anything else is refused.
    #[arg(long, value_name = "sha256:HEX", value_parser = digest)]
    digest: Option<String>,
    /// The folder into which <name>-<version>.wasm is written; it is made where it is missing.
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
    /// The largest package that is taken, in bytes.
    #[arg(long, value_name = "BYTES", default_value_t = USUAL_MOST, value_parser = clap::value_parser!(u64).range(1..=MAX_PACKAGE))]
    max_bytes: u64,
    #[command(flatten)]
    registry: RegistryArgs,
}

pub(super) fn publish(args: &Publish, output: Output) -> Result<(), Failure> {
    if args.reference.digest().is_some() {
        return Err(Failure::invalid("publish under a tag; the digest comes of the content"));
    }
    let bytes = read_bytes(&args.file, MAX_PACKAGE)?;
    let wrong = |error: &dyn std::fmt::Display| Failure::invalid(format_args!("{}: {error}", shown(&args.file)));
    let package = sandbox()?.load(&bytes).map_err(|error| wrong(&error))?;
    let publishers = claimed(&bytes).map_err(|error| wrong(&error))?;
    let (exports, imports) = (exports(&bytes)?, imports(&bytes)?);
    let artifact = Artifact::of(bytes, &package.manifest, exports, imports).map_err(Failure::failed)?;
    let registry = Registry::open(&args.registry, args.reference.clone(), 0)?;
    let (digest, changed) = runtime()?.block_on(registry.push(&artifact))?;
    let plugin = format!("{}:{}", package.manifest.name, package.manifest.version);
    let state = if changed { "published" } else { "already published" };
    match output {
        Output::Text => print(format_args!("{plugin}  {state}  {}@{digest}\n", args.reference)),
        Output::Json => print_json(&json!({
            "plugin": plugin,
            "reference": args.reference.to_string(),
            "manifest": digest,
            "digest": package.digest,
            "signed_by": publishers,
            "changed": changed,
        })),
    }
}

pub(super) fn pull(args: &Pull, output: Output) -> Result<(), Failure> {
    if let (Some(own), Some(pinned)) = (args.reference.digest(), &args.digest)
        && own != pinned
    {
        return Err(Failure::invalid("the reference and --digest name different digests"));
    }
    // Said before anything is fetched.
    if args.out.exists() && !args.out.is_dir() {
        return Err(Failure::invalid(format_args!("{}: it is no folder", args.out.display())));
    }
    let registry = Registry::open(&args.registry, args.reference.clone(), args.max_bytes)?;
    let pulled = runtime()?.block_on(registry.pull(args.digest.as_deref(), args.max_bytes))?;
    let wrong = |error: &dyn std::fmt::Display| Failure::invalid(format_args!("{}: {error}", args.reference));
    // Read, not run: whether it may be used is decided where it is installed.
    let manifest = peek(&pulled.package).map_err(|error| wrong(&error))?;
    let publishers = claimed(&pulled.package).map_err(|error| wrong(&error))?;
    let digest = split(&pulled.package).map_err(|error| wrong(&error))?.digest();
    let plugin = format!("{}:{}", manifest.name, manifest.version);
    let file = args.out.join(file_name(&plugin));
    if std::fs::read(&file).is_ok_and(|there| there != pulled.package) {
        return Err(Failure::invalid(format_args!("{}: there is another file of that name", file.display())));
    }
    std::fs::create_dir_all(&args.out)
        .and_then(|()| write_whole(&file, &pulled.package))
        .map_err(|error| Failure::invalid(format_args!("{}: {error}", file.display())))?;
    match output {
        Output::Text => print(format_args!(
            "{plugin}  {}  manifest {}  sha256:{digest}  signed by {}\n",
            file.display(),
            pulled.digest,
            if publishers.is_empty() { "nobody".to_owned() } else { publishers.join(", ") }
        )),
        Output::Json => print_json(&json!({
            "plugin": plugin,
            "file": file,
            "manifest": pulled.digest,
            "digest": digest,
            "signed_by": publishers,
        })),
    }
}
