//! The plain part of jq, evaluated in place: paths, literals, comparisons,
//! `and`/`or`/`not`, `+`, constructors. A text outside it parses to `None`, a
//! value outside it evaluates to `None`; both mean "ask the evaluator", so
//! that in every doubt, and for every error, jq itself has the word.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::{Map, Number, Value};

use super::truthy;

/// Nesting of a native expression.
const MAX_DEPTH: u32 = 48;
/// Integers beyond this are not exact as floats.
const EXACT: u64 = 1 << 53;

#[derive(Debug, Clone)]
pub(crate) enum Native {
    Dot,
    /// Index among the program's variables.
    Var(usize),
    Literal(Value),
    Field(Box<Native>, String),
    Index(Box<Native>, i64),
    Compare(Comparison, Box<Native>, Box<Native>),
    And(Box<Native>, Box<Native>),
    Or(Box<Native>, Box<Native>),
    /// The filter `not`, of the input.
    Not,
    Pipe(Box<Native>, Box<Native>),
    Add(Box<Native>, Box<Native>),
    Array(Option<Box<Native>>),
    Object(Vec<(String, Native)>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

impl Native {
    pub(super) fn parse(source: &str, vars: &[&str]) -> Option<Self> {
        let mut parser = Parser { rest: source, vars, depth: 0 };
        let parsed = parser.pipe()?;
        parser.space();
        parser.rest.is_empty().then_some(parsed)
    }

    pub(super) fn eval<'v>(&'v self, dot: &'v Value, vars: &'v [Arc<Value>]) -> Option<Cow<'v, Value>> {
        Some(match self {
            Self::Dot => Cow::Borrowed(dot),
            Self::Var(index) => Cow::Borrowed(&**vars.get(*index)?),
            Self::Literal(value) => Cow::Borrowed(value),
            Self::Field(of, name) => field(of.eval(dot, vars)?, name)?,
            Self::Index(of, index) => at(of.eval(dot, vars)?, *index)?,
            Self::Compare(comparison, left, right) => {
                let (left, right) = (left.eval(dot, vars)?, right.eval(dot, vars)?);
                Cow::Owned(Value::Bool(compare(*comparison, &left, &right)?))
            }
            Self::And(left, right) => {
                Cow::Owned(Value::Bool(truthy(&*left.eval(dot, vars)?) && truthy(&*right.eval(dot, vars)?)))
            }
            Self::Or(left, right) => {
                Cow::Owned(Value::Bool(truthy(&*left.eval(dot, vars)?) || truthy(&*right.eval(dot, vars)?)))
            }
            Self::Not => Cow::Owned(Value::Bool(!truthy(dot))),
            Self::Pipe(left, right) => match left.eval(dot, vars)? {
                Cow::Borrowed(dot) => right.eval(dot, vars)?,
                Cow::Owned(dot) => Cow::Owned(right.eval(&dot, vars)?.into_owned()),
            },
            Self::Add(left, right) => add(left.eval(dot, vars)?, right.eval(dot, vars)?)?,
            Self::Array(None) => Cow::Owned(Value::Array(Vec::new())),
            Self::Array(Some(item)) => Cow::Owned(Value::Array(vec![item.eval(dot, vars)?.into_owned()])),
            Self::Object(fields) => {
                let mut map = Map::with_capacity(fields.len());
                for (name, value) in fields {
                    map.insert(name.clone(), value.eval(dot, vars)?.into_owned());
                }
                Cow::Owned(Value::Object(map))
            }
        })
    }
}

fn field<'v>(of: Cow<'v, Value>, name: &str) -> Option<Cow<'v, Value>> {
    match of {
        Cow::Borrowed(Value::Object(map)) => Some(map.get(name).map_or(Cow::Owned(Value::Null), Cow::Borrowed)),
        Cow::Owned(Value::Object(mut map)) => Some(Cow::Owned(map.swap_remove(name).unwrap_or(Value::Null))),
        of if of.is_null() => Some(Cow::Owned(Value::Null)),
        _ => None,
    }
}

