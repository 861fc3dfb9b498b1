//! Sources as people steer them.

use huiyin_desk::Act;
use huiyin_partition::partition::{Message, Refusal, RewindCommand};

use crate::engine::Engine;

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
