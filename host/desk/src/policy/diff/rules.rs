//! What changes in the parts of a pack that are lists of rules, or one rule: each rule by its name, each of its members
//! by what it was and what it is. A part that has no words of its own here is still told, by its key.

use serde_json::{Map, Value};

use super::Changes;
use crate::level::Level;
use crate::policy::PolicyPack;
use crate::text::clip;

/// The most characters of a value that is told.
const SHOWN: usize = 160;

/// A part of a pack.
struct Part {
    key: &'static str,
    zh: &'static str,
    en: &'static str,
    /// The members that name a rule of a list; none where the part is one rule.
    named: &'static [&'static str],
    /// Whether it changes what holds for open cases.
    cases: bool,
    /// What goes on as it was.
    stays: Option<(&'static str, &'static str)>,
}

const fn part(
    key: &'static str,
    zh: &'static str,
    en: &'static str,
    named: &'static [&'static str],
    cases: bool,
    stays: Option<(&'static str, &'static str)>,
) -> Part {
    Part { key, zh, en, named, cases, stays }
}

#[rustfmt::skip]
const PARTS: [Part; 15] = [
    part("responses", "回应要求", "what levels ask for", &["levels"], true, None),
    part("acts", "可办理事项的角色", "roles that may act", &["act"], true, None),
    part("closing", "办结条件", "what is done before a case is closed", &["levels"], true, None),
    part("approvals", "审批链", "chain of approval", &["act", "levels"], true,
        Some(("已提出的事项仍按原审批链", "what waits already keeps its own"))),
    part("reporting", "报送渠道与对象", "the channel of reports", &[], true, None),
    part("retention", "留存年限", "how long is kept", &["data"], false, None),
    part("access", "涉密办件查阅范围", "who may read secret cases", &[], true, None),
    part("hotline", "热线接听目标", "what is expected of the hotline", &[], false, None),
    part("coverage", "渠道覆盖要求", "channels to be watched", &["unit"], false, None),
    part("duty", "值班与巡查安排", "duty roster and patrols", &["unit"], false, None),
    part("warnings", "预警规则", "warning", &["id"], false,
        Some(("未解除的预警照旧", "open warnings go on"))),
    part("publishing", "发布渠道", "channels of responses", &[], true,
        Some(("已签发的回应照旧", "what was released goes on"))),
    part("major", "重大舆情的启动与递补", "major matters", &[], true, None),
    part("disclosure", "主动发布时限", "disclosure without being asked", &["kind"], false,
        Some(("已启动的照旧计时", "those that run go on"))),
    part("notify", "通知对象", "who is told", &["on", "levels"], true, None),
];

/// The parts that are told elsewhere, with more of their meaning.
const ELSEWHERE: [&str; 9] =
    ["name", "version", "title", "time_zone", "units", "levels", "calendars", "clocks", "floor"];

impl Changes<'_> {
    /// Everything beside units, clocks and the floor.
    pub(super) fn rules(&mut self) {
        let (old, new) = (members(self.old), members(self.new));
        for part in &PARTS {
            let value = |of: &Map<String, Value>| of.get(part.key).cloned().unwrap_or_default();
            let (a, b) = (value(&old), value(&new));
            if a == b {
                continue;
            }
            if part.named.is_empty() { self.one(part, &a, &b) } else { self.list(part, &a, &b) }
        }
        let told = |key: &str| ELSEWHERE.contains(&key) || PARTS.iter().any(|part| part.key == key);
        let keys = old.keys().chain(new.keys().filter(|key| !old.contains_key(*key)));
        for key in keys.filter(|key| !told(key) && old.get(*key) != new.get(*key)) {
            let (a, b) = (old.get(key).unwrap_or(&Value::Null), new.get(key).unwrap_or(&Value::Null));
            let (zh, en) = (differences(a, b, true), differences(a, b, false));
            self.push(format!("/{key}"), format!("“{key}”改变:{zh}"), format!("`{key}` changes: {en}")).cases = true;
        }
    }

    fn one(&mut self, part: &Part, old: &Value, new: &Value) {
        let (zh, en) = match (old, new) {
            (Value::Null, new) => {
                (format!("新增{}:{}", part.zh, words(new, true)), format!("{} is new: {}", part.en, words(new, false)))
            }
            (old, Value::Null) => {
                (format!("取消{}:{}", part.zh, words(old, true)), format!("{} is gone: {}", part.en, words(old, false)))
            }
            (old, new) => (
                format!("{}改变:{}", part.zh, differences(old, new, true)),
                format!("{}: {}", part.en, differences(old, new, false)),
            ),
        };
        let levels = if part.key == "major" { Vec::new() } else { levels(&[old, new]) };
        self.told(part, format!("/{}", part.key), (zh, en), levels, None);
    }

    fn list(&mut self, part: &Part, old: &Value, new: &Value) {
        let (old, new) = (named(part, old), named(part, new));
        for (at, name, rule) in old.iter().filter(|(_, name, _)| new.iter().all(|(_, other, _)| other != name)) {
            let zh = format!("{}“{}”取消:{}", part.zh, name.0, words(rule, true));
            let en = format!("{} `{}` is gone: {}", part.en, name.1, words(rule, false));
            self.told(part, format!("/{}/{at}", part.key), (zh, en), levels(&[rule]), unit(rule));
        }
        for (at, name, rule) in &new {
            let Some((_, _, before)) = old.iter().find(|(_, other, _)| other == name) else {
                let zh = format!("新增{}“{}”:{}", part.zh, name.0, words(rule, true));
                let en = format!("{} `{}` is new: {}", part.en, name.1, words(rule, false));
                self.told(part, format!("/{}/{at}", part.key), (zh, en), levels(&[rule]), unit(rule));
                continue;
            };
            if before != rule {
                let zh = format!("{}“{}”改变:{}", part.zh, name.0, differences(before, rule, true));
                let en = format!("{} `{}`: {}", part.en, name.1, differences(before, rule, false));
                self.told(part, format!("/{}/{at}", part.key), (zh, en), levels(&[before, rule]), unit(rule));
            }
        }
    }

    fn told(
        &mut self,
        part: &Part,
        pointer: String,
        (mut zh, mut en): (String, String),
        levels: Vec<Level>,
        unit: Option<String>,
    ) {
        if let Some((stays_zh, stays_en)) = part.stays {
            zh = format!("{zh};{stays_zh}");
            en = format!("{en}; {stays_en}");
        }
        let change = self.push(pointer, zh, en);
        (change.cases, change.levels, change.units) = (part.cases, levels, unit.map(|unit| vec![unit]));
    }
}

