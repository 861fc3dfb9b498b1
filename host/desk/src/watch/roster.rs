//! Duty rosters (值班表): who is on duty at an instant, by weekday or by date.
//!
//! A slot is held on the days that it names, from one time of day to another,
//! over midnight where the end is not later than the beginning. On a date for
//! which the roster has slots of its own only those are held, as on holidays.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A time of day, `08:00`, to the minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimeOfDay(u16);

impl TimeOfDay {
    /// So many minutes after midnight, within the day.
    pub fn minutes(minutes: u16) -> Self {
        Self(minutes % (24 * 60))
    }

    fn time(self) -> jiff::civil::Time {
        jiff::civil::Time::constant((self.0 / 60) as i8, (self.0 % 60) as i8, 0, 0)
    }
}

impl FromStr for TimeOfDay {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no time of day; write it as 08:00");
        let (hour, minute) = text.split_once(':').ok_or_else(wrong)?;
        let digits = |part: &str| part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
        if !digits(hour) || !digits(minute) {
            return Err(wrong());
        }
        let (hour, minute): (u16, u16) = (hour.parse().map_err(|_| wrong())?, minute.parse().map_err(|_| wrong())?);
        match (hour, minute) {
            (0..=23, 0..=59) => Ok(Self(hour * 60 + minute)),
            (24, 0) => Ok(Self(0)),
            _ => Err(wrong()),
        }
    }
}

impl TryFrom<String> for TimeOfDay {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<TimeOfDay> for String {
    fn from(time: TimeOfDay) -> String {
        time.to_string()
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

impl Day {
    /// All of them, Monday first.
    pub const ALL: [Self; 7] = [Self::Mon, Self::Tue, Self::Wed, Self::Thu, Self::Fri, Self::Sat, Self::Sun];

    fn of(weekday: Weekday) -> Self {
        match weekday {
            Weekday::Monday => Self::Mon,
            Weekday::Tuesday => Self::Tue,
            Weekday::Wednesday => Self::Wed,
            Weekday::Thursday => Self::Thu,
            Weekday::Friday => Self::Fri,
            Weekday::Saturday => Self::Sat,
            Weekday::Sunday => Self::Sun,
        }
    }
}

/// A slot of a roster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Slot {
    /// Its name, once in the roster.
    pub id: String,
    /// On which days of the week; every day where neither this nor `date` is given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub days: Vec<Day>,
    /// Or on one date only, `2026-10-01`; on that date no slot without a date is held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date"))]
    pub date: Option<Date>,
    /// When it begins, `08:00`, by the clock of the pack's time zone.
    #[schemars(with = "String")]
    pub from: TimeOfDay,
    /// When it ends; on the next day where it is not later than `from`.
    #[schemars(with = "String")]
    pub to: TimeOfDay,
    /// Who holds it, by the ids of the pack; nobody where empty, which alerts.
    #[serde(default)]
    pub people: Vec<String>,
}

/// A slot on one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Held<'r> {
    pub(crate) slot: &'r Slot,
    pub(crate) date: Date,
    pub(crate) starts: Timestamp,
    pub(crate) ends: Timestamp,
}

/// A time of day on a date; in an hour that the zone skips, the moment after it.
pub(crate) fn moment(date: Date, time: TimeOfDay, zone: &TimeZone) -> Option<Timestamp> {
    zone.to_ambiguous_timestamp(date.to_datetime(time.time())).compatible().ok()
}

/// The slots that begin on the dates from `first` on, `last` not among them, in order of time.
pub(crate) fn held<'r>(slots: &'r [Slot], first: Date, last: Date, zone: &TimeZone) -> Vec<Held<'r>> {
    let mut all = Vec::new();
    let mut date = first;
    while date < last {
        let dated = slots.iter().any(|slot| slot.date == Some(date));
        let day = Day::of(date.weekday());
        let of_day = slots.iter().filter(|slot| match slot.date {
            Some(own) => own == date,
            None => !dated && (slot.days.is_empty() || slot.days.contains(&day)),
        });
        let Ok(next) = date.checked_add(1.day()) else { break };
        all.extend(of_day.filter_map(|slot| {
            let starts = moment(date, slot.from, zone)?;
            let ends = moment(if slot.to > slot.from { date } else { next }, slot.to, zone)?;
            Some(Held { slot, date, starts, ends })
        }));
        date = next;
    }
    all.sort_by(|a, b| (a.starts, &a.slot.id).cmp(&(b.starts, &b.slot.id)));
    all
}

/// The local date of a moment.
pub(crate) fn date_of(at: Timestamp, zone: &TimeZone) -> Date {
    zone.to_datetime(at).date()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_day_are_read_and_written_alike() {
        for text in ["00:00", "08:05", "23:59"] {
            assert_eq!(text.parse::<TimeOfDay>().unwrap().to_string(), text);
        }
        assert_eq!("24:00".parse::<TimeOfDay>().unwrap().to_string(), "00:00");
        for wrong in ["8:00", "08:60", "25:00", "24:01", "0800", "", "+8:00", "08:0"] {
            assert!(wrong.parse::<TimeOfDay>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_night_ends_on_the_next_day_and_a_date_takes_the_place_of_its_weekday() {
        let slot = |id: &str, date: Option<&str>, from: &str, to: &str| Slot {
            id: id.to_owned(),
            days: Vec::new(),
            date: date.map(|date| date.parse().unwrap()),
            from: from.parse().unwrap(),
            to: to.parse().unwrap(),
            people: vec!["a".to_owned()],
        };
        let slots = [slot("night", None, "20:00", "08:00"), slot("feast", Some("2026-10-01"), "00:00", "24:00")];
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        let all = held(&slots, "2026-09-30".parse().unwrap(), "2026-10-03".parse().unwrap(), &zone);
        let ids: Vec<(&str, String, String)> =
            all.iter().map(|h| (h.slot.id.as_str(), h.starts.to_string(), h.ends.to_string())).collect();
        assert_eq!(
            ids,
            [
                ("night", "2026-09-30T12:00:00Z".to_owned(), "2026-10-01T00:00:00Z".to_owned()),
                ("feast", "2026-09-30T16:00:00Z".to_owned(), "2026-10-01T16:00:00Z".to_owned()),
                ("night", "2026-10-02T12:00:00Z".to_owned(), "2026-10-03T00:00:00Z".to_owned()),
            ]
        );
    }
}
