//! Requests that may be sent: where to, how, on which paths. Pure decisions on
//! parsed values; nothing here reads a URL.

use http::Method;
use serde::{Deserialize, Serialize};

use super::{GrantError, HttpAsk, OriginPattern};

/// Requests that may be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RawHttpGrant")]
pub struct HttpGrant {
    /// Where to.
    origin: OriginPattern,
    /// With these methods; empty for all.
    methods: Vec<String>,
    /// On paths at or below this one, in whole segments.
    path_prefix: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawHttpGrant {
    /// Read as a pattern here, so that an error says which field it is.
    origin: OriginPattern,
    #[serde(default)]
    methods: Vec<MethodName>,
    #[serde(default)]
    path_prefix: PathPrefix,
}

#[derive(Deserialize)]
#[serde(try_from = "String")]
struct MethodName(String);

impl TryFrom<String> for MethodName {
    type Error = GrantError;

    fn try_from(method: String) -> Result<Self, GrantError> {
        if is_method(&method) { Ok(Self(method)) } else { Err(GrantError::Method(method.escape_debug().to_string())) }
    }
}

#[derive(Deserialize)]
#[serde(try_from = "String")]
struct PathPrefix(String);

impl Default for PathPrefix {
    fn default() -> Self {
        Self("/".to_owned())
    }
}

impl TryFrom<String> for PathPrefix {
    type Error = GrantError;

    fn try_from(prefix: String) -> Result<Self, GrantError> {
        let prefix = if prefix.is_empty() { "/".to_owned() } else { prefix };
        if !prefix.starts_with('/') || prefix.contains(['%', '\\', '?', '#']) || has_dots(&prefix) {
            return Err(GrantError::PathPrefix(prefix.escape_debug().to_string()));
        }
        Ok(Self(prefix))
    }
}

impl TryFrom<RawHttpGrant> for HttpGrant {
    type Error = GrantError;

    fn try_from(raw: RawHttpGrant) -> Result<Self, GrantError> {
        let methods = raw.methods.into_iter().map(|method| method.0).collect();
        Ok(Self { origin: raw.origin, methods, path_prefix: raw.path_prefix.0 })
    }
}

impl HttpGrant {
    /// Checks and takes the three parts.
    pub fn parse(origin: &str, methods: &[String], path_prefix: &str) -> Result<Self, GrantError> {
        let methods = methods.iter().cloned().map(MethodName::try_from).collect::<Result<_, _>>()?;
        RawHttpGrant { origin: origin.parse()?, methods, path_prefix: path_prefix.to_owned().try_into()? }.try_into()
    }

    /// Every request to what the pattern covers.
    pub(super) fn all_of(origin: OriginPattern) -> Self {
        Self { origin, methods: Vec::new(), path_prefix: "/".to_owned() }
    }

    /// Where to.
    pub fn origin(&self) -> &OriginPattern {
        &self.origin
    }

    /// Whether the request is one of these.
    pub fn covers(&self, request: &HttpAsk) -> bool {
        self.origin.covers(&request.origin)
            && (self.methods.is_empty() || self.methods.contains(&request.method))
            && path_within(&request.path, &self.path_prefix)
    }

    /// What both cover.
    pub(super) fn intersect(&self, other: &Self) -> Option<Self> {
        let origin = self.origin.intersect(&other.origin)?;
        let mut methods = match (self.methods.as_slice(), other.methods.as_slice()) {
            ([], methods) | (methods, []) => methods.to_vec(),
            (mine, theirs) => {
                let both: Vec<_> = mine.iter().filter(|m| theirs.contains(m)).cloned().collect();
                if both.is_empty() {
                    return None;
                }
                both
            }
        };
        methods.sort_unstable();
        methods.dedup();
        let path_prefix = if path_within(&self.path_prefix, &other.path_prefix) {
            self.path_prefix.clone()
        } else if path_within(&other.path_prefix, &self.path_prefix) {
            other.path_prefix.clone()
        } else {
            return None;
        };
        Some(Self { origin, methods, path_prefix })
    }

    /// Whether this one allows all that the other does.
    pub(super) fn includes(&self, other: &Self) -> bool {
        self.origin.includes(&other.origin)
            && (self.methods.is_empty()
                || (!other.methods.is_empty() && other.methods.iter().all(|m| self.methods.contains(m))))
            && path_within(&other.path_prefix, &self.path_prefix)
    }
}

/// A method that a grant can name: letters in upper case.
pub(super) fn is_method(method: &str) -> bool {
    !method.is_empty()
        && method.bytes().all(|byte| byte.is_ascii_uppercase())
        && Method::from_bytes(method.as_bytes()).is_ok()
}

/// Whether a path lies at or below a prefix, in whole segments.
fn path_within(path: &str, prefix: &str) -> bool {
    if prefix == "/" {
        return path.starts_with('/');
    }
    match path.strip_prefix(prefix) {
        Some(rest) => {
            (rest.is_empty() || rest.starts_with('/') || prefix.ends_with('/'))
                // An encoded slash could leave the prefix on the server's side.
                && !has_hidden_slash(rest)
        }
        None => false,
    }
}

/// Whether a path holds a `.` or `..` segment, plain or percent-encoded
/// (RFC 3986 §5.2.4) however often, or with parameters behind it, which some
/// servers leave out first (`..;x`).
pub(super) fn has_dots(path: &str) -> bool {
    let Some(path) = decoded(path) else { return true };
    path.split(|byte| matches!(byte, b'/' | b'\\')).any(|segment| {
        let name = segment.split(|byte| *byte == b';').next().unwrap_or_default();
        matches!(name, b"." | b"..")
    })
}

/// Whether a path holds a slash that only decoding shows.
fn has_hidden_slash(path: &str) -> bool {
    let slashes = |bytes: &[u8]| bytes.iter().filter(|byte| matches!(byte, b'/' | b'\\')).count();
    decoded(path).is_none_or(|whole| slashes(&whole) != slashes(path.as_bytes()))
}

/// How often a path may be percent-encoded: servers behind servers decode once each.
const LAYERS: usize = 4;

/// The path with everything decoded; none where it is encoded more often than
/// anybody means well by.
fn decoded(path: &str) -> Option<Vec<u8>> {
    let mut now = path.as_bytes().to_vec();
    for _ in 0..=LAYERS {
        let next: Vec<u8> = percent_encoding::percent_decode(&now).collect();
        if next == now {
            return Some(now);
        }
        now = next;
    }
    None
}

/// The smallest prefix worth granting for a path: its folder.
pub(super) fn folder_of(path: &str) -> &str {
    if path.contains(['%', '?', '#']) || path.len() > 200 {
        return "/";
    }
    match path.rfind('/') {
        Some(0) | None => "/",
        Some(end) => &path[..end],
    }
}
