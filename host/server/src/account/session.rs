//! Sessions: who is signed in, until when. They are in memory only: a restart
//! of the host signs everybody out.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;

/// Without a request of the person a session ends after so long.
pub(crate) const IDLE: Duration = Duration::from_mins(30);

/// However busy, a session ends after so long.
pub(crate) const ABSOLUTE: Duration = Duration::from_hours(12);

/// Sessions of one account; the longest unused ends for another.
const PER_ACCOUNT: usize = 16;

/// Sessions in all; beyond it nobody can sign in until some end.
const MOST: usize = 20_000;

/// Random bytes of a token.
const BYTES: usize = 32;

/// What a request learns of the session it comes by.
#[derive(Debug, Clone)]
pub(crate) struct Standing {
    /// The account's name.
    pub(crate) account: String,
    /// `person:<id>` or `admin:<name>`.
    pub(crate) actor: String,
    /// A first password has to be changed before anything else.
    pub(crate) must_change: bool,
    /// Cancelled when the session ends: streams end with it.
    pub(crate) over: CancellationToken,
    /// When it ends however busy it is.
    pub(crate) ends: Timestamp,
    key: Key,
}

/// SHA-256 of a token: the token itself is not kept.
type Key = [u8; 32];

#[derive(Debug)]
struct Held {
    account: String,
    actor: String,
    /// Of the account when this began; a session of an older one is over.
    generation: u64,
    must_change: bool,
    began: Instant,
    seen: Instant,
    ends: Timestamp,
    over: CancellationToken,
}

impl Held {
    fn is_over(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.seen) >= IDLE || now.saturating_duration_since(self.began) >= ABSOLUTE
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.over.cancel();
    }
}

/// Why nobody can sign in.
#[derive(Debug, thiserror::Error)]
pub(super) enum Full {
    #[error("too many are signed in")]
    Sessions,
    #[error("the system gives no random bytes")]
    Random,
}

/// The sessions of a host.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    held: HashMap<Key, Held>,
}

/// 256 random bits as hex.
pub(super) fn random_hex() -> Option<String> {
    let mut random = [0; BYTES];
    getrandom::fill(&mut random).ok()?;
    Some(hex::encode(random))
}

fn key(token: &str) -> Key {
    Sha256::digest(token.as_bytes()).into()
}

/// Whom a session is for.
pub(super) struct Whose<'a> {
    pub(super) account: &'a str,
    pub(super) actor: &'a str,
    pub(super) generation: u64,
    pub(super) must_change: bool,
}

impl Sessions {
    /// Begins a session under a fresh token, which is given once and not kept.
    pub(super) fn begin(&mut self, whose: &Whose<'_>, now: Instant) -> Result<String, Full> {
        self.held.retain(|_, held| !held.is_over(now));
        if self.held.len() >= MOST {
            return Err(Full::Sessions);
        }
        let own: Vec<(Key, Instant)> = self
            .held
            .iter()
            .filter(|(_, held)| held.account == whose.account)
            .map(|(key, held)| (*key, held.seen))
            .collect();
        if own.len() >= PER_ACCOUNT
            && let Some((oldest, _)) = own.iter().min_by_key(|(_, seen)| *seen)
        {
            self.held.remove(oldest);
        }
        let token = random_hex().ok_or(Full::Random)?;
        let ends = Timestamp::now() + jiff::SignedDuration::from_secs(ABSOLUTE.as_secs() as i64);
        let held = Held {
            account: whose.account.to_owned(),
            actor: whose.actor.to_owned(),
            generation: whose.generation,
            must_change: whose.must_change,
            began: now,
            seen: now,
            ends,
            over: CancellationToken::new(),
        };
        self.held.insert(key(&token), held);
        Ok(token)
    }

