//! The admin's settings of the way out, at the engine's surface: a proxy for
//! workflows, plugins and lifecycle sinks, paces, the errors of wrong settings.

// Clippy's settings for tests do not reach helper functions of integration tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use huiyin_engine::secrets::vault::Vault;
use huiyin_flow::{ErrorKind, FlowError};
use huiyin_tests::house::{House, submission, until};
use jiff::Timestamp;
use serde_json::{Value, json};

type Heard = Arc<Mutex<Vec<String>>>;

fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0_u8];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|n| n == 1) {
        head.push(byte[0]);
    }
    String::from_utf8_lossy(&head).into_owned()
}

/// Gives the port, and what was heard: whatever is asked is answered with `{}`.
fn place() -> (u16, Heard) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = Heard::default();
    let noted = heard.clone();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let noted = noted.clone();
            std::thread::spawn(move || {
                noted.lock().unwrap().push(head(&mut stream));
                let answer = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
                drop(stream.write_all(answer.as_bytes()));
                // What is still to come of the request is read, so that nothing is reset.
                drop(std::io::copy(&mut stream, &mut std::io::sink()));
            });
        }
    });
    (port, heard)
}

fn with(tasks: &Value, grant: &Value) -> House {
    let mut house = House::with(&["jq"]).unwrap();
    house.workflow("ask", &[], &json!({"do": tasks})).unwrap();
    house.config.grants.push(serde_json::from_value(json!({"workflow": "tests/ask", "grant": grant})).unwrap());
    house
}

fn get(uri: &str) -> Value {
    json!([{"ask": {"call": "http", "with": {"method": "get", "endpoint": {"uri": uri}}}}])
}

#[tokio::test(flavor = "multi_thread")]
async fn workflows_and_sinks_leave_through_the_proxy_with_its_login() {
    let (port, heard) = place();
    let grant = json!({"http": [{"origin": "http://far.example.cn"}]});
    let mut house = with(&get("http://far.example.cn/news?page=1"), &grant);
    Vault::at(&house.data()).set("gate", &b"open sesame".to_vec().into(), Timestamp::now()).unwrap();
    house.config.egress = serde_json::from_value(json!({
        "proxy": {"url": format!("http://127.0.0.1:{port}"), "user": "huiyin", "password": "gate"},
    }))
    .unwrap();
    house.config.lifecycle = serde_json::from_value(json!({
        "sinks": [{"name": "watch", "uri": "http://sink.example.cn/events"}],
    }))
    .unwrap();
    let engine = house.on_disk().await.unwrap();
    let end = engine.run(submission("ask", json!({}))).await.unwrap();
    assert_eq!(end.status, "completed", "{}", end.result);
    let told = || heard.lock().unwrap().iter().any(|head| head.starts_with("POST http://sink.example.cn:80/events "));
    until("the sink's event at the proxy", async || Ok(told().then_some(()))).await.unwrap();
    engine.stop().await.unwrap();
    let heard = heard.lock().unwrap();
    assert!(heard.iter().any(|head| head.starts_with("GET http://far.example.cn:80/news?page=1 ")), "{heard:?}");
    // A connection that the end of the host cut off before anything was said has none.
    for head in heard.iter().filter(|head| !head.is_empty()) {
        assert!(head.contains("proxy-authorization: Basic aHVpeWluOm9wZW4gc2VzYW1l\r\n"), "{head}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workflow_over_its_pace_gets_429_and_the_setting() {
    let (port, heard) = place();
    let origin = format!("http://127.0.0.1:{port}");
    let grant = json!({"http": [{"origin": origin}], "allow_addresses": ["127.0.0.1/32"]});
    let mut house = with(&get(&format!("{origin}/x")), &grant);
    house.config.egress = serde_json::from_value(json!({"perPlugin": {"perSecond": 1, "burst": 1}})).unwrap();
    house.limits = Some(huiyin_sandbox::Limits { wall_ms: 400, ..Default::default() });
    let engine = house.in_memory().await.unwrap();
    let ends = futures::future::join_all((0..3).map(|_| engine.run(submission("ask", json!({}))))).await;
    let ends: Vec<_> = ends.into_iter().map(Result::unwrap).collect();
    let second = ends.iter().find(|end| end.status == "faulted").unwrap();
    let error: FlowError = serde_json::from_value(second.result.clone()).unwrap();
    assert!(error.is(ErrorKind::Communication) && error.status == 429, "{error}");
    let text = error.to_string();
    assert!(
        text.contains("`tests/ask`")
            && text.contains("egress.perPlugin.perSecond")
            && text.contains("try again in 1 s"),
        "{text}"
    );
    assert_eq!(heard.lock().unwrap().len(), 1);
    engine.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_is_wrong_is_said_at_once_and_nothing_is_made() {
    let mut house = with(&json!([{"a": {"set": {"b": 1}}}]), &json!({}));
    house.config.egress = serde_json::from_value(json!({
        "resolve": {"a b": "127.0.0.1"}, "dns": ["10.0.0.53", "dns.example.cn"], "roots": ["missing.pem"],
        "proxy": {"url": "http://127.0.0.1:1", "noProxy": ["ok.example.cn", "*"], "user": "a:b", "password": "gate"},
    }))
    .unwrap();
    let refused = house.on_disk().await.err().unwrap();
    for says in [
        "/egress/resolve: ",
        "/egress/dns/1: `dns.example.cn` is no address",
        "/egress/roots/0: ",
        "/egress/proxy/noProxy/1: `*` is no place",
        "/egress/proxy/password: there is no secret `gate`; set it with `huiyin secret set gate`",
        "/egress/proxy/user: a user name holds no colon",
    ] {
        assert!(refused.contains(says), "{says} in\n{refused}");
    }
    assert!(!house.data().exists());
    house.config.egress = serde_json::from_value(json!({"proxy": {"url": "https://x", "user": "a"}})).unwrap();
    let refused = house.on_disk().await.err().unwrap();
    assert!(refused.contains("/egress/proxy/url: ") && refused.contains("plain HTTP"), "{refused}");
    for (text, says) in [
        (r#"{"egress": {"perPlugin": {"persecond": 1}}}"#, "unknown field `persecond`"),
        (r#"{"egress": {"proxy": {"url": "http://x", "resolve": "there"}}}"#, "/egress/proxy/resolve"),
    ] {
        let error = huiyin_engine::config::parse(text, "huiyin.json").unwrap_err().to_string();
        assert!(error.starts_with("huiyin.json:1:") && error.contains(says), "{error}");
    }
}
