//! What is done with a clock of a case by hand: it stands still, runs again, is heard.

use clap::{Subcommand, ValueEnum};
use serde_json::json;

use super::acts::command;
use crate::client::{Client, HostArgs};
use crate::output::{Failure, Output};
use crate::text::typed;

#[derive(Debug, Subcommand)]
pub(super) enum OfClocks {
    /// Let a clock stand still, where its rule allows it; a second person confirms it (暂停计时)
    #[command(
        name = "pause-clock",
        after_help = "Example:\n  huiyin case pause-clock 99992106400200_20260301100000_1 supervision --kind consulting --reason '征求县级意见' --as xu-ming\n\nThe clock of the flash report never stands still."
    )]
    Pause {
        /// The case's number.
        number: String,
        /// The clock.
        clock: String,
        /// What kind of pause it is.
        #[arg(long, value_enum)]
        kind: Kind,
        /// Why.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        #[command(flatten)]
        host: HostArgs,
    },
    /// Let a paused clock run again, with the rest it had (恢复计时)
    #[command(
        name = "resume-clock",
        after_help = "Example:\n  huiyin case resume-clock 99992106400200_20260301100000_1 supervision --as xu-ming"
    )]
    Resume {
        /// The case's number.
        number: String,
        /// The clock.
        clock: String,
        #[command(flatten)]
        host: HostArgs,
    },
    /// Say that an escalation was heard: it is not repeated and does not climb any more (确认提醒)
    #[command(
        after_help = "Example:\n  huiyin case acknowledge 99992106400200_20260301100000_1 flash-report --note '已督促' --as gao-yuan"
    )]
    Acknowledge {
        /// The case's number.
        number: String,
        /// The clock.
        clock: String,
        /// What is done about it.
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
        #[command(flatten)]
        host: HostArgs,
    },
}

/// A kind of pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Kind {
    /// 征求意见
    Consulting,
    /// 等待补正
    Supplement,
    /// 其他
    Other,
}

pub(super) fn run(act: &OfClocks, output: Output) -> Result<(), Failure> {
    let (host, number, command) = match act {
        OfClocks::Pause { number, clock, kind, reason, host } => {
            let fields = json!({"clock": clock, "kind": typed(kind), "reason": reason});
            (host, number, command("pause-clock", number, fields))
        }
        OfClocks::Resume { number, clock, host } => {
            (host, number, command("resume-clock", number, json!({"clock": clock})))
        }
        OfClocks::Acknowledge { number, clock, note, host } => {
            (host, number, command("acknowledge-escalation", number, json!({"clock": clock, "note": note})))
        }
    };
    super::act(&Client::of(host)?, number, &command, output)
}
