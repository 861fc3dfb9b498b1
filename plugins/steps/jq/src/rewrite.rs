//! A program as jq reads it, in the terms that jaq runs. Where the two differ,
//! the term becomes one that means in jaq what the written one means in jq:
//! assignments go by paths, of two streams the right one is the outer, a step
//! of `reduce` without a value gives null.

use jaq_core::load::lex::{StrPart, Tok, Token};
use jaq_core::load::parse::{BinaryOp, Def, Pattern, Term};
use jaq_core::load::{Arena, span};
use jaq_core::path::{Opt, Part, Path};

use crate::JqError;

type Tree<'s> = Term<&'s str>;

/// Names that no program can write.
const LEFT: &str = "$!left";
const RIGHT: &str = "$!right";
const PARTS: [&str; 8] = ["$!0", "$!1", "$!2", "$!3", "$!4", "$!5", "$!6", "$!7"];

/// Puts brackets where jq's grammar has them and jaq's has not: `%` binds like `*` and `/`,
/// and `//` less than an assignment.
pub(crate) fn bracket(tokens: &mut Vec<Token<&str>>) {
    for token in tokens.iter_mut() {
        match &mut token.1 {
            Tok::Block(inner) => bracket(inner),
            Tok::Str(parts) => {
                for part in parts {
                    if let StrPart::Term(Token(_, Tok::Block(inner))) = part {
                        bracket(inner);
                    }
                }
            }
            _ => {}
        }
    }
    remainders(tokens);
    alternatives(tokens);
}

fn is_break(token: &Token<&str>) -> bool {
    match token.1 {
        Tok::Sym => matches!(token.0, "|" | "," | ";" | ":"),
        Tok::Word => matches!(
            token.0,
            "as" | "if" | "then" | "elif" | "else" | "end" | "try" | "catch" | "reduce" | "foreach" | "def" | "label"
        ),
        _ => false,
    }
}

fn is_assignment(token: &Token<&str>) -> bool {
    matches!(token.1, Tok::Sym) && matches!(token.0, "=" | "|=" | "+=" | "-=" | "*=" | "/=" | "%=" | "//=")
}

/// Weaker than `*`, `/` and `%`.
fn is_weaker(token: &Token<&str>) -> bool {
    is_break(token)
        || is_assignment(token)
        || match token.1 {
            Tok::Sym => matches!(token.0, "+" | "-" | "==" | "!=" | "<" | "<=" | ">" | ">=" | "//"),
            Tok::Word => matches!(token.0, "and" | "or"),
            _ => false,
        }
}

/// `a * b % c` becomes `(a * b) % c`.
fn remainders(tokens: &mut Vec<Token<&str>>) {
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        if matches!(token.1, Tok::Sym) && token.0 == "%" {
            let start = tokens.iter().take(at).rposition(is_weaker).map_or(0, |weaker| weaker + 1);
            let product = |t: &Token<&str>| matches!(t.1, Tok::Sym) && matches!(t.0, "*" | "/");
            if tokens.get(start..at).is_some_and(|left| left.iter().any(product)) {
                group(tokens, start, at);
                at = start + 1;
            }
        }
        at += 1;
    }
}

/// `.a = b // c` becomes `(.a = b) // c`.
fn alternatives(tokens: &mut Vec<Token<&str>>) {
    let is_alternative = |t: &Token<&str>| matches!(t.1, Tok::Sym) && t.0 == "//";
    let mut start = 0;
    while start < tokens.len() {
        let end = tokens.iter().skip(start).position(is_break).map_or(tokens.len(), |at| start + at);
        if tokens.get(start..end).is_some_and(|all| all.iter().any(is_alternative) && all.iter().any(is_assignment)) {
            let (mut from, mut end) = (start, end);
            while from < end {
                let upto = tokens.iter().take(end).skip(from).position(is_alternative).map_or(end, |at| from + at);
                if tokens.get(from..upto).is_some_and(|part| part.iter().any(is_assignment)) {
                    group(tokens, from, upto);
                    end -= upto - from - 1;
                    from += 2;
                } else {
                    from = upto + 1;
                }
            }
            start = end + 1;
        } else {
            start = end + 1;
        }
    }
}

fn group(tokens: &mut Vec<Token<&str>>, from: usize, upto: usize) {
    let mut inner: Vec<_> = tokens.drain(from..upto).collect();
    inner.push(Token(")", Tok::Sym));
    tokens.insert(from, Token("(", Tok::Block(inner)));
}

