//! `huiyin policy`: policy packs (制度包), read and compared before they come into force.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use huiyin_desk::policy::{Change, changes};
use huiyin_desk::{Level, PolicyPack};
use huiyin_engine::grants::Caps;
use serde_json::{Value, json};

use crate::client::{Client, HostArgs};
use crate::output::{Failure, Output, note, print, print_json, read_text, shown};
use crate::people::word;
use crate::rows::rows;
use crate::text::{plain, table};

mod deploy;

/// The largest pack that is read, in bytes; the pack's own reader says more about a smaller one.
const MAX_PACK: u64 = 64 << 20;

/// Policy packs: what holds for units, clocks and the floor
///
/// A pack comes into force when a host starts with it (name its file as `policy` in huiyin.json), or by
/// `huiyin policy deploy` while it runs.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Read packs and say everything that is wrong with them, with line and column; exit 2 if anything is
    #[command(after_help = "Example:\n  huiyin policy validate bureau/policy.json")]
    Validate {
        /// The files; `-` for stdin.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Show the pack that is in force on a running host
    #[command(after_help = "Example:\n  huiyin policy show --data huiyin-data")]
    Show {
        #[command(flatten)]
        host: HostArgs,
    },
    /// Bring a pack into force on a running host: validated, compared, adopted by every partition
    #[command(
        after_help = "Example:\n  huiyin policy deploy bureau/policy.json --data huiyin-data\n\nNew cases go by it. Clocks that run go on as they are, unless `--recompute` says why they are counted anew; no breach is rewritten by that."
    )]
    Deploy {
        /// The file.
        file: PathBuf,
        /// Count the clocks that run anew by it, for this reason.
        #[arg(long, value_name = "REASON")]
        recompute: Option<String>,
        /// Say what would change, and change nothing.
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        host: HostArgs,
    },
    /// List the packs that were in force, and how many open cases go by each
    #[command(after_help = "Example:\n  huiyin policy list --data huiyin-data")]
    List {
        #[command(flatten)]
        host: HostArgs,
    },
    /// Print the JSON Schema of packs, for editors
    #[command(after_help = "Example:\n  huiyin policy schema")]
    Schema,
    /// Say in words what changes from one pack to another, and for which open cases of a running host
    #[command(after_help = "Example:\n  huiyin policy diff old.json new.json --data huiyin-data")]
    Diff {
        /// The pack as it is.
        old: PathBuf,
        /// The pack as it is to be.
        new: PathBuf,
        #[command(flatten)]
        host: HostArgs,
    },
}

pub(crate) fn run(args: &Args, output: Output) -> Result<(), Failure> {
    match &args.command {
        Command::Validate { files } => validate(files, output),
        Command::Show { host } => show(&Client::of(host)?, output),
        Command::Deploy { file, recompute, dry_run, host } => {
            deploy::deploy(file, recompute.as_deref(), *dry_run, &Client::of(host)?, output)
        }
        Command::List { host } => deploy::list(&Client::of(host)?, output),
        Command::Schema => deploy::schema(),
        Command::Diff { old, new, host } => diff(old, new, host, output),
    }
}

/// Reads a pack as a host would at its start, without plugins.
fn read(file: &Path) -> Result<PolicyPack, Failure> {
    let name = shown(file);
    let text = read_text(file, MAX_PACK)?;
    let lines = |found: &[huiyin_desk::Problem]| found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    let pack = PolicyPack::parse(&text, &name).map_err(|found| Failure::invalid(lines(&found)))?;
    Caps::read(&pack).map_err(|found| Failure::invalid(found.join("\n")))?;
    Ok(pack)
}

fn validate(files: &[PathBuf], output: Output) -> Result<(), Failure> {
    let (mut done, mut wrong) = (Vec::new(), false);
    for file in files {
        match read(file) {
            Ok(pack) => {
                let unset: Vec<&str> = pack.unset().map(|rule| rule.id.as_str()).collect();
                done.push(json!({
                    "file": shown(file), "name": pack.name, "version": pack.version,
                    "units": pack.units.len(), "clocks": pack.clocks.len(), "unset": unset,
                }));
            }
            Err(failure) => {
                wrong = true;
                note(failure.message());
            }
        }
    }
    if output == Output::Json {
        print_json(&json!({"packs": done}))?;
    } else {
        for pack in &done {
            let unset = rows_of(pack, "unset");
            let unset =
                if unset.is_empty() { String::new() } else { format!(";时限未定 unset: {}", unset.join(", ")) };
            print(format_args!(
                "{}: 有效 valid: {}:{},单位 units {},时限 clocks {}{unset}\n",
                word(pack, "file"),
                word(pack, "name"),
                word(pack, "version"),
                word(pack, "units"),
                word(pack, "clocks"),
            ))?;
        }
    }
    if wrong { Err(Failure::quiet(2)) } else { Ok(()) }
}

