//! Bytes to text. A document may say its character set in three places, all
//! of which are wrong at times; the bytes themselves say it best.
//!
//! The order: byte order mark; UTF-16 by the pattern of its first characters
//! (XML 1.0 appendix F, RFC 4627 §3); UTF-8 where the bytes are valid UTF-8;
//! what the document and the HTTP header claim, where it decodes without a
//! fault; UTF-8 with few faults; a claim with faults; what the bytes look like.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{EUC_JP, EUC_KR, Encoding, GBK, ISO_2022_JP, SHIFT_JIS, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// A document's text and how it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// The text; what could not be read is U+FFFD.
    pub text: String,
    /// The character set it was read in, such as `UTF-8` or `gb18030`.
    pub charset: &'static str,
}

/// Decodes a document. `content_type` is the HTTP header. An XML declaration
/// and a meta of HTML are heard too. (GB 2312 and GBK are read as GB 18030, which contains them.)
pub fn decode(bytes: &[u8], content_type: Option<&str>) -> Decoded {
    if let Some((encoding, length)) = Encoding::for_bom(bytes) {
        return read(encoding, &bytes[length..]);
    }
    if let Some(encoding) = wide(bytes) {
        return read(encoding, bytes);
    }
    let header = content_type.and_then(parameter).and_then(|label| Encoding::for_label(label.as_bytes()));
    let declared = declaration(bytes).and_then(|label| Encoding::for_label(label.as_bytes()));
    let claims = [header, declared].into_iter().flatten();
    if let Ok(text) = str::from_utf8(bytes) {
        // The one set that looks like ASCII and is none.
        if bytes.contains(&0x1b) && claims.clone().any(|claim| claim == ISO_2022_JP) {
            return read(ISO_2022_JP, bytes);
        }
        return Decoded { text: text.to_owned(), charset: UTF_8.name() };
    }
    // Servers send ISO-8859-1 by default, and it fits any bytes; UTF-16 and
    // UTF-8 were looked for already.
    let telling = |claim: &&'static Encoding| ![WINDOWS_1252, UTF_16LE, UTF_16BE, UTF_8].contains(claim);
    let claims: Vec<_> = claims.collect();
    let told: Vec<_> = claims.iter().copied().filter(telling).collect();
    let nearly = nearly_utf8(bytes);
    if !nearly && let Some(decoded) = told.iter().find_map(|claim| faultless(claim, bytes)) {
        return decoded;
    }
    if nearly {
        return read(UTF_8, bytes);
    }
    if let Some(claim) = told.first() {
        return read(claim, bytes);
    }
    let looks = detect(bytes);
    let east = !looks.is_single_byte() && faultless(looks, bytes).is_some_and(|decoded| chinese(&decoded.text));
    read(if claims.contains(&WINDOWS_1252) && !east { WINDOWS_1252 } else { looks }, bytes)
}

fn read(encoding: &'static Encoding, bytes: &[u8]) -> Decoded {
    let text = encoding.decode_without_bom_handling(bytes).0.into_owned();
    let charset = if encoding == GBK { encoding_rs::GB18030.name() } else { encoding.name() };
    Decoded { text, charset }
}

fn faultless(encoding: &'static Encoding, bytes: &[u8]) -> Option<Decoded> {
    let (text, faulty) = encoding.decode_without_bom_handling(bytes);
    (!faulty).then(|| Decoded { text: text.into_owned(), charset: encoding.name() })
}

/// UTF-16 without a byte order mark: every other byte of the beginning is zero.
fn wide(bytes: &[u8]) -> Option<&'static Encoding> {
    match bytes.get(..4)? {
        [a, 0, b, 0] if *a != 0 && *b != 0 => Some(UTF_16LE),
        [0, a, 0, b] if *a != 0 && *b != 0 => Some(UTF_16BE),
        _ => None,
    }
}

/// UTF-8 with a few faults, such as a character cut in two: at least twice as
/// many whole characters beyond ASCII as faults. (Of the characters of a GBK
/// text one in five looks like one of UTF-8.)
fn nearly_utf8(bytes: &[u8]) -> bool {
    let (mut whole, mut faults) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        whole += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        faults += usize::from(!chunk.invalid().is_empty());
    }
    whole >= faults * 2
}

/// At least four Han characters: not an accident of accented letters.
fn chinese(text: &str) -> bool {
    text.chars().filter(|c| matches!(c, '\u{3400}'..='\u{9fff}')).take(4).count() == 4
}

/// The value of `charset=` in a media type.
fn parameter(content_type: &str) -> Option<&str> {
    content_type.split(';').skip(1).find_map(|part| {
        let (name, value) = part.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches(['"', '\'']))
    })
}

