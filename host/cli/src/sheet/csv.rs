//! CSV as spreadsheets and call centres write it: UTF-8 or GB18030, with commas, semicolons or tabs.
//!
//! A row may run over several lines within quotes. A quote that is never closed would take the rest of the file with
//! it: a row has a bound, and where it is passed its first line alone is refused.

use std::cell::Cell;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read, Seek as _};
use std::path::Path;
use std::rc::Rc;

use encoding_rs_io::{DecodeReaderBytes, DecodeReaderBytesBuilder};

use super::columns::Columns;
use super::{MAX_ROW, Read as RowRead, Refused, Row, Table, shown};
use crate::output::Failure;

/// How much of a file tells its encoding.
const SAMPLE: u64 = 256 << 10;
/// The most lines of one row.
const MAX_LINES: usize = 500;

/// Opens a file.
pub(super) fn open(path: &Path, columns: &Columns) -> Result<Table, Failure> {
    let cannot = |error: std::io::Error| Failure::invalid(format_args!("{}: {error}", path.display()));
    let mut file = File::open(path).map_err(cannot)?;
    let size = file.metadata().map_err(cannot)?.len();
    let mut sample = Vec::new();
    (&mut file).take(SAMPLE).read_to_end(&mut sample).map_err(cannot)?;
    file.rewind().map_err(cannot)?;
    let encoding = if is_utf8(&sample) { encoding_rs::UTF_8 } else { encoding_rs::GB18030 };
    let read = Rc::new(Cell::new(0));
    let counted = Counted { file, read: Rc::clone(&read) };
    let text = DecodeReaderBytesBuilder::new().encoding(Some(encoding)).bom_override(true).build(counted);
    let mut lines = Lines { text: BufReader::new(text), ahead: VecDeque::new(), next: 1 };
    let wrong = |why: String| Failure::invalid(format_args!("{}:1: {why}", path.display()));
    let head = loop {
        match lines.row() {
            None => return Err(wrong("the file has no header".to_owned())),
            Some(Err(refused)) => return Err(wrong(refused.reason)),
            Some(Ok((_, text))) if text.trim().is_empty() => {}
            Some(Ok((_, text))) => break text,
        }
    };
    let delimiter = delimiter(&head);
    let headers = cells(&head, delimiter).map_err(&wrong)?;
    let places = columns.placed(&headers).map_err(wrong)?;
    let rows = std::iter::from_fn(move || {
        loop {
            match lines.row()? {
                Ok((_, text)) if text.trim().is_empty() => {}
                Ok((line, text)) => return Some(row(line, &text, delimiter, &places)),
                Err(refused) => return Some(Err(refused)),
            }
        }
    });
    Ok(Table { rows: Box::new(rows), progress: Box::new(move || Some((read.get(), size))) })
}

/// A file whose bytes are counted as they are read.
struct Counted {
    file: File,
    read: Rc<Cell<u64>>,
}

impl Read for Counted {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let count = self.file.read(into)?;
        self.read.set(self.read.get() + count as u64);
        Ok(count)
    }
}

/// Whether bytes are UTF-8, the last character aside, which may be cut.
fn is_utf8(bytes: &[u8]) -> bool {
    match std::str::from_utf8(bytes) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    }
}

/// The lines of a text, put together to rows.
struct Lines {
    text: BufReader<DecodeReaderBytes<Counted, Vec<u8>>>,
    /// Lines that were read in vain for a row that did not end.
    ahead: VecDeque<Result<String, String>>,
    /// The number of the line that comes next.
    next: u64,
}

impl Lines {
    /// The next line without its end; why not, where it is too long or broken.
    fn line(&mut self) -> Option<Result<String, String>> {
        if let Some(line) = self.ahead.pop_front() {
            return Some(line);
        }
        let mut bytes = Vec::new();
        let mut long = false;
        loop {
            let buffer = match self.text.fill_buf() {
                Ok(buffer) => buffer,
                Err(error) => return Some(Err(format!("it cannot be read: {error}"))),
            };
            if buffer.is_empty() {
                if bytes.is_empty() && !long {
                    return None;
                }
                break;
            }
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let taken = end.map_or(buffer.len(), |at| at + 1);
            if bytes.len() + taken <= MAX_ROW {
                bytes.extend_from_slice(buffer.get(..taken).unwrap_or_default());
            } else {
                long = true;
            }
            self.text.consume(taken);
            if end.is_some() {
                break;
            }
        }
        if long {
            return Some(Err(format!("the line is longer than {MAX_ROW} bytes")));
        }
        let line = String::from_utf8_lossy(&bytes).trim_end_matches(['\n', '\r']).to_owned();
        Some(Ok(line))
    }

