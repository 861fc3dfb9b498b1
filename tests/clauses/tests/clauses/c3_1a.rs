//! 门户网站、论坛、微博、网络问政、热线电话、新闻跟帖、传统媒体.

use huiyin_clauses::{OFFICER, Office, UNIT};
use serde_json::json;

#[test]
fn the_coverage_report_names_the_kinds_of_channel_with_no_live_source_and_the_excuse_of_the_pack() {
    let office = Office::open();
    let items =
        json!({"source": "bbs", "items": [{"id": "1", "title": "论坛有人问路", "fields": {"channel": "论坛"}}]});
    let (status, taken) = office.post(&format!("/v1/units/{UNIT}/items"), OFFICER, &items);
    assert_eq!(status, 200, "{taken}");
    let page = office.get(&format!("/v1/coverage?unit={UNIT}"));
    let unit = &page["units"][0];
    let state = |kind: &str| {
        let channels = unit["channels"].as_array().unwrap();
        channels.iter().find(|channel| channel["channel"] == kind).unwrap()["state"].clone()
    };
    assert_eq!(unit["channels"].as_array().unwrap().len(), 7, "seven kinds");
    assert_eq!(state("forum"), "live");
    assert_eq!(state("print"), "excused");
    let missing: Vec<&str> =
        unit["missing"].as_array().unwrap().iter().map(|m| m["channel"].as_str().unwrap()).collect();
    assert_eq!(missing, ["portal", "microblog", "message-board", "hotline", "comments"]);
    // On paper, with the reason; and a unit with a source that sends but never did is down.
    let (code, out, err) = office.cli(&["coverage", "--unit", UNIT]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("免于覆盖") && out.contains("由市局统一监测") && out.contains("未覆盖"), "{out}");
    let city = office.get("/v1/coverage?unit=linhai");
    let hotline = city["units"][0]["missing"].as_array().unwrap().iter().find(|m| m["channel"] == "hotline").unwrap();
    assert_eq!(hotline["state"], "down");
}

#[test]
fn a_source_of_no_known_kind_is_refused_when_the_host_starts() {
    let office = Office::open();
    let wrong = json!({"policy": "pack.json", "sources": [{"name": "x", "unit": UNIT, "collector": "feed:0.1.0",
        "channel": "blog", "config": {"url": "http://127.0.0.1:1/"}, "schedule": {"every": "PT5M"}}]});
    let file = office.folder.path().join("wrong.json");
    std::fs::write(&file, wrong.to_string()).unwrap();
    let out = std::process::Command::new(huiyin_tests::host::program("huiyin"))
        .args(["serve", "--config"])
        .arg(&file)
        .arg("--data")
        .arg(office.folder.path().join("other"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.code(), Some(2), "{said}");
    assert!(said.contains("`blog` is no kind of channel") && said.contains("message-board"), "{said}");
}
