//! Looking for words in cases and items (全文检索): by unit, and by who may read.

use huiyin_clauses::{CITY, CITY_PRINCIPAL, OFFICER, Office, PRINCIPAL, STRANGER, UNIT};
use jiff::SignedDuration;
use serde_json::{Value, json};

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn hits(office: &Office, query: &str, more: &str, person: &str) -> Vec<Value> {
    let (status, found) = office.get_as(&format!("/v1/search?q={}{more}", encoded(query)), person);
    assert_eq!(status, 200, "{found}");
    found["hits"].as_array().unwrap().clone()
}

fn numbers(hits: &[Value]) -> Vec<&str> {
    hits.iter().map(|hit| hit["number"].as_str().or(hit["item"].as_str()).unwrap()).collect()
}

#[test]
fn what_is_said_of_a_case_is_found_at_once_and_after_a_restart() {
    let mut office = Office::open();
    let case = office.open_case("III", "𬇙河村路灯不亮", &json!({"concerns": ["何时修复5G基站旁的路灯"]}));
    let other = office.open_case("III", "后山采石扰民", &json!({}));
    let task = json!({"command": "assign-task", "case": other, "kind": "verify", "to": "cuihu", "text": "请核实鹿鸣坡夜间施工"});
    office.act(UNIT, PRINCIPAL, &task);
    let line = json!({"command": "set-line", "case": case, "text": "十月底前全部恢复照明"});
    let asked = office.act(UNIT, OFFICER, &line);
    office.approve(UNIT, PRINCIPAL, &case, &asked);
    office.draft(&case, "关于路灯维修的情况通报:已备齐材料");
    office.item("i1", "网帖:棋盘石栈道护栏松动", SignedDuration::from_mins(5));
    let all_is_found = |office: &Office| {
        for (query, number, part) in [
            ("𬇙河", &case, "title"),
            ("𬇙", &case, "title"),
            ("5g基站", &case, "concern"),
            ("5G基站", &case, "concern"),
            ("恢复照明", &case, "line"),
            ("备齐材料", &case, "response"),
            ("鹿鸣坡 施工", &other, "task"),
            (case.as_str(), &case, "number"),
        ] {
            let found = hits(office, query, "&kind=case", OFFICER);
            assert_eq!(numbers(&found), [number.as_str()], "{query}");
            assert_eq!(found[0]["found_in"], part, "{query}: {found:?}");
        }
        let items = hits(office, "棋盘石", "&kind=item", OFFICER);
        assert_eq!(items.len(), 1, "{items:?}");
        assert_eq!(items[0]["title"], "网帖:棋盘石栈道护栏松动");
        assert!(hits(office, "河𬇙", "", OFFICER).is_empty(), "the order counts");
    };
    all_is_found(&office);
    let marked = hits(&office, "采石", "", OFFICER);
    assert_eq!(
        marked[0]["snippet"],
        json!([{"text": "后山", "hit": false}, {"text": "采石", "hit": true}, {"text": "扰民", "hit": false}])
    );
    for name in ["unit", "level_zh", "state_zh", "at"] {
        assert!(marked[0][name].is_string(), "{name}: {marked:?}");
    }
    let (code, out, error) = office.cli(&["search", "采石", "--as", OFFICER]);
    assert_eq!(code, 0, "{error}");
    assert!(out.contains("后山【采石】扰民") && out.contains(&other), "{out}");
    office.restart();
    all_is_found(&office);
}

#[test]
fn nobody_finds_what_they_may_not_read_and_nobody_searches_above_their_unit() {
    let office = Office::open();
    let secret = office.open_case("III", "信访人住址泄露", &json!({}));
    let close = ["case", "confidentiality", &secret, "--to", "secret", "--reason", "涉及个人隐私", "--as", PRINCIPAL];
    let (code, _, error) = office.cli(&close);
    assert_eq!(code, 0, "{error}");
    let open = office.open_case("III", "信访人反映路灯", &json!({}));
    let task = json!({"command": "assign-task", "case": open, "kind": "verify", "to": "cuihu", "text": "请核实路灯"});
    office.act(UNIT, PRINCIPAL, &task);
    for person in [OFFICER, PRINCIPAL, CITY_PRINCIPAL] {
        assert_eq!(hits(&office, "信访人", "", person).len(), 2, "{person}");
    }
    // Of the city, whose scope both are in, without a role that reads what is secret.
    assert_eq!(numbers(&hits(&office, "信访人", "", "he-ping")), [open.as_str()]);
    assert_eq!(numbers(&hits(&office, "信访人", "", STRANGER)), [open.as_str()], "their unit has a part in it");
    office.open_case("III", "信访人反映停水", &json!({}));
    assert_eq!(numbers(&hits(&office, "信访人", "", STRANGER)), [open.as_str()], "and none in this one");
    assert_eq!(hits(&office, "信访人", &format!("&unit={UNIT}"), CITY_PRINCIPAL).len(), 3);
    for (person, unit) in [(OFFICER, CITY), (STRANGER, UNIT)] {
        let (status, refused) = office.get_as(&format!("/v1/search?q=%E8%AE%BF&unit={unit}"), person);
        assert_eq!(status, 409, "{refused}");
        assert!(refused["detail"].as_str().unwrap().contains("does not stand above"), "{refused}");
    }
}

#[test]
fn a_search_goes_on_where_it_stopped_and_a_bad_one_is_told_what_is_wrong() {
    let office = Office::open();
    let mut opened: Vec<String> =
        (0..7).map(|n| office.open_case("IV", &format!("翠屏街积水第{n}处"), &json!({}))).collect();
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let path = format!("/v1/search?q={}&limit=3{after}", encoded("积水"));
        let (status, page) = office.get_as(&path, OFFICER);
        assert_eq!(status, 200, "{page}");
        seen.extend(numbers(page["hits"].as_array().unwrap()).into_iter().map(str::to_owned));
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    assert_eq!(seen.len(), 7, "each once: {seen:?}");
    opened.sort();
    seen.sort();
    assert_eq!(seen, opened);
    let day = huiyin_clauses::today();
    assert_eq!(hits(&office, "积水", &format!("&from={day}&to={day}"), OFFICER).len(), 7);
    assert!(hits(&office, "积水", "&to=2020-01-01", OFFICER).is_empty());
    for (query, said) in [
        ("q=".to_owned(), "nothing to look for"),
        (format!("q={}", encoded("“积水")), "not closed"),
        (format!("q={}", encoded(&"水".repeat(201))), "at most 200"),
        ("q=a&limit=0".to_owned(), "from 1 to 100"),
        ("q=a&after=x".to_owned(), "`next`"),
        ("q=a&from=2026-02-02&to=2026-02-01".to_owned(), "lies after"),
        ("q=a&unit=nowhere".to_owned(), "no unit nowhere"),
        ("unit=qingfeng".to_owned(), "q"),
    ] {
        let (status, problem) = office.get_as(&format!("/v1/search?{query}"), OFFICER);
        assert!((400..500).contains(&status), "{query}: {problem}");
        assert!(problem["detail"].as_str().unwrap().contains(said), "{query}: {problem}");
    }
    let (code, _, error) = office.cli(&["search", "\"积水", "--as", OFFICER]);
    assert_eq!(code, 2, "{error}");
}
