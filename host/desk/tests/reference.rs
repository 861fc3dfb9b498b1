//! `docs/reference/core-functions.md` is generated: of the schemas of the core functions, of the commands of
//! persons, and of the events that the golden facts make. This compares it with what the code says.
//!
//! `HUIYIN_WRITE=1 cargo test -p huiyin-desk --test reference` writes it anew.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // tests

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;

use huiyin_desk::{Act, Command, Desk, Fact, core_command, core_functions};
use serde_json::{Map, Value, json};

const CASE: &str = "99992106400200_20260301083000_1";
const ITEM: &str = "01900000-0000-7000-8000-000000000001";

/// An input of each core function that the function itself takes.
fn example(name: &str) -> Option<Value> {
    Some(match name {
        "record-assessment" => json!({
            "item": ITEM, "classifier": "risk-level:0.1.0",
            "verdict": {
                "level": "II", "score": 0.75, "factors": {"content": 0.94}, "labels": ["谣言"],
                "reasons": ["内容0.94：森林草原火情（“山火”，0.80）"],
            },
        }),
        "open-case" => json!({"item": ITEM, "concerns": ["有无人员伤亡"]}),
        "attach-item" => json!({"case": CASE, "item": ITEM}),
        "start-clock" => json!({"case": CASE, "rule": "answer"}),
        "satisfy-clock" => json!({"case": CASE, "clock": "verify", "evidence": "现场核查记录 2026-17"}),
        "pause-clock" => {
            json!({"case": CASE, "clock": "supervision", "kind": "consulting", "reason": "征求县级意见"})
        }
        "resume-clock" => json!({"case": CASE, "clock": "supervision"}),
        "acknowledge-escalation" => json!({"case": CASE, "clock": "flash-report", "note": "已电话督促"}),
        "draft-report" => {
            json!({"case": CASE, "stage": "flash", "facts": [{"text": "青枫县老鹰岩发现明火。", "evidence": [ITEM]}]})
        }
        "submit-report" => json!({"case": CASE, "stage": "flash", "draft": "0123456789abcdef0123456789abcdef"}),
        "record-answer" => json!({
            "case": CASE, "text": "火已扑灭，无人员伤亡。", "channel": "政府网站", "proof": "https://gov.example.cn/1",
            "concerns": [{"concern": "c1", "text": "无人员伤亡。"}],
        }),
        "record-time" => json!({"case": CASE, "milestone": "verified", "time": "2026-03-01T10:00:00+08:00"}),
        "record-delivery" => json!({
            "case": CASE, "notification": "n1", "outcome": "delivered", "channel": "webhook", "receipt": "r-1",
        }),
        "close-case" => json!({"case": CASE, "note": "已回访"}),
        "assign-task" => json!({"case": CASE, "kind": "verify", "to": "cuihu", "text": "请核实火点", "allow": "PT2H"}),
        "accept-task" => json!({"case": CASE, "task": "t1"}),
        "transfer-task" => json!({"case": CASE, "task": "t1", "to": "forest-fire", "reason": "属火情调度"}),
        "return-task" => json!({"case": CASE, "task": "t1", "reason": "不属保护区范围"}),
        "feed-back-task" => json!({"case": CASE, "task": "t1", "text": "火点属实", "evidence": ["照片 3 张"]}),
        "withdraw-task" => json!({"case": CASE, "task": "t1", "reason": "已另行核实"}),
        "route-case" => json!({"case": CASE, "duty": "野生动物救护", "reason": "谁主管、谁负责"}),
        "record-contact" => json!({"case": CASE, "with": "村民代表", "channel": "visit", "text": "已入户说明"}),
        "record-evidence" => json!({
            "case": CASE, "kind": "document", "text": "瞭望塔值班记录", "reference": "记字 2026-17 号",
        }),
        "record-receipt" => json!({"case": CASE, "report": "r1", "addressee": "linhai", "by": "何平"}),
        "record-bypass" => json!({
            "case": CASE, "from": "村委会", "to": "市应急局", "channel": "电话", "text": "直接通报了火情",
        }),
        "assess-case" => json!({
            "case": CASE, "nature": "谣言", "trend": "转发趋缓", "risks": ["群众恐慌"], "opinion": "两小时内发布权威信息",
            "value": "respond", "reason": "涉及人身安全",
        }),
        "record-risk" => json!({"case": CASE, "part": "survey", "text": "走访 120 户,九成支持", "evidence": ["v1"]}),
        "open-gate" => json!({"case": CASE}),
        "delegate" => json!({"to": "he-ping", "until": "2026-03-08T00:00:00+08:00", "reason": "外出培训"}),
        "revoke-delegation" => json!({"delegation": "g1", "reason": "提前返岗"}),
        "record-offline-event" => json!({"case": CASE, "text": "村口聚集"}),
        "read-desk" => json!({"from": "2026-03-01", "to": "2026-03-31", "kinds": ["message"]}),
        "record-log" => json!({
            "kind": "daily", "to": "2026-03-01", "sections": [{"name": "概况", "text": "本日无新增信息、办件和来电。"}],
        }),
        "issue-log" => json!({"log": "special-1", "hash": "the hash that `record-log` gave"}),
        "set-confidentiality" => json!({"case": CASE, "to": "secret", "reason": "涉及个人隐私"}),
        "merge-cases" => json!({"case": CASE, "from": "99992106400200_20260301090000_1", "reason": "同一火点"}),
        "split-case" => json!({"case": CASE, "title": "补偿标准", "askers": ["来电人乙"], "reason": "另一事项"}),
        "link-cases" => json!({"case": CASE, "other": "99992206400300_20260301090000_1", "reason": "同一水系"}),
        "accept-case" => json!({"case": CASE, "note": "已转林政股"}),
        "extend-clock" => json!({"case": CASE, "clock": "message-47", "reason": "须现场勘验"}),
        "record-callback" => json!({"case": CASE, "reached": true, "text": "已说明采伐证办理流程"}),
        "set-roster" => json!({
            "unit": "qingfeng", "reason": "国庆值班",
            "slots": [{"id": "day", "days": ["mon", "tue"], "from": "08:00", "to": "20:00", "people": ["xu-ming"]}],
        }),
        "swap-duty" => json!({"unit": "qingfeng", "slot": "day@2026-03-02", "people": ["tang-xue"], "reason": "代班"}),
        "check-in" => json!({"unit": "qingfeng"}),
        "finish-patrol" => json!({
            "patrol": "qingfeng.round@2026-03-01T15:00", "seen": [{"text": "论坛无异常", "url": "http://bbs.example/"}],
        }),
        "set-label" => json!({"item": ITEM, "label": "rumour", "remove": true, "reason": "经核实属实"}),
        "acknowledge-warning" => json!({"warning": "qingfeng.w1", "note": "已知"}),
        "feed-back-warning" => json!({"warning": "qingfeng.w1", "text": "已派人核查", "case": CASE}),
        "share" => json!({"case": CASE, "to": "emergency", "scope": "summary", "reason": "联合处置"}),
        "revoke-share" => json!({"share": format!("{CASE}.s1"), "reason": "处置完毕"}),
        "read-shared" => json!({"share": format!("{CASE}.s1")}),
        _ => return of_responses(name),
    })
}

