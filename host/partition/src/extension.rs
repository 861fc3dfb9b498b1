//! `document.metadata.huiyin`: what the workflow language lacks and the host
//! needs to know of a schedule, and the schedule with it. Read strictly: a wrong value is an error with
//! its JSON pointer before anything comes into force. Keys that nobody knows
//! are the language's affair, which warns of them.

use huiyin_deadline::allowance::parse_duration;
use huiyin_deadline::schedule::{CatchUp, Interval, Overlap, Policy, Schedule};
use huiyin_deadline::{Zone, cron::Cron};
use huiyin_flow::{Definition, Diagnostic, Severity};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

/// Where it stands in a workflow.
const PLACE: &str = "/document/metadata/huiyin";

/// What a workflow says about its schedule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Extension {
    /// The zone that cron expressions are read in.
    pub zone: Zone,
    /// Overlap, catching up, jitter.
    pub policy: Policy,
}

/// A wrong value and its place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} (at {pointer})")]
pub struct Fault {
    /// JSON pointer into the workflow.
    pub pointer: String,
    /// What is wrong and how to mend it.
    pub message: String,
}

/// Reads a workflow's extension.
///
/// # Errors
/// Every wrong value.
pub fn read(definition: &Definition) -> Result<Extension, Vec<Fault>> {
    let mut reader = Reader { faults: Vec::new() };
    let extension = match definition.extension() {
        Value::Null => Extension::default(),
        Value::Object(fields) => reader.extension(fields),
        _ => {
            reader.fault(PLACE, "is an object");
            Extension::default()
        }
    };
    if reader.faults.is_empty() { Ok(extension) } else { Err(reader.faults) }
}

/// Everything about a workflow that the language leaves to the host, checked:
/// its extension and its schedule, with places in its text.
///
/// # Errors
/// What is wrong.
pub fn check(definition: &Definition, text: &str, file: &str) -> Result<(), Vec<Diagnostic>> {
    let faults = match read(definition) {
        Err(faults) => faults,
        Ok(_) => match planned(definition, Timestamp::UNIX_EPOCH) {
            Ok(_) => return Ok(()),
            Err(fault) => vec![fault],
        },
    };
    let diagnostic = |fault: Fault| {
        let (line, column) = huiyin_flow::locate(text, file, &fault.pointer).unwrap_or((1, 1));
        Diagnostic {
            severity: Severity::Error,
            pointer: fault.pointer,
            file: file.to_owned(),
            line,
            column,
            message: fault.message,
            hint: None,
        }
    };
    Err(faults.into_iter().map(diagnostic).collect())
}

/// A workflow's schedule by the clock with its policy; none for a workflow
/// that has none. `since` is where `every` counts from.
///
/// # Errors
/// What is wrong, in words.
pub fn schedule(definition: &Definition, since: Timestamp) -> Result<Option<Planned>, String> {
    planned(definition, since).map_err(|fault| fault.to_string())
}

/// A workflow's schedule.
#[derive(Debug, Clone)]
pub struct Planned {
    /// Its times.
    pub schedule: Schedule,
    /// The zone it is shown in.
    pub zone: Zone,
    /// What it does when times and runs get in each other's way.
    pub policy: Policy,
}

/// Reads a workflow's schedule by the clock.
fn planned(definition: &Definition, since: Timestamp) -> Result<Option<Planned>, Fault> {
    let fault = |pointer: &str, message: String| Fault { pointer: pointer.to_owned(), message };
    let extension = read(definition).map_err(|mut faults| faults.remove(0))?;
    let interval = |name: &str, text: &str| {
        text.parse::<Interval>().map_err(|error| fault(&format!("/schedule/{name}"), error.to_string()))
    };
    let schedule = match definition.schedule() {
        Some(huiyin_flow::Schedule::Cron(expr)) => {
            let cron = Cron::parse(expr).map_err(|error| fault("/schedule/cron", error.to_string()))?;
            Schedule::Cron { cron, zone: extension.zone.clone() }
        }
        Some(huiyin_flow::Schedule::Every(every)) => {
            let every = interval("every", every)?;
            if extension.policy.jitter.is_some_and(|jitter| jitter > every.duration()) {
                let message = "is longer than `schedule.every`: times would overtake each other".to_owned();
                return Err(fault("/document/metadata/huiyin/jitter", message));
            }
            Schedule::Every { every, anchor: since }
        }
        Some(huiyin_flow::Schedule::After(after)) => Schedule::After { after: interval("after", after)? },
        Some(huiyin_flow::Schedule::On(_)) | None => return Ok(None),
    };
    Ok(Some(Planned { schedule, zone: extension.zone, policy: extension.policy }))
}

