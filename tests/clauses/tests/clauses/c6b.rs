//! 专人采编、领导审核把关.

use huiyin_clauses::{CITY, OFFICER, Office, PRINCIPAL, SPOKESPERSON, UNIT, ago_of};
use jiff::SignedDuration;
use serde_json::{Value, json};

fn report(case: &str, fact: &str) -> Value {
    json!({"command": "submit-report", "case": case, "stage": "flash", "facts": [{"text": fact, "observed": true}]})
}

fn approve(case: &str, asked: &Value) -> Value {
    json!({"command": "approve", "case": case, "hash": asked["pending"]["hash"]})
}

#[test]
fn nobody_approves_their_own_text_neither_by_a_delegation_nor_by_mending_it() {
    let office = Office::open();
    let case = office.open_case("II", "山火", &json!({}));
    let asked = office.act(UNIT, OFFICER, &report(&case, "14时发现烟柱"));
    assert_eq!(asked["sent"], false);
    assert!(office.refused(UNIT, OFFICER, &approve(&case, &asked)).contains("rule 9"));
    // The principal mends it, and so is its author; who wrote it first stays one.
    let mended = office.act(UNIT, PRINCIPAL, &report(&case, "14时05分发现烟柱"));
    office.refused(UNIT, PRINCIPAL, &approve(&case, &asked));
    for author in [PRINCIPAL, OFFICER] {
        assert!(office.refused(UNIT, author, &approve(&case, &mended)).contains("rule 9"), "{author}");
    }
    // Lent by the principal, the approval is still not for the principal's own text.
    let until = ago_of(SignedDuration::from_hours(-8)).to_string();
    let (code, _, error) = office.cli(&[
        "approval", "delegate", "--unit", UNIT, "--to", OFFICER, "--until", &until, "--reason", "外出", "--as",
        PRINCIPAL,
    ]);
    assert_eq!(code, 0, "{error}");
    assert!(office.refused(UNIT, OFFICER, &approve(&case, &mended)).contains("rule 9"));
    assert_eq!(office.case(&case)["reports"], json!([]));
    office.act(UNIT, SPOKESPERSON, &approve(&case, &mended));
    assert_eq!(office.case(&case)["reports"][0]["by"], format!("person:{PRINCIPAL}"));
}

#[test]
fn a_chain_asks_each_in_turn_and_who_is_away_has_somebody_act_for_them() {
    let office = Office::with(|pack| {
        for rule in pack["approvals"].as_array_mut().unwrap() {
            if rule["act"] == "lower-level" {
                rule["chain"] = json!(["lead.spokesperson", "root.principal"]);
            }
        }
    });
    let case = office.open_case("II", "山火", &json!({}));
    let lower = json!({"command": "set-level", "case": case, "level": "III", "reason": "核实无伤亡"});
    let asked = office.act(UNIT, OFFICER, &lower);
    // The city's principal is away; the city lives in a partition of its own.
    let until = ago_of(SignedDuration::from_hours(-8)).to_string();
    let lend = json!({"command": "delegate", "to": "zheng-wen", "until": until, "reason": "出差"});
    let given = office.act(CITY, "lin-guodong", &lend);
    assert!(office.refused(CITY, "zheng-wen", &approve(&case, &asked)).contains("6b"), "not in turn");
    office.act(UNIT, SPOKESPERSON, &approve(&case, &asked));
    let waits = office.get("/v1/approvals?person=zheng-wen");
    assert_eq!(waits["approvals"][0]["case"], json!(case));
    assert_eq!(office.get(&format!("/v1/approvals?person={OFFICER}"))["approvals"], json!([]));
    assert_eq!(office.case(&case)["level"], "II", "half a chain does nothing");
    let done = office.act(CITY, "zheng-wen", &approve(&case, &asked));
    assert_eq!((&done["approved"], &done["on_behalf_of"]), (&json!(true), &json!("lin-guodong")));
    assert_eq!(office.case(&case)["level"], "III");
    let (code, out, error) = office.cli(&["approval", "list", "--unit", CITY]);
    assert_eq!(code, 0, "{error}");
    assert!(out.contains("生效中") && out.contains(given["delegation"].as_str().unwrap()), "{out}");
}
