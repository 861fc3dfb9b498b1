//! `huiyin audit`: checking the log, from within and from outside.

mod check;

use clap::Subcommand;

use crate::output::{Failure, Output};

/// The verifiable log.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check proof documents; needs nothing but them. Exit 0: all hold; 1: one does not; 2: one is malformed.
    #[command(after_help = "Example:\n  huiyin audit check proof.json --key bureau.example+1a2b3c4d+AbCd…")]
    Check(check::Args),
}

/// Runs the command.
///
/// # Errors
/// When something is wrong with the log or the proof, or cannot be read.
pub(crate) fn run(args: &Args, output: Output) -> Result<(), Failure> {
    match &args.command {
        Command::Check(args) => check::run(args, output),
    }
}
