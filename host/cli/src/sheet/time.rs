//! Times as tables write them, read strictly: what is not understood is no time.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use unicode_normalization::UnicodeNormalization as _;

/// A moment: RFC 3339 with its offset, or wall time in `zone`.
///
/// Known are `2026-03-01 08:30`, `2026/3/1 8:30:05`, `2026.3.1 8:30`, `2026年3月1日 8时30分5秒`, with 上午/下午/凌晨/晚上/AM/PM,
/// and `20260301083000`.
///
/// # Errors
/// Says that it is no time, or none that exists.
pub(crate) fn moment(text: &str, zone: &TimeZone) -> Result<Timestamp, String> {
    let plain: String = text.nfkc().collect();
    let plain = plain.trim();
    if let Ok(at) = plain.parse::<Timestamp>() {
        return Ok(at);
    }
    let no_time = || format!("`{}` is no time; write 2026-03-01 08:30:00", super::shown(text));
    let wall = wall(plain).ok_or_else(no_time)?;
    // A wall time that the zone skips or has twice is taken as the zone had it before.
    zone.to_timestamp(wall).map_err(|_| no_time())
}

fn wall(text: &str) -> Option<DateTime> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let part = |from: usize, to: usize| text.get(from..to)?.parse::<i16>().ok();
    if digits && text.len() == 14 {
        return civil([part(0, 4)?, part(4, 6)?, part(6, 8)?, part(8, 10)?, part(10, 12)?, part(12, 14)?]);
    }
    if digits && text.len() == 12 {
        return civil([part(0, 4)?, part(4, 6)?, part(6, 8)?, part(8, 10)?, part(10, 12)?, 0]);
    }
    let mut rest = text;
    let year = number(&mut rest)?;
    one_of(&mut rest, &["-", "/", ".", "年"])?;
    let month = number(&mut rest)?;
    one_of(&mut rest, &["-", "/", ".", "月"])?;
    let day = number(&mut rest)?;
    let _ = one_of(&mut rest, &["日", "号"]);
    rest = rest.strip_prefix('T').unwrap_or(rest).trim_start();
    let mut half = half(&mut rest);
    let hour = number(&mut rest)?;
    one_of(&mut rest, &[":", "时", "点"])?;
    let minute = if rest.trim().is_empty() { 0 } else { number(&mut rest)? };
    let mut second = 0;
    if one_of(&mut rest, &[":"]).is_some() {
        second = number(&mut rest)?;
        // Fractions of a second say nothing here.
        if let Some(fraction) = rest.strip_prefix('.') {
            rest = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
        }
    } else if one_of(&mut rest, &["分"]).is_some() && rest.starts_with(|c: char| c.is_ascii_digit()) {
        second = number(&mut rest)?;
        one_of(&mut rest, &["秒"])?;
    }
    rest = rest.trim();
    if half.is_none() {
        half = self::half(&mut rest);
    }
    if !rest.is_empty() {
        return None;
    }
    let hour = match half {
        None => hour,
        Some(_) if !(0..=12).contains(&hour) => return None,
        Some(false) => hour % 12,
        Some(true) => hour % 12 + 12,
    };
    civil([year, month, day, hour, minute, second])
}

/// True for the second half of the day, false for the first.
fn half(rest: &mut &str) -> Option<bool> {
    for (word, second) in [
        ("上午", false),
        ("早上", false),
        ("凌晨", false),
        ("AM", false),
        ("am", false),
        ("下午", true),
        ("晚上", true),
    ]
    .into_iter()
    .chain([("PM", true), ("pm", true)])
    {
        if let Some(after) = rest.strip_prefix(word) {
            *rest = after.trim_start();
            return Some(second);
        }
    }
    None
}

fn number(rest: &mut &str) -> Option<i16> {
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let value = rest.get(..end).filter(|digits| (1..=4).contains(&digits.len()))?.parse().ok()?;
    *rest = rest.get(end..)?;
    Some(value)
}

fn one_of(rest: &mut &str, marks: &[&str]) -> Option<()> {
    let after = marks.iter().find_map(|mark| rest.strip_prefix(mark))?;
    *rest = after;
    Some(())
}

fn civil([year, month, day, hour, minute, second]: [i16; 6]) -> Option<DateTime> {
    let small = |value: i16| i8::try_from(value).ok();
    if year < 1_000 {
        return None;
    }
    DateTime::new(year, small(month)?, small(day)?, small(hour)?, small(minute)?, small(second)?, 0).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_they_are_written_or_not_at_all() {
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        for text in [
            "2026-03-01 08:30:00",
            "2026/3/1 8:30",
            "2026.3.1 8:30:00",
            "2026年3月1日 8时30分",
            "2026年3月1日上午8点30分",
            "2026-03-01T08:30:00",
            "2026-03-01T00:30:00Z",
            "2026-03-01T08:30:00+08:00",
            "20260301083000",
            "２０２６－０３－０１ ０８：３０",
            "2026/3/1 8:30:00 AM",
            "2026-03-01 08:30:00.000",
        ] {
            assert_eq!(moment(text, &zone).unwrap().to_string(), "2026-03-01T00:30:00Z", "{text}");
        }
        assert_eq!(moment("2026-3-1 下午 1:05", &zone).unwrap().to_string(), "2026-03-01T05:05:00Z");
        assert_eq!(moment("2026-3-1 凌晨12:05", &zone).unwrap().to_string(), "2026-02-28T16:05:00Z");
        for text in
            ["", "昨天", "2026-02-30 08:30", "2026-03-01", "26-3-1 8:30", "2026-03-01 25:00", "2026-03-01 08:30 x"]
        {
            assert!(moment(text, &zone).unwrap_err().contains("is no time"), "{text}");
        }
    }
}
