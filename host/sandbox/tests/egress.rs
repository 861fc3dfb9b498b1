//! The way out, end to end: a guest that speaks `wasi:http`, a server on
//! loopback, and what stands between them.

// Clippy's settings for tests do not reach helper functions of integration tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::io::Write as _;
use std::sync::{Arc, Mutex};

use huiyin_sandbox::{
    Answered, Asked, CallError, Called, Effect, Grant, HostAccess, Instead, LimitName, Limits, Operation, Output,
    Sandbox, SecretSource, SecretValue, StandIn, Usage,
};
use serde_json::{Value, json};
use support::http::{Sends, package};
use support::peer::{Peer, ok, silence};
use support::{Asks, context, echo, sandbox};

fn grant(value: &Value) -> Grant {
    Grant::from_json(&value.to_string()).unwrap()
}

fn loopback(server: &Peer) -> Grant {
    grant(&json!({
        "http": [{"origin": format!("http://{}", server.address), "methods": ["GET"]}],
        "allow_addresses": ["127.0.0.1/32"],
    }))
}

struct Token;

impl SecretSource for Token {
    fn secret(&self, name: &str) -> Option<SecretValue> {
        let value = match name {
            "token" => "s3cret",
            "spaced" => "s3 cr&et",
            _ => return None,
        };
        Some(value.as_bytes().to_vec().into())
    }
}

async fn call(sandbox: &Sandbox, sends: &Sends, grant: &Grant, limits: &Limits) -> Result<Called, CallError> {
    let package = sandbox.load(&package(sends)).unwrap();
    assert!(!package.pure);
    let host = HostAccess { secrets: Arc::new(Token), ..HostAccess::default() };
    let operation = Operation::Run { config: "{}".into(), input: "1".into() };
    sandbox.call(&package, &context(), &operation, grant, &host, limits).await
}

#[tokio::test]
async fn a_granted_request_is_sent() {
    let server = Peer::answers(ok("hi"));
    let mut sends = Sends::get(server.address.to_string(), "/feed?page=1");
    sends.header = Some(("x-mark", "舆情"));
    let called = call(&sandbox(), &sends, &loopback(&server), &Limits::default()).await.unwrap();
    assert_eq!(called.output, Output::Json(json!(200)));
    assert_eq!(called.http_requests, 1);
    let heads = server.heads();
    assert_eq!(heads.len(), 1);
    assert!(heads[0].starts_with("GET /feed?page=1 HTTP/1.1\r\n"), "{}", heads[0]);
    assert!(heads[0].contains(&format!("host: {}\r\n", server.address)), "{}", heads[0]);
    assert!(heads[0].contains("x-mark: 舆情\r\n"), "{}", heads[0]);
}

#[tokio::test]
async fn an_ungranted_host_is_denied_with_the_grant_to_add() {
    let server = Peer::answers(ok("hi"));
    let sends = Sends::get(server.address.to_string(), "/a/b");
    let sandbox = sandbox();
    let error = call(&sandbox, &sends, &Grant::default(), &Limits::default()).await.unwrap_err();
    let CallError::Denied { denial, effect } = &error else { panic!("{error:?}") };
    assert_eq!(*effect, Effect::NotDone);
    let add: Value = serde_json::from_str(denial.grant_to_add.as_deref().unwrap()).unwrap();
    assert_eq!(
        add,
        json!({"http": [{"origin": format!("http://{}", server.address), "methods": ["GET"], "path_prefix": "/a"}]})
    );
    assert!(error.to_string().contains(denial.grant_to_add.as_deref().unwrap()));

    // With that grant the address is next, and with both it goes.
    let mut added = grant(&add);
    let error = call(&sandbox, &sends, &added, &Limits::default()).await.unwrap_err();
    let CallError::Denied { denial, .. } = &error else { panic!("{error:?}") };
    assert!(denial.why.contains("loopback"), "{denial}");
    let more = grant(&serde_json::from_str(denial.grant_to_add.as_deref().unwrap()).unwrap());
    added.allow_addresses = more.allow_addresses;
    assert!(server.heads().is_empty());
    call(&sandbox, &sends, &added, &Limits::default()).await.unwrap();
    assert_eq!(server.heads().len(), 1);
}

