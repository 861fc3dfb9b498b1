//! Times as sources write them, and as officers read them. Pure: there is no
//! clock here, only [`Context::now`](crate::Context::now) knows the time.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::fmt::rfc2822;
use jiff::tz::Offset;

/// Reads a time: RFC 3339, RFC 2822, or a date with or without a clock time
/// in the forms common in China (`2024-03-01 08:30`, `2024/3/1`,
/// `2024年3月1日 08:30`). `offset` holds where the text names no zone.
///
/// Gives milliseconds since the Unix epoch; none where it is no time, or one
/// before 1970.
pub fn parse(text: &str, offset: UtcOffset) -> Option<u64> {
    let text = text.trim();
    let instant = text
        .parse::<Timestamp>()
        .ok()
        .or_else(|| {
            let parser = rfc2822::DateTimeParser::new().relaxed_weekday(true);
            parser.parse_timestamp(text).ok()
        })
        .or_else(|| civil(text).and_then(|local| offset.0.to_timestamp(local).ok()))?;
    u64::try_from(instant.as_millisecond()).ok()
}

/// A date of numbers parted by anything, then perhaps a clock time.
fn civil(text: &str) -> Option<DateTime> {
    if let Ok(there) = text.parse::<DateTime>() {
        return Some(there);
    }
    let mut numbers = text.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty()).map(str::parse::<i16>);
    let year = numbers.next()?.ok()?;
    if year < 1000 {
        return None;
    }
    let mut small = || -> Option<i8> { numbers.next()?.ok()?.try_into().ok() };
    let date = Date::new(year, small()?, small()?).ok()?;
    let Some(hour) = small() else {
        return Some(date.at(0, 0, 0, 0));
    };
    let (minute, second) = (small()?, small().unwrap_or(0));
    DateTime::new(date.year(), date.month(), date.day(), hour, minute, second, 0).ok()
}

/// An offset from UTC, in JSON as `+08:00`, which is also the default: all of
/// China keeps one time, without daylight saving.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UtcOffset(Offset);

impl Default for UtcOffset {
    fn default() -> Self {
        Self(Offset::constant(8))
    }
}

impl UtcOffset {
    /// Reads `+08:00`, `-03:30` or `Z`.
    ///
    /// # Errors
    /// Says how an offset is written, if this is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no offset from UTC; write it as +08:00, or Z");
        if text == "Z" {
            return Ok(Self(Offset::UTC));
        }
        let (sign, rest) = match text.as_bytes().first() {
            Some(b'+') => (1, &text[1..]),
            Some(b'-') => (-1, &text[1..]),
            _ => return Err(wrong()),
        };
        let (hours, minutes) = rest.split_once(':').ok_or_else(wrong)?;
        let number = |part: &str, below: i32| -> Option<i32> {
            let plain = part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
            plain.then(|| part.parse().ok()).flatten().filter(|&n| n < below)
        };
        let hours = number(hours, 24).ok_or_else(wrong)?;
        let minutes = number(minutes, 60).ok_or_else(wrong)?;
        Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).map(Self).map_err(|_| wrong())
    }

    /// The time for an officer: `2024年3月1日08时30分`.
    pub fn show_chinese(self, milliseconds: u64) -> String {
        match self.local(milliseconds) {
            Some(t) => format!("{}年{}月{}日{:02}时{:02}分", t.year(), t.month(), t.day(), t.hour(), t.minute()),
            None => format!("{milliseconds} ms"),
        }
    }

    /// The time for a file name: `20240301T083000`.
    pub fn show_compact(self, milliseconds: u64) -> String {
        match self.local(milliseconds) {
            Some(t) => format!(
                "{:04}{:02}{:02}T{:02}{:02}{:02}",
                t.year(),
                t.month(),
                t.day(),
                t.hour(),
                t.minute(),
                t.second()
            ),
            None => milliseconds.to_string(),
        }
    }

    fn local(self, milliseconds: u64) -> Option<DateTime> {
        let instant = Timestamp::from_millisecond(i64::try_from(milliseconds).ok()?).ok()?;
        Some(self.0.to_datetime(instant))
    }
}

/// Milliseconds since the Unix epoch as RFC 3339 in UTC; none past the year 9999.
pub fn to_rfc3339(milliseconds: u64) -> Option<String> {
    let instant = Timestamp::from_millisecond(i64::try_from(milliseconds).ok()?).ok()?;
    Some(instant.to_string())
}

impl<'de> serde::Deserialize<'de> for UtcOffset {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for UtcOffset {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "UtcOffset".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^(Z|[+-][0-9]{2}:[0-9]{2})$",
            "description": "Offset from UTC, such as +08:00."
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{UtcOffset, parse, to_rfc3339};

    #[test]
    fn times_are_read_as_sources_write_them() {
        let at = Some(1_709_253_000_000); // 2024-03-01T00:30:00Z
        for text in [
            "2024-03-01T00:30:00Z",
            "2024-03-01T08:30:00+08:00",
            "Fri, 01 Mar 2024 08:30:00 +0800",
            "Mon, 01 Mar 2024 00:30:00 GMT", // the weekday is wrong; the rest is not
            "2024-03-01 08:30",
            "2024-03-01 08:30:00",
            "2024/3/1 8:30",
            "2024年3月1日 08:30",
        ] {
            assert_eq!(parse(text, UtcOffset::default()), at, "{text}");
        }
        assert_eq!(parse("2024-03-01", UtcOffset::default()), Some(1_709_222_400_000));
        for text in ["", "yesterday", "3月1日", "2024-13-01", "2024-02-30 10:00", "99999999"] {
            assert_eq!(parse(text, UtcOffset::default()), None, "{text}");
        }
    }

    #[test]
    fn an_officer_reads_local_time() {
        let offset = UtcOffset::parse("+08:00").unwrap();
        assert_eq!(offset.show_chinese(1_709_253_000_000), "2024年3月1日08时30分");
        assert_eq!(offset.show_compact(1_709_253_000_000), "20240301T083000");
        assert_eq!(to_rfc3339(1_709_253_000_000).as_deref(), Some("2024-03-01T00:30:00Z"));
    }

    #[test]
    fn an_offset_that_is_none_is_refused() {
        for text in ["", "8", "+8", "+08", "08:00", "+08:60", "+30:00", "+a8:00", "+é:00"] {
            assert!(UtcOffset::parse(text).unwrap_err().contains("+08:00"), "{text}");
        }
    }
}
