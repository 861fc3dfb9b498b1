//! JSON lines: an object a line, its members named as the columns of a table.

use std::cell::Cell;
use std::fs::File;
use std::io::{BufRead, BufReader, Read as _};
use std::path::Path;
use std::rc::Rc;

use serde_json::Value;

use super::columns::Columns;
use super::{MAX_ROW, Read, Refused, Row, Table, shown};
use crate::output::Failure;

/// Opens a file.
pub(super) fn open(path: &Path, columns: &Columns) -> Result<Table, Failure> {
    let cannot = |error: std::io::Error| Failure::invalid(format_args!("{}: {error}", path.display()));
    let file = File::open(path).map_err(cannot)?;
    let size = file.metadata().map_err(cannot)?.len();
    let done = Rc::new(Cell::new(0_u64));
    let (mut file, mut line, read, columns) = (BufReader::new(file), 0_u64, Rc::clone(&done), columns.clone());
    let rows = std::iter::from_fn(move || {
        loop {
            line += 1;
            let refused = |reason: String, text: &str| Refused { line, reason, text: shown(text) };
            let mut bytes = Vec::new();
            match (&mut file).take(MAX_ROW as u64 + 1).read_until(b'\n', &mut bytes) {
                Ok(0) => return None,
                Ok(count) => read.set(read.get() + count as u64),
                Err(error) => return Some(Err(refused(error.to_string(), ""))),
            }
            if bytes.len() > MAX_ROW {
                read.set(read.get() + skip_line(&mut file));
                return Some(Err(refused(format!("the line is longer than {MAX_ROW} bytes"), "")));
            }
            let Ok(text) = std::str::from_utf8(&bytes) else {
                return Some(Err(refused("it is not UTF-8".to_owned(), &String::from_utf8_lossy(&bytes))));
            };
            if !text.trim().is_empty() {
                return Some(row(line, text.trim_start_matches('\u{feff}'), &columns));
            }
        }
    });
    Ok(Table { rows: Box::new(rows), progress: Box::new(move || Some((done.get(), size))) })
}

/// Reads on to the end of a line; how many bytes that were.
fn skip_line(file: &mut impl BufRead) -> u64 {
    let mut skipped = 0;
    loop {
        let Ok(buffer) = file.fill_buf() else { return skipped };
        if buffer.is_empty() {
            return skipped;
        }
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let count = end.map_or(buffer.len(), |at| at + 1);
        file.consume(count);
        skipped += count as u64;
        if end.is_some() {
            return skipped;
        }
    }
}

fn row(line: u64, text: &str, columns: &Columns) -> Read {
    let refused = |reason: String| Refused { line, reason, text: shown(text) };
    let object = match huiyin_json::depth::read::<Value>(text.as_bytes()) {
        Ok(Value::Object(object)) => object,
        Ok(_) => return Err(refused("it is no object".to_owned())),
        Err(error) => return Err(refused(format!("it is no JSON: {error}"))),
    };
    let mut row = Row { line, ..Row::default() };
    for (name, value) in &object {
        let Some(field) = columns.field(name) else {
            return Err(refused(format!("there is no field `{}`", shown(name))));
        };
        let cell = match value {
            Value::Null => continue,
            Value::String(text) => text.clone(),
            Value::Bool(truth) => truth.to_string(),
            Value::Number(number) => number.to_string(),
            Value::Array(list) if list.iter().all(Value::is_string) => {
                list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n")
            }
            _ => return Err(refused(format!("`{}` is no text", shown(name)))),
        };
        if row.cells.insert(field, cell).is_some() {
            return Err(refused(format!("`{field}` is given twice")));
        }
    }
    match columns.needed().find(|field| row.get(field).is_none()) {
        Some(missing) => Err(refused(format!("`{missing}` is missing"))),
        None => Ok(row),
    }
}