/// The same for lines, responses, major matters and disclosure.
fn of_responses(name: &str) -> Option<Value> {
    let hash = "0123456789abcdef0123456789abcdef";
    Some(match name {
        "set-line" => json!({
            "case": CASE, "text": "火已扑灭，无人员伤亡，原因正在调查。", "required": ["无人员伤亡"], "forbidden": ["人为纵火"],
            "figures": [{"name": "过火面积", "value": "12公顷"}],
        }),
        "draft-response" => json!({
            "case": CASE, "form": {"kind": "online", "title": "关于老鹰岩山火的情况通报"}, "text": "火已扑灭，无人员伤亡。",
            "answers": [{"concern": "c1", "text": "无人员伤亡。"}], "touches": ["forest-fire"],
        }),
        "check-response" => json!({"case": CASE, "hash": hash, "passed": true, "basis": "不涉密，依法应当公开"}),
        "submit-response" | "publish-response" => json!({"case": CASE, "hash": hash}),
        "cosign-response" => json!({"case": CASE, "hash": hash, "unit": "forest-fire", "agree": true}),
        "record-publication" => json!({
            "case": CASE, "hash": hash, "channel": "website", "url": "https://gov.example.cn/1", "text": "火已扑灭，无人员伤亡。",
        }),
        "correct-response" => json!({
            "case": CASE, "response": "r1", "reason": "过火面积有误", "text": "更正：过火面积为13公顷。",
        }),
        "declare-major" => json!({"case": CASE, "reason": "火势逼近村庄，网上大量转发"}),
        "acknowledge-notice" => json!({"case": CASE}),
        "appoint-commander" => json!({"case": CASE, "person": "gao-yuan"}),
        "set-plan" => json!({"case": CASE, "text": "统一调度，统一发布，每两小时通报一次。"}),
        "release-publishing" => json!({"case": CASE, "unit": "forest-fire", "reason": "现场救援情况由其发布"}),
        "end-major" => json!({"case": CASE, "reason": "火已扑灭，舆情平息"}),
        "open-disclosure" => json!({"unit": "qingfeng", "kind": "social-concern", "title": "老鹰岩山火处置情况"}),
        "publish-disclosure" => json!({
            "disclosure": "qingfeng-d1", "text": "火已扑灭。", "channel": "website", "proof": "https://gov.example.cn/2",
        }),
        "check-disclosure" => json!({
            "disclosure": "qingfeng-d1", "checks": {"complete": true, "objective": true, "accurate": true},
        }),
        _ => return None,
    })
}

