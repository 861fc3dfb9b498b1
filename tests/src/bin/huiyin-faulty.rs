//! The `huiyin` program over a disk that forgets what was not synced, for the
//! crash test: `kill -9` then loses what a power cut would lose. Before each
//! effect it compares what the disk itself holds with what the effect needs,
//! and stops the process if anything were to leave too early.
//!
//! `HUIYIN_FAULTY_DATA` names the data folder (without it the disk is the real one); `HUIYIN_FAULTY_TEAR` seeds torn
//! writes; `HUIYIN_FAULTY_NO_SYNC=1` plants the bug that the test must catch.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use huiyin_engine::shell::EgressWatch;
use huiyin_journal::faults::{LossyDisk, LossyOptions, PlantedBug};

/// Exit code when an effect was about to leave before its records were durable.
const TOO_EARLY: i32 = 97;

struct Watch {
    disk: Arc<LossyDisk>,
    journal: PathBuf,
    broken_on_purpose: bool,
}

impl EgressWatch for Watch {
    fn leaving(&self, last_index: Option<u64>) {
        let Some(last) = last_index else { return };
        // With the planted bug the loss itself is to be seen by the test's count.
        if self.broken_on_purpose {
            return;
        }
        match self.disk.durable_check(&self.journal) {
            Ok(durable) if durable > last => {}
            other => {
                eprintln!("too early: an effect needs record {last}, the disk has {other:?}");
                std::process::exit(TOO_EARLY);
            }
        }
    }
}

fn main() -> ExitCode {
    let variable = |name: &str| std::env::var(name).ok();
    let Some(data) = variable("HUIYIN_FAULTY_DATA") else {
        // The real disk: the very program that people run.
        return huiyin_cli::main_with(huiyin_cli::Setup::default());
    };
    let tear = variable("HUIYIN_FAULTY_TEAR").and_then(|text| text.parse().ok());
    let no_sync = variable("HUIYIN_FAULTY_NO_SYNC").is_some();
    let disk = Arc::new(LossyDisk::new(LossyOptions { tear, sync_delay: Duration::from_millis(2) }));
    let mut journal =
        huiyin_journal::Options { disk: Arc::clone(&disk) as Arc<dyn huiyin_journal::Disk>, ..Default::default() };
    journal.planted = no_sync.then_some(PlantedBug::NoSync);
    let watch = Watch { disk, journal: PathBuf::from(data).join("journal"), broken_on_purpose: no_sync };
    huiyin_cli::main_with(huiyin_cli::Setup { journal, watch: Some(Arc::new(watch)), clock: None })
}
