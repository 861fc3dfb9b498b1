//! JSON Schemas for editors: of workflows and of their test files, rendered
//! from tables that say each property once. The parser is stricter (it
//! compiles expressions and follows names); what a schema refuses the parser
//! refuses too, and what the parser accepts every schema accepts: tests hold
//! the two together. Must never be used to accept a workflow.

mod shape;
mod table;
mod test_file;

use serde_json::{Map, Value, json};

use crate::model::FunctionInfo;
use shape::{Entry, Rest};

/// Where the schema of workflows says it is.
const WORKFLOW_ID: &str = "urn:huiyin:schema:workflow:v1";
/// Where the schema of test files says it is.
const TEST_ID: &str = "urn:huiyin:schema:workflow-test:v1";

/// The JSON Schema (2020-12) of workflow documents. `functions` are those of
/// the default catalog, by `name:version`: an editor then offers their names and arguments.
/// `extension` is the schema of `document.metadata.huiyin`, where its reader has one.
pub fn workflow_schema(functions: &[(String, FunctionInfo)], extension: Option<&Value>) -> Value {
    let mut defs: Map<String, Value> =
        table::PARTS.iter().map(|entry| (entry.name.to_owned(), entry.render())).collect();
    defs.insert("attributeMap".to_owned(), attribute_map());
    defs.insert("tasks".to_owned(), tasks());
    let mut kinds = Vec::new();
    for kind in table::TASK_KINDS {
        let name = format!("task-{}", kind.name);
        kinds.push(json!({"$ref": format!("#/$defs/{name}")}));
        defs.insert(name, task(kind));
    }
    defs.insert(
        "task".to_owned(),
        json!({"title": "Task", "description": "One of the twelve kinds of tasks.", "type": "object", "oneOf": kinds}),
    );
    house_functions(functions, &mut defs);
    if let Some(Value::Object(extension)) = extension {
        let mut own = extension.clone();
        own.shift_remove("$schema");
        own.shift_remove("$id");
        defs.insert("huiyin".to_owned(), Value::Object(own));
    }
    whole(&table::WORKFLOW, WORKFLOW_ID, defs)
}

/// The JSON Schema (2020-12) of the test files beside workflows.
pub fn workflow_test_schema() -> Value {
    let defs = test_file::PARTS.iter().map(|entry| (entry.name.to_owned(), entry.render())).collect();
    whole(&test_file::TEST_FILE, TEST_ID, defs)
}

fn whole(entry: &Entry, id: &str, defs: Map<String, Value>) -> Value {
    let mut schema = json!({"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": id});
    if let (Value::Object(into), Value::Object(rendered)) = (&mut schema, entry.render()) {
        into.extend(rendered);
        // A document may name its schema, for editors that find it so.
        into.insert("$defs".to_owned(), Value::Object(defs));
    }
    schema
}

/// A kind of task: its own properties and those of every task.
fn task(kind: &Entry) -> Value {
    let mut schema = kind.render();
    let base = Entry { name: "", title: "", about: "", properties: table::BASE, rest: Rest::Closed }.render();
    if let (Some(Value::Object(own)), Some(Value::Object(all))) =
        (schema.get_mut("properties"), base.get("properties").cloned())
    {
        own.extend(all);
    }
    schema
}

/// A list of tasks: each an object of one name, which is no directive.
fn tasks() -> Value {
    json!({
        "title": "Tasks",
        "description": "Tasks in their order, each under its name.",
        "type": "array",
        "minItems": 1,
        "items": {
            "type": "object",
            "minProperties": 1,
            "maxProperties": 1,
            "propertyNames": {"not": {"enum": ["continue", "exit", "end"]}},
            "additionalProperties": {"$ref": "#/$defs/task"},
        },
    })
}

/// Attributes of an event filter: at least one, with the names of CloudEvents.
fn attribute_map() -> Value {
    json!({"type": "object", "minProperties": 1, "propertyNames": {"pattern": "^[a-z0-9]+$"}})
}

/// Lets the schema know the functions of a house: their names are offered, and
/// their arguments described. A value may always be an expression instead, so
/// the arguments' own types are shown and not enforced; their names are.
fn house_functions(functions: &[(String, FunctionInfo)], defs: &mut Map<String, Value>) {
    if functions.is_empty() {
        return;
    }
    let names: Vec<String> = functions.iter().map(|(name, _)| format!("{name}@default")).collect();
    let rules: Vec<Value> = functions
        .iter()
        .filter_map(|(name, info)| {
            let with = arguments(info.input_schema.as_ref()?)?;
            let call = format!("{name}@default");
            Some(json!({
                "if": {"properties": {"call": {"const": call}}, "required": ["call", "with"]},
                "then": {"properties": {"with": with}},
            }))
        })
        .collect();
    for place in ["task-callFunction", "slot"] {
        let Some(Value::Object(schema)) = defs.get_mut(place) else { continue };
        if let Some(call) = schema.get_mut("properties").and_then(|p| p.get_mut("call")).and_then(Value::as_object_mut)
        {
            call.insert("examples".to_owned(), json!(names));
        }
        if !rules.is_empty() {
            schema.insert("allOf".to_owned(), json!(rules));
        }
    }
}

/// The names that an input schema requires and allows, with what it says of each.
fn arguments(schema: &Value) -> Option<Value> {
    let properties = schema.get("properties").and_then(Value::as_object)?;
    let described: Map<String, Value> = properties
        .iter()
        .map(|(name, property)| {
            let mut about = Map::new();
            for key in ["title", "description", "examples"] {
                if let Some(value) = property.get(key) {
                    about.insert(key.to_owned(), value.clone());
                }
            }
            if let Some(words) = property.get("enum") {
                about.insert("examples".to_owned(), words.clone());
            }
            (name.clone(), Value::Object(about))
        })
        .collect();
    let mut with = json!({"type": "object", "properties": described});
    if let Value::Object(map) = &mut with {
        for key in ["required", "title", "description"] {
            if let Some(value) = schema.get(key) {
                map.insert(key.to_owned(), value.clone());
            }
        }
        if schema.get("additionalProperties") == Some(&Value::Bool(false)) {
            map.insert("additionalProperties".to_owned(), json!(false));
        }
    }
    Some(with)
}
