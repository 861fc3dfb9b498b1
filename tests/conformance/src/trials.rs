//! Scenarios as test cases: each once as it stands, and again
//! with a crash at every place where its journal can end.

use std::path::Path;
use std::sync::Arc;

use libtest_mimic::{Failed, Trial};

use crate::feature::{self, Scenario};
use crate::store::Crash;
use crate::world::{self, Mode, Outcome, Rig};

/// Failures after which no more crashes are tried: each may take its time.
const ENOUGH: usize = 3;

/// Appends that a scenario may make beyond twice those of its first run.
const MORE: u64 = 10;

/// The scenarios of a folder as test cases under a common prefix.
///
/// # Errors
/// What cannot be read.
pub fn of(rig: &Arc<Rig>, folder: &Path, prefix: &str) -> Result<Vec<Trial>, String> {
    let scenarios = feature::read(folder).map_err(|problems| problems.join("\n"))?;
    let mut trials = Vec::new();
    for scenario in scenarios {
        let scenario = Arc::new(scenario);
        let plain = (Arc::clone(rig), Arc::clone(&scenario));
        trials.push(Trial::test(format!("{prefix}::{}", scenario.name), move || {
            let (rig, scenario) = plain;
            world::run(&rig, &scenario, Mode { crash: None, on_disk: false }).map(drop).map_err(Failed::from)
        }));
        let rig = Arc::clone(rig);
        trials.push(Trial::test(format!("{prefix}-crashing::{}", scenario.name), move || {
            crashing(&rig, &scenario).map_err(Failed::from)
        }));
    }
    Ok(trials)
}

/// Crashes a scenario wherever it can be crashed, in memory; once on the disk.
fn crashing(rig: &Arc<Rig>, scenario: &Scenario) -> Result<(), String> {
    let plain = world::run(rig, scenario, Mode { crash: None, on_disk: false })?;
    let mut wrong = Vec::new();
    for seen in [false, true] {
        // A run that is timed otherwise may make a few more.
        for after in 1..=plain.appends * 2 + MORE {
            let crash = Crash { after, seen };
            match crashed(rig, scenario, crash, false, &plain) {
                Ok(true) => {}
                Ok(false) => break,
                Err(why) => wrong.push(format!("{crash}: {why}")),
            }
            if wrong.len() == ENOUGH {
                break;
            }
        }
    }
    // The files' own part in it is tested elsewhere; here that both fit together.
    let crash = Crash { after: plain.appends.div_ceil(2), seen: false };
    if let Err(why) = crashed(rig, scenario, crash, true, &plain) {
        wrong.push(format!("{crash}, on the disk: {why}"));
    }
    match wrong.first() {
        None => Ok(()),
        Some(first) => Err(format!("{} crashes were not outlived; the first:\n{first}", wrong.len())),
    }
}

/// One crash; whether it came.
fn crashed(rig: &Arc<Rig>, scenario: &Scenario, crash: Crash, on_disk: bool, plain: &Outcome) -> Result<bool, String> {
    let again = world::run(rig, scenario, Mode { crash: Some(crash), on_disk })?;
    if again.runs != plain.runs && !again.person {
        return Err(format!("another outcome:\n  {:?}\ninstead of\n  {:?}", again.runs, plain.runs));
    }
    for (request, times) in &again.asked {
        let once = plain.asked.iter().find(|(known, _)| known == request).map_or(0, |(_, times)| *times);
        let repeatable = ["GET ", "HEAD ", "PUT ", "DELETE "].iter().any(|method| request.starts_with(method));
        if *times > once && !(repeatable && once > 0) {
            return Err(format!("`{request}` was asked {times} times instead of {once}"));
        }
    }
    Ok(again.crashed)
}
