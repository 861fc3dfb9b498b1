//! Things without number.

use huiyin_sandbox::LimitName::{Handles, MemoryBytes, OutputBytes, TableElements, WallMs};
use huiyin_sandbox::{Called, Kind};
use serde_json::json;

use super::{made, of, smuggled};
use crate::case::Expect::{Fault, Harmless, Limit, Refused, Told};
use crate::case::{Case, Class, Expect};
use huiyin_guests::{Asks, Guest, append_inner, append_section, manifest_of, without_manifest};

fn memory(name: &'static str, does: &'static str, expect: Expect, guest: Guest) -> Case {
    of(Class::Memory, name, does, expect, guest)
}

/// An honest guest with a component inside, of which nobody knew when it was packed.
fn with_inner(inner: String, times: usize) -> impl Fn() -> Result<Vec<u8>, String> + Send + Sync {
    move || {
        let package = Guest::step("(call $answer @\"{}\")").package()?;
        let manifest = manifest_of(&package)?;
        Ok(append_section(append_inner(without_manifest(&package)?, &inner, times)?, &manifest))
    }
}

/// The code does this for ever; `$i` counts.
fn ever(what: &str) -> String {
    format!("(loop $ever {what} (local.set $i (i32.add (local.get $i) (i32.const 1))) (br $ever)) unreachable")
}

/// The answer is a list of so many elements of this size (in a guest's memory) at 0x20000,
/// of which every word is the one of `word`.
fn list(kind: Kind, count: u32, head: &str) -> Guest {
    Guest::new(kind, format!("{head} (i32.store (i32.const 0x108) (i32.const {count})) (i32.const 0x100)")).pages("600")
}

