//! The model's bytes.
//!
//! All numbers are little-endian. 32 bytes of head: `HYTOPIC\n`, version (u16), number of topics (u16), flags (u32,
//! bit 0: each item had one topic), items learnt from (u32), features kept (u32), sum of what follows (u64). Then of
//! each topic: length of its name (u16), name (UTF-8), scale (f32), bias (f32), items that had it (u32). Then a bit for
//! each of 2^18 features, set where it is kept. Then of each kept feature a weight (i8) of each topic.

use std::fmt;

use crate::features::{self, BITS};

const MAGIC: &[u8; 8] = b"HYTOPIC\n";
const VERSION: u16 = 1;
#[cfg(not(target_family = "wasm"))]
const HEAD: usize = 32;
/// Bytes of the bits.
const MAP: usize = (1 << BITS) / 8;
/// The most topics of a model.
pub(crate) const MOST: usize = 1_000;

/// Why bytes are no model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wrong {
    /// They do not begin as a model does.
    NoModel,
    /// A model of another version.
    Version(u16),
    /// Cut short, longer than it says, or changed.
    Damaged,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wrong::NoModel => {
                write!(f, "these bytes are no model of `topic`; train one by `huiyin plugin train topic`")
            }
            Wrong::Version(version) => write!(
                f,
                "it is of version {version}, and this plugin reads version {VERSION}; train it anew by `huiyin plugin train topic`"
            ),
            Wrong::Damaged => write!(f, "it is damaged: cut short or changed; take it anew from where it was trained"),
        }
    }
}

/// One topic of a model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Topic<'a> {
    /// The label.
    pub name: &'a str,
    /// Items of the training that had it.
    pub items: u32,
    scale: f32,
    bias: f32,
}

/// A model, read.
#[derive(Debug)]
pub struct Model<'a> {
    /// In the order of their names.
    pub topics: Vec<Topic<'a>>,
    /// Whether each item of the training had exactly one topic.
    pub one_each: bool,
    /// Items of the training.
    pub items: u32,
    map: &'a [u8],
    /// By word of 64 features, the features kept before it.
    before: Vec<u32>,
    weights: &'a [u8],
}

/// The features of a text that a model knows: each once, with its text and its row of weights.
pub(crate) struct Read {
    known: Vec<(String, u32)>,
    /// All features of the text, also those that the model does not know.
    all: usize,
}

impl Read {
    pub(crate) fn is_empty(&self) -> bool {
        self.known.is_empty()
    }
}

struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Wrong> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Wrong::Damaged)?;
        self.0 = rest;
        Ok(taken)
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], Wrong> {
        self.take(N)?.try_into().map_err(|_| Wrong::Damaged)
    }
}

impl<'a> Model<'a> {
    /// Reads a model.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Wrong> {
        let Some(rest) = bytes.strip_prefix(MAGIC) else { return Err(Wrong::NoModel) };
        let mut rest = Bytes(rest);
        let version = u16::from_le_bytes(rest.fixed()?);
        if version != VERSION {
            return Err(Wrong::Version(version));
        }
        let count = usize::from(u16::from_le_bytes(rest.fixed()?));
        let flags = u32::from_le_bytes(rest.fixed()?);
        let items = u32::from_le_bytes(rest.fixed()?);
        let kept = u32::from_le_bytes(rest.fixed()?);
        let sum = u64::from_le_bytes(rest.fixed()?);
        if count == 0 || count > MOST || flags > 1 || self::sum(rest.0) != sum {
            return Err(Wrong::Damaged);
        }
        let mut topics = Vec::with_capacity(count);
        for _ in 0..count {
            let length = usize::from(u16::from_le_bytes(rest.fixed()?));
            let name = std::str::from_utf8(rest.take(length)?).map_err(|_| Wrong::Damaged)?;
            let scale = f32::from_le_bytes(rest.fixed()?);
            let bias = f32::from_le_bytes(rest.fixed()?);
            if !scale.is_finite() || !bias.is_finite() {
                return Err(Wrong::Damaged);
            }
            topics.push(Topic { name, items: u32::from_le_bytes(rest.fixed()?), scale, bias });
        }
        let map = rest.take(MAP)?;
        let mut before = Vec::with_capacity(MAP / 8);
        let mut seen = 0;
        for word in map.chunks_exact(8) {
            before.push(seen);
            seen += word.iter().map(|byte| byte.count_ones()).sum::<u32>();
        }
        if seen != kept || rest.0.len() as u64 != u64::from(kept) * count as u64 {
            return Err(Wrong::Damaged);
        }
        Ok(Self { topics, one_each: flags == 1, items, map, before, weights: rest.0 })
    }

    /// The row of a feature's weights, where it is kept.
    fn row(&self, number: u32) -> Option<u32> {
        let (byte, bit) = ((number / 8) as usize, number % 8);
        let here = self.map[byte];
        if here & (1 << bit) == 0 {
            return None;
        }
        let word = byte / 8;
        let within: u32 = self.map[word * 8..byte].iter().map(|byte| byte.count_ones()).sum();
        Some(self.before[word] + within + (here & ((1 << bit) - 1)).count_ones())
    }

    /// Reads a text.
    pub(crate) fn look_up(&self, title: &str, body: &str) -> Read {
        let mut seen = huiyin_sdk::HashSet::<u32>::default();
        let mut known = Vec::new();
        for text in [title, body] {
            features::each(text, |feature| {
                let number = features::number(feature);
                if seen.insert(number)
                    && let Some(row) = self.row(number)
                {
                    known.push((feature.to_owned(), row));
                }
            });
        }
        Read { known, all: seen.len() }
    }

    fn weight(&self, row: u32, topic: usize) -> i32 {
        let at = row as usize * self.topics.len() + topic;
        self.weights.get(at).map_or(0, |byte| i32::from(byte.cast_signed()))
    }

    /// By topic, a score from 0.0 to 1.0 that grows with the margin m as (1 + m / (1 + |m|)) / 2: 0.5 is the
    /// border between yes and no. It is no probability. Whole numbers are added, so that no order matters.
    pub(crate) fn scores(&self, read: &Read) -> Vec<f64> {
        let length = (read.all as f64).sqrt();
        self.topics
            .iter()
            .enumerate()
            .map(|(number, topic)| {
                let sum: i32 = read.known.iter().map(|(_, row)| self.weight(*row, number)).sum();
                let margin = f64::from(sum) * f64::from(topic.scale) / length + f64::from(topic.bias);
                f64::midpoint(1.0, margin / (1.0 + margin.abs()))
            })
            .collect()
    }

    /// The features that speak most for a topic, the strongest first; none that lies within a stronger one, and single
    /// characters only where no pair or word speaks for it: 火灾 says more to a reader than 火.
    pub(crate) fn words<'t>(&self, read: &'t Read, topic: usize, most: usize) -> Vec<&'t str> {
        let mut all: Vec<(i32, &str)> = read
            .known
            .iter()
            .filter(|(text, _)| text != "0")
            .map(|(text, row)| (self.weight(*row, topic), text.as_str()))
            .filter(|(weight, _)| *weight > 0)
            .collect();
        let single = |text: &str| text.chars().count() == 1;
        if all.iter().any(|(_, text)| !single(text)) {
            all.retain(|(_, text)| !single(text));
        }
        all.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight)); // stable: of equals the first in the text
        let mut words: Vec<&str> = Vec::new();
        for (_, text) in all {
            if words.len() == most {
                break;
            }
            if !words.iter().any(|word| word.contains(text)) {
                words.push(text);
            }
        }
        words
    }
}

