//! Times as sources write them, and as officers read them. Pure: there is no
//! clock here, only [`Context::now`](crate::Context::now) knows the time.

mod read;
#[cfg(test)]
mod tests;
mod tokens;
mod zones;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

/// 1990-01-01T00:00:00Z in milliseconds since the Unix epoch: nothing that is
/// watched is older, and what seems to be is a date gone wrong.
const YEAR_1990: i64 = 631_152_000_000;

/// How a source writes its times, and when they are read.
///
/// The forms are those of the table in the plugin author's guide
/// (docs/guides/plugin-author.md), which is this reader's test. What it does
/// not understand whole is no time: a word, a zone or a number that has no
/// place is never passed over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Times {
    /// Holds where the text names no zone.
    pub offset: UtcOffset,
    /// What `CST` means: China's time, unless the source is of North America.
    pub cst: UtcOffset,
    /// When it is read, in milliseconds since the Unix epoch: no time more
    /// than a day later is believed. None for no such bound.
    pub now: Option<u64>,
}

impl Times {
    /// Milliseconds since the Unix epoch. None where the text is no time that
    /// is understood, one before 1990, or one more than a day ahead.
    pub fn read(&self, text: &str) -> Option<u64> {
        let milliseconds = self.moment(text)?.as_millisecond();
        if self.possible(milliseconds) { u64::try_from(milliseconds).ok() } else { None }
    }

    /// The same for a number of milliseconds since the Unix epoch.
    pub fn check(&self, milliseconds: f64) -> Option<u64> {
        let possible = milliseconds.is_finite() && self.possible(milliseconds as i64);
        possible.then_some(milliseconds as u64)
    }
}

/// Reads a time as [`Times::read`] does, without a latest one; `offset` holds
/// where the text names no zone.
pub fn parse(text: &str, offset: UtcOffset) -> Option<u64> {
    Times { offset, ..Times::default() }.read(text)
}

/// What of a page's times could not be read, for one line in the log.
#[derive(Debug, Default)]
pub struct Unread {
    texts: Vec<String>,
    count: usize,
}

impl Unread {
    /// Takes note of a text that gave no time. An empty one is no fault.
    pub fn note(&mut self, text: &str) {
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        self.count += 1;
        if self.texts.len() < 3 && !self.texts.iter().any(|there| there == text) {
            self.texts.push(text.chars().take(60).collect());
        }
    }

    /// The line, if there is something to say: how many, and the first texts.
    pub fn line(&self) -> Option<String> {
        (self.count > 0).then(|| {
            let texts: Vec<String> = self.texts.iter().map(|text| format!("{text:?}")).collect();
            format!(
                "{} published times are not understood, or lie before 1990 or more than a day ahead, and are left out: {}",
                self.count,
                texts.join(", ")
            )
        })
    }
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

    /// The time in seconds with this offset: `2024-03-01T08:30:00+08:00`, and `-00:00` for UTC, as CAP 1.2 has
    /// it; never `Z`, never a fraction.
    pub fn show_with_offset(self, milliseconds: u64) -> String {
        let Some(t) = self.local(milliseconds) else { return milliseconds.to_string() };
        let (sign, minutes) = match self.0.seconds() / 60 {
            minutes if minutes > 0 => ('+', minutes),
            minutes => ('-', -minutes),
        };
        format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{sign}{:02}:{:02}",
            t.year(),
            t.month(),
            t.day(),
            t.hour(),
            t.minute(),
            t.second(),
            minutes / 60,
            minutes % 60
        )
    }

    /// Seconds since the local midnight.
    pub fn second_of_day(self, milliseconds: u64) -> u32 {
        let seconds = (milliseconds / 1000) as i64 + i64::from(self.0.seconds());
        seconds.rem_euclid(86_400) as u32
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
mod shown {
    use super::{UtcOffset, to_rfc3339};

    #[test]
    fn an_officer_reads_local_time() {
        let offset = UtcOffset::parse("+08:00").unwrap();
        assert_eq!(offset.show_chinese(1_709_253_000_000), "2024年3月1日08时30分");
        assert_eq!(offset.show_compact(1_709_253_000_000), "20240301T083000");
        assert_eq!(to_rfc3339(1_709_253_000_000).as_deref(), Some("2024-03-01T00:30:00Z"));
        for (offset, shown) in [
            ("+08:00", "2024-03-01T08:30:00+08:00"),
            ("Z", "2024-03-01T00:30:00-00:00"),
            ("-03:30", "2024-02-29T21:00:00-03:30"),
        ] {
            assert_eq!(UtcOffset::parse(offset).unwrap().show_with_offset(1_709_253_000_999), shown);
        }
    }

    #[test]
    fn an_offset_that_is_none_is_refused() {
        for text in ["", "8", "+8", "+08", "08:00", "+08:60", "+30:00", "+a8:00", "+é:00"] {
            assert!(UtcOffset::parse(text).unwrap_err().contains("+08:00"), "{text}");
        }
    }
}
