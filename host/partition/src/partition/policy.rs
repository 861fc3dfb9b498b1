//! A pack that a partition adopts while it runs, and what it looks after by itself: clocks that a newer calendar
//! settles, and whatever was due and did not happen.

use std::sync::Arc;

use huiyin_desk::{Actor, Command, DecideContext, Desk, DeskError, Fact, PolicyPack};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{PartitionCore, Refusal, Reply, refusal};

/// What a partition is told of a pack.
#[derive(Debug, Clone)]
pub struct Adoption {
    /// The pack.
    pub pack: Arc<PolicyPack>,
    /// Who brings it in.
    pub by: String,
    /// Why running clocks are counted by it too; none where they go on as they are.
    pub recompute: Option<String>,
}

/// The facts by which a desk adopts a pack, and what the recomputing did.
///
/// # Errors
/// The desk's own refusal: it may have cases that cannot live with the pack.
pub fn adoption(desk: &Desk, adoption: &Adoption, now: Timestamp) -> Result<(Vec<Fact>, Value), DeskError> {
    let by = Actor::parse(&adoption.by);
    let mut facts = decided(desk, &Command::AdoptPolicy { pack: Box::new((*adoption.pack).clone()) }, now)?.0;
    for fact in &mut facts {
        if let Fact::PolicyAdopted { by: who, recompute, .. } = fact {
            who.clone_from(&by);
            recompute.clone_from(&adoption.recompute);
        }
    }
    let Some(reason) = &adoption.recompute else { return Ok((facts, Value::Null)) };
    let mut after = desk.clone();
    for fact in &facts {
        after.apply(fact);
    }
    let (more, said) = decided(&after, &Command::RecomputeClocks { reason: reason.clone() }, now)?;
    facts.extend(more);
    Ok((facts, said))
}

/// What is left to do of a recomputing that was asked for with the pack in force: nothing, unless the host ended
/// before it was done.
pub(super) fn unfinished(desk: &Desk, now: Timestamp) -> Vec<Fact> {
    let Some(reason) = desk.adopted().last().and_then(|adopted| adopted.recompute.clone()) else { return Vec::new() };
    decided(desk, &Command::RecomputeClocks { reason }, now).map(|(facts, _)| facts).unwrap_or_default()
}

fn decided(desk: &Desk, command: &Command, now: Timestamp) -> Result<(Vec<Fact>, Value), DeskError> {
    // Neither needs an id.
    let mut new_id = uuid::Uuid::nil;
    let mut context = DecideContext {
        now,
        actor: Actor::System("deploy".to_owned()),
        new_id: &mut new_id,
        content_key: &[0; 32],
        scope: None,
        elsewhere: huiyin_desk::Elsewhere::default(),
    };
    desk.decide(command, &mut context).map(|decision| (decision.facts, decision.output))
}

/// How often all cases are looked at.
const ROUND: SignedDuration = SignedDuration::from_secs(60);
/// Cases that are looked at in one go.
const SLICE: usize = 2_000;

/// How far the look at all cases has come.
#[derive(Default)]
pub(super) struct Watch {
    round: Option<Timestamp>,
    after: Option<String>,
}

impl PartitionCore {
    /// Adopts a pack that was checked in every partition before.
    pub(super) fn adopt(&mut self, new: &Adoption, reply: Reply<Value>, now: Timestamp) {
        let done = adoption(&self.state.desk, new, now).map_err(|error| refusal(&error)).and_then(|(facts, said)| {
            self.write_decision(facts, None, &new.by, now).map_err(Refusal::Store)?;
            Ok(said)
        });
        if done.is_ok() {
            // Coverage and duty follow the new pack.
            self.begin_watch(now);
        }
        self.tell(reply, done);
    }

    /// What a start has to make up for: a recomputing that was cut short, and clocks that a calendar this release
    /// knows has settled.
    pub(super) fn resume_policy(&mut self, now: Timestamp) {
        let facts = unfinished(&self.state.desk, now);
        self.write_own(facts, now);
        let facts = self.state.desk.recompute(now);
        self.write_own(facts, now);
    }

    /// The watch-dog: every so often, and at a start, each open case is looked at for what was due and did not happen.
    /// It never finds anything, unless this program is wrong: then it says so, and makes up for it.
    pub(super) fn watch_clocks(&mut self, now: Timestamp) {
        let rests = |since: Timestamp| since <= now && now.duration_since(since) < ROUND;
        if self.watch.after.is_none() && self.watch.round.is_some_and(rests) {
            return;
        }
        if self.watch.after.is_none() {
            self.watch.round = Some(now);
        }
        let (facts, after) = self.state.desk.overdue(now, self.watch.after.as_deref(), SLICE);
        self.watch.after = after;
        for fact in &facts {
            if let Fact::EscalationMissed { head, missed } = fact {
                tracing::error!(
                    partition = self.partition,
                    case = head.case,
                    clock = missed.clock,
                    rung = missed.rung,
                    due_at = %missed.due_at,
                    "a clock or an escalation did not run when it was due; it runs now. Please report this"
                );
            }
        }
        self.write_own(facts, now);
    }
}
