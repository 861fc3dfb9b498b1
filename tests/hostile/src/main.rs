//! `huiyin-hostile list | table | repeat NAME [COUNT] | seeds TARGET FOLDER`:
//! the table of hostile plugins, as a list or as its document has it; one of
//! them repeated in this process, which then says by how many KiB its memory
//! grew; what fuzzing of a target begins with, as files.

use std::process::ExitCode;
use std::time::Duration;

use huiyin_hostile::case::Case;
use huiyin_hostile::targets::TARGETS;
use huiyin_hostile::trial::Trial;
use huiyin_hostile::{cases, table};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        ["list"] => {
            for case in cases::all() {
                println!("{}", case.name);
            }
            Ok(())
        }
        ["table"] => {
            print!("{}", table::markdown());
            Ok(())
        }
        ["repeat", name] => repeat(name, 10_000),
        ["repeat", name, count] => match count.parse() {
            Ok(count) => repeat(name, count),
            Err(error) => Err(format!("`{count}` is no number: {error}")),
        },
        ["seeds", target, folder] => seeds(target, folder),
        _ => Err("huiyin-hostile list | table | repeat NAME [COUNT] | seeds TARGET FOLDER".to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn repeat(name: &str, count: usize) -> Result<(), String> {
    let all: Vec<Case> = cases::all();
    let case = all.iter().find(|case| case.name == name).ok_or_else(|| format!("there is no case `{name}`"))?;
    // One thread and few places: what grows is the sandbox's, not the allocator's arenas.
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    let mut trial = Trial::new(case, 2, Duration::from_millis(1))?;
    let grown = runtime.block_on(trial.repeats(count))?;
    println!("{grown}");
    Ok(())
}

fn seeds(target: &str, folder: &str) -> Result<(), String> {
    let found = TARGETS.iter().find(|known| known.name == target);
    let found = found.ok_or_else(|| format!("there is no target `{target}`"))?;
    for (number, seed) in found.seeds().iter().enumerate() {
        let file = std::path::Path::new(folder).join(format!("seed-{number:03}"));
        std::fs::write(&file, seed).map_err(|error| format!("{}: {error}", file.display()))?;
    }
    Ok(())
}
