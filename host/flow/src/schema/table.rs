//! The workflow document, property by property: the DSL 1.0.3 as far as the
//! house takes it. What it refuses is not here.

use super::shape::{Entry, Property, Rest, Shape, may, must};
use Shape::{
    Any, Bool, Either, Expression, Filled, Form, List, Map, NotWord, Nothing, Object, Ref, Single, Text, Whole, Word,
    Wrapped,
};

/// Semantic Versioning 2.0.
const VERSION: &str = r"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?(\+.*)?$";
/// RFC 1123, either case.
const LABEL: &str = "^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$";
/// What names a variable.
const VARIABLE: &str = "^[A-Za-z_][A-Za-z0-9_]*$";
/// Attribute names of CloudEvents.
const ATTRIBUTE: &str = "^[a-z0-9]+$";

/// Calls of the DSL's own protocols: none of them is a function's name.
const PROTOCOLS: &[&str] = &["http", "openapi", "grpc", "asyncapi", "a2a", "mcp"];
const FORMS: Shape = Word(&["raw", "content", "response"]);
const TASKS: Shape = Ref("tasks");
const TRANSFORMATION: Shape = Either(&[Expression, Object]);

/// The document's own properties.
pub(super) const WORKFLOW: Entry = Entry {
    name: "workflow",
    title: "Workflow",
    about: "A workflow of the Open Workflow DSL 1.0.3, as Huiyin runs it.",
    rest: Rest::Closed,
    properties: &[
        must("document", Ref("document"), "What the workflow says about itself."),
        may("input", Ref("input"), "What the workflow takes, and how it is transformed first."),
        may("use", Ref("use"), "What its tasks share."),
        must("do", TASKS, "What it does, task by task."),
        may("timeout", Ref("timeout"), "How long a run may take."),
        may("output", Ref("output"), "What it gives."),
        may("schedule", Ref("schedule"), "When runs start by themselves."),
        may("evaluate", Ref("evaluate"), "How expressions are read."),
    ],
};

/// Properties of every task.
pub(super) const BASE: &[Property] = &[
    may("if", Expression, "The task is skipped where this does not hold."),
    may("input", Ref("input"), "Checks and transforms what comes in."),
    may("output", Ref("output"), "Transforms and checks what goes out."),
    may("export", Ref("export"), "Puts something into `$context`."),
    may("timeout", Ref("timeout"), "How long the task may take; then it raises `timeout` (408)."),
    may("then", Ref("then"), "Where the flow goes afterwards: `continue`, `exit`, `end`, or a task of the same list."),
    may("metadata", Object, "Free remarks; nothing reads them."),
];