fn rows_of(value: &Value, name: &str) -> Vec<String> {
    rows(value, name).filter_map(Value::as_str).map(plain).collect()
}

fn show(client: &Client, output: Output) -> Result<(), Failure> {
    let answer = client.get("/v1/policy")?;
    if output == Output::Json {
        return print_json(&answer);
    }
    let pack = answer.get("pack").unwrap_or(&Value::Null);
    let zh = |value: &Value| value.pointer("/name/zh").and_then(Value::as_str).map(plain).unwrap_or_default();
    let title = pack.pointer("/title/zh").and_then(Value::as_str).map(plain).unwrap_or_default();
    let floor = pack.get("floor").unwrap_or(&Value::Null);
    print(format_args!(
        "制度包 pack  {}:{}  {title}\n时区 zone    {}\n底线 floor   {}:{},{} 级起自动立案\n\n",
        word(pack, "name"),
        word(pack, "version"),
        word(pack, "time_zone"),
        word(floor, "name"),
        word(floor, "version"),
        word(floor, "opens_at"),
    ))?;
    let units: Vec<Vec<String>> = rows(pack, "units")
        .map(|unit| {
            let person = |id: &str| {
                let named = rows(unit, "people").find(|p| p.get("id").and_then(Value::as_str) == Some(id));
                named.map_or_else(|| plain(id), |p| format!("{}({})", word(p, "name"), plain(id)))
            };
            let who = |key: &str| person(unit.get(key).and_then(Value::as_str).unwrap_or("-"));
            let people: Vec<String> = rows(unit, "people").map(|p| word(p, "name")).collect();
            vec![
                word(unit, "code"),
                zh(unit),
                word(unit, "parent"),
                who("spokesperson"),
                who("principal"),
                people.join("、"),
            ]
        })
        .collect();
    let head = ["单位 UNIT", "名称 NAME", "上级 PARENT", "发言人 SPOKESPERSON", "负责人 PRINCIPAL", "人员 PEOPLE"];
    print(format_args!("{}\n", table(&head, &units)))?;
    let clocks: Vec<Vec<String>> = rows(pack, "clocks")
        .map(|rule| {
            vec![
                word(rule, "id"),
                zh(rule),
                word(rule, "allowance"),
                rows_of(rule, "levels").join(" "),
                rule.pointer("/basis/clause").and_then(Value::as_str).map_or_else(|| "-".to_owned(), plain),
            ]
        })
        .collect();
    print(table(&["时限 CLOCK", "名称 NAME", "期限 ALLOWED", "等级 LEVELS", "条款 CLAUSE"], &clocks))
}

fn diff(old: &Path, new: &Path, host: &HostArgs, output: Output) -> Result<(), Failure> {
    let (old, new) = (read(old)?, read(new)?);
    let found = changes(&old, &new);
    // Which cases are open is known only where a host runs.
    let cases = if host.named() || crate::client::runs_in(&host.data) {
        let answer = Client::of(host)?.get("/v1/cases")?;
        Some(rows(&answer, "cases").filter(|case| word(case, "state") != "closed").cloned().collect::<Vec<_>>())
    } else {
        None
    };
    let concerned = |change: &Change| -> Option<Vec<String>> {
        let cases = cases.as_ref()?;
        let concerns = |case: &&Value| {
            Level::parse(&word(case, "level")).is_some_and(|level| change.concerns(&word(case, "unit"), level))
        };
        Some(cases.iter().filter(concerns).map(|case| word(case, "number")).collect())
    };
    if output == Output::Json {
        let all: Vec<Value> =
            found.iter().map(|change| json!({"change": change, "open_cases": concerned(change)})).collect();
        return print_json(&json!({"changes": all}));
    }
    if found.is_empty() {
        return print("两个制度包相同 (the packs are the same)\n");
    }
    for change in &found {
        let en = change.said.en.as_deref().unwrap_or_default();
        print(format_args!("{}\n  {en} (at {})\n", plain(&change.said.zh), change.pointer))?;
        match concerned(change) {
            Some(cases) if !cases.is_empty() => {
                print(format_args!("  涉及未办结办件 open cases ({}): {}\n", cases.len(), cases.join(", ")))?;
            }
            _ => {}
        }
    }
    if cases.is_none() {
        note(
            "没有运行中的主机,未列出涉及的办件 (no host runs here, so the open cases concerned are not known; name its data folder with --data)",
        );
    }
    Ok(())
}
