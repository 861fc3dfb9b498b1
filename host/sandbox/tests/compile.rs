//! Compiling in a limited child: the same code as in this process, and a clear
//! word for what takes too much. The test program is its own compiler, so it
//! has a `main` of its own.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use huiyin_sandbox::package::{MAX_FUNCTIONS, MAX_MODULES, MAX_NESTING, peek};
use huiyin_sandbox::{
    ChildCompiler, CompileLimits, Compiler, Kind, Limits, Operation, PackageError, PoolConfig, Sandbox, SandboxConfig,
    serve_child,
};
use libtest_mimic::{Arguments, Failed, Trial};
use support::{ECHO, context, echo, guest, step_with};

const COMPILE: &str = "compile-package";

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some(COMPILE) {
        return serve_child();
    }
    let tests: Vec<(&str, fn())> = vec![
        ("a_child_compiles_the_same_code", a_child_compiles_the_same_code),
        ("a_cached_package_needs_no_child", a_cached_package_needs_no_child),
        ("too_much_processor_time_is_refused", too_much_processor_time_is_refused),
        ("too_much_time_is_refused", too_much_time_is_refused),
        ("too_much_memory_is_refused", too_much_memory_is_refused),
        ("too_much_code_is_refused", too_much_code_is_refused),
        ("the_child_gets_nothing_of_the_hosts_environment", the_child_gets_nothing_of_the_hosts_environment),
        ("a_child_that_breaks_or_lies_is_told", a_child_that_breaks_or_lies_is_told),
        ("what_is_not_valid_is_refused_with_its_reason", what_is_not_valid_is_refused_with_its_reason),
        ("more_than_the_host_looks_at_is_refused_before_compiling", more_than_the_host_looks_at_is_refused),
        ("plugins_02_memories_and_tables_are_taken_or_refused_everywhere_alike", plugins_02_memories_and_tables),
    ];
    let run = |test: fn()| {
        move || -> Result<(), Failed> {
            test();
            Ok(())
        }
    };
    let trials = tests.into_iter().map(|(name, test)| Trial::test(name, run(test))).collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn child(limits: CompileLimits) -> Compiler {
    Compiler::Child(ChildCompiler { program: std::env::current_exe().unwrap(), args: vec![COMPILE.into()], limits })
}

fn with(compiler: Compiler, cache: Option<&Path>) -> Sandbox {
    Sandbox::new(SandboxConfig { compiler, cache_dir: cache.map(Path::to_owned), ..SandboxConfig::small() }).unwrap()
}

fn calls(sandbox: &Sandbox) {
    let package = sandbox.load(&echo()).unwrap();
    let operation = Operation::Run { config: "{}".into(), input: "[1]".into() };
    sandbox.call_pure(&package, &context(), &operation, &Limits::default()).unwrap();
}

fn entry(folder: &Path) -> PathBuf {
    let mut all = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    all.find(|path| path.extension().is_some_and(|end| end == "cwasm")).unwrap()
}

/// The code of an entry, without its keyed hash.
fn code(folder: &Path) -> Vec<u8> {
    fs::read(entry(folder)).unwrap().split_off(32)
}

