//! Plugins of a running host: who may install what, what is granted to whom
//! and taken back, what stays as long as it is needed; real packages, real
//! signatures, restarts.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::sync::Arc;

use huiyin_audit::SignerKey;
use huiyin_engine::config::{PublisherConfig, TrustConfig};
use huiyin_engine::deploy::WorkflowText;
use huiyin_engine::packages::{PluginRow, Word};
use huiyin_engine::rebind::{PluginWord, SlotWord};
use huiyin_engine::state::FinishedRun;
use huiyin_engine::trust::sign;
use huiyin_engine::{Engine, Refusal, Submission};
use huiyin_tests::guests::{self, Does, Kind, step};
use huiyin_tests::house::{House, named, plugin, submission, until};
use serde_json::{Value, json};

const WORD: Word<'static> = Word { actor: "admin:admin", reason: "for the test" };

fn key(folder: &Path, name: &str) -> SignerKey {
    SignerKey::load_or_create(&folder.join(format!("{}.key", name.replace('/', "-"))), name).unwrap()
}

fn publisher(key: &SignerKey, units: &[&str]) -> PublisherConfig {
    PublisherConfig { key: key.verifier().to_string(), units: units.iter().map(|u| (*u).to_owned()).collect() }
}

fn trusting(publishers: Vec<PublisherConfig>, untrusted: &[&str]) -> TrustConfig {
    TrustConfig { publishers, untrusted: untrusted.iter().map(|u| (*u).to_owned()).collect() }
}

/// A house that lets all units use unsigned plugins.
fn open_house(plugins: &[&str]) -> House {
    let mut house = House::with(plugins).unwrap();
    house.config.trust = trusting(vec![], &["*"]);
    house
}

/// Garbage in the name of a step: quick to build, harmless to run.
fn guest(name: &str, version: &str) -> Vec<u8> {
    guests::guest(Kind::Step, name, version, &Does::SaysGarbage).unwrap()
}

/// The same component with something behind it that nobody reads.
fn other_bytes(package: &[u8]) -> Vec<u8> {
    let mut other = package.to_vec();
    other.extend_from_slice(&[0, 3, 1, b'x', b'y']);
    other
}

