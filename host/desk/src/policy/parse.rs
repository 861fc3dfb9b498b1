//! Reads a policy pack from its JSON text.
//!
//! This file knows the shape; what the parts mean together is checked in
//! `check.rs`, also when some part was faulty, so that one round shows all.

use huiyin_deadline::clock::{Anchor, Warning, WarningError};
use huiyin_deadline::{Allowance, Calendar, Zone};
use serde_json::Value;

use super::position::Positions;
use super::reader::{Node, Object, Problem, Reader};
use super::watch::{self, coverage, duty, warning as warning_rule};
use super::{
    ActRule, Basis, CalendarSource, ClockOverride, ClockRule, ClosingRule, FORMAT, Floor, LevelName, Occasion,
    PolicyPack, ResponseRule, ResponseValue, Route, SatisfiedBy, Status, Target, approvals, check, escalation,
    publishing, reporting,
};
use crate::case::{Kind, TaskKind};
use crate::number::Prefix;
use crate::unit::{Office, Person, Superior, Unit, UnitKind};

/// The largest pack that is read, in bytes.
pub(super) const MAX_BYTES: usize = 4 << 20;

pub(super) fn pack(text: &str, file: &str) -> Result<PolicyPack, Vec<Problem>> {
    let alone = |line: usize, column: usize, message: String, hint: &str| {
        vec![Problem { file: file.to_owned(), line, column, pointer: String::new(), message, hint: hint.to_owned() }]
    };
    if text.len() > MAX_BYTES {
        let message = format!("the pack has {} bytes; at most {MAX_BYTES} are read", text.len());
        return Err(alone(1, 1, message, "split calendars and units into their own packs"));
    }
    let value: Value = serde_json::from_str(text).map_err(|error| {
        let said = error.to_string();
        let message = said.rsplit_once(" at line ").map_or(said.as_str(), |(why, _)| why).to_owned();
        alone(error.line().max(1), error.column().max(1), format!("this is not JSON: {message}"), "")
    })?;
    let positions = Positions::of(text);
    let reader = Reader::new(file, &positions);
    let pack = read(&reader.root(&value));
    let problems = reader.finish();
    match pack {
        Some(pack) if problems.is_empty() => Ok(pack),
        _ => Err(problems),
    }
}

