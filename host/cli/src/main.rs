//! The `huiyin` program; everything is in the library, so that a test can
//! build the same program over a disk that fails.

use std::process::ExitCode;

fn main() -> ExitCode {
    huiyin_cli::main_with(huiyin_cli::Setup::default())
}
