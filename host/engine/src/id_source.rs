//! Ids and randomness of the live host.

use huiyin_partition::partition::IdSource;
use jiff::Timestamp;
use uuid::Uuid;

/// The system's own randomness.
#[derive(Default)]
pub struct SystemIdSource {
    order: uuid::ContextV7,
}

impl IdSource for SystemIdSource {
    fn uuid(&mut self, now: Timestamp) -> Uuid {
        let seconds = u64::try_from(now.as_second()).unwrap_or_default();
        Uuid::new_v7(uuid::Timestamp::from_unix(&self.order, seconds, now.subsec_nanosecond().unsigned_abs()))
    }

    fn random(&mut self) -> u64 {
        Uuid::new_v4().as_u64_pair().0
    }
}
