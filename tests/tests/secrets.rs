//! Secrets over a host's whole life: kept in the vault, used in denials, traps
//! and failures, changed while it runs; and then looked for in every byte that
//! the host wrote, said and journaled.

// Clippy's settings for tests do not reach helper functions of integration tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use huiyin_tests::guests::{self, AfterCounting, Does};
use huiyin_tests::host::{Client, Host, Start};
use huiyin_tests::log;
use serde_json::{Value, json};

/// The program over the real disk.
const PROGRAM: &str = env!("CARGO_BIN_EXE_huiyin-faulty");

const FIRST: &str = "first-value/of+the~bureau";
const SECOND: &str = "second value \"of\" the bureau";

/// A place that gives back what it hears, in its body and its status line.
fn echo() -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let noted = heard.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            answer(stream, &noted);
        }
    });
    (port, heard)
}

fn answer(mut stream: TcpStream, heard: &Mutex<Vec<String>>) {
    let mut head = Vec::new();
    let mut byte = [0_u8];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|n| n == 1) {
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    heard.lock().unwrap().push(head.clone());
    let status = if head.starts_with("GET /wrong") { "400 Bad Request" } else { "200 OK" };
    let body = json!({"echo": head}).to_string();
    // Cut off within the body: the error must not hold the value either.
    let length = if head.starts_with("GET /cut") { body.len() + 9 } else { body.len() };
    let text = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\nx-echo: {}\r\ncontent-length: {length}\r\n\r\n{body}",
        head.lines().find(|line| line.starts_with("x-token")).unwrap_or_default()
    );
    drop(stream.write_all(text.as_bytes()));
}

fn secret(data: &Path, args: &[&str], input: &str) -> (i32, String) {
    let mut child = Command::new(PROGRAM)
        .arg("secret")
        .args(args)
        .arg("--data")
        .arg(data)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let ended = child.wait_with_output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    (ended.status.code().unwrap(), said)
}

fn run(client: &Client, workflow: &str, path: &str) -> Value {
    let asked = json!({"workflow": workflow, "input": {"path": path}, "wait": true});
    let (status, end) = client.post("/v1/runs", &asked).unwrap();
    assert_eq!(status, 200, "{end}");
    end
}

fn configure(folder: &Path, port: u16) -> std::path::PathBuf {
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.join(name), bytes).unwrap();
    write("breaker.wasm", &guests::step("breaker", &Does::Counts(AfterCounting::Traps)).unwrap());
    let workflow = |name: &str, tasks: Value| {
        let document = json!({"dsl": "1.0.3", "namespace": "tests", "name": name, "version": "1.0.0"});
        write(
            &format!("{name}.json"),
            json!({"document": document, "use": {"secrets": ["token"]}, "do": tasks}).to_string().as_bytes(),
        );
        json!({"file": format!("{name}.json"), "units": []})
    };
    let ask = |uri: &str, header: &str| {
        json!([{"ask": {"call": "http", "with": {"method": "get", "endpoint": {"uri": uri},
            "headers": {header: "${ \"Bearer \" + $secrets.token }"}}}}])
    };
    let origin = format!("http://127.0.0.1:{port}");
    let workflows = [
        workflow("ask", ask(&format!("${{ \"{origin}\" + .path }}"), "x-token")),
        workflow("elsewhere", ask("http://127.0.0.1:1/x", "x-token")),
        workflow("forbidden", ask(&format!("{origin}/x"), "host")),
        workflow(
            "breaks",
            json!([{"break": {"call": "breaker:0.1.0@default", "with": {"said": "${ $secrets.token }"}}}]),
        ),
    ];
    let grant = json!({
        "http": [{"origin": origin}], "allow_addresses": ["127.0.0.1/32"],
        "secrets": [{"name": "token", "hosts": [origin]}],
    });
    let given = |name: &str| json!({"workflow": format!("tests/{name}"), "grant": grant});
    let config = json!({
        "plugins": ["breaker.wasm"], "workflows": workflows,
        "grants": [given("ask"), given("elsewhere"), given("forbidden"), {"plugin": "breaker", "grant": {"kv_bytes": 100}}],
    });
    let file = folder.join("huiyin.json");
    std::fs::write(&file, config.to_string()).unwrap();
    file
}

