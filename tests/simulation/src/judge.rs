//! The end: the whole log is read back and held against the world and against
//! the same workload on a host that nothing ever went wrong with.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use huiyin_deadline::clock::ClockFact;
use huiyin_desk::Fact as DeskFact;
use huiyin_engine::record::{self, Entry};
use huiyin_engine::state::{EffectState, FinishedRun, Run, State};
use huiyin_journal::{Disk as _, Journal as _, LargePayloads, Options, SegmentJournal, references};
use jiff::Timestamp;

use crate::host::{FOLDER, large};
use crate::plugins::ONCE;
use crate::sim::Sim;
use crate::workload::{DONE, REPORTER, UNITS};

/// How often an effect of unknown outcome is tried before a person must look.
const TRIES: u32 = 5;

/// Whether a run waits for a person, and may: for an effect of which nobody
/// knows whether it happened, which must not be repeated or was often enough.
pub(crate) fn waits_for_a_person(run: &Run) -> bool {
    let given_up = run.quarantined.as_deref().is_some_and(|why| why.contains("was given up while it was being tried"));
    given_up || run.effects.values().any(|effect| effect.unknown.is_some() && (once(effect) || effect.attempt >= TRIES))
}

/// Whether it must not be done twice: by its plugin's word, or by the method of a request.
fn once(effect: &EffectState) -> bool {
    effect.plugin.starts_with(ONCE) || (effect.target.is_some() && !effect.repeatable)
}

/// Whether a run waits for a person, or for a run below that does.
pub(crate) fn stuck(state: &State, run: &Run) -> bool {
    waits_for_a_person(run)
        || run
            .effects
            .values()
            .filter(|effect| effect.settled.is_none())
            .filter_map(|effect| state.runs.get(effect.child.as_ref()?))
            .any(waits_for_a_person)
}

/// How things ended.
#[derive(Debug, Default)]
pub(crate) struct Ends {
    /// Runs that were asked for: status and result.
    wishes: BTreeMap<String, (String, serde_json::Value)>,
    /// Runs that followed an event, by what they were about.
    afterwards: BTreeMap<String, serde_json::Value>,
    /// Runs that wait for a person.
    waiting: BTreeSet<String>,
}

/// What the log says, counted.
#[derive(Debug, Default)]
struct Account {
    items: BTreeMap<(String, String), u32>,
    cases: BTreeMap<String, String>,
    due: BTreeMap<String, Timestamp>,
    breaches: BTreeMap<String, u32>,
    warnings: BTreeMap<String, u32>,
    satisfied: BTreeSet<String>,
    answers: BTreeMap<String, u32>,
    runs: BTreeMap<String, u32>,
    started: BTreeMap<String, String>,
    triggers: BTreeMap<String, u32>,
    intended: BTreeMap<String, (u32, String)>,
    published: BTreeMap<String, u32>,
    /// The times of each schedule, anew for each version of a workflow that has another.
    fired: BTreeMap<(String, u32), Vec<Timestamp>>,
    /// How many times a schedule had fired when the clock, which had leapt ahead, was set back.
    set_back: BTreeSet<((String, u32), usize)>,
    /// By deployment: the workflow for its unit, and the number of its schedule.
    schedules: BTreeMap<String, (String, u32)>,
    /// What each run runs.
    pinned: BTreeMap<String, String>,
    wrong: Vec<String>,
}

impl Sim {
    /// Judges what the host left behind, and gives how the runs ended.
    pub(crate) fn judge(&mut self) -> Result<Ends, String> {
        let until = self.judged_until();
        if let Some(host) = &self.host {
            self.decrees.check(host)?;
            self.slots.check(host, &self.setup.house)?;
        }
        let states = self.stop()?;
        let account = self.account()?;
        if !account.wrong.is_empty() {
            return Err(account.wrong.join("; "));
        }
        self.judge_items(&account)?;
        Self::judge_clocks(&account, until)?;
        self.judge_runs(&account)?;
        let ends = self.ends(&states, &account)?;
        self.counts.tries = self.world.tries();
        self.counts.ended = ends.wishes.len() as u64;
        self.counts.waiting = ends.waiting.len() as u64;
        self.counts.breaches = account.breaches.len() as u64;
        Ok(ends)
    }

