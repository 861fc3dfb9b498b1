//! `huiyin account`: who may sign in to the web console. It works on the data
//! folder itself, whether the host runs or not: whoever may write there is an
//! admin of the machine. A running host sees every change at once.

use std::path::{Path, PathBuf};

use huiyin_server::{Account, AccountError, Accounts, Deed, SignInRecord, Trail, first_password};
use jiff::Timestamp;
use serde_json::json;

use crate::folders::{DATA, existing};
use crate::output::{Failure, Output, note, print, print_json};

/// Who may sign in to the web console
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  huiyin account add xu-ming --data /var/lib/huiyin\n\nPrints a first password, which has to be changed at the first sign-in. A running host sees the change at once."
)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Let a person of the policy pack sign in, or an admin of the host; prints a first password
    #[command(
        after_help = "Example:\n  huiyin account add xu-ming --data /var/lib/huiyin\n\nThe name is the person's id in the policy pack; with --admin it is an admin's, who does nothing on the desk."
    )]
    Add {
        #[command(flatten)]
        of: OfName,
        /// An admin of the host, and no person of the policy pack.
        #[arg(long)]
        admin: bool,
    },
    /// Show who may sign in
    #[command(after_help = "Example:\n  huiyin account list --data /var/lib/huiyin")]
    List(OfData),
    /// Give somebody a new first password; their sessions end
    #[command(after_help = "Example:\n  huiyin account reset xu-ming --data /var/lib/huiyin")]
    Reset(OfName),
    /// Ask somebody for no code of a second factor any more; they can set up another. Their sessions end
    #[command(
        after_help = "Example:\n  huiyin account reset-second xu-ming --data /var/lib/huiyin\n\nFor who has lost the phone and the recovery codes. Make sure that it is they who ask."
    )]
    ResetSecond(OfName),
    /// Let somebody sign in no more; their sessions end
    #[command(after_help = "Example:\n  huiyin account lock xu-ming --data /var/lib/huiyin")]
    Lock(OfName),
    /// Let somebody who was locked sign in again
    #[command(after_help = "Example:\n  huiyin account unlock xu-ming --data /var/lib/huiyin")]
    Unlock(OfName),
    /// Take an account away; what the person did stays on record
    #[command(after_help = "Example:\n  huiyin account remove xu-ming --data /var/lib/huiyin")]
    Remove(OfName),
}

#[derive(Debug, clap::Args)]
struct OfData {
    /// The host's data folder.
    #[arg(long, value_name = "DIR", default_value = DATA)]
    data: PathBuf,
}

#[derive(Debug, clap::Args)]
struct OfName {
    /// The person's id in the policy pack, or an admin's name.
    #[arg(value_name = "PERSON")]
    name: String,
    #[command(flatten)]
    of: OfData,
}

pub(crate) fn run(args: &Args, output: Output) -> Result<(), Failure> {
    match &args.command {
        Command::Add { of, admin } => {
            std::fs::create_dir_all(&of.of.data)
                .map_err(|error| Failure::unreachable(format_args!("{}: {error}", of.of.data.display())))?;
            let password = first_password().map_err(Failure::unreachable)?;
            let made = Accounts::of(&of.of.data).add(&of.name, *admin, &password, true).map_err(refused)?;
            told(of, Deed::Added, &made, &password, output)
        }
        Command::Reset(of) => {
            let password = first_password().map_err(Failure::unreachable)?;
            let changed = accounts(&of.of.data)?.set_password(&of.name, &password, true).map_err(refused)?;
            told(of, Deed::Reset, &changed, &password, output)
        }
        Command::ResetSecond(of) => {
            accounts(&of.of.data)?.remove_second(&of.name).map_err(refused)?;
            done(of, Deed::SecondRemoved, "asks for no code any more:");
            Ok(())
        }
        Command::Lock(of) => {
            accounts(&of.of.data)?.set_locked(&of.name, true).map_err(refused)?;
            done(of, Deed::Locked, "locked");
            Ok(())
        }
        Command::Unlock(of) => {
            accounts(&of.of.data)?.set_locked(&of.name, false).map_err(refused)?;
            done(of, Deed::Unlocked, "unlocked");
            Ok(())
        }
        Command::Remove(of) => {
            accounts(&of.of.data)?.remove(&of.name).map_err(refused)?;
            done(of, Deed::Removed, "removed");
            Ok(())
        }
        Command::List(of) => list(&of.data, output),
    }
}

fn accounts(data: &Path) -> Result<Accounts, Failure> {
    existing(data).map(Accounts::of)
}

/// A first password, told once: on stdout, for whoever hands it over.
fn told(of: &OfName, deed: Deed, account: &Account, password: &str, output: Output) -> Result<(), Failure> {
    record(&of.of.data, deed, &of.name, Some(&account.actor));
    match output {
        Output::Json => print_json(&json!({ "account": of.name, "actor": account.actor, "password": password })),
        Output::Text => {
            note(format_args!(
                "{} signs in as `{}` with this first password, and then chooses another:",
                account.actor, of.name
            ));
            print(format_args!("{password}\n"))
        }
    }
}

fn done(of: &OfName, deed: Deed, what: &str) {
    record(&of.of.data, deed, &of.name, None);
    note(format_args!("{what} `{}`", of.name));
}

fn record(data: &Path, deed: Deed, account: &str, detail: Option<&str>) {
    Trail::of(Some(data)).note(&SignInRecord {
        time: Timestamp::now(),
        deed,
        account: account.to_owned(),
        by: Some("machine".to_owned()),
        address: None,
        forwarded: None,
        detail: detail.map(str::to_owned),
    });
}

fn list(data: &Path, output: Output) -> Result<(), Failure> {
    let all = accounts(data)?.all().map_err(refused)?;
    let row = |(name, account): (&String, &Account)| {
        json!({
            "account": name, "actor": account.actor, "locked": account.locked, "must_change": account.must_change,
            "second": account.second.is_some(),
            "added": account.added, "changed": account.changed,
        })
    };
    match output {
        Output::Json => print_json(&all.iter().map(row).collect::<Vec<_>>()),
        Output::Text => {
            if all.is_empty() {
                note("nobody can sign in yet; `huiyin account add PERSON` lets somebody");
            }
            let width = all.keys().map(|name| name.chars().count()).max().unwrap_or_default();
            let line = |(name, account): (&String, &Account)| {
                let state = match (account.locked, account.must_change) {
                    (true, _) => "locked",
                    (false, true) => "first password",
                    (false, false) => "-",
                };
                let second = if account.second.is_some() { "code" } else { "-" };
                format!(
                    "{name:width$}  {:width$}  {state:14}  {second:4}  {}\n",
                    account.actor,
                    account.changed,
                    width = width + 7
                )
            };
            print(all.iter().map(line).collect::<String>())
        }
    }
}

fn refused(error: AccountError) -> Failure {
    if error.is_input() { Failure::invalid(error) } else { Failure::unreachable(error) }
}