/// The kinds of tasks: their own properties beside [`BASE`].
pub(super) const TASK_KINDS: &[Entry] = &[
    Entry {
        name: "callFunction",
        title: "Call a function",
        about: "Calls a plugin or a core function: `name:version@default`, or one of `use.functions`.",
        rest: Rest::Closed,
        properties: &[
            must("call", NotWord(PROTOCOLS), "`name:version@default`, or the name of one of `use.functions`."),
            may("with", Object, "Its arguments; without them it gets the task's input."),
        ],
    },
    Entry {
        name: "callHttp",
        title: "Call over HTTP",
        about: "Sends an HTTP request, under the grant of the workflow.",
        rest: Rest::Closed,
        properties: &[must("call", Word(&["http"]), "HTTP."), must("with", Ref("httpArguments"), "What is asked for.")],
    },
    Entry {
        name: "callOpenapi",
        title: "Call an OpenAPI operation",
        about: "Calls an operation of an OpenAPI document, under the grant of the workflow.",
        rest: Rest::Closed,
        properties: &[
            must("call", Word(&["openapi"]), "OpenAPI."),
            must("with", Ref("openapiArguments"), "Which operation, with what."),
        ],
    },
    Entry {
        name: "do",
        title: "Do",
        about: "Does a list of tasks, one after the other.",
        rest: Rest::Closed,
        properties: &[must("do", TASKS, "The tasks.")],
    },
    Entry {
        name: "emit",
        title: "Emit",
        about: "Publishes an event.",
        rest: Rest::Closed,
        properties: &[must("emit", Ref("emission"), "The event.")],
    },
    Entry {
        name: "for",
        title: "For",
        about: "Does a list of tasks for each item of a list.",
        rest: Rest::Closed,
        properties: &[
            must("for", Ref("rounds"), "The items and their names."),
            may("while", Expression, "Asked before each round; where it does not hold, the rounds end."),
            must("do", TASKS, "The tasks of a round."),
        ],
    },
    Entry {
        name: "fork",
        title: "Fork",
        about: "Does several tasks at the same time.",
        rest: Rest::Closed,
        properties: &[must("fork", Ref("branches"), "The branches.")],
    },
    Entry {
        name: "listen",
        title: "Listen",
        about: "Waits for events.",
        rest: Rest::Closed,
        properties: &[
            must("listen", Ref("listening"), "Which events."),
            may("foreach", Ref("eachEvent"), "What is done for each event that comes."),
        ],
    },
    Entry {
        name: "raise",
        title: "Raise",
        about: "Raises an error.",
        rest: Rest::Closed,
        properties: &[must("raise", Ref("raising"), "The error.")],
    },
    Entry {
        name: "run",
        title: "Run",
        about: "Runs another workflow.",
        rest: Rest::Closed,
        properties: &[must("run", Ref("running"), "Which workflow.")],
    },
    Entry {
        name: "set",
        title: "Set",
        about: "Makes the output of literals and expressions.",
        rest: Rest::Closed,
        properties: &[must("set", Either(&[Filled, Expression]), "An object, or an expression.")],
    },
    Entry {
        name: "switch",
        title: "Switch",
        about: "Goes on with the first case whose condition holds.",
        rest: Rest::Closed,
        properties: &[must(
            "switch",
            List(&Single(&Ref("case")), 1),
            "The cases, in the order in which they are asked.",
        )],
    },
    Entry {
        name: "try",
        title: "Try",
        about: "Does tasks, and something about the errors they raise.",
        rest: Rest::Closed,
        properties: &[must("try", TASKS, "The tasks."), must("catch", Ref("catch"), "What is done about an error.")],
    },
    Entry {
        name: "wait",
        title: "Wait",
        about: "Lets time pass.",
        rest: Rest::Closed,
        properties: &[must("wait", Ref("duration"), "How long.")],
    },
];

