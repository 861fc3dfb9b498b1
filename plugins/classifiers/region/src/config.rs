//! What a unit says of its own places.

use huiyin_sdk::Error;
use schemars::JsonSchema;
use serde::Deserialize;

/// Where the unit is, and what it calls its places.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(example = example())]
pub struct Config {
    /// The unit's own place, a code of six digits (`530100`, `530102`, `530000`): of a name borne by several
    /// places the one in its own prefecture is meant.
    #[schemars(regex(pattern = "^[0-9]{6}$"))]
    pub home: Option<String>,
    /// The field in which a source tells the place: a code of GB/T 2260 (six digits, or more that begin with them) or
    /// a name.
    pub field: String,
    /// Further places: villages, hills and roads, or a code that is newer than the table.
    pub places: Vec<Place>,
}

/// A place of the unit's own.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Place {
    /// Its name, two characters or more.
    pub name: String,
    /// The code of the division in which it lies.
    #[schemars(regex(pattern = "^[0-9]{6}$"))]
    pub code: String,
}

impl Default for Config {
    fn default() -> Self {
        Self { home: None, field: "region".to_owned(), places: Vec::new() }
    }
}

fn example() -> impl serde::Serialize {
    std::collections::BTreeMap::from([("home", "530100"), ("field", "region")])
}

/// A code of six digits, or why it is none.
pub(crate) fn code(text: &str, at: &str) -> Result<u32, Error> {
    let plain = text.len() == 6 && text.bytes().all(|b| b.is_ascii_digit());
    plain
        .then(|| text.parse().ok())
        .flatten()
        .ok_or_else(|| Error::InvalidConfig(format!("at {at}: {text:?} is no code of GB/T 2260; write six digits")))
}
