//! Who did something: the house itself, a person, the host's admin, a run or a plugin.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The one who acts, written `system:engine`, `person:<id>`, `admin:<name>`,
/// `run:<id>` or `plugin:<name>@<version>`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Actor {
    /// A part of the house.
    System(String),
    /// A person, by the id the policy pack gives.
    Person(String),
    /// An admin of the host, by the name that the bearer of its token gives.
    Admin(String),
    /// A workflow run.
    Run(String),
    /// A plugin, `name@version`.
    Plugin(String),
}

impl Actor {
    /// Reads the written form.
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, name) = text.split_once(':')?;
        if name.is_empty() {
            return None;
        }
        let name = name.to_owned();
        match kind {
            "system" => Some(Self::System(name)),
            "person" => Some(Self::Person(name)),
            "admin" => Some(Self::Admin(name)),
            "run" => Some(Self::Run(name)),
            "plugin" => Some(Self::Plugin(name)),
            _ => None,
        }
    }

    /// The person's id, if it is a person.
    pub fn person(&self) -> Option<&str> {
        match self {
            Self::Person(id) => Some(id),
            _ => None,
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System(name) => write!(f, "system:{name}"),
            Self::Person(id) => write!(f, "person:{id}"),
            Self::Admin(name) => write!(f, "admin:{name}"),
            Self::Run(id) => write!(f, "run:{id}"),
            Self::Plugin(name) => write!(f, "plugin:{name}"),
        }
    }
}

impl Serialize for Actor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Actor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            serde::de::Error::custom(format!(
                "`{text}` names no actor; write system:…, person:…, admin:…, run:… or plugin:…"
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read_back() {
        for text in ["system:engine", "person:lin", "admin:wang", "run:0190", "plugin:feed@0.1.0"] {
            assert_eq!(Actor::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Actor::parse("lin"), None);
        assert_eq!(Actor::parse("person:"), None);
        assert_eq!(Actor::parse("robot:x"), None);
    }
}
