//! The host functions that the contract offers to plugins, and what a caller
//! gives the sandbox so that they work.
//!
//! Each file holds one of them: its rules, and the bridge to the generated
//! trait. None decides what is granted: [`crate::grant`] does.

pub(crate) mod clocks;
pub(crate) mod kv;
pub(crate) mod log;
pub(crate) mod secrets;
pub(crate) mod spool;

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::egress::stand_in::StandIn;
use crate::grant::Grant;

pub use kv::KvWrite;
pub use log::{LogLine, LogSink, Severity};
pub use secrets::{NoSecrets, SecretSource, SecretValue};

/// The generated traits of the contract's imports.
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic)]
pub(crate) mod wit {
    wasmtime::component::bindgen!({
        path: "../../sdk/wit/0.1",
        inline: "
            package huiyin:host;
            world imports {
                import huiyin:plugin/log@0.1.0;
                import huiyin:plugin/secrets@0.1.0;
                import huiyin:plugin/kv@0.1.0;
                import huiyin:plugin/spool@0.1.0;
            }
        ",
        world: "huiyin:host/imports",
        imports: { "huiyin:plugin/spool.put": async },
    });
}

/// What the caller lends to one call.
#[derive(Clone)]
pub struct HostAccess {
    /// Where secrets come from.
    pub secrets: Arc<dyn SecretSource>,
    /// The plugin's own state for this unit, as committed.
    pub kv: Arc<BTreeMap<String, Vec<u8>>>,
    /// Where log lines go at once; they come with the result, too.
    pub log: Option<Arc<dyn LogSink>>,
    /// What the unit's policy allows, whatever an admin granted; none where it
    /// sets no cap.
    pub cap: Option<Arc<Grant>>,
    /// Ends the call when it is cancelled; its error says what may have happened.
    pub stop: CancellationToken,
    /// Asked before the network; none sends what is admitted.
    pub stand_in: Option<Arc<dyn StandIn>>,
}

impl Default for HostAccess {
    fn default() -> Self {
        Self {
            secrets: Arc::new(NoSecrets),
            kv: Arc::default(),
            log: None,
            cap: None,
            stop: CancellationToken::new(),
            stand_in: None,
        }
    }
}
