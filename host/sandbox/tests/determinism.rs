//! Rule 10: what a pure guest can see is the same on any machine, in any
//! instance, on any thread, under any load.

// Clippy's settings for tests do not reach helper functions of integration tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use huiyin_sandbox::{CallError, LimitName, Limits, Operation, Output, PoolConfig, Sandbox, SandboxConfig};
use support::{context, sandbox, step_with};

/// Writes `count` bytes from 0x300 on as hexadecimal digits in quotes to 0x2000.
const HEX: &str = r"
  (func $digit (param $n i32) (result i32)
    (i32.add (local.get $n) (select (i32.const 87) (i32.const 48) (i32.gt_u (local.get $n) (i32.const 9)))))
  (func $hex (param $count i32)
    (local $i i32) (local $b i32)
    (i32.store8 (i32.const 0x2000) (i32.const 34))
    (block $done (loop $next
      (br_if $done (i32.ge_u (local.get $i) (local.get $count)))
      (local.set $b (i32.load8_u offset=0x300 (local.get $i)))
      (i32.store8 offset=0x2001 (i32.shl (local.get $i) (i32.const 1)) (call $digit (i32.shr_u (local.get $b) (i32.const 4))))
      (i32.store8 offset=0x2002 (i32.shl (local.get $i) (i32.const 1)) (call $digit (i32.and (local.get $b) (i32.const 15))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br $next)))
    (i32.store8 offset=0x2001 (i32.shl (local.get $count) (i32.const 1)) (i32.const 34)))";

/// A step that leaves `count` bytes at 0x300 and answers with them.
fn guest(count: usize, body: &str) -> Vec<u8> {
    let length = count * 2 + 2;
    let answer = format!("(call $answer (i32.const 0x2000) (i32.const {length}))");
    step_with(HEX, format!("{body} (call $hex (i32.const {count})) {answer}"))
}

fn operation() -> Operation {
    Operation::Run { config: "{}".into(), input: "1".into() }
}

fn bytes(output: Output) -> Vec<u8> {
    let Output::Json(serde_json::Value::String(text)) = output else { panic!("{output:?}") };
    hex::decode(text).unwrap()
}

/// The bytes of a guest: fresh, reused, on four threads at once and in a sandbox of its own, they are one and the same.
fn everywhere(guest: &[u8]) -> Vec<u8> {
    let sandbox = sandbox();
    let package = sandbox.load(guest).unwrap();
    let mut warm = sandbox.warm(&package).unwrap();
    let first = bytes(warm.call(&context(), &operation(), &Limits::default()).unwrap());
    for _ in 0..100 {
        assert_eq!(bytes(warm.call(&context(), &operation(), &Limits::default()).unwrap()), first);
    }
    assert_eq!(warm.instances(), 1);
    assert_eq!(fresh(guest), first);
    first
}

/// The same for a guest that is not the same after a call, and so is never used again.
fn fresh(guest: &[u8]) -> Vec<u8> {
    let sandbox = sandbox();
    let package = sandbox.load(guest).unwrap();
    let call = || bytes(sandbox.call_pure(&package, &context(), &operation(), &Limits::default()).unwrap());
    let first = call();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..250).for_each(|_| assert_eq!(call(), first)));
        }
    });
    // Another engine: no pools, and instructions counted.
    let pool = PoolConfig { pooling: false, ..PoolConfig::default() };
    let other = Sandbox::new(SandboxConfig { fuel: true, pool, ..SandboxConfig::default() }).unwrap();
    let package = other.load(guest).unwrap();
    assert_eq!(bytes(other.call_pure(&package, &context(), &operation(), &Limits::default()).unwrap()), first);
    first
}

