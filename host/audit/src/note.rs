//! Signed notes (C2SP signed-note): a text with signature lines, parsed strictly and within limits.
//!
//! A note's text means nothing until [`Note::verify`] has named a known key that signed it.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::keys::{SignerKey, VerifierKey, is_name};

/// Largest note read. The format asks for room for 16 signatures, of up to nearly 5 kB each.
pub const MAX_NOTE_BYTES: usize = 256 * 1024;
/// Most signature lines read; the format asks for at least 16.
pub const MAX_SIGNATURES: usize = 64;

/// What is wrong with a note.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// The note is larger than [`MAX_NOTE_BYTES`].
    #[error("the note has {0} bytes; at most {MAX_NOTE_BYTES} are read")]
    TooLarge(usize),
    /// The text does not have the form of a signed note.
    #[error("line {line} of the note: {why}")]
    Form {
        /// Line number, from 1.
        line: usize,
        /// What is wrong there.
        why: &'static str,
    },
    /// A known key's signature does not fit the text.
    #[error("the signature of {key} does not fit the text: it was changed, or signed by another key of that name")]
    BadSignature {
        /// Name of the key.
        key: String,
    },
    /// No signature is by a key that is known here.
    #[error("signed by {signed_by}, and by none of the known keys ({known})")]
    NoKnownKey {
        /// Names in the signature lines.
        signed_by: String,
        /// Names of the known keys.
        known: String,
    },
}

/// One signature line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteSignature {
    /// Name of the key, as claimed.
    pub name: String,
    /// Id of the key, as claimed.
    pub id: [u8; 4],
    /// The signature proper.
    pub signature: Vec<u8>,
}

/// A signed note: its text (ending in a newline) and its signature lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<NoteSignature>,
}

impl Note {
    /// Signs a text. It must end in a newline and hold no other control characters.
    pub fn sign(text: String, signers: &[&SignerKey]) -> Result<Self, NoteError> {
        check_characters(&text)?;
        if !text.ends_with('\n') {
            return Err(NoteError::Form { line: text.lines().count().max(1), why: "the text must end in a newline" });
        }
        let signatures = signers
            .iter()
            .map(|signer| NoteSignature {
                name: signer.verifier().name().to_owned(),
                id: signer.verifier().id(),
                signature: signer.sign(text.as_bytes()).split_off(4),
            })
            .collect();
        Ok(Self { text, signatures })
    }

    /// Parses a whole note. Nothing is verified yet.
    pub fn parse(note: &str) -> Result<Self, NoteError> {
        if note.len() > MAX_NOTE_BYTES {
            return Err(NoteError::TooLarge(note.len()));
        }
        check_characters(note)?;
        let last_line = note.lines().count().max(1);
        let fail = |line, why| Err(NoteError::Form { line, why });
        if !note.ends_with('\n') {
            return fail(last_line, "the note must end in a newline");
        }
        let Some(blank) = note.rfind("\n\n") else {
            return fail(last_line, "there is no blank line between the text and the signatures");
        };
        let (text, lines) = (&note[..=blank], &note[blank + 2..]);
        let first = text.lines().count() + 2;
        if lines.is_empty() {
            return fail(first, "there is no signature after the blank line");
        }
        let mut signatures = Vec::new();
        for (line, content) in (first..).zip(lines.lines()) {
            if signatures.len() == MAX_SIGNATURES {
                return fail(line, "more signature lines than are read");
            }
            let Some((name, encoded)) = content.strip_prefix("\u{2014} ").and_then(|rest| rest.split_once(' ')) else {
                return fail(line, "a signature line is: an em dash, a space, the key name, a space, base64");
            };
            if !is_name(name) {
                return fail(line, "the key name is empty, too long, or holds a space or '+'");
            }
            let Ok(bytes) = STANDARD.decode(encoded) else {
                return fail(line, "the signature is not standard base64");
            };
            let Some((id, signature)) = bytes.split_first_chunk::<4>().filter(|(_, rest)| !rest.is_empty()) else {
                return fail(line, "the signature must have more than the four bytes of its key id");
            };
            signatures.push(NoteSignature { name: name.to_owned(), id: *id, signature: signature.to_vec() });
        }
        Ok(Self { text: text.to_owned(), signatures })
    }

    /// The signed text, its last newline included.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signature lines.
    pub fn signatures(&self) -> &[NoteSignature] {
        &self.signatures
    }

    /// The first known key that signed this note. Signatures of unknown keys are passed over; one bad
    /// signature of a known key spoils the note.
    pub fn verify<'k>(&self, known: &'k [VerifierKey]) -> Result<&'k VerifierKey, NoteError> {
        let mut signer = None;
        for signature in &self.signatures {
            for key in known.iter().filter(|key| key.name() == signature.name && key.id() == signature.id) {
                if !key.verifies(self.text.as_bytes(), &signature.signature) {
                    return Err(NoteError::BadSignature { key: key.name().to_owned() });
                }
                signer = signer.or(Some(key));
            }
        }
        signer.ok_or_else(|| NoteError::NoKnownKey {
            signed_by: listed(self.signatures.iter().map(|signature| signature.name.as_str())),
            known: listed(known.iter().map(VerifierKey::name)),
        })
    }
}

impl std::fmt::Display for Note {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)?;
        f.write_char('\n')?;
        for NoteSignature { name, id, signature } in &self.signatures {
            writeln!(f, "\u{2014} {name} {}", STANDARD.encode([id.as_slice(), signature].concat()))?;
        }
        Ok(())
    }
}

fn check_characters(text: &str) -> Result<(), NoteError> {
    match text.bytes().position(|byte| byte < 0x20 && byte != b'\n') {
        None => Ok(()),
        Some(at) => Err(NoteError::Form {
            line: text.as_bytes()[..at].split(|byte| *byte == b'\n').count(),
            why: "control characters other than newline are not allowed",
        }),
    }
}

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<_> = names.take(5).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
