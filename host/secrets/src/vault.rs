//! The vault: secrets at rest, each sealed with AES-256-GCM-SIV (RFC 8452)
//! under a key that lies in a file of its own, apart from them.
//!
//! | file | holds |
//! |---|---|
//! | `secrets/vault.json` | names, when they were set, sealed values |
//! | `keys/secrets.key` | the key, one line; two while it is being replaced |
//! | `secrets/accounts.json`, `keys/accounts.key` | the same of what accounts have, apart: nothing that runs reaches it |
//!
//! A sealed value is bound to its name: moved under another it does not open.
//! Values and keys are in memory only while they are used, and wiped after.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use aes_gcm_siv::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm_siv::{Aes256GcmSiv, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use huiyin_sandbox::SecretValue;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// The longest value, in bytes.
pub const MAX_VALUE: usize = 64 << 10;

/// The most secrets that a vault keeps.
const MAX_SECRETS: usize = 10_000;

const MAX_FILE: u64 = 1 << 30;
const KEY_LABEL: &str = "huiyin-secret-key-1";
const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 12;
/// What a sealed value is bound to, before its name.
const BOUND: &[u8] = b"huiyin secret v1\0";

/// Why the vault does not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The name is no name.
    #[error("`{0}` is no name of a secret; write 1 to 64 letters, digits or -_. of ASCII")]
    Name(String),
    /// The value cannot be kept.
    #[error("the value {0}")]
    Value(&'static str),
    /// There is none of that name.
    #[error("there is no secret `{0}`; `huiyin secret list` shows those there are")]
    Missing(String),
    /// A file of the vault cannot be used.
    #[error("{}: {why}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// Somebody else is changing it.
    #[error("{}: another `huiyin secret` is changing the vault; try again", .0.display())]
    Busy(PathBuf),
}

impl VaultError {
    /// True when what was asked is at fault, not the store.
    pub fn is_input(&self) -> bool {
        matches!(self, Self::Name(_) | Self::Value(_) | Self::Missing(_))
    }
}

/// What may be shown of a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// When its value was set.
    pub set: Timestamp,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    version: u32,
    secrets: BTreeMap<String, Sealed>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(clippy::struct_field_names)] // as the file has it
struct Sealed {
    set: Timestamp,
    /// The key's id.
    key: String,
    /// Base64 of nonce and sealed value.
    sealed: String,
}

struct Key {
    id: String,
    bytes: Zeroizing<[u8; KEY_BYTES]>,
}

impl Key {
    fn new(bytes: Zeroizing<[u8; KEY_BYTES]>) -> Self {
        let mut digest = Sha256::new();
        digest.update(b"huiyin secret key id v1");
        digest.update(*bytes);
        Self { id: hex::encode(&digest.finalize()[..8]), bytes }
    }

    fn random() -> Result<Self, String> {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        getrandom::fill(&mut *bytes).map_err(|error| error.to_string())?;
        Ok(Self::new(bytes))
    }

    fn seal(&self, name: &str, value: &[u8]) -> Result<String, String> {
        let mut out = vec![0; NONCE_BYTES];
        getrandom::fill(&mut out).map_err(|error| error.to_string())?;
        let nonce = Nonce::try_from(&out[..]).map_err(|error| error.to_string())?;
        let aad = [BOUND, name.as_bytes()].concat();
        let sealed = Aes256GcmSiv::new((&*self.bytes).into())
            .encrypt(&nonce, Payload { msg: value, aad: &aad })
            .map_err(|_| "it cannot be sealed".to_owned())?;
        out.extend_from_slice(&sealed);
        Ok(STANDARD.encode(out))
    }

    fn open(&self, name: &str, sealed: &str) -> Result<SecretValue, String> {
        let fault = || format!("the value of `{name}` was altered, or sealed under another key; set it anew");
        let bytes = STANDARD.decode(sealed).map_err(|_| fault())?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE_BYTES).ok_or_else(fault)?;
        let nonce = Nonce::try_from(nonce).map_err(|_| fault())?;
        let aad = [BOUND, name.as_bytes()].concat();
        Aes256GcmSiv::new((&*self.bytes).into())
            .decrypt(&nonce, Payload { msg: sealed, aad: &aad })
            .map(SecretValue::from)
            .map_err(|_| fault())
    }
}

/// The vault of a data folder.
#[derive(Debug, Clone)]
pub struct Vault {
    store: PathBuf,
    key: PathBuf,
    /// The host itself changes it: then one waits for the other, for milliseconds.
    waits: bool,
}

impl Vault {
    /// That of this data folder; it need not be there yet.
    pub fn at(data: &Path) -> Self {
        Self {
            store: data.join("secrets").join("vault.json"),
            key: data.join("keys").join("secrets.key"),
            waits: false,
        }
    }

