//! 网上发布信息、组织专家解读、召开新闻发布会、接受媒体专访.

use huiyin_clauses::{OFFICER, Office, UNIT};
use serde_json::json;

#[test]
fn each_of_the_four_kinds_has_the_fields_that_it_needs() {
    let office = Office::open();
    let case = office.open_case("III", "老鹰岩山火", &json!({}));
    let forms = [
        json!({"kind": "online", "title": "情况通报"}),
        json!({"kind": "expert", "title": "山火之后", "expert": "林教授", "position": "省林科院研究员"}),
        json!({"kind": "press-conference", "title": "发布会", "venue": "县政府", "held_at": "2026-12-01T02:00:00Z", "speakers": ["唐雪"]}),
        json!({"kind": "interview", "outlet": "省日报", "interviewer": "记者甲", "interviewee": "高原,局长"}),
    ];
    let draft = |form: &serde_json::Value| json!({"command": "draft-response", "case": case, "form": form, "text": "火已扑灭。"});
    for form in &forms {
        for key in form.as_object().unwrap().keys().filter(|key| *key != "kind") {
            let mut short = form.clone();
            short.as_object_mut().unwrap().remove(key);
            let (status, problem) = office.post(&format!("/v1/units/{UNIT}/commands"), OFFICER, &draft(&short));
            assert_eq!(status, 400, "{problem}");
            assert!(problem["detail"].as_str().unwrap().contains(key), "{key}: {problem}");
        }
        office.act(UNIT, OFFICER, &draft(form));
    }
    let shown = office.case(&case);
    let kinds: Vec<_> =
        shown["responses"].as_array().unwrap().iter().map(|response| response["kind_zh"].clone()).collect();
    assert_eq!(kinds, ["网上发布", "专家解读", "新闻发布会", "媒体专访"]);
    let data = office.data();
    let short = [
        "response",
        "draft",
        &case,
        "--kind",
        "interview",
        "--text",
        "x",
        "--as",
        OFFICER,
        "--data",
        data.to_str().unwrap(),
    ];
    let (code, _, error) = office.cli(&short);
    assert!(code == 2 && error.contains("outlet"), "{error}");
}
