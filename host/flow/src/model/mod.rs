//! The parsed, checked and compiled workflow. Must never hold anything that the
//! interpreter would have to refuse: what is not supported is refused in parsing.

mod arguments;
mod auth;
mod call;
mod document;
mod events;
mod listen;
mod parts;
mod pattern;
mod read;
mod tasks;
mod uri;
mod uses;

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::diagnostic::{Diagnostic, Problems};
use crate::expr::{Evaluator, Program, Template};
use crate::request::WorkflowRef;
use crate::source;

pub(crate) use auth::AuthSpec;
pub(crate) use call::{RequestKind, RequestSpec, is_token};
pub use events::matches;
pub(crate) use events::{FilterSpec, Until};
pub(crate) use listen::ListenSpec;
pub(crate) use parts::{Backoff, DurationSpec, Length, RetryPolicy, SchemaCheck};
pub(crate) use uri::absolute;
pub(crate) use uses::{Extension, Inline};

/// The default catalog: what `call: name:version@default` can reach.
pub trait Catalog {
    /// The function of this name; without a version, the newest.
    fn resolve(&self, name: &str, version: Option<&str>) -> Option<FunctionInfo>;
    /// All names, for hints. May be empty.
    fn names(&self) -> Vec<String> {
        Vec::new()
    }
}

/// What the catalog knows of a function.
#[derive(Debug, Clone, PartialEq)]
pub struct FunctionInfo {
    /// Who does it.
    pub kind: FunctionKind,
    /// JSON Schema of `with`.
    pub input_schema: Option<Value>,
    /// JSON Schema of the result.
    pub output_schema: Option<Value>,
}

/// Who does a function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "lowercase")]
pub enum FunctionKind {
    /// The desk itself; cannot be rebound.
    Core,
    /// A plugin.
    Plugin {
        /// `collector`, `classifier`, `reporter`, `notifier` or `step`.
        kind: String,
    },
}

/// A function of the default catalog.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FunctionRef {
    /// Its name.
    pub name: String,
    /// Its exact version.
    pub version: String,
}

/// A slot: an entry of `use.functions` that a unit may rebind.
#[derive(Debug, Clone)]
pub struct Slot {
    /// The slot's name.
    pub name: Arc<str>,
    /// What it calls unless rebound.
    pub function: Arc<FunctionRef>,
    /// What the catalog says about it.
    pub info: FunctionInfo,
    /// The slot's own `metadata`.
    pub metadata: Value,
    pub(crate) with: Option<Template>,
    pub(crate) input: Option<SchemaCheck>,
    pub(crate) output: Option<SchemaCheck>,
}

/// `document`: what the workflow says about itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Document {
    /// Version of the DSL.
    pub dsl: String,
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Semantic version.
    pub version: String,
    /// Title.
    pub title: Option<String>,
    /// Summary, Markdown.
    pub summary: Option<String>,
    /// Tags.
    pub tags: Value,
    /// Metadata, as written.
    pub metadata: Value,
}

/// `schedule`: when runs start by themselves.
#[derive(Debug, Clone)]
pub enum Schedule {
    /// At every interval, ISO 8601.
    Every(String),
    /// A cron expression; its own syntax is checked by whoever runs it.
    Cron(String),
    /// This long after the last run ended, ISO 8601.
    After(String),
    /// When these events arrive.
    On(Trigger),
}

/// The events that start a run.
#[derive(Debug, Clone)]
pub struct Trigger {
    /// Whether one event of any filter is enough, or one of each is needed.
    pub all: bool,
    /// Literal attributes, to look events up by. Use [`Definition::triggered_by`] to be sure.
    pub filters: Vec<EventFilter>,
    /// What of the events is the run's input; none: not said, which is all of them.
    pub read: Option<Read>,
    pub(crate) specs: Vec<FilterSpec>,
}

