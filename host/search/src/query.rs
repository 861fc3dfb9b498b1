//! What somebody looks for: terms that all have to be found.

use crate::cut::{Piece, pieces};

/// The most characters of a query.
pub const MAX_CHARS: usize = 200;
/// The most terms of a query.
pub const MAX_TERMS: usize = 16;

/// Terms apart by blanks, each of which has to be found; in double quotes, a term may have blanks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    pub(crate) terms: Vec<Vec<Piece>>,
}

/// Why a text is no query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// It has no letter and no character.
    #[error("there is nothing to look for: give a character, a word or a number")]
    Empty,
    /// It is too long.
    #[error("the query has {0} characters; at most {MAX_CHARS} are taken")]
    TooLong(usize),
    /// It has too many terms.
    #[error("the query has {0} terms; at most {MAX_TERMS} are taken, or put what belongs together into quotes")]
    TooMany(usize),
    /// A quote is not closed.
    #[error("the quote that opens at character {0} is not closed; close it, or leave it out")]
    Unclosed(usize),
    /// A term has nothing that could be found.
    #[error("`{0}` has no letter and no character that could be found; leave it out")]
    Nothing(String),
}

impl Query {
    /// Reads a query as people type it.
    ///
    /// # Errors
    /// [`QueryError`]
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        let length = text.chars().count();
        if length > MAX_CHARS {
            return Err(QueryError::TooLong(length));
        }
        let words = words(text)?;
        if words.len() > MAX_TERMS {
            return Err(QueryError::TooMany(words.len()));
        }
        let mut terms = Vec::new();
        for word in words {
            let term = pieces(&word);
            if term.is_empty() {
                return Err(QueryError::Nothing(word));
            }
            if !terms.contains(&term) {
                terms.push(term);
            }
        }
        if terms.is_empty() { Err(QueryError::Empty) } else { Ok(Self { terms }) }
    }

    /// Whether each term stands in one of these texts.
    pub fn stands_in<'t>(&self, texts: impl IntoIterator<Item = &'t str>) -> bool {
        let mut missing: Vec<&Vec<Piece>> = self.terms.iter().collect();
        for text in texts {
            let text = pieces(text);
            missing
                .retain(|term| !(0..text.len()).any(|at| stands(term, text.get(at..).unwrap_or_default()).is_some()));
            if missing.is_empty() {
                return true;
            }
        }
        missing.is_empty()
    }

    /// Where the terms stand in a text: from and to in bytes, in order, none over another.
    pub fn marks(&self, text: &str) -> Vec<(usize, usize)> {
        let text = pieces(text);
        let mut marks: Vec<(usize, usize)> = Vec::new();
        for term in &self.terms {
            for at in 0..text.len() {
                if let Some(end) = stands(term, text.get(at..).unwrap_or_default())
                    && let Some(first) = text.get(at)
                {
                    marks.push((first.from, end));
                }
            }
        }
        marks.sort_unstable();
        let mut apart: Vec<(usize, usize)> = Vec::with_capacity(marks.len());
        for (from, to) in marks {
            match apart.last_mut() {
                Some(last) if from <= last.1 => last.1 = last.1.max(to),
                _ => apart.push((from, to)),
            }
        }
        apart
    }
}

/// Where a term ends that begins with the first of these pieces.
fn stands(term: &[Piece], text: &[Piece]) -> Option<usize> {
    let (begin, start) = (term.first()?.place, text.first()?.place);
    let same = |(wanted, there): (&Piece, &Piece)| {
        wanted.text == there.text && wanted.place - begin == there.place.saturating_sub(start)
    };
    let there = text.get(..term.len())?;
    term.iter().zip(there).all(same).then(|| there.last().map(|last| last.to)).flatten()
}

fn words(text: &str) -> Result<Vec<String>, QueryError> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote: Option<usize> = None;
    for (at, c) in text.chars().enumerate() {
        let quotes = matches!(c, '"' | '\u{201c}' | '\u{201d}' | '\u{ff02}');
        if quotes || (c.is_whitespace() && quote.is_none()) {
            if quotes {
                quote = if quote.is_some() { None } else { Some(at + 1) };
            }
            if !word.trim().is_empty() {
                words.push(word.trim().to_owned());
            }
            word.clear();
        } else {
            word.push(c);
        }
    }
    if let Some(at) = quote {
        return Err(QueryError::Unclosed(at));
    }
    if !word.trim().is_empty() {
        words.push(word.trim().to_owned());
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(text: &str) -> Vec<String> {
        let query = Query::parse(text).unwrap();
        query
            .terms
            .iter()
            .map(|term| term.iter().map(|piece| piece.text.as_str()).collect::<Vec<_>>().join("|"))
            .collect()
    }

    #[test]
    fn blanks_part_terms_and_quotes_hold_them_together() {
        assert_eq!(terms("翠湖 山火"), ["翠|湖", "山|火"]);
        assert_eq!(terms("\"new york\" 翠湖"), ["new|york", "翠|湖"]);
        assert_eq!(terms("“翠湖 山火”"), ["翠|湖|山|火"]);
        assert_eq!(terms("a a A"), ["a"], "the same once");
    }

    #[test]
    fn what_cannot_be_looked_for_is_said() {
        assert_eq!(Query::parse("  "), Err(QueryError::Empty));
        assert_eq!(Query::parse("翠湖 !!"), Err(QueryError::Nothing("!!".to_owned())));
        assert_eq!(Query::parse("翠 \"山火"), Err(QueryError::Unclosed(3)));
        assert_eq!(Query::parse(&"山".repeat(201)), Err(QueryError::TooLong(201)));
        let many: Vec<String> = (0..17).map(|n| n.to_string()).collect();
        assert_eq!(Query::parse(&many.join(" ")), Err(QueryError::TooMany(17)));
    }

    #[test]
    fn marks_are_where_the_terms_stand() {
        let marked = |query: &str, text: &str| -> Vec<String> {
            let marks = Query::parse(query).unwrap().marks(text);
            marks.into_iter().map(|(from, to)| text[from..to].to_owned()).collect()
        };
        assert_eq!(marked("翠湖", "说翠湖边,又说翠 湖"), ["翠湖", "翠 湖"]);
        assert_eq!(marked("湖边 翠湖", "翠湖边"), ["翠湖边"], "one over another are one");
        assert_eq!(marked("abc", "xABC ABC"), ["ABC"], "words are whole");
        assert!(marked("湖翠", "翠湖。翠").is_empty());
    }
}
