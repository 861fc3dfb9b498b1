//! `huiyin audit`: checking the log, from within and from outside.

mod check;
mod prove;
mod replay;
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
    /// Make recorded calls of pure plugins again, and compare what comes out byte for byte
    #[command(
        after_help = "Example:\n  huiyin audit replay --data huiyin-data\n\nExit 0: no result is another; 1: one is; 2: there is no such record or call; 3: the log cannot be read. Calls that hit a limit, were redacted, or whose component is gone are named as such."
    )]
    Replay(replay::Args),
}

/// Reads a record's id.
fn record_id(text: &str) -> Result<(u32, u64), String> {
    let parsed = text
        .split_once('/')
        .and_then(|(partition, seq)| Some((partition.parse().ok()?, seq.parse().ok().filter(|seq| *seq > 0)?)));
    parsed.ok_or_else(|| "a record's id is PARTITION/SEQ, as in 0/17".to_owned())
}

pub(crate) fn run(args: &Args, output: Output) -> Result<(), Failure> {
    match &args.command {
        Command::Verify(args) => verify::run(args, output),
        Command::Prove(args) => prove::run(args),
        Command::Check(args) => check::run(args, output),
        Command::Replay(args) => replay::run(args, output),
    }
}
