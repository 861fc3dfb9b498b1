//! Plugins that mean harm, each with the reason it must be stopped for, and
//! what is needed to try them: honest calls to run beside them, servers that
//! answer badly, and a look at the memory of the process.
//!
//! One entry of [`cases`] is one plugin. Nothing but tests may load them.

// A target's panic is what it is for; a case is written to be read, not to be fast.
#![allow(clippy::missing_panics_doc, clippy::assigning_clones)]

pub mod case;
pub mod cases;
pub mod honest;
pub mod memory;
pub mod names;
pub mod servers;
pub mod table;
pub mod targets;
pub mod trial;