/// The places of the program that are known as text, and what is wrong with them.
pub(crate) struct Rewriter<'s> {
    pub(crate) program: &'s str,
    /// Where texts live that the program does not have; a library has none.
    pub(crate) arena: Option<&'s Arena>,
}

impl<'s> Rewriter<'s> {
    /// The term in jaq's meaning. Literal patterns of regular expressions are checked on the way.
    pub(crate) fn term(&self, term: Tree<'s>) -> Result<Tree<'s>, JqError> {
        Ok(match term {
            Term::Var("$__loc__") => Term::Obj(vec![
                (text("file"), Some(text("<top-level>"))),
                (text("line"), Some(Term::Num(self.line(term_place(&term))))),
            ]),
            Term::Id | Term::Recurse | Term::Num(_) | Term::Break(_) | Term::Var(_) => term,
            Term::Str(format, parts) => self.interpolated(format, parts)?,
            Term::Arr(of) => Term::Arr(self.boxed_option(of)?),
            Term::Obj(fields) => Term::Obj(
                fields
                    .into_iter()
                    .map(|(key, value)| match (key, value) {
                        // `{$__loc__}`
                        (Term::Var(name @ "$__loc__"), None) => {
                            let value = self.term(Term::Var(name))?;
                            Ok((text("__loc__"), Some(value)))
                        }
                        (key, value) => Ok((self.term(key)?, value.map(|v| self.term(v)).transpose()?)),
                    })
                    .collect::<Result<_, JqError>>()?,
            ),
            Term::Neg(of) => Term::Neg(self.boxed(*of)?),
            Term::BinOp(left, op, right) => self.binary(*left, op, *right)?,
            Term::Label(name, of) => Term::Label(name, self.boxed(*of)?),
            Term::Fold(kind, of, pattern, args) => {
                let of = self.boxed(*of)?;
                let pattern = self.pattern(pattern)?;
                let args = args.into_iter().map(|arg| self.term(arg)).collect::<Result<Vec<_>, _>>()?;
                Term::Fold(kind, of, pattern, folded(kind, args))
            }
            Term::TryCatch(of, catch) => Term::TryCatch(self.boxed(*of)?, self.boxed_option(catch)?),
            Term::IfThenElse(cases, otherwise) => Term::IfThenElse(
                cases
                    .into_iter()
                    .map(|(when, then)| Ok((self.term(when)?, self.term(then)?)))
                    .collect::<Result<_, JqError>>()?,
                self.boxed_option(otherwise)?,
            ),
            Term::Def(defs, of) => Term::Def(
                defs.into_iter()
                    .map(|def| Ok(Def { body: self.term(def.body)?, ..def }))
                    .collect::<Result<_, JqError>>()?,
                self.boxed(*of)?,
            ),
            Term::Call(name, args) => {
                self.check(name, &args)?;
                Term::Call(name, args.into_iter().map(|arg| self.term(arg)).collect::<Result<_, _>>()?)
            }
            Term::Path(of, path) => {
                let parts = path.0.into_iter().map(|(part, opt)| Ok((self.part(part)?, opt)));
                Term::Path(self.boxed(*of)?, Path(parts.collect::<Result<_, JqError>>()?))
            }
        })
    }

    fn boxed(&self, term: Tree<'s>) -> Result<Box<Tree<'s>>, JqError> {
        self.term(term).map(Box::new)
    }

    fn boxed_option(&self, term: Option<Box<Tree<'s>>>) -> Result<Option<Box<Tree<'s>>>, JqError> {
        term.map(|term| self.boxed(*term)).transpose()
    }

    fn part(&self, part: Part<Tree<'s>>) -> Result<Part<Tree<'s>>, JqError> {
        Ok(match part {
            Part::Index(index) => Part::Index(self.term(index)?),
            Part::Range(from, upto) => {
                Part::Range(from.map(|t| self.term(t)).transpose()?, upto.map(|t| self.term(t)).transpose()?)
            }
        })
    }

    fn pattern(&self, pattern: Pattern<&'s str>) -> Result<Pattern<&'s str>, JqError> {
        Ok(match pattern {
            Pattern::Var(_) => pattern,
            Pattern::Arr(items) => Pattern::Arr(items.into_iter().map(|p| self.pattern(p)).collect::<Result<_, _>>()?),
            Pattern::Obj(fields) => Pattern::Obj(
                fields
                    .into_iter()
                    .map(|(key, p)| Ok((self.term(key)?, self.pattern(p)?)))
                    .collect::<Result<_, JqError>>()?,
            ),
        })
    }

    fn binary(&self, left: Tree<'s>, op: BinaryOp<&'s str>, right: Tree<'s>) -> Result<Tree<'s>, JqError> {
        let (left, right) = (self.term(left)?, self.term(right)?);
        Ok(match op {
            BinaryOp::Pipe(Some(pattern)) => infix(left, BinaryOp::Pipe(Some(self.pattern(pattern)?)), right),
            BinaryOp::Update => Term::Call("_modify", vec![left, right]),
            BinaryOp::Assign => Term::Call("_assign", vec![left, right]),
            BinaryOp::UpdateMath(op) => {
                let new = infix(Term::Id, BinaryOp::Math(op), Term::Var(RIGHT));
                bound(right, RIGHT, Term::Call("_modify", vec![left, new]))
            }
            BinaryOp::UpdateAlt => {
                let new = infix(Term::Id, BinaryOp::Alt, Term::Var(RIGHT));
                bound(right, RIGHT, Term::Call("_modify", vec![left, new]))
            }
            BinaryOp::Math(_) | BinaryOp::Cmp(_) if !single(&left) => {
                let both = infix(Term::Var(LEFT), op, Term::Var(RIGHT));
                bound(right, RIGHT, bound(left, LEFT, both))
            }
            op => infix(left, op, right),
        })
    }

    /// Of several streams in one text the last is the outermost.
    fn interpolated(
        &self,
        format: Option<&'s str>,
        parts: Vec<StrPart<&'s str, Tree<'s>>>,
    ) -> Result<Tree<'s>, JqError> {
        let mut streams = Vec::new();
        let mut out = Vec::with_capacity(parts.len());
        for part in parts {
            out.push(match part {
                StrPart::Term(term) => {
                    let term = self.term(term)?;
                    match PARTS.get(streams.len()).copied() {
                        Some(name) if !single(&term) => {
                            streams.push((name, term));
                            StrPart::Term(Term::Var(name))
                        }
                        _ => StrPart::Term(term),
                    }
                }
                other => other,
            });
        }
        if let [_] = streams.as_slice()
            && let Some((name, term)) = streams.pop()
        {
            for part in &mut out {
                if matches!(part, StrPart::Term(Term::Var(var)) if *var == name) {
                    *part = StrPart::Term(term.clone());
                }
            }
        }
        Ok(streams.into_iter().fold(Term::Str(format, out), |all, (name, term)| bound(term, name, all)))
    }

    /// Regular expressions that are written out are read now.
    fn check(&self, name: &str, args: &[Tree<'s>]) -> Result<(), JqError> {
        let flags_at = match (name, args.len()) {
            ("test" | "match" | "capture" | "scan" | "splits", 1) | ("sub" | "gsub", 2) => None,
            ("test" | "match" | "capture" | "scan" | "splits" | "split", 2) => Some(1),
            ("sub" | "gsub", 3) => Some(2),
            _ => return Ok(()),
        };
        if self.program.contains(&format!("def {name}")) {
            return Ok(());
        }
        let (pattern, listed) = match args.first() {
            // `test(["a", "i"])`
            Some(Term::Arr(Some(of))) if flags_at.is_none() => match &**of {
                Term::BinOp(pattern, BinaryOp::Comma, flags) => (Some(&**pattern), Some(&**flags)),
                pattern => (Some(pattern), None),
            },
            pattern => (pattern, None),
        };
        let flags = match flags_at.and_then(|at| args.get(at)).or(listed) {
            None | Some(Term::Call("null", _)) => Some(String::new()),
            Some(flags) => literal(flags),
        };
        let Some(pattern) = pattern.and_then(literal) else { return Ok(()) };
        // With flags that are computed the pattern is read as one of the plain syntax.
        crate::regex::check(&pattern, flags.as_deref().unwrap_or_default())
            .map_err(|why| JqError(format!("`{name}`{}: {why}", self.place(args.first()))))
    }

    fn place(&self, term: Option<&Tree<'s>>) -> String {
        let first = term.and_then(|term| match term {
            Term::Str(_, parts) => parts.iter().find_map(|part| match part {
                StrPart::Str(text) => Some(*text),
                _ => None,
            }),
            _ => None,
        });
        match first.map(|text| span(self.program, text).start) {
            Some(at) if at <= self.program.len() => format!(" at offset {at}"),
            _ => String::new(),
        }
    }

    fn line(&self, word: Option<&str>) -> &'s str {
        let at = word.map_or(0, |word| span(self.program, word).start);
        let line = 1 + self.program.get(..at).unwrap_or_default().matches('\n').count();
        self.arena.map_or("1", |arena| arena.alloc(line.to_string()))
    }
}

fn term_place<'s>(term: &Tree<'s>) -> Option<&'s str> {
    match term {
        Term::Var(word) => Some(word),
        _ => None,
    }
}

fn text(text: &str) -> Tree<'_> {
    Term::Str(None, vec![StrPart::Str(text)])
}

fn infix<'s>(left: Tree<'s>, op: BinaryOp<&'s str>, right: Tree<'s>) -> Tree<'s> {
    Term::BinOp(Box::new(left), op, Box::new(right))
}