    /// The session of a token, if there is one that is not over. `generation` says of an account which one is valid;
    /// none where there is no such account any more. `by_person`: the request is a person's doing, and not a page that
    /// keeps itself up to date.
    pub(super) fn find(
        &mut self,
        token: &str,
        now: Instant,
        by_person: bool,
        generation: impl FnOnce(&str) -> Option<u64>,
    ) -> Option<Standing> {
        let key = key(token);
        let held = self.held.get_mut(&key)?;
        if held.is_over(now) || generation(&held.account) != Some(held.generation) {
            self.held.remove(&key);
            return None;
        }
        if by_person {
            held.seen = now;
        }
        Some(Standing {
            account: held.account.clone(),
            actor: held.actor.clone(),
            must_change: held.must_change,
            over: held.over.clone(),
            ends: held.ends,
            key,
        })
    }

    /// Ends one session.
    pub(super) fn end(&mut self, standing: &Standing) {
        self.held.remove(&standing.key);
    }

    /// Ends whatever a token stands for: at sign-in the browser's old session is not kept beside the new one.
    pub(super) fn end_token(&mut self, token: &str) {
        self.held.remove(&key(token));
    }

    /// Ends all of an account.
    pub(super) fn end_all(&mut self, account: &str) {
        self.held.retain(|_, held| held.account != account);
    }

    /// How many there are of an account.
    pub(super) fn count(&mut self, account: &str, now: Instant) -> usize {
        self.held.retain(|_, held| !held.is_over(now));
        self.held.values().filter(|held| held.account == account).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whose(account: &str) -> Whose<'_> {
        Whose { account, actor: "person:xu-ming", generation: 1, must_change: false }
    }

    #[test]
    fn a_session_ends_when_idle_and_at_the_end_of_its_time() {
        let (mut sessions, began) = (Sessions::default(), Instant::now());
        let token = sessions.begin(&whose("xu-ming"), began).unwrap();
        let other = sessions.begin(&whose("xu-ming"), began).unwrap();
        assert!(token.len() == 64 && token != other);
        let find = |sessions: &mut Sessions, token: &str, at, by| sessions.find(token, at, by, |_| Some(1));
        let minute = Duration::from_mins(1);
        assert!(find(&mut sessions, &token, began + 29 * minute, true).is_some());
        // A page that keeps itself up to date keeps no session alive.
        let over = find(&mut sessions, &token, began + 58 * minute, false).unwrap().over;
        assert!(find(&mut sessions, &token, began + 59 * minute, false).is_none());
        assert!(over.is_cancelled(), "what streams is told");
        let mut at = began;
        let busy = sessions.begin(&whose("gao-yuan"), began).unwrap();
        while at + minute < began + ABSOLUTE {
            at += minute;
            assert!(find(&mut sessions, &busy, at, true).is_some());
        }
        assert!(find(&mut sessions, &busy, began + ABSOLUTE, true).is_none());
        assert!(find(&mut sessions, "", began, true).is_none());
    }

    #[test]
    fn a_changed_account_ends_its_sessions() {
        let (mut sessions, now) = (Sessions::default(), Instant::now());
        for later in [Some(2), None] {
            let token = sessions.begin(&whose("xu-ming"), now).unwrap();
            assert!(sessions.find(&token, now, true, |_| later).is_none());
            assert!(sessions.find(&token, now, true, |_| Some(1)).is_none(), "it stays over");
        }
        let (mine, others) = (sessions.begin(&whose("a"), now).unwrap(), sessions.begin(&whose("b"), now).unwrap());
        sessions.end_all("a");
        assert!(sessions.find(&mine, now, true, |_| Some(1)).is_none());
        assert!(sessions.find(&others, now, true, |_| Some(1)).is_some());
    }

    #[test]
    fn an_account_has_so_many_and_the_longest_unused_gives_way() {
        let (mut sessions, now) = (Sessions::default(), Instant::now());
        let tokens: Vec<String> = (0..=PER_ACCOUNT as u64)
            .map(|at| sessions.begin(&whose("a"), now + Duration::from_secs(at)).unwrap())
            .collect();
        assert_eq!(sessions.count("a", now), PER_ACCOUNT);
        assert!(sessions.find(&tokens[0], now, true, |_| Some(1)).is_none());
        assert!(sessions.find(&tokens[1], now, true, |_| Some(1)).is_some());
    }
}
