//! jq for expressions: one program, one input, named variables, one output.
//!
//! Built on jaq's parser and interpreter, with values, filters and a reading of
//! programs of our own where jaq means something else than jq (`value`,
//! `library`, `rewrite`). The house runs it as a fuelled component, so an endless
//! program ends at its limit; natively (in tests) nothing bounds it.
//! It must never see a clock, an environment, further inputs or a terminal:
//! `now`, `localtime`, `strflocaltime`, `env`, `$ENV`, `input`, `inputs`,
//! `debug`, `stderr`, `halt` and `input_filename` do not exist here, so the
//! same program, input and variables give the same output on every machine.

mod contract;
mod library;
mod number;
mod place;
mod regex;
mod rewrite;
mod value;
#[cfg(target_family = "wasm")]
mod wasm;

pub use contract::{Answer, Config, Input, answer, run};

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use jaq_core::data::JustLut;
use jaq_core::load::lex::Lexer;
use jaq_core::load::parse::{Def, Parser};
use jaq_core::load::{Arena, File, Loader};
use jaq_core::native::Fun;
use jaq_core::{Compiler, Ctx, Vars};
use serde_json::Value;

use rewrite::Rewriter;
use value::Val;

type Filter = jaq_core::Filter<JustLut<Val>>;

/// Definitions and native filters that would let the world in.
const BANNED: [&str; 16] = [
    "now",
    "localtime",
    "strflocaltime",
    "env",
    "input",
    "inputs",
    "input_filename",
    "input_line_number",
    "debug",
    "debug_empty",
    "stderr",
    "stderr_empty",
    "halt",
    "halt_error",
    "repl",
    "get_search_list",
];

/// Programs kept compiled per thread; beyond it the cache starts afresh.
const CACHED: usize = 1024;
/// Bytes of a program.
const MAX_PROGRAM: usize = 64 * 1024;
/// Bracket nesting of a program: the parser is recursive.
const MAX_NESTING: usize = 128;

/// Why a program did not compile or gave no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JqError(pub String);

impl std::fmt::Display for JqError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for JqError {}

/// Checks that `program` compiles with the variables `vars` (names without `$`).
pub fn compile(program: &str, vars: &[&str]) -> Result<(), JqError> {
    compiled(program, vars).map(drop)
}

/// Runs `program` on `input` and gives its first output; `null` if it has none
/// (so a condition that selects nothing is simply not met).
pub fn evaluate(program: &str, input: &Value, vars: &[(&str, &Value)]) -> Result<Value, JqError> {
    let names: Vec<&str> = vars.iter().map(|(name, _)| *name).collect();
    let filter = compiled(program, &names)?;
    let values = vars.iter().map(|(_, v)| value::to_jaq(v));
    let ctx = Ctx::<JustLut<Val>>::new(&filter.lut, Vars::new(values));
    let first = filter.id.run((ctx, value::to_jaq(input))).next();
    match first {
        None => Ok(Value::Null),
        Some(Ok(v)) => value::from_jaq(&v),
        Some(Err(exception)) => Err(JqError(match exception.get_err() {
            Ok(error) => shortened(&error.to_string()),
            Err(_) => "the program broke off without an error".to_owned(),
        })),
    }
}

/// Messages quote the values at fault, which may be whole documents.
fn shortened(message: &str) -> String {
    const LIMIT: usize = 400;
    if message.chars().count() <= LIMIT {
        return message.to_owned();
    }
    let mut short: String = message.chars().take(LIMIT).collect();
    short.push('…');
    short
}

type Key = (String, Vec<String>);
thread_local! {
    static CACHE: RefCell<BTreeMap<Key, Rc<Filter>>> = const { RefCell::new(BTreeMap::new()) };
}

fn compiled(program: &str, vars: &[&str]) -> Result<Rc<Filter>, JqError> {
    let key = (program.to_owned(), vars.iter().map(|v| (*v).to_owned()).collect());
    if let Some(hit) = CACHE.with_borrow(|cache| cache.get(&key).cloned()) {
        return Ok(hit);
    }
    let filter = Rc::new(build(program, vars)?);
    CACHE.with_borrow_mut(|cache| {
        if cache.len() >= CACHED {
            cache.clear();
        }
        cache.insert(key, filter.clone());
    });
    Ok(filter)
}

/// What the program is called among the definitions before it.
const MAIN: &str = "_program";

