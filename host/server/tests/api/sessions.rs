//! Signing in, over real HTTP: what an attacker tries, and does not get.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use huiyin_engine::config::ProxiesConfig;
use huiyin_engine::{Engine, Options};
use huiyin_server::{Accounts, Bounds, Door, Proxies, SignIn, Token};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::contract::Contract;

const GOOD: &str = "correct horse battery";
const CONSOLE: (&str, &str) = ("huiyin-console", "1");

struct Host {
    address: SocketAddr,
    accounts: Accounts,
    token: String,
    code: Option<String>,
    stop: CancellationToken,
    engine: Arc<Engine>,
    runtime: tokio::runtime::Runtime,
    folder: tempfile::TempDir,
    contract: OnceLock<Contract>,
}

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{}", self.body))
    }

    fn kind(&self) -> String {
        self.json()["type"].as_str().unwrap().replace("urn:huiyin:problem:", "")
    }

    /// The cookie that it sets, `name=value`.
    fn cookie(&self) -> Option<String> {
        let line = self.head.lines().find_map(|line| line.strip_prefix("set-cookie: "))?;
        Some(line.split(';').next().unwrap().to_owned())
    }
}

impl Host {
    fn start(people: &[(&str, bool)]) -> Host {
        let folder = tempfile::tempdir().unwrap();
        let accounts = Accounts::of(folder.path());
        for (name, admin) in people {
            accounts.add(name, *admin, GOOD, false).unwrap();
        }
        let token = Token::load_or_create(folder.path()).unwrap();
        let revealed = token.reveal().to_owned();
        let sign_in = SignIn::of(folder.path(), &token);
        let code = sign_in.first_code().unwrap();
        let stop = CancellationToken::new();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let (engine, address) = runtime.block_on(async {
            let engine = Arc::new(Engine::start(Options::in_memory()).await.unwrap());
            let listener = huiyin_server::bind("127.0.0.1:0".parse().unwrap(), false).await.unwrap();
            let address = listener.local_addr().unwrap();
            let router = huiyin_server::router_with(Arc::clone(&engine), token, Arc::new(sign_in), stop.clone());
            // A proxy on this machine is believed.
            let proxies = ProxiesConfig { trusted: vec!["127.0.0.1".to_owned()], ..ProxiesConfig::default() };
            let doors = vec![(listener, Door::Plain(Arc::new(Proxies::read(&proxies).unwrap())))];
            let stopped = stop.clone().cancelled_owned();
            tokio::spawn(huiyin_server::serve_doors(doors, router, Bounds::default(), stopped));
            (engine, address)
        });
        Host { address, accounts, token: revealed, code, stop, engine, runtime, folder, contract: OnceLock::new() }
    }

    fn open(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let mut head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-length: {}\r\ncontent-type: application/json\r\n",
            self.address,
            body.len()
        );
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        stream.write_all(format!("{head}\r\n{body}").as_bytes()).unwrap();
        stream
    }

    fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut answer = Vec::new();
        let _ = self.open(method, path, headers, body).read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split_whitespace().nth(1).unwrap().parse().unwrap();
        let answer = Answer { status, head: head.to_ascii_lowercase(), body: body.to_owned() };
        let kind = answer.head.lines().find_map(|line| line.strip_prefix("content-type: "));
        if path != "/openapi.json"
            && let Err(fault) = self.contract().check(method, path, status, kind, &answer.body)
        {
            panic!("{fault}");
        }
        answer
    }

    /// The document that the host serves.
    fn contract(&self) -> &Contract {
        self.contract.get_or_init(|| Contract::of(self.ask("GET", "/openapi.json", &[], "").json()))
    }

    fn try_in(&self, account: &str, password: &str, more: &[(&str, &str)]) -> Answer {
        let headers: Vec<_> = [CONSOLE].iter().chain(more).copied().collect();
        self.ask("POST", "/v1/session", &headers, &json!({"account": account, "password": password}).to_string())
    }

    /// The cookie of a new session.
    fn sign_in(&self, account: &str) -> String {
        let answer = self.try_in(account, GOOD, &[]);
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.cookie().unwrap()
    }

    /// Whether a cookie stands for somebody.
    fn is_in(&self, cookie: &str) -> bool {
        self.ask("GET", "/v1/host", &[("cookie", cookie)], "").status == 200
    }

    fn deeds(&self) -> Vec<String> {
        let bearer = format!("Bearer {}", self.token);
        let told = self.ask("GET", "/v1/sign-ins", &[("authorization", &bearer)], "").json();
        let told = told["sign_ins"].as_array().unwrap().iter();
        told.map(|one| format!("{} {}", one["deed"].as_str().unwrap(), one["account"].as_str().unwrap())).collect()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.stop.cancel();
        let _ = self.runtime.block_on(self.engine.stop());
    }
}

