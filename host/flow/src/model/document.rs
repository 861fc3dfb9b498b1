//! The top of a workflow: `document`, `use`, `schedule` and the rest.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::{Map, Value};

use super::parts::SchemaCheck;
use super::read::{Obj, Reader, Reusable, Sees};
use super::{Catalog, Document, FunctionInfo, FunctionRef, Inner, Schedule, Slot, Trigger};
use crate::diagnostic::{Pos, Problems, did_you_mean};
use crate::expr::Evaluator;
use crate::source::{Data, Node, join};

const TOP: [&str; 8] = ["document", "input", "use", "do", "timeout", "output", "schedule", "evaluate"];
const DOCUMENT: [&str; 8] = ["dsl", "namespace", "name", "version", "title", "summary", "tags", "metadata"];
const USE: [&str; 8] =
    ["authentications", "errors", "extensions", "functions", "retries", "secrets", "timeouts", "catalogs"];
/// What `document.metadata.huiyin` may hold; their values belong to whoever reads them.
const HUIYIN: [&str; 9] =
    ["unit", "timezone", "overlap", "catchUp", "jitter", "slots", "description", "title", "labels"];
/// Calls of the DSL itself, by protocol.
const PROTOCOLS: [&str; 6] = ["http", "openapi", "grpc", "asyncapi", "a2a", "mcp"];
/// Names that an expression already knows.
pub(super) const RESERVED: [&str; 8] =
    ["context", "input", "output", "secrets", "task", "workflow", "runtime", "authorization"];

pub(super) fn read(
    root: &Node,
    catalog: &dyn Catalog,
    evaluator: &dyn Evaluator,
    problems: &mut Problems,
) -> Option<Inner> {
    let mut reader = Reader {
        catalog,
        evaluator,
        problems,
        loose: false,
        scope: Vec::new(),
        tasks: Vec::new(),
        slots: Vec::new(),
        slot_names: BTreeSet::new(),
        used_slots: BTreeSet::new(),
        reusable: Reusable::default(),
    };
    reader.workflow(root)
}

impl<'r> Reader<'r> {
    fn workflow(&mut self, root: &'r Node) -> Option<Inner> {
        let top = self.strict(root, "", &TOP)?;
        let document = match self.required(&top, "document") {
            Some(node) => self.document(node),
            None => None,
        };
        if let Some(node) = top.get("evaluate") {
            self.evaluate(node);
        }
        let secrets = match top.get("use") {
            Some(node) => self.reusables(node),
            None => Value::Object(Map::new()),
        };
        let data = self.data_flow(&top, Sees::WorkflowInput, Sees::WorkflowOutput, None);
        let timeout = self.timeout(&top, Sees::WorkflowInput);
        let schedule = top.get("schedule").and_then(|node| self.schedule(node));
        let list = match self.required(&top, "do") {
            Some(node) => self.task_list(node, "/do"),
            None => Vec::new(),
        };
        self.unused_slots(&top);
        let by_pointer: HashMap<Arc<str>, usize> =
            self.tasks.iter().enumerate().map(|(id, task)| (Arc::clone(&task.pointer), id)).collect();
        Some(Inner {
            document: document?,
            source: Arc::new(root.to_value()),
            tasks: std::mem::take(&mut self.tasks),
            by_pointer,
            list,
            data,
            timeout,
            schedule,
            slots: std::mem::take(&mut self.slots),
            secrets: Arc::new(secrets),
            warnings: Vec::new(),
        })
    }

