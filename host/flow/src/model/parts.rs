//! Parts that many properties share: durations, schemas, timeouts, retry policies.

use std::sync::Arc;

use jiff::{SignedDuration, Span, Timestamp, tz::TimeZone};
use serde_json::Value;

use super::DataFlow;
use super::read::{Obj, Reader, Sees};
use crate::diagnostic::did_you_mean;
use crate::expr::{Evaluator, ExprError, Program, Variables, wrapped};
use crate::source::{Data, Node};

/// Whose days, months and years count where a workflow names no zone (`document.metadata.huiyin.timezone`).
const ZONE: &str = "Asia/Shanghai";

/// How long something takes.
#[derive(Debug, Clone)]
pub(crate) struct DurationSpec {
    pub(crate) length: Length,
    /// The workflow's zone, whose days, weeks, months and years are meant.
    zone: TimeZone,
}

/// Fixed, or known when the task runs.
#[derive(Debug, Clone)]
pub(crate) enum Length {
    Fixed(Span),
    Expr(Program),
}

impl DurationSpec {
    /// The instant this long after `from`, by the calendar of the workflow's zone.
    pub(crate) fn after(
        &self,
        from: Timestamp,
        input: &Arc<Value>,
        scope: &dyn Variables,
        evaluator: &dyn Evaluator,
    ) -> Result<Timestamp, ExprError> {
        let span = match &self.length {
            Length::Fixed(span) => *span,
            Length::Expr(program) => {
                let value = program.eval(input, scope, evaluator)?;
                let text = value.as_str().ok_or_else(|| {
                    ExprError::new(format!("`{}` gave no ISO 8601 duration but {value}", program.source()))
                })?;
                iso(text).map_err(ExprError::new)?
            }
        };
        jiff::ZonedDateTime::new(from, self.zone.clone())
            .checked_add(span)
            .map(|at| at.timestamp())
            .map_err(|_| ExprError::new("the duration reaches beyond the year 9999"))
    }

    /// How long it is, counted from `from`.
    pub(crate) fn length(
        &self,
        from: Timestamp,
        input: &Arc<Value>,
        scope: &dyn Variables,
        evaluator: &dyn Evaluator,
    ) -> Result<SignedDuration, ExprError> {
        self.after(from, input, scope, evaluator).map(|at| at.duration_since(from))
    }
}

/// An ISO 8601 duration, not negative.
fn iso(text: &str) -> Result<Span, String> {
    let bad = || format!("`{text}` is not an ISO 8601 duration such as `PT1H30M`");
    if !text.starts_with('P') {
        return Err(bad());
    }
    if let Ok(span) = text.parse::<Span>() {
        return if span.is_negative() { Err(format!("`{text}` is negative")) } else { Ok(span) };
    }
    fractional(text).ok_or_else(bad)?
}

/// A duration with fractions where jiff takes none: `P0.5D`, `P1.5W`, `P0.5Y`. Half a day is twelve hours, half a
/// year six months; a fraction of a month has no length. None where it is no duration at all.
fn fractional(text: &str) -> Option<Result<Span, String>> {
    const DATE: [(char, i64); 4] = [('Y', 0), ('M', 0), ('W', 7 * 86_400), ('D', 86_400)];
    const TIME: [(char, i64); 3] = [('H', 3_600), ('M', 60), ('S', 1)];
    let rest = text.strip_prefix('P')?;
    let (date, time) = match rest.split_once('T') {
        Some((_, "")) => return None,
        Some((date, time)) => (date, time),
        None => (rest, ""),
    };
    let (mut months, mut nanoseconds) = (0_i64, 0_i128);
    let mut any = false;
    for (mut part, units) in [(date, DATE.as_slice()), (time, TIME.as_slice())] {
        for (unit, seconds) in units {
            let Some((number, after)) = part.split_once(*unit) else { continue };
            let (whole, fraction) = number.split_once(['.', ',']).unwrap_or((number, "0"));
            let digits = |text: &str| !text.is_empty() && text.len() <= 9 && text.bytes().all(|b| b.is_ascii_digit());
            if !digits(whole) || !digits(fraction) {
                return None;
            }
            let scale = 10_i64.pow(u32::try_from(fraction.len()).ok()?);
            let (whole, fraction) = (whole.parse::<i64>().ok()?, fraction.parse::<i64>().ok()?);
            if *seconds > 0 {
                let unit = i128::from(*seconds) * 1_000_000_000;
                nanoseconds += i128::from(whole) * unit + i128::from(fraction) * unit / i128::from(scale);
            } else {
                let each = if *unit == 'Y' { 12 } else { 1 };
                if fraction * each % scale != 0 {
                    return Some(Err(format!("`{text}`: a part of a month has no length of its own; give it in days")));
                }
                months += whole * each + fraction * each / scale;
            }
            any = true;
            part = after;
        }
        if !part.is_empty() {
            return None;
        }
    }
    let seconds = i64::try_from(nanoseconds / 1_000_000_000).ok()?;
    let rest = i64::try_from(nanoseconds % 1_000_000_000).ok()?;
    let span =
        Span::new().try_months(months).and_then(|s| s.try_seconds(seconds)).and_then(|s| s.try_nanoseconds(rest));
    any.then(|| span.map_err(|_| format!("`{text}` is too long")))
}

