//! JSON of an instant: RFC 3339 and nothing looser. Written in UTC; read with any offset. A year
//! before 0 is beyond RFC 3339; it is written with a sign and six digits (ISO 8601), and read so, since
//! what was once recorded is read for ever.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serializer, de::Error};

fn parse(text: &str) -> Option<Timestamp> {
    let (date_time, offset) = text.split_at(text.find(['Z', '+']).or_else(|| text.rfind('-').filter(|at| *at > 0))?);
    let (seconds, fraction) = match date_time.split_once('.') {
        Some((seconds, fraction)) => (seconds, Some(fraction)),
        None => (date_time, None),
    };
    let shaped = (like(seconds, "0000-00-00T00:00:00") || like(seconds, "-000000-00-00T00:00:00"))
        && (offset == "Z" || like(offset, "+00:00") || like(offset, "-00:00"))
        && fraction.is_none_or(|digits| (1..=9).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()));
    if shaped { text.parse().ok() } else { None }
}

/// Whether the text has the shape: a digit for every 0, everything else as it is.
fn like(text: &str, shape: &str) -> bool {
    text.len() == shape.len()
        && text.bytes().zip(shape.bytes()).all(
            |(byte, shape)| {
                if shape == b'0' { byte.is_ascii_digit() } else { byte == shape }
            },
        )
}

#[allow(clippy::trivially_copy_pass_by_ref)] // the shape serde asks for
pub(crate) fn serialize<S: Serializer>(value: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(value)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
    let text = String::deserialize(from)?;
    parse(&text).ok_or_else(|| {
        D::Error::custom(format!(
            "\"{text}\" is no RFC 3339 time; write it as \"2024-03-01T10:00:00Z\" or with an offset, \"+08:00\""
        ))
    })
}

pub(crate) mod option {
    use jiff::Timestamp;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Stamp(#[serde(with = "super")] Timestamp);

    #[allow(clippy::ref_option)] // the shape serde asks for
    pub(crate) fn serialize<S: Serializer>(value: &Option<Timestamp>, to: S) -> Result<S::Ok, S::Error> {
        value.map(Stamp).serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
        Ok(Option::<Stamp>::deserialize(from)?.map(|stamp| stamp.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_rfc_3339_is_read() {
        let same: Timestamp = "2024-03-01T10:00:00Z".parse().unwrap();
        for text in ["2024-03-01T10:00:00Z", "2024-03-01T18:00:00+08:00", "2024-03-01T05:00:00.000-05:00"] {
            assert_eq!(parse(text), Some(same), "{text}");
        }
        for text in [
            "2024-03-01T10:00:00",
            "2024-03-01 10:00:00Z",
            "2024-03-01T10:00Z",
            "20240301T100000Z",
            "2024-03-01T10:00:00+08",
            "2024-03-01T10:00:00.Z",
            "2024-03-01T18:00:00+08:00[Asia/Shanghai]",
            "2024-02-30T10:00:00Z",
            "2024-03-01",
            "-000000-03-01T10:00:00Z",
            "+002024-03-01T10:00:00Z",
            "-2024-03-01T10:00:00Z",
            "每",
            "",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(second in Timestamp::MIN.as_second() + 1..Timestamp::MAX.as_second(), nanos in 0i32..1_000_000_000) {
            let at = Timestamp::new(second, nanos).unwrap();
            prop_assert_eq!(parse(&at.to_string()), Some(at));
        }

        #[test]
        fn reading_never_panics(text in ".*") {
            let _ = parse(&text);
        }
    }
}
