//! Cases that belong together (clause 1i): merged, split, linked. Whatever is done, nobody who asked and nothing that
//! was asked is lost, no breach leaves the record, and no clock gains time.

use huiyin_deadline::clock::Clock;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::clocks::done_at;
use super::opening::Beginning;
use super::{Asker, Because, Case, CaseClock, CaseItem, Concern, MAX_ASKERS, MAX_CASE_ITEMS, MAX_CONCERNS};
use crate::actor::Actor;
use crate::command::{LinkCases, MergeCases, SplitCase};
use crate::decide::{Output, Work, said};
use crate::error::DeskError;
use crate::fact::Fact;
use crate::policy::SatisfiedBy;
use crate::text::clip;

/// The most links of a case.
const MAX_LINKS: usize = 200;
/// The most clocks of a case that takes others in.
const MAX_CLOCKS: usize = 200;

/// A tie to another case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The other case.
    pub case: String,
    /// How they belong together.
    pub reason: String,
    /// Who tied them.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
}

/// What comes along from another case, by merging or splitting.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Merged {
    /// The other case.
    pub from: String,
    /// Why.
    pub reason: String,
    /// Who asks, and whether they have their answer.
    pub askers: Vec<Asker>,
    /// What is asked, by its id in the case that takes it in.
    pub concerns: Vec<Concern>,
    /// The items.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<CaseItem>,
    /// Items beyond those listed.
    #[serde(default)]
    pub more_items: u64,
    /// The clocks, by their id in the case that takes them in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clocks: Vec<CaseClock>,
    /// Who did it.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
}

/// What went from a case to one of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Split {
    /// The new case.
    pub to: String,
    /// Why.
    pub reason: String,
    /// The askers, by name.
    pub askers: Vec<String>,
    /// The concerns, by id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub concerns: Vec<String>,
    /// The items.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<Uuid>,
    /// Who did it.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
}

impl Case {
    /// Takes in what came along.
    pub(super) fn take_merged(&mut self, merged: &Merged) {
        self.askers.extend(merged.askers.iter().cloned());
        self.concerns.extend(merged.concerns.iter().cloned());
        self.more_items += merged.more_items;
        for item in &merged.items {
            if self.items.len() < MAX_CASE_ITEMS { self.items.push(item.clone()) } else { self.more_items += 1 }
        }
        self.clocks.extend(merged.clocks.iter().cloned());
        self.something_new();
    }

    /// Gives away what went.
    pub(super) fn give_away(&mut self, split: &Split) {
        self.askers.retain(|asker| !split.askers.contains(&asker.id));
        self.concerns.retain(|concern| !split.concerns.contains(&concern.id));
        self.items.retain(|item| !split.items.contains(&item.item));
    }
}

