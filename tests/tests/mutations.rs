//! `huiyin run` executes a workflow with one of each task; a hundred mutations
//! of the same file never panic, and whatever is refused is refused with its
//! place.
//!
//! `HUIYIN_MUTATION_SEED` repeats a run.

// Clippy's settings for tests do not reach helper functions of integration tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use huiyin_engine::catalog::RegistryCatalog;
use huiyin_engine::start::open_house;
use huiyin_flow::Definition;
use huiyin_tests::house::{code_cache, plugin};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};

/// The very program that people run, when no fault is asked of it.
const PROGRAM: &str = env!("CARGO_BIN_EXE_huiyin-faulty");

/// Mutations in all.
const MUTATIONS: usize = 100;

/// How many of them, spread over the kinds, also go through the program.
const BY_PROGRAM: usize = 15;

fn all_tasks() -> String {
    let file = huiyin_tests::project("workflows/all-tasks.json");
    std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()))
}

/// The longest that a mutation may take: it may well be a good workflow that waits for ever.
const PATIENCE: Duration = Duration::from_secs(15);

/// The same of a run that ends: the first one compiles its plugins, beside whatever else the machine has to do.
const LONG_PATIENCE: Duration = Duration::from_secs(180);

/// Runs a workflow file by the program; no exit code if it still ran after `patience`.
fn huiyin_run(file: &Path, input: Option<&Path>, patience: Duration) -> Output {
    // The program carries the plugins that were there when it was built.
    plugin("tally").unwrap();
    let mut command = Command::new(PROGRAM);
    command.arg("run").arg(file).env_remove("HUIYIN_FAULTY_DATA").env("XDG_CACHE_HOME", code_cache());
    if let Some(input) = input {
        command.arg("--input").arg(input);
    }
    // Files, not pipes: nobody reads while it runs.
    let (stdout, stderr) = (tempfile::NamedTempFile::new().unwrap(), tempfile::NamedTempFile::new().unwrap());
    command.stdin(Stdio::null()).stdout(stdout.reopen().unwrap()).stderr(stderr.reopen().unwrap());
    let mut child = command.spawn().unwrap_or_else(|e| panic!("{PROGRAM}: {e}"));
    let began = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if began.elapsed() > patience {
            child.kill().unwrap();
            break child.wait().unwrap();
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    Output { status, stdout: std::fs::read(stdout.path()).unwrap(), stderr: std::fs::read(stderr.path()).unwrap() }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn one_of_each_task_runs_to_its_end() {
    let done = huiyin_run(&huiyin_tests::project("workflows/all-tasks.json"), None, LONG_PATIENCE);
    assert_eq!(done.status.code(), Some(0), "{}", text(&done.stderr));
    let output: Value = serde_json::from_slice(&done.stdout).unwrap_or_else(|e| panic!("{e}: {}", text(&done.stdout)));
    assert_eq!(output, json!({"sums": [4, 0, 27], "total": 31, "quiet": 1}));
    assert_eq!(text(&done.stderr), "");
}

#[test]
fn its_input_comes_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("input.json");
    std::fs::write(&input, json!({"posts": [{"likes": 1, "shares": 1}, {"likes": 2, "shares": 3}]}).to_string())
        .unwrap();
    let done = huiyin_run(&huiyin_tests::project("workflows/all-tasks.json"), Some(&input), LONG_PATIENCE);
    assert_eq!(done.status.code(), Some(0), "{}", text(&done.stderr));
    let output: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(output, json!({"sums": [2, 5], "total": 7, "quiet": 0}));
}

#[test]
fn a_faulted_run_says_so_on_stderr_alone() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("input.json");
    std::fs::write(&input, r#"{"posts": [{"likes": "many", "shares": 1}]}"#).unwrap();
    let done = huiyin_run(&huiyin_tests::project("workflows/all-tasks.json"), Some(&input), LONG_PATIENCE);
    assert_eq!(done.status.code(), Some(1), "{}", text(&done.stderr));
    assert_eq!(text(&done.stdout), "");
    let problem: Value = serde_json::from_slice(&done.stderr).unwrap_or_else(|e| panic!("{e}: {}", text(&done.stderr)));
    assert_eq!(problem["status"], 400, "{problem}");
    assert!(problem["instance"].as_str().is_some_and(|at| at.contains("/do/0/sum")), "{problem}");
}

/// The ways in which a file goes wrong.
#[derive(Debug, Clone, Copy)]
enum Kind {
    DeletedKey,
    RenamedKey,
    WrongType,
    Truncated,
    DuplicatedKey,
    BadDuration,
    BadExpression,
    DeepNesting,
    NotUtf8,
    FlippedByte,
    WildNumber,
    UnknownTarget,
    SwappedValues,
    WildString,
}

const KINDS: [Kind; 14] = [
    Kind::DeletedKey,
    Kind::RenamedKey,
    Kind::WrongType,
    Kind::Truncated,
    Kind::DuplicatedKey,
    Kind::BadDuration,
    Kind::BadExpression,
    Kind::DeepNesting,
    Kind::NotUtf8,
    Kind::FlippedByte,
    Kind::WildNumber,
    Kind::UnknownTarget,
    Kind::SwappedValues,
    Kind::WildString,
];

/// Every place in a document, as JSON pointers.
fn places(value: &Value, at: &str, into: &mut Vec<String>) {
    into.push(at.to_owned());
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                places(inner, &format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")), into);
            }
        }
        Value::Array(list) => {
            for (n, inner) in list.iter().enumerate() {
                places(inner, &format!("{at}/{n}"), into);
            }
        }
        _ => {}
    }
}

