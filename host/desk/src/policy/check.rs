//! What the parts of a pack mean together: one root, every clause that
//! deployment can check, and "tighten only" (rule 7).

use std::collections::{HashMap, HashSet};

use huiyin_deadline::Allowance;
use huiyin_deadline::clock::{Anchor, Warning};
use jiff::SignedDuration;

use super::reader::Object;
use super::{AccessRule, ActRule, CalendarSource, ClockRule, LevelName, Occasion, Route, SatisfiedBy, Whose};
use crate::level::Level;
use crate::unit::Unit;

const RULE_7: &str = "a unit may tighten a clock, never loosen it (rule 7)";

/// Whether the first allowance is no longer than the second; none where the
/// two kinds cannot be compared.
pub(super) fn within(one: &Allowance, other: &Allowance) -> Option<bool> {
    one.within(other)
}

/// Whether a clock could be due after the year 9999, of which no record can tell: no allowance is
/// longer than a hundred years.
fn beyond_all_years(allowance: Allowance) -> bool {
    match allowance {
        Allowance::Elapsed(length) => length > SignedDuration::from_hours(24 * 36_525),
        Allowance::WorkingDays(days) => days > 26_100,
        Allowance::WorkingMinutes(_) => false,
    }
}

fn beyond(pack: &Object, pointer: &str) {
    pack.problem_at(
        pointer,
        "longer than a hundred years: no case could be opened under a clock that is never due".to_owned(),
        "give a time that somebody waits for",
    );
}

/// All four levels, in the order of the law.
pub(super) fn levels(pack: &Object, levels: Option<&[LevelName]>) {
    let Some(levels) = levels else { return };
    let given: Vec<Level> = levels.iter().map(|l| l.level).collect();
    if given != Level::ALL {
        let given: Vec<&str> = given.iter().map(|l| l.name()).collect();
        pack.problem_at(
            "/levels",
            format!("the levels are {}", if given.is_empty() { "none".to_owned() } else { given.join(", ") }),
            "give all four, each once, the gravest first: I, II, III, IV",
        );
    }
}

/// Clock rules: their names, their calendars, and the one hour of clause 5e.
pub(super) fn clocks(pack: &Object, clocks: Option<&[ClockRule]>, calendars: Option<&[CalendarSource]>) {
    if let Some(calendars) = calendars {
        let mut seen = HashSet::new();
        for (i, calendar) in calendars.iter().enumerate().filter(|(_, c)| !seen.insert(c.id.as_str())) {
            pack.problem_at(
                &format!("/calendars/{i}/id"),
                format!("there is a calendar `{}` already", calendar.id),
                "rename one",
            );
        }
    }
    let Some(clocks) = clocks else { return };
    let mut seen = HashSet::new();
    for (i, clock) in clocks.iter().enumerate() {
        let at = |key: &str| format!("/clocks/{i}/{key}");
        if !seen.insert(clock.id.as_str()) {
            pack.problem_at(&at("id"), format!("there is a clock rule `{}` already", clock.id), "rename one");
        }
        if let Some(calendars) = calendars
            && calendars.iter().all(|c| c.id != clock.calendar)
        {
            pack.problem_at(
                &at("calendar"),
                format!("no calendar `{}` is given", clock.calendar),
                "add it to `calendars`",
            );
        }
        if clock.allowance.is_some_and(beyond_all_years) {
            beyond(pack, &at("allowance"));
        }
        if let Some(length) = clock.allowance.as_ref().and_then(length) {
            warnings(pack, &at("warnings"), &clock.warnings, length);
        }
        hours(pack, &at("allowance"), clock.allowance.as_ref(), &clock.calendar, calendars);
        if clock.satisfied_by == SatisfiedBy::Receipt && clock.anchor != Anchor::ReportedAt {
            pack.problem_at(
                &at("anchor"),
                "a receipt is waited for from the report on (clause 3.3)".to_owned(),
                "write \"reported_at\"",
            );
        }
        if clock.basis.clause.as_deref() == Some("5e") {
            report_within_the_hour(pack, i, clock);
        }
    }
    let mut five_e = clocks.iter().filter(|clock| clock.basis.clause.as_deref() == Some("5e"));
    if five_e.next().is_none() {
        pack.problem_at(
            "/clocks",
            "no clock rests on clause 5e: a major matter is reported within one hour of its occurrence".to_owned(),
            "add a rule with `basis.clause` \"5e\", `allowance` \"PT1H\", `anchor` \"occurred_at\", `levels` [\"I\",\"II\"]",
        );
    } else if five_e.next().is_some() {
        pack.problem_at("/clocks", "more than one clock rests on clause 5e".to_owned(), "keep one");
    }
}

