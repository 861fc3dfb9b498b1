//! How long something may take. Three kinds, never mixed: time that runs round the clock, working days, and working
//! time, which runs in office hours only.

use std::fmt;
use std::str::FromStr;

use jiff::fmt::temporal::SpanParser;
use jiff::{SignedDuration, SpanRelativeTo};
use serde::{Deserialize, Serialize};

/// An allowance of time. In JSON and text: `"PT1H"`, `"P2D"`, `"20wd"`, `"8wh"`, `"90wm"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Allowance {
    /// Elapsed time, running round the clock, more than zero. A day is 24 hours: `P2D` is 48 hours.
    /// Shown in hours, minutes and seconds, whatever units it was written in.
    Elapsed(SignedDuration),
    /// Whole working days of a calendar, at least one; the first day is not counted (see [`crate::due()`]).
    WorkingDays(u16),
    /// Minutes of the office hours of a calendar, at least one: `8wh` is eight hours of them. Shown in hours where
    /// they are whole.
    WorkingMinutes(u16),
}

/// A text that is no allowance.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is no allowance: {why}; {hint}")]
pub struct AllowanceError {
    /// What was given.
    pub text: String,
    /// What is wrong with it.
    pub why: &'static str,
    /// How to mend it.
    pub hint: &'static str,
}

const FORMS: &str = "write elapsed time as \"PT1H\", \"PT90M\" or \"P2D\", working days as \"2wd\", office hours as \"8wh\" or \"90wm\"";

/// Parses an ISO 8601 duration of more than zero, in weeks, days (24 hours) or smaller units.
///
/// Years and months are refused: they have no fixed length.
pub fn parse_duration(text: &str) -> Result<SignedDuration, AllowanceError> {
    let error = |why, hint| AllowanceError { text: text.to_owned(), why, hint };
    if !text.starts_with('P') {
        return Err(error("an ISO 8601 duration starts with \"P\"", FORMS));
    }
    let span = SpanParser::new().parse_span(text).map_err(|_| error("it is not an ISO 8601 duration", FORMS))?;
    if span.get_years() != 0 || span.get_months() != 0 {
        return Err(error(
            "years and months have no fixed length",
            "give days (\"P30D\") or working days (\"20wd\"); minutes come after a T (\"PT5M\")",
        ));
    }
    let duration = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| error("it is too long", FORMS))?;
    if !duration.is_positive() {
        return Err(error("it must be more than zero", FORMS));
    }
    Ok(duration)
}

impl FromStr for Allowance {
    type Err = AllowanceError;

    fn from_str(text: &str) -> Result<Self, AllowanceError> {
        let error = |why, hint| AllowanceError { text: text.to_owned(), why, hint };
        // None is a number beyond all that is taken.
        let counted = |digits: &str, not: &'static str, zero: &'static str| {
            if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
                return Err(error(not, FORMS));
            }
            match digits.parse::<u16>() {
                Ok(0) => Err(error(zero, FORMS)),
                count => Ok(count.ok()),
            }
        };
        if let Some(days) = text.strip_suffix("wd") {
            let days = counted(days, "working days are a whole number", "it must be at least one working day")?;
            return days.map(Self::WorkingDays).ok_or_else(|| error("it is more than 65535 working days", FORMS));
        }
        let (digits, minutes) = match (text.strip_suffix("wh"), text.strip_suffix("wm")) {
            (Some(hours), _) => (hours, 60),
            (None, Some(minutes)) => (minutes, 1),
            (None, None) => return parse_duration(text).map(Self::Elapsed),
        };
        let count =
            counted(digits, "working time is a whole number", "it must be at least one minute of office hours")?;
        count
            .and_then(|count| count.checked_mul(minutes))
            .map(Self::WorkingMinutes)
            .ok_or_else(|| error("it is more than 1092 office hours", "write it in working days, such as \"20wd\""))
    }
}

impl Allowance {
    /// Both after each other; none where they are of different kinds, or too long together.
    pub fn and(&self, more: &Self) -> Option<Self> {
        match (self, more) {
            (Self::Elapsed(a), Self::Elapsed(b)) => a.checked_add(*b).map(Self::Elapsed),
            (Self::WorkingDays(a), Self::WorkingDays(b)) => a.checked_add(*b).map(Self::WorkingDays),
            (Self::WorkingMinutes(a), Self::WorkingMinutes(b)) => a.checked_add(*b).map(Self::WorkingMinutes),
            _ => None,
        }
    }

