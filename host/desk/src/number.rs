//! Case numbers after GB/T 35965.1: region, agency, unit and extension,
//! the time of opening, and a running number.

use std::fmt;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// The fourteen digits that name who counts: 6 region (GB/T 2260), 3 agency,
/// 3 unit, 2 extension.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Prefix {
    /// Six digits, GB/T 2260.
    pub region: String,
    /// Three digits.
    pub agency: String,
    /// Three digits.
    pub unit: String,
    /// Two digits.
    pub ext: String,
}

impl Prefix {
    /// The number of a case opened at `at`: the `n`-th of its second.
    /// The time is written in the pack's zone, as on paper.
    pub fn number(&self, at: Timestamp, zone: &TimeZone, n: u32) -> String {
        let local = zone.to_datetime(at);
        format!("{self}_{}_{n}", local.strftime("%Y%m%d%H%M%S"))
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{}{}", self.region, self.agency, self.unit, self.ext)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_holds_place_time_and_count() {
        let prefix = Prefix {
            region: "530599".to_owned(),
            agency: "061".to_owned(),
            unit: "002".to_owned(),
            ext: "00".to_owned(),
        };
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        let at = "2026-03-01T16:30:05Z".parse().unwrap();
        assert_eq!(prefix.number(at, &zone, 3), "53059906100200_20260302003005_3");
    }
}
