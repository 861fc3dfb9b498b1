//! Zip files, as DOCX and XLSX are (ECMA-376 part 2). The parts are stored as they are: the journal compresses what is
//! kept, a guest stays small, and the bytes are the same whatever the versions of libraries.

use std::io::{Cursor, Write as _};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use crate::Error;

/// The parts, by name and in this order, as one file. The times of the parts are 1980-01-01: there is no clock.
///
/// # Errors
/// Where the parts are more than a zip file of 4 GiB holds.
pub fn pack(parts: &[(&str, &str)]) -> Result<Vec<u8>, Error> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(DateTime::default());
    let failed = |why: &dyn std::fmt::Display| Error::InvalidInput(format!("the document cannot be packed: {why}"));
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in parts {
        zip.start_file(*name, options).map_err(|why| failed(&why))?;
        zip.write_all(text.as_bytes()).map_err(|why| failed(&why))?;
    }
    Ok(zip.finish().map_err(|why| failed(&why))?.into_inner())
}