/// A sum that another byte anywhere changes.
fn sum(bytes: &[u8]) -> u64 {
    let step = |sum: u64, word: u64| (sum ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    let chunks = bytes.chunks_exact(8);
    let last = chunks.remainder().iter().fold(1, |word, byte| (word << 8) | u64::from(*byte));
    let sum = chunks.fold(bytes.len() as u64, |sum, chunk| step(sum, chunk.try_into().map_or(0, u64::from_le_bytes)));
    step(sum, last)
}

/// One topic, as it was learnt: weights by feature's number.
#[cfg(not(target_family = "wasm"))]
pub(crate) struct Learnt<'a> {
    pub(crate) name: &'a str,
    pub(crate) items: u32,
    pub(crate) bias: f64,
    pub(crate) weights: Vec<f64>,
}

/// Writes a model. Features whose weights are all nothing once they are rounded are left out.
#[cfg(not(target_family = "wasm"))]
pub(crate) fn write(topics: &[Learnt<'_>], one_each: bool, items: u32) -> Vec<u8> {
    let scales: Vec<f64> = topics
        .iter()
        .map(|topic| topic.weights.iter().fold(0.0_f64, |most, weight| most.max(weight.abs())) / 127.0)
        .collect();
    let rounded = |topic: usize, feature: usize| {
        let scale = scales[topic];
        if scale > 0.0 { (topics[topic].weights[feature] / scale).round() as i8 } else { 0 }
    };
    let mut map = vec![0_u8; MAP];
    let mut weights = Vec::new();
    let mut kept = 0_u32;
    for feature in 0..1 << BITS {
        let row: Vec<i8> = (0..topics.len()).map(|topic| rounded(topic, feature)).collect();
        if row.iter().any(|weight| *weight != 0) {
            map[feature / 8] |= 1 << (feature % 8);
            weights.extend(row.into_iter().map(i8::cast_unsigned));
            kept += 1;
        }
    }
    let mut tail = Vec::new();
    for (topic, scale) in topics.iter().zip(&scales) {
        tail.extend_from_slice(&(topic.name.len() as u16).to_le_bytes());
        tail.extend_from_slice(topic.name.as_bytes());
        tail.extend_from_slice(&(*scale as f32).to_le_bytes());
        tail.extend_from_slice(&(topic.bias as f32).to_le_bytes());
        tail.extend_from_slice(&topic.items.to_le_bytes());
    }
    tail.extend_from_slice(&map);
    tail.extend_from_slice(&weights);
    let mut out = MAGIC.to_vec();
    out.extend_from_slice(&VERSION.to_le_bytes());
    out.extend_from_slice(&(topics.len() as u16).to_le_bytes());
    out.extend_from_slice(&u32::from(one_each).to_le_bytes());
    out.extend_from_slice(&items.to_le_bytes());
    out.extend_from_slice(&kept.to_le_bytes());
    out.extend_from_slice(&sum(&tail).to_le_bytes());
    debug_assert_eq!(out.len(), HEAD);
    out.extend_from_slice(&tail);
    out
}
