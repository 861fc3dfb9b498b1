//! How many may be connected at once. A connection costs a file, and the host needs files for its log: so there are
//! far fewer places than files, and whoever has never shown the token gives his place up when another comes.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

/// Files that the host keeps for itself: its log, the views, calls that reach outside with their connections,
/// packages that are being compiled.
const OWN_FILES: u64 = 512;

/// The most places, however many files there are.
const MOST: usize = 4_096;

/// The fewest, however few.
const FEWEST: usize = 16;

/// How many may be connected at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Connections.
    pub connections: usize,
}

impl Bounds {
    /// What fits into so many open files: half of those that the host does not need itself, from 16 to 4,096.
    pub fn within(files: u64) -> Bounds {
        let own = OWN_FILES.min(files / 2);
        let half = usize::try_from(files.saturating_sub(own) / 2).unwrap_or(MOST);
        Bounds { connections: half.clamp(FEWEST, MOST) }
    }
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds::within(1_024)
    }
}

/// The connections that are open.
pub(crate) struct Connections {
    most: usize,
    open: Arc<Mutex<Open>>,
}

#[derive(Default)]
struct Open {
    next: u64,
    /// In the order of coming.
    places: BTreeMap<u64, Held>,
}

struct Held {
    known: Known,
    give_up: CancellationToken,
}

/// Whether whoever is connected has shown the token; an extension of each of his requests.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known(Arc<AtomicBool>);

impl Known {
    /// He has.
    pub(crate) fn is(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Where a request comes from; an extension of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer {
    /// Who is connected.
    pub(crate) address: std::net::SocketAddr,
    /// Who asks: the same, or whom a proxy names that is believed; none where it came through another.
    pub(crate) client: Option<std::net::IpAddr>,
}

/// A place; given back when it is dropped.
pub(crate) struct Place {
    number: u64,
    known: Known,
    give_up: CancellationToken,
    open: Arc<Mutex<Open>>,
}

impl Connections {
    pub(crate) fn new(bounds: Bounds) -> Connections {
        Connections { most: bounds.connections, open: Arc::default() }
    }

    /// A place, if need be that of whoever has been here longest without showing the token; none where all have shown it.
    pub(crate) fn place(&self) -> Option<Place> {
        let mut open = lock(&self.open);
        if open.places.len() >= self.most {
            let oldest = open.places.iter().find(|(_, held)| !held.known.0.load(Ordering::Relaxed))?;
            let number = *oldest.0;
            open.places.remove(&number)?.give_up.cancel();
        }
        let number = open.next;
        open.next += 1;
        let (known, give_up) = (Known::default(), CancellationToken::new());
        open.places.insert(number, Held { known: known.clone(), give_up: give_up.clone() });
        Some(Place { number, known, give_up, open: Arc::clone(&self.open) })
    }
}

impl Place {
    /// What the requests of this connection say of whoever sends them.
    pub(crate) fn caller(&self) -> Known {
        self.known.clone()
    }

    /// Resolves when another needs the place.
    pub(crate) async fn wanted(&self) {
        self.give_up.cancelled().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        lock(&self.open).places.remove(&self.number);
    }
}

fn lock(open: &Mutex<Open>) -> MutexGuard<'_, Open> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_far_fewer_places_than_files() {
        let of = |files| Bounds::within(files).connections;
        assert_eq!([of(0), of(64), of(256), of(1_024), of(4_096), of(65_536)], [16, 16, 64, 256, 1_792, 4_096]);
    }

    #[test]
    fn the_oldest_who_showed_no_token_gives_his_place_up() {
        let all = Connections::new(Bounds { connections: 2 });
        let (first, second) = (all.place().unwrap(), all.place().unwrap());
        first.caller().is();
        let third = all.place().unwrap();
        assert!(second.give_up.is_cancelled() && !first.give_up.is_cancelled() && !third.give_up.is_cancelled());
        third.caller().is();
        drop(second);
        assert!(all.place().is_none(), "both are known");
        drop(first);
        assert!(all.place().is_some());
    }
}
