//! Reads RSS, Atom and JSON Feed.
