//! The core functions (design: workflows act on the desk only through these):
//! their names, their schemas, and how an input becomes a command.

use schemars::{JsonSchema, schema_for};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::command::{
    AcceptCase, AcceptTask, AcknowledgeEscalation, AssessCase, AssignTask, AttachItem, CloseCase, Command, Delegate,
    DraftReport, ExtendClock, FeedBackTask, IssueLog, LinkCases, MergeCases, OpenCase, OpenGate, PauseClock, ReadDesk,
    RecordAnswer, RecordAssessment, RecordBypass, RecordCallback, RecordContact, RecordDelivery, RecordEvidence,
    RecordLog, RecordOfflineEvent, RecordReceipt, RecordRisk, RecordTime, ResumeClock, ReturnTask, RevokeDelegation,
    RouteCase, SatisfyClock, SetConfidentiality, SplitCase, StartClock, SubmitReport, TransferTask, WithdrawTask,
};
use crate::error::DeskError;

/// One core function, `name:version@default` in a workflow's `call`.
#[derive(Debug, Clone, PartialEq)]
pub struct CoreFunction {
    /// Its name.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
    /// JSON Schema (2020-12) of `with`.
    pub input_schema: Value,
    /// JSON Schema (2020-12) of what it gives.
    pub output_schema: Value,
}

mod responses;

pub(crate) struct Entry {
    pub(crate) name: &'static str,
    pub(crate) input_schema: fn() -> Value,
    pub(crate) output: fn() -> Value,
    pub(crate) command: fn(&Value) -> Result<Command, DeskError>,
}

const VERSION: &str = "1.0.0";

