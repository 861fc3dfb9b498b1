//! What is not so: manifests, types, handles, texts, pointers.

use huiyin_sandbox::{Called, Kind, Output};
use serde_json::{Value, json};
use wit_component::StringEncoding;

use super::{made, of, smuggled};
use crate::case::Expect::{BadAnswer, Fault, Harmless, Refused};
use crate::case::{Case, Class, Expect};
use huiyin_guests::{Asks, Guest, append_inner, append_section, manifest_of, without_manifest};

fn lie(name: &'static str, does: &'static str, expect: Expect, guest: Guest) -> Case {
    of(Class::Lies, name, does, expect, guest)
}

fn honest() -> Guest {
    Guest::step("(call $answer @\"{}\")")
}

/// An honest component with another manifest section.
fn section(
    name: &'static str,
    does: &'static str,
    words: &'static str,
    manifest: impl Fn(Vec<u8>) -> Vec<u8> + Send + Sync + 'static,
) -> Case {
    made(Class::Lies, name, does, Expect::Refused(words), move || {
        let package = honest().package()?;
        let said = manifest(manifest_of(&package)?);
        Ok(append_section(without_manifest(&package)?, &said))
    })
}

/// The same with one field changed.
fn field(name: &'static str, does: &'static str, words: &'static str, key: &'static str, value: Value) -> Case {
    section(name, does, words, move |manifest| {
        let mut manifest: Value = serde_json::from_slice(&manifest).unwrap_or_default();
        manifest[key] = value.clone();
        manifest.to_string().into_bytes()
    })
}

/// A component of this text with an honest manifest.
fn component(name: &'static str, does: &'static str, words: &'static str, text: impl Into<String>) -> Case {
    let text = text.into();
    made(Class::Lies, name, does, Expect::Refused(words), move || {
        let component = wat::parse_str(&text).map_err(|error| error.to_string())?;
        Ok(append_section(component, &manifest_of(&honest().package()?)?))
    })
}

/// A component of a kind that has this import and looks like a plugin otherwise.
fn importing(name: &'static str, does: &'static str, words: &'static str, kind: &str, import: &str) -> Case {
    let text = format!(
        r#"(component
            (import {import})
            (instance $i)
            (export "huiyin:plugin/info@0.1.0" (instance $i))
            (export "huiyin:plugin/{kind}@0.1.0" (instance $i)))"#
    );
    component(name, does, words, text)
}

/// A plugin that gets its answer, and no more.
fn any_json(called: &Called) -> Result<(), String> {
    match &called.output {
        Output::Json(_) => Ok(()),
        other => Err(format!("{other:?}")),
    }
}

/// An honest guest with a component inside, which lies to another inside it.
fn inner(name: &'static str, does: &'static str, words: &'static str, text: String) -> Case {
    made(Class::Lies, name, does, Expect::Refused(words), move || {
        let package = honest().package()?;
        let manifest = manifest_of(&package)?;
        Ok(append_section(append_inner(without_manifest(&package)?, &text, 1)?, &manifest))
    })
    .slow()
}

/// The answer of a classifier with one verdict at 0x400 (`result`, 56 bytes).
fn verdict(change: &str) -> Guest {
    Guest::new(
        Kind::Classifier,
        format!(
            "(f64.store (i32.const 0x410) (f64.const 0.5))
             {change}
             (i32.store (i32.const 0x104) (i32.const 0x400))
             (i32.store (i32.const 0x108) (i32.const 1))
             (i32.const 0x100)"
        ),
    )
}

/// The answer of a collector with one item at 0x400, made by the change.
fn page(change: &str) -> Guest {
    Guest::new(
        Kind::Collector,
        format!(
            "(i32.store (i32.const 0x400) (i32.const 0x20000)) (i32.store (i32.const 0x404) (i32.const 1))
             (i32.store8 (i32.const 0x20000) (i32.const 0x61))
             (i32.store (i32.const 0x104) (i32.const 0x400)) (i32.store (i32.const 0x108) (i32.const 1))
             {change}
             (i32.const 0x100)"
        ),
    )
}

