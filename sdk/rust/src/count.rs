//! Counts as platforms write them: readings, comments, shares, likes. Pure.

use crate::terms::fold;

/// A count: `12000`, `12,000`, `1.2万`, `10萬`, `１０万+`, `约10万次`, `12.3万阅读`, `100k`, `1.2 million`,
/// `3亿5000万`, `上百万`, `数十万`. Of several or of a vague one the least that it can be. None for what is
/// no count: `-3`, `50%`, `10:30`, `1.2.3`.
///
/// ```
/// assert_eq!(huiyin_sdk::count("12.3万阅读"), Some(123_000));
/// ```
pub fn count(text: &str) -> Option<u64> {
    let mut plain = String::with_capacity(text.len());
    for c in fold(text).chars() {
        let within = matches!(c, ',' | '\'' | '_' | ' ') && plain.ends_with(|last: char| last.is_ascii_digit());
        if !within {
            plain.push(c);
        }
    }
    let text = plain;
    let value = match text.find(|c: char| c.is_ascii_digit()) {
        Some(at) => in_digits(&text[..at], &text[at..])?,
        None => in_words(&text)?,
    };
    (value < 1e18).then_some(value as u64)
}

/// Units, longer ones first.
const UNITS: [(&str, f64); 18] = [
    ("billion", 1e9),
    ("million", 1e6),
    ("thousand", 1e3),
    ("mil", 1e6),
    ("bn", 1e9),
    ("万亿", 1e12),
    ("百亿", 1e10),
    ("十亿", 1e9),
    ("千万", 1e7),
    ("百万", 1e6),
    ("十万", 1e5),
    ("亿", 1e8),
    ("万", 1e4),
    ("千", 1e3),
    ("k", 1e3),
    ("w", 1e4),
    ("m", 1e6),
    ("b", 1e9),
];

/// A number in digits after some words, with its unit and what follows.
fn in_digits(before: &str, text: &str) -> Option<f64> {
    if before.ends_with(['-', '\u{2212}', '\u{2013}', '.', '第', '负']) {
        return None;
    }
    let (mut sum, mut last, mut rest) = (0.0, f64::INFINITY, text);
    loop {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at(end);
        let number = number.parse::<f64>().ok()?;
        let (unit, after) = unit(after);
        // `1万2千` goes on with smaller units; `10-20` and `1万2` do not.
        if unit >= last || (unit < 2.0 && last.is_finite() && number * 10.0 < last) {
            return None;
        }
        sum += number * unit;
        (last, rest) = (unit, after);
        if !rest.starts_with(|c: char| c.is_ascii_digit()) {
            break;
        }
    }
    let counts = !rest.starts_with(['%', '\u{2030}', '.', '/', ':']) && !rest.contains(|c: char| c.is_ascii_digit());
    counts.then_some(sum)
}

/// The unit that a text begins with, or 1.
fn unit(text: &str) -> (f64, &str) {
    for (name, value) in UNITS {
        let Some(after) = text.strip_prefix(name) else { continue };
        // `10 members` is not ten million.
        if !name.is_ascii() || !after.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return (value, after);
        }
    }
    (1.0, text)
}

/// A number in Chinese words: `十万`, `两百万`, `三千五百`; `上百万` and `数十万` are at least that.
fn in_words(text: &str) -> Option<f64> {
    let text = text.trim_start_matches(|c: char| {
        "约近超过逾破达上数几多已有共一共阅读播放浏览评论转发点赞量数:".contains(c) && c != '一'
    });
    // `sum` of whole parts, `part` below the next 万 or 亿, `digit` before its unit.
    let (mut sum, mut part, mut digit, mut read) = (0.0_f64, 0.0_f64, None::<f64>, false);
    for c in text.chars() {
        let small = match c {
            '十' => 10.0,
            '百' => 100.0,
            '千' => 1_000.0,
            '万' | '亿' => {
                let unit = if c == '万' { 1e4 } else { 1e8 };
                let before = part + digit.take().unwrap_or(0.0);
                if before == 0.0 {
                    return None;
                }
                part = 0.0;
                sum = if c == '亿' { (sum + before) * unit } else { sum + before * unit };
                continue;
            }
            '零' | '〇' => {
                read = true;
                continue;
            }
            c => {
                let Some(value) = "一二三四五六七八九".chars().position(|known| known == c) else {
                    if c == '两' {
                        (digit, read) = (Some(2.0), true);
                        continue;
                    }
                    break;
                };
                (digit, read) = (Some(value as f64 + 1.0), true);
                continue;
            }
        };
        part += digit.take().unwrap_or(1.0) * small;
        read = true;
    }
    read.then_some(sum + part + digit.unwrap_or(0.0))
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn plugins_17_counts_are_read_as_platforms_write_them() {
        for (text, value) in [
            ("12000", Some(12_000)),
            ("12,000", Some(12_000)),
            ("12 000", Some(12_000)),
            ("1.2万", Some(12_000)),
            ("10万+", Some(100_000)),
            ("10w+", Some(100_000)),
            ("3亿", Some(300_000_000)),
            ("5w", Some(50_000)),
            ("5W", Some(50_000)),
            ("１０万", Some(100_000)),
            ("１２，０００", Some(12_000)),
            ("10萬", Some(100_000)),
            ("1.5億", Some(150_000_000)),
            ("约10万", Some(100_000)),
            ("約10萬次", Some(100_000)),
            ("10万次", Some(100_000)),
            ("10万余次", Some(100_000)),
            ("12.3万阅读", Some(123_000)),
            ("阅读 12.3万", Some(123_000)),
            ("阅读量：12.3万", Some(123_000)),
            ("超过100万人次", Some(1_000_000)),
            ("100k", Some(100_000)),
            ("100K+", Some(100_000)),
            ("1.2M views", Some(1_200_000)),
            ("1.2 million", Some(1_200_000)),
            ("10 members", Some(10)),
            ("5千", Some(5_000)),
            ("1百万", Some(1_000_000)),
            ("2千万", Some(20_000_000)),
            ("3亿5000万", Some(350_000_000)),
            ("1万2千", Some(12_000)),
            ("1万2345", Some(12_345)),
            ("十万", Some(100_000)),
            ("十万+", Some(100_000)),
            ("上百万", Some(1_000_000)),
            ("数十万次", Some(100_000)),
            ("两百三十万", Some(2_300_000)),
            ("三亿五千万", Some(350_000_000)),
            ("三千零五", Some(3_005)),
            ("零", Some(0)),
            ("0", Some(0)),
            ("", None),
            ("many", None),
            ("无", None),
            ("-3", None),
            ("万", None),
            ("inf", None),
            ("1.2.3", None),
            (".5", None),
            ("50%", None),
            ("10:30", None),
            ("2024-03-01", None),
            ("10-20", None),
            ("第3", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(count(text), value, "{text}");
        }
    }
}
