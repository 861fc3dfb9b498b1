//! What reporters share, behind the feature `reports`: a [`Paper`] is put together once, and written as Markdown, as
//! HTML and as DOCX in the layout of GB/T 9704 (`docx`). Pure, and the same bytes each time.
//!
//! Every [`Statement`] carries the ids of what shows it (clause 1b): beside it in Markdown and HTML, by number with a
//! list at the end in print. Texts come from outside: none of the writers lets them become markup.
#![allow(clippy::format_push_string, clippy::format_collect, reason = "the writers read as what they write")]

pub mod archive;
pub mod cause;
mod checks;
mod docx;
mod forms;
mod html;
pub mod log;
mod markdown;
mod paper;
pub mod stage;

pub use checks::{Date, date, elapsed, filled, given, instant, says_nothing, statement, wrong};
pub use docx::docx;
pub use forms::{Forms, MEDIA_DOCX, documents, file_name};
pub use html::{escape, html};
pub use markdown::markdown;
pub use paper::{Block, Head, Paper, Signature, Statement};
