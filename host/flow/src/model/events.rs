//! Events: what `emit` makes, what `listen` and `schedule.on` wait for.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::EventFilter;
use super::read::{Obj, Reader, Sees};
use crate::diagnostic::did_you_mean;
use crate::expr::{Evaluator, ExprError, Program, Template, Variables, truthy, wrapped};
use crate::source::{Data, Node, join};

/// The attributes of CloudEvents 1.0 that the DSL names.
const ATTRIBUTES: [&str; 8] = ["id", "source", "type", "time", "subject", "datacontenttype", "dataschema", "data"];

/// One event filter.
#[derive(Debug, Clone)]
pub(crate) struct FilterSpec {
    pub(crate) attributes: Vec<(String, AttributeFilter)>,
    pub(crate) correlate: Vec<Correlation>,
}

/// A value of an event by which it belongs to others or to the run.
#[derive(Debug, Clone)]
pub(crate) struct Correlation {
    pub(crate) key: String,
    /// With the event as `.`.
    from: Program,
    /// What it must be; without, what the first event gave.
    expect: Option<Template>,
}

/// What one attribute must be.
#[derive(Debug, Clone)]
pub(crate) enum AttributeFilter {
    /// Equal to this.
    Is(Value),
    /// With the attribute as `.`: a boolean is the answer, any other result must equal the attribute.
    Test(Program),
}

impl FilterSpec {
    /// The literal part, by which events can be looked up.
    pub(crate) fn literal(&self) -> EventFilter {
        let with = self
            .attributes
            .iter()
            .filter_map(|(name, filter)| match filter {
                AttributeFilter::Is(value) => Some((name.clone(), value.clone())),
                AttributeFilter::Test(_) => None,
            })
            .collect::<Map<_, _>>();
        EventFilter { with }
    }

    /// Whether a part of it must be evaluated.
    pub(crate) fn computes(&self) -> bool {
        self.attributes.iter().any(|(_, filter)| matches!(filter, AttributeFilter::Test(_)))
    }

