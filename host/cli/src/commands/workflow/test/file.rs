//! The test file: strict reading, so that a slip of the pen is no silent pass.
//! Its form is docs/reference/workflow-tests.md and `huiyin_flow::workflow_test_schema`.

use std::path::PathBuf;

use huiyin_flow::{Diagnostic, ErrorKind, FlowError, Severity};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ZonedDateTime};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct TestFile {
    /// For editors.
    #[serde(rename = "$schema", default)]
    _schema: Option<String>,
    #[serde(default)]
    pub(super) workflow: Option<PathBuf>,
    #[serde(default)]
    pub(super) calls: Vec<Stub>,
    pub(super) cases: Vec<Case>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    pub(super) name: String,
    #[serde(default = "nothing")]
    pub(super) input: Value,
    #[serde(default)]
    pub(super) unit: Option<String>,
    #[serde(default)]
    pub(super) now: Option<Timestamp>,
    #[serde(default)]
    pub(super) random: Option<u64>,
    #[serde(default)]
    pub(super) calls: Vec<Stub>,
    #[serde(default)]
    pub(super) events: Vec<Arrival>,
    #[serde(default)]
    pub(super) cancel: Option<Cancel>,
    pub(super) expect: Expect,
}

fn nothing() -> Value {
    Value::Object(Map::new())
}

/// Which calls; exactly one of them in a stub.
#[derive(Debug, Clone, Default)]
pub(super) struct Which {
    pub(super) slot: Option<String>,
    pub(super) function: Option<String>,
    pub(super) task: Option<String>,
    pub(super) http: Option<Http>,
    pub(super) openapi: Option<String>,
    pub(super) workflow: Option<String>,
    pub(super) with: Option<Value>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Http {
    #[serde(default)]
    pub(super) method: Option<String>,
    pub(super) uri: String,
}

/// What a call answers.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "StubText")]
pub(super) struct Stub {
    pub(super) which: Which,
    pub(super) answers: Answers,
}

#[derive(Debug, Clone)]
pub(super) enum Answers {
    /// The same every time.
    Always(Answer),
    /// One after the other.
    Each(Vec<Answer>),
    /// A pure plugin, for real.
    Real(Value),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct StubText {
    slot: Option<String>,
    function: Option<String>,
    task: Option<String>,
    http: Option<Http>,
    openapi: Option<String>,
    workflow: Option<String>,
    #[serde(default, deserialize_with = "given")]
    with: Option<Value>,
    answer: Option<Answer>,
    answers: Option<Vec<Answer>>,
    #[serde(default)]
    real: bool,
    #[serde(default)]
    config: Value,
}

impl TryFrom<StubText> for Stub {
    type Error = String;

    fn try_from(text: StubText) -> Result<Self, String> {
        let which = Which {
            slot: text.slot,
            function: text.function,
            task: text.task,
            http: text.http,
            openapi: text.openapi,
            workflow: text.workflow,
            with: text.with,
        };
        if which.named() != 1 {
            return Err("a stub has exactly one of slot, function, task, http, openapi, workflow".to_owned());
        }
        let answers = match (text.answer, text.answers, text.real) {
            (Some(answer), None, false) => Answers::Always(answer),
            (None, Some(answers), false) if !answers.is_empty() => Answers::Each(answers),
            (None, None, true) => Answers::Real(text.config),
            _ => return Err("a stub has exactly one of answer, answers (not empty), real: true".to_owned()),
        };
        Ok(Stub { which, answers })
    }
}

impl Which {
    /// How many kinds of calls it names.
    fn named(&self) -> usize {
        [self.slot.is_some(), self.function.is_some(), self.task.is_some(), self.http.is_some()]
            .into_iter()
            .chain([self.openapi.is_some(), self.workflow.is_some()])
            .filter(|named| *named)
            .count()
    }
}

/// One answer.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "AnswerText")]
pub(super) struct Answer {
    /// None: never.
    pub(super) outcome: Option<Result<Value, FlowError>>,
    pub(super) after: Option<Length>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct AnswerText {
    #[serde(default, deserialize_with = "given")]
    output: Option<Value>,
    error: Option<Problem>,
    #[serde(default)]
    never: bool,
    after: Option<Length>,
}

impl TryFrom<AnswerText> for Answer {
    type Error = String;

