//! `huiyin demo`: a sample bureau, live on this terminal.

use std::path::PathBuf;
use std::time::Duration;

use crate::Setup;
use crate::demo::{Plan, run as play};
use crate::output::Failure;

/// Where daily lists of real titles lie beside the project.
const FEED: &str = "../shared/data/weibo-hot";

/// A sample bureau with local sources, live on this terminal; Ctrl-C ends it
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  huiyin demo --data ./huiyin-demo\n\nStarted again with the same folder it goes on where it was. In another terminal: huiyin case list --data ./huiyin-demo"
)]
pub(crate) struct Args {
    /// Where everything is kept.
    #[arg(long, value_name = "DIR", default_value = "huiyin-demo")]
    data: PathBuf,
    /// Daily JSON lists of [{url, title}] to mix in; ../shared/data/weibo-hot where that exists.
    #[arg(long, value_name = "DIR")]
    feed_dir: Option<PathBuf>,
    /// End by itself after so many seconds.
    #[arg(long, value_name = "SECONDS")]
    seconds: Option<u64>,
}

pub(crate) fn run(args: &Args, setup: &Setup) -> Result<(), Failure> {
    crate::host::log_to_stderr("error");
    let beside = PathBuf::from(FEED);
    let feed = args.feed_dir.clone().or_else(|| beside.is_dir().then_some(beside));
    play(&Plan { folder: args.data.clone(), feed, ends_after: args.seconds.map(Duration::from_secs) }, setup)
}
