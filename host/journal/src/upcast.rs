//! Upcasting: old record types are brought to their newest version when read, never rewritten.

use std::collections::HashMap;

use crate::JournalError;
use crate::record::version_of;

/// Turns a payload of one version into one of the next. Must be pure: same bytes in, same bytes out.
pub type Upcast = fn(&[u8]) -> Result<Vec<u8>, String>;

/// The known steps from a version of a record type to the next.
#[derive(Debug, Default)]
pub struct Upcasters {
    steps: HashMap<String, (String, Upcast)>,
}

impl Upcasters {
    /// Adds the step from `kind` (`huiyin.x.y.v1`) to the version after it.
    /// Refused when `kind` has no version, or already has a step.
    pub fn add(&mut self, kind: &str, step: Upcast) -> Result<(), JournalError> {
        let refuse = |why: &str| Err(JournalError::Upcast { kind: kind.to_owned(), why: why.into() });
        let Some((name, next)) = version_of(kind).and_then(|(name, v)| Some((name, v.checked_add(1)?))) else {
            return refuse("it does not end in a version such as .v1");
        };
        if self.steps.contains_key(kind) {
            return refuse("it already has a step");
        }
        self.steps.insert(kind.to_owned(), (format!("{name}.v{next}"), step));
        Ok(())
    }

    /// Goes from version to version as far as steps are known.
    pub fn apply(&self, kind: &str, payload: Vec<u8>) -> Result<(String, Vec<u8>), JournalError> {
        let (mut kind, mut payload) = (kind.to_owned(), payload);
        while let Some((next, step)) = self.steps.get(&kind) {
            payload = step(&payload).map_err(|why| JournalError::Upcast { kind: kind.clone(), why })?;
            kind.clone_from(next);
        }
        Ok((kind, payload))
    }
}
