//! Zones by name: abbreviations that mean one offset everywhere, and the IANA
//! names that feeds write, as rules and not as a database, which would make each
//! collector larger.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};

/// What a text says of its zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Zone {
    /// East of Greenwich, in seconds.
    Fixed(i32),
    /// A rule of POSIX, and the year since which it has held.
    Rule(&'static str, i16),
    /// `CST`: China, or the middle of North America, as the source is set.
    Cst,
}

impl Zone {
    /// The moment; none where the offset, or the rule in that year, is not known.
    pub(super) fn moment(self, at: DateTime, cst: Offset) -> Option<Timestamp> {
        match self {
            Self::Fixed(seconds) => Offset::from_seconds(seconds).ok()?.to_timestamp(at).ok(),
            Self::Cst => cst.to_timestamp(at).ok(),
            Self::Rule(_, since) if at.year() < since => None,
            Self::Rule(rule, _) => {
                let zoned = TimeZone::posix(rule).ok()?.to_ambiguous_zoned_datetime(at);
                // An hour that is skipped or comes twice is not guessed at.
                zoned.unambiguous().ok().map(|zoned| zoned.timestamp())
            }
        }
    }
}

const HOUR: i32 = 3600;

/// By its abbreviation, in lower case. Those that mean several offsets (`ist`,
/// `bst`, `ast`), and the single letters of RFC 822, which were defined the
/// wrong way round (RFC 2822 §4.3), are not understood.
pub(super) fn abbreviation(name: &str) -> Option<Zone> {
    let hours = match name {
        "z" | "utc" | "gmt" | "ut" | "wet" => 0,
        "cst" => return Some(Zone::Cst),
        "bjt" | "hkt" | "sgt" | "awst" | "myt" => 8,
        "jst" | "kst" => 9,
        "ict" | "wib" => 7,
        "est" => -5,
        "edt" => -4,
        "cdt" | "mst" => {
            if name == "cdt" {
                -5
            } else {
                -7
            }
        }
        "mdt" => -6,
        "pst" | "akdt" => -8,
        "pdt" => -7,
        "akst" => -9,
        "hst" => -10,
        "cet" | "west" | "mez" => 1,
        "cest" | "eet" | "mesz" => 2,
        "eest" | "msk" => 3,
        "aest" => 10,
        "aedt" => 11,
        "nzst" => 12,
        "nzdt" => 13,
        _ => return None,
    };
    Some(Zone::Fixed(hours * HOUR))
}

/// By its IANA name.
pub(super) fn named(name: &str) -> Option<Zone> {
    const US: i16 = 2007; // Energy Policy Act of 2005
    const EU: i16 = 1996; // Directive 94/21/EC
    Some(match name {
        "Asia/Shanghai" | "Asia/Chongqing" | "Asia/Harbin" | "Asia/Beijing" | "Asia/Macau" => Zone::Rule("CST-8", 1992),
        "Asia/Urumqi" | "Asia/Kashgar" => Zone::Rule("<+06>-6", 1992),
        "Asia/Hong_Kong" => Zone::Rule("HKT-8", 1980),
        "Asia/Taipei" => Zone::Rule("CST-8", 1980),
        "Asia/Singapore" | "Asia/Kuala_Lumpur" => Zone::Rule("<+08>-8", 1982),
        "Asia/Manila" => Zone::Rule("PST-8", 1991),
        "Asia/Tokyo" => Zone::Rule("JST-9", 1952),
        "Asia/Seoul" => Zone::Rule("KST-9", 1989),
        "Asia/Bangkok" | "Asia/Ho_Chi_Minh" | "Asia/Saigon" | "Asia/Jakarta" => Zone::Rule("<+07>-7", 1980),
        "Asia/Yangon" | "Asia/Rangoon" => Zone::Rule("<+0630>-6:30", 1946),
        "Asia/Kolkata" | "Asia/Calcutta" => Zone::Rule("IST-5:30", 1946),
        "Asia/Kathmandu" => Zone::Rule("<+0545>-5:45", 1986),
        "Asia/Dubai" => Zone::Rule("<+04>-4", 1980),
        "Etc/UTC" | "Etc/GMT" | "Africa/Abidjan" => Zone::Fixed(0),
        "America/New_York" | "America/Toronto" | "US/Eastern" => Zone::Rule("EST5EDT,M3.2.0,M11.1.0", US),
        "America/Chicago" | "US/Central" => Zone::Rule("CST6CDT,M3.2.0,M11.1.0", US),
        "America/Denver" | "US/Mountain" => Zone::Rule("MST7MDT,M3.2.0,M11.1.0", US),
        "America/Phoenix" => Zone::Rule("MST7", 1968),
        "America/Los_Angeles" | "America/Vancouver" | "US/Pacific" => Zone::Rule("PST8PDT,M3.2.0,M11.1.0", US),
        "Europe/London" | "Europe/Dublin" => Zone::Rule("GMT0BST,M3.5.0/1,M10.5.0", EU),
        "Europe/Lisbon" => Zone::Rule("WET0WEST,M3.5.0/1,M10.5.0", 1997),
        "Europe/Paris" | "Europe/Berlin" | "Europe/Madrid" | "Europe/Rome" | "Europe/Amsterdam" | "Europe/Brussels"
        | "Europe/Vienna" | "Europe/Zurich" | "Europe/Stockholm" | "Europe/Oslo" | "Europe/Copenhagen"
        | "Europe/Warsaw" | "Europe/Prague" | "Europe/Budapest" => Zone::Rule("CET-1CEST,M3.5.0,M10.5.0/3", EU),
        "Europe/Athens" | "Europe/Helsinki" => Zone::Rule("EET-2EEST,M3.5.0/3,M10.5.0/4", EU),
        "Europe/Moscow" => Zone::Rule("MSK-3", 2015),
        "Australia/Sydney" | "Australia/Melbourne" => Zone::Rule("AEST-10AEDT,M10.1.0,M4.1.0/3", 2009),
        _ => return None,
    })
}