/// Attributes which an event must have, literally.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventFilter {
    /// Attribute name → value.
    pub with: Map<String, Value>,
}

/// A parsed workflow. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Definition(pub(crate) Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) document: Document,
    pub(crate) source: Arc<Value>,
    pub(crate) tasks: Vec<Task>,
    pub(crate) by_pointer: HashMap<Arc<str>, TaskId>,
    pub(crate) list: Vec<TaskId>,
    pub(crate) data: DataFlow,
    pub(crate) timeout: Option<DurationSpec>,
    pub(crate) schedule: Option<Schedule>,
    pub(crate) slots: Vec<Slot>,
    pub(crate) inline: Vec<Inline>,
    pub(crate) extensions: Vec<Extension>,
    pub(crate) secrets: Arc<Value>,
    pub(crate) warnings: Vec<Diagnostic>,
}

/// Index of a task in `Inner::tasks`.
pub(crate) type TaskId = usize;

/// How data goes in and out of a task or the workflow.
#[derive(Debug, Default)]
pub(crate) struct DataFlow {
    pub(crate) input_schema: Option<SchemaCheck>,
    pub(crate) input_from: Option<Template>,
    pub(crate) output_as: Option<Template>,
    pub(crate) output_schema: Option<SchemaCheck>,
    pub(crate) export_as: Option<Template>,
    pub(crate) export_schema: Option<SchemaCheck>,
}

#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) name: Arc<str>,
    pub(crate) pointer: Arc<str>,
    pub(crate) definition: Arc<Value>,
    pub(crate) condition: Option<Program>,
    pub(crate) data: DataFlow,
    pub(crate) timeout: Option<DurationSpec>,
    pub(crate) then: Then,
    pub(crate) kind: TaskKind,
    /// Itself, as a list of one: for what extends it.
    pub(crate) own: [TaskId; 1],
    /// The extensions that may stand around it, of `Inner::extensions`.
    pub(crate) extensions: Vec<u32>,
}

/// Where the flow goes after a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    Continue,
    Exit,
    End,
    /// Index in the same list.
    Go(u32),
}

#[derive(Debug)]
pub(crate) enum TaskKind {
    Call {
        target: Target,
        with: Option<Template>,
    },
    Do {
        list: Vec<TaskId>,
    },
    Emit {
        event: Template,
    },
    For {
        each: Arc<str>,
        at: Arc<str>,
        items: Template,
        condition: Option<Program>,
        list: Vec<TaskId>,
    },
    Fork {
        branches: Vec<TaskId>,
        compete: bool,
    },
    Listen(Box<ListenSpec>),
    Raise {
        error: Template,
    },
    /// `call: http` and the like.
    Request(Box<RequestSpec>),
    /// `run` of another workflow; `returns`: its output is the task's.
    Run {
        workflow: Arc<WorkflowRef>,
        input: Option<Template>,
        wait: bool,
        returns: bool,
    },
    Set {
        value: Template,
    },
    Switch {
        cases: Vec<(Option<Program>, Then)>,
    },
    Try {
        list: Vec<TaskId>,
        catch: Box<Catch>,
    },
    Wait {
        duration: DurationSpec,
    },
}

#[derive(Debug)]
pub(crate) enum Target {
    Function(Arc<FunctionRef>),
    /// Index in `Inner::slots`.
    Slot(usize),
    /// Index in `Inner::inline`.
    Inline(usize),
}

/// What is taken of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Read {
    /// Its data.
    Data,
    /// All of it.
    Envelope,
}

impl Read {
    /// What it takes of `event`.
    pub fn of(self, event: &Value) -> Value {
        match self {
            Self::Data => event.get("data").cloned().unwrap_or(Value::Null),
            Self::Envelope => event.clone(),
        }
    }
}

