//! 监测预警机制.

use huiyin_clauses::{OFFICER, Office, UNIT};
use serde_json::{Value, json};

fn fires(office: &Office, from: usize, count: usize) {
    let items: Vec<Value> =
        (from..from + count).map(|n| json!({"id": n.to_string(), "title": format!("后山山火演练第 {n} 场")})).collect();
    let (status, taken) = office.post(&format!("/v1/units/{UNIT}/items"), OFFICER, &json!({"items": items}));
    assert_eq!(status, 200, "{taken}");
}

#[test]
fn a_threshold_raises_one_warning_in_its_colour_which_rises_and_falls_only_after_a_quiet_window() {
    let mut office = Office::with(|pack| {
        let mut rule = pack["warnings"][0].clone();
        rule["when"]["over"] = json!("PT4S");
        pack["warnings"] = json!([rule]);
    });
    fires(&office, 0, 4);
    assert_eq!(office.get("/v1/warnings")["warnings"], json!([]), "below the threshold");
    fires(&office, 10, 20);
    let open = office.get(&format!("/v1/warnings?unit={UNIT}"))["warnings"].clone();
    assert_eq!(open.as_array().unwrap().len(), 1, "one of a rule and a subject: {open}");
    assert_eq!(
        (&open[0]["colour"], &open[0]["colour_zh"], &open[0]["subject"]),
        (&json!("yellow"), &json!("黄色"), &json!("火情"))
    );
    assert_eq!(open[0]["warning"], "qingfeng.w1");
    let ended = office.until("/v1/warnings?all=true", |page| page["warnings"][0]["open"] == false);
    let warning = &ended["warnings"][0];
    let history = warning["history"].as_array().unwrap();
    assert!(history.last().unwrap()["colour"].is_null());
    let time = |value: &Value| value.as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let stood = time(&warning["ended_at"]).duration_since(time(&warning["raised_at"]));
    assert!(stood.as_secs() >= 6, "a window to pass and a quiet one after it: {stood}");
    // The same again at once is the same matter.
    fires(&office, 100, 6);
    assert_eq!(office.get("/v1/warnings?all=true")["warnings"].as_array().unwrap().len(), 1);
    office.restart();
    assert_eq!(
        office.get("/v1/warnings?all=true")["warnings"][0]["history"],
        warning["history"],
        "it survives a restart"
    );
}
