//! Every hostile plugin of the table met by a running host: installed, granted,
//! called from a workflow, while a hundred honest runs are in flight at any
//! time. Its own run ends with the error that the table names; no honest run is
//! harmed, held up for ever or lost. One that must not be taken is refused by
//! that host.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::cell::Cell;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use futures::stream::{self, StreamExt as _};
use huiyin_engine::Engine;
use huiyin_engine::config::TrustConfig;
use huiyin_engine::deploy::WorkflowText;
use huiyin_engine::limits::Tuned;
use huiyin_engine::packages::Word;
use huiyin_flow::{ErrorKind, FlowError};
use huiyin_hostile::case::{Case, Expect, SECRET, proper};
use huiyin_hostile::cases::{self, arguments};
use huiyin_hostile::names;
use huiyin_hostile::servers::Server;
use huiyin_sandbox::{Kind, LimitName};
use huiyin_tests::house::{House, end_of, honest_runs, named};
use huiyin_tests::log::account;
use serde_json::{Value, json};

/// Honest runs in flight at any time.
const HONEST: u64 = 100;

/// Hostile plugins at once.
const HOSTILE: usize = 6;

/// Wall time of what is not to be stopped by it, in milliseconds: the machine is busy.
const PATIENT_MS: u64 = 120_000;

const WORD: Word<'static> = Word { actor: "admin:admin", reason: "for the test" };

/// A house that takes plugins of anybody, with the one secret, the attacker's
/// DNS server and the limits of each case.
fn house(cases: &[Case]) -> House {
    let mut house = House::with(&["jq", "tally"]).unwrap();
    house.honest().unwrap();
    house.config.trust = TrustConfig { untrusted: vec!["*".to_owned()], ..TrustConfig::default() };
    house.config.egress.dns = vec![names::serve().unwrap().address.to_string()];
    let file = house.folder.path().join("token");
    let mut open = std::fs::OpenOptions::new();
    let mut secret = open.write(true).create_new(true).mode(0o600).open(&file).unwrap();
    std::io::Write::write_all(&mut secret, SECRET.as_bytes()).unwrap();
    let secret = serde_json::from_value(json!({"file": file})).unwrap();
    house.config.secrets.insert("token".to_owned(), secret);
    for case in cases {
        let mut limits = case.limits.clone();
        if !matches!(case.expect, Expect::Limit(LimitName::WallMs)) {
            limits.wall_ms = PATIENT_MS;
        }
        house.config.limits.plugins.insert(case.name.to_owned(), Tuned::from(&limits));
    }
    house
}

/// How a run came to its end.
enum End {
    Completed,
    Faulted(FlowError),
    /// Nobody knows what it did: it waits for a person (rule 3), and says why.
    InDoubt(String),
}

/// Installs a plugin and what it needs, calls it from a workflow of its own,
/// and judges its end. Nothing is run of one that is refused.
async fn meet(engine: &Engine, case: &Case, folder: &Path) -> Result<bool, String> {
    let name = case.name;
    let package = (case.package)()?;
    let installed = engine.install_plugin(package, WORD).await;
    if let Expect::Refused(_) = case.expect {
        let Err(refusal) = installed else { return Err("it was installed".to_owned()) };
        let said = refusal.to_string();
        proper(&said)?;
        return if case.expect.named_in(&said) { Ok(false) } else { Err(format!("it was refused so: {said}")) };
    }
    let report = installed.map_err(|refusal| refusal.to_string())?;
    let plugin = format!("{name}:0.1.0");
    if report.plugin != plugin {
        return Err(format!("it calls itself {}", report.plugin));
    }
    let server = case.server.map(Server::start).transpose()?;
    let mut grant = case.grant.clone();
    if grant.spool.is_some() {
        let spool = folder.join(name);
        std::fs::create_dir_all(&spool).map_err(|error| error.to_string())?;
        grant.spool = Some(spool);
    }
    let grant = serde_json::to_value(&grant).map_err(|error| error.to_string())?;
    engine.grant_plugin(&plugin, "*", &grant, WORD).await.map_err(|refusal| refusal.to_string())?;
    let text = json!({
        "document": {"dsl": "1.0.3", "namespace": "tests", "name": name, "version": "1.0.0"},
        "do": [{"harm": {"call": format!("{plugin}@default")}}],
    });
    let text = WorkflowText { file: format!("{name}.json"), text: text.to_string() };
    engine.deploy(vec![text], &[], WORD.actor).await.map_err(|error| error.to_string())?;
    let kind = Kind::ALL.into_iter().find(|kind| kind.name() == report.kind).ok_or("of no kind")?;
    let input = arguments(kind, &case.input_of(0, server.as_ref()))?;
    let end = called(engine, name, input).await?;
    judged(case, &plugin, &end)?;
    match &server {
        Some(server) if matches!(case.expect, Expect::Denied(_)) && server.asked() > 0 => {
            Err(format!("{} connections were made", server.asked()))
        }
        _ => Ok(true),
    }
}

