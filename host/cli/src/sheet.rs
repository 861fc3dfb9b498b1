//! Tables that other systems hand out: CSV in UTF-8 or GB18030, XLSX, and JSON lines.
//!
//! A table is read a row at a time, so that the size of a file does not matter. A row that cannot be read is told with
//! its line and the reason, and the rows after it are read all the same (rule 11).

mod columns;
mod csv;
mod feed;
mod jsonl;
mod rejects;
mod time;
mod xlsx;

use std::collections::BTreeMap;
use std::path::Path;

pub(crate) use self::columns::{Columns, Field};
pub(crate) use self::feed::{Way, feed};
pub(crate) use self::rejects::Rejects;
pub(crate) use self::time::moment;
use crate::output::Failure;

/// The longest row, in bytes.
const MAX_ROW: usize = 256 << 10;

/// A row: its place in the file, and its cells by the names of their fields.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Row {
    /// From 1; the first line that it takes.
    pub(crate) line: u64,
    /// What has no cell is empty, or left out.
    pub(crate) cells: BTreeMap<&'static str, String>,
}

impl Row {
    /// A cell that says something.
    pub(crate) fn get(&self, field: &str) -> Option<&str> {
        self.cells.get(field).map(|cell| cell.trim()).filter(|cell| !cell.is_empty())
    }
}

/// A row that cannot be taken.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Refused {
    /// Its line, from 1.
    pub(crate) line: u64,
    /// Why.
    pub(crate) reason: String,
    /// The row's beginning, as it stands in the file.
    pub(crate) text: String,
}

/// What a table gives, row by row.
pub(crate) type Read = Result<Row, Refused>;

/// A table that is being read.
pub(crate) struct Table {
    rows: Box<dyn Iterator<Item = Read>>,
    /// How many bytes of how many are read; none where nobody can say.
    progress: Box<dyn Fn() -> Option<(u64, u64)>>,
}

impl Table {
    /// Opens a table by the ending of its name: `.xlsx`, `.jsonl`, `.ndjson`, else CSV.
    ///
    /// # Errors
    /// When it cannot be read, or a column that is needed is not there, with exit code 2.
    pub(crate) fn open(path: &Path, columns: &Columns) -> Result<Table, Failure> {
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase();
        match ending.as_str() {
            "xlsx" | "xlsm" => xlsx::open(path, columns),
            "xls" | "et" => Err(Failure::invalid(format_args!(
                "{}: the old binary form of Excel is not read; save it as .xlsx or as CSV",
                path.display()
            ))),
            "jsonl" | "ndjson" => jsonl::open(path, columns),
            _ => csv::open(path, columns),
        }
    }

    /// How many bytes of how many are read.
    pub(crate) fn progress(&self) -> Option<(u64, u64)> {
        (self.progress)()
    }
}

impl Iterator for Table {
    type Item = Read;

    fn next(&mut self) -> Option<Read> {
        self.rows.next()
    }
}

/// The beginning of a text that a report shows, without line ends.
fn shown(text: &str) -> String {
    text.chars().take(200).map(|c| if c.is_control() { ' ' } else { c }).collect()
}
