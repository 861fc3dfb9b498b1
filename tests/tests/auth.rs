//! Who asks: OAuth 2.0 and OpenID Connect in all their grants, secrets that are
//! JSON, secrets in query and body. A real host, real HTTP on loopback.

// Clippy's settings for tests do not reach helper functions of integration tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use huiyin_engine::state::FinishedRun;
use huiyin_flow::ErrorKind;
use huiyin_tests::house::{House, fault, submission};
use huiyin_tests::log;
use serde_json::{Value, json};

/// A request as it came in.
#[derive(Debug, Clone)]
struct Heard {
    uri: String,
    authorization: String,
    kind: String,
    body: String,
}

#[derive(Default)]
struct World {
    heard: Mutex<Vec<Heard>>,
    origin: Mutex<String>,
}

/// A token endpoint, an OpenID provider, and something that wants tokens.
struct Server {
    world: Arc<World>,
    origin: String,
}

impl Server {
    async fn open() -> Server {
        let world = Arc::new(World::default());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        world.origin.lock().unwrap().clone_from(&origin);
        let app = axum::Router::new().fallback(answer).with_state(Arc::clone(&world));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Server { world, origin }
    }

    fn heard(&self, path: &str) -> Vec<Heard> {
        self.world.heard.lock().unwrap().iter().filter(|h| h.uri.starts_with(path)).cloned().collect()
    }

    fn grant(&self, secrets: Value) -> Value {
        json!({"http": [{"origin": self.origin}], "allow_addresses": ["127.0.0.1/32"], "secrets": secrets})
    }
}