    /// Whether it is no longer than the other; none where the two are of different kinds.
    pub fn within(&self, other: &Self) -> Option<bool> {
        match (self, other) {
            (Self::Elapsed(a), Self::Elapsed(b)) => Some(a <= b),
            (Self::WorkingDays(a), Self::WorkingDays(b)) | (Self::WorkingMinutes(a), Self::WorkingMinutes(b)) => {
                Some(a <= b)
            }
            _ => None,
        }
    }
}

impl fmt::Display for Allowance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Elapsed(duration) => write!(f, "{duration}"),
            Self::WorkingDays(days) => write!(f, "{days}wd"),
            Self::WorkingMinutes(minutes) if minutes % 60 == 0 => write!(f, "{}wh", minutes / 60),
            Self::WorkingMinutes(minutes) => write!(f, "{minutes}wm"),
        }
    }
}

impl TryFrom<String> for Allowance {
    type Error = AllowanceError;
    fn try_from(text: String) -> Result<Self, AllowanceError> {
        text.parse()
    }
}

impl From<Allowance> for String {
    fn from(allowance: Allowance) -> Self {
        allowance.to_string()
    }
}

/// JSON of a duration that has already happened (a lateness): ISO 8601, zero allowed.
pub(crate) mod iso {
    use jiff::SignedDuration;
    use jiff::fmt::temporal::SpanParser;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    #[allow(clippy::trivially_copy_pass_by_ref)] // the shape serde asks for
    pub(crate) fn serialize<S: Serializer>(value: &SignedDuration, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(value)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<SignedDuration, D::Error> {
        let text = String::deserialize(from)?;
        SpanParser::new()
            .parse_duration(&text)
            .map_err(|_| D::Error::custom(format!("\"{text}\" is no ISO 8601 duration; write it as \"PT1H30M\"")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn elapsed_time_is_measured_in_real_hours() {
        let hours = |h| Allowance::Elapsed(SignedDuration::from_hours(h));
        assert_eq!("PT1H".parse(), Ok(hours(1)));
        assert_eq!("P2D".parse(), Ok(hours(48)));
        assert_eq!("P1W".parse(), Ok(hours(168)));
        assert_eq!("PT90M".parse(), Ok(Allowance::Elapsed(SignedDuration::from_mins(90))));
        assert_eq!("2wd".parse(), Ok(Allowance::WorkingDays(2)));
        assert_eq!("8wh".parse(), Ok(Allowance::WorkingMinutes(480)));
        assert_eq!("90wm".parse(), Ok(Allowance::WorkingMinutes(90)));
        assert_eq!(Allowance::WorkingMinutes(120).to_string(), "2wh");
    }

    #[test]
    fn what_has_no_fixed_length_or_no_sense_is_refused_with_a_hint() {
        for (text, why) in [
            ("P1M", "no fixed length"),
            ("P1Y", "no fixed length"),
            ("P1Y2DT3H", "no fixed length"),
            ("PT0S", "more than zero"),
            ("-PT1H", "starts with"),
            ("1 hour", "starts with"),
            ("", "starts with"),
            ("P", "not an ISO 8601"),
            ("PT", "not an ISO 8601"),
            ("PTH", "not an ISO 8601"),
            ("0wd", "at least one"),
            ("-1wd", "whole number"),
            ("1.5wd", "whole number"),
            ("wd", "whole number"),
            ("65536wd", "65535"),
            ("0wh", "at least one minute"),
            ("1.5wh", "whole number"),
            ("wm", "whole number"),
            ("1093wh", "1092 office hours"),
            ("65536wm", "1092 office hours"),
            ("PT99999999999999999H", "not an ISO 8601"),
        ] {
            let error = text.parse::<Allowance>().unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
            assert!(
                error.contains("\"P30D\"") || error.contains("\"2wd\"") || error.contains("\"20wd\""),
                "{text}: {error}"
            );
        }
    }

    proptest! {
        #[test]
        fn display_round_trips(seconds in 1i64..10_000_000_000, nanos in 0i32..1_000_000_000, days in 1u16..) {
            for allowance in [
                Allowance::Elapsed(SignedDuration::new(seconds, nanos)),
                Allowance::WorkingDays(days),
                Allowance::WorkingMinutes(days),
            ] {
                prop_assert_eq!(allowance.to_string().parse(), Ok(allowance));
            }
        }

        #[test]
        fn parsing_never_panics(text in ".*") {
            let _ = text.parse::<Allowance>();
        }
    }
}
