//! What plugins and workflows may reach on behalf of a unit: what an admin
//! granted, in the configuration or at run time, within what the unit's policy
//! allows (rule 6). The manifest's part is the sandbox's.

use std::collections::{BTreeMap, HashMap};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use huiyin_desk::PolicyPack;
use huiyin_records::plugins::{Given, whose};
use huiyin_sandbox::Grant;
use huiyin_secrets::Secrets;
use serde_json::Value;

/// Grants and the secrets that they name.
#[derive(Default)]
pub struct Grants {
    /// The configuration's, to `name` or `name:version`: (plugin, unit or `*`, grant).
    pub granted: Vec<(String, String, Arc<Grant>)>,
    /// The same of workflows, by `namespace/name` or `namespace/name:version`.
    pub workflows: Vec<(String, String, Arc<Grant>)>,
    /// Secret values by name.
    pub secrets: Arc<Secrets>,
    /// What people granted to plugins while the host ran, by `plugin@unit`.
    given: RwLock<BTreeMap<String, (String, String, Arc<Grant>)>>,
    /// What each unit's policy allows.
    caps: RwLock<Caps>,
}

impl Grants {
    /// Those of a configuration: to plugins, and to workflows.
    pub fn new(
        granted: Vec<(String, String, Arc<Grant>)>,
        workflows: Vec<(String, String, Arc<Grant>)>,
        secrets: Arc<Secrets>,
    ) -> Grants {
        Grants { granted, workflows, secrets, given: RwLock::default(), caps: RwLock::default() }
    }

    /// What an admin granted to a plugin on behalf of a unit: the most specific
    /// grant, or nothing. Of two for the same plugin and unit the one that a
    /// person gave at run time counts.
    pub fn of(&self, plugin: &str, unit: &str) -> Arc<Grant> {
        let given = self.given.read().unwrap_or_else(PoisonError::into_inner);
        nearest(self.granted.iter().chain(given.values()), plugin, unit)
    }

    /// What an admin granted to a workflow's own requests on behalf of a unit.
    pub fn of_workflow(&self, workflow: &str, unit: &str) -> Arc<Grant> {
        nearest(self.workflows.iter(), workflow, unit)
    }

    /// What the unit's policy allows at most; none where it sets no cap.
    pub fn cap(&self, unit: &str) -> Option<Arc<Grant>> {
        self.caps.read().unwrap_or_else(PoisonError::into_inner).0.get(unit).map(Arc::clone)
    }

    /// Puts the caps of the policy pack in force.
    pub fn put_caps(&self, caps: Caps) {
        *self.caps.write().unwrap_or_else(PoisonError::into_inner) = caps;
    }

    /// Puts a grant that is on record into force.
    pub fn give(&self, plugin: &str, unit: &str, grant: Grant) {
        let entry = (plugin.to_owned(), unit.to_owned(), Arc::new(grant));
        self.given.write().unwrap_or_else(PoisonError::into_inner).insert(whose(plugin, unit), entry);
    }

    /// Takes one back.
    pub fn take_back(&self, plugin: &str, unit: &str) {
        self.given.write().unwrap_or_else(PoisonError::into_inner).remove(&whose(plugin, unit));
    }

    /// Puts the grants of a journal into force. One that this version cannot
    /// read, or that would let a guest at the host's own files, gives nothing.
    pub fn restore<'g>(&self, all: impl Iterator<Item = &'g Given>, own: &OwnFolders) {
        for given in all {
            match own.read(&given.grant) {
                Ok(grant) => self.give(&given.plugin, &given.unit, grant),
                Err(why) => {
                    tracing::error!(plugin = given.plugin, unit = given.unit, why, "a grant gives nothing");
                }
            }
        }
    }
}

/// The most specific of the grants to `name:version`, or nothing. Later ones win over equal ones.
fn nearest<'g>(granted: impl Iterator<Item = &'g (String, String, Arc<Grant>)>, name: &str, unit: &str) -> Arc<Grant> {
    let bare = name.split(':').next().unwrap_or(name);
    granted
        .filter(|(n, u, _)| (n == name || n == bare) && (u == unit || u == "*"))
        .max_by_key(|(n, u, _)| (u != "*", n == name))
        .map_or_else(|| Arc::new(Grant::default()), |(_, _, grant)| Arc::clone(grant))
}