#[tokio::test]
async fn what_the_manifest_does_not_ask_for_no_grant_gives() {
    let server = Peer::answers(ok("hi"));
    let mut sends = Sends::get(server.address.to_string(), "/");
    sends.asks = vec![Asks::HttpTo("https://*.example.cn".into(), vec![], "/")];
    let error = call(&sandbox(), &sends, &loopback(&server), &Limits::default()).await.unwrap_err();
    let CallError::Denied { denial, .. } = &error else { panic!("{error:?}") };
    assert_eq!(denial.grant_to_add, None);
    assert!(denial.why.contains("manifest"), "{denial}");
    assert!(server.heads().is_empty());
}

#[tokio::test]
async fn a_name_that_resolves_inward_is_denied() {
    let server = Peer::answers(ok("hi"));
    let sends = Sends::get(format!("localhost:{}", server.address.port()), "/");
    let grant = grant(&json!({"http": [{"origin": "http://*:*"}]}));
    let error = call(&sandbox(), &sends, &grant, &Limits::default()).await.unwrap_err();
    let CallError::Denied { denial, .. } = &error else { panic!("{error:?}") };
    assert!(denial.what.contains("localhost"), "{denial}");
    assert!(denial.why.contains("loopback"), "{denial}");
    assert!(server.heads().is_empty());
}

#[tokio::test]
async fn odd_spellings_of_inner_addresses_are_denied() {
    let sandbox = sandbox();
    let grant = grant(&json!({"http": [{"origin": "http://*:*"}]}));
    for authority in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "127.0.0.1.",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "169.254.169.254",
        "[fd00:ec2::254]",
        "user@127.0.0.1",
        "0.0.0.0",
        "0",
        "[::]",
        "10.0.0.1",
        "192.168.0.1",
    ] {
        let sends = Sends::get(authority, "/");
        let error = call(&sandbox, &sends, &grant, &Limits::default()).await.unwrap_err();
        assert!(matches!(error, CallError::Denied { effect: Effect::NotDone, .. }), "{authority}: {error:?}");
    }
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_not_followed() {
    let other = Peer::answers(ok("hi"));
    let answer = format!("HTTP/1.1 302 Found\r\nlocation: http://{}/\r\ncontent-length: 0\r\n\r\n", other.address);
    let server = Peer::answers(answer.into_bytes());
    let sends = Sends::get(server.address.to_string(), "/");
    let called = call(&sandbox(), &sends, &loopback(&server), &Limits::default()).await.unwrap();
    assert_eq!(called.output, Output::Json(json!(302)));
    assert!(other.heads().is_empty());
}

#[tokio::test]
async fn headers_of_the_connection_are_not_the_guests() {
    let server = Peer::answers(ok("hi"));
    let sandbox = sandbox();
    for name in
        ["host", "Connection", "transfer-encoding", "te", "upgrade", "proxy-authorization", "x-forwarded-for", "via"]
    {
        let mut sends = Sends::get(server.address.to_string(), "/");
        sends.header = Some((name, "a"));
        let error = call(&sandbox, &sends, &loopback(&server), &Limits::default()).await.unwrap_err();
        assert!(matches!(error, CallError::Trap { .. }), "{name}: {error:?}");
    }
    let mut sends = Sends::get(server.address.to_string(), "/");
    sends.header = Some(("x-a", "b\r\nhost: evil"));
    assert!(call(&sandbox, &sends, &loopback(&server), &Limits::default()).await.is_err());
    assert!(server.heads().is_empty());
}

