//! What the host writes into its journal, one Rust type for each record type, and what the records of a partition add
//! up to.
//!
//! **Invariant:** what was once written is read for ever, and leads where it led: a record holds decided facts, and
//! applying one evaluates no expression, asks no plugin and looks at no clock (rule 1).
//!
//! | module | for |
//! |---|---|
//! | [`record`] | the record types, there and back |
//! | [`state`] | what a partition knows: a function of its journal |
//! | [`ended`] | runs that have ended, as far as they are still known |
//! | [`event_dedup`] | events taken in lately, and those not finished with |
//! | [`once`] | what was asked under a name before |
//! | [`bindings`] | what slots stand for beyond the configuration |
//! | [`plugins`] | what people installed and granted, and whom they trust |

pub mod bindings;
pub mod ended;
pub mod event_dedup;
pub mod once;
pub mod plugins;
pub mod record;
pub mod state;
