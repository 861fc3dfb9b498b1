//! The form in which text is compared.

use std::borrow::Cow;

use unicode_normalization::{IsNormalized, UnicodeNormalization as _, is_nfkc_quick};

/// Each traditional character with its simplified one: the characters of OpenCC's `TSCharacters.txt`
/// (Apache-2.0, <https://github.com/BYVoid/OpenCC>) with the first form that it names, and 著, 甦, 瞭, 藉, 祇
/// with the form that the words of this duty have (着火).
const PAIRS: &[u8] = include_bytes!("simplified.txt");

/// The block of CJK Unified Ideographs, in which all of them lie.
const FIRST: u32 = 0x4e00;
const COUNT: usize = 0x5200;

/// By character from [`FIRST`] on, the simplified one; 0 where the character is its own.
static SIMPLIFIED: [u16; COUNT] = simplified();

/// Three bytes of UTF-8 as a character of the block.
const fn three(bytes: &[u8], at: usize) -> u32 {
    ((bytes[at] as u32 & 0x0f) << 12) | ((bytes[at + 1] as u32 & 0x3f) << 6) | (bytes[at + 2] as u32 & 0x3f)
}

#[allow(clippy::large_stack_arrays, reason = "it is made while the crate is compiled")]
const fn simplified() -> [u16; COUNT] {
    let mut table = [0; COUNT];
    let mut at = 0;
    while at < PAIRS.len() {
        if PAIRS[at] == b'\n' {
            at += 1;
            continue;
        }
        table[(three(PAIRS, at) - FIRST) as usize] = three(PAIRS, at + 3) as u16;
        at += 6;
    }
    table
}

/// The simplified form of a character.
fn simple(c: char) -> char {
    let place = (c as u32).wrapping_sub(FIRST) as usize;
    match SIMPLIFIED.get(place) {
        None | Some(0) => c,
        Some(&other) => char::from_u32(u32::from(other)).unwrap_or(c),
    }
}

/// Of the CJK Radicals Supplement, those that look like a character, as texts copied out of PDFs have
/// them: Unicode gives them no compatibility form (`EquivalentUnifiedIdeograph.txt` names these).
fn radical(c: char) -> Option<char> {
    const RADICALS: [(char, char); 42] = [
        ('⺆', '冂'),
        ('⺌', '小'),
        ('⺍', '小'),
        ('⺙', '攵'),
        ('⺟', '母'),
        ('⺠', '民'),
        ('⺪', '疋'),
        ('⺫', '目'),
        ('⺬', '示'),
        ('⺮', '竹'),
        ('⺳', '网'),
        ('⺶', '羊'),
        ('⺼', '肉'),
        ('⺾', '艹'),
        ('⻁', '虎'),
        ('⻂', '衤'),
        ('⻄', '西'),
        ('⻅', '见'),
        ('⻆', '角'),
        ('⻉', '贝'),
        ('⻋', '车'),
        ('⻌', '辶'),
        ('⻑', '长'),
        ('⻒', '长'),
        ('⻓', '长'),
        ('⻔', '门'),
        ('⻘', '青'),
        ('⻙', '韦'),
        ('⻚', '页'),
        ('⻛', '风'),
        ('⻜', '飞'),
        ('⻝', '食'),
        ('⻢', '马'),
        ('⻣', '骨'),
        ('⻤', '鬼'),
        ('⻥', '鱼'),
        ('⻦', '鸟'),
        ('⻨', '麦'),
        ('⻩', '黄'),
        ('⻬', '齐'),
        ('⻮', '齿'),
        ('⻰', '龙'),
    ];
    if !('\u{2e80}'..='\u{2eff}').contains(&c) {
        return None;
    }
    RADICALS.iter().find(|(radical, _)| *radical == c).map(|(_, character)| *character)
}

/// Characters that nobody sees: marks of direction, joiners, selectors of a glyph's variant, tags.
fn unseen(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}')
}

/// Whether Unicode's compatibility form of the text (NFKC) could be another. What [`fold`] itself
/// does to the commonest characters is not asked for here: nearly all text would be.
fn has_other_forms(text: &str) -> bool {
    let plain = |c: char| matches!(c, '\0'..='\u{7f}' | '\u{3000}'..='\u{3029}' | '\u{4e00}'..='\u{9fff}' | '\u{ff01}'..='\u{ff5e}');
    is_nfkc_quick(text.chars().filter(|&c| !plain(c))) != IsNormalized::Yes
}

/// The form in which text is compared: Unicode's compatibility form (NFKC: full-width letters made plain,
/// Kangxi radicals and compatibility ideographs made characters), letters A–Z made small, traditional
/// characters simplified, characters that nobody sees dropped, and white space dropped beside characters
/// that are not ASCII (a trick to slip past keywords: 谣 言), and single elsewhere. Most text is in it already.
///
/// Characters are simplified one by one, in terms and texts alike: 乾, 幹 and 干 are one, so that no
/// spelling of a word is missed.
pub fn fold(text: &str) -> Cow<'_, str> {
    // U+4000 to U+9FFF, three bytes each: nothing but traditional characters is changed.
    let mut after = text.as_bytes();
    while let [0xe4..=0xe9, _, _, rest @ ..] = after {
        if simple_of(after) {
            break;
        }
        after = rest;
    }
    if after.is_empty() {
        return Cow::Borrowed(text);
    }
    if has_other_forms(text) {
        let whole: String = text.chars().filter(|&c| !unseen(c)).map(|c| radical(c).unwrap_or(c)).nfkc().collect();
        return Cow::Owned(spaced(&whole).into_owned());
    }
    spaced(text)
}

