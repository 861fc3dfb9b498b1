//! 网民留言办理:责任分工、办理程序、时限.

use huiyin_clauses::{OFFICER, Office, PRINCIPAL, UNIT};
use serde_json::{Value, json};

/// The figures that the sample pack leaves to the operator.
fn with_figures(pack: &mut Value) {
    for clock in pack["clocks"].as_array_mut().unwrap() {
        let figure = match clock["id"].as_str() {
            Some("message-47") => "20wd",
            Some("message-accept") => "2wd",
            _ => continue,
        };
        clock["allowance"] = json!(figure);
        clock["basis"]["status"] = json!("own");
        if clock["id"] == "message-47" {
            clock["extension"] = json!("20wd");
        }
    }
}

fn clock<'c>(case: &'c Value, rule: &str) -> &'c Value {
    case["clocks"].as_array().unwrap().iter().find(|clock| clock["rule"] == rule).unwrap()
}

#[test]
fn a_message_goes_to_the_unit_in_charge_is_accepted_extended_once_by_two_and_answered() {
    let office = Office::with(with_figures);
    let (code, out, error) = office.cli(&[
        "message",
        "receive",
        "--unit",
        UNIT,
        "--text",
        "有人在保护区捕鸟,怎么处理?",
        "--asker",
        "李女士",
        "--phone",
        "13980001234",
        "--duty",
        "野生动物救护",
        "--as",
        OFFICER,
        "--output",
        "json",
    ]);
    assert_eq!(code, 0, "{error}");
    let taken: Value = serde_json::from_str(&out).unwrap();
    let number = taken["case"].as_str().unwrap();
    let receipt = taken["receipt"]["text"].as_str().unwrap();
    assert!(receipt.contains(number) && receipt.contains("翠湖自然保护区管护局"), "{receipt}");
    // Responsibilities: the unit whose duty it is, under clocks of working days.
    let case = office.case(number);
    assert_eq!((&case["kind"], &case["unit"]), (&json!("message"), &json!("cuihu")));
    assert_eq!(clock(&case, "message-47")["allowance"], "20wd");
    assert_eq!(case["came_in"]["phone_tail"], "1234");
    assert!(!case.to_string().contains("13980001234"), "the number itself is not kept");
    // Procedure: accepted by that unit, not by another.
    office.refused(UNIT, OFFICER, &json!({"command": "accept-case", "case": number}));
    let (code, out, error) = office.cli(&["message", "accept", number, "--as", "bai-ling"]);
    assert_eq!(code, 0, "{error}");
    assert!(out.contains("受理"), "{out}");
    assert_eq!(clock(&office.case(number), "message-accept")["state"], "satisfied");
    // One extension, with a reason and a second person.
    let extend = ["message", "extend", number, "--clock", "message-47", "--reason", "须现场勘验", "--as", "bai-ling"];
    let (code, hash, error) = office.cli(&extend);
    assert_eq!(code, 0, "{error}");
    let before = clock(&office.case(number), "message-47")["due_at"].clone();
    // Its first characters are enough.
    let approve = |person: &str| office.cli(&["case", "approve", number, &hash.trim()[..8], "--as", person]).0;
    assert_ne!(approve("bai-ling"), 0, "nobody approves what they asked for");
    assert_eq!(approve("shi-lei"), 0);
    assert_ne!(clock(&office.case(number), "message-47")["due_at"], before);
    assert_ne!(office.cli(&extend).0, 0, "there is no second extension");
    // Answered, to the asker by name, and closed.
    let answer = [
        "case",
        "answer",
        number,
        "--text",
        "已立案查处。",
        "--channel",
        "留言板",
        "--asker",
        "李女士",
        "--as",
        "bai-ling",
    ];
    let (code, _, error) = office.cli(&answer);
    assert_eq!(code, 0, "{error}");
    assert_eq!(office.cli(&["case", "close", number, "--as", "bai-ling"]).0, 0);
}

#[test]
fn a_file_of_messages_is_taken_in_row_by_row_and_once() {
    let office = Office::with(with_figures);
    let file = office.folder.path().join("留言.csv");
    // GB18030, a row over two lines, and one that says nothing.
    let text = "编号,标题,内容,姓名,留言时间\r\nA1,采伐证,\"怎么办理?\r\n要多久?\",张三,2026-03-01 08:30\r\nA2,空,,李四,2026-03-01 09:00\r\nA3,补偿,标准是多少,王五,昨天\r\nA4,路灯,何时修好,赵六,2026/3/1 9:30\r\n";
    let (bytes, _, _) = encoding_rs::GB18030.encode(text);
    std::fs::write(&file, &bytes).unwrap();
    let mut import = vec![
        "message",
        "receive",
        "--unit",
        UNIT,
        "--file",
        file.to_str().unwrap(),
        "--as",
        OFFICER,
        "--output",
        "json",
    ];
    // A board as people call it.
    import.extend(["--source", "省留言板"]);
    let (code, out, error) = office.cli(&import);
    assert_eq!(code, 1, "some rows were refused: {error}");
    let done: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&done["taken"], &done["refused"]), (&json!(2), &json!(2)), "{done}");
    let rejects = std::fs::read_to_string(office.folder.path().join("留言.csv.rejects.csv")).unwrap();
    assert!(rejects.contains("\n4,the message says nothing") && rejects.contains("\n5,`昨天` is no time"), "{rejects}");
    let case = office.case(done["items"][0]["case"].as_str().unwrap());
    assert_eq!(case["times"]["occurred"], "2026-03-01T00:30:00Z");
    assert_eq!(case["items"][0]["text"], "怎么办理?\n要多久?");
    let (_, out, _) = office.cli(&import);
    let again: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&again["taken"], &again["seen"]), (&json!(0), &json!(2)), "{again}");
    let (code, out, error) = office.cli(&["message", "list", "--unit", UNIT, "--as", PRINCIPAL]);
    assert_eq!(code, 0, "{error}");
    assert!(out.contains("采伐证") && out.contains("待受理"), "{out}");
}
