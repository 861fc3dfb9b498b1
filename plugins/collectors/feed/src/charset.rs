//! Bytes to text. A document may say its character set in three places, all
//! of which are wrong at times, so each claim is tried against the bytes: the
//! first that decodes without a fault wins.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

/// The order: byte order mark, HTTP header, XML declaration, what the bytes
/// look like. (GB 2312 and GBK are decoded as GB 18030, which contains them.)
pub(crate) fn decode(bytes: &[u8], content_type: Option<&str>) -> String {
    if let Some((encoding, length)) = Encoding::for_bom(bytes) {
        return encoding.decode_without_bom_handling(&bytes[length..]).0.into_owned();
    }
    let header = content_type.and_then(parameter).and_then(encoding);
    let declared = declaration(bytes).and_then(encoding);
    // Servers send ISO-8859-1 by default, and it fits any bytes.
    let (first, second) = if header == Some(WINDOWS_1252) { (declared, header) } else { (header, declared) };
    let mut fallback = None;
    for encoding in [first, second, Some(detect(bytes)), Some(UTF_8)].into_iter().flatten() {
        let (text, faulty) = encoding.decode_without_bom_handling(bytes);
        if !faulty {
            return text.into_owned();
        }
        fallback.get_or_insert(text);
    }
    fallback.unwrap_or_default().into_owned()
}

fn encoding(label: &str) -> Option<&'static Encoding> {
    Encoding::for_label(label.as_bytes())
}

/// The value of `charset=` in a media type.
fn parameter(content_type: &str) -> Option<&str> {
    content_type.split(';').skip(1).find_map(|part| {
        let (name, value) = part.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches(['"', '\'']))
    })
}

/// The value of `encoding=` in an XML declaration.
fn declaration(bytes: &[u8]) -> Option<&str> {
    let start = bytes.trim_ascii_start();
    let head = &start[..start.len().min(256)];
    if !head.starts_with(b"<?xml") {
        return None;
    }
    let end = head.iter().position(|&byte| byte == b'>')?;
    let head = str::from_utf8(&head[..end]).ok()?;
    let value = head.split_once("encoding")?.1.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|&c| c == '"' || c == '\'')?;
    value[1..].split(quote).next()
}

fn detect(bytes: &[u8]) -> &'static Encoding {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    // The sources are Chinese; with too few bytes to tell, that decides.
    detector.guess(Some(b"cn"), Utf8Detection::Allow)
}

#[cfg(test)]
mod tests {
    use encoding_rs::{BIG5, GB18030, GBK, UTF_16LE};

    use super::decode;

    const TEXT: &str = "林草局通报:昨日发生一起森林火情,目前明火已扑灭。";

    #[test]
    fn each_claim_is_heard() {
        let (gbk, _, _) = GBK.encode(TEXT);
        assert_eq!(decode(&gbk, Some("text/xml; charset=\"GB2312\"")), TEXT);
        let document = format!("<?xml version='1.0' encoding='gbk'?><a>{TEXT}</a>");
        let (bytes, _, _) = GBK.encode(&document);
        assert_eq!(decode(&bytes, None), document);
        assert_eq!(decode(&gbk, None), TEXT, "by its looks");
        let (big5, _, _) = BIG5.encode("天氣");
        assert_eq!(decode(&big5, Some("text/xml;charset=big5")), "天氣");
        assert_eq!(decode(TEXT.as_bytes(), None), TEXT);
    }

    #[test]
    fn a_claim_that_the_bytes_deny_is_not_believed() {
        let document = format!("<?xml version=\"1.0\" encoding=\"GB18030\"?><a>{TEXT}𠮷</a>");
        let (bytes, _, _) = GB18030.encode(&document);
        assert_eq!(decode(&bytes, Some("text/xml; charset=utf-8")), document);
        assert_eq!(decode(&bytes, Some("text/xml; charset=iso-8859-1")), document);
        assert_eq!(decode(TEXT.as_bytes(), Some("text/xml; charset=nonsense")), TEXT);
    }

    #[test]
    fn a_byte_order_mark_decides() {
        let mut bytes = vec![0xef, 0xbb, 0xbf];
        bytes.extend_from_slice(TEXT.as_bytes());
        assert_eq!(decode(&bytes, Some("text/xml; charset=gbk")), TEXT);
        let mut bytes = vec![0xff, 0xfe];
        bytes.extend(TEXT.encode_utf16().flat_map(u16::to_le_bytes));
        assert_eq!(decode(&bytes, None), TEXT);
        assert_eq!(UTF_16LE.name(), "UTF-16LE");
    }

    #[test]
    fn broken_bytes_still_give_text() {
        assert!(decode(&[b'a', 0xff, 0xff, b'b'], Some("text/xml; charset=utf-8")).contains('a'));
        assert_eq!(decode(&[], None), "");
    }
}
