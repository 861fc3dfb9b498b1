//! The words of a jq program, as far as the warnings need them. No parser: it
//! tells strings from code and finds paths; what it does not know it says so.

/// Field names, outermost first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Path(pub(super) Vec<String>);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// `$name.a.b`; `rescued` where `//` or `?` follows.
    Variable {
        name: String,
        path: Path,
        rescued: bool,
    },
    /// `.a.b`, or `.` alone.
    Dot {
        path: Path,
        rescued: bool,
    },
    Literal(String),
    Word(String),
    /// Operators between values.
    Operator(String),
    /// Everything else: brackets, pipes, strings with code in them…
    Other(char),
}

pub(super) struct Scan {
    pub(super) tokens: Vec<Token>,
    /// It binds names: `as`, `def`, `reduce`…
    pub(super) binds: bool,
}

impl Scan {
    pub(super) fn of(source: &str) -> Scan {
        let mut scanner = Scanner { chars: source.chars().collect(), at: 0, tokens: Vec::new(), depth: 0 };
        scanner.scan(false);
        let tokens = scanner.tokens;
        let binds = tokens
            .iter()
            .any(|t| matches!(t, Token::Word(w) if ["as", "def", "reduce", "foreach", "label", "import", "include"].contains(&w.as_str())));
        Scan { tokens, binds }
    }

    /// Nothing but paths, literals and operators: every `.` is the program's input.
    pub(super) fn plain(&self) -> bool {
        self.tokens.iter().all(|token| match token {
            Token::Other(_) => false,
            Token::Word(word) => ["and", "or", "true", "false", "null"].contains(&word.as_str()),
            _ => true,
        })
    }

    /// The keys of an object with which the program begins, and the field that
    /// is read of it right away and is all that comes of it.
    pub(super) fn object_read(&self) -> Option<(Vec<String>, String)> {
        let mut tokens = self.tokens.iter().peekable();
        let mut parens = 0;
        while tokens.next_if_eq(&&Token::Other('(')).is_some() {
            parens += 1;
        }
        if tokens.next() != Some(&Token::Other('{')) {
            return None;
        }
        let (mut keys, mut depth, mut expect_key) = (Vec::new(), 0usize, true);
        loop {
            let token = tokens.next()?;
            if depth == 0 && expect_key {
                expect_key = false;
                match token {
                    Token::Other('}') => break,
                    Token::Word(name) | Token::Literal(name) => keys.push(name.clone()),
                    Token::Variable { name, path, .. } if path.0.is_empty() => keys.push(name.clone()),
                    // A computed key may be any.
                    _ => return None,
                }
                continue;
            }
            match token {
                Token::Other('{' | '[' | '(') => depth += 1,
                Token::Other('}') if depth == 0 => break,
                Token::Other('}' | ']' | ')') => depth = depth.checked_sub(1)?,
                Token::Operator(comma) if comma == "," && depth == 0 => expect_key = true,
                _ => {}
            }
        }
        for _ in 0..parens {
            if tokens.next() != Some(&Token::Other(')')) {
                return None;
            }
        }
        let mut next = tokens.next()?;
        if next == &Token::Other('|') {
            next = tokens.next()?;
        }
        let Token::Dot { path, rescued: false } = next else { return None };
        let wanted = path.0.first()?.clone();
        tokens.next().is_none().then_some((keys, wanted))
    }
}

struct Scanner {
    chars: Vec<char>,
    at: usize,
    tokens: Vec<Token>,
    /// Code in strings in code in strings.
    depth: usize,
}

/// Beyond it a program is not looked at.
const MAX_DEPTH: usize = 32;

impl Scanner {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    /// To the end, or to the bracket that closes the code of a string.
    fn scan(&mut self, within: bool) {
        let mut open = 0usize;
        while let Some(c) = self.peek(0) {
            match c {
                ')' if within && open == 0 => {
                    self.at += 1;
                    return;
                }
                c if c.is_whitespace() => self.at += 1,
                '#' => {
                    while self.peek(0).is_some_and(|c| c != '\n') {
                        self.at += 1;
                    }
                }
                '"' => {
                    let token = self.string().map_or(Token::Other('"'), Token::Literal);
                    self.tokens.push(token);
                }
                '$' => {
                    self.at += 1;
                    let name = self.name();
                    let path = self.path();
                    let rescued = self.rescued();
                    self.tokens.push(Token::Variable { name, path, rescued });
                }
                '.' => {
                    if self.peek(1) == Some('.') {
                        self.at += 2;
                        self.tokens.push(Token::Other('.'));
                        continue;
                    }
                    let path = self.path();
                    if path.0.is_empty() {
                        // `.` alone, `.[`, `."x"`: the first is plain, the others show by what follows.
                        self.at += 1;
                    }
                    let rescued = self.rescued();
                    self.tokens.push(Token::Dot { path, rescued });
                }
                c if c.is_ascii_digit() => {
                    let begin = self.at;
                    while self.peek(0).is_some_and(|c| c.is_ascii_alphanumeric() || c == '.') {
                        self.at += 1;
                    }
                    let text = self.chars.get(begin..self.at).unwrap_or_default().iter().collect();
                    self.tokens.push(Token::Literal(text));
                }
                c if c.is_alphabetic() || c == '_' => {
                    let word = self.name();
                    self.tokens.push(Token::Word(word));
                }
                '=' | '!' | '<' | '>' | '+' | '-' | '*' | '/' | '%' | ',' | ':' => {
                    let mut text = c.to_string();
                    self.at += 1;
                    while let Some(next @ ('=' | '/')) = self.peek(0) {
                        text.push(next);
                        self.at += 1;
                    }
                    self.tokens.push(Token::Operator(text));
                }
                other => {
                    self.at += 1;
                    match other {
                        '(' => open += 1,
                        ')' => open = open.saturating_sub(1),
                        _ => {}
                    }
                    self.tokens.push(Token::Other(other));
                }
            }
        }
    }