    /// The next row: its first line's number, and its text.
    fn row(&mut self) -> Option<Result<(u64, String), Refused>> {
        let line = self.next;
        self.next += 1;
        let first = match self.line()? {
            Ok(first) => first,
            Err(reason) => return Some(Err(Refused { line, reason, text: String::new() })),
        };
        if closed(&first) {
            return Some(Ok((line, first)));
        }
        let (mut row, mut more) = (first.clone(), Vec::new());
        while more.len() < MAX_LINES && row.len() < MAX_ROW {
            let Some(next) = self.line() else { break };
            let Ok(text) = &next else {
                more.push(next);
                break;
            };
            row.push('\n');
            row.push_str(text);
            more.push(next);
            if closed(&row) {
                if !well_quoted(&row) {
                    // The mark that closes is another line's: what stands between them is theirs.
                    break;
                }
                self.next += more.len() as u64;
                return Some(Ok((line, row)));
            }
        }
        for line in more.into_iter().rev() {
            self.ahead.push_front(line);
        }
        let reason = "a quotation mark is opened and not closed".to_owned();
        Some(Err(Refused { line, reason, text: shown(&first) }))
    }
}

/// Whether every quotation mark that is opened is closed.
fn closed(text: &str) -> bool {
    text.bytes().filter(|byte| *byte == b'"').count() % 2 == 0
}

/// Whether quotation marks stand where cells begin and end, and nowhere else but doubled (RFC 4180, section 2).
fn well_quoted(text: &str) -> bool {
    let parts = |byte: u8| matches!(byte, b',' | b'\t' | b';' | b'\n' | b'\r');
    let (mut quoted, mut begins) = (false, true);
    let mut bytes = text.bytes().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' if quoted && bytes.peek() == Some(&b'"') => drop(bytes.next()),
            b'"' if quoted => {
                quoted = false;
                if bytes.peek().is_some_and(|next| !parts(*next)) {
                    return false;
                }
            }
            b'"' if begins => quoted = true,
            b'"' => return false,
            _ => {}
        }
        begins = !quoted && parts(byte);
    }
    !quoted
}

/// What parts the cells: whichever the header has most of.
fn delimiter(head: &str) -> u8 {
    let count = |byte: u8| head.bytes().filter(|other| *other == byte).count();
    [b',', b'\t', b';'].into_iter().max_by_key(|byte| (count(*byte), *byte == b',')).unwrap_or(b',')
}

fn cells(text: &str, delimiter: u8) -> Result<Vec<String>, String> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .buffer_capacity(text.len().max(64))
        .from_reader(text.as_bytes());
    let mut record = csv::StringRecord::new();
    match reader.read_record(&mut record) {
        Ok(_) => Ok(record.iter().map(str::to_owned).collect()),
        Err(error) => Err(format!("it is no CSV: {error}")),
    }
}

fn row(line: u64, text: &str, delimiter: u8, places: &[Option<&'static str>]) -> RowRead {
    let refused = |reason: String| Refused { line, reason, text: shown(text) };
    if text.contains(char::REPLACEMENT_CHARACTER) {
        return Err(refused("it has bytes that are no text; save the file as UTF-8 or GB18030".to_owned()));
    }
    let cells = cells(text, delimiter).map_err(&refused)?;
    if cells.len() > places.len() && cells.iter().skip(places.len()).any(|cell| !cell.trim().is_empty()) {
        return Err(refused(format!("{} cells, and the header has {}", cells.len(), places.len())));
    }
    let cells = cells.into_iter().zip(places).filter_map(|(cell, field)| Some(((*field)?, cell))).collect();
    Ok(Row { line, cells })
}
