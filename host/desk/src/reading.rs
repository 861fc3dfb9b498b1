//! Reading the desk: what is open, what is due, how a period went, for a unit and all below it. For logs, reports and
//! digests (clauses 3.2e, 4c, 6a), and for workflows that write them.
//!
//! Units of one house may live in several partitions. Each gives its part, a [`Reading`]; the parts add up.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use huiyin_deadline::clock::Clock;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;
use serde_json::{Value, json};

use crate::calls::call_rate;
use crate::case::{Case, CaseClock, Confidentiality, Kind};
use crate::command::ReadDesk;
use crate::decide::{Output, Work};
use crate::desk::Desk;
use crate::error::DeskError;
use crate::policy::{PolicyPack, SatisfiedBy};
use crate::view::{by_due, case_row};

/// Rows where no limit is given.
const ROWS: usize = 50;
/// The most rows.
const MAX_ROWS: usize = 500;
/// The longest period, in days.
const MAX_DAYS: i32 = 400;

/// What is asked, made definite.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    unit: String,
    from: Date,
    to: Date,
    start: Timestamp,
    end: Timestamp,
    kinds: Vec<Kind>,
    limit: usize,
}

impl Question {
    /// What `read-desk` asks for on behalf of a unit; none for the house itself.
    ///
    /// # Errors
    /// When the unit is not within reach, or the period is none.
    pub fn of(input: &ReadDesk, pack: &PolicyPack, scope: Option<&str>, now: Timestamp) -> Result<Self, DeskError> {
        let root = pack.root().map(|root| root.code.as_str());
        let unit = input.unit.as_deref().or(scope).or(root).unwrap_or_default();
        if pack.unit(unit).is_none() {
            return Err(DeskError::new("not-found", format!("the policy pack has no unit `{unit}`")).at("/unit"));
        }
        if let Some(scope) = scope
            && !pack.line(unit).any(|above| above.code == scope)
        {
            return Err(DeskError::new("not-yours", format!("unit `{scope}` does not stand above `{unit}`"))
                .at("/unit")
                .clause("1d"));
        }
        let zone = pack.time_zone.time_zone();
        let to = input.to.unwrap_or_else(|| zone.to_datetime(now).date());
        let from = input.from.unwrap_or(to);
        let wrong = |message: String| DeskError::new("out-of-range", message).at("/from");
        if from > to {
            return Err(wrong(format!("{from} lies after {to}")));
        }
        if from.until(to).map_or(true, |span| span.get_days() >= MAX_DAYS) {
            return Err(wrong(format!("{from} to {to} is more than {MAX_DAYS} days")));
        }
        let midnight = |day: Date| zone.to_timestamp(day.at(0, 0, 0, 0)).ok();
        let bounds = midnight(from).zip(to.tomorrow().ok().and_then(midnight));
        let (start, end) = bounds.ok_or_else(|| wrong("the calendar does not reach so far".to_owned()))?;
        let limit = input.limit.map_or(ROWS, |limit| limit as usize);
        if limit > MAX_ROWS {
            return Err(DeskError::new("too-many", format!("{limit} rows; at most {MAX_ROWS}")).at("/limit"));
        }
        Ok(Self { unit: unit.to_owned(), from, to, start, end, kinds: input.kinds.clone(), limit })
    }

    fn within(&self, at: Timestamp) -> bool {
        self.start <= at && at < self.end
    }
}

/// Counts of cases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
struct Count {
    /// Opened in the period.
    opened: u64,
    /// Closed in the period.
    closed: u64,
    /// Open now.
    open: u64,
    /// Open now, with a clock that is missed and not done.
    overdue: u64,
    /// Breaches that were noticed in the period.
    breaches: u64,
    /// Clocks that came to rest in the period.
    done: u64,
    /// Those of them that were never missed.
    on_time: u64,
}

impl AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.opened += other.opened;
        self.closed += other.closed;
        self.open += other.open;
        self.overdue += other.overdue;
        self.breaches += other.breaches;
        self.done += other.done;
        self.on_time += other.on_time;
    }
}

/// How the messages of a period were dealt with (clause 4c).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
struct Lateness {
    /// Came in.
    received: u64,
    /// Taken on.
    accepted: u64,
    /// Taken on late, or not yet and late by now.
    accepted_late: u64,
    /// Answered, or an approved no-response stands.
    answered: u64,
    /// Answered late.
    answered_late: u64,
    /// Not answered, and late by now.
    overdue: u64,
    /// Given more time.
    extended: u64,
    /// Standing still.
    paused: u64,
}

impl AddAssign for Lateness {
    fn add_assign(&mut self, other: Self) {
        self.received += other.received;
        self.accepted += other.accepted;
        self.accepted_late += other.accepted_late;
        self.answered += other.answered;
        self.answered_late += other.answered_late;
        self.overdue += other.overdue;
        self.extended += other.extended;
        self.paused += other.paused;
    }
}

