//! What a story shows: a line for each thing that happens, with the minute of the story, the clause, and the words.

use std::collections::BTreeMap;
use std::io::Write as _;

use huiyin_engine::Activity;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Unit};
use serde_json::Value;

use crate::demo::local::Told;
use crate::rows::rows;
use crate::text::{plain, span};

/// What happened, for people.
pub(super) struct Line {
    /// The clauses it answers to, such as `5e`.
    pub(super) clause: String,
    pub(super) zh: String,
    pub(super) en: String,
}

impl Line {
    pub(super) fn new(clause: &str, zh: impl Into<String>, en: impl Into<String>) -> Line {
        Line { clause: clause.to_owned(), zh: zh.into(), en: en.into() }
    }
}

/// Where the lines go, and how moments are read there.
pub(super) struct Telling {
    began: Timestamp,
    zone: TimeZone,
    /// The clause of each clock that has started, and of each rule of the pack.
    clauses: BTreeMap<String, String>,
    /// Names of persons.
    people: BTreeMap<String, String>,
}

impl Telling {
    /// By the pack that `/v1/policy` shows.
    pub(super) fn of(pack: &Value, began: Timestamp) -> Telling {
        let text = |value: &Value, at: &str| value.pointer(at).and_then(Value::as_str).map(str::to_owned);
        let zone = text(pack, "/time_zone").and_then(|name| TimeZone::get(&name).ok()).unwrap_or(TimeZone::UTC);
        let clauses = rows(pack, "clocks").filter_map(|rule| Some((text(rule, "/id")?, text(rule, "/basis/clause")?)));
        let units = rows(pack, "units");
        let people = units.flat_map(|unit| rows(unit, "people").collect::<Vec<_>>());
        let people = people.filter_map(|person| Some((text(person, "/id")?, text(person, "/name")?)));
        let superiors = rows(pack, "units").filter_map(|unit| unit.get("superior"));
        let superiors = superiors.filter_map(|above| Some((text(above, "/id")?, text(above, "/name")?)));
        let people = people.chain(superiors).map(|(id, name)| (id, without_note(&name)));
        Telling { began, zone, clauses: clauses.collect(), people: people.collect() }
    }

    /// The minute of the story.
    pub(super) fn minute(&self, at: Timestamp) -> i64 {
        at.duration_since(self.began).as_mins()
    }

    /// The name of a person; the id where nobody has it.
    pub(super) fn person(&self, id: &str) -> String {
        self.people.get(id).cloned().unwrap_or_else(|| plain(id))
    }

    /// Writes a line.
    pub(super) fn say(&self, at: Timestamp, line: &Line) {
        let wall = self.zone.to_datetime(at);
        let began = self.zone.to_datetime(self.began);
        let wall =
            if wall.date() == began.date() { wall.strftime("      %H:%M") } else { wall.strftime("%m-%d %H:%M") };
        let text = format!(
            "{:>5} min {wall}  {:<9} {}  ·  {}",
            self.minute(at),
            line.clause,
            plain(&line.zh),
            plain(&line.en)
        );
        put(&text);
    }

    /// Writes that nothing is played in between.
    pub(super) fn leap(&self, to: Timestamp) {
        let wall = self.zone.to_datetime(to.round(Unit::Minute).unwrap_or(to));
        put(&format!(
            "      ⋯ 时钟快进到 {} (the clock leaps; it stops wherever something is due)",
            wall.strftime("%m-%d %H:%M")
        ));
    }