/// `value as $name | then`
fn bound<'s>(value: Tree<'s>, name: &'s str, then: Tree<'s>) -> Tree<'s> {
    infix(value, BinaryOp::Pipe(Some(Pattern::Var(name))), then)
}

/// The last of several new states is the next one; none is null. `foreach` gives each of them out.
fn folded<'s>(kind: &str, mut args: Vec<Tree<'s>>) -> Vec<Tree<'s>> {
    let Some(update) = args.get_mut(1) else { return args };
    if single(update) {
        return args;
    }
    let step = std::mem::take(update);
    if kind == "reduce" {
        *update = Term::Call("_last", vec![step]);
        return args;
    }
    *update = Term::Call("_states", vec![step]);
    let states = Term::Path(
        Box::new(Term::Id),
        Path(vec![(Part::Index(Term::Num("1")), Opt::Essential), (Part::Range(None, None), Opt::Essential)]),
    );
    let extract = args.get_mut(2).map(std::mem::take);
    let given = match extract {
        Some(extract) => infix(states, BinaryOp::Pipe(None), extract),
        None => states,
    };
    args.truncate(2);
    if let Some(init) = args.first_mut() {
        let first = std::mem::take(init);
        *init = infix(first, BinaryOp::Pipe(None), Term::Arr(Some(Box::new(Term::Id))));
    }
    args.push(given);
    args
}

