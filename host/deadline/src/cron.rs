//! Cron expressions of five fields: minute, hour, day of month, month, day of week.
//!
//! What they mean follows Vixie cron:
//!
//! - Sunday is 0 or 7; months and weekdays have English names of three letters; lists, ranges and steps combine.
//! - If both day fields are restricted, a day needs to match only one of them. A field that starts with `*` counts
//!   as unrestricted for this rule, even `*/2`; then a day must match both.
//! - When clocks change: a job whose minute or hour field starts with `*` goes by real time, so it skips what the
//!   wall clock skips and runs again in an hour that is repeated. Any other job runs once for each time it names:
//!   a time that is skipped runs at the first instant after the gap, a time that is repeated runs the first time.
//!
//! Beyond Vixie: `5/15` means `5-59/15`, and a range may end in `sun` (`fri-sun`). Also `@hourly`, `@daily`,
//! `@midnight`, `@weekly`, `@monthly`, `@yearly`, `@annually`. Times are found up to the year 2100.
//!
//! Reading (with places and hints in errors) and clock changes are ours; walking the calendar is the `cron`
//! crate's. `docs/decisions/0002-cron.md` says why, and what was measured.

#[cfg(test)]
mod croniter_tests;
mod parse;
mod search;
#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

pub use parse::{CronError, Field};

/// A cron expression.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cron {
    source: String,
    /// Vixie's star in the minute or hour field: the job goes by real time when clocks change.
    by_real_time: bool,
    days: search::Civil,
}

impl Cron {
    /// Reads an expression.
    pub fn parse(expression: &str) -> Result<Self, CronError> {
        let fields = parse::fields(expression)?;
        let days = search::Civil::new(&fields).map_err(|why| parse::unsupported(expression, why))?;
        Ok(Self { source: expression.to_owned(), by_real_time: fields.minute.star || fields.hour.star, days })
    }

    /// The first time after `after` (never `after` itself), with the fields read in `zone`. None if there is no
    /// such time up to the year 2100: `0 0 31 2 *` never comes.
    pub fn next_after(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        if self.by_real_time {
            search::by_real_time(&self.days, after, zone)
        } else {
            search::by_wall_clock(&self.days, after, zone)
        }
    }

    /// The expression as it was written.
    pub fn as_str(&self) -> &str {
        &self.source
    }
}

impl PartialEq for Cron {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for Cron {}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

impl FromStr for Cron {
    type Err = CronError;
    fn from_str(expression: &str) -> Result<Self, CronError> {
        Self::parse(expression)
    }
}

impl TryFrom<String> for Cron {
    type Error = CronError;
    fn try_from(expression: String) -> Result<Self, CronError> {
        Self::parse(&expression)
    }
}

impl From<Cron> for String {
    fn from(cron: Cron) -> Self {
        cron.source
    }
}
