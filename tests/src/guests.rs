//! Plugins that behave badly, written in Wasm's text format for the tests: a
//! core module laid out by hand after the canonical ABI and wrapped by the
//! same encoder that wraps real plugins. Nothing but tests may load them.

use std::fmt::Write as _;

use huiyin_sandbox::package::componentize;
use wit_component::{StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// Where a guest's own data begins.
const BASE: usize = 0x1000;

/// The core function `run` of a step, as the canonical ABI flattens it.
const RUN: &str = "(param $call i32) (param $call_n i32) (param $attempt i32) (param $unit i32) (param $unit_n i32) \
    (param $now i64) (param $key i32) (param $key_n i32) (param $config i32) (param $config_n i32) \
    (param $in i32) (param $in_n i32) (result i32)";

/// More parameters than the canonical ABI passes one by one are passed in memory.
const SPILLED: &str = "(param $all i32) (result i32)";

/// The core function `collect` of a collector.
const COLLECT: &str = "(param $call i32) (param $call_n i32) (param $attempt i32) (param $unit i32) (param $unit_n i32) \
    (param $now i64) (param $key i32) (param $key_n i32) (param $config i32) (param $config_n i32) \
    (param $has i32) (param $cursor i32) (param $cursor_n i32) (param $limit i32) (result i32)";

/// The kinds that a guest may be of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Gives no page.
    Collector,
    /// Gives no verdict.
    Classifier,
    /// Answers JSON with JSON.
    Step,
}

/// What a guest does.
pub enum Does {
    /// Never comes back.
    LoopsForEver,
    /// The same, in a plugin that may reach outside, before it did.
    LoopsForEverWithHandsFree,
    /// Takes ever more memory.
    Allocates,
    /// Calls itself without end.
    Recurses,
    /// Answers with text that is not JSON.
    SaysGarbage,
    /// Answers with this text.
    Says(&'static str),
    /// Breaks at once.
    Traps,
    /// Writes the file `mark` into the spool; at its first try it then breaks,
    /// later it answers `{}`.
    WritesThenTraps {
        /// Whether it says that repeating it does no harm.
        idempotent: bool,
    },
    /// Writes the file `mark` into the spool; at its first try it then never
    /// comes back, later it answers `{}`.
    WritesThenHangs {
        /// Whether it says that repeating it does no harm.
        idempotent: bool,
    },
    /// Counts one further in its own state (one digit under the key `n`) and
    /// answers with the count.
    Counts(AfterCounting),
}

/// What a guest does when it has counted, before it answers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum AfterCounting {
    /// Nothing.
    Answers,
    /// Breaks.
    Traps,
    /// Writes the file `mark` into the spool, and at its first try never comes back.
    MarksThenHangs,
}

/// A finished step of the name given, version 0.1.0.
///
/// # Errors
/// When the text does not assemble: a mistake in this file.
pub fn step(name: &str, does: &Does) -> Result<Vec<u8>, String> {
    guest(Kind::Step, name, "0.1.0", does)
}

