//! 推进政务微博、微信与政府网站的联动和互补.

use huiyin_clauses::{OFFICER, Office, UNIT};
use serde_json::json;

#[test]
fn the_same_text_stands_on_every_channel_with_proof_and_one_that_differs_or_is_missing_is_named() {
    let office = Office::open();
    let case = office.open_case("III", "老鹰岩山火", &json!({}));
    let hash = office.published(&case, "火已扑灭,无人员伤亡。");
    let prove = |channel: &str, text: &str| {
        json!({"command": "record-publication", "case": case, "hash": hash, "channel": channel,
               "url": format!("https://{channel}.example/1"), "text": text})
    };
    let mut bare = prove("website", "火已扑灭,无人员伤亡。");
    bare.as_object_mut().unwrap().remove("url");
    assert!(office.refused(UNIT, OFFICER, &bare).contains("3.5e"));
    office.act(UNIT, OFFICER, &prove("weibo", "火已扑灭。"));
    assert_ne!(office.case(&case)["state"], "answered", "another text is no answer");
    let file = office.folder.path().join("page.png");
    std::fs::write(&file, b"a picture of the page").unwrap();
    let data = office.data();
    let (data, file) = (data.to_str().unwrap(), file.to_str().unwrap());
    let by_file = [
        "response",
        "proof",
        &case,
        &hash,
        "--channel",
        "website",
        "--file",
        file,
        "--text",
        "火已扑灭, 无人员伤亡。\n",
        "--as",
        OFFICER,
        "--data",
        data,
    ];
    let (code, out, error) = office.cli(&by_file);
    assert!(code == 0 && out.contains("待发布渠道 weibo、wechat"), "{out}{error}");
    let shown = office.case(&case);
    assert_eq!(shown["state"], "answered");
    let response = &shown["responses"][0];
    assert_eq!((&response["missing"], &response["differing"]), (&json!(["weibo", "wechat"]), &json!(["weibo"])));
    assert_eq!(office.clock(&case, "channels.r1")["state"], "running");
    for channel in ["weibo", "wechat"] {
        office.act(UNIT, OFFICER, &prove(channel, "火已扑灭,无人员伤亡。"));
    }
    assert_eq!(office.clock(&case, "channels.r1")["state"], "satisfied");
    assert_eq!(office.get("/v1/responses?unit=qingfeng")["responses"], json!([]));
    let all = office.get("/v1/responses?unit=qingfeng&all=true");
    assert_eq!(all["responses"][0]["state"], "published");
}
