//! The API's own description: OpenAPI 3.1, made of the table of routes
//! ([`crate::routes`]) from which the service itself is made. So there is no
//! route without its entry, and no entry without its route.
//!
//! | file | has |
//! |---|---|
//! | [`route`] | a route: path, right, words, what it takes and gives |
//! | [`document`] | the document |
//! | [`shapes`] | what the API answers, as JSON Schema |
//! | [`page`] | the document as a page to read, without script |

mod document;
mod page;
mod route;
pub(crate) mod shapes;

pub(crate) use document::{Document, serve};
#[cfg(test)]
pub(crate) use document::{TAGS, moved};
pub(crate) use page::{page, style};
pub(crate) use route::{Answer, Body, Right, Route, delete, get, post};
