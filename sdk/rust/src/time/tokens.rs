//! A time's text in tokens. A character or word that is none of them makes
//! the whole text no time.

use super::zones::{self, Zone};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    /// A number, and with how many digits it was written.
    Number(u64, u8),
    /// `- / . : , + ( ) [ ]`
    Mark(char),
    Space,
    /// `T` between a date and a time.
    T,
    /// `st`, `nd`, `rd`, `th`
    Ordinal,
    Unit(Unit),
    Month(i8),
    Weekday,
    Period(Period),
    Zone(Zone),
}

/// 年月日时分秒, and what stands for minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    /// 半
    Half,
    /// 刻
    Quarter,
    /// 整
    Sharp,
}

/// The part of a day that an hour is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Period {
    /// AM, 上午, 凌晨: twelve is midnight.
    Am,
    /// 早上, 清晨: not at twelve.
    Morning,
    /// 中午
    Noon,
    /// PM, 下午: twelve is noon.
    Pm,
    /// 傍晚
    Dusk,
    /// 晚上: twelve is the end of which day?
    Night,
}

impl Period {
    /// The hour of the day, 0 to 23; none where the two do not go together.
    pub(super) fn hour(self, hour: u64) -> Option<u64> {
        match (self, hour) {
            (Self::Am, 12) => Some(0),
            (Self::Am | Self::Morning, 0..=11)
            | (Self::Noon, 10..=14)
            | (Self::Pm, 12..=23)
            | (Self::Dusk, 16..=20)
            | (Self::Night, 17..=23) => Some(hour),
            (Self::Noon, 1 | 2) | (Self::Pm, 0..=11) | (Self::Dusk, 4..=8) | (Self::Night, 5..=11) => Some(hour + 12),
            _ => None,
        }
    }
}

/// Chinese words, the longer before those that begin them.
const WORDS: &[(&str, Token)] = &[
    ("北京时间", Token::Zone(Zone::Fixed(8 * 3600))),
    ("中国标准时间", Token::Zone(Zone::Fixed(8 * 3600))),
    ("世界协调时间", Token::Zone(Zone::Fixed(0))),
    ("协调世界时", Token::Zone(Zone::Fixed(0))),
    ("格林尼治标准时间", Token::Zone(Zone::Fixed(0))),
    ("格林威治标准时间", Token::Zone(Zone::Fixed(0))),
    ("凌晨", Token::Period(Period::Am)),
    ("上午", Token::Period(Period::Am)),
    ("午前", Token::Period(Period::Am)),
    ("清晨", Token::Period(Period::Morning)),
    ("早晨", Token::Period(Period::Morning)),
    ("早上", Token::Period(Period::Morning)),
    ("中午", Token::Period(Period::Noon)),
    ("正午", Token::Period(Period::Noon)),
    ("下午", Token::Period(Period::Pm)),
    ("午后", Token::Period(Period::Pm)),
    ("午後", Token::Period(Period::Pm)),
    ("傍晚", Token::Period(Period::Dusk)),
    ("晚上", Token::Period(Period::Night)),
    ("晚间", Token::Period(Period::Night)),
    ("晚間", Token::Period(Period::Night)),
    ("夜间", Token::Period(Period::Night)),
    ("夜晚", Token::Period(Period::Night)),
    ("晚", Token::Period(Period::Night)),
    ("分钟", Token::Unit(Unit::Minute)),
    ("年", Token::Unit(Unit::Year)),
    ("月", Token::Unit(Unit::Month)),
    ("日", Token::Unit(Unit::Day)),
    ("号", Token::Unit(Unit::Day)),
    ("號", Token::Unit(Unit::Day)),
    ("时", Token::Unit(Unit::Hour)),
    ("時", Token::Unit(Unit::Hour)),
    ("点", Token::Unit(Unit::Hour)),
    ("點", Token::Unit(Unit::Hour)),
    ("分", Token::Unit(Unit::Minute)),
    ("秒", Token::Unit(Unit::Second)),
    ("半", Token::Unit(Unit::Half)),
    ("刻", Token::Unit(Unit::Quarter)),
    ("整", Token::Unit(Unit::Sharp)),
];

/// What pages write before a date.
const LABELS: &[&str] = &["发布时间", "发布日期", "发表时间", "发布于", "发表于", "日期", "时间"];

const WEEK: &[&str] = &["星期", "礼拜", "周", "週"];

