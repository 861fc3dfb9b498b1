//! What workflows may call: what the program carries, what is named, what is installed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use huiyin_engine::catalog::RegistryCatalog;
use huiyin_engine::house::{House, Origin};
use huiyin_engine::start::{Candidate, open_house_with};
use huiyin_flow::{Catalog as _, FunctionInfo};

use crate::bundle::carried;
use crate::folders::user_cache;
use crate::host::{compiler, refused, trust_of};
use crate::output::{Failure, read_bytes, shown};

/// The largest component, in bytes.
const MAX_COMPONENT: u64 = 256 << 20;

/// Plugins beside those that huiyin carries.
#[derive(Debug, clap::Args)]
pub(super) struct HouseArgs {
    /// Plugins that they call, beside those that huiyin carries.
    #[arg(long, value_name = "FILE")]
    plugin: Vec<PathBuf>,
    /// A data folder whose installed plugins they may call.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

impl HouseArgs {
    /// The house that all of it makes.
    pub(super) fn open(&self) -> Result<Arc<House>, Failure> {
        let data = self.data.as_deref();
        let mut components = carried();
        let named = self.plugin.iter().map(|file| (file.clone(), Origin::Configured));
        let there = data.map(installed).transpose()?.unwrap_or_default();
        for (file, origin) in named.chain(there.into_iter().map(|file| (file, Origin::Installed))) {
            components.push(Candidate { file: shown(&file), bytes: read_bytes(&file, MAX_COMPONENT)?, origin });
        }
        let trust = data.map(|data| trust_of(data, None)).transpose()?.unwrap_or_default();
        let cache = data.map(|data| data.join("cache")).or_else(|| user_cache().map(|folder| folder.join("code")));
        open_house_with(cache, &components, &trust, compiler()).map_err(|error| refused(&error))
    }
}

/// Every function of a house, by `name:version`.
pub(super) fn functions(house: &House) -> Vec<(String, FunctionInfo)> {
    let catalog = RegistryCatalog(house);
    let info = |full: String| {
        let (name, version) = full.split_once(':')?;
        catalog.resolve(name, Some(version)).map(|info| (full.clone(), info))
    };
    catalog.names().into_iter().filter_map(info).collect()
}

/// The packages in a data folder.
pub(crate) fn installed(data: &Path) -> Result<Vec<PathBuf>, Failure> {
    let folder = data.join("plugins");
    let listed = match std::fs::read_dir(&folder) {
        Ok(listed) => listed,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && data.is_dir() => return Ok(Vec::new()),
        Err(error) => return Err(Failure::unreachable(format_args!("{}: {error}", folder.display()))),
    };
    let mut files: Vec<PathBuf> = listed
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "wasm"))
        .collect();
    files.sort();
    Ok(files)
}