impl Work<'_> {
    /// `merge-cases`.
    pub(crate) fn merge_cases(&mut self, input: &MergeCases) -> Output {
        if input.case == input.from {
            return Err(DeskError::new("same", "a case is not merged into itself").at("/from"));
        }
        let reason = said(&input.reason, 1_000, "/reason", "the reason")?;
        self.person("merge cases", "1i")?;
        self.open(&input.case)?;
        let from = self.open(&input.from).map_err(|error| at_from(error, input))?;
        if let Some(task) = from.tasks.iter().find(|task| task.is_open()) {
            return Err(DeskError::new("undone", format!("task {} of case {} is open", task.id, from.number))
                .at("/from")
                .clause("3.4b")
                .hint("wait for its feedback, or withdraw it with a reason, and merge then"));
        }
        if let Some(event) = from.offline.iter().find(|event| event.outcome.is_none()) {
            let message = format!("how the offline event {} of case {} ended is not recorded", event.id, from.number);
            return Err(DeskError::new("undone", message).at("/from").clause("3.4a").hint("record it, and merge then"));
        }
        // What time has brought, and no tick has noticed yet, is on record before anything moves.
        self.breach_overdue(&input.case)?;
        self.breach_overdue(&input.from)?;
        let (into, from) = (self.open(&input.case)?, self.case(&input.from)?);
        let room = |have: usize, more: usize, most: usize, what: &str| {
            if have + more <= most {
                return Ok(());
            }
            Err(DeskError::new("too-many", format!("the two have {} {what}; a case has at most {most}", have + more))
                .at("/from")
                .clause("1i")
                .hint("nobody may be lost: leave them two cases, and link them with `link-cases`"))
        };
        room(into.askers.len(), from.askers.len(), MAX_ASKERS, "askers")?;
        room(into.concerns.len(), from.concerns.len(), MAX_CONCERNS, "concerns")?;
        let clocks = carried(&into, &from);
        room(into.clocks.len(), clocks.len(), MAX_CLOCKS, "clocks")?;
        if from.confidentiality > into.confidentiality {
            let author = self.person("merge cases", "1i")?;
            self.take_confidentiality(&into.number, from.confidentiality, &reason, &author)?;
        }
        let merged = Merged {
            from: from.number.clone(),
            reason: reason.clone(),
            askers: renamed(&into, &from),
            concerns: renumbered(next_concern(&into), &from.concerns, from.times.opened),
            items: from.items.clone(),
            more_items: from.more_items,
            clocks,
            by: self.actor().clone(),
            at: self.now(),
        };
        let ids: Vec<String> = merged.clocks.iter().map(|entry| entry.clock.id.clone()).collect();
        self.push(Fact::CasesMerged { head: into.head(), merged: Box::new(merged) });
        self.push(Fact::CaseMergedAway {
            head: from.head(),
            into: into.number.clone(),
            reason,
            by: self.actor().clone(),
            at: self.now(),
        });
        self.settle_carried(&into.number, &ids)?;
        self.raise(
            &into.number,
            from.level,
            None,
            "a case that was merged into it is graver",
            Some(self.actor().clone()),
        )?;
        self.advance(&into.number)?;
        self.watch_open(&into.number)?;
        let into = self.case(&into.number)?;
        Ok(json!({
            "case": into.number, "merged": from.number, "askers": into.askers.len(), "concerns": into.concerns.len(),
            "clocks": ids,
        }))
    }

    /// Brings clocks that came along to rest whose matter is done in the case that took them in.
    fn settle_carried(&mut self, number: &str, ids: &[String]) -> Result<(), DeskError> {
        for id in ids {
            let case = self.case(number)?;
            let Some(entry) = case.clocks.iter().find(|entry| entry.clock.id == *id) else { continue };
            if entry.clock.satisfied.is_some() {
                continue;
            }
            if let Some(at) = done_at(&case, entry.satisfied_by, entry.clock.due.at) {
                self.stop(number, id, at)?;
            }
        }
        Ok(())
    }

    /// `split-case`.
    pub(crate) fn split_case(&mut self, input: &SplitCase) -> Output {
        self.person("split a case", "1i")?;
        let reason = said(&input.reason, 1_000, "/reason", "the reason")?;
        let title = said(&input.title, 200, "/title", "the title")?;
        self.open(&input.case)?;
        self.breach_overdue(&input.case)?;
        let case = self.open(&input.case)?;
        let mut askers = Vec::new();
        for (at, id) in input.askers.iter().enumerate() {
            let asker = case.askers.iter().find(|asker| asker.id == *id);
            askers.push(asker.cloned().ok_or_else(|| unknown("asker", id, &format!("/askers/{at}"), &case))?);
        }
        let mut concerns = Vec::new();
        for (at, id) in input.concerns.iter().enumerate() {
            let concern = case.concerns.iter().find(|concern| concern.id == *id);
            concerns.push(concern.cloned().ok_or_else(|| unknown("concern", id, &format!("/concerns/{at}"), &case))?);
        }
        let mut items = Vec::new();
        for (at, id) in input.items.iter().enumerate() {
            let item = case.items.iter().find(|item| item.item == *id);
            let pointer = format!("/items/{at}");
            items.push(item.cloned().ok_or_else(|| unknown("item", &id.to_string(), &pointer, &case))?);
        }
        askers.dedup_by(|a, b| a.id == b.id);
        concerns.dedup_by(|a, b| a.id == b.id);
        let distinct = |ids: &[String]| ids.iter().collect::<std::collections::BTreeSet<_>>().len();
        if askers.is_empty() || distinct(&input.askers) != askers.len() || askers.len() >= case.askers.len() {
            let message = format!("{} of {} askers go", distinct(&input.askers), case.askers.len());
            return Err(DeskError::new("out-of-range", message)
                .at("/askers")
                .clause("1i")
                .hint("each once, at least one, and at least one stays: both cases owe somebody an answer"));
        }
        if distinct(&input.concerns) != concerns.len() {
            return Err(DeskError::new("twice", "a concern goes once").at("/concerns"));
        }
        let own = |entry: &&CaseClock| {
            !matches!(entry.satisfied_by, SatisfiedBy::Feedback | SatisfiedBy::Callback | SatisfiedBy::Routing)
        };
        let since = case.times.opened;
        let brought = Merged {
            from: case.number.clone(),
            reason: reason.clone(),
            askers: askers.into_iter().map(|asker| Asker { asked: asker.asked.or(Some(since)), ..asker }).collect(),
            concerns: renumbered(1, &concerns, since),
            items,
            more_items: 0,
            clocks: case.clocks.iter().filter(own).cloned().collect(),
            by: self.actor().clone(),
            at: self.now(),
        };
        let split = Split {
            to: String::new(),
            reason,
            askers: input.askers.clone(),
            concerns: input.concerns.clone(),
            items: input.items.clone(),
            by: self.actor().clone(),
            at: self.now(),
        };
        let (asked, wanted) = (brought.askers.len(), brought.concerns.len());
        let start = Beginning {
            unit: case.unit.clone(),
            title,
            level: case.level,
            kind: case.kind,
            nature: case.nature.clone(),
            occurred_at: case.times.occurred,
            discovered_at: case.times.discovered,
            item: None,
            asker: None,
            assessments: case.assessments.clone(),
            concerns: Vec::new(),
            related: Some(case.number.clone()),
            because: Because::Request,
            unrouted: !case.routed,
            came_in: None,
            confidentiality: case.confidentiality,
            split: Some(Box::new(brought)),
        };
        let number = self.begin(start)?;
        self.push(Fact::CaseSplit { head: case.head(), split: Box::new(Split { to: number.clone(), ..split }) });
        self.advance(&number)?;
        self.watch_open(&number)?;
        self.advance(&case.number)?;
        // Those who stay may all have their answer.
        let rest = self.case(&case.number)?;
        if rest.is_answered() {
            self.satisfy_all(&case.number, SatisfiedBy::Answer, rest.times.answered.unwrap_or(self.now()))?;
        }
        Ok(json!({ "case": case.number, "opened": number, "askers": asked, "concerns": wanted }))
    }

    /// `link-cases`.
    pub(crate) fn link_cases(&mut self, input: &LinkCases) -> Output {
        let case = self.case(&input.case)?;
        let reason = said(&input.reason, 1_000, "/reason", "the reason")?;
        let other = said(&input.other, 100, "/other", "the other case")?;
        if other == case.number {
            return Err(DeskError::new("same", "a case is not linked to itself").at("/other"));
        }
        let link = |to: &str, work: &Self| Link {
            case: to.to_owned(),
            reason: reason.clone(),
            by: work.actor().clone(),
            at: work.now(),
        };
        let fresh = case.links.iter().all(|link| link.case != other);
        if fresh {
            if case.links.len() >= MAX_LINKS {
                return Err(DeskError::new("too-many", format!("a case has at most {MAX_LINKS} links")).at("/case"));
            }
            self.push(Fact::CaseLinked { head: case.head(), link: link(&other, self) });
        }
        // One that lives here too points back.
        if let Some(there) = self.desk.case(&other).map(Case::head)
            && self.desk.case(&other).is_some_and(|there| {
                there.links.len() < MAX_LINKS && there.links.iter().all(|link| link.case != case.number)
            })
        {
            self.push(Fact::CaseLinked { head: there, link: link(&case.number, self) });
        }
        Ok(json!({ "case": case.number, "other": other, "linked": fresh }))
    }
}

