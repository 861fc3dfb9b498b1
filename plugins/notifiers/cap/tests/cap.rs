//! The notifier as a host calls it. With `HUIYIN_CAP_OUT` set the alerts are also written there, for `make cap` to hold
//! them against the schema.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

use huiyin_plugin_cap::CapNotifier;
use huiyin_sdk::http::testing::serve;
use huiyin_sdk::http::{Error as HttpError, Response};
use huiyin_sdk::serde_json::{Value, json};
use huiyin_sdk::{Error, Message, Receipt, testing};

/// 2026-03-01T16:00:00+08:00.
const NOW: u64 = 1_772_352_000_123;
const ID: &str = "99990006400100_20260301160000_0";

fn config() -> Value {
    json!({
        "publisher": "99990006400100", "sender": "duty@linhai.example.cn", "senderName": "林海市林业和草原局",
        "event": "森林火灾", "eventCode": "11B01",
        "area": {"description": "青枫县老鹰岩林区", "regions": ["999921"],
                 "polygons": [[[25.1, 102.5], [25.2, 102.5], [25.2, 102.75], [25.1, 102.5]]]}
    })
}

fn message(cap: Value) -> Message {
    Message {
        subject: "森林火险<橙色>预警 & 提示".to_owned(),
        text: "未来24小时\u{1}风大物燥。\n禁止野外用火。".to_owned(),
        data: json!({"level": "II", "case": "999921-2026-0007", "link": "https://www.linhai.example.cn/y/7?a=1&b=2", "cap": cap}),
        ..Message::default()
    }
}

fn deliver(config: &Value, message: Message) -> Result<Receipt, Error> {
    let receipt = testing::deliver::<CapNotifier>(&testing::context(NOW), &config.to_string(), message)?;
    if let Some(folder) = std::env::var_os("HUIYIN_CAP_OUT") {
        static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let n = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let name = format!("{n}-{}.xml", receipt.id);
        std::fs::write(std::path::Path::new(&folder).join(name), &testing::files()[&format!("{}.xml", receipt.id)])
            .unwrap();
    }
    Ok(receipt)
}

fn written(id: &str) -> String {
    String::from_utf8(testing::files()[&format!("{id}.xml")].clone()).unwrap()
}

fn earlier(id: &str) -> Value {
    json!({"sender": "duty@linhai.example.cn", "identifier": id, "sent": "2026-03-01T08:00:00+08:00"})
}