/// Runs the workflow of that name, as a run of that name. One that waits for a
/// person is ended by one.
async fn called(engine: &Engine, name: &str, input: Value) -> Result<End, String> {
    let end = match engine.run(named(name, name, input)).await {
        Ok(end) => end,
        Err(refusal) => {
            let said = refusal.to_string();
            let waits = format!("run {name} waits for a person: call 1 may or may not have happened (");
            let why = said.strip_prefix(&waits).and_then(|rest| rest.rsplit_once("); look, then "));
            let (why, _) = why.ok_or_else(|| said.clone())?;
            engine.cancel(name, "it means harm", WORD.actor).await.map_err(|refusal| refusal.to_string())?;
            let status = end_of(engine, name).await?.status.clone();
            let ended = if status == "cancelled" { Ok(End::InDoubt(why.to_owned())) } else { Err(status) };
            return ended.map_err(|status| format!("ended by a person, it is {status}"));
        }
    };
    match end.status.as_str() {
        "completed" => Ok(End::Completed),
        "faulted" => serde_json::from_value(end.result.clone()).map(End::Faulted).map_err(|error| error.to_string()),
        other => Err(format!("the run is {other}: {}", end.result)),
    }
}

fn judged(case: &Case, plugin: &str, end: &End) -> Result<(), String> {
    let kinds: &[ErrorKind] = match &case.expect {
        Expect::Limit(limit) if limit.is_time() => &[ErrorKind::Timeout],
        Expect::Limit(_) | Expect::Fault(_) | Expect::BadAnswer(_) => &[ErrorKind::Runtime],
        Expect::Denied(_) | Expect::DeniedAfter(_) => &[ErrorKind::Authorization],
        // What the plugin itself says: that it was asked or set up wrongly, or cannot do it now.
        Expect::Told(_) => &[ErrorKind::Communication, ErrorKind::Validation, ErrorKind::Configuration],
        Expect::Refused(_) | Expect::Harmless(..) => &[],
    };
    let (said, fits) = match end {
        End::Completed => (String::new(), matches!(case.expect, Expect::Harmless(..))),
        End::Faulted(error) => {
            let said = error.detail.clone().unwrap_or_default();
            let fits = kinds.iter().any(|kind| error.is(*kind)) && error.instance.starts_with("/do/0/harm");
            (said, fits && !matches!(case.expect, Expect::DeniedAfter(_)))
        }
        // A denial before anything was done leaves no doubt.
        End::InDoubt(why) => (why.clone(), !matches!(case.expect, Expect::Denied(_))),
    };
    proper(&said)?;
    let named =
        matches!(end, End::Completed) || said.starts_with(&format!("{plugin}: ")) && case.expect.named_in(&said);
    if fits && named {
        return Ok(());
    }
    let how = match end {
        End::Completed => "completed".to_owned(),
        End::Faulted(error) => format!("faulted: {error}"),
        End::InDoubt(why) => format!("in doubt: {why}"),
    };
    Err(format!("expected {}, but the run {how}", case.expect.words()))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_hostile_plugin_meets_a_running_host_and_a_hundred_honest_runs_go_on_beside_it() {
    let cases = cases::all();
    let house = house(&cases);
    let engine = house.on_disk().await.unwrap();
    let spool = house.folder.path().join("spool");
    let ended = Cell::new(false);
    let hostile = async {
        let (engine, spool) = (&engine, &spool);
        let meeting = stream::iter(&cases).map(|case| async move { (case, meet(engine, case, spool).await) });
        let met: Vec<_> = meeting.buffer_unordered(HOSTILE).collect().await;
        ended.set(true);
        met
    };
    let honest = honest_runs(&engine, HONEST, HONEST, || ended.get());
    let (met, honest) = futures::join!(hostile, honest);
    let failed: Vec<String> =
        met.iter().filter_map(|(case, met)| met.as_ref().err().map(|why| format!("{}: {why}", case.name))).collect();
    assert!(failed.is_empty(), "{} of {}:\n{}", failed.len(), cases.len(), failed.join("\n"));
    let honest = usize::try_from(honest.unwrap()).unwrap();
    let called = met.iter().filter(|(_, met)| matches!(met, Ok(true))).count();
    engine.stop().await.unwrap();
    drop(engine);
    println!("{called} plugins called and {} refused beside {honest} honest runs", cases.len() - called);
    // What the log says: each run was started once, and there is none besides.
    let account = account(&house.data()).unwrap();
    assert_eq!(account.runs.len(), honest + called);
    assert!(account.runs.values().all(|times| *times == 1));
}