/// A finished component of one of these kinds. Only a step answers; of the others
/// there are those that break and those that never come back.
///
/// # Errors
/// When the text does not assemble: a mistake in this file.
pub fn guest(kind: Kind, name: &str, version: &str, does: &Does) -> Result<Vec<u8>, String> {
    let mut data = Data::default();
    let mark = data.text("mark");
    let garbage = data.text("{\"sum\": not json");
    let empty = data.text("{}");
    let key = data.text("n");
    let refused = data.text("the state was refused");
    let said = data.text(match does {
        Does::Says(text) => text,
        _ => "",
    });
    let (import, more, body) = match does {
        // Made below, where all its texts are known.
        Does::Counts(_) => (COUNTING, "", String::new()),
        Does::LoopsForEver => ("", "", HANG.to_owned()),
        Does::LoopsForEverWithHandsFree => {
            (LOG, "", format!("(call $log (i32.const 1) (i32.const {}) (i32.const 4)) {HANG}", mark.0))
        }
        Does::Allocates => {
            ("", "", "(loop $more (drop (memory.grow (i32.const 16))) (br $more)) unreachable".to_owned())
        }
        Does::Recurses => (
            "",
            "(func $deeper (param $n i64) (result i64) (i64.add (call $deeper (i64.add (local.get $n) (i64.const 1))) (i64.const 1)))",
            "(drop (call $deeper (i64.const 0))) unreachable".to_owned(),
        ),
        Does::SaysGarbage => ("", "", answer(garbage)),
        Does::Says(_) => ("", "", answer(said)),
        Does::Traps => ("", "", "unreachable".to_owned()),
        Does::WritesThenHangs { .. } | Does::WritesThenTraps { .. } => (
            SPOOL,
            "",
            format!(
                "(call $put (i32.const {at}) (i32.const {len}) (i32.const {at}) (i32.const {len}) (i32.const 0x200))
                 (if (i32.eq (local.get $attempt) (i32.const 1)) (then {then}))
                 {}",
                answer(empty),
                at = mark.0,
                len = mark.1,
                then = if matches!(does, Does::WritesThenTraps { .. }) { "unreachable" } else { HANG },
            ),
        ),
    };
    let body = match does {
        Does::Counts(after) => counts(*after, key.0, refused, mark),
        _ => body,
    };
    let manifest = data.manifest(kind, name, version, does);
    let (function, parameters, world) = match kind {
        Kind::Step => ("step@0.1.0#run", RUN, "step-plugin"),
        Kind::Classifier => ("classifier@0.1.0#classify", SPILLED, "classifier-plugin"),
        Kind::Collector => ("collector@0.1.0#collect", COLLECT, "collector-plugin"),
    };
    let bytes = data.escaped();
    let text = format!(
        r#"(module
  {import}
  (memory (export "memory") 4)
  (global $heap (mut i32) (i32.const 0x20000))
  (data (i32.const {BASE}) "{bytes}")
  {more}
  (func (export "cabi_realloc") (param $old i32) (param $had i32) (param $align i32) (param $new i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 15)) (i32.const -16)))
    (global.set $heap (i32.add (local.get $at) (local.get $new)))
    (local.get $at))
  (func (export "huiyin:plugin/info@0.1.0#describe") (result i32) (i32.const {manifest}))
  (func (export "huiyin:plugin/{function}") {parameters} {body})
)"#
    );
    let mut core = wat::parse_str(&text).map_err(|e| e.to_string())?;
    let contract = crate::project("sdk/wit/0.1/plugin.wit");
    let contract = std::fs::read_to_string(&contract).map_err(|e| format!("{}: {e}", contract.display()))?;
    let mut resolve = Resolve::default();
    let package = resolve.push_str("plugin.wit", &contract).map_err(|e| e.to_string())?;
    let world = resolve.select_world(&[package], Some(world)).map_err(|e| e.to_string())?;
    embed_component_metadata(&mut core, &resolve, world, StringEncoding::UTF8).map_err(|e| e.to_string())?;
    componentize(&core).map_err(|e| e.to_string())
}

const HANG: &str = "(loop $ever (br $ever)) unreachable";
const LOG: &str = r#"(import "huiyin:plugin/log@0.1.0" "write" (func $log (param i32 i32 i32)))"#;
const SPOOL: &str = r#"(import "huiyin:plugin/spool@0.1.0" "put" (func $put (param i32 i32 i32 i32 i32)))"#;

