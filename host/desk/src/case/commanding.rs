//! Major matters: declared, told, commanded, ended (clauses 5b, 5c, 5d).
//!
//! A declaration starts three things in one decision: notice to the
//! spokesperson and the principal, each of whom has to acknowledge it; the
//! report to the superior; and the verification. While the procedure is open
//! there is one commander, one plan and one line, and other units publish
//! nothing on the matter unless the commander lets them.

use std::sync::Arc;

use serde_json::{Value, json};

use super::approving::{Approval, Proposal};
use super::major::{Commander, Declaration, MajorEntry, MajorStep, Notice, Plan, Released};
use super::{Case, Confirmation, Notification, StepTaken, TaskEntry, TaskKind, TaskStep};
use crate::actor::Actor;
use crate::command::{
    AcknowledgeNotice, AppointCommander, AssignTask, DeclareMajor, EndMajor, ReleasePublishing, SetPlan,
};
use crate::decide::{Output, Work, said};
use crate::error::DeskError;
use crate::fact::Fact;
use crate::level::Level;
use crate::policy::{Occasion, Recipient, SatisfiedBy};

/// The most procedures of one case, versions of a plan, and commanders.
const MAX_STEPS: usize = 100;

impl Work<'_> {
    /// `declare-major`.
    pub(crate) fn declare_major(&mut self, input: &DeclareMajor) -> Output {
        let case = self.open(&input.case)?;
        let reason = said(&input.reason, 1_000, "/reason", "the reason")?;
        if let Some(major) = case.major() {
            return Err(DeskError::new("unchanged", format!("it is a major matter since {}", major.declared.at))
                .at("/case")
                .clause("5c"));
        }
        few(case.majors.len(), "procedures")?;
        if !case.level.is_major() {
            self.change_level(&case.number, Level::II, &reason, self.actor().clone())?;
        }
        // The pack may have said so of the level already.
        if self.case(&case.number)?.major().is_none() {
            self.begin_major(&case.number, reason, self.actor().clone(), input.verify.as_deref())?;
        }
        self.major_output(&case.number)
    }

    /// What the pack says of the case's level; and where the lead unit has changed, its people are told.
    pub(super) fn major_by_level(&mut self, number: &str) -> Result<(), DeskError> {
        let (case, policy) = (self.case(number)?, self.policy()?);
        if case.major().is_some() {
            return self.tell_lead(number);
        }
        let by_level = policy.major.as_ref().is_some_and(|rule| rule.levels.contains(&case.level));
        if !by_level || !case.majors.is_empty() {
            return Ok(());
        }
        let reason = format!("{}:按制度包自动启动", case.level.zh());
        self.begin_major(number, reason, Actor::System("desk".to_owned()), None)
    }

    /// The three together.
    fn begin_major(&mut self, number: &str, reason: String, by: Actor, verify: Option<&str>) -> Result<(), DeskError> {
        let case = self.case(number)?;
        let verifier = verify.unwrap_or(&case.unit).to_owned();
        if self.policy()?.unit(&verifier).is_none() {
            return Err(DeskError::new("not-found", format!("the policy pack has no unit `{verifier}`")).at("/verify"));
        }
        let (notices, notify) = self.notices(&case, self.lead_people(&case)?, None);
        let next = case.tasks.len() + 1;
        let report = case.reports.is_empty().then(|| format!("t{next}"));
        let verification = format!("t{}", next + usize::from(report.is_some()));
        let declared =
            Declaration { reason, by, at: self.now(), notices: notices.clone(), report: report.clone(), verification };
        self.push(Fact::MajorDeclared { head: case.head(), declared: Box::new(declared), notify });
        for notice in &notices {
            self.start_watch(number, SatisfiedBy::Acknowledgement, &notice.clock())?;
        }
        let task = |kind, to: &str, text: &str| AssignTask {
            case: number.to_owned(),
            kind,
            to: to.to_owned(),
            with: Vec::new(),
            text: text.to_owned(),
            allow: None,
        };
        if report.is_some() {
            self.assign_task(&task(TaskKind::Report, &case.unit, "重大政务舆情:第一时间向上级报告(事发后1小时内)"))?;
        }
        self.assign_task(&task(TaskKind::Verify, &verifier, "重大政务舆情:核查反映的有关问题"))?;
        Ok(())
    }

    /// The spokesperson and the principal of the lead unit who were not told yet.
    fn lead_people(&self, case: &Case) -> Result<Vec<Recipient>, DeskError> {
        let policy = self.policy()?;
        let known = |to: &Recipient| {
            case.major().is_some_and(|major| major.declared.notices.iter().any(|notice| notice.to.id == to.id))
        };
        let mut people: Vec<Recipient> = Vec::new();
        for to in ["spokesperson", "principal"].iter().flat_map(|role| policy.of_role(&case.unit, role)) {
            if !known(&to) && people.iter().all(|other| other.id != to.id) {
                people.push(to);
            }
        }
        Ok(people)
    }

    fn notices(
        &self,
        case: &Case,
        people: Vec<Recipient>,
        instead_of: Option<&str>,
    ) -> (Vec<Notice>, Vec<Notification>) {
        let told = case.majors.iter().map(|major| major.declared.notices.len()).sum::<usize>();
        let all = people.into_iter().enumerate().map(|(i, to)| {
            let notification = Notification {
                id: format!("n{}", case.notifications.len() + i + 1),
                to: to.clone(),
                on: Occasion::MajorDeclared,
                clock: None,
                clause: Some("5b".to_owned()),
                at: self.now(),
                deliveries: Vec::new(),
            };
            let notice = Notice {
                id: format!("m{}", told + i + 1),
                to,
                notification: notification.id.clone(),
                instead_of: instead_of.map(str::to_owned),
                at: self.now(),
                acknowledged: None,
            };
            (notice, notification)
        });
        all.unzip()
    }

    fn tell_lead(&mut self, number: &str) -> Result<(), DeskError> {
        let case = self.case(number)?;
        let people = self.lead_people(&case)?;
        self.tell_of_major(number, people, None)
    }

    /// One notice more for each, with its clock.
    fn tell_of_major(
        &mut self,
        number: &str,
        people: Vec<Recipient>,
        instead_of: Option<&str>,
    ) -> Result<(), DeskError> {
        for to in people {
            let case = self.held(number)?;
            let (notices, notify) = self.notices(&case, vec![to], instead_of);
            for notice in notices {
                let clock = notice.clock();
                self.command_step(&case, MajorStep::Told { notice }, notify.clone());
                self.start_watch(number, SatisfiedBy::Acknowledgement, &clock)?;
            }
        }
        Ok(())
    }

    /// Nobody acknowledged a notice in time: the next fallback person is told (clause 5b).
    pub(super) fn fall_back(&mut self, number: &str, clock: &str) -> Result<(), DeskError> {
        let (case, policy) = (self.held(number)?, self.policy()?);
        let Some(major) = case.major() else { return Ok(()) };
        let Some(late) = major.declared.notices.iter().find(|notice| notice.clock() == clock) else { return Ok(()) };
        let known = |to: &Recipient| major.declared.notices.iter().any(|notice| notice.to.id == to.id);
        let targets = policy.major.iter().flat_map(|rule| &rule.fallback);
        let next = targets.flat_map(|target| policy.resolve(target, &case.unit)).find(|to| !known(to));
        let Some(next) = next else { return Ok(()) };
        let instead_of = late.id.clone();
        self.tell_of_major(number, vec![next], Some(&instead_of))
    }

    /// `acknowledge-notice`.
    pub(crate) fn acknowledge_notice(&mut self, input: &AcknowledgeNotice) -> Output {
        let case = self.case(&input.case)?;
        let by = self.person("acknowledge a notice", "5b")?;
        let notices: Vec<&Notice> = case.majors.last().iter().flat_map(|major| &major.declared.notices).collect();
        let mut own = notices.iter().filter(|notice| notice.to.id == by);
        let Some(notice) = own.clone().find(|notice| notice.acknowledged.is_none()) else {
            return Err(match own.next_back() {
                Some(notice) => DeskError::new("unchanged", format!("`{by}` has acknowledged notice {}", notice.id)),
                None => DeskError::new("not-told", format!("no notice of case {} went to `{by}`", case.number))
                    .clause("5b")
                    .hint("only who was told says that they have read it"),
            }
            .at("/case"));
        };
        let (id, clock) = (notice.id.clone(), notice.clock());
        self.command_step(&case, MajorStep::Acknowledged { notice: id.clone() }, Vec::new());
        if case.clocks.iter().any(|entry| entry.clock.id == clock && entry.clock.satisfied.is_none()) {
            self.stop(&case.number, &clock, self.now())?;
        }
        Ok(json!({ "case": case.number, "notice": id, "acknowledged_at": self.now() }))
    }

    /// `appoint-commander`.
    pub(crate) fn appoint_commander(&mut self, input: &AppointCommander) -> Output {
        let case = self.in_procedure(&input.case)?;
        let by = self.person("appoint the commander", "5d")?;
        let policy = self.policy()?;
        let leads = |id: &str| {
            policy.line(&case.unit).any(|unit| unit.has_role(id, "principal") || unit.has_role(id, "leader"))
        };
        if !leads(&by) {
            return Err(DeskError::new(
                "not-your-role",
                format!("`{by}` is no principal of unit `{}` or of one above it", case.unit),
            )
            .clause("5d")
            .hint("ask the principal"));
        }
        if !policy.answers_for(&input.person, &case.unit) {
            return Err(DeskError::new(
                "unknown-person",
                format!("`{}` does not belong to unit `{}` or to one above it", input.person, case.unit),
            )
            .at("/person")
            .clause("5d"));
        }
        let before = case.major().and_then(|major| major.commander().map(str::to_owned));
        if before.as_deref() == Some(&input.person) {
            return Err(DeskError::new("unchanged", format!("`{}` commands already", input.person)).at("/person"));
        }
        few(case.major().map_or(0, |major| major.commanders.len()), "commanders")?;
        let reason = input.reason.as_deref().map(|text| said(text, 1_000, "/reason", "the reason")).transpose()?;
        if let (Some(before), None) = (&before, &reason) {
            return Err(DeskError::new("empty", format!("`{before}` commands until now: say why another does"))
                .at("/reason")
                .clause("5d")
                .hint("give a `reason`"));
        }
        let commander = Commander { person: input.person.clone(), reason, appointed_by: by, since: self.now() };
        self.command_step(&case, MajorStep::Appointed(commander), Vec::new());
        self.major_output(&case.number)
    }

    /// `set-plan`.
    pub(crate) fn set_plan(&mut self, input: &SetPlan) -> Output {
        let case = self.in_procedure(&input.case)?;
        let author = self.person("set the plan of a major matter", "5d")?;
        let text = said(&input.text, 10_000, "/text", "the plan")?;
        let plans = case.major().map_or(0, |major| major.plans.len());
        few(plans, "versions of the plan")?;
        if case.major().is_some_and(|major| major.commander().is_none()) {
            return Err(no_commander());
        }
        let pending = self.propose(&case, author, Proposal::Plan(SetPlan { case: case.number.clone(), text }))?;
        Ok(json!({ "case": case.number, "version": plans + 1, "pending": pending }))
    }

    /// A plan that a second person approved.
    pub(super) fn take_plan(
        &mut self,
        input: &SetPlan,
        approval: &Approval,
        confirmed: Confirmation,
    ) -> Result<(), DeskError> {
        let case = self.in_procedure(&input.case)?;
        of_the_commander(&case, approval, &confirmed.by, "plan")?;
        let plans = case.major().map_or(0, |major| major.plans.len());
        let plan = Plan {
            version: u32::try_from(plans).unwrap_or(u32::MAX).saturating_add(1),
            text: input.text.clone(),
            author: approval.author.clone(),
            approved: confirmed,
        };
        self.command_step(&case, MajorStep::Planned(plan), Vec::new());
        Ok(())
    }

    /// `release-publishing`.
    pub(crate) fn release_publishing(&mut self, input: &ReleasePublishing) -> Output {
        let case = self.in_procedure(&input.case)?;
        let commander = self.commands(&case, "let a unit publish")?;
        let reason = said(&input.reason, 1_000, "/reason", "the reason")?;
        if self.policy()?.unit(&input.unit).is_none() {
            return Err(
                DeskError::new("not-found", format!("the policy pack has no unit `{}`", input.unit)).at("/unit")
            );
        }
        if input.unit == case.unit || case.major().is_some_and(|major| major.lets_publish(&input.unit)) {
            return Err(DeskError::new("unchanged", format!("unit `{}` may publish already", input.unit)).at("/unit"));
        }
        let released = Released { unit: input.unit.clone(), reason, commander, since: self.now() };
        self.command_step(&case, MajorStep::Released(released), Vec::new());
        self.major_output(&case.number)
    }

    /// `end-major`.
    pub(crate) fn end_major(&mut self, input: &EndMajor) -> Output {
        let case = self.in_procedure(&input.case)?;
        self.commands(&case, "end the procedure")?;
        let reason = said(&input.reason, 2_000, "/reason", "the reason")?;
        if case.reports.is_empty() {
            return Err(DeskError::new("unreported", "the matter was not reported to the superior")
                .at("/case")
                .clause("5c")
                .hint("report it: `submit-report`"));
        }
        let verification = case.major().map(|major| major.declared.verification.clone()).unwrap_or_default();
        let verified = case.tasks.iter().any(|task| task.kind == TaskKind::Verify && task.is_done());
        if !verified {
            return Err(DeskError::new("unverified", "nobody has verified the matter yet")
                .at("/case")
                .clause("5c")
                .hint(format!("wait for the feedback on task {verification}, or on another of kind `verify`")));
        }
        self.command_step(&case, MajorStep::Ended { reason }, Vec::new());
        self.major_output(&case.number)
    }

    /// The report to the superior is sent: its task is done.
    pub(super) fn report_task_done(&mut self, number: &str) -> Result<(), DeskError> {
        let case = self.case(number)?;
        for task in case.tasks.iter().filter(|task| task.kind == TaskKind::Report && task.is_open()) {
            for part in task.parts.iter().filter(|part| part.state != super::PartState::Done) {
                let step =
                    TaskStep::FedBack {
                        unit: part.unit.clone(), text: "快报已报送".to_owned(), evidence: Vec::new()
                    };
                let entry = TaskEntry { step, by: self.actor().clone(), at: self.now() };
                self.push(Fact::TaskMoved { head: case.head(), task: task.id.clone(), entry, notify: Vec::new() });
            }
            self.stop_task_clock(number, &task.clock())?;
        }
        Ok(())
    }

    /// An open case with an open procedure.
    fn in_procedure(&self, number: &str) -> Result<Arc<Case>, DeskError> {
        let case = self.open(number)?;
        if case.major().is_some() {
            return Ok(case);
        }
        Err(DeskError::new("order", format!("case {number} is not declared a major matter, or that is over"))
            .at("/case")
            .clause("5c")
            .hint("declare it: `declare-major`"))
    }

    /// The commander's id, if it is the commander who acts.
    fn commands(&self, case: &Case, what: &str) -> Result<String, DeskError> {
        let by = self.person(what, "5d")?;
        match case.major().and_then(|major| major.commander()) {
            Some(commander) if commander == by => Ok(by),
            Some(commander) => Err(DeskError::new(
                "not-the-commander",
                format!("only the commander may {what}, and that is `{commander}`"),
            )
            .clause("5d")
            .hint(format!("ask `{commander}`, or have another commander appointed"))),
            None => Err(no_commander()),
        }
    }

    fn command_step(&mut self, case: &Case, step: MajorStep, notify: Vec<Notification>) {
        let entry = MajorEntry { step, by: self.actor().clone(), at: self.now() };
        self.push(Fact::MajorMoved { head: case.head(), entry: Box::new(entry), notify });
    }

    fn major_output(&self, number: &str) -> Output {
        let case = self.held(number)?;
        let mut view = super::major::view(&case);
        if let Value::Object(fields) = &mut view {
            fields.insert("case".to_owned(), json!(number));
            fields.insert("level".to_owned(), json!(case.level));
        }
        Ok(view)
    }
}