/// What differs between two rules, member by member.
pub(super) fn differences(old: &Value, new: &Value, zh: bool) -> String {
    let mut found = Vec::new();
    differ(old, new, "", zh, &mut found);
    found.join(if zh { ";" } else { "; " })
}

fn differ(old: &Value, new: &Value, path: &str, zh: bool, found: &mut Vec<String>) {
    if old == new {
        return;
    }
    // A list that is left out is an empty one.
    let none = Value::Array(Vec::new());
    let (old, new) = match (old, new) {
        (Value::Array(_), Value::Null) => (old, &none),
        (Value::Null, Value::Array(_)) => (&none, new),
        both => both,
    };
    let under = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path} {name}") };
    match (old, new) {
        (Value::Object(a), Value::Object(b)) => {
            for key in a.keys().chain(b.keys().filter(|key| !a.contains_key(*key))) {
                let value = |of: &Map<String, Value>| of.get(key).cloned().unwrap_or_default();
                let (a, b) = (value(a), value(b));
                differ(&a, &b, &under(label(key, &b, zh)), zh, found);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.iter().chain(b).all(Value::is_object) => {
            let names = |all: &[Value]| (0..all.len()).map(|at| id(all, at)).collect::<Vec<_>>();
            let (old_names, new_names) = (names(a), names(b));
            for (at, name) in old_names.iter().enumerate().filter(|(_, name)| !new_names.contains(name)) {
                found.push(format!("{} {}({})", under(name), said(zh, "取消", "gone"), words(&a[at], zh)));
            }
            for (at, name) in new_names.iter().enumerate() {
                match old_names.iter().position(|other| other == name) {
                    Some(before) => differ(&a[before], &b[at], &under(name), zh, found),
                    None => found.push(format!("{} {}({})", under(name), said(zh, "新增", "new"), words(&b[at], zh))),
                }
            }
        }
        _ => found.push(format!("{path} {} → {}", words(old, zh), words(new, zh)).trim_start().to_owned()),
    }
}

fn said(zh: bool, one: &'static str, other: &'static str) -> &'static str {
    if zh { one } else { other }
}

/// How an entry of a list is known: by its id, or by its place.
fn id(all: &[Value], at: usize) -> String {
    let named = ["id", "channel", "source", "colour", "after"].into_iter().find_map(|key| all[at].get(key)?.as_str());
    named.map_or_else(|| format!("{}", at + 1), str::to_owned)
}

/// A value as people read it: steps after each other, alternatives beside each other.
fn words(value: &Value, zh: bool) -> String {
    let text = match value {
        Value::Null => "-".to_owned(),
        Value::Bool(yes) => said(zh, if *yes { "是" } else { "否" }, if *yes { "yes" } else { "no" }).to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        Value::Array(steps) if steps.iter().any(Value::is_array) => {
            let step = |step: &Value| match step {
                Value::Array(any) => any.iter().map(|one| words(one, zh)).collect::<Vec<_>>().join("/"),
                one => words(one, zh),
            };
            steps.iter().map(step).collect::<Vec<_>>().join(" → ")
        }
        Value::Array(all) if all.is_empty() => "-".to_owned(),
        Value::Array(all) => all.iter().map(|one| words(one, zh)).collect::<Vec<_>>().join(said(zh, "、", ", ")),
        Value::Object(members) => {
            let member = |(key, value): (&String, &Value)| format!("{} {}", label(key, value, zh), words(value, zh));
            // Where a rule comes from is told where it changes.
            members.iter().filter(|(key, _)| *key != "basis").map(member).collect::<Vec<_>>().join(said(zh, ",", ", "))
        }
    };
    clip(&text, SHOWN)
}