fn read(root: &Node) -> Option<PolicyPack> {
    let object = root.object(&[
        "format",
        "name",
        "version",
        "title",
        "time_zone",
        "units",
        "levels",
        "calendars",
        "clocks",
        "floor",
        "responses",
        "notify",
        "acts",
        "closing",
        "approvals",
        "reporting",
        "hotline",
        "retention",
        "access",
        "coverage",
        "duty",
        "warnings",
        "publishing",
        "major",
        "disclosure",
    ])?;
    // Everything is read before anything is given up.
    let format = object.need("format").and_then(|node| match node.text()? {
        text if text == FORMAT => Some(()),
        text => node.problem(format!("`{text}` is not a format this version reads"), &format!("write \"{FORMAT}\"")),
    });
    let name = object.need("name").and_then(|n| n.code());
    let version = object.need("version").and_then(|n| version(&n));
    let title = object.need("title").and_then(|n| n.name());
    let time_zone = object.need("time_zone").and_then(|n| zone(&n));
    let calendars = object.need("calendars").and_then(|n| n.list_of(calendar));
    let levels = object.need("levels").and_then(|n| n.list_of(level_name));
    let units = object.need("units").and_then(|n| n.list_of(unit));
    let clocks = object.need("clocks").and_then(|n| n.list_of(clock));
    let floor = object.need("floor").and_then(|n| floor(&n));
    let responses = object.get("responses").map_or(Some(Vec::new()), |n| n.list_of(response));
    let notify = object.need("notify").and_then(|n| n.list_of(route));
    let acts = object.get("acts").map_or(Some(Vec::new()), |n| n.list_of(act));
    let retention = object.get("retention").map_or(Some(Vec::new()), |n| n.list_of(super::keeping::retention));
    let access = object.get("access").map(|n| super::keeping::access(&n));
    let hotline = object.get("hotline").map(|n| super::intake::hotline(&n));
    let closing = object.get("closing").map_or(Some(Vec::new()), |n| n.list_of(closing));
    let reporting = object.get("reporting").map(|n| reporting::rule(&n));
    let approvals = object.get("approvals").map_or(Some(Vec::new()), |n| n.list_of(approvals::rule));
    let coverage = object.get("coverage").map_or(Some(Vec::new()), |n| n.list_of(coverage));
    let duty = object.get("duty").map_or(Some(Vec::new()), |n| n.list_of(duty));
    let warnings = object.get("warnings").map_or(Some(Vec::new()), |n| n.list_of(warning_rule));
    let publishing = object.get("publishing").map(|n| publishing::publishing(&n));
    let major = object.get("major").map(|n| publishing::major(&n));
    let disclosure = object.get("disclosure").map_or(Some(Vec::new()), |n| n.list_of(publishing::disclosure));

    check::levels(&object, levels.as_deref());
    check::clocks(&object, clocks.as_deref(), calendars.as_deref());
    escalation::check(&object, clocks.as_deref(), units.as_deref());
    check::units(&object, units.as_deref(), clocks.as_deref());
    check::routes(&object, notify.as_deref(), units.as_deref(), clocks.as_deref());
    check::acts(&object, acts.as_deref(), units.as_deref());
    if let Some(Some(rule)) = &access {
        check::access(&object, rule, units.as_deref());
    }
    approvals::check(&object, approvals.as_deref(), units.as_deref());
    reporting::check(&object, reporting.as_ref().and_then(Option::as_ref), units.as_deref());
    watch::check(&object, units.as_deref(), coverage.as_deref(), duty.as_deref(), warnings.as_deref());
    publishing::check(
        &object,
        publishing.as_ref().and_then(Option::as_ref),
        major.as_ref().and_then(Option::as_ref),
        disclosure.as_deref(),
        (clocks.as_deref(), calendars.as_deref(), units.as_deref()),
    );
    format?;
    Some(PolicyPack {
        name: name?,
        version: version?,
        title: title?,
        time_zone: time_zone?,
        units: units?,
        levels: levels?,
        calendars: calendars?,
        clocks: clocks?,
        floor: floor?,
        responses: responses?,
        notify: notify?,
        acts: acts?,
        closing: closing?,
        approvals: approvals?,
        reporting: match reporting {
            Some(rule) => Some(rule?),
            None => None,
        },
        retention: retention?,
        access: match access {
            Some(rule) => Some(rule?),
            None => None,
        },
        hotline: match hotline {
            Some(rule) => Some(rule?),
            None => None,
        },
        coverage: coverage?,
        duty: duty?,
        warnings: warnings?,
        publishing: match publishing {
            Some(publishing) => Some(publishing?),
            None => None,
        },
        major: match major {
            Some(major) => Some(major?),
            None => None,
        },
        disclosure: disclosure?,
    })
}

fn version(node: &Node) -> Option<String> {
    let text = node.text()?;
    let parts: Vec<&str> = text.split('.').collect();
    let numeric =
        |p: &&str| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()) && (*p == "0" || !p.starts_with('0'));
    if parts.len() == 3 && parts.iter().all(numeric) {
        return Some(text);
    }
    node.problem(format!("`{text}` is not a version"), "write three numbers: \"1.0.0\"")
}

fn zone(node: &Node) -> Option<Zone> {
    let text = node.text()?;
    Zone::named(&text).map_err(|error| node.problem::<()>(error.to_string(), "")).ok()
}

pub(super) fn allowance(node: &Node) -> Option<Allowance> {
    let text = node.text()?;
    text.parse()
        .map_err(|error: huiyin_deadline::AllowanceError| node.problem::<()>(error.to_string(), error.hint))
        .ok()
}

