//! Credentials for registries, from a file in the form of docker's
//! `config.json`; never from the command line, where others can read them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use huiyin_files::ReadError;
use oci_client::secrets::RegistryAuth;
use serde::Deserialize;
use zeroize::{ZeroizeOnDrop, Zeroizing};

use crate::output::Failure;

/// The largest file, in bytes.
const MAX_FILE: u64 = 1 << 20;

/// What is read of the file; docker keeps more in it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    #[serde(default)]
    auths: BTreeMap<String, Entry>,
    #[serde(default)]
    creds_store: Option<String>,
    #[serde(default)]
    cred_helpers: BTreeMap<String, String>,
}

#[derive(Deserialize, ZeroizeOnDrop)]
struct Entry {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    registrytoken: Option<String>,
}

/// The credentials for a registry: of the file given, or of docker's own; none
/// where docker's own has none.
pub(super) fn of(host: &str, given: Option<&Path>) -> Result<RegistryAuth, Failure> {
    let file = match given {
        Some(file) => file.to_owned(),
        None => match docker().filter(|file| file.exists()) {
            Some(file) => file,
            None => return Ok(RegistryAuth::Anonymous),
        },
    };
    let wrong = |why: String| Failure::invalid(format_args!("{}: {why}", file.display()));
    let config = read(&file)?;
    match config.auths.iter().find(|(name, _)| registry(name) == host).map(|(_, entry)| entry) {
        Some(entry) => {
            if let Some(auth) = auth(entry).map_err(|why| wrong(format!("the entry for {host} {why}")))? {
                return Ok(auth);
            }
            let helper = config.cred_helpers.get(host).or(config.creds_store.as_ref());
            Err(wrong(match helper {
                Some(helper) => format!(
                    "the credentials for {host} are kept by the program `{helper}`, which is not asked; give --auth with a file that holds them"
                ),
                None => format!(
                    "the entry for {host} has neither `auth`, nor `username` and `password`, nor `registrytoken`"
                ),
            }))
        }
        None if given.is_some() => Err(wrong(format!("it has no entry for {host} in `auths`"))),
        None => Ok(RegistryAuth::Anonymous),
    }
}

/// Where docker and its kin keep theirs.
fn docker() -> Option<PathBuf> {
    let folder = std::env::var_os("DOCKER_CONFIG").filter(|folder| !folder.is_empty()).map(PathBuf::from);
    let folder = folder.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".docker")))?;
    Some(folder.join("config.json"))
}

/// The host of an entry, which may be written as a URL.
fn registry(name: &str) -> &str {
    let bare = name.strip_prefix("https://").or_else(|| name.strip_prefix("http://")).unwrap_or(name);
    bare.split('/').next().unwrap_or(bare)
}

fn read(file: &Path) -> Result<Config, Failure> {
    let name = file.display();
    let wrong = |why: &dyn std::fmt::Display| Failure::invalid(format_args!("{name}: {why}"));
    let text = match huiyin_files::read_private(file, MAX_FILE) {
        Ok(Some(text)) => text,
        Ok(None) => return Err(wrong(&"is not there")),
        Err(ReadError::TooLarge { .. }) => return Err(wrong(&format_args!("larger than {MAX_FILE} bytes"))),
        Err(error) => return Err(wrong(&error)),
    };
    // The reader's words could show what stands in the file: only the place is told.
    serde_json::from_slice(&text).map_err(|error| {
        Failure::invalid(format_args!(
            "{name}:{}:{}: not in the form of docker's config.json",
            error.line(),
            error.column()
        ))
    })
}

fn auth(entry: &Entry) -> Result<Option<RegistryAuth>, String> {
    if let Some(token) = entry.registrytoken.as_ref().filter(|token| !token.is_empty()) {
        return Ok(Some(RegistryAuth::Bearer(token.clone())));
    }
    if let (Some(user), Some(password)) = (&entry.username, &entry.password) {
        return Ok(Some(RegistryAuth::Basic(user.clone(), password.clone())));
    }
    let Some(auth) = entry.auth.as_ref().filter(|auth| !auth.is_empty()) else { return Ok(None) };
    let both = STANDARD.decode(auth.trim()).ok().map(Zeroizing::new);
    let both = both.as_ref().and_then(|both| std::str::from_utf8(both).ok());
    match both.and_then(|both| both.split_once(':')) {
        Some((user, password)) => Ok(Some(RegistryAuth::Basic(user.to_owned(), password.to_owned()))),
        None => Err("has an `auth` that is not base64 of user:password".to_owned()),
    }
}