/// What one partition has to say.
#[derive(Debug, Clone, Default)]
pub struct Reading {
    all: Count,
    by_unit: BTreeMap<String, Count>,
    by_level: BTreeMap<String, u64>,
    by_kind: BTreeMap<String, u64>,
    items: u64,
    by_channel: BTreeMap<String, u64>,
    by_label: BTreeMap<String, u64>,
    messages: BTreeMap<String, Lateness>,
    calls: BTreeMap<&'static str, u64>,
    open: Vec<Value>,
    due: Vec<Value>,
}

impl Reading {
    /// The part of one desk.
    pub fn of(desk: &Desk, asked: &Question, now: Timestamp) -> Self {
        let mut reading = Self::default();
        let Some(pack) = desk.policy() else { return reading };
        let ours = |unit: &str| pack.line(unit).any(|above| above.code == asked.unit);
        for case in desk.cases().filter(|case| ours(&case.unit)) {
            if asked.kinds.is_empty() || asked.kinds.contains(&case.kind) {
                reading.add_case(pack, case, asked, now);
            }
        }
        for item in desk.items().filter(|item| ours(&item.unit) && asked.within(item.observed)) {
            reading.items += 1;
            let channel = item.channel.clone().unwrap_or_else(|| item.source.clone());
            *reading.by_channel.entry(channel).or_default() += 1;
            let labels: std::collections::BTreeSet<&String> =
                item.assessments.iter().flat_map(|assessment| &assessment.verdict.labels).collect();
            for label in labels {
                *reading.by_label.entry(label.clone()).or_default() += 1;
            }
        }
        for row in call_rate(desk, asked.from, asked.to) {
            if row["unit"].as_str().is_some_and(ours) {
                for name in ["total", "answered", "missed", "called_back", "asked"] {
                    *reading.calls.entry(name).or_default() += row[name].as_u64().unwrap_or(0);
                }
            }
        }
        by_due(&mut reading.open);
        reading.open.truncate(asked.limit);
        reading.cut_due(asked.limit);
        reading
    }

    fn add_case(&mut self, pack: &PolicyPack, case: &Case, asked: &Question, now: Timestamp) {
        let open = case.is_open();
        let late = |entry: &&CaseClock| entry.clock.satisfied.is_none() && entry.clock.breached.is_some();
        let clocks = || case.clocks.iter().map(|entry| &entry.clock);
        let rested = |clock: &&Clock| clock.satisfied.as_ref().is_some_and(|done| asked.within(done.at));
        let count = Count {
            opened: u64::from(asked.within(case.times.opened)),
            closed: u64::from(case.times.closed.is_some_and(|at| asked.within(at))),
            open: u64::from(open),
            overdue: u64::from(open && case.clocks.iter().any(|entry| late(&entry))),
            breaches: clocks().flat_map(Clock::breaches).filter(|breach| asked.within(breach.fired_at)).count() as u64,
            done: clocks().filter(rested).count() as u64,
            on_time: clocks().filter(rested).filter(|clock| on_time(clock)).count() as u64,
        };
        self.all += count;
        *self.by_unit.entry(case.unit.clone()).or_default() += count;
        if count.opened > 0 {
            *self.by_level.entry(case.level.name().to_owned()).or_default() += 1;
            *self.by_kind.entry(word(case.kind)).or_default() += 1;
            if case.kind == Kind::Message {
                *self.messages.entry(case.unit.clone()).or_default() += lateness(case);
            }
        }
        if !open {
            return;
        }
        let secret = case.confidentiality == Confidentiality::Secret;
        let mut row = case_row(case, now);
        row["unit_name"] = json!(pack.unit(&case.unit).map(|unit| &unit.name));
        if secret {
            row["title"] = json!("(涉密)");
        }
        let title = row["title"].clone();
        self.open.push(row);
        for entry in case.clocks.iter().filter(|e| e.clock.satisfied.is_none() && e.clock.due.at < asked.end) {
            self.due.push(json!({
                "case": case.number, "unit": case.unit, "title": title, "level": case.level, "clock": entry.clock.id,
                "name": entry.name, "due_at": entry.clock.due.at, "breached": entry.clock.breached.is_some(),
                "paused": entry.clock.paused_since().is_some(),
            }));
        }
    }

    fn cut_due(&mut self, limit: usize) {
        let due = |row: &Value| row["due_at"].as_str().and_then(|at| at.parse::<Timestamp>().ok());
        self.due.sort_by_cached_key(|row| (due(row), row["case"].as_str().unwrap_or_default().to_owned()));
        self.due.truncate(limit);
    }

    /// Adds the part of another desk.
    #[must_use]
    pub fn and(mut self, other: Self, asked: &Question) -> Self {
        fn add<V: AddAssign + Default>(into: &mut BTreeMap<String, V>, from: BTreeMap<String, V>) {
            for (name, value) in from {
                *into.entry(name).or_default() += value;
            }
        }
        self.all += other.all;
        self.items += other.items;
        add(&mut self.by_unit, other.by_unit);
        add(&mut self.by_level, other.by_level);
        add(&mut self.by_kind, other.by_kind);
        add(&mut self.by_channel, other.by_channel);
        add(&mut self.by_label, other.by_label);
        add(&mut self.messages, other.messages);
        for (name, count) in other.calls {
            *self.calls.entry(name).or_default() += count;
        }
        self.open.extend(other.open);
        by_due(&mut self.open);
        self.open.truncate(asked.limit);
        self.due.extend(other.due);
        self.cut_due(asked.limit);
        self
    }

