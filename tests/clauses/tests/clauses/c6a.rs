//! 政务舆情信息管理制度,专门工作机构.

use std::io::{BufRead as _, BufReader, Write as _};

use huiyin_clauses::{CITY_PRINCIPAL, OFFICER, Office, PRINCIPAL, SPOKESPERSON, STRANGER, UNIT, today};
use serde_json::{Value, json};

#[test]
fn who_may_read_a_case_is_set_kept_and_widened_only_by_two() {
    let office = Office::open();
    let case = office.open_case("III", "信访人个人信息", &json!({}));
    let reads = |person: &str| office.get_as(&format!("/v1/cases/{case}"), person).0 == 200;
    let listed = |person: &str| {
        let (_, list) = office.get_as("/v1/cases", person);
        list["cases"].as_array().unwrap().iter().any(|row| row["number"] == *case)
    };
    assert!(reads(STRANGER) && listed(STRANGER));
    let (code, _, error) = office.cli(&[
        "case",
        "confidentiality",
        &case,
        "--to",
        "secret",
        "--reason",
        "涉及个人隐私",
        "--as",
        PRINCIPAL,
    ]);
    assert_eq!(code, 0, "{error}");
    for person in [PRINCIPAL, SPOKESPERSON, OFFICER, CITY_PRINCIPAL] {
        assert!(reads(person) && listed(person), "{person}");
    }
    for person in [STRANGER, "he-ping"] {
        assert!(!reads(person) && !listed(person), "{person}");
    }
    let (status, refused) = office.get_as(&format!("/v1/cases/{case}"), STRANGER);
    assert_eq!(status, 409);
    assert!(refused["detail"].as_str().unwrap().contains("6a"), "{refused}");
    // More people only by two persons.
    let open = json!({"command": "set-confidentiality", "case": case, "to": "public", "reason": "已公开"});
    let hash = office.act(UNIT, PRINCIPAL, &open)["pending"]["hash"].clone();
    assert!(!reads(STRANGER));
    let approve = json!({"command": "approve", "case": case, "hash": hash});
    office.refused(UNIT, PRINCIPAL, &approve);
    office.act("linhai", CITY_PRINCIPAL, &approve);
    assert!(reads(STRANGER));
}

/// What goes on, as a person hears it until something is said.
fn hears(office: &Office, person: &str) -> impl FnOnce(&str) -> String + use<> {
    let address = office.url().strip_prefix("http://").unwrap().to_owned();
    let mut stream = std::net::TcpStream::connect(&address).unwrap();
    stream.set_read_timeout(Some(std::time::Duration::from_secs(60))).unwrap();
    let token = office.token();
    let head = format!(
        "GET /v1/activity HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\nhuiyin-actor: person:{person}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut lines = BufReader::new(stream).lines();
    // The answer's head: whatever happens from now on is heard.
    lines.by_ref().find(|line| line.as_ref().unwrap().is_empty());
    move |last: &str| {
        let mut heard = String::new();
        for line in lines {
            heard.push_str(&line.unwrap());
            if heard.contains(last) {
                break;
            }
        }
        heard
    }
}

#[test]
fn what_goes_on_names_no_case_to_those_who_may_not_read_it() {
    let office = Office::open();
    let case = office.open_case("III", "信访人个人信息", &json!({}));
    let secret = json!({"command": "set-confidentiality", "case": case, "to": "secret", "reason": "涉及个人隐私"});
    office.act(UNIT, PRINCIPAL, &secret);
    let (stranger, officer) = (hears(&office, STRANGER), hears(&office, OFFICER));
    office.flash(&case, "核实中");
    let open = office.open_case("III", "林道塌方", &json!({}));
    let (stranger, officer) = (stranger(&open), officer(&open));
    assert!(officer.contains(&case) && officer.contains(&open), "{officer}");
    assert!(stranger.contains(&open) && !stranger.contains(&case), "{stranger}");
}

#[test]
fn the_pack_says_how_long_what_is_kept_and_the_leadership_has_its_digest() {
    let office = Office::with(|pack| {
        pack["retention"] =
            json!([{"data": "cases", "years": 10, "basis": {"source": "本局档案规定", "status": "own"}}]);
        pack["access"] = json!({"secret": ["principal"], "basis": {"source": "本局规定", "status": "own"}});
    });
    let pack = office.get("/v1/policy")["pack"].clone();
    assert_eq!((&pack["retention"][0]["years"], &pack["access"]["secret"][0]), (&json!(10), &json!("principal")));
    let day = today();
    office.open_case("III", "林道塌方", &json!({}));
    let digest = ["log", "record", "--unit", UNIT, "--kind", "digest", "--to", &day, "--as", OFFICER];
    let (code, _, error) = office.cli(&digest);
    assert_eq!(code, 0, "{error}");
    let logs = office.get("/v1/logs?kind=digest");
    let figures: &Value = &logs["logs"][0]["figures"];
    assert_eq!(figures["cases"]["opened"], 1, "{logs}");
    assert!(figures.get("on_time_rate").is_some() && figures["hotline"].get("answer_rate").is_some(), "{figures}");
}