fn a_child_compiles_the_same_code() {
    let (own, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    calls(&with(Compiler::InProcess, Some(own.path())));
    calls(&with(child(CompileLimits::default()), Some(theirs.path())));
    assert_eq!(entry(own.path()).file_name(), entry(theirs.path()).file_name());
    assert_eq!(code(own.path()), code(theirs.path()));
    // For pools, too: the child has none, and compiles for the engine that has.
    let pooled = SandboxConfig { compiler: child(CompileLimits::default()), ..SandboxConfig::default() };
    calls(&Sandbox::new(pooled).unwrap());
    // And for packages that reach outside.
    let bytes = support::outward(Kind::Step, "unreachable").package().unwrap();
    assert!(!with(child(CompileLimits::default()), None).load(&bytes).unwrap().pure);
}

fn a_cached_package_needs_no_child() {
    let folder = tempfile::tempdir().unwrap();
    calls(&with(child(CompileLimits::default()), Some(folder.path())));
    let nobody = ChildCompiler { program: "/nowhere".into(), args: vec![], limits: CompileLimits::default() };
    calls(&with(Compiler::Child(nobody.clone()), Some(folder.path())));
    // A touched entry is not believed; then somebody is needed, and nobody compiles in the host instead.
    let entry = entry(folder.path());
    let mut bytes = fs::read(&entry).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&entry, bytes).unwrap();
    let refused = with(Compiler::Child(nobody), Some(folder.path())).load(&echo()).unwrap_err();
    assert!(matches!(&refused, PackageError::Host(why) if why.contains("/nowhere")), "{refused}");
}

fn plugins_02_memories_and_tables() {
    let with_places = |memories: usize, tables: usize| {
        let more = "(memory 1) ".repeat(memories - 1) + &"(table 1 funcref) ".repeat(tables);
        with_manifest(guest(Kind::Step, ECHO).more(more).component().unwrap())
    };
    let cache = tempfile::tempdir().unwrap();
    for pooling in [true, false] {
        for compiler in [Compiler::InProcess, child(CompileLimits::default())] {
            let pool = PoolConfig { pooling, instances: 2, ..PoolConfig::default() };
            let cache_dir = Some(cache.path().to_owned());
            let config = SandboxConfig { pool, compiler: compiler.clone(), cache_dir, ..SandboxConfig::default() };
            let sandbox = Sandbox::new(config).unwrap();
            // What componentize-qjs builds has three memories.
            for (memories, tables) in [(1, 0), (3, 0), (4, 8)] {
                let package = sandbox.load(&with_places(memories, tables)).unwrap();
                let operation = Operation::Run { config: "{}".into(), input: "[1]".into() };
                sandbox.call_pure(&package, &context(), &operation, &Limits::default()).unwrap();
            }
            for (bytes, what, found, allowed) in
                [(with_places(5, 0), "linear memories", 5, 4), (with_places(1, 9), "tables", 9, 8)]
            {
                let error = sandbox.load(&bytes).unwrap_err();
                assert_eq!(error, PackageError::TooMuch { what, found, allowed }, "pools: {pooling}, {compiler:?}");
            }
        }
    }
}

/// A step with so much code that compiling it takes seconds.
fn heavy() -> Vec<u8> {
    heavy_with(1_500, 400)
}

/// A step with so many functions of so many operations.
fn heavy_with(functions: usize, operations: usize) -> Vec<u8> {
    use std::fmt::Write as _;
    let mut more = String::new();
    for n in 0..functions {
        let _ = write!(more, "(func $f{n} (param i64 i64) (result i64)");
        for k in 0..operations {
            let _ = write!(
                more,
                "(local.set 0 (i64.rotl (i64.mul (local.get 0) (i64.const {k})) (i64.xor (local.get 1) (local.get 0))))"
            );
        }
        more.push_str("(local.get 0))");
    }
    // Packed without being compiled here: that is what is to be tested.
    with_manifest(guest(Kind::Step, ECHO).more(more).component().unwrap())
}

/// A component with the manifest section of a step like it.
fn with_manifest(mut component: Vec<u8>) -> Vec<u8> {
    use wasm_encoder::{ComponentSection as _, CustomSection};
    let manifest = serde_json::to_vec(&peek(&echo()).unwrap()).unwrap();
    CustomSection { name: huiyin_sandbox::SECTION.into(), data: manifest.as_slice().into() }
        .append_to_component(&mut component);
    component
}

fn refused(limits: CompileLimits) -> (PackageError, Duration) {
    let (sandbox, heavy) = (with(child(limits), None), heavy());
    let began = Instant::now();
    (sandbox.load(&heavy).unwrap_err(), began.elapsed())
}