/// Everything that the document and the tasks are made of.
pub(super) const PARTS: &[Entry] = &[
    Entry {
        name: "document",
        title: "Document",
        about: "What the workflow says about itself.",
        rest: Rest::Closed,
        properties: &[
            must("dsl", Form(r"^1\."), "Version of the DSL: `1.0.3`."),
            must("namespace", Form(LABEL), "Groups workflows; letters, digits and `-`."),
            must("name", Form(LABEL), "The workflow's name; letters, digits and `-`."),
            must("version", Form(VERSION), "Semantic version; raised with every change."),
            may("title", Text, "What people call it."),
            may("summary", Text, "What it is for, in Markdown."),
            may("tags", Object, "Free tags."),
            may("metadata", Ref("metadata"), "Free remarks; `huiyin` is ours."),
        ],
    },
    Entry {
        name: "metadata",
        title: "Metadata",
        about: "Free remarks; `huiyin` is what Huiyin adds to the DSL.",
        rest: Rest::Open,
        properties: &[may("huiyin", Ref("huiyin"), "What Huiyin adds to the DSL.")],
    },
    Entry {
        name: "huiyin",
        title: "Huiyin's own settings",
        about: "What the DSL lacks.",
        rest: Rest::Open,
        properties: &[
            may("unit", Text, "The unit that the workflow is meant for."),
            may(
                "timezone",
                Text,
                "IANA name of the zone in which `schedule.cron` is read; `Asia/Shanghai` unless told.",
            ),
            may("overlap", Any, "What happens when a run is due while the last one still runs."),
            may("catchUp", Any, "What happens to times that were missed while the host was down."),
            may("jitter", Any, "A random delay after each time, so that not everything starts at once."),
            may("slots", Object, "Remarks about the functions that units may rebind."),
            may("description", Any, "Free text for people."),
            may("title", Any, "Titles for people, by language."),
            may("labels", Any, "Free labels."),
        ],
    },
    Entry {
        name: "input",
        title: "Input",
        about: "Checks what comes in, then transforms it.",
        rest: Rest::Closed,
        properties: &[
            may("schema", Ref("schema"), "What the raw input must fit."),
            may("from", TRANSFORMATION, "What is made of it."),
        ],
    },
    Entry {
        name: "output",
        title: "Output",
        about: "Transforms what goes out, then checks it.",
        rest: Rest::Closed,
        properties: &[
            may("schema", Ref("schema"), "What the output must fit."),
            may("as", TRANSFORMATION, "What is made of the raw output."),
        ],
    },
    Entry {
        name: "export",
        title: "Export",
        about: "What becomes `$context`.",
        rest: Rest::Closed,
        properties: &[
            may("schema", Ref("schema"), "What the new context must fit."),
            may("as", TRANSFORMATION, "The new context."),
        ],
    },
    Entry {
        name: "schema",
        title: "Schema",
        about: "A JSON Schema, inline; nothing is ever fetched.",
        rest: Rest::Closed,
        properties: &[may("format", Form("^json(:.*)?$"), "`json`."), must("document", Any, "The JSON Schema.")],
    },
    Entry {
        name: "timeout",
        title: "Timeout",
        about: "How long something may take: inline, or the name of one of `use.timeouts`.",
        rest: Rest::Alternatives(&[Text, Ref("timeoutBody")]),
        properties: &[],
    },
    Entry {
        name: "timeoutBody",
        title: "Timeout",
        about: "How long something may take.",
        rest: Rest::Closed,
        properties: &[must("after", Ref("duration"), "This long.")],
    },
    Entry {
        name: "duration",
        title: "Duration",
        about: "ISO 8601 (`PT1H30M`), an object, or an expression that gives ISO 8601.",
        rest: Rest::Alternatives(&[Form(r"^P|^\s*\$\{[\s\S]*\}\s*$"), Ref("durationParts")]),
        properties: &[],
    },
    Entry {
        name: "durationParts",
        title: "Duration",
        about: "A duration by its parts, which add up.",
        rest: Rest::Some,
        properties: &[
            may("days", Whole(0, None), "Days of 24 hours."),
            may("hours", Whole(0, None), "Hours."),
            may("minutes", Whole(0, None), "Minutes."),
            may("seconds", Whole(0, None), "Seconds."),
            may("milliseconds", Whole(0, None), "Milliseconds."),
        ],
    },
    Entry {
        name: "then",
        title: "Then",
        about: "Where the flow goes: on, out of the list, to the end of the run, or to a task of the same list.",
        rest: Rest::Alternatives(&[Text]),
        properties: &[],
    },
    Entry {
        name: "use",
        title: "Use",
        about: "What the tasks share.",
        rest: Rest::Closed,
        properties: &[
            may("authentications", Map(&Ref("scheme")), "Who asks, by name."),
            may("errors", Map(&Ref("error")), "Errors to raise, by name."),
            may("extensions", List(&Single(&Ref("extension")), 0), "Tasks before and after other tasks."),
            may("functions", Map(&Ref("slot")), "Slots: what a unit may rebind, by name."),
            may("retries", Map(&Ref("retry")), "Retry policies, by name."),
            may("secrets", List(&Text, 0), "Names of the secrets it uses, as `$secrets.<name>`."),
            may("timeouts", Map(&Ref("timeoutBody")), "Timeouts, by name."),
        ],
    },
    Entry {
        name: "slot",
        title: "Slot",
        about: "Exactly one call of the default catalog, which a unit may rebind.",
        rest: Rest::Closed,
        properties: &[
            must("call", NotWord(PROTOCOLS), "`name:version@default`."),
            may("with", Object, "Its arguments; `.` in them is what the caller gives."),
            may("input", Ref("schemaOnly"), "What callers must give."),
            may("output", Ref("schemaOnly"), "What it must give."),
            may("metadata", Object, "Free remarks, such as `kind` and `title`."),
        ],
    },
    Entry {
        name: "schemaOnly",
        title: "Schema",
        about: "What a value must fit.",
        rest: Rest::Closed,
        properties: &[may("schema", Ref("schema"), "The schema.")],
    },
    Entry {
        name: "extension",
        title: "Extension",
        about: "Tasks before and after every task of a kind.",
        rest: Rest::Closed,
        properties: &[
            must(
                "extend",
                Word(&[
                    "all",
                    "call",
                    "composite",
                    "do",
                    "emit",
                    "for",
                    "fork",
                    "listen",
                    "raise",
                    "run",
                    "set",
                    "switch",
                    "try",
                    "wait",
                ]),
                "The kind of task.",
            ),
            may("when", Expression, "Only where this holds."),
            may("before", TASKS, "Done before."),
            may("after", TASKS, "Done after."),
        ],
    },
    Entry {
        name: "error",
        title: "Error",
        about: "Problem details (RFC 7807).",
        rest: Rest::Closed,
        properties: &[
            must("type", Text, "URI of the type."),
            must("status", Either(&[Whole(100, Some(599)), Wrapped]), "Like an HTTP status."),
            may("title", Text, "Short summary."),
            may("detail", Text, "What happened here."),
            may("instance", Text, "Where; the task's pointer unless given."),
        ],
    },
    Entry {
        name: "raising",
        title: "Raise",
        about: "The error to raise.",
        rest: Rest::Closed,
        properties: &[must("error", Either(&[Text, Ref("error")]), "Inline, or the name of one of `use.errors`.")],
    },
    Entry {
        name: "retry",
        title: "Retry policy",
        about: "Whether and when something is tried again.",
        rest: Rest::Closed,
        properties: &[
            may("when", Expression, "Only where this holds."),
            may("exceptWhen", Expression, "Not where this holds."),
            may("delay", Ref("duration"), "Wait this long first."),
            may("backoff", Ref("backoff"), "How the delay grows."),
            may("limit", Ref("limit"), "When to give up."),
            may("jitter", Ref("jitter"), "Added to the delay, at random."),
        ],
    },
    Entry {
        name: "backoff",
        title: "Backoff",
        about: "How the delay grows from attempt to attempt.",
        rest: Rest::OneOf(&["constant", "linear", "exponential"]),
        properties: &[
            may("constant", Nothing, "It does not."),
            may("linear", Nothing, "Delay × n."),
            may("exponential", Nothing, "Delay × 2ⁿ⁻¹."),
        ],
    },
    Entry {
        name: "limit",
        title: "Limit",
        about: "When to give up.",
        rest: Rest::Closed,
        properties: &[
            may("attempt", Ref("attemptLimit"), "Limits of attempts."),
            may("duration", Ref("duration"), "No attempt starts later than this."),
        ],
    },
    Entry {
        name: "attemptLimit",
        title: "Limit of attempts",
        about: "How many attempts, and how long each.",
        rest: Rest::Closed,
        properties: &[
            may("count", Whole(0, None), "Attempts after the first."),
            may("duration", Ref("duration"), "How long one attempt may take."),
        ],
    },
    Entry {
        name: "jitter",
        title: "Jitter",
        about: "A random time between the two.",
        rest: Rest::Closed,
        properties: &[must("from", Ref("duration"), "At least."), must("to", Ref("duration"), "At most.")],
    },
    Entry {
        name: "catch",
        title: "Catch",
        about: "What is done about an error.",
        rest: Rest::Closed,
        properties: &[
            may("errors", Ref("errorsFilter"), "Which errors; all unless given."),
            may("as", Form(VARIABLE), "The variable that holds the error; `error` unless given."),
            may("when", Expression, "Only where this holds."),
            may("exceptWhen", Expression, "Not where this holds."),
            may("retry", Either(&[Text, Ref("retry")]), "Tries again: inline, or the name of one of `use.retries`."),
            may("do", TASKS, "What is done when it is not tried again."),
        ],
    },
    Entry {
        name: "errorsFilter",
        title: "Which errors",
        about: "Properties that an error must have.",
        rest: Rest::Closed,
        properties: &[may("with", Ref("errorFilter"), "The properties.")],
    },
    Entry {
        name: "errorFilter",
        title: "Error filter",
        about: "Literal properties of an error.",
        rest: Rest::Some,
        properties: &[
            may("type", Text, "URI of the type."),
            may("status", Whole(0, None), "Its status."),
            may("instance", Text, "Pointer of the task that raised it."),
            may("title", Text, "Its title."),
            may("detail", Text, "Its detail."),
            may("details", Text, "Its detail, as older documents call it."),
        ],
    },
    Entry {
        name: "case",
        title: "Case",
        about: "One case of a switch.",
        rest: Rest::Closed,
        properties: &[
            may("when", Expression, "Its condition; without one it always holds."),
            must("then", Ref("then"), "Where the flow goes."),
        ],
    },
    Entry {
        name: "rounds",
        title: "Rounds",
        about: "The items and the names of the variables.",
        rest: Rest::Closed,
        properties: &[
            may("each", Form(VARIABLE), "The item's variable; `item` unless given."),
            must("in", Either(&[Expression, List(&Any, 0)]), "The list."),
            may("at", Form(VARIABLE), "The index's variable; `index` unless given."),
        ],
    },
    Entry {
        name: "branches",
        title: "Branches",
        about: "Tasks that are done at the same time.",
        rest: Rest::Closed,
        properties: &[
            must("branches", TASKS, "One task a branch."),
            may("compete", Bool, "The first to be done wins, and the others are given up."),
        ],
    },
    Entry {
        name: "emission",
        title: "Emission",
        about: "What is published.",
        rest: Rest::Closed,
        properties: &[must("event", Ref("emitted"), "The event.")],
    },
    Entry {
        name: "emitted",
        title: "Event",
        about: "A CloudEvent.",
        rest: Rest::Closed,
        properties: &[must("with", Ref("eventProperties"), "Its attributes and data.")],
    },
    Entry {
        name: "eventProperties",
        title: "Event",
        about: "Attributes of a CloudEvent, each literal or an expression; `id`, `time` and `specversion` are filled in.",
        rest: Rest::Names(ATTRIBUTE),
        properties: &[
            may("source", Any, "URI of where it comes from."),
            must("type", Any, "Such as `org.example.happened.v1`."),
            may("data", Any, "What it carries."),
        ],
    },
    Entry {
        name: "listening",
        title: "Listen",
        about: "Which events are waited for.",
        rest: Rest::Closed,
        properties: &[
            must("to", Ref("strategy"), "One, any, or all of some events."),
            may("read", Word(&["data", "envelope", "raw"]), "What of each event is kept; `data` unless given."),
        ],
    },
    Entry {
        name: "strategy",
        title: "Events",
        about: "One event, any of several, or all of several.",
        rest: Rest::OneOf(&["one", "any", "all"]),
        properties: &[
            may("one", Ref("filter"), "This event."),
            may("any", List(&Ref("filter"), 0), "Any of these; an empty list takes every event."),
            may("all", List(&Ref("filter"), 1), "One of each of these."),
            may("until", Either(&[Expression, Ref("strategy")]), "Goes on taking `any` until this."),
        ],
    },
    Entry {
        name: "filter",
        title: "Event filter",
        about: "What an event must be.",
        rest: Rest::Closed,
        properties: &[
            must("with", Ref("attributes"), "Its attributes: literal, or an expression on the attribute."),
            may("correlate", Map(&Ref("correlation")), "What ties it to the run."),
        ],
    },
    Entry {
        name: "attributes",
        title: "Attributes",
        about: "Attributes by name; at least one.",
        rest: Rest::Alternatives(&[Ref("attributeMap")]),
        properties: &[],
    },
    Entry {
        name: "correlation",
        title: "Correlation",
        about: "A value of the event that must be an expected one.",
        rest: Rest::Closed,
        properties: &[
            must("from", Expression, "The value of the event."),
            may("expect", Text, "What it must be; literal or an expression."),
        ],
    },
    Entry {
        name: "eachEvent",
        title: "For each event",
        about: "What is done for each event.",
        rest: Rest::Closed,
        properties: &[
            may("item", Form(VARIABLE), "The event's variable; `item` unless given."),
            may("at", Form(VARIABLE), "The index's variable; `index` unless given."),
            may("do", TASKS, "The tasks."),
            may("output", Ref("output"), "What each gives."),
            may("export", Ref("export"), "What each puts into `$context`."),
        ],
    },
    Entry {
        name: "running",
        title: "Run",
        about: "Another workflow.",
        rest: Rest::Closed,
        properties: &[
            must("workflow", Ref("workflowRef"), "Which."),
            may("await", Bool, "Waits for its end; true unless given."),
            may(
                "return",
                Word(&["stdout", "stderr", "code", "all", "none"]),
                "Of processes; a workflow gives its output.",
            ),
        ],
    },
    Entry {
        name: "workflowRef",
        title: "Workflow",
        about: "A workflow by its document.",
        rest: Rest::Closed,
        properties: &[
            must("namespace", Text, "Its namespace."),
            must("name", Text, "Its name."),
            may("version", Text, "Its version; `latest` unless given."),
            may("input", Any, "Its input."),
        ],
    },
    Entry {
        name: "httpArguments",
        title: "HTTP request",
        about: "What is asked for.",
        rest: Rest::Closed,
        properties: &[
            must("method", Text, "Such as `GET`."),
            must("endpoint", Ref("endpoint"), "Where."),
            may("headers", Either(&[Object, Wrapped]), "Headers by name."),
            may("query", Either(&[Object, Wrapped]), "Query parameters by name."),
            may("body", Any, "The body: a text as it is, all else as JSON."),
            may("output", FORMS, "What of the answer is the result; `content` unless given."),
            may("redirect", Bool, "Follows redirects; else 300 to 399 is an error."),
        ],
    },
    Entry {
        name: "openapiArguments",
        title: "OpenAPI operation",
        about: "Which operation, with what.",
        rest: Rest::Closed,
        properties: &[
            must("document", Ref("resource"), "The OpenAPI document."),
            must("operationId", Text, "The operation."),
            may("parameters", Either(&[Object, Wrapped]), "Its parameters by name."),
            may("authentication", Ref("authentication"), "Who asks."),
            may("output", FORMS, "What of the answer is the result; `content` unless given."),
            may("redirect", Bool, "Follows redirects; else 300 to 399 is an error."),
        ],
    },
    Entry {
        name: "resource",
        title: "Resource",
        about: "Something elsewhere.",
        rest: Rest::Closed,
        properties: &[may("name", Text, "Its name."), must("endpoint", Ref("endpoint"), "Where it is.")],
    },
    Entry {
        name: "endpoint",
        title: "Endpoint",
        about: "A URI, a URI template, an expression; or an object that also says who asks.",
        rest: Rest::Alternatives(&[Text, Ref("endpointBody")]),
        properties: &[],
    },
    Entry {
        name: "endpointBody",
        title: "Endpoint",
        about: "Where, and who asks.",
        rest: Rest::Closed,
        properties: &[must("uri", Text, "Where."), may("authentication", Ref("authentication"), "Who asks.")],
    },
    Entry {
        name: "authentication",
        title: "Authentication",
        about: "Who asks: the name of one of `use.authentications`, or inline.",
        rest: Rest::Alternatives(&[Ref("authenticationUse"), Ref("scheme")]),
        properties: &[],
    },
    Entry {
        name: "authenticationUse",
        title: "Authentication",
        about: "One of `use.authentications`.",
        rest: Rest::Closed,
        properties: &[must("use", Text, "Its name.")],
    },
    Entry {
        name: "scheme",
        title: "Authentication",
        about: "Who asks, and how that is shown.",
        rest: Rest::OneOf(&["basic", "bearer", "digest", "oauth2", "oidc"]),
        properties: &[
            may("basic", Object, "`username` and `password`, or `use`: a secret that holds them (RFC 7617)."),
            may("bearer", Object, "`token`, or `use`: a secret that holds it (RFC 6750)."),
            may("digest", Object, "`username` and `password`, or `use`: a secret that holds them (RFC 7616)."),
            may("oauth2", Object, "`authority`, `grant`, `client`, …, or `use` (RFC 6749)."),
            may("oidc", Object, "`authority`, `grant`, `client`, …, or `use` (OpenID Connect)."),
        ],
    },
    Entry {
        name: "schedule",
        title: "Schedule",
        about: "When runs start by themselves.",
        rest: Rest::OneOf(&["every", "cron", "after", "on"]),
        properties: &[
            may("every", Ref("duration"), "At every such interval."),
            may("cron", Text, "A cron expression."),
            may("after", Ref("duration"), "This long after the last run ended."),
            may("on", Ref("strategy"), "When these events arrive."),
            may("read", Word(&["data", "envelope", "raw"]), "What of each event is the input."),
        ],
    },
    Entry {
        name: "evaluate",
        title: "Evaluate",
        about: "How expressions are read.",
        rest: Rest::Closed,
        properties: &[
            may("language", Word(&["jq"]), "`jq`."),
            may("mode", Word(&["strict", "loose"]), "`strict` unless given: only `${ … }` is an expression."),
        ],
    },
];
