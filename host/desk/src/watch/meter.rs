//! What warnings are measured by (clause 3.2b): items by the time they
//! happened, counted in small steps, so that a window of time can be moved
//! over them however many there are.

use imbl::OrdMap;
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// In how many steps a window is counted.
const STEPS: i64 = 60;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// How many items the window has.
    Count,
    /// How many times as many as the windows before had on average; one item, where they had fewer.
    Rate,
    /// The highest score of an item in the window, 0 to 1.
    Score,
}

/// How a meter counts; a warning keeps its own, whatever the pack says later.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Gauge {
    /// What is measured.
    pub measure: Measure,
    /// The window, in seconds.
    pub over: i64,
    /// For a rate: how many windows before this one it is held against.
    #[serde(default)]
    pub baseline: i64,
}

impl Gauge {
    /// The length of a step, in seconds: a sixtieth of the window, a second at least.
    pub(crate) fn width(&self) -> i64 {
        (self.over / STEPS).max(1)
    }

    /// For how long items are kept, in seconds.
    pub(crate) fn keep(&self) -> i64 {
        // One window to hold against the one that passed, and the steps at both ends.
        self.over.saturating_mul(self.baseline.max(1) + 1) + 2 * self.width()
    }

    fn window(&self) -> SignedDuration {
        SignedDuration::from_secs(self.over)
    }
}

/// A step of a meter.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Cell {
    /// Items.
    pub items: u32,
    /// The highest score.
    pub score: f64,
}

/// What one rule has measured of one subject.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Meter {
    /// How it counts.
    pub gauge: Gauge,
    /// By the number of the step since 1970.
    pub cells: OrdMap<i64, Cell>,
}

impl Meter {
    pub(crate) fn new(gauge: Gauge) -> Self {
        Self { gauge, cells: OrdMap::new() }
    }

    /// The step that a moment lies in.
    pub(crate) fn step(&self, at: Timestamp) -> i64 {
        at.as_second().div_euclid(self.gauge.width())
    }

    pub(crate) fn add(&mut self, step: i64, cell: Cell, now: Timestamp) {
        let own = self.cells.entry(step).or_default();
        own.items = own.items.saturating_add(cell.items);
        own.score = own.score.max(cell.score);
        let first = now.as_second().saturating_sub(self.gauge.keep()).div_euclid(self.gauge.width());
        while let Some(step) = self.cells.keys().next().copied().filter(|step| *step < first) {
            self.cells.remove(&step);
        }
    }

    /// Items and highest score of the steps that end after `from` and begin at `to` at the latest.
    fn sum(&self, from: i64, to: i64) -> (u64, f64) {
        let width = self.gauge.width();
        let (first, last) = (from.div_euclid(width), to.div_euclid(width));
        self.cells
            .range(first..=last)
            .fold((0, 0.0), |(items, score), (_, cell)| (items + u64::from(cell.items), f64::max(score, cell.score)))
    }

    /// What is measured at a moment.
    pub(crate) fn value(&self, at: Timestamp) -> f64 {
        let (now, over) = (at.as_second(), self.gauge.over);
        let (items, score) = self.sum(now - over + 1, now);
        match self.gauge.measure {
            Measure::Count => items as f64,
            Measure::Score => score,
            Measure::Rate => {
                let windows = self.gauge.baseline.max(1);
                let before = now - over;
                let (earlier, _) = self.sum(before - over.saturating_mul(windows) + 1, before - self.gauge.width());
                items as f64 / (earlier as f64 / windows as f64).max(1.0)
            }
        }
    }

    /// Since when the value is below `bar` and will stay there, if nothing more comes in. It was
    /// there from the beginning where this gives none.
    pub(crate) fn quiet_since(&self, bar: f64) -> Option<Timestamp> {
        let width = self.gauge.width();
        let (first, last) = (*self.cells.keys().next()?, *self.cells.keys().next_back()?);
        // One step after the whole window has passed there is nothing in it any more.
        let end = last + self.gauge.over / width + 2;
        let begin = first.max(last - 2 * (self.gauge.over / width + 2));
        let at = |step: i64| Timestamp::from_second(step.saturating_mul(width)).ok();
        let loud = (begin..=end).rev().find(|step| at(*step).is_some_and(|at| self.value(at) >= bar))?;
        at(loud + 1)
    }

    /// When a warning may fall that has stood since `changed`: a whole window after the value has
    /// gone below `bar`, and a whole window after the warning changed.
    pub(crate) fn falls_at(&self, bar: f64, changed: Timestamp) -> Timestamp {
        let since = self.quiet_since(bar).map_or(changed, |since| since.max(changed));
        since.checked_add(self.gauge.window()).unwrap_or(Timestamp::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn meter(measure: Measure, over: i64, baseline: i64, at: &[i64]) -> Meter {
        let mut meter = Meter::new(Gauge { measure, over, baseline });
        for second in at {
            meter.add(meter.step(time(*second)), Cell { items: 1, score: 0.5 }, time(*second));
        }
        meter
    }

    fn same(one: f64, other: f64) {
        assert!((one - other).abs() < 1e-9, "{one} {other}");
    }

    #[test]
    fn a_window_moves_over_the_items() {
        let meter = meter(Measure::Count, 3_600, 0, &[0, 10, 1_800, 3_500]);
        same(meter.value(time(0)), 2.0);
        same(meter.value(time(1_800)), 3.0);
        same(meter.value(time(3_599)), 4.0);
        same(meter.value(time(3_660)), 2.0);
        same(meter.value(time(9_000)), 0.0);
    }

    #[test]
    fn a_rate_holds_a_window_against_those_before() {
        // Two an hour for a day, then ten.
        let mut at: Vec<i64> = (0..48).map(|n| n * 1_800).collect();
        at.extend((0..10).map(|n| 24 * 3_600 + n * 300));
        let meter = meter(Measure::Rate, 3_600, 24, &at);
        let rate = meter.value(time(24 * 3_600 + 3_540));
        assert!((4.5..6.0).contains(&rate), "{rate}");
    }

    #[test]
    fn it_is_quiet_once_the_window_has_passed() {
        let meter = meter(Measure::Count, 600, 0, &[0, 60, 120]);
        let since = meter.quiet_since(2.0).unwrap();
        assert!(meter.value(since) < 2.0 && since > time(600) && since <= time(700), "{since}");
        let falls = meter.falls_at(2.0, time(0));
        assert_eq!(falls.duration_since(since).as_secs(), 600);
        assert_eq!(meter.quiet_since(9.0), None, "it never was as loud as that");
    }
}