/// A refusal about the case that is to be merged.
fn at_from(error: DeskError, input: &MergeCases) -> DeskError {
    if error.code == "not-found" {
        return DeskError::new("elsewhere", format!("case {} does not live with case {}", input.from, input.case))
            .at("/from")
            .clause("1i")
            .hint("cases of units that live apart cannot be merged in one step: link them with `link-cases`");
    }
    error.at("/from")
}

fn unknown(what: &str, id: &str, pointer: &str, case: &Case) -> DeskError {
    DeskError::new("not-found", format!("case {} has no {what} `{}`", case.number, clip(id, 100)))
        .at(pointer.to_owned())
}

/// The askers of a case as another takes them in: each with a name that no other has, and since when they wait.
fn renamed(into: &Case, from: &Case) -> Vec<Asker> {
    let mut taken: std::collections::BTreeSet<String> = into.askers.iter().map(|asker| asker.id.clone()).collect();
    let mut askers = Vec::with_capacity(from.askers.len());
    for asker in &from.askers {
        let mut id = asker.id.clone();
        let mut n = 1;
        while !taken.insert(id.clone()) {
            id = if n == 1 {
                format!("{} ({})", asker.id, from.number)
            } else {
                format!("{} ({}-{n})", asker.id, from.number)
            };
            n += 1;
        }
        askers.push(Asker { id, asked: asker.asked.or(Some(from.times.opened)), ..asker.clone() });
    }
    askers
}

fn next_concern(case: &Case) -> u64 {
    case.concerns.iter().filter_map(|concern| concern.id.strip_prefix('c')?.parse::<u64>().ok()).max().unwrap_or(0) + 1
}

fn renumbered(first: u64, concerns: &[Concern], since: Timestamp) -> Vec<Concern> {
    let numbered = concerns.iter().zip(first..);
    numbered
        .map(|(concern, n)| Concern { id: format!("c{n}"), added: concern.added.or(Some(since)), ..concern.clone() })
        .collect()
}

/// The clocks that go along: those that still run, unless one of the same rule runs in the other case that is due no
/// later; and all that have a breach.
fn carried(into: &Case, from: &Case) -> Vec<CaseClock> {
    let runs = |clock: &Clock| clock.satisfied.is_none() && clock.breached.is_none();
    let covered = |clock: &Clock| {
        into.clocks.iter().any(|e| e.clock.rule == clock.rule && runs(&e.clock) && e.clock.due.at <= clock.due.at)
    };
    let goes = |entry: &&CaseClock| {
        let clock = &entry.clock;
        clock.breaches().next().is_some() || (clock.satisfied.is_none() && !covered(clock))
    };
    from.clocks
        .iter()
        .filter(goes)
        .map(|entry| {
            let mut entry = entry.clone();
            // One that was carried before keeps its name: it says where it comes from.
            if into.clocks.iter().any(|own| own.clock.id == entry.clock.id) || !entry.clock.id.contains('@') {
                entry.clock.id = format!("{}@{}", entry.clock.id, from.number);
            }
            entry.clock.subject = format!("case/{}", into.number);
            entry
        })
        .collect()
}
