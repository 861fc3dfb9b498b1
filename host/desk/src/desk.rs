//! The desk: the units' items, cases and clocks of one partition.
//!
//! State is what the facts add up to. [`Desk::apply`] takes one in and never
//! fails: a fact about something that is not there is counted as stray, and
//! shown by [`Desk::strays`].

use std::sync::Arc;

use imbl::{OrdMap, OrdSet};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::actor::Actor;
use crate::calls::Calls;
use crate::case::{Case, CaseClock, ReportNumber};
use crate::command::Command;
use crate::decide::{self, DecideContext, Decision};
use crate::delegation::{self, Delegation};
use crate::disclosure::Disclosures;
use crate::error::DeskError;
use crate::event::{DeskEvent, fact_event};
use crate::fact::{Fact, ItemReceived};
use crate::item::{Digest, Item, ItemRecord, TEXT_CHARS, TITLE_CHARS};
use crate::label::Labels;
use crate::log::Logs;
use crate::policy::{PolicyPack, SatisfiedBy};
use crate::text::clip;
use crate::watch::{Watch, WatchFact};

/// A text that was met, and the first item with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Met {
    item: Uuid,
    at: Timestamp,
}

/// The most packs of the past that a desk lists.
const MAX_ADOPTED: usize = 100;

/// A pack that came into force.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Adopted {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// When.
    pub at: Timestamp,
    /// Who deployed it; none where a start brought it in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Actor>,
    /// Why running clocks were counted by it too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recompute: Option<String>,
}

/// The state of one partition. A copy costs next to nothing.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Desk {
    policy: Option<Arc<PolicyPack>>,
    /// Packs that open cases were opened under, by `name:version`, the one in force among them.
    #[serde(default)]
    packs: OrdMap<String, Arc<PolicyPack>>,
    /// Every pack that came into force, the latest last; the last [`MAX_ADOPTED`].
    #[serde(default)]
    adopted: imbl::Vector<Adopted>,
    /// Items by source and id, with the time they came.
    known: OrdMap<Digest, Timestamp>,
    /// Texts.
    texts: OrdMap<Digest, Met>,
    /// Recent items. Ids grow with time, so the first is the oldest.
    records: OrdMap<Uuid, Arc<ItemRecord>>,
    /// The case of each item that has one.
    placed: OrdMap<Uuid, String>,
    cases: OrdMap<String, Arc<Case>>,
    /// The case of each message and call, by what it is known by in its source.
    #[serde(default)]
    came_in: OrdMap<Digest, String>,
    /// Calls on the hotline.
    #[serde(default)]
    calls: Calls,
    /// Logs, special reports and digests, by unit.
    #[serde(default)]
    logs: OrdMap<String, Logs>,
    /// Open cases of calls that nobody took, by unit and phone.
    #[serde(default)]
    callers: OrdMap<String, String>,
    /// When which open case has a clock that wants to be ticked.
    wakes: OrdSet<(Timestamp, String)>,
    /// Approvals that people gave into other hands, by the unit that keeps them.
    #[serde(default)]
    delegations: OrdMap<String, Vec<Delegation>>,
    /// The last number of each series of reports, by unit, year and series.
    #[serde(default, skip_serializing_if = "OrdMap::is_empty")]
    numbers: OrdMap<String, u32>,
    /// Sources, duty, warnings, shares.
    #[serde(default)]
    pub(crate) watch: Watch,
    /// What units publish of their own accord.
    #[serde(default)]
    disclosures: Disclosures,
    /// Facts that found nothing to apply to.
    strays: u64,
}

impl Desk {
    /// A desk without a policy pack, which refuses everything but getting one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Decides a command. The desk itself stays as it is: apply the facts.
    ///
    /// # Errors
    /// When the command is refused.
    pub fn decide(&self, command: &Command, ctx: &mut DecideContext<'_>) -> Result<Decision, DeskError> {
        decide::decide(self, command, ctx)
    }

    /// What the passing of time has brought about by `now`. Once these facts
    /// are applied, the same call gives none.
    pub fn tick(&self, now: Timestamp) -> Vec<Fact> {
        decide::tick(self, now)
    }

