//! The page in Markdown and in HTML. All texts come from outside and are
//! escaped: nothing in them may become markup.

use std::fmt::Write as _;

use crate::data::Report;

const NOTE: &str = "本报告只报已知事实，事件原因、处置措施和处理结果另行续报。";

pub(crate) fn markdown(report: &Report) -> String {
    let mut out = format!("# 快报：{}\n\n| 项目 | 内容 |\n| --- | --- |\n", plain(&report.title));
    for (label, value) in &report.rows {
        let _ = writeln!(out, "| {label} | {} |", plain(value));
    }
    out.push_str("\n## 基本事实\n\n");
    for (n, fact) in report.facts.iter().enumerate() {
        let _ = writeln!(out, "{}. {}（依据：{}）", n + 1, plain(&fact.text), evidence(&fact.evidence, plain));
    }
    let _ = write!(out, "\n{NOTE}\n\n签发：{}\n\n{}\n", plain(&report.issuer), plain(&report.reported));
    out
}

pub(crate) fn html(report: &Report) -> String {
    let title = escape(&report.title);
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"zh-CN\">\n<head>\n<meta charset=\"utf-8\">\n\
         <title>快报：{title}</title>\n<style>\n\
         body {{ max-width: 42rem; margin: 2rem auto; padding: 0 1rem; line-height: 1.7; }}\n\
         h1 {{ color: #b00; text-align: center; border-bottom: 2px solid #b00; }}\n\
         th {{ text-align: left; padding-right: 1.5rem; white-space: nowrap; }}\n\
         .evidence {{ color: #555; font-size: 0.9em; }}\n\
         footer {{ text-align: right; }}\n</style>\n</head>\n<body>\n\
         <h1>快报</h1>\n<h2>{title}</h2>\n<table>\n"
    );
    for (label, value) in &report.rows {
        let _ = writeln!(out, "<tr><th scope=\"row\">{label}</th><td>{}</td></tr>", escape(value));
    }
    out.push_str("</table>\n<h2>基本事实</h2>\n<ol>\n");
    for fact in &report.facts {
        let _ = writeln!(
            out,
            "<li>{} <span class=\"evidence\">（依据：{}）</span></li>",
            escape(&fact.text),
            evidence(&fact.evidence, escape)
        );
    }
    let _ = write!(
        out,
        "</ol>\n<p>{NOTE}</p>\n<footer>\n<p>签发：{}</p>\n<p>{}</p>\n</footer>\n</body>\n</html>\n",
        escape(&report.issuer),
        escape(&report.reported)
    );
    out
}

fn evidence(ids: &[String], write: fn(&str) -> String) -> String {
    let ids: Vec<_> = ids.iter().filter(|id| !id.trim().is_empty()).map(|id| write(id)).collect();
    ids.join("、")
}

/// Text in HTML, also within quotes.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// Text in Markdown, on one line: each character that could be markup is
/// escaped, so that it is one nowhere.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.trim().chars() {
        match c {
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '<' | '>' | '#' | '|' | '!' | '&' | '~' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
