//! Who may take the next step of an approval (clause 6b, rule 9).
//!
//! The check is on the person, not on the role: whoever had a hand in the text
//! takes no step, whatever roles they hold and whoever's approvals they were
//! lent; nobody takes two steps, neither themselves nor through another; and
//! who acts by a delegation approves nothing that the one who gave it wrote.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::approving::Approval;
use super::{Case, Notification};
use crate::actor::Actor;
use crate::authority::permit;
use crate::decide::Work;
use crate::delegation::Delegation;
use crate::error::DeskError;
use crate::policy::{Approver, Occasion, PolicyPack, Recipient, Step};

/// One step that somebody took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepTaken {
    /// The person's id.
    pub by: String,
    /// Whose approval it is, where it was lent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_behalf_of: Option<String>,
    /// The delegation that lent it, `unit/id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delegation: Option<String>,
    /// When.
    pub at: Timestamp,
}

impl Approval {
    /// Everybody who had a hand in the text.
    pub fn authors(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.author.as_str()).chain(self.co_authors.iter().map(String::as_str))
    }

    /// Whether somebody had a hand in the text.
    pub fn wrote(&self, person: &str) -> bool {
        self.authors().any(|author| author == person)
    }

    /// Whether somebody took a step, or somebody else took one for them.
    fn used(&self, person: &str) -> bool {
        self.steps.iter().any(|step| step.by == person || step.on_behalf_of.as_deref() == Some(person))
    }

    /// The chain: what is written in the approval, else one step of anybody who answers for the unit.
    pub fn chain(&self) -> Vec<Step> {
        if self.chain.is_empty() { vec![vec![Approver::anyone()]] } else { self.chain.clone() }
    }

    /// The step that waits.
    pub(crate) fn next_step(&self) -> Option<Step> {
        self.is_pending().then(|| self.chain().into_iter().nth(self.steps.len())).flatten()
    }
}

/// Why somebody may not take the next step.
enum Not {
    Own(String),
    Twice(String),
    Role,
}

/// How a person takes the next step, if they may: in their own right, or by a delegation.
fn way<'d>(
    pack: &PolicyPack,
    case: &Case,
    approval: &Approval,
    step: &Step,
    person: &str,
    delegations: &'d [Delegation],
    now: Timestamp,
) -> Result<Option<&'d Delegation>, Not> {
    if approval.wrote(person) {
        return Err(Not::Own(person.to_owned()));
    }
    if approval.used(person) {
        return Err(Not::Twice(person.to_owned()));
    }
    // The roles that a pack keeps approving to may be lent, too.
    let takes = |person: &str| {
        let actor = Actor::Person(person.to_owned());
        pack.takes(step, person, &case.unit)
            && permit(Some(pack), &actor, approval.proposal.kind(), Some(&case.unit)).is_ok()
    };
    if takes(person) {
        return Ok(None);
    }
    let mut not = Not::Role;
    for delegation in delegations.iter().filter(|d| d.to == person && d.holds(now)) {
        // Named by the unit still, both of them.
        let home = pack.unit(&delegation.unit);
        if !home.is_some_and(|unit| unit.person(&delegation.from).is_some() && unit.person(person).is_some())
            || !takes(&delegation.from)
        {
            continue;
        }
        if approval.wrote(&delegation.from) {
            not = Not::Own(delegation.from.clone());
        } else if approval.used(&delegation.from) {
            not = Not::Twice(delegation.from.clone());
        } else {
            return Ok(Some(delegation));
        }
    }
    Err(not)
}

/// The people who may take the next step now, each once: those named by role, and who acts for them.
/// For a step that is anybody's, everybody of the unit and above.
pub(crate) fn waits_for(
    pack: &PolicyPack,
    case: &Case,
    approval: &Approval,
    delegations: &[Delegation],
    now: Timestamp,
) -> Vec<String> {
    let Some(step) = approval.next_step() else { return Vec::new() };
    let people = pack.line(&case.unit).flat_map(|unit| &unit.people).map(|person| person.id.as_str());
    people
        .filter(|person| way(pack, case, approval, &step, person, delegations, now).is_ok())
        .map(str::to_owned)
        .collect()
}

