//! Links made whole: references of RFC 3986 §5 as sources write them.

use std::fmt::Write as _;

use fluent_uri::{Iri, IriRef};

/// A link found in what was fetched from `base`, as an absolute http(s)
/// address; none where it cannot be one. A link that is absolute already stays
/// as it was written, but for the case of its scheme: it may be an item's id.
pub fn absolute(link: &str, base: &str) -> Option<String> {
    let link: String = link.trim().chars().filter(|c| !matches!(c, '\t' | '\n' | '\r')).collect();
    if link.is_empty() {
        return None;
    }
    if let Some((scheme, rest)) = scheme(&link) {
        let scheme = scheme.to_ascii_lowercase();
        let whole = matches!(scheme.as_str(), "http" | "https") && rest.len() > 2 && rest.starts_with("//");
        return whole.then(|| format!("{scheme}:{rest}"));
    }
    let base = base.trim();
    scheme(base).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https"))?;
    let base = base.split('#').next().unwrap_or_default();
    if let Some(there) = rooted(&link, base) {
        return Some(there);
    }
    let (base, link) = (escape(base, false), escape(&link, false));
    if let Some(there) = resolve(&link, &base) {
        return Some(there);
    }
    // Characters that no IRI may hold, private ones among them.
    resolve(&escape(&link, true), &escape(&base, true))
}

/// The usual link, `/n/1.html`, where nothing of it needs care: base's host and it.
fn rooted(link: &str, base: &str) -> Option<String> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~/?=&+,:@".contains(&b);
    let plain = link.starts_with('/') && !link.starts_with("//") && !link.contains("/.") && link.bytes().all(plain);
    let rest = base.strip_prefix("http://").or_else(|| base.strip_prefix("https://")).filter(|_| plain)?;
    let start = base.len() - rest.len();
    let end = base[start..].find(['/', '?']).map_or(base.len(), |end| start + end);
    let host = base[start..end].bytes().all(|b| b.is_ascii_alphanumeric() || b".-:".contains(&b));
    (host && end > start).then(|| format!("{}{link}", &base[..end]))
}

fn resolve(link: &str, base: &str) -> Option<String> {
    let base = Iri::parse(base).ok()?;
    let link = IriRef::parse(link).ok()?;
    let there = link.resolve_against(&base).ok()?.into_string();
    let rest = there.strip_prefix("http://").or_else(|| there.strip_prefix("https://"))?;
    (!rest.is_empty()).then_some(there)
}

/// The scheme and what follows its colon.
fn scheme(link: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = link.split_once(':')?;
    let named = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
    // `show.asp:1` is a page and no scheme: none that is used has a dot.
    (named && !scheme.contains('.')).then_some((scheme, rest))
}

/// What may not stand in a reference, percent-encoded; `\\` is `/`, as
/// browsers have it.
fn escape(text: &str, all: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let authority = text
        .find("//")
        .filter(|at| text[..*at].is_empty() || text[..*at].ends_with(':'))
        .map_or(0, |at| text[at + 2..].find(['/', '?', '#']).map_or(text.len(), |end| at + 2 + end));
    let mut fragment = false;
    for (at, c) in text.char_indices() {
        let bracket = matches!(c, '[' | ']') && at >= authority;
        let lone =
            c == '%' && !text.as_bytes().get(at + 1..at + 3).is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit));
        let again = c == '#' && fragment;
        fragment |= c == '#';
        if c == '\\' {
            out.push('/');
        } else if bracket || lone || again || c <= ' ' || "<>\"{}|^`\u{7f}".contains(c) || (all && !c.is_ascii()) {
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                let _ = write!(out, "%{byte:02X}");
            }
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::absolute;

    #[test]
    fn feed_links_are_made_absolute_or_left_out() {
        let feed = "https://a.cn:8443/x/feed.xml?t=1#top";
        for (link, there) in [
            ("/n/1", "https://a.cn:8443/n/1"),
            ("/a/../n/./1", "https://a.cn:8443/n/1"),
            ("/n/1?a=b:c&d=e", "https://a.cn:8443/n/1?a=b:c&d=e"),
            ("/n/%E7", "https://a.cn:8443/n/%E7"),
            ("//b.cn/1", "https://b.cn/1"),
            ("http://b.cn/1", "http://b.cn/1"),
            ("HTTP://B.cn/1", "http://B.cn/1"),
            ("./202403/t20240301_1.html", "https://a.cn:8443/x/202403/t20240301_1.html"),
            ("../a", "https://a.cn:8443/a"),
            ("../../a", "https://a.cn:8443/a"),
            ("show.asp?id=3", "https://a.cn:8443/x/show.asp?id=3"),
            ("?id=3", "https://a.cn:8443/x/feed.xml?id=3"),
            ("#3", "https://a.cn:8443/x/feed.xml?t=1#3"),
            ("通报 一.html", "https://a.cn:8443/x/通报%20一.html"),
            ("a\\b.html", "https://a.cn:8443/x/a/b.html"),
            ("a[1].html?q=50%", "https://a.cn:8443/x/a%5B1%5D.html?q=50%25"),
            (" \n/n/\n1 ", "https://a.cn:8443/n/1"),
            ("\u{e000}", "https://a.cn:8443/x/%EE%80%80"),
        ] {
            assert_eq!(absolute(link, feed).as_deref(), Some(there), "{link}");
        }
        for link in ["javascript:alert(1)", "mailto:a@b.cn", "", "data:,x", "http:", "http://"] {
            assert_eq!(absolute(link, feed), None, "{link}");
        }
        assert_eq!(absolute("a", "urn:x"), None);
        assert_eq!(absolute("a", ""), None);
        assert_eq!(absolute("x", "http://a.cn").as_deref(), Some("http://a.cn/x"));
    }
}
