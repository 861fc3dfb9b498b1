//! Where a request comes from, when it came through a proxy.
//!
//! What a request says of that in its own headers is worth as much as who sent it: it counts where the connection comes
//! from an address that the admin named, and nowhere else. So it is settled here, once, before anything reads it: behind
//! this, `x-forwarded-proto` and `x-forwarded-for` are the host's own word, and the rest is gone.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use huiyin_engine::config::{ForwardedBy, ProxiesConfig};
use ipnet::IpNet;

use crate::connections::Peer;

const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// The most hops that are looked at.
const HOPS: usize = 32;

/// The proxies that are believed.
#[derive(Debug, Clone, Default)]
pub struct Proxies {
    trusted: Vec<IpNet>,
    by: ForwardedBy,
}

/// What a proxy says of a request.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    client: Option<IpAddr>,
    proto: Option<String>,
    host: Option<String>,
}

/// One hop of a request: who sent it to the next.
#[derive(Debug, Default, Clone)]
struct Hop {
    by: Option<IpAddr>,
    proto: Option<String>,
    host: Option<String>,
}

impl Proxies {
    /// Reads the configuration's part.
    ///
    /// # Errors
    /// What is no address and no range, with its JSON pointer.
    pub fn read(config: &ProxiesConfig) -> Result<Proxies, String> {
        let read = |(at, text): (usize, &String)| {
            let net = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
            net.map_err(|_| {
                format!("/proxies/trusted/{at}: `{text}` is no address and no range; write 10.0.0.5 or 10.1.0.0/24")
            })
        };
        let trusted = config.trusted.iter().enumerate().map(read).collect::<Result<_, _>>()?;
        Ok(Proxies { trusted, by: config.header })
    }

    fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.trusted.iter().any(|net| net.contains(&address))
    }

    /// Settles where a request comes from: what may be believed stays in its headers, the rest is taken out.
    pub(crate) fn admit(&self, headers: &mut HeaderMap, address: SocketAddr, tls: bool) -> Peer {
        let through = [&FOR, &PROTO, &HOST, &header::FORWARDED].iter().any(|name| headers.contains_key(*name));
        let told = if self.trusts(address.ip()) { self.told(headers) } else { Told::default() };
        for name in [FOR, PROTO, HOST, header::FORWARDED] {
            headers.remove(name);
        }
        let secure = told.proto.as_ref().map_or(tls, |proto| proto.eq_ignore_ascii_case("https"));
        if secure {
            headers.insert(PROTO, HeaderValue::from_static("https"));
        }
        if let Some(value) = told.client.and_then(|client| HeaderValue::from_str(&client.to_string()).ok()) {
            headers.insert(FOR, value);
        }
        if let Some(value) = told.host.and_then(|host| HeaderValue::from_str(&host).ok()) {
            headers.insert(header::HOST, value);
        }
        let client = if through { told.client } else { Some(address.ip()) };
        Peer { address, client }
    }

    fn told(&self, headers: &HeaderMap) -> Told {
        let hops = match self.by {
            ForwardedBy::XForwarded => x_forwarded(headers),
            ForwardedBy::Forwarded => forwarded(headers),
        };
        // From the nearest back to the first who is no proxy of ours: what stands before is that one's own word.
        let mut found = None;
        for hop in hops.into_iter().rev() {
            let ours = hop.by.is_some_and(|by| self.trusts(by));
            found = Some(hop);
            if !ours {
                break;
            }
        }
        let hop = found.unwrap_or_default();
        Told { client: hop.by, proto: hop.proto, host: hop.host }
    }
}

/// The values of a header that is a list, in order; its last ones.
fn list(headers: &HeaderMap, name: &HeaderName) -> Vec<String> {
    let all = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    let mut all: Vec<String> = all.flat_map(elements).collect();
    all.split_off(all.len().saturating_sub(HOPS))
}

fn x_forwarded(headers: &HeaderMap) -> Vec<Hop> {
    let (by, protos, hosts) = (list(headers, &FOR), list(headers, &PROTO), list(headers, &HOST));
    let count = by.len().max(1);
    // Where each hop has a value of its own, that; otherwise the last, which the nearest proxy set.
    let at = |values: &[String], index: usize| {
        if values.len() == count { values.get(index).cloned() } else { values.last().cloned() }
    };
    (0..count)
        .map(|index| Hop {
            by: by.get(index).and_then(|text| address(text)),
            proto: at(&protos, index),
            host: at(&hosts, index),
        })
        .collect()
}

fn forwarded(headers: &HeaderMap) -> Vec<Hop> {
    let hop = |element: String| {
        let mut hop = Hop::default();
        for pair in split(&element, ';') {
            let Some((key, value)) = pair.split_once('=') else { continue };
            let value = unquoted(value.trim());
            match key.trim().to_ascii_lowercase().as_str() {
                "for" => hop.by = address(&value),
                "proto" => hop.proto = Some(value),
                "host" => hop.host = Some(value),
                _ => {}
            }
        }
        hop
    };
    list(headers, &header::FORWARDED).into_iter().map(hop).collect()
}

/// The elements of a list, commas in quotes left alone.
fn elements(text: &str) -> Vec<String> {
    split(text, ',').into_iter().filter(|element| !element.is_empty()).collect()
}

fn split(text: &str, at: char) -> Vec<String> {
    let mut parts = vec![String::new()];
    let (mut quoted, mut escaped) = (false, false);
    for sign in text.chars() {
        if sign == at && !quoted {
            parts.push(String::new());
            continue;
        }
        if sign == '"' && !escaped {
            quoted = !quoted;
        }
        escaped = quoted && sign == '\\' && !escaped;
        if let Some(part) = parts.last_mut() {
            part.push(sign);
        }
    }
    parts.into_iter().map(|part| part.trim().to_owned()).collect()
}

