//! What one call leaves must not reach the next. These entries are single
//! calls; tests/isolation.rs puts them one after another in the same places.

use huiyin_sandbox::Called;
use serde_json::json;

use super::{answered, of};
use crate::case::Expect::{Harmless, Told};
use crate::case::{Case, Class};
use huiyin_guests::{Asks, Guest};

/// The marks that a guest leaves; as text no honest memory holds them.
pub const MARK: u64 = 0x5ec2_e7ed_c0de_feed;

/// Looks through everything that a fresh instance has; then, told by the
/// first byte of its input (after the quote), leaves marks all over it.
/// Answers 0, or the number of the first thing that was not as it should be.
pub fn rummager() -> Guest {
    let mark = MARK.cast_signed();
    Guest::step(format!(
        "(local $mark i64)
         (local.set $mark (i64.const {mark}))
         (local.set $k (i32.load8_u (i32.add (local.get $in_p) (i32.const 1))))
         ;; 1: a global has its first value.
         (if (i64.ne (global.get $g) (i64.const 77)) (then (return (call $number (i32.const 1)))))
         ;; 2: so have tables.
         (if (i32.eqz (ref.is_null (table.get $t (i32.const 5)))) (then (return (call $number (i32.const 2)))))
         (if (ref.is_null (table.get $t (i32.const 0))) (then (return (call $number (i32.const 2)))))
         (if (i32.ne (table.size $t) (i32.const 10)) (then (return (call $number (i32.const 2)))))
         ;; 3: data and elements that were dropped are there again.
         (memory.init $passive (i32.const 0x300) (i32.const 0) (i32.const 4))
         (table.init $t $again (i32.const 1) (i32.const 0) (i32.const 1))
         ;; 4: its own image is as it was written.
         (if (i32.ne (i32.load (i32.const 0x8000)) (i32.const 0x676e6f73)) (then (return (call $number (i32.const 4)))))
         ;; 5: memory is as large as declared, and empty but for the image and the arguments.
         (if (i32.ne (memory.size) (i32.const 96)) (then (return (call $number (i32.const 5)))))
         (local.set $p (i32.const 0x40000))
         (loop $look
           (if (i64.ne (i64.load (local.get $p)) (i64.const 0)) (then (return (call $number (i32.const 5)))))
           (local.set $p (i32.add (local.get $p) (i32.const 8)))
           (br_if $look (i32.lt_u (local.get $p) (i32.const 0x600000))))
         ;; 6: what grows is empty, too.
         (drop (memory.grow (i32.const 16)))
         (local.set $p (i32.const 0x600000))
         (loop $look
           (if (i64.ne (i64.load (local.get $p)) (i64.const 0)) (then (return (call $number (i32.const 6)))))
           (local.set $p (i32.add (local.get $p) (i32.const 8)))
           (br_if $look (i32.lt_u (local.get $p) (i32.const 0x700000))))
         ;; 7: new elements of a table are empty.
         (drop (table.grow $t (ref.null func) (i32.const 500)))
         (local.set $i (i32.const 10))
         (loop $look
           (if (i32.eqz (ref.is_null (table.get $t (local.get $i)))) (then (return (call $number (i32.const 7)))))
           (local.set $i (i32.add (local.get $i) (i32.const 1)))
           (br_if $look (i32.lt_u (local.get $i) (i32.const 510))))
         ;; Now leave marks.
         (global.set $g (local.get $mark))
         (table.fill $t (i32.const 0) (ref.func $some) (i32.const 510))
         (data.drop $passive) (elem.drop $again)
         (i32.store (i32.const 0x8000) (i32.const 0))
         (local.set $p (i32.const 0x40000))
         (loop $leave
           (i64.store (local.get $p) (local.get $mark))
           (local.set $p (i32.add (local.get $p) (i32.const 8)))
           (br_if $leave (i32.lt_u (local.get $p) (i32.const 0x700000))))
         ;; And end as told: trap, loop for ever, or answer.
         (if (i32.eq (local.get $k) (i32.const 116)) (then unreachable))
         (if (i32.eq (local.get $k) (i32.const 108)) (then (loop $ever (br $ever))))
         (call $number (i32.const 0))"
    ))
    .pages("96")
    .more(
        "(global $g (mut i64) (i64.const 77))
         (table $t 10 funcref)
         (elem (table $t) (i32.const 0) func $some)
         (elem $again func $some)
         (data (i32.const 0x8000) \"song\")
         (data $passive \"pass\")
         (func $some)",
    )
}

/// The same code in a module that differs, so that it gets a place of its own choice.
pub fn other_rummager(number: usize) -> Guest {
    rummager().name(&format!("rummager-{number}"))
}

pub(super) fn cases() -> Vec<Case> {
    let clean = |called: &Called| answered(called, &json!(0));
    vec![
        of(
            Class::Isolation,
            "rummages-and-leaves-marks",
            "looks through its memory, tables and globals for what others left, then leaves marks all over",
            Harmless("there is nothing", clean),
            rummager(),
        )
        .input("\"answer\"")
        .slow(),
        of(
            Class::Isolation,
            "forges-a-placeholder",
            "sends a placeholder for a secret that it made up",
            Harmless("it goes out as the text it is", |called: &Called| answered(called, &json!(200))),
            Guest::step(
                "(local.set $h (call $fields))
                 (call $append (local.get $h) @\"x-token\" @\"huiyin-secret-00000000000000000000000000000000\" (i32.const 0x340))
                 (call $told (call $go (call $open (local.get $h) @in @\"/\")))",
            )
            .asks(Asks::Http)
            .asks(Asks::Secret("token")),
        )
        .server(crate::servers::Behaviour::Fine),
        of(
            Class::Isolation,
            "reads-another-units-keys",
            "asks for the keys that other units and plugins keep",
            Told("nothing there"),
            Guest::step(
                "(call $kv_get @\"440100/k\" (i32.const 0x340))
                 (if (i32.load8_u (i32.const 0x340)) (then (return (call $fail (i32.const 3) @\"denied\"))))
                 (if (i32.load8_u (i32.const 0x344)) (then (return (call $answer @\"1\"))))
                 (call $kv_get @\"../honest-keeper/k\" (i32.const 0x340))
                 (if (i32.load8_u (i32.const 0x344)) (then (return (call $answer @\"1\"))))
                 (call $fail (i32.const 2) @\"nothing there\")",
            )
            .asks(Asks::Kv(100)),
        )
        .grant(&json!({"kv_bytes": 100})),
    ]
}
