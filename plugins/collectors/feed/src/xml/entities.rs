//! References in XML: the five of XML, the names of HTML, and those that the
//! document's own type defines.

use huiyin_sdk::{HashMap, text};

/// How many definitions are kept, and how long each may be.
const MOST: usize = 200;
const LONGEST: usize = 1_000;

/// How much their use may add to a document, in bytes.
const BUDGET: usize = 1 << 20;

#[derive(Default)]
pub(super) struct Entities {
    own: HashMap<String, String>,
    spent: usize,
}

impl Entities {
    /// Takes the definitions in of a document type: texts only, nothing from elsewhere.
    pub(super) fn define(&mut self, doctype: &str) {
        for definition in doctype.split("<!ENTITY").skip(1).take(MOST) {
            let mut definition = definition.trim_start();
            let Some(end) = definition.find(char::is_whitespace) else { continue };
            let name = &definition[..end];
            definition = definition[end..].trim_start();
            let Some(quote) = definition.chars().next().filter(|c| matches!(c, '"' | '\'')) else { continue };
            let Some((value, _)) = definition[1..].split_once(quote) else { continue };
            if name != "%" && value.len() <= LONGEST {
                let value = self.unescape(value);
                self.own.entry(name.to_owned()).or_insert(value);
            }
        }
    }

    /// What a reference stands for; itself where nobody knows.
    pub(super) fn resolve(&mut self, name: &str) -> String {
        if let Some(own) = self.own.get(name)
            && self.spent + own.len() <= BUDGET
        {
            self.spent += own.len();
            return own.clone();
        }
        text::resolve(name).unwrap_or_else(|| format!("&{name};"))
    }

    /// The value of an attribute or definition.
    pub(super) fn unescape(&mut self, value: &str) -> String {
        let mut out = String::with_capacity(value.len());
        let mut rest = value;
        while let Some(at) = rest.find('&') {
            out.push_str(&rest[..at]);
            rest = &rest[at..];
            match rest.find(';').filter(|&end| end > 1 && end < 40 && !rest[1..end].contains(['&', ' '])) {
                Some(end) => {
                    out.push_str(&self.resolve(&rest[1..end]));
                    rest = &rest[end + 1..];
                }
                None => {
                    out.push('&');
                    rest = &rest[1..];
                }
            }
        }
        out.push_str(rest);
        out
    }
}
