//! The clocks of a unit as a calendar of to-dos (iCalendar, RFC 5545), which calendar programs subscribe to.

use axum::Extension;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::IntoResponse;
use chrono::{DateTime, Utc};
use huiyin_desk::case::Confidentiality;
use huiyin_desk::{Level, RunningClock, running_clocks};
use icalendar::{Alarm, Calendar, Class, Component as _, EventLike as _, Property, Todo, TodoStatus};
use jiff::Timestamp;

use crate::caller::Caller;
use crate::problem::Problem;
use crate::state::App;

/// What RFC 5545 calls a calendar.
const MEDIA_TYPE: &str = "text/calendar; charset=utf-8";

/// The running clocks of a unit's cases and tasks, as far as the person may read them.
pub(crate) async fn calendar(
    State(app): State<App>,
    unit: Result<Path<String>, PathRejection>,
    Extension(caller): Extension<Caller>,
) -> Result<impl IntoResponse, Problem> {
    let Path(unit) = unit?;
    app.engine.partition_of(&unit)?;
    let reader = caller.reader();
    let wanted = unit.clone();
    let found = app.engine.look_all(move |state, _| running_clocks(&state.desk, &wanted, &reader)).await?;
    let mut clocks: Vec<RunningClock> = found.into_iter().flatten().collect();
    clocks.sort_by_key(|clock| (clock.due_at.is_none(), clock.due_at));
    let code = unit.clone();
    let name = app.engine.look(0, move |state, _| state.desk.unit_name(&code).to_owned()).await?;
    Ok(([(header::CONTENT_TYPE, MEDIA_TYPE)], written(&name, &clocks, app.engine.now())))
}

fn written(name: &str, clocks: &[RunningClock], now: Timestamp) -> String {
    let mut calendar = Calendar::empty();
    calendar.append_property(("VERSION", "2.0"));
    calendar.append_property(("PRODID", "-//Huiyin//clocks//ZH"));
    calendar.append_property(("CALSCALE", "GREGORIAN"));
    calendar.name(&format!("{name}时限"));
    for clock in clocks {
        calendar.push(todo(clock, now));
    }
    calendar.to_string()
}

fn todo(clock: &RunningClock, now: Timestamp) -> Todo {
    let mut todo = Todo::new();
    let about = match (clock.due_at, clock.breached) {
        (None, _) => "【暂停】",
        (_, true) => "【已超时】",
        _ => "",
    };
    todo.uid(&format!("{}.{}@huiyin", clock.case, clock.clock))
        .timestamp(utc(now))
        .summary(&line(&format!("{about}{}:{}", clock.name, clock.title)))
        .description(&described(clock))
        .class(class(clock.confidentiality))
        .priority(priority(clock.level))
        .status(TodoStatus::NeedsAction);
    todo.append_property(Property::new("CREATED", stamp(clock.started_at)));
    todo.append_property(Property::new("CATEGORIES", clock.level.zh()));
    if let Some(due) = clock.due_at {
        // A to-do begins before it is due (RFC 5545, 3.8.2.3).
        if clock.anchor_at < due {
            todo.starts(utc(clock.anchor_at));
        }
        todo.due(utc(due));
        for at in &clock.warnings {
            let text = line(&format!("{}即将到期:{}", clock.name, clock.title));
            todo.alarm(Alarm::display(&text, utc(*at)));
        }
    }
    todo.done()
}

/// On one line: what is no character for a page would break the file's lines.
fn line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn described(clock: &RunningClock) -> String {
    let mut text =
        format!("办件 {}\n等级 {} 状态 {}\n依据 {}", clock.case, clock.level.zh(), clock.state.zh(), clock.basis);
    if clock.provisional {
        text.push_str("\n当年工作日历尚未公布,截止时间为暂定");
    }
    text
}

/// 1 is the highest (RFC 5545, 3.8.1.9).
fn priority(level: Level) -> u32 {
    match level {
        Level::I => 1,
        Level::II => 3,
        Level::III => 5,
        Level::IV => 9,
    }
}

fn class(confidentiality: Confidentiality) -> Class {
    match confidentiality {
        Confidentiality::Public => Class::Public,
        Confidentiality::Internal => Class::Private,
        Confidentiality::Secret => Class::Confidential,
    }
}

/// Whole seconds: iCalendar has no parts of them.
fn utc(at: Timestamp) -> DateTime<Utc> {
    DateTime::from_timestamp(at.as_second(), 0).unwrap_or_default()
}

fn stamp(at: Timestamp) -> String {
    utc(at).format("%Y%m%dT%H%M%SZ").to_string()
}