    /// When [`Desk::tick`] next has something to say.
    pub fn next_wake(&self) -> Option<Timestamp> {
        let case = self.wakes.get_min().map(|(at, _)| *at);
        case.into_iter().chain(self.watch.next_wake()).chain(self.disclosures.next_wake()).min()
    }

    /// What is known of sources, duty, warnings and shares.
    pub fn watch(&self) -> &Watch {
        &self.watch
    }

    /// The same, for what the engine takes in beside facts: where a unit lives, and how reading a source went.
    pub fn watch_mut(&mut self) -> &mut Watch {
        &mut self.watch
    }

    /// What was due in some of the cases and did not happen, though [`Desk::tick`] was called when
    /// [`Desk::next_wake`] said: it is put on record, and happens with it. None where all is well. Looks at so many
    /// cases after one; gives the last one where there are more.
    pub fn overdue(&self, now: Timestamp, after: Option<&str>, most: usize) -> (Vec<Fact>, Option<String>) {
        let from = after.map_or(std::ops::Bound::Unbounded, |number| std::ops::Bound::Excluded(number.to_owned()));
        let slice: Vec<&Arc<Case>> =
            self.cases.range((from, std::ops::Bound::Unbounded)).take(most).map(|(_, case)| case).collect();
        let more = (slice.len() == most).then(|| slice.last().map(|case| case.number.clone())).flatten();
        (decide::overdue(self, now, slice.into_iter().map(Arc::as_ref)), more)
    }

    /// Clocks whose due time was provisional, counted by the calendars as they are now: a release that knows another
    /// year settles them. A breach stays as it is.
    pub fn recompute(&self, now: Timestamp) -> Vec<Fact> {
        decide::recompute(self, now)
    }

    /// Every pack that came into force, the latest last.
    pub fn adopted(&self) -> impl DoubleEndedIterator<Item = &Adopted> {
        self.adopted.iter()
    }

    /// The packs that open cases go by, and the one in force, by `name:version`.
    pub fn packs(&self) -> impl Iterator<Item = (&String, &Arc<PolicyPack>)> {
        self.packs.iter()
    }

    /// The pack that a case was opened under, if it is known.
    pub(crate) fn pack_of(&self, case: &Case) -> Option<&Arc<PolicyPack>> {
        self.packs.get(&case.pack)
    }

    /// The numbers of open cases.
    pub(crate) fn open_numbers(&self) -> Vec<String> {
        self.cases.values().filter(|case| case.is_open()).map(|case| case.number.clone()).collect()
    }

    /// The numbers of open cases that have a provisional clock.
    pub(crate) fn running(&self) -> Vec<String> {
        let provisional = |case: &&Arc<Case>| case.clocks.iter().any(|entry| entry.clock.due.provisional);
        self.cases.values().filter(|case| case.is_open()).filter(provisional).map(|case| case.number.clone()).collect()
    }

    /// The pack in force.
    pub fn policy(&self) -> Option<&Arc<PolicyPack>> {
        self.policy.as_ref()
    }

    /// The same, where nothing goes without one.
    ///
    /// # Errors
    /// When no pack is in force.
    pub fn policy_in_force(&self) -> Result<&Arc<PolicyPack>, DeskError> {
        self.policy.as_ref().ok_or_else(|| {
            DeskError::new("no-policy", "no policy pack is in force")
                .hint("name one as `policy` in huiyin.json, and start the host with it")
        })
    }

    /// The name of a unit in the pack in force; its code where the pack has none.
    pub fn unit_name<'d>(&'d self, code: &'d str) -> &'d str {
        self.policy.as_ref().and_then(|pack| pack.unit(code)).map_or(code, |unit| unit.name.zh.as_str())
    }

