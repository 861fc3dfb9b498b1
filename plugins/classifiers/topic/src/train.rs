//! Training, natively and not in the sandbox: one linear support vector machine a topic against the rest, by dual
//! coordinate descent (Hsieh et al., "A Dual Coordinate Descent Method for Large-scale Linear SVM", 2008, algorithm 1,
//! with squared hinge loss).
//!
//! The same items in the same order give the same bytes on every machine: only + − × ÷ and square roots are
//! used, which IEEE 754 rounds in one way, and the order of the visits is drawn from a fixed seed.

use std::collections::BTreeSet;

use crate::features::{self, BITS};
use crate::model::{Learnt, MOST, write};

/// What errors cost against large weights.
const COST: f64 = 1.0;
/// Passes over the items, at the most.
const PASSES: usize = 60;
/// It ends where no item's gradient is off by more than this.
const CLOSE: f64 = 0.05;
/// From so many items on, what only one of them has is left out: it is chance.
const MANY: usize = 200;
/// The most that a rare topic's items count more than the others'.
const RARE: f64 = 8.0;
/// The longest name of a topic, in bytes.
const NAME: usize = 200;
/// The fewest items of a topic.
const FEWEST: usize = 2;

/// A labelled item.
#[derive(Debug, Clone, Copy)]
pub struct Example<'a> {
    /// Its title.
    pub title: &'a str,
    /// Its text.
    pub body: &'a str,
    /// Its topics; none for an item that is of no topic.
    pub topics: &'a BTreeSet<String>,
}

/// Trains a model and gives its bytes.
///
/// # Errors
/// In words, where the items teach nothing: no topic, a topic with too few items or without any other, a
/// name that is too long.
pub fn train(examples: &[Example<'_>]) -> Result<Vec<u8>, String> {
    let topics: BTreeSet<&String> = examples.iter().flat_map(|example| example.topics).collect();
    if topics.is_empty() {
        return Err("no item has a topic".to_owned());
    }
    if topics.len() > MOST {
        return Err(format!("there are {} topics; a model holds {MOST}", topics.len()));
    }
    let items: u32 = examples.len().try_into().map_err(|_| "there are too many items".to_owned())?;
    let rows = rows(examples);
    let mut learnt = Vec::with_capacity(topics.len());
    for topic in topics {
        if topic.len() > NAME {
            return Err(format!("the topic `{topic}` has a name of over {NAME} bytes"));
        }
        let is: Vec<bool> = examples.iter().map(|example| example.topics.contains(topic)).collect();
        let having = is.iter().filter(|is| **is).count();
        if having < FEWEST {
            return Err(format!("only {having} item has the topic `{topic}`; label more, or leave it out"));
        }
        if having == is.len() {
            return Err(format!(
                "all {having} items have the topic `{topic}`; add items that do not have it (of other topics, or of none: \"labels\": [])"
            ));
        }
        let (weights, bias) = descend(&rows, &is, having);
        learnt.push(Learnt { name: topic, items: having as u32, bias, weights });
    }
    let one_each = examples.iter().all(|example| example.topics.len() == 1);
    Ok(write(&learnt, one_each, items))
}

/// By item, the numbers of its features, each once, rising; and what each weighs: 1 / √n.
fn rows(examples: &[Example<'_>]) -> Vec<(Vec<u32>, f64)> {
    let mut rows: Vec<Vec<u32>> = Vec::with_capacity(examples.len());
    let mut items = vec![0_u32; 1 << BITS];
    for example in examples {
        let mut row = Vec::new();
        for text in [example.title, example.body] {
            features::each(text, |feature| row.push(features::number(feature)));
        }
        row.sort_unstable();
        row.dedup();
        for number in &row {
            items[*number as usize] += 1;
        }
        rows.push(row);
    }
    rows.into_iter()
        .map(|mut row| {
            // What is left out still counts in the length, as what a model does not know does when it is used.
            let weight = 1.0 / (row.len().max(1) as f64).sqrt();
            if examples.len() >= MANY {
                row.retain(|number| items[*number as usize] > 1);
            }
            (row, weight)
        })
        .collect()
}

/// The weights and the bias of one topic.
fn descend(rows: &[(Vec<u32>, f64)], is: &[bool], having: usize) -> (Vec<f64>, f64) {
    let dearer = ((rows.len() - having) as f64 / having as f64).clamp(1.0, RARE);
    // 1 / (2 C), by whether an item has the topic.
    let soft = |is: bool| 0.5 / (COST * if is { dearer } else { 1.0 });
    let mut weights = vec![0.0_f64; 1 << BITS];
    let mut bias = 0.0_f64;
    let mut alpha = vec![0.0_f64; rows.len()];
    let mut order: Vec<usize> = (0..rows.len()).collect();
    let mut chance = Chance(0x2545_f491_4f6c_dd1d);
    for _ in 0..PASSES {
        chance.shuffle(&mut order);
        let mut off = 0.0_f64;
        for &item in &order {
            let (row, value) = &rows[item];
            let sign = if is[item] { 1.0 } else { -1.0 };
            let soft = soft(is[item]);
            let sum: f64 = row.iter().map(|number| weights[*number as usize]).sum();
            let gradient = sign * (sum * value + bias) - 1.0 + soft * alpha[item];
            let projected = if alpha[item] == 0.0 { gradient.min(0.0) } else { gradient };
            off = off.max(projected.abs());
            if projected.abs() < 1e-12 {
                continue;
            }
            let length = row.len() as f64 * value * value + 1.0 + soft;
            let before = alpha[item];
            alpha[item] = (before - gradient / length).max(0.0);
            let step = (alpha[item] - before) * sign;
            bias += step;
            let step = step * value;
            for number in row {
                weights[*number as usize] += step;
            }
        }
        if off < CLOSE {
            break;
        }
    }
    (weights, bias)
}

/// Numbers as if by chance, the same each time (xorshift64*).
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let drawn = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32;
        (drawn % end as u64) as usize
    }

    fn shuffle(&mut self, order: &mut [usize]) {
        for at in (1..order.len()).rev() {
            order.swap(at, self.below(at + 1));
        }
    }
}
