//! Proactive disclosure (主动发布, clause 6d): what a unit has to publish of its
//! own accord, each with a clock, and whether it was done in time, in full,
//! objectively and accurately.
//!
//! An entry lives with its unit, and needs no case. One whose check fails is
//! owed again: what is published then corrects what was published before.

use std::sync::Arc;

use huiyin_deadline::clock::{self, Anchor, Clock, ClockFact, ClockRule as Running};
use imbl::{OrdMap, OrdSet};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::actor::Actor;
use crate::command::{CheckDisclosure, OpenDisclosure, PublishDisclosure};
use crate::decide::{Output, Work, said};
use crate::desk::Desk;
use crate::error::DeskError;
use crate::fact::Fact;
use crate::policy::Recipient;

/// The most entries of one unit that are owed at a time.
pub const MAX_OWED: usize = 500;
/// The most entries of a partition that are kept; the oldest that are done go first.
const MAX_KEPT: usize = 20_000;
/// The most publications of one entry.
const MAX_PUBLICATIONS: usize = 50;

/// The four kinds of matter that are published without being asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Matter {
    /// 涉及公共利益、公众权益的事项.
    PublicInterest,
    /// 需要广泛知晓的事项.
    WideKnowledge,
    /// 社会关切的事项.
    SocialConcern,
    /// 法律和国家规定需要公开发布的事项.
    Statutory,
}

impl Matter {
    /// All four.
    pub const ALL: [Matter; 4] = [Self::PublicInterest, Self::WideKnowledge, Self::SocialConcern, Self::Statutory];

    /// As JSON has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::PublicInterest => "public-interest",
            Self::WideKnowledge => "wide-knowledge",
            Self::SocialConcern => "social-concern",
            Self::Statutory => "statutory",
        }
    }

    /// The name people read.
    pub fn zh(self) -> &'static str {
        match self {
            Self::PublicInterest => "公共利益、公众权益",
            Self::WideKnowledge => "需要广泛知晓",
            Self::SocialConcern => "社会关切",
            Self::Statutory => "法定公开",
        }
    }
}

/// What a person found of a publication.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Checks {
    /// 全面.
    pub complete: bool,
    /// 客观.
    pub objective: bool,
    /// 准确.
    pub accurate: bool,
}

impl Checks {
    fn all(self) -> bool {
        self.complete && self.objective && self.accurate
    }
}

/// Something that was published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Publication {
    /// The text.
    pub text: String,
    /// On which channel.
    pub channel: String,
    /// Where it can be read, or what shows it.
    pub proof: String,
    /// Who recorded it.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
    /// What was found of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<Check>,
}

/// A person's word on a publication.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What was found.
    pub checks: Checks,
    /// What is missing or wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The person's id.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// A step of an entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case")]
pub enum DisclosureStep {
    /// Its clock started, warned, was missed or came to rest.
    Clock {
        /// What happened.
        clock: Box<ClockFact>,
        /// Who is told because of it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        notify: Vec<Recipient>,
    },
    /// It was published.
    Published {
        /// What, and where.
        publication: Box<Publication>,
    },
    /// The last publication was checked.
    Checked {
        /// What was found.
        check: Check,
    },
}

/// An entry of a unit's list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Disclosure {
    /// `<unit>-d1`, `<unit>-d2`, …
    pub id: String,
    /// The unit that owes it.
    pub unit: String,
    /// Which of the four kinds.
    pub kind: Matter,
    /// What is to be published.
    pub title: String,
    /// The case that it comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<String>,
    /// When the matter arose.
    pub arose_at: Timestamp,
    /// Who put it on the list.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
    /// Its clock; none before it has started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<Clock>,
    /// What was published, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub publications: Vec<Publication>,
}

impl Disclosure {
    /// Published, and not found wanting.
    pub fn is_done(&self) -> bool {
        self.publications.last().is_some_and(|last| last.check.as_ref().is_none_or(|check| check.checks.all()))
    }

    fn next_wake(&self) -> Option<Timestamp> {
        self.clock.as_ref().and_then(clock::next_wake)
    }

