//! `huiyin bench`: figures beside their limits.

use std::path::PathBuf;

use crate::bench;
use crate::output::{Failure, Output, note, print, print_json};

/// Measure this machine, each figure beside its limit
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  huiyin bench --only steps-3 --output json\n\nEvery row is measured together with its limit, in the same run. A row takes less than 30 seconds."
)]
pub(crate) struct Args {
    /// Only this row; may be given more than once.
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Where scratch folders are made: on the disk that is to be measured.
    #[arg(long, value_name = "DIR", default_value = ".")]
    dir: PathBuf,
}

pub(crate) fn run(args: &Args, output: Output) -> Result<(), Failure> {
    if cfg!(debug_assertions) {
        note("bench: this is a debug build; its figures say little. Use a release build.");
    }
    let rows = bench::measure(&args.dir, &args.only, |row| {
        if output == Output::Text {
            return print(format_args!(
                "{:<16} {:>12.3} {:<16} limit {:>12.3} {:<36} ratio {:.3}\n",
                row.name, row.value, row.unit, row.limit, row.limit_unit, row.ratio
            ));
        }
        Ok(())
    })?;
    if output == Output::Json { print_json(&rows) } else { Ok(()) }
}