/// The sample bureau's policy pack.
fn sample_policy() -> Value {
    let file = huiyin_tests::project("workflows/policy/linhai.json");
    serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

async fn row(engine: &Engine, plugin: &str) -> Option<PluginRow> {
    engine.plugins().await.unwrap().into_iter().find(|row| row.plugin == plugin)
}

fn words<T: std::fmt::Debug>(answer: Result<T, Refusal>) -> String {
    answer.unwrap_err().to_string()
}

/// A workflow of one call, as a person deploys it.
fn calling(name: &str, call: &str, with: &Value) -> WorkflowText {
    let text = json!({
        "document": {"dsl": "1.0.3", "namespace": "tests", "name": name, "version": "1.0.0"},
        "do": [{"call": {"call": format!("{call}@default"), "with": with}}],
    });
    WorkflowText { file: format!("{name}.json"), text: text.to_string() }
}

const MESSAGE: fn() -> Value = || json!({"subject": "s", "text": "t", "recipients": ["r"], "attachments": []});

async fn run(engine: &Engine, workflow: &str, unit: Option<&str>) -> Arc<FinishedRun> {
    let unit = unit.map(str::to_owned);
    engine.run(Submission { unit, ..submission(workflow, json!({})) }).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_installed_is_on_record_in_the_catalog_and_there_after_a_restart() {
    let house = open_house(&["jq"]);
    let engine = house.on_disk().await.unwrap();
    let (one, two) = (guest("odd", "0.1.0"), guest("odd", "0.2.0"));
    let report = engine.install_plugin(one.clone(), WORD).await.unwrap();
    assert_eq!((report.plugin.as_str(), report.changed, report.kind.as_str()), ("odd:0.1.0", true, "step"));
    assert_eq!(report.units, ["*"]);
    assert!(!engine.install_plugin(one.clone(), WORD).await.unwrap().changed, "the same again changes nothing");
    engine.install_plugin(two, WORD).await.unwrap();
    let refused = engine.install_plugin(other_bytes(&one), WORD).await;
    assert!(words(refused).contains("a published version never changes"));

    // Both versions can be called, each by its own name.
    for version in ["0.1.0", "0.2.0"] {
        let text = calling(&format!("odd-{}", &version[..3].replace('.', "-")), &format!("odd:{version}"), &json!({}));
        engine.deploy(vec![text], &[], "admin:admin").await.unwrap();
    }
    let found = row(&engine, "odd:0.1.0").await.unwrap();
    let installed = found.installed.unwrap();
    assert_eq!((installed.actor.as_str(), installed.reason.as_str()), ("admin:admin", "for the test"));
    assert_eq!(installed.digest, report.digest);
    engine.stop().await.unwrap();
    drop(engine);

    let again = house.on_disk().await.unwrap();
    for version in ["odd:0.1.0", "odd:0.2.0"] {
        let found = row(&again, version).await.unwrap();
        assert_eq!(found.installed.unwrap().actor, "admin:admin");
        assert_eq!(found.withheld, None);
    }
    let ended = run(&again, "odd-0-1", None).await;
    assert_eq!(ended.status, "faulted");
    assert!(ended.result.to_string().contains("not JSON"), "it was called: {}", ended.result);
    again.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn unsigned_unknown_and_altered_packages_are_refused_before_anything_is_compiled() {
    let mut house = House::with(&["jq"]).unwrap();
    let (friend, stranger) = (key(house.folder.path(), "friend"), key(house.folder.path(), "stranger"));
    house.config.trust = trusting(vec![publisher(&friend, &["*"])], &[]);
    let engine = house.on_disk().await.unwrap();
    let package = guest("odd", "0.1.0");
    assert!(words(engine.install_plugin(package.clone(), WORD).await).contains("is not signed"));
    let unknown = sign(&package, &stranger).unwrap();
    assert!(
        words(engine.install_plugin(unknown.clone(), WORD).await)
            .contains("signed by stranger, whom nobody here trusts")
    );
    // A signature is for one content only; what was changed after it is refused.
    let signed = sign(&package, &friend).unwrap();
    let mut altered = signed.clone();
    altered[package.len() / 2] ^= 1;
    assert!(words(engine.install_plugin(altered, WORD).await).contains("for other content"));
    // The right text with a wrong signature.
    let mut forged = signed.clone();
    let end = forged.len() - 12;
    forged[end] = if forged[end] == b'A' { b'B' } else { b'A' };
    assert!(words(engine.install_plugin(forged, WORD).await).contains("not what its publisher signed"));
    // Not even what is no WebAssembly inside is looked at before its signature.
    let mut rubbish = b"\0asm\x0d\0\x01\0".to_vec();
    rubbish.extend_from_slice(&[1, 2, 0xff, 0xff]);
    assert!(words(engine.install_plugin(rubbish, WORD).await).contains("is not signed"));
    assert!(engine.plugins().await.unwrap().iter().all(|row| row.plugin != "odd:0.1.0"), "nothing is installed");
    assert_eq!(std::fs::read_dir(house.data().join("plugins")).map_or(0, Iterator::count), 0);

    // Two publishers may sign, in either order, and the digest stays.
    let both = sign(&unknown, &friend).unwrap();
    let report = engine.install_plugin(both, WORD).await.unwrap();
    assert_eq!(report.publishers, ["friend"]);
    assert_eq!(report.digest, huiyin_sandbox::signed::split(&package).unwrap().digest());
    engine.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publisher_is_trusted_by_the_units_that_say_so() {
    let bureau = sample_policy();
    let mut house = House::with(&["jq", "risk-level"]).unwrap();
    std::fs::write(house.folder.path().join("policy.json"), bureau.to_string()).unwrap();
    house.config.policy = Some("policy.json".into());
    let units: Vec<String> =
        bureau["units"].as_array().unwrap().iter().map(|unit| unit["code"].as_str().unwrap().to_owned()).collect();
    let (mine, other) = (&units[0], &units[1]);
    let acme = key(house.folder.path(), "acme");
    house.config.trust = trusting(vec![publisher(&acme, &[mine])], &[]);
    let engine = house.on_disk().await.unwrap();
    let report = engine.install_plugin(sign(&guest("odd", "0.1.0"), &acme).unwrap(), WORD).await.unwrap();
    assert_eq!(report.units, std::slice::from_ref(mine));
    let text = calling("odd", "odd:0.1.0", &json!({}));
    engine.deploy(vec![text.clone()], std::slice::from_ref(mine), "admin:admin").await.unwrap();
    let refused = engine.deploy(vec![text], std::slice::from_ref(other), "admin:admin").await.unwrap_err();
    assert!(refused.to_string().contains("no publisher whom it trusts has signed it"), "{refused}");
    engine.stop().await.unwrap();
    drop(engine);
    house.config.trust = trusting(vec![publisher(&acme, &["nowhere"])], &[]);
    let refused = house.on_disk().await.err().unwrap();
    assert!(refused.contains("/trust: there is no unit nowhere"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_publishers_key_a_plugin_is_withheld_and_its_runs_say_so() {
    let mut house = House::with(&["jq"]).unwrap();
    let acme = key(house.folder.path(), "acme");
    house.config.trust = trusting(vec![publisher(&acme, &["*"])], &[]);
    let engine = house.on_disk().await.unwrap();
    engine.install_plugin(sign(&guest("odd", "0.1.0"), &acme).unwrap(), WORD).await.unwrap();
    engine.deploy(vec![calling("odd", "odd:0.1.0", &json!({}))], &[], "admin:admin").await.unwrap();
    engine.stop().await.unwrap();
    drop(engine);

    house.config.trust = TrustConfig::default();
    let engine = house.on_disk().await.unwrap();
    let found = row(&engine, "odd:0.1.0").await.unwrap();
    assert!(found.withheld.unwrap().contains("signed by acme, whom nobody here trusts"));
    assert!(found.installed.is_some() && found.used_by == ["workflow tests/odd"]);
    let refused = engine.deploy(vec![calling("more", "odd:0.1.0", &json!({}))], &[], "admin:admin").await.unwrap_err();
    assert!(refused.to_string().contains("odd"), "{refused}");
    let removed = engine.remove_plugin("odd:0.1.0", WORD).await;
    assert!(words(removed).contains("needed by workflow tests/odd"));
    engine.stop().await.unwrap();
    drop(engine);

    // Trusted again, it is there again.
    house.config.trust = trusting(vec![publisher(&acme, &["*"])], &[]);
    let engine = house.on_disk().await.unwrap();
    assert_eq!(row(&engine, "odd:0.1.0").await.unwrap().withheld, None);
    assert_eq!(run(&engine, "odd", None).await.status, "faulted");
    engine.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_put_there_at_rest_is_recorded_one_that_was_changed_is_withheld() {
    let house = open_house(&["jq"]);
    let folder = house.data().join("plugins");
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("odd-0.1.0.wasm");
    let package = guest("odd", "0.1.0");
    std::fs::write(&file, &package).unwrap();
    std::fs::write(folder.join("broken-0.1.0.wasm"), &package[..package.len() / 2]).unwrap();
    let engine = house.on_disk().await.unwrap();
    assert_eq!(row(&engine, "odd:0.1.0").await.unwrap().installed.unwrap().actor, "system:start");
    let all = engine.plugins().await.unwrap();
    let broken = all.iter().find(|row| row.plugin.contains("broken-0.1.0.wasm")).unwrap();
    assert!(broken.withheld.is_some(), "a broken one holds nobody else up");
    engine.stop().await.unwrap();
    drop(engine);

    std::fs::write(&file, other_bytes(&package)).unwrap();
    let engine = house.on_disk().await.unwrap();
    let why = row(&engine, "odd:0.1.0").await.unwrap().withheld.unwrap();
    assert!(why.contains("changed while the host was at rest"), "{why}");
    engine.stop().await.unwrap();
    drop(engine);

    std::fs::remove_file(&file).unwrap();
    let engine = house.on_disk().await.unwrap();
    let why = row(&engine, "odd:0.1.0").await.unwrap().withheld.unwrap();
    assert!(why.contains("not in the data folder any more"), "{why}");
    engine.install_plugin(package, WORD).await.unwrap();
    assert_eq!(row(&engine, "odd:0.1.0").await.unwrap().withheld, None);
    engine.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_stays_as_long_as_somebody_needs_it() {
    let mut house = open_house(&["jq", "tally"]);
    house.limits = Some(huiyin_sandbox::Limits { wall_ms: 600_000, ..Default::default() });
    let engine = house.on_disk().await.unwrap();
    let outbox = house.folder.path().join("outbox");
    std::fs::create_dir_all(&outbox).unwrap();
    let slow = step("slow-hand", &Does::WritesThenHangs { idempotent: false }).unwrap();
    engine.install_plugin(slow, WORD).await.unwrap();
    engine.grant_plugin("slow-hand", "*", &json!({"spool": outbox}), WORD).await.unwrap();
    engine.deploy(vec![calling("act", "slow-hand:0.1.0", &json!({}))], &[], "admin:admin").await.unwrap();
    engine.submit(named("act", "the-act", json!({}))).await.unwrap();
    until("the effect", async || Ok((std::fs::read_dir(&outbox).unwrap().count() == 1).then_some(()))).await.unwrap();

    let used = words(engine.remove_plugin("slow-hand:0.1.0", WORD).await);
    assert!(used.contains("workflow tests/act") && used.contains("run the-act of tests/act"), "{used}");
    engine.withdraw("tests/act", None, "admin:admin").await.unwrap();
    let used = words(engine.remove_plugin("slow-hand:0.1.0", WORD).await);
    assert!(used.contains("run the-act") && !used.contains("workflow"), "a running run keeps it: {used}");
    engine.cancel("the-act", "enough", "admin:admin").await.unwrap();
    until("the end of the run", async || Ok(engine.remove_plugin("slow-hand:0.1.0", WORD).await.is_ok().then_some(())))
        .await
        .unwrap();
    assert!(row(&engine, "slow-hand:0.1.0").await.is_none());
    assert!(!house.data().join("plugins/slow-hand-0.1.0.wasm").exists());

    assert!(words(engine.remove_plugin("tally:0.1.0", WORD).await).contains("comes with the program"));
    assert!(words(engine.remove_plugin("nobody:0.1.0", WORD).await).contains("there is no plugin nobody:0.1.0"));
    engine.stop().await.unwrap();
    drop(engine);
    let engine = house.on_disk().await.unwrap();
    assert!(row(&engine, "slow-hand:0.1.0").await.is_none(), "removed for good");
    engine.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_holds_from_the_next_call_on_and_until_it_is_taken_back() {
    let mut house = House::with(&["jq", "file"]).unwrap();
    house.workflow("tell", &[], &json!({"do": [{"tell": {"call": "file:0.1.0@default", "with": MESSAGE()}}]})).unwrap();
    let outbox = house.folder.path().join("outbox");
    std::fs::create_dir_all(&outbox).unwrap();
    let engine = house.on_disk().await.unwrap();
    let denied = run(&engine, "tell", None).await;
    assert!(
        denied.status == "faulted" && denied.result.to_string().contains("no folder is granted"),
        "{}",
        denied.result
    );
    engine.grant_plugin("file", "*", &json!({"spool": outbox}), WORD).await.unwrap();
    assert_eq!(run(&engine, "tell", None).await.status, "completed");
    let grants = row(&engine, "file:0.1.0").await.unwrap().grants;
    assert_eq!((grants.len(), grants[0].by.as_deref()), (1, Some("admin:admin")));
    engine.stop().await.unwrap();
    drop(engine);

    let engine = house.on_disk().await.unwrap();
    assert_eq!(run(&engine, "tell", None).await.status, "completed", "a grant outlives a restart");
    engine.revoke_plugin("file", "*", WORD).await.unwrap();
    assert_eq!(run(&engine, "tell", None).await.status, "faulted");
    assert!(words(engine.revoke_plugin("file", "*", WORD).await).contains("nothing was granted"));
    // What is refused changes nothing.
    for (plugin, unit, grant, says) in [
        ("filet", "*", json!({}), "there is no plugin filet"),
        ("file", "nowhere", json!({}), "there is no unit nowhere"),
        ("file", "*", json!({"spol": "/x"}), "unknown field `spol`"),
        ("file", "*", json!({"http": [{"origin": "ftp://x"}]}), "/http/0"),
        ("file", "*", json!({"spool": "outbox"}), "absolute path"),
        ("file", "*", json!([]), "it must be a JSON object"),
    ] {
        let why = words(engine.grant_plugin(plugin, unit, &grant, WORD).await);
        assert!(why.contains(says), "{grant}: {why}");
    }
    assert_eq!(row(&engine, "file:0.1.0").await.unwrap().grants.len(), 0);
    engine.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_of_the_configuration_stands_behind_one_that_a_person_gave() {
    let mut house = House::with(&["jq", "file"]).unwrap();
    house.workflow("tell", &[], &json!({"do": [{"tell": {"call": "file:0.1.0@default", "with": MESSAGE()}}]})).unwrap();
    let (first, second) = (house.folder.path().join("first"), house.folder.path().join("second"));
    for folder in [&first, &second] {
        std::fs::create_dir_all(folder).unwrap();
    }
    let count = |folder: &Path| std::fs::read_dir(folder).unwrap().count();
    let grant = json!({"plugin": "file", "grant": {"spool": first}});
    house.config.grants.push(serde_json::from_value(grant).unwrap());
    let engine = house.on_disk().await.unwrap();
    engine.grant_plugin("file", "*", &json!({"spool": second}), WORD).await.unwrap();
    run(&engine, "tell", None).await;
    assert_eq!((count(&first), count(&second)), (0, 1));
    engine.revoke_plugin("file", "*", WORD).await.unwrap();
    run(&engine, "tell", None).await;
    assert_eq!((count(&first), count(&second)), (1, 1));
    let why = words(engine.revoke_plugin("file", "*", WORD).await);
    assert!(why.contains("stands in the configuration"), "{why}");
    engine.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn plugins_10_a_granted_folder_that_is_not_there_is_named_at_the_start() {
    let mut house = House::with(&["jq", "file"]).unwrap();
    let (gone, file) = (house.folder.path().join("gone"), house.folder.path().join("file"));
    std::fs::write(&file, "x").unwrap();
    let engine = house.on_disk().await.unwrap();
    for (spool, says) in [(&gone, "does not exist; make the folder"), (&file, "is no folder")] {
        let why = words(engine.grant_plugin("file", "*", &json!({"spool": spool}), WORD).await);
        assert!(why.contains(says) && why.contains(&spool.display().to_string()), "{why}");
    }
    engine.stop().await.unwrap();
    drop(engine);
    for (spool, says) in [(&gone, "does not exist; make the folder"), (&file, "is no folder")] {
        let grant = json!({"plugin": "file", "grant": {"spool": spool}});
        house.config.grants = vec![serde_json::from_value(grant).unwrap()];
        let why = house.on_disk().await.err().unwrap();
        assert!(why.contains("/grants/0/grant") && why.contains(says), "{why}");
        assert!(why.contains(&spool.display().to_string()), "{why}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_units_policy_holds_every_grant() {
    let mut bureau = sample_policy();
    let mut house = House::with(&["jq", "risk-level", "file"]).unwrap();
    let outbox = house.folder.path().join("outbox");
    std::fs::create_dir_all(outbox.join("inner")).unwrap();
    let units: Vec<String> =
        bureau["units"].as_array().unwrap().iter().map(|unit| unit["code"].as_str().unwrap().to_owned()).collect();
    let root = bureau["units"].as_array().unwrap().iter().position(|unit| unit.get("parent").is_none()).unwrap();
    let below = (0..units.len()).find(|at| *at != root).unwrap();
    let policy = house.folder.path().join("policy.json");
    house.config.policy = Some("policy.json".into());
    house
        .workflow("tell", &["*"], &json!({"do": [{"tell": {"call": "file:0.1.0@default", "with": MESSAGE()}}]}))
        .unwrap();
    let grant = json!({"plugin": "file", "grant": {"spool": outbox}});
    house.config.grants.push(serde_json::from_value(grant).unwrap());

    // The root's cap leaves nothing for anybody below it.
    bureau["units"][root]["may"] = json!({"http": [{"origin": "https://example.cn"}]});
    bureau["units"][below]["may"] = json!({"spool": outbox});
    std::fs::write(&policy, bureau.to_string()).unwrap();
    let engine = house.in_memory().await.unwrap();
    for at in [root, below] {
        let denied = run(&engine, "tell", Some(&units[at])).await;
        assert!(
            denied.status == "faulted" && denied.result.to_string().contains("writing a file"),
            "{}",
            denied.result
        );
    }
    engine.stop().await.unwrap();

    // The narrower of grant and cap counts.
    bureau["units"][root].as_object_mut().unwrap().remove("may");
    bureau["units"][below]["may"] = json!({"spool": outbox.join("inner")});
    std::fs::write(&policy, bureau.to_string()).unwrap();
    let engine = house.in_memory().await.unwrap();
    assert_eq!(run(&engine, "tell", Some(&units[below])).await.status, "completed");
    assert_eq!(std::fs::read_dir(outbox.join("inner")).unwrap().count(), 1);
    engine.stop().await.unwrap();

    for (may, says) in [
        (json!({"spool": "relative"}), format!("/units/{below}/may")),
        (json!({"htp": []}), format!("(at /units/{below}/may)")),
        (json!({"http": [{"origin": "nowhere"}]}), "/http/0".to_owned()),
        (json!("all"), format!("(at /units/{below}/may)")),
    ] {
        bureau["units"][below]["may"] = may.clone();
        std::fs::write(&policy, bureau.to_string()).unwrap();
        let refused = house.in_memory().await.err().unwrap();
        assert!(refused.contains(&says), "{may}: {refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn host_12_no_guest_is_let_at_the_hosts_own_files() {
    let mut house = House::with(&["jq", "file"]).unwrap();
    let engine = house.on_disk().await.unwrap();
    let data = house.data();
    let link = house.folder.path().join("link");
    std::os::unix::fs::symlink(&data, &link).unwrap();
    for spool in [
        data.clone(),
        data.join("cache"),
        data.join("journal"),
        data.join("journal/segments/deep"),
        data.join("keys"),
        data.join("plugins"),
        data.join("secrets"),
        data.join("outbox"),
        data.join("new/folder"),
        house.folder.path().to_owned(),
        Path::new("/").to_owned(),
        link.join("journal"),
        link,
        huiyin_tests::house::code_cache().join("inside"),
    ] {
        let why = words(engine.grant_plugin("file", "*", &json!({"spool": spool}), WORD).await);
        assert!(why.contains("files of its own"), "{}: {why}", spool.display());
    }
    engine.stop().await.unwrap();
    drop(engine);
    let grant = json!({"plugin": "file", "grant": {"spool": data.join("cache")}});
    house.config.grants.push(serde_json::from_value(grant).unwrap());
    let refused = house.on_disk().await.err().unwrap();
    assert!(refused.contains("/grants/0/grant") && refused.contains("files of its own"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_signature_is_refused_even_where_nobody_has_to_sign() {
    let mut house = open_house(&["jq"]);
    let acme = key(house.folder.path(), "acme");
    house.config.trust = trusting(vec![publisher(&acme, &["*"])], &["*"]);
    let engine = house.on_disk().await.unwrap();
    let other = sign(&guest("odd", "0.2.0"), &acme).unwrap();
    let signature = huiyin_sandbox::signed::split(&other).unwrap().signature.unwrap().to_owned();
    let moved = huiyin_sandbox::signed::attach(&guest("odd", "0.1.0"), &signature).unwrap();
    assert!(words(engine.install_plugin(moved, WORD).await).contains("for other content"));
    engine.stop().await.unwrap();
    drop(engine);
    // A carried one, too.
    house.plugins.push(huiyin_sandbox::signed::attach(&plugin("tally").unwrap(), &signature).unwrap());
    let refused = house.on_disk().await.err().unwrap();
    assert!(refused.contains("for other content"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_and_why_are_asked_for() {
    let house = open_house(&["jq"]);
    let engine = house.on_disk().await.unwrap();
    let refused = engine.install_plugin(guest("odd", "0.1.0"), Word { reason: " ", ..WORD }).await;
    assert!(words(refused).contains("say why"));
    assert!(!house.data().join("plugins/odd-0.1.0.wasm").exists(), "nothing is half installed");
    assert!(row(&engine, "odd:0.1.0").await.is_none());
    engine.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publisher_who_is_trusted_no_more_is_so_at_once_and_after_a_restart() {
    let mut house = House::with(&["jq"]).unwrap();
    let acme = key(house.folder.path(), "acme");
    house.config.trust = trusting(vec![publisher(&acme, &["*"])], &[]);
    let engine = house.on_disk().await.unwrap();
    engine.install_plugin(sign(&guest("odd", "0.1.0"), &acme).unwrap(), WORD).await.unwrap();
    engine.deploy(vec![calling("odd", "odd:0.1.0", &json!({}))], &[], "admin:admin").await.unwrap();
    let called = async |engine: &Engine| run(engine, "odd", None).await.result.to_string();
    assert!(called(&engine).await.contains("not JSON"));

    let report = engine.distrust_publisher("acme", WORD).await.unwrap();
    assert_eq!((report.name.as_str(), report.units.len(), report.restored.len()), ("acme", 0, 0));
    assert_eq!(report.withheld.len(), 1);
    let withheld = &report.withheld[0];
    assert_eq!(
        (withheld.plugin.as_str(), withheld.used_by.as_slice()),
        ("odd:0.1.0", ["workflow tests/odd".to_owned()].as_slice())
    );
    assert!(withheld.why.contains("signed by acme, whom nobody here trusts"), "{}", withheld.why);
    assert!(called(&engine).await.contains("may not be used"), "the next call is refused");
    let refused = engine.deploy(vec![calling("more", "odd:0.1.0", &json!({}))], &[], "admin:admin").await.unwrap_err();
    assert!(refused.to_string().contains("odd"), "{refused}");
    let newer = sign(&guest("odd", "0.2.0"), &acme).unwrap();
    assert!(words(engine.install_plugin(newer.clone(), WORD).await).contains("whom nobody here trusts"));
    assert!(words(engine.distrust_publisher("acme", WORD).await).contains("no publisher `acme` is trusted"));
    engine.stop().await.unwrap();
    drop(engine);

    // The configuration still names the key; what a person said since counts.
    let engine = house.on_disk().await.unwrap();
    assert!(row(&engine, "odd:0.1.0").await.unwrap().withheld.is_some());
    let known = engine.publishers().await.unwrap();
    assert_eq!((known.len(), known[0].units.len(), known[0].by.as_deref()), (1, 0, Some("admin:admin")));
    let vkey = acme.verifier().to_string();
    let report = engine.trust_publisher(&vkey, &["*".to_owned()], WORD).await.unwrap();
    assert_eq!((report.restored, report.withheld.len()), (vec!["odd:0.1.0".to_owned()], 0));
    assert!(called(&engine).await.contains("not JSON"), "it is there again, without another start");
    engine.stop().await.unwrap();
    drop(engine);
    let engine = house.on_disk().await.unwrap();
    assert!(called(&engine).await.contains("not JSON"), "and with one");
    engine.install_plugin(newer, WORD).await.unwrap();
    // Withdrawn and given again without a start between.
    assert_eq!(engine.distrust_publisher(&vkey, WORD).await.unwrap().withheld.len(), 2);
    assert_eq!(engine.trust_publisher(&vkey, &["*".to_owned()], WORD).await.unwrap().restored.len(), 2);
    for (key, units, says) in [
        ("acme", vec!["*"], "/key"),
        (vkey.as_str(), vec![], "name the units"),
        (vkey.as_str(), vec!["nowhere"], "there is no unit nowhere"),
    ] {
        let units: Vec<String> = units.into_iter().map(str::to_owned).collect();
        let why = words(engine.trust_publisher(key, &units, WORD).await);
        assert!(why.contains(says), "{why}");
    }
    engine.stop().await.unwrap();
    drop(engine);

    house.config.trust = TrustConfig::default();
    let engine = house.on_disk().await.unwrap();
    assert_eq!(row(&engine, "odd:0.2.0").await.unwrap().withheld, None, "a person's word outlives the configuration's");
    assert!(called(&engine).await.contains("not JSON"));
    engine.stop().await.unwrap();
    drop(engine);
    let log = huiyin_tests::log::kinds(&house.data()).unwrap();
    let said: Vec<&str> = log.iter().filter_map(|kind| kind.strip_prefix("huiyin.publisher.")).collect();
    assert_eq!(said, ["distrusted.v1", "trusted.v1", "distrusted.v1", "trusted.v1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unit_that_trusts_no_more_gets_the_plugin_neither_called_nor_deployed() {
    const MINE: &str = "qingfeng";
    const OTHER: &str = "linhai";
    let mut house = House::with(&["jq", "risk-level"]).unwrap();
    house.config.policy = Some(huiyin_tests::project("workflows/policy/linhai.json"));
    house.plugins.push(guests::guest(Kind::Step, "say", "1.0.0", &Does::Says("1")).unwrap());
    let slot = json!({"call": "say:1.0.0@default", "metadata": {"kind": "step"}});
    let rest = json!({"use": {"functions": {"say": slot}}, "do": [{"say": {"call": "say", "with": {}}}]});
    house.workflow("speak", &["*"], &rest).unwrap();
    let acme = key(house.folder.path(), "acme");
    house.config.trust = trusting(vec![publisher(&acme, &["*"])], &[]);
    let engine = house.on_disk().await.unwrap();
    let theirs = guests::guest(Kind::Step, "say", "2.0.0", &Does::Says("2")).unwrap();
    engine.install_plugin(sign(&theirs, &acme).unwrap(), WORD).await.unwrap();
    let word = |unit: &str| SlotWord {
        workflow: "speak".to_owned(),
        unit: Some(unit.to_owned()),
        slot: "say".to_owned(),
        reason: "for the test".to_owned(),
        actor: "admin:admin".to_owned(),
    };
    let theirs = || PluginWord { plugin: "say:2.0.0".to_owned(), ..PluginWord::default() };
    engine.bind(word(MINE), Some(theirs())).await.unwrap();
    engine.start_canary(word(OTHER), theirs()).await.unwrap();
    assert_eq!(run(&engine, "speak", Some(MINE)).await.result, json!(2));

    // From now on another unit alone trusts the publisher.
    let vkey = acme.verifier().to_string();
    let report = engine.trust_publisher(&vkey, &["cuihu".to_owned()], WORD).await.unwrap();
    assert!(report.withheld.is_empty(), "somebody may still use it");
    let denied = "`say:2.0.0` may not be used by unit";
    let ended = run(&engine, "speak", Some(MINE)).await;
    assert!(ended.status == "faulted" && ended.result.to_string().contains(denied), "{}", ended.result);
    let text = std::fs::read_to_string(house.folder.path().join("speak.json")).unwrap();
    let text = text.replace("\"version\":\"1.0.0\"", "\"version\":\"1.1.0\"");
    let text = WorkflowText { file: "speak.json".to_owned(), text };
    let refused = engine.deploy(vec![text.clone()], &[MINE.to_owned()], "admin:admin").await.unwrap_err();
    assert!(refused.to_string().contains(denied), "{refused}");
    assert!(words(engine.end_canary(word(OTHER), true).await).contains(denied), "nor promoted");
    assert!(words(engine.bind(word(MINE), Some(theirs())).await).contains(denied));
    engine.deploy(vec![text.clone()], &["cuihu".to_owned()], "admin:admin").await.unwrap();
    // It can be handed back to the configuration, and then deployed.
    engine.bind(word(MINE), None).await.unwrap();
    engine.deploy(vec![text], &[MINE.to_owned()], "admin:admin").await.unwrap();
    assert_eq!(run(&engine, "speak", Some(MINE)).await.result, json!(1));
    engine.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_calls_may_reach_and_use_is_listed_by_unit() {
    let mut bureau = sample_policy();
    let mut house = House::with(&["jq", "risk-level", "file"]).unwrap();
    let outbox = house.folder.path().join("outbox");
    std::fs::create_dir_all(outbox.join("inner")).unwrap();
    let code = |at: usize| bureau["units"][at]["code"].as_str().unwrap().to_owned();
    let units = bureau["units"].as_array().unwrap().len();
    let below = (0..units).rfind(|at| bureau["units"][*at].get("parent").is_some()).unwrap();
    let (capped, slow) = (code(below), code(0));
    bureau["units"][below]["may"] = json!({"spool": outbox.join("inner")});
    std::fs::write(house.folder.path().join("policy.json"), bureau.to_string()).unwrap();
    house.config.policy = Some("policy.json".into());
    house.config.limits = serde_json::from_value(json!({
        "plugins": {"file": {"wall_ms": 20_000}}, "units": {&slow: {"wall_ms": 5_000}},
    }))
    .unwrap();
    let engine = house.in_memory().await.unwrap();
    engine.grant_plugin("file", "*", &json!({"spool": outbox, "kv_bytes": 10}), WORD).await.unwrap();
    let row = row(&engine, "file:0.1.0").await.unwrap();
    let of = |unit: &str| row.effective.iter().find(|entry| entry.units.iter().any(|u| u == unit)).unwrap();
    let all = of("*");
    // What the manifest does not ask for is not reached, whoever grants it.
    assert_eq!((all.grant.spool.as_ref(), all.grant.kv_bytes, all.limits.wall_ms), (Some(&outbox), 0, Some(20_000)));
    let held = of(&capped);
    assert_eq!((held.grant.spool.clone(), held.units.len()), (Some(outbox.join("inner")), 1));
    assert_eq!((of(&slow).limits.wall_ms, of(&slow).grant.spool.as_ref()), (Some(5_000), Some(&outbox)));
    assert_eq!(row.effective.len(), 3, "units of which the same holds stand together: {:?}", row.effective);
    engine.revoke_plugin("file", "*", WORD).await.unwrap();
    let row = engine.plugins().await.unwrap().into_iter().find(|row| row.plugin == "file:0.1.0").unwrap();
    assert!(row.effective.iter().all(|entry| entry.grant.spool.is_none()));
    engine.stop().await.unwrap();
}
