//! The `huiyin` program; everything is in the library, so that a test can
//! build the same program over a disk that fails.

use std::process::ExitCode;

/// A record is made on one thread and freed on another: the system's own
/// allocator spends a quarter of a busy host's time on that, mostly in locks.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    huiyin_cli::main_with(huiyin_cli::Setup::default())
}
