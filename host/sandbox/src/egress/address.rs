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

const METADATA: &str = "where clouds keep their metadata";

/// The first that fits is the reason given.
const RANGES: &[(&str, &str)] = &[
    // AWS, Azure, Google, OpenStack and most others; Alibaba; Azure's agent; Oracle.
    ("169.254.169.254/32", METADATA),
    ("169.254.170.2/32", METADATA),
    ("100.100.100.200/32", METADATA),
    ("168.63.129.16/32", METADATA),
    ("192.0.0.192/32", METADATA),
    ("fd00:ec2::254/128", METADATA),
    ("fd20:ce::254/128", METADATA),
    ("0.0.0.0/8", "unspecified, or this network"),
    ("10.0.0.0/8", "private"),
    ("100.64.0.0/10", "shared by carriers"),
    ("127.0.0.0/8", "loopback"),
    ("169.254.0.0/16", "link-local"),
    ("172.16.0.0/12", "private"),
    ("192.0.0.0/24", "for protocol assignments"),
    ("192.0.2.0/24", "for documentation"),
    ("192.88.99.0/24", "6to4 relays"),
    ("192.168.0.0/16", "private"),
    ("198.18.0.0/15", "for benchmarks"),
    ("198.51.100.0/24", "for documentation"),
    ("203.0.113.0/24", "for documentation"),
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

/// Why the address is not public; none for a public one.
pub fn not_public(address: IpAddr) -> Option<&'static str> {
    NETS.iter().find(|(net, _)| net.contains(&address)).map(|(_, why)| *why)
}

/// Whether a granted range opens the address. Where a cloud keeps its metadata,
/// and with them its keys, only an entry for that one address does.
pub fn opens(granted: &IpNet, address: IpAddr) -> bool {
    granted.contains(&address) && (!is_metadata(address) || granted.prefix_len() == granted.max_prefix_len())
}

fn is_metadata(address: IpAddr) -> bool {
    not_public(address) == Some(METADATA)
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
            "192.0.0.192",
            "169.254.170.2",
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
            "64:ff9b:1:ffff::a9fe:a9fe",
            "2001:0:4136:e378:8000:63bf:3fff:fdd2",
            "::ffff:0:169.254.169.254",
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
            assert!(not_public(address).is_some(), "{text} must be denied");
        }
        for text in ["1.1.1.1", "8.8.8.8", "172.32.0.1", "192.169.0.1", "114.114.114.114", "2606:4700::1111", "240e::1"]
        {
            let address: IpAddr = text.parse().unwrap();
            assert!(not_public(address).is_none(), "{text} is public");
        }
    }

    #[test]
    fn a_granted_range_opens_itself_and_nothing_else() {
        let opens = |net: &str, address: &str| opens(&net.parse().unwrap(), address.parse().unwrap());
        assert!(opens("127.0.0.1/32", "127.0.0.1"));
        assert!(!opens("127.0.0.1/32", "127.0.0.2"));
        assert!(!opens("127.0.0.1/32", "::ffff:127.0.0.1"));
        assert!(opens("10.0.0.0/8", "10.1.2.3"));
    }

    #[test]
    fn metadata_is_opened_by_its_own_entry_only() {
        let opens = |net: &str, address: &str| opens(&net.parse().unwrap(), address.parse().unwrap());
        for (address, exact) in [
            ("169.254.169.254", "169.254.169.254/32"),
            ("100.100.100.200", "100.100.100.200/32"),
            ("192.0.0.192", "192.0.0.192/32"),
            ("fd00:ec2::254", "fd00:ec2::254/128"),
        ] {
            assert!(not_public(address.parse().unwrap()).unwrap().contains("metadata"));
            assert!(opens(exact, address), "{address}");
            for wide in ["0.0.0.0/0", "169.254.0.0/16", "100.64.0.0/10", "192.0.0.0/24", "::/0", "fd00::/8"] {
                assert!(!opens(wide, address), "{address} by {wide}");
            }
        }
    }
}
