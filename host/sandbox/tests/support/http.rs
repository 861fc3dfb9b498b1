//! A step that sends HTTP requests through `wasi:http@0.2`, and a server on
//! loopback that notes what it hears.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use huiyin_sandbox::Kind;
use wit_component::{StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use super::{Asks, Data, Says, contract, module};

/// What the guest sends.
#[derive(Clone)]
pub struct Sends {
    pub https: bool,
    pub authority: String,
    pub path: String,
    /// A header of its own.
    pub header: Option<(&'static str, &'static str)>,
    /// Put the placeholder of this secret into the header `x-token`.
    pub secret: Option<&'static str>,
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
            gives_body: false,
            traps: false,
            times: 1,
            asks: vec![Asks::Http("http://*:*".into(), vec!["GET"], "/")],
        }
    }
}

/// The part of `wasi:http@0.2` that the guest uses.
const WASI: [(&str, &str); 2] = [
    (
        "io.wit",
        "package wasi:io@0.2.0;
        interface error { resource error; }
        interface poll { resource pollable { block: func(); } }
        interface streams {
            use error.{error};
            variant stream-error { last-operation-failed(error), closed }
            resource input-stream { blocking-read: func(len: u64) -> result<list<u8>, stream-error>; }
        }",
    ),
    (
        "http.wit",
        "package wasi:http@0.2.0;
        interface types {
            use wasi:io/poll@0.2.0.{pollable};
            use wasi:io/streams@0.2.0.{input-stream};
            variant method { get, head, post, put, delete, connect, options, trace, patch, other(string) }
            variant scheme { HTTP, HTTPS, other(string) }
            record DNS-error-payload { rcode: option<string>, info-code: option<u16> }
            record TLS-alert-received-payload { alert-id: option<u8>, alert-message: option<string> }
            record field-size-payload { field-name: option<string>, field-size: option<u32> }
            variant error-code {
                DNS-timeout, DNS-error(DNS-error-payload), destination-not-found, destination-unavailable,
                destination-IP-prohibited, destination-IP-unroutable, connection-refused, connection-terminated,
                connection-timeout, connection-read-timeout, connection-write-timeout, connection-limit-reached,
                TLS-protocol-error, TLS-certificate-error, TLS-alert-received(TLS-alert-received-payload),
                HTTP-request-denied, HTTP-request-length-required, HTTP-request-body-size(option<u64>),
                HTTP-request-method-invalid, HTTP-request-URI-invalid, HTTP-request-URI-too-long,
                HTTP-request-header-section-size(option<u32>), HTTP-request-header-size(option<field-size-payload>),
                HTTP-request-trailer-section-size(option<u32>), HTTP-request-trailer-size(field-size-payload),
                HTTP-response-incomplete, HTTP-response-header-section-size(option<u32>),
                HTTP-response-header-size(field-size-payload), HTTP-response-body-size(option<u64>),
                HTTP-response-trailer-section-size(option<u32>), HTTP-response-trailer-size(field-size-payload),
                HTTP-response-transfer-coding(option<string>), HTTP-response-content-coding(option<string>),
                HTTP-response-timeout, HTTP-upgrade-failed, HTTP-protocol-error, loop-detected,
                configuration-error, internal-error(option<string>)
            }
            variant header-error { invalid-syntax, forbidden, immutable }
            resource fields { constructor(); append: func(name: string, value: list<u8>) -> result<_, header-error>; }
            resource request-options { constructor(); }
            resource outgoing-request {
                constructor(headers: fields);
                set-path-with-query: func(path: option<string>) -> result;
                set-scheme: func(scheme: option<scheme>) -> result;
                set-authority: func(authority: option<string>) -> result;
            }
            resource incoming-body { %stream: func() -> result<input-stream>; }
            resource incoming-response { status: func() -> u16; consume: func() -> result<incoming-body>; }
            resource future-incoming-response {
                subscribe: func() -> pollable;
                get: func() -> option<result<result<incoming-response, error-code>>>;
            }
        }
        interface outgoing-handler {
            use types.{outgoing-request, request-options, future-incoming-response, error-code};
            handle: func(request: outgoing-request, options: option<request-options>)
                -> result<future-incoming-response, error-code>;
        }",
    ),
];

