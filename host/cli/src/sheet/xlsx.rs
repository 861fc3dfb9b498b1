//! XLSX: the first sheet of a workbook, its first row the headers.
//!
//! A number of 16 digits and more has lost its end in every spreadsheet, so such a cell is refused; a phone number in
//! a number cell is written as its digits. Times in date cells are wall time.

use std::path::Path;

use calamine::{Data, Reader as _, Xlsx, open_workbook};

use super::columns::Columns;
use super::{Read, Refused, Row, Table, shown};
use crate::output::Failure;

/// The largest workbook that is read, in bytes as it lies on disk: it is held in memory.
const MAX_FILE: u64 = 32 << 20;
/// The largest number whose digits a spreadsheet keeps.
const MOST_EXACT: f64 = 1e15;

/// Opens a file.
pub(super) fn open(path: &Path, columns: &Columns) -> Result<Table, Failure> {
    let wrong = |why: String| Failure::invalid(format_args!("{}: {why}", path.display()));
    let size = std::fs::metadata(path).map_err(|error| wrong(error.to_string()))?.len();
    if size > MAX_FILE {
        return Err(wrong(format!("{size} bytes; at most {MAX_FILE} of a workbook are read. Save it as CSV")));
    }
    let mut book: Xlsx<_> = open_workbook(path).map_err(|error: calamine::XlsxError| wrong(error.to_string()))?;
    let first = book.sheet_names().first().cloned().ok_or_else(|| wrong("the workbook has no sheet".to_owned()))?;
    let range = book.worksheet_range(&first).map_err(|error| wrong(error.to_string()))?;
    let top = range.start().map_or(0, |(row, _)| row);
    let left = range.start().map_or(0, |(_, column)| column);
    let mut rows: Vec<(u64, Vec<Data>)> = range
        .rows()
        .enumerate()
        .map(|(at, row)| (u64::from(top) + at as u64 + 1, row.to_vec()))
        .filter(|(_, row)| row.iter().any(|cell| !matches!(cell, Data::Empty)))
        .collect();
    if rows.is_empty() {
        return Err(wrong(format!("the sheet `{first}` is empty")));
    }
    let (line, head) = rows.remove(0);
    let headers: Vec<String> = head.iter().map(ToString::to_string).collect();
    let places = columns.placed(&headers).map_err(|why| wrong(format!("row {line}: {why}")))?;
    let total = rows.len() as u64;
    let done = std::rc::Rc::new(std::cell::Cell::new(0_u64));
    let read = std::rc::Rc::clone(&done);
    let rows = rows.into_iter().map(move |(line, cells)| {
        read.set(read.get() + 1);
        row(line, left, &cells, &places)
    });
    Ok(Table { rows: Box::new(rows), progress: Box::new(move || Some((done.get(), total))) })
}

fn row(line: u64, left: u32, cells: &[Data], places: &[Option<&'static str>]) -> Read {
    let mut row = Row { line, ..Row::default() };
    for ((at, cell), field) in cells.iter().enumerate().zip(places) {
        let Some(field) = field else { continue };
        match text(cell) {
            Ok(text) => {
                row.cells.insert(field, text);
            }
            Err(why) => {
                let shown = shown(&cells.iter().map(ToString::to_string).collect::<Vec<_>>().join(" | "));
                let reason = format!("cell {}{line}: {why}", column(u64::from(left) + at as u64));
                return Err(Refused { line, reason, text: shown });
            }
        }
    }
    Ok(row)
}

fn text(cell: &Data) -> Result<String, String> {
    Ok(match cell {
        Data::Empty => String::new(),
        Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => text.clone(),
        Data::Bool(truth) => truth.to_string(),
        Data::Int(number) => number.to_string(),
        Data::Float(number) if number.abs() >= MOST_EXACT => {
            return Err("a number of 16 digits and more has lost its end; write it as text".to_owned());
        }
        Data::Float(number) if number.fract() == 0.0 => format!("{number:.0}"),
        Data::Float(number) => number.to_string(),
        Data::DateTime(moment) if moment.is_datetime() => {
            let (year, month, day, hour, minute, second, _) = moment.to_ymd_hms_milli();
            format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
        }
        Data::DateTime(moment) => moment.as_f64().to_string(),
        Data::Error(error) => return Err(format!("it shows the error {error}")),
    })
}

/// A column's letters; `A` is 0.
fn column(mut at: u64) -> String {
    let mut letters = Vec::new();
    loop {
        letters.push(char::from(b'A' + u8::try_from(at % 26).unwrap_or(0)));
        if at < 26 {
            break;
        }
        at = at / 26 - 1;
    }
    letters.into_iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::column;

    #[test]
    fn columns_have_the_letters_of_a_spreadsheet() {
        assert_eq!([0, 25, 26, 701, 702].map(column), ["A", "Z", "AA", "ZZ", "AAA"]);
    }
}