pub(super) fn warning(node: &Node) -> Option<Warning> {
    let text = node.text()?;
    text.parse().map_err(|error: WarningError| node.problem::<()>(error.to_string(), "")).ok()
}

pub(super) fn basis(object: &Object) -> Option<Basis> {
    let basis = object.need("basis")?.object(&["source", "clause", "status"])?;
    let status = basis.need("status").and_then(|node| {
        node.choice(&[
            ("regulation", Status::Regulation),
            ("seen", Status::Seen),
            ("memory", Status::Memory),
            ("own", Status::Own),
            ("unset", Status::Unset),
        ])
    });
    let clause = basis.get("clause").map(|node| node.text());
    Some(Basis {
        source: basis.need("source")?.text()?,
        clause: match clause {
            Some(text) => Some(text?),
            None => None,
        },
        status: status?,
    })
}

fn calendar(node: &Node) -> Option<CalendarSource> {
    let object = node.object(&["id", "builtin", "data"])?;
    let id = object.need("id")?.code()?;
    match (object.get("builtin"), object.get("data")) {
        (Some(builtin), None) => {
            let name = builtin.text()?;
            if name != id {
                return builtin
                    .problem(format!("a built-in calendar goes by its own name, `{name}`"), "make `id` the same");
            }
            match Calendar::builtin(&name) {
                Ok(_) => Some(CalendarSource { id, text: None }),
                Err(error) => builtin.problem(error.to_string(), ""),
            }
        }
        (None, Some(data)) => {
            let text = data.value.to_string();
            match Calendar::from_json(&text) {
                Ok(calendar) if calendar.id() != id => {
                    data.problem(format!("the calendar calls itself `{}`", calendar.id()), "make `id` the same")
                }
                Ok(_) => Some(CalendarSource { id, text: Some(text) }),
                Err(error) => data.problem(error.to_string(), ""),
            }
        }
        _ => node.problem("a calendar is either built in or given here", "write one of `builtin` and `data`"),
    }
}

fn level_name(node: &Node) -> Option<LevelName> {
    let object = node.object(&["level", "name", "colour"])?;
    let level = object.need("level").and_then(|n| n.level());
    let name = object.need("name").and_then(|n| n.name());
    let colour = object.need("colour").and_then(|n| Some((n.text()?, n)));
    if let (Some(level), Some((colour, node))) = (level, colour)
        && colour != level.colour()
    {
        node.problem::<()>(
            format!("level {level} is {}, not `{colour}`", level.colour()),
            "the colours are set by law (突发事件应对法): red, orange, yellow, blue",
        );
    }
    Some(LevelName { level: level?, name: name? })
}

fn person(node: &Node) -> Option<Person> {
    let object = node.object(&["id", "name", "roles"])?;
    let id = object.need("id").and_then(|n| n.code());
    let name = object.need("name").and_then(|n| n.text());
    let roles = object.get("roles").map_or(Some(Vec::new()), |n| n.list_of(Node::code));
    Some(Person { id: id?, name: name?, roles: roles? })
}