/// One line a function: name, input type, command, output properties.
const FUNCTIONS: &[Entry] = &[
    Entry {
        name: "record-assessment",
        input_schema: schema::<RecordAssessment>,
        output: assessed,
        command: |v| Ok(Command::RecordAssessment(read(v)?)),
    },
    Entry {
        name: "open-case",
        input_schema: schema::<OpenCase>,
        output: found,
        command: |v| Ok(Command::OpenCase(read(v)?)),
    },
    Entry {
        name: "attach-item",
        input_schema: schema::<AttachItem>,
        output: found,
        command: |v| Ok(Command::AttachItem(read(v)?)),
    },
    Entry {
        name: "start-clock",
        input_schema: schema::<StartClock>,
        output: clock_started,
        command: |v| Ok(Command::StartClock(read(v)?)),
    },
    Entry {
        name: "satisfy-clock",
        input_schema: schema::<SatisfyClock>,
        output: clock_satisfied,
        command: |v| Ok(Command::SatisfyClock(read(v)?)),
    },
    Entry {
        name: "pause-clock",
        input_schema: schema::<PauseClock>,
        output: clock_asked,
        command: |v| Ok(Command::PauseClock(read(v)?)),
    },
    Entry {
        name: "resume-clock",
        input_schema: schema::<ResumeClock>,
        output: clock_resumed,
        command: |v| Ok(Command::ResumeClock(read(v)?)),
    },
    Entry {
        name: "acknowledge-escalation",
        input_schema: schema::<AcknowledgeEscalation>,
        output: acknowledged,
        command: |v| Ok(Command::AcknowledgeEscalation(read(v)?)),
    },
    Entry {
        name: "draft-report",
        input_schema: schema::<DraftReport>,
        output: drafted,
        command: |v| Ok(Command::DraftReport(read(v)?)),
    },
    Entry {
        name: "submit-report",
        input_schema: schema::<SubmitReport>,
        output: reported,
        command: |v| Ok(Command::SubmitReport(read(v)?)),
    },
    Entry {
        name: "record-answer",
        input_schema: schema::<RecordAnswer>,
        output: answered,
        command: |v| Ok(Command::RecordAnswer(read(v)?)),
    },
    Entry {
        name: "record-time",
        input_schema: schema::<RecordTime>,
        output: timed,
        command: |v| Ok(Command::RecordTime(read(v)?)),
    },
    Entry {
        name: "record-delivery",
        input_schema: schema::<RecordDelivery>,
        output: delivered,
        command: |v| Ok(Command::RecordDelivery(read(v)?)),
    },
    Entry {
        name: "close-case",
        input_schema: schema::<CloseCase>,
        output: closed,
        command: |v| Ok(Command::CloseCase(read(v)?)),
    },
    Entry {
        name: "assign-task",
        input_schema: schema::<AssignTask>,
        output: task,
        command: |v| Ok(Command::AssignTask(read(v)?)),
    },
    Entry {
        name: "accept-task",
        input_schema: schema::<AcceptTask>,
        output: task,
        command: |v| Ok(Command::AcceptTask(read(v)?)),
    },
    Entry {
        name: "transfer-task",
        input_schema: schema::<TransferTask>,
        output: task,
        command: |v| Ok(Command::TransferTask(read(v)?)),
    },
    Entry {
        name: "return-task",
        input_schema: schema::<ReturnTask>,
        output: task,
        command: |v| Ok(Command::ReturnTask(read(v)?)),
    },
    Entry {
        name: "feed-back-task",
        input_schema: schema::<FeedBackTask>,
        output: task,
        command: |v| Ok(Command::FeedBackTask(read(v)?)),
    },
    Entry {
        name: "withdraw-task",
        input_schema: schema::<WithdrawTask>,
        output: task,
        command: |v| Ok(Command::WithdrawTask(read(v)?)),
    },
    Entry {
        name: "route-case",
        input_schema: schema::<RouteCase>,
        output: routed,
        command: |v| Ok(Command::RouteCase(read(v)?)),
    },
    Entry {
        name: "record-contact",
        input_schema: schema::<RecordContact>,
        output: contact,
        command: |v| Ok(Command::RecordContact(read(v)?)),
    },
    Entry {
        name: "record-offline-event",
        input_schema: schema::<RecordOfflineEvent>,
        output: offline_event,
        command: |v| Ok(Command::RecordOfflineEvent(read(v)?)),
    },
    Entry {
        name: "record-evidence",
        input_schema: schema::<RecordEvidence>,
        output: evidence,
        command: |v| Ok(Command::RecordEvidence(read(v)?)),
    },
    Entry {
        name: "record-receipt",
        input_schema: schema::<RecordReceipt>,
        output: receipt,
        command: |v| Ok(Command::RecordReceipt(read(v)?)),
    },
    Entry {
        name: "record-bypass",
        input_schema: schema::<RecordBypass>,
        output: bypass,
        command: |v| Ok(Command::RecordBypass(read(v)?)),
    },
    Entry {
        name: "assess-case",
        input_schema: schema::<AssessCase>,
        output: judged,
        command: |v| Ok(Command::AssessCase(read(v)?)),
    },
    Entry {
        name: "record-risk",
        input_schema: schema::<RecordRisk>,
        output: risk,
        command: |v| Ok(Command::RecordRisk(read(v)?)),
    },
    Entry {
        name: "open-gate",
        input_schema: schema::<OpenGate>,
        output: gate,
        command: |v| Ok(Command::OpenGate(read(v)?)),
    },
    Entry {
        name: "delegate",
        input_schema: schema::<Delegate>,
        output: delegation,
        command: |v| Ok(Command::Delegate(read(v)?)),
    },
    Entry {
        name: "revoke-delegation",
        input_schema: schema::<RevokeDelegation>,
        output: delegation,
        command: |v| Ok(Command::RevokeDelegation(read(v)?)),
    },
    Entry {
        name: "read-desk",
        input_schema: schema::<ReadDesk>,
        output: reading,
        command: |v| Ok(Command::ReadDesk(read(v)?)),
    },
    Entry {
        name: "record-log",
        input_schema: schema::<RecordLog>,
        output: logged,
        command: |v| Ok(Command::RecordLog(read(v)?)),
    },
    Entry {
        name: "issue-log",
        input_schema: schema::<IssueLog>,
        output: logged,
        command: |v| Ok(Command::IssueLog(read(v)?)),
    },
    Entry {
        name: "set-confidentiality",
        input_schema: schema::<SetConfidentiality>,
        output: confidentiality,
        command: |v| Ok(Command::SetConfidentiality(read(v)?)),
    },
    Entry {
        name: "merge-cases",
        input_schema: schema::<MergeCases>,
        output: merged,
        command: |v| Ok(Command::MergeCases(read(v)?)),
    },
    Entry {
        name: "split-case",
        input_schema: schema::<SplitCase>,
        output: split,
        command: |v| Ok(Command::SplitCase(read(v)?)),
    },
    Entry {
        name: "link-cases",
        input_schema: schema::<LinkCases>,
        output: linked,
        command: |v| Ok(Command::LinkCases(read(v)?)),
    },
    Entry {
        name: "record-callback",
        input_schema: schema::<RecordCallback>,
        output: called_back,
        command: |v| Ok(Command::RecordCallback(read(v)?)),
    },
    Entry {
        name: "accept-case",
        input_schema: schema::<AcceptCase>,
        output: accepted,
        command: |v| Ok(Command::AcceptCase(read(v)?)),
    },
    Entry {
        name: "extend-clock",
        input_schema: schema::<ExtendClock>,
        output: extended,
        command: |v| Ok(Command::ExtendClock(read(v)?)),
    },
];

