//! The regulation, clause by clause. Each file is named by the id of a clause
//! in `docs/reference/clauses.md`; the name of a test is the promise.

// Clippy's settings for tests do not reach helper functions of integration tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod c1a;
mod c1b;
mod c1c;
mod c1d;
mod c1e;
mod c1f;
mod c1g;
mod c1h;
mod c1i;
mod c2a;
mod c2b;
mod c2c;
mod c3_1a;
mod c3_1b;
mod c3_1c;
mod c3_1d;
mod c3_1e;
mod c3_1f;
mod c3_1g;
mod c3_2a;
mod c3_2b;
mod c3_2c;
mod c3_2d;
mod c3_2e;
mod c3_2f;
mod c3_2g;
mod c3_3;
mod c3_4a;
mod c3_4b;
mod c3_5a;
mod c3_5b;
mod c3_5c;
mod c3_5d;
mod c3_5e;
mod c3_5f;
mod c4a;
mod c4b;
mod c4c;
mod c5a;
mod c5b;
mod c5c;
mod c5d;
mod c5e;
mod c6a;
mod c6b;
mod c6c;
mod c6d;
mod calendar;
mod policy;
mod register;
mod rights;
mod search;
mod story;
mod versions;
