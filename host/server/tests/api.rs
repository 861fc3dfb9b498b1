//! The API over real HTTP on loopback, with a host in memory behind it.

// Clippy's settings for tests do not reach helper functions of integration tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(missing_docs)]

// It is another crate's module, too.
#[allow(unreachable_pub)]
#[path = "../../../tests/src/contract.rs"]
mod contract;
#[path = "api/doors.rs"]
mod doors;
#[path = "api/openapi.rs"]
mod openapi;
#[path = "api/sessions.rs"]
mod sessions;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, OnceLock};

use contract::Contract;
use huiyin_engine::config::{HostConfig, WorkflowConfig};
use huiyin_engine::value_limits::ValueLimits;
use huiyin_engine::{Engine, Options};
use huiyin_guests::Guest;
use huiyin_server::{Token, max_body_bytes};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

struct Api {
    address: SocketAddr,
    token: String,
    stop: CancellationToken,
    engine: Arc<Engine>,
    runtime: tokio::runtime::Runtime,
    contract: OnceLock<Contract>,
    _folder: tempfile::TempDir,
}

impl Api {
    fn start() -> Api {
        Api::with(&[])
    }

    /// With workflows of the test's own beside `hello`.
    fn with(more: &[(&str, Value)]) -> Api {
        Api::with_plugins(more, Vec::new())
    }

    /// With plugins, too.
    fn with_plugins(more: &[(&str, Value)], bundle: Vec<Vec<u8>>) -> Api {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("hello.json");
        let document = json!({"dsl": "1.0.3", "namespace": "tests", "name": "hello", "version": "1.0.0"});
        std::fs::write(&file, json!({"document": document, "do": [{"greet": {"set": {"hello": "林海"}}}]}).to_string())
            .unwrap();
        let mut workflows = vec![WorkflowConfig { file, units: Vec::new() }];
        for (name, rest) in more {
            let file = folder.path().join(format!("{name}.json"));
            let mut text =
                json!({"document": {"dsl": "1.0.3", "namespace": "tests", "name": name, "version": "1.0.0"}});
            text.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
            std::fs::write(&file, text.to_string()).unwrap();
            workflows.push(WorkflowConfig { file, units: Vec::new() });
        }
        let config = HostConfig { workflows, partitions: Some(2), ..HostConfig::default() };
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let token = Token::load_or_create(folder.path()).unwrap();
        let stop = CancellationToken::new();
        let revealed = token.reveal().to_owned();
        let (engine, address) = runtime.block_on(async {
            let engine = Arc::new(Engine::start(Options { config, bundle, ..Options::in_memory() }).await.unwrap());
            let listener = huiyin_server::bind("127.0.0.1:0".parse().unwrap(), false).await.unwrap();
            let address = listener.local_addr().unwrap();
            let router = huiyin_server::router(Arc::clone(&engine), token, stop.clone());
            tokio::spawn(huiyin_server::serve(listener, router, stop.clone().cancelled_owned()));
            (engine, address)
        });
        Api { address, token: revealed, stop, engine, runtime, contract: OnceLock::new(), _folder: folder }
    }

    fn ask(&self, method: &str, path: &str, body: Option<&str>) -> (u16, Value) {
        let bearer = format!("Bearer {}", self.token);
        self.send(
            method,
            path,
            &[("authorization", &bearer), ("content-type", "application/json")],
            body.unwrap_or_default(),
        )
    }

    fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, Value) {
        let (status, _, body) = self.raw(method, path, headers, body.as_bytes());
        (status, serde_json::from_str(&body).unwrap_or(Value::String(body)))
    }

    /// The document that the host serves.
    fn contract(&self) -> &Contract {
        self.contract.get_or_init(|| {
            let (_, _, body) = self.unread("GET", "/openapi.json", &[], b"");
            Contract::of(serde_json::from_str(&body).unwrap())
        })
    }

    /// Asks, and holds what is answered against the document.
    fn raw(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> (u16, String, String) {
        let (status, head, body) = self.unread(method, path, headers, body);
        let kind = head.lines().find_map(|line| line.strip_prefix("content-type: "));
        if let Err(fault) = self.contract().check(method, path, status, kind, &body) {
            panic!("{fault}");
        }
        (status, head, body)
    }

    fn unread(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> (u16, String, String) {
        let mut stream = TcpStream::connect(self.address).unwrap();
        let mut head = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {}\r\n",
            body.len()
        );
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        stream.write_all(format!("{head}\r\n").as_bytes()).unwrap();
        // A server that refuses a body early may have closed its side by now.
        let _ = stream.write_all(body);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split_whitespace().nth(1).unwrap().parse().unwrap();
        (status, head.to_ascii_lowercase(), body.to_owned())
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        self.stop.cancel();
        let _ = self.runtime.block_on(self.engine.stop());
    }
}

