//! `huiyin secret`: the vault of a data folder. A value comes in on stdin and
//! never goes out again: no command shows one.

use std::io::{IsTerminal as _, Read as _};
use std::path::PathBuf;

use huiyin_engine::secrets::vault::{MAX_VALUE, Vault, VaultError, trim_line_end};
use huiyin_sandbox::SecretValue;
use jiff::Timestamp;
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use serde_json::json;
use zeroize::Zeroizing;

use crate::folders::DATA;
use crate::output::{Failure, Output, note, print, print_json};

/// Keep secrets for plugins and workflows
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  huiyin secret set api-token --data /var/lib/huiyin < token.txt\n\nA running host uses a new value from the next call on."
)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Keep a value, read from stdin, under a name; in place of the one that is there
    #[command(
        after_help = "Example:\n  huiyin secret set api-token < token.txt\n\nOn a terminal it asks, and does not show what is typed. A line end at the end is left out."
    )]
    Set(OfName),
    /// Show names and when they were set; never a value
    #[command(after_help = "Example:\n  huiyin secret list --data /var/lib/huiyin")]
    List(OfData),
    /// Forget a secret
    #[command(after_help = "Example:\n  huiyin secret remove api-token")]
    Remove(OfName),
    /// Seal every secret anew under a fresh key, and forget the old key
    #[command(after_help = "Example:\n  huiyin secret rotate --data /var/lib/huiyin")]
    Rotate(OfData),
}

#[derive(Debug, clap::Args)]
struct OfData {
    /// The host's data folder.
    #[arg(long, value_name = "DIR", default_value = DATA)]
    data: PathBuf,
}

#[derive(Debug, clap::Args)]
struct OfName {
    /// The name under which grants speak of it.
    name: String,
    #[command(flatten)]
    of: OfData,
}

pub(crate) fn run(args: &Args, output: Output) -> Result<(), Failure> {
    match &args.command {
        Command::Set(args) => set(args),
        Command::List(args) => list(args, output),
        Command::Remove(args) => {
            Vault::at(&args.of.data).remove(&args.name).map_err(refused)?;
            note(format_args!("removed `{}`", args.name));
            Ok(())
        }
        Command::Rotate(args) => {
            let count = Vault::at(&args.data).rotate().map_err(refused)?;
            note(format_args!("{count} secrets sealed under a new key; backups of the old key no longer open them"));
            Ok(())
        }
    }
}

fn set(args: &OfName) -> Result<(), Failure> {
    let value = read_value(&args.name)?;
    let replaced = Vault::at(&args.of.data).set(&args.name, &value, Timestamp::now()).map_err(refused)?;
    note(format_args!("{} `{}`", if replaced { "replaced" } else { "kept" }, args.name));
    Ok(())
}

fn list(args: &OfData, output: Output) -> Result<(), Failure> {
    let entries = Vault::at(&args.data).list().map_err(refused)?;
    match output {
        Output::Json => print_json(&json!(entries)),
        Output::Text => {
            let width = entries.iter().map(|entry| entry.name.len()).max().unwrap_or_default();
            let lines = entries.iter().map(|entry| format!("{:width$}  {}\n", entry.name, entry.set));
            print(lines.collect::<String>())
        }
    }
}

fn refused(error: VaultError) -> Failure {
    if error.is_input() { Failure::invalid(error) } else { Failure::unreachable(error) }
}

/// Reads the value from stdin; from a terminal without showing it.
fn read_value(name: &str) -> Result<SecretValue, Failure> {
    let failed = |error: std::io::Error| Failure::failed(format_args!("stdin: {error}"));
    let stdin = std::io::stdin();
    // One allocation, so that no copy of the value is left behind by growth.
    let mut value = Zeroizing::new(Vec::with_capacity(MAX_VALUE + 4));
    if stdin.is_terminal() {
        note(format_args!("value of `{name}` (not shown; end with Enter):"));
        let _quiet = Quiet::new().map_err(failed)?;
        let mut byte = [0];
        while value.len() < MAX_VALUE + 2 && stdin.lock().read(&mut byte).map_err(failed)? == 1 {
            match byte[0] {
                b'\n' | b'\r' | EOT => break,
                ETX => return Err(Failure::failed("stopped; nothing is kept")),
                NAK => value.clear(),
                BACKSPACE | DELETE => {
                    // A whole character of UTF-8: its later bytes begin with 10.
                    while value.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {}
                }
                byte => value.push(byte),
            }
        }
    } else {
        stdin.lock().take(MAX_VALUE as u64 + 3).read_to_end(&mut value).map_err(failed)?;
    }
    trim_line_end(&mut value);
    Ok(value.into())
}

/// What a terminal sends for Ctrl-C, Ctrl-D, Ctrl-U and the two keys that take a character back.
const ETX: u8 = 3;
const EOT: u8 = 4;
const NAK: u8 = 21;
const BACKSPACE: u8 = 8;
const DELETE: u8 = 127;

/// A terminal that does not show what is typed and leaves Ctrl-C to us, until
/// this is dropped: a signal would leave it mute.
struct Quiet {
    before: rustix::termios::Termios,
}

impl Quiet {
    fn new() -> std::io::Result<Self> {
        let before = tcgetattr(std::io::stdin())?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
        tcsetattr(std::io::stdin(), OptionalActions::Flush, &quiet)?;
        Ok(Self { before })
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // What was pasted beyond the value is no command for the shell.
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Flush, &self.before);
    }
}