pub(super) fn cases() -> Vec<Case> {
    vec![
        memory(
            "grows-for-ever",
            "takes ever more memory",
            Limit(MemoryBytes),
            Guest::step(ever("(drop (memory.grow (i32.const 16)))")),
        ),
        memory(
            "grows-at-once",
            "asks for 4 GiB less 4 pages at once",
            Limit(MemoryBytes),
            Guest::step("(drop (memory.grow (i32.const 65532))) unreachable"),
        ),
        memory(
            "grows-and-touches",
            "takes ever more memory and writes all over it",
            Limit(MemoryBytes),
            Guest::step(ever(
                "(local.set $p (memory.grow (i32.const 4)))
                 (memory.fill (i32.mul (local.get $p) (i32.const 65536)) (i32.const 0xaa) (i32.const 262144))",
            )),
        ),
        smuggled(Class::Memory, "born-too-large", "declares a memory of 1 GiB", "`memory_bytes`", {
            Guest::step("unreachable").pages("16384")
        })
        .slow(),
        smuggled(Class::Memory, "grows-in-start", "takes ever more memory when it is instantiated", "`memory_bytes`", {
            Guest::step("unreachable")
                .more("(start $begin) (func $begin (loop $l (drop (memory.grow (i32.const 16))) (br $l)))")
        })
        .slow(),
        smuggled(Class::Memory, "grows-in-describe", "takes ever more memory when asked what it is", "`memory_bytes`", {
            Guest::step("unreachable")
                .with(|guest| guest.before_describe = "(loop $l (drop (memory.grow (i32.const 16))) (br $l))".to_owned())
        })
        .slow(),
        memory(
            "grows-in-realloc",
            "takes ever more memory when the host asks for room",
            Limit(MemoryBytes),
            Guest::step("unreachable").realloc("(loop $l (drop (memory.grow (i32.const 16))) (br $l)) unreachable"),
        ),
        smuggled(Class::Memory, "many-memories", "has a hundred memories", "memor", {
            Guest::step("unreachable").more("(memory 1) ".repeat(99))
        })
        .slow(),
        smuggled(Class::Memory, "many-tables", "has a hundred tables", "table", {
            Guest::step("unreachable").more("(table 1 funcref) ".repeat(100))
        })
        .slow(),
        memory(
            "table-grows-for-ever",
            "lets a table grow without end",
            Limit(TableElements),
            Guest::step(ever("(drop (table.grow $t (ref.null func) (i32.const 1000)))")).more("(table $t 1 funcref)"),
        ),
        smuggled(Class::Memory, "table-born-too-large", "declares a table of ten million elements", "table", {
            Guest::step("unreachable").more("(table 9000000 funcref)")
        })
        .slow(),
        made(
            Class::Memory,
            "many-instances",
            "has a hundred core instances inside",
            Refused("`instances`"),
            with_inner("(component (core module $m) (core instance (instantiate $m)))".to_owned(), 100),
        )
        .slow(),
        made(
            Class::Memory,
            "instances-of-instances",
            "has components inside that hold 900 core instances together",
            Refused("instance"),
            with_inner(
                format!("(component (core module $m) {})", "(core instance (instantiate $m)) ".repeat(90)),
                10,
            ),
        )
        .slow(),
        made(
            Class::Memory,
            "memories-of-instances",
            "has three core instances inside, each with a memory of 64 MiB",
            Refused("memor"),
            with_inner("(component (core module $m (memory 1024)) (core instance (instantiate $m)))".to_owned(), 3),
        )
        .slow(),
        memory(
            "huge-answer",
            "answers with a text of 30 MiB",
            Limit(OutputBytes),
            Guest::step("(call $answer (i32.const 0x20000) (i32.const 31457280))").pages("600"),
        ),
        memory(
            "answer-beyond-memory",
            "answers with a text of 3 GiB that it does not have",
            Fault("out of bounds"),
            Guest::step("(call $answer (i32.const 0x20000) (i32.const 0xc0000000))"),
        ),
        memory(
            "answer-at-the-edge",
            "answers with a text whose last byte lies behind its memory",
            Fault("out of bounds"),
            Guest::step("(call $answer (i32.const 0x3fff0) (i32.const 17))"),
        ),
        memory(
            "list-of-four-billion",
            "answers with a list of 4,294,967,295 documents",
            Fault("out of bounds"),
            list(
                Kind::Reporter,
                u32::MAX,
                "(i32.store (i32.const 0x100) (i32.const 0)) (i32.store (i32.const 0x104) (i32.const 0x20000))",
            ),
        ),
        memory(
            "list-that-wraps",
            "answers with a list whose size is a small number after 32 bits",
            Fault("out of bounds"),
            list(
                Kind::Reporter,
                // 24 bytes each: 0x0aaaaaab of them are 8 more than 2^32.
                0x0aaa_aaab,
                "(i32.store (i32.const 0x100) (i32.const 0)) (i32.store (i32.const 0x104) (i32.const 0x20000))",
            ),
        ),
        memory(
            "a-million-documents",
            "answers with a million empty documents",
            Limit(OutputBytes),
            list(
                Kind::Reporter,
                1_000_000,
                "(i32.store (i32.const 0x100) (i32.const 0)) (i32.store (i32.const 0x104) (i32.const 0x20000))",
            ),
        ),
        memory(
            "one-text-a-hundred-thousand-times",
            "answers with a hundred thousand documents that are all the same megabyte of its memory",
            Limit(OutputBytes),
            Guest::new(
                Kind::Reporter,
                "(loop $l
                   (local.set $p (i32.add (i32.const 0x200000) (i32.mul (local.get $i) (i32.const 24))))
                   (i32.store offset=16 (local.get $p) (i32.const 0x100000))
                   (i32.store offset=20 (local.get $p) (i32.const 0x100000))
                   (local.set $i (i32.add (local.get $i) (i32.const 1)))
                   (br_if $l (i32.lt_u (local.get $i) (i32.const 100000))))
                 (i32.store (i32.const 0x100) (i32.const 0)) (i32.store (i32.const 0x104) (i32.const 0x200000))
                 (i32.store (i32.const 0x108) (i32.const 100000)) (i32.const 0x100)",
            )
            .pages("100"),
        ),
        memory(
            "json-of-a-million-zeros",
            "answers with JSON that takes sixteen times its text as a value",
            Limit(OutputBytes),
            Guest::step(
                "(memory.fill (i32.const 0x20000) (i32.const 0x30) (i32.const 15000000))
                 (i32.store8 (i32.const 0x20000) (i32.const 0x5b))
                 (local.set $p (i32.const 0x20002))
                 (loop $l
                   (i32.store8 (local.get $p) (i32.const 0x2c))
                   (local.set $p (i32.add (local.get $p) (i32.const 2)))
                   (br_if $l (i32.lt_u (local.get $p) (i32.add (i32.const 0x20000) (i32.const 14999998)))))
                 (i32.store8 (i32.const 0xe6e1bf) (i32.const 0x5d))
                 (call $answer (i32.const 0x20000) (i32.const 15000000))",
            )
            .pages("260"),
        )
        .slow(),
        memory(
            "json-nested-deeply",
            "answers with JSON nested a hundred thousand times",
            Expect::BadAnswer("recursion limit"),
            Guest::step(
                "(memory.fill (i32.const 0x20000) (i32.const 0x5b) (i32.const 100000))
                 (call $answer (i32.const 0x20000) (i32.const 100000))",
            )
            .pages("20"),
        ),
        memory(
            "huge-error",
            "fails with an error text of 15 MiB",
            Told("…"),
            Guest::step(
                "(memory.fill (i32.const 0x20000) (i32.const 0x78) (i32.const 15728640))
                 (call $fail (i32.const 2) (i32.const 0x20000) (i32.const 15728640))",
            )
            .pages("250"),
        )
        .slow(),
        memory(
            "error-that-steers-terminals",
            "fails with an error text that clears the screen and rings the bell",
            Told("harmless"),
            Guest::step("(call $fail (i32.const 2) @\"\\x1b[2J\\x07harmless\")"),
        ),
        memory(
            "huge-secret-name",
            "asks for a secret whose name has 10 MiB, sixteen times",
            Expect::Denied("manifest does not ask"),
            Guest::step(
                "(memory.fill (i32.const 0x20000) (i32.const 0x61) (i32.const 0xa00000))
                 (loop $l
                   (call $secret (i32.const 0x20000) (i32.const 0xa00000) (i32.const 0x340))
                   (global.set $heap (i32.const 0xb00000))
                   (local.set $i (i32.add (local.get $i) (i32.const 1)))
                   (br_if $l (i32.lt_u (local.get $i) (i32.const 16))))
                 (call $fail (i32.const 2) @\"no secret\")",
            )
            .pages("400"),
        )
        .slow(),
        memory(
            "huge-path-denied",
            "asks a place for a path of 60,000 characters, which is not granted",
            Expect::Denied("manifest does not ask"),
            Guest::step(
                "(memory.fill (i32.const 0x30000) (i32.const 0x2f) (i32.const 60000))
                 (call $visit @\"news.example.cn\" (i32.const 0x30000) (i32.const 60000))",
            ),
        ),
        memory(
            "flood-of-fields",
            "makes HTTP header fields without end",
            Limit(Handles),
            Guest::step(ever("(drop (call $fields))")),
        ),
        memory(
            "flood-of-pollables",
            "makes pollables without end",
            Limit(Handles),
            Guest::step(ever("(drop (call $sleep (i64.const 1000000000)))")),
        ),
        memory(
            "flood-of-requests",
            "makes HTTP requests without end and sends none",
            Limit(Handles),
            Guest::step(ever("(drop (call $request (call $fields)))")),
        ),
        memory(
            "huge-method",
            "names an HTTP method of 8 MiB",
            Told("too long"),
            Guest::step(
                "(memory.fill (i32.const 0x20000) (i32.const 0x58) (i32.const 0x800000))
                 (if (call $set_method (call $request (call $fields)) (i32.const 9) (i32.const 0x20000) (i32.const 0x800000))
                   (then (return (call $fail (i32.const 2) @\"it is too long\"))))
                 (call $answer @\"1\")",
            )
            .pages("140"),
        )
        .slow(),
        memory(
            "huge-path",
            "names an HTTP path of 8 MiB",
            Told("too long"),
            Guest::step(
                "(memory.fill (i32.const 0x20000) (i32.const 0x2f) (i32.const 0x800000))
                 (if (call $set_path (call $request (call $fields)) (i32.const 1) (i32.const 0x20000) (i32.const 0x800000))
                   (then (return (call $fail (i32.const 2) @\"it is too long\"))))
                 (call $answer @\"1\")",
            )
            .pages("140"),
        )
        .slow(),
        memory(
            "flood-of-headers",
            "appends headers to one set of fields without end",
            Fault("exceeds limit"),
            Guest::step(format!(
                "(local.set $h (call $fields)) {}",
                ever("(call $append (local.get $h) @\"x-a\" @\"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\" (i32.const 0x340))")
            )),
        ),
        memory(
            "huge-header",
            "sets one header of 10 MiB",
            Fault("exceeds limit"),
            Guest::step(
                "(memory.fill (i32.const 0x20000) (i32.const 0x61) (i32.const 0xa00000))
                 (call $append (call $fields) @\"x-a\" (i32.const 0x20000) (i32.const 0xa00000) (i32.const 0x340)) unreachable",
            )
            .pages("170"),
        )
        .slow(),
        memory(
            "bodies-that-are-never-sent",
            "fills the bodies of requests with a megabyte each and sends none",
            Fault("write exceeded budget"),
            Guest::step(ever(
                "(local.set $h (call $request (call $fields)))
                 (call $body (local.get $h) (i32.const 0x340))
                 (call $body_stream (i32.load (i32.const 0x344)) (i32.const 0x340))
                 (call $try_write (i32.load (i32.const 0x344)) (i32.const 0x20000) (i32.const 0x100000) (i32.const 0x360))",
            ))
            .pages("20"),
        ),
        memory(
            "flood-of-log-lines",
            "logs a million lines",
            Harmless("200 lines are kept and the rest is counted", |called: &Called| {
                if called.log.len() == 200 && called.log_dropped == 999_800 {
                    Ok(())
                } else {
                    Err(format!("{} lines, {} dropped", called.log.len(), called.log_dropped))
                }
            }),
            Guest::step(
                "(loop $l (call $log (i32.const 1) @\"again\")
                   (local.set $i (i32.add (local.get $i) (i32.const 1)))
                   (br_if $l (i32.lt_u (local.get $i) (i32.const 1000000))))
                 (call $answer @\"1\")",
            ),
        )
        .slow(),
        memory(
            "huge-log-line",
            "logs one line of 10 MiB",
            Harmless("it is dropped and counted", |called: &Called| {
                if called.log.is_empty() && called.log_dropped == 1 {
                    Ok(())
                } else {
                    Err(format!("{} lines, {} dropped", called.log.len(), called.log_dropped))
                }
            }),
            Guest::step("(call $log (i32.const 3) (i32.const 0x20000) (i32.const 0xa00000)) (call $answer @\"1\")").pages("170"),
        )
        .slow(),
        memory(
            "flood-of-keys",
            "keeps a new key again and again",
            Told("quota"),
            Guest::step(ever(
                "(i32.store (i32.const 0x400) (local.get $i))
                 (call $kv_set (i32.const 0x400) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0)
                    (i32.const 1) (i32.const 0x1000) (i32.const 50) (i32.const 0x340))
                 (if (i32.load8_u (i32.const 0x340)) (then (return (call $fail (i32.const 2) @\"the quota is used up\"))))
                 (if (i32.gt_u (local.get $i) (i32.const 100)) (then (return (call $answer @\"1\"))))",
            ))
            .asks(Asks::Kv(1000)),
        )
        .grant(&json!({"kv_bytes": 1000})),
        memory(
            "flood-of-removed-keys",
            "removes a new key that never was, again and again",
            Harmless("nothing is kept of it", |called: &Called| {
                if called.kv_writes.is_empty() { Ok(()) } else { Err(format!("{} writes", called.kv_writes.len())) }
            }),
            Guest::step(
                "(loop $l
                   (i32.store (i32.const 0x400) (i32.add (local.get $i) (i32.const 0x10101010)))
                   (i32.store (i32.const 0x400) (i32.and (i32.load (i32.const 0x400)) (i32.const 0x7f7f7f7f)))
                   (call $kv_set (i32.const 0x400) (i32.const 4) (i32.const 0) (i32.const 0) (i32.const 0)
                      (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0x340))
                   (if (i32.load8_u (i32.const 0x340)) (then (return (call $fail (i32.const 2) @\"refused\"))))
                   (local.set $i (i32.add (local.get $i) (i32.const 1)))
                   (br_if $l (i32.lt_u (local.get $i) (i32.const 2000))))
                 (call $answer @\"1\")",
            )
            .asks(Asks::Kv(1000)),
        )
        .grant(&json!({"kv_bytes": 1000}))
        .slow(),
        memory(
            "huge-value",
            "keeps a value of 10 MiB",
            Told("quota"),
            Guest::step(
                "(call $kv_set @\"k\" (i32.const 0) (i32.const 0) (i32.const 0)
                    (i32.const 1) (i32.const 0x20000) (i32.const 0xa00000) (i32.const 0x340))
                 (if (i32.load8_u (i32.const 0x340)) (then (return (call $fail (i32.const 2) @\"the quota is used up\"))))
                 (call $answer @\"1\")",
            )
            .pages("170")
            .asks(Asks::Kv(u64::MAX)),
        )
        .grant(&json!({"kv_bytes": 1000}))
        .slow(),
        memory(
            "flood-of-files",
            "writes files without end",
            Limit(huiyin_sandbox::LimitName::SpoolFiles),
            Guest::step(ever(
                "(i32.store (i32.const 0x400) (i32.const 0x61616161))
                 (i32.store8 (i32.const 0x400) (i32.add (i32.const 0x61) (i32.rem_u (local.get $i) (i32.const 26))))
                 (i32.store8 (i32.const 0x401) (i32.add (i32.const 0x61) (i32.rem_u (i32.div_u (local.get $i) (i32.const 26)) (i32.const 26))))
                 (call $put (i32.const 0x400) (i32.const 4) (i32.const 0x20000) (i32.const 10) (i32.const 0x340))
                 (if (i32.load8_u (i32.const 0x340)) (then (return (call $fail (i32.const 0) @\"no more files\"))))",
            ))
            .asks(Asks::Spool),
        )
        .limits(|limits| {
            limits.wall_ms = 10_000;
            limits.spool_files = 3;
        })
        .grant(&json!({"spool": "/spool"}))
        .slow(),
        memory(
            "huge-files",
            "writes files of a megabyte without end",
            Limit(huiyin_sandbox::LimitName::SpoolBytes),
            Guest::step(ever(
                "(i32.store8 (i32.const 0x400) (i32.add (i32.const 0x61) (i32.rem_u (local.get $i) (i32.const 26))))
                 (call $put (i32.const 0x400) (i32.const 1) (i32.const 0x20000) (i32.const 0x100000) (i32.const 0x340))
                 (if (i32.load8_u (i32.const 0x340)) (then (return (call $fail (i32.const 0) @\"no more bytes\"))))",
            ))
            .pages("20")
            .asks(Asks::Spool),
        )
        .limits(|limits| {
            limits.wall_ms = 10_000;
            limits.spool_bytes = 2_500_000;
        })
        .grant(&json!({"spool": "/spool"}))
        .slow(),
        smuggled(
            Class::Memory,
            "huge-manifest",
            "says a summary of 10 MiB when asked what it is",
            "summary",
            Guest::step("unreachable").pages("200").with(|guest| {
                guest.before_describe = "(memory.fill (i32.const 0x20000) (i32.const 0x61) (i32.const 0xa00000))
                    (i32.store offset=20 @manifest (i32.const 0x20000))
                    (i32.store offset=24 @manifest (i32.const 0xa00000))"
                    .to_owned();
            }),
        )
        .slow(),
        smuggled(
            Class::Memory,
            "huge-manifest-of-four-billion",
            "says that it asks for 4,294,967,295 capabilities",
            "out of bounds",
            Guest::step("unreachable").with(|guest| {
                guest.before_describe = "(i32.store offset=56 @manifest (i32.const -1))".to_owned();
            }),
        )
        .slow(),
        memory(
            "reads-without-end",
            "asks for 2^64-1 bytes of an answer at once",
            Harmless("it gets what there is", |called: &Called| super::answered(called, &json!(2))),
            Guest::step(
                "(local.set $h (call $open (call $fields) @in @\"/\"))
                 (call $handle (local.get $h) (i32.const 0) (i32.const 0) (i32.const 0x340))
                 (local.set $h (i32.load (i32.const 0x348)))
                 (call $block (call $subscribe (local.get $h)))
                 (call $get (local.get $h) (i32.const 0x340))
                 (if (i32.load8_u (i32.const 0x350)) (then (return (call $fail (i32.const 0) @\"no answer\"))))
                 (call $consume (i32.load (i32.const 0x358)) (i32.const 0x340))
                 (call $stream (i32.load (i32.const 0x344)) (i32.const 0x340))
                 (call $read (i32.load (i32.const 0x344)) (i64.const -1) (i32.const 0x340))
                 (if (i32.load8_u (i32.const 0x340)) (then (return (call $fail (i32.const 0) @\"no bytes\"))))
                 (call $number (i32.load (i32.const 0x348)))",
            )
            .asks(Asks::Http),
        )
        .server(crate::servers::Behaviour::Fine),
        memory(
            "storm-of-growth",
            "grows its memory by nothing, for ever",
            Limit(WallMs),
            Guest::step(ever("(drop (memory.grow (i32.const 0)))")),
        )
        .slow(),
    ]
}
