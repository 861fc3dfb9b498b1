//! The names of the API's own headers.

/// The header that names who asks: `person:<id>` or `admin:<name>`, in UTF-8 as
/// it is or percent-encoded.
pub const ACTOR_HEADER: &str = "huiyin-actor";

/// The header under which a request is asked once: a text of the asker's choice, in quotes or
/// without (draft-ietf-httpapi-idempotency-key-header).
pub const KEY_HEADER: &str = "idempotency-key";