#[tokio::test]
async fn too_large_an_answer_is_cut_off_and_the_limit_named() {
    let mut answer = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    answer.resize(1 << 20, b'x');
    let server = Peer::answers(answer);
    let limits = Limits { response_bytes: 100_000, ..Limits::default() };
    let sends = Sends::get(server.address.to_string(), "/");
    let error = call(&sandbox(), &sends, &loopback(&server), &limits).await.unwrap_err();
    assert_eq!(error.limit(), Some(LimitName::ResponseBytes), "{error}");
    assert_eq!(error.outcome(), Effect::Unknown);
}

#[tokio::test]
async fn too_many_requests_are_stopped_and_the_limit_named() {
    let server = Peer::answers(ok("hi"));
    let limits = Limits { http_requests: 3, ..Limits::default() };
    let mut sends = Sends::get(server.address.to_string(), "/");
    sends.times = 5;
    let error = call(&sandbox(), &sends, &loopback(&server), &limits).await.unwrap_err();
    assert_eq!(error.limit(), Some(LimitName::HttpRequests), "{error}");
    assert_eq!(server.heads().len(), 3);
}

#[tokio::test]
async fn a_silent_server_ends_with_the_wall_time_and_an_unknown_outcome() {
    let server = Peer::start(|stream, peer| {
        peer.head(stream);
        silence();
    });
    let limits = Limits { wall_ms: 300, ..Limits::default() };
    let sends = Sends::get(server.address.to_string(), "/");
    let error = call(&sandbox(), &sends, &loopback(&server), &limits).await.unwrap_err();
    assert_eq!(error.limit(), Some(LimitName::WallMs));
    assert_eq!(error.outcome(), Effect::Unknown);
    assert_eq!(server.heads().len(), 1);
}

#[tokio::test]
async fn a_closed_port_is_certainly_not_done() {
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let sends = Sends::get(port.to_string(), "/");
    let grant = grant(&json!({"http": [{"origin": "http://*:*"}], "allow_addresses": ["127.0.0.1/32"]}));
    let error = call(&sandbox(), &sends, &grant, &Limits::default()).await.unwrap_err();
    assert!(matches!(error, CallError::Plugin(_)), "{error:?}");
    assert_eq!(error.outcome(), Effect::NotDone);
}

#[tokio::test]
async fn a_secret_goes_only_where_it_is_granted_and_never_to_the_guest() {
    let server = Peer::answers(ok("hi"));
    let mut sends = Sends::get(server.address.to_string(), "/");
    sends.secret = Some("token");
    sends.asks.push(Asks::Secret("token"));
    let sandbox = sandbox();
    let origin = format!("http://{}", server.address);
    let mut granted = loopback(&server);

    let error = call(&sandbox, &sends, &granted, &Limits::default()).await.unwrap_err();
    let CallError::Denied { denial, .. } = &error else { panic!("{error:?}") };
    assert!(denial.what.contains("token"), "{denial}");

    granted.secrets = grant(&json!({"secrets": [{"name": "token", "hosts": ["https://api.example.cn"]}]})).secrets;
    let error = call(&sandbox, &sends, &granted, &Limits::default()).await.unwrap_err();
    let CallError::Denied { denial, .. } = &error else { panic!("{error:?}") };
    let add: Value = serde_json::from_str(denial.grant_to_add.as_deref().unwrap()).unwrap();
    assert_eq!(add, json!({"secrets": [{"name": "token", "hosts": [origin]}]}));
    assert!(server.heads().is_empty());

    granted.secrets = grant(&add).secrets;
    call(&sandbox, &sends, &granted, &Limits::default()).await.unwrap();
    assert!(server.heads()[0].contains("x-token: s3cret\r\n"), "{}", server.heads()[0]);
}