fn unit(node: &Node) -> Option<Unit> {
    let object = node.object(&[
        "code",
        "kind",
        "name",
        "parent",
        "number",
        "duties",
        "office",
        "spokesperson",
        "principal",
        "people",
        "superior",
        "clocks",
        "may",
    ])?;
    let code = object.need("code").and_then(|n| n.code());
    let name = object.need("name").and_then(|n| n.name());
    let kind = object
        .get("kind")
        .map_or(Some(UnitKind::Own), |n| n.choice(&[("own", UnitKind::Own), ("partner", UnitKind::Partner)]));
    let parent = object.get("parent").map(|n| n.code());
    let number = object.need("number").and_then(|n| prefix(&n));
    let duties = object.get("duties").map_or(Some(Vec::new()), |n| n.list_of(Node::text));
    let office = clause(&object, "office", "3.5a", "name the department that answers public opinion").and_then(|n| {
        let office = n.object(&["name", "contact"])?;
        let name = clause(&office, "name", "3.5a", "name the department that answers public opinion")?;
        Some(Office { name: name.text()?, contact: office.get("contact").and_then(|n| n.text()) })
    });
    let spokesperson = clause(&object, "spokesperson", "5b", "name one of `people` by id").and_then(|n| n.code());
    let principal = clause(&object, "principal", "5b", "name one of `people` by id").and_then(|n| n.code());
    let people = object.need("people").and_then(|n| n.list_of(person));
    let superior = object.get("superior").map(|n| {
        let superior = n.object(&["id", "name"])?;
        Some(Superior { id: superior.need("id")?.code()?, name: superior.need("name")?.text()? })
    });
    let clocks = object.get("clocks").map_or(Some(Vec::new()), |n| n.list_of(clock_override));
    let may = object.get("may").map(|n| may(&n));
    Some(Unit {
        code: code?,
        kind: kind?,
        name: name?,
        parent: match parent {
            Some(code) => Some(code?),
            None => None,
        },
        number: number?,
        duties: duties?,
        office: office?,
        spokesperson: spokesperson?,
        principal: principal?,
        people: people?,
        superior: match superior {
            Some(superior) => Some(superior?),
            None => None,
        },
        clocks: clocks?,
        may: match may {
            Some(may) => Some(may?),
            None => None,
        },
    })
}

/// A cap is read by those who know what a grant is; here it only has to be one thing.
fn may(node: &Node) -> Option<serde_json::Value> {
    if node.value.is_object() {
        Some(node.value.clone())
    } else {
        node.problem("an object is wanted here, written like a grant", "")
    }
}

/// A key whose absence breaks a clause of the regulation.
fn clause<'a>(object: &Object<'a>, key: &str, clause: &str, hint: &str) -> Option<Node<'a>> {
    object.get(key).or_else(|| object.node.problem(format!("`{key}` is missing, which clause {clause} asks for"), hint))
}

fn prefix(node: &Node) -> Option<Prefix> {
    let object = node.object(&["region", "agency", "unit", "ext"])?;
    let region = object.need("region").and_then(|n| n.digits(6));
    let agency = object.need("agency").and_then(|n| n.digits(3));
    let unit = object.need("unit").and_then(|n| n.digits(3));
    let ext = object.need("ext").and_then(|n| n.digits(2));
    Some(Prefix { region: region?, agency: agency?, unit: unit?, ext: ext? })
}

fn clock_override(node: &Node) -> Option<ClockOverride> {
    let object = node.object(&["rule", "allowance", "warnings"])?;
    let rule = object.need("rule").and_then(|n| n.code());
    let allowance = object.get("allowance").map(|n| allowance(&n));
    let warnings = object.get("warnings").map_or(Some(Vec::new()), |n| n.list_of(warning));
    Some(ClockOverride {
        rule: rule?,
        allowance: match allowance {
            Some(figure) => Some(figure?),
            None => None,
        },
        warnings: warnings?,
    })
}

