//! `huiyin-simulation`: seeds on the command line.
//! `make sim SEEDS=10000`, `make sim SEED=7 TRACE=1`.

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use huiyin_simulation::{Bug, simulate, simulate_all};

/// Whole hosts in one thread under seeds, with crashes, torn writes, delays,
/// repeated results and clock steps.
#[derive(Parser)]
struct Args {
    /// How many seeds are run.
    #[arg(long, default_value_t = 1_000)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Runs this one seed only.
    #[arg(long)]
    seed: Option<u64>,
    /// Prints what happened, with --seed.
    #[arg(long)]
    trace: bool,
    /// Plants a bug: no-sync, early-effect or lost-timer.
    #[arg(long, value_parser = bug)]
    planted: Option<Bug>,
    /// Simulations at once.
    #[arg(long, default_value_t = 2)]
    threads: usize,
}

fn bug(name: &str) -> Result<Bug, String> {
    let names: Vec<&str> = Bug::ALL.iter().map(|bug| bug.name()).collect();
    Bug::ALL.into_iter().find(|bug| bug.name() == name).ok_or_else(|| format!("one of {}", names.join(", ")))
}

fn main() -> ExitCode {
    let args = Args::parse();
    let began = Instant::now();
    if let Some(seed) = args.seed {
        let outcome = simulate(seed, args.planted, args.trace);
        print!("{}", outcome.trace);
        println!("seed {seed}: {:?}, digest {:016x}, {:?}", outcome.counts, outcome.digest, began.elapsed());
        return match outcome.wrong {
            None => ExitCode::SUCCESS,
            Some(wrong) => {
                println!("WRONG: {wrong}");
                ExitCode::FAILURE
            }
        };
    }
    let seeds = args.from..args.from.saturating_add(args.seeds);
    let (failed, counts) = simulate_all(seeds, args.threads, args.planted, args.planted.is_some());
    println!("{} seeds in {:?}: {counts:?}", args.seeds, began.elapsed());
    for (seed, wrong) in &failed {
        println!("seed {seed}: {wrong}\n  again: make sim SEED={seed} TRACE=1");
    }
    println!("{} of {} seeds failed", failed.len(), args.seeds);
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
