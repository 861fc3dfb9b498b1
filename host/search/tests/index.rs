//! The index from outside: what is found, in which order, within which bounds.

// Clippy's settings for tests do not reach helper functions of integration tests.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use huiyin_search::{Document, Index, Query, Wanted};
use proptest::prelude::*;

/// An index, and the texts that its caller has.
#[derive(Default)]
struct Library {
    index: Index,
    texts: BTreeMap<String, Vec<String>>,
}

impl Library {
    fn of(documents: &[(&str, i64, &[&str])]) -> Self {
        let mut library = Self::default();
        for (id, at, passages) in documents {
            library.put(document(id, *at), passages);
        }
        library
    }

    fn put(&mut self, document: Document, passages: &[&str]) {
        self.texts.insert(document.id.clone(), passages.iter().map(|text| (*text).to_owned()).collect());
        self.index.put(document, passages.iter().copied());
    }

    fn found(&self, wanted: Wanted<'_>) -> Vec<String> {
        let candidates = self.index.candidates(wanted);
        let stands = |id: &str| wanted.query.stands_in(self.texts[id].iter().map(String::as_str));
        candidates.into_iter().map(|one| one.id.to_owned()).filter(|id| stands(id)).collect()
    }

    fn ids(&self, query: &str) -> Vec<String> {
        self.found(wanted(&Query::parse(query).unwrap()))
    }
}

fn document(id: &str, at: i64) -> Document {
    Document { id: id.to_owned(), kind: "case", units: vec!["cuihu".to_owned()], at }
}

fn wanted(query: &Query) -> Wanted<'_> {
    Wanted { query, units: None, kind: None, from: None, before: None, after: None }
}

#[test]
fn names_of_one_two_and_rare_characters_are_found() {
    let library = Library::of(&[
        ("a", 1, &["翠湖县山火浓烟"]),
        ("b", 2, &["湖翠不是翠湖"]),
        ("c", 3, &["𬇙河镇来电"]),
        ("d", 4, &["5G 基站,ABC路110号"]),
        ("e", 5, &["山火"]),
    ]);
    assert_eq!(library.ids("翠湖"), ["b", "a"]);
    assert_eq!(library.ids("翠湖县"), ["a"]);
    assert_eq!(library.ids("湖翠"), ["b"]);
    assert_eq!(library.ids("烟"), ["a"]);
    assert_eq!(library.ids("𬇙河"), ["c"]);
    assert_eq!(library.ids("𬇙"), ["c"]);
    assert_eq!(library.ids("5g基站 abc路110"), ["d"]);
    assert_eq!(library.ids("翠湖 山火"), ["a"]);
    assert!(library.ids("山河").is_empty());
}

#[test]
fn nothing_is_found_across_two_passages() {
    let library = Library::of(&[("a", 1, &["翠", "湖"])]);
    assert!(library.ids("翠湖").is_empty());
    assert_eq!(library.ids("翠 湖"), ["a"]);
}

#[test]
fn what_has_all_pairs_but_not_the_phrase_is_no_hit() {
    let library = Library::of(&[("a", 1, &["山火火海,火山"]), ("b", 2, &["山火山"])]);
    assert_eq!(library.ids("山火山"), ["b"]);
}

#[test]
fn what_is_put_again_or_removed_is_found_so() {
    let mut library = Library::of(&[("a", 1, &["山火"]), ("b", 1, &["山火"])]);
    library.put(document("a", 1), &["洪水"]);
    library.index.remove("b");
    library.index.remove("b");
    assert!(library.ids("山火").is_empty());
    assert_eq!(library.ids("洪水"), ["a"]);
    assert_eq!(library.index.documents(), 1);
    // The number that is free is used again, and nothing of what was there is left.
    library.put(document("c", 1), &["停电"]);
    assert!(library.ids("山火").is_empty());
    assert_eq!(library.ids("停电"), ["c"]);
}

#[test]
fn pages_follow_each_other_without_gap_and_without_repeating() {
    let mut library = Library::default();
    for n in 0..57 {
        library.put(document(&format!("d{n}"), n / 10), &["山火"]);
    }
    let query = Query::parse("山火").unwrap();
    let (mut after, mut seen) = (None, Vec::new());
    loop {
        let page = library.index.candidates(Wanted { after, ..wanted(&query) });
        let Some(last) = page.iter().take(10).next_back() else { break };
        after = Some(last.place.to_string().parse().unwrap());
        seen.extend(page.iter().take(10).map(|one| (one.place, one.id.to_owned())));
    }
    assert!(seen.windows(2).all(|two| two[0].0 < two[1].0));
    assert_eq!(seen.len(), 57);
    assert!(seen[0].1.starts_with("d5"), "the latest first: {seen:?}");
}

#[test]
fn units_kind_and_time_bound_what_is_found() {
    let mut library = Library::of(&[("a", 3, &["山火"])]);
    let units = vec!["linhai".to_owned(), "pingshan".to_owned()];
    library.put(Document { units, kind: "item", ..document("b", 5) }, &["山火"]);
    let query = Query::parse("山火").unwrap();
    let of = |wanted: Wanted<'_>| library.found(wanted);
    assert_eq!(of(Wanted { units: Some(&["pingshan".to_owned()]), ..wanted(&query) }), ["b"]);
    assert!(of(Wanted { units: Some(&[]), ..wanted(&query) }).is_empty());
    assert_eq!(of(Wanted { kind: Some("case"), ..wanted(&query) }), ["a"]);
    assert_eq!(of(Wanted { from: Some(4), ..wanted(&query) }), ["b"]);
    assert_eq!(of(Wanted { before: Some(5), ..wanted(&query) }), ["a"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_document_in_which_every_term_stands_is_missing_among_the_candidates(
        texts in prop::collection::vec(prop::collection::vec("[翠湖山火ab1, ,]{0,12}", 1..3), 1..8),
        typed in "[翠湖山火ab1 ]{1,6}",
    ) {
        let Ok(query) = Query::parse(&typed) else { return Ok(()) };
        let mut library = Library::default();
        for (n, passages) in texts.iter().enumerate() {
            let passages: Vec<&str> = passages.iter().map(String::as_str).collect();
            library.put(document(&n.to_string(), 0), &passages);
        }
        let mut found = library.found(wanted(&query));
        found.sort();
        // By the marks of each term alone, over all documents.
        let stands = |passages: &Vec<String>| typed.split_whitespace().all(|term| {
            let one = Query::parse(term).unwrap();
            passages.iter().any(|text| !one.marks(text).is_empty())
        });
        let want: Vec<String> =
            texts.iter().enumerate().filter(|(_, passages)| stands(passages)).map(|(n, _)| n.to_string()).collect();
        prop_assert_eq!(found, want);
    }
}
