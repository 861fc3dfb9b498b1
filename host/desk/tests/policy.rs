//! What a policy pack must hold, and how its faults are told.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // tests

mod common;

use common::SAMPLE;
use huiyin_desk::policy::{Change, Occasion, changes};
use huiyin_desk::{Level, PolicyPack, Problem};
use serde_json::{Value, json};

fn problems(change: impl FnOnce(&mut Value)) -> Vec<Problem> {
    let mut pack: Value = serde_json::from_str(SAMPLE).unwrap();
    change(&mut pack);
    let text = serde_json::to_string_pretty(&pack).unwrap();
    PolicyPack::parse(&text, "pack.json").err().unwrap_or_default()
}

/// The one problem that a change makes.
fn problem(change: impl FnOnce(&mut Value)) -> Problem {
    let mut all = problems(change);
    assert_eq!(all.len(), 1, "{all:#?}");
    all.remove(0)
}

fn remove(value: &mut Value, key: &str) {
    value.as_object_mut().unwrap().remove(key);
}

#[test]
fn the_sample_pack_is_good_and_survives_storage() {
    let pack = common::pack();
    assert_eq!((pack.units.len(), pack.root().unwrap().code.as_str()), (7, "linhai"));
    let unset: Vec<&str> = pack.unset().map(|rule| rule.id.as_str()).collect();
    assert_eq!(unset, ["message-47", "message-accept", "hotline-callback", "hotline-answer"]);
    let stored = serde_json::to_string(&pack).unwrap();
    assert_eq!(serde_json::from_str::<PolicyPack>(&stored).unwrap(), pack);
}

#[test]
fn a_unit_without_office_spokesperson_or_principal_is_refused() {
    for (key, clause) in [("office", "clause 3.5a"), ("spokesperson", "clause 5b"), ("principal", "clause 5b")] {
        let found = problem(|pack| remove(&mut pack["units"][1], key));
        assert_eq!(found.pointer, "/units/1");
        assert!(found.message.contains(clause), "{found}");
    }
    let found = problem(|pack| pack["units"][1]["spokesperson"] = json!("nobody"));
    assert!(found.message.contains("clause 5b") && found.pointer == "/units/1/spokesperson", "{found}");
}

#[test]
fn host_16_a_unit_has_figures_for_a_rule_once() {
    let found = problems(|pack| {
        let rule = pack["clocks"][0]["id"].clone();
        pack["units"][1]["clocks"] =
            json!([{ "rule": rule, "allowance": "PT50M" }, { "rule": rule, "allowance": "PT40M" }]);
    });
    assert!(found.iter().any(|p| p.pointer == "/units/1/clocks/1/rule" && p.message.contains("already")), "{found:#?}");
}

#[test]
fn redesign_e_what_changes_between_packs_is_said_in_words() {
    let old = common::pack();
    let mut pack: Value = serde_json::from_str(SAMPLE).unwrap();
    assert_eq!(changes(&old, &old), []);
    pack["version"] = json!("9.0.0");
    pack["units"][1]["people"][0]["name"] = json!("新名");
    pack["floor"]["opens_at"] = json!("III");
    let at = pack["clocks"].as_array().unwrap().iter().position(|clock| clock["id"] == "flash-report").unwrap();
    pack["clocks"][at]["allowance"] = json!("PT50M");
    let new = PolicyPack::parse(&pack.to_string(), "new.json").unwrap();
    let found = changes(&old, &new);
    let said: Vec<_> = found.iter().map(|change| change.said.zh.as_str()).collect();
    assert!(said.iter().any(|zh| zh.contains("版本")), "{said:#?}");
    assert!(said.iter().any(|zh| zh.contains("新名")), "{said:#?}");
    let opens = found.iter().find(|change| change.pointer == "/floor/opens_at").unwrap();
    assert!(opens.said.zh.contains("Ⅱ重大 → Ⅲ较大") && !opens.concerns("qingfeng", Level::I));
    let clock = found.iter().find(|change| change.pointer == format!("/clocks/{at}")).unwrap();
    assert!(clock.said.zh.contains("PT1H → PT50M"), "{}", clock.said.zh);
    assert!(clock.concerns("qingfeng", Level::I) && !clock.concerns("qingfeng", Level::IV));
    let person = found.iter().find(|change| change.pointer == "/units/1/people").unwrap();
    let code = pack["units"][1]["code"].as_str().unwrap();
    assert!(person.concerns(code, Level::IV) && !person.concerns("linhai", Level::IV));
}

