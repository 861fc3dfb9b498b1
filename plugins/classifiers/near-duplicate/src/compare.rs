//! How like two texts are, and whether what differs makes two matters of it.

/// A text as it is compared: its bigrams as numbers without order of their own, sorted.
#[derive(Debug, Clone)]
pub(crate) struct Shingles(Vec<u64>);

impl Shingles {
    /// Empty for a text of fewer than two characters.
    pub(crate) fn of(text: &[char]) -> Self {
        let pairs = text.iter().zip(text.iter().skip(1));
        let mut all: Vec<u64> =
            pairs.map(|(&a, &b)| mixed(u64::from(u32::from(a)) << 21 | u64::from(u32::from(b)))).collect();
        all.sort_unstable();
        all.dedup();
        Self(all)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Of two sets that are as like as `threshold`, each has one of the other's among these.
    pub(crate) fn prefix(&self, threshold: f64) -> &[u64] {
        let common = (threshold * self.len() as f64 - 1e-9).ceil() as usize;
        &self.0[..(self.len() + 1).saturating_sub(common).min(self.len())]
    }

    /// The share of common bigrams among all, 0.0 where there are none.
    pub(crate) fn likeness(&self, other: &Self) -> f64 {
        let (a, b) = (&self.0, &other.0);
        let (mut i, mut j, mut common) = (0, 0, 0_usize);
        while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
            common += usize::from(x == y);
            i += usize::from(x <= y);
            j += usize::from(y <= x);
        }
        let all = a.len() + b.len() - common;
        if all == 0 { 0.0 } else { common as f64 / all as f64 }
    }
}

/// One number for each, and neighbours far apart: an order in which no character comes first.
fn mixed(pair: u64) -> u64 {
    let mut x = pair.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x ^= x >> 32;
    x = x.wrapping_mul(0xd6e8_feb8_6659_fd93);
    x ^ (x >> 32)
}

/// A text of fewer characters has to be the same.
const SHORT: usize = 6;

/// From so many characters on, something may be added to a text.
const LONG: usize = 40;

/// From so many on, one character.
const ENOUGH: usize = 10;

/// A character in so many may be another.
const ONE_IN: usize = 16;

/// Characters that carry no matter: in their place there may be nothing, or another of them.
const LIGHT: &str =
    "的地得了着过是在将要把就还也都和与及等这那该其吗呢吧啊呀哦哈啦嘛之所于对向给让为有会能可以正系由从即并且而但";

/// What turns a sentence into another.
const NEGATIONS: &str = "已未不没无非否勿莫别休免拒禁停止消撤辟谣假伪真误疑似曾";

/// What tells how many, which, how much and when.
const NUMERALS: &str = "零〇一二三四五六七八九十百千万亿两双半甲乙丙丁上下前后左右初再又首次昨今明东西南北中";

/// What a name ends with, of a place or of a body.
const ENDS: &str =
    "省市县区州盟旗镇乡村屯寨社街路巷里庄店铺沟岭山峰坡岗湖河江溪库桥港站岛林园场局厅院校学厂队部委馆司所矿井组号楼栋";

/// What follows or ends a person's name.
const PERSONS: &str = "某姓氏";

/// What turns a matter round when one stands in the place of another.
const OPPOSITES: &str =
    "涨跌升降增减开关启闭生死伤亡男女进出大小高低多少新旧内外公私买卖输赢胜负败恢复中断支持反对抓放";

/// What stands at a difference, on either side.
struct Hunk<'a> {
    ours: &'a [char],
    theirs: &'a [char],
    /// What both have behind it.
    behind: &'a [char],
    /// What both have before it.
    before: Option<char>,
}

