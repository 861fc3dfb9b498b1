//! Which packages are taken, and why the others are not.

// Clippy's settings for tests do not reach helper functions of integration tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use huiyin_sandbox::{Kind, PackageError, SECTION, Sandbox, SandboxConfig, package::componentize};
use support::{Asks, Guest, echo, guest, sandbox};
use wasm_encoder::{ComponentSection, CustomSection};

fn refusal(bytes: &[u8]) -> PackageError {
    let error = sandbox().load(bytes).unwrap_err();
    assert!(error.to_string().len() > 20, "{error}");
    error
}

fn component(wat: &str) -> Vec<u8> {
    wat::parse_str(wat).unwrap()
}

/// A step that is never called.
fn idle() -> Guest {
    guest(Kind::Step, "unreachable")
}

fn with_section(mut component: Vec<u8>, manifest: &[u8]) -> Vec<u8> {
    CustomSection { name: SECTION.into(), data: manifest.into() }.append_to_component(&mut component);
    component
}

#[test]
fn every_kind_that_follows_the_contract_is_taken() {
    let sandbox = sandbox();
    for kind in Kind::ALL {
        let taken = sandbox.load(&guest(kind, "unreachable").package().unwrap()).unwrap();
        assert_eq!(taken.manifest.kind, kind);
        assert_eq!(taken.manifest.version.to_string(), "1.2.3");
        assert_eq!(taken.digest.len(), 64);
        assert!(taken.pure, "without imports even a {kind} is pure");
    }
}

#[test]
fn the_manifest_keeps_everything_the_plugin_asks_for() {
    let asks = support::outward(Kind::Step, "unreachable")
        .asks(Asks::HttpTo("https://*.example.cn:8443".into(), vec!["GET", "POST"], "/api"))
        .asks(Asks::Secret("token"))
        .asks(Asks::Spool)
        .asks(Asks::Kv(4096));
    let taken = sandbox().load(&asks.package().unwrap()).unwrap();
    assert!(!taken.pure);
    assert_eq!(
        serde_json::to_value(&taken.manifest.capabilities).unwrap(),
        serde_json::json!([
            {"http": {"origin": "https://*.example.cn:8443", "methods": ["GET", "POST"], "path_prefix": "/api"}},
            {"secret": {"name": "token", "purpose": "for a test"}},
            "spool",
            {"kv": 4096},
        ])
    );
}

#[test]
fn what_is_not_a_component_is_refused() {
    assert_eq!(refusal(b"MZ\x90\0 a program"), PackageError::NotWasm);
    assert_eq!(refusal(b""), PackageError::NotWasm);
    assert_eq!(refusal(&component("(module)")), PackageError::CoreModule);
    let whole = echo();
    assert!(matches!(refusal(&whole[..whole.len() / 2]), PackageError::Invalid(_)));
}

#[test]
fn a_package_over_the_size_limit_is_refused() {
    let sandbox = Sandbox::new(SandboxConfig { max_package_bytes: 100, ..SandboxConfig::small() }).unwrap();
    let error = sandbox.load(&echo()).unwrap_err();
    assert!(matches!(error, PackageError::TooLarge { allowed: 100, .. }), "{error}");
}

#[test]
fn what_does_not_speak_the_contract_is_refused() {
    assert_eq!(refusal(&component("(component)")), PackageError::NoInfo { expected: "0.1" });
    let other = component(r#"(component (instance $i) (export "huiyin:plugin/info@0.2.0" (instance $i)))"#);
    assert!(matches!(refusal(&other), PackageError::ContractVersion { .. }));
    let none = component(r#"(component (instance $i) (export "huiyin:plugin/info@0.1.0" (instance $i)))"#);
    assert_eq!(refusal(&none), PackageError::Kinds { found: vec![] });
    let two = component(
        r#"(component (instance $i)
            (export "huiyin:plugin/info@0.1.0" (instance $i))
            (export "huiyin:plugin/step@0.1.0" (instance $i))
            (export "huiyin:plugin/reporter@0.1.0" (instance $i)))"#,
    );
    assert!(matches!(refusal(&two), PackageError::Kinds { found } if found.len() == 2));
}

#[test]
fn an_export_that_differs_from_the_contract_is_refused() {
    let manifest = manifest_of(&echo());
    let empty = with_section(
        component(
            r#"(component (instance $i)
                (export "huiyin:plugin/info@0.1.0" (instance $i))
                (export "huiyin:plugin/step@0.1.0" (instance $i)))"#,
        ),
        &manifest,
    );
    assert!(matches!(refusal(&empty), PackageError::Contract(_)));
    // The names are right, the types are not.
    let wrong = with_section(
        component(
            r#"(component
                (core module $m (func (export "f") (result i32) (i32.const 1)))
                (core instance $m (instantiate $m))
                (func $f (result u32) (canon lift (core func $m "f")))
                (instance $info (export "describe" (func $f)))
                (instance $step (export "run" (func $f)))
                (export "huiyin:plugin/info@0.1.0" (instance $info))
                (export "huiyin:plugin/step@0.1.0" (instance $step)))"#,
        ),
        &manifest,
    );
    assert!(matches!(refusal(&wrong), PackageError::Contract(_)));
}