/// All of them: those of cases, and those of watching.
fn entries() -> impl Iterator<Item = &'static Entry> {
    FUNCTIONS.iter().chain(crate::watch::FUNCTIONS).chain(responses::FUNCTIONS)
}

/// All core functions.
pub fn core_functions() -> Vec<CoreFunction> {
    entries()
        .map(|entry| CoreFunction {
            name: entry.name,
            version: VERSION,
            input_schema: (entry.input_schema)(),
            output_schema: output(entry.name, &(entry.output)()),
        })
        .collect()
}

/// The command that a call of a core function asks for.
///
/// # Errors
/// When there is no such function, or the input is not of its form; the
/// pointer names the place.
pub fn core_command(name: &str, input: &Value) -> Result<Command, DeskError> {
    if let Some(entry) = entries().find(|entry| entry.name == name) {
        return (entry.command)(input);
    }
    let names: Vec<&str> = entries().map(|entry| entry.name).collect();
    Err(DeskError::new("not-found", format!("there is no core function `{name}`"))
        .hint(format!("there are: {}", names.join(", "))))
}

pub(crate) fn schema<T: JsonSchema>() -> Value {
    schema_for!(T).to_value()
}

/// Reads an input; what is wrong is told with its place, an unknown key by its own.
pub(crate) fn read<T: DeserializeOwned>(input: &Value) -> Result<T, DeskError> {
    serde_path_to_error::deserialize(input).map_err(|error| {
        let mut pointer = pointer(error.path());
        let message = error.into_inner().to_string();
        if let Some(key) = message.strip_prefix("unknown field `").and_then(|rest| rest.split_once("`, ")) {
            let key = format!("/{}", key.0.replace('~', "~0").replace('/', "~1"));
            if pointer == "/" {
                pointer = key;
            } else if !pointer.ends_with(&key) {
                pointer.push_str(&key);
            }
        }
        DeskError::new("invalid-input", message).at(pointer)
    })
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let mut out = String::new();
    for segment in path {
        let part = match segment {
            Segment::Seq { index } => index.to_string(),
            Segment::Map { key } => key.replace('~', "~0").replace('/', "~1"),
            Segment::Enum { .. } | Segment::Unknown => continue,
        };
        out.push('/');
        out.push_str(&part);
    }
    if out.is_empty() { "/".to_owned() } else { out }
}

/// What a function gives. What may wait for a second person says so under `pending`.
fn output(name: &str, properties: &Value) -> Value {
    let mut schema = object(properties);
    if matches!(
        name,
        "record-answer"
            | "record-time"
            | "record-publication"
            | "submit-report"
            | "assess-case"
            | "open-gate"
            | "set-confidentiality"
            | "pause-clock"
    ) {
        let mut pending = object(&json!({
            "approval": { "type": "string" }, "hash": { "type": "string" }, "author": { "type": "string" },
        }));
        pending["description"] =
            json!("given where nothing is done yet, and others have to approve what this hash stands for");
        schema["properties"]["pending"] = pending;
    }
    schema
}

