//! Checks that every reporter makes of its data, with errors that name the place as a JSON Pointer.

use jiff::civil;
use serde_json::Value;

use super::Statement;
use crate::Error;
use crate::time::{self, UtcOffset};

/// What is wrong, and where.
pub fn wrong(pointer: &str, why: &str) -> Error {
    Error::InvalidInput(format!("at {pointer}: {why}"))
}

/// The text, unless it is blank.
pub fn given(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

/// The text, which may not be blank.
///
/// # Errors
/// Where it is.
pub fn filled<'t>(pointer: &str, text: &'t str) -> Result<&'t str, Error> {
    given(Some(text)).ok_or_else(|| wrong(pointer, "it is empty"))
}

/// Whether a value says nothing: null, blank, or made of such.
pub fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(list) => list.iter().all(says_nothing),
        Value::Object(map) => map.values().all(says_nothing),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// A statement with at least one piece of evidence (clause 1b).
///
/// # Errors
/// Where the text is blank, or nothing shows it.
pub fn statement(pointer: &str, text: &str, evidence: &[String]) -> Result<Statement, Error> {
    let statement = Statement::new(filled(&format!("{pointer}/text"), text)?, evidence);
    if statement.ids().next().is_none() {
        let why = "no evidence; name the items or the evidence that show this (clause 1b, 尊重客观事实)";
        return Err(wrong(&format!("{pointer}/evidence"), why));
    }
    Ok(statement)
}

/// A time in RFC 3339, in milliseconds since the Unix epoch.
///
/// # Errors
/// Where it is none.
pub fn instant(pointer: &str, text: &str) -> Result<u64, Error> {
    time::parse(text, UtcOffset::default()).ok_or_else(|| {
        wrong(pointer, &format!("{text:?} is no time since 1990; write RFC 3339, such as 2024-03-01T08:30:00+08:00"))
    })
}

/// A day of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date(civil::Date);

impl Date {
    /// For people: `2026年3月1日`.
    pub fn zh(self) -> String {
        format!("{}年{}月{}日", self.0.year(), self.0.month(), self.0.day())
    }

    /// Its year.
    pub fn year(self) -> i16 {
        self.0.year()
    }
}

impl std::fmt::Display for Date {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// A day, written `2026-03-01`.
///
/// # Errors
/// Where it is none.
pub fn date(pointer: &str, text: &str) -> Result<Date, Error> {
    let plain = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    let day = plain.then(|| text.parse().ok()).flatten();
    day.map(Date).ok_or_else(|| wrong(pointer, &format!("{text:?} is no day; write it as 2026-03-01")))
}

/// How long, for people: `42分钟`, `1小时5分钟`.
pub fn elapsed(milliseconds: u64) -> String {
    let minutes = milliseconds / 60_000;
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes}分钟"),
        (hours, minutes) => format!("{hours}小时{minutes}分钟"),
    }
}

#[cfg(test)]
mod tests {
    use super::date;

    #[test]
    fn a_day_is_written_in_one_way() {
        assert_eq!(date("/to", "2026-03-01").map(super::Date::zh).as_deref(), Ok("2026年3月1日"));
        for text in ["", "2026-3-1", "2026-02-29", "20260301", "2026-03-01T00:00:00Z", "二〇二六年三月一日"] {
            assert!(date("/to", text).unwrap_err().to_string().contains("at /to"), "{text}");
        }
    }
}