    fn document(&mut self, node: &'r Node) -> Option<Document> {
        let body = self.strict(node, "/document", &DOCUMENT)?;
        let mut document = Document::default();
        for (name, into) in [
            ("dsl", &mut document.dsl),
            ("namespace", &mut document.namespace),
            ("name", &mut document.name),
            ("version", &mut document.version),
        ] {
            if self.required(&body, name).is_some()
                && let Some(text) = self.field_text(&body, name)
            {
                text.clone_into(into);
            }
        }
        let place = |name: &str| body.get(name).map_or(body.at, |n| n.at);
        let supported = is_version(&document.dsl) && document.dsl.starts_with("1.");
        if !document.dsl.is_empty() && !supported {
            self.problems.error_hint(
                "/document/dsl",
                place("dsl"),
                format!("DSL version `{}` is not supported", document.dsl),
                Some("write `1.0.3`".to_owned()),
            );
        }
        if !document.version.is_empty() && !is_version(&document.version) {
            self.problems.error_hint(
                "/document/version",
                place("version"),
                format!("`{}` is not a semantic version", document.version),
                Some("write it as `1.0.0`, as a text".to_owned()),
            );
        }
        for (name, text) in [("namespace", &document.namespace), ("name", &document.name)] {
            if !text.is_empty() && !is_label(text) {
                self.problems.error(
                    &body.below(name),
                    place(name),
                    format!("`{text}` is not a name: up to 63 letters, digits and `-`, not at the ends"),
                );
            }
        }
        document.title = self.field_text(&body, "title").map(str::to_owned);
        document.summary = self.field_text(&body, "summary").map(str::to_owned);
        document.tags = self.map_value(&body, "tags");
        document.metadata = self.map_value(&body, "metadata");
        if let Some(metadata) =
            body.get("metadata").and_then(|n| if let Data::Object(f) = &n.data { Some(f) } else { None })
            && let Some(field) = metadata.iter().find(|f| f.name == "huiyin")
            && let Some(ours) = self.object(&field.value, "/document/metadata/huiyin")
        {
            for field in ours.fields {
                if !HUIYIN.contains(&field.name.as_str()) {
                    let hint = did_you_mean(&field.name, HUIYIN)
                        .or_else(|| Some(format!("known here: {}", HUIYIN.join(", "))));
                    self.problems.warn(
                        &ours.below(&field.name),
                        field.at,
                        format!("unknown property `{}`", field.name),
                        hint,
                    );
                }
            }
        }
        Some(document)
    }

    fn map_value(&mut self, body: &Obj<'r>, name: &str) -> Value {
        body.get(name)
            .and_then(|node| self.object(node, &body.below(name)).map(|_| node.to_value()))
            .unwrap_or(Value::Null)
    }

    fn evaluate(&mut self, node: &'r Node) {
        let Some(body) = self.strict(node, "/evaluate", &["language", "mode"]) else { return };
        if let Some(language) = self.field_text(&body, "language")
            && language != "jq"
        {
            let at = body.get("language").map_or(body.at, |n| n.at);
            self.problems.error(
                &body.below("language"),
                at,
                format!("expression language `{language}` is not supported; only `jq` is"),
            );
        }
        match self.field_text(&body, "mode") {
            Some("loose") => self.loose = true,
            Some("strict") | None => {}
            Some(mode) => {
                let at = body.get("mode").map_or(body.at, |n| n.at);
                self.problems.error_hint(
                    &body.below("mode"),
                    at,
                    format!("unknown mode `{mode}`"),
                    Some("`strict` or `loose`".to_owned()),
                );
            }
        }
    }

    /// Reads `use`; gives the placeholders of the secrets.
    fn reusables(&mut self, node: &'r Node) -> Value {
        let mut secrets = Map::new();
        let Some(body) = self.strict(node, "/use", &USE) else { return Value::Object(secrets) };
        if let Some(node) = body.get("authentications") {
            self.unsupported(&body.below("authentications"), node.at, "`use.authentications`");
        }
        if let Some(node) = body.get("extensions") {
            self.unsupported(&body.below("extensions"), node.at, "`use.extensions`");
        }
        if let Some(node) = body.get("catalogs") {
            self.refused(
                &body.below("catalogs"),
                node.at,
                "a remote catalog",
                "install the functions as plugins and call them `name:version@default`",
            );
        }
        let mut entries =
            |name: &str| body.get(name).and_then(|node| self.object(node, &body.below(name))).map(|o| o.fields);
        let (errors, retries, timeouts) = (entries("errors"), entries("retries"), entries("timeouts"));
        self.reusable = Reusable { errors, retries, timeouts };
        for field in errors.unwrap_or_default() {
            self.error_body(&field.value, &join("/use/errors", &field.name));
        }
        for field in retries.unwrap_or_default() {
            self.retry_body(&field.value, &join("/use/retries", &field.name));
        }
        for field in timeouts.unwrap_or_default() {
            self.timeout_body(&field.value, &join("/use/timeouts", &field.name), Sees::Task);
        }
        if let Some(node) = body.get("functions")
            && let Some(functions) = self.object(node, "/use/functions")
        {
            for field in functions.fields {
                self.slot_names.insert(field.name.clone());
                if let Some(slot) = self.slot(&field.name, &field.value, &functions.below(&field.name)) {
                    self.slots.push(slot);
                }
            }
        }
        if let Some(node) = body.get("secrets")
            && let Some(items) = self.list(node, "/use/secrets")
        {
            for (i, item) in items.iter().enumerate() {
                if let Some(name) = self.text(item, &join("/use/secrets", &i.to_string())) {
                    secrets.insert(name.to_owned(), Value::String(format!("{{{{huiyin:secret:{name}}}}}")));
                }
            }
        }
        Value::Object(secrets)
    }