/// The value of `encoding=` in an XML declaration, or of `charset=` in a meta
/// of HTML (within the first 1,024 bytes, as the HTML standard asks).
fn declaration(bytes: &[u8]) -> Option<&str> {
    let start = bytes.trim_ascii_start();
    if !start.starts_with(b"<?xml") {
        return meta(&start[..start.len().min(1024)]);
    }
    let head = &start[..start.len().min(256)];
    let end = head.iter().position(|&byte| byte == b'>')?;
    let head = str::from_utf8(&head[..end]).ok()?;
    let value = head.split_once("encoding")?.1.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|&c| c == '"' || c == '\'')?;
    value[1..].split(quote).next()
}

fn meta(head: &[u8]) -> Option<&str> {
    let lower = head.to_ascii_lowercase();
    let tag = find(&lower, b"<meta", 0)?;
    let at = find(&lower, b"charset", tag)? + b"charset".len();
    let value = head[at..].trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    let value = value.strip_prefix(b"\"").or_else(|| value.strip_prefix(b"'")).unwrap_or(value).trim_ascii_start();
    let end = value.iter().position(|byte| !byte.is_ascii_alphanumeric() && !b"-_:.".contains(byte));
    str::from_utf8(&value[..end.unwrap_or(value.len())]).ok()
}

fn find(bytes: &[u8], wanted: &[u8], from: usize) -> Option<usize> {
    bytes[from..].windows(wanted.len()).position(|there| there == wanted).map(|at| from + at)
}

fn detect(bytes: &[u8]) -> &'static Encoding {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    // Japanese and Korean have bytes like those of Chinese: they are believed where the letters prove it.
    let plain = detector.guess(None, Utf8Detection::Allow);
    if [EUC_JP, SHIFT_JIS, EUC_KR].contains(&plain)
        && faultless(plain, bytes).is_some_and(|decoded| of_its_own(&decoded.text))
    {
        return plain;
    }
    // The sources are Chinese; with too few bytes to tell, that decides.
    detector.guess(Some(b"cn"), Utf8Detection::Allow)
}

/// At least a quarter kana, or hardly a Han character among Hangul: Chinese text that is misread has neither.
fn of_its_own(text: &str) -> bool {
    let (mut kana, mut hangul, mut han) = (0_usize, 0_usize, 0_usize);
    for c in text.chars() {
        match c {
            '\u{3041}'..='\u{30fe}' => kana += 1,
            '\u{ac00}'..='\u{d7a3}' => hangul += 1,
            '\u{3400}'..='\u{9fff}' => han += 1,
            _ => {}
        }
    }
    kana + hangul >= 8 && (kana * 4 >= kana + han || hangul >= han * 20)
}

#[cfg(test)]
mod tests {
    use encoding_rs::{BIG5, GB18030, GBK};

    use super::decode;

    const TEXT: &str = "林草局通报:昨日发生一起森林火情,目前明火已扑灭。";

    fn text(bytes: &[u8], content_type: Option<&str>) -> String {
        decode(bytes, content_type).text
    }

    #[test]
    fn feed_charset_each_claim_is_heard() {
        let (gbk, _, _) = GBK.encode(TEXT);
        assert_eq!(text(&gbk, Some("text/xml; charset=\"GB2312\"")), TEXT);
        let document = format!("<?xml version='1.0' encoding='gbk'?><a>{TEXT}</a>");
        let (bytes, _, _) = GBK.encode(&document);
        assert_eq!(text(&bytes, None), document);
        assert_eq!(text(&gbk, None), TEXT, "by its looks");
        let (big5, _, _) = BIG5.encode("天氣");
        assert_eq!(text(&big5, Some("text/xml;charset=big5")), "天氣");
        assert_eq!(text(TEXT.as_bytes(), None), TEXT);
        let (latin, _, _) = encoding_rs::WINDOWS_1252.encode("<a>Déjà vu à Genève</a>");
        assert_eq!(text(&latin, Some("text/xml; charset=iso-8859-1")), "<a>Déjà vu à Genève</a>");
        assert_eq!(text(b"<a>\x1b$B2P\x1b(B</a>", Some("text/xml; charset=iso-2022-jp")), "<a>火</a>");
    }

    #[test]
    fn webpage_charset_a_meta_of_html_is_heard() {
        let big5 =
            "<html><head><meta http-equiv=\"Content-Type\" content=\"text/html; charset=big5\"><p>\u{5929}\u{6c23}</p>";
        assert_eq!(text(&BIG5.encode(big5).0, None), big5);
        for meta in ["<META CHARSET='gb2312'>", "<meta charset=GBK />", "<meta charset = \"gb18030\">"] {
            let page = format!("<!doctype html><html><head>{meta}<title>甲</title>");
            assert_eq!(text(&GB18030.encode(&page).0, Some("text/html")), page, "{meta}");
        }
        for broken in ["<meta", "<meta charset", "<meta charset=", "<meta charset=\"\"", "charset=gbk"] {
            assert_eq!(text(broken.as_bytes(), None), broken);
        }
    }