#[tokio::test]
async fn a_secret_stands_in_a_query_only_where_that_is_granted_and_in_a_path_never() {
    let server = Peer::start(|stream, peer| {
        let Some(head) = peer.head(stream) else { return };
        let line = json!(head.lines().next()).to_string();
        drop(stream.write_all(&ok(&line)));
    });
    let mut sends = Sends::get(server.address.to_string(), "/send?a=1&key=");
    (sends.secret, sends.secret_ends_path, sends.gives_body) = (Some("spaced"), true, true);
    sends.asks.push(Asks::Secret("spaced"));
    let sandbox = sandbox();
    let origin = format!("http://{}", server.address);
    let mut granted = loopback(&server);
    granted.secrets = grant(&json!({"secrets": [{"name": "spaced", "hosts": [origin]}]})).secrets;

    let error = call(&sandbox, &sends, &granted, &Limits::default()).await.unwrap_err();
    let CallError::Denied { denial, .. } = &error else { panic!("{error:?}") };
    assert!(denial.to_string().contains("in the query"), "{denial}");
    let add: Value = serde_json::from_str(denial.grant_to_add.as_deref().unwrap()).unwrap();
    assert_eq!(add, json!({"secrets": [{"name": "spaced", "hosts": [origin], "also": ["query"]}]}));
    assert!(server.heads().is_empty());

    granted.secrets = grant(&add).secrets;
    let called = call(&sandbox, &sends, &granted, &Limits::default()).await.unwrap();
    assert!(server.heads()[0].starts_with("GET /send?a=1&key=s3%20cr%26et HTTP/1.1\r\n"), "{}", server.heads()[0]);
    let seen = format!("{:?}", called.output);
    assert!(
        seen.contains("key=huiyin-secret-") && !seen.contains("s3%20cr%26et"),
        "the guest sees its own word: {seen}"
    );

    sends.path = "/send/".to_owned();
    let error = call(&sandbox, &sends, &granted, &Limits::default()).await.unwrap_err();
    let CallError::Denied { denial, .. } = &error else { panic!("{error:?}") };
    assert!(denial.to_string().contains("in the path") && denial.grant_to_add.is_none(), "{denial}");
    assert_eq!(server.heads().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pure_package_can_be_called_the_same_way() {
    let sandbox = sandbox();
    let package = sandbox.load(&echo()).unwrap();
    let operation = Operation::Run { config: "{}".into(), input: "[1]".into() };
    let called = sandbox
        .call(&package, &context(), &operation, &Grant::default(), &HostAccess::default(), &Limits::default())
        .await
        .unwrap();
    assert_eq!(called.output, Output::Json(json!([1])));
}

#[tokio::test]
async fn a_busy_guest_gives_way_and_stops_in_time() {
    // One thread: were the guest not to give way, the other call would wait.
    let sandbox = sandbox();
    let server = Peer::answers(ok("hi"));
    let busy = sandbox
        .load(&support::outward(huiyin_sandbox::Kind::Step, "(loop $l (br $l)) unreachable").package().unwrap())
        .unwrap();
    let limits = Limits { wall_ms: 500, ..Limits::default() };
    let operation = Operation::Run { config: "{}".into(), input: "1".into() };
    let (context, none, host) = (context(), Grant::default(), HostAccess::default());
    let honest_sends = Sends::get(server.address.to_string(), "/");
    let honest_grant = loopback(&server);
    let honest_limits = Limits::default();
    let honest = call(&sandbox, &honest_sends, &honest_grant, &honest_limits);
    let greedy = sandbox.call(&busy, &context, &operation, &none, &host, &limits);
    let (honest, greedy) = tokio::join!(honest, greedy);
    assert_eq!(honest.unwrap().output, Output::Json(json!(200)));
    assert_eq!(greedy.unwrap_err().limit(), Some(LimitName::WallMs));
}

/// Answers as it is told, and remembers.
struct Standing {
    says: Instead,
    asked: Mutex<Vec<Asked>>,
    seen: Mutex<Vec<(Asked, Answered)>>,
}

impl StandIn for Standing {
    fn instead(&self, asked: &Asked) -> Instead {
        self.asked.lock().unwrap().push(asked.clone());
        self.says.clone()
    }

    fn seen(&self, asked: Asked, answered: Answered) {
        self.seen.lock().unwrap().push((asked, answered));
    }
}

async fn call_with(says: Instead, sends: &Sends, grant: &Grant) -> (Result<Called, CallError>, Arc<Standing>, Usage) {
    let sandbox = sandbox();
    let package = sandbox.load(&package(sends)).unwrap();
    let standing = Arc::new(Standing { says, asked: Mutex::default(), seen: Mutex::default() });
    let host = HostAccess { secrets: Arc::new(Token), stand_in: Some(standing.clone()), ..HostAccess::default() };
    let operation = Operation::Run { config: "{}".into(), input: "1".into() };
    let mut usage = Usage::default();
    let limits = Limits::default();
    let called = sandbox.call_measured(&package, &context(), &operation, grant, &host, &limits, &mut usage).await;
    (called, standing, usage)
}

#[tokio::test]
async fn what_stands_in_for_the_network_answers_only_what_is_granted() {
    let mut sends = Sends::get("board.example.cn".to_owned(), "/feed?page=1");
    sends.secret = Some("token");
    sends.asks.push(Asks::Secret("token"));
    let answer = Answered { status: 203, headers: vec![("x-a".to_owned(), "b".to_owned())], body: vec![b'x'; 1000] };
    let (called, standing, _) = call_with(Instead::Answer(answer.clone()), &sends, &Grant::default()).await;
    assert!(matches!(called, Err(CallError::Denied { .. })), "{called:?}");
    assert_eq!(*standing.asked.lock().unwrap(), [], "what is not granted is not even asked");

    let granted = grant(&json!({
        "http": [{"origin": "http://board.example.cn"}],
        "secrets": [{"name": "token", "hosts": ["http://board.example.cn"]}],
    }));
    let (called, standing, usage) = call_with(Instead::Answer(answer), &sends, &granted).await;
    assert_eq!(called.unwrap().output, Output::Json(json!(203)));
    assert_eq!((usage.http_requests, usage.response_bytes), (1, 1000));
    let asked = standing.asked.lock().unwrap()[0].clone();
    assert_eq!((asked.method.as_str(), asked.url.as_str()), ("GET", "http://board.example.cn/feed?page=1"));
    let shown = format!("{asked:?}");
    assert!(shown.contains("{{huiyin:secret:token}}") && !shown.contains("s3cret"), "{shown}");

    let nobody = Instead::Nobody("nothing is written down for it".to_owned());
    let (called, _, _) = call_with(nobody, &sends, &granted).await;
    assert_eq!(called.unwrap_err().outcome(), Effect::NotDone);
}

#[tokio::test]
async fn what_the_network_says_is_heard_without_secrets() {
    let server = Peer::answers(ok("you said s3cret"));
    let mut sends = Sends::get(server.address.to_string(), "/");
    sends.secret = Some("token");
    sends.asks.push(Asks::Secret("token"));
    let mut granted = loopback(&server);
    let origin = format!("http://{}", server.address);
    granted.secrets = grant(&json!({"secrets": [{"name": "token", "hosts": [origin]}]})).secrets;
    let (called, standing, _) = call_with(Instead::Network, &sends, &granted).await;
    assert_eq!(called.unwrap().output, Output::Json(json!(200)));
    assert_eq!(server.heads().len(), 1);
    let seen = standing.seen.lock().unwrap();
    let [(asked, answered)] = &**seen else { panic!("{seen:?}") };
    assert_eq!(asked.url, format!("{origin}/"));
    assert_eq!(String::from_utf8_lossy(&answered.body), "you said {{huiyin:secret:token}}");
    assert!(!format!("{asked:?}").contains("s3cret"), "{asked:?}");
}