    /// A slot: exactly one catalog call, and what documents it.
    fn slot(&mut self, name: &str, node: &'r Node, pointer: &str) -> Option<Slot> {
        let body = self.object(node, pointer)?;
        if body.get("call").is_none() {
            let hint = "write `{\"call\": \"name:version@default\"}`";
            self.problems.error_hint(
                pointer,
                node.at,
                "a function must be exactly one call of the default catalog",
                Some(hint.to_owned()),
            );
            return None;
        }
        self.only(&body, &["call", "with", "input", "output", "metadata"]);
        let call = self.field_text(&body, "call")?;
        let call_node = body.get("call")?;
        let (function, info) = self.catalog_function(call, call_node, &body.below("call"))?;
        let with = body.get("with").and_then(|n| {
            self.object(n, &body.below("with"))?;
            self.template(n, &body.below("with"), Sees::Slot)
        });
        if let Some(with) = &with {
            let at = body.get("with").map_or(node.at, |n| n.at);
            self.check_arguments(with, &info, &body.below("with"), at, call);
        }
        let mut checks: [Option<SchemaCheck>; 2] = [None, None];
        for (check, name) in checks.iter_mut().zip(["input", "output"]) {
            if let Some(node) = body.get(name)
                && let Some(part) = self.strict(node, &body.below(name), &["schema"])
            {
                *check = self.schema(&part);
            }
        }
        let [input, output] = checks;
        Some(Slot {
            name: name.into(),
            function,
            info,
            metadata: self.map_value(&body, "metadata"),
            with,
            input,
            output,
        })
    }

    /// Resolves `name:version@default`.
    pub(super) fn catalog_function(
        &mut self,
        call: &str,
        node: &Node,
        pointer: &str,
    ) -> Option<(Arc<FunctionRef>, FunctionInfo)> {
        if PROTOCOLS.contains(&call) {
            self.unsupported(pointer, node.at, &format!("`call: {call}`"));
            return None;
        }
        let (target, catalog) = call.rsplit_once('@').unwrap_or((call, ""));
        if call.contains("://") || (!catalog.is_empty() && catalog != "default") {
            self.refused(
                pointer,
                node.at,
                &format!("`{call}`, a function from elsewhere,"),
                "install it as a plugin and call it `name:version@default`",
            );
            return None;
        }
        let (name, version) = match target.split_once(':') {
            Some((name, version)) if !name.is_empty() && !version.is_empty() && !catalog.is_empty() => (name, version),
            _ => {
                let names: Vec<String> = self.slot_names.iter().cloned().collect();
                let hint = did_you_mean(call, names.iter().map(String::as_str))
                    .or_else(|| Some("write `name:version@default`, or the name of one of `use.functions`".to_owned()));
                self.problems.error_hint(
                    pointer,
                    node.at,
                    format!("`{call}` is neither a function of the default catalog nor one of `use.functions`"),
                    hint,
                );
                return None;
            }
        };
        match self.catalog.resolve(name, Some(version)) {
            Some(info) => Some((Arc::new(FunctionRef { name: name.to_owned(), version: version.to_owned() }), info)),
            None => {
                let (message, hint) = if self.catalog.resolve(name, None).is_some() {
                    (format!("the default catalog has no version `{version}` of `{name}`"), None)
                } else {
                    let names = self.catalog.names();
                    (
                        format!("the default catalog has no function `{name}`"),
                        did_you_mean(name, names.iter().map(String::as_str)),
                    )
                };
                self.problems.error_hint(pointer, node.at, message, hint);
                None
            }
        }
    }

