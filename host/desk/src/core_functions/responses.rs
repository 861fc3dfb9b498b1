//! The core functions about lines, responses, major matters and disclosure.

use serde_json::{Value, json};

use super::{Entry, level, object, read, schema, time};
use crate::command::{
    AcknowledgeNotice, AppointCommander, CheckDisclosure, CheckResponse, Command, CorrectResponse, CosignResponse,
    DeclareMajor, DraftResponse, EndMajor, OpenDisclosure, PublishDisclosure, PublishResponse, RecordPublication,
    ReleasePublishing, SetLine, SetPlan, SubmitResponse,
};

/// One line a function, as in the list before.
pub(super) const FUNCTIONS: &[Entry] = &[
    Entry {
        name: "set-line",
        input_schema: schema::<SetLine>,
        output: line,
        command: |v| Ok(Command::SetLine(read(v)?)),
    },
    Entry {
        name: "draft-response",
        input_schema: schema::<DraftResponse>,
        output: response,
        command: |v| Ok(Command::DraftResponse(read(v)?)),
    },
    Entry {
        name: "check-response",
        input_schema: schema::<CheckResponse>,
        output: response,
        command: |v| Ok(Command::CheckResponse(read(v)?)),
    },
    Entry {
        name: "submit-response",
        input_schema: schema::<SubmitResponse>,
        output: submitted,
        command: |v| Ok(Command::SubmitResponse(read(v)?)),
    },
    Entry {
        name: "cosign-response",
        input_schema: schema::<CosignResponse>,
        output: response,
        command: |v| Ok(Command::CosignResponse(read(v)?)),
    },
    Entry {
        name: "publish-response",
        input_schema: schema::<PublishResponse>,
        output: response,
        command: |v| Ok(Command::PublishResponse(read(v)?)),
    },
    Entry {
        name: "record-publication",
        input_schema: schema::<RecordPublication>,
        output: response,
        command: |v| Ok(Command::RecordPublication(read(v)?)),
    },
    Entry {
        name: "correct-response",
        input_schema: schema::<CorrectResponse>,
        output: response,
        command: |v| Ok(Command::CorrectResponse(read(v)?)),
    },
    Entry {
        name: "declare-major",
        input_schema: schema::<DeclareMajor>,
        output: major,
        command: |v| Ok(Command::DeclareMajor(read(v)?)),
    },
    Entry {
        name: "acknowledge-notice",
        input_schema: schema::<AcknowledgeNotice>,
        output: acknowledged,
        command: |v| Ok(Command::AcknowledgeNotice(read(v)?)),
    },
    Entry {
        name: "appoint-commander",
        input_schema: schema::<AppointCommander>,
        output: major,
        command: |v| Ok(Command::AppointCommander(read(v)?)),
    },
    Entry {
        name: "set-plan",
        input_schema: schema::<SetPlan>,
        output: line,
        command: |v| Ok(Command::SetPlan(read(v)?)),
    },
    Entry {
        name: "release-publishing",
        input_schema: schema::<ReleasePublishing>,
        output: major,
        command: |v| Ok(Command::ReleasePublishing(read(v)?)),
    },
    Entry {
        name: "end-major",
        input_schema: schema::<EndMajor>,
        output: major,
        command: |v| Ok(Command::EndMajor(read(v)?)),
    },
    Entry {
        name: "open-disclosure",
        input_schema: schema::<OpenDisclosure>,
        output: disclosure,
        command: |v| Ok(Command::OpenDisclosure(read(v)?)),
    },
    Entry {
        name: "publish-disclosure",
        input_schema: schema::<PublishDisclosure>,
        output: disclosure,
        command: |v| Ok(Command::PublishDisclosure(read(v)?)),
    },
    Entry {
        name: "check-disclosure",
        input_schema: schema::<CheckDisclosure>,
        output: disclosure,
        command: |v| Ok(Command::CheckDisclosure(read(v)?)),
    },
];

fn texts() -> Value {
    json!({ "type": "array", "items": { "type": "string" } })
}

fn pending() -> Value {
    object(&json!({
        "approval": { "type": "string" }, "hash": { "type": "string" }, "author": { "type": "string" },
    }))
}

fn line() -> Value {
    json!({
        "case": { "type": "string" },
        "version": { "type": "integer", "minimum": 1, "description": "once a second person has approved it" },
        "pending": pending(),
    })
}

fn response() -> Value {
    json!({
        "case": { "type": "string" },
        "response": { "type": "string" },
        "hash": { "type": "string", "description": "what everybody names who acts on this text" },
        "text_hash": { "type": "string", "description": "SHA-256 of the text without blanks: what a channel has to show" },
        "state": { "enum": ["draft", "submitted", "approved", "released", "partly-published", "published"] },
        "departures": { "type": "array", "items": { "type": "object" }, "description": "where it departs from the line" },
        "unsigned": { "type": "array", "items": { "type": "string" }, "description": "units that have not co-signed" },
        "missing": { "type": "array", "items": { "type": "string" }, "description": "channels that it owes still" },
        "open_concerns": texts(),
    })
}

fn submitted() -> Value {
    let mut output = response();
    output["pending"] = pending();
    output
}

fn major() -> Value {
    json!({
        "case": { "type": "string" },
        "level": level(),
        "open": { "type": "boolean" },
        "since": time(),
        "notices": { "type": "array", "items": { "type": "object" }, "description": "whom it tells, and who has read it" },
        "report_task": { "type": ["string", "null"] },
        "verification_task": { "type": "string" },
        "commander": { "type": ["string", "null"] },
    })
}

fn acknowledged() -> Value {
    json!({ "case": { "type": "string" }, "notice": { "type": "string" }, "acknowledged_at": time() })
}

fn disclosure() -> Value {
    json!({
        "disclosure": { "type": "string" },
        "unit": { "type": "string" },
        "kind": { "enum": ["public-interest", "wide-knowledge", "social-concern", "statutory"] },
        "title": { "type": "string" },
        "state": { "enum": ["owed", "overdue", "published", "checked", "wanting"] },
        "due_at": { "type": ["string", "null"], "format": "date-time" },
        "timely": { "type": ["boolean", "null"] },
    })
}
