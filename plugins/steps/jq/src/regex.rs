//! Regular expressions: those of jq, which are Oniguruma's, by `fancy-regex`,
//! which reads the same syntax: Unicode classes, look-around, named groups.
//! A hostile pattern meets a limit of steps, not of time, so that it fails on
//! every machine alike.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use fancy_regex::{CompileError, Error as Fault, Regex, RegexBuilder};
use jaq_core::Error;

use crate::value::Val;

/// Steps back in one search.
const BACKTRACKS: usize = 1_000_000;
/// Bytes that a compiled pattern may take.
const SIZE: usize = 4 << 20;
/// Bytes of a pattern.
const MAX_PATTERN: usize = 16 * 1024;
/// Compiled patterns kept; beyond it the cache starts afresh.
const CACHED: usize = 64;

/// What the letters of jq's flags ask for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
#[allow(clippy::struct_excessive_bools)] // each is a letter
struct Flags {
    /// `g`: all matches, not the first only.
    global: bool,
    /// `n`: no empty ones.
    not_empty: bool,
    /// `i`
    ignore_case: bool,
    /// `x`: white space and comments in the pattern do not count.
    extended: bool,
    /// `p`: `.` also takes a line break. (`s`, that `^` and `$` mean the text's ends, holds always.)
    dot_all: bool,
    /// `l`: the longest.
    longest: bool,
}

impl Flags {
    fn read(letters: &str) -> Result<Self, String> {
        let mut flags = Self::default();
        for letter in letters.chars() {
            match letter {
                'g' => flags.global = true,
                'n' => flags.not_empty = true,
                'i' => flags.ignore_case = true,
                'x' => flags.extended = true,
                's' => {}
                'p' => flags.dot_all = true,
                'l' => flags.longest = true,
                _ => {
                    return Err(format!(
                        "`{letters}` is not a valid modifier string: `{letter}` is none of g, i, l, n, p, s, x"
                    ));
                }
            }
        }
        Ok(flags)
    }
}

/// Whether a pattern, with these flags, is one; if not, why and where.
pub(crate) fn check(pattern: &str, flags: &str) -> Result<(), String> {
    compiled(pattern, Flags::read(flags)?, false).map(drop)
}

type Key = (String, Flags, bool);
thread_local! {
    static CACHE: RefCell<BTreeMap<Key, Rc<Regex>>> = const { RefCell::new(BTreeMap::new()) };
}

/// `at_break`: `$` also matches before the line break that ends the text.
fn compiled(pattern: &str, flags: Flags, at_break: bool) -> Result<Rc<Regex>, String> {
    let key = (pattern.to_owned(), flags, at_break);
    if let Some(hit) = CACHE.with_borrow(|cache| cache.get(&key).cloned()) {
        return Ok(hit);
    }
    if pattern.len() > MAX_PATTERN {
        return Err(format!("the pattern is {} bytes long; at most {MAX_PATTERN} are allowed", pattern.len()));
    }
    let source = if at_break { with_end_before_break(pattern) } else { pattern.to_owned() };
    let regex = RegexBuilder::new(&source)
        .oniguruma_mode(true)
        .case_insensitive(flags.ignore_case)
        .ignore_whitespace(flags.extended)
        .dot_matches_new_line(flags.dot_all)
        .find_not_empty(flags.not_empty)
        .leftmost_longest(flags.longest)
        .backtrack_limit(BACKTRACKS)
        .delegate_size_limit(SIZE)
        .build();
    let regex = match regex {
        Ok(regex) => Rc::new(regex),
        Err(fault) => return Err(described(&source, fault)),
    };
    CACHE.with_borrow_mut(|cache| {
        if cache.len() >= CACHED {
            cache.clear();
        }
        cache.insert(key, regex.clone());
    });
    Ok(regex)
}

fn described(pattern: &str, fault: Fault) -> String {
    match fault {
        Fault::ParseError(at, why) => {
            let near: String = pattern.get(at..).unwrap_or_default().chars().take(12).collect();
            let before = pattern.get(..at).unwrap_or(pattern).chars().count();
            let place = if near.is_empty() { "at its end".to_owned() } else { format!("before `{near}`") };
            format!("not a regular expression: {why}, at character {} of `{pattern}`, {place}", before + 1)
        }
        Fault::CompileError(why) => match *why {
            CompileError::InnerError(inner) => match inner.syntax_error() {
                Some(why) => in_part(pattern, why),
                None => format!("the regular expression `{pattern}` is too large"),
            },
            other => format!("not a regular expression: {other}, in `{pattern}`"),
        },
        other => format!("not a regular expression: {other}, in `{pattern}`"),
    }
}

