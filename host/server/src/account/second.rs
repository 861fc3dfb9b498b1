//! The second factor: codes by the time (TOTP, RFC 6238), six digits, a new one every thirty seconds, with the one before
//! and the one after counting, too. A code counts once.
//!
//! The secret that phone and host share is sealed in a vault of its own ([`Vault::of_accounts`]), which no workflow and no
//! plugin reaches; beside the account lie the hashes of the recovery codes, each of which counts once, too.

use std::path::Path;

use huiyin_secrets::vault::{Vault, VaultError};
use jiff::Timestamp;
use ring::hmac;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::password::{PasswordError, typed};

/// Seconds that a code stands for.
const STEP: u64 = 30;

/// Digits of a code.
const DIGITS: usize = 6;

/// Bytes of a secret: as many as the hash has, which RFC 4226 (4, R6) recommends.
const BYTES: usize = 20;

/// Recovery codes that are made at once.
const RECOVERY: usize = 10;

/// Groups of a recovery code: 117 random bits, so that a plain hash will do (OWASP ASVS 5.0, 6.5.2).
const GROUPS: usize = 6;

/// Who gives out the codes, as a phone shows it.
const ISSUER: &str = "Huiyin";

/// What is kept of a second factor beside the account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Second {
    /// Since when it is asked for.
    pub since: Timestamp,
    /// The latest code that counted, by the number of its thirty seconds since 1970: neither it nor one before it counts again.
    last: u64,
    /// SHA-256 of the recovery codes that are left, hex: of 117 random bits each, which nobody guesses from it.
    recovery: Vec<String>,
}

/// A code that was right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Right {
    /// Of the phone.
    Code,
    /// A recovery code; so many are left.
    Recovery(usize),
}

/// A secret that is not confirmed yet.
pub(super) struct Fresh {
    secret: Zeroizing<Vec<u8>>,
}

/// The code of a step: HOTP (RFC 4226, 5.3) of its number, by HMAC-SHA-1 as every phone has it.
fn code_of(secret: &[u8], step: u64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let bytes = tag.as_ref();
    let at = usize::from(bytes.last().copied().unwrap_or_default() & 0xf);
    let mut part = [0; 4];
    for (to, from) in part.iter_mut().zip(bytes.iter().skip(at)) {
        *to = *from;
    }
    let number = u32::from_be_bytes(part) & 0x7fff_ffff;
    format!("{:0DIGITS$}", number % 10_u32.pow(DIGITS as u32))
}

/// Base32 (RFC 4648), as authenticators take it: without padding.
fn base32(bytes: &[u8]) -> String {
    const SIGNS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let (mut out, mut held, mut bits) = (String::new(), 0_u32, 0);
    for byte in bytes {
        held = (held << 8) | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            out.extend(SIGNS.get(((held >> bits) & 31) as usize).copied().map(char::from));
        }
    }
    if bits > 0 {
        out.extend(SIGNS.get(((held << (5 - bits)) & 31) as usize).copied().map(char::from));
    }
    out
}

impl Fresh {
    /// Makes one.
    pub(super) fn random() -> Option<Fresh> {
        let mut secret = Zeroizing::new(vec![0; BYTES]);
        getrandom::fill(&mut secret).ok()?;
        Some(Fresh { secret })
    }

    /// The secret as it is typed, and as the address that a phone reads.
    pub(super) fn told(&self, account: &str) -> (String, String) {
        let secret = base32(&self.secret);
        let label = percent_encoding::utf8_percent_encode(account, percent_encoding::NON_ALPHANUMERIC);
        let uri = format!(
            "otpauth://totp/{ISSUER}:{label}?secret={secret}&issuer={ISSUER}&algorithm=SHA1&digits={DIGITS}&period={STEP}"
        );
        (secret, uri)
    }

    /// What is kept once a code shows that the phone has it, with the recovery codes; none where the code is another.
    pub(super) fn confirmed(&self, code: &str, now: Timestamp) -> Result<Option<(Second, Vec<String>)>, PasswordError> {
        let Some(last) = step_of(&self.secret, code, now, 0) else { return Ok(None) };
        let codes = (0..RECOVERY).map(|_| typed(GROUPS)).collect::<Result<Vec<_>, _>>()?;
        let recovery = codes.iter().map(|code| hash(code)).collect();
        Ok(Some((Second { since: now, last, recovery }, codes)))
    }

    /// Seals it.
    pub(super) fn keep(&self, folder: &Path, account: &str, now: Timestamp) -> Result<(), VaultError> {
        Vault::of_accounts(folder).set(&name(account), &self.secret.to_vec().into(), now).map(drop)
    }
}

