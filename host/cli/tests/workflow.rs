//! `huiyin workflow` as authors and admins see it: findings, pictures, tests,
//! schemas, and deploying to a host that runs.

// Clippy's settings for tests do not reach helper functions of integration tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(missing_docs)]

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

fn huiyin(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_huiyin")).args(args).output().unwrap()
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

fn parsed(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {}{}", out(output), err(output)))
}

fn write(folder: &Path, name: &str, text: &str) -> String {
    let file = folder.join(name);
    std::fs::write(&file, text).unwrap();
    file.display().to_string()
}

fn project(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// A workflow that needs no plugin: natively evaluated expressions at most.
fn workflow(name: &str, version: &str, body: Value) -> String {
    let mut all = json!({"document": {"dsl": "1.0.3", "namespace": "tests", "name": name, "version": version}});
    for (key, value) in body.as_object().unwrap() {
        all[key] = value.clone();
    }
    serde_json::to_string_pretty(&all).unwrap()
}

fn hello(version: &str, says: &str) -> String {
    workflow("hello", version, json!({"do": [{"greet": {"set": {"hello": says}}}]}))
}

#[test]
fn warnings_are_told_and_denied_only_when_asked() {
    let folder = tempfile::tempdir().unwrap();
    let odd = write(
        folder.path(),
        "odd.json",
        &workflow("odd", "1.0.0", json!({"do": [{"a": {"set": {"x": 1}, "then": "end"}}, {"b": {"set": {"x": 2}}}]})),
    );
    let fine = write(folder.path(), "fine.json", &hello("1.0.0", "you"));
    let ran = huiyin(&["workflow", "validate", &odd, &fine]);
    assert_eq!(code(&ran), 0, "{}", err(&ran));
    let said = out(&ran);
    assert!(said.contains("warning: the task `b` is never reached (at /do/1/b)"), "{said}");
    assert!(said.contains("odd.json: valid, with 1 warning\n") && said.contains("fine.json: valid\n"), "{said}");
    assert_eq!(code(&huiyin(&["workflow", "validate", "--deny-warnings", &odd])), 1);
    assert_eq!(code(&huiyin(&["workflow", "validate", "--deny-warnings", &fine])), 0);
    let value = parsed(&huiyin(&["workflow", "validate", &odd, "--output", "json"]));
    let finding = &value[0]["diagnostics"][0];
    assert_eq!((&value[0]["valid"], &finding["severity"]), (&json!(true), &json!("warning")));
    assert!(finding["line"].as_u64().unwrap() > 1 && finding["hint"].is_string(), "{finding}");
}

#[test]
fn every_error_comes_at_once_with_its_place_and_a_hint() {
    let folder = tempfile::tempdir().unwrap();
    let text = "{\n  \"document\": {\"dsl\": \"1.0.3\", \"namespace\": \"tests\", \"name\": \"x\", \"verzion\": \"1.0.0\"},\n  \"do\": [\n    {\"a\": {\"sett\": {}}},\n    {\"b\": {\"wait\": \"soon\"}},\n    {\"c\": {\"set\": {\"x\": 1}, \"then\": \"d\"}}\n  ]\n}";
    let wrong = write(folder.path(), "wrong.json", text);
    let ran = huiyin(&["workflow", "validate", &wrong, "--output", "json"]);
    assert_eq!(code(&ran), 2);
    let value = parsed(&ran);
    let found = value[0]["diagnostics"].as_array().unwrap();
    let lines: Vec<u64> = found.iter().map(|d| d["line"].as_u64().unwrap()).collect();
    assert!(lines.is_sorted() && [2, 4, 5, 6].iter().all(|line| lines.contains(line)), "{found:#?}");
    let hints: Vec<&str> = found.iter().filter_map(|d| d["hint"].as_str()).collect();
    assert!(hints.contains(&"did you mean `version`?") && hints.contains(&"did you mean `set`?"), "{hints:?}");
    let text = huiyin(&["workflow", "validate", &wrong]);
    assert!(out(&text).contains("not valid: "), "{}", out(&text));
}

#[test]
fn the_carried_workflows_are_valid_without_a_warning() {
    let files: Vec<String> =
        ["assess", "notify"].map(|name| project(&format!("workflows/{name}.json")).display().to_string()).to_vec();
    let args: Vec<&str> =
        ["workflow", "validate", "--deny-warnings"].into_iter().chain(files.iter().map(String::as_str)).collect();
    let ran = huiyin(&args);
    assert_eq!(code(&ran), 0, "{}{}", out(&ran), err(&ran));
}

#[test]
fn pictures_are_the_same_every_time_and_hold_no_markup_of_others() {
    let folder = tempfile::tempdir().unwrap();
    let evil = "\"]; click x \"javascript:alert(1)\" <script>alert(1)</script> %%{init: {}}%% `&\u{202e}";
    let text = workflow(
        "evil",
        "1.0.0",
        json!({"do": [
            {evil: {"set": {evil: 1}, "then": "last"}},
            {"fork": {"fork": {"branches": [{evil: {"wait": "PT1S"}}, {"b": {"wait": "PT2S"}}]}}},
            {"last": {"switch": [{evil: {"when": ".x == \"<script>\"", "then": "fork"}}, {"rest": {"then": "end"}}]}}
        ]}),
    );
    let file = write(folder.path(), "evil.json", &text);
    let draw = |form: &str| {
        let ran = huiyin(&["workflow", "diagram", &file, "--format", form]);
        assert_eq!(code(&ran), 0, "{}", err(&ran));
        out(&ran)
    };
    let (mermaid, svg) = (draw("mermaid"), draw("svg"));
    assert_eq!((&mermaid, &svg), (&draw("mermaid"), &draw("svg")), "the same document gives the same picture");
    assert!(mermaid.starts_with("flowchart TD\n"), "{mermaid}");
    for picture in [&mermaid, &svg] {
        assert!(!picture.contains("<script") && !picture.contains('\u{202e}'), "{picture}");
    }
    assert!(!mermaid.contains("%%{") && !mermaid.contains("\"]; click") && !mermaid.contains('`'), "{mermaid}");
    assert!(svg.contains("&lt;script&gt;") && svg.trim_end().ends_with("</svg>"), "{svg}");
    let broken = write(folder.path(), "broken.json", "{");
    assert_eq!(code(&huiyin(&["workflow", "diagram", &broken])), 2);
}

#[test]
fn schemas_are_printed() {
    let schema = parsed(&huiyin(&["workflow", "schema"]));
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert!(schema["$defs"]["task-set"].is_object());
    let names = schema["$defs"]["task-callFunction"]["properties"]["call"]["examples"].to_string();
    assert!(names.contains("open-case:1.0.0@default"), "{names}");
    let tests = parsed(&huiyin(&["workflow", "schema", "--of", "test"]));
    assert!(tests["properties"]["cases"].is_object());
}

#[test]
fn the_carried_workflows_pass_their_tests() {
    let ran = Command::new(env!("CARGO_BIN_EXE_huiyin"))
        .args(["workflow", "test"])
        .current_dir(project("workflows"))
        .output()
        .unwrap();
    assert_eq!(code(&ran), 0, "{}{}", out(&ran), err(&ran));
    for file in
        ["all-tasks.test.json", "assess.test.json", "notify.test.json", "monitor.test.json", "source-watch.test.json"]
    {
        assert!(out(&ran).contains(&format!("{file}\n")), "{}", out(&ran));
    }
}

#[test]
fn a_test_tells_what_differs_and_which_call_has_no_answer() {
    let folder = tempfile::tempdir().unwrap();
    let list = json!([
        {"first": {"call": "made-up:1.0.0@default", "with": {"n": 1}}},
        {"pause": {"wait": "PT1H"}},
        {"last": {"set": {"got": "${ .n }", "more": true}}}
    ]);
    write(folder.path(), "flow.json", &workflow("flow", "1.0.0", json!({"do": list})));
    let stub = json!({"function": "made-up:1.0.0", "answer": {"output": {"n": 2}}});
    let case = |name: &str, expect: Value| json!({"name": name, "calls": [stub], "expect": expect});
    let good = case(
        "good",
        json!({"output": {"got": 2, "more": true}, "elapsed": "PT1H", "path": ["first", "pause", "last"]}),
    );
    let bad = case(
        "bad",
        json!({"output": {"got": 3}, "elapsed": "PT2H", "path": ["first", "last"], "calls": [{"task": "other"}]}),
    );
    let unanswered = json!({"name": "unanswered", "calls": [{"function": "made-up:1.0.0", "with": {"n": 9}, "answer": {"output": 1}}], "expect": {"output": 1}});
    let test = |cases: Value| {
        let file = write(folder.path(), "flow.test.json", &json!({"cases": cases}).to_string());
        huiyin(&["workflow", "test", &file])
    };
    let ran = test(json!([good]));
    assert_eq!(code(&ran), 0, "{}{}", out(&ran), err(&ran));
    let ran = test(json!([good, bad, unanswered]));
    assert_eq!(code(&ran), 1);
    let said = out(&ran);
    for words in [
        "ok    good",
        "FAIL  bad",
        "output/got: expected 3, is 2",
        "output/more: not expected, is true",
        "+ pause",
        "elapsed: expected PT2H, is PT1H",
        "- task other",
        "FAIL  unanswered",
        "the call of `first` has no answer: no stub in `calls` takes it",
        "add to `calls`: {\"function\":\"made-up:1.0.0\"",
        "3 cases in 1 file: 2 failed",
    ] {
        assert!(said.contains(words), "{words}:\n{said}");
    }
    let slip = json!([{"name": "x", "expects": {}}]);
    let ran = test(slip);
    assert_eq!(code(&ran), 2);
    assert!(out(&ran).contains("flow.test.json:1:") && out(&ran).contains("/cases/0"), "{}", out(&ran));
    let nothing = test(json!([{"name": "x", "expect": {}}]));
    assert_eq!(code(&nothing), 2, "a case that expects nothing shows nothing");
}

#[test]
fn without_files_a_test_looks_below_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let empty = Command::new(env!("CARGO_BIN_EXE_huiyin"))
        .args(["workflow", "test"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert_eq!(code(&empty), 2);
    let below = folder.path().join("a/b");
    std::fs::create_dir_all(&below).unwrap();
    write(&below, "hello.json", &hello("1.0.0", "you"));
    write(
        &below,
        "hello.test.json",
        &json!({"cases": [{"name": "greets", "expect": {"output": {"hello": "you"}}}]}).to_string(),
    );
    let ran = Command::new(env!("CARGO_BIN_EXE_huiyin"))
        .args(["workflow", "test", "--output", "json"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert_eq!(code(&ran), 0, "{}", err(&ran));
    assert_eq!(parsed(&ran)[0]["file"], "a/b/hello.test.json");
    assert_eq!(parsed(&ran)[0]["cases"][0]["passed"], true);
}

#[test]
fn help_has_an_example() {
    for command in ["validate", "diagram", "test", "deploy", "withdraw", "list", "show", "schema"] {
        let ran = huiyin(&["workflow", command, "--help"]);
        assert_eq!(code(&ran), 0, "{command}");
        assert!(out(&ran).contains("Example:\n"), "{command}: {}", out(&ran));
    }
}

struct Host {
    child: Child,
    url: String,
    data: String,
}

impl Host {
    fn start(data: &Path, config: &Path) -> Host {
        let mut child = Command::new(env!("CARGO_BIN_EXE_huiyin"))
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .arg("--config")
            .arg(config)
            .env("HUIYIN_LOG", "error")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let (mut line, mut all) = (String::new(), String::new());
        while !line.starts_with("ready ") {
            line.clear();
            assert!(said.read_line(&mut line).unwrap() > 0, "the host ended before it was ready: {all}");
            all.push_str(&line);
        }
        std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
        let url = line.split_whitespace().nth(1).unwrap().to_owned();
        Host { child, url, data: data.display().to_string() }
    }

    fn stop(mut self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
    }

    fn ask(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let token = std::fs::read_to_string(Path::new(&self.data).join("api-token")).unwrap();
        let (url, bearer) = (format!("{}{path}", self.url), format!("Bearer {}", token.trim()));
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
        let mut answer = match (method, body) {
            ("POST", Some(body)) => agent
                .post(url)
                .header("authorization", bearer)
                .header("content-type", "application/json")
                .send(body.to_string())
                .unwrap(),
            _ => agent.get(url).header("authorization", bearer).call().unwrap(),
        };
        let status = answer.status().as_u16();
        (status, serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap_or_default())
    }

    fn run(&self, workflow: &str, wait: bool) -> Value {
        let (status, run) =
            self.ask("POST", "/v1/runs", Some(json!({"workflow": workflow, "input": {}, "wait": wait})));
        assert!(matches!(status, 200 | 202), "{run}");
        run
    }

    fn rows(&self) -> Vec<Value> {
        self.ask("GET", "/v1/workflows", None).1["workflows"].as_array().unwrap().clone()
    }

    fn deploy(&self, files: &[&str]) -> Output {
        huiyin(&[&["workflow", "deploy", "--data", &self.data, "--as", "admin:li.min"], files].concat())
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Version and state of every row of a workflow.
fn versions(rows: &[Value], name: &str) -> Vec<(String, bool, u64)> {
    rows.iter()
        .filter(|row| row["name"] == name)
        .map(|row| {
            (row["version"].as_str().unwrap().to_owned(), row["active"] == true, row["running"].as_u64().unwrap())
        })
        .collect()
}

fn long(version: &str) -> String {
    let list = json!([{"wait": {"wait": {"seconds": 30}}}, {"say": {"set": {"version": version}}}]);
    workflow("long", version, json!({"do": list}))
}

#[test]
fn a_deployed_version_stands_beside_running_old_ones_and_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    write(folder.path(), "hello.json", &hello("1.0.0", "configured"));
    let config = json!({"partitions": 2, "workflows": [{"file": "hello.json", "units": []}]});
    let config = PathBuf::from(write(folder.path(), "huiyin.json", &config.to_string()));
    let host = Host::start(&data, &config);

    let first = write(folder.path(), "long-1.json", &long("1.0.0"));
    let ran = host.deploy(&[&first]);
    assert_eq!((code(&ran), out(&ran).as_str()), (0, "tests/long 1.0.0: in force\n"), "{}", err(&ran));
    assert_eq!(out(&host.deploy(&[&first])), "tests/long 1.0.0: in force already\n");
    let old = host.run("tests/long", false)["run"].as_str().unwrap().to_owned();

    // One bad file among good ones: nothing changes, and all of it is told.
    let second = write(folder.path(), "long-2.json", &long("2.0.0"));
    let bad =
        write(folder.path(), "bad.json", &hello("2.0.0", "x").replace("\"set\"", "\"sett\"").replace("dsl", "dls"));
    let before = host.rows();
    let refused = host.deploy(&[&second, &bad]);
    assert_eq!(code(&refused), 2);
    assert!(
        err(&refused).contains("did you mean `set`?") && err(&refused).contains("did you mean `dsl`?"),
        "{}",
        err(&refused)
    );
    assert_eq!(host.rows(), before);
    // Nor under a version that has other content already, nor for a unit that is none.
    let changed = write(folder.path(), "changed.json", &long("1.0.0").replace("say", "tell"));
    let refused = host.deploy(&[&second, &changed]);
    assert_eq!(code(&refused), 1, "{}", err(&refused));
    assert!(err(&refused).contains("raise `document.version`"), "{}", err(&refused));
    assert_eq!(code(&host.deploy(&[&second, "--unit", "nowhere"])), 2);
    assert_eq!(host.rows(), before);

    // The new version beside the old run; and a person's word over the configuration's.
    let person = write(folder.path(), "hello-2.json", &hello("2.0.0", "deployed"));
    let ran = host.deploy(&[&second, &person]);
    assert_eq!(code(&ran), 0, "{}", err(&ran));
    assert_eq!(host.run("tests/hello", true)["output"], json!({"hello": "deployed"}));
    let fresh = host.run("tests/long", false)["run"].as_str().unwrap().to_owned();
    assert_eq!(versions(&host.rows(), "tests/long"), [("2.0.0".into(), true, 1), ("1.0.0".into(), false, 1)]);
    let row = host.rows().into_iter().find(|row| row["name"] == "tests/long").unwrap();
    assert_eq!(row["by"], "admin:li.min");
    let listed = out(&huiyin(&["workflow", "list", "--data", &host.data]));
    assert!(listed.contains("in force") && listed.contains("ending") && listed.contains("admin:li.min"), "{listed}");
    let shown = huiyin(&["workflow", "show", "tests/long", "--data", &host.data]);
    assert_eq!(out(&shown).trim_end(), long("2.0.0"), "{}", err(&shown));
    let shown = huiyin(&["workflow", "show", "tests/long", "--version", "1.0.0", "--data", &host.data]);
    assert_eq!(out(&shown).trim_end(), long("1.0.0"), "{}", err(&shown));
    assert_eq!(code(&huiyin(&["workflow", "show", "tests/none", "--data", &host.data])), 2);

    // A restart keeps all of it, whatever the configuration does not name.
    host.stop();
    let host = Host::start(&data, &config);
    assert_eq!(versions(&host.rows(), "tests/long"), [("2.0.0".into(), true, 1), ("1.0.0".into(), false, 1)]);
    assert_eq!(host.run("tests/hello", true)["output"], json!({"hello": "deployed"}));
    let began = Instant::now();
    for (run, version) in [(&old, "1.0.0"), (&fresh, "2.0.0")] {
        loop {
            let (_, shown) = host.ask("GET", &format!("/v1/runs/{run}"), None);
            if shown["status"] == "completed" {
                assert_eq!(shown["output"], json!({"version": version}));
                break;
            }
            assert!(began.elapsed() < Duration::from_secs(120), "{shown}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    // The configuration's next text takes its place again.
    host.stop();
    write(folder.path(), "hello.json", &hello("3.0.0", "configured anew"));
    let host = Host::start(&data, &config);
    assert_eq!(host.run("tests/hello", true)["output"], json!({"hello": "configured anew"}));
    // And what a person withdraws is gone, now and later.
    let ran = huiyin(&["workflow", "withdraw", "tests/long", "--data", &host.data]);
    assert_eq!(code(&ran), 0, "{}", err(&ran));
    assert_eq!(versions(&host.rows(), "tests/long"), []);
    assert_eq!(host.ask("POST", "/v1/runs", Some(json!({"workflow": "tests/long"}))).0, 404);
    assert_eq!(code(&huiyin(&["workflow", "withdraw", "tests/long", "--data", &host.data])), 2);
    host.stop();
    let host = Host::start(&data, &config);
    assert_eq!(versions(&host.rows(), "tests/long"), []);
    let (status, schema) = host.ask("GET", "/v1/schemas/workflow.json", None);
    assert_eq!((status, &schema["$id"]), (200, &json!("urn:huiyin:schema:workflow:v1")));
    host.stop();
    let verified = huiyin(&["audit", "verify", "--data", &data.display().to_string()]);
    assert_eq!(code(&verified), 0, "{}{}", out(&verified), err(&verified));
}

#[test]
fn units_have_their_own_versions() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let config = json!({"policy": project("workflows/policy/linhai.json"), "partitions": 2});
    let config = PathBuf::from(write(folder.path(), "huiyin.json", &config.to_string()));
    let host = Host::start(&data, &config);
    let first = write(folder.path(), "hello-1.json", &hello("1.0.0", "one"));
    let second = write(folder.path(), "hello-2.json", &hello("2.0.0", "two"));
    let ran = host.deploy(&[&first, "--unit", "qingfeng", "--unit", "cuihu"]);
    assert_eq!(code(&ran), 0, "{}", err(&ran));
    assert_eq!(out(&ran), "tests/hello 1.0.0 for cuihu: in force\ntests/hello 1.0.0 for qingfeng: in force\n");
    let show = |more: &[&str]| {
        let shown = huiyin(&[&["workflow", "show", "tests/hello", "--data", &host.data], more].concat());
        (code(&shown), out(&shown).trim_end().to_owned())
    };
    assert_eq!(show(&[]), (0, hello("1.0.0", "one")), "both have the same text");
    assert_eq!(code(&host.deploy(&[&second, "--unit", "qingfeng"])), 0);
    assert_eq!(show(&[]).0, 2, "which of them is meant?");
    assert_eq!(show(&["--unit", "qingfeng"]), (0, hello("2.0.0", "two")));
    let run = |unit: &str| {
        let (_, run) = host.ask("POST", "/v1/runs", Some(json!({"workflow": "hello", "unit": unit, "wait": true})));
        run["output"]["hello"].clone()
    };
    assert_eq!((run("qingfeng"), run("cuihu")), (json!("two"), json!("one")));
    let gone = huiyin(&["workflow", "withdraw", "tests/hello", "--unit", "cuihu", "--data", &host.data]);
    assert_eq!(code(&gone), 0, "{}", err(&gone));
    assert_eq!((run("qingfeng"), run("cuihu")), (json!("two"), Value::Null));
    // A broken schedule is found before anything is in force.
    let odd = workflow("odd", "1.0.0", json!({"schedule": {"cron": "61 * * * *"}, "do": [{"a": {"set": {"x": 1}}}]}));
    let refused = host.deploy(&[&write(folder.path(), "odd.json", &odd), "--unit", "cuihu"]);
    assert_eq!(code(&refused), 2, "{}", err(&refused));
    assert!(err(&refused).contains("/schedule/cron") && err(&refused).contains("minute"), "{}", err(&refused));
    host.stop();
}