    /// The event that a fact makes, if it makes one, with the names that people
    /// read beside the codes: `unit_name`.
    pub fn event(&self, fact: &Fact) -> Option<DeskEvent> {
        let mut event = fact_event(fact)?;
        let name = self.unit_name(&event.unit).to_owned();
        if let Value::Object(data) = &mut event.data {
            data.insert("unit_name".to_owned(), Value::String(name));
            self.say(fact, data);
            for told in data.get_mut("notify").and_then(Value::as_array_mut).into_iter().flatten() {
                let unit = told.get("unit").and_then(Value::as_str).unwrap_or_default();
                let name = self.unit_name(unit).to_owned();
                told["unit_name"] = Value::String(name);
            }
        }
        Some(event)
    }

    /// What a response says goes along with the word that it goes out: so whoever publishes it has it.
    fn say(&self, fact: &Fact, data: &mut serde_json::Map<String, Value>) {
        let Fact::ResponseMoved { head, response, entry, .. } = fact else { return };
        if !matches!(entry.step, crate::case::ResponseStep::Released(_)) {
            return;
        }
        let Some(said) = self.case(&head.case).and_then(|case| case.response(response)) else { return };
        let content = &said.draft.content;
        data.insert("speaker".to_owned(), json!(content.unit));
        data.insert("kind".to_owned(), json!(content.form.name()));
        data.insert("kind_zh".to_owned(), json!(content.form.zh()));
        data.insert("headline".to_owned(), json!(content.form.title()));
        data.insert("text".to_owned(), json!(content.text));
        data.insert("text_hash".to_owned(), json!(said.draft.text_hash));
        data.insert("corrects".to_owned(), json!(content.corrects));
    }

    /// A case by number.
    pub fn case(&self, number: &str) -> Option<&Case> {
        self.cases.get(number).map(Arc::as_ref)
    }

    pub(crate) fn disclosures_kept(&self) -> &Disclosures {
        &self.disclosures
    }

    pub(crate) fn case_arc(&self, number: &str) -> Option<&Arc<Case>> {
        self.cases.get(number)
    }

    /// All cases, by number.
    pub fn cases(&self) -> impl Iterator<Item = &Case> {
        self.cases.values().map(Arc::as_ref)
    }

    /// A recent item.
    pub fn item(&self, id: &Uuid) -> Option<Arc<ItemRecord>> {
        self.records.get(id).cloned()
    }

    /// Every delegation that is kept, whether it holds or is over.
    pub fn delegations(&self) -> impl Iterator<Item = &Delegation> {
        self.delegations.values().flatten()
    }

    /// The last number of a series of reports; 0 where there is none.
    pub(crate) fn last_number(&self, series: &str) -> u32 {
        self.numbers.get(series).copied().unwrap_or_default()
    }

    pub(crate) fn numbers(&self) -> &OrdMap<String, u32> {
        &self.numbers
    }

    pub(crate) fn delegations_of(&self, unit: &str) -> &[Delegation] {
        self.delegations.get(unit).map_or(&[], Vec::as_slice)
    }

    /// Recent items that the floor could not judge and nobody has assessed:
    /// people have to look at them.
    pub fn unjudged(&self) -> impl Iterator<Item = &ItemRecord> {
        self.records.values().map(Arc::as_ref).filter(|r| r.floor_error.is_some() && r.assessments.is_empty())
    }

    /// The unit whose matter a command is, as far as the desk knows what it names.
    pub(crate) fn unit_of(&self, command: &Command) -> Option<String> {
        let of_item = |item: Option<&Uuid>| self.item(item?).map(|record| record.unit.clone());
        if let Some(number) = command.case() {
            return self.case(number).map(|case| case.unit.clone());
        }
        match command {
            Command::Receive(input) => Some(input.unit.clone()),
            Command::ImportCalls(input) => Some(input.unit.clone()),
            Command::ReadDesk(input) => input.unit.clone(),
            Command::RecordLog(input) => input.unit.clone(),
            Command::IssueLog(input) => input.unit.clone(),
            Command::OpenCase(input) => of_item(input.item.as_ref()).or_else(|| input.unit.clone()),
            Command::RecordAssessment(input) => of_item(input.item.as_ref()),
            Command::Watch(input) => of_item(input.item()).or_else(|| input.unit().map(str::to_owned)),
            Command::OpenDisclosure(_) | Command::PublishDisclosure(_) | Command::CheckDisclosure(_) => {
                command.unit().map(str::to_owned)
            }
            _ => None,
        }
    }

