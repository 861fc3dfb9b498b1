//! The regulation, clause by clause. Each file is named by the id of a clause
//! in `docs/reference/clauses.md`; the name of a test is the promise.

// Clippy's settings for tests do not reach helper functions of integration tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod c1c;
mod c1i;
mod c2a;
mod c5a;
mod c5e;