    fn account(&mut self) -> Result<Account, String> {
        let options = Options {
            disk: std::sync::Arc::new(self.disk.clone()),
            segment_bytes: self.setup.segment_bytes,
            ..Options::default()
        };
        let (journal, _stepper) = SegmentJournal::open_stepped(Path::new(FOLDER), options)
            .map_err(|e| format!("the journal does not open at the end: {e}"))?;
        let journal = large(journal);
        journal.sweep().map_err(|e| format!("the blobs are not swept: {e}"))?;
        self.judge_blobs(&journal)?;
        let mut account = Account::default();
        for found in journal.read_all(0).map_err(|e| e.to_string())? {
            let found = found.map_err(|e| format!("a record does not read: {e}"))?;
            self.counts.records += 1;
            for part in record::parts(&found).map_err(|e| e.to_string())? {
                account.take(&part, found.header.time);
            }
        }
        Ok(account)
    }

    /// Every blob is one that a record names: what a crash left in between was removed.
    fn judge_blobs(&mut self, journal: &LargePayloads) -> Result<(), String> {
        let mut named = BTreeSet::new();
        for found in journal.inner().read_all(0).map_err(|e| e.to_string())? {
            let found = found.map_err(|e| format!("a record does not read: {e}"))?;
            named.extend(references(&found).map_err(|e| e.to_string())?.into_iter().map(|r| r.blob.to_string()));
        }
        let blobs = Path::new(FOLDER).join("blobs");
        let list = |folder: &Path| self.disk.list(folder).map_err(|e| format!("{}: {e}", folder.display()));
        for folder in list(&blobs)?.into_iter().filter(|name| name.len() == 2) {
            for file in list(&blobs.join(folder))? {
                if !named.contains(&file) {
                    return Err(format!("the blob {file} is named by no record"));
                }
            }
        }
        self.counts.blobs += named.len() as u64;
        Ok(())
    }

    /// Rule 4: no item lost, none taken twice.
    fn judge_items(&self, account: &Account) -> Result<(), String> {
        for (unit, posts) in UNITS.iter().zip(&self.workload.posts) {
            for post in posts {
                let times = account.items.get(&((*unit).to_owned(), post.id.clone())).copied().unwrap_or(0);
                if times != 1 {
                    return Err(format!("rule 4: the item {} of {unit} was taken in {times} times", post.id));
                }
            }
        }
        Ok(())
    }

    /// Rule 5: every clock that was due fired, once, and not before.
    fn judge_clocks(account: &Account, until: Timestamp) -> Result<(), String> {
        for (clock, due) in &account.due {
            let fired = account.breaches.get(clock).copied().unwrap_or(0);
            let expected = *due < until && !account.satisfied.contains(clock);
            if fired > 1 || (expected && fired != 1) {
                return Err(format!("rule 5: the clock {clock}, due {due}, fired {fired} times by {until}"));
            }
        }
        if let Some((warning, times)) = account.warnings.iter().find(|(_, times)| **times != 1) {
            return Err(format!("rule 5: the warning {warning} was given {times} times"));
        }
        for (deployment, fired) in &account.fired {
            // What it came to while the clock was ahead does not count.
            let back = |at: usize| account.set_back.contains(&(deployment.clone(), at + 1));
            let mut pairs = fired.iter().zip(fired.iter().skip(1)).enumerate();
            if let Some((_, (before, after))) = pairs.find(|(at, (before, after))| before >= after && !back(*at)) {
                return Err(format!("the schedule of {deployment:?} fired for {after} after {before}"));
            }
        }
        Ok(())
    }

