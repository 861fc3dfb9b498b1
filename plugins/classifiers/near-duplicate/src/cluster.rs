//! Memory over the batches.

use huiyin_sdk::{Factor, HashMap, Item, Verdict};

use crate::Config;
use crate::compare::{Shingles, told_apart};
use crate::reading::{Reading, read};
use crate::state::{self, Cluster, State, Wording};

/// Texts that are near by their bigrams are read for what differs, the nearest first, and no more than these.
const READ: usize = 64;

/// A text of fewer characters has no bigram, and is the same as no other.
const LEAST: usize = 2;

/// A text that is kept, ready to be compared.
struct Kept {
    cluster: usize,
    chars: Vec<char>,
    shingles: Shingles,
    last: u64,
}

pub(crate) struct Memory<'a> {
    config: &'a Config,
    now: u64,
    dropped: u64,
    clusters: Vec<Cluster>,
    texts: Vec<Kept>,
    /// By bigram, the texts among whose first it is.
    index: HashMap<u64, Vec<u32>>,
    /// By the whole text.
    same: HashMap<Vec<char>, usize>,
    /// By source and id of a cluster's first item.
    first: HashMap<(String, String), usize>,
    /// By cluster, the first of its texts that are kept.
    begins: Vec<Option<usize>>,
    /// By text, whether it was met in the question that is being answered.
    met: Vec<bool>,
}

/// An item's cluster.
struct Found {
    cluster: usize,
    /// 1.0 for the same text, or one that its source says is passed on.
    likeness: f64,
    by: By,
}

enum By {
    Text,
    Field,
}

impl<'a> Memory<'a> {
    pub(crate) fn new(config: &'a Config, state: State, now: u64) -> Self {
        let mut all = Self {
            config,
            now,
            dropped: state.dropped,
            clusters: Vec::new(),
            texts: Vec::new(),
            index: HashMap::default(),
            same: HashMap::default(),
            first: HashMap::default(),
            begins: Vec::new(),
            met: Vec::new(),
        };
        for cluster in state.clusters {
            all.begin(cluster);
        }
        for text in state.texts {
            all.keep(text.cluster, text.text.chars().collect(), text.last);
        }
        all
    }

    pub(crate) fn judge(&mut self, item: &Item) -> Verdict {
        let reading = read(item);
        let when = if item.observed == 0 { self.now } else { item.observed };
        let key = (item.source.clone(), item.id.clone());
        if let Some(&cluster) = self.first.get(&key) {
            return self.again(cluster, reading, when);
        }
        match self.find(item, &reading) {
            Some(found) => {
                let cluster = &mut self.clusters[found.cluster];
                cluster.items += 1;
                cluster.last = cluster.last.max(when);
                // What is said beside something passed on is not what the cluster says.
                if matches!(found.by, By::Text) {
                    self.learn(found.cluster, &reading, when);
                }
                self.verdict(&found, &reading)
            }
            None => {
                let (source, id) = key;
                let number = self.begin(Cluster { id, source, items: 1, last: when });
                self.learn(number, &reading, when);
                alone(&reading)
            }
        }
    }

    /// The first item of a cluster is seen once more: the same, or corrected by its source.
    fn again(&mut self, cluster: usize, reading: Reading, when: u64) -> Verdict {
        self.learn(cluster, &reading, when);
        let entry = &mut self.clusters[cluster];
        entry.last = entry.last.max(when);
        let mut verdict = alone(&reading);
        if entry.items > 1 {
            verdict.reasons.push(format!("再次采集到；本组首条，已有{}条与它相同或近似", entry.items - 1));
        }
        verdict
    }

    /// The cluster to which an item belongs.
    fn find(&mut self, item: &Item, reading: &Reading) -> Option<Found> {
        let told = item.fields.get(&self.config.repost_field).map(|id| id.trim()).filter(|id| !id.is_empty());
        if let Some(&cluster) = told.and_then(|id| self.first.get(&(item.source.clone(), id.to_owned()))) {
            return Some(Found { cluster, likeness: 1.0, by: By::Field });
        }
        if reading.text.len() < LEAST {
            return None; // nothing said is not the same as nothing said
        }
        if let Some(&text) = self.same.get(&reading.text) {
            return Some(Found { cluster: self.texts[text].cluster, likeness: 1.0, by: By::Text });
        }
        let shingles = Shingles::of(&reading.text);
        for (likeness, number) in self.near(&shingles) {
            let text = &self.texts[number];
            if told_apart(&reading.text, &text.chars).is_none() && !self.strays(&reading.text, text.cluster) {
                return Some(Found { cluster: text.cluster, likeness, by: By::Text });
            }
        }
        None
    }

