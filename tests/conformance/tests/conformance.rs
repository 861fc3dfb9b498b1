//! The features of `tests/conformance/features`, each scenario also with
//! crashes, and the examples beside them; and, where they are at hand, those of
//! the specification itself: `HUIYIN_CTK` names a folder of `.feature` files
//! such as its `ctk/features`, `HUIYIN_SPEC` a checkout of its repository.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use huiyin_conformance::examples::{self, Refused};
use huiyin_conformance::world::Rig;
use huiyin_conformance::{project, trials};
use libtest_mimic::{Arguments, Completion, Trial};

/// The specification's examples that are refused, each with the reason.
const REFUSED: &[Refused] = &[];

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
    let mut all = trials::of(&rig, &project("tests/conformance/features"), "features")?;
    all.extend(examples::of(&project("tests/conformance/examples"), "examples", &[])?);
    match std::env::var_os("HUIYIN_CTK") {
        Some(folder) => all.extend(trials::of(&rig, &PathBuf::from(folder), "ctk")?),
        None => all.push(not_run("ctk", "HUIYIN_CTK does not name the specification's folder ctk/features")),
    }
    match std::env::var_os("HUIYIN_SPEC") {
        Some(folder) => {
            all.extend(examples::of(&PathBuf::from(folder).join("examples"), "specification-examples", REFUSED)?);
        }
        None => all.push(not_run(
            "specification-examples",
            "HUIYIN_SPEC does not name a checkout of the specification's repository",
        )),
    }
    Ok(all)
}

/// Said aloud, and not counted as passed.
fn not_run(name: &str, why: &'static str) -> Trial {
    Trial::ignorable_test(name, move || Ok(Completion::ignored_with(format!("NOT RUN: {why}"))))
}
