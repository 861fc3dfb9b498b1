//! What changes from one pack to another, in words: for people who are to say yes to it.

mod rules;

use std::collections::BTreeMap;

use serde::Serialize;

use super::{ClockRule, PolicyPack};
use crate::level::Level;
use crate::text::Name;
use crate::unit::Unit;

/// One change, and which cases it concerns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// JSON pointer in the new pack, or in the old one for what is gone.
    pub pointer: String,
    /// In words.
    pub said: Name,
    /// The units whose cases it concerns; none: those of every unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub units: Option<Vec<String>>,
    /// The levels whose cases it concerns; empty: all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub levels: Vec<Level>,
    /// Whether it changes what holds for cases that are open; names and the like do not.
    pub cases: bool,
}

impl Change {
    /// Whether it concerns an open case of this unit and level.
    pub fn concerns(&self, unit: &str, level: Level) -> bool {
        self.cases
            && self.units.as_ref().is_none_or(|units| units.iter().any(|code| code == unit))
            && (self.levels.is_empty() || self.levels.contains(&level))
    }
}

struct Changes<'p> {
    old: &'p PolicyPack,
    new: &'p PolicyPack,
    found: Vec<Change>,
}

/// Everything that differs, in the order of the pack's parts.
pub fn changes(old: &PolicyPack, new: &PolicyPack) -> Vec<Change> {
    let mut changes = Changes { old, new, found: Vec::new() };
    changes.head();
    changes.units();
    changes.clocks();
    changes.rest();
    changes.found
}

