//! Generated code thrown at install and call: components of `wasm-smith`, its
//! modules inside an honest plugin, and plugins mutated by `wasm-mutate`.
//! Never a panic, never past a limit, and always a reason. A failure names its
//! seed; `HUIYIN_SMITH_SEEDS` runs more of them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::time::{Duration, Instant};

use arbitrary::Unstructured;
use huiyin_guests::{Guest, append_binary, append_section, manifest_of, without_manifest};
use huiyin_hostile::cases::operation;
use huiyin_hostile::honest::context;
use huiyin_hostile::memory::resident_kib;
use huiyin_sandbox::{CallError, Grant, HostAccess, Kind, Limits, Sandbox, SandboxConfig};
use wasm_encoder::{Component, InstanceSection, ModuleArg, RawSection};
use wasm_mutate::WasmMutate;
use wasmparser::{Parser, Payload};
use wit_component::ComponentEncoder;

/// Wall time of a call, in milliseconds.
const WALL_MS: u64 = 100;

/// What loading and calling once may take: far above the limits, since the
/// machine may be busy, and far below for ever.
const PATIENCE: Duration = Duration::from_secs(30);

fn seeds(otherwise: u64) -> u64 {
    std::env::var("HUIYIN_SMITH_SEEDS").map_or(otherwise, |text| text.parse().expect("HUIYIN_SMITH_SEEDS"))
}

/// Bytes without end from a seed (splitmix64).
fn bytes(seed: u64, count: usize) -> Vec<u8> {
    let mut state = seed;
    let mut out = Vec::with_capacity(count + 8);
    while out.len() < count {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        out.extend((z ^ (z >> 31)).to_le_bytes());
    }
    out.truncate(count);
    out
}

fn sandbox() -> Sandbox {
    let most = Limits { wall_ms: WALL_MS, memory_bytes: 32 << 20, ..Limits::default() };
    Sandbox::new(SandboxConfig { most, tick: Duration::from_millis(2), ..SandboxConfig::default() }).unwrap()
}

/// How often which end came.
#[derive(Debug, Default)]
struct Ends {
    refused: u64,
    stopped: u64,
    faults: u64,
    answered: u64,
}

