//! What the configuration asks for, read and checked: nothing is written here.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use huiyin_deadline::Zone;
use huiyin_deadline::cron::Cron;
use huiyin_deadline::schedule::{Interval, Schedule};
use huiyin_desk::{ChannelKind, PolicyPack};
use huiyin_flow::Definition;
use huiyin_partition::watched_source::{Timetable, WatchedSource};
use huiyin_records::record::Pin;
use huiyin_records::state::State;
use huiyin_registry::baseline::{floor_pin, probe};
use huiyin_registry::catalog::RegistryCatalog;
use huiyin_registry::grants::{Caps, Grants, OwnFolders, check_folder};
use huiyin_registry::house::{Bound, House};
use huiyin_registry::plugin_config;
use jiff::Timestamp;

use super::{Options, StartError};
use crate::config::{SourceConfig, SourceSchedule, WorkflowConfig};
use huiyin_secrets::Secrets;

/// The default zone of schedules.
const ZONE: &str = "Asia/Shanghai";

/// What the configuration asks for, read and checked.
#[derive(Default)]
pub struct Wanted {
    /// The policy pack.
    pub policy: Option<PolicyPack>,
    /// Its file, and its text: what is found wrong with it later is named by line and column.
    pub policy_text: Option<(String, String)>,
    /// Its units, by code.
    pub units: BTreeSet<String>,
    /// Each workflow with its text.
    pub workflows: Vec<(WorkflowConfig, String, Definition)>,
    /// What is watched.
    pub sources: Vec<Arc<WatchedSource>>,
    /// Sources whose collector may not be used, and what is wrong with them
    /// unless they were read before.
    pub unusable: Vec<(String, String)>,
    /// What plugins may reach.
    pub grants: Arc<Grants>,
}

impl Wanted {
    /// The pin of the floor. One that the pack in force has, too, stays whoever trusts it.
    pub(super) fn floor(&self, home: Option<&State>, house: &House) -> Result<Option<Pin>, StartError> {
        let Some(pack) = &self.policy else { return Ok(None) };
        let inforce = home.and_then(|home| home.desk.policy()).map(|inforce| &inforce.floor);
        let stands = inforce.is_some_and(|old| (&old.name, &old.version) == (&pack.floor.name, &pack.floor.version));
        let pin = floor_pin(house, &pack.floor, stands).map_err(|why| StartError::Config(vec![why]))?;
        self.try_floor(pack, &pin, house)?;
        Ok(Some(pin))
    }

    /// A floor that cannot work would leave every item without a verdict, and nobody would know:
    /// its configuration is held against the classifier's schema, and it judges one item.
    fn try_floor(&self, pack: &PolicyPack, pin: &Pin, house: &House) -> Result<(), StartError> {
        // What trust withholds is told elsewhere, and judges nothing now.
        let Ok((_, package)) = house.usable(&pin.plugin, None) else { return Ok(()) };
        if package.manifest.kind != huiyin_sandbox::Kind::Classifier {
            let what = format!("`{}` is a {}, not a classifier", pin.plugin, package.manifest.kind.name());
            return Err(self.policy_problem("/floor/classifier", what, "name a classifier"));
        }
        let hint = format!("`huiyin plugin inspect` shows what `{}` takes", pin.plugin);
        let found = plugin_config::faults(&package, &pin.config);
        if let Some(fault) = found.first() {
            let pointer = format!("/floor/config{}", fault.pointer);
            return Err(self.policy_problem(&pointer, format!("the floor: {}", fault.message), &hint));
        }
        let unit = pack.root().map(|root| root.code.clone()).unwrap_or_default();
        probe(house, pin, &unit).map_err(|why| {
            self.policy_problem("/floor/config", format!("the floor could not judge an item: {why}"), &hint)
        })
    }

    /// What is wrong with the pack, with its place in the file it was read from.
    pub(super) fn policy_problem(&self, pointer: &str, message: String, hint: &str) -> StartError {
        let (file, text) = self.policy_text.clone().unwrap_or_default();
        StartError::Policy(vec![huiyin_desk::Problem::at(&text, &file, pointer, message, hint)])
    }

    /// The sources that cannot be: their collector may not be used, and they were never read.
    pub(super) fn new_and_unusable<'w>(&'w self, loaded: &'w [State]) -> impl Iterator<Item = String> + 'w {
        let known = |id: &str| loaded.iter().any(|state| state.sources.contains_key(id));
        self.unusable.iter().filter(move |(id, _)| !known(id)).map(|(_, problem)| problem.clone())
    }
}