    /// That of the accounts of this data folder: what shows that somebody is who they say. It is no secret of a
    /// configuration, and workflows and plugins have no name for it.
    pub fn of_accounts(data: &Path) -> Self {
        Self {
            store: data.join("secrets").join("accounts.json"),
            key: data.join("keys").join("accounts.key"),
            waits: true,
        }
    }

    /// The names, sorted, and when each was set.
    ///
    /// # Errors
    /// When a file of the vault cannot be used.
    pub fn list(&self) -> Result<Vec<Entry>, VaultError> {
        let stored = self.read()?;
        Ok(stored.secrets.into_iter().map(|(name, sealed)| Entry { name, set: sealed.set }).collect())
    }

    /// Opens every secret once; gives their names.
    ///
    /// # Errors
    /// When one cannot be opened.
    pub fn check(&self) -> Result<Vec<String>, VaultError> {
        let stored = self.read()?;
        let keys = if stored.secrets.is_empty() { Vec::new() } else { self.keys()? };
        for (name, sealed) in &stored.secrets {
            self.open(name, sealed, &keys)?;
        }
        Ok(stored.secrets.into_keys().collect())
    }

    /// The value of a secret; none where there is none of that name.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn get(&self, name: &str) -> Result<Option<SecretValue>, VaultError> {
        match self.read()?.secrets.get(name) {
            None => Ok(None),
            Some(sealed) => self.open(name, sealed, &self.keys()?).map(Some),
        }
    }

    /// Keeps a value under a name, in place of what was there; true where
    /// there was one.
    ///
    /// # Errors
    /// [`VaultError`]; nothing has changed then.
    pub fn set(&self, name: &str, value: &SecretValue, now: Timestamp) -> Result<bool, VaultError> {
        check_name(name)?;
        let length = value.expose().len();
        if length == 0 {
            return Err(VaultError::Value("is empty"));
        }
        if length > MAX_VALUE {
            return Err(VaultError::Value("is longer than 65536 bytes"));
        }
        let _lock = self.lock()?;
        let mut stored = self.read()?;
        if stored.secrets.len() >= MAX_SECRETS && !stored.secrets.contains_key(name) {
            return Err(VaultError::Value("finds no room: the vault keeps 10000 secrets already"));
        }
        let keys = self.keys_or_new(stored.secrets.is_empty())?;
        let key = keys.first().ok_or_else(|| self.key_fault("it holds no key"))?;
        let sealed = key.seal(name, value.expose()).map_err(|why| self.store_fault(why))?;
        let was = stored.secrets.insert(name.to_owned(), Sealed { set: now, key: key.id.clone(), sealed });
        self.write(&stored)?;
        Ok(was.is_some())
    }

    /// Forgets a secret.
    ///
    /// # Errors
    /// [`VaultError`]; nothing has changed then.
    pub fn remove(&self, name: &str) -> Result<(), VaultError> {
        let _lock = self.lock()?;
        let mut stored = self.read()?;
        if stored.secrets.remove(name).is_none() {
            return Err(VaultError::Missing(name.to_owned()));
        }
        self.write(&stored)
    }

    /// Seals everything anew under a fresh key, and forgets the old one. Cut
    /// off anywhere, every secret can still be read; run it again to finish.
    /// Gives how many there are.
    ///
    /// # Errors
    /// [`VaultError`]
    pub fn rotate(&self) -> Result<usize, VaultError> {
        let _lock = self.lock()?;
        let mut stored = self.read()?;
        let old = self.keys_or_new(stored.secrets.is_empty())?;
        let fresh = Key::random().map_err(|why| self.key_fault(why))?;
        let mut both: Vec<&Key> = vec![&fresh];
        both.extend(&old);
        self.write_keys(&both)?;
        for (name, sealed) in &mut stored.secrets {
            let value = self.open(name, sealed, &old)?;
            sealed.sealed = fresh.seal(name, value.expose()).map_err(|why| self.store_fault(why))?;
            sealed.key.clone_from(&fresh.id);
        }
        self.write(&stored)?;
        self.write_keys(&[&fresh])?;
        Ok(stored.secrets.len())
    }

    fn open(&self, name: &str, sealed: &Sealed, keys: &[Key]) -> Result<SecretValue, VaultError> {
        let key = keys.iter().find(|key| key.id == sealed.key).ok_or_else(|| {
            self.key_fault(format!(
                "it does not hold the key `{}` of the secret `{name}`; restore it from a backup",
                sealed.key
            ))
        })?;
        key.open(name, &sealed.sealed).map_err(|why| self.store_fault(why))
    }

    fn read(&self) -> Result<Stored, VaultError> {
        let Some(bytes) =
            huiyin_files::read_private(&self.store, MAX_FILE).map_err(|why| self.store_fault(why.to_string()))?
        else {
            return Ok(Stored { version: 1, secrets: BTreeMap::new() });
        };
        let stored: Stored =
            serde_json::from_slice(&bytes).map_err(|error| self.store_fault(format!("it is damaged: {error}")))?;
        if stored.version != 1 {
            return Err(self.store_fault(format!("it is of version {}, this host reads version 1", stored.version)));
        }
        Ok(stored)
    }

    fn write(&self, stored: &Stored) -> Result<(), VaultError> {
        let text = serde_json::to_vec_pretty(stored).map_err(|error| self.store_fault(error.to_string()))?;
        huiyin_files::write_private(&self.store, &text).map_err(|error| self.store_fault(error.to_string()))
    }

    fn keys_or_new(&self, may_create: bool) -> Result<Vec<Key>, VaultError> {
        if may_create && !self.key.exists() {
            let key = Key::random().map_err(|why| self.key_fault(why))?;
            self.write_keys(&[&key])?;
            return Ok(vec![key]);
        }
        self.keys()
    }

    /// The newest first.
    fn keys(&self) -> Result<Vec<Key>, VaultError> {
        let text =
            huiyin_files::read_private(&self.key, 4 << 10).map_err(|why| self.key_fault(why.to_string()))?.ok_or_else(
                || self.key_fault("it is missing; without it no secret can be read: restore it from a backup"),
            )?;
        let broken =
            || self.key_fault(format!("it is not of the form: {KEY_LABEL} <64 hex digits>; restore it from a backup"));
        let text = std::str::from_utf8(&text).map_err(|_| broken())?;
        let mut keys = Vec::new();
        for line in text.lines() {
            let mut bytes = Zeroizing::new([0; KEY_BYTES]);
            match line.split_once(' ') {
                Some((KEY_LABEL, digits)) if hex::decode_to_slice(digits, &mut *bytes).is_ok() => {
                    keys.push(Key::new(bytes));
                }
                _ => return Err(broken()),
            }
        }
        if keys.is_empty() { Err(broken()) } else { Ok(keys) }
    }

    fn write_keys(&self, keys: &[&Key]) -> Result<(), VaultError> {
        let mut text = Zeroizing::new(String::with_capacity(keys.len() * (KEY_LABEL.len() + 2 * KEY_BYTES + 2)));
        for key in keys {
            let digits = Zeroizing::new(hex::encode(*key.bytes));
            text.push_str(KEY_LABEL);
            text.push(' ');
            text.push_str(&digits);
            text.push('\n');
        }
        let folder = self.key.parent().unwrap_or(Path::new("."));
        huiyin_files::private_folder(folder)
            .and_then(|()| huiyin_files::write_private(&self.key, text.as_bytes()))
            .map_err(|error| self.key_fault(error.to_string()))
    }

    /// One change at a time.
    fn lock(&self) -> Result<File, VaultError> {
        let folder = self.store.parent().unwrap_or(Path::new("."));
        let fault = |error: io::Error| self.store_fault(error.to_string());
        huiyin_files::private_folder(folder).map_err(fault)?;
        let path = folder.join(if self.waits { "accounts.lock" } else { "lock" });
        let file = File::options().write(true).create(true).truncate(false).open(&path).map_err(fault)?;
        if self.waits {
            return file.lock().map(|()| file).map_err(fault);
        }
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(VaultError::Busy(path)),
            Err(TryLockError::Error(error)) => Err(fault(error)),
        }
    }

    fn store_fault(&self, why: impl Into<String>) -> VaultError {
        VaultError::File { path: self.store.clone(), why: why.into() }
    }

    fn key_fault(&self, why: impl Into<String>) -> VaultError {
        VaultError::File { path: self.key.clone(), why: why.into() }
    }
}

