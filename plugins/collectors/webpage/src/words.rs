//! Small words of pages: labels with their values, and times among other words.

use huiyin_sdk::time::Times;
use scraper::{ElementRef, Node};

/// Labels of the government's tables (政府信息公开目录), and the field that each is.
const LABELS: &[(&str, &str)] = &[
    ("发布日期", PUBLISHED),
    ("发布时间", PUBLISHED),
    ("公开日期", PUBLISHED),
    ("公开时间", PUBLISHED),
    ("成文日期", "issued"),
    ("成文时间", "issued"),
    ("生成日期", "issued"),
    ("发文日期", "issued"),
    ("发文机关", "issuer"),
    ("发布机构", "issuer"),
    ("发文单位", "issuer"),
    ("公开主体", "issuer"),
    ("发文字号", "number"),
    ("文号", "number"),
    ("索引号", "index"),
    ("主题分类", "topic"),
];

/// The value of 发布日期.
pub(crate) const PUBLISHED: &str = "published";

/// The longest text that is looked at for a label, in characters.
const LONGEST: usize = 80;

/// Words that part a line of a page's head.
const PARTS: &[&str] = &[
    "来源",
    "信息来源",
    "作者",
    "编辑",
    "责任编辑",
    "浏览",
    "点击",
    "阅读",
    "访问",
    "字号",
    "字体",
    "打印",
    "分享",
    "发布机构",
    "发布单位",
    "发布者",
    "供稿",
];

/// The first time among other words: the whole text, else one of the pieces
/// that labels, bars and wide spaces part it into. None where there is none, or
/// where two pieces are different times and no label says which.
pub(crate) fn moment(text: &str, times: &Times) -> Option<u64> {
    let text = text.trim().trim_matches(['[', ']', '(', ')', '（', '）', '【', '】', '〔', '〕', '·', '|']).trim();
    if let Some(there) = times.read(text) {
        return Some(there);
    }
    let mut pieces = text.to_owned();
    for word in PARTS {
        pieces = pieces.replace(word, "\n");
    }
    let pieces: Vec<&str> =
        pieces.split(['\n', '|', '｜', '\u{3000}', '【', '】', '[', ']', '丨']).map(str::trim).collect();
    let labelled = pieces.iter().find_map(|piece| {
        let (label, value) = piece.split_once([':', '：'])?;
        let label: String = label.chars().filter(|c| !c.is_whitespace()).collect();
        let known = LABELS.iter().any(|(name, field)| *name == label && *field == PUBLISHED);
        (known || matches!(label.as_str(), "时间" | "日期")).then(|| times.read(value.trim()))?
    });
    if labelled.is_some() {
        return labelled;
    }
    // Another date, of which nothing says what it is: none is the time of publication.
    let mut found = Vec::new();
    for piece in pieces {
        match times.read(piece) {
            Some(there) => found.push(there),
            None if dated(piece) => return None,
            None => {}
        }
    }
    let first = *found.first()?;
    found.iter().all(|other| *other == first).then_some(first)
}

/// Whether a date stands in it: four digits of a year and what parts it from a month.
fn dated(text: &str) -> bool {
    let chars: Vec<char> = text.chars().collect();
    chars.windows(5).any(|five| {
        matches!(five[..2], ['1', '9'] | ['2', '0'])
            && five[2..4].iter().all(char::is_ascii_digit)
            && matches!(five[4], '-' | '/' | '.' | '年')
    })
}