pub(super) fn read_wanted(
    options: &Options,
    house: &House,
    own: &OwnFolders,
    secrets: Arc<Secrets>,
    home: Option<&State>,
) -> Result<Wanted, StartError> {
    let config = &options.config;
    let mut problems = Vec::new();
    let mut policy_text = None;
    let policy = match &config.policy {
        None => None,
        Some(file) => {
            let path = options.base.join(file);
            let text = read_text(&path)?;
            let pack = PolicyPack::parse(&text, &path.display().to_string()).map_err(StartError::Policy)?;
            if let Err(found) = Caps::read(&pack) {
                problems.extend(found);
            }
            policy_text = Some((path.display().to_string(), text));
            Some(home.and_then(|home| deployed_since(&home.desk, &pack)).unwrap_or(pack))
        }
    };
    let units: BTreeSet<String> = policy.iter().flat_map(|pack| pack.units.iter().map(|u| u.code.clone())).collect();
    let mut workflows = Vec::new();
    for wanted in &config.workflows {
        let path = options.base.join(&wanted.file);
        let text = read_text(&path)?;
        let definition =
            Definition::parse(&text, &path.display().to_string(), &RegistryCatalog(house), &*house.evaluator)
                .map_err(StartError::Workflow)?;
        huiyin_partition::extension::check(&definition, &text, &path.display().to_string())
            .map_err(StartError::Workflow)?;
        for unit in wanted.units.iter().filter(|u| *u != "*" && !units.contains(*u)) {
            problems.push(format!("/workflows: {}: there is no unit {unit} in the policy pack", wanted.file.display()));
        }
        workflows.push((wanted.clone(), text, definition));
    }
    for unit in config.limits.units.keys().filter(|unit| !units.contains(*unit)) {
        problems.push(format!("/limits/units/{unit}: there is no unit {unit} in the policy pack"));
    }
    let mut granted = Vec::new();
    let mut to_workflows = Vec::new();
    for (at, given) in config.grants.iter().enumerate() {
        let mut grant = given.grant.clone();
        // A spool folder stands relative to the configuration, like every path in it.
        grant.spool = grant.spool.map(|folder| absolute(&options.base.join(folder)));
        let fault = grant
            .check()
            .map_err(|error| error.to_string())
            .and_then(|()| own.check(&grant))
            .and_then(|()| check_folder(&grant));
        if let Err(error) = fault {
            problems.push(format!("/grants/{at}/grant: {error}"));
            continue;
        }
        match (&given.plugin, &given.workflow) {
            (Some(plugin), None) => granted.push((plugin.clone(), given.unit.clone(), Arc::new(grant))),
            (None, Some(workflow)) if workflow.contains('/') => {
                to_workflows.push((workflow.clone(), given.unit.clone(), Arc::new(grant)));
            }
            (None, Some(workflow)) => problems.push(format!(
                "/grants/{at}/workflow: `{workflow}` is no workflow; write namespace/name or namespace/name:version"
            )),
            _ => problems.push(format!("/grants/{at}: name either a `plugin` or a `workflow`")),
        }
    }
    let grants = Arc::new(Grants::new(granted, to_workflows, secrets));
    let (mut sources, mut unusable) = (Vec::new(), Vec::new());
    for (at, source) in config.sources.iter().enumerate() {
        match watched(source, &units, house) {
            Ok((source, _)) if sources.iter().any(|s: &Arc<WatchedSource>| s.id == source.id) => {
                problems.push(format!(
                    "/sources/{at}: the unit {} has two sources of the name `{}`",
                    source.unit, source.name
                ));
            }
            Ok((source, fault)) => {
                if let Some(package) = house.package(&source.collector.digest) {
                    let found = plugin_config::faults(&package, &source.config);
                    let place = format!("/sources/{at}/config");
                    problems.extend(plugin_config::lines(&place, &source.collector.plugin, found));
                }
                let problem = |why| (source.id.clone(), format!("/sources/{at}: collector: {why}"));
                unusable.extend(fault.map(problem));
                sources.push(Arc::new(source));
            }
            Err(error) => problems.push(format!("/sources/{at}: {error}")),
        }
    }
    if problems.is_empty() {
        Ok(Wanted { policy, policy_text, units, workflows, sources, unusable, grants })
    } else {
        Err(StartError::Config(problems))
    }
}