/// The length of an allowance whose warnings can be held against it.
fn length(allowance: &Allowance) -> Option<SignedDuration> {
    match allowance {
        Allowance::Elapsed(length) => Some(*length),
        Allowance::WorkingMinutes(minutes) => Some(SignedDuration::from_mins(i64::from(*minutes))),
        Allowance::WorkingDays(_) => None,
    }
}

/// Working time needs a calendar that says when offices are open.
pub(super) fn hours(
    pack: &Object,
    pointer: &str,
    allowance: Option<&Allowance>,
    calendar: &str,
    calendars: Option<&[CalendarSource]>,
) {
    let Some(allowance @ Allowance::WorkingMinutes(_)) = allowance else { return };
    let Some(source) = calendars.and_then(|all| all.iter().find(|source| source.id == calendar)) else { return };
    if source.calendar().is_some_and(|calendar| !calendar.has_hours()) {
        let message = format!("{allowance} is counted in office hours, and calendar `{calendar}` gives none");
        pack.problem_at(pointer, message, "name a calendar with `hours`, or count in working days or round the clock");
    }
}

fn warnings(pack: &Object, pointer: &str, warnings: &[Warning], length: SignedDuration) {
    let mut seen = HashSet::new();
    for (i, warning) in warnings.iter().enumerate() {
        if matches!(warning, Warning::Before(before) if *before >= length) {
            pack.problem_at(
                &format!("{pointer}/{i}"),
                format!("a warning {warning} before the due time would come before the clock starts ({length})"),
                "warn later",
            );
        }
        if !seen.insert(warning) {
            pack.problem_at(&format!("{pointer}/{i}"), format!("the warning {warning} is given twice"), "keep one");
        }
    }
}

fn report_within_the_hour(pack: &Object, i: usize, clock: &ClockRule) {
    let wrong = |key: &str, message: &str, hint: &str| {
        pack.problem_at(&format!("/clocks/{i}/{key}"), format!("clause 5e: {message}"), hint);
    };
    let hour = Allowance::Elapsed(SignedDuration::from_hours(1));
    if clock.allowance.as_ref().and_then(|a| within(a, &hour)) != Some(true) {
        wrong("allowance", "a major matter is reported within one hour, round the clock", "write \"PT1H\" or less");
    }
    if clock.anchor != Anchor::OccurredAt {
        wrong("anchor", "the hour runs from the occurrence (事发后)", "write \"occurred_at\"");
    }
    if !clock.kinds.is_empty() {
        wrong("kinds", "it holds for every kind of matter", "remove it");
    }
    if clock.extension.is_some() {
        wrong("extension", "this clock is not extended", "remove it");
    }
    if clock.pausable {
        wrong("pausable", "this clock cannot be paused", "write false");
    }
    if clock.satisfied_by != SatisfiedBy::FlashReport {
        wrong("satisfied_by", "only the report itself stops this clock", "write \"flash-report\"");
    }
    if !(clock.levels.contains(&Level::I) && clock.levels.contains(&Level::II)) {
        wrong("levels", "it holds for every major matter", "name at least \"I\" and \"II\"");
    }
}

