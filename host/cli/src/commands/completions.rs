//! `huiyin completions`: the script that lets a shell complete commands.

use clap::CommandFactory as _;

use crate::output::{Failure, print};

/// Print the completion script of a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  huiyin completions bash > ~/.local/share/bash-completion/completions/huiyin")]
pub(crate) struct Args {
    /// The shell.
    shell: clap_complete::Shell,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut crate::Cli::command(), "huiyin", &mut script);
    print(String::from_utf8_lossy(&script))
}
