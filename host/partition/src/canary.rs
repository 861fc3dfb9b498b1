//! Canaries: another plugin called beside a slot's own on the same input. It
//! is watched and nothing more: what it says never reaches the run, and a run
//! never waits for it. Here is what is asked and what comes back; who calls and compares is
//! not known here.

use std::collections::BTreeMap;
use std::sync::Arc;

use huiyin_flow::{CallId, FlowError};
use huiyin_records::record::{Difference, Pin, SlotOf};
use jiff::Timestamp;
use serde_json::Value;

/// What is watched, by slot.
pub type Canaries = BTreeMap<String, Pin>;

/// A call that was made, to be made once more.
#[derive(Debug, Clone)]
pub struct Made {
    /// The slot.
    pub slot: String,
    /// The call.
    pub call: CallId,
    /// Its arguments.
    pub with: Arc<Value>,
    /// What the slot's own plugin gave.
    pub outcome: Result<Value, FlowError>,
}

/// A call to make with a canary.
pub struct CanaryJob {
    /// Which slot it is beside.
    pub of: SlotOf,
    /// The run.
    pub run: String,
    /// The data key of its records.
    pub key: String,
    /// The canary.
    pub pin: Pin,
    /// The call.
    pub made: Made,
    /// The time of the turn.
    pub now: Timestamp,
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Watched {
    /// Which slot it is beside.
    pub of: SlotOf,
    /// The run.
    pub run: String,
    /// The data key of its records.
    pub key: String,
    /// The call.
    pub call: CallId,
    /// The canary's component.
    pub digest: String,
    /// Items that both were asked about.
    pub items: u32,
    /// Those of which they say different things.
    pub differing: u32,
    /// The first of them.
    pub differences: Vec<Difference>,
    /// The canary's own fault, if it stopped by one.
    pub fault: Option<String>,
}