#[test]
fn who_signs_in_has_a_cookie_that_scripts_and_other_sites_do_not_get() {
    let host = Host::start(&[("xu-ming", false)]);
    assert_eq!(host.ask("GET", "/v1/session", &[], "").json()["session"], Value::Null);
    let answer = host.try_in("xu-ming", GOOD, &[]);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["session"]["actor"], "person:xu-ming");
    let cookie = answer.head.lines().find(|line| line.starts_with("set-cookie: ")).unwrap();
    assert!(cookie.contains("httponly") && cookie.contains("samesite=strict") && cookie.contains("path=/"), "{cookie}");
    assert!(!cookie.contains("secure") && !cookie.contains("max-age"), "{cookie}");
    // Behind a proxy that speaks TLS the cookie is held to it, and to this host.
    let secure = host.try_in("xu-ming", GOOD, &[("x-forwarded-proto", "https")]);
    let secure = secure.head.lines().find(|line| line.starts_with("set-cookie: ")).unwrap().to_owned();
    assert!(secure.contains("set-cookie: __host-") && secure.contains("; secure"), "{secure}");
    assert!(host.is_in(&answer.cookie().unwrap()));
    assert!(host.deeds().contains(&"signed-in xu-ming".to_owned()));
    // Neither the file nor the record has the password or the token.
    for name in ["accounts.json", "sign-ins.jsonl"] {
        let kept = std::fs::read_to_string(host.folder.path().join(name)).unwrap();
        assert!(!kept.contains(GOOD) && !kept.contains(answer.cookie().unwrap().split('=').nth(1).unwrap()), "{kept}");
    }
}

#[test]
fn guessing_is_slowed_down_whether_there_is_such_an_account_or_not() {
    let host = Host::start(&[("xu-ming", false), ("gao-yuan", false)]);
    for name in ["xu-ming", "nobody-here"] {
        let mut said = Vec::new();
        for at in 0..5 {
            let answer = host.try_in(name, &format!("guess number {at}"), &[]);
            said.push((answer.status, answer.kind(), answer.json()["detail"].clone()));
        }
        assert!(said.iter().all(|one| *one == said[0]) && said[0].0 == 401, "{said:?}");
        let after = host.try_in(name, GOOD, &[]);
        assert_eq!((after.status, after.kind().as_str()), (429, "delayed"), "the right one has to wait, too");
        assert!(after.head.contains("retry-after: "), "{}", after.head);
    }
    assert_eq!(host.try_in("gao-yuan", GOOD, &[]).status, 200, "others do not wait");
    let deeds = host.deeds();
    assert_eq!(deeds.iter().filter(|deed| *deed == "refused xu-ming").count(), 5);
    assert!(deeds.contains(&"delayed nobody-here".to_owned()), "{deeds:?}");
    // A password that an admin set anew can be tried at once.
    host.accounts.set_password("xu-ming", "another horse battery", false).unwrap();
    assert_eq!(host.try_in("xu-ming", "another horse battery", &[]).status, 200);
}

#[test]
fn a_session_that_was_there_before_never_becomes_somebodys() {
    let host = Host::start(&[("mallory", false), ("xu-ming", false)]);
    let planted = host.sign_in("mallory");
    let answer = host.try_in("xu-ming", GOOD, &[("cookie", &planted)]);
    let fresh = answer.cookie().unwrap();
    assert_ne!(fresh, planted);
    assert!(!host.is_in(&planted), "the planted one is over");
    assert_eq!(host.ask("GET", "/v1/session", &[("cookie", &fresh)], "").json()["session"]["account"], "xu-ming");
    // A token of the attacker's choice stands for nobody, and two cookies of the name are none.
    let name = fresh.split('=').next().unwrap();
    assert!(!host.is_in(&format!("{name}={}", "0".repeat(64))));
    assert!(!host.is_in(&format!("{fresh}; {name}=x")));
}