/// The one change that is said of the sample pack, changed so.
fn one(change: &dyn Fn(&mut Value)) -> Change {
    let mut pack: Value = serde_json::from_str(SAMPLE).unwrap();
    pack["version"] = json!("9.0.0");
    change(&mut pack);
    let new = PolicyPack::parse(&pack.to_string(), "new.json").unwrap_or_else(|found| panic!("{found:#?}"));
    let mut found = changes(&common::pack(), &new);
    found.retain(|change| change.pointer != "/version");
    assert_eq!(found.len(), 1, "{found:#?}");
    found.remove(0)
}

#[test]
fn redesign_e_every_part_of_a_pack_that_changes_is_said_with_what_it_was_and_is() {
    type Mend = fn(&mut Value);
    // Key, what is changed there, and words that people need to say yes to it.
    let all: [(&str, Mend, &[&str]); 15] = [
        (
            "/closing/0",
            |p| p["closing"][0]["tasks"] = json!(["root-cause"]),
            &["办结条件", "I、II", "root-cause、prevention → root-cause"],
        ),
        (
            "/approvals/1",
            |p| p["approvals"][1]["chain"] = json!([["lead.principal", "parent.principal"]]),
            &[
                "follow-up-report",
                "lead.spokesperson/lead.principal/parent.principal → lead.principal/parent.principal",
                "仍按原审批链",
            ],
        ),
        (
            "/approvals/0",
            |p| p["approvals"][0]["expires"] = json!("PT12H"),
            &["flash-report", "审批有效期 PT24H → PT12H"],
        ),
        (
            "/reporting",
            |p| p["reporting"]["to"] = json!(["lead.principal", "parent.principal"]),
            &["parent.duty → lead.principal、parent.principal"],
        ),
        (
            "/retention/0",
            |p| {
                p["retention"][0]["years"] = json!(3);
                p["retention"][0]["basis"]["status"] = json!("own");
            },
            &["留存年限“items”", "年限 - → 3"],
        ),
        ("/access", |p| p["access"]["secret"] = json!(["principal"]), &["principal、spokesperson → principal"]),
        (
            "/hotline",
            |p| {
                p["hotline"]["answer_rate"] = json!(0.95);
                p["hotline"]["basis"]["status"] = json!("own");
            },
            &["接听率目标 - → 0.95"],
        ),
        ("/coverage/0", |p| p["coverage"][0]["excused"] = json!([]), &["各单位", "免于覆盖 print 取消"]),
        ("/duty/1", |p| p["duty"][1]["slots"][0]["to"] = json!("17:30"), &["qingfeng", "班次 day", "止 18:00 → 17:30"]),
        (
            "/warnings/0",
            |p| p["warnings"][0]["steps"][0]["up"] = json!(6),
            &["fire-topic", "上限 5", "→ 6", "未解除的预警照旧"],
        ),
        ("/publishing", |p| p["publishing"]["channels"][3]["required"] = json!(true), &["board", "必发 否 → 是"]),
        ("/major", |p| p["major"]["levels"] = json!(["I", "II"]), &["等级 I → I、II"]),
        (
            "/disclosure/2",
            |p| p["disclosure"][2]["allowance"] = json!("PT24H"),
            &["social-concern", "期限 PT48H → PT24H", "照旧计时"],
        ),
        (
            "/notify/1",
            |p| p["notify"][1]["tell"] = json!(["lead.duty", "lead.principal"]),
            &["case-opened III、IV", "lead.duty → lead.duty、lead.principal"],
        ),
        ("/responses/1", |p| p["responses"][1]["value"] = json!("respond"), &["回应要求“IV”", "watch → respond"]),
    ];
    for (pointer, mend, words) in all {
        let found = one(&mend);
        assert_eq!(found.pointer, pointer, "{found:#?}");
        for word in words {
            assert!(found.said.zh.contains(word), "{pointer} says `{word}`: {}", found.said.zh);
        }
        assert!(found.said.en.is_some_and(|en| en.contains('→') || en.contains("gone")), "{pointer}");
    }
}

