//! Paragraphs and runs.

use crate::reports::escape;

/// A paragraph in a style, with further properties and runs that are XML already.
pub(super) fn paragraph(style: &str, properties: &str, runs: &str) -> String {
    format!("<w:p><w:pPr><w:pStyle w:val=\"{style}\"/>{properties}</w:pPr>{runs}</w:p>")
}

/// A paragraph of plain text.
pub(super) fn line(style: &str, text: &str) -> String {
    paragraph(style, "", &run("", text))
}

/// A run of text, which is escaped, with properties.
pub(super) fn run(properties: &str, text: &str) -> String {
    let properties = if properties.is_empty() { String::new() } else { format!("<w:rPr>{properties}</w:rPr>") };
    format!("<w:r>{properties}<w:t xml:space=\"preserve\">{}</w:t></w:r>", escape(text))
}

/// A jump to the next tab stop.
pub(super) const TAB: &str = "<w:r><w:tab/></w:r>";

/// How wide a text is, in halves of a Chinese character.
pub(super) fn halves(text: &str) -> usize {
    text.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum()
}

/// A number as headings have it: 一, 十二, 二十.
pub(super) fn chinese(n: usize) -> String {
    const DIGITS: [&str; 10] = ["", "一", "二", "三", "四", "五", "六", "七", "八", "九"];
    match (n / 10, n % 10) {
        (0, ones) => DIGITS[ones].to_owned(),
        (1, ones) => format!("十{}", DIGITS[ones]),
        (tens @ 2..=9, ones) => format!("{}十{}", DIGITS[tens], DIGITS[ones]),
        _ => n.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::{chinese, halves};

    #[test]
    fn headings_are_numbered_as_they_are_read() {
        for (n, read) in [(1, "一"), (9, "九"), (10, "十"), (12, "十二"), (20, "二十"), (35, "三十五"), (100, "100")]
        {
            assert_eq!(chinese(n), read);
        }
        assert_eq!(halves("2026年3月1日"), 12);
    }
}