const IMPORTS: &str = r#"
  (import "wasi:http/types@0.2.0" "[constructor]fields" (func $fields (result i32)))
  (import "wasi:http/types@0.2.0" "[method]fields.append" (func $append (param i32 i32 i32 i32 i32 i32)))
  (import "wasi:http/types@0.2.0" "[constructor]outgoing-request" (func $request (param i32) (result i32)))
  (import "wasi:http/types@0.2.0" "[method]outgoing-request.set-path-with-query" (func $set-path (param i32 i32 i32 i32) (result i32)))
  (import "wasi:http/types@0.2.0" "[method]outgoing-request.set-scheme" (func $set-scheme (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi:http/types@0.2.0" "[method]outgoing-request.set-authority" (func $set-authority (param i32 i32 i32 i32) (result i32)))
  (import "wasi:http/types@0.2.0" "[method]future-incoming-response.subscribe" (func $subscribe (param i32) (result i32)))
  (import "wasi:http/types@0.2.0" "[method]future-incoming-response.get" (func $get (param i32 i32)))
  (import "wasi:http/types@0.2.0" "[method]incoming-response.status" (func $status (param i32) (result i32)))
  (import "wasi:http/types@0.2.0" "[method]incoming-response.consume" (func $consume (param i32 i32)))
  (import "wasi:http/types@0.2.0" "[method]incoming-body.stream" (func $stream (param i32 i32)))
  (import "wasi:http/outgoing-handler@0.2.0" "handle" (func $handle (param i32 i32 i32 i32)))
  (import "wasi:io/poll@0.2.0" "[method]pollable.block" (func $block (param i32)))
  (import "wasi:io/streams@0.2.0" "[method]input-stream.blocking-read" (func $read (param i32 i64 i32)))
  (import "huiyin:plugin/secrets@0.1.0" "placeholder" (func $placeholder (param i32 i32 i32)))
"#;

/// The package of a step that sends it, reads the whole answer and gives the
/// status; any failure is `transient`, a header that is refused a fault.
pub fn package(sends: &Sends) -> Vec<u8> {
    let mut data = Data::new();
    let (authority, authority_n) = data.text(&sends.authority);
    let (path, path_n) = data.text(&sends.path);
    let (failed, failed_n) = data.text("the request failed");
    let scheme = u32::from(sends.https);
    let times = sends.times;
    let append = "(call $append (local.get $fields)";
    let checked = "(i32.const 0x340)) (if (i32.load8_u (i32.const 0x340)) (then unreachable))";
    let mut headers = String::new();
    if let Some((name, value)) = sends.header {
        let (name, name_n) = data.text(name);
        let (value, value_n) = data.text(value);
        headers += &format!(
            "{append} (i32.const {name}) (i32.const {name_n}) (i32.const {value}) (i32.const {value_n}) {checked}"
        );
    }
    if let Some(secret) = sends.secret {
        let (secret, secret_n) = data.text(secret);
        let (name, name_n) = data.text("x-token");
        headers += &format!(
            "(call $placeholder (i32.const {secret}) (i32.const {secret_n}) (i32.const 0x340))
             (if (i32.load8_u (i32.const 0x340)) (then (return (call $fail))))
             (local.set $p (i32.load (i32.const 0x344))) (local.set $n (i32.load (i32.const 0x348)))
             {append} (i32.const {name}) (i32.const {name_n}) (local.get $p) (local.get $n) {checked}"
        );
    }
    let trap = if sends.traps { "unreachable" } else { "" };
    let more = format!(
        "(func $fail (result i32)
           {trap}
           (i32.store (i32.const 0x100) (i32.const 1)) (i32.store (i32.const 0x104) (i32.const 0))
           (i32.store (i32.const 0x108) (i32.const {failed})) (i32.store (i32.const 0x10c) (i32.const {failed_n}))
           (i32.const 0x100))"
    );
    let end = if sends.gives_body {
        super::ok_text("(i32.const 0x8000)", "(local.get $body_n)")
    } else {
        super::ok_text("(i32.const 0x200)", "(i32.const 3)")
    };
    let body = format!(
        "(local $body_n i32) (local $fields i32) (local $req i32) (local $future i32) (local $answer i32) (local $s i32)
         (local $p i32) (local $n i32) (local $left i32)
         (local.set $left (i32.const {times}))
         (loop $again
           (local.set $fields (call $fields))
           {headers}
           (local.set $req (call $request (local.get $fields)))
           (drop (call $set-scheme (local.get $req) (i32.const 1) (i32.const {scheme}) (i32.const 0) (i32.const 0)))
           (drop (call $set-authority (local.get $req) (i32.const 1) (i32.const {authority}) (i32.const {authority_n})))
           (drop (call $set-path (local.get $req) (i32.const 1) (i32.const {path}) (i32.const {path_n})))
           (call $handle (local.get $req) (i32.const 0) (i32.const 0) (i32.const 0x340))
           (if (i32.load8_u (i32.const 0x340)) (then (return (call $fail))))
           (local.set $future (i32.load (i32.const 0x348)))
           (call $block (call $subscribe (local.get $future)))
           (call $get (local.get $future) (i32.const 0x340))
           (if (i32.load8_u (i32.const 0x350)) (then (return (call $fail))))
           (local.set $answer (i32.load (i32.const 0x358)))
           (local.set $s (call $status (local.get $answer)))
           (call $consume (local.get $answer) (i32.const 0x340))
           (call $stream (i32.load (i32.const 0x344)) (i32.const 0x340))
           (local.set $p (i32.load (i32.const 0x344)))
           (block $end (loop $on
             (call $read (local.get $p) (i64.const 65536) (i32.const 0x340))
             (br_if $end (i32.load8_u (i32.const 0x340)))
             (if (i32.lt_u (i32.add (local.get $body_n) (i32.load (i32.const 0x348))) (i32.const 0x10000)) (then
               (memory.copy (i32.add (i32.const 0x8000) (local.get $body_n))
                 (i32.load (i32.const 0x344)) (i32.load (i32.const 0x348)))
               (local.set $body_n (i32.add (local.get $body_n) (i32.load (i32.const 0x348))))))
             (br $on)))
           (if (i32.eqz (i32.load8_u (i32.const 0x344))) (then (return (call $fail))))
           (local.set $left (i32.sub (local.get $left) (i32.const 1)))
           (br_if $again (local.get $left)))
         (i32.store8 (i32.const 0x200) (i32.add (i32.const 48) (i32.div_u (local.get $s) (i32.const 100))))
         (i32.store8 (i32.const 0x201) (i32.add (i32.const 48) (i32.rem_u (i32.div_u (local.get $s) (i32.const 10)) (i32.const 10))))
         (i32.store8 (i32.const 0x202) (i32.add (i32.const 48) (i32.rem_u (local.get $s) (i32.const 10))))
         {end}"
    );
    let mut says = Says::new(Kind::Step);
    says.capabilities.clone_from(&sends.asks);
    let wat = module(&says, &mut data, IMPORTS, &more, &body);
    let mut resolve = Resolve::default();
    for (name, text) in WASI {
        resolve.push_str(name, text).unwrap();
    }
    resolve.push_str("plugin.wit", &contract()).unwrap();
    let world = resolve
        .push_str(
            "test.wit",
            "package test:guest;
             world sender {
               include huiyin:plugin/step-plugin@0.1.0;
               import wasi:http/outgoing-handler@0.2.0;
               import wasi:http/types@0.2.0;
               import wasi:io/poll@0.2.0;
               import wasi:io/streams@0.2.0;
             }",
        )
        .unwrap();
    let world = resolve.select_world(&[world], Some("sender")).unwrap();
    let mut wasm = wat::parse_str(&wat).unwrap();
    embed_component_metadata(&mut wasm, &resolve, world, StringEncoding::UTF8).unwrap();
    huiyin_sandbox::package::componentize(&wasm).unwrap()
}

/// A server on loopback; it notes the head of every request.
pub struct Server {
    pub address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Gives every request the same bytes and closes; none: never answers.
    pub fn start(answer: Option<Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let noted = heads.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                let (noted, answer) = (noted.clone(), answer.clone());
                std::thread::spawn(move || serve(stream, &noted, answer.as_deref()));
            }
        });
        Self { address, heads }
    }

    pub fn ok() -> Self {
        Self::start(Some(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi".to_vec()))
    }

    pub fn authority(&self) -> String {
        self.address.to_string()
    }

    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

fn serve(mut stream: TcpStream, noted: &Mutex<Vec<String>>, answer: Option<&[u8]>) {
    let mut head = Vec::new();
    let mut byte = [0_u8];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return,
        }
    }
    noted.lock().unwrap().push(String::from_utf8_lossy(&head).into_owned());
    match answer {
        Some(answer) => drop(stream.write_all(answer)),
        None => std::thread::sleep(std::time::Duration::from_secs(30)),
    }
}