/// Labels of a page and their values, each label's first.
pub(crate) fn labelled<'a>(elements: impl Iterator<Item = ElementRef<'a>>) -> Vec<(&'static str, String)> {
    let mut found: Vec<(&'static str, String)> = Vec::new();
    for element in elements {
        // Long texts are no labels: they are not even put together.
        let mut length = 0;
        let short = element.text().all(|piece| {
            length += piece.trim().chars().count();
            length <= LONGEST
        });
        if !short || length == 0 {
            continue;
        }
        let whole: String = element.text().collect();
        let Some((field, rest)) = label(&whole) else { continue };
        if found.iter().any(|(there, _)| *there == field) {
            continue;
        }
        let value = if rest.is_empty() { next(element) } else { Some(rest) };
        if let Some(value) = value.filter(|value| !value.is_empty() && label(value).is_none()) {
            found.push((field, value));
        }
    }
    found
}

/// Whether a text is a label, perhaps with its value.
pub(crate) fn is_label(text: &str) -> bool {
    label(text).is_some()
}

/// The field of a label at the beginning of a text, and what follows it.
fn label(text: &str) -> Option<(&'static str, String)> {
    let bare = |c: char| c.is_whitespace() || matches!(c, '\u{3000}' | '\u{a0}' | '[' | '【' | '*');
    let text = text.trim_matches(bare);
    LABELS.iter().find_map(|(name, field)| {
        let mut rest = text;
        for wanted in name.chars() {
            rest = rest.trim_start_matches(bare).strip_prefix(wanted)?;
        }
        let rest = rest.trim_start_matches(|c| bare(c) || matches!(c, ']' | '】'));
        match rest.strip_prefix([':', '：']) {
            Some(value) => Some((*field, huiyin_sdk::text::squeeze(value))),
            None => rest.is_empty().then(|| (*field, String::new())),
        }
    })
}

/// The text of what stands behind an element.
fn next(element: ElementRef<'_>) -> Option<String> {
    for sibling in element.next_siblings() {
        match sibling.value() {
            Node::Text(text) if !text.trim().is_empty() => {
                return Some(huiyin_sdk::text::squeeze(text.trim_start_matches([':', '：', ' '])));
            }
            Node::Element(_) => {
                let text: String = ElementRef::wrap(sibling)?.text().collect();
                return Some(huiyin_sdk::text::squeeze(&text));
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use huiyin_sdk::time::Times;
    use scraper::{Html, Selector};

    use super::{labelled, moment};

    #[test]
    fn webpage_dates_stand_among_other_words() {
        let times = Times::default();
        let there = Some(1_709_253_000_000);
        for text in [
            "2024-03-01 08:30",
            "[2024-03-01 08:30]",
            "（2024年3月1日 8:30）",
            "发布时间：2024-03-01 08:30 来源：林草局 浏览：27次",
            "来源：林草局　　时间：2024-03-01 08:30　　【字体：大 中 小】",
            "2024年3月1日上午8时30分 来源: 林草局",
            "来源：林草局 | 2024/3/1 8:30 | 阅读 2024",
            "发布机构：林草局　发布日期：2024-03-01 08:30　索引号：1",
        ] {
            assert_eq!(moment(text, &times), there, "{text}");
        }
        for text in
            ["来源：林草局", "03-01", "2024-03-01 至 2024-03-31", "活动时间 2024-03-01 | 2024-03-05", "2024", ""]
        {
            assert_eq!(moment(text, &times), None, "{text}");
        }
    }

    #[test]
    fn webpage_labels_are_found_with_their_values() {
        let page = Html::parse_document(
            "<table><tr><td>索 引 号</td><td>LC-1</td><td>发布日期：</td><td>2024-03-01</td></tr><tr><th>成文日期</th><td>2024年2月28日</td></tr></table>
             <p>发文机关：临海市林草局</p><p>发布日期：以本页为准，此句很长很长很长很长很长很长很长很长很长很长很长很长很长很长很长很长很长很长很长很长很长很长很长很长很长很长很长很长很长很长很长很长</p><p><b>文号：</b>林函〔2024〕1号</p>",
        );
        let all = Selector::parse("td, th, p, b").unwrap();
        assert_eq!(
            labelled(page.select(&all)),
            [
                ("index", "LC-1".to_owned()),
                ("published", "2024-03-01".to_owned()),
                ("issued", "2024年2月28日".to_owned()),
                ("issuer", "临海市林草局".to_owned()),
                ("number", "林函〔2024〕1号".to_owned()),
            ]
        );
    }
}