#[test]
fn nan_has_one_form_whatever_made_it() {
    // Payloads and signs go in; arithmetic gives the canonical NaN, positive and quiet.
    let strange = "(f64.reinterpret_i64 (i64.const 0xfff4_dead_beef_1234))";
    let strange32 = "(f32.reinterpret_i32 (i32.const 0xffa5_1234))";
    let doubles = [
        format!("(f64.add {strange} (f64.const 1))"),
        format!("(f64.mul (f64.const -1) {strange})"),
        format!("(f64.min {strange} (f64.const 1))"),
        format!("(f64.max (f64.const 0) {strange})"),
        format!("(f64.sqrt {strange})"),
        format!("(f64.nearest {strange})"),
        "(f64.div (f64.const 0) (f64.const 0))".to_owned(),
        "(f64.sub (f64.const inf) (f64.const inf))".to_owned(),
        "(f64.sqrt (f64.const -1))".to_owned(),
        format!("(f64.promote_f32 {strange32})"),
    ];
    let singles = [
        format!("(f32.add {strange32} (f32.const 1))"),
        format!("(f32.demote_f64 {strange})"),
        "(f32.div (f32.const 0) (f32.const 0))".to_owned(),
        format!("(f32.ceil {strange32})"),
    ];
    let vectors = [
        format!("(f64x2.add (f64x2.splat {strange}) (f64x2.splat (f64.const 1)))"),
        format!("(f64x2.sqrt (f64x2.splat {strange}))"),
        format!("(f64x2.min (f64x2.splat {strange}) (f64x2.splat (f64.const 1)))"),
    ];
    let mut body = String::new();
    let mut at = 0;
    for double in &doubles {
        body.push_str(&format!("(f64.store offset={at} (i32.const 0x300) {double})"));
        at += 8;
    }
    for vector in &vectors {
        body.push_str(&format!("(v128.store offset={at} (i32.const 0x300) {vector})"));
        at += 16;
    }
    let wide = at;
    for single in &singles {
        body.push_str(&format!("(f32.store offset={at} (i32.const 0x300) {single})"));
        at += 4;
    }
    let found = everywhere(&guest(at, &body));
    for (n, eight) in found[..wide].chunks(8).enumerate() {
        assert_eq!(u64::from_le_bytes(eight.try_into().unwrap()), 0x7ff8_0000_0000_0000, "double {n}");
    }
    for (n, four) in found[wide..].chunks(4).enumerate() {
        assert_eq!(u32::from_le_bytes(four.try_into().unwrap()), 0x7fc0_0000, "single {n}");
    }
}

#[test]
fn moving_a_nan_about_keeps_its_bits() {
    // No arithmetic: a plugin's own data passes through unchanged.
    let body = "(f64.store (i32.const 0x300) (f64.neg (f64.reinterpret_i64 (i64.const 0x7ff4_dead_beef_1234))))
                (f64.store (i32.const 0x308) (f64.abs (f64.reinterpret_i64 (i64.const 0xfff4_dead_beef_1234))))";
    let found = everywhere(&guest(16, body));
    assert_eq!(u64::from_le_bytes(found[..8].try_into().unwrap()), 0xfff4_dead_beef_1234);
    assert_eq!(u64::from_le_bytes(found[8..].try_into().unwrap()), 0x7ff4_dead_beef_1234);
}

#[test]
fn relaxed_instructions_are_not() {
    // Each is allowed to differ between processors; the deterministic profile of the
    // relaxed-simd proposal settles it.
    let fused = "(f64x2.relaxed_madd (f64x2.splat (f64.const 0x1.0000000000001p+0)) (f64x2.splat (f64.const 0x1.0000000000001p+0)) (f64x2.splat (f64.const -0x1.0000000000002p+0)))";
    let ops = [
        fused.to_owned(),
        "(i8x16.relaxed_swizzle (i8x16.splat (i32.const 7)) (i8x16.splat (i32.const 0x85)))".to_owned(),
        "(i8x16.relaxed_swizzle (i8x16.splat (i32.const 7)) (i8x16.splat (i32.const 0x15)))".to_owned(),
        "(i32x4.relaxed_trunc_f32x4_s (f32x4.splat (f32.const nan)))".to_owned(),
        "(i32x4.relaxed_trunc_f32x4_s (f32x4.splat (f32.const 3e10)))".to_owned(),
        "(i32x4.relaxed_trunc_f32x4_u (f32x4.splat (f32.const -5)))".to_owned(),
        "(i32x4.relaxed_laneselect (i32x4.splat (i32.const -1)) (i32x4.splat (i32.const 0)) (i32x4.splat (i32.const 0x0f0f)))".to_owned(),
        "(f32x4.relaxed_min (f32x4.splat (f32.const nan)) (f32x4.splat (f32.const 1)))".to_owned(),
        "(f64x2.relaxed_max (f64x2.splat (f64.const -0)) (f64x2.splat (f64.const 0)))".to_owned(),
        "(i16x8.relaxed_q15mulr_s (i16x8.splat (i32.const -32768)) (i16x8.splat (i32.const -32768)))".to_owned(),
        "(i16x8.relaxed_dot_i8x16_i7x16_s (i8x16.splat (i32.const -128)) (i8x16.splat (i32.const 127)))".to_owned(),
    ];
    let body: String = ops
        .iter()
        .enumerate()
        .map(|(n, op)| format!("(v128.store offset={} (i32.const 0x300) {op})", n * 16))
        .collect();
    let found = everywhere(&guest(ops.len() * 16, &body));
    let lane = |n: usize| &found[n * 16..n * 16 + 16];
    let int = |n: usize| i32::from_le_bytes(lane(n)[..4].try_into().unwrap());
    // One rounding: 2^-104 is left. With two there would be 0.
    assert_eq!(u64::from_le_bytes(lane(0)[..8].try_into().unwrap()), 2_f64.powi(-104).to_bits());
    assert_eq!(lane(1), [0; 16]);
    assert_eq!(lane(2), [0; 16]);
    assert_eq!(int(3), 0);
    assert_eq!(int(4), i32::MAX);
    assert_eq!(int(5), 0);
    assert_eq!(int(6), 0x0f0f);
    assert_eq!(int(7), 0x7fc0_0000);
    assert_eq!(f64::from_le_bytes(lane(8)[..8].try_into().unwrap()).to_bits(), 0);
    assert_eq!(i16::from_le_bytes(lane(9)[..2].try_into().unwrap()), i16::MAX);
    assert_eq!(i16::from_le_bytes(lane(10)[..2].try_into().unwrap()), -128 * 127 * 2);
}

