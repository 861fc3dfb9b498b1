//! Checkpoints (C2SP tlog-checkpoint): which log, how many leaves, which root; the text of a signed note.

use crate::hash::Hash;
use crate::keys::{SignerKey, VerifierKey};
use crate::note::{Note, NoteError};

/// A tree head as a checkpoint states it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log this is: the first line.
    pub origin: String,
    /// Number of leaves.
    pub size: u64,
    /// Root of the tree of that size.
    pub root: Hash,
    /// Further lines, opaque here. tlog-checkpoint advises against them, so a host writes none.
    pub extensions: Vec<String>,
}

/// What is wrong with a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// It is not a well-formed signed note, or no known key signed it.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// A line of the history of checkpoints is not JSON with a note in it.
    #[error("not of the form {{\"note\": \"…\"}}")]
    Line,
    /// The note's text is not a checkpoint.
    #[error("line {line} of the checkpoint: {why}")]
    Form {
        /// Line number, from 1.
        line: usize,
        /// What is wrong there.
        why: &'static str,
    },
    /// The checkpoint is of another log.
    #[error("the checkpoint is of the log {found:?}, not of {wanted:?}")]
    OtherLog {
        /// Origin in the checkpoint.
        found: String,
        /// Origin wanted.
        wanted: String,
    },
}

impl Checkpoint {
    /// The text that is signed.
    pub fn text(&self) -> String {
        let mut text = format!("{}\n{}\n{}\n", self.origin, self.size, self.root);
        for line in &self.extensions {
            text.push_str(line);
            text.push('\n');
        }
        text
    }

    /// Parses the text of a note, strictly.
    pub fn parse_text(text: &str) -> Result<Self, CheckpointError> {
        let fail = |line, why| Err(CheckpointError::Form { line, why });
        let Some(body) = text.strip_suffix('\n') else {
            return fail(text.lines().count().max(1), "the text must end in a newline");
        };
        let mut lines = body.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
            return fail(text.lines().count(), "a checkpoint has three lines or more: origin, size, root");
        };
        if origin.is_empty() {
            return fail(1, "the origin is empty");
        }
        let plain = !size.is_empty() && size.bytes().all(|byte| byte.is_ascii_digit());
        let size = match size.parse() {
            Ok(number) if plain && (size == "0" || !size.starts_with('0')) => number,
            _ => {
                return fail(2, "the size must be a decimal number below 2^64 without leading zeros");
            }
        };
        let Some(root) = Hash::from_base64(root) else {
            return fail(3, "the root must be 32 bytes in standard base64");
        };
        let extensions: Vec<String> = lines.map(str::to_owned).collect();
        if let Some(empty) = extensions.iter().position(String::is_empty) {
            return fail(empty + 4, "an extension line must not be empty");
        }
        Ok(Self { origin: origin.to_owned(), size, root, extensions })
    }
}

/// A checkpoint with the note that carries it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCheckpoint {
    /// What it states.
    pub checkpoint: Checkpoint,
    /// The note, signatures included.
    pub note: Note,
}

impl SignedCheckpoint {
    /// Signs a checkpoint. Nothing is compared here: the rollback guard is in `CheckpointStore`.
    pub(crate) fn sign(checkpoint: Checkpoint, signer: &SignerKey) -> Result<Self, CheckpointError> {
        let text = checkpoint.text();
        // What would not read back the same must not be signed (an origin with a newline, say).
        if Checkpoint::parse_text(&text)? != checkpoint {
            return Err(CheckpointError::Form { line: 1, why: "the origin or an extension holds a newline" });
        }
        Ok(Self { note: Note::sign(text, &[signer])?, checkpoint })
    }

    /// Parses a note that carries a checkpoint, without asking who signed it.
    pub fn parse_unverified(note: &str) -> Result<Self, CheckpointError> {
        let note = Note::parse(note)?;
        let checkpoint = Checkpoint::parse_text(note.text())?;
        Ok(Self { checkpoint, note })
    }

    /// Parses a note, requires a known key's signature and, if given, the origin.
    pub fn open(note: &str, known: &[VerifierKey], origin: Option<&str>) -> Result<Self, CheckpointError> {
        let signed = Self::parse_unverified(note)?;
        signed.accept(known, origin)?;
        Ok(signed)
    }

    /// Requires a known key's signature and, if given, the origin.
    pub(crate) fn accept(&self, known: &[VerifierKey], origin: Option<&str>) -> Result<(), CheckpointError> {
        self.note.verify(known)?;
        match origin {
            Some(wanted) if wanted != self.checkpoint.origin => {
                Err(CheckpointError::OtherLog { found: self.checkpoint.origin.clone(), wanted: wanted.to_owned() })
            }
            _ => Ok(()),
        }
    }
}