fn clock(node: &Node) -> Option<ClockRule> {
    let object = node.object(&[
        "id",
        "name",
        "levels",
        "anchor",
        "allowance",
        "calendar",
        "warnings",
        "pausable",
        "escalation",
        "satisfied_by",
        "kinds",
        "extension",
        "basis",
    ])?;
    let id = object.need("id").and_then(|n| n.code());
    let name = object.need("name").and_then(|n| n.name());
    let levels = object.get("levels").map_or(Some(Vec::new()), |n| n.levels());
    let anchor = object.need("anchor").and_then(|n| {
        n.choice(&[
            ("occurred_at", Anchor::OccurredAt),
            ("discovered_at", Anchor::DiscoveredAt),
            ("opened_at", Anchor::OpenedAt),
            ("assigned_at", Anchor::AssignedAt),
            ("assessed_at", Anchor::AssessedAt),
            ("reported_at", Anchor::ReportedAt),
            ("verified_at", Anchor::VerifiedAt),
            ("handled_at", Anchor::HandledAt),
            ("published_at", Anchor::PublishedAt),
            ("answered_at", Anchor::AnsweredAt),
        ])
    });
    let given = object.get("allowance");
    let figure = given.as_ref().map(allowance);
    let calendar = object.need("calendar").and_then(|n| n.code());
    let warnings = object.get("warnings").map_or(Some(Vec::new()), |n| n.list_of(warning));
    let pausable = object.need("pausable").and_then(|n| n.bool());
    let escalation = object.get("escalation").map_or(Some(Vec::new()), |n| n.list_of(escalation::rung));
    let satisfied_by = object.need("satisfied_by").and_then(|n| {
        n.choice(&[
            ("flash-report", SatisfiedBy::FlashReport),
            ("answer", SatisfiedBy::Answer),
            ("publication", SatisfiedBy::Publication),
            ("hand", SatisfiedBy::Hand),
            ("feedback", SatisfiedBy::Feedback),
            ("routing", SatisfiedBy::Routing),
            ("follow-up-report", SatisfiedBy::FollowUpReport),
            ("detailed-report", SatisfiedBy::DetailedReport),
            ("final-report", SatisfiedBy::FinalReport),
            ("receipt", SatisfiedBy::Receipt),
            ("assessment", SatisfiedBy::Assessment),
            ("verification", SatisfiedBy::Verification),
            ("handling", SatisfiedBy::Handling),
            ("acceptance", SatisfiedBy::Acceptance),
            ("callback", SatisfiedBy::Callback),
            ("channels", SatisfiedBy::Channels),
            ("acknowledgement", SatisfiedBy::Acknowledgement),
        ])
    });
    let kinds = object.get("kinds").map_or(Some(Vec::new()), |n| n.list_of(kind));
    let extension = object.get("extension").map(|n| self::allowance(&n));
    let basis = basis(&object);
    match (&given, basis.as_ref().map(|b| b.status)) {
        (Some(node), Some(Status::Unset)) => {
            node.problem::<()>("a figure is given, and yet its status is `unset`", "say where the figure comes from");
        }
        (None, Some(status)) if status != Status::Unset => {
            object.node.problem::<()>("`allowance` is missing", "give it, or mark the rule's `status` as `unset`");
        }
        _ => {}
    }
    Some(ClockRule {
        id: id?,
        name: name?,
        levels: levels?,
        anchor: anchor?,
        allowance: match figure {
            Some(figure) => Some(figure?),
            None => None,
        },
        calendar: calendar?,
        warnings: warnings?,
        pausable: pausable?,
        escalation: escalation?,
        satisfied_by: satisfied_by?,
        kinds: kinds?,
        extension: match extension {
            Some(figure) => Some(figure?),
            None => None,
        },
        basis: basis?,
    })
}

/// A kind of case.
pub(super) fn kind(node: &Node) -> Option<Kind> {
    node.choice(&[
        ("opinion", Kind::Opinion),
        ("message", Kind::Message),
        ("hotline", Kind::Hotline),
        ("decision-risk", Kind::DecisionRisk),
    ])
}

fn floor(node: &Node) -> Option<Floor> {
    let object = node.object(&["classifier", "config", "opens_at", "basis"])?;
    let classifier = object.need("classifier").and_then(|n| {
        let named = n.object(&["name", "version"])?;
        let name = named.need("name").and_then(|n| n.code());
        let version = named.need("version").and_then(|n| version(&n));
        Some((name?, version?))
    });
    let opens_at = object.need("opens_at").and_then(|n| Some((n.level()?, n)));
    let basis = basis(&object);
    if let Some((crate::level::Level::I, node)) = &opens_at {
        node.problem::<()>(
            "the floor must open cases at level II too: clauses 5a to 5e hold for every major matter",
            "write \"II\", or a lower level",
        );
    }
    let (name, version) = classifier?;
    Some(Floor {
        name,
        version,
        config: object.get("config").map_or(Value::Null, |n| n.value.clone()),
        opens_at: opens_at?.0,
        basis: basis?,
    })
}

