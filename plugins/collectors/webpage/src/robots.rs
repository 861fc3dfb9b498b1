//! robots.txt (RFC 9309): which addresses of a site may be read.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

/// By this name a site speaks to us.
pub(crate) const NAME: &str = "huiyin";
/// How long one is believed: a day, in milliseconds (RFC 9309 §2.4).
pub(crate) const FRESH: u64 = 86_400_000;
/// How much of one is read, in bytes (RFC 9309 §2.5).
const MOST: usize = 500 * 1024;
/// How many rules for us are kept, and how long each may be.
const MOST_RULES: usize = 300;
const LONGEST: usize = 500;

/// What a site's robots.txt says to us.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Rules {
    /// When it was read, in milliseconds since the Unix epoch.
    pub(crate) at: u64,
    /// The pause that it asks for between requests, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) delay: Option<u32>,
    /// Patterns that are allowed, and those that are not.
    pub(crate) allow: Vec<String>,
    pub(crate) deny: Vec<String>,
}

impl Rules {
    /// Reads one. Groups that name us count; those for `*` where none does.
    pub(crate) fn read(bytes: &[u8], at: u64) -> Self {
        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(MOST)]);
        let (mut ours, mut all) = (Self { at, ..Self::default() }, Self { at, ..Self::default() });
        let (mut for_us, mut for_all, mut named, mut names) = (false, false, false, false);
        for line in text.trim_start_matches('\u{feff}').lines() {
            let line = line.split('#').next().unwrap_or_default();
            let Some((key, value)) = line.split_once(':') else { continue };
            let value = value.trim();
            let key = key.trim().to_ascii_lowercase();
            if key == "user-agent" {
                if !names {
                    (for_us, for_all) = (false, false); // another group
                }
                names = true;
                let agent = value.to_ascii_lowercase();
                let agent = agent.split('/').next().unwrap_or_default().trim();
                for_us |= agent == NAME || agent == "huiyin-webpage";
                for_all |= agent == "*";
                named |= for_us;
                continue;
            }
            names = false;
            for (rules, _) in [(&mut ours, for_us), (&mut all, for_all)].into_iter().filter(|(_, heard)| *heard) {
                match key.as_str() {
                    "allow" if !value.is_empty() => keep(&mut rules.allow, value),
                    "disallow" if !value.is_empty() => keep(&mut rules.deny, value),
                    "crawl-delay" => {
                        rules.delay =
                            value.parse::<f64>().ok().filter(|s| *s > 0.0).map(|s| s.ceil().min(3_600.0) as u32);
                    }
                    _ => {}
                }
            }
        }
        if named { ours } else { all }
    }

    /// Whether an address of the site may be read: the longest pattern that
    /// fits decides, and of two as long the one that allows (RFC 9309 §2.2.2).
    pub(crate) fn allows(&self, path: &str) -> bool {
        let path = normal(path);
        let longest = |patterns: &[String]| patterns.iter().filter(|p| fits(p, &path)).map(String::len).max();
        match (longest(&self.allow), longest(&self.deny)) {
            (_, None) => true,
            (allow, Some(deny)) => allow.is_some_and(|allow| allow >= deny),
        }
    }
}

fn keep(patterns: &mut Vec<String>, value: &str) {
    if patterns.len() < MOST_RULES && value.len() <= LONGEST {
        patterns.push(normal(value));
    }
}

/// Percent-encoded as RFC 9309 §2.2.2 compares it.
fn normal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let two = rest.get(1..3).filter(|two| c == '%' && two.bytes().all(|b| b.is_ascii_hexdigit()));
        if let Some(byte) = two.and_then(|two| u8::from_str_radix(two, 16).ok()) {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
                out.push(char::from(byte));
            } else {
                let _ = write!(out, "%{byte:02X}");
            }
            rest = &rest[3..];
            continue;
        }
        if c.is_ascii() {
            out.push(c);
        } else {
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                let _ = write!(out, "%{byte:02X}");
            }
        }
        rest = &rest[c.len_utf8()..];
    }
    out
}

/// Whether a pattern with `*` and an ending `$` fits the beginning of a path.
fn fits(pattern: &str, path: &str) -> bool {
    let (pattern, whole) = match pattern.strip_suffix('$') {
        Some(pattern) => (pattern, true),
        None => (pattern, false),
    };
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| path.strip_prefix(first)) else { return false };
    let mut last = None;
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
        last = Some(part);
    }
    match (whole, last) {
        (false, _) => true,
        (true, None) => rest.is_empty(),
        // The last part may stand further on.
        (true, Some(part)) => rest.is_empty() || (path.len() >= part.len() && rest.ends_with(part)) || part.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::Rules;

    #[test]
    fn webpage_robots_the_longest_rule_decides_and_the_own_group_comes_first() {
        let text = "User-agent: *\nDisallow: /\n\nUser-agent: Other\nUser-agent: Huiyin/2.0 # us\nDisallow: /x\nAllow: /x/open\nDisallow: /*.do$\nDisallow: /%e7%81%AB\nCrawl-delay: 2.5\n";
        let rules = Rules::read(text.as_bytes(), 1);
        assert_eq!((rules.delay, rules.at), (Some(3), 1));
        for (path, allowed) in [
            ("/", true),
            ("/x", false),
            ("/x/1", false),
            ("/x/open/1", true),
            ("/a.do", false),
            ("/a.do.b.do", false),
            ("/a.do?x=1", true),
            ("/火/1", false),
            ("/%E7%81%AB", false),
        ] {
            assert_eq!(rules.allows(path), allowed, "{path}");
        }
        assert!(!Rules::read(b"User-agent: *\nDisallow: /", 0).allows("/x"));
        assert!(Rules::read(b"User-agent: *\nDisallow:", 0).allows("/x"), "an empty rule forbids nothing");
        assert!(Rules::read(b"User-agent: a\nDisallow: /", 0).allows("/x"), "another's group");
        assert!(Rules::read(b"\xff\xfe<html>Disallow: /</html>", 0).allows("/x"), "no robots.txt at all");
        let two = Rules::read(b"User-agent: *\nDisallow: /a\nUser-agent: *\nDisallow: /b", 0);
        assert!(!two.allows("/a") && !two.allows("/b"), "groups of one name are one");
        assert!(
            Rules::read(b"User-agent: *\nDisallow: /p\nAllow: /p", 0).allows("/p"),
            "of two as long the one that allows"
        );
    }
}
