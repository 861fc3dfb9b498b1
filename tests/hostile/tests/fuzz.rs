//! Every fuzz target over its seeds and some thousand mutations of them: the
//! short run of every test run, without libFuzzer. `HUIYIN_FUZZ_SEED` gives
//! another row of mutations, `HUIYIN_FUZZ_TIMES` a longer one; `make fuzz` is
//! the long run.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::panic::{AssertUnwindSafe, catch_unwind};

use huiyin_hostile::targets::{Mutations, TARGETS};

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().expect(name))
}

fn short_run(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name).unwrap();
    let seeds = target.seeds();
    assert!(!seeds.is_empty(), "{name} has no seeds");
    let seed = number("HUIYIN_FUZZ_SEED", 1);
    let times = usize::try_from(number("HUIYIN_FUZZ_TIMES", 1)).unwrap();
    println!("{name}: {} seeds, {} mutations from seed {seed}", seeds.len(), target.mutations * times);
    let inputs = seeds.iter().cloned().chain(Mutations::new(&seeds, seed).take(target.mutations * times));
    for (at, input) in inputs.enumerate() {
        if catch_unwind(AssertUnwindSafe(|| (target.run)(&input))).is_err() {
            let shown = &input[..input.len().min(2_000)];
            panic!("{name}, input {at} of seed {seed} ({} bytes): b\"{}\"", input.len(), shown.escape_ascii());
        }
    }
}

macro_rules! short_runs {
    ($($name:ident)*) => {
        $(#[test] fn $name() { short_run(stringify!($name)); })*

        #[test]
        fn every_target_is_run_here_and_by_libfuzzer() {
            let here = [$(stringify!($name)),*];
            let all: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
            assert_eq!(here.as_slice(), all.as_slice());
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz");
            let manifest = std::fs::read_to_string(format!("{folder}/Cargo.toml")).unwrap();
            for name in all {
                assert!(manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")), "{name}");
                let code = std::fs::read_to_string(format!("{folder}/fuzz_targets/{name}.rs")).unwrap();
                assert!(code.contains(&format!("fuzz_{name}(data)")), "{name}: {code}");
            }
        }
    };
}

short_runs! { manifest grant origin request package workflow policy segment frame }