/// A compiled JSON Schema.
#[derive(Clone)]
pub(crate) struct SchemaCheck(Arc<jsonschema::Validator>);

impl std::fmt::Debug for SchemaCheck {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SchemaCheck")
    }
}

impl SchemaCheck {
    /// Compiles a schema; nothing is ever fetched for it.
    pub(crate) fn compile(schema: &Value) -> Result<Self, String> {
        jsonschema::options()
            .build(&super::pattern::spelled(schema))
            .map(|v| Self(Arc::new(v)))
            .map_err(|e| e.to_string())
    }

    /// `Err` names up to five faults with their places; values are not quoted,
    /// as they may be whole documents.
    pub(crate) fn check(&self, value: &Value) -> Result<(), String> {
        if self.0.is_valid(value) {
            return Ok(());
        }
        let faults: Vec<String> = self
            .0
            .iter_errors(value)
            .take(5)
            .map(|e| {
                let place = e.instance_path().to_string();
                let place = if place.is_empty() { "/".to_owned() } else { place };
                format!("{place}: {}", e.masked())
            })
            .collect();
        Err(faults.join("; "))
    }
}

#[derive(Debug, Clone)]
pub(crate) struct RetryPolicy {
    pub(crate) when: Option<Program>,
    pub(crate) except_when: Option<Program>,
    pub(crate) delay: Option<DurationSpec>,
    pub(crate) backoff: Backoff,
    pub(crate) attempts: Option<u64>,
    pub(crate) attempt_duration: Option<DurationSpec>,
    pub(crate) duration: Option<DurationSpec>,
    pub(crate) jitter: Option<(DurationSpec, DurationSpec)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Backoff {
    Constant,
    Linear,
    Exponential,
}

/// The zone that a workflow names. One that does not exist is told by whoever reads the extension.
pub(super) fn zone_of(root: &Value) -> TimeZone {
    let named = root.pointer("/document/metadata/huiyin/timezone").and_then(Value::as_str);
    named.and_then(|name| TimeZone::get(name).ok()).or_else(|| TimeZone::get(ZONE).ok()).unwrap_or(TimeZone::UTC)
}

impl<'r> Reader<'r> {
    pub(super) fn duration(&mut self, node: &'r Node, pointer: &str, sees: Sees) -> Option<DurationSpec> {
        match &node.data {
            Data::String(text) if wrapped(text).is_some() => {
                let length = self.expression(node, pointer, sees).map(Length::Expr)?;
                Some(DurationSpec { length, zone: self.zone.clone() })
            }
            Data::String(text) => match iso(text) {
                Ok(span) => Some(DurationSpec { length: Length::Fixed(span), zone: self.zone.clone() }),
                Err(message) => {
                    self.problems.error(pointer, node.at, message);
                    None
                }
            },
            Data::Object(_) => {
                const UNITS: [&str; 5] = ["days", "hours", "minutes", "seconds", "milliseconds"];
                let object = self.strict(node, pointer, &UNITS)?;
                if object.fields.is_empty() {
                    self.problems.error(pointer, node.at, format!("must give at least one of {}", UNITS.join(", ")));
                    return None;
                }
                let mut span = Span::new();
                for (index, unit) in UNITS.iter().enumerate() {
                    let Some(value) = object.get(unit) else { continue };
                    let below = object.below(unit);
                    let n = i64::try_from(self.whole(value, &below)?).ok();
                    let next = n.and_then(|n| match index {
                        0 => span.try_days(n).ok(),
                        1 => span.try_hours(n).ok(),
                        2 => span.try_minutes(n).ok(),
                        3 => span.try_seconds(n).ok(),
                        _ => span.try_milliseconds(n).ok(),
                    });
                    match next {
                        Some(next) => span = next,
                        None => {
                            self.problems.error(&below, value.at, "the duration is too long");
                            return None;
                        }
                    }
                }
                Some(DurationSpec { length: Length::Fixed(span), zone: self.zone.clone() })
            }
            _ => {
                self.problems.error(
                    pointer,
                    node.at,
                    format!("must be a duration (ISO 8601 text or object), but is {}", node.kind()),
                );
                None
            }
        }
    }

