//! `huiyin demo`: a sample bureau, live on this terminal.

use std::path::PathBuf;
use std::time::Duration;

use crate::Setup;
use crate::demo::story::{self, Speed, Story};
use crate::demo::{Plan, run as play};
use crate::output::Failure;
use crate::text::typed;

/// Where a demo is kept.
const DATA: &str = "huiyin-demo";

/// Where daily lists of real titles lie beside the project.
const FEED: &str = "../shared/data/weibo-hot";

/// A sample bureau with local sources, live on this terminal; Ctrl-C ends it
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  huiyin demo --data ./huiyin-demo\n  huiyin demo --story major\n  huiyin demo --story asleep --speed max\n  huiyin demo --story weibo --days 3\n\nStarted again with the same folder the demo goes on where it was. In another terminal: huiyin case list --data ./huiyin-demo\n\nA story is played once, on a host and in a folder of its own, under a clock that goes faster than the machine's; it ends by itself."
)]
pub(crate) struct Args {
    /// Where everything is kept; huiyin-demo unless given, for a story a new folder huiyin-story-NAME.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Play a story instead.
    #[arg(long, value_enum, value_name = "STORY")]
    story: Option<Story>,
    /// How fast a story's clock goes: 1 to 3600 times as fast as the machine's, or `max` to go from one moment to the
    /// next without waiting. The story weibo always does.
    #[arg(long, value_name = "N", default_value = "60", requires = "story")]
    speed: Speed,
    /// How many of the days of the story weibo.
    #[arg(long, value_name = "N", default_value = "30", requires = "story", value_parser = clap::value_parser!(u16).range(1..))]
    days: u16,
    /// Daily JSON lists of [{url, title}] to mix in, or for the story weibo; ../shared/data/weibo-hot where that exists.
    #[arg(long, value_name = "DIR")]
    feed_dir: Option<PathBuf>,
    /// End by itself after so many seconds.
    #[arg(long, value_name = "SECONDS", conflicts_with = "story")]
    seconds: Option<u64>,
}

pub(crate) fn run(args: &Args, setup: &Setup) -> Result<(), Failure> {
    crate::host::log_to_stderr("error");
    let beside = PathBuf::from(FEED);
    let feed = args.feed_dir.clone().or_else(|| beside.is_dir().then_some(beside));
    if let Some(story) = args.story {
        let folder = args.data.clone().unwrap_or_else(|| story::free_folder(&typed(&story)));
        let (speed, days) = (args.speed, usize::from(args.days));
        return story::run(&story::Plan { story, folder, speed, feed, days }, setup);
    }
    let folder = args.data.clone().unwrap_or_else(|| PathBuf::from(DATA));
    play(&Plan { folder, feed, ends_after: args.seconds.map(Duration::from_secs) }, setup)
}
