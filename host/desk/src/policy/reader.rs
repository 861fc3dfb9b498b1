//! Reads values out of JSON and gathers everything that is wrong, instead of
//! stopping at the first fault.
//!
//! Each `read` function gives `None` where it has reported a problem, so a
//! caller can go on with the rest and give up at the end.

use std::cell::RefCell;
use std::fmt;

use serde_json::{Map, Value};

use super::position::{Place, Positions, escape};
use crate::level::Level;
use crate::text::Name;

/// One thing that is wrong with a pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file's name, as given.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// JSON pointer of the value.
    pub pointer: String,
    /// What is wrong.
    pub message: String,
    /// How to mend it.
    pub hint: String,
}

impl Problem {
    /// What is wrong with a value of a pack whose text was read before: its line and column are
    /// looked up by its pointer.
    pub fn at(text: &str, file: &str, pointer: &str, message: String, hint: &str) -> Self {
        let place = Positions::of(text).value(pointer);
        let (file, pointer, hint) = (file.to_owned(), pointer.to_owned(), hint.to_owned());
        Self { file, line: place.line, column: place.column, pointer, message, hint }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, column, pointer, message, hint } = self;
        let pointer = if pointer.is_empty() { "/" } else { pointer };
        write!(f, "{file}:{line}:{column}: {message} (at {pointer})")?;
        if !hint.is_empty() {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}

/// Gathers the problems of one text.
pub(crate) struct Reader<'a> {
    file: &'a str,
    positions: &'a Positions,
    problems: RefCell<Vec<Problem>>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(file: &'a str, positions: &'a Positions) -> Self {
        let reader = Self { file, positions, problems: RefCell::default() };
        for (pointer, place) in &positions.twice {
            reader.push(pointer, *place, "this key occurs twice".to_owned(), "keep one of them");
        }
        reader
    }

    pub(crate) fn root(&'a self, value: &'a Value) -> Node<'a> {
        Node { value, pointer: String::new(), reader: self }
    }

    pub(crate) fn report(&self, pointer: &str, message: String, hint: &str) {
        self.push(pointer, self.positions.value(pointer), message, hint);
    }

    fn push(&self, pointer: &str, place: Place, message: String, hint: &str) {
        self.problems.borrow_mut().push(Problem {
            file: self.file.to_owned(),
            line: place.line,
            column: place.column,
            pointer: pointer.to_owned(),
            message,
            hint: hint.to_owned(),
        });
    }

    /// All problems, in the order of the text.
    pub(crate) fn finish(self) -> Vec<Problem> {
        let mut problems = self.problems.into_inner();
        problems.sort_by_key(|p| (p.line, p.column));
        problems
    }
}

/// A value and its place.
#[derive(Clone)]
pub(crate) struct Node<'a> {
    pub(crate) value: &'a Value,
    pub(crate) pointer: String,
    reader: &'a Reader<'a>,
}

impl<'a> Node<'a> {
    pub(crate) fn problem<T>(&self, message: impl Into<String>, hint: &str) -> Option<T> {
        self.reader.report(&self.pointer, message.into(), hint);
        None
    }

    fn wrong_type<T>(&self, wanted: &str) -> Option<T> {
        let found = match self.value {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "a text",
            Value::Array(_) => "a list",
            Value::Object(_) => "an object",
        };
        self.problem(format!("{wanted} is wanted here, not {found}"), "")
    }

