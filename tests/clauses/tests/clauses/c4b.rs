//! 96128 接听率;及时答复公众询问.

use huiyin_clauses::{OFFICER, Office, UNIT};
use serde_json::{Value, json};

fn with_figures(pack: &mut Value) {
    for clock in pack["clocks"].as_array_mut().unwrap() {
        let figure = match clock["id"].as_str() {
            Some("hotline-callback") => "PT2H",
            Some("hotline-answer") => "5wd",
            _ => continue,
        };
        clock["allowance"] = json!(figure);
        clock["basis"]["status"] = json!("own");
    }
}

fn import(office: &Office, name: &str, text: &str) -> (i32, Value) {
    let file = office.folder.path().join(name);
    std::fs::write(&file, text).unwrap();
    let (code, out, error) =
        office.cli(&["hotline", "import", file.to_str().unwrap(), "--unit", UNIT, "--as", OFFICER, "--output", "json"]);
    (code, serde_json::from_str(&out).unwrap_or_else(|_| panic!("{error}")))
}

#[test]
fn call_records_are_imported_once_and_the_answer_rate_is_told() {
    let office = Office::with(with_figures);
    let text = "来电时间,号码,接听,内容,答复,回拨\n\
        2026-03-01 08:30:00,13900001111,是,采伐证怎么办理,,\n\
        2026-03-01 08:40:00,13900002222,是,几点上班,8点,\n\
        2026-03-01 09:00:00,13900003333,否,,,\n\
        2026-03-01 09:10:00,13900004444,否,,,2026-03-01 09:30:00\n\
        2026-03-01 09:20:00,13900005555,也许,,,\n\
        2026-02-30 09:20:00,13900006666,是,,,\n";
    let (code, done) = import(&office, "话单.csv", text);
    assert_eq!(code, 1);
    assert_eq!((&done["taken"], &done["refused"], &done["opened"]), (&json!(4), &json!(2), &json!(2)), "{done}");
    let rejects = std::fs::read_to_string(office.folder.path().join("话单.csv.rejects.csv")).unwrap();
    assert!(rejects.contains("\n6,`也许`") && rejects.contains("\n7,`2026-02-30"), "{rejects}");
    assert!(!rejects.contains("13900005555"), "the numbers of refused rows stay in the file they came in");
    // The same calls in another file are the same calls.
    let (_, again) = import(&office, "另一份.csv", text);
    assert_eq!((&again["taken"], &again["seen"]), (&json!(0), &json!(4)), "{again}");
    let (code, out, error) = office.cli(&["hotline", "rate", "--from", "2026-03-01", "--to", "2026-03-31"]);
    assert_eq!(code, 0, "{error}");
    assert!(out.contains("50.0%") && error.contains("未填写接听率目标"), "{out}{error}");
    // The one who asked waits for an answer, the one who called in vain to be called back; both are late by now.
    let cases = office.get("/v1/cases?kind=hotline")["cases"].clone();
    let cases = cases.as_array().unwrap();
    assert_eq!(cases.len(), 2);
    // Who called in vain waits for both.
    let late = |case: &Value| if case["waits_callback"] == true { 2 } else { 1 };
    assert!(cases.iter().all(|case| case["breaches"] == late(case)), "{cases:?}");
    let (_, out, _) = office.cli(&["hotline", "callbacks", "--unit", UNIT]);
    assert!(out.contains("尾号3333") && !out.contains("采伐证"), "{out}");
    let number = cases.iter().find(|case| case["waits_callback"] == true).unwrap()["number"].as_str().unwrap();
    let (code, _, error) = office.cli(&["hotline", "callback", number, "--text", "已答复", "--as", OFFICER]);
    assert_eq!(code, 0, "{error}");
    let (_, out, _) = office.cli(&["hotline", "callbacks", "--unit", UNIT]);
    assert!(!out.contains("尾号3333"), "{out}");
    assert_eq!(office.case(number)["state"], "answered");
}

#[test]
fn a_file_full_of_broken_rows_takes_nothing_and_names_each() {
    let office = Office::open();
    let mut text = "来电时间,号码,接听\n".to_owned();
    for n in 0..20_000 {
        text.push_str(if n % 3 == 0 { "\"2026-03-01,1,是\n" } else { "昨天,1390000,是,多,余\n" });
    }
    let (code, done) = import(&office, "坏.csv", &text);
    assert_eq!((code, &done["taken"], &done["refused"]), (1, &json!(0), &json!(20_000)), "{done}");
    let rejects = std::fs::read_to_string(office.folder.path().join("坏.csv.rejects.csv")).unwrap();
    assert_eq!(rejects.lines().count(), 20_001);
    assert_eq!(office.get("/v1/hotline?from=2026-01-01&to=2026-12-31")["all"]["total"], 0);
    // A table without the columns that are needed is none.
    let file = office.folder.path().join("别的.csv");
    std::fs::write(&file, "甲,乙\n1,2\n").unwrap();
    let (code, _, error) = office.cli(&["hotline", "import", file.to_str().unwrap(), "--unit", UNIT]);
    assert!(code == 2 && error.contains("来电时间") && error.contains("--columns"), "{error}");
}
