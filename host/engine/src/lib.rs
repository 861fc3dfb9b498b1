//! The shell that makes Huiyin live: partitions, workers, timers, effects,
//! schedules. It joins the rooms below it and decides nothing that belongs to
//! them: domain rules live in `huiyin-desk` and `huiyin-deadline`, the
//! workflow language in `huiyin-flow`.
//!
//! **Invariant:** every change of the host is a record first, and nothing leaves before the record that caused it
//! is durable.
//!
//! | module | for |
//! |---|---|
//! | [`engine`] | the host as one thing: what the API and the command line call |
//! | [`start`] | opening the store, bringing the configuration into force |
//! | [`shell`] | a partition alive: inbox, journal, timer |
//! | [`turn`] | a run's turn: interpreting, expressions, pure calls |
//! | [`worker`], `inline_turns` | the threads on which turns are taken, and turns that need none |
//! | [`fair`], [`admission`] | whose turn it is among units, and how many calls may be out at once |
//! | `directory` | where a thing lives, and who may act on it |
//! | [`intake`] | items and events that are pushed in |
//! | [`cloud_event`] | what makes an event one |
//! | [`rebind`], [`canary_comparison`] | what slots stand for, changed while the host runs; plugins tried beside them |
//! | [`schedules`] | schedules as people see and steer them |
//! | [`item_conversion`] | items as the floor reads and the desk keeps them |
//! | [`replay`] | recorded calls of pure plugins, made again |
//! | [`effects`] | plugin calls and requests that reach outside |
//! | [`limits`] | what a call may use, by host, plugin and unit |
//! | [`requests`] | workflows' own requests: HTTP, OpenAPI, who asks |
//! | [`plan`] | a deployment carried out, whatever comes in between |
//! | [`lifecycle`] | telling others what workflows do |
//! | [`keeper`] | the views' own thread: nobody waits for them |
//! | [`ledger`] | the audit tree and its checkpoints |

#[cfg(all(feature = "planted", not(debug_assertions)))]
compile_error!(
    "the feature `planted` puts faults on purpose into the engine and is for tests only; \
     build a release with `cargo build --release --package huiyin`"
);

mod acting;
pub mod admission;
mod commands;
pub mod config;
pub mod deploy;
mod directory;
pub mod effects;
pub mod engine;
pub mod held;
pub mod id_source;
mod inline_budget;
mod inline_turns;
pub mod intake;
pub mod keeper;
pub mod ledger;
pub mod lifecycle;
mod names;
pub mod packages;
mod partition_handle;
pub mod plan;
mod plugin_store;
pub mod policy;
pub mod publishers;
pub mod reading;
pub mod rebind;
mod records;
pub mod replay;
pub mod requests;
mod restore;
mod run_control;
pub mod schedules;
mod seats;
pub mod shell;
pub mod snapshot_writer;
pub mod sources;
pub mod space;
pub mod start;
pub mod turn;
pub mod worker;

pub use engine::{Engine, InForce, Submission};
pub use huiyin_fairness as fair;
pub use huiyin_flow::cloud_event;
pub use huiyin_partition::partition::{Activity, Delivered, Refusal, actor_from_headers, actor_in_headers};
#[cfg(feature = "planted")]
pub use huiyin_partition::planted;
pub use huiyin_partition::{canary, commit, deployed, extension, partition, value_limits, watched_source};
pub use huiyin_records::{bindings, ended, event_dedup, once, plugins, record, state};
pub use huiyin_registry::{
    baseline, calls, canary_comparison, catalog, evaluator, grants, house, item_conversion, limits, resolve, trust,
};
pub use huiyin_secrets as secrets;
pub use start::{Options, StartError};