    fn judge_runs(&self, account: &Account) -> Result<(), String> {
        if let Some((run, times)) = account.runs.iter().find(|(_, times)| **times != 1) {
            return Err(format!("run {run} was started {times} times"));
        }
        for wish in &self.workload.wishes {
            if !account.runs.contains_key(&wish.run) {
                return Err(format!("run {} was never started", wish.run));
            }
        }
        let triggered = |kind: &str| -> u32 {
            let of_kind = account.triggers.iter().filter(|(trigger, _)| trigger.starts_with(kind));
            of_kind.map(|(_, times)| times).sum()
        };
        let published: u32 = account.published.values().sum();
        if triggered(&format!("event:{DONE}")) != published {
            return Err(format!(
                "{published} events were published, {} runs began",
                triggered(&format!("event:{DONE}"))
            ));
        }
        let fired: usize = account.fired.values().map(Vec::len).sum();
        if triggered("schedule") as usize != fired {
            return Err(format!("schedules fired {fired} times, {} runs began", triggered("schedule")));
        }
        if self.workload.workflows.iter().any(|workflow| workflow.name == REPORTER) {
            for (case, unit) in &account.cases {
                let answered = account.answers.get(case).copied().unwrap_or(0);
                if UNITS.contains(&unit.as_str()) && answered != 1 {
                    return Err(format!("case {case} was answered {answered} times"));
                }
            }
        }
        // Nothing reached the world that the log does not know of (rule 2).
        match self.world.keys().find(|key| !account.intended.contains_key(*key)) {
            Some(key) => Err(format!("rule 2: the world saw {key}, the log knows nothing of it")),
            None => Ok(()),
        }
    }

    fn ends(&self, states: &[State], account: &Account) -> Result<Ends, String> {
        let mut ends = Ends::default();
        for state in states {
            if state.desk.strays() > 0 {
                return Err(format!("{} facts of the desk found nothing to apply to", state.desk.strays()));
            }
            for (id, run) in &state.runs {
                if stuck(state, run) {
                    ends.waiting.insert(id.clone());
                }
            }
            let runs = state.runs.iter().map(|(id, run)| (id, &run.deployment));
            for (id, now) in runs.chain(state.finished.iter().map(|end| (&end.run, &end.deployment))) {
                if account.pinned.get(id) != Some(now) {
                    return Err(format!("run {id} began with {:?} and has {now}", account.pinned.get(id)));
                }
            }
            for end in &state.finished {
                self.take_end(&mut ends, end, account);
            }
        }
        Ok(ends)
    }

    fn take_end(&self, ends: &mut Ends, end: &FinishedRun, account: &Account) {
        if self.workload.wishes.iter().any(|wish| wish.run == end.run) {
            ends.wishes.insert(end.run.clone(), (end.status.clone(), end.result.clone()));
        } else if account.started.get(&end.run).is_some_and(|trigger| *trigger == format!("event:{DONE}")) {
            let about = end.result.get("id").and_then(serde_json::Value::as_str).unwrap_or("?").to_owned();
            ends.afterwards.insert(about, end.result.clone());
        }
    }

    /// Differential: with faults everything ends as it does without them.
    pub(crate) fn compare(&self, ends: &Ends, calm: &Ends) -> Result<(), String> {
        let mut free: BTreeSet<&str> = ends.waiting.iter().map(String::as_str).collect();
        for wish in &self.workload.wishes {
            // Whoever stops a run may come before or after its end.
            if wish.cancel_after.is_some() {
                free.insert(&wish.run);
            }
            if free.contains(wish.run.as_str()) {
                continue;
            }
            let (got, expected) = (ends.wishes.get(&wish.run), calm.wishes.get(&wish.run));
            if got.is_none() || got != expected {
                return Err(format!("run {} ended as {got:?}; without faults as {expected:?}", wish.run));
            }
        }
        let bound = |about: &&String| !free.contains(about.split('/').next().unwrap_or_default());
        for about in calm.afterwards.keys().filter(bound) {
            let (got, expected) = (ends.afterwards.get(about), calm.afterwards.get(about));
            let waits = got.is_none() && !ends.waiting.is_empty();
            if got != expected && !waits {
                return Err(format!("what followed {about} ended as {got:?}; without faults as {expected:?}"));
            }
        }
        Ok(())
    }
}

