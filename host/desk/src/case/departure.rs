//! Whether a text departs from the line (口径, clause 2b).
//!
//! Words are compared, not their meaning: both sides are brought into one form
//! first, so that width, case, blanks, punctuation and the way a number is
//! written make no difference (`３人`, `3 人` and `三人` are the same; `13人` is
//! not `3人`). What departs is flagged with its sentence, and a person decides.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use super::line::{Figure, Line};

/// How a text departs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DepartureKind {
    /// A statement that the line requires is missing.
    Required,
    /// It says what the line forbids.
    Forbidden,
    /// It gives another figure than the line.
    Figure,
}

impl DepartureKind {
    /// The name people read.
    pub fn zh(self) -> &'static str {
        match self {
            Self::Required => "缺少必须表述",
            Self::Forbidden => "含有禁用表述",
            Self::Figure => "数字与口径不符",
        }
    }
}

/// One place where a text departs from the line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Departure {
    /// How.
    pub kind: DepartureKind,
    /// What the line says.
    pub line: String,
    /// In which part of the response: `text`, or the id of a concern; none where it is missing in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// The sentence, as it is written; none where it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sentence: Option<String>,
}

impl std::fmt::Display for Departure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.part, &self.sentence) {
            (Some(part), Some(sentence)) => {
                write!(f, "{} “{}”: {part} says “{sentence}”", self.kind.zh(), self.line)
            }
            _ => write!(f, "{} “{}”", self.kind.zh(), self.line),
        }
    }
}

/// Every departure of a text with these parts (name, text), in the order of the line.
pub(super) fn departures(line: &Line, parts: &[(&str, &str)]) -> Vec<Departure> {
    let whole: Vec<Vec<char>> = parts.iter().map(|(_, text)| form(text)).collect();
    let mut found = Vec::new();
    for statement in &line.required {
        let wanted = form(statement);
        if !whole.iter().any(|text| contains(text, &wanted)) {
            found.push(Departure {
                kind: DepartureKind::Required,
                line: statement.clone(),
                part: None,
                sentence: None,
            });
        }
    }
    for (part, text) in parts {
        let sentences = sentences(text);
        let forms: Vec<Vec<char>> = sentences.iter().map(|sentence| form(sentence)).collect();
        for claim in &line.forbidden {
            let banned = form(claim);
            let mut push = |sentence: String| {
                found.push(Departure {
                    kind: DepartureKind::Forbidden,
                    line: claim.clone(),
                    part: Some((*part).to_owned()),
                    sentence: Some(sentence),
                });
            };
            let mut alone = false;
            for (sentence, words) in sentences.iter().zip(&forms) {
                if contains(words, &banned) {
                    alone = true;
                    push((*sentence).to_owned());
                }
            }
            // A claim that a full stop was put into.
            if !alone && let Some(at) = forms.windows(2).position(|pair| contains(&pair.concat(), &banned)) {
                push(sentences.iter().skip(at).take(2).copied().collect::<Vec<_>>().concat());
            }
        }
        for figure in &line.figures {
            for (sentence, words) in sentences.iter().zip(&forms) {
                if differs(words, figure) {
                    found.push(Departure {
                        kind: DepartureKind::Figure,
                        line: format!("{} {}", figure.name, figure.value),
                        part: Some((*part).to_owned()),
                        sentence: Some((*sentence).to_owned()),
                    });
                }
            }
        }
    }
    found
}

/// Whether a text says anything once it is brought into its form.
pub(super) fn says_something(text: &str) -> bool {
    !form(text).is_empty()
}

/// Whether one text says what another says.
pub(super) fn says(text: &str, claim: &str) -> bool {
    contains(&form(text), &form(claim))
}

/// Whether a value begins with a number.
pub(super) fn is_figure(value: &str) -> bool {
    form(value).first().is_some_and(char::is_ascii_digit)
}

/// A sentence that speaks of the figure, gives a number in its unit, and never the right one.
fn differs(words: &[char], figure: &Figure) -> bool {
    if !contains(words, &form(&figure.name)) {
        return false;
    }
    let value = form(&figure.value);
    let digits = value.iter().take_while(|c| is_number(**c)).count();
    let (number, unit) = value.split_at(digits);
    let mut given = false;
    let mut at = 0;
    while at < words.len() {
        let rest = words.get(at..).unwrap_or_default();
        let length = rest.iter().take_while(|c| is_number(**c)).count();
        if length == 0 {
            at += 1;
            continue;
        }
        let (found, after) = rest.split_at(length);
        if after.starts_with(unit) {
            given = true;
            if found == number {
                return false;
            }
        }
        at += length;
    }
    given
}

fn is_number(c: char) -> bool {
    c.is_ascii_digit() || c == '.'
}

