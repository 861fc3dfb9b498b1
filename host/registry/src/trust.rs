//! Whose plugins may run for whom: publishers' keys (Ed25519, C2SP vkeys) that
//! an admin trusts, and the units that may go without. Judged on bytes, before
//! anything of them is compiled.
//!
//! A signature is a C2SP signed note over the digest of the package's content,
//! carried in its section `huiyin:signature`. A known key's signature that
//! does not fit is never passed over.

use std::collections::BTreeSet;
use std::sync::Arc;

use huiyin_audit::{Note, NoteError, SignerKey, VerifierKey};
use huiyin_sandbox::PackageError;
use huiyin_sandbox::signed::{attach, split};
use serde::{Deserialize, Serialize};

/// The first line of what is signed. It keeps a key that signs something else, a
/// checkpoint say, from having signed a package.
const DOMAIN: &str = "huiyin plugin package v1";

/// Every unit, as it is written in the configuration.
const ALL: &str = "*";

/// Whose plugins may be installed and used.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct TrustConfig {
    /// Whose signature counts, and for whom.
    pub publishers: Vec<PublisherConfig>,
    /// The units that may use installed plugins that no trusted publisher has
    /// signed, `"*"` for all; none unless told.
    pub untrusted: Vec<String>,
}

/// A publisher whose plugins are trusted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct PublisherConfig {
    /// The public key, a C2SP vkey: `name+hash+base64`.
    pub key: String,
    /// The units that trust it; `"*"`, all of them, unless told.
    #[serde(default = "everyone")]
    pub units: Vec<String>,
}

fn everyone() -> Vec<String> {
    vec!["*".to_owned()]
}

/// Units, by code.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Units(BTreeSet<String>);

impl Units {
    /// Every unit, and what serves none.
    pub fn all() -> Units {
        Units([ALL.to_owned()].into())
    }

    /// Whether a unit is among them; none stands for what serves no unit.
    pub fn hold(&self, unit: Option<&str>) -> bool {
        self.0.contains(ALL) || unit.is_some_and(|unit| self.0.contains(unit))
    }

    /// Nobody is.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Their codes, `*` for all.
    pub fn codes(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    fn add(&mut self, others: &Units) {
        self.0.extend(others.0.iter().cloned());
    }
}

impl FromIterator<String> for Units {
    fn from_iter<I: IntoIterator<Item = String>>(codes: I) -> Units {
        Units(codes.into_iter().collect())
    }
}

/// Whom an admin trusts.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    publishers: Vec<(VerifierKey, Units)>,
    untrusted: Units,
}

/// What is known of a package's signatures.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judgement {
    /// The names of the trusted keys that signed it.
    pub publishers: Vec<String>,
    /// The units that may use it.
    pub units: Units,
}

/// Why a package may not be used by anybody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// The signature cannot be read.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// It is no signed note.
    #[error("the package's signature is not a signed note: {0}")]
    Form(NoteError),
    /// It signs something else.
    #[error(
        "the package's signature is for other content: the package was changed after it was signed, or carries the signature of another"
    )]
    Other,
    /// A trusted key's signature is wrong.
    #[error("the package is not what its publisher signed: {0}")]
    Bad(NoteError),
    /// Nobody signed it.
    #[error(
        "the package is not signed, and no unit may use unsigned ones; have its publisher sign it (`huiyin plugin sign`), or name the units that may in `trust.untrusted`"
    )]
    Unsigned,
    /// Nobody signed it who is trusted.
    #[error(
        "the package is signed by {0}, whom nobody here trusts; add the publisher's key to `trust.publishers`, or name the units that may use it in `trust.untrusted`"
    )]
    Unknown(String),
}

/// What of a package is judged: whose it is hangs on nothing else.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Signed {
    /// SHA-256 of the component without its signatures, hex.
    digest: String,
    /// The signature's text, unverified.
    signature: Option<Arc<str>>,
}

impl Signed {
    /// Of a package.
    ///
    /// # Errors
    /// When it cannot be taken apart.
    pub fn of(package: &[u8]) -> Result<Signed, PackageError> {
        let parts = split(package)?;
        Ok(Signed { digest: parts.digest(), signature: parts.signature.map(Arc::from) })
    }

    /// SHA-256 of the component without its signatures, hex.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The text that a publisher signs.
    fn statement(&self) -> String {
        format!("{DOMAIN}\nsha256:{}\n", self.digest)
    }

    /// Its signatures, none of them verified.
    fn note(&self) -> Result<Option<Note>, TrustError> {
        let Some(signature) = &self.signature else { return Ok(None) };
        let note = Note::parse(signature).map_err(TrustError::Form)?;
        if note.text() == self.statement() { Ok(Some(note)) } else { Err(TrustError::Other) }
    }

    /// Who signed it, as it claims.
    fn names(&self) -> Result<Vec<String>, TrustError> {
        let note = self.note()?;
        Ok(note.iter().flat_map(Note::signatures).map(|signature| signature.name.clone()).collect())
    }
}