struct Mutator {
    random: StdRng,
    good: Value,
    text: String,
}

impl Mutator {
    fn any<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.random.random_range(0..from.len())]
    }

    /// A place whose value answers.
    fn place(&mut self, fits: impl Fn(&Value) -> bool) -> String {
        let mut all = Vec::new();
        places(&self.good, "", &mut all);
        all.retain(|at| !at.is_empty() && self.good.pointer(at).is_some_and(&fits));
        self.any(&all).clone()
    }

    /// The document with another value in one place.
    fn with(&self, at: &str, value: Value) -> Vec<u8> {
        let mut bad = self.good.clone();
        if let Some(slot) = bad.pointer_mut(at) {
            *slot = value;
        }
        serde_json::to_vec_pretty(&bad).unwrap()
    }

    fn mutate(&mut self, kind: Kind) -> (String, Vec<u8>) {
        match kind {
            Kind::DeletedKey | Kind::RenamedKey | Kind::DuplicatedKey => self.key(kind),
            Kind::WrongType => {
                let at = self.place(|_| true);
                let others = [
                    json!(null),
                    json!(7),
                    json!("word"),
                    json!([]),
                    json!({}),
                    json!(true),
                    json!([[1]]),
                    json!({"a": {"b": 1}}),
                ];
                let value = self.any(&others).clone();
                (format!("{at} = {value}"), self.with(&at, value))
            }
            Kind::Truncated => {
                let length = self.random.random_range(0..self.text.len());
                (format!("the first {length} bytes"), self.text.as_bytes()[..length].to_vec())
            }
            Kind::BadDuration => {
                let at = self.place(|v| v.get("seconds").or_else(|| v.get("milliseconds")).is_some());
                let others = [
                    json!("PT"),
                    json!("one hour"),
                    json!("P-1D"),
                    json!({"seconds": -1}),
                    json!({"fortnights": 2}),
                    json!({"seconds": 1e300}),
                    json!({"hours": 1.5}),
                    json!({}),
                    json!("PT99999999999999999999S"),
                    json!({"days": i64::MAX}),
                ];
                let value = self.any(&others).clone();
                (format!("{at} = {value}"), self.with(&at, value))
            }
            Kind::BadExpression => {
                let at = self.place(|v| v.as_str().is_some_and(|s| s.starts_with("${")));
                let others = [
                    "${ .sum + }".to_owned(),
                    "${ $nobody }".to_owned(),
                    "${ nosuchfunction(1) }".to_owned(),
                    "${ . | }".to_owned(),
                    "${ \"open }".to_owned(),
                    "${ }".to_owned(),
                    "${".to_owned(),
                    "${ now }".to_owned(),
                    "${ input }".to_owned(),
                    "${ import \"x\" as y; . }".to_owned(),
                    format!("${{ {}.{} }}", "(".repeat(20_000), ")".repeat(20_000)),
                    format!("${{ {} }}", "-".repeat(100_000)),
                ];
                let value = self.any(&others).clone();
                (format!("{at} = {value:.60}"), self.with(&at, json!(value)))
            }
            Kind::DeepNesting => {
                let depth = *self.any(&[150, 5_000, 200_000]);
                let (open, close) =
                    *self.any(&[("[", "]"), ("{\"do\":", "}"), ("{\"a\":[", "]}"), ("[{\"x\":{\"do\":", "}}]")]);
                let mut nested = open.repeat(depth);
                nested.push('1');
                nested.push_str(&close.repeat(depth));
                let whole = self.random.random();
                let bad = if whole {
                    nested
                } else {
                    self.text.replacen("[ { \"likes\"", "[ 1, { \"likes\"", 1).replacen(
                        "\"do\": [",
                        &format!("\"metadata\": {nested}, \"do\": ["),
                        1,
                    )
                };
                (format!("{depth} times {open}, whole: {whole}"), bad.into_bytes())
            }
            Kind::NotUtf8 => {
                let mut bad = self.text.clone().into_bytes();
                let at = self.random.random_range(0..bad.len());
                let bytes = *self.any(&[&[0xff_u8][..], &[0xc3, 0x28], &[0xed, 0xa0, 0x80], &[0xf4, 0x90, 0x80, 0x80]]);
                bad.splice(at..at, bytes.iter().copied());
                (format!("{bytes:x?} at byte {at}"), bad)
            }
            Kind::FlippedByte => {
                let mut bad = self.text.clone().into_bytes();
                let at = self.random.random_range(0..bad.len());
                let with = self.random.random_range(0..128_u8);
                bad[at] = with;
                (format!("byte {at} is {with:#x}"), bad)
            }
            Kind::WildNumber => {
                let at = self.place(Value::is_number);
                let others = [json!(-1), json!(u64::MAX), json!(i64::MIN), json!(1e308), json!(0.5), json!(0)];
                let value = self.any(&others).clone();
                (format!("{at} = {value}"), self.with(&at, value))
            }
            Kind::UnknownTarget => {
                let at = self.place(|v| {
                    matches!(v.as_str(), Some("exit" | "complain" | "add" | "quiet" | "twice" | "tally:0.1.0@default"))
                });
                let others = ["nobody", "", "end ", "begin", "tally:9.9.9@default", "@", "a:b:c@d", "continue"];
                let value = *self.any(&others);
                (format!("{at} = {value:?}"), self.with(&at, json!(value)))
            }
            Kind::SwappedValues => {
                let (one, other) = (self.place(|_| true), self.place(|_| true));
                let (a, b) = (self.good.pointer(&one).cloned().unwrap(), self.good.pointer(&other).cloned().unwrap());
                let mut bad = self.good.clone();
                if let Some(slot) = bad.pointer_mut(&one) {
                    *slot = b;
                }
                if let Some(slot) = bad.pointer_mut(&other) {
                    *slot = a;
                }
                (format!("{one} and {other} swapped"), serde_json::to_vec_pretty(&bad).unwrap())
            }
            Kind::WildString => {
                let at = self.place(Value::is_string);
                let others = ["", "\u{0}", "\u{202e}drow", "a\nb", "../../etc/passwd", "🌲🔥", "${ . }", "~/~0~1"];
                let value = (*self.any(&others)).to_owned() + &"x".repeat(*self.any(&[0, 0, 0, 100_000]));
                (format!("{at} = {value:.40?}"), self.with(&at, json!(value)))
            }
        }
    }

    fn key(&mut self, kind: Kind) -> (String, Vec<u8>) {
        let at = self.place(|v| v.as_object().is_some_and(|map| !map.is_empty()));
        let map = self.good.pointer(&at).and_then(Value::as_object).cloned().unwrap();
        let keys: Vec<String> = map.keys().cloned().collect();
        let key = self.any(&keys).clone();
        match kind {
            Kind::DeletedKey => {
                let mut less = map;
                less.shift_remove(&key);
                (format!("{at} without {key}"), self.with(&at, Value::Object(less)))
            }
            Kind::RenamedKey => {
                let names =
                    [format!("{key}s"), key.to_uppercase(), String::new(), "x".to_owned(), "__proto__".to_owned()];
                let name = self.any(&names).clone();
                let renamed = map.into_iter().map(|(k, v)| if k == key { (name.clone(), v) } else { (k, v) }).collect();
                (format!("{at}: {key} is {name:?}"), self.with(&at, Value::Object(renamed)))
            }
            _ => {
                // JSON values cannot hold a key twice, so the text is made by hand.
                let marked: serde_json::Map<String, Value> = map
                    .iter()
                    .flat_map(|(k, v)| {
                        if *k == key {
                            vec![(k.clone(), v.clone()), ("\u{1}again".to_owned(), v.clone())]
                        } else {
                            vec![(k.clone(), v.clone())]
                        }
                    })
                    .collect();
                let bad = text(&self.with(&at, Value::Object(marked))).replace("\\u0001again", &key);
                (format!("{at}: {key} twice"), bad.into_bytes())
            }
        }
    }
}