const COUNTING: &str = r#"
  (import "huiyin:plugin/kv@0.1.0" "get" (func $get (param i32 i32 i32)))
  (import "huiyin:plugin/kv@0.1.0" "compare-and-set" (func $set (param i32 i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "huiyin:plugin/spool@0.1.0" "put" (func $put (param i32 i32 i32 i32 i32)))"#;

/// Reads the digit, puts the next in its place, and answers with it.
fn counts(after: AfterCounting, key: usize, refused: (usize, usize), mark: (usize, usize)) -> String {
    let then = match after {
        AfterCounting::Answers => String::new(),
        AfterCounting::Traps => "unreachable".to_owned(),
        AfterCounting::MarksThenHangs => format!(
            "(call $put (i32.const {at}) (i32.const {len}) (i32.const {at}) (i32.const {len}) (i32.const 0x200))
             (if (i32.eq (local.get $attempt) (i32.const 1)) (then {HANG}))",
            at = mark.0,
            len = mark.1,
        ),
    };
    let fail = format!(
        "(then (i32.store (i32.const 0x100) (i32.const 1)) (i32.store (i32.const 0x104) (i32.const 0))
               (i32.store (i32.const 0x108) (i32.const {})) (i32.store (i32.const 0x10c) (i32.const {}))
               (return (i32.const 0x100)))",
        refused.0, refused.1
    );
    // The error's u64 moves what `get` gives to the next multiple of 8.
    format!(
        "(local $had i32) (local $old i32)
         (call $get (i32.const {key}) (i32.const 1) (i32.const 0x300))
         (if (i32.load8_u (i32.const 0x300)) {fail})
         (local.set $had (i32.load8_u (i32.const 0x308)))
         (local.set $old (i32.const 48))
         (if (local.get $had) (then (local.set $old (i32.load8_u (i32.load (i32.const 0x30c))))))
         (i32.store8 (i32.const 0x400) (i32.add (local.get $old) (i32.const 1)))
         (i32.store8 (i32.const 0x401) (local.get $old))
         (call $set (i32.const {key}) (i32.const 1) (local.get $had) (i32.const 0x401) (i32.const 1)
           (i32.const 1) (i32.const 0x400) (i32.const 1) (i32.const 0x340))
         (if (i32.load8_u (i32.const 0x340)) {fail})
         {then}
         {}",
        answer((0x400, 1))
    )
}

/// `result::ok` with a text, built at 0x100.
fn answer((at, len): (usize, usize)) -> String {
    format!(
        "(i32.store (i32.const 0x100) (i32.const 0)) (i32.store (i32.const 0x104) (i32.const {at}))
         (i32.store (i32.const 0x108) (i32.const {len})) (i32.const 0x100)"
    )
}

/// A guest's memory from [`BASE`] on.
#[derive(Default)]
struct Data(Vec<u8>);

impl Data {
    fn put(&mut self, bytes: &[u8], align: usize) -> usize {
        self.0.resize(self.0.len().next_multiple_of(align), 0);
        let at = BASE + self.0.len();
        self.0.extend_from_slice(bytes);
        at
    }

    fn text(&mut self, text: &str) -> (usize, usize) {
        (self.put(text.as_bytes(), 1), text.len())
    }

    /// The record that `describe` gives.
    fn manifest(&mut self, kind: Kind, name: &str, version: &str, does: &Does) -> usize {
        // Their places in the contract's `enum kind`.
        let kind: usize = match kind {
            Kind::Collector => 0,
            Kind::Classifier => 1,
            Kind::Step => 4,
        };
        // Only a step has schemas of input and output.
        let schema = if kind == 4 { "{}" } else { "" };
        let texts = [name, version, "A guest of the tests.", "{}", schema, schema].map(|text| self.text(text));
        // `spool` has no payload; `kv` has the bytes it wants.
        let mut asked = [0_u8; 64];
        (asked[0], asked[32], asked[40]) = (2, 3, 100);
        let asks = match does {
            Does::WritesThenHangs { .. } | Does::WritesThenTraps { .. } => 1,
            Does::Counts(_) => 2,
            _ => 0,
        };
        let list = self.put(&asked, 8);
        let mut record = Vec::new();
        let mut words = |words: &[usize]| {
            for word in words {
                record.extend_from_slice(&u32::try_from(*word).unwrap_or_default().to_le_bytes());
            }
        };
        for (n, (at, len)) in texts.into_iter().enumerate() {
            if n == 2 {
                words(&[kind]);
            }
            words(&[at, len]);
        }
        let repeatable =
            matches!(does, Does::WritesThenHangs { idempotent: true } | Does::WritesThenTraps { idempotent: true })
                || matches!(does, Does::Counts(AfterCounting::MarksThenHangs));
        words(&[list, asks, usize::from(repeatable)]);
        self.put(&record, 8)
    }

    fn escaped(&self) -> String {
        self.0.iter().fold(String::new(), |mut text, byte| {
            // Writing to a string does not fail.
            let _ = write!(text, "\\{byte:02x}");
            text
        })
    }
}
