//! What a person has read is what their act changes, and a long list is read page by page.

use huiyin_clauses::{OFFICER, Office, PRINCIPAL, STRANGER, UNIT};
use serde_json::{Value, json};

/// GET by the host's token; the JSON and a header.
fn read(office: &Office, path: &str, header: &str) -> (Value, Option<String>) {
    let request =
        ureq::get(format!("{}{path}", office.url())).header("authorization", format!("Bearer {}", office.token()));
    let mut answer = request.call().unwrap();
    let header = answer.headers().get(header).map(|value| value.to_str().unwrap().to_owned());
    (answer.body_mut().read_json().unwrap(), header)
}

fn act(office: &Office, person: &str, tag: &str, key: &str, command: &Value) -> (u16, Value) {
    let headers = [
        ("authorization", format!("Bearer {}", office.token())),
        ("huiyin-actor", format!("person:{person}")),
        ("if-match", tag.to_owned()),
        ("idempotency-key", key.to_owned()),
    ];
    office.send("POST", &format!("/v1/units/{UNIT}/commands"), &headers, Some(command))
}

#[test]
fn a_case_that_has_changed_since_it_was_read_is_not_changed_by_who_has_not_seen_that() {
    let mut office = Office::open();
    let case = office.open_case("III", "林道塌方", &json!({}));
    let path = format!("/v1/cases/{case}");
    let tag = |office: &Office| read(office, &path, "etag").1.unwrap();
    let first = tag(&office);
    assert_eq!(tag(&office), first, "reading changes nothing");
    let concern = |text: &str| json!({"command": "add-concern", "case": case, "text": text});
    let (status, done) = act(&office, OFFICER, &first, "one", &concern("道路何时抢通"));
    assert_eq!(status, 200, "{done}");
    let second = tag(&office);
    assert_ne!(first, second);
    // Who has read the case before that is told so, with the version that there is; nothing is done.
    let (status, refused) = act(&office, PRINCIPAL, &first, "two", &concern("有无伤亡"));
    assert_eq!((status, format!("\"{}\"", refused["current"].as_str().unwrap())), (412, second.clone()), "{refused}");
    assert_eq!(tag(&office), second);
    for other in ["\"0123\"", &format!("W/{second}"), "\"a\", \"b\""] {
        assert_eq!(act(&office, PRINCIPAL, other, "three", &concern("有无伤亡")).0, 412, "{other}");
    }
    // What was done is answered again under its key, whatever the case is by now.
    assert_eq!(act(&office, OFFICER, &first, "one", &concern("道路何时抢通")), (200, done));
    assert_eq!(tag(&office), second, "and is done once");
    // Any version will do, one of several, and the present one, also after a restart.
    office.restart();
    assert_eq!(tag(&office), second);
    assert_eq!(act(&office, PRINCIPAL, &format!("\"x\", {second}"), "four", &concern("有无伤亡")).0, 200);
    assert_eq!(act(&office, PRINCIPAL, "*", "five", &concern("停电范围")).0, 200);
    // A command about no case has no version, and a wrong header is no header.
    let delegate = json!({"command": "revoke-delegation", "delegation": "none"});
    assert_eq!(act(&office, PRINCIPAL, "*", "six", &delegate).0, 400);
    assert_eq!(act(&office, PRINCIPAL, "unquoted", "seven", &concern("其他")).0, 400);
    // Who may not read the case is not told its version.
    let secret = json!({"command": "set-confidentiality", "case": case, "to": "secret", "reason": "涉及个人隐私"});
    office.act(UNIT, PRINCIPAL, &secret);
    let (status, refused) = act(&office, STRANGER, "\"x\"", "eight", &concern("其他"));
    assert!(status == 409 && refused.get("current").is_none(), "{refused}");
}

#[test]
fn a_list_is_read_page_by_page_and_what_is_new_shifts_nothing() {
    let office = Office::open();
    let opened: Vec<String> = (0..5).map(|n| office.open_case("III", &format!("第{n}件"), &json!({}))).collect();
    let whole = office.get("/v1/cases");
    let numbers = |page: &Value| -> Vec<String> {
        page["cases"].as_array().unwrap().iter().map(|row| row["number"].as_str().unwrap().to_owned()).collect()
    };
    let (mut path, mut seen, mut pages) = ("/v1/cases?limit=2".to_owned(), Vec::new(), 0);
    loop {
        let (page, link) = read(&office, &path, "link");
        assert_eq!(page["next"].is_null(), link.is_none());
        assert!(numbers(&page).len() <= 2);
        seen.extend(numbers(&page));
        pages += 1;
        let Some(link) = link else { break };
        path = link.strip_prefix('<').unwrap().split('>').next().unwrap().to_owned();
        assert!(path.contains(page["next"].as_str().unwrap()), "{path}");
        if pages == 1 {
            office.open_case("I", "新来的", &json!({}));
        }
    }
    let known: Vec<&String> = seen.iter().filter(|number| opened.contains(number)).collect();
    assert_eq!(known, numbers(&whole).iter().collect::<Vec<_>>(), "each once, in the order of the whole list");
    for wrong in ["limit=0", "limit=1001", "cursor=none"] {
        let (status, said) = office.get_as(&format!("/v1/cases?{wrong}"), OFFICER);
        assert_eq!((status, said["type"].as_str().unwrap()), (400, "urn:huiyin:problem:invalid"), "{wrong}");
    }
    // Every list of the document that has pages gives one.
    let document = office.document();
    for (path, methods) in document["paths"].as_object().unwrap() {
        let parameters = methods["get"]["parameters"].as_array().cloned().unwrap_or_default();
        if !parameters.iter().any(|one| one["name"] == "cursor") {
            continue;
        }
        let more = if path == "/v1/items" { "&unjudged=true" } else { "" };
        let page = office.get(&format!("{path}?limit=1{more}"));
        assert!(page.get("next").is_some(), "{path}: {page}");
        let rows = page.as_object().unwrap().values().find_map(Value::as_array);
        assert!(rows.is_some(), "{path}: {page}");
    }
    // The command line reads them all.
    let (code, out, error) = office.cli(&["case", "list", "--output", "json"]);
    assert_eq!(code, 0, "{error}");
    assert_eq!(serde_json::from_str::<Value>(&out).unwrap()["cases"].as_array().unwrap().len(), 6);
}

#[test]
fn who_has_read_something_is_told_that_nothing_is_new() {
    let office = Office::open();
    let (record, tag) = read(&office, "/v1/records/0", "etag");
    let ask = |tag: &str| {
        let headers = [("authorization", format!("Bearer {}", office.token())), ("if-none-match", tag.to_owned())];
        office.send("GET", "/v1/records/0", &headers, None)
    };
    assert_eq!(ask(&tag.unwrap()), (304, Value::Null));
    assert_eq!(ask("\"other\""), (200, record));
}
