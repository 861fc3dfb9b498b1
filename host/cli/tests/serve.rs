//! The host as a process: ready, reachable, alone on its data, and stopped cleanly.

// Clippy's settings for tests do not reach helper functions of integration tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(missing_docs, unreachable_pub)]

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::{Host, huiyin};
use huiyin_journal::{Draft, Journal as _, Options, Payload, SegmentJournal};
use serde_json::{Value, json};

#[test]
fn a_host_is_ready_found_by_its_folder_alone_on_it_and_stops_cleanly() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let at = data.display().to_string();
    let host = Host::start(&data);

    let health = ureq::get(format!("{}/healthz", host.url)).call().unwrap().body_mut().read_to_string().unwrap();
    assert_eq!(serde_json::from_str::<Value>(&health).unwrap(), json!({"status": "ok"}));
    let cases = huiyin(&["case", "list", "--data", &at, "--output", "json"]);
    assert_eq!(cases.status.code(), Some(0), "{}", String::from_utf8_lossy(&cases.stderr));
    assert_eq!(serde_json::from_slice::<Value>(&cases.stdout).unwrap()["cases"], json!([]));
    assert_eq!(huiyin(&["case", "show", "none", "--data", &at]).status.code(), Some(2));

    let second = huiyin(&["serve", "--listen", "127.0.0.1:0", "--data", &at]);
    assert_eq!(second.status.code(), Some(3), "{}", String::from_utf8_lossy(&second.stderr));
    let verify = huiyin(&["audit", "verify", "--data", &at]);
    assert_eq!(verify.status.code(), Some(3), "a log in use cannot be verified at rest");

    let (code, said) = host.stop();
    assert_eq!(code, 0);
    assert!(said.contains("stopped"), "{said}");
    assert!(!data.join("host.json").exists());
    assert_eq!(huiyin(&["case", "list", "--data", &at]).status.code(), Some(3));
}

#[test]
fn host_02_more_connections_than_files_stop_no_host() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let at = data.display().to_string();
    let host = Host::start_with_files(&data, 256);
    let address = host.url.strip_prefix("http://").unwrap();
    let idle: Vec<_> = (0..300).map(|_| std::net::TcpStream::connect(address).unwrap()).collect();
    // It answers, and what is said is signed: the next checkpoint needs files, too.
    let cases = huiyin(&["case", "list", "--data", &at]);
    assert_eq!(cases.status.code(), Some(0), "{}", String::from_utf8_lossy(&cases.stderr));
    let (code, said) = host.stop();
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("stopped") && !said.contains("too many open files"), "{said}");
    drop(idle);
    assert_eq!(huiyin(&["audit", "verify", "--data", &at]).status.code(), Some(0));
}

#[test]
fn a_kept_run_is_in_the_log_with_a_proof_that_holds() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data").display().to_string();
    let workflow = folder.path().join("hello.json");
    let document = json!({"dsl": "1.0.3", "namespace": "tests", "name": "hello", "version": "1.0.0"});
    std::fs::write(&workflow, json!({"document": document, "do": [{"greet": {"set": {"hello": "you"}}}]}).to_string())
        .unwrap();
    let ran = huiyin(&["run", &workflow.display().to_string(), "--data", &data]);
    assert_eq!(ran.status.code(), Some(0), "{}", String::from_utf8_lossy(&ran.stderr));

    let verified = huiyin(&["audit", "verify", "--data", &data, "--output", "json"]);
    let report: Value = serde_json::from_slice(&verified.stdout).unwrap();
    assert_eq!((verified.status.code(), &report["whole"]), (Some(0), &json!(true)), "{report}");
    assert!(report["size"].as_u64().unwrap() >= 2, "{report}");

    let proof = folder.path().join("proof.json");
    let proved = huiyin(&["audit", "prove", "--record", "0/1", "--data", &data]);
    assert_eq!(proved.status.code(), Some(0), "{}", String::from_utf8_lossy(&proved.stderr));
    std::fs::write(&proof, &proved.stdout).unwrap();
    assert_eq!(huiyin(&["audit", "check", &proof.display().to_string()]).status.code(), Some(0));
    let forged = String::from_utf8(proved.stdout).unwrap().replacen("huiyin.", "huiyan.", 2);
    std::fs::write(&proof, forged.replacen("huiyan.", "huiyin.", 1)).unwrap();
    assert_eq!(huiyin(&["audit", "check", &proof.display().to_string()]).status.code(), Some(1));
    assert_eq!(huiyin(&["audit", "prove", "999999", "--data", &data]).status.code(), Some(2));
}