    fn take(&mut self, step: &DisclosureStep) -> bool {
        match step {
            DisclosureStep::Clock { clock, .. } if matches!(**clock, ClockFact::Started { .. }) => {
                self.clock = Clock::started(clock);
                self.clock.is_some()
            }
            DisclosureStep::Clock { clock, .. } => self.clock.as_mut().is_some_and(|own| own.apply(clock).is_ok()),
            DisclosureStep::Published { publication } => {
                self.publications.push((**publication).clone());
                true
            }
            DisclosureStep::Checked { check } => match self.publications.last_mut() {
                Some(last) => {
                    last.check = Some(check.clone());
                    true
                }
                None => false,
            },
        }
    }
}

/// The units' lists of one partition.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Disclosures {
    entries: OrdMap<String, Arc<Disclosure>>,
    /// In the order in which they came.
    order: OrdMap<u64, String>,
    next: u64,
    wakes: OrdSet<(Timestamp, String)>,
}

impl Disclosures {
    pub(crate) fn get(&self, id: &str) -> Option<&Disclosure> {
        self.entries.get(id).map(Arc::as_ref)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Disclosure> {
        self.order.values().filter_map(|id| self.get(id))
    }

    pub(crate) fn next_wake(&self) -> Option<Timestamp> {
        self.wakes.get_min().map(|(at, _)| *at)
    }

    fn awake(&self, now: Timestamp) -> Vec<String> {
        self.wakes.iter().take_while(|(at, _)| *at <= now).map(|(_, id)| id.clone()).collect()
    }

    /// The entries that are kept, without the oldest that are done.
    pub(crate) fn open(&mut self, disclosure: &Disclosure) {
        if self.entries.len() >= MAX_KEPT {
            let oldest = self.order.iter().find(|(_, id)| self.get(id).is_none_or(Disclosure::is_done));
            if let Some((at, id)) = oldest.map(|(at, id)| (*at, id.clone())) {
                self.order.remove(&at);
                self.entries.remove(&id);
            }
        }
        self.order.insert(self.next, disclosure.id.clone());
        self.next += 1;
        self.entries.insert(disclosure.id.clone(), Arc::new(disclosure.clone()));
    }

    /// False if there is no such entry.
    pub(crate) fn step(&mut self, id: &str, step: &DisclosureStep) -> bool {
        let Some(entry) = self.entries.get_mut(id) else { return false };
        let before = entry.next_wake();
        let taken = Arc::make_mut(entry).take(step);
        let after = entry.next_wake();
        if before != after {
            if let Some(at) = before {
                self.wakes.remove(&(at, id.to_owned()));
            }
            if let Some(at) = after {
                self.wakes.insert((at, id.to_owned()));
            }
        }
        taken
    }
}

/// The unit whose entry has this id.
pub(crate) fn unit_of(id: &str) -> Option<&str> {
    id.rsplit_once("-d").map(|(unit, _)| unit)
}

impl Work<'_> {
    /// `open-disclosure`.
    pub(crate) fn open_disclosure(&mut self, input: &OpenDisclosure) -> Output {
        let policy = self.policy()?;
        let unit = input.unit.as_deref().or(self.scope()).map(str::to_owned);
        let unit = unit.or_else(|| policy.root().map(|root| root.code.clone())).unwrap_or_default();
        if policy.unit(&unit).is_none() {
            return Err(DeskError::new("not-found", format!("the policy pack has no unit `{unit}`")).at("/unit"));
        }
        self.within(&unit, "/unit")?;
        let title = said(&input.title, 300, "/title", "what is to be published")?;
        let now = self.now();
        let arose_at = input.arose_at.unwrap_or(now);
        if arose_at > now {
            return Err(DeskError::new(
                "order",
                format!("the matter cannot have arisen at {arose_at}: it is {now} now"),
            )
            .at("/arose_at")
            .clause("6d"));
        }
        let mine = || self.desk.disclosures().filter(|entry| entry.unit == unit);
        if mine().filter(|entry| !entry.is_done()).count() >= MAX_OWED {
            return Err(DeskError::new("too-many", format!("unit `{unit}` owes {MAX_OWED} publications already"))
                .clause("6d")
                .hint("publish some of them first"));
        }
        let number = |entry: &Disclosure| entry.id.rsplit_once("-d").and_then(|(_, n)| n.parse::<u64>().ok());
        let id = format!("{unit}-d{}", mine().filter_map(number).max().unwrap_or(0) + 1);
        let disclosure = Disclosure {
            id: id.clone(),
            unit,
            kind: input.kind,
            title,
            case: input.case.clone(),
            arose_at,
            by: self.actor().clone(),
            at: now,
            clock: None,
            publications: Vec::new(),
        };
        self.push(Fact::DisclosureOpened { disclosure: Box::new(disclosure) });
        self.start_disclosure(&id)?;
        self.disclosure_output(&id)
    }

