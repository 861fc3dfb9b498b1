//! Findings as people read them: on a terminal with the line they speak of and
//! a caret under the place, elsewhere one a line, as compilers do.

use huiyin_flow::{Diagnostic, Severity};
use unicode_width::UnicodeWidthChar as _;

use crate::text::plain;

/// Columns of source that are shown.
const SHOWN: usize = 100;

/// How findings are written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    /// With the line and a caret.
    pub(super) excerpt: bool,
    /// With colours.
    pub(super) colour: bool,
}

impl Style {
    /// What suits stdout.
    pub(super) fn of_stdout() -> Style {
        use std::io::IsTerminal as _;
        let terminal = std::io::stdout().is_terminal();
        Style { excerpt: terminal, colour: terminal && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty()) }
    }
}

/// One finding, with line ends.
pub(super) fn finding(diagnostic: &Diagnostic, text: &str, style: Style) -> String {
    if !style.excerpt {
        return format!("{}\n", plain(&diagnostic.to_string()));
    }
    let (word, colour) = match diagnostic.severity {
        Severity::Error => ("error", "31;1"),
        Severity::Warning => ("warning", "33;1"),
    };
    let paint = |code: &str, text: &str| {
        if style.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    };
    let mut out = format!("{}: {}\n", paint(colour, word), paint("1", &plain(&diagnostic.message)));
    let number = diagnostic.line.to_string();
    let margin = " ".repeat(number.len());
    let place = format!("{}:{}:{}", plain(&diagnostic.file), diagnostic.line, diagnostic.column);
    let pointer =
        if diagnostic.pointer.is_empty() { String::new() } else { format!(" at {}", plain(&diagnostic.pointer)) };
    out.push_str(&format!("{margin} {} {place}{pointer}\n", paint("34;1", "-->")));
    if let Some((line, caret)) = excerpt(text, diagnostic.line, diagnostic.column) {
        let bar = paint("34;1", "|");
        out.push_str(&format!("{margin} {bar}\n{} {bar} {line}\n", paint("34;1", &number)));
        out.push_str(&format!("{margin} {bar} {caret}{}\n", paint(colour, "^")));
    }
    if let Some(hint) = &diagnostic.hint {
        out.push_str(&format!("{margin} {} {}\n", paint("34;1", "="), plain(hint)));
    }
    out.push('\n');
    out
}

/// The line, clipped about the place, and the blanks before its caret.
fn excerpt(text: &str, line: usize, column: usize) -> Option<(String, String)> {
    let line = text.lines().nth(line.checked_sub(1)?)?;
    let characters: Vec<char> = line.chars().collect();
    let at = column.saturating_sub(1).min(characters.len());
    // A long line is shown from a little before the place.
    let start = if characters.len() > SHOWN { at.saturating_sub(SHOWN / 3) } else { 0 };
    let (mut shown, mut blanks, mut used) = (String::new(), 0, 0);
    if start > 0 {
        shown.push('…');
        blanks += 1;
    }
    for (index, c) in characters.iter().enumerate().skip(start) {
        let c = if *c == '\t' { ' ' } else { *c };
        let width = c.width().unwrap_or(1);
        used += width;
        if used > SHOWN {
            shown.push('…');
            break;
        }
        if index < at {
            blanks += width;
        }
        shown.push(c);
    }
    Some((plain(&shown), " ".repeat(blanks)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diagnostic(line: usize, column: usize) -> Diagnostic {
        Diagnostic {
            severity: Severity::Error,
            pointer: "/do/0/x".to_owned(),
            file: "a.json".to_owned(),
            line,
            column,
            message: "unknown property `sett`".to_owned(),
            hint: Some("did you mean `set`?".to_owned()),
        }
    }

    #[test]
    fn the_caret_stands_under_the_place() {
        let style = Style { excerpt: true, colour: false };
        let shown = finding(&diagnostic(2, 7), "{\n\t\"林\": \"sett\"\n}", style);
        assert_eq!(
            shown,
            "error: unknown property `sett`\n  --> a.json:2:7 at /do/0/x\n  |\n2 |  \"林\": \"sett\"\n  |        ^\n  = did you mean `set`?\n\n"
        );
    }

    #[test]
    fn a_long_line_is_shown_around_the_place_and_nothing_steers_the_terminal() {
        let text = format!("{}\u{1b}[2J X", "a".repeat(400));
        let (line, caret) = excerpt(&text, 1, 406).unwrap();
        assert!(line.chars().count() <= SHOWN + 2 && !line.contains('\u{1b}'), "{line:?}");
        assert_eq!(line.chars().nth(caret.len()), Some('X'));
        assert!(excerpt("", 1, 1).is_none() && excerpt("x", 9, 9).is_none());
    }

    #[test]
    fn without_a_terminal_it_is_one_line() {
        let style = Style { excerpt: false, colour: false };
        let shown = finding(&diagnostic(2, 7), "whatever", style);
        assert_eq!(shown.lines().count(), 1);
        assert!(shown.starts_with("a.json:2:7: error: unknown property"), "{shown}");
    }
}
