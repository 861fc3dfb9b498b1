//! Writes flash reports (快报).
