//! Cases as they stand in files.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use crate::folders::write_whole;
use crate::output::{Failure, read_bytes, read_json, shown};

/// The largest case, and the largest file that one names, in bytes.
const MAX_FILE: u64 = 64 << 20;

/// Names a file of the project, whose content stands in the place of the object.
const FILE: &str = "$file";

/// One call of a plugin and what is expected of it.
#[derive(Debug)]
pub(super) struct Case {
    /// The file's name without `.json`.
    pub(super) name: String,
    /// Where it was read from.
    pub(super) file: PathBuf,
    /// As it stands there.
    raw: Value,
    /// What it says.
    pub(super) says: Says,
}

/// What a case says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Says {
    /// What it is about, for people.
    #[serde(default, rename = "about")]
    _about: Option<String>,
    /// The configuration.
    #[serde(default = "empty")]
    pub(super) config: Value,
    /// As for `huiyin plugin run`.
    #[serde(default = "empty")]
    pub(super) input: Value,
    /// The call's time; 2026-01-01T00:00:00Z unless given.
    #[serde(default)]
    pub(super) now: Option<Timestamp>,
    /// The unit on whose behalf.
    #[serde(default)]
    pub(super) unit: String,
    /// What the network answers; each once.
    #[serde(default)]
    pub(super) http: Vec<Exchange>,
    /// The plugin's own state when the call begins.
    #[serde(default)]
    pub(super) kv: BTreeMap<String, String>,
    /// Values for tests, by name.
    #[serde(default)]
    pub(super) secrets: BTreeMap<String, String>,
    /// What it may reach, as in a host's `grants`; what its manifest asks for unless given.
    #[serde(default)]
    pub(super) grant: Option<Value>,
    /// The answer.
    #[serde(default, deserialize_with = "present")]
    pub(super) expect: Option<Value>,
    /// Why there is none.
    #[serde(default)]
    pub(super) expect_error: Option<ExpectedError>,
    /// What the call wrote to its own state; null is a key that was removed.
    #[serde(default)]
    pub(super) expect_kv: Option<BTreeMap<String, Option<String>>>,
    /// Files in the spool, with their texts.
    #[serde(default)]
    pub(super) expect_files: Option<BTreeMap<String, String>>,
    /// The most that the call may use.
    #[serde(default)]
    pub(super) budget: Budget,
}

/// A request and what comes of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Exchange {
    pub(super) request: RequestForm,
    #[serde(default)]
    pub(super) response: Option<ResponseForm>,
    /// There is no connection, for this reason.
    #[serde(default)]
    pub(super) refused: Option<String>,
}

/// A request fits where all that is given here is so.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RequestForm {
    #[serde(default = "get")]
    pub(super) method: String,
    pub(super) url: String,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    /// A text, `{"base64": …}`, or JSON.
    #[serde(default)]
    pub(super) body: Option<Value>,
}

/// An answer.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ResponseForm {
    pub(super) status: u16,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    /// A text, `{"base64": …}`, or JSON.
    #[serde(default)]
    pub(super) body: Option<Value>,
}

/// An error that is expected.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExpectedError {
    /// `transient`, `rate_limited`, `invalid_input`, `invalid_config`, `unknown`, `limit`, `trap`, `bad_output`, `denied`, `paced`.
    pub(super) kind: String,
    /// The message contains this.
    #[serde(default)]
    pub(super) contains: String,
}

/// The most that a call may use.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Budget {
    /// Wasm instructions, roughly.
    #[serde(default)]
    pub(super) fuel: Option<u64>,
    /// Wall time, in milliseconds.
    #[serde(default)]
    pub(super) time_ms: Option<u64>,
    /// Linear memory, in bytes.
    #[serde(default)]
    pub(super) memory_bytes: Option<u64>,
}

fn empty() -> Value {
    json!({})
}

fn get() -> String {
    "GET".to_owned()
}

/// Null is a value here.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// The cases of a project, by name.
///
/// # Errors
/// When there is none, or one cannot be read; with its place.
pub(super) fn read(project: &Path) -> Result<Vec<Case>, Failure> {
    let folder = project.join("cases");
    let entries = std::fs::read_dir(&folder).map_err(|error| {
        Failure::invalid(format_args!(
            "{}: {error}; a plugin's cases are the files {}, such as {{\"input\": …, \"expect\": …}}",
            folder.display(),
            folder.join("*.json").display()
        ))
    })?;
    let mut files: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|file| file.extension().is_some_and(|e| e == "json"))
        .collect();
    files.sort();
    if files.is_empty() {
        return Err(Failure::invalid(format_args!("{}: there is no case, no file *.json", folder.display())));
    }
    files.into_iter().map(|file| read_one(project, file)).collect()
}

