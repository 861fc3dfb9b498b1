//! Who reaches which path, in whose units: each role against each route that the host says it has, and each unit.

use std::collections::BTreeMap;

use huiyin_clauses::{CITY, CITY_PRINCIPAL, OFFICER, OTHER, Office, PRINCIPAL, STRANGER, UNIT};
use serde_json::{Value, json};

/// Somebody who asks: the headers that they send, and what they may.
struct Role {
    name: String,
    headers: Vec<(&'static str, String)>,
    /// As the record of sign-ins names them; none for who is nobody, or the bearer of the host's own token.
    account: Option<&'static str>,
    rights: &'static [&'static str],
    /// None where all units are theirs.
    units: Option<&'static [&'static str]>,
}

const ALL: &[&str] = &["read", "act", "admin"];
const PERSON: &[&str] = &["read", "act"];
const READER: &[&str] = &["read"];

fn bearer(token: &str) -> Vec<(&'static str, String)> {
    vec![("authorization", format!("Bearer {token}"))]
}

fn token(office: &Office, arguments: &[&str]) -> String {
    let data = office.data();
    let data = data.to_str().unwrap();
    let mut whole = vec!["token", "create"];
    whole.extend(arguments);
    whole.extend(["--data", data]);
    let (code, out, error) = office.program(&whole);
    assert_eq!(code, 0, "{error}");
    out.trim().to_owned()
}

fn forbidden(office: &Office) -> Vec<Value> {
    let (status, told) = office.send("GET", "/v1/sign-ins?limit=1000", &bearer(office.token()), None);
    assert_eq!(status, 200);
    told["sign_ins"].as_array().unwrap().iter().filter(|row| row["deed"] == "forbidden").cloned().collect()
}

