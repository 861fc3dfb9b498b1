//! Requests to where a plugin may not, and servers that mean harm to a plugin
//! that may.

use std::io::Write as _;
use std::sync::LazyLock;
use std::time::Duration;

use huiyin_sandbox::Called;
use huiyin_sandbox::LimitName::{DecodeRatio, HeaderBytes, HttpRequests, RequestBytes, ResponseBytes, WallMs};
use serde_json::json;

use super::{answered, of};
use crate::case::Expect::{Denied, DeniedAfter, Fault, Harmless, Limit, Told};
use crate::case::{Case, Class, Expect};
use crate::servers::Behaviour;
use crate::servers::Behaviour::{Drips, Fine, HangsUp, Pours, Says, ShutsAtOnce, Silent};
use huiyin_guests::{Asks, Guest};

fn egress(name: &'static str, does: &'static str, expect: Expect, guest: Guest) -> Case {
    of(Class::Egress, name, does, expect, guest.asks(Asks::Http))
}

/// Asks the place of its input for this path.
fn visits(path: &str) -> Guest {
    Guest::step(format!("(call $visit @in @\"{path}\")"))
}

/// The same with code that sets a header before, `$h` being the fields.
fn with_header(name: &str, value: &str) -> Guest {
    Guest::step(format!(
        "(local.set $h (call $fields))
         (call $append (local.get $h) @\"{name}\" @\"{value}\" (i32.const 0x340))
         (if (i32.load8_u (i32.const 0x340)) (then (return (call $fail (i32.const 2) @\"the host refuses the header\"))))
         (call $told (call $go (call $open (local.get $h) @in @\"/\")))"
    ))
}

/// A header that the host refuses.
fn header(name: &'static str, does: &'static str, field: &str, value: &str) -> Case {
    egress(name, does, Told("refuses the header"), with_header(field, value)).server(Fine)
}

/// A path that does not lie below `/api`, which is all that is granted.
fn below_api(name: &'static str, does: &'static str, words: &'static str, path: &str) -> Case {
    egress(name, does, Denied(words), visits(path))
        .server(Fine)
        .grant(&json!({"http": [{"origin": "http://*:*", "path_prefix": "/api"}], "allow_addresses": ["127.0.0.1/32"]}))
}

/// A plain request to a server that behaves like this.
fn answered_by(name: &'static str, does: &'static str, expect: Expect, behaviour: Behaviour) -> Case {
    egress(name, does, expect, visits("/")).server(behaviour)
}

/// A name that leads inward; a server listens where it leads at first.
fn named(name: &'static str, does: &'static str, expect: Expect, of: &str, guest: Guest) -> Case {
    egress(name, does, expect, guest).server(Fine).asks_for(of)
}

/// Asks the place of its input by a method of this number in `wasi:http`.
fn by_method(method: u32) -> Guest {
    Guest::step(format!(
        "(global.set $method (i32.const {method})) (call $told (call $go (call $open (call $fields) @in @\"/\")))"
    ))
}

/// Asks the place of its input twice.
fn visits_again() -> Guest {
    Guest::step(
        "(local.set $n (call $go (call $open (call $fields) @in @\"/\")))
         (if (i32.ne (local.get $n) (i32.const 200)) (then (return (call $told (local.get $n)))))
         (call $visit @in @\"/latest/meta-data\")",
    )
}

/// Asks for the placeholder of the secret `token`; it then stands at 0x344.
const TAKES_SECRET: &str = "
    (call $secret @\"token\" (i32.const 0x340))
    (if (i32.load8_u (i32.const 0x340)) (then (return (call $fail (i32.const 2) @\"no secret\"))))";

/// Sends a body: `$h` the request, `$k` the body, `$n` its stream.
fn with_body(before: &str, write: &str) -> Guest {
    Guest::step(format!(
        "(local.set $p (call $fields))
         {before}
         (global.set $method (i32.const 2))
         (local.set $h (call $open (local.get $p) @in @\"/\"))
         (call $body (local.get $h) (i32.const 0x340))
         (local.set $k (i32.load (i32.const 0x344)))
         (call $body_stream (local.get $k) (i32.const 0x340))
         (local.set $n (i32.load (i32.const 0x344)))
         (call $handle (local.get $h) (i32.const 0) (i32.const 0) (i32.const 0x340))
         (if (i32.load8_u (i32.const 0x340)) (then (return (call $fail (i32.const 0) @\"the host would not send it\"))))
         (local.set $j (i32.load (i32.const 0x348)))
         {write}"
    ))
    .pages("20")
}

/// Reading an answer in `$j` to its end.
const READ: &str = "
    (call $block (call $subscribe (local.get $j)))
    (call $get (local.get $j) (i32.const 0x340))
    (if (i32.load8_u (i32.const 0x350)) (then (return (call $fail (i32.const 4) @\"no answer came\"))))
    (call $number (call $status (i32.load (i32.const 0x358))))";

fn status(wanted: u32) -> impl Fn(&Called) -> Result<(), String> {
    move |called| answered(called, &json!(wanted))
}

/// 8 MiB of zeros as gzip, which makes 8 KiB of them.
fn bomb() -> &'static [u8] {
    static BOMB: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let mut answer = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n".to_vec();
        let mut encoder = flate2::write::GzEncoder::new(&mut answer, flate2::Compression::best());
        let written = encoder.write_all(&vec![0; 8 << 20]).and_then(|()| encoder.try_finish());
        drop(encoder);
        // Writing to memory does not fail; if it did, the case would.
        if written.is_err() {
            answer.clear();
        }
        answer
    });
    &BOMB
}

pub(super) fn cases() -> Vec<Case> {
    vec![
        egress("ungranted", "asks a place that nobody granted", Denied("an admin adds this grant"), visits("/"))
            .server(Fine)
            .grant(&json!({})),
        egress(
            "loopback-granted-by-name-only",
            "asks a granted place on loopback whose address nobody granted",
            Denied("not public (loopback)"),
            visits("/"),
        )
        .server(Fine)
        .grant(&json!({"http": [{"origin": "http://*:*"}]})),
        egress("another-port", "asks another port than the granted one", Denied("an admin adds this grant"), visits("/"))
            .server(Fine)
            .grant(&json!({"http": [{"origin": "http://127.0.0.1:1"}], "allow_addresses": ["127.0.0.1/32"]})),
        egress("another-method", "sends DELETE where GET is granted", Denied("an admin adds this grant"), by_method(4))
        .server(Fine)
        .grant(&json!({"http": [{"origin": "http://*:*", "methods": ["GET"]}], "allow_addresses": ["127.0.0.1/32"]})),
        egress("connect", "sends CONNECT, to make a tunnel of the host", Denied("no CONNECT"), by_method(5)).server(Fine),
        egress("trace", "sends TRACE, to see the host's headers", Denied("no TRACE"), by_method(7)).server(Fine),
        egress("another-scheme", "asks for TLS where plain HTTP is granted", Denied("an admin adds this grant"), {
            Guest::step("(global.set $https (i32.const 1)) (call $visit @in @\"/\")")
                .asks(Asks::HttpTo("https://*:*".to_owned(), vec![], "/"))
        })
        .server(Fine),
        egress("file-scheme", "asks for file:///etc/passwd", Told("would not send"), {
            Guest::step(
                "(local.set $h (call $request (call $fields)))
                 (drop (call $set_scheme (local.get $h) (i32.const 1) (i32.const 2) @\"file\"))
                 (drop (call $set_path (local.get $h) (i32.const 1) @\"/etc/passwd\"))
                 (call $told (call $go (local.get $h)))",
            )
        }),
        egress("not-asked-for", "asks what its own manifest does not ask for", Denied("manifest does not ask"), {
            Guest::step("(global.set $https (i32.const 1)) (call $visit @in @\"/\")")
        })
        .server(Fine)
        .grant(&json!({"http": [{"origin": "https://*:*"}], "allow_addresses": ["127.0.0.1/32"]})),
        below_api("path-above", "asks /apix where /api is granted", "an admin adds this grant", "/apix"),
        below_api("path-traversal", "asks /api/../secret where /api is granted", "dot segments", "/api/../secret"),
        below_api(
            "path-traversal-encoded",
            "asks /api/%2e%2E/secret where /api is granted",
            "dot segments",
            "/api/%2e%2E/secret",
        ),
        below_api(
            "path-traversal-encoded-slash",
            "asks /api/..%2fsecret where /api is granted",
            "was denied",
            "/api/x%2f..%2fsecret",
        ),
        egress(
            "path-traversal-backslash",
            "asks /api\\..\\secret where /api is granted",
            Denied("backslashes"),
            visits("/api\\..\\secret"),
        )
        .server(Fine),
        egress("crlf-in-path", "puts a second request behind a line break in its path", Told("no such place"), {
            visits("/a HTTP/1.1\\r\\nhost: other\\r\\n\\r\\nGET /b")
        })
        .server(Fine),
        header("crlf-in-header", "puts a second header behind a line break in a value", "x-a", "b\\r\\nhost: other"),
        header(
            "crlf-in-header-name",
            "puts a second header behind a line break in a name",
            "x-a: b\\r\\nhost",
            "other",
        ),
        header("zero-in-header", "puts a zero byte into a header", "x-a", "a\\0b"),
        header("own-host", "sets the Host header", "Host", "other"),
        header("own-connection", "sets the Connection header", "connection", "upgrade"),
        header(
            "own-transfer-coding",
            "sets Transfer-Encoding, to smuggle a request",
            "Transfer-Encoding",
            "chunked",
        ),
        header("own-forwarded", "says that it comes from elsewhere", "x-forwarded-for", "8.8.8.8"),
        header("own-proxy-authorization", "speaks to the proxy", "proxy-authorization", "Basic eDp5"),
        header("upgrade", "asks for another protocol", "upgrade", "websocket"),
        egress("huge-header-sent", "sends a header of 30 KiB to a server that wants none", Harmless("it is sent", |called| {
            status(200)(called)
        }), {
            Guest::step(
                "(memory.fill (i32.const 0x30000) (i32.const 0x61) (i32.const 30000))
                 (local.set $h (call $fields))
                 (call $append (local.get $h) @\"x-a\" (i32.const 0x30000) (i32.const 30000) (i32.const 0x340))
                 (call $told (call $go (call $open (local.get $h) @in @\"/\")))",
            )
        })
        .server(Fine),
        egress("too-many-requests", "sends requests for ever", Limit(HttpRequests), {
            Guest::step(
                "(loop $ever
                   (global.set $heap (i32.const 0x20000))
                   (local.set $n (call $go (call $open (call $fields) @in @\"/\")))
                   (if (i32.lt_s (local.get $n) (i32.const 0)) (then (return (call $told (local.get $n)))))
                   (br $ever)) unreachable",
            )
        })
        .server(Fine)
        .limits(|limits| {
            limits.wall_ms = 10_000;
            limits.http_requests = 3;
        }),
        egress("forged-content-length", "says a length and sends less", Told("no answer"), {
            with_body(
                "(call $append (local.get $p) @\"content-length\" @\"1000\" (i32.const 0x340))",
                &format!(
                    "(call $write (local.get $n) @\"short\" (i32.const 0x340))
                     (call $drop_output (local.get $n))
                     (call $finish (local.get $k) (i32.const 0) (i32.const 0) (i32.const 0x340))
                     {READ}"
                ),
            )
        })
        // One that answers before it has the body would make this a race.
        .server(Silent),
        egress("body-without-end", "sends a body for ever", Limit(RequestBytes), {
            with_body(
                "",
                "(loop $ever
                   (call $write (local.get $n) (i32.const 0x20000) (i32.const 4096) (i32.const 0x340))
                   (if (i32.load8_u (i32.const 0x340)) (then (return (call $fail (i32.const 4) @\"the body broke off\"))))
                   (br $ever)) unreachable",
            )
        })
        .server(Silent)
        .limits(|limits| {
            limits.wall_ms = 10_000;
            limits.request_bytes = 100_000;
        }),
        egress("secret-not-granted", "asks for a secret that nobody granted", Denied("token"), {
            Guest::step(format!("{TAKES_SECRET} (call $answer @\"1\")"))
            .asks(Asks::Secret("token"))
        }),
        egress("secret-not-asked-for", "asks for a secret that its manifest does not name", Denied("manifest does not"), {
            Guest::step(format!("{TAKES_SECRET} (call $answer @\"1\")"))
        })
        .grant(&json!({"secrets": [{"name": "token"}]})),
        egress("secret-to-elsewhere", "sends a secret to a place that it is not for", Denied("token"), {
            Guest::step(format!(
                "{TAKES_SECRET}
                 (local.set $h (call $fields))
                 (call $append (local.get $h) @\"x-token\" (i32.load (i32.const 0x344)) (i32.load (i32.const 0x348)) (i32.const 0x360))
                 (call $told (call $go (call $open (local.get $h) @in @\"/\")))"
            ))
            .asks(Asks::Secret("token"))
        })
        .server(Fine)
        .grant(&json!({
            "http": [{"origin": "http://*:*"}], "allow_addresses": ["127.0.0.1/32"],
            "secrets": [{"name": "token", "hosts": ["https://api.example.cn"]}],
        })),
        egress("redirected-inward", "is sent on to an address inside and follows", DeniedAfter("not public (loopback)"), {
            // The answer says 127.0.0.2; that is where the guest asks next.
            Guest::step(
                "(local.set $n (call $go (call $open (call $fields) @in @\"/\")))
                 (if (i32.ne (local.get $n) (i32.const 302)) (then (return (call $told (local.get $n)))))
                 (call $visit @\"127.0.0.2:80\" @\"/latest/meta-data\")",
            )
        })
        .server(Says(b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.2:80/latest/meta-data\r\ncontent-length: 0\r\n\r\n")),
        named(
            "name-that-leads-inward",
            "asks a granted name whose address nobody granted",
            Denied("at 127.0.0.2 was denied: the address is not public (loopback)"),
            "inward",
            visits("/"),
        ),
        named(
            "one-inward-address-among-two",
            "asks a name that has a public address and one inside",
            Denied("at 127.0.0.2 was denied: the address is not public (loopback)"),
            "mixed",
            visits("/"),
        ),
        named(
            "rebinding",
            "asks a name that leads to a granted place, then again, when it leads to the machine next door",
            DeniedAfter("at 127.0.0.2 was denied: the address is not public (loopback)"),
            "rebound",
            visits_again(),
        ),
        named(
            "rebinding-to-metadata",
            "asks a name that leads to a granted place, then again, when it leads to a cloud's metadata",
            DeniedAfter("at 169.254.169.254 was denied: "),
            "rebound-to-metadata",
            visits_again(),
        ),
        answered_by("silent-server", "waits for a server that never answers", Limit(WallMs), Silent).slow(),
        answered_by("slow-headers", "reads a head that comes a byte at a time", Limit(WallMs), Drips(b"HTTP/1.1 200 OK\r\n", b"x", Duration::from_millis(20)))
            .slow(),
        answered_by("slow-body", "reads a body that comes a byte at a time", Limit(WallMs), Drips(b"HTTP/1.1 200 OK\r\n\r\n", b"x", Duration::from_millis(20)))
            .slow(),
        answered_by("endless-headers", "reads a head without end", Limit(HeaderBytes), Pours(b"HTTP/1.1 200 OK\r\n", b"x-a: b\r\n"))
            .limits(|limits| limits.wall_ms = 10_000),
        answered_by("endless-header-line", "reads a header line without end", Limit(HeaderBytes), Pours(b"HTTP/1.1 200 OK\r\nx-a: ", b"bbbbbbbb"))
            .limits(|limits| limits.wall_ms = 10_000),
        answered_by("endless-interim-answers", "reads `100 Continue` without end", Limit(WallMs), Pours(b"", b"HTTP/1.1 100 Continue\r\n\r\n"))
            .slow(),
        answered_by("endless-body", "reads a body without end", Limit(ResponseBytes), Pours(b"HTTP/1.1 200 OK\r\n\r\n", b"xxxxxxxx"))
            .limits(|limits| {
                limits.wall_ms = 10_000;
                limits.response_bytes = 50_000;
            }),
        answered_by("gzip-bomb", "reads an answer that decompresses to a thousand times its size", Limit(DecodeRatio), Says(bomb()))
            .limits(|limits| limits.wall_ms = 10_000),
        answered_by("endless-chunks", "reads chunks of one byte without end", Limit(ResponseBytes), Pours(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", b"1\r\nx\r\n"))
            .limits(|limits| {
                limits.wall_ms = 10_000;
                limits.response_bytes = 200;
            }),
        answered_by("chunk-of-2-to-the-64", "reads a chunk whose size is no number of 64 bits", Told("broke off"), Says(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\nx")),
        answered_by("chunk-extension-without-end", "reads a chunk extension without end", Told("broke off"), Pours(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;", b"aaaaaaaa")),
        answered_by("trailers-without-end", "reads trailers without end", Told("broke off"), Pours(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n", b"x-a: b\r\n")),
        answered_by("two-lengths", "reads an answer of two lengths", Told("no answer"), Says(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nhi!")),
        answered_by("length-too-large", "reads an answer of a length beyond all bounds", Limit(HeaderBytes), Says(b"HTTP/1.1 200 OK\r\ncontent-length: 18446744073709551615\r\n\r\nhi")),
        answered_by("not-http", "reads an answer that is no HTTP", Told("no answer"), Says(b"SSH-2.0-OpenSSH_9.6\r\n")),
        answered_by("http-0-9", "reads an answer without a head", Told("no answer"), Says(b"<html>hi</html>")),
        answered_by("hangs-up", "asks a server that hangs up", Told("no answer"), HangsUp),
        answered_by("shuts-at-once", "asks a server that shuts at once", Told("no answer"), ShutsAtOnce),
        egress("switches-protocol", "is told to switch the protocol", Harmless("it gets the status and nothing more", |called| status(101)(called)), visits("/"))
            .server(Says(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\nraw bytes")),
        egress("sends-one-request-twice", "sends a request that it has sent", Fault("handle"), {
            Guest::step(
                "(local.set $h (call $open (call $fields) @in @\"/\"))
                 (call $handle (local.get $h) (i32.const 0) (i32.const 0) (i32.const 0x340))
                 (call $handle (local.get $h) (i32.const 0) (i32.const 0) (i32.const 0x340)) unreachable",
            )
        })
        .server(Fine),
    ]
}
