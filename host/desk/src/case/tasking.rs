//! Tasks: handed over, accepted, passed on, returned, answered (受理、转办、反馈,
//! clause 3.4b). A task may go to any unit of the pack; that unit, and those
//! above it, act on its part, though the case is not theirs.

use std::sync::Arc;

use huiyin_deadline::Allowance;
use serde_json::{Value, json};

use super::task::{
    MAX_HOLDERS, MAX_RETURNS, MAX_TASKS, MAX_TRANSFERS, Part, PartState, Task, TaskEntry, TaskKind, TaskStep,
};
use super::{Case, Notification};
use crate::command::{AcceptTask, AssignTask, FeedBackTask, ReturnTask, TransferTask, WithdrawTask};
use crate::decide::{Output, Work, said};
use crate::error::DeskError;
use crate::fact::Fact;
use crate::policy::Occasion;

/// The most pieces of evidence of one feedback.
const MAX_EVIDENCE: usize = 50;

impl Work<'_> {
    /// `assign-task`.
    pub(crate) fn assign_task(&mut self, input: &AssignTask) -> Output {
        let case = self.open(&input.case)?;
        let text = said(&input.text, 2_000, "/text", "the task")?;
        if input.kind == TaskKind::Supervise {
            self.principal(&case.unit)?;
        }
        if case.tasks.len() >= MAX_TASKS || input.with.len() >= MAX_HOLDERS {
            return Err(DeskError::new(
                "too-many",
                format!("a case has at most {MAX_TASKS} tasks, and a task at most {MAX_HOLDERS} units"),
            )
            .at("/case"));
        }
        let mut parts: Vec<Part> = Vec::new();
        let units = std::iter::once(("/to".to_owned(), &input.to))
            .chain(input.with.iter().enumerate().map(|(i, unit)| (format!("/with/{i}"), unit)));
        for (pointer, unit) in units {
            self.unit(unit, &pointer)?;
            if parts.iter().any(|part| part.unit == *unit) {
                return Err(DeskError::new("twice", format!("unit `{unit}` has a part already")).at(pointer));
            }
            parts.push(Part {
                unit: unit.clone(),
                state: PartState::Assigned,
                returns: 0,
                transfers: 0,
                feedback: None,
            });
        }
        let id = format!("t{}", case.tasks.len() + 1);
        let allowance = self.task_allowance(input)?;
        let task = Task {
            id: id.clone(),
            kind: input.kind,
            text,
            from: case.unit.clone(),
            parts,
            by: self.actor().clone(),
            at: self.now(),
            withdrawn: None,
            history: Vec::new(),
        };
        let notify = self.tell(&case, Occasion::TaskAssigned, task.parts.iter().map(|part| part.unit.as_str()));
        let clock = task.clock();
        self.push(Fact::TaskAssigned { head: case.head(), task, notify });
        if let Some(allowance) = allowance {
            self.start_task_clock(&case.number, input.kind, &clock, allowance)?;
        }
        self.task_output(&case.number, &id)
    }

    /// `accept-task`.
    pub(crate) fn accept_task(&mut self, input: &AcceptTask) -> Output {
        let (case, part) = self.part(&input.case, &input.task, input.unit.as_deref())?;
        expect(&part, &[PartState::Assigned], "accept")?;
        self.step(&case, &input.task, TaskStep::Accepted { unit: part.unit }, Vec::new())
    }

    /// `transfer-task`.
    pub(crate) fn transfer_task(&mut self, input: &TransferTask) -> Output {
        let (case, part) = self.part_or_own(&input.case, &input.task, input.unit.as_deref())?;
        let reason = said(&input.reason, 1_000, "/reason", "the reason")?;
        self.unit(&input.to, "/to")?;
        expect(&part, &[PartState::Assigned, PartState::Accepted, PartState::Returned], "pass on")?;
        let held = case.task(&input.task).is_some_and(|task| task.parts.iter().any(|p| p.unit == input.to));
        if held {
            return Err(DeskError::new("twice", format!("unit `{}` has a part already", input.to)).at("/to"));
        }
        if part.transfers >= MAX_TRANSFERS {
            return Err(DeskError::new("too-many", format!("it was passed on {MAX_TRANSFERS} times already"))
                .at("/task")
                .clause("3.4b")
                .hint("withdraw the task, and agree first who takes it"));
        }
        let notify = self.tell(&case, Occasion::TaskAssigned, [input.to.as_str()]);
        let step = TaskStep::Transferred { unit: part.unit, to: input.to.clone(), reason };
        self.step(&case, &input.task, step, notify)
    }

    /// `return-task`.
    pub(crate) fn return_task(&mut self, input: &ReturnTask) -> Output {
        let (case, part) = self.part(&input.case, &input.task, input.unit.as_deref())?;
        let reason = said(&input.reason, 1_000, "/reason", "the reason")?;
        expect(&part, &[PartState::Assigned, PartState::Accepted], "return")?;
        if part.returns >= MAX_RETURNS {
            return Err(DeskError::new("too-many", format!("it was returned {MAX_RETURNS} times already"))
                .at("/task")
                .clause("3.4b")
                .hint("do it, or ask the unit above to pass it on: `transfer-task`"));
        }
        let notify = self.tell(&case, Occasion::TaskReturned, [case.unit.as_str()]);
        self.step(&case, &input.task, TaskStep::Returned { unit: part.unit, reason }, notify)
    }

    /// `feed-back-task`.
    pub(crate) fn feed_back_task(&mut self, input: &FeedBackTask) -> Output {
        let (case, part) = self.part(&input.case, &input.task, input.unit.as_deref())?;
        let text = said(&input.text, 4_000, "/text", "the feedback")?;
        if input.evidence.len() > MAX_EVIDENCE {
            return Err(
                DeskError::new("too-many", format!("at most {MAX_EVIDENCE} pieces of evidence")).at("/evidence")
            );
        }
        let evidence = input.evidence.iter().enumerate();
        let evidence = evidence
            .map(|(i, text)| said(text, 1_000, &format!("/evidence/{i}"), "the evidence"))
            .collect::<Result<Vec<_>, _>>()?;
        expect(&part, &[PartState::Accepted], "answer")?;
        let notify = self.tell(&case, Occasion::TaskFedBack, [case.unit.as_str()]);
        self.step(&case, &input.task, TaskStep::FedBack { unit: part.unit, text, evidence }, notify)
    }

    /// `withdraw-task`.
    pub(crate) fn withdraw_task(&mut self, input: &WithdrawTask) -> Output {
        let case = self.open(&input.case)?;
        let reason = said(&input.reason, 1_000, "/reason", "the reason")?;
        open_task(&case, &input.task)?;
        self.step(&case, &input.task, TaskStep::Withdrawn { reason }, Vec::new())
    }

    /// Records a step, and brings the task's clock to rest where that ends it.
    fn step(&mut self, case: &Case, task: &str, step: TaskStep, notify: Vec<Notification>) -> Output {
        let entry = TaskEntry { step, by: self.actor().clone(), at: self.now() };
        self.push(Fact::TaskMoved { head: case.head(), task: task.to_owned(), entry, notify });
        let after = self.held(&case.number)?;
        if let Some(task) = after.task(task).filter(|task| !task.is_open()) {
            self.stop_task_clock(&after.number, &task.clock())?;
        }
        self.task_output(&case.number, task)
    }

    /// A case of which a unit may have a part only.
    pub(crate) fn held(&self, number: &str) -> Result<Arc<Case>, DeskError> {
        self.desk.case_arc(number).cloned().ok_or_else(|| {
            DeskError::new("not-found", format!("there is no case {number}"))
                .at("/case")
                .hint("`huiyin task list` shows a unit's tasks")
        })
    }

    /// The part that a unit acts on: one that is open, and the acting unit's own or of one below it.
    fn part(&self, number: &str, task: &str, unit: Option<&str>) -> Result<(Arc<Case>, Part), DeskError> {
        let (case, part) = self.named_part(number, task, unit)?;
        self.within(&part.unit, "/task")?;
        Ok((case, part))
    }

    /// The same, or one of a task that the acting unit handed over.
    fn part_or_own(&self, number: &str, task: &str, unit: Option<&str>) -> Result<(Arc<Case>, Part), DeskError> {
        let (case, part) = self.named_part(number, task, unit)?;
        self.within(&part.unit, "/task").or_else(|error| self.within(&case.unit, "/task").map_err(|_| error))?;
        Ok((case, part))
    }

    fn named_part(&self, number: &str, task: &str, unit: Option<&str>) -> Result<(Arc<Case>, Part), DeskError> {
        let case = self.held(number)?;
        let found = open_task(&case, task)?;
        let scope = self.scope();
        let own = unit.or(scope).and_then(|unit| found.parts.iter().find(|part| part.unit == unit));
        let part = match (own, unit, found.parts.as_slice()) {
            (Some(part), ..) => part,
            // Of a task with one part it is clear which one is meant.
            (None, None, [only]) => only,
            _ => {
                let units: Vec<&str> = found.parts.iter().map(|part| part.unit.as_str()).collect();
                return Err(DeskError::new("not-found", format!("task {task} is not that unit's"))
                    .at("/unit")
                    .hint(format!("it is with: {}", units.join(", "))));
            }
        };
        Ok((Arc::clone(&case), part.clone()))
    }

    fn unit(&self, code: &str, pointer: &str) -> Result<(), DeskError> {
        let policy = self.policy()?;
        if policy.unit(code).is_some() {
            return Ok(());
        }
        let known: Vec<&str> = policy.units.iter().take(20).map(|unit| unit.code.as_str()).collect();
        Err(DeskError::new("not-found", format!("the policy pack has no unit `{code}`"))
            .at(pointer)
            .hint(format!("it has: {}", known.join(", "))))
    }

    /// A supervision order is the principal's, of the unit or one above it.
    fn principal(&self, unit: &str) -> Result<(), DeskError> {
        let by = self.person("give a supervision order", "2c")?;
        if self.policy()?.line(unit).any(|above| above.has_role(&by, "principal") || above.has_role(&by, "leader")) {
            return Ok(());
        }
        Err(DeskError::new("not-your-role", format!("`{by}` is not a principal of unit `{unit}` or of one above it"))
            .clause("2c")
            .hint("ask the principal, or assign a task of another kind"))
    }

    /// The allowance of a task: the pack's, or a tighter one (rule 7).
    fn task_allowance(&self, input: &AssignTask) -> Result<Option<Allowance>, DeskError> {
        let policy = self.policy()?;
        let rule = policy.clock(&input.kind.rule(), &input.to).and_then(|rule| rule.allowance);
        let Some(text) = &input.allow else { return Ok(rule) };
        let own: Allowance = text.parse().map_err(|error: huiyin_deadline::AllowanceError| {
            DeskError::new("invalid-input", error.to_string()).at("/allow").hint(error.hint)
        })?;
        match rule {
            Some(most) if !crate::policy::no_longer(&own, &most) => Err(DeskError::new(
                "looser",
                format!("the pack's rule `{}` allows {most}, not {own}", input.kind.rule()),
            )
            .at("/allow")
            .clause("rule 7")
            .hint("give a shorter time, or none")),
            _ => Ok(Some(own)),
        }
    }

    pub(super) fn tell<'u>(
        &self,
        case: &Case,
        on: Occasion,
        units: impl IntoIterator<Item = &'u str>,
    ) -> Vec<Notification> {
        let mut all: Vec<Notification> = Vec::new();
        for unit in units {
            for mut next in self.owed(on, case.level, unit, None, Some(case)) {
                if all.iter().all(|known| known.to.id != next.to.id) {
                    next.id = format!("n{}", case.notifications.len() + all.len() + 1);
                    all.push(next);
                }
            }
        }
        all
    }

    fn task_output(&self, number: &str, id: &str) -> Output {
        let case = self.held(number)?;
        let task = case.task(id).ok_or_else(|| DeskError::new("not-found", format!("there is no task {id}")))?;
        Ok(view(&case, task))
    }
}