/// What units' policies allow: for each unit the most that any plugin or
/// workflow may reach on its behalf. A unit without one is not held by it.
#[derive(Debug, Clone, Default)]
pub struct Caps(HashMap<String, Arc<Grant>>);

impl Caps {
    /// Reads the caps of a policy pack. A unit is held by its own and by those
    /// of all units above it (rule 7: tighten only).
    ///
    /// # Errors
    /// Everything that is wrong, each with its JSON pointer in the pack.
    pub fn read(pack: &PolicyPack) -> Result<Caps, Vec<String>> {
        let (mut own, mut problems) = (HashMap::new(), Vec::new());
        for (at, unit) in pack.units.iter().enumerate() {
            let Some(may) = &unit.may else { continue };
            match Grant::from_value(may) {
                Ok(grant) => {
                    own.insert(unit.code.as_str(), grant);
                }
                Err(why) => problems.push(format!("policy pack `{}`: {why} (at /units/{at}/may)", pack.name)),
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let mut caps = HashMap::new();
        for unit in &pack.units {
            let line = pack.line(&unit.code).filter_map(|above| own.get(above.code.as_str()));
            let cap = line
                .fold(None, |cap: Option<Grant>, one| Some(cap.map_or_else(|| one.clone(), |cap| cap.intersect(one))));
            if let Some(cap) = cap {
                caps.insert(unit.code.clone(), Arc::new(cap));
            }
        }
        Ok(Caps(caps))
    }
}

/// The folders that are the host's own: no guest may ever write there.
#[derive(Debug, Clone, Default)]
pub struct OwnFolders {
    /// The data folder and that of compiled code, links followed.
    own: Vec<PathBuf>,
}

impl OwnFolders {
    /// Those of a data folder, and that of compiled code, where there are any.
    pub fn new(data: Option<&Path>, cache: Option<&Path>) -> OwnFolders {
        OwnFolders { own: data.into_iter().chain(cache).map(real).collect() }
    }

    /// The folders themselves, for whoever looks again when a file is written.
    pub fn all(&self) -> &[PathBuf] {
        &self.own
    }

    /// Reads a grant that keeps guests out of them.
    ///
    /// # Errors
    /// What is wrong, with its place in the grant.
    pub fn read(&self, value: &Value) -> Result<Grant, String> {
        let grant = Grant::from_value(value).map_err(|error| error.to_string())?;
        self.check(&grant)?;
        Ok(grant)
    }

    /// Whether a grant keeps guests out of them. What is changed in the file system
    /// afterwards is met when a file is written ([`huiyin_sandbox::SandboxConfig::keep_out`]).
    ///
    /// # Errors
    /// When its spool is one of them, lies below one or holds one.
    pub fn check(&self, grant: &Grant) -> Result<(), String> {
        let Some(spool) = &grant.spool else { return Ok(()) };
        let place = real(spool);
        match self.own.iter().find(|own| place.starts_with(own) || own.starts_with(&place)) {
            None => Ok(()),
            Some(own) => Err(format!(
                "spool `{}`: the host keeps files of its own in {}; give the plugin a folder apart from it (at /spool of the grant)",
                spool.display(),
                own.display()
            )),
        }
    }
}

/// Whether the folder into which a grant lets a plugin write is there. Asked where a grant is given or a
/// host starts with it: a folder that goes away later fails the calls that need it.
///
/// # Errors
/// What is wrong with it, with its place in the grant.
pub fn check_folder(grant: &Grant) -> Result<(), String> {
    let Some(spool) = &grant.spool else { return Ok(()) };
    let why = match std::fs::metadata(spool) {
        Ok(found) if !found.is_dir() => "is no folder; name one".to_owned(),
        Ok(found) if found.permissions().readonly() => "cannot be written; let the host's user write there".to_owned(),
        Ok(_) => return Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            "does not exist; make the folder, writable for the host's user".to_owned()
        }
        Err(error) => format!("cannot be used: {error}"),
    };
    Err(format!("spool `{}` {why} (at /spool of the grant)", spool.display()))
}

/// The path with links followed, as far as it exists.
fn real(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut rest = Vec::new();
    let mut known = path.as_path();
    loop {
        if let Ok(found) = known.canonicalize() {
            return rest.iter().rev().fold(found, |path, part| path.join(part));
        }
        match (known.components().next_back(), known.parent()) {
            (Some(Component::Normal(name)), Some(parent)) => {
                rest.push(name.to_owned());
                known = parent;
            }
            _ => return path,
        }
    }
}
