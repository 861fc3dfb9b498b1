//! The command line as scripts see it: exit codes, stdout, stderr.

// Clippy's settings for tests do not reach helper functions of integration tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(missing_docs)]

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn huiyin(args: &[&str]) -> Output {
    huiyin_with(args, "")
}

fn huiyin_with(args: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_huiyin"))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

const HELLO: &str = r#"{
  "document": {"dsl": "1.0.3", "namespace": "tests", "name": "hello", "version": "1.0.0"},
  "do": [{"greet": {"set": {"hello": "${ .name }"}}}]
}"#;

const FAULT: &str = r#"{
  "document": {"dsl": "1.0.3", "namespace": "tests", "name": "fault", "version": "1.0.0"},
  "do": [{"fail": {"raise": {"error": {"type": "https://example.org/errors/storm", "status": 503, "title": "storm"}}}}]
}"#;

fn write(folder: &Path, name: &str, text: &str) -> String {
    let file = folder.join(name);
    std::fs::write(&file, text).unwrap();
    file.display().to_string()
}

#[test]
fn cron_prints_one_time_a_line() {
    let ran = huiyin(&[
        "cron",
        "next",
        "0 8 * * 1-5",
        "--tz",
        "Asia/Shanghai",
        "--after",
        "2024-03-01T00:00:00+08:00",
        "-n",
        "3",
    ]);
    assert_eq!(code(&ran), 0);
    assert_eq!(out(&ran), "2024-03-01T08:00:00+08:00\n2024-03-04T08:00:00+08:00\n2024-03-05T08:00:00+08:00\n");
    let utc = huiyin(&["cron", "next", "@daily", "--tz", "UTC", "--after", "2024-02-28T12:00:00Z", "--output", "json"]);
    let value: Value = serde_json::from_str(&out(&utc)).unwrap();
    assert_eq!(value["times"][0], "2024-02-29T00:00:00Z");
}

#[test]
fn a_wrong_cron_expression_is_usage_and_an_endless_one_fails() {
    let wrong = huiyin(&["cron", "next", "61 * * * *"]);
    assert_eq!((code(&wrong), out(&wrong).as_str()), (2, ""));
    assert!(err(&wrong).contains("minute"), "{}", err(&wrong));
    let never = huiyin(&["cron", "next", "0 0 31 2 *"]);
    assert_eq!((code(&never), out(&never).as_str()), (1, ""));
}

#[test]
fn a_due_time_says_when_it_is_provisional() {
    let known = huiyin(&["deadline", "due", "--start", "2024-09-30T16:00:00+08:00", "--allow", "2wd"]);
    assert_eq!((code(&known), out(&known).as_str()), (0, "2024-10-10T00:00:00+08:00\n"));
    let unknown = huiyin(&["deadline", "due", "--start", "2090-03-01", "--allow", "1wd"]);
    assert_eq!((code(&unknown), out(&unknown).as_str()), (0, "2090-03-03T00:00:00+08:00 provisional\n"));
    // The notice for 2027 may still name days of this December.
    let december =
        huiyin(&["deadline", "due", "--start", "2026-12-30T10:00:00+08:00", "--allow", "1wd", "--calendar", "cn"]);
    assert_eq!((code(&december), out(&december).as_str()), (0, "2027-01-01T00:00:00+08:00 provisional\n"));
    let elapsed = huiyin(&["deadline", "due", "--start", "2024-03-01T00:00:00Z", "--allow", "PT1H", "--tz", "UTC"]);
    assert_eq!(out(&elapsed), "2024-03-01T01:00:00Z\n");
}

#[test]
fn a_time_or_calendar_that_is_none_is_refused_with_a_hint() {
    for args in [
        ["deadline", "due", "--start", "soon", "--allow", "PT1H"].as_slice(),
        &["deadline", "due", "--start", "2024-03-01", "--allow", "P1M"],
        &["deadline", "due", "--start", "2024-03-01", "--allow", "2wd", "--calendar", "nowhere"],
        &["cron", "next", "@daily", "--tz", "Mars/Olympus"],
    ] {
        let ran = huiyin(args);
        assert_eq!((code(&ran), out(&ran).as_str()), (2, ""), "{args:?}");
        assert!(!err(&ran).is_empty());
    }
}

