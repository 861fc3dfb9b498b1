//! Disks that behave badly, for tests of the journal and of everything that stands on it.
//!
//! [`LossyDisk`] loses what was not synced, as a power cut does; [`FaultDisk`] refuses and
//! falsifies. [`PlantedBug`] breaks the journal itself, to show that a test notices.

mod bytes;
mod durable;
mod fault;
mod lossy;
mod stepper;

use std::cell::RefCell;

pub use bytes::{scan_segment, segment_of};
pub use durable::Durable;
pub use fault::{Fault, FaultDisk};
pub use lossy::{LossyDisk, LossyOptions};
pub use stepper::Stepper;

/// A bug on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlantedBug {
    /// The writer does not sync before it answers.
    NoSync,
}

/// A small seeded generator (splitmix64): faults must be repeatable, not unpredictable.
#[derive(Debug)]
struct Seeded(u64);

impl Seeded {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

thread_local! {
    static RANDOM: RefCell<Option<Seeded>> = const { RefCell::new(None) };
}

/// From now on whatever this thread asks of the system's random source comes from the seed
/// instead, so that a simulated journal has the same bytes each time; `None` ends that.
pub fn seed_randomness(seed: Option<u64>) {
    RANDOM.set(seed.map(Seeded));
}

/// Fills `bytes` from the seed, if there is one.
pub(crate) fn seeded(bytes: &mut [u8]) -> bool {
    RANDOM.with_borrow_mut(|random| match random {
        None => false,
        Some(random) => {
            for part in bytes.chunks_mut(8) {
                part.copy_from_slice(&random.next().to_le_bytes()[..part.len()]);
            }
            true
        }
    })
}