fn check_name(name: &str) -> Result<(), VaultError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.len() > 64 || !name.chars().all(plain) {
        return Err(VaultError::Name(name.escape_debug().to_string()));
    }
    Ok(())
}

/// Takes the line end away that editors and `echo` add.
pub fn trim_line_end(bytes: &mut Vec<u8>) {
    while bytes.last().is_some_and(|b| *b == b'\n' || *b == b'\r') {
        bytes.pop();
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn value(text: &str) -> SecretValue {
        text.as_bytes().to_vec().into()
    }

    fn now() -> Timestamp {
        "2026-11-26T00:00:00Z".parse().unwrap()
    }

    fn vault() -> (tempfile::TempDir, Vault) {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::at(folder.path());
        (folder, vault)
    }

    /// Every byte that lies in the folder.
    fn written(folder: &Path) -> Vec<u8> {
        let mut all = Vec::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            all.extend(if path.is_dir() { written(&path) } else { std::fs::read(path).unwrap() });
        }
        all
    }

    #[test]
    fn what_is_set_is_read_and_nowhere_in_the_clear() {
        let (folder, vault) = vault();
        assert_eq!(vault.get("token").unwrap(), None);
        assert!(vault.list().unwrap().is_empty());
        assert!(!vault.set("token", &value("correct horse"), now()).unwrap());
        assert!(vault.set("token", &value("battery staple"), now()).unwrap());
        vault.set("other", &value("another value"), now()).unwrap();
        assert_eq!(vault.get("token").unwrap(), Some(value("battery staple")));
        assert_eq!(vault.check().unwrap(), ["other", "token"]);
        let bytes = written(folder.path());
        for clear in ["horse", "staple", "another value", &STANDARD.encode("battery staple"), &hex::encode("staple")] {
            assert!(!bytes.windows(clear.len()).any(|w| w == clear.as_bytes()), "{clear}");
        }
        for file in [&vault.store, &vault.key] {
            assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
        }
        vault.remove("token").unwrap();
        assert!(matches!(vault.remove("token"), Err(VaultError::Missing(_))));
        assert_eq!(vault.get("token").unwrap(), None);
    }

    #[test]
    fn a_sealed_value_opens_under_its_own_name_only() {
        let (_folder, vault) = vault();
        vault.set("a", &value("the value of a"), now()).unwrap();
        vault.set("b", &value("the value of b"), now()).unwrap();
        let mut stored = vault.read().unwrap();
        let taken = stored.secrets["a"].clone();
        stored.secrets.insert("b".to_owned(), taken);
        vault.write(&stored).unwrap();
        let error = vault.get("b").unwrap_err().to_string();
        assert!(error.contains("altered") && error.contains("vault.json"), "{error}");
        assert!(vault.check().is_err());
    }

    #[test]
    fn a_rotated_key_opens_everything_and_the_old_one_is_gone() {
        let (_folder, vault) = vault();
        vault.set("a", &value("one value"), now()).unwrap();
        let (key, store) = (std::fs::read(&vault.key).unwrap(), std::fs::read(&vault.store).unwrap());
        assert_eq!(vault.rotate().unwrap(), 1);
        assert_eq!(vault.get("a").unwrap(), Some(value("one value")));
        let fresh = std::fs::read_to_string(&vault.key).unwrap();
        assert_eq!(fresh.lines().count(), 1);
        assert_ne!(fresh.as_bytes(), key);

        // Cut off after the keys were written and before the values were: both keys are there.
        let both = [fresh.as_bytes(), &key].concat();
        huiyin_files::write_private(&vault.key, &both).unwrap();
        assert_eq!(vault.get("a").unwrap(), Some(value("one value")));
        huiyin_files::write_private(&vault.store, &store).unwrap();
        assert_eq!(vault.get("a").unwrap(), Some(value("one value")));
        vault.rotate().unwrap();
        assert_eq!(vault.get("a").unwrap(), Some(value("one value")));
        assert_eq!(std::fs::read_to_string(&vault.key).unwrap().lines().count(), 1);
    }

    #[test]
    fn what_others_may_read_is_refused_with_the_way_to_mend_it() {
        let (_folder, vault) = vault();
        vault.set("a", &value("one value"), now()).unwrap();
        for file in [&vault.key, &vault.store] {
            std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o640)).unwrap();
            let error = vault.get("a").unwrap_err().to_string();
            assert!(error.contains("mode 640") && error.contains("chmod 600"), "{error}");
            std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
        std::fs::remove_file(&vault.key).unwrap();
        let error = vault.set("b", &value("another"), now()).unwrap_err().to_string();
        assert!(error.contains("missing") && error.contains("backup"), "a new key would orphan the others: {error}");
        std::fs::write(&vault.store, "{").unwrap();
        assert!(vault.list().unwrap_err().to_string().contains("damaged"));
    }

    #[test]
    fn what_cannot_be_kept_is_refused_and_changes_nothing() {
        let (_folder, vault) = vault();
        for name in ["", "a b", "../a", "名", &"x".repeat(65), "*"] {
            assert!(matches!(vault.set(name, &value("v"), now()), Err(VaultError::Name(_))), "{name}");
        }
        assert!(vault.set("a", &value(""), now()).unwrap_err().to_string().contains("empty"));
        assert!(vault.set("a", &value(&"x".repeat(MAX_VALUE + 1)), now()).unwrap_err().to_string().contains("65536"));
        let lock = vault.lock().unwrap();
        assert!(matches!(vault.set("a", &value("v"), now()), Err(VaultError::Busy(_))));
        drop(lock);
        assert!(vault.list().unwrap().is_empty());
    }
}