fn unquoted(text: &str) -> String {
    let Some(inner) = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) else { return text.to_owned() };
    let mut out = String::with_capacity(inner.len());
    let mut signs = inner.chars();
    while let Some(sign) = signs.next() {
        out.extend(if sign == '\\' { signs.next() } else { Some(sign) });
    }
    out
}

/// An address, with or without a port: `192.0.2.7`, `192.0.2.7:1234`, `2001:db8::7`, `[2001:db8::7]:1234`.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.split_once(']')).map_or(text, |(inside, _)| inside);
    let plain = bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()));
    plain.map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(by: ForwardedBy) -> Proxies {
        let trusted = vec!["10.0.0.0/8".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
        Proxies::read(&ProxiesConfig { trusted, header: by }).unwrap()
    }

    fn admitted(
        proxies: &Proxies,
        from: &str,
        tls: bool,
        given: &[(&'static str, &str)],
    ) -> (Option<String>, bool, String) {
        let mut headers = HeaderMap::new();
        headers.insert("host", "inner".parse().unwrap());
        for (name, value) in given {
            headers.append(*name, value.parse().unwrap());
        }
        let peer = proxies.admit(&mut headers, from.parse().unwrap(), tls);
        assert!(!headers.contains_key("forwarded") && !headers.contains_key("x-forwarded-host"));
        let secure = headers.get("x-forwarded-proto").is_some_and(|proto| proto == "https");
        (peer.client.map(|client| client.to_string()), secure, headers["host"].to_str().unwrap().to_owned())
    }

    #[test]
    fn only_a_named_proxy_is_believed() {
        let ours = proxies(ForwardedBy::XForwarded);
        let said = &[("x-forwarded-for", "192.0.2.7"), ("x-forwarded-proto", "https"), ("x-forwarded-host", "a.cn")];
        let seen = |from: &str, tls| admitted(&ours, from, tls, said);
        assert_eq!(seen("10.1.2.3:9", false), (Some("192.0.2.7".to_owned()), true, "a.cn".to_owned()));
        assert_eq!(seen("[::ffff:10.1.2.3]:9", false).0.as_deref(), Some("192.0.2.7"));
        // Whoever else says so came through something: from where, nobody knows.
        assert_eq!(seen("192.0.2.99:9", false), (None, false, "inner".to_owned()));
        assert_eq!(seen("192.0.2.99:9", true), (None, true, "inner".to_owned()));
        assert_eq!(admitted(&ours, "192.0.2.99:9", false, &[]).0.as_deref(), Some("192.0.2.99"));
        assert_eq!(admitted(&Proxies::default(), "127.0.0.1:9", false, said), (None, false, "inner".to_owned()));
    }

    #[test]
    fn what_a_client_says_before_the_proxy_does_is_its_own_word() {
        let ours = proxies(ForwardedBy::XForwarded);
        let client = |value: &str| admitted(&ours, "127.0.0.1:9", false, &[("x-forwarded-for", value)]).0;
        assert_eq!(client("127.0.0.1, 192.0.2.7").as_deref(), Some("192.0.2.7"));
        assert_eq!(client("198.51.100.1, 192.0.2.7, 10.0.0.1").as_deref(), Some("192.0.2.7"));
        assert_eq!(client("10.0.0.2, 10.0.0.1").as_deref(), Some("10.0.0.2"));
        assert_eq!(client("[2001:db8::7]:4711").as_deref(), Some("2001:db8::7"));
        assert_eq!(client("127.0.0.1, unknown"), None);
        assert_eq!(client(""), None);
        let lines = [("x-forwarded-for", "127.0.0.1"), ("x-forwarded-for", "192.0.2.7")];
        assert_eq!(admitted(&ours, "127.0.0.1:9", false, &lines).0.as_deref(), Some("192.0.2.7"));
        // A header that this proxy does not set may be the client's.
        let other = [("x-forwarded-for", "192.0.2.7"), ("forwarded", "for=127.0.0.1;proto=https")];
        assert_eq!(
            admitted(&ours, "127.0.0.1:9", false, &other),
            (Some("192.0.2.7".to_owned()), false, "inner".to_owned())
        );
    }

    #[test]
    fn forwarded_is_read_as_rfc_7239_writes_it() {
        let ours = proxies(ForwardedBy::Forwarded);
        let seen = |value: &str| admitted(&ours, "127.0.0.1:9", false, &[("forwarded", value)]);
        assert_eq!(
            seen(r#"for=198.51.100.1, For="[2001:db8:cafe::17]:4711";Proto=https;host="a.cn", for=10.0.0.1"#),
            (Some("2001:db8:cafe::17".to_owned()), true, "a.cn".to_owned())
        );
        assert_eq!(seen(r#"for="192.0.2.7:80, for=127.0.0.1";proto=http"#), (None, false, "inner".to_owned()));
        assert_eq!(seen("for=_hidden;proto=https"), (None, true, "inner".to_owned()));
    }

    #[test]
    fn what_is_no_address_is_said_with_its_place() {
        let config = ProxiesConfig {
            trusted: vec!["10.0.0.1".to_owned(), "10.0.0.1/40".to_owned()],
            ..ProxiesConfig::default()
        };
        assert!(Proxies::read(&config).unwrap_err().starts_with("/proxies/trusted/1: `10.0.0.1/40`"));
    }
}
