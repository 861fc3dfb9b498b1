//! Due times against a model that walks minute by minute, on random calendars, zones, allowances and pauses.
//!
//! The model shares nothing with the crate but the reading of a calendar's text: it asks of each minute what the wall
//! clock of the zone shows, and knows the calendar only from its own description. `HUIYIN_DEADLINES=N` runs so many
//! cases (`make deadlines`), `HUIYIN_SEED=N` others.
#![allow(clippy::unwrap_used, clippy::panic)] // A test fails by panicking.

use std::collections::BTreeMap;

use huiyin_deadline::clock::{self, Anchor, Clock, ClockFact, ClockRule};
use huiyin_deadline::{Allowance, Calendar, Zone};
use jiff::civil::{Date, Weekday, date};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

/// Zones with changes of an hour, of half an hour, over midnight, and without any.
const ZONES: &[&str] = &[
    "Asia/Shanghai",
    "UTC",
    "America/New_York",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "America/Havana",
    "America/Sao_Paulo",
    "Asia/Kathmandu",
];

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: i64) -> i64 {
        i64::try_from(self.roll() % u64::try_from(bound).unwrap()).unwrap()
    }

    fn one_in(&mut self, n: i64) -> bool {
        self.below(n) == 0
    }
}

/// A calendar as the model knows it: windows in minutes of the day.
#[derive(Debug)]
struct Office {
    cn: bool,
    week: [bool; 7],
    /// None: no hours are given.
    work: Option<Vec<(i64, i64)>>,
    weekdays: BTreeMap<usize, Vec<(i64, i64)>>,
    days: BTreeMap<Date, Vec<(i64, i64)>>,
    off: Vec<Date>,
    extra: Vec<Date>,
}

const NAMES: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

fn weekday(day: Date) -> usize {
    match day.weekday() {
        Weekday::Monday => 0,
        Weekday::Tuesday => 1,
        Weekday::Wednesday => 2,
        Weekday::Thursday => 3,
        Weekday::Friday => 4,
        Weekday::Saturday => 5,
        Weekday::Sunday => 6,
    }
}

/// What the notices say of single days, as the table of `cn` lists them.
fn notices() -> &'static BTreeMap<Date, bool> {
    static DAYS: std::sync::OnceLock<BTreeMap<Date, bool>> = std::sync::OnceLock::new();
    DAYS.get_or_init(|| {
        let file: serde_json::Value = serde_json::from_str(include_str!("../src/calendar/cn.json")).unwrap();
        let mut days = BTreeMap::new();
        for year in file["years"].as_array().unwrap() {
            for (key, worked) in [("off", false), ("work", true)] {
                for entry in year[key].as_array().unwrap() {
                    let text = entry.as_str().unwrap();
                    let (first, last) = text.split_once('/').unwrap_or((text, text));
                    let (mut day, last): (Date, Date) = (first.parse().unwrap(), last.parse().unwrap());
                    while day <= last {
                        days.insert(day, worked);
                        day += 1.day();
                    }
                }
            }
        }
        days
    })
}

impl Office {
    fn random(dice: &mut Dice, around: Date) -> Self {
        let windows = |dice: &mut Dice| -> Vec<(i64, i64)> {
            let mut edges: Vec<i64> = (0..2 * (1 + dice.below(3))).map(|_| dice.below(1441)).collect();
            edges.sort_unstable();
            edges.chunks(2).filter(|pair| pair[0] < pair[1]).map(|pair| (pair[0], pair[1])).collect()
        };
        let some = |dice: &mut Dice| loop {
            let found = windows(dice);
            if !found.is_empty() {
                return found;
            }
        };
        let near = |dice: &mut Dice| around + (dice.below(40) - 10).days();
        let mut week = [true, true, true, true, true, false, false];
        if dice.one_in(3) {
            week = [false; 7];
            for _ in 0..=dice.below(5) {
                week[usize::try_from(dice.below(7)).unwrap()] = true;
            }
        }
        let work = (!dice.one_in(3)).then(|| some(dice));
        let mut weekdays = BTreeMap::new();
        if work.is_some() {
            for _ in 0..dice.below(3) {
                weekdays.insert(usize::try_from(dice.below(7)).unwrap(), some(dice));
            }
        }
        let days: BTreeMap<Date, _> = (0..dice.below(6))
            .map(|_| {
                let day = near(dice);
                (day, if dice.one_in(2) { Vec::new() } else { windows(dice) })
            })
            .collect();
        let mut listed: Vec<Date> = (0..dice.below(8)).map(|_| near(dice)).collect();
        listed.sort_unstable();
        listed.dedup();
        let (off, extra) = listed.into_iter().partition(|_| dice.one_in(2));
        Self { cn: dice.one_in(2), week, work, weekdays, days, off, extra }
    }