/// The JSON Schema (2020-12) of `document.metadata.huiyin`, for editors.
pub fn schema() -> Value {
    let duration = |what: &str| json!({"type": "string", "pattern": "^P", "description": format!("{what}; an ISO 8601 duration of weeks, days or smaller units, more than zero")});
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:huiyin:schema:workflow-extension:1",
        "title": "document.metadata.huiyin",
        "description": "What Huiyin knows about a workflow beyond the Open Workflow DSL.",
        "type": "object",
        "properties": {
            "unit": {"type": "string"},
            "title": {"type": "string"},
            "description": {"type": "string"},
            "labels": {"type": "object"},
            "slots": {"type": "object"},
            "timezone": {"type": "string", "default": "Asia/Shanghai", "description": "IANA name of the zone in which `schedule.cron` is read"},
            "overlap": {
                "description": "When a time comes while a run of the schedule is still under way",
                "default": "allow",
                "anyOf": [
                    {"enum": ["allow", "skip", "queue", "replace"]},
                    {
                        "type": "object",
                        "properties": {
                            "policy": {"const": "queue"},
                            "limit": {"type": "integer", "minimum": 1, "maximum": Overlap::MOST_QUEUED, "default": Overlap::QUEUED}
                        },
                        "required": ["policy"],
                        "additionalProperties": false
                    }
                ]
            },
            "catchUp": {
                "description": "Which times are made up for that passed while the host was down",
                "default": "last",
                "anyOf": [
                    {"enum": ["none", "last", "all"]},
                    {
                        "type": "object",
                        "properties": {"policy": {"const": "last"}, "within": duration("nothing longer ago is made up for")},
                        "required": ["policy"],
                        "additionalProperties": false
                    },
                    {
                        "type": "object",
                        "properties": {
                            "policy": {"const": "all"},
                            "within": duration("nothing longer ago is made up for; a day unless told"),
                            "limit": {"type": "integer", "minimum": 1, "maximum": CatchUp::MOST, "default": CatchUp::LIMIT, "description": "the latest so many"}
                        },
                        "required": ["policy"],
                        "additionalProperties": false
                    }
                ]
            },
            "jitter": duration("each time is put off by less than this, always by the same amount; at most a day")
        }
    })
}

struct Reader {
    faults: Vec<Fault>,
}

impl Reader {
    fn extension(&mut self, fields: &Map<String, Value>) -> Extension {
        let mut extension = Extension::default();
        if let Some(zone) = fields.get("timezone") {
            match zone.as_str().map(Zone::named) {
                Some(Ok(zone)) => extension.zone = zone,
                Some(Err(error)) => self.fault(&format!("{PLACE}/timezone"), &error.to_string()),
                None => self
                    .fault(&format!("{PLACE}/timezone"), "is the IANA name of a time zone, such as \"Asia/Shanghai\""),
            }
        }
        if let Some(value) = fields.get("overlap") {
            extension.policy.overlap = self.overlap(value);
        }
        if let Some(value) = fields.get("catchUp") {
            extension.policy.catch_up = self.catch_up(value);
        }
        if let Some(value) = fields.get("jitter") {
            let place = format!("{PLACE}/jitter");
            extension.policy.jitter = self.duration(value, &place);
            if extension.policy.jitter.is_some_and(|jitter| jitter > Policy::MOST_JITTER) {
                self.fault(&place, "is longer than a day; write at most \"P1D\"");
            }
        }
        extension
    }

