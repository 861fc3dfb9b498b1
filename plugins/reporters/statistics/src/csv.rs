//! CSV (RFC 4180) for programs and spreadsheets: a figure a row. A byte-order mark, without which spreadsheets take
//! Chinese for another encoding. A text that a spreadsheet would take for a formula has `'` before it.

use crate::tables::{Cell, Table};

pub(crate) fn file(tables: &[Table]) -> String {
    let mut out = String::from("\u{feff}");
    line(&mut out, &["表", "时段", "对象", "指标", "数值", "依据"].map(str::to_owned));
    for table in tables {
        for row in &table.rows {
            let said = |at: usize| match row.get(at) {
                Some(Cell::Text(text)) => text.clone(),
                _ => String::new(),
            };
            let (period, shown) = (said(0), said(row.len() - 1));
            let texts = row.iter().take_while(|cell| matches!(cell, Cell::Text(_))).count();
            let about: Vec<String> = (1..texts).map(said).collect();
            for (cell, head) in row.iter().zip(&table.head).skip(texts) {
                let value = match cell {
                    Cell::Count(n) => n.to_string(),
                    Cell::Rate(Some(rate)) => format!("{rate:.4}"),
                    Cell::Rate(None) => String::new(),
                    Cell::Text(_) => continue,
                };
                let cells =
                    [table.name.to_owned(), period.clone(), about.join(" "), (*head).to_owned(), value, shown.clone()];
                line(&mut out, &cells);
            }
        }
    }
    out
}

fn line(out: &mut String, cells: &[String]) {
    for (n, cell) in cells.iter().enumerate() {
        if n > 0 {
            out.push(',');
        }
        out.push_str(&quoted(cell));
    }
    out.push_str("\r\n");
}

/// A cell as it is written: no formula, and in quotes where it has to be.
fn quoted(cell: &str) -> String {
    let guarded = if formula(cell) { format!("'{cell}") } else { cell.to_owned() };
    if guarded.contains(['"', ',', '\n', '\r', ';', '\t']) || guarded != guarded.trim() {
        format!("\"{}\"", guarded.replace('"', "\"\""))
    } else {
        guarded
    }
}

/// Whether a spreadsheet may take it for a formula: by its first character that is no blank, in either width.
fn formula(cell: &str) -> bool {
    let blank = |c: char| c.is_whitespace() || c.is_control() || c == '\u{feff}' || c == '\u{200b}';
    cell.starts_with(['\t', '\r', '\n'])
        || cell.trim_start_matches(blank).starts_with(['=', '+', '-', '@', '|', '%', '＝', '＋', '－', '＠'])
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_cell_is_no_formula() {
        for (cell, written) in [
            ("=1+1", "'=1+1"),
            ("+86", "'+86"),
            ("-2", "'-2"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "\"'\t=1\""),
            (" =1", "' =1"),
            ("\u{feff}=1", "'\u{feff}=1"),
            ("＝1+1", "'＝1+1"),
            ("=HYPERLINK(\"http://a\",\"b\")", "\"'=HYPERLINK(\"\"http://a\"\",\"\"b\"\")\""),
            ("林海市", "林海市"),
            ("甲,乙", "\"甲,乙\""),
            ("2026-03-01", "2026-03-01"),
            ("", ""),
        ] {
            assert_eq!(quoted(cell), written, "{cell:?}");
        }
    }
}
