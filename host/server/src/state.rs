//! What handlers work with.

use std::sync::Arc;

use huiyin_engine::Engine;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::account::SignIn;
use crate::finder::Finder;
use crate::token::Token;

/// What handlers work with.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) engine: Arc<Engine>,
    pub(crate) token: Arc<Token>,
    pub(crate) sign_in: Arc<SignIn>,
    /// Packages that may be sent at once.
    pub(crate) uploads: Arc<Semaphore>,
    /// What searches go through.
    pub(crate) finder: Finder,
    /// Cancelled when the server stops: ends streams that would go on for ever.
    pub(crate) stop: CancellationToken,
}
