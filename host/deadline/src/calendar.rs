//! Working days: which days are worked, and for which years that has been published.
//!
//! A calendar starts from the plain week (Saturday and Sunday off) and lists the exceptions of each published
//! year. Days of a year nobody has published yet follow the plain week, and whatever leans on them is
//! provisional. This module must never guess a holiday.
//!
//! # The JSON format, `huiyin.calendar.v1`
//!
//! ```json
//! { "format": "huiyin.calendar.v1",
//!   "id": "own",
//!   "name": "shown to people",
//!   "comment": "optional",
//!   "over": "cn",
//!   "week": ["mon", "tue", "wed", "thu", "fri"],
//!   "hours": { "work": ["08:30-12:00", "14:00-17:30"], "fri": ["08:30-12:00"] },
//!   "days":  { "2026-02-15": ["08:30-12:00"], "2026-07-06/2026-07-07": [] },
//!   "years": [
//!     { "year": 2024, "notices": ["where it was published"],
//!       "off":  ["2024-01-01", "2024-02-12/2024-02-16"],
//!       "work": ["2024-02-04"] } ] }
//! ```
//!
//! `off` are days not worked, `work` are days worked though they fall on a weekend; each entry is a date or an
//! inclusive range of at most a year. Entries may lie in another year than the one they stand under (a New Year
//! notice names days of the December before), as long as that year is covered too.
//!
//! The rest is optional. `over` names a built-in calendar whose years this one begins with: its own entries go
//! before those of the other, and a year of its own counts as published. `week` are the days worked in a plain week,
//! Monday to Friday unless given. `hours` are the office hours, by which allowances of working time count: `work` for
//! every day worked (also a weekend made up for), a day of the week where it has others. `days` are days with hours of
//! their own, such as half-days, whatever the rest says: worked within these, or off where there are none. Each window
//! is `HH:MM-HH:MM` by the wall clock, and `24:00` ends a day.
//!
//! Since the notice for a year may still name days of the December before it (the one for 2019 made Saturday 29
//! December 2018 a day of work and Monday 31 a day off), a December is certain only once the year after it is
//! published too. What `days` says is certain. A notice that changes a year already published cannot be foreseen, and
//! is not reckoned with.

mod hours;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use jiff::civil::Date;
use serde::Deserialize;

pub use hours::Window;
use hours::{Hours, Twice};

/// The names [`Calendar::builtin`] knows.
pub const BUILTIN: &[&str] = &["cn"];

const FORMAT: &str = "huiyin.calendar.v1";

/// The most days of one range.
const MAX_RANGE: usize = 366;

/// A working-day calendar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calendar {
    id: String,
    name: String,
    years: BTreeSet<i16>,
    /// Which days of a plain week are worked, Monday first.
    week: [bool; 7],
    /// Exceptions to the plain week: true = worked.
    exceptions: BTreeMap<Date, bool>,
    hours: Hours,
}

/// A calendar that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    /// No such built-in calendar.
    #[error(
        "there is no built-in calendar \"{name}\"; built in are: cn; any other is loaded from a file of format {FORMAT}"
    )]
    Unknown {
        /// What was asked for.
        name: String,
    },
    /// Not JSON of the format.
    #[error("the calendar cannot be read: {why} (line {line}, column {column}); the format is {FORMAT}")]
    Syntax {
        /// What the reader met.
        why: String,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// The JSON is well formed but says something that cannot be.
    #[error("{pointer}: {why}; {hint}")]
    Content {
        /// JSON pointer to the place.
        pointer: String,
        /// What is wrong.
        why: String,
        /// How to mend it.
        hint: &'static str,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: String,
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default, rename = "comment")]
    _comment: String,
    #[serde(default)]
    over: Option<String>,
    #[serde(default)]
    week: Option<Vec<String>>,
    #[serde(default)]
    hours: Option<Twice<Vec<String>>>,
    #[serde(default)]
    days: Twice<Vec<String>>,
    #[serde(default)]
    years: Option<Vec<Year>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Year {
    #[serde(rename = "year")]
    number: i16,
    #[serde(default, rename = "notices")]
    _notices: Vec<String>,
    #[serde(default)]
    off: Vec<String>,
    #[serde(default)]
    work: Vec<String>,
}

