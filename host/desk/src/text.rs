//! Names in two languages, and texts cut to a bound.

use serde::{Deserialize, Serialize};

/// A name in Chinese, and in English where there is one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Name {
    /// 中文.
    pub zh: String,
    /// English.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub en: Option<String>,
}

/// The first `chars` characters of `text`, with `…` where something was cut.
pub(crate) fn clip(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}…", &text[..at]),
    }
}

/// Whether a reader sees anything of a text: a character that is neither space, nor control, nor one
/// that Unicode draws nothing for (its default-ignorable code points, and the blank Braille pattern).
pub(crate) fn says_something(text: &str) -> bool {
    let unseen = |c: char| {
        c.is_whitespace()
            || c.is_control()
            || matches!(c,
                '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
                | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
                | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}')
    };
    !text.chars().all(unseen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_never_splits_a_character() {
        assert_eq!(clip("森林火灾", 2), "森林…");
        assert_eq!(clip("森林", 2), "森林");
        assert_eq!(clip("", 0), "");
    }

    #[test]
    fn what_nobody_sees_says_nothing() {
        for blank in ["", " ", "\u{3000}", "\u{200b}", "\u{feff}\u{2060}", "\u{0}", "\u{2800}", "\u{202e}\u{e0041}"] {
            assert!(!says_something(blank), "{blank:?}");
        }
        for said in ["火", ".", "0", "👍\u{fe0f}", "\u{200b}a", "\u{fffd}"] {
            assert!(says_something(said), "{said:?}");
        }
    }
}
