//! What a running host has for signing in: accounts, sessions, delays, the
//! record, and the code by which the first admin is made.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use tokio::sync::Semaphore;

use super::delay::Delays;
use super::password;
use super::second::{Fresh, Right};
use super::session::{Full, Sessions, Standing, Whose};
use super::store::{Account, AccountError, Accounts};
use super::tokens::Tokens;
use super::trail::{Deed, SignInRecord, Trail};
use crate::token::Token;

/// Passwords that are hashed at once: each takes 19 MiB and a core for some 20 ms.
const HASHING: usize = 2;

/// Passwords that wait to be hashed; beyond it one is told to wait.
const WAITING: usize = 64;

/// How long the code for the first admin holds.
const CODE_TIME: Duration = Duration::from_hours(24);

/// Wrong codes after which it holds no longer.
const CODE_TRIES: u32 = 10;

/// How long a secret that was told waits to be confirmed.
const OFFER_TIME: Duration = Duration::from_mins(10);

/// Signing in to a host.
pub struct SignIn {
    pub(super) accounts: Option<Accounts>,
    pub(crate) tokens: Option<Tokens>,
    pub(super) trail: Trail,
    sessions: Mutex<Sessions>,
    delays: Mutex<Delays>,
    code: Mutex<Option<Code>>,
    /// Secrets of second factors that were told and are not confirmed yet.
    fresh: Mutex<HashMap<String, (Fresh, Instant)>>,
    hashing: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    /// A hash that nobody has the password of.
    nobody: String,
    cookie: String,
}

struct Code {
    digest: [u8; 32],
    made: Instant,
    wrong: u32,
}

/// Why somebody is not signed in.
#[derive(Debug)]
pub(super) enum Denied {
    /// Wrong account or password, in no other words.
    Wrong,
    /// Wait so long.
    Delayed(Duration),
    /// The account is locked; told only to who knows its password.
    Locked,
    /// The password is right, and a code of the second factor is asked for, too.
    CodeNeeded,
    /// The password is right, and the code is another, or has counted already.
    WrongCode,
    /// Too much is under way.
    Busy,
    /// The accounts cannot be read.
    Store(String),
}

/// Where a request comes from, for the record.
#[derive(Debug, Clone, Default)]
pub(crate) struct Whence {
    pub(super) address: Option<String>,
    pub(super) forwarded: Option<String>,
}

impl SignIn {
    /// For the host of a data folder. `token` names the cookie: hosts on one machine share the browser's cookies, which
    /// do not know ports.
    pub fn of(folder: &Path, token: &Token) -> SignIn {
        SignIn {
            accounts: Some(Accounts::of(folder)),
            tokens: Some(Tokens::of(folder)),
            trail: Trail::of(Some(folder)),
            ..SignIn::nowhere(token)
        }
    }

    /// For a host in memory: nobody can sign in, the API's token does.
    pub fn nowhere(token: &Token) -> SignIn {
        let name = Sha256::digest(format!("name of the cookie, {}", token.reveal()));
        SignIn {
            accounts: None,
            tokens: None,
            trail: Trail::of(None),
            sessions: Mutex::default(),
            delays: Mutex::default(),
            code: Mutex::default(),
            fresh: Mutex::default(),
            hashing: Arc::new(Semaphore::new(HASHING)),
            waiting: Arc::new(Semaphore::new(WAITING)),
            nobody: password::nobody(),
            cookie: format!("huiyin-{}", hex::encode(&name[..4])),
        }
    }

    /// The accounts; none for a host in memory.
    pub fn accounts(&self) -> Option<&Accounts> {
        self.accounts.as_ref()
    }

    /// A code by which the first admin can be made at the sign-in page, where there is no account yet. It holds once, for
    /// a day, and until the host stops.
    ///
    /// # Errors
    /// When the accounts cannot be read or the system gives no random bytes.
    pub fn first_code(&self) -> Result<Option<String>, AccountError> {
        let Some(accounts) = &self.accounts else { return Ok(None) };
        if !accounts.all()?.is_empty() {
            return Ok(None);
        }
        let code = password::first_password()?;
        let digest = Sha256::digest(plain(&code)).into();
        *lock(&self.code) = Some(Code { digest, made: Instant::now(), wrong: 0 });
        Ok(Some(code))
    }

    /// Whether a first admin can be made by a code.
    pub(super) fn awaits_first(&self) -> bool {
        let waits = lock(&self.code).as_ref().is_some_and(|code| code.made.elapsed() < CODE_TIME);
        waits && self.accounts.as_ref().is_some_and(|accounts| accounts.all().is_ok_and(|all| all.is_empty()))
    }

    /// Takes the code: it holds once.
    fn take_code(&self, offered: &str) -> bool {
        let mut code = lock(&self.code);
        let Some(kept) = code.as_mut() else { return false };
        let offered: [u8; 32] = Sha256::digest(plain(offered)).into();
        let right = kept.made.elapsed() < CODE_TIME && bool::from(kept.digest.ct_eq(&offered));
        kept.wrong += u32::from(!right);
        if right || kept.wrong >= CODE_TRIES {
            *code = None;
        }
        right
    }

