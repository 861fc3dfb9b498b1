//! What a collector has handed over: marks of items, kept in its cursor, and
//! what follows from them for a new page: which entries are new, which were
//! corrected, which are known, which stand there twice.

use serde::{Deserialize, Serialize};

use crate::{HashMap, Item, log};

/// FNV-1a, 64 bits, in hexadecimal: the same for ever, whatever the compiler.
pub fn mark(text: &str) -> String {
    format!("{:016x}", hash(text))
}

fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// One item of a page with what tells its versions apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The item, under the id that its source gives it.
    pub item: Item,
    /// When the source says that it was last changed, as it is written there;
    /// empty where it does not say.
    pub changed: String,
}

impl Candidate {
    /// Of an item: marks of its title, of its text and of when it was changed.
    fn version(&self) -> String {
        let short = |text: &str| hash(text) & 0x00ff_ffff;
        format!("{:08x}{:06x}{:06x}", hash(&self.item.title) as u32, short(&self.item.body), short(&self.changed))
    }

    /// Whether it is another version than the one of that mark. A new title
    /// is; a new text is where the source says that it was changed too. (The
    /// date alone is set anew by some servers at each request.)
    fn differs(&self, known: &str) -> bool {
        let now = self.version();
        match (known.get(..8), known.get(8..14), known.get(14..20)) {
            (Some(title), Some(text), Some(changed)) => {
                title != &now[..8] || (text != &now[8..14] && changed != &now[14..])
            }
            // Marked before versions were kept.
            _ => false,
        }
    }
}

/// The marks of items that were handed over, the latest last. In JSON a list
/// of texts: 16 digits for the id, then 20 for the version.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Known(Vec<String>);

/// What became of a page's entries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sorted {
    /// To hand over: new ones, and corrected ones with the field `corrects`,
    /// which holds the id that they had first.
    pub items: Vec<Item>,
    /// How many of them correct another.
    pub corrected: usize,
    /// Passed over: handed over before.
    pub known: usize,
    /// Of those, how many were known before the first `base` marks.
    pub known_before: usize,
    /// Passed over: twice in this page.
    pub doubles: usize,
    /// Entries of one id that are different ones, and got ids of their own.
    pub parted: usize,
    /// There are more than the limit.
    pub left: bool,
    /// The marks of all of the page's entries that were handed over, now or before.
    pub marks: Known,
}

impl Sorted {
    /// How many are neither known nor doubles.
    pub fn new_ones(&self) -> usize {
        self.items.len() - self.corrected
    }

    /// Tells the log of it, as a warning where entries share an id.
    pub fn log(&self) {
        if let Some(line) = self.line() {
            if self.parted > 0 { log::warn(&line) } else { log::info(&line) }
        }
    }

    /// What an admin should read of it, if anything was passed over or parted.
    pub fn line(&self) -> Option<String> {
        let mut parts = Vec::new();
        for (count, what) in [
            (self.corrected, "corrected"),
            (self.known, "known and passed over"),
            (self.doubles, "twice in the page and passed over"),
            (self.parted, "of an id that others have too, told apart by link and title"),
        ] {
            if count > 0 {
                parts.push(format!("{count} {what}"));
            }
        }
        (!parts.is_empty()).then(|| format!("{} new, {}", self.new_ones(), parts.join(", ")))
    }
}

impl Known {
    /// How many marks there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds the marks of a page; one of the same id takes the place of the old.
    pub fn add(&mut self, marks: Self) {
        let mut places: HashMap<String, usize> = self.places();
        for mark in marks.0 {
            if let Some(&at) = places.get(&id_of(&mark)) {
                self.0[at] = mark;
            } else {
                places.insert(id_of(&mark), self.0.len());
                self.0.push(mark);
            }
        }
    }

    /// Forgets the oldest, so that `most` are left; gives how many went.
    pub fn forget(&mut self, most: usize) -> usize {
        let over = self.0.len().saturating_sub(most);
        self.0.drain(..over);
        over
    }

