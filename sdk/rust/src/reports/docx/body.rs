//! 主体 and 版记: what the paper says, what it rests on, who signs it, and who gets a copy.

use super::parts::WIDTH;
use super::text::{chinese, halves, line, paragraph, run};
use crate::reports::{Block, Paper, Signature, Statement};

pub(super) fn write(paper: &Paper) -> String {
    let mut out = String::new();
    let mut evidence = Evidence::default();
    let headings = paper.blocks.iter().filter(|block| matches!(block, Block::Heading(_))).count();
    let mut heading = 0;
    for block in &paper.blocks {
        match block {
            Block::Heading(text) => {
                heading += 1;
                let number = if headings > 1 { format!("{}、", chinese(heading)) } else { String::new() };
                out.push_str(&line("Heading1", &format!("{number}{text}")));
            }
            Block::Rows(rows) => out.push_str(&labelled(rows)),
            Block::Table { head, rows } => out.push_str(&table(head, rows)),
            Block::Paragraph(statement) => said(&mut out, "", statement, &mut evidence),
            Block::List(statements) => {
                for (n, statement) in statements.iter().enumerate() {
                    said(&mut out, &format!("{}．", n + 1), statement, &mut evidence);
                }
            }
        }
    }
    attachments(&mut out, &paper.attachments);
    if let Some(signature) = &paper.signature {
        sign(&mut out, signature);
    }
    evidence.write(&mut out);
    copies(&mut out, paper);
    out
}

/// The pieces of evidence, numbered in the order in which they are named first.
#[derive(Default)]
struct Evidence<'p>(Vec<&'p str>);

impl<'p> Evidence<'p> {
    fn number(&mut self, id: &'p str) -> usize {
        if let Some(at) = self.0.iter().position(|there| *there == id) {
            return at + 1;
        }
        self.0.push(id);
        self.0.len()
    }

    fn write(&self, out: &mut String) {
        if self.0.is_empty() {
            return;
        }
        out.push_str(&line("NoteHead", "依据"));
        for (n, id) in self.0.iter().enumerate() {
            out.push_str(&line("Note", &format!("〔{}〕{id}", n + 1)));
        }
    }
}

fn said<'p>(out: &mut String, number: &str, statement: &'p Statement, evidence: &mut Evidence<'p>) {
    let numbers: Vec<String> = statement.ids().map(|id| evidence.number(id).to_string()).collect();
    let marks = if numbers.is_empty() { String::new() } else { format!("〔{}〕", numbers.join(",")) };
    let lines: Vec<&str> = statement.lines().collect();
    for (n, text) in lines.iter().enumerate() {
        let mut runs = run("", &format!("{}{text}", if n == 0 { number } else { "" }));
        if n + 1 == lines.len() && !marks.is_empty() {
            runs.push_str(&run("<w:vertAlign w:val=\"superscript\"/>", &marks));
        }
        out.push_str(&paragraph("Body", "", &runs));
    }
}

fn labelled(rows: &[(String, String)]) -> String {
    let rows: Vec<Vec<&str>> = rows.iter().map(|(label, value)| vec![label.as_str(), value.as_str()]).collect();
    grid(&[2_000, WIDTH - 2_000], None, &rows, true)
}

fn table(head: &[String], rows: &[Vec<String>]) -> String {
    let rows: Vec<Vec<&str>> = rows.iter().map(|row| row.iter().map(String::as_str).collect()).collect();
    let head: Vec<&str> = head.iter().map(String::as_str).collect();
    grid(&widths(&head, &rows), Some(&head), &rows, false)
}

/// Widths of columns by their widest cell, none below a fifth of an equal share or beyond three of them.
fn widths(head: &[&str], rows: &[Vec<&str>]) -> Vec<u32> {
    let columns = head.len().max(1);
    let wide = |n: usize| {
        let cells = rows.iter().filter_map(|row| row.get(n)).chain(head.get(n));
        cells.map(|cell| halves(cell) + 4).max().unwrap_or(4).clamp(8, 40) as u32
    };
    let wanted: Vec<u32> = (0..columns).map(wide).collect();
    let all: u32 = wanted.iter().sum();
    wanted.iter().map(|want| WIDTH * want / all.max(1)).collect()
}

