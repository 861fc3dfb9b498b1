//! Names that mean harm: what a DNS server in an attacker's hand says.

use std::net::{IpAddr, Ipv4Addr};

use huiyin_guests::dns::Dns;

/// A public address (example.com's).
const PUBLIC: IpAddr = IpAddr::V4(Ipv4Addr::new(93, 184, 215, 14));

/// The server of a case, which may be reached.
const GRANTED: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Another place on this machine, which may not.
const NEXT_DOOR: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// Where clouds keep their metadata.
const METADATA: IpAddr = IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254));

/// A server for all these names. What stands in front of the first dot tells
/// calls apart; behind it,
/// `rebound` and `rebound-to-metadata` lead to the granted place at first and
/// inward ever after, `inward` leads inward, `mixed` to a public place and inward.
///
/// # Errors
/// When there is no port for it.
pub fn serve() -> Result<Dns, String> {
    let says = |name: &str, before: usize| {
        let kind = name.strip_suffix(".example.cn").and_then(|name| name.split('.').next_back());
        match (kind, before) {
            (Some("rebound" | "rebound-to-metadata"), 0) => Some(vec![GRANTED]),
            (Some("rebound" | "inward"), _) => Some(vec![NEXT_DOOR]),
            (Some("rebound-to-metadata"), _) => Some(vec![METADATA]),
            (Some("mixed"), _) => Some(vec![PUBLIC, NEXT_DOOR]),
            _ => None,
        }
    };
    Dns::start(says).map_err(|error| error.to_string())
}
