//! The interfaces that guests may import: the project's own contract, and the
//! part of `wasi:http@0.2` and its kin that they use, written down as far as
//! the types of that part go.

use huiyin_sandbox::Kind;
use wit_parser::{Resolve, WorldId};

/// The contract, as published.
const CONTRACT: &str = include_str!("../../../sdk/wit/0.1/plugin.wit");

const WASI: [(&str, &str); 3] = [
    (
        "io.wit",
        "package wasi:io@0.2.0;
        interface error { resource error; }
        interface poll {
            resource pollable { block: func(); ready: func() -> bool; }
            poll: func(%in: list<borrow<pollable>>) -> list<u32>;
        }
        interface streams {
            use error.{error};
            use poll.{pollable};
            variant stream-error { last-operation-failed(error), closed }
            resource input-stream {
                read: func(len: u64) -> result<list<u8>, stream-error>;
                blocking-read: func(len: u64) -> result<list<u8>, stream-error>;
                subscribe: func() -> pollable;
            }
            resource output-stream {
                check-write: func() -> result<u64, stream-error>;
                write: func(contents: list<u8>) -> result<_, stream-error>;
                blocking-write-and-flush: func(contents: list<u8>) -> result<_, stream-error>;
            }
        }",
    ),
    (
        "clocks.wit",
        "package wasi:clocks@0.2.0;
        interface wall-clock { record datetime { seconds: u64, nanoseconds: u32 } now: func() -> datetime; }
        interface monotonic-clock {
            use wasi:io/poll@0.2.0.{pollable};
            now: func() -> u64;
            subscribe-instant: func(when: u64) -> pollable;
            subscribe-duration: func(when: u64) -> pollable;
        }",
    ),
    (
        "http.wit",
        "package wasi:http@0.2.0;
        interface types {
            use wasi:io/poll@0.2.0.{pollable};
            use wasi:io/streams@0.2.0.{input-stream, output-stream};
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
            resource fields {
                constructor();
                append: func(name: string, value: list<u8>) -> result<_, header-error>;
            }
            type trailers = fields;
            resource request-options {
                constructor();
                set-first-byte-timeout: func(duration: option<u64>) -> result;
            }
            resource outgoing-request {
                constructor(headers: fields);
                set-method: func(method: method) -> result;
                set-path-with-query: func(path: option<string>) -> result;
                set-scheme: func(scheme: option<scheme>) -> result;
                set-authority: func(authority: option<string>) -> result;
                body: func() -> result<outgoing-body>;
            }
            resource outgoing-body {
                write: func() -> result<output-stream>;
                finish: static func(this: outgoing-body, trailers: option<trailers>) -> result<_, error-code>;
            }
            resource incoming-body { %stream: func() -> result<input-stream>; }
            resource incoming-response {
                status: func() -> u16;
                consume: func() -> result<incoming-body>;
            }
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

/// The world of a guest: its kind's, and all of the above where the kind may
/// reach outside. The encoder keeps only what the guest imports.
pub(super) fn world(kind: Kind) -> Result<(Resolve, WorldId), String> {
    let fault = |error: &dyn std::fmt::Display| error.to_string();
    let mut resolve = Resolve::default();
    for (name, text) in WASI {
        resolve.push_str(name, text).map_err(|error| fault(&error))?;
    }
    resolve.push_str("plugin.wit", CONTRACT).map_err(|error| fault(&error))?;
    let outside = if matches!(kind, Kind::Classifier | Kind::Reporter) {
        ""
    } else {
        "import wasi:http/outgoing-handler@0.2.0; import wasi:http/types@0.2.0; import wasi:io/poll@0.2.0;
         import wasi:io/streams@0.2.0; import wasi:clocks/monotonic-clock@0.2.0; import wasi:clocks/wall-clock@0.2.0;"
    };
    let kind = kind.name();
    let text = format!("package hostile:guest; world guest {{ include huiyin:plugin/{kind}-plugin@0.1.0; {outside} }}");
    let package = resolve.push_str("guest.wit", &text).map_err(|error| fault(&error))?;
    let world = resolve.select_world(&[package], Some("guest")).map_err(|error| fault(&error))?;
    Ok((resolve, world))
}
