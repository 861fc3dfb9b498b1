//! Workflows' own requests, sub-workflows, and what people do with runs: a
//! real host, real HTTP on loopback, real restarts.

// Clippy's settings for tests do not reach helper functions of integration tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use huiyin_engine::Engine;
use huiyin_engine::record::Entry;
use huiyin_engine::state::FinishedRun;
use huiyin_flow::ErrorKind;
use huiyin_tests::house::{House, copy, end_of, fault, named, submission, until};
use huiyin_tests::log::{self, entries};
use serde_json::{Value, json};

/// What came to the server.
#[derive(Debug, Clone)]
struct Heard {
    method: String,
    uri: String,
    headers: HeaderMap,
    body: String,
}

impl Heard {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default()
    }
}

#[derive(Default)]
struct World {
    heard: Mutex<Vec<Heard>>,
    /// While closed, `/slow` does not answer.
    open: std::sync::atomic::AtomicBool,
    failing: std::sync::atomic::AtomicBool,
}

/// A server on loopback that remembers what it heard.
struct Server {
    world: Arc<World>,
    origin: String,
    port: u16,
}

impl Server {
    async fn open() -> Server {
        let world = Arc::new(World::default());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let app = axum::Router::new().fallback(answer).with_state(Arc::clone(&world));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Server { world, origin: format!("http://127.0.0.1:{port}"), port }
    }

    fn heard(&self, path: &str) -> Vec<Heard> {
        self.world.heard.lock().unwrap().iter().filter(|h| h.uri.starts_with(path)).cloned().collect()
    }

    /// A grant that lets the workflow ask this server for anything.
    fn grant(&self) -> Value {
        json!({"http": [{"origin": self.origin}], "allow_addresses": ["127.0.0.1/32"]})
    }
}