/// The organisation: one root, no rings, everyone named is there, and every
/// unit's own clocks are within those of the units above it.
pub(super) fn units(pack: &Object, units: Option<&[Unit]>, clocks: Option<&[ClockRule]>) {
    let Some(units) = units else { return };
    let by_code: HashMap<&str, &Unit> = units.iter().map(|unit| (unit.code.as_str(), unit)).collect();
    let roots: Vec<&str> =
        units.iter().filter(|u| u.parent.is_none() && !u.is_partner()).map(|u| u.code.as_str()).collect();
    if roots.len() != 1 {
        let message = match roots.as_slice() {
            [] => "no unit is the root".to_owned(),
            many => format!("{} units have no parent: {}", many.len(), many.join(", ")),
        };
        pack.problem_at("/units", message, "exactly one unit has no `parent`");
    }
    let (mut codes, mut people, mut numbers) = (HashSet::new(), HashSet::new(), HashSet::new());
    for (i, unit) in units.iter().enumerate() {
        let at = |key: &str| format!("/units/{i}/{key}");
        if !codes.insert(unit.code.as_str()) {
            pack.problem_at(&at("code"), format!("there is a unit `{}` already", unit.code), "rename one");
        }
        if !numbers.insert(unit.number.to_string()) {
            pack.problem_at(
                &at("number"),
                format!("another unit numbers its cases with {} too", unit.number),
                "change `unit` or `ext`",
            );
        }
        for (j, person) in unit.people.iter().enumerate().filter(|(_, p)| !people.insert(p.id.as_str())) {
            pack.problem_at(
                &format!("/units/{i}/people/{j}/id"),
                format!("there is a person `{}` already", person.id),
                "name a person once, in the unit where the person works",
            );
        }
        if let Some(superior) =
            unit.superior.as_ref().filter(|superior| units.iter().any(|u| u.person(&superior.id).is_some()))
        {
            pack.problem_at(
                &format!("/units/{i}/superior/id"),
                format!("there is a person `{}` already", superior.id),
                "name the superior otherwise: who is told goes by this id",
            );
        }
        match &unit.parent {
            Some(parent) if !by_code.contains_key(parent.as_str()) => {
                pack.problem_at(&at("parent"), format!("there is no unit `{parent}`"), "add it, or correct the code");
            }
            Some(_) if in_a_ring(unit, &by_code) => {
                pack.problem_at(
                    &at("parent"),
                    format!("`{}` stands above itself", unit.code),
                    "break the ring of `parent`s",
                );
            }
            Some(_) if unit.superior.is_some() => {
                pack.problem_at(
                    &at("superior"),
                    "only the root reports outside of the pack (clause 3.3)".to_owned(),
                    "remove it",
                );
            }
            Some(parent) if by_code.get(parent.as_str()).is_some_and(|above| above.is_partner()) => pack.problem_at(
                &at("parent"),
                format!("`{parent}` is a partner, and stands above nobody (clause 6c)"),
                "name a unit of the tree",
            ),
            Some(_) if unit.is_partner() => pack.problem_at(
                &at("parent"),
                "a partner stands outside the tree (clause 6c)".to_owned(),
                "remove `parent`, or `kind`",
            ),
            None if unit.is_partner() => {}
            None if unit.superior.is_none() => {
                pack.problem_at(
                    &format!("/units/{i}"),
                    "`superior` is missing: the root has to report to somebody (clause 5c)".to_owned(),
                    "add `superior` with `id` and `name`",
                );
            }
            _ => {}
        }
        for (key, id, clause) in [("spokesperson", &unit.spokesperson, "5b"), ("principal", &unit.principal, "5b")] {
            if unit.person(id).is_none() {
                pack.problem_at(
                    &at(key),
                    format!("`{id}` is not one of the unit's people (clause {clause})"),
                    "add the person to `people`",
                );
            }
        }
        if let Some(clocks) = clocks {
            overrides(pack, i, unit, &by_code, clocks);
        }
    }
}

fn in_a_ring(unit: &Unit, by_code: &HashMap<&str, &Unit>) -> bool {
    let mut at = unit.parent.as_deref();
    for _ in 0..by_code.len() {
        match at {
            None => return false,
            Some(code) if code == unit.code => return true,
            Some(code) => at = by_code.get(code).and_then(|up| up.parent.as_deref()),
        }
    }
    // It leads into a ring that it is not part of; those units report it.
    false
}

fn overrides(pack: &Object, i: usize, unit: &Unit, by_code: &HashMap<&str, &Unit>, clocks: &[ClockRule]) {
    let mut seen = HashSet::new();
    for (j, over) in unit.clocks.iter().enumerate() {
        let at = |key: &str| format!("/units/{i}/clocks/{j}/{key}");
        if !seen.insert(over.rule.as_str()) {
            pack.problem_at(
                &at("rule"),
                format!("unit `{}` has figures for `{}` already", unit.code, over.rule),
                "write both into one",
            );
        }
        let Some(rule) = clocks.iter().find(|clock| clock.id == over.rule) else {
            pack.problem_at(&at("rule"), format!("there is no clock rule `{}`", over.rule), "name one of `clocks`");
            continue;
        };
        // The tightest figure above this unit.
        let mut bound = rule.allowance;
        let mut from = format!("the rule itself ({})", rule.basis.source);
        let mut up = unit.parent.as_deref();
        for _ in 0..by_code.len() {
            let Some(above) = up.and_then(|code| by_code.get(code)) else { break };
            for theirs in above.clocks.iter().filter(|o| o.rule == over.rule).filter_map(|o| o.allowance) {
                if bound.as_ref().is_none_or(|b| within(&theirs, b) == Some(true)) {
                    bound = Some(theirs);
                    from = format!("unit `{}` above it", above.code);
                }
            }
            up = above.parent.as_deref();
        }
        if over.allowance.is_some_and(beyond_all_years) {
            beyond(pack, &at("allowance"));
        }
        if let (Some(own), Some(bound)) = (&over.allowance, &bound) {
            match within(own, bound) {
                Some(true) => {}
                Some(false) => pack.problem_at(
                    &at("allowance"),
                    format!("{own} is longer than the {bound} that hold above: clock `{}`, by {from}", over.rule),
                    RULE_7,
                ),
                None => pack.problem_at(
                    &at("allowance"),
                    format!(
                        "{own} cannot be compared with the {bound} that hold above: clock `{}`, by {from}",
                        over.rule
                    ),
                    "use the same kind of figure: elapsed time or working days",
                ),
            }
        }
        if let Some(length) = over.allowance.or(bound).as_ref().and_then(length) {
            warnings(pack, &at("warnings"), &over.warnings, length);
        }
    }
}