    fn text(&self) -> String {
        let windows = |windows: &[(i64, i64)]| -> Vec<String> {
            let clock = |minute: i64| format!("{:02}:{:02}", minute / 60, minute % 60);
            windows.iter().map(|(from, to)| format!("{}-{}", clock(*from), clock(*to))).collect()
        };
        let week: Vec<&str> =
            NAMES.iter().zip(self.week).filter(|(_, worked)| *worked).map(|(name, _)| *name).collect();
        let dates = |days: &[Date]| days.iter().map(ToString::to_string).collect::<Vec<_>>();
        let years: Vec<_> = (2005..=2027)
            .map(|year| {
                let of = |days: &[Date]| dates(&days.iter().copied().filter(|d| d.year() == year).collect::<Vec<_>>());
                serde_json::json!({ "year": year, "off": of(&self.off), "work": of(&self.extra) })
            })
            .collect();
        let mut file = serde_json::json!({
            "format": "huiyin.calendar.v1", "id": "own", "week": week, "years": years,
            "days": self.days.iter().map(|(day, own)| (day.to_string(), windows(own))).collect::<BTreeMap<_, _>>(),
        });
        if self.cn {
            file["over"] = "cn".into();
        }
        if let Some(work) = &self.work {
            let mut hours: BTreeMap<&str, _> =
                self.weekdays.iter().map(|(at, own)| (NAMES[*at], windows(own))).collect();
            hours.insert("work", windows(work));
            file["hours"] = serde_json::to_value(hours).unwrap();
        }
        file.to_string()
    }

    fn worked(&self, day: Date) -> bool {
        if let Some(own) = self.days.get(&day) {
            return !own.is_empty();
        }
        if self.off.contains(&day) {
            return false;
        }
        if self.extra.contains(&day) {
            return true;
        }
        if self.cn
            && let Some(worked) = notices().get(&day)
        {
            return *worked;
        }
        self.week[weekday(day)]
    }

    fn windows(&self, day: Date) -> &[(i64, i64)] {
        if !self.worked(day) {
            return &[];
        }
        let usual = || self.weekdays.get(&weekday(day)).or(self.work.as_ref()).map_or(&[][..], Vec::as_slice);
        self.days.get(&day).map_or_else(usual, Vec::as_slice)
    }
}

/// The model: a walk over the minutes from `start`, where the clock stands still within `pauses`.
struct Walk<'a> {
    office: &'a Office,
    zone: &'a TimeZone,
}

const MINUTE: i64 = 60;

