//! The commands, one file each.

pub(crate) mod account;
pub(crate) mod approval;
pub(crate) mod audit;
pub(crate) mod bench;
pub(crate) mod binding;
pub(crate) mod canary;
pub(crate) mod case;
pub(crate) mod completions;
pub(crate) mod cron;
pub(crate) mod deadline;
pub(crate) mod demo;
pub(crate) mod item;
pub(crate) mod journal;
pub(crate) mod plugin;
pub(crate) mod policy;
pub(crate) mod report;
pub(crate) mod risk;
pub(crate) mod run;
pub(crate) mod schedule;
pub(crate) mod secret;
pub(crate) mod serve;
pub(crate) mod source;
pub(crate) mod task;
pub(crate) mod workflow;