/// A command of each kind that only persons give.
fn of_persons() -> Vec<(&'static str, Value)> {
    vec![
        ("Adds what is asked (clause 1c).", json!({"command": "add-concern", "case": CASE, "text": "有无人员伤亡"})),
        (
            "Sets the level, up or down, with a reason (rule 7).",
            json!({"command": "set-level", "case": CASE, "level": "III", "reason": "核实无伤亡"}),
        ),
        (
            "Corrects when it happened, with a reason (rule 5).",
            json!({
                "command": "correct-occurred-at", "case": CASE, "occurred_at": "2026-03-01T00:10:00Z",
                "reason": "瞭望塔记录为准",
            }),
        ),
        (
            "Proposes not to answer (clause 1i).",
            json!({"command": "propose-no-response", "case": CASE, "reason": "同一谣言已统一回应"}),
        ),
        (
            "Another person approves exactly that (rule 9).",
            json!({"command": "approve-no-response", "case": CASE, "hash": "the hash that the proposal gave"}),
        ),
        (
            "A second person confirms exactly what waits under a hash, and so carries it out (rule 9).",
            json!({"command": "approve", "case": CASE, "hash": "the hash that was given under `pending`"}),
        ),
        (
            "The author withdraws what waits under a hash, or a second person says no.",
            json!({
                "command": "decline", "case": CASE, "hash": "the hash that was given under `pending`",
                "reason": "没有通话记录",
            }),
        ),
    ]
}

fn pretty(value: &Value) -> String {
    format!("```json\n{}\n```\n", serde_json::to_string_pretty(value).unwrap())
}

/// What a schema's `$ref` stands for.
fn resolved<'a>(schema: &'a Value, root: &'a Value) -> &'a Value {
    match schema.get("$ref").and_then(Value::as_str).and_then(|place| place.strip_prefix('#')) {
        Some(pointer) => root.pointer(pointer).expect("a reference within the schema"),
        None => schema,
    }
}