    /// The case an item belongs to.
    pub fn case_of_item(&self, id: &Uuid) -> Option<&str> {
        self.placed.get(id).map(String::as_str)
    }

    /// How many items are known by source and id.
    pub fn known_items(&self) -> usize {
        self.known.len()
    }

    /// How many facts found nothing to apply to. Anything but 0 means that
    /// facts were lost or mixed up.
    pub fn strays(&self) -> u64 {
        self.strays
    }

    /// True when the item was met before in that source of the unit: taking it
    /// in once more would change nothing. `key` is the host's key of content hashes.
    pub fn met(&self, key: &[u8; 32], unit: &str, source: &str, item: &Item) -> bool {
        self.knows(&Digest::of_item(key, unit, source, item))
            || self.knows(&Digest::of_refused(key, unit, source, item))
    }

    /// The case of a message or a call that came in before.
    pub(crate) fn came_in(&self, identity: &Digest) -> Option<&str> {
        self.came_in.get(identity).map(String::as_str)
    }

    /// The logs of a unit.
    pub(crate) fn logs(&self, unit: &str) -> Logs {
        self.logs.get(unit).cloned().unwrap_or_default()
    }

    pub(crate) fn all_logs(&self) -> impl Iterator<Item = (&str, &Logs)> {
        self.logs.iter().map(|(unit, logs)| (unit.as_str(), logs))
    }

    /// The cases, the recent items, and the case of each item that has one, for whoever copies them.
    pub(crate) fn holdings(
        &self,
    ) -> (&OrdMap<String, Arc<Case>>, &OrdMap<Uuid, Arc<ItemRecord>>, &OrdMap<Uuid, String>) {
        (&self.cases, &self.records, &self.placed)
    }

    /// Recent items, the oldest first.
    pub fn items(&self) -> impl Iterator<Item = &ItemRecord> {
        self.records.values().map(Arc::as_ref)
    }

    pub(crate) fn calls(&self) -> &Calls {
        &self.calls
    }

    /// The case of a caller of this unit who still waits to be called back.
    pub(crate) fn waiting_caller(&self, unit: &str, phone: &Digest) -> Option<String> {
        let case = self.case(self.callers.get(&caller(unit, phone))?)?;
        let waits = |entry: &CaseClock| entry.satisfied_by == SatisfiedBy::Callback && entry.clock.satisfied.is_some();
        (case.is_open() && !case.clocks.iter().any(waits)).then(|| case.number.clone())
    }

    pub(crate) fn knows(&self, identity: &Digest) -> bool {
        self.known.contains_key(identity)
    }

    pub(crate) fn first_with_text(&self, content: &Digest) -> Option<Uuid> {
        self.texts.get(content).map(|met| met.item)
    }

    /// The item of an identity, among those that are kept.
    pub(crate) fn item_by_identity(&self, identity: &Digest) -> Option<Uuid> {
        self.known.get(identity)?;
        self.records.values().rev().find(|record| record.identity == Some(*identity)).map(|record| record.item)
    }

    /// Below which id records go, when there are more than `most`.
    pub(crate) fn record_bound(&self, most: usize) -> Option<Uuid> {
        (self.records.len() > most).then(|| self.records.keys().nth(most / 10).copied()).flatten()
    }

    /// Before which time identities go, when there are more than `most`.
    pub(crate) fn known_bound(&self, most: usize) -> Option<Timestamp> {
        if self.known.len() <= most {
            return None;
        }
        let mut times: Vec<Timestamp> = self.known.values().copied().collect();
        let (_, bound, _) = times.select_nth_unstable(most / 10);
        Some(*bound)
    }

    /// Cases that have a clock to tick by `now`.
    pub(crate) fn awake(&self, now: Timestamp) -> Vec<String> {
        self.wakes.iter().take_while(|(at, _)| *at <= now).map(|(_, case)| case.clone()).collect()
    }

