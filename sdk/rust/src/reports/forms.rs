//! Which forms a paper has, and how the files are called.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Paper, docx, html, markdown};
use crate::{Document, Error};

/// The media type of DOCX.
pub const MEDIA_DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

/// Which forms to render.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Forms {
    /// Markdown and HTML.
    #[default]
    Both,
    /// Markdown only.
    Markdown,
    /// HTML only.
    Html,
    /// DOCX only, in the layout of GB/T 9704.
    Docx,
    /// Markdown, HTML and DOCX.
    All,
}

impl Forms {
    /// All: the default of reporters whose paper is printed.
    pub fn all() -> Self {
        Self::All
    }
}

/// The paper in each of the forms, as `NAME.md`, `NAME.html` and `NAME.docx`.
///
/// # Errors
/// Where it cannot be packed.
pub fn documents(paper: &Paper, forms: Forms, name: &str) -> Result<Vec<Document>, Error> {
    let document = |media_type: &str, end: &str, bytes| Document {
        media_type: media_type.to_owned(),
        filename: format!("{name}.{end}"),
        bytes,
    };
    let mut documents = Vec::new();
    if matches!(forms, Forms::Both | Forms::Markdown | Forms::All) {
        documents.push(document("text/markdown; charset=utf-8", "md", markdown(paper).into_bytes()));
    }
    if matches!(forms, Forms::Both | Forms::Html | Forms::All) {
        documents.push(document("text/html; charset=utf-8", "html", html(paper).into_bytes()));
    }
    if matches!(forms, Forms::Docx | Forms::All) {
        documents.push(document(MEDIA_DOCX, "docx", docx(paper)?));
    }
    Ok(documents)
}

/// A number or code as part of a file name: what is no ASCII letter or digit becomes `-`.
pub fn file_name(code: &str) -> String {
    code.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '-' }).take(100).collect()
}