fn grid(widths: &[u32], head: Option<&[&str]>, rows: &[Vec<&str>], labels: bool) -> String {
    if rows.is_empty() && head.is_none() {
        return String::new();
    }
    let mut out = String::from(
        "<w:tbl><w:tblPr><w:tblStyle w:val=\"Grid\"/><w:tblW w:w=\"0\" w:type=\"auto\"/><w:jc w:val=\"center\"/>\
         <w:tblLayout w:type=\"fixed\"/></w:tblPr><w:tblGrid>",
    );
    for width in widths {
        out.push_str(&format!("<w:gridCol w:w=\"{width}\"/>"));
    }
    out.push_str("</w:tblGrid>");
    let mut row = |cells: &[&str], top: bool| {
        let header = if top { "<w:tblHeader/>" } else { "" };
        out.push_str(&format!("<w:tr><w:trPr><w:cantSplit/>{header}</w:trPr>"));
        for (n, width) in widths.iter().enumerate() {
            let text = cells.get(n).copied().unwrap_or_default();
            let style = if top || (labels && n == 0) { "CellHead" } else { "Cell" };
            let paragraphs: String = text.lines().map(|text| line(style, text)).collect();
            let paragraphs = if paragraphs.is_empty() { line(style, "") } else { paragraphs };
            out.push_str(&format!(
                "<w:tc><w:tcPr><w:tcW w:w=\"{width}\" w:type=\"dxa\"/><w:vAlign w:val=\"center\"/></w:tcPr>{paragraphs}</w:tc>"
            ));
        }
        out.push_str("</w:tr>");
    };
    if let Some(head) = head {
        row(head, true);
    }
    for cells in rows {
        row(cells, false);
    }
    out.push_str("</w:tbl>");
    // A table is followed by a paragraph (ECMA-376), which parts it from the text.
    out.push_str(&line("AfterTable", ""));
    out
}

/// 附件说明: a line below the text, two characters in.
fn attachments(out: &mut String, attachments: &[String]) {
    if attachments.is_empty() {
        return;
    }
    out.push_str(&line("Blank", ""));
    for (n, name) in attachments.iter().enumerate() {
        let number = if attachments.len() > 1 { format!("{}．", n + 1) } else { String::new() };
        let text = format!("{number}{name}");
        out.push_str(&if n == 0 {
            line("Body", &format!("附件：{text}"))
        } else {
            // Beneath the first: 附件 and its colon are three characters.
            paragraph("Body", "<w:ind w:left=\"960\" w:firstLineChars=\"200\" w:firstLine=\"640\"/>", &run("", &text))
        });
    }
}

/// 署名 two characters from the right, and 成文日期 beneath it, which begins two characters further right; where the
/// date is the longer, it stands two from the right (GB/T 9704-2012, 7.3.5.2).
fn sign(out: &mut String, signature: &Signature) {
    const HALF: usize = 160;
    let (unit, date) = (halves(&signature.unit), halves(&signature.date));
    let (unit_in, date_in) = if unit >= date + 4 { (4, unit - date) } else { (date + 8 - unit, 4) };
    let right =
        |halves: usize| format!("<w:ind w:right=\"{}\" w:firstLine=\"0\"/><w:jc w:val=\"right\"/>", halves * HALF);
    out.push_str(&line("Blank", ""));
    out.push_str(&paragraph("Signature", &right(unit_in), &run("", &signature.unit)));
    out.push_str(&paragraph("Signature", &right(date_in), &run("", &signature.date)));
}

/// 版记: at the foot of the last page, between lines.
fn copies(out: &mut String, paper: &Paper) {
    if paper.copies.is_empty() {
        return;
    }
    let frame = format!(
        "<w:framePr w:w=\"{WIDTH}\" w:hSpace=\"0\" w:wrap=\"around\" w:vAnchor=\"margin\" w:hAnchor=\"margin\" w:xAlign=\"left\" w:yAlign=\"bottom\"/>"
    );
    let text = format!("抄送：{}。", paper.copies.join("，"));
    out.push_str(&paragraph("Imprint", &frame, &run("", &text)));
}
