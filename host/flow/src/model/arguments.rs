//! `with` against a function's input schema, as far as it is written out: all
//! of it where nothing is computed, else each part that stands there, however
//! deep, and the keys of every object.

use serde_json::{Map, Value, json};

use super::FunctionInfo;
use super::parts::SchemaCheck;
use super::read::Reader;
use crate::diagnostic::{Pos, did_you_mean};
use crate::expr::Template;
use crate::source::join;

/// The most references of a schema that are followed one after the other.
const MAX_REFERENCES: usize = 16;

/// The part of a schema that an object or a list of the arguments has to fit.
enum Part<'s> {
    /// This one.
    Schema(&'s Map<String, Value>),
    /// None: it is to be something else, which is named.
    Other(String),
    /// Several, or none that says anything: it is held against the schema when it is computed.
    Open,
}

impl Reader<'_> {
    /// The arguments of a call.
    pub(super) fn check_arguments(&mut self, with: &Template, info: &FunctionInfo, pointer: &str, at: Pos, call: &str) {
        let Some(schema) = &info.input_schema else { return };
        if let Some(value) = with.literal() {
            if let Some(why) = misfit(schema, schema, value) {
                self.problems.error(pointer, at, format!("`with` does not fit the input of `{call}`: {why}"));
            }
            return;
        }
        Arguments { reader: self, schema, at, call }.part(with, schema, "with", pointer);
    }
}

struct Arguments<'a, 'r> {
    reader: &'a mut Reader<'r>,
    /// The whole schema, for what it refers to.
    schema: &'a Value,
    at: Pos,
    call: &'a str,
}

impl Arguments<'_, '_> {
    fn part(&mut self, part: &Template, schema: &Value, name: &str, pointer: &str) {
        let call = self.call;
        let kind = match part {
            Template::Expr(_) => return,
            Template::Literal(value) => {
                if let Some(why) = misfit(self.schema, schema, value) {
                    let message = format!("`{name}` does not fit the input of `{call}`: {why}");
                    self.reader.problems.error(pointer, self.at, message);
                }
                return;
            }
            Template::Object(_) => "object",
            Template::Array(_) => "array",
        };
        let schema = match resolve(self.schema, schema, kind, MAX_REFERENCES) {
            Part::Schema(schema) => schema,
            Part::Open => return,
            Part::Other(wanted) => {
                let is = if kind == "object" { "an object" } else { "a list" };
                let message = format!("`{name}` does not fit the input of `{call}`: it is {is}, and must be {wanted}");
                self.reader.problems.error(pointer, self.at, message);
                return;
            }
        };
        match part {
            Template::Object(fields) => self.fields(fields, schema, pointer),
            Template::Array(items) => {
                let Some(schema) = schema.get("items") else { return };
                for (i, item) in items.iter().enumerate() {
                    self.part(item, schema, &format!("{name}/{i}"), &join(pointer, &i.to_string()));
                }
            }
            Template::Expr(_) | Template::Literal(_) => {}
        }
    }

    fn fields(&mut self, fields: &[(String, Template)], schema: &Map<String, Value>, pointer: &str) {
        let (at, call) = (self.at, self.call);
        let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
        for required in required.filter_map(Value::as_str) {
            if fields.iter().all(|(name, _)| name != required) {
                self.reader.problems.error(pointer, at, format!("`{call}` needs `{required}`"));
            }
        }
        let known = schema.get("properties").and_then(Value::as_object);
        let closed = schema.get("additionalProperties") == Some(&Value::Bool(false));
        for (name, field) in fields {
            match known.and_then(|known| known.get(name)) {
                Some(schema) => self.part(field, schema, name, &join(pointer, name)),
                None if closed => {
                    let known = known.into_iter().flatten().map(|(name, _)| name.as_str());
                    let hint = did_you_mean(name, known);
                    let message = format!("`{call}` takes no `{name}`");
                    self.reader.problems.error_hint(&join(pointer, name), at, message, hint);
                }
                None => {}
            }
        }
    }
}

/// Why a value does not fit a part of a schema.
fn misfit(whole: &Value, part: &Value, value: &Value) -> Option<String> {
    let mut schema = json!({"allOf": [part]});
    for key in ["$schema", "$defs", "definitions"] {
        if let (Some(defs), Value::Object(schema)) = (whole.get(key), &mut schema) {
            schema.insert(key.to_owned(), defs.clone());
        }
    }
    SchemaCheck::compile(&schema).ok()?.check(value).err()
}

/// The one part of a schema that takes values of a kind.
fn resolve<'s>(whole: &'s Value, schema: &'s Value, kind: &str, left: usize) -> Part<'s> {
    let Some(map) = schema.as_object() else {
        return if schema == &Value::Bool(false) { Part::Other("left out".to_owned()) } else { Part::Open };
    };
    if let Some(target) = map.get("$ref").and_then(Value::as_str) {
        let target = target.strip_prefix('#').and_then(|pointer| whole.pointer(pointer));
        return match (target, left) {
            (Some(target), 1..) => resolve(whole, target, kind, left - 1),
            _ => Part::Open,
        };
    }
    if let Some(types) = map.get("type") {
        let types: Vec<&str> = match types {
            Value::String(one) => vec![one],
            Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
            _ => return Part::Open,
        };
        if !types.contains(&kind) {
            return Part::Other(types.join(" or "));
        }
        return Part::Schema(map);
    }
    let Some(choices) = map.get("anyOf").or_else(|| map.get("oneOf")).and_then(Value::as_array) else {
        return if map.contains_key("allOf") { Part::Open } else { Part::Schema(map) };
    };
    let (mut found, mut wanted) = (None, Vec::new());
    for choice in choices {
        match (resolve(whole, choice, kind, left), &found) {
            (Part::Other(other), _) => wanted.push(other),
            (Part::Schema(schema), None) => found = Some(schema),
            (Part::Schema(_) | Part::Open, _) => return Part::Open,
        }
    }
    found.map_or_else(|| Part::Other(wanted.join(" or ")), Part::Schema)
}
