//! Headers as mails of China have them: encoded words (RFC 2047) whose
//! characters are cut between two, raw GB 18030, names within quotes, and
//! parameters in parts (RFC 2231). Addresses are parted before they are decoded.

use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use encoding_rs::Encoding;
use huiyin_sdk::charset;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// The headers of a mail or part, unfolded: names in lower case, values as bytes.
pub(crate) fn read(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut headers: Vec<(String, Vec<u8>)> = Vec::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            break;
        }
        if matches!(line.first(), Some(b' ' | b'\t')) {
            if let Some((_, value)) = headers.last_mut() {
                value.push(b' ');
                value.extend_from_slice(line.trim_ascii());
            }
            continue;
        }
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let name = String::from_utf8_lossy(&line[..colon]).trim().to_ascii_lowercase();
        headers.push((name, line[colon + 1..].trim_ascii().to_vec()));
    }
    headers
}

/// The first header of that name.
pub(crate) fn get<'a>(headers: &'a [(String, Vec<u8>)], name: &str) -> Option<&'a [u8]> {
    headers.iter().find(|(there, _)| there == name).map(|(_, value)| value.as_slice())
}

/// The text of a value with its encoded words. Adjacent words of one character
/// set are joined as bytes before they are decoded.
pub(crate) fn words(value: &[u8]) -> String {
    let text = charset::decode(value, None).text;
    let mut out = String::new();
    let mut waiting: Option<(&'static Encoding, Vec<u8>)> = None;
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let Some(at) = rest.find("=?") else { break };
        let (before, word) = rest.split_at(at);
        let Some((encoding, bytes, length)) = encoded(word) else {
            flush(&mut out, &mut waiting);
            out.push_str(before);
            out.push_str("=?");
            rest = &word[2..];
            continue;
        };
        // White space between two encoded words is none.
        if waiting.is_none() || !before.trim().is_empty() {
            flush(&mut out, &mut waiting);
            out.push_str(before);
        }
        match &mut waiting {
            Some((there, joined)) if *there == encoding => joined.extend_from_slice(&bytes),
            _ => {
                flush(&mut out, &mut waiting);
                waiting = Some((encoding, bytes));
            }
        }
        rest = &word[length..];
    }
    flush(&mut out, &mut waiting);
    out.push_str(rest);
    huiyin_sdk::text::squeeze(&out)
}

fn flush(out: &mut String, waiting: &mut Option<(&'static Encoding, Vec<u8>)>) {
    if let Some((encoding, bytes)) = waiting.take() {
        out.push_str(&encoding.decode_without_bom_handling(&bytes).0);
    }
}

/// An encoded word at the beginning: its character set, bytes and length.
fn encoded(text: &str) -> Option<(&'static Encoding, Vec<u8>, usize)> {
    let inner = text.strip_prefix("=?")?;
    let (label, rest) = inner.split_once('?')?;
    let (way, rest) = rest.split_once('?')?;
    let end = rest.find("?=")?;
    // RFC 2231 adds a language behind `*`. (GB 2312 is read as GB 18030.)
    let encoding = labelled(label.split('*').next()?)?;
    let content = &rest[..end];
    let bytes = match way {
        "B" | "b" => {
            let bare: Vec<u8> = content.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
            BASE64.decode(bare).ok()?
        }
        "Q" | "q" => percent(&content.replace('_', " "), b'='),
        _ => return None,
    };
    Some((encoding, bytes, text.len() - rest.len() + end + 2))
}

fn labelled(label: &str) -> Option<&'static Encoding> {
    let encoding = Encoding::for_label(label.trim().as_bytes())?;
    Some(if encoding == encoding_rs::GBK { encoding_rs::GB18030 } else { encoding })
}

