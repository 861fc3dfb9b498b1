//! Text on its way into markup and URLs.

use std::fmt::Write as _;

/// The text in HTML or XML, also within a quoted attribute. What XML 1.0 may not hold at all (most control
/// characters) is left out.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(c),
            c if c < ' ' || matches!(c, '\u{7f}' | '\u{fffe}' | '\u{ffff}') => {}
            c => out.push(c),
        }
    }
    out
}

/// The text's lines as paragraphs of HTML; empty lines part nothing more.
pub fn paragraphs(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let _ = writeln!(out, "<p>{}</p>", escape(line));
    }
    out
}

/// The text as one value of a query or form: all but the unreserved characters percent-encoded (RFC 3986 §2.3).
pub fn percent_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// A name for a file or the last part of a URL, for an idempotency key: the key itself where it can be one, else what
/// is left of it and a hash of the whole, so that two keys never share a name.
pub fn file_stem(key: &str) -> String {
    let plain: String = key.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).take(80).collect();
    if plain == key && !key.is_empty() {
        return plain;
    }
    // FNV-1a, 64 bits.
    let hash = key
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    format!("{plain}.{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::{escape, file_stem, paragraphs, percent_encode};

    #[test]
    fn text_stays_text() {
        assert_eq!(escape("<a b=\"c\" d='e'>&\u{1}\u{ffff}回"), "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;回");
        assert_eq!(paragraphs(" 一\r\n\r\n二<br>"), "<p>一</p>\n<p>二&lt;br&gt;</p>\n");
        assert_eq!(percent_encode("a+b/c=回 ~"), "a%2Bb%2Fc%3D%E5%9B%9E%20~");
        assert_eq!(file_stem("a-1_B"), "a-1_B");
        assert!(file_stem("a/1").starts_with("a1.") && file_stem("a/1") != file_stem("a\\1"));
    }
}
