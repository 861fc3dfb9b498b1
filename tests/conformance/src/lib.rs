//! Gherkin features of the workflow language, run against whole hosts: the
//! real interpreter, jq in the real sandbox, the real partition loop, a
//! virtual clock. Every scenario of our own is run again with a crash at each
//! place where the journal can end.
//!
//! It must never look into the host but through what the host shows anybody:
//! its API, its state, its journal.
//!
//! | module | for |
//! |---|---|
//! | [`feature`] | folders of `.feature` files, read |
//! | [`step`] | what a step's words mean |
//! | [`world`] | a scenario's host, clock and store; doing its steps |
//! | [`rest`] | when a host has nothing left to do but wait |
//! | [`checks`] | what a scenario expects |
//! | [`trace`] | which tasks ran, from the journal |
//! | [`store`] | a journal that survives its host, and ends where it is told |
//! | [`clock`] | time that passes when told |
//! | [`services`] | stand-ins for what workflows call |
//! | [`trials`] | scenarios as test cases |
//! | [`examples`] | example documents and their validation |

pub mod checks;
pub mod clock;
pub mod examples;
pub mod feature;
pub mod rest;
pub mod services;
pub mod step;
pub mod store;
pub mod trace;
pub mod trials;
pub mod world;

use std::path::PathBuf;

/// A file of the workspace.
pub fn project(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}
