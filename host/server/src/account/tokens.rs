//! API tokens: what a program bears in a person's name. Each is of one person, holds within one unit and those below
//! it, only reads or may act, and ends. In `api-tokens.json` of the data folder lies its hash; the token itself is told
//! once, to who made it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::kept::{Kept, KeptError, Names};
use super::session::random_hex;

const NAMES: Names =
    Names { file: "api-tokens.json", lock: "api-tokens.lock", format: "huiyin.api-tokens.v1", member: "tokens" };

/// What a token begins with, so that a search for secrets finds it.
pub const TOKEN_PREFIX: &str = "hyt-";

/// Hex digits of a token's id.
const ID: usize = 12;

/// The most tokens.
const MOST: usize = 1_000;

/// The longest that a token holds, in days.
pub const MAX_TOKEN_DAYS: u64 = 366;

/// What the bearer may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TokenScope {
    /// Read only.
    Read,
    /// Whatever the person may do.
    Act,
}

/// A token as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiToken {
    /// The person's id in the policy pack.
    pub person: String,
    /// The unit within which it holds, with those below it.
    pub unit: String,
    /// What the bearer may do.
    pub scope: TokenScope,
    /// SHA-256 of the token, hex: of 256 random bits, which nobody guesses from it.
    hash: String,
    /// Who made it.
    pub by: String,
    /// Since when it holds.
    pub added: Timestamp,
    /// Until when.
    pub expires: Timestamp,
}

/// Why a token is not what was asked.
#[derive(Debug, thiserror::Error)]
pub enum TokensError {
    /// A person or unit without a name.
    #[error("name the person and the unit of the policy pack for whom the token is")]
    Nameless,
    /// It would hold too long, or not at all.
    #[error("a token holds for 1 to {MAX_TOKEN_DAYS} days")]
    Days,
    /// There is none.
    #[error("there is no token `{0}`; `huiyin token list` shows those there are")]
    Missing(String),
    /// There are too many.
    #[error("there are {MOST} tokens, more are not kept; revoke some")]
    Many,
    /// The system gives no random bytes.
    #[error("the system gives no random bytes")]
    Random,
    /// The file cannot be used.
    #[error("{}: {why}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        why: String,
    },
}

impl TokensError {
    /// True when what was asked is at fault, not the store.
    pub fn is_input(&self) -> bool {
        !matches!(self, Self::File { .. } | Self::Random)
    }
}

impl From<KeptError> for TokensError {
    fn from(KeptError { path, why }: KeptError) -> TokensError {
        TokensError::File { path, why }
    }
}

/// Whose a new token is, and what it may.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// The person's id in the policy pack.
    pub person: String,
    /// The unit within which it holds.
    pub unit: String,
    /// What the bearer may do.
    pub scope: TokenScope,
    /// For how long.
    pub days: u64,
    /// Who makes it.
    pub by: String,
}

/// The tokens of a data folder.
#[derive(Debug)]
pub struct Tokens(Kept<ApiToken>);

impl Tokens {
    /// Those of a data folder.
    pub fn of(folder: &Path) -> Tokens {
        Tokens(Kept::of(folder, NAMES))
    }

    /// All of them by id, those that have ended, too.
    ///
    /// # Errors
    /// When the file cannot be read, may be read by others, or is none of ours.
    pub fn all(&self) -> Result<Arc<BTreeMap<String, ApiToken>>, TokensError> {
        Ok(self.0.all()?)
    }

    /// Makes a token; gives its id and, this once, the token.
    ///
    /// # Errors
    /// When what is asked is no token, there are too many, or the file cannot be written.
    pub fn create(&self, new: NewToken) -> Result<(String, String, ApiToken), TokensError> {
        let NewToken { person, unit, scope, days, by } = new;
        if person.trim().is_empty() || unit.trim().is_empty() {
            return Err(TokensError::Nameless);
        }
        if days == 0 || days > MAX_TOKEN_DAYS {
            return Err(TokensError::Days);
        }
        let secret = random_hex().ok_or(TokensError::Random)?;
        let id = random_hex().ok_or(TokensError::Random)?[..ID].to_owned();
        let token = format!("{TOKEN_PREFIX}{id}-{secret}");
        let added = Timestamp::now();
        let expires = added + jiff::SignedDuration::from_hours(24 * days as i64);
        let kept = ApiToken { person, unit, scope, hash: hash(&token), by, added, expires };
        let entry = kept.clone();
        self.0.change(|all| {
            // What ended long ago makes place.
            all.retain(|_, kept| kept.expires + jiff::SignedDuration::from_hours(24 * 30) > added);
            if all.len() >= MOST {
                return Err(TokensError::Many);
            }
            all.insert(id.clone(), entry);
            Ok(())
        })?;
        Ok((id, token, kept))
    }

    /// Ends a token.
    ///
    /// # Errors
    /// When there is none of that id, or the file cannot be written.
    pub fn revoke(&self, id: &str) -> Result<ApiToken, TokensError> {
        self.0.change(|all| all.remove(id).ok_or_else(|| TokensError::Missing(id.to_owned())))
    }

    /// The token that somebody bears, with its id, if there is one that holds at that time.
    pub(crate) fn find(&self, offered: &str, now: Timestamp) -> Option<(String, ApiToken)> {
        let id = offered.strip_prefix(TOKEN_PREFIX)?.get(..ID)?;
        let all = self.all().ok()?;
        let kept = all.get(id)?;
        let right = bool::from(kept.hash.as_bytes().ct_eq(hash(offered).as_bytes()));
        (right && now < kept.expires).then(|| (id.to_owned(), kept.clone()))
    }
}

fn hash(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(days: u64) -> NewToken {
        NewToken {
            person: "gao-yuan".to_owned(),
            unit: "qingfeng".to_owned(),
            scope: TokenScope::Read,
            days,
            by: "machine".to_owned(),
        }
    }

    #[test]
    fn a_token_is_told_once_kept_as_a_hash_and_ends() {
        let folder = tempfile::tempdir().unwrap();
        let (host, machine) = (Tokens::of(folder.path()), Tokens::of(folder.path()));
        let (id, token, kept) = machine.create(new(30)).unwrap();
        let text = std::fs::read_to_string(folder.path().join(NAMES.file)).unwrap();
        let secret = token.rsplit('-').next().unwrap();
        assert!(secret.len() == 64 && !text.contains(secret) && text.contains(&id));
        let now = Timestamp::now();
        assert_eq!(host.find(&token, now), Some((id.clone(), kept.clone())));
        assert_eq!(host.find(&token, kept.expires), None);
        for wrong in ["", "hyt-", &token[..token.len() - 1], &format!("{token}0"), &token[TOKEN_PREFIX.len()..]] {
            assert_eq!(host.find(wrong, now), None, "{wrong}");
        }
        let other = token.replace(&secret[..8], "00000000");
        assert_eq!(host.find(&other, now), None);
        machine.revoke(&id).unwrap();
        assert_eq!(host.find(&token, now), None);
        assert!(matches!(machine.revoke(&id), Err(TokensError::Missing(_))));
    }

    #[test]
    fn a_token_has_its_time_and_its_names() {
        let folder = tempfile::tempdir().unwrap();
        let tokens = Tokens::of(folder.path());
        assert!(matches!(tokens.create(new(0)), Err(TokensError::Days)));
        assert!(matches!(tokens.create(new(MAX_TOKEN_DAYS + 1)), Err(TokensError::Days)));
        assert!(matches!(tokens.create(NewToken { unit: " ".to_owned(), ..new(1) }), Err(TokensError::Nameless)));
        assert!(tokens.all().unwrap().is_empty());
    }
}
