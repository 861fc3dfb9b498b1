//! How a property may look, as data: what the tables are written in, and how
//! it is rendered as JSON Schema (2020-12).

use serde_json::{Map, Value, json};

/// What a value may be.
pub(super) enum Shape {
    /// Anything.
    Any,
    /// A text.
    Text,
    /// A text that is a jq program, in `${ }` or bare.
    Expression,
    /// A text that is wholly `${ … }`.
    Wrapped,
    /// A text of this form (ECMA-262).
    Form(&'static str),
    /// One of these texts.
    Word(&'static [&'static str]),
    /// A text that is none of these.
    NotWord(&'static [&'static str]),
    Bool,
    /// A whole number, between these.
    Whole(u64, Option<u64>),
    /// An object with anything in it.
    Object,
    /// An object with something in it.
    Filled,
    /// An entry of the table.
    Ref(&'static str),
    /// An object from any name to this.
    Map(&'static Shape),
    /// A list of these, this many at least.
    List(&'static Shape, usize),
    /// An object with exactly one entry of this.
    Single(&'static Shape),
    /// One of these.
    Either(&'static [Shape]),
    /// An object with nothing in it.
    Nothing,
}

/// One property of an object.
pub(super) struct Property {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    pub(super) required: bool,
    pub(super) about: &'static str,
}

/// A property that may be left out.
pub(super) const fn may(name: &'static str, shape: Shape, about: &'static str) -> Property {
    Property { name, shape, required: false, about }
}

/// A property that must be there.
pub(super) const fn must(name: &'static str, shape: Shape, about: &'static str) -> Property {
    Property { name, shape, required: true, about }
}

/// An entry of the table: a kind of object.
pub(super) struct Entry {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    pub(super) about: &'static str,
    pub(super) properties: &'static [Property],
    pub(super) rest: Rest,
}

/// What else an object may or must have.
pub(super) enum Rest {
    /// Nothing.
    Closed,
    /// Properties of this form of names, with any values.
    Names(&'static str),
    /// Anything.
    Open,
    /// Exactly one of these of its own properties, beside the others.
    OneOf(&'static [&'static str]),
    /// At least one of its own properties.
    Some,
    /// It is not an object of its own but one of these.
    Alternatives(&'static [Shape]),
}

impl Shape {
    pub(super) fn render(&self) -> Value {
        match self {
            Self::Any => json!({}),
            Self::Text => json!({"type": "string"}),
            Self::Expression => json!({"type": "string", "minLength": 1}),
            Self::Wrapped => json!({"type": "string", "pattern": WRAPPED}),
            Self::Form(form) => json!({"type": "string", "pattern": form}),
            Self::Word(words) => json!({"enum": words}),
            Self::NotWord(words) => json!({"type": "string", "not": {"enum": words}}),
            Self::Bool => json!({"type": "boolean"}),
            Self::Whole(least, most) => {
                let mut schema = json!({"type": "integer", "minimum": least});
                if let (Some(most), Value::Object(map)) = (most, &mut schema) {
                    map.insert("maximum".to_owned(), json!(most));
                }
                schema
            }
            Self::Object => json!({"type": "object"}),
            Self::Filled => json!({"type": "object", "minProperties": 1}),
            Self::Ref(name) => json!({"$ref": format!("#/$defs/{name}")}),
            Self::Map(of) => json!({"type": "object", "additionalProperties": of.render()}),
            Self::List(of, least) => {
                let mut schema = json!({"type": "array", "items": of.render()});
                if let (true, Value::Object(map)) = (*least > 0, &mut schema) {
                    map.insert("minItems".to_owned(), json!(least));
                }
                schema
            }
            Self::Single(of) => {
                json!({"type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": of.render()})
            }
            Self::Either(all) => json!({"anyOf": all.iter().map(Shape::render).collect::<Vec<_>>()}),
            Self::Nothing => json!({"type": "object", "maxProperties": 0}),
        }
    }
}

/// A text that is wholly one expression.
pub(super) const WRAPPED: &str = r"^\s*\$\{[\s\S]*\}\s*$";

impl Property {
    fn render(&self) -> Value {
        let mut schema = self.shape.render();
        if let (false, Value::Object(map)) = (self.about.is_empty(), &mut schema) {
            map.insert("description".to_owned(), json!(self.about));
        }
        schema
    }
}

impl Entry {
    pub(super) fn render(&self) -> Value {
        if let Rest::Alternatives(all) = &self.rest {
            let all: Vec<Value> = all.iter().map(Shape::render).collect();
            return json!({"title": self.title, "description": self.about, "oneOf": all});
        }
        let properties: Map<String, Value> = self.properties.iter().map(|p| (p.name.to_owned(), p.render())).collect();
        let required: Vec<&str> = self.properties.iter().filter(|p| p.required).map(|p| p.name).collect();
        let mut schema = json!({
            "title": self.title,
            "description": self.about,
            "type": "object",
            "properties": properties,
            "additionalProperties": false,
        });
        let Value::Object(map) = &mut schema else { return schema };
        if !required.is_empty() {
            map.insert("required".to_owned(), json!(required));
        }
        match &self.rest {
            Rest::Closed | Rest::Alternatives(_) => {}
            Rest::Open => {
                map.insert("additionalProperties".to_owned(), json!(true));
            }
            Rest::Names(form) => {
                map.insert("additionalProperties".to_owned(), json!(true));
                map.insert("propertyNames".to_owned(), json!({"pattern": form}));
            }
            Rest::OneOf(names) => {
                let each: Vec<Value> = names.iter().map(|name| json!({"required": [name]})).collect();
                map.insert("oneOf".to_owned(), json!(each));
            }
            Rest::Some => {
                map.insert("minProperties".to_owned(), json!(1));
            }
        }
        schema
    }
}