async fn answer(State(world): State<Arc<World>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let header = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
    let heard = Heard {
        uri: uri.to_string(),
        authorization: header("authorization"),
        kind: header("content-type"),
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    world.heard.lock().unwrap().push(heard.clone());
    let origin = world.origin.lock().unwrap().clone();
    let json = |value: Value| axum::Json(value).into_response();
    match uri.path() {
        "/.well-known/openid-configuration" => {
            json(json!({"issuer": origin, "token_endpoint": format!("{origin}/op/token")}))
        }
        "/op/token" | "/oauth2/token" => {
            let fields: Vec<(String, String)> = url::form_urlencoded::parse(&body).into_owned().collect();
            let field = |name: &str| fields.iter().find(|(n, _)| n == name).map_or("", |(_, v)| v.as_str());
            let asked = world.heard.lock().unwrap().iter().filter(|h| h.uri == heard.uri).count();
            match field("grant_type") {
                "refresh_token" if field("refresh_token") == "spent" => (
                    StatusCode::BAD_REQUEST,
                    axum::Json(json!({"error": "invalid_grant", "error_description": "spent"})),
                )
                    .into_response(),
                // Its last seconds count for nothing, so it is good for about one second.
                "password" => json(json!({"access_token": token(&origin, asked), "token_type": "bearer",
                    "expires_in": 31, "refresh_token": "the-refresh-token"})),
                _ => json(json!({"access_token": token(&origin, asked), "token_type": "Bearer", "expires_in": 3600})),
            }
        }
        "/echo" => json(json!({"uri": heard.uri, "body": heard.body})),
        _ if heard.authorization.starts_with("Bearer ") => json(json!({"path": uri.path()})),
        _ => StatusCode::UNAUTHORIZED.into_response(),
    }
}

/// A token in the form of RFC 7519, not signed: nobody here checks that.
fn token(issuer: &str, number: usize) -> String {
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.c2ln", part(json!({"alg": "none"})), part(json!({"iss": issuer, "n": number})))
}

/// A house with one workflow `ask` that asks for `paths` in turn, and its secrets.
fn house(server: &Server, authentication: &Value, paths: &[&str], secrets: &[(&str, &str, Value)]) -> House {
    let tasks: Vec<Value> = paths
        .iter()
        .enumerate()
        .map(|(at, path)| {
            json!({format!("t{at}"): {"call": "http", "with": {"method": "get",
                "endpoint": {"uri": format!("{}{path}", server.origin), "authentication": authentication}}}})
        })
        .collect();
    of(server, &json!(tasks), secrets)
}

fn of(server: &Server, tasks: &Value, secrets: &[(&str, &str, Value)]) -> House {
    use std::os::unix::fs::PermissionsExt as _;
    let mut house = House::with(&["jq", "tally"]).unwrap();
    let names: Vec<&str> = secrets.iter().map(|(name, ..)| *name).collect();
    house.workflow("ask", &[], &json!({"use": {"secrets": names}, "do": tasks})).unwrap();
    let granted: Vec<Value> =
        secrets.iter().map(|(name, _, also)| json!({"name": name, "hosts": [server.origin], "also": also})).collect();
    let grant = json!({"workflow": "tests/ask", "grant": server.grant(json!(granted))});
    house.config.grants.push(serde_json::from_value(grant).unwrap());
    for (name, value, _) in secrets {
        let file = house.folder.path().join(format!("{name}.secret"));
        std::fs::write(&file, value).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        house.config.secrets.insert((*name).to_owned(), serde_json::from_value(json!({"file": file})).unwrap());
    }
    house
}

async fn run(house: &House) -> Arc<FinishedRun> {
    let engine = house.on_disk().await.unwrap();
    let end = engine.run(submission("ask", json!({}))).await.unwrap();
    engine.stop().await.unwrap();
    end
}

fn done(end: &Arc<FinishedRun>) {
    assert_eq!(end.status, "completed", "{}", end.result);
}

/// None of these is in any record.
fn hidden(data: &Path, values: &[&str]) {
    let text = log::text(data).unwrap();
    for value in values {
        assert!(!text.contains(value), "`{value}` is in the log: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn openid_connect_finds_its_token_endpoint_and_its_issuer_is_held_to() {
    let server = Server::open().await;
    let oidc = |issuers: Value| {
        json!({"oidc": {"authority": server.origin, "grant": "client_credentials", "issuers": issuers,
            "client": {"id": "huiyin", "secret": "${ $secrets.client }"}, "scopes": ["openid"], "audiences": ["api"]}})
    };
    let secrets = [("client", "the-clients-secret", json!([]))];
    let good = house(&server, &oidc(json!([server.origin])), &["/a", "/b"], &secrets);
    done(&run(&good).await);
    assert_eq!(server.heard("/.well-known").len(), 1, "what was discovered is believed for a while");
    let asked = server.heard("/op/token");
    assert_eq!(asked.len(), 1);
    assert_eq!(
        asked[0].body,
        "grant_type=client_credentials&scope=openid&audience=api&client_id=huiyin&client_secret=the-clients-secret"
    );
    let given = token(&server.origin, 1);
    assert_eq!(server.heard("/b")[0].authorization, format!("Bearer {given}"));
    hidden(&good.data(), &["the-clients-secret", &given]);

    let foreign = house(&server, &oidc(json!(["https://id.example.cn"])), &["/c"], &secrets);
    let error = fault(&run(&foreign).await).unwrap();
    assert!(error.is(ErrorKind::Authentication), "{error}");
    assert!(error.to_string().contains("is not one of `issuers`"), "{error}");
    assert!(server.heard("/c").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_asked_with_and_its_token_refreshed() {
    let server = Server::open().await;
    let password = json!({"oauth2": {"authority": server.origin, "grant": "password",
        "username": "li", "password": "${ $secrets.password }", "client": {"id": "huiyin", "authentication": "none"}}});
    let house = house(&server, &password, &["/a"], &[("password", "open sesame", json!([]))]);
    let engine = house.on_disk().await.unwrap();
    done(&engine.run(submission("ask", json!({}))).await.unwrap());
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    done(&engine.run(submission("ask", json!({}))).await.unwrap());
    engine.stop().await.unwrap();
    drop(engine);
    let asked: Vec<String> = server.heard("/oauth2/token").into_iter().map(|heard| heard.body).collect();
    assert_eq!(
        asked,
        [
            "grant_type=password&username=li&password=open+sesame&client_id=huiyin",
            "grant_type=refresh_token&refresh_token=the-refresh-token&client_id=huiyin",
        ]
    );
    assert_ne!(server.heard("/a")[0].authorization, server.heard("/a")[1].authorization);
    hidden(&house.data(), &["open sesame", "the-refresh-token"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_of_ones_own_is_used_and_a_refusal_is_told() {
    let server = Server::open().await;
    let refresh = |token: &str| {
        json!({"oauth2": {"authority": server.origin, "grant": "refresh_token", "subject": {"token": token, "type": "t"},
            "client": {"id": "huiyin", "authentication": "none"}}})
    };
    let own = house(&server, &refresh("${ $secrets.own }"), &["/a"], &[("own", "a-refresh-token", json!([]))]);
    done(&run(&own).await);
    assert_eq!(
        server.heard("/oauth2/token")[0].body,
        "grant_type=refresh_token&refresh_token=a-refresh-token&client_id=huiyin"
    );
    hidden(&own.data(), &["a-refresh-token"]);
    let error = fault(&run(&house(&server, &refresh("spent"), &["/b"], &[])).await).unwrap();
    assert!(error.is(ErrorKind::Authentication), "{error}");
    assert!(error.to_string().contains("answered 400: invalid_grant: spent"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_exchanged_for_another() {
    let server = Server::open().await;
    let kind = "urn:ietf:params:oauth:token-type:access_token";
    let exchange = json!({"oauth2": {"authority": server.origin, "endpoints": {"token": "/op/token"},
        "grant": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject": {"token": "${ $secrets.subject }", "type": kind},
        "actor": {"token": "${ $secrets.actor }", "type": kind},
        "client": {"id": "huiyin", "authentication": "none"}}});
    let secrets = [("subject", "the-subject", json!([])), ("actor", "the-actor", json!([]))];
    let house = house(&server, &exchange, &["/a"], &secrets);
    done(&run(&house).await);
    let fields: Vec<(String, String)> =
        url::form_urlencoded::parse(server.heard("/op/token")[0].body.as_bytes()).into_owned().collect();
    let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    assert_eq!(
        fields,
        [
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            ("subject_token", "the-subject"),
            ("subject_token_type", kind),
            ("actor_token", "the-actor"),
            ("actor_token_type", kind),
            ("client_id", "huiyin"),
        ]
    );
    hidden(&house.data(), &["the-subject", "the-actor"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_may_say_who_it_is_in_the_header() {
    let server = Server::open().await;
    let basic = json!({"oauth2": {"authority": server.origin, "grant": "client_credentials",
        "request": {"encoding": "application/json"},
        "client": {"id": "hui:yin", "secret": "${ $secrets.client }", "authentication": "client_secret_basic"}}});
    let house = house(&server, &basic, &["/a"], &[("client", "a secret/of ours", json!([]))]);
    done(&run(&house).await);
    let asked = &server.heard("/oauth2/token")[0];
    // RFC 6749 §2.3.1: each encoded as in a form, then joined.
    let pair = STANDARD.encode("hui%3Ayin:a+secret%2Fof+ours");
    assert_eq!(asked.authorization, format!("Basic {pair}"));
    assert_eq!(
        (asked.kind.as_str(), asked.body.as_str()),
        ("application/json", "{\"grant_type\":\"client_credentials\"}")
    );
    hidden(&house.data(), &["a secret/of ours", &pair]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_may_hold_all_that_is_needed_to_ask() {
    let server = Server::open().await;
    let all = json!({"authority": server.origin, "grant": "client_credentials",
        "client": {"id": "huiyin", "secret": "within-the-secret"}});
    let oauth = house(&server, &json!({"oauth2": {"use": "all"}}), &["/a"], &[("all", &all.to_string(), json!([]))]);
    done(&run(&oauth).await);
    assert!(server.heard("/oauth2/token")[0].body.ends_with("client_secret=within-the-secret"));
    hidden(&oauth.data(), &["within-the-secret"]);

    let bearer = json!({"token": "a-token-within"}).to_string();
    let bearer = house(&server, &json!({"bearer": {"use": "all"}}), &["/b"], &[("all", &bearer, json!([]))]);
    done(&run(&bearer).await);
    assert_eq!(server.heard("/b")[0].authorization, "Bearer a-token-within");

    let basic = json!({"username": "li", "password": "open sesame"}).to_string();
    let basic = house(&server, &json!({"basic": {"use": "all"}}), &["/c"], &[("all", &basic, json!([]))]);
    // The server wants something else; what counts is what came.
    assert_eq!(fault(&run(&basic).await).unwrap().status, 401);
    assert_eq!(server.heard("/c")[0].authorization, format!("Basic {}", STANDARD.encode("li:open sesame")));

    let wrong = house(&server, &json!({"bearer": {"use": "all"}}), &["/d"], &[("all", "{\"user\":1}", json!([]))]);
    let error = fault(&run(&wrong).await).unwrap();
    assert!(error.is(ErrorKind::Configuration), "{error}");
    assert!(error.to_string().contains("the secret `all` has no text `token`, which `bearer` needs"), "{error}");
    assert!(server.heard("/d").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_stands_in_query_and_body_only_where_that_is_granted() {
    let server = Server::open().await;
    let ask = |with: Value| json!([{"ask": {"call": "http", "with": with}}]);
    let uri = format!("{}/echo", server.origin);
    let query = ask(json!({"method": "get", "endpoint": uri, "query": {"key": "${ $secrets.key }", "q": "火"}}));
    let body = ask(json!({"method": "put", "endpoint": uri, "body": {"key": "${ $secrets.key }", "n": [1]}}));
    for (tasks, place) in [(&query, "query"), (&body, "body")] {
        let value = "k&y of the bureau";
        let granted = of(&server, tasks, &[("key", value, json!([place]))]);
        let end = run(&granted).await;
        done(&end);
        let heard = server.heard("/echo").pop().unwrap();
        let came = if place == "query" { heard.uri } else { heard.body };
        let expected = if place == "query" {
            "/echo?key=k%26y%20of%20the%20bureau&q=%E7%81%AB".to_owned()
        } else {
            json!({"key": value, "n": [1]}).to_string()
        };
        assert_eq!(came.replace('+', "%20"), expected);
        // What the server echoes is taken out of its answer.
        assert!(!end.result.to_string().contains("of the bureau"), "{}", end.result);
        hidden(&granted.data(), &[value, "k%26y"]);

        let before = server.heard("/echo").len();
        let headers_only = of(&server, tasks, &[("key", value, json!([]))]);
        let denied = fault(&run(&headers_only).await).unwrap();
        assert!(denied.is(ErrorKind::Authorization), "{denied}");
        assert!(denied.to_string().contains(&format!("\"also\":[\"{place}\"]")), "{denied}");
        assert_eq!(server.heard("/echo").len(), before, "nothing was sent");
    }
}
