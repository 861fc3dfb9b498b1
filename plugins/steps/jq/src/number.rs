//! Numbers as jq counts: 64-bit floats, and beside them integers of 64 bits
//! that stay exact where jq would round them. What comes of whole numbers is a
//! whole number again, so that `10 / 5` is written `2`.

#![allow(clippy::float_cmp)] // whether a float is whole, and jq's own `==`, are exact questions

use std::cmp::Ordering;
use std::fmt;

/// Whole floats up to here are integers.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A number.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Num {
    /// From -2⁶³ to 2⁶⁴ - 1.
    Int(i128),
    /// All others.
    Float(f64),
}

impl Num {
    /// The integer, or the nearest float where it has more than 64 bits.
    pub(crate) fn int(i: i128) -> Self {
        if (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(&i) { Self::Int(i) } else { Self::Float(i as f64) }
    }

    /// What a computation gave: a whole number is an integer.
    pub(crate) fn float(f: f64) -> Self {
        if f.trunc() == f && f.abs() <= EXACT { Self::Int(f as i128) } else { Self::Float(f) }
    }

    /// A number as JSON and jq programs write it.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if let Ok(i) = text.parse::<i128>() {
            return Some(Self::int(i));
        }
        text.parse().ok().map(Self::Float)
    }

    pub(crate) fn as_f64(self) -> f64 {
        match self {
            Self::Int(i) => i as f64,
            Self::Float(f) => f,
        }
    }

    /// The integer, also of a float that is one.
    pub(crate) fn whole(self) -> Option<i128> {
        match self {
            Self::Int(i) => Some(i),
            Self::Float(f) if f.trunc() == f && f.abs() < 1e18 => Some(f as i128),
            Self::Float(_) => None,
        }
    }

    /// Rounded towards nought, within 64 bits; not-a-number is nought.
    pub(crate) fn truncated(self) -> i64 {
        match self {
            Self::Int(i) => i64::try_from(i).unwrap_or(i64::MAX),
            Self::Float(f) => f as i64,
        }
    }

    pub(crate) fn is_nan(self) -> bool {
        matches!(self, Self::Float(f) if f.is_nan())
    }

    pub(crate) fn is_zero(self) -> bool {
        match self {
            Self::Int(i) => i == 0,
            Self::Float(f) => f == 0.0,
        }
    }

    pub(crate) fn abs(self) -> Self {
        match self {
            Self::Int(i) => Self::int(i.abs()),
            Self::Float(f) => Self::Float(f.abs()),
        }
    }

    pub(crate) fn neg(self) -> Self {
        match self {
            Self::Int(i) => Self::int(-i),
            Self::Float(f) => Self::Float(-f),
        }
    }

    pub(crate) fn add(self, other: Self) -> Self {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => Self::int(a + b),
            _ => Self::float(self.as_f64() + other.as_f64()),
        }
    }

    pub(crate) fn sub(self, other: Self) -> Self {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => Self::int(a - b),
            _ => Self::float(self.as_f64() - other.as_f64()),
        }
    }

    pub(crate) fn mul(self, other: Self) -> Self {
        if let (Self::Int(a), Self::Int(b)) = (self, other)
            && let Some(product) = a.checked_mul(b)
        {
            return Self::int(product);
        }
        Self::float(self.as_f64() * other.as_f64())
    }

    /// The quotient; none where the divisor is nought.
    pub(crate) fn div(self, other: Self) -> Option<Self> {
        if other.is_zero() {
            return None;
        }
        if let (Self::Int(a), Self::Int(b)) = (self, other)
            && a % b == 0
        {
            return Some(Self::int(a / b));
        }
        Some(Self::float(self.as_f64() / other.as_f64()))
    }

    /// The remainder of both without their fractions, with the sign of the first;
    /// none where the second is nought then.
    pub(crate) fn rem(self, other: Self) -> Option<Self> {
        if self.is_nan() || other.is_nan() {
            return Some(Self::Float(f64::NAN));
        }
        let whole = |n: Self| match n {
            Self::Int(i) => i,
            Self::Float(f) => i128::from(f as i64),
        };
        match whole(other) {
            0 => None,
            divisor => Some(Self::int(whole(self) % divisor)),
        }
    }
}

impl PartialEq for Num {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => a == b,
            _ => self.as_f64() == other.as_f64(),
        }
    }
}

impl Eq for Num {}

impl PartialOrd for Num {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Num {
    /// Not-a-number is less than every number, itself included, as in jq.
    fn cmp(&self, other: &Self) -> Ordering {
        if let (Self::Int(a), Self::Int(b)) = (self, other) {
            return a.cmp(b);
        }
        let (a, b) = (self.as_f64(), other.as_f64());
        a.partial_cmp(&b).unwrap_or(if a.is_nan() { Ordering::Less } else { Ordering::Greater })
    }
}

impl fmt::Display for Num {
    /// As jq writes numbers: seventeen digits at most, an exponent where there would be many noughts;
    /// not-a-number as `null`, what is infinite as the largest number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let x = match self {
            Self::Int(i) => return write!(f, "{i}"),
            Self::Float(x) if x.is_nan() => return f.write_str("null"),
            Self::Float(x) => x.clamp(f64::MIN, f64::MAX),
        };
        // `d.ddde±x`, the shortest that reads back as the same number.
        let shortest = format!("{x:e}");
        let (mantissa, exponent) = shortest.split_once('e').unwrap_or((&shortest, "0"));
        let exponent: i32 = exponent.parse().unwrap_or(0);
        let digits = mantissa.bytes().filter(u8::is_ascii_digit).count() as i32;
        if exponent <= -5 || exponent > digits + 14 {
            let sign = if exponent < 0 { '-' } else { '+' };
            write!(f, "{mantissa}e{sign}{:02}", exponent.abs())
        } else if x.trunc() == x && x.abs() <= EXACT {
            // It came so: `1.0` is not made `1`.
            write!(f, "{x:.1}")
        } else {
            write!(f, "{x}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> String {
        Num::parse(text).map(|n| n.to_string()).unwrap_or_default()
    }

    #[test]
    fn numbers_are_written_as_jq_does() {
        for (text, jq) in [
            ("12", "12"),
            ("-0.5", "-0.5"),
            ("2.0", "2.0"),
            ("1e-7", "1e-07"),
            ("0.0001", "0.0001"),
            ("1e17", "1e+17"),
            ("1.5e300", "1.5e+300"),
            ("18446744073709551615", "18446744073709551615"),
            ("12345678901234567890123", "12345678901234568000000"),
        ] {
            assert_eq!(written(text), jq, "{text}");
        }
    }

    #[test]
    fn quotients_and_remainders() {
        let n = |text: &str| Num::parse(text).unwrap_or(Num::Float(f64::NAN));
        assert_eq!(n("10").div(n("5")).map(|n| n.to_string()), Some("2".to_owned()));
        assert_eq!(n("1").div(n("4")).map(|n| n.to_string()), Some("0.25".to_owned()));
        assert_eq!(n("1").div(n("0.0")), None);
        assert_eq!(n("5.9").rem(n("3")).map(|n| n.to_string()), Some("2".to_owned()));
        assert_eq!(n("-1").rem(n("3")).map(|n| n.to_string()), Some("-1".to_owned()));
        assert_eq!(n("5").rem(n("0.5")), None);
    }
}