/// The package with this key's signature added; one that the key made before is replaced.
///
/// # Errors
/// When it cannot be taken apart, or carries a signature for other content.
pub fn sign(package: &[u8], key: &SignerKey) -> Result<Vec<u8>, TrustError> {
    let signed = Signed::of(package)?;
    let text = signed.statement();
    let mut note = Note::sign(text.clone(), &[key]).map_err(TrustError::Form)?.to_string();
    if let Some(old) = signed.note()? {
        let (mine, name) = (key.verifier().id(), key.verifier().name());
        // A line of a note ends with the line; the others are taken over as they stand.
        let others = old.to_string();
        let lines = others.lines().skip(text.lines().count() + 1).zip(old.signatures());
        for (line, _) in lines.filter(|(_, s)| s.id != mine || s.name != name) {
            note.push_str(line);
            note.push('\n');
        }
    }
    Ok(attach(package, &note)?)
}

/// The names in a package's signature, as it claims; nothing is verified.
///
/// # Errors
/// When the signature cannot be read, or is for other content.
pub fn claimed(package: &[u8]) -> Result<Vec<String>, TrustError> {
    Signed::of(package)?.names()
}

impl Trust {
    /// Reads the configuration's `trust`.
    ///
    /// # Errors
    /// Everything that is wrong, each with its JSON pointer.
    pub fn read(config: &TrustConfig) -> Result<Trust, Vec<String>> {
        let mut problems = Vec::new();
        let mut publishers: Vec<(VerifierKey, Units)> = Vec::new();
        for (at, publisher) in config.publishers.iter().enumerate() {
            let units: Units = publisher.units.iter().cloned().collect();
            if units.is_empty() {
                problems.push(format!("/trust/publishers/{at}/units: name the units that trust it, or `*` for all"));
            }
            match publisher.key.parse::<VerifierKey>() {
                Ok(key) if publishers.iter().any(|(other, _)| *other == key) => {
                    problems.push(format!("/trust/publishers/{at}/key: the key of `{}` is given twice", key.name()));
                }
                Ok(key) => publishers.push((key, units)),
                Err(error) => problems.push(format!("/trust/publishers/{at}/key: {error}")),
            }
        }
        let untrusted = config.untrusted.iter().cloned().collect();
        if problems.is_empty() { Ok(Trust { publishers, untrusted }) } else { Err(problems) }
    }

    /// The units of the configuration that a policy pack does not know.
    pub fn unknown_units(&self, known: &BTreeSet<String>) -> Vec<String> {
        let all = self.publishers.iter().flat_map(|(_, units)| units.codes()).chain(self.untrusted.codes());
        let unknown: BTreeSet<&str> = all.filter(|code| *code != ALL && !known.contains(*code)).collect();
        unknown.into_iter().map(str::to_owned).collect()
    }

    /// With what people said since: units that trust a key, or none any more.
    /// It counts before what is configured of the same key.
    #[must_use]
    pub fn with<'s>(mut self, said: impl Iterator<Item = (&'s str, &'s [String])>) -> Trust {
        for (key, units) in said {
            // What is on record was read when it was said.
            let Ok(key) = key.parse::<VerifierKey>() else {
                tracing::error!(key, "a publisher's key on record cannot be read; it is not trusted");
                continue;
            };
            self.publishers.retain(|(known, _)| *known != key);
            if !units.is_empty() {
                self.publishers.push((key, units.iter().cloned().collect()));
            }
        }
        self
    }

    /// The keys that are trusted, and by whom.
    pub fn publishers(&self) -> impl Iterator<Item = (&VerifierKey, &Units)> {
        self.publishers.iter().map(|(key, units)| (key, units))
    }

    /// Who may use a package. Nothing of it is compiled, run or believed.
    ///
    /// # Errors
    /// When nobody may.
    pub fn judge(&self, package: &[u8]) -> Result<Judgement, TrustError> {
        self.judge_signed(&Signed::of(package)?)
    }

    /// The same of what was kept of a package.
    ///
    /// # Errors
    /// When nobody may.
    pub fn judge_signed(&self, package: &Signed) -> Result<Judgement, TrustError> {
        let mut judgement = self.verify(package)?;
        if judgement.publishers.is_empty() {
            if self.untrusted.is_empty() {
                let names = package.names()?;
                return Err(if names.is_empty() {
                    TrustError::Unsigned
                } else {
                    TrustError::Unknown(names.join(", "))
                });
            }
            judgement.units = self.untrusted.clone();
        } else {
            judgement.units.add(&self.untrusted);
        }
        Ok(judgement)
    }

    /// The trusted keys that signed a package, and whose units they are.
    ///
    /// # Errors
    /// When a signature is there that cannot be right.
    pub fn signed(&self, package: &[u8]) -> Result<Judgement, TrustError> {
        self.verify(&Signed::of(package)?)
    }

    fn verify(&self, package: &Signed) -> Result<Judgement, TrustError> {
        let mut judgement = Judgement::default();
        let Some(note) = package.note()? else { return Ok(judgement) };
        for (key, units) in &self.publishers {
            match note.verify(std::slice::from_ref(key)) {
                Ok(key) => {
                    judgement.publishers.push(key.name().to_owned());
                    judgement.units.add(units);
                }
                Err(NoteError::NoKnownKey { .. }) => {}
                Err(error) => return Err(TrustError::Bad(error)),
            }
        }
        Ok(judgement)
    }
}
