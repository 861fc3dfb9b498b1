//! What the API answers, as JSON Schema. A member whose name ends with `?` may be missing; what stands beside the
//! members that are named is no fault, so that a reader bears what comes later.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

pub(crate) fn text() -> Value {
    json!({"type": "string"})
}

fn time() -> Value {
    json!({"type": "string", "format": "date-time"})
}

fn day() -> Value {
    json!({"type": "string", "format": "date"})
}

fn count() -> Value {
    json!({"type": "integer", "minimum": 0})
}

fn number() -> Value {
    json!({"type": "number"})
}

fn flag() -> Value {
    json!({"type": "boolean"})
}

/// Whatever it is.
fn any() -> Value {
    json!({})
}

fn one_of(words: &[&str]) -> Value {
    json!({"type": "string", "enum": words})
}

fn list(of: Value) -> Value {
    json!({"type": "array", "items": of})
}

fn map(of: Value) -> Value {
    json!({"type": "object", "additionalProperties": of})
}

fn to(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

fn or_null(of: Value) -> Value {
    match of.get("type").and_then(Value::as_str) {
        Some(kind) if of.get("enum").is_none() => {
            let kind = json!([kind, "null"]);
            let mut of = of;
            of["type"] = kind;
            of
        }
        _ => json!({"anyOf": [of, {"type": "null"}]}),
    }
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for (name, shape) in members {
        match name.strip_suffix('?') {
            Some(name) => drop(properties.insert(name.to_owned(), shape)),
            None => {
                required.push(name);
                properties.insert(name.to_owned(), shape);
            }
        }
    }
    json!({"type": "object", "required": required, "properties": properties})
}

/// The schemas that others refer to, by name.
pub(crate) fn named() -> BTreeMap<String, Value> {
    let all: Vec<(&str, Value)> = vec![
        (
            "Problem",
            object([
                ("type", json!({"type": "string", "format": "uri"})),
                ("title", text()),
                ("status", json!({"type": "integer", "minimum": 400, "maximum": 599})),
                ("detail", text()),
                ("pointer?", text()),
                ("diagnostics?", list(any())),
                ("retry_after?", count()),
            ]),
        ),
        ("Name", object([("zh", text()), ("en?", or_null(text()))])),
        ("Names", or_null(object([("units", map(text())), ("people", map(text()))]))),
        ("LevelCode", one_of(&["I", "II", "III", "IV"])),
        (
            "Clock",
            object([
                ("clock", text()),
                ("rule", text()),
                ("name", to("Name")),
                ("state", text()),
                ("anchor_at", time()),
                ("due_at", time()),
                ("remaining_seconds", or_null(number())),
                ("late_seconds", or_null(number())),
                ("satisfied_at", or_null(time())),
            ]),
        ),
        (
            "CaseRow",
            object([
                ("number", text()),
                ("unit", text()),
                ("unit_name", or_null(to("Name"))),
                ("title", text()),
                ("kind", text()),
                ("level", to("LevelCode")),
                ("level_zh", text()),
                ("state", text()),
                ("state_zh", text()),
                ("opened_at", time()),
                ("items", count()),
                ("clock", or_null(to("Clock"))),
                ("breaches", count()),
                ("pending", count()),
                ("owed", count()),
            ]),
        ),
        (
            "CasePage",
            object([
                ("number", text()),
                ("kind", text()),
                ("unit", text()),
                ("region", text()),
                ("title", text()),
                ("level", to("LevelCode")),
                ("state", text()),
                ("times", map(any())),
                ("clocks", list(to("Clock"))),
                ("tasks", list(to("Task"))),
                (
                    "items",
                    list(object([("item", text()), ("source", text()), ("title", text()), ("occurred_at", time())])),
                ),
                ("askers", list(any())),
                ("concerns", list(any())),
                ("assessments", list(any())),
                ("approvals", list(to("Approval"))),
                ("reports", list(any())),
                ("drafts", list(any())),
                ("answers", list(any())),
                ("names", to("Names")),
                ("time_zone", or_null(text())),
            ]),
        ),
        (
            "Task",
            object([
                ("case", text()),
                ("task", text()),
                ("kind", text()),
                ("text", text()),
                ("from", text()),
                ("parts", list(object([("unit", text()), ("state", text())]))),
                ("open", flag()),
                ("due_at", or_null(time())),
                ("breached_at", or_null(time())),
            ]),
        ),
        (
            "Approval",
            object([
                ("act", text()),
                ("state", text()),
                ("hash", text()),
                ("author", text()),
                ("at", time()),
                ("expires_at?", or_null(time())),
            ]),
        ),
        (
            "Run",
            object([
                ("run", text()),
                ("workflow?", or_null(text())),
                ("unit?", or_null(text())),
                ("deployment", text()),
                (
                    "status",
                    one_of(&["running", "suspended", "waiting", "quarantined", "completed", "faulted", "cancelled"]),
                ),
                ("trigger", any()),
                ("parent", or_null(text())),
                ("started", time()),
                ("ended?", time()),
                ("reopenable?", flag()),
                ("large?", flag()),
                ("output?", any()),
                ("error?", any()),
            ]),
        ),
        (
            "Binding",
            object([
                ("workflow", text()),
                ("unit?", or_null(text())),
                ("slot", text()),
                ("kind", text()),
                ("plugin", text()),
                ("digest", text()),
                ("withheld?", text()),
                ("from", text()),
            ]),
        ),
        (
            "Rebound",
            object([
                ("workflow", text()),
                ("unit?", or_null(text())),
                ("slot", text()),
                ("plugin", text()),
                ("digest", text()),
                ("deployment", text()),
                ("changed", flag()),
            ]),
        ),
        (
            "Workflow",
            object([
                ("name", text()),
                ("version", text()),
                ("unit", or_null(text())),
                ("since", time()),
                ("active", flag()),
                ("by", or_null(text())),
                ("deployment", text()),
                ("running", count()),
                ("withheld", map(text())),
            ]),
        ),
        (
            "Record",
            object([
                ("index", count()),
                ("id", text()),
                ("type", text()),
                ("subject", text()),
                ("time", time()),
                ("actor", text()),
                ("unit", or_null(text())),
                ("causation", or_null(text())),
                ("redacted", flag()),
            ]),
        ),
        (
            "CloudEvent",
            object([
                ("specversion", json!({"const": "1.0"})),
                ("id", json!({"type": "string", "minLength": 1})),
                ("source", json!({"type": "string", "minLength": 1})),
                ("type", json!({"type": "string", "minLength": 1})),
                ("time?", time()),
                ("datacontenttype?", text()),
                ("dataschema?", text()),
                ("subject?", text()),
                ("data?", any()),
                ("data_base64?", text()),
                ("huiyinunit?", text()),
            ]),
        ),
        (
            "Session",
            object([
                ("account", text()),
                ("actor", text()),
                ("admin", flag()),
                ("must_change", flag()),
                ("second", flag()),
                ("ends", time()),
                ("idle_seconds", count()),
                ("name?", or_null(text())),
                ("unit?", text()),
                ("unit_name?", to("Name")),
                ("roles?", list(text())),
                ("units?", list(text())),
            ]),
        ),
        ("Delivered", object([("runs", count()), ("duplicate", flag())])),
        (
            "Taken",
            object([
                ("taken", list(text())),
                ("seen", count()),
                ("refused", count()),
                ("opened", list(text())),
                ("items", list(object([("outcome", one_of(&["taken", "seen", "refused"])), ("id?", text())]))),
            ]),
        ),
        (
            "Trust",
            object([
                ("name", text()),
                ("key", text()),
                ("units", list(text())),
                ("withheld", list(any())),
                ("refused", list(any())),
                ("restored", list(text())),
            ]),
        ),
    ];
    all.into_iter().map(|(name, shape)| (name.to_owned(), shape)).collect()
}

pub(crate) fn health() -> Value {
    object([("status", json!({"const": "ok"}))])
}

pub(crate) fn openapi() -> Value {
    object([("openapi", text()), ("info", map(any())), ("paths", map(map(any()))), ("components", map(any()))])
}

pub(crate) fn host() -> Value {
    object([
        ("version", text()),
        ("now", time()),
        ("units", list(text())),
        ("partitions", count()),
        ("records", count()),
        ("checkpoint", or_null(count())),
        ("runs", object([("running", count()), ("started", count())])),
        ("cases", count()),
        ("items", count()),
        ("escalations_missed", count()),
    ])
}

pub(crate) fn commands() -> Value {
    object([("commands", list(object([("command", text()), ("core_function", flag()), ("schema", map(any()))])))])
}

pub(crate) fn records() -> Value {
    object([("size", count()), ("records", list(to("Record"))), ("next", or_null(count()))])
}

pub(crate) fn record() -> Value {
    json!({"allOf": [to("Record"), object([("commitment", text()), ("leaf", text()), ("data?", any())])]})
}

pub(crate) fn proof() -> Value {
    map(any())
}

pub(crate) fn workflows() -> Value {
    object([("workflows", list(to("Workflow")))])
}

pub(crate) fn workflow() -> Value {
    object([("name", text()), ("version", text()), ("text", text()), ("deployments", list(to("Workflow")))])
}

pub(crate) fn deployed() -> Value {
    let row = object([
        ("file", text()),
        ("name", text()),
        ("version", text()),
        ("unit", or_null(text())),
        ("deployment", text()),
        ("changed", flag()),
    ]);
    object([("deployed", list(row)), ("warnings", list(any()))])
}

pub(crate) fn plugins() -> Value {
    object([("plugins", list(object([("plugin", text()), ("units", list(text())), ("used_by", list(text()))])))])
}

pub(crate) fn installed() -> Value {
    object([
        ("plugin", text()),
        ("digest", text()),
        ("kind", text()),
        ("publishers", list(text())),
        ("units", list(text())),
        ("changed", flag()),
    ])
}

pub(crate) fn publishers() -> Value {
    object([("publishers", list(object([("name", text()), ("key", text()), ("units", list(text()))])))])
}

pub(crate) fn trust() -> Value {
    to("Trust")
}

pub(crate) fn bindings() -> Value {
    object([("bindings", list(to("Binding")))])
}

pub(crate) fn rebound() -> Value {
    object([("bindings", list(to("Rebound")))])
}

pub(crate) fn differences() -> Value {
    object([("binding", to("Binding")), ("differences", list(any()))])
}

pub(crate) fn sources() -> Value {
    object([("sources", list(object([("source", text()), ("unit", or_null(text())), ("state", text())])))])
}

pub(crate) fn coverage() -> Value {
    object([("now", time())])
}

pub(crate) fn roster() -> Value {
    object([("now", time()), ("units", list(object([("unit", text())])))])
}

/// Rows under a name, with the names of what stands in them.
fn page(name: &str, row: Value) -> Value {
    object([("now", time()), (name, list(row)), ("names", to("Names")), ("time_zone", or_null(text()))])
}

pub(crate) fn patrols() -> Value {
    page("patrols", map(any()))
}

pub(crate) fn warnings() -> Value {
    page("warnings", map(any()))
}

pub(crate) fn shared() -> Value {
    page("shared", map(any()))
}

pub(crate) fn item() -> Value {
    map(any())
}

pub(crate) fn runs() -> Value {
    object([("runs", list(to("Run")))])
}

pub(crate) fn run() -> Value {
    to("Run")
}

pub(crate) fn started() -> Value {
    object([("run", text())])
}

pub(crate) fn run_records() -> Value {
    let row = object([
        ("id", text()),
        ("index", count()),
        ("type", text()),
        ("time", time()),
        ("actor", text()),
        ("redacted", flag()),
        ("data", any()),
    ]);
    object([("run", text()), ("workflow", or_null(text())), ("document", or_null(text())), ("records", list(row))])
}

pub(crate) fn done() -> Value {
    json!({"description": "as the command says"})
}

pub(crate) fn taken() -> Value {
    to("Taken")
}

pub(crate) fn calls() -> Value {
    object([
        ("taken", count()),
        ("seen", count()),
        ("refused", count()),
        ("opened", list(text())),
        ("items", list(object([("outcome", one_of(&["taken", "seen", "refused"]))]))),
    ])
}

pub(crate) fn hotline() -> Value {
    object([
        ("from", day()),
        ("to", day()),
        ("units", list(object([("unit", text()), ("total", count()), ("rate", or_null(number()))]))),
        ("all", map(any())),
        ("target", map(any())),
    ])
}

pub(crate) fn logs() -> Value {
    page("logs", object([("unit", text()), ("to", day())]))
}

pub(crate) fn delivered() -> Value {
    json!({"anyOf": [to("Delivered"), object([("events", list(map(any())))])]})
}

pub(crate) fn lifecycle() -> Value {
    object([("records", count()), ("sinks", list(map(any())))])
}

pub(crate) fn schedules() -> Value {
    let row = object([
        ("workflow", text()),
        ("version", text()),
        ("unit", or_null(text())),
        ("times", text()),
        ("timezone", text()),
        ("overlap", text()),
        ("catch_up", text()),
    ]);
    object([("now", time()), ("schedules", list(row))])
}

pub(crate) fn items() -> Value {
    let row = object([("item", text()), ("unit", text()), ("source", text()), ("title", text()), ("reason", text())]);
    object([("now", time()), ("items", list(row))])
}

pub(crate) fn tasks() -> Value {
    page("tasks", to("Task"))
}

pub(crate) fn approvals() -> Value {
    object([
        ("now", time()),
        ("approvals", list(to("Approval"))),
        ("delegations", list(map(any()))),
        ("names", to("Names")),
    ])
}

pub(crate) fn reports() -> Value {
    object([("now", time()), ("reports", list(map(any()))), ("bypasses", list(map(any()))), ("names", to("Names"))])
}

pub(crate) fn responses() -> Value {
    page("responses", object([("state", text()), ("hash", text())]))
}

pub(crate) fn disclosures() -> Value {
    page("disclosures", map(any()))
}

pub(crate) fn policy() -> Value {
    object([("now", time()), ("pack", object([("name", text()), ("version", text()), ("units", list(map(any())))]))])
}

pub(crate) fn policy_deployed() -> Value {
    object([
        ("policy", text()),
        ("version", text()),
        ("from", text()),
        ("in_force", flag()),
        ("changes", list(object([("change", any()), ("open_cases", list(text())), ("count", count())]))),
        ("recomputed", or_null(map(any()))),
    ])
}

pub(crate) fn policy_versions() -> Value {
    let row =
        object([("pack", text()), ("since", time()), ("by", any()), ("open_cases", count()), ("in_force", flag())]);
    object([("versions", list(row))])
}

pub(crate) fn schema() -> Value {
    map(any())
}

pub(crate) fn hits() -> Value {
    object([
        ("now", time()),
        ("unit", or_null(text())),
        ("hits", list(map(any()))),
        ("next", or_null(text())),
        ("names", to("Names")),
        ("time_zone", or_null(text())),
    ])
}

pub(crate) fn cases() -> Value {
    object([("now", time()), ("unjudged", count()), ("hidden", count()), ("cases", list(to("CaseRow")))])
}

/// A case, or as much of it as is shared with the unit of who asks.
pub(crate) fn case() -> Value {
    let mut part = object([("number", text()), ("unit", text()), ("title", text()), ("level", to("LevelCode"))]);
    part["not"] = json!({"required": ["clocks"]});
    json!({"anyOf": [to("CasePage"), part]})
}

pub(crate) fn session() -> Value {
    object([("session", or_null(to("Session"))), ("awaits_first?", flag()), ("now?", time())])
}

pub(crate) fn accounts() -> Value {
    let row = object([
        ("account", text()),
        ("actor", text()),
        ("name", or_null(text())),
        ("unit", or_null(text())),
        ("must_change", flag()),
        ("second", flag()),
        ("locked", flag()),
        ("added", time()),
        ("changed", time()),
        ("sessions", count()),
    ]);
    object([("now", time()), ("accounts", list(row))])
}

pub(crate) fn second_offered() -> Value {
    object([("secret", text()), ("uri", text())])
}

pub(crate) fn second_set() -> Value {
    object([("session", to("Session")), ("recovery", list(text()))])
}

pub(crate) fn password() -> Value {
    object([("account", text()), ("password", text())])
}

pub(crate) fn sign_ins() -> Value {
    object([("sign_ins", list(object([("time", time()), ("deed", text()), ("account", text())])))])
}

pub(crate) fn tokens() -> Value {
    let row = object([
        ("id", text()),
        ("person", text()),
        ("unit", text()),
        ("scope", one_of(&["read", "act"])),
        ("by", text()),
        ("added", time()),
        ("expires", time()),
        ("over", flag()),
    ]);
    object([("now", time()), ("tokens", list(row))])
}

pub(crate) fn token() -> Value {
    object([
        ("token", text()),
        ("id", text()),
        ("person", text()),
        ("unit", text()),
        ("scope", one_of(&["read", "act"])),
        ("expires", time()),
    ])
}
