//! A source as the host watches it: configuration with its collector resolved.

use huiyin_desk::Act;
use serde_json::Value;

use crate::engine::Engine;
use crate::partition::{Message, Refusal, RewindCommand};
use crate::record::Pin;
use crate::timetable::Timetable;

impl Engine {
    /// Sets a source's cursor back, to its beginning or to where it once was.
    /// What is read again is known by its ids, and not taken in twice.
    ///
    /// # Errors
    /// [`Refusal`]
    pub async fn rewind_source(&self, command: RewindCommand) -> Result<(), Refusal> {
        self.permit(&command.actor, Act::RewindSource, Some(&command.unit))?;
        let at = self.partition_of(&command.unit)?;
        self.ask(at, |reply| Message::Rewind(command, reply)).await
    }
}

/// One watched source.
pub struct WatchedSource {
    /// `<unit>/<name>`.
    pub id: String,
    /// Its name within the unit.
    pub name: String,
    /// The unit that watches it.
    pub unit: String,
    /// The collector, pinned.
    pub collector: Pin,
    /// The collector's configuration.
    pub config: Value,
    /// One of the seven channel kinds.
    pub channel: Option<String>,
    /// When it is read.
    pub schedule: Timetable,
    /// Items a page at most.
    pub limit: u32,
}
