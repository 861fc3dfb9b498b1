//! A running host with the sample pack, and officers who act through its API.
//!
//! Each clause of the regulation has one file under `tests/clauses/`, named by
//! its id; what this crate gives them is the office in which they are tried.

// A test's helper says what went wrong by panicking.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::missing_panics_doc)]

use std::path::Path;

use huiyin_tests::contract::Contract;
use huiyin_tests::host::{Host, Start, program};
use huiyin_tests::{house, project};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// The unit of the sample pack whose matters most tests are about.
pub const UNIT: &str = "qingfeng";
/// The unit above it.
pub const CITY: &str = "linhai";
/// A unit beside it.
pub const OTHER: &str = "cuihu";
/// Its principal.
pub const PRINCIPAL: &str = "gao-yuan";
/// Its spokesperson.
pub const SPOKESPERSON: &str = "tang-xue";
/// Its duty officer.
pub const OFFICER: &str = "xu-ming";
/// The principal of the unit above.
pub const CITY_PRINCIPAL: &str = "lin-guodong";
/// A person of the unit beside it.
pub const STRANGER: &str = "bai-ling";

/// A host, alive until this is dropped.
pub struct Office {
    host: Option<Host>,
    url: String,
    token: String,
    agent: ureq::Agent,
    contract: std::sync::OnceLock<Contract>,
    /// The folder with its configuration and data.
    pub folder: tempfile::TempDir,
}

impl Default for Office {
    fn default() -> Self {
        Self::open()
    }
}

impl Office {
    /// A host with the sample pack.
    pub fn open() -> Self {
        Self::with(|_| ())
    }

    /// A host with the sample pack, changed.
    pub fn with(change: impl FnOnce(&mut Value)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let text = std::fs::read_to_string(project("workflows/policy/linhai.json")).expect("the sample pack");
        let mut pack: Value = serde_json::from_str(&text).expect("JSON");
        change(&mut pack);
        std::fs::write(folder.path().join("pack.json"), pack.to_string()).expect("written");
        std::fs::write(folder.path().join("huiyin.json"), json!({"policy": "pack.json"}).to_string()).expect("written");
        let mut office = Self {
            host: None,
            url: String::new(),
            token: String::new(),
            agent: ureq::Agent::config_builder().http_status_as_error(false).build().new_agent(),
            contract: std::sync::OnceLock::new(),
            folder,
        };
        office.start();
        office
    }

    /// Stops the host; its data stays.
    pub fn stop(&mut self) {
        if let Some(host) = self.host.take() {
            host.stop().expect("it stops");
        }
    }

