//! `secrets`: used for the plugin, never shown to it.
//!
//! The guest gets a random word that means nothing outside this one call; the
//! egress puts the value in its place in a header, and where the grant says so
//! in the query or the body, and only on the way to a granted place. Where a
//! place echoes it, the guest finds its own random word again. Values are wiped
//! from memory when the call ends.
//!
//! Two usual ways of signing want the secret elsewhere than as the key alone:
//! within the signed text (the word of that same secret stands there), and at
//! the end of a key that begins with a time (the key's name is that text and
//! the word). Both are done here, so that no guest needs the value.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use hmac::{Hmac, KeyInit, Mac};
use zeroize::Zeroizing;

use super::wit::huiyin::plugin::secrets as wit;
use crate::effect::Guest;
use crate::egress::{Refusal, Scrubber};

/// A secret's value: wiped when it is dropped, and never shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretValue(Zeroizing<Vec<u8>>);

impl SecretValue {
    /// The value itself. Whoever takes it answers for every copy.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl From<Vec<u8>> for SecretValue {
    fn from(value: Vec<u8>) -> Self {
        Self(Zeroizing::new(value))
    }
}

impl From<Zeroizing<Vec<u8>>> for SecretValue {
    fn from(value: Zeroizing<Vec<u8>>) -> Self {
        Self(value)
    }
}

impl std::fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretValue(…)")
    }
}

/// Where secrets come from.
pub trait SecretSource: Send + Sync {
    /// The value of the secret, none where there is none of that name.
    fn secret(&self, name: &str) -> Option<SecretValue>;
}

/// Has no secrets.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoSecrets;

impl SecretSource for NoSecrets {
    fn secret(&self, _name: &str) -> Option<SecretValue> {
        None
    }
}

/// `huiyin-secret-` and 32 hexadecimal digits.
const PREFIX: &str = "huiyin-secret-";
const TOKEN: usize = PREFIX.len() + 32;

/// The most that may stand before a secret in a key, in bytes.
const KEY_PREFIX: usize = 64;

struct Held {
    name: String,
    value: SecretValue,
}

/// The placeholders of one call and what they stand for.
#[derive(Default)]
pub(crate) struct SecretBox {
    held: Mutex<HashMap<String, Held>>,
}

impl SecretBox {
    /// The placeholder for a secret: the same for the whole call.
    fn placeholder(&self, name: &str, source: &Arc<dyn SecretSource>) -> Result<String, String> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((token, _)) = held.iter().find(|(_, held)| held.name == name) {
            return Ok(token.clone());
        }
        let value = source
            .secret(name)
            .ok_or_else(|| format!("the secret `{name}` is granted but has no value on this host"))?;
        let mut random = [0_u8; 16];
        getrandom::fill(&mut random).map_err(|error| error.to_string())?;
        let token = format!("{PREFIX}{}", hex::encode(random));
        held.insert(token.clone(), Held { name: name.to_owned(), value });
        Ok(token)
    }

    /// Takes every value of this call out of what comes back; none where the
    /// call holds none.
    pub(crate) fn scrubber(&self) -> Option<Arc<Scrubber>> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let mut scrubber = Scrubber::default();
        for (token, secret) in held.iter() {
            scrubber.add(secret.value.expose(), token);
        }
        (!scrubber.is_empty()).then(|| Arc::new(scrubber))
    }

    /// Puts `{{huiyin:secret:NAME}}` in the place of every value and placeholder of this call.
    pub(crate) fn names(&self) -> Scrubber {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let mut scrubber = Scrubber::default();
        for (token, secret) in held.iter() {
            let name = format!("{{{{huiyin:secret:{}}}}}", secret.name);
            scrubber.add(secret.value.expose(), &name);
            scrubber.add(token.as_bytes(), &name);
        }
        scrubber
    }

    /// Whether the call holds a secret.
    pub(crate) fn is_empty(&self) -> bool {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// The header value with every placeholder replaced, and the names of the
    /// secrets used added to `used`; none where there is no placeholder.
    pub(crate) fn fill(&self, value: &[u8], used: &mut HashSet<String>) -> Option<Zeroizing<Vec<u8>>> {
        self.fill_as(value, used, |value| Zeroizing::new(value.to_vec()))
    }

    /// The same, each value written as `spell` does.
    pub(crate) fn fill_as(
        &self,
        value: &[u8],
        used: &mut HashSet<String>,
        spell: impl Fn(&[u8]) -> Zeroizing<Vec<u8>>,
    ) -> Option<Zeroizing<Vec<u8>>> {
        let mark = PREFIX.as_bytes();
        if !value.windows(mark.len()).any(|window| window == mark) {
            return None;
        }
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let mut filled = Zeroizing::new(Vec::with_capacity(value.len() * 2));
        let mut rest = value;
        let mut found = false;
        while !rest.is_empty() {
            let secret = rest
                .get(..TOKEN)
                .filter(|token| token.starts_with(mark))
                .and_then(|token| std::str::from_utf8(token).ok())
                .and_then(|token| held.get(token));
            if let Some(secret) = secret {
                filled.extend_from_slice(&spell(secret.value.expose()));
                used.insert(secret.name.clone());
                found = true;
                rest = &rest[TOKEN..];
            } else {
                filled.push(rest[0]);
                rest = &rest[1..];
            }
        }
        found.then_some(filled)
    }

    /// Where a text ends with a placeholder of this call: what stands before it, and the secret's name.
    fn key<'a>(&self, text: &'a str) -> Option<(&'a str, String)> {
        let (prefix, token) = text.split_at_checked(text.len().checked_sub(TOKEN)?)?;
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.get(token).map(|held| (prefix, held.name.clone()))
    }

    /// The bytes with each placeholder of this one secret replaced by its value.
    fn fill_own(&self, bytes: Vec<u8>, name: &str) -> Zeroizing<Vec<u8>> {
        let own = {
            let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
            held.iter().find(|(_, held)| held.name == name).map(|(token, held)| (token.clone(), held.value.clone()))
        };
        let Some((token, value)) = own else { return Zeroizing::new(bytes) };
        let mut filled = Zeroizing::new(Vec::with_capacity(bytes.len() + value.expose().len()));
        let mut rest = &bytes[..];
        while let Some(at) = memchr::memmem::find(rest, token.as_bytes()) {
            filled.extend_from_slice(&rest[..at]);
            filled.extend_from_slice(value.expose());
            rest = &rest[at + token.len()..];
        }
        filled.extend_from_slice(rest);
        filled
    }
}

