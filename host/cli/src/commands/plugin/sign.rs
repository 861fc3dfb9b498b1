//! `huiyin plugin keygen | sign`: a publisher's key, and the signature that
//! travels with a package.

use std::path::PathBuf;

use huiyin_audit::{KeyError, SignerKey};
use huiyin_engine::trust::{claimed, sign as signed};
use huiyin_sandbox::{package::peek, signed::split};
use serde_json::json;

use super::inspect::MAX_PACKAGE;
use crate::folders::write_whole;
use crate::output::{Failure, Output, print, print_json, read_bytes, shown};

#[derive(Debug, clap::Args)]
pub(super) struct Keygen {
    /// The name under which the publisher is known, such as acme.example/plugins.
    name: String,
    /// Where the key is kept; its owner alone may read it. A key that is there stays.
    #[arg(long, value_name = "KEYFILE")]
    out: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(super) struct Sign {
    /// The package.
    file: PathBuf,
    /// The publisher's key.
    #[arg(long, value_name = "KEYFILE")]
    key: PathBuf,
    /// Where the signed package goes; in the place of the package unless given.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(super) fn keygen(args: &Keygen, output: Output) -> Result<(), Failure> {
    let key = SignerKey::create(&args.out, &args.name).map_err(|error| match &error {
        KeyError::Io { source, .. } if source.kind() == std::io::ErrorKind::AlreadyExists => {
            Failure::invalid(format_args!("{} is there already; a key is never replaced", args.out.display()))
        }
        KeyError::Io { .. } => Failure::unreachable(&error),
        _ => Failure::invalid(&error),
    })?;
    match output {
        Output::Text => print(format_args!("{}\n", key.verifier())),
        Output::Json => print_json(&json!({"key": key.verifier().to_string(), "file": args.out})),
    }
}

pub(super) fn sign(args: &Sign, output: Output) -> Result<(), Failure> {
    let wrong = |error: &dyn std::fmt::Display| Failure::invalid(format_args!("{}: {error}", shown(&args.file)));
    let bytes = read_bytes(&args.file, MAX_PACKAGE)?;
    let key = SignerKey::load(&args.key).map_err(Failure::invalid)?;
    // What is no package is not signed.
    let manifest = peek(&bytes).map_err(|error| wrong(&error))?;
    let package = signed(&bytes, &key).map_err(|error| wrong(&error))?;
    let publishers = claimed(&package).map_err(|error| wrong(&error))?;
    let digest = split(&package).map_err(|error| wrong(&error))?.digest();
    let out = args.out.as_ref().unwrap_or(&args.file);
    write_whole(out, &package).map_err(|error| Failure::unreachable(format_args!("{}: {error}", out.display())))?;
    let plugin = format!("{}:{}", manifest.name, manifest.version);
    match output {
        Output::Text => print(format_args!("{plugin}  signed by {}  sha256:{digest}\n", publishers.join(", "))),
        Output::Json => print_json(&json!({"plugin": plugin, "digest": digest, "publishers": publishers, "file": out})),
    }
}