    fn try_from(text: AnswerText) -> Result<Self, String> {
        let outcome = match (text.output, text.error, text.never) {
            (Some(output), None, false) => Some(Ok(output)),
            (None, Some(problem), false) => Some(Err(problem.error())),
            (None, None, true) => None,
            _ => return Err("an answer has exactly one of output, error, never: true".to_owned()),
        };
        Ok(Answer { outcome, after: text.after })
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Problem {
    #[serde(rename = "type")]
    kind: String,
    status: Option<u16>,
    title: Option<String>,
    detail: Option<String>,
}

/// The standard types of errors, by their last words.
const STANDARD: [(&str, ErrorKind); 8] = [
    ("configuration", ErrorKind::Configuration),
    ("validation", ErrorKind::Validation),
    ("expression", ErrorKind::Expression),
    ("authentication", ErrorKind::Authentication),
    ("authorization", ErrorKind::Authorization),
    ("timeout", ErrorKind::Timeout),
    ("communication", ErrorKind::Communication),
    ("runtime", ErrorKind::Runtime),
];

/// The URI of an error type that may be named by the last word of a standard one.
pub(super) fn error_type(name: &str) -> &str {
    STANDARD.iter().find(|(word, _)| *word == name).map_or(name, |(_, kind)| kind.uri())
}

impl Problem {
    fn error(self) -> FlowError {
        let standard = STANDARD.iter().find(|(word, kind)| *word == self.kind || kind.uri() == self.kind);
        let status = self.status.or_else(|| standard.map(|(_, kind)| kind.status())).unwrap_or(500);
        let kind = error_type(&self.kind).to_owned();
        FlowError { kind, status, title: self.title, detail: self.detail, instance: String::new(), happened: None }
    }
}

/// A CloudEvent that arrives.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Arrival {
    #[serde(default)]
    pub(super) after: Option<Length>,
    pub(super) event: Map<String, Value>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Cancel {
    pub(super) after: Length,
    #[serde(default)]
    pub(super) reason: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Expect {
    pub(super) status: Option<Status>,
    #[serde(default, deserialize_with = "given")]
    pub(super) output: Option<Value>,
    #[serde(default, deserialize_with = "given")]
    pub(super) output_includes: Option<Value>,
    pub(super) error: Option<Map<String, Value>>,
    #[serde(default, deserialize_with = "given")]
    pub(super) context: Option<Value>,
    pub(super) path: Option<Vec<String>>,
    pub(super) path_includes: Option<Vec<String>>,
    pub(super) events: Option<Vec<Map<String, Value>>>,
    pub(super) calls: Option<Vec<ExpectedCall>>,
    pub(super) elapsed: Option<Length>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Status {
    Completed,
    Faulted,
    Cancelled,
    Waiting,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct CallText {
    slot: Option<String>,
    function: Option<String>,
    task: Option<String>,
    http: Option<Http>,
    openapi: Option<String>,
    workflow: Option<String>,
    #[serde(default, deserialize_with = "given")]
    with: Option<Value>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(from = "CallText")]
pub(super) struct ExpectedCall(pub(super) Which);

impl From<CallText> for ExpectedCall {
    fn from(text: CallText) -> Self {
        let CallText { slot, function, task, http, openapi, workflow, with } = text;
        Self(Which { slot, function, task, http, openapi, workflow, with })
    }
}

/// An ISO 8601 duration, not negative.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Length(Span);

impl TryFrom<String> for Length {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not an ISO 8601 duration such as `PT1H30M`");
        let span: Span = text.parse().map_err(|_| wrong())?;
        if span.is_negative() { Err(wrong()) } else { Ok(Self(span)) }
    }
}

impl Length {
    /// The instant this long after another.
    pub(super) fn after(self, from: Timestamp) -> Timestamp {
        let sum = ZonedDateTime::new(from, TimeZone::UTC).checked_add(self.0);
        sum.map_or(Timestamp::MAX, |at| at.timestamp())
    }
}

/// Tells `null` from nothing.
fn given<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(from).map(Some)
}

impl TestFile {
    /// Reads a test file's text; `file` names it in the error.
    pub(in super::super) fn parse(text: &str, file: &str) -> Result<Self, Diagnostic> {
        let wrong = |line: usize, column: usize, pointer: String, message: String| Diagnostic {
            severity: Severity::Error,
            pointer,
            file: file.to_owned(),
            line: line.max(1),
            column: column.max(1),
            message,
            hint: None,
        };
        let mut reader = serde_json::Deserializer::from_str(text);
        let read: Self = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            let (inner, path) = (error.inner(), pointer(error.path()));
            let words = inner.to_string();
            let what = words.rfind(" at line ").map_or(words.as_str(), |at| &words[..at]);
            wrong(inner.line(), inner.column(), path, what.to_owned())
        })?;
        reader.end().map_err(|error| wrong(error.line(), error.column(), String::new(), error.to_string()))?;
        if read.cases.is_empty() {
            return Err(wrong(1, 1, "/cases".to_owned(), "there are no cases".to_owned()));
        }
        for (at, case) in read.cases.iter().enumerate() {
            if case.expect.empty() {
                let message = format!("the case `{}` expects nothing", case.name);
                return Err(wrong(1, 1, format!("/cases/{at}/expect"), message));
            }
            if read.cases.iter().take(at).any(|other| other.name == case.name) {
                let message = format!("two cases are called `{}`", case.name);
                return Err(wrong(1, 1, format!("/cases/{at}/name"), message));
            }
        }
        Ok(read)
    }
}

impl Expect {
    fn empty(&self) -> bool {
        self.status.is_none()
            && self.output.is_none()
            && self.output_includes.is_none()
            && self.error.is_none()
            && self.context.is_none()
            && self.path.is_none()
            && self.path_includes.is_none()
            && self.events.is_none()
            && self.calls.is_none()
            && self.elapsed.is_none()
    }
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let mut out = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => out.push_str(&format!("/{index}")),
            Segment::Map { key } => out.push_str(&format!("/{}", key.replace('~', "~0").replace('/', "~1"))),
            Segment::Enum { variant } => out.push_str(&format!("/{variant}")),
            Segment::Unknown => out.push_str("/?"),
        }
    }
    out
}
