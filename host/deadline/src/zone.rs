//! A time zone by its IANA name, so that it can be stored and compared.

use std::fmt;
use std::str::FromStr;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// A time zone that is known to exist, kept with its name.
///
/// In JSON and text it is the IANA name: `"Asia/Shanghai"`, `"UTC"`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone(TimeZone);

/// A name that is no IANA time zone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{name}\" is no time zone; use an IANA name such as \"Asia/Shanghai\" or \"UTC\"")]
pub struct ZoneError {
    /// What was given.
    pub name: String,
}

impl Zone {
    /// Looks a zone up by its IANA name.
    pub fn named(name: &str) -> Result<Self, ZoneError> {
        let error = || ZoneError { name: name.to_owned() };
        let zone = TimeZone::get(name).map_err(|_| error())?;
        if zone.iana_name().is_none() {
            return Err(error());
        }
        Ok(Self(zone))
    }

    /// The IANA name.
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// The zone itself.
    pub fn time_zone(&self) -> &TimeZone {
        &self.0
    }
}

/// `Asia/Shanghai`: the zone of the regulation, used wherever none is given. Should the compiled-in database
/// ever lack it, its fixed offset is the same at every instant since 1991-09-15.
impl Default for Zone {
    fn default() -> Self {
        Self::named("Asia/Shanghai").unwrap_or_else(|_| Self(TimeZone::fixed(jiff::tz::offset(8))))
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Zone {
    type Err = ZoneError;
    fn from_str(name: &str) -> Result<Self, ZoneError> {
        Self::named(name)
    }
}

impl TryFrom<String> for Zone {
    type Error = ZoneError;
    fn try_from(name: String) -> Result<Self, ZoneError> {
        Self::named(&name)
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> Self {
        zone.name().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_go_by_name_both_ways() {
        for name in ["Asia/Shanghai", "UTC", "Europe/Berlin"] {
            let zone: Zone = serde_json::from_value(name.into()).unwrap();
            assert_eq!(serde_json::to_value(&zone).unwrap(), name);
        }
        assert_eq!(Zone::default().name(), "Asia/Shanghai");
    }

    #[test]
    fn an_unknown_zone_is_refused_with_an_example() {
        for name in ["Mars/Olympus", "", "+08:00", "北京"] {
            let error = Zone::named(name).unwrap_err().to_string();
            assert!(error.contains("Asia/Shanghai") && error.contains(name), "{error}");
        }
    }
}