#[test]
fn a_memory_grows_the_same_everywhere_or_the_call_ends() {
    // Grows by 1 MiB until it may not: by its own declared maximum, −1 is the answer.
    let grow = "
        (block $done (loop $next
          (br_if $done (i32.eq (local.get $i) (i32.const 40)))
          (i32.store (i32.add (i32.const 0x300) (i32.shl (local.get $i) (i32.const 2))) (memory.grow (i32.const 16)))
          (local.set $i (i32.add (local.get $i) (i32.const 1)))
          (br $next)))";
    let grown = fresh(&guest(160, grow));
    let sizes: Vec<i32> = grown.chunks(4).map(|four| i32::from_le_bytes(four.try_into().unwrap())).collect();
    assert_eq!(sizes, (0..40).map(|n| 4 + n * 16).collect::<Vec<_>>());

    // At the limit the call ends; no −1 tells the guest of it.
    let sandbox = sandbox();
    let package = sandbox.load(&guest(160, grow)).unwrap();
    let limits = Limits { memory_bytes: 20 << 20, ..Limits::default() };
    let error = sandbox.call_pure(&package, &context(), &operation(), &limits).unwrap_err();
    assert_eq!(error.limit(), Some(LimitName::MemoryBytes));

    // Nor does one tell it that this host has less to give than the limit allows.
    for pooling in [true, false] {
        let pool = PoolConfig { memory_bytes: 16 << 20, instances: 1, pooling };
        let small = Sandbox::new(SandboxConfig { pool, ..SandboxConfig::default() }).unwrap();
        let package = small.load(&guest(160, grow)).unwrap();
        match small.call_pure(&package, &context(), &operation(), &Limits::default()) {
            Ok(output) => assert_eq!(bytes(output), grown),
            Err(error) => assert!(matches!(error, CallError::Host { .. }), "{error}"),
        }
        if pooling && small.pooled() {
            let error = small.call_pure(&package, &context(), &operation(), &Limits::default()).unwrap_err();
            assert!(error.to_string().contains("could not give the plugin the memory"), "{error}");
        }
    }
}

#[test]
fn the_same_call_burns_the_same_fuel() {
    let work = "
        (loop $next
          (f64.store (i32.const 0x300) (f64.add (f64.load (i32.const 0x300)) (f64.const 0.1)))
          (local.set $i (i32.add (local.get $i) (i32.const 1)))
          (br_if $next (i32.lt_u (local.get $i) (i32.const 10000))))";
    let guest = guest(8, work);
    let enough = |sandbox: &Sandbox, package: &huiyin_sandbox::Package, fuel: u64| {
        let limits = Limits { fuel: Some(fuel), ..Limits::default() };
        match sandbox.call_pure(package, &context(), &operation(), &limits) {
            Ok(_) => true,
            Err(error) => {
                assert_eq!(error.limit(), Some(LimitName::Fuel));
                false
            }
        }
    };
    let least = |sandbox: &Sandbox, package: &huiyin_sandbox::Package| {
        let (mut no, mut yes) = (0, 1 << 30);
        while yes - no > 1 {
            let middle = no + (yes - no) / 2;
            if enough(sandbox, package, middle) { yes = middle } else { no = middle }
        }
        yes
    };
    let counting = || Sandbox::new(SandboxConfig { fuel: true, ..SandboxConfig::default() }).unwrap();
    let first = counting();
    let package = first.load(&guest).unwrap();
    let fuel = least(&first, &package);
    assert!(fuel > 10_000, "{fuel}");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..250 {
                    assert!(enough(&first, &package, fuel));
                    assert!(!enough(&first, &package, fuel - 1));
                }
            });
        }
    });
    let other = counting();
    let package = other.load(&guest).unwrap();
    assert_eq!(least(&other, &package), fuel);
}