    /// Takes a fact in. Evaluates no policy and never fails.
    pub fn apply(&mut self, fact: &Fact) {
        match fact {
            Fact::PolicyAdopted { pack, at, by, recompute } => {
                let adopted = Adopted {
                    name: pack.name.clone(),
                    version: pack.version.clone(),
                    at: *at,
                    by: by.clone(),
                    recompute: recompute.clone(),
                };
                self.adopt(pack, adopted);
            }
            Fact::ItemReceived(received) => self.apply_received(received),
            Fact::ItemRefused { identity, at, .. } => {
                self.known.insert(*identity, *at);
            }
            Fact::ItemsForgotten { records_below, known_before, .. } => {
                self.apply_forgotten(*records_below, *known_before)
            }
            Fact::ItemAssessed { item, case, assessment, .. } => {
                match item.as_ref().and_then(|id| self.records.get_mut(id)) {
                    Some(record) => Arc::make_mut(record).assess(assessment.clone()),
                    None if case.is_none() => self.strays += 1,
                    None => {}
                }
                if let Some(number) = case {
                    self.apply_to_case(number, fact);
                }
            }
            Fact::LogRecorded { unit, log } => self.logs.entry(unit.clone()).or_default().record(log),
            Fact::LogIssued { unit, log, issue, issued } => {
                let found = self.logs.get_mut(unit).is_some_and(|logs| logs.issue(log, *issue, issued));
                self.strays += u64::from(!found);
            }
            Fact::CasesMerged { head, merged } => {
                for item in &merged.items {
                    self.placed.insert(item.item, head.case.clone());
                }
                self.apply_to_case(&head.case, fact);
            }
            Fact::CallsRecorded { unit, calls, closed_before, .. } => self.calls.apply(unit, calls, *closed_before),
            Fact::CaseOpened(opened) => {
                let case = Case::opened(opened);
                if let Some(item) = &opened.item {
                    self.placed.insert(item.item, case.number.clone());
                }
                for item in opened.split.iter().flat_map(|split| &split.items) {
                    self.placed.insert(item.item, case.number.clone());
                }
                if let Some(came) = &case.came_in {
                    if let Some(phone) = came.phone.as_ref().filter(|_| came.missed) {
                        self.callers.insert(caller(&case.unit, &phone.hash), case.number.clone());
                    }
                    self.came_in.insert(came.identity, case.number.clone());
                }
                // A case that came out of another has clocks from the start.
                if let Some(at) = case.next_wake() {
                    self.wakes.insert((at, case.number.clone()));
                }
                self.cases.insert(case.number.clone(), Arc::new(case));
            }
            Fact::ItemAttached { head, item, .. } => {
                self.placed.insert(item.item, head.case.clone());
                self.apply_to_case(&head.case, fact);
            }
            Fact::DelegationGranted { delegation } => {
                delegation::keep(self.delegations.entry(delegation.unit.clone()).or_default(), delegation);
            }
            Fact::DelegationRevoked { unit, delegation, revoked } => {
                let known = self.delegations.get_mut(unit).into_iter().flatten().find(|known| known.id == *delegation);
                match known {
                    Some(known) => known.revoked = Some(revoked.clone()),
                    None => self.strays += 1,
                }
            }
            Fact::Watch(watched) => self.apply_watched(watched, fact),
            Fact::DisclosureOpened { disclosure } => self.disclosures.open(disclosure),
            Fact::DisclosureMoved { disclosure, step, .. } => {
                if !self.disclosures.step(disclosure, step) {
                    self.strays += 1;
                }
            }
            other => match other.head() {
                Some(head) => self.apply_to_case(&head.case, fact),
                None => self.strays += 1,
            },
        }
    }

    fn apply_watched(&mut self, watched: &WatchFact, fact: &Fact) {
        match watched {
            WatchFact::LabelSet { case: Some(number), .. } => self.apply_to_case(number, fact),
            WatchFact::LabelSet { item, entry, .. } => match item.as_ref().and_then(|id| self.records.get_mut(id)) {
                Some(record) => Arc::make_mut(record).labels.add(entry.clone()),
                None => self.strays += 1,
            },
            other => {
                if !self.watch.apply(other) {
                    self.strays += 1;
                }
            }
        }
    }

