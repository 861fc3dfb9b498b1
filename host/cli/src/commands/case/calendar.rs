//! `huiyin case calendar`: the clocks of a unit as a file for calendar programs.

use std::path::PathBuf;

use crate::client::{Client, HostArgs, segment};
use crate::output::{Failure, note, print};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The unit that leads the cases, or has a part in a task.
    #[arg(long, value_name = "UNIT")]
    unit: String,
    /// The file; `-` for stdout.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    host: HostArgs,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let text = Client::of(&args.host)?.text(&format!("/v1/units/{}/clocks.ics", segment(&args.unit)))?;
    if args.out.as_os_str() == "-" {
        return print(text);
    }
    let clocks = text.lines().filter(|line| *line == "BEGIN:VTODO").count();
    std::fs::write(&args.out, text)
        .map_err(|error| Failure::invalid(format_args!("--out {}: {error}", args.out.display())))?;
    note(format_args!("{}: {clocks} 个时限 ({clocks} clocks)", args.out.display()));
    Ok(())
}
