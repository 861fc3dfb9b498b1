//! Sharing (信息资源互通互动互助共享, clause 3.1f): an item or a case is shown to
//! another unit, as a summary or whole, for a reason and for a time. Every
//! reading is on record, and partner units see nothing else (clause 6c).

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::WatchFact;
use super::view::item_view;
use crate::actor::Actor;
use crate::command::{ReadShared, RevokeShare, ShareMatter};
use crate::decide::{Output, Work, said};
use crate::error::DeskError;
use crate::policy::Occasion;
use crate::view::{case_page, case_row};

/// The most readings that a share lists; all are counted.
const MAX_READS: usize = 100;
/// For how long a matter is shared where no end is given.
const USUAL: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How much is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// What it is about, its level and its state.
    #[default]
    Summary,
    /// Everything.
    Whole,
}

/// A reading of what is shared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShareRead {
    /// In the name of which unit.
    pub reader: String,
    /// Who.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
}

/// Something that is shared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// `<case>.s<n>` or `<unit>.s<n>`.
    pub id: String,
    /// The unit whose matter it is.
    pub unit: String,
    /// The unit that may read it.
    pub to: String,
    /// The case. Either this or `item`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<String>,
    /// The item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<Uuid>,
    /// How much of it.
    pub scope: Scope,
    /// Why.
    pub reason: String,
    /// Until when.
    pub until: Timestamp,
    /// Who shared it.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
    /// When and why it was taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<(Timestamp, String)>,
    /// How often it was read.
    #[serde(default)]
    pub read_count: u64,
    /// The last readings, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reads: Vec<ShareRead>,
}

impl Share {
    /// Whether it may be read.
    pub fn holds(&self, now: Timestamp) -> bool {
        self.revoked.is_none() && now < self.until
    }

    pub(super) fn apply(&mut self, fact: &WatchFact) {
        match fact {
            WatchFact::ShareRead { reader, by, at, .. } => {
                if self.reads.len() >= MAX_READS {
                    self.reads.remove(0);
                }
                self.read_count += 1;
                self.reads.push(ShareRead { reader: reader.clone(), by: by.clone(), at: *at });
            }
            WatchFact::ShareRevoked { reason, at, .. } => self.revoked = Some((*at, reason.clone())),
            _ => {}
        }
    }

    /// In the list: what it is, and nothing of what it says.
    pub(crate) fn row(&self, now: Timestamp) -> Value {
        let state = match (&self.revoked, now < self.until) {
            (Some(_), _) => "revoked",
            (None, true) => "open",
            (None, false) => "ended",
        };
        json!({
            "share": self.id, "unit": self.unit, "to": self.to, "case": self.case, "item": self.item,
            "scope": self.scope, "reason": self.reason, "until": self.until, "state": state,
            "by": self.by, "at": self.at, "revoked": self.revoked.as_ref().map(|(at, why)| json!({"at": at, "reason": why})),
            "read_count": self.read_count, "reads": self.reads,
        })
    }
}