/// A schema's type in words.
fn words(schema: &Value, root: &Value) -> String {
    let schema = resolved(schema, root);
    let code = |value: &Value| format!("`{}`", value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        return values.iter().map(code).collect::<Vec<_>>().join(", ");
    }
    if let Some(value) = schema.get("const") {
        return code(value);
    }
    for several in ["anyOf", "oneOf"] {
        if let Some(list) = schema.get(several).and_then(Value::as_array) {
            return list.iter().map(|one| words(one, root)).collect::<Vec<_>>().join(" or ");
        }
    }
    let format = schema.get("format").and_then(Value::as_str);
    let one = |name: &str| match (name, format) {
        ("string", Some("date-time")) => "time, RFC 3339".to_owned(),
        ("string", Some(format)) => format.to_owned(),
        ("string", None) => "text".to_owned(),
        ("array", _) => format!("list of {}", schema.get("items").map_or("anything".to_owned(), |of| words(of, root))),
        (name, _) => name.to_owned(),
    };
    match schema.get("type") {
        Some(Value::String(name)) => one(name),
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).map(one).collect::<Vec<_>>().join(" or "),
        _ => "anything".to_owned(),
    }
}

/// The members of an object, and of the objects in it.
fn members(schema: &Value, root: &Value, before: &str, depth: usize, out: &mut String) {
    let schema = resolved(schema, root);
    let required: BTreeSet<&str> =
        schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    for (name, member) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let inner = resolved(member, root);
        let said = [member, inner].iter().find_map(|one| one.get("description")).and_then(Value::as_str);
        let said = said.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|");
        let needed = if required.contains(name.as_str()) { "yes" } else { "" };
        let _ = writeln!(out, "| `{before}{name}` | {} | {needed} | {said} |", words(member, root));
        if depth < 2 {
            let list = inner.get("items").map(|of| resolved(of, root)).filter(|of| of.get("properties").is_some());
            match list {
                Some(of) => members(of, root, &format!("{before}{name}[]."), depth + 1, out),
                None if inner.get("properties").is_some() => {
                    members(inner, root, &format!("{before}{name}."), depth + 1, out);
                }
                None => {}
            }
        }
    }
}

fn table(schema: &Value) -> String {
    let mut rows = String::new();
    members(schema, schema, "", 0, &mut rows);
    if rows.is_empty() {
        "Nothing.\n".to_owned()
    } else {
        format!("| member | type | always | |\n|---|---|---|---|\n{rows}")
    }
}

/// What members of events were seen to be.
fn seen(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(text) if text.parse::<jiff::Timestamp>().is_ok() => "time, RFC 3339",
        Value::String(_) => "text",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    }
}

fn events(out: &mut String) {
    let golden = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/facts.v1.jsonl");
    let golden = std::fs::read_to_string(golden).unwrap();
    let facts = golden.lines().map(|line| serde_json::from_str::<Fact>(line).unwrap());
    let mut kinds: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    let mut desk = Desk::new();
    for fact in facts {
        desk.apply(&fact);
        let Some(event) = desk.event(&fact) else { continue };
        let whole = json!({"type": event.kind, "subject": event.subject, "data": event.data});
        kinds.entry(event.kind).or_default().push(whole);
    }
    assert!(kinds.len() >= 12, "the golden facts make {} kinds of events", kinds.len());
    for (kind, all) in kinds {
        let mut types: BTreeMap<&String, BTreeSet<&str>> = BTreeMap::new();
        for data in all.iter().filter_map(|event| event["data"].as_object()) {
            for (name, value) in data {
                types.entry(name).or_default().insert(seen(value));
            }
        }
        let _ = write!(out, "\n### {kind}\n\n| member of `data` | type |\n|---|---|\n");
        let named = all[0]["data"].as_object().map(Map::keys).into_iter().flatten();
        let others = types.keys().copied().filter(|name| all[0]["data"].get(name.as_str()).is_none());
        for name in named.chain(others) {
            let types: Vec<&str> = types[name].iter().copied().collect();
            let _ = writeln!(out, "| `{name}` | {} |", types.join(" or "));
        }
        let _ = write!(out, "\n{}", pretty(&all[0]));
    }
}

