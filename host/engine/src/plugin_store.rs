//! What installing plugins, granting and trusting needs, and changes.

use std::path::PathBuf;
use std::sync::{Arc, RwLock};

use huiyin_partition::watched_source::WatchedSource;
use huiyin_registry::grants::{Grants, OwnFolders};
use huiyin_registry::trust::Trust;

/// What installing and granting needs.
pub(crate) struct PluginStore {
    /// Whom the configuration trusts.
    pub(crate) configured: Trust,
    /// Whom the host trusts: with what people said since.
    pub(crate) trust: RwLock<Trust>,
    pub(crate) grants: Arc<Grants>,
    pub(crate) own: OwnFolders,
    /// Where packages are kept; none for a host in memory.
    pub(crate) folder: Option<PathBuf>,
    pub(crate) sources: Vec<Arc<WatchedSource>>,
}