    /// Asks again and again until what is there is as wanted; what was there then.
    pub fn until(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..600 {
            let value = self.get(path);
            if wanted(&value) {
                return value;
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        panic!("{path} never was as wanted: {}", self.get(path));
    }

    fn start(&mut self) {
        let data = self.data();
        let cache = data.join("cache");
        // Compiling the plugins takes far longer than any test here: the first office does it for all.
        let shared = house::code_cache().with_extension("served");
        // It can be replaced just then: half of it is none.
        if shared.is_dir() && !cache.exists() && house::copy(&shared, &cache).is_err() {
            std::fs::remove_dir_all(&cache).expect("what was copied goes");
        }
        let start = Start {
            program: &program("huiyin"),
            config: &self.folder.path().join("huiyin.json"),
            data: &data,
            env: Vec::new(),
        };
        let host = start.go().expect("the host starts");
        // Something was compiled: it is the first office, or the plugins are others than before.
        if !compiled(&cache).is_subset(&compiled(&shared)) {
            let own = shared.with_extension(format!("{}", std::process::id()));
            house::copy(&cache, &own).expect("the cache is copied");
            // Of several that were first, one is enough.
            let _ = std::fs::remove_dir_all(&shared);
            let _ = std::fs::rename(&own, &shared).or_else(|_| std::fs::remove_dir_all(&own));
        }
        self.url.clone_from(&host.url);
        let token = std::fs::read_to_string(data.join("api-token")).expect("a token");
        token.trim().clone_into(&mut self.token);
        self.host = Some(host);
    }

    /// Stops the host and starts it again on the same data.
    pub fn restart(&mut self) {
        if let Some(host) = self.host.take() {
            host.stop().expect("it stops");
        }
        self.start();
    }

    /// The data folder.
    pub fn data(&self) -> std::path::PathBuf {
        self.folder.path().join("data")
    }

    /// Reads an answer, and holds it against what the host says of itself.
    fn read(
        &self,
        method: &str,
        path: &str,
        answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> (u16, Value) {
        let mut answer = answer.expect("an answer");
        let status = answer.status().as_u16();
        let kind = answer.headers().get("content-type").and_then(|kind| kind.to_str().ok()).map(str::to_owned);
        let body = answer.body_mut().with_config().limit(64 << 20).read_to_string().expect("a text");
        let contract = self.contract.get_or_init(|| {
            let mut document = self.agent.get(format!("{}/openapi.json", self.url)).call().expect("an answer");
            Contract::of(document.body_mut().read_json().expect("JSON"))
        });
        if let Err(fault) = contract.check(method, path, status, kind.as_deref(), &body) {
            panic!("{fault}");
        }
        (status, serde_json::from_str(&body).unwrap_or(Value::Null))
    }

    /// Asks with headers of its own; the status and the JSON. What streams is not read.
    pub fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&'static str, String)],
        body: Option<&Value>,
    ) -> (u16, Value) {
        let mut request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.url));
        // What is refused before its body was read ends the connection.
        request = request.header("connection", "close");
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let answer = match body {
            Some(body) => self
                .agent
                .run(request.header("content-type", "application/json").body(body.to_string()).expect("a request")),
            None => self.agent.run(request.body(()).expect("a request")),
        };
        let streams = |kind: &ureq::http::HeaderValue| kind.as_bytes().starts_with(b"text/event-stream");
        match answer {
            Ok(answer) if answer.headers().get("content-type").is_some_and(streams) => {
                (answer.status().as_u16(), Value::Null)
            }
            answer => self.read(method, path, answer),
        }
    }

    /// Lets somebody sign in, and signs them in; what the browser sends from then on.
    pub fn sign_in(&self, account: &str, admin: bool) -> Vec<(&'static str, String)> {
        const PASSWORD: &str = "correct horse battery";
        let data = self.data();
        let mut arguments = vec!["account", "add", account, "--data", data.to_str().expect("a path")];
        if admin {
            arguments.push("--admin");
        }
        let (code, first, error) = self.program(&arguments);
        assert_eq!(code, 0, "{error}");
        let first = first.trim();
        let cookie = |path: &str, cookie: Option<&str>, body: &Value| {
            let mut request = self.agent.post(format!("{}{path}", self.url)).header("huiyin-console", "1");
            if let Some(cookie) = cookie {
                request = request.header("cookie", cookie);
            }
            let answer = request.send_json(body).expect("an answer");
            assert_eq!(answer.status().as_u16(), 200, "{path}");
            let set = answer.headers().get("set-cookie").and_then(|set| set.to_str().ok()).expect("a cookie");
            set.split(';').next().unwrap_or_default().to_owned()
        };
        let begun = cookie("/v1/session", None, &json!({"account": account, "password": first}));
        let own = cookie("/v1/session/password", Some(&begun), &json!({"old": first, "new": PASSWORD}));
        vec![("cookie", own), ("huiyin-console", "1".to_owned())]
    }

    /// The host's own token.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Where the host listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What the host says of its API.
    pub fn document(&self) -> Value {
        self.get("/openapi.json")
    }

    /// GET a path of the API; its JSON.
    pub fn get(&self, path: &str) -> Value {
        let request =
            self.agent.get(format!("{}{path}", self.url)).header("authorization", format!("Bearer {}", self.token));
        let (status, value) = self.read("GET", path, request.call());
        assert_eq!(status, 200, "GET {path}: {value}");
        value
    }

