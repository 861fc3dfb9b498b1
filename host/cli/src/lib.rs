//! The `huiyin` program: reading the command line, one file a command, and
//! nothing of the domain. The commands and their exit codes are a contract
//! (`docs/reference/cli.md`); what they do lives in the other crates.
//!
//! **Invariant:** a result goes to stdout, words for people to stderr, and the exit code says which of done, failed,
//! invalid or out of reach it was.

mod bench;
pub mod bundle;
mod client;
mod commands;
mod demo;
mod folders;
mod hashes;
mod host;
#[cfg(test)]
mod named;
mod output;
mod people;
mod process;
mod registry;
mod rows;
mod sdk;
mod sheet;
mod text;
mod times;
mod welcome;

use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand};

use crate::output::Output;

/// What a test may put in the place of the real thing.
#[derive(Default)]
pub struct Setup {
    /// How the journal is opened: its files, its limits.
    pub journal: huiyin_journal::Options,
    /// Watches what leaves the host.
    pub watch: Option<Arc<dyn huiyin_engine::shell::EgressWatch>>,
    /// The clock.
    pub clock: Option<Arc<dyn huiyin_engine::shell::Clock>>,
}

/// A duty desk for public opinion: sources in, cases with legal clocks, a log that anyone can check.
#[derive(Debug, Parser)]
#[command(name = "huiyin", version, propagate_version = true, max_term_width = 100)]
pub(crate) struct Cli {
    /// The form of the results on stdout.
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORM")]
    output: Output,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(commands::demo::Args),
    Serve(commands::serve::Args),
    Run(Box<commands::run::Args>),
    Workflow(commands::workflow::Args),
    Plugin(commands::plugin::Args),
    Binding(commands::binding::Args),
    Canary(commands::canary::Args),
    Policy(commands::policy::Args),
    Case(commands::case::Args),
    Item(commands::item::Args),
    Message(commands::message::Args),
    Hotline(commands::hotline::Args),
    Log(commands::log::Args),
    Task(commands::task::Args),
    Report(commands::report::Args),
    Approval(commands::approval::Args),
    Risk(commands::risk::Args),
    Line(commands::line::Args),
    Response(commands::response::Args),
    Major(commands::major::Args),
    Disclosure(commands::disclosure::Args),
    Source(commands::source::Args),
    Coverage(commands::coverage::Args),
    Roster(commands::roster::Args),
    Patrol(commands::roster::PatrolArgs),
    Warning(commands::warning::Args),
    Label(commands::label::Args),
    Share(commands::share::Args),
    Search(commands::search::Args),
    Schedule(commands::schedule::Args),
    Account(commands::account::Args),
    Token(commands::token::Args),
    Secret(commands::secret::Args),
    Cron(commands::cron::Args),
    Deadline(commands::deadline::Args),
    Audit(commands::audit::Args),
    Journal(commands::journal::Args),
    Bench(commands::bench::Args),
    Completions(commands::completions::Args),
    /// Compile a package from stdin to stdout, within limits: what the host starts for each
    #[command(hide = true)]
    CompilePackage,
}

/// Reads the command line, does what it says, and gives the exit code.
#[allow(clippy::needless_pass_by_value)]
pub fn main_with(setup: Setup) -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        // Help goes to stdout with 0, wrong usage to stderr with 2.
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    host::hear_of_full_files();
    let done = match &cli.command {
        Command::Demo(args) => commands::demo::run(args, &setup),
        Command::Serve(args) => commands::serve::run(args, &setup),
        Command::Run(args) => commands::run::run(args, &setup, cli.output),
        Command::Workflow(args) => commands::workflow::run(args, cli.output),
        Command::Plugin(args) => commands::plugin::run(args, cli.output),
        Command::Binding(args) => commands::binding::run(args, cli.output),
        Command::Canary(args) => commands::canary::run(args, cli.output),
        Command::Policy(args) => commands::policy::run(args, cli.output),
        Command::Case(args) => commands::case::run(args, cli.output),
        Command::Item(args) => commands::item::run(args, cli.output),
        Command::Message(args) => commands::message::run(args, cli.output),
        Command::Hotline(args) => commands::hotline::run(args, cli.output),
        Command::Log(args) => commands::log::run(args, cli.output),
        Command::Task(args) => commands::task::run(args, cli.output),
        Command::Report(args) => commands::report::run(args, cli.output),
        Command::Approval(args) => commands::approval::run(args, cli.output),
        Command::Risk(args) => commands::risk::run(args, cli.output),
        Command::Line(args) => commands::line::run(args, cli.output),
        Command::Response(args) => commands::response::run(args, cli.output),
        Command::Major(args) => commands::major::run(args, cli.output),
        Command::Disclosure(args) => commands::disclosure::run(args, cli.output),
        Command::Source(args) => commands::source::run(args, cli.output),
        Command::Coverage(args) => commands::coverage::run(args, cli.output),
        Command::Roster(args) => commands::roster::run(args, cli.output),
        Command::Patrol(args) => commands::roster::patrol(args, cli.output),
        Command::Warning(args) => commands::warning::run(args, cli.output),
        Command::Label(args) => commands::label::run(args, cli.output),
        Command::Share(args) => commands::share::run(args, cli.output),
        Command::Search(args) => commands::search::run(args, cli.output),
        Command::Schedule(args) => commands::schedule::run(args, cli.output),
        Command::Account(args) => commands::account::run(args, cli.output),
        Command::Token(args) => commands::token::run(args, cli.output),
        Command::Secret(args) => commands::secret::run(args, cli.output),
        Command::Cron(args) => commands::cron::run(args, cli.output),
        Command::Deadline(args) => commands::deadline::run(args, cli.output),
        Command::Audit(args) => commands::audit::run(args, cli.output),
        Command::Journal(args) => commands::journal::run(args, cli.output),
        Command::Bench(args) => commands::bench::run(args, cli.output),
        Command::Completions(args) => commands::completions::run(args),
        Command::CompilePackage => return huiyin_sandbox::serve_child(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