#[test]
fn imports_beyond_the_kind_are_refused() {
    for (kind, import) in [
        ("step", "wasi:filesystem/types@0.2.0"),
        ("step", "wasi:sockets/tcp@0.2.0"),
        ("step", "wasi:random/random@0.2.0"),
        ("step", "wasi:cli/environment@0.2.0"),
        ("step", "wasi:http/types@0.3.0"),
        ("step", "huiyin:plugin/log@0.2.0"),
        ("step", "huiyin:plugin/mail@0.1.0"),
        ("collector", "huiyin:plugin/spool@0.1.0"),
        ("classifier", "huiyin:plugin/log@0.1.0"),
        ("classifier", "wasi:clocks/wall-clock@0.2.0"),
        ("reporter", "huiyin:plugin/kv@0.1.0"),
    ] {
        let bytes = component(&format!(
            r#"(component
                (import "{import}" (instance))
                (instance $i)
                (export "huiyin:plugin/info@0.1.0" (instance $i))
                (export "huiyin:plugin/{kind}@0.1.0" (instance $i)))"#
        ));
        match refusal(&bytes) {
            PackageError::Imports { imports, .. } => assert_eq!(imports, [import]),
            other => panic!("{kind} with {import}: {other}"),
        }
    }
}

#[test]
fn plugins_05_all_refused_imports_are_named_at_once_with_what_pulls_them_in() {
    let bytes = component(
        r#"(component
            (import "wasi:cli/environment@0.2.3" (instance))
            (import "huiyin:plugin/log@0.1.0" (instance))
            (import "wasi:cli/exit@0.2.3" (instance))
            (import "wasi:random/random@0.2.3" (instance))
            (import "acme:tools/x@1.0.0" (instance))
            (instance $i)
            (export "huiyin:plugin/info@0.1.0" (instance $i))
            (export "huiyin:plugin/step@0.1.0" (instance $i)))"#,
    );
    let error = refusal(&bytes);
    let names = ["wasi:cli/environment@0.2.3", "wasi:cli/exit@0.2.3", "wasi:random/random@0.2.3", "acme:tools/x@1.0.0"];
    assert!(matches!(&error, PackageError::Imports { imports, .. } if imports == &names), "{error}");
    let text = error.to_string();
    for said in names.into_iter().chain(["--stub-wasi", "--disable random", "it may import huiyin:plugin/log"]) {
        assert!(text.contains(said), "{said}: {text}");
    }
    assert_eq!(text.matches("--stub-wasi").count(), 1, "what pulls two in is said once: {text}");
}

#[test]
fn plugins_04_the_world_of_pure_steps_imports_nothing() {
    let wit = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sdk/wit");
    // It speaks the published contract, word for word.
    let contract = std::fs::read(wit.join("0.1/plugin.wit")).unwrap();
    assert_eq!(std::fs::read(wit.join("pure-step/deps/plugin/plugin.wit")).unwrap(), contract);
    let mut resolve = wit_parser::Resolve::default();
    let (package, _) = resolve.push_dir(wit.join("pure-step")).unwrap();
    let world = resolve.select_world(&[package], Some("pure-step-plugin")).unwrap();
    // What a tool that imports the whole world puts into a component: types, and nothing else.
    for import in resolve.worlds[world].imports.keys() {
        assert_eq!(resolve.name_world_key(import), "huiyin:plugin/types@0.1.0");
    }
    let mut core = wat::parse_str(guest(Kind::Step, "(call $answer @\"{\\qn\\q: 1}\")").text().unwrap()).unwrap();
    wit_component::embed_component_metadata(&mut core, &resolve, world, wit_component::StringEncoding::UTF8).unwrap();
    let sandbox = sandbox();
    let taken = sandbox.load(&componentize(&core).unwrap()).unwrap();
    assert!(taken.pure && taken.manifest.kind == Kind::Step);
    let operation = huiyin_sandbox::Operation::Run { config: "{}".into(), input: "{}".into() };
    let limits = huiyin_sandbox::Limits::default();
    let answer = sandbox.call_pure(&taken, &support::context(), &operation, &limits).unwrap();
    assert_eq!(answer.to_json(), serde_json::json!({"n": 1}));
}

