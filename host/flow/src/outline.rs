//! The shape of a workflow document: its tasks, the lists they stand in, and
//! where the flow goes after each. Read from the JSON itself, so that it holds
//! for every document, also one that the parser would refuse. For what looks at
//! workflows (warnings, diagrams); the interpreter must never use it.

use serde_json::{Map, Value};

use crate::source::join;

/// The kinds of tasks, by the property that makes them. `for` stands before
/// `do`, which it has as a companion.
const KINDS: [&str; 12] =
    ["call", "for", "do", "emit", "fork", "listen", "raise", "run", "set", "switch", "try", "wait"];

/// A list of tasks.
#[derive(Debug)]
pub(crate) struct List<'v> {
    /// What it is to the task around it.
    pub(crate) role: Role,
    pub(crate) tasks: Vec<Task<'v>>,
}

/// What a list is to the task around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// The workflow's own, or a `do`'s.
    Body,
    /// The rounds of a `for`.
    Rounds,
    /// Branches of a `fork`: all of them at once.
    Branches,
    /// What a `try` tries.
    Tried,
    /// What a `try` does about an error.
    Handler,
    /// What a `listen` does for each event.
    EachEvent,
}

/// One task.
#[derive(Debug)]
pub(crate) struct Task<'v> {
    pub(crate) name: &'v str,
    pub(crate) pointer: String,
    pub(crate) kind: &'static str,
    pub(crate) body: &'v Map<String, Value>,
    pub(crate) lists: Vec<List<'v>>,
}

/// Where the flow may go within a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Goal {
    /// To the task at this place; the one behind the last is the list's end.
    At(usize),
    Exit,
    End,
}

/// A way from a task on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Way {
    pub(crate) goal: Goal,
    /// Index of the `switch` case that it belongs to.
    pub(crate) case: Option<usize>,
    /// Taken only because the task was skipped.
    pub(crate) skipping: bool,
}

/// One case of a `switch`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case<'v> {
    pub(crate) name: &'v str,
    pub(crate) when: Option<&'v str>,
    pub(crate) then: Option<&'v str>,
}

/// The workflow's own list.
pub(crate) fn outline(document: &Value) -> List<'_> {
    list(document.get("do"), "/do", Role::Body)
}

/// Any list of tasks at a place.
fn list<'v>(value: Option<&'v Value>, pointer: &str, role: Role) -> List<'v> {
    let mut tasks = Vec::new();
    for (at, item) in value.and_then(Value::as_array).into_iter().flatten().enumerate() {
        let Some((name, body)) = item.as_object().and_then(|entry| entry.iter().next()) else { continue };
        let Some(body) = body.as_object() else { continue };
        let Some(kind) = KINDS.into_iter().find(|kind| body.contains_key(*kind)) else { continue };
        let pointer = join(&join(pointer, &at.to_string()), name);
        let lists = lists(kind, body, &pointer);
        tasks.push(Task { name, pointer, kind, body, lists });
    }
    List { role, tasks }
}

fn lists<'v>(kind: &str, body: &'v Map<String, Value>, pointer: &str) -> Vec<List<'v>> {
    let below = |path: &[&str], role| {
        let mut place = pointer.to_owned();
        let mut value = None;
        for (depth, name) in path.iter().enumerate() {
            place = join(&place, name);
            value = if depth == 0 { body.get(*name) } else { value.and_then(|v: &Value| v.get(*name)) };
        }
        value.map(|value| list(Some(value), &place, role))
    };
    let found = match kind {
        "do" => [below(&["do"], Role::Body), None],
        "for" => [below(&["do"], Role::Rounds), None],
        "fork" => [below(&["fork", "branches"], Role::Branches), None],
        "listen" => [below(&["foreach", "do"], Role::EachEvent), None],
        "try" => [below(&["try"], Role::Tried), below(&["catch", "do"], Role::Handler)],
        _ => [None, None],
    };
    found.into_iter().flatten().collect()
}