/// Every file under a folder.
fn files(folder: &Path, found: &mut Vec<(std::path::PathBuf, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            let bytes = std::fs::read(&path).unwrap();
            found.push((path, bytes));
        }
    }
}

fn start(config: &Path, data: &Path) -> Host {
    let env = vec![("HUIYIN_LOG", "trace".to_owned()), ("RUST_BACKTRACE", "full".to_owned())];
    Start { program: Path::new(PROGRAM), config, data, env }.go().unwrap()
}

#[test]
fn a_secret_is_used_and_then_nowhere_to_be_found() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (port, heard) = echo();
    let config = configure(folder.path(), port);
    assert_eq!(secret(&data, &["set", "token"], &format!("{FIRST}\n")), (0, "kept `token`\n".to_owned()));
    let host = start(&config, &data);
    let client = host.client();

    let mut seen = vec![run(&client, "ask", "/ok"), run(&client, "ask", "/wrong"), run(&client, "ask", "/cut")];
    assert_eq!(seen[0]["status"], "completed", "{}", seen[0]);
    seen.extend(["elsewhere", "forbidden", "breaks"].map(|workflow| run(&client, workflow, "/")));
    for end in &seen[1..] {
        assert_eq!(end["status"], "faulted", "{end}");
    }
    assert!(seen[3].to_string().contains("was denied"), "{}", seen[3]);
    assert!(seen[5].to_string().contains("fault"), "{}", seen[5]);
    assert_eq!(
        heard.lock().unwrap().iter().filter(|head| head.contains(&format!("x-token: Bearer {FIRST}\r\n"))).count(),
        3
    );

    // A new value counts from the next call on; so does a new key.
    assert_eq!(secret(&data, &["set", "token"], SECOND), (0, "replaced `token`\n".to_owned()));
    assert_eq!(secret(&data, &["rotate"], "").0, 0);
    seen.push(run(&client, "ask", "/ok"));
    assert!(heard.lock().unwrap().last().unwrap().contains(&format!("x-token: Bearer {SECOND}\r\n")));
    assert_eq!(secret(&data, &["remove", "token"], "").0, 0);
    let gone = run(&client, "ask", "/ok");
    assert!(gone.to_string().contains("has no value on this host"), "{gone}");

    // Nobody may look into this process, and it leaves no core behind.
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", host.pid())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"], "{core}");

    let (_, listed) = secret(&data, &["list"], "");
    let said = host.said();
    host.stop().unwrap();
    let mut places: Vec<(String, Vec<u8>)> = vec![
        ("stderr".to_owned(), said.into_bytes()),
        ("the journal's contents".to_owned(), log::text(&data).unwrap().into_bytes()),
        ("secret list".to_owned(), listed.into_bytes()),
    ];
    places.extend(seen.iter().map(|end| ("an answer of the API".to_owned(), end.to_string().into_bytes())));
    let mut written = Vec::new();
    files(folder.path(), &mut written);
    places.extend(written.into_iter().map(|(path, bytes)| (path.display().to_string(), bytes)));
    for value in [FIRST, SECOND] {
        let mut spelled = vec![value.as_bytes().to_vec(), hex::encode(value).into_bytes()];
        spelled.push(serde_json::to_string(value).unwrap().trim_matches('"').as_bytes().to_vec());
        for (place, bytes) in &places {
            for spelling in &spelled {
                assert!(
                    !bytes.windows(spelling.len()).any(|window| window == spelling.as_slice()),
                    "`{value}` stands in {place}"
                );
            }
        }
    }
}