impl Work<'_> {
    /// The step that the acting person takes; refused where they may not.
    pub(super) fn step_of(&self, case: &Case, approval: &Approval, by: &str) -> Result<StepTaken, DeskError> {
        let (pack, now) = (self.policy()?, self.now());
        let delegations = self.delegations();
        let step = approval.next_step().unwrap_or_default();
        let delegation = way(&pack, case, approval, &step, by, &delegations, now).map_err(|not| match not {
            Not::Own(who) if who == by => {
                DeskError::new("own-text", format!("`{by}` wrote this, so somebody else has to approve it"))
                    .clause("rule 9")
            }
            Not::Own(who) => DeskError::new(
                "own-text",
                format!("`{who}` wrote this, so whoever acts for `{who}` may not approve it either"),
            )
            .clause("rule 9"),
            Not::Twice(who) => DeskError::new("same-person", format!("`{who}` has approved a step of this already"))
                .clause("rule 9")
                .hint("each step is another person's"),
            Not::Role if pack.takes(&step, by, &case.unit) => {
                let refused = permit(Some(&*pack), self.actor(), approval.proposal.kind(), Some(&case.unit));
                refused.err().unwrap_or_else(|| DeskError::new("not-your-role", "this is for other roles"))
            }
            Not::Role => {
                let roles: Vec<String> = step.iter().map(ToString::to_string).collect();
                let who = waits_for(&pack, case, approval, &delegations, now);
                DeskError::new(
                    "not-your-step",
                    format!(
                        "step {} of {} is for {}, and `{by}` is none of them",
                        approval.steps.len() + 1,
                        approval.chain().len(),
                        roles.join(" or ")
                    ),
                )
                .clause("6b")
                .hint(format!("ask one of: {}", who.join(", ")))
            }
        })?;
        Ok(StepTaken {
            by: by.to_owned(),
            on_behalf_of: delegation.map(|delegation| delegation.from.clone()),
            delegation: delegation.map(|delegation| format!("{}/{}", delegation.unit, delegation.id)),
            at: now,
        })
    }

    /// Who is told that a step waits: whom the pack's routes name, and those who may take it by their
    /// role, with who acts for them; the authors themselves are not.
    pub(super) fn told_of_step(&self, case: &Case, approval: &Approval) -> Vec<Notification> {
        let mut told = self.owed(Occasion::ApprovalRequested, case.level, &case.unit, None, Some(case));
        let (Ok(pack), Some(step)) = (self.policy(), approval.next_step()) else { return told };
        let delegations = self.delegations();
        let mut people = pack.takers(&step, &case.unit);
        let lent: Vec<Recipient> = people
            .iter()
            .flat_map(|taker| delegations.iter().filter(|d| d.from == taker.id && d.holds(self.now())))
            .filter_map(|delegation| {
                let person = pack.unit(&delegation.unit)?.person(&delegation.to)?;
                let (id, name, unit) = (person.id.clone(), person.name.clone(), delegation.unit.clone());
                Some(Recipient { id, name, unit, role: format!("for {}", delegation.from) })
            })
            .collect();
        people.extend(lent);
        for to in people {
            let may = way(&pack, case, approval, &step, &to.id, &delegations, self.now()).is_ok();
            if may && told.iter().all(|known| known.to.id != to.id) {
                told.push(Notification {
                    id: format!("n{}", case.notifications.len() + told.len() + 1),
                    to,
                    on: Occasion::ApprovalRequested,
                    clock: None,
                    clause: Some("6b".to_owned()),
                    at: self.now(),
                    deliveries: Vec::new(),
                });
            }
        }
        told
    }
}
