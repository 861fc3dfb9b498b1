//! How much a topic grew between two times.

use crate::config::Weights;
use crate::state::{Followed, Topic};

/// What a topic grew by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Growth {
    /// Heat by items and their counts.
    pub(crate) heat: f64,
    /// Items that were new.
    pub(crate) items: usize,
}

/// From the one time, which does not belong to it, to the other, which does.
pub(crate) fn growth(topic: &Topic, weights: &Weights, from: u64, to: u64) -> Growth {
    let begun = topic.items.iter().filter_map(begin).chain(topic.others.iter().copied());
    let items = begun.filter(|&at| from < at && at <= to).count();
    let counts: f64 = topic.items.iter().map(|item| heat_at(item, weights, to) - heat_at(item, weights, from)).sum();
    Growth { heat: counts + items as f64 * weights.item, items }
}

/// When an item began: when it was published, else when it was first seen.
fn begin(item: &Followed) -> Option<u64> {
    item.published.or_else(|| item.points.first().map(|point| point[0]))
}

/// An item's counts at a time, weighed. Between two observations they grew evenly; before the first they grew from nothing
/// since it was published, or are not known and so what they were then; after the last they did not grow.
fn heat_at(item: &Followed, weights: &Weights, at: u64) -> f64 {
    let each = [weights.reads, weights.comments, weights.shares, weights.likes];
    each.iter().enumerate().map(|(n, weight)| weight * count_at(item, n + 1, at)).sum()
}

fn count_at(item: &Followed, n: usize, at: u64) -> f64 {
    let first = item.points.first().map_or(0, |point| point[0]);
    // The time and count from which it grew.
    let mut before = item.published.map(|time| (time.min(first), 0));
    for point in &item.points {
        // A count that is less than before, or that the source left out, is what it was: none is taken back.
        let count = point[n].max(before.map_or(0, |(_, count)| count));
        if point[0] > at {
            return match before {
                None => count as f64,
                Some((time, last)) if at >= time => {
                    let share = (at - time) as f64 / (point[0] - time) as f64;
                    last as f64 + (count - last) as f64 * share
                }
                Some((_, last)) => last as f64,
            };
        }
        before = Some((point[0], count));
    }
    before.map_or(0.0, |(_, count)| count as f64)
}