/// A member of a rule as people call it.
fn label<'k>(key: &'k str, value: &Value, zh: bool) -> &'k str {
    if !zh {
        return key;
    }
    match key {
        "act" => "事项",
        "acknowledge_within" => "签收时限",
        "after" => "时点",
        "alert_before" => "提前告警",
        "allowance" => "期限",
        "anchor" => "起算",
        "answer_rate" => "接听率目标",
        "at" => "时刻",
        "basis" => "依据",
        "calendar" => "日历",
        "chain" => "审批人",
        "channel" | "channels" => "渠道",
        "check_in" => "签到时限",
        "clause" => "条款",
        "colour" => "颜色",
        "data" => "数据",
        "days" => "星期",
        "dedupe" => "合并时段",
        "down" => "回落",
        "escalation" => "逐级提醒",
        "every" => "间隔",
        "excused" => "免于覆盖",
        "expires" => "审批有效期",
        "extension" => "延期",
        "fallback" => "递补",
        "feedback_within" => "反馈时限",
        "from" => "起",
        "kind" | "kinds" => "种类",
        "levels" => "等级",
        "look" => "查看范围",
        "measure" => "量度",
        "name" => "名称",
        "on" => "时机",
        "over" => "时段",
        "patrols" => "巡查",
        "pausable" => "可暂停",
        "people" => "人员",
        "permanent" => "永久",
        "pushed" => "推送信源",
        "reason" => "理由",
        "repeat" => "重复提醒",
        "required" => "必发",
        "roles" => "角色",
        "satisfied_by" => "停表条件",
        "secret" => "涉密可阅",
        "slots" => "班次",
        "source" => "出处",
        "status" => "状态",
        "steps" => "阈值",
        "tasks" => "须完成的任务",
        "tell" => "通知",
        // The end of a slot of duty; elsewhere a list of whom a report goes to.
        "to" if value.is_string() => "止",
        "to" => "对象",
        "topics" => "话题",
        "unit" => "单位",
        "up" => "上限",
        "value" => "要求",
        "warnings" => "预警",
        "when" => "条件",
        "within" => "时限",
        "words" => "词语",
        "years" => "年限",
        other => other,
    }
}

/// A pack as the JSON that it is.
fn members(pack: &PolicyPack) -> Map<String, Value> {
    match serde_json::to_value(pack) {
        Ok(Value::Object(members)) => members,
        // A pack that was read is one that can be written.
        _ => Map::new(),
    }
}

/// The rules of a list with their places and names, in Chinese and English; of equal names the second is `… #2`.
fn named(part: &Part, list: &Value) -> Vec<(usize, (String, String), Value)> {
    let mut all: Vec<(usize, (String, String), Value)> = Vec::new();
    for (at, rule) in list.as_array().into_iter().flatten().enumerate() {
        let of = |zh: bool| {
            let named = part.named.iter().filter_map(|key| rule.get(*key)).map(|value| words(value, zh));
            Some(named.collect::<Vec<_>>().join(" ")).filter(|name| !name.is_empty())
        };
        let base =
            (of(true).unwrap_or_else(|| "各单位".to_owned()), of(false).unwrap_or_else(|| "every unit".to_owned()));
        let mut name = base.clone();
        let mut again = 2;
        while all.iter().any(|(_, other, _)| *other == name) {
            name = (format!("{} #{again}", base.0), format!("{} #{again}", base.1));
            again += 1;
        }
        all.push((at, name, rule.clone()));
    }
    all
}

/// The levels that rules are about, the gravest first; none where one of them is about every level.
fn levels(rules: &[&Value]) -> Vec<Level> {
    let mut found: Vec<Level> = Vec::new();
    for rule in rules.iter().filter(|rule| !rule.is_null()) {
        let Some(own) = rule.get("levels").and_then(Value::as_array).filter(|own| !own.is_empty()) else {
            return Vec::new();
        };
        for level in own.iter().filter_map(Value::as_str).filter_map(Level::parse) {
            if !found.contains(&level) {
                found.push(level);
            }
        }
    }
    found.sort_by(|a, b| b.cmp(a));
    found
}

fn unit(rule: &Value) -> Option<String> {
    rule.get("unit").and_then(Value::as_str).map(str::to_owned)
}