    pub(crate) fn accepts(
        &self,
        event: &Value,
        scope: &dyn Variables,
        evaluator: &dyn Evaluator,
    ) -> Result<bool, ExprError> {
        for (name, filter) in &self.attributes {
            let attribute = event.get(name).unwrap_or(&Value::Null);
            let accepted = match filter {
                AttributeFilter::Is(value) => value == attribute,
                AttributeFilter::Test(program) => {
                    match &*program.eval(&Arc::new(attribute.clone()), scope, evaluator)? {
                        Value::Bool(answer) => *answer,
                        value => truthy(value) && value == attribute,
                    }
                }
            };
            if !accepted {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The correlation keys that the event binds anew, beside those `bound`
    /// already; `None` if it does not belong to them. A value that is missing
    /// or null correlates with nothing.
    pub(crate) fn correlates(
        &self,
        event: &Value,
        bound: &Map<String, Value>,
        input: &Arc<Value>,
        scope: &dyn Variables,
        evaluator: &dyn Evaluator,
    ) -> Result<Option<Map<String, Value>>, ExprError> {
        let mut new = Map::new();
        if self.correlate.is_empty() {
            return Ok(Some(new));
        }
        let event = Arc::new(event.clone());
        for correlation in &self.correlate {
            let value = correlation.from.eval(&event, scope, evaluator)?;
            if value.is_null() {
                return Ok(None);
            }
            let known = bound.get(&correlation.key).or_else(|| new.get(&correlation.key));
            let fits = match (&correlation.expect, known) {
                (Some(expect), _) => expect.eval(input, scope, evaluator)? == value,
                (None, Some(known)) => *known == *value,
                (None, None) => true,
            };
            if !fits {
                return Ok(None);
            }
            if known.is_none() {
                new.insert(correlation.key.clone(), Value::clone(&value));
            }
        }
        Ok(Some(new))
    }
}

/// Whether `event` (a CloudEvent as a JSON object) has all attributes of `filter`.
pub fn matches(filter: &EventFilter, event: &Value) -> bool {
    filter.with.iter().all(|(name, value)| event.get(name) == Some(value))
}

/// `one`, `any` or `all` of some filters.
pub(super) struct Strategy {
    pub(super) all: bool,
    pub(super) filters: Vec<FilterSpec>,
    pub(super) until: Option<Until>,
}

/// What ends the listening of an `any`.
#[derive(Debug)]
pub(crate) enum Until {
    /// This condition on what has been consumed.
    Holds(Program),
    /// Events, one of any filter or one for each.
    Consumed { all: bool, filters: Vec<FilterSpec> },
}

impl<'r> Reader<'r> {
    pub(super) fn strategy(&mut self, node: &'r Node, pointer: &str, sees: Sees) -> Option<Strategy> {
        let body = self.strict(node, pointer, &["one", "any", "all", "until"])?;
        let given: Vec<&str> = ["one", "any", "all"].into_iter().filter(|name| body.get(name).is_some()).collect();
        let [name] = given.as_slice() else {
            self.problems.error(pointer, node.at, "must give exactly one of one, any, all");
            return None;
        };
        let until = match body.get("until") {
            Some(until) => Some(self.until(until, &body.below("until"), name, sees)?),
            None => None,
        };
        let node = body.get(name)?;
        let place = body.below(name);
        if *name == "one" {
            let filter = self.filter(node, &place, sees)?;
            return Some(Strategy { all: false, filters: vec![filter], until });
        }
        let items = self.list(node, &place)?;
        if items.is_empty() && *name == "all" {
            self.problems.error(&place, node.at, "`all` of no events would wait for nothing");
        }
        let mut filters: Vec<FilterSpec> = Vec::with_capacity(items.len());
        for (i, item) in items.iter().enumerate() {
            filters.extend(self.filter(item, &join(&place, &i.to_string()), sees));
        }
        if items.is_empty() {
            // `any` of nothing means any event at all.
            filters.push(FilterSpec { attributes: Vec::new(), correlate: Vec::new() });
        }
        Some(Strategy { all: *name == "all", filters, until })
    }

    /// `until`: a condition, or events that end the listening.
    fn until(&mut self, node: &'r Node, pointer: &str, of: &str, sees: Sees) -> Option<Until> {
        if of != "any" {
            let hint = format!("`{of}` ends by itself; remove `until`");
            self.problems.error_hint(pointer, node.at, "`until` goes with `any` only", Some(hint));
            return None;
        }
        if matches!(node.data, Data::String(_)) {
            return self.expression(node, pointer, sees).map(Until::Holds);
        }
        if let Data::Object(fields) = &node.data
            && let Some(until) = fields.iter().find(|f| f.name == "until")
        {
            self.problems.error(&join(pointer, "until"), until.at, "an `until` cannot have an `until` of its own");
            return None;
        }
        let strategy = self.strategy(node, pointer, sees)?;
        Some(Until::Consumed { all: strategy.all, filters: strategy.filters })
    }

    fn filter(&mut self, node: &'r Node, pointer: &str, sees: Sees) -> Option<FilterSpec> {
        let body = self.strict(node, pointer, &["with", "correlate"])?;
        let correlate = match body.get("correlate") {
            Some(node) => self.correlations(node, &body.below("correlate"), sees)?,
            None => Vec::new(),
        };
        let node = self.required(&body, "with")?;
        let place = body.below("with");
        let with = self.object(node, &place)?;
        if with.fields.is_empty() {
            self.problems.error(&place, node.at, "must give at least one attribute");
        }
        self.attribute_names(&with);
        let mut attributes = Vec::with_capacity(with.fields.len());
        for field in with.fields {
            let place = with.below(&field.name);
            let filter = match &field.value.data {
                Data::String(text) if wrapped(text).is_some() => {
                    AttributeFilter::Test(self.expression(&field.value, &place, sees)?)
                }
                _ => AttributeFilter::Is(field.value.to_value()),
            };
            attributes.push((field.name.clone(), filter));
        }
        Some(FilterSpec { attributes, correlate })
    }

    fn correlations(&mut self, node: &'r Node, pointer: &str, sees: Sees) -> Option<Vec<Correlation>> {
        let body = self.object(node, pointer)?;
        let mut list = Vec::with_capacity(body.fields.len());
        for field in body.fields {
            let one = self.strict(&field.value, &body.below(&field.name), &["from", "expect"])?;
            let from = self.required(&one, "from").and_then(|n| self.expression(n, &one.below("from"), sees))?;
            let expect = match one.get("expect") {
                Some(node) => Some(self.template(node, &one.below("expect"), sees)?),
                None => None,
            };
            list.push(Correlation { key: field.name.clone(), from, expect });
        }
        Some(list)
    }

    /// Extension attributes are allowed; what looks like a slip of the pen is pointed out.
    fn attribute_names(&mut self, with: &Obj<'_>) {
        for field in with.fields {
            let name = field.name.as_str();
            if ATTRIBUTES.contains(&name) || name == "specversion" {
                continue;
            }
            let place = with.below(name);
            if name.is_empty() || !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()) {
                let hint = did_you_mean(name, ATTRIBUTES);
                self.problems.error_hint(
                    &place,
                    field.at,
                    format!("`{name}` is no CloudEvents attribute: names are lower case letters and digits"),
                    hint,
                );
            } else if let Some(hint) = did_you_mean(name, ATTRIBUTES) {
                self.problems.warn(
                    &place,
                    field.at,
                    format!("`{name}` is taken as an extension attribute"),
                    Some(hint),
                );
            }
        }
    }

    /// What stands there as written must do as an attribute of an event; what is computed is checked when it is.
    fn literal_attributes(&mut self, with: &Obj<'_>) {
        for field in with.fields {
            let value = field.value.to_value();
            let computed = matches!(&field.value.data, Data::String(text) if self.loose || wrapped(text).is_some());
            if computed || field.name == "data" {
                continue;
            }
            let mut event = serde_json::json!({"specversion": "1.0", "id": "1", "source": "/", "type": "t"});
            if let Value::Object(event) = &mut event {
                event.insert(field.name.clone(), value);
            }
            // Faults of names are told by `attribute_names`.
            if let Err(fault) = crate::cloud_event::well_formed(&event)
                && !fault.message.contains("is no attribute")
            {
                let place = with.below(&field.name);
                self.problems.error(&place, field.value.at, format!("`{}`: {}", field.name, fault.message));
            }
        }
    }

    /// `emit.event`.
    pub(super) fn emitted(&mut self, node: &'r Node, pointer: &str) -> Option<Template> {
        let body = self.strict(node, pointer, &["event"])?;
        let event = self.required(&body, "event")?;
        let event = self.strict(event, &body.below("event"), &["with"])?;
        let node = self.required(&event, "with")?;
        let with = self.object(node, &event.below("with"))?;
        self.attribute_names(&with);
        self.required(&with, "type");
        self.literal_attributes(&with);
        self.template(node, &with.pointer, Sees::Task)
    }
}
