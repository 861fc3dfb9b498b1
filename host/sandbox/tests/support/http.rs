//! A step that sends HTTP requests through `wasi:http@0.2`.

use huiyin_sandbox::Kind;

use super::{Asks, guest};

/// What the guest sends.
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
#[derive(Clone)]
pub struct Sends {
    pub https: bool,
    pub authority: String,
    pub path: String,
    /// A header of its own.
    pub header: Option<(&'static str, &'static str)>,
    /// Put the placeholder of this secret into the header `x-token`.
    pub secret: Option<&'static str>,
    /// Put it at the end of the path instead.
    pub secret_ends_path: bool,
    /// Answer with the body, up to 64 KiB of it, instead of the status.
    pub gives_body: bool,
    /// Trap where a request fails, instead of saying `transient`.
    pub traps: bool,
    /// How often.
    pub times: u32,
    pub asks: Vec<Asks>,
}

impl Sends {
    pub fn get(authority: impl Into<String>, path: &str) -> Self {
        Self {
            https: false,
            authority: authority.into(),
            path: path.to_owned(),
            header: None,
            secret: None,
            secret_ends_path: false,
            gives_body: false,
            traps: false,
            times: 1,
            asks: vec![Asks::HttpTo("http://*:*".into(), vec!["GET"], "/")],
        }
    }
}

/// The package of a step that sends it, reads the whole answer and gives the
/// status; any failure is `transient`, a header that is refused a fault.
pub fn package(sends: &Sends) -> Vec<u8> {
    let Sends { authority, path, times, .. } = sends;
    let failed =
        if sends.traps { "unreachable" } else { "(return (call $fail (i32.const 0) @\"the request failed\"))" };
    let failed_if = |at: &str| format!("(if (i32.load8_u (i32.const {at})) (then {failed}))");
    let (not_sent, no_answer) = (failed_if("0x340"), failed_if("0x350"));
    let append = |name: &str, value: &str| {
        format!(
            "(call $append (local.get $h) @\"{name}\" {value} (i32.const 0x340))
             (if (i32.load8_u (i32.const 0x340)) (then unreachable))"
        )
    };
    let header = sends.header.map(|(name, value)| append(name, &format!("@\"{value}\""))).unwrap_or_default();
    let with_path = |end: &str| format!("(drop (call $set_path (local.get $j) (i32.const 1) {end}))");
    let (place, set_path) = if sends.secret_ends_path {
        let end = 0x600 + path.len();
        (
            format!(
                "(memory.copy (i32.const 0x600) @\"{path}\")
                 (memory.copy (i32.const {end}) (local.get $p) (local.get $n))"
            ),
            with_path(&format!("(i32.const 0x600) (i32.add (i32.const {}) (local.get $n))", path.len())),
        )
    } else {
        (append("x-token", "(local.get $p) (local.get $n)"), with_path(&format!("@\"{path}\"")))
    };
    let secret = sends.secret.map(|secret| {
        format!(
            "(call $secret @\"{secret}\" (i32.const 0x340)) {not_sent}
             (local.set $p (i32.load (i32.const 0x344))) (local.set $n (i32.load (i32.const 0x348)))
             {place}"
        )
    });
    let secret = secret.unwrap_or_default();
    let https = u32::from(sends.https);
    let end = if sends.gives_body {
        "(call $answer (i32.const 0x8000) (local.get $k))"
    } else {
        "(call $number (local.get $s))"
    };
    let body = format!(
        "(local $left i32) (local $s i32)
         (local.set $left (i32.const {times}))
         (loop $again
           (local.set $h (call $fields))
           {header}
           {secret}
           (local.set $j (call $request (local.get $h)))
           (drop (call $set_scheme (local.get $j) (i32.const 1) (i32.const {https}) (i32.const 0) (i32.const 0)))
           (drop (call $set_authority (local.get $j) (i32.const 1) @\"{authority}\"))
           {set_path}
           (call $handle (local.get $j) (i32.const 0) (i32.const 0) (i32.const 0x340))
           {not_sent}
           (local.set $j (i32.load (i32.const 0x348)))
           (call $block (call $subscribe (local.get $j)))
           (call $get (local.get $j) (i32.const 0x340))
           {no_answer}
           (local.set $j (i32.load (i32.const 0x358)))
           (local.set $s (call $status (local.get $j)))
           (call $consume (local.get $j) (i32.const 0x340))
           (call $stream (i32.load (i32.const 0x344)) (i32.const 0x340))
           (local.set $p (i32.load (i32.const 0x344)))
           (block $end (loop $on
             (call $read (local.get $p) (i64.const 65536) (i32.const 0x340))
             (br_if $end (i32.load8_u (i32.const 0x340)))
             (if (i32.lt_u (i32.add (local.get $k) (i32.load (i32.const 0x348))) (i32.const 0x10000)) (then
               (memory.copy (i32.add (i32.const 0x8000) (local.get $k))
                 (i32.load (i32.const 0x344)) (i32.load (i32.const 0x348)))
               (local.set $k (i32.add (local.get $k) (i32.load (i32.const 0x348))))))
             (br $on)))
           (if (i32.eqz (i32.load8_u (i32.const 0x344))) (then {failed}))
           (local.set $left (i32.sub (local.get $left) (i32.const 1)))
           (br_if $again (local.get $left)))
         {end}"
    );
    let mut guest = guest(Kind::Step, body);
    guest.asks.clone_from(&sends.asks);
    guest.package().unwrap()
}