/// A fault in a part that the engine below was given: said of the place in the whole, where the part is found there.
fn in_part(pattern: &str, fault: &regex_syntax::Error) -> String {
    let (why, part, span) = match fault {
        regex_syntax::Error::Parse(e) => (e.kind().to_string(), e.pattern(), *e.span()),
        regex_syntax::Error::Translate(e) => (e.kind().to_string(), e.pattern(), *e.span()),
        other => return format!("not a regular expression: {other}, in `{pattern}`"),
    };
    let at = part.get(span.start.offset..span.end.offset).unwrap_or_default();
    let found = pattern.to_ascii_lowercase().find(&at.to_ascii_lowercase()).filter(|_| !at.is_empty());
    let place = found
        .and_then(|at| pattern.get(..at))
        .map_or_else(String::new, |before| format!(", at character {}", before.chars().count() + 1));
    format!("not a regular expression: {why}{place} of `{pattern}`, `{at}`")
}

/// `$` outside of brackets, spelled out as the end of the text or before the line break that ends it.
fn with_end_before_break(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 16);
    let (mut chars, mut brackets) = (pattern.chars(), 0_u32);
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                out.push(c);
                out.extend(chars.next());
                continue;
            }
            '[' => brackets += 1,
            ']' => brackets = brackets.saturating_sub(1),
            '$' if brackets == 0 => {
                out.push_str("(?=\\n?\\z)");
                continue;
            }
            _ => {}
        }
        out.push(c);
    }
    out
}

/// All matches of a pattern in a text, as `match` gives them, or whether there is one.
pub(crate) fn matches(text: &Val, pattern: &Val, flags: &Val, only_whether: bool) -> Result<Val, Error<Val>> {
    let not_text = |v: &Val| Error::str(format_args!("{} cannot be matched, as it is not a string", v.named()));
    let subject = text.as_text().ok_or_else(|| not_text(text))?;
    let pattern = pattern.as_text().ok_or_else(|| not_text(pattern))?;
    let flags = match flags {
        Val::Null => "",
        Val::Str(flags) => flags.as_str(),
        other => return Err(Error::str(format_args!("{} is not a string", other.named()))),
    };
    let flags = Flags::read(flags).map_err(Error::str)?;
    let at_break = subject.ends_with('\n') && pattern.contains('$');
    let regex = compiled(pattern, flags, at_break).map_err(Error::str)?;
    let fault = |fault: Fault| Error::str(format_args!("the regular expression `{pattern}` was stopped: {fault}"));
    if only_whether {
        return regex.is_match(subject).map(Val::Bool).map_err(fault);
    }
    let names: Vec<Option<&str>> = regex.capture_names().collect();
    let mut count = Chars { text: subject, byte: 0, counted: 0 };
    let (mut found, mut from) = (Vec::new(), 0);
    while let Some(captures) = regex.captures_from_pos(subject, from).map_err(fault)? {
        let Some(whole) = captures.get(0) else { break };
        let groups = (1..captures.len()).map(|at| {
            let name = names.get(at).copied().flatten().map_or(Val::Null, Val::text);
            match captures.get(at) {
                None => Val::object([
                    ("offset", Val::int(-1)),
                    ("length", Val::int(0)),
                    ("string", Val::Null),
                    ("name", name),
                ]),
                Some(group) => {
                    let [offset, length, string] = count.place(group.start(), group.end());
                    Val::object([("offset", offset), ("length", length), ("string", string), ("name", name)])
                }
            }
        });
        let groups = Val::list(groups.collect());
        let [offset, length, string] = count.place(whole.start(), whole.end());
        found.push(Val::object([("offset", offset), ("length", length), ("string", string), ("captures", groups)]));
        if !flags.global {
            break;
        }
        from = if whole.end() > whole.start() {
            whole.end()
        } else {
            match subject.get(whole.end()..).and_then(|rest| rest.chars().next()) {
                Some(c) => whole.end() + c.len_utf8(),
                None => break,
            }
        };
    }
    Ok(Val::list(found))
}

/// Counts characters up to a byte, going on from where it was asked last.
struct Chars<'t> {
    text: &'t str,
    byte: usize,
    counted: usize,
}

impl Chars<'_> {
    fn upto(&mut self, byte: usize) -> usize {
        let (from, upto) = (self.byte.min(byte), self.byte.max(byte));
        let between = self.text.get(from..upto).unwrap_or_default().chars().count();
        self.counted = if byte < self.byte { self.counted.saturating_sub(between) } else { self.counted + between };
        self.byte = byte;
        self.counted
    }

    /// Offset and length in characters, and the text itself.
    fn place(&mut self, start: usize, end: usize) -> [Val; 3] {
        let offset = self.upto(start);
        let part = self.text.get(start..end).unwrap_or_default();
        [Val::from(offset), Val::from(part.chars().count()), Val::text(part)]
    }
}