fn no_commander() -> DeskError {
    DeskError::new("no-commander", "nobody commands this matter yet")
        .at("/case")
        .clause("5d")
        .hint("a principal appoints one: `appoint-commander`")
}

fn few(count: usize, what: &str) -> Result<(), DeskError> {
    if count < MAX_STEPS {
        return Ok(());
    }
    Err(DeskError::new("too-many", format!("at most {MAX_STEPS} {what}")).at("/case"))
}

/// While somebody commands, what everybody goes by is theirs: they wrote it, or they are among those who
/// approve it, themselves or through whom they lent their approvals to.
pub(super) fn of_the_commander(case: &Case, approval: &Approval, last: &str, what: &str) -> Result<(), DeskError> {
    let Some(commander) = case.major().and_then(|major| major.commander()) else { return Ok(()) };
    let whole = case.approvals.iter().find(|known| known.id == approval.id).unwrap_or(approval);
    let took = |step: &StepTaken| step.by == commander || step.on_behalf_of.as_deref() == Some(commander);
    if commander == last || whole.wrote(commander) || whole.steps.iter().any(took) {
        return Ok(());
    }
    Err(DeskError::new(
        "not-the-commander",
        format!("`{commander}` commands this matter, and neither wrote this {what} nor approves it"),
    )
    .at("/hash")
    .clause("5d")
    .hint(format!("ask `{commander}` to approve it")))
}

/// Refuses a unit that the open procedure of the matter keeps silent (clause 5d).
pub(super) fn not_frozen(case: &Case, unit: &str) -> Result<(), DeskError> {
    let Some(major) = case.silences(unit) else { return Ok(()) };
    let who = major.commander().unwrap_or("the commander");
    Err(DeskError::new(
        "frozen",
        format!(
            "case {} is a major matter, and unit `{unit}` does not lead it: it publishes nothing on it",
            case.number
        ),
    )
    .at("/case")
    .clause("5d")
    .hint(format!("unit `{}` speaks; `{who}` may let another one: `release-publishing`", case.unit)))
}