    /// The line of something that the host did by itself; none for what a story has no words for.
    pub(super) fn of_activity(&mut self, activity: &Activity) -> Option<Line> {
        let data = &activity.data;
        if let Some((clock, clause)) =
            data.get("clock").and_then(Value::as_str).zip(data.get("clause").and_then(Value::as_str))
        {
            self.clauses.insert(clock.to_owned(), clause.to_owned());
        }
        let text = |name: &str| data.get(name).and_then(Value::as_str).map(plain).unwrap_or_default();
        let seconds = |name: &str| span(data.get(name).and_then(Value::as_i64).unwrap_or_default());
        let clock = || data.pointer("/name/zh").and_then(Value::as_str).map_or_else(|| text("clock"), plain);
        let rule = || text("clock");
        let clause = || self.clauses.get(&rule()).cloned().unwrap_or_default();
        let line = |clause: &str, zh: String, en: String| Some(Line::new(clause, zh, en));
        match activity.kind.as_str() {
            "huiyin.case.opened.v1" => line(
                "3.2a",
                format!("研判为{},系统立案 {}", text("level_zh"), text("case")),
                format!("judged level {}, a case is open", text("level")),
            ),
            "huiyin.clock.started.v1" => line(
                &clause(),
                format!("时限起算:{},截止 {}", clock(), self.wall(&text("due_at"))),
                format!("clock {} runs", rule()),
            ),
            "huiyin.clock.warned.v1" => line(
                &clause(),
                format!("时限预警:{},剩 {}", clock(), seconds("remaining_seconds")),
                format!("clock {} warns, {} left", rule(), seconds("remaining_seconds")),
            ),
            "huiyin.clock.breached.v1" => line(
                &clause(),
                format!("超时:{},已记录在案", clock()),
                format!("clock {} BREACHED, on record (late by {})", rule(), seconds("late_seconds")),
            ),
            "huiyin.clock.satisfied.v1" => {
                let on_time = data.get("on_time").and_then(Value::as_bool) != Some(false);
                let (zh, en) = if on_time { ("按时", "in time") } else { ("超时完成", "late") };
                line(&clause(), format!("停表:{},{zh}", clock()), format!("clock {} stopped, {en}", rule()))
            }
            "huiyin.escalation.raised.v1" => {
                let whom: Vec<String> = rows(data, "notify").map(|told| self.told(told)).collect();
                let whom = whom.join("、");
                let clauses = format!("2c,{}", self.clauses.get(&rule()).map_or("", String::as_str));
                line(
                    clauses.trim_end_matches(','),
                    format!("逐级上报:{} → {whom}", clock()),
                    format!("clock {} escalates", rule()),
                )
            }
            "huiyin.report.drafted.v1" => {
                let stage = data.pointer("/draft/stage").and_then(Value::as_str).map(plain).unwrap_or_default();
                line(
                    "5a",
                    format!("工作流拟好{}稿,等人核对报送;稿子不停表", stage_zh(&stage)),
                    format!("a draft of the {stage} report waits for a person"),
                )
            }
            "huiyin.report.receipted.v1" => {
                let unit = data.pointer("/receipt/unit").or_else(|| data.pointer("/receipt/addressee"));
                let unit = unit.and_then(Value::as_str).map(plain).unwrap_or_default();
                line("3.3", format!("{unit} 已签收"), format!("{unit} signed for the report"))
            }
            "huiyin.duty.missed.v1" => {
                line("3.1b", format!("值班未签到:{}", text("slot")), "nobody came on duty".to_owned())
            }
            "huiyin.patrol.missed.v1" => {
                line("3.1b", format!("漏巡:{}", text("patrol")), "a patrol was missed".to_owned())
            }
            _ => None,
        }
    }

    /// The line of notices that arrived, those about the same in one.
    pub(super) fn of_notices(&self, told: &[Told]) -> Vec<Line> {
        let mut by_subject: Vec<(&str, Vec<String>)> = Vec::new();
        for notice in told {
            let at = by_subject.iter().position(|(about, _)| *about == notice.about).unwrap_or_else(|| {
                by_subject.push((&notice.about, Vec::new()));
                by_subject.len() - 1
            });
            for whom in notice.people.iter().map(|id| self.person(id)) {
                if !by_subject[at].1.contains(&whom) {
                    by_subject[at].1.push(whom);
                }
            }
        }
        let line = |(about, whom): (&str, Vec<String>)| {
            Line::new("3.2f", format!("已通知 {}:{about}", whom.join("、")), format!("{} told", whom.len()))
        };
        by_subject.into_iter().map(line).collect()
    }

    fn told(&self, told: &Value) -> String {
        let text = |name: &str| told.get(name).and_then(Value::as_str).map(plain);
        let name = text("name").map(|name| without_note(&name));
        name.or_else(|| text("to").or_else(|| text("id")).map(|id| self.person(&id))).unwrap_or_default()
    }

    fn wall(&self, time: &str) -> String {
        time.parse::<Timestamp>()
            .map_or_else(|_| time.to_owned(), |at| self.zone.to_datetime(at).strftime("%m-%d %H:%M").to_string())
    }
}

/// A name without what stands after it in brackets.
fn without_note(name: &str) -> String {
    name.split(['(', '(']).next().unwrap_or(name).to_owned()
}

/// What a stage of reports is called.
pub(super) fn stage_zh(stage: &str) -> &'static str {
    match stage {
        "flash" => "快报",
        "follow-up" => "续报",
        "detailed" => "详报",
        _ => "终报",
    }
}

/// A line on stdout. A reader who has gone away wants no more; the story goes on for the record.
pub(super) fn put(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}
