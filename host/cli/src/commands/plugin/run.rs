//! `huiyin plugin run`: one call of a plugin's own function.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use huiyin_engine::grants::check_folder;
use huiyin_sandbox::{Context, Grant, HostAccess, Limits, Operation, SecretValue};
use jiff::Timestamp;
use serde_json::json;

use super::inspect::MAX_PACKAGE;
use crate::host::{runtime, sandbox};
use crate::output::{Failure, note, print_json, read_bytes, read_json, read_text, shown};

/// The largest configuration, input or grant, in bytes.
const MAX_JSON: u64 = 64 << 20;
/// The largest secret, in bytes.
const MAX_SECRET: u64 = 64 << 10;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The package.
    file: PathBuf,
    /// Its configuration, a JSON file; an empty object unless given.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The input, a JSON file or - for stdin. Collector: {cursor, limit}; classifier: {items, state, model}; notifier: the message; reporter and step: any JSON.
    #[arg(long, value_name = "FILE|-")]
    input: Option<PathBuf>,
    /// What it may reach, a JSON file as in a host's `grants`; nothing unless given.
    #[arg(long, value_name = "FILE")]
    grant: Option<PathBuf>,
    /// A secret and the file that holds it.
    #[arg(long, value_name = "NAME=FILE", value_parser = secret)]
    secret: Vec<(String, PathBuf)>,
    /// The unit on whose behalf.
    #[arg(long, value_name = "CODE", default_value = "")]
    unit: String,
    /// The call's time, RFC 3339: the only clock a pure plugin has.
    #[arg(long, value_name = "TIME")]
    now: Option<Timestamp>,
}

pub(super) fn secret(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((name, file)) if !name.is_empty() && !file.is_empty() => Ok((name.to_owned(), file.into())),
        _ => Err("write it as NAME=FILE".to_owned()),
    }
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let bytes = read_bytes(&args.file, MAX_PACKAGE)?;
    let json_or =
        |file: &Option<PathBuf>| file.as_ref().map_or_else(|| Ok(json!({})), |file| read_json(file, MAX_JSON));
    let (config, input) = (json_or(&args.config)?, json_or(&args.input)?);
    let grant = args.grant.as_deref().map(read_grant).transpose()?.unwrap_or_default();
    let secrets = read_secrets(&args.secret)?;
    let sandbox = sandbox()?;
    let package =
        sandbox.load(&bytes).map_err(|error| Failure::invalid(format_args!("{}: {error}", shown(&args.file))))?;
    let operation = Operation::from_json(package.manifest.kind, &config, &input).map_err(|error| {
        Failure::invalid(format_args!("the input does not fit a {}: {error}", package.manifest.kind))
    })?;
    let now = args.now.unwrap_or_else(Timestamp::now);
    let context = Context {
        call_id: "plugin-run".to_owned(),
        attempt: 1,
        unit: args.unit.clone(),
        now: u64::try_from(now.as_millisecond()).unwrap_or_default(),
        idempotency_key: "plugin-run".to_owned(),
    };
    let access = HostAccess { secrets: Arc::new(Secrets(secrets)), ..HostAccess::default() };
    let called = runtime()?.block_on(sandbox.call(&package, &context, &operation, &grant, &access, &Limits::default()));
    let called = called.map_err(|error| Failure::failed(format_args!("{}: {error}", package.manifest.name)))?;
    for line in &called.log {
        note(format_args!("log: {}", crate::text::plain(&format!("{line:?}"))));
    }
    print_json(&called.output.to_json())
}

/// A grant from a file.
pub(super) fn read_grant(file: &Path) -> Result<Grant, Failure> {
    let wrong = |error: &dyn std::fmt::Display| Failure::invalid(format_args!("{}: {error}", shown(file)));
    let grant = Grant::from_json(&read_text(file, MAX_JSON)?).map_err(|error| wrong(&error))?;
    check_folder(&grant).map_err(|why| wrong(&why))?;
    Ok(grant)
}

/// Secrets by name, from their files.
pub(super) fn read_secrets(files: &[(String, PathBuf)]) -> Result<BTreeMap<String, SecretValue>, Failure> {
    let mut secrets = BTreeMap::new();
    for (name, file) in files {
        let mut value = read_bytes(file, MAX_SECRET)?;
        // Editors end files with a line end; a secret is what stands before it.
        while value.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
            value.pop();
        }
        secrets.insert(name.clone(), value.into());
    }
    Ok(secrets)
}

/// Secrets from files.
pub(super) struct Secrets(pub(super) BTreeMap<String, SecretValue>);

impl huiyin_sandbox::SecretSource for Secrets {
    fn secret(&self, name: &str) -> Option<SecretValue> {
        self.0.get(name).cloned()
    }
}
