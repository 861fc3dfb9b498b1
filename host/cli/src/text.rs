//! Text on a terminal: what comes from outside is made harmless, and Chinese
//! is measured by the columns it takes.

use clap::ValueEnum;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// A value of an option as it is typed, which is how the API calls it, too.
pub(crate) fn typed(value: &impl ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

/// Text from outside without anything that could move the cursor or give the
/// terminal orders: control characters and direction overrides become blanks.
pub(crate) fn plain(text: &str) -> String {
    let unsafe_char = |c: char| {
        c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
    };
    text.chars().map(|c| if unsafe_char(c) { ' ' } else { c }).collect()
}

/// The beginning of a text that fits into so many columns.
pub(crate) fn fit(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 1;
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > columns {
            break;
        }
        out.push(c);
    }
    out.push('…');
    out
}

/// Rows in columns as wide as their widest cell; the last column is left as it is.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let columns = head.len();
    let width = |at: usize| {
        rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.width()).chain([head[at].width()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut out = String::new();
    let head: Vec<String> = head.iter().map(|&cell| cell.to_owned()).collect();
    for row in std::iter::once(&head).chain(rows) {
        for (at, cell) in row.iter().enumerate() {
            out.push_str(cell);
            if at + 1 < columns {
                let blank = widths[at].saturating_sub(cell.width()) + 2;
                out.extend(std::iter::repeat_n(' ', blank));
            }
        }
        out.truncate(out.trim_end().len());
        out.push('\n');
    }
    out
}

/// Seconds as people read a countdown: `47:05`, `2h 03m`, `3d 04h`.
pub(crate) fn span(seconds: i64) -> String {
    let s = seconds.unsigned_abs();
    match s {
        0..3_600 => format!("{:02}:{:02}", s / 60, s % 60),
        3_600..86_400 => format!("{}h {:02}m", s / 3_600, s % 3_600 / 60),
        _ => format!("{}d {:02}h", s / 86_400, s % 86_400 / 3_600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_from_outside_cannot_steer_the_terminal() {
        assert_eq!(plain("火\u{1b}[2J警\r\n\u{202e}x\u{9b}"), "火 [2J警   x ");
    }

    #[test]
    fn chinese_takes_two_columns() {
        assert_eq!(fit("山林火情通报", 12), "山林火情通报");
        assert_eq!(fit("山林火情通报", 8), "山林火…");
        assert_eq!(
            table(&["A", "B"], &[vec!["火情".into(), "x".into()], vec!["a".into(), "y".into()]]),
            "A     B\n火情  x\na     y\n"
        );
    }

    #[test]
    fn a_countdown_reads_at_a_glance() {
        assert_eq!([span(59), span(3_599), span(7_380), span(-90_000)], ["00:59", "59:59", "2h 03m", "1d 01h"]);
    }
}