#[test]
fn a_value_that_lies_in_a_blob_is_verified_too() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let at = data.display().to_string();
    let workflow = folder.path().join("large.json");
    let document = json!({"dsl": "1.0.3", "namespace": "tests", "name": "large", "version": "1.0.0"});
    std::fs::write(&workflow, json!({"document": document, "do": [{"pass": {"set": {"n": 1}}}]}).to_string()).unwrap();
    let input = folder.path().join("input.json");
    std::fs::write(&input, json!({"text": "林".repeat(200_000)}).to_string()).unwrap();
    let (workflow, input) = (workflow.display().to_string(), input.display().to_string());
    let ran = huiyin(&["run", &workflow, "--input", &input, "--data", &at]);
    assert_eq!(ran.status.code(), Some(0), "{}", String::from_utf8_lossy(&ran.stderr));
    let verify = || huiyin(&["audit", "verify", "--data", &at, "--output", "json"]);
    assert_eq!(verify().status.code(), Some(0), "{}", String::from_utf8_lossy(&verify().stdout));

    let folders = std::fs::read_dir(data.join("journal/blobs")).unwrap().map(|folder| folder.unwrap().path());
    let blob = folders.filter(|path| path.is_dir()).flat_map(|path| std::fs::read_dir(path).unwrap()).next();
    let blob = blob.unwrap().unwrap().path();
    let mut bytes = std::fs::read(&blob).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&blob, bytes).unwrap();
    let damaged = verify();
    let report: Value = serde_json::from_slice(&damaged.stdout).unwrap();
    assert_eq!((damaged.status.code(), &report["whole"]), (Some(1), &json!(false)), "{report}");
    let finding = report["findings"][0].as_str().unwrap();
    assert!(finding.starts_with("record 0/") && finding.contains(&blob.display().to_string()), "{finding}");
}

#[test]
fn an_address_open_to_others_or_a_wrong_configuration_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data").display().to_string();
    let public = huiyin(&["serve", "--listen", "0.0.0.0:0", "--data", &data]);
    assert_eq!(public.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&public.stderr).contains("--listen-publicly"));
    let config = folder.path().join("huiyin.json");
    std::fs::write(&config, "{\n  \"sauces\": []\n}").unwrap();
    let wrong =
        huiyin(&["serve", "--listen", "127.0.0.1:0", "--config", &config.display().to_string(), "--data", &data]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(
        String::from_utf8_lossy(&wrong.stderr).contains("huiyin.json:2:"),
        "{}",
        String::from_utf8_lossy(&wrong.stderr)
    );
    let key = folder.path().join("key.pem").display().to_string();
    let serve = |config: &str, more: &[&str]| {
        std::fs::write(folder.path().join("huiyin.json"), config).unwrap();
        let file = folder.path().join("huiyin.json").display().to_string();
        let mut arguments = vec!["serve", "--listen", "127.0.0.1:0", "--config", &file, "--data", &data];
        arguments.extend(more);
        let refused = huiyin(&arguments);
        assert_eq!(refused.status.code(), Some(2), "{config} {more:?}");
        String::from_utf8_lossy(&refused.stderr).into_owned()
    };
    for (config, more, said) in [
        (r#"{"proxies": {"trusted": ["10.0.0.x"]}}"#, &[][..], "/proxies/trusted/0: `10.0.0.x` is no address"),
        (
            r#"{"tls": {"listen": "here", "certificate": "a.pem", "key": "b.pem"}}"#,
            &[],
            "/tls/listen: `here` is no address",
        ),
        (r#"{"tls": {"listen": "127.0.0.1:0", "certificate": "a.pem"}}"#, &[], "missing field `key`"),
        (r#"{"tls": {"listen": "127.0.0.1:0", "certificate": "a.pem", "key": "b.pem"}}"#, &[], "/a.pem: No such file"),
        ("{}", &["--tls-listen", "127.0.0.1:0", "--tls-key", &key], "--tls-certificate"),
        ("{}", &["--redirect-listen", "127.0.0.1:0"], "TLS needs an address"),
    ] {
        let error = serve(config, more);
        assert!(error.contains(said), "{config} {more:?}: {error}");
    }
}

#[test]
fn a_host_serves_tls_beside_its_own_address_and_goes_on_at_sighup() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(folder.path().join("chain.pem"), made.cert.pem()).unwrap();
    huiyin_files::write_private(&folder.path().join("key.pem"), made.signing_key.serialize_pem().as_bytes()).unwrap();
    std::fs::create_dir_all(&data).unwrap();
    let tls = json!({"listen": "127.0.0.1:0", "certificate": "../chain.pem", "key": "../key.pem"});
    std::fs::write(data.join("huiyin.json"), json!({"tls": tls}).to_string()).unwrap();
    let host = Host::start(&data);
    let hangup = rustix::process::Pid::from_raw(host.pid() as i32).unwrap();
    rustix::process::kill_process(hangup, rustix::process::Signal::HUP).unwrap();
    let at = data.display().to_string();
    assert_eq!(huiyin(&["case", "list", "--data", &at]).status.code(), Some(0), "the command line finds it");
    let (code, said) = host.stop();
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("serves TLS at https://127.0.0.1:"), "{said}");
}

#[test]
fn a_number_of_threads_that_is_none_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for given in ["0", "many", ""] {
        let refused = Command::new(env!("CARGO_BIN_EXE_huiyin"))
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(folder.path().join("data"))
            .env("TOKIO_WORKER_THREADS", given)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&refused.stderr);
        assert_eq!(refused.status.code(), Some(2), "{said}");
        assert!(said.contains("TOKIO_WORKER_THREADS is ") && said.contains("a number from 1 to "), "{said}");
    }
}