impl Walk<'_> {
    fn date(&self, second: i64) -> Date {
        self.zone.to_datetime(Timestamp::from_second(second).unwrap()).date()
    }

    fn open(&self, second: i64) -> bool {
        let now = self.zone.to_datetime(Timestamp::from_second(second).unwrap());
        let minute = i64::from(now.hour()) * 60 + i64::from(now.minute());
        self.office.windows(now.date()).iter().any(|(from, to)| (*from..*to).contains(&minute))
    }

    /// Time that runs wherever `runs` says so, a minute at a time.
    fn elapsed(&self, start: i64, seconds: i64, pauses: &[(i64, i64)], office: bool) -> i64 {
        let (mut at, mut left) = (start, seconds);
        loop {
            // No further than to the next minute of the wall clock, and to the next edge of a pause.
            let minute = at + MINUTE - at.rem_euclid(MINUTE);
            let edges = pauses.iter().flat_map(|(from, to)| [*from, *to]).filter(|edge| *edge > at);
            let next = edges.min().unwrap_or(i64::MAX).min(minute);
            let paused = pauses.iter().any(|(from, to)| (*from..*to).contains(&at));
            if !paused && (!office || self.open(at)) {
                if left <= next - at {
                    // A pause that begins at the very due time ends with it: there is no rest to give.
                    return pauses.iter().fold(at + left, |end, (from, to)| if *from == end { *to } else { end });
                }
                left -= next - at;
            }
            at = next;
        }
    }

    /// The last second of a day's hours, or of the day; found by looking at each minute from `from` on.
    fn end_of(&self, day: Date, from: i64) -> i64 {
        let hours = !self.office.windows(day).is_empty();
        let mut at = from - from.rem_euclid(MINUTE);
        let mut last = None;
        // A day is over where the wall clock has shown a later one for three hours.
        let mut beyond = 0;
        while beyond < 180 {
            let today = self.date(at) == day;
            beyond = if self.date(at) > day { beyond + 1 } else { 0 };
            if today && (!hours || self.open(at)) {
                last = Some(at + MINUTE);
            }
            at += MINUTE;
        }
        // Hours that a change of the clock leaves out altogether are no hours: then the day itself ends it.
        last.unwrap_or_else(|| {
            let mut at = from - from.rem_euclid(MINUTE);
            while self.date(at) <= day {
                at += MINUTE;
            }
            at
        })
    }

    /// Working days: each that begins after the day of the start counts, but for those of a pause after the day on
    /// which it began.
    fn days(&self, start: i64, days: u32, pauses: &[(i64, i64)]) -> i64 {
        let first = self.date(start);
        let mut end = self.nth(first, days, start);
        for (from, to) in pauses {
            // What is left after the day of the pause is counted on from the day on which it ends.
            let (began, ended) = (self.date(*from), self.date(*to));
            let last = self.date(end - 1);
            let left =
                (1..).map(|n| began + n.days()).take_while(|day| *day <= last).filter(|day| self.office.worked(*day));
            end = end.max(self.nth(ended, u32::try_from(left.count()).unwrap(), *to));
        }
        end
    }

    /// Whether a day that has hours is open at some minute from `from` on.
    fn still_open(&self, day: Date, from: i64) -> bool {
        if self.office.windows(day).is_empty() {
            return true;
        }
        let mut minutes =
            (0..).map(|n| from - from.rem_euclid(MINUTE) + n * MINUTE).take_while(|at| self.date(*at) <= day);
        minutes.any(|at| self.date(at) == day && self.open(at))
    }

    fn nth(&self, first: Date, days: u32, from: i64) -> i64 {
        let mut day = first;
        let mut left = days;
        if left == 0 && !(self.office.worked(day) && self.still_open(day, from)) {
            left = 1;
        }
        while left > 0 {
            day += 1.day();
            left -= u32::from(self.office.worked(day));
        }
        // Walk to that day, an hour at a time, then look at its minutes.
        let mut at = from;
        while self.date(at + 3_600) < day {
            at += 3_600;
        }
        self.end_of(day, at.max(from - 86_400))
    }
}

fn fold(facts: Vec<ClockFact>, clock: &mut Option<Clock>) {
    for fact in facts {
        match clock {
            Some(clock) => clock.apply(&fact).unwrap(),
            None => *clock = Clock::started(&fact),
        }
    }
}

