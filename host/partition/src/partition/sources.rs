//! Sources: when they are read, and taking in what they brought (rule 4).

use huiyin_desk::{Actor, BeginWatch, ChannelKind, Command, Elsewhere, Fact, ReadSource, Receive, WatchCommand};
use huiyin_records::record::{Entry, SourceFailed, SourcePage, SourcePolled, SourceRewound};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{PageDone, PartitionCore, PollError, PollJob, ReadPage, RecordMeta, Wake, Work};

/// The longest pause after failures in a row.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_mins(10);

/// The longest that a source may ask for itself.
const LONGEST_ASKED: SignedDuration = SignedDuration::from_hours(24);

/// A person sets a source's cursor back.
#[derive(Debug, Clone)]
pub struct RewindCommand {
    /// Its name within the unit.
    pub source: String,
    /// The unit that watches it.
    pub unit: String,
    /// Where to go on; none is the beginning.
    pub cursor: Option<String>,
    /// Why.
    pub reason: String,
    /// Who.
    pub actor: String,
}

impl PartitionCore {
    /// Sets the wake for the source's next reading.
    pub(super) fn plan_source(&mut self, id: &str, now: Timestamp) {
        let Some(source) = self.sources.get(id) else { return };
        let known = self.state.sources.get(id).cloned().unwrap_or_default();
        if known.polling.is_some() {
            return;
        }
        let mut at = match known.last_due {
            Some(_) if known.more => now,
            Some(last) => {
                // A reading that the clock has yet to reach is one from before it was set back.
                let last = last.min(now);
                source.schedule.next(Some(last), last, known.last_ok.map(|ok| ok.min(now))).unwrap_or(now)
            }
            None => now,
        };
        if known.error.is_some() {
            // After a failure its pause counts, however seldom the source is read. The pause is no
            // longer than it was, should the clock have been set back since.
            let longest = now.checked_add(SignedDuration::from_secs(known.pause)).unwrap_or(now);
            at = known.not_before.map_or(now, |until| until.min(longest));
        }
        self.wakes.set(Wake::Source(id.to_owned()), at.max(now));
    }

    /// The same for every source.
    pub(super) fn plan_sources(&mut self, now: Timestamp) {
        let ids: Vec<String> = self.sources.keys().cloned().collect();
        for id in ids {
            self.plan_source(&id, now);
        }
    }

    /// Reads a source that is due.
    pub(super) fn poll(&mut self, id: &str, now: Timestamp) {
        let Some(source) = self.sources.get(id).cloned() else { return };
        let known = self.state.sources.get(id).cloned().unwrap_or_default();
        if known.polling.is_some() {
            return;
        }
        let poll = known.polls + 1;
        let entry = Entry::SourcePolled(SourcePolled { source: id.to_owned(), poll, due: now });
        let subject = format!("source/{id}");
        let key = format!("source:{id}");
        if !self.record(
            &entry,
            RecordMeta { subject: &subject, actor: Self::ENGINE, unit: Some(&source.unit), key: &key },
            now,
        ) {
            return;
        }
        let kv = self.kept(&source.collector.plugin, &source.unit);
        // After failures smaller pages: a page may have been more than a record holds, or a call may do.
        let limit = (source.limit >> known.failures.min(16)).max(1);
        let (desk, content_key) = (self.state.desk.clone(), self.content_key);
        let job = PollJob { source, poll, cursor: known.cursor, limit, now, kv, desk, content_key };
        self.out.durable.push(Work::Poll(Box::new(job)));
    }

