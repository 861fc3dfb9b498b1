//! `huiyin plugin keygen | sign | install | list | grant | revoke | remove` as
//! people type them, at rest and against a running host.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "plugin_commands/cases.rs"]
mod cases;
#[path = "plugin_commands/catalog.rs"]
mod catalog;
#[path = "plugin_commands/evaluate.rs"]
mod evaluate;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use huiyin_tests::guests::{Does, Kind, guest};
use huiyin_tests::host::{Host, Start};
use serde_json::{Value, json};

/// The same program as `huiyin`, built by these tests.
const PROGRAM: &str = env!("CARGO_BIN_EXE_huiyin-faulty");

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new(trust: &Value) -> Place {
        let place = Place { folder: tempfile::tempdir().unwrap() };
        place.trust(trust);
        place
    }

    fn trust(&self, trust: &Value) {
        std::fs::write(self.at("huiyin.json"), json!({"trust": trust, "partitions": 1}).to_string()).unwrap();
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.at(name).display().to_string()
    }

    /// A package that only these tests have.
    fn package(&self, version: &str) -> String {
        let file = self.at(&format!("odd-{version}.wasm"));
        std::fs::write(&file, guest(Kind::Step, "odd", version, &Does::SaysGarbage).unwrap()).unwrap();
        file.display().to_string()
    }

    fn serve(&self) -> Host {
        let (config, data) = (self.at("huiyin.json"), self.at("data"));
        Start { program: Path::new(PROGRAM), config: &config, data: &data, env: vec![] }.go().unwrap()
    }
}

fn huiyin(args: &[&str]) -> Output {
    Command::new(PROGRAM).args(args).output().unwrap()
}

fn code(ran: &Output) -> i32 {
    ran.status.code().unwrap_or(-1)
}

fn said(ran: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr))
}

fn ok(args: &[&str]) -> String {
    let ran = huiyin(args);
    assert_eq!(code(&ran), 0, "{args:?}: {}", said(&ran));
    String::from_utf8(ran.stdout).unwrap()
}

fn refused(args: &[&str], status: i32, says: &str) {
    let ran = huiyin(args);
    assert_eq!(code(&ran), status, "{args:?}: {}", said(&ran));
    assert!(said(&ran).contains(says), "{args:?}: {}", said(&ran));
}

#[test]
fn a_key_is_made_once_and_signs() {
    let place = Place::new(&json!({}));
    let (key, package) = (place.text("acme.key"), place.package("0.1.0"));
    let public = ok(&["plugin", "keygen", "acme.example/plugins", "--out", &key]);
    assert!(public.starts_with("acme.example/plugins+"), "{public}");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&key).unwrap().permissions()) & 0o777;
    assert_eq!(mode, 0o600);
    refused(&["plugin", "keygen", "other", "--out", &key], 2, "never replaced");
    refused(&["plugin", "keygen", "no good", "--out", &place.text("x.key")], 2, "cannot be a key name");

    let before = std::fs::read(&package).unwrap();
    let signed = ok(&["plugin", "sign", &package, "--key", &key, "--output", "json"]);
    let signed: Value = serde_json::from_str(&signed).unwrap();
    assert_eq!(signed["publishers"], json!(["acme.example/plugins"]));
    let once = std::fs::read(&package).unwrap();
    assert!(once.starts_with(&before) && once.len() > before.len());
    ok(&["plugin", "sign", &package, "--key", &key]);
    assert_eq!(std::fs::read(&package).unwrap(), once, "signing again adds nothing");
    let inspected: Value = serde_json::from_str(&ok(&["plugin", "inspect", &package, "--output", "json"])).unwrap();
    assert_eq!((&inspected["digest"], &inspected["signed_by"]), (&signed["digest"], &json!(["acme.example/plugins"])));

    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o640)).unwrap();
    refused(&["plugin", "sign", &package, "--key", &key], 2, "chmod 600");
    let text = place.text("text");
    std::fs::write(&text, "not wasm").unwrap();
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    refused(&["plugin", "sign", &text, "--key", &key], 2, "not a WebAssembly file");
}

