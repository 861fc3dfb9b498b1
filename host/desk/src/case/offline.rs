//! What happens away from the net (网上问题,网下解决): events that the case is
//! tied to (clause 3.4a), and people who were spoken to (clause 1h).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::actor::Actor;
use crate::command::{RecordContact, RecordOfflineEvent};
use crate::decide::{Output, Work, said};
use crate::error::DeskError;
use crate::fact::Fact;

/// The most contacts, and the most events, of a case.
pub const MAX_OFFLINE: usize = 500;

/// Somebody was spoken to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// With whom.
    pub with: String,
    /// How.
    pub channel: String,
    /// What was said.
    pub text: String,
    /// When.
    pub time: Timestamp,
    /// Who recorded it.
    pub by: Actor,
    /// When it was recorded.
    pub at: Timestamp,
}

/// Something that happens offline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfflineEvent {
    /// `e1`, `e2`, … within the case.
    pub id: String,
    /// What happens.
    pub text: String,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// Who recorded it last.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
}

impl Work<'_> {
    /// `record-contact`.
    pub(crate) fn record_contact(&mut self, input: &RecordContact) -> Output {
        let case = self.open(&input.case)?;
        let now = self.now();
        let time = input.time.unwrap_or(now);
        if time > now {
            return Err(DeskError::new("order", format!("nobody was spoken to at {time}: it is {now} now"))
                .at("/time")
                .clause("1h"));
        }
        full(case.contacts.len())?;
        let contact = Contact {
            with: said(&input.with, 200, "/with", "whom it was with")?,
            channel: said(&input.channel, 100, "/channel", "the channel")?,
            text: said(&input.text, 4_000, "/text", "what was said")?,
            time,
            by: self.actor().clone(),
            at: now,
        };
        self.push(Fact::ContactRecorded { head: case.head(), contact });
        Ok(json!({ "case": input.case, "time": time, "contacts": case.contacts.len() + 1 }))
    }

    /// `record-offline-event`.
    pub(crate) fn record_offline_event(&mut self, input: &RecordOfflineEvent) -> Output {
        let case = self.open(&input.case)?;
        let text = input.text.as_deref().map(|text| said(text, 1_000, "/text", "the event")).transpose()?;
        let outcome = input.outcome.as_deref().map(|text| said(text, 2_000, "/outcome", "the outcome")).transpose()?;
        let (id, text) = match (&input.event, text) {
            (None, Some(text)) => {
                full(case.offline.len())?;
                (format!("e{}", case.offline.len() + 1), text)
            }
            (None, None) => {
                return Err(DeskError::new("empty", "`text` is missing").at("/text").hint("say what happens offline"));
            }
            (Some(id), text) => {
                let known = case.offline.iter().find(|event| event.id == *id).ok_or_else(|| {
                    let ids: Vec<&str> = case.offline.iter().map(|event| event.id.as_str()).collect();
                    DeskError::new("not-found", format!("case {} has no event `{id}`", case.number))
                        .at("/event")
                        .hint(format!("it has: {}", ids.join(", ")))
                })?;
                if outcome.is_none() {
                    return Err(DeskError::new("empty", "`outcome` is missing").at("/outcome"));
                }
                (id.clone(), text.unwrap_or_else(|| known.text.clone()))
            }
        };
        let event =
            OfflineEvent { id: id.clone(), text, outcome: outcome.clone(), by: self.actor().clone(), at: self.now() };
        self.push(Fact::OfflineEventRecorded { head: case.head(), event });
        Ok(json!({ "case": input.case, "event": id, "outcome": outcome }))
    }
}

fn full(count: usize) -> Result<(), DeskError> {
    if count < MAX_OFFLINE {
        return Ok(());
    }
    Err(DeskError::new("too-many", format!("the case has {MAX_OFFLINE} of these already")).at("/case"))
}
