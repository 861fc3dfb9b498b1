//! The table is what it says: large enough, without doubles, and the same as
//! in the document.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;

use huiyin_hostile::case::Class;
use huiyin_hostile::{cases, table};

#[test]
fn there_are_sixty_plugins_and_more_of_every_class() {
    let all = cases::all();
    let names: BTreeSet<_> = all.iter().map(|case| case.name).collect();
    assert_eq!(names.len(), all.len(), "a name stands twice");
    assert!(all.len() >= 60, "{}", all.len());
    for class in Class::ALL {
        assert!(all.iter().any(|case| case.class == class), "{}", class.name());
    }
}

#[test]
fn the_document_holds_the_table() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/hostile.md");
    let document = std::fs::read_to_string(file).unwrap();
    let (_, found) = document.split_once("<!-- table -->\n").expect("a mark before the table");
    let (found, _) = found.split_once("<!-- end of table -->").expect("a mark after the table");
    assert_eq!(
        found.trim(),
        table::markdown().trim(),
        "docs/reference/hostile.md differs from the table: put what `cargo run -p huiyin-hostile -- table` prints \
         between its marks"
    );
}
