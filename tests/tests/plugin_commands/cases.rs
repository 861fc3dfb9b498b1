//! `huiyin plugin new | test`.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{code, huiyin, ok, refused, said};

pub(super) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

pub(super) fn carried(name: &str) -> String {
    workspace().join(format!("build/plugins/{name}-0.1.0.wasm")).display().to_string()
}

/// A folder with one case, for a plugin that is built already.
fn project(case: &Value) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("cases")).unwrap();
    std::fs::write(folder.path().join("cases/one.json"), case.to_string()).unwrap();
    let text = folder.path().display().to_string();
    (folder, text)
}

fn case_of(folder: &tempfile::TempDir) -> Value {
    serde_json::from_slice(&std::fs::read(folder.path().join("cases/one.json")).unwrap()).unwrap()
}

const HOOK: &str = "https://notice.example.cn/hook";

fn delivery(http: &Value) -> Value {
    json!({
        "config": {"url": HOOK, "sign": false},
        "input": {"subject": "快报", "text": "一句话。", "recipients": []},
        "http": http,
        "expect": {"id": "test-one", "detail": "https://notice.example.cn/hook answered 200"},
    })
}

fn answered() -> Value {
    json!([{"request": {"method": "POST", "url": HOOK}, "response": {"status": 200}}])
}

#[test]
fn every_plugin_that_is_carried_passes_its_cases() {
    let root = workspace();
    let mut dirs = Vec::new();
    for kind in std::fs::read_dir(root.join("plugins")).unwrap().flatten().filter(|entry| entry.path().is_dir()) {
        dirs.extend(std::fs::read_dir(kind.path()).unwrap().flatten().map(|entry| entry.path().display().to_string()));
    }
    assert!(dirs.len() >= 9, "{dirs:?}");
    let out = root.join("build/plugins").display().to_string();
    let mut args = vec!["plugin", "test", "--no-build", "--out", &out, "--repeat", "20", "--output", "json"];
    args.extend(dirs.iter().map(String::as_str));
    let tested: Value = serde_json::from_str(&ok(&args)).unwrap();
    for plugin in tested.as_array().unwrap() {
        let cases = plugin["cases"].as_array().unwrap();
        assert!(!cases.is_empty());
        for case in cases {
            assert!(case["usage"]["fuel"].as_u64().unwrap() > 0 && case["usage"]["memory_bytes"].as_u64().unwrap() > 0);
            let pure = matches!(plugin["kind"].as_str(), Some("classifier" | "reporter"));
            assert!(!pure || case["calls"] == 20, "{case}");
        }
    }
}

#[test]
fn a_request_that_the_case_does_not_answer_fails_it_and_is_shown() {
    let package = carried("webhook");
    let (_folder, dir) = project(&delivery(&json!([])));
    refused(&["plugin", "test", &dir, "--package", &package], 1, "nothing in `http` answers this request");
    let ran = huiyin(&["plugin", "test", &dir, "--package", &package]);
    assert!(said(&ran).contains(HOOK) && said(&ran).contains("\"method\":\"POST\""), "{}", said(&ran));

    let (_folder, dir) = project(&delivery(&answered()));
    ok(&["plugin", "test", &dir, "--package", &package]);

    let twice = json!([answered()[0], {"request": {"url": "https://never.example.cn/"}, "response": {"status": 200}}]);
    let (_folder, dir) = project(&delivery(&twice));
    refused(&["plugin", "test", &dir, "--package", &package], 1, "never made");
}

#[test]
fn an_answer_that_is_another_is_shown_place_by_place_and_update_writes_it() {
    let package = carried("tally");
    let mut case = json!({"about": "two", "input": {"numbers": [3, 4]}, "expect": {"count": 2, "sum": 8}});
    let (folder, dir) = project(&case);
    let junit = folder.path().join("report.xml").display().to_string();
    let args = ["plugin", "test", &dir, "--package", &package, "--repeat", "3", "--junit", &junit];
    refused(&args, 1, "at /sum: expected 8, got 7");
    let xml = std::fs::read_to_string(&junit).unwrap();
    assert!(xml.contains("tests=\"1\" failures=\"1\"") && xml.contains("at /sum: expected 8, got 7"), "{xml}");

    ok(&["plugin", "test", &dir, "--package", &package, "--update"]);
    case["expect"]["sum"] = json!(7);
    assert_eq!(case_of(&folder), case, "nothing else was changed");
    ok(&args);

    case["budget"] = json!({"fuel": 10});
    let (_folder, dir) = project(&case);
    refused(&["plugin", "test", &dir, "--package", &package], 1, "over its budget: fuel");
    let wrong = json!({"input": {"numbers": ["x"]}, "expect_error": {"kind": "trap"}});
    let (_folder, dir) = project(&wrong);
    refused(&["plugin", "test", &dir, "--package", &package], 1, "expected the error trap, got invalid_input");
}

