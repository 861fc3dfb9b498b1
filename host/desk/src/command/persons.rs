//! What a person alone may ask for, and every command as a form.

use jiff::Timestamp;
use schemars::{JsonSchema, schema_for};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::core_functions::core_functions;
use crate::level::Level;

/// Adds what is asked (clause 1c).
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AddConcern {
    /// The case, by number.
    pub(super) case: String,
    /// What is asked.
    pub(super) text: String,
}

/// Sets the level of a case, up or down, with a reason (rule 7).
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SetLevel {
    /// The case, by number.
    pub(super) case: String,
    /// The new level.
    pub(super) level: Level,
    /// Why.
    pub(super) reason: String,
}

/// Corrects when it happened, with a reason (rule 5); to a later time only a person of a unit above, or two persons.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CorrectOccurredAt {
    /// The case, by number.
    pub(super) case: String,
    /// When it happened.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub(super) occurred_at: Timestamp,
    /// Why.
    pub(super) reason: String,
}

/// Proposes not to answer (clause 1i); another person approves it.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProposeNoResponse {
    /// The case, by number.
    pub(super) case: String,
    /// Why.
    pub(super) reason: String,
}

/// A second person confirms exactly what waits under a hash, and so carries it out (rule 9).
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Approve {
    /// The case, by number.
    pub(super) case: String,
    /// The hash of what is approved.
    pub(super) hash: String,
}

/// The author withdraws what waits under a hash, or a second person says no.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Decline {
    /// The case, by number.
    pub(super) case: String,
    /// The hash of what is declined.
    pub(super) hash: String,
    /// Why.
    pub(super) reason: String,
}

/// One line a command that is no core function: its name and its schema.
const OF_PERSONS: &[(&str, fn() -> Value)] = &[
    ("add-concern", schema::<AddConcern>),
    ("set-level", schema::<SetLevel>),
    ("correct-occurred-at", schema::<CorrectOccurredAt>),
    ("propose-no-response", schema::<ProposeNoResponse>),
    ("approve-no-response", schema::<Approve>),
    ("approve", schema::<Approve>),
    ("decline", schema::<Decline>),
];

fn schema<T: JsonSchema>() -> Value {
    schema_for!(T).to_value()
}

/// What a person alone may ask for, by name.
pub(super) fn names_of_persons() -> Vec<&'static str> {
    OF_PERSONS.iter().map(|(name, _)| *name).collect()
}

/// A command that a person may give, as forms are made of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CommandForm {
    /// What stands in `command`.
    pub command: &'static str,
    /// Whether workflows have it as a core function, too.
    pub core_function: bool,
    /// JSON Schema (2020-12) of its other fields.
    pub schema: Value,
}

/// Every command that a person may give: the core functions, and what a person alone may ask for.
pub fn command_forms() -> Vec<CommandForm> {
    let core = core_functions().into_iter();
    let core =
        core.map(|function| CommandForm { command: function.name, core_function: true, schema: function.input_schema });
    let own = OF_PERSONS.iter();
    let own = own.map(|(name, schema)| CommandForm { command: name, core_function: false, schema: schema() });
    core.chain(own).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authority::Act;
    use crate::command::Command;
    use serde_json::json;

    /// Whether a command of this name is read, whatever it lacks.
    fn is_known(name: &str) -> bool {
        Command::read(&json!({ "command": name }))
            .err()
            .is_none_or(|error| error.pointer.as_deref() != Some("/command"))
    }

    #[test]
    fn every_command_of_a_person_is_read_and_has_a_form() {
        let forms = command_forms();
        // Of the acts of persons some are no commands of the desk: items, events, runs, workflows, slots, sources.
        for name in Act::names_of_persons() {
            assert_eq!(is_known(name), forms.iter().any(|form| form.command == name), "{name}");
        }
        for form in &forms {
            assert!(is_known(form.command), "{} is not read", form.command);
            assert_eq!(form.schema["type"], "object", "{}", form.command);
            let told = |field: &Value| ["description", "$ref", "anyOf"].iter().any(|key| field.get(key).is_some());
            let fields = form.schema["properties"].as_object().unwrap();
            assert!(fields.values().all(told), "{}: {fields:?}", form.command);
        }
    }
}