#[test]
fn a_vault_that_cannot_be_read_stops_the_start_and_says_why() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let config = configure(folder.path(), 9);
    secret(&data, &["set", "token"], FIRST);
    let key = data.join("keys/secrets.key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let refused =
        Start { program: Path::new(PROGRAM), config: &config, data: &data, env: Vec::new() }.go().err().unwrap();
    assert!(refused.contains("secrets.key") && refused.contains("chmod 600"), "{refused}");
    assert!(!data.join("journal").exists(), "nothing else has been made");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();

    let twice = json!({"secrets": {"token": {"file": "token.txt"}}});
    let other = folder.path().join("twice.json");
    std::fs::write(&other, twice.to_string()).unwrap();
    std::fs::write(folder.path().join("token.txt"), "x").unwrap();
    let refused =
        Start { program: Path::new(PROGRAM), config: &other, data: &data, env: Vec::new() }.go().err().unwrap();
    assert!(refused.contains("/secrets/token: the vault keeps a secret of that name, too"), "{refused}");
    assert!(refused.contains("/secrets/token: ") && refused.contains("others may read it"), "{refused}");
}

#[test]
fn what_cannot_be_kept_is_refused_with_exit_code_2() {
    let folder = tempfile::tempdir().unwrap();
    for (args, input, says) in [
        (["set", "a b"], "x", "is no name of a secret"),
        (["set", "empty"], "\n", "is empty"),
        (["remove", "nothing"], "", "there is no secret `nothing`"),
    ] {
        let (code, said) = secret(folder.path(), &args, input);
        assert_eq!(code, 2, "{said}");
        assert!(said.contains(says), "{said}");
    }
    let long = "x".repeat(65_537);
    let (code, said) = secret(folder.path(), &["set", "long"], &long);
    assert!(code == 2 && said.contains("longer than 65536 bytes"), "{said}");
}

#[test]
fn on_a_terminal_a_value_is_asked_for_and_not_shown() {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    use rustix::termios::{LocalModes, tcgetattr};
    let folder = tempfile::tempdir().unwrap();
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap().into_string().unwrap();
    let open = || std::fs::OpenOptions::new().read(true).write(true).open(&name).unwrap();
    // Held open throughout: the last to close it would set it back.
    let held = open();
    let echoes = || tcgetattr(&held).unwrap().local_modes.contains(LocalModes::ECHO);
    assert!(echoes(), "a terminal that never shows what is typed would prove nothing");
    let wait_for = |what: &str, done: &dyn Fn() -> bool| {
        let began = std::time::Instant::now();
        while !done() {
            assert!(began.elapsed().as_secs() < 60, "waited in vain for {what}");
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    };
    let mut keyboard = std::fs::File::from(terminal);
    let (mut screen, shown) = (keyboard.try_clone().unwrap(), Arc::new(Mutex::new(Vec::new())));
    let seen = Arc::clone(&shown);
    std::thread::spawn(move || {
        let mut part = [0; 256];
        while let Ok(length @ 1..) = screen.read(&mut part) {
            seen.lock().unwrap().extend_from_slice(&part[..length]);
        }
    });
    let text = || String::from_utf8_lossy(&shown.lock().unwrap()).into_owned();
    let mut typing = |keys: &str, last: &str| {
        let mut child = Command::new(PROGRAM)
            .args(["secret", "set", "token", "--data"])
            .arg(folder.path())
            .stdin(open())
            .stdout(open())
            .stderr(open())
            .spawn()
            .unwrap();
        wait_for("the question", &|| !echoes());
        // What is typed too early is thrown away with the change of mode; this comes after it.
        keyboard.write_all(keys.as_bytes()).unwrap();
        let ended = child.wait().unwrap().code().unwrap();
        assert!(echoes(), "the terminal is as it was before");
        wait_for(last, &|| text().contains(last));
        ended
    };
    assert_eq!(typing("half a val\u{3}", "stopped; nothing is kept"), 1);
    assert_eq!(typing(&format!("something else\u{15}{FIRST}值\u{7f}\n"), "kept `token`"), 0);
    let shown = text();
    assert!(shown.contains("value of `token` (not shown; end with Enter):"), "{shown:?}");
    for typed in ["half", "else", "first", "值"] {
        assert!(!shown.contains(typed), "{typed}: {shown:?}");
    }
    let kept = huiyin_engine::secrets::vault::Vault::at(folder.path()).get("token").unwrap().unwrap();
    assert_eq!(kept.expose(), FIRST.as_bytes());
}
