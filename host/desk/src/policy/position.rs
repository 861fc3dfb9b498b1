//! Where each value of a JSON text stands, so that what is wrong with its
//! meaning can be named by line and column, as syntax errors are.
//!
//! Runs only over text that `serde_json` has already accepted: it looks for
//! places, it does not validate. It also finds keys that occur twice, which
//! `serde_json` would let pass, the last one winning.

use std::collections::HashMap;

/// A place in a text, both from 1; columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// The places of all values and keys of one text.
#[derive(Debug, Default)]
pub(crate) struct Positions {
    values: HashMap<String, Place>,
    keys: HashMap<String, Place>,
    /// Pointers of keys that stood there before.
    pub(crate) twice: Vec<(String, Place)>,
}

impl Positions {
    /// Scans a text that is JSON.
    pub(crate) fn of(text: &str) -> Self {
        let mut scan =
            Scan { chars: text.chars().peekable(), place: Place { line: 1, column: 1 }, found: Self::default() };
        scan.value(&mut String::new());
        scan.found
    }

    /// Where a value begins; the nearest enclosing one that is known.
    pub(crate) fn value(&self, pointer: &str) -> Place {
        let mut at = pointer;
        loop {
            if let Some(place) = self.values.get(at) {
                return *place;
            }
            match at.rfind('/') {
                Some(cut) => at = &at[..cut],
                None => return Place { line: 1, column: 1 },
            }
        }
    }

    /// Where a key stands, else where its object does.
    pub(crate) fn key(&self, pointer: &str) -> Place {
        self.keys.get(pointer).copied().unwrap_or_else(|| self.value(pointer))
    }
}

/// A pointer's part, escaped as RFC 6901 asks.
pub(crate) fn escape(part: &str) -> String {
    part.replace('~', "~0").replace('/', "~1")
}

struct Scan<'a> {
    chars: std::iter::Peekable<std::str::Chars<'a>>,
    place: Place,
    found: Positions,
}

impl Scan<'_> {
    fn next(&mut self) -> Option<char> {
        let c = self.chars.next()?;
        if c == '\n' {
            self.place = Place { line: self.place.line + 1, column: 1 };
        } else {
            self.place.column += 1;
        }
        Some(c)
    }

    fn blank(&mut self) -> Option<char> {
        while self.chars.peek().is_some_and(char::is_ascii_whitespace) {
            self.next();
        }
        self.chars.peek().copied()
    }

    // The depth is bounded by serde_json's own recursion limit, which the
    // text has passed.
    fn value(&mut self, pointer: &mut String) {
        let first = self.blank();
        self.found.values.insert(pointer.clone(), self.place);
        let base = pointer.len();
        match first {
            Some('{') => {
                self.next();
                while let Some(c) = self.blank() {
                    match c {
                        '"' => {
                            let at = self.place;
                            let key = self.string();
                            pointer.push('/');
                            pointer.push_str(&escape(&key));
                            if self.found.keys.insert(pointer.clone(), at).is_some() {
                                self.found.twice.push((pointer.clone(), at));
                            }
                            if self.blank() == Some(':') {
                                self.next();
                            }
                            self.value(pointer);
                            pointer.truncate(base);
                        }
                        '}' => {
                            self.next();
                            break;
                        }
                        _ => {
                            self.next();
                        }
                    }
                }
            }
            Some('[') => {
                self.next();
                let mut index = 0_usize;
                while let Some(c) = self.blank() {
                    match c {
                        ']' => {
                            self.next();
                            break;
                        }
                        ',' => {
                            self.next();
                        }
                        _ => {
                            pointer.push('/');
                            pointer.push_str(&index.to_string());
                            self.value(pointer);
                            pointer.truncate(base);
                            index += 1;
                        }
                    }
                }
            }
            Some('"') => {
                self.string();
            }
            _ => {
                while self.chars.peek().is_some_and(|c| !matches!(c, ',' | ']' | '}') && !c.is_ascii_whitespace()) {
                    self.next();
                }
            }
        }
    }

    fn string(&mut self) -> String {
        let mut raw = String::new();
        raw.extend(self.next());
        while let Some(c) = self.next() {
            raw.push(c);
            match c {
                '\\' => raw.extend(self.next()),
                '"' => break,
                _ => {}
            }
        }
        serde_json::from_str(&raw).unwrap_or(raw)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_keys_have_their_places() {
        let text = "{\n  \"单位\": [1,\n    {\"a/b\": \"x\\\"}\"}],\n  \"n\": null\n}";
        let found = Positions::of(text);
        assert_eq!(found.value(""), Place { line: 1, column: 1 });
        assert_eq!(found.key("/单位"), Place { line: 2, column: 3 });
        assert_eq!(found.value("/单位/0"), Place { line: 2, column: 10 });
        assert_eq!(found.value("/单位/1/a~1b"), Place { line: 3, column: 13 });
        assert_eq!(found.value("/n"), Place { line: 4, column: 8 });
        // What is not there is named by what encloses it.
        assert_eq!(found.value("/单位/1/missing/deeper"), Place { line: 3, column: 5 });
        assert!(found.twice.is_empty());
    }

    #[test]
    fn a_key_that_occurs_twice_is_found() {
        let found = Positions::of("{\"a\": 1, \"b\": 2,\n \"a\": 3}");
        assert_eq!(found.twice, [("/a".to_owned(), Place { line: 2, column: 2 })]);
    }
}
