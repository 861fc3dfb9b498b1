//! Recorded calls of pure plugins, made again (rule 10): batch, state,
//! configuration, model and component as the journal has them, in a fresh
//! instance; and whether the same bytes come out.
//!
//! It reads records and calls plugins. It evaluates no expression, asks no
//! policy and writes nothing.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use huiyin_desk::{Fact as DeskFact, Item};
use huiyin_flow::{CallId, Event, Fact, FrameId, FunctionRef, Opened};
use huiyin_journal::{Payload, Record};
use huiyin_partition::deployed;
use huiyin_records::record::{
    self, CallTrace, DecodeError, Entry, FloorJudged, JudgedItem, Pin, RunTurn, result_digest,
};
use huiyin_registry::calls;
use huiyin_registry::item_conversion::original;
use huiyin_sandbox::{CallError, Context, Limits, Operation, Package, Sandbox};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

/// Items that are remembered for the record of the floor's calls that follows
/// them in the same append; a page has at most 1,000.
const ITEMS: usize = 4_000;

/// One recorded call and what became of repeating it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Repeated {
    /// The record that has its result, `partition/seq`.
    pub record: String,
    /// The call's id; empty where the record cannot be read.
    pub call: String,
    /// The plugin, `name:version`; empty where the record cannot be read.
    pub plugin: String,
    /// The component, SHA-256 hex.
    pub digest: String,
    /// Items, of a classifier's batch by the floor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub items: Option<u32>,
    /// What came of it.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// What repeating a call showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
pub enum Verdict {
    /// The same bytes.
    Identical,
    /// Other bytes, or none.
    Differs {
        /// What the recorded result is known by ([`record::sum`]).
        recorded: String,
        /// What the new one is known by, or why there is none.
        now: String,
    },
    /// It hit a limit then, and gave no result that could be repeated.
    Limit {
        /// Which.
        limit: String,
    },
    /// It gave no result then, for another reason.
    Failed {
        /// In one word; see [`calls::fault`].
        why: String,
    },
    /// What it was made of was redacted.
    Redacted,
    /// The component is not at hand.
    Gone {
        /// Why not, where there is more to say.
        #[serde(skip_serializing_if = "Option::is_none")]
        why: Option<String>,
    },
    /// It was recorded by a version that did not say enough.
    Untold,
}

/// Gives a component by its digest; why not, if it is there and refused.
pub type Packages<'a> = dyn Fn(&str) -> Option<Result<Arc<Package>, String>> + 'a;

/// Goes through a journal, record by record, in the order of each partition.
pub struct Replay<'a> {
    sandbox: &'a Sandbox,
    find: &'a Packages<'a>,
    found: HashMap<String, Option<Result<Arc<Package>, String>>>,
    partitions: HashMap<u32, Seen>,
}

/// What earlier records of a partition said.
#[derive(Default)]
struct Seen {
    deployments: HashMap<String, Deployment>,
    /// The deployment of each run.
    runs: HashMap<String, String>,
    /// Calls that are under way.
    asked: HashMap<(String, u64), Asked>,
    /// Calls that were effects.
    effects: HashSet<(String, String)>,
    /// What was told of calls whose results wait in a run that is held.
    held: HashMap<(String, u64), Option<CallTrace>>,
    items: VecDeque<(Uuid, Item)>,
}

struct Deployment {
    unit: Option<String>,
    pins: BTreeMap<String, Pin>,
}

struct Asked {
    at: Timestamp,
    function: Arc<FunctionRef>,
    slot: Option<Arc<str>>,
    with: Arc<Value>,
}

impl<'a> Replay<'a> {
    /// A replay that calls in this sandbox the components that `find` gives.
    pub fn new(sandbox: &'a Sandbox, find: &'a Packages<'a>) -> Self {
        Self { sandbox, find, found: HashMap::new(), partitions: HashMap::new() }
    }

