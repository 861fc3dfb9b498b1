//! The log read back without the host: what really stands in it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use huiyin_deadline::clock::ClockFact;
use huiyin_desk::Fact;
use huiyin_engine::record::{self, Entry};
use huiyin_journal::{Journal as _, LargePayloads, Options, Payload, Record, SegmentJournal};
use jiff::Timestamp;

/// What records say, one after the other, whether or not a first turn stands in its start.
pub fn said(records: &[Record]) -> Vec<&'static str> {
    records.iter().flat_map(record::parts).flatten().map(|part| part.kind()).collect()
}

/// What the log says, counted.
#[derive(Debug, Default)]
pub struct Account {
    /// Records.
    pub records: u64,
    /// How often each item, by its own id, was taken in.
    pub items: BTreeMap<String, u32>,
    /// Cases opened, by number.
    pub cases: BTreeSet<String>,
    /// Clocks started, as `<case>/<clock>`, and when each is due.
    pub clocks: BTreeMap<String, Timestamp>,
    /// Breaches that were reported before the due time.
    pub early: u32,
    /// How often each clock breached.
    pub breaches: BTreeMap<String, u32>,
    /// Clocks satisfied.
    pub satisfied: BTreeSet<String>,
    /// Runs started, and how often.
    pub runs: BTreeMap<String, u32>,
    /// Cases by the item that opened them, and how often.
    pub opened_for: BTreeMap<String, u32>,
    /// How often each notification's outcome was recorded, as `<case>/<notification>`.
    pub told: BTreeMap<String, u32>,
    /// Flash reports by case, drafted or sent.
    pub reports: BTreeMap<String, u32>,
    /// Effects intended: idempotency key to tries.
    pub effects: BTreeMap<String, u32>,
}

/// The log of a data folder whose host is not running, large values included.
///
/// # Errors
/// When it cannot be opened.
pub fn open(data: &Path) -> Result<LargePayloads, String> {
    let journal = SegmentJournal::open(data.join("journal"), Options::default()).map_err(|e| e.to_string())?;
    Ok(LargePayloads::in_turn(Arc::new(journal)))
}

fn records(data: &Path) -> Result<Vec<Record>, String> {
    let found = open(data)?.read_all(0).map_err(|e| e.to_string())?;
    found.map(|record| record.map_err(|e| e.to_string())).collect()
}

/// The types of all records of a data folder whose host is not running, in their order.
///
/// # Errors
/// When the log cannot be read.
pub fn kinds(data: &Path) -> Result<Vec<String>, String> {
    Ok(records(data)?.into_iter().map(|record| record.header.kind).collect())
}

/// What all records say that are not redacted, in their order.
///
/// # Errors
/// When the log cannot be read, or holds a record that cannot be.
pub fn entries(data: &Path) -> Result<Vec<Entry>, String> {
    let decoded = records(data)?.into_iter().filter_map(|found| record::decode(&found).transpose());
    decoded.map(|entry| entry.map_err(|e| e.to_string())).collect()
}

/// All that stands in the log, headers and payloads, as text.
///
/// # Errors
/// When it cannot be read.
pub fn text(data: &Path) -> Result<String, String> {
    let mut text = String::new();
    for record in records(data)? {
        text.push_str(&String::from_utf8_lossy(&record.leaf));
        if let Payload::Open(bytes) = &record.payload {
            text.push_str(&String::from_utf8_lossy(bytes));
        }
    }
    Ok(text)
}

/// Reads the whole log of a data folder whose host is not running.
///
/// # Errors
/// When it cannot be read, or holds a record that cannot be.
pub fn account(data: &Path) -> Result<Account, String> {
    let mut account = Account::default();
    for found in open(data)?.read_all(0).map_err(|e| e.to_string())? {
        let found = found.map_err(|e| e.to_string())?;
        account.records += 1;
        let Some(entry) = record::decode(&found).map_err(|e| e.to_string())? else { continue };
        match entry {
            Entry::SourcePage(page) => page.facts.iter().for_each(|f| account.fact(f)),
            Entry::DeskDecided(decided) => decided.facts.iter().for_each(|f| account.fact(f)),
            Entry::RunStarted(started) => *account.runs.entry(started.run).or_default() += 1,
            Entry::EffectIntended(intended) => *account.effects.entry(intended.idempotency_key).or_default() += 1,
            _ => {}
        }
    }
    Ok(account)
}

impl Account {
    fn fact(&mut self, fact: &Fact) {
        match fact {
            Fact::ItemReceived(received) => *self.items.entry(received.item.id.clone()).or_default() += 1,
            Fact::CaseOpened(opened) => {
                self.cases.insert(opened.head.case.clone());
                if let Some(item) = &opened.item {
                    *self.opened_for.entry(item.item.to_string()).or_default() += 1;
                }
            }
            Fact::ClockStarted { head, clock: ClockFact::Started { clock, due, .. }, .. } => {
                self.clocks.insert(format!("{}/{clock}", head.case), due.at);
            }
            Fact::ClockMoved { head, clock, .. } => {
                let name = format!("{}/{}", head.case, clock.clock());
                match clock {
                    ClockFact::Breached { lateness, .. } => {
                        *self.breaches.entry(name).or_default() += 1;
                        self.early += u32::from(!lateness.is_positive());
                    }
                    ClockFact::Satisfied { .. } => {
                        self.satisfied.insert(name);
                    }
                    _ => {}
                }
            }
            Fact::NotificationSettled { head, notification, .. } => {
                *self.told.entry(format!("{}/{notification}", head.case)).or_default() += 1;
            }
            Fact::ReportDrafted { head, .. } | Fact::ReportSubmitted { head, .. } => {
                *self.reports.entry(head.case.clone()).or_default() += 1
            }
            _ => {}
        }
    }
}