    pub(super) fn page_done(&mut self, done: PageDone, now: Timestamp) {
        let Some(source) = self.sources.get(&done.source).cloned() else { return };
        if self.state.sources.get(&done.source).and_then(|s| s.polling) != Some(done.poll) {
            return;
        }
        let subject = format!("source/{}", source.id);
        let key = format!("source:{}", source.id);
        let actor = format!("plugin:{}", source.collector.plugin);
        let about = RecordMeta { subject: &subject, actor: &actor, unit: Some(&source.unit), key: &key };
        let taken = done.outcome.and_then(|ReadPage { items, cursor, more, floors, judged, kv }| {
            let kv = self
                .settle_kv(&source.collector.plugin, &source.unit, &kv)
                .ok_or_else(|| PollError { message: "another call changed what the collector keeps".to_owned(), retry_after: None })?;
            let count = items.len() as u32;
            let items = items.into_iter().zip(floors).map(|(item, floor)| received(item, floor)).collect();
            let receive = Receive { source: source.name.clone(), unit: source.unit.clone(), items };
            let command = Command::Receive(receive);
            let who = Actor::Plugin(source.collector.plugin.clone());
            let decision = self.decide(&command, who, Some(&source.unit), huiyin_desk::Elsewhere::default(), now).map_err(|e| PollError { message: e.to_string(), retry_after: None })?;
            let known = decision.output["seen"].as_u64().and_then(|seen| u32::try_from(seen).ok()).unwrap_or_default();
            // The items with the cursor; what follows from them, by its own data key, in the same append.
            let (taken, follows): (Vec<Fact>, Vec<Fact>) = decision.facts.into_iter().partition(|fact| fact.data_key() == key);
            let floor = match (&judged, &command) {
                (Some(judged), Command::Receive(receive)) => {
                    let items: Vec<_> = receive.items.iter().map(|item| &item.item).collect();
                    Some(super::baseline_record::entry(judged, &source.unit, &items, &taken))
                }
                _ => None,
            };
            let facts = taken.clone();
            let entry =
                Entry::SourcePage(SourcePage { source: source.id.clone(), poll: done.poll, cursor, more, items: count, facts: taken, kv, known });
            let payload = self
                .encoded(&entry)
                .map_err(|why| PollError { message: format!("the page of {count} items {why}; fewer are asked for next, and the source's `limit` had better be lower"), retry_after: None })?;
            Ok((entry, payload, (count, known), facts, follows, floor))
        });
        match taken {
            Ok((entry, payload, (count, known), facts, follows, floor)) => {
                let idled = self.state.sources.get(&source.id).is_some_and(huiyin_records::state::Source::idles);
                let failed = self.state.sources.get(&source.id).map_or(0, |s| s.failures);
                self.write(&entry, payload, about, now);
                if let Some(floor) = floor {
                    self.floor_judged(&floor, &source.id, &source.unit, now);
                }
                self.show(
                    "huiyin.source.read.v1",
                    &subject,
                    Some(&source.unit),
                    json!({"items": count, "known": known}),
                    now,
                );
                let idles = self.state.sources.get(&source.id).is_some_and(huiyin_records::state::Source::idles);
                if idles && !idled {
                    let data = json!({"collector": source.collector.plugin, "message": "it asks for more again and again and brings nothing new; it is read by its schedule only"});
                    self.show("huiyin.source.idling.v1", &subject, Some(&source.unit), data, now);
                }
                if failed >= self.patience.faults {
                    self.show(
                        "huiyin.source.recovered.v1",
                        &subject,
                        Some(&source.unit),
                        json!({"failures": failed}),
                        now,
                    );
                }
                self.after_facts(&facts, now);
                self.write_own(follows, now);
                // It may be back (clause 3.1e).
                self.tick_desk(now);
            }
            Err(error) => {
                let failures = self.state.sources.get(&source.id).map_or(0, |s| s.failures);
                let pause = error
                    .retry_after
                    .map_or_else(|| after(failures), |s| SignedDuration::from_secs(i64::from(s)).min(LONGEST_ASKED));
                let entry = Entry::SourceFailed(SourceFailed {
                    source: source.id.clone(),
                    poll: done.poll,
                    error: error.message.clone(),
                    not_before: now.checked_add(pause).ok(),
                });
                self.record(&entry, about, now);
                self.show(
                    "huiyin.source.failed.v1",
                    &subject,
                    Some(&source.unit),
                    json!({"error": error.message}),
                    now,
                );
                if failures + 1 == self.patience.faults {
                    let data =
                        json!({"failures": failures + 1, "error": error.message, "collector": source.collector.plugin});
                    self.show("huiyin.source.failing.v1", &subject, Some(&source.unit), data, now);
                }
            }
        }
        self.plan_source(&source.id, now);
    }

