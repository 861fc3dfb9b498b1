//! Work without end.

use huiyin_sandbox::LimitName::{Handles, StackBytes, WallMs};

use super::{of, smuggled};
use crate::case::Expect::{Fault, Limit};
use crate::case::{Case, Class};
use huiyin_guests::{Asks, Guest};
use serde_json::json;

const FOR_EVER: &str = "(loop $ever (br $ever)) unreachable";

fn cpu(name: &'static str, does: &'static str, expect: crate::case::Expect, guest: Guest) -> Case {
    of(Class::Cpu, name, does, expect, guest)
}

pub(super) fn cases() -> Vec<Case> {
    vec![
        cpu("endless-loop", "loops for ever", Limit(WallMs), Guest::step(FOR_EVER)).slow(),
        cpu(
            "endless-loop-hands-free",
            "logs, then loops for ever in a plugin that may reach outside",
            Limit(WallMs),
            Guest::step(format!("(call $log (i32.const 1) @\"here\") {FOR_EVER}")),
        )
        .slow(),
        cpu(
            "tail-calls-for-ever",
            "calls itself for ever without using the stack",
            Limit(WallMs),
            Guest::step("(call $a (i32.const 0))").more(
                "(func $a (param i32) (result i32) (return_call $b (i32.add (local.get 0) (i32.const 1))))
                 (func $b (param i32) (result i32) (return_call $a (local.get 0)))",
            ),
        )
        .slow(),
        cpu(
            "deep-recursion",
            "calls itself without end",
            Limit(StackBytes),
            Guest::step("(call $deep (i32.const 1))")
                .more("(func $deep (param i32) (result i32) (i32.add (call $deep (local.get 0)) (i32.const 1)))"),
        ),
        cpu(
            "mutual-recursion",
            "two functions call each other without end",
            Limit(StackBytes),
            Guest::step("(call $a (i32.const 1))").more(
                "(func $a (param i32) (result i32) (i32.add (call $b (local.get 0)) (i32.const 1)))
                 (func $b (param i32) (result i32) (i32.mul (call $a (local.get 0)) (i32.const 3)))",
            ),
        ),
        cpu(
            "recursion-through-a-table",
            "calls itself without end through a table",
            Limit(StackBytes),
            Guest::step("(call $deep (i32.const 1))").more(
                "(type $f (func (param i32) (result i32)))
                 (table funcref (elem $deep))
                 (func $deep (type $f)
                   (i32.add (call_indirect (type $f) (local.get 0) (i32.const 0)) (i32.const 1)))",
            ),
        ),
        cpu(
            "wide-frames",
            "calls itself without end with a frame of a thousand results",
            Limit(StackBytes),
            Guest::step("(call $deep) drop ".to_owned() + &"drop ".repeat(899) + "unreachable").more(format!(
                "(func $deep (result {}) (call $deep))",
                "i64 ".repeat(900)
            )),
        ),
        cpu(
            "exponential",
            "computes Fibonacci numbers the slow way",
            Limit(WallMs),
            Guest::step("(drop (call $fib (i32.const 60))) unreachable").more(
                "(func $fib (param $n i32) (result i32)
                   (if (result i32) (i32.lt_u (local.get $n) (i32.const 2)) (then (i32.const 1))
                     (else (i32.add (call $fib (i32.sub (local.get $n) (i32.const 1)))
                                    (call $fib (i32.sub (local.get $n) (i32.const 2)))))))",
            ),
        )
        .slow(),
        cpu(
            "regex-bomb",
            "matches (a*)*b against a text of a alone, by backtracking",
            Limit(WallMs),
            // `$star` takes one or more a's as one round of the outer star, then goes on or wants the b.
            Guest::step("(call $number (call $star @\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"))").more(
                "(func $star (param $p i32) (param $n i32) (result i32) (local $took i32)
                   (loop $longer
                     (local.set $took (i32.add (local.get $took) (i32.const 1)))
                     (if (i32.gt_u (local.get $took) (local.get $n))
                       (then (return (if (result i32) (local.get $n) (then (i32.eq (i32.load8_u (local.get $p)) (i32.const 98))) (else (i32.const 0))))))
                     (if (i32.ne (i32.load8_u (i32.add (local.get $p) (i32.sub (local.get $took) (i32.const 1)))) (i32.const 97))
                       (then (return (i32.const 0))))
                     (if (call $star (i32.add (local.get $p) (local.get $took)) (i32.sub (local.get $n) (local.get $took)))
                       (then (return (i32.const 1))))
                     (br $longer))
                   unreachable)",
            ),
        )
        .slow(),
        cpu(
            "fills-memory-for-ever",
            "memory.fill of 32 MiB, again and again",
            Limit(WallMs),
            Guest::step(
                "(drop (memory.grow (i32.const 510)))
                 (loop $l (memory.fill (i32.const 0x20000) (i32.const 7) (i32.const 0x1f00000)) (br $l)) unreachable",
            ),
        )
        .slow(),
        cpu(
            "copies-memory-for-ever",
            "memory.copy of 16 MiB over itself, again and again",
            Limit(WallMs),
            Guest::step(
                "(drop (memory.grow (i32.const 510)))
                 (loop $l (memory.copy (i32.const 0x20001) (i32.const 0x20000) (i32.const 0x1000000)) (br $l)) unreachable",
            ),
        )
        .slow(),
        cpu(
            "copies-tables-for-ever",
            "table.fill and table.copy of all elements, again and again",
            Limit(WallMs),
            Guest::step(
                "(loop $l
                   (table.fill $t (i32.const 0) (ref.null func) (i32.const 10000))
                   (table.copy $t $t (i32.const 1) (i32.const 0) (i32.const 9999)) (br $l)) unreachable",
            )
            .more("(table $t 10000 funcref)"),
        )
        .slow(),
        cpu(
            "giant-br-table",
            "jumps for ever through a table of 50,000 targets",
            Limit(WallMs),
            Guest::step(format!(
                "(loop $l (block $out (br_table {} (local.get $i)))
                   (local.set $i (i32.add (local.get $i) (i32.const 1))) (br $l)) unreachable",
                "$l $out ".repeat(25_000)
            )),
        )
        .slow(),
        smuggled(Class::Cpu, "loop-in-start", "loops for ever when it is instantiated", "`wall_ms`", {
            Guest::step("unreachable").more("(start $begin) (func $begin (loop $l (br $l)))")
        })
        .slow(),
        smuggled(Class::Cpu, "loop-in-describe", "loops for ever when asked what it is", "`wall_ms`", {
            Guest::step("unreachable").with(|guest| guest.before_describe = "(loop $l (br $l))".to_owned())
        })
        .slow(),
        smuggled(Class::Cpu, "recursion-in-describe", "calls itself without end when asked what it is", "`stack_bytes`", {
            Guest::step("unreachable")
                .more("(func $deep (param i32) (result i32) (i32.add (call $deep (local.get 0)) (i32.const 1)))")
                .with(|guest| guest.before_describe = "(drop (call $deep (i32.const 0)))".to_owned())
        })
        .slow(),
        cpu(
            "loop-in-realloc",
            "loops for ever when the host asks for room for its arguments",
            Limit(WallMs),
            Guest::step("unreachable").realloc("(loop $l (br $l)) unreachable"),
        )
        .slow(),
        cpu(
            "loop-in-post-return",
            "answers, then loops for ever when the host gives its answer back",
            Limit(WallMs),
            Guest::step("(call $answer @\"{}\")").with(|guest| guest.post_return = Some("(loop $l (br $l))".to_owned())),
        )
        .slow(),
        cpu(
            "storm-of-host-calls",
            "asks the host for a key that is not there, for ever",
            Limit(WallMs),
            Guest::step("(loop $l (call $kv_get @\"k\" (i32.const 0x340)) (br $l)) unreachable").asks(Asks::Kv(100)),
        )
        .grant(&json!({"kv_bytes": 100}))
        .slow(),
        cpu(
            "storm-of-signatures",
            "has the host sign a megabyte, for ever",
            Limit(WallMs),
            Guest::step(
                "(loop $l (global.set $heap (i32.const 0x120000))
                   (call $hmac @\"token\" (i32.const 1) (i32.const 0x20000) (i32.const 0x100000) (i32.const 0x340))
                   (br $l)) unreachable",
            )
            .pages("40")
            .asks(Asks::Secret("token")),
        )
        .grant(&json!({"secrets": [{"name": "token"}]}))
        .slow(),
        cpu(
            "sleeps-for-ever",
            "waits for the longest time that the clock knows",
            Limit(WallMs),
            Guest::step("(call $block (call $sleep (i64.const -1))) unreachable"),
        )
        .slow(),
        cpu(
            "polls-half-a-million",
            "polls one sleeping clock under half a million names, for ever",
            Limit(Handles),
            Guest::step(
                "(local.set $h (call $sleep (i64.const -1)))
                 (loop $l
                   (i32.store (i32.add (i32.const 0x20000) (i32.mul (local.get $i) (i32.const 4))) (local.get $h))
                   (local.set $i (i32.add (local.get $i) (i32.const 1)))
                   (br_if $l (i32.lt_u (local.get $i) (i32.const 500000))))
                 (call $poll (i32.const 0x20000) (i32.const 500000) (i32.const 0x340)) unreachable",
            )
            .pages("64"),
        ),
        cpu(
            "polls-nothing",
            "polls an empty list, which would wait for ever",
            Fault("empty"),
            Guest::step("(call $poll (i32.const 0x20000) (i32.const 0) (i32.const 0x340)) unreachable"),
        ),
        smuggled(
            Class::Cpu,
            "waits-for-a-wake-up",
            "waits on an atomic that nobody else can reach",
            "threads support is not enabled",
            Guest::step("(drop (memory.atomic.wait32 (i32.const 0x340) (i32.const 0) (i64.const -1))) unreachable"),
        ),
        cpu("unreachable", "stops with a fault", Fault("unreachable"), Guest::step("unreachable")),
        cpu(
            "divides-by-zero",
            "divides by zero",
            Fault("divide by zero"),
            Guest::step("(i32.div_u (i32.const 1) (local.get $i))"),
        ),
        cpu(
            "calls-nothing",
            "calls an empty place of a table",
            Fault("uninitialized element"),
            Guest::step("(call_indirect (type $f) (i32.const 3)) unreachable")
                .more("(type $f (func)) (table 10 funcref)"),
        ),
        cpu(
            "calls-another-type",
            "calls a function under another type",
            Fault("indirect call type mismatch"),
            Guest::step("(call_indirect (type $f) (i64.const 7) (i32.const 0)) unreachable")
                .more("(type $f (func (param i64))) (table funcref (elem $g)) (func $g (param f32))"),
        ),
    ]
}