fn at(of: Cow<'_, Value>, index: i64) -> Option<Cow<'_, Value>> {
    let place = |len: usize| match usize::try_from(index) {
        Ok(index) => Some(index),
        Err(_) => len.checked_sub(usize::try_from(index.unsigned_abs()).ok()?),
    };
    match of {
        Cow::Borrowed(Value::Array(items)) => {
            Some(place(items.len()).and_then(|i| items.get(i)).map_or(Cow::Owned(Value::Null), Cow::Borrowed))
        }
        Cow::Owned(Value::Array(items)) => {
            Some(Cow::Owned(place(items.len()).and_then(|i| items.get(i).cloned()).unwrap_or(Value::Null)))
        }
        of if of.is_null() => Some(Cow::Owned(Value::Null)),
        _ => None,
    }
}

fn compare(comparison: Comparison, left: &Value, right: &Value) -> Option<bool> {
    use std::cmp::Ordering::{Equal, Greater, Less};
    match comparison {
        Comparison::Equal => return equal(left, right),
        Comparison::NotEqual => return equal(left, right).map(|same| !same),
        _ => {}
    }
    let order = match (left, right) {
        (Value::Number(l), Value::Number(r)) => order(l, r)?,
        (Value::String(l), Value::String(r)) => l.as_bytes().cmp(r.as_bytes()),
        _ => return None,
    };
    Some(match comparison {
        Comparison::Less => order == Less,
        Comparison::LessEqual => order != Greater,
        Comparison::Greater => order == Greater,
        Comparison::GreaterEqual => order != Less,
        Comparison::Equal | Comparison::NotEqual => order == Equal,
    })
}

fn order(left: &Number, right: &Number) -> Option<std::cmp::Ordering> {
    if let (Some(l), Some(r)) = (left.as_i64(), right.as_i64()) {
        return Some(l.cmp(&r));
    }
    float(left)?.partial_cmp(&float(right)?)
}

/// As a float, if nothing is lost.
fn float(number: &Number) -> Option<f64> {
    if number.is_f64() {
        return number.as_f64();
    }
    let integer = number.as_i64()?;
    (integer.unsigned_abs() < EXACT).then_some(integer as f64)
}

fn equal(left: &Value, right: &Value) -> Option<bool> {
    Some(match (left, right) {
        (Value::Number(l), Value::Number(r)) => order(l, r)? == std::cmp::Ordering::Equal,
        (Value::Array(l), Value::Array(r)) => {
            if l.len() != r.len() {
                return Some(false);
            }
            for (l, r) in l.iter().zip(r) {
                if !equal(l, r)? {
                    return Some(false);
                }
            }
            true
        }
        (Value::Object(l), Value::Object(r)) => {
            if l.len() != r.len() {
                return Some(false);
            }
            for (key, l) in l {
                match r.get(key) {
                    Some(r) if equal(l, r)? => {}
                    _ => return Some(false),
                }
            }
            true
        }
        (left, right) => left == right,
    })
}

fn add<'v>(left: Cow<'v, Value>, right: Cow<'v, Value>) -> Option<Cow<'v, Value>> {
    if left.is_null() {
        return Some(right);
    }
    if right.is_null() {
        return Some(left);
    }
    Some(Cow::Owned(match (left.into_owned(), &*right) {
        (Value::Number(l), Value::Number(r)) => match (l.as_i64(), r.as_i64()) {
            (Some(l), Some(r)) => Value::from(l.checked_add(r)?),
            _ => {
                let sum = float(&l)? + float(r)?;
                // What comes out whole is an integer to jq, which then has the word.
                Value::Number(Number::from_f64(sum).filter(|_| sum.fract().abs() > 0.0)?)
            }
        },
        (Value::String(mut l), Value::String(r)) => {
            l.push_str(r);
            Value::String(l)
        }
        (Value::Array(mut l), Value::Array(r)) => {
            l.extend(r.iter().cloned());
            Value::Array(l)
        }
        (Value::Object(mut l), Value::Object(r)) => {
            l.extend(r.iter().map(|(k, v)| (k.clone(), v.clone())));
            Value::Object(l)
        }
        _ => return None,
    }))
}

struct Parser<'s> {
    rest: &'s str,
    vars: &'s [&'s str],
    depth: u32,
}

