//! Accounts and sign-in: who a browser stands for.
//!
//! An account is a person of the policy pack (`person:<id>`) or an admin of the
//! host (`admin:<name>`). Whoever signs in acts as that person and nobody else,
//! through the same authority table as everything (`huiyin_desk::permit`).
//!
//! | file | has |
//! |---|---|
//! | [`kept`] | a file that the host and the command line both change |
//! | [`store`] | the accounts, in such a file |
//! | [`tokens`] | API tokens, in another |
//! | [`password`] | hashing (argon2id), and what a password must be |
//! | [`second`] | the second factor: codes by the time, recovery codes |
//! | [`second_routes`] | its paths |
//! | [`delay`] | the growing delay after wrong passwords |
//! | [`session`] | sessions: idle and absolute limits, ending them |
//! | [`trail`] | the record of sign-ins, refusals and changes |
//! | [`signing`] | all of these together: what a running host has |
//! | [`guard`] | the cookie, and the check against forged requests |
//! | [`routes`] | the paths under `/v1/session` and `/v1/accounts` |
//! | [`token_routes`] | those under `/v1/tokens` |

mod delay;
pub(crate) mod guard;
mod kept;
mod password;
pub(crate) mod routes;
mod second;
mod second_routes;
mod session;
mod signing;
mod store;
mod token_routes;
mod tokens;
mod trail;

pub use password::{MAX_PASSWORD, MIN_PASSWORD, PasswordError, first_password};
pub use second::Second;
pub(crate) use session::Standing;
pub use signing::SignIn;
pub(crate) use signing::Whence;
pub use store::{Account, AccountError, Accounts};
pub use tokens::{ApiToken, MAX_TOKEN_DAYS, NewToken, TOKEN_PREFIX, TokenScope, Tokens, TokensError};
pub use trail::{Deed, SignInRecord, Trail};
