//! What a text is made of, for the model: characters, pairs of characters, and
//! words of letters. The trainer and the classifier read a text by this alone.

use huiyin_sdk::terms::fold;

/// Bits of a feature's number.
pub(crate) const BITS: u32 = 18;

/// A feature's number: its place among 2^18. Two features may share one.
pub(crate) fn number(feature: &str) -> u32 {
    // FNV-1a, 64 bit, its end mixed.
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in feature.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash ^= hash >> 32;
    hash = hash.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (hash >> (64 - BITS)) as u32
}

/// Gives each feature of a text, as often as it occurs: each character that is a letter beyond ASCII, each two
/// of these that stand together, each word of ASCII letters. Any number written in digits is the same feature.
pub(crate) fn each(text: &str, mut give: impl FnMut(&str)) {
    let text = fold(text);
    // Where the last character beyond ASCII began, if nothing came between.
    let mut before: Option<usize> = None;
    let mut word: Option<usize> = None;
    let mut number = false;
    for (at, c) in text.char_indices() {
        let (letter, digit) = (c.is_ascii_alphabetic(), c.is_ascii_digit());
        if let Some(start) = word.take_if(|_| !letter) {
            give(&text[start..at]);
        }
        if digit && !number {
            give("0");
        }
        number = digit;
        if letter {
            word.get_or_insert(at);
        }
        if !c.is_ascii() && c.is_alphanumeric() {
            let end = at + c.len_utf8();
            give(&text[at..end]);
            if let Some(start) = before {
                give(&text[start..end]);
            }
            before = Some(at);
        } else {
            before = None;
        }
    }
    if let Some(start) = word {
        give(&text[start..]);
    }
}

#[cfg(test)]
mod tests {
    use super::{BITS, each, number};

    fn of(text: &str) -> Vec<String> {
        let mut all = Vec::new();
        each(text, |feature| all.push(feature.to_owned()));
        all
    }

    #[test]
    fn a_text_is_characters_pairs_and_words() {
        assert_eq!(of("山火！烧"), ["山", "火", "山火", "烧"]);
        assert_eq!(of("AI识火3.15，12人"), ["ai", "识", "火", "识火", "0", "0", "0", "人"]);
        assert_eq!(of("forest fire"), ["forest", "fire"]);
        assert_eq!(of("山 火"), of("山火"));
        assert_eq!(of("山火災"), of("山火灾"));
        assert!(of("！？ …").is_empty() && of("").is_empty());
    }

    #[test]
    fn numbers_are_spread_and_fixed() {
        // A model lies in journals: these never change.
        assert_eq!((number("山火"), number("0"), number("fire")), (NUMBERS[0], NUMBERS[1], NUMBERS[2]));
        let mut seen = std::collections::BTreeSet::new();
        let texts: Vec<String> = (0..10_000).map(|n| format!("字{n}")).collect();
        seen.extend(texts.iter().map(|text| number(text)));
        assert!(seen.len() > 9_600, "{}", seen.len());
        assert!(seen.iter().all(|number| *number < 1 << BITS));
    }

    const NUMBERS: [u32; 3] = [63_060, 179_172, 92_764];
}