fn open_task<'c>(case: &'c Case, id: &str) -> Result<&'c Task, DeskError> {
    let task = case.task(id).ok_or_else(|| {
        let ids: Vec<&str> = case.tasks.iter().filter(|task| task.is_open()).map(|task| task.id.as_str()).collect();
        DeskError::new("not-found", format!("case {} has no task `{id}`", case.number))
            .at("/task")
            .hint(format!("open ones: {}", ids.join(", ")))
    })?;
    if task.is_open() && case.is_open() {
        return Ok(task);
    }
    Err(DeskError::new("closed", format!("task {id} of case {} is over", case.number))
        .at("/task")
        .hint("assign a new one"))
}

fn expect(part: &Part, states: &[PartState], verb: &str) -> Result<(), DeskError> {
    if states.contains(&part.state) {
        return Ok(());
    }
    let hint = match part.state {
        PartState::Assigned => "accept it first: `accept-task`",
        PartState::Accepted => "it is accepted already",
        PartState::Returned => "it was returned: `transfer-task` hands it to a unit again",
        PartState::Done => "the unit has given its feedback",
    };
    Err(DeskError::new("order", format!("unit `{}` cannot {verb} it now: {}", part.unit, part.state.zh()))
        .clause("3.4b")
        .hint(hint))
}

/// A task as people and programs read it.
pub(crate) fn view(case: &Case, task: &Task) -> Value {
    let clock = case.clocks.iter().find(|entry| entry.clock.id == task.clock()).map(|entry| &entry.clock);
    json!({
        "case": case.number,
        "title": case.title,
        "level": case.level,
        "task": task.id,
        "kind": task.kind,
        "kind_zh": task.kind.zh(),
        "text": task.text,
        "from": task.from,
        "parts": task.parts.iter().map(|part| json!({
            "unit": part.unit, "state": part.state, "state_zh": part.state.zh(),
            "returns": part.returns, "transfers": part.transfers, "feedback": part.feedback,
        })).collect::<Vec<_>>(),
        "open": task.is_open(),
        "done": task.is_done(),
        "by": task.by,
        "at": task.at,
        "withdrawn": task.withdrawn,
        "due_at": clock.map(|clock| clock.due.at),
        "provisional": clock.is_some_and(|clock| clock.due.provisional),
        "breached_at": clock.and_then(|clock| clock.breached.as_ref()).map(|breach| breach.fired_at),
        "history": task.history,
    })
}