/// Whether words stand in a text, numbers whole.
fn contains(text: &[char], words: &[char]) -> bool {
    if words.is_empty() || words.len() > text.len() {
        return false;
    }
    let numbers = (words.first().copied().is_some_and(is_number), words.last().copied().is_some_and(is_number));
    text.windows(words.len()).enumerate().any(|(at, window)| {
        let before = at.checked_sub(1).and_then(|before| text.get(before)).copied();
        let after = text.get(at + words.len()).copied();
        window == words && !(numbers.0 && before.is_some_and(is_number)) && !(numbers.1 && after.is_some_and(is_number))
    })
}

/// The sentences of a text, as they are written.
fn sentences(text: &str) -> Vec<&str> {
    let mut all = Vec::new();
    let mut from = 0;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let stop = match c {
            '。' | '!' | '！' | '?' | '？' | ';' | '；' | '\n' | '…' => true,
            '.' => chars.peek().is_none_or(|(_, next)| next.is_whitespace()),
            _ => false,
        };
        if stop {
            let to = at + c.len_utf8();
            all.push(text.get(from..to).unwrap_or_default().trim());
            from = to;
        }
    }
    all.push(text.get(from..).unwrap_or_default().trim());
    all.retain(|sentence| !sentence.is_empty());
    all
}

/// The one form in which texts are compared.
fn form(text: &str) -> Vec<char> {
    let chars: Vec<char> = text.nfkc().flat_map(char::to_lowercase).map(plain_numeral).collect();
    let mut out = Vec::with_capacity(chars.len());
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        let rest = chars.get(at..).unwrap_or_default();
        // 百分之三 is 3%.
        let percent = rest.starts_with(&['百', '分', '之']);
        let (value, length) = number(if percent { rest.get(3..).unwrap_or_default() } else { rest });
        if length > 0 {
            // Two numbers stay two numbers, whatever stood between them.
            if out.last().copied().is_some_and(is_number) {
                out.push('|');
            }
            out.extend(value.chars());
            if percent {
                out.push('%');
            }
            at += length + if percent { 3 } else { 0 };
            continue;
        }
        if c.is_alphanumeric() || matches!(c, '%' | '‰') {
            out.push(c);
        }
        at += 1;
    }
    out
}

/// 壹 is 一: numerals as cheques have them.
fn plain_numeral(c: char) -> char {
    const FORMAL: [(char, char); 16] = [
        ('壹', '一'),
        ('贰', '二'),
        ('叁', '三'),
        ('肆', '四'),
        ('伍', '五'),
        ('陆', '六'),
        ('柒', '七'),
        ('捌', '八'),
        ('玖', '九'),
        ('拾', '十'),
        ('佰', '百'),
        ('仟', '千'),
        ('零', '〇'),
        ('两', '二'),
        ('萬', '万'),
        ('億', '亿'),
    ];
    FORMAL.iter().find(|(formal, _)| *formal == c).map_or(c, |(_, plain)| *plain)
}

fn digit(c: char) -> Option<u128> {
    "〇一二三四五六七八九".chars().position(|d| d == c).and_then(|at| u128::try_from(at).ok())
}

/// Six decimals are kept.
const ONE: u128 = 1_000_000;

/// The number that a text begins with, and how many characters it takes; 0 where it begins with none.
fn number(chars: &[char]) -> (String, usize) {
    let (mut total, mut section, mut last): (u128, u128, Option<u128>) = (0, 0, None);
    let (mut at, mut spelt) = (0, false);
    while let Some(&c) = chars.get(at) {
        if c.is_ascii_digit() {
            if last.is_some() {
                break;
            }
            let (value, length) = arabic(chars.get(at..).unwrap_or_default());
            let Some(value) = value else {
                // Longer than any figure: it stays as it is written.
                return if at == 0 { (chars.iter().take(length).collect(), length) } else { (written(total), at) };
            };
            (last, spelt, at) = (Some(value), false, at + length);
            continue;
        }
        if let Some(value) = digit(c) {
            last = match last {
                None => Some(value * ONE),
                Some(before) if spelt => before.checked_mul(10).and_then(|tens| tens.checked_add(value * ONE)),
                Some(_) => break,
            };
            if last.is_none() {
                break;
            }
            (spelt, at) = (true, at + 1);
            continue;
        }
        let unit: u128 = match c {
            '十' => 10,
            '百' => 100,
            '千' => 1_000,
            '万' => 10_000,
            '亿' => 100_000_000,
            _ => break,
        };
        // 百姓, 千万, 万一: words, unless a number stands before.
        if at == 0 && unit != 10 {
            break;
        }
        let grown = if unit < 10_000 {
            last.unwrap_or(ONE).checked_mul(unit).and_then(|part| section.checked_add(part)).map(|sum| (total, sum))
        } else {
            let part = section.saturating_add(last.unwrap_or(0));
            if part == 0 && total == 0 {
                break;
            }
            if unit == 10_000 {
                part.checked_mul(unit).and_then(|part| total.checked_add(part)).map(|sum| (sum, 0))
            } else {
                total.checked_add(part).and_then(|sum| sum.checked_mul(unit)).map(|sum| (sum, 0))
            }
        };
        let Some(grown) = grown else { break };
        (total, section) = grown;
        (last, spelt, at) = (None, false, at + 1);
    }
    if at == 0 {
        return (String::new(), 0);
    }
    (written(total.saturating_add(section).saturating_add(last.unwrap_or(0))), at)
}