    /// GET in a person's name; the status and the JSON.
    pub fn get_as(&self, path: &str, person: &str) -> (u16, Value) {
        let request = self
            .agent
            .get(format!("{}{path}", self.url))
            .header("authorization", format!("Bearer {}", self.token))
            .header("huiyin-actor", format!("person:{person}"));
        self.read("GET", path, request.call())
    }

    /// POST in a person's name; the status and the JSON.
    pub fn post(&self, path: &str, person: &str, body: &Value) -> (u16, Value) {
        let request = self
            .agent
            .post(format!("{}{path}", self.url))
            .header("authorization", format!("Bearer {}", self.token))
            .header("huiyin-actor", format!("person:{person}"));
        self.read("POST", path, request.send_json(body))
    }

    /// A person acts in the name of a unit; what the command answers.
    pub fn act(&self, unit: &str, person: &str, command: &Value) -> Value {
        let (status, value) = self.post(&format!("/v1/units/{unit}/commands"), person, command);
        assert!(status < 300, "{person} of {unit}: {command} was refused: {value}");
        value
    }

    /// A person tries to act and is refused; the problem's detail.
    pub fn refused(&self, unit: &str, person: &str, command: &Value) -> String {
        let (status, value) = self.post(&format!("/v1/units/{unit}/commands"), person, command);
        assert!((400..500).contains(&status), "{person} of {unit}: {command} was taken: {value}");
        value.get("detail").and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// An item comes in for [`UNIT`]; what the API answers.
    pub fn item(&self, id: &str, title: &str, ago: SignedDuration) -> Value {
        let published = ago_of(ago).to_string();
        let body = json!({"items": [{"id": id, "title": title, "body": "", "published": published}]});
        let (status, value) = self.post(&format!("/v1/units/{UNIT}/items"), OFFICER, &body);
        assert!(status < 300, "an item was refused: {value}");
        value
    }

    /// An officer of [`UNIT`] opens a case; its number.
    pub fn open_case(&self, level: &str, title: &str, more: &Value) -> String {
        let mut command =
            json!({"command": "open-case", "unit": UNIT, "title": title, "level": level, "asker": "来电人甲"});
        if let (Some(command), Some(more)) = (command.as_object_mut(), more.as_object()) {
            command.extend(more.clone());
        }
        let opened = self.act(UNIT, OFFICER, &command);
        opened.get("case").and_then(Value::as_str).unwrap_or_else(|| panic!("no case: {opened}")).to_owned()
    }

    /// A person takes the next step of what `asked` says is pending; what that answers.
    pub fn approve(&self, unit: &str, person: &str, number: &str, asked: &Value) -> Value {
        let hash = asked.pointer("/pending/hash").unwrap_or_else(|| panic!("nothing waits: {asked}"));
        self.act(unit, person, &json!({"command": "approve", "case": number, "hash": hash}))
    }

    /// The flash report of a case of [`UNIT`] goes out: the officer writes it, the principal approves it.
    pub fn flash(&self, number: &str, fact: &str) {
        let facts = json!([{"text": fact, "observed": true}]);
        let report = json!({"command": "submit-report", "case": number, "stage": "flash", "facts": facts});
        let asked = self.act(UNIT, OFFICER, &report);
        if asked.get("pending").is_some() {
            self.approve(UNIT, PRINCIPAL, number, &asked);
        }
    }

    /// A case of [`UNIT`] is assessed by the officer, and the handling opinion approved by the principal.
    pub fn assess(&self, number: &str) {
        let assessment = json!({"command": "assess-case", "case": number, "nature": "公共安全", "trend": "平稳",
            "risks": ["群众担忧"], "opinion": "及时发布权威信息", "value": "respond", "reason": "群众关切"});
        let asked = self.act(UNIT, OFFICER, &assessment);
        if asked.get("pending").is_some() {
            self.approve(UNIT, PRINCIPAL, number, &asked);
        }
    }

    /// An officer of [`UNIT`] drafts a response; its hash.
    pub fn draft(&self, case: &str, text: &str) -> String {
        self.draft_with(case, text, &json!({}))
    }

    /// The same with more of the command's fields.
    pub fn draft_with(&self, case: &str, text: &str, more: &Value) -> String {
        let mut command = json!({
            "command": "draft-response", "case": case, "form": {"kind": "online", "title": "情况通报"}, "text": text,
        });
        if let (Some(command), Some(more)) = (command.as_object_mut(), more.as_object()) {
            command.extend(more.clone());
        }
        let drafted = self.act(UNIT, OFFICER, &command);
        drafted.get("hash").and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// The spokesperson of [`UNIT`] checks a text for secrecy.
    pub fn check(&self, case: &str, hash: &str) {
        let check = json!({"command": "check-response", "case": case, "hash": hash, "passed": true, "basis": "不涉密,依法应当公开"});
        self.act(UNIT, SPOKESPERSON, &check);
    }

    /// An officer sends a text to the approver, and the principal of [`UNIT`] approves it.
    pub fn approve_text(&self, case: &str, hash: &str) {
        let submit = json!({"command": "submit-response", "case": case, "hash": hash});
        let pending = self.act(UNIT, OFFICER, &submit);
        let hash = pending.pointer("/pending/hash").cloned().unwrap_or_default();
        self.act(UNIT, PRINCIPAL, &json!({"command": "approve", "case": case, "hash": hash}));
    }

    /// A response of [`UNIT`] that is drafted, checked, approved and released; its hash.
    pub fn published(&self, case: &str, text: &str) -> String {
        let hash = self.draft(case, text);
        self.check(case, &hash);
        self.approve_text(case, &hash);
        self.act(UNIT, PRINCIPAL, &json!({"command": "publish-response", "case": case, "hash": hash}));
        hash
    }

    /// Everything about a case.
    pub fn case(&self, number: &str) -> Value {
        self.get(&format!("/v1/cases/{number}"))
    }

    /// A clock of a case, by its rule.
    pub fn clock(&self, number: &str, rule: &str) -> Value {
        let case = self.case(number);
        let clocks = case.get("clocks").and_then(Value::as_array).cloned().unwrap_or_default();
        let found = clocks
            .iter()
            .find(|clock| ["clock", "rule"].iter().any(|name| clock.get(*name).and_then(Value::as_str) == Some(rule)));
        found.unwrap_or_else(|| panic!("no clock {rule} in {case}")).clone()
    }

    /// Runs the command line against this host; exit code, stdout, stderr.
    pub fn cli(&self, arguments: &[&str]) -> (i32, String, String) {
        let file = self.data().join("api-token");
        let host = ["--host", &self.url, "--token-file", file.to_str().expect("a path")];
        self.program(&[arguments, &host].concat())
    }

    /// Runs the program; exit code, stdout, stderr.
    pub fn program(&self, arguments: &[&str]) -> (i32, String, String) {
        let out = std::process::Command::new(program("huiyin")).args(arguments).output().expect("the program runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (out.status.code().unwrap_or(-1), text(&out.stdout), text(&out.stderr))
    }
}

impl Drop for Office {
    fn drop(&mut self) {
        if let Some(host) = self.host.take() {
            let _ = host.kill();
        }
    }
}

/// The moment that lies so far back.
pub fn ago_of(ago: SignedDuration) -> Timestamp {
    Timestamp::now().checked_sub(ago).expect("a time")
}

/// The day by the clock of the sample pack's zone, `2026-03-01`.
pub fn today() -> String {
    let zone = jiff::tz::TimeZone::get("Asia/Shanghai").expect("a zone");
    zone.to_datetime(Timestamp::now()).date().to_string()
}

/// Where a file of this workspace lies.
pub fn file(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// What a folder of compiled code holds.
fn compiled(cache: &std::path::Path) -> std::collections::BTreeSet<std::ffi::OsString> {
    std::fs::read_dir(cache).into_iter().flatten().flatten().map(|entry| entry.file_name()).collect()
}
