//! The components a host starts with: what the program carries, what the
//! configuration names, what lies in the data folder. Each is judged before it
//! is compiled, and all are loaded on all cores.
//!
//! A fault in what was carried or named is the admin's to mend, and nothing
//! starts. One in what was installed is that plugin's own: it is withheld, with
//! its reason, and the rest goes on (rule 11).

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use huiyin_journal::Journal;
use huiyin_records::record::{Entry, PluginInstalled};
use huiyin_records::state::{Plugins, State};
use huiyin_registry::house::{House, Known, Origin, Provenance};
use huiyin_registry::trust::{Judgement, Signed, Trust};
use huiyin_sandbox::{Package, Sandbox, package::peek};
use jiff::Timestamp;

use super::error::io_error;
use super::force::{DEPLOY, write_all};
use super::{Options, StartError};

/// A component that is to be loaded.
pub struct Candidate {
    /// Its file, or its place in the program.
    pub file: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Where it comes from.
    pub origin: Origin,
}

/// What became of one.
pub(super) struct Loaded {
    file: String,
    origin: Origin,
    /// What it calls itself, where that can be read.
    name: Option<String>,
    judgement: Judgement,
    signed: Signed,
    package: Result<Arc<Package>, StartError>,
}

/// What was found installed and may be used.
pub(super) struct Found {
    plugin: String,
    digest: String,
    kind: String,
    publishers: Vec<String>,
}

/// Everything that a host is to start with.
pub(super) fn candidates(options: &Options) -> Result<Vec<Candidate>, StartError> {
    let carried = options.bundle.iter().enumerate().map(|(n, bytes)| Candidate {
        file: format!("built-in component {n}"),
        bytes: bytes.clone(),
        origin: Origin::Carried,
    });
    let mut all: Vec<Candidate> = carried.collect();
    let read = |file: PathBuf, origin| {
        let bytes = std::fs::read(&file).map_err(|error| io_error(&file, error))?;
        Ok::<_, StartError>(Candidate { file: file.display().to_string(), bytes, origin })
    };
    for file in &options.config.plugins {
        all.push(read(options.base.join(file), Origin::Configured)?);
    }
    let Some(folder) = options.data.as_ref().map(|data| data.join("plugins")).filter(|folder| folder.is_dir()) else {
        return Ok(all);
    };
    let listed = std::fs::read_dir(&folder).map_err(|error| io_error(&folder, error))?;
    let mut files: Vec<PathBuf> = listed
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "wasm"))
        .collect();
    files.sort();
    for file in files {
        all.push(read(file, Origin::Installed)?);
    }
    Ok(all)
}

/// Judges and loads components on all cores: each has its compiled code
/// checked, or is compiled.
pub(super) fn load_all(sandbox: &Sandbox, trust: &Trust, all: &[Candidate]) -> Vec<Loaded> {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).clamp(1, all.len().max(1));
    let next = AtomicUsize::new(0);
    let take = || {
        let mut loaded = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(candidate) = all.get(at) else { return loaded };
            loaded.push((at, load(sandbox, trust, candidate)));
        }
    };
    let mut loaded: Vec<(usize, Loaded)> = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(take)).collect();
        let mut all = take();
        for other in others {
            match other.join() {
                Ok(loaded) => all.extend(loaded),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    });
    loaded.sort_by_key(|(at, _)| *at);
    loaded.into_iter().map(|(_, one)| one).collect()
}

fn load(sandbox: &Sandbox, trust: &Trust, candidate: &Candidate) -> Loaded {
    let Candidate { file, bytes, origin } = candidate;
    let signed = Signed::of(bytes);
    let judged = match origin {
        Origin::Installed => {
            signed.as_ref().map_err(|e| e.clone().into()).and_then(|signed| trust.judge_signed(signed))
        }
        // Whoever named it trusts it; a signature that is wrong still says that it was changed.
        Origin::Carried | Origin::Configured => trust.signed(bytes),
    };
    let refused = |error| StartError::Untrusted { file: file.clone(), error };
    let (judgement, package) = match judged {
        Err(error) => (Judgement::default(), Err(refused(error))),
        Ok(judgement) => {
            let loaded = sandbox.load(bytes);
            (judgement, loaded.map_err(|error| StartError::Package { file: file.clone(), error }))
        }
    };
    let name = peek(bytes).ok().map(|manifest| format!("{}:{}", manifest.name, manifest.version));
    Loaded { file: file.clone(), origin: *origin, name, judgement, signed: signed.unwrap_or_default(), package }
}