/// What a workflow asks for by itself, as far as the text tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestInfo {
    /// JSON Pointer of the task.
    pub task: String,
    /// `http` or `openapi`.
    pub by: &'static str,
    /// The URI (of the OpenAPI document), if nothing in it is computed.
    pub uri: Option<String>,
    /// Secrets whose fields are its authentication (`use: <secret>`).
    pub secrets: Vec<String>,
}

#[derive(Debug, Default)]
pub(crate) struct Catch {
    pub(crate) with: Vec<(String, Value)>,
    pub(crate) name: Arc<str>,
    pub(crate) when: Option<Program>,
    pub(crate) except_when: Option<Program>,
    pub(crate) retry: Option<RetryPolicy>,
    pub(crate) handler: Option<Vec<TaskId>>,
    /// Where the flow goes once it has caught something, if not where the task says.
    pub(crate) then: Option<Then>,
}

impl Definition {
    /// Parses and checks a workflow text; `file` names it in the findings.
    /// Files ending in `.yaml` or `.yml` are YAML, in `.json` JSON; otherwise
    /// the text itself tells. All findings come at once.
    pub fn parse(
        text: &str,
        file: &str,
        catalog: &dyn Catalog,
        evaluator: &dyn Evaluator,
    ) -> Result<Self, Vec<Diagnostic>> {
        let mut problems = Problems::new(file);
        let Some(root) = source::read(text, file, &mut problems) else {
            return Err(problems.list);
        };
        let inner = document::read(&root, catalog, evaluator, &mut problems);
        match inner {
            Some(mut inner) if !problems.has_errors() => {
                inner.warnings = problems.list;
                Ok(Self(Arc::new(inner)))
            }
            _ => Err(problems.list),
        }
    }

    /// What the workflow says about itself.
    pub fn document(&self) -> &Document {
        &self.0.document
    }

    /// The workflow as parsed, without comments and places.
    pub fn source(&self) -> &Arc<Value> {
        &self.0.source
    }

    /// `document.metadata.huiyin`, or null.
    pub fn extension(&self) -> &Value {
        self.0.document.metadata.get("huiyin").unwrap_or(&Value::Null)
    }

    /// The slots that a unit may rebind.
    pub fn functions(&self) -> &[Slot] {
        &self.0.slots
    }

    /// When runs start by themselves.
    pub fn schedule(&self) -> Option<&Schedule> {
        self.0.schedule.as_ref()
    }

    /// Names of the secrets it wants to use.
    pub fn secrets(&self) -> Vec<&str> {
        self.0.secrets.as_object().map(|map| map.keys().map(String::as_str).collect()).unwrap_or_default()
    }

