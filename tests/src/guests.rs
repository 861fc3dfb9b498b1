//! Plugins that behave badly, for tests of the whole host. Nothing but tests may load them.

use huiyin_guests::{Asks, Guest};
pub use huiyin_sandbox::Kind;

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
    /// The same after some twenty million rounds of a loop.
    Ponders(&'static str),
    /// The same once it has taken another ten MiB of memory.
    TakesRoom(&'static str),
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
    let at_first = |then: &str| format!("(if (i32.eq (local.get $attempt) (i32.const 1)) (then {then}))");
    let marks = |then: &str| format!("{MARK} {} (call $answer @\"{{}}\")", at_first(then));
    let answers = |text: &str| format!("(call $answer @\"{}\")", text.replace('"', "\\q"));
    let body = match does {
        Does::LoopsForEver => HANG.to_owned(),
        Does::LoopsForEverWithHandsFree => format!("(call $log (i32.const 1) @\"mark\") {HANG}"),
        Does::Allocates => "(loop $more (drop (memory.grow (i32.const 16))) (br $more)) unreachable".to_owned(),
        Does::Recurses => "(drop (call $deeper (i64.const 0))) unreachable".to_owned(),
        Does::SaysGarbage => answers("{\"sum\": not json"),
        Does::Says(text) => answers(text),
        Does::Ponders(text) => format!(
            "(loop $on
               (local.set $i (i32.add (local.get $i) (i32.const 1)))
               (br_if $on (i32.lt_u (local.get $i) (i32.const 20000000))))
             {}",
            answers(text)
        ),
        Does::TakesRoom(text) => format!("(drop (memory.grow (i32.const 160))) {}", answers(text)),
        Does::Traps => "unreachable".to_owned(),
        Does::WritesThenTraps { .. } => marks("unreachable"),
        Does::WritesThenHangs { .. } => marks(HANG),
        Does::Counts(after) => {
            let then = match after {
                AfterCounting::Answers => String::new(),
                AfterCounting::Traps => "unreachable".to_owned(),
                AfterCounting::MarksThenHangs => format!("{MARK} {}", at_first(HANG)),
            };
            format!("{COUNT} {then} (call $answer (i32.const 0x400) (i32.const 1))")
        }
    };
    let mut guest = Guest::new(kind, body).name(name).version(version);
    if matches!(does, Does::Recurses) {
        guest = guest.more(
            "(func $deeper (param $n i64) (result i64)
               (i64.add (call $deeper (i64.add (local.get $n) (i64.const 1))) (i64.const 1)))",
        );
    }
    let writes = matches!(
        does,
        Does::WritesThenTraps { .. } | Does::WritesThenHangs { .. } | Does::Counts(AfterCounting::MarksThenHangs)
    );
    if writes {
        guest = guest.asks(Asks::Spool);
    }
    if matches!(does, Does::Counts(_)) {
        guest = guest.asks(Asks::Kv(100));
    }
    let repeatable = matches!(
        does,
        Does::WritesThenHangs { idempotent: true }
            | Does::WritesThenTraps { idempotent: true }
            | Does::Counts(AfterCounting::MarksThenHangs)
    );
    guest.with(|guest| guest.said_idempotent = u8::from(repeatable)).package()
}

const HANG: &str = "(loop $ever (br $ever)) unreachable";

const MARK: &str = "(call $put @\"mark\" @\"mark\" (i32.const 0x200))";

/// Reads the digit, puts the next in its place, and leaves it at 0x400. The
/// error's u64 moves what `get` gives to the next multiple of 8.
const COUNT: &str = "
    (call $kv_get @\"n\" (i32.const 0x300))
    (if (i32.load8_u (i32.const 0x300)) (then (return (call $fail (i32.const 0) @\"the state was refused\"))))
    (local.set $h (i32.load8_u (i32.const 0x308)))
    (local.set $k (i32.const 48))
    (if (local.get $h) (then (local.set $k (i32.load8_u (i32.load (i32.const 0x30c))))))
    (i32.store8 (i32.const 0x400) (i32.add (local.get $k) (i32.const 1)))
    (i32.store8 (i32.const 0x401) (local.get $k))
    (call $kv_set @\"n\" (local.get $h) (i32.const 0x401) (i32.const 1)
      (i32.const 1) (i32.const 0x400) (i32.const 1) (i32.const 0x340))
    (if (i32.load8_u (i32.const 0x340)) (then (return (call $fail (i32.const 0) @\"the state was refused\"))))";