fn too_much_processor_time_is_refused() {
    let (error, _) = refused(CompileLimits { cpu_seconds: 1, ..CompileLimits::default() });
    assert_eq!(error, PackageError::CompileTime { seconds: 1, of: "processor time", setting: "compileCpuSeconds" });
    assert!(error.to_string().contains("packages.compileCpuSeconds"), "{error}");
}

fn too_much_time_is_refused() {
    let (error, took) = refused(CompileLimits { wall: Duration::from_secs(1), ..CompileLimits::default() });
    assert_eq!(error, PackageError::CompileTime { seconds: 1, of: "time", setting: "compileWallSeconds" });
    assert!(took < Duration::from_mins(1), "the child is ended, not waited for: {took:?}");
}

fn too_much_memory_is_refused() {
    // The least that is enough for a small one: what the program itself takes.
    let enough = |bytes: &u64| {
        let limits = CompileLimits { memory_bytes: *bytes, ..CompileLimits::default() };
        match with(child(limits), None).load(&echo()) {
            Ok(_) => true,
            Err(error) => {
                assert_eq!(error, PackageError::CompileMemory { bytes: *bytes });
                false
            }
        }
    };
    let bytes = [32_u64, 64, 128, 256, 512, 1024].map(|mib| mib << 20).into_iter().find(enough).unwrap();
    let large = heavy_with(1, 200_000);
    let sandbox = with(child(CompileLimits { memory_bytes: bytes, ..CompileLimits::default() }), None);
    let error = sandbox.load(&large).unwrap_err();
    assert_eq!(error, PackageError::CompileMemory { bytes });
    assert!(error.to_string().contains("packages.compileMemoryBytes"), "{error}");
}

fn too_much_code_is_refused() {
    let sandbox = with(child(CompileLimits { output_bytes: 1_000, ..CompileLimits::default() }), None);
    let error = sandbox.load(&echo()).unwrap_err();
    assert!(matches!(error, PackageError::TooMuch { what: "bytes of compiled code", allowed: 1_000, .. }), "{error}");
}

/// A program made of these lines of shell.
fn script(folder: &Path, lines: &str) -> Compiler {
    let program = folder.join("compiler");
    fs::write(&program, format!("#!/bin/sh\n{lines}\n")).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    Compiler::Child(ChildCompiler { program, args: vec![], limits: CompileLimits::default() })
}

fn the_child_gets_nothing_of_the_hosts_environment() {
    let folder = tempfile::tempdir().unwrap();
    let told = folder.path().join("told");
    let lines = format!("/usr/bin/env > {0}; pwd >> {0}; ls -l /proc/$$/fd >> {0}; cat > /dev/null", told.display());
    // The test's own environment has PATH and more.
    assert!(std::env::var_os("PATH").is_some());
    with(script(folder.path(), &lines), None).load(&echo()).unwrap_err();
    let told = fs::read_to_string(told).unwrap();
    let known = ["RAYON_NUM_THREADS=", "MALLOC_ARENA_MAX=", "PWD=/", "OLDPWD=", "SHLVL=", "_=", "/\n"];
    let variables = told.lines().take_while(|line| !line.starts_with("total")).filter(|line| *line != "/");
    for line in variables {
        assert!(known.iter().any(|name| line.starts_with(name)), "{line}");
    }
    let open = told
        .lines()
        .filter(|line| line.contains(" -> ") && !line.contains("pipe:"))
        .filter(|line| !line.contains("/dev/null") && !line.contains("compiler") && !line.contains("told"));
    assert_eq!(open.collect::<Vec<_>>(), Vec::<&str>::new(), "only its pipes are open");
}