/// The answer of a reporter: one document of this name and media type.
fn document(filename: &str, media_type: &str) -> Guest {
    Guest::new(
        Kind::Reporter,
        format!(
            "(call $pair (i32.const 0x400) @\"{media_type}\") (call $pair (i32.const 0x408) @\"{filename}\")
             (i32.store (i32.const 0x104) (i32.const 0x400)) (i32.store (i32.const 0x108) (i32.const 1))
             (i32.const 0x100)"
        ),
    )
    .more(
        "(func $pair (param i32 i32 i32)
           (i32.store (local.get 0) (local.get 1)) (i32.store offset=4 (local.get 0) (local.get 2)))",
    )
}

/// Two components: the first gives the number as a character to the second, by
/// way of the translation that the host has compiled in between.
fn character(number: &str) -> String {
    format!(
        r#"(component
  (component $a
    (core module $m (func (export "f") (result i32) (i32.const {number})))
    (core instance $i (instantiate $m))
    (func (export "f") (result char) (canon lift (core func $i "f"))))
  (component $b
    (import "f" (func $f (result char)))
    (core func $f (canon lower (func $f)))
    (core module $m (import "" "f" (func $f (result i32))) (func $begin (drop (call $f))) (start $begin))
    (core instance (instantiate $m (with "" (instance (export "f" (func $f)))))))
  (instance $a (instantiate $a))
  (instance (instantiate $b (with "f" (func $a "f")))))"#
    )
}

pub(super) fn cases() -> Vec<Case> {
    let mut all = manifests();
    all.extend(components());
    all.extend(handles());
    all.extend(answers());
    all
}

fn manifests() -> Vec<Case> {
    vec![
        section("manifest-not-json", "has a manifest that is no JSON", "not a manifest", |_| b"name: hello".to_vec()),
        section("manifest-empty", "has an empty manifest", "not a manifest", |_| Vec::new()),
        section("manifest-not-utf8", "has a manifest that is no UTF-8", "not a manifest", |mut manifest| {
            let at = manifest.len() / 2;
            manifest[at] = 0xff;
            manifest
        }),
        section("manifest-cut-short", "has a manifest that ends early", "not a manifest", |mut manifest| {
            manifest.truncate(manifest.len() / 2);
            manifest
        }),
        section("manifest-two-names", "has a manifest with two names", "duplicate field", |manifest| {
            String::from_utf8_lossy(&manifest).replacen('{', "{\"name\":\"harmless\",", 1).into_bytes()
        }),
        section(
            "manifest-two-keys-in-schema",
            "has a schema in its manifest with one key twice",
            "twice",
            |manifest| {
                String::from_utf8_lossy(&manifest)
                    .replacen("\"config_schema\":{", "\"config_schema\":{\"a\":1,\"a\":2", 1)
                    .into_bytes()
            },
        ),
        section("manifest-nested-deeply", "has a manifest nested a hundred thousand times", "recursion limit", |_| {
            [b"{\"config_schema\":".to_vec(), vec![b'['; 100_000], vec![b']'; 100_000]].concat()
        }),
        section("manifest-enormous", "has a manifest of 20 MiB", "bytes", |_| vec![b' '; 20 << 20]).slow(),
        section(
            "manifest-with-more",
            "has a manifest with a field that manifests do not have",
            "unknown field",
            |manifest| String::from_utf8_lossy(&manifest).replacen('{', "{\"trusted\":true,", 1).into_bytes(),
        ),
        field("manifest-name-number", "has a number for its name", "invalid type", "name", json!(7)),
        field(
            "manifest-name-path",
            "has a path for its name",
            "not lower-case words",
            "name",
            json!("../../etc/passwd"),
        ),
        field("manifest-version", "has no version", "not a manifest", "version", json!("latest")),
        field(
            "manifest-other-contract",
            "speaks another contract",
            "this host speaks huiyin:plugin@0.1",
            "contract",
            json!("9.9"),
        ),
        field("manifest-other-name", "has another's name in its manifest", "says name =", "name", json!("keyword")),
        field(
            "manifest-fewer-asks",
            "asks for less in its manifest than itself",
            "says idempotent =",
            "idempotent",
            json!(true),
        ),
        field(
            "manifest-more-asks",
            "asks for more in its manifest than itself",
            "says capabilities =",
            "capabilities",
            json!(["spool"]),
        ),
        field(
            "manifest-pure-that-asks",
            "is a classifier in its manifest",
            "input-schema",
            "kind",
            json!("classifier"),
        ),
        field("manifest-kind-unknown", "is of a kind that there is not", "unknown variant", "kind", json!("root")),
        made(Class::Lies, "two-manifests", "has two manifests", Refused("there are two of them"), || {
            let package = honest().package()?;
            let manifest = manifest_of(&package)?;
            Ok(append_section(package, &manifest))
        }),
        made(Class::Lies, "no-manifest", "has no manifest", Refused("has no `huiyin:manifest` section"), || {
            honest().component()
        }),
        smuggled(
            Class::Lies,
            "kind-it-is-not",
            "says that it is a notifier and is a step",
            "a notifier has no input-schema",
            honest().with(|guest| guest.said_kind = Some(3)),
        )
        .slow(),
        smuggled(Class::Lies, "kind-that-is-not", "says that it is of kind 99", "discriminant", {
            honest().with(|guest| guest.said_kind = Some(99))
        })
        .slow(),
        made(
            Class::Lies,
            "true-that-is-not-one",
            "says 255 for true; the section says false",
            Refused("says idempotent = false, the component itself says true"),
            || {
                let manifest = manifest_of(&honest().package()?)?;
                Ok(append_section(honest().with(|guest| guest.said_idempotent = 255).component()?, &manifest))
            },
        )
        .slow(),
        smuggled(
            Class::Lies,
            "describe-asks-the-host",
            "uses what it is not granted when asked what it is",
            "import",
            honest().with(|guest| guest.before_describe = "(call $log (i32.const 1) @\"hi\")".to_owned()),
        )
        .slow(),
        smuggled(
            Class::Lies,
            "describe-answers-outside",
            "gives an address outside its memory when asked what it is",
            "bounds",
            honest().with(|guest| guest.before_describe = "(return (i32.const -4))".to_owned()),
        )
        .slow(),
        smuggled(Class::Lies, "describe-answers-askew", "gives an odd address when asked what it is", "aligned", {
            honest().with(|guest| guest.before_describe = "(return (i32.const 0x1001))".to_owned())
        })
        .slow(),
    ]
}

