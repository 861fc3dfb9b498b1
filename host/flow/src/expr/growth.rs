//! How large values become while a plain expression is evaluated, said before it is:
//! in place there is no limit of time or memory, so what may grow beyond a small
//! multiple of what it is given is left to jq, which has them.

use super::native::Native;
use crate::size::about;

/// Copies of what it is given that may stand in a value of a native expression at once. `{a: ., b: .}`
/// has two of them, and each `| {a: ., b: .}` behind it doubles that: jq's limits stop it, nothing here would.
const MOST_COPIES: u64 = 1 << 10;
/// Bytes of its own texts that may stand there.
const MOST_TEXT: u64 = 1 << 20;

/// How large a value is, at most.
#[derive(Debug, Default, Clone, Copy)]
struct Growth {
    /// In copies of what the expression is given.
    copies: u64,
    /// In bytes of the expression's own texts beside them.
    text: u64,
}

impl Growth {
    fn plus(self, other: Self) -> Self {
        Self { copies: self.copies.saturating_add(other.copies), text: self.text.saturating_add(other.text) }
    }

    fn max(self, other: Self) -> Self {
        Self { copies: self.copies.max(other.copies), text: self.text.max(other.text) }
    }
}

impl Native {
    /// How many copies of what it is given stand in a value while it is evaluated, at most; none
    /// where that, or what of its own text does, is too much.
    pub(super) fn copies(&self) -> Option<u64> {
        let (_, most) = self.grown(Growth { copies: 1, text: 0 })?;
        Some(most.copies)
    }

    /// The size of its value, and of the largest on the way there.
    fn grown(&self, dot: Growth) -> Option<(Growth, Growth)> {
        let none = Growth::default();
        let (value, most) = match self {
            Self::Dot => (dot, none),
            Self::Var(_) => (Growth { copies: 1, text: 0 }, none),
            Self::Literal(value) => (Growth { copies: 0, text: about(value) }, none),
            Self::Not => (none, none),
            Self::Field(of, _) | Self::Index(of, _) => of.grown(dot)?,
            Self::Pipe(left, right) => {
                let (value, before) = left.grown(dot)?;
                let (value, after) = right.grown(value)?;
                (value, before.max(after))
            }
            Self::Compare(_, left, right) | Self::And(left, right) | Self::Or(left, right) => {
                let (values, most) = sum([&**left, right], dot)?;
                (none, most.max(values))
            }
            Self::Add(left, right) => sum([&**left, right], dot)?,
            Self::Array(item) => sum(item.as_deref(), dot)?,
            Self::Object(fields) => {
                let names = fields.iter().map(|(name, _)| name.len() as u64).sum();
                let (values, most) = sum(fields.iter().map(|(_, value)| value), dot)?;
                (values.plus(Growth { copies: 0, text: names }), most)
            }
        };
        let most = most.max(value);
        (most.copies <= MOST_COPIES && most.text <= MOST_TEXT).then_some((value, most))
    }
}

/// The size of all parts of a value together, and of the largest on the way there.
fn sum<'n>(parts: impl IntoIterator<Item = &'n Native>, dot: Growth) -> Option<(Growth, Growth)> {
    parts.into_iter().try_fold((Growth::default(), Growth::default()), |(sum, most), part| {
        let (value, on_the_way) = part.grown(dot)?;
        Some((sum.plus(value), most.max(on_the_way)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copies(source: &str) -> Option<u64> {
        Native::parse(source, &["v"]).and_then(|native| native.copies())
    }

    #[test]
    fn what_doubles_itself_is_left_to_jq() {
        let doubled = |times: usize| vec!["{a: ., b: .}"; times].join(" | ");
        assert_eq!([1, 2, 10].map(|times| copies(&doubled(times))), [Some(2), Some(4), Some(1 << 10)]);
        assert_eq!([11, 40].map(|times| copies(&doubled(times))), [None, None]);
        // Also where it does not come out at the end.
        for hidden in
            [format!("({}).a.b", doubled(40)), format!("({}) == 1", doubled(40)), format!("{} | not", doubled(40))]
        {
            assert_eq!(copies(&hidden), None, "{hidden}");
        }
        // And a text of its own.
        let text = format!("\"{}\" | {}", "x".repeat(10_000), doubled(8));
        assert_eq!(copies(&text), None);
    }

    #[test]
    fn what_does_not_is_counted_by_its_places() {
        assert_eq!(copies("."), Some(1));
        assert_eq!(copies(".a.b[0]"), Some(1));
        assert_eq!(copies("{a: .x, b: $v, c: 1} | .a"), Some(2));
        assert_eq!(copies(". + $v == 3 and not"), Some(2));
    }
}
