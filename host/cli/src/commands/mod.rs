//! The commands, one file each.

pub(crate) mod audit;
pub(crate) mod completions;
pub(crate) mod cron;
pub(crate) mod deadline;