fn components() -> Vec<Case> {
    vec![
        component("other-contract", "exports another version of the contract", "this host speaks huiyin:plugin@0.1", {
            r#"(component (instance $i) (export "huiyin:plugin/info@0.2.0" (instance $i)))"#
        }),
        component("version-that-wraps", "exports version 0.1.4294967296 of the contract", "this host speaks", {
            r#"(component (instance $i) (export "huiyin:plugin/info@0.1.4294967296" (instance $i)))"#
        }),
        component("version-with-build", "exports version 0.1.0+other of the contract", "this host speaks", {
            r#"(component (instance $i) (export "huiyin:plugin/info@0.1.0+other" (instance $i)))"#
        }),
        component("two-kinds", "is a step and a reporter", "exactly one of", {
            r#"(component (instance $i)
                (export "huiyin:plugin/info@0.1.0" (instance $i))
                (export "huiyin:plugin/step@0.1.0" (instance $i))
                (export "huiyin:plugin/reporter@0.1.0" (instance $i)))"#
        }),
        component("no-kind", "is nothing", "exactly one of", {
            r#"(component (instance $i) (export "huiyin:plugin/info@0.1.0" (instance $i)))"#
        }),
        component("empty-interfaces", "exports the interfaces and none of their functions", "has no function", {
            r#"(component (instance $i)
                (export "huiyin:plugin/info@0.1.0" (instance $i))
                (export "huiyin:plugin/step@0.1.0" (instance $i)))"#
        })
        .slow(),
        component("function-instead-of-interface", "exports a function under an interface's name", "", {
            r#"(component
                (core module $m (func (export "f")))
                (core instance $m (instantiate $m))
                (func $f (canon lift (core func $m "f")))
                (export "huiyin:plugin/info@0.1.0" (func $f))
                (export "huiyin:plugin/step@0.1.0" (func $f)))"#
        })
        .slow(),
        component(
            "functions-of-other-types",
            "exports functions of other types than the contract's",
            "differs from the contract",
            {
                r#"(component
                (core module $m (func (export "f") (result i32) (i32.const 1)))
                (core instance $m (instantiate $m))
                (func $f (result u32) (canon lift (core func $m "f")))
                (instance $info (export "describe" (func $f)))
                (instance $step (export "run" (func $f)))
                (export "huiyin:plugin/info@0.1.0" (instance $info))
                (export "huiyin:plugin/step@0.1.0" (instance $step)))"#
            },
        )
        .slow(),
        importing(
            "function-hidden-in-types",
            "imports a function under the name of the types, as if pure",
            "contract",
            "step",
            r#""huiyin:plugin/types@0.1.0" (instance (export "f" (func)))"#,
        )
        .slow(),
        importing(
            "imports-files",
            "imports the file system",
            "may not import `wasi:filesystem/types@0.2.0`",
            "step",
            r#""wasi:filesystem/types@0.2.0" (instance)"#,
        ),
        importing(
            "imports-sockets",
            "imports sockets",
            "may not import `wasi:sockets/tcp@0.2.0`",
            "step",
            r#""wasi:sockets/tcp@0.2.0" (instance)"#,
        ),
        importing(
            "imports-bare-function",
            "imports a function of no interface",
            "may not import `system`",
            "step",
            r#""system" (func)"#,
        ),
        importing(
            "imports-by-url",
            "imports code from a place in the network",
            "may not import",
            "step",
            r#""url=<https://example.cn/evil.wasm>" (component)"#,
        ),
        importing(
            "pure-that-logs",
            "is a classifier that imports the log",
            "a classifier is pure",
            "classifier",
            r#""huiyin:plugin/log@0.1.0" (instance)"#,
        ),
        made(
            Class::Lies,
            "core-module",
            "is a core module with the manifest of a plugin",
            Refused("core module"),
            || honest().core(),
        ),
        made(Class::Lies, "a-program", "is a program of this machine", Refused("not a WebAssembly file"), || {
            Ok([b"\x7fELF\x02\x01\x01".as_slice(), &[0; 500]].concat())
        }),
        made(Class::Lies, "cut-short", "ends in the middle", Refused("not valid"), || {
            let mut package = honest().package()?;
            package.truncate(package.len() / 2);
            Ok(package)
        }),
        made(
            Class::Lies,
            "section-beyond-the-end",
            "has a section that is larger than the file",
            Refused("not valid"),
            || {
                let mut package = honest().package()?;
                package.extend([0, 0xff, 0xff, 0xff, 0xff, 0x0f, 1]);
                Ok(package)
            },
        ),
        made(Class::Lies, "invalid-code", "has code that does not fit its types", Refused("not valid"), || {
            let package = honest().package()?;
            let manifest = manifest_of(&package)?;
            let mut outer = without_manifest(&package)?;
            // A module whose function says that it gives a number and gives none.
            let inner = b"\0asm\x01\0\0\0\x01\x05\x01\x60\0\x01\x7f\x03\x02\x01\0\x0a\x04\x01\x02\0\x0b";
            outer.push(1);
            outer.push(u8::try_from(inner.len()).unwrap_or_default());
            outer.extend(inner);
            Ok(append_section(outer, &manifest))
        })
        .slow(),
        inner("char-out-of-range", "passes a surrogate as a character inside", "char", character("0xd800")),
        inner("char-beyond-unicode", "passes 0x110000 as a character inside", "char", character("0x110000")),
        inner("borrowed-handle-kept", "keeps a handle that it was lent", "borrow handles still remain", {
            r#"(component
              (component $c
                (type $r' (resource (rep i32)))
                (export $r "r" (type $r'))
                (core func $new (canon resource.new $r))
                (core module $m (import "" "new" (func $new (param i32) (result i32)))
                  (func (export "make") (result i32) (call $new (i32.const 100))))
                (core instance $i (instantiate $m (with "" (instance (export "new" (func $new))))))
                (func (export "make") (result (own $r)) (canon lift (core func $i "make"))))
              (component $d
                (import "r" (type $r (sub resource)))
                (core module $m (func (export "keep") (param i32)))
                (core instance $i (instantiate $m))
                (func (export "keep") (param "r" (borrow $r)) (canon lift (core func $i "keep"))))
              (instance $c (instantiate $c))
              (alias export $c "r" (type $r))
              (instance $d (instantiate $d (with "r" (type $r))))
              (component $e
                (import "r" (type $r (sub resource)))
                (import "make" (func $make (result (own $r))))
                (import "keep" (func $keep (param "r" (borrow $r))))
                (core func $make (canon lower (func $make)))
                (core func $keep (canon lower (func $keep)))
                (core module $m
                  (import "" "make" (func $make (result i32))) (import "" "keep" (func $keep (param i32)))
                  (func $go (call $keep (call $make))) (start $go))
                (core instance (instantiate $m (with "" (instance
                  (export "make" (func $make)) (export "keep" (func $keep)))))))
              (instance (instantiate $e (with "r" (type $r)) (with "make" (func $c "make")) (with "keep" (func $d "keep")))))"#
                .to_owned()
        }),
        lie(
            "calls-out-of-realloc",
            "logs while the host asks it for room",
            Fault("cannot leave component instance"),
            Guest::step("unreachable").realloc("(call $log (i32.const 1) @\"hi\") (i32.const 0x20000)"),
        ),
        lie(
            "calls-out-of-post-return",
            "logs while the host gives its answer back",
            Fault("cannot leave component instance"),
            {
                Guest::step("(call $answer @\"{}\")")
                    .with(|guest| guest.post_return = Some("(call $log (i32.const 1) @\"hi\")".to_owned()))
            },
        ),
    ]
}

