//! Deciding: commands in, facts out. Nothing here changes the desk.
//!
//! A decision works on a copy of the desk, which is cheap (the maps are
//! persistent), and takes each fact in as soon as it is decided, so that a
//! later step of the same command sees the earlier ones.

mod elsewhere;
mod receive;
mod watch;
mod years;

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::actor::Actor;
use crate::authority::{Act, permit};
use crate::case::Case;
use crate::command::Command;
use crate::desk::Desk;
use crate::error::DeskError;
use crate::fact::Fact;
use crate::item::Digest;
use crate::policy::PolicyPack;
use crate::text::says_something;

pub use elsewhere::Elsewhere;

/// What a command answers.
pub(crate) type Output = Result<Value, DeskError>;

/// Where time, ids and keys come from: pure code makes none.
pub struct DecideContext<'c> {
    /// The moment of the command.
    pub now: Timestamp,
    /// Who asks.
    pub actor: Actor,
    /// Gives a new id on each call: UUIDv7, each greater than the last.
    pub new_id: &'c mut dyn FnMut() -> Uuid,
    /// The host's key for content hashes; always the same for one data folder.
    pub content_key: &'c [u8; 32],
    /// The unit on whose behalf it is asked: only its matters, and those of
    /// the units below it, are within reach. None for the house itself.
    pub scope: Option<String>,
    /// What other partitions know of it.
    pub elsewhere: Elsewhere,
}

/// What was decided.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// The facts, in order.
    pub facts: Vec<Fact>,
    /// What the command answers.
    pub output: Value,
}

/// A decision under way.
pub(crate) struct Work<'c> {
    pub(crate) desk: Desk,
    facts: Vec<Fact>,
    now: Timestamp,
    actor: Actor,
    new_id: &'c mut dyn FnMut() -> Uuid,
    content_key: &'c [u8; 32],
    scope: Option<String>,
    elsewhere: Elsewhere,
}