    /// Texts as near as the threshold, the nearest first, of equals the earliest.
    fn near(&mut self, shingles: &Shingles) -> Vec<(f64, usize)> {
        let threshold = self.config.threshold;
        let mut met: Vec<usize> = Vec::new();
        for bigram in shingles.prefix(threshold) {
            for &number in self.index.get(bigram).into_iter().flatten() {
                let number = number as usize;
                if !std::mem::replace(&mut self.met[number], true) {
                    met.push(number);
                }
            }
        }
        let mut near = Vec::new();
        for number in met {
            self.met[number] = false;
            let other = &self.texts[number].shingles;
            let (less, more) = (shingles.len().min(other.len()), shingles.len().max(other.len()));
            if (less as f64) < threshold * more as f64 - 1e-9 {
                continue;
            }
            let likeness = shingles.likeness(other);
            if likeness >= threshold - 1e-9 {
                near.push((likeness, number));
            }
        }
        near.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        near.truncate(READ);
        near
    }

    /// Whether a text says other than the first text of a cluster that is still kept: step by step, one thing
    /// must not become another.
    fn strays(&self, text: &[char], cluster: usize) -> bool {
        self.begins[cluster].is_some_and(|first| told_apart(text, &self.texts[first].chars).is_some())
    }

    fn begin(&mut self, cluster: Cluster) -> usize {
        let number = self.clusters.len();
        self.first.insert((cluster.source.clone(), cluster.id.clone()), number);
        self.clusters.push(cluster);
        self.begins.push(None);
        number
    }

    /// Keeps a text of a cluster that is not kept yet.
    fn learn(&mut self, cluster: usize, reading: &Reading, when: u64) {
        if reading.text.len() < LEAST {
            return;
        }
        match self.same.get(&reading.text) {
            Some(&text) if self.texts[text].cluster == cluster => {
                let kept = &mut self.texts[text];
                kept.last = kept.last.max(when);
            }
            Some(_) => {}
            None => self.keep(cluster, reading.text.clone(), when),
        }
    }

    fn keep(&mut self, cluster: usize, chars: Vec<char>, last: u64) {
        let number = self.texts.len();
        let shingles = Shingles::of(&chars);
        for &bigram in shingles.prefix(self.config.threshold) {
            self.index.entry(bigram).or_default().push(number as u32);
        }
        self.same.entry(chars.clone()).or_insert(number);
        self.begins[cluster].get_or_insert(number);
        self.met.push(false);
        self.texts.push(Kept { cluster, chars, shingles, last });
    }

    fn verdict(&self, found: &Found, reading: &Reading) -> Verdict {
        let cluster = &self.clusters[found.cluster];
        let passed_on = reading.repost || matches!(found.by, By::Field);
        let mut verdict = alone(reading);
        verdict.score = found.likeness;
        verdict.factors = vec![Factor { name: "likeness".to_owned(), score: found.likeness }];
        verdict.labels = vec![format!("{}:{}", if passed_on { "repost-of" } else { "duplicate-of" }, cluster.id)];
        let first = if cluster.source.is_empty() {
            format!("“{}”", cluster.id)
        } else {
            format!("“{}”（来源{}）", cluster.id, cluster.source)
        };
        let how = match found.by {
            By::Field => format!("来源注明转自{first}"),
            By::Text if passed_on => format!("转发的内容与{first}相似度{:.2}", found.likeness),
            By::Text if found.likeness >= 1.0 => format!("与{first}文字相同"),
            By::Text => format!("与{first}近似，相似度{:.2}", found.likeness),
        };
        verdict.reasons.insert(0, format!("{how}；本组第{}条", cluster.items));
        verdict
    }