    fn overlap(&mut self, value: &Value) -> Overlap {
        let place = format!("{PLACE}/overlap");
        let Some((policy, rest)) = self.choice(value, &place, &["allow", "skip", "queue", "replace"]) else {
            return Overlap::default();
        };
        self.only(rest, &place, if policy == "queue" { &["policy", "limit"] } else { &["policy"] });
        match policy {
            "skip" => Overlap::Skip,
            "replace" => Overlap::Replace,
            "queue" => Overlap::Queue { limit: self.limit(rest, &place, Overlap::QUEUED, Overlap::MOST_QUEUED) },
            _ => Overlap::Allow,
        }
    }

    fn catch_up(&mut self, value: &Value) -> CatchUp {
        let place = format!("{PLACE}/catchUp");
        let Some((policy, rest)) = self.choice(value, &place, &["none", "last", "all"]) else {
            return CatchUp::default();
        };
        let within = rest
            .and_then(|fields| fields.get("within"))
            .and_then(|value| self.duration(value, &format!("{place}/within")));
        match policy {
            "none" => {
                self.only(rest, &place, &["policy"]);
                CatchUp::None
            }
            "all" => {
                self.only(rest, &place, &["policy", "within", "limit"]);
                let limit = self.limit(rest, &place, CatchUp::LIMIT, CatchUp::MOST);
                CatchUp::All { within: within.unwrap_or(CatchUp::WITHIN), limit }
            }
            _ => {
                self.only(rest, &place, &["policy", "within"]);
                CatchUp::Last { within }
            }
        }
    }

    /// A word, or an object whose `policy` is one.
    fn choice<'v>(
        &mut self,
        value: &'v Value,
        place: &str,
        words: &[&'static str],
    ) -> Option<(&'static str, Option<&'v Map<String, Value>>)> {
        let (word, rest) = match value {
            Value::String(word) => (Some(word.as_str()), None),
            Value::Object(fields) => (fields.get("policy").and_then(Value::as_str), Some(fields)),
            _ => (None, None),
        };
        let found = words.iter().copied().find(|known| Some(*known) == word);
        if found.is_none() {
            let place = if rest.is_some() { format!("{place}/policy") } else { place.to_owned() };
            let given = word.map(|word| format!("`{word}` is not; ")).unwrap_or_default();
            self.fault(&place, &format!("{given}one of {} is meant", words.join(", ")));
        }
        found.map(|word| (word, rest))
    }

    fn only(&mut self, fields: Option<&Map<String, Value>>, place: &str, known: &[&str]) {
        for name in fields.into_iter().flat_map(Map::keys).filter(|name| !known.contains(&name.as_str())) {
            let message = format!("does not belong here; known: {}", known.join(", "));
            self.fault(&format!("{place}/{}", name.replace('~', "~0").replace('/', "~1")), &message);
        }
    }

    fn limit(&mut self, fields: Option<&Map<String, Value>>, place: &str, usual: usize, most: usize) -> usize {
        let Some(value) = fields.and_then(|fields| fields.get("limit")) else { return usual };
        let given = value.as_u64().and_then(|n| usize::try_from(n).ok()).filter(|n| (1..=most).contains(n));
        given.unwrap_or_else(|| {
            self.fault(&format!("{place}/limit"), &format!("is a whole number from 1 to {most}"));
            usual
        })
    }

    fn duration(&mut self, value: &Value, place: &str) -> Option<SignedDuration> {
        match value.as_str().map(parse_duration) {
            Some(Ok(duration)) => Some(duration),
            Some(Err(error)) => {
                self.fault(place, &error.to_string());
                None
            }
            None => {
                self.fault(place, "is an ISO 8601 duration, such as \"PT15M\"");
                None
            }
        }
    }

    fn fault(&mut self, pointer: &str, message: &str) {
        self.faults.push(Fault { pointer: pointer.to_owned(), message: message.to_owned() });
    }
}
