//! How text is cut: each ideograph, kana or hangul letter by itself, other scripts into words.

use unicode_normalization::UnicodeNormalization;

/// The longest word, in characters; what is beyond it does not count.
const MAX_WORD: usize = 64;

/// A character that stands for itself, or a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    /// Folded.
    pub(crate) text: String,
    /// Its place in the text. Neighbours are one apart; what is parted by a mark is two apart.
    pub(crate) place: usize,
    /// Where it begins in the text as it is written, in bytes.
    pub(crate) from: usize,
    /// Where it ends.
    pub(crate) to: usize,
    /// A character of a script without blanks between words.
    pub(crate) single: bool,
}

/// The pieces of a text, in their order.
pub(crate) fn pieces(text: &str) -> Vec<Piece> {
    let mut cutter = Cutter::default();
    for (at, written) in text.char_indices() {
        let end = at + written.len_utf8();
        match written {
            // By far the most.
            '\u{4e00}'..='\u{9fff}' => cutter.take(written, at, end),
            _ if written.is_ascii() => cutter.take(written.to_ascii_lowercase(), at, end),
            _ => {
                for part in std::iter::once(written).nfkd().flat_map(char::to_lowercase) {
                    cutter.take(part, at, end);
                }
            }
        }
    }
    cutter.end_word();
    cutter.pieces
}

#[derive(Default)]
struct Cutter {
    pieces: Vec<Piece>,
    word: Option<Piece>,
    place: usize,
    /// A mark stood since the last piece.
    parted: bool,
}

impl Cutter {
    fn take(&mut self, part: char, from: usize, to: usize) {
        if is_accent(part) {
            return;
        }
        if stands_alone(part) {
            self.end_word();
            let piece = self.piece(part, from, to, true);
            self.pieces.push(piece);
        } else if part.is_alphanumeric() {
            match &mut self.word {
                Some(word) => {
                    if word.text.chars().count() < MAX_WORD {
                        word.text.push(part);
                    }
                    word.to = to;
                }
                None => {
                    let piece = self.piece(part, from, to, false);
                    self.word = Some(piece);
                }
            }
        } else {
            self.end_word();
            self.parted |= !part.is_whitespace() && !part.is_control();
        }
    }

    fn piece(&mut self, part: char, from: usize, to: usize, single: bool) -> Piece {
        if !self.pieces.is_empty() {
            self.place += 1 + usize::from(self.parted);
        }
        self.parted = false;
        Piece { text: part.to_string(), place: self.place, from, to, single }
    }

    fn end_word(&mut self) {
        self.pieces.extend(self.word.take());
    }
}

/// Marks over and under letters, once these are taken apart.
fn is_accent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' | '\u{200b}'..='\u{200d}' | '\u{feff}')
}

/// Scripts that are written without blanks between words, in every plane, and characters of private use, by which
/// rare names are written where a font has them.
fn stands_alone(c: char) -> bool {
    matches!(c,
        '\u{1100}'..='\u{11ff}'
        | '\u{2e80}'..='\u{2fdf}'
        | '\u{3005}'..='\u{3007}'
        | '\u{3021}'..='\u{3029}'
        | '\u{3040}'..='\u{312f}'
        | '\u{31a0}'..='\u{31bf}'
        | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}'
        | '\u{ac00}'..='\u{d7ff}'
        | '\u{e000}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}'
        | '\u{f0000}'..='\u{10fffd}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<(String, usize)> {
        pieces(text).into_iter().map(|piece| (piece.text, piece.place)).collect()
    }

    fn of(list: &[(&str, usize)]) -> Vec<(String, usize)> {
        list.iter().map(|(text, place)| ((*text).to_owned(), *place)).collect()
    }

    #[test]
    fn characters_stand_alone_and_words_are_whole() {
        assert_eq!(cut("翠湖5G基站"), of(&[("翠", 0), ("湖", 1), ("5g", 2), ("基", 3), ("站", 4)]));
        assert_eq!(cut("New York"), of(&[("new", 0), ("york", 1)]));
    }

    #[test]
    fn blanks_part_nothing_and_marks_do() {
        assert_eq!(cut("通 知\n书"), of(&[("通", 0), ("知", 1), ("书", 2)]));
        assert_eq!(cut("临海,市里"), of(&[("临", 0), ("海", 1), ("市", 3), ("里", 4)]));
        assert_eq!(cut(",,临"), of(&[("临", 0)]));
    }

    #[test]
    fn width_case_and_accents_are_folded() {
        assert_eq!(cut("110 ABC Café"), cut("110 abc cafe"));
        assert_eq!(cut("Cafe\u{301}"), cut("café"));
        // A compatibility ideograph is the unified one.
        assert_eq!(cut("\u{f900}"), cut("豈"));
    }

    #[test]
    fn characters_beyond_the_common_plane_and_of_private_use_count() {
        assert_eq!(cut("𰻝𬇙"), of(&[("𰻝", 0), ("𬇙", 1)]));
        assert_eq!(cut("\u{e863}河"), of(&[("\u{e863}", 0), ("河", 1)]));
    }

    #[test]
    fn pieces_know_where_they_stand() {
        let text = "a翠ABC";
        for piece in pieces(text) {
            assert_eq!(cut(text.get(piece.from..piece.to).unwrap())[0].0, piece.text);
        }
    }
}
