//! Accounts and sign-in: who a browser stands for.
//!
//! An account is a person of the policy pack (`person:<id>`) or an admin of the
//! host (`admin:<name>`). Whoever signs in acts as that person and nobody else,
//! through the same authority table as everything (`huiyin_desk::permit`).
//!
//! | file | has |
//! |---|---|
//! | [`store`] | the accounts, in a file that only its owner may read |
//! | [`password`] | hashing (argon2id), and what a password must be |
//! | [`delay`] | the growing delay after wrong passwords |
//! | [`session`] | sessions: idle and absolute limits, ending them |
//! | [`trail`] | the record of sign-ins, refusals and changes |
//! | [`signing`] | all of these together: what a running host has |
//! | [`guard`] | the cookie, and the check against forged requests |
//! | [`routes`] | the paths under `/v1/session` and `/v1/accounts` |

mod delay;
pub(crate) mod guard;
mod password;
pub(crate) mod routes;
mod session;
mod signing;
mod store;
mod trail;

pub use password::{MAX_PASSWORD, MIN_PASSWORD, PasswordError, first_password};
pub(crate) use session::Standing;
pub use signing::SignIn;
pub use store::{Account, AccountError, Accounts};
pub use trail::{Deed, SignInRecord, Trail};