#[test]
fn audit_check_tells_good_bad_and_malformed_apart() {
    let folder = tempfile::tempdir().unwrap();
    let leaf = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    let good = write(
        folder.path(),
        "good.json",
        &format!(r#"{{"leafIdx": 0, "treeSize": 1, "root": "{leaf}", "leafHash": "{leaf}", "proof": null}}"#),
    );
    let bad = write(
        folder.path(),
        "bad.json",
        &format!(r#"{{"leafIdx": 1, "treeSize": 1, "root": "{leaf}", "leafHash": "{leaf}", "proof": null}}"#),
    );
    let not = write(folder.path(), "not.json", "[1");
    assert_eq!(code(&huiyin(&["audit", "check", &good])), 0);
    assert_eq!(code(&huiyin(&["audit", "check", &good, &bad])), 1);
    let all = huiyin(&["audit", "check", &bad, &not, &good, "--output", "json"]);
    assert_eq!(code(&all), 2);
    let value: Value = serde_json::from_str(&out(&all)).unwrap();
    assert_eq!(
        [&value[0]["verdict"], &value[1]["verdict"], &value[2]["verdict"]],
        ["does-not-hold", "malformed", "holds"]
    );
    assert_eq!(code(&huiyin(&["audit", "check", "/nowhere.json"])), 2);
}

#[test]
fn usage_is_two_and_help_has_an_example() {
    assert_eq!(code(&huiyin(&[])), 2);
    assert_eq!(code(&huiyin(&["fly"])), 2);
    for command in [
        ["cron", "next"].as_slice(),
        &["deadline", "due"],
        &["audit", "check"],
        &["audit", "verify"],
        &["audit", "prove"],
        &["run"],
        &["serve"],
        &["demo"],
        &["workflow", "validate"],
        &["plugin", "build"],
        &["plugin", "inspect"],
        &["plugin", "run"],
        &["plugin", "install"],
        &["case", "list"],
        &["case", "show"],
        &["item", "list"],
        &["item", "assess"],
        &["policy", "validate"],
        &["policy", "show"],
        &["policy", "diff"],
        &["source", "list"],
        &["completions"],
    ] {
        let ran = huiyin(&[command, &["--help"]].concat());
        assert_eq!(code(&ran), 0, "{command:?}");
        assert!(out(&ran).contains("Example:\n"), "{command:?}: {}", out(&ran));
    }
}

#[test]
fn redesign_e_a_pack_is_validated_with_pointer_line_and_column() {
    let folder = tempfile::tempdir().unwrap();
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../workflows/policy/linhai.json");
    let sample = sample.display().to_string();
    let ran = huiyin(&["policy", "validate", &sample]);
    assert_eq!(code(&ran), 0, "{}", err(&ran));
    assert!(out(&ran).contains("有效 valid: linhai-forestry:"), "{}", out(&ran));
    let text = std::fs::read_to_string(&sample).unwrap();
    let wrong = write(folder.path(), "wrong.json", &text.replacen("\"time_zone\"", "\"time_zoen\"", 1));
    let ran = huiyin(&["policy", "validate", &sample, &wrong, "--output", "json"]);
    assert_eq!(code(&ran), 2);
    assert!(err(&ran).contains("wrong.json:9:") && err(&ran).contains("(at /time_zoen)"), "{}", err(&ran));
    let value: Value = serde_json::from_str(&out(&ran)).unwrap();
    assert_eq!(value["packs"].as_array().unwrap().len(), 1, "the other one is good");
    let same = huiyin(&["policy", "diff", &sample, &sample, "--data", &folder.path().display().to_string()]);
    assert_eq!((code(&same), out(&same).contains("相同")), (0, true), "{}", err(&same));
}

#[test]
fn completions_are_printed_for_shells() {
    for shell in ["bash", "zsh", "fish"] {
        assert!(out(&huiyin(&["completions", shell])).contains("huiyin"), "{shell}");
    }
}

#[test]
fn a_run_gives_its_output_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let hello = write(folder.path(), "hello.json", HELLO);
    let ran = huiyin_with(&["run", &hello, "--input", "-"], r#"{"name": "林海"}"#);
    assert_eq!(code(&ran), 0, "{}", err(&ran));
    assert_eq!(serde_json::from_str::<Value>(&out(&ran)).unwrap(), serde_json::json!({"hello": "林海"}));
}

#[test]
fn a_faulted_run_puts_its_problem_on_stderr() {
    let folder = tempfile::tempdir().unwrap();
    let fault = write(folder.path(), "fault.json", FAULT);
    let ran = huiyin(&["run", &fault]);
    assert_eq!((code(&ran), out(&ran).as_str()), (1, ""));
    let problem: Value = serde_json::from_str(&err(&ran)).unwrap();
    assert_eq!((&problem["type"], &problem["status"]), (&"https://example.org/errors/storm".into(), &503.into()));
}

#[test]
fn an_invalid_workflow_gives_every_diagnostic_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let text = HELLO.replace("\"set\"", "\"sett\"").replace("\"version\"", "\"verzion\"");
    let wrong = write(folder.path(), "wrong.json", &text);
    let ran = huiyin(&["run", &wrong]);
    assert_eq!((code(&ran), out(&ran).as_str()), (2, ""));
    assert!(err(&ran).lines().count() >= 2 && err(&ran).lines().all(|line| line.starts_with(&wrong)), "{}", err(&ran));

    let hello = write(folder.path(), "hello.json", HELLO);
    let checked = huiyin(&["workflow", "validate", &hello, &wrong, "--output", "json"]);
    assert_eq!(code(&checked), 2);
    let value: Value = serde_json::from_str(&out(&checked)).unwrap();
    assert_eq!((&value[0]["valid"], &value[1]["valid"]), (&true.into(), &false.into()));
    assert!(value[1]["diagnostics"][0]["line"].is_u64() && value[1]["diagnostics"][0]["pointer"].is_string());
    assert_eq!(code(&huiyin(&["workflow", "validate", &hello])), 0);
}

#[test]
fn input_that_is_not_json_is_refused_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let hello = write(folder.path(), "hello.json", HELLO);
    let ran = huiyin_with(&["run", &hello, "--input", "-"], "{\n  oops");
    assert_eq!((code(&ran), out(&ran).as_str()), (2, ""));
    assert!(err(&ran).contains("stdin:2:"), "{}", err(&ran));
}

#[test]
fn where_no_host_or_store_is_the_code_is_three() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().display().to_string();
    for args in [["case", "list"], ["source", "list"], ["audit", "verify"], ["audit", "prove"]] {
        let more: &[&str] = if args[1] == "prove" { &["0"] } else { &[] };
        let ran = huiyin(&[&args, more, &["--data", &data]].concat());
        assert_eq!((code(&ran), out(&ran).as_str()), (3, ""), "{args:?}: {}", err(&ran));
    }
}

#[test]
fn what_is_no_plugin_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "x.wasm", "not wasm at all");
    let data = folder.path().display().to_string();
    for args in [
        ["plugin", "inspect", &file].as_slice(),
        &["plugin", "run", &file],
        &["plugin", "install", &file, "--data", &data],
    ] {
        let ran = huiyin(args);
        assert_eq!((code(&ran), out(&ran).as_str()), (2, ""), "{args:?}: {}", err(&ran));
        assert!(err(&ran).contains("x.wasm"), "{}", err(&ran));
    }
    assert_eq!(code(&huiyin(&["plugin", "build", &data])), 2);
}
