//! Which column holds what: by the headers that people write, or as a small JSON file says.

use std::collections::BTreeMap;
use std::path::Path;

use unicode_normalization::UnicodeNormalization as _;

use crate::output::{Failure, read_text};

/// A field that a table may have.
pub(crate) struct Field {
    /// Its name in the command's own words.
    pub(crate) name: &'static str,
    /// Headers by which it is known.
    pub(crate) headers: &'static [&'static str],
    /// Whether there is nothing to take without it.
    pub(crate) needed: bool,
}

/// Where the fields of a table stand.
#[derive(Clone)]
pub(crate) struct Columns {
    fields: &'static [Field],
    /// Headers that the file of columns gives, by field.
    given: BTreeMap<&'static str, String>,
}

impl Columns {
    /// The fields by their known headers, or by those that a file gives: `{"columns": {"at": "呼入时刻", …}}`.
    ///
    /// # Errors
    /// When that file is not of this form, or names a field that is none.
    pub(crate) fn of(fields: &'static [Field], file: Option<&Path>) -> Result<Columns, Failure> {
        let mut given = BTreeMap::new();
        if let Some(path) = file {
            let wrong = |why: String| Failure::invalid(format_args!("{}: {why}", path.display()));
            let text = read_text(path, 64 << 10)?;
            let file: File = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
            for (name, header) in file.columns {
                let Some(field) = fields.iter().find(|field| field.name == name) else {
                    let known: Vec<&str> = fields.iter().map(|field| field.name).collect();
                    return Err(wrong(format!("there is no field `{name}`; there are: {}", known.join(", "))));
                };
                given.insert(field.name, folded(&header));
            }
        }
        Ok(Columns { fields, given })
    }

    /// The field of each column of a table with these headers.
    ///
    /// # Errors
    /// Says which column is missing, or stands there twice.
    pub(super) fn placed(&self, headers: &[String]) -> Result<Vec<Option<&'static str>>, String> {
        let mut places: Vec<Option<&'static str>> = vec![None; headers.len()];
        let headers: Vec<String> = headers.iter().map(|header| folded(header)).collect();
        for field in self.fields {
            let is = |header: &String| match self.given.get(field.name) {
                Some(given) => header == given,
                None => header == field.name || field.headers.iter().any(|known| folded(known) == *header),
            };
            let found: Vec<usize> =
                headers.iter().enumerate().filter(|(_, header)| is(header)).map(|(at, _)| at).collect();
            match found.as_slice() {
                [at] => places[*at] = Some(field.name),
                [] if field.needed || self.given.contains_key(field.name) => {
                    let named = self.given.get(field.name).map_or(field.headers.join("、"), Clone::clone);
                    return Err(format!(
                        "no column for `{}` ({named}); the columns are: {}. Name it with --columns",
                        field.name,
                        super::shown(&headers.join(", "))
                    ));
                }
                [] => {}
                [first, second, ..] => {
                    return Err(format!(
                        "columns {} and {} are both `{}`; name one with --columns",
                        first + 1,
                        second + 1,
                        field.name
                    ));
                }
            }
        }
        Ok(places)
    }

    /// The field of this name, as JSON lines have it.
    pub(super) fn field(&self, name: &str) -> Option<&'static str> {
        let name = folded(name);
        let is = |field: &&Field| match self.given.get(field.name) {
            Some(given) => *given == name,
            None => field.name == name || field.headers.iter().any(|known| folded(known) == name),
        };
        self.fields.iter().find(is).map(|field| field.name)
    }

    /// Fields that a row cannot do without.
    pub(super) fn needed(&self) -> impl Iterator<Item = &'static str> {
        self.fields.iter().filter(|field| field.needed).map(|field| field.name)
    }
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    columns: BTreeMap<String, String>,
}

/// A header without blanks, in one form of each character and without case.
fn folded(header: &str) -> String {
    let plain = header.trim_start_matches('\u{feff}').nfkc().filter(|c| !c.is_whitespace() && !c.is_control());
    plain.flat_map(char::to_lowercase).collect()
}
