//! `huiyin binding` and `huiyin canary` against a host as a process.

// Clippy's settings for tests do not reach helper functions of integration tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(missing_docs)]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};

struct Host(Child);

impl Host {
    fn start(config: &Path, data: &Path) -> Host {
        let mut child = Command::new(env!("CARGO_BIN_EXE_huiyin"))
            .args(["serve", "--listen", "127.0.0.1:0", "--config"])
            .arg(config)
            .arg("--data")
            .arg(data)
            .env("HUIYIN_LOG", "error")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while !line.starts_with("ready ") {
            line.clear();
            assert!(said.read_line(&mut line).unwrap() > 0, "the host ended before it was ready");
        }
        Host(child)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn huiyin(args: &[&str], data: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_huiyin")).args(args).arg("--data").arg(data).output().unwrap()
}

/// What a command gives as JSON.
fn json_of(args: &[&str], data: &Path) -> Value {
    let mut all = args.to_vec();
    all.extend(["--output", "json"]);
    let done = huiyin(&all, data);
    assert_eq!(done.status.code(), Some(0), "{args:?}: {}", String::from_utf8_lossy(&done.stderr));
    serde_json::from_slice(&done.stdout).unwrap()
}

/// The exit code and the words of a command that is refused.
fn refused(args: &[&str], data: &Path) -> (i32, String) {
    let done = huiyin(args, data);
    assert!(done.stdout.is_empty(), "{}", String::from_utf8_lossy(&done.stdout));
    (done.status.code().unwrap(), String::from_utf8_lossy(&done.stderr).into_owned())
}

fn text_of(args: &[&str], data: &Path) -> String {
    let done = huiyin(args, data);
    assert_eq!(done.status.code(), Some(0), "{args:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8_lossy(&done.stdout).into_owned()
}

/// An item comes in over HTTP; what people read of its case is in their words, names and hours.
#[test]
fn desk_11_and_13_people_read_cases_in_their_own_words() {
    let folder = tempfile::tempdir().unwrap();
    let workflows = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../workflows");
    let pack = workflows.join("policy/linhai.json");
    let config = folder.path().join("huiyin.json");
    std::fs::write(&config, json!({"policy": pack}).to_string()).unwrap();
    let data = folder.path().join("data");
    let _host = Host::start(&config, &data);
    let found: Value = serde_json::from_str(&std::fs::read_to_string(data.join("host.json")).unwrap()).unwrap();
    let token = std::fs::read_to_string(data.join("api-token")).unwrap();
    let items = json!({"items": [{
        "id": "1", "title": "后山山火,两人死亡", "body": "学生被困,火势很大。", "url": "http://board.example/1",
        "fields": {"asker": "a1"},
    }]});
    let answer = ureq::post(format!("{}/v1/units/qingfeng/items", found["url"].as_str().unwrap()))
        .header("authorization", format!("Bearer {}", token.trim()))
        .header("huiyin-actor", "person:xu-ming")
        .header("content-type", "application/json")
        .send(items.to_string())
        .unwrap()
        .body_mut()
        .read_to_string()
        .unwrap();
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!((&answer["items"][0]["id"], &answer["items"][0]["outcome"]), (&json!("1"), &json!("taken")), "{answer}");
    let number = answer["items"][0]["case"].as_str().unwrap();

    let listed = text_of(&["case", "list"], &data);
    for said in ["办件", "Ⅱ重大(橙)", "已立案", "青枫县林业和草原局", "剩 ", "后山山火,两人死亡"]
    {
        assert!(listed.contains(said), "{said} in {listed}");
    }
    assert!(!listed.contains("orange") && !listed.contains("opened"), "{listed}");
    let shown = text_of(&["case", "show", number], &data);
    for said in [
        "责任单位 青枫县林业和草原局(qingfeng)",
        "Asia/Shanghai",
        "重大舆情一小时快报",
        "后山山火,两人死亡",
        "学生被困,火势很大。",
        "http://board.example/1",
        "a1  未答复",
        "研判底线(risk-level:0.1.0)",
        "待告知  许明(虚构)(值班,青枫县林业和草原局(qingfeng))",
        "  立案",
    ] {
        assert!(shown.contains(said), "{said} in {shown}");
    }
    let whole = json_of(&["case", "show", number], &data);
    let opened: jiff::Timestamp = whole["times"]["opened"].as_str().unwrap().parse().unwrap();
    assert!(whole["times"]["opened"].as_str().unwrap().ends_with('Z'), "JSON has UTC");
    let local =
        jiff::tz::TimeZone::get("Asia/Shanghai").unwrap().to_datetime(opened).strftime("%Y-%m-%d %H:%M:%S").to_string();
    assert!(shown.contains(&format!("立案 {local}")), "{local} in {shown}");

    // Nothing waits; an item that is not there cannot be assessed.
    assert_eq!(json_of(&["item", "list", "--unjudged"], &data)["items"], json!([]));
    let absent = refused(&["item", "assess", "x", "--level", "III", "--reason", "r"], &data);
    assert!(absent.0 == 2 && absent.1.contains("`huiyin item list --unjudged`"), "{absent:?}");

    // The pack in force, and what another would change for the case.
    assert_eq!(json_of(&["policy", "show"], &data)["pack"]["name"], "linhai-forestry");
    assert!(text_of(&["policy", "show"], &data).contains("许明(虚构)"));
    let mut new: Value = serde_json::from_str(&std::fs::read_to_string(&pack).unwrap()).unwrap();
    new["version"] = json!("9.0.0");
    let at = new["clocks"].as_array().unwrap().iter().position(|clock| clock["allowance"] == "PT1H").unwrap();
    new["clocks"][at]["allowance"] = json!("PT50M");
    let file = folder.path().join("new.json");
    std::fs::write(&file, new.to_string()).unwrap();
    let (old, file) = (pack.display().to_string(), file.display().to_string());
    let said = text_of(&["policy", "diff", &old, &file], &data);
    assert!(said.contains("PT1H → PT50M") && said.contains(&format!("open cases (1): {number}")), "{said}");
}

#[test]
fn slots_are_bound_tried_and_handed_back_on_a_running_host() {
    let folder = tempfile::tempdir().unwrap();
    let workflows = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../workflows");
    let config = folder.path().join("huiyin.json");
    let assess = json!({"file": workflows.join("assess.json"), "units": ["*"]});
    let text = json!({"policy": workflows.join("policy/linhai.json"), "workflows": [assess]});
    std::fs::write(&config, text.to_string()).unwrap();
    let rules = folder.path().join("rules.json").display().to_string();
    let rule = json!({"rules": [{"name": "fire", "when": "山火", "level": "I"}]});
    std::fs::write(&rules, rule.to_string()).unwrap();
    let data = folder.path().join("data");
    let _host = Host::start(&config, &data);

    let slot = |unit: &str| {
        let all = json_of(&["binding", "list", "--unit", unit], &data);
        all["bindings"].as_array().unwrap().iter().find(|row| row["slot"] == "classify").cloned().unwrap()
    };
    let own = slot("qingfeng");
    assert_eq!((&own["plugin"], &own["from"]), (&json!("risk-level:0.1.0"), &json!("workflow")));
    let which = ["assess", "classify"];
    let with = |deed: &[&'static str], rest: &[&'static str]| {
        let mut all = deed.to_vec();
        all.extend(which);
        all.extend(rest);
        all
    };

    let mut set =
        with(&["binding", "set"], &["keyword:0.1.0", "--unit", "qingfeng", "--reason", "fires", "--as", "xu-ming"]);
    set.extend(["--config", &rules]);
    let bound = json_of(&set, &data);
    assert_eq!(
        (&bound["bindings"][0]["plugin"], &bound["bindings"][0]["changed"]),
        (&json!("keyword:0.1.0"), &json!(true))
    );
    let chosen = slot("qingfeng");
    assert_eq!((&chosen["chosen"]["by"], &chosen["chosen"]["reason"]), (&json!("person:xu-ming"), &json!("fires")));
    assert_eq!(slot("cuihu")["plugin"], "risk-level:0.1.0", "another unit's slot is its own");
    let listed = huiyin(&["binding", "list"], &data);
    assert!(String::from_utf8_lossy(&listed.stdout).contains("person:xu-ming: fires"));

    let mute = refused(&with(&["binding", "set"], &["keyword:0.1.0", "--unit", "qingfeng"]), &data);
    assert!(mute.0 == 2 && mute.1.contains("--reason"), "{mute:?}");
    let absent = refused(&with(&["binding", "set"], &["keyword:9.0.0", "--unit", "qingfeng", "--reason", "x"]), &data);
    assert!(absent.0 == 2 && absent.1.contains("`keyword:9.0.0` is not installed"), "{absent:?}");
    let nothing = refused(&with(&["binding", "lift"], &["--unit", "qingfeng", "--reason", "x"]), &data);
    assert!(nothing.0 == 1 && nothing.1.contains("nothing of slot `classify` is set aside"), "{nothing:?}");

    json_of(&with(&["canary", "start"], &["risk-level:0.1.0", "--unit", "qingfeng", "--reason", "beside"]), &data);
    let shown = huiyin(&with(&["canary", "show"], &["--unit", "qingfeng"]), &data);
    assert_eq!(shown.status.code(), Some(0), "{}", String::from_utf8_lossy(&shown.stderr));
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.contains("risk-level:0.1.0 beside keyword:0.1.0") && shown.contains("0 calls"), "{shown}");
    json_of(&with(&["canary", "drop"], &["--unit", "qingfeng", "--reason", "enough"]), &data);
    let gone = refused(&with(&["canary", "promote"], &["--unit", "qingfeng", "--reason", "x"]), &data);
    assert!(gone.0 == 2 && gone.1.contains("has no canary"), "{gone:?}");

    let reset = json_of(&with(&["binding", "reset"], &["--unit", "qingfeng", "--reason", "tried enough"]), &data);
    assert_eq!(reset["bindings"][0]["plugin"], "risk-level:0.1.0");
}
