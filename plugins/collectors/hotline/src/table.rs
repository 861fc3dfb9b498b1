//! Tables to rows of cells: CSV, XLSX and JSON. A row that cannot be read is
//! told with its line and why; the rows after it are read all the same.

use std::io::{Cursor, Read as _};

use calamine::{Data, Reader as _, Xlsx};
use serde_json::Value;

/// The largest workbook, in bytes.
const MOST: usize = 8 << 20;
/// The most lines of one row of CSV.
const MOST_LINES: usize = 200;
/// From here on a spreadsheet has lost the end of a number.
const MOST_EXACT: f64 = 1e15;

/// A row, or why it is none, with its line from 1.
pub(crate) type Row = (u64, Result<Vec<String>, String>);

/// A table: its headers and rows.
#[derive(Debug, PartialEq)]
pub(crate) struct Table {
    pub(crate) headers: Vec<String>,
    pub(crate) rows: Vec<Row>,
    /// For a workbook.
    pub(crate) days: Option<Days>,
}

/// From when a workbook counts its days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Days {
    /// 1900, as nearly all do.
    Since1900,
    /// 1904, or it cannot be known.
    Otherwise,
}

/// XLSX by its first bytes, JSON by its first character, else CSV.
pub(crate) fn read(bytes: &[u8], content_type: Option<&str>, list: &str) -> Result<Table, String> {
    if bytes.starts_with(b"PK\x03\x04") {
        return workbook(bytes);
    }
    if bytes.starts_with(&[0xd0, 0xcf, 0x11, 0xe0]) {
        return Err("the old binary form of Excel (.xls) is not read; have it exported as .xlsx or as CSV".to_owned());
    }
    let text = huiyin_sdk::charset::decode(bytes, content_type).text;
    match text.trim_start().chars().next() {
        Some('[' | '{') => json(&text, list),
        Some('<') => Err(format!(
            "it is a page of HTML, perhaps a login: {}",
            huiyin_sdk::text::plain(&text).chars().take(80).collect::<String>()
        )),
        _ => csv(&text),
    }
}

/// A row may run over lines within quotes. A quote that is never closed would
/// take all the rest with it: then its first line alone is refused.
fn csv(text: &str) -> Result<Table, String> {
    let lines: Vec<&str> = text.trim_start_matches('\u{feff}').split('\n').collect();
    let mut rows: Vec<(u64, Result<String, String>)> = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let open = |text: &str| text.matches('"').count() % 2 == 1;
        let (mut row, mut end) = (lines[at].trim_end_matches('\r').to_owned(), at + 1);
        if open(&row) {
            let mut whole = row.clone();
            while open(&whole) && end < lines.len() && end - at < MOST_LINES {
                whole.push('\n');
                whole.push_str(lines[end].trim_end_matches('\r'));
                end += 1;
            }
            if open(&whole) || !quoted(&whole) {
                rows.push((at as u64 + 1, Err("a quotation mark is opened and not closed".to_owned())));
                at += 1;
                continue;
            }
            row = whole;
        }
        if !row.trim().is_empty() {
            rows.push((at as u64 + 1, Ok(row)));
        }
        at = end;
    }
    if rows.is_empty() {
        return Err("it is empty".to_owned());
    }
    let (_, head) = rows.remove(0);
    let head = head?;
    let delimiter = [b',', b'\t', b';'].into_iter().max_by_key(|mark| head.bytes().filter(|byte| byte == mark).count());
    let delimiter = delimiter.unwrap_or(b',');
    let cells = |row: &str| -> Result<Vec<String>, String> {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            .from_reader(row.as_bytes());
        let record = reader.records().next().ok_or("it is empty")?.map_err(|why| why.to_string())?;
        Ok(record.iter().map(str::to_owned).collect())
    };
    let headers = cells(&head)?;
    let width = headers.len();
    let rows = rows.into_iter().map(|(line, row)| {
        let row = row.and_then(|row| cells(&row)).and_then(|cells| {
            let more = cells.iter().skip(width).any(|cell| !cell.trim().is_empty());
            if more { Err(format!("it has {} cells, and the headers are {width}", cells.len())) } else { Ok(cells) }
        });
        (line, row)
    });
    Ok(Table { rows: rows.collect(), headers, days: None })
}

