//! `huiyin plugin`: building, looking at, trying and installing plugins.

mod build;
mod change;
mod component;
mod evaluate;
mod guest;
mod inspect;
mod install;
mod labelled;
mod list;
mod new;
mod output;
mod package;
mod publish;
mod publishers;
mod run;
mod sign;
mod test;
mod toolchain;
mod train;

use clap::Subcommand;

use crate::output::{Failure, Output};

/// Plugins
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a project that builds: a plugin of this kind, cases, a README
    #[command(
        after_help = "Example:\n  huiyin plugin new forest-fire --kind classifier --lang rust\n\nThe SDK comes with this program and is written into the project; no repository of ours is needed."
    )]
    New(new::Args),
    /// Run a plugin's cases in the real sandbox, under production's limits, with recorded answers in the place of the network
    #[command(
        after_help = "Example:\n  huiyin plugin test forest-fire --junit report.xml\n\nA case is a JSON file in the folder `cases` of the project: {input, config, now, http, kv, secrets, expect, expect_error, budget}. Pure plugins are called 100 times over threads and fresh instances: two different answers are a failure."
    )]
    Test(test::Args),
    /// Build plugin crates into packages, <OUT>/<name>-<version>.wasm
    #[command(after_help = "Example:\n  huiyin plugin build plugins/collectors/feed --out build/plugins")]
    Build(build::Args),
    /// Make a package of a ready component, as other languages' tools build them: <OUT>/<name>-<version>.wasm
    #[command(
        after_help = "Example:\n  huiyin plugin package translate.wasm --manifest manifest.json --out build/plugins"
    )]
    Package(package::Args),
    /// Show what a package says of itself, once that is found to be true
    #[command(after_help = "Example:\n  huiyin plugin inspect build/plugins/feed-0.1.0.wasm")]
    Inspect(inspect::Args),
    /// Call a plugin's own function once: JSON in, JSON out
    #[command(
        after_help = "Example:\n  echo '{\"items\": [{\"id\": \"1\", \"title\": \"山林火情\"}]}' | huiyin plugin run build/plugins/keyword-0.1.0.wasm --config rules.json --input -"
    )]
    Run(run::Args),
    /// How well a classifier says what is expected of labelled items: precision, recall, F1, what is taken for what, and a baseline beside
    #[command(
        after_help = "Example:\n  huiyin plugin evaluate build/plugins/keyword-0.1.0.wasm --config rules.json --data labelled.jsonl --baseline keyword --holdout 0.2 --seed 7\n\nA line of the file is an item with what is expected of it: {\"id\": \"1\", \"title\": \"网传起火\", \"expect\": {\"labels\": [\"谣言\"], \"level\": \"III\"}}."
    )]
    Evaluate(evaluate::Args),
    /// Train a model on labelled items of the unit's own
    #[command(
        after_help = "Example:\n  huiyin plugin train topic --data labelled.jsonl --holdout 0.2 --seed 7 --out topic.model --config topic.json\n\nThe same items give the same bytes. What --holdout and --seed hold out here, `huiyin plugin evaluate` judges with the same two."
    )]
    Train(train::Args),
    /// Install a package: into a running host at once, into a data folder for its next start
    #[command(
        after_help = "Example:\n  huiyin plugin install feed-0.1.0.wasm --data huiyin-data --reason \"new board\"\n\nIt must be signed by a publisher whom the configuration's `trust` names, unless that lets units go without."
    )]
    Install(install::Args),
    /// List plugins: version, digest, publisher, grants, who uses them
    #[command(after_help = "Example:\n  huiyin plugin list --data huiyin-data")]
    List(list::Args),
    /// Let a plugin of a running host reach something
    #[command(
        after_help = "Example:\n  echo '{\"http\": [{\"origin\": \"https://board.example.cn\"}]}' | huiyin plugin grant feed --unit 530500 --grant - --reason \"the county's board\"\n\nIn effect is what the manifest asks for, this grants, and the unit's policy allows. It takes the place of an earlier grant to the same plugin and unit."
    )]
    Grant(change::GrantArgs),
    /// Take a grant back
    #[command(after_help = "Example:\n  huiyin plugin revoke feed --unit 530500 --reason \"the board has moved\"")]
    Revoke(change::Revoke),
    /// Remove an installed plugin that nothing needs
    #[command(after_help = "Example:\n  huiyin plugin remove feed:0.1.0 --reason \"0.2.0 is in use everywhere\"")]
    Remove(change::Remove),
    /// Make a publisher's key; prints the public key for other hosts' `trust`
    #[command(after_help = "Example:\n  huiyin plugin keygen acme.example/plugins --out acme.key")]
    Keygen(sign::Keygen),
    /// Sign a package; the signature travels in it and leaves its digest as it is
    #[command(after_help = "Example:\n  huiyin plugin sign build/plugins/feed-0.1.0.wasm --key acme.key")]
    Sign(sign::Sign),
    /// List publishers: whose plugins a running host takes, for which units, and who said so
    #[command(after_help = "Example:\n  huiyin plugin publishers --data huiyin-data")]
    Publishers(publishers::List),
    /// Trust a publisher's key from now on, on a running host
    #[command(
        after_help = "Example:\n  huiyin plugin trust acme.example/plugins+9c0e…+AQ… --unit 530500 --reason \"their audit is in\"\n\nIt counts before what the configuration says of the same key, and outlives restarts."
    )]
    Trust(publishers::Trust),
    /// Trust a publisher no more: what only that key signed is withheld at once
    #[command(after_help = "Example:\n  huiyin plugin distrust acme.example/plugins --reason \"their key was stolen\"")]
    Distrust(publishers::Distrust),
    /// Push a package to an OCI registry as a CNCF Wasm artifact
    #[command(
        after_help = "Example:\n  huiyin plugin publish build/plugins/feed-0.1.0.wasm registry.example.cn/plugins/feed:0.1.0\n\nPrints the digest by which others pull it. A tag that holds other content is never replaced."
    )]
    Publish(publish::Publish),
    /// Pull a package from an OCI registry into a file
    #[command(
        after_help = "Example:\n  huiyin plugin pull registry.example.cn/plugins/feed:0.1.0 --digest sha256:… --out build/plugins"
    )]
    Pull(publish::Pull),
}

pub(crate) fn run(args: &Args, output: Output) -> Result<(), Failure> {
    match &args.command {
        Command::New(args) => new::run(args),
        Command::Test(args) => test::run(args, output),
        Command::Build(args) => build::run(args, output),
        Command::Package(args) => package::run(args, output),
        Command::Inspect(args) => inspect::run(args, output),
        Command::Run(args) => run::run(args),
        Command::Train(args) => train::run(args, output),
        Command::Evaluate(args) => evaluate::run(args, output),
        Command::Install(args) => install::run(args, output),
        Command::List(args) => list::run(args, output),
        Command::Grant(args) => change::grant(args),
        Command::Revoke(args) => change::revoke(args),
        Command::Remove(args) => change::remove(args),
        Command::Keygen(args) => sign::keygen(args, output),
        Command::Sign(args) => sign::sign(args, output),
        Command::Publishers(args) => publishers::publishers(args, output),
        Command::Trust(args) => publishers::trust(args, output),
        Command::Distrust(args) => publishers::distrust(args, output),
        Command::Publish(args) => publish::publish(args, output),
        Command::Pull(args) => publish::pull(args, output),
    }
}