    /// `with` against the function's input schema: its keys, and all of it where nothing is computed.
    pub(super) fn check_arguments(
        &mut self,
        with: &crate::expr::Template,
        info: &FunctionInfo,
        pointer: &str,
        at: Pos,
        call: &str,
    ) {
        let Some(schema) = &info.input_schema else { return };
        if let Some(value) = with.literal() {
            if let Ok(check) = SchemaCheck::compile(schema)
                && let Err(why) = check.check(value)
            {
                self.problems.error(pointer, at, format!("`with` does not fit the input of `{call}`: {why}"));
            }
            return;
        }
        let Some(keys) = with.keys() else { return };
        for required in schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
        {
            if !keys.contains(&required) {
                self.problems.error(pointer, at, format!("`{call}` needs `{required}`"));
            }
        }
        if schema.get("additionalProperties") == Some(&Value::Bool(false))
            && let Some(known) = schema.get("properties").and_then(Value::as_object)
        {
            for key in keys.into_iter().filter(|key| !known.contains_key(*key)) {
                let hint = did_you_mean(key, known.keys().map(String::as_str));
                self.problems.error_hint(&join(pointer, key), at, format!("`{call}` takes no `{key}`"), hint);
            }
        }
    }

    fn unused_slots(&mut self, top: &Obj<'_>) {
        let Some(Data::Object(uses)) = top.get("use").map(|n| &n.data) else { return };
        let Some(Data::Object(functions)) = uses.iter().find(|f| f.name == "functions").map(|f| &f.value.data) else {
            return;
        };
        for field in functions {
            if !self.used_slots.contains(&field.name) {
                self.problems.warn(
                    &join("/use/functions", &field.name),
                    field.at,
                    format!("the function `{}` is never called", field.name),
                    None,
                );
            }
        }
    }

    fn schedule(&mut self, node: &'r Node) -> Option<Schedule> {
        let body = self.strict(node, "/schedule", &["every", "cron", "after", "on"])?;
        if body.fields.len() != 1 {
            self.problems.error("/schedule", node.at, "must give exactly one of every, cron, after, on");
            return None;
        }
        let field = body.fields.first()?;
        let place = body.below(&field.name);
        match field.name.as_str() {
            "cron" => self.text(&field.value, &place).map(|text| Schedule::Cron(text.to_owned())),
            "on" => {
                let strategy = self.strategy(&field.value, &place, Sees::Nothing)?;
                let filters = strategy.filters.iter().map(super::FilterSpec::literal).collect();
                Some(Schedule::On(Trigger { all: strategy.all, filters, specs: strategy.filters }))
            }
            name => match self.duration(&field.value, &place, Sees::Nothing)? {
                super::DurationSpec::Expr(_) => {
                    self.problems.error(&place, field.value.at, "a schedule cannot be computed: there is no run yet");
                    None
                }
                super::DurationSpec::Fixed(span) if span.is_zero() => {
                    self.problems.error(&place, field.value.at, "the interval must be longer than nothing");
                    None
                }
                super::DurationSpec::Fixed(span) => Some(if name == "every" {
                    Schedule::Every(span.to_string())
                } else {
                    Schedule::After(span.to_string())
                }),
            },
        }
    }
}

/// RFC 1123 label, either case.
fn is_label(text: &str) -> bool {
    text.len() <= 63
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// Semantic Versioning 2.0: three numbers, perhaps `-pre` and `+build`.
fn is_version(text: &str) -> bool {
    let core = text.split_once('+').map_or(text, |(core, _)| core);
    let (core, pre) = core.split_once('-').map_or((core, None), |(core, pre)| (core, Some(pre)));
    let numbers: Vec<&str> = core.split('.').collect();
    numbers.len() == 3
        && numbers
            .iter()
            .all(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()) && (*n == "0" || !n.starts_with('0')))
        && pre.is_none_or(|pre| {
            pre.split('.').all(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'))
        })
}