/// Whether quotation marks stand where cells begin and end, or doubled.
fn quoted(text: &str) -> bool {
    let (mut inside, mut begins) = (false, true);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if inside && chars.peek() == Some(&'"') => drop(chars.next()),
            '"' if inside => {
                inside = false;
                if chars.peek().is_some_and(|next| !matches!(next, ',' | '\t' | ';' | '\n')) {
                    return false;
                }
            }
            '"' if begins => inside = true,
            '"' => return false,
            _ => {}
        }
        begins = !inside && matches!(c, ',' | '\t' | ';' | '\n');
    }
    !inside
}

fn workbook(bytes: &[u8]) -> Result<Table, String> {
    if bytes.len() > MOST {
        return Err(format!("{} bytes; at most {MOST} of a workbook are read, have it exported as CSV", bytes.len()));
    }
    let mut book = Xlsx::new(Cursor::new(bytes)).map_err(|why: calamine::XlsxError| why.to_string())?;
    let first = book.sheet_names().first().cloned().ok_or("the workbook has no sheet")?;
    let range = book.worksheet_range(&first).map_err(|why| why.to_string())?;
    let (top, left) = range.start().unwrap_or_default();
    let mut rows = range.rows().enumerate().filter(|(_, row)| row.iter().any(|cell| !matches!(cell, Data::Empty)));
    let (_, head) = rows.next().ok_or_else(|| format!("the sheet {first:?} is empty"))?;
    let headers = head.iter().map(ToString::to_string).collect();
    let since = days(bytes);
    let rows = rows.map(|(at, row)| {
        let line = u64::from(top) + at as u64 + 1;
        let cells = row.iter().enumerate().map(|(column, cell)| {
            self::cell(cell, since).map_err(|why| format!("cell {}{line}: {why}", letters(left as usize + column)))
        });
        (line, cells.collect())
    });
    Ok(Table { headers, rows: rows.collect(), days: Some(since) })
}

/// From when a workbook counts its days.
fn days(bytes: &[u8]) -> Days {
    let mut text = String::new();
    let read = zip::ZipArchive::new(Cursor::new(bytes))
        .ok()
        .and_then(|mut book| book.by_name("xl/workbook.xml").ok()?.take(1 << 20).read_to_string(&mut text).ok());
    match read {
        Some(_) if !text.contains("date1904=\"1\"") && !text.contains("date1904=\"true\"") => Days::Since1900,
        _ => Days::Otherwise,
    }
}

/// A day's number as wall time; none for what is no day from 1990 to 2099. (Such a cell has one of
/// the East Asian formats, 27 to 36 and 50 to 58, which calamine does not know as dates, or none.)
pub(crate) fn serial(text: &str) -> Option<String> {
    let days: f64 = text.parse().ok()?;
    if !(32_874.0..73_051.0).contains(&days) {
        return None;
    }
    let seconds = ((days - 25_569.0) * 86_400.0).round();
    let wall = huiyin_sdk::time::to_rfc3339(seconds as u64 * 1_000)?;
    Some(wall.trim_end_matches('Z').to_owned())
}

/// Dates are wall time; whole numbers are their digits.
fn cell(cell: &Data, since: Days) -> Result<String, String> {
    Ok(match cell {
        Data::Empty => String::new(),
        Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => text.clone(),
        Data::Bool(truth) => truth.to_string(),
        Data::Int(number) => number.to_string(),
        Data::Float(number) if number.abs() >= MOST_EXACT => {
            return Err("a number of 16 digits and more has lost its end; have it written as text".to_owned());
        }
        Data::Float(number) if number.fract() == 0.0 => format!("{number:.0}"),
        Data::Float(number) => number.to_string(),
        Data::DateTime(moment) if moment.is_datetime() => {
            // To the nearest second: 8:30 stands there as 8:29:59.9999998.
            let early = if since == Days::Since1900 { 0.0 } else { 1_462.0 };
            if let Some(wall) = serial(&(moment.as_f64() + early).to_string()) {
                return Ok(wall);
            }
            let (year, month, day, hour, minute, second, _) = moment.to_ymd_hms_milli();
            format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
        }
        Data::DateTime(moment) => moment.as_f64().to_string(),
        Data::Error(error) => return Err(format!("it shows the error {error}")),
    })
}

