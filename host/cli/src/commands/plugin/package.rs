//! `huiyin plugin package`: a ready component into a package. What it says of itself by `describe` is
//! written into its manifest section; nothing else of it is changed.

use std::path::PathBuf;

use huiyin_sandbox::Manifest;
use huiyin_sandbox::package::{componentize_in, peek};
use serde_json::{Value, json};

use super::component::imports;
use super::inspect::MAX_PACKAGE;
use super::output::keep;
use crate::host::{sandbox, sandbox_config};
use crate::output::{Failure, Output, print, print_json, read_bytes, read_text, shown};

/// The largest manifest, in bytes.
const MAX_MANIFEST: u64 = 4 << 20;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The component, as componentize-js, componentize-py or another tool built it.
    #[arg(value_name = "COMPONENT")]
    file: PathBuf,
    /// What it has to say of itself, a JSON file in the form of `inspect --output json`'s `manifest`: a component that says anything else is refused.
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
    /// Where the package goes.
    #[arg(long, value_name = "DIR", default_value = "build/plugins")]
    out: PathBuf,
}

pub(super) fn run(args: &Args, output: Output) -> Result<(), Failure> {
    let file = shown(&args.file);
    let wrong = |error: &dyn std::fmt::Display| Failure::invalid(format_args!("{file}: {error}"));
    let expected = args.manifest.as_ref().map(|path| expected(path)).transpose()?;
    let bytes = read_bytes(&args.file, MAX_PACKAGE)?;
    if let Ok(manifest) = peek(&bytes) {
        return Err(wrong(&format_args!(
            "it is a package already, {}:{}; `huiyin plugin install` takes it as it is",
            manifest.name, manifest.version
        )));
    }
    let bytes = componentize_in(&bytes, sandbox_config()).map_err(|error| wrong(&error))?;
    let manifest = peek(&bytes).map_err(|error| wrong(&error))?;
    if let Some((path, expected)) = &expected {
        differs(expected, &manifest)
            .map_or(Ok(()), |why| Err(Failure::invalid(format_args!("{}: {why}", shown(path)))))?;
    }
    let package = sandbox()?.load(&bytes).map_err(|error| wrong(&error))?;
    let name = format!("{}-{}.wasm", package.manifest.name, package.manifest.version);
    let fresh = keep(&args.out, &name, &bytes, &package.digest)?;
    let imports = imports(&bytes)?;
    let path = args.out.join(&name).display().to_string();
    let state = if fresh { "packaged" } else { "unchanged" };
    match output {
        Output::Text => print(format_args!(
            "{path}  {state}  sha256:{}  {} bytes  imports: {}\n",
            package.digest,
            bytes.len(),
            if imports.is_empty() { "none".to_owned() } else { imports.join(" ") }
        )),
        Output::Json => print_json(&json!({
            "file": path, "state": state, "digest": package.digest, "size": bytes.len(), "imports": imports,
            "pure": package.pure,
        })),
    }
}

/// A manifest that somebody wrote or checked.
fn expected(path: &PathBuf) -> Result<(&PathBuf, Value), Failure> {
    let text = read_text(path, MAX_MANIFEST)?;
    let wrong = |error: &dyn std::fmt::Display| Failure::invalid(format_args!("{}: {error}", shown(path)));
    let manifest = Manifest::from_json(text.as_bytes()).map_err(|error| wrong(&error))?;
    Ok((path, serde_json::to_value(&manifest).map_err(|error| wrong(&error))?))
}

/// The first member in which a manifest is not what was expected.
fn differs(expected: &Value, manifest: &Manifest) -> Option<String> {
    let said = serde_json::to_value(manifest).ok()?;
    let members = expected.as_object()?;
    members.iter().find(|(name, value)| said.get(*name) != Some(value)).map(|(name, value)| {
        let said = said.get(name).unwrap_or(&Value::Null);
        format!("at /{name}: {value} stands here, the component says {said}; change one of them")
    })
}