/// Whether the character of three bytes that begins here has a simplified form.
fn simple_of(bytes: &[u8]) -> bool {
    SIMPLIFIED.get(three(bytes, 0).wrapping_sub(FIRST) as usize).is_some_and(|&other| other != 0)
}

/// All of [`fold`] but the compatibility form.
fn spaced(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    // Up to here the text is in `out`; from here it is as it is to be.
    let mut done = 0;
    let (mut gap, mut last_ascii) = (false, false);
    for (at, c) in text.char_indices() {
        let folded = match c {
            '\u{4e00}'..='\u{9fff}' => simple(c),
            '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xff01 + 0x21).unwrap_or(c).to_ascii_lowercase(),
            c if unseen(c) => {
                out.push_str(&text[done..at]);
                done = at + c.len_utf8();
                continue;
            }
            c if c.is_whitespace() => {
                out.push_str(&text[done..at]);
                done = at + c.len_utf8();
                gap = true;
                continue;
            }
            c => radical(c).unwrap_or_else(|| c.to_ascii_lowercase()),
        };
        if gap && last_ascii && folded.is_ascii() {
            // The gap was the last that was read, so nothing is left to copy before it.
            out.push(' ');
        }
        gap = false;
        last_ascii = folded.is_ascii();
        if folded != c {
            out.push_str(&text[done..at]);
            out.push(folded);
            done = at + c.len_utf8();
        }
    }
    if done == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[done..]);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::{PAIRS, fold, simple};

    #[test]
    fn plugins_15_what_pdfs_and_other_scripts_write_is_found() {
        for (text, folded) in [
            ("某县⼭⽕", "某县山火"),
            ("⼈员伤亡", "人员伤亡"),
            ("某縣山火災情", "某县山火灾情"),
            ("森林火災蔓延", "森林火灾蔓延"),
            ("後山著火", "后山着火"),
            ("林區起火，濃煙滾滾", "林区起火,浓烟滚滚"),
            ("\u{f9e1}子", "李子"),
            ("\u{2f80f}", "兔"),
            ("山\u{fe00}火\u{e0100}", "山火"),
            ("山\u{202e}火", "山火"),
            ("山\u{2062}火", "山火"),
            ("⻢⻰⻋站", "马龙车站"),
            ("①㎞㈱½", "1km(株)1⁄2"),
            ("𝐅𝐢𝐫𝐞", "fire"),
            ("e\u{301}te\u{301}", "été"),
            ("é", "é"),
            ("ﬁre", "fire"),
            ("乾旱", "干旱"),
        ] {
            assert_eq!(fold(text), folded, "{text}");
            assert_eq!(fold(&fold(text)), folded, "{text}: folded twice");
        }
    }

    #[test]
    fn a_simplified_character_has_no_other() {
        let text = std::str::from_utf8(PAIRS).unwrap();
        let characters: Vec<char> = text.chars().filter(|c| *c != '\n').collect();
        assert!(characters.len() > 5_000 && characters.len().is_multiple_of(2));
        for pair in characters.chunks(2) {
            assert_eq!(simple(pair[0]), pair[1]);
            assert_eq!(simple(pair[1]), pair[1], "{}", pair[0]);
        }
    }

    #[test]
    fn what_reads_alike_compares_alike() {
        for (text, folded) in [
            ("谣 言", "谣言"),
            ("谣\u{200b}言", "谣言"),
            ("ＡＢＣ", "abc"),
            ("Forest  Fire", "forest fire"),
            ("a\u{200b} \u{200b}b", "a b"),
            ("a 火 b", "a火b"),
            ("ａ Ｂ", "a b"),
            ("Ａ火", "a火"),
            (" 火 fire ", "火fire"),
            ("山火蔓延", "山火蔓延"),
            ("山火 ", "山火"),
            (" ", ""),
            ("", ""),
        ] {
            assert_eq!(fold(text), folded, "{text}");
        }
    }

    /// The definition, character by character.
    fn folded(text: &str) -> String {
        let (mut out, mut gap) = (String::new(), false);
        for c in text.chars() {
            let c = match c {
                'Ａ'..='Ｚ' => ('a'..='z').nth(c as usize - 'Ａ' as usize).unwrap(),
                '\u{200b}' => continue,
                c if c.is_whitespace() => {
                    gap = true;
                    continue;
                }
                c => c.to_ascii_lowercase(),
            };
            if gap && c.is_ascii() && out.ends_with(|last: char| last.is_ascii()) {
                out.push(' ');
            }
            gap = false;
            out.push(c);
        }
        out
    }

    #[test]
    fn every_mixture_is_folded_by_the_definition() {
        let letters = ['a', 'B', ' ', '\u{3000}', '火', 'Ａ', '\u{200b}', '🔥'];
        let mut texts = vec![String::new()];
        for _ in 0..5 {
            let longer = texts.iter().flat_map(|text| letters.map(|c| format!("{text}{c}")));
            texts = std::iter::once(String::new()).chain(longer).collect();
        }
        assert!(texts.len() > 30_000);
        for text in &texts {
            assert_eq!(fold(text), folded(text), "{text:?}");
        }
    }
}