    /// A person sets a source's cursor back; it is read at once.
    pub(super) fn rewind_source(&mut self, command: RewindCommand, reply: super::Reply<()>, now: Timestamp) {
        let RewindCommand { source, unit, cursor, reason, actor } = command;
        let id = format!("{unit}/{source}");
        if !self.sources.contains_key(&id) {
            self.tell(reply, Err(super::Refusal::NotFound(format!("unit {unit} watches no source `{source}`"))));
            return;
        }
        let data = json!({"actor": actor, "reason": reason});
        let entry = Entry::SourceRewound(SourceRewound { source: id.clone(), cursor, actor: actor.clone(), reason });
        let (subject, key) = (format!("source/{id}"), format!("source:{id}"));
        if !self.record(&entry, RecordMeta { subject: &subject, actor: &actor, unit: Some(&unit), key: &key }, now) {
            let message =
                "who acts must be printable ASCII without spaces, and cursor and reason of a record's size".to_owned();
            self.tell(reply, Err(super::Refusal::Invalid { pointer: "/reason".to_owned(), message }));
            return;
        }
        self.show(entry.kind(), &subject, Some(&unit), data, now);
        self.tell(reply, Ok(()));
        self.plan_source(&id, now);
    }

    /// Tells the desk what is read here, so that it knows what it has to hear of (clause 3.1e), and has
    /// duty planned.
    pub(super) fn begin_watch(&mut self, now: Timestamp) {
        if self.state.desk.policy().is_none() {
            return;
        }
        let sources = self.sources.values().map(|source| ReadSource {
            unit: source.unit.clone(),
            source: source.name.clone(),
            channel: source.channel.as_deref().and_then(ChannelKind::of),
            expected: source.expected,
        });
        let begin = WatchCommand::BeginWatch(BeginWatch { sources: sources.collect() });
        match self.decide(
            &Command::Watch(Box::new(begin)),
            Actor::System("engine".to_owned()),
            None,
            Elsewhere::default(),
            now,
        ) {
            Ok(decision) if decision.facts.is_empty() => {}
            Ok(decision) => self.write_own(decision.facts, now),
            Err(error) => tracing::error!(partition = self.partition, %error, "watching could not begin"),
        }
    }

    /// After a reload: a reading under way is begun anew; the cursor has not
    /// moved, and items seen before are known.
    pub(super) fn resume_sources(&mut self, now: Timestamp) {
        let ids: Vec<String> = self.sources.keys().cloned().collect();
        for id in ids {
            let (open, failures) = self.state.sources.get(&id).map_or((None, 0), |s| (s.polling, s.failures));
            let Some(source) = self.sources.get(&id).cloned() else { continue };
            if let Some(poll) = open {
                let entry = Entry::SourceFailed(SourceFailed {
                    source: id.clone(),
                    poll,
                    error: "the host stopped while the source was being read".to_owned(),
                    not_before: now.checked_add(after(failures)).ok(),
                });
                let subject = format!("source/{id}");
                let key = format!("source:{id}");
                self.record(
                    &entry,
                    RecordMeta { subject: &subject, actor: Self::ENGINE, unit: Some(&source.unit), key: &key },
                    now,
                );
            }
            self.plan_source(&id, now);
        }
    }
}

/// The pause after so many failures in a row and one more.
fn after(failures: u32) -> SignedDuration {
    SignedDuration::from_secs(1 << failures.min(10)).min(LONGEST_PAUSE)
}

/// An item with the floor's word on it, as the desk takes it.
fn received(item: huiyin_desk::Item, floor: super::Floor) -> huiyin_desk::ReceivedItem {
    let (floor, floor_error) = match floor {
        Ok(verdict) => (Some(verdict), None),
        Err(error) => (None, Some(error)),
    };
    huiyin_desk::ReceivedItem { item, floor, floor_error, intake: None }
}