fn case(seed: u64) {
    let mut dice = Dice(seed);
    let zone = Zone::named(ZONES[usize::try_from(dice.below(i64::try_from(ZONES.len()).unwrap())).unwrap()]).unwrap();
    let around = date(2007, 1, 1) + dice.below(365 * 19).days();
    // Near a change of the clock as often as not.
    let noon = zone.time_zone().to_timestamp(around.at(12, 0, 0, 0)).unwrap();
    let change = zone.time_zone().following(noon).next().map(|change| change.timestamp());
    let soon = noon.as_second() + 365 * 86_400;
    let near = change.filter(|change| change.as_second() < soon && dice.one_in(2)).unwrap_or(noon);
    let start = near.as_second() - dice.below(2 * 86_400);
    let around = zone.time_zone().to_datetime(Timestamp::from_second(start).unwrap()).date();
    let office = Office::random(&mut dice, around);
    let calendar = Calendar::from_json(&office.text()).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    let allowance = match dice.below(3) {
        0 => Allowance::Elapsed(SignedDuration::from_secs(1 + dice.below(3 * 86_400))),
        1 => Allowance::WorkingDays(u16::try_from(1 + dice.below(6)).unwrap()),
        _ if office.work.is_some() => Allowance::WorkingMinutes(u16::try_from(1 + dice.below(900)).unwrap()),
        _ => Allowance::WorkingDays(u16::try_from(1 + dice.below(12)).unwrap()),
    };
    let rule = ClockRule {
        id: "r".to_owned(),
        allowance,
        anchor: Anchor::OccurredAt,
        calendar: "own".to_owned(),
        zone: zone.clone(),
        warnings: Vec::new(),
        pausable: true,
        source: "s".to_owned(),
    };
    let stamp = |second: i64| Timestamp::from_second(second).unwrap();
    let mut clock = None;
    fold(clock::start(&rule, "r", "case/1", stamp(start), stamp(start), &calendar).unwrap(), &mut clock);
    let mut clock_now = clock.unwrap();
    let mut pauses = Vec::new();
    let mut at = start;
    for _ in 0..dice.below(3) {
        let room = clock_now.due.at.as_second() - at;
        if room <= 0 {
            break;
        }
        let from = at + dice.below(room + 1);
        let to = from + dice.below(4 * 86_400);
        let mut state = Some(clock_now.clone());
        fold(clock::pause(&clock_now, stamp(from), "why", "p").unwrap(), &mut state);
        let paused = state.clone().unwrap();
        fold(clock::resume(&paused, stamp(to), "p", &calendar).unwrap(), &mut state);
        clock_now = state.unwrap();
        pauses.push((from, to));
        if clock_now.breached.is_some() {
            break;
        }
        at = to;
    }
    let walk = Walk { office: &office, zone: zone.time_zone() };
    let expected = match allowance {
        Allowance::Elapsed(length) => walk.elapsed(start, length.as_secs(), &pauses, false),
        Allowance::WorkingMinutes(minutes) => walk.elapsed(start, i64::from(minutes) * MINUTE, &pauses, true),
        Allowance::WorkingDays(days) => walk.days(start, u32::from(days), &pauses),
    };
    assert_eq!(
        clock_now.due.at.to_string(),
        stamp(expected).to_string(),
        "seed {seed}: {allowance} from {} in {zone}, pauses {pauses:?}, by {}",
        stamp(start),
        office.text()
    );
    // However it came about, the same anchor gives the same due time again.
    if clock_now.breached.is_none() {
        let again = clock::reanchor(&clock_now, stamp(start), "why", "p", stamp(at), &calendar).unwrap();
        let Some(ClockFact::Rescheduled { due, .. }) = again.first() else { panic!("seed {seed}: {again:?}") };
        assert_eq!(due.at, clock_now.due.at, "seed {seed}: counted anew, pauses {pauses:?}");
    }
}

#[test]
fn due_times_agree_with_a_walk_minute_by_minute() {
    let number = |name: &str, usual: u64| std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(usual);
    let (cases, seed) = (number("HUIYIN_DEADLINES", 2_000), number("HUIYIN_SEED", 0));
    // Two threads: the walk is long.
    std::thread::scope(|threads| {
        for half in 0..2 {
            threads.spawn(move || (seed..seed + cases).filter(|n| n % 2 == half).for_each(case));
        }
    });
}
