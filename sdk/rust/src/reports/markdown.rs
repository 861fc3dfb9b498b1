//! A paper in Markdown.

use std::fmt::Write as _;

use super::{Block, Head, Paper, Statement};

/// The paper in Markdown (CommonMark, with the tables of GitHub). Texts are escaped, on one line each.
pub fn markdown(paper: &Paper) -> String {
    let mut out = format!("# {}：{}\n", plain(&paper.kind), plain(&paper.title));
    let line = |out: &mut String, text: &str| {
        let _ = write!(out, "\n{}\n", plain(text));
    };
    for text in above(&paper.head) {
        line(&mut out, &text);
    }
    if !paper.to.is_empty() {
        line(&mut out, &format!("{}：", paper.to.join("、")));
    }
    for block in &paper.blocks {
        out.push('\n');
        write(&mut out, block);
    }
    if !paper.attachments.is_empty() {
        out.push_str("\n附件：\n\n");
        for (n, attachment) in paper.attachments.iter().enumerate() {
            let _ = writeln!(out, "{}. {}", n + 1, plain(attachment));
        }
    }
    for text in &paper.closing {
        line(&mut out, text);
    }
    if !paper.copies.is_empty() {
        line(&mut out, &format!("抄送：{}", paper.copies.join("、")));
    }
    out
}

/// The lines of a head that a screen shows.
pub(super) fn above(head: &Head) -> Vec<String> {
    match head {
        Head::Document { number, .. } => number.iter().cloned().collect(),
        Head::Bulletin { issue, organ, date, .. } => {
            let parts = [issue.as_deref().unwrap_or_default(), organ, date];
            vec![parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("　")]
        }
    }
}

fn write(out: &mut String, block: &Block) {
    match block {
        Block::Heading(text) => {
            let _ = writeln!(out, "## {}", plain(text));
        }
        Block::Rows(rows) => {
            out.push_str("| 项目 | 内容 |\n| --- | --- |\n");
            for (label, value) in rows {
                let _ = writeln!(out, "| {} | {} |", plain(label), plain(value));
            }
        }
        Block::Table { head, rows } => {
            row(out, head);
            out.push_str(&format!("|{}\n", " --- |".repeat(head.len())));
            for cells in rows {
                row(out, cells);
            }
        }
        Block::Paragraph(statement) => {
            let lines: Vec<String> = statement.lines().map(plain).collect();
            let _ = writeln!(out, "{}{}", lines.join("\n\n"), beside(statement));
        }
        Block::List(statements) => {
            for (n, statement) in statements.iter().enumerate() {
                let _ = writeln!(out, "{}. {}{}", n + 1, plain(&statement.text), beside(statement));
            }
        }
    }
}

fn row(out: &mut String, cells: &[String]) {
    out.push('|');
    for cell in cells {
        let _ = write!(out, " {} |", plain(cell));
    }
    out.push('\n');
}

fn beside(statement: &Statement) -> String {
    let ids: Vec<String> = statement.ids().map(plain).collect();
    if ids.is_empty() { String::new() } else { format!("（依据：{}）", ids.join("、")) }
}

/// Text on one line: each character that could be markup is escaped, so that it is one nowhere.
fn plain(text: &str) -> String {
    let text = text.trim();
    let mut out = String::with_capacity(text.len());
    // At the beginning of a line `-`, `+`, `1.` and `=` make lists and headings.
    let number = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    for (at, c) in text.char_indices() {
        match c {
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '<' | '>' | '#' | '|' | '!' | '&' | '~' => {
                out.push('\\');
                out.push(c);
            }
            '-' | '+' | '=' if at == 0 => {
                out.push('\\');
                out.push(c);
            }
            '.' | ')' if at == number && number > 0 && !text[at + 1..].starts_with(|c: char| !c.is_whitespace()) => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
