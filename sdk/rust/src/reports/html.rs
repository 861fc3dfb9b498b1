//! A paper in HTML.

use std::fmt::Write as _;

use super::markdown::above;
use super::{Block, Paper, Statement};

/// The paper as a page of HTML that needs nothing beside it.
pub fn html(paper: &Paper) -> String {
    let (kind, title) = (escape(&paper.kind), escape(&paper.title));
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"zh-CN\">\n<head>\n<meta charset=\"utf-8\">\n\
         <title>{kind}：{title}</title>\n<style>\n\
         body {{ max-width: 42rem; margin: 2rem auto; padding: 0 1rem; line-height: 1.7; }}\n\
         h1 {{ color: #b00; text-align: center; border-bottom: 2px solid #b00; }}\n\
         th {{ text-align: left; padding-right: 1.5rem; white-space: nowrap; }}\n\
         .evidence {{ color: #555; font-size: 0.9em; }}\n\
         footer {{ text-align: right; }}\n</style>\n</head>\n<body>\n\
         <h1>{kind}</h1>\n"
    );
    for text in above(&paper.head) {
        let _ = writeln!(out, "<p>{}</p>", escape(&text));
    }
    let _ = writeln!(out, "<h2>{title}</h2>");
    if !paper.to.is_empty() {
        let _ = writeln!(out, "<p>{}：</p>", escape(&paper.to.join("、")));
    }
    for block in &paper.blocks {
        write(&mut out, block);
    }
    if !paper.attachments.is_empty() {
        out.push_str("<p>附件：</p>\n<ol>\n");
        for attachment in &paper.attachments {
            let _ = writeln!(out, "<li>{}</li>", escape(attachment));
        }
        out.push_str("</ol>\n");
    }
    out.push_str("<footer>\n");
    for text in &paper.closing {
        let _ = writeln!(out, "<p>{}</p>", escape(text));
    }
    if !paper.copies.is_empty() {
        let _ = writeln!(out, "<p>抄送：{}</p>", escape(&paper.copies.join("、")));
    }
    out.push_str("</footer>\n</body>\n</html>\n");
    out
}

fn write(out: &mut String, block: &Block) {
    match block {
        Block::Heading(text) => {
            let _ = writeln!(out, "<h2>{}</h2>", escape(text));
        }
        Block::Rows(rows) => {
            out.push_str("<table>\n");
            for (label, value) in rows {
                let _ = writeln!(out, "<tr><th scope=\"row\">{}</th><td>{}</td></tr>", escape(label), escape(value));
            }
            out.push_str("</table>\n");
        }
        Block::Table { head, rows } => {
            out.push_str("<table>\n<tr>");
            for cell in head {
                let _ = write!(out, "<th scope=\"col\">{}</th>", escape(cell));
            }
            out.push_str("</tr>\n");
            for cells in rows {
                out.push_str("<tr>");
                for cell in cells {
                    let _ = write!(out, "<td>{}</td>", escape(cell));
                }
                out.push_str("</tr>\n");
            }
            out.push_str("</table>\n");
        }
        Block::Paragraph(statement) => {
            let lines: Vec<String> = statement.lines().map(escape).collect();
            let _ = writeln!(out, "<p>{}{}</p>", lines.join("<br>\n"), beside(statement));
        }
        Block::List(statements) => {
            out.push_str("<ol>\n");
            for statement in statements {
                let _ = writeln!(out, "<li>{}{}</li>", escape(&statement.text), beside(statement));
            }
            out.push_str("</ol>\n");
        }
    }
}

fn beside(statement: &Statement) -> String {
    let ids: Vec<String> = statement.ids().map(escape).collect();
    if ids.is_empty() {
        return String::new();
    }
    format!(" <span class=\"evidence\">（依据：{}）</span>", ids.join("、"))
}

/// Text in HTML and XML, also within quotes. What XML cannot hold becomes a blank.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\u{fffe}' | '\u{ffff}' => out.push(' '),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
