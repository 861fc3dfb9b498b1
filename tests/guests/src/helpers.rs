//! Functions that guests share: answering, failing, and sending a request.

/// Name and text. A helper stands after those that it calls.
const ALL: [(&str, &str); 7] = [
    (
        "$answer",
        // `result::ok` of a text.
        "(func $answer (param $p i32) (param $n i32) (result i32)
           (i32.store (i32.const 0x100) (i32.const 0)) (i32.store (i32.const 0x104) (local.get $p))
           (i32.store (i32.const 0x108) (local.get $n)) (i32.const 0x100))",
    ),
    (
        "$fail",
        // `result::err` of the contract's error of this case with a text.
        "(func $fail (param $case i32) (param $p i32) (param $n i32) (result i32)
           (i32.store (i32.const 0x100) (i32.const 1)) (i32.store (i32.const 0x104) (local.get $case))
           (i32.store (i32.const 0x108) (local.get $p)) (i32.store (i32.const 0x10c) (local.get $n))
           (i32.const 0x100))",
    ),
    (
        "$number",
        // The answer of a number of up to nine digits, as JSON.
        "(func $number (param $x i32) (result i32) (local $at i32)
           (local.set $at (i32.const 0x220))
           (loop $digit
             (local.set $at (i32.sub (local.get $at) (i32.const 1)))
             (i32.store8 (local.get $at) (i32.add (i32.const 48) (i32.rem_u (local.get $x) (i32.const 10))))
             (local.set $x (i32.div_u (local.get $x) (i32.const 10)))
             (br_if $digit (local.get $x)))
           (call $answer (local.get $at) (i32.sub (i32.const 0x220) (local.get $at))))",
    ),
    (
        "$open",
        // A request with these fields to this place and path; 0 when the host refuses a part.
        "(global $method (mut i32) (i32.const 0))
         (global $https (mut i32) (i32.const 0))
         (func $open (param $f i32) (param $a i32) (param $an i32) (param $p i32) (param $pn i32) (result i32)
           (local $r i32)
           (local.set $r (call $request (local.get $f)))
           (drop (call $set_method (local.get $r) (global.get $method) (i32.const 0) (i32.const 0)))
           (drop (call $set_scheme (local.get $r) (i32.const 1) (global.get $https) (i32.const 0) (i32.const 0)))
           (if (call $set_authority (local.get $r) (i32.const 1) (local.get $a) (local.get $an)) (then (return (i32.const 0))))
           (if (call $set_path (local.get $r) (i32.const 1) (local.get $p) (local.get $pn)) (then (return (i32.const 0))))
           (local.get $r))",
    ),
    (
        "$go",
        // Sends it and reads the whole answer; its status, or less than 0 when there is none.
        "(func $go (param $r i32) (result i32) (local $f i32) (local $s i32)
           (call $handle (local.get $r) (i32.const 0) (i32.const 0) (i32.const 0x340))
           (if (i32.load8_u (i32.const 0x340)) (then (return (i32.const -1))))
           (local.set $f (i32.load (i32.const 0x348)))
           (call $block (call $subscribe (local.get $f)))
           (call $get (local.get $f) (i32.const 0x340))
           (if (i32.load8_u (i32.const 0x350)) (then (return (i32.const -2))))
           (local.set $f (i32.load (i32.const 0x358)))
           (local.set $s (call $status (local.get $f)))
           (call $consume (local.get $f) (i32.const 0x340))
           (call $stream (i32.load (i32.const 0x344)) (i32.const 0x340))
           (local.set $f (i32.load (i32.const 0x344)))
           (block $end (loop $on
             (call $read (local.get $f) (i64.const 4096) (i32.const 0x340))
             (br_if $end (i32.load8_u (i32.const 0x340)))
             (global.set $heap (i32.const 0x20000))
             (br $on)))
           (if (i32.eqz (i32.load8_u (i32.const 0x344))) (then (return (i32.const -3))))
           (local.get $s))",
    ),
    (
        "$told",
        // The answer to a status: itself, or the guest's own error.
        "(func $told (param $s i32) (result i32)
           (if (i32.eq (local.get $s) (i32.const -1)) (then (return (call $fail (i32.const 0) @\"the host would not send it\"))))
           (if (i32.eq (local.get $s) (i32.const -2)) (then (return (call $fail (i32.const 0) @\"no answer came\"))))
           (if (i32.eq (local.get $s) (i32.const -3)) (then (return (call $fail (i32.const 4) @\"the answer broke off\"))))
           (call $number (local.get $s)))",
    ),
    (
        "$visit",
        // A request to this place and path, and what came of it.
        "(func $visit (param $a i32) (param $an i32) (param $p i32) (param $pn i32) (result i32) (local $r i32)
           (local.set $r (call $open (call $fields) (local.get $a) (local.get $an) (local.get $p) (local.get $pn)))
           (if (i32.eqz (local.get $r)) (then (return (call $fail (i32.const 2) @\"the host knows no such place\"))))
           (call $told (call $go (local.get $r))))",
    ),
];

/// Whether the code holds the name, and not only as the beginning of another.
pub(super) fn names(code: &str, name: &str) -> bool {
    code.match_indices(name)
        .any(|(at, _)| !code[at + name.len()..].starts_with(|next: char| next.is_ascii_alphanumeric() || next == '_'))
}

/// The helpers that the code calls, with those that they call.
pub(super) fn used<'a>(code: impl IntoIterator<Item = &'a str>) -> String {
    let mut all: String = code.into_iter().collect();
    let mut taken = String::new();
    for (name, text) in ALL.iter().rev() {
        if names(&all, name) {
            all.push_str(text);
            taken.push_str(text);
            taken.push('\n');
        }
    }
    taken
}
