//! Who has to be told, and whether they were (clauses 5b, 5c).
//!
//! The desk only says who is owed word of what. Workflows deliver it, and
//! record how that went with `record-delivery`.

use huiyin_deadline::clock::Clock;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Case;
use crate::actor::Actor;
use crate::command::RecordDelivery;
use crate::decide::{Output, Work};
use crate::error::DeskError;
use crate::fact::Fact;
use crate::level::Level;
use crate::policy::{Occasion, Recipient};
use crate::text::clip;

/// The most tries of one notification that a case keeps.
const MAX_DELIVERIES: usize = 20;

/// Somebody who has to be told something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    /// `n1`, `n2`, … within the case.
    pub id: String,
    /// Whom.
    pub to: Recipient,
    /// Of what.
    pub on: Occasion,
    /// Of which clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<String>,
    /// The clause that asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clause: Option<String>,
    /// Since when it is owed.
    pub at: Timestamp,
    /// Every try, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deliveries: Vec<Delivery>,
}

/// How a try to deliver went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DeliveryOutcome {
    /// It arrived.
    Delivered,
    /// It did not.
    Failed,
    /// Nobody knows.
    Unknown,
}

/// One try to deliver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// How it went.
    pub outcome: DeliveryOutcome,
    /// By which notifier.
    pub channel: String,
    /// The receiver's reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<String>,
    /// More about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Who recorded it.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
}

impl Notification {
    /// True once some try arrived.
    pub fn delivered(&self) -> bool {
        self.deliveries.iter().any(|delivery| delivery.outcome == DeliveryOutcome::Delivered)
    }

    /// Takes in a try. One that arrived is never pushed out by later ones.
    pub(super) fn settle(&mut self, delivery: Delivery) {
        if self.deliveries.len() >= MAX_DELIVERIES {
            let spare = self.deliveries.iter().position(|d| d.outcome != DeliveryOutcome::Delivered);
            self.deliveries.remove(spare.unwrap_or(0));
        }
        self.deliveries.push(delivery);
    }
}

impl Work<'_> {
    /// Who is owed word of something about a case. `told` are those who know already.
    pub(crate) fn owed(
        &self,
        on: Occasion,
        level: Level,
        unit: &str,
        clock: Option<&Clock>,
        case: Option<&Case>,
    ) -> Vec<Notification> {
        let Ok(policy) = self.policy() else { return Vec::new() };
        let before = case.map_or(&[][..], |case| &case.notifications);
        // Of an opening each is told once, also when the level rises later.
        let known =
            |to: &Recipient| on == Occasion::CaseOpened && before.iter().any(|n| n.on == on && n.to.id == to.id);
        let mut next = before.len();
        let rule = clock.map(|clock| clock.rule.as_str());
        let mut recipients = policy.recipients(on, level, unit, rule);
        for (to, clause) in self.on_duty_told(&policy, on, level, unit, rule) {
            if recipients.iter().all(|(known, _)| known.id != to.id) {
                recipients.push((to, clause));
            }
        }
        recipients
            .into_iter()
            .filter(|(to, _)| !known(to))
            .map(|(to, clause)| {
                next += 1;
                Notification {
                    id: format!("n{next}"),
                    to,
                    on,
                    clock: clock.map(|clock| clock.id.clone()),
                    clause,
                    at: self.now(),
                    deliveries: Vec::new(),
                }
            })
            .collect()
    }

    /// `record-delivery`.
    pub(crate) fn record_delivery(&mut self, input: &RecordDelivery) -> Output {
        let case = self.case(&input.case)?;
        if !case.notifications.iter().any(|n| n.id == input.notification) {
            return Err(DeskError::new(
                "not-found",
                format!("case {} owes no notification `{}`", case.number, input.notification),
            )
            .at("/notification")
            .hint("the event that asks for it lists them under `notify`"));
        }
        let clipped = |text: &Option<String>| text.as_ref().map(|text| clip(text, 500));
        let delivery = Delivery {
            outcome: input.outcome,
            channel: clip(&input.channel, 100),
            receipt: clipped(&input.receipt),
            detail: clipped(&input.detail),
            by: self.actor().clone(),
            at: self.now(),
        };
        let fact = Fact::NotificationSettled { head: case.head(), notification: input.notification.clone(), delivery };
        self.push(fact);
        let case = self.case(&input.case)?;
        let delivered = case.notifications.iter().any(|n| n.id == input.notification && n.delivered());
        Ok(json!({ "case": input.case, "notification": input.notification, "delivered": delivered }))
    }
}

/// A notification as people read it.
pub(crate) fn view(notification: &Notification) -> Value {
    let last = notification.deliveries.last();
    json!({
        "id": notification.id,
        "to": notification.to,
        "on": notification.on,
        "clock": notification.clock,
        "clause": notification.clause,
        "owed_since": notification.at,
        "delivered": notification.delivered(),
        "last": last.map(|d| json!({ "outcome": d.outcome, "channel": d.channel, "at": d.at, "detail": d.detail })),
    })
}
