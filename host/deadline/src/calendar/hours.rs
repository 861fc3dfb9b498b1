//! Office hours of a calendar: windows of the wall clock, by day of the week and for days of their own.

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use jiff::civil::Date;
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error, MapAccess, Visitor};

use super::{CalendarError, content, days};

/// A part of a day during which offices are open, by the wall clock: `from` belongs to it, `to` does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Minutes since midnight, below 1440.
    pub from: u16,
    /// Minutes since midnight, up to 1440, after `from`.
    pub to: u16,
}

const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
/// The most windows of a day.
const MAX_WINDOWS: usize = 24;
/// The most days with hours of their own.
const MAX_DAYS: usize = 10_000;

/// The office hours of a calendar.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Hours {
    /// Of every day that has no others.
    work: Vec<Window>,
    /// Of days of the week, Monday first.
    weekdays: [Option<Vec<Window>>; 7],
    /// Of single days; a day without any is off.
    days: BTreeMap<Date, Vec<Window>>,
}

impl Hours {
    pub(super) fn is_given(&self) -> bool {
        !self.work.is_empty()
    }

    /// What is said of this very day.
    pub(super) fn of_day(&self, day: Date) -> Option<&[Window]> {
        self.days.get(&day).map(Vec::as_slice)
    }

    /// The hours of a day that is worked.
    pub(super) fn on(&self, day: Date) -> &[Window] {
        let weekday = usize::from(day.weekday().to_monday_zero_offset().unsigned_abs());
        self.of_day(day).or_else(|| self.weekdays[weekday].as_deref()).unwrap_or(&self.work)
    }

    pub(super) fn read(&mut self, given: &Twice<Vec<String>>) -> Result<(), CalendarError> {
        for (name, texts) in &given.0 {
            let pointer = format!("/hours/{name}");
            let read = windows(texts, &pointer)?;
            if read.is_empty() {
                let hint = "a day that is off is left out of \"week\", or listed under \"off\" or \"days\"";
                return Err(content(&pointer, "there are no hours".into(), hint));
            }
            match WEEKDAYS.iter().position(|day| day == name) {
                Some(at) => self.weekdays[at] = Some(read),
                None if name == "work" => self.work = read,
                None => {
                    let why = format!("\"{name}\" is no day of the week");
                    return Err(content(
                        &pointer,
                        why,
                        "write mon, tue, wed, thu, fri, sat, sun, or work for all days",
                    ));
                }
            }
        }
        if self.work.is_empty() {
            let hint = "give \"work\": the hours of every day that has no others, also of a weekend made up for";
            return Err(content("/hours", "\"work\" is missing".into(), hint));
        }
        Ok(())
    }

    pub(super) fn read_days(&mut self, text: &str, texts: &[String]) -> Result<(), CalendarError> {
        let pointer = format!("/days/{}", text.replace('~', "~0").replace('/', "~1"));
        let read = windows(texts, &pointer)?;
        for day in days(text, &pointer)? {
            if self.days.insert(day, read.clone()).is_some() {
                return Err(content(&pointer, format!("{day} is listed twice"), "list every day once"));
            }
        }
        if self.days.len() > MAX_DAYS {
            return Err(content("/days", format!("there are more than {MAX_DAYS} days"), "list fewer"));
        }
        Ok(())
    }
}

/// The days worked in a plain week.
pub(super) fn week(given: &[String]) -> Result<[bool; 7], CalendarError> {
    let mut week = [false; 7];
    for (index, name) in given.iter().enumerate() {
        let pointer = format!("/week/{index}");
        let hint = "write mon, tue, wed, thu, fri, sat or sun, each once";
        match WEEKDAYS.iter().position(|day| day == name) {
            Some(at) if !week[at] => week[at] = true,
            Some(_) => return Err(content(&pointer, format!("\"{name}\" stands there twice"), hint)),
            None => return Err(content(&pointer, format!("\"{name}\" is no day of the week"), hint)),
        }
    }
    if week.contains(&true) {
        Ok(week)
    } else {
        Err(content("/week", "no day is worked".into(), "name at least one day"))
    }
}

fn windows(texts: &[String], pointer: &str) -> Result<Vec<Window>, CalendarError> {
    if texts.len() > MAX_WINDOWS {
        return Err(content(pointer, format!("there are more than {MAX_WINDOWS} windows"), "join some"));
    }
    let mut read: Vec<Window> = Vec::with_capacity(texts.len());
    for (index, text) in texts.iter().enumerate() {
        let wrong = |why: String, hint| content(&format!("{pointer}/{index}"), why, hint);
        let form = "write it as \"08:30-12:00\"; \"24:00\" ends the day";
        let window = text.split_once('-').and_then(|(from, to)| Some(Window { from: clock(from)?, to: clock(to)? }));
        let Some(window) = window.filter(|window| window.from < 24 * 60) else {
            return Err(wrong(format!("\"{text}\" is no window of a day"), form));
        };
        if window.from >= window.to {
            return Err(wrong(format!("\"{text}\" does not end after it begins"), "a window lies within one day"));
        }
        if read.last().is_some_and(|before| before.to > window.from) {
            return Err(wrong(format!("\"{text}\" begins before the one before it ends"), "put them in order of time"));
        }
        read.push(window);
    }
    Ok(read)
}

/// `08:30` in minutes since midnight.
fn clock(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let two = |text: &str| (text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok());
    let (hour, minute): (u16, u16) = (two(hour)??, two(minute)??);
    (minute < 60 && (hour < 24 || (hour == 24 && minute == 0))).then_some(hour * 60 + minute)
}

/// The entries of an object in their order. A key that occurs twice is refused: the last would win unseen.
#[derive(Debug)]
pub(super) struct Twice<T>(pub(super) Vec<(String, T)>);

impl<T> Default for Twice<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Twice<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Entries<T>(std::marker::PhantomData<T>);
        impl<'de, T: DeserializeOwned> Visitor<'de> for Entries<T> {
            type Value = Twice<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Twice<T>, A::Error> {
                let (mut entries, mut seen) = (Vec::new(), HashSet::new());
                while let Some((key, value)) = map.next_entry::<String, T>()? {
                    if !seen.insert(key.clone()) {
                        return Err(A::Error::custom(format!("the key \"{key}\" occurs twice")));
                    }
                    entries.push((key, value));
                }
                Ok(Twice(entries))
            }
        }
        from.deserialize_map(Entries(std::marker::PhantomData))
    }
}
