//! Hours in which nobody is disturbed: what may wait is told to wait until their end.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::time::UtcOffset;
use crate::{Error, Level, Message};

const DAY: u32 = 24 * 60;

/// Quiet hours of every day.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Quiet {
    /// From this time of the day on.
    #[schemars(example = "22:00")]
    pub from: TimeOfDay,
    /// Until then, on the next day where it is not later than `from`.
    #[schemars(example = "07:00")]
    pub to: TimeOfDay,
    /// Levels (`data.level` of the message) that are told at any hour.
    #[serde(default = "grave")]
    pub except: Vec<Level>,
}

fn grave() -> Vec<Level> {
    vec![Level::I, Level::II]
}

/// A time of the day in hours and minutes, `00:00` to `23:59`, in JSON as a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeOfDay(u32);

impl TimeOfDay {
    /// Reads `HH:MM`.
    ///
    /// # Errors
    /// Says how it is written, if it is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        let part = |part: &str, below: u32| -> Option<u32> {
            let plain = part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
            plain.then(|| part.parse().ok()).flatten().filter(|&n| n < below)
        };
        text.split_once(':')
            .and_then(|(hours, minutes)| Some(part(hours, 24)? * 60 + part(minutes, 60)?))
            .map(Self)
            .ok_or_else(|| format!("{text:?} is no time of the day; write it as 22:00"))
    }
}

impl<'de> Deserialize<'de> for TimeOfDay {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for TimeOfDay {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "TimeOfDay".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"})
    }
}

impl Quiet {
    /// Ok where the message may be told at `now` (milliseconds since the Unix epoch); else
    /// [`Error::RateLimited`] with the seconds until the quiet hours end.
    ///
    /// # Errors
    /// As said.
    pub fn check(&self, now: u64, offset: UtcOffset, message: &Message) -> Result<(), Error> {
        let level = message.data.get("level").and_then(|level| serde_json::from_value::<Level>(level.clone()).ok());
        if level.is_some_and(|level| self.except.contains(&level)) {
            return Ok(());
        }
        let second = offset.second_of_day(now);
        let (from, to) = (self.from.0 * 60, self.to.0 * 60);
        let quiet = if from < to { (from..to).contains(&second) } else { second >= from || second < to };
        if !quiet {
            return Ok(());
        }
        let left = if second < to { to - second } else { DAY * 60 - second + to };
        Err(Error::RateLimited(left.max(1)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Quiet;
    use crate::time::UtcOffset;
    use crate::{Error, Message};

    /// 2024-03-01T00:00:00+08:00.
    const MIDNIGHT: u64 = 1_709_222_400_000;

    fn at(from: &str, to: &str, minute: u64, level: &str) -> Result<(), Error> {
        let quiet: Quiet = serde_json::from_value(json!({"from": from, "to": to})).unwrap();
        let message = Message { data: json!({"level": level}), ..Message::default() };
        quiet.check(MIDNIGHT + minute * 60_000, UtcOffset::default(), &message)
    }

    #[test]
    fn what_may_wait_waits_until_the_end_of_the_quiet_hours() {
        let wait = |hours: u32| Err(Error::RateLimited(hours * 3600));
        assert_eq!(at("22:00", "07:00", 23 * 60, "III"), wait(8));
        assert_eq!(at("22:00", "07:00", 22 * 60, ""), wait(9));
        assert_eq!(at("22:00", "07:00", 0, "IV"), wait(7));
        assert_eq!(at("22:00", "07:00", 7 * 60, "IV"), Ok(()));
        assert_eq!(at("22:00", "07:00", 12 * 60, "IV"), Ok(()));
        assert_eq!(at("12:00", "14:00", 13 * 60, "IV"), wait(1));
        assert_eq!(at("12:00", "14:00", 14 * 60, "IV"), Ok(()));
        assert_eq!(at("08:00", "08:00", 8 * 60, "IV"), wait(24), "the whole day");
        assert_eq!(at("22:00", "07:00", 23 * 60, "II"), Ok(()), "grave matters are told at any hour");
    }

    #[test]
    fn what_is_no_time_of_the_day_is_refused() {
        for text in ["24:00", "7:00", "07:60", "0700", "", "é7:00"] {
            assert!(super::TimeOfDay::parse(text).unwrap_err().contains("22:00"), "{text}");
        }
    }
}
