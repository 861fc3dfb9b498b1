//! `huiyin plugin`: building, looking at, trying and installing plugins.

mod build;
mod component;
mod inspect;
mod install;
mod run;
mod toolchain;

use clap::Subcommand;

use crate::output::{Failure, Output};

/// Plugins
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Build plugin crates into packages, <OUT>/<name>-<version>.wasm
    #[command(after_help = "Example:\n  huiyin plugin build plugins/collectors/feed --out build/plugins")]
    Build(build::Args),
    /// Show what a package says of itself, once that is found to be true
    #[command(after_help = "Example:\n  huiyin plugin inspect build/plugins/feed-0.1.0.wasm")]
    Inspect(inspect::Args),
    /// Call a plugin's own function once: JSON in, JSON out
    #[command(
        after_help = "Example:\n  echo '{\"items\": [{\"id\": \"1\", \"title\": \"山林火情\"}]}' | huiyin plugin run build/plugins/keyword-0.1.0.wasm --config rules.json --input -"
    )]
    Run(run::Args),
    /// Install a package into a data folder; the host has it from its next start
    #[command(after_help = "Example:\n  huiyin plugin install build/plugins/feed-0.1.0.wasm --data huiyin-data")]
    Install(install::Args),
}

pub(crate) fn run(args: &Args, output: Output) -> Result<(), Failure> {
    match &args.command {
        Command::Build(args) => build::run(args, output),
        Command::Inspect(args) => inspect::run(args, output),
        Command::Run(args) => run::run(args),
        Command::Install(args) => install::run(args, output),
    }
}
