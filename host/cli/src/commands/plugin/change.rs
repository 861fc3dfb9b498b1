//! `huiyin plugin grant | revoke | remove`: what people do with the plugins of
//! a running host. All of it goes on record with who and why.

use std::path::PathBuf;

use serde_json::json;

use crate::client::{Client, HostArgs, segment};
use crate::output::{Failure, read_json};

/// The largest grant, in bytes.
const MAX_GRANT: u64 = 1 << 20;

#[derive(Debug, clap::Args)]
pub(super) struct GrantArgs {
    /// The plugin, `name:version`, or `name` for every version.
    plugin: String,
    /// What it may reach, a JSON file as in the configuration's `grants`, or - for stdin.
    #[arg(long, value_name = "FILE|-")]
    grant: PathBuf,
    #[command(flatten)]
    which: Which,
}

#[derive(Debug, clap::Args)]
pub(super) struct Revoke {
    /// The plugin, as it was granted.
    plugin: String,
    #[command(flatten)]
    which: Which,
}

#[derive(Debug, clap::Args)]
struct Which {
    /// On behalf of which unit, by code; * for all.
    #[arg(long, value_name = "CODE", default_value = "*")]
    unit: String,
    /// Why; it goes on record.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    host: HostArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct Remove {
    /// The plugin, `name:version`.
    plugin: String,
    /// Why; it goes on record.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    host: HostArgs,
}

pub(super) fn grant(args: &GrantArgs) -> Result<(), Failure> {
    let grant = read_json(&args.grant, MAX_GRANT)?;
    let Which { unit, reason, host } = &args.which;
    let body = json!({"unit": unit, "grant": grant, "reason": reason});
    Client::of(host)?.post(&format!("/v1/plugins/{}/grant", segment(&args.plugin)), &body).map(drop)
}

pub(super) fn revoke(args: &Revoke) -> Result<(), Failure> {
    let Which { unit, reason, host } = &args.which;
    let body = json!({"unit": unit, "reason": reason});
    Client::of(host)?.post(&format!("/v1/plugins/{}/revoke", segment(&args.plugin)), &body).map(drop)
}

pub(super) fn remove(args: &Remove) -> Result<(), Failure> {
    let body = json!({"reason": args.reason});
    Client::of(&args.host)?.post(&format!("/v1/plugins/{}/remove", segment(&args.plugin)), &body).map(drop)
}
