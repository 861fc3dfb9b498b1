//! The four levels (等级) and how they compare.
//!
//! Names and colours follow 突发事件应对法 (2007 text, article 42), as the
//! regulation's figures do. A level is severity only; what follows from it
//! stands in the policy pack.

use std::cmp::Ordering;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How grave a matter is. `I` is the gravest, and the greatest in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Level {
    /// Ⅰ 特别重大, red.
    I,
    /// Ⅱ 重大, orange.
    II,
    /// Ⅲ 较大, yellow.
    III,
    /// Ⅳ 一般, blue.
    IV,
}

impl Level {
    /// All levels, the gravest first.
    pub const ALL: [Self; 4] = [Self::I, Self::II, Self::III, Self::IV];

    /// Reads `"I"`, `"II"`, `"III"` or `"IV"`.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name() == text)
    }

    /// The name used in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::I => "I",
            Self::II => "II",
            Self::III => "III",
            Self::IV => "IV",
        }
    }

    /// The name people read.
    pub fn zh(self) -> &'static str {
        match self {
            Self::I => "Ⅰ特别重大",
            Self::II => "Ⅱ重大",
            Self::III => "Ⅲ较大",
            Self::IV => "Ⅳ一般",
        }
    }

    /// The warning colour: `red`, `orange`, `yellow` or `blue`.
    pub fn colour(self) -> &'static str {
        match self {
            Self::I => "red",
            Self::II => "orange",
            Self::III => "yellow",
            Self::IV => "blue",
        }
    }

    /// True for the two levels the regulation calls major (重大), to which
    /// the one-hour report of clause 5e applies.
    pub fn is_major(self) -> bool {
        matches!(self, Self::I | Self::II)
    }

    fn severity(self) -> u8 {
        match self {
            Self::I => 4,
            Self::II => 3,
            Self::III => 2,
            Self::IV => 1,
        }
    }
}

impl PartialOrd for Level {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Level {
    fn cmp(&self, other: &Self) -> Ordering {
        self.severity().cmp(&other.severity())
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gravest_level_is_the_greatest() {
        assert!(Level::I > Level::II && Level::II > Level::III && Level::III > Level::IV);
        assert_eq!(Some(Level::II).max(None), Some(Level::II));
        assert_eq!([Level::IV, Level::I, Level::III].into_iter().max(), Some(Level::I));
    }

    #[test]
    fn json_uses_the_roman_names() {
        for level in Level::ALL {
            let json = serde_json::to_string(&level).unwrap();
            assert_eq!(json, format!("\"{}\"", level.name()));
            assert_eq!(Level::parse(level.name()), Some(level));
        }
        assert_eq!(Level::parse("V"), None);
    }
}
