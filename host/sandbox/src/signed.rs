//! The signature section: where a publisher's signature travels with a package.
//!
//! It is a custom section at the very end of the file. What it holds is text
//! that this crate does not read; what is signed is the digest of everything
//! before it, which is also the package's identity. Nothing here runs,
//! compiles or even parses the inside of a component.

use std::borrow::Cow;

use sha2::{Digest as _, Sha256};
use wasm_encoder::{ComponentSection, CustomSection};
use wasmparser::BinaryReader;

use crate::error::PackageError;

/// The custom section that holds the signature.
pub const SIGNATURE_SECTION: &str = "huiyin:signature";

/// The most bytes that a signature section holds.
pub const MAX_SIGNATURE_BYTES: usize = 64 << 10;

/// The eight bytes with which every Wasm file begins: magic, version, layer.
const PREAMBLE: usize = 8;

/// A package's two parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts<'a> {
    /// The component with its manifest: what is compiled, and what is signed.
    pub content: &'a [u8],
    /// The signature's text, if there is one. It is not verified.
    pub signature: Option<&'a str>,
}

impl Parts<'_> {
    /// SHA-256 of the content, in hexadecimal: the package's identity, signed or not.
    pub fn digest(&self) -> String {
        hex::encode(Sha256::digest(self.content))
    }
}

/// Takes a package apart.
///
/// # Errors
/// When it is not WebAssembly, is cut short, or has a signature anywhere but once at its end.
pub fn split(bytes: &[u8]) -> Result<Parts<'_>, PackageError> {
    if !bytes.starts_with(b"\0asm") || bytes.len() < PREAMBLE {
        return Err(PackageError::NotWasm);
    }
    let invalid = |error: wasmparser::BinaryReaderError| PackageError::Invalid(crate::error::plain(error.message()));
    let mut reader = BinaryReader::new(&bytes[PREAMBLE..], PREAMBLE);
    let mut found: Option<Parts<'_>> = None;
    while !reader.eof() {
        if found.is_some() {
            return Err(PackageError::Signature(
                "it does not stand once at the end of the file; sign the package again".to_owned(),
            ));
        }
        let start = reader.original_position();
        let id = reader.read_u8().map_err(invalid)?;
        let size = reader.read_var_u32().map_err(invalid)?;
        let body = reader.read_bytes(size as usize).map_err(invalid)?;
        if id != 0 {
            continue;
        }
        let mut section = BinaryReader::new(body, 0);
        if section.read_string().map_err(invalid)? != SIGNATURE_SECTION {
            continue;
        }
        let text = &body[section.original_position()..];
        if text.len() > MAX_SIGNATURE_BYTES {
            return Err(PackageError::Signature(format!(
                "it has {} bytes, {MAX_SIGNATURE_BYTES} are allowed",
                text.len()
            )));
        }
        let text = std::str::from_utf8(text).map_err(|_| PackageError::Signature("it is not UTF-8 text".to_owned()))?;
        found = Some(Parts { content: &bytes[..start], signature: Some(text) });
    }
    Ok(found.unwrap_or(Parts { content: bytes, signature: None }))
}

/// The package with this signature, in place of any other.
///
/// # Errors
/// When the package cannot be taken apart.
pub fn attach(package: &[u8], signature: &str) -> Result<Vec<u8>, PackageError> {
    let mut signed = split(package)?.content.to_vec();
    let data = Cow::Borrowed(signature.as_bytes());
    CustomSection { name: SIGNATURE_SECTION.into(), data }.append_to_component(&mut signed);
    // Read back, so that nothing is written that would be refused.
    split(&signed)?;
    Ok(signed)
}
