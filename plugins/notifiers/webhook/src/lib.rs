//! Posts messages to a URL, signed.
