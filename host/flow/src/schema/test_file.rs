//! The test file beside a workflow, property by property
//! (docs/reference/workflow-tests.md).

use super::shape::{Entry, Rest, Shape, may, must};
use Shape::{Any, Bool, Either, Form, List, Object, Ref, Text, Whole, Word};

/// An instant, RFC 3339.
const INSTANT: Shape = Form(r"^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}");
/// An ISO 8601 duration.
const DURATION: Shape = Form("^P");

/// The file's own properties.
pub(super) const TEST_FILE: Entry = Entry {
    name: "testFile",
    title: "Workflow tests",
    about: "Cases for one workflow: what comes in, what its calls answer, and what must come of it.",
    rest: Rest::Closed,
    properties: &[
        may("$schema", Text, "The schema of this file, for editors."),
        may("workflow", Text, "The workflow, relative to this file; `NAME.json` for `NAME.test.json` unless given."),
        may("calls", List(&Ref("stub"), 0), "What calls answer in every case, after the case's own."),
        must("cases", List(&Ref("case"), 1), "The cases."),
    ],
};

/// What a file is made of.
pub(super) const PARTS: &[Entry] = &[
    Entry {
        name: "case",
        title: "Case",
        about: "One run and what must come of it.",
        rest: Rest::Closed,
        properties: &[
            must("name", Text, "What the case shows."),
            may("input", Any, "The run's raw input; `{}` unless given."),
            may("unit", Text, "The unit on whose behalf it runs."),
            may("now", INSTANT, "When it starts; 2026-01-01T00:00:00Z unless given."),
            may("random", Whole(0, None), "Seed of the jitter; 1 unless given."),
            may("calls", List(&Ref("stub"), 0), "What its calls answer."),
            may("events", List(&Ref("arrival"), 0), "Events that arrive."),
            may("cancel", Ref("cancel"), "It is cancelled."),
            must("expect", Ref("expect"), "What must come of it."),
        ],
    },
    Entry {
        name: "stub",
        title: "Stubbed call",
        about: "What a call answers instead of being made.",
        rest: Rest::OneOf(&["slot", "function", "task", "http", "openapi", "workflow"]),
        properties: &[
            may("slot", Text, "Calls through this entry of `use.functions`."),
            may("function", Text, "Calls of this function of the catalog: `name` or `name:version`."),
            may("task", Text, "The call of this task: its name, or its JSON Pointer."),
            may("http", Ref("httpStub"), "Requests of `call: http`."),
            may("openapi", Text, "Requests of `call: openapi` for this operation."),
            may("workflow", Text, "Runs of this workflow: `namespace/name`."),
            may("with", Any, "Only calls whose arguments contain this."),
            may("answer", Ref("answer"), "What every such call answers."),
            may("answers", List(&Ref("answer"), 1), "What such calls answer, one after the other."),
            may("real", Bool, "A pure plugin is called for real."),
            may("config", Object, "Its configuration, as a binding would give it."),
        ],
    },
    Entry {
        name: "httpStub",
        title: "HTTP request",
        about: "Which requests.",
        rest: Rest::Closed,
        properties: &[
            may("method", Text, "Such as `GET`; any unless given."),
            must("uri", Text, "The URI; a `*` at its end stands for anything."),
        ],
    },
    Entry {
        name: "answer",
        title: "Answer",
        about: "An output, an error, or none at all.",
        rest: Rest::OneOf(&["output", "error", "never"]),
        properties: &[
            may("output", Any, "What the call gives."),
            may("error", Ref("problem"), "The error that it raises."),
            may("never", Bool, "It never answers."),
            may("after", DURATION, "Only after this long."),
        ],
    },
    Entry {
        name: "problem",
        title: "Error",
        about: "Problem details (RFC 7807); a standard type may be named by its last word, such as `timeout`.",
        rest: Rest::Closed,
        properties: &[
            must("type", Text, "URI of the type, or the last word of a standard one."),
            may("status", Whole(100, Some(599)), "That of the standard type unless given."),
            may("title", Text, "Short summary."),
            may("detail", Text, "What happened."),
        ],
    },
    Entry {
        name: "arrival",
        title: "Event that arrives",
        about: "A CloudEvent for the run.",
        rest: Rest::Closed,
        properties: &[
            may("after", DURATION, "This long after the start; as soon as the run listens unless given."),
            must("event", Object, "The event; `id`, `source` and `specversion` are filled in."),
        ],
    },
    Entry {
        name: "cancel",
        title: "Cancellation",
        about: "The run is cancelled.",
        rest: Rest::Closed,
        properties: &[must("after", DURATION, "This long after the start."), may("reason", Text, "Why.")],
    },
    Entry {
        name: "expect",
        title: "Expectation",
        about: "What must come of the run; what is not named is not looked at.",
        rest: Rest::Some,
        properties: &[
            may(
                "status",
                Word(&["completed", "faulted", "cancelled", "waiting"]),
                "How it ends; `completed` unless `error` is given.",
            ),
            may("output", Any, "Its output, exactly."),
            may("outputIncludes", Any, "What its output contains: objects may have more fields."),
            may("error", Object, "What its error contains; a standard type may be named by its last word."),
            may("context", Any, "What `$context` contains at the end."),
            may("path", List(&Text, 0), "The tasks that ran, in order: names, or JSON Pointers."),
            may("pathIncludes", List(&Text, 0), "Tasks that ran in this order, among others."),
            may("events", List(&Object, 0), "The events it published, in order; each contains this."),
            may("calls", List(&Ref("expectedCall"), 0), "The calls it made, in order."),
            may("elapsed", Either(&[DURATION]), "How long it took by the virtual clock."),
        ],
    },
    Entry {
        name: "expectedCall",
        title: "Expected call",
        about: "A call that was made.",
        rest: Rest::Some,
        properties: &[
            may("slot", Text, "Through this entry of `use.functions`."),
            may("function", Text, "Of this function: `name` or `name:version`."),
            may("task", Text, "By this task: its name, or its JSON Pointer."),
            may("http", Ref("httpStub"), "A request of `call: http`."),
            may("openapi", Text, "A request for this operation."),
            may("workflow", Text, "A run of this workflow."),
            may("with", Any, "Its arguments contain this."),
        ],
    },
];