/// `1,200.50` in millionths, and how many characters it takes; no value where it is too long.
fn arabic(chars: &[char]) -> (Option<u128>, usize) {
    let is_digit = |at: usize| chars.get(at).is_some_and(char::is_ascii_digit);
    let mut digits = String::new();
    let mut at = 0;
    loop {
        match chars.get(at) {
            Some(c) if c.is_ascii_digit() => digits.push(*c),
            // A thousand's comma has three digits after it, and no more.
            Some(',') if is_digit(at + 1) && is_digit(at + 2) && is_digit(at + 3) && !is_digit(at + 4) => {}
            _ => break,
        }
        at += 1;
    }
    let mut decimals = String::new();
    if chars.get(at) == Some(&'.') && is_digit(at + 1) {
        at += 1;
        while let Some(c) = chars.get(at).filter(|c| c.is_ascii_digit()) {
            decimals.push(*c);
            at += 1;
        }
    }
    if digits.len() > 18 || decimals.len() > 6 {
        return (None, at);
    }
    let value = format!("{digits}{decimals:0<6}").parse().ok();
    (value, at)
}

fn written(value: u128) -> String {
    let (whole, rest) = (value / ONE, value % ONE);
    if rest == 0 {
        return whole.to_string();
    }
    format!("{whole}.{}", format!("{rest:06}").trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn formed(text: &str) -> String {
        form(text).into_iter().collect()
    }

    fn line(required: &[&str], forbidden: &[&str], figures: &[(&str, &str)]) -> Line {
        let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        Line {
            version: 1,
            text: "口径".to_owned(),
            required: texts(required),
            forbidden: texts(forbidden),
            figures: figures
                .iter()
                .map(|(name, value)| Figure { name: (*name).to_owned(), value: (*value).to_owned() })
                .collect(),
            author: "a".to_owned(),
            approved: super::super::Confirmation { by: "b".to_owned(), at: jiff::Timestamp::UNIX_EPOCH },
        }
    }

    #[test]
    fn the_way_a_number_is_written_makes_no_difference() {
        for (text, same) in [
            ("三人", "3人"),
            ("３ 人", "3人"),
            ("二十三亩", "23亩"),
            ("一百零五", "105"),
            ("1.2万人", "12000人"),
            ("一万二千人", "12000人"),
            ("1,200元", "1200元"),
            ("二〇二六年", "2026年"),
            ("百分之三点", "3%点"),
            ("3.50公顷", "3.5公顷"),
            ("叁拾人", "30人"),
            ("两人", "2人"),
            ("3亿5千万", "350000000"),
        ] {
            assert_eq!(formed(text), same, "{text}");
        }
        assert_eq!(formed("3、5号"), "3|5号");
        assert_eq!(formed("百姓千万小心"), "百姓千万小心");
        assert_eq!(formed("99999999999999999999人"), "99999999999999999999人");
    }

    #[test]
    fn a_figure_stands_whole() {
        let line = line(&[], &["3人死亡"], &[]);
        let flagged = |text: &str| !departures(&line, &[("text", text)]).is_empty();
        assert!(flagged("已有三人死亡。") && flagged("３ 人 死亡") && flagged("3人\u{200b}死亡"));
        assert!(flagged("据悉，3人。死亡原因待查。"), "a full stop within hides nothing");
        assert!(!flagged("13人死亡") && !flagged("0.3人死亡") && !flagged("无人死亡"));
    }

    #[test]
    fn the_flag_names_the_sentence() {
        let line = line(&["无人员伤亡"], &["人为纵火"], &[("过火面积", "12公顷")]);
        let found = departures(
            &line,
            &[("text", "火已扑灭。系人为纵火!过火面积约十五公顷。"), ("c1", "过火面积12公顷,其中林地3公顷。")],
        );
        let said: Vec<_> = found.iter().map(|d| (d.kind, d.sentence.as_deref())).collect();
        assert_eq!(
            said,
            [
                (DepartureKind::Required, None),
                (DepartureKind::Forbidden, Some("系人为纵火!")),
                (DepartureKind::Figure, Some("过火面积约十五公顷。")),
            ]
        );
        let good = "火已扑灭,无人员 伤亡。过火面积12.0公顷。";
        assert!(departures(&line, &[("text", good)]).is_empty());
    }

    #[test]
    fn a_required_statement_may_stand_in_any_part_and_over_two_sentences() {
        let line = line(&["火已扑灭,无人员伤亡"], &[], &[]);
        assert!(departures(&line, &[("text", "另见答复。"), ("c1", "火已扑灭。无人员伤亡。")]).is_empty());
        assert_eq!(departures(&line, &[("text", "火已扑灭。"), ("c1", "无人员伤亡。")]).len(), 1);
    }
}
