//! Text that would be taken for markup, escaped before the XML is read: a `<`
//! that begins no tag (`PM2.5<35微克`, `关于<通知>的说明`), and tags whose quotes
//! do not close.

use std::borrow::Cow;

/// The longest tag that is believed, in bytes.
const LONGEST: usize = 16 * 1024;

/// The document with such places mended.
pub(super) fn mend(document: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let (mut from, mut at) = (0, 0);
    while let Some(found) = document[at..].find('<') {
        let here = at + found;
        match length(&document[here..]) {
            Some(length) => at = here + length,
            None => {
                out.push_str(&document[from..here]);
                out.push_str("&lt;");
                (from, at) = (here + 1, here + 1);
            }
        }
    }
    if out.is_empty() {
        return Cow::Borrowed(document);
    }
    out.push_str(&document[from..]);
    Cow::Owned(out)
}

/// How long the markup is that begins here; none where it is text.
fn length(rest: &str) -> Option<usize> {
    for (open, close) in [("<!--", "-->"), ("<![CDATA[", "]]>"), ("<?", "?>")] {
        if let Some(inner) = rest.strip_prefix(open) {
            // What never closes is left to the reader, which says where.
            return Some(inner.find(close).map_or(rest.len(), |end| open.len() + end + close.len()));
        }
    }
    if rest.get(..9).is_some_and(|start| start.eq_ignore_ascii_case("<!doctype")) {
        return Some(doctype(rest));
    }
    let closing = rest.starts_with("</");
    let name = &rest[if closing { 2 } else { 1 }..];
    let named = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if !named {
        return None;
    }
    if closing {
        let end = rest.find(['>', '\n']).filter(|&end| rest[end..].starts_with('>'))?;
        return (!rest[1..end].contains('<')).then_some(end + 1);
    }
    tag(rest)
}

/// A start tag: its name, then attributes, quoted or of ASCII.
fn tag(rest: &str) -> Option<usize> {
    let bytes = rest.as_bytes();
    let mut quote = None;
    for (at, &byte) in bytes.iter().enumerate().take(LONGEST).skip(1) {
        match (quote, byte) {
            (Some(open), _) if byte == open => quote = None,
            (None, b'"' | b'\'') => {
                // A quote outside a value is a word's (`<b it's>`).
                if !rest[..at].trim_end().ends_with('=') {
                    return None;
                }
                quote = Some(byte);
            }
            (None, b'>') => return Some(at + 1),
            (None, b'<') => return None,
            (None, byte) if !byte.is_ascii() => return None,
            _ => {}
        }
    }
    None
}

/// A document type with its own definitions between brackets.
fn doctype(rest: &str) -> usize {
    let (mut inside, mut quote) = (false, None);
    for (at, byte) in rest.bytes().enumerate() {
        match (quote, byte) {
            (Some(open), _) if byte == open => quote = None,
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'[') => inside = true,
            (None, b']') => inside = false,
            (None, b'>') if !inside => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::mend;

    #[test]
    fn feed_damage_what_is_text_is_escaped_and_markup_is_not() {
        for (document, mended) in [
            ("<a>PM2.5<35微克</a>", "<a>PM2.5&lt;35微克</a>"),
            ("<a>关于<通知>的说明</a>", "<a>关于&lt;通知>的说明</a>"),
            ("<a>x<b</a>", "<a>x&lt;b</a>"),
            ("<a>1 < 2</a>", "<a>1 &lt; 2</a>"),
            ("<a>不足<b 且 c>d</a>", "<a>不足&lt;b 且 c>d</a>"),
            ("<a>x</ 3</a>", "<a>x&lt;/ 3</a>"),
            ("<a>末<", "<a>末&lt;"),
        ] {
            assert_eq!(mend(document), mended, "{document}");
        }
        for whole in [
            "<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b \"<c>\">]><a b=\"<\" c='甲'>d<!-- < 3 --><![CDATA[ < 3 ]]></a>",
            "<a><td nowrap>x<br/></td></a>",
            "<a b = \"x>y\"/>",
        ] {
            assert_eq!(mend(whole), whole);
        }
    }
}