/// True when the line begins with `<file>:<line>:<column>: `, both from 1 and within the text.
fn names_place(line: &str, file: &str, bad: &[u8]) -> bool {
    let line = line.strip_prefix("huiyin: ").unwrap_or(line);
    let Some(rest) = line.strip_prefix(file).and_then(|rest| rest.strip_prefix(':')) else { return false };
    let mut parts = rest.splitn(3, ':');
    let mut number = || parts.next().and_then(|n| n.parse::<usize>().ok()).unwrap_or_default();
    let (row, column) = (number(), number());
    row >= 1 && column >= 1 && row <= bad.iter().filter(|b| **b == b'\n').count() + 1
}

fn seed() -> u64 {
    let seed = std::env::var("HUIYIN_MUTATION_SEED")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or_else(|| rand::rng().random());
    println!("seed {seed} (HUIYIN_MUTATION_SEED={seed} repeats the mutations)");
    seed
}

/// What the program makes of one bad file: what is wrong with that, if anything.
fn by_program(folder: &Path, n: usize, bad: &[u8]) -> Result<(), String> {
    let file = folder.join(format!("bad-{n}.json"));
    std::fs::write(&file, bad).map_err(|e| e.to_string())?;
    let done = huiyin_run(&file, None, PATIENCE);
    let (code, said) = (done.status.code(), text(&done.stderr));
    if said.contains("panicked at") {
        return Err(format!("panicked: {said}"));
    }
    match code {
        Some(0) => {
            serde_json::from_slice::<Value>(&done.stdout).map(drop).map_err(|e| format!("stdout is not JSON: {e}"))
        }
        Some(1) => Ok(()),
        // Killed by this test while it waited: a good workflow still.
        None if said.is_empty() => Ok(()),
        Some(2) => {
            let name = file.display().to_string();
            let lines: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).collect();
            if !lines.is_empty() && lines.iter().any(|line| names_place(line, &name, bad)) {
                Ok(())
            } else {
                Err(format!("refused without a place: {said}"))
            }
        }
        other => Err(format!("ended with {other:?}: {said}")),
    }
}