/// A kept run: a folder with a few records and signed checkpoints.
fn kept_run(folder: &Path) -> (PathBuf, String) {
    let data = folder.join("data");
    let workflow = folder.join("hello.json");
    let document = json!({"dsl": "1.0.3", "namespace": "tests", "name": "hello", "version": "1.0.0"});
    std::fs::write(&workflow, json!({"document": document, "do": [{"greet": {"set": {"hello": "you"}}}]}).to_string())
        .unwrap();
    let at = data.display().to_string();
    let ran = huiyin(&["run", &workflow.display().to_string(), "--data", &at]);
    assert_eq!(ran.status.code(), Some(0), "{}", String::from_utf8_lossy(&ran.stderr));
    (data, at)
}

fn said(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn host_17_an_audit_log_that_is_gone_is_begun_anew_only_where_told() {
    let folder = tempfile::tempdir().unwrap();
    let (data, at) = kept_run(folder.path());
    for gone in ["all", "what is in it", "the checkpoints"] {
        let audit = data.join("audit");
        if gone == "the checkpoints" {
            std::fs::remove_file(audit.join("checkpoint")).unwrap();
            std::fs::remove_dir_all(audit.join("checkpoints")).unwrap();
        } else {
            std::fs::remove_dir_all(&audit).unwrap();
        }
        if gone == "what is in it" {
            std::fs::create_dir(&audit).unwrap();
        }
        for (command, code) in [
            (&["serve", "--listen", "127.0.0.1:0", "--data", &at][..], 3),
            (&["audit", "prove", "0", "--data", &at][..], 1),
            (&["audit", "verify", "--data", &at][..], 1),
        ] {
            let refused = huiyin(command);
            assert_eq!(refused.status.code(), Some(code), "{gone} {command:?}: {}", said(&refused));
            assert!(said(&refused).contains("--new-audit-log"), "{gone} {command:?}: {}", said(&refused));
        }
        let host = Host::start_with(&data, &["--new-audit-log"]);
        assert_eq!(host.stop().0, 0);
        let host = Host::start(&data);
        assert_eq!(host.stop().0, 0);
        let verified = huiyin(&["audit", "verify", "--data", &at]);
        assert_eq!(verified.status.code(), Some(0), "{gone}: {}", said(&verified));
    }
    let journal = SegmentJournal::open(data.join("journal"), Options::default()).unwrap();
    let renewed = journal.read(0, 1).unwrap().filter(|r| r.as_ref().unwrap().kind == "huiyin.audit.renewed.v1").count();
    assert_eq!(renewed, 3, "each time it went on record");
}

#[test]
fn host_17_a_limit_on_the_size_of_files_ends_the_host_with_a_word_and_exit_3() {
    let folder = tempfile::tempdir().unwrap();
    let (_, at) = kept_run(folder.path());
    let workflow = folder.path().join("hello.json").display().to_string();
    // A segment of the journal takes more from the beginning; what is at rest, less.
    let limited = |kib: u32| {
        let shell = format!("ulimit -f {kib}; exec \"$@\"");
        let mut command = Command::new("bash");
        command.args(["-c", &shell, "bash", env!("CARGO_BIN_EXE_huiyin"), "run", &workflow, "--data", &at]);
        command.output().unwrap()
    };
    let done = limited(16 << 10);
    assert_eq!(done.status.code(), Some(3), "{:?}: {}", done.status, said(&done));
    assert!(said(&done).contains("ulimit -f"), "{}", said(&done));
    // However little it is, it is no signal that ends it.
    let done = limited(2);
    assert!(matches!(done.status.code(), Some(1..=3)), "{:?}: {}", done.status, said(&done));
    // Nothing is lost by it.
    let verified = huiyin(&["audit", "verify", "--data", &at]);
    assert_eq!(verified.status.code(), Some(0), "{}", said(&verified));
}

/// Appends a record that no checkpoint covers, and leaves the folder as a killed process does.
fn left_by_a_kill(data: &Path, copy: &Path) -> PathBuf {
    let journal = SegmentJournal::open(data.join("journal"), Options::default()).unwrap();
    let draft = Draft {
        kind: "huiyin.unit.placed.v1".to_owned(),
        subject: "unit/x".to_owned(),
        time: jiff::Timestamp::now(),
        actor: "system:deploy".to_owned(),
        unit: None,
        causation: None,
        key: "host".to_owned(),
        payload: br#"{"unit":"x"}"#.to_vec(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let appended = runtime.block_on(journal.append(0, journal.last_seq(0), vec![draft])).unwrap();
    let (_, group) = journal.place_of(appended.last_index).unwrap();
    let copied = Command::new("cp").arg("-r").arg(data).arg(copy).status().unwrap();
    assert!(copied.success());
    let segments = std::fs::read_dir(copy.join("journal/segments")).unwrap().map(|entry| entry.unwrap().path());
    let segment = segments.max().unwrap();
    let mut bytes = std::fs::read(&segment).unwrap();
    bytes[usize::try_from(group).unwrap() + 50] ^= 4;
    std::fs::write(&segment, bytes).unwrap();
    segment
}

#[test]
fn host_19_a_damaged_last_group_is_given_up_on_record_and_its_bytes_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (data, _) = kept_run(folder.path());
    let copy = folder.path().join("copy");
    left_by_a_kill(&data, &copy);
    let at = copy.display().to_string();
    let refused = huiyin(&["serve", "--listen", "127.0.0.1:0", "--data", &at]);
    assert_eq!(refused.status.code(), Some(3), "{}", said(&refused));
    assert!(said(&refused).contains("`huiyin journal repair`"), "{}", said(&refused));
    assert_eq!(huiyin(&["journal", "repair", "--data", &at, "--reason", " "]).status.code(), Some(2));

    let repair = || huiyin(&["journal", "repair", "--data", &at, "--reason", "no backup", "--output", "json"]);
    let repaired = repair();
    assert_eq!(repaired.status.code(), Some(0), "{}", said(&repaired));
    let told: Value = serde_json::from_slice(&repaired.stdout).unwrap();
    let given_up = &told["givenUp"][0];
    let kept = copy.join("journal/given-up").join(given_up["kept"].as_str().unwrap());
    assert_eq!(std::fs::metadata(&kept).unwrap().len(), given_up["bytes"].as_u64().unwrap(), "{told}");
    // There is nothing more to give up, and no second word of it.
    let again = repair();
    assert_eq!(serde_json::from_slice::<Value>(&again.stdout).unwrap(), json!({"givenUp": []}), "{}", said(&again));

    assert_eq!(Host::start(&copy).stop().0, 0);
    let verified = huiyin(&["audit", "verify", "--data", &at]);
    assert_eq!(verified.status.code(), Some(0), "{}", said(&verified));
    let journal = SegmentJournal::open(copy.join("journal"), Options::default()).unwrap();
    let records: Vec<_> = journal.read(0, 1).unwrap().map(Result::unwrap).collect();
    let on_record = records.iter().find(|record| record.kind == "huiyin.journal.repaired.v1").unwrap();
    let Payload::Open(payload) = &on_record.payload else { panic!("redacted") };
    let payload: Value = serde_json::from_slice(payload).unwrap();
    assert_eq!((&payload["reason"], &payload["kept"]), (&json!("no backup"), &given_up["kept"]));
    assert!(!records.iter().any(|record| record.kind == "huiyin.unit.placed.v1"), "it was given up");
}

#[test]
fn host_19_what_a_checkpoint_covers_is_not_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let (data, at) = kept_run(folder.path());
    let copy = folder.path().join("copy");
    let segment = left_by_a_kill(&data, &copy);
    // The host's own folder goes on: its next checkpoint covers the record that is damaged in the copy.
    assert_eq!(Host::start(&data).stop().0, 0);
    for name in ["audit", "keys"] {
        std::fs::remove_dir_all(copy.join(name)).unwrap();
        let copied = Command::new("cp").arg("-r").arg(data.join(name)).arg(copy.join(name)).status().unwrap();
        assert!(copied.success());
    }
    let before = std::fs::read(&segment).unwrap();
    let refused = huiyin(&["journal", "repair", "--data", &copy.display().to_string(), "--reason", "no backup"]);
    assert_eq!(refused.status.code(), Some(1), "{}", said(&refused));
    assert!(said(&refused).contains("a signed checkpoint covers"), "{}", said(&refused));
    assert_eq!(std::fs::read(&segment).unwrap(), before, "nothing was cut");
    assert_eq!(huiyin(&["audit", "verify", "--data", &at]).status.code(), Some(0));
}

