//! The limit of durability: what the disk's own `fdatasync` takes, for blocks
//! written one after the other into a file that has its size already.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::output::Failure;

/// The times of one write and sync, again and again.
pub(super) fn syncs(folder: &Path) -> Result<Vec<Duration>, Failure> {
    const BLOCK: [u8; 4096] = [7; 4096];
    const ROUNDS: usize = 100;
    let path = folder.join("sync");
    let took = || -> std::io::Result<Vec<Duration>> {
        let mut file = File::create(&path)?;
        for _ in 0..ROUNDS {
            file.write_all(&[0; 4096])?;
        }
        file.sync_all()?;
        let mut file = File::options().write(true).open(&path)?;
        let mut times = Vec::with_capacity(ROUNDS);
        for _ in 0..ROUNDS {
            let began = Instant::now();
            file.write_all(&BLOCK)?;
            file.sync_data()?;
            times.push(began.elapsed());
        }
        std::fs::remove_file(&path)?;
        Ok(times)
    };
    took().map_err(|e| Failure::failed(format_args!("{}: {e}", path.display())))
}
