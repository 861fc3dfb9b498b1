//! Passwords: argon2id (RFC 9106), and what one must be.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};

/// The fewest characters of a password.
pub const MIN_PASSWORD: usize = 12;

/// The most characters of a password: what is longer only costs time.
pub const MAX_PASSWORD: usize = 128;

/// The fewest different characters.
const MIN_DISTINCT: usize = 5;

/// Beginnings of what is guessed first, of those that are long enough to pass otherwise.
const COMMON: [&str; 14] = [
    "password",
    "passw0rd",
    "qwertyuiop",
    "1q2w3e4r5t",
    "123456789",
    "1234567890",
    "0123456789",
    "abcdefgh",
    "administrator",
    "letmein",
    "iloveyou",
    "woaini",
    "zxcvbnm",
    "huiyin",
];

/// Why a password is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// It is too short or too long.
    #[error("a password has {MIN_PASSWORD} to {MAX_PASSWORD} characters; this one has {0}")]
    Length(usize),
    /// It is easily guessed.
    #[error("this password is easily guessed ({0}); take several words that have nothing to do with each other")]
    Weak(&'static str),
    /// It is the one that is to be replaced.
    #[error("the new password is the old one; take another")]
    Same,
    /// It could not be hashed.
    #[error("the password could not be hashed: {0}")]
    Hash(String),
}

/// Whether a password may be one of this account.
///
/// Length and what is easily guessed count, not kinds of characters (NIST SP 800-63B-4, 3.1.1.2).
///
/// # Errors
/// Why not.
pub(super) fn check(account: &str, password: &str) -> Result<(), PasswordError> {
    let length = password.chars().count();
    if !(MIN_PASSWORD..=MAX_PASSWORD).contains(&length) {
        return Err(PasswordError::Length(length));
    }
    let plain = password.to_lowercase();
    let distinct: std::collections::BTreeSet<char> = plain.chars().collect();
    if distinct.len() < MIN_DISTINCT {
        return Err(PasswordError::Weak("the same few characters"));
    }
    if account.chars().count() >= 3 && plain.contains(&account.to_lowercase()) {
        return Err(PasswordError::Weak("it has the account's name in it"));
    }
    let rest = COMMON.iter().filter_map(|common| plain.strip_prefix(common));
    // A common beginning does not matter where enough comes after it.
    if rest.into_iter().any(|rest| rest.chars().count() < MIN_PASSWORD) {
        return Err(PasswordError::Weak("it begins like one of those that are tried first"));
    }
    Ok(())
}

/// The hash to be kept, as a PHC string.
///
/// # Errors
/// When the system gives no random salt.
pub(super) fn hash(password: &str) -> Result<String, PasswordError> {
    let hashed: Result<PasswordHash, _> = Argon2::default().hash_password(password.as_bytes());
    hashed.map(|hash| hash.to_string()).map_err(|error| PasswordError::Hash(error.to_string()))
}

/// Whether the password is that of the hash. What is longer than a password can be is not hashed at all.
pub(super) fn verify(password: &str, hash: &str) -> bool {
    if password.chars().count() > MAX_PASSWORD {
        return false;
    }
    PasswordHash::new(hash).is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

/// A hash that no password has, so that an unknown account takes as long as a known one.
pub(super) fn nobody() -> String {
    hash(&super::session::random_hex().unwrap_or_default()).unwrap_or_default()
}

/// A first password that a person can type: five groups of four letters and digits, none of them easily mixed up; 98
/// random bits.
///
/// # Errors
/// When the system gives no random bytes.
pub fn first_password() -> Result<String, PasswordError> {
    typed(5)
}

/// Groups of four letters and digits that a person can type; some 19 random bits each.
pub(super) fn typed(count: usize) -> Result<String, PasswordError> {
    const SIGNS: &[u8; 30] = b"abcdefghjkmnpqrstuvwxyz2345678";
    let mut groups = Vec::with_capacity(count);
    for _ in 0..count {
        let mut group = String::with_capacity(4);
        while group.len() < 4 {
            let mut byte = [0_u8];
            getrandom::fill(&mut byte).map_err(|error| PasswordError::Hash(error.to_string()))?;
            // 240 is the largest multiple of 30 below 256: what is above would favour the first signs.
            if let Some(sign) = (byte[0] < 240).then(|| SIGNS.get(usize::from(byte[0] % 30))).flatten() {
                group.push(char::from(*sign));
            }
        }
        groups.push(group);
    }
    Ok(groups.join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_long_and_not_easily_guessed() {
        for good in ["松柏常青 映山红 1949", "correct horse battery", "wu-yue-de-feng!", &"a1b2c3d4e5f6".repeat(10)]
        {
            assert_eq!(check("xu-ming", good), Ok(()), "{good}");
        }
        for (bad, why) in [
            ("short", "12 to 128"),
            (&"长".repeat(129), "12 to 128"),
            ("aaaaaaaaaaaaaaaa", "same few"),
            ("abababababababab", "same few"),
            ("Xu-Ming is my name", "account's name"),
            ("Password1234!", "tried first"),
            ("1234567890qw", "tried first"),
        ] {
            let said = check("xu-ming", bad).unwrap_err().to_string();
            assert!(said.contains(why), "{bad}: {said}");
        }
    }

    #[test]
    fn a_hash_is_argon2id_and_of_one_password() {
        let kept = hash("correct horse battery").unwrap();
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
        assert_ne!(kept, hash("correct horse battery").unwrap(), "each has a salt of its own");
        assert!(verify("correct horse battery", &kept));
        assert!(!verify("correct horse batterz", &kept) && !verify("", &kept) && !verify("x", "no hash"));
        assert!(!verify(&"长".repeat(100_000), &kept));
        assert!(nobody().starts_with("$argon2id$"));
    }

    #[test]
    fn first_passwords_pass_and_differ() {
        let (one, other) = (first_password().unwrap(), first_password().unwrap());
        assert_ne!(one, other);
        assert_eq!(one.len(), 24);
        assert_eq!(check("xu-ming", &one), Ok(()));
    }
}
