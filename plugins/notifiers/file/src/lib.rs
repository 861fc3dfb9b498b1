//! Writes messages as files.
