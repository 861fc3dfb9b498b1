//! How many place names are found again, and whether anything else is: every name of GB/T 2260 from the counties
//! upward (`places.txt`), in a sentence of its own between others.

// Clippy's settings for tests do not reach helper functions of integration tests.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use huiyin_search::{Document, Index, Query, Wanted};

const NAMES: &str = include_str!("places.txt");
/// Names of places with characters outside the common plane.
const RARE: [&str; 6] = ["𬇙河镇", "㵲阳河", "𡐓塘村", "大𡒄乡", "䢺港", "𬒈石"];

/// Sentences as people write them, so that a name stands at the beginning, in the middle and at the end.
fn sentence(name: &str, n: usize) -> String {
    match n % 4 {
        0 => format!("{name}山火浓烟很大,请核实"),
        1 => format!("有网民反映在{name}发生停水,群众来电较多"),
        2 => format!("今天上午去了{name}"),
        _ => format!("据悉{name}人民政府已回应"),
    }
}

fn short(name: &str) -> Option<&str> {
    let cut = ["县", "市", "区", "省"].iter().find_map(|end| name.strip_suffix(end))?;
    (cut.chars().count() > 1).then_some(cut)
}

#[test]
fn every_place_name_is_found_and_nothing_without_it() {
    let names: Vec<&str> = NAMES.lines().chain(RARE).collect();
    let texts: Vec<String> = names.iter().enumerate().map(|(n, name)| sentence(name, n)).collect();
    let mut index = Index::new();
    for (n, text) in texts.iter().enumerate() {
        let document = Document { id: n.to_string(), kind: "case", units: vec!["unit".to_owned()], at: n as i64 };
        index.put(document, [text.as_str()]);
    }
    let (mut asked, mut found, mut wrong) = (0, 0, 0);
    for (n, name) in names.iter().enumerate() {
        for name in std::iter::once(*name).chain(short(name)) {
            let query = Query::parse(name).unwrap();
            let wanted = Wanted { query: &query, units: None, kind: None, from: None, before: None, after: None };
            let candidates = index.candidates(wanted);
            let hits: BTreeSet<usize> = candidates.iter().map(|one| one.id.parse().unwrap()).collect();
            let hits: BTreeSet<usize> =
                hits.into_iter().filter(|hit| query.stands_in([texts[*hit].as_str()])).collect();
            asked += 1;
            found += usize::from(hits.contains(&n));
            wrong += hits.iter().filter(|hit| !texts[**hit].contains(name)).count();
        }
    }
    println!("{found} of {asked} place names found again; {wrong} hits without the name");
    assert_eq!((found, wrong), (asked, 0));
    assert!(asked > 5_000, "{asked}");
}
