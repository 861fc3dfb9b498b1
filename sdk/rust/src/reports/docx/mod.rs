//! A paper as DOCX (ECMA-376), laid out as GB/T 9704-2012 says: A4, a type area of 156 × 225 mm below a margin of 37 mm
//! and beside one of 28 mm, 22 lines of 28 characters of 三号 (16 pt) 仿宋 on a page, red head, page numbers between
//! dashes at the outer edge.
//!
//! Twenty-eight characters of 16 pt are wider than the type area: each is set a quarter of a point closer. The grid is one of lines
//! only (a pitch of 579 twentieths of a point), because a grid of characters as narrow as this is read in two ways by
//! the programs that open it; and each line is exactly as high as the grid, whatever font stands in for 仿宋.

mod body;
mod head;
mod parts;
mod text;

use super::archive::pack;
use super::{Paper, escape};
use crate::Error;
use crate::time::to_rfc3339;

/// The paper as the bytes of a DOCX file.
///
/// # Errors
/// Where it cannot be packed.
pub fn docx(paper: &Paper) -> Result<Vec<u8>, Error> {
    let document = format!(
        "{}<w:document {}><w:body>{}{}{}</w:body></w:document>",
        parts::XML,
        parts::NAMES,
        head::write(paper),
        body::write(paper),
        parts::SECTION,
    );
    let made = to_rfc3339(paper.made).unwrap_or_default();
    let core = format!(
        "{}<cp:coreProperties xmlns:cp=\"http://schemas.openxmlformats.org/package/2006/metadata/core-properties\" \
         xmlns:dc=\"http://purl.org/dc/elements/1.1/\" xmlns:dcterms=\"http://purl.org/dc/terms/\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><dc:title>{}</dc:title><dc:language>zh-CN</dc:language>\
         <dcterms:created xsi:type=\"dcterms:W3CDTF\">{made}</dcterms:created></cp:coreProperties>",
        parts::XML,
        escape(&paper.title),
    );
    pack(&[
        ("[Content_Types].xml", parts::CONTENT_TYPES),
        ("_rels/.rels", parts::RELATIONS),
        ("docProps/core.xml", &core),
        ("word/document.xml", &document),
        ("word/_rels/document.xml.rels", parts::DOCUMENT_RELATIONS),
        ("word/styles.xml", &parts::styles()),
        ("word/settings.xml", &parts::settings()),
        ("word/fontTable.xml", &parts::fonts()),
        ("word/footer1.xml", &parts::footer("right")),
        ("word/footer2.xml", &parts::footer("left")),
    ])
}
