//! Places of services: URI templates, of RFC 6570 the Simple String Expansion
//! (dsl-reference.md, "URI Template"), or an expression that gives the whole
//! text. Must never expand a template that came in with data.

use std::sync::Arc;

use serde_json::Value;

use super::read::{Reader, Sees};
use crate::error::{ErrorKind, FlowError};
use crate::expr::{Evaluator, Program, Variables, wrapped};
use crate::source::Node;

/// A URI, known or to be computed.
#[derive(Debug, Clone)]
pub(crate) enum UriSpec {
    /// Text with `{name}` in it.
    Template(Vec<Part>),
    /// An expression that gives the text.
    Expr(Program),
}

#[derive(Debug, Clone)]
pub(crate) enum Part {
    Text(String),
    /// A property of the input, its name verbatim.
    Variable(String),
}

/// Whether a URI must stand by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// `http` or `https`, with a host.
    Absolute,
    /// Also a path of something else.
    Any,
}

impl UriSpec {
    /// The text, its variables put in: those that are not there are empty.
    pub(crate) fn eval(
        &self,
        input: &Arc<Value>,
        scope: &dyn Variables,
        evaluator: &dyn Evaluator,
    ) -> Result<String, FlowError> {
        let parts = match self {
            Self::Template(parts) => parts,
            Self::Expr(program) => {
                let value = program
                    .eval(input, scope, evaluator)
                    .map_err(|e| FlowError::new(ErrorKind::Expression, e.message))?;
                return value.as_str().map(str::to_owned).ok_or_else(|| {
                    FlowError::new(
                        ErrorKind::Expression,
                        format!("`{}` must give the text of a URI, but gave {value}", program.source()),
                    )
                });
            }
        };
        let mut text = String::new();
        for part in parts {
            match part {
                Part::Text(literal) => text.push_str(literal),
                Part::Variable(name) => match input.get(name) {
                    None | Some(Value::Null) => {}
                    Some(Value::String(value)) => encode(value, &mut text),
                    Some(value @ (Value::Number(_) | Value::Bool(_))) => encode(&value.to_string(), &mut text),
                    Some(_) => {
                        return Err(FlowError::new(
                            ErrorKind::Expression,
                            format!("`{{{name}}}` in a URI must be a text, a number, a boolean or null"),
                        ));
                    }
                },
            }
        }
        Ok(text)
    }

    /// The text, if nothing in it is computed.
    pub(crate) fn literal(&self) -> Option<&str> {
        match self {
            Self::Template(parts) => match parts.as_slice() {
                [Part::Text(text)] => Some(text),
                _ => None,
            },
            Self::Expr(_) => None,
        }
    }
}

/// Everything but the unreserved characters of RFC 3986 in percents.
fn encode(value: &str, into: &mut String) {
    use std::fmt::Write;
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            into.push(char::from(byte));
        } else {
            // Writing to a text cannot fail.
            let _ = write!(into, "%{byte:02X}");
        }
    }
}

/// Whether a text is an absolute `http` or `https` URI; else why not. The
/// egress code judges the rest: this only tells a slip of the pen early.
pub(crate) fn absolute(uri: &str) -> Result<(), String> {
    let rest = ["https://", "http://"]
        .iter()
        .find_map(|scheme| uri.get(..scheme.len()).filter(|s| s.eq_ignore_ascii_case(scheme)).map(|s| &uri[s.len()..]))
        .ok_or_else(|| format!("`{}` is not an absolute `http` or `https` URI", super::read::clipped(uri)))?;
    if rest.split(['/', '?', '#']).next().is_none_or(str::is_empty) {
        return Err(format!("`{}` names no host", super::read::clipped(uri)));
    }
    if uri.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(format!("`{}` holds white space", super::read::clipped(uri).escape_debug()));
    }
    Ok(())
}

/// Splits a template; `Err` says what is wrong with it.
fn split(text: &str) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, after)) = after.split_once('}') else {
            return Err(format!("`{}` has a `{{` without its `}}`", super::read::clipped(text)));
        };
        if name.is_empty() || name.contains('{') {
            return Err(format!(
                "`{}` names no variable in its braces; write `{{name}}`, or the whole as `${{ … }}`",
                super::read::clipped(text)
            ));
        }
        simple(name).map_err(|why| format!("`{{{name}}}` in `{}`: {why}", super::read::clipped(text)))?;
        if !before.is_empty() {
            parts.push(Part::Text(before.to_owned()));
        }
        parts.push(Part::Variable(name.to_owned()));
        rest = after;
    }
    if rest.contains('}') {
        return Err(format!("`{}` has a `}}` without its `{{`", super::read::clipped(text)));
    }
    if !rest.is_empty() || parts.is_empty() {
        parts.push(Part::Text(rest.to_owned()));
    }
    Ok(parts)
}

/// Whether an expression of a template is one of RFC 6570's level 1, the simple string expansion of one
/// variable, which is all that the DSL has; else which operator or modifier it has beyond.
fn simple(name: &str) -> Result<(), String> {
    const OPERATORS: [(char, &str); 7] = [
        ('+', "reserved expansion"),
        ('#', "fragment expansion"),
        ('.', "label expansion"),
        ('/', "path segments"),
        (';', "path-style parameters"),
        ('?', "form-style query"),
        ('&', "form-style query continuation"),
    ];
    let hint = "write `{name}` for each, or the whole URI as `${ … }`";
    if let Some((operator, what)) = OPERATORS.iter().find(|(operator, _)| name.starts_with(*operator)) {
        return Err(format!("the operator `{operator}` of RFC 6570 ({what}) is not supported; {hint}"));
    }
    if let Some(reserved) = name.chars().next().filter(|c| "=,!@|".contains(*c)) {
        return Err(format!("the operator `{reserved}` is reserved by RFC 6570; {hint}"));
    }
    if name.contains(',') {
        return Err(format!("a list of variables (RFC 6570, level 3) is not supported; {hint}"));
    }
    if let Some((variable, length)) = name.split_once(':')
        && !variable.is_empty()
        && !length.is_empty()
        && length.bytes().all(|b| b.is_ascii_digit())
    {
        return Err(format!("the prefix modifier `:{length}` (RFC 6570, level 4) is not supported; {hint}"));
    }
    if name.ends_with('*') {
        return Err(format!("the explode modifier `*` (RFC 6570, level 4) is not supported; {hint}"));
    }
    Ok(())
}

impl<'r> Reader<'r> {
    /// A URI template, or an expression that gives a URI.
    pub(super) fn uri(&mut self, node: &'r Node, pointer: &str, form: Form) -> Option<UriSpec> {
        let text = self.text(node, pointer)?;
        if wrapped(text).is_some() {
            return self.expression(node, pointer, Sees::Task).map(UriSpec::Expr);
        }
        let parts = match split(text) {
            Ok(parts) => parts,
            Err(message) => {
                self.problems.error(pointer, node.at, message);
                return None;
            }
        };
        if form == Form::Absolute
            && let Some(Part::Text(first)) = parts.first()
        {
            // Where a variable follows, it may be the host.
            let known = if parts.len() == 1 || first.contains("://") && !first.ends_with("://") {
                absolute(first)
            } else {
                absolute(&format!("{first}x"))
            };
            if let Err(message) = known {
                let hint = "write it in full: `https://host/path`";
                self.problems.error_hint(pointer, node.at, message, Some(hint.to_owned()));
                return None;
            }
        }
        Some(UriSpec::Template(parts))
    }
}