pub(crate) fn object(properties: &Value) -> Value {
    let required: Vec<&String> = properties.as_object().map(|map| map.keys().collect()).unwrap_or_default();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "required": required,
        "properties": properties,
    })
}

fn level() -> Value {
    json!({ "enum": ["I", "II", "III", "IV"] })
}

fn state() -> Value {
    json!({ "enum": ["opened", "assessed", "reported", "answered", "closed"] })
}

pub(crate) fn time() -> Value {
    json!({ "type": "string", "format": "date-time" })
}

fn found() -> Value {
    json!({
        "case": { "type": "string" },
        "opened": { "type": "boolean", "description": "false where the case was there before" },
        "unit": { "type": "string" },
        "unit_name": { "type": "string", "description": "the unit's name in the policy pack" },
        "level": level(),
        "state": state(),
        "title": { "type": "string" },
        "occurred_at": time(),
        "clocks": { "type": "array", "items": object(&json!({
            "clock": { "type": "string" }, "due_at": time(), "breached": { "type": "boolean" },
        })) },
    })
}

fn assessed() -> Value {
    json!({
        "item": { "type": ["string", "null"] },
        "case": { "type": ["string", "null"], "description": "the open case it belongs to" },
        "level": { "enum": ["I", "II", "III", "IV", null], "description": "the case's level, else the item's (rule 7)" },
        "item_level": { "enum": ["I", "II", "III", "IV", null] },
    })
}

fn clock_started() -> Value {
    json!({
        "case": { "type": "string" },
        "clock": { "type": "string" },
        "started": { "type": "boolean", "description": "false where it ran before" },
        "due_at": { "type": ["string", "null"], "format": "date-time" },
        "provisional": { "type": "boolean" },
    })
}

fn clock_satisfied() -> Value {
    json!({ "case": { "type": "string" }, "clock": { "type": "string" }, "on_time": { "type": "boolean" } })
}

/// The second person is asked: `pending` has the hash.
fn clock_asked() -> Value {
    json!({ "case": { "type": "string" }, "clock": { "type": "string" } })
}

fn clock_resumed() -> Value {
    json!({
        "case": { "type": "string" }, "clock": { "type": "string" }, "due_at": time(),
        "provisional": { "type": "boolean" }, "breached": { "type": "boolean" },
    })
}

fn acknowledged() -> Value {
    let rungs = json!({ "type": "array", "items": { "type": "integer", "minimum": 0 } });
    json!({
        "case": { "type": "string" }, "clock": { "type": "string" }, "rungs": rungs, "by": { "type": "string" },
        "at": time(),
    })
}

fn drafted() -> Value {
    json!({
        "case": { "type": "string" },
        "stage": stage(),
        "draft": { "type": "string" },
        "hash": { "type": "string", "description": "what the person names who sends it" },
        "at": time(),
    })
}

fn reported() -> Value {
    json!({
        "case": { "type": "string" },
        "stage": stage(),
        "sent": { "type": "boolean", "description": "false while it waits for approvals" },
        "report": { "type": ["string", "null"], "description": "the last report of this stage" },
        "seq": { "type": ["integer", "null"], "minimum": 1 },
        "number": { "type": ["string", "null"], "description": "in the unit's series of the year" },
        "to": { "type": "array", "items": { "type": "object" }, "description": "the addressees, a unit each" },
        "late": { "type": ["object", "null"], "description": "the clock that it missed, and by how much" },
        "at": { "type": ["string", "null"], "format": "date-time" },
        "satisfied": { "type": "array", "items": object(&json!({
            "clock": { "type": "string" }, "on_time": { "type": "boolean" },
        })) },
    })
}

