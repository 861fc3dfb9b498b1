//! Workflows as pictures: Mermaid text and SVG, from the document alone. The
//! same document gives the same bytes. What a document says is only ever text
//! in a picture: no name can become markup, a directive or a script.

mod label;
mod layout;
mod mermaid;
mod paint;
mod svg;

use crate::Definition;
use crate::outline::outline;

/// The workflow as a Mermaid flowchart.
pub fn mermaid(definition: &Definition) -> String {
    mermaid::draw(definition.document(), definition.source(), &outline(definition.source()))
}

/// The workflow as an SVG picture of its own; no font, style or script from elsewhere.
pub fn svg(definition: &Definition) -> String {
    svg::draw(definition.document(), definition.source(), &outline(definition.source()))
}