#[test]
fn a_stolen_cookie_is_worth_nothing_after_sign_out_and_its_stream_ends() {
    let host = Host::start(&[("xu-ming", false), ("admin", true)]);
    let stolen = host.sign_in("xu-ming");
    let mut stream = host.open("GET", "/v1/activity", &[("cookie", &stolen)], "");
    let mut first = [0; 15];
    stream.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 200 OK");
    let out = host.ask("DELETE", "/v1/session", &[CONSOLE, ("cookie", &stolen)], "");
    assert!(
        out.status == 204 && out.head.contains("max-age=0") && out.head.contains("clear-site-data"),
        "{}",
        out.head
    );
    assert!(!host.is_in(&stolen));
    stream.read_to_end(&mut Vec::new()).unwrap();

    // Everywhere, by the person; by the password; by an admin; by the machine.
    let pair = || [host.sign_in("xu-ming"), host.sign_in("xu-ming")];
    let all = pair();
    assert_eq!(host.ask("DELETE", "/v1/sessions", &[CONSOLE, ("cookie", &all[0])], "").status, 204);
    assert!(all.iter().all(|cookie| !host.is_in(cookie)));
    let all = pair();
    let admin = host.sign_in("admin");
    let act = |what: &str| {
        host.ask("POST", &format!("/v1/accounts/xu-ming/{what}"), &[CONSOLE, ("cookie", &admin)], "{}").status
    };
    assert_eq!(act("sign-out"), 204);
    assert!(all.iter().all(|cookie| !host.is_in(cookie)));
    let all = pair();
    assert_eq!(act("lock"), 204);
    assert!(all.iter().all(|cookie| !host.is_in(cookie)));
    let locked = host.try_in("xu-ming", GOOD, &[]);
    assert_eq!((locked.status, locked.kind().as_str()), (403, "forbidden"), "told only to who knows the password");
    assert_eq!(host.try_in("xu-ming", "a guess of somebody", &[]).status, 401);
    assert_eq!(act("unlock"), 204);
    let all = pair();
    host.accounts.remove("xu-ming").unwrap();
    assert!(all.iter().all(|cookie| !host.is_in(cookie)));
}

