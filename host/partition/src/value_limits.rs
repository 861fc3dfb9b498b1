//! How large one value may be that a workflow, a plugin, an event or an item
//! brings, and what follows for a record. A value above the limit is an error
//! for whoever brought it, with its size and the limit in it; it never stops a
//! run or the host. The same of how deep it nests: what a record's own reader
//! would not read is refused at the door ([`huiyin_json::depth`]).

use huiyin_flow::{ErrorKind, FlowError, Happened, Misfit};
use huiyin_json::depth;
use serde_json::Value;

/// Bytes of JSON that one value may take, unless told.
pub const DEFAULT: u64 = 16 << 20;

/// The most that may be told: a turn holds a few such values at once, and a
/// worker takes them in memory.
pub const CEILING: u64 = 64 << 20;

/// The least that may be told.
pub const FLOOR: u64 = 1 << 10;

/// Bytes that a run's whole state may take, unless told; at least [`PLACES`] of the largest values.
pub const DEFAULT_STATE: u64 = 256 << 20;

/// The most that may be told: all of it is in memory, and a snapshot writes it out.
pub const CEILING_STATE: u64 = 4 << 30;

/// So many different values of the largest kind a run may hold unless told.
const PLACES: u64 = 16;

/// Bytes of values after which a turn ends, so that its record stays small.
pub const TURN: u64 = 4 << 20;

/// How much of a result that is too large an error keeps, in bytes of JSON.
const HEAD: usize = 4 << 10;

/// The limits of a payload, and of all that one run holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ValueLimits {
    /// Bytes that one value may take as JSON; in memory it may take [`huiyin_flow::MEMORY`] times as many.
    pub value: u64,
    /// Bytes that all a run holds may take as JSON ([`huiyin_flow::RunState::weight`]).
    pub state: u64,
}

impl Default for ValueLimits {
    fn default() -> ValueLimits {
        ValueLimits::of(DEFAULT)
    }
}

impl ValueLimits {
    /// This limit of a value, and what follows for a run where nothing else is told.
    pub fn of(value: u64) -> ValueLimits {
        ValueLimits { value, state: DEFAULT_STATE.max(value.saturating_mul(PLACES)) }
    }

    /// The limits as configured. A value: 16 MiB unless told, 64 MiB at most. A
    /// run's state: 256 MiB or 16 values unless told, 4 GiB at most.
    ///
    /// # Errors
    /// What is not to be had.
    pub fn read(value: Option<u64>, state: Option<u64>) -> Result<ValueLimits, Vec<String>> {
        let value = value.unwrap_or(DEFAULT);
        let usual = ValueLimits::of(value);
        let state = state.unwrap_or(usual.state);
        let mut problems = Vec::new();
        if !(FLOOR..=CEILING).contains(&value) {
            problems.push(format!("/limits/payloadBytes: {value} is not between {FLOOR} and {CEILING} bytes"));
        } else if !(value..=CEILING_STATE).contains(&state) {
            problems.push(format!(
                "/limits/stateBytes: {state} is not between `payloadBytes`, {value}, and {CEILING_STATE} bytes"
            ));
        }
        if problems.is_empty() { Ok(ValueLimits { value, state }) } else { Err(problems) }
    }

    /// Bytes of memory that one value may take.
    pub fn memory(self) -> u64 {
        self.value.saturating_mul(huiyin_flow::MEMORY)
    }

    /// Bytes that a record's payload may have before its large values go into
    /// blobs: a turn ends after [`TURN`] bytes, its last fact brings a few values more.
    pub fn record(self) -> u64 {
        4 * self.value + 4 * TURN
    }

    /// Why a value is not taken, if it is too large or nests too deep. `what` is it in words.
    ///
    /// # Errors
    /// What is wrong and how to mend it.
    pub fn check(self, what: &str, value: &Value) -> Result<(), String> {
        self.check_within(what, value, depth::VALUE)
    }

    /// The same of an event.
    ///
    /// # Errors
    /// What is wrong and how to mend it.
    pub fn check_event(self, event: &Value) -> Result<(), String> {
        self.check_within("the event", event, depth::EVENT)
    }

    fn check_within(self, what: &str, value: &Value, levels: usize) -> Result<(), String> {
        match huiyin_flow::misfit(value, self.value, levels) {
            None => Ok(()),
            Some(Misfit::Bytes(bytes)) => Err(format!(
                "{what} takes {bytes} bytes as JSON, a payload may take {}; send less, or let an admin raise `limits.payloadBytes`",
                self.value
            )),
            Some(Misfit::Memory(bytes)) => Err(format!(
                "{what} takes {bytes} bytes in memory, since it is made of so many small values; a payload may take {} there; send less, or let an admin raise `limits.payloadBytes`",
                self.memory()
            )),
            Some(Misfit::Deep(levels)) => Err(format!(
                "{what} nests more than {levels} levels deep; send it flatter, or what is further in as text"
            )),
        }
    }

