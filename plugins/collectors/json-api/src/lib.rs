//! Reads paged JSON APIs.
