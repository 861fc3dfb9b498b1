//! Commands about watching, and what time brings about in it.

use std::collections::BTreeMap;

use serde_json::json;

use super::{Output, Work};
use crate::command::{BeginWatch, ReadSource, WatchCommand};
use crate::error::DeskError;
use crate::policy::Occasion;
use crate::watch::{Beat, Key, WatchFact};

impl Work<'_> {
    pub(crate) fn watching(&mut self, command: &WatchCommand) -> Output {
        match command {
            WatchCommand::BeginWatch(input) => self.begin_watch(input),
            WatchCommand::SetRoster(input) => self.set_roster(input),
            WatchCommand::SwapDuty(input) => self.swap_duty(input),
            WatchCommand::CheckIn(input) => self.check_in(input),
            WatchCommand::FinishPatrol(input) => self.finish_patrol(input),
            WatchCommand::SetLabel(input) => self.set_label(input),
            WatchCommand::AcknowledgeWarning(input) => self.acknowledge_warning(input),
            WatchCommand::FeedBackWarning(input) => self.feed_back_warning(input),
            WatchCommand::Share(input) => self.share(input),
            WatchCommand::RevokeShare(input) => self.revoke_share(input),
            WatchCommand::ReadShared(input) => self.read_shared(input),
        }
    }

    /// What is watched from now on: what the host reads, and what the pack says is sent; and the duty
    /// of every unit that lives here.
    fn begin_watch(&mut self, input: &BeginWatch) -> Output {
        let policy = self.policy()?;
        let mut wanted: BTreeMap<String, (ReadSource, bool)> = BTreeMap::new();
        for rule in &policy.coverage {
            let whose = policy.units.iter().filter(|unit| {
                !unit.is_partner()
                    && self.desk.watch.is_home(&unit.code)
                    && policy.coverage_of(&unit.code).is_some_and(|own| std::ptr::eq(own, rule))
            });
            for unit in whose {
                for pushed in &rule.pushed {
                    let source = ReadSource {
                        unit: unit.code.clone(),
                        source: pushed.source.clone(),
                        channel: Some(pushed.channel),
                        expected: pushed.every,
                    };
                    wanted.insert(format!("{}/{}", source.unit, source.source), (source, true));
                }
            }
        }
        for source in &input.sources {
            wanted.insert(format!("{}/{}", source.unit, source.source), (source.clone(), false));
        }
        let at = self.now();
        let gone: Vec<(String, String)> = self
            .desk
            .watch
            .sources()
            .filter(|source| source.watched.is_some() && !wanted.contains_key(&source.id()))
            .map(|source| (source.unit.clone(), source.source.clone()))
            .collect();
        for (unit, source) in gone {
            self.watched(WatchFact::SourceUnwatched { unit, source, at });
        }
        for (id, (source, pushed)) in wanted {
            let same = self.desk.watch.source(&id).is_some_and(|known| {
                known.watched.is_some()
                    && known.channel == source.channel
                    && known.expected == Some(source.expected)
                    && known.pushed == pushed
            });
            if !same {
                let ReadSource { unit, source, channel, expected } = source;
                self.watched(WatchFact::SourceWatched { unit, source, channel, expected: Some(expected), pushed, at });
            }
        }
        let units: Vec<String> = policy.units.iter().map(|unit| unit.code.clone()).collect();
        for unit in units.iter().filter(|unit| self.desk.watch.is_home(unit)).cloned().collect::<Vec<_>>() {
            self.plan_duty(&unit)?;
        }
        Ok(json!({}))
    }

    /// What the passing of time brings about: sources, duty, warnings.
    pub(super) fn tick_watch(&mut self) {
        let now = self.now();
        for key in self.desk.watch.awake(now) {
            match key {
                Key::Source(id) => self.tick_source(&id),
                Key::Duty(unit) => {
                    // Without a policy there is no duty.
                    let _: Result<(), DeskError> = self.tick_duty(&unit);
                }
                Key::Warning(id) => self.tick_warning(&id),
            }
        }
    }

    fn tick_source(&mut self, id: &str) {
        let now = self.now();
        let Some(source) = self.desk.watch.source(id) else { return };
        let (unit, name, channel) = (source.unit.clone(), source.source.clone(), source.channel);
        match source.beat(now) {
            Some(Beat::Down { since, reason }) => {
                let notify = self.told(Occasion::SourceDown, None, &unit);
                self.watched(WatchFact::SourceDown { unit, source: name, channel, since, reason, at: now, notify });
            }
            Some(Beat::Up { gap }) => {
                let notify = self.told(Occasion::SourceUp, None, &unit);
                self.watched(WatchFact::SourceUp {
                    unit,
                    source: name,
                    channel,
                    from: gap.from,
                    to: gap.to,
                    reason: gap.reason,
                    at: now,
                    notify,
                });
            }
            None => {}
        }
    }
}
