//! Answers of the API as people read them: Chinese words, the pack's names, the clock on the wall.

use huiyin_deadline::Zone;
use jiff::Timestamp;
use serde_json::Value;

use crate::text::{plain, span};

/// Times and names as the people of a pack read them.
pub(crate) struct Reader {
    zone: Zone,
    names: Value,
}

impl Reader {
    /// By the `time_zone` and the `names` of an answer; UTC, and codes, where it has none.
    pub(crate) fn of(answer: &Value) -> Reader {
        let zone = answer.get("time_zone").and_then(Value::as_str).and_then(|name| Zone::named(name).ok());
        Reader { zone: zone.unwrap_or_default(), names: answer.get("names").cloned().unwrap_or_default() }
    }

    /// `2026-11-24 11:22:11`, by the clock of the zone; `-` for none.
    pub(crate) fn time(&self, value: Option<&Value>) -> String {
        let Some(text) = value.and_then(Value::as_str) else { return "-".to_owned() };
        match text.parse::<Timestamp>() {
            Ok(time) => self.zone.time_zone().to_datetime(time).strftime("%Y-%m-%d %H:%M:%S").to_string(),
            Err(_) => plain(text),
        }
    }

    /// The zone's name.
    pub(crate) fn zone(&self) -> &str {
        self.zone.name()
    }

    /// A unit by its code.
    pub(crate) fn unit(&self, code: &str) -> String {
        self.named("units", code)
    }

    /// Who acts: `person:<id>`, `run:<id>`, or a bare id.
    pub(crate) fn actor(&self, actor: &str) -> String {
        match actor.split_once(':') {
            None => self.named("people", actor),
            Some(("person", id)) => self.named("people", id),
            Some(("admin", name)) => format!("管理员 {}", plain(name)),
            Some(("run", id)) => format!("工作流 {}", plain(id)),
            Some(("plugin", name)) => format!("插件 {}", plain(name)),
            Some(("system", _)) => "系统".to_owned(),
            Some(_) => plain(actor),
        }
    }

    fn named(&self, kind: &str, code: &str) -> String {
        match self.names.get(kind).and_then(|names| names.get(code)).and_then(Value::as_str) {
            Some(name) => format!("{}({})", plain(name), plain(code)),
            None => plain(code),
        }
    }
}

/// A text of an object, harmless on a terminal; `-` where there is none.
pub(crate) fn word(value: &Value, name: &str) -> String {
    match value.get(name) {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => plain(text),
        Some(other) => plain(&other.to_string()),
    }
}

/// A warning colour.
pub(crate) fn colour(name: &str) -> &str {
    match name {
        "red" => "红",
        "orange" => "橙",
        "yellow" => "黄",
        "blue" => "蓝",
        other => other,
    }
}

/// Where a clock stands, and what is left of it or how late it is.
pub(crate) fn clock(clock: &Value) -> String {
    let left = clock.get("remaining_seconds").and_then(Value::as_i64);
    let late = clock.get("late_seconds").and_then(Value::as_i64);
    match (word(clock, "state").as_str(), left, late) {
        ("breached", Some(left), _) => format!("已超时 {}", span(left)),
        ("running", Some(left), _) if left < 0 => format!("已超时 {}", span(left)),
        ("running", Some(left), _) => format!("剩 {}", span(left)),
        ("paused", Some(left), _) => format!("暂停,剩 {}", span(left)),
        ("satisfied", ..) => "按时完成".to_owned(),
        ("satisfied-late", _, Some(late)) => format!("超时 {} 完成", span(late)),
        ("satisfied-late", ..) => "超时完成".to_owned(),
        ("breached-evidence-later", ..) => "曾超时,事后补证".to_owned(),
        ("stopped", ..) => "已停".to_owned(),
        (state, ..) => state.to_owned(),
    }
}
