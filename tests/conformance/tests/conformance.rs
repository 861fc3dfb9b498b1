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

/// `docs/reference/dsl.md`.
const PROTOCOL: &str = "protocols other than HTTP are refused at deployment for the present";
/// No ambient authority: what a workflow reaches was granted by an admin.
const REACH: &str = "it would reach past what was granted; written as a plugin it runs in the sandbox";

/// The specification's examples that are refused, each with the reason.
#[rustfmt::skip] // a table
const REFUSED: &[Refused] = &[
    Refused { file: "call-asyncapi-publish", at: "/do/0/findPet/call", says: "`call: asyncapi` is not supported yet", why: PROTOCOL },
    Refused { file: "call-asyncapi-subscribe-consume-amount", at: "/do/0/getNotifications/call", says: "`call: asyncapi` is not supported yet", why: PROTOCOL },
    Refused { file: "call-asyncapi-subscribe-consume-forever-foreach", at: "/do/0/getNotifications/call", says: "`call: asyncapi` is not supported yet", why: PROTOCOL },
    Refused { file: "call-asyncapi-subscribe-consume-until", at: "/do/0/getNotifications/call", says: "`call: asyncapi` is not supported yet", why: PROTOCOL },
    Refused { file: "call-asyncapi-subscribe-consume-while", at: "/do/0/getNotifications/call", says: "`call: asyncapi` is not supported yet", why: PROTOCOL },
    Refused { file: "call-custom-function-cataloged", at: "/do/0/log/call", says: "a function from elsewhere, is refused", why: REACH },
    Refused { file: "call-grpc", at: "/do/0/greet/call", says: "`call: grpc` is not supported yet", why: PROTOCOL },
    Refused { file: "call-mcp", at: "/do/0/publishMessageToSlack/call", says: "`call: mcp` is not supported yet", why: PROTOCOL },
    Refused { file: "run-container", at: "/do/0/runContainer/run/container", says: "`run: container` is refused", why: REACH },
    Refused { file: "run-container-cleanup-always", at: "/do/0/runContainer/run/container", says: "`run: container` is refused", why: REACH },
    Refused { file: "run-container-cleanup-eventually", at: "/do/0/runContainer/run/container", says: "`run: container` is refused", why: REACH },
    Refused { file: "run-container-stdin-and-arguments", at: "/do/1/runContainer/run/container", says: "`run: container` is refused", why: REACH },
    Refused { file: "run-container-with-name", at: "/do/0/runContainer/run/container", says: "`run: container` is refused", why: REACH },
    Refused { file: "run-container-with-pull-policy", at: "/do/0/runContainer/run/container", says: "`run: container` is refused", why: REACH },
    Refused { file: "run-return-all", at: "/do/0/runContainer/run/container", says: "`run: container` is refused", why: REACH },
    Refused { file: "run-return-code", at: "/do/0/runContainer/run/container", says: "`run: container` is refused", why: REACH },
    Refused { file: "run-return-none", at: "/do/0/runContainer/run/container", says: "`run: container` is refused", why: REACH },
    Refused { file: "run-return-stderr", at: "/do/0/runContainer/run/container", says: "`run: container` is refused", why: REACH },
    Refused { file: "run-script-with-stdin-and-arguments", at: "/do/0/runScript/run/script", says: "`run: script` is refused", why: REACH },
    Refused { file: "run-shell-stdin-and-arguments", at: "/do/1/runShell/run/shell", says: "`run: shell` is refused", why: REACH },
];

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
