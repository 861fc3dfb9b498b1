//! What of an item is compared: who passes on whom, and the text behind it.

use huiyin_sdk::Item;
use huiyin_sdk::terms::fold;

/// The most characters that are compared. What stands behind them is not looked at.
pub(crate) const COMPARED: usize = 400;

/// An item as it is compared.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Reading {
    /// The characters that are compared; of a repost those of what it passes on. Empty where nothing is said.
    pub(crate) text: Vec<char>,
    /// The text is longer than what is compared.
    pub(crate) cut: bool,
    /// Whether it passes something on.
    pub(crate) repost: bool,
    /// Through whom, the original's author first.
    pub(crate) chain: Vec<String>,
}

/// What platforms write when nobody wrote anything.
const NOTHING: [&str; 14] = [
    "转发微博",
    "快转微博",
    "转发",
    "转",
    "转载",
    "分享图片",
    "分享视频",
    "分享",
    "分享链接",
    "网页链接",
    "查看图片",
    "如图",
    "repost",
    "rt",
];

/// Words before a text that another wrote.
const MARKS: [&str; 10] =
    ["【转发】", "【转载】", "【转】", "[转发]", "[转载]", "[转]", "(转)", "转发:", "转载:", "转:"];

/// Lines that say who wrote or edited and not what happened.
const CREDITS: [&str; 13] = [
    "来源:",
    "文章来源:",
    "信息来源:",
    "稿件来源:",
    "责任编辑:",
    "责编:",
    "编辑:",
    "审核:",
    "作者:",
    "原标题:",
    "发布时间:",
    "校对:",
    "(来源",
];

pub(crate) fn read(item: &Item) -> Reading {
    let mut whole = String::with_capacity(item.title.len() + item.body.len() + 1);
    let (title, body) = (item.title.trim(), item.body.trim());
    // Many sources repeat the title, or as much of it as fits, as the body's beginning.
    if !body.starts_with(title.trim_end_matches(['…', '.'])) {
        push_lines(&mut whole, title);
    }
    push_lines(&mut whole, body);
    let whole = without_addresses(&fold(&whole));
    let mut reading = Reading::default();
    let (chain, mut said) = original(&whole);
    reading.repost = !chain.is_empty();
    reading.chain = chain;
    while let Some(rest) = MARKS.iter().find_map(|mark| said.trim_start().strip_prefix(mark)) {
        reading.repost = true;
        said = rest;
    }
    if let Some(rest) = said.strip_prefix("回复@") {
        said = rest.split_once(':').map_or(said, |(_, rest)| rest);
    }
    let said = without_dateline(said);
    let plain = plain(said);
    let nothing = NOTHING.iter().any(|known| known.chars().eq(plain.iter().copied()));
    reading.repost |= nothing && !plain.is_empty();
    if !nothing {
        reading.cut = plain.len() > COMPARED;
        reading.text = plain;
        reading.text.truncate(COMPARED);
    }
    reading
}

/// The lines that say what happened.
fn push_lines(out: &mut String, text: &str) {
    for line in text.lines() {
        if line.chars().nth(60).is_none() {
            let line = fold(line);
            if CREDITS.iter().any(|credit| line.starts_with(credit)) {
                continue;
            }
        }
        out.push_str(line);
        out.push('\n');
    }
}

/// Addresses differ from copy to copy.
fn without_addresses(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = [rest.find("http://"), rest.find("https://")].into_iter().flatten().min() {
        out.push_str(&rest[..at]);
        let address = &rest[at..];
        let end = address.find(|c: char| !c.is_ascii_graphic()).unwrap_or(address.len());
        rest = &address[end..];
    }
    out.push_str(rest);
    out
}

/// The names through whom a text came, the last one first reached, and what the first of them said:
/// `comment//@甲:comment//@乙:said`.
fn original(text: &str) -> (Vec<String>, &str) {
    let mut chain = Vec::new();
    let mut rest = text;
    while let Some((_, behind)) = rest.split_once("//@") {
        let Some((name, said)) = behind.split_once(':') else { break };
        if name.is_empty() || name.chars().nth(30).is_some() || name.contains("//") {
            break;
        }
        chain.push(name.to_owned());
        rest = said;
    }
    if let (true, Some(behind)) = (chain.is_empty(), rest.strip_prefix("rt @"))
        && let Some((name, said)) = behind.split_once(':')
    {
        return (vec![name.to_owned()], said);
    }
    chain.reverse();
    (chain, rest)
}

/// What follows `本报3月1日讯(记者 某某)` and its like, in a text that goes on.
fn without_dateline(text: &str) -> &str {
    let head = text.char_indices().nth(50).map_or(text.len(), |(at, _)| at);
    let end = ["日讯", "日电", "本报讯", "本网讯", "本刊讯", "综合讯"]
        .iter()
        .filter_map(|mark| text[..head].find(mark).map(|at| at + mark.len()))
        .min();
    let Some(end) = end else { return text };
    let mut rest = text[end..].trim_start_matches(['】', ']', ')', ' ', ':', ',']);
    if let Some(behind) = rest.strip_prefix('(')
        && let Some((names, said)) = behind.split_once(')')
        && names.chars().nth(40).is_none()
    {
        rest = said.trim_start_matches(['】', ']', ' ', ':']);
    }
    // A text that is hardly more than its dateline is compared with it.
    if rest.chars().nth(30).is_some() { rest } else { text }
}

/// Letters, characters and digits, and what makes another number of digits: `3.5`, `3%`, `-3`.
fn plain(text: &str) -> Vec<char> {
    let mut out: Vec<char> = Vec::with_capacity(text.len() / 3 + 1);
    let mut chars = text.chars().peekable();
    let mut last = ' ';
    while let Some(c) = chars.next() {
        let before = last.is_ascii_digit();
        let behind = chars.peek().is_some_and(char::is_ascii_digit);
        let keep = c.is_alphanumeric()
            || (matches!(c, '%' | '\u{2030}' | '℃' | '°') && before)
            || (matches!(c, '.' | ':' | '/') && before && behind)
            || (matches!(c, '-' | '\u{2212}') && behind);
        if keep {
            out.push(c);
        }
        last = c;
        if out.len() > COMPARED {
            break;
        }
    }
    out
}