async fn answer(
    State(world): State<Arc<World>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
    let heard = Heard {
        method: method.to_string(),
        uri: uri.to_string(),
        headers: headers.clone(),
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    world.heard.lock().unwrap().push(heard.clone());
    let typed = |kind: &str, bytes: Vec<u8>| ([("content-type", kind.to_owned())], bytes).into_response();
    let json = |value: Value| axum::Json(value).into_response();
    let moved =
        |status: u16, to: &str| (StatusCode::from_u16(status).unwrap(), [("location", to.to_owned())]).into_response();
    match uri.path() {
        "/latin" => typed("text/plain; charset=iso-8859-1", vec![0x63, 0x61, 0x66, 0xe9]),
        "/binary" => typed("application/octet-stream", vec![0, 159, 146, 150]),
        "/broken" => typed("application/json", b"{\"a\":".to_vec()),
        "/gone" => (StatusCode::GONE, "it was here").into_response(),
        "/moved" => moved(302, "/ok?moved"),
        "/away" => moved(307, &uri.query().unwrap_or_default().replace("to=", "")),
        "/round" => moved(302, "/round"),
        "/whoami" if text("authorization") != "Basic bGk6b3BlbiBzZXNhbWU=" => StatusCode::UNAUTHORIZED.into_response(),
        "/digest" if text("authorization").is_empty() => {
            let challenge = "Digest realm=\"r\", nonce=\"n\", qop=\"auth\", algorithm=SHA-256";
            (StatusCode::UNAUTHORIZED, [("www-authenticate", challenge)]).into_response()
        }
        "/oauth2/token" => {
            json(json!({"access_token": "the-access-token", "token_type": "Bearer", "expires_in": 3600}))
        }
        "/tokened" if text("authorization") != "Bearer the-access-token" => StatusCode::UNAUTHORIZED.into_response(),
        "/echo" => json(json!({"token": text("x-token"), "body": heard.body, "uri": heard.uri})),
        "/leak" => (StatusCode::BAD_REQUEST, format!("your token {} is wrong", text("x-token"))).into_response(),
        "/flaky" if world.failing.load(std::sync::atomic::Ordering::SeqCst) => {
            (StatusCode::SERVICE_UNAVAILABLE, "not now").into_response()
        }
        "/slow" => {
            while !world.open.load(std::sync::atomic::Ordering::SeqCst) {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
            json(json!({"slow": true}))
        }
        "/api.json" => json(json!({
            "swagger": "2.0", "basePath": "/v2",
            "paths": {"/pet/{petId}": {"get": {"operationId": "getPetById", "parameters": [
                {"name": "petId", "in": "path", "required": true}, {"name": "full", "in": "query"}]}}}
        })),
        path => json(json!({"path": path, "n": 1})),
    }
}

/// A house with one workflow `ask` of these tasks, and a grant for it.
fn house(tasks: &Value, grant: Value) -> House {
    let mut house = House::with(&["jq", "tally"]).unwrap();
    house.workflow("ask", &[], &json!({"use": {"secrets": ["token"]}, "do": tasks})).unwrap();
    if !grant.is_null() {
        let grant = json!({"workflow": "tests/ask", "grant": grant});
        house.config.grants.push(serde_json::from_value(grant).unwrap());
    }

    house
}

fn get(uri: String) -> Value {
    json!({"call": "http", "with": {"method": "get", "endpoint": uri}})
}

fn with(task: &Value, name: &str, value: Value) -> Value {
    let mut task = task.clone();
    task["with"][name] = value;
    task
}

async fn ask(server: &Server, task: Value) -> Arc<FinishedRun> {
    let house = house(&json!([{"ask": task}]), server.grant());
    let engine = house.in_memory().await.unwrap();
    let end = engine.run(submission("ask", json!({}))).await.unwrap();
    engine.stop().await.unwrap();
    end
}

/// Keeps a secret's value in a file of the house.
fn secret(house: &mut House, name: &str, value: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    let file = house.folder.path().join(format!("{name}.secret"));
    std::fs::write(&file, value).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    house.config.secrets.insert(name.to_owned(), serde_json::from_value(json!({"file": file})).unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_comes_in_the_form_that_was_asked_for() {
    let server = Server::open().await;
    let uri = |path: &str| format!("{}{path}", server.origin);
    let content = ask(&server, get(uri("/ok"))).await;
    assert_eq!((content.status.as_str(), &content.result), ("completed", &json!({"path": "/ok", "n": 1})));
    let raw = ask(&server, with(&get(uri("/latin")), "output", json!("raw"))).await;
    assert_eq!(raw.result, json!("Y2Fm6Q=="));
    assert_eq!(ask(&server, get(uri("/latin"))).await.result, json!("café"));
    assert_eq!(ask(&server, get(uri("/binary"))).await.result, json!("AJ+Slg=="));
    let post = json!({"call": "http", "with": {
        "method": "post", "endpoint": uri("/echo"), "headers": {"x-token": "t"}, "query": {"q": "火 情", "n": 1},
        "body": {"a": [1]}, "output": "response"}});
    let whole = ask(&server, post).await.result.clone();
    assert_eq!(whole["statusCode"], 200);
    assert_eq!(whole["content"]["body"], "{\"a\":[1]}");
    assert_eq!(whole["content"]["uri"], "/echo?q=%E7%81%AB+%E6%83%85&n=1");
    assert_eq!(whole["request"]["method"], "POST");
    assert_eq!(server.heard("/echo")[0].method, "POST");
    assert_eq!(whole["request"]["headers"]["x-token"], "t");
    assert_eq!(whole["headers"]["content-type"], "application/json");
    let heard = &server.heard("/echo")[0];
    assert_eq!(heard.header("content-type"), "application/json");
    assert!(!heard.header("idempotency-key").is_empty(), "{heard:?}");
    assert!(server.heard("/ok")[0].header("idempotency-key").is_empty());
    let broken = fault(&ask(&server, get(uri("/broken"))).await).unwrap();
    assert!(broken.is(ErrorKind::Communication) && broken.to_string().contains("says that it is JSON"), "{broken}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_that_is_no_success_is_the_tasks_error() {
    let server = Server::open().await;
    let uri = |path: &str| format!("{}{path}", server.origin);
    let gone = fault(&ask(&server, get(uri("/gone"))).await).unwrap();
    assert!(gone.is(ErrorKind::Communication), "{gone}");
    assert_eq!((gone.status, gone.instance.as_str()), (410, "/do/0/ask"));
    assert!(gone.to_string().contains("answered 410: it was here"), "{gone}");
    let moved = fault(&ask(&server, get(uri("/moved"))).await).unwrap();
    assert_eq!(moved.status, 302);
    assert!(moved.to_string().contains("redirect: true"), "{moved}");
    let followed = ask(&server, with(&get(uri("/moved")), "redirect", json!(true))).await;
    assert_eq!(followed.result["path"], "/ok", "{}", followed.result);
    let round = fault(&ask(&server, with(&get(uri("/round")), "redirect", json!(true))).await).unwrap();
    assert!(round.to_string().contains("more than 10 times"), "{round}");
    let nobody = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let mut grant = server.grant();
    grant["http"].as_array_mut().unwrap().push(json!({"origin": format!("http://{nobody}")}));
    // A POST that surely was not begun is an error as any other, not a matter for a person.
    let post =
        json!({"call": "http", "with": {"method": "post", "endpoint": format!("http://{nobody}/x"), "body": {}}});
    let house = house(&json!([{"ask": post}]), grant);
    let engine = house.in_memory().await.unwrap();
    let refused = fault(&engine.run(submission("ask", json!({}))).await.unwrap()).unwrap();
    assert!(refused.is(ErrorKind::Communication) && refused.to_string().contains("no connection"), "{refused}");
    engine.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_asked_that_is_not_granted_and_the_error_names_the_grant() {
    let server = Server::open().await;
    let tasks = json!([{"ask": get(format!("{}/a/b", server.origin))}]);
    let mut house = house(&tasks, Value::Null);
    // Each error names what to add; with all that was named it goes.
    for missing in ["\"origin\"", "allow_addresses"] {
        let engine = house.in_memory().await.unwrap();
        let denied = fault(&engine.run(submission("ask", json!({}))).await.unwrap()).unwrap();
        engine.stop().await.unwrap();
        assert!(denied.is(ErrorKind::Authorization), "{denied}");
        let detail = denied.detail.unwrap();
        assert!(detail.contains(missing), "{detail}");
        assert!(server.heard("/").is_empty(), "{detail}");
        let named = detail.rsplit_once("`grants` of the configuration: ").unwrap().1;
        let named: huiyin_engine::config::GrantConfig = serde_json::from_str(named).unwrap();
        match house.config.grants.first_mut() {
            None => house.config.grants.push(named),
            Some(given) => given.grant.allow_addresses = named.grant.allow_addresses,
        }
    }
    let engine = house.in_memory().await.unwrap();
    assert_eq!(engine.run(submission("ask", json!({}))).await.unwrap().status, "completed");
    engine.stop().await.unwrap();
    // A redirect is checked anew.
    let other = Server::open().await;
    let led = with(&get(format!("{}/away?to={}/b", server.origin, other.origin)), "redirect", json!(true));
    let denied = fault(&ask(&server, led).await).unwrap();
    assert!(denied.is(ErrorKind::Authorization), "{denied}");
    assert!(other.heard("/").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_where_the_admin_says_it_is() {
    let server = Server::open().await;
    let tasks = json!([{"ask": get("http://pets.example.cn/v2/pet/1".to_owned())}]);
    let mut house = house(&tasks, json!({"http": [{"origin": "http://pets.example.cn"}]}));
    house.config.egress.resolve.insert("pets.example.cn:80".to_owned(), format!("127.0.0.1:{}", server.port));
    let engine = house.in_memory().await.unwrap();
    let end = engine.run(submission("ask", json!({}))).await.unwrap();
    assert_eq!((end.status.as_str(), &end.result["path"]), ("completed", &json!("/v2/pet/1")), "{}", end.result);
    assert_eq!(server.heard("/v2")[0].header("host"), "pets.example.cn");
    engine.stop().await.unwrap();
    house.config.egress.resolve.insert("10.0.0.1".to_owned(), "127.0.0.1".to_owned());
    let refused = house.in_memory().await.err().unwrap();
    assert!(refused.contains("/egress/resolve") && refused.contains("map a name"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_goes_to_its_place_and_nowhere_else() {
    let server = Server::open().await;
    let other = Server::open().await;
    let secret_value = "s3cret-of-the-bureau";
    let headers = json!({"x-token": "${ $secrets.token }"});
    let task = |path: &str| with(&get(format!("{}{path}", server.origin)), "headers", headers.clone());
    let led = with(&task(&format!("/away?to={}/echo", other.origin)), "redirect", json!(true));
    let tasks = json!([
        {"echo": task("/echo")},
        {"keep": {"set": {"echo": "${ . }", "asked": "${ $secrets.token }"}}},
        {"away": led},
        {"leak": task("/leak")},
    ]);
    let mut grant = server.grant();
    grant["http"].as_array_mut().unwrap().push(json!({"origin": other.origin}));
    grant["secrets"] = json!([{"name": "token", "hosts": [server.origin]}]);
    let mut house = house(&tasks, grant.clone());
    secret(&mut house, "token", secret_value);
    let engine = house.on_disk().await.unwrap();
    let end = engine.run(named("ask", "secretive", json!({}))).await.unwrap();
    let error = fault(&end).unwrap();
    assert_eq!((error.status, error.instance.as_str()), (400, "/do/3/leak"));
    assert!(error.to_string().contains("your token {{huiyin:secret:token}} is wrong"), "{error}");
    assert_eq!(server.heard("/echo")[0].header("x-token"), secret_value, "the granted place got it");
    assert_eq!(other.heard("/echo").len(), 1, "the redirect was followed");
    assert_eq!(other.heard("/echo")[0].header("x-token"), "", "and the secret was not for that place");
    engine.stop().await.unwrap();
    drop(engine);
    let journal = log::text(&house.data()).unwrap();
    assert!(journal.contains("{{huiyin:secret:token}}"));
    assert!(!journal.contains(secret_value), "the secret's value is in the journal");
    // Not granted for the place: nothing is sent.
    house.config.grants[0].grant.secrets.clear();
    let before = server.heard("/echo").len();
    let engine = house.on_disk().await.unwrap();
    let denied = fault(&engine.run(named("ask", "refused", json!({}))).await.unwrap()).unwrap();
    assert!(denied.is(ErrorKind::Authorization) && denied.to_string().contains("\"name\":\"token\""), "{denied}");
    assert_eq!(server.heard("/echo").len(), before);
    engine.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_is_told_to_the_place_that_wants_to_know() {
    let server = Server::open().await;
    let secured = |path: &str, authentication: Value| {
        json!({"call": "http", "with": {"method": "get",
            "endpoint": {"uri": format!("{}{path}", server.origin), "authentication": authentication}}})
    };
    let oauth = json!({"oauth2": {"authority": server.origin, "grant": "client_credentials",
        "client": {"id": "huiyin", "secret": "${ $secrets.token }", "authentication": "client_secret_post"}, "scopes": ["read", "write"]}});
    let tasks = json!([
        {"basic": secured("/whoami", json!({"basic": {"username": "li", "password": "open sesame"}}))},
        {"digest": secured("/digest", json!({"digest": {"username": "li", "password": "open sesame"}}))},
        {"once": secured("/tokened", oauth.clone())},
        {"again": secured("/tokened", oauth)},
        {"bearer": secured("/bearer", json!({"bearer": {"token": "${ $secrets.token }"}}))},
    ]);
    let mut grant = server.grant();
    grant["secrets"] = json!([{"name": "token", "hosts": [server.origin]}]);
    let mut house = house(&tasks, grant);
    secret(&mut house, "token", "the-clients-secret");
    let engine = house.on_disk().await.unwrap();
    let end = engine.run(submission("ask", json!({}))).await.unwrap();
    assert_eq!(end.status, "completed", "{}", end.result);
    engine.stop().await.unwrap();
    drop(engine);
    let digest = server.heard("/digest");
    assert_eq!(digest.len(), 2, "first without, then with an answer to the challenge");
    assert!(digest[1].header("authorization").starts_with("Digest username=\"li\", realm=\"r\""), "{digest:?}");
    let asked = server.heard("/oauth2/token");
    assert_eq!(asked.len(), 1, "the token was kept for the second request");
    assert_eq!(
        asked[0].body,
        "grant_type=client_credentials&scope=read+write&client_id=huiyin&client_secret=the-clients-secret"
    );
    assert_eq!(server.heard("/bearer")[0].header("authorization"), "Bearer the-clients-secret");
    let journal = log::text(&house.data()).unwrap();
    for hidden in ["the-clients-secret", "the-access-token"] {
        assert!(!journal.contains(hidden), "`{hidden}` is in the journal");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_of_an_openapi_document_is_called() {
    let server = Server::open().await;
    let call = |operation: &str, parameters: Value| {
        json!({"call": "openapi", "with": {"document": {"endpoint": format!("{}/api.json", server.origin)},
            "operationId": operation, "parameters": parameters}})
    };
    let good = call("getPetById", json!({"petId": 7, "full": true}));
    let house = house(&json!([{"first": good.clone()}, {"second": good}]), server.grant());
    let engine = house.on_disk().await.unwrap();
    let end = engine.run(submission("ask", json!({}))).await.unwrap();
    assert_eq!((end.status.as_str(), &end.result["path"]), ("completed", &json!("/v2/pet/7")), "{}", end.result);
    engine.stop().await.unwrap();
    drop(engine);
    assert_eq!(server.heard("/v2/pet/7?full=true").len(), 2);
    assert_eq!(server.heard("/api.json").len(), 1, "the document is kept for a while");
    let intended: Vec<_> = entries(&house.data())
        .unwrap()
        .into_iter()
        .filter_map(|e| if let Entry::EffectIntended(e) = e { Some((e.attempt, e.target.unwrap())) } else { None })
        .collect();
    let (document, pet) = (format!("GET {}/api.json", server.origin), format!("GET {}/v2/pet/7", server.origin));
    assert_eq!(intended, [(1, document.clone()), (2, pet.clone()), (1, document), (2, pet)]);
    let none = fault(&ask(&server, call("getPets", json!({}))).await).unwrap();
    assert!(none.is(ErrorKind::Configuration) && none.to_string().contains("it has getPetById"), "{none}");
    let missing = fault(&ask(&server, call("getPetById", json!({}))).await).unwrap();
    assert!(missing.to_string().contains("needs the parameter `petId`"), "{missing}");
}

/// A host is cut off while a request waits for its answer; another comes up on what its disk held.
async fn cut_off(server: &Server, method: &str) -> (House, Engine, Engine) {
    let slow = json!({"call": "http", "with": {"method": method, "endpoint": format!("{}/slow", server.origin), "body": {"a": 1}}});
    let tasks = json!([{"slow": slow}, {"say": {"set": {"got": "${ . }"}}}]);
    let house = house(&tasks, server.grant());
    let first = house.on_disk().await.unwrap();
    first.submit(named("ask", "the-ask", json!({}))).await.unwrap();
    until("the request", async || Ok((server.heard("/slow").len() == 1).then_some(()))).await.unwrap();
    let left = house.folder.path().join("left");
    copy(&house.data(), &left).unwrap();
    let second = house.on_disk_at(&left).await.unwrap();
    (house, first, second)
}

async fn unknown(engine: &Engine, run: &str) -> String {
    until("the unknown outcome", async || {
        let run = run.to_owned();
        let found = engine.look_all(move |state, _| {
            state.runs.get(&run).and_then(|r| r.effects.values().find_map(|e| e.unknown.clone()))
        });
        Ok(found.await.map_err(|e| e.to_string())?.into_iter().flatten().next())
    })
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_get_that_was_cut_off_is_asked_again() {
    let server = Server::open().await;
    let (_house, _first, second) = cut_off(&server, "put").await;
    until("the second try", async || Ok((server.heard("/slow").len() == 2).then_some(()))).await.unwrap();
    server.world.open.store(true, std::sync::atomic::Ordering::SeqCst);
    let end = end_of(&second, "the-ask").await.unwrap();
    assert_eq!((end.status.as_str(), &end.result), ("completed", &json!({"got": {"slow": true}})));
    second.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_that_was_cut_off_waits_for_a_person_who_says_that_it_did_not_happen() {
    let server = Server::open().await;
    let (house, _first, second) = cut_off(&server, "post").await;
    assert_eq!(unknown(&second, "the-ask").await, "the host stopped while it was being tried");
    assert_eq!(server.heard("/slow").len(), 1, "it was not repeated");
    let refused = second.retry("the-ask", "try", "person:li").await.unwrap_err();
    assert!(refused.to_string().contains("nobody knows whether call"), "{refused}");
    server.world.open.store(true, std::sync::atomic::Ordering::SeqCst);
    second.resolve("the-ask", None, None, "the receiver has nothing", "person:li").await.unwrap();
    let end = end_of(&second, "the-ask").await.unwrap();
    assert_eq!((end.status.as_str(), &end.result), ("completed", &json!({"got": {"slow": true}})));
    let heard = server.heard("/slow");
    assert_eq!(heard.len(), 2);
    assert_eq!(heard[0].header("idempotency-key"), heard[1].header("idempotency-key"));
    second.stop().await.unwrap();
    drop(second);
    let text = log::text(&house.folder.path().join("left")).unwrap();
    assert!(
        text.contains("huiyin.effect.resolved.v1")
            && text.contains("person:li")
            && text.contains("the receiver has nothing")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_that_was_cut_off_waits_for_a_person_who_says_what_it_gave() {
    let server = Server::open().await;
    let (house, _first, second) = cut_off(&server, "post").await;
    unknown(&second, "the-ask").await;
    second.resolve("the-ask", None, Some(json!({"seen": 1})), "seen there", "person:li").await.unwrap();
    let end = end_of(&second, "the-ask").await.unwrap();
    assert_eq!((end.status.as_str(), &end.result), ("completed", &json!({"got": {"seen": 1}})));
    assert_eq!(server.heard("/slow").len(), 1);
    second.stop().await.unwrap();
    drop(second);
    // And so it stays.
    let third = house.on_disk_at(&house.folder.path().join("left")).await.unwrap();
    assert_eq!(end_of(&third, "the-ask").await.unwrap().result, json!({"got": {"seen": 1}}));
    third.stop().await.unwrap();
}

/// A house with a workflow `parent` that runs `tests/child`.
fn family(child: &Value, wait: bool) -> House {
    let mut house = House::with(&["jq", "tally"]).unwrap();
    house.workflow("child", &[], &json!({"do": child})).unwrap();
    let run = json!({"run": {"workflow": {"namespace": "tests", "name": "child", "version": "1.0.0", "input": {"n": "${ .n }"}}, "await": wait}});
    house.workflow("parent", &[], &json!({"do": [{"below": run}, {"say": {"set": {"got": "${ . }"}}}]})).unwrap();
    house
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workflow_runs_another_and_takes_its_end() {
    let house = family(&json!([{"twice": {"set": {"n": "${ .n * 2 }"}}}]), true);
    let engine = house.on_disk().await.unwrap();
    let end = engine.run(named("parent", "above", json!({"n": 4}))).await.unwrap();
    assert_eq!((end.status.as_str(), &end.result), ("completed", &json!({"got": {"n": 8}})));
    engine.stop().await.unwrap();

    let house = family(
        &json!([{"no": {"raise": {"error": {"type": "https://example.cn/no", "status": 418, "title": "no"}}}}]),
        true,
    );
    let engine = house.in_memory().await.unwrap();
    let error = fault(&engine.run(named("parent", "above", json!({"n": 4}))).await.unwrap()).unwrap();
    assert_eq!(
        (error.kind.as_str(), error.status, error.instance.as_str()),
        ("https://example.cn/no", 418, "/do/0/below")
    );
    assert!(error.to_string().contains("of workflow tests/child, at /do/0/no"), "{error}");
    engine.stop().await.unwrap();

    let house = family(&json!([{"long": {"wait": "PT1H"}}]), false);
    let engine = house.in_memory().await.unwrap();
    let end = engine.run(named("parent", "above", json!({"n": 4}))).await.unwrap();
    assert_eq!((end.status.as_str(), &end.result), ("completed", &json!({"got": {"n": 4}})), "it gives its own input");
    let below = engine.look_all(|s, _| s.runs.values().filter(|r| r.parent.is_some()).count()).await.unwrap();
    assert_eq!(below.into_iter().sum::<usize>(), 1, "and the other goes on");
    engine.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workflow_that_runs_what_is_not_there_is_not_deployed() {
    for (version, says) in [
        ("1.0.0", "it runs `tests/child`, which is not among"),
        ("2.0.0", "in version 2.0.0, which is there in version 1.0.0"),
    ] {
        let mut house = family(&json!([{"x": {"set": {"a": 1}}}]), true);
        let run = json!({"run": {"workflow": {"namespace": "tests", "name": "child", "version": version}}});
        house.workflow("parent", &[], &json!({"do": [{"below": run}]})).unwrap();
        house.config.workflows.remove(1);
        if version == "1.0.0" {
            house.config.workflows.remove(0);
        }
        let refused = house.in_memory().await.err().unwrap();
        assert!(refused.contains(says) && refused.contains("parent.json"), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_deploys_must_find_what_it_runs_and_is_found_by_the_configuration() {
    let text = |name: &str, tasks: Value| {
        let document = json!({"dsl": "1.0.3", "namespace": "tests", "name": name, "version": "1.0.0"});
        let text = json!({"document": document, "do": tasks}).to_string();
        huiyin_engine::deploy::WorkflowText { file: format!("{name}.json"), text }
    };
    let runs = |name: &str| json!([{"below": {"run": {"workflow": {"namespace": "tests", "name": name, "version": "1.0.0"}}}}]);
    let (child, parent) = (text("child", json!([{"x": {"set": {"n": 7}}}])), text("parent", runs("child")));
    let mut house = House::with(&["jq", "tally"]).unwrap();
    house.honest().unwrap();
    let engine = house.on_disk().await.unwrap();
    let refused = engine.deploy(vec![parent.clone()], &[], "person:li").await.unwrap_err().to_string();
    assert_eq!(refused, "parent.json: it runs `tests/child`, which is not among the workflows");
    // Together they are, and one that is in force counts as well.
    engine.deploy(vec![parent, child], &[], "person:li").await.unwrap();
    engine.deploy(vec![text("top", runs("parent"))], &[], "person:li").await.unwrap();
    assert_eq!(engine.run(submission("top", json!({}))).await.unwrap().result, json!({"n": 7}));
    engine.stop().await.unwrap();
    drop(engine);
    house.workflow("above", &[], &json!({"do": runs("top")})).unwrap();
    let engine = house.on_disk().await.unwrap();
    assert_eq!(engine.run(submission("above", json!({}))).await.unwrap().result, json!({"n": 7}));
    engine.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_below_outlives_the_host_and_is_started_once() {
    let house = family(&json!([{"pause": {"wait": "PT2S"}}, {"twice": {"set": {"n": "${ .n * 2 }"}}}]), true);
    let first = house.on_disk().await.unwrap();
    first.submit(named("parent", "above", json!({"n": 21}))).await.unwrap();
    until("the run below", async || {
        let found = first.look_all(|s, _| s.runs.values().any(|r| r.parent.is_some() && r.input.is_none())).await;
        Ok(found.map_err(|e| e.to_string())?.into_iter().any(|yes| yes).then_some(()))
    })
    .await
    .unwrap();
    first.stop().await.unwrap();
    drop(first);
    let second = house.on_disk().await.unwrap();
    assert_eq!(end_of(&second, "above").await.unwrap().result, json!({"got": {"n": 42}}));
    second.stop().await.unwrap();
    drop(second);
    let started = entries(&house.data()).unwrap().into_iter().filter(|e| matches!(e, Entry::RunStarted(_))).count();
    assert_eq!(started, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_a_run_cancels_what_it_waits_for_below() {
    let house = family(&json!([{"long": {"wait": "PT1H"}}]), true);
    let engine = house.in_memory().await.unwrap();
    engine.submit(named("parent", "above", json!({"n": 1}))).await.unwrap();
    let below = until("the run below", async || {
        let found = engine.look_all(|s, _| s.runs.iter().find(|(_, r)| r.parent.is_some()).map(|(id, _)| id.clone()));
        Ok(found.await.map_err(|e| e.to_string())?.into_iter().flatten().next())
    })
    .await
    .unwrap();
    engine.cancel("above", "no longer needed", "person:li").await.unwrap();
    let end = end_of(&engine, &below).await.unwrap();
    assert_eq!(end.status, "cancelled", "{}", end.result);
    engine.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workflow_that_runs_itself_for_ever_is_stopped() {
    let mut house = House::with(&["jq"]).unwrap();
    let run = json!({"run": {"workflow": {"namespace": "tests", "name": "self", "version": "latest", "input": {}}}});
    house.workflow("self", &[], &json!({"do": [{"again": run}]})).unwrap();
    let engine = house.in_memory().await.unwrap();
    let error = fault(&engine.run(submission("self", json!({}))).await.unwrap()).unwrap();
    assert!(error.to_string().contains("more than 32 deep"), "{error}");
    engine.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_run_goes_on_without_repeating_what_is_done() {
    let server = Server::open().await;
    server.world.failing.store(true, std::sync::atomic::Ordering::SeqCst);
    let tasks = json!([
        {"first": get(format!("{}/first", server.origin))},
        {"second": get(format!("{}/flaky", server.origin))},
        {"third": {"set": {"got": "${ .path }"}}},
    ]);
    let house = house(&tasks, server.grant());
    let engine = house.on_disk().await.unwrap();
    let end = engine.run(named("ask", "flaky", json!({}))).await.unwrap();
    assert_eq!((fault(&end).unwrap().status, fault(&end).unwrap().instance.as_str()), (503, "/do/1/second"));
    engine.stop().await.unwrap();
    drop(engine);
    server.world.failing.store(false, std::sync::atomic::Ordering::SeqCst);
    // Also after a restart.
    let engine = house.on_disk().await.unwrap();
    engine.retry("flaky", "the server is back", "person:li").await.unwrap();
    let end = until("the end", async || {
        let found = engine.look_all(|s, _| s.ended("flaky").filter(|f| f.status != "faulted").cloned()).await;
        Ok(found.map_err(|e| e.to_string())?.into_iter().flatten().next())
    })
    .await
    .unwrap();
    assert_eq!((end.status.as_str(), &end.result), ("completed", &json!({"got": "/flaky"})));
    assert_eq!(server.heard("/first").len(), 1, "what was done is not repeated");
    assert_eq!(server.heard("/flaky").len(), 2);
    // From a task of a person's choice, with another input.
    engine.restart("flaky", "/do/2/third", Some(json!({"path": "edited"})), "once more", "person:li").await.unwrap();
    let end = until("the new end", async || {
        let found = engine.look_all(|s, _| s.ended("flaky").filter(|f| f.result["got"] == "edited").cloned()).await;
        Ok(found.map_err(|e| e.to_string())?.into_iter().flatten().next())
    })
    .await
    .unwrap();
    assert_eq!(end.status, "completed");
    assert_eq!(server.heard("/flaky").len(), 2);
    let refused = engine.restart("flaky", "/do/9/nothing", None, "x", "person:li").await.unwrap_err();
    assert!(refused.to_string().contains("cannot be set to work again"), "{refused}");
    let records = engine.records_of("flaky").await.unwrap();
    let reopened: Vec<_> = records.iter().filter(|r| r.header.kind == "huiyin.run.reopened.v1").collect();
    assert_eq!(reopened.len(), 2);
    assert!(reopened.iter().all(|r| r.header.actor == "person:li"));
    engine.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_run_asks_nothing_and_goes_on_where_it_was() {
    let server = Server::open().await;
    let tasks =
        json!([{"slow": get(format!("{}/slow", server.origin))}, {"then": get(format!("{}/then", server.origin))}]);
    let house = house(&tasks, server.grant());
    let engine = house.on_disk().await.unwrap();
    engine.submit(named("ask", "held", json!({}))).await.unwrap();
    until("the request", async || Ok((server.heard("/slow").len() == 1).then_some(()))).await.unwrap();
    engine.suspend("held", "the server is being repaired", "person:li").await.unwrap();
    assert!(engine.suspend("held", "again", "person:li").await.unwrap_err().to_string().contains("suspended already"));
    server.world.open.store(true, std::sync::atomic::Ordering::SeqCst);
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert!(server.heard("/then").is_empty(), "it went on while it was held");
    engine.stop().await.unwrap();
    drop(engine);
    let engine = house.on_disk().await.unwrap();
    assert!(server.heard("/then").is_empty(), "nor does a restart let it go on");
    engine.resume("held", "it is back", "person:li").await.unwrap();
    assert_eq!(end_of(&engine, "held").await.unwrap().status, "completed");
    assert_eq!(server.heard("/then").len(), 1);
    let records = engine.records_of("held").await.unwrap();
    let by_li = records.iter().filter(|r| r.header.actor == "person:li").count();
    assert_eq!(by_li, 2, "both are on record with who");
    engine.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_stops_what_is_in_hand() {
    let server = Server::open().await;
    let slow =
        json!({"call": "http", "with": {"method": "post", "endpoint": format!("{}/slow", server.origin), "body": {}}});
    let house = house(&json!([{"slow": slow}]), server.grant());
    let engine = house.on_disk().await.unwrap();
    engine.submit(named("ask", "stopped", json!({}))).await.unwrap();
    until("the request", async || Ok((server.heard("/slow").len() == 1).then_some(()))).await.unwrap();
    engine.cancel("stopped", "entered twice", "person:li").await.unwrap();
    let end = end_of(&engine, "stopped").await.unwrap();
    assert_eq!(end.status, "cancelled");
    engine.stop().await.unwrap();
    drop(engine);
    let unknown = entries(&house.data()).unwrap().into_iter().filter(|e| matches!(e, Entry::EffectUnknown(_))).count();
    assert_eq!(unknown, 1, "that it may have happened is on record");
}

/// The program, as `huiyin` would be called.
fn huiyin(args: &[&str]) -> (i32, String, String) {
    let done = std::process::Command::new(env!("CARGO_BIN_EXE_huiyin-faulty")).args(args).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (done.status.code().unwrap(), text(done.stdout), text(done.stderr))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_running_host_is_operated_from_the_command_line() {
    let server = Server::open().await;
    server.world.failing.store(true, std::sync::atomic::Ordering::SeqCst);
    let folder = tempfile::tempdir().unwrap();
    let post = json!({"call": "http", "with": {"method": "post", "endpoint": format!("{}/flaky", server.origin), "body": {"a": 1}}});
    let document = json!({"dsl": "1.0.3", "namespace": "tests", "name": "ask", "version": "1.0.0"});
    let workflow = folder.path().join("ask.json");
    std::fs::write(
        &workflow,
        json!({"document": document, "do": [{"tell": post}, {"say": {"set": {"said": "${ .n }"}}}]}).to_string(),
    )
    .unwrap();
    let config = folder.path().join("huiyin.json");
    let grants = json!([{"workflow": "tests/ask", "grant": server.grant()}]);
    let plugins = json!([huiyin_tests::project("build/plugins/jq-0.1.0.wasm")]);
    std::fs::write(
        &config,
        json!({"workflows": [{"file": "ask.json", "units": []}], "grants": grants, "plugins": plugins}).to_string(),
    )
    .unwrap();
    let data = folder.path().join("data");
    let program = Path::new(env!("CARGO_BIN_EXE_huiyin-faulty"));
    let host = huiyin_tests::host::Start { program, config: &config, data: &data, env: Vec::new() }.go().unwrap();
    let (status, ended) =
        host.client().post("/v1/runs", &json!({"workflow": "ask", "id": "asked", "wait": true})).unwrap();
    assert_eq!((status, &ended["status"]), (200, &json!("faulted")), "{ended}");
    let at = ["--data", data.to_str().unwrap(), "--as", "li"];
    let run = |args: &[&str]| huiyin(&[&["run"], args, &at].concat());

    let (code, listed, _) = run(&["list", "--status", "faulted", "--workflow", "ask"]);
    assert!(code == 0 && listed.contains("asked") && listed.contains("answered 503"), "{listed}");
    assert!(!run(&["list", "--status", "completed"]).1.contains("asked"));
    assert_eq!(run(&["list", "--status", "odd"]).0, 2);
    let (_, shown, _) = run(&["show", "asked"]);
    assert!(shown.contains("status    faulted") && shown.contains("where     /do/0/tell"), "{shown}");
    let (code, _, said) = run(&["suspend", "asked", "--reason", "x"]);
    assert!(code == 1 && said.contains("is not running; it faulted"), "{code}: {said}");
    let (code, _, said) = run(&["retry", "nobody", "--reason", "x"]);
    assert!(code == 2 && said.contains("there is no run nobody"), "{code}: {said}");

    server.world.failing.store(false, std::sync::atomic::Ordering::SeqCst);
    let (code, _, said) = run(&["retry", "asked", "--reason", "it is back"]);
    assert_eq!(code, 0, "{said}");
    let client = host.client();
    until("the end", async || {
        let (_, run) = client.get("/v1/runs/asked")?;
        Ok((run["status"] == "completed").then_some(()))
    })
    .await
    .unwrap();
    let (code, told, _) = run(&["show", "asked", "--replay"]);
    assert_eq!(code, 0);
    for step in [
        "started by person",
        "/do/0/tell begins: POST",
        "call 1 will be tried: http POST",
        "call 1 failed: POST",
        "the run fails:",
        "set to work again at the task that failed: it is back",
        "person:li",
        "the run is completed",
    ] {
        assert!(told.contains(step), "no `{step}` in\n{told}");
    }
    assert_eq!(server.heard("/flaky").len(), 2);
    host.stop().unwrap();

    // A single run reaches what its arguments give.
    let single = workflow.to_str().unwrap();
    let plugin = huiyin_tests::project("build/plugins/jq-0.1.0.wasm");
    let plugin = ["--plugin", plugin.to_str().unwrap()];
    let (code, _, said) = huiyin(&[&["run", single], &plugin[..]].concat());
    assert!(code == 1 && said.contains("to allow it, an admin adds"), "{code}: {said}");
    let grant = folder.path().join("grant.json");
    std::fs::write(&grant, server.grant().to_string()).unwrap();
    let (code, output, said) = huiyin(&[&["run", single, "--grant", grant.to_str().unwrap()], &plugin[..]].concat());
    assert_eq!((code, serde_json::from_str::<Value>(&output).unwrap_or_default()), (0, json!({"said": 1})), "{said}");
}
