//! The record of sign-ins: who came, who was refused, which accounts changed.
//!
//! One JSON object a line in `sign-ins.jsonl` of the data folder, for its owner
//! only, and the same as a line of the host's own log. It is apart from the
//! journal on purpose: anybody who reaches the sign-in page can make refusals,
//! and must not be able to fill the journal with them. At 8 MiB the file is set
//! aside as `sign-ins.1.jsonl`, in place of the one before.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

const FILE: &str = "sign-ins.jsonl";
const ASIDE: &str = "sign-ins.1.jsonl";
const MOST_BYTES: u64 = 8 << 20;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deed {
    /// Somebody signed in.
    SignedIn,
    /// The account or the password was wrong, or the account is locked.
    Refused,
    /// A delay began after wrong passwords.
    Delayed,
    /// Somebody signed out, of one session or of all.
    SignedOut,
    /// A person changed their own password.
    PasswordChanged,
    /// An account was made.
    Added,
    /// An account has a first password again.
    Reset,
    /// An account was locked.
    Locked,
    /// An account was unlocked.
    Unlocked,
    /// An account was removed.
    Removed,
    /// A second factor is asked for from now on.
    SecondSet,
    /// It is asked for no longer.
    SecondRemoved,
    /// Somebody came in by a recovery code.
    RecoveryUsed,
    /// A request by session was refused: forged, or in another's name.
    Forged,
    /// A request was refused: who asked has no right to it, or not within those units.
    Forbidden,
    /// An API token was made.
    TokenMade,
    /// An API token was revoked.
    TokenRevoked,
}

/// A line of the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInRecord {
    /// When.
    pub time: Timestamp,
    /// What happened.
    pub deed: Deed,
    /// The account's name, as it was given.
    pub account: String,
    /// Who did it, where that is somebody else: `admin:<name>`, `machine` for the command line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Address and port that it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Where it came from before that, as a proxy says that is believed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forwarded: Option<String>,
    /// More about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// The record of a data folder.
#[derive(Debug)]
pub struct Trail {
    folder: Option<PathBuf>,
    writing: Mutex<()>,
}

impl Trail {
    /// Of a data folder; none for a host in memory, which only logs.
    pub fn of(folder: Option<&Path>) -> Trail {
        Trail { folder: folder.map(Path::to_owned), writing: Mutex::new(()) }
    }

    /// Puts a line on record. That it cannot be written stops nobody from signing out; it is an error in the log.
    pub fn note(&self, record: &SignInRecord) {
        tracing::info!(
            target: "huiyin::sign_in",
            deed = ?record.deed, account = %record.account, by = ?record.by, address = ?record.address,
            forwarded = ?record.forwarded, detail = ?record.detail, "sign-in"
        );
        if let Err(error) = self.write(record) {
            tracing::error!(%error, "the record of sign-ins cannot be written");
        }
    }

    fn write(&self, record: &SignInRecord) -> io::Result<()> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let _one = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let path = folder.join(FILE);
        if std::fs::metadata(&path).is_ok_and(|meta| meta.len() >= MOST_BYTES) {
            std::fs::rename(&path, folder.join(ASIDE))?;
        }
        let mut line = serde_json::to_vec(record)?;
        line.push(b'\n');
        // One write in append mode: lines of the host and of the command line do not mix.
        OpenOptions::new().append(true).create(true).mode(0o600).open(path)?.write_all(&line)
    }

    /// The last lines, the latest first.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn last(&self, most: usize) -> io::Result<Vec<SignInRecord>> {
        let Some(folder) = &self.folder else { return Ok(Vec::new()) };
        let mut records = tail(&folder.join(FILE), most)?;
        if records.len() < most {
            records.extend(tail(&folder.join(ASIDE), most - records.len())?);
        }
        Ok(records)
    }
}

/// The last lines of a file, the latest first, of its last part only.
fn tail(path: &Path, most: usize) -> io::Result<Vec<SignInRecord>> {
    /// More than the longest line.
    const LINE: u64 = 2_048;
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let part = LINE.saturating_mul(most as u64).min(MOST_BYTES);
    let from = file.metadata()?.len().saturating_sub(part);
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(part).read_to_end(&mut bytes)?;
    let lines = bytes.split(|byte| *byte == b'\n').rev();
    // A line that is cut, or no line of ours, is left out.
    Ok(lines.filter_map(|line| serde_json::from_slice(line).ok()).take(most).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(account: &str) -> SignInRecord {
        SignInRecord {
            time: Timestamp::UNIX_EPOCH,
            deed: Deed::Refused,
            account: account.to_owned(),
            by: None,
            address: Some("127.0.0.1:5".to_owned()),
            forwarded: None,
            detail: None,
        }
    }

    #[test]
    fn the_latest_come_first_and_a_full_file_is_set_aside() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let trail = Trail::of(Some(folder.path()));
        assert_eq!(trail.last(5).unwrap(), []);
        for name in ["a", "b", "c\n\"d"] {
            trail.note(&line(name));
        }
        let names = |trail: &Trail| trail.last(3).unwrap().into_iter().map(|r| r.account).collect::<Vec<_>>();
        assert_eq!(names(&trail), ["c\n\"d", "b", "a"]);
        let path = folder.path().join(FILE);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        OpenOptions::new().write(true).open(&path).unwrap().set_len(MOST_BYTES).unwrap();
        trail.note(&line("e"));
        assert_eq!(trail.last(1).unwrap()[0].account, "e");
        assert!(folder.path().join(ASIDE).exists() && std::fs::metadata(&path).unwrap().len() < 1_000);
    }
}