    /// The state, and what is said if something was dropped for want of room.
    pub(crate) fn finish(self) -> (Vec<u8>, Option<String>) {
        let limit = self.now.saturating_sub(u64::from(self.config.keep_days) * 86_400_000);
        let heard: Vec<u64> = self.clusters.iter().map(|cluster| cluster.last).collect();
        // The longest unheard of come last; a cluster's first text is worth as much as the cluster.
        let mut order: Vec<(u64, usize)> = Vec::with_capacity(self.texts.len());
        for (number, text) in self.texts.iter().enumerate() {
            let last = if self.begins[text.cluster] == Some(number) { heard[text.cluster] } else { text.last };
            if last >= limit {
                order.push((last, number));
            }
        }
        // Memory without a text stay by their first item's id: reposts may name it.
        let silent = (0..self.clusters.len()).filter(|&number| self.begins[number].is_none());
        let silent: Vec<usize> = silent.filter(|&number| heard[number] >= limit).collect();
        order.sort_by(|a, b| b.cmp(a));

        let mut room = Room { items: self.config.keep_items, bytes: self.config.keep_bytes.saturating_sub(96) };
        let mut stay = vec![false; self.clusters.len()];
        let mut texts = vec![false; self.texts.len()];
        let (mut lost, mut oldest) = (0_u64, self.now);
        for &(last, number) in &order {
            let kept = &self.texts[number];
            let text = Wording { cluster: kept.cluster, text: kept.chars.iter().collect(), last };
            let bytes = text.bytes() + if stay[kept.cluster] { 0 } else { self.clusters[kept.cluster].bytes() };
            if room.take(bytes) {
                (stay[kept.cluster], texts[number]) = (true, true);
                oldest = oldest.min(last);
            } else {
                lost += 1;
            }
        }
        for number in silent.into_iter().rev() {
            if room.take(self.clusters[number].bytes()) {
                stay[number] = true;
            } else {
                lost += 1;
            }
        }

        let mut numbers = vec![0; self.clusters.len()];
        let mut clusters = Vec::new();
        for (number, cluster) in self.clusters.into_iter().enumerate() {
            numbers[number] = clusters.len();
            if stay[number] {
                clusters.push(cluster);
            }
        }
        let dropped = self.dropped + lost;
        let texts: Vec<Wording> = self
            .texts
            .into_iter()
            .zip(texts)
            .filter(|(_, stays)| *stays)
            .map(|(kept, _)| Wording {
                cluster: numbers[kept.cluster],
                text: kept.chars.iter().collect(),
                last: kept.last,
            })
            .collect();
        let said = (lost > 0).then(|| {
            let hours = self.now.saturating_sub(oldest) / 3_600_000;
            format!(
                "状态已满：本批舍弃最久未出现的{lost}条文字（累计{dropped}条），保留{}条，最早的{hours}小时前出现；与舍弃者相同的信息不再归入其组",
                texts.len()
            )
        });
        (state::write(&State { form: 1, dropped, clusters, texts }), said)
    }
}

struct Room {
    items: usize,
    bytes: usize,
}

impl Room {
    fn take(&mut self, bytes: usize) -> bool {
        if self.items == 0 || self.bytes < bytes {
            self.items = 0; // what is older goes too, though it be smaller
            return false;
        }
        self.items -= 1;
        self.bytes -= bytes;
        true
    }
}

/// What can be said of an item by itself.
fn alone(reading: &Reading) -> Verdict {
    let mut verdict = Verdict::default();
    if reading.repost {
        verdict.labels.push("repost".to_owned());
        // Of a long chain its two ends.
        let mut chain = match reading.chain.as_slice() {
            chain if chain.len() > 7 => {
                let (first, last) = (&chain[..3], &chain[chain.len() - 2..]);
                format!("{}→（{}人）→{}", first.join("→"), chain.len() - 5, last.join("→"))
            }
            chain => chain.join("→"),
        };
        if !chain.is_empty() {
            chain = format!("：{chain}→本条");
        }
        let silent = if reading.text.is_empty() { "，未见原文" } else { "" };
        verdict.reasons.push(format!("转发{chain}{silent}"));
    }
    if reading.cut {
        verdict.reasons.push(format!("只比较前{}字", crate::reading::COMPARED));
    }
    verdict
}