fn response(node: &Node) -> Option<ResponseRule> {
    let object = node.object(&["levels", "value", "basis"])?;
    let levels = object.need("levels").and_then(|n| n.levels());
    let value = object
        .need("value")
        .and_then(|n| n.choice(&[("respond", ResponseValue::Respond), ("watch", ResponseValue::Watch)]));
    let basis = basis(&object);
    Some(ResponseRule { levels: levels?, value: value?, basis: basis? })
}

fn route(node: &Node) -> Option<Route> {
    let object = node.object(&["on", "levels", "clocks", "tell", "basis"])?;
    let on = object.need("on").and_then(|n| {
        n.choice(&[
            ("case-opened", Occasion::CaseOpened),
            ("clock-warned", Occasion::ClockWarned),
            ("clock-breached", Occasion::ClockBreached),
            ("report-submitted", Occasion::ReportSubmitted),
            ("report-drafted", Occasion::ReportDrafted),
            ("approval-requested", Occasion::ApprovalRequested),
            ("approval-expired", Occasion::ApprovalExpired),
            ("task-assigned", Occasion::TaskAssigned),
            ("task-returned", Occasion::TaskReturned),
            ("task-fed-back", Occasion::TaskFedBack),
            ("source-down", Occasion::SourceDown),
            ("source-up", Occasion::SourceUp),
            ("duty-unstaffed", Occasion::DutyUnstaffed),
            ("duty-missed", Occasion::DutyMissed),
            ("patrol-missed", Occasion::PatrolMissed),
            ("warning-raised", Occasion::WarningRaised),
            ("warning-late", Occasion::WarningLate),
            ("shared", Occasion::Shared),
            ("cosign-requested", Occasion::CosignRequested),
            ("major-declared", Occasion::MajorDeclared),
        ])
    });
    let levels = object.need("levels").and_then(|n| n.levels());
    let clocks = object.get("clocks").map_or(Some(Vec::new()), |n| n.list_of(Node::code));
    let tell = object.need("tell").and_then(|n| {
        let targets = n.list_of(target)?;
        if targets.is_empty() {
            return n.problem("nobody is told", "name at least one, such as `lead.spokesperson`");
        }
        Some(targets)
    });
    let basis = basis(&object);
    Some(Route { on: on?, levels: levels?, clocks: clocks?, tell: tell?, basis: basis? })
}

/// Whom to tell.
pub(super) fn target(node: &Node) -> Option<Target> {
    Target::try_from(node.text()?).map_err(|why| node.problem::<()>(why, "")).ok()
}

fn closing(node: &Node) -> Option<ClosingRule> {
    let object = node.object(&["levels", "tasks", "basis"])?;
    let levels = object.need("levels").and_then(|n| n.levels());
    let tasks = object.need("tasks").and_then(|n| {
        n.list_of(|n| {
            n.choice(&[
                ("handle", TaskKind::Handle),
                ("verify", TaskKind::Verify),
                ("supervise", TaskKind::Supervise),
                ("root-cause", TaskKind::RootCause),
                ("prevention", TaskKind::Prevention),
                ("report", TaskKind::Report),
            ])
        })
    });
    let basis = basis(&object);
    Some(ClosingRule { levels: levels?, tasks: tasks?, basis: basis? })
}

fn act(node: &Node) -> Option<ActRule> {
    let object = node.object(&["act", "roles", "basis"])?;
    let act = object.need("act").and_then(|n| {
        let name = n.text()?;
        if crate::Act::of_persons(&name).is_some() {
            return Some(name);
        }
        let known: Vec<&str> = crate::Act::names_of_persons().collect();
        n.problem(format!("`{name}` is no act of persons"), &format!("there are: {}", known.join(", ")))
    });
    let roles = object.need("roles").and_then(|n| {
        let roles = n.list_of(Node::code)?;
        if roles.is_empty() {
            return n.problem("nobody may do this any more", "name at least one role, such as `principal`");
        }
        Some(roles)
    });
    let basis = basis(&object);
    Some(ActRule { act: act?, roles: roles?, basis: basis? })
}
