//! Places in the network: patterns that grants name, and the exact places
//! requests name. Parsed strictly, so that no two readers of the same text
//! can mean two different hosts.
//!
//! Nothing here resolves names: see [`crate::egress`].

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Why a text is not an origin, and how to mend it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an origin: {why}; {hint}")]
pub struct OriginError {
    /// What was given, made printable.
    pub text: String,
    /// What is wrong.
    pub why: &'static str,
    /// How to mend it.
    pub hint: &'static str,
}

/// `http` or `https`; `smtp` or `smtps` for mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// Plain HTTP.
    Http,
    /// HTTP over TLS.
    Https,
    /// Mail over TLS that begins by STARTTLS (RFC 3207).
    Smtp,
    /// Mail over TLS from the first byte (RFC 8314).
    Smtps,
}

impl Scheme {
    /// All of them.
    pub const ALL: [Scheme; 4] = [Self::Http, Self::Https, Self::Smtp, Self::Smtps];

    /// Reads a scheme as it stands in a URL, in lower case.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scheme| scheme.as_str() == text)
    }

    /// The scheme as it stands in a URL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Smtp => "smtp",
            Self::Smtps => "smtps",
        }
    }

    /// The port meant where none is named (RFC 9110 §4.2, RFC 8314 §7).
    pub fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
            Self::Smtp => 587,
            Self::Smtps => 465,
        }
    }
}

/// An exact host: a DNS name in lower case, or an address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Host {
    /// A DNS name, without a trailing dot.
    Name(String),
    /// An address literal.
    Address(IpAddr),
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(IpAddr::V4(address)) => write!(f, "{address}"),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

/// The hosts a pattern covers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum HostPattern {
    /// Every host.
    Any,
    /// Every name below this one, but not the name itself.
    Below(String),
    /// This host only.
    Exact(Host),
}

/// The ports a pattern covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum PortPattern {
    Any,
    Exact(u16),
}

/// An exact place: scheme, host and port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    /// The scheme.
    pub scheme: Scheme,
    /// The host.
    pub host: Host,
    /// The port.
    pub port: u16,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.as_str(), self.host)?;
        if self.port != self.scheme.default_port() {
            write!(f, ":{}", self.port)?;
        }
        Ok(())
    }
}

impl Origin {
    /// From a request's scheme and authority (`host` or `host:port`).
    pub fn from_authority(scheme: Scheme, authority: &str) -> Result<Self, OriginError> {
        let fail = |why, hint| OriginError { text: printable(authority), why, hint };
        let (host, port) = split_port(authority).map_err(|(why, hint)| fail(why, hint))?;
        let port = match port {
            None => scheme.default_port(),
            Some(text) => parse_port(text).map_err(|(why, hint)| fail(why, hint))?,
        };
        let host = parse_host(host).map_err(|(why, hint)| fail(why, hint))?;
        Ok(Self { scheme, host, port })
    }
}

/// A pattern of origins: `https://news.example.cn`, `https://*.example.cn:8443`,
/// `http://*:*`. Without a port, the scheme's own is meant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OriginPattern {
    scheme: Scheme,
    host: HostPattern,
    port: PortPattern,
}

impl OriginPattern {
    /// Whether the pattern covers the place.
    pub fn covers(&self, origin: &Origin) -> bool {
        let host = match (&self.host, &origin.host) {
            (HostPattern::Any, _) => true,
            (HostPattern::Below(parent), Host::Name(name)) => is_below(name, parent),
            (HostPattern::Below(_), Host::Address(_)) => false,
            (HostPattern::Exact(mine), theirs) => mine == theirs,
        };
        let port = match self.port {
            PortPattern::Any => true,
            PortPattern::Exact(port) => port == origin.port,
        };
        self.scheme == origin.scheme && host && port
    }

    /// Every place of a scheme.
    #[must_use]
    pub fn any(scheme: Scheme) -> Self {
        Self { scheme, host: HostPattern::Any, port: PortPattern::Any }
    }