#[test]
fn without_the_token_nothing_but_health_is_told() {
    let api = Api::start();
    assert_eq!(api.send("GET", "/healthz", &[], "").0, 200);
    for path in ["/v1/host", "/v1/cases", "/v1/runs", "/v1/activity", "/v1/checkpoint", "/v1/plugins"] {
        let (status, head, body) = api.raw("GET", path, &[], b"");
        assert_eq!(status, 401, "{path}");
        assert!(
            head.contains("content-type: application/problem+json") && head.contains("www-authenticate: bearer"),
            "{head}"
        );
        assert!(!body.contains(&api.token));
        let wrong = format!("Bearer {}", "0".repeat(64));
        assert_eq!(api.send("GET", path, &[("authorization", &wrong)], "").0, 401);
    }
}

#[test]
fn a_run_is_started_waited_for_and_shown() {
    let api = Api::start();
    let (status, run) =
        api.ask("POST", "/v1/runs", Some(r#"{"workflow": "hello", "input": {"name": "林海"}, "wait": true}"#));
    assert_eq!(
        (status, &run["status"], &run["output"]),
        (200, &json!("completed"), &json!({"hello": "林海"})),
        "{run}"
    );
    let (status, shown) = api.ask("GET", &format!("/v1/runs/{}", run["run"].as_str().unwrap()), None);
    assert_eq!((status, &shown["status"], &shown["workflow"]), (200, &json!("completed"), &json!("tests/hello")));
    let (status, started) =
        api.ask("POST", "/v1/runs", Some(r#"{"workflow": "tests/hello", "input": {}, "id": "mine-1"}"#));
    assert_eq!((status, &started["run"]), (202, &json!("mine-1")));
    let (_, listed) = api.ask("GET", "/v1/runs?limit=10", None);
    assert_eq!(listed["runs"].as_array().unwrap().len(), 2, "{listed}");
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let api = Api::start();
    for (method, path, body, status, kind) in [
        ("GET", "/v1/nothing", "", 404, "not-found"),
        ("DELETE", "/v1/runs", "", 405, "method"),
        ("GET", "/v1/runs/none", "", 404, "not-found"),
        ("GET", "/v1/cases/none", "", 404, "not-found"),
        ("POST", "/v1/runs", r#"{"workflow": "none"}"#, 404, "not-found"),
        ("POST", "/v1/runs", "{", 400, "invalid"),
        ("POST", "/v1/runs", r#"{"workflow": "hello", "wait": 3}"#, 400, "invalid"),
        ("POST", "/v1/runs", r#"{"workflow": "hello", "id": "../x"}"#, 400, "invalid"),
        ("POST", "/v1/events", r#"{"specversion": "1.0"}"#, 400, "invalid"),
        ("POST", "/v1/units/none/items", r#"{"items": []}"#, 404, "not-found"),
        (
            "POST",
            "/v1/units/none/commands",
            r#"{"command": "receive", "unit": "none", "source": "none/x", "items": []}"#,
            400,
            "invalid",
        ),
        ("GET", "/v1/proofs/x", "", 400, "invalid"),
        ("GET", "/v1/checkpoint", "", 404, "not-found"),
    ] {
        let (got, problem) = api.ask(method, path, Some(body));
        assert_eq!((got, &problem["status"]), (status, &json!(status)), "{method} {path}: {problem}");
        assert_eq!(problem["type"], json!(format!("urn:huiyin:problem:{kind}")), "{method} {path}");
        assert!(!problem["detail"].as_str().unwrap().is_empty());
    }
    let (_, problem) = api.ask("POST", "/v1/runs", Some(r#"{"workflow": "hello", "wait": 3}"#));
    assert_eq!(problem["pointer"], "/wait");
}

#[test]
fn host_02_who_connects_and_says_nothing_keeps_nobody_out() {
    let api = Api::start();
    let idle: Vec<TcpStream> = (0..300).map(|_| TcpStream::connect(api.address).unwrap()).collect();
    for _ in 0..3 {
        assert_eq!(api.ask("GET", "/v1/host", None).0, 200);
    }
    // There are 256 places: the first were closed for the last.
    let mut first = &idle[0];
    first.set_read_timeout(Some(std::time::Duration::from_secs(60))).unwrap();
    assert!(matches!(first.read(&mut [0; 1]), Ok(0) | Err(_)));
    let mut last = idle.last().unwrap();
    last.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    last.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[test]
fn host_05_small_values_count_by_what_they_take_in_memory() {
    let api = Api::start();
    let dense = |count: usize| format!(r#"{{"workflow": "hello", "wait": true, "input": [{}0]}}"#, "0,".repeat(count));
    let (status, problem) = api.ask("POST", "/v1/runs", Some(&dense(3 << 20)));
    assert_eq!((status, &problem["type"]), (413, &json!("urn:huiyin:problem:too-large")), "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("bytes in memory"), "{problem}");
    assert_eq!(api.ask("POST", "/v1/runs", Some(&dense(50_000))).0, 200);
}

#[test]
fn host_15_packages_are_bounded_in_size_and_number() {
    let api = Api::start();
    let head = |bytes: u64| {
        format!(
            "POST /v1/plugins?reason=x HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {}\r\ncontent-type: application/wasm\r\ncontent-length: {bytes}\r\n\r\n",
            api.token
        )
    };
    let send = |bytes: u64, body: &[u8]| {
        let mut stream = TcpStream::connect(api.address).unwrap();
        stream.write_all(head(bytes).as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        stream
    };
    let answer = |mut stream: TcpStream| {
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8(answer).unwrap()
    };
    // More than the host looks at is refused before any of it is taken.
    let refused = answer(send(65 << 20, b""));
    assert!(refused.starts_with("HTTP/1.1 413"), "{refused}");
    // Four at once, however slowly they come; the next waits, and what was broken off gives its place back.
    let slow: Vec<TcpStream> = (0..4).map(|_| send(1 << 20, b"half")).collect();
    let until = |status: &str| {
        let found = (0..500).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(10));
            answer(send(4, b"none")).starts_with(&format!("HTTP/1.1 {status}"))
        });
        assert!(found, "{status} never came");
    };
    until("429");
    drop(slow);
    until("400");
}

#[test]
fn bodies_are_bounded_and_must_be_json() {
    let api = Api::start();
    let bearer = format!("Bearer {}", api.token);
    let (status, problem) =
        api.send("POST", "/v1/runs", &[("authorization", &bearer), ("content-type", "text/plain")], "{}");
    assert_eq!((status, &problem["status"]), (415, &json!(415)));
    let large = vec![b' '; max_body_bytes(ValueLimits::default()) + 1];
    let (status, _, _) = api.raw("POST", "/v1/runs", &[("authorization", &bearer)], &large);
    assert_eq!(status, 413);
}

#[test]
fn a_person_is_named_in_plain_form_or_refused() {
    let api = Api::start();
    let bearer = format!("Bearer {}", api.token);
    for (actor, status) in [("person:李敏", 200), ("system:engine", 400), ("person: ", 400), ("li-min", 400)] {
        let (got, _) = api.send("GET", "/v1/host", &[("authorization", &bearer), ("huiyin-actor", actor)], "");
        assert_eq!(got, status, "{actor}");
    }
}

#[test]
fn host_14_an_actor_in_any_script_is_taken_everywhere_alike() {
    let api = Api::with(&[("hold", json!({"do": [{"sleep": {"wait": "PT6H"}}]}))]);
    let bearer = format!("Bearer {}", api.token);
    for actor in ["person:许明", "person:%E8%AE%B8%E6%98%8E"] {
        let act = |method: &str, path: &str, body: &str| {
            let headers =
                [("authorization", bearer.as_str()), ("huiyin-actor", actor), ("content-type", "application/json")];
            api.send(method, path, &headers, body)
        };
        let (status, started) = act("POST", "/v1/runs", r#"{"workflow": "hold"}"#);
        assert_eq!(status, 202, "{started}");
        let run = format!("/v1/runs/{}", started["run"].as_str().unwrap());
        assert_eq!(act("POST", &format!("{run}/suspend"), r#"{"reason": "查"}"#).0, 202);
        let event = r#"{"specversion": "1.0", "id": "1", "source": "/t", "type": "t"}"#;
        assert_eq!(act("POST", "/v1/events", event).0, 200);
        let hello = json!({"document": {"dsl": "1.0.3", "namespace": "tests", "name": "deployed", "version": "1.0.0"}, "do": [{"a": {"set": {"x": 1}}}]});
        let (status, deployed) =
            act("POST", "/v1/workflows", &json!({"workflows": [{"text": hello.to_string()}]}).to_string());
        assert_eq!(status, 200, "{deployed}");
        let (_, listed) = act("GET", "/v1/workflows", "");
        let row =
            listed["workflows"].as_array().unwrap().iter().find(|row| row["name"] == "tests/deployed").unwrap().clone();
        assert_eq!(row["by"], "person:许明");
        let (_, records) = act("GET", &format!("{run}/records"), "");
        let by: Vec<_> = records["records"].as_array().unwrap().iter().map(|record| record["actor"].clone()).collect();
        assert!(by.contains(&json!("person:许明")), "{by:?}");
    }
}

#[test]
fn host_14_a_key_that_stands_twice_or_is_unknown_is_refused_with_its_place() {
    let api = Api::start();
    for (path, body, pointer, says) in [
        ("/v1/runs", r#"{"workflow": "hello", "input": {"a": [{"b": 1, "b": 2}]}}"#, "/input/a/0", "stands twice"),
        ("/v1/runs", r#"{"workflow": "hello", "workflow": "hello"}"#, "", "duplicate"),
        (
            "/v1/events",
            r#"{"specversion": "1.0", "id": "1", "source": "/t", "type": "t", "data": {"x": 1, "x": 2}}"#,
            "/data",
            "stands twice",
        ),
        (
            "/v1/units/none/items",
            r#"{"items": [{"id": "1", "title": "t", "fields": {"x": 1, "x": 2}}]}"#,
            "/items/0/fields",
            "stands twice",
        ),
        (
            "/v1/bindings",
            r#"{"workflow": "w", "slot": "s", "reason": "x", "config": {"x": 1, "x": 2}}"#,
            "/config",
            "stands twice",
        ),
        ("/v1/units/none/commands", r#"{"command": "close-case", "case": "1", "case": "2"}"#, "", "stands twice"),
        (
            "/v1/units/none/commands",
            r#"{"command": "set-level", "case": "1", "level": "I", "reason": "x", "why": 1}"#,
            "/why",
            "unknown field",
        ),
        (
            "/v1/units/none/commands",
            r#"{"command": "add-concern", "case": "1", "text": "x", "a/b": 1}"#,
            "/a~1b",
            "unknown field",
        ),
        (
            "/v1/units/none/commands",
            r#"{"command": "record-answer", "case": "1", "text": "x", "channel": "c", "concerns": [{"concern": "c1", "texts": "x"}]}"#,
            "/concerns/0/texts",
            "unknown field",
        ),
        (
            "/v1/units/none/commands",
            r#"{"command": "set-level", "case": "1", "level": "V", "reason": "x"}"#,
            "/level",
            "V",
        ),
        ("/v1/units/none/commands", r#"{"command": "raise"}"#, "/command", "set-level"),
        ("/v1/units/none/commands", r#"{"case": "1"}"#, "/", "`command` is missing"),
    ] {
        let (status, problem) = api.ask("POST", path, Some(body));
        assert_eq!(status, 400, "{path} {body}: {problem}");
        assert_eq!(problem["pointer"].as_str().unwrap_or_default(), pointer, "{path} {body}: {problem}");
        assert!(problem["detail"].as_str().unwrap().contains(says), "{path} {body}: {problem}");
    }
}

#[test]
fn host_14_heads_are_bounded() {
    let api = Api::start();
    let bearer = format!("Bearer {}", api.token);
    let long = "x".repeat(8 << 10);
    let (status, _) = api.send("GET", "/v1/host", &[("authorization", &bearer), ("x-long", &long)], "");
    assert_eq!(status, 200, "8 KiB are well within");
    let long = "x".repeat(17 << 10);
    let (status, _, _) = api.raw("GET", "/v1/host", &[("authorization", &bearer), ("x-long", &long)], b"");
    assert_eq!(status, 431);
}

#[test]
fn host_14_a_head_that_cannot_be_read_gets_problem_details() {
    let api = Api::start();
    let long = "x".repeat(17 << 10);
    let many = "x: y\r\n".repeat(200);
    for (head, status) in [
        ("GET /healthz HTTP/1.1\r\nhost localhost\r\n\r\n".to_owned(), 400),
        ("GET /healthz\r\n\r\n".to_owned(), 400),
        ("G@T /healthz HTTP/1.1\r\n\r\n".to_owned(), 400),
        ("GET /healthz HTTP/1.1\r\ncontent-length: x\r\n\r\n".to_owned(), 400),
        (format!("GET /healthz HTTP/1.1\r\nx: {long}\r\n\r\n"), 431),
        (format!("GET /healthz HTTP/1.1\r\n{many}\r\n"), 431),
    ] {
        let mut stream = TcpStream::connect(api.address).unwrap();
        let _ = stream.write_all(head.as_bytes());
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8(answer).unwrap();
        let said = &head[..head.len().min(60)];
        let (top, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{said}: {answer:?}"));
        assert!(top.starts_with(&format!("HTTP/1.1 {status} ")), "{said}: {top}");
        assert!(top.contains("content-type: application/problem+json"), "{said}: {top}");
        let problem: Value = serde_json::from_str(body).unwrap();
        assert_eq!(
            (&problem["status"], &problem["type"]),
            (&json!(status), &json!("urn:huiyin:problem:head")),
            "{said}"
        );
    }
}

#[test]
fn host_09_a_run_id_stands_for_one_run() {
    let api = Api::with(&[("other", json!({"do": [{"a": {"set": {"other": true}}}]}))]);
    let post = |body: Value| api.ask("POST", "/v1/runs", Some(&body.to_string()));
    let first = json!({"workflow": "hello", "id": "one", "input": {"a": 1, "b": 2}, "wait": true});
    let (status, ended) = post(first.clone());
    assert_eq!((status, &ended["status"]), (200, &json!("completed")), "{ended}");
    assert_eq!(post(first), (200, ended));
    assert_eq!(post(json!({"workflow": "tests/hello", "id": "one", "input": {"b": 2, "a": 1}})).0, 202);
    for other in [
        json!({"workflow": "other", "id": "one", "input": {"a": 1, "b": 2}}),
        json!({"workflow": "hello", "id": "one"}),
    ] {
        let (status, problem) = post(other);
        assert_eq!(status, 409, "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains("that of another run"), "{problem}");
    }
    // An id that the host made is an id, too.
    let (_, made) = post(json!({"workflow": "hello"}));
    for _ in 0..4 {
        assert_eq!(post(json!({"workflow": "other", "id": made["run"]})).0, 409);
    }
    // A key names a run, too.
    let bearer = format!("Bearer {}", api.token);
    let keyed = |key: &str, body: Value| {
        let headers =
            [("authorization", bearer.as_str()), ("content-type", "application/json"), ("idempotency-key", key)];
        api.send("POST", "/v1/runs", &headers, &body.to_string())
    };
    let (status, run) = keyed("\"k1\"", json!({"workflow": "hello"}));
    assert_eq!(status, 202);
    assert_eq!(keyed("k1", json!({"workflow": "hello"})), (202, run.clone()));
    assert_eq!(keyed("k1", json!({"workflow": "hello", "input": 1})).0, 409);
    assert_ne!(keyed("k2", json!({"workflow": "hello"})).1, run);
}

#[test]
fn an_address_open_to_others_needs_to_be_asked_for() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let any: SocketAddr = "0.0.0.0:0".parse().unwrap();
    let refused = runtime.block_on(huiyin_server::bind(any, false)).unwrap_err().to_string();
    assert!(refused.contains("--listen-publicly"), "{refused}");
    assert!(runtime.block_on(huiyin_server::bind(any, true)).is_ok());
}

/// A host with a workflow that events of one type start.
fn belfry() -> Api {
    let on = json!({"one": {"with": {"type": "org.example.rang.v1"}}});
    Api::with(&[("bell", json!({"schedule": {"on": on}, "do": [{"keep": {"set": {"rang": true}}}]}))])
}

#[test]
fn events_come_in_all_three_modes_and_once() {
    let api = belfry();
    let bearer = format!("Bearer {}", api.token);
    let post = |kind: &str, more: &[(&str, &str)], body: &str| {
        let mut headers = vec![("authorization", bearer.as_str()), ("content-type", kind)];
        headers.extend(more);
        api.send("POST", "/v1/events", &headers, body)
    };
    let rang = |id: &str| json!({"specversion": "1.0", "id": id, "source": "/s", "type": "org.example.rang.v1"});
    let structured = "application/cloudevents+json; charset=utf-8";
    assert_eq!(post(structured, &[], &rang("1").to_string()), (200, json!({"runs": 1, "duplicate": false})));
    assert_eq!(post(structured, &[], &rang("1").to_string()), (200, json!({"runs": 1, "duplicate": true})));
    // The same event in another mode is the same event.
    let head = [("ce-specversion", "1.0"), ("ce-source", "/s"), ("ce-type", "org.example.rang.v1"), ("ce-id", "1")];
    assert_eq!(post("text/plain", &head, "ding").1["duplicate"], true);
    let other = [&head[..3], &[("ce-id", "caf%C3%A9")]].concat();
    assert_eq!(post("application/json", &other, "{\"a\": 1}"), (200, json!({"runs": 1, "duplicate": false})));
    let events = json!([rang("1"), rang("2"), rang("3"), rang("2")]).to_string();
    let (status, answer) = post("application/cloudevents-batch+json", &[], &events);
    assert_eq!(status, 200, "{answer}");
    let duplicates: Vec<&Value> = answer["events"].as_array().unwrap().iter().map(|e| &e["duplicate"]).collect();
    assert_eq!(duplicates, [true, false, false, true]);
    assert_eq!(answer["events"][2], json!({"runs": 1, "duplicate": false, "id": "3", "source": "/s"}));
    let (_, input) = api.ask("GET", "/v1/runs?limit=10", None);
    assert_eq!(input["runs"].as_array().unwrap().len(), 4, "{input}");
}

#[test]
fn a_batch_with_one_bad_event_is_refused_whole_and_says_which() {
    let api = belfry();
    let bearer = format!("Bearer {}", api.token);
    let post = |kind: &str, more: &[(&str, &str)], body: &str| {
        let mut headers = vec![("authorization", bearer.as_str()), ("content-type", kind)];
        headers.extend(more);
        api.send("POST", "/v1/events", &headers, body)
    };
    let rang = |id: &str| json!({"specversion": "1.0", "id": id, "source": "/s", "type": "org.example.rang.v1"});
    let mut late = rang("2");
    late["time"] = json!("yesterday");
    let mut elsewhere = rang("3");
    elsewhere["huiyinunit"] = json!("nowhere");
    let mut forged = rang("4");
    forged["type"] = json!("huiyin.case.opened.v1");
    let batch = "application/cloudevents-batch+json";
    for (bad, pointer) in [(late, "/1/time"), (elsewhere, "/1/huiyinunit"), (forged, "/1/type"), (json!(7), "/1")] {
        let (status, problem) = post(batch, &[], &json!([rang("1"), bad]).to_string());
        assert_eq!((status, &problem["pointer"]), (400, &json!(pointer)), "{problem}");
    }
    let head = [("ce-specversion", "1.0"), ("ce-type", "t"), ("ce-id", "1")];
    assert_eq!(post("text/plain", &head, "").1["pointer"], "/source");
    assert_eq!(post("application/cloudevents+xml", &[], "<e/>").0, 415);
    assert_eq!(post("text/plain", &[], "no event").0, 415);
    let many: Vec<Value> = (0..1_001).map(|n| rang(&n.to_string())).collect();
    assert_eq!(post(batch, &[], &json!(many).to_string()).0, 400);
    // Nothing of all that was taken in.
    assert_eq!(post(batch, &[], &json!([rang("1")]).to_string()).1["events"][0]["duplicate"], false);
    assert_eq!(api.ask("GET", "/v1/host", None).1["runs"]["started"], 1);
}

#[test]
fn schedules_are_listed_paused_and_resumed() {
    let tasks = json!([{"say": {"set": {"tick": true}}}]);
    let huiyin = json!({"timezone": "Asia/Shanghai", "overlap": "skip"});
    let document = json!({"dsl": "1.0.3", "namespace": "tests", "name": "daily", "version": "1.0.0", "metadata": {"huiyin": huiyin}});
    let api = Api::with(&[("daily", json!({"document": document, "schedule": {"cron": "0 8 * * *"}, "do": tasks}))]);
    let (status, listed) = api.ask("GET", "/v1/schedules?next=2", None);
    assert_eq!(status, 200, "{listed}");
    let row = &listed["schedules"][0];
    assert_eq!(
        (&row["workflow"], &row["overlap"], &row["catch_up"]),
        (&json!("tests/daily"), &json!("skip"), &json!("last"))
    );
    for next in row["next"].as_array().unwrap() {
        assert!(next["local"].as_str().unwrap().ends_with("T08:00:00+08:00"), "{next}");
    }
    assert_eq!(row["next"].as_array().unwrap().len(), 2);
    let word = |reason: &str| json!({"workflow": "daily", "reason": reason}).to_string();
    assert_eq!(api.ask("POST", "/v1/schedules/pause", Some(&word(" "))).1["pointer"], "/reason");
    assert_eq!(api.ask("POST", "/v1/schedules/pause", Some(&word("a holiday"))).0, 204);
    assert_eq!(api.ask("POST", "/v1/schedules/pause", Some(&word("again"))).0, 409);
    let row = &api.ask("GET", "/v1/schedules", None).1["schedules"][0];
    assert_eq!((&row["paused"]["reason"], &row["next"]), (&json!("a holiday"), &json!([])));
    assert_eq!(api.ask("POST", "/v1/schedules/resume", Some(&word("back"))).0, 204);
    let unknown = json!({"workflow": "hello", "reason": "x"}).to_string();
    assert_eq!(api.ask("POST", "/v1/schedules/pause", Some(&unknown)).0, 404, "it has no schedule by the clock");
}

/// A step that says this.
fn say(version: &str, text: &str) -> Vec<u8> {
    Guest::step(format!("(call $answer @\"{text}\")")).name("say").version(version).package().unwrap()
}

#[test]
fn bindings_and_canaries_are_changed_and_shown() {
    let slot = json!({"call": "say:1.0.0@default", "metadata": {"kind": "step"}});
    let speak = json!({"use": {"functions": {"say": slot}}, "do": [{"say": {"call": "say", "with": {}}}]});
    let api = Api::with_plugins(&[("speak", speak)], vec![say("1.0.0", "1"), say("2.0.0", "2")]);
    let post = |path: &str, body: Value| api.ask("POST", path, Some(&body.to_string()));
    let spoken = || post("/v1/runs", json!({"workflow": "speak", "wait": true})).1["output"].clone();
    let row = || {
        let (status, listed) = api.ask("GET", "/v1/bindings?workflow=speak", None);
        assert_eq!((status, listed["bindings"].as_array().unwrap().len()), (200, 1), "{listed}");
        listed["bindings"][0].clone()
    };
    assert_eq!(
        (&row()["plugin"], &row()["from"], &row()["kind"]),
        (&json!("say:1.0.0"), &json!("workflow"), &json!("step"))
    );
    assert_eq!(api.ask("GET", "/v1/bindings?workflow=nothing", None).1, json!({"bindings": []}));
    assert_eq!(api.ask("GET", "/v1/bindings?flow=speak", None).0, 400);
    let word = |reason: &str| json!({"workflow": "tests/speak", "slot": "say", "reason": reason});
    let with = |reason: &str, plugin: &str| {
        let mut word = word(reason);
        word["plugin"] = json!(plugin);
        word
    };

    let (status, bound) = post("/v1/bindings", with("two is better", "say:2.0.0"));
    assert_eq!((status, &bound["bindings"][0]["changed"]), (200, &json!(true)), "{bound}");
    assert_eq!((&row()["from"], &row()["chosen"]["reason"]), (&json!("person"), &json!("two is better")));
    assert_eq!(spoken(), json!(2));
    for (path, body, status, says) in [
        ("/v1/bindings", with(" ", "say:2.0.0"), 400, "/reason"),
        ("/v1/bindings", with("x", "say:9.0.0"), 400, "/plugin"),
        ("/v1/bindings", json!({"workflow": "speak", "slot": "shout", "reason": "x"}), 400, "/slot"),
        ("/v1/bindings", json!({"workflow": "sing", "slot": "say", "reason": "x"}), 404, "no workflow `sing`"),
        ("/v1/bindings", json!({"workflow": "speak", "slot": "say", "why": "x"}), 400, "why"),
        ("/v1/bindings/lift", word("x"), 409, "nothing of slot `say` is set aside"),
        ("/v1/canaries", word("x"), 400, "/plugin"),
        ("/v1/canaries", with("x", "say:2.0.0"), 409, "already"),
        ("/v1/canaries/promote", word("x"), 404, "has no canary"),
        ("/v1/canaries/drop", word("x"), 404, "has no canary"),
    ] {
        let (found, problem) = post(path, body);
        assert_eq!(found, status, "{path}: {problem}");
        assert!(problem.to_string().contains(says), "{path}: {problem}");
    }
    let (status, _) = api.ask("GET", "/v1/canaries/differences?workflow=speak&slot=say", None);
    assert_eq!(status, 404);

    assert_eq!(post("/v1/canaries", with("is one so bad?", "say:1.0.0")).0, 200);
    assert_eq!(post("/v1/canaries", with("again", "say:1.0.0")).0, 409);
    assert_eq!(spoken(), json!(2), "what it says counts for nothing");
    let shown = loop {
        let (status, shown) = api.ask("GET", "/v1/canaries/differences?workflow=speak&slot=say&limit=5", None);
        assert_eq!(status, 200, "{shown}");
        if shown["binding"]["canary"]["calls"] == 1 {
            break shown;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    };
    assert_eq!(shown["differences"].as_array().unwrap().len(), 1, "{shown}");
    assert!(shown["differences"][0]["was"]["output"] != shown["differences"][0]["would"]["output"]);
    assert_eq!(api.ask("GET", "/v1/canaries/differences?workflow=speak&slot=say&limit=10001", None).0, 400);
    assert_eq!(post("/v1/canaries/promote", word("not so bad")).0, 200);
    assert_eq!((spoken(), &row()["canary"]), (json!(1), &json!(null)));
    assert_eq!(post("/v1/canaries", with("once more", "say:2.0.0")).0, 200);
    assert_eq!(post("/v1/canaries/drop", word("enough")).0, 200);
    // Without a plugin the slot is handed back.
    assert_eq!(post("/v1/bindings", word("as configured")).1["bindings"][0]["plugin"], "say:1.0.0");
    assert_eq!(row()["from"], "workflow");
}

#[test]
fn publishers_are_trusted_and_distrusted() {
    let api = Api::start();
    let post = |path: &str, body: Value| api.ask("POST", path, Some(&body.to_string()));
    assert_eq!(api.ask("GET", "/v1/publishers", None), (200, json!({"publishers": []})));
    let folder = tempfile::tempdir().unwrap();
    let key = huiyin_audit::SignerKey::load_or_create(&folder.path().join("k"), "acme.example/plugins").unwrap();
    let key = key.verifier().to_string();
    for (body, says) in [
        (json!({"key": "acme", "units": ["*"], "reason": "x"}), "/key"),
        (json!({"key": key, "units": [], "reason": "x"}), "/units"),
        (json!({"key": key, "units": ["*"], "reason": ""}), "/reason"),
        (json!({"key": key, "units": ["*"]}), "reason"),
    ] {
        let (status, problem) = post("/v1/publishers/trust", body);
        assert!(status == 400 && problem.to_string().contains(says), "{status} {problem}");
    }
    let (status, report) = post("/v1/publishers/trust", json!({"key": key, "units": ["*"], "reason": "audited"}));
    assert_eq!(
        (status, &report["name"], &report["units"]),
        (200, &json!("acme.example/plugins"), &json!(["*"])),
        "{report}"
    );
    let (_, listed) = api.ask("GET", "/v1/publishers", None);
    assert_eq!((&listed["publishers"][0]["key"], &listed["publishers"][0]["reason"]), (&json!(key), &json!("audited")));
    let away = |key: &str| post("/v1/publishers/distrust", json!({"key": key, "reason": "stolen"}));
    assert_eq!(away("nobody").0, 404);
    let (status, report) = away("acme.example/plugins");
    assert_eq!((status, &report["units"], &report["withheld"]), (200, &json!([]), &json!([])), "{report}");
    assert_eq!(away("acme.example/plugins").0, 404);
}
