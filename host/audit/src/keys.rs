//! Keys of signed notes (C2SP signed-note): verifier keys as text, signer keys as a guarded file.
//!
//! Only signature type 0x01, Ed25519. The secret never leaves [`SignerKey`] except into its file.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use huiyin_files::{Exposed, ReadError, read_private};
use sha2::{Digest as _, Sha256};
use zeroize::{Zeroize as _, Zeroizing};

/// Signature type byte of Ed25519 (signed-note, "Signature types").
const ED25519: u8 = 0x01;
/// How a signer key begins in text; the form the Go tools of this format use.
const SECRET_PREFIX: &str = "PRIVATE+KEY+";
/// No key text is longer; a larger file is not a key.
const MAX_KEY_TEXT: u64 = 4096;

/// What is wrong with a key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A key name is empty, too long, or holds a space, a control character or a plus sign.
    #[error("{0:?} cannot be a key name: it must be 1 to 255 bytes without spaces, control characters or '+'")]
    Name(String),
    /// The text is not `name+hash+base64`.
    #[error("not a key of the form name+hash+base64: {0}")]
    Form(&'static str),
    /// The hash in the text is not the hash of the key.
    #[error("the key hash is {found} but the key and its name hash to {computed}: a character was changed on the way")]
    Hash {
        /// Hash stated in the text.
        found: String,
        /// Hash computed.
        computed: String,
    },
    /// Others may read the key file.
    #[error("{} may be read by others (mode {mode:o}): run chmod 600 on it, and replace the key if it was exposed", path.display())]
    Exposed {
        /// The key file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The key file is another user's, who may change it.
    #[error("{}: {why}", path.display())]
    Foreign {
        /// The key file.
        path: PathBuf,
        /// What is wrong.
        why: Exposed,
    },
    /// The key file holds a key of another name.
    #[error("{} holds the key of {found:?}, not of {wanted:?}: give its own name, or another file", path.display())]
    OtherName {
        /// The key file.
        path: PathBuf,
        /// The name in the file.
        found: String,
        /// The name asked for.
        wanted: String,
    },
    /// The content of the key file cannot be used.
    #[error("{} is not a usable key file: {why}; restore it from a backup", path.display())]
    File {
        /// The key file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The system refused to read, write or give random bytes.
    #[error("{}: {source}", path.display())]
    Io {
        /// The key file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// The public half: what an outsider needs. Its text form is the vkey `name+hash+base64`.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    id: [u8; 4],
    key: VerifyingKey,
}

impl VerifierKey {
    fn new(name: &str, key: VerifyingKey) -> Self {
        Self { name: name.to_owned(), id: key_id(name, &key), key }
    }

    /// The name that stands in signature lines.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The first four bytes of SHA-256(name, newline, 0x01, public key).
    pub fn id(&self) -> [u8; 4] {
        self.id
    }

    /// Whether `signature` is this key's signature of `text`. Weak keys and malleable signatures are refused.
    pub(crate) fn verifies(&self, text: &[u8], signature: &[u8]) -> bool {
        Signature::from_slice(signature).is_ok_and(|signature| self.key.verify_strict(text, &signature).is_ok())
    }
}

/// Whether the text has the form of a key (`name+hash+base64`) of another type than Ed25519, such as 04 of
/// witnesses (C2SP tlog-cosignature): not wrong, but not for us.
pub(crate) fn of_another_type(text: &str) -> bool {
    let mut parts = text.trim_ascii_end().splitn(3, '+');
    let (Some(name), Some(hash), Some(key)) = (parts.next(), parts.next(), parts.next()) else { return false };
    let named = !name.is_empty() && hash.len() == 8 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    named && STANDARD.decode(key).is_ok_and(|bytes| bytes.first().is_some_and(|kind| *kind != ED25519))
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = vec![ED25519];
        bytes.extend_from_slice(self.key.as_bytes());
        write!(f, "{}+{}+{}", self.name, hex(self.id), STANDARD.encode(bytes))
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifierKey({self})")
    }
}

impl FromStr for VerifierKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let (name, hash, bytes) = parts(text.trim_ascii_end())?;
        let key = VerifyingKey::from_bytes(&bytes).map_err(|_| KeyError::Form("the bytes are not an Ed25519 key"))?;
        if key.is_weak() {
            return Err(KeyError::Form("the Ed25519 key is one of the weak ones, which verify anything"));
        }
        let key = Self::new(name, key);
        check_hash(hash, &key)?;
        Ok(key)
    }
}

/// The secret half, which signs checkpoints. Its memory is wiped when it is dropped.
pub struct SignerKey {
    secret: SigningKey,
    verifier: VerifierKey,
}

impl SignerKey {
    /// A key from its 32 secret bytes, which must come from a good source of randomness.
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<Self, KeyError> {
        check_name(name)?;
        let secret = SigningKey::from_bytes(seed);
        let verifier = VerifierKey::new(name, secret.verifying_key());
        Ok(Self { secret, verifier })
    }

    /// Loads the key called `name` from `path`, or makes it there at first use, readable by its owner only.
    ///
    /// A key that others may read, or of another name, is refused.
    pub fn load_or_create(path: &Path, name: &str) -> Result<Self, KeyError> {
        check_name(name)?;
        let key = match Self::load(path) {
            Err(KeyError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                return Self::create(path, name);
            }
            other => other?,
        };
        if key.verifier.name != name {
            let (found, wanted) = (key.verifier.name.clone(), name.to_owned());
            return Err(KeyError::OtherName { path: path.to_owned(), found, wanted });
        }
        Ok(key)
    }

