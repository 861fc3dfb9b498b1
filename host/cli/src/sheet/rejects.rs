//! The file of what was refused: line, reason, and what stood there.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use super::Refused;
use crate::output::Failure;

/// Refused rows on their way to a file, which is made when the first one comes.
pub(crate) struct Rejects {
    path: PathBuf,
    file: Option<csv::Writer<BufWriter<File>>>,
    /// How many there were.
    pub(crate) count: u64,
}

impl Rejects {
    /// To this file; to one beside the table where none is named.
    pub(crate) fn to(path: Option<&Path>, table: &Path) -> Rejects {
        let beside = || {
            let mut name = table.file_name().unwrap_or_default().to_owned();
            name.push(".rejects.csv");
            table.with_file_name(name)
        };
        Rejects { path: path.map_or_else(beside, Path::to_owned), file: None, count: 0 }
    }

    /// Where they go.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Takes one.
    ///
    /// # Errors
    /// When it cannot be written, with exit code 1.
    pub(crate) fn add(&mut self, refused: &Refused) -> Result<(), Failure> {
        self.count += 1;
        let path = self.path.clone();
        let cannot = |error: &dyn std::fmt::Display| Failure::failed(format_args!("{}: {error}", path.display()));
        if self.file.is_none() {
            let mut file = BufWriter::new(File::create(&self.path).map_err(|error| cannot(&error))?);
            // Spreadsheets take a file without this mark for one in the system's own encoding.
            file.write_all("\u{feff}".as_bytes()).map_err(|error| cannot(&error))?;
            let mut file = csv::Writer::from_writer(file);
            file.write_record(["行 line", "原因 reason", "内容 text"]).map_err(|error| cannot(&error))?;
            self.file = Some(file);
        }
        let Some(file) = &mut self.file else { return Ok(()) };
        let line = refused.line.to_string();
        file.write_record([&line, &refused.reason, &refused.text]).map_err(|error| cannot(&error))
    }

    /// Writes out what is left.
    ///
    /// # Errors
    /// When it cannot be written, with exit code 1.
    pub(crate) fn end(&mut self) -> Result<(), Failure> {
        let Some(file) = &mut self.file else { return Ok(()) };
        file.flush().map_err(|error| Failure::failed(format_args!("{}: {error}", self.path.display())))
    }
}