#[test]
fn at_rest_a_package_is_installed_only_if_it_is_trusted() {
    let place = Place::new(&json!({}));
    let (data, key, package) = (place.text("data"), place.text("acme.key"), place.package("0.1.0"));
    let config = place.text("huiyin.json");
    let install = ["plugin", "install", &package, "--data", &data, "--config", &config];
    refused(&install, 2, "is not signed");
    let public = ok(&["plugin", "keygen", "acme", "--out", &key]);
    ok(&["plugin", "sign", &package, "--key", &key]);
    refused(&install, 2, "signed by acme, whom nobody here trusts");
    assert!(!place.at("data/plugins").exists(), "nothing was written");
    place.trust(&json!({"publishers": [{"key": public.trim()}]}));
    assert!(ok(&install).contains("odd:0.1.0  installed  sha256:"));
    assert!(ok(&install).contains("already installed"));
    // Other bytes under the same name, signed or not.
    let mut other = guest(Kind::Step, "odd", "0.1.0", &Does::Recurses).unwrap();
    other.extend_from_slice(&[0, 3, 1, b'x', b'y']);
    std::fs::write(&package, other).unwrap();
    ok(&["plugin", "sign", &package, "--key", &key]);
    refused(&install, 2, "a published version never changes");
    let listed = huiyin(&["plugin", "list", "--data", &data, "--output", "json"]);
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!(
        (&listed["plugins"][0]["plugin"], &listed["plugins"][0]["publishers"]),
        (&json!("odd:0.1.0"), &json!(["acme"]))
    );
    place.trust(&json!({"publishers": [{"key": "acme+00000000+AAAA"}]}));
    refused(&install, 2, "/trust/publishers/0/key");
}

#[test]
fn on_a_running_host_everything_is_asked_of_it() {
    let place = Place::new(&json!({"untrusted": ["*"]}));
    let (data, package) = (place.text("data"), place.package("0.1.0"));
    let host = place.serve();
    let at = ["--data", data.as_str()];
    let with = |args: &[&'static str], rest: &[&str]| -> Vec<String> {
        args.iter().chain(rest).chain(&at).map(|arg| (*arg).to_owned()).collect()
    };
    let run = |args: &[String]| huiyin(&args.iter().map(String::as_str).collect::<Vec<_>>());
    refused(&["plugin", "install", &package, "--data", &data], 2, "say why with --reason");
    let ran = run(&with(&["plugin", "install", "--reason", "new board"], &[&package]));
    assert_eq!(code(&ran), 0, "{}", said(&ran));
    ok(&["plugin", "install", &place.package("0.2.0"), "--data", &data, "--reason", "newer"]);

    let grant = place.text("grant.json");
    std::fs::write(&grant, json!({"kv_bytes": 1000}).to_string()).unwrap();
    let ran = run(&with(&["plugin", "grant", "odd", "--reason", "its notes", "--grant"], &[&grant]));
    assert_eq!(code(&ran), 0, "{}", said(&ran));
    std::fs::write(&grant, json!({"spool": place.at("data/journal")}).to_string()).unwrap();
    refused(&["plugin", "grant", "odd", "--reason", "x", "--grant", &grant, "--data", &data], 2, "files of its own");

    let listed = ok(&["plugin", "list", "--data", &data]);
    let line = listed.lines().find(|line| line.starts_with("odd:0.1.0")).unwrap();
    assert!(line.contains("installed") && line.contains("@*") && line.contains("unused"), "{listed}");
    let listed: Value = serde_json::from_str(&ok(&["plugin", "list", "--data", &data, "--output", "json"])).unwrap();
    let found = listed["plugins"].as_array().unwrap().iter().find(|row| row["plugin"] == "odd:0.1.0").unwrap();
    assert_eq!(
        (&found["installed"]["reason"], &found["grants"][0]["reason"]),
        (&json!("new board"), &json!("its notes"))
    );

    let workflow = place.text("odd.json");
    let document = json!({"dsl": "1.0.3", "namespace": "tests", "name": "odd", "version": "1.0.0"});
    let task = json!({"ask": {"call": "odd:0.1.0@default", "with": {}}});
    std::fs::write(&workflow, json!({"document": document, "do": [task]}).to_string()).unwrap();
    ok(&["workflow", "deploy", &workflow, "--data", &data]);
    refused(&["plugin", "remove", "odd:0.1.0", "--reason", "x", "--data", &data], 1, "needed by workflow tests/odd");
    ok(&["plugin", "remove", "odd:0.2.0", "--reason", "unused", "--data", &data]);
    ok(&["plugin", "revoke", "odd", "--reason", "no more notes", "--data", &data]);
    refused(&["plugin", "revoke", "odd", "--reason", "again", "--data", &data], 2, "nothing was granted");
    refused(&["plugin", "remove", "odd:9.9.9", "--reason", "x", "--data", &data], 2, "there is no plugin");

    // All of it is on record, with who and why.
    host.stop().unwrap();
    let log = huiyin_tests::log::kinds(&place.at("data")).unwrap();
    let about: Vec<String> = log.iter().filter(|kind| kind.starts_with("huiyin.plugin.")).cloned().collect();
    let kinds = ["installed", "installed", "granted", "removed", "revoked"].map(|k| format!("huiyin.plugin.{k}.v1"));
    assert_eq!(about, kinds);
}