    fn name(&mut self) -> String {
        let mut name = String::new();
        while let Some(c) = self.peek(0).filter(|c| c.is_alphanumeric() || *c == '_') {
            name.push(c);
            self.at += 1;
        }
        name
    }

    /// `.a.b["c"]` from here.
    fn path(&mut self) -> Path {
        let mut path = Vec::new();
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some('.'), Some(c)) if c.is_alphabetic() || c == '_' => {
                    self.at += 1;
                    path.push(self.name());
                }
                (Some('['), Some('"')) => match self.quoted() {
                    Some(name) => path.push(name),
                    None => return Path(path),
                },
                _ => return Path(path),
            }
        }
    }

    /// `["name"]` from here, without escapes and code; else nothing is taken.
    fn quoted(&mut self) -> Option<String> {
        let rest = self.chars.get(self.at + 2..)?;
        let length = rest.iter().position(|c| matches!(c, '"' | '\\'))?;
        if rest.get(length) != Some(&'"') || rest.get(length + 1) != Some(&']') {
            return None;
        }
        let name = rest.get(..length)?.iter().collect();
        self.at += length + 4;
        Some(name)
    }

    fn rescued(&self) -> bool {
        let mut ahead = 0;
        while self.peek(ahead).is_some_and(char::is_whitespace) {
            ahead += 1;
        }
        self.peek(ahead) == Some('?') || (self.peek(ahead) == Some('/') && self.peek(ahead + 1) == Some('/'))
    }

    /// A string without code in it; with code in it, `None`, and the code is
    /// scanned like any other.
    fn string(&mut self) -> Option<String> {
        self.at += 1;
        let mut text = String::new();
        let mut plain = true;
        while let Some(c) = self.peek(0) {
            self.at += 1;
            match c {
                '"' => return plain.then_some(text),
                '\\' if self.peek(0) == Some('(') => {
                    plain = false;
                    self.at += 1;
                    self.interpolation();
                }
                '\\' => {
                    // An escape: which one does not matter for names that are plain.
                    text.push('\\');
                    text.extend(self.peek(0));
                    self.at += 1;
                }
                c => text.push(c),
            }
        }
        None
    }

    /// The code of `\( … )`: scanned in place, each character once.
    fn interpolation(&mut self) {
        self.tokens.push(Token::Other('('));
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            // Nobody writes this; the rest is not looked at.
            self.at = self.chars.len();
        } else {
            self.scan(true);
        }
        self.depth -= 1;
        self.tokens.push(Token::Other(')'));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(source: &str) -> Vec<String> {
        Scan::of(source)
            .tokens
            .iter()
            .filter_map(|token| match token {
                Token::Variable { name, path, rescued } => {
                    Some(format!("{name}:{}{}", path.0.join("."), if *rescued { "?" } else { "" }))
                }
                _ => None,
            })
            .collect()
    }

    #[test]
    fn variables_are_found_in_code_and_not_in_strings() {
        assert_eq!(
            variables(r#"$task.name + "$workflow.x \($runtime["name"] + "\($a.b)") $c" # $d"#),
            ["task:name", "runtime:name", "a:b"]
        );
        assert_eq!(variables("$why.detail // 1, $x.y?, $z[0].w"), ["why:detail?", "x:y?", "z:"]);
    }

    #[test]
    fn an_object_read_at_once_is_seen_and_nothing_else_is() {
        let read = |source: &str| Scan::of(source).object_read().map(|(keys, wanted)| (keys.join(","), wanted));
        assert_eq!(read("{a: 1, \"b\": [2, 3], $c} | .d"), Some(("a,b,c".into(), "d".into())));
        assert_eq!(read("({a: {x: 1}}).x"), Some(("a".into(), "x".into())));
        for other in ["{(.k): 1}.b", "{a: 1} | .b // 2", "{a: 1} | .b, .a", "1 + {a: 1}.b", "{a: 1} | keys"] {
            assert_eq!(read(other), None, "{other}");
        }
    }

    #[test]
    fn unfinished_programs_end_the_scan() {
        for source in ["\"", "\"\\(", "\"\\(\"", "$", ".", "{", "\"\\", "$a[\"", "(((("] {
            let scan = Scan::of(source);
            assert!(scan.object_read().is_none());
        }
    }
}