    /// A call's result, or the error that takes its place because it is too
    /// large or nests too deep. `harmless`: asking again does no harm. Otherwise the
    /// error says that it happened, so that no `retry` does it again (rule 3).
    ///
    /// # Errors
    /// When it is too large or too deep.
    pub fn result(self, by: &str, value: Value, harmless: bool) -> Result<Value, FlowError> {
        let Some(misfit) = huiyin_flow::misfit(&value, self.value, depth::VALUE) else { return Ok(value) };
        let (detail, bytes) = match misfit {
            Misfit::Bytes(bytes) => (
                format!(
                    "{by}: the result takes {bytes} bytes as JSON, a payload may take {}; ask for less, or let an admin raise `limits.payloadBytes`",
                    self.value
                ),
                bytes,
            ),
            Misfit::Memory(bytes) => (
                format!(
                    "{by}: the result takes {bytes} bytes in memory, since it is made of so many small values; a payload may take {} there; ask for less, or let an admin raise `limits.payloadBytes`",
                    self.memory()
                ),
                huiyin_flow::json_bytes(&value),
            ),
            Misfit::Deep(levels) => (
                format!(
                    "{by}: the result nests more than {levels} levels deep; ask for something flatter, or for text"
                ),
                huiyin_flow::json_bytes(&value),
            ),
        };
        let error = FlowError::new(ErrorKind::Runtime, detail).with_status(413);
        Err(if harmless { error } else { error.although(Happened { bytes: Some(bytes), head: head(&value) }) })
    }
}

/// How a value begins, as JSON text.
fn head(value: &Value) -> String {
    struct Head(Vec<u8>);
    impl std::io::Write for Head {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let room = HEAD.saturating_sub(self.0.len());
            if room == 0 {
                return Err(std::io::ErrorKind::WriteZero.into());
            }
            self.0.extend_from_slice(bytes.get(..room.min(bytes.len())).unwrap_or_default());
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut head = Head(Vec::with_capacity(HEAD));
    // It ends with an error once there is enough.
    let _ = serde_json::to_writer(&mut head, value);
    let whole = match std::str::from_utf8(&head.0) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(head.0.get(..error.valid_up_to()).unwrap_or_default()).unwrap_or_default(),
    };
    whole.to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_result_that_is_too_large_says_so_and_keeps_how_it_begins() {
        let payload = ValueLimits::of(100);
        assert_eq!(payload.result("x", json!("fits"), false), Ok(json!("fits")));
        let large = json!({"receipt": "r-17", "text": "火".repeat(3000)});
        let error = payload.result("webhook:0.1.0", large.clone(), false).unwrap_err();
        assert_eq!(error.status, 413);
        let detail = error.detail.as_deref().unwrap();
        let told = format!("webhook:0.1.0: the result takes {} bytes", large.to_string().len());
        assert!(detail.starts_with(&told) && detail.contains("may take 100"), "{detail}");
        let happened = error.happened.unwrap();
        assert_eq!(happened.bytes, Some(large.to_string().len() as u64));
        assert!(happened.head.starts_with("{\"receipt\":\"r-17\"") && happened.head.len() <= HEAD);
        assert_eq!(payload.result("x", large, true).unwrap_err().happened, None);
    }

    #[test]
    fn the_limit_has_a_ceiling() {
        let read = ValueLimits::read;
        assert_eq!(read(None, None), Ok(ValueLimits { value: DEFAULT, state: DEFAULT_STATE }));
        assert_eq!(read(Some(CEILING), None), Ok(ValueLimits { value: CEILING, state: 1 << 30 }));
        assert_eq!(read(None, Some(CEILING_STATE)), Ok(ValueLimits { value: DEFAULT, state: CEILING_STATE }));
        for wrong in [0, CEILING + 1] {
            let problem = read(Some(wrong), None).unwrap_err().join("");
            assert_eq!(problem, format!("/limits/payloadBytes: {wrong} is not between 1024 and 67108864 bytes"));
        }
        for wrong in [0, 2047, CEILING_STATE + 1] {
            let problem = read(Some(2048), Some(wrong)).unwrap_err().join("");
            let told = format!("/limits/stateBytes: {wrong} is not between `payloadBytes`, 2048, and 4294967296 bytes");
            assert_eq!(problem, told);
        }
    }
}
