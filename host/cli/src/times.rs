//! Times on the command line.

use huiyin_deadline::Zone;
use jiff::Timestamp;
use jiff::civil::DateTime;

use crate::output::Failure;

/// Reads a time: RFC 3339 with its offset, or a date with or without a time of
/// day, in the given zone.
///
/// # Errors
/// When it is neither, or lies in an hour that the zone skips.
pub(crate) fn read_time(option: &str, text: &str, zone: &Zone) -> Result<Timestamp, Failure> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    let wrong =
        || Failure::invalid(format_args!("{option}: `{text}` is no time; write it as 2024-03-01T08:00:00+08:00"));
    let civil: DateTime = text.parse().map_err(|_| wrong())?;
    let time = zone.time_zone().to_ambiguous_timestamp(civil);
    time.unambiguous().map_err(|_| {
        Failure::invalid(format_args!("{option}: the clock of {zone} shows `{text}` twice or never; give its offset, as in 2024-03-01T08:00:00+08:00"))
    })
}

/// A time as RFC 3339 with the zone's offset; `Z` in UTC.
pub(crate) fn in_zone(time: Timestamp, zone: &Zone) -> String {
    if zone.name() == "UTC" {
        return time.to_string();
    }
    time.display_with_offset(zone.time_zone().to_offset(time)).to_string()
}