/// Whether two texts, near by their bigrams, are two matters: None if they are one, else what tells them apart.
pub(crate) fn told_apart(ours: &[char], theirs: &[char]) -> Option<String> {
    if ours == theirs {
        return None;
    }
    let shorter = ours.len().min(theirs.len());
    let shown = |hunk: &Hunk<'_>| {
        let text = |side: &[char]| side.iter().take(12).collect::<String>();
        format!("“{}”与“{}”", text(hunk.ours), text(hunk.theirs))
    };
    if shorter < SHORT {
        return Some("过短".to_owned());
    }
    let (mut replaced, mut added) = (0, 0);
    for hunk in hunks(ours, theirs) {
        let any = |set: &str| hunk.ours.iter().chain(hunk.theirs).any(|&c| set.contains(c));
        if hunk.ours.iter().chain(hunk.theirs).any(|c| c.is_numeric() || matches!(c, '%' | '.' | '-' | ':' | '/')) {
            return Some(shown(&hunk));
        }
        if any(NUMERALS) || any(NEGATIONS) {
            return Some(shown(&hunk));
        }
        let both = !hunk.ours.is_empty() && !hunk.theirs.is_empty();
        let weight = |side: &[char]| side.iter().filter(|&&c| !LIGHT.contains(c)).count();
        let weight = weight(hunk.ours).max(weight(hunk.theirs));
        // A name that is another one: what differs ends as names do, or what follows does.
        let ends = |side: &[char]| side.last().is_some_and(|&c| ENDS.contains(c));
        let named = ends(hunk.ours) || ends(hunk.theirs) || hunk.behind.iter().take(2).any(|&c| ENDS.contains(c));
        let person = hunk.behind.first().is_some_and(|&c| PERSONS.contains(c));
        if both && weight > 0 && (person || any(OPPOSITES)) {
            return Some(shown(&hunk));
        }
        let latin = |side: &[char]| side.iter().any(char::is_ascii_alphanumeric);
        if weight > 0 && ((both && named) || latin(hunk.ours) || latin(hunk.theirs)) {
            return Some(shown(&hunk));
        }
        if hunk.before.is_some_and(|c| c.is_ascii_digit()) && weight > 0 {
            return Some(shown(&hunk)); // 3人, 3起
        }
        if both {
            replaced += weight;
        } else {
            added += weight;
        }
        let room = shorter / ONE_IN;
        let more = if shorter < LONG { room.max(usize::from(shorter >= ENOUGH)) } else { shorter / 3 };
        if replaced > room || added > more {
            return Some(shown(&hunk));
        }
    }
    None
}

/// Where two texts differ, by a longest common subsequence.
fn hunks<'a>(ours: &'a [char], theirs: &'a [char]) -> Vec<Hunk<'a>> {
    let head = ours.iter().zip(theirs).take_while(|(a, b)| a == b).count();
    let (a, b) = (&ours[head..], &theirs[head..]);
    let tail = a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count();
    let (a, b) = (&a[..a.len() - tail], &b[..b.len() - tail]);
    // common[i][j]: of a from i and b from j.
    let width = b.len() + 1;
    let mut common = vec![0_u16; (a.len() + 1) * width];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            common[i * width + j] = if a[i] == b[j] {
                common[(i + 1) * width + j + 1] + 1
            } else {
                common[(i + 1) * width + j].max(common[i * width + j + 1])
            };
        }
    }
    let mut out = Vec::new();
    let (mut i, mut j) = (0, 0);
    while i < a.len() || j < b.len() {
        let (from_i, from_j) = (i, j);
        while (i < a.len() || j < b.len()) && !(i < a.len() && j < b.len() && a[i] == b[j]) {
            let down = if i < a.len() { common[(i + 1) * width + j] } else { 0 };
            let across = if j < b.len() { common[i * width + j + 1] } else { 0 };
            if j == b.len() || (i < a.len() && down >= across) {
                i += 1;
            } else {
                j += 1;
            }
        }
        if (from_i, from_j) != (i, j) {
            out.push(Hunk {
                ours: &a[from_i..i],
                theirs: &b[from_j..j],
                behind: &ours[head + i..],
                before: (head + from_i).checked_sub(1).map(|at| ours[at]),
            });
        }
        while i < a.len() && j < b.len() && a[i] == b[j] {
            (i, j) = (i + 1, j + 1);
        }
    }
    out
}