    /// `timeout`: inline, or the name of one of `use.timeouts`.
    pub(super) fn timeout(&mut self, object: &Obj<'r>, sees: Sees) -> Option<DurationSpec> {
        let node = object.get("timeout")?;
        let pointer = object.below("timeout");
        if let Some(name) = node.as_str() {
            let (entry, place) = self.reusable_entry(self.reusable.timeouts, "timeouts", name, node, &pointer)?;
            return self.timeout_body(entry, &place, sees);
        }
        self.timeout_body(node, &pointer, sees)
    }

    pub(super) fn timeout_body(&mut self, node: &'r Node, pointer: &str, sees: Sees) -> Option<DurationSpec> {
        let body = self.strict(node, pointer, &["after"])?;
        let after = self.required(&body, "after")?;
        self.duration(after, &body.below("after"), sees)
    }

    /// An entry of `use.<what>` by name, and its pointer.
    pub(super) fn reusable_entry(
        &mut self,
        entries: Option<super::read::Fields<'r>>,
        what: &str,
        name: &str,
        node: &Node,
        pointer: &str,
    ) -> Option<(&'r Node, String)> {
        let entries = entries.unwrap_or_default();
        if let Some(field) = entries.iter().find(|f| f.name == name) {
            return Some((&field.value, crate::source::join(&format!("/use/{what}"), name)));
        }
        let hint = did_you_mean(name, entries.iter().map(|f| f.name.as_str()));
        self.problems.error_hint(pointer, node.at, format!("`{name}` is not defined in `use.{what}`"), hint);
        None
    }

    /// `{format, document}`.
    pub(super) fn schema(&mut self, object: &Obj<'r>) -> Option<SchemaCheck> {
        let node = object.get("schema")?;
        let pointer = object.below("schema");
        let body = self.strict(node, &pointer, &["format", "document", "resource"])?;
        if let Some(format) = self.field_text(&body, "format")
            && format != "json"
            && !format.starts_with("json:")
        {
            let at = body.get("format").map_or(node.at, |n| n.at);
            self.problems.error(
                &body.below("format"),
                at,
                format!("schema format `{format}` is not supported; only `json` is"),
            );
        }
        if let Some(resource) = body.get("resource") {
            self.refused(
                &body.below("resource"),
                resource.at,
                "a schema from elsewhere",
                "write it inline as `document`",
            );
            return None;
        }
        let document = self.required(&body, "document")?;
        let place = body.below("document");
        match SchemaCheck::compile(&document.to_value()) {
            Ok(check) => Some(check),
            Err(why) => {
                self.problems.error(
                    &place,
                    document.at,
                    format!("not a usable JSON Schema: {}", super::read::clipped(&why)),
                );
                None
            }
        }
    }

