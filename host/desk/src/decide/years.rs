//! Times that a person, a system or a plugin gives: within the years that RFC 3339 can write.
//! Nothing earlier is taken, so that whoever reads a record can read its times.

use jiff::Timestamp;

use crate::case::Form;
use crate::command::Command;
use crate::error::DeskError;

/// The first moment that RFC 3339 writes without doubt: the beginning of the year 1. What a
/// [`Timestamp`] can hold ends with the year 9999 by itself.
const FIRST: i64 = -62_135_596_800;

/// Refuses a command with a time outside.
pub(super) fn check(command: &Command) -> Result<(), DeskError> {
    match command {
        Command::OpenCase(input) => within(input.occurred_at, "/occurred_at"),
        Command::CorrectOccurredAt { occurred_at, .. } => within(Some(*occurred_at), "/occurred_at"),
        Command::RecordAnswer(input) => within(input.delivered_at, "/delivered_at"),
        Command::RecordTime(input) => within(input.time, "/time"),
        Command::RecordReceipt(input) => within(input.time, "/time"),
        Command::RecordBypass(input) => within(input.time, "/time"),
        Command::Delegate(input) => {
            within(input.starts, "/starts")?;
            within(Some(input.until), "/until")
        }
        Command::RecordPublication(input) => within(input.time, "/time"),
        Command::OpenDisclosure(input) => within(input.arose_at, "/arose_at"),
        Command::DraftResponse(input) => within(input.form.held_at(), "/form/held_at"),
        Command::CorrectResponse(input) => within(input.form.as_ref().and_then(Form::held_at), "/form/held_at"),
        Command::Receive(input) => input.items.iter().enumerate().try_for_each(|(at, received)| {
            within(received.item.published, &format!("/items/{at}/published"))?;
            within(Some(received.item.observed), &format!("/items/{at}/observed"))
        }),
        _ => Ok(()),
    }
}

fn within(time: Option<Timestamp>, pointer: &str) -> Result<(), DeskError> {
    let Some(time) = time.filter(|time| time.as_second() < FIRST) else { return Ok(()) };
    Err(DeskError::new("out-of-range", format!("{time} lies before the year 1"))
        .at(pointer)
        .hint("give a time within the years 1 to 9999"))
}