    /// Takes a record in; repeats the calls whose results it has, if `repeat`.
    ///
    /// # Errors
    /// When the record cannot be read.
    pub fn take(&mut self, record: &Record, repeat: bool) -> Result<Vec<Repeated>, DecodeError> {
        let header = &record.header;
        if record.payload == Payload::Redacted {
            let kind = header.kind.as_str();
            let calls = matches!(kind, "huiyin.run.started.v1" | "huiyin.run.turn.v1" | "huiyin.floor.judged.v1");
            let redacted = Repeated {
                record: header.id.clone(),
                call: String::new(),
                plugin: String::new(),
                digest: String::new(),
                items: None,
                verdict: Verdict::Redacted,
            };
            return Ok(if calls && repeat { vec![redacted] } else { Vec::new() });
        }
        let seen = self.partitions.entry(header.partition).or_default();
        let calls: Vec<Call> = record::parts(record)?.flat_map(|part| seen.take(part)).collect();
        if !repeat {
            return Ok(Vec::new());
        }
        Ok(calls
            .into_iter()
            .map(|call| Repeated {
                record: header.id.clone(),
                call: call.key.clone(),
                plugin: call.pin.plugin.clone(),
                digest: call.pin.digest.clone(),
                items: call.items,
                verdict: self.repeat(call),
            })
            .collect())
    }

    fn repeat(&mut self, call: Call) -> Verdict {
        let (recorded, with) = match call.was {
            Was::Result { sum, with } => (sum, with),
            Was::Other(verdict) => return verdict,
        };
        let find = self.find;
        let package = self.found.entry(call.pin.digest.clone()).or_insert_with_key(|digest| find(digest));
        let package = match package {
            Some(Ok(package)) => Arc::clone(package),
            Some(Err(why)) => return Verdict::Gone { why: Some(why.clone()) },
            None => return Verdict::Gone { why: None },
        };
        let operation = match with {
            With::Arguments(with) => calls::operation(&package, &call.pin, &with).map_err(|e| e.to_string()),
            With::Items(items) => Ok(Operation::Classify {
                config: call.pin.config.to_string(),
                model: Arc::from([]),
                state: None,
                items,
            }),
        };
        let context = Context {
            call_id: call.key.clone(),
            attempt: 1,
            unit: call.unit,
            now: call.now,
            idempotency_key: call.key,
        };
        // No limit changes a result: a call that meets one has none. So the
        // widest will do for every call that had one.
        let again = operation.and_then(|operation| {
            let made = self.sandbox.call_pure(&package, &context, &operation, &Limits::ceiling());
            made.map(|output| result_digest(&output.to_json())).map_err(|error: CallError| error.to_string())
        });
        match again {
            Ok(now) if now == recorded => Verdict::Identical,
            Ok(now) | Err(now) => Verdict::Differs { recorded, now },
        }
    }
}

/// A recorded call.
struct Call {
    key: String,
    pin: Pin,
    unit: String,
    now: u64,
    items: Option<u32>,
    was: Was,
}

/// What is recorded of its end.
enum Was {
    Result { sum: String, with: With },
    Other(Verdict),
}

/// What it was called with.
enum With {
    Arguments(Arc<Value>),
    Items(Vec<huiyin_sandbox::Item>),
}

fn failed(fault: &str) -> Was {
    Was::Other(match fault.strip_prefix("limit:") {
        Some(limit) => Verdict::Limit { limit: limit.to_owned() },
        None => Verdict::Failed { why: fault.to_owned() },
    })
}

fn millis(time: Timestamp) -> u64 {
    u64::try_from(time.as_millisecond()).unwrap_or_default()
}

impl Seen {
    /// Takes in what a record says; the calls whose results it has.
    fn take(&mut self, entry: Entry) -> Vec<Call> {
        match entry {
            Entry::WorkflowDeployed(x) => {
                self.deployments.insert(x.deployment, Deployment { unit: x.unit, pins: x.pins });
            }
            Entry::RunStarted(x) => {
                self.runs.insert(x.run, x.deployment);
            }
            Entry::EffectIntended(x) => {
                self.effects.insert((x.run, x.call));
            }
            Entry::SourcePage(x) => self.remember(x.facts),
            Entry::DeskDecided(x) => self.remember(x.facts),
            Entry::RunTurn(turn) => return self.turn(turn),
            Entry::FloorJudged(judged) => return self.judged(judged),
            _ => {}
        }
        Vec::new()
    }