impl Calendar {
    /// A calendar that comes with the crate: `"cn"`, mainland China 2007–2026.
    pub fn builtin(name: &str) -> Result<&'static Self, CalendarError> {
        static CN: OnceLock<Result<Calendar, CalendarError>> = OnceLock::new();
        match name {
            "cn" => {
                CN.get_or_init(|| Calendar::from_json(include_str!("calendar/cn.json"))).as_ref().map_err(Clone::clone)
            }
            _ => Err(CalendarError::Unknown { name: name.to_owned() }),
        }
    }

    /// Reads a calendar from JSON of the format described at the [module](self).
    pub fn from_json(text: &str) -> Result<Self, CalendarError> {
        let file: File = serde_json::from_str(text).map_err(|error| {
            let text = error.to_string();
            CalendarError::Syntax {
                why: text.rsplit_once(" at line ").map_or(text.as_str(), |(why, _)| why).to_owned(),
                line: error.line(),
                column: error.column(),
            }
        })?;
        if file.format != FORMAT {
            return Err(content(
                "/format",
                format!("unknown format \"{}\"", file.format),
                "write \"huiyin.calendar.v1\"",
            ));
        }
        if file.id.is_empty() {
            return Err(content("/id", "it is empty".into(), "give the calendar a short name, such as \"cn\""));
        }
        let base =
            file.over.as_deref().map(Self::builtin).transpose().map_err(|error| {
                content("/over", error.to_string(), "name a calendar that is built in, such as \"cn\"")
            })?;
        let years = match (file.years, base) {
            (Some(years), _) => years,
            (None, Some(_)) => Vec::new(),
            (None, None) => {
                let hint = "list the years that are published, or name the calendar it lies over as \"over\"";
                return Err(content("/years", "it is missing".into(), hint));
            }
        };
        let mut calendar = Self {
            id: file.id,
            name: file.name,
            years: BTreeSet::new(),
            week: base.map_or([true, true, true, true, true, false, false], |base| base.week),
            exceptions: BTreeMap::new(),
            hours: base.map(|base| base.hours.clone()).unwrap_or_default(),
        };
        for (index, year) in years.iter().enumerate() {
            if !calendar.years.insert(year.number) {
                return Err(content(
                    &format!("/years/{index}/year"),
                    format!("{} stands there twice", year.number),
                    "join the two entries",
                ));
            }
        }
        calendar.years.extend(base.iter().flat_map(|base| &base.years));
        if let Some(week) = &file.week {
            calendar.week = hours::week(week)?;
        }
        for (index, year) in years.iter().enumerate() {
            for (entries, field, worked) in [(&year.off, "off", false), (&year.work, "work", true)] {
                for (entry, text) in entries.iter().enumerate() {
                    calendar.add(text, worked, &format!("/years/{index}/{field}/{entry}"))?;
                }
            }
        }
        for (day, worked) in base.iter().flat_map(|base| &base.exceptions) {
            calendar.exceptions.entry(*day).or_insert(*worked);
        }
        if let Some(given) = &file.hours {
            calendar.hours.read(given)?;
        }
        for (text, windows) in &file.days.0 {
            calendar.hours.read_days(text, windows)?;
        }
        Ok(calendar)
    }

    fn add(&mut self, text: &str, worked: bool, pointer: &str) -> Result<(), CalendarError> {
        for day in days(text, pointer)? {
            if !self.years.contains(&day.year()) {
                return Err(content(
                    pointer,
                    format!("{day} lies in a year the calendar does not cover"),
                    "add that year to \"years\"",
                ));
            }
            if self.exceptions.insert(day, worked).is_some() {
                return Err(content(
                    pointer,
                    format!("{day} is listed twice"),
                    "list every day once, as off or as worked",
                ));
            }
        }
        Ok(())
    }

    /// The short name by which clock rules refer to the calendar.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The name shown to people.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the day is worked. Where nothing is [certain](Self::is_certain) this is the plain week, with what is
    /// known so far.
    pub fn is_working_day(&self, day: Date) -> bool {
        if let Some(windows) = self.hours.of_day(day) {
            return !windows.is_empty();
        }
        let plain = self.week[usize::from(day.weekday().to_monday_zero_offset().unsigned_abs())];
        self.exceptions.get(&day).copied().unwrap_or(plain)
    }

    /// Whether no notice that is still to come can change [`is_working_day`](Self::is_working_day): the day's year is
    /// published and, for a day of December, the year after it too; or the calendar names the day's own hours.
    pub fn is_certain(&self, day: Date) -> bool {
        let published = |year: Option<i16>| year.is_some_and(|year| self.years.contains(&year));
        self.hours.of_day(day).is_some()
            || published(Some(day.year())) && (day.month() < 12 || published(day.year().checked_add(1)))
    }

    /// Whether it says when offices are open: without that no working time can be counted.
    pub fn has_hours(&self) -> bool {
        self.hours.is_given()
    }

    /// The office hours of a day, in order; none where it is off, or where no hours are given.
    pub fn windows(&self, day: Date) -> &[Window] {
        if self.is_working_day(day) { self.hours.on(day) } else { &[] }
    }

    /// The published years, ascending.
    pub fn coverage(&self) -> impl Iterator<Item = i16> + '_ {
        self.years.iter().copied()
    }
}

/// A date, or an inclusive range of dates.
fn days(text: &str, pointer: &str) -> Result<Vec<Date>, CalendarError> {
    let date = |text: &str| {
        text.parse::<Date>().ok().filter(|date| date.to_string() == text).ok_or_else(|| {
            content(pointer, format!("\"{text}\" is no date"), "write \"2024-02-12\" or \"2024-02-12/2024-02-16\"")
        })
    };
    let (first, last) = match text.split_once('/') {
        Some((first, last)) => (date(first)?, date(last)?),
        None => (date(text)?, date(text)?),
    };
    if first > last {
        return Err(content(pointer, format!("\"{text}\" ends before it starts"), "put the earlier date first"));
    }
    let days: Vec<Date> =
        first.series(jiff::Span::new().days(1)).take_while(|day| *day <= last).take(MAX_RANGE + 1).collect();
    if days.len() > MAX_RANGE {
        return Err(content(pointer, format!("\"{text}\" is longer than a year"), "give each year its own"));
    }
    Ok(days)
}

fn content(pointer: &str, why: String, hint: &'static str) -> CalendarError {
    CalendarError::Content { pointer: pointer.to_owned(), why, hint }
}