/// Decides a command.
pub(crate) fn decide(desk: &Desk, command: &Command, ctx: &mut DecideContext<'_>) -> Result<Decision, DeskError> {
    years::check(command)?;
    let mut work = Work {
        desk: desk.clone(),
        facts: Vec::new(),
        now: ctx.now,
        actor: ctx.actor.clone(),
        new_id: &mut *ctx.new_id,
        content_key: ctx.content_key,
        scope: ctx.scope.clone(),
        elsewhere: ctx.elsewhere.clone(),
    };
    let policy = match command {
        Command::AdoptPolicy { .. } => desk.policy().cloned(),
        _ => Some(work.policy()?),
    };
    // What is no case's is kept with the unit of who asks.
    let home = || Some(policy.as_ref()?.unit_of(work.actor.person()?)?.code.clone());
    let own = matches!(command, Command::Delegate(_) | Command::RevokeDelegation(_));
    let unit = ctx.scope.clone().or_else(|| desk.unit_of(command)).or_else(|| home().filter(|_| own));
    work.permit(policy.as_deref(), command, unit.as_deref())?;
    let output = match command {
        Command::AdoptPolicy { pack } => work.adopt(pack),
        Command::Receive(input) => work.receive(input),
        Command::RecordAssessment(input) => work.record_assessment(input),
        Command::OpenCase(input) => work.open_case(input),
        Command::AttachItem(input) => work.attach_item(input),
        Command::StartClock(input) => work.start_clock(input),
        Command::SatisfyClock(input) => work.satisfy_clock(input),
        Command::RecomputeClocks { reason } => work.recompute_clocks(reason),
        Command::PauseClock(input) => work.pause_clock(input),
        Command::ResumeClock(input) => work.resume_clock(input),
        Command::AcknowledgeEscalation(input) => work.acknowledge_escalation(input),
        Command::DraftReport(input) => work.draft_report(input),
        Command::SubmitReport(input) => work.submit_report(input),
        Command::RecordAnswer(input) => work.record_answer(input),
        Command::RecordTime(input) => work.record_time(input),
        Command::RecordDelivery(input) => work.record_delivery(input),
        Command::CloseCase(input) => work.close_case(input),
        Command::AssignTask(input) => work.assign_task(input),
        Command::AcceptTask(input) => work.accept_task(input),
        Command::TransferTask(input) => work.transfer_task(input),
        Command::ReturnTask(input) => work.return_task(input),
        Command::FeedBackTask(input) => work.feed_back_task(input),
        Command::WithdrawTask(input) => work.withdraw_task(input),
        Command::RouteCase(input) => work.route_case(input),
        Command::RecordContact(input) => work.record_contact(input),
        Command::RecordOfflineEvent(input) => work.record_offline_event(input),
        Command::ImportCalls(input) => work.import_calls(input),
        Command::ReadDesk(input) => work.read_desk(input),
        Command::RecordLog(input) => work.record_log(input),
        Command::IssueLog(input) => work.issue_log(input),
        Command::SetConfidentiality(input) => work.set_confidentiality(input),
        Command::MergeCases(input) => work.merge_cases(input),
        Command::SplitCase(input) => work.split_case(input),
        Command::LinkCases(input) => work.link_cases(input),
        Command::RecordCallback(input) => work.record_callback(input),
        Command::AcceptCase(input) => work.accept_case(input),
        Command::ExtendClock(input) => work.extend_clock(input),
        Command::SetLine(input) => work.set_line(input),
        Command::DraftResponse(input) => work.draft_response(input),
        Command::CheckResponse(input) => work.check_response(input),
        Command::SubmitResponse(input) => work.submit_response(input),
        Command::CosignResponse(input) => work.cosign_response(input),
        Command::PublishResponse(input) => work.publish_response(input),
        Command::RecordPublication(input) => work.record_publication(input),
        Command::CorrectResponse(input) => work.correct_response(input),
        Command::DeclareMajor(input) => work.declare_major(input),
        Command::AcknowledgeNotice(input) => work.acknowledge_notice(input),
        Command::AppointCommander(input) => work.appoint_commander(input),
        Command::SetPlan(input) => work.set_plan(input),
        Command::ReleasePublishing(input) => work.release_publishing(input),
        Command::EndMajor(input) => work.end_major(input),
        Command::OpenDisclosure(input) => work.open_disclosure(input),
        Command::PublishDisclosure(input) => work.publish_disclosure(input),
        Command::CheckDisclosure(input) => work.check_disclosure(input),
        Command::AddConcern { case, text } => work.add_concern(case, text),
        Command::SetLevel { case, level, reason } => work.set_level(case, *level, reason),
        Command::CorrectOccurredAt { case, occurred_at, reason } => {
            work.correct_occurred_at(case, *occurred_at, reason)
        }
        Command::ProposeNoResponse { case, reason } => work.propose_no_response(case, reason),
        Command::ApproveNoResponse { case, hash } | Command::Approve { case, hash } => work.approve(case, hash),
        Command::Decline { case, hash, reason } => work.decline(case, hash, reason),
        Command::RecordEvidence(input) => work.record_evidence(input),
        Command::RecordReceipt(input) => work.record_receipt(input),
        Command::RecordBypass(input) => work.record_bypass(input),
        Command::AssessCase(input) => work.assess_case(input),
        Command::RecordRisk(input) => work.record_risk(input),
        Command::OpenGate(input) => work.open_gate(input),
        Command::Delegate(input) => work.delegate(input),
        Command::RevokeDelegation(input) => work.revoke_delegation(input),
        Command::Watch(input) => work.watching(input),
    }?;
    Ok(Decision { facts: work.facts, output })
}

/// What the passing of time brings about.
pub(crate) fn tick(desk: &Desk, now: Timestamp) -> Vec<Fact> {
    if desk.next_wake().is_none_or(|wake| wake > now) {
        return Vec::new();
    }
    by_itself(desk, now, |work| {
        work.tick();
        work.tick_watch();
        work.tick_disclosures();
    })
}