    /// Findings that did not stop it.
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.0.warnings
    }

    /// JSON Pointers of all tasks, in order of writing.
    pub fn tasks(&self) -> impl Iterator<Item = (&str, &'static str)> {
        self.0.tasks.iter().map(|task| (&*task.pointer, task.kind.name()))
    }

    /// Every catalog function it may call, slots included.
    pub fn calls(&self) -> Vec<Arc<FunctionRef>> {
        let mut list: Vec<Arc<FunctionRef>> = self.0.slots.iter().map(|slot| Arc::clone(&slot.function)).collect();
        for task in &self.0.tasks {
            if let TaskKind::Call { target: Target::Function(function), .. } = &task.kind
                && !list.contains(function)
            {
                list.push(Arc::clone(function));
            }
        }
        list
    }

    /// Every request that it may send by itself, in order of writing.
    pub fn requests(&self) -> Vec<RequestInfo> {
        let mut list = Vec::new();
        for task in &self.0.tasks {
            let TaskKind::Request(spec) = &task.kind else { continue };
            let (by, uri, other) = match &spec.what {
                RequestKind::Http { uri, .. } => ("http", uri, None),
                RequestKind::OpenApi { document, document_authentication, .. } => {
                    ("openapi", document, document_authentication.as_ref())
                }
            };
            let secrets = spec.authentication.as_ref().into_iter().chain(other).filter_map(AuthSpec::secret);
            let secrets = secrets.map(str::to_owned).collect();
            let uri = uri.literal().map(str::to_owned);
            list.push(RequestInfo { task: task.pointer.to_string(), by, uri, secrets });
        }
        list
    }

    /// Every workflow that it may run.
    pub fn subflows(&self) -> Vec<Arc<WorkflowRef>> {
        let mut list: Vec<Arc<WorkflowRef>> = Vec::new();
        for task in &self.0.tasks {
            if let TaskKind::Run { workflow, .. } = &task.kind
                && !list.contains(workflow)
            {
                list.push(Arc::clone(workflow));
            }
        }
        list
    }

    /// The correlation keys that `event` binds anew as filter `index` of the
    /// schedule's trigger, beside those already `bound` by other events of the
    /// same start; `None` if it does not answer the filter, or belongs to others.
    pub fn correlates(
        &self,
        index: usize,
        event: &Value,
        bound: &Map<String, Value>,
        evaluator: &dyn Evaluator,
    ) -> Option<Map<String, Value>> {
        let Some(Schedule::On(trigger)) = &self.0.schedule else { return None };
        let spec = trigger.specs.get(index)?;
        if !spec.accepts(event, &Nothing, evaluator).unwrap_or(false) {
            return None;
        }
        spec.correlates(event, bound, &Arc::new(Value::Null), &Nothing, evaluator).ok().flatten()
    }

    /// Whether `event` answers filter `index` of the schedule's trigger.
    pub fn triggered_by(&self, index: usize, event: &Value, evaluator: &dyn Evaluator) -> bool {
        match &self.0.schedule {
            Some(Schedule::On(trigger)) => {
                trigger.specs.get(index).is_some_and(|spec| spec.accepts(event, &Nothing, evaluator).unwrap_or(false))
            }
            _ => false,
        }
    }

    /// Whether filter `index` of the schedule's trigger computes anything: if
    /// not, [`matches`] on its literal attributes is the whole answer.
    pub fn trigger_computes(&self, index: usize) -> bool {
        match &self.0.schedule {
            Some(Schedule::On(trigger)) => trigger.specs.get(index).is_some_and(FilterSpec::computes),
            _ => false,
        }
    }

    /// True when the result of the call that this task makes becomes the task's
    /// output as it is, with nothing between that could change or refuse it.
    pub fn gives_result(&self, pointer: &str) -> bool {
        self.task(pointer).is_some_and(|task| {
            let data = &task.data;
            let checked = match &task.kind {
                TaskKind::Call { target: Target::Slot(index), .. } => {
                    self.0.slots.get(*index).is_some_and(|slot| slot.output.is_some())
                }
                _ => false,
            };
            data.output_as.is_none() && data.output_schema.is_none() && data.export_as.is_none() && !checked
        })
    }

    pub(crate) fn task(&self, pointer: &str) -> Option<&Task> {
        self.0.by_pointer.get(pointer).and_then(|id| self.0.tasks.get(*id))
    }

    pub(crate) fn at(&self, id: TaskId) -> Option<&Task> {
        self.0.tasks.get(id)
    }
}

/// Where no run is yet, no variable means anything.
struct Nothing;

impl crate::expr::Variables for Nothing {
    fn variable(&self, _: &str, _: bool) -> Arc<Value> {
        Arc::new(Value::Null)
    }
}

impl TaskKind {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Call { .. } | Self::Request(_) => "call",
            Self::Do { .. } => "do",
            Self::Emit { .. } => "emit",
            Self::For { .. } => "for",
            Self::Fork { .. } => "fork",
            Self::Listen(_) => "listen",
            Self::Raise { .. } => "raise",
            Self::Run { .. } => "run",
            Self::Set { .. } => "set",
            Self::Switch { .. } => "switch",
            Self::Try { .. } => "try",
            Self::Wait { .. } => "wait",
        }
    }
}