fn sign<M: Mac + KeyInit>(key: &[u8], bytes: &[u8]) -> Option<Vec<u8>> {
    let mut mac = <M as KeyInit>::new_from_slice(key).ok()?;
    mac.update(bytes);
    Some(mac.finalize().into_bytes().to_vec())
}

impl Guest {
    fn allow_secret(&self, name: &str) -> Result<(), wit::Error> {
        self.effective.secret(name).map_err(|denial| {
            let text = denial.to_string();
            self.traffic.refuse(Refusal::Denied(denial));
            wit::Error::Denied(text)
        })
    }
}

impl wit::Host for Guest {
    fn placeholder(&mut self, name: String) -> Result<String, wit::Error> {
        self.allow_secret(&name)?;
        self.secret_box.placeholder(&name, &self.secret_source).map_err(wit::Error::Unsupported)
    }

    fn hmac(&mut self, name: String, algorithm: wit::Algorithm, bytes: Vec<u8>) -> Result<Vec<u8>, wit::Error> {
        let (prefix, name) = self.secret_box.key(&name).unwrap_or(("", name.clone()));
        self.allow_secret(&name)?;
        if prefix.len() > KEY_PREFIX {
            return Err(wit::Error::Unsupported(format!(
                "{} bytes stand before the secret in the key, {KEY_PREFIX} are allowed",
                prefix.len()
            )));
        }
        let value = self.secret_source.secret(&name).ok_or_else(|| {
            wit::Error::Unsupported(format!("the secret `{name}` is granted but has no value on this host"))
        })?;
        let mut key = Zeroizing::new(prefix.as_bytes().to_vec());
        key.extend_from_slice(value.expose());
        let bytes = self.secret_box.fill_own(bytes, &name);
        match algorithm {
            wit::Algorithm::HmacSha256 => sign::<Hmac<sha2::Sha256>>(&key, &bytes),
            wit::Algorithm::HmacSha512 => sign::<Hmac<sha2::Sha512>>(&key, &bytes),
        }
        .ok_or_else(|| wit::Error::Unsupported("the secret cannot be a key".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct One;
    impl SecretSource for One {
        fn secret(&self, name: &str) -> Option<SecretValue> {
            (name == "token").then(|| b"s3cret".to_vec().into())
        }
    }

    #[test]
    fn a_placeholder_is_replaced_wherever_it_stands_and_nothing_else_is() {
        let source: Arc<dyn SecretSource> = Arc::new(One);
        let secrets = SecretBox::default();
        let token = secrets.placeholder("token", &source).unwrap();
        assert!(!token.contains("s3cret"));
        assert_eq!(secrets.placeholder("token", &source).unwrap(), token);
        let mut used = HashSet::new();
        let value = format!("Bearer {token}, again {token}");
        let filled = secrets.fill(value.as_bytes(), &mut used).unwrap();
        assert_eq!(filled.as_slice(), b"Bearer s3cret, again s3cret");
        assert!(used.contains("token"));

        let mut used = HashSet::new();
        let forged = format!("{PREFIX}{}", "0".repeat(32));
        for plain in ["Bearer abc", &forged, PREFIX, &token[..TOKEN - 1]] {
            assert!(secrets.fill(plain.as_bytes(), &mut used).is_none(), "{plain}");
        }
        assert!(used.is_empty());
        assert!(secrets.placeholder("other", &source).is_err());
    }

    #[test]
    fn a_key_ends_with_the_secret_and_a_signed_text_holds_only_its_own() {
        struct Two;
        impl SecretSource for Two {
            fn secret(&self, name: &str) -> Option<SecretValue> {
                Some(format!("value of {name}").into_bytes().into())
            }
        }
        let source: Arc<dyn SecretSource> = Arc::new(Two);
        let secrets = SecretBox::default();
        assert_eq!(secrets.key("sign"), None);
        let token = secrets.placeholder("sign", &source).unwrap();
        let other = secrets.placeholder("other", &source).unwrap();
        assert_eq!(secrets.key(&token), Some(("", "sign".to_owned())));
        assert_eq!(secrets.key(&format!("1599360473\n{token}")), Some(("1599360473\n", "sign".to_owned())));
        for plain in [format!("{token}."), token[1..].to_owned(), "回".repeat(20), String::new()] {
            assert_eq!(secrets.key(&plain), None, "{plain}");
        }
        let signed = secrets.fill_own(format!("1\n{token}{other}{token}").into_bytes(), "sign");
        assert_eq!(signed.as_slice(), format!("1\nvalue of sign{other}value of sign").as_bytes());
        assert_eq!(secrets.fill_own(b"x".to_vec(), "nobody").as_slice(), b"x");
    }
}