/// A feed of one entry; gives its address, and each request is one more at `asked`.
fn feed(asked: &'static std::sync::atomic::AtomicU32) -> String {
    use std::io::{Read as _, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/feed.xml", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let _ = stream.read(&mut [0; 4096]);
            asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            let body = "<rss version=\"2.0\"><channel><title>板报</title>\
                <item><guid>1</guid><title>后山采石</title><description>夜里放炮</description></item></channel></rss>";
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/rss+xml\r\nconnection: close\r\ncontent-length:";
            let _ = write!(stream, "{head} {}\r\n\r\n{body}", body.len());
        }
    });
    url
}

#[test]
fn feed_a_source_is_set_back_at_the_command_line_and_takes_nothing_twice() {
    static ASKED: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let folder = tempfile::tempdir().unwrap();
    let (data, config) = (folder.path().join("data"), folder.path().join("huiyin.json"));
    let at = data.display().to_string();
    let url = feed(&ASKED);
    let policy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../workflows/policy/linhai.json");
    let source = json!({
        "name": "board", "unit": "qingfeng", "collector": "feed:0.1.0",
        "config": {"url": url, "channel": "forum"}, "schedule": {"every": "PT24H"},
    });
    let origin = url.strip_suffix("/feed.xml").unwrap();
    let grant = json!({"http": [{"origin": origin, "methods": ["GET"]}], "allow_addresses": ["127.0.0.1/32"]});
    let whole = json!({"policy": policy, "sources": [source], "grants": [{"plugin": "feed", "grant": grant}]});
    std::fs::write(&config, whole.to_string()).unwrap();
    let host = Host::start_with(&data, &["--config", &config.display().to_string()]);

    let board = || {
        let listed = huiyin(&["source", "list", "--data", &at, "--output", "json"]);
        assert_eq!(listed.status.code(), Some(0), "{}", String::from_utf8_lossy(&listed.stderr));
        let all = serde_json::from_slice::<Value>(&listed.stdout).unwrap();
        // Beside it stand the channels of the pack that are pushed.
        let of = |source: &&Value| source["source"].as_str().is_some_and(|name| name.ends_with("board"));
        all["sources"].as_array().unwrap().iter().find(of).expect("it is listed").clone()
    };
    let until = |field: &str| {
        for _ in 0..600 {
            if board()[field] == json!(1) {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        panic!("no `{field}`: {}", board());
    };
    until("items");
    let rewind = |source: &str, more: &[&str]| {
        let args = ["source", "rewind", source, "--unit", "qingfeng", "--data", &at];
        huiyin(&[&args, more].concat())
    };
    let unknown = rewind("borad", &["--reason", "次序乱了"]);
    let said = String::from_utf8_lossy(&unknown.stderr).into_owned();
    assert_eq!(unknown.status.code(), Some(2), "{said}");
    assert!(said.contains("no source `borad`"), "{said}");
    assert_eq!(rewind("board", &["--reason", ""]).status.code(), Some(2), "a reason is said");
    assert_eq!(ASKED.load(std::sync::atomic::Ordering::SeqCst), 1, "a refused word changes nothing");
    let back = rewind("board", &["--reason", "次序乱了"]);
    assert_eq!(back.status.code(), Some(0), "{}", String::from_utf8_lossy(&back.stderr));
    until("known");
    // What was read again is counted among the items, and as known: nothing is taken in twice.
    assert_eq!(board()["items"], json!(2));
    assert_eq!(host.stop().0, 0);
}
