//! How many short messages a text is (3GPP TS 23.038, 23.040): a text with a character outside the 7-bit alphabet, as
//! every Chinese one, is sent in UTF-16. Up to 70 units are one message; a longer one is joined of segments of 67 units,
//! as three go to the header that numbers them. A character of two units (an emoji, a rare Hanzi) is never split.

const ALONE: usize = 70;
const JOINED: usize = 67;

/// UTF-16 units of a text.
pub fn units(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// How many segments the text takes after so many units of a signature.
pub fn count(text: &str, before: usize) -> usize {
    if before + units(text) <= ALONE {
        return 1;
    }
    let mut count = before / JOINED + 1;
    let mut used = before % JOINED;
    for c in text.chars() {
        if used + c.len_utf16() > JOINED {
            count += 1;
            used = 0;
        }
        used += c.len_utf16();
    }
    count
}
