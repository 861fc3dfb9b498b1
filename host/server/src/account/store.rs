//! The accounts of a host, in `accounts.json` of its data folder: for its owner
//! only, written whole or not at all.
//!
//! The host and `huiyin account` both change it ([`super::kept`]), so that an
//! account that is locked on the machine is locked at once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::kept::{Kept, KeptError, Names};
use super::password::{self, PasswordError};
use super::second::{self, Fresh, Right, Second};

const NAMES: Names =
    Names { file: "accounts.json", lock: "accounts.lock", format: "huiyin.accounts.v1", member: "accounts" };

/// The most accounts.
const MOST: usize = 10_000;

/// The longest name, in bytes: with its kind it must fit into a record's header percent-encoded.
const MAX_NAME: usize = 64;

/// Who may sign in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Whom it stands for: `person:<id>` of the policy pack, or `admin:<name>` of the host.
    pub actor: String,
    /// The password's hash, a PHC string.
    password: String,
    /// The password is a first one, and has to be changed at the next sign-in.
    #[serde(default)]
    pub must_change: bool,
    /// It was locked by an admin.
    #[serde(default)]
    pub locked: bool,
    /// Raised by every change: sessions that began before are over.
    pub generation: u64,
    /// Since when there is the account.
    pub added: Timestamp,
    /// When it was last changed.
    pub changed: Timestamp,
    /// The second factor, where one is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second: Option<Second>,
}

impl Account {
    /// Whether the password is the right one. Takes some 20 ms and 19 MiB on purpose.
    pub(super) fn knows(&self, password: &str) -> bool {
        password::verify(password, &self.password)
    }
}

/// Why an account is not what was asked.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The name is no name.
    #[error(
        "`{0}` is no name of an account; write 1 to {MAX_NAME} letters, digits or -_. as a person's id of the policy pack has them"
    )]
    Name(String),
    /// There is one already.
    #[error("there is an account `{0}` already; `huiyin account reset {0}` gives it a new first password")]
    Known(String),
    /// There is none.
    #[error("there is no account `{0}`; `huiyin account list` shows those there are")]
    Missing(String),
    /// There is no second factor.
    #[error("the account `{0}` has no second factor")]
    NoSecond(String),
    /// There are too many.
    #[error("there are {MOST} accounts, more are not kept")]
    Many,
    /// The password is none.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The file cannot be used.
    #[error("{}: {why}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        why: String,
    },
}

impl AccountError {
    /// True when what was asked is at fault, not the store.
    pub fn is_input(&self) -> bool {
        !matches!(self, Self::File { .. } | Self::Password(PasswordError::Hash(_)))
    }
}

impl From<KeptError> for AccountError {
    fn from(KeptError { path, why }: KeptError) -> AccountError {
        AccountError::File { path, why }
    }
}

type All = Arc<BTreeMap<String, Account>>;

/// The accounts of a data folder.
#[derive(Debug)]
pub struct Accounts(Kept<Account>);

impl Accounts {
    /// Those of a data folder.
    pub fn of(folder: &Path) -> Accounts {
        Accounts(Kept::of(folder, NAMES))
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        self.0.folder()
    }

    /// All of them, by name: read again where the file has changed.
    ///
    /// # Errors
    /// When the file cannot be read, may be read by others, or is none of ours.
    pub fn all(&self) -> Result<All, AccountError> {
        Ok(self.0.all()?)
    }

    /// One of them.
    ///
    /// # Errors
    /// As [`Accounts::all`].
    pub fn get(&self, name: &str) -> Result<Option<Account>, AccountError> {
        Ok(self.all()?.get(name).cloned())
    }

    /// Makes an account. With `must_change` the password is a first one.
    ///
    /// # Errors
    /// When the name or the password is none, the account is there, or the file cannot be written.
    pub fn add(&self, name: &str, admin: bool, password: &str, must_change: bool) -> Result<Account, AccountError> {
        self.make(name, admin, password, must_change, |_| Ok(()))
    }

