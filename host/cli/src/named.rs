//! Every command that the documentation, a hint or an error names is one that this program has.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

use std::path::{Path, PathBuf};

use clap::{Command, CommandFactory as _};

use crate::Cli;

/// What is wrong with a command as it is written; a synopsis (`list | show`, `[--data DIR]`) counts
/// as far as its words go.
fn fault(written: &str) -> Option<String> {
    let root = Cli::command();
    let mut here: &Command = &root;
    let mut longs: Vec<String> = longs_of(&root).collect();
    let mut naming = true;
    // A label that keys are derived by, such as `huiyin blob id v1`.
    if written.split_whitespace().next_back().is_some_and(|last| last == "v1") {
        return None;
    }
    // A row of a table that names several commands at once: any option of them.
    if written.contains("\\|") {
        let first = written.split_whitespace().next().and_then(|word| root.find_subcommand(word));
        longs.extend(first.into_iter().flat_map(below));
    }
    for word in written.split_whitespace() {
        if matches!(word, "#" | "|" | ">" | "<" | "&&" | "||" | ";" | "&" | "\\") || word.starts_with("2>") {
            break;
        }
        let word = word.trim_matches(|c: char| "[](),.;:`'\"…".contains(c));
        if let Some(flag) = word.strip_prefix("--") {
            let name: String = flag.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
            if !name.is_empty() && !longs.contains(&name) {
                return Some(format!("`{}` has no --{name}", here.get_name()));
            }
            continue;
        }
        if !naming || word.starts_with('-') || here.get_subcommands().next().is_none() {
            naming = false;
            continue;
        }
        if let Some(found) = here.find_subcommand(word) {
            longs.extend(longs_of(found));
            here = found;
        } else if word.chars().all(|c| c.is_ascii_lowercase() || c == '-') && !word.is_empty() {
            return Some(format!("`{}` has no command `{word}`", here.get_name()));
        } else {
            naming = false;
        }
    }
    None
}

/// The options of a command and of all below it.
fn below(command: &Command) -> Vec<String> {
    longs_of(command).chain(command.get_subcommands().flat_map(below)).collect()
}

fn longs_of(command: &Command) -> impl Iterator<Item = String> {
    let own = command.get_arguments().filter_map(|argument| argument.get_long()).map(str::to_owned);
    own.chain(["help".to_owned(), "version".to_owned()])
}

/// The commands that a line names: in back quotes, and the whole of a line that begins with one.
fn named(line: &str) -> Vec<&str> {
    let mut found: Vec<&str> = line.split('`').skip(1).step_by(2).filter(|code| code.starts_with("huiyin ")).collect();
    let bare = line.trim_start_matches(|c: char| c.is_whitespace() || "/!$*-".contains(c));
    // In a string of Rust a line may begin after `\n`.
    for part in bare.split("\\n") {
        let part = part.trim_start().trim_start_matches("$ ");
        if part.starts_with("huiyin ") {
            found.push(part.split('"').next().unwrap_or(part));
        }
    }
    found
}

fn files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && !matches!(name.as_str(), "target" | "build" | "tests" | "node_modules") {
            files(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "md" || extension == "rs") {
            into.push(path);
        }
    }
}

#[test]
fn redesign_e_every_command_that_is_named_anywhere_is_one_that_there_is() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
    let mut all: Vec<PathBuf> =
        ["README.md", "README.zh-CN.md", "CONTRIBUTING.md"].iter().map(|name| root.join(name)).collect();
    files(&root.join("docs"), &mut all);
    files(&root.join("host"), &mut all);
    files(&root.join("sdk"), &mut all);
    files(&root.join("plugins"), &mut all);
    let (mut seen, mut wrong) = (0, Vec::new());
    for file in all.iter().filter(|file| !file.ends_with("cli/src/named.rs")) {
        let text = std::fs::read_to_string(file).unwrap();
        for (at, line) in text.lines().enumerate() {
            for command in named(line) {
                seen += 1;
                if let Some(why) = fault(command.trim_start_matches("huiyin ")) {
                    let file = file.strip_prefix(&root).unwrap().display();
                    wrong.push(format!("{file}:{}: {why}: {command}", at + 1));
                }
            }
        }
    }
    assert!(seen > 150, "only {seen} commands were found");
    assert!(wrong.is_empty(), "{} of {seen}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_check_itself_sees_what_is_wrong() {
    assert_eq!(fault("case list --data huiyin-data"), None);
    assert_eq!(fault("policy validate | show | diff OLD NEW"), None);
    assert!(fault("policy undeploy FILE").unwrap().contains("no command `undeploy`"));
    assert!(fault("case list --dta x").unwrap().contains("no --dta"));
    assert!(fault("polcy show").is_some());
    assert_eq!(named("see `huiyin case list`, or\\nhuiyin case show 1\"").len(), 2);
}

/// The examples of `--help` are whole commands: each is read as the program reads it.
#[test]
fn redesign_e_every_example_of_help_parses() {
    let mut wrong = Vec::new();
    fn walk(command: &Command, wrong: &mut Vec<String>, seen: &mut usize) {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        // A value that is cut short is none: such a line is held by the other test alone.
        let whole = |line: &&str| line.starts_with("huiyin ") && !line.contains('…');
        for line in help.lines().map(str::trim).filter(whole) {
            let Some(words) = words(line) else { continue };
            *seen += 1;
            if let Err(error) = Cli::command().try_get_matches_from(&words) {
                wrong.push(format!("{line}: {error}"));
            }
        }
        command.get_subcommands().for_each(|below| walk(below, wrong, seen));
    }
    let mut seen = 0;
    walk(&Cli::command(), &mut wrong, &mut seen);
    assert!(seen > 40, "only {seen} examples");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The words of a shell line up to a pipe or a redirection; none where it has a substitution.
fn words(line: &str) -> Option<Vec<String>> {
    let (mut words, mut word, mut quote, mut some) = (Vec::new(), String::new(), None, false);
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        match (quote, c) {
            (Some(q), _) if c == q => quote = None,
            (Some(_), _) => word.push(c),
            (None, '\\') => word.extend(rest.next()),
            (None, '\'' | '"') => (quote, some) = (Some(c), true),
            (None, '|' | '>' | '<' | '&' | ';' | '#') if word.is_empty() => return Some(words),
            (None, '$') => return None,
            (None, c) if c.is_whitespace() => {
                if some || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                some = false;
            }
            (None, c) => word.push(c),
        }
    }
    if some || !word.is_empty() {
        words.push(word);
    }
    Some(words)
}