    fn remember(&mut self, facts: Vec<DeskFact>) {
        for fact in facts {
            if let DeskFact::ItemReceived(received) = fact {
                self.items.push_back((received.item_id, received.item));
            }
        }
        while self.items.len() > ITEMS {
            self.items.pop_front();
        }
    }

    /// The pure calls that ended in a turn.
    fn turn(&mut self, turn: RunTurn) -> Vec<Call> {
        let RunTurn { run, facts, made, .. } = turn;
        let told = made.is_some();
        let mut made: HashMap<u64, CallTrace> =
            made.unwrap_or_default().into_iter().map(|made| (made.call, made)).collect();
        let mut ended = Vec::new();
        for fact in facts {
            match fact {
                Fact::Entered { frame, at, what: Opened::Call { function, slot, with, .. }, .. } => {
                    self.asked.insert((run.clone(), frame.0), Asked { at, function, slot, with });
                }
                Fact::Held { event } => {
                    if let Event::Result { call: CallId(call), .. } = *event
                        && told
                    {
                        self.held.insert((run.clone(), call), made.remove(&call));
                    }
                }
                Fact::Left { frame: FrameId(call), output, .. } => {
                    let at = (run.clone(), call);
                    let (told, said) = match self.held.remove(&at) {
                        Some(said) => (true, said),
                        None => (told, made.remove(&call)),
                    };
                    let Some(asked) = self.asked.remove(&at) else { continue };
                    let now = said.as_ref().and_then(|said| said.now).unwrap_or_else(|| millis(asked.at));
                    let sum = said.and_then(|said| said.result).or_else(|| output.map(|output| result_digest(&output)));
                    let was = match sum {
                        Some(sum) if told => Was::Result { sum, with: With::Arguments(Arc::clone(&asked.with)) },
                        _ => Was::Other(Verdict::Untold),
                    };
                    ended.extend(self.call(&run, call, &asked, now, was));
                }
                _ => {}
            }
        }
        for (call, made) in made {
            if let (Some(fault), Some(asked)) = (made.failed, self.asked.remove(&(run.clone(), call))) {
                let now = made.now.unwrap_or_else(|| millis(asked.at));
                ended.extend(self.call(&run, call, &asked, now, failed(&fault)));
            }
        }
        ended
    }

    /// A call, if it was one of a pure plugin.
    fn call(&self, run: &str, call: u64, asked: &Asked, now: u64, was: Was) -> Option<Call> {
        if self.effects.contains(&(run.to_owned(), call.to_string())) {
            return None;
        }
        let deployment = self.deployments.get(self.runs.get(run)?)?;
        let pin = deployed::pinned(&deployment.pins, asked.slot.as_deref(), &asked.function)?.clone();
        let unit = deployment.unit.clone().unwrap_or_default();
        Some(Call { key: format!("{run}-{call}"), pin, unit, now, items: None, was })
    }

    /// The floor's calls.
    fn judged(&mut self, judged: FloorJudged) -> Vec<Call> {
        let FloorJudged { unit, plugin, digest, config, call, now, items, batches } = judged;
        let known: HashMap<Uuid, &Item> = self.items.iter().map(|(id, item)| (*id, item)).collect();
        let items: Vec<Option<huiyin_sandbox::Item>> = items
            .iter()
            .map(|item| match item {
                JudgedItem::Taken(id) => known.get(id).map(|item| original(item)),
                JudgedItem::Whole(item) => Some(original(item)),
            })
            .collect();
        let pin = Pin { plugin, digest, config };
        let batch = |batch: record::Batch| {
            let from = batch.from as usize;
            let had = items.get(from..from.saturating_add(batch.count as usize));
            let had: Option<Vec<_>> = had.and_then(|had| had.iter().cloned().collect());
            let was = match (batch.failed, batch.result, had) {
                (Some(fault), ..) => failed(&fault),
                (None, Some(sum), Some(items)) => Was::Result { sum, with: With::Items(items) },
                // The record with the items is gone.
                (None, Some(_), None) => Was::Other(Verdict::Redacted),
                (None, None, _) => Was::Other(Verdict::Untold),
            };
            let (key, pin, unit) = (call.clone(), pin.clone(), unit.clone());
            Call { key, pin, unit, now, items: Some(batch.count), was }
        };
        let calls = batches.into_iter().map(batch).collect();
        self.items.clear();
        calls
    }
}