    #[test]
    fn feed_charset_japanese_and_korean_are_known_by_their_letters_and_chinese_is_not_taken_for_them() {
        let japanese = "山林火災のお知らせです。昨日のうちに鎮火しました。ご協力ありがとうございました。";
        let korean = "산불이 발생하였습니다. 어제 모두 진화되었습니다. 협조해 주셔서 감사합니다.";
        for (encoding, words) in
            [(encoding_rs::EUC_JP, japanese), (encoding_rs::SHIFT_JIS, japanese), (encoding_rs::EUC_KR, korean)]
        {
            assert_eq!(text(&encoding.encode(words).0, None), words, "{}", encoding.name());
        }
        for chinese in [TEXT, "甲", "乙村停电", "关于封山育林的公告", "东街三盏路灯坏了半个月。", "㘭头村、蔚县、歙县"]
        {
            assert_eq!(text(&GB18030.encode(chinese).0, None), chinese);
        }
    }

    #[test]
    fn feed_charset_a_claim_that_the_bytes_deny_is_not_believed() {
        let document = format!("<?xml version=\"1.0\" encoding=\"GB18030\"?><a>{TEXT}𠮷</a>");
        let (bytes, _, _) = GB18030.encode(&document);
        assert_eq!(text(&bytes, Some("text/xml; charset=utf-8")), document);
        assert_eq!(text(&bytes, Some("text/xml; charset=iso-8859-1")), document);
        assert_eq!(text(TEXT.as_bytes(), Some("text/xml; charset=nonsense")), TEXT);
    }

    #[test]
    fn feed_charset_valid_utf8_is_utf8_whatever_is_declared() {
        for claim in [
            "ISO-8859-1",
            "us-ascii",
            "windows-1250",
            "windows-1252",
            "windows-1256",
            "gb2312",
            "GBK",
            "big5",
            "utf-16",
            "UTF-16LE",
            "shift_jis",
        ] {
            for words in [TEXT, "火", "联通", "é"] {
                let document = format!("<?xml version=\"1.0\" encoding=\"{claim}\"?><a>{words}</a>");
                assert_eq!(text(document.as_bytes(), None), document, "{claim}");
                assert_eq!(text(document.as_bytes(), Some(&format!("text/xml; charset={claim}"))), document, "{claim}");
            }
        }
    }

    #[test]
    fn feed_charset_one_broken_character_changes_nothing_else() {
        let mut cut = format!("<a>{TEXT}</a><b>").into_bytes();
        cut.extend_from_slice(&"灭".as_bytes()[..2]);
        cut.extend_from_slice(b"</b>");
        let right = format!("<a>{TEXT}</a><b>\u{fffd}</b>");
        for header in [
            None,
            Some("text/xml; charset=gb2312"),
            Some("text/xml; charset=utf-8"),
            Some("text/xml; charset=iso-8859-1"),
        ] {
            assert_eq!(text(&cut, header), right, "{header:?}");
        }
        let document = format!("<?xml version='1.0' encoding='gbk'?><a>{TEXT}</a><b>");
        let mut cut = GBK.encode(&document).0.into_owned();
        cut.push(GBK.encode("灭").0[0]);
        cut.extend_from_slice(b"</b>");
        let right = format!("{document}\u{fffd}</b>");
        for header in [None, Some("text/xml; charset=utf-8"), Some("text/xml; charset=iso-8859-1")] {
            assert_eq!(text(&cut, header), right, "{header:?}");
        }
    }

    #[test]
    fn feed_charset_utf16_without_a_mark_is_read() {
        let document = format!("<?xml version=\"1.0\"?><a>{TEXT}</a>");
        let little: Vec<u8> = document.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = document.encode_utf16().flat_map(u16::to_be_bytes).collect();
        for header in [None, Some("text/xml; charset=utf-16"), Some("text/xml; charset=utf-8")] {
            assert_eq!(text(&little, header), document);
            assert_eq!(text(&big, header), document);
        }
    }

    #[test]
    fn feed_charset_a_byte_order_mark_decides() {
        let mut bytes = vec![0xef, 0xbb, 0xbf];
        bytes.extend_from_slice(TEXT.as_bytes());
        assert_eq!(text(&bytes, Some("text/xml; charset=gbk")), TEXT);
        let mut bytes = vec![0xff, 0xfe];
        bytes.extend(TEXT.encode_utf16().flat_map(u16::to_le_bytes));
        assert_eq!(text(&bytes, None), TEXT);
    }

    #[test]
    fn feed_charset_broken_bytes_still_give_text() {
        assert!(text(&[b'a', 0xff, 0xff, b'b'], Some("text/xml; charset=utf-8")).contains('a'));
        assert_eq!(text(&[], None), "");
    }
}