#[test]
fn cap_a_first_alert_is_whole() {
    let cap = json!({"urgency": "Expected", "certainty": "Likely", "onset": "2026-03-01T20:00:00+08:00",
        "expires": "2026-03-02T20:00:00+08:00", "response": ["Prepare", "Avoid"], "instruction": "发现火情拨打 12119。", "contact": "0999-12119"});
    let receipt = deliver(&config(), message(cap)).unwrap();
    assert_eq!(receipt.id, ID);
    let text = written(ID);
    for line in [
        "<sent>2026-03-01T16:00:00+08:00</sent>",
        "<status>Actual</status>",
        "<msgType>Alert</msgType>",
        "<scope>Public</scope>",
        "<incidents>999921-2026-0007</incidents>",
        "<severity>Severe</severity>",
        "<onset>2026-03-01T20:00:00+08:00</onset>",
        "<headline>森林火险&lt;橙色&gt;预警 &amp; 提示</headline>",
        "<web>https://www.linhai.example.cn/y/7?a=1&amp;b=2</web>",
        "<polygon>25.1,102.5 25.2,102.5 25.2,102.75 25.1,102.5</polygon>",
        "<value>橙色</value>",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(!text.contains('\u{1}') && !text.contains('Z'), "{text}");
    let order = [
        "<identifier>",
        "<sender>",
        "<sent>",
        "<incidents>",
        "<info>",
        "<language>",
        "<category>",
        "<event>",
        "<responseType>",
        "<urgency>",
        "<eventCode>",
        "<onset>",
        "<expires>",
        "<senderName>",
        "<headline>",
        "<web>",
        "<contact>",
        "<parameter>",
        "<area>",
        "<geocode>",
    ];
    let places: Vec<_> = order.iter().map(|name| text.find(name).unwrap()).collect();
    assert!(places.is_sorted(), "{text}");
}

#[test]
fn cap_a_second_try_is_the_same_alert() {
    let first = deliver(&config(), message(json!({}))).unwrap();
    assert_eq!(deliver(&config(), message(json!({}))).unwrap(), first);
    assert_eq!(testing::files().len(), 1);
}

#[test]
fn cap_what_comes_after_names_what_went_before() {
    let before = "99990006400100_20260301080000_0";
    for kind in ["Update", "Cancel", "Ack"] {
        testing::reset();
        deliver(&config(), message(json!({"msgType": kind, "references": [earlier(before), earlier("x-1")]}))).unwrap();
        let line = format!(
            "<references>duty@linhai.example.cn,{before},2026-03-01T08:00:00+08:00 duty@linhai.example.cn,x-1,2026-03-01T08:00:00+08:00</references>"
        );
        assert!(written(ID).contains(&line));
        let result = deliver(&config(), message(json!({"msgType": kind})));
        assert!(matches!(&result, Err(Error::InvalidInput(why)) if why.contains("/references")), "{kind}: {result:?}");
    }
}

#[test]
fn cap_what_the_schema_lets_pass_and_the_standard_does_not_is_refused() {
    let good = earlier("x-1");
    let with = |member: &str, value: &str| {
        let mut reference = good.clone();
        reference[member] = json!(value);
        json!({"msgType": "Update", "references": [reference]})
    };
    let ring = |points: Value| json!({"areas": [{"description": "x", "polygons": [points]}]});
    for (cap, place) in [
        (json!({"references": [good.clone()]}), "/references"),
        (with("identifier", "a b"), "/references/0/identifier"),
        (with("identifier", "a,b"), "/references/0/identifier"),
        (with("identifier", "a<b"), "/references/0/identifier"),
        (with("identifier", ID), "itself"),
        (with("sender", ""), "/references/0/sender"),
        (with("sent", "2026-03-01T00:00:00Z"), "/references/0/sent"),
        (with("sent", "2026-03-01T08:00:00.5+08:00"), "/references/0/sent"),
        (ring(json!([[25.1, 102.5], [25.2, 102.5], [25.1, 102.5]])), "/areas/0/polygons/0"),
        (ring(json!([[25.1, 102.5], [25.2, 102.5], [25.2, 102.6], [25.1, 102.6]])), "not closed"),
        (ring(json!([[102.5, 25.1], [102.5, 25.2], [102.6, 25.2], [102.5, 25.1]])), "latitude comes first"),
        (json!({"areas": [{"description": "x", "circles": [[25.1, 102.5, -1]]}]}), "/areas/0/circles/0"),
        (json!({"areas": [{"description": " "}]}), "/areas/0/description"),
        (json!({"areas": [{"description": "x", "regions": ["99992"]}]}), "/areas/0/regions/0"),
        (json!({"expires": "2026-03-01T15:00:00+08:00"}), "/expires"),
        (json!({"onset": "2026-03-03T00:00:00+08:00", "expires": "2026-03-02T00:00:00+08:00"}), "/expires"),
        (json!({"onset": "明天"}), "/onset"),
        (json!({"msgType": "Error", "references": [good.clone()]}), "/note"),
        (json!({"sequence": 10}), "/sequence"),
        (json!({"urgency": "Soon"}), "/urgency"),
        (json!({"polygon": "x"}), "/polygon"),
    ] {
        let result = deliver(&config(), message(cap.clone()));
        assert!(matches!(&result, Err(Error::InvalidInput(why)) if why.contains(place)), "{cap}: {result:?}");
    }
    assert!(testing::files().is_empty());
}

#[test]
fn cap_settings_are_checked_too() {
    let change = |name: &str, value: Value| {
        let mut config = config();
        config[name] = value;
        config
    };
    for (config, place) in [
        (change("publisher", json!("9999")), "/publisher"),
        (change("sender", json!("值班 室")), "/sender"),
        (change("sender", json!("a,b")), "/sender"),
        (change("event", json!(" ")), "/event"),
        (change("timeoutSeconds", json!(301)), "/timeoutSeconds"),
        (change("headline", json!("{head}")), "/headline"),
    ] {
        let result = deliver(&config, message(json!({})));
        assert!(matches!(&result, Err(Error::InvalidConfig(why)) if why.contains(place)), "{config}: {result:?}");
    }
    for (config, place) in [
        (change("status", json!("Exercise")), "/note"),
        (change("scope", json!("Restricted")), "/restriction"),
        (change("scope", json!("Private")), "/recipients"),
        (change("area", Value::Null), "/areas"),
    ] {
        let result = deliver(&config, message(json!({})));
        assert!(matches!(&result, Err(Error::InvalidInput(why)) if why.contains(place)), "{config}: {result:?}");
    }
    let mut private = message(json!({"note": "春季演练"}));
    private.recipients = vec!["县 应急局".to_owned(), "qingfeng".to_owned()];
    let mut exercise = change("status", json!("Exercise"));
    exercise["scope"] = json!("Private");
    deliver(&exercise, private).unwrap();
    assert!(written(ID).contains("<addresses>&quot;县 应急局&quot; qingfeng</addresses>"));
    assert!(written(ID).contains("<note>春季演练</note>"));
}

#[test]
fn cap_utc_is_written_with_a_minus() {
    let mut utc = config();
    utc["offset"] = json!("Z");
    let receipt = deliver(&utc, message(json!({}))).unwrap();
    assert!(written(&receipt.id).contains("<sent>2026-03-01T08:00:00-00:00</sent>"));
}

#[test]
fn cap_a_platform_takes_it_by_post() {
    testing::secret("cap-token", b"t-1");
    let mut posted = config();
    posted["url"] = json!("https://cap.example.cn/in?unit=1");
    posted["bearer"] = json!(true);
    let run = |answer: Result<Response, HttpError>| {
        let _serving = serve(move |request| {
            assert!(
                request
                    .headers
                    .iter()
                    .any(|(name, value)| name == "authorization" && value == b"Bearer {{secret:cap-token}}")
            );
            assert!(
                request
                    .headers
                    .iter()
                    .any(|(name, value)| name == "content-type" && value.starts_with(b"application/cap+xml"))
            );
            answer.clone()
        });
        testing::deliver::<CapNotifier>(&testing::context(NOW), &posted.to_string(), message(json!({})))
    };
    assert_eq!(run(Ok(Response::new(202, ""))).unwrap().detail, "https://cap.example.cn/in answered 202");
    assert!(matches!(run(Ok(Response::new(503, ""))), Err(Error::Transient(_))));
    assert!(matches!(run(Err(HttpError::Lost("reset".to_owned()))), Err(Error::Unknown(_))));
    assert!(testing::files().is_empty());
}

#[test]
fn cap_the_readmes_example_is_a_configuration() {
    let config = huiyin_sdk::serde_json::from_str(testing::example_of(include_str!("../README.md"))).unwrap();
    deliver(&config, message(json!({}))).unwrap();
}
