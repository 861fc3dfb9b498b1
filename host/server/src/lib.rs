//! The HTTP API over a running engine (`docs/reference/api.md`).
//!
//! It turns requests into what the engine offers and its answers into JSON;
//! it holds no domain rule. The engine answers only once what led to the
//! answer is durable, and no handler answers before the engine does (rule 2).
//! Errors are problem details (RFC 9457). All but `/healthz`, the console's own
//! files and signing in needs the token or a session.
//!
//! **Invariant:** no answer says more than the engine said, and none comes before the engine's.

mod access;
mod account;
mod activity;
mod api;
mod bindings;
mod body;
mod caller;
mod calls;
mod catalog;
mod clocks;
mod connections;
mod console;
mod desk;
mod etag;
mod events;
mod finder;
mod headers;
mod intake;
mod listen;
mod log;
mod logs;
mod messages;
mod names;
mod openapi;
mod paging;
mod plugins;
mod policy;
mod problem;
mod proxies;
mod publishers;
mod readers;
mod records;
mod redirect;
mod responses;
mod routes;
mod runs;
mod schedules;
mod search;
mod sources;
mod spoken;
mod state;
mod tls;
mod token;
mod watch;
mod workflows;

pub use account::{
    Account, AccountError, Accounts, ApiToken, Deed, MAX_PASSWORD, MAX_TOKEN_DAYS, MIN_PASSWORD, NewToken,
    PasswordError, Second, SignIn, SignInRecord, TOKEN_PREFIX, TokenScope, Tokens, TokensError, Trail, first_password,
};
pub use api::{router, router_with};
pub use body::max_body_bytes;
pub use connections::Bounds;
pub use console::built_in as console_built_in;
pub use listen::{Door, ListenError, bind, serve, serve_doors};
pub use names::{ACTOR_HEADER, KEY_HEADER};
pub use proxies::Proxies;
pub use tls::{LOOK as TLS_LOOK, Tls, TlsError};
pub use token::{TOKEN_FILE, Token, TokenError};
