//! Plugins that people install, remove, grant and revoke, and publishers whom
//! they trust: put on record here, after the host has checked everything. The first partition alone is told.

use huiyin_records::record::Entry;
use jiff::Timestamp;
use serde_json::json;

use super::run_control::check_who_and_why;
use super::{PartitionCore, RecordMeta, Refusal, Reply, unfit};

impl PartitionCore {
    /// Records one word on a plugin; the records of plugins only.
    pub(super) fn plugin_word(&mut self, entry: &Entry, reply: Reply<()>, now: Timestamp) {
        let done = self.plugin_recorded(entry, now);
        self.tell(reply, done);
    }

    fn plugin_recorded(&mut self, entry: &Entry, now: Timestamp) -> Result<(), Refusal> {
        let (what, name, actor, reason) = match entry {
            Entry::PluginInstalled(x) => ("plugin", &x.plugin, &x.actor, &x.reason),
            Entry::PluginRemoved(x) => ("plugin", &x.plugin, &x.actor, &x.reason),
            Entry::PluginGranted(x) => ("plugin", &x.plugin, &x.actor, &x.reason),
            Entry::PluginRevoked(x) => ("plugin", &x.plugin, &x.actor, &x.reason),
            Entry::PublisherTrusted(x) => ("publisher", &x.key, &x.actor, &x.reason),
            Entry::PublisherDistrusted(x) => ("publisher", &x.key, &x.actor, &x.reason),
            other => return Err(Refusal::Store(format!("`{}` is no word on a plugin", other.kind()))),
        };
        check_who_and_why(actor, reason)?;
        let invalid = |message| Refusal::Invalid { pointer: format!("/{what}"), message };
        let subject = format!("{what}/{name}");
        let about = RecordMeta { subject: &subject, actor, unit: None, key: "host" };
        if let Some(why) = unfit(about) {
            return Err(invalid(why));
        }
        let payload = self.encoded(entry).map_err(invalid)?;
        if !self.write(entry, payload, about, now) {
            return Err(Refusal::Store("the record could not be made".to_owned()));
        }
        let data = json!({what: name, "by": actor, "reason": reason});
        self.show(entry.kind(), &subject, None, data, now);
        Ok(())
    }
}
