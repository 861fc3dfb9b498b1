//! `huiyin workflow`: workflow documents.

mod deploy;
mod diagram;
mod excerpt;
mod house;
mod list;
mod test;
mod validate;

pub(crate) use self::house::installed;

use clap::Subcommand;

use crate::output::{Failure, Output, print_json};

/// The largest workflow, in bytes.
const MAX_WORKFLOW: u64 = 8 << 20;

/// Workflow documents
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Validate(validate::Args),
    Diagram(diagram::Args),
    Test(test::Args),
    Deploy(deploy::Args),
    Withdraw(deploy::WithdrawArgs),
    List(list::ListArgs),
    Show(list::ShowArgs),
    Schema(SchemaArgs),
}

/// Print the JSON Schema for editors
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  huiyin workflow schema > workflow.schema.json\n  huiyin workflow schema --of test > workflow-test.schema.json\n\nA running host serves its own at /v1/schemas/workflow.json."
)]
struct SchemaArgs {
    /// Of what.
    #[arg(long, value_enum, default_value_t, value_name = "WHAT")]
    of: Of,
    #[command(flatten)]
    house: house::HouseArgs,
}

/// What has a schema.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum Of {
    /// A workflow document, with the functions that are carried, named or installed.
    #[default]
    Workflow,
    /// A test file beside a workflow.
    Test,
}

pub(crate) fn run(args: &Args, output: Output) -> Result<(), Failure> {
    match &args.command {
        Command::Validate(args) => validate::run(args, output),
        Command::Diagram(args) => diagram::run(args, output),
        Command::Test(args) => test::run(args, output),
        Command::Deploy(args) => deploy::run(args, output),
        Command::Withdraw(args) => deploy::withdraw(args),
        Command::List(args) => list::list(args, output),
        Command::Show(args) => list::show(args, output),
        Command::Schema(args) => match args.of {
            Of::Workflow => {
                let functions = house::functions(&*args.house.open()?);
                print_json(&huiyin_flow::workflow_schema(&functions, Some(&huiyin_engine::extension::schema())))
            }
            Of::Test => print_json(&huiyin_flow::workflow_test_schema()),
        },
    }
}