#[test]
fn a_package_over_the_hosts_limits_is_refused_by_name() {
    let place = Place::new(&json!({"untrusted": ["*"]}));
    let (data, package) = (place.text("data"), place.package("0.1.0"));
    let config = json!({"trust": {"untrusted": ["*"]}, "packages": {"compileMemoryBytes": 64 << 20}, "partitions": 1});
    std::fs::write(place.at("huiyin.json"), config.to_string()).unwrap();
    // What the program carries has to be compiled, too: the limit is too low even for that, and says so.
    let ran = huiyin(&["serve", "--listen", "127.0.0.1:0", "--config", &place.text("huiyin.json"), "--data", &data]);
    assert_eq!(code(&ran), 2, "{}", said(&ran));
    assert!(said(&ran).contains("packages.compileMemoryBytes"), "{}", said(&ran));
    let config = json!({"trust": {"untrusted": ["*"]}, "packages": {"maxBytes": 4_000_000}, "partitions": 1});
    std::fs::write(place.at("huiyin.json"), config.to_string()).unwrap();
    let host = place.serve();
    let large = place.text("large.wasm");
    let mut bytes = std::fs::read(&package).unwrap();
    bytes.resize(bytes.len() + 4_000_000, 0);
    std::fs::write(&large, bytes).unwrap();
    refused(&["plugin", "install", &large, "--data", &data, "--reason", "x"], 2, "the host takes 4000000");
    host.stop().unwrap();
}