#[test]
fn a_hundred_mutations_never_panic_and_name_their_place() {
    let jq = plugin("jq").unwrap();
    let tally = plugin("tally").unwrap();
    let seed = seed();
    let text = all_tasks();
    let mut mutator = Mutator { random: StdRng::seed_from_u64(seed), good: serde_json::from_str(&text).unwrap(), text };
    let house = open_house(Some(code_cache()), &[("jq".to_owned(), jq), ("tally".to_owned(), tally)]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = "workflows/all-tasks.json";
    let (mut refused, mut wrong) = (0, String::new());
    for n in 0..MUTATIONS {
        let kind = KINDS[n % KINDS.len()];
        let (what, bad) = mutator.mutate(kind);
        let mut complain = |problem: String| {
            let _ = writeln!(wrong, "mutation {n} ({kind:?}: {what}): {problem}");
        };
        let spoken = n < BY_PROGRAM;
        if spoken && let Err(problem) = by_program(folder.path(), n, &bad) {
            complain(format!("by the program: {problem}"));
        }
        // What is not text never gets as far as the parser.
        let Ok(bad) = String::from_utf8(bad) else { continue };
        let house = Arc::clone(&house);
        match catch_unwind(AssertUnwindSafe(|| {
            Definition::parse(&bad, file, &RegistryCatalog(&house), &*house.evaluator)
        })) {
            Err(_) => complain("panicked".to_owned()),
            Ok(Ok(_)) => {}
            Ok(Err(diagnostics)) => {
                refused += 1;
                if diagnostics.is_empty() {
                    complain("refused without a reason".to_owned());
                }
                for diagnostic in diagnostics.iter().map(ToString::to_string) {
                    if !names_place(&diagnostic, file, bad.as_bytes()) {
                        complain(format!("refused without a place: {diagnostic:.300}"));
                    }
                }
            }
        }
    }
    println!("{refused} of {MUTATIONS} mutations refused");
    assert!(wrong.is_empty(), "seed {seed}\n{wrong}");
    assert!(refused > MUTATIONS / 3, "only {refused} were refused: these are no mutations");
}

#[test]
fn text_that_is_not_utf8_is_refused_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let file: PathBuf = folder.path().join("bad.json");
    let mut bad = all_tasks().into_bytes();
    let at = bad.windows(9).position(|w| w == b"all-tasks").unwrap();
    bad[at] = 0xff;
    std::fs::write(&file, &bad).unwrap();
    let done = huiyin_run(&file, None, LONG_PATIENCE);
    assert_eq!(done.status.code(), Some(2), "{}", text(&done.stderr));
    let row = bad[..at].iter().filter(|b| **b == b'\n').count() + 1;
    assert!(text(&done.stderr).contains(&format!("{}:{row}:", file.display())), "{}", text(&done.stderr));
}
