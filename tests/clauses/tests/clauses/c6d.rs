//! 加强主动发布:四类事项都要依法依规、及时全面、客观准确地向社会公开发布.

use huiyin_clauses::{OFFICER, Office, PRINCIPAL, SPOKESPERSON, UNIT, ago_of};
use jiff::SignedDuration;
use serde_json::{Value, json};

#[test]
fn what_is_published_unasked_has_a_clock_by_kind_and_is_checked_by_somebody_else() {
    let office = Office::open();
    let data = office.data();
    let data = data.to_str().unwrap();
    let kinds = ["public-interest", "wide-knowledge", "social-concern", "statutory"];
    for kind in kinds {
        let open = [
            "disclosure",
            "open",
            "--unit",
            UNIT,
            "--kind",
            kind,
            "--title",
            "封山公告",
            "--as",
            OFFICER,
            "--data",
            data,
        ];
        let (code, _, error) = office.cli(&open);
        assert_eq!(code, 0, "{error}");
    }
    // What arose long ago is late from the beginning, and on the list all the same.
    let old = json!({"command": "open-disclosure", "kind": "social-concern", "title": "山火处置情况",
                     "arose_at": ago_of(SignedDuration::from_hours(72)).to_string()});
    let late = office.act(UNIT, OFFICER, &old);
    assert_eq!(late["state"], "overdue");
    let owed = || office.get(&format!("/v1/disclosures?unit={UNIT}"))["disclosures"].as_array().unwrap().clone();
    assert_eq!(owed().len(), 5);
    assert_eq!(owed()[0]["disclosure"], late["disclosure"], "the first due stands first");
    assert!(owed().iter().all(|entry: &Value| entry["due_at"].is_string()));
    let publish = json!({"command": "publish-disclosure", "disclosure": "qingfeng-d1", "text": "即日起封山。", "channel": "website", "proof": "https://gov.example/3"});
    office.act(UNIT, OFFICER, &publish);
    let (code, _, error) = office.cli(&["disclosure", "check", "qingfeng-d1", "--as", OFFICER, "--data", data]);
    assert!(code != 0 && error.contains("rule 9"), "{error}");
    let wrong =
        ["disclosure", "check", "qingfeng-d1", "--inaccurate", "--note", "日期有误", "--as", PRINCIPAL, "--data", data];
    assert_eq!(office.cli(&wrong).0, 0);
    assert_eq!(owed().iter().find(|entry| entry["disclosure"] == "qingfeng-d1").unwrap()["state"], "wanting");
    office.act(UNIT, OFFICER, &publish);
    assert_eq!(office.cli(&["disclosure", "check", "qingfeng-d1", "--as", PRINCIPAL, "--data", data]).0, 0);
    assert_eq!(owed().len(), 4);
    let all = office.get(&format!("/v1/disclosures?unit={UNIT}&all=true"));
    let first =
        all["disclosures"].as_array().unwrap().iter().find(|entry| entry["disclosure"] == "qingfeng-d1").unwrap();
    assert_eq!((&first["timely"], first["publications"].as_array().unwrap().len()), (&json!(true), 2));
}

#[test]
fn a_correction_names_what_it_corrects_and_every_channel_owes_it() {
    let office = Office::open();
    let case = office.open_case("III", "老鹰岩山火", &json!({}));
    let hash = office.published(&case, "过火面积12公顷。");
    let prove = json!({"command": "record-publication", "case": case, "hash": hash, "channel": "board",
                       "url": "https://gov.example/1", "text": "过火面积12公顷。"});
    office.act(UNIT, OFFICER, &prove);
    let data = office.data();
    let correct = [
        "response",
        "correct",
        &case,
        "r1",
        "--reason",
        "面积有误",
        "--text",
        "更正:过火面积13公顷。",
        "--as",
        OFFICER,
        "--data",
        data.to_str().unwrap(),
        "--output",
        "json",
    ];
    let (code, out, error) = office.cli(&correct);
    assert_eq!(code, 0, "{error}");
    let drafted: Value = serde_json::from_str(&out).unwrap();
    let hash = drafted["hash"].as_str().unwrap();
    office.check(&case, hash);
    office.approve_text(&case, hash);
    let released = office.act(UNIT, SPOKESPERSON, &json!({"command": "publish-response", "case": case, "hash": hash}));
    assert_eq!(released["missing"], json!(["website", "weibo", "wechat", "board"]));
    let shown = office.case(&case);
    assert_eq!(shown["responses"][0]["corrected_by"], "r2");
    assert_eq!(shown["responses"][1]["chain"], json!(["r1", "r2"]));
}