    /// The object, its keys checked against `known`.
    pub(crate) fn object(&self, known: &[&str]) -> Option<Object<'a>> {
        let Some(map) = self.value.as_object() else { return self.wrong_type("an object") };
        for key in map.keys().filter(|key| !known.contains(&key.as_str())) {
            let pointer = format!("{}/{}", self.pointer, escape(key));
            let hint = match nearest(key, known) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known here: {}", known.join(", ")),
            };
            let place = self.reader.positions.key(&pointer);
            self.reader.push(&pointer, place, format!("unknown key `{key}`"), &hint);
        }
        Some(Object { node: self.clone(), map })
    }

    pub(crate) fn list(&self) -> Option<Vec<Node<'a>>> {
        let Some(list) = self.value.as_array() else { return self.wrong_type("a list") };
        Some(
            list.iter()
                .enumerate()
                .map(|(i, value)| Node { value, pointer: format!("{}/{i}", self.pointer), reader: self.reader })
                .collect(),
        )
    }

    /// A list, each entry read by `read`, also those after a faulty one.
    pub(crate) fn list_of<T>(&self, read: impl Fn(&Node<'a>) -> Option<T>) -> Option<Vec<T>> {
        let entries: Vec<Option<T>> = self.list()?.iter().map(read).collect();
        entries.into_iter().collect()
    }

    /// A text that is not blank.
    pub(crate) fn text(&self) -> Option<String> {
        match self.value.as_str() {
            Some(text) if text.trim().is_empty() => self.problem("the text is empty", "write it, or leave the key out"),
            Some(text) => Some(text.to_owned()),
            None => self.wrong_type("a text"),
        }
    }

    pub(crate) fn bool(&self) -> Option<bool> {
        self.value.as_bool().or_else(|| self.wrong_type("true or false"))
    }

    /// `{"zh": …, "en": …}`.
    pub(crate) fn name(&self) -> Option<Name> {
        let object = self.object(&["zh", "en"])?;
        Some(Name { zh: object.need("zh")?.text()?, en: object.get("en").and_then(|n| n.text()) })
    }

    /// A code: lower case letters, digits and `-`, beginning with a letter.
    pub(crate) fn code(&self) -> Option<String> {
        let text = self.text()?;
        let good = text.len() <= 64
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        if good {
            return Some(text);
        }
        self.problem(
            format!("`{text}` is not a code"),
            "begin with a letter; then lower case letters, digits and `-`, at most 64",
        )
    }

    /// Exactly `count` digits.
    pub(crate) fn digits(&self, count: usize) -> Option<String> {
        let text = self.text()?;
        if text.len() == count && text.bytes().all(|b| b.is_ascii_digit()) {
            return Some(text);
        }
        self.problem(format!("`{text}` is not a text of {count} digits"), "keep the leading zeros, within quotes")
    }

    /// One of a few words.
    pub(crate) fn choice<T: Copy>(&self, choices: &[(&str, T)]) -> Option<T> {
        let text = self.text()?;
        if let Some((_, value)) = choices.iter().find(|(word, _)| *word == text) {
            return Some(*value);
        }
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        self.problem(format!("`{text}` is not known here"), &format!("one of: {}", words.join(", ")))
    }

    pub(crate) fn level(&self) -> Option<Level> {
        let text = self.text()?;
        Level::parse(&text).or_else(|| self.problem(format!("`{text}` is no level"), "one of: I, II, III, IV"))
    }

    /// Levels, none twice, at least one.
    pub(crate) fn levels(&self) -> Option<Vec<Level>> {
        let mut levels = Vec::new();
        for node in self.list()? {
            let level = node.level()?;
            if levels.contains(&level) {
                return node.problem(format!("level {level} occurs twice"), "keep one of them");
            }
            levels.push(level);
        }
        if levels.is_empty() {
            return self.problem("no level is given", "name at least one of I, II, III, IV");
        }
        Some(levels)
    }
}

/// An object and its place.
pub(crate) struct Object<'a> {
    pub(crate) node: Node<'a>,
    map: &'a Map<String, Value>,
}

impl<'a> Object<'a> {
    /// The value of a key; `null` counts as absent.
    pub(crate) fn get(&self, key: &str) -> Option<Node<'a>> {
        let value = self.map.get(key).filter(|value| !value.is_null())?;
        let pointer = format!("{}/{}", self.node.pointer, escape(key));
        Some(Node { value, pointer, reader: self.node.reader })
    }

    /// Reports a problem at a place below this object, such as `/units/2/parent`.
    pub(crate) fn problem_at(&self, below: &str, message: String, hint: &str) {
        self.node.reader.report(&format!("{}{below}", self.node.pointer), message, hint);
    }

    /// The value of a key that must be there.
    pub(crate) fn need(&self, key: &str) -> Option<Node<'a>> {
        self.get(key).or_else(|| self.node.problem(format!("`{key}` is missing"), &format!("add `{key}`")))
    }
}

/// The known word that is closest to what was written, if it is close.
fn nearest<'w>(word: &str, known: &[&'w str]) -> Option<&'w str> {
    let near = known.iter().map(|k| (distance(word, k), *k)).min()?;
    (near.0 <= 2 && near.0 < word.chars().count()).then_some(near.1)
}

/// Levenshtein's distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let cost = diagonal + usize::from(ca != *cb);
            diagonal = row[j + 1];
            row[j + 1] = cost.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_is_recognised() {
        assert_eq!(nearest("anchr", &["anchor", "allowance"]), Some("anchor"));
        assert_eq!(nearest("levels", &["anchor", "allowance"]), None);
        assert_eq!(nearest("x", &["on"]), None);
    }
}