    fn places(&self) -> HashMap<String, usize> {
        self.0.iter().enumerate().map(|(at, mark)| (id_of(mark), at)).collect()
    }

    /// Sorts a page's entries, in their order, and hands over at most `limit`.
    /// `base` is how many of the marks are from before, as [`Sorted::known_before`]
    /// counts them.
    pub fn sort(&self, entries: Vec<Candidate>, limit: usize, base: usize) -> Sorted {
        let places = self.places();
        let find = |id: &str| {
            if places.is_empty() {
                return None;
            }
            places.get(&mark(id)).map(|&at| (at, self.0[at].get(16..).unwrap_or_default()))
        };
        let mut sorted = Sorted::default();
        let mut seen: HashMap<String, String> = HashMap::default();
        let shared = shared(&entries);
        for (mut entry, shared) in entries.into_iter().zip(shared) {
            let plain = find(&entry.item.id);
            // Of entries that share an id, the one that was handed over under it keeps it.
            let keeps = plain.is_some_and(|(_, version)| !version.is_empty() && !entry.differs(version));
            let parted = !places.is_empty() && plain.is_none() && find(&own_id(&entry)).is_some();
            if (shared && !keeps) || parted {
                entry.item.id = own_id(&entry);
                sorted.parted += usize::from(shared);
            }
            let version = entry.version();
            let id = mark(&entry.item.id);
            if seen.insert(id.clone(), version.clone()).is_some() {
                sorted.doubles += 1;
                continue;
            }
            match find(&entry.item.id) {
                Some((at, known)) if !entry.differs(known) => {
                    sorted.known += 1;
                    sorted.known_before += usize::from(at < base);
                    // Where the version was not kept, this is it.
                    let version = if known.is_empty() { version } else { known.to_owned() };
                    sorted.marks.0.push(format!("{id}{version}"));
                }
                Some((_, known)) if sorted.items.len() >= limit => {
                    sorted.marks.0.push(format!("{id}{known}"));
                    sorted.left = true;
                }
                Some(_) => {
                    let first = std::mem::take(&mut entry.item.id);
                    entry.item.id = format!("{first}#{}", mark(&format!("{}\n{}", entry.item.title, entry.item.body)));
                    entry.item.fields.insert("corrects".to_owned(), first);
                    sorted.corrected += 1;
                    sorted.marks.0.push(format!("{id}{version}"));
                    sorted.items.push(entry.item);
                }
                None if sorted.items.len() >= limit => {
                    seen.remove(&id);
                    sorted.left = true;
                }
                None => {
                    sorted.marks.0.push(format!("{id}{version}"));
                    sorted.items.push(entry.item);
                }
            }
        }
        sorted
    }
}

fn id_of(mark: &str) -> String {
    mark.chars().take(16).collect()
}

/// An id of its own for an entry whose id others have too.
fn own_id(entry: &Candidate) -> String {
    let item = &entry.item;
    let told = format!("{}\n{}\n{}", item.id, item.url.as_deref().unwrap_or_default(), item.title);
    format!("{}#{}", item.id, mark(&told))
}

/// Of each entry, whether others of the page have its id and are not the same.
fn shared(entries: &[Candidate]) -> Vec<bool> {
    let mut groups: HashMap<&str, Vec<usize>> = HashMap::default();
    for (at, entry) in entries.iter().enumerate() {
        groups.entry(&entry.item.id).or_default().push(at);
    }
    let mut shared = vec![false; entries.len()];
    for group in groups.values().filter(|group| group.len() > 1) {
        let first = own_id(&entries[group[0]]);
        if group.iter().any(|at| own_id(&entries[*at]) != first) {
            for at in group {
                shared[*at] = true;
            }
        }
    }
    shared
}

#[cfg(test)]
mod tests {
    use super::{Candidate, Known, Sorted};
    use crate::Item;