fn answered() -> Value {
    let texts = json!({ "type": "array", "items": { "type": "string" } });
    json!({ "case": { "type": "string" }, "state": state(), "unanswered": texts, "open_concerns": texts })
}

fn task() -> Value {
    json!({
        "case": { "type": "string" },
        "task": { "type": "string" },
        "kind": { "enum": ["handle", "verify", "supervise", "root-cause", "prevention", "report"] },
        "parts": { "type": "array", "items": { "type": "object" }, "description": "a unit each, with its state" },
        "open": { "type": "boolean" },
        "done": { "type": "boolean", "description": "every unit has given its feedback" },
        "due_at": { "type": ["string", "null"], "format": "date-time" },
    })
}

fn routed() -> Value {
    json!({
        "case": { "type": "string" }, "from": { "type": "string" }, "unit": { "type": "string" },
        "unit_name": { "type": "string" },
    })
}

fn contact() -> Value {
    json!({ "case": { "type": "string" }, "time": time(), "contacts": { "type": "integer", "minimum": 1 } })
}

fn offline_event() -> Value {
    json!({ "case": { "type": "string" }, "event": { "type": "string" }, "outcome": { "type": ["string", "null"] } })
}

fn stage() -> Value {
    json!({ "enum": ["flash", "follow-up", "detailed", "final"] })
}

fn evidence() -> Value {
    json!({
        "case": { "type": "string" },
        "evidence": { "type": "string", "description": "its id, which facts of reports name" },
        "kind": { "enum": ["observation", "document", "media", "investigation"] },
    })
}

fn receipt() -> Value {
    json!({
        "case": { "type": "string" }, "report": { "type": "string" }, "addressee": { "type": "string" },
        "by": { "type": "string" }, "time": time(),
        "unsigned": { "type": "array", "items": { "type": "string" }, "description": "addressees whose receipt is missing" },
    })
}

fn bypass() -> Value {
    json!({ "case": { "type": "string" }, "bypass": { "type": "string" }, "time": time() })
}

fn judged() -> Value {
    json!({
        "case": { "type": "string" }, "value": { "enum": ["respond", "watch", "no-response"] },
        "in_force": { "type": "boolean", "description": "false while it waits for approvals" }, "state": state(),
    })
}

fn risk() -> Value {
    json!({
        "case": { "type": "string" }, "part": parts(),
        "missing": { "type": "array", "items": parts() },
        "gate_open": { "type": "boolean", "description": "whether the decision may be issued" },
    })
}

fn parts() -> Value {
    json!({ "enum": ["tracking", "survey", "visits", "consultation", "level", "plan"] })
}

fn gate() -> Value {
    json!({ "case": { "type": "string" }, "gate_open": { "type": "boolean" } })
}

fn delegation() -> Value {
    json!({
        "delegation": { "type": "string" }, "unit": { "type": "string" }, "from": { "type": "string" },
        "to": { "type": "string" }, "starts": time(), "until": time(), "reason": { "type": "string" },
        "state": { "enum": ["planned", "holds", "over", "revoked"] },
    })
}

fn count() -> Value {
    json!({ "type": "integer", "minimum": 0 })
}

fn counts() -> Value {
    json!({ "type": "object", "additionalProperties": { "type": "integer" } })
}