/// Who is told: known rules and roles, and clauses 5b and 5c for every major matter.
pub(super) fn routes(pack: &Object, routes: Option<&[Route]>, units: Option<&[Unit]>, clocks: Option<&[ClockRule]>) {
    let Some(routes) = routes else { return };
    for (i, route) in routes.iter().enumerate() {
        for (j, clock) in route.clocks.iter().enumerate() {
            if clocks.is_some_and(|clocks| clocks.iter().all(|c| c.id != *clock)) {
                pack.problem_at(
                    &format!("/notify/{i}/clocks/{j}"),
                    format!("there is no clock rule `{clock}`"),
                    "name one of `clocks`",
                );
            }
        }
        for (j, target) in route.tell.iter().enumerate() {
            a_known_role(pack, &format!("/notify/{i}/tell/{j}"), &target.role, units);
        }
    }
    let told = |on: &[Occasion], level: Level, whose: Whose, role: Option<&str>| {
        routes.iter().any(|route| {
            on.contains(&route.on)
                && route.levels.contains(&level)
                && route.clocks.is_empty()
                && route.tell.iter().any(|t| t.whose == whose && role.is_none_or(|role| t.role == role))
        })
    };
    for level in [Level::I, Level::II] {
        for role in ["spokesperson", "principal"] {
            if !told(&[Occasion::CaseOpened], level, Whose::Lead, Some(role)) {
                pack.problem_at(
                    "/notify",
                    format!(
                        "clause 5b: the {role} of the lead unit is not told when a case of level {level} is opened"
                    ),
                    &format!("add `lead.{role}` to a route on \"case-opened\""),
                );
            }
        }
        if !told(&[Occasion::CaseOpened, Occasion::ReportSubmitted], level, Whose::Parent, None) {
            pack.problem_at(
                "/notify",
                format!("clause 5c: nobody above the lead unit is told of a case of level {level}"),
                "add a target of `parent.` to a route on \"case-opened\" or \"report-submitted\"",
            );
        }
    }
}

/// Which roles may do what: each act once, for roles that somebody has.
pub(super) fn acts(pack: &Object, acts: Option<&[ActRule]>, units: Option<&[Unit]>) {
    let Some(acts) = acts else { return };
    for (i, rule) in acts.iter().enumerate() {
        if acts.iter().take(i).any(|before| before.act == rule.act) {
            let message = format!("there is a rule for `{}` already", rule.act);
            pack.problem_at(&format!("/acts/{i}/act"), message, "put all roles into one rule");
        }
        for (j, role) in rule.roles.iter().enumerate() {
            a_known_role(pack, &format!("/acts/{i}/roles/{j}"), role, units);
        }
    }
}

/// Who may read secret cases: roles that somebody has.
pub(super) fn access(pack: &Object, rule: &AccessRule, units: Option<&[Unit]>) {
    for (j, role) in rule.secret.iter().enumerate() {
        a_known_role(pack, &format!("/access/secret/{j}"), role, units);
    }
}

pub(super) fn a_known_role(pack: &Object, pointer: &str, role: &str, units: Option<&[Unit]>) {
    let has = |units: &[Unit]| units.iter().flat_map(|u| &u.people).any(|p| p.roles.iter().any(|r| r == role));
    if !matches!(role, "spokesperson" | "principal" | super::ON_DUTY) && !units.is_none_or(has) {
        pack.problem_at(
            pointer,
            format!("nobody in the pack has the role `{role}`"),
            "`spokesperson`, `principal`, or a role of somebody in `people`",
        );
    }
}