    /// Makes the first admin, by the code.
    pub(super) async fn make_first(
        self: &Arc<Self>,
        code: &str,
        name: &str,
        new: &str,
        from: &Whence,
    ) -> Result<(), FirstError> {
        // What is wrong with the name or the password must not cost the code.
        password::check(name, new).map_err(|error| FirstError::Account(error.into()))?;
        if !self.take_code(code) {
            self.note(Deed::Refused, name, None, from, Some("wrong first code"));
            return Err(FirstError::Code);
        }
        let made = self.store({
            let (name, new) = (name.to_owned(), new.to_owned());
            move |accounts| accounts.add_first(&name, &new)
        });
        let made = made.await.map_err(FirstError::Account)?;
        self.note(Deed::Added, name, Some("first code"), from, Some(&made.actor));
        Ok(())
    }

    /// Signs somebody in. `old` is the token that the browser had: its session ends, so that no session that was
    /// there before becomes theirs (session fixation). Gives the new token.
    pub(super) async fn sign_in(
        self: &Arc<Self>,
        name: &str,
        given: &str,
        code: Option<&str>,
        old: Option<&str>,
        from: &Whence,
    ) -> Result<String, Denied> {
        let account = self.prove(name, given, from).await?;
        if account.second.is_some() {
            self.prove_code(name, &account, code.ok_or(Denied::CodeNeeded)?, from).await?;
        }
        self.begin(name, &account, old, from)
    }

    /// Checks a code of the second factor, with the delay after wrong ones.
    pub(super) async fn prove_code(
        self: &Arc<Self>,
        name: &str,
        account: &Account,
        code: &str,
        from: &Whence,
    ) -> Result<(), Denied> {
        let tried = format!("{name}\0{}\0code", account.generation);
        if let Some(left) = lock(&self.delays).left(&tried, Instant::now()) {
            return Err(Denied::Delayed(left));
        }
        let taken = self.store({
            let (name, code) = (name.to_owned(), code.to_owned());
            move |accounts| accounts.take_code(&name, &code, Timestamp::now())
        });
        match taken.await.map_err(|error| Denied::Store(error.to_string()))? {
            Some(right) => {
                lock(&self.delays).right(&tried);
                if let Right::Recovery(left) = right {
                    self.note(Deed::RecoveryUsed, name, None, from, Some(&format!("{left} left")));
                }
                Ok(())
            }
            None => {
                let delay = lock(&self.delays).wrong(&tried, true, Instant::now());
                self.note(Deed::Refused, name, None, from, Some("wrong code"));
                if let Some(delay) = delay {
                    self.note(Deed::Delayed, name, None, from, Some(&format!("{} s", delay.as_secs())));
                }
                Err(Denied::WrongCode)
            }
        }
    }

    /// Begins a session of somebody who has shown who they are.
    pub(super) fn begin(
        &self,
        name: &str,
        account: &Account,
        old: Option<&str>,
        from: &Whence,
    ) -> Result<String, Denied> {
        let begun = {
            let mut sessions = lock(&self.sessions);
            if let Some(old) = old {
                sessions.end_token(old);
            }
            let whose = Whose {
                account: name,
                actor: &account.actor,
                generation: account.generation,
                must_change: account.must_change,
            };
            sessions.begin(&whose, Instant::now())
        };
        let token = begun.map_err(|error| match error {
            Full::Sessions => Denied::Busy,
            Full::Random => Denied::Store(error.to_string()),
        })?;
        self.note(Deed::SignedIn, name, None, from, None);
        Ok(token)
    }

    /// Checks a password, with the delay after wrong ones.
    pub(super) async fn prove(self: &Arc<Self>, name: &str, given: &str, from: &Whence) -> Result<Account, Denied> {
        let known = match &self.accounts {
            Some(accounts) => accounts.get(name).map_err(|error| Denied::Store(error.to_string()))?,
            None => None,
        };
        // Of this password: one that an admin has set anew can be tried at once.
        let tried = known.as_ref().map_or_else(|| name.to_owned(), |known| format!("{name}\0{}", known.generation));
        if let Some(left) = lock(&self.delays).left(&tried, Instant::now()) {
            return Err(Denied::Delayed(left));
        }
        let waiting = Arc::clone(&self.waiting).try_acquire_owned().map_err(|_| Denied::Busy)?;
        let hashing = Arc::clone(&self.hashing).acquire_owned().await.map_err(|_| Denied::Busy)?;
        // Others may have tried while this one waited.
        if let Some(left) = lock(&self.delays).left(&tried, Instant::now()) {
            return Err(Denied::Delayed(left));
        }
        let (account, given, nobody) = (known.clone(), given.to_owned(), self.nobody.clone());
        let right = tokio::task::spawn_blocking(move || match account {
            Some(account) => account.knows(&given),
            None => {
                // As long as for an account that there is.
                let _ = password::verify(&given, &nobody);
                false
            }
        });
        let right = right.await.unwrap_or(false);
        drop((hashing, waiting));
        match known {
            Some(account) if right && account.locked => {
                self.note(Deed::Refused, name, None, from, Some("locked"));
                Err(Denied::Locked)
            }
            Some(account) if right => {
                lock(&self.delays).right(&tried);
                Ok(account)
            }
            known => {
                let delay = lock(&self.delays).wrong(&tried, known.is_some(), Instant::now());
                let why = if known.is_some() { "wrong password" } else { "no such account" };
                self.note(Deed::Refused, name, None, from, Some(why));
                if let Some(delay) = delay {
                    let detail = format!("{} s", delay.as_secs());
                    self.note(Deed::Delayed, name, None, from, Some(&detail));
                }
                Err(Denied::Wrong)
            }
        }
    }