fn handles() -> Vec<Case> {
    let forged = |name, does, body: &str| lie(name, does, Fault("handle"), Guest::step(body).asks(Asks::Http));
    vec![
        forged(
            "forged-handle",
            "uses handle 12,345, which nobody gave it",
            "(drop (call $subscribe (i32.const 12345))) unreachable",
        ),
        forged("handle-zero", "uses handle 0", "(drop (call $subscribe (i32.const 0))) unreachable"),
        forged("handle-all-ones", "uses handle 4,294,967,295", "(drop (call $subscribe (i32.const -1))) unreachable"),
        forged("use-after-drop", "uses header fields after it gave them back", {
            "(local.set $h (call $fields)) (call $drop_fields (local.get $h))
             (call $append (local.get $h) @\"x-a\" @\"b\" (i32.const 0x340)) unreachable"
        }),
        forged("double-drop", "gives header fields back twice", {
            "(local.set $h (call $fields)) (call $drop_fields (local.get $h)) (call $drop_fields (local.get $h)) unreachable"
        }),
        forged("use-after-giving-away", "uses header fields that it gave to a request", {
            "(local.set $h (call $fields)) (drop (call $request (local.get $h)))
             (call $append (local.get $h) @\"x-a\" @\"b\" (i32.const 0x340)) unreachable"
        }),
        forged("handle-of-another-type", "uses header fields as a request", {
            "(call $body (call $fields) (i32.const 0x340)) unreachable"
        }),
        lie("parent-dropped-first", "gives back a response that it waits for, before the wait", Fault("child"), {
            Guest::step(
                "(local.set $h (call $open (call $fields) @in @\"/\"))
                 (call $handle (local.get $h) (i32.const 0) (i32.const 0) (i32.const 0x340))
                 (local.set $h (i32.load (i32.const 0x348)))
                 (drop (call $subscribe (local.get $h)))
                 (call $drop_future (local.get $h)) unreachable",
            )
            .asks(Asks::Http)
        })
        .server(crate::servers::Behaviour::Fine),
        lie("severity-that-is-not", "logs with severity 9", Fault("discriminant"), {
            Guest::step("(call $log (i32.const 9) @\"hi\") unreachable")
        }),
        lie("algorithm-that-is-not", "signs by algorithm 7", Fault("discriminant"), {
            Guest::step("(call $hmac @\"token\" (i32.const 7) @\"x\" (i32.const 0x340)) unreachable")
                .asks(Asks::Secret("token"))
        }),
        lie("option-that-is-not", "passes an option that is neither some nor none", Fault("discriminant"), {
            Guest::step(
                "(call $kv_set @\"k\" (i32.const 5) (i32.const 0) (i32.const 0) (i32.const 1) @\"v\" (i32.const 0x340)) unreachable",
            )
            .asks(Asks::Kv(10))
        }),
        lie("host-call-out-of-bounds", "logs a text outside its memory", Fault("out of bounds"), {
            Guest::step("(call $log (i32.const 1) (i32.const 0x3fff0) (i32.const 100)) unreachable")
        }),
        lie("host-answer-out-of-bounds", "wants the host's answer outside its memory", Fault("out of bounds"), {
            Guest::step("(call $kv_get @\"k\" (i32.const -8)) unreachable").asks(Asks::Kv(10))
        })
        .grant(&json!({"kv_bytes": 10})),
        lie("host-answer-askew", "wants the host's answer at an odd address", Fault("aligned"), {
            Guest::step("(call $kv_get @\"k\" (i32.const 0x341)) unreachable").asks(Asks::Kv(10))
        })
        .grant(&json!({"kv_bytes": 10})),
    ]
}

fn answers() -> Vec<Case> {
    let text = |encoding, bytes: &str, at: u32, length: u32| {
        Guest::step(format!("{bytes} (call $answer (i32.const {at}) (i32.const {length}))"))
            .with(|guest| guest.encoding = encoding)
    };
    vec![
        lie("not-utf8", "answers with bytes that are no UTF-8", Fault("utf-8"), {
            text(StringEncoding::UTF8, "(i32.store (i32.const 0x400) (i32.const 0xff22ff22))", 0x400, 4)
        }),
        lie("utf8-surrogate", "answers with a surrogate in UTF-8", Fault("utf-8"), {
            text(StringEncoding::UTF8, "(i32.store (i32.const 0x400) (i32.const 0x0080a0ed))", 0x400, 3)
        }),
        lie("utf8-overlong", "answers with a slash written overlong", Fault("utf-8"), {
            text(StringEncoding::UTF8, "(i32.store (i32.const 0x400) (i32.const 0xafc0))", 0x400, 2)
        }),
        lie("utf16-lone-surrogate", "answers with half a pair in UTF-16", Fault("unpaired surrogate"), {
            text(StringEncoding::UTF16, "(i32.store (i32.const 0x400) (i32.const 0x0022d800))", 0x400, 2)
        }),
        lie("utf16-pair-cut", "answers with UTF-16 that ends inside a pair", Fault("unpaired surrogate"), {
            text(StringEncoding::UTF16, "(i32.store (i32.const 0x400) (i32.const 0xd83d0022))", 0x400, 2)
        }),
        lie("utf16-askew", "answers with UTF-16 at an odd address", Fault("aligned"), {
            text(StringEncoding::UTF16, "", 0x401, 2)
        }),
        lie("utf16-length-wraps", "answers with 2,147,483,649 units of UTF-16", Fault("out of bounds"), {
            text(StringEncoding::UTF16, "", 0x400, 0x8000_0001)
        }),
        lie("compact-tag-and-odd-length", "answers with Latin-1 marked as UTF-16 beyond its memory", Fault("out of bounds"), {
            text(StringEncoding::CompactUTF16, "", 0x3_fffe, 0x8000_0003)
        }),
        lie("not-json", "answers with text that is no JSON", BadAnswer("it is not JSON"), Guest::step("(call $answer @\"{\\qsum\\q: what\")")),
        lie("json-and-more", "answers with JSON and something behind it", BadAnswer("trailing"), {
            Guest::step("(call $answer @\"{} rm -rf /\")")
        }),
        lie("json-number-too-large", "answers with a number that no float holds", BadAnswer("it is not JSON"), {
            Guest::step("(call $answer @\"1e999999\")")
        }),
        lie("result-that-is-not", "answers with neither a result nor an error", Fault("discriminant"), {
            Guest::step("(i32.store (i32.const 0x100) (i32.const 7)) (i32.const 0x100)")
        }),
        lie("error-that-is-not", "fails with error 9 of five", Fault("discriminant"), Guest::step("(call $fail (i32.const 9) @\"x\")")),
        lie("level-that-is-not", "gives a level of 5 of four", Fault("discriminant"), {
            verdict("(i32.store8 (i32.const 0x408) (i32.const 1)) (i32.store8 (i32.const 0x409) (i32.const 5))")
        }),
        lie("answer-outside", "answers at an address outside its memory", Fault("out of bounds"), Guest::step("(i32.const -4)")),
        lie("answer-askew", "answers at an odd address", Fault("aligned"), Guest::step("(i32.const 0x101)")),
        lie("score-nan", "scores with a NaN that carries data", BadAnswer("score outside 0 to 1"), {
            verdict("(i64.store (i32.const 0x410) (i64.const 0x7ff8dead0000beef))")
        }),
        lie("score-signalling-nan", "scores with a signalling NaN", BadAnswer("score outside 0 to 1"), {
            verdict("(i64.store (i32.const 0x410) (i64.const 0xfff0000000000001))")
        }),
        lie("score-infinite", "scores with infinity", BadAnswer("score outside 0 to 1"), verdict("(f64.store (i32.const 0x410) (f64.const inf))")),
        lie("score-below-zero", "scores below zero", BadAnswer("score outside 0 to 1"), verdict("(f64.store (i32.const 0x410) (f64.const -0.1))")),
        lie("verdict-missing", "gives no verdict for one item", BadAnswer("1 items were given and 0 verdicts"), {
            verdict("").with(|guest| guest.body = guest.body.replace("(i32.store (i32.const 0x108) (i32.const 1))", ""))
        }),
        lie("verdict-too-many", "gives three verdicts for one item", BadAnswer("1 items were given and 3 verdicts"), {
            verdict("").with(|guest| {
                guest.body = guest.body.replace("(i32.const 0x108) (i32.const 1)", "(i32.const 0x108) (i32.const 3)");
            })
        }),
        lie("item-without-id", "brings an item without an id", BadAnswer("item 0 has no id"), page("(i32.store (i32.const 0x404) (i32.const 0))")),
        lie("item-after-the-end-of-time", "brings an item of the year 584,556,019", BadAnswer("after the year 9999"), {
            // `observed` stands at 64 of an item's 80 bytes.
            page("(i64.store (i32.const 0x440) (i64.const -1))")
        }),
        lie("two-trues", "says 2 for true", Harmless("it is true", |called: &Called| match &called.output {
            Output::Page(page) if page.more => Ok(()),
            other => Err(format!("{other:?}")),
        }), {
            // `more` stands behind items and cursor.
            page("(i32.store8 (i32.const 0x118) (i32.const 2))")
        }),
        lie("filename-up", "names a document ../../etc/passwd", BadAnswer("not a plain file name"), document("../../etc/passwd", "text/plain")),
        lie("filename-zero", "names a document with a zero byte", BadAnswer("not a plain file name"), document("a\\0b", "text/plain")),
        lie("media-type-with-header", "puts a header behind a line break in a media type", BadAnswer("media type"), {
            document("a.txt", "text/html\\r\\nset-cookie: a=b")
        }),
        lie("realloc-outside", "offers room outside its memory", Fault("beyond end of memory"), Guest::step("unreachable").realloc("(i32.const -16)")),
        lie("realloc-askew", "offers a list of items room at an odd address", Fault("aligned"), {
            verdict("").realloc("(i32.const 0x20001)")
        }),
        lie("realloc-always-the-same", "offers the same room for everything", Harmless("it harms itself alone", any_json), Guest::step("(call $answer @\"{}\")").realloc("(i32.const 0x20000)")),
        lie("realloc-over-its-own-data", "offers its own manifest as room", Harmless("it harms itself alone", any_json), Guest::step("(memory.fill (i32.const 0x400) (i32.const 0x31) (i32.const 1)) (call $answer (i32.const 0x400) (i32.const 1))").realloc("@manifest")),
    ]
}
