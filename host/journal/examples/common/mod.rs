//! What the writers of golden journals share.

use std::path::Path;

use huiyin_journal::{Draft, Options};

/// How a golden journal is opened.
pub(crate) fn options() -> Options {
    Options { host: Some("golden".into()), segment_bytes: 4096, ..Options::default() }
}

/// A draft of the engine's, of no unit.
pub(crate) fn draft(kind: &str, subject: &str, key: &str, payload: impl Into<Vec<u8>>) -> Draft {
    Draft {
        kind: kind.into(),
        subject: subject.into(),
        time: jiff::Timestamp::UNIX_EPOCH,
        actor: "system:engine".into(),
        unit: None,
        causation: None,
        key: key.into(),
        payload: payload.into(),
    }
}

/// Leaves what is read for ever: what was found in the journal, without the
/// reserved zeros (whole slots of 256 bytes stay) and the lock.
pub(crate) fn finish(dir: &Path, expected: &serde_json::Value) -> Result<(), Box<dyn std::error::Error>> {
    std::fs::write(dir.join("expected.json"), serde_json::to_string_pretty(expected)? + "\n")?;
    let ring = dir.join("keys/ring");
    let bytes = std::fs::read(&ring)?;
    let used = bytes.iter().rposition(|&b| b != 0).map_or(0, |last| last + 1);
    std::fs::write(&ring, &bytes[..used.next_multiple_of(256).min(bytes.len())])?;
    std::fs::remove_file(dir.join("lock"))?;
    Ok(())
}
