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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_never_splits_a_character() {
        assert_eq!(clip("森林火灾", 2), "森林…");
        assert_eq!(clip("森林", 2), "森林");
        assert_eq!(clip("", 0), "");
    }
}
