//! The host's functions as a core module sees them after the canonical ABI.

const LOG: &str = "huiyin:plugin/log@0.1.0";
const SECRETS: &str = "huiyin:plugin/secrets@0.1.0";
const KV: &str = "huiyin:plugin/kv@0.1.0";
const SPOOL: &str = "huiyin:plugin/spool@0.1.0";
const TYPES: &str = "wasi:http/types@0.2.0";
const HANDLER: &str = "wasi:http/outgoing-handler@0.2.0";
const POLL: &str = "wasi:io/poll@0.2.0";
const STREAMS: &str = "wasi:io/streams@0.2.0";
const CLOCK: &str = "wasi:clocks/monotonic-clock@0.2.0";
const WALL_CLOCK: &str = "wasi:clocks/wall-clock@0.2.0";

/// The guest's name for it, where it is, its name there, and its type.
const ALL: [(&str, &str, &str, &str); 37] = [
    ("$log", LOG, "write", "(param i32 i32 i32)"),
    ("$secret", SECRETS, "placeholder", "(param i32 i32 i32)"),
    ("$hmac", SECRETS, "hmac", "(param i32 i32 i32 i32 i32 i32)"),
    ("$kv_get", KV, "get", "(param i32 i32 i32)"),
    ("$kv_set", KV, "compare-and-set", "(param i32 i32 i32 i32 i32 i32 i32 i32 i32)"),
    ("$put", SPOOL, "put", "(param i32 i32 i32 i32 i32)"),
    ("$fields", TYPES, "[constructor]fields", "(result i32)"),
    ("$append", TYPES, "[method]fields.append", "(param i32 i32 i32 i32 i32 i32)"),
    ("$drop_fields", TYPES, "[resource-drop]fields", "(param i32)"),
    ("$options", TYPES, "[constructor]request-options", "(result i32)"),
    ("$first_byte", TYPES, "[method]request-options.set-first-byte-timeout", "(param i32 i32 i64) (result i32)"),
    ("$request", TYPES, "[constructor]outgoing-request", "(param i32) (result i32)"),
    ("$drop_request", TYPES, "[resource-drop]outgoing-request", "(param i32)"),
    ("$set_method", TYPES, "[method]outgoing-request.set-method", "(param i32 i32 i32 i32) (result i32)"),
    ("$set_path", TYPES, "[method]outgoing-request.set-path-with-query", "(param i32 i32 i32 i32) (result i32)"),
    ("$set_scheme", TYPES, "[method]outgoing-request.set-scheme", "(param i32 i32 i32 i32 i32) (result i32)"),
    ("$set_authority", TYPES, "[method]outgoing-request.set-authority", "(param i32 i32 i32 i32) (result i32)"),
    ("$body", TYPES, "[method]outgoing-request.body", "(param i32 i32)"),
    ("$body_stream", TYPES, "[method]outgoing-body.write", "(param i32 i32)"),
    ("$finish", TYPES, "[static]outgoing-body.finish", "(param i32 i32 i32 i32)"),
    ("$status", TYPES, "[method]incoming-response.status", "(param i32) (result i32)"),
    ("$consume", TYPES, "[method]incoming-response.consume", "(param i32 i32)"),
    ("$stream", TYPES, "[method]incoming-body.stream", "(param i32 i32)"),
    ("$subscribe", TYPES, "[method]future-incoming-response.subscribe", "(param i32) (result i32)"),
    ("$get", TYPES, "[method]future-incoming-response.get", "(param i32 i32)"),
    ("$drop_future", TYPES, "[resource-drop]future-incoming-response", "(param i32)"),
    ("$handle", HANDLER, "handle", "(param i32 i32 i32 i32)"),
    ("$block", POLL, "[method]pollable.block", "(param i32)"),
    ("$poll", POLL, "poll", "(param i32 i32 i32)"),
    ("$read", STREAMS, "[method]input-stream.blocking-read", "(param i32 i64 i32)"),
    ("$write", STREAMS, "[method]output-stream.blocking-write-and-flush", "(param i32 i32 i32 i32)"),
    ("$try_write", STREAMS, "[method]output-stream.write", "(param i32 i32 i32 i32)"),
    ("$drop_output", STREAMS, "[resource-drop]output-stream", "(param i32)"),
    ("$wall_clock", WALL_CLOCK, "now", "(param i32)"),
    ("$ticks", CLOCK, "now", "(result i64)"),
    ("$sleep_until", CLOCK, "subscribe-instant", "(param i64) (result i32)"),
    ("$sleep", CLOCK, "subscribe-duration", "(param i64) (result i32)"),
];

/// Declarations of those that the code calls.
pub(super) fn used(code: &[&String]) -> String {
    ALL.iter()
        .filter(|(name, ..)| code.iter().any(|code| super::helpers::names(code, name)))
        .map(|(name, place, function, kind)| format!("(import \"{place}\" \"{function}\" (func {name} {kind}))\n"))
        .collect()
}
