//! Which addresses a plugin may be connected to: only public unicast ones,
//! unless the grant names the range. Every address a name resolves to is
//! checked, and the connection is made to the checked address itself, so that
//! a second look-up can change nothing.
//!
//! Ranges are those of the IANA special-purpose address registries
//! (RFC 6890 and its updates) that are not globally reachable, and those that
//! carry an IPv4 address inside an IPv6 one.

use std::net::IpAddr;
use std::sync::LazyLock;

use ipnet::IpNet;

const RANGES: &[(&str, &str)] = &[
    ("0.0.0.0/8", "unspecified, or this network"),
    ("10.0.0.0/8", "private"),
    ("100.64.0.0/10", "shared by carriers"),
    ("127.0.0.0/8", "loopback"),
    ("169.254.0.0/16", "link-local, where clouds keep their metadata"),
    ("172.16.0.0/12", "private"),
    ("192.0.0.0/24", "for protocol assignments"),
    ("192.0.2.0/24", "for documentation"),
    ("192.88.99.0/24", "6to4 relays"),
    ("192.168.0.0/16", "private"),
    ("198.18.0.0/15", "for benchmarks"),
    ("198.51.100.0/24", "for documentation"),
    ("203.0.113.0/24", "for documentation"),
    ("100.100.100.200/32", "cloud metadata"),
    ("168.63.129.16/32", "cloud metadata"),
    ("224.0.0.0/4", "multicast"),
    ("240.0.0.0/4", "reserved, or broadcast"),
    ("::/128", "unspecified"),
    ("::1/128", "loopback"),
    ("::/96", "IPv4-compatible"),
    ("::ffff:0:0/96", "IPv4-mapped"),
    ("::ffff:0:0:0/96", "IPv4-translated"),
    ("64:ff9b::/96", "NAT64"),
    ("64:ff9b:1::/48", "NAT64"),
    ("100::/64", "discard-only"),
    ("100:0:0:1::/64", "a dummy prefix"),
    ("2001::/23", "for protocol assignments, Teredo among them"),
    ("2001:db8::/32", "for documentation"),
    ("2002::/16", "6to4"),
    ("3fff::/20", "for documentation"),
    ("5f00::/16", "for segment routing"),
    ("fc00::/7", "private"),
    ("fe80::/10", "link-local"),
    ("fec0::/10", "site-local"),
    ("ff00::/8", "multicast"),
];

static NETS: LazyLock<Vec<(IpNet, &'static str)>> =
    LazyLock::new(|| RANGES.iter().filter_map(|(net, why)| Some((net.parse().ok()?, *why))).collect());

/// Why the address is not public, with its range; none for a public one.
pub fn not_public(address: IpAddr) -> Option<(IpNet, &'static str)> {
    NETS.iter().find(|(net, _)| net.contains(&address)).map(|(net, why)| (*net, *why))
}

/// Whether a connection to the address is allowed under the granted ranges.
pub fn check(address: IpAddr, allowed: &[IpNet]) -> Result<(), (IpNet, &'static str)> {
    if allowed.iter().any(|net| net.contains(&address)) {
        return Ok(());
    }
    match not_public(address) {
        None => Ok(()),
        Some(reason) => Err(reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_range_of_the_table_is_read() {
        assert_eq!(NETS.len(), RANGES.len());
    }

    #[test]
    fn addresses_are_sorted_into_public_and_not() {
        let denied = [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "10.255.255.255",
            "100.64.0.1",
            "100.100.100.200",
            "127.0.0.1",
            "127.255.0.3",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.170",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.9",
            "168.63.129.16",
            "224.0.0.1",
            "239.1.2.3",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::7f00:1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ];
        for text in denied {
            let address: IpAddr = text.parse().unwrap();
            assert!(check(address, &[]).is_err(), "{text} must be denied");
        }
        for text in ["1.1.1.1", "8.8.8.8", "172.32.0.1", "192.169.0.1", "114.114.114.114", "2606:4700::1111", "240e::1"]
        {
            let address: IpAddr = text.parse().unwrap();
            assert!(check(address, &[]).is_ok(), "{text} is public");
        }
    }

    #[test]
    fn a_granted_range_opens_itself_and_nothing_else() {
        let allowed = ["127.0.0.1/32".parse().unwrap()];
        assert!(check("127.0.0.1".parse().unwrap(), &allowed).is_ok());
        assert!(check("127.0.0.2".parse().unwrap(), &allowed).is_err());
        assert!(check("::ffff:127.0.0.1".parse().unwrap(), &allowed).is_err());
        assert!(check("10.0.0.1".parse().unwrap(), &allowed).is_err());
    }
}
