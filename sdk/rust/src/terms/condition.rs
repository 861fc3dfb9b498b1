//! Boolean rules over terms, as people write them in a configuration.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Hits, Terms};
use crate::{BTreeSet, Error};

/// A term, or a group of conditions.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[serde(untagged)]
pub enum Condition {
    /// Holds where the text contains it. Letters A–Z match in either case and
    /// in full width; white space between Chinese characters does not count.
    Term(String),
    /// Holds where one of the terms is contained.
    Terms(Vec<String>),
    /// Holds where each of its parts does.
    Group(Group),
}

/// `all`, `any` and `not` together: each part that is given must hold.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Group {
    /// Each of these holds.
    #[serde(default)]
    pub all: Vec<Condition>,
    /// At least one of these holds.
    #[serde(default)]
    pub any: Vec<Condition>,
    /// None of these holds.
    #[serde(default)]
    pub not: Vec<Condition>,
}

/// A condition over the numbers of terms, ready to be held against a text's [`Hits`].
#[derive(Debug)]
pub struct Test(Kind);

#[derive(Debug)]
enum Kind {
    Any(Vec<usize>),
    Group { all: Vec<Test>, any: Vec<Test>, not: Vec<Test> },
}

impl Condition {
    /// Adds its terms to those that are looked for. `at` writes where the condition stands, for an error.
    ///
    /// # Errors
    /// `InvalidConfig` with the place of an empty term or list, or of a group of exclusions alone.
    pub fn compile<'a>(&'a self, at: &dyn Fn() -> String, terms: &mut Terms<'a>) -> Result<Test, Error> {
        let empty = |at: &str| wrong(at, "the term is empty; it would match everything");
        match self {
            Self::Term(term) => Ok(Test(Kind::Any(vec![terms.add(term).ok_or_else(|| empty(&at()))?]))),
            Self::Terms(list) if list.is_empty() => {
                Err(wrong(&at(), "the list of terms is empty; it would never hold"))
            }
            Self::Terms(list) => list
                .iter()
                .enumerate()
                .map(|(n, term)| terms.add(term).ok_or_else(|| empty(&format!("{}/{n}", at()))))
                .collect::<Result<_, _>>()
                .map(|terms| Test(Kind::Any(terms))),
            Self::Group(group) => {
                if group.all.is_empty() && group.any.is_empty() {
                    return Err(wrong(&at(), "a group needs `all` or `any`; `not` alone fits almost everything"));
                }
                let mut part = |name: &str, list: &'a [Condition]| {
                    list.iter()
                        .enumerate()
                        .map(|(n, condition)| condition.compile(&|| format!("{}/{name}/{n}", at()), terms))
                        .collect::<Result<Vec<_>, _>>()
                };
                Ok(Test(Kind::Group {
                    all: part("all", &group.all)?,
                    any: part("any", &group.any)?,
                    not: part("not", &group.not)?,
                }))
            }
        }
    }
}

impl Test {
    /// Whether it holds; `seen` gathers the terms that made it hold.
    pub fn holds(&self, hits: &Hits, seen: &mut BTreeSet<usize>) -> bool {
        match &self.0 {
            Kind::Any(terms) => {
                let mut any = false;
                for &term in terms {
                    if hits.contains(term) {
                        any = true;
                        seen.insert(term);
                    }
                }
                any
            }
            Kind::Group { all, any, not } => {
                if not.iter().any(|test| test.holds(hits, &mut BTreeSet::new())) {
                    return false;
                }
                if !all.iter().all(|test| test.holds(hits, seen)) {
                    return false;
                }
                // Each alternative is looked at, for the reasons' sake.
                any.is_empty() || any.iter().filter(|test| test.holds(hits, seen)).count() > 0
            }
        }
    }
}

fn wrong(pointer: &str, why: &str) -> Error {
    Error::InvalidConfig(format!("at {pointer}: {why}"))
}