#[test]
fn whose_plugins_are_taken_is_changed_on_a_running_host() {
    let place = Place::new(&json!({}));
    let (data, key, package) = (place.text("data"), place.text("acme.key"), place.package("0.1.0"));
    let public = ok(&["plugin", "keygen", "acme.example/plugins", "--out", &key]);
    ok(&["plugin", "sign", &package, "--key", &key]);
    let host = place.serve();
    let install = ["plugin", "install", &package, "--data", &data, "--reason", "new board"];
    refused(&install, 2, "whom nobody here trusts");
    refused(&["plugin", "trust", public.trim(), "--data", &data], 2, "--reason");
    refused(&["plugin", "trust", "acme", "--reason", "x", "--data", &data], 2, "/key");
    ok(&["plugin", "trust", public.trim(), "--reason", "audited", "--data", &data]);
    ok(&install);
    let listed = ok(&["plugin", "publishers", "--data", &data]);
    assert!(listed.contains("acme.example/plugins") && listed.contains(": audited"), "{listed}");
    let gone = ok(&["plugin", "distrust", "acme.example/plugins", "--reason", "stolen", "--data", &data]);
    assert!(gone.contains("odd:0.1.0 is withheld; it was used by -"), "{gone}");
    let listed = ok(&["plugin", "publishers", "--data", &data]);
    assert!(listed.contains("nobody any more") && listed.contains(": stolen"), "{listed}");
    assert!(ok(&["plugin", "list", "odd", "--data", &data]).contains("withheld: the package is signed by acme"));
    refused(&["plugin", "distrust", "acme.example/plugins", "--reason", "x", "--data", &data], 2, "no publisher");
    let back = ok(&["plugin", "trust", public.trim(), "--reason", "a new key", "--data", &data, "--output", "json"]);
    assert_eq!(serde_json::from_str::<Value>(&back).unwrap()["restored"], json!(["odd:0.1.0"]));
    host.stop().unwrap();
}

#[test]
fn what_a_plugin_may_reach_and_use_is_listed_at_length() {
    let place = Place::new(&json!({}));
    let data = place.text("data");
    let host = place.serve();
    let grant = place.text("grant.json");
    let spool = place.text("outbox");
    std::fs::create_dir(place.at("outbox")).unwrap();
    std::fs::write(&grant, json!({"spool": spool, "kv_bytes": 9}).to_string()).unwrap();
    ok(&["plugin", "grant", "file", "--grant", &grant, "--reason", "reports", "--data", &data]);
    let listed = ok(&["plugin", "list", "file:0.1.0", "--long", "--data", &data]);
    let lines: Vec<&str> = listed.lines().collect();
    assert!(lines[0].starts_with("file:0.1.0 (notifier): "), "{listed}");
    assert_eq!(lines[1], "  for *");
    assert!(lines[2].contains(&format!("\"spool\":\"{spool}\"")) && lines[2].contains("\"kv_bytes\":0"), "{listed}");
    assert!(lines[3].contains("\"wall_ms\":10000"), "{listed}");
    let listed = ok(&["plugin", "list", "file", "--data", &data, "--output", "json"]);
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let file = &listed["plugins"][0];
    assert_eq!(
        (&file["effective"][0]["units"], &file["effective"][0]["limits"]["log_lines"]),
        (&json!(["*"]), &json!(200))
    );
    assert_eq!((listed["plugins"].as_array().unwrap().len(), &file["set_aside"]), (1, &json!([])));
    refused(&["plugin", "list", "nobody", "--data", &data], 2, "there is no plugin nobody");
    host.stop().unwrap();
}

#[test]
fn plugins_03_a_package_is_made_of_a_ready_component() {
    let place = Place::new(&json!({}));
    let made = huiyin_guests::Guest::step("(call $answer @\"{}\")").name("odd").version("0.1.0");
    let (component, out) = (place.text("odd.wasm"), place.text("out"));
    std::fs::write(&component, made.component().unwrap()).unwrap();
    // The error names what makes one.
    refused(&["plugin", "inspect", &component], 2, "huiyin plugin package");
    refused(&["plugin", "build", &component], 2, "huiyin plugin package");

    let packed = ok(&["plugin", "package", &component, "--out", &out, "--output", "json"]);
    let packed: Value = serde_json::from_str(&packed).unwrap();
    assert_eq!((&packed["state"], &packed["pure"]), (&json!("packaged"), &json!(true)));
    let file = packed["file"].as_str().unwrap().to_owned();
    assert!(file.ends_with("odd-0.1.0.wasm"), "{file}");
    assert_eq!(std::fs::read(&file).unwrap(), made.package().unwrap(), "as `plugin build` makes it");
    let inspected = ok(&["plugin", "inspect", &file, "--output", "json"]);
    let mut inspected: Value = serde_json::from_str(&inspected).unwrap();
    assert_eq!(inspected["digest"], packed["digest"]);
    assert!(ok(&["plugin", "package", &component, "--out", &out]).contains("unchanged"));
    refused(&["plugin", "package", &file, "--out", &out], 2, "it is a package already, odd:0.1.0");

    // A manifest that somebody checked is held against it.
    let manifest = place.text("manifest.json");
    std::fs::write(&manifest, inspected["manifest"].to_string()).unwrap();
    ok(&["plugin", "package", &component, "--manifest", &manifest, "--out", &out]);
    inspected["manifest"]["idempotent"] = json!(true);
    std::fs::write(&manifest, inspected["manifest"].to_string()).unwrap();
    let other = place.text("other");
    refused(&["plugin", "package", &component, "--manifest", &manifest, "--out", &other], 2, "at /idempotent: true");
    assert!(!place.at("other").exists(), "nothing was written");
}