/// What was due in some cases and did not happen: it is on record, and happens now.
pub(crate) fn overdue<'c>(desk: &Desk, now: Timestamp, cases: impl Iterator<Item = &'c Case>) -> Vec<Fact> {
    let late: Vec<String> = cases.filter(|case| !case.missed(now).is_empty()).map(|case| case.number.clone()).collect();
    if late.is_empty() {
        return Vec::new();
    }
    by_itself(desk, now, |work| {
        for number in &late {
            // The cases are the desk's own, so this cannot fail.
            let _ = work.watch_over(number);
        }
    })
}

/// Clocks whose due time was provisional, by the calendars in force.
pub(crate) fn recompute(desk: &Desk, now: Timestamp) -> Vec<Fact> {
    by_itself(desk, now, |work| {
        let _ = work.recompute_provisional();
    })
}

/// What the desk decides without being asked.
fn by_itself(desk: &Desk, now: Timestamp, act: impl FnOnce(&mut Work<'_>)) -> Vec<Fact> {
    let mut no_id = || Uuid::nil();
    let mut work = Work {
        desk: desk.clone(),
        facts: Vec::new(),
        now,
        actor: Actor::System("desk".to_owned()),
        new_id: &mut no_id,
        content_key: &[0; 32],
        scope: None,
        elsewhere: Elsewhere::default(),
    };
    act(&mut work);
    work.facts
}

impl Work<'_> {
    /// Decides a fact, and takes it in.
    pub(crate) fn push(&mut self, fact: Fact) {
        self.desk.apply(&fact);
        self.facts.push(fact);
    }

    /// Who may ask for this. An approval is given by whoever has the role for it, or was lent it.
    fn permit(&self, pack: Option<&PolicyPack>, command: &Command, unit: Option<&str>) -> Result<(), DeskError> {
        let act = Act::of(command);
        let own = permit(pack, &self.actor, act, unit);
        let lends = matches!(act, Act::Approve | Act::ApproveNoResponse | Act::Decline);
        match (&own, self.actor.person()) {
            (Err(error), Some(person)) if lends && error.code == "not-your-role" => {
                let lent = self.delegations().into_iter().filter(|delegation| delegation.to == person);
                let mut allowed = lent.map(|delegation| permit(pack, &Actor::Person(delegation.from), act, unit));
                if allowed.any(|one| one.is_ok()) { Ok(()) } else { own }
            }
            _ => own,
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    pub(crate) fn actor(&self) -> &Actor {
        &self.actor
    }

    /// The unit on whose behalf it is asked.
    pub(crate) fn scope(&self) -> Option<&str> {
        self.scope.as_deref()
    }

    /// For what follows from an act that was checked, and reaches beyond the asking unit.
    pub(crate) fn unscoped<T>(&mut self, act: impl FnOnce(&mut Self) -> T) -> T {
        let scope = self.scope.take();
        let done = act(self);
        self.scope = scope;
        done
    }

    pub(crate) fn new_id(&mut self) -> Uuid {
        (self.new_id)()
    }

    pub(crate) fn content_key(&self) -> &[u8; 32] {
        self.content_key
    }

    /// A keyed hash that people see and name again.
    pub(crate) fn hash(&self, parts: &[&[u8]]) -> String {
        format!("{:?}", Digest::of(self.content_key, parts))
    }

    pub(crate) fn policy(&self) -> Result<Arc<PolicyPack>, DeskError> {
        self.desk.policy().cloned().ok_or_else(|| {
            DeskError::new("no-policy", "no policy pack is in force")
                .hint("name one as `policy` in huiyin.json, and start the host with it")
        })
    }

    /// A case, open or closed.
    pub(crate) fn case(&self, number: &str) -> Result<Arc<Case>, DeskError> {
        let case = self.desk.case_arc(number).cloned().ok_or_else(|| {
            DeskError::new("not-found", format!("there is no case {number}"))
                .at("/case")
                .hint("`huiyin case list` shows all")
        })?;
        self.within(&case.unit, "/case")?;
        Ok(case)
    }

    /// Refuses what belongs to a unit that the asking one does not stand above.
    pub(crate) fn within(&self, unit: &str, pointer: &str) -> Result<(), DeskError> {
        let Some(scope) = &self.scope else { return Ok(()) };
        if self.policy()?.line(unit).any(|above| above.code == *scope) {
            return Ok(());
        }
        Err(DeskError::new("not-yours", format!("that is unit `{unit}`'s matter, not `{scope}`'s"))
            .at(pointer)
            .clause("1d")
            .hint("act in the name of that unit, or of one above it"))
    }

    /// A case that is not closed.
    pub(crate) fn open(&self, number: &str) -> Result<Arc<Case>, DeskError> {
        let case = self.case(number)?;
        if case.is_open() {
            return Ok(case);
        }
        Err(DeskError::new("closed", format!("case {number} is closed"))
            .at("/case")
            .hint("open a new case on the matter"))
    }

    /// The id of the person who acts; that they may was checked before.
    pub(crate) fn person(&self, what: &str, clause: &'static str) -> Result<String, DeskError> {
        self.actor.person().map(str::to_owned).ok_or_else(|| {
            DeskError::new("not-a-person", format!("only a named person may {what}, not {}", self.actor)).clause(clause)
        })
    }

    /// Every open case keeps its lead unit (clause 2a): its clocks and the
    /// people who are told of them come from the pack in force.
    fn adopt(&mut self, pack: &PolicyPack) -> Output {
        let orphan = self.desk.cases().find(|case| case.is_open() && pack.unit(&case.unit).is_none());
        if let Some(case) = orphan {
            return Err(DeskError::new(
                "unit-in-use",
                format!("the pack has no unit `{}`, which leads the open case {}", case.unit, case.number),
            )
            .clause("2a")
            .hint("keep the unit until its cases are closed"));
        }
        // A version names one text: cases keep the name of the pack they were opened under.
        if let Some(inforce) = self.desk.policy()
            && (&inforce.name, &inforce.version) == (&pack.name, &pack.version)
            && **inforce != *pack
        {
            let what = format!("`{}:{}` is in force with other content", pack.name, pack.version);
            return Err(DeskError::new("same-version", what).at("/version").hint("raise `version`"));
        }
        for case in self.desk.cases().filter(|case| case.is_open()) {
            let lost = case.clocks.iter().find(|entry| pack.calendar(&entry.clock.calendar).is_none());
            if let Some(entry) = lost {
                return Err(DeskError::new(
                    "calendar-in-use",
                    format!(
                        "the pack has no calendar `{}`, by which clock `{}` of the open case {} counts",
                        entry.clock.calendar, entry.clock.id, case.number
                    ),
                )
                .hint("keep the calendar until the case is closed"));
            }
        }
        let at = self.now;
        self.push(Fact::PolicyAdopted { pack: Arc::new(pack.clone()), at, by: None, recompute: None });
        let recomputed = self.recompute_provisional()?;
        Ok(json!({ "policy": pack.name, "version": pack.version, "recomputed": recomputed }))
    }
}

/// A text that says something, cut to `chars`.
pub(crate) fn said(text: &str, chars: usize, pointer: &str, what: &str) -> Result<String, DeskError> {
    let text = text.trim();
    if !says_something(text) {
        return Err(DeskError::new("empty", format!("{what} is missing")).at(pointer).hint("say it in words"));
    }
    if text.chars().count() > chars {
        return Err(DeskError::new("too-long", format!("{what} is longer than {chars} characters")).at(pointer));
    }
    Ok(text.to_owned())
}