/// The text of a literal without anything computed in it.
fn literal(term: &Tree<'_>) -> Option<String> {
    let Term::Str(None, parts) = term else { return None };
    parts.iter().try_fold(String::new(), |mut text, part| {
        match part {
            StrPart::Str(part) => text.push_str(part),
            StrPart::Char(c) => text.push(*c),
            StrPart::Term(_) => return None,
        }
        Some(text)
    })
}

/// Whether a term surely gives one value, or an error.
fn single(term: &Tree<'_>) -> bool {
    match term {
        Term::Id | Term::Num(_) | Term::Var(_) | Term::Arr(_) => true,
        Term::Str(_, parts) => parts.iter().all(|part| match part {
            StrPart::Term(term) => single(term),
            _ => true,
        }),
        Term::Obj(fields) => fields.iter().all(|(key, value)| single(key) && value.as_ref().is_none_or(single)),
        Term::Neg(of) => single(of),
        Term::BinOp(
            left,
            BinaryOp::Pipe(None | Some(Pattern::Var(_)))
            | BinaryOp::Math(_)
            | BinaryOp::Cmp(_)
            | BinaryOp::And
            | BinaryOp::Or,
            right,
        ) => single(left) && single(right),
        Term::IfThenElse(cases, otherwise) => {
            cases.iter().all(|(when, then)| single(when) && single(then)) && otherwise.as_deref().is_none_or(single)
        }
        Term::Path(of, path) => {
            single(of)
                && path.0.iter().all(|(part, opt)| {
                    matches!(opt, Opt::Essential)
                        && match part {
                            Part::Index(index) => single(index),
                            Part::Range(None, None) => false,
                            Part::Range(from, upto) => {
                                from.as_ref().is_none_or(single) && upto.as_ref().is_none_or(single)
                            }
                        }
                })
        }
        Term::Call(name, args) => {
            args.is_empty()
                && matches!(
                    *name,
                    "length"
                        | "tostring"
                        | "tonumber"
                        | "not"
                        | "type"
                        | "keys"
                        | "add"
                        | "true"
                        | "false"
                        | "null"
                        | "ascii_downcase"
                )
        }
        _ => false,
    }
}
