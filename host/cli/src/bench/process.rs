//! A host as a process: how soon it is ready, how much memory it holds.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::{Row, Scratch};
use crate::output::Failure;

/// Starts that are measured, after one that fills the cache.
const STARTS: usize = 5;

/// Ready, and resident when ready, with every built-in plugin loaded; beside
/// the same program doing nothing at all.
pub(super) fn start(folder: &Path) -> Result<Vec<Row>, Failure> {
    let scratch = Scratch::new(folder)?;
    let program = std::env::current_exe().map_err(Failure::failed)?;
    let mut nothing = Vec::new();
    for _ in 0..STARTS {
        let began = Instant::now();
        Command::new(&program).arg("--version").stdout(Stdio::null()).status().map_err(Failure::failed)?;
        nothing.push(began.elapsed());
    }
    let (mut ready, mut resident) = (Vec::new(), Vec::new());
    for start in 0..=STARTS {
        let (time, bytes) = once(&program, &scratch.0.join("data"))?;
        if start > 0 {
            ready.push(time);
            resident.push(bytes);
        }
    }
    let ms = |times: &mut Vec<Duration>| {
        times.sort_unstable();
        times[times.len() / 2].as_secs_f64() * 1e3
    };
    resident.sort_unstable();
    let size = std::fs::metadata(&program).map_err(Failure::failed)?.len();
    const MIB: f64 = 1_048_576.0;
    Ok(vec![
        Row::new("start", ms(&mut ready), "ms to ready", ms(&mut nothing), "ms, the program saying its version"),
        Row::new("resident", resident[STARTS / 2] as f64 / MIB, "MiB", size as f64 / MIB, "MiB, the program's file"),
    ])
}

fn once(program: &Path, data: &Path) -> Result<(Duration, u64), Failure> {
    let began = Instant::now();
    let mut child = Command::new(program)
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(data)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(Failure::failed)?;
    let mut ready = None;
    if let Some(stderr) = child.stderr.take() {
        let mut lines = BufReader::new(stderr).lines();
        if lines.by_ref().map_while(Result::ok).any(|line| line.starts_with("ready ")) {
            ready = Some(began.elapsed());
        }
        let resident = crate::process::memory(child.id(), "VmRSS");
        let _ = child.kill();
        let _ = child.wait();
        if let (Some(time), Some(bytes)) = (ready, resident) {
            return Ok((time, bytes));
        }
    }
    Err(Failure::failed("the host did not become ready; try `huiyin serve`"))
}