/// Bytes that are written as `=E7` or `%E7`.
fn percent(text: &str, mark: u8) -> Vec<u8> {
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while at < bytes.len() {
        let two = bytes.get(at + 1..at + 3).and_then(|two| str::from_utf8(two).ok());
        match two.filter(|_| bytes[at] == mark).and_then(|two| u8::from_str_radix(two, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    out
}

/// The first address of a list: the name that is shown, and the address.
pub(crate) fn address(value: &[u8]) -> (String, String) {
    let text = charset::decode(value, None).text;
    let (mut quoted, mut angle, mut end) = (false, false, text.len());
    for (at, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '<' if !quoted => angle = true,
            '>' if !quoted => angle = false,
            // A comma within an encoded word is no comma yet.
            ',' | ';' if !quoted && !angle && at > 0 => {
                end = at;
                break;
            }
            _ => {}
        }
    }
    let one = &text[..end];
    match one.rsplit_once('<') {
        Some((name, address)) => {
            let name = name.trim().trim_matches('"').replace("\\\"", "\"");
            (words(name.as_bytes()), address.trim_end().trim_end_matches('>').trim().to_owned())
        }
        None => (String::new(), one.trim().trim_matches('"').to_owned()),
    }
}

/// A parameter of a header such as `Content-Disposition`: in parts, with a
/// character set that the first part names (RFC 2231), or with encoded words.
pub(crate) fn parameter(value: &[u8], name: &str) -> Option<String> {
    let text = charset::decode(value, None).text;
    let mut parts: Vec<(u32, bool, String)> = Vec::new();
    let mut plain = None;
    for piece in pieces(&text) {
        let Some((key, value)) = piece.split_once('=') else { continue };
        let key = key.trim().to_ascii_lowercase();
        let value = value.trim();
        let value = value.strip_prefix('"').map_or(value, |inner| inner.strip_suffix('"').unwrap_or(inner));
        let Some(rest) = key.strip_prefix(name) else { continue };
        if rest.is_empty() {
            plain = Some(value.replace("\\\"", "\""));
        } else if let Some(rest) = rest.strip_prefix('*') {
            let escaped = rest.is_empty() || rest.ends_with('*');
            let number = rest.trim_end_matches('*');
            if let Ok(number) = if number.is_empty() { Ok(0) } else { number.parse() } {
                parts.push((number, escaped, value.to_owned()));
            }
        }
    }
    parts.sort_by_key(|(number, ..)| *number);
    if parts.is_empty() {
        return plain.map(|value| words(value.as_bytes())).filter(|value| !value.is_empty());
    }
    let mut label = String::new();
    let mut bytes = Vec::new();
    for (at, (_, escaped, value)) in parts.iter().enumerate() {
        let mut value = value.as_str();
        if at == 0
            && *escaped
            && let Some((charset, rest)) = value.split_once('\'')
        {
            charset.clone_into(&mut label);
            value = rest.split_once('\'').map_or(rest, |(_, rest)| rest);
        }
        bytes.extend(if *escaped { percent(value, b'%') } else { value.as_bytes().to_vec() });
    }
    let text = match labelled(&label) {
        Some(encoding) => encoding.decode_without_bom_handling(&bytes).0.into_owned(),
        None => charset::decode(&bytes, None).text,
    };
    Some(huiyin_sdk::text::squeeze(&text)).filter(|text| !text.is_empty())
}

/// A header's parts between semicolons that stand in no quotes.
fn pieces(text: &str) -> Vec<&str> {
    let (mut pieces, mut from, mut quoted) = (Vec::new(), 0, false);
    for (at, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            ';' if !quoted => {
                pieces.push(&text[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    pieces.push(&text[from..]);
    pieces
}

#[cfg(test)]
mod tests {
    use super::{BASE64, address, parameter, read, words};
    use base64::Engine as _;

    #[test]
    fn mailbox_words_that_are_cut_within_a_character_are_joined() {
        let bytes = encoding_rs::GBK.encode("关于后山火情的举报").0.into_owned();
        let cut = |at: usize| {
            let (one, two) = bytes.split_at(at);
            format!("=?gb2312?B?{}?=\r\n =?GB2312?B?{}?= (1)", BASE64.encode(one), BASE64.encode(two))
        };
        for at in [1, 2, 5, 8] {
            let folded = format!("Subject: {}\r\n\r\n", cut(at));
            let value = &read(folded.as_bytes())[0].1;
            assert_eq!(words(value), "关于后山火情的举报 (1)", "{at}");
        }
        for (raw, text) in [
            ("=?utf-8?q?=E7=81=AB=E6=83=85_=3D?=", "火情 ="),
            ("甲 =?utf-8?B?54Gr?= 乙 =?utf-8?B?54Gr?=", "甲 火 乙 火"),
            ("=?nonsense?B?54Gr?=", "=?nonsense?B?54Gr?="),
            ("=?utf-8?B?54Gr", "=?utf-8?B?54Gr"),
            ("=?utf-8*zh-CN?B?54Gr?=", "火"),
            ("1 =? 2", "1 =? 2"),
            ("=?gb2312?B?zKvSu9Tz?=", "太一泽"),
            ("=?gb18030?B?wapNqA==?=", "联M\u{fffd}"),
            ("=?gb2312?B?warNqA==?=", "联通"),
        ] {
            assert_eq!(words(raw.as_bytes()), text, "{raw}");
        }
        assert_eq!(words(&bytes), "关于后山火情的举报", "raw, without a word about its character set");
    }

    #[test]
    fn mailbox_addresses_are_parted_before_they_are_decoded() {
        for (raw, name, there) in [
            ("=?utf-8?B?5byg5LiJLCDmnY7lm5s=?= <z@example.cn>, b@example.cn", "张三, 李四", "z@example.cn"),
            ("\"=?utf-8?B?5byg5LiJ?=\" <z@example.cn>", "张三", "z@example.cn"),
            ("\"张三, 青枫县\" <z@example.cn>", "张三, 青枫县", "z@example.cn"),
            ("z@example.cn", "", "z@example.cn"),
            ("", "", ""),
            ("<", "", ""),
        ] {
            assert_eq!(address(raw.as_bytes()), (name.to_owned(), there.to_owned()), "{raw}");
        }
    }

    #[test]
    fn mailbox_names_of_attachments_are_whole() {
        for (raw, name) in [
            ("attachment; filename*0*=gb18030''%BB%F0; filename*1*=%C7%E9; filename*2=.jpg", "火情.jpg"),
            ("attachment; filename*=UTF-8''%E7%81%AB%E6%83%85.jpg; filename=\"x.jpg\"", "火情.jpg"),
            ("attachment; filename*1*=%C7%E9.jpg; filename*0*=gb2312'zh'%BB%F0", "火情.jpg"),
            ("attachment; filename=\"=?utf-8?B?54Gr5oOFLmpwZw==?=\"", "火情.jpg"),
            ("attachment; filename=\"a;b.jpg\"", "a;b.jpg"),
        ] {
            assert_eq!(parameter(raw.as_bytes(), "filename").as_deref(), Some(name), "{raw}");
        }
        for none in ["attachment", "attachment; filename=", "attachment; filename*x=1", ""] {
            assert_eq!(parameter(none.as_bytes(), "filename"), None, "{none}");
        }
    }
}
