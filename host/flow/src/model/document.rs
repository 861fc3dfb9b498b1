//! The top of a workflow: `document`, `use`, `schedule` and the rest.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::{Map, Value};

use super::read::{Obj, Reader, Reusable, Sees};
use super::{Catalog, Document, FunctionInfo, FunctionRef, Inner, Schedule, Trigger};
use crate::diagnostic::{Problems, did_you_mean};
use crate::expr::Evaluator;
use crate::source::{Data, Node, join};

const TOP: [&str; 8] = ["document", "input", "use", "do", "timeout", "output", "schedule", "evaluate"];
const DOCUMENT: [&str; 8] = ["dsl", "namespace", "name", "version", "title", "summary", "tags", "metadata"];
/// What `document.metadata.huiyin` may hold; their values belong to whoever reads them.
const HUIYIN: [&str; 9] =
    ["unit", "timezone", "overlap", "catchUp", "jitter", "slots", "description", "title", "labels"];
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
        zone: super::parts::zone_of(&root.to_value()),
        loose: false,
        scope: Vec::new(),
        tasks: Vec::new(),
        slots: Vec::new(),
        inline: Vec::new(),
        within: None,
        called: Vec::new(),
        extensions: Vec::new(),
        secrets: Map::new(),
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
        if let Some(node) = top.get("use") {
            self.reusables(node);
        }
        let data = self.data_flow(&top, Sees::WorkflowInput, Sees::WorkflowOutput, None);
        let timeout = self.timeout(&top, Sees::WorkflowInput);
        let schedule = top.get("schedule").and_then(|node| self.schedule(node));
        let list = match self.required(&top, "do") {
            Some(node) => self.task_list(node, "/do"),
            None => Vec::new(),
        };
        self.unused_functions(&top);
        self.extend_tasks();
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
            inline: std::mem::take(&mut self.inline),
            extensions: std::mem::take(&mut self.extensions),
            secrets: Arc::new(Value::Object(std::mem::take(&mut self.secrets))),
            warnings: Vec::new(),
        })
    }

    /// Tells every task which extensions may stand around it.
    fn extend_tasks(&mut self) {
        for task in &mut self.tasks {
            let covers = self.extensions.iter().enumerate().filter(|(_, e)| e.covers(task));
            task.extensions = covers.map(|(i, _)| u32::try_from(i).unwrap_or(u32::MAX)).collect();
        }
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
        for name in ["dsl", "namespace", "name", "version"] {
            if let Some(Data::String(text)) = body.get(name).map(|node| &node.data)
                && text.is_empty()
            {
                self.problems.error(&body.below(name), place(name), format!("`{name}` is empty"));
            }
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

    pub(super) fn map_value(&mut self, body: &Obj<'r>, name: &str) -> Value {
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

    /// Resolves `name:version@default`.
    pub(super) fn catalog_function(
        &mut self,
        call: &str,
        node: &Node,
        pointer: &str,
    ) -> Option<(Arc<FunctionRef>, FunctionInfo)> {
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

    fn schedule(&mut self, node: &'r Node) -> Option<Schedule> {
        let body = self.strict(node, "/schedule", &["every", "cron", "after", "on", "read"])?;
        let given: Vec<_> = body.fields.iter().filter(|f| f.name != "read").collect();
        let [field] = given.as_slice() else {
            self.problems.error("/schedule", node.at, "must give exactly one of every, cron, after, on");
            return None;
        };
        if let Some(read) = body.get("read")
            && field.name != "on"
        {
            self.problems.error("/schedule/read", read.at, "says how events are read, so it goes with `on` only");
            return None;
        }
        let place = body.below(&field.name);
        match field.name.as_str() {
            "cron" => self.text(&field.value, &place).map(|text| Schedule::Cron(text.to_owned())),
            "on" => {
                let strategy = self.strategy(&field.value, &place, Sees::Nothing)?;
                if strategy.until.is_some() {
                    let hint = "a run starts as soon as its events are there".to_owned();
                    self.problems.error_hint(
                        &join(&place, "until"),
                        field.at,
                        "`until` says when a task stops listening; a schedule never stops",
                        Some(hint),
                    );
                    return None;
                }
                let read = match body.get("read") {
                    Some(_) => Some(self.read_as(&body)?),
                    None => None,
                };
                let filters = strategy.filters.iter().map(super::FilterSpec::literal).collect();
                Some(Schedule::On(Trigger { all: strategy.all, filters, read, specs: strategy.filters }))
            }
            name => match self.duration(&field.value, &place, Sees::Nothing)? {
                super::DurationSpec { length: super::Length::Expr(_), .. } => {
                    self.problems.error(&place, field.value.at, "a schedule cannot be computed: there is no run yet");
                    None
                }
                super::DurationSpec { length: super::Length::Fixed(span), .. } if span.is_zero() => {
                    self.problems.error(&place, field.value.at, "the interval must be longer than nothing");
                    None
                }
                super::DurationSpec { length: super::Length::Fixed(span), .. } => Some(if name == "every" {
                    Schedule::Every(span.to_string())
                } else {
                    Schedule::After(span.to_string())
                }),
            },
        }
    }
}

/// RFC 1123 label, either case.
pub(super) fn is_label(text: &str) -> bool {
    text.len() <= 63
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// Semantic Versioning 2.0: three numbers, perhaps `-pre` and `+build`.
pub(super) fn is_version(text: &str) -> bool {
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