impl<'v> List<'v> {
    /// Every task of the list and below it, in order of writing.
    pub(crate) fn walk<'a>(&'a self, visit: &mut impl FnMut(&'a Task<'v>, &'a List<'v>)) {
        for task in &self.tasks {
            visit(task, self);
            for list in &task.lists {
                list.walk(visit);
            }
        }
    }

    /// The ways on from the task at `at`, most wanted first.
    pub(crate) fn ways(&self, at: usize) -> Vec<Way> {
        let Some(task) = self.tasks.get(at) else { return Vec::new() };
        let next = Goal::At(at + 1);
        let own = self.goal(task.text("then"), at);
        let mut ways = Vec::new();
        match task.kind {
            "raise" => {}
            "switch" => {
                let mut default = false;
                for (index, case) in task.cases().into_iter().enumerate() {
                    ways.push(Way { goal: self.goal(case.then, at), case: Some(index), skipping: false });
                    if case.when.is_none() {
                        default = true;
                        break;
                    }
                }
                if !default {
                    ways.push(Way { goal: own, case: None, skipping: false });
                }
            }
            _ if task.completes() => ways.push(Way { goal: own, case: None, skipping: false }),
            _ => {}
        }
        if let Some(then) = task.body.get("catch").and_then(|catch| catch.get("then")).and_then(Value::as_str) {
            ways.push(Way { goal: self.goal(Some(then), at), case: None, skipping: false });
        }
        if task.text("if").is_some() && !ways.iter().any(|way| way.goal == next) {
            ways.push(Way { goal: next, case: None, skipping: true });
        }
        ways
    }

    fn goal(&self, then: Option<&str>, at: usize) -> Goal {
        match then {
            None | Some("continue") => Goal::At(at + 1),
            Some("exit") => Goal::Exit,
            Some("end") => Goal::End,
            Some(name) => self.tasks.iter().position(|task| task.name == name).map_or(Goal::At(at + 1), Goal::At),
        }
    }

    /// The tasks that the flow can come to.
    pub(crate) fn reached(&self) -> Vec<bool> {
        let mut reached = vec![self.role == Role::Branches; self.tasks.len()];
        if self.role == Role::Branches {
            return reached;
        }
        let mut open = vec![0];
        while let Some(at) = open.pop() {
            match reached.get_mut(at) {
                Some(seen) if !*seen => *seen = true,
                _ => continue,
            }
            open.extend(self.ways(at).iter().filter_map(|way| match way.goal {
                Goal::At(to) => Some(to),
                Goal::Exit | Goal::End => None,
            }));
        }
        reached
    }

    /// Whether the list can be done, other than by ending the run.
    pub(crate) fn completes(&self) -> bool {
        let reached = self.reached();
        self.tasks.is_empty()
            || (0..self.tasks.len()).filter(|at| reached.get(*at) == Some(&true)).any(|at| {
                self.ways(at).iter().any(|way| match way.goal {
                    Goal::At(to) => to >= self.tasks.len(),
                    Goal::Exit => true,
                    Goal::End => false,
                })
            })
    }
}

impl<'v> Task<'v> {
    /// A property that is a text.
    pub(crate) fn text(&self, name: &str) -> Option<&'v str> {
        self.body.get(name).and_then(Value::as_str)
    }

    /// The property that makes the kind.
    pub(crate) fn own(&self) -> &'v Value {
        self.body.get(self.kind).unwrap_or(&Value::Null)
    }

    /// The cases of a `switch`.
    pub(crate) fn cases(&self) -> Vec<Case<'v>> {
        let text = |case: &'v Value, name: &str| case.get(name).and_then(Value::as_str);
        self.own()
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|item| item.as_object()?.iter().next())
            .map(|(name, case)| Case { name, when: text(case, "when"), then: text(case, "then") })
            .collect()
    }

    /// Whether it can be done at all, rather than always raise or end the run.
    /// In doubt it can.
    fn completes(&self) -> bool {
        match self.kind {
            "raise" => false,
            "do" => self.lists.iter().all(List::completes),
            // Without a handler the error is ignored, with one the handler decides.
            "try" => {
                let handled = self.lists.iter().find(|list| list.role == Role::Handler).is_none_or(List::completes);
                handled || self.lists.iter().filter(|list| list.role == Role::Tried).any(List::completes)
            }
            "fork" => {
                let compete = self.own().get("compete").and_then(Value::as_bool) == Some(true);
                let mut branches = self.lists.iter().flat_map(|list| &list.tasks);
                let done = |branch: &Task<'_>| branch.text("if").is_some() || branch.completes();
                if compete { branches.any(done) } else { branches.all(done) }
            }
            _ => true,
        }
    }
}