#[test]
fn what_is_no_case_is_refused_with_its_place() {
    let package = carried("tally");
    let file = |name: &str| json!({"input": {"numbers": {"$file": name}}, "expect": 1});
    for (case, says) in [
        (json!({"expext": 1}), "expext"),
        (json!({"expect": 1, "expect_error": {"kind": "trap"}}), "keep one of them"),
        (json!({"http": [{"request": {"url": "https://a.cn/"}}], "expect": 1}), "/http/0"),
        (json!({"now": "yesterday", "expect": 1}), "now"),
        (file("../secret.json"), "at /input/numbers/$file"),
        (file("/etc/passwd"), "no file below the project's folder"),
        (file("fixtures/none.json"), "fixtures/none.json"),
        (json!({"expect": 1, "budget": {"fule": 1}}), "fule"),
    ] {
        let (_folder, dir) = project(&case);
        refused(&["plugin", "test", &dir, "--package", &package], 2, says);
    }
    let empty = tempfile::tempdir().unwrap();
    refused(&["plugin", "test", &empty.path().display().to_string(), "--package", &package], 2, "cases");
    // Nothing was built of it yet.
    let (_folder, dir) = project(&json!({"expect": 1}));
    refused(&["plugin", "test", &dir, "--no-build", "--out", &dir], 2, "no plugin crate");
}

#[test]
fn the_network_is_recorded_once_and_then_not_needed() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let serving = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = [0; 4096];
        let _ = stream.read(&mut head).unwrap();
        let body = r#"[{"no": 7, "subject": "路灯不亮"}]"#;
        write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nx-board: a\r\n\r\n{body}", body.len()).unwrap();
    });
    let case = json!({
        "config": {"url": format!("{origin}/posts"), "fields": {"id": "/no", "title": "/subject"}},
        "now": "2026-03-01T08:00:00Z",
    });
    let (folder, dir) = project(&case);
    let grant = folder.path().join("grant.json");
    let granted = json!({"http": [{"origin": origin}], "allow_addresses": ["127.0.0.1/32"]});
    std::fs::write(&grant, granted.to_string()).unwrap();
    let (grant, package) = (grant.display().to_string(), carried("json-api"));
    ok(&["plugin", "test", &dir, "--package", &package, "--record", "--grant", &grant, "--update"]);
    serving.join().unwrap();
    let recorded = case_of(&folder);
    assert_eq!(recorded["http"][0]["request"]["url"], format!("{origin}/posts"));
    assert_eq!(recorded["http"][0]["response"]["headers"], json!({"x-board": "a"}));
    assert_eq!(recorded["expect"]["items"][0]["title"], "路灯不亮");
    // The listener is gone: the case answers.
    ok(&["plugin", "test", &dir, "--package", &package]);
}

#[test]
fn a_project_is_made_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    for name in ["Forest", "9lives", "a--b", "-a", "a_b", "火", "a/b", "..", &"x".repeat(65)] {
        refused(&["plugin", "new", "--kind", "step", "--dir", &at("p"), "--", name], 2, "no name of a plugin");
    }
    for kind in ["collector", "classifier", "reporter", "notifier", "step"] {
        let dir = at(kind);
        ok(&["plugin", "new", &format!("my-{kind}"), "--kind", kind, "--dir", &dir]);
        let text = |file: &str| std::fs::read_to_string(Path::new(&dir).join(file)).unwrap();
        let source = text("src/lib.rs");
        assert!(source.contains(&format!("\"my-{kind}\"")) && !source.contains("{{"), "{source}");
        assert!(text("Cargo.toml").contains(&format!("name = \"my-{kind}-plugin\"")));
        assert!(text("README.md").contains("huiyin plugin test"));
        assert!(text(".gitignore").contains(".huiyin"));
        assert!(std::fs::read_dir(Path::new(&dir).join("cases")).unwrap().count() >= 2);
        assert!(text(".huiyin/sdk/rust/Cargo.toml").contains("huiyin-sdk"));
        refused(&["plugin", "new", "other", "--kind", kind, "--dir", &dir], 2, "there is something already");
        assert_eq!(text("src/lib.rs"), source, "nothing of it was touched");
    }
    for (language, kinds) in [
        ("js", &["collector", "classifier", "reporter", "notifier", "step"][..]),
        ("python", &["classifier", "reporter", "step"]),
    ] {
        for kind in kinds {
            let dir = at("guest");
            ok(&["plugin", "new", "my-guest", "--kind", kind, "--lang", language, "--dir", &dir]);
            let says: Value =
                serde_json::from_str(&std::fs::read_to_string(Path::new(&dir).join("huiyin-plugin.json")).unwrap())
                    .unwrap();
            assert_eq!((says["language"].as_str(), says["kind"].as_str()), (Some(language), Some(*kind)));
            let source = std::fs::read_to_string(Path::new(&dir).join(says["main"].as_str().unwrap())).unwrap();
            assert!(source.contains("my-guest") && !source.contains("{{"), "{source}");
            assert!(Path::new(&dir).join(".huiyin/sdk").join(language).exists());
            std::fs::remove_dir_all(&dir).unwrap();
        }
    }
    refused(&["plugin", "new", "a", "--kind", "collector", "--lang", "python"], 2, "no way to the network");
    refused(&["plugin", "new", "a", "--kind", "step", "--dir", &at("none/here")], 2, "there is no such folder");
    std::os::unix::fs::symlink("nowhere", at("link")).unwrap();
    refused(&["plugin", "new", "a", "--kind", "step", "--dir", &at("link")], 2, "there is something already");
    assert_eq!(code(&huiyin(&["plugin", "new", "a", "--kind", "poet"])), 2);
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(left.len(), 6, "{left:?}");
}