#[test]
fn another_site_cannot_make_a_browser_act() {
    let host = Host::start(&[("xu-ming", false)]);
    let cookie = host.sign_in("xu-ming");
    let own = format!("http://{}", host.address);
    let body = r#"{"workflow": "none"}"#;
    let post = |headers: &[(&str, &str)]| {
        let headers: Vec<_> = [("cookie", cookie.as_str())].iter().chain(headers).copied().collect();
        host.ask("POST", "/v1/runs", &headers, body)
    };
    for forged in [
        &[][..],
        &[("origin", "https://evil.example")],
        &[CONSOLE, ("origin", "https://evil.example")],
        &[CONSOLE, ("origin", "null")],
        &[CONSOLE, ("sec-fetch-site", "cross-site")],
        &[CONSOLE, ("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "same-origin")],
    ] {
        let answer = post(forged);
        assert_eq!((answer.status, answer.kind().as_str()), (403, "forbidden"), "{forged:?}");
    }
    assert_eq!(host.ask("GET", "/v1/cases", &[("cookie", &cookie), ("sec-fetch-site", "cross-site")], "").status, 403);
    // The console's own: refused for what it says, and not for whence it comes.
    assert_eq!(post(&[CONSOLE, ("origin", &own), ("sec-fetch-site", "same-origin")]).status, 404);
    assert!(host.deeds().contains(&"forged xu-ming".to_owned()));
    // Nor can it sign a browser in as somebody else, or out.
    let given = json!({"account": "xu-ming", "password": GOOD}).to_string();
    assert_eq!(host.ask("POST", "/v1/session", &[], &given).status, 403);
    assert_eq!(host.ask("POST", "/v1/session", &[CONSOLE, ("origin", "https://evil.example")], &given).status, 403);
    assert_eq!(host.ask("DELETE", "/v1/session", &[("cookie", &cookie)], "").status, 403);
    assert!(host.is_in(&cookie));
}

#[test]
fn a_session_acts_as_its_person_and_as_nobody_else() {
    let host = Host::start(&[("xu-ming", false), ("admin", true)]);
    let cookie = host.sign_in("xu-ming");
    for other in
        ["person:gao-yuan", "admin:admin", "system:engine", "person:XU-MING", "", "person:xu-ming, admin:admin"]
    {
        let answer = host.ask("GET", "/v1/cases", &[("cookie", &cookie), ("huiyin-actor", other)], "");
        assert_eq!((answer.status, answer.kind().as_str()), (403, "forbidden"), "{other}");
    }
    let twice = [("cookie", cookie.as_str()), ("huiyin-actor", "person:xu-ming"), ("huiyin-actor", "admin:admin")];
    assert_eq!(host.ask("GET", "/v1/cases", &twice, "").status, 403);
    assert_eq!(
        host.ask("GET", "/v1/cases", &[("cookie", &cookie), ("huiyin-actor", "person:xu-ming")], "").status,
        200
    );
    // What it does is on record under its name.
    let event = json!({"specversion": "1.0", "id": "1", "source": "/tests", "type": "org.example.seen"}).to_string();
    assert_eq!(host.ask("POST", "/v1/events", &[CONSOLE, ("cookie", &cookie)], &event).status, 200);
    // A person is no admin of accounts, plugins or publishers.
    for (method, path) in [
        ("GET", "/v1/accounts"),
        ("GET", "/v1/sign-ins"),
        ("POST", "/v1/accounts"),
        ("POST", "/v1/accounts/admin/lock"),
        ("POST", "/v1/accounts/admin/reset"),
    ] {
        let answer = host.ask(method, path, &[CONSOLE, ("cookie", &cookie)], r#"{"account": "eve"}"#);
        assert_eq!(answer.status, 403, "{path}: {}", answer.body);
    }
    // An admin does not shut themselves out.
    let admin = host.sign_in("admin");
    assert_eq!(host.ask("POST", "/v1/accounts/admin/lock", &[CONSOLE, ("cookie", &admin)], "{}").status, 409);
}

#[test]
fn a_first_password_opens_nothing_but_its_own_change() {
    let host = Host::start(&[("admin", true)]);
    let admin = host.sign_in("admin");
    let made = host.ask("POST", "/v1/accounts", &[CONSOLE, ("cookie", &admin)], r#"{"account": "xu-ming"}"#);
    assert_eq!(made.status, 201, "{}", made.body);
    assert!(made.head.contains("cache-control: no-store"));
    let first = made.json()["password"].as_str().unwrap().to_owned();
    let answer = host.try_in("xu-ming", &first, &[]);
    assert_eq!(answer.json()["session"]["must_change"], true);
    let cookie = answer.cookie().unwrap();
    for path in ["/v1/cases", "/v1/host", "/v1/activity", "/v1/sessionx", "/v1/sessions/x"] {
        let answer = host.ask("GET", path, &[("cookie", &cookie)], "");
        assert!(answer.status == 403 || answer.status == 404, "{path}: {}", answer.status);
    }
    let change = |old: &str, new: &str| {
        let body = json!({"old": old, "new": new}).to_string();
        host.ask("POST", "/v1/session/password", &[CONSOLE, ("cookie", &cookie)], &body)
    };
    for (old, new, pointer) in [
        ("not the old one", "a quite different one", "/old"),
        (first.as_str(), "short", "/new"),
        (&first, "xu-ming xu-ming xu", "/new"),
        (&first, &first, "/new"),
    ] {
        let answer = change(old, new);
        assert_eq!((answer.status, &answer.json()["pointer"]), (400, &json!(pointer)), "{new}: {}", answer.body);
    }
    let changed = change(&first, GOOD);
    assert_eq!(changed.status, 200, "{}", changed.body);
    assert_eq!(changed.json()["session"]["must_change"], false);
    assert!(!host.is_in(&cookie), "the old session is over");
    assert!(host.is_in(&changed.cookie().unwrap()));
    assert_eq!(host.try_in("xu-ming", &first, &[]).status, 401);
}

#[test]
fn the_first_admin_is_made_once_by_the_code() {
    let host = Host::start(&[]);
    assert_eq!(host.ask("GET", "/v1/session", &[], "").json()["awaits_first"], true);
    let code = host.code.clone().unwrap();
    let make = |code: &str, password: &str| {
        let body = json!({"code": code, "account": "chief", "password": password}).to_string();
        host.ask("POST", "/v1/session/first", &[CONSOLE], &body)
    };
    assert_eq!(make("abcd-efgh", GOOD).json()["pointer"], "/code");
    // A poor password does not cost the code; case and hyphens do not matter.
    assert_eq!(make(&code, "short").json()["pointer"], "/password");
    assert_eq!(make(&code.to_uppercase().replace('-', " "), GOOD).status, 201);
    assert_eq!(host.ask("GET", "/v1/session", &[], "").json()["awaits_first"], false);
    assert_eq!(make(&code, GOOD).status, 400, "it holds once");
    assert_eq!(host.try_in("chief", GOOD, &[]).json()["session"]["admin"], true);
    // Ten wrong ones, and it holds no longer.
    let other = Host::start(&[]);
    let right = other.code.clone().unwrap();
    for _ in 0..10 {
        let body = json!({"code": "wrong", "account": "eve", "password": GOOD}).to_string();
        assert_eq!(other.ask("POST", "/v1/session/first", &[CONSOLE], &body).status, 400);
    }
    let body = json!({"code": right, "account": "eve", "password": GOOD}).to_string();
    assert_eq!(other.ask("POST", "/v1/session/first", &[CONSOLE], &body).status, 400);
    assert!(other.accounts.all().unwrap().is_empty());
}

#[test]
fn the_console_gives_its_own_files_and_no_others() {
    let host = Host::start(&[("xu-ming", false)]);
    let page = host.ask("GET", "/", &[], "");
    assert_eq!(page.status, 200);
    for wanted in [
        "content-security-policy: default-src 'none'; script-src 'self';",
        "frame-ancestors 'none'",
        "x-content-type-options: nosniff",
        "x-frame-options: deny",
        "referrer-policy: no-referrer",
        "cache-control: no-cache",
    ] {
        assert!(page.head.contains(wanted), "{wanted}: {}", page.head);
    }
    assert!(!page.head.contains("'unsafe-eval'") && !page.body.contains("<script>"), "{}", page.body);
    for path in [
        "/../api-token",
        "/assets/../../api-token",
        "/assets/..%2f..%2fapi-token",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/assets/....//....//etc/passwd",
        "//etc/passwd",
        "/assets/%00.js",
        "/index.html.br",
        "/.git/config",
        "/accounts.json",
    ] {
        let answer = host.ask("GET", path, &[], "");
        assert!(!answer.body.contains(&host.token) && !answer.body.contains("root:"), "{path}");
        let is_page = answer.body == page.body;
        assert!(is_page || matches!(answer.status, 400 | 404), "{path}: {} {}", answer.status, answer.body);
    }
    assert_eq!(host.ask("GET", "/v1/nothing", &[], "").kind(), "not-found");
    assert_eq!(host.ask("POST", "/today", &[CONSOLE], "{}").status, 404);
}

#[test]
fn records_are_told_page_by_page_the_latest_first() {
    let host = Host::start(&[("xu-ming", false)]);
    let cookie = host.sign_in("xu-ming");
    let get = |path: &str| host.ask("GET", path, &[("cookie", &cookie)], "");
    for id in 0..7 {
        let event = json!({"specversion": "1.0", "id": id.to_string(), "source": "/tests", "type": "org.example.seen"});
        assert_eq!(host.ask("POST", "/v1/events", &[CONSOLE, ("cookie", &cookie)], &event.to_string()).status, 200);
    }
    let whole = get("/v1/records?limit=500").json();
    let indexes = |page: &Value| -> Vec<u64> {
        page["records"].as_array().unwrap().iter().map(|row| row["index"].as_u64().unwrap()).collect()
    };
    let all = indexes(&whole);
    assert!(all.len() as u64 == whole["size"].as_u64().unwrap() && all.is_sorted_by(|a, b| a > b), "{all:?}");
    let (mut seen, mut next) = (Vec::new(), String::new());
    loop {
        let page = get(&format!("/v1/records?limit=3{next}")).json();
        seen.extend(indexes(&page));
        match page["next"].as_u64() {
            Some(before) => next = format!("&before={before}"),
            None => break,
        }
    }
    assert_eq!(seen, all, "nothing twice and nothing left out");
    let mine = get("/v1/records?actor=person:xu-ming&limit=500").json();
    assert!(mine["records"].as_array().unwrap().iter().all(|row| row["actor"] == "person:xu-ming"));
    let one = get(&format!("/v1/records/{}", all[0])).json();
    assert!(one["commitment"].is_string() && one["index"] == all[0]);
    assert_eq!(get("/v1/records/999999").status, 404);
    assert_eq!(get("/v1/records?limit=0").status, 400);
    assert_eq!(get("/v1/records?limit=501").status, 400);
}

/// The code that a phone shows now, or so many steps on (RFC 6238).
fn code_of(secret: &str, steps: i64) -> String {
    let signs = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let bits: String = secret.chars().map(|sign| format!("{:05b}", signs.find(sign).unwrap())).collect();
    let key: Vec<u8> = bits
        .as_bytes()
        .chunks_exact(8)
        .map(|bits| u8::from_str_radix(std::str::from_utf8(bits).unwrap(), 2).unwrap())
        .collect();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let step = (now / 30).saturating_add_signed(steps);
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &key);
    let tag = ring::hmac::sign(&key, &step.to_be_bytes());
    let at = usize::from(tag.as_ref()[19] & 0xf);
    let number = u32::from_be_bytes(tag.as_ref()[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

#[test]
fn a_second_factor_is_set_up_asked_for_and_counts_once() {
    let host = Host::start(&[("xu-ming", false), ("admin", true)]);
    let cookie = host.sign_in("xu-ming");
    let post = |cookie: &str, path: &str, body: Value| {
        host.ask("POST", path, &[CONSOLE, ("cookie", cookie)], &body.to_string())
    };
    // It is set up by who knows the password, with a code of the phone.
    let none = post(&cookie, "/v1/session/second/confirm", json!({"code": "123456"}));
    assert_eq!(none.status, 409, "{}", none.body);
    assert_eq!(post(&cookie, "/v1/session/second", json!({"password": "a wrong password"})).status, 400);
    let offered = post(&cookie, "/v1/session/second", json!({"password": GOOD}));
    assert!(offered.status == 200 && offered.head.contains("cache-control: no-store"), "{}", offered.head);
    let secret = offered.json()["secret"].as_str().unwrap().to_owned();
    let uri = offered.json()["uri"].as_str().unwrap().to_owned();
    assert!(uri.starts_with("otpauth://totp/Huiyin:xu%2Dming?secret=") && uri.contains(&secret), "{uri}");
    let wrong = post(&cookie, "/v1/session/second/confirm", json!({"code": code_of(&secret, 500)}));
    assert_eq!((wrong.status, wrong.json()["pointer"].as_str()), (400, Some("/code")));
    let other = host.sign_in("xu-ming");
    let first = code_of(&secret, -1);
    let set = post(&cookie, "/v1/session/second/confirm", json!({"code": first}));
    assert_eq!(set.status, 200, "{}", set.body);
    assert_eq!(set.json()["session"]["second"], true);
    let recovery: Vec<String> =
        set.json()["recovery"].as_array().unwrap().iter().map(|code| code.as_str().unwrap().to_owned()).collect();
    assert_eq!(recovery.len(), 10);
    assert!(host.is_in(&set.cookie().unwrap()) && !host.is_in(&cookie) && !host.is_in(&other));

    // From now on a code is asked for; what has counted counts no more.
    let with = |code: &str| {
        let given = json!({"account": "xu-ming", "password": GOOD, "code": code}).to_string();
        host.ask("POST", "/v1/session", &[CONSOLE], &given)
    };
    let asked = host.try_in("xu-ming", GOOD, &[]);
    assert_eq!((asked.status, asked.kind().as_str(), asked.cookie()), (401, "code-needed", None));
    assert_eq!(host.try_in("xu-ming", "a guess of somebody", &[]).kind(), "unauthorized", "told only to who knows it");
    assert_eq!(with(&first).kind(), "wrong-code", "a replay");
    let next = code_of(&secret, 1);
    let mine = with(&next);
    assert_eq!(mine.status, 200, "{}", mine.body);
    assert_eq!(with(&next).kind(), "wrong-code", "a replay");
    assert_eq!(with(&recovery[3]).status, 200);
    assert_eq!(with(&recovery[3]).kind(), "wrong-code", "a recovery code counts once");
    let mine = mine.cookie().unwrap();
    assert_eq!(post(&mine, "/v1/session/second", json!({"password": GOOD})).status, 409);

    // Neither the files nor the record tell any of it.
    for name in ["accounts.json", "sign-ins.jsonl", "secrets/accounts.json"] {
        let kept = std::fs::read_to_string(host.folder.path().join(name)).unwrap();
        assert!(!kept.contains(&secret) && !recovery.iter().any(|code| kept.contains(code)), "{name}");
    }

    // Codes are no more guessed than passwords, and the right one waits, too; an admin takes the factor away.
    for guess in 0..5 {
        with(&format!("00000{guess}x"));
    }
    assert_eq!(with(&recovery[4]).kind(), "delayed");
    let admin = host.sign_in("admin");
    let reset = host.ask("POST", "/v1/accounts/xu-ming/reset-second", &[CONSOLE, ("cookie", &admin)], "{}");
    assert_eq!(reset.status, 204, "{}", reset.body);
    assert!(!host.is_in(&mine));
    let plain = host.sign_in("xu-ming");
    let again = host.ask("POST", "/v1/accounts/xu-ming/reset-second", &[CONSOLE, ("cookie", &admin)], "{}");
    assert_eq!(again.status, 409);

    // Or the person, with a code.
    let secret =
        post(&plain, "/v1/session/second", json!({"password": GOOD})).json()["secret"].as_str().unwrap().to_owned();
    let set = post(&plain, "/v1/session/second/confirm", json!({"code": code_of(&secret, 0)}));
    let (cookie, recovery) = (set.cookie().unwrap(), set.json()["recovery"][0].as_str().unwrap().to_owned());
    let wrong = json!({"password": GOOD, "code": code_of(&secret, 500)});
    assert_eq!(post(&cookie, "/v1/session/second/remove", wrong).status, 400);
    let removed = post(&cookie, "/v1/session/second/remove", json!({"password": GOOD, "code": recovery}));
    assert_eq!((removed.status, &removed.json()["session"]["second"]), (200, &json!(false)), "{}", removed.body);
    host.sign_in("xu-ming");
    for deed in ["second-set xu-ming", "second-removed xu-ming", "recovery-used xu-ming", "delayed xu-ming"] {
        assert!(host.deeds().contains(&deed.to_owned()), "{deed}");
    }
}

#[test]
fn every_answer_tells_a_browser_to_guess_nothing_frame_nothing_and_keep_nothing() {
    let host = Host::start(&[("xu-ming", false)]);
    let cookie = host.sign_in("xu-ming");
    for (path, status) in [("/v1/cases", 200), ("/v1/cases/none", 404), ("/v1/none", 404), ("/v1/accounts", 403)] {
        let answer = host.ask("GET", path, &[("cookie", &cookie)], "");
        assert_eq!(answer.status, status, "{path}");
        for line in ["x-content-type-options: nosniff", "frame-ancestors 'none'", "cache-control: no-store"] {
            assert!(answer.head.contains(line), "{path} has no {line}: {}", answer.head);
        }
    }
}

#[test]
fn who_changes_a_password_needs_no_second_code_and_keeps_the_factor() {
    let host = Host::start(&[("xu-ming", false)]);
    let cookie = host.sign_in("xu-ming");
    let post = |cookie: &str, path: &str, body: Value| {
        host.ask("POST", path, &[CONSOLE, ("cookie", cookie)], &body.to_string())
    };
    let offered = post(&cookie, "/v1/session/second", json!({"password": GOOD})).json();
    let secret = offered["secret"].as_str().unwrap();
    let set = post(&cookie, "/v1/session/second/confirm", json!({"code": code_of(secret, 0)}));
    let change = json!({"old": GOOD, "new": "another horse battery"});
    let changed = post(&set.cookie().unwrap(), "/v1/session/password", change);
    assert_eq!((changed.status, &changed.json()["session"]["second"]), (200, &json!(true)), "{}", changed.body);
    assert_eq!(host.try_in("xu-ming", "another horse battery", &[]).kind(), "code-needed");
}