    /// Makes the first account of all, an admin's: refused where there is any.
    ///
    /// # Errors
    /// As [`Accounts::add`].
    pub(super) fn add_first(&self, name: &str, password: &str) -> Result<Account, AccountError> {
        self.make(name, true, password, false, |all| match all.keys().next() {
            None => Ok(()),
            Some(first) => Err(AccountError::Known(first.clone())),
        })
    }

    fn make(
        &self,
        name: &str,
        admin: bool,
        password: &str,
        must_change: bool,
        may: impl FnOnce(&BTreeMap<String, Account>) -> Result<(), AccountError>,
    ) -> Result<Account, AccountError> {
        let sign = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
        let actor = format!("{}:{name}", if admin { "admin" } else { "person" });
        let fits = name.len() <= MAX_NAME && huiyin_engine::actor_in_headers(&actor).len() <= crate::caller::MAX_ACTOR;
        if name.is_empty() || !fits || !name.chars().all(sign) {
            return Err(AccountError::Name(name.chars().take(MAX_NAME).collect()));
        }
        password::check(name, password)?;
        let hash = password::hash(password)?;
        self.change(|all| {
            may(all)?;
            if all.contains_key(name) {
                return Err(AccountError::Known(name.to_owned()));
            }
            if all.len() >= MOST {
                return Err(AccountError::Many);
            }
            let now = Timestamp::now();
            let account = Account {
                actor,
                password: hash,
                must_change,
                locked: false,
                generation: fresh(),
                added: now,
                changed: now,
                second: None,
            };
            all.insert(name.to_owned(), account.clone());
            Ok(account)
        })
    }

    /// Gives an account another password; its sessions are over.
    ///
    /// # Errors
    /// When there is no such account, the password is none, or the file cannot be written.
    pub fn set_password(&self, name: &str, password: &str, must_change: bool) -> Result<Account, AccountError> {
        password::check(name, password)?;
        let hash = password::hash(password)?;
        self.with(name, |account| {
            account.password = hash;
            account.must_change = must_change;
        })
    }

    /// Locks an account, or unlocks it; its sessions are over.
    ///
    /// # Errors
    /// When there is no such account, or the file cannot be written.
    pub fn set_locked(&self, name: &str, locked: bool) -> Result<Account, AccountError> {
        self.with(name, |account| account.locked = locked)
    }

    /// Takes an account away; its sessions are over.
    ///
    /// # Errors
    /// When there is no such account, or the file cannot be written.
    pub fn remove(&self, name: &str) -> Result<(), AccountError> {
        self.change(|all| all.remove(name).map(drop).ok_or_else(|| AccountError::Missing(name.to_owned())))?;
        self.forget(name)
    }

    /// Asks for a second factor from now on; the account's sessions are over.
    ///
    /// # Errors
    /// When there is no such account, or a file cannot be written.
    pub(super) fn set_second(&self, name: &str, fresh: &Fresh, second: Second) -> Result<Account, AccountError> {
        // First the secret: without it nobody who is asked for a code could come in.
        fresh.keep(self.folder(), name, second.since).map_err(|error| self.sealed(&error))?;
        self.with(name, |account| account.second = Some(second))
    }

    /// Asks for no second factor any more; the account's sessions are over.
    ///
    /// # Errors
    /// When there is no such account or it has none, or a file cannot be written.
    pub fn remove_second(&self, name: &str) -> Result<Account, AccountError> {
        if self.get(name)?.ok_or_else(|| AccountError::Missing(name.to_owned()))?.second.is_none() {
            return Err(AccountError::NoSecond(name.to_owned()));
        }
        let changed = self.with(name, |account| account.second = None)?;
        self.forget(name)?;
        Ok(changed)
    }

    /// Takes a code: right or not, what is right counts once, however many ask at the same time.
    ///
    /// # Errors
    /// When there is no such account or it has no second factor, or a file cannot be read or written.
    pub(super) fn take_code(&self, name: &str, code: &str, now: Timestamp) -> Result<Option<Right>, AccountError> {
        self.change(|all| {
            let account = all.get_mut(name).ok_or_else(|| AccountError::Missing(name.to_owned()))?;
            let second = account.second.as_mut().ok_or_else(|| AccountError::NoSecond(name.to_owned()))?;
            second.take(self.folder(), name, code, now).map_err(|error| self.sealed(&error))
        })
    }