/// The component of that name that was carried or named, never one that was installed.
pub(super) fn own<'l>(loaded: &'l [Loaded], name: &str) -> Option<&'l Arc<Package>> {
    let own = loaded.iter().filter(|one| one.origin != Origin::Installed);
    own.filter_map(|one| one.package.as_ref().ok()).find(|package| package.manifest.name == name)
}

/// Puts what was loaded into a house.
///
/// # Errors
/// When one that was carried or named is refused.
pub(super) fn install_all(house: &House, loaded: Vec<Loaded>) -> Result<Vec<Found>, StartError> {
    let mut found = Vec::new();
    for Loaded { file, origin, name, judgement, signed, package } in loaded {
        let installed = package.and_then(|package| {
            let units =
                if origin == Origin::Installed { judgement.units } else { huiyin_registry::trust::Units::all() };
            let provenance = Provenance { origin, publishers: judgement.publishers.clone(), units, signed };
            let kind = package.manifest.kind.name().to_owned();
            let pin = house.install_from(package, provenance)?;
            Ok(Found { plugin: pin.plugin, digest: pin.digest, kind, publishers: judgement.publishers })
        });
        match installed {
            Ok(one) if origin == Origin::Installed => found.push(one),
            Ok(_) => {}
            Err(error) if origin == Origin::Installed => {
                tracing::error!(%error, "an installed plugin is withheld");
                house.withhold(&name.unwrap_or(file), error.to_string());
            }
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// Compares the data folder with what is on record: what was changed there, or
/// is gone, is withheld. Gives what was put there while the host was at rest.
pub(super) fn compare(known: &Plugins, found: Vec<Found>, house: &House) -> Vec<Found> {
    let mut there = BTreeSet::new();
    let mut new = Vec::new();
    for one in found {
        there.insert(one.plugin.clone());
        match known.installed.get(&one.plugin) {
            None => new.push(one),
            Some(known) if known.digest == one.digest => {}
            Some(known) => {
                house.remove(&one.plugin);
                let (was, now) = (&known.digest, &one.digest);
                let why = format!(
                    "its file was changed while the host was at rest: it was installed as sha256:{was}, and is now sha256:{now}"
                );
                tracing::error!(plugin = one.plugin, why, "an installed plugin is withheld");
                house.withhold(&one.plugin, why);
            }
        }
    }
    let withheld = house.withheld();
    for (name, installed) in known.installed.iter().filter(|(name, _)| house.find(name).is_none()) {
        if !there.contains(name) && !withheld.contains_key(name) {
            let why = "its file is not in the data folder any more; install it again".to_owned();
            tracing::error!(plugin = name, why, "an installed plugin is withheld");
            house.withhold(name, why);
        }
        let (digest, kind) = (installed.digest.clone(), installed.kind.clone());
        house.recall(name, Known { digest, kind });
    }
    new
}

/// Puts on record what was put into the data folder while the host was at rest.
pub(super) async fn record(
    home: &mut State,
    new: Vec<Found>,
    journal: &dyn Journal,
    now: Timestamp,
) -> Result<(), StartError> {
    let entry = |Found { plugin, digest, kind, publishers }| {
        let subject = format!("plugin/{plugin}");
        let entry = PluginInstalled {
            plugin,
            digest,
            kind,
            publishers,
            actor: "system:start".to_owned(),
            reason: "it lay in the data folder when the host started".to_owned(),
        };
        (Entry::PluginInstalled(entry), subject, None)
    };
    write_all(home, 0, DEPLOY, new.into_iter().map(entry).collect(), journal, now).await
}