impl Work<'_> {
    /// `share`.
    pub(crate) fn share(&mut self, input: &ShareMatter) -> Output {
        let policy = self.policy()?;
        let reason = said(&input.reason, 500, "/reason", "the reason")?;
        let unit = match (&input.item, &input.case) {
            (Some(item), None) => self.record(item)?.unit.clone(),
            (None, Some(number)) => self.case(number)?.unit.clone(),
            _ => {
                return Err(DeskError::new("ambiguous", "one item or one case is shared")
                    .hint("give exactly one of `item` and `case`"));
            }
        };
        if policy.unit(&input.to).is_none() {
            let known: Vec<&str> = policy.units.iter().take(30).map(|unit| unit.code.as_str()).collect();
            return Err(DeskError::new("not-found", format!("the policy pack has no unit `{}`", input.to))
                .at("/to")
                .hint(format!("it has: {}", known.join(", "))));
        }
        if input.to == unit {
            return Err(DeskError::new("unchanged", format!("it is unit `{unit}`'s own")).at("/to"));
        }
        let now = self.now();
        let until = input.until.or_else(|| now.checked_add(USUAL).ok()).unwrap_or(now);
        if until <= now {
            return Err(DeskError::new("order", format!("{until} has passed: it is {now} now"))
                .at("/until")
                .hint("give an end that is still to come"));
        }
        let same = |share: &&Share| {
            share.holds(now) && share.to == input.to && share.case == input.case && share.item == input.item
        };
        if let Some(known) = self.desk.watch.shares().find(same)
            && known.scope == input.scope
            && known.until >= until
        {
            return Err(DeskError::new("unchanged", format!("it is shared already: {}", known.id)).at("/to"));
        }
        // A case keeps its number wherever it is routed.
        let counted = input.case.clone().unwrap_or_else(|| unit.clone());
        let share = Share {
            id: format!("{counted}.s{}", self.desk.watch.next_number(&counted)),
            unit: unit.clone(),
            to: input.to.clone(),
            case: input.case.clone(),
            item: input.item,
            scope: input.scope,
            reason,
            until,
            by: self.actor().clone(),
            at: now,
            revoked: None,
            read_count: 0,
            reads: Vec::new(),
        };
        let id = share.id.clone();
        let notify = self.told(Occasion::Shared, None, &input.to);
        self.watched(WatchFact::ShareGranted { unit, share, notify });
        Ok(json!({ "share": id, "to": input.to, "scope": input.scope, "until": until }))
    }

    /// `revoke-share`.
    pub(crate) fn revoke_share(&mut self, input: &RevokeShare) -> Output {
        let reason = said(&input.reason, 500, "/reason", "the reason")?;
        let share = self.known_share(&input.share)?;
        self.within(&share.unit, "/share")?;
        if share.revoked.is_some() {
            return Err(DeskError::new("unchanged", format!("share {} is revoked already", share.id)).at("/share"));
        }
        self.watched(WatchFact::ShareRevoked {
            unit: share.unit.clone(),
            share: share.id.clone(),
            case: share.case.clone(),
            reason,
            by: self.actor().clone(),
            at: self.now(),
        });
        Ok(json!({ "share": share.id, "state": "revoked" }))
    }

    /// `read-shared`: gives what is shared, and puts the reading on record.
    pub(crate) fn read_shared(&mut self, input: &ReadShared) -> Output {
        let share = self.known_share(&input.share)?;
        let reader = self.scope().map_or_else(|| share.to.clone(), str::to_owned);
        let policy = self.policy()?;
        // The unit that it is shared with, or one above it, in whose name it is asked.
        if !policy.line(&share.to).any(|unit| unit.code == reader) {
            return Err(DeskError::new("not-yours", format!("share {} is not for unit `{reader}`", share.id))
                .at("/share")
                .clause("3.1f")
                .hint("`huiyin share list` shows what is shared with a unit"));
        }
        let now = self.now();
        if !share.holds(now) {
            return Err(DeskError::new("ended", format!("share {} is over", share.id))
                .at("/share")
                .clause("3.1f")
                .hint("ask the unit whose matter it is to share it again"));
        }
        let shown = match (&share.case, &share.item) {
            (Some(number), _) => {
                let case = self.held(number)?;
                match share.scope {
                    Scope::Whole => case_page(&self.desk, &case, now),
                    Scope::Summary => case_row(&case, now),
                }
            }
            (None, Some(item)) => match self.desk.item(item) {
                Some(record) => item_view(&self.desk, &record, share.scope == Scope::Whole),
                None => {
                    return Err(DeskError::new("not-found", format!("the desk does not hold item {item} any more"))
                        .at("/share"));
                }
            },
            (None, None) => Value::Null,
        };
        self.watched(WatchFact::ShareRead {
            unit: share.unit.clone(),
            share: share.id.clone(),
            case: share.case.clone(),
            reader,
            by: self.actor().clone(),
            at: now,
        });
        Ok(json!({ "share": share.id, "from": share.unit, "scope": share.scope, "until": share.until, "shown": shown }))
    }

    fn known_share(&self, id: &str) -> Result<Share, DeskError> {
        self.desk.watch.share(id).cloned().ok_or_else(|| {
            DeskError::new("not-found", format!("there is no share {}", crate::text::clip(id, 100)))
                .at("/share")
                .hint("`huiyin share list` shows them")
        })
    }
}