#[test]
fn plugins_06_half_a_surrogate_pair_is_said_to_be_one() {
    let sandbox = sandbox();
    let said = |answer: &str| {
        let step = guest(Kind::Step, format!("(call $answer @\"{answer}\")")).package().unwrap();
        let operation = huiyin_sandbox::Operation::Run { config: "{}".into(), input: "{}".into() };
        let package = sandbox.load(&step).unwrap();
        let limits = huiyin_sandbox::Limits::default();
        sandbox.call_pure(&package, &support::context(), &operation, &limits).map(|answer| answer.to_json())
    };
    for (answer, escape, place) in [
        (r"{\qa\q: \q\ud83d\q}", r"\ud83d", "1:8"),
        (r"{\qa\q:\n \q\udd25 x\q}", r"\udd25", "2:3"),
        (r"[\q\ud83dx\q]", r"\ud83d", "1:3"),
        (r"[\q\ud83d\ud83d\udd25\q]", r"\ud83d", "1:3"),
    ] {
        let error = said(answer).unwrap_err().to_string();
        assert!(error.contains("half a surrogate pair") && error.contains(escape) && error.contains(place), "{error}");
    }
    assert_eq!(said(r"[\q\ud83d\udd25\q]").unwrap(), serde_json::json!(["🔥"]));
    // A backslash that is escaped begins no escape; other faults stay what they are.
    let error = said(r"[\q\\ud83d\q").unwrap_err().to_string();
    assert!(error.contains("it is not JSON") && !error.contains("surrogate"), "{error}");
}

/// The manifest section of a package.
fn manifest_of(package: &[u8]) -> Vec<u8> {
    for payload in wasmparser::Parser::new(0).parse_all(package) {
        if let wasmparser::Payload::CustomSection(section) = payload.unwrap()
            && section.name() == SECTION
        {
            return section.data().to_vec();
        }
    }
    panic!("no manifest");
}

#[test]
fn a_missing_broken_or_doubled_manifest_is_refused() {
    let plain = idle().component().unwrap();
    assert_eq!(refusal(&plain), PackageError::NoManifest);
    for broken in [&b"{"[..], b"[]", b"{}", br#"{"name":1}"#] {
        let bytes = with_section(plain.clone(), broken);
        assert!(matches!(refusal(&bytes), PackageError::BadManifest(_)));
    }
    let twice = with_section(echo(), &manifest_of(&echo()));
    assert!(matches!(refusal(&twice), PackageError::BadManifest(_)));
}

#[test]
fn a_manifest_that_lies_is_refused_naming_the_lie() {
    let honest = idle().component().unwrap();
    let manifest = manifest_of(&componentize(&honest).unwrap());
    for (field, lie) in [
        ("name", serde_json::json!("other")),
        ("version", serde_json::json!("9.9.9")),
        ("kind", serde_json::json!("notifier")),
        ("summary", serde_json::json!("Harmless.")),
        ("config_schema", serde_json::json!({"type": "object"})),
        ("capabilities", serde_json::json!(["spool"])),
        ("idempotent", serde_json::json!(true)),
    ] {
        let mut value: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
        value[field] = lie;
        if field == "kind" {
            value.as_object_mut().unwrap().remove("input_schema");
            value.as_object_mut().unwrap().remove("output_schema");
        }
        let bytes = with_section(honest.clone(), value.to_string().as_bytes());
        match refusal(&bytes) {
            PackageError::ManifestDiffers { field: named, .. } => assert_eq!(named, field),
            other => panic!("{field}: {other}"),
        }
    }
}

#[test]
fn a_plugin_that_describes_itself_wrongly_is_not_packed() {
    for (wrong, words) in [
        (idle().name("Bad Name"), "Bad Name"),
        (idle().version("one"), "semantic version"),
        (idle().with(|guest| guest.config_schema = "{".to_owned()), "config-schema"),
        (guest(Kind::Classifier, "unreachable").asks(Asks::Spool), "pure"),
        (idle().asks(Asks::HttpTo("ftp://x".into(), vec![], "/")), "ftp://x"),
    ] {
        let error = componentize(&wrong.component().unwrap()).unwrap_err();
        assert!(matches!(error, PackageError::Describe(_)), "{error:?}");
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[test]
fn a_plugin_that_hangs_or_traps_when_described_is_not_packed() {
    // A start function runs when the component is looked at.
    let start = "(start $begin) (func $begin (loop $l (br $l)))";
    let error = idle().more(start).packed().unwrap().unwrap_err();
    assert!(error.to_string().contains("wall_ms"), "{error}");
    let start = "(start $begin) (func $begin unreachable)";
    let error = idle().more(start).packed().unwrap().unwrap_err();
    assert!(matches!(error, PackageError::Describe(_)), "{error}");
}

#[test]
fn a_module_without_the_contract_in_it_is_not_packed() {
    let plain = wat::parse_str("(module (memory (export \"memory\") 1))").unwrap();
    assert!(componentize(&plain).is_err());
    assert_eq!(componentize(b"hello").unwrap_err(), PackageError::NotWasm);
    let packed = componentize(&echo()).unwrap_err();
    assert!(packed.to_string().contains("already"), "{packed}");
}

#[test]
fn the_same_bytes_are_the_same_package() {
    let sandbox = sandbox();
    let one = sandbox.load(&echo()).unwrap();
    let two = sandbox.load(&echo()).unwrap();
    assert_eq!(one.digest, two.digest);
    let other = sandbox.load(&support::step("(call $answer (local.get $cfg_p) (local.get $cfg_n))")).unwrap();
    assert_ne!(one.digest, other.digest);
}