    /// Whether an account has a second factor.
    pub(super) fn has_second(&self, name: &str) -> bool {
        let found = self.accounts.as_ref().and_then(|accounts| accounts.get(name).ok().flatten());
        found.is_some_and(|account| account.second.is_some())
    }

    /// Makes a secret for a second factor; gives it as it is typed and as an address. It holds until it is confirmed, for
    /// ten minutes, and in place of the one before.
    pub(super) fn offer_second(&self, name: &str) -> Option<(String, String)> {
        let fresh = Fresh::random()?;
        let told = fresh.told(name);
        let mut offered = lock(&self.fresh);
        offered.retain(|_, (_, made)| made.elapsed() < OFFER_TIME);
        offered.insert(name.to_owned(), (fresh, Instant::now()));
        Some(told)
    }

    /// Takes the secret that was offered; none where it was not, or too long ago.
    pub(super) fn offered_second(&self, name: &str) -> Option<Fresh> {
        let (fresh, made) = lock(&self.fresh).remove(name)?;
        (made.elapsed() < OFFER_TIME).then_some(fresh)
    }

    /// Puts one back whose code was another.
    pub(super) fn put_back_second(&self, name: &str, fresh: Fresh) {
        lock(&self.fresh).entry(name.to_owned()).or_insert((fresh, Instant::now()));
    }

    /// The session that a token stands for.
    pub(super) fn find(&self, token: &str, by_person: bool) -> Option<Standing> {
        let accounts = self.accounts.as_ref()?.all().ok()?;
        let valid = |name: &str| accounts.get(name).filter(|account| !account.locked).map(|account| account.generation);
        lock(&self.sessions).find(token, Instant::now(), by_person, valid)
    }

    pub(super) fn end(&self, standing: &Standing, from: &Whence) {
        lock(&self.sessions).end(standing);
        self.note(Deed::SignedOut, &standing.account, None, from, None);
    }

    pub(super) fn end_all(&self, account: &str, by: Option<&str>, from: &Whence) {
        lock(&self.sessions).end_all(account);
        self.note(Deed::SignedOut, account, by, from, Some("everywhere"));
    }

    pub(super) fn signed_in(&self, account: &str) -> usize {
        lock(&self.sessions).count(account, Instant::now())
    }

    /// Changes the accounts, off the runtime's threads.
    pub(super) async fn store<T: Send + 'static>(
        self: &Arc<Self>,
        change: impl FnOnce(&Accounts) -> Result<T, AccountError> + Send + 'static,
    ) -> Result<T, AccountError> {
        let this = Arc::clone(self);
        let failed = |why: String| AccountError::File { path: "accounts.json".into(), why };
        let _one = Arc::clone(&self.hashing).acquire_owned().await.map_err(|error| failed(error.to_string()))?;
        tokio::task::spawn_blocking(move || match &this.accounts {
            Some(accounts) => change(accounts),
            None => Err(failed("a host in memory keeps no accounts".to_owned())),
        })
        .await
        .map_err(|error| failed(error.to_string()))?
    }

    pub(crate) fn note(&self, deed: Deed, account: &str, by: Option<&str>, from: &Whence, detail: Option<&str>) {
        /// What somebody unknown may write into the record.
        const LONGEST: usize = 64;
        self.trail.note(&SignInRecord {
            time: Timestamp::now(),
            deed,
            account: account.chars().take(LONGEST).collect(),
            by: by.map(str::to_owned),
            address: from.address.clone(),
            forwarded: from.forwarded.clone(),
            detail: detail.map(str::to_owned),
        });
    }

    /// The cookie's name: over TLS with the prefix by which browsers hold it to this host alone.
    pub(super) fn cookie(&self, secure: bool) -> String {
        if secure { format!("__Host-{}", self.cookie) } else { self.cookie.clone() }
    }
}

/// Why there is no first admin.
pub(super) enum FirstError {
    Code,
    Account(AccountError),
}

/// A code without what people add to it in typing.
fn plain(code: &str) -> String {
    code.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