    /// The clock that the pack has for the kind; none where it has none.
    fn start_disclosure(&mut self, id: &str) -> Result<(), DeskError> {
        let (entry, policy) = (self.disclosure(id)?, self.policy()?);
        let Some(rule) = policy.disclosure.iter().find(|rule| rule.kind == entry.kind) else { return Ok(()) };
        let calendar = policy.calendar(&rule.calendar).ok_or_else(|| {
            DeskError::new("not-found", format!("the policy pack has no calendar `{}`", rule.calendar))
        })?;
        let running = Running {
            id: format!("disclosure-{}", rule.kind.name()),
            allowance: rule.allowance,
            anchor: Anchor::OccurredAt,
            calendar: rule.calendar.clone(),
            zone: policy.time_zone.clone(),
            warnings: rule.warnings.clone(),
            pausable: false,
            source: rule.basis.source.clone(),
        };
        let subject = format!("disclosure/{id}");
        let facts = clock::start(&running, id, &subject, entry.arose_at, self.now(), &calendar)
            .map_err(|error| DeskError::new("clock", error.to_string()))?;
        for fact in facts {
            self.disclosure_clock(id, fact)?;
        }
        Ok(())
    }

    fn disclosure_clock(&mut self, id: &str, fact: ClockFact) -> Result<(), DeskError> {
        let (entry, policy) = (self.disclosure(id)?, self.policy()?);
        let told = matches!(fact, ClockFact::Warned { .. } | ClockFact::Breached { .. });
        let rule = policy.disclosure.iter().find(|rule| rule.kind == entry.kind).filter(|_| told);
        let mut notify: Vec<Recipient> = Vec::new();
        for to in rule.into_iter().flat_map(|rule| &rule.tell).flat_map(|target| policy.resolve(target, &entry.unit)) {
            if notify.iter().all(|known| known.id != to.id) {
                notify.push(to);
            }
        }
        self.disclosure_step(&entry, DisclosureStep::Clock { clock: Box::new(fact), notify });
        Ok(())
    }

    fn disclosure_step(&mut self, entry: &Disclosure, step: DisclosureStep) {
        self.push(Fact::DisclosureMoved {
            unit: entry.unit.clone(),
            disclosure: entry.id.clone(),
            title: entry.title.clone(),
            kind: entry.kind,
            due_at: entry.clock.as_ref().map(|clock| clock.due.at),
            step: Box::new(step),
            at: self.now(),
        });
    }

    /// `publish-disclosure`.
    pub(crate) fn publish_disclosure(&mut self, input: &PublishDisclosure) -> Output {
        let entry = self.disclosure(&input.disclosure)?;
        if entry.is_done() {
            return Err(DeskError::new("unchanged", format!("{} is published already", entry.id))
                .at("/disclosure")
                .clause("6d")
                .hint("where it is wrong, say so first: `check-disclosure`"));
        }
        if entry.publications.len() >= MAX_PUBLICATIONS {
            return Err(
                DeskError::new("too-many", format!("at most {MAX_PUBLICATIONS} publications")).at("/disclosure")
            );
        }
        let publication = Publication {
            text: said(&input.text, 20_000, "/text", "the text")?,
            channel: said(&input.channel, 100, "/channel", "the channel")?,
            proof: said(&input.proof, 2_000, "/proof", "the proof")?,
            by: self.actor().clone(),
            at: self.now(),
            check: None,
        };
        self.disclosure_step(&entry, DisclosureStep::Published { publication: Box::new(publication) });
        if let Some(clock) = entry.clock.as_ref().filter(|clock| clock.satisfied.is_none()) {
            let by = self.actor().to_string();
            let facts =
                clock::satisfy(clock, self.now(), &by).map_err(|error| DeskError::new("clock", error.to_string()))?;
            for fact in facts {
                self.disclosure_clock(&entry.id, fact)?;
            }
        }
        self.disclosure_output(&entry.id)
    }

