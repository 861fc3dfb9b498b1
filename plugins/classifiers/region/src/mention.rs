//! Where a text names places.

use crate::table::{Form, Meaning, Table, meanings};

/// A name in a text.
#[derive(Debug, Clone)]
pub(crate) struct Mention {
    /// As the fold writes it.
    pub(crate) name: String,
    /// Where it begins and ends.
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) means: Vec<Meaning>,
}

impl Mention {
    /// Whether the text itself does not make it a place.
    pub(crate) fn weak(&self) -> bool {
        self.means.iter().all(|meaning| meaning.form == Form::Weak)
    }
}

/// The names, from left to right, the longest at each place, without overlaps. `own` is sorted.
pub(crate) fn mentions(table: &Table, own: &[(String, u32)], text: &str) -> Vec<Mention> {
    let mut out: Vec<Mention> = Vec::new();
    let (mut at, mut last) = (0, None);
    while let Some(c) = text[at..].chars().next() {
        let next = at + c.len_utf8();
        match longest(table, own, text, at, last) {
            Some(found) if !found.weak() || !stronger_within(table, own, text, &found) => {
                at = found.to;
                last = text[..at].chars().next_back();
                out.push(found);
            }
            _ => (at, last) = (next, Some(c)),
        }
    }
    out
}

/// Whether a whole name begins within a weak one and goes beyond it: 和平山县 is 和 and 平山县.
fn stronger_within(table: &Table, own: &[(String, u32)], text: &str, weak: &Mention) -> bool {
    let inside = text[weak.from..weak.to].char_indices().skip(1).map(|(at, _)| weak.from + at);
    inside.filter_map(|at| longest(table, own, text, at, text[..at].chars().next_back())).any(|found| {
        found.to > weak.to && found.means.iter().any(|meaning| matches!(meaning.form, Form::Full | Form::Own))
    })
}

/// The longest name that begins here and is one by what stands around it.
fn longest(table: &Table, own: &[(String, u32)], text: &str, at: usize, before: Option<char>) -> Option<Mention> {
    let rest = &text[at..];
    let mut found = None;
    if !own.is_empty() {
        let mut end = 0;
        for c in rest.chars() {
            end += c.len_utf8();
            let key = &rest[..end];
            let place = own.partition_point(|(name, _)| name.as_str() < key);
            match own.get(place) {
                Some((name, _)) if name.starts_with(key) => {
                    let same = own[place..].iter().take_while(|(name, _)| name == key);
                    let means: Vec<Meaning> =
                        same.map(|&(_, code)| Meaning { form: Form::Own, code, after: 0, until: u32::MAX }).collect();
                    if !means.is_empty() {
                        found = Some(Mention { name: key.to_owned(), from: at, to: at + end, means });
                    }
                }
                _ => break,
            }
        }
    }
    if rest.chars().next().is_some_and(|c| table.begins(c)) {
        table.names(rest, |end, written| {
            if found.as_ref().is_some_and(|other: &Mention| other.to >= at + end) {
                return;
            }
            let (name, behind) = rest.split_at(end);
            let mut means: Vec<Meaning> = meanings(written).collect();
            match stands(name, before, behind, &means) {
                Stands::No => return,
                Stands::Weakly => means.iter_mut().for_each(|meaning| meaning.form = Form::Weak),
                Stands::Yes => {}
            }
            found = Some(Mention { name: name.to_owned(), from: at, to: at + end, means });
        });
    }
    found
}

enum Stands {
    Yes,
    Weakly,
    No,
}

/// Characters outside the common ones stand in names of places that no table has: 𬒗河区 is not 河区.
fn rare(c: char) -> bool {
    c == '〇' || (c.is_alphabetic() && !c.is_ascii() && !('\u{4e00}'..='\u{9fa5}').contains(&c))
}

/// Whether a name, by its neighbours, is one.
fn stands(name: &str, before: Option<char>, behind: &str, means: &[Meaning]) -> Stands {
    let mut behind = behind.chars();
    let (next, second) = (behind.next(), behind.next());
    let next_in = |set: &str| next.is_some_and(|c| set.contains(c));
    let length = name.chars().count();
    let bare = means.iter().all(|meaning| matches!(meaning.form, Form::Bare | Form::Weak))
        && !name.ends_with(['区', '县', '市']);
    if before.is_some_and(rare) && (bare || length == 2) {
        return Stands::No;
    }
    if bare {
        // 中山路, 南京东路, 上海大街 lie anywhere.
        let road = |c: Option<char>| c.is_some_and(|c| "路街巷弄桥".contains(c));
        if road(next) || (next_in("东西南北中一二三大") && (road(second) || second == Some('道'))) {
            return Stands::No;
        }
        if next_in(match name {
            "大理" => "石",
            "中山" => "装陵舰",
            "北京" => "时烤",
            "黄山" => "毛",
            "吉林" => "大",
            _ => "",
        }) && name != "吉林"
        {
            return Stands::No;
        }
        // 黄河南岸, 太湖北侧, 珠江西岸, 泰山东麓.
        let split = match name {
            "河南" | "河北" => "黄淮洛辽运大漳滦渭汾",
            "湖南" | "湖北" => "太巢西东翠庭阳泊鄱明玄南",
            "江西" | "江东" => "长珠漓湘嘉赣松钱",
            "山西" | "山东" => "泰衡华嵩天佛黄中小大青紫香太火雪后前",
            "海南" | "海北" | "海东" | "海西" => "上渤黄东南北出",
            _ => "",
        };
        if before.is_some_and(|c| split.contains(c)) && (next_in("岸侧麓坡面部方头路角") || name != "海南")
        {
            return Stands::No;
        }
        return Stands::Yes;
    }
    let other_word = (name.ends_with('市') && next_in("民场面容井值价"))
        || (name.ends_with('区') && next_in("域别间块分划"))
        || (name.ends_with('旗') && next_in("帜袍"))
        || (name.ends_with('盟') && next_in("友国军员"));
    if other_word {
        return Stands::No;
    }
    // Two characters: 召开县委会议 is not 开县, and 通县, 达县 are long gone.
    let word = name.ends_with('县') && next_in("委级道长域内乡际处");
    let gone = means.iter().all(|meaning| meaning.until != u32::MAX);
    if length == 2 && (word || gone) { Stands::Weakly } else { Stands::Yes }
}
