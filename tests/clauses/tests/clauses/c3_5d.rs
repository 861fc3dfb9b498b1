//! 拟发布信息涉及其他行政机关的,应与有关行政机关沟通确认.

use huiyin_clauses::{Office, PRINCIPAL, UNIT};
use serde_json::json;

#[test]
fn another_unit_co_signs_exactly_the_text_an_edit_voids_it_and_silence_is_no_consent() {
    let office = Office::open();
    let case = office.open_case("III", "老鹰岩山火", &json!({}));
    let touching = json!({"touches": ["forest-fire"]});
    let hash = office.draft_with(&case, "火已扑灭。", &touching);
    office.check(&case, &hash);
    office.approve_text(&case, &hash);
    let publish = |hash: &str| json!({"command": "publish-response", "case": case, "hash": hash});
    let said = office.refused(UNIT, PRINCIPAL, &publish(&hash));
    assert!(said.contains("3.5d") && said.contains("forest-fire"), "{said}");
    let data = office.data();
    let data = data.to_str().unwrap();
    let (code, out, _) = office.cli(&["response", "list", "--unit", "forest-fire", "--data", data]);
    assert!(code == 0 && out.contains(&case), "{out}");
    let sign = ["response", "cosign", &case, &hash, "--unit", "forest-fire", "--as", "luo-jian", "--data", data];
    let (code, _, error) = office.cli(&sign);
    assert_eq!(code, 0, "{error}");
    // Changed, it is another text.
    let mut edit = touching.clone();
    edit["response"] = json!("r1");
    let changed = office.draft_with(&case, "火已扑灭,正在清理余火。", &edit);
    office.check(&case, &changed);
    office.approve_text(&case, &changed);
    assert!(office.refused(UNIT, PRINCIPAL, &publish(&changed)).contains("3.5d"));
    let refuse = [&sign[..3], &[changed.as_str()], &sign[4..], &["--refuse", "余火情况未核实"]].concat();
    let (code, _, error) = office.cli(&refuse);
    assert_eq!(code, 0, "{error}");
    assert!(office.refused(UNIT, PRINCIPAL, &publish(&changed)).contains("余火情况未核实"));
    let agree = json!({"command": "cosign-response", "case": case, "hash": changed, "agree": true});
    office.act("forest-fire", "luo-jian", &agree);
    office.act(UNIT, PRINCIPAL, &publish(&changed));
}