#[test]
fn plugins_09_a_signed_package_is_left_as_it_is() {
    let place = Place::new(&json!({}));
    let (key, out) = (place.text("acme.key"), place.text("out"));
    ok(&["plugin", "keygen", "acme", "--out", &key]);
    let package = |version: &str, answer: &str| {
        let made = huiyin_guests::Guest::step(format!("(call $answer @\"{answer}\")")).name("odd").version(version);
        let component = place.text("odd.wasm");
        std::fs::write(&component, made.component().unwrap()).unwrap();
        huiyin(&["plugin", "package", &component, "--out", &out])
    };
    assert_eq!(code(&package("0.1.0", "{}")), 0);
    let file = place.text("out/odd-0.1.0.wasm");
    ok(&["plugin", "sign", &file, "--key", &key]);
    let signed = std::fs::read(&file).unwrap();
    let again = package("0.1.0", "{}");
    assert!(code(&again) == 0 && said(&again).contains("unchanged"), "{}", said(&again));
    let changed = package("0.1.0", "[]");
    assert_eq!(code(&changed), 1, "{}", said(&changed));
    assert!(said(&changed).contains("is signed and holds other content"), "{}", said(&changed));
    assert_eq!(code(&package("0.2.0", "[]")), 0);
    assert_eq!(std::fs::read(&file).unwrap(), signed, "the older version lies beside, signed");
    assert!(place.at("out/odd-0.2.0.wasm").exists());
}

#[test]
fn plugins_07_what_was_compiled_once_is_kept() {
    let place = Place::new(&json!({}));
    let package = place.package("0.1.0");
    let cache = place.at("home");
    let run = |args: &[&str]| {
        let ran = Command::new(PROGRAM).args(args).env("XDG_CACHE_HOME", &cache).output().unwrap();
        (code(&ran), said(&ran))
    };
    let entries = || {
        let all = std::fs::read_dir(cache.join("huiyin/code")).unwrap().map(|entry| entry.unwrap());
        let code = all.filter(|entry| entry.path().extension().is_some_and(|end| end == "cwasm"));
        code.map(|entry| (entry.file_name(), entry.metadata().unwrap().modified().unwrap())).collect::<Vec<_>>()
    };
    assert_eq!(run(&["plugin", "inspect", &package]).0, 0);
    let kept = entries();
    assert_eq!(kept.len(), 1);
    let (_, said) = run(&["plugin", "run", &package]);
    assert!(said.contains("not JSON") || said.contains("not acceptable"), "{said}");
    assert_eq!(run(&["plugin", "inspect", &package]).0, 0);
    assert_eq!(entries(), kept, "nothing was compiled again");
    // Where nothing can be kept it only takes longer.
    std::fs::write(place.at("file"), "").unwrap();
    let ran = Command::new(PROGRAM)
        .args(["plugin", "inspect", &package])
        .env("XDG_CACHE_HOME", place.at("file"))
        .output()
        .unwrap();
    assert_eq!(code(&ran), 0, "{}", self::said(&ran));
}