    /// Whether this one covers all that the other does.
    #[must_use]
    pub fn includes(&self, other: &Self) -> bool {
        self.intersect(other).as_ref() == Some(other)
    }

    /// What both patterns cover; none where they have nothing in common.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Option<Self> {
        if self.scheme != other.scheme {
            return None;
        }
        let host = match (&self.host, &other.host) {
            (HostPattern::Any, host) | (host, HostPattern::Any) => host.clone(),
            (HostPattern::Exact(a), HostPattern::Exact(b)) if a == b => self.host.clone(),
            (HostPattern::Exact(host), HostPattern::Below(parent))
            | (HostPattern::Below(parent), HostPattern::Exact(host)) => match host {
                Host::Name(name) if is_below(name, parent) => HostPattern::Exact(host.clone()),
                _ => return None,
            },
            (HostPattern::Below(a), HostPattern::Below(b)) => {
                if a == b || is_below(a, b) {
                    self.host.clone()
                } else if is_below(b, a) {
                    other.host.clone()
                } else {
                    return None;
                }
            }
            _ => return None,
        };
        let port = match (self.port, other.port) {
            (PortPattern::Any, port) | (port, PortPattern::Any) => port,
            (PortPattern::Exact(a), PortPattern::Exact(b)) if a == b => self.port,
            _ => return None,
        };
        Some(Self { scheme: self.scheme, host, port })
    }
}

impl From<&Origin> for OriginPattern {
    fn from(origin: &Origin) -> Self {
        Self {
            scheme: origin.scheme,
            host: HostPattern::Exact(origin.host.clone()),
            port: PortPattern::Exact(origin.port),
        }
    }
}

impl FromStr for OriginPattern {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        let fail = |(why, hint)| OriginError { text: printable(text), why, hint };
        let (scheme, rest) = if let Some(rest) = text.strip_prefix("https://") {
            (Scheme::Https, rest)
        } else if let Some(rest) = text.strip_prefix("http://") {
            (Scheme::Http, rest)
        } else if let Some(rest) = text.strip_prefix("smtps://") {
            (Scheme::Smtps, rest)
        } else if let Some(rest) = text.strip_prefix("smtp://") {
            (Scheme::Smtp, rest)
        } else {
            return Err(fail(("it does not begin with https:// or http://", "write it like https://news.example.cn")));
        };
        if rest.contains(['/', '?', '#']) {
            return Err(fail((
                "it goes on after the host",
                "put the path into `path_prefix` and end the origin after host or port",
            )));
        }
        let (host, port) = split_port(rest).map_err(fail)?;
        let port = match port {
            None => PortPattern::Exact(scheme.default_port()),
            Some("*") => PortPattern::Any,
            Some(text) => PortPattern::Exact(parse_port(text).map_err(fail)?),
        };
        let host = if host == "*" {
            HostPattern::Any
        } else if let Some(parent) = host.strip_prefix("*.") {
            match parse_host(parent).map_err(fail)? {
                Host::Name(name) => HostPattern::Below(name),
                Host::Address(_) => {
                    return Err(fail((
                        "`*.` stands before an address",
                        "name the address itself; an address has no names below it",
                    )));
                }
            }
        } else if host.contains('*') {
            return Err(fail((
                "`*` stands inside the host",
                "`*` may only be the whole host or its first label, as in *.example.cn",
            )));
        } else {
            HostPattern::Exact(parse_host(host).map_err(fail)?)
        };
        Ok(Self { scheme, host, port })
    }
}

impl fmt::Display for OriginPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://", self.scheme.as_str())?;
        match &self.host {
            HostPattern::Any => f.write_str("*")?,
            HostPattern::Below(parent) => write!(f, "*.{parent}")?,
            HostPattern::Exact(host) => write!(f, "{host}")?,
        }
        match self.port {
            PortPattern::Any => f.write_str(":*"),
            PortPattern::Exact(port) if port == self.scheme.default_port() => Ok(()),
            PortPattern::Exact(port) => write!(f, ":{port}"),
        }
    }
}