impl<'s> Parser<'s> {
    fn space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    fn eat(&mut self, token: &str) -> bool {
        self.space();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn eat_word(&mut self, word: &str) -> bool {
        self.space();
        match self.rest.strip_prefix(word) {
            Some(rest) if !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':') => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    fn identifier(&mut self) -> Option<&'s str> {
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at_checked(end)?;
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) || rest.starts_with("::") {
            return None;
        }
        self.rest = rest;
        Some(name)
    }

    fn deeper<T>(&mut self, f: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        let result = f(self);
        self.depth -= 1;
        result
    }

    fn pipe(&mut self) -> Option<Native> {
        self.deeper(|p| {
            let left = p.or()?;
            p.space();
            if p.rest.starts_with('|') && !p.rest.starts_with("|=") {
                p.eat("|");
                let right = p.pipe()?;
                return Some(Native::Pipe(Box::new(left), Box::new(right)));
            }
            Some(left)
        })
    }

    fn or(&mut self) -> Option<Native> {
        let mut left = self.and()?;
        while self.eat_word("or") {
            left = Native::Or(Box::new(left), Box::new(self.and()?));
        }
        Some(left)
    }

    fn and(&mut self) -> Option<Native> {
        let mut left = self.comparison()?;
        while self.eat_word("and") {
            left = Native::And(Box::new(left), Box::new(self.comparison()?));
        }
        Some(left)
    }

    fn comparison(&mut self) -> Option<Native> {
        let left = self.sum()?;
        let Some(comparison) = self.operator() else { return Some(left) };
        let right = self.sum()?;
        // Comparisons do not associate: `a == b == c` is left to jq to refuse.
        if self.operator().is_some() {
            return None;
        }
        Some(Native::Compare(comparison, Box::new(left), Box::new(right)))
    }

    fn operator(&mut self) -> Option<Comparison> {
        [
            ("==", Comparison::Equal),
            ("!=", Comparison::NotEqual),
            ("<=", Comparison::LessEqual),
            (">=", Comparison::GreaterEqual),
            ("<", Comparison::Less),
            (">", Comparison::Greater),
        ]
        .into_iter()
        .find(|(token, _)| self.eat(token))
        .map(|(_, comparison)| comparison)
    }

    fn sum(&mut self) -> Option<Native> {
        let mut left = self.term()?;
        loop {
            self.space();
            if !self.rest.starts_with('+') || self.rest.starts_with("+=") {
                return Some(left);
            }
            self.eat("+");
            left = Native::Add(Box::new(left), Box::new(self.term()?));
        }
    }

    fn term(&mut self) -> Option<Native> {
        self.space();
        let first = self.rest.chars().next()?;
        let term = match first {
            '.' => {
                self.rest = self.rest.get(1..)?;
                match self.rest.chars().next() {
                    Some(c) if c.is_ascii_alphabetic() || c == '_' => self.field_of(Native::Dot)?,
                    Some('"') => Native::Field(Box::new(Native::Dot), self.string()?),
                    Some('[') => self.bracket(Native::Dot)?,
                    Some('.') => return None,
                    _ => Native::Dot,
                }
            }
            '$' => {
                self.rest = self.rest.get(1..)?;
                let name = self.identifier()?;
                Native::Var(self.vars.iter().position(|v| *v == name)?)
            }
            '"' => Native::Literal(Value::String(self.string()?)),
            '0'..='9' => Native::Literal(self.number()?),
            '(' => {
                self.eat("(");
                let inner = self.pipe()?;
                self.eat(")").then_some(inner)?
            }
            '[' => {
                self.eat("[");
                if self.eat("]") {
                    Native::Array(None)
                } else {
                    let item = self.pipe()?;
                    self.eat("]").then_some(Native::Array(Some(Box::new(item))))?
                }
            }
            '{' => self.deeper(Self::object)?,
            _ => match self.identifier()? {
                "true" => Native::Literal(Value::Bool(true)),
                "false" => Native::Literal(Value::Bool(false)),
                "null" => Native::Literal(Value::Null),
                "not" => Native::Not,
                _ => return None,
            },
        };
        self.suffixes(term)
    }

