//! A text in parts that each fit a limit.

/// A text of a thousand parts is none for a robot.
const DIGITS: usize = 3;

/// Bytes of UTF-8.
pub fn utf8_bytes(text: &str) -> usize {
    text.len()
}

/// Bytes within the quotes of a JSON text, as `serde_json` writes it.
pub fn json_bytes(text: &str) -> usize {
    text.chars()
        .map(|c| match c {
            '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
            c if c < ' ' => 6,
            c => c.len_utf8(),
        })
        .sum()
}

/// The text in as few parts as need be, each of at most `limit` as `measure` counts, its number included: （1/3）.
/// It is parted at the end of a line where one lies in the last third of a part, else at a character, and never
/// within one that is drawn of several (a joined emoji, a letter and its accent). Put together without the numbers,
/// and with the line breaks at the seams, the parts are the text.
///
/// # Errors
/// When not one character fits, or a thousand parts would be needed.
pub fn parts(text: &str, limit: usize, measure: fn(&str) -> usize) -> Result<Vec<String>, String> {
    if measure(text) <= limit {
        return Ok(vec![text.to_owned()]);
    }
    // Numbers of one digit take less room than those of two.
    for digits in 1..=DIGITS {
        let nines = "9".repeat(digits);
        let room = limit.saturating_sub(measure(&format!("（{nines}/{nines}）")));
        let mut all = Vec::new();
        let mut rest = text;
        while !rest.is_empty() && all.len().to_string().len() <= digits {
            let end = fitting(rest, room, measure);
            if end == 0 {
                return Err(format!("a part of {limit} bytes leaves no room for the text"));
            }
            let (part, after) = rest.split_at(end);
            all.push(part.strip_suffix('\n').unwrap_or(part));
            rest = after;
        }
        let count = all.len();
        if rest.is_empty() && count.to_string().len() <= digits {
            return Ok(all.iter().zip(1..).map(|(part, n)| format!("（{n}/{count}）{part}")).collect());
        }
    }
    Err(format!("the text needs more than {} parts of {limit} bytes", "9".repeat(DIGITS)))
}

/// How many bytes of the text stand in the next part.
fn fitting(text: &str, room: usize, measure: fn(&str) -> usize) -> usize {
    let mut used = 0;
    let mut end = 0;
    let mut joined = false;
    for (at, c) in text.char_indices() {
        // A place between two characters that are drawn apart.
        if !joined && !continues(c) {
            end = at;
        }
        joined = c == '\u{200d}';
        used += measure(c.encode_utf8(&mut [0; 4]));
        if used > room {
            // A character of endless pieces is parted all the same.
            let end = if end == 0 { at } else { end };
            let line = text[..end].rfind('\n').map(|line| line + 1).filter(|line| *line > end - end / 3);
            return line.unwrap_or(end);
        }
    }
    text.len()
}

/// Whether the character is drawn with the one before it.
fn continues(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36f}' | '\u{20d0}'..='\u{20ff}' | '\u{fe00}'..='\u{fe0f}' | '\u{200d}'
        | '\u{1f3fb}'..='\u{1f3ff}' | '\u{e0100}'..='\u{e01ef}' | '\u{e0020}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::{json_bytes, parts, utf8_bytes};

    fn whole(parts: &[String]) -> String {
        parts.iter().map(|part| part.split_once('）').map_or(part.as_str(), |(_, text)| text)).collect()
    }

    #[test]
    fn robot_parts_nothing_is_lost_and_each_part_fits() {
        // 682 Hanzi are 2,046 bytes: the last that fit into 2,048.
        assert_eq!(parts(&"火".repeat(682), 2048, utf8_bytes).unwrap().len(), 1);
        for text in [
            "火".repeat(683),
            "火a".repeat(9000),
            "👨‍👩‍👧".repeat(700),
            format!("{}🔥", "a".repeat(2046)),
            "e\u{301}".repeat(3000),
        ] {
            let all = parts(&text, 2048, utf8_bytes).unwrap();
            assert!(all.iter().all(|part| part.len() <= 2048), "{}", text.len());
            assert_eq!(whole(&all), text);
            let count = all.len();
            for (n, part) in all.iter().enumerate() {
                assert!(part.starts_with(&format!("（{}/{count}）", n + 1)), "{part}");
                let first = part.split_once('）').unwrap().1.chars().next().unwrap();
                assert!(!super::continues(first), "{first:?} is parted from what it belongs to");
            }
        }
    }

    #[test]
    fn robot_parts_end_with_a_line_where_one_is_near() {
        let text = format!("{}\n{}", "甲".repeat(20), "乙".repeat(20));
        let all = parts(&text, 90, utf8_bytes).unwrap();
        assert_eq!(all, [format!("（1/2）{}", "甲".repeat(20)), format!("（2/2）{}", "乙".repeat(20))]);
    }

    #[test]
    fn robot_parts_of_a_limit_that_is_none_are_refused() {
        assert!(parts("火火", 3, utf8_bytes).unwrap_err().contains("no room"));
        assert!(parts("火火火火火火", 0, utf8_bytes).is_err());
    }

    #[test]
    fn robot_parts_count_what_json_makes_of_a_text() {
        for text in ["a\"b\\c\n\t\u{1}回🔥\u{7f}", ""] {
            assert_eq!(json_bytes(text), serde_json::to_string(text).unwrap().len() - 2, "{text:?}");
        }
    }
}
