//! The HTTP API over a running engine (`docs/reference/api.md`).
//!
//! It turns requests into what the engine offers and its answers into JSON;
//! it holds no domain rule. The engine answers only once what led to the
//! answer is durable, and no handler answers before the engine does (rule 2).
//! Errors are problem details (RFC 9457). All but `/healthz` needs the token.
//!
//! **Invariant:** no answer says more than the engine said, and none comes before the engine's.

mod activity;
mod api;
mod bindings;
mod body;
mod caller;
mod catalog;
mod connections;
mod desk;
mod events;
mod intake;
mod listen;
mod log;
mod plugins;
mod problem;
mod publishers;
mod runs;
mod schedules;
mod sources;
mod spoken;
mod token;
mod workflows;

pub use api::router;
pub use body::max_body_bytes;
pub use caller::{ACTOR_HEADER, KEY_HEADER};
pub use connections::Bounds;
pub use listen::{ListenError, bind, serve, serve_within};
pub use token::{TOKEN_FILE, Token, TokenError};