    fn suffixes(&mut self, mut term: Native) -> Option<Native> {
        for _ in 0..MAX_DEPTH {
            term = match self.rest.as_bytes() {
                [b'.', b'"', ..] => {
                    self.rest = self.rest.get(1..)?;
                    Native::Field(Box::new(term), self.string()?)
                }
                [b'.', b'[', ..] => {
                    self.rest = self.rest.get(1..)?;
                    self.bracket(term)?
                }
                [b'.', ..] => {
                    self.rest = self.rest.get(1..)?;
                    self.field_of(term)?
                }
                [b'[', ..] => self.bracket(term)?,
                [b'?', ..] => return None,
                _ => return Some(term),
            };
        }
        None
    }

    fn field_of(&mut self, of: Native) -> Option<Native> {
        let name = self.identifier()?;
        if matches!(
            name,
            "and"
                | "or"
                | "not"
                | "if"
                | "then"
                | "else"
                | "elif"
                | "end"
                | "as"
                | "def"
                | "reduce"
                | "foreach"
                | "try"
                | "catch"
                | "label"
                | "import"
                | "include"
                | "__loc__"
        ) {
            return None;
        }
        Some(Native::Field(Box::new(of), name.to_owned()))
    }

    /// `["name"]` or `[0]`; iteration, slices and computed keys are jq's.
    fn bracket(&mut self, of: Native) -> Option<Native> {
        self.eat("[");
        self.space();
        let inner = if self.rest.starts_with('"') {
            Native::Field(Box::new(of), self.string()?)
        } else {
            let negative = self.eat("-");
            let index = self.number()?.as_i64()?;
            Native::Index(Box::new(of), if negative { -index } else { index })
        };
        self.eat("]").then_some(inner)
    }

    fn object(&mut self) -> Option<Native> {
        self.eat("{");
        let mut fields = Vec::new();
        if self.eat("}") {
            return Some(Native::Object(fields));
        }
        loop {
            self.space();
            let name = if self.rest.starts_with('"') { self.string()? } else { self.identifier()?.to_owned() };
            if !self.eat(":") {
                return None;
            }
            fields.push((name, self.term()?));
            if self.eat("}") {
                return Some(Native::Object(fields));
            }
            if !self.eat(",") {
                return None;
            }
        }
    }

    /// Plain integers and decimals; anything fancier is jq's.
    fn number(&mut self) -> Option<Value> {
        let end = self.rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(self.rest.len());
        let (text, rest) = self.rest.split_at_checked(end)?;
        if rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_') || text.len() > 15 {
            return None;
        }
        let value = match text.split_once('.') {
            None => Value::from(text.parse::<i64>().ok()?),
            Some((whole, part)) if !whole.is_empty() && !part.is_empty() && !part.contains('.') => {
                Value::Number(Number::from_f64(text.parse().ok()?)?)
            }
            Some(_) => return None,
        };
        self.rest = rest;
        Some(value)
    }

    /// A text without interpolation.
    fn string(&mut self) -> Option<String> {
        let mut out = String::new();
        let mut chars = self.rest.char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.rest = self.rest.get(at + 1..)?;
                    return Some(out);
                }
                '\\' => out.push(match chars.next()?.1 {
                    '"' => '"',
                    '\\' => '\\',
                    '/' => '/',
                    'n' => '\n',
                    't' => '\t',
                    'r' => '\r',
                    _ => return None,
                }),
                c if c.is_control() => return None,
                c => out.push(c),
            }
        }
        None
    }
}