impl Second {
    /// Whether a code is right, and has not counted yet. It does from now on, once this is kept.
    pub(super) fn take(
        &mut self,
        folder: &Path,
        account: &str,
        code: &str,
        now: Timestamp,
    ) -> Result<Option<Right>, VaultError> {
        let offered = hash(code);
        let found = self.recovery.iter().position(|kept| bool::from(kept.as_bytes().ct_eq(offered.as_bytes())));
        if let Some(at) = found {
            self.recovery.remove(at);
            return Ok(Some(Right::Recovery(self.recovery.len())));
        }
        let Some(secret) = Vault::of_accounts(folder).get(&name(account))? else {
            return Err(VaultError::Missing(format!("second factor of {account}")));
        };
        let step = step_of(secret.expose(), code, now, self.last + 1);
        if let Some(step) = step {
            self.last = step;
        }
        Ok(step.map(|_| Right::Code))
    }
}

/// Forgets the secret of an account, if it has one.
pub(super) fn forget(folder: &Path, account: &str) -> Result<(), VaultError> {
    match Vault::of_accounts(folder).remove(&name(account)) {
        Err(VaultError::Missing(_)) => Ok(()),
        done => done,
    }
}

/// The thirty seconds of which this is the code, none of them before `from`.
fn step_of(secret: &[u8], code: &str, now: Timestamp, from: u64) -> Option<u64> {
    let code = plain(code);
    let step = u64::try_from(now.as_second()).ok()? / STEP;
    let mut found = None;
    for step in step.saturating_sub(1)..=step + 1 {
        let right = bool::from(code_of(secret, step).as_bytes().ct_eq(code.as_bytes()));
        if right && step >= from {
            found = Some(step);
        }
    }
    found
}

fn hash(code: &str) -> String {
    hex::encode(Sha256::digest(plain(code).as_bytes()))
}

/// A code without what people add to it in typing.
fn plain(code: &str) -> String {
    code.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// What the secret of an account is called in the vault, whose names are short and ASCII.
fn name(account: &str) -> String {
    hex::encode(&Sha256::digest(format!("second factor of {account}"))[..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_counts_once_and_so_does_each_recovery_code() {
        let folder = tempfile::tempdir().unwrap();
        let fresh = Fresh::random().unwrap();
        let now: Timestamp = "2026-03-01T00:00:10Z".parse().unwrap();
        let code = |seconds: i64| code_of(&fresh.secret, (now.as_second() + seconds) as u64 / STEP);
        assert!(fresh.confirmed("000 00", now).unwrap().is_none());
        let (mut second, codes) = fresh.confirmed(&code(0), now).unwrap().unwrap();
        fresh.keep(folder.path(), "许明", now).unwrap();
        let mut take = |code: &str| second.take(folder.path(), "许明", code, now).unwrap();
        assert_eq!(take(&code(0)), None, "the code that confirmed it has counted");
        assert_eq!(take(&code(-30)), None, "nor does one before");
        assert_eq!(take(&code(60)), None, "nor one that is too early");
        let next = code(30);
        assert_eq!(take(&format!("{} {}", &next[..3], &next[3..])), Some(Right::Code));
        assert_eq!(take(&next), None);
        assert_eq!(take(&codes[0].to_uppercase()), Some(Right::Recovery(9)));
        assert_eq!(take(&codes[0]), None);
        let kept = std::fs::read_to_string(folder.path().join("secrets/accounts.json")).unwrap();
        assert!(!kept.contains(&base32(&fresh.secret)) && !kept.contains("许明"));
        forget(folder.path(), "许明").unwrap();
        forget(folder.path(), "许明").unwrap();
        assert!(second.take(folder.path(), "许明", &code(30), now).is_err());
    }

    #[test]
    fn a_secret_is_written_as_rfc_4648_writes_it() {
        for (bytes, text) in [("", ""), ("f", "MY"), ("fo", "MZXQ"), ("foo", "MZXW6"), ("foobar", "MZXW6YTBOI")] {
            assert_eq!(base32(bytes.as_bytes()), text);
        }
    }

    #[test]
    fn the_codes_are_those_of_rfc_6238() {
        // Appendix B, cut to six digits.
        let secret = b"12345678901234567890";
        for (second, code) in [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")] {
            let now = Timestamp::from_second(second).unwrap();
            assert_eq!(step_of(secret, code, now, 0), Some(second as u64 / STEP));
        }
    }
}