    /// `check-disclosure`.
    pub(crate) fn check_disclosure(&mut self, input: &CheckDisclosure) -> Output {
        let entry = self.disclosure(&input.disclosure)?;
        let by = self.person("check a publication", "6d")?;
        let Some(last) = entry.publications.last() else {
            return Err(DeskError::new("order", format!("{} is not published yet", entry.id))
                .at("/disclosure")
                .clause("6d")
                .hint("publish it: `publish-disclosure`"));
        };
        if last.by.person() == Some(&by) {
            return Err(DeskError::new("own-text", format!("`{by}` published this, so somebody else has to check it"))
                .clause("rule 9"));
        }
        let note = input.note.as_deref().map(|text| said(text, 1_000, "/note", "the note")).transpose()?;
        if !input.checks.all() && note.is_none() {
            return Err(DeskError::new("empty", "what is missing or wrong is not said")
                .at("/note")
                .clause("6d")
                .hint("say it in a `note`"));
        }
        let check = Check { checks: input.checks, note, by, at: self.now() };
        self.disclosure_step(&entry, DisclosureStep::Checked { check });
        self.disclosure_output(&entry.id)
    }

    fn disclosure(&self, id: &str) -> Result<Disclosure, DeskError> {
        let entry = self.desk.disclosure(id).cloned().ok_or_else(|| {
            DeskError::new("not-found", format!("there is no disclosure entry `{id}`"))
                .at("/disclosure")
                .hint("`huiyin disclosure list --all` shows them")
        })?;
        self.within(&entry.unit, "/disclosure")?;
        Ok(entry)
    }

    fn disclosure_output(&self, id: &str) -> Output {
        Ok(view(&self.disclosure(id)?))
    }

    /// Ticks the clocks of the units' lists.
    pub(crate) fn tick_disclosures(&mut self) {
        let now = self.now();
        for id in self.desk.disclosures_awake(now) {
            let Some(own) = self.desk.disclosure(&id).and_then(|entry| entry.clock.clone()) else { continue };
            for fact in clock::tick(&own, now) {
                if self.disclosure_clock(&id, fact).is_err() {
                    break;
                }
            }
        }
    }
}

impl Desk {
    /// An entry of a unit's list of what it has to publish.
    pub fn disclosure(&self, id: &str) -> Option<&Disclosure> {
        self.disclosures_kept().get(id)
    }

    /// All entries, in the order in which they came.
    pub fn disclosures(&self) -> impl Iterator<Item = &Disclosure> {
        self.disclosures_kept().all()
    }

    fn disclosures_awake(&self, now: Timestamp) -> Vec<String> {
        self.disclosures_kept().awake(now)
    }
}

/// An entry as people read it.
pub(crate) fn view(entry: &Disclosure) -> Value {
    let last = entry.publications.last();
    let check = last.and_then(|last| last.check.as_ref());
    let clock = entry.clock.as_ref();
    let timely = clock.and_then(|clock| clock.satisfied.as_ref()).map(|done| done.on_time);
    let (state, state_zh) = match (last, check) {
        (None, _) if clock.is_some_and(|clock| clock.breached.is_some()) => ("overdue", "逾期未发布"),
        (None, _) => ("owed", "待发布"),
        (Some(_), None) => ("published", "已发布,待核对"),
        (Some(_), Some(check)) if check.checks.all() => ("checked", "已核对"),
        (Some(_), Some(_)) => ("wanting", "须更正"),
    };
    json!({
        "disclosure": entry.id,
        "unit": entry.unit,
        "kind": entry.kind,
        "kind_zh": entry.kind.zh(),
        "title": entry.title,
        "case": entry.case,
        "state": state,
        "state_zh": state_zh,
        "arose_at": entry.arose_at,
        "due_at": clock.map(|clock| clock.due.at),
        "provisional": clock.is_some_and(|clock| clock.due.provisional),
        "breached_at": clock.and_then(|clock| clock.breached.as_ref()).map(|breach| breach.fired_at),
        "timely": timely,
        "checks": check.map(|check| check.checks),
        "publications": entry.publications,
        "by": entry.by,
        "at": entry.at,
    })
}

/// What units owe, or all entries, in rows: the oldest first.
pub fn disclosure_list(desk: &Desk, unit: Option<&str>, all: bool) -> Vec<Value> {
    desk.disclosures()
        .filter(|entry| unit.is_none_or(|unit| entry.unit == unit))
        .filter(|entry| all || !entry.is_done() || entry.publications.last().is_some_and(|last| last.check.is_none()))
        .map(view)
        .collect()
}