fn reading() -> Value {
    let rate = json!({ "type": ["number", "null"], "minimum": 0, "maximum": 1 });
    let day = json!({ "type": "string", "format": "date" });
    let cases = object(&json!({
        "opened": count(), "closed": count(), "open": count(), "overdue": count(), "breaches": count(),
        "done": count(), "on_time": count(),
    }));
    let messages = object(&json!({
        "received": count(), "accepted": count(), "accepted_late": count(), "answered": count(),
        "answered_late": count(), "overdue": count(), "extended": count(), "paused": count(),
    }));
    json!({
        "unit": { "type": "string" },
        "unit_name": { "type": ["string", "null"] },
        "from": day,
        "to": day,
        "cases": cases,
        "on_time_rate": rate,
        "by_unit": { "type": "object", "additionalProperties": cases },
        "by_level": counts(),
        "by_kind": counts(),
        "items": count(),
        "by_channel": counts(),
        "by_label": counts(),
        "messages": { "type": "object", "additionalProperties": messages },
        "hotline": object(&json!({
            "total": count(), "answered": count(), "missed": count(), "called_back": count(), "asked": count(),
            "answer_rate": rate, "target": rate,
        })),
        "open": { "type": "array", "items": { "type": "object" }, "description": "open cases by what is due, as `GET /v1/cases` has them" },
        "due": { "type": "array", "items": object(&json!({
            "case": { "type": "string" }, "unit": { "type": "string" }, "title": { "type": "string" },
            "level": level(), "clock": { "type": "string" }, "name": { "type": "object" }, "due_at": time(),
            "breached": { "type": "boolean" }, "paused": { "type": "boolean" },
        })) },
        "sections": { "type": "array", "items": section(), "description": "概况 and 传播 in words" },
    })
}

fn section() -> Value {
    object(&json!({ "name": { "type": "string" }, "text": { "type": "string" } }))
}

fn logged() -> Value {
    json!({
        "unit": { "type": "string" },
        "log": { "type": "string" },
        "kind": { "enum": ["daily", "special", "digest"] },
        "issue": { "type": ["integer", "null"], "minimum": 1 },
        "issue_zh": { "type": ["string", "null"] },
        "hash": { "type": "string", "description": "what whoever issues it names" },
        "revision": { "type": "integer", "minimum": 1 },
        "issued": { "type": "boolean" },
    })
}

fn confidentiality() -> Value {
    json!({ "case": { "type": "string" }, "confidentiality": { "enum": ["public", "internal", "secret"] } })
}

fn merged() -> Value {
    json!({
        "case": { "type": "string" },
        "merged": { "type": "string", "description": "the case that is closed now and points to the other" },
        "askers": { "type": "integer", "description": "how many are owed an answer, or had one, in all" },
        "concerns": { "type": "integer" },
        "clocks": { "type": "array", "items": { "type": "string" }, "description": "clocks that came along" },
    })
}

fn split() -> Value {
    json!({ "case": { "type": "string" }, "opened": { "type": "string" }, "askers": { "type": "integer" }, "concerns": { "type": "integer" } })
}

fn linked() -> Value {
    json!({ "case": { "type": "string" }, "other": { "type": "string" }, "linked": { "type": "boolean", "description": "false where it was linked before" } })
}

fn called_back() -> Value {
    json!({
        "case": { "type": "string" },
        "reached": { "type": "boolean" },
        "waits": { "type": "boolean", "description": "whether the caller still waits to be called back" },
        "state": state(),
    })
}

fn accepted() -> Value {
    json!({ "case": { "type": "string" }, "accepted_at": time(), "receipt": asker_receipt() })
}

fn asker_receipt() -> Value {
    let mut receipt = object(&json!({
        "number": { "type": "string" },
        "text": { "type": "string", "description": "what the asker is told" },
        "accept_by": { "type": ["string", "null"], "format": "date-time" },
        "answer_by": { "type": ["string", "null"], "format": "date-time" },
    }));
    receipt["description"] = json!("the asker's receipt (回执)");
    receipt
}

fn extended() -> Value {
    json!({
        "case": { "type": "string" },
        "clock": { "type": "string" },
        "allowance": { "type": "string", "description": "how much more time the pack gives" },
        "pending": object(&json!({
            "approval": { "type": "string" }, "hash": { "type": "string" }, "author": { "type": "string" },
        })),
    })
}

fn timed() -> Value {
    json!({ "case": { "type": "string" }, "milestone": { "enum": ["verified", "handled", "published"] }, "time": time() })
}

fn delivered() -> Value {
    json!({ "case": { "type": "string" }, "notification": { "type": "string" }, "delivered": { "type": "boolean" } })
}

fn closed() -> Value {
    json!({
        "case": { "type": "string" }, "state": { "const": "closed" },
        "ground": { "enum": ["answered", "no-response", "decided"] },
    })
}