impl Changes<'_> {
    fn push(&mut self, pointer: impl Into<String>, zh: String, en: String) -> &mut Change {
        let said = Name { zh, en: Some(en) };
        self.found.push(Change { pointer: pointer.into(), said, units: None, levels: Vec::new(), cases: false });
        let last = self.found.len() - 1;
        &mut self.found[last]
    }

    fn head(&mut self) {
        let (old, new) = (self.old, self.new);
        if old.name != new.name {
            let zh = format!("制度包换为“{}”(原为“{}”)", new.name, old.name);
            self.push("/name", zh, format!("another pack: `{}` instead of `{}`", new.name, old.name));
        }
        if old.version != new.version {
            let zh = format!("版本 {} → {}", old.version, new.version);
            self.push("/version", zh, format!("version {} → {}", old.version, new.version));
        } else if old != new {
            let zh = "内容已改而版本未改,不能启用:请提高 version".to_owned();
            let en = "the content differs under the same version, which is refused: raise `version`".to_owned();
            self.push("/version", zh, en);
        }
        if old.title != new.title {
            let zh = format!("名称改为“{}”", new.title.zh);
            self.push("/title", zh, format!("the title is now \"{}\"", new.title.zh));
        }
        if old.time_zone != new.time_zone {
            let (a, b) = (old.time_zone.name(), new.time_zone.name());
            self.push("/time_zone", format!("时区 {a} → {b}"), format!("time zone {a} → {b}")).cases = true;
        }
    }

    fn units(&mut self) {
        let (old, new) = (self.old, self.new);
        for (at, unit) in old.units.iter().enumerate().filter(|(_, unit)| new.unit(&unit.code).is_none()) {
            let zh = format!("撤销单位 {}({});有未办结办件时不能启用", unit.name.zh, unit.code);
            let en = format!("unit `{}` is gone; refused while it leads an open case", unit.code);
            let change = self.push(format!("/units/{at}"), zh, en);
            (change.units, change.cases) = (Some(vec![unit.code.clone()]), true);
        }
        for (at, unit) in new.units.iter().enumerate() {
            let Some(before) = old.unit(&unit.code) else {
                let zh = format!("新增单位 {}({})", unit.name.zh, unit.code);
                self.push(format!("/units/{at}"), zh, format!("unit `{}` is new", unit.code));
                continue;
            };
            self.unit(at, before, unit);
        }
    }

    fn unit(&mut self, at: usize, old: &Unit, new: &Unit) {
        let (code, name) = (&new.code, &new.name.zh);
        let mut push = |key: &str, zh: String, en: String, cases: bool| {
            let change = self.push(format!("/units/{at}/{key}"), format!("{name}:{zh}"), format!("`{code}`: {en}"));
            (change.units, change.cases) = (Some(vec![code.clone()]), cases);
        };
        let or = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        if old.name != new.name {
            push("name", format!("原名“{}”", old.name.zh), format!("was called \"{}\"", old.name.zh), false);
        }
        if old.parent != new.parent {
            let (a, b) = (or(&old.parent), or(&new.parent));
            push("parent", format!("上级单位 {a} → {b}"), format!("parent {a} → {b}"), true);
        }
        if old.kind != new.kind {
            let zh = if new.is_partner() { "改为联动单位" } else { "改为本系统单位" };
            let en = if new.is_partner() { "is a partner now" } else { "belongs to the house now" };
            push("kind", zh.to_owned(), en.to_owned(), true);
        }
        if old.number != new.number {
            push("number", "编号规则改变".to_owned(), "cases are numbered otherwise".to_owned(), false);
        }
        for (key, zh, a, b) in [
            ("spokesperson", "新闻发言人", &old.spokesperson, &new.spokesperson),
            ("principal", "主要负责人", &old.principal, &new.principal),
        ] {
            if a != b {
                push(key, format!("{zh} {a} → {b}"), format!("{key} {a} → {b}"), true);
            }
        }
        for person in old.people.iter().filter(|person| new.person(&person.id).is_none()) {
            let (zh, en) = (format!("{}({})离任", person.name, person.id), format!("`{}` is gone", person.id));
            push("people", zh, en, true);
        }
        for person in &new.people {
            match old.person(&person.id) {
                None => {
                    let (zh, en) = (format!("新增 {}({})", person.name, person.id), format!("`{}` is new", person.id));
                    push("people", zh, en, true);
                }
                Some(before) if before != person => {
                    let roles = person.roles.join("、");
                    let zh = format!("{}({})的姓名或角色改变,现为:{roles}", person.name, person.id);
                    push("people", zh, format!("`{}` has another name or other roles", person.id), true);
                }
                Some(_) => {}
            }
        }
        if old.superior != new.superior {
            push("superior", "上级主管机关改变".to_owned(), "another superior".to_owned(), true);
        }
        if old.office != new.office || old.duties != new.duties {
            push("office", "职责或回应机构改变".to_owned(), "other duties, or another office".to_owned(), false);
        }
        if old.may != new.may {
            let en = "what plugins may reach on its behalf changes".to_owned();
            push("may", "插件可访问范围改变".to_owned(), en, false);
        }
    }

    /// Clock rules as they hold for each unit, so that a unit's own figures count.
    fn clocks(&mut self) {
        let (old, new) = (self.old, self.new);
        for (at, rule) in old.clocks.iter().enumerate().filter(|(_, r)| new.clocks.iter().all(|n| n.id != r.id)) {
            let zh = format!("时限“{}”({})取消;已启动的照旧计时", rule.name.zh, rule.id);
            let en = format!("clock `{}` is gone; those that run go on", rule.id);
            let change = self.push(format!("/clocks/{at}"), zh, en);
            (change.levels, change.cases) = (rule.levels.clone(), true);
        }
        for (at, rule) in new.clocks.iter().enumerate() {
            let Some(before) = old.clocks.iter().find(|old| old.id == rule.id) else {
                let (zh, en) = (
                    format!("新增时限“{}”:{}", rule.name.zh, figure(rule)),
                    format!("clock `{}` is new: {}", rule.id, figure(rule)),
                );
                let change = self.push(format!("/clocks/{at}"), zh, en);
                (change.levels, change.cases) = (rule.levels.clone(), true);
                continue;
            };
            if before != rule {
                let (zh, en) = different(before, rule);
                let zh = format!("时限“{}”改变:{zh};已启动的照旧计时", rule.name.zh);
                let en = format!("clock `{}`: {en}; those that run go on", rule.id);
                let change = self.push(format!("/clocks/{at}"), zh, en);
                let mut levels = rule.levels.clone();
                levels.extend(before.levels.iter().filter(|level| !rule.levels.contains(level)));
                (change.levels, change.cases) = (levels, true);
            }
            // By the figure that each unit has of its own.
            let mut by_unit: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
            for unit in new.units.iter().filter(|unit| old.unit(&unit.code).is_some()) {
                let of = |pack: &PolicyPack| {
                    pack.clock(&rule.id, &unit.code).map(|clock| own_figure(&clock)).unwrap_or_default()
                };
                let own = (of(old), of(new));
                if own.0 != own.1 && own != (own_figure(before), own_figure(rule)) {
                    by_unit.entry(own).or_default().push(unit.code.clone());
                }
            }
            for ((a, b), units) in by_unit {
                let names: Vec<_> = units.iter().filter_map(|code| new.unit(code)).map(|u| u.name.zh.clone()).collect();
                let zh = format!("{}的时限“{}”:{a} → {b}", names.join("、"), rule.name.zh);
                let en = format!("clock `{}` of {}: {a} → {b}", rule.id, units.join(", "));
                let change = self.push(format!("/clocks/{at}"), zh, en);
                (change.units, change.levels, change.cases) = (Some(units), rule.levels.clone(), true);
            }
        }
    }

    fn rest(&mut self) {
        let (old, new) = (self.old, self.new);
        if old.calendars != new.calendars {
            let en = "calendars of working days change".to_owned();
            self.push("/calendars", "工作日历改变".to_owned(), en).cases = true;
        }
        if old.levels != new.levels {
            self.push("/levels", "等级名称改变".to_owned(), "levels are called otherwise".to_owned());
        }
        let (a, b) = (&old.floor, &new.floor);
        if (&a.name, &a.version) != (&b.name, &b.version) {
            let what = format!("{}:{} → {}:{}", a.name, a.version, b.name, b.version);
            self.push(
                "/floor/classifier",
                format!("研判底线换用 {what}"),
                format!("the floor is another classifier: {what}"),
            );
        }
        if a.config != b.config {
            let en = "the floor has another configuration: new items are judged by it".to_owned();
            self.push("/floor/config", "研判底线的配置改变,新信息按新配置研判".to_owned(), en);
        }
        if a.opens_at != b.opens_at {
            let (zh, en) = (
                format!("自动立案等级 {} → {}", a.opens_at.zh(), b.opens_at.zh()),
                format!("the desk opens cases from level {} on, before from {}", b.opens_at, a.opens_at),
            );
            self.push("/floor/opens_at", zh, en);
        }
        self.rules();
    }
}

/// `PT1H`, `3wd`, or `-` where none is set.
fn figure(rule: &ClockRule) -> String {
    rule.allowance.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string)
}

/// What a unit's own clock is, beside what the rule says of all: its time and its warnings.
fn own_figure(rule: &ClockRule) -> String {
    let warnings: Vec<String> = rule.warnings.iter().map(ToString::to_string).collect();
    if warnings.is_empty() { figure(rule) } else { format!("{}(预警 {})", figure(rule), warnings.join("、")) }
}

/// What differs between two clock rules, in Chinese and in English.
fn different(old: &ClockRule, new: &ClockRule) -> (String, String) {
    let value = |rule: &ClockRule| serde_json::to_value(rule).unwrap_or_default();
    let (old, new) = (value(old), value(new));
    (rules::differences(&old, &new, true), rules::differences(&old, &new, false))
}