    fn forget(&self, name: &str) -> Result<(), AccountError> {
        second::forget(self.folder(), name).map_err(|error| self.sealed(&error))
    }

    fn sealed(&self, error: &huiyin_secrets::vault::VaultError) -> AccountError {
        AccountError::File { path: self.folder().join("secrets"), why: error.to_string() }
    }

    fn with(&self, name: &str, set: impl FnOnce(&mut Account)) -> Result<Account, AccountError> {
        self.change(|all| {
            let account = all.get_mut(name).ok_or_else(|| AccountError::Missing(name.to_owned()))?;
            set(account);
            account.generation = account.generation.wrapping_add(1);
            account.changed = Timestamp::now();
            Ok(account.clone())
        })
    }

    fn change<T>(
        &self,
        change: impl FnOnce(&mut BTreeMap<String, Account>) -> Result<T, AccountError>,
    ) -> Result<T, AccountError> {
        self.0.change(change)
    }
}

/// The first generation of an account: of a removed account that is made again it is another.
fn fresh() -> u64 {
    let mut random = [0; 8];
    // Without randomness the clock has to do; the sessions of a removed account are over already.
    if getrandom::fill(&mut random).is_err() {
        return Timestamp::now().as_microsecond().unsigned_abs();
    }
    // JSON numbers are exact up to 2^53.
    u64::from_le_bytes(random) >> 16
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    const GOOD: &str = "correct horse battery";

    #[test]
    fn accounts_are_kept_for_their_owner_alone_and_another_reader_sees_changes() {
        let folder = tempfile::tempdir().unwrap();
        let (host, machine) = (Accounts::of(folder.path()), Accounts::of(folder.path()));
        assert!(host.all().unwrap().is_empty());
        let made = machine.add("xu-ming", false, GOOD, true).unwrap();
        assert_eq!((made.actor.as_str(), made.must_change), ("person:xu-ming", true));
        assert_eq!(host.get("xu-ming").unwrap(), Some(made.clone()));
        assert!(made.knows(GOOD) && !made.knows("another horse battery"));
        let path = folder.path().join(NAMES.file);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(!std::fs::read_to_string(&path).unwrap().contains(GOOD));
        machine.set_locked("xu-ming", true).unwrap();
        let seen = host.get("xu-ming").unwrap().unwrap();
        assert!(seen.locked && seen.generation != made.generation);
        machine.remove("xu-ming").unwrap();
        assert_eq!(host.get("xu-ming").unwrap(), None);
        assert!(matches!(host.remove("xu-ming"), Err(AccountError::Missing(_))));
    }

    #[test]
    fn names_are_names_and_only_one_is_first() {
        let folder = tempfile::tempdir().unwrap();
        let accounts = Accounts::of(folder.path());
        for bad in ["", "a b", "a/b", "../x", "a:b", "许\u{200b}", &"x".repeat(65), &"许".repeat(21)] {
            assert!(matches!(accounts.add(bad, false, GOOD, true), Err(AccountError::Name(_))), "{bad}");
        }
        accounts.add_first("许明", GOOD).unwrap();
        assert!(matches!(accounts.add_first("other", GOOD), Err(AccountError::Known(_))));
        assert!(matches!(accounts.add("许明", false, GOOD, true), Err(AccountError::Known(_))));
    }

    #[test]
    fn a_file_that_others_may_read_or_that_is_none_of_ours_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let accounts = Accounts::of(folder.path());
        accounts.add("xu-ming", false, GOOD, true).unwrap();
        let path = folder.path().join(NAMES.file);
        let open = |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        open(0o644);
        let said = Accounts::of(folder.path()).all().unwrap_err().to_string();
        assert!(said.contains("others may read it"), "{said}");
        open(0o600);
        std::fs::write(&path, r#"{"format": "huiyin.accounts.v9", "accounts": {}}"#).unwrap();
        let said = accounts.all().unwrap_err().to_string();
        assert!(said.contains("huiyin.accounts.v9"), "{said}");
        assert!(accounts.add("gao-yuan", false, GOOD, true).is_err(), "what is not understood is not written over");
    }
}
