//! A short stretch of a text around what was found.

use crate::query::Query;

/// Characters before the first mark.
const BEFORE: usize = 20;

/// A part of a snippet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fragment {
    /// What stands there, on one line.
    pub text: String,
    /// It is what was looked for.
    pub hit: bool,
}

/// At most so many characters of a text around the first place where the query stands in it, with what was found
/// apart from the rest; none where it does not stand there.
pub fn snippet(query: &Query, text: &str, most: usize) -> Option<Vec<Fragment>> {
    let marks = query.marks(text);
    let (first, _) = *marks.first()?;
    let before = text.get(..first)?;
    let start = before.char_indices().rev().nth(BEFORE - 1).map_or(0, |(at, _)| at);
    let shown = text.get(start..)?;
    let end = start + shown.char_indices().nth(most).map_or(shown.len(), |(at, _)| at);
    let mut fragments = Vec::new();
    let mut push = |from: usize, to: usize, hit: bool| {
        let Some(piece) = text.get(from..to).filter(|piece| !piece.is_empty()) else { return };
        let line: String = piece.chars().map(|c| if c.is_control() || c == '\u{2028}' { ' ' } else { c }).collect();
        fragments.push(Fragment { text: line, hit });
    };
    let mut at = start;
    for (from, to) in marks {
        if from >= end {
            break;
        }
        push(at, from, false);
        at = to.min(end);
        push(from, at, true);
    }
    push(at, end, false);
    if start > 0 {
        fragments.insert(0, Fragment { text: "…".to_owned(), hit: false });
    }
    if end < text.len() {
        fragments.push(Fragment { text: "…".to_owned(), hit: false });
    }
    Some(fragments)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(query: &str, text: &str, most: usize) -> Option<String> {
        let parts = snippet(&Query::parse(query).unwrap(), text, most)?;
        Some(parts.into_iter().map(|part| if part.hit { format!("[{}]", part.text) } else { part.text }).collect())
    }

    #[test]
    fn what_was_found_stands_apart() {
        assert_eq!(shown("山火", "翠湖山火,\n山火又起", 80).unwrap(), "翠湖[山火], [山火]又起");
        assert_eq!(shown("雨", "翠湖山火", 80), None);
    }

    #[test]
    fn a_long_text_is_cut_on_both_sides() {
        let text = format!("{}山火{}", "前".repeat(500), "后".repeat(500));
        let got = shown("山火", &text, 60).unwrap();
        assert_eq!(got, format!("…{}[山火]{}…", "前".repeat(20), "后".repeat(38)));
    }

    #[test]
    fn a_mark_that_is_longer_than_the_snippet_is_cut() {
        assert_eq!(shown("一二三四五", "一二三四五", 3).unwrap(), "[一二三]…");
    }
}