fn a_child_that_breaks_or_lies_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let said = |lines: &str| with(script(folder.path(), lines), None).load(&echo()).unwrap_err();
    assert_eq!(said("kill -SEGV $$"), PackageError::CompilerBroke("signal 11".to_owned()));
    assert_eq!(said("cat > /dev/null; exit 7"), PackageError::CompilerBroke("exit code 7".to_owned()));
    assert_eq!(said("exit 0"), PackageError::Host("the compiler said nothing".to_owned()));
    // Code that is none is found by its header.
    let lie = said(r"cat > /dev/null; printf '\000not compiled code'");
    assert!(matches!(&lie, PackageError::Host(why) if why.contains("not for this engine")), "{lie}");
    let unable = said(r"cat > /dev/null; printf '\002no reason'");
    assert!(unable.to_string().contains("no reason"), "{unable}");
}

fn what_is_not_valid_is_refused_with_its_reason() {
    // Well-formed from outside, with a body that leaves nothing on the stack.
    let broken = r#"(component
        (core module $m (func (export "f") (result i32)))
        (core instance $m (instantiate $m))
        (instance $i)
        (export "huiyin:plugin/info@0.1.0" (instance $i))
        (export "huiyin:plugin/step@0.1.0" (instance $i)))"#;
    let bytes = with_manifest(wat::parse_str(broken).unwrap());
    let error = with(child(CompileLimits::default()), None).load(&bytes).unwrap_err();
    assert!(matches!(&error, PackageError::Invalid(why) if why.contains("type mismatch")), "{error}");
    assert_eq!(with(Compiler::InProcess, None).load(&bytes).unwrap_err(), error, "the same word from both");
}

fn more_than_the_host_looks_at_is_refused() {
    let nobody = ChildCompiler { program: "/nowhere".into(), args: vec![], limits: CompileLimits::default() };
    let sandbox = with(Compiler::Child(nobody), None);
    let mut nested = "(component)".to_owned();
    for _ in 0..=MAX_NESTING {
        nested = format!("(component {nested})");
    }
    let deep = sandbox.load(&wat::parse_str(nested).unwrap()).unwrap_err();
    assert!(matches!(deep, PackageError::TooMuch { what: "components within components", .. }), "{deep}");

    let many = format!("(component {})", "(core module)".repeat(MAX_MODULES as usize + 1));
    let many = sandbox.load(&wat::parse_str(many).unwrap()).unwrap_err();
    assert!(matches!(many, PackageError::TooMuch { what: "modules and components inside it", .. }), "{many}");

    let count = u32::try_from(MAX_FUNCTIONS + 1).unwrap();
    let crowded = component_of(|functions, code| {
        for _ in 0..count {
            functions.function(0);
            code.raw(&[0, 0x0b]);
        }
    });
    let crowded = sandbox.load(&crowded).unwrap_err();
    assert!(matches!(crowded, PackageError::TooMuch { what: "functions", .. }), "{crowded}");

    let long = component_of(|functions, code| {
        functions.function(0);
        let mut body = vec![0];
        body.resize(9 << 20, 0x01);
        body.push(0x0b);
        code.raw(&body);
    });
    let long = sandbox.load(&long).unwrap_err();
    assert!(matches!(long, PackageError::TooMuch { what: "bytes in one function", .. }), "{long}");
    // What a package may have is far below: nothing honest is refused.
    assert!(step_with("", "unreachable").len() < 10_000);
}

/// A component around one module whose functions are put in by hand.
fn component_of(fill: impl Fn(&mut wasm_encoder::FunctionSection, &mut wasm_encoder::CodeSection)) -> Vec<u8> {
    use wasm_encoder::{CodeSection, Component, FunctionSection, Module, ModuleSection, TypeSection};
    let (mut types, mut functions, mut code) = (TypeSection::new(), FunctionSection::new(), CodeSection::new());
    types.ty().function([], []);
    fill(&mut functions, &mut code);
    let mut module = Module::new();
    module.section(&types).section(&functions).section(&code);
    let mut component = Component::new();
    component.section(&ModuleSection(&module));
    component.finish()
}
