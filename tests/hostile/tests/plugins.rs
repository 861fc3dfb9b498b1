//! Every hostile plugin of the table, as two tests: it is stopped as it must
//! be while honest calls beside it go on (`stopped`), and its repeats leave
//! nothing behind in the host's memory (`repeated`).
//!
//! Cheap cases are repeated 10,000 times. The others (those that end by wall
//! time, touch much memory, or have to be compiled) share 10,000 repeats here;
//! `make hostile` repeats each of them 10,000 times.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use huiyin_hostile::case::Case;
use huiyin_hostile::cases;
use huiyin_hostile::trial::Trial;
use libtest_mimic::{Arguments, Failed, Trial as Test};

/// Repeats of a case.
const REPEATS: usize = 10_000;

/// How much the process may grow over all repeats, in KiB: over ten thousand
/// of them, 210 bytes each.
const TOLERANCE_KIB: i64 = 2 << 10;

fn main() {
    let arguments = Arguments::from_args();
    // The table is made once; every test keeps to its own entry.
    let cases: &'static [Case] = Vec::leak(cases::all());
    let slow = cases.iter().filter(|case| case.slow).count();
    let all_of_them = std::env::var_os("HUIYIN_HOSTILE_ALL").is_some();
    let mut tests = Vec::new();
    for case in cases {
        let class = case.class.name();
        tests.push(Test::test(format!("stopped::{class}::{}", case.name), || stopped(case).map_err(Failed::from)));
        let count = if case.slow && !all_of_them { REPEATS.div_ceil(slow) } else { REPEATS };
        tests.push(Test::test(format!("repeated::{class}::{}", case.name), move || {
            repeated(case, count).map_err(Failed::from)
        }));
    }
    libtest_mimic::run(&arguments, tests).exit();
}

fn stopped(case: &'static Case) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    let trial = Arc::new(Trial::new(case, 64, Duration::from_millis(5))?);
    runtime.block_on(trial.beside_honest_calls())
}

/// In a process of its own, whose memory is nobody else's.
fn repeated(case: &Case, count: usize) -> Result<(), String> {
    let output = Command::new(env!("CARGO_BIN_EXE_huiyin-hostile"))
        .args(["repeat", case.name, &count.to_string()])
        .output()
        .map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr)));
    }
    let said = String::from_utf8_lossy(&output.stdout);
    let grown: i64 = said.trim().parse().map_err(|error| format!("`{said}`: {error}"))?;
    if grown > TOLERANCE_KIB {
        return Err(format!("the process grew by {grown} KiB over {count} repeats of `{}`", case.name));
    }
    Ok(())
}