#[test]
fn redesign_e_ladders_a_units_own_warnings_and_new_parts_are_said_and_whom_they_concern() {
    // A ladder, rung by rung; a unit's own warnings; and a part that is there for the first time.
    let ladder = one(&|p| p["clocks"][0]["escalation"] = json!([{"after": "-PT20M", "tell": ["lead.principal"]}]));
    assert!(ladder.said.zh.contains("逐级提醒") && ladder.said.zh.contains("lead.principal"), "{}", ladder.said.zh);
    let warned = one(&|p| p["units"][2]["clocks"][0]["warnings"] = json!(["PT45M", "PT40M"]));
    assert!(
        warned.said.zh.contains("PT40M")
            && warned.concerns("cuihu", Level::I)
            && !warned.concerns("qingfeng", Level::I),
        "{warned:#?}"
    );
    let acts = one(&|p| {
        p["acts"] =
            json!([{"act": "close-case", "roles": ["principal"], "basis": {"source": "本单位自定", "status": "own"}}]);
    });
    assert!(
        acts.pointer == "/acts/0" && acts.said.zh.contains("新增") && acts.said.zh.contains("close-case"),
        "{acts:#?}"
    );
    // Whom it concerns: what holds for open cases, and only of those levels.
    let closing = one(&|p| p["closing"][0]["tasks"] = json!(["root-cause"]));
    assert!(closing.concerns("qingfeng", Level::II) && !closing.concerns("qingfeng", Level::IV));
}

#[test]
fn redesign_e_no_part_of_a_pack_changes_in_silence() {
    let old = common::pack();
    let parts: Vec<String> = match serde_json::to_value(&old).unwrap() {
        Value::Object(members) => members.into_iter().map(|(key, _)| key).collect(),
        other => panic!("{other}"),
    };
    for part in parts.iter().filter(|part| *part != "version") {
        let mut text = serde_json::to_value(&old).unwrap();
        // Its last rule is gone, or the part itself: as a value of the type it may be no pack that is deployed.
        match &mut text[part] {
            Value::Array(all) => drop(all.pop()),
            Value::String(text) => {
                *text = if part == "time_zone" { "Asia/Urumqi".to_owned() } else { format!("{text}x") }
            }
            Value::Object(members) if part == "title" => drop(members.insert("zh".to_owned(), json!("新名"))),
            Value::Object(members) if part == "floor" => drop(members.insert("config".to_owned(), json!({"x": 1}))),
            gone => *gone = Value::Null,
        }
        let new: PolicyPack = serde_json::from_value(text).unwrap_or_else(|error| panic!("{part}: {error}"));
        let found = changes(&old, &new);
        assert!(found.iter().any(|change| change.pointer.starts_with(&format!("/{part}"))), "{part}: {found:#?}");
    }
}

#[test]
fn the_organisation_is_one_tree() {
    let found = problem(|pack| pack["units"][1]["parent"] = json!("nowhere"));
    assert_eq!((found.pointer.as_str(), found.message.as_str()), ("/units/1/parent", "there is no unit `nowhere`"));
    let found = problems(|pack| remove(&mut pack["units"][1], "parent"));
    assert!(found.iter().any(|p| p.pointer == "/units" && p.message.contains("2 units have no parent")), "{found:#?}");
    let found = problems(|pack| {
        pack["units"][1]["parent"] = json!("cuihu");
        pack["units"][2]["parent"] = json!("qingfeng");
    });
    assert!(found.iter().any(|p| p.message == "`qingfeng` stands above itself"), "{found:#?}");
    let found = problem(|pack| remove(&mut pack["units"][0], "superior"));
    assert!(found.message.contains("clause 5c"), "{found}");
    let found = problems(|pack| pack["units"][0]["people"][2]["id"] = json!("gao-yuan"));
    assert!(
        found
            .iter()
            .any(|p| p.pointer == "/units/1/people/0/id" && p.message == "there is a person `gao-yuan` already"),
        "{found:#?}"
    );
}

#[test]
fn the_hour_of_clause_5e_cannot_be_loosened() {
    for (key, value) in [
        ("allowance", json!("PT61M")),
        ("allowance", json!("1wd")),
        ("anchor", json!("opened_at")),
        ("pausable", json!(true)),
        ("satisfied_by", json!("hand")),
        ("levels", json!(["I"])),
    ] {
        let found = problems(|pack| pack["clocks"][0][key] = value.clone());
        let at = format!("/clocks/0/{key}");
        assert!(found.iter().any(|p| p.pointer == at && p.message.starts_with("clause 5e: ")), "{found:#?}");
    }
    let found = problem(|pack| remove(&mut pack["clocks"][0]["basis"], "clause"));
    assert!(found.message.contains("no clock rests on clause 5e"), "{found}");
    let found = problem(|pack| pack["floor"]["opens_at"] = json!("I"));
    assert_eq!(found.pointer, "/floor/opens_at");
}

