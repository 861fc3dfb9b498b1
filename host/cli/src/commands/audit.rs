//! `huiyin audit`: checking the log, from within and from outside.

mod check;
mod prove;
mod store;
mod verify;

use clap::Subcommand;

use crate::output::{Failure, Output};

/// The verifiable log
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Compute the whole log again from its records and hold it to every signed checkpoint
    #[command(
        after_help = "Example:\n  huiyin audit verify --data huiyin-data\n\nExit 0: it is whole; 1: it is not; 3: it cannot be read."
    )]
    Verify(verify::Args),
    /// Print a document that proves a record to be in the log
    #[command(after_help = "Example:\n  huiyin audit prove --record 0/17 --data huiyin-data > proof.json")]
    Prove(prove::Args),
    /// Check proof documents; needs nothing but them
    #[command(
        after_help = "Example:\n  huiyin audit check proof.json --key bureau.example+1a2b3c4d+AbCd…\n\nExit 0: all hold; 1: one does not; 2: one is malformed."
    )]
    Check(check::Args),
}

pub(crate) fn run(args: &Args, output: Output) -> Result<(), Failure> {
    match &args.command {
        Command::Verify(args) => verify::run(args, output),
        Command::Prove(args) => prove::run(args),
        Command::Check(args) => check::run(args, output),
    }
}