/// The pack in force, where somebody deployed it on the running host since the configured one was in force: theirs
/// stands, until the configuration names one that was not in force before.
fn deployed_since(desk: &huiyin_desk::Desk, configured: &PolicyPack) -> Option<PolicyPack> {
    let last = desk.adopted().next_back()?;
    let known = desk.adopted().any(|old| (&old.name, &old.version) == (&configured.name, &configured.version));
    let (by, inforce) = (last.by.as_ref()?, desk.policy()?);
    if !known || **inforce == *configured {
        return None;
    }
    tracing::warn!(
        "the policy pack {}:{} that {by} deployed stays in force; huiyin.json names {}:{}, which was in force before: \
         raise its version to bring it in, or name the file of the one in force",
        inforce.name,
        inforce.version,
        configured.name,
        configured.version,
    );
    Some((**inforce).clone())
}

pub(super) fn read_text(path: &Path) -> Result<String, StartError> {
    crate::config::read_text(path).map_err(|error| StartError::Config(vec![error.to_string()]))
}

pub(super) fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// A source, and why its collector may not be used, where it may not.
fn watched(
    source: &SourceConfig,
    units: &BTreeSet<String>,
    house: &House,
) -> Result<(WatchedSource, Option<String>), String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if source.name.is_empty() || source.name.len() > 64 || !source.name.chars().all(plain) {
        return Err(format!("name: `{}` is no name; write 1 to 64 letters, digits or -_. of ASCII", source.name));
    }
    if !units.contains(&source.unit) {
        return Err(format!("there is no unit {} in the policy pack", source.unit));
    }
    let fault = house.usable(&source.collector, Some(&source.unit)).err();
    let Some(Bound { pin: collector, kind }) = house.named(&source.collector) else {
        return Err(format!("collector: {}", fault.unwrap_or_default()));
    };
    if kind != huiyin_sandbox::Kind::Collector.name() {
        return Err(format!("`{}` is a {kind}, not a collector", source.collector));
    }
    let schedule = match &source.schedule {
        SourceSchedule::Every(every) => {
            let every: Interval = every.parse().map_err(|e| format!("schedule: {e}"))?;
            Schedule::Every { every, anchor: Timestamp::UNIX_EPOCH }
        }
        SourceSchedule::Cron { expr, timezone } => cron(expr, timezone.as_deref())?,
    };
    if let Some(channel) = source.channel.as_deref().filter(|channel| ChannelKind::of(channel).is_none()) {
        return Err(format!(
            "channel: `{channel}` is no kind of channel (clause 3.1a); one of {}",
            ChannelKind::names()
        ));
    }
    let expected = match &source.expected {
        Some(text) => text.parse::<Interval>().map_err(|e| format!("expected: {e}"))?.duration().as_secs().max(1),
        None => usual_silence(&schedule),
    };
    let source = WatchedSource {
        id: format!("{}/{}", source.unit, source.name),
        name: source.name.clone(),
        unit: source.unit.clone(),
        collector,
        config: source.config.clone(),
        channel: source.channel.clone(),
        schedule: Timetable(schedule),
        expected,
        limit: source.limit.unwrap_or(200).clamp(1, 10_000),
    };
    Ok((source, fault))
}

/// For how many seconds a source may be silent that says nothing of it: three of its intervals, or
/// twice the longest pause between times of a cron expression, and ten minutes at least.
fn usual_silence(schedule: &Schedule) -> i64 {
    const LOOKED_AT: usize = 200;
    let silence = match schedule {
        Schedule::Every { every, .. } => every.duration().as_secs().saturating_mul(3),
        Schedule::After { after } => after.duration().as_secs().saturating_mul(3),
        Schedule::Cron { .. } => {
            let first = schedule.next(Timestamp::UNIX_EPOCH);
            let times: Vec<Timestamp> = std::iter::successors(first, |at| schedule.next(*at)).take(LOOKED_AT).collect();
            let pauses = times.windows(2).filter_map(|two| match two {
                [a, b] => Some(b.duration_since(*a).as_secs()),
                _ => None,
            });
            pauses.max().unwrap_or(86_400).saturating_mul(2)
        }
    };
    silence.max(600)
}

pub(super) fn cron(expr: &str, zone: Option<&str>) -> Result<Schedule, String> {
    let cron = Cron::parse(expr).map_err(|e| format!("schedule: {e}"))?;
    let zone = Zone::named(zone.unwrap_or(ZONE)).map_err(|e| format!("timezone: {e}"))?;
    Ok(Schedule::Cron { cron, zone })
}
