//! Time as the regulation counts it: allowances, working days, due times, legal clocks, and schedules.
//!
//! **Invariant:** the same clock rules, calendars and times give the same due times, on any machine, at any moment.
//!
//! Everything here is pure. The present moment, ids and calendars are handed in; nothing reads a clock, a file
//! or the environment (the time-zone database is compiled in). This crate must never learn what a case, a
//! workflow or a journal is.
//!
//! | module | for |
//! |---|---|
//! | [`allowance`] | how long something may take: `PT1H`, `P2D`, `20wd`, `8wh` |
//! | [`calendar`] | which days are working days, when offices are open, and for which years that is published |
//! | [`mod@due`] | when an allowance ends |
//! | [`clock`] | a running deadline: warnings, one breach, satisfaction, correction, pause |
//! | [`cron`] | five-field cron expressions |
//! | [`schedule`] | when something that repeats fires next, and what was missed |

pub mod allowance;
pub mod calendar;
pub mod clock;
pub mod cron;
pub mod due;
mod office;
pub mod schedule;
mod stamp;
mod zone;

pub use allowance::{Allowance, AllowanceError};
pub use calendar::{Calendar, CalendarError};
pub use due::{DeadlineError, Due, due};
pub use zone::{Zone, ZoneError};