const MONTHS: &[&str] = &[
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

const DAYS: &[&str] = &["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// Full width to ASCII, and the kinds of white space to one.
fn narrow(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        '−' | '–' | '‐' | '‑' => '-',
        c if c.is_whitespace() || c == '\u{feff}' || c == '\u{200b}' => ' ',
        c => c,
    }
}

/// The longest text that is looked at, in characters.
const LONGEST: usize = 120;

pub(super) fn read(text: &str) -> Option<Vec<Token>> {
    let text: String = text.trim().chars().take(LONGEST + 1).map(narrow).collect();
    let mut rest = text.trim();
    if rest.is_empty() || rest.chars().count() > LONGEST {
        return None;
    }
    if let Some(after) = LABELS.iter().find_map(|label| rest.strip_prefix(label)) {
        let after = after.trim_start();
        rest = after.strip_prefix(':').unwrap_or(after).trim_start();
    }
    let mut tokens = Vec::new();
    while let Some(c) = rest.chars().next() {
        let (token, length) = match c {
            ' ' => (Token::Space, rest.len() - rest.trim_start_matches(' ').len()),
            '0'..='9' => number(rest)?,
            'a'..='z' | 'A'..='Z' => word(rest)?,
            '-' | '/' | '.' | ':' | ',' | '+' | '(' | ')' | '[' | ']' => (Token::Mark(c), 1),
            '、' => (Token::Mark(','), c.len_utf8()),
            _ => chinese(rest)?,
        };
        if !(token == Token::Space && tokens.last() == Some(&Token::Space)) {
            tokens.push(token);
        }
        rest = &rest[length..];
    }
    Some(tokens)
}

fn number(rest: &str) -> Option<(Token, usize)> {
    let length = rest.bytes().take_while(u8::is_ascii_digit).count();
    Some((Token::Number(rest[..length].parse().ok()?, u8::try_from(length).ok()?), length))
}

fn word(rest: &str) -> Option<(Token, usize)> {
    let length = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
    let lower = rest[..length].to_ascii_lowercase();
    let after = &rest[length..];
    if after.strip_prefix('/').is_some_and(|next| next.starts_with(|c: char| c.is_ascii_alphabetic())) {
        let length =
            rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'_' | b'-' | b'+')).count();
        return Some((Token::Zone(zones::named(&rest[..length])?), length));
    }
    // "a.m."
    if matches!(lower.as_str(), "a" | "p") && after.len() >= 2 && after[..2].eq_ignore_ascii_case(".m") {
        let length = length + 2 + usize::from(after[2..].starts_with('.'));
        return Some((Token::Period(if lower == "a" { Period::Am } else { Period::Pm }), length));
    }
    // "Mar." and "Fri." are short; a dot after a whole word is none of its.
    let dotted = length + usize::from(after.starts_with('.'));
    let prefix_of = |names: &[&str], least: usize| {
        names.iter().position(|name| {
            *name == lower || (lower.len() >= least && lower.len() <= 4 && name.starts_with(lower.as_str()))
        })
    };
    if let Some(month) = prefix_of(MONTHS, 3) {
        return Some((Token::Month(i8::try_from(month + 1).ok()?), dotted));
    }
    if prefix_of(DAYS, 3).is_some() {
        return Some((Token::Weekday, dotted));
    }
    let token = match lower.as_str() {
        "t" => Token::T,
        "am" => Token::Period(Period::Am),
        "pm" => Token::Period(Period::Pm),
        "st" | "nd" | "rd" | "th" => Token::Ordinal,
        _ => Token::Zone(zones::abbreviation(&lower)?),
    };
    Some((token, length))
}

fn chinese(rest: &str) -> Option<(Token, usize)> {
    for week in WEEK {
        if let Some(day) = rest.strip_prefix(week).and_then(|after| after.chars().next()) {
            return "一二三四五六日天".contains(day).then(|| (Token::Weekday, week.len() + day.len_utf8()));
        }
    }
    if let Some(after) = rest.strip_prefix("元月") {
        // Written as a numeral before 月, so that it is one here too.
        return Some((Token::Number(1, 1), rest.len() - after.len() - "月".len()));
    }
    if let Some((word, token)) = WORDS.iter().find(|(word, _)| rest.starts_with(word)) {
        return Some((*token, word.len()));
    }
    let end = rest.find(|c| numeral(c).is_none()).unwrap_or(rest.len());
    let (value, digits) = numerals(&rest[..end])?;
    Some((Token::Number(value, digits), end))
}

/// A digit, or 10 for 十; 廿 and 卅 are 20 and 30.
fn numeral(c: char) -> Option<u64> {
    Some(match c {
        '〇' | '○' | '零' | 'Ｏ' => 0,
        '一' => 1,
        '二' | '两' => 2,
        '三' => 3,
        '四' => 4,
        '五' => 5,
        '六' => 6,
        '七' => 7,
        '八' => 8,
        '九' => 9,
        '十' => 10,
        '廿' => 20,
        '卅' => 30,
        _ => return None,
    })
}

/// 二〇二四 digit by digit; 十一, 二十, 三十一, 廿五, 零五 by their value.
fn numerals(text: &str) -> Option<(u64, u8)> {
    let values: Vec<u64> = text.chars().filter_map(numeral).collect();
    let value = match values.as_slice() {
        [] => return None,
        all if all.iter().all(|&v| v < 10) => {
            if all.len() > 4 {
                return None;
            }
            let value = all.iter().fold(0, |sum, v| sum * 10 + v);
            return Some((value, u8::try_from(all.len()).ok()?));
        }
        [tens @ (10 | 20 | 30)] => *tens,
        [tens @ (10 | 20 | 30), ones @ 1..=9] => tens + ones,
        [many @ 1..=9, 10] => many * 10,
        [many @ 1..=9, 10, ones @ 1..=9] => many * 10 + ones,
        _ => return None,
    };
    Some((value, 2))
}