    /// What is answered.
    pub fn answer(&self, pack: &PolicyPack, asked: &Question) -> Value {
        let rate = |part: u64, of: u64| (of > 0).then(|| part as f64 / of as f64);
        let call = |name: &str| self.calls.get(name).copied().unwrap_or(0);
        json!({
            "unit": asked.unit,
            "unit_name": pack.unit(&asked.unit).map(|unit| unit.name.zh.as_str()),
            "from": asked.from,
            "to": asked.to,
            "cases": self.all,
            "on_time_rate": rate(self.all.on_time, self.all.done),
            "by_unit": self.by_unit,
            "by_level": self.by_level,
            "by_kind": self.by_kind,
            "items": self.items,
            "by_channel": self.by_channel,
            "by_label": self.by_label,
            "messages": self.messages,
            "hotline": {
                "total": call("total"), "answered": call("answered"), "missed": call("missed"),
                "called_back": call("called_back"), "asked": call("asked"),
                "answer_rate": rate(call("answered"), call("total")),
                "target": pack.hotline.as_ref().and_then(|rule| rule.answer_rate),
            },
            "open": self.open,
            "due": self.due,
            "sections": self.sections(asked),
        })
    }

    /// In words, for a log: 概况 and 传播.
    fn sections(&self, asked: &Question) -> Value {
        let percent = |part: u64, of: u64| format!("{:.1}%", part as f64 * 100.0 / of as f64);
        let list = |counts: &BTreeMap<String, u64>| {
            counts.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join("、")
        };
        let when = if asked.from == asked.to { asked.to.to_string() } else { format!("{}至{}", asked.from, asked.to) };
        let all = &self.all;
        let call = |name: &str| self.calls.get(name).copied().unwrap_or(0);
        let mut state = if all.opened + all.closed + self.items + call("total") + all.breaches == 0 {
            format!("{when}无新增信息、办件和来电。")
        } else {
            let mut text = format!("{when}收到信息 {} 条,新立案 {} 件", self.items, all.opened);
            if !self.by_level.is_empty() {
                text.push_str(&format!("({})", list(&self.by_level)));
            }
            text.push_str(&format!(",办结 {} 件。", all.closed));
            text
        };
        state.push_str(&format!("在办 {} 件,其中超时 {} 件。", all.open, all.overdue));
        if all.breaches > 0 {
            state.push_str(&format!("新发生超时 {} 次。", all.breaches));
        }
        if all.done > 0 {
            state.push_str(&format!("时限按时完成率 {}。", percent(all.on_time, all.done)));
        }
        if call("total") > 0 {
            let rate = percent(call("answered"), call("total"));
            state.push_str(&format!("热线来电 {} 个,接听率 {rate}。", call("total")));
        }
        let mut spread = if self.by_channel.is_empty() {
            "无。".to_owned()
        } else {
            format!("渠道:{}。", list(&self.by_channel))
        };
        if !self.by_label.is_empty() {
            spread.push_str(&format!("标签:{}。", list(&self.by_label)));
        }
        json!([{ "name": "概况", "text": state }, { "name": "传播", "text": spread }])
    }
}

impl Work<'_> {
    /// `read-desk`: of the units that live where it is asked. The engine adds what others say.
    pub(crate) fn read_desk(&mut self, input: &ReadDesk) -> Output {
        let pack = self.policy()?;
        let asked = Question::of(input, &pack, self.scope(), self.now())?;
        Ok(Reading::of(&self.desk, &asked, self.now()).answer(&pack, &asked))
    }
}

fn word(kind: Kind) -> String {
    json!(kind).as_str().unwrap_or_default().to_owned()
}

/// At rest, and never missed.
fn on_time(clock: &Clock) -> bool {
    clock.satisfied.as_ref().is_some_and(|done| done.on_time) && clock.breaches().next().is_none()
}

fn lateness(case: &Case) -> Lateness {
    let of = |what: SatisfiedBy| case.clocks.iter().filter(move |e| e.satisfied_by == what).map(|e| &e.clock);
    let late = |what| of(what).any(|clock| clock.breaches().next().is_some());
    let answered = case.is_answered() || case.no_response_approved();
    let missed = late(SatisfiedBy::Answer);
    Lateness {
        received: 1,
        accepted: u64::from(case.accepted.is_some()),
        accepted_late: u64::from(late(SatisfiedBy::Acceptance)),
        answered: u64::from(answered),
        answered_late: u64::from(answered && missed),
        overdue: u64::from(!answered && missed),
        extended: u64::from(of(SatisfiedBy::Answer).any(|clock| clock.extension.is_some())),
        paused: u64::from(case.is_open() && of(SatisfiedBy::Answer).any(|clock| clock.paused_since().is_some())),
    }
}