    /// Loads the key from `path`, whatever its name.
    pub fn load(path: &Path) -> Result<Self, KeyError> {
        let io = |source| KeyError::Io { path: path.to_owned(), source };
        let unusable = |why: String| KeyError::File { path: path.to_owned(), why };
        let bytes = match read_private(path, MAX_KEY_TEXT) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Err(io(std::io::ErrorKind::NotFound.into())),
            Err(ReadError::Io(source)) => return Err(io(source)),
            Err(ReadError::Exposed(Exposed::Mode(mode))) => {
                return Err(KeyError::Exposed { path: path.to_owned(), mode });
            }
            Err(ReadError::Exposed(Exposed::NotPlain) | ReadError::TooLarge { .. }) => {
                return Err(unusable("it is not a file of a key's size".to_owned()));
            }
            Err(ReadError::Exposed(why @ Exposed::Owner)) => {
                return Err(KeyError::Foreign { path: path.to_owned(), why });
            }
        };
        let text = std::str::from_utf8(&bytes).map_err(|_| unusable("it is not text".to_owned()))?;
        let body = text
            .trim_ascii_end()
            .strip_prefix(SECRET_PREFIX)
            .ok_or_else(|| unusable(format!("it does not begin with {SECRET_PREFIX}")))?;
        let (name, hash, mut seed) = parts(body).map_err(|error| unusable(error.to_string()))?;
        let key = Self::from_seed(name, &seed);
        seed.zeroize();
        let key = key?;
        check_hash(hash, &key.verifier).map_err(|error| unusable(error.to_string()))?;
        Ok(key)
    }

    /// Makes a new key called `name` at `path`, readable by its owner only. A file that is there stays.
    pub fn create(path: &Path, name: &str) -> Result<Self, KeyError> {
        check_name(name)?;
        let io = |source| KeyError::Io { path: path.to_owned(), source };
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *seed).map_err(|error| io(std::io::Error::other(error)))?;
        let key = Self::from_seed(name, &seed)?;
        let mut bytes = Zeroizing::new([ED25519; 33]);
        bytes[1..].copy_from_slice(&*seed);
        let encoded = Zeroizing::new(STANDARD.encode(*bytes));
        let hash = hex(key.verifier.id);
        let text = Zeroizing::new(format!("{SECRET_PREFIX}{name}+{hash}+{}\n", *encoded));
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder).map_err(io)?;
        // A whole key or none, and never in the place of another.
        huiyin_files::create_private(path, text.as_bytes()).map_err(io)?;
        Ok(key)
    }

    /// The public half.
    pub fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// Signs the text of a note: the key's id followed by the Ed25519 signature.
    pub(crate) fn sign(&self, text: &[u8]) -> Vec<u8> {
        let mut signature = self.verifier.id.to_vec();
        signature.extend_from_slice(&self.secret.sign(text).to_bytes());
        signature
    }
}

impl fmt::Debug for SignerKey {
    /// Shows the public half only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignerKey({})", self.verifier)
    }
}

/// Whether a text may stand as a key name in a signature line.
pub(crate) fn is_name(name: &str) -> bool {
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && c != '+';
    (1..=255).contains(&name.len()) && name.chars().all(plain)
}

fn check_name(name: &str) -> Result<(), KeyError> {
    if is_name(name) { Ok(()) } else { Err(KeyError::Name(name.to_owned())) }
}

/// The name, the stated hash and the 32 key bytes of `name+hash+base64`.
fn parts(text: &str) -> Result<(&str, &str, [u8; 32]), KeyError> {
    // Base64 may hold a plus sign itself, so only the first two divide.
    let mut parts = text.splitn(3, '+');
    let (Some(name), Some(hash), Some(encoded)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(KeyError::Form("it needs three parts divided by '+'"));
    };
    check_name(name)?;
    let bytes =
        Zeroizing::new(STANDARD.decode(encoded).map_err(|_| KeyError::Form("the last part is not standard base64"))?);
    match bytes.split_first() {
        Some((&ED25519, key)) => match key.try_into() {
            Ok(key) => Ok((name, hash, key)),
            Err(_) => Err(KeyError::Form("an Ed25519 key has 32 bytes after its type byte")),
        },
        _ => Err(KeyError::Form("the signature type is not 01, Ed25519")),
    }
}

fn check_hash(found: &str, key: &VerifierKey) -> Result<(), KeyError> {
    let computed = hex(key.id);
    if found == computed { Ok(()) } else { Err(KeyError::Hash { found: found.to_owned(), computed }) }
}

fn key_id(name: &str, key: &VerifyingKey) -> [u8; 4] {
    let mut hasher = Sha256::new();
    hasher.update(name);
    hasher.update([b'\n', ED25519]);
    hasher.update(key.as_bytes());
    let hash: [u8; 32] = hasher.finalize().into();
    [hash[0], hash[1], hash[2], hash[3]]
}

fn hex(id: [u8; 4]) -> String {
    format!("{:08x}", u32::from_be_bytes(id))
}