fn build(program: &str, vars: &[&str]) -> Result<Filter, JqError> {
    guard(program)?;
    let arena = Arena::default();
    let body = parsed(program, |parser| parser.term())?;
    let body = Rewriter { program, arena: Some(&arena) }.term(body)?;
    let main = Def { name: MAIN, args: Vec::new(), body };
    let defs = LIBRARY.with(Clone::clone)?;
    let modules = Loader::new(defs.into_iter().chain([main]))
        .load(&arena, File { code: MAIN, path: () })
        .map_err(|_| JqError("modules cannot be loaded".to_owned()))?;
    let globals: Vec<String> = vars.iter().map(|v| format!("${v}")).collect();
    Compiler::default()
        .with_funs(funs())
        .with_global_vars(globals.iter().map(String::as_str))
        .compile(modules)
        .map_err(|errors| JqError(describe_compile(&errors)))
}

/// Ours first, then jaq's that ours do not replace.
fn funs() -> impl Iterator<Item = Fun<JustLut<Val>>> {
    let ours: Vec<_> = library::funs().collect();
    let replaced: BTreeSet<(&str, usize)> = ours.iter().map(|(name, args, _)| (*name, args.len())).collect();
    let jaq = jaq_core::funs::<JustLut<Val>>().chain(jaq_std::funs()).filter_map(move |(name, args, run)| {
        let name = match name {
            "limit" => "_limit",
            "skip" => "_skip",
            "range" => "_range",
            "mktime" => "_mktime",
            "matches" | "split_matches" | "split_" => return None,
            _ if BANNED.contains(&name) || replaced.contains(&(name, args.len())) => return None,
            _ => name,
        };
        Some((name, args, run))
    });
    ours.into_iter().chain(jaq)
}

type Defs = Vec<Def<&'static str>>;
thread_local! {
    /// The filters that are written in jq, read once.
    static LIBRARY: Result<Defs, JqError> = library();
}

fn library() -> Result<Defs, JqError> {
    const SOURCE: &str = include_str!("library.jq");
    let defs = parsed(SOURCE, |parser| parser.defs())?;
    let rewriter = Rewriter { program: SOURCE, arena: None };
    defs.into_iter().map(|def| Ok(Def { body: rewriter.term(def.body)?, ..def })).collect()
}

fn parsed<'s, T: Default>(
    program: &'s str,
    parse: impl for<'t> FnOnce(&mut Parser<'s, 't>) -> jaq_core::load::parse::Result<'s, 't, T>,
) -> Result<T, JqError> {
    let expected = |expect: &str, at: &str| format!("expected {expect} {}", place(program, at));
    let mut tokens = Lexer::new(program).lex().map_err(|errors| {
        JqError(errors.iter().map(|(expect, at)| expected(expect.as_str(), at)).collect::<Vec<_>>().join("; "))
    })?;
    rewrite::bracket(&mut tokens);
    Parser::new(&tokens).parse(parse).map_err(|errors| {
        let errors = errors
            .iter()
            .map(|(expect, found)| expected(expect.as_str(), jaq_core::load::lex::Token::opt_as_str(*found, program)));
        JqError(errors.collect::<Vec<_>>().join("; "))
    })
}

/// Keeps the recursive parser away from hostile texts.
fn guard(program: &str) -> Result<(), JqError> {
    if program.len() > MAX_PROGRAM {
        return Err(JqError(format!("the program is {} bytes long; at most {MAX_PROGRAM} are allowed", program.len())));
    }
    let (mut depth, mut deepest, mut words) = (0usize, 0usize, 0usize);
    let mut word = String::new();
    for c in program.chars().chain(std::iter::once(' ')) {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            // Prefix operators and keywords nest without brackets.
            '-' | '|' | ',' => words += 1,
            _ => {}
        }
        deepest = deepest.max(depth);
        if c.is_alphanumeric() || c == '_' {
            word.push(c);
        } else if !word.is_empty() {
            if matches!(word.as_str(), "if" | "try" | "reduce" | "foreach" | "def" | "label" | "as") {
                words += 1;
            }
            word.clear();
        }
    }
    if deepest > MAX_NESTING || words > 2048 {
        return Err(JqError("the program is nested too deeply".to_owned()));
    }
    Ok(())
}

fn place(program: &str, at: &str) -> String {
    if at.is_empty() {
        return "at the end".to_owned();
    }
    let offset = (at.as_ptr() as usize).wrapping_sub(program.as_ptr() as usize);
    if offset <= program.len() {
        let near: String = at.chars().take(20).collect();
        format!("at offset {offset}, near `{near}`")
    } else {
        format!("near `{at}`")
    }
}

fn describe_compile(errors: &jaq_core::compile::Errors<&str, ()>) -> String {
    let mut parts = Vec::new();
    for (_, list) in errors {
        for (name, kind) in list {
            let what = kind.as_str();
            parts.push(if BANNED.contains(name) || *name == "$ENV" {
                format!("`{name}` is not available: an expression sees its input and variables only")
            } else {
                format!("{what} `{name}` is not defined here")
            });
        }
    }
    parts.sort();
    parts.dedup();
    parts.join("; ")
}