impl TryFrom<String> for OriginPattern {
    type Error = OriginError;

    fn try_from(text: String) -> Result<Self, OriginError> {
        text.parse()
    }
}

impl From<OriginPattern> for String {
    fn from(pattern: OriginPattern) -> Self {
        pattern.to_string()
    }
}

type Fault = (&'static str, &'static str);

fn is_below(name: &str, parent: &str) -> bool {
    name.strip_suffix(parent).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
}

fn split_port(text: &str) -> Result<(&str, Option<&str>), Fault> {
    if text.contains('@') {
        return Err(("it holds a user name", "leave out everything up to the @; credentials are given as secrets"));
    }
    if let Some(rest) = text.strip_prefix('[') {
        let Some((_, after)) = rest.split_once(']') else {
            return Err(("a [ is not closed", "write IPv6 like https://[2001:db8::1]:8443"));
        };
        let end = text.len() - after.len();
        return match after.strip_prefix(':') {
            Some(port) => Ok((&text[..end], Some(port))),
            None if after.is_empty() => Ok((text, None)),
            None => Err(("something follows the ]", "only :port may follow an IPv6 address")),
        };
    }
    match text.split_once(':') {
        None => Ok((text, None)),
        Some((_, port)) if port.contains(':') => {
            Err(("it holds more than one colon", "put an IPv6 address into brackets"))
        }
        Some((host, port)) => Ok((host, Some(port))),
    }
}

fn parse_port(text: &str) -> Result<u16, Fault> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse::<u16>() {
        Ok(port) if digits && port != 0 && !text.starts_with('0') => Ok(port),
        _ => Err(("the port is not a number from 1 to 65535", "write it like :8443")),
    }
}

/// A DNS name (RFC 1123 §2.1, with `_` as found in practice) or an address.
/// Names whose last label is a number are refused unless they are an address
/// in the usual form: other readers take `127.1` and `0x7f000001` for one.
fn parse_host(text: &str) -> Result<Host, Fault> {
    if let Some(inner) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
        return inner
            .parse::<Ipv6Addr>()
            .map(|address| Host::Address(IpAddr::V6(address)))
            .map_err(|_| ("the brackets hold no IPv6 address", "write it like [2001:db8::1]"));
    }
    if text.is_empty() {
        return Err(("the host is missing", "name one, or * for every host"));
    }
    if !text.is_ascii() {
        return Err(("the host holds letters outside ASCII", "write the name in its xn-- form (Punycode)"));
    }
    if text.len() > 253 {
        return Err(("the host is longer than 253 characters", "use a shorter name"));
    }
    if text.ends_with('.') {
        return Err(("the host ends with a dot", "leave the last dot out"));
    }
    let name = text.to_ascii_lowercase();
    for label in name.split('.') {
        if label.is_empty() {
            return Err(("the host has an empty label", "remove the doubled or leading dot"));
        }
        if label.len() > 63 {
            return Err(("a label is longer than 63 characters", "use a shorter name"));
        }
        let fine = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        if !fine || label.starts_with('-') || label.ends_with('-') {
            return Err((
                "the host holds a character that names do not have",
                "use letters, digits, dots and inner hyphens",
            ));
        }
    }
    let last = name.rsplit('.').next().unwrap_or_default();
    let numeric = last.bytes().all(|byte| byte.is_ascii_digit()) || last.starts_with("0x");
    if numeric {
        return name.parse::<Ipv4Addr>().map(|address| Host::Address(IpAddr::V4(address))).map_err(|_| {
            (
                "the host ends with a number but is no IPv4 address",
                "write addresses as four decimal numbers, like 192.0.2.7",
            )
        });
    }
    Ok(Host::Name(name))
}

fn printable(text: &str) -> String {
    let shown: String = text.chars().take(100).collect();
    shown.escape_debug().to_string()
}