    /// Keeps the packs that somebody still goes by.
    fn adopt(&mut self, pack: &Arc<PolicyPack>, adopted: Adopted) {
        if self.adopted.len() >= MAX_ADOPTED {
            self.adopted.pop_front();
        }
        self.adopted.push_back(adopted);
        let name = |pack: &PolicyPack| format!("{}:{}", pack.name, pack.version);
        // Of before packs were kept the one in force is known.
        if let Some(old) = self.policy.replace(pack.clone()) {
            self.packs.insert(name(&old), old);
        }
        let used: std::collections::BTreeSet<&str> =
            self.cases.values().filter(|case| case.is_open()).map(|case| case.pack.as_str()).collect();
        let kept = std::mem::take(&mut self.packs).into_iter().filter(|(name, _)| used.contains(name.as_str()));
        self.packs = kept.collect();
        self.packs.insert(name(pack), pack.clone());
    }

    fn apply_to_case(&mut self, number: &str, fact: &Fact) {
        if let Fact::ReportSubmitted { report, .. } = fact
            && let Some(number) = &report.number
        {
            let last = self.numbers.entry(ReportNumber::series(&number.unit, number.year, number.series)).or_default();
            *last = number.no.max(*last);
        }
        let Some(case) = self.cases.get_mut(number) else {
            self.strays += 1;
            return;
        };
        let before = case.next_wake();
        if !Arc::make_mut(case).apply(fact) {
            self.strays += 1;
        }
        let after = case.next_wake();
        if before != after {
            if let Some(at) = before {
                self.wakes.remove(&(at, number.to_owned()));
            }
            if let Some(at) = after {
                self.wakes.insert((at, number.to_owned()));
            }
        }
    }

    fn apply_received(&mut self, received: &ItemReceived) {
        let ItemReceived {
            item_id,
            unit,
            item,
            identity,
            content,
            occurred_at,
            duplicate_of,
            corrects,
            floor,
            floor_error,
            at,
        } = received;
        self.known.insert(*identity, *at);
        match self.texts.get_mut(content) {
            Some(met) => met.at = *at,
            None => {
                self.texts.insert(*content, Met { item: *item_id, at: *at });
            }
        }
        let title = if item.title.trim().is_empty() { item.body.trim() } else { item.title.trim() };
        let record = ItemRecord {
            item: *item_id,
            unit: unit.clone(),
            source: item.source.clone(),
            title: clip(title, TITLE_CHARS),
            text: Some(item.body.trim()).filter(|text| !text.is_empty()).map(|text| clip(text, TEXT_CHARS)),
            url: item.url.as_ref().map(|url| clip(url, 500)),
            channel: item.field("channel").map(|channel| clip(channel, 100)),
            asker: item.field("asker").or_else(|| item.field("author-hash")).map(|who| clip(who, 100)),
            occurred_at: *occurred_at,
            observed: item.observed,
            duplicate_of: *duplicate_of,
            corrects: *corrects,
            identity: Some(*identity),
            floor_error: floor_error.clone(),
            assessments: floor.iter().cloned().collect(),
            labels: floor.as_ref().map(Labels::of).unwrap_or_default(),
        };
        self.watch.received(received);
        self.records.insert(*item_id, Arc::new(record));
    }

    fn apply_forgotten(&mut self, records_below: Option<Uuid>, known_before: Option<Timestamp>) {
        if let Some(bound) = records_below {
            let (_, here, above) = self.records.split_lookup(&bound);
            self.records = above;
            if let Some(record) = here {
                self.records.insert(bound, record);
            }
        }
        if let Some(bound) = known_before {
            self.known = std::mem::take(&mut self.known).into_iter().filter(|(_, at)| *at >= bound).collect();
            self.texts = std::mem::take(&mut self.texts).into_iter().filter(|(_, met)| met.at >= bound).collect();
        }
    }
}

/// How a caller of a unit is known.
fn caller(unit: &str, phone: &Digest) -> String {
    format!("{unit} {phone:?}")
}
