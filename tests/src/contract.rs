//! Holds answers of the API against the document that the host itself serves.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jsonschema::{Draft, Validator};
use serde_json::{Value, json};

/// The document at `/openapi.json`.
pub struct Contract {
    /// The document.
    pub document: Value,
    known: Mutex<HashMap<String, Validator>>,
}

impl Contract {
    /// Of a document.
    pub fn of(document: Value) -> Contract {
        Contract { document, known: Mutex::default() }
    }

    /// Whether a schema of the document admits a value; else what is wrong, and where.
    ///
    /// # Errors
    /// Every fault, a line each.
    pub fn fits(&self, schema: &Value, value: &Value) -> Result<(), String> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let validator = match known.entry(schema.to_string()) {
            std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::hash_map::Entry::Vacant(new) => {
                // What it refers to lies in the document.
                let whole = json!({"allOf": [schema], "components": self.document["components"]});
                let made =
                    jsonschema::options().with_draft(Draft::Draft202012).should_validate_formats(true).build(&whole);
                new.insert(made.map_err(|error| error.to_string())?)
            }
        };
        let faults: Vec<String> =
            validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect();
        if faults.is_empty() { Ok(()) } else { Err(faults.join("\n")) }
    }

    /// The operation of a request, where the document has one.
    pub fn operation(&self, method: &str, path: &str) -> Option<&Value> {
        let path = path.split('?').next().unwrap_or_default();
        let asked: Vec<&str> = path.split('/').collect();
        let fits = |template: &str| {
            let template: Vec<&str> = template.split('/').collect();
            let same = |(told, asked): (&&str, &&str)| told == asked || (told.starts_with('{') && !asked.is_empty());
            template.len() == asked.len() && template.iter().zip(&asked).all(same)
        };
        let paths = self.document["paths"].as_object()?;
        // A place that is named goes before one that is between braces.
        let found =
            paths.iter().filter(|(template, _)| fits(template)).min_by_key(|(path, _)| path.matches('{').count());
        found?.1.get(method.to_ascii_lowercase())
    }

    /// Whether an answer is as the document says.
    ///
    /// # Errors
    /// What is otherwise.
    pub fn check(&self, method: &str, path: &str, status: u16, kind: Option<&str>, body: &str) -> Result<(), String> {
        let said = |what: String| format!("{method} {path} answered {status} {kind:?}, {what}: {body:.2000}");
        let Some(operation) = self.operation(method, path) else { return Ok(()) };
        let mut told = operation["responses"].get(status.to_string());
        if told.is_none() && status >= 400 {
            told = self.document.pointer("/components/responses/Problem");
        }
        let told = told.ok_or_else(|| said("a status that the document does not have".to_owned()))?;
        let essence = kind.map(|kind| kind.split(';').next().unwrap_or_default().trim());
        match (told.get("content").and_then(Value::as_object), essence) {
            (None, None) => Ok(()),
            (None, Some(_)) if body.is_empty() => Ok(()),
            (Some(content), Some(essence)) if content.contains_key(essence) => {
                if !essence.ends_with("json") || essence == "application/schema+json" {
                    return Ok(());
                }
                let value = serde_json::from_str(body).map_err(|error| said(error.to_string()))?;
                self.fits(&content[essence]["schema"], &value).map_err(said)
            }
            (content, _) => {
                Err(said(format!("and the document has {:?}", content.map(|c| c.keys().collect::<Vec<_>>()))))
            }
        }
    }
}