#[test]
fn a_unit_tightens_and_never_loosens() {
    let found = problem(|pack| pack["units"][1]["clocks"][0]["allowance"] = json!("PT49H"));
    assert_eq!(found.pointer, "/units/1/clocks/0/allowance");
    assert!(found.hint.contains("rule 7"), "{found}");
    // The bound is what holds above, not what the pack says at first.
    let found = problem(|pack| {
        pack["units"][0]["clocks"] = json!([{ "rule": "answer-61", "allowance": "PT24H" }]);
    });
    assert!(found.message.contains("PT36H is longer than the PT24H"), "{found}");
    let found = problem(|pack| pack["units"][1]["clocks"][0]["allowance"] = json!("1wd"));
    assert!(found.message.contains("cannot be compared"), "{found}");
    let pack = common::pack();
    assert_eq!(pack.clock("answer-61", "qingfeng").unwrap().allowance.unwrap().to_string(), "PT36H");
    assert_eq!(pack.clock("answer-61", "cuihu").unwrap().allowance.unwrap().to_string(), "PT48H");
    assert_eq!(pack.clock("flash-report", "cuihu").unwrap().warnings.len(), 3);
}

#[test]
fn levels_and_colours_are_those_of_the_law() {
    let found = problem(|pack| pack["levels"].as_array_mut().unwrap().swap(0, 1));
    assert!(found.message.contains("II, I, III, IV"), "{found}");
    let found = problem(|pack| pack["levels"][0]["colour"] = json!("purple"));
    assert!(found.message.contains("level I is red"), "{found}");
}

#[test]
fn those_whom_the_regulation_names_are_told() {
    let found = problems(|pack| pack["notify"][0]["tell"] = json!(["lead.duty"]));
    let all = found.iter().map(|p| p.message.as_str()).collect::<Vec<_>>().join("\n");
    assert!(all.contains("clause 5b: the spokesperson") && all.contains("clause 5b: the principal"), "{all}");
    let found = problems(|pack| {
        pack["notify"][0]["tell"] = json!(["lead.spokesperson", "lead.principal"]);
        pack["notify"][4]["levels"] = json!(["III"]);
    });
    assert!(found.iter().all(|p| p.message.contains("clause 5c")) && found.len() == 2, "{found:#?}");
    let found = problem(|pack| pack["notify"][1]["tell"][0] = json!("lead.janitor"));
    assert_eq!(found.pointer, "/notify/1/tell/0");
    // Above the root stands its superior.
    let told = common::pack().recipients(Occasion::CaseOpened, Level::I, "linhai", None);
    assert!(told.iter().any(|(to, _)| to.id == "provincial-forestry" && to.unit == "superior"), "{told:?}");
}

#[test]
fn all_faults_are_told_at_once_each_with_its_place() {
    let text = SAMPLE.replace("\"anchor\": \"opened_at\"", "\"anchr\": \"opened_at\"").replace("\"2wd\"", "\"P1M\"");
    let found = PolicyPack::parse(&text, "pack.json").unwrap_err();
    let all: Vec<String> = found.iter().map(ToString::to_string).collect();
    let wrong = all.iter().filter(|p| p.contains("unknown key `anchr`") && p.contains("did you mean `anchor`?"));
    assert_eq!(wrong.count(), text.matches("\"anchr\"").count(), "{all:#?}");
    assert!(all.iter().any(|p| p.contains("no fixed length")), "{all:#?}");
    for problem in &found {
        let line = text.lines().nth(problem.line - 1).unwrap();
        assert!(line.chars().count() >= problem.column, "{problem}");
    }
    let unknown = found.iter().find(|p| p.message.contains("anchr")).unwrap();
    assert!(
        text.lines()
            .nth(unknown.line - 1)
            .unwrap()
            .chars()
            .skip(unknown.column - 1)
            .collect::<String>()
            .starts_with("\"anchr\"")
    );
}

#[test]
fn text_that_is_no_pack_is_refused() {
    for (text, expected) in [
        ("", "pack.json:1:1: this is not JSON: EOF"),
        ("{", "this is not JSON"),
        ("[]", "an object is wanted here, not a list"),
        ("{}", "`format` is missing"),
        ("{\"name\": 1, \"name\": 2}", "this key occurs twice"),
    ] {
        let all: Vec<String> =
            PolicyPack::parse(text, "pack.json").unwrap_err().iter().map(ToString::to_string).collect();
        assert!(all.iter().any(|p| p.contains(expected)), "{text}: {all:#?}");
    }
    let deep = "[".repeat(100_000);
    assert!(PolicyPack::parse(&deep, "pack.json").is_err());
}