#[test]
fn each_role_reaches_what_its_right_and_its_units_say_and_every_refusal_is_on_record() {
    let office = Office::open();
    let of_unit = office.sign_in(OFFICER, false);
    let of_city = office.sign_in(CITY_PRINCIPAL, false);
    let admin = office.sign_in("boss", true);
    let reads = token(&office, &["--person", OFFICER, "--unit", UNIT, "--scope", "read", "--expires", "1d"]);
    let acts = token(&office, &["--person", CITY_PRINCIPAL, "--unit", OTHER, "--scope", "act"]);
    // A token of a unit that is none of the person's opens nothing.
    let beyond = token(&office, &["--person", OFFICER, "--unit", OTHER, "--scope", "act"]);
    let role = |name: &str, headers: Vec<(&'static str, String)>, account, rights, units| Role {
        name: name.to_owned(),
        headers,
        account,
        rights,
        units,
    };
    let roles = [
        role("nobody", Vec::new(), None, &[], None),
        role("the host's own token", bearer(office.token()), None, ALL, None),
        role("an admin's session", admin, Some("boss"), ALL, None),
        role("a session of a unit", of_unit, Some(OFFICER), PERSON, Some(&[UNIT])),
        role("a session of the city", of_city, Some(CITY_PRINCIPAL), PERSON, Some(&[CITY, UNIT, OTHER])),
        role("a token that reads", bearer(&reads), Some("person:xu-ming"), READER, Some(&[UNIT])),
        role("a token of one unit", bearer(&acts), Some("person:lin-guodong"), PERSON, Some(&[OTHER])),
        role("a token of another's unit", bearer(&beyond), Some("person:xu-ming"), PERSON, Some(&[])),
    ];
    let document = office.document();
    let (mut asked, mut refused) = (0, 0);
    for role in roles {
        let before = forbidden(&office).len();
        let mut here = 0;
        for (path, operations) in document["paths"].as_object().unwrap() {
            for (method, operation) in operations.as_object().unwrap() {
                let right = operation["x-huiyin-right"].as_str().unwrap();
                // Signing out would end what is asked with.
                if method == "delete" || (right == "public" && path.starts_with("/v1/session")) {
                    continue;
                }
                let in_query = operation["parameters"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .any(|of| of["in"] == "query" && of["name"] == "unit");
                let with_unit = in_query || path.contains("{unit}");
                for unit in if with_unit { &[UNIT, OTHER, CITY, "none"][..] } else { &[""] } {
                    let mut place = path.replace("{unit}", unit).replace("{index}", "999999999");
                    place = place.replace("{item}", "00000000-0000-0000-0000-000000000000").replace(['{', '}'], "");
                    if in_query {
                        place = format!("{place}?unit={unit}");
                    }
                    let body = (method == "post").then(|| json!("no object"));
                    let method = method.to_ascii_uppercase();
                    let (status, told) = office.send(&method, &place, &role.headers, body.as_ref());
                    let units_fit = !with_unit || role.units.is_none_or(|units| units.contains(unit));
                    let expected = match right {
                        "public" => None,
                        _ if role.rights.is_empty() => Some(401),
                        right if !role.rights.contains(&right) || !units_fit => Some(403),
                        _ => None,
                    };
                    let what = format!("{}: {method} {place}: {status} {told}", role.name);
                    match expected {
                        Some(expected) => assert_eq!(status, expected, "{what}"),
                        None => assert!(![401, 403].contains(&status) && status < 500, "{what}"),
                    }
                    asked += 1;
                    if status == 403 {
                        assert!(told["detail"].as_str().unwrap().len() > 20, "{what}");
                        here += 1;
                    }
                }
            }
        }
        let record = forbidden(&office);
        assert_eq!(record.len() - before, here, "{}", role.name);
        if let Some(account) = role.account {
            for row in &record[..here] {
                assert_eq!(row["account"], account, "{row}");
                let detail = row["detail"].as_str().unwrap();
                assert!(detail.starts_with("GET /v1/") || detail.starts_with("POST /v1/"), "{row}");
                assert!(row["address"].as_str().unwrap().starts_with("127.0.0.1:"), "{row}");
            }
        }
        refused += here;
    }
    assert!(asked > 700 && refused > 150, "{asked}, {refused}");
}

#[test]
fn a_person_reads_what_is_of_their_units_and_where_these_have_a_part() {
    let office = Office::open();
    let ours = office.open_case("III", "清风的事", &json!({}));
    let open = json!({"command": "open-case", "unit": OTHER, "title": "翠湖的事", "level": "III", "asker": "来电人乙"});
    let theirs = office.act(OTHER, STRANGER, &open)["case"].as_str().unwrap().to_owned();
    let me = office.sign_in(OFFICER, false);
    let get = |path: &str| office.send("GET", path, &me, None);
    let listed = || -> Vec<String> {
        let (status, list) = get("/v1/cases");
        assert!(status == 200 && list["hidden"] == 0, "{list}");
        list["cases"].as_array().unwrap().iter().map(|row| row["number"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(listed(), std::slice::from_ref(&ours));
    assert_eq!(get(&format!("/v1/cases/{ours}")).0, 200);
    let (status, refused) = get(&format!("/v1/cases/{theirs}"));
    assert_eq!(status, 403, "{refused}");
    assert!(refused["detail"].as_str().unwrap().contains("1d") && refused["type"] == "urn:huiyin:problem:forbidden");
    let on_record = forbidden(&office);
    assert!(
        on_record[0]["detail"].as_str().unwrap().starts_with(&format!("GET /v1/cases/{theirs}: ")),
        "{on_record:?}"
    );
    // Lists of every kind have rows of their unit alone.
    for (path, rows) in [
        ("/v1/coverage", "units"),
        ("/v1/roster", "units"),
        ("/v1/sources", "sources"),
        ("/v1/warnings", "warnings"),
        ("/v1/patrols?all=true", "patrols"),
        ("/v1/items?unjudged=true", "items"),
        ("/v1/hotline?from=2026-01-01&to=2026-01-31", "units"),
        ("/v1/runs", "runs"),
        ("/v1/records?limit=500", "records"),
    ] {
        let (status, told) = get(path);
        assert_eq!(status, 200, "{path}: {told}");
        let whole = office.get(path);
        let units =
            |of: &Value| -> Vec<Value> { of[rows].as_array().unwrap().iter().map(|row| row["unit"].clone()).collect() };
        assert!(units(&told).iter().all(|unit| unit == UNIT), "{path}: {told}");
        let expected = units(&whole).into_iter().filter(|unit| unit == UNIT).count();
        assert_eq!(units(&told).len(), expected, "{path}");
    }
    let whole = office.get("/v1/records?limit=500");
    let other = whole["records"].as_array().unwrap().iter().find(|row| row["unit"] == OTHER).unwrap()["index"].clone();
    for path in [format!("/v1/records/{other}"), format!("/v1/proofs/{other}")] {
        assert_eq!(get(&path).0, 403, "{path}");
    }
    // Work that is handed to their unit opens the case to them, and its lists.
    let hand = json!({"command": "assign-task", "case": theirs, "kind": "verify", "to": UNIT, "text": "请核实"});
    office.act(OTHER, STRANGER, &hand);
    assert_eq!(listed().len(), 2);
    assert_eq!(get(&format!("/v1/cases/{theirs}")).0, 200);
    assert_eq!(get("/v1/tasks").1["tasks"].as_array().unwrap().len(), 1);
    // The unit above reads both, and so does the bearer of the host's own token.
    let above = office.sign_in(CITY_PRINCIPAL, false);
    let (_, all) = office.send("GET", "/v1/cases", &above, None);
    assert_eq!(all["cases"].as_array().unwrap().len(), 2);
    assert_eq!(office.get("/v1/cases")["cases"].as_array().unwrap().len(), 2);
}

#[test]
fn a_token_is_of_one_person_within_one_unit_until_it_ends() {
    let office = Office::open();
    let ours = office.open_case("III", "清风的事", &json!({}));
    let reads = token(&office, &["--person", CITY_PRINCIPAL, "--unit", UNIT, "--scope", "read"]);
    let acts = token(&office, &["--person", CITY_PRINCIPAL, "--unit", OTHER, "--scope", "act"]);
    let send =
        |token: &str, method: &str, path: &str, body: Option<&Value>| office.send(method, path, &bearer(token), body);
    assert_eq!(send(&reads, "GET", &format!("/v1/cases/{ours}"), None).0, 200);
    let concern = json!({"command": "add-concern", "case": ours, "text": "何时修好"});
    let (status, told) = send(&reads, "POST", &format!("/v1/units/{UNIT}/commands"), Some(&concern));
    assert!(status == 403 && told["detail"].as_str().unwrap().contains("only reads"), "{told}");
    // Its person could, and the token is of another unit: by none of its ways.
    for unit in [UNIT, CITY, OTHER] {
        let (status, told) = send(&acts, "POST", &format!("/v1/units/{unit}/commands"), Some(&concern));
        assert_eq!(status, 403, "{unit}: {told}");
    }
    for (path, body) in [
        ("/v1/runs", json!({"workflow": "x", "unit": UNIT})),
        ("/v1/runs", json!({"workflow": "x"})),
        ("/v1/workflows", json!({"workflows": [{"text": "{}"}], "units": [OTHER, UNIT]})),
        ("/v1/workflows", json!({"workflows": [{"text": "{}"}], "units": ["*"]})),
        ("/v1/workflows/a/b/withdraw", json!({})),
        ("/v1/bindings", json!({"workflow": "x", "unit": UNIT, "slot": "y", "reason": "z"})),
        ("/v1/canaries/drop", json!({"workflow": "x", "slot": "y", "reason": "z"})),
        ("/v1/schedules/pause", json!({"workflow": "x", "unit": UNIT, "reason": "z"})),
        ("/v1/sources/rewind", json!({"source": "x", "unit": UNIT, "reason": "z"})),
        ("/v1/events", json!({"specversion": "1.0", "id": "1", "source": "/x", "type": "y"})),
    ] {
        let (status, told) = send(&acts, "POST", path, Some(&body));
        assert_eq!(status, 403, "{path} {body}: {told}");
    }
    let open = json!({"command": "open-case", "unit": OTHER, "title": "翠湖的事", "level": "III", "asker": "甲"});
    let (status, opened) = send(&acts, "POST", &format!("/v1/units/{OTHER}/commands"), Some(&open));
    assert_eq!(status, 200, "{opened}");
    // Wherever a command names what lies elsewhere, it is refused.
    let case = opened["case"].as_str().unwrap();
    let at = format!("/v1/units/{OTHER}/commands");
    for command in [
        json!({"command": "link-cases", "case": case, "to": ours, "reason": "x"}),
        json!({"command": "open-case", "unit": UNIT, "title": "清风的事", "level": "III", "asker": "甲"}),
    ] {
        let (status, told) = send(&acts, "POST", &at, Some(&command));
        assert_eq!(status, 403, "{command}: {told}");
    }
    // It acts as its person, and as nobody else.
    let mut as_other = bearer(&acts);
    as_other.push(("huiyin-actor", format!("person:{PRINCIPAL}")));
    assert_eq!(office.send("GET", "/v1/cases", &as_other, None).0, 403);
    // At rest there is its hash alone; the list tells no more.
    let secret = acts.rsplit('-').next().unwrap();
    let stored = std::fs::read_to_string(office.data().join("api-tokens.json")).unwrap();
    let (_, list) = send(office.token(), "GET", "/v1/tokens", None);
    assert!(!stored.contains(secret) && !list.to_string().contains(secret));
    let ids: BTreeMap<String, String> = list["tokens"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["unit"].as_str().unwrap().to_owned(), row["id"].as_str().unwrap().to_owned()))
        .collect();
    // Revoked on the machine or by the API, it holds no longer.
    let data = office.data();
    let (code, _, error) = office.program(&["token", "revoke", &ids[OTHER], "--data", data.to_str().unwrap()]);
    assert_eq!(code, 0, "{error}");
    assert_eq!(send(&acts, "GET", "/v1/cases", None).0, 401);
    assert_eq!(send(office.token(), "POST", &format!("/v1/tokens/{}/revoke", ids[UNIT]), None).0, 204);
    assert_eq!(send(&reads, "GET", "/v1/cases", None).0, 401);
    // By the API it is made for units of the person's alone.
    let wanted = |unit: &str, days: u64| json!({"person": OFFICER, "unit": unit, "scope": "act", "days": days});
    let (status, told) = send(office.token(), "POST", "/v1/tokens", Some(&wanted(OTHER, 3)));
    assert!(status == 400 && told["pointer"] == "/unit", "{told}");
    let (status, told) = send(office.token(), "POST", "/v1/tokens", Some(&wanted(UNIT, 4_000)));
    assert!(status == 400 && told["pointer"] == "/days", "{told}");
    let (status, made) = send(office.token(), "POST", "/v1/tokens", Some(&wanted(UNIT, 3)));
    assert_eq!(status, 201, "{made}");
    assert_eq!(send(made["token"].as_str().unwrap(), "GET", "/v1/cases", None).0, 200);
    let (status, told) = send(made["token"].as_str().unwrap(), "POST", "/v1/tokens", Some(&wanted(UNIT, 3)));
    assert_eq!(status, 403, "{told}");
    let (code, out, _) = office.program(&[
        "token",
        "create",
        "--person",
        OFFICER,
        "--unit",
        UNIT,
        "--expires",
        "0d",
        "--data",
        data.to_str().unwrap(),
    ]);
    assert!(code == 2 && out.is_empty());
    // The command line asks with it, too.
    let file = office.folder.path().join("token");
    std::fs::write(&file, made["token"].as_str().unwrap()).unwrap();
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let (code, out, error) =
        office.program(&["case", "list", "--host", office.url(), "--token-file", file.to_str().unwrap()]);
    assert!(code == 0 && out.contains(&ours) && !out.contains("翠湖"), "{out}{error}");
}
