//! The table as its document has it.

use std::fmt::Write as _;

use crate::case::{Case, Class};
use crate::cases;

/// One Markdown table a class.
pub fn markdown() -> String {
    let all = cases::all();
    let mut text = String::new();
    for class in Class::ALL {
        // Writing to a string does not fail.
        let _ = write!(text, "### {}\n\n| plugin | what it does | how it ends |\n|---|---|---|\n", class.name());
        for case in all.iter().filter(|case| case.class == class) {
            text.push_str(&row(case));
        }
        text.push('\n');
    }
    text
}

fn row(case: &Case) -> String {
    format!("| `{}` | {} | {} |\n", case.name, cell(case.does), cell(&case.expect.words()))
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;")
}