    /// `input`, `output` and `export` of a task (or of the workflow: no `export`).
    pub(super) fn data_flow(&mut self, object: &Obj<'r>, input: Sees, output: Sees, export: Option<Sees>) -> DataFlow {
        let mut data = DataFlow::default();
        if let Some(node) = object.get("input")
            && let Some(body) = self.strict(node, &object.below("input"), &["schema", "from"])
        {
            data.input_schema = self.schema(&body);
            data.input_from = body.get("from").and_then(|from| self.transformation(from, &body.below("from"), input));
        }
        if let Some(node) = object.get("output")
            && let Some(body) = self.strict(node, &object.below("output"), &["schema", "as"])
        {
            data.output_schema = self.schema(&body);
            data.output_as = body.get("as").and_then(|n| self.transformation(n, &body.below("as"), output));
        }
        if let Some(sees) = export
            && let Some(node) = object.get("export")
            && let Some(body) = self.strict(node, &object.below("export"), &["schema", "as"])
        {
            data.export_schema = self.schema(&body);
            data.export_as = body.get("as").and_then(|n| self.transformation(n, &body.below("as"), sees));
        }
        data
    }

    pub(super) fn retry(&mut self, node: &'r Node, pointer: &str) -> Option<RetryPolicy> {
        if let Some(name) = node.as_str() {
            let (entry, place) = self.reusable_entry(self.reusable.retries, "retries", name, node, pointer)?;
            return self.retry_body(entry, &place);
        }
        self.retry_body(node, pointer)
    }

    pub(super) fn retry_body(&mut self, node: &'r Node, pointer: &str) -> Option<RetryPolicy> {
        let body = self.strict(node, pointer, &["when", "exceptWhen", "delay", "backoff", "limit", "jitter"])?;
        let mut policy = RetryPolicy {
            when: body.get("when").and_then(|n| self.expression(n, &body.below("when"), Sees::Task)),
            except_when: body.get("exceptWhen").and_then(|n| self.expression(n, &body.below("exceptWhen"), Sees::Task)),
            delay: body.get("delay").and_then(|n| self.duration(n, &body.below("delay"), Sees::Task)),
            backoff: Backoff::Constant,
            attempts: None,
            attempt_duration: None,
            duration: None,
            jitter: None,
        };
        if let Some(node) = body.get("backoff")
            && let Some(backoff) = self.strict(node, &body.below("backoff"), &["constant", "linear", "exponential"])
        {
            if backoff.fields.len() != 1 {
                self.problems.error(
                    &backoff.pointer,
                    backoff.at,
                    "must give exactly one of constant, linear, exponential",
                );
            }
            for field in backoff.fields {
                self.strict(&field.value, &backoff.below(&field.name), &[]);
                policy.backoff = match field.name.as_str() {
                    "linear" => Backoff::Linear,
                    "exponential" => Backoff::Exponential,
                    _ => Backoff::Constant,
                };
            }
        }
        if let Some(node) = body.get("limit")
            && let Some(limit) = self.strict(node, &body.below("limit"), &["attempt", "duration"])
        {
            policy.duration =
                limit.get("duration").and_then(|n| self.duration(n, &limit.below("duration"), Sees::Task));
            if let Some(node) = limit.get("attempt")
                && let Some(attempt) = self.strict(node, &limit.below("attempt"), &["count", "duration"])
            {
                policy.attempts = attempt.get("count").and_then(|n| self.whole(n, &attempt.below("count")));
                policy.attempt_duration =
                    attempt.get("duration").and_then(|n| self.duration(n, &attempt.below("duration"), Sees::Task));
            }
        }
        if policy.attempts.is_none() && policy.duration.is_none() {
            self.problems.warn(
                pointer,
                node.at,
                "retries without end",
                Some("give `limit.attempt.count` or `limit.duration`".to_owned()),
            );
        }
        if let Some(node) = body.get("jitter")
            && let Some(jitter) = self.strict(node, &body.below("jitter"), &["from", "to"])
        {
            let from = self.required(&jitter, "from").and_then(|n| self.duration(n, &jitter.below("from"), Sees::Task));
            let to = self.required(&jitter, "to").and_then(|n| self.duration(n, &jitter.below("to"), Sees::Task));
            policy.jitter = from.zip(to);
        }
        Some(policy)
    }
}