fn page() -> String {
    let mut out = String::from(
        "# Core functions, commands and events\n\n\
         <!-- Generated by host/desk/tests/reference.rs; `HUIYIN_WRITE=1 cargo test -p huiyin-desk --test reference` writes it anew. -->\n\n\
         This page is generated from the schemas in the code; a test compares the two.\n\n\
         - [Core functions](#core-functions): how workflows act on the desk, `call: NAME:VERSION@default` with this input under `with`.\n\
         - [Commands of persons](#commands-of-persons): beside the core functions, which persons may give as commands, too.\n\
         - [Events](#events): what a workflow hears by `listen` or `schedule.on`, as CloudEvents.\n\n\
         `always` says that a member has to be given, or is always there.\n\n## Core functions\n",
    );
    for function in core_functions() {
        let (name, schema) = (function.name, &function.input_schema);
        let _ = write!(out, "\n### {name}:{}\n\n", function.version);
        if let Some(said) = schema.get("description").and_then(Value::as_str) {
            let _ = write!(out, "{said}\n\n");
        }
        let _ = write!(out, "Input:\n\n{}\nOutput:\n\n{}", table(schema), table(&function.output_schema));
        let input = example(name)
            .unwrap_or_else(|| panic!("{name} is new: write an example of its input into `example` of this test"));
        core_command(name, &input).unwrap_or_else(|error| panic!("the example of {name} is refused: {error}"));
        let call = json!({"call": format!("{name}:{}@default", function.version), "with": input});
        let _ = write!(out, "\n{}", pretty(&call));
    }
    out.push_str(
        "\n## Commands of persons\n\n`POST /v1/units/{unit}/commands` ([api.md](api.md)) and the command line take these, and \
         each core function as `{\"command\": NAME, …}` with its input's members beside.\n",
    );
    for (said, command) in of_persons() {
        let read: Command = serde_json::from_value(command.clone()).unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), command);
        let _ = write!(out, "\n### {}\n\n{said}\n\n", command["command"].as_str().unwrap());
        out.push_str("| member | type |\n|---|---|\n");
        for (name, value) in command.as_object().unwrap().iter().filter(|(name, _)| *name != "command") {
            let _ = writeln!(
                out,
                "| `{name}` | {} |",
                if name == "level" { "`I`, `II`, `III`, `IV`" } else { seen(value) }
            );
        }
        let _ = write!(out, "\n{}", pretty(&command));
    }
    out.push_str(
        "\n## Events\n\nEach is a CloudEvent; `id`, `source`, `time` and `specversion` are the engine's. The examples are of the \
         golden facts of the desk's tests.\n",
    );
    events(&mut out);
    out
}

#[test]
fn part_7_the_reference_is_what_the_code_says() {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/core-functions.md");
    let page = page();
    if std::env::var_os("HUIYIN_WRITE").is_some() {
        std::fs::write(&file, &page).unwrap();
    }
    let there = std::fs::read_to_string(&file).unwrap_or_default();
    let at = there.lines().zip(page.lines()).take_while(|(a, b)| a == b).count();
    assert!(
        there == page,
        "docs/reference/core-functions.md is not what the code says, from line {} on; \
         `HUIYIN_WRITE=1 cargo test -p huiyin-desk --test reference` writes it anew",
        at + 1
    );
}

/// Acts of persons that have paths of their own in the API.
const OF_PATHS: [&str; 9] = [
    "receive",
    "import-calls",
    "start-run",
    "control-run",
    "send-event",
    "deploy",
    "bind",
    "pause-schedule",
    "rewind-source",
];

#[test]
fn attack_01_every_command_that_persons_may_give_is_read() {
    for name in Act::names_of_persons().filter(|name| !OF_PATHS.contains(name)) {
        let of_persons = of_persons().into_iter().map(|(_, given)| given).find(|given| given["command"] == name);
        let of_functions = || {
            example(name).map(|mut given| {
                given["command"] = json!(name);
                given
            })
        };
        let given = of_persons.or_else(of_functions).unwrap_or_else(|| panic!("`{name}` has no example here"));
        let read = Command::read(&given).unwrap_or_else(|error| panic!("`{name}` is not read: {error}"));
        assert_eq!(read, serde_json::from_value(given.clone()).unwrap(), "`{name}` is read as another command");
        assert_eq!(Act::of(&read).name(), name);
        let mut strange = given;
        strange["strange"] = json!(1);
        let refused = Command::read(&strange).expect_err("a key that nobody knows");
        assert_eq!(refused.pointer.as_deref(), Some("/strange"), "`{name}`: {refused}");
    }
}
