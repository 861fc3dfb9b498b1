//! The features of `tests/conformance/features`, each scenario also with
//! crashes; and, where `HUIYIN_CTK` names a folder of `.feature` files, such as
//! the specification's `ctk/features`, those too.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use huiyin_conformance::world::Rig;
use huiyin_conformance::{project, trials};
use libtest_mimic::{Arguments, Completion, Trial};

fn main() -> ExitCode {
    match all() {
        Ok(trials) => libtest_mimic::run(&Arguments::from_args(), trials).exit_code(),
        Err(why) => {
            eprintln!("{why}");
            ExitCode::from(2)
        }
    }
}

fn all() -> Result<Vec<Trial>, String> {
    let rig = Arc::new(Rig::new()?);
    let mut all = trials::of(&rig, &project("tests/conformance/features"), "features", true)?;
    match std::env::var_os("HUIYIN_CTK") {
        Some(folder) => all.extend(trials::of(&rig, &PathBuf::from(folder), "ctk", true)?),
        None => all.push(Trial::ignorable_test("ctk", || {
            Ok(Completion::ignored_with("NOT RUN: HUIYIN_CTK does not name the specification's ctk/features"))
        })),
    }
    Ok(all)
}