impl Account {
    fn take(&mut self, entry: &Entry, time: Timestamp) {
        match entry {
            Entry::SourcePage(page) => page.facts.iter().for_each(|fact| self.fact(fact, time)),
            Entry::DeskDecided(decided) => decided.facts.iter().for_each(|fact| self.fact(fact, time)),
            Entry::RunStarted(x) => {
                *self.runs.entry(x.run.clone()).or_default() += 1;
                *self.triggers.entry(x.trigger.clone()).or_default() += 1;
                self.started.insert(x.run.clone(), x.trigger.clone());
                self.pinned.insert(x.run.clone(), x.deployment.clone());
            }
            Entry::RunTurn(x) => {
                for event in x.facts.iter().filter_map(huiyin_flow::Fact::publishes) {
                    if event.get("type").and_then(serde_json::Value::as_str) == Some(DONE) {
                        *self.published.entry(x.run.clone()).or_default() += 1;
                    }
                }
            }
            Entry::EffectIntended(x) => {
                let known = self.intended.entry(x.idempotency_key.clone()).or_default();
                *known = (known.0 + 1, x.plugin.clone());
                if x.attempt != known.0 {
                    self.wrong.push(format!("effect {}: try {} after {}", x.idempotency_key, x.attempt, known.0 - 1));
                }
            }
            Entry::WorkflowDeployed(x) => {
                let place = format!("{}@{}", x.name, x.unit.as_deref().unwrap_or_default());
                let before = self.schedules.values().filter(|(of, _)| *of == place).map(|(_, n)| *n).max();
                let number = before.map_or(0, |n| if x.keeps_schedule { n } else { n + 1 });
                self.schedules.insert(x.deployment.clone(), (place, number));
            }
            Entry::ScheduleFired(x) => match self.schedules.get(&x.deployment) {
                Some(schedule) => self.fired.entry(schedule.clone()).or_default().push(x.due),
                None => self.wrong.push(format!("the schedule of {} fired, which was never deployed", x.deployment)),
            },
            Entry::ScheduleSetBack(x) => {
                if let Some(schedule) = self.schedules.get(&x.deployment) {
                    let fired = self.fired.get(schedule).map_or(0, Vec::len);
                    self.set_back.insert((schedule.clone(), fired));
                }
            }
            Entry::RunQuarantined(x) if !x.reason.contains("was given up while it was being tried") => {
                self.wrong.push(format!("run {} was set aside: {}", x.run, x.reason));
            }
            _ => {}
        }
    }

    fn fact(&mut self, fact: &DeskFact, time: Timestamp) {
        match fact {
            DeskFact::ItemReceived(x) => {
                *self.items.entry((x.unit.clone(), x.item.id.clone())).or_default() += 1;
            }
            DeskFact::CaseOpened(x) => {
                self.cases.insert(x.head.case.clone(), x.head.unit.clone());
            }
            DeskFact::ClockStarted { head, clock: ClockFact::Started { clock, due, .. }, .. } => {
                self.due.insert(format!("{}/{clock}", head.case), due.at);
            }
            DeskFact::ClockMoved { head, clock, .. } => {
                let name = format!("{}/{}", head.case, clock.clock());
                match clock {
                    ClockFact::Breached { due_at, fired_at, lateness, .. } => {
                        let late = fired_at.duration_since(*due_at);
                        if late != *lateness || !late.is_positive() || *fired_at != time {
                            self.wrong.push(format!("rule 5: {name}, due {due_at}, fired {fired_at}, late {lateness}"));
                        }
                        *self.breaches.entry(name).or_default() += 1;
                    }
                    ClockFact::Warned { warn_at, .. } => {
                        *self.warnings.entry(format!("{name} of {warn_at}")).or_default() += 1;
                    }
                    ClockFact::Satisfied { .. } => {
                        self.satisfied.insert(name);
                    }
                    _ => {}
                }
            }
            DeskFact::AnswerRecorded { head, .. } => *self.answers.entry(head.case.clone()).or_default() += 1,
            _ => {}
        }
    }
}
