//! `huiyin token`: tokens by which programs ask in a person's name. It works on
//! the data folder itself, as `huiyin account` does; a running host sees every
//! change at once.

use std::path::{Path, PathBuf};

use huiyin_server::{ApiToken, Deed, MAX_TOKEN_DAYS, NewToken, SignInRecord, TokenScope, Tokens, TokensError, Trail};
use jiff::Timestamp;
use serde_json::json;

use crate::folders::{DATA, existing};
use crate::output::{Failure, Output, note, print, print_json};

/// Tokens by which programs ask in a person's name
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  huiyin token create --person xu-ming --unit qingfeng --scope read --expires 30d\n\nPrints the token, this once. Programs send it as `authorization: Bearer TOKEN`; the command line takes it from a file (--token-file)."
)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Make a token; prints it, this once
    #[command(
        after_help = "Example:\n  huiyin token create --person xu-ming --unit qingfeng --scope read --expires 30d\n\nWho bears it reads, and with --scope act does, what this person may within that unit and those below it."
    )]
    Create {
        /// The person's id in the policy pack.
        #[arg(long, value_name = "PERSON")]
        person: String,
        /// The unit within which it holds, with those below it: the person's own, or one below that.
        #[arg(long, value_name = "UNIT")]
        unit: String,
        /// Whether it reads only, or does what the person may do.
        #[arg(long, value_enum, default_value = "read")]
        scope: Scope,
        /// For how long it holds, in days.
        #[arg(long, value_name = "DAYS", default_value = "30d", value_parser = days)]
        expires: u64,
        #[command(flatten)]
        of: OfData,
    },
    /// Show the tokens there are
    #[command(after_help = "Example:\n  huiyin token list --data /var/lib/huiyin")]
    List(OfData),
    /// End a token at once
    #[command(after_help = "Example:\n  huiyin token revoke 3f9a0c1b2d4e --data /var/lib/huiyin")]
    Revoke {
        /// Its id, as `huiyin token list` shows it.
        #[arg(value_name = "ID")]
        id: String,
        #[command(flatten)]
        of: OfData,
    },
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Scope {
    /// Reads only.
    Read,
    /// Does what the person may do.
    Act,
}

#[derive(Debug, clap::Args)]
struct OfData {
    /// The host's data folder.
    #[arg(long, value_name = "DIR", default_value = DATA)]
    data: PathBuf,
}

/// `30d`, or a number of days.
fn days(text: &str) -> Result<u64, String> {
    let number = text.strip_suffix('d').unwrap_or(text);
    let wrong = || format!("`{text}` is no number of days from 1 to {MAX_TOKEN_DAYS}; write 30d");
    number.parse().ok().filter(|days| (1..=MAX_TOKEN_DAYS).contains(days)).ok_or_else(wrong)
}

pub(crate) fn run(args: &Args, output: Output) -> Result<(), Failure> {
    match &args.command {
        Command::Create { person, unit, scope, expires, of } => {
            let scope = match scope {
                Scope::Read => TokenScope::Read,
                Scope::Act => TokenScope::Act,
            };
            let new = NewToken {
                person: person.clone(),
                unit: unit.clone(),
                scope,
                days: *expires,
                by: "machine".to_owned(),
            };
            let (id, token, kept) = tokens(&of.data)?.create(new).map_err(refused)?;
            record(&of.data, Deed::TokenMade, &kept, &id);
            match output {
                Output::Json => print_json(&json!({
                    "token": token, "id": id, "person": kept.person, "unit": kept.unit, "scope": kept.scope,
                    "expires": kept.expires,
                })),
                Output::Text => {
                    note(format_args!(
                        "token {id} of person:{} within {} until {}; it is told this once:",
                        kept.person, kept.unit, kept.expires
                    ));
                    print(format_args!("{token}\n"))
                }
            }
        }
        Command::Revoke { id, of } => {
            let kept = tokens(&of.data)?.revoke(id).map_err(refused)?;
            record(&of.data, Deed::TokenRevoked, &kept, id);
            note(format_args!("revoked token {id} of person:{}", kept.person));
            Ok(())
        }
        Command::List(of) => list(&of.data, output),
    }
}

fn tokens(data: &Path) -> Result<Tokens, Failure> {
    existing(data).map(Tokens::of)
}

fn record(data: &Path, deed: Deed, token: &ApiToken, id: &str) {
    Trail::of(Some(data)).note(&SignInRecord {
        time: Timestamp::now(),
        deed,
        account: token.person.clone(),
        by: Some("machine".to_owned()),
        address: None,
        forwarded: None,
        detail: Some(format!("token {id}")),
    });
}

fn list(data: &Path, output: Output) -> Result<(), Failure> {
    let all = tokens(data)?.all().map_err(refused)?;
    let now = Timestamp::now();
    match output {
        Output::Json => {
            let row = |(id, token): (&String, &ApiToken)| {
                json!({
                    "id": id, "person": token.person, "unit": token.unit, "scope": token.scope, "by": token.by,
                    "added": token.added, "expires": token.expires, "over": token.expires <= now,
                })
            };
            print_json(&all.iter().map(row).collect::<Vec<_>>())
        }
        Output::Text => {
            if all.is_empty() {
                note("there are no tokens; `huiyin token create` makes one");
            }
            let line = |(id, token): (&String, &ApiToken)| {
                let scope = if token.scope == TokenScope::Act { "act" } else { "read" };
                let over = if token.expires <= now { "  over" } else { "" };
                format!("{id}  {scope:4}  {}  {}  until {}{over}\n", token.person, token.unit, token.expires)
            };
            print(all.iter().map(line).collect::<String>())
        }
    }
}

fn refused(error: TokensError) -> Failure {
    if error.is_input() { Failure::invalid(error) } else { Failure::unreachable(error) }
}