/// A column's letters; 0 is `A`.
fn letters(mut at: usize) -> String {
    let mut letters = String::new();
    loop {
        letters.insert(0, char::from(b'A' + (at % 26) as u8));
        if at < 26 {
            return letters;
        }
        at = at / 26 - 1;
    }
}

/// A list of objects; a row's number in it is its line.
fn json(text: &str, list: &str) -> Result<Table, String> {
    let document = huiyin_sdk::parse_json_mended(text)?;
    let objects = document.pointer(list).and_then(Value::as_array).ok_or_else(|| {
        format!("it is JSON without a list at {list:?} (/list): {}", text.trim().chars().take(120).collect::<String>())
    })?;
    let mut headers: Vec<String> = Vec::new();
    for object in objects.iter().filter_map(Value::as_object) {
        for key in
            object.keys().filter(|key| headers.len() < 200 && !headers.contains(key)).cloned().collect::<Vec<_>>()
        {
            headers.push(key);
        }
    }
    let rows = objects.iter().enumerate().map(|(at, object)| {
        let row = object.as_object().ok_or_else(|| "it is no object".to_owned()).map(|object| {
            let text = |header: &String| match object.get(header) {
                Some(Value::String(text)) => text.clone(),
                None | Some(Value::Null) => String::new(),
                Some(other) => other.to_string(),
            };
            headers.iter().map(text).collect()
        });
        (at as u64 + 1, row)
    });
    Ok(Table { rows: rows.collect(), headers: headers.clone(), days: None })
}

#[cfg(test)]
mod tests {
    use super::{Days, cell, letters, read};
    use calamine::Data;

    #[test]
    fn hotline_a_quote_that_is_not_closed_takes_no_other_row_with_it() {
        let table =
            read("编号,内容\r\n1,\"甲\n乙\"\n2,\"丙\n3,\"丁\"\"\"\n4,戊,己\n\n5,庚\n".as_bytes(), None, "").unwrap();
        let rows: Vec<(u64, bool)> = table.rows.iter().map(|(line, row)| (*line, row.is_ok())).collect();
        assert_eq!(rows, [(2, true), (4, false), (5, true), (6, false), (8, true)]);
        assert_eq!(table.rows[0].1.as_ref().unwrap()[1], "甲\n乙");
    }

    #[test]
    fn hotline_numbers_keep_their_digits_or_are_refused() {
        assert_eq!(cell(&Data::Float(13_800_138_000.0), Days::Since1900).unwrap(), "13800138000");
        assert!(cell(&Data::Float(1.101_01e17), Days::Since1900).is_err());
        assert_eq!(cell(&Data::Float(0.5), Days::Since1900).unwrap(), "0.5");
        assert_eq!([0, 25, 26, 701, 702].map(letters), ["A", "Z", "AA", "ZZ", "AAA"]);
    }

    #[test]
    fn hotline_what_is_no_table_says_what_it_is() {
        for (text, why) in [
            ("<html><body>请登录</body></html>", "请登录"),
            ("{\"errno\": 5}", "errno"),
            ("", "empty"),
            ("\u{feff}\n \n", "empty"),
        ] {
            assert!(read(text.as_bytes(), None, "/rows").unwrap_err().contains(why), "{text}");
        }
        assert!(read(&[0xd0, 0xcf, 0x11, 0xe0, 0], None, "").unwrap_err().contains(".xls"));
        assert!(read(b"PK\x03\x04broken", None, "").is_err());
    }
}