impl Ends {
    /// Loads the bytes and calls what was taken.
    fn tries(&mut self, sandbox: &Sandbox, runtime: &tokio::runtime::Runtime, package: &[u8], seed: u64) {
        let began = Instant::now();
        match sandbox.load(package) {
            Err(refusal) => {
                assert!(refusal.to_string().len() > 10, "seed {seed}: {refusal:?} says no reason");
                self.refused += 1;
            }
            Ok(package) => {
                let operation = operation(package.manifest.kind, "{\"numbers\":[1,2]}").unwrap();
                let (context, grant, host) = (context(), Grant::default(), HostAccess::default());
                let ended =
                    runtime.block_on(sandbox.call(&package, &context, &operation, &grant, &host, &Limits::default()));
                match ended {
                    Ok(_) => self.answered += 1,
                    Err(CallError::Limit { hit, .. }) => {
                        assert!(hit.to_string().contains(hit.limit.key()), "seed {seed}: {hit}");
                        self.stopped += 1;
                    }
                    Err(CallError::Host { why, .. }) => panic!("seed {seed}: the host failed: {why}"),
                    Err(error) => {
                        assert!(error.to_string().len() > 10, "seed {seed}: {error:?} says no reason");
                        self.faults += 1;
                    }
                }
            }
        }
        assert!(began.elapsed() < PATIENCE, "seed {seed} took {:?}", began.elapsed());
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

#[test]
fn generated_components_are_refused_with_a_reason() {
    let (sandbox, runtime, mut ends) = (sandbox(), runtime(), Ends::default());
    let config = wasm_smith::Config { max_imports: 5, ..wasm_smith::Config::default() };
    for seed in 0..seeds(150) {
        let random = bytes(seed, 4_096);
        let mut random = Unstructured::new(&random);
        let Ok(component) = wasm_smith::Component::new(config.clone(), &mut random) else { continue };
        ends.tries(&sandbox, &runtime, component.to_bytes().as_slice(), seed);
    }
    println!("{ends:?}");
    assert!(ends.refused > 0 && ends.answered == 0, "{ends:?}");
}

/// A component in which a module's function `run` is called when it is instantiated.
fn starting(module: &[u8]) -> Vec<u8> {
    let starter = wat::parse_str(r#"(module (import "" "run" (func $run)) (start $run))"#).unwrap();
    let mut component = Component::new();
    component.section(&RawSection { id: 1, data: module });
    component.section(&RawSection { id: 1, data: &starter });
    let mut instances = InstanceSection::new();
    instances.instantiate(0, std::iter::empty::<(&str, ModuleArg)>());
    instances.instantiate(1, [("", ModuleArg::Instance(0))]);
    component.section(&instances);
    component.finish()
}

#[test]
fn generated_code_inside_a_plugin_stays_within_its_limits() {
    let (sandbox, runtime, mut ends) = (sandbox(), runtime(), Ends::default());
    let honest = Guest::step("(call $answer @\"{}\")").package().unwrap();
    let manifest = manifest_of(&honest).unwrap();
    let outer = without_manifest(&honest).unwrap();
    let run = wat::parse_str(r#"(module (func (export "run")))"#).unwrap();
    let config = wasm_smith::Config {
        max_imports: 0,
        min_funcs: 2,
        max_memories: 1,
        memory64_enabled: false,
        threads_enabled: false,
        shared_everything_threads_enabled: false,
        custom_page_sizes_enabled: false,
        wide_arithmetic_enabled: false,
        exceptions_enabled: false,
        gc_enabled: false,
        allow_start_export: true,
        exports: Some(run),
        ..wasm_smith::Config::default()
    };
    let mut before = 0;
    let all = seeds(150);
    for seed in 0..all {
        let random = bytes(seed, 8_192);
        let mut random = Unstructured::new(&random);
        let Ok(module) = wasm_smith::Module::new(config.clone(), &mut random) else { continue };
        let mut component = outer.clone();
        append_binary(&mut component, &starting(&module.to_bytes()), 1).unwrap();
        ends.tries(&sandbox, &runtime, &append_section(component, &manifest), seed);
        if seed == all / 3 {
            before = resident_kib().unwrap();
        }
    }
    println!("{ends:?}");
    assert!(ends.answered > 0 && ends.refused > 0, "{ends:?}");
    let grown = resident_kib().unwrap().saturating_sub(before);
    assert!(grown < 128 << 10, "the process grew by {grown} KiB");
}

/// The first core module of a package: the plugin's own.
fn core_of(package: &[u8]) -> Vec<u8> {
    for payload in Parser::new(0).parse_all(package) {
        if let Payload::ModuleSection { unchecked_range, .. } = payload.unwrap() {
            return package[unchecked_range].to_vec();
        }
    }
    panic!("no module in it");
}

fn mutated_once(core: &[u8], seed: u64) -> Option<Vec<u8>> {
    let mut mutate = WasmMutate::default();
    mutate.seed(seed).fuel(200).preserve_semantics(false);
    mutate.run(core).ok()?.next()?.ok()
}

#[test]
fn mutated_plugins_stay_within_their_limits() {
    let (sandbox, runtime, mut ends) = (sandbox(), runtime(), Ends::default());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../build/plugins");
    let mut plugins = vec![
        (Kind::Step, Guest::step("(call $log (i32.const 1) @\"hi\") (call $number (i32.const 7))").package().unwrap()),
        (
            Kind::Step,
            Guest::step("(local.set $h (call $fields)) (call $append (local.get $h) @\"x-a\" @\"b\" (i32.const 0x340)) (call $answer @\"{}\")")
                .package()
                .unwrap(),
        ),
    ];
    for (kind, name) in [(Kind::Step, "tally"), (Kind::Classifier, "keyword"), (Kind::Classifier, "risk-level")] {
        let file = folder.join(format!("{name}-0.1.0.wasm"));
        let bytes = std::fs::read(&file);
        plugins.push((kind, bytes.unwrap_or_else(|e| panic!("{}: {e}; run `make plugins`", file.display()))));
    }
    for (number, (kind, package)) in plugins.iter().enumerate() {
        let core = core_of(package);
        let manifest = manifest_of(package).unwrap();
        let shell = Guest::new(*kind, "");
        // The carried plugins take long to compile.
        for seed in 0..seeds(if core.len() > 20_000 { 12 } else { 60 }) {
            let seed = seed + 1_000 * number as u64;
            let mut mutated = core.clone();
            for round in 0..=seed % 4 {
                let Some(variant) = mutated_once(&mutated, seed * 10 + round) else { break };
                mutated = variant;
            }
            let Ok(described) = shell.described(mutated) else { continue };
            let encoded = ComponentEncoder::default().module(&described).and_then(|mut encoder| encoder.encode());
            let Ok(component) = encoded else { continue };
            ends.tries(&sandbox, &runtime, &append_section(component, &manifest), seed);
        }
    }
    println!("{ends:?}");
    assert!(ends.answered > 0 && ends.refused + ends.faults > 0, "{ends:?}");
}
