//! The host as a process: ready, reachable, alone on its data, and stopped cleanly.

// Clippy's settings for tests do not reach helper functions of integration tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(missing_docs, unreachable_pub)]

mod common;

use std::process::Command;

use common::{Host, huiyin};
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
