//! 第一时间发现收集、上报研判、核实处置、发布回应.

use huiyin_clauses::{OFFICER, Office, UNIT, ago_of};
use jiff::SignedDuration;
use serde_json::{Value, json};

#[test]
fn a_case_carries_its_eight_times_refuses_an_order_that_cannot_be_and_clocks_count_from_them() {
    let office = Office::with(|pack| {
        let basis = json!({"source": "本局规定", "status": "own"});
        let clock = |id: &str, anchor: &str, by: &str| {
            json!({"id": id, "name": {"zh": id}, "levels": ["III"], "anchor": anchor, "allowance": "PT2H",
                "calendar": "cn", "pausable": false, "satisfied_by": by, "basis": basis})
        };
        let clocks = pack["clocks"].as_array_mut().unwrap();
        clocks.push(clock("to-verify", "assessed_at", "verification"));
        clocks.push(clock("to-handle", "verified_at", "handling"));
        clocks.push(clock("to-publish", "handled_at", "publication"));
    });
    let occurred = ago_of(SignedDuration::from_mins(30));
    let case = office.open_case("III", "河道漂浮物", &json!({"occurred_at": occurred.to_string()}));
    let time = |milestone: &str, more: Value| {
        let mut command = json!({"command": "record-time", "case": case, "milestone": milestone});
        command.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        command
    };
    // Nothing is handled before it is verified, nor anything done before it is discovered, nor in the future.
    assert!(office.refused(UNIT, OFFICER, &time("handled", json!({}))).contains("1a"));
    let before = json!({"time": occurred.to_string()});
    assert!(office.refused(UNIT, OFFICER, &time("verified", before)).contains("1a"));
    let ahead = json!({"time": ago_of(SignedDuration::from_hours(-1)).to_string()});
    assert!(office.refused(UNIT, OFFICER, &time("verified", ahead)).contains("1a"));
    let late = json!({"command": "correct-occurred-at", "case": case,
        "occurred_at": ago_of(SignedDuration::from_hours(-1)).to_string(), "reason": "误"});
    office.refused(UNIT, OFFICER, &late);

    office.assess(&case);
    assert_eq!(office.clock(&case, "to-verify")["state"], "running");
    office.flash(&case, "群众反映属实");
    office.act(UNIT, OFFICER, &time("verified", json!({})));
    assert_eq!(office.clock(&case, "to-verify")["state"], "satisfied");
    assert_eq!(office.clock(&case, "to-handle")["anchor"], "verified_at");
    office.act(UNIT, OFFICER, &time("handled", json!({})));
    assert_eq!(office.clock(&case, "to-handle")["state"], "satisfied");
    office.act(UNIT, OFFICER, &time("published", json!({})));
    assert_eq!(office.clock(&case, "to-publish")["state"], "satisfied");
    let answer = json!({"command": "record-answer", "case": case, "text": "已清理。", "channel": "网站", "proof": "https://gov.example/1"});
    office.act(UNIT, OFFICER, &answer);
    let times = office.case(&case)["times"].clone();
    for name in ["occurred", "discovered", "reported", "assessed", "verified", "handled", "published", "answered"] {
        assert!(times[name].is_string(), "{name}: {times}");
    }
}