/// Every single value of the pack, replaced by something wrong, is either
/// still a pack or refused with a place inside the text. Nothing panics.
#[test]
fn no_wrong_value_anywhere_gets_through_without_a_place() {
    fn pointers(value: &Value, at: String, out: &mut Vec<String>) {
        match value {
            Value::Object(map) => map.iter().for_each(|(k, v)| pointers(v, format!("{at}/{k}"), out)),
            Value::Array(list) => list.iter().enumerate().for_each(|(i, v)| pointers(v, format!("{at}/{i}"), out)),
            _ => {}
        }
        out.push(at);
    }
    let pack: Value = serde_json::from_str(SAMPLE).unwrap();
    let mut all = Vec::new();
    pointers(&pack, String::new(), &mut all);
    let (mut refused, mut shapes) = (0, std::collections::BTreeSet::new());
    for pointer in all {
        // What a classifier is configured with is its own affair.
        if pointer.starts_with("/floor/config") {
            continue;
        }
        // Of values that stand in the same place of a list one is tried with everything, the others with one thing.
        let first = shapes.insert(pointer.replace(|c: char| c.is_ascii_digit(), "#"));
        let wrongs = [json!({ "surprise": true }), json!(0.5), json!([[]]), json!(true), json!("")];
        for wrong in wrongs.into_iter().take(if first { 5 } else { 1 }) {
            let mut bad = pack.clone();
            *bad.pointer_mut(&pointer).unwrap() = wrong.clone();
            let text = serde_json::to_string_pretty(&bad).unwrap();
            let Err(problems) = PolicyPack::parse(&text, "pack.json") else {
                let sound = (wrong == json!(true)
                    && ["/pausable", "/permanent", "/required"].iter().any(|key| pointer.ends_with(key)))
                    || (wrong == json!(0.5) && pointer.ends_with("/down"));
                assert!(sound, "{pointer} = {wrong} was taken");
                continue;
            };
            refused += 1;
            assert!(!problems.is_empty(), "{pointer} = {wrong}");
            assert!(problems.iter().all(|p| p.line <= text.lines().count()), "{problems:#?}");
        }
    }
    assert!(refused > 900, "{refused}");
}

#[test]
fn attack_02_an_allowance_that_is_never_due_is_refused() {
    // With such a rule no case of its levels could be opened, and the items that ask for one were refused.
    for endless in ["P36526D", "P3650000D", "PT876601H", "26101wd", "65535wd"] {
        let found = problem(|pack| {
            let rule = pack["clocks"].as_array_mut().unwrap().iter_mut().find(|rule| rule["id"] == "press-24h");
            rule.unwrap()["allowance"] = json!(endless);
            remove_warnings(pack);
        });
        assert!(found.pointer.ends_with("/allowance") && found.message.contains("hundred years"), "{endless}: {found}");
    }
    let found = problem(|pack| pack["units"][1]["clocks"] = json!([{"rule": "message-47", "allowance": "P3650000D"}]));
    assert_eq!(found.pointer, "/units/1/clocks/0/allowance", "{found}");
    for long in ["P36525D", "26100wd"] {
        let found = problems(|pack| {
            let rule = pack["clocks"].as_array_mut().unwrap().iter_mut().find(|rule| rule["id"] == "press-24h");
            rule.unwrap()["allowance"] = json!(long);
            remove_warnings(pack);
        });
        assert!(found.is_empty(), "{long}: {found:#?}");
    }
}

/// Warnings in elapsed time do not fit to every allowance.
fn remove_warnings(pack: &mut Value) {
    let rules = pack["clocks"].as_array_mut().unwrap();
    rules.iter_mut().filter(|rule| rule["id"] == "press-24h").for_each(|rule| rule["warnings"] = json!([]));
}

#[test]
fn attack_03_the_superior_is_nobody_of_the_pack() {
    for id in ["xu-ming", "lin-guodong"] {
        let found = problem(|pack| pack["units"][0]["superior"]["id"] = json!(id));
        assert_eq!(found.pointer, "/units/0/superior/id", "{found}");
    }
}