fn read_one(project: &Path, file: PathBuf) -> Result<Case, Failure> {
    let raw = read_json(&file, MAX_FILE)?;
    let wrong = |why: &dyn std::fmt::Display| Failure::invalid(format_args!("{}: {why}", shown(&file)));
    let whole = put_in(&raw, project, &mut String::new()).map_err(|why| wrong(&why))?;
    let says: Says = serde_path_to_error::deserialize(whole)
        .map_err(|error| wrong(&format_args!("at `{}`: {}", error.path(), error.inner())))?;
    if says.expect.is_some() && says.expect_error.is_some() {
        return Err(wrong(&"it has both `expect` and `expect_error`; keep one of them"));
    }
    for (at, exchange) in says.http.iter().enumerate() {
        if exchange.response.is_some() == exchange.refused.is_some() {
            return Err(wrong(&format_args!("at /http/{at}: an exchange has exactly one of `response` and `refused`")));
        }
        let bodies = [exchange.request.body.as_ref(), exchange.response.as_ref().and_then(|r| r.body.as_ref())];
        for body in bodies.into_iter().flatten() {
            bytes_of(body).map_err(|why| wrong(&format_args!("at /http/{at}: {why}")))?;
        }
    }
    let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Case { name, file, raw, says })
}

/// The value with the content of files where they are named.
fn put_in(value: &Value, project: &Path, at: &mut String) -> Result<Value, String> {
    let mut inside = |key: &str, value: &Value| {
        let before = at.len();
        at.push('/');
        at.push_str(&key.replace('~', "~0").replace('/', "~1"));
        let put = put_in(value, project, at);
        at.truncate(before);
        put
    };
    match value {
        Value::Object(map) if map.len() == 1 && map.contains_key(FILE) => {
            let name = map.get(FILE).and_then(Value::as_str);
            content(name, project).map_err(|why| format!("at {at}/{FILE}: {why}"))
        }
        Value::Object(map) => {
            let put = map.iter().map(|(key, value)| Ok((key.clone(), inside(key, value)?)));
            put.collect::<Result<serde_json::Map<_, _>, String>>().map(Value::Object)
        }
        Value::Array(list) => {
            let put = list.iter().enumerate().map(|(index, value)| inside(&index.to_string(), value));
            put.collect::<Result<Vec<_>, _>>().map(Value::Array)
        }
        other => Ok(other.clone()),
    }
}

/// A file of the project: JSON where its name says so, else a text, else bytes.
fn content(name: Option<&str>, project: &Path) -> Result<Value, String> {
    let name = name.ok_or("write the name of a file")?;
    let path = Path::new(name);
    if name.is_empty() || !path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)) {
        return Err(format!("`{}` is no file below the project's folder", name.escape_debug()));
    }
    let file = project.join(path);
    if path.extension().is_some_and(|e| e == "json") {
        return read_json(&file, MAX_FILE).map_err(|error| error.message().to_owned());
    }
    let bytes = read_bytes(&file, MAX_FILE).map_err(|error| error.message().to_owned())?;
    Ok(body_of(&bytes))
}

/// Bytes as they stand in a case: a text where they are one.
pub(super) fn body_of(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => json!(text),
        Err(_) => json!({"base64": STANDARD.encode(bytes)}),
    }
}

/// The bytes of a body.
pub(super) fn bytes_of(body: &Value) -> Result<Vec<u8>, String> {
    match body {
        Value::String(text) => Ok(text.clone().into_bytes()),
        Value::Object(map) if map.len() == 1 && map.contains_key("base64") => map
            .get("base64")
            .and_then(Value::as_str)
            .and_then(|text| STANDARD.decode(text).ok())
            .ok_or_else(|| "`base64` is not Base64".to_owned()),
        other => Ok(other.to_string().into_bytes()),
    }
}

impl Case {
    /// Writes members into the file, and takes those away that are none; all else stays as it stands. False
    /// where nothing was changed.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn write(&self, members: &[(&str, Option<Value>)]) -> Result<bool, Failure> {
        // It may have been written since it was read: with what was recorded.
        let before = read_json(&self.file, MAX_FILE).unwrap_or_else(|_| self.raw.clone());
        let mut after = before.clone();
        if let Value::Object(map) = &mut after {
            for (name, value) in members {
                match value {
                    Some(value) => drop(map.insert((*name).to_owned(), value.clone())),
                    None => drop(map.shift_remove(*name)),
                }
            }
        }
        if after == before {
            return Ok(false);
        }
        let mut text = serde_json::to_string_pretty(&after).map_err(Failure::failed)?;
        text.push('\n');
        write_whole(&self.file, text.as_bytes())
            .map_err(|error| Failure::failed(format_args!("{}: {error}", self.file.display())))?;
        Ok(true)
    }
}
