//! What the demo shows: what happens, a line each, and below it on a terminal
//! one block with every clock's countdown, drawn anew each second. In a pipe
//! there are lines only.

use std::io::{IsTerminal as _, Write as _};

use huiyin_engine::Activity;
use serde_json::Value;

use super::local::Told;
use crate::text::{fit, plain, span};

/// Cases shown in the block; the rest are counted.
const SHOWN: usize = 12;

/// In a pipe, the countdowns are told every so many seconds.
const PIPE_EVERY: u64 = 10;

pub(super) struct Screen {
    terminal: bool,
    /// Lines of the block that stands below.
    block: usize,
    beats: u64,
    told: u64,
}

impl Screen {
    pub(super) fn on_stdout() -> Screen {
        Screen { terminal: std::io::stdout().is_terminal(), block: 0, beats: 0, told: 0 }
    }

    /// A notification arrived.
    pub(super) fn told(&mut self, told: &Told) {
        self.told += 1;
        self.line(&format!(
            "told    {}  {}",
            told.people.iter().map(|p| plain(p)).collect::<Vec<_>>().join(", "),
            plain(&told.subject)
        ));
    }

    /// Something happened in the host.
    pub(super) fn happened(&mut self, activity: &Activity) {
        let data = &activity.data;
        let text = |name: &str| data.get(name).and_then(Value::as_str).map(plain).unwrap_or_default();
        let number = |name: &str| data.get(name).and_then(Value::as_i64).unwrap_or_default();
        let name = || data.pointer("/name/zh").and_then(Value::as_str).map_or_else(|| text("clock"), plain);
        let line = match activity.kind.as_str() {
            "huiyin.source.read.v1" if number("items") > 0 => {
                format!("items   {} from {}", number("items"), plain(&activity.subject))
            }
            "huiyin.source.failed.v1" => format!("source  {} failed: {}", plain(&activity.subject), text("error")),
            "huiyin.case.opened.v1" => {
                format!("case    {} opened  {} {}  {}", text("case"), text("level"), text("level_zh"), text("title"))
            }
            "huiyin.case.level-changed.v1" => {
                format!("case    {} is now {} {}", text("case"), text("level"), text("level_zh"))
            }
            "huiyin.clock.started.v1" => format!("clock   {} {}  due {}", text("case"), name(), text("due_at")),
            "huiyin.clock.warned.v1" => {
                format!("clock   {} {}  {} left", text("case"), name(), span(number("remaining_seconds")))
            }
            "huiyin.clock.breached.v1" => {
                format!("clock   {} {}  PASSED, late by {}", text("case"), name(), span(number("late_seconds")))
            }
            "huiyin.clock.satisfied.v1" => format!("clock   {} {}  satisfied", text("case"), name()),
            "huiyin.report.drafted.v1" => format!(
                "draft   {} waits for a person: huiyin case report {} --draft {} --as ID",
                text("case"),
                text("case"),
                data.pointer("/draft/hash").and_then(Value::as_str).map(plain).unwrap_or_default()
            ),
            "huiyin.approval.requested.v1" => {
                format!("waits   {} {} for a second person, of {}", text("case"), text("act_zh"), text("author"))
            }
            "huiyin.report.submitted.v1" => format!("report  {} submitted", text("case")),
            _ => return,
        };
        self.line(&line);
    }

    /// The feed was faster than the screen.
    pub(super) fn missed(&mut self, lines: u64) {
        self.line(&format!("…       {lines} lines not shown"));
    }

    /// A second has passed.
    pub(super) fn beat(&mut self, cases: &[Value], items: u64, failing: &[String]) {
        let block = block(cases, items, self.told, failing);
        if self.terminal {
            self.draw(&block);
        } else if self.beats.is_multiple_of(PIPE_EVERY) {
            for line in &block {
                self.line(line);
            }
        }
        self.beats += 1;
    }

    /// One line, above the block.
    fn line(&mut self, line: &str) {
        let mut out = std::io::stdout().lock();
        let cleared = if self.block > 0 { format!("\x1b[{}A\x1b[J", self.block) } else { String::new() };
        self.block = 0;
        // A reader who has gone away wants no more; the demo goes on for the others.
        let _ = writeln!(out, "{cleared}{line}").and_then(|()| out.flush());
    }

    fn draw(&mut self, block: &[String]) {
        let width = terminal_width();
        let mut out = std::io::stdout().lock();
        let mut text = if self.block > 0 { format!("\x1b[{}A\x1b[J", self.block) } else { String::new() };
        for line in block {
            text.push_str(&fit(line, width));
            text.push('\n');
        }
        self.block = block.len();
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }
}

/// A line longer than this would wrap and spoil the redrawing.
fn terminal_width() -> usize {
    terminal_size::terminal_size().map_or(80, |(width, _)| usize::from(width.0)).saturating_sub(1).max(20)
}

fn block(cases: &[Value], items: u64, told: u64, failing: &[String]) -> Vec<String> {
    let open = cases.iter().filter(|case| case.get("state").and_then(Value::as_str) != Some("closed")).count();
    let mut lines = vec![format!("status  items {items}  cases {} ({open} open)  told {told}", cases.len())];
    let text = |case: &Value, at: &str| case.pointer(at).and_then(Value::as_str).map(plain).unwrap_or_default();
    for case in cases.iter().take(SHOWN) {
        let left = case.pointer("/clock/remaining_seconds").and_then(Value::as_i64);
        let clock = match left {
            Some(left) if left < 0 => format!("late {}", span(left)),
            Some(left) => format!("{} left", span(left)),
            None => "no clock runs".to_owned(),
        };
        let name = case
            .pointer("/clock/name/zh")
            .or_else(|| case.pointer("/clock/name"))
            .and_then(Value::as_str)
            .map(plain)
            .unwrap_or_default();
        lines.push(format!(
            "  {}  {:<3} {}  {clock:<14} {name}  {}",
            text(case, "/number"),
            text(case, "/level"),
            text(case, "/colour"),
            text(case, "/title")
        ));
    }
    if cases.len() > SHOWN {
        lines.push(format!("  … and {} more", cases.len() - SHOWN));
    }
    for source in failing {
        lines.push(format!("  source {} is failing", plain(source)));
    }
    lines
}