    fn entry(id: &str, title: &str, body: &str, changed: &str) -> Candidate {
        let url = Some(format!("https://a.cn/{title}"));
        let item = Item { id: id.to_owned(), url, title: title.to_owned(), body: body.to_owned(), ..Item::default() };
        Candidate { item, changed: changed.to_owned() }
    }

    fn ids(sorted: &Sorted) -> Vec<&str> {
        sorted.items.iter().map(|item| item.id.as_str()).collect()
    }

    #[test]
    fn feed_identity_entries_of_one_id_are_all_kept() {
        let page = vec![
            entry("g", "一", "", ""),
            entry("g", "二", "", ""),
            entry("g", "一", "", ""),
            entry("h", "三", "", ""),
        ];
        let first = Known::default().sort(page.clone(), 10, 0);
        assert_eq!(first.items.len(), 3);
        assert!(ids(&first)[0].starts_with("g#") && ids(&first)[1].starts_with("g#") && ids(&first)[2] == "h");
        assert_eq!((first.doubles, first.parted), (1, 3));
        assert!(first.line().unwrap().contains("told apart by link and title"));
        let again = first.marks.sort(page.clone(), 10, 0);
        assert_eq!((again.items.len(), again.known, again.doubles), (0, 3, 1));
        // Later alone, it is still known under its own id.
        let alone = first.marks.sort(page[..1].to_vec(), 10, 0);
        assert_eq!((alone.items.len(), alone.known), (0, 1));
    }

    #[test]
    fn feed_identity_the_first_of_an_id_keeps_it_when_another_comes() {
        let known = Known::default().sort(vec![entry("g", "一", "", "")], 10, 0).marks;
        let both = known.sort(vec![entry("g", "二", "", ""), entry("g", "一", "", "")], 10, 0);
        assert_eq!((both.items.len(), both.known), (1, 1));
        assert_eq!(both.items[0].title, "二");
    }

    #[test]
    fn feed_identity_a_corrected_entry_is_handed_over_once() {
        let known = Known::default().sort(vec![entry("g", "一", "甲", "1")], 10, 0).marks;
        for (title, body, changed, corrected) in
            [("一", "甲", "2", false), ("一", "乙", "1", false), ("一", "乙", "2", true), ("二", "甲", "1", true)]
        {
            let sorted = known.sort(vec![entry("g", title, body, changed)], 10, 0);
            assert_eq!(sorted.corrected == 1, corrected, "{title} {body} {changed}");
            let again = sorted.marks.sort(vec![entry("g", title, body, changed)], 10, 0);
            assert_eq!((again.items.len(), again.known), (0, 1));
        }
        let sorted = known.sort(vec![entry("g", "二", "甲", "2")], 10, 0);
        assert_eq!(sorted.items[0].fields["corrects"], "g");
        assert!(sorted.items[0].id.starts_with("g#"));
        // With no room it waits, and is not forgotten.
        let none = known.sort(vec![entry("g", "二", "甲", "2")], 0, 0);
        assert!(none.left && none.items.is_empty());
        assert_eq!(none.marks.sort(vec![entry("g", "二", "甲", "2")], 1, 0).corrected, 1);
    }

    #[test]
    fn feed_identity_marks_of_before_are_read() {
        let old: Known = serde_json::from_str(&format!("[\"{}\"]", super::mark("g"))).unwrap();
        let sorted = old.sort(vec![entry("g", "二", "", "2")], 10, 1);
        assert_eq!((sorted.items.len(), sorted.known, sorted.known_before), (0, 1, 1));
        assert_eq!(
            sorted.marks.sort(vec![entry("g", "三", "", "2")], 10, 0).corrected,
            1,
            "its version is kept from now on"
        );
        for odd in ["[\"\"]", "[\"é\"]", "[\"0123456789abcdeé\"]"] {
            let odd: Known = serde_json::from_str(odd).unwrap();
            assert_eq!(odd.sort(vec![entry("g", "一", "", "")], 10, 0).items.len(), 1);
            let mut grown = odd.clone();
            grown.add(odd);
        }
    }
}
