//! 第一时间通知舆论责任单位新闻发言人和单位主要负责同志.

use huiyin_clauses::{OFFICER, Office, PRINCIPAL, SPOKESPERSON, UNIT};
use serde_json::{Value, json};

#[test]
fn spokesperson_and_principal_are_told_and_whoever_does_not_acknowledge_is_stood_in_for() {
    // The sample pack gives a quarter of an hour; here it has gone at once.
    let office = Office::with(|pack| {
        for clock in pack["clocks"].as_array_mut().unwrap() {
            if clock["id"] == "major-notice" {
                (clock["allowance"], clock["warnings"]) = (json!("PT2S"), json!([]));
            }
        }
    });
    let case = office.open_case("II", "山火蔓延", &json!({}));
    office.act(UNIT, OFFICER, &json!({"command": "declare-major", "case": case, "reason": "火势逼近村庄"}));
    let notices = || office.case(&case)["major"]["notices"].as_array().unwrap().clone();
    let told = |notices: &[Value]| notices.iter().map(|notice| notice["to"]["id"].clone()).collect::<Vec<_>>();
    assert_eq!(told(&notices())[..2], [json!(SPOKESPERSON), json!(PRINCIPAL)]);
    let ack = json!({"command": "acknowledge-notice", "case": case});
    assert!(office.refused(UNIT, "he-ping", &ack).contains("5b"), "only who was told acknowledges");
    office.act(UNIT, SPOKESPERSON, &ack);
    // Delivery is on record beside the acknowledgement.
    let first = notices()[0].clone();
    assert!(first["acknowledged_at"].is_string() && first["delivered"] == false, "{first}");
    let delivery = json!({"command": "record-delivery", "case": case, "notification": first["notification"], "outcome": "delivered", "channel": "phone"});
    office.act(UNIT, OFFICER, &delivery);
    assert_eq!(notices()[0]["delivered"], true);
    // The principal does not answer: the duty officer is told in their stead.
    let end = std::time::Instant::now() + std::time::Duration::from_secs(60);
    let stand_in = loop {
        if let Some(notice) = notices().into_iter().find(|notice| notice["to"]["id"] == OFFICER) {
            break notice;
        }
        assert!(std::time::Instant::now() < end, "nobody was told in the principal's stead");
        std::thread::sleep(std::time::Duration::from_millis(100));
    };
    assert_eq!(stand_in["instead_of"], "m2");
    let data = office.data();
    let acked = ["major", "ack", &case, "--as", OFFICER, "--data", data.to_str().unwrap()];
    let (code, out, error) = office.cli(&acked);
    assert!(code == 0 && out.contains("逾期未确认") && out.contains("递补 m2"), "{out}{error}");
}
